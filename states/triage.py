"""What a complaint's own words show: labels and a category, proposed with the places that caused them (INT-4, ESC-4 to
ESC-6, ESC-9, HOF-3).

A proposal holds offsets into the text and names of the policy's patterns, and never a word of what was said: the text
stays in the vault, and a reader who may see it is shown the words by the offsets. The language of the patterns is told
in `policies.triage`.

A text is folded (case, width, variants of characters, symbols), and every word that the rules know is looked up in it
once. An expression is then followed from place to place without ever going back: of the places from which the next part
can be reached, the nearest serves as well as any. So the time taken grows with the length of a text, whatever is in it.
"""

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, product
from typing import Any, NamedTuple

from policies.triage import (
    CLAUSE_BEGINS,
    CLAUSE_ENDS,
    MATCH,
    CategoryWords,
    Gap,
    LabelRules,
    Part,
    Pattern,
    TriageLabel,
    TriageRules,
    parse,
)
from states.values import Value


class Excerpt(Value):
    """A place in a text, from `start` up to and without `end`, in characters, and the name of what was found there: a
    pattern of a label, or an expression of a category by its weight and its number from 1, as in `strong.3`.
    """

    start: int
    end: int
    pattern: str


class LabelProposal(Value):
    """A label that a text shows, and where: the first places, in the order of the text."""

    label: TriageLabel
    excerpts: tuple[Excerpt, ...]


class CategoryProposal(Value):
    """The category that a text speaks for most, and where: the first places, in the order of the text."""

    category: str
    excerpts: tuple[Excerpt, ...]


class Proposals(Value):
    """What a text shows, for an agent to confirm or correct (INT-4, ESC-9); the labels in the order of the policy."""

    labels: tuple[LabelProposal, ...] = ()
    category: CategoryProposal | None = None


def propose(text: str, rules: TriageRules) -> Proposals:
    """What a text shows under some rules; the same text and rules always give the same."""
    return _compiled(rules).propose(text)


# --- folding --------------------------------------------------------------------------------------

_COMMA, _STOP, _QUESTION = ",", ".", "?"
_MARKS = frozenset({_COMMA, _STOP, _QUESTION})
_STOPS = frozenset(".!。;\n\r")
_KEPT = frozenset("、%")
"""What is no letter, and neither parts clauses nor is left out."""
_POINT = "·"
"""Stands for the point within a figure."""
_NOISE = frozenset("\"'`“”‘’「」『』《》〈〉【】-_*^·•")
"""What parts nothing: quotation marks, and what is put between characters to hide a word."""


class _Folded(NamedTuple):
    """A text as it is searched, and where in the original each of its characters comes from."""

    text: str
    origins: list[int]


def _folded(text: str, variants: Mapping[str, str]) -> _Folded:
    """Letters and figures in one case and width; of what stands between two of them, one mark or nothing."""
    characters = list[str]()
    origins = list[int]()
    between = set[str]()
    opened = 0
    for origin, raw in enumerate(text):
        for character in _plain(raw):
            if character.isalnum() or character in _KEPT:
                if between:
                    mark = _mark(between, characters[-1] if characters else "", character)
                    if mark:
                        characters.append(mark)
                        origins.append(opened)
                    between.clear()
                characters.append(variants.get(character, character))
                origins.append(origin)
            elif character not in _NOISE:
                if not between:
                    opened = origin
                between.add(character)
    if between:
        characters.append(_mark(between, "", "") or _COMMA)
        origins.append(opened)
    return _Folded("".join(characters), origins)


@lru_cache(maxsize=1 << 14)
def _plain(character: str) -> str:
    return unicodedata.normalize("NFKC", character).casefold()


def _mark(between: set[str], before: str, after: str) -> str:
    """What stands between two characters, as one mark. Between Chinese characters a space parts clauses."""
    if _QUESTION in between:
        return _QUESTION
    if between == {"."} and before.isdecimal() and after.isdecimal():
        return _POINT
    if not _STOPS.isdisjoint(between):
        return _STOP
    if between == {" "} and (before.isascii() or after.isascii()):
        return ""
    return _COMMA


# --- compiling ------------------------------------------------------------------------------------

_Span = tuple[int, int]
_Node = dict[str, Any]
"""Of the tree of all words: the nodes that follow, by character."""
_WORD = ""
"""Under which a node holds the number of the word that ends there."""
_BEGINS, _ENDS = -1, -2
"""What stands for the bounds of a clause where a set has its number."""


class _Link(NamedTuple):
    """One part of a chain: the number of the set whose words can stand there, and the gap before them."""

    words: int
    gap: Gap


_Chain = tuple[_Link, ...]


class _Around(NamedTuple):
    """What may be around a match: chains, by number, that end before it and begin after it, and the gap to each."""

    before: int | None
    gap_before: Gap
    after: int | None
    gap_after: Gap


class _Surroundings(NamedTuple):
    """Compiled expressions, any of which will do: those around a match, and those that can be anywhere."""

    around: tuple[_Around, ...] = ()
    anywhere: tuple[int, ...] = ()


class _Finder(NamedTuple):
    """A compiled pattern."""

    name: str
    find: tuple[int, ...]
    given: _Surroundings | None
    unless: _Surroundings


class _Weighed(NamedTuple):
    """A compiled expression of a category: its name, its chains by number, and what it weighs."""

    name: str
    find: tuple[int, ...]
    weight: int


class _Set(NamedTuple):
    """The numbers of the words of a set, and of the longer words within which they do not count."""

    words: tuple[int, ...]
    unless: tuple[int, ...]


class _Compiled:
    """Rules made ready to be used. Words, sets and chains are held once each, and called by their numbers."""

    def __init__(self, rules: TriageRules) -> None:
        self.rules = rules
        self.variants = {other: one for one, others in rules.variants.items() for other in others}
        self.tree: _Node = {}
        self._words = dict[str, int]()
        self._sets = dict[_Set, int]()
        self._chains = dict[_Chain, int]()
        self.labels = tuple((label, self._finders(each)) for label, each in rules.labels.items())
        self.categories = tuple((name, self._weighed(each), each.labels) for name, each in rules.categories.items())
        self.sets = tuple(self._sets)
        self.chains = tuple(self._chains)
        self.sets_of = tuple(
            tuple(number for number, each in enumerate(self.sets) if word in each.words)
            for word in range(len(self._words))
        )
        """The sets that a word belongs to, by the number of each."""
        self.latin = frozenset(
            number for word, number in self._words.items() if word[:1].isascii() or word[-1:].isascii()
        )

    def propose(self, text: str) -> Proposals:
        reading = _Reading(text, self)
        labels = tuple(
            LabelProposal(label=label, excerpts=excerpts)
            for label, finders in self.labels
            if (excerpts := self._first(each for finder in finders for each in reading.matches(finder)))
        )
        return Proposals(labels=labels, category=self._category(reading, labels))

    def _category(self, reading: "_Reading", labels: tuple[LabelProposal, ...]) -> CategoryProposal | None:
        best: CategoryProposal | None = None
        heaviest = self.rules.min_weight - 1
        for name, weighed, by_labels in self.categories:
            spoken = [each for each in labels if each.label in by_labels]
            weight = len(spoken) * self.rules.strong_weight
            excerpts = [excerpt for each in spoken for excerpt in each.excerpts]
            for expression in weighed:
                if span := reading.first(expression.find):
                    weight += expression.weight
                    excerpts.append(reading.excerpt(span, expression.name))
            if weight > heaviest:
                best, heaviest = CategoryProposal(category=name, excerpts=self._first(excerpts)), weight
        return best

    def _first(self, excerpts: Iterable[Excerpt]) -> tuple[Excerpt, ...]:
        in_order = sorted(set(excerpts), key=lambda each: (each.start, each.end, each.pattern))
        return tuple(in_order[: self.rules.max_excerpts])

    def _finders(self, label: LabelRules) -> tuple[_Finder, ...]:
        return tuple(self._finder(name, pattern, label) for name, pattern in label.patterns.items())

    def _finder(self, name: str, pattern: Pattern, label: LabelRules) -> _Finder:
        given = *pattern.given, *self._context(pattern.given_in)
        unless = *label.unless, *pattern.unless, *self._context((*label.unless_in, *pattern.unless_in))
        return _Finder(
            name=name,
            find=self._found_by(pattern.find),
            given=self._surroundings(given) if given else None,
            unless=self._surroundings(unless),
        )

    def _context(self, names: Iterable[str]) -> Iterator[str]:
        return (expression for name in names for expression in self.rules.contexts[name])

    def _weighed(self, words: CategoryWords) -> tuple[_Weighed, ...]:
        rules = self.rules
        kinds = (("strong", words.strong, rules.strong_weight), ("weak", words.weak, rules.weak_weight))
        return tuple(
            _Weighed(f"{kind}.{number}", self._found_by((expression,)), weight)
            for kind, expressions, weight in kinds
            for number, expression in enumerate(expressions, 1)
        )

    def _surroundings(self, expressions: Iterable[str]) -> _Surroundings:
        around, anywhere = list[_Around](), list[int]()
        for parts in self._readings(expressions):
            at = next((index for index, part in enumerate(parts) if part.sign == MATCH), None)
            if at is None:
                anywhere.append(self._chain(parts))
            else:
                before, after = parts[:at], parts[at + 1 :]
                around.append(
                    _Around(
                        before=self._chain(before) if before else None,
                        gap_before=parts[at].gap,
                        after=self._chain(after) if after else None,
                        gap_after=after[0].gap if after else Gap(),
                    )
                )
        return _Surroundings(tuple(dict.fromkeys(around)), tuple(dict.fromkeys(anywhere)))

    def _found_by(self, expressions: Iterable[str]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self._chain(parts) for parts in self._readings(expressions)))

    def _readings(self, expressions: Iterable[str]) -> Iterator[list[Part]]:
        """Every way to read some expressions: with and without each part that can be left out."""
        for expression in expressions:
            parts = parse(expression, near=self.rules.near, far=self.rules.far)
            for chosen in product(*((True, False) if part.optional else (True,) for part in parts)):
                reading = list[Part]()
                gap = Gap()
                for part, there in zip(parts, chosen, strict=True):
                    # The gap before what is left out is one before what comes after it.
                    gap = max(gap, part.gap)
                    if there:
                        reading.append(part._replace(gap=gap))
                        gap = Gap()
                yield reading

    def _chain(self, parts: Sequence[Part]) -> int:
        chain = tuple(_Link(self._set(part), part.gap) for part in parts)
        return self._chains.setdefault(chain, len(self._chains))

    def _set(self, part: Part) -> int:
        if part.sign:
            return {CLAUSE_BEGINS: _BEGINS, CLAUSE_ENDS: _ENDS}[part.sign]
        named = [self.rules.sets[name] for name in part.sets]
        words = {*part.words, *(word for each in named for word in each.words)}
        unless = {word for each in named for word in each.unless}
        of_words = _Set(*(tuple(sorted({self._word(each) for each in some})) for some in (words, unless)))
        return self._sets.setdefault(of_words, len(self._sets))

    def _word(self, word: str) -> int:
        """The number of a word, which is put into the tree."""
        folded = _folded(word, self.variants).text
        number = self._words.setdefault(folded, len(self._words))
        node = self.tree
        for character in folded:
            node = node.setdefault(character, {})
        node[_WORD] = number
        return number


@cache
def _compiled(rules: TriageRules) -> _Compiled:
    return _Compiled(rules)


# --- reading --------------------------------------------------------------------------------------


class _Reading:
    """One text, seen with some rules: where their words, sets and chains are in it, each found when first wanted."""

    def __init__(self, text: str, compiled: _Compiled) -> None:
        self._compiled = compiled
        self._folded = _folded(text, compiled.variants)
        folded = self._folded.text
        self._clause = [0, *accumulate(character in _MARKS for character in folded)]
        """How many marks are before a position: two with nothing but one clause between them have the same."""
        self._words = _words_in(folded, compiled.tree, compiled.latin)
        bounds = [at for at, character in enumerate(folded) if character in _MARKS]
        self._present = dict[int, list[int]]()
        """The words of each set that are there."""
        for word in self._words:
            for number in compiled.sets_of[word]:
                self._present.setdefault(number, []).append(word)
        self._sets: dict[int, list[_Span]] = {
            _BEGINS: [(at, at) for at in (0, *(each + 1 for each in bounds))],
            _ENDS: [(at, at) for at in (*bounds, len(folded))],
        }
        self._ends = dict[int, list[_Span]]()
        self._starts = dict[int, list[int]]()

    def matches(self, finder: _Finder) -> Iterator[Excerpt]:
        """Where a pattern is found: the first places."""
        left = self._compiled.rules.max_excerpts
        for chain in finder.find:
            for end, start in self._ends_of(chain):
                if not left:
                    return
                if (finder.given is None or self._any(finder.given, start, end)) and not self._any(
                    finder.unless, start, end
                ):
                    yield self.excerpt((start, end), finder.name)
                    left -= 1

    def first(self, chains: Iterable[int]) -> _Span | None:
        """Where one of some chains is found first."""
        for chain in chains:
            for end, start in self._ends_of(chain):
                return start, end
        return None

    def excerpt(self, span: _Span, pattern: str) -> Excerpt:
        start, end = span
        origins = self._folded.origins
        return Excerpt(start=origins[start], end=origins[end - 1] + 1, pattern=pattern)

    def _any(self, surroundings: _Surroundings, start: int, end: int) -> bool:
        """Whether any of some expressions holds around a match, or anywhere."""
        return any(self._ends_of(chain) for chain in surroundings.anywhere) or any(
            (each.before is None or self._leads(each.before, each.gap_before, start))
            and (each.after is None or self._follows(each.after, each.gap_after, end))
            for each in surroundings.around
        )

    def _leads(self, chain: int, gap: Gap, start: int) -> bool:
        ends = self._ends_of(chain)
        nearest = bisect_right(ends, (start, start)) - 1
        return nearest >= 0 and self._reaches(ends[nearest][0], start, gap)

    def _follows(self, chain: int, gap: Gap, end: int) -> bool:
        starts = self._starts_of(chain)
        nearest = bisect_left(starts, end)
        return nearest < len(starts) and self._reaches(end, starts[nearest], gap)

    def _reaches(self, end: int, start: int, gap: Gap) -> bool:
        return start - end <= gap.reach and (gap.across or self._clause[start] == self._clause[end])

    def _ends_of(self, number: int) -> list[_Span]:
        """Every place where a chain ends, and where it begins for that, in order."""
        if number not in self._ends:
            self._ends[number] = self._forwards(self._compiled.chains[number])
        return self._ends[number]

    def _starts_of(self, number: int) -> list[int]:
        """Every place where a chain begins, in order."""
        if number not in self._starts:
            self._starts[number] = self._backwards(self._compiled.chains[number])
        return self._starts[number]

    def _forwards(self, chain: _Chain) -> list[_Span]:
        if not all(self._places(link.words) for link in chain):
            return []
        first, *others = chain
        reached = sorted((end, start) for start, end in self._places(first.words))
        for link in others:
            further = list[_Span]()
            nearest = -1
            following = len(reached)
            for start, end in self._places(link.words):
                while nearest + 1 < following and reached[nearest + 1][0] <= start:
                    nearest += 1
                if nearest >= 0 and self._reaches(reached[nearest][0], start, link.gap):
                    further.append((end, reached[nearest][1]))
            if not further:
                return []
            reached = sorted(further)
        return reached

    def _backwards(self, chain: _Chain) -> list[int]:
        if not all(self._places(link.words) for link in chain):
            return []
        reached = [start for start, _ in self._places(chain[-1].words)]
        for link, following in zip(chain[-2::-1], chain[:0:-1], strict=True):
            further = list[int]()
            for start, end in self._places(link.words):
                nearest = bisect_left(reached, end)
                if nearest < len(reached) and self._reaches(end, reached[nearest], following.gap):
                    further.append(start)
            reached = further
        return reached

    def _places(self, number: int) -> list[_Span]:
        """Where the words of a set are, in order, save within the longer words that mean something else."""
        if number not in self._sets:
            places = sorted(place for word in self._present.get(number, ()) for place in self._words[word])
            unless = self._compiled.sets[number].unless if places else ()
            covers = sorted(place for word in unless for place in self._words.get(word, ()))
            self._sets[number] = list(_uncovered(places, covers)) if covers else places
        return self._sets[number]


def _words_in(text: str, tree: _Node, latin: frozenset[int]) -> dict[int, list[_Span]]:
    """Every place of every word of a tree; of those with Latin letters or figures at an end, where they stand alone."""
    found = dict[int, list[_Span]]()
    for start in range(len(text)):
        node = tree
        for end in range(start, len(text)):
            following = node.get(text[end])
            if following is None:
                break
            node = following
            word = node.get(_WORD)
            if word is not None and (word not in latin or _stands_alone(text, start, end + 1)):
                found.setdefault(word, []).append((start, end + 1))
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether what begins or ends with a Latin letter or a figure is not part of a longer word or figure: 110 is not
    in 1100, nor in the model F110 or in 1.10. What follows a figure may be a letter.
    """
    first, last = text[start], text[end - 1]
    before, after = text[start - 1 : start], text[end : end + 1]
    if first.isascii() and first.isalnum() and (before == _POINT or (before.isascii() and before.isalnum())):
        return False
    if last.isdigit():
        return not (after.isdigit() or after == _POINT)
    return not (last.isascii() and last.isalpha() and after.isascii() and after.isalpha())


def _uncovered(places: Sequence[_Span], covers: Sequence[_Span]) -> Iterator[_Span]:
    """The places that do not lie within any of some others."""
    furthest = 0
    index = 0
    for start, end in places:
        while index < len(covers) and covers[index][0] <= start:
            furthest = max(furthest, covers[index][1])
            index += 1
        if end > furthest:
            yield start, end
