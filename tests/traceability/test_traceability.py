"""Every rule at work is shown by a test, and no test can claim what it does not show."""

import subprocess
import sys
from pathlib import Path

import pytest

from states import events
from tests.states.story import BUYER, Story
from tests.traceability import cite
from tests.traceability.catalogue import Rule, Shown, catalogue, citations, claims_in, missing, shown, unknown
from tests.traceability.citations import listening

ROOT = Path(__file__).parents[2]

AT_WORK = {
    "INT": (1, 2, 3),
    "ADM": (1, 2, 5, 7),
    "SLA": (1, 2, 3, 4),
    "VER": (1, 2, 3, 4, 5, 7, 8, 13),
    "COO": (1, 2, 3, 4, 5),
    "PEN": (1, 8),
    "FBK": (1,),
    "FUP": (1, 2, 3),
    "ESC": (1, 8),
    "TRA": (1,),
}
"""The rules that issue 2 brought."""


def test_the_catalogue_holds_every_rule() -> None:
    rules = catalogue()
    assert len(rules) == 92
    at_work = [f"{area}-{number}" for area, numbers in AT_WORK.items() for number in numbers]
    assert [id_ for id_, rule in rules.items() if rule.issue == 2] == at_work
    assert not [rule.id for rule in rules.values() if rule.partial and rule.issue is None]


def test_every_rule_at_work_has_a_test() -> None:
    assert missing(catalogue(), citations()) == []


def test_no_test_cites_a_rule_that_is_not_there() -> None:
    assert unknown(catalogue(), citations()) == []


def test_a_missing_test_and_an_unknown_rule_are_found() -> None:
    rules = {"INT-1": Rule(id="INT-1", title="t", issue=2), "INT-4": Rule(id="INT-4", title="t")}
    assert missing(rules, {"INT-9": ["a"]}) == ["INT-1"]
    assert unknown(rules, {"INT-9": ["a"]}) == ["INT-9"]
    assert shown(rules["INT-4"], {}) is Shown.NONE
    assert shown(rules["INT-1"], {"INT-1": ["a"]}) is Shown.DONE
    assert shown(Rule(id="INT-1", title="t", partial="much"), {"INT-1": ["a"]}) is Shown.PARTIAL


def test_claims_are_read_from_functions_classes_modules_and_parameters() -> None:
    source = """
import pytest
pytestmark = [pytest.mark.slow, pytest.mark.rule("AAA-1")]

@pytest.mark.rule("BBB-1", "BBB-2")
async def test_one(): ...

@pytest.mark.rule("CCC-1")
class TestAll:
    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.rule("DDD-1"))])
    def test_two(self, n): ...

def helper(): ...
"""
    assert list(claims_in(source)) == [
        ("test_one", ["AAA-1", "BBB-1", "BBB-2"]),
        ("TestAll::test_two", ["AAA-1", "CCC-1", "DDD-1"]),
    ]


def test_decisions_are_heard_in_entries_and_in_refusals() -> None:
    with listening() as heard:
        story = Story()
        story.file(category="counterfeit")
        assert heard == {"INT-4"}
        story.file()
        assert {"INT-1", "ADM-1", "SLA-1"} <= heard
        assert "ESC-8" not in heard
        story.refused(events.EscalateCase, reason=None)
        assert "ESC-8" in heard
    before = set(heard)
    story.accepted(events.WithdrawComplaint, BUYER)
    assert heard == before, "nothing is heard afterwards"
    with listening() as again:
        cite(story.entries)
    assert "COO-5" in again


def test_a_false_claim_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "test_claims.py").write_text(
        """
import pytest
from tests.states.story import Story

@pytest.mark.rule("INT-1")
def test_true():
    Story().file()

@pytest.mark.rule("INT-1", "REP-4")
def test_false():
    Story().file()

@pytest.mark.rule("INT-1")
async def test_idle():
    pass
"""
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.traceability.plugin"]
    run = subprocess.run(
        [*command, "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "2 failed, 1 passed" in run.stdout, run.stdout + run.stderr
    assert "no decision made in this test names REP-4" in run.stdout
    assert "no decision made in this test names INT-1 (named: none)" in run.stdout


@pytest.mark.rule("TRA-1")
def test_the_list_of_rules_is_printed() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.traceability", "--brief"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "ESC-8   done     Agents hand cases up" in run.stdout
    assert "92 rules: " in run.stdout
    cite(Story().to_closed().entries)
    Story().to_closed().refused(events.ReopenCase, case_id="buyer-017/order-1001", reason=None)
