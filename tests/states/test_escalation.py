"""Levels that rise (area ESC)."""

import pytest

from policies.schema import Level, Trigger
from states import events, facts
from tests.states.story import AGENT, BUYER, CHIEF, SELLER, START, Story, text


@pytest.mark.rule("ESC-8")
@pytest.mark.parametrize("stage", ["to_acceptance", "to_verification", "to_coordination", "to_ruling", "to_follow_up"])
def test_an_agent_hands_the_case_up_with_a_reason_in_any_open_stage(stage: str) -> None:
    story = getattr(Story(), stage)()
    before = story.open_case.stage
    entry = story.accepted(events.EscalateCase)
    assert entry.rules == ("ESC-8",)
    assert entry.reason == text("reason")
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.escalation.at) == (Trigger.BY_HAND, START)
    assert story.open_case.level is Level.SPECIALIST
    assert story.open_case.stage is before


@pytest.mark.rule("ESC-8")
def test_an_escalation_needs_a_reason_and_the_right() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.EscalateCase, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "ESC-8")
    for party in (BUYER, SELLER):
        assert story.refused(events.EscalateCase, party).code == "no_right"


@pytest.mark.rule("ESC-8", "ESC-1")
def test_levels_rise_one_by_one_and_end_with_management() -> None:
    story = Story().to_verification()
    levels = []
    for actor in (AGENT, CHIEF, AGENT, AGENT):
        story.accepted(events.EscalateCase, actor)
        levels.append(story.open_case.level)
    assert levels == [Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT, Level.MANAGEMENT]
    story.wait(days=40)
    assert story.open_case.level is Level.MANAGEMENT
