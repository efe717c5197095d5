"""What texts show: how well on labelled texts, where in them, in which language, and in how many steps (INT-4, ESC-4 to
ESC-6, ESC-9, HOF-3).

The texts beside this are of this project: `triage/tuned.jsonl` are those by which the words of the pack were chosen,
`triage/held_back.jsonl` those that were kept apart, and say how well the words do on what is new to them.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from audit.triage import Labelled, Score, read, score
from policies.book import default_book
from policies.triage import CategoryWords, LabelRules, Pattern, TriageLabel, TriageRules, WordSet
from states import triage
from states.triage import Proposals, propose
from tests.states.story import START

TEXTS = Path(__file__).parent / "triage"
FILES = ("tuned", "held_back")
RULES = default_book().in_force("platform", START).pack.triage
LABEL = TriageLabel.ASKS_MANAGEMENT


@cache
def texts(file: str) -> tuple[Labelled, ...]:
    return tuple(read(TEXTS / f"{file}.jsonl"))


@cache
def measured(file: str) -> Score:
    return score(texts(file), RULES)


def everything() -> Iterator[str]:
    yield from (each.text for file in FILES for each in texts(file))


# --- how well -------------------------------------------------------------------------------------

TARGETS = dict.fromkeys(TriageLabel, 0.8) | {TriageLabel.SAFETY_HAZARD: 0.85, TriageLabel.COUNTERFEIT: 0.85}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("label", TriageLabel)
def test_each_label_is_found(file: str, label: TriageLabel) -> None:
    tally = measured(file).tallies[label]
    assert tally.right + tally.missed >= 10, "enough texts to tell"
    assert tally.f1 >= TARGETS[label], f"{tally}: python -m audit triage {TEXTS / file}.jsonl --errors"


@pytest.mark.parametrize("file", FILES)
def test_few_harmless_texts_raise_an_alarm(file: str) -> None:
    """Figures of speech, fears, features: none of them is a hazard (ESC-9)."""
    assert measured(file).harmless >= 100
    assert measured(file).alarm_rate <= 0.05


def test_what_is_held_back_was_not_tuned_with() -> None:
    tuned, held_back = ({each.text for each in texts(file)} for file in FILES)
    assert not tuned & held_back
    assert len(tuned) + len(held_back) >= 400


@pytest.mark.parametrize(
    ("text", "label", "shown"),
    [
        ("店铺说锅底的划痕是我用了钢丝球", TriageLabel.SAFETY_HAZARD, False),
        ("米饭里吃出一截钢丝", TriageLabel.SAFETY_HAZARD, True),
        ("让我把钱转到老板个人账户", TriageLabel.ASKS_MANAGEMENT, False),
        ("我找了老板，他说不退", TriageLabel.ASKS_MANAGEMENT, True),
        ("真伪难辨，味道也不对", TriageLabel.COUNTERFEIT, True),
    ],
)
def test_words_that_were_once_misread(text: str, label: TriageLabel, shown: bool) -> None:
    assert (label in {each.label for each in propose(text, RULES).labels}) is shown


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("要求退款", None),  # a claim, which every category may have
        ("水烧不开，盖子也打不开", None),
        ("店家拒绝给开发票", "invoice"),
        ("一直不开票", "invoice"),
        ("申请退款", None),
        ("商家拒绝退款", "return_exchange"),
        ("在线消息不回", None),
        ("打电话来骂我", None),
        ("客服骂人", "service_attitude"),
        ("师傅一直不上门", None),
        ("不给送货上门", "logistics"),
        ("说涨价了，要补差价", None),
        ("降价了不退差价", "price_promotion"),
        ("物流，快递", None),
    ],
)
def test_a_category_is_proposed_for_what_the_complaint_is_about(text: str, category: str | None) -> None:
    found = propose(text, RULES).category
    assert (found and found.category) == category


# --- where ----------------------------------------------------------------------------------------


def found_at(text: str, rules: TriageRules) -> list[str]:
    """What of a text caused the label."""
    return [text[each.start : each.end] for label in propose(text, rules).labels for each in label.excerpts]


def test_offsets_point_to_what_caused_the_label() -> None:
    """What an excerpt points to is found again by the same pattern, by itself and as a whole."""
    seen = 0
    for text in everything():
        for label in propose(text, RULES).labels:
            for excerpt in label.excerpts:
                words = text[excerpt.start : excerpt.end]
                assert words, text
                assert (0, len(words)) in alone(words, label.label, excerpt.pattern), (text, words, excerpt.pattern)
                seen += 1
    assert seen > 500


@cache
def only(label: TriageLabel, pattern: str) -> TriageRules:
    """The rules with one pattern, whatever is around what it finds."""
    find = RULES.labels[label].patterns[pattern].find
    return replace(RULES, labels={label: LabelRules(patterns={pattern: Pattern(find=find)})}, categories={})


def alone(words: str, label: TriageLabel, pattern: str) -> set[tuple[int, int]]:
    found = propose(words, only(label, pattern)).labels
    return {(each.start, each.end) for proposal in found for each in proposal.excerpts}


def test_a_proposal_names_what_it_found_and_holds_no_text() -> None:
    """The text stays in the vault: only names leave, in the pack's own Latin letters."""
    for text in everything():
        assert msgspec.json.encode(propose(text, RULES)).isascii(), text


def test_a_category_names_its_expressions_by_weight_and_number() -> None:
    words = CategoryWords(strong=("骂 人", "推卸"), weak=("态度", "客服"))
    found = propose("客服推卸，态度差", rules("无", categories={"attitude": words})).category
    assert found is not None
    assert [(each.start, each.end, each.pattern) for each in found.excerpts] == [
        (0, 2, "weak.2"),
        (2, 4, "strong.2"),
        (5, 7, "weak.1"),
    ]


# --- always the same ------------------------------------------------------------------------------


def test_the_same_rules_read_again_find_the_same() -> None:
    again = msgspec.json.decode(msgspec.json.encode(RULES), type=TriageRules)
    assert again is not RULES
    compiled = triage._Compiled(again)
    assert [compiled.propose(text) for text in everything()] == [propose(text, RULES) for text in everything()]


READ = """
import sys
from pathlib import Path
import msgspec
from audit.triage import read
from policies.triage import TriageRules
from states.triage import propose
rules = msgspec.json.decode(sys.stdin.buffer.read(), type=TriageRules)
found = [propose(each.text, rules) for path in sys.argv[1:] for each in read(Path(path))]
sys.stdout.buffer.write(msgspec.json.encode(found))
"""


def test_other_processes_find_the_same() -> None:
    """The order of sets, which depends on the process, decides nothing: a replay may be anywhere."""
    files = [str(TEXTS / f"{file}.jsonl") for file in FILES]
    for seed in ("1", "2"):
        process = subprocess.run(
            [sys.executable, "-c", READ, *files],
            input=msgspec.json.encode(RULES),
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent.parent,
            capture_output=True,
            check=True,
        )
        found = msgspec.json.decode(process.stdout, type=list[Proposals])
        assert found == [propose(text, RULES) for text in everything()]


# --- in how many steps ----------------------------------------------------------------------------


def steps(act: Callable[[], object]) -> int:
    """How many lines of the core an act runs through."""
    count = 0

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, event: str, arg: Any) -> Any:
        return line if frame.f_code.co_filename == triage.__file__ else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        "找经理，",
        "没有没有没有",
        "12315投诉",
        "漏电手机",
        "不是正品",
        "爆炸！",
        "再不退我就",
        "手手手",
        "   ",
        "。？，",
    ],
)
def test_the_steps_grow_with_the_length_of_the_text(unit: str) -> None:
    """However often words repeat, a text four times as long takes no more than four times the steps."""
    once, longer = (steps(partial(propose, unit * times, RULES)) for times in (100, 400))
    assert longer > once
    assert longer <= 4.2 * once


# --- folding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "我要打12315",
        "我要打１２３１５",
        "我要打 12315",
        "我要打“12315”！",
        "我要打1-2-3-1-5",
        "我要找消費者協會",
        "我要找消-协",
        "我要找消*协",
        "我要找【消协】",
        "我要投訴到工商局",
    ],
)
def test_ways_to_write_the_same(written: str) -> None:
    """Traditional characters, full width, symbols put between to hide a word."""
    assert TriageLabel.EXTERNAL_COMPLAINT_INTENT in {each.label for each in propose(written, RULES).labels}


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("a货", "买到Ａ 貨了", ["Ａ 貨"]),
        ("a货", "买到A-货了", ["A-货"]),
        ("sn", "查SN号", ["SN"]),
        ("12315", "打１２３１５。", ["１２３１５"]),
        ("假货", "假“货”", ["假“货"]),
        ("假货", "假，货", []),
        ("110", "打110", ["110"]),
        ("110", "型号F110，1100元，1.10", []),
        ("110", "110报警", ["110"]),
        ("ceo", "找CEO", ["CEO"]),
        ("ceo", "video", []),
    ],
)
def test_what_was_folded_is_found_where_it_was_written(expression: str, text: str, found: list[str]) -> None:
    assert found_at(text, rules(expression, variants={"货": "貨"})) == found


# --- the language ---------------------------------------------------------------------------------


def rules(*find: str, categories: dict[str, CategoryWords] | None = None, **changed: Any) -> TriageRules:
    """Rules with one pattern, and the figures of the platform."""
    pattern = {name: changed.pop(name) for name in ("given", "given_in", "unless", "unless_in") if name in changed}
    label = LabelRules(patterns={"found": Pattern(find=find, **pattern)})
    sets = {
        "manager": WordSet(words=("经理", "店长"), unless=("经理人", "客户经理")),
        "seek": WordSet(words=("找", "叫")),
    }
    plain = {"sets": sets, "contexts": {}, "variants": {}, "labels": {LABEL: label}, "categories": categories or {}}
    return replace(RULES, **{**plain, **changed})


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("找|叫", "找人，叫人", ["找", "叫"]),
        ("<manager>", "经理和店长", ["经理", "店长"]),
        ("<manager>", "经理人，客户经理", []),
        ("<seek> <manager>", "叫店长来", ["叫店长"]),
        ("<seek>|请 <manager>", "请经理来", ["请经理"]),
        ("找 经理", "找店经理", []),
        ("找 (了|过) 经理", "找经理，找了经理，找过经理", ["找经理", "找了经理", "找过经理"]),
        ("^ 找", "我找，找他", ["找"]),
        ("找 $", "找他，我找", ["找"]),
        ("^ 找 $", "找，我找，找他", ["找"]),
        ("找 ~2 经理", "找你们经理，找你们的经理", ["找你们经理"]),
        ("找 ~2 经理", "找，经理", []),
        ("找 ~~4 经理", "找了。经理", ["找了。经理"]),
        ("找 ~ 经理", "找他，没找到经理", ["找到经理"]),
        ("经理 ？", "经理呢？经理？", ["经理？"]),
        ("经理 ，", "经理！经理、经理 经理，", ["经理 ", "经理，"]),
        ("经理 。", "经理，经理！", ["经理！"]),
    ],
)
def test_an_expression_finds(expression: str, text: str, found: list[str]) -> None:
    assert found_at(text, rules(expression)) == found


@pytest.mark.parametrize(
    ("text", "around", "shown"),
    [
        ("我找经理", {"given": ("我 ~ <*>",)}, True),
        ("他找经理", {"given": ("我 ~ <*>",)}, False),
        ("经理我找", {"given": ("我 ~ <*>",)}, False),
        ("经理不理", {"given": ("<*> 不",)}, True),
        ("经理也不理", {"given": ("<*> 不",)}, False),
        ("不，经理", {"given": ("不 ~ <*>",)}, False),
        ("不，经理", {"given": ("不 ~~ <*>",)}, True),
        ("我叫经理来", {"given": ("我 ~ <*> ~ 来",)}, True),
        ("我叫经理", {"given": ("我 ~ <*> ~ 来",)}, False),
        ("经理。很久以前的事，算了", {"given": ("算了",)}, True),
        ("经理", {"given": ("算了", "不 <*>")}, False),
        ("没叫经理", {"unless": ("没 ~ <*>",)}, False),
        ("叫经理", {"unless": ("没 ~ <*>",)}, True),
        ("经理，算了", {"unless": ("算了",)}, False),
        ("我没叫经理", {"given": ("我 ~ <*>",), "unless": ("没 ~ <*>",)}, False),
        ("没叫经理", {"unless_in": ("denied",)}, False),
        ("没叫经理", {"given_in": ("denied",)}, True),
        ("叫经理", {"given_in": ("denied",)}, False),
        ("我叫经理", {"given": ("我 ~ <*>",), "given_in": ("denied",)}, True),  # either will do
    ],
)
def test_what_is_around_what_was_found(text: str, around: dict[str, Any], shown: bool) -> None:
    assert found_at(text, rules("经理", contexts={"denied": ("没 ~ <*>",)}, **around)) == ["经理"] * shown


def test_one_place_of_several_can_be_what_counts() -> None:
    assert found_at("没叫经理，我叫经理", rules("经理", unless=("没 ~ <*>",))) == ["经理"]
    (label,) = propose("没叫经理，我叫经理", rules("经理", unless=("没 ~ <*>",))).labels
    assert [(each.start, each.end) for each in label.excerpts] == [(7, 9)]


def test_a_label_has_what_stands_against_all_its_patterns() -> None:
    patterns = {"one": Pattern(find=("经理",)), "two": Pattern(find=("店长",))}
    label = LabelRules(patterns=patterns, unless=("不 <*>",))
    against = replace(rules("无"), labels={LABEL: label})
    assert found_at("不经理，不店长", against) == []
    assert found_at("经理，店长", against) == ["经理", "店长"]


def test_a_label_speaks_for_a_category_as_a_strong_word_does() -> None:
    found = propose("找经理", rules("经理", categories={"attitude": CategoryWords(labels=(LABEL,))}))
    assert found.category is not None
    assert found.category.excerpts == found.labels[0].excerpts


@pytest.mark.parametrize("text", ["", " ", "。", "\n\n", "好", "\U0001f600", "\u0301", "ﷺ" * 3])
def test_texts_that_show_nothing(text: str) -> None:
    assert propose(text, RULES) == Proposals()
