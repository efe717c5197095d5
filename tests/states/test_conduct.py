"""The conduct of service staff on a case (area CON); what a transcript shows is in test_transcript.py."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from policies.book import default_book
from states import effects, events, facts
from states.journal import fold
from states.transcript import ConductFinding, Measure, examine, read_transcript
from states.values import StaffConduct
from tests.states.story import AGENT, BUYER, CHIEF, SELLER, START, Story, item, text

STAFF = "staff-11"


def transcript(*messages: tuple[int, str, str]) -> bytes:
    """A chat as JSON: seconds after its start, who writes, what."""
    began = START - timedelta(days=1)
    return msgspec.json.encode(
        [
            {"id": f"m{number}", "at": began + timedelta(seconds=seconds), "by": by, "text": said}
            | ({"staff": STAFF} if by == "staff" else {})
            for number, (seconds, by, said) in enumerate(messages, 1)
        ]
    )


def shown(data: bytes) -> tuple[ConductFinding, ...]:
    """What the platform's pack finds in a transcript."""
    policy = default_book().in_force("platform", START)
    return examine(read_transcript(data), policy.pack.conduct, ZoneInfo(policy.calendar.timezone))


def with_transcript(*messages: tuple[int, str, str]) -> Story:
    """A case in verification with a chat log on file, and the world that has read it."""
    story = Story().to_verification(evidence=(item("photo"), item("chat_log")))
    story.conduct = shown(transcript(*messages))
    return story


def test_a_transcript_is_examined_and_each_finding_cites_its_message_and_its_figure() -> None:
    story = with_transcript(
        (0, "customer", "你好，衣服什么时候发货？"),
        (1000, "staff", "哦"),
        (1100, "customer", "到底什么时候发？"),
        (1150, "staff", "你烦不烦，滚蛋"),
    )
    entry = story.accepted(events.ExamineTranscript, evidence="E2")
    (read,) = [f.effect for f in entry.facts if isinstance(f, facts.EffectOrdered)]
    assert isinstance(read, effects.ReadTranscript)
    assert (read.evidence, read.policy) == ("E2", story.open_case.penalty_policy)
    found = {conduct.row: conduct for conduct in story.open_case.staff_conduct}
    assert {"average_response", "late_reply", "mere_particle", "impatience", "rude_wording"} <= set(found)
    slow = found["average_response"]
    assert (slow.staff, slow.figure, slow.unit) == (STAFF, 525, Measure.SECONDS)
    assert (found["late_reply"].message, found["late_reply"].figure) == ("m2", 1000)
    assert (found["late_reply"].amount_fen, found["rude_wording"].amount_fen) == (2_000, 10_000)
    assert all(c.evidence == "E2" and c.by == "engine" and c.message for c in found.values())
    assert fold(story.entries) == story.case


@pytest.mark.rule("CON-2")
def test_slow_answers_and_bad_attitude_are_named_violations_with_their_figures() -> None:
    story = with_transcript((0, "customer", "在吗，想退货"), (400, "staff", "亲，您不会自己看页面吗，凭什么退"))
    story.accepted(events.ExamineTranscript, evidence="E2")
    rows = {conduct.row: conduct.figure for conduct in story.open_case.staff_conduct}
    assert rows["average_response"] == 400
    assert "rhetorical_question" in rows


@pytest.mark.rule("CON-1")
def test_arguing_and_shifting_blame_are_found_by_message() -> None:
    story = with_transcript((0, "customer", "杯子碎了，怎么处理？"), (60, "staff", "亲，您这是无理取闹呢，不可能赔的"))
    story.accepted(events.ExamineTranscript, evidence="E2")
    assert ("arguing", "m2") in {(c.row, c.message) for c in story.open_case.staff_conduct}


@pytest.mark.rule("CON-3")
def test_the_same_sentence_again_is_found() -> None:
    answer = "亲，具体的发货时间以页面显示的为准哦"
    story = with_transcript(
        (0, "customer", "什么时候发货？"),
        (30, "staff", answer),
        (60, "customer", "页面没有写呀？"),
        (90, "staff", answer),
    )
    story.accepted(events.ExamineTranscript, evidence="E2")
    repeated = [c for c in story.open_case.staff_conduct if c.row == "repeated_reply"]
    assert [(c.message, c.figure, c.unit) for c in repeated] == [("m4", 100, Measure.PERCENT)]


RECORDED = {  # row: amount in fen, rule
    "status_not_set": (2_000, "CON-4"),
    "no_recommendations": (1_000, "CON-4"),
    "order_not_confirmed": (1_000, "CON-4"),
    "silent_buyer_not_asked": (2_000, "CON-4"),
    "no_handover": (3_000, "CON-4"),
    "untruthful": (0, "CON-5"),
    "unauthorised_change": (0, "CON-5"),
    "secret_disclosed": (0, "CON-5"),
    "customer_criticised": (0, "CON-5"),
}


@pytest.mark.rule("CON-4", "CON-5")
def test_an_agent_records_what_no_transcript_shows_each_row_with_its_amount() -> None:
    story = Story().to_verification()
    for row, (amount, rule) in RECORDED.items():
        entry = story.accepted(events.RecordConduct, row=row, staff=STAFF, conduct_at=START - timedelta(days=1))
        (found,) = [fact for fact in entry.facts if isinstance(fact, facts.StaffConductFound)]
        assert (found.conduct.row, found.conduct.amount_fen, found.rules) == (row, amount, (rule,))
        assert (found.conduct.staff, found.conduct.by, found.conduct.figure) == (STAFF, AGENT.id, None)
    assert [c.id for c in story.open_case.staff_conduct] == [f"C{n}" for n in range(1, len(RECORDED) + 1)]


@pytest.mark.rule("CON-4")
@pytest.mark.parametrize(
    ("row", "messages", "amount"),
    [
        ("no_opening", ((0, "customer", "有货吗？"), (10, "staff", "有货的可以直接拍下")), 1_000),
        (
            "no_closing",
            (
                (0, "customer", "有货吗？"),
                (10, "staff", "亲您好，有货的"),
                (20, "customer", "怎么付款？"),
                (30, "staff", "直接拍下付款就行"),
            ),
            1_000,
        ),
        ("short_reply", ((0, "customer", "什么时候到？"), (10, "staff", "不清楚呢")), 1_000),
        ("mere_particle", ((0, "customer", "什么时候到？"), (10, "staff", "嗯嗯")), 1_000),
        ("late_reply", ((0, "customer", "什么时候到？"), (301, "staff", "亲您好，明天就到啦")), 2_000),
        ("rude_wording", ((0, "customer", "什么时候到？"), (10, "staff", "亲，你傻逼吧这都问")), 10_000),
        ("unanswered", ((0, "customer", "什么时候到？"),), 2_000),
    ],
)
def test_what_a_transcript_shows_costs_what_the_table_says(
    row: str, messages: tuple[tuple[int, str, str], ...], amount: int
) -> None:
    story = with_transcript(*messages)
    story.accepted(events.ExamineTranscript, evidence="E2")
    story.accepted(events.RecordConduct, row="status_not_set", staff=STAFF, conduct_at=START - timedelta(days=1))
    found = [c.amount_fen for c in story.open_case.staff_conduct if c.row == row]
    assert found == [amount]


@pytest.mark.rule("CON-6")
def test_what_goes_beyond_a_simple_refund_and_was_reported_upwards_is_exempt() -> None:
    story = Story().to_verification()
    late: dict[str, Any] = {"row": "simple_refund_late", "staff": STAFF, "conduct_at": START}
    assert story.refused(events.RecordConduct, **late).code == "demand_missing"
    story.accepted(events.RecordConduct, **late, demand="defective_goods")
    story.accepted(events.EscalateCase)
    refusal = story.refused(events.RecordConduct, **late, demand="defective_goods")
    assert (refusal.code, refusal.rule) == ("exempt", "CON-6")
    for simple in ("ordered_by_mistake", "reorder", "changed_mind"):
        story.accepted(events.RecordConduct, **late, demand=simple)
    assert [c.amount_fen for c in story.open_case.staff_conduct] == [3_000] * 4


@pytest.mark.rule("CON-6")
def test_the_table_binds_from_its_first_day_on_and_not_before() -> None:
    first = datetime(2010, 2, 1, 16, 0, tzinfo=UTC)  # midnight of 2010-02-02 in Shanghai
    story = Story().to_verification()
    given: dict[str, Any] = {"row": "customer_criticised", "staff": STAFF}
    story.accepted(events.RecordConduct, **given, conduct_at=first)
    for outside in (first - timedelta(seconds=1), START + timedelta(days=1)):
        refusal = story.refused(events.RecordConduct, **given, conduct_at=outside)
        assert (refusal.code, refusal.rule) == ("not_in_force", "CON-6")


@pytest.mark.rule("CON-5")
def test_findings_outlive_the_closing_of_the_case_and_the_departure_of_the_staff() -> None:
    story = Story().to_closed()
    story.accepted(events.RecordConduct, CHIEF, row="untruthful", staff="staff-that-left", conduct_at=START)
    assert [c.staff for c in story.open_case.staff_conduct] == ["staff-that-left"]


@pytest.mark.rule("CON-4")
def test_a_finding_has_to_name_a_row_a_reason_and_what_is_on_file() -> None:
    story = Story().to_verification(evidence=(item("photo"), item("chat_log")))
    given: dict[str, Any] = {"row": "no_handover", "staff": STAFF, "conduct_at": START}
    assert story.refused(events.RecordConduct, **given | {"row": "unheard_of"}).code == "unknown_row"
    assert story.refused(events.RecordConduct, **given, reason=None).code == "reason_missing"
    assert story.refused(events.RecordConduct, **given, evidence="E9").code == "unknown_evidence"
    assert story.refused(events.RecordConduct, **given, message="m1").code == "transcript_missing"
    for party in (BUYER, SELLER):
        assert story.refused(events.RecordConduct, party, **given).code == "no_right"
    entry = story.accepted(events.RecordConduct, **given, evidence="E2", message="m1")
    (found,) = story.open_case.staff_conduct
    assert isinstance(found, StaffConduct)
    assert (found.evidence, found.message, entry.reason) == ("E2", "m1", text("reason"))


@pytest.mark.rule("CON-2")
def test_only_a_chat_log_on_file_is_examined_and_only_once() -> None:
    story = Story().to_verification(evidence=(item("photo"), item("chat_log")))
    for wrong in ("E1", "E9"):
        assert story.refused(events.ExamineTranscript, evidence=wrong).code == "no_transcript"
    story.hold = True
    story.accepted(events.ExamineTranscript, evidence="E2")
    assert story.refused(events.ExamineTranscript, evidence="E2").code == "examined_before"
    story.hold = False
    story.answer_effects()
    assert story.refused(events.ExamineTranscript, evidence="E2").code == "examined_before"


@pytest.mark.rule("CON-2")
def test_a_transcript_that_cannot_be_read_is_on_record_as_such() -> None:
    story = Story()
    story.to_verification(evidence=(item("photo"), item("chat_log")))
    story.hold = True
    story.accepted(events.ExamineTranscript, evidence="E2")
    (read,) = story.open_case.outbox
    failed = events.Result(key=read.key, outcome=effects.Failed(code="not_a_transcript"))
    story.happen(events.EffectsReported(results=(failed,)))
    (examined,) = story.all(facts.TranscriptExamined)
    assert (examined.evidence, examined.findings, examined.code) == ("E2", 0, "not_a_transcript")
    assert story.open_case.staff_conduct == ()
