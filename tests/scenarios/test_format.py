"""A slip in a scenario is told with its place, before anything is played."""

from pathlib import Path

import pytest

from client import case_file
from stack.scenario import EXAMPLES, ScenarioError, load, load_all, parse

WRITTEN = (EXAMPLES / "settled-by-refund.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("outcome: agreed", "outcome: settled", "expect.outcome: not one of agreed, upheld"),
        ("  outcome: agreed\n", "", "expect.outcome: this field is required"),
        ("world:", "word:", "word: unknown field, expected id, title"),
        ("category: quality", "category: quantity", "complaint.category: not one of quality"),
        ("after: 2h", "after: 2 hours", "steps[0].after: expected a time such as 30m, 2h or 5d"),
        ("after: 2h", "after: 2h, until: ruling", "steps[0].after: give one of after, until and before"),
        ("act: accept_complaint", "act: accept", "steps[0].act: accept is not one of file_complaint"),
        ("by: agent-03, act", "by: someone, act", "steps[0].by: buyer, seller, agent-NN or supervisor-NN has to act"),
        ("by: agent-03, act: accept_complaint", "by: agent-03", "steps[0].act: say what is done"),
        ("outbound: true", "outwards: true", "steps[1].outwards: unknown field, expected party"),
        ("party: complainant", "party: complainants", "steps[1].party: not one of complainant"),
        ('terms: {kind: refund, amount: "199.00"}', "terms: {kind: refund, amount: much}", "steps[4].terms.amount"),
        ("after: 2h", "case: other, after: 2h", "steps[0].case: other is not one of main"),
        ("kind: photo, text", "kind: photo, txt", "complaint.evidence[0].txt: unknown field"),
        ("rules: [INT-1", "rules: [INTAKE", "rules[0]: expected a rule's id such as ADM-1"),
        ("id: settled-by-refund", "id: other", "id: the file is named settled-by-refund"),
    ],
)
def test_a_slip_is_told_with_its_place(old: str, new: str, place: str) -> None:
    assert old in WRITTEN
    with pytest.raises(ScenarioError) as told:
        parse(WRITTEN.replace(old, new, 1), "settled-by-refund")
    assert str(told.value).startswith(place)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settled-by-refund.yaml"
    path.write_text(WRITTEN.replace("outcome: agreed", "outcome: settled"), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"^settled-by-refund\.yaml: expect\.outcome"):
        load(path)


def test_no_scenario_of_that_name() -> None:
    with pytest.raises(ScenarioError, match="no scenario nonsense"):
        load_all(named="nonsense")


def test_the_client_opens_the_complaint_of_a_scenario() -> None:
    for scenario in load_all():
        assert case_file.load(EXAMPLES / f"{scenario.id}.yaml") == scenario.complaint


def test_no_two_scenarios_share_a_buyer_or_an_order() -> None:
    """So they can be played side by side: who cannot be reached in one can be reached in all others."""
    scenarios = load_all()
    assert len({each.complaint.complainant for each in scenarios}) == len(scenarios)
    orders = [order for each in scenarios for order in {o for c in each.complaints.values() for o in c.orders}]
    assert len(set(orders)) == len(orders)
