"""Bad input on the real case: everybody gets a clear answer, and the case goes on as if nothing had been sent."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import UpdateWorkflowExecutionLifecycleStage
from temporalio.api.update.v1 import Input, Meta, Request, WaitPolicy
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from policies.schema import Party, Role, Stage
from stack.temporal import TemporalServer
from states import events
from states.events import Act
from states.values import Actor
from tests.states.story import AGENT, BUYER, SELLER, item, text
from tests.workflows.course import (
    SAMPLES,
    Trace,
    archive,
    finish,
    history,
    must,
    names,
    to_closed,
    until,
    until_quiet,
    until_stage,
)
from tests.workflows.desk import Desk
from workflows.attributes import WORKFLOW
from workflows.sandbox import sandbox_runner

HUGE = "x" * 100_000
SECRET = "the buyer's own words"


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> WorkflowRunner:
    """Production's runner, unless a test asks for both."""
    return sandbox_runner() if getattr(request, "param", "") == "sandbox" else UnsandboxedWorkflowRunner()


both_runners = pytest.mark.parametrize("runner", ["sandbox", "production"], indirect=True)


@pytest.fixture
async def foreign(temporal_server: TemporalServer) -> Client:
    """A client that is not ours: the SDK's own data converter, no interceptor."""
    return await temporal_server.connect()


@pytest.fixture
async def case_id(desk: Desk) -> AsyncIterator[str]:
    """A case that awaits acceptance; whatever the test did to it, it then goes to its ordinary end."""
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    yield case_id
    await finish(desk, case_id)


def test_there_is_a_sample_of_every_act() -> None:
    assert tuple(SAMPLES) == events.ACTS


def raw(data: bytes, encoding: str = "json/plain") -> RawValue:
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=data))


def plain(act: Act) -> dict[str, Any]:
    """The act as another SDK would send it."""
    value: dict[str, Any] = msgspec.to_builtins(act)
    return value


async def complaint_about(sending: Any) -> str:
    """Why something sent was called malformed."""
    with pytest.raises((WorkflowUpdateFailedError, WorkflowFailureError)) as caught:
        await sending
    cause = caught.value.__cause__
    assert isinstance(cause, ApplicationError), cause
    assert cause.type == "Malformed"
    assert SECRET not in cause.message
    return cause.message


# --- every handler -----------------------------------------------------------------------------------

BAD_CALLS: dict[str, tuple[Any, str]] = {
    "no argument": (lambda _: [], "{name}: expected exactly one message, got none"),
    "two arguments": (lambda good: [good, good], "{name}: expected exactly one message, got 2"),
    "null": (lambda _: [None], "the message is missing"),
    "JSON null": (lambda _: [raw(b"null")], "the message is missing"),
    "a bare text": (lambda _: [SECRET], "the message: expected object, got str"),
    "a list": (lambda _: [[]], "the message: expected object, got array"),
    "nothing in it": (lambda _: [{}], ": this field is required"),
    "bytes": (lambda _: [SECRET.encode()], "the message is encoded as binary/plain, expected json/plain"),
    "JSON cut short": (lambda _: [raw(b'{"request_id": ')], "the message is not valid JSON: input data was truncated"),
    "not UTF-8": (lambda _: [raw(b'{"request_id": "\xff"}')], "the message is not valid UTF-8"),
    "an unknown field": (lambda good: [{"colour": SECRET, **good}], "colour: unknown field, expected "),
    "a number for a text": (lambda good: [good | {"request_id": 7}], "request_id: expected str, got int"),
    "a control character": (lambda good: [good | {"request_id": "r\x001"}], "request_id: expected a reference of 1 to"),
    "a line break": (lambda good: [good | {"request_id": "r-1\n"}], "request_id: expected a reference of 1 to"),
    "a huge text": (lambda good: [good | {"request_id": HUGE}], "request_id: expected a reference of 1 to"),
    "an unknown role": (
        lambda good: [good | {"actor": {"id": "x", "role": "king"}}],
        "actor.role: not one of complainant, respondent, agent",
    ),
    "a nameless actor": (lambda good: [good | {"actor": {"role": "agent"}}], "actor.id: this field is required"),
    "a time without zone": (lambda good: [good | {"at": "2026-03-02T10:00:00"}], "at: expected a date and time with"),
    "free text as the reason": (
        lambda good: [good | {"reason": SECRET}],
        "reason: expected object or null, got str",
    ),
    "another act's tag": (lambda good: [good | {"type": "absolve"}], "type: "),
}


@both_runners
async def test_no_update_takes_a_malformed_message(desk: Desk, foreign: Client, case_id: str) -> None:
    """Every fault in every update; the case goes on after each kind, and at last to its end."""
    handle = foreign.get_workflow_handle(case_id)
    wrong = {}
    for bad, (make, sentence) in BAD_CALLS.items():
        trace = await Trace(desk, case_id).start()
        for act in SAMPLES.values():
            answer = await complaint_about(handle.execute_update(act.name(), args=make(plain(act))))
            if sentence.format(name=act.name()) not in answer:
                wrong[bad, act.name()] = answer
        assert await trace.left() == (0, 0), bad
        must(await desk.act(case_id, events.RecordContact, party=Party.COMPLAINANT, channel="sms"))
    assert not wrong


QUERIES = ("case", "progress")
NOTHING_USEFUL: tuple[list[Any], ...] = ([], [{}], [{}, {}], [None], [HUGE])


@both_runners
async def test_queries_and_unknown_names_disturb_nothing(desk: Desk, foreign: Client, case_id: str) -> None:
    trace = await Trace(desk, case_id).start()
    handle = foreign.get_workflow_handle(case_id)
    for query in QUERIES:
        # They take no message, so whatever comes with them is dropped.
        for args in NOTHING_USEFUL:
            assert (await handle.query(query, args=args))["case_id"] == case_id
        with pytest.raises(WorkflowQueryFailedError, match="not valid JSON"):
            await handle.query(query, args=[raw(b"\xff")])
    for args in NOTHING_USEFUL:
        with pytest.raises(WorkflowQueryFailedError, match="colour"):
            await handle.query("colour", args=args)
        with pytest.raises(WorkflowUpdateFailedError) as unknown:
            await handle.execute_update("colour", args=args)
        assert "colour" in str(unknown.value.__cause__)
    assert await trace.left() == (0, 0)


@both_runners
async def test_signals_of_any_kind_are_dropped(
    desk: Desk, foreign: Client, case_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    """There is none to send yet; a case that is sent one goes on, and its log does not repeat what was sent."""
    before = await desk.entries(case_id)
    handle = foreign.get_workflow_handle(case_id)
    for args in (*NOTHING_USEFUL, [SECRET], [raw(b"\xff")]):
        await handle.signal("accept_complaint", args=args)
        await handle.signal("colour", args=args)
    await until_quiet(desk, case_id)
    assert await desk.entries(case_id) == before
    assert SECRET not in caplog.text


# --- fields ------------------------------------------------------------------------------------------

TEXT = msgspec.to_builtins(text("x"))
PHOTO = msgspec.to_builtins(item("photo"))
BAD_FIELDS: Sequence[tuple[type[Act], dict[str, Any], str]] = (
    (events.FileComplaint, {"claim": {"remedies": ["refund"], "amount_fen": -1}}, "claim.amount_fen: expected int, at"),
    (events.FileComplaint, {"claim": {"remedies": ["refund"], "amount_fen": 0}}, "claim.amount_fen: expected int, at"),
    (events.FileComplaint, {"claim": {"remedies": ["refund"], "amount_fen": 1.5}}, "claim.amount_fen: expected int"),
    (events.FileComplaint, {"claim": {"remedies": ["refund"], "amount_fen": "5"}}, "claim.amount_fen: expected int"),
    (events.FileComplaint, {"claim": {"remedies": ["refund"], "amount_fen": 10**11}}, "claim.amount_fen: expected int"),
    (events.FileComplaint, {"claim": {"remedies": []}}, "claim.remedies: expected at least 1 items"),
    (events.FileComplaint, {"claim": {"remedies": ["revenge"]}}, "claim.remedies[0]: not one of refund, "),
    (events.FileComplaint, {"claim": {}}, "claim.remedies: this field is required"),
    (events.FileComplaint, {"category": "weather"}, "category: not one of quality, "),
    (events.FileComplaint, {"channel": "pigeon"}, "channel: not one of online_chat, "),
    (events.FileComplaint, {"orders": []}, "orders: expected at least 1 items"),
    (events.FileComplaint, {"orders": ["order 1"]}, "orders[0]: expected a short reference"),
    (events.FileComplaint, {"orders": ["o"] * 21}, "orders: expected at most 20 items"),
    (events.FileComplaint, {"complainant": None}, "complainant: expected str, got null"),
    (events.FileComplaint, {"complainant": "买家"}, "complainant: expected a short reference"),
    (events.FileComplaint, {"title": TEXT | {"size": 0}}, "title.size: expected int, at least 1"),
    (events.FileComplaint, {"title": TEXT | {"sha256": "0" * 63}}, "title.sha256: expected a SHA-256"),
    (events.FileComplaint, {"evidence": [PHOTO | {"kind": "pho\tto"}]}, "evidence[0].kind: expected a word of the"),
    (events.FileComplaint, {"evidence": [PHOTO] * 51}, "evidence: expected at most 50 items"),
    (events.FileComplaint, {"high_risk": "yes"}, "high_risk: expected bool, got str"),
    (events.RequestEvidence, {"wanted": []}, "wanted: expected at least 1 items"),
    (events.RequestEvidence, {"party": "judge"}, "party: not one of complainant, respondent, carrier, appraiser"),
    (events.SubmitEvidence, {"items": None}, "items: expected array, got null"),
    (events.RecordFinding, {"proven": None}, "proven: expected bool, got null"),
    (events.ProposeRemedy, {"terms": {"kind": "refund", "amount_fen": -19_900}}, "terms.amount_fen: expected int, at"),
    (events.AnswerProposal, {"answer": "perhaps"}, "answer: not one of accept, decline, counter"),
    (events.IssueRuling, {"outcome": "maybe"}, "outcome: not one of agreed, upheld"),
    (events.IssueRuling, {"penalties": [{"row": "Points!"}]}, "penalties[0].row: expected a word of the policy"),
    (events.FileComplaint, {"procedure": "No such"}, "procedure: expected a word of the policy"),
    (events.FileComplaint, {"review": {"review": "r-1", "ground": "coercion"}}, "review.rating: this field is"),
    (events.RecordContact, {"answered_after_seconds": -1}, "answered_after_seconds: expected int, at least 0"),
    (events.CorrectCategory, {"category": "weather"}, "category: not one of quality, "),
    (events.FileAppeal, {"items": []}, "items: expected at least 1 items"),
    (events.RecordConduct, {"conduct_at": "2026-03-02T10:00:00"}, "conduct_at: expected a date and time"),
    (events.NarrowClaim, {"claim": {"remedies": []}}, "claim.remedies: expected at least 1 items"),
    (events.ExtendClock, {"by": 0}, "by: expected int, at least 1"),
    (events.ExtendClock, {"clock": "cuckoo"}, "clock: not one of acceptance, "),
    (events.AnswerSurvey, {"scores": {}}, "scores.speed: this field is required"),
    (
        events.AnswerSurvey,
        {"scores": msgspec.to_builtins(SAMPLES[events.AnswerSurvey])["scores"] | {"speed": 6}},
        "scores.speed: expected int, at most 5",
    ),
    (events.CorrectAct, {"entry": 0}, "entry: expected int, at least 1"),
    (events.MergeCase, {"into": ""}, "into: expected a reference"),
    (events.ReopenCase, {"case_id": "buyer-1/order-1"}, "case_id: the message names another case than the workflow"),
    (events.FileComplaint, {"orders": ["order-2"]}, "complainant, orders[0]: the message names another case"),
)


@both_runners
async def test_every_wrong_field_is_named(desk: Desk, foreign: Client, case_id: str) -> None:
    trace = await Trace(desk, case_id).start()
    handle = foreign.get_workflow_handle(case_id)
    said = [
        await complaint_about(handle.execute_update(act.name(), plain(SAMPLES[act]) | change))
        for act, change, _ in BAD_FIELDS
    ]
    wrong = [
        (answer, sentence) for answer, (_, _, sentence) in zip(said, BAD_FIELDS, strict=True) if sentence not in answer
    ]
    assert not wrong
    assert not any("regex" in answer for answer in said)
    assert await trace.left() == (0, 0)


async def test_every_missing_field_is_named(desk: Desk, foreign: Client, case_id: str) -> None:
    trace = await Trace(desk, case_id).start()
    handle = foreign.get_workflow_handle(case_id)
    for act in SAMPLES.values():
        for field in msgspec.structs.fields(act):
            if field.required:
                given = plain(act)
                del given[field.name]
                said = await complaint_about(handle.execute_update(act.name(), given))
                assert said == f"{field.name}: this field is required"
    assert await trace.left() == (0, 0)


async def test_a_payload_over_the_engine_s_limit_is_not_even_delivered(
    desk: Desk, foreign: Client, case_id: str
) -> None:
    """Rejecting it would take an answer that the engine does not accept; the server's settings hold it back."""
    trace = await Trace(desk, case_id).start()
    args = await DataConverter.default.encode_wrapper([{"reason": "x" * 2_500_000}])
    update = UpdateWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=case_id),
        wait_policy=WaitPolicy(
            lifecycle_stage=UpdateWorkflowExecutionLifecycleStage.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
        ),
        request=Request(meta=Meta(update_id="huge"), input=Input(name="accept_complaint", args=args)),
    )
    with pytest.raises(RPCError, match="payload size of in-flight updates") as caught:
        await foreign.workflow_service.update_workflow_execution(update, retry=False)
    assert caught.value.status is RPCStatusCode.RESOURCE_EXHAUSTED
    assert await trace.left() == (0, 0)


async def test_plain_json_from_any_client_is_understood(desk: Desk, foreign: Client, case_id: str) -> None:
    contact = {
        "request_id": "f-1",
        "actor": {"id": "agent-03", "role": "agent"},
        "party": "complainant",
        "channel": "sms",
    }
    answer = await foreign.get_workflow_handle(case_id).execute_update("record_contact", contact)
    assert answer["accepted"] is True
    assert answer["entry"] == (await desk.entries(case_id))[-1].number


async def test_an_act_without_actor_is_recorded_as_unattributed(desk: Desk, foreign: Client, case_id: str) -> None:
    """As it comes raw from the engine's user interface."""
    contact = {"request_id": "f-1", "party": "complainant", "channel": "sms"}
    answer = await foreign.get_workflow_handle(case_id).execute_update("record_contact", contact)
    assert answer["accepted"] is True
    assert (await desk.entries(case_id))[-1].actor is None


# --- starts ------------------------------------------------------------------------------------------


def good_start(desk: Desk) -> dict[str, Any]:
    return plain(desk.complaint())


BAD_STARTS: dict[str, tuple[Any, str]] = {
    "no argument": (lambda _: [], "run: expected exactly one message, got none"),
    "two arguments": (lambda good: [good, good], "run: expected exactly one message, got 2"),
    "null": (lambda _: [None], "the message is missing"),
    "nothing in it": (lambda _: [{}], "type: this field is required"),
    "another act": (lambda good: [good | {"type": "accept_complaint"}], "type: not one of file_complaint, reopen_case"),
    "a number": (lambda good: [good | {"category": 5}], "category: expected str, got int"),
    "negative money": (
        lambda good: [good | {"claim": {"remedies": ["refund"], "amount_fen": -1}}],
        "claim.amount_fen: expected int, at least 1",
    ),
    "another case's complaint": (
        lambda good: [good | {"complainant": "buyer-999"}],
        "complainant, orders[0]: the message",
    ),
    "a forged hand-over": (lambda _: [{"type": "carried", "case": {}}], "case"),
    "a huge text": (lambda good: [good | {"title": HUGE}], "title: expected object, got str"),
}


@pytest.mark.parametrize("bad", BAD_STARTS)
async def test_a_malformed_start_fails_at_once_and_the_case_can_still_be_filed(
    desk: Desk, foreign: Client, bad: str
) -> None:
    make, sentence = BAD_STARTS[bad]
    complaint = desk.complaint()
    await desk.know_order(complaint)
    case_id = complaint.case_id
    run = await foreign.start_workflow(WORKFLOW, args=make(plain(complaint)), id=case_id, task_queue=desk.task_queue)
    assert sentence in await complaint_about(run.result())
    assert "WORKFLOW_TASK_FAILED" not in names(await history(desk, case_id))
    assert await desk.entries(case_id) == ()
    must(await desk.file(complaint))
    await finish(desk, case_id)


async def test_a_forged_hand_over_of_a_whole_case_is_refused(desk: Desk, foreign: Client, case_id: str) -> None:
    """Only an earlier run of the same case may hand one over, by continue-as-new."""
    forged = {"type": "carried", "case": await foreign.get_workflow_handle(case_id).query("case")}
    run = await foreign.start_workflow(WORKFLOW, forged, id="buyer-999/order-1", task_queue=desk.task_queue)
    expected = "type: a case is opened by file_complaint, reopen_case or record_external_complaint"
    assert await complaint_about(run.result()) == expected


async def test_a_malformed_complaint_by_update_with_start(desk: Desk, foreign: Client, case_id: str) -> None:
    """Joining the open case, the malformed copy is refused; the start's argument is not looked at."""
    trace = await Trace(desk, case_id).start()
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW, {}, id=case_id, task_queue=desk.task_queue, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    sending = foreign.execute_update_with_start_workflow("file_complaint", {}, start_workflow_operation=start)
    assert "this field is required" in await complaint_about(sending)
    assert await trace.left() == (0, 0)


@pytest.mark.rule("ADM-1")
async def test_an_unknown_order_leads_to_a_question(desk: Desk) -> None:
    complaint = desk.complaint(evidence=(item("photo"),))
    must(await desk.file(complaint))
    case_id = complaint.case_id
    case = await until(desk, case_id, lambda case: bool(case.orders_checked) and not case.outbox)
    assert [request.wanted for request in case.open_requests(Party.COMPLAINANT)] == [
        ("receipt", "contract", "screenshot")
    ]
    must(await desk.act(case_id, events.SubmitEvidence, BUYER, items=(item("receipt"),)))
    await finish(desk, case_id)


async def test_a_case_that_does_not_exist_is_not_found(desk: Desk) -> None:
    with pytest.raises(RPCError) as caught:
        await desk.act("buyer-017/no-such-order", events.AcceptComplaint)
    assert caught.value.status is RPCStatusCode.NOT_FOUND


# --- well-formed, but not now ------------------------------------------------------------------------

ILLEGAL: dict[str, tuple[type[Act], Actor | None, dict[str, Any], str, str]] = {
    "too early": (
        events.IssueRuling,
        AGENT,
        {"outcome": "dismissed", "rule": "COO-3"},
        "wrong_stage",
        "the platform rules when mediation has ended",
    ),
    "no right": (
        events.AcceptComplaint,
        BUYER,
        {},
        "no_right",
        "actor.role: accept_complaint is for agent",
    ),
    "not a party": (
        events.SubmitStatement,
        Actor(id="seller-999", role=Role.RESPONDENT),
        {"text": text("x")},
        "not_a_party",
        "actor.id: seller-999 is not the respondent of this case",
    ),
    "unattributed": (events.WithdrawComplaint, None, {}, "no_right", "not for unattributed"),
    "posing as the engine": (
        events.AbsorbCase,
        BUYER,
        {"duplicate": "buyer-017/x", "head": {"number": 1, "hash": ""}, "channel": "sms"},
        "no_right",
        "absorb_case is for engine",
    ),
    "no reason": (
        events.RefuseComplaint,
        AGENT,
        {"ground": "too_late", "reason": None},
        "reason_missing",
        "reason: a refusal needs a reason",
    ),
    "unknown evidence": (
        events.SubmitEvidence,
        BUYER,
        {"items": (item("horoscope"),)},
        "unknown_evidence_kind",
        "items.kind: horoscope is not one of",
    ),
    "unknown remedy": (events.ReportRemedy, SELLER, {"remedy": "M9", "done": True}, "unknown_remedy", "no remedy M9"),
    "nothing to correct": (events.CorrectAct, AGENT, {"entry": 99}, "not_correctable", "entry: 99 is not"),
    "into itself": (events.MergeCase, AGENT, {}, "same_case", "into: a case cannot be merged into itself"),
}


RULES = {"too early": "COO-3", "unknown evidence": "INT-6", "unknown remedy": "FUP-3"}
"""Which rule refuses what; TRA-1 the rest."""


@pytest.mark.parametrize(
    "bad", [pytest.param(bad, marks=pytest.mark.rule(RULES.get(bad, "TRA-1")), id=bad) for bad in ILLEGAL]
)
async def test_an_illegal_act_adds_one_refused_entry_and_nothing_else(desk: Desk, case_id: str, bad: str) -> None:
    act, actor, given, code, sentence = ILLEGAL[bad]
    if act is events.MergeCase:
        given = given | {"into": case_id}
    message = msgspec.convert(msgspec.to_builtins(desk.message(act, actor, **given)), act)
    before, trace = await until_quiet(desk, case_id), await Trace(desk, case_id).start()
    seen = len(await history(desk, case_id))
    answer = await desk.send(case_id, message)
    assert answer.refusal is not None
    assert (answer.accepted, answer.refusal.code, answer.refusal.rule) == (False, code, RULES.get(bad, "TRA-1"))
    assert sentence in answer.refusal.message
    entry = (await desk.entries(case_id))[-1]
    assert (entry.event, entry.actor, entry.refusal, entry.facts) == (act.name(), actor, answer.refusal, ())
    assert (await trace.left())[1] == 1
    assert sorted(names((await history(desk, case_id))[seen:])) == sorted(
        [
            *("WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_TASK_COMPLETED"),
            *("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "MARKER_RECORDED", "WORKFLOW_EXECUTION_UPDATE_COMPLETED"),
        ]
    )
    after = await desk.case(case_id)
    assert msgspec.structs.replace(after, head=before.head, answers=before.answers) == before


async def test_a_request_id_used_for_another_act_is_refused(desk: Desk, foreign: Client, case_id: str) -> None:
    first = desk.message(events.RecordContact, party=Party.COMPLAINANT, channel="sms")
    must(await desk.send(case_id, first))
    other = msgspec.structs.replace(first, party=Party.RESPONDENT)
    # Under an update id of its own; the engine answers a repeated update id by itself.
    answer = await foreign.get_workflow_handle(case_id).execute_update("record_contact", plain(other))
    assert answer["refusal"]["code"] == "request_id_used"
    again = await foreign.get_workflow_handle(case_id).execute_update("record_contact", plain(first))
    assert again["accepted"] is True


POSSIBLE_AFTER_CLOSING = (
    events.FileComplaint,
    events.ReopenCase,
    events.RecordContact,
    events.RequestReview,
    events.FileAppeal,
    events.RecordExternalComplaint,
    events.SetRisk,
)


async def test_every_act_after_closing_is_answered(desk: Desk, foreign: Client) -> None:
    case_id = await desk.opened()
    await to_closed(desk, case_id)
    handle = foreign.get_workflow_handle(case_id)
    for act in SAMPLES.values():
        if isinstance(act, POSSIBLE_AFTER_CLOSING):
            continue
        entries = len(await desk.entries(case_id))
        answer = await handle.execute_update(act.name(), plain(act))
        assert answer["refusal"]["message"]
        assert len(await desk.entries(case_id)) == entries + 1
    await archive(desk, case_id)


async def test_acts_on_an_archived_case_find_no_open_run(desk: Desk) -> None:
    """The client says that the case is closed; it is not journalled (a stated non-goal)."""
    case_id = await desk.opened()
    await finish(desk, case_id)
    before = await desk.entries(case_id)
    for act in (events.AcceptComplaint, events.WithdrawComplaint):
        with pytest.raises(RPCError) as caught:
            await desk.act(case_id, act)
        assert caught.value.status is RPCStatusCode.NOT_FOUND
    assert await desk.entries(case_id) == before
