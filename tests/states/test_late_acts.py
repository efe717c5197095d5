"""Late or in time must not depend on an outage: acts are judged by when they were made."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from policies.schema import ClockKind, Level, Party
from states import events, facts
from states.case import next_wake
from states.decide import in_order
from states.journal import fold
from states.values import ClockState
from tests.states.story import AGENT, BUYER, SELLER, START, Story, text

DESK = "agent-desk"
DUE = START + timedelta(hours=24)
"""When acceptance is due."""


def contacted() -> Story:
    """Assessed and called: of what is promised before acceptance, nothing but that is left."""
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel="hotline", outbound=True)
    return story


def accepting(at: datetime | None, source: str | None = DESK) -> events.AcceptComplaint:
    return events.AcceptComplaint(request_id="r-accept", actor=AGENT, at=at, source=source)


def missed(story: Story, kind: ClockKind = ClockKind.ACCEPTANCE) -> int:
    return sum(clock.kind is kind and clock.state is ClockState.MISSED for clock in story.open_case.clocks)


@pytest.mark.rule("SLA-1")
@pytest.mark.parametrize(
    ("source", "made", "in_time"),
    [
        (DESK, DUE - timedelta(minutes=1), True),
        (DESK, DUE, False),  # what is due by then comes first
        (DESK, DUE + timedelta(seconds=1), False),
        ("somebody", DUE - timedelta(minutes=1), False),  # not trusted: it counts when it arrives
        (None, DUE - timedelta(minutes=1), False),
        (DESK, None, False),
        (DESK, DUE - timedelta(hours=13), False),  # further back than the policy tolerates
        (DESK, DUE + timedelta(hours=3), False),  # nobody acts in the future
    ],
)
def test_an_act_counts_when_a_trusted_service_says_that_it_was_made(
    source: str | None, made: datetime | None, in_time: bool
) -> None:
    story = contacted()
    story.now = DUE + timedelta(seconds=59)
    answer = story.happen(accepting(made, source))
    assert answer is not None
    assert answer.accepted
    assert missed(story) == (0 if in_time else 1)
    assert story.open_case.level is (Level.FRONT_LINE if in_time else Level.SPECIALIST)
    if in_time:
        assert story.clock(ClockKind.ACCEPTANCE).ended_at == made
        assert story.entries[-2].effective_at == made or story.entries[-1].effective_at == made


def held_up() -> tuple[Story, events.SubmitStatement, events.RecordFinding]:
    """The engine was away while the seller's time ran out; the seller's statement and the agent's finding come after
    it.
    """
    story = Story().to_verification()
    due = story.clock(ClockKind.STATEMENT, "Q1").due
    statement = events.SubmitStatement(
        request_id="r-statement", actor=SELLER, text=text("s"), at=due - timedelta(minutes=5), source="app"
    )
    finding = events.RecordFinding(
        request_id="r-finding",
        actor=AGENT,
        proven=True,
        responsible=Party.RESPONDENT,
        cause="defective_goods",
        evidence=("E1",),
        at=due + timedelta(minutes=5),
        source=DESK,
    )
    story.now = due + timedelta(hours=2)
    story.happen(events.DeadlineReached())
    assert len(story.all(facts.OutageNoticed)) == 1
    assert story.open_case.settled_until == story.now + timedelta(seconds=30) == next_wake(story.open_case)
    story.now += timedelta(seconds=5)
    return story, statement, finding


@pytest.mark.rule("SLA-1", "VER-3")
@pytest.mark.parametrize("reverse", [False, True])
def test_what_an_outage_held_up_is_decided_in_the_order_in_which_it_was_made(reverse: bool) -> None:
    story, statement, finding = held_up()
    waiting: list[events.Event] = [finding, statement] if reverse else [statement, finding]
    order = in_order(story.case, waiting, story.now, story.book)
    assert [waiting[index] for index in order] == [statement, finding]
    for index in order:
        answer = story.happen(waiting[index])
        assert answer is not None
        assert answer.accepted, answer.refusal
    assert missed(story, ClockKind.STATEMENT) == 0
    assert not story.open_case.conduct
    assert fold(story.entries) == story.case


@pytest.mark.rule("SLA-1", "VER-3")
def test_an_act_made_in_time_is_in_time_even_if_one_made_later_arrives_before_it() -> None:
    story, statement, finding = held_up()
    assert story.happen(finding) is None, "it is decided once acts made before the deadline can no longer come"
    story.now += timedelta(seconds=10)
    answer = story.happen(statement)
    assert answer is not None
    assert answer.accepted
    answer = story.happen(finding)
    assert answer is not None
    assert answer.accepted
    assert missed(story, ClockKind.STATEMENT) == 0


@pytest.mark.rule("VER-3")
@pytest.mark.parametrize("reverse", [False, True])
def test_an_act_made_too_late_stays_late(reverse: bool) -> None:
    story, statement, finding = held_up()
    due = story.clock(ClockKind.STATEMENT, "Q1").due
    late = replace(statement, at=due + timedelta(minutes=1))
    for act in (finding, late) if reverse else (late, finding):
        assert story.happen(act) is None
    story.now += timedelta(seconds=25)
    for index in in_order(story.case, [finding, late], story.now, story.book):
        answer = story.happen([finding, late][index])
        assert answer is not None
        assert answer.accepted
    assert missed(story, ClockKind.STATEMENT) == 1
    assert len(story.open_case.conduct) == 1


@pytest.mark.rule("VER-3")
def test_once_the_wait_is_over_deadlines_are_applied() -> None:
    story, statement, _ = held_up()
    story.now += timedelta(seconds=25)
    story.happen(events.DeadlineReached())
    assert missed(story, ClockKind.STATEMENT) == 1
    answer = story.happen(statement)
    assert answer is not None
    assert answer.accepted, "a statement is heard in every open stage"
    assert missed(story, ClockKind.STATEMENT) == 1


@pytest.mark.rule("SLA-1", "ESC-1")
def test_after_an_outage_a_late_act_is_late_even_if_it_arrives_first() -> None:
    story = contacted()
    story.now = DUE + timedelta(hours=1)
    late = accepting(DUE + timedelta(minutes=10))
    assert story.happen(late) is None
    assert missed(story) == 0, "acts made in time may still come"
    assert story.happen(late) is None
    assert len(story.all(facts.OutageNoticed)) == 1
    story.now += timedelta(seconds=30)
    answer = story.happen(late)
    assert answer is not None
    assert answer.accepted
    assert missed(story) == 1
    assert story.open_case.level is Level.SPECIALIST


@pytest.mark.rule("ESC-1")
def test_a_long_outage_misses_each_clock_once() -> None:
    story = contacted()
    story.now = START + timedelta(days=30)
    story.happen(events.DeadlineReached())
    assert missed(story) == 0
    story.now += timedelta(seconds=30)
    story.happen(events.DeadlineReached())
    assert missed(story) == 1
    assert missed(story, ClockKind.RESULT) == 1
    wake = next_wake(story.open_case)
    assert wake is not None
    assert wake > story.now
    assert [entry.event for entry in story.entries[-3:]] == ["outage_noticed", "clock_missed", "clock_missed"]
    assert story.entries[-1].effective_at == datetime.fromisoformat("2026-03-11T10:00:00+00:00")
    assert story.entries[-2].effective_at == DUE


@pytest.mark.rule("SLA-2", "ESC-1")
def test_a_deadline_already_past_when_armed_is_missed_once() -> None:
    """A complaint made half a day before it could be handed over is late for the first contact from the start, and was
    to be assessed hours ago.
    """
    story = Story(hold=True)
    story.file(at=START - timedelta(hours=12), source="app")
    assert story.open_case.received_at == START - timedelta(hours=12)
    assert story.clock(ClockKind.FIRST_CONTACT).due == START
    assert story.clock(ClockKind.ASSESSMENT).due == START - timedelta(hours=4)
    story.happen(events.DeadlineReached())
    assert missed(story, ClockKind.ASSESSMENT) == 0, "what was held up with the complaint is waited for"
    story.now += timedelta(seconds=30)
    story.happen(events.DeadlineReached())
    story.happen(events.DeadlineReached())
    for kind in (ClockKind.FIRST_CONTACT, ClockKind.ASSESSMENT):
        assert missed(story, kind) == 1
        assert story.clock(kind).arming == 2


def test_events_keep_their_order_where_none_was_made_earlier() -> None:
    story = contacted()
    one, other = accepting(None), events.SubmitStatement(request_id="r-2", actor=BUYER, text=text("s"))
    assert in_order(story.case, [one, other], story.now, story.book) == [0, 1]
    assert in_order(story.case, [other, one], story.now, story.book) == [0, 1]
    assert in_order(None, [other, one], story.now, story.book) == [0, 1]
