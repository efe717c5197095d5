"""What each reader may see of a case."""

from datetime import datetime
from zoneinfo import ZoneInfo

from policies.schema import Category, Level, OnMiss, Party, Policy, Stage
from states.case import Case
from states.values import (
    Clock,
    ClockState,
    Instant,
    NoticeState,
    Outcome,
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
    """What the complainant is being asked for: request ids with what is wanted, proposals to answer, goods to
    return.
    """
    clocks: tuple[OpenClock, ...] = ()
    remedies: tuple[str, ...] = ()


def progress(case: Case) -> Progress:
    """The complainant's view."""
    asked = [f"{request.id}: {', '.join(request.wanted)}" for request in case.open_requests(Party.COMPLAINANT)]
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
        + (", high risk" if case.high_risk else "")
        + (", external" if case.external else ""),
        "",
        f"- category: {case.category}; owner: {case.owner or 'none yet'}; seller: {case.respondent}",
        f"- path: {' > '.join(case.path)}",
        f"- policy: {case.policy}; journal entries: {case.head.number}",
    ]
    lines += [
        f"- {'provisional ' if c.provisional else ''}deadline: {c.clock} {c.state}, {_local(c.due, policy)}"
        for c in open_clocks(case)
    ]
    lines += [f"- open request {r.id} to {r.party}: {', '.join(r.wanted)}" for r in case.open_requests()]
    if case.open_proposal is not None:
        proposal = case.open_proposal
        lines.append(f"- open proposal {proposal.id}: {proposal.terms.kind}, awaiting {', '.join(proposal.awaiting)}")
    lines += [f"- remedy {r.id}: {_in_words(r)}" for r in case.remedies]
    lines += [
        f"- call the {n.party}: notice {n.id} ({n.template}) could not be delivered"
        for n in case.notices
        if n.state is NoticeState.WITH_AGENT
    ]
    lines += ["", f"What may be done now: {', '.join(sorted(possible_acts(case))) or 'nothing'}"]
    return "\n".join(lines)


def possible_acts(case: Case) -> frozenset[str]:
    """What people may do at the case's stage; whether it succeeds may depend on more."""
    return ACTS_OF_STAGE[case.stage] - {"absorb_case"}  # the engine's own


_ALWAYS = frozenset({"file_complaint", "record_contact"})
_OPEN = _ALWAYS | {"submit_evidence", "submit_statement", "escalate_case", "absorb_case"}
_UNDECIDED = _OPEN | {"extend_clock", "withdraw_complaint", "merge_case"}

ACTS_OF_STAGE: dict[Stage, frozenset[str]] = {
    Stage.INTAKE: _UNDECIDED | {"report_seller_contact", "refuse_complaint"},
    Stage.ACCEPTANCE: _UNDECIDED | {"accept_complaint", "refuse_complaint"},
    Stage.VERIFICATION: _UNDECIDED | {"request_evidence", "record_finding", "correct_act"},
    Stage.COORDINATION: _UNDECIDED | {"propose_remedy", "answer_proposal", "call_for_ruling", "correct_act"},
    Stage.RULING: _UNDECIDED | {"issue_ruling", "report_remedy", "correct_act"},
    Stage.FEEDBACK: _OPEN | {"report_remedy"},
    Stage.FOLLOW_UP: _OPEN | {"answer_survey"},
    Stage.REFUSED: _ALWAYS | {"correct_act"},
    Stage.WITHDRAWN: _ALWAYS,
    Stage.CLOSED: _ALWAYS | {"reopen_case", "answer_survey", "correct_act"},
    Stage.ARCHIVED: frozenset({"file_complaint", "reopen_case"}),
}
"""What can be done in each stage. `decide` does not read this; a test holds it against what `decide` accepts."""


def _local(instant: datetime, policy: Policy) -> str:
    zone = ZoneInfo(policy.calendar.timezone)
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")
