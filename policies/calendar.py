"""Working time: which days count, and what a length in days means as an instant.

A calendar is data (`calendars/<name>@<version>.yaml`). Everything that it answers is either a whole
number of days or an absolute instant in UTC, so a deadline once computed never moves when a newer
calendar arrives (SLA-3). No clock is read here: every instant is an argument.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from policies import plain_yaml

_DAY = timedelta(days=1)
_MIDNIGHT = time()
_SATURDAY = 5


class CalendarError(ValueError):
    """A calendar file that cannot be used; the message names the place in the file."""


class Holiday(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consecutive days off, `first` to `last` inclusive."""

    name: str
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"holiday {self.name} ends on {self.last}, before {self.first}")

    def days(self) -> Iterator[date]:
        return _days(self.first, self.last)


class PublishedYear(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One year as published: days off, and weekend days worked in exchange (调休)."""

    year: Annotated[int, msgspec.Meta(ge=1900, le=2999)]
    notice: str
    """The official notice that the days come from."""
    holidays: tuple[Holiday, ...] = ()
    make_up_workdays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        bounds = (day for holiday in self.holidays for day in (holiday.first, holiday.last))
        for day in (*bounds, *self.make_up_workdays):
            # A notice may reach over New Year: the one for 2023 begins on 2022-12-31.
            if abs(day.year - self.year) > 1:
                raise ValueError(f"{day} is too far from the year {self.year}")
        for day in self.make_up_workdays:
            if day.weekday() < _SATURDAY:
                raise ValueError(f"make-up workday {day} is not a Saturday or Sunday")


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """The working days of one place, in one time zone.

    Years that are not published count Monday to Friday and are provisional. Every method that
    takes an instant raises ValueError for one without a time zone. A `closing` is the local time
    at which a day ends for a deadline: none, or 00:00, is the midnight that ends the day, and so
    an instant at midnight, as the end of a period, belongs to the day that it ends.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]*\Z")]
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}\.[0-9]+\Z")]
    timezone: str
    """IANA name of the zone in which days begin and end."""
    years: tuple[PublishedYear, ...]

    def __post_init__(self) -> None:
        _ = self._zone
        given = [published.year for published in self.years]
        if given != sorted(set(given)):
            raise ValueError(f"years must ascend without repeats, not {given}")
        for day in sorted(self._days_off & self._days_made_up):
            raise ValueError(f"{day} is both a holiday and a make-up workday")

    @property
    def id(self) -> str:
        """The calendar's address, such as `cn@2026.1`."""
        return f"{self.name}@{self.version}"

    @cached_property
    def published_years(self) -> frozenset[int]:
        return frozenset(published.year for published in self.years)

    def is_working_day(self, day: date) -> bool:
        _refuse_instant(day)
        if day in self._days_made_up:
            return True
        return day.weekday() < _SATURDAY and day not in self._days_off

    def is_provisional(self, day: date) -> bool:
        """Whether the day lies in a year whose calendar was not yet published."""
        _refuse_instant(day)
        return day.year not in self.published_years

    def add_working_days(self, start: datetime, days: int, closing: time | None) -> datetime:
        """`closing` of the `days`-th working day after the day of `start`, which does not count.

        0 days is `closing` of the day of `start` itself: it may be a day off, and the result may
        lie before `start`.
        """
        _refuse_negative(days)
        day = self._local_day(start)
        while days:
            day += _DAY
            days -= self.is_working_day(day)
        return self._close(day, closing)

    def working_days_between(self, start: datetime, end: datetime) -> int:
        """Working days after the day of `start`, up to and including the day of `end`.

        Undoes `add_working_days`. 0 when `end` is not on a later day.
        """
        return self._count(self._local_day(start) + _DAY, self._day_ended_by(end))

    def whole_working_days_within(self, start: datetime, end: datetime) -> int:
        """Working days covered from local midnight to local midnight: 17:00 to 09:00 is none."""
        return self._count(self._day_ended_by(start) + _DAY, self._local_day(end) - _DAY)

    def add_calendar_days(self, start: datetime, days: int, closing: time | None) -> datetime:
        """`closing` of the `days`-th day after the day of `start`, whether worked or not."""
        _refuse_negative(days)
        return self._close(self._local_day(start) + days * _DAY, closing)

    def end_of_day(self, start: datetime) -> datetime:
        """The local midnight that ends the day of `start` (SLA-6)."""
        return self._close(self._local_day(start), None)

    def deadline_is_provisional(self, start: datetime, due: datetime) -> bool:
        """Whether any day after that of `start`, up to that of `due`, is provisional."""
        days = _days(self._local_day(start) + _DAY, self._day_ended_by(due))
        return any(map(self.is_provisional, days))

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"timezone {self.timezone!r} is not an IANA time zone") from error

    @cached_property
    def _days_off(self) -> frozenset[date]:
        return frozenset(day for year in self.years for holiday in year.holidays for day in holiday.days())

    @cached_property
    def _days_made_up(self) -> frozenset[date]:
        return frozenset(day for year in self.years for day in year.make_up_workdays)

    def _local_day(self, instant: datetime) -> date:
        return _utc(instant).astimezone(self._zone).date()

    def _day_ended_by(self, instant: datetime) -> date:
        return self._local_day(_utc(instant) - timedelta.resolution)

    def _close(self, day: date, closing: time | None) -> datetime:
        if closing is None or closing == _MIDNIGHT:
            day, closing = day + _DAY, _MIDNIGHT
        if closing.tzinfo is not None:
            raise ValueError(f"closing {closing.isoformat()} must be local, without a time zone")
        return datetime.combine(day, closing, self._zone).astimezone(UTC)

    def _count(self, first: date, last: date) -> int:
        return sum(map(self.is_working_day, _days(first, last)))


def load_calendar(text: str | bytes) -> Calendar:
    """Read a calendar from YAML.

    Raises CalendarError, whose message names the place, for anything but a sound calendar.
    """
    try:
        return plain_yaml.load(text, Calendar)
    except ValueError as error:
        raise CalendarError(str(error)) from error


def _days(first: date, last: date) -> Iterator[date]:
    return (first + n * _DAY for n in range((last - first).days + 1))


def _utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC)


def _refuse_instant(day: date) -> None:
    # A datetime passes for a date, is never equal to one, and so would count holidays as worked.
    if isinstance(day, datetime):
        raise TypeError(f"a day is asked about by its date, not by the instant {day.isoformat()}")


def _refuse_negative(days: int) -> None:
    if days < 0:
        raise ValueError(f"a length in days cannot be negative, not {days}")
