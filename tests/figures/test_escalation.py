"""What makes a case rise, and how far."""

from datetime import timedelta

import pytest

from policies.schema import Channel, Level, Party, Trigger
from states import events, facts
from tests.states.story import BUYER, GOOD, Story, item


def missed_clock() -> Story:
    """Nobody accepts the complaint for a day."""
    story = Story().to_acceptance()
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait(hours=24)
    return story


def by_hand() -> Story:
    story = Story().to_acceptance()
    story.accepted(events.EscalateCase)
    return story


def not_solved() -> Story:
    story = Story().to_follow_up()
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    return story


def review() -> Story:
    story = Story().to_closed()
    story.accepted(events.RequestReview, BUYER, channel=Channel.HOTLINE)
    return story


def appeal() -> Story:
    story = Story().to_closed()
    story.accepted(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=(item("video"),))
    return story


RISES = {
    Trigger.MISSED_CLOCK: (missed_clock, "ESC-1"),
    Trigger.BY_HAND: (by_hand, "ESC-8"),
    Trigger.NOT_SOLVED: (not_solved, "FUP-2"),
    Trigger.REVIEW: (review, "ESC-7"),
    Trigger.APPEAL: (appeal, "APL-1"),
}


@pytest.mark.parametrize("trigger", list(RISES))
def test_each_trigger_raises_a_case_by_one_level(trigger: Trigger) -> None:
    happens, rule = RISES[trigger]
    (raised,) = happens().all(facts.LevelRaised)
    assert rule in raised.rules
    assert raised.escalation.trigger is trigger
    assert (raised.escalation.before, raised.escalation.after) == (Level.FRONT_LINE, Level.SPECIALIST)


def test_the_table_is_complete() -> None:
    """There is no other reason to rise."""
    assert set(RISES) == set(Trigger)


def test_a_case_rises_level_by_level_to_the_management() -> None:
    story = Story().to_acceptance()
    for level in (Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT, Level.MANAGEMENT):
        story.accepted(events.EscalateCase)
        story.now += timedelta(minutes=1)
        assert story.open_case.level is level
