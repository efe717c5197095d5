"""Who owns the case at every moment, and how it is handed on (HOF-5, INT-7, ESC-7, REP-3)."""

from typing import Any

import pytest

from policies.schema import Category, Channel, Level, Role, Route, Stage
from states import events, facts
from states.journal import fold
from states.values import Actor
from states.view import page, row
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, SELLER, Story, text
from tests.states.test_appeals import decided, review

OTHER = Actor(id="agent-07", role=Role.AGENT)
THIRD = Actor(id="agent-11", role=Role.AGENT)
ROSTER = Actor(id="roster", role=Role.SERVICE)


def owner(story: Story) -> str | None:
    assert row(story.open_case).owner == story.open_case.owner
    return story.open_case.owner


def assign(story: Story, to: Actor, by: Actor = CHIEF, **given: Any) -> Any:
    return story.accepted(events.AssignCase, by, to=to.id, **given)


@pytest.mark.rule("HOF-5", "REP-3")
@pytest.mark.parametrize("by", [AGENT, CHIEF, ROSTER], ids=lambda actor: actor.role)
def test_a_waiting_case_is_given_to_an_agent_without_a_note(by: Actor) -> None:
    story = Story().to_acceptance()
    assert owner(story) is None
    assert any(
        "owner: none yet" in line
        for line in page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()
    )
    entry = assign(story, OTHER, by, reason=None)
    (given,) = entry.facts
    assert given == facts.Reassigned(before=None, owner=OTHER.id, note=None, rules=("HOF-5", "REP-3"))
    assert owner(story) == OTHER.id
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("HOF-5", "REP-3")
def test_from_one_owner_to_the_next_a_case_goes_with_a_note_about_it() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.AssignCase, to=OTHER.id, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "HOF-5")
    assert owner(story) == AGENT.id
    entry = assign(story, OTHER, AGENT, reason=text("the buyer calls back at nine"))
    (given,) = entry.facts
    assert isinstance(given, facts.Reassigned)
    assert (given.before, given.owner, given.note) == (AGENT.id, OTHER.id, text("the buyer calls back at nine"))
    assert owner(story) == OTHER.id
    assert fold(story.entries) == story.case


@pytest.mark.rule("HOF-5")
@pytest.mark.parametrize("stage", OPEN)
def test_a_case_is_handed_on_in_every_open_stage_and_nothing_else_of_it_changes(stage: Stage) -> None:
    story = in_stage(stage)
    before = story.open_case
    assign(story, OTHER)
    after = story.open_case
    assert (after.stage, after.level, after.clocks, after.hand_offs) == (
        before.stage,
        before.level,
        before.clocks,
        before.hand_offs,
    )
    assert owner(story) == OTHER.id


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_a_case_that_is_over_is_nobodys_to_take_on(stage: Stage) -> None:
    refusal = in_stage(stage).refused(events.AssignCase, to=OTHER.id)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


@pytest.mark.rule("HOF-5")
def test_whoever_owns_a_case_already_is_not_given_it() -> None:
    refusal = Story().to_verification().refused(events.AssignCase, CHIEF, to=AGENT.id)
    assert (refusal.code, refusal.rule) == ("no_change", "HOF-5")


@pytest.mark.rule("INT-7")
def test_a_case_about_an_agents_handling_is_not_given_to_that_agent() -> None:
    story = Story()
    story.file(category=Category.SERVICE_HANDLING, agent_concerned=AGENT.id, respondent="service")
    refusal = story.refused(events.AssignCase, CHIEF, to=AGENT.id)
    assert (refusal.code, refusal.rule) == ("agent_concerned", "INT-7")
    assert story.refused(events.AssignCase, AGENT, to=OTHER.id).code == "agent_concerned", "nor given away by it"
    assert row(story.open_case).not_for == (AGENT.id,)
    assign(story, OTHER)
    assert owner(story) == OTHER.id


@pytest.mark.rule("ESC-7", "HOF-5")
def test_a_review_is_not_given_to_whoever_decided_before() -> None:
    story = decided()
    review(story)
    assert owner(story) is None
    refusal = story.refused(events.AssignCase, CHIEF, to=AGENT.id)
    assert (refusal.code, refusal.rule) == ("decided_before", "ESC-7")
    assert row(story.open_case).not_for == (AGENT.id,)
    assign(story, OTHER)
    assert owner(story) == OTHER.id


@pytest.mark.rule("ESC-7", "HOF-5")
def test_whoever_had_the_case_on_the_way_to_the_decision_does_not_review_it_either() -> None:
    story = Story().to_verification()
    assign(story, THIRD)
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, OTHER, proven=False)
    story.accepted(events.IssueRuling, OTHER, outcome="dismissed", rule="VER-5")
    review(story)
    assert row(story.open_case).not_for == (AGENT.id, THIRD.id, OTHER.id)
    for agent in (AGENT, THIRD, OTHER):
        assert story.refused(events.AssignCase, CHIEF, to=agent.id).code == "decided_before"


@pytest.mark.rule("REP-3", "HOF-4")
def test_it_is_known_at_every_moment_whose_case_it_is() -> None:
    story = Story().to_acceptance()
    owners = [owner(story)]
    story.accepted(events.AcceptComplaint)
    owners.append(owner(story))
    story.accepted(events.HandOver, CHIEF, route=Route.LOGISTICS, consent=Channel.HOTLINE)
    story.accepted(events.TakeHandOff, THIRD, hand_off="H1")
    story.accepted(events.ReturnHandOff, THIRD, hand_off="H1", result="lost")
    owners.append(owner(story))
    assign(story, OTHER)
    owners.append(owner(story))
    story.accepted(events.EscalateCase, OTHER)
    assert story.open_case.level is Level.SPECIALIST
    owners.append(owner(story))
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, THIRD, proven=False)  # who decides takes the case on
    owners.append(owner(story))
    assert owners == [None, AGENT.id, AGENT.id, OTHER.id, OTHER.id, THIRD.id]


@pytest.mark.rule("TRA-1")
def test_the_parties_give_nobody_a_case() -> None:
    story = Story().to_verification()
    for party in (BUYER, SELLER):
        assert story.refused(events.AssignCase, party, to=OTHER.id).code == "no_right"
