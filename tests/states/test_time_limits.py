"""The platform's promises: acceptance, first contact, result, and their extension (area SLA)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.book import load_book
from policies.schema import Channel, ClockKind, Level, Party, Trigger
from states import events, facts
from states.journal import body
from states.values import ClockState
from tests.states.story import AGENT, BUYER, START, Story, order


@pytest.mark.rule("SLA-1", "ESC-1")
def test_acceptance_is_due_24_hours_after_receipt() -> None:
    story = Story().to_acceptance()
    clock = story.clock(ClockKind.ACCEPTANCE)
    assert (clock.armed_at, clock.due) == (START, START + timedelta(hours=24))
    story.accepted(events.AssessCase)
    story.wait_for_deadline()  # first contact warns first
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait_for_deadline()
    assert story.now == START + timedelta(hours=20)
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.WARNED
    assert not story.all(facts.LevelRaised)
    story.wait_for_deadline()
    assert story.now == clock.due
    (missed,) = story.all(facts.LevelRaised)
    assert missed.rules == ("ESC-1",)
    assert (missed.escalation.trigger, missed.escalation.clock) == (Trigger.MISSED_CLOCK, "acceptance")
    assert story.open_case.level is Level.SPECIALIST


@pytest.mark.rule("SLA-1")
def test_acceptance_in_time_meets_the_clock() -> None:
    story = Story().to_acceptance()
    story.wait(hours=23)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    level = story.open_case.level
    entry = story.accepted(events.AcceptComplaint)
    assert "SLA-1" in entry.rules
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.MET
    assert story.open_case.owner == AGENT.id
    story.wait(hours=12)
    assert story.open_case.level is level


@pytest.mark.rule("SLA-2")
def test_first_contact_has_a_clock_of_its_own() -> None:
    story = Story().to_acceptance()
    clock = story.clock(ClockKind.FIRST_CONTACT)
    assert clock.due == START + timedelta(hours=12)
    story.accepted(events.AcceptComplaint)
    assert story.clock(ClockKind.FIRST_CONTACT).state is ClockState.RUNNING
    story.accepted(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
    story.accepted(events.RecordContact, party=Party.RESPONDENT, channel=Channel.HOTLINE, outbound=True)
    assert story.clock(ClockKind.FIRST_CONTACT).state is ClockState.RUNNING
    entry = story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert "SLA-2" in entry.rules
    assert story.clock(ClockKind.FIRST_CONTACT).state is ClockState.MET


@pytest.mark.rule("SLA-2")
def test_contact_does_not_stop_acceptance_and_a_party_makes_no_outbound_contact() -> None:
    story = Story().to_acceptance()
    contact: dict[str, Any] = {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE, "outbound": True}
    assert story.refused(events.RecordContact, BUYER, **contact).rule == "SLA-2"
    story.accepted(events.RecordContact, **contact)
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.RUNNING
    assert story.clock(ClockKind.FIRST_CONTACT).state is ClockState.MET


@pytest.mark.rule("SLA-2", "ESC-1")
def test_a_missed_contact_raises_the_case_and_is_asked_for_again() -> None:
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.wait(hours=12)
    assert story.open_case.level is Level.SPECIALIST
    assert story.clock(ClockKind.FIRST_CONTACT).arming == 2
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert [clock.state for clock in story.open_case.clocks if clock.kind is ClockKind.FIRST_CONTACT] == [
        ClockState.MISSED,
        ClockState.MET,
    ]


@pytest.mark.rule("SLA-3")
@pytest.mark.parametrize(
    ("received", "due"),
    [
        # an ordinary Monday: seven working days later, at 18:00 in Shanghai
        (datetime(2026, 3, 2, 1, tzinfo=UTC), datetime(2026, 3, 11, 10, tzinfo=UTC)),
        # Friday before the Spring Festival: Saturday 14 February and Saturday 28 February are worked
        (datetime(2026, 2, 13, 1, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC)),
        # late on Sunday in UTC is Monday in Shanghai
        (datetime(2026, 3, 1, 17, tzinfo=UTC), datetime(2026, 3, 11, 10, tzinfo=UTC)),
    ],
)
def test_the_result_is_due_in_working_days(received: datetime, due: datetime) -> None:
    story = Story(start=received)
    story.order = order(purchased_at=received - timedelta(days=5))
    story.file()
    clock = story.clock(ClockKind.RESULT)
    assert clock.due == due
    assert not clock.provisional
    armed = next(f for f in story.all(facts.ClockSet) if f.clock.kind is ClockKind.RESULT)
    assert armed.rules == ("SLA-3",)


@pytest.mark.rule("SLA-3")
def test_a_deadline_through_an_unpublished_year_is_marked_provisional() -> None:
    story = Story(start=datetime(2026, 12, 28, 1, tzinfo=UTC))
    story.order = order(purchased_at=story.now - timedelta(days=5))
    story.file()
    assert story.clock(ClockKind.RESULT).provisional
    assert story.clock(ClockKind.RESULT).due == datetime(2027, 1, 6, 10, tzinfo=UTC)


@pytest.mark.rule("SLA-3")
def test_the_deadline_is_an_instant_on_record_and_never_computed_again() -> None:
    story = Story().to_acceptance()
    due = story.clock(ClockKind.RESULT).due
    story.book = load_book()
    story.wait(days=2)
    story.accepted(events.AcceptComplaint)
    assert story.clock(ClockKind.RESULT).due == due
    assert f'"due":"{due.isoformat().replace("+00:00", "Z")}"'.encode() in b"".join(map(body, story.entries))


@pytest.mark.rule("SLA-4")
def test_an_extension_needs_a_reason_and_is_told_and_counted() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.ExtendClock, clock=ClockKind.RESULT, by=3, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "SLA-4")
    entry = story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=3)
    clock = story.clock(ClockKind.RESULT)
    assert clock.due == datetime(2026, 3, 16, 10, tzinfo=UTC)  # three working days after Wednesday 11 March
    assert (clock.extensions, clock.extended) == (1, 3)
    assert "SLA-4" in entry.rules
    assert entry.reason is not None
    (notice,) = story.sent("extended")
    assert notice.party is Party.COMPLAINANT
    assert notice.facts["due"] == "2026-03-16 18:00+08:00"


@pytest.mark.rule("SLA-4")
def test_extensions_are_capped_in_number_and_in_length() -> None:
    story = Story().to_verification()
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=10)
    assert story.refused(events.ExtendClock, clock=ClockKind.RESULT, by=6).code == "extension_cap"
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=5)
    refusal = story.refused(events.ExtendClock, clock=ClockKind.RESULT, by=1)
    assert (refusal.code, refusal.rule) == ("extension_cap", "SLA-4")


@pytest.mark.rule("SLA-4")
def test_the_cap_counts_over_every_arming_of_the_clock() -> None:
    story = Story().to_verification()
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=10)
    story.wait(days=40)
    assert story.clock(ClockKind.RESULT).arming > 1
    assert story.refused(events.ExtendClock, clock=ClockKind.RESULT, by=6).code == "extension_cap"


@pytest.mark.rule("SLA-4")
def test_other_clocks_and_other_people_extend_nothing() -> None:
    story = Story().to_acceptance()
    assert story.refused(events.ExtendClock, clock=ClockKind.ACCEPTANCE, by=1).code == "not_extendable"
    assert story.refused(events.ExtendClock, clock=ClockKind.SURVEY, by=1).code == "clock_not_running"
    assert story.refused(events.ExtendClock, BUYER, clock=ClockKind.RESULT, by=1).code == "no_right"


@pytest.mark.rule("SLA-4")
def test_a_promise_that_was_kept_is_not_extended() -> None:
    story = Story().to_follow_up()
    assert story.clock(ClockKind.RESULT).state is ClockState.MET
    refusal = story.refused(events.ExtendClock, clock=ClockKind.RESULT, by=1)
    assert (refusal.code, refusal.rule) == ("clock_not_running", "SLA-4")
