"""Intake and admission: who may complain about what, how long, and whether the seller was asked first (areas INT,
ADM).
"""

from datetime import datetime, timedelta

from policies.schema import ClockKind, Ground, Party, Policy, Stage
from states import facts
from states.case import Case, file
from states.draft import REVISION, Draft, Refused
from states.effects import AnyOutcome, LookUpOrder, OrderFound
from states.events import (
    AcceptComplaint,
    FileComplaint,
    RecordContact,
    RefuseComplaint,
    ReportSellerContact,
)
from states.rules import evidence, feedback, verification
from states.values import (
    Contact,
    Outcome,
    RequestKind,
    SellerContact,
)


def open_case(act: FileComplaint, policy: Policy, at: datetime, now: datetime) -> Draft:
    """A new case file from the first moment (INT-1), its clocks running and the order being looked up (ADM-1)."""
    if act.category not in policy.pack.categories:
        raise Refused("unknown_category", f"{policy.ref} has no rules for category {act.category}", "INT-4")
    filed = facts.CaseFiled(
        complainant=act.complainant,
        respondent=act.respondent,
        orders=act.orders,
        category=act.category,
        claim=act.claim,
        title=act.title,
        description=act.description,
        channel=act.channel,
        received_at=at,
        seller_contact=act.seller_contact,
        high_risk=act.high_risk,
        external=act.channel in policy.pack.admission.external_channels,
        policy=policy.ref,
        revision=REVISION,
        rules=("INT-1", "INT-2"),
    )
    draft = Draft(file(act.case_id, filed), policy, at, now)
    draft.facts.append(filed)
    draft.enter(Stage.INTAKE, "file", "INT-1")
    record_contact(draft, act)
    evidence.add(draft, act, act.evidence)
    draft.tell("received", Party.COMPLAINANT, "FBK-1")
    draft.order(LookUpOrder(key=draft.effect_key(), order=act.orders[0]), "ADM-1")
    return draft


def record_contact(draft: Draft, act: FileComplaint) -> None:
    """Every contact about the matter records its channel (INT-2)."""
    contact = Contact(at=draft.at, channel=act.channel, by=act.complainant, text=act.description)
    draft.record(facts.ContactRecorded(contact=contact, rules=("INT-2",)))


def contacted(draft: Draft, act: RecordContact) -> None:
    """A contact with a party; one from the platform reaches the party (SLA-2, FBK-1)."""
    if draft.case.stage is Stage.ARCHIVED:
        raise Refused("archived", f"{draft.case.case_id} is archived: reopen it or file a complaint", "INT-2")
    if act.outbound and draft.party_of(act.actor) is not Party.PLATFORM:
        raise Refused("wrong_party", "outbound: only the platform reports a contact of its own", "SLA-2")
    contact = Contact(
        at=draft.at,
        channel=act.channel,
        by=act.actor.id if act.actor else "",
        outbound=act.outbound,
        text=act.text,
    )
    draft.record(facts.ContactRecorded(contact=contact, rules=("INT-2",)))
    if not act.outbound:
        return
    feedback.reached(draft, act.party)
    if act.party is Party.COMPLAINANT:
        draft.meet(draft.case.clock(ClockKind.FIRST_CONTACT))


def join(draft: Draft, act: FileComplaint) -> None:
    """A further complaint on the same key is a contact about the case (INT-2).

    Once the case is closed, the same content again is not admitted (ADM-5); the complainant is told so. Anything new
    is kept.
    """
    case = draft.case
    if act.case_id != case.case_id:
        raise Refused("wrong_case", f"complainant, orders: they name {act.case_id}, this is {case.case_id}", "INT-1")
    new = tuple(item for item in act.evidence if not case.knows_content(item.content.sha256))
    record_contact(draft, act)
    evidence.add(draft, act, new)
    if case.stage in (Stage.CLOSED, Stage.ARCHIVED) and not new:
        draft.tell("already_handled", Party.COMPLAINANT, "ADM-5", "TRA-1")
        draft.refuse_on_record(
            "already_handled",
            f"{case.case_id} was handled and closed; the same content is not admitted again: bring new evidence",
            "ADM-5",
        )


# --- the order ----------------------------------------------------------------------------


def order_looked_up(draft: Draft, outcome: AnyOutcome) -> None:
    """The platform answered about the order: it proves the purchase if the complainant is its buyer (ADM-1)."""
    order = outcome.facts if isinstance(outcome, OrderFound) else None
    mine = order is not None and order.buyer == draft.case.complainant
    draft.record(facts.OrderKnown(order=order if mine else None, rules=("ADM-1",)))


def examine(draft: Draft) -> None:
    """What can be examined by itself while a complaint is at intake; ends in acceptance, refusal or a question."""
    case = draft.case
    if case.stage is not Stage.INTAKE or not case.order_checked:
        return
    if not case.standing and not _proves_purchase(draft):
        _ask_for_proof(draft)
        return
    if case.order is not None and case.order.platform not in draft.pack.admission.platforms:
        _refuse(draft, Ground.OUTSIDE_JURISDICTION, "ADM-5", platform=case.order.platform)
        return
    limit = _time_limit(draft)
    if limit is not None and case.received_at > limit:
        _refuse(
            draft,
            Ground.TOO_LATE,
            "ADM-2",
            received=case.received_at.isoformat(),
            limit=limit.isoformat(),
        )
        return
    if _seller_comes_first(case):
        if case.clock(ClockKind.SELLER_FIRST) is None:
            draft.arm(ClockKind.SELLER_FIRST)
            draft.tell("seller_first", Party.RESPONDENT, "ADM-7")
            draft.tell("seller_first", Party.COMPLAINANT, "ADM-7")
        return
    draft.move("admit", "ADM-1", "ADM-2", "ADM-7")


def _time_limit(draft: Draft) -> datetime | None:
    """Until when a complaint is in time: counted from the purchase or, if later, from when the problem arose
    (ADM-2).
    """
    starts = [
        start
        for start in (
            draft.case.order.purchased_at if draft.case.order else None,
            draft.case.claim.problem_since,
        )
        if start is not None
    ]
    if not starts:
        return None
    return max(starts) + timedelta(days=draft.pack.admission.limit_days)


def _seller_comes_first(case: Case) -> bool:
    """Seller-first, which high-risk and external complaints skip (ADM-7)."""
    return case.seller_contact is SellerContact.NOT_APPROACHED and not case.high_risk and not case.external


def _proves_purchase(draft: Draft) -> bool:
    """Whether the file holds a receipt or the like; if so, standing is on record (ADM-1)."""
    kinds = draft.pack.admission.proof_kinds
    proof = tuple(item.id for item in draft.case.evidence if item.kind in kinds)
    if proof:
        draft.record(facts.StandingProven(evidence=proof, rules=("ADM-1",)))
    return bool(proof)


def _ask_for_proof(draft: Draft) -> None:
    """Proof of purchase is asked for once, with a deadline (ADM-1)."""
    if any(asked.kind is RequestKind.PROOF_OF_PURCHASE for asked in draft.case.requests):
        return
    evidence.ask(
        draft,
        RequestKind.PROOF_OF_PURCHASE,
        Party.COMPLAINANT,
        draft.pack.admission.proof_kinds,
        ClockKind.PROOF_OF_PURCHASE,
        "ADM-1",
    )


def proof_lapsed(draft: Draft, subject: str) -> None:
    """No proof of purchase came in time (ADM-1)."""
    evidence.lapse(draft, subject, "ADM-1")
    if draft.case.stage is Stage.INTAKE:
        _refuse(draft, Ground.NO_PROOF_OF_PURCHASE, "ADM-1")


# --- the seller first ---------------------------------------------------------------------


def report_seller_contact(draft: Draft, act: ReportSellerContact) -> None:
    """What came of turning to the seller: a case goes on unless it is solved (ADM-7)."""
    if draft.case.stage is not Stage.INTAKE:
        raise Refused("wrong_stage", "the seller's answer is asked for at intake only", "ADM-7")
    draft.record(facts.SellerContactReported(result=act.result, rules=("ADM-7",)))
    draft.meet(draft.case.clock(ClockKind.SELLER_FIRST))
    if act.result is SellerContact.SOLVED:
        drop(draft, Outcome.SETTLED_BY_SELLER, "ADM-7")


def seller_first_lapsed(draft: Draft, subject: str) -> None:
    """The seller had its turn and did not solve it (ADM-7)."""
    draft.record(facts.SellerContactReported(result=SellerContact.NO_ANSWER, rules=("ADM-7",)))


# --- acceptance and refusal ---------------------------------------------------------------


def accept(draft: Draft, act: AcceptComplaint) -> None:
    """The agent accepts the complaint and owns it from now on (SLA-1)."""
    draft.move("accept", "SLA-1")
    draft.own(act.actor)
    draft.correctable("accept_complaint", Stage.ACCEPTANCE)
    draft.tell("accepted", Party.COMPLAINANT, "SLA-1")
    verification.open_(draft)


def refuse(draft: Draft, act: RefuseComplaint) -> None:
    """The agent refuses to admit the complaint, on one of the stated grounds (ADM-5)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: a refusal needs a reason", "TRA-1")
    before = draft.case.stage
    _refuse(draft, act.ground, "ADM-5")
    draft.own(act.actor)
    draft.correctable("refuse_complaint", before)


def _refuse(draft: Draft, ground: Ground, rule: str, **detail: str) -> None:
    """Not admitted, with the ground; the complainant is told (ADM-5)."""
    draft.move("refuse", rule)
    draft.record(facts.OutcomeSet(outcome=Outcome.REFUSED, ground=ground, detail=detail, rules=(rule,)))
    draft.settle_open_matters()
    draft.tell("refused", Party.COMPLAINANT, rule, "FBK-1", ground=ground, **detail)


def drop(draft: Draft, outcome: Outcome, rule: str) -> None:
    """The complainant no longer pursues the matter: clocks are cancelled, both sides are told (COO-5)."""
    draft.move("withdraw", rule, drop=True)
    draft.record(facts.OutcomeSet(outcome=outcome, rules=(rule,)))
    draft.settle_open_matters()
    draft.tell_both("withdrawn", rule, "FBK-1", outcome=outcome)
