"""What changes for whom from one pack to another: whatever differs is told, to those whom it affects."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from policies import plain_yaml
from policies.book import ELSEWHERE, load_book
from policies.differences import Affected, Change, changes, compare
from policies.schema import Pack
from tests.policies.packs import GONE, ROOT, changed, directory, platform, successor

PACK = platform()

Path_ = tuple[str | int, ...]


def places(tree: Any, path: Path_ = ()) -> list[Path_]:
    """The path of everything in a tree but the tree itself."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [each for key, value in below for each in ((*path, key), *places(value, (*path, key)))]


def at(tree: Any, path: Path_) -> Any:
    for key in path:
        tree = tree[key]
    return tree


PLACES = places(PACK)
LEAVES = [path for path in PLACES if not isinstance(at(PACK, path), dict | list)]
UNTIL = "until 18:00 on the last"
UNTIL_SIX = f"calendar days, {UNTIL}"
SURVEY = PACK["notices"]["survey"]["text"]["en"]


def key_of(path: Path_) -> str:
    """The field to which a place belongs."""
    return next(key for key in reversed(path) if isinstance(key, str))


SAID = {
    key: sorted({at(PACK, path) for path in PLACES if key_of(path) == key and isinstance(at(PACK, path), str)})
    for key in {key_of(path) for path in PLACES}
}
"""What the pack says in each field, in all its places."""


def other(path: Path_) -> st.SearchStrategy[Any]:
    """Other values of the same kind for a place."""
    value = at(PACK, path)
    match value:
        case bool():
            values: st.SearchStrategy[Any] = st.booleans()
        case int():
            values = st.integers(min_value=0, max_value=10**9)
        case str():
            said = st.sampled_from(SAID[key_of(path)])
            values = said | st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1)
        case list():
            values = st.sampled_from([value[::-1], *(value[:n] + value[n + 1 :] for n in range(len(value)))])
        case _:
            values = st.sampled_from([{k: v for k, v in value.items() if k != key} for key in value] or [value])
    # In a list nothing is said twice.
    beside = at(PACK, path[:-1]) if isinstance(path[-1], int) else [value]
    return values.filter(lambda each: each not in beside)


def put(path: Path_, value: Any) -> dict[str, Any]:
    """The pack with another value at a place, if it can be there."""
    tree = deepcopy(PACK)
    at(tree, path[:-1])[path[-1]] = value
    try:
        found: dict[str, Any] = plain_yaml.document(msgspec.convert(tree, Pack, strict=False))
    except msgspec.ValidationError:
        reject()
    return found


def somewhere(paths: list[Path_]) -> st.SearchStrategy[Path_]:
    """One of these places, of any section as often: some are much longer than others."""
    sections = {path[0]: [each for each in paths if each[0] == path[0]] for path in paths}
    return st.sampled_from(list(sections)).flatmap(lambda section: st.sampled_from(sections[section]))


quickly = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


# --- nothing is left out ----------------------------------------------------------------------------


@quickly
@given(somewhere(PLACES), st.data())
def test_whatever_differs_is_told(path: Path_, data: st.DataObject) -> None:
    tree = put(path, data.draw(other(path)))
    assume(tree != PACK)
    there, back = compare(PACK, tree), compare(tree, PACK)
    assert there
    assert back
    assert all(change.sentence.strip() for change in (*there, *back))


@quickly
@given(somewhere(LEAVES), st.data())
def test_what_differs_differently_is_told_differently(path: Path_, data: st.DataObject) -> None:
    one, another = (data.draw(other(path)) for _ in range(2))
    if one != another:
        assert compare(PACK, put(path, one)) != compare(PACK, put(path, another))


def test_where_nothing_differs_nothing_is_told() -> None:
    assert compare(PACK, deepcopy(PACK)) == ()


# --- to whom, and how -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "who", "sentence"),
    [
        (
            "clocks.evidence.length",
            5,
            Affected.BOTH,
            f"evidence has to be sent within 5 {UNTIL_SIX} instead of 3 {UNTIL_SIX}",
        ),
        (
            "clocks.first_contact.length",
            1,
            Affected.PLATFORM,
            "the complainant has to be contacted within 1 hour instead of 12 hours",
        ),
        (
            "admission.limit_days",
            1095,
            Affected.COMPLAINANT,
            "the time limit for complaints: 1095 days instead of 365 days",
        ),
        (
            "remedies.promise_compensation.amount.fixed_fen",
            3005,
            Affected.BOTH,
            "the amount of promise compensation, fixed fen: 30.05 yuan instead of 20.00 yuan",
        ),
        (
            "remedies.compensation.cap_percent_of_order",
            200,
            Affected.BOTH,
            "the remedy compensation, cap percent of order: 200 percent instead of 300 percent",
        ),
        (
            "penalties.slow_response",
            {"label": {"zh-CN": "响应慢", "en": "slow"}, "kind": "points", "points": 2, "against": "seller"},
            Affected.SELLER,
            "penalty row slow_response is new: “slow” (响应慢), kind points, 2 points, against seller",
        ),
        (
            "penalties.data_leak.points",
            12,
            Affected.SELLER,
            "penalty row data_leak, points: 12 points instead of 6 points",
        ),
        (
            "penalties.malicious_return.kind",
            "account_frozen",
            Affected.COMPLAINANT,
            "penalty row malicious_return, kind: account frozen instead of account restricted",
        ),
        (
            "rights.file_appeal",
            ["complainant", "respondent", "agent"],
            Affected.PLATFORM,
            "the role agent may now file appeal",
        ),
        ("rights.file_appeal", ["complainant"], Affected.SELLER, "the role respondent may no longer file appeal"),
        (
            "rights.file_appeal",
            ["respondent", "complainant"],
            Affected.EVERYONE,
            "the right to file appeal: now in the order respondent, complainant",
        ),
        (
            "categories.quality.checklist.respondent",
            [["inspection_report", "photo", "video"], ["photo"]],
            Affected.SELLER,
            "category quality: the evidence asked of the respondent: now with photo",
        ),
        (
            "categories.quality.remedies.1.within_days_of_receipt",
            30,
            Affected.BOTH,
            "category quality: the remedy return and refund, within days of receipt: 30 days instead of 90 days",
        ),
        (
            "categories.false_shipment.window.days",
            7,
            Affected.COMPLAINANT,
            "category false shipment: the window, days: 7 days instead of 15 days",
        ),
        (
            "notices.survey.text.en",
            "Was it solved?",
            Affected.BOTH,
            f"the text of the notice survey (en): “Was it solved?” instead of “{SURVEY}”",
        ),
        (
            "clocks.first_contact.length_by_priority.urgent",
            4,
            Affected.PLATFORM,
            "the complainant has to be contacted, where the priority is urgent, within 4 hours instead of 3 hours",
        ),
        (
            "clocks.feedback.length_by_priority",
            {"urgent": 6},
            Affected.PLATFORM,
            "the result has to be told, where the priority is urgent, within 6 hours, which is new",
        ),
        (
            "clocks.ruling.length_by_priority.high",
            1,
            Affected.PLATFORM,
            f"a ruling has to be made, where the priority is high, within 1 working day, {UNTIL}, which is new",
        ),
        (
            "clocks.assessment.length_by_priority.high",
            GONE,
            Affected.PLATFORM,
            "a complaint has to be assessed, where the priority is high, without a shorter limit; it was 4 hours",
        ),
        (
            "clocks.hand_off_consent.length",
            36,
            Affected.COMPLAINANT,
            "a hand-off has to be agreed to within 36 hours instead of 24 hours",
        ),
        (
            "clocks.hand_off_counterfeit.unit",
            "hours",
            Affected.PLATFORM,
            "a hand-off about counterfeit goods has to come back within 1 hour instead of the same day",
        ),
        (
            "escalation.5.priority",
            "urgent",
            Affected.PLATFORM,
            "the escalation for repeat contact, priority: urgent instead of high",
        ),
        (
            "escalation.7.proposed_by",
            ["external_complaint_intent", "already_external"],
            Affected.PLATFORM,
            "the escalation for leaning, proposed by: now without legal action",
        ),
        (
            "repeat_contacts.counts",
            [3, 6, 9],
            Affected.PLATFORM,
            "the contacts that raise a case, counts: now with 9",
        ),
        (
            "refund_only.categories",
            ["not_received", "logistics"],
            Affected.COMPLAINANT,
            "the known solution for who wants nothing but a refund, categories: now with logistics",
        ),
        (
            "outside_bodies.regulator.channel",
            GONE,
            Affected.BOTH,
            "the channel from the body outside regulator is gone; it was regulator",
        ),
        (
            "outside_bodies.media.trigger",
            "judicial",
            Affected.PLATFORM,
            "the body outside media, trigger: judicial instead of external",
        ),
        (
            "priority.categories.invoice",
            5,
            Affected.PLATFORM,
            "the points of priority for category invoice is new: 5",
        ),
        (
            "priority.contacts.1.points",
            50,
            Affected.PLATFORM,
            "the points of priority for contacts: now with at least 6, 50 points and without at least 6, 40 points",
        ),
        (
            "priority.levels.urgent.points",
            90,
            Affected.PLATFORM,
            "the priority urgent, points: 90 points instead of 100 points",
        ),
        (
            "teams.night",
            {"zh-CN": "夜班组", "en": "night"},
            Affected.PLATFORM,
            "the team night is new: “night” (夜班组)",
        ),
        (
            "routes.legal.without_consent",
            False,
            Affected.COMPLAINANT,
            "the hand-off route legal without consent: no instead of yes",
        ),
        (
            "routes.logistics.results.lost",
            GONE,
            Affected.PLATFORM,
            "the hand-off route logistics: the result lost is gone; it was “parcel lost” (确认丢失)",
        ),
        (
            "routes.logistics.team",
            "legal",
            Affected.PLATFORM,
            "the hand-off route logistics, team: legal instead of logistics",
        ),
        (
            "routing.2",
            GONE,
            Affected.PLATFORM,
            "what is handed over by itself: now without rule SLA-6, route counterfeit, label counterfeit",
        ),
        (
            "incidents.1.complaints",
            30,
            Affected.PLATFORM,
            "the incident about one seller, complaints: 30 instead of 20",
        ),
        (
            "triage.max_excerpts",
            9,
            Affected.PLATFORM,
            "what a text shows, max excerpts: 9 instead of 8",
        ),
        ("mediation.silence", "accepts", Affected.BOTH, "silence on a proposal: accepts instead of declines"),
        ("name", "elsewhere", Affected.EVERYONE, "name: platform -> elsewhere"),
        ("unheard_of", {"depth": 3}, Affected.EVERYONE, "unheard_of: none -> depth 3"),
    ],
)
def test_a_change_is_told_to_those_whom_it_affects(path: str, value: Any, who: Affected, sentence: str) -> None:
    assert compare(PACK, changed(PACK, path, value)) == (Change(who, sentence),)


def test_one_thing_is_told_once_and_the_told_are_grouped() -> None:
    tree = changed(changed(PACK, "clocks.evidence.length", 48), "clocks.evidence.unit", "hours")
    del tree["clocks"]["evidence"]["closing"]
    tree["withdrawal"]["high_risk_stays_open"] = False
    tree["delivery"]["settle_seconds"] = 31
    tree["version"] = "2"
    assert [(change.who, change.sentence) for change in compare(PACK, tree)] == [
        (Affected.EVERYONE, "version: 2024-07-22 -> 2"),
        (Affected.COMPLAINANT, "withdrawal, high risk stays open: no instead of yes"),
        (Affected.BOTH, "evidence has to be sent within 48 hours instead of 3 calendar days, until 18:00 on the last"),
        (Affected.PLATFORM, "delivery, settle seconds: 31 seconds instead of 30 seconds"),
    ]


def test_rows_are_told_by_their_name_wherever_they_stand() -> None:
    rows = PACK["categories"]["quality"]["remedies"]
    moved = changed(PACK, "categories.quality.remedies", [rows[1], rows[0], *rows[2:]])
    (change,) = compare(PACK, moved)
    assert change.sentence.startswith("category quality: remedies: now in the order return and refund, refund")
    fewer = changed(PACK, "categories.quality.remedies", rows[1:])
    assert [change.sentence for change in compare(PACK, fewer)] == [
        "category quality: the remedy refund is gone; it was kind refund"
    ]


def test_packs_are_compared_in_full() -> None:
    """A pack that says only what differs from another is compared with what it has from it."""
    book = load_book()
    for policy in book:
        for another in book:
            told = changes(policy.pack, another.pack)
            assert bool(told) == (policy is not another)


# --- the commands -----------------------------------------------------------------------------------


def run(path: Path, *arguments: str) -> tuple[int, str, str]:
    """`python -m policies` over a directory: its exit code and what it printed and complained about."""
    done = subprocess.run(
        [sys.executable, "-m", "policies", *arguments],
        cwd=ROOT,
        env=os.environ | {ELSEWHERE: str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands(tmp_path: Path) -> None:
    heir = successor("2027-01-01", clocks={"first_contact": {"length": "8"}}, illustrative="true")
    path = directory(tmp_path, platform(), heir)
    old, new = load_book(path)

    code, listed, _ = run(path, "check")
    assert code == 0
    assert listed.splitlines() == [
        f"platform@2024-07-22  {old.ref.digest}  from 2024-07-22 with no end  cn@2026.1",
        f"platform@2027-01-01  {new.ref.digest}  from 2027-01-01 with no end  cn@2026.1  illustrative",
    ]
    code, shown, _ = run(path, "show", "platform@2027-01-01")
    assert code == 0
    assert plain_yaml.load(shown, Pack) == new.pack
    code, told, _ = run(path, "diff", "platform@2024-07-22", "platform@2027-01-01")
    assert code == 0
    assert told.splitlines() == [
        "everyone:",
        "  version: 2024-07-22 -> 2027-01-01",
        "  in force from: 2027-01-01 instead of 2024-07-22",
        "  illustrative: no -> yes",
        "platform:",
        "  the complainant has to be contacted within 8 hours instead of 12 hours",
    ]
    assert run(path, "diff", "platform@2024-07-22", "platform@2024-07-22") == (0, "nothing changes\n", "")
    assert run(path, "show", "platform@1999-01-01") == (1, "", "there is no pack platform@1999-01-01\n")


def test_releasing(tmp_path: Path) -> None:
    path = directory(tmp_path, platform())
    (first,) = load_book(path)
    assert run(path, "release") == (0, f"released {first.ref}  {first.ref.digest}\n", "")
    assert run(path, "release") == (0, "", "")
    assert run(path, "check")[0] == 0

    file = path / "packs" / f"{first.ref}.yaml"
    file.write_text(file.read_text("utf-8") + "# a note\n", "utf-8")
    (second,) = load_book(path, unreleased=True)
    code, _, complaint = run(path, "check")
    assert (code, complaint.partition(" was changed after its release")[0]) == (1, f"{first.ref}.yaml: {first.ref}")
    code, _, complaint = run(path, "release")
    assert code == 1
    assert complaint == (
        f"{first.ref} was changed or removed after its release: make a new version, "
        f"or, if it was never used, release it with --again {first.ref}\n"
    )
    assert run(path, "release", "--again", "platform@1") == (1, "", "platform@1 was not released before\n")
    assert run(path, "release", "--again", str(first.ref)) == (0, f"released {first.ref}  {second.ref.digest}\n", "")
    assert run(path, "check")[0] == 0
