"""Taking an act round the cases of an incident, through the engine."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.alive import signs_of_life
from activities.ports import INCIDENT, NOTE_INCIDENT, REACH_CASES, Cases, Journal, Matters, Member, Unanswered
from states.events import LinkIncident
from states.incident import GoesRound, Incident, Leg, OpenIncident, Reached, Tally, for_case
from states.journal import fold
from states.values import Answer

PAGE = 50
"""How many cases one call of the activity goes to."""
AT_ONCE = 10
"""How many of them are asked at the same time."""
TASK_TIMEOUT = timedelta(seconds=3)
"""A killed worker's workflow task is given to another one after this."""


class EngineIncidents:
    """The port `Incidents`; the docstrings there hold."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def open(self, start: OpenIncident) -> None:
        """Start the incident's workflow, once. Raises RPCError if that is to be tried again."""
        with suppress(WorkflowAlreadyStartedError):  # and closed since
            await self._client.start_workflow(
                INCIDENT,
                start,
                id=start.incident,
                task_queue=self._task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                task_timeout=TASK_TIMEOUT,
                static_summary=f"{start.matter} {start.subject}",
            )


class IncidentActivities:
    """The activities of incidents, over the adapters of one worker process."""

    def __init__(self, *, matters: Matters, cases: Cases, journal: Journal) -> None:
        self._matters = matters
        self._cases = cases
        self._journal = journal

    @property
    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.reach_cases, self.note_incident]

    @activity.defn(name=NOTE_INCIDENT)
    async def note_incident(self, incident: Incident) -> None:
        """Keep how an incident stands."""
        await self._matters.note(incident)

    @activity.defn(name=REACH_CASES)
    async def reach_cases(self, leg: Leg) -> Reached:
        """Take an act to the next cases of its round, or again to those that did not answer.

        How far it has come is told with every sign of life, and an attempt that follows a lost one begins there. What
        it repeats does no harm: a case that has the act already gives the same answer.
        """
        way = _Way(_told_before() or Reached(place=leg.after, last=leg.last or 0))
        async with signs_of_life(lambda: way.reached):
            if leg.again:
                again = [Member(number, case, open=True) for number, case in enumerate(leg.again, 1)]
                await self._go(way, leg, again[way.reached.place :])
                return way.reached
            found = await self._matters.members(
                leg.incident,
                after=way.reached.place,
                last=way.reached.last or None,
                uncounted=isinstance(leg.act, LinkIncident),
                limit=PAGE,
            )
            way.reached = replace(way.reached, last=found.last)
            await self._go(way, leg, found.cases)
            # A page that is not full was the last one.
            return way.reached if len(found.cases) == PAGE else replace(way.reached, place=found.last)

    async def _go(self, way: "_Way", leg: Leg, cases: Sequence[Member]) -> None:
        for start in range(0, len(cases), AT_ONCE):
            some = cases[start : start + AT_ONCE]
            answers = await asyncio.gather(*(self._ask(leg, case) for case in some))
            way.went(some, answers)

    async def _ask(self, leg: Leg, case: Member) -> Tally | None:
        """What came of the act in a case; None if it did not answer."""
        if case.case_id in leg.held:
            return None
        act = for_case(leg.act, case.case_id)
        try:
            answer = await self._cases.act(case.case_id, act) if case.open else None
        except Unanswered:
            return None
        if answer is None:
            # It may have been closed after it got the act, by an attempt that was lost.
            answer = await self._answer_on_record(case.case_id, act)
        if answer is None:
            return Tally(closed=1)
        return Tally(accepted=1) if answer.refusal is None else Tally(refused={answer.refusal.code: 1})

    async def _answer_on_record(self, case_id: str, act: GoesRound) -> Answer | None:
        case = fold(await self._journal.read(case_id))
        known = None if case is None else case.answered(act.request_id, act.fingerprint())
        return None if known is None else known.answer


class _Way:
    """How far an activity has come on its leg."""

    def __init__(self, reached: Reached) -> None:
        self.reached = reached

    def went(self, cases: Sequence[Member], answers: Iterable[Tally | None]) -> None:
        """These cases were asked, and answered so or not at all."""
        tally, unanswered = self.reached.tally, self.reached.unanswered
        for case, answer in zip(cases, answers, strict=True):
            if answer is None:
                unanswered += (case.case_id,)
            else:
                tally += answer
        self.reached = replace(self.reached, place=cases[-1].place, tally=tally, unanswered=unanswered)


def _told_before() -> Reached | None:
    """How far an earlier attempt had come that was lost."""
    details = activity.info().heartbeat_details
    return msgspec.convert(details[0], Reached) if details else None
