"""Policy data is YAML read plainly: strings only, no tags, no repeated keys; the type that is asked for does the
rest.
"""

import re
from collections.abc import Hashable, Iterator
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")

_SOME_KEY = "[...]"
"""How msgspec writes a step into a mapping: it does not say which key."""
_STEP = re.compile(r"\.\w+|\[\d+\]|\[\.\.\.\]")


def load(text: str | bytes, type_: type[T]) -> T:
    """Read a document as a type. Raises ValueError, whose message names the place."""
    return convert(read(text), type_)


def read(text: str | bytes) -> Any:
    """Read a document as mappings, lists and strings. Raises ValueError, whose message names the place."""
    try:
        return _PlainLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def convert(tree: Any, type_: type[T]) -> T:
    """Read what `read` gave as a type. Raises ValueError, whose message names the place."""
    try:
        # The loader gives plain strings only (so 2026.10 stays a version), hence not strict.
        return msgspec.convert(tree, type_, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(_with_keys(str(error), tree, type_)) from error


def document(value: msgspec.Struct) -> Any:
    """What `convert` would read as this value: plain data, in which what is absent is left out."""
    return _present(msgspec.to_builtins(value))


def write(tree: Any) -> str:
    """The text that is read as this."""
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False, width=120)


def _present(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _present(value) for key, value in tree.items() if value is not None}
    return [_present(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _with_keys(message: str, tree: Any, type_: type) -> str:
    """The message with the keys in its path: those that give the same message when all other keys are left out."""
    problem, start, path = message.partition("`$")
    steps = _STEP.findall(path)
    if _SOME_KEY in steps:
        for keys, part in _narrowed(tree, steps):
            try:
                msgspec.convert(part, type_, strict=False)
            except msgspec.ValidationError as error:
                if str(error) == message:
                    return f"{problem}{start}{''.join(keys)}`"
    return message


def _narrowed(node: Any, steps: list[str]) -> Iterator[tuple[list[str], Any]]:
    """The tree with one key only in each mapping where the path does not say which, in every way; and each path."""
    if not steps:
        yield [], node
        return
    step, *rest = steps
    if isinstance(node, dict):
        for key in node if step == _SOME_KEY else node.keys() & {step[1:]}:
            for keys, below in _narrowed(node[key], rest):
                yield [f".{key}", *keys], {key: below} if step == _SOME_KEY else node | {key: below}
    elif isinstance(node, list):
        for place in range(len(node)):
            if step == f"[{place}]":
                for keys, below in _narrowed(node[place], rest):
                    yield [step, *keys], [*node[:place], below, *node[place + 1 :]]


class _PlainLoader(yaml.BaseLoader):
    """YAML without tags, types or repeated keys, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"key {key.value!r} is repeated"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
