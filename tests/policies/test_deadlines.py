"""Deadlines held against a table that was worked out by hand, and working days counted forth and back."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies import plain_yaml
from policies.base import Frozen, Positive
from policies.book import HERE, default_book
from policies.calendar import Calendar, Holiday, PublishedYear, load_calendar
from policies.schema import ClockKind, ClockRule, Party, Policy, Priority, Unit
from states import clocks, events, facts
from states.values import Clock
from tests.states.story import AGENT, BUYER, Story, item, order

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Hold(Frozen):
    since: Instant = msgspec.field(name="from")
    until: Instant


class Row(Frozen):
    """One arming of a clock, what befell it, and when it is due."""

    received: Instant
    due: Instant
    why: str
    holds: tuple[Hold, ...] = ()
    extended: tuple[Positive, ...] = ()
    """In the clock's own units, after the holds."""
    provisional: bool = False
    priority: Priority = Priority.NORMAL
    """Of the case, when the clock is armed (SLA-5)."""


TABLE = plain_yaml.load(
    Path(__file__).with_name("deadlines.yaml").read_bytes(), dict[str, dict[ClockKind, tuple[Row, ...]]]
)
ROWS = [(pack, kind, row) for pack, kinds in TABLE.items() for kind, rows in kinds.items() for row in rows]


def cases(rows: list[tuple[str, ClockKind, Row]]) -> list[Any]:
    return [pytest.param(*each, id=f"{each[0]}, {each[1]}, {each[2].received}: {each[2].why}") for each in rows]


def policy_of(pack: str, received: datetime) -> Policy:
    """The pack in force when something was received, which has to be the one that the table says."""
    policy = default_book().in_force(pack.partition("@")[0], received)
    assert str(policy.ref) == pack
    return policy


# The table


@pytest.mark.parametrize(("pack", "kind", "row"), cases(ROWS))
def test_a_clock_is_due_when_the_table_says(pack: str, kind: ClockKind, row: Row) -> None:
    policy = policy_of(pack, row.received)
    rule = policy.pack.clocks[kind]
    clock = clocks.arm(policy, kind, row.received.astimezone(UTC), arming=1, priority=row.priority)
    assert rule.pauses_for or not row.holds
    for hold in row.holds:
        clock = clocks.pause(clock, hold.since.astimezone(UTC))
        clock = clocks.resume(policy, clock, hold.until.astimezone(UTC))
    for by in row.extended:
        assert rule.extension is not None
        clock = clocks.extend(policy, clock, by, clock.armed_at)
        assert clock.extensions <= rule.extension.times
        assert clock.extended <= rule.extension.total
    assert (clock.due, clock.provisional) == (row.due, row.provisional)


def can_be_told(row: Row) -> bool:
    """Whether the case is an ordinary one, and a party could make the clock wait for so long: it is itself waited for
    three days at most.
    """
    return row.priority is Priority.NORMAL and all(hold.until - hold.since < timedelta(days=3) for hold in row.holds)


@pytest.mark.rule("SLA-3")
@pytest.mark.parametrize(
    ("pack", "kind", "row"),
    cases([each for each in ROWS if each[1] is ClockKind.RESULT and can_be_told(each[2])]),
)
def test_a_case_is_to_be_decided_when_the_table_says(pack: str, kind: ClockKind, row: Row) -> None:
    policy = policy_of(pack, row.received)
    story = Story(start=row.received.astimezone(UTC))
    story.order = order(
        purchased_at=story.now - timedelta(days=6),
        received_at=story.now - timedelta(days=2),
    )
    story.to_verification(procedure=policy.pack.name)
    assert story.open_case.policy == policy.ref
    for hold in row.holds:
        wait_for(story, policy.pack.clocks[kind].pauses_for[0], hold)
    for by in row.extended:
        story.accepted(events.ExtendClock, clock=kind, by=by)
    assert last_set(story, kind).due == row.due
    assert last_set(story, kind).provisional == row.provisional


def wait_for(story: Story, party: Party, hold: Hold) -> None:
    """The party is asked as the hold begins, and answers as it ends; an appraiser through the platform."""
    third = party is Party.APPRAISER
    addressee, on_behalf_of = ("appraiser-1", party) if third else (None, None)
    story.wait(seconds=(hold.since - story.now).total_seconds())
    story.accepted(events.RequestEvidence, party=party, wanted=("video",), addressee=addressee)
    story.wait(seconds=(hold.until - story.now).total_seconds())
    submitter = AGENT if third else BUYER
    story.accepted(events.SubmitEvidence, submitter, items=(item("video"),), on_behalf_of=on_behalf_of)


def last_set(story: Story, kind: ClockKind) -> Clock:
    """The clock as the journal last has it."""
    return [fact.clock for fact in story.all(facts.ClockSet) if fact.clock.kind is kind][-1]


def test_the_table_is_long_enough_and_repeats_nothing() -> None:
    armings = [(pack, kind, row.received, row.priority, row.holds, row.extended) for pack, kind, row in ROWS]
    assert len(set(armings)) == len(armings) >= 60


def test_every_pack_is_in_the_table_and_every_clock_of_the_platform() -> None:
    assert set(TABLE) == {str(policy.ref) for policy in default_book()}
    named = {kind for pack, kind, _ in ROWS if pack.startswith("platform@")}
    assert named == {kind for policy in default_book() if policy.pack.name == "platform" for kind in policy.pack.clocks}


def test_every_length_that_a_pack_gives_a_clock_is_in_the_table() -> None:
    def length(kind: ClockKind, rule: ClockRule, priority: Priority) -> tuple[object, ...]:
        return kind, priority, rule.length_by_priority.get(priority, rule.length), rule.unit, rule.closing

    rules = {str(policy.ref): policy.pack.clocks for policy in default_book()}
    shown = {length(kind, rules[pack][kind], row.priority) for pack, kind, row in ROWS}
    given = {
        length(kind, rule, priority)
        for pack in rules.values()
        for kind, rule in pack.items()
        for priority in (Priority.NORMAL, *rule.length_by_priority)
    }
    assert shown == given


# Forth and back: any calendar, any zone, any instant

DAY = timedelta(days=1)
FIRST, LAST = datetime(2022, 1, 1, tzinfo=UTC), datetime(2029, 12, 31, tzinfo=UTC)
MIDNIGHTS = [FIRST + n * DAY for n in range((LAST - FIRST) // DAY)]
RELEASED = [load_calendar(path.read_bytes()) for path in sorted((HERE / "calendars").glob("*.yaml"))]
LAST_HOUR_SKIPPED = {"America/Nuuk", "America/Godthab", "America/Scoresbysund"}
"""Where summer time begins by skipping the last hour of a day, and so perhaps its closing time."""
ZONES = sorted(available_timezones() - LAST_HOUR_SKIPPED)


def changes(zone: ZoneInfo) -> list[datetime]:
    """The days on which the clocks of a zone are changed."""
    offsets = [midnight.astimezone(zone).utcoffset() for midnight in MIDNIGHTS]
    return [midnight for midnight, (old, new) in zip(MIDNIGHTS, pairwise(offsets), strict=False) if old != new]


CHANGES = [*changes(ZoneInfo("Europe/London")), *changes(ZoneInfo("America/New_York"))]


@st.composite
def published_years(draw: st.DrawFn, year: int) -> PublishedYear:
    """A year with holidays of up to eleven days, and weekend days worked."""
    days = st.dates(date(year, 1, 1), date(year, 12, 31))
    spans = draw(st.lists(st.tuples(days, st.integers(0, 10)), max_size=12))
    holidays = [
        Holiday(name="off", first=first, last=min(first + more * DAY, date(year, 12, 31))) for first, more in spans
    ]
    off = {day for holiday in holidays for day in holiday.days()}
    worked = draw(st.sets(days.map(lambda day: day + (5 - day.weekday()) * DAY), max_size=12))
    return PublishedYear(
        year=year,
        notice="drawn",
        holidays=tuple(holidays),
        make_up_workdays=tuple(sorted(day for day in worked - off if day.year == year)),
    )


@st.composite
def drawn_calendars(draw: st.DrawFn) -> Calendar:
    return Calendar(
        name="drawn",
        version="2026.1",
        timezone=draw(st.sampled_from(ZONES)),
        years=tuple(draw(published_years(year)) for year in sorted(draw(st.sets(st.integers(2022, 2028), max_size=4)))),
    )


@st.composite
def calendars_with_instants(draw: st.DrawFn) -> tuple[Calendar, datetime, datetime]:
    """A calendar and two instants, in order."""
    calendar = draw(st.sampled_from(RELEASED) | drawn_calendars())
    bounds = FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)
    anywhere = st.datetimes(*bounds, timezones=st.just(UTC))
    at_a_change = st.builds(
        lambda day, seconds: day + timedelta(seconds=seconds),
        st.sampled_from(CHANGES),
        st.integers(-24 * 3600, 48 * 3600),
    )
    midnights = st.dates(FIRST.date(), LAST.date()).map(
        lambda day: datetime.combine(day, time(), ZoneInfo(calendar.timezone)).astimezone(UTC)
    )
    start, end = sorted(draw(st.tuples(*[anywhere | at_a_change | midnights] * 2)))
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    return calendar, start.astimezone(zone), end.astimezone(zone)


drawn = calendars_with_instants()
counts = st.integers(0, 60)
closings = st.none() | st.times()
unhurried = settings(deadline=None, max_examples=200)


@unhurried
@given(drawn, counts, closings)
def test_adding_working_days_and_counting_them_back_agree(
    drawn: tuple[Calendar, datetime, datetime], days: int, closing: time | None
) -> None:
    calendar, start, _ = drawn
    assert calendar.working_days_between(start, calendar.add_working_days(start, days, closing)) == days


@unhurried
@given(drawn)
def test_counting_working_days_and_adding_them_agree(drawn: tuple[Calendar, datetime, datetime]) -> None:
    """So many working days have ended by the end of the day, and one more has not."""
    calendar, start, end = drawn
    days = calendar.working_days_between(start, end)
    ended_by = calendar.end_of_day(max(start, end - timedelta.resolution))
    assert calendar.add_working_days(start, days, None) <= ended_by < calendar.add_working_days(start, days + 1, None)


@unhurried
@given(st.sampled_from([*default_book()]), st.sampled_from(ClockKind), drawn, st.integers(1, 40))
def test_a_deadline_moved_on_is_that_of_a_clock_so_much_longer(
    policy: Policy, kind: ClockKind, drawn: tuple[Calendar, datetime, datetime], more: int
) -> None:
    calendar, start, _ = drawn
    start = start.astimezone(UTC)
    policy = replace(policy, calendar=calendar)
    rule = policy.pack.clocks[kind]
    longer = replace(rule, length=rule.length + more)
    pack = replace(policy.pack, clocks=policy.pack.clocks | {kind: longer})
    due = replace(policy, pack=pack).due(kind, start)
    assert policy.later(kind, policy.due(kind, start), more) == due
    if rule.unit is Unit.WORKING_DAYS:
        assert calendar.working_days_between(start, due) == longer.length
