"""Rules that journal entries and decisions name while a test runs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from states import decide
from states.draft import Refused
from states.journal import Entry, seal
from states.values import Head, Refusal

_heard: list[set[str]] = []
"""One set for each test that is being listened to."""


def claims(item: pytest.Item) -> set[str]:
    """The rules that a test says it shows."""
    return {rule for marker in item.iter_markers("rule") for rule in marker.args}


def cite(entries: Iterable[Entry]) -> None:
    """Count the rules of entries that were decided elsewhere, such as in a worker process, and read back."""
    for entry in entries:
        _hear(entry.rules)


def _hear(rules: Iterable[str]) -> None:
    for heard in _heard:
        heard.update(rules)


@contextmanager
def listening() -> Iterator[set[str]]:
    """Every rule that a decision of this process names meanwhile, in an entry or in a refusal."""
    refusal = decide._refusal

    def heard_seal(entry: Entry, previous: Head) -> Entry:
        _hear(entry.rules)
        return seal(entry, previous)

    def heard_refusal(refused: Refused) -> Refusal:
        _hear([refused.rule] if refused.rule else [])
        return refusal(refused)

    heard: set[str] = set()
    _heard.append(heard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "seal", heard_seal)
        patch.setattr(decide, "_refusal", heard_refusal)
        try:
            yield heard
        finally:
            _heard.remove(heard)
