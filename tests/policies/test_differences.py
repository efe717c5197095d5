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
from tests.policies.packs import ROOT, changed, directory, platform, successor

PACK = platform()

Path_ = tuple[str | int, ...]


def places(tree: Any, path: Path_ = ()) -> list[Path_]:
    """The path of everything in a tree but the tree itself."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [each for key, value in below for each in ((*path, key), *places(value, (*path, key)))]


PLACES = places(PACK)
UNTIL_SIX = "calendar days, until 18:00 on the last"
SURVEY = PACK["notices"]["survey"]["text"]["en"]


def at(tree: Any, path: Path_) -> Any:
    for key in path:
        tree = tree[key]
    return tree


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


quickly = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


# --- nothing is left out ----------------------------------------------------------------------------


@quickly
@given(st.sampled_from(PLACES), st.data())
def test_whatever_differs_is_told(path: Path_, data: st.DataObject) -> None:
    tree = put(path, data.draw(other(path)))
    assume(tree != PACK)
    there, back = compare(PACK, tree), compare(tree, PACK)
    assert there
    assert back
    assert all(change.sentence.strip() for change in (*there, *back))


@quickly
@given(st.sampled_from([path for path in PLACES if isinstance(at(PACK, path), int | str)]), st.data())
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
    heir = successor("2027-01-01", clocks={"first_contact": {"length": "6"}}, illustrative="true")
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
        "  the complainant has to be contacted within 6 hours instead of 12 hours",
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
