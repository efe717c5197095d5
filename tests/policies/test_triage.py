"""Expressions of triage are read into parts, and what the packs here say with them is said once and used (INT-4)."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from policies.book import default_book
from policies.schema import Category, Policy
from policies.triage import CategoryWords, Gap, LabelRules, Part, Pattern, TriageLabel, TriageRules, parse
from tests.states.story import START

PLATFORM = default_book().in_force("platform", START)
RULES = PLATFORM.pack.triage


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("找", [Part(("找",))]),
        ("找|叫", [Part(("找", "叫"))]),
        ("找 <manager>", [Part(("找",)), Part((), ("manager",))]),
        ("我|<person> 找", [Part(("我",), ("person",)), Part(("找",))]),
        ("找 (了|过) 人", [Part(("找",)), Part(("了", "过"), optional=True), Part(("人",))]),
        ("找 (<manager>) 人", [Part(("找",)), Part((), ("manager",), optional=True), Part(("人",))]),
        ("找 ~ 人", [Part(("找",)), Part(("人",), gap=Gap(8))]),
        ("找 ~3 人", [Part(("找",)), Part(("人",), gap=Gap(3))]),
        ("找 ~~ 人", [Part(("找",)), Part(("人",), gap=Gap(40, across=True))]),
        ("找 ~~20 人", [Part(("找",)), Part(("人",), gap=Gap(20, across=True))]),
        ("^ 找 $", [Part(("^",)), Part(("找",)), Part(("$",))]),
        ("没 ~2 <*>", [Part(("没",)), Part(("<*>",), gap=Gap(2))]),
        ("找 ？", [Part(("找",)), Part(("？",))]),
    ],
)
def test_an_expression_is_parts_that_follow_one_another(expression: str, parts: list[Part]) -> None:
    assert parse(expression, near=8, far=40) == tuple(parts)


def test_the_match_and_the_bounds_of_a_clause_are_signs_and_words_are_not() -> None:
    assert [part.sign for part in parse("^ 找 ~ <*> <manager> $", near=8, far=40)] == ["^", None, "<*>", None, "$"]


@pytest.mark.parametrize("written", ["找，", "找,叫", "退！", "好吗？"])
def test_no_word_has_a_mark_within_it(written: str) -> None:
    """Expressions that should have been apart are one that is never found."""
    with pytest.raises(ValueError, match=f"^has a mark within the word '{re.escape(written)}'$"):
        parse(f"{written} 人", near=8, far=40)


BAD = "找 ~"


@pytest.mark.parametrize(
    ("place", "rules"),
    [
        ("contexts.denied", lambda: replace(RULES, contexts={**RULES.contexts, "denied": (BAD,)})),
        ("categories.order", lambda: replace(RULES, categories={"order": CategoryWords(weak=(BAD,))})),
        ("labels.legal_action", lambda: labelled(LabelRules(patterns={}, unless=(BAD,)))),
        ("labels.legal_action.suit", lambda: labelled(LabelRules(patterns={"suit": Pattern(find=("告", BAD))}))),
        (
            "labels.legal_action.suit",
            lambda: labelled(LabelRules(patterns={"suit": Pattern(find=("告",), unless=(BAD,))})),
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(place: str, rules: Callable[[], TriageRules]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(place)}: '找 ~' ends with a gap$"):
        rules()


def labelled(rules: LabelRules) -> TriageRules:
    """The platform's words, with others for one label."""
    return replace(RULES, labels={**RULES.labels, TriageLabel.LEGAL_ACTION: rules})


# --- the packs here -------------------------------------------------------------------------------


def expressions(rules: TriageRules) -> Iterator[str]:
    yield from (each for some in rules.contexts.values() for each in some)
    for label in rules.labels.values():
        yield from label.unless
        yield from (each for one in label.patterns.values() for each in (*one.find, *one.given, *one.unless))
    yield from (each for words in rules.categories.values() for each in (*words.strong, *words.weak))


def test_every_set_and_every_context_is_used() -> None:
    named = {name for each in expressions(RULES) for name in re.findall(r"<(\w+)>", each)}
    assert RULES.sets.keys() == named
    patterns = [one for label in RULES.labels.values() for one in label.patterns.values()]
    contexts = {name for label in RULES.labels.values() for name in label.unless_in}
    assert RULES.contexts.keys() == contexts.union(*(one.given_in + one.unless_in for one in patterns))


@pytest.mark.parametrize("kind", ["words", "unless"])
def test_no_set_names_a_word_twice(kind: str) -> None:
    twice = {
        name: again
        for name, words in RULES.sets.items()
        if (again := [word for word, count in Counter(getattr(words, kind)).items() if count > 1])
    }
    assert not twice


@pytest.mark.parametrize("policy", list(default_book()), ids=lambda policy: str(policy.ref))
def test_every_pack_reads_for_every_label_and_its_categories_by_strong_words(policy: Policy) -> None:
    rules = policy.pack.triage
    assert rules.labels.keys() == set(TriageLabel)
    assert {Category(name) for name in rules.categories} <= set(Category)
    assert all(words.strong or words.labels for words in rules.categories.values())
