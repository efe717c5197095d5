"""Service-level clocks: plain functions from a clock to the next.

Deadlines are absolute instants, computed once when a clock is armed, from the policy and calendar that the case
carries.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from policies.schema import ClockKind, ClockRule, Policy, Priority, Unit
from states.lifecycle import ClockLife, step
from states.values import Clock, ClockState


def _send(clock: Clock, event: str) -> ClockState:
    state = step(ClockLife, clock.state, event)
    if state is None:
        raise ValueError(f"clock {clock.id} is {clock.state}: {event} is not possible")
    return state


def _warn_at(rule: ClockRule, due: datetime, after: datetime) -> datetime | None:
    """The warning point, if it still lies ahead."""
    warn_at = due - timedelta(hours=rule.warn_hours_before)
    return warn_at if rule.warn_hours_before and warn_at > after else None


def _provisional(policy: Policy, kind: ClockKind, start: datetime, due: datetime) -> bool:
    """Whether working days were counted through a year whose calendar is not published yet (SLA-3)."""
    counts = policy.pack.clocks[kind].unit is Unit.WORKING_DAYS
    return counts and policy.calendar.deadline_is_provisional(start, due)


def arm(
    policy: Policy,
    kind: ClockKind,
    at: datetime,
    arming: int,
    subject: str = "",
    *,
    priority: Priority = Priority.NORMAL,
    until: datetime | None = None,
) -> Clock:
    """A clock that runs from `at`, in a case of some priority (SLA-5); until an instant that somebody else set, such as
    a body outside (ESC-5), if there is one.
    """
    rule = policy.pack.clocks[kind]
    due = until or policy.due(kind, at, priority)
    return Clock(
        kind=kind,
        subject=subject,
        arming=arming,
        state=ClockState.RUNNING,
        armed_at=at,
        due=due,
        warn_at=_warn_at(rule, due, at),
        provisional=until is None and _provisional(policy, kind, at, due),
    )


def warn(clock: Clock) -> Clock:
    return replace(clock, state=_send(clock, "warn"))


def _ended(clock: Clock, event: str, at: datetime) -> Clock:
    """The clock at its end; a pause that was still open is counted to the last."""
    end = max(at, clock.armed_at)
    paused = clock.paused_seconds
    if clock.paused_since is not None:
        end = max(end, clock.paused_since)
        paused += _seconds(clock.paused_since, end)
    return replace(
        clock,
        state=_send(clock, event),
        ended_at=end,
        paused_since=None,
        paused_seconds=paused,
    )


def meet(clock: Clock, at: datetime) -> Clock:
    return _ended(clock, "meet", at)


def cancel(clock: Clock, at: datetime) -> Clock:
    return _ended(clock, "cancel", at)


def miss(clock: Clock) -> Clock:
    """Missed: it ended when it was due, however late that is noticed."""
    return _ended(clock, "miss", clock.due)


def pause(clock: Clock, at: datetime) -> Clock:
    return replace(clock, state=_send(clock, "pause"), paused_since=max(at, clock.armed_at))


def resume(policy: Policy, clock: Clock, at: datetime) -> Clock:
    """The clock running again, due later by what the pause took.

    Hours and calendar days move by the length of the pause; working days by the working days that lie wholly in it, so
    a night on hold adds nothing. A deadline that would have passed during the pause falls on the first closing time
    after it.
    """
    since = clock.paused_since
    if since is None:
        raise ValueError(f"clock {clock.id} is not paused")
    until = max(at, since)
    due = clock.due
    held = 0
    rule = policy.pack.clocks[clock.kind]
    if rule.unit is Unit.WORKING_DAYS:
        held = policy.calendar.whole_working_days_within(since, until)
        due, held = _ahead(policy, clock.kind, policy.later(clock.kind, due, held) if held else due, held, until)
    else:
        due += until - since
    return replace(
        clock,
        state=_send(clock, "resume"),
        due=due,
        warn_at=_warn_at(rule, due, until),
        paused_since=None,
        paused_seconds=clock.paused_seconds + _seconds(since, until),
        held=clock.held + held,
        provisional=clock.provisional or _provisional(policy, clock.kind, clock.armed_at, due),
    )


def _ahead(policy: Policy, kind: ClockKind, due: datetime, held: int, after: datetime) -> tuple[datetime, int]:
    """A deadline in working days that lies ahead, and how many of them it was held for."""
    while due <= after:
        due, held = policy.later(kind, due, 1), held + 1
    return due, held


def recount(before: Policy, policy: Policy, clock: Clock, at: datetime) -> Clock:
    """A provisional clock with its working days, as many as it has, counted again by the calendar of another policy
    (SLA-3, PEN-4).

    Like a pause, that leaves no running clock's deadline in the past; a pause that is still open is counted when it
    ends. A warning already given is not given twice.
    """
    rule = policy.pack.clocks[clock.kind]
    days = before.calendar.working_days_between(clock.armed_at, clock.due)
    due = policy.calendar.add_working_days(clock.armed_at, days, rule.closing)
    due, held = _ahead(policy, clock.kind, due, clock.held, at) if clock.ticking else (due, clock.held)
    return replace(
        clock,
        due=due,
        warn_at=_warn_at(rule, due, at) if clock.state is not ClockState.WARNED else clock.warn_at,
        held=held,
        provisional=_provisional(policy, clock.kind, clock.armed_at, due),
    )


def extend(policy: Policy, clock: Clock, by: int, at: datetime) -> Clock:
    """The clock due `by` of its own units later (SLA-4)."""
    rule = policy.pack.clocks[clock.kind]
    due = policy.later(clock.kind, clock.due, by)
    return replace(
        clock,
        state=_send(clock, "extend"),
        due=due,
        warn_at=_warn_at(rule, due, at),
        extensions=clock.extensions + 1,
        extended=clock.extended + by,
        provisional=clock.provisional or _provisional(policy, clock.kind, clock.armed_at, due),
    )


def shorten(policy: Policy, clock: Clock, priority: Priority, at: datetime) -> Clock | None:
    """The clock as the case has become more urgent at `at`: due at the earlier of its own deadline and of one counted
    anew from then on (SLA-5); None where that is its own. Of a pause what it took so far counts first. What is reported
    late counts from when the clock was armed or put on hold, if that came in between.
    """
    rule = policy.pack.clocks[clock.kind]
    if priority not in rule.length_by_priority:
        return None
    at = max(at, clock.armed_at, clock.paused_since or clock.armed_at)
    if clock.state is ClockState.PAUSED:
        shorter = shorten(policy, resume(policy, clock, at), priority, at)
        return None if shorter is None else pause(shorter, at)
    due = policy.due(clock.kind, at, priority)
    if due >= clock.due:
        return None
    return replace(
        clock,
        state=_send(clock, "shorten"),
        due=due,
        warn_at=_warn_at(rule, due, at),
        provisional=_provisional(policy, clock.kind, clock.armed_at, due),
    )


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
