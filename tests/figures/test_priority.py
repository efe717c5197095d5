"""How urgent a case is, by points; the escalation table may ask for more."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import Category, Channel, Pack, Party, Priority, RemedyKind
from states import events
from states.values import Claim
from tests.figures.cases import CATEGORIES, altered, filed, ripe
from tests.states.story import BUYER, START, Story, order

DAY = timedelta(days=1)


def factors(story: Story) -> dict[str, int]:
    return {each.name: each.points for each in story.open_case.factors}


def refund(amount: int | None = None) -> Claim:
    return Claim(remedies=(RemedyKind.REFUND,), amount_fen=amount, problem_since=START - DAY)


@pytest.mark.rule("INT-5")
def test_high_risk_has_100_points() -> None:
    story = Story()
    story.file(high_risk=True)
    assert factors(story) == {"high_risk": 100}


@pytest.mark.rule("INT-5")
def test_external_complaints_have_60_points() -> None:
    story = Story()
    story.file(channel=Channel.REGULATOR)
    assert factors(story) == {"external": 60}


POINTS = {Category.COUNTERFEIT: 30, Category.DATA_LEAK: 30, Category.OFF_PLATFORM_PAYMENT: 20}


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_categories_have_their_points(category: Category) -> None:
    points = POINTS.get(category, 0)
    assert factors(filed(category)) == ({"category": points} if points else {})


@pytest.mark.parametrize(
    ("fen", "points"), [(99_999, 0), (100_000, 10), (999_999, 10), (1_000_000, 40), (50_000_000, 40)]
)
@pytest.mark.rule("INT-1")
def test_amount_fen_bands_are_by_what_is_claimed_or_was_paid(fen: int, points: int) -> None:
    expected = {"amount": points} if points else {}
    assert factors(filed(Category.ORDER, ripe(paid_fen=50_000_000), claim=refund(fen))) == expected
    assert factors(filed(Category.ORDER, ripe(paid_fen=fen), claim=refund())) == expected


@pytest.mark.rule("INT-5")
def test_contacts_bands_begin_with_3_and_6() -> None:
    story = filed(Category.ORDER)
    found = []
    for _ in range(8):
        story.accepted(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
        found.append(factors(story).get("contacts", 0))
    assert found == [0, 0, 20, 20, 20, 40, 40, 40]


@pytest.mark.parametrize(("count", "points"), [(1, 0), (2, 10), (4, 10), (5, 30), (9, 30)])
@pytest.mark.rule("INT-1")
def test_orders_bands_begin_with_2_and_5(count: int, points: int) -> None:
    story = Story()
    names = tuple(f"order-{1001 + number}" for number in range(count))
    story.other_orders = {name: order(order=name, paid_fen=100) for name in names}
    story.file(orders=names)
    assert factors(story).get("orders", 0) == points


def weighing(points: int) -> PolicyBook:
    """The policies, if a complaint about quality had so many points."""

    def changed(pack: Pack) -> Pack:
        return replace(pack, priority=replace(pack.priority, categories={Category.QUALITY: points}))

    return altered(changed)


@pytest.mark.parametrize(
    ("points", "priority"),
    [
        (1, Priority.NORMAL),
        (39, Priority.NORMAL),
        (40, Priority.HIGH),
        (99, Priority.HIGH),
        (100, Priority.URGENT),
        (200, Priority.URGENT),
    ],
)
@pytest.mark.rule("INT-5")
def test_levels_points_are_40_and_100(points: int, priority: Priority) -> None:
    story = Story(weighing(points))
    story.file()
    assert factors(story) == {"category": points}
    assert story.open_case.priority is priority


@pytest.mark.parametrize(("paid_fen", "high_risk", "served"), [(100, False, 3), (1_000_000, False, 2), (100, True, 1)])
def test_levels_task_priority_has_the_engine_serve_the_urgent_first(
    paid_fen: int, high_risk: bool, served: int
) -> None:
    story = filed(Category.ORDER, ripe(paid_fen=paid_fen), claim=refund(), high_risk=high_risk)
    levels = story.book.policy(story.open_case.policy).pack.priority.levels
    assert levels[story.open_case.priority].task_priority == served
