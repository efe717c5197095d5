"""Personal data and free text stay in the vault: nothing that a case leaves anywhere else holds a word of them."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from activities.vault import PostgresVault
from policies.schema import Party, RemedyKind, Stage
from states import events
from states.values import EvidenceItem, RemedyTerms, TextRef
from tests.states.story import BUYER, SELLER
from tests.workflows.course import GOOD, agree, archive, find, history, must, until_stage
from tests.workflows.desk import Desk

MARKERS = {
    "title": "标记-水壶漏水-title",
    "description": "标记-收件人张某-description",
    "phone": "13900001234-phone",
    "contact": "marker-contact-words",
    "statement": "marker-seller-words",
    "reason": "marker-agent-reason",
    "comment": "标记-评价-comment",
    "photo": "marker-photo-bytes",
    "receipt": "marker-receipt-bytes",
}

TABLES = ("journal", "case_view", "notices", "ledger", "orders", "shipments", "return_addresses", "unreachable")


@pytest.fixture
def runner() -> WorkflowRunner:
    """One runner is enough: what is written where does not depend on it."""
    return UnsandboxedWorkflowRunner()


def leaks(traces: dict[str, bytes]) -> list[str]:
    """Which markers stand where. JSON may write them escaped, so both forms are sought."""
    found = []
    for place, content in traces.items():
        for name, marker in MARKERS.items():
            escaped = marker.encode("unicode_escape")
            if marker.encode() in content or escaped in content or escaped.replace(b"\\u", b"\\\\u") in content:
                found.append(f"{name} in {place}")
    return found


def everything_in(part: Any) -> Iterator[bytes]:
    """Every text and every byte string in a protobuf message, however deep: payloads, summaries, failures."""
    match part:
        case Message():
            for _, value in part.ListFields():
                yield from everything_in(value)
        case bytes():
            yield part
        case str() | int() | float():
            yield str(part).encode()
        case _ if hasattr(part, "items"):
            for key, value in part.items():
                yield from everything_in(key)
                yield from everything_in(value)
        case _:
            for each in part:
                yield from everything_in(each)


async def traces_of(desk: Desk, case_id: str, log: str) -> dict[str, bytes]:
    """What a case left outside the vault, by place."""
    traces = {"the log": log.encode()}
    for event in await history(desk, case_id):
        traces[f"event {event.event_id}"] = b"\n".join(everything_in(event))
    description = await desk.handle(case_id).describe()
    traces["the description"] = b"\n".join(everything_in(description.raw_description))
    metadata: WorkflowMetadata = await desk.handle(case_id).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    traces["the current details"] = metadata.current_details.encode()
    for query in ("case", "progress"):
        traces[f"the query {query}"] = str(await desk.handle(case_id).query(query)).encode()
    for table in TABLES:
        rows = await desk.pool.fetch(f"select row_to_json(each)::text as row from {table} as each")
        traces[f"the table {table}"] = "\n".join(row["row"] for row in rows).encode()
    return traces


async def keep(desk: Desk, name: str, owner: str = BUYER.id) -> TextRef:
    return await PostgresVault(desk.pool).put_text(owner, f"{MARKERS[name]} {MARKERS['phone']}")


async def keep_item(desk: Desk, name: str) -> EvidenceItem:
    vault = PostgresVault(desk.pool)
    content = await vault.put(BUYER.id, b"\xff\xd8" + MARKERS[name].encode(), name)
    return EvidenceItem(kind=name, content=content)


async def play(desk: Desk, **leak: Any) -> str:
    """A case with every kind of text in it, up to its closing."""
    reason = await keep(desk, "reason", "agent-03")
    case_id = await desk.opened(
        title=await keep(desk, "title"),
        description=await keep(desk, "description"),
        evidence=(await keep_item(desk, "photo"),),
        reason=reason,
        **leak,
    )
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(case_id, events.AcceptComplaint, reason=reason))
    spoken: dict[str, Any] = {"party": Party.COMPLAINANT, "channel": "hotline", "outbound": True}
    must(await desk.act(case_id, events.RecordContact, text=await keep(desk, "contact"), **spoken))
    asked: dict[str, Any] = {"party": Party.COMPLAINANT, "wanted": ("receipt",)}
    must(await desk.act(case_id, events.RequestEvidence, reason=reason, **asked))
    must(await desk.act(case_id, events.SubmitEvidence, BUYER, items=(await keep_item(desk, "receipt"),)))
    plan = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
    statement = await keep(desk, "statement", SELLER.id)
    must(await desk.act(case_id, events.SubmitStatement, SELLER, text=statement, plan=plan))
    refused = await desk.act(case_id, events.IssueRuling, reason=reason, outcome="dismissed", rule="COO-3")
    assert refused.refusal is not None
    await find(desk, case_id)
    await agree(desk, case_id)
    comment = await keep(desk, "comment")
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD, comment=comment))
    await until_stage(desk, case_id, Stage.CLOSED)
    return case_id


async def test_no_text_leaves_the_vault(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        case_id = await play(desk)
        traces = await traces_of(desk, case_id, caplog.text)
        assert leaks(traces) == []
        await archive(desk, case_id)
    assert leaks(await traces_of(desk, case_id, caplog.text)) == []
    # The markers were there to be leaked: the vault holds every one of them.
    kept = b"\n".join(row["content"] for row in await desk.pool.fetch("select content from vault"))
    assert all(marker.encode() in kept for marker in MARKERS.values())
    # And what was scanned is not empty.
    assert (await keep(desk, "title")).ref.encode() in traces["event 1"]
    assert case_id.encode() in traces["the table journal"]
    assert b"first contact due" in b"".join(traces.values())
    assert b"TousuStage" in traces["the description"]


async def test_a_planted_leak_is_found(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """A telephone number as the reference of a text: well-formed, and just what must never happen."""
    leaking = TextRef(ref=MARKERS["phone"], sha256="0" * 64, size=1)
    complaint = desk.complaint(title=leaking)
    await desk.know_order(complaint)
    must(await desk.file(complaint))
    case_id = complaint.case_id
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    logging.getLogger("tousu").warning("called %s", MARKERS["phone"])
    found = leaks(await traces_of(desk, case_id, caplog.text))
    places = {each.removeprefix("phone in ").split()[0] + " " + each.split()[-1] for each in found}
    assert {"the log", "the journal", "event 1", "the case"} <= places
    must(await desk.act(case_id, events.WithdrawComplaint, BUYER))
    await until_stage(desk, case_id, Stage.CLOSED)
    await archive(desk, case_id)


def test_markers_are_found_in_every_writing() -> None:
    title = MARKERS["title"]
    for written in (title.encode(), title.encode("unicode_escape"), repr(title.encode("unicode_escape")).encode()):
        assert leaks({"somewhere": b"... " + written + b" ..."}) == ["title in somewhere"]
