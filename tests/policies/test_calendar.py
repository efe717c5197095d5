"""The working-day calendar: its data, its arithmetic, and what it refuses."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar  # type: ignore[import-untyped]
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.calendar import Calendar, CalendarError, load_calendar

CALENDARS = Path(__file__).parents[2] / "policies" / "calendars"
SHANGHAI = ZoneInfo("Asia/Shanghai")
SIX = time(18)
DAY = timedelta(days=1)

CN = load_calendar((CALENDARS / "cn@2026.1.yaml").read_bytes())


def at(text: str) -> datetime:
    """An instant from local time in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def days_of(*years: int) -> list[date]:
    first, last = date(min(years), 1, 1), date(max(years), 12, 31)
    return [first + n * DAY for n in range((last - first).days + 1)]


# The data


@pytest.mark.parametrize("path", sorted(CALENDARS.iterdir()), ids=lambda path: path.name)
def test_every_released_file_loads_and_is_named_by_its_id(path: Path) -> None:
    assert path.name == f"{load_calendar(path.read_bytes()).id}.yaml"


def test_published_years_agree_with_an_independent_source_day_by_day() -> None:
    days = days_of(*CN.published_years)
    assert len(days) == 365 + 366 + 365 + 365
    assert [d for d in days if CN.is_working_day(d) != chinese_calendar.is_workday(d)] == []


def test_a_year_not_published_counts_monday_to_friday() -> None:
    days = days_of(2027)
    assert [d for d in days if CN.is_working_day(d) != (d.isoweekday() <= 5)] == []
    assert CN.is_provisional(date(2027, 1, 1))
    assert not CN.is_provisional(date(2026, 12, 31))


# The arithmetic by example: received, working days, due at 18:00, all in local time


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        # An ordinary week, its edges, and a receipt out of hours.
        ("2026-06-01 09:00", 1, "2026-06-02"),
        ("2026-06-01 00:00", 1, "2026-06-02"),
        ("2026-06-01 23:59:59.999999", 1, "2026-06-02"),
        ("2026-05-31 23:59:59.999999", 1, "2026-06-01"),
        ("2026-06-05 17:59", 1, "2026-06-08"),
        ("2026-06-06 12:00", 1, "2026-06-08"),
        ("2026-06-01 09:00", 7, "2026-06-10"),
        ("2026-06-01 20:00", 0, "2026-06-01"),
        ("2026-06-06 12:00", 0, "2026-06-06"),
        # Spring Festival 2024: Sunday 4 and Sunday 18 February are worked, 10 to 17 are off.
        ("2024-02-03 12:00", 1, "2024-02-04"),
        ("2024-02-09 10:00", 1, "2024-02-18"),
        ("2024-02-09 10:00", 2, "2024-02-19"),
        ("2024-02-10 00:00", 1, "2024-02-18"),
        ("2024-02-17 23:59", 1, "2024-02-18"),
        ("2024-02-18 00:00", 1, "2024-02-19"),
        # Mid-Autumn and National Day 2024: three weekend days worked in a month.
        ("2024-09-13 09:00", 1, "2024-09-14"),
        ("2024-09-13 09:00", 2, "2024-09-18"),
        ("2024-09-28 09:00", 1, "2024-09-29"),
        ("2024-09-30 17:00", 1, "2024-10-08"),
        ("2024-09-30 17:00", 5, "2024-10-12"),
        ("2024-10-11 09:00", 2, "2024-10-14"),
        # Spring Festival 2025: Sunday 26 January and Saturday 8 February are worked.
        ("2025-01-24 09:00", 1, "2025-01-26"),
        ("2025-01-27 09:00", 1, "2025-02-05"),
        ("2025-01-24 09:00", 6, "2025-02-08"),
        ("2025-01-24 09:00", 7, "2025-02-10"),
        # National Day 2025 runs into Mid-Autumn: eight days off.
        ("2025-09-26 09:00", 1, "2025-09-28"),
        ("2025-09-30 09:00", 1, "2025-10-09"),
        ("2025-09-30 09:00", 3, "2025-10-11"),
        ("2025-09-30 09:00", 4, "2025-10-13"),
        # New Year and Spring Festival 2026: the longest break so far.
        ("2025-12-31 09:00", 1, "2026-01-04"),
        ("2025-12-31 09:00", 2, "2026-01-05"),
        ("2026-02-13 09:00", 1, "2026-02-14"),
        ("2026-02-13 09:00", 2, "2026-02-24"),
        ("2026-02-27 09:00", 1, "2026-02-28"),
        ("2026-02-27 09:00", 2, "2026-03-02"),
        # Mid-Autumn and National Day 2026.
        ("2026-09-18 09:00", 1, "2026-09-20"),
        ("2026-09-24 09:00", 1, "2026-09-28"),
        ("2026-09-30 09:00", 1, "2026-10-08"),
        ("2026-09-30 09:00", 3, "2026-10-10"),
        ("2026-09-30 09:00", 7, "2026-10-15"),
        # Year ends: the first into a published year, the others into one that is not.
        ("2022-12-30 09:00", 1, "2023-01-03"),
        ("2026-12-31 09:00", 1, "2027-01-01"),
        ("2026-12-30 09:00", 7, "2027-01-08"),
    ],
)
def test_working_days(received: str, days: int, due: str) -> None:
    assert CN.add_working_days(at(received), days, SIX) == at(f"{due} 18:00")
    assert CN.working_days_between(at(received), at(f"{due} 18:00")) == days


def test_the_day_of_receipt_is_that_of_the_platform_and_the_result_is_utc() -> None:
    late_on_sunday = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)  # Monday 00:00 in Shanghai
    due = CN.add_working_days(late_on_sunday, 1, SIX)
    assert due == datetime(2026, 6, 2, 10, 0, tzinfo=UTC)
    assert due.tzinfo is UTC


@pytest.mark.parametrize("closing", [None, time(0)])
def test_a_day_without_closing_time_ends_at_midnight(closing: time | None) -> None:
    friday = at("2026-06-05 10:00")
    assert CN.add_working_days(friday, 1, closing) == at("2026-06-09 00:00")
    assert CN.add_calendar_days(friday, 1, closing) == at("2026-06-07 00:00")


@pytest.mark.parametrize(
    ("start", "days", "closing", "due"),
    [
        ("2026-02-13 09:00", 3, SIX, "2026-02-16 18:00"),  # days off count here
        ("2026-02-13 09:00", 0, SIX, "2026-02-13 18:00"),
        ("2024-02-28 00:00", 2, SIX, "2024-03-01 18:00"),
        ("2026-12-25 09:00", 7, None, "2027-01-02 00:00"),
    ],
)
def test_calendar_days(start: str, days: int, closing: time | None, due: str) -> None:
    assert CN.add_calendar_days(at(start), days, closing) == at(due)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-06-01 00:00", "2026-06-02 00:00"),
        ("2026-06-01 23:59:59.999999", "2026-06-02 00:00"),
        ("2026-12-31 12:00", "2027-01-01 00:00"),
    ],
)
def test_end_of_day(start: str, end: str) -> None:
    assert CN.end_of_day(at(start)) == at(end)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-06-01 17:00", "2026-06-02 09:00", 0),
        ("2026-06-01 00:00", "2026-06-02 00:00", 1),
        ("2026-06-01 00:00:01", "2026-06-03 00:00", 1),
        ("2026-06-01 00:00", "2026-06-02 23:59", 1),
        ("2026-06-05 09:00", "2026-06-08 09:00", 0),  # only the weekend is whole
        ("2026-09-18 09:00", "2026-09-21 09:00", 1),  # its Sunday is worked
        ("2026-09-30 17:00", "2026-10-08 09:00", 0),  # National Day
        ("2026-06-03 00:00", "2026-06-01 00:00", 0),
    ],
)
def test_whole_working_days_within_a_hold(start: str, end: str, days: int) -> None:
    assert CN.whole_working_days_within(at(start), at(end)) == days


@pytest.mark.parametrize(
    ("start", "due", "provisional"),
    [
        ("2026-12-30 09:00", "2026-12-31 18:00", False),
        ("2026-12-30 09:00", "2027-01-01 00:00", False),  # the midnight that ends 31 December
        ("2026-12-30 09:00", "2027-01-01 00:01", True),
        ("2022-12-30 09:00", "2023-01-03 18:00", True),
        ("2022-12-31 23:59", "2023-01-03 18:00", False),  # the day of receipt does not count
        ("2027-01-05 09:00", "2026-12-31 18:00", False),
    ],
)
def test_a_deadline_that_counts_an_unpublished_day_is_provisional(start: str, due: str, provisional: bool) -> None:
    assert CN.deadline_is_provisional(at(start), at(due)) is provisional


# The arithmetic by property

instants = st.datetimes(
    datetime(2022, 6, 1),  # noqa: DTZ001 (Hypothesis adds the zone)
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, SHANGHAI, ZoneInfo("Europe/London")]),
)
midnights = st.sampled_from([at(f"{day} 00:00") for day in days_of(2022, 2027)])
moments = st.one_of(instants, midnights)
counts = st.integers(0, 60)
closings = st.none() | st.times()
unhurried = settings(deadline=None)


@unhurried
@given(moments, counts, closings)
def test_adding_then_counting_back_agrees(start: datetime, days: int, closing: time | None) -> None:
    due = CN.add_working_days(start, days, closing)
    assert CN.working_days_between(start, due) == days


@unhurried
@given(moments, st.integers(1, 60), st.times(min_value=time(0, 1)))
def test_a_deadline_falls_on_a_later_working_day_at_closing(start: datetime, days: int, closing: time) -> None:
    due = CN.add_working_days(start, days, closing).astimezone(SHANGHAI)
    assert CN.is_working_day(due.date())
    assert due.time() == closing
    assert due > start


@unhurried
@given(moments, moments, counts, counts, closings)
def test_a_later_start_or_a_longer_time_is_never_due_earlier(
    one: datetime, other: datetime, few: int, many: int, closing: time | None
) -> None:
    (early, late), (few, many) = sorted([one, other]), sorted([few, many])
    for add in (CN.add_working_days, CN.add_calendar_days):
        assert add(early, few, closing) <= add(late, many, closing)


@unhurried
@given(moments, counts, closings)
def test_working_days_are_never_due_before_as_many_calendar_days(
    start: datetime, days: int, closing: time | None
) -> None:
    assert CN.add_working_days(start, days, closing) >= CN.add_calendar_days(start, days, closing)


@unhurried
@given(st.lists(moments, min_size=3, max_size=3), midnights)
def test_whole_days_of_parts_never_exceed_those_of_the_hold(cuts: list[datetime], midnight: datetime) -> None:
    start, middle, end = sorted(cuts)
    whole = CN.whole_working_days_within
    assert whole(start, middle) + whole(middle, end) <= whole(start, end)
    assert whole(start, end) <= (end.astimezone(UTC) - start.astimezone(UTC)) // DAY
    if start <= midnight <= end:
        assert whole(start, midnight) + whole(midnight, end) == whole(start, end)


@unhurried
@given(moments, moments)
def test_whole_days_are_those_that_begin_and_end_within(one: datetime, other: datetime) -> None:
    start, end = sorted([one, other])
    begun = [at(f"{day} 00:00") for day in days_of(2022, 2028) if CN.is_working_day(day)]
    within = [day for day in begun if start <= day and day + DAY <= end]
    assert CN.whole_working_days_within(start, end) == len(within)


# What is refused

NAIVE = datetime(2026, 6, 1, 9, 0)  # noqa: DTZ001
AWARE = at("2026-06-01 09:00")


@pytest.mark.parametrize(
    "call",
    [
        lambda: CN.add_working_days(NAIVE, 1, SIX),
        lambda: CN.add_calendar_days(NAIVE, 1, None),
        lambda: CN.end_of_day(NAIVE),
        lambda: CN.working_days_between(NAIVE, AWARE),
        lambda: CN.working_days_between(AWARE, NAIVE),
        lambda: CN.whole_working_days_within(NAIVE, AWARE),
        lambda: CN.whole_working_days_within(AWARE, NAIVE),
        lambda: CN.deadline_is_provisional(NAIVE, AWARE),
        lambda: CN.deadline_is_provisional(AWARE, NAIVE),
        lambda: CN.add_working_days(AWARE, 1, SIX.replace(tzinfo=UTC)),
        lambda: CN.add_calendar_days(AWARE, 1, time(0, tzinfo=UTC)),
    ],
)
def test_an_instant_needs_a_time_zone_and_a_closing_time_has_none(
    call: Callable[[], object],
) -> None:
    with pytest.raises(ValueError, match=r"time zone"):
        call()


@pytest.mark.parametrize("add", [CN.add_working_days, CN.add_calendar_days])
def test_a_length_cannot_be_negative(add: Callable[..., datetime]) -> None:
    with pytest.raises(ValueError, match=r"cannot be negative, not -1"):
        add(AWARE, -1, SIX)


@pytest.mark.parametrize("ask", [CN.is_working_day, CN.is_provisional])
def test_an_instant_is_not_taken_for_a_day(ask: Callable[[date], bool]) -> None:
    with pytest.raises(TypeError, match=r"by its date, not by the instant 2026-06-01T09:00"):
        ask(AWARE)


SOUND = """\
name: cn
version: 2026.10
timezone: Asia/Shanghai
years:
  - year: 2024
    notice: the notice for 2024
    holidays:
      - {name: May, first: 2024-05-01, last: 2024-05-05}
    make_up_workdays: [2024-04-28, 2024-05-11]
  - year: 2025
    notice: the notice for 2025
"""


def test_the_sound_file_from_which_the_bad_ones_are_made() -> None:
    calendar = load_calendar(SOUND)
    assert calendar.id == "cn@2026.10"
    assert calendar == load_calendar(SOUND.encode())
    assert msgspec.json.decode(msgspec.json.encode(calendar), type=Calendar) == calendar


@pytest.mark.parametrize(
    ("sound", "bad", "message"),
    [
        ("name: cn\n", "", r"missing required field `name`"),
        ("name: cn\n", "name: cn\nzone: x\n", r"unknown field `zone`"),
        ("name: cn\n", "name: ../cn\n", r"matching regex .* at `\$\.name`"),
        ("2026.10", "2026", r"matching regex .* at `\$\.version`"),
        ("name: cn\n", "name: cn\nname: uk\n", r"key 'name' is repeated\n.*line 2, column 1"),
        ("Asia/Shanghai", "Asia/Nowhere", r"timezone 'Asia/Nowhere' is not an IANA time zone"),
        ("Asia/Shanghai", "../Shanghai", r"timezone '\.\./Shanghai' is not an IANA time zone"),
        ("notice:", "notes:", r"unknown field `notes` - at `\$\.years\[0\]`"),
        ("first:", "from:", r"unknown field `from` - at `\$\.years\[0\]\.holidays\[0\]`"),
        ("last: 2024-05-05", "last: 5 May", r"date - at `\$\.years\[0\]\.holidays\[0\]\.last`"),
        ("2024-05-05}", "2024-02-30}", r"date - at `\$\.years\[0\]\.holidays\[0\]\.last`"),
        (
            "last: 2024-05-05",
            "last: 2024-04-05",
            r"May ends on 2024-04-05, before 2024-05-01 - at `\$\.years\[0\]\.holidays\[0\]`",
        ),
        (
            "first: 2024-05-01",
            "first: 2022-05-01",
            r"2022-05-01 is too far from the year 2024 - at `\$\.years\[0\]`",
        ),
        (
            "last: 2024-05-05",
            "last: 2034-05-05",
            r"2034-05-05 is too far from the year 2024 - at `\$\.years\[0\]`",
        ),
        (
            "2024-05-11]",
            "2026-05-10]",
            r"2026-05-10 is too far from the year 2024 - at `\$\.years\[0\]`",
        ),
        (
            "2024-05-11]",
            "2024-05-10]",
            r"make-up workday 2024-05-10 is not a Saturday or Sunday - at `\$\.years\[0\]`",
        ),
        ("2024-05-11]", "2024-05-04]", r"2024-05-04 is both a holiday and a make-up workday"),
        ("year: 2025", "year: twenty", r"Expected `int`.* - at `\$\.years\[1\]\.year`"),
        ("year: 2025", "year: 2024", r"years must ascend without repeats, not \[2024, 2024\]"),
        ("year: 2025", "year: 2023", r"years must ascend without repeats, not \[2024, 2023\]"),
        ("2024-05-05}", "2024-05-05", r"while parsing a flow mapping\n.*line 8, column 9"),
        ("May", "\x07", r"special characters are not allowed\n.*position"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(sound: str, bad: str, message: str) -> None:
    assert sound in SOUND
    with pytest.raises(CalendarError, match=message):
        load_calendar(SOUND.replace(sound, bad, 1))


def test_a_day_off_in_one_year_cannot_be_made_up_in_the_notice_of_another() -> None:
    across = SOUND + "    make_up_workdays: [2024-05-04]\n"
    with pytest.raises(CalendarError, match=r"2024-05-04 is both"):
        load_calendar(across)


@pytest.mark.parametrize("text", ["", "[]", "cn", b"\xff", "? [a]\n: b", "&x [*x]"])
def test_anything_else_is_refused(text: str | bytes) -> None:
    with pytest.raises(CalendarError):
        load_calendar(text)
