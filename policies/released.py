"""The list of released packs. A pack is never edited after its release: cases carry it for life (PEN-4)."""

from collections.abc import Collection, Mapping
from pathlib import Path

from policies import plain_yaml

FILE = "released.yaml"

_HEADING = """\
# Every released pack with the hash of its bytes, of those that it extends and of its calendar's.
# Written by `python -m policies release`. A released pack is never edited: a change is a new version.
"""


def read(directory: Path) -> dict[str, str] | None:
    """The hash of each released pack by its id; None if the directory keeps no such list. Raises ValueError."""
    path = directory / FILE
    return plain_yaml.load(path.read_bytes(), dict[str, str]) if path.exists() else None


def write(directory: Path, released: Mapping[str, str]) -> None:
    """Keep the list, in the order of the ids."""
    (directory / FILE).write_text(_HEADING + plain_yaml.write(dict(sorted(released.items()))), "utf-8")


def require(id_: str, digest: str, released: Mapping[str, str]) -> None:
    """Raise ValueError unless the pack is as it was released."""
    if id_ not in released:
        raise ValueError(f"{id_} is not released: run `python -m policies release`")
    if released[id_] != digest:
        raise ValueError(
            f"{id_} was changed after its release, itself, in what it extends or in its calendar: make a new version"
        )


def renewed(released: Mapping[str, str], present: Mapping[str, str], again: Collection[str]) -> dict[str, str]:
    """The list with the present packs on it. Raises ValueError if a released one was changed or removed, unless it is
    released `again`: a pack that no case ever carried.
    """
    for id_ in again:
        if id_ not in released:
            raise ValueError(f"{id_} was not released before")
    for id_, digest in released.items():
        if id_ not in again and present.get(id_) != digest:
            raise ValueError(
                f"{id_} was changed or removed after its release: make a new version, "
                f"or, if it was never used, release it with --again {id_}"
            )
    return dict(present)
