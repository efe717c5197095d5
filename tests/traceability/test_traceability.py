"""Every rule at work is shown by a test, and no test can claim what it does not show."""

import subprocess
import sys
from pathlib import Path

import pytest

from states import events
from tests.states.story import BUYER, Story
from tests.traceability import cite
from tests.traceability.catalogue import Rule, Shown, catalogue, missing, shown, unknown
from tests.traceability.citations import listening

ROOT = Path(__file__).parents[2]

AT_WORK = {
    2: {
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
    },
    3: {
        "INT": (6, 7, 8),
        "ADM": (3, 4, 6),
        "VER": (6, 9, 10, 11, 12, 14),
        "COO": (6,),
        "PEN": (2, 3, 4, 5, 6, 7, 9, 10, 11),
        "ESC": (7,),
        "CON": (1, 2, 3, 4, 5, 6),
        "APL": (1, 2, 4),
    },
    4: {
        "INT": (4, 5),
        "SLA": (5, 6, 7),
        "REP": (3,),
        "ESC": (2, 3, 4, 5, 6, 9, 10),
        "HOF": (1, 2, 3, 4, 5, 6),
    },
}
"""The rules that each issue brought."""


def test_the_catalogue_holds_every_rule() -> None:
    rules = catalogue()
    assert len(rules) == 92
    for issue, areas in AT_WORK.items():
        at_work = [f"{area}-{number}" for area, numbers in areas.items() for number in numbers]
        assert [id_ for id_, rule in rules.items() if rule.issue == issue] == at_work
    assert not [rule.id for rule in rules.values() if rule.partial and rule.issue is None]


@pytest.fixture(scope="module")
def listed() -> subprocess.CompletedProcess[str]:
    """What `make rules` prints."""
    return subprocess.run(
        [sys.executable, "-m", "tests.traceability"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def test_every_rule_at_work_has_a_test_and_no_test_cites_another(listed: subprocess.CompletedProcess[str]) -> None:
    assert listed.stderr == ""
    assert listed.returncode == 0


def test_the_list_names_rules_states_and_tests(listed: subprocess.CompletedProcess[str]) -> None:
    lines = listed.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("ESC-8 ")]
    assert lines[at] == "ESC-8   done     Agents hand cases up"
    assert any("tests/states/test_escalation.py::" in line for line in lines[at:])
    assert any(line.startswith("REP-3   partial") for line in lines)
    assert any(line.startswith("REP-4   none") for line in lines)
    assert any(line.startswith("92 rules: ") for line in lines)


def test_a_missing_test_and_an_unknown_rule_are_found() -> None:
    rules = {"INT-1": Rule(id="INT-1", title="t", issue=2), "INT-4": Rule(id="INT-4", title="t")}
    assert missing(rules, {"INT-9": ["a"]}) == ["INT-1"]
    assert unknown(rules, {"INT-9": ["a"]}) == ["INT-9"]
    assert shown(rules["INT-4"], {}) is Shown.NONE
    assert shown(rules["INT-1"], {"INT-1": ["a"]}) is Shown.DONE
    assert shown(Rule(id="INT-1", title="t", partial="much"), {"INT-1": ["a"]}) is Shown.PARTIAL


def test_decisions_are_heard_in_entries_and_in_refusals() -> None:
    with listening() as heard:
        story = Story()
        story.file(procedure="unheard_of")
        assert heard == {"PEN-4"}
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
