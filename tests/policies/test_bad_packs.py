"""A pack that makes no sense is refused with a message that names the place; and what is made sure of is what the core
asks of packs.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

import pytest

from policies import sense, triage
from policies.book import ELSEWHERE, HERE, PackError, load_book
from policies.plain_yaml import convert
from policies.schema import Outcome, Pack, Stage, Trigger
from policies.triage import TriageRules
from states import events, incident
from states.rules import escalation
from states.rules.deadlines import LAPSES
from tests.policies.packs import CALENDAR, GONE, PLATFORM, ROOT, changed, directory, platform

QUALITY = "categories.quality"
BURDEN = "the complainant bears the burden of proof and is asked for nothing"
CAPS = "a remedy in money has a cap or a computed amount, and no other remedy has"
SURVEY = {"zh-CN": "{case}", "en": "{case}"}
RISING = "what is late rises within a team where it was handed to one, and only there"
BANDS = "from band to band there are more points"
ENGINES = "absorb_case, link_incident are the engine's acts, and its only ones"


def refusal(pack: dict[str, Any]) -> str:
    """What is said against a pack; empty if it is taken."""
    try:
        sense.check(convert(pack, Pack), PLATFORM)
    except ValueError as error:
        return str(error)
    return ""


def test_the_sound_pack_is_taken() -> None:
    assert refusal(platform()) == ""


# --- what the schema refuses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("schema", 2, "Expected `int` <= 1 - at `$.schema`"),
        ("admission.limit_days", -1, "Expected `int` >= 1 - at `$.admission.limit_days`"),
        ("admission.limit_days", "365.5", "Expected `int`, got `str` - at `$.admission.limit_days`"),
        ("admission.limit_daze", 365, "Object contains unknown field `limit_daze` - at `$.admission`"),
        ("admission.limit_days", GONE, "Object missing required field `limit_days` - at `$.admission`"),
        ("clocks.evidence.unit", "fortnights", "Invalid enum value 'fortnights' - at `$.clocks.evidence.unit`"),
        ("clocks.evidence.closing", "25:00:00", "Invalid RFC3339 encoded time - at `$.clocks.evidence.closing`"),
        ("clocks.dispatch", {}, "Invalid enum value 'dispatch' - at `key` in `$.clocks`"),
        (f"{QUALITY}.remedies.1.kind", "gift", f"Invalid enum value 'gift' - at `$.{QUALITY}.remedies[1].kind`"),
        (f"{QUALITY}.checklist.passer_by", [], f"Invalid enum value 'passer_by' - at `key` in `$.{QUALITY}.checklist`"),
        ("rights.issue_ruling.1", "chief", "Invalid enum value 'chief' - at `$.rights.issue_ruling[1]`"),
        ("penalties.data_leak.points", 0, "Expected `int` >= 1 - at `$.penalties.data_leak.points`"),
        ("effective_from", "22 July 2024", "Invalid RFC3339 encoded date - at `$.effective_from`"),
        ("escalation.0.level", "board", "Invalid enum value 'board' - at `$.escalation[0].level`"),
        ("escalation.0.until", "2027", "Object contains unknown field `until` - at `$.escalation[0]`"),
        ("repeat_contacts.counts.0", 0, "Expected `int` >= 1 - at `$.repeat_contacts.counts[0]`"),
        ("refund_only.remedies.0", "gift", "Invalid enum value 'gift' - at `$.refund_only.remedies[0]`"),
        ("outside_bodies.media.label", GONE, "Object missing required field `label` - at `$.outside_bodies.media`"),
        ("priority.external", 0, "Expected `int` >= 1 - at `$.priority.external`"),
        ("priority.orders.0.at_least", 0, "Expected `int` >= 1 - at `$.priority.orders[0].at_least`"),
        ("priority.levels.high.task_priority", 6, "Expected `int` <= 5 - at `$.priority.levels.high.task_priority`"),
        (
            "priority.levels.urgent.task_priority",
            0,
            "Expected `int` >= 1 - at `$.priority.levels.urgent.task_priority`",
        ),
        (
            "priority.levels.low",
            {"points": 0, "task_priority": 4},
            "Invalid enum value 'low' - at `key` in `$.priority.levels`",
        ),
        ("routes.press", {}, "Invalid enum value 'press' - at `key` in `$.routes`"),
        ("routing.0.route", GONE, "Object missing required field `route` - at `$.routing[0]`"),
        ("incidents.0.complaints", 1, "Expected `int` >= 2 - at `$.incidents[0].complaints`"),
        ("incidents.0.matter", "carrier", "Invalid enum value 'carrier' - at `$.incidents[0].matter`"),
        ("triage.labels.rude", {"patterns": {}}, "Invalid enum value 'rude' - at `key` in `$.triage.labels`"),
        ("triage.min_weight", 0, "Expected `int` >= 1 - at `$.triage.min_weight`"),
    ],
)
def test_what_is_not_in_the_form_of_a_pack_is_refused_by_its_place(path: str, value: object, says: str) -> None:
    assert refusal(changed(platform(), path, value)) == says


# --- what makes no sense ----------------------------------------------------------------------------

BAD: list[tuple[str, object, str]] = [
    # Where, what, and the message: the whole of it, or what follows the place.
    ("version", "2025-01-01", "the file should be named platform@2025-01-01.yaml"),
    # the pack as a whole
    ("effective_until", "2024-07-22", ": 2024-07-22 is not after 2024-07-22"),
    ("conduct.in_force_until", "2000-01-01", ": 2000-01-01 is not after 2010-02-02"),
    ("title.en", GONE, "title: needs a text in zh-CN and in en, and in no other language"),
    ("words.time.fr", "temps", "words.time: needs a text in zh-CN and in en, and in no other language"),
    (f"{QUALITY}.label.en", " ", ": is empty"),
    ("clocks.evidence.rule", "VER1", ": 'VER1' is not the id of a rule"),
    ("remedies.compensation.cap_percent_of_order", 1001, ": 1001 percent is more than 1000"),
    ("admission.platforms", ["taobao", "taobao"], ": taobao is there twice"),
    (f"{QUALITY}.remedies.1.kind", "refund", f"{QUALITY}.remedies: refund is there twice"),
    # clocks
    ("clocks.survey", GONE, "clocks: survey is missing"),
    ("clocks.first_contact.warn_hours_before", 12, ": 12 hours are not less than the clock's length"),
    ("clocks.evidence.warn_hours_before", 72, ": 72 hours are not less than the clock's length"),
    ("clocks.proposal.closing", "18:00:00", ": only a clock that counts days has a closing time"),
    ("clocks.evidence.closing", "18:00:00Z", ": has a time zone; the calendar's is meant"),
    ("clocks.ruling.on_miss", "lapses", ": nothing follows when this clock lapses"),
    ("clocks.hand_off_legal.on_miss", "escalates", f": {RISING}"),
    ("clocks.statement.on_miss", "escalates_in_team", f": {RISING}"),
    ("clocks.hand_off_counterfeit.length", 2, ": the end of a day is that of one day, at midnight"),
    (
        "clocks.hand_off_counterfeit.closing",
        "18:00:00",
        "clocks.hand_off_counterfeit.length: the end of a day is that of one day, at midnight",
    ),
    ("clocks.ruling.length_by_priority.urgent", 2, ": is not shorter than 2"),
    ("clocks.ruling.length_by_priority.normal", 1, ": that of a normal case is the clock's length"),
    ("escalation.0", GONE, "clocks.acceptance.on_miss: nothing follows, since escalation has no row for missed_clock"),
    ("clocks.evidence.runs_in", ["verification"], ": this clock is armed for a thing, not by a stage"),
    ("clocks.evidence.extension", {"times": 1, "total": 1}, ": only a clock that runs through stages can be extended"),
    ("clocks.mediation.runs_in", [], ": no stage arms this clock, so it never runs"),
    (
        "clocks.result.runs_in",
        ["intake", "verification"],
        ": intake, verification do not follow one another in the life of a case",
    ),
    ("clocks.closing_window.runs_in", ["archived"], ": archived do not follow one another in the life of a case"),
    (
        "clocks.feedback.runs_in",
        ["feedback", "refused"],
        "clocks: none runs in withdrawn, where a case could be forgotten",
    ),
    # admission, windows, hearings
    ("admission.proof_kinds", [], ": nothing would prove a purchase"),
    ("admission.platforms", [], ": nothing would be within the jurisdiction"),
    ("admission.grounds.too_late", GONE, "admission.grounds: too_late is missing"),
    ("categories.false_shipment.window.after", [], ": no state of the order begins the window"),
    (
        "categories.late_shipment",
        GONE,
        "categories.false_shipment.window.instead: the pack has no category late_shipment",
    ),
    (
        "categories.false_shipment.window.after",
        ["open"],
        "categories.false_shipment.window.instead: cannot be reached, as nobody comes too early",
    ),
    ("categories.false_shipment.window.instead", "false_shipment", ": false_shipment has a window of its own"),
    ("appeal.routes.open", GONE, "appeal.routes: there is none for an order that is open"),
    (
        "appeal.routes",
        dict.fromkeys(("open", "succeeded", "closed_by_refund"), "not_heard"),
        ": no appeal would ever be heard",
    ),
    ("appeal.channels", [], ": there is nowhere to appeal"),
    (
        "categories.malicious_review.on_review",
        False,
        "review_grounds: cannot be reached, as no category is about a review",
    ),
    ("review_grounds", {}, "categories.malicious_review.on_review: there are no review_grounds"),
    ("review_grounds.coercion.ratings", [], ": the ground fits no review"),
    # categories, evidence, remedies
    ("categories", {}, ": there is none"),
    (f"{QUALITY}.burden", "carrier", ": the carrier is no side of the case"),
    (f"{QUALITY}.checklist.complainant", [], f"{QUALITY}.checklist: {BURDEN}"),
    (f"{QUALITY}.checklist.complainant", GONE, f"{QUALITY}.checklist: {BURDEN}"),
    (f"{QUALITY}.checklist.respondent.0", [], f"{QUALITY}.checklist.respondent[0]: nothing could satisfy it"),
    (f"{QUALITY}.causes", [], ": there is none"),
    (f"{QUALITY}.responsible", [], ": there is none"),
    (f"{QUALITY}.outcomes", ["upheld", "withdrawn"], ": no ruling comes to withdrawn"),
    (f"{QUALITY}.checklist.complainant.0.0", "oath", f"{QUALITY}.checklist.complainant[0]: unknown evidence oath"),
    ("admission.proof_kinds.0", "oath", "admission.proof_kinds: unknown evidence oath"),
    ("penalties.bank_account_given.cites.0", "oath", "penalties.bank_account_given.cites: unknown evidence oath"),
    ("evidence_kinds.oath", {"zh-CN": "誓言", "en": "oath"}, "evidence_kinds: oath is asked for nowhere"),
    ("remedies.repair", GONE, f"{QUALITY}.remedies: repair is not described in remedies"),
    ("remedies.rectification", GONE, "categories.false_advertising.duties: rectification is not described in remedies"),
    (f"{QUALITY}.duties", ["coupon"], ": coupon has no amount by itself"),
    ("categories.invoice.remedies.0", GONE, "remedies.invoice: cannot be reached, as no category has it"),
    ("remedies.repair.steps", [], ": nobody has to do anything"),
    ("remedies.repair.steps.1.by", "carrier", "remedies.repair.steps[1].by: the carrier is not bound by a remedy"),
    (
        "remedies.repair.steps.1.by_agent",
        True,
        "remedies.repair.steps[1].by_agent: only a step of the platform is an agent's",
    ),
    ("remedies.refund.steps.0.by_agent", True, "remedies.refund.steps[0]: an agent checks, and does nothing else"),
    (
        "remedies.rectification.steps.0",
        GONE,
        "remedies.rectification.steps[0]: there is nothing done yet that could be checked",
    ),
    (
        "remedies.apology.steps",
        [{"by": "platform", "action": "refund"}, {"by": "platform", "action": "issue_coupon"}],
        ": the platform does more than one step, and only one can be reversed",
    ),
    ("categories.quality.checklist.respondent", [], ": nothing is on it"),
    ("categories.invoice.checklist.complainant", [["photo"]], ": the complainant never has to prove anything"),
    ("clocks.evidence.met_by_leaving", False, ": this clock runs through no stages that could be left"),
    (
        "clocks.ruling.pauses_for",
        ["complainant"],
        ": nothing is waited for from the complainant while this clock runs",
    ),
    ("review_grounds.coercion.removes", "both", ": its circumstances say whose reviews go"),
    ("repeats.1.counts", "passive_service", "repeats[1].counts: passive_service has a row already"),
    ("remedies.out_of_stock_compensation.amount.percent_of_goods", 101, ": 101 percent is more than the goods cost"),
    ("remedies.refund.cap_percent_of_order", GONE, f"remedies.refund: {CAPS}"),
    ("remedies.repair.cap_percent_of_order", 100, f"remedies.repair: {CAPS}"),
    (
        "remedies.promise_compensation.amount.fixed_fen",
        GONE,
        "remedies.promise_compensation.amount: needs either fixed_fen or percent_of_goods",
    ),
    ("remedies.out_of_stock_compensation.amount.rounding", GONE, ": goes with percent_of_goods"),
    ("remedies.promise_compensation.amount.cap_fen", 5000, ": a fixed sum needs no cap"),
    (
        "remedies.promise_compensation.amount.wins_over",
        ["promise_compensation"],
        ": promise_compensation is no other remedy of the pack",
    ),
    # tables
    ("escalation.1.trigger", "missed_clock", "escalation: missed_clock has 2 rows"),
    ("routes.legal", GONE, "escalation[6].route: routes has no legal"),
    ("escalation.6.notice", "greeting", "escalation[6].notice: notices has no greeting"),
    ("escalation.6.notice", "extended", "escalation[6].notice: extended names more than a rise does"),
    (
        "escalation.0.clock",
        "outside",
        "escalation[0].clock: only a complaint outside starts a clock, that of outside",
    ),
    ("escalation.6.clock", "ruling", "escalation[6].clock: only a complaint outside starts a clock, that of outside"),
    ("escalation.0.at_once", True, "escalation[0].at_once: nothing proposes it"),
    ("escalation.1.proposed_by", ["legal_action"], "escalation[1].proposed_by: no text shows that"),
    ("outside_bodies.media.trigger", "by_hand", ": a complaint outside is one of external, judicial"),
    ("escalation.8", GONE, "outside_bodies.consumer_association.trigger: escalation has no row for external"),
    ("repeat_contacts.counts", [6, 3], ": each is more than the one before"),
    ("repeat_contacts.counts", [3, 3], ": each is more than the one before"),
    ("priority.levels.high", GONE, "priority.levels: high is missing"),
    ("priority.levels.normal.points", 1, "priority.levels: the points begin with 0 and rise from level to level"),
    ("priority.levels.urgent.points", 40, "priority.levels: the points begin with 0 and rise from level to level"),
    (
        "priority.levels.urgent.task_priority",
        2,
        "priority.levels: what is more urgent is served earlier, by a smaller task_priority",
    ),
    ("priority.contacts.1.at_least", 3, f"priority.contacts: {BANDS}"),
    ("priority.orders.1.points", 10, f"priority.orders: {BANDS}"),
    ("priority.amount_fen.1.points", 5, f"priority.amount_fen: {BANDS}"),
    ("routes.legal.team", "marketing", ": teams has no marketing"),
    ("routes.legal.clock", "outside", ": outside is not the clock of a team"),
    ("routes.legal.clock", "hand_off_safety", "routes.safety.clock: hand_off_safety is another route's, too"),
    ("routes.legal.results", {}, ": there is none to come back with"),
    ("teams.night_shift", {"zh-CN": "夜班组", "en": "night shift"}, "teams: nothing is handed to night_shift"),
    ("routing.0.label", "counterfeit", "routing[0]: goes by a category or by a label"),
    ("routing.1.category", GONE, "routing[1]: goes by a category or by a label"),
    (
        "routing.2.instead_of_verification",
        True,
        "routing[2].instead_of_verification: by then the case is being verified, or over",
    ),
    ("routing.0.branded", GONE, "routing[1]: cannot be reached, as an earlier row takes all that fit"),
    ("routing.1.branded", False, "routing[1]: cannot be reached, as an earlier row takes all that fit"),
    ("incidents.1.matter", "product", "incidents[1].matter: product has a row already"),
    ("triage.labels.legal_action", GONE, "triage.labels: legal_action is missing"),
    ("triage.categories.rudeness", {}, "triage.categories: there is no category rudeness"),
    ("penalties.malicious_return.points", 2, ": only a deduction of points has points"),
    ("penalties.data_leak.against", "buyer", ": only a shop has points and a rank"),
    ("penalties.passive_service_repeated", GONE, "repeats[0].penalty: penalties has no row passive_service_repeated"),
    (
        "penalties.passive_service_repeated.points",
        GONE,
        "repeats[0].penalty: passive_service_repeated has no figure, so it cannot be applied",
    ),
    ("rights.issue_ruling", GONE, "rights: issue_ruling is missing"),
    ("rights.pardon", ["agent"], "rights: there is no act pardon"),
    ("rights.issue_ruling", [], ": nobody may do it"),
    ("rights.issue_ruling", ["engine"], f": {ENGINES}"),
    ("rights.absorb_case", ["agent"], f": {ENGINES}"),
    ("rights.link_incident", ["service"], f": {ENGINES}"),
    ("rights.close_incident", ["agent", "respondent"], ": respondent cannot act on an incident"),
    # notices
    ("notices.survey", GONE, "notices: survey is missing"),
    ("notices.greeting", {"channels": ["sms"], "text": SURVEY}, "notices: nothing sends greeting"),
    ("notices.survey.channels", [], ": there is no way to send it"),
    ("notices.survey.final", True, ": it does not end what the platform can do"),
    ("notices.ruled_final.final", False, ": it ends what the platform can do"),
    ("notices.ruled.must_reach", False, ": a result has to reach the parties"),
    ("outside_routes", {}, ": there is none for the notice ruled_final to list"),
    ("notices.survey.text.en", "About {due}.", ": nothing is known for {due}"),
    ("notices.survey.text.en", "About {.", ": expected '}' before end of string"),
    ("notices.survey.text.en", "Are you happy?", "notices.survey.text: case is named in one language only"),
    ("notices.ruled_final.text.en", "{case}: {outcome}.", ": a final notice lists the outside {routes}"),
    ("words.goods", GONE, "words: goods, of admission.clarity.facts, is missing"),
    ("words.return_goods", GONE, "words: return_goods, of remedies, is missing"),
    ("words.appeal", GONE, "words: appeal, of every case, is missing"),
    ("words.explained", GONE, "words: explained, of categories, is missing"),
]


@pytest.mark.parametrize(("path", "value", "says"), BAD)
def test_a_pack_that_makes_no_sense_is_refused_by_the_place(path: str, value: object, says: str) -> None:
    assert refusal(changed(platform(), path, value)) == (f"{path}{says}" if says.startswith(": ") else says)


def without_passive_conduct() -> dict[str, Any]:
    pack = platform()
    for row in pack["conduct"]["rows"].values():
        row["passive"] = False
    return pack


def test_repeated_passive_service_needs_conduct_that_is_passive() -> None:
    assert refusal(without_passive_conduct()) == "repeats[0].counts: no row of conduct is passive service"


LACKING: list[tuple[str, object, str]] = [
    # What a pack says that has no category for complaints about after-sales service.
    (
        "penalties.data_leak.categories.0",
        "after_sales",
        "penalties.data_leak.categories: the pack has no category after_sales",
    ),
    ("priority.categories.after_sales", 10, "priority.categories: the pack has no category after_sales"),
    ("routes.legal.categories", ["after_sales"], "routes.legal.categories: the pack has no category after_sales"),
    ("routing.1.category", "after_sales", "routing[1].category: the pack has no category after_sales"),
    ("incidents.1.categories", ["after_sales"], "incidents[1].categories: the pack has no category after_sales"),
    ("refund_only.categories.0", "after_sales", "refund_only.categories: the pack has no category after_sales"),
]


def without_after_sales() -> dict[str, Any]:
    return changed(platform(), "categories.after_sales", GONE)


@pytest.mark.parametrize(("path", "value", "says"), LACKING)
def test_no_table_names_a_category_that_the_pack_lacks(path: str, value: object, says: str) -> None:
    assert refusal(without_after_sales()) == ""
    assert refusal(changed(without_after_sales(), path, value)) == says


def without_offline_handling() -> dict[str, Any]:
    """What is left of offline handling is that it is routed to by itself."""
    lacking = changed(changed(platform(), "routes.offline", GONE), "teams.offline_service", GONE)
    return changed(lacking, "routing.2.route", "offline")


def test_nothing_is_routed_where_the_pack_has_no_route() -> None:
    assert refusal(without_offline_handling()) == "routing[2].route: routes has no offline"


# --- what triage cannot read ------------------------------------------------------------------------

WORDS: dict[str, Any] = {
    "near": 8,
    "far": 40,
    "max_excerpts": 8,
    "strong_weight": 3,
    "weak_weight": 1,
    "min_weight": 2,
    "variants": {"经": "經"},
    "sets": {"manager": {"words": ["经理"]}},
    "contexts": {"denied": ["不 <*>"]},
    "labels": {
        "asks_management": {
            "unless": ["别 <*>"],
            "unless_in": ["denied"],
            "patterns": {"sought": {"find": ["找 ~ <manager>"], "given": ["我 ~~ <*>"], "unless": ["没 <*>"]}},
        }
    },
    "categories": {"service_attitude": {"strong": ["骂 人|我"], "weak": ["态度"]}},
}
SOUGHT, AT = "labels.asks_management.patterns.sought", "labels.asks_management.sought"
UNREADABLE: list[tuple[str, object, str]] = [
    # Where, what, and the message, in which {} stands for what.
    (f"{SOUGHT}.find.0", "~ 找", f"{AT}: {{}} has a gap that is not between two parts"),
    (f"{SOUGHT}.find.0", "找 ~ ~3 人", f"{AT}: {{}} has a gap that is not between two parts"),
    (f"{SOUGHT}.find.0", "找 ~0 人", f"{AT}: {{}} has a gap of nothing"),
    (f"{SOUGHT}.find.0", "找 ~~", f"{AT}: {{}} ends with a gap"),
    (f"{SOUGHT}.find.0", "找||叫", f"{AT}: {{}} has an empty word"),
    (f"{SOUGHT}.find.0", "找|叫|找", f"{AT}: {{}} names a word twice in '找|叫|找'"),
    (f"{SOUGHT}.find.0", "找, 叫", f"{AT}: {{}} has a mark within the word '找,'"),
    (f"{SOUGHT}.find.0", "^|我 找", f"{AT}: {{}} has ^ as one of several words"),
    (f"{SOUGHT}.find.0", "找 ($)", f"{AT}: {{}} has $ as one of several words"),
    (f"{SOUGHT}.find.0", "找 <boss>", f"{AT}: {{}} names the set boss, which is not there"),
    (f"{SOUGHT}.find.0", "找 <*>", f"{AT}: {{}} has <*> and is what finds it"),
    (f"{SOUGHT}.find.0", "(找) (叫)", f"{AT}: {{}} has no word that has to be there"),
    (f"{SOUGHT}.find.0", "^ (找) $", f"{AT}: {{}} has no word that has to be there"),
    (f"{SOUGHT}.find.0", "(被) 找", f"{AT}: {{}} begins or ends with a part that can be left out"),
    (f"{SOUGHT}.find.0", "不 找 ~4 (发票|票)", f"{AT}: {{}} begins or ends with a part that can be left out"),
    (f"{SOUGHT}.find.0", "找 (a) (b) (c) (d) (e) 叫", f"{AT}: {{}} has more than 4 parts that can be left out"),
    (f"{SOUGHT}.given.0", "<*> 和 <*>", f"{AT}: {{}} has <*> twice"),
    (f"{SOUGHT}.unless.0", "(没) <*>", f"{AT}: {{}} has no word that has to be there"),
    ("labels.asks_management.unless.0", "别|别 <*>", "labels.asks_management: {} names a word twice in '别|别'"),
    ("contexts.denied.0", "<not> <*>", "contexts.denied: {} names the set not, which is not there"),
    ("categories.service_attitude.strong.0", "骂 <*>", "categories.service_attitude: {} has <*> and is what finds it"),
    (
        "categories.service_attitude.weak.0",
        "态度 <bad>",
        "categories.service_attitude: {} names the set bad, which is not there",
    ),
    ("labels.asks_management.unless_in.0", "doubted", "labels.asks_management: there is no context doubted"),
    (f"{SOUGHT}.given_in", ["doubted"], "labels.asks_management: there is no context doubted"),
    (f"{SOUGHT}.unless_in", ["doubted"], "labels.asks_management: there is no context doubted"),
    (f"{SOUGHT}.find", [], "Expected `array` of length >= 1 - at `$.labels.asks_management.patterns.sought.find`"),
    (f"{SOUGHT}.find.0", "", "Expected `str` of length >= 1 - at `$.labels.asks_management.patterns.sought.find[0]`"),
    ("sets.manager.words", [], "Expected `array` of length >= 1 - at `$.sets.manager.words`"),
    ("sets.manager.words.0", "", "Expected `str` of length >= 1 - at `$.sets.manager.words[0]`"),
    ("variants.经理", "經理", "Expected `str` of length <= 1 - at `key` in `$.variants`"),
    ("near", 0, "Expected `int` >= 1 - at `$.near`"),
    ("far", 201, "Expected `int` <= 200 - at `$.far`"),
]


def unreadable(rules: dict[str, Any]) -> str:
    """What is said against the words of triage; empty if they are taken."""
    try:
        convert(rules, TriageRules)
    except ValueError as error:
        return str(error)
    return ""


def test_readable_words_are_taken() -> None:
    assert unreadable(WORDS) == ""


@pytest.mark.parametrize(("path", "value", "says"), UNREADABLE)
def test_words_that_cannot_be_read_are_refused_by_the_place(path: str, value: object, says: str) -> None:
    assert unreadable(changed(WORDS, path, value)) == says.format(repr(value))


def test_a_pack_with_words_that_cannot_be_read_is_refused() -> None:
    pack = changed(platform(), "triage", changed(WORDS, f"{SOUGHT}.find.0", "找 ~"))
    assert refusal(pack) == "labels.asks_management.sought: '找 ~' ends with a gap - at `$.triage`"


# --- nothing is left out ----------------------------------------------------------------------------


def finds_fault(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    """Whether this is where a check says what it found, or a value refuses what it was given."""
    match node:
        case ast.Yield(value=ast.JoinedStr() | ast.Constant()) | ast.Raise():
            return True
    return False


def unwell() -> Iterator[dict[str, Any]]:
    """Every pack here that makes no sense."""
    yield from (changed(platform(), path, value) for path, value, _ in BAD)
    yield from (changed(without_after_sales(), path, value) for path, value, _ in LACKING)
    yield from (without_passive_conduct(), without_offline_handling())


def checks() -> Iterator[Callable[[], object]]:
    for pack in unwell():
        yield partial(sense.check, convert(pack, Pack), PLATFORM)


def readings() -> Iterator[Callable[[], object]]:
    for path, value, _ in UNREADABLE:
        yield partial(convert, changed(WORDS, path, value), TriageRules)


@pytest.mark.parametrize(("module", "attempts"), [(sense, checks), (triage, readings)], ids=["sense", "triage"])
def test_every_problem_that_can_be_found_is_shown_here(
    module: ModuleType, attempts: Callable[[], Iterator[Callable[[], object]]]
) -> None:
    """Each place where fault is found is reached by something above."""
    source = str(module.__file__)
    functions = [
        each for each in ast.walk(ast.parse(Path(source).read_text("utf-8"))) if isinstance(each, ast.FunctionDef)
    ]
    places = {each.name: {node.lineno for node in ast.walk(each) if finds_fault(node)} for each in functions}
    faults = set().union(*places.values())
    reached = set[int]()

    def watch(frame: Any, event: str, argument: object) -> Any:
        code = frame.f_code
        if code.co_filename != source or not places.get(code.co_name):
            return None
        if event == "line":
            reached.add(frame.f_lineno)
        return watch

    tried = list(attempts())
    before = sys.gettrace()
    sys.settrace(watch)
    try:
        for attempt in tried:
            with suppress(ValueError):
                attempt()
    finally:
        sys.settrace(before)
    assert faults - reached == set()
    assert faults


# --- the file and the worker ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a: 1\na: 2\n", "key 'a' is repeated"),
        ("a: [1\n", "expected ',' or ']'"),
        ("- a\n", "Expected `object`, got `array`"),
        ("", "Expected `object`, got `null`"),
        ("a: 1\n", "Object contains unknown field `a`"),
    ],
)
def test_a_file_that_holds_no_pack_is_refused_by_its_name(tmp_path: Path, source: str, says: str) -> None:
    path = directory(tmp_path, platform())
    (path / "packs" / "z@1.yaml").write_text(source, "utf-8")
    with pytest.raises(PackError) as refused:
        load_book(path)
    assert str(refused.value).startswith("z@1.yaml: ")
    assert says in str(refused.value)


def test_the_calendar_has_to_be_there(tmp_path: Path) -> None:
    path = directory(tmp_path, changed(platform(), "calendar", "cn@1999.1"))
    with pytest.raises(PackError) as refused:
        load_book(path)
    assert str(refused.value) == f"{PLATFORM}.yaml: calendar: there is no calendar cn@1999.1"


def test_a_calendar_is_named_by_its_id_and_sound(tmp_path: Path) -> None:
    path = directory(tmp_path, platform())
    file = path / "calendars" / f"{CALENDAR}.yaml"
    other = file.rename(file.with_name("cn@2027.1.yaml"))
    with pytest.raises(PackError, match=r"^cn@2027\.1\.yaml: the file should be named cn@2026\.1\.yaml"):
        load_book(path)
    other.write_text("name: cn\n", "utf-8")
    with pytest.raises(PackError, match=r"^cn@2027\.1\.yaml: Object missing required field"):
        load_book(path)


def test_a_bad_pack_stops_the_worker_before_it_connects(tmp_path: Path) -> None:
    path = directory(tmp_path, changed(platform(), "clocks.ruling.on_miss", "lapses"))
    nowhere = "127.0.0.1:1"
    done = subprocess.run(
        [sys.executable, "worker.py"],
        cwd=ROOT,
        env=os.environ
        | {
            ELSEWHERE: str(path),
            "DATABASE_URL": f"postgresql://nobody@{nowhere}/nothing",
            "TEMPORAL_ADDRESS": nowhere,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{PLATFORM}.yaml: clocks.ruling.on_miss: nothing follows when this clock lapses" in done.stderr
    assert nowhere not in done.stderr
    assert "Traceback" not in done.stderr


# --- what is made sure of is what the core asks of packs ----------------------------------------------


def test_every_act_has_its_right_and_every_right_its_act() -> None:
    assert {*(act.name() for act in events.ACTS), incident.CloseIncident.name()} == sense.ACTS
    assert {events.AbsorbCase.name(), events.LinkIncident.name()} == set(sense.ENGINES_OWN)


def test_who_can_act_on_an_incident() -> None:
    assert set(incident.PEOPLE) == sense.ON_INCIDENTS


def test_the_clocks_that_may_lapse_are_those_with_a_consequence() -> None:
    assert set(LAPSES) == sense.LAPSING


def test_what_a_text_can_show_is_what_an_agent_can_report_and_the_risk() -> None:
    assert {*escalation.REPORTED, Trigger.HIGH_RISK} == sense.PROPOSABLE


def test_the_life_of_a_case_has_every_stage_but_the_last() -> None:
    stages = [stage for step in sense.LIFE for stage in step]
    assert sorted(stages) == sorted(set(Stage) - {Stage.ARCHIVED})


def test_every_result_has_its_notice() -> None:
    assert sense.TEMPLATES.keys() > sense.RESULTS
    assert set(Outcome) >= sense.RULINGS


def calls(*names: str) -> Iterator[ast.Call]:
    """The calls of these methods in the core."""
    for path in sorted((ROOT / "states").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=attr)) if attr in names:
                    yield node


def sent() -> Iterator[tuple[str, set[str]]]:
    """The notices that the core sends by name, and what it tells in each."""
    for call in calls("tell", "tell_both", "open_"):
        match call.args:
            case [ast.Constant(value=str(template)), *_] | [
                ast.Name(id="draft"),
                ast.Constant(value=str(template)),
                *_,
            ]:
                yield template, {keyword.arg for keyword in call.keywords if keyword.arg}


def test_every_notice_that_the_core_sends_by_name_is_known() -> None:
    found = list(sent())
    assert found
    for template, told in found:
        assert sense.TEMPLATES[template] - {"routes"} <= told, template


def test_every_act_that_can_be_put_right_can_be_named() -> None:
    acts = {call.args[0].value for call in calls("correctable") if isinstance(call.args[0], ast.Constant)}
    assert acts
    assert acts == set(sense.NAMED) & sense.ACTS


def test_the_packs_that_come_with_tousu_make_sense() -> None:
    assert len(list(load_book(HERE, unreleased=True))) >= 2
