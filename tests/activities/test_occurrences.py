"""The ledger counts against a seller without a race, and comes back to its balance when something is reversed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from activities.database import Connection, Pool, create_pool
from activities.platform import PostgresPlatform
from activities.ports import KeyReusedError, Origin
from policies.book import default_book
from policies.schema import Counted, Outcome
from states import events
from states.effects import CountOccurrence, Done, Failed, OccurrenceCounted, Reverse
from tests.activities.samples import POLICY, START
from tests.activities.test_platform import ORIGIN, POINTS, REFUND
from tests.states.story import CHIEF, Story, order
from tests.states.story import REFUND as STORY_REFUND

SELLER = "shop-204"
ROUNDS = 50


@pytest.fixture
def platform(pool: Pool) -> PostgresPlatform:
    return PostgresPlatform(pool)


@pytest.fixture
async def another(database: str) -> AsyncIterator[PostgresPlatform]:
    """The platform as another worker has it, with connections of its own."""
    pool = await create_pool(database, smallest=2)
    yield PostgresPlatform(pool)
    await pool.close()


def passive(case: int | str, **changes: object) -> CountOccurrence:
    """Passive service by the seller, in the case of that number."""
    effect = CountOccurrence(
        key=f"buyer/order-{case}:5:1",
        occurrence="O1",
        counts=Counted.PASSIVE_SERVICE,
        seller=SELLER,
        within_days=90,
    )
    return replace(effect, **changes)


def origin(case: int | str, **after: float) -> Origin:
    return Origin(f"buyer/order-{case}", POLICY, START + timedelta(**after))


def reversal(case: int | str) -> Reverse:
    return Reverse(key=f"buyer/order-{case}:9:1", subject="O1", reverses=f"buyer/order-{case}:5:1")


async def count(platform: PostgresPlatform, case: int | str, **after: float) -> int:
    return (await platform.count_occurrence(passive(case), origin(case, **after))).count


async def test_two_cases_counted_at_the_same_moment_never_get_the_same_count(
    platform: PostgresPlatform, another: PostgresPlatform
) -> None:
    for number in range(ROUNDS):
        counts = await asyncio.gather(count(platform, f"{number}-a"), count(another, f"{number}-b"))
        assert sorted(counts) == [2 * number + 1, 2 * number + 2]


async def test_many_cases_at_once_are_counted_one_after_the_other(
    platform: PostgresPlatform, another: PostgresPlatform
) -> None:
    workers = {"a": platform, "b": another}
    counting = [count(worker, f"{number}-{name}") for number in range(20) for name, worker in workers.items()]
    assert sorted(await asyncio.gather(*counting)) == list(range(1, 41))


RULE = next(
    repeat
    for repeat in default_book().find("platform", "2024-07-22").pack.repeats
    if repeat.counts is Counted.UPHELD_COMPLAINT
)


class Upheld(Story):
    """A complaint about the usual seller that is upheld, and what the ruling has the ledger count."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.order = order(order=name)
        self.to_ruling(orders=(name,))
        self.hold = True
        ruling = {"outcome": Outcome.UPHELD, "rule": "VER-5", "remedies": (STORY_REFUND,)}
        self.accepted(events.IssueRuling, CHIEF, **ruling)

    async def counted_by(self, platform: PostgresPlatform) -> bool:
        """Let the ledger count it; whether the penalty fell."""
        case = self.open_case
        [effect] = [each for each in case.outbox if isinstance(each, CountOccurrence)]
        outcome = await platform.count_occurrence(effect, Origin(case.case_id, case.policy, self.now))
        self.happen(events.EffectsReported(results=(events.Result(effect.key, outcome),)))
        return RULE.penalty in {penalty.row for penalty in self.open_case.penalties}


@pytest.mark.rule("PEN-3")
async def test_of_complaints_upheld_at_the_same_moment_exactly_those_are_penalised_whose_turn_it_is(
    platform: PostgresPlatform, another: PostgresPlatform
) -> None:
    fell = list[bool]()
    for number in range(RULE.times):
        one, other = Upheld(f"order-{number}-a"), Upheld(f"order-{number}-b")
        fell += await asyncio.gather(one.counted_by(platform), other.counted_by(another))
        assert fell.count(True) == len(fell) // RULE.times


async def test_an_occurrence_asked_for_again_keeps_its_count(platform: PostgresPlatform) -> None:
    first = await platform.count_occurrence(passive(1), origin(1))
    assert first == OccurrenceCounted(START, 1)
    assert await count(platform, 2) == 2
    assert await platform.count_occurrence(passive(1), origin(1, days=3)) == first
    with pytest.raises(KeyReusedError):
        await platform.count_occurrence(passive(1, seller="shop-205"), origin(1))


async def test_each_seller_and_each_kind_is_counted_for_itself(platform: PostgresPlatform) -> None:
    assert await count(platform, 1) == 1
    others = (passive(2, seller="shop-205"), passive(3, counts=Counted.UPHELD_COMPLAINT))
    for number, effect in enumerate(others, 2):
        assert (await platform.count_occurrence(effect, origin(number))).count == 1
    assert await count(platform, 4) == 2


async def test_the_window_reaches_back_from_the_occurrence(platform: PostgresPlatform) -> None:
    assert await count(platform, 1) == 1
    assert await count(platform, 2, days=90) == 2, "a window of 90 days holds its first instant"
    assert await count(platform, 3, days=90, seconds=1) == 2, "the first one lies outside by now"
    assert await count(platform, 4, days=89) == 4, "what another case entered with a later time stands too"


async def test_a_reversed_occurrence_no_longer_counts(platform: PostgresPlatform) -> None:
    assert [await count(platform, case) for case in range(2)] == [1, 2]
    undone = await platform.reverse(reversal(1), origin(1, days=1))
    assert isinstance(undone, Done)
    assert await platform.reverse(reversal(1), origin(1, days=2)) == undone
    assert await count(platform, 3, days=1) == 2
    assert await count(platform, 1) == 2, "its own answer stays what it was"


# --- the balance ----------------------------------------------------------------------------------


async def balance(owner: Connection) -> list[tuple[object, ...]]:
    """What everybody has been paid, and the points of every shop."""
    found = await owner.fetch(
        "select coalesce(beneficiary, against) as whose, coalesce(sum(amount_fen), 0)::bigint, "
        "coalesce(sum(points), 0)::bigint from ledger where kind <> 'occurrence' group by 1 order by 1"
    )
    return [tuple(each) for each in found]


async def test_reversal_brings_the_ledger_back_to_its_earlier_balance(
    platform: PostgresPlatform, owner: Connection
) -> None:
    await platform.carry_out(replace(REFUND, key="buyer-017/order-1:8:1", amount_fen=500), ORIGIN)
    await platform.apply_penalty(replace(POINTS, key="buyer-017/order-1:8:2", points=2), ORIGIN)
    before = await balance(owner)
    assert before == [("buyer-017", 500, 0), (SELLER, 0, 2)]
    await platform.carry_out(REFUND, ORIGIN)
    await platform.apply_penalty(POINTS, ORIGIN)
    assert await balance(owner) == [("buyer-017", 20_400, 0), (SELLER, 0, 6)]
    for number, (effect, subject) in enumerate(((POINTS, "P1"), (REFUND, "M1"))):
        undo = Reverse(key=f"{ORIGIN.case_id}:20:{number}", subject=subject, reverses=effect.key)
        answers = await asyncio.gather(*(platform.reverse(undo, ORIGIN) for _ in range(5)))
        assert len(set(answers)) == 1
        assert isinstance(answers[0], Done)
    assert await balance(owner) == before
    undone = {each.reverses: each for each in await platform.ledger(ORIGIN.case_id) if each.reverses}
    assert (undone[REFUND.key].amount_fen, undone[POINTS.key].points) == (-19_900, -4)
    assert undone[POINTS.key].point_class == "a"


async def test_of_two_reversals_of_one_entry_at_the_same_moment_one_is_done(
    platform: PostgresPlatform, another: PostgresPlatform
) -> None:
    for number in range(ROUNDS):
        refund = replace(REFUND, key=f"{ORIGIN.case_id}:{number}:1")
        await platform.carry_out(refund, ORIGIN)
        undo = [
            Reverse(key=f"{ORIGIN.case_id}:{number}:{each}", subject="M1", reverses=refund.key) for each in (2, 2, 3, 3)
        ]
        workers = (platform, another, platform, another)
        answers = await asyncio.gather(
            *(worker.reverse(each, ORIGIN) for worker, each in zip(workers, undo, strict=True))
        )
        one, other = set(answers[:2]), set(answers[2:])
        assert len(one) == len(other) == 1, "asked again, the same"
        assert [*one, *other].count(Failed("already_reversed")) == 1


async def test_what_is_not_there_is_not_reversed(platform: PostgresPlatform) -> None:
    await platform.carry_out(REFUND, ORIGIN)
    undo = Reverse(key=f"{ORIGIN.case_id}:20:1", subject="M1", reverses=REFUND.key)
    assert await platform.reverse(replace(undo, reverses=f"{ORIGIN.case_id}:1:1"), ORIGIN) == Failed("not_found")
    assert await platform.reverse(replace(undo, subject="M2"), ORIGIN) == Failed("not_found")
    assert await platform.reverse(undo, replace(ORIGIN, case_id="buyer-018/order-1")) == Failed("not_found")
    assert isinstance(await platform.reverse(undo, ORIGIN), Done)
    again = replace(undo, key=f"{ORIGIN.case_id}:30:1")
    assert await platform.reverse(again, ORIGIN) == Failed("already_reversed")
    of_the_reversal = replace(again, reverses=undo.key)
    assert await platform.reverse(of_the_reversal, ORIGIN) == Failed("not_found")
    assert len(await platform.ledger(ORIGIN.case_id)) == 2


COPY = "key, case_id, kind, subject, action, order_id, beneficiary, policy, at, reverses"


@pytest.mark.parametrize(("column", "value"), [("amount_fen", 19_900), ("points", 4)])
async def test_a_reversal_that_gives_instead_of_taking_back_is_refused(
    platform: PostgresPlatform, pool: Pool, column: str, value: int
) -> None:
    await platform.carry_out(REFUND, ORIGIN)
    entry = f"'other', case_id, kind, subject, action, order_id, beneficiary, policy, at, key, {value}"
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(f"insert into ledger ({COPY}, {column}) select {entry} from ledger")
