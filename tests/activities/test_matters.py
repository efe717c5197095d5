"""Complaints are counted by what they have in common without a race, and become one incident exactly once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from activities.database import Connection, Pool, create_pool
from activities.journal import PostgresJournal
from activities.matters import LONGEST_ID, IncidentList, PostgresMatters, incident_id
from activities.ports import KeyReusedError, Origin
from policies.schema import Category, Matter, Stage
from states.effects import CountMatter, MatterCounted
from states.incident import CloseIncident, Closing, Incident, OpenIncident, opened
from states.values import Id
from tests.activities.samples import POLICY, START, journal_of, row_after
from tests.states.story import CHIEF, text

SELLER = "seller-204"
FIRST = f"incident/seller/{SELLER}/1"
SECOND = f"incident/seller/{SELLER}/2"
ENOUGH = 4


class Opened:
    """The engine's side: which incidents were to be started."""

    def __init__(self) -> None:
        self.started: list[OpenIncident] = []
        self.failing = False

    async def open(self, start: OpenIncident) -> None:
        if self.failing:
            raise ConnectionError
        self.started.append(start)


@pytest.fixture
def engine() -> Opened:
    return Opened()


@pytest.fixture
def matters(pool: Pool, engine: Opened) -> PostgresMatters:
    return PostgresMatters(pool, engine)


@pytest.fixture
async def another(database: str, engine: Opened) -> AsyncIterator[PostgresMatters]:
    """The same as another worker has it, with connections of its own."""
    pool = await create_pool(database, smallest=2)
    yield PostgresMatters(pool, engine)
    await pool.close()


def about(case: int | str, **changes: Any) -> CountMatter:
    """A complaint about the seller, in the case of that name."""
    effect = CountMatter(
        key=f"buyer/order-{case}:2:1",
        matter=Matter.SELLER,
        subject=SELLER,
        category=Category.QUALITY,
        within_days=7,
        complaints=ENOUGH,
    )
    return replace(effect, **changes)


def origin(case: int | str, **after: float) -> Origin:
    return Origin(f"buyer/order-{case}", POLICY, START + timedelta(**after))


async def count(matters: PostgresMatters, case: int | str, **after: float) -> tuple[int, str | None]:
    counted = await matters.count(about(case), origin(case, **after))
    return counted.count, counted.incident


async def members(matters: PostgresMatters, incident: str = FIRST, *, uncounted: bool = False) -> list[str]:
    found = await matters.members(incident, after=0, last=None, uncounted=uncounted, limit=1000)
    assert [each.place for each in found.cases] == sorted({each.place for each in found.cases})
    return [each.case_id.removeprefix("buyer/order-") for each in found.cases]


def incident(id_: str = FIRST, *, closed: bool = False) -> Incident:
    begun = opened(OpenIncident(incident=id_, matter=Matter.SELLER, subject=SELLER, policy=POLICY, at=START))
    by = CloseIncident(request_id="r-close", actor=CHIEF, reason=text("over"))
    return replace(begun, closing=Closing(by, START)) if closed else begun


# --- counting -------------------------------------------------------------------------------------


async def test_from_the_policy_s_number_on_there_is_an_incident(matters: PostgresMatters, engine: Opened) -> None:
    counted = [await count(matters, number) for number in range(ENOUGH + 2)]
    assert counted == [(1, None), (2, None), (3, None), (4, FIRST), (5, FIRST), (6, FIRST)]
    assert await members(matters) == ["0", "1", "2", "3", "4", "5"]
    assert await members(matters, uncounted=True) == ["0", "1", "2"], "who was not told with its own count"
    assert engine.started == [
        OpenIncident(incident=FIRST, matter=Matter.SELLER, subject=SELLER, policy=POLICY, at=START)
    ]


async def test_of_cases_counted_at_the_same_moment_one_opens_the_incident(
    matters: PostgresMatters, another: PostgresMatters, engine: Opened
) -> None:
    workers = {"a": matters, "b": another}
    counting = [count(worker, f"{number}-{name}") for number in range(10) for name, worker in workers.items()]
    counted = sorted(await asyncio.gather(*counting), key=lambda each: each[0])
    assert counted == [(number, FIRST if number >= ENOUGH else None) for number in range(1, 21)]
    assert [each.incident for each in engine.started] == [FIRST]
    assert len(await members(matters)) == 20
    assert len(await members(matters, uncounted=True)) == ENOUGH - 1


async def test_many_matters_at_once_are_each_counted_for_themselves(
    matters: PostgresMatters, another: PostgresMatters, engine: Opened
) -> None:
    sellers = [f"seller-{number}" for number in range(10)]
    counting = [
        worker.count(about(f"{seller}-{number}", subject=seller), origin(f"{seller}-{number}"))
        for seller in sellers
        for number in range(ENOUGH)
        for worker in ((matters, another)[number % 2],)
    ]
    counted = await asyncio.gather(*counting)
    assert sorted(each.count for each in counted) == sorted(list(range(1, ENOUGH + 1)) * len(sellers))
    assert sorted(each.subject for each in engine.started) == sellers


async def test_a_seller_and_a_product_of_one_name_are_two_matters(matters: PostgresMatters) -> None:
    assert (await matters.count(about(1), origin(1))).count == 1
    assert (await matters.count(about(2, matter=Matter.PRODUCT), origin(2))).count == 1
    assert (await matters.count(about(3), origin(3))).count == 2


async def test_a_case_can_belong_to_an_incident_of_its_product_and_to_one_of_its_seller(
    matters: PostgresMatters, engine: Opened
) -> None:
    for number in range(ENOUGH):
        await count(matters, number)
        product = about(number, key=f"buyer/order-{number}:2:2", matter=Matter.PRODUCT, subject="product-7")
        await matters.count(product, origin(number))
    assert [each.incident for each in engine.started] == [FIRST, "incident/product/product-7/1"]
    assert await members(matters) == await members(matters, "incident/product/product-7/1") == ["0", "1", "2", "3"]


# --- once -----------------------------------------------------------------------------------------


async def test_a_count_asked_for_again_gives_the_same_answer(matters: PostgresMatters, engine: Opened) -> None:
    first = [await matters.count(about(number), origin(number)) for number in range(ENOUGH + 1)]
    again = [await matters.count(about(number), origin(number, days=30)) for number in range(ENOUGH + 1)]
    assert again == first
    assert len(await members(matters)) == ENOUGH + 1
    assert len(engine.started) == 2, "whoever opened it makes sure again that it was started"
    with pytest.raises(KeyReusedError):
        await matters.count(about(1, subject="seller-9"), origin(1))


async def test_an_incident_that_could_not_be_started_is_started_with_the_next_attempt(
    matters: PostgresMatters, engine: Opened
) -> None:
    for number in range(ENOUGH - 1):
        await count(matters, number)
    engine.failing = True
    with pytest.raises(ConnectionError):
        await count(matters, 9)
    assert await count(matters, "meanwhile") == (ENOUGH + 1, FIRST)
    engine.failing = False
    assert await count(matters, 9) == (ENOUGH, FIRST)
    assert [each.incident for each in engine.started] == [FIRST]


async def test_a_case_that_is_admitted_again_is_one_complaint(matters: PostgresMatters) -> None:
    assert await count(matters, 1) == (1, None)
    again = about(1, key="buyer/order-1:9:1")
    assert await matters.count(again, origin(1, days=1)) == MatterCounted(1, None)
    assert await count(matters, 2) == (2, None)


# --- windows --------------------------------------------------------------------------------------


async def test_the_window_reaches_back_from_the_complaint(matters: PostgresMatters) -> None:
    assert await count(matters, 1) == (1, None)
    assert await count(matters, 2, days=7) == (2, None), "a window of 7 days holds its first instant"
    assert await count(matters, 3, days=7, seconds=1) == (2, None), "the first one lies outside by now"
    assert await count(matters, 4, days=6) == (4, FIRST), "what another case entered with a later time counts too"


async def test_what_lay_outside_the_window_does_not_belong_to_the_incident(matters: PostgresMatters) -> None:
    await count(matters, "old")
    for number in range(ENOUGH):
        await count(matters, number, days=8)
    assert await members(matters) == ["0", "1", "2", "3"]


async def test_an_open_incident_takes_in_whatever_comes(matters: PostgresMatters) -> None:
    for number in range(ENOUGH):
        await count(matters, number)
    assert await count(matters, "much later", days=90) == (1, FIRST)
    assert (await members(matters))[-1] == "much later"


async def test_after_an_incident_is_closed_it_takes_as_many_new_complaints_to_open_another(
    matters: PostgresMatters, engine: Opened
) -> None:
    for number in range(ENOUGH):
        await count(matters, number)
    await matters.note(incident(closed=True))
    later = [await count(matters, f"new-{number}", hours=1) for number in range(ENOUGH)]
    assert later == [(1, None), (2, None), (3, None), (4, SECOND)]
    assert await members(matters, SECOND) == [f"new-{number}" for number in range(ENOUGH)]
    assert len(await members(matters)) == ENOUGH
    assert [each.incident for each in engine.started] == [FIRST, SECOND]
    again = about(1, key="buyer/order-1:9:1")
    assert (await matters.count(again, origin(1, hours=2))).incident == FIRST, "it belongs there for good"
    # The opener of the first one is asked again, long after: nothing of that joins the closed incident.
    assert await count(matters, ENOUGH - 1) == (ENOUGH, FIRST)
    assert len(await members(matters)) == ENOUGH


# --- members --------------------------------------------------------------------------------------


async def test_cases_are_paged_by_their_places(matters: PostgresMatters, pool: Pool) -> None:
    for number in range(7):
        await count(matters, number)
    first = await matters.members(FIRST, after=0, last=None, uncounted=False, limit=3)
    assert ([each.place for each in first.cases], first.last) == ([1, 2, 3], 7)
    await count(matters, "joins meanwhile")
    rest = await matters.members(FIRST, after=3, last=first.last, uncounted=False, limit=9)
    assert ([each.place for each in rest.cases], rest.last) == ([4, 5, 6, 7], 7)
    nothing = await matters.members("incident/seller/nobody/1", after=0, last=None, uncounted=False, limit=9)
    assert (nothing.cases, nothing.last) == ((), 0)


async def test_a_member_is_open_as_long_as_the_lists_say_so(matters: PostgresMatters, pool: Pool) -> None:
    for number in range(ENOUGH):
        await count(matters, number)
    journal = PostgresJournal(pool)
    for number, stage in enumerate((Stage.ACCEPTANCE, Stage.CLOSED, Stage.ARCHIVED)):
        entries = journal_of(f"buyer/order-{number}", 1)
        await journal.write(entries, replace(row_after(entries), stage=stage))
    found = await matters.members(FIRST, after=0, last=None, uncounted=False, limit=9)
    assert [each.open for each in found.cases] == [True, False, False, False]


async def test_the_list_of_incidents(matters: PostgresMatters, pool: Pool, owner: Connection) -> None:
    listed = IncidentList(pool)
    assert await listed.all() == ()
    assert await listed.get(FIRST) is None
    for number in range(ENOUGH):
        await count(matters, number)
    (row,) = await listed.all()
    assert row == await listed.get(FIRST)
    assert (row.id, row.matter, row.subject, row.opened_at, row.closed_at, row.cases) == (
        FIRST, Matter.SELLER, SELLER, START, None, ENOUGH
    )  # fmt: skip
    assert await listed.noted(FIRST) is None
    await matters.note(incident(closed=True))
    assert await listed.all() == ()
    assert [each.closed_at for each in await listed.all(closed=True)] == [START]
    assert await listed.noted(FIRST) == incident(closed=True)


@pytest.mark.parametrize("subject", ["s", "s" * 120])
def test_the_id_of_an_incident_is_short_enough_for_what_is_made_of_it(subject: str) -> None:
    made = {incident_id(matter, subject, number) for matter in Matter for number in (1, 2, 10_000)}
    assert len(made) == 6
    for each in made:
        assert len(each) <= LONGEST_ID
        assert msgspec.convert(each, Id) == each
    assert incident_id(Matter.SELLER, "s" * 119 + "x", 1) != incident_id(Matter.SELLER, "s" * 120, 1)
