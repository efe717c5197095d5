"""The workflows' calls to the outside, with their time-outs and retries."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.ports import (
        CARRY_OUT,
        NOTE_INCIDENT,
        REACH_CASES,
        READ_CASE,
        WRITE_JOURNAL,
        EffectBatch,
        JournalBatch,
        Known,
        ReadCase,
        Written,
    )
    from states.events import Result
    from states.incident import Incident, Leg, Reached
    from states.values import Head, snake

NEAR = workflow.LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=5),
    schedule_to_close_timeout=timedelta(seconds=6),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2),
)


def _far(summary: str) -> workflow.ActivityConfig:
    """Tried until it succeeds: what waits for it is in the case, and its deadlines go on."""
    return workflow.ActivityConfig(
        start_to_close_timeout=timedelta(seconds=30),
        # A killed worker's activities are given to another one after this.
        heartbeat_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=10)),
        summary=summary,
    )


async def write_journal(batch: JournalBatch, now: datetime) -> tuple[Written, datetime]:
    """Write entries decided at `now` to the journal, however long it is away; and the time then.

    The journal is near and fast, and a local activity costs the fewest events of history. When it is away, an ordinary
    activity waits for it without holding up the worker's workflow tasks.
    """
    try:
        written: Written = await workflow.execute_local_activity(WRITE_JOURNAL, batch, result_type=Written, **NEAR)
    except FailureError as error:  # a local activity's error comes bare, not as ActivityError
        if is_cancelled_exception(error):
            raise
        far = _far("the journal was away")
        written = await workflow.execute_activity(WRITE_JOURNAL, batch, result_type=Written, **far)
        return written, workflow.now()
    return written, now  # not the clock, which may differ in a replay: see Complaint._turn


async def read_case(case_id: str, believed: Head) -> Known:
    """The case that the journal tells of, and whether another run wrote what this one does not know."""
    known: Known = await workflow.execute_activity(
        READ_CASE, ReadCase(case_id, believed), result_type=Known, **_far("what the journal knows")
    )
    return known


async def carry_out(batch: EffectBatch, urgency: Priority) -> tuple[Result, ...]:
    """Carry out effects, those of urgent cases first, and what became of each."""
    far = _far(", ".join(sorted({snake(type(effect).__name__) for effect in batch.effects})))
    far["priority"] = urgency
    results: tuple[Result, ...] = await workflow.execute_activity(
        CARRY_OUT, batch, result_type=tuple[Result, ...], **far
    )
    return results


async def reach_cases(leg: Leg) -> Reached:
    """Take an act to the next cases of its round."""
    far = _far(f"{leg.act.name()}, " + (f"{len(leg.again)} cases again" if leg.again else f"cases after {leg.after}"))
    far["start_to_close_timeout"] = timedelta(minutes=5)  # many cases, and each may take a while to answer
    reached: Reached = await workflow.execute_activity(REACH_CASES, leg, result_type=Reached, **far)
    return reached


async def note_incident(incident: Incident) -> None:
    """Keep how an incident stands where the lists are."""
    await workflow.execute_activity(NOTE_INCIDENT, incident, **_far("for the list of incidents"))
