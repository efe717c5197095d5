"""A slip in a scenario is told with its place, before anything is played."""

from pathlib import Path

import pytest

from client import case_file
from policies.schema import Role
from stack.scenario import EXAMPLES, ScenarioError, load, load_all, parse
from states.transcript import read_transcript

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


EVERYTHING = """
id: everything
title: 新字段
rules: [INT-1]
world:
  orders:
    - {order: o-1, paid: "30.00", goods: "25.00", purchased: 9d, received: 5d, state: succeeded, since: 2d}
    - {order: o-2, paid: "10.00", purchased: 9d}
  shipments: [{order: o-1, carrier: carrier-03, shipped: 8d, signed: 5d}]
complaint:
  complainant: buyer-1
  respondent: seller-1
  orders: [o-1, o-2]
  category: broken_promise
  title: 缺货
  description: 两件商品都没有货。
  claim: {remedies: [promise_compensation]}
steps:
  - {case: main, by: complainant, act: file_complaint, with: {description: 补充了时间和地点。}}
  - {after: 1h, world: {orders: [{order: o-2, paid: "10.00", purchased: 9d, state: closed_by_refund, since: 1h}]}}
  - by: complainant
    act: submit_evidence
    with:
      items:
        - kind: chat_log
          transcript:
            - {id: m1, at: "2026-03-01T10:00:00+08:00", by: customer, text: 有货吗}
            - {id: m2, at: "2026-03-01T10:06:00+08:00", by: staff, staff: staff-7, text: 没有}
  - by: agent-01
    act: issue_ruling
    with:
      outcome: upheld
      rule: PEN-2
      remedies: [{kind: promise_compensation, order: o-2}]
      penalties: [points, {row: transaction_closed, evidence: [E1]}]
      reason: 承诺未兑现。
expect:
  path: [intake]
  outcome: upheld
  staff_conduct: [{row: late_reply, staff: staff-7, message: m2, amount: "20.00"}]
  ledger:
    - {action: pay_compensation, amount: "20.00"}
    - {action: pay_compensation, amount: "20.00", reversal: true}
    - {action: upheld_complaint, count: 1}
"""


def test_everything_that_a_scenario_can_say_can_be_read() -> None:
    scenario = parse(EVERYTHING, "everything")
    filed, _, submitted, ruled = scenario.steps
    assert scenario.draft(filed)["description"].data == "补充了时间和地点。".encode()
    assert scenario.actor(filed).role is Role.COMPLAINANT
    [item] = scenario.draft(submitted)["items"]
    assert [message.staff for message in read_transcript(item["content"].data)] == [None, "staff-7"]
    assert scenario.draft(ruled)["penalties"] == [{"row": "points"}, {"row": "transaction_closed", "evidence": ["E1"]}]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("state: succeeded", "state: done", "world.orders[0].state: not one of open, succeeded"),
        ('goods: "25.00"', "goods: 25", "world.orders[0].goods: expected an amount in yuan"),
        ("state: closed_by_refund", "state: closed", "steps[1].world.orders[0].state: not one of open"),
        ("id: m2", "id: m1", "steps[2].items[0].transcript[1].id: the id of an earlier message"),
        ("{row: transaction_closed, ", "{rows: transaction_closed, ", "steps[3].penalties[1].rows: unknown field"),
        ("{description: 补充了时间和地点。}", "{descriptions: 补充}", "steps[0].descriptions: unknown field"),
        ("{kind: promise_compensation, order: o-2}", "{kind: gift}", "steps[3].remedies[0].kind: not one of refund"),
    ],
)
def test_a_slip_in_what_is_new_is_told_with_its_place(old: str, new: str, place: str) -> None:
    assert old in EVERYTHING
    with pytest.raises(ScenarioError) as told:
        parse(EVERYTHING.replace(old, new, 1), "everything")
    assert str(told.value).startswith(place)


def test_no_two_scenarios_share_a_party_or_an_order() -> None:
    """So they can be played side by side: who cannot be reached in one can be reached in all others, and the ledger
    counts against a seller what its own scenario says.
    """
    scenarios = load_all()
    for party in ("complainant", "respondent"):
        assert len({getattr(each.complaint, party) for each in scenarios}) == len(scenarios)
    orders = [order for each in scenarios for order in {o for c in each.complaints.values() for o in c.orders}]
    assert len(set(orders)) == len(orders)
