"""The lists: never older than what they showed, and the journal alone gives them back."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from activities import views
from activities.database import Connection, Pool
from activities.directory import Directory
from activities.journal import PostgresJournal
from activities.views import CaseList, TeamTask, rebuild
from policies.schema import Category, Channel, Level, Priority, Route, Stage
from states import events, view
from states.journal import seal
from states.lifecycle import OPEN_STAGES
from states.values import OPEN_HAND_OFFS, Consent, ConsentState, HandOff, HandOffState, Head
from states.view import CaseRow, HandOffRow
from tests.activities.samples import START, entry, filed, journal_of, row_after, row_of
from tests.activities.test_directory import DAY, FIRST, SECOND, employ, show, waiting
from tests.states.story import Story

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
        "buyer-1/order-1": {"stage": Stage.RULING, "owner": "agent-1", "teams": ("logistics", "safety"), "late": True},
        "buyer-2/order-2": {"level": Level.SUPERVISOR, "owner": "agent-1", "teams": ("logistics",), "incident": "i-1"},
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
    assert await found(team="logistics") == ["buyer-2", "buyer-1"]
    assert (
        await found(team="safety") == await found(late=True) == await found(late=True, team="logistics") == ["buyer-1"]
    )
    assert await found(team="legal") == await found(priority=Priority.HIGH) == []
    assert await found(incident="i-1") == ["buyer-2"]
    assert await found(ownerless=True) == ["buyer-3"]
    await pool.execute("update case_view set priority = 'high', urgency = 1 where complainant = 'buyer-017' and late")
    assert await found() == ["buyer-1", "buyer-2", "buyer-3"], "the most urgent first, whatever is due"
    assert await found(priority=Priority.HIGH) == ["buyer-1"]


# --- what teams and agents have to do -------------------------------------------------------------


def hand_off(id_: str, hours: int | None, **changes: Any) -> HandOffRow:
    """A hand-off to the logistics team, due in so many hours."""
    due = None if hours is None else START + timedelta(hours=hours)
    given = {"route": Route.LOGISTICS, "team": "logistics", "state": HandOffState.QUEUED, "due": due}
    return HandOffRow(id=id_, **given | changes)


def handed(name: str, priority: Priority, *hand_offs: HandOffRow) -> CaseRow:
    """A case with hand-offs, all of them open if `teams` is right."""
    open_ = [each.team for each in hand_offs if each.state in (HandOffState.QUEUED, HandOffState.WORKING)]
    return waiting(name, priority=priority, teams=tuple(dict.fromkeys(open_)), hand_offs=hand_offs)


async def test_a_team_is_shown_what_it_has_to_do_the_most_urgent_and_longest_due_first(pool: Pool) -> None:
    other = {"route": Route.SAFETY, "team": "safety"}
    ended = [
        hand_off(f"H{number}", None, state=state, result="found")
        for number, state in enumerate(HandOffState)
        if state not in OPEN_HAND_OFFS
    ]
    rows = [
        handed("buyer-1", Priority.NORMAL, hand_off("H1", -5, late=True, level=Level.SPECIALIST)),
        handed("buyer-2", Priority.URGENT, *ended, hand_off("H8", 9), hand_off("H9", 2, state=HandOffState.WORKING)),
        handed("buyer-3", Priority.URGENT, hand_off("H1", 1, **other), hand_off("H2", 5, worker="agent-21")),
        handed("buyer-4", Priority.HIGH, hand_off("H1", None), hand_off("H2", 3, **other)),
        handed("buyer-5", Priority.URGENT, *ended),
    ]
    await show(pool, *rows)
    lists = CaseList(pool)
    tasks = await lists.hand_offs("logistics")
    assert [(task.case_id.partition("/")[0], task.hand_off.id) for task in tasks] == [
        ("buyer-2", "H9"),
        ("buyer-3", "H2"),
        ("buyer-2", "H8"),
        ("buyer-4", "H1"),
        ("buyer-1", "H1"),
    ]
    assert tasks[1] == TeamTask(
        case_id=rows[2].case_id, priority=Priority.URGENT, urgency=2, hand_off=rows[2].hand_offs[1]
    )
    assert await lists.hand_offs("logistics", limit=2) == tasks[:2]
    assert {task.case_id for task in await lists.hand_offs("safety")} == {rows[2].case_id, rows[3].case_id}
    assert await lists.hand_offs("legal") == ()
    for row in rows:
        assert await lists.get(row.case_id) == row


async def test_the_lists_hold_a_real_case_with_all_that_is_handed_over(pool: Pool, owner: Connection) -> None:
    story = Story().to_verification()
    story.accepted(events.SetRisk, high=True)
    story.accepted(events.HandOver, route=Route.LOGISTICS, consent=Channel.HOTLINE)
    story.accepted(events.HandOver, route=Route.ON_BEHALF)
    story.accepted(events.TakeHandOff, hand_off=story.open_case.open_hand_offs[0].id)
    case = story.open_case
    await PostgresJournal(pool).write(tuple(story.entries), view.row(case))
    lists = CaseList(pool)
    row = await lists.get(case.case_id)
    assert row == view.row(case)
    assert row.priority is not Priority.NORMAL
    assert len(row.teams) == len(row.hand_offs) == 3
    for team in row.teams:
        shown = [task.hand_off for task in await lists.hand_offs(team)]
        assert shown == [each for each in row.hand_offs if each.team == team]
        assert [each.case_id for each in await lists.find(team=team)] == [case.case_id]
    before = await content(owner)
    await owner.execute("update case_view set teams = '{}', hand_offs = '[]', urgency = 0, priority = 'normal'")
    assert await rebuild(pool, view.row) == views.Rebuilt(1)
    assert await content(owner) == before


def test_what_is_open_in_a_list_is_open_in_the_core() -> None:
    at = Consent(state=ConsentState.GIVEN, at=START)
    made = [
        HandOff(id="H1", route=Route.LOGISTICS, team="logistics", state=state, by="agent-1", at=START, consent=at)
        for state in HandOffState
    ]
    assert {each.state for each in made if each.open} == set(OPEN_HAND_OFFS)


@pytest.mark.parametrize("stage", Stage)
async def test_cases_whose_owner_is_not_on_shift(pool: Pool, stage: Stage) -> None:
    directory = Directory(pool)
    await employ(directory, FIRST, SECOND, replace(FIRST, id="agent-03", active=False))
    await show(
        pool,
        waiting("on", owner=FIRST.id, stage=stage),
        waiting("inactive", owner="agent-03", stage=stage),
        waiting("unknown", owner="supervisor-01", stage=stage, priority=Priority.HIGH),
        waiting("nobody's", stage=stage),
    )
    lists = CaseList(pool)

    async def found(now: datetime) -> list[str]:
        return [row.complainant for row in await lists.off_shift(now)]

    is_open = stage in OPEN_STAGES
    assert await found(DAY.starts) == (["unknown", "inactive"] if is_open else [])
    assert await found(DAY.ends) == (["unknown", "inactive", "on"] if is_open else [])
    assert [row.complainant for row in await lists.off_shift(DAY.ends, limit=1)] == ["unknown"] * is_open
    assert [row.complainant for row in await lists.of_owner(FIRST.id)] == ["on"] * is_open
    assert [row.complainant for row in await lists.waiting()] == ["nobody's"] * is_open


async def test_the_lists_of_work_are_found_without_looking_at_all_cases(pool: Pool, owner: Connection) -> None:
    others = [waiting(f"buyer-{number:04}", number, stage=Stage.CLOSED, owner=FIRST.id) for number in range(1000)]
    await show(pool, *others, handed("buyer-x", Priority.HIGH, hand_off("H1", 1)))
    await owner.execute("analyze case_view")

    async def plan(condition: str) -> str:
        return "\n".join(each[0] for each in await owner.fetch(f"explain select * from case_view where {condition}"))

    assert "case_view_teams" in await plan("teams <> '{}' and teams @> array['logistics']")
    assert "case_view_work" in await plan(f"owner = 'agent-01' and {views.OPEN}")
