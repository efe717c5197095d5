"""What a transcript shows of the conduct of staff, and what it does not."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.book import default_book
from policies.conduct import ConductRules, Lexicon, RepeatedReply
from states.transcript import (
    MAX_BYTES,
    MAX_CHARACTERS,
    MAX_MESSAGES,
    ConductFinding,
    Measure,
    Message,
    Speaker,
    Transcript,
    examine,
    read_transcript,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 6, 1, 9, 0, tzinfo=SHANGHAI)
RULES = default_book().in_force("platform", START).pack.conduct
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)

Line = tuple[float, str, str]
"""Seconds after the start; who: C the customer, A the software, S1, S2 and so on the staff; what they say."""


def chat(*lines: Line, start: datetime = START) -> Transcript:
    """A transcript whose messages are m0, m1 and so on."""
    return tuple(
        Message(
            id=f"m{number}",
            at=start + after * SECOND,
            by={"C": Speaker.CUSTOMER, "A": Speaker.AUTOMATIC}.get(who, Speaker.STAFF),
            text=text,
            staff=who if who.startswith("S") else None,
        )
        for number, (after, who, text) in enumerate(lines)
    )


def found(transcript: Transcript, row: str | None = None, rules: ConductRules = RULES) -> list[ConductFinding]:
    """The findings, of one row or of all."""
    return [finding for finding in examine(transcript, rules, SHANGHAI) if row in (None, finding.row)]


def cited(transcript: Transcript, row: str) -> list[str]:
    return [finding.message for finding in found(transcript, row)]


def answered(*replies: str) -> Transcript:
    """A conversation that is impeccable but for the replies, each to a question of its own."""
    lines: list[Line] = [(0, "C", "在吗"), (5, "S1", "亲,您好,欢迎光临小店~")]
    for number, reply in enumerate(replies, start=1):
        lines += [(60 * number, "C", "请问这个怎么弄?"), (60 * number + 10, "S1", reply)]
    end = 60 * len(replies) + 60
    return chat(*lines, (end, "C", "好的谢谢"), (end + 5, "S1", "不客气,祝您生活愉快,再见~"))


ASKED = "m2"
REPLY = "m3"
"""The first question and the first reply in such a conversation."""


# --- a chat as it should be -----------------------------------------------------------------------


def test_good_service_shows_nothing() -> None:
    assert not found(
        chat(
            (0, "C", "你好,请问这件T恤XL码还有货吗?"),
            (1, "A", "亲,客服正在赶来的路上~"),
            (40, "S1", "亲,您好,欢迎光临!"),
            (50, "S1", "XL码白色还有12件,今天下单明天发货哦"),
            (90, "C", "发什么快递"),
            (120, "S1", "默认发顺丰的,您有指定的快递可以留言"),
            (150, "C", "嗯嗯好的,谢谢"),
            (160, "S1", "嗯嗯"),
            (165, "S1", "不客气,祝您购物愉快~"),
        )
    )


def test_a_finding_says_what_was_found_and_no_word_of_what_was_said() -> None:
    transcript = answered("你是不是傻子,给我滚蛋")
    (finding,) = found(transcript)
    assert finding == ConductFinding(
        row="rude_wording", staff="S1", message=REPLY, at=transcript[3].at, figure=2, unit=Measure.EXPRESSIONS
    )


def test_nothing_of_the_text_is_in_any_finding() -> None:
    transcript = chat(
        (0, "C", "发票呢"), (400, "S1", "滚蛋"), (401, "C", "发票呢"), (402, "S2", "哦"), (403, "C", "我要投诉你们")
    )
    findings = found(transcript)
    assert len({finding.row for finding in findings}) >= 6
    assert msgspec.json.encode(findings).decode().isascii()


def test_no_rows_no_findings() -> None:
    assert not found(answered("滚蛋"), rules=replace(RULES, rows={}))


def test_rows_without_a_detector_are_never_found() -> None:
    recorded = {name: row for name, row in RULES.rows.items() if row.detector is None}
    assert len(recorded) == 10
    assert not found(answered("滚蛋", "哦", "没有"), rules=replace(RULES, rows=recorded))


# --- response times -------------------------------------------------------------------------------

HELLO = "亲,您好,有什么可以帮您?"
BYE = "好的亲,祝您生活愉快!"


@pytest.mark.parametrize(("seconds", "figure"), [(299, None), (300, None), (300.25, 301), (301, 301), (86_400, 86_400)])
def test_an_answer_is_late_after_five_minutes(seconds: float, figure: int | None) -> None:
    late = found(chat((0, "C", "有货吗"), (seconds, "S1", HELLO)), "late_reply")
    assert [(f.message, f.about, f.figure, f.unit) for f in late] == (
        [("m1", "m0", figure, Measure.SECONDS)] if figure else []
    )


@pytest.mark.parametrize(("seconds", "figure"), [((180,), None), ((181,), 181), ((180, 180.5), 181), ((1, 359), None)])
def test_the_average_is_slow_over_180_seconds(seconds: Sequence[float], figure: int | None) -> None:
    lines: list[Line] = []
    for number, response in enumerate(seconds):
        lines += [(1000 * number, "C", "有货吗"), (1000 * number + response, "S1", HELLO)]
    slow = found(chat(*lines), "average_response")
    assert [f.figure for f in slow] == ([figure] if figure else [])


def test_the_average_cites_the_slowest_answer_of_each_person() -> None:
    transcript = chat(
        (0, "C", "有货吗"),
        (200, "S1", HELLO),
        (300, "C", "什么时候发货"),
        (600, "S1", "亲,今天下单明天发货的"),
        (700, "C", "能开发票吗"),
        (710, "S2", "亲,可以开具电子发票的"),
        (800, "C", "怎么开"),
        (1200, "S1", BYE),
    )
    (slow,) = found(transcript, "average_response")
    assert (slow.staff, slow.message, slow.figure) == ("S1", "m7", 300)
    assert [f.figure for f in found(transcript, "late_reply")] == [400]


def test_a_turn_runs_from_the_first_message_without_an_answer() -> None:
    transcript = chat((0, "C", "有货吗"), (290, "C", "人呢"), (301, "S1", HELLO), (320, "S1", "有货的,您放心拍"))
    assert [(f.about, f.figure) for f in found(transcript, "late_reply")] == [("m0", 301)]


@pytest.mark.parametrize(
    "text", ["好的", "好的谢谢", "嗯嗯,知道了", "谢谢亲~", "OK!", "thanks", "😊", "没有问题了", "那就这样吧,再见"]
)
def test_an_acknowledgement_calls_for_no_answer(text: str) -> None:
    transcript = chat((0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", text))
    assert not found(transcript, "unanswered")
    assert not found((*transcript, *chat((900, "S1", BYE))), "late_reply")


@pytest.mark.parametrize("text", ["好的?", "嗯?", "在吗", "谢谢,那什么时候发货", "[图片]", "可以吗", "没收到货", "???"])
def test_anything_else_does(text: str) -> None:
    assert cited(chat((0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", text)), "unanswered") == ["m2"]


def test_what_no_person_ever_answers_is_unanswered() -> None:
    transcript = chat((0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", "白色的"), (30, "C", "人呢"), (31, "A", HELLO))
    (finding,) = found(transcript, "unanswered")
    assert (finding.staff, finding.message, finding.figure, finding.unit) == ("S1", "m2", 2, Measure.MESSAGES)


def test_a_question_that_nobody_took_on_is_nobodys() -> None:
    (alone,) = found(chat((0, "C", "有货吗"), (1, "A", HELLO)))
    assert (alone.row, alone.staff) == ("unanswered", "")
    days_later = chat((0, "C", "有货吗"), (9, "S1", HELLO), (200_000, "C", "请问发货了吗"))
    assert [f.staff for f in found(days_later, "unanswered")] == [""]


# --- openings and closings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", ["有货的,直接拍", "这款面料亲肤透气", "你要哪个尺码", "要自己去申请退款", "哈喽呀宝子们"]
)
def test_a_conversation_that_opens_without_courtesy(first: str) -> None:
    transcript = chat((0, "C", "有货吗"), (9, "S1", first), (20, "C", "好的"), (25, "S1", BYE))
    (finding,) = found(transcript, "no_opening")
    assert (finding.message, finding.figure, finding.unit) == ("m1", 1, Measure.MESSAGES)


@pytest.mark.parametrize(
    "first", ["您好", "亲,有货的哦", "请问您要哪个尺码?", "Hello~有货的", "久等了,有货的", "你好,在的"]
)
def test_a_conversation_that_opens_with_courtesy(first: str) -> None:
    assert not found(chat((0, "C", "有货吗"), (9, "S1", first), (20, "C", "好的"), (25, "S1", BYE)), "no_opening")


def test_the_courtesy_may_come_before_the_customer_speaks_again() -> None:
    assert not found(chat((0, "C", "有货吗"), (9, "S1", "[商品链接]"), (12, "S1", HELLO)), "no_opening")
    assert cited(chat((0, "C", "有货吗"), (9, "S1", "有的哈随便拍"), (12, "C", "啊?"), (15, "S1", HELLO)), "no_opening")


def test_a_greeting_by_software_is_no_courtesy() -> None:
    assert cited(chat((0, "C", "有货吗"), (1, "A", HELLO), (9, "S1", "有货的直接拍")), "no_opening") == ["m2"]


@pytest.mark.parametrize(
    ("last", "missing"), [("明天就发货了", True), ("明天就发货了哦亲", False), ("祝你愉快", False)]
)
def test_a_conversation_closes_with_courtesy(last: str, missing: bool) -> None:
    transcript = chat((0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", "几时发货"), (25, "S2", last), (30, "C", "好的"))
    assert [(f.staff, f.message) for f in found(transcript, "no_closing")] == ([("S2", "m3")] if missing else [])


def test_a_conversation_that_was_left_open_has_no_closing_to_miss() -> None:
    transcript = chat(
        (0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", "几时发货"), (25, "S1", "明天发货"), (30, "C", "哪家")
    )
    assert [f.row for f in found(transcript)] == ["short_reply", "unanswered"]


def test_one_sentence_lacks_its_courtesy_once() -> None:
    assert [f.row for f in found(chat((0, "C", "有货吗"), (9, "S1", "这款没有货了")))] == ["no_opening"]


@pytest.mark.parametrize(("silence", "conversations"), [(6 * HOUR, 1), (6 * HOUR + SECOND, 2)])
def test_a_new_conversation_begins_after_a_long_silence(silence: timedelta, conversations: int) -> None:
    again = silence.total_seconds() + 20
    lines: list[Line] = [(0, "C", "有货吗"), (10, "S1", "有货的,直接拍"), (20, "C", "好的")]
    transcript = chat(*lines, (again, "C", "发货没有"), (again + 5, "S1", "已经发货了哈"))
    assert cited(transcript, "no_opening") == ["m1", "m4"][:conversations]


def test_software_neither_bridges_a_silence_nor_breaks_in() -> None:
    line: Line = (9, "S1", "有货的,直接拍")
    assert cited(chat((0, "C", "有货吗"), line, (15_000, "A", HELLO), (30_000, "S1", "还有货哈")), "no_opening") == [
        "m1",
        "m3",
    ]
    assert not found(chat((0, "C", "有货吗"), line, (10, "A", "[评价邀请]"), (11, "S1", HELLO)), "no_opening")


# --- short replies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("不知道", 3),
        ("不清楚", 3),
        ("没有货了", 4),
        ("没,有,货,了!!!", 4),
        ("没 有 货 了", 4),
        ("不是。", 2),
        ("好的亲", 3),
        ("OK", 2),
    ],
)
def test_a_reply_of_under_five_characters(text: str, characters: int) -> None:
    (finding,) = found(answered(text))
    assert (finding.row, finding.message, finding.figure) == ("short_reply", REPLY, characters)
    assert finding.unit is Measure.CHARACTERS


@pytest.mark.parametrize(
    "text",
    [
        "没有货了哦",
        "嗯嗯好的亲",
        "99元",
        "¥99",
        "99",
        "A12",
        "XL",
        "xl码",
        "十元",
        "顺丰",
        "均码",
        "SF123",
        "[图片]",
        "https://t.cn/a",
        "您好",
        "在的亲",
        "请稍等",
        "不客气",
        "再见~",
    ],
)
def test_a_short_reply_that_says_enough(text: str) -> None:
    assert not found(answered(text))


def test_each_short_line_of_an_answer_counts() -> None:
    transcript = chat((0, "C", "有货吗"), (9, "S1", HELLO), (10, "S1", "有的"), (11, "S1", "随便拍"), (12, "S1", BYE))
    assert cited(transcript, "short_reply") == ["m2", "m3"]


@pytest.mark.parametrize("text", ["哦", "哦哦", "啊", "嗯啊", "嗯", "呵呵呵呵呵呵呵", "嗯……", "😊", "。。。"])
def test_a_reply_of_mere_particles(text: str) -> None:
    (finding,) = found(answered(text))
    assert (finding.row, finding.message, finding.unit) == ("mere_particle", REPLY, Measure.CHARACTERS)


@pytest.mark.parametrize("text", ["嗯嗯好的亲", "哦哦,这样的话可以退", "哈哈,您说得对", "啊,实在抱歉"])
def test_a_particle_with_something_to_it(text: str) -> None:
    assert not found(answered(text))


@pytest.mark.parametrize("text", ["嗯嗯", "没事"])
def test_what_answers_nothing_may_be_short(text: str) -> None:
    assert not found(chat((0, "C", "有货吗"), (9, "S1", HELLO), (20, "C", "谢谢"), (21, "S1", text), (22, "S1", BYE)))


# --- repetition -----------------------------------------------------------------------------------

SENTENCE = "仓库会在48小时内按订单顺序安排发货"


@pytest.mark.parametrize(
    ("again", "percent"),
    [
        (SENTENCE, 100),
        (f"亲,{SENTENCE}哦~~", 97),
        ("仓库,会在 48 小时内按订单顺序安排发货!", 100),
        ("仓库会在48小时内按订单的顺序安排发货", 91),
        ("您好," + SENTENCE, 100),
    ],
)
def test_the_same_sentence_again(again: str, percent: int) -> None:
    (finding,) = found(answered(SENTENCE, again))
    assert (finding.row, finding.message, finding.about) == ("repeated_reply", "m5", REPLY)
    assert (finding.figure, finding.unit) == (percent, Measure.PERCENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SENTENCE, "仓库会在72小时内按订单顺序安排发货"),
        ("您的订单尾号1234已经发货了", "您的订单尾号1235已经发货了"),
        ("这款红色的有现货", "这款蓝色的要预订"),
        ("您好,很高兴为您服务,请问有什么可以帮您?", "您好,很高兴为您服务,请问有什么可以帮您?"),
        ("抱歉让您久等了", "抱歉,让您久等了~"),
        ("感谢您的支持,祝您生活愉快", "感谢您的支持,祝您生活愉快"),
        ("我帮您查一下,请稍等", "我帮您查一下,请稍等"),
        ("好的可以的", "好的可以的"),
    ],
)
def test_what_is_no_repetition(one: str, other: str) -> None:
    assert not found(answered(one, other))


@pytest.mark.parametrize(("similar", "repeats"), [(91, True), (92, False)])
def test_replies_are_alike_from_a_percentage_on(similar: int, repeats: bool) -> None:
    detector = RepeatedReply(similar_percent=similar, min_characters=6, among_replies=10)
    rules = replace(RULES, rows={"repeated_reply": replace(RULES.rows["repeated_reply"], detector=detector)})
    assert bool(found(answered(SENTENCE, "仓库会在48小时内按订单的顺序安排发货"), rules=rules)) == repeats


def test_every_repetition_is_found_and_the_likest_named() -> None:
    nearly = "仓库会在48小时内按订单的顺序安排发货"
    repeated = found(answered(SENTENCE, nearly, nearly), "repeated_reply")
    assert [(f.message, f.about, f.figure) for f in repeated] == [("m5", "m3", 91), ("m7", "m5", 100)]


def test_another_person_or_another_day_repeats_nothing() -> None:
    asked: Line = (20, "C", "几时发货?")
    first = chat((0, "C", "有货吗"), (9, "S1", HELLO), asked, (30, "S1", SENTENCE), (40, "C", "几时发货?"))
    assert not found((*first, *chat((50, "S2", SENTENCE))), "repeated_reply")
    assert not found((*first, *chat((90_000, "S1", SENTENCE))), "repeated_reply")
    assert found((*first, *chat((50, "S1", SENTENCE))), "repeated_reply")


def test_only_so_many_replies_are_compared() -> None:
    others = [f"第{number}个问题的办法是这样做" for number in range(10)]
    assert found(answered(SENTENCE, *others[:9], SENTENCE), "repeated_reply")
    assert not found(answered(SENTENCE, *others, SENTENCE), "repeated_reply")


# --- wording --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("rude_wording", "你是不是傻子啊"),
        ("rude_wording", "快滚,别来了"),
        ("rude_wording", "傻 逼,不卖给你"),
        ("rude_wording", "傻*逼,不卖给你"),
        ("rude_wording", "真是个SB买家"),
        ("rude_wording", "买不起就别问价格"),
        ("rude_wording", "神经病,一天到晚问"),
        ("impatience", "烦不烦,一直问一直问"),
        ("impatience", "跟你说了多少遍了不包邮"),
        ("impatience", "急什么,等快递就是了"),
        ("coldness", "详情页自己看吧,别的我不回"),
        ("coldness", "爱买不买,不送赠品"),
        ("arrogance", "有本事你去投诉吧"),
        ("arrogance", "小店不差你这一单"),
        ("rhetorical_question", "难道还要我送到你家?"),
        ("rhetorical_question", "你不会看详情页吗?"),
        ("rhetorical_question", "不是说了吗,不包邮的"),
        ("arguing", "你这是胡搅蛮缠,不讲理"),
        ("blame_shifting", "快递弄丢了不关我们的事"),
        ("blame_shifting", "那是你自己的问题吧"),
        ("blame_shifting", "您找快递去问问看"),
    ],
)
def test_wording_that_staff_do_not_use(row: str, text: str) -> None:
    assert [(f.row, f.message) for f in found(answered(text))] == [(row, REPLY)]


@pytest.mark.parametrize(
    "text",
    [
        "这款滚筒洗衣机有10公斤的",
        "快滚筒烘干的话要两小时",
        "傻瓜式操作,老人也会用",
        "USB线随机附赠一条",
        "这双是Nike SB的联名款",
        "去死皮磨砂膏一周用一次",
        "您有病史的话请先问医生",
        "可以定制不要脸部特写的",
        "这个烦恼很多亲都有的",
        "您别烦恼,马上帮您处理",
        "尺码表在详情页,亲可以看一下",
        "颜色随便你选,都有现货",
        "要是无法自己解决就联系我们",
        "您不满意的话可以投诉反馈",
        "您想怎么样处理呢,退货还是换货?",
        "您是要红色的还是蓝色的?",
        "我帮您找快递核实一下物流",
        "不管是不是我们的问题都会帮您处理",
        "这不是您的错,是我们的责任",
        "我没看到图片,您方便再发一次吗?",
        "这个型号不会缩水,放心洗,不会看错吗亲",
    ],
)
def test_wording_that_only_looks_like_it(text: str) -> None:
    assert not found(answered(text))


def test_no_expression_reaches_over_the_end_of_a_clause() -> None:
    assert not found(answered("这一款洗得真快,滚烫的水也行"), "rude_wording")
    assert found(answered("你这人真快滚远一点"), "rude_wording")


def test_what_customers_and_software_say_is_not_looked_at() -> None:
    assert not found(
        chat((0, "C", "有货吗"), (5, "A", "滚蛋"), (9, "S1", HELLO), (20, "C", "滚蛋,傻子"), (25, "S1", BYE))
    )


def test_the_staff_are_told_apart() -> None:
    transcript = chat(
        (0, "C", "有货吗"),
        (9, "S1", HELLO),
        (20, "C", "急"),
        (25, "S2", "急什么呀你"),
        (30, "C", "啊"),
        (35, "S1", BYE),
    )
    assert [(f.row, f.staff) for f in found(transcript)] == [("impatience", "S2")]


# --- in force -------------------------------------------------------------------------------------


def test_the_rules_bind_from_midnight_to_midnight_in_the_zone() -> None:
    rules = replace(RULES, in_force_from=date(2026, 6, 1), in_force_until=date(2026, 6, 2))

    def rude(at: datetime) -> bool:
        return bool(found(chat((0, "S1", "亲,滚蛋"), start=at), "rude_wording", rules))

    midnight = datetime(2026, 5, 31, 16, tzinfo=UTC)
    assert [rude(midnight - SECOND), rude(midnight)] == [False, True]
    assert [rude(midnight + 24 * HOUR - SECOND), rude(midnight + 24 * HOUR)] == [True, False]


def test_the_fines_have_no_end_and_no_force_before_2010_02_02() -> None:
    rude = chat((0, "S1", "滚蛋"))
    assert found(rude, rules=RULES)
    assert not found(tuple(replace(m, at=datetime(2010, 2, 1, 23, tzinfo=SHANGHAI)) for m in rude))
    assert found(tuple(replace(m, at=datetime(2010, 2, 2, tzinfo=SHANGHAI)) for m in rude))
    assert found(tuple(replace(m, at=datetime.max.replace(tzinfo=UTC)) for m in rude))
    assert not found(tuple(replace(m, at=datetime.min.replace(tzinfo=UTC)) for m in rude))


def test_an_answer_given_before_the_rules_bound_counts_in_no_average() -> None:
    before = START - timedelta(hours=9, minutes=10)
    transcript = chat((0, "C", "有货吗"), (190, "S1", HELLO), (500, "C", "哪天发"), (700, "S1", BYE), start=before)
    assert [f.figure for f in found(transcript, "average_response")] == [195]
    binding = replace(RULES, in_force_from=date(2026, 6, 1))
    assert [f.figure for f in found(transcript, "average_response", binding)] == [200]


# --- reading --------------------------------------------------------------------------------------

WIRE: dict[str, Any] = {"id": "m0", "at": "2026-06-01T09:00:00+08:00", "by": "staff", "staff": "S1", "text": "您好"}
ASKING = WIRE | {"id": "m1", "by": "customer", "staff": None, "at": "2026-06-01T09:00:01+08:00"}


def read(*messages: dict[str, Any]) -> Transcript:
    return read_transcript(json.dumps(messages).encode())


def test_a_transcript_is_read() -> None:
    staff, customer = read(WIRE, ASKING)
    assert staff == Message(id="m0", at=START, by=Speaker.STAFF, text="您好", staff="S1")
    assert (customer.by, customer.staff) == (Speaker.CUSTOMER, None)


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([], "length >= 1"),
        ([WIRE | {"by": "robot"}], r"\$\[0\].by"),
        ([WIRE | {"at": "2026-06-01T09:00:00"}], r"\$\[0\].at"),
        ([WIRE | {"text": ""}], r"\$\[0\].text"),
        ([WIRE | {"text": "好" * (MAX_CHARACTERS + 1)}], r"\$\[0\].text"),
        ([WIRE | {"id": "m 0"}], r"\$\[0\].id"),
        ([WIRE | {"mood": "good"}], r"\$\[0\]"),
        ([ASKING, WIRE | {"staff": None}], r"\$\[1\].staff"),
        ([WIRE, ASKING | {"staff": "S1"}], r"\$\[1\].staff"),
        ([WIRE | {"by": "automatic"}], r"\$\[0\].staff"),
        ([ASKING, WIRE], r"\$\[1\].at: earlier"),
        ([WIRE, ASKING, ASKING], r"\$\[2\].id: the id of an earlier"),
        ([WIRE] * (MAX_MESSAGES + 1), f"length <= {MAX_MESSAGES}"),
    ],
)
def test_what_cannot_be_read_is_named(messages: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        read(*messages)


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"[1]", b"\xff", b"[" * 5_000])
def test_what_is_no_transcript_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|truncated|Expected"):
        read_transcript(data)


def test_a_transcript_has_a_largest_size() -> None:
    data = json.dumps([WIRE]).encode()
    assert read_transcript(data.ljust(MAX_BYTES))
    with pytest.raises(ValueError, match=f"{MAX_BYTES + 1} bytes"):
        read_transcript(data.ljust(MAX_BYTES + 1))


# --- by property ----------------------------------------------------------------------------------

CALLING = ["有货吗", "几时发货", "好的?", "[图片]", "我要退款"]
ACKNOWLEDGING = ["好的", "谢谢", "嗯嗯", "😊", "ok"]
REPLIES = [HELLO, BYE, SENTENCE, "哦", "不知道", "滚蛋", "有货的直接拍", "99", "难道要我送去", "您好"]
STAFF = ["S1", "S2", "S3"]

said = st.one_of(
    st.tuples(st.just("C"), st.sampled_from(CALLING + ACKNOWLEDGING)),
    st.tuples(st.sampled_from(STAFF), st.sampled_from(REPLIES)),
    st.tuples(st.sampled_from(["A", "C", *STAFF]), st.text(min_size=1, max_size=12)),
)
pauses = st.one_of(st.integers(0, 400), st.sampled_from([0.5, 180, 181, 300, 301, 21_600, 21_601]))


@st.composite
def transcripts(draw: st.DrawFn, spoken: st.SearchStrategy[tuple[str, str]] = said) -> Transcript:
    lines, after = list[Line](), 0.0
    for who, text in draw(st.lists(spoken, max_size=25)):
        lines.append((after, who, text))
        after += draw(pauses)
    return chat(*lines)


@given(transcripts())
def test_examining_is_total_and_every_finding_stands_on_a_message(transcript: Transcript) -> None:
    messages = {message.id: message for message in transcript}
    findings = found(transcript)
    assert findings == found(transcript)
    places = [list(messages).index(finding.message) for finding in findings]
    assert places == sorted(places)
    assert len({(finding.row, finding.message) for finding in findings}) == len(findings)
    for finding in findings:
        message = messages[finding.message]
        assert finding.at == message.at
        assert RULES.rows[finding.row].detector is not None
        assert finding.figure >= 0
        if finding.row == "unanswered":
            assert message.by is Speaker.CUSTOMER
        else:
            assert (message.by, message.staff) == (Speaker.STAFF, finding.staff)
        if finding.about is not None:
            assert list(messages).index(finding.about) < list(messages).index(finding.message)


@given(transcripts())
def test_automatic_replies_change_nothing(transcript: Transcript) -> None:
    assert found(transcript) == found(tuple(message for message in transcript if message.by is not Speaker.AUTOMATIC))


@given(transcripts())
def test_a_transcript_comes_through_json_unchanged(transcript: Transcript) -> None:
    if transcript:
        assert read_transcript(msgspec.json.encode(transcript)) == transcript


known = st.one_of(
    st.tuples(st.just("C"), st.sampled_from(CALLING + ACKNOWLEDGING)),
    st.tuples(st.sampled_from([*STAFF, "A"]), st.sampled_from(REPLIES)),
)


def responses(transcript: Transcript) -> list[tuple[Message, timedelta]]:
    """Each answer with its response time, by looking back from every message of staff."""
    times = []
    for index, reply in enumerate(transcript):
        if reply.by is not Speaker.STAFF:
            continue
        before = [place for place in range(index) if transcript[place].by is Speaker.STAFF]
        waiting = [
            message for message in transcript[before[-1] + 1 if before else 0 : index] if message.text in CALLING
        ]
        if waiting:
            times.append((reply, reply.at - waiting[0].at))
    return times


@given(transcripts(known))
def test_response_times_agree_with_a_plain_count(transcript: Transcript) -> None:
    times = responses(transcript)
    late = {reply.id: time for reply, time in times if time > 300 * SECOND}
    findings = {finding.message: finding.figure for finding in found(transcript, "late_reply")}
    assert findings.keys() == late.keys()
    assert all(timedelta() <= figure * SECOND - late[id_] < SECOND for id_, figure in findings.items())
    averages = {finding.staff: finding for finding in found(transcript, "average_response")}
    for staff in STAFF:
        own = [(time, reply) for reply, time in times if reply.staff == staff]
        total = sum((time for time, _ in own), timedelta())
        assert (staff in averages) == (bool(own) and total / len(own) > 180 * SECOND)
        if staff in averages:
            assert timedelta() <= averages[staff].figure * SECOND - total / len(own) < SECOND
            assert averages[staff].message in {
                reply.id for time, reply in own if time == max(own, key=lambda o: o[0])[0]
            }


@given(transcripts(known))
def test_a_question_is_unanswered_just_if_no_person_speaks_after_it(transcript: Transcript) -> None:
    spoken = [index for index, message in enumerate(transcript) if message.by is Speaker.STAFF]
    rest = transcript[spoken[-1] + 1 if spoken else 0 :]
    open_ = [m.id for m in rest if m.by is Speaker.CUSTOMER and m.text in CALLING]
    findings = found(transcript, "unanswered")
    assert [(f.message, f.figure) for f in findings] == ([(open_[0], len(open_))] if open_ else [])


words = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=5).map(tuple)


@settings(max_examples=50)
@given(transcripts(), words, words)
def test_any_words_can_be_looked_for(transcript: Transcript, some: tuple[str, ...], others: tuple[str, ...]) -> None:
    rules = replace(
        RULES,
        courtesies=Lexicon(words=some, unless=others),
        set_phrases=some,
        particles=others,
        acknowledgements=others,
    )
    assert found(transcript, rules=rules) == found(transcript, rules=rules)
