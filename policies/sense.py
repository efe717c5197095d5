"""What the schema cannot say: whether a pack makes sense.

Each check gives what it finds wrong as `place: problem`. A new one is a function more in `CHECKS`.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import msgspec

from policies.schema import ClockKind, OnMiss, Pack, Party, RemedyKind, Stage, Texts, Trigger, Unit

Problems = Iterator[str]
"""What is wrong, each as `place: problem`."""

LANGUAGES = {"zh-CN", "en"}
RULE_ID = re.compile(r"[A-Z]{3}-[0-9]+")
MAX_PERCENT = 1000

# --- what the core knows --------------------------------------------------------------------------

LAPSING = frozenset(
    {
        ClockKind.PROOF_OF_PURCHASE,
        ClockKind.SELLER_FIRST,
        ClockKind.EVIDENCE,
        ClockKind.STATEMENT,
        ClockKind.PROPOSAL,
        ClockKind.MEDIATION,
        ClockKind.REMEDY,
        ClockKind.SURVEY,
        ClockKind.CLOSING_WINDOW,
    }
)
"""The clocks for whose lapsing the core has a consequence."""

FOR_A_THING = frozenset(
    {
        ClockKind.PROOF_OF_PURCHASE,
        ClockKind.SELLER_FIRST,
        ClockKind.EVIDENCE,
        ClockKind.STATEMENT,
        ClockKind.PROPOSAL,
        ClockKind.REMEDY,
        ClockKind.PAYOUT,
    }
)
"""The clocks that the core arms for a thing, such as a request or a step; all others run through stages."""

ENDS = {Stage.FEEDBACK, Stage.REFUSED, Stage.WITHDRAWN}
LIFE: tuple[set[Stage], ...] = (
    {Stage.INTAKE},
    {Stage.ACCEPTANCE},
    {Stage.VERIFICATION},
    {Stage.COORDINATION},
    {Stage.RULING},
    ENDS,
    {Stage.FOLLOW_UP},
    {Stage.CLOSED},
)
"""The stages in which something can wait, in the order of a case's life; only one of the ends is ever met."""


def check(pack: Pack, file_stem: str) -> None:
    """Raise ValueError, naming the place, for the first thing that makes no sense."""
    if file_stem != f"{pack.name}@{pack.version}":
        raise ValueError(f"the file should be named {pack.name}@{pack.version}.yaml")
    for each in CHECKS:
        for problem in each(pack):
            raise ValueError(problem)


# --- the pack as a whole --------------------------------------------------------------------------


def _dates(pack: Pack) -> Problems:
    until = pack.effective_until
    if until is not None and until <= pack.effective_from:
        yield f"effective_until: {until} is not after {pack.effective_from}"


def _texts(pack: Pack) -> Problems:
    for place, type_, texts in _places(pack, Pack):
        if type_ == Texts:
            if set(texts) != LANGUAGES:
                yield f"{place}: needs texts in zh-CN and en"
            for language, text in texts.items():
                if not text.strip():
                    yield f"{place}.{language}: is empty"


def _rule_ids(pack: Pack) -> Problems:
    for place, _, rule in _places(pack, Pack):
        if place.endswith(".rule") and isinstance(rule, str) and not RULE_ID.fullmatch(rule):
            yield f"{place}: {rule!r} is not the id of a rule"


def _percentages(pack: Pack) -> Problems:
    for place, _, percent in _places(pack, Pack):
        if "percent" in place.rpartition(".")[2].split("_") and percent is not None and percent > MAX_PERCENT:
            yield f"{place}: {percent} percent is more than {MAX_PERCENT}"


def _repetitions(pack: Pack) -> Problems:
    for place, _, values in _places(pack, Pack):
        if isinstance(values, tuple):
            twice = [value for value, count in Counter(map(str, values)).items() if count > 1]
            if twice:
                yield f"{place}: {_said(twice)} is there twice"


# --- clocks ---------------------------------------------------------------------------------------


def _clocks(pack: Pack) -> Problems:
    missing = [kind for kind in ClockKind if kind not in pack.clocks]
    if missing:
        yield f"clocks: {_said(missing)} is missing"
    for kind, rule in pack.clocks.items():
        place = f"clocks.{kind}"
        hours = rule.length if rule.unit is Unit.HOURS else 24 * rule.length
        if rule.warn_hours_before >= hours:
            yield f"{place}.warn_hours_before: {rule.warn_hours_before} hours is not less than the clock's length"
        if rule.closing is not None and rule.unit is Unit.HOURS:
            yield f"{place}.closing: hours have no closing time, only days have"
        if rule.closing is not None and rule.closing.tzinfo is not None:
            yield f"{place}.closing: has a time zone; it is meant in the calendar's"


def _consequences(pack: Pack) -> Problems:
    """No clock without a consequence (SLA-5)."""
    raising = {row.trigger for row in pack.escalation}
    for kind, rule in pack.clocks.items():
        if rule.on_miss is OnMiss.LAPSES and kind not in LAPSING:
            yield f"clocks.{kind}.on_miss: nothing follows when it lapses"
        if rule.on_miss is OnMiss.ESCALATES and Trigger.MISSED_CLOCK not in raising:
            yield f"clocks.{kind}.on_miss: nothing follows, as escalation has no row for missed_clock"


def _stages(pack: Pack) -> Problems:
    """Every clock runs some time, and no case can be forgotten."""
    running = set[Stage]()
    for kind, rule in pack.clocks.items():
        place = f"clocks.{kind}"
        if kind in FOR_A_THING:
            if rule.runs_in:
                yield f"{place}.runs_in: this clock is armed for a thing, not by a stage"
            if rule.extension is not None:
                yield f"{place}.extension: only a clock that runs through stages can be extended"
            continue
        if not rule.runs_in:
            yield f"{place}.runs_in: no stage arms this clock, so it would never run"
        steps = sorted({step for step, stages in enumerate(LIFE) if stages & set(rule.runs_in)})
        if Stage.ARCHIVED in rule.runs_in or (steps and steps[-1] - steps[0] >= len(steps)):
            yield f"{place}.runs_in: {_said(rule.runs_in)} do not follow one another in the life of a case"
        running |= set(rule.runs_in)
    forgotten = [stage for stages in LIFE for stage in sorted(stages - running)]
    if forgotten:
        yield f"clocks: none runs in {_said(forgotten)}, where a case could be forgotten"


# --- categories, evidence and remedies ------------------------------------------------------------


def _evidence(pack: Pack) -> Problems:
    known = set(pack.evidence_kinds)
    for place, kinds in _evidence_named(pack):
        if set(kinds) - known:
            yield f"{place}: unknown evidence {_said(sorted(set(kinds) - known))}"


def _evidence_named(pack: Pack) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "admission.proof_kinds", pack.admission.proof_kinds
    for name, category in pack.categories.items():
        for party, groups in category.checklist.items():
            for number, group in enumerate(groups):
                yield f"categories.{name}.checklist.{party}[{number}]", group


def _categories(pack: Pack) -> Problems:
    for name, category in pack.categories.items():
        place = f"categories.{name}"
        if not category.checklist.get(category.burden):
            yield f"{place}.checklist: the {category.burden} has the burden of proof and is asked for nothing"
        for party, groups in category.checklist.items():
            if not all(groups):
                yield f"{place}.checklist.{party}: an empty group can never be satisfied"
        if not category.causes or not category.responsible:
            yield f"{place}: needs causes and responsible parties"


def _remedies(pack: Pack) -> Problems:
    offered = set[RemedyKind]()
    for name, category in pack.categories.items():
        if not category.remedies:
            yield f"categories.{name}.remedies: none is offered"
        for field, kinds in (("remedies", [each.kind for each in category.remedies]), ("duties", category.duties)):
            unknown = [kind for kind in kinds if kind not in pack.remedies]
            if unknown:
                yield f"categories.{name}.{field}: {_said(unknown)} is not described in remedies"
            offered |= set(kinds)
    for kind, rule in pack.remedies.items():
        if kind not in offered:
            yield f"remedies.{kind}: no category offers it"
        if not rule.steps:
            yield f"remedies.{kind}.steps: nobody has to do anything"
        for number, step in enumerate(rule.steps):
            if step.by is Party.CARRIER:
                yield f"remedies.{kind}.steps[{number}].by: a carrier is not bound by a remedy"
        if rule.money != (rule.cap_percent_of_order is not None):
            yield f"remedies.{kind}: a remedy in money has a cap, and no other has"


# --- tables ---------------------------------------------------------------------------------------


def _escalation(pack: Pack) -> Problems:
    for trigger, count in Counter(row.trigger for row in pack.escalation).items():
        if count > 1:
            yield f"escalation: {trigger} has {count} rows"


def _rights(pack: Pack) -> Problems:
    for act, roles in pack.rights.items():
        if not roles:
            yield f"rights.{act}: nobody may do it"


def _notices(pack: Pack) -> Problems:
    for template, notice in pack.notices.items():
        place = f"notices.{template}"
        if not notice.channels:
            yield f"{place}.channels: there is no way to send it"
        fields = {}
        for language, text in notice.text.items():
            try:
                fields[language] = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            except ValueError as error:
                yield f"{place}.text.{language}: {error}"
        if len(set(map(frozenset, fields.values()))) > 1:
            yield f"{place}.text: the languages do not have the same placeholders"


CHECKS: tuple[Callable[[Pack], Problems], ...] = (
    _dates,
    _texts,
    _rule_ids,
    _percentages,
    _repetitions,
    _clocks,
    _consequences,
    _stages,
    _evidence,
    _categories,
    _remedies,
    _escalation,
    _rights,
    _notices,
)


def _places(value: object, type_: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place of a pack, with the type that the schema gives it and its value."""
    yield place, type_, value
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(value):
            yield from _places(getattr(value, field.name), field.type, f"{place}.{field.name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _places(each, get_args(type_)[1], f"{place}.{key}")
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _places(each, get_args(type_)[0], f"{place}[{number}]")


def _said(values: Any) -> str:
    return ", ".join(str(value) for value in values)
