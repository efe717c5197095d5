"""What can be changed in a pack, one thing at a time.

The pack is walked by its types, so whatever it says is found:

- a figure is one more, and one less; a yes is a no; a closing time is an hour later, a date a day;
- a value of a closed list is another one, and a list of such values has one more;
- a row of a table, an entry of a list, or whatever may be absent, is absent;
- a name of another row is the name of another one;
- what is in an order is in another;
- what another pack has and the pack lacks, it has too.

What is only read by people is not planted: labels, titles and texts, citations of rules. Nor are the words that the
detectors of conduct and triage go by, which have tests of their own; their figures are.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from enum import Enum, StrEnum
from itertools import chain
from typing import Any

import msgspec
from msgspec import inspect
from msgspec.structs import replace

from policies.base import Frozen
from policies.conduct import ConductRules, Lexicon, ShortReply
from policies.schema import NoticeRule, Pack, RemedyRule
from policies.triage import TriageRules

TOLD = frozenset({"label", "title", "text", "rule"})
"""Fields that people read and nothing goes by."""
APART: Mapping[type, frozenset[str]] = {
    Pack: frozenset({"schema", "name", "version", "words"}),
    ConductRules: frozenset({"courtesies", "set_phrases", "particles", "acknowledgements"}),
    Lexicon: frozenset({"words", "unless"}),
    ShortReply: frozenset({"unless"}),
    TriageRules: frozenset({"variants", "sets", "contexts", "labels", "categories"}),
}
"""Fields that identify a pack, and lists of words."""
ORDERED: Mapping[type, str] = {NoticeRule: "channels", RemedyRule: "steps"}
"""Lists whose order says what comes first."""


class Kind(StrEnum):
    """What is done to a place."""

    MORE = "figure, one more"
    LESS = "figure, one less"
    YES_OR_NO = "yes or no"
    TIME = "time of day"
    DATE = "date"
    VALUE = "value of a closed list"
    WIDENED = "list widened"
    REMOVED = "row removed"
    ADDED = "row of another pack added"
    NAME = "name of another row"
    ORDER = "order"


Path = tuple[str, ...]


class Change(Frozen):
    """One place changed: in the ways of `packs`, of which the first that can be loaded is planted."""

    path: Path
    kind: Kind
    was: str
    """What is changed, or added."""
    packs: tuple[Any, ...]

    @property
    def place(self) -> str:
        return ".".join(self.path)

    def within(self, step: str, whole: Callable[[Any], Any]) -> "Change":
        """The same change, seen from what the changed value is part of."""
        return replace(self, path=(step, *self.path), packs=tuple(whole(part) for part in self.packs))


def changes(pack: Pack, calendars: tuple[str, ...]) -> Iterator[Change]:
    """Every change of a pack. `calendars` are those that it could name instead of its own."""
    names = {
        "calendar": calendars,
        "penalty": tuple(pack.penalties),
        "notice": tuple(pack.notices),
        "team": tuple(pack.teams),
    }
    found = _of_struct(pack, inspect.type_info(Pack), names)
    yield from (change for change in found if change.packs)


def additions(pack: Pack, other: Pack) -> Iterator[Change]:
    """Everything that the other pack has and the pack lacks."""
    return _lacking(pack, other)


def at(pack: Pack, path: Path) -> object:
    """What a pack has at a place, None where it has nothing there."""
    node: Any = pack
    for step in path:
        if isinstance(node, msgspec.Struct):
            node = getattr(node, step, None)
        elif isinstance(node, Mapping):
            node = node.get(step)
        elif isinstance(node, tuple):
            node = node[int(step)] if int(step) < len(node) else None
        else:
            return None
    return node


Names = Mapping[str, tuple[str, ...]]


def _of_struct(struct: Any, type_: Any, names: Names) -> Iterator[Change]:
    apart = TOLD | APART.get(type(struct), frozenset())
    for field in type_.fields:
        if field.name in apart:
            continue
        value = getattr(struct, field.name)

        def whole(part: Any, name: str = field.name) -> Any:
            return replace(struct, **{name: part})

        found = _of_value(value, field.type, names)
        if value is not None and field.name in names:
            others = (other for other in names[field.name] if other != value)
            found = chain(found, [_change(Kind.NAME, value, *others)])
        if ORDERED.get(type(struct)) == field.name:
            found = chain(found, _orders(value))
        for change in found:
            yield change.within(field.name, whole)


def _of_value(value: Any, type_: Any, names: Names) -> Iterator[Change]:
    if value is None:
        return
    if isinstance(type_, inspect.UnionType):
        if any(isinstance(each, inspect.NoneType) for each in type_.types):
            yield _change(Kind.REMOVED, value, None)
        type_ = next(each for each in type_.types if _fits(value, each))
    match type_:
        case inspect.StructType():
            yield from _of_struct(value, type_, names)
        case inspect.DictType():
            yield from _of_mapping(value, type_.value_type, names)
        case inspect.VarTupleType():
            yield from _of_list(value, type_.item_type, names)
        case inspect.EnumType():
            yield _change(Kind.VALUE, value, *_others(value))
        case inspect.BoolType():
            yield _change(Kind.YES_OR_NO, value, not value)
        case inspect.IntType():
            yield _change(Kind.MORE, value, value + 1)
            yield _change(Kind.LESS, value, value - 1)
        case inspect.TimeType():
            yield _change(Kind.TIME, value, time((value.hour + 1) % 24, value.minute))
        case inspect.DateType():
            yield _change(Kind.DATE, value, value + timedelta(days=1), value - timedelta(days=1))


def _of_mapping(mapping: Mapping[str, Any], type_: Any, names: Names) -> Iterator[Change]:
    for key, value in mapping.items():
        rest = {other: each for other, each in mapping.items() if other != key}
        yield _change(Kind.REMOVED, value, rest, path=(key,))

        def whole(part: Any, key: str = key) -> Any:
            return {**mapping, key: part}

        for change in _of_value(value, type_, names):
            yield change.within(key, whole)


def _of_list(values: tuple[Any, ...], type_: Any, names: Names) -> Iterator[Change]:
    for place, value in enumerate(values):
        yield _change(Kind.REMOVED, value, (*values[:place], *values[place + 1 :]), path=(str(place),))

        def whole(part: Any, place: int = place) -> Any:
            return (*values[:place], part, *values[place + 1 :])

        for change in _of_value(value, type_, names):
            yield _without_repetition(change.within(str(place), whole))
    if isinstance(type_, inspect.EnumType):
        yield _change(Kind.WIDENED, values, *((*values, each) for each in type_.cls if each not in values))


def _lacking(mine: Any, theirs: Any) -> Iterator[Change]:
    if mine is None and theirs is not None:
        yield _change(Kind.ADDED, theirs, theirs)
    elif isinstance(mine, msgspec.Struct) and type(mine) is type(theirs):
        apart = TOLD | APART.get(type(mine), frozenset())
        for name in (name for name in mine.__struct_fields__ if name not in apart):

            def with_field(part: Any, name: str = name) -> Any:
                return replace(mine, **{name: part})

            for change in _lacking(getattr(mine, name), getattr(theirs, name)):
                yield change.within(name, with_field)
    elif isinstance(mine, Mapping):
        for key, value in theirs.items():

            def with_entry(part: Any, key: str = key) -> Any:
                return {**mine, key: part}

            for change in _lacking(mine.get(key), value):
                yield change.within(key, with_entry)
    elif isinstance(mine, tuple):
        for value in (value for value in theirs if value not in mine):
            yield _change(Kind.ADDED, value, (*mine, value), path=(str(len(mine)),))


def _orders(values: tuple[Any, ...]) -> Iterator[Change]:
    """Each two neighbours the other way about."""
    for place in range(len(values) - 1):
        swapped = (*values[:place], values[place + 1], values[place], *values[place + 2 :])
        yield _change(Kind.ORDER, values[place], swapped, path=(str(place),))


def _without_repetition(change: Change) -> Change:
    """In a closed list, another value is one that is not there already."""
    if change.kind is not Kind.VALUE or len(change.path) > 1:
        return change
    return replace(change, packs=tuple(values for values in change.packs if len(set(values)) == len(values)))


def _change(kind: Kind, was: object, *packs: object, path: Path = ()) -> Change:
    return Change(path=path, kind=kind, was=_said(was), packs=packs)


def _others(value: Enum) -> tuple[Enum, ...]:
    """The other members, those that come after it first."""
    members = list(type(value))
    place = members.index(value)
    return (*members[place + 1 :], *members[:place])


def _fits(value: object, type_: Any) -> bool:
    if isinstance(type_, inspect.StructType | inspect.EnumType):
        return isinstance(value, type_.cls)
    kinds: dict[type, type] = {
        inspect.IntType: int,
        inspect.BoolType: bool,
        inspect.TimeType: time,
        inspect.DateType: date,
        inspect.StrType: str,
    }
    return isinstance(value, kinds.get(type(type_), type(None)))


def _said(value: object) -> str:
    said = msgspec.json.encode(value).decode()
    return said if len(said) <= 60 else f"{said[:57]}..."
