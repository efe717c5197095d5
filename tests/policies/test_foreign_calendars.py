"""The calendars of England and Wales and of the United States, held against the rules that their holidays follow."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from policies.book import HERE
from policies.calendar import Calendar, load_calendar

GB, US = (load_calendar((HERE / "calendars" / f"{id_}.yaml").read_bytes()) for id_ in ("gb@2026.1", "us@2026.1"))
YEARS = range(2023, 2027)
DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def easter(year: int) -> date:
    """Easter Sunday by the Gregorian reckoning: the Sunday after the full moon of the golden number (Meeus)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th such weekday of a month; the last for -1."""
    days = [day for day in days_of(year) if day.month == month and day.weekday() == weekday]
    return days[n - 1 if n > 0 else n]


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + n * DAY for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


def holidays(calendar: Calendar, year: int) -> set[date]:
    """The weekdays that are not worked."""
    return {day for day in days_of(year) if day.weekday() < SATURDAY and not calendar.is_working_day(day)}


def bank_holidays(year: int) -> Iterator[date]:
    """England and Wales: what falls on a weekend is made up for on the next weekday that is free."""
    yield easter(year) - 2 * DAY
    yield easter(year) + DAY
    yield nth(year, 5, MONDAY, 1)
    yield nth(year, 5, MONDAY, -1)
    yield nth(year, 8, MONDAY, -1)
    new_year = date(year, 1, 1)
    yield new_year if new_year.weekday() < SATURDAY else nth(year, 1, MONDAY, 1)
    christmas = date(year, 12, 25)
    weekdays = (christmas + n * DAY for n in range(5) if (christmas + n * DAY).weekday() < SATURDAY)
    # Christmas and Boxing Day take the first two weekdays, whichever of them stands in for which.
    yield next(weekdays)
    yield next(weekdays)
    if year == 2023:
        yield date(2023, 5, 8)  # the coronation


def federal_holidays(year: int) -> Iterator[date]:
    """The United States: what falls on a Saturday is observed the day before, on a Sunday the day after."""
    for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25)):
        fixed = date(year, month, day)
        yield fixed + {SATURDAY: -DAY, SUNDAY: DAY}.get(fixed.weekday(), timedelta())
    for month, weekday, n in ((1, MONDAY, 3), (2, MONDAY, 3), (5, MONDAY, -1), (9, MONDAY, 1), (10, MONDAY, 2)):
        yield nth(year, month, weekday, n)
    yield nth(year, 11, THURSDAY, 4)


@pytest.mark.parametrize("year", YEARS)
def test_bank_holidays_follow_their_rules(year: int) -> None:
    assert holidays(GB, year) == set(bank_holidays(year))


@pytest.mark.parametrize("year", YEARS)
def test_federal_holidays_follow_their_rules(year: int) -> None:
    assert holidays(US, year) == set(federal_holidays(year))


def test_easter_is_reckoned_right() -> None:
    """Against the extremes and a well-known one."""
    assert [easter(year) for year in (1818, 1943, 2000)] == [date(1818, 3, 22), date(1943, 4, 25), date(2000, 4, 23)]


@pytest.mark.parametrize("calendar", [GB, US], ids=["gb", "us"])
def test_all_years_are_published_and_no_weekend_is_worked(calendar: Calendar) -> None:
    assert calendar.published_years == set(YEARS)
    assert not [
        day for year in YEARS for day in days_of(year) if day.weekday() >= SATURDAY and calendar.is_working_day(day)
    ]


@pytest.mark.parametrize("calendar", [GB, US], ids=["gb", "us"])
def test_a_holiday_is_named_and_never_on_a_weekend(calendar: Calendar) -> None:
    for published in calendar.years:
        for holiday in published.holidays:
            assert holiday.name
            assert holiday.first == holiday.last
            assert holiday.first.weekday() < SATURDAY
            assert holiday.first.year == published.year


@pytest.mark.parametrize(
    ("calendar", "received", "days", "due"),
    [
        (GB, "2026-03-31 12:00", 3, "2026-04-07 17:00"),  # over Easter
        (GB, "2026-12-23 23:30", 3, "2026-12-30 17:00"),  # Christmas, and Boxing Day's substitute
        (GB, "2024-03-28 09:00", 1, "2024-04-02 17:00"),
        (US, "2026-07-02 12:00", 1, "2026-07-06 17:00"),  # Independence Day is observed on the 3rd
        (US, "2025-11-26 12:00", 1, "2025-11-28 17:00"),
        (US, "2023-11-09 20:00", 2, "2023-11-14 17:00"),
    ],
)
def test_working_days_are_counted_in_the_local_day(calendar: Calendar, received: str, days: int, due: str) -> None:
    zone = ZoneInfo(calendar.timezone)
    start, end = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (received, due))
    assert calendar.add_working_days(start, days, time(17)) == end
    assert calendar.add_working_days(start.astimezone(UTC), days, time(17)) == end


@pytest.mark.parametrize(
    ("calendar", "received", "due"),
    [
        (GB, "2026-03-28T12:00+00:00", "2026-03-29T16:00+00:00"),  # summer time begins in the night
        (US, "2026-10-31T12:00+00:00", "2026-11-01T22:00+00:00"),  # and ends
    ],
)
def test_a_day_closes_by_the_local_clock_when_that_is_changed(calendar: Calendar, received: str, due: str) -> None:
    closing = calendar.add_calendar_days(datetime.fromisoformat(received), 1, time(17))
    assert closing == datetime.fromisoformat(due)
