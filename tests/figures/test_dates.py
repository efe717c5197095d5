"""From which day a pack is in force, and by which days it counts."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policies import __main__ as command
from policies.book import default_book
from policies.schema import ClockKind
from tests.states.story import Story, order

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECOND = timedelta(seconds=1)


def received(at: datetime, **changes: object) -> Story:
    story = Story(start=at)
    story.order = order(purchased_at=at - timedelta(days=3), received_at=at - timedelta(days=1))
    story.file(**changes)
    return story


@pytest.mark.rule("PEN-4")
def test_effective_from_2024_07_22_in_shanghai() -> None:
    began = datetime(2024, 7, 22, tzinfo=SHANGHAI).astimezone(UTC)
    assert received(began).open_case.policy.version == "2024-07-22"
    assert received(began - SECOND).open_case.policy.version == "2020-01-01"
    assert received(datetime(2099, 1, 1, tzinfo=UTC)).open_case.policy.version == "2024-07-22"


@pytest.mark.rule("PEN-4")
def test_effective_from_2020_01_01_in_shanghai() -> None:
    began = datetime(2020, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
    assert received(began).open_case.policy.version == "2020-01-01"
    answer = Story(start=began - SECOND).file()
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule) == ("unknown_procedure", "PEN-4")


def test_calendar_is_the_chinese_one() -> None:
    """On 6 April 2026 the Chinese are off, for Qingming; the English too, for Easter; the Americans are not. On 3 April
    the English are off alone.
    """
    story = received(datetime(2026, 4, 2, 1, 0, tzinfo=UTC))
    due = story.clock(ClockKind.RESULT).due
    assert due == datetime(2026, 4, 14, 18, 0, tzinfo=SHANGHAI)


LISTED = {
    "platform@2020-01-01": "from 2020-01-01 until 2024-07-22  cn@2026.1",
    "platform@2024-07-22": "from 2024-07-22 with no end  cn@2026.1",
    "regulator@2020-01-01": "from 2020-01-01 until 2026-04-15  cn@2026.1  illustrative",
    "regulator@2026-04-15": "from 2026-04-15 with no end  cn@2026.1  illustrative",
    "uk_disp@2020-01-01": "from 2020-01-01 with no end  gb@2026.1  illustrative",
    "us_cfpb@2020-01-01": "from 2020-01-01 with no end  us@2026.1  illustrative",
}


def test_effective_from_and_effective_until_calendar_and_illustrative_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pack ends where the next one begins, and also says so itself."""
    monkeypatch.setattr(command, "load_book", lambda directory: default_book())
    command.check()
    rows = (line.split("  ", 2) for line in capsys.readouterr().out.splitlines())
    assert {pack: rest for pack, _, rest in rows} == LISTED
