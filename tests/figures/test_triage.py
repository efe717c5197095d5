"""How far the words of triage reach, how many places it shows, and what speaks for a category how much. The words
themselves have tests of their own.
"""

import pytest
from msgspec.structs import replace

from policies.book import default_book
from policies.triage import CategoryWords, LabelRules, Pattern, TriageLabel, TriageRules
from states.triage import propose
from tests.states.story import START

LABEL = TriageLabel.ASKS_MANAGEMENT


def rules(expression: str, categories: dict[str, CategoryWords]) -> TriageRules:
    """The platform's figures, with other words."""
    platform = default_book().in_force("platform", START).pack.triage
    label = LabelRules(patterns={"found": Pattern(find=(expression,))})
    return replace(platform, sets={}, contexts={}, labels={LABEL: label}, categories=categories)


def places(text: str, expression: str) -> int:
    """In how many places a text shows what an expression says."""
    return sum(len(each.excerpts) for each in propose(text, rules(expression, {})).labels)


def category(text: str, **categories: CategoryWords) -> str | None:
    """What a text speaks for most."""
    found = propose(text, rules("找", categories)).category
    return None if found is None else found.category


@pytest.mark.parametrize(("between", "found"), [(0, 1), (8, 1), (9, 0)])
def test_near_is_8_characters_of_a_clause(between: int, found: int) -> None:
    assert places(f"找{'一' * between}人", "找 ~ 人") == found
    assert places(f"找{'一' * between}，人", "找 ~ 人") == 0


@pytest.mark.parametrize(("between", "found"), [(0, 1), (39, 1), (40, 0)])
def test_far_is_40_characters_whatever_stands_between(between: int, found: int) -> None:
    """The mark is one of them."""
    assert places(f"找{'一' * between}，人", "找 ~~ 人") == found


def test_max_excerpts_are_8_places() -> None:
    assert [places("找，" * count, "找") for count in (7, 8, 9, 20)] == [7, 8, 8, 8]


def test_strong_weight_is_3_weak_weight_1_and_min_weight_3() -> None:
    weak = CategoryWords(weak=("一", "二", "三", "四"))
    strong = CategoryWords(strong=("甲",))
    assert category("一，二", weak=weak) is None
    assert category("一，二，三", weak=weak) == "weak"
    assert category("甲", strong=strong) == "strong"
    assert category("一，二，甲", weak=weak, strong=strong) == "strong"
    assert category("一，二，三，甲", weak=weak, strong=strong) == "weak"  # of the same weight, and named first
    assert category("一，二，三，甲", strong=strong, weak=weak) == "strong"
    assert category("一，二，三，四，甲", strong=strong, weak=weak) == "weak"
