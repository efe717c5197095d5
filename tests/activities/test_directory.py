"""Who takes which waiting case: one agent each, the oldest of the highest priority, and nobody more than they can."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from activities.database import Connection, Pool, create_pool
from activities.directory import _ONE_AT_A_TIME, LAPSE, Agent, Directory, Shift, Team
from activities.views import NEVER_BACK, NEXT, OPEN, PUT_ROWS, CaseList, rows_json
from policies.schema import Category, Level, Priority, Stage
from states.lifecycle import OPEN_STAGES
from states.view import CaseRow
from tests.activities.samples import START

THOUSAND = 1000
NOW = START + timedelta(hours=4)
DAY = Shift("agent-01", START, START + timedelta(hours=8))
FIRST = Agent("agent-01", "front_line", Level.FRONT_LINE, 3)
SECOND = replace(FIRST, id="agent-02")


@pytest.fixture
def directory(pool: Pool) -> Directory:
    return Directory(pool)


@pytest.fixture
async def two(database: str) -> AsyncIterator[tuple[Directory, Directory]]:
    """The directory as two programs have it, each over one connection of its own."""
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(await create_pool(database, smallest=1, largest=1)) for _ in range(2)]
        yield Directory(pools[0]), Directory(pools[1])


async def employ(directory: Directory, *agents: Agent) -> None:
    """Put agents on record, on shift for the day."""
    await directory.put(
        teams=[Team("front_line", "一线客服组")],
        agents=agents,
        shifts=[replace(DAY, agent=agent.id) for agent in agents],
    )


def waiting(name: str, minutes: int = 0, **changes: Any) -> CaseRow:
    """A case that waits since so many minutes after the start."""
    given: dict[str, Any] = {
        "case_id": f"{name}/order-1",
        "entries": 1,
        "stage": Stage.ACCEPTANCE,
        "level": Level.FRONT_LINE,
        "category": Category.QUALITY,
        "complainant": name,
        "respondent": "shop-204",
        "policy": "platform@2024-07-22",
        "high_risk": False,
        "external": False,
        "opened_at": START + timedelta(minutes=minutes),
        "remedies": "",
        "penalties": "",
        "path": (Stage.INTAKE, Stage.ACCEPTANCE),
    }
    priority = changes.get("priority", Priority.NORMAL)
    return CaseRow(**given | {"urgency": list(Priority).index(priority)} | changes)


async def show(pool: Pool, *rows: CaseRow) -> None:
    """Put rows into the view."""
    await pool.execute(PUT_ROWS.format(rows="$1") + NEVER_BACK, rows_json((row, START) for row in rows))


async def own(pool: Pool, case_id: str, agent: str | None) -> None:
    """The case shows its owner."""
    await pool.execute("update case_view set owner = $2 where case_id = $1", case_id, agent)


async def claims(pool: Pool) -> dict[str, str]:
    """The agent of every claimed case."""
    return {each["case_id"]: each["agent"] for each in await pool.fetch("select case_id, agent from claims")}


def oldest(count: int) -> list[str]:
    """The ids of so many waiting cases, the oldest first."""
    return [f"buyer-{number:04}/order-1" for number in range(count)]


async def show_waiting(pool: Pool, count: int, **changes: Any) -> list[str]:
    """Show so many cases, one a minute; their ids, the oldest first."""
    await show(pool, *(waiting(f"buyer-{number:04}", number, **changes) for number in range(count)))
    return oldest(count)


async def claim_until_none(directory: Directory, agent: str) -> list[str]:
    """What an agent gets by claiming until there is nothing left."""
    claimed = []
    while (case_id := await directory.claim(agent, NOW)) is not None:
        claimed.append(case_id)
    return claimed


# --- many at once ---------------------------------------------------------------------------------


async def test_of_a_thousand_cases_that_two_agents_claim_at_once_each_has_one_winner(
    pool: Pool, two: tuple[Directory, Directory]
) -> None:
    await employ(two[0], replace(FIRST, capacity=THOUSAND), replace(SECOND, capacity=THOUSAND))
    cases = await show_waiting(pool, THOUSAND)
    first, second = await asyncio.gather(*(claim_until_none(two[i], f"agent-0{i + 1}") for i in range(2)))
    assert sorted(first + second) == cases
    assert first == sorted(first), "the oldest first"
    assert second == sorted(second)
    assert min(len(first), len(second)) > THOUSAND / 4, "both were at it all the time"
    assert await claims(pool) == dict.fromkeys(first, "agent-01") | dict.fromkeys(second, "agent-02")


async def test_two_agents_who_claim_the_one_waiting_case_at_once_a_thousand_times_get_it_once_each_time(
    pool: Pool, two: tuple[Directory, Directory]
) -> None:
    await employ(two[0], replace(FIRST, capacity=THOUSAND), replace(SECOND, capacity=THOUSAND))
    cases = await show_waiting(pool, THOUSAND, stage=Stage.CLOSED)
    winners: Counter[int] = Counter()
    for case_id in cases:
        await pool.execute("update case_view set stage = 'acceptance' where case_id = $1", case_id)
        got = await asyncio.gather(two[0].claim("agent-01", NOW), two[1].claim("agent-02", NOW))
        assert sorted(got, key=str) == [None, case_id]
        winner = got.index(case_id)
        winners[winner] += 1
        await own(pool, case_id, f"agent-0{winner + 1}")
        await two[winner].settle_claim(f"agent-0{winner + 1}", case_id)
    assert winners.total() == THOUSAND
    assert await claims(pool) == {}


async def test_many_agents_at_once_get_the_oldest_cases_and_nobody_more_than_the_capacity(
    pool: Pool, two: tuple[Directory, Directory], database: str
) -> None:
    agents = [replace(FIRST, id=f"agent-{number:02}", capacity=10) for number in range(20)]
    await employ(two[0], *agents)
    cases = await show_waiting(pool, 300)
    async with await create_pool(database, smallest=8, largest=8) as wide:
        directories = (*two, Directory(pool), Directory(wide))
        claiming = [
            directories[number % 4].claim(agent.id, NOW) for number in range(15) for agent in agents
        ]  # each agent through every connection, five more than the capacity
        got = [case_id for case_id in await asyncio.gather(*claiming) if case_id is not None]
    assert sorted(got) == cases[:200]
    assert Counter((await claims(pool)).values()) == dict.fromkeys((agent.id for agent in agents), 10)


async def test_one_agent_who_claims_many_times_at_once_gets_no_more_than_the_capacity(
    pool: Pool, two: tuple[Directory, Directory]
) -> None:
    await employ(two[0], FIRST)
    cases = await show_waiting(pool, 20)
    await own(pool, cases[0], FIRST.id)
    got = await asyncio.gather(*(two[number % 2].claim(FIRST.id, NOW) for number in range(20)))
    assert sorted(case_id for case_id in got if case_id) == cases[1:3], "one of three is owned already"


async def test_a_claim_waits_for_the_one_under_way_and_sees_it(
    pool: Pool, directory: Directory, owner: Connection, watcher: Connection
) -> None:
    await employ(directory, FIRST, SECOND)
    cases = await show_waiting(pool, 2)
    async with owner.transaction():
        await owner.execute("select pg_advisory_xact_lock(hashtextextended('claims', 0))")
        claiming = asyncio.create_task(directory.claim(SECOND.id, NOW))
        while not await watcher.fetchval("select true from pg_locks where locktype = 'advisory' and not granted"):
            assert not claiming.done()
            await asyncio.sleep(0.005)
        await owner.execute("insert into claims values ($1, $2, $3)", cases[0], FIRST.id, NOW)
    assert await claiming == cases[1]


async def test_who_stands_still_in_the_middle_of_a_claim_is_cut_off_and_holds_nobody_up(
    pool: Pool, directory: Directory, database: str
) -> None:
    await employ(directory, FIRST)
    (case_id,) = await show_waiting(pool, 1)
    still = await asyncpg.connect(database)
    await still.execute("begin")
    await still.execute(_ONE_AT_A_TIME.replace("5s", "50ms"))
    assert await directory.claim(FIRST.id, NOW) == case_id
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await still.execute("commit")
    still.terminate()


# --- what is taken --------------------------------------------------------------------------------


async def test_the_oldest_of_the_highest_priority_comes_first(pool: Pool, directory: Directory) -> None:
    await employ(directory, replace(FIRST, capacity=9))
    rows = [
        waiting("buyer-1", 1),
        waiting("buyer-2", 3, priority=Priority.HIGH),
        waiting("buyer-3", 2, priority=Priority.HIGH),
        waiting("buyer-4", 4, priority=Priority.URGENT),
        waiting("buyer-5", 0),
    ]
    await show(pool, *rows)
    order = [rows[number].case_id for number in (3, 2, 1, 4, 0)]
    assert [row.case_id for row in await CaseList(pool).waiting()] == order
    assert await claim_until_none(directory, FIRST.id) == order


async def test_freed_capacity_takes_the_oldest_of_the_highest_priority(pool: Pool, directory: Directory) -> None:
    await employ(directory, replace(FIRST, capacity=2))
    await show(pool, *(waiting(f"buyer-{number}", number) for number in range(2)))
    owned = await claim_until_none(directory, FIRST.id)
    for case_id in owned:
        await own(pool, case_id, FIRST.id)
        await directory.settle_claim(FIRST.id, case_id)
    await show(pool, waiting("new", 9), waiting("old", 5), waiting("high", 8, priority=Priority.HIGH))
    assert await directory.claim(FIRST.id, NOW) is None, "there is no capacity left"
    for freed, taken in zip(owned, ("high", "old"), strict=True):
        await pool.execute("update case_view set stage = 'closed' where case_id = $1", freed)
        assert await directory.claim(FIRST.id, NOW) == f"{taken}/order-1"
        assert await directory.claim(FIRST.id, NOW) is None


async def test_a_case_counts_once_from_its_claim_until_it_is_over(pool: Pool, directory: Directory) -> None:
    await employ(directory, replace(FIRST, capacity=2))
    cases = await show_waiting(pool, 5)
    assert await directory.claim(FIRST.id, NOW) == cases[0]
    await directory.settle_claim(FIRST.id, cases[0])
    assert await claims(pool) == {cases[0]: FIRST.id}, "the owner does not show yet, so the claim has to"
    await own(pool, cases[0], FIRST.id)
    assert await directory.claim(FIRST.id, NOW) == cases[1], "owned, and its claim not settled: counted once"
    assert await directory.claim(FIRST.id, NOW) is None
    await directory.settle_claim(FIRST.id, cases[0])
    assert await claims(pool) == {cases[1]: FIRST.id}
    assert await directory.claim(FIRST.id, NOW) is None
    await own(pool, cases[1], "agent-09")
    assert await directory.claim(FIRST.id, NOW) == cases[2], "somebody else was faster with that one"


async def test_a_released_case_waits_again_but_not_for_who_asks_for_another(pool: Pool, directory: Directory) -> None:
    await employ(directory, FIRST, SECOND)
    cases = await show_waiting(pool, 3)
    assert await directory.claim(FIRST.id, NOW) == cases[0]
    await directory.release_claim(SECOND.id, cases[0])
    assert await directory.claim(SECOND.id, NOW) == cases[1], "it was not theirs to release"
    await directory.release_claim(FIRST.id, cases[0])
    assert await directory.claim(FIRST.id, NOW, except_for=[cases[0]]) == cases[2]
    assert await directory.claim(SECOND.id, NOW) == cases[0]


async def test_a_claim_that_nobody_settles_lapses(pool: Pool, directory: Directory) -> None:
    await employ(directory, replace(FIRST, capacity=1), SECOND)
    cases = await show_waiting(pool, 2)
    assert await directory.claim(FIRST.id, NOW) == cases[0]
    almost = NOW + LAPSE - timedelta(seconds=1)
    assert await directory.claim(FIRST.id, almost) is None, "it counts as one of the agent's open cases"
    assert await directory.claim(SECOND.id, almost) == cases[1]
    assert await directory.claim(FIRST.id, NOW + LAPSE) == cases[0], "it counts no longer"
    assert await directory.claim(SECOND.id, NOW + 2 * LAPSE) == cases[0]
    await directory.settle_claim(FIRST.id, cases[0])
    await directory.release_claim(FIRST.id, cases[0])
    assert (await claims(pool))[cases[0]] == SECOND.id, "who was late ends nobody's claim"


@pytest.mark.parametrize("stage", Stage)
async def test_only_open_cases_without_an_owner_are_taken(pool: Pool, directory: Directory, stage: Stage) -> None:
    await employ(directory, FIRST)
    await show(pool, waiting("owned", 0, stage=stage, owner=SECOND.id), waiting("free", 1, stage=stage))
    assert await directory.claim(FIRST.id, NOW) == ("free/order-1" if stage in OPEN_STAGES else None)


# --- who may take it ------------------------------------------------------------------------------


async def test_nobody_takes_anything_off_shift(pool: Pool, directory: Directory) -> None:
    await employ(directory, FIRST)
    (case_id,) = await show_waiting(pool, 1)

    async def gets(now: datetime) -> str | None:
        claimed = await directory.claim(FIRST.id, now)
        await directory.release_claim(FIRST.id, case_id)
        return claimed

    assert await gets(DAY.starts - timedelta(microseconds=1)) is None
    assert await gets(DAY.starts) == case_id
    assert await gets(DAY.ends - timedelta(microseconds=1)) == case_id
    assert await gets(DAY.ends) is None
    await directory.put(shifts=[replace(DAY, starts=DAY.ends, ends=DAY.ends + timedelta(hours=1))])
    assert await gets(DAY.ends) == case_id
    await directory.put(agents=[replace(FIRST, active=False)])
    assert await gets(NOW) is None, "no longer active"
    await directory.put(agents=[FIRST], shifts=[replace(DAY, ends=DAY.starts)])
    assert await gets(NOW) is None, "the shift was taken back"
    assert await directory.claim("agent-99", NOW) is None, "nobody of that id"


@pytest.mark.parametrize(("skills", "taken"), [((), True), ((Category.LOGISTICS,), False), ((*Category,), True)])
async def test_skills(pool: Pool, directory: Directory, skills: tuple[Category, ...], taken: bool) -> None:
    await employ(directory, replace(FIRST, skills=skills))
    await show_waiting(pool, 1, category=Category.QUALITY)
    assert (await directory.claim(FIRST.id, NOW) is not None) == taken


async def test_a_case_is_taken_at_its_level_or_above(pool: Pool, directory: Directory) -> None:
    await employ(directory, *(replace(FIRST, id=level, level=level) for level in Level))
    for needed in Level:
        await show(pool, waiting("buyer-1", level=needed))
        for number, level in enumerate(Level):
            claimed = await directory.claim(level, NOW)
            assert (claimed is not None) == (number >= list(Level).index(needed)), (level, needed)
            await directory.release_claim(level, "buyer-1/order-1")
        await pool.execute("delete from case_view")


async def test_a_case_never_goes_to_whom_it_is_not_for(pool: Pool, directory: Directory) -> None:
    await employ(directory, FIRST, SECOND)
    await show(pool, waiting("buyer-1", 0, not_for=(SECOND.id, FIRST.id)), waiting("buyer-2", 1, not_for=(FIRST.id,)))
    assert await directory.claim(FIRST.id, NOW) is None
    assert await directory.claim(SECOND.id, NOW) == "buyer-2/order-1"
    assert await directory.claim(SECOND.id, NOW) is None


class Model:
    """What the directory has to do, said again in Python."""

    def __init__(self, rows: Iterable[CaseRow], agents: Iterable[Agent]) -> None:
        self.rows = {row.case_id: row for row in rows}
        self.agents = {agent.id: agent for agent in agents}

    def next_for(self, agent: Agent) -> str | None:
        """The case that an agent gets."""
        held = [row for row in self.rows.values() if row.owner == agent.id and row.stage in OPEN_STAGES]
        if not agent.active or len(held) >= agent.capacity:
            return None
        levels = list(Level)
        fitting = [
            row
            for row in self.rows.values()
            if row.owner is None
            and row.stage in OPEN_STAGES
            and (not agent.skills or row.category in agent.skills)
            and levels.index(row.level) <= levels.index(agent.level)
            and agent.id not in row.not_for
        ]
        first = min(fitting, key=lambda row: (-row.urgency, row.opened_at, row.case_id), default=None)
        return None if first is None else first.case_id


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_waits_and_whoever_claims_the_same_comes_of_it_as_in_a_simple_model(
    pool: Pool, directory: Directory, seed: int
) -> None:
    choose = random.Random(seed)
    agents = [
        Agent(
            f"agent-{number:02}",
            "front_line",
            choose.choice(list(Level)),
            choose.randint(0, 12),
            tuple(choose.sample(list(Category), choose.choice((0, 0, 3, 9)))),
            choose.random() < 0.9,
        )
        for number in range(12)
    ]
    rows = [
        waiting(
            f"buyer-{number:03}",
            choose.randint(0, 60),
            stage=choose.choice(list(Stage)),
            level=choose.choice(list(Level)),
            category=choose.choice(list(Category)),
            priority=choose.choice(list(Priority)),
            owner=choose.choice((None, None, None, choose.choice(agents).id)),
            not_for=tuple(agent.id for agent in choose.sample(agents, choose.choice((0, 0, 1, 6)))),
        )
        for number in range(150)
    ]
    await employ(directory, *agents)
    await show(pool, *rows)
    model = Model(rows, agents)
    taken = 0
    for _ in range(200):
        agent = choose.choice(agents)
        wanted = model.next_for(agent)
        assert await directory.claim(agent.id, NOW) == wanted
        if wanted is not None:
            taken += 1
            model.rows[wanted] = replace(model.rows[wanted], owner=agent.id)
            if choose.random() < 0.5:  # the others stay claims
                await own(pool, wanted, agent.id)
                await directory.settle_claim(agent.id, wanted)
    assert taken > 20


# --- the record -----------------------------------------------------------------------------------


async def test_people_are_put_on_record_and_brought_up_to_date(directory: Directory) -> None:
    teams = [Team("front_line", "一线客服组"), Team("logistics", "物流组")]
    other = Agent("agent-02", "logistics", Level.SPECIALIST, 0, (Category.LOGISTICS, Category.NOT_RECEIVED), False)
    shifts = [DAY, replace(DAY, agent="agent-02"), replace(DAY, starts=DAY.ends, ends=DAY.ends + timedelta(hours=8))]
    for _ in range(2):
        await directory.put(teams=teams, agents=[other, FIRST], shifts=shifts)
        assert await directory.teams() == tuple(teams)
        assert await directory.agents() == (FIRST, other)
        assert await directory.agents("logistics") == (other,)
        assert await directory.shifts(START, START + timedelta(days=1)) == tuple(shifts)
    assert await directory.agent("agent-02") == other
    assert await directory.agent("agent-99") is None
    assert await directory.shifts(START - timedelta(days=1), START) == ()
    assert await directory.shifts(DAY.ends, DAY.ends + timedelta(hours=1)) == tuple(shifts[2:])
    changed = replace(other, team="front_line", capacity=7, skills=(), active=True)
    longer = replace(DAY, ends=DAY.ends + timedelta(hours=1))
    await directory.put(teams=[replace(teams[0], title="一线")], agents=[changed], shifts=[longer])
    assert (await directory.teams())[0].title == "一线"
    assert await directory.agents() == (FIRST, changed)
    assert (await directory.shifts(START, NOW))[0] == longer


async def test_people_are_put_on_record_as_a_whole_or_not_at_all(directory: Directory) -> None:
    team = Team("front_line", "一线客服组")
    with pytest.raises(LookupError, match=r"^agents.agent-01.team: there is no team legal"):
        await directory.put(teams=[team], agents=[replace(FIRST, team="legal")])
    with pytest.raises(LookupError, match=r"^shifts.agent-02: there is no agent agent-02"):
        await directory.put(teams=[team], agents=[FIRST], shifts=[replace(DAY, agent="agent-02")])
    with pytest.raises(ValueError, match=r"^shifts.agent-01: .* ends before it starts"):
        await directory.put(teams=[team], agents=[FIRST], shifts=[replace(DAY, ends=DAY.starts - timedelta(hours=1))])
    assert (await directory.teams(), await directory.agents(), await directory.shifts(START, NOW)) == ((), (), ())


async def test_the_application_employs_people_and_forgets_none(pool: Pool, directory: Directory) -> None:
    await employ(directory, FIRST)
    for table in ("teams", "agents", "shifts"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"delete from {table}")


async def test_the_next_case_is_found_without_looking_at_all_of_them(pool: Pool, owner: Connection) -> None:
    await show_waiting(pool, THOUSAND)
    await owner.execute("analyze case_view")
    plan = await owner.fetch(
        f"explain select case_id from case_view where owner is null and {OPEN} order by {NEXT} limit 1"
    )
    steps = "\n".join(each[0] for each in plan)
    assert "case_view_work" in steps, steps
    assert "Sort" not in steps, steps
