"""What a complaint's own words show: the language by which a text is triaged (INT-4, ESC-4 to ESC-6, ESC-9, HOF-3).

A label is proposed where one of its patterns is found. A pattern is made of expressions, an expression of parts that
follow one another, with a space between them:

    找|叫              any of these words
    <manager>          any word of the set of that name
    (了|过)            any of these words, or none; never first or last, where it would change nothing
    ^ and $            where a clause begins and where it ends
    ~ and ~6           at most so many characters of the same clause
    ~~ and ~~30        at most so many characters, whatever stands between
    <*>                what the pattern found; only in the expressions that say around what it counts

Parts with no gap between them stand next to each other. Words are written as they are said, in simplified characters:
case, width, spaces and symbols do not matter when they are looked for. A text's marks are read as three, which an
expression can name as it does words: ， for whatever parts clauses, 。 for the end of a sentence, and ？.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from policies.base import Positive, Rules

Word = Annotated[str, msgspec.Meta(min_length=1)]
Character = Annotated[str, msgspec.Meta(min_length=1, max_length=1)]
Expression = Annotated[str, msgspec.Meta(min_length=1)]
Expressions = tuple[Expression, ...]
Reach = Annotated[int, msgspec.Meta(ge=1, le=200)]
"""How far a gap reaches, in characters."""

MATCH = "<*>"
CLAUSE_BEGINS = "^"
CLAUSE_ENDS = "$"
MAX_OPTIONAL = 4
"""How many parts of one expression can be left out: each doubles the ways to read it."""

_GAP = re.compile(r"(~~?)(\d*)")
_SET = re.compile(r"<(\w+)>")
_MARKS = frozenset(",，。；;？?！!")
"""What stands between clauses, so that no word has one in it: expressions joined by a comma that should have been apart
would be one that is never found.
"""


class TriageLabel(StrEnum):
    """What a text can show that changes how its case is handled."""

    SAFETY_HAZARD = "safety_hazard"
    """Harm, or nearly so, from goods or premises has happened (ESC-9)."""
    EXTERNAL_COMPLAINT_INTENT = "external_complaint_intent"
    """It will or shall go to a body outside seller and platform (ESC-4)."""
    ALREADY_EXTERNAL = "already_external"
    """It has been put to such a body (ESC-5)."""
    ASKS_MANAGEMENT = "asks_management"
    """Somebody higher up was asked for (ESC-6)."""
    LEGAL_ACTION = "legal_action"
    """Suit, lawyer or court, threatened or begun (ESC-5)."""
    COUNTERFEIT = "counterfeit"
    """The goods are said or suspected not to be genuine (HOF-3)."""


class WordSet(Rules):
    """Words that mean the same to the patterns that name the set."""

    words: Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]
    unless: tuple[Word, ...] = ()
    """Longer words that contain one of them and mean something else, such as a commercial bank for the bureau of
    commerce: what is part of them does not count.
    """


class Pattern(Rules, kw_only=True):
    """One way in which people say what a label stands for."""

    find: Annotated[Expressions, msgspec.Meta(min_length=1)]
    given: Expressions = ()
    """One of these has to be there as well: around what was found, or anywhere if the expression does not say where."""
    given_in: tuple[str, ...] = ()
    """Or it has to be in one of these contexts."""
    unless: Expressions = ()
    """What makes it mean something else: any of these, likewise."""
    unless_in: tuple[str, ...] = ()


class LabelRules(Rules, kw_only=True):
    """The patterns of a label by name, and what makes any of them mean something else."""

    patterns: dict[str, Pattern]
    unless: Expressions = ()
    unless_in: tuple[str, ...] = ()


class CategoryWords(Rules, kw_only=True):
    """What speaks for a category of complaint (INT-4): each expression once, however often it is found."""

    strong: Expressions = ()
    weak: Expressions = ()
    labels: tuple[TriageLabel, ...] = ()
    """Labels that speak for it as a strong expression does."""


class TriageRules(Rules, kw_only=True):
    """How labels and a category are proposed from a text."""

    near: Reach
    """How far a gap within a clause reaches where its expression does not say."""
    far: Reach
    """How far any other gap reaches."""
    max_excerpts: Positive
    """How many places of a text are shown for one label, and for the category."""
    strong_weight: Positive
    weak_weight: Positive
    min_weight: Positive
    """From how much on a category is proposed."""
    variants: dict[Character, Word]
    """Other ways to write a character, traditional ones above all, by the one that the words here are written with."""
    sets: dict[str, WordSet]
    contexts: dict[str, Expressions]
    """Surroundings that patterns have in common, such as denial, by name."""
    labels: dict[TriageLabel, LabelRules]
    categories: dict[str, CategoryWords]
    """By the name of the category; of two with the same weight the one named first is proposed."""

    def __post_init__(self) -> None:
        for place, expression, can_match in self._expressions():
            try:
                parts = parse(expression, near=self.near, far=self.far)
                _check(parts, self.sets.keys(), can_match=can_match)
            except ValueError as error:
                raise ValueError(f"{place}: {expression!r} {error}") from None
        for label, rules in self.labels.items():
            for named in (rules.unless_in, *(each.given_in + each.unless_in for each in rules.patterns.values())):
                if unknown := set(named) - self.contexts.keys():
                    raise ValueError(f"labels.{label}: there is no context {min(unknown)}")

    def __hash__(self) -> int:
        # Mappings have no hash; names are enough to tell most rules apart, equality tells the rest.
        return hash((self.near, self.far, *self.sets, *self.contexts, *self.categories))

    def _expressions(self) -> Iterator[tuple[str, str, bool]]:
        """Every expression with its place, and whether it can name what a pattern found."""
        for name, expressions in self.contexts.items():
            yield from ((f"contexts.{name}", each, True) for each in expressions)
        for label, rules in self.labels.items():
            yield from ((f"labels.{label}", each, True) for each in rules.unless)
            for name, pattern in rules.patterns.items():
                place = f"labels.{label}.{name}"
                yield from ((place, each, False) for each in pattern.find)
                yield from ((place, each, True) for each in (*pattern.given, *pattern.unless))
        for name, words in self.categories.items():
            yield from ((f"categories.{name}", each, False) for each in (*words.strong, *words.weak))


# --- reading expressions --------------------------------------------------------------------------


class Gap(NamedTuple):
    """What may lie between a part and the one before it."""

    reach: int = 0
    across: bool = False
    """Whether marks may lie in it."""


class Part(NamedTuple):
    """One part of an expression. The match and the bounds of a clause stand alone in `words`, under their signs."""

    words: tuple[str, ...]
    sets: tuple[str, ...] = ()
    gap: Gap = Gap()
    optional: bool = False

    @property
    def sign(self) -> str | None:
        """Which of the signs the part is, if it is one."""
        return self.words[0] if self.words and self.words[0] in (MATCH, CLAUSE_BEGINS, CLAUSE_ENDS) else None


def parse(expression: str, *, near: int, far: int) -> tuple[Part, ...]:
    """The parts of an expression. Raises ValueError."""
    parts = list[Part]()
    gap = Gap()
    for token in expression.split():
        if written := _GAP.fullmatch(token):
            if not parts or gap.reach:
                raise ValueError("has a gap that is not between two parts")
            across = len(written[1]) > 1
            gap = Gap(reach=int(written[2] or (far if across else near)), across=across)
            if not gap.reach:
                raise ValueError("has a gap of nothing")
        else:
            parts.append(_part(token, gap))
            gap = Gap()
    if gap.reach:
        raise ValueError("ends with a gap")
    return tuple(parts)


def _part(token: str, gap: Gap) -> Part:
    optional = token.startswith("(") and token.endswith(")")
    alternatives = token[1:-1].split("|") if optional else token.split("|")
    if not all(alternatives):
        raise ValueError("has an empty word")
    if joined := next((each for each in alternatives if len(each) > 1 and not _MARKS.isdisjoint(each)), None):
        raise ValueError(f"has a mark within the word {joined!r}")
    if len(set(alternatives)) < len(alternatives):
        raise ValueError(f"names a word twice in {token!r}")
    signs = {MATCH, CLAUSE_BEGINS, CLAUSE_ENDS} & set(alternatives)
    if signs and (optional or len(alternatives) > 1):
        raise ValueError(f"has {min(signs)} as one of several words")
    sets = tuple(name[1] for each in alternatives if each != MATCH and (name := _SET.fullmatch(each)))
    words = tuple(each for each in alternatives if each == MATCH or not _SET.fullmatch(each))
    return Part(words=words, sets=sets, gap=gap, optional=optional)


def _check(parts: tuple[Part, ...], sets: Iterable[str], *, can_match: bool) -> None:
    unknown = {name for part in parts for name in part.sets} - set(sets)
    if unknown:
        raise ValueError(f"names the set {min(unknown)}, which is not there")
    if sum(part.sign == MATCH for part in parts) > can_match:
        raise ValueError(f"has {MATCH} {'twice' if can_match else 'and is what finds it'}")
    required = [part for part in parts if not part.optional and part.sign != MATCH]
    if not required or not (can_match or any(part.sign is None for part in required)):
        raise ValueError("has no word that has to be there")
    if parts[0].optional or parts[-1].optional:  # it would change nothing, so it was meant to be there
        raise ValueError("begins or ends with a part that can be left out")
    if sum(part.optional for part in parts) > MAX_OPTIONAL:
        raise ValueError(f"has more than {MAX_OPTIONAL} parts that can be left out")
