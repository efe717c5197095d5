"""How clocks pause, resume, are missed and start again."""

from datetime import UTC, datetime, timedelta

import pytest

from policies.schema import ClockKind, Level, Party
from states import events, facts
from states.values import ClockState
from tests.states.story import BUYER, SELLER, START, Story, item, order


def wanting(story: Story, party: Party) -> None:
    story.accepted(events.RequestEvidence, party=party, wanted=("video",))


@pytest.mark.rule("VER-1", "SLA-3")
def test_the_result_clock_stands_still_while_the_complainant_is_awaited() -> None:
    story = Story().to_verification()
    due = story.clock(ClockKind.RESULT).due
    story.wait(hours=1)
    wanting(story, Party.COMPLAINANT)
    paused = story.clock(ClockKind.RESULT)
    assert (paused.state, paused.paused_since) == (ClockState.PAUSED, START + timedelta(hours=1))
    story.wait(hours=50)  # Monday 10:00 to Wednesday 12:00: Tuesday is the one whole working day
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    resumed = story.clock(ClockKind.RESULT)
    assert resumed.state is ClockState.RUNNING
    assert resumed.due == due + timedelta(days=1)
    assert (resumed.paused_seconds, resumed.held) == (50 * 3600, 1)
    assert [f.by for f in story.all(facts.ClockSet) if f.clock.kind is ClockKind.RESULT] == ["arm", "pause", "resume"]


@pytest.mark.rule("VER-1")
def test_waiting_for_the_seller_stops_no_clock() -> None:
    story = Story().to_verification()
    wanting(story, Party.RESPONDENT)
    assert story.clock(ClockKind.RESULT).state is ClockState.RUNNING


def test_a_night_on_hold_adds_nothing() -> None:
    story = Story().to_verification()
    due = story.clock(ClockKind.RESULT).due
    story.wait(hours=8)
    wanting(story, Party.COMPLAINANT)
    story.wait(hours=16)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.clock(ClockKind.RESULT).due == due
    assert story.clock(ClockKind.RESULT).paused_seconds == 16 * 3600


def test_a_pause_over_the_deadline_leaves_the_next_closing_time() -> None:
    """Asked for on the last afternoon, answered the next morning: the deadline cannot lie in the past."""
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=item("photo").content)
    story.now = datetime(2026, 3, 11, 9, tzinfo=UTC)  # one hour before the result is due
    wanting(story, Party.COMPLAINANT)
    story.now = datetime(2026, 3, 12, 2, tzinfo=UTC)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.clock(ClockKind.RESULT).state is ClockState.RUNNING
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 3, 12, 10, tzinfo=UTC)
    assert story.clock(ClockKind.RESULT).held == 1


def test_a_pause_into_a_year_that_is_not_published_makes_the_deadline_provisional() -> None:
    start = datetime(2026, 12, 21, 1, tzinfo=UTC)
    story = Story(start=start)
    story.order = order(purchased_at=start - timedelta(days=3))
    story.to_verification()
    assert not story.clock(ClockKind.RESULT).provisional
    wanting(story, Party.COMPLAINANT)
    story.wait(hours=50)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 12, 31, 10, tzinfo=UTC)
    wanting(story, Party.COMPLAINANT)
    story.wait(hours=50)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video", "second"),))
    assert story.clock(ClockKind.RESULT).due == datetime(2027, 1, 1, 10, tzinfo=UTC)
    assert story.clock(ClockKind.RESULT).provisional


def test_a_paused_clock_is_never_missed() -> None:
    story = Story().to_verification()
    for _ in range(3):
        wanting(story, Party.COMPLAINANT)
        story.wait(days=2)
        story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.now > START + timedelta(days=5)
    result = [clock for clock in story.open_case.clocks if clock.kind is ClockKind.RESULT]
    assert [clock.state for clock in result] == [ClockState.RUNNING]
    assert result[0].paused_seconds == 6 * 24 * 3600


@pytest.mark.rule("ESC-1")
def test_a_missed_promise_raises_the_case_once_for_each_arming() -> None:
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel="hotline", outbound=True)
    story.wait(hours=72)
    acceptance = [clock for clock in story.open_case.clocks if clock.kind is ClockKind.ACCEPTANCE]
    assert [(c.arming, c.state) for c in acceptance] == [
        (1, ClockState.MISSED),
        (2, ClockState.MISSED),
        (3, ClockState.MISSED),
        (4, ClockState.RUNNING),
    ]
    assert [c.ended_at for c in acceptance[:3]] == [START + timedelta(hours=24 * n) for n in (1, 2, 3)]
    raised = [fact.escalation for fact in story.all(facts.LevelRaised)]
    assert [(e.clock, e.arming) for e in raised] == [("acceptance", 1), ("acceptance", 2), ("acceptance", 3)]
    assert story.open_case.level is Level.MANAGEMENT


@pytest.mark.rule("ESC-1")
def test_a_timer_that_fires_again_misses_nothing_twice() -> None:
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.wait(hours=12)
    entries = len(story.entries)
    for _ in range(3):
        story.happen(events.DeadlineReached())
    assert len(story.entries) == entries
    assert story.open_case.level is Level.SPECIALIST


@pytest.mark.rule("ESC-1")
def test_at_the_highest_level_a_miss_is_still_on_record() -> None:
    story = Story().to_acceptance()
    story.wait(days=6)
    last = story.all(facts.LevelRaised)[-1].escalation
    assert (last.before, last.after) == (Level.MANAGEMENT, Level.MANAGEMENT)


def test_a_partys_window_that_lapses_raises_nothing() -> None:
    story = Story().to_verification()
    story.wait(hours=48)
    assert story.clock(ClockKind.STATEMENT, "Q1").state is ClockState.MISSED
    assert story.open_case.level is Level.FRONT_LINE
