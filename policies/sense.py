"""What the schema cannot say: whether a pack makes sense.

Each check tells what it finds wrong as `place: problem`. A new one is one more function in `CHECKS`.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, get_args, get_origin

import msgspec

from policies.base import Texts
from policies.schema import (
    Action,
    AmountRule,
    AppealRoute,
    Category,
    ClockKind,
    Counted,
    Ground,
    OnMiss,
    OrderState,
    Outcome,
    Pack,
    Party,
    PenaltyKind,
    Priority,
    RemedyKind,
    Removes,
    Role,
    Side,
    Stage,
    Trigger,
    Unit,
)

Problems = Iterator[str]
"""What is wrong, each as `place: problem`."""

LANGUAGES = {"zh-CN", "en"}
RULE_ID = re.compile(r"[A-Z]{3}-[0-9]+")
MAX_PERCENT = 1000
ALL = 100
"""In percent."""

# --- what the core knows --------------------------------------------------------------------------

LAPSING = frozenset(
    {
        ClockKind.PROOF_OF_PURCHASE,
        ClockKind.COMPLETION,
        ClockKind.CATEGORY_OFFER,
        ClockKind.SELLER_FIRST,
        ClockKind.EVIDENCE,
        ClockKind.STATEMENT,
        ClockKind.PROPOSAL,
        ClockKind.MEDIATION,
        ClockKind.REMEDY,
        ClockKind.SURVEY,
        ClockKind.CLOSING_WINDOW,
        ClockKind.HAND_OFF_CONSENT,
    }
)
"""The clocks for whose lapsing the core has a consequence."""

OF_TEAMS = frozenset(kind for kind in ClockKind if kind.startswith("hand_off_")) - {ClockKind.HAND_OFF_CONSENT}
"""The clocks of what is handed to a team."""
FOR_A_THING = (
    LAPSING - {ClockKind.MEDIATION, ClockKind.SURVEY, ClockKind.CLOSING_WINDOW}
    | {ClockKind.PAYOUT, ClockKind.OUTSIDE}
    | OF_TEAMS
)
"""The clocks that the core arms for a thing, such as a request or a step; all others run through stages."""

LIFE: tuple[frozenset[Stage], ...] = (
    frozenset({Stage.INTAKE}),
    frozenset({Stage.ACCEPTANCE}),
    frozenset({Stage.VERIFICATION}),
    frozenset({Stage.COORDINATION}),
    frozenset({Stage.RULING}),
    frozenset({Stage.FEEDBACK, Stage.REFUSED, Stage.WITHDRAWN}),
    frozenset({Stage.FOLLOW_UP}),
    frozenset({Stage.CLOSED}),
)
"""The stages in which something can be waited for, in the order of a case's life."""

AWAITED: dict[Stage, frozenset[Party]] = {
    Stage.INTAKE: frozenset({Party.COMPLAINANT, Party.RESPONDENT}),
    Stage.ACCEPTANCE: frozenset({Party.COMPLAINANT}),
    Stage.VERIFICATION: frozenset({Party.COMPLAINANT, Party.RESPONDENT, Party.CARRIER, Party.APPRAISER}),
}
"""Who can be asked for something, or has its turn first, in which stage; in the others nobody is waited for."""

OUTSIDE = {Trigger.EXTERNAL, Trigger.JUDICIAL}
"""What a complaint before a body outside can trigger."""
PROPOSABLE = {Trigger.LEANING, Trigger.ASKS_MANAGEMENT, Trigger.HIGH_RISK}
"""What a text can show."""
RULINGS = {Outcome.UPHELD, Outcome.DISMISSED, Outcome.EXPLAINED}
"""What a ruling can come to."""

ACTS = frozenset(
    {
        "file_complaint",
        "record_contact",
        "correct_category",
        "request_completion",
        "complete_complaint",
        "narrow_claim",
        "report_seller_contact",
        "accept_complaint",
        "refuse_complaint",
        "request_evidence",
        "submit_evidence",
        "submit_statement",
        "record_finding",
        "propose_remedy",
        "answer_proposal",
        "call_for_ruling",
        "issue_ruling",
        "extend_clock",
        "escalate_case",
        "report_trigger",
        "set_risk",
        "assess_case",
        "record_external_complaint",
        "offer_solution",
        "answer_offer",
        "hand_over",
        "answer_hand_off",
        "take_hand_off",
        "return_hand_off",
        "refuse_hand_off",
        "recall_hand_off",
        "assign_case",
        "link_incident",
        "close_incident",
        "withdraw_complaint",
        "report_remedy",
        "answer_survey",
        "request_review",
        "file_appeal",
        "examine_transcript",
        "record_conduct",
        "migrate_policy",
        "reopen_case",
        "correct_act",
        "merge_case",
        "absorb_case",
    }
)
ENGINES_OWN = ("absorb_case", "link_incident")
"""The acts that only the engine does."""
ON_INCIDENTS = frozenset({Role.AGENT, Role.SUPERVISOR, Role.SERVICE})
"""Who can act on many cases at once; a party acts on its own case only."""

ALWAYS = frozenset({"case", "order"})
"""What every notice can name."""
TEMPLATES: dict[str, frozenset[str]] = {
    template: frozenset(names.split())
    for template, names in {
        "received": "due",
        "accepted": "",
        "already_handled": "",
        "refused": "ground",
        "refused_final": "ground routes",
        "seller_first": "",
        "proof_of_purchase_wanted": "due wanted",
        "completion_wanted": "due wanted",
        "category_offer_wanted": "due wanted",
        "claim_narrowed": "claim",
        "statement_wanted": "due wanted",
        "evidence_wanted": "due wanted",
        "proposal_made": "due remedy",
        "extended": "due",
        "agreed": "remedy",
        "ruled": "outcome",
        "ruled_final": "outcome routes",
        "explained": "outcome",
        "explained_final": "outcome routes",
        "withdrawn": "outcome",
        "remedy_due": "action due",
        "remedy_failed": "remedy",
        "survey": "",
        "outside_routes": "routes",
        "heard_again": "hearing",
        "appeal_not_heard": "",
        "reopened": "",
        "escalated": "",
        "hand_off_consent_wanted": "due team",
        "handed_over": "team",
        "handed_back": "team",
        "corrected": "act",
        "merged": "into",
    }.items()
}
"""The notices that the core sends, each with what else it can name. One that can name the outside routes is final."""
NAMED = (
    "withdrawn",
    "settled_by_seller",
    "statement",
    "review",
    "appeal",
    "accept_complaint",
    "refuse_complaint",
    "record_finding",
    "call_for_ruling",
    "request_evidence",
)
"""What notices can name besides what the pack's own tables name: ends, requests, hearings and acts put right."""
RESULTS = {"refused", "agreed", "ruled", "explained", "withdrawn"}
"""The notices of a result, which has to reach the parties (FBK-1)."""


def check(pack: Pack, file_stem: str) -> None:
    """Raise ValueError, naming the place, for the first thing that makes no sense."""
    if file_stem != f"{pack.name}@{pack.version}":
        raise ValueError(f"the file should be named {pack.name}@{pack.version}.yaml")
    for each in CHECKS:
        for problem in each(pack):
            raise ValueError(problem)


# --- the pack as a whole --------------------------------------------------------------------------


def _dates(pack: Pack) -> Problems:
    for place, since, until in (
        ("effective_until", pack.effective_from, pack.effective_until),
        ("conduct.in_force_until", pack.conduct.in_force_from, pack.conduct.in_force_until),
    ):
        if until is not None and until <= since:
            yield f"{place}: {until} is not after {since}"


def _everywhere(pack: Pack) -> Problems:
    for place, type_, value in _places(pack, Pack):
        for each in (_text, _rule_id, _percentage, _repetition):
            for problem in each(type_, place.rpartition(".")[2], value):
                yield f"{place}{problem}"


def _text(type_: Any, name: str, value: Any) -> Problems:
    if type_ == Texts:
        if set(value) != LANGUAGES:
            yield ": needs a text in zh-CN and in en, and in no other language"
        for language, text in value.items():
            if not text.strip():
                yield f".{language}: is empty"


def _rule_id(type_: Any, name: str, value: Any) -> Problems:
    if name == "rule" and isinstance(value, str) and not RULE_ID.fullmatch(value):
        yield f": {value!r} is not the id of a rule"


def _percentage(type_: Any, name: str, value: Any) -> Problems:
    if isinstance(value, int) and value > MAX_PERCENT and "percent" in name.split("_"):
        yield f": {value} percent is more than {MAX_PERCENT}"


def _repetition(type_: Any, name: str, value: Any) -> Problems:
    if isinstance(value, tuple):
        names = (getattr(each, "kind", each) for each in value)
        twice = [each for each, count in Counter(name for name in names if isinstance(name, str)).items() if count > 1]
        if twice:
            yield f": {_said(twice)} is there twice"


# --- clocks ---------------------------------------------------------------------------------------


def _clocks(pack: Pack) -> Problems:
    missing = [kind for kind in ClockKind if kind not in pack.clocks]
    if missing:
        yield f"clocks: {_said(missing)} is missing"
    for kind, rule in pack.clocks.items():
        place = f"clocks.{kind}"
        hours = rule.length if rule.unit is Unit.HOURS else 24 * rule.length
        if rule.unit is Unit.END_OF_DAY and (rule.length != 1 or rule.closing is not None):
            yield f"{place}.length: the end of a day is that of one day, at midnight"
        for priority, length in rule.length_by_priority.items():
            if priority is Priority.NORMAL:
                yield f"{place}.length_by_priority.{priority}: that of a normal case is the clock's length"
            elif length >= rule.length:
                yield f"{place}.length_by_priority.{priority}: is not shorter than {rule.length}"
        if rule.warn_hours_before >= hours:
            yield f"{place}.warn_hours_before: {rule.warn_hours_before} hours are not less than the clock's length"
        if rule.closing is not None and rule.unit is Unit.HOURS:
            yield f"{place}.closing: only a clock that counts days has a closing time"
        if rule.closing is not None and rule.closing.tzinfo is not None:
            yield f"{place}.closing: has a time zone; the calendar's is meant"


def _consequences(pack: Pack) -> Problems:
    """No clock without a consequence."""
    raising = {row.trigger for row in pack.escalation}
    for kind, rule in pack.clocks.items():
        if rule.on_miss is OnMiss.LAPSES and kind not in LAPSING:
            yield f"clocks.{kind}.on_miss: nothing follows when this clock lapses"
        if (rule.on_miss is OnMiss.ESCALATES_IN_TEAM) != (kind in OF_TEAMS):
            yield f"clocks.{kind}.on_miss: what is late rises within a team where it was handed to one, and only there"
        if rule.on_miss is OnMiss.ESCALATES and Trigger.MISSED_CLOCK not in raising:
            yield f"clocks.{kind}.on_miss: nothing follows, since escalation has no row for missed_clock"


def _stages(pack: Pack) -> Problems:
    """Every clock runs some time, and no case can be forgotten."""
    running = set[Stage]()
    for kind, rule in pack.clocks.items():
        place = f"clocks.{kind}"
        running |= set(rule.runs_in)
        if kind in FOR_A_THING:
            if rule.runs_in:
                yield f"{place}.runs_in: this clock is armed for a thing, not by a stage"
            if rule.extension is not None:
                yield f"{place}.extension: only a clock that runs through stages can be extended"
            if not rule.met_by_leaving:
                yield f"{place}.met_by_leaving: this clock runs through no stages that could be left"
        elif not rule.runs_in:
            yield f"{place}.runs_in: no stage arms this clock, so it never runs"
        awaited = {party for stage in rule.runs_in for party in AWAITED.get(stage, ())}
        never = [party for party in rule.pauses_for if party not in awaited]
        if never:
            yield f"{place}.pauses_for: nothing is waited for from the {_said(never)} while this clock runs"
        steps = [step for step, stages in enumerate(LIFE) if stages & set(rule.runs_in)]
        if Stage.ARCHIVED in rule.runs_in or (steps and steps[-1] - steps[0] >= len(steps)):
            yield f"{place}.runs_in: {_said(rule.runs_in)} do not follow one another in the life of a case"
    forgotten = [stage for stages in LIFE for stage in sorted(stages - running)]
    if forgotten:
        yield f"clocks: none runs in {_said(forgotten)}, where a case could be forgotten"


# --- admission and hearings -----------------------------------------------------------------------


def _admission(pack: Pack) -> Problems:
    admission = pack.admission
    if not admission.proof_kinds:
        yield "admission.proof_kinds: nothing would prove a purchase"
    if not admission.platforms:
        yield "admission.platforms: nothing would be within the jurisdiction"
    missing = [ground for ground in Ground if ground not in admission.grounds]
    if missing:
        yield f"admission.grounds: {_said(missing)} is missing"


def _windows(pack: Pack) -> Problems:
    for name, category in pack.categories.items():
        window, place = category.window, f"categories.{name}.window"
        if window is None:
            continue
        if not window.after:
            yield f"{place}.after: no state of the order begins the window"
        if window.instead is not None:
            if window.instead not in pack.categories:
                yield f"{place}.instead: the pack has no category {window.instead}"
            elif OrderState.OPEN in window.after:
                yield f"{place}.instead: cannot be reached, as nobody comes too early"
            elif pack.categories[window.instead].window is not None:
                yield f"{place}.instead: {window.instead} has a window of its own"


def _appeals(pack: Pack) -> Problems:
    appeal = pack.appeal
    missing = [state for state in OrderState if state not in appeal.routes]
    if missing:
        yield f"appeal.routes: there is none for an order that is {_said(missing)}"
    if appeal.times and set(appeal.routes.values()) == {AppealRoute.NOT_HEARD}:
        yield "appeal.routes: no appeal would ever be heard"
    if appeal.times and not appeal.channels:
        yield "appeal.channels: there is nowhere to appeal"


def _reviews(pack: Pack) -> Problems:
    """Complaints about reviews, and the grounds that they need, come together (ADM-6)."""
    on_review = [name for name, category in pack.categories.items() if category.on_review]
    if pack.review_grounds and not on_review:
        yield "review_grounds: cannot be reached, as no category is about a review"
    if on_review and not pack.review_grounds:
        yield f"categories.{on_review[0]}.on_review: there are no review_grounds"
    for name, ground in pack.review_grounds.items():
        if not ground.ratings:
            yield f"review_grounds.{name}.ratings: the ground fits no review"
        if ground.circumstances and ground.removes is not Removes.REVIEW:
            yield f"review_grounds.{name}.removes: its circumstances say whose reviews go"


# --- categories, evidence and remedies ------------------------------------------------------------


def _evidence(pack: Pack) -> Problems:
    used = set[str]()
    for place, kinds in _evidence_named(pack):
        unknown = [kind for kind in kinds if kind not in pack.evidence_kinds]
        if unknown:
            yield f"{place}: unknown evidence {_said(unknown)}"
        used |= set(kinds)
    unused = [kind for kind in pack.evidence_kinds if kind not in used]
    if unused:
        yield f"evidence_kinds: {_said(unused)} is asked for nowhere"


def _evidence_named(pack: Pack) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "admission.proof_kinds", pack.admission.proof_kinds
    for name, category in pack.categories.items():
        for party, groups in category.checklist.items():
            for number, group in enumerate(groups):
                yield f"categories.{name}.checklist.{party}[{number}]", group
    for row_name, row in pack.penalties.items():
        yield f"penalties.{row_name}.cites", row.cites


def _categories(pack: Pack) -> Problems:
    if not pack.categories:
        yield "categories: there is none"
    for name, category in pack.categories.items():
        place = f"categories.{name}"
        if category.burden not in (Party.COMPLAINANT, Party.RESPONDENT):
            yield f"{place}.burden: the {category.burden} is no side of the case"
        elif not category.checklist.get(category.burden):
            yield f"{place}.checklist: the {category.burden} bears the burden of proof and is asked for nothing"
        if Party.COMPLAINANT in category.checklist and category.burden is not Party.COMPLAINANT:
            yield f"{place}.checklist.complainant: the complainant never has to prove anything"
        for party, groups in category.checklist.items():
            if not groups:
                yield f"{place}.checklist.{party}: nothing is on it"
            for number, group in enumerate(groups):
                if not group:
                    yield f"{place}.checklist.{party}[{number}]: nothing could satisfy it"
        for field in ("remedies", "causes", "responsible", "outcomes", "complainants"):
            if not getattr(category, field):
                yield f"{place}.{field}: there is none"
        others = [outcome for outcome in category.outcomes if outcome not in RULINGS]
        if others:
            yield f"{place}.outcomes: no ruling comes to {_said(others)}"


def _remedies(pack: Pack) -> Problems:
    """Every remedy that is offered is described, and the other way about."""
    offered = set[RemedyKind]()
    for name, category in pack.categories.items():
        for field, kinds in (("remedies", tuple(each.kind for each in category.remedies)), ("duties", category.duties)):
            unknown = [kind for kind in kinds if kind not in pack.remedies]
            if unknown:
                yield f"categories.{name}.{field}: {_said(unknown)} is not described in remedies"
            offered |= set(kinds)
        for kind in category.duties:
            if pack.remedies[kind].money and pack.remedies[kind].amount is None:
                yield f"categories.{name}.duties: {kind} has no amount by itself"
    for kind in pack.remedies:
        if kind not in offered:
            yield f"remedies.{kind}: cannot be reached, as no category has it"


def _steps(pack: Pack) -> Problems:
    for kind, rule in pack.remedies.items():
        if not rule.steps:
            yield f"remedies.{kind}.steps: nobody has to do anything"
        for number, step in enumerate(rule.steps):
            place = f"remedies.{kind}.steps[{number}]"
            if step.by not in (Party.COMPLAINANT, Party.RESPONDENT, Party.PLATFORM):
                yield f"{place}.by: the {step.by} is not bound by a remedy"
            if step.by_agent and step.by is not Party.PLATFORM:
                yield f"{place}.by_agent: only a step of the platform is an agent's"
            if (step.action is Action.CHECK) != step.by_agent:
                yield f"{place}: an agent checks, and does nothing else"
            if step.by_agent and number == 0:
                yield f"{place}: there is nothing done yet that could be checked"
        if sum(step.by is Party.PLATFORM and not step.by_agent for step in rule.steps) > 1:
            yield f"remedies.{kind}.steps: the platform does more than one step, and only one can be reversed"


def _amounts(pack: Pack) -> Problems:
    for kind, rule in pack.remedies.items():
        bounds = sum(bound is not None for bound in (rule.cap_percent_of_order, rule.amount))
        if bounds != rule.money:
            yield f"remedies.{kind}: a remedy in money has a cap or a computed amount, and no other remedy has"
        if rule.amount is not None:
            yield from _amount(pack, kind, rule.amount)


def _amount(pack: Pack, kind: RemedyKind, amount: AmountRule) -> Problems:
    place = f"remedies.{kind}.amount"
    if (amount.fixed_fen is None) == (amount.percent_of_goods is None):
        yield f"{place}: needs either fixed_fen or percent_of_goods"
    if (amount.rounding is None) != (amount.percent_of_goods is None):
        yield f"{place}.rounding: goes with percent_of_goods"
    if (amount.percent_of_goods or 0) > ALL:
        yield f"{place}.percent_of_goods: {amount.percent_of_goods} percent is more than the goods cost"
    if amount.cap_fen is not None and amount.percent_of_goods is None:
        yield f"{place}.cap_fen: a fixed sum needs no cap"
    others = [other for other in amount.wins_over if other not in pack.remedies or other is kind]
    if others:
        yield f"{place}.wins_over: {_said(others)} is no other remedy of the pack"


# --- tables ---------------------------------------------------------------------------------------


def _escalation(pack: Pack) -> Problems:
    for trigger, count in Counter(row.trigger for row in pack.escalation).items():
        if count > 1:
            yield f"escalation: {trigger} has {count} rows"
    for number, row in enumerate(pack.escalation):
        place = f"escalation[{number}]"
        if row.route is not None and row.route not in pack.routes:
            yield f"{place}.route: routes has no {row.route}"
        if row.notice is not None and row.notice not in pack.notices:
            yield f"{place}.notice: notices has no {row.notice}"
        elif row.notice is not None and TEMPLATES.get(row.notice):
            yield f"{place}.notice: {row.notice} names more than a rise does"
        if row.clock is not None and (row.clock is not ClockKind.OUTSIDE or row.trigger not in OUTSIDE):
            yield f"{place}.clock: only a complaint outside starts a clock, that of {ClockKind.OUTSIDE}"
        if row.at_once and not row.proposed_by:
            yield f"{place}.at_once: nothing proposes it"
        if row.proposed_by and row.trigger not in PROPOSABLE:
            yield f"{place}.proposed_by: no text shows that"
    for name, body in pack.outside_bodies.items():
        if body.trigger not in OUTSIDE:
            yield f"outside_bodies.{name}.trigger: a complaint outside is one of {_said(sorted(OUTSIDE))}"
        elif body.trigger not in {row.trigger for row in pack.escalation}:
            yield f"outside_bodies.{name}.trigger: escalation has no row for {body.trigger}"
    if list(pack.repeat_contacts.counts) != sorted(set(pack.repeat_contacts.counts)):
        yield "repeat_contacts.counts: each is more than the one before"


def _priority(pack: Pack) -> Problems:
    levels = pack.priority.levels
    missing = [each for each in Priority if each not in levels]
    if missing:
        yield f"priority.levels: {_said(missing)} is missing"
        return
    ordered = [levels[each] for each in Priority]
    if ordered[0].points != 0 or [each.points for each in ordered] != sorted({each.points for each in ordered}):
        yield "priority.levels: the points begin with 0 and rise from level to level"
    keys = [each.task_priority for each in ordered]
    if keys != sorted(set(keys), reverse=True):
        yield "priority.levels: what is more urgent is served earlier, by a smaller task_priority"
    for name in ("amount_fen", "contacts", "orders"):
        steps = pairwise(getattr(pack.priority, name))
        if any(after.at_least <= before.at_least or after.points <= before.points for before, after in steps):
            yield f"priority.{name}: from band to band there are more points"
    unknown = [each for each in pack.priority.categories if each not in pack.categories]
    if unknown:
        yield f"priority.categories: the pack has no category {_said(unknown)}"


def _hand_offs(pack: Pack) -> Problems:
    """Every team has something to do, and every matter a team."""
    clocks = Counter(rule.clock for rule in pack.routes.values())
    for route, rule in pack.routes.items():
        place = f"routes.{route}"
        if rule.team not in pack.teams:
            yield f"{place}.team: teams has no {rule.team}"
        if rule.clock not in OF_TEAMS:
            yield f"{place}.clock: {rule.clock} is not the clock of a team"
        elif clocks[rule.clock] > 1:
            yield f"{place}.clock: {rule.clock} is another route's, too"
        if not rule.results:
            yield f"{place}.results: there is none to come back with"
        unknown = [each for each in rule.categories if each not in pack.categories]
        if unknown:
            yield f"{place}.categories: the pack has no category {_said(unknown)}"
    idle = [team for team in pack.teams if team not in {rule.team for rule in pack.routes.values()}]
    if idle:
        yield f"teams: nothing is handed to {_said(idle)}"
    for number, row in enumerate(pack.routing):
        place = f"routing[{number}]"
        if row.route not in pack.routes:
            yield f"{place}.route: routes has no {row.route}"
        if (row.category is None) == (row.label is None):
            yield f"{place}: goes by a category or by a label"
        if row.category is not None and row.category not in pack.categories:
            yield f"{place}.category: the pack has no category {row.category}"
        if row.label is not None and row.instead_of_verification:
            yield f"{place}.instead_of_verification: by then the case is being verified, or over"
        before = [each for each in pack.routing[:number] if each.branded in (None, row.branded)]
        if (row.category, row.label) in [(each.category, each.label) for each in before]:
            yield f"{place}: cannot be reached, as an earlier row takes all that fit"
    for number, incident in enumerate(pack.incidents):
        if any(each.matter is incident.matter for each in pack.incidents[:number]):
            yield f"incidents[{number}].matter: {incident.matter} has a row already"
        unknown = [each for each in incident.categories if each not in pack.categories]
        if unknown:
            yield f"incidents[{number}].categories: the pack has no category {_said(unknown)}"
    unknown = [each for each in pack.refund_only.categories if each not in pack.categories]
    if unknown:
        yield f"refund_only.categories: the pack has no category {_said(unknown)}"


def _triage(pack: Pack) -> Problems:
    """What goes by what a text shows has words to go by, and words speak for what there is."""
    wanted = {label for row in pack.escalation for label in row.proposed_by}
    wanted |= {row.label for row in pack.routing if row.label is not None}
    missing = sorted(wanted - pack.triage.labels.keys())
    if missing:
        yield f"triage.labels: {_said(missing)} is missing"
    unknown = [name for name in pack.triage.categories if name not in set(Category)]
    if unknown:
        yield f"triage.categories: there is no category {_said(unknown)}"


def _penalties(pack: Pack) -> Problems:
    for name, row in pack.penalties.items():
        place = f"penalties.{name}"
        others = [category for category in row.categories if category not in pack.categories]
        if others:
            yield f"{place}.categories: the pack has no category {_said(others)}"
        if row.kind is not PenaltyKind.POINTS and (row.points is not None or row.point_class is not None):
            yield f"{place}.points: only a deduction of points has points"
        if row.kind in (PenaltyKind.POINTS, PenaltyKind.RANKED_DOWN) and row.against is not Side.SELLER:
            yield f"{place}.against: only a shop has points and a rank"


def _repeats(pack: Pack) -> Problems:
    for number, repeat in enumerate(pack.repeats):
        place = f"repeats[{number}]"
        row = pack.penalties.get(repeat.penalty)
        if row is None:
            yield f"{place}.penalty: penalties has no row {repeat.penalty}"
        elif row.kind is PenaltyKind.POINTS and row.points is None:
            yield f"{place}.penalty: {repeat.penalty} has no figure, so it cannot be applied"
        if repeat.counts in (before.counts for before in pack.repeats[:number]):
            yield f"{place}.counts: {repeat.counts} has a row already"
        if repeat.counts is Counted.PASSIVE_SERVICE and not any(each.passive for each in pack.conduct.rows.values()):
            yield f"{place}.counts: no row of conduct is passive service"


def _rights(pack: Pack) -> Problems:
    missing, unknown = sorted(ACTS - pack.rights.keys()), sorted(pack.rights.keys() - ACTS)
    if missing:
        yield f"rights: {_said(missing)} is missing"
    if unknown:
        yield f"rights: there is no act {_said(unknown)}"
    for act, roles in pack.rights.items():
        if not roles:
            yield f"rights.{act}: nobody may do it"
        if (Role.ENGINE in roles) != (act in ENGINES_OWN):
            yield f"rights.{act}: {_said(ENGINES_OWN)} are the engine's acts, and its only ones"
    others = sorted({*pack.rights.get("close_incident", ())} - ON_INCIDENTS)
    if others:
        yield f"rights.close_incident: {_said(others)} cannot act on an incident"


# --- notices --------------------------------------------------------------------------------------


def _notices(pack: Pack) -> Problems:
    missing, unknown = sorted(TEMPLATES.keys() - pack.notices.keys()), sorted(pack.notices.keys() - TEMPLATES.keys())
    if missing:
        yield f"notices: {_said(missing)} is missing"
    if unknown:
        yield f"notices: nothing sends {_said(unknown)}"
    for template, notice in pack.notices.items():
        place = f"notices.{template}"
        final = "routes" in TEMPLATES[template]
        if not notice.channels:
            yield f"{place}.channels: there is no way to send it"
        if notice.final != final:
            yield f"{place}.final: it {'ends' if final else 'does not end'} what the platform can do"
        if not notice.must_reach and (final or template in RESULTS):
            yield f"{place}.must_reach: a result has to reach the parties"
        if final and not pack.outside_routes:
            yield f"outside_routes: there is none for the notice {template} to list"


def _placeholders(pack: Pack) -> Problems:
    """What a text names, the core says; and both languages tell the same."""
    for template, notice in pack.notices.items():
        place = f"notices.{template}.text"
        named = dict[str, set[str]]()
        for language, text in notice.text.items():
            try:
                named[language] = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            except ValueError as error:
                yield f"{place}.{language}: {error}"
                return
            unknown = sorted(named[language] - ALWAYS - TEMPLATES[template])
            if unknown:
                yield f"{place}.{language}: nothing is known for {_said(f'{{{name}}}' for name in unknown)}"
            if notice.final and "routes" not in named[language]:
                yield f"{place}.{language}: a final notice lists the outside {{routes}}"
        if named["zh-CN"] != named["en"]:
            yield f"{place}: {_said(sorted(named['zh-CN'] ^ named['en']))} is named in one language only"


def _words(pack: Pack) -> Problems:
    """Notices can name what they have to (FBK-1)."""
    said = {
        "admission.clarity.facts": pack.admission.clarity.facts,
        "remedies": tuple(
            step.action for rule in pack.remedies.values() for step in rule.steps if step.by is not Party.PLATFORM
        ),
        "categories": tuple(outcome for category in pack.categories.values() for outcome in category.outcomes),
        "every case": NAMED,
    }
    for place, codes in said.items():
        missing = [code for code in dict.fromkeys(codes) if code not in pack.words]
        if missing:
            yield f"words: {_said(missing)}, of {place}, is missing"


CHECKS: tuple[Callable[[Pack], Problems], ...] = (
    _dates,
    _everywhere,
    _clocks,
    _consequences,
    _stages,
    _admission,
    _categories,
    _windows,
    _appeals,
    _reviews,
    _evidence,
    _remedies,
    _steps,
    _amounts,
    _escalation,
    _priority,
    _hand_offs,
    _triage,
    _penalties,
    _repeats,
    _rights,
    _notices,
    _placeholders,
    _words,
)
"""In this order: a later one may rely on what an earlier one made sure of."""


def _places(value: object, type_: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place of a pack, with the type that the schema gives it and its value."""
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    yield place, type_, value
    if isinstance(value, msgspec.Struct):
        for name, of in _fields(type(value)):
            yield from _places(getattr(value, name), of, f"{place}.{name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _places(each, get_args(type_)[1], f"{place}.{key}")
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _places(each, get_args(type_)[0], f"{place}[{number}]")


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.type) for field in msgspec.structs.fields(struct))


def _said(values: Any) -> str:
    return ", ".join(str(value) for value in values)
