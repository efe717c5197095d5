"""Files that people wrote, YAML or JSON: read as plain strings, and wrong ones refused with the place."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from client.errors import UsageError
from policies import plain_yaml
from workflows.malformed import explain

T = TypeVar("T")


def read(path: Path) -> str:
    """The text of a file. Raises UsageError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not written in UTF-8") from None


def values(written: str, what: str, *, json_: bool = False) -> dict[str, Any]:
    """The values in a text, each scalar a string; `what` the text is, for the message. Raises UsageError."""
    try:
        plain: dict[str, Any] = _plain_json(written) if json_ else plain_yaml.load(written, dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} cannot be read: {' '.join(str(error).split())}") from None
    return plain


def convert(values: Any, into: type[T]) -> T:
    """Plain values as what they stand for, strings where a program might have numbers. Raises UsageError naming the
    place.
    """
    try:
        # Strings only, so that no amount or order number was ever a float; hence not strict.
        return msgspec.convert(values, into, strict=False)
    except msgspec.ValidationError as error:
        field, _, sentence = explain(error, msgspec.json.encode(values), into).partition(": ")
        raise UsageError(sentence, field) from None


def _plain_json(written: str) -> Any:
    """JSON read as plainly as YAML: every scalar a string, no repeated keys."""
    return json.loads(written, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is given twice")
    return values
