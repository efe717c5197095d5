"""The activities: what the engine calls, by name, with one typed argument each.

Whatever they raise ends up in the case's history; the adapters' errors are sentences without data for that reason.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, assert_never

from temporalio import activity

from activities.ports import (
    CARRY_OUT,
    READ_CASE,
    WRITE_JOURNAL,
    Cases,
    EffectBatch,
    Journal,
    JournalBatch,
    KeyReusedError,
    Known,
    Notices,
    Origin,
    Platform,
    ReadCase,
    Written,
)
from states.effects import (
    AnyEffect,
    AnyOutcome,
    ApplyPenalty,
    CarryOut,
    DeliverMerge,
    Failed,
    LogisticsFound,
    LookUpLogistics,
    LookUpOrder,
    OrderFound,
    OrderUnknown,
    ReleaseReturnAddress,
    SendNotice,
)
from states.events import Result
from states.journal import fold

SIGN_OF_LIFE_SECONDS = 1.0
"""How often an activity tells the engine that its worker lives."""


class Activities:
    """The activities of one worker process, over its adapters."""

    def __init__(self, *, journal: Journal, platform: Platform, notices: Notices, cases: Cases) -> None:
        self._journal = journal
        self._platform = platform
        self._notices = notices
        self._cases = cases

    @property
    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.write_journal, self.read_case, self.carry_out]

    @activity.defn(name=WRITE_JOURNAL)
    async def write_journal(self, batch: JournalBatch) -> Written:
        """Write a turn's entries and the case's row. Meant as a local activity; repeating it does no harm."""
        async with _signs_of_life():
            return await self._journal.write(batch.entries, batch.row, _run())

    @activity.defn(name=READ_CASE)
    async def read_case(self, asked: ReadCase) -> Known:
        """The case as its journal tells it. Raises ValueError if the chain is broken."""
        case = fold(await self._journal.read(asked.case_id))
        # Looked for last: what another run writes meanwhile must not look like this run's own.
        forked = await self._journal.has_other_entries(asked.case_id, asked.believed.number, _run())
        return Known(case=case, forked=forked)

    @activity.defn(name=CARRY_OUT)
    async def carry_out(self, batch: EffectBatch) -> tuple[Result, ...]:
        """Carry out effects in order; what each came to.

        An error that may pass makes the whole batch be tried again, and the keys see that nothing happens twice. Not
        a local activity: only an ordinary one is told the workflow's own time.
        """
        origin = Origin(batch.case_id, batch.policy, activity.info().started_time)
        async with _signs_of_life():
            return tuple([Result(effect.key, await self._outcome(effect, origin)) for effect in batch.effects])

    async def _outcome(self, effect: AnyEffect, origin: Origin) -> AnyOutcome:
        try:
            return await self._carry_out(effect, origin)
        except KeyReusedError:
            # No repetition would help; the case has to know that this was not done.
            activity.logger.exception("effect %s was refused", effect.key)
            return Failed("key_reused")

    async def _carry_out(self, effect: AnyEffect, origin: Origin) -> AnyOutcome:
        match effect:
            case LookUpOrder(order=order):
                known = await self._platform.order(order)
                return OrderFound(known) if known else OrderUnknown()
            case LookUpLogistics(order=order):
                reported = await self._platform.logistics(order)
                return LogisticsFound(reported) if reported else OrderUnknown()
            case SendNotice():
                return await self._notices.send(effect, origin)
            case CarryOut():
                return await self._platform.carry_out(effect, origin)
            case ApplyPenalty():
                return await self._platform.apply_penalty(effect, origin)
            case ReleaseReturnAddress():
                return await self._platform.release_return_address(effect, origin)
            case DeliverMerge():
                return await self._cases.deliver(effect, origin)
        assert_never(effect)


@asynccontextmanager
async def _signs_of_life() -> AsyncIterator[None]:
    """Let the engine know meanwhile that this worker lives; an activity that is over soon need not bother it."""
    beating = None if activity.info().is_local else asyncio.create_task(_beat())
    try:
        yield
    finally:
        if beating is not None:
            beating.cancel()


async def _beat() -> None:
    while True:
        await asyncio.sleep(SIGN_OF_LIFE_SECONDS)
        activity.heartbeat()


def _run() -> str:
    """The workflow's run that this activity works for."""
    return activity.info().workflow_run_id or ""
