"""A pack that makes no sense is refused with a message that names the place; and what is made sure of is what the core
asks of packs.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policies import sense
from policies.book import ELSEWHERE, HERE, PackError, load_book
from policies.plain_yaml import convert
from policies.schema import Outcome, Pack, Stage
from states import events
from states.rules.escalation import LAPSES
from tests.policies.packs import CALENDAR, GONE, PLATFORM, ROOT, changed, directory, platform

QUALITY = "categories.quality"
BURDEN = "the complainant bears the burden of proof and is asked for nothing"
CAPS = "a remedy in money has a cap or a computed amount, and no other remedy has"
SURVEY = {"zh-CN": "{case}", "en": "{case}"}


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
    ("rights.issue_ruling", ["engine"], ": absorb_case is the engine's act, and its only one"),
    ("rights.absorb_case", ["agent"], ": absorb_case is the engine's act, and its only one"),
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


def test_repeated_passive_service_needs_conduct_that_is_passive() -> None:
    pack = platform()
    for row in pack["conduct"]["rows"].values():
        row["passive"] = False
    assert refusal(pack) == "repeats[0].counts: no row of conduct is passive service"


def test_a_penalty_is_not_limited_to_a_category_that_the_pack_lacks() -> None:
    pack = changed(platform(), "categories.data_leak", GONE)
    assert refusal(pack) == "penalties.data_leak.categories: the pack has no category data_leak"


def test_every_problem_that_a_check_can_find_is_shown_here() -> None:
    """Each place where `policies.sense` finds fault is reached by a pack above."""
    source = Path(sense.__file__)
    faults = {
        node.lineno
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.JoinedStr | ast.Constant)
    }
    reached = set[int]()

    def watch(frame: Any, event: str, argument: object) -> Any:
        if frame.f_code.co_filename == str(source) and event == "line":
            reached.add(frame.f_lineno)
        return watch

    passive = platform()
    for row in passive["conduct"]["rows"].values():
        row["passive"] = False
    packs = [changed(platform(), path, value) for path, value, _ in BAD]
    before = sys.gettrace()
    sys.settrace(watch)
    try:
        for pack in (*packs, passive, changed(platform(), "categories.data_leak", GONE)):
            refusal(pack)
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
    assert {act.name() for act in events.ACTS} == sense.ACTS
    assert events.AbsorbCase.name() == sense.ENGINES_OWN


def test_the_clocks_that_may_lapse_are_those_with_a_consequence() -> None:
    assert set(LAPSES) == sense.LAPSING


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
