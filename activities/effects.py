"""The activities: what the engine calls, by name, with one typed argument each.

Whatever they raise ends up in the case's history; the adapters' errors are sentences without data for that reason.
"""

import asyncio
from collections.abc import Callable
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.alive import signs_of_life
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
    Matters,
    Notices,
    NotInVaultError,
    Origin,
    Platform,
    ReadCase,
    Vault,
    Written,
)
from activities.triage import shown_by
from policies.schema import PackRef, Policy
from states.effects import (
    MAX_FINDINGS,
    AnyEffect,
    AnyOutcome,
    ApplyPenalty,
    CarryOut,
    ClaimantFound,
    CountMatter,
    CountOccurrence,
    DeliverMerge,
    Failed,
    LogisticsFound,
    LookUpClaimant,
    LookUpLogistics,
    LookUpOrder,
    OrderFound,
    OrderUnknown,
    ReadTranscript,
    ReleaseReturnAddress,
    Reverse,
    SendNotice,
    TextRead,
    TranscriptRead,
    TriageText,
)
from states.events import Result
from states.journal import fold
from states.transcript import examine, read_transcript

ENGINE = "engine"
"""Who reads the vault where nobody asked for it by name."""


class Activities:
    """The activities of one worker process, over its adapters. `policies` finds the very pack that an effect names and
    raises LookupError for an unknown one.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        platform: Platform,
        notices: Notices,
        cases: Cases,
        matters: Matters,
        vault: Vault,
        policies: Callable[[PackRef], Policy],
    ) -> None:
        self._journal = journal
        self._platform = platform
        self._notices = notices
        self._cases = cases
        self._matters = matters
        self._vault = vault
        self._policies = policies

    @property
    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.write_journal, self.read_case, self.carry_out]

    @activity.defn(name=WRITE_JOURNAL)
    async def write_journal(self, batch: JournalBatch) -> Written:
        """Write a turn's entries and the case's row. Meant as a local activity; repeating it does no harm."""
        async with signs_of_life():
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
        async with signs_of_life():
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
            case LookUpClaimant(claimant=claimant):
                return ClaimantFound(await self._platform.claimant_history(claimant, origin.case_id))
            case ReadTranscript():
                return await self._read_transcript(effect)
            case TriageText():
                return await self._read_texts(effect)
            case CountMatter():
                return await self._matters.count(effect, origin)
            case SendNotice():
                return await self._notices.send(effect, origin)
            case CarryOut():
                return await self._platform.carry_out(effect, origin)
            case ApplyPenalty():
                return await self._platform.apply_penalty(effect, origin)
            case CountOccurrence():
                return await self._platform.count_occurrence(effect, origin)
            case Reverse():
                return await self._platform.reverse(effect, origin)
            case ReleaseReturnAddress():
                return await self._platform.release_return_address(effect, origin)
            case DeliverMerge():
                return await self._cases.deliver(effect, origin)
        assert_never(effect)

    async def _read_transcript(self, effect: ReadTranscript) -> TranscriptRead | Failed:
        """What a transcript shows of the conduct of staff (CON-2); nothing of what was said leaves this place."""
        policy = self._policies(effect.policy)
        try:
            content = await self._vault.get(effect.content, reader=ENGINE, purpose="conduct")
            transcript = read_transcript(content)
        except NotInVaultError:
            return Failed("not_in_vault")
        except ValueError:
            return Failed("not_a_transcript")
        # In a thread: a long transcript takes a while, and others wait for the loop.
        zone = ZoneInfo(policy.calendar.timezone)
        found = await asyncio.to_thread(examine, transcript, policy.pack.conduct, zone)
        return TranscriptRead(found[:MAX_FINDINGS], omitted=max(len(found) - MAX_FINDINGS, 0))

    async def _read_texts(self, effect: TriageText) -> TextRead | Failed:
        """What texts show at first reading (INT-4, ESC-9); nothing of what was written leaves this place."""
        rules = self._policies(effect.policy).pack.triage
        try:
            texts = {
                each.ref: await self._vault.get_text(each, reader=ENGINE, purpose="triage") for each in effect.texts
            }
        except NotInVaultError:
            return Failed("not_in_vault")
        except UnicodeDecodeError:
            return Failed("not_a_text")
        # In a thread: a long text takes a while, and others wait for the loop.
        return TextRead(await asyncio.to_thread(shown_by, texts, rules))


def _run() -> str:
    """The workflow's run that this activity works for."""
    return activity.info().workflow_run_id or ""
