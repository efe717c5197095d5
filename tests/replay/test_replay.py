"""Today's code does with every golden history exactly what it did then; whatever is changed is found."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from audit.certificate import Certificate, certify, certify_all
from policies.book import PolicyBook, default_book
from stack.scenario import EXAMPLES
from states import view
from tests.replay import golden
from workflows import complaint
from workflows.complaint import Complaint
from workflows.strict import StrictMessages
from workflows.wire import data_converter

SETTLED = "settled-by-refund"
PUNISHED = "upheld-with-penalties"


def test_every_scenario_has_a_golden_history() -> None:
    assert set(golden.names()) == {path.stem for path in EXAMPLES.glob("*.yaml")}, "run: make golden"


def test_the_golden_histories_stay_small() -> None:
    assert sum(path.stat().st_size for path in golden.GOLDENS.iterdir()) < 5_000_000


@pytest.mark.parametrize("name", golden.names())
async def test_a_golden_history_replays_to_the_same_journal_and_answers(name: str) -> None:
    kept = golden.read(name)
    journals: dict[str, dict[int, str]] = {case_id: {} for case_id in kept.cases}
    answers: dict[str, dict[str, Any]] = {case_id: {} for case_id in kept.cases}
    for certificate in await certify_all([run.load() for run in kept.runs]):
        assert certificate.faults == ()
        journals[certificate.workflow_id] |= certificate.journal
        answers[certificate.workflow_id] |= certificate.answers
    for case_id, case in kept.cases.items():
        assert tuple(journals[case_id][number] for number in sorted(journals[case_id])) == case.journal
        assert answers[case_id] == case.answers


# --- what is changed is found ------------------------------------------------------------------------


def history(name: str) -> WorkflowHistory:
    """A golden history that a test may change."""
    return golden.read(name).runs[0].load()


async def stock_replay_passes(changed: WorkflowHistory) -> bool:
    """Whether the SDK's own comparison finds nothing."""
    replayer = Replayer(
        workflows=[Complaint],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter,
        interceptors=[StrictMessages()],
    )
    result = await replayer.replay_workflow(changed, raise_on_replay_failure=False)
    return result.replay_failure is None


def first_fault(certificate: Certificate) -> str:
    assert not certificate.proved
    return certificate.faults[0]


def event_of(changed: WorkflowHistory, kind: "EventType.ValueType", number: int = 0) -> HistoryEvent:
    return [event for event in changed.events if event.event_type == kind][number]


async def test_changed_workflow_code_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the shell forgets to show the case."""
    monkeypatch.setattr(Complaint, "_show", lambda self, case: None)
    assert "search attributes 1" in first_fault(await certify(history(SETTLED)))


async def test_a_changed_timer_length_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = workflow.sleep
    later: Callable[..., Any] = lambda duration, **given: original(duration + timedelta(seconds=1), **given)  # noqa: E731
    monkeypatch.setattr(workflow, "sleep", later)
    changed = history(SETTLED)
    assert "timer 1, length: event " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_timer_summary_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "deadline_summary", lambda case, policy: "soon")
    changed = history(SETTLED)
    assert "timer 1, summary: event " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


def with_other_points(keep_hash: bool) -> PolicyBook:
    """The policies with one penalty changed; with the old hash, as if the pack had been edited after its release."""
    policies = {}
    for policy in default_book():
        rows = {
            name: replace(row, points=row.points + 1 if row.points else None)
            for name, row in policy.pack.penalties.items()
        }
        ref = policy.ref if keep_hash else replace(policy.ref, digest="0" * 64)
        policies[ref] = replace(policy, ref=ref, pack=replace(policy.pack, penalties=rows))
    return PolicyBook(policies)


@pytest.mark.parametrize("keep_hash", [True, False], ids=["hash kept", "hash changed"])
async def test_a_changed_penalty_is_found(monkeypatch: pytest.MonkeyPatch, keep_hash: bool) -> None:
    book = with_other_points(keep_hash)
    monkeypatch.setattr(complaint, "default_book", lambda: book)
    assert "the journal's entry" in first_fault(await certify(history(PUNISHED)))


async def test_an_edited_penalty_is_found() -> None:
    changed = history(PUNISHED)
    for event in changed.events:
        for payload in event.activity_task_scheduled_event_attributes.input.payloads:
            payload.data = payload.data.replace(b'"points":2', b'"points":3')
    assert ", input: event " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_notice_is_found() -> None:
    changed = history(SETTLED)
    scheduled = event_of(changed, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    edit(scheduled.activity_task_scheduled_event_attributes.input.payloads[0], b"received", b"accepted")
    assert f"input: event {scheduled.event_id} says" in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_summary_in_history_is_found() -> None:
    changed = history(SETTLED)
    timer = event_of(changed, EventType.EVENT_TYPE_TIMER_STARTED)
    timer.user_metadata.summary.data = b'"nothing is due"'
    assert "timer 1, summary: " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_search_attribute_is_found() -> None:
    changed = history(SETTLED)
    upsert = event_of(changed, EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
    fields = upsert.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
    fields["TousuLevel"].data = b'"management"'
    assert "search attributes 1, TousuLevel: " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_answer_is_found() -> None:
    changed = history(SETTLED)
    completed = event_of(changed, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED, 1)
    outcome = completed.workflow_execution_update_completed_event_attributes.outcome
    edit(outcome.success.payloads[0], b'"accepted":true', b'"accepted":false')
    assert "answer to update" in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_a_changed_result_is_found() -> None:
    changed = history(SETTLED)
    completed = event_of(changed, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
    edit(completed.workflow_execution_completed_event_attributes.result.payloads[0], b"archived", b"closed")
    assert "result, result: " in first_fault(await certify(changed))
    assert await stock_replay_passes(changed)


async def test_an_edited_journal_head_is_found() -> None:
    """The hash that the database reported for the entries of one turn."""
    changed = history(SETTLED)
    marker = event_of(changed, EventType.EVENT_TYPE_MARKER_RECORDED, 3)
    [payload] = marker.marker_recorded_event_attributes.details["result"].payloads
    written = msgspec.json.decode(payload.data)
    edit(payload, written["head"]["hash"].encode(), b"f" * 64)
    assert f"event {marker.event_id}: the journal's entry " in " ".join((await certify(changed)).faults)


async def test_an_edited_act_is_found() -> None:
    """Somebody else is made to have accepted the complaint."""
    changed = history(SETTLED)
    accepted = event_of(changed, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 1)
    request = accepted.workflow_execution_update_accepted_event_attributes.accepted_request
    edit(request.input.args.payloads[0], b"agent-03", b"agent-99")
    assert "the journal's entry" in " ".join((await certify(changed)).faults)


async def test_a_cut_out_event_is_found() -> None:
    changed = history(SETTLED)
    kept = [event for event in changed.events if event.event_id != 7]
    faults = (await certify(dataclasses.replace(changed, events=kept))).faults
    assert any("stands where event 7 should" in fault for fault in faults)


async def test_a_timer_that_fires_early_is_found() -> None:
    changed = history(SETTLED)
    fired = event_of(changed, EventType.EVENT_TYPE_TIMER_FIRED)
    fired.event_time.FromNanoseconds(changed.events[0].event_time.ToNanoseconds())
    assert f"event {fired.event_id}: the timer fires before it is due" in (await certify(changed)).faults


def edit(payload: Payload, old: bytes, new: bytes) -> None:
    """Change what a payload says."""
    assert old in payload.data, payload.data
    payload.data = payload.data.replace(old, new)
