"""What each reader may see of a case."""

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from policies.schema import Category, Level, OnMiss, Outcome, Party, Policy, Stage
from states.case import Case
from states.values import (
    Clock,
    ClockState,
    Instant,
    NoticeState,
    Remedy,
    RemedyState,
    Value,
    yuan,
)


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
    whether it takes another category), proposals to answer, goods to return.
    """
    clocks: tuple[OpenClock, ...] = ()
    remedies: tuple[str, ...] = ()


def progress(case: Case) -> Progress:
    """The complainant's view."""
    asked = [f"{r.id}: {r.kind}: {', '.join(r.wanted)}" for r in case.open_requests(Party.COMPLAINANT)]
    proposal = case.open_proposal
    if proposal is not None and Party.COMPLAINANT in proposal.awaiting:
        asked.append(f"{proposal.id}: {proposal.terms.kind}")
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


def deadline_summary(case: Case, policy: Policy) -> str:
    """One line for the timer: what is due when, and what a miss does."""
    clock = next_deadline(case)
    if clock is None:
        return "no deadline"
    rule = policy.pack.clocks[clock.kind]
    then = "then one level up" if rule.on_miss is OnMiss.ESCALATES else "then it lapses"
    return f"{rule.title['en']} due {_local(clock.due, policy)}, {then}"


def page(case: Case, policy: Policy) -> str:
    """The case on a page, for whoever looks at it in the engine's user interface (Markdown)."""
    lines = [
        f"**{case.stage}**, {case.level}"
        + (f", outcome {case.outcome}" if case.outcome else "")
        + (", final" if case.final else "")
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
    proposal = case.open_proposal
    if proposal is not None:
        yield f"open proposal {proposal.id}: {proposal.terms.kind}, awaiting {', '.join(proposal.awaiting)}"
    for notice in case.notices:
        if notice.state is NoticeState.WITH_AGENT:
            yield f"call the {notice.party}: notice {notice.id} ({notice.template}) could not be delivered"


def _consequences(case: Case, policy: Policy) -> Iterator[str]:
    """What the case brought, and what it showed."""
    for remedy in case.remedies:
        yield f"remedy {remedy.id}: {_in_words(remedy)}"
    for penalty in case.penalties:
        yield f"penalty {penalty.id} against the {penalty.against}: {penalty.row} ({penalty.state})"
    for each in case.occurrences:
        count = "" if each.count is None else f", number {each.count} in its window"
        yield f"counted {each.id}: {each.counts} ({each.state}{count})"
    for found in case.staff_conduct:
        yield f"conduct {found.id} of {found.staff}: {found.row}, {yuan(found.amount_fen)}"


PARTS: tuple[Callable[[Case, Policy], Iterator[str]], ...] = (_matter, _course, _outstanding, _consequences)
"""The parts of the page, in order."""


def possible_acts(case: Case) -> frozenset[str]:
    """What people may do at the case's stage; whether it succeeds may depend on more."""
    return ACTS_OF_STAGE[case.stage] - {"absorb_case"}  # the engine's own


_ALWAYS = frozenset({"file_complaint", "record_contact", "examine_transcript", "record_conduct"})
_OPEN = _ALWAYS | {"submit_evidence", "submit_statement", "escalate_case", "migrate_policy", "absorb_case"}
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
    Stage.REFUSED: _ALWAYS | {"correct_act"},
    Stage.WITHDRAWN: _ALWAYS,
    Stage.CLOSED: _ALWAYS | _CONTESTABLE | {"reopen_case", "answer_survey", "correct_act"},
    Stage.ARCHIVED: frozenset({"file_complaint", "reopen_case"}),
}
"""What can be done in each stage. `decide` does not read this; a test holds it against what `decide` accepts."""


def _local(instant: datetime, policy: Policy) -> str:
    zone = ZoneInfo(policy.calendar.timezone)
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
