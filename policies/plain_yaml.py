"""Policy data is YAML read plainly: strings only, no tags, no repeated keys; the type that is asked for does the
rest.
"""

from collections.abc import Hashable
from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")


def load(text: str | bytes, type_: type[T]) -> T:
    """Read a document as a type. Raises ValueError, whose message names the place."""
    try:
        # The loader gives plain strings only (so 2026.10 stays a version), hence not strict.
        return msgspec.convert(_PlainLoader(text).get_single_data(), type_, strict=False)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


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
