"""Evidence and statements: asked for, handed in, or left out (areas INT and VER)."""

from policies.schema import ClockKind, Party, Stage
from states import facts
from states.case import Case
from states.draft import Draft, Refused, next_id
from states.events import Act, RequestEvidence, SubmitEvidence, SubmitStatement
from states.lifecycle import OPEN_STAGES
from states.values import (
    Evidence,
    EvidenceItem,
    Request,
    RequestKind,
    RequestState,
    Statement,
)

THIRD_PARTIES = (Party.CARRIER, Party.APPRAISER)
"""Who is no party to the complaint, yet can be asked for evidence; the platform hands in what they send (VER-14)."""


def require_open(draft: Draft) -> None:
    """Both sides are heard in every open stage, and in no other (COO-5)."""
    if draft.case.stage not in OPEN_STAGES:
        raise Refused("case_closed", f"the case is {draft.case.stage}: the file is closed", "COO-5")


# --- items --------------------------------------------------------------------------------


def add(draft: Draft, act: Act, items: tuple[EvidenceItem, ...], *rules: str, submitter: Party | None = None) -> None:
    """Put items on the file, each with kind, submitter, time, hash and where it is kept (INT-3).

    The submitter is whoever acts, where it is not named. Only the policy's kinds of evidence are taken (INT-6).
    """
    for item in items:
        if item.kind not in draft.pack.evidence_kinds:
            raise Refused(
                "unknown_evidence_kind",
                f"items.kind: {item.kind} is not one of {', '.join(draft.pack.evidence_kinds)}",
                "INT-6",
            )
        evidence = Evidence(
            id=next_id("E", draft.case.evidence),
            kind=item.kind,
            submitter=submitter or draft.party_of(act.actor),
            by=act.actor.id if act.actor else "",
            submitted_at=draft.at,
            content=item.content,
        )
        draft.record(facts.EvidenceAdded(evidence=evidence, rules=("INT-3", "INT-6", *rules)))


def new_items(case: Case, items: tuple[EvidenceItem, ...]) -> tuple[EvidenceItem, ...]:
    """Those whose content is not on the file yet."""
    return tuple(item for item in items if not case.knows_content(item.content.sha256))


def hand_in(
    draft: Draft, act: Act, items: tuple[EvidenceItem, ...], *rules: str, submitter: Party | None = None
) -> None:
    """Items from a party are on the file, and answer what it was asked for once they are all that was."""
    party = submitter or draft.party_of(act.actor)
    add(draft, act, items, *rules, submitter=party)
    for each in draft.case.open_requests(party):
        if each.kind is RequestKind.EVIDENCE and not _still_wanted(draft, each, items):
            settle(draft, each, "answer", "VER-1")


def _still_wanted(draft: Draft, request: Request, items: tuple[EvidenceItem, ...]) -> set[str]:
    """What was asked for and came neither now nor earlier since; where several kinds were asked for of which the
    checklist wants one, one will do (VER-2).
    """
    since = [
        item for item in draft.case.evidence if item.submitter is request.party and item.submitted_at > request.asked_at
    ]
    wanted = set(request.wanted)
    came = wanted & ({item.kind for item in items} | {item.kind for item in since})
    groups = [wanted.intersection(group) for group in draft.category.checklist.get(request.party, ())]
    return wanted - came.union(*(group for group in groups if came & group))


def submit(draft: Draft, act: SubmitEvidence) -> None:
    """Evidence is taken in every open stage (COO-5), from a carrier or an appraiser through the platform (VER-14)."""
    require_open(draft)
    if act.on_behalf_of is None:
        hand_in(draft, act, act.items, "COO-5")
        return
    if act.on_behalf_of not in THIRD_PARTIES or draft.party_of(act.actor) is not Party.PLATFORM:
        raise Refused(
            "wrong_party",
            f"on_behalf_of: only the platform hands in for others, and only for {' or '.join(THIRD_PARTIES)}",
            "VER-14",
        )
    hand_in(draft, act, act.items, "COO-5", "VER-14", submitter=act.on_behalf_of)


def submit_statement(draft: Draft, act: SubmitStatement) -> None:
    """Both sides may state their case in every open stage (COO-5); the seller's answers the platform's question
    (VER-3).
    """
    require_open(draft)
    party = draft.party_of(act.actor)
    statement = Statement(party=party, by=act.actor.id if act.actor else "", at=draft.at, text=act.text, plan=act.plan)
    draft.record(facts.StatementMade(statement=statement, rules=("VER-3", "COO-5")))
    if party is Party.COMPLAINANT:
        draft.have_read(act.text)
    for each in draft.case.open_requests(party):
        if each.kind is RequestKind.STATEMENT:
            settle(draft, each, "answer", "VER-3")


# --- requests -----------------------------------------------------------------------------


def request(draft: Draft, act: RequestEvidence) -> None:
    """Ask a named party for a list of evidence, with a deadline, up to the policy's number of rounds (VER-1)."""
    if draft.case.stage is not Stage.VERIFICATION:
        raise Refused("wrong_stage", "evidence is asked for during verification", "VER-1")
    if act.party is Party.PLATFORM:
        raise Refused("wrong_party", "party: the platform does not ask itself for evidence", "VER-1")
    unknown = [kind for kind in act.wanted if kind not in draft.pack.evidence_kinds]
    if unknown:
        raise Refused("unknown_evidence_kind", f"wanted: {', '.join(unknown)} is unknown", "VER-1")
    addressee = _addressee(draft, act)
    before = [each for each in asked(draft, RequestKind.EVIDENCE) if each.party is act.party]
    if any(each.state is RequestState.OPEN for each in before):
        raise Refused("request_open", f"the {act.party} has still to answer the last request", "VER-1")
    if len(before) >= draft.pack.verification.max_rounds:
        raise Refused(
            "rounds_used_up",
            f"the {act.party} was asked {len(before)} times, which is the most that the policy allows",
            "VER-1",
        )
    rules = ("VER-1", "VER-14") if act.party in THIRD_PARTIES else ("VER-1",)
    request_id = ask(
        draft, RequestKind.EVIDENCE, act.party, act.wanted, ClockKind.EVIDENCE, *rules, addressee=addressee
    )
    draft.correctable("request_evidence", draft.case.stage, request_id)


def _addressee(draft: Draft, act: RequestEvidence) -> str:
    """Who is asked, where the party alone does not say: the carrier of the parcel, or whoever is named (VER-14)."""
    if act.party not in THIRD_PARTIES:
        if act.addressee is not None:
            raise Refused("addressee_not_wanted", f"addressee: the case says who the {act.party} is", "VER-14")
        return ""
    logistics = draft.case.logistics
    known = logistics.carrier if logistics is not None and act.party is Party.CARRIER else None
    addressee = act.addressee or known
    if addressee is None:
        raise Refused("addressee_missing", f"addressee: it is not known who the {act.party} is", "VER-14")
    return addressee


def ask(
    draft: Draft,
    kind: RequestKind,
    party: Party,
    wanted: tuple[str, ...],
    clock_kind: ClockKind,
    *rules: str,
    addressee: str = "",
) -> str:
    """Ask a party for something by a deadline, and tell it so; the request's id."""
    new = Request(
        id=next_id("Q", draft.case.requests),
        kind=kind,
        party=party,
        wanted=wanted,
        state=RequestState.OPEN,
        asked_at=draft.at,
        addressee=addressee,
    )
    draft.record(facts.RequestSet(by="ask", request=new, rules=rules))
    clock = draft.arm(clock_kind, new.id)
    draft.tell(
        f"{kind}_wanted",
        party,
        *rules,
        recipient=addressee,
        wanted=", ".join(wanted),
        due=draft.local(clock.due),
    )
    return new.id


def asked(draft: Draft, kind: RequestKind) -> tuple[Request, ...]:
    """What was asked for of a kind in this hearing: an earlier one's questions do not count."""
    case = draft.case
    return tuple(each for each in case.requests[case.hearing.requests :] if each.kind is kind)


def open_request(draft: Draft, kind: RequestKind) -> Request | None:
    """The request of a kind that still waits for its answer; for kinds of which one is open at a time."""
    return next((each for each in draft.case.open_requests() if each.kind is kind), None)


def answer_open(draft: Draft, kind: RequestKind, rule: str) -> None:
    """What is open of a kind has its answer."""
    open_ = open_request(draft, kind)
    if open_ is not None:
        settle(draft, open_, "answer", rule)


def settle(draft: Draft, waiting: Request, by: str, rule: str) -> None:
    """A request is answered, which meets its clock, or cancelled along with it."""
    draft.set_request(waiting, by, rule)
    for clock in draft.case.clocks:
        if clock.subject == waiting.id:
            if by == "answer":
                draft.meet(clock)
            else:
                draft.cancel(clock)


def lapse(draft: Draft, request_id: str, rule: str) -> Request:
    """A party did not give in time what it was asked for."""
    waiting = next(each for each in draft.case.requests if each.id == request_id)
    draft.set_request(waiting, "lapse", rule)
    return waiting
