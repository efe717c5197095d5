"""The activities, called by name from a workflow on the real engine."""

import uuid
from datetime import timedelta

import pytest
from msgspec.structs import replace
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.cases import EngineCases
from activities.database import DatabaseAwayError, Pool
from activities.effects import Activities
from activities.journal import PostgresJournal
from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from activities.ports import EffectBatch, JournalBatch, Known, Origin, ReadCase, Written
from policies.book import default_book
from stack.embedded import TemporalServer
from stack.virtual_time import VirtualTime
from states.effects import (
    CarryOut,
    Done,
    Failed,
    LogisticsFound,
    LookUpLogistics,
    LookUpOrder,
    OrderFound,
    OrderUnknown,
)
from states.journal import fold
from states.values import Head, LogisticsFacts
from tests.activities import test_notices, test_platform
from tests.activities.samples import START, journal_of, row_after
from tests.activities.toy import Errand, Errands
from workflows.wire import data_converter

CASE = "buyer-017/order-1"
BOOK = default_book()
PACK = BOOK.in_force("platform", START).ref
"""Each kind of effect that needs no other case, and an order that nobody knows."""
EFFECTS = (
    LookUpOrder(key=f"{CASE}:2:1", order="order-1"),
    LookUpOrder(key=f"{CASE}:2:2", order="order-404"),
    LookUpLogistics(key=f"{CASE}:2:3", order="order-1"),
    LookUpLogistics(key=f"{CASE}:2:4", order="order-404"),
    test_notices.NOTICE,
    test_platform.REFUND,
    test_platform.POINTS,
    test_platform.ADDRESS,
)


class Away(PostgresPlatform):
    """A platform whose ledger cannot be reached."""

    async def carry_out(self, effect: CarryOut, origin: Origin) -> Done | Failed:
        raise DatabaseAwayError("the database cannot be reached")


def activities(pool: Pool, client: object, platform: PostgresPlatform | None = None) -> Activities:
    return Activities(
        journal=PostgresJournal(pool),
        platform=platform or PostgresPlatform(pool),
        notices=PostgresNotices(pool, lambda ref: BOOK.policy(ref).pack),
        cases=EngineCases(client),  # type: ignore[arg-type]
    )


async def test_a_workflow_writes_carries_out_and_reads(temporal_server: TemporalServer, pool: Pool) -> None:
    time = VirtualTime(await temporal_server.connect(data_converter=data_converter))
    await PostgresPlatform(pool).add_order(test_platform.ORDER)
    entries = journal_of(CASE, 3)
    errand = Errand(JournalBatch(entries, row_after(entries)), EffectBatch(CASE, PACK, EFFECTS))
    queue = f"errands-{uuid.uuid4()}"
    async with Worker(time.client, task_queue=queue, workflows=[Errands], activities=activities(pool, time.client).all):
        handle = await time.client.start_workflow(Errands.run, errand, id=queue, task_queue=queue)
        await time.forward(handle, timedelta(days=31))
        report = await handle.result()
    assert report.written == report.again == Written(True, entries[-1].head)
    assert report.known == Known(fold(entries), forked=False)
    assert [result.key for result in report.results] == [effect.key for effect in EFFECTS]
    known, unknown, parcel, no_parcel, *done = [result.outcome for result in report.results]
    assert known == OrderFound(test_platform.ORDER)
    assert unknown == no_parcel == OrderUnknown()
    assert parcel == LogisticsFound(LogisticsFacts("order-1"))
    start = (await handle.describe()).start_time
    for outcome in done:
        assert isinstance(outcome, Done)
        assert outcome.at > start + timedelta(days=29), "effects carry the workflow's own time"


async def test_a_batch_that_failed_half_way_is_carried_out_once(pool: Pool) -> None:
    batch = EffectBatch(CASE, PACK, (test_notices.NOTICE, test_platform.REFUND))
    environment = ActivityEnvironment()
    with pytest.raises(DatabaseAwayError):
        await environment.run(activities(pool, None, Away(pool)).carry_out, batch)
    whole = activities(pool, None)
    first = await environment.run(whole.carry_out, batch)
    assert await environment.run(whole.carry_out, batch) == first
    assert [type(result.outcome) for result in first] == [Done, Done]
    assert len(await PostgresPlatform(pool).ledger(CASE)) == 1
    notices = PostgresNotices(pool, lambda ref: BOOK.policy(ref).pack)
    assert len(await notices.sent(CASE)) == 1


async def test_a_key_used_for_something_else_is_a_final_failure(pool: Pool) -> None:
    other = replace(test_platform.REFUND, amount_fen=1)
    batch = EffectBatch(CASE, PACK, (test_platform.REFUND, other, test_platform.POINTS))
    results = await ActivityEnvironment().run(activities(pool, None).carry_out, batch)
    assert isinstance(results[0].outcome, Done)
    assert results[1].outcome == Failed("key_reused")
    assert isinstance(results[2].outcome, Done)


async def test_an_unknown_case_reads_as_none(pool: Pool) -> None:
    known = await ActivityEnvironment().run(activities(pool, None).read_case, ReadCase(CASE, Head()))
    assert known == Known(None, forked=False)


async def test_entries_of_another_run_are_a_fork(pool: Pool) -> None:
    entries = journal_of(CASE, 3)
    await PostgresJournal(pool).write(entries[:2], row_after(entries[:2]), "an-earlier-run")
    environment = ActivityEnvironment()
    ours = activities(pool, None)
    await environment.run(ours.write_journal, JournalBatch(entries[2:], row_after(entries)))
    known = {
        believed.number: await environment.run(ours.read_case, ReadCase(CASE, believed))
        for believed in (Head(), *(each.head for each in entries))
    }
    assert {number: each.forked for number, each in known.items()} == {0: True, 1: True, 2: False, 3: False}
    assert all(each.case == fold(entries) for each in known.values())
