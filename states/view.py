"""What each reader may see of a case."""

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from policies.schema import Category, Level, OnMiss, Outcome, Party, Policy, Priority, Route, Stage
from states.case import Case
from states.lifecycle import HandOffLife, step
from states.values import (
    Clock,
    ClockState,
    HandOff,
    HandOffState,
    Instant,
    NoticeState,
    ProposalOfTriageState,
    Remedy,
    RemedyState,
    RequestKind,
    Value,
    yuan,
)


class HandOffRow(Value, kw_only=True):
    """What a team has to do, or did, for a case (HOF-1)."""

    id: str
    route: Route
    team: str
    state: HandOffState
    worker: str = ""
    level: Level = Level.FRONT_LINE
    late: bool = False
    due: Instant | None = None
    result: str = ""


class CaseRow(Value, kw_only=True):
    """One case in lists and reports: what the database keeps of it besides the journal, from which it can be
    rebuilt.
    """

    case_id: str
    entries: int
    """The number of the journal entry that the row tells the state after."""
    stage: Stage
    level: Level
    category: Category
    complainant: str
    respondent: str
    owner: str | None = None
    outcome: Outcome | None = None
    policy: str
    """The pack as name@version."""
    high_risk: bool
    external: bool
    next_deadline: Instant | None = None
    next_clock: str | None = None
    opened_at: Instant
    """When the complaint was received."""
    remedies: str
    """In words for a list, such as "refund 199.00"; empty if there are none."""
    penalties: str
    path: tuple[Stage, ...]
    disputed_at: Instant | None = None
    """When the complaint became a dispute: the two are kept apart in figures (COO-6)."""
    return_reason: str | None = None
    """Why the goods go back, as the buyer chose it (COO-6)."""
    hearings: int = 1
    penalty_policy: str | None = None
    """The pack that penalties follow, as name@version (PEN-4)."""
    priority: Priority = Priority.NORMAL
    urgency: int = 0
    """The priority as a number, for lists in order: the higher, the more urgent (INT-5)."""
    teams: tuple[str, ...] = ()
    """The teams that have something to do for the case now (HOF-4)."""
    hand_offs: tuple[HandOffRow, ...] = ()
    late: bool = False
    """Whether a team is late (HOF-6)."""
    not_for: tuple[str, ...] = ()
    """The agents who may not own the case: whom it is about (INT-7), and who decided before (ESC-7)."""
    incident: str | None = None


def row(case: Case) -> CaseRow:
    """The case as a row for lists."""
    wake = next_deadline(case)
    return CaseRow(
        case_id=case.case_id,
        entries=case.head.number,
        stage=case.stage,
        level=case.level,
        category=case.category,
        complainant=case.complainant,
        respondent=case.respondent,
        owner=case.owner,
        outcome=case.outcome,
        policy=str(case.policy),
        high_risk=case.high_risk,
        external=case.external,
        next_deadline=wake.due if wake else None,
        next_clock=wake.id if wake else None,
        opened_at=case.received_at,
        remedies=", ".join(_in_words(remedy) for remedy in case.remedies),
        penalties=", ".join(penalty.row for penalty in case.penalties),
        path=case.path,
        disputed_at=case.disputed_at,
        return_reason=case.claim.return_reason,
        hearings=len(case.hearings),
        penalty_policy=None if case.penalty_policy is None else str(case.penalty_policy),
        priority=case.priority,
        urgency=list(Priority).index(case.priority),
        teams=tuple(dict.fromkeys(each.team for each in case.open_hand_offs)),
        hand_offs=tuple(_hand_off(case, each) for each in case.hand_offs),
        late=case.late,
        not_for=tuple(dict.fromkeys(filter(None, (case.agent_concerned, *case.hearing.barred)))),
        incident=case.incident,
    )


def _hand_off(case: Case, hand_off: HandOff) -> HandOffRow:
    ticking = (clock.due for clock in case.clocks if clock.subject == hand_off.id and clock.active)
    return HandOffRow(
        id=hand_off.id,
        route=hand_off.route,
        team=hand_off.team,
        state=hand_off.state,
        worker=hand_off.worker,
        level=hand_off.level,
        late=hand_off.late,
        due=next(ticking, None),
        result=hand_off.result,
    )


def _in_words(remedy: Remedy) -> str:
    amount = "" if remedy.terms.amount_fen is None else f" {yuan(remedy.terms.amount_fen)}"
    failed = f" ({remedy.state})" if remedy.state is not RemedyState.DONE else ""
    return f"{remedy.terms.kind}{amount}{failed}"


def next_deadline(case: Case) -> Clock | None:
    """The clock that ends first."""
    return min((clock for clock in case.clocks if clock.ticking), key=lambda clock: clock.due, default=None)


class OpenClock(Value):
    """A clock as a reader sees it."""

    clock: str
    due: Instant
    state: ClockState
    provisional: bool = False


class Progress(Value, kw_only=True):
    """What the complainant may see at any time: where the case is and what comes next; nobody's evidence or names."""

    case_id: str
    stage: Stage
    outcome: Outcome | None = None
    path: tuple[Stage, ...]
    asked_of_you: tuple[str, ...] = ()
    """What the complainant is being asked for: requests with their kind and what is wanted (evidence, what is unclear,
    whether it takes another category), proposals to answer, hand-offs to agree to, a known solution that is offered,
    goods to return.
    """
    clocks: tuple[OpenClock, ...] = ()
    remedies: tuple[str, ...] = ()


def progress(case: Case) -> Progress:
    """The complainant's view."""
    asked = [f"{r.id}: {r.kind}: {', '.join(r.wanted)}" for r in case.open_requests(Party.COMPLAINANT)]
    proposal = case.open_proposal
    if proposal is not None and Party.COMPLAINANT in proposal.awaiting:
        asked.append(f"{proposal.id}: {proposal.terms.kind}")
    asked += [
        f"{each.id}: hand_off: {each.team}" for each in case.hand_offs if each.state is HandOffState.CONSENT_PENDING
    ]
    if case.open_offer is not None:
        asked.append(f"{case.open_offer.id}: offer")
    for remedy in case.remedies:
        index = remedy.next_step
        if index is not None and remedy.steps[index].by is Party.COMPLAINANT:
            asked.append(f"{remedy.id}: {remedy.steps[index].action}")
    return Progress(
        case_id=case.case_id,
        stage=case.stage,
        outcome=case.outcome,
        path=case.path,
        asked_of_you=tuple(asked),
        clocks=open_clocks(case),
        remedies=tuple(_in_words(remedy) for remedy in case.remedies),
    )


def open_clocks(case: Case) -> tuple[OpenClock, ...]:
    """The clocks that are not over, the earliest deadline first."""
    active = sorted((clock for clock in case.clocks if clock.active), key=lambda clock: clock.due)
    return tuple(OpenClock(clock=c.id, due=c.due, state=c.state, provisional=c.provisional) for c in active)


THEN = {
    OnMiss.ESCALATES: "then one level up",
    OnMiss.ESCALATES_IN_TEAM: "then one level up in the team",
    OnMiss.LAPSES: "then it lapses",
}


def deadline_summary(case: Case, policy: Policy) -> str:
    """One line for the timer: what is due when, and what a miss does."""
    clock = next_deadline(case)
    if clock is None:
        return "no deadline"
    rule = policy.pack.clocks[clock.kind]
    then = THEN[rule.on_miss]
    return f"{rule.title['en']} due {_local(clock.due, policy)}, {then}"


def page(case: Case, policy: Policy) -> str:
    """The case on a page, for whoever looks at it in the engine's user interface (Markdown)."""
    lines = [
        f"**{case.stage}**, {case.level}"
        + (f", outcome {case.outcome}" if case.outcome else "")
        + (", final" if case.final else "")
        + f", {case.priority} priority"
        + (", high risk" if case.high_risk else "")
        + (", external" if case.external else ""),
        "",
    ]
    lines += [f"- {line}" for lines_of in PARTS for line in lines_of(case, policy)]
    lines += ["", f"What may be done now: {', '.join(sorted(possible_acts(case))) or 'nothing'}"]
    return "\n".join(lines)


def _matter(case: Case, policy: Policy) -> Iterator[str]:
    """What the case is about, and who is concerned."""
    yield f"category: {case.category}; owner: {case.owner or 'none yet'}; seller: {case.respondent}"
    if case.agent_concerned is not None:
        yield f"about the handling by {case.agent_concerned}, who does not handle it"
    if case.review is not None:
        circumstance = f" ({case.review.circumstance})" if case.review.circumstance else ""
        yield f"review {case.review.review}, {case.review.rating}: {case.review.ground}{circumstance}"
    if case.factors:
        yield f"priority: {', '.join(map(str, case.factors))}"
    if case.risk is not None:
        yield f"risk: {'high' if case.high_risk else 'not high'}, {case.risk}"
    for shown in case.triage:
        if shown.state is ProposalOfTriageState.PROPOSED:
            yield f"proposed {shown.id}: {shown.shows} ({shown.found_by})"
    for made in case.externals:
        yield f"outside {made.id}: {made.body} {made.reference or 'without a reference'}"
    if case.incident is not None:
        yield f"incident: {case.incident}"
    if case.claimant_history is not None:
        yield f"earlier complaints of the complainant: {case.claimant_history.complaints}"
    for order in case.orders_known:
        since = f" since {_local(order.state_since, policy)}" if order.state_since else ""
        yield f"order {order.order}: {order.state}{since}, paid {yuan(order.paid_fen)}"


def _course(case: Case, policy: Policy) -> Iterator[str]:
    """How the case came to be where it is."""
    yield f"path: {' > '.join(case.path)}"
    if case.disputed_at is not None:
        yield f"a dispute since {_local(case.disputed_at, policy)}"
    if len(case.hearings) > 1:
        final = ", the last that is possible" if case.hearing.final else ""
        barred = f", not by {', '.join(case.hearing.barred)}" if case.hearing.barred else ""
        yield f"hearing {len(case.hearings)}: {case.hearing.kind}{final}{barred}"
    if case.open_appeal is not None:
        yield f"{case.open_appeal.kind} {case.open_appeal.id} by the {case.open_appeal.party} is being examined"
    yield f"policy: {case.policy}; journal entries: {case.head.number}"
    if case.penalty_policy != case.policy:
        yield f"penalties by: {case.penalty_policy or 'no policy'}"


def _outstanding(case: Case, policy: Policy) -> Iterator[str]:
    """What is waited for, until when."""
    for clock in open_clocks(case):
        provisional = "provisional " if clock.provisional else ""
        yield f"{provisional}deadline: {clock.clock} {clock.state}, {_local(clock.due, policy)}"
    for request in case.open_requests():
        yield f"open request {request.id} to {request.addressee or request.party}: {', '.join(request.wanted)}"
    for hand_off in case.open_hand_offs:
        worker = f", {hand_off.worker}" if hand_off.worker else ""
        late = f", late, {hand_off.level}" if hand_off.late else ""
        yield f"hand-off {hand_off.id} to {hand_off.team}: {hand_off.state}{worker}{late}"
    if case.open_offer is not None:
        yield f"open offer {case.open_offer.id} of the known solution"
    proposal = case.open_proposal
    if proposal is not None:
        yield f"open proposal {proposal.id}: {proposal.terms.kind}, awaiting {', '.join(proposal.awaiting)}"
    for notice in case.notices:
        if notice.state is NoticeState.WITH_AGENT:
            yield f"call the {notice.party}: notice {notice.id} ({notice.template}) could not be delivered"


def _consequences(case: Case, policy: Policy) -> Iterator[str]:
    """What the case brought, and what it showed."""
    for rise in case.escalations:
        yield f"rose to {rise.after} for {rise.trigger}" + (f" of {rise.clock}" if rise.clock else "")
    for each in case.hand_offs:
        if each.result:
            yield f"hand-off {each.id} to {each.team}: {each.result}"
    for remedy in case.remedies:
        yield f"remedy {remedy.id}: {_in_words(remedy)}"
    for penalty in case.penalties:
        yield f"penalty {penalty.id} against the {penalty.against}: {penalty.row} ({penalty.state})"
    for counted in case.occurrences:
        count = "" if counted.count is None else f", number {counted.count} in its window"
        yield f"counted {counted.id}: {counted.counts} ({counted.state}{count})"
    for found in case.staff_conduct:
        yield f"conduct {found.id} of {found.staff}: {found.row}, {yuan(found.amount_fen)}"


PARTS: tuple[Callable[[Case, Policy], Iterator[str]], ...] = (_matter, _course, _outstanding, _consequences)
"""The parts of the page, in order."""


def possible_acts(case: Case) -> frozenset[str]:
    """What people may do at the case's stage with what there is in it; whether it succeeds may depend on more."""
    acts = ACTS_OF_STAGE[case.stage] - {"absorb_case", "link_incident"}  # the engine's own
    return frozenset(act for act in acts if act not in ABOUT or ABOUT[act](case))


_ALWAYS = frozenset(
    {
        "file_complaint",
        "record_contact",
        "examine_transcript",
        "record_conduct",
        "record_external_complaint",
        "set_risk",
    }
)
_RISING = frozenset({"escalate_case", "report_trigger", "assess_case", "offer_solution", "answer_offer"})
_SIDEWAYS = frozenset(
    {
        "hand_over",
        "answer_hand_off",
        "take_hand_off",
        "return_hand_off",
        "refuse_hand_off",
        "recall_hand_off",
        "assign_case",
        "link_incident",
    }
)
_OPEN = _ALWAYS | _RISING | _SIDEWAYS | {"submit_evidence", "submit_statement", "migrate_policy", "absorb_case"}
_UNDECIDED = _OPEN | {"extend_clock", "withdraw_complaint", "merge_case"}
_CONTESTABLE = frozenset({"request_review", "file_appeal"})
_CLASSIFIED = frozenset({"correct_category", "narrow_claim"})
_CLEARED_UP = frozenset({"request_completion", "complete_complaint", "refuse_complaint"})

ACTS_OF_STAGE: dict[Stage, frozenset[str]] = {
    Stage.INTAKE: _UNDECIDED | _CLASSIFIED | _CLEARED_UP | {"report_seller_contact"},
    Stage.ACCEPTANCE: _UNDECIDED | _CLASSIFIED | _CLEARED_UP | {"accept_complaint"},
    Stage.VERIFICATION: _UNDECIDED | _CLASSIFIED | {"request_evidence", "record_finding", "correct_act"},
    Stage.COORDINATION: _UNDECIDED | {"propose_remedy", "answer_proposal", "call_for_ruling", "correct_act"},
    Stage.RULING: _UNDECIDED | {"issue_ruling", "report_remedy", "correct_act"},
    Stage.FEEDBACK: _OPEN | {"report_remedy"},
    Stage.FOLLOW_UP: _OPEN | _CONTESTABLE | {"answer_survey"},
    Stage.REFUSED: _ALWAYS | {"correct_act", "reopen_case"},
    Stage.WITHDRAWN: _ALWAYS | {"reopen_case"},
    Stage.CLOSED: _ALWAYS | _CONTESTABLE | {"reopen_case", "answer_survey", "correct_act"},
    Stage.ARCHIVED: frozenset({"file_complaint", "reopen_case", "record_external_complaint"}),
}
"""What can be done in each stage. `decide` does not read this; a test holds it against what `decide` accepts."""


def _some_hand_off(event: str) -> Callable[[Case], bool]:
    return lambda case: any(step(HandOffLife, each.state, event) for each in case.hand_offs)


ABOUT: dict[str, Callable[[Case], bool]] = {
    "complete_complaint": lambda case: any(each.kind is RequestKind.COMPLETION for each in case.open_requests()),
    "answer_proposal": lambda case: case.open_proposal is not None,
    "answer_offer": lambda case: case.open_offer is not None,
    "answer_hand_off": _some_hand_off("decline"),
    "take_hand_off": _some_hand_off("take"),
    "return_hand_off": _some_hand_off("give_back"),
    "refuse_hand_off": _some_hand_off("refuse"),
    "recall_hand_off": _some_hand_off("recall"),
    "report_remedy": lambda case: any(each.next_step is not None for each in case.remedies),
    "correct_act": lambda case: case.correctable is not None,
}
"""Acts on something that a case may have or not, and whether it has it. Held against `decide` by the same test."""


def _local(instant: datetime, policy: Policy) -> str:
    zone = ZoneInfo(policy.calendar.timezone)
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
