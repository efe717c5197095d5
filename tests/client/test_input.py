"""Case files, amounts, texts and settings: what is read, and what is refused with which sentence."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.vault import MAX_CONTENT_BYTES
from client import case_file, drafts
from client.errors import UsageError
from client.money import fen
from client.settings import Settings
from policies import plain_yaml
from policies.schema import Rating
from states.events import FileComplaint, SubmitStatement
from states.transcript import read_transcript
from states.values import ReviewComplaint, yuan
from tests.client.conftest import COMPLAINT

MESSAGE = '{id: m1, at: "2026-03-01T10:00:00+08:00", by: customer, text: 在吗}'
GOOD = COMPLAINT.format(order="order-1001")
SENDER = {"request_id": "r-1", "actor": {"id": "buyer-017", "role": "complainant"}}


def checked(written: str, folder: Path, *, json_: bool = False) -> FileComplaint:
    """The complaint that a file tells of."""
    return drafts.check(FileComplaint, case_file.parse(written, json_=json_).draft(folder) | SENDER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scratch.jpg").write_bytes(b"a picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "huge.jpg").touch()
    os.truncate(tmp_path / "huge.jpg", MAX_CONTENT_BYTES + 1)
    return tmp_path


def test_a_case_file_becomes_a_complaint(folder: Path) -> None:
    complaint = checked(GOOD, folder)
    assert complaint.case_id == "buyer-017/order-1001"
    assert complaint.claim.amount_fen == 19_900
    assert [item.kind for item in complaint.evidence] == ["photo", "chat_log"]
    assert complaint.title.size == len("内胆有划痕".encode())


MORE = """
complainant: shop-204
respondent: buyer-017
orders: [order-1001, order-1002]
category: malicious_review
title: 以差评要挟退款
description: 买家要求仅退款,否则给差评。
claim: {remedies: [review_removal], return_reason: no_reason}
procedure: regulator
agent_concerned: agent-03
review: {review: review-8, rating: negative, ground: coercion, circumstance: refund_without_return}
evidence:
  - kind: chat_log
    transcript:
      - {id: m1, at: "2026-03-01T10:00:00+08:00", by: customer, text: 在吗}
      - {id: m2, at: "2026-03-01T10:06:00+08:00", by: staff, staff: staff-7, text: 您好}
"""


def test_everything_that_a_complaint_can_say_can_be_written(folder: Path) -> None:
    complaint = checked(MORE, folder)
    assert complaint.case_id == "shop-204/order-1001/service"
    assert (complaint.procedure, complaint.orders) == ("regulator", ("order-1001", "order-1002"))
    assert complaint.review == ReviewComplaint("review-8", Rating.NEGATIVE, "coercion", "refund_without_return")
    assert complaint.claim.return_reason == "no_reason"
    assert checked(GOOD, folder).procedure == "platform"


def test_a_chat_is_kept_as_the_engine_reads_it(folder: Path) -> None:
    [item] = case_file.parse(MORE).draft(folder)["evidence"]
    assert [(message.id, message.staff) for message in read_transcript(item["content"].data)] == [
        ("m1", None),
        ("m2", "staff-7"),
    ]


def test_json_is_read_as_exactly_as_yaml(folder: Path) -> None:
    values = plain_yaml.load(GOOD, dict[str, object])
    values["claim"] = {"remedies": ["refund"], "amount": "AMOUNT"}
    written = json.dumps(values).replace('"AMOUNT"', "199.00")
    assert checked(written, folder, json_=True) == checked(GOOD, folder)


@pytest.mark.parametrize(
    ("right", "wrong", "field", "remedy"),
    [
        ("orders: [order-1001]", "orders: []", "orders", "at least 1"),
        ("orders: [order-1001]", "", "orders", "required"),
        ("title: 内胆有划痕", "title: ''", "title", "write a text"),
        ("title: 内胆有划痕", f"title: {'长' * 61}", "title", "60 characters"),
        ("title: 内胆有划痕", 'title: "a\\nb"', "title", "line breaks"),
        ("title: 内胆有划痕", "titel: 内胆有划痕", "titel", "unknown field"),
        ("收到的电饭煲", "长" * 5000, "description", "5000 characters"),
        ("description: |\n  收到", 'description: "\\a"\n#', "description", "control characters"),
        ("category: quality", "category: qualty", "category", "service_attitude"),
        ("[refund]", "[money]", "claim.remedies[0]", "return_and_refund"),
        ("[refund]", "[]", "claim.remedies", "at least 1"),
        ("amount: 199.00", "amount: 199.001", "claim.amount", "two decimals"),
        ("amount: 199.00", "amount: -1", "claim.amount", "two decimals"),
        ("amount: 199.00", "amount: 0.00", "claim.amount", "more than nothing"),
        ("amount: 199.00", "problem_since: 2026-11-20 09:00", "claim.problem_since", "offset"),
        ("file: scratch.jpg", "file: missing.jpg", "evidence[0].file", "cannot be read"),
        ("file: scratch.jpg", "file: empty.jpg", "evidence[0].file", "empty"),
        ("file: scratch.jpg", "file: huge.jpg", "evidence[0].file", "at most"),
        ("file: scratch.jpg", "text: a, file: b", "evidence[0]", "one of file"),
        ("file: scratch.jpg", "transcript: []", "evidence[0].transcript", "at least"),
        ("file: scratch.jpg", "transcript: [{id: m1}]", "evidence[0].transcript[0].at", "required"),
        (
            "file: scratch.jpg",
            f"transcript: [{MESSAGE}, {MESSAGE}]",
            "evidence[0].transcript[1].id",
            "an earlier message",
        ),
        ("kind: photo", "kind: Photo!", "evidence[0].kind", "expected"),
        ("[refund]", "[refund], return_reason: Worn out", "claim.return_reason", "a word of the policy"),
        ("seller_contact: refused", "review: {review: r-1}", "review.rating", "required"),
        ("complainant: buyer-017", "complainant: 买家", "complainant", "expected"),
        ("seller_contact: refused", "high_risk: perhaps", "high_risk", "bool"),
        ("category: quality", "category: [quality", "", "cannot be read"),
        ("category: quality", "category: quality\ncategory: quality", "", "repeated"),
    ],
)
def test_bad_input_names_the_field_and_the_remedy(
    folder: Path, right: str, wrong: str, field: str, remedy: str
) -> None:
    assert right in GOOD
    with pytest.raises(UsageError) as caught:
        checked(GOOD.replace(right, wrong, 1), folder)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: " if field else "the case file")
    assert remedy in str(caught.value)


def test_a_repeated_key_in_json_is_refused() -> None:
    with pytest.raises(UsageError, match="orders is given twice"):
        case_file.parse('{"orders": ["a"], "orders": ["b"]}', json_=True)


def test_a_text_is_the_same_whatever_its_line_ends() -> None:
    assert drafts.text("one\r\ntwo\n", "text") == drafts.text("one\ntwo", "text")


def test_a_field_that_the_engine_would_refuse_is_refused_before_anything_is_kept() -> None:
    with pytest.raises(UsageError, match=r"^plan\.amount_fen: expected int, at least 1"):
        drafts.check(
            SubmitStatement, SENDER | {"text": drafts.text("不退", "text"), "plan": {"kind": "refund", "amount_fen": 0}}
        )


@given(st.integers(min_value=1, max_value=10_000_000_000 - 1))
def test_amounts_survive_both_ways(amount_fen: int) -> None:
    assert fen(yuan(amount_fen)) == amount_fen


@pytest.mark.parametrize(("written", "amount_fen"), [("199", 19_900), ("0.1", 10), ("0.01", 1), ("007.50", 750)])
def test_amounts_are_read_exactly(written: str, amount_fen: int) -> None:
    assert fen(written) == amount_fen


@pytest.mark.parametrize("written", ["", "1.", ".5", "1e3", "1,000.00", "¥5", "0.001", " 5", "٣", "5\n", "-5", "nan"])
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match="two decimals"):
        fen(written)


def test_a_request_id_tells_when_the_act_was_made() -> None:
    now = datetime(2026, 11, 27, 10, 0, 0, 123456, tzinfo=UTC)
    request_id = drafts.new_request_id(now)
    assert drafts.made_at(request_id) == now
    assert drafts.new_request_id(now) != request_id
    assert drafts.made_at("r-1") is None


# --- settings -------------------------------------------------------------------------------------


@pytest.fixture
def local_stack(tmp_path: Path) -> str:
    lines = "TEMPORAL_ADDRESS=localhost:7233\nDATABASE_URL=postgresql:///tousu?host=/tmp/pg\n"
    (tmp_path / "stack.env").write_text(lines)
    return str(tmp_path)


def test_a_local_stack_is_used_when_nothing_else_is_named(local_stack: str) -> None:
    settings = Settings.load({"TOUSU_DATA": local_stack})
    assert settings.variables["TEMPORAL_ADDRESS"] == "localhost:7233"
    assert settings.database_url == "postgresql:///tousu?host=/tmp/pg"
    assert settings.source == "agent-desk"


@pytest.mark.parametrize("name", ["TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "DATABASE_URL"])
def test_a_local_stack_is_never_mixed_with_another_one(local_stack: str, name: str) -> None:
    settings = Settings.load({"TOUSU_DATA": local_stack, name: "elsewhere", "TOUSU_SOURCE": "hotline-desk"})
    assert [settings.variables.get("TEMPORAL_ADDRESS"), settings.database_url].count("elsewhere") <= 1
    assert "postgresql:///tousu?host=/tmp/pg" not in settings.variables.values()
    assert settings.source == "hotline-desk"


def test_no_local_stack_is_no_error(tmp_path: Path) -> None:
    assert Settings.load({"TOUSU_DATA": str(tmp_path)}).database_url is None
