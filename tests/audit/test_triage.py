"""How well a pack's words read labelled texts, as an auditor measures it: `python -m audit triage` (INT-4, ESC-9)."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from audit.__main__ import main
from audit.triage import Cause, Labelled, Mistake, Tally, Unreadable, read, score
from policies.book import default_book, load_book
from policies.triage import LabelRules, Pattern, TriageLabel, TriageRules

HAZARD, COUNTERFEIT, LEGAL = TriageLabel.SAFETY_HAZARD, TriageLabel.COUNTERFEIT, TriageLabel.LEGAL_ACTION
PLATFORM = "platform@2024-07-22"

TEXTS = [
    {"text": "插座冒烟了，买到假货", "labels": ["safety_hazard", "counterfeit"]},
    {"text": "气得我头顶冒烟", "labels": ["none"]},
    {"text": "我要起诉", "labels": ["legal_action"], "from": "hand"},
    {"text": "颜色好看", "labels": ["none"]},
]


def kept(folder: Path, *lines: object) -> Path:
    """A file of labelled texts; what is a string is a line as it is."""
    file = folder / "texts.jsonl"
    written = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    file.write_text("".join(f"{line}\n" for line in written), encoding="utf-8")
    return file


def words(**labels: str) -> TriageRules:
    """Rules that know one word for each label."""
    return replace(
        next(iter(default_book())).pack.triage,
        sets={},
        contexts={},
        labels={
            TriageLabel(label): LabelRules(patterns={"said": Pattern(find=(word,))}) for label, word in labels.items()
        },
        categories={},
    )


# --- measuring ------------------------------------------------------------------------------------


def test_texts_are_read_and_compared_with_their_labels(tmp_path: Path) -> None:
    found = score(read(kept(tmp_path, *TEXTS)), words(safety_hazard="冒烟", counterfeit="假货"))
    assert found.texts == 4
    assert found.tallies == dict.fromkeys(TriageLabel, Tally()) | {
        HAZARD: Tally(right=1, wrong=1),
        COUNTERFEIT: Tally(right=1),
        LEGAL: Tally(missed=1),
    }
    assert (found.harmless, found.alarms) == (3, 1)
    assert found.alarm_rate == pytest.approx(1 / 3)
    assert found.mistakes == (
        Mistake(2, "气得我头顶冒烟", frozenset(), {HAZARD: (Cause("said", "冒烟"),)}),
        Mistake(3, "我要起诉", frozenset({LEGAL}), {}),
    )


@pytest.mark.parametrize(
    ("tally", "precision", "recall", "f1"),
    [
        (Tally(), 1, 1, 1),
        (Tally(right=3, wrong=1, missed=2), 3 / 4, 3 / 5, 2 / 3),
        (Tally(right=2), 1, 1, 1),
        (Tally(wrong=2), 0, 1, 0),
        (Tally(missed=2), 1, 0, 0),
    ],
)
def test_precision_recall_and_f1(tally: Tally, precision: float, recall: float, f1: float) -> None:
    assert (tally.precision, tally.recall, tally.f1) == pytest.approx((precision, recall, f1))


def test_no_harmless_text_raises_no_alarm() -> None:
    found = score([Labelled("冒烟", frozenset({HAZARD}))], words(safety_hazard="冒烟"))
    assert (found.harmless, found.alarm_rate) == (0, 0)
    assert found.mistakes == ()


# --- the command ----------------------------------------------------------------------------------


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["audit", *map(str, arguments)])
    return main()


def test_the_command_tells_every_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["插座烧焦冒黑烟", "买到假货，我要去12315投诉", "颜色好看"]
    labels = [["safety_hazard"], ["counterfeit", "external_complaint_intent"], ["legal_action"]]
    rows = [{"text": text, "labels": some} for text, some in zip(texts, labels, strict=True)]
    assert run(monkeypatch, "triage", kept(tmp_path, *rows)) == 0
    said = capsys.readouterr()
    assert said.err == ""
    head, columns, *table, alarms = said.out.splitlines()
    assert head == f"3 texts, read by {PLATFORM}"
    assert columns.split() == ["right", "wrong", "missed", "precision", "recall", "F1"]
    assert [line.split() for line in table] == [
        ["safety_hazard", "1", "0", "0", "1.000", "1.000", "1.000"],
        ["external_complaint_intent", "1", "0", "0", "1.000", "1.000", "1.000"],
        ["already_external", "0", "0", "0", "1.000", "1.000", "1.000"],
        ["asks_management", "0", "0", "0", "1.000", "1.000", "1.000"],
        ["legal_action", "0", "0", "1", "1.000", "0.000", "0.000"],
        ["counterfeit", "1", "0", "0", "1.000", "1.000", "1.000"],
    ]
    assert alarms == "0 of 2 texts without a hazard were taken for one (0.0%)"


def test_errors_are_listed_with_the_words_that_caused_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"text": "颜色好看", "labels": ["none"]},
        {"text": "我要去１２３１５投诉", "labels": ["counterfeit", "safety_hazard"]},
    ]
    file = kept(tmp_path, *rows)
    assert run(monkeypatch, "triage", file, "--errors", "--pack", "platform@2020-01-01") == 0
    said = capsys.readouterr().out
    listed, table = said.split("\n\n")
    mistake, wanted, *causes = listed.splitlines()
    assert mistake == "line 2: 我要去１２３１５投诉"
    assert wanted == "  wanted safety_hazard, counterfeit, got external_complaint_intent"
    (cause,) = causes
    assert cause.startswith("  external_complaint_intent because of １２３１５ (")
    assert table.startswith("2 texts, read by platform@2020-01-01\n")
    assert run(monkeypatch, "triage", file) == 0
    assert "line 2" not in capsys.readouterr().out


def test_the_newest_platform_pack_reads_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = max(
        (each for each in load_book() if each.pack.name == "platform"), key=lambda each: each.pack.effective_from
    )
    file = kept(tmp_path, *TEXTS)
    assert run(monkeypatch, "triage", file) == 0
    assert f"read by {newest.ref}\n" in capsys.readouterr().out
    assert run(monkeypatch, "triage", file, "--pack", "regulator@2020-01-01") == 0
    assert "read by regulator@2020-01-01\n" in capsys.readouterr().out


# --- what cannot be used --------------------------------------------------------------------------

GOOD = {"text": "颜色好看", "labels": ["none"]}
KNOWN = f"{', '.join(TriageLabel)}, none"
UNUSABLE: list[tuple[list[object], str]] = [
    ([GOOD, '{"text": "x"'], "{}:2: Input data was truncated"),
    ([GOOD, GOOD, ""], "{}:3: Input data was truncated"),
    ([{"text": "x"}], "{}:1: Object missing required field `labels`"),
    ([{"labels": ["none"]}], "{}:1: Object missing required field `text`"),
    ([{"text": "x", "labels": "none"}], "{}:1: Expected `array`, got `str` - at `$.labels`"),
    ([GOOD, {"text": "x", "labels": ["rude"]}], f"{{}}:2: there is no label rude; there are {KNOWN}"),
    ([{"text": "x", "labels": []}], "{}:1: labels are []: at least one, each once, none alone"),
    (
        [{"text": "x", "labels": ["none", "counterfeit"]}],
        "{}:1: labels are ['none', 'counterfeit']: at least one, each once, none alone",
    ),
    (
        [{"text": "x", "labels": ["counterfeit", "counterfeit"]}],
        "{}:1: labels are ['counterfeit', 'counterfeit']: at least one, each once, none alone",
    ),
]


@pytest.mark.parametrize(("lines", "says"), UNUSABLE)
def test_bad_lines_are_refused_by_their_numbers(
    lines: list[object],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = kept(tmp_path, *lines)
    with pytest.raises(Unreadable) as refused:
        read(file)
    assert str(refused.value) == says.format(file)
    assert run(monkeypatch, "triage", file) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{says.format(file)}\n")


def test_what_is_no_text_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, folder, binary = tmp_path / "missing.jsonl", tmp_path, tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    for file, says in ((missing, "No such file or directory"), (folder, "Is a directory"), (binary, "is not UTF-8")):
        assert run(monkeypatch, "triage", file) == 2
        assert capsys.readouterr().err == f"{file}: {says}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing argument"),
        (("--pack", "platform@1999-01-01"), "platform@1999-01-01"),
        (("--in", "nowhere"), "nowhere"),
        (("--loud",), "No such option"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = [kept(tmp_path, *TEXTS)] if arguments else []
    assert run(monkeypatch, "triage", *file, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
