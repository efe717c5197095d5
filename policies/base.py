"""What every part of a policy pack is made of: the strict base, and the types of its figures and texts."""

from typing import Annotated, Any

import msgspec


class FrozenMeta(msgspec.StructMeta):
    """Makes a struct frozen and strict about its fields, without saying so on every class."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        return super().__new__(mcs, name, bases, namespace, **{"frozen": True, "forbid_unknown_fields": True} | config)


class Frozen(msgspec.Struct, metaclass=FrozenMeta):
    """Base of every value in Tousu that crosses a boundary."""


class Rules(Frozen):
    """Base of every part of a pack."""


Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Texts = dict[str, str]
"""A text in each language, by language tag: zh-CN and en."""
