"""Sentences for input that does not decode: which field is wrong, and what would be right.

A sentence names fields and expectations, never the value that was sent: it ends up in logs and
in histories, and the value may be somebody's text in the wrong field.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect
from temporalio.exceptions import ApplicationError

MALFORMED = "Malformed"
"""The error type that a sender sees for input that could not be read."""

NAME_LENGTH = 40
"""Characters shown of a name that the sender chose: an unknown field, an encoding, a signal."""


def malformed(sentence: str) -> ApplicationError:
    """The error for unreadable input: never retried, for the same input would fail again."""
    return ApplicationError(sentence, type=MALFORMED, non_retryable=True)


def tidy(name: str) -> str:
    """A name that the sender chose, made safe to show: short, one line, nothing unprintable."""
    shown = re.sub(r"[^\w./-]", "?", name[:NAME_LENGTH])
    return shown if len(name) <= NAME_LENGTH else shown + "..."


def explain(error: Exception, data: bytes, hint: Any) -> str:
    """Say in a sentence why `data` (JSON) does not decode to the type `hint`.

    `error` is what msgspec raised: a validation error, a syntax error, bad UTF-8, or too deep
    a nesting.
    """
    match error:
        case msgspec.ValidationError():
            return _explain_validation(str(error), data, hint)
        case RecursionError():
            return "the message is nested too deeply"
        case UnicodeDecodeError():
            return "the message is not valid UTF-8"
        case _:
            detail = str(error).removeprefix("JSON is malformed: ")
            return f"the message is not valid JSON: {_lower(detail)}"


# Where the error is ---------------------------------------------------------------------------


class _Place(NamedTuple):
    """One type that is possible at a path, and how its author described it."""

    type: inspect.Type
    description: str = ""


def _places(hint: Any, path: str, data: bytes) -> list[_Place]:
    """What may stand at `path` (".claim.remedies[2]"); tags in the data choose among unions."""
    places = list(_unfold(_type_info(hint)))
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = None  # spoilt further on: without the tags, every member of a union is possible
    for step in re.findall(r"[^.\[\]]+|\.\.\.", path):
        children = [child for place in places for child in _children(place.type, step, value)]
        places = [place for child in children for place in _unfold(child)]
        value = _value_at(value, step)
    return [place for place in places if _tag_fits(place.type, value)]


@lru_cache(maxsize=128)
def _type_info(hint: Any) -> inspect.Type:
    return inspect.type_info(hint)


def _unfold(node: inspect.Type, description: str = "") -> Iterator[_Place]:
    match node:
        case inspect.UnionType(types=types):
            for member in types:
                yield from _unfold(member, description)
        case inspect.Metadata(type=inner, extra_json_schema=schema):
            yield from _unfold(inner, (schema or {}).get("description", description))
        case _:
            yield _Place(node, description)


def _children(node: inspect.Type, step: str, value: Any) -> Iterable[inspect.Type]:
    match node:
        case inspect.StructType(tag_field=str(tag_field), tag=tag) if step == tag_field:
            return (inspect.LiteralType((tag,)),)
        case inspect.StructType(fields=fields) if _tag_fits(node, value):
            return tuple(field.type for field in fields if field.encode_name == step)
        case inspect.DictType(value_type=inner):
            return (inner,)
        case (
            inspect.ListType(item_type=inner)
            | inspect.VarTupleType(item_type=inner)
            | inspect.SetType(item_type=inner)
            | inspect.FrozenSetType(item_type=inner)
        ):
            return (inner,)
        case inspect.TupleType(item_types=inners) if step.isdigit():
            return inners[int(step) : int(step) + 1]
        case _:
            return ()


def _tag_fits(node: inspect.Type, value: Any) -> bool:
    if not isinstance(node, inspect.StructType) or not node.tag_field or not isinstance(value, dict):
        return True
    return bool(value.get(node.tag_field, node.tag) == node.tag)  # outside unions it may be left out


def _value_at(value: Any, step: str) -> Any:
    match value:
        case dict():
            return value.get(step)
        case list() if step.isdigit() and int(step) < len(value):
            return value[int(step)]
        case _:
            return None


# What is wrong with it ------------------------------------------------------------------------

_COMPARISONS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "": ""}
_UNITS = {"str": "characters", "bytes": "bytes", "array": "items", "object": "entries"}
_INSTANT = "expected a date and time with its offset, such as 2026-11-27T18:00:00+08:00"


def _explain_validation(message: str, data: bytes, hint: Any) -> str:
    text, at, where = message.rpartition(" - at ")
    if not at:
        text, where = where, ""
    path = where.removeprefix("`key` in ").strip("`").removeprefix("$")
    places = _places(hint, path, data)
    if where.startswith("`key` in "):
        keys = [place.type.key_type for place in places if isinstance(place.type, inspect.DictType)]
        places = [place for key in keys for place in _unfold(key)]
        path += ".key"
    shown = path.removeprefix(".")

    if missing := re.fullmatch(r"Object missing required field `(.+)`", text, re.DOTALL):
        return f"{_join(shown, missing[1])}: this field is required"
    if unknown := re.fullmatch(r"Object contains unknown field `(.+)`", text, re.DOTALL):
        known = _known_fields(places)
        return f"{_join(shown, tidy(unknown[1]))}: unknown field, expected {known}"
    if not shown and text.endswith("got `null`"):
        return "the message is missing"
    return f"{shown or 'the message'}: {_complaint(text, places)}"


def _complaint(text: str, places: list[_Place]) -> str:
    if text.startswith(("Invalid enum value", "Invalid value")):
        return f"not one of {_alternatives(places)}"
    if " matching regex " in text:
        described = [place.description for place in places if place.description]
        return f"expected {described[0]}" if described else _lower(text.replace("`", ""))
    if "RFC3339 encoded datetime" in text or "`datetime` with a timezone" in text:
        return _INSTANT
    if "RFC3339 encoded date" in text:
        return "expected a date, such as 2026-11-27"
    if length := re.fullmatch(r"Expected `(\w+)` of length (?:([<>]=) )?(\d+)(?:, .*)?", text):
        kind, comparison, number = length.groups(default="")
        return _squeeze(f"expected {_COMPARISONS[comparison]} {number} {_UNITS.get(kind, kind)}")
    if bound := re.fullmatch(r"Expected `(\w+)` ([<>]=?) (\S+)", text):
        kind, comparison, number = bound.groups()
        return f"expected {kind}, {_COMPARISONS[comparison]} {number}"
    return _lower(text.replace(" | ", " or ").replace("`", ""))


def _alternatives(places: list[_Place]) -> str:
    values: list[str] = []
    for place in places:
        match place.type:
            case inspect.EnumType(cls=cls):
                values += [str(member.value) for member in cls]
            case inspect.LiteralType(values=literals):
                values += [str(literal) for literal in literals]
    return ", ".join(dict.fromkeys(values)) or "the allowed values"


def _known_fields(places: list[_Place]) -> str:
    names = [
        field.encode_name
        for place in places
        if isinstance(place.type, inspect.StructType)
        for field in place.type.fields
    ]
    return ", ".join(dict.fromkeys(names)) or "no such field"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _squeeze(text: str) -> str:
    return " ".join(text.split())
