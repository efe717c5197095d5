"""What changes for whom from one pack to another, in sentences.

Both packs are walked as plain data, so whatever differs is found. How it is put is a table, by path: whom it affects
and what it is about. What the table does not know is told to everyone, by its path.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from policies import plain_yaml
from policies.base import Frozen
from policies.schema import ClockKind, Pack, Side, Unit

Tree = Mapping[str, Any]
"""A pack as plain data."""


class Affected(StrEnum):
    """Whom a change affects."""

    EVERYONE = "everyone"
    COMPLAINANT = "complainant"
    SELLER = "seller"
    BOTH = "both sides"
    PLATFORM = "platform"


class Change(Frozen):
    """One change, told to those whom it affects."""

    who: Affected
    sentence: str


class _Difference(Frozen):
    """A place in which two packs differ; a side that has nothing there has None."""

    path: tuple[str, ...]
    old: Any
    new: Any


def changes(old: Pack, new: Pack) -> tuple[Change, ...]:
    """What changes from one pack to another, grouped by whom it affects. Everything that differs is in it."""
    return compare(plain_yaml.document(old), plain_yaml.document(new))


def compare(old: Tree, new: Tree) -> tuple[Change, ...]:
    """The same, of packs as plain data."""
    found = dict.fromkeys(
        change for difference in _differences((), old, new) for change in _told(difference, old, new)
    )  # a dict, since several places may come to one sentence
    order = list(Affected)
    return tuple(sorted(found, key=lambda change: order.index(change.who)))


# --- finding --------------------------------------------------------------------------------------


def _differences(path: tuple[str, ...], old: Any, new: Any) -> Iterator[_Difference]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences((*path, str(key)), old.get(key), new.get(key))
        return
    names = _names(old, new)
    if names is None:
        yield _Difference(path, old, new)
        return
    before, after = ([row[names] for row in rows] for rows in (old, new))
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield _Difference(path, before, after)
    yield from _differences(path, dict(zip(before, old, strict=True)), dict(zip(after, new, strict=True)))


def _names(*tables: Any) -> str | None:
    """The field by which the rows of these tables are told apart; None if they are no such tables."""
    if not all(isinstance(table, list) and all(isinstance(row, Mapping) for row in table) for table in tables):
        return None
    for field in ("kind", "trigger", "counts", "action", "matter"):
        columns = [[row.get(field) for row in table] for table in tables]
        if all(None not in column and len(set(column)) == len(column) for column in columns):
            return field
    return None


# --- telling --------------------------------------------------------------------------------------

Told = Iterator[tuple[Affected, str]]


def _told(difference: _Difference, old: Tree, new: Tree) -> Iterator[Change]:
    path = ".".join(difference.path)
    for pattern, tell in _TELLERS:
        match = pattern.fullmatch(path)
        if match:
            for who, sentence in tell(difference, match.groups(), (old, new)):
                yield Change(who, sentence)
            return


def _plainly(who: Affected, subject: str) -> "_Teller":
    """Says what became of a subject, in which {0}, {1} stand for what the pattern left open."""

    def tell(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
        about = subject.format(*(name.replace("_", " ").replace(".", ", ") for name in names))
        yield who, _became(about, difference)

    return tell


def _by_path(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    old, new = (_said(difference.path[-1], value) for value in (difference.old, difference.new))
    yield Affected.EVERYONE, f"{'.'.join(difference.path)}: {old} -> {new}"


def _clock(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    """How long a clock runs: its length, unit and closing time are one thing."""
    who, duty = _CLOCKS[ClockKind(names[0])]
    rules = [pack["clocks"].get(names[0]) for pack in packs]
    before, after = (rule and _span(rule, rule["length"]) for rule in rules)
    if before is None:
        yield who, f"{duty} within {after}, which is new: {_said('', rules[1])}"
    elif after is None:
        yield who, f"{duty} without a time limit; it was {before}"
    else:
        yield who, f"{duty} within {after} instead of {before}"


def _clock_by_priority(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    """How long a clock runs in cases of a higher priority."""
    kind, priority = names
    who, duty = _CLOCKS[ClockKind(kind)]
    duty = f"{duty}, where the priority is {priority},"
    lengths = zip(packs, (difference.old, difference.new), strict=True)
    before, after = (None if length is None else _span(pack["clocks"][kind], length) for pack, length in lengths)
    if before is None:
        yield who, f"{duty} within {after}, which is new"
    elif after is None:
        yield who, f"{duty} without a shorter limit; it was {before}"
    else:
        yield who, f"{duty} within {after} instead of {before}"


def _penalty(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    """A row of the penalty table; it matters to the side that it is against."""
    sides = {row["against"] for pack in packs if (row := pack["penalties"].get(names[0]))}
    who = {(Side.SELLER,): Affected.SELLER, (Side.BUYER,): Affected.COMPLAINANT}.get(tuple(sides), Affected.BOTH)
    yield who, _became(", ".join((f"penalty row {names[0]}", *map(_words, names[1:]))), difference)


def _checklist(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    category, party = names
    yield (
        _SIDES.get(party, Affected.PLATFORM),
        _became(f"category {_words(category)}: the evidence asked of the {party}", difference),
    )


def _right(difference: _Difference, names: tuple[str, ...], packs: tuple[Tree, Tree]) -> Told:
    """Who gains and who loses a right."""
    before, after = (list(roles or ()) for roles in (difference.old, difference.new))
    for roles, others, may in ((after, before, "may now"), (before, after, "may no longer")):
        for role in roles:
            if role not in others:
                yield _SIDES.get(role, Affected.PLATFORM), f"the role {role} {may} {_words(names[0])}"
    if set(before) == set(after):
        yield Affected.EVERYONE, _became(f"the right to {_words(names[0])}", difference)


def _became(subject: str, difference: _Difference) -> str:
    """What became of a subject."""
    key, old, new = difference.path[-1], difference.old, difference.new
    if old is None:
        return f"{subject} is new: {_said(key, new)}"
    if new is None:
        return f"{subject} is gone; it was {_said(key, old)}"
    if isinstance(old, list) and isinstance(new, list):
        gained, lost = ([_said(key, each) for each in a if each not in b] for a, b in ((new, old), (old, new)))
        parts = [f"{word} {', '.join(rows)}" for word, rows in (("with", gained), ("without", lost)) if rows]
        return f"{subject}: now {' and '.join(parts) or 'in the order ' + _said(key, new)}"
    return f"{subject}: {_said(key, new)} instead of {_said(key, old)}"


def _span(rule: Tree, length: int) -> str:
    """A length of a clock, in its unit."""
    unit = _words(rule["unit"])
    span = f"{length} {unit if length != 1 else unit.removesuffix('s')}"
    if rule["unit"] == Unit.HOURS:
        return span
    if rule["unit"] == Unit.END_OF_DAY:
        return "the same day"
    return f"{span}, until {rule.get('closing', '24:00')[:5]} on the last"


_UNITS = ("percent", "days", "hours", "minutes", "seconds", "bytes", "points", "times", "rounds", "characters")
_CODE = re.compile(r"[\w.:@-]+")


def _said(key: str, value: Any) -> str:
    """A value in words; the key of a figure says what it counts."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int():
            words = key.split("_")
            if "fen" in words:
                return f"{value // 100}.{value % 100:02} yuan"
            return " ".join([str(value), *(unit for unit in _UNITS if unit in words)])
        case str():
            return _words(value) if _CODE.fullmatch(value) else f"“{value}”"
        case list():
            return ("; " if value and isinstance(value[0], Mapping) else ", ").join(
                _said(key, each) for each in value
            ) or "nothing"
        case {"zh-CN": chinese, "en": english}:
            return f"“{english}” ({chinese})"
        case _:
            rest = {name: each for name, each in value.items() if each not in (False, [], {})}
            return ", ".join(_field(name, each) for name, each in rest.items()) or "nothing"


def _field(name: str, value: Any) -> str:
    """A field of something that is new or gone; the unit of a figure is not said twice."""
    said = _said(name, value)
    words = (
        ""
        if name == "label" and isinstance(value, Mapping)
        else " ".join(word for word in name.split("_") if word not in (*_UNITS, "fen"))
    )
    return f"{words} ({said})" if isinstance(value, Mapping) and words else f"{words} {said}".strip()


def _words(code: str) -> str:
    return code.replace("_", " ")


_CLOCKS = {
    ClockKind.ACCEPTANCE: (Affected.PLATFORM, "a complaint has to be accepted or refused"),
    ClockKind.FIRST_CONTACT: (Affected.PLATFORM, "the complainant has to be contacted"),
    ClockKind.RESULT: (Affected.PLATFORM, "a complaint has to have its result"),
    ClockKind.PROOF_OF_PURCHASE: (Affected.COMPLAINANT, "proof of purchase has to be sent"),
    ClockKind.COMPLETION: (Affected.COMPLAINANT, "what is not clear has to be completed"),
    ClockKind.CATEGORY_OFFER: (Affected.COMPLAINANT, "another category that is offered has to be taken"),
    ClockKind.SELLER_FIRST: (Affected.BOTH, "seller and buyer have to settle the matter between them"),
    ClockKind.EVIDENCE: (Affected.BOTH, "evidence has to be sent"),
    ClockKind.STATEMENT: (Affected.SELLER, "the respondent has to state its view"),
    ClockKind.PROPOSAL: (Affected.BOTH, "a proposal has to be answered"),
    ClockKind.MEDIATION: (Affected.BOTH, "both sides have to come to an agreement"),
    ClockKind.RULING: (Affected.PLATFORM, "a ruling has to be made"),
    ClockKind.FEEDBACK: (Affected.PLATFORM, "the result has to be told"),
    ClockKind.REMEDY: (Affected.BOTH, "a step of a remedy has to be carried out"),
    ClockKind.PAYOUT: (Affected.PLATFORM, "the platform's step of a remedy has to be carried out"),
    ClockKind.SURVEY: (Affected.COMPLAINANT, "the survey has to be answered"),
    ClockKind.CLOSING_WINDOW: (Affected.COMPLAINANT, "the complainant can come back to a closed case"),
    ClockKind.ASSESSMENT: (Affected.PLATFORM, "a complaint has to be assessed"),
    ClockKind.OUTSIDE: (Affected.PLATFORM, "a body outside that names no deadline has to be answered"),
    ClockKind.HAND_OFF_CONSENT: (Affected.COMPLAINANT, "a hand-off has to be agreed to"),
    ClockKind.HAND_OFF_COUNTERFEIT: (Affected.PLATFORM, "a hand-off about counterfeit goods has to come back"),
    ClockKind.HAND_OFF_LOGISTICS: (Affected.PLATFORM, "a hand-off about logistics has to come back"),
    ClockKind.HAND_OFF_SAFETY: (Affected.PLATFORM, "a hand-off about safety has to come back"),
    ClockKind.HAND_OFF_MERCHANT: (Affected.PLATFORM, "a collaboration order to a merchant has to come back"),
    ClockKind.HAND_OFF_OFFLINE: (Affected.PLATFORM, "a hand-off to offline handling has to come back"),
    ClockKind.HAND_OFF_ON_BEHALF: (Affected.PLATFORM, "a dispute on the customer's behalf has to come back"),
    ClockKind.HAND_OFF_LEGAL: (Affected.PLATFORM, "a hand-off to legal has to come back"),
}
"""Whom each clock binds, and to what."""

_SIDES = {"complainant": Affected.COMPLAINANT, "respondent": Affected.SELLER}
"""Whom a party or a role stands for; every other one belongs to the platform's side."""

_Teller = Callable[[_Difference, tuple[str, ...], tuple[Tree, Tree]], Told]

_TABLE: tuple[tuple[str, _Teller], ...] = (
    ("effective_from", _plainly(Affected.EVERYONE, "in force from")),
    ("effective_until", _plainly(Affected.EVERYONE, "in force until")),
    ("calendar", _plainly(Affected.EVERYONE, "the calendar of working days")),
    ("admission.limit_days", _plainly(Affected.COMPLAINANT, "the time limit for complaints")),
    ("admission.proof_kinds", _plainly(Affected.COMPLAINANT, "what proves a purchase")),
    ("admission.platforms", _plainly(Affected.BOTH, "the platforms within the jurisdiction")),
    ("admission.grounds.*", _plainly(Affected.COMPLAINANT, "the ground of refusal {0}")),
    ("admission.grounds.*.**", _plainly(Affected.COMPLAINANT, "the ground of refusal {0}, {1}")),
    ("admission.**", _plainly(Affected.COMPLAINANT, "admission, {0}")),
    ("verification.max_rounds", _plainly(Affected.BOTH, "requests for evidence to one side, at most")),
    ("verification.**", _plainly(Affected.BOTH, "verification, {0}")),
    ("mediation.max_rounds", _plainly(Affected.BOTH, "proposals before the platform rules, at most")),
    ("mediation.silence", _plainly(Affected.BOTH, "silence on a proposal")),
    ("mediation.**", _plainly(Affected.BOTH, "mediation, {0}")),
    ("follow_up.max_returns", _plainly(Affected.COMPLAINANT, "how often “not solved” brings a case back")),
    ("follow_up.**", _plainly(Affected.COMPLAINANT, "follow-up, {0}")),
    ("withdrawal.**", _plainly(Affected.COMPLAINANT, "withdrawal, {0}")),
    ("review", _plainly(Affected.COMPLAINANT, "the review of a result")),
    ("review.**", _plainly(Affected.COMPLAINANT, "the review of a result, {0}")),
    ("appeal", _plainly(Affected.BOTH, "the appeal")),
    ("appeal.routes.*", _plainly(Affected.BOTH, "where an appeal leads when the order is {0}")),
    ("appeal.**", _plainly(Affected.BOTH, "the appeal, {0}")),
    ("outside_routes.**", _plainly(Affected.BOTH, "the outside route {0}")),
    ("reception.answer_within_seconds.*", _plainly(Affected.PLATFORM, "seconds to answer by {0}")),
    ("reception.**", _plainly(Affected.PLATFORM, "reception, {0}")),
    ("delivery.**", _plainly(Affected.PLATFORM, "delivery, {0}")),
    ("clocks.*", _clock),
    ("clocks.*.length", _clock),
    ("clocks.*.unit", _clock),
    ("clocks.*.closing", _clock),
    ("clocks.*.length_by_priority.*", _clock_by_priority),
    ("clocks.*.warn_hours_before", _plainly(Affected.PLATFORM, "the warning before the end of the clock for {0}")),
    ("clocks.*.extension", _plainly(Affected.PLATFORM, "the extension of the clock for {0}")),
    ("clocks.*.**", _plainly(Affected.PLATFORM, "the clock for {0}, {1}")),
    ("evidence_kinds.**", _plainly(Affected.BOTH, "the kind of evidence {0}")),
    ("evidence_kinds", _plainly(Affected.BOTH, "the kinds of evidence")),
    ("categories.*", _plainly(Affected.BOTH, "the category {0}")),
    ("categories.*.burden", _plainly(Affected.BOTH, "category {0}: the burden of proof")),
    ("categories.*.checklist.*", _checklist),
    ("categories.*.remedies.*", _plainly(Affected.BOTH, "category {0}: the remedy {1}")),
    ("categories.*.remedies.*.**", _plainly(Affected.BOTH, "category {0}: the remedy {1}, {2}")),
    ("categories.*.window.**", _plainly(Affected.COMPLAINANT, "category {0}: the window, {1}")),
    ("categories.*.complainants", _plainly(Affected.BOTH, "category {0}: who may complain")),
    ("categories.*.responsible", _plainly(Affected.BOTH, "category {0}: who can be responsible")),
    ("categories.*.**", _plainly(Affected.BOTH, "category {0}: {1}")),
    ("remedies.*", _plainly(Affected.BOTH, "the remedy {0}")),
    ("remedies.*.amount.**", _plainly(Affected.BOTH, "the amount of {0}, {1}")),
    ("remedies.*.steps.*", _plainly(Affected.BOTH, "the remedy {0}: the step {1}")),
    ("remedies.*.**", _plainly(Affected.BOTH, "the remedy {0}, {1}")),
    ("review_grounds.*", _plainly(Affected.BOTH, "the ground {0} of a complaint about a review")),
    ("review_grounds.*.**", _plainly(Affected.BOTH, "the ground {0} of a complaint about a review, {1}")),
    ("penalties.*", _penalty),
    ("penalties.*.**", _penalty),
    ("repeats.*", _plainly(Affected.SELLER, "the penalty for repeated {0}")),
    ("repeats.*.**", _plainly(Affected.SELLER, "the penalty for repeated {0}, {1}")),
    ("repeats", _plainly(Affected.SELLER, "the penalties for repetition")),
    ("conduct.rows.*", _plainly(Affected.SELLER, "the conduct {0}")),
    ("conduct.rows.*.**", _plainly(Affected.SELLER, "the conduct {0}, {1}")),
    ("conduct.**", _plainly(Affected.SELLER, "conduct, {0}")),
    ("escalation.*", _plainly(Affected.PLATFORM, "the escalation for {0}")),
    ("escalation.*.**", _plainly(Affected.PLATFORM, "the escalation for {0}, {1}")),
    ("escalation", _plainly(Affected.PLATFORM, "the escalation table")),
    ("repeat_contacts.**", _plainly(Affected.PLATFORM, "the contacts that raise a case, {0}")),
    ("refund_only.**", _plainly(Affected.COMPLAINANT, "the known solution for who wants nothing but a refund, {0}")),
    ("outside_bodies.*", _plainly(Affected.PLATFORM, "the body outside {0}")),
    ("outside_bodies.*.channel", _plainly(Affected.BOTH, "the channel from the body outside {0}")),
    ("outside_bodies.*.**", _plainly(Affected.PLATFORM, "the body outside {0}, {1}")),
    ("priority.categories.*", _plainly(Affected.PLATFORM, "the points of priority for category {0}")),
    ("priority.levels.*.**", _plainly(Affected.PLATFORM, "the priority {0}, {1}")),
    ("priority.**", _plainly(Affected.PLATFORM, "the points of priority for {0}")),
    ("teams.**", _plainly(Affected.PLATFORM, "the team {0}")),
    ("routes.*", _plainly(Affected.PLATFORM, "the hand-off route {0}")),
    ("routes.*.without_consent", _plainly(Affected.COMPLAINANT, "the hand-off route {0} without consent")),
    ("routes.*.results.*", _plainly(Affected.PLATFORM, "the hand-off route {0}: the result {1}")),
    ("routes.*.**", _plainly(Affected.PLATFORM, "the hand-off route {0}, {1}")),
    ("routing", _plainly(Affected.PLATFORM, "what is handed over by itself")),
    ("incidents.*", _plainly(Affected.PLATFORM, "the incident about one {0}")),
    ("incidents.*.**", _plainly(Affected.PLATFORM, "the incident about one {0}, {1}")),
    ("incidents", _plainly(Affected.PLATFORM, "the incidents")),
    ("triage.**", _plainly(Affected.PLATFORM, "what a text shows, {0}")),
    ("rights.*", _right),
    ("notices.*", _plainly(Affected.BOTH, "the notice {0}")),
    ("notices.*.text.*", _plainly(Affected.BOTH, "the text of the notice {0} ({1})")),
    ("notices.*.**", _plainly(Affected.BOTH, "the notice {0}, {1}")),
    ("words.**", _plainly(Affected.BOTH, "the word for {0}")),
    ("**", _by_path),
)
"""How a change is told, by its path; the first that fits. `*` is one key, `**` any."""

_TELLERS = tuple(
    (re.compile(re.escape(path).replace(r"\*\*", "(.+)").replace(r"\*", "([^.]+)")), tell) for path, tell in _TABLE
)
