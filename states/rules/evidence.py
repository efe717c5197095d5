"""Evidence and statements: asked for, handed in, or left out (areas INT and VER)."""

from policies.schema import ClockKind, Party, Stage
from states import facts
from states.draft import Draft, Refused, next_id
from states.events import Act, RequestEvidence, SubmitEvidence, SubmitStatement
from states.values import (
    Evidence,
    EvidenceItem,
    Request,
    RequestKind,
    RequestState,
    Statement,
)

OPEN_STAGES = frozenset(
    {
        Stage.INTAKE,
        Stage.ACCEPTANCE,
        Stage.VERIFICATION,
        Stage.COORDINATION,
        Stage.RULING,
        Stage.FEEDBACK,
        Stage.FOLLOW_UP,
    }
)


def require_open(draft: Draft) -> None:
    """Both sides are heard in every open stage, and in no other (COO-5)."""
    if draft.case.stage not in OPEN_STAGES:
        raise Refused("case_closed", f"the case is {draft.case.stage}: the file is closed", "COO-5")


def add(draft: Draft, act: Act, items: tuple[EvidenceItem, ...], *rules: str) -> None:
    """Put items on the file, each with kind, submitter, time, hash and where it is kept (INT-3)."""
    for item in items:
        if item.kind not in draft.pack.evidence_kinds:
            raise Refused(
                "unknown_evidence_kind",
                f"items.kind: {item.kind} is not one of {', '.join(draft.pack.evidence_kinds)}",
                "INT-3",
            )
        evidence = Evidence(
            id=next_id("E", draft.case.evidence),
            kind=item.kind,
            submitter=draft.party_of(act.actor),
            by=act.actor.id if act.actor else "",
            submitted_at=draft.at,
            content=item.content,
        )
        draft.record(facts.EvidenceAdded(evidence=evidence, rules=("INT-3", *rules)))


def request(draft: Draft, act: RequestEvidence) -> None:
    """Ask a named party for a list of evidence, with a deadline, up to the policy's number of rounds (VER-1)."""
    if draft.case.stage is not Stage.VERIFICATION:
        raise Refused("wrong_stage", "evidence is asked for during verification", "VER-1")
    if act.party not in (Party.COMPLAINANT, Party.RESPONDENT):
        raise Refused("wrong_party", "party: evidence is asked of the complainant or the respondent", "VER-1")
    unknown = [kind for kind in act.wanted if kind not in draft.pack.evidence_kinds]
    if unknown:
        raise Refused("unknown_evidence_kind", f"wanted: {', '.join(unknown)} is unknown", "VER-1")
    asked = [r for r in draft.case.requests if r.kind is RequestKind.EVIDENCE and r.party is act.party]
    if any(r.state is RequestState.OPEN for r in asked):
        raise Refused("request_open", f"the {act.party} has still to answer the last request", "VER-1")
    if len(asked) >= draft.pack.verification.max_rounds:
        raise Refused(
            "rounds_used_up",
            f"the {act.party} was asked {len(asked)} times, which is the most that the policy allows",
            "VER-1",
        )
    request_id = ask(draft, RequestKind.EVIDENCE, act.party, act.wanted, ClockKind.EVIDENCE, "VER-1")
    draft.correctable("request_evidence", draft.case.stage, request_id)


def ask(
    draft: Draft,
    kind: RequestKind,
    party: Party,
    wanted: tuple[str, ...],
    clock_kind: ClockKind,
    rule: str,
) -> str:
    """Ask a party for something by a deadline, and tell it so; the request's id."""
    asked = Request(
        id=next_id("Q", draft.case.requests),
        kind=kind,
        party=party,
        wanted=wanted,
        state=RequestState.OPEN,
        asked_at=draft.at,
    )
    draft.record(facts.RequestSet(by="ask", request=asked, rules=(rule,)))
    clock = draft.arm(clock_kind, asked.id)
    draft.tell(f"{kind}_wanted", party, rule, wanted=", ".join(wanted), due=draft.local(clock.due))
    return asked.id


def submit(draft: Draft, act: SubmitEvidence) -> None:
    """Evidence is taken in every open stage (COO-5); it answers what the party was asked for.

    Proof of purchase is proof whoever brings it (ADM-1).
    """
    require_open(draft)
    add(draft, act, act.items, "COO-5")
    given = {item.kind for item in act.items}
    party = draft.party_of(act.actor)
    for asked in draft.case.open_requests():
        theirs = asked.kind is RequestKind.EVIDENCE and asked.party is party
        if (theirs or asked.kind is RequestKind.PROOF_OF_PURCHASE) and given & set(asked.wanted):
            answer(draft, asked)


def submit_statement(draft: Draft, act: SubmitStatement) -> None:
    """Both sides may state their case in every open stage (COO-5); the seller's answers the platform's question
    (VER-3).
    """
    require_open(draft)
    party = draft.party_of(act.actor)
    statement = Statement(party=party, by=act.actor.id if act.actor else "", at=draft.at, text=act.text, plan=act.plan)
    draft.record(facts.StatementMade(statement=statement, rules=("VER-3", "COO-5")))
    for asked in draft.case.open_requests(party):
        if asked.kind is RequestKind.STATEMENT:
            answer(draft, asked)


def answer(draft: Draft, asked: Request) -> None:
    """A party gave what it was asked for: its clock is met."""
    draft.set_request(asked, "answer", "VER-1")
    for clock in draft.case.clocks:
        if clock.subject == asked.id:
            draft.meet(clock)


def lapse(draft: Draft, request_id: str, rule: str) -> Request:
    """A party did not give in time what it was asked for."""
    asked = next(r for r in draft.case.requests if r.id == request_id)
    draft.set_request(asked, "lapse", rule)
    return asked
