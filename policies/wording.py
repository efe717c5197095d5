"""Notices in words: a template of a pack, filled for a reader in the reader's language (FBK-1).

What a case knows as a code, the reader gets as the pack's own label for it; figures, instants and references stay as
they are. A notice that ends what the platform can do lists the outside routes (APL-4).
"""

import re
import string
from collections.abc import Callable, Mapping

from policies.base import Texts
from policies.schema import Pack

SEPARATORS = {"zh-CN": "、", "en": ", "}
"""What stands between the items of a list, in each language."""
ROUTES = "routes"
"""The placeholder that the pack itself fills."""
REFERENCES = frozenset({"case", "order", "into", "due"})
"""Placeholders whose facts are never codes, whatever they look like."""

_CODE = re.compile(r"\A[a-z][a-z0-9_]*(?= |\Z)")
"""A code at the beginning of an item; a figure may follow it."""


def render(pack: Pack, template: str, language: str, facts: Mapping[str, str], *, strict: bool = False) -> str:
    """The text of a notice. Facts are codes or plain figures; several are joined by ", ".

    A code that the pack has no word for stays as it is: better told so than not at all. With `strict` it is an error.
    Raises ValueError, naming template and placeholder, for what cannot be filled, and KeyError for a template or a
    language that the pack does not have.
    """
    text = pack.notices[template].text[language]
    return "".join(
        literal + ("" if name is None else _filled(pack, template, name, language, facts, strict))
        for literal, name, _, _ in string.Formatter().parse(text)
    )


def _filled(pack: Pack, template: str, name: str, language: str, facts: Mapping[str, str], strict: bool) -> str:
    separator = SEPARATORS[language]
    if name == ROUTES:
        return separator.join(route[language] for route in pack.outside_routes.values())
    if name not in facts:
        raise ValueError(f"{template}: nothing is known for {{{name}}}")
    if name in REFERENCES:
        return facts[name]
    labels = _labels(pack, name)

    def word(code: re.Match[str]) -> str:
        if code[0] in labels:
            return labels[code[0]][language]
        if strict:
            raise ValueError(f"{template}: {{{name}}}: the pack has no word for {code[0]}")
        return code[0]

    return separator.join(_CODE.sub(word, item) for item in facts[name].split(", "))


def _labels(pack: Pack, name: str) -> Mapping[str, Texts]:
    """What the codes of a placeholder are called, by what it stands for."""
    return _MEANINGS.get(name, _words)(pack)


def _words(pack: Pack) -> dict[str, Texts]:
    return pack.words


def _grounds(pack: Pack) -> dict[str, Texts]:
    return {ground: rule.label for ground, rule in pack.admission.grounds.items()}


def _remedies(pack: Pack) -> dict[str, Texts]:
    return {kind: rule.label for kind, rule in pack.remedies.items()}


def _wanted(pack: Pack) -> dict[str, Texts]:
    """Parties are asked for evidence, for another category, or for what is unclear."""
    categories = {category: rule.label for category, rule in pack.categories.items()}
    return pack.words | categories | pack.evidence_kinds


def _teams(pack: Pack) -> dict[str, Texts]:
    return pack.teams


_MEANINGS: Mapping[str, Callable[[Pack], dict[str, Texts]]] = {
    "ground": _grounds,
    "remedy": _remedies,
    "claim": _remedies,
    "wanted": _wanted,
    "team": _teams,
}
