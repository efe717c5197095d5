"""Each row of the conduct table: what it costs, whether it is passive service, and the figures by which it is found."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from policies.book import default_book
from policies.schema import Category, Counted
from states import events, facts
from states.transcript import Message, Speaker, examine
from tests.figures.cases import allowed, filed, found, refusal, ruling, unwindowed
from tests.states.story import SELLER, START, Story, text

SHANGHAI = ZoneInfo("Asia/Shanghai")
STAFF = "staff-11"
HOURS = 3_600
DAY = timedelta(days=1)

Line = tuple[int, str, str]
"""Seconds after the start; who: C the customer, S the staff; what they say."""


class Row(NamedTuple):
    """A row: the amount in fen, the rule, whether it is passive service, and a chat that shows it."""

    amount_fen: int
    rule: str
    passive: bool = False
    shown_by: tuple[Line, ...] = ()


def reply(said: str, after: int = 10) -> tuple[Line, ...]:
    """A chat that is impeccable but for one reply."""
    return (
        (0, "C", "在吗"),
        (5, "S", "亲,您好,欢迎光临小店~"),
        (60, "C", "请问这个怎么弄?"),
        (60 + after, "S", said),
        (1_000, "C", "好的谢谢"),
        (1_005, "S", "不客气,祝您生活愉快,再见~"),
    )


def replies(*said: str) -> tuple[Line, ...]:
    """Questions with these replies, between courtesies."""
    asked = [line for n, each in enumerate(said, 1) for line in ((60 * n, "C", "这个呢?"), (60 * n + 5, "S", each))]
    end = 60 * len(said) + 60
    return (*reply("")[:2], *asked, (end, "C", "好的谢谢"), (end + 5, "S", "不客气,祝您生活愉快,再见~"))


GOOD_ANSWER = "这件衣服是纯棉面料做的"
CHARACTERS = (
    "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃"
    "辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈"
)
"""No two neighbours are there twice."""


def different(count: int) -> tuple[str, ...]:
    """So many replies of six characters of which none is like another."""
    return tuple(CHARACTERS[6 * n : 6 * n + 6] for n in range(count))


ROWS = {
    "average_response": Row(0, "CON-2", True, reply(GOOD_ANSWER, after=358)),
    "unanswered": Row(2_000, "CON-2", True, reply(GOOD_ANSWER)[:3]),
    "impatience": Row(0, "CON-2", True, reply("您别催了,今天会发货的")),
    "coldness": Row(0, "CON-2", True, reply("尺码表在详情页,自己看吧")),
    "arrogance": Row(0, "CON-2", True, reply("您这样说,尽管投诉好了")),
    "rhetorical_question": Row(0, "CON-2", True, reply("难道详情页没有写清楚")),
    "late_reply": Row(2_000, "CON-4", False, reply(GOOD_ANSWER, after=301)),
    "repeated_reply": Row(0, "CON-3", False, replies(GOOD_ANSWER, GOOD_ANSWER)),
    "short_reply": Row(1_000, "CON-4", False, reply("不知道呢")),
    "mere_particle": Row(1_000, "CON-4", False, reply("哦哦")),
    "no_opening": Row(1_000, "CON-4", False, ((0, "C", "在吗"), (5, "S", GOOD_ANSWER), *reply(GOOD_ANSWER)[4:])),
    "no_closing": Row(1_000, "CON-4", False, reply(GOOD_ANSWER)[:4]),
    "rude_wording": Row(10_000, "CON-4", False, reply("你是不是傻子,看不到吗")),
    "arguing": Row(0, "CON-1", False, reply("您这是无理取闹,不可能的")),
    "blame_shifting": Row(0, "CON-1", False, reply("包裹丢了不是我们的责任")),
    # What an agent records.
    "status_not_set": Row(2_000, "CON-4"),
    "no_recommendations": Row(1_000, "CON-4"),
    "order_not_confirmed": Row(1_000, "CON-4"),
    "silent_buyer_not_asked": Row(2_000, "CON-4"),
    "simple_refund_late": Row(3_000, "CON-4"),
    "no_handover": Row(3_000, "CON-4"),
    "untruthful": Row(0, "CON-5"),
    "unauthorised_change": Row(0, "CON-5"),
    "secret_disclosed": Row(0, "CON-5"),
    "customer_criticised": Row(0, "CON-5"),
}
FOUND = [name for name, row in ROWS.items() if row.shown_by]


def shown(*lines: Line, start: datetime = START) -> list[str]:
    """The rows that a chat shows, by the platform's pack in force now."""
    chat = tuple(
        Message(
            id=f"m{number}",
            at=start + timedelta(seconds=after),
            by=Speaker.CUSTOMER if who == "C" else Speaker.STAFF,
            text=said,
            staff=None if who == "C" else STAFF,
        )
        for number, (after, who, said) in enumerate(lines)
    )
    rules = default_book().in_force("platform", START).pack.conduct
    return [finding.row for finding in examine(chat, rules, SHANGHAI)]


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOUND)
def test_a_transcript_shows_the_row(name: str) -> None:
    assert name in shown(*ROWS[name].shown_by)
    assert not shown(*reply(GOOD_ANSWER))


@pytest.mark.parametrize("name", list(ROWS))
@pytest.mark.rule("PEN-3")
def test_a_row_has_its_amount_and_counts_as_passive_service_or_does_not(name: str) -> None:
    row = ROWS[name]
    story = filed(Category.QUALITY)
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    demand: dict[str, Any] = {"demand": "reorder"} if name == "simple_refund_late" else {}
    recorded: dict[str, Any] = {"row": name, "staff": STAFF, "conduct_at": START - DAY}
    entry = story.accepted(events.RecordConduct, **recorded, **demand)
    (fact,) = (fact for fact in entry.facts if isinstance(fact, facts.StaffConductFound))
    assert (fact.conduct.amount_fen, fact.rules) == (row.amount_fen, (row.rule,))
    found(story).accepted(events.CallForRuling)
    story.accepted(events.IssueRuling, **ruling(unwindowed(Category.QUALITY)))
    counted = {each.counts for each in story.open_case.occurrences}
    assert (Counted.PASSIVE_SERVICE in counted) is row.passive


def test_the_table_is_complete() -> None:
    """A row that is none is told the rows that there are."""
    recorded: dict[str, Any] = {"row": "no_such_row", "staff": STAFF, "conduct_at": START - DAY}
    told = refusal(Story().to_acceptance(), events.RecordConduct, **recorded)
    assert told is not None
    assert set(told.message.partition("not one of ")[2].split(", ")) == set(ROWS)


@pytest.mark.rule("CON-6")
def test_simple_refund_late_is_limited_to_simple_reasons_once_reported_upwards() -> None:
    story = Story().to_acceptance()
    recorded: dict[str, Any] = {"row": "simple_refund_late", "staff": STAFF, "conduct_at": START - DAY}
    assert not allowed(story, events.RecordConduct, **recorded)
    for reported in (False, True):
        for demand in ("ordered_by_mistake", "reorder", "changed_mind", "damaged"):
            exempt = reported and demand == "damaged"
            assert allowed(story, events.RecordConduct, **recorded, demand=demand) is not exempt, demand
        story.accepted(events.EscalateCase)


@pytest.mark.parametrize("name", [name for name in ROWS if name != "simple_refund_late"])
def test_simple_reasons_limit_no_other_row(name: str) -> None:
    story = Story().to_acceptance()
    story.accepted(events.EscalateCase)
    assert allowed(story, events.RecordConduct, row=name, staff=STAFF, conduct_at=START - DAY)


# --- figures --------------------------------------------------------------------------------------


def test_average_response_is_over_180_seconds() -> None:
    def answered_after(seconds: int) -> tuple[Line, ...]:
        return ((0, "C", "这个是什么面料?"), (seconds, "S", "您好,这件是纯棉的"))

    assert "average_response" not in shown(*answered_after(180))
    assert "average_response" in shown(*answered_after(181))


def test_late_reply_is_over_5_minutes() -> None:
    assert "late_reply" not in shown(*reply(GOOD_ANSWER, after=300))
    assert "late_reply" in shown(*reply(GOOD_ANSWER, after=301))


def test_repeated_reply_has_similar_percent_of_80() -> None:
    """Neighbouring characters are compared: four of five pairs, and nineteen of twenty-four."""
    assert "repeated_reply" in shown(*replies(CHARACTERS[:6], CHARACTERS[:5] + "霜"))
    assert "repeated_reply" not in shown(*replies(CHARACTERS[:25], CHARACTERS[:20] + CHARACTERS[40:45]))


def test_repeated_reply_has_min_characters_of_6() -> None:
    assert "repeated_reply" in shown(*replies("子丑寅卯辰巳", "子丑寅卯辰巳"))
    assert "repeated_reply" not in shown(*replies("子丑寅卯辰", "子丑寅卯辰"))


def test_repeated_reply_is_sought_among_10_replies() -> None:
    said, *others = different(11)
    assert "repeated_reply" in shown(*replies(said, *others[:9], said))
    assert "repeated_reply" not in shown(*replies(said, *others, said))


def test_short_reply_is_under_5_characters() -> None:
    assert "short_reply" in shown(*reply("不知道呢"))
    assert "short_reply" not in shown(*reply("我不知道呢"))


def test_conversation_gap_hours_are_6() -> None:
    """After a longer silence staff open with a courtesy again."""

    def silence(seconds: int) -> list[str]:
        answer = (("C", "几号能发货?", 0), ("S", GOOD_ANSWER, 5), ("C", "明天能到吗?", 6), ("S", "祝您生活愉快", 9))
        later = tuple((1_005 + seconds + after, who, said) for who, said, after in answer)
        return shown(*reply(GOOD_ANSWER), *later)

    assert "no_opening" not in silence(6 * HOURS)
    assert "no_opening" in silence(6 * HOURS + 1)


def test_in_force_from_2010_02_02_with_no_end() -> None:
    """Days begin in Shanghai."""
    began = datetime(2010, 2, 2, tzinfo=SHANGHAI).astimezone(UTC)
    rude = ((0, "C", "在吗"), (0, "S", "亲,你是不是傻子"))
    assert "rude_wording" not in shown(*rude, start=began - timedelta(seconds=1))
    assert "rude_wording" in shown(*rude, start=began)
    assert "rude_wording" in shown(*rude, start=datetime(2099, 1, 1, tzinfo=UTC))
    story = Story().to_acceptance()
    recorded: dict[str, Any] = {"row": "untruthful", "staff": STAFF}
    assert allowed(story, events.RecordConduct, **recorded, conduct_at=began)
    assert not allowed(story, events.RecordConduct, **recorded, conduct_at=began - timedelta(seconds=1))
