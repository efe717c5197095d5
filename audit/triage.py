"""How well the words of a policy pack find what texts show, measured on texts that people have labelled (INT-4, ESC-9).

A file of labelled texts has one JSON object a line, with `text` and `labels`; a text that shows nothing is labelled
`none`, which stands alone. What else an object holds is not looked at.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from policies.triage import TriageLabel, TriageRules
from states.triage import Excerpt, propose

NONE = "none"


class Unreadable(ValueError):
    """A file of labelled texts cannot be used; the message says where and why."""


class Labelled(msgspec.Struct, frozen=True):
    """A text, and what it shows in the eyes of whoever labelled it."""

    text: str
    labels: frozenset[TriageLabel]


class Cause(NamedTuple):
    """What of a text led to a label that it should not have: a pattern's name, and the words that it was found in."""

    pattern: str
    words: str


class Mistake(NamedTuple):
    """A text that was not read as it was labelled. Labels that are missing have no cause."""

    line: int
    text: str
    wanted: frozenset[TriageLabel]
    got: dict[TriageLabel, tuple[Cause, ...]]


class Tally(NamedTuple):
    """How often a label was found and right, found and wrong, and missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """How much of what was found is right; 1 if nothing was found."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """How much of what is there was found; 1 if nothing is there."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of both; 1 if there was nothing to find and nothing was found."""
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)


class Score(NamedTuple):
    """How texts were read."""

    texts: int
    tallies: dict[TriageLabel, Tally]
    harmless: int
    """Texts that show no hazard."""
    alarms: int
    """How many of these were taken to show one."""
    mistakes: tuple[Mistake, ...]

    @property
    def alarm_rate(self) -> float:
        """The share of harmless texts that were taken to show a hazard (ESC-9)."""
        return self.alarms / self.harmless if self.harmless else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def score(texts: Sequence[Labelled], rules: TriageRules) -> Score:
    """Read texts by some rules and compare with their labels."""
    readings = [_reading(each.text, rules) for each in texts]
    pairs = [(each.labels, frozenset(got)) for each, got in zip(texts, readings, strict=True)]
    harmless = [got for wanted, got in pairs if TriageLabel.SAFETY_HAZARD not in wanted]
    return Score(
        texts=len(texts),
        tallies={label: _tally(label, pairs) for label in TriageLabel},
        harmless=len(harmless),
        alarms=sum(TriageLabel.SAFETY_HAZARD in got for got in harmless),
        mistakes=tuple(
            Mistake(line, each.text, each.labels, got)
            for line, (each, got) in enumerate(zip(texts, readings, strict=True), 1)
            if got.keys() != each.labels
        ),
    )


def _reading(text: str, rules: TriageRules) -> dict[TriageLabel, tuple[Cause, ...]]:
    return {each.label: tuple(_causes(text, each.excerpts)) for each in propose(text, rules).labels}


def _causes(text: str, excerpts: Iterable[Excerpt]) -> Iterator[Cause]:
    yield from (Cause(each.pattern, text[each.start : each.end]) for each in excerpts)


def _tally(label: TriageLabel, pairs: Iterable[tuple[frozenset[TriageLabel], frozenset[TriageLabel]]]) -> Tally:
    seen = [(label in wanted, label in got) for wanted, got in pairs]
    return Tally(right=seen.count((True, True)), wrong=seen.count((False, True)), missed=seen.count((True, False)))


# --- reading files --------------------------------------------------------------------------------


class _Row(msgspec.Struct):
    text: str
    labels: list[str]


def read(path: Path) -> list[Labelled]:
    """The labelled texts of a file, one a line. Raises Unreadable."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error.strerror if isinstance(error, OSError) else 'is not UTF-8'}") from None
    return [_labelled(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _labelled(line: str, place: str) -> Labelled:
    try:
        row = msgspec.json.decode(line, type=_Row)
    except msgspec.DecodeError as error:
        raise Unreadable(f"{place}: {error}") from None
    if not row.labels or len(set(row.labels)) < len(row.labels) or (NONE in row.labels and len(row.labels) > 1):
        raise Unreadable(f"{place}: labels are {row.labels}: at least one, each once, {NONE} alone")
    if unknown := set(row.labels) - {NONE, *TriageLabel}:
        raise Unreadable(f"{place}: there is no label {min(unknown)}; there are {', '.join(TriageLabel)}, {NONE}")
    return Labelled(row.text, frozenset(TriageLabel(each) for each in row.labels if each != NONE))
