"""The worker is killed at points that matter, found by what the database waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from policies.schema import Stage
from states import events
from states.events import ProposalAnswer
from states.journal import fold
from tests.faults.plays import REFUND, Played
from tests.faults.site import INSERT, Site
from tests.faults.sound import hits, require_all_acts, require_whole
from tests.states.story import BUYER, SELLER


async def waiting_for_acceptance(site: Site) -> Played:
    """A case at rest."""
    case = Played(site)
    await case.file()
    await case.until(Stage.ACCEPTANCE)
    await case.quiet()
    return case


async def require_once(case: Played) -> None:
    """Everything about the case is on record and carried out once, and every sender got its answer."""
    await case.quiet()
    found, _ = await require_whole(case.site, case.case_id)
    require_all_acts(found, case.sent)


# --- before the journal commits -------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["dies", "lives on", "meets its repetition"])
async def test_before_the_journal_commits(site: Site, statement: str) -> None:
    """Nothing is on record when the worker dies. What it sent to the database may die too, or be carried out after all,
    even while the next worker sends the same turn again.
    """
    case = await waiting_for_acceptance(site)
    head = await site.journal.head(case.case_id)
    async with site.locked("journal"):
        acting = asyncio.create_task(case.act(events.AcceptComplaint))
        (session,) = await site.waits("relation", INSERT)
        await site.worker.kill()
        if statement == "dies":
            await site.end_session(session)
        if statement == "meets its repetition":
            await site.worker.start()
            await site.waits("relation", INSERT, sessions=2)
        assert await site.journal.head(case.case_id) == head
    if statement != "meets its repetition":
        await site.worker.start()
    answer = await acting
    assert answer.accepted
    assert answer.entry == head.number + 1
    await require_once(case)
    assert (await hits(site, [case])).tasks == 1


# --- after it commits, before the workflow task completes -----------------------------------------

Happening = Callable[[Played], Awaitable[Any]]


async def filing(case: Played) -> None:
    await case.filed()


async def an_act(case: Played) -> None:
    await case.act(events.AcceptComplaint)


async def a_refused_act(case: Played) -> None:
    assert not (await case.act(events.IssueRuling, outcome="upheld", rule="COO-3")).accepted


async def a_deadline(case: Played) -> None:
    await case.site.pass_time(case.case_id, timedelta(hours=10, minutes=1))


async def a_cancellation(case: Played) -> None:
    await case.site.handle(case.case_id).cancel()


@pytest.mark.parametrize("happening", [filing, an_act, a_refused_act, a_deadline, a_cancellation])
async def test_after_the_journal_commits(site: Site, happening: Happening) -> None:
    """What is on record is not decided again: its sender is answered from the journal, and no fork is told of."""
    case = Played(site) if happening is filing else await waiting_for_acceptance(site)
    await case.bought()
    head = await site.journal.head(case.case_id)
    known = await markers(case) if head.number else 0
    async with site.answers_withheld():
        happens = asyncio.ensure_future(happening(case))
        await site.waits("SyncRep", INSERT)
        await site.worker.kill()
    committed = await case.longer_than(head.number)
    assert len(committed) == head.number + 1
    assert await markers(case) == known, "the engine knows of the write: the kill came too late"
    await site.worker.start()
    await happens
    await case.act(events.EscalateCase)  # answered after all that came before it
    await require_once(case)
    entries = await site.journal.read(case.case_id)
    assert entries[: head.number + 1] == committed
    told = [entry.event for entry in entries[head.number :]]
    assert told.count(told[0]) == 1, told


async def markers(case: Played) -> int:
    """How many writes of the journal the engine knows to be done."""
    marker = EventType.EVENT_TYPE_MARKER_RECORDED
    return sum(event.event_type == marker for event in await case.site.history(case.case_id))


# --- after an effect outside ----------------------------------------------------------------------


async def accepting(case: Played) -> None:
    await case.act(events.AcceptComplaint)


async def agreeing(case: Played) -> None:
    await case.act(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)


@pytest.mark.parametrize(("happening", "table"), [(accepting, "notices"), (agreeing, "ledger")])
async def test_after_an_effect_outside(site: Site, happening: Happening, table: str) -> None:
    """What was carried out and not yet reported is asked for again under the same key, and is not done again."""
    case = await waiting_for_acceptance(site)
    if happening is agreeing:
        await case.accepted()
        await case.found()
        await case.act(events.ProposeRemedy, BUYER, terms=REFUND)
        await case.quiet()
    async with AsyncExitStack() as lock:
        await lock.enter_async_context(site.locked(table))
        await happening(case)
        await site.waits("relation", f"insert into {table}")
        async with site.answers_withheld():
            await lock.aclose()
            await site.waits("SyncRep", f"insert into {table}")
            await site.worker.kill()
    done = await carried_out(case, table)
    assert set(done) & await outstanding(case), "it was reported already"
    await site.worker.start()
    await require_once(case)
    again = await carried_out(case, table)
    assert {key: again[key] for key in done} == done


async def outstanding(case: Played) -> set[str]:
    """The keys of effects that the journal knows to be ordered, and not to be done."""
    known = fold(await case.site.journal.read(case.case_id))
    assert known is not None
    return {effect.key for effect in known.outbox}


async def carried_out(case: Played, table: str) -> dict[str, Any]:
    """What stands outside about a case, by key."""
    found = await case.site.pool.fetch(f"select * from {table} where case_id = $1", case.case_id)
    return {row["key"]: dict(row) for row in found}
