"""Hand-made journals: small, sound, and no product of the core's decisions."""

from datetime import UTC, datetime, timedelta

from policies.schema import Category, Channel, PackRef, RemedyKind, Stage
from states import facts
from states.case import Case
from states.facts import AnyFact
from states.journal import Entry, fold, seal
from states.values import Claim, Head, SellerContact, TextRef
from states.view import CaseRow

START = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=UTC)
POLICY = PackRef(name="platform", version="2024-07-22", digest="0" * 64)
TEXT = TextRef(ref="v-0001", sha256="a" * 64, size=12)


def filed() -> facts.CaseFiled:
    return facts.CaseFiled(
        rules=("INT-1",),
        complainant="buyer-017",
        respondent="shop-204",
        orders=("order-1",),
        category=Category.QUALITY,
        claim=Claim((RemedyKind.REFUND,), 19_900),
        title=TEXT,
        description=TEXT,
        channel=Channel.ORDER_PAGE,
        received_at=START,
        seller_contact=SellerContact.REFUSED,
        high_risk=False,
        external=False,
        policy=POLICY,
        penalty_policy=POLICY,
        revision=1,
    )


def entry(case_id: str, previous: Head, *established: AnyFact, event: str = "act") -> Entry:
    """The next entry of a case, an hour after the one before."""
    at = START + timedelta(hours=previous.number)
    return seal(
        Entry(
            case_id=case_id,
            number=0,
            event=event,
            decided_at=at,
            effective_at=at,
            policy=str(POLICY),
            facts=established,
        ),
        previous,
    )


def journal_of(case_id: str, length: int) -> tuple[Entry, ...]:
    """A case that is filed and then passes from owner to owner."""
    entries = [entry(case_id, Head(), filed(), event="file_complaint")]
    while len(entries) < length:
        owner = facts.OwnerNamed(owner=f"agent-{len(entries):02}", rules=("SLA-1", "TRA-1"))
        entries.append(entry(case_id, entries[-1].head, owner))
    return tuple(entries)


def other_next(entries: tuple[Entry, ...]) -> Entry:
    """Another entry that could stand in place of the last one."""
    before = entries[-2].head if len(entries) > 1 else Head()
    fact = facts.OwnerNamed(owner="agent-99") if before.number else filed()
    return entry(entries[0].case_id, before, fact, event="other_act")


def row_of(case: Case) -> CaseRow:
    return CaseRow(
        case_id=case.case_id,
        entries=case.head.number,
        stage=case.stage,
        level=case.level,
        category=case.category,
        complainant=case.complainant,
        respondent=case.respondent,
        owner=case.owner,
        policy=str(case.policy),
        high_risk=case.high_risk,
        external=case.external,
        next_deadline=START + timedelta(days=case.head.number),
        next_clock="acceptance",
        opened_at=case.received_at,
        remedies="",
        penalties="",
        path=(Stage.INTAKE, Stage.ACCEPTANCE),
    )


def row_after(entries: tuple[Entry, ...]) -> CaseRow:
    """The row after a whole journal."""
    case = fold(entries)
    assert case is not None
    return row_of(case)
