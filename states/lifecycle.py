"""The state machines of a case: one for its life, one for its level, and one small one for each thing in it.

They are flat and orthogonal; each owns its events, and the rules react from one to the other in a stated order. A
machine
is only ever asked one question: from this state, where does this event lead? `step` answers it from a fresh instance,
restored from the plain state value, and remembers the answer.

Only `StateMachine` with plain transitions is used: no callbacks, conditions, delays or async engine. What depends on
data is decided by the rules before they ask.
"""

from enum import StrEnum
from functools import cache
from typing import TypeVar

from statemachine import State, StateMachine
from statemachine.exceptions import TransitionNotAllowed

from policies.schema import Stage


class Lifecycle(StateMachine):
    """受理 - 核实 - 协调 - 裁决 - 反馈 - 回访, with refusal, withdrawal and the ways back."""

    intake = State(initial=True)
    acceptance = State()
    verification = State()
    coordination = State()
    ruling = State()
    feedback = State()
    follow_up = State()
    refused = State()
    withdrawn = State()
    closed = State()
    archived = State()

    admit = intake.to(acceptance)
    accept = acceptance.to(verification)
    refuse = intake.to(refused) | acceptance.to(refused)
    prove = verification.to(coordination)
    call_ruling = verification.to(ruling) | coordination.to(ruling)
    verify = coordination.to(verification) | ruling.to(verification)
    agree = coordination.to(feedback)
    rule = ruling.to(feedback)
    carry_out = feedback.to(follow_up)
    close = follow_up.to(closed) | refused.to(closed) | withdrawn.to(closed)
    withdraw = (
        intake.to(withdrawn)
        | acceptance.to(withdrawn)
        | verification.to(withdrawn)
        | coordination.to(withdrawn)
        | ruling.to(withdrawn)
    )
    merge = (
        intake.to(closed)
        | acceptance.to(closed)
        | verification.to(closed)
        | coordination.to(closed)
        | ruling.to(closed)
    )
    return_unsolved = follow_up.to(verification) | closed.to(verification)
    return_unremedied = feedback.to(ruling)
    reopen = closed.to(verification) | archived.to(verification) | refused.to(verification) | withdrawn.to(verification)
    review = follow_up.to(verification) | closed.to(verification)
    review_refusal = closed.to(acceptance)
    appeal = follow_up.to(verification) | closed.to(verification) | archived.to(verification)
    negotiate = follow_up.to(coordination) | closed.to(coordination) | archived.to(coordination)
    refile = closed.to(intake) | archived.to(intake)
    undo_accept = verification.to(acceptance)
    undo_refuse = refused.to(acceptance) | closed.to(acceptance)
    undo_finding = coordination.to(verification) | ruling.to(verification)
    undo_call = ruling.to(coordination)
    archive = closed.to(archived)


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
"""Where somebody has still something to do."""
OVER = frozenset(Stage) - OPEN_STAGES
"""Where nothing is left to do, for a party or for a team."""


class EscalationLevel(StateMachine):
    """纵向升级: a level is raised, and never falls by itself."""

    front_line = State(initial=True)
    specialist = State()
    supervisor = State()
    management = State()

    raise_level = (
        front_line.to(specialist) | specialist.to(supervisor) | supervisor.to(management) | management.to.itself()
    )


class ClockLife(StateMachine):
    """One arming of one service-level clock."""

    running = State(initial=True)
    warned = State()
    paused = State()
    met = State(final=True)
    missed = State(final=True)
    cancelled = State(final=True)

    warn = running.to(warned)
    pause = running.to(paused) | warned.to(paused)
    resume = paused.to(running)
    extend = running.to.itself() | warned.to(running) | paused.to.itself()
    shorten = running.to.itself() | warned.to(running) | paused.to.itself()
    meet = running.to(met) | warned.to(met) | paused.to(met)
    miss = running.to(missed) | warned.to(missed)
    cancel = running.to(cancelled) | warned.to(cancelled) | paused.to(cancelled)


class RequestLife(StateMachine):
    """Something asked of a party."""

    open = State(initial=True)
    answered = State(final=True)
    lapsed = State(final=True)
    cancelled = State(final=True)

    answer = open.to(answered)
    lapse = open.to(lapsed)
    cancel = open.to(cancelled)


class ProposalLife(StateMachine):
    """A solution on the table."""

    open = State(initial=True)
    accepted = State(final=True)
    declined = State(final=True)
    countered = State(final=True)
    lapsed = State(final=True)
    cancelled = State(final=True)

    concur = open.to.itself()
    accept = open.to(accepted)
    decline = open.to(declined)
    counter = open.to(countered)
    lapse = open.to(lapsed)
    cancel = open.to(cancelled)


class RemedyLife(StateMachine):
    """A remedy that was agreed or ruled."""

    ordered = State(initial=True)
    done = State()
    failed = State(final=True)
    cancelled = State(final=True)
    reversing = State()
    reversed = State(final=True)

    progress = ordered.to.itself()
    complete = ordered.to(done)
    fail = ordered.to(failed)
    cancel = ordered.to(cancelled)
    overturn = done.to(reversing) | ordered.to(reversing)
    reverse = reversing.to(reversed)
    stand = reversing.to(done)


class PenaltyLife(StateMachine):
    """A measure against a shop or an account."""

    imposed = State(initial=True)
    applied = State()
    failed = State(final=True)
    reversing = State()
    reversed = State(final=True)

    apply = imposed.to(applied)
    fail = imposed.to(failed)
    overturn = applied.to(reversing)
    reverse = reversing.to(reversed)
    stand = reversing.to(applied)


class OccurrenceLife(StateMachine):
    """Something that counts against a seller over a window."""

    recorded = State(initial=True)
    counted = State()
    failed = State(final=True)
    reversing = State()
    reversed = State(final=True)

    count = recorded.to(counted)
    fail = recorded.to(failed)
    overturn = counted.to(reversing)
    reverse = reversing.to(reversed)
    stand = reversing.to(counted)


class HandOffLife(StateMachine):
    """横向联动: one matter handed to another team (HOF-1)."""

    consent_pending = State(initial=True)
    queued = State()
    working = State()
    returned = State(final=True)
    refused = State(final=True)
    recalled = State(final=True)
    declined = State(final=True)

    consent = consent_pending.to(queued)
    decline = consent_pending.to(declined)
    take = queued.to(working) | working.to.itself()
    give_back = queued.to(returned) | working.to(returned)
    refuse = queued.to(refused) | working.to(refused)
    recall = consent_pending.to(recalled) | queued.to(recalled) | working.to(recalled)


class OfferLife(StateMachine):
    """A known solution that an agent offers (ESC-10)."""

    open = State(initial=True)
    accepted = State(final=True)
    refused = State(final=True)
    cancelled = State(final=True)

    accept = open.to(accepted)
    refuse = open.to(refused)
    cancel = open.to(cancelled)


class AppealLife(StateMachine):
    """A review or an appeal that was asked for."""

    examined = State(initial=True)
    heard = State(final=True)
    refused = State(final=True)

    hear = examined.to(heard)
    refuse = examined.to(refused)


class NoticeLife(StateMachine):
    """Something that a party has to be told."""

    sending = State(initial=True)
    with_agent = State()
    delivered = State(final=True)

    retry = sending.to.itself()
    deliver = sending.to(delivered) | with_agent.to(delivered)
    hand_to_agent = sending.to(with_agent)


MACHINES: tuple[type[StateMachine], ...] = (
    Lifecycle,
    EscalationLevel,
    ClockLife,
    RequestLife,
    ProposalLife,
    RemedyLife,
    PenaltyLife,
    OccurrenceLife,
    HandOffLife,
    OfferLife,
    AppealLife,
    NoticeLife,
)

S = TypeVar("S", bound=StrEnum)


@cache
def _target(machine: type[StateMachine], state: str, event: str) -> str | None:
    instance = machine(start_value=state)
    try:
        instance.send(event)
    except TransitionNotAllowed:
        return None
    return str(instance.current_state_value)


def step(machine: type[StateMachine], state: S, event: str) -> S | None:
    """Where `event` leads from `state`, or None where the machine does not allow it."""
    target = _target(machine, state.value, event)
    return None if target is None else type(state)(target)
