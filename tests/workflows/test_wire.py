"""Malformed input is answered with a sentence, leaves no trace and never stops a workflow."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta
from temporalio import workflow
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType, UpdateWorkflowExecutionLifecycleStage
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.update.v1 import Input, Request, WaitPolicy
from temporalio.api.update.v1 import Meta as UpdateMeta
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.converter import ActivitySerializationContext, DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from stack.temporal import TemporalServer, temporal_binary
from tests.workflows.toy import Case, Claim, Letter, Remedy, Toy, View, double, forget
from workflows.malformed import explain
from workflows.sandbox import sandbox_runner
from workflows.strict import StrictMessages, require_strict
from workflows.wire import MAX_MESSAGE_BYTES, carried, data_converter, size_of

QUEUE = "wire"
SECRET = "the buyer's own words"
OVER_CAP = "x" * 100_000


def raw(data: bytes, encoding: str | None = "json/plain", **metadata: bytes) -> RawValue:
    """A payload exactly as given, whatever a client's own converter would make of it."""
    if encoding is not None:
        metadata["encoding"] = encoding.encode()
    return RawValue(Payload(metadata=metadata, data=data))


# Reading and writing values -------------------------------------------------------------------

converter = data_converter.payload_converter


def refusal(data: bytes, hint: Any) -> str:
    """The sentence with which `data` is refused."""
    with pytest.raises(ApplicationError) as caught:
        converter.from_payload(raw(data).payload, hint)
    assert (caught.value.type, caught.value.non_retryable) == ("Malformed", True)
    return caught.value.message


ACTIVITY = ActivitySerializationContext(
    namespace="default",
    workflow_id="w",
    workflow_type="toy",
    activity_type="double",
    activity_id="1",
    activity_task_queue=QUEUE,
    is_local=False,
)


class Size(StrEnum):
    SMALL = "small"


class Everything(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(pattern=r"^[a-z]+\Z")] = "a"
    pair: tuple[int, str] | None = None
    few: Annotated[tuple[int, ...], Meta(min_length=1, max_length=2)] = (1,)
    by_size: dict[Size, int] = {}
    day: datetime | None = None
    even: Annotated[int, Meta(multiple_of=2, gt=0)] = 2
    flag: bool = False


@pytest.mark.parametrize(
    ("data", "hint", "sentence"),
    [
        ('{"amount_fen": "5"}', Claim, "amount_fen: expected int, got str"),
        ('{"amount_fen": 1.5}', Claim, "amount_fen: expected int, got float"),
        ('{"amount_fen": null}', Claim, "amount_fen: expected int, got null"),
        ('{"amount_fen": -1}', Claim, "amount_fen: expected int, at least 0"),
        ('{"amount_fen": 1000000000001}', Claim, "amount_fen: expected int, at most 1000000000000"),
        ("{}", Claim, "amount_fen: this field is required"),
        (
            '{"amount_fen": 1, "zz": 2}',
            Claim,
            "zz: unknown field, expected amount_fen, remedies, made_at, order",
        ),
        (
            '{"amount_fen": 1, "remedies": ["refund", "foo"]}',
            Claim,
            "remedies[1]: not one of refund, exchange, repair",
        ),
        ('{"amount_fen": 1, "remedies": [5]}', Claim, "remedies[0]: expected str, got int"),
        (
            '{"amount_fen": 1, "made_at": "2026-11-27T18:00:00"}',
            Claim,
            "made_at: expected a date and time with its offset, such as 2026-11-27T18:00:00+08:00",
        ),
        (
            '{"amount_fen": 1, "made_at": "soon"}',
            Claim,
            "made_at: expected a date and time with its offset, such as 2026-11-27T18:00:00+08:00",
        ),
        ('{"amount_fen": 1, "made_at": 5}', Claim, "made_at: expected datetime or null, got int"),
        (
            '{"amount_fen": 1, "order": "1\\n"}',
            Claim,
            "order: expected an order number of 1 to 8 digits",
        ),
        ('{"text": ""}', Letter, "text: expected at least 2 characters"),
        (
            '{"order": "1", "parts": [{"type": "claim", "amount_fen": 1}, {"type": "poem"}]}',
            Case,
            "parts[1].type: not one of letter, claim",
        ),
        (
            '{"order": "1", "parts": [{"type": "claim", "amount_fen": 1, "remedies": ["no"]}]}',
            Case,
            "parts[0].remedies[0]: not one of refund, exchange, repair",
        ),
        ('{"order": "1", "parts": [{}]}', Case, "parts[0].type: this field is required"),
        (
            '{"order": "1", "parts": [{"type": "letter", "amount_fen": 1}]}',
            Case,
            "parts[0].amount_fen: unknown field, expected text",
        ),
        ('{"code": "A"}', Everything, "code: expected str matching regex '^[a-z]+\\\\Z'"),
        ('{"pair": [1]}', Everything, "pair: expected 2 items"),
        ('{"pair": [1, 2]}', Everything, "pair[1]: expected str, got int"),
        ('{"few": [1, 2, 3]}', Everything, "few: expected at most 2 items"),
        ('{"by_size": {"big": 1}}', Everything, "by_size.key: not one of small"),
        ('{"by_size": {"small": "1"}}', Everything, "by_size[...]: expected int, got str"),
        ('{"even": 3}', Everything, "even: expected int that's a multiple of 2"),
        ('{"even": 0}', Everything, "even: expected int, at least 1"),
        ('{"flag": 1}', Everything, "flag: expected bool, got int"),
        ("null", Claim, "the message is missing"),
        ("[]", Claim, "the message: expected object, got array"),
        ('"5"', int, "the message: expected int, got str"),
        ('{"amount_fen": NaN}', Claim, "the message is not valid JSON: invalid character (byte 15)"),
        ('{"amount_fen"', Claim, "the message is not valid JSON: input data was truncated"),
        ("", Claim, "the message is not valid JSON: input data was truncated"),
        ("{} {}", Everything, "the message is not valid JSON: trailing characters (byte 4)"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(data: str, hint: Any, sentence: str) -> None:
    assert refusal(data.encode(), hint) == sentence


def test_unreadable_bytes_are_malformed() -> None:
    assert refusal(b'{"text": "\xff\xfe"}', Letter) == "the message is not valid UTF-8"
    assert refusal(b"[" * 50_000, Any) == "the message is nested too deeply"
    assert refusal(b'{"a":' * 50_000, None) == "the message is nested too deeply"
    assert "not valid JSON" in refusal(b'{"text": "\\ud800"}', Letter)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (raw(b"{}", "binary/plain"), "the message is encoded as binary/plain, expected json/plain"),
        (raw(b"{}", None), "the message is encoded as nothing, expected json/plain"),
        (raw(b"x", "binary/null"), "the message is encoded as binary/null, expected json/plain"),
        (
            raw(b"{}", "json/protobuf", messageType=b"temporal.api.common.v1.Payload"),
            "the message is encoded as json/protobuf, expected json/plain",
        ),
        (
            raw(b"{}", "e" * 99 + "\n"),
            f"the message is encoded as {'e' * 40}..., expected json/plain",
        ),
        (raw(b"", "binary/null"), "the message is missing"),
    ],
)
def test_only_json_is_read(payload: RawValue, sentence: str) -> None:
    with pytest.raises(ApplicationError) as caught:
        converter.from_payload(payload.payload, Claim)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ({"amount_fen": 1, "remedies": [SECRET]}, Claim),
        ({"amount_fen": 1, "order": SECRET}, Claim),
        ({"amount_fen": SECRET}, Claim),
        ({"order": "1", "parts": [{"type": SECRET}]}, Case),
        ({"by_size": {SECRET: 1}}, Everything),
        ({"day": SECRET}, Everything),
    ],
)
def test_a_refusal_repeats_no_value(data: Any, hint: Any) -> None:
    assert SECRET not in refusal(json.dumps(data).encode(), hint)


def test_a_refusal_stays_short_and_printable() -> None:
    data = json.dumps({"amount_fen": 1, "\x1b[31m" + "n" * 50_000: 1}).encode()
    sentence = refusal(data, Claim)
    assert len(sentence) < 150
    assert sentence.isprintable()


def test_a_spoilt_message_is_still_explained() -> None:
    """The tag that would choose among the types of a union cannot be read: all are named."""
    data = b'{"order": "1", "parts": [{"type": "poem"}], '
    sentence = refusal(data, Case)
    assert sentence == "parts[0].type: not one of letter, claim"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, type(None)),
        (None, int | None),
        (5, int),
        ("text 投诉", str),
        (True, bool),
        ([1, 2], list[int]),
        (Remedy.REFUND, Remedy),
        (Claim(amount_fen=1, made_at=datetime(2026, 1, 1, tzinfo=UTC)), Claim),
        (Case(order="1", parts=(Letter(text="ab"), Claim(amount_fen=1))), Case),
        (View(total_fen=1, runs=2), View | None),
    ],
)
def test_values_come_back_as_they_were(value: Any, hint: Any) -> None:
    [payload] = converter.to_payloads([value])
    assert payload == converter.to_payload(value)
    assert converter.from_payload(payload, hint) == value


def test_other_sdks_can_read_and_write_our_messages() -> None:
    claim = Claim(amount_fen=5, remedies=(Remedy.REFUND,))
    other = DataConverter.default.payload_converter
    plain = {"type": "claim", "amount_fen": 5, "remedies": ["refund"]}
    read = other.from_payload(converter.to_payload(claim))
    assert {key: read[key] for key in plain} == plain
    assert converter.from_payload(other.to_payload(plain), Claim) == claim
    assert other.from_payload(converter.to_payload(None)) is None


def test_equal_values_give_equal_bytes() -> None:
    one, two = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert converter.to_payload(one) == converter.to_payload(two)


def test_without_a_type_hint_plain_values_come_back() -> None:
    assert converter.from_payload(raw(b'{"a": [1, null]}').payload) == {"a": [1, None]}


def test_our_own_faults_fail_the_task_and_not_the_case() -> None:
    """The SDK fails the workflow for an ApplicationError, and the task for any other error."""
    in_activity = data_converter.with_context(ACTIVITY).payload_converter
    with pytest.raises(ValueError, match="amount_fen: this field is required"):
        in_activity.from_payload(raw(b"{}").payload, Claim)
    with pytest.raises(ValueError, match="amount_fen: this field is required"):
        converter.from_payload(carried({}).payload, Claim)


def test_explaining_needs_no_path() -> None:
    assert explain(msgspec.ValidationError("Something new"), b"{}", Claim) == ("the message: something new")


# On the engine --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """A server with a worker: our client on it, and one that knows nothing of our converter."""

    address: str
    ours: Client
    foreign: Client


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    server = TemporalServer(
        tmp_path_factory.mktemp("temporal"),
        in_memory=True,
        # An update over 2 MB, once delivered, cannot even be rejected.
        dynamic_config={"history.maxInFlightUpdatePayloads": "1048576"},
    )
    await server.start()
    try:
        yield server.address
    finally:
        await server.stop()


@pytest.fixture(scope="module", params=["sandboxed", "unsandboxed"])
async def engine(server: str, request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    runner: WorkflowRunner = UnsandboxedWorkflowRunner()
    if request.param == "sandboxed":
        runner = sandbox_runner()
    ours = await Client.connect(server, data_converter=data_converter, interceptors=[StrictMessages()])
    async with Worker(
        ours,
        task_queue=QUEUE,
        workflows=[Toy],
        activities=[double, forget],
        workflow_runner=runner,
    ):
        yield Engine(server, ours, await Client.connect(server))


@pytest.fixture
async def toy(engine: Engine, request: pytest.FixtureRequest) -> WorkflowHandle[Toy, View]:
    """A running workflow that has done its first task."""
    handle = await engine.ours.start_workflow(Toy.run, Case(order="1"), id=new_id(request), task_queue=QUEUE)
    assert await handle.query(Toy.view) == View(total_fen=0, runs=1)
    return handle


def new_id(request: pytest.FixtureRequest) -> str:
    return f"toy/{abs(hash(request.node.nodeid)):x}"


async def events(handle: WorkflowHandle[Any, Any]) -> list[str]:
    history = await handle.fetch_history()
    return [EventType.Name(event.event_type) for event in history.events]


async def finish(handle: WorkflowHandle[Toy, View], expected_fen: int = 0) -> None:
    """A good message is still served, the workflow ends, and no workflow task ever failed."""
    answer = await handle.execute_update("claim", Claim(amount_fen=7), result_type=View)
    assert answer.total_fen == expected_fen + 7
    await handle.execute_update("finish", Claim(amount_fen=1), result_type=View)
    assert (await handle.result()).total_fen == expected_fen + 8
    assert "EVENT_TYPE_WORKFLOW_TASK_FAILED" not in await events(handle)
    assert "EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT" not in await events(handle)


async def replay(handle: WorkflowHandle[Any, Any]) -> None:
    """Raises when the history does not replay."""
    replayer = Replayer(
        workflows=[Toy],
        data_converter=data_converter,
        interceptors=[StrictMessages()],
        workflow_runner=sandbox_runner(),
    )
    await replayer.replay_workflow(await handle.fetch_history())


def cause_of(error: BaseException) -> ApplicationError:
    cause = error.__cause__
    assert isinstance(cause, ApplicationError)
    return cause


GOOD = {"type": "claim", "amount_fen": 5}
REFERENCE = "json/external-storage-reference"
BAD: dict[str, tuple[list[Any], str]] = {
    "no argument": ([], "expected exactly one message, got none"),
    "two arguments": ([GOOD, GOOD], "expected exactly one message, got 2"),
    "null": ([None], "the message is missing"),
    "JSON null": ([raw(b"null")], "the message is missing"),
    "text": (["5"], "the message: expected object, got str"),
    "wrong type": ([{"amount_fen": "5"}], "amount_fen: expected int, got str"),
    "negative money": ([{"amount_fen": -5}], "amount_fen: expected int, at least 0"),
    "missing field": ([{}], "amount_fen: this field is required"),
    "unknown field": ([{**GOOD, "surprise": 1}], "surprise: unknown field"),
    "unknown enum": ([{**GOOD, "remedies": ["foo"]}], "remedies[0]: not one of refund"),
    "naive time": ([{**GOOD, "made_at": "2026-01-01T00:00:00"}], "made_at: expected a date"),
    "control characters": ([{**GOOD, "order": "1\x00"}], "order: expected an order number"),
    "huge text": ([{**GOOD, "order": OVER_CAP}], "order: expected an order number"),
    "huge name": ([{**GOOD, OVER_CAP: 1}], "...: unknown field"),
    "bytes": ([SECRET.encode()], "encoded as binary/plain, expected json/plain"),
    "truncated JSON": ([raw(b'{"amount_fen": 5')], "not valid JSON"),
    "not a number": ([raw(b'{"amount_fen": NaN}')], "not valid JSON"),
    "bad UTF-8": ([raw(b'{"order": "\xff"}')], "not valid UTF-8"),
    "deep nesting": ([raw(b"[" * 40_000), raw(b"[" * 40_000)], "nested too deeply"),
    "no encoding": ([raw(b"{}", None)], "encoded as nothing"),
    "protobuf": ([raw(b"{}", "json/protobuf")], "encoded as json/protobuf"),
    "stored elsewhere": ([raw(b"{}", REFERENCE)], f"encoded as {REFERENCE}"),
    "marked as stored elsewhere": (
        [raw(b"{}", __temporal_external_storage_reference=b"true")],
        "amount_fen: this field is required",
    ),
}
bad_input = pytest.mark.parametrize("bad", BAD)


@bad_input
async def test_a_malformed_update_is_refused_and_leaves_no_trace(
    engine: Engine, toy: WorkflowHandle[Toy, View], bad: str
) -> None:
    args, sentence = BAD[bad]
    before = await events(toy)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await engine.foreign.get_workflow_handle(toy.id).execute_update("claim", args=args)
    assert cause_of(caught.value).type == "Malformed"
    assert sentence in cause_of(caught.value).message
    assert await events(toy) == before
    await finish(toy)


@bad_input
async def test_a_malformed_signal_is_dropped_and_logged_without_content(
    engine: Engine,
    toy: WorkflowHandle[Toy, View],
    bad: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    args, sentence = BAD[bad]
    await engine.foreign.get_workflow_handle(toy.id).signal("tell", args=args)
    await toy.signal(Toy.tell, Claim(amount_fen=100))
    await finish(toy, expected_fen=100)
    assert sentence in caplog.text
    assert SECRET not in caplog.text
    assert OVER_CAP not in caplog.text


@bad_input
async def test_a_malformed_query_is_answered_with_the_error(
    engine: Engine, toy: WorkflowHandle[Toy, View], bad: str
) -> None:
    args, sentence = BAD[bad]
    with pytest.raises(WorkflowQueryFailedError) as caught:
        await engine.foreign.get_workflow_handle(toy.id).query("sum", args=args)
    assert sentence in str(caught.value)
    assert await toy.query(Toy.sum, Claim(amount_fen=1)) == 1
    await finish(toy)


BAD_STARTS: dict[str, tuple[list[Any], str]] = {
    "no argument": ([], "run: expected exactly one message, got none"),
    "two arguments": ([{"order": "1"}] * 2, "run: expected exactly one message, got 2"),
    "null": ([None], "the message is missing"),
    "missing field": ([{}], "order: this field is required"),
    "wrong type": ([{"order": 5}], "order: expected str, got int"),
    "over the cap": (
        [{"order": "1", "contents": OVER_CAP}],
        f"at most {MAX_MESSAGE_BYTES} are allowed",
    ),
    "truncated JSON": ([raw(b'{"order": ')], "not valid JSON"),
    "stored elsewhere": ([raw(b"{}", REFERENCE)], f"encoded as {REFERENCE}"),
}


@pytest.mark.parametrize("bad", BAD_STARTS)
async def test_a_malformed_start_fails_at_once(engine: Engine, bad: str, request: pytest.FixtureRequest) -> None:
    args, sentence = BAD_STARTS[bad]
    handle = await engine.foreign.start_workflow("toy", args=args, id=new_id(request), task_queue=QUEUE)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert cause_of(caught.value).type == "Malformed"
    assert sentence in cause_of(caught.value).message
    assert "EVENT_TYPE_WORKFLOW_TASK_FAILED" not in await events(handle)
    await replay(handle)


async def test_update_with_start_says_what_is_malformed(engine: Engine, request: pytest.FixtureRequest) -> None:
    def start(argument: Any) -> WithStartWorkflowOperation[Any, Any]:
        return WithStartWorkflowOperation(
            "toy",
            argument,
            id=new_id(request),
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    # The start is what is malformed: the run fails, says why, and takes the update with it.
    with pytest.raises(RPCError, match="aborted by closing workflow"):
        await engine.foreign.execute_update_with_start_workflow("claim", GOOD, start_workflow_operation=start({}))
    with pytest.raises(WorkflowFailureError) as failed:
        await engine.foreign.get_workflow_handle(new_id(request)).result()
    assert cause_of(failed.value).type == "Malformed"

    # The update is: the run has started and lives on.
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await engine.foreign.execute_update_with_start_workflow(
            "claim", {}, start_workflow_operation=start({"order": "1"})
        )
    assert cause_of(refused.value).type == "Malformed"
    await finish(engine.ours.get_workflow_handle_for(Toy.run, new_id(request)))


async def test_a_message_over_the_cap_is_refused_by_the_worker(engine: Engine, toy: WorkflowHandle[Toy, View]) -> None:
    foreign = engine.foreign.get_workflow_handle(toy.id)
    before = await events(toy)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await foreign.execute_update("post", {"text": OVER_CAP})
    assert cause_of(caught.value).type == "Malformed"
    assert f"at most {MAX_MESSAGE_BYTES} are allowed" in cause_of(caught.value).message
    assert await events(toy) == before
    await foreign.execute_update("post", {"text": "x" * 60_000})
    await finish(toy)


async def test_a_message_over_the_cap_is_not_sent_by_our_client(engine: Engine) -> None:
    """No such workflow exists: anything that were sent would be answered "not found"."""
    letter = Letter(text=OVER_CAP)
    handle = engine.ours.get_workflow_handle("toy/nowhere")
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        "toy",
        letter,
        id="toy/nowhere",
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    for attempt in (
        handle.execute_update("post", letter),
        handle.signal("tell", letter),
        handle.query("sum", letter),
        engine.ours.start_workflow("toy", letter, id="toy/nowhere", task_queue=QUEUE),
        engine.ours.execute_update_with_start_workflow("post", Letter(text="ab"), start_workflow_operation=start),
    ):
        with pytest.raises(ApplicationError, match="at most 65536 are allowed") as caught:
            await attempt
        assert caught.value.type == "Malformed"
    with pytest.raises(RPCError, match="not found"):
        await handle.describe()


async def test_a_payload_over_the_engine_s_limit_does_not_stop_the_workflow(
    engine: Engine, toy: WorkflowHandle[Toy, View]
) -> None:
    """The engine refuses all but updates over 2 MB; `maxInFlightUpdatePayloads` holds those back."""
    foreign = engine.foreign.get_workflow_handle(toy.id)
    huge = {"text": "x" * 2_500_000}
    before = await events(toy)
    for attempt in (foreign.signal("tell", huge), foreign.query("sum", huge)):
        with pytest.raises((RPCError, WorkflowQueryFailedError), match="exceeds limit"):
            await attempt
    update = UpdateWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=toy.id),
        wait_policy=WaitPolicy(
            lifecycle_stage=UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
        ),
        request=Request(
            meta=UpdateMeta(update_id="huge"),
            input=Input(name="post", args=await DataConverter.default.encode_wrapper([huge])),
        ),
    )
    with pytest.raises(RPCError, match="payload size of in-flight updates") as caught:
        await engine.foreign.workflow_service.update_workflow_execution(update, retry=False)
    assert caught.value.status is RPCStatusCode.RESOURCE_EXHAUSTED
    assert await events(toy) == before
    await finish(toy)


async def test_unknown_names_leave_the_workflow_alive(
    engine: Engine, toy: WorkflowHandle[Toy, View], caplog: pytest.LogCaptureFixture
) -> None:
    foreign = engine.foreign.get_workflow_handle(toy.id)
    with pytest.raises(WorkflowUpdateFailedError):
        await foreign.execute_update("no such update", GOOD)
    with pytest.raises(WorkflowQueryFailedError):
        await foreign.query("no such query")
    for number in range(20):
        await foreign.signal(f"unknown-{number}", SECRET)
    await toy.signal(Toy.tell, Claim(amount_fen=2))
    await finish(toy, expected_fen=2)
    assert caplog.text.count("dropped: no such signal") == 20  # handled, not kept in memory
    assert SECRET not in caplog.text


async def test_a_signal_before_the_first_task_is_not_lost(engine: Engine, request: pytest.FixtureRequest) -> None:
    handle = await engine.ours.start_workflow(
        Toy.run,
        Case(order="1"),
        id=new_id(request),
        task_queue=QUEUE,
        start_signal="tell",
        start_signal_args=[Claim(amount_fen=3)],
    )
    await handle.signal("unknown", SECRET)
    await finish(handle, expected_fen=3)


async def test_a_handler_that_takes_nothing_ignores_what_it_is_given(
    engine: Engine, toy: WorkflowHandle[Toy, View]
) -> None:
    foreign = engine.foreign.get_workflow_handle(toy.id)
    for args in ([], [GOOD], [GOOD, GOOD], [None]):
        await foreign.signal("nudge", args=args)
        await foreign.query("view", args=args)
    await finish(toy, expected_fen=4)


async def test_what_a_run_carries_over_may_be_large(engine: Engine, toy: WorkflowHandle[Toy, View]) -> None:
    await toy.signal("grow", Claim(amount_fen=300_000))
    latest: WorkflowHandle[Toy, View] = engine.ours.get_workflow_handle(toy.id, result_type=View)
    while (await latest.query(Toy.view)).runs != 2:
        await asyncio.sleep(0.05)
    started = (await latest.fetch_history()).events[0].workflow_execution_started_event_attributes
    assert started.input.payloads[0].metadata["origin"] == b"continue-as-new"
    await finish(latest)
    first = engine.ours.get_workflow_handle(toy.id, run_id=toy.first_execution_run_id)
    description = await first.describe()
    assert description.status is WorkflowExecutionStatus.CONTINUED_AS_NEW


async def test_the_menu_of_the_web_interface_still_works(engine: Engine, toy: WorkflowHandle[Toy, View]) -> None:
    metadata = await toy.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    definition = metadata.definition
    assert [update.name for update in definition.update_definitions] == ["claim", "finish", "post"]
    assert [signal.name for signal in definition.signal_definitions] == ["grow", "nudge", "tell"]
    assert "Stack for" in await toy.query("__stack_trace", result_type=str)
    # A client with another converter reads it too: the Web UI is one.
    await engine.foreign.get_workflow_handle(toy.id).query("__temporal_workflow_metadata")


async def test_the_command_line_of_the_engine_can_send_messages(engine: Engine, toy: WorkflowHandle[Toy, View]) -> None:
    def send(message: str) -> "subprocess.CompletedProcess[str]":
        command = [str(temporal_binary()), "workflow", "update", "execute"]
        command += ["--address", engine.address, "-w", toy.id, "--name", "claim", "-i", message]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    good = await asyncio.to_thread(send, '{"amount_fen": 5}')
    assert good.returncode == 0
    assert "total_fen:5" in good.stdout
    bad = await asyncio.to_thread(send, '{"amount_fen": "5"}')
    assert bad.returncode != 0
    assert "amount_fen: expected int, got str" in bad.stderr
    await finish(toy, expected_fen=5)


async def test_dropped_signals_replay(engine: Engine, toy: WorkflowHandle[Toy, View]) -> None:
    foreign = engine.foreign.get_workflow_handle(toy.id)
    for args, _ in BAD.values():
        await foreign.signal("tell", args=args)
    await foreign.signal("unknown", SECRET)
    await finish(toy)
    await replay(toy)


# What a workflow class must have ---------------------------------------------------------------


def test_the_toy_is_strict() -> None:
    require_strict(Toy)


@workflow.defn
class Lax:
    @workflow.init
    def __init__(self) -> None:
        pass

    @workflow.run
    async def run(self) -> None:
        pass

    @workflow.update(name="unguarded")
    async def unguarded(self, claim: Claim) -> None:
        pass

    @workflow.update(name="untyped")
    async def untyped(self, claim) -> None:  # type: ignore[no-untyped-def]  # the fault
        pass

    @untyped.validator
    def check_untyped(self, claim) -> None:  # type: ignore[no-untyped-def]  # the fault
        pass

    @workflow.signal(name="pair")
    async def pair(self, one: Claim, two: Claim) -> None:
        pass

    @workflow.query(name="fine")
    def fine(self) -> int:
        return 1


def test_a_class_that_would_let_malformed_input_pass_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        require_strict(Lax)
    assert str(caught.value) == (
        "Lax is not strict: @workflow.init runs before the checks; run must take one typed message; "
        "update unguarded has no validator; update untyped must take one typed message; "
        "signal pair must take one typed message, or none"
    )


def test_sizes_are_those_on_the_wire() -> None:
    assert size_of("投诉") == len('"投诉"'.encode())
    assert size_of(raw(b"12345")) == 5


def test_the_package_stays_importable_without_side_effects() -> None:
    assert Path("workflows/__init__.py").read_text(encoding="utf-8") == ""
