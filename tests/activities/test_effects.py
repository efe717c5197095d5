"""The activities, called by name from a workflow on the real engine."""

import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.cases import EngineCases
from activities.database import DatabaseAwayError, Pool
from activities.effects import Activities
from activities.incidents import EngineIncidents
from activities.journal import PostgresJournal
from activities.matters import PostgresMatters
from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from activities.ports import EffectBatch, JournalBatch, Known, Origin, ReadCase, Written
from activities.vault import PostgresVault
from policies.book import default_book
from policies.schema import PackRef
from stack.embedded import TemporalServer
from stack.virtual_time import VirtualTime
from states.effects import (
    MAX_FINDINGS,
    AnyOutcome,
    CarryOut,
    ClaimantFound,
    Done,
    Failed,
    LogisticsFound,
    LookUpClaimant,
    LookUpLogistics,
    LookUpOrder,
    OccurrenceCounted,
    OrderFound,
    OrderUnknown,
    ReadTranscript,
    Reverse,
    TranscriptRead,
)
from states.journal import fold
from states.values import ClaimantHistory, Head, LogisticsFacts, TextRef
from tests.activities import test_notices, test_occurrences, test_platform
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
    LookUpClaimant(key=f"{CASE}:2:5", claimant="buyer-017"),
    test_occurrences.passive(1),
    test_notices.NOTICE,
    test_platform.REFUND,
    test_platform.POINTS,
    test_platform.ADDRESS,
    Reverse(key=f"{CASE}:9:9", subject="M1", reverses=test_platform.REFUND.key),
)
CHAT = [
    {"id": "m1", "at": "2026-03-01T10:00:00+08:00", "by": "customer", "text": "请问什么时候发货?"},
    {
        "id": "m2",
        "at": "2026-03-01T10:20:00+08:00",
        "by": "staff",
        "staff": "staff-7",
        "text": "亲,今天就发,谢谢。",
    },
]
"""A question and an answer that came twenty minutes later."""


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
        matters=PostgresMatters(pool, EngineIncidents(client, "nobody serves it")),  # type: ignore[arg-type]
        vault=PostgresVault(pool),
        policies=BOOK.policy,
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
    known, unknown, parcel, no_parcel, history, counted, *done = [result.outcome for result in report.results]
    assert known == OrderFound(test_platform.ORDER)
    assert unknown == no_parcel == OrderUnknown()
    assert parcel == LogisticsFound(LogisticsFacts("order-1"))
    assert history == ClaimantFound(ClaimantHistory(0))
    start = (await handle.describe()).start_time
    assert isinstance(counted, OccurrenceCounted)
    assert counted.count == 1
    for outcome in (counted, *done):
        assert isinstance(outcome, Done | OccurrenceCounted)
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


# --- transcripts ----------------------------------------------------------------------------------


def reading(content: TextRef, policy: PackRef = PACK) -> EffectBatch:
    return EffectBatch(CASE, PACK, (ReadTranscript(key=f"{CASE}:3:1", evidence="E1", content=content, policy=policy),))


async def read(pool: Pool, batch: EffectBatch) -> AnyOutcome:
    (result,) = await ActivityEnvironment().run(activities(pool, None).carry_out, batch)
    return result.outcome


async def test_a_transcript_is_read_for_conduct_and_the_reading_is_logged(pool: Pool) -> None:
    content = await PostgresVault(pool).put("buyer-017", msgspec.json.encode(CHAT), "chat_log")
    outcome = await read(pool, reading(content))
    assert isinstance(outcome, TranscriptRead)
    late = next(finding for finding in outcome.findings if finding.row == "late_reply")
    assert (late.staff, late.message, late.figure, late.unit) == ("staff-7", "m2", 1200, "seconds")
    logged = await pool.fetch("select ref, reader, purpose from vault_reads")
    assert [tuple(each) for each in logged] == [(content.ref, "engine", "conduct")]
    assert "发" not in msgspec.json.encode(outcome).decode()


async def test_a_transcript_is_read_by_the_conduct_table_of_the_pack_that_is_named(pool: Pool) -> None:
    content = await PostgresVault(pool).put("buyer-017", msgspec.json.encode(CHAT), "chat_log")
    rows = {}
    for version in ("2020-01-01", "2024-07-22"):
        outcome = await read(pool, reading(content, BOOK.find("platform", version).ref))
        assert isinstance(outcome, TranscriptRead)
        rows[version] = {finding.row for finding in outcome.findings}
    assert rows["2024-07-22"] - rows["2020-01-01"] == {"average_response"}


async def test_of_a_transcript_full_of_findings_a_case_gets_no_more_than_it_can_carry(pool: Pool) -> None:
    began = datetime(2026, 3, 1, tzinfo=UTC)
    rude = [
        {"id": f"m{n}", "at": began + timedelta(seconds=n), "by": "staff", "staff": "staff-7", "text": "滚蛋，白痴"}
        for n in range(MAX_FINDINGS + 5)
    ]
    content = await PostgresVault(pool).put("buyer-017", msgspec.json.encode(rude), "chat_log")
    outcome = await read(pool, reading(content))
    assert isinstance(outcome, TranscriptRead)
    assert len(outcome.findings) == MAX_FINDINGS
    assert outcome.omitted >= 5  # each message is a finding
    assert len(msgspec.json.encode(outcome)) < 64 * 1024


@pytest.mark.parametrize("content", [b"\xff\xd8 a picture", "聊天截图".encode(), b"[]", b'{"id": "m1"}'])
async def test_what_is_no_transcript_is_a_final_failure(pool: Pool, content: bytes) -> None:
    kept = await PostgresVault(pool).put("buyer-017", content, "chat_log")
    assert await read(pool, reading(kept)) == Failed("not_a_transcript")


async def test_a_transcript_that_the_vault_does_not_hold_is_a_final_failure(pool: Pool) -> None:
    assert await read(pool, reading(TextRef("v-1", "a" * 64, 3))) == Failed("not_in_vault")


async def test_a_transcript_for_a_pack_that_nobody_has_is_an_error_to_be_repaired(pool: Pool) -> None:
    with pytest.raises(KeyError, match="is not in the book"):
        await read(pool, reading(TextRef("v-1", "a" * 64, 3), replace(PACK, digest="0" * 64)))


# --- the journal ----------------------------------------------------------------------------------


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
