"""Whose word counts for when an act was made, and how long an outage is allowed for."""

from datetime import timedelta

import pytest

from policies.schema import Channel, ClockKind, Party
from states import events, facts
from states.values import ClockState
from tests.states.story import AGENT, START, Story

TRUSTED = ("agent-desk", "order-page", "hotline-desk", "app")
DUE = START + timedelta(hours=24)
"""When acceptance is due."""


def waiting(late: timedelta) -> Story:
    """A complaint that waits for acceptance, so long after that was due."""
    story = Story().to_acceptance()
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.accepted(events.AssessCase)
    story.now = DUE + late
    return story


def in_time(story: Story, source: str, ago: timedelta) -> bool:
    """Whether acceptance counts as made so long ago, and so before it was due."""
    act = events.AcceptComplaint(request_id="r-accept", actor=AGENT, at=story.now - ago, source=source)
    answer = story.happen(act)
    assert answer is not None
    assert answer.accepted
    return story.clock(ClockKind.ACCEPTANCE).state is ClockState.MET and not any(
        clock.state is ClockState.MISSED for clock in story.open_case.clocks
    )


@pytest.mark.parametrize("source", [*TRUSTED, "somebody"])
@pytest.mark.rule("SLA-1")
def test_trusted_sources_say_when_an_act_was_made(source: str) -> None:
    assert in_time(waiting(timedelta(seconds=30)), source, timedelta(minutes=1)) is (source in TRUSTED)


@pytest.mark.rule("SLA-1")
def test_tolerance_minutes_are_720() -> None:
    assert in_time(waiting(timedelta(seconds=30)), "app", timedelta(minutes=720))
    assert not in_time(waiting(timedelta(seconds=30)), "app", timedelta(minutes=720, seconds=1))


@pytest.mark.rule("SLA-1")
def test_outage_after_seconds_are_60_and_settle_seconds_are_30() -> None:
    story = waiting(timedelta(seconds=60))
    story.happen(events.DeadlineReached())
    assert not story.all(facts.OutageNoticed)
    assert story.clock(ClockKind.ACCEPTANCE).arming == 2
    story = waiting(timedelta(seconds=61))
    story.happen(events.DeadlineReached())
    (noticed,) = story.all(facts.OutageNoticed)
    assert noticed.settle_until == story.now + timedelta(seconds=30)
    assert story.clock(ClockKind.ACCEPTANCE).arming == 1
    story.now += timedelta(seconds=30)
    story.happen(events.DeadlineReached())
    assert story.clock(ClockKind.ACCEPTANCE).arming == 2
