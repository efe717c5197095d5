"""Packs that say only in what they differ from another: `extends` names it, `without` what does not carry over."""

from collections.abc import Mapping
from typing import Any

Tree = Mapping[str, Any]
"""A document as `plain_yaml.read` gives it."""

OWN = ("name", "version", "effective_from", "effective_until")
"""What each pack has to say for itself."""


def lineage(id_: str, trees: Mapping[str, Tree]) -> tuple[str, ...]:
    """A pack and what it extends, step by step. Raises ValueError for an unknown base and for a circle."""
    line = [id_]
    while (base := trees[line[-1]].get("extends")) is not None:
        if not isinstance(base, str) or base not in trees:
            raise ValueError(f"extends: there is no pack {base}")
        line.append(base)
        if base in line[:-1]:
            raise ValueError(f"extends: {' -> '.join(line)} goes in a circle")
    return tuple(line)


def derived(base: Tree, own: Tree) -> Tree:
    """The whole pack: mappings are merged, lists and plain values replaced. Raises ValueError, naming the place."""
    inherited: Tree = {key: value for key, value in base.items() if key not in OWN}
    paths = own.get("without", [])
    if not isinstance(paths, list):
        raise ValueError("without: should be a list of paths, such as clocks.evidence.closing")
    for path in paths:
        inherited = _without(inherited, str(path), str(path).split("."))
    return _merged(inherited, {key: value for key, value in own.items() if key not in ("extends", "without")})


def _without(tree: object, path: str, keys: list[str]) -> Tree:
    first, *rest = keys
    if not isinstance(tree, Mapping) or first not in tree:
        raise ValueError(f"without: there is no {path} in what is extended")
    if rest:
        return {**tree, first: _without(tree[first], path, rest)}
    return {key: value for key, value in tree.items() if key != first}


def _merged(base: Tree, own: Tree) -> Tree:
    whole = dict(base)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
        whole[key] = _merged(base[key], value) if both else value
    return whole
