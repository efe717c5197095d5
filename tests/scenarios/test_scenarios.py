"""Every example ends as it says, its journal tells the whole of it, and shows the rules that it names."""

import json
import re
from collections.abc import Callable

import msgspec
import pytest
from asyncpg import Pool
from msgspec.structs import replace
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from activities.views import CaseList, rebuild
from policies.book import default_book
from policies.schema import Ground, Outcome, PenaltyKind, RemedyKind, Role, Route, Stage, Trigger
from policies.triage import TriageLabel
from stack.differences import differences
from stack.player import Played
from stack.scenario import MAIN, Expectation, Scenario, load_all
from states import view
from states.events import ACTS, AbsorbCase, LinkIncident
from states.journal import body, fold
from states.lifecycle import HandOffLife
from states.values import ConsentState, HandOffState, ProposalOfTriageState, RiskState
from tests.traceability import cite

# All scenarios are played in the first of these tests.
pytestmark = pytest.mark.timeout(900)

SCENARIOS = load_all()
CHINESE = re.compile(r"[\u4e00-\u9fff]{4}|(\\u[4-9][0-9a-f]{3}){4}")
"""Four characters in a row, plain or escaped: fewer can be chance among the bytes of a history."""


MARKED = [pytest.param(each, id=each.id, marks=pytest.mark.rule(*each.rules)) for each in SCENARIOS]


@pytest.mark.parametrize("scenario", MARKED)
async def test_it_ends_as_it_says(scenario: Scenario, played: dict[str, Played]) -> None:
    performance = played[scenario.id]
    assert performance.differences == ()
    assert set(performance.cases) == set(scenario.complaints)
    for ended in performance.cases.values():
        assert fold(ended.entries) == ended.case
        cite(ended.entries)
    assert set(scenario.rules) <= performance.rules


async def test_the_lists_can_be_rebuilt_from_the_journal(played: dict[str, Played], pool: Pool) -> None:
    kept = {row.case_id: row for row in await CaseList(pool).find(limit=1000)}
    assert (await rebuild(pool, view.row)).broken == ()
    assert {row.case_id: row for row in await CaseList(pool).find(limit=1000)} == kept
    assert len(kept) == sum(len(each.cases) for each in played.values())


async def test_histories_and_journals_hold_no_text(played: dict[str, Played], client: Client) -> None:
    """Free text goes to the vault; what remains are references, so there is nothing in Chinese."""
    runs = 0
    for performance in played.values():
        for ended in performance.cases.values():
            assert not any(CHINESE.search(body(entry).decode()) for entry in ended.entries)
            for run in ended.runs:
                history = await client.get_workflow_handle(ended.case_id, run_id=run).fetch_history()
                assert not [event for event in history.events if CHINESE.search(_plain(event))]
                runs += 1
    assert runs > len(played)


def _plain(event: HistoryEvent) -> str:
    return event.SerializeToString().decode("utf-8", "replace")


@pytest.mark.parametrize("written", [str, msgspec.json.encode, json.dumps])
def test_the_scan_would_find_text(written: Callable[[str], str | bytes]) -> None:
    event = HistoryEvent()
    text = written(SCENARIOS[0].complaint.description)
    data = text if isinstance(text, bytes) else text.encode()
    event.marker_recorded_event_attributes.details["data"].payloads.add(data=data)
    assert CHINESE.search(_plain(event))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (Expectation(path=(Stage.INTAKE,), outcome=Outcome.AGREED), "the path is intake > acceptance"),
        (Expectation(path=(), outcome=Outcome.DISMISSED), "the outcome is agreed, expected dismissed"),
        (Expectation(path=(), outcome=None, refused=3), "the number of refused acts is 0, expected 3"),
        (Expectation(path=(), outcome=None), "the ledger is refund 199.00, expected nothing"),
    ],
)
async def test_another_end_is_told(played: dict[str, Played], change: Expectation, sentence: str) -> None:
    performance = played["settled-by-refund"]
    other = replace(performance.scenario, expect=change)
    assert any(sentence in told for told in differences(other, performance.cases))


async def test_a_double_payment_is_told(played: dict[str, Played]) -> None:
    performance = played["settled-by-refund"]
    ended = performance.cases[MAIN]
    twice = ended._replace(ledger=ended.ledger * 2)
    told = list(differences(performance.scenario, {MAIN: twice}))
    assert "settled-by-refund: remedy M1 refund is in the ledger 2 times, expected 1" in told


async def test_a_reversal_that_nobody_ordered_is_told(played: dict[str, Played]) -> None:
    performance = played["upheld-with-penalties"]
    ended = performance.cases[MAIN]
    [points] = [entry for entry in ended.ledger if entry.action == "points"]
    undone = replace(points, key="another", points=-(points.points or 0), reverses=points.key)
    told = list(differences(performance.scenario, {MAIN: ended._replace(ledger=(*ended.ledger, undone))}))
    assert (
        f"upheld-with-penalties: penalty {points.subject} points reversed is in the ledger 1 times, expected 0" in told
    )
    assert any("the ledger is" in sentence and "points 2 reversed" in sentence for sentence in told)


PACK = default_book().find("platform", "2024-07-22").pack
ACTED = {
    (each.actor(step).role, step.act)
    for each in SCENARIOS
    for step in each.steps
    if step.act is not None and step.refused is None
}
EXPECTED = [expectation for each in SCENARIOS for expectation in each.expectations.values()]


class TestTogether:
    """What the examples show between them."""

    def test_every_category_of_the_pack(self) -> None:
        assert {each.complaint.category for each in SCENARIOS} == set(PACK.categories)

    def test_every_outcome(self) -> None:
        assert {each.outcome for each in EXPECTED} == set(Outcome)

    def test_every_ground_of_refusal(self) -> None:
        grounds = {each.expect.ground for each in SCENARIOS if each.expect.ground}
        repeated = any(step.refused == "already_handled" for each in SCENARIOS for step in each.steps)
        assert repeated
        assert grounds == set(Ground) - {Ground.ALREADY_HANDLED}

    def test_every_remedy_penalty_and_trigger(self) -> None:
        assert {remedy.kind for each in EXPECTED for remedy in each.remedies} == set(RemedyKind)
        assert {PACK.penalties[penalty.row].kind for each in EXPECTED for penalty in each.penalties} == set(PenaltyKind)
        assert {rise.trigger for each in EXPECTED for rise in each.escalations} == set(Trigger)

    def test_every_route_with_every_end_and_every_consent(self) -> None:
        hand_offs = [hand_off for each in EXPECTED for hand_off in each.hand_offs]
        assert {each.route for each in hand_offs} == set(Route) == set(PACK.routes)
        assert {each.state for each in hand_offs} == {HandOffState(end.value) for end in HandOffLife.final_states}
        assert {each.consent for each in hand_offs} == set(ConsentState)
        assert {each.late for each in hand_offs} == {True, False}
        for each in hand_offs:
            assert (each.result in PACK.routes[each.route].results) is (each.state is HandOffState.RETURNED)

    def test_every_body_outside_and_what_becomes_of_a_risk(self) -> None:
        assert {body for each in EXPECTED for body in each.externals} == set(PACK.outside_bodies)
        assert {each.risk for each in EXPECTED} - {None} == {RiskState.SET, RiskState.CONFIRMED, RiskState.LOWERED}

    def test_what_texts_show_and_what_agents_say_of_it(self) -> None:
        shown = [proposal for each in EXPECTED for proposal in each.triage]
        assert {each.state for each in shown} == set(ProposalOfTriageState)
        assert {each.label for each in shown} - {None} == set(TriageLabel)
        assert any(each.category is not None for each in shown)

    def test_every_act(self) -> None:
        acts = {act for _, act in ACTED}
        assert {act.name() for act in ACTS} - acts == {AbsorbCase.name(), LinkIncident.name()}

    @pytest.mark.parametrize("party", [Role.COMPLAINANT, Role.RESPONDENT])
    def test_every_act_of_the_parties(self, party: Role) -> None:
        rights = {act for act, roles in PACK.rights.items() if party in roles}
        assert {act for role, act in ACTED if role is party} >= rights

    def test_hand_offs_side_by_side(self) -> None:
        assert any(len({hand_off.route for hand_off in each.hand_offs}) > 1 for each in EXPECTED)
