"""The lists: never older than what they showed, and the journal alone gives them back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from activities import views
from activities.database import Connection, Pool
from activities.journal import PostgresJournal
from activities.views import CaseList, rebuild
from policies.schema import Category, Level, Stage
from states.journal import seal
from states.values import Head
from tests.activities.samples import START, entry, filed, journal_of, row_after, row_of

CASES = tuple(f"buyer-{number:03}/order-1" for number in range(7))


@pytest.fixture
async def journal(pool: Pool) -> PostgresJournal:
    """A journal of several cases, of different lengths."""
    journal = PostgresJournal(pool)
    for length, case_id in enumerate(CASES, 1):
        entries = journal_of(case_id, length)
        await journal.write(entries, row_after(entries))
    return journal


async def content(owner: Connection) -> list[dict[str, object]]:
    return [dict(each) for each in await owner.fetch("select * from case_view order by case_id")]


@pytest.mark.usefixtures("journal")
async def test_a_row_tells_when_its_last_entry_was_decided(owner: Connection) -> None:
    shown = {each["case_id"]: each["updated_at"] for each in await content(owner)}
    assert shown == {case_id: START + timedelta(hours=hours) for hours, case_id in enumerate(CASES)}


async def test_a_row_never_goes_back(journal: PostgresJournal, owner: Connection, pool: Pool) -> None:
    await owner.execute("update case_view set entries = 9, owner = 'agent-later' where case_id = $1", CASES[2])
    entries = journal_of(CASES[2], 5)
    assert (await journal.write(entries[3:], row_after(entries))).fits
    row = await CaseList(pool).get(CASES[2])
    assert row is not None
    assert (row.entries, row.owner) == (9, "agent-later")


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("batch", [1, 3, 200])
async def test_rebuild_gives_back_what_was_written(
    pool: Pool, owner: Connection, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(views, "BATCH", batch)
    before = await content(owner)
    await owner.execute("delete from case_view where case_id = $1", CASES[0])
    await owner.execute("update case_view set entries = 99, stage = 'closed' where case_id = $1", CASES[1])
    await owner.execute("update case_view set case_id = 'buyer-900/nothing' where case_id = $1", CASES[2])
    assert await rebuild(pool, row_of) == views.Rebuilt(len(CASES))
    assert await content(owner) == before


@pytest.mark.usefixtures("journal")
async def test_rebuild_of_one_case_leaves_the_others(pool: Pool, owner: Connection) -> None:
    await owner.execute("update case_view set owner = 'agent-88'")
    assert await rebuild(pool, row_of, CASES[3]) == views.Rebuilt(1)
    assert {each["case_id"] for each in await content(owner) if each["owner"] != "agent-88"} == {CASES[3]}


@pytest.mark.usefixtures("journal")
async def test_rebuild_reports_a_broken_journal_and_goes_on(pool: Pool, owner: Connection) -> None:
    before = await content(owner)
    await owner.execute("alter table journal disable trigger all")
    await owner.execute("delete from journal where case_id = $1 and number = 2", CASES[4])
    rebuilt = await rebuild(pool, row_of)
    assert rebuilt.cases == len(CASES) - 1
    (broken,) = rebuilt.broken
    assert broken.case_id == CASES[4]
    assert broken.fault.startswith("entry 3 does not")
    assert await content(owner) == before


async def test_rebuild_while_cases_are_written_loses_nothing(journal: PostgresJournal, pool: Pool) -> None:
    whole = journal_of(CASES[0], 40)

    async def go_on() -> None:
        for number in range(2, len(whole) + 1):
            assert (await journal.write(whole[number - 1 : number], row_after(whole[:number]))).fits

    async def go_on_rebuilding(writing: asyncio.Task[None]) -> None:
        while not writing.done():
            await rebuild(pool, row_of)

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(go_on())
        group.create_task(go_on_rebuilding(writing))
    assert await CaseList(pool).get(CASES[0]) == row_after(whole)


async def test_lists_by_what_is_asked_for(pool: Pool) -> None:
    journal = PostgresJournal(pool)
    changes: dict[str, dict[str, Any]] = {
        "buyer-1/order-1": {"stage": Stage.RULING, "owner": "agent-1"},
        "buyer-2/order-2": {"level": Level.SUPERVISOR, "owner": "agent-1"},
        "buyer-3/order-3": {"category": Category.LOGISTICS, "next_deadline": None},
    }
    for days, (case_id, change) in enumerate(changes.items()):
        entries = (seal(entry(case_id, Head(), filed()), Head()),)
        row = replace(row_after(entries), next_deadline=START + timedelta(days=9 - days))
        await journal.write(entries, replace(row, **change))
    find = CaseList(pool).find

    async def found(**conditions: Any) -> list[str]:
        return [row.case_id.partition("/")[0] for row in await find(**conditions)]

    assert await found() == ["buyer-2", "buyer-1", "buyer-3"]
    assert await found(limit=1) == ["buyer-2"]
    assert await found(owner="agent-1") == ["buyer-2", "buyer-1"]
    assert await found(stages=(Stage.RULING, Stage.CLOSED)) == ["buyer-1"]
    assert await found(level=Level.SUPERVISOR, owner="agent-1") == ["buyer-2"]
    assert await found(category=Category.LOGISTICS) == ["buyer-3"]
    assert await found(complainant="buyer-017", respondent="shop-204", category=Category.LOGISTICS) == ["buyer-3"]
    assert await found(complainant="buyer-018") == []
    assert await found(due_before=START + timedelta(days=9)) == ["buyer-2"]
