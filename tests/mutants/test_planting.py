"""Whatever a pack says is changed, one thing at a time."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from policies import plain_yaml
from policies.book import load_book
from policies.differences import compare
from policies.schema import Pack
from tests.mutants.planting import Change, Kind, additions, at, changes

BOOK = load_book(unreleased=True)
PACK, BEFORE = (BOOK.find("platform", version).pack for version in ("2024-07-22", "2020-01-01"))
CHANGES = list(changes(PACK, (PACK.calendar, "gb@2026.1")))


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value of a pack as plain data that is no table."""
    if isinstance(tree, dict | list):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in pairs:
            yield from leaves(value, (*path, str(key)))
    else:
        yield path, tree


@pytest.mark.parametrize(("type_", "kind"), [(int, Kind.MORE), (int, Kind.LESS), (bool, Kind.YES_OR_NO)])
def test_every_figure_and_every_yes_or_no_is_changed(type_: type, kind: Kind) -> None:
    """But for the version of the schema."""
    said = {path for path, value in leaves(plain_yaml.document(PACK)) if type(value) is type_} - {("schema",)}
    assert {change.path for change in CHANGES if change.kind is kind} == said


def test_every_entry_of_every_table_is_removed() -> None:
    removed = {change.path for change in CHANGES if change.kind is Kind.REMOVED}
    for table in ("clocks", "categories", "penalties", "rights", "notices", "review_grounds", "remedies"):
        assert {(table, row) for row in getattr(PACK, table)} <= removed
    for number in range(len(PACK.escalation)):
        assert ("escalation", str(number)) in removed


def test_no_place_is_changed_twice_in_the_same_way() -> None:
    twice = [key for key, count in Counter((c.path, c.kind) for c in CHANGES).items() if count > 1]
    assert not twice


def test_what_another_pack_has_is_added() -> None:
    """Each row, each entry of a list, and whatever may be absent."""
    added = list(additions(BEFORE, PACK))
    places = Counter(change.place for change in added)
    assert {"conduct.rows.unanswered", "penalties.complaints_in_number", "repeats.0"} < places.keys()
    assert places["repeats.0"] == len(PACK.repeats)
    for change in added:
        (changed,) = change.packs
        assert at(BEFORE, change.path) is None
        assert at(changed, change.path) is not None
    assert not list(additions(PACK, PACK))


@pytest.mark.parametrize("change", CHANGES[::40], ids=lambda change: change.place)
def test_a_change_is_in_its_place_and_nowhere_else(change: Change) -> None:
    for changed in change.packs:
        assert isinstance(changed, Pack)
        assert at(changed, change.path[:-1]) != at(PACK, change.path[:-1])
        section = change.path[0]
        rest = [name for name in PACK.__struct_fields__ if name != section]
        assert all(getattr(changed, name) == getattr(PACK, name) for name in rest)
        assert compare(plain_yaml.document(PACK), plain_yaml.document(changed)) or change.kind is Kind.ORDER
