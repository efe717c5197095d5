"""The replay certificate: a run's history, replayed with today's code, asks the engine for exactly what it asked then.

The SDK's Replayer compares the kinds and order of commands only; it passes changed timer lengths, inputs, results and
answers. Here every command's content is compared with the event that it became, and every journal entry that the
replayed code decides with the head of the journal that the history reports.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import (
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)

from activities.ports import WRITE_JOURNAL, JournalBatch, Written
from states.values import Answer, Head
from workflows.complaint import Complaint
from workflows.strict import StrictMessages
from workflows.wire import data_converter

T = TypeVar("T")


class Certificate(NamedTuple):
    """What the replay of one run showed."""

    workflow_id: str
    run_id: str
    faults: tuple[str, ...]
    """Where code and history differ, a sentence each; none if the run is proved."""
    journal: dict[int, str]
    """The hashes of the journal entries that the replayed code decided, by number."""
    answers: dict[str, Answer]
    """What the replayed code answered, by request id."""

    @property
    def proved(self) -> bool:
        return not self.faults


async def certify(history: WorkflowHistory) -> Certificate:
    """Replay one run."""
    return (await certify_all([history]))[0]


async def certify_all(histories: Sequence[WorkflowHistory]) -> list[Certificate]:
    """Replay runs, each for itself."""
    watching = _Watching()
    replayer = Replayer(
        workflows=[Complaint],
        workflow_runner=watching,
        data_converter=data_converter,
        interceptors=[StrictMessages()],
    )

    async def each() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    async with replayer.workflow_replay_iterator(each()) as results:
        return [_judge(result.history, watching, result.replay_failure) async for result in results]


# --- what the code does in a replay --------------------------------------------------------------


class _Watching(WorkflowRunner):
    """Runs workflows as production does, and keeps what they ask of the engine."""

    def __init__(self) -> None:
        self._inner = UnsandboxedWorkflowRunner()
        self.seen: dict[str, _Seen] = {}

    def prepare_workflow(self, defn: Any) -> None:
        self._inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        seen = self.seen[det.info.run_id] = _Seen()
        return _Watched(self._inner.create_instance(det), seen)


class _Seen:
    """What one run was told and asked for."""

    def __init__(self) -> None:
        self.commands: list[WorkflowCommand] = []
        self.updates: dict[str, str] = {}
        """The ids of updates, by the ids under which the engine hands them over."""
        self.requests: dict[str, str] = {}
        """The request ids of the acts in them, likewise."""
        self.failures: list[str] = []

    def note(self, told: WorkflowActivation, asked: WorkflowActivationCompletion) -> None:
        if any(job.HasField("remove_from_cache") for job in told.jobs):
            return
        for job in told.jobs:
            if job.HasField("do_update"):
                update = job.do_update
                self.updates[update.protocol_instance_id] = update.id
                [act] = _decoded(update.input)
                self.requests[update.protocol_instance_id] = act["request_id"]
        for command in asked.successful.commands:
            kept = WorkflowCommand()
            kept.CopyFrom(command)
            self.commands.append(kept)
        if asked.HasField("failed"):
            self.failures.append(asked.failed.failure.message)


class _Watched(WorkflowInstance):
    def __init__(self, inner: WorkflowInstance, seen: _Seen) -> None:
        self._inner = inner
        self._seen = seen

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inner.activate(act)
        self._seen.note(act, completion)
        return completion

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()


# --- the comparison ------------------------------------------------------------------------------


def _judge(history: WorkflowHistory, watching: _Watching, failure: Exception | None) -> Certificate:
    seen = watching.seen.get(history.run_id, _Seen())
    asked, answers, journal = _asked(seen)
    happened = _happened(history.events)
    _forget_dropped_timers(asked, happened, history.events)
    faults = [f"the replayed code failed: {message}" for message in seen.failures]
    faults += [*_time_faults(history.events), *_journal_faults(seen, history.events)]
    for key in dict.fromkeys([*happened, *asked]):  # in the order of history, so the first fault is the cause
        faults += _difference(key, asked.get(key), happened.get(key))
    if failure is not None and not faults:
        faults.append(f"the engine's own replay failed: {failure}")
    return Certificate(history.workflow_id, history.run_id, tuple(faults), journal, answers)


def _forget_dropped_timers(
    asked: dict[tuple[str, str], "_Content"],
    happened: Mapping[tuple[str, str], "_Content"],
    events: Sequence[HistoryEvent],
) -> None:
    """The engine drops what is in vain: cancelling a timer that fired, setting one that is cancelled in that task."""
    fired = {event.timer_fired_event_attributes.timer_id for event in events}
    for cancelled in [key for key in asked if key[0] == "cancelled timer" and key not in happened]:
        timer = ("timer", cancelled[1])
        if timer not in happened:
            del asked[timer], asked[cancelled]
        elif timer[1] in fired:
            del asked[cancelled]


class _Content(NamedTuple):
    """What a command asks for, or what an event says was asked for, in comparable parts."""

    parts: Mapping[str, Any]
    where: str = ""


def _difference(key: tuple[str, str], asked: _Content | None, happened: _Content | None) -> Iterable[str]:
    name = " ".join(key).strip()
    if happened is None:
        yield f"{name}: the replayed code asks for it, the history does not hold it"
    elif asked is None:
        yield f"{name}: {happened.where} holds it, the replayed code does not ask for it"
    else:
        for part in sorted(asked.parts.keys() | happened.parts.keys()):
            now, then = asked.parts.get(part), happened.parts.get(part)
            if now != then:
                yield f"{name}, {part}: {happened.where} says {_shown(then)}, the replayed code says {_shown(now)}"


def _asked(seen: _Seen) -> tuple[dict[tuple[str, str], _Content], dict[str, Answer], dict[int, str]]:
    """What the commands ask for, by kind and number; with the answers and the journal entries among it."""
    asked: dict[tuple[str, str], _Content] = {}
    answers: dict[str, Answer] = {}
    journal: dict[int, str] = {}
    counted: Counter[str] = Counter()
    for command in seen.commands:
        kind = command.WhichOneof("variant")
        match kind:
            case "start_timer":
                timer = command.start_timer
                parts = {"length": timer.start_to_fire_timeout.ToTimedelta()} | _summary(command.user_metadata)
                asked["timer", str(timer.seq)] = _Content(parts)
            case "cancel_timer":
                asked["cancelled timer", str(command.cancel_timer.seq)] = _Content({})
            case "schedule_activity":
                activity = command.schedule_activity
                asked["activity", activity.activity_id] = _activity(activity, command.user_metadata)
                journal |= _hashes(activity.activity_type, activity.arguments)
            case "schedule_local_activity":
                local = command.schedule_local_activity
                asked["local activity", str(local.seq)] = _Content({"type": local.activity_type})
                journal |= _hashes(local.activity_type, local.arguments)
            case "upsert_workflow_search_attributes":
                counted[kind] += 1
                fields = command.upsert_workflow_search_attributes.search_attributes.indexed_fields
                asked["search attributes", str(counted[kind])] = _Content(_data(fields))
            case "update_response":
                response = command.update_response
                update = seen.updates[response.protocol_instance_id]
                if response.HasField("completed"):
                    asked["answer to update", update] = _Content({"answer": _decoded([response.completed])})
                    answers[seen.requests[response.protocol_instance_id]] = _read(response.completed, Answer)
                elif response.HasField("accepted"):
                    asked["accepted update", update] = _Content({})
            case "complete_workflow_execution":
                result = command.complete_workflow_execution.result
                asked["result", ""] = _Content({"result": _decoded([result])})
            case "continue_as_new_workflow_execution":
                carried = command.continue_as_new_workflow_execution.arguments
                asked["next run", ""] = _Content({"input": _decoded(carried)})
            case "fail_workflow_execution":
                asked["failure", ""] = _Content({"message": command.fail_workflow_execution.failure.message})
            case _:
                asked["command", str(kind)] = _Content({})
    return asked, answers, journal


def _happened(events: Sequence[HistoryEvent]) -> dict[tuple[str, str], _Content]:
    """What the history says was asked for, by kind and number."""
    happened: dict[tuple[str, str], _Content] = {}
    requests: dict[int, str] = {}
    counted: Counter[str] = Counter()
    for event in events:
        where = f"event {event.event_id}"
        match event.WhichOneof("attributes"):
            case "timer_started_event_attributes":
                timer = event.timer_started_event_attributes
                parts = {"length": timer.start_to_fire_timeout.ToTimedelta()} | _summary(event.user_metadata)
                happened["timer", timer.timer_id] = _Content(parts, where)
            case "timer_canceled_event_attributes":
                happened["cancelled timer", event.timer_canceled_event_attributes.timer_id] = _Content({}, where)
            case "activity_task_scheduled_event_attributes":
                activity = event.activity_task_scheduled_event_attributes
                content = _activity(activity, event.user_metadata)
                happened["activity", activity.activity_id] = _Content(content.parts, where)
            case "marker_recorded_event_attributes":
                local = _local_activity(event)
                if local is not None:
                    happened["local activity", str(local["seq"])] = _Content({"type": local["activity_type"]}, where)
            case "upsert_workflow_search_attributes_event_attributes":
                counted["upsert"] += 1
                fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
                happened["search attributes", str(counted["upsert"])] = _Content(_data(fields), where)
            case "workflow_execution_update_accepted_event_attributes":
                accepted = event.workflow_execution_update_accepted_event_attributes
                requests[event.event_id] = accepted.accepted_request.meta.update_id
                happened["accepted update", requests[event.event_id]] = _Content({}, where)
            case "workflow_execution_update_completed_event_attributes":
                completed = event.workflow_execution_update_completed_event_attributes
                answer = _decoded(completed.outcome.success.payloads)
                happened["answer to update", requests[completed.accepted_event_id]] = _Content(
                    {"answer": answer}, where
                )
            case "workflow_execution_completed_event_attributes":
                result = event.workflow_execution_completed_event_attributes.result.payloads
                happened["result", ""] = _Content({"result": _decoded(result)}, where)
            case "workflow_execution_continued_as_new_event_attributes":
                carried = event.workflow_execution_continued_as_new_event_attributes.input.payloads
                happened["next run", ""] = _Content({"input": _decoded(carried)}, where)
            case "workflow_execution_failed_event_attributes":
                failure = event.workflow_execution_failed_event_attributes.failure
                happened["failure", ""] = _Content({"message": failure.message}, where)
    return happened


def _activity(activity: Any, metadata: UserMetadata) -> _Content:
    """An activity as it is asked for, or as the history tells of it: the fields are named alike."""
    name = activity.activity_type if isinstance(activity.activity_type, str) else activity.activity_type.name
    given = activity.arguments if hasattr(activity, "arguments") else activity.input.payloads
    limits = ("start_to_close_timeout", "heartbeat_timeout")
    parts: dict[str, Any] = {limit: getattr(activity, limit).ToTimedelta() for limit in limits}
    return _Content(parts | {"type": name, "input": _decoded(given)} | _summary(metadata))


def _summary(metadata: UserMetadata) -> dict[str, Any]:
    return {"summary": _decoded([metadata.summary])} if metadata.HasField("summary") else {}


def _data(fields: Mapping[str, Payload]) -> dict[str, Any]:
    return {name: bytes(payload.data) for name, payload in fields.items()}


def _decoded(payloads: Sequence[Payload]) -> list[Any]:
    """Payloads as plain values, so that a difference can be shown."""
    return list(data_converter.payload_converter.from_payloads(payloads))


def _read(payload: Payload, kind: type[T]) -> T:
    value: T = data_converter.payload_converter.from_payload(payload, kind)
    return value


def _hashes(activity: str, arguments: Sequence[Payload]) -> dict[int, str]:
    if activity != WRITE_JOURNAL:
        return {}
    batch = _read(arguments[0], JournalBatch)
    return {entry.number: entry.hash for entry in batch.entries}


# --- faults ---------------------------------------------------------------------------------------


def _time_faults(events: Sequence[HistoryEvent]) -> Iterable[str]:
    """Events follow one another, the workflow's clock never goes back, and no timer fires before its time."""
    clock = 0
    due: dict[int, int] = {}
    for number, event in enumerate(events, start=1):
        at = event.event_time.ToNanoseconds()
        if event.event_id != number:
            yield f"event {event.event_id} stands where event {number} should"
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                if at < clock:
                    yield f"event {event.event_id}: the workflow's clock goes back"
                clock = at
            case EventType.EVENT_TYPE_TIMER_STARTED:
                length = event.timer_started_event_attributes.start_to_fire_timeout
                due[event.event_id] = at + length.ToNanoseconds()
            case EventType.EVENT_TYPE_TIMER_FIRED:
                if at < due.get(event.timer_fired_event_attributes.started_event_id, 0):
                    yield f"event {event.event_id}: the timer fires before it is due"


def _journal_faults(seen: _Seen, events: Sequence[HistoryEvent]) -> Iterable[str]:
    """The journal's head after each write, as history reports it, is the last entry that the replayed code decided."""
    decided: dict[str, Head] = {}
    for command in seen.commands:
        if command.HasField("schedule_local_activity"):
            local = command.schedule_local_activity
            if local.activity_type == WRITE_JOURNAL:
                batch = _read(local.arguments[0], JournalBatch)
                decided[str(local.seq)] = batch.entries[-1].head
    for event in events:
        marker = _local_activity(event)
        if marker is None or str(marker["seq"]) not in decided:
            continue
        result = event.marker_recorded_event_attributes.details.get("result")
        if result is None or not result.payloads:
            continue
        written = _read(result.payloads[0], Written)
        mine = decided[str(marker["seq"])]
        if written.fits and written.head.number == mine.number and written.head != mine:
            yield (
                f"event {event.event_id}: the journal's entry {mine.number} had the hash {written.head.hash}, "
                f"the replayed code decides {mine.hash}"
            )


def _local_activity(event: HistoryEvent) -> dict[str, Any] | None:
    marker = event.marker_recorded_event_attributes
    if event.event_type != EventType.EVENT_TYPE_MARKER_RECORDED or marker.marker_name != "core_local_activity":
        return None
    data: dict[str, Any] = msgspec.json.decode(marker.details["data"].payloads[0].data)
    return data


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else text[:200] + "..."
