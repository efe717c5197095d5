"""Directories of packs for the tests: the platform's pack, and what is made of it."""

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

from policies import plain_yaml
from policies.book import HERE, load_book

ROOT = HERE.parent
PLATFORM = "platform@2024-07-22"
CALENDAR = "cn@2026.1"
GONE = object()
"""In place of a value: leave the place out."""


def platform() -> dict[str, Any]:
    """The platform's pack as it would be if it extended no other."""
    return deepcopy(_PLATFORM)


_PLATFORM: dict[str, Any] = plain_yaml.document(load_book(unreleased=True).find(*PLATFORM.split("@")).pack)


def changed(pack: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The pack with another value at a dotted path, in which a number is a place in a list."""
    whole = deepcopy(pack)
    node: Any = whole
    *keys, last = path.split(".")
    for key in keys:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is GONE:
        del node[int(last) if isinstance(node, list) else last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return whole


def successor(version: str, **says: Any) -> dict[str, Any]:
    """A pack that extends the platform's, and is in force from the date that is its version."""
    return {"extends": PLATFORM, "name": "platform", "version": version, "effective_from": version, **says}


def directory(path: Path, *packs: dict[str, Any]) -> Path:
    """A directory with the calendars that come with Tousu and these packs."""
    shutil.copytree(HERE / "calendars", path / "calendars")
    (path / "packs").mkdir()
    for pack in packs:
        file = path / "packs" / f"{pack['name']}@{pack['version']}.yaml"
        file.write_text(plain_yaml.write(pack), "utf-8")
    return path
