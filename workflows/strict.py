"""The interceptor that lets through exactly one message, present and not too large.

The data converter sees one payload at a time; this sees the call. Without it a call with no
argument, or with two, drops the type hints and reaches the handler, whose TypeError fails the
workflow task for ever (signals, starts), or is answered after the update is already in history.

What the sender gets: a start fails at once; an update is rejected before acceptance and leaves
no trace; a query is answered with the error; a signal, which has no answer, is dropped and logged
by name. Signals of unknown names are dropped too, where the SDK would keep them in memory.
A signal or query that takes no message ignores what it is given: the SDK drops it beforehand.

One object serves both sides: `Client.connect(..., interceptors=[StrictMessages()])` checks sizes
before sending, and the workers made from that client check what arrives. A `Replayer` needs it
in its own `interceptors`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import temporalio.client
import temporalio.worker
from temporalio import workflow
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.common import RawValue
from typing_extensions import override  # the SDK needs it too; in `typing` from 3.12 on

from workflows.malformed import malformed, tidy
from workflows.wire import MAX_MESSAGE_BYTES, carried, size_of


class StrictMessages(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Checks the messages of both sides: what a client sends, and what a workflow is handed."""

    @override
    def intercept_client(self, next: temporalio.client.OutboundInterceptor) -> temporalio.client.OutboundInterceptor:
        """Check what this client sends."""
        return _Outgoing(next)

    @override
    def workflow_interceptor_class(
        self, input: temporalio.worker.WorkflowInterceptorClassInput
    ) -> type[temporalio.worker.WorkflowInboundInterceptor]:
        """Check what the workflows of this worker receive."""
        return _Incoming


def require_strict(workflow_class: type) -> None:
    """Refuse a workflow class whose handlers would let malformed input pass: call it at start-up.

    Raises TypeError naming every fault: `run`, and every update, signal and query, takes one
    message with a type (only signals and queries may take none), every update has a validator
    (no interceptor runs before acceptance without one), and no `@workflow.init` (it would run
    before any interceptor).
    """
    if faults := list(_faults(workflow_class)):
        raise TypeError(f"{workflow_class.__name__} is not strict: {'; '.join(faults)}")


def _faults(workflow_class: type) -> Iterator[str]:
    definition = _definition(workflow_class)
    if hasattr(vars(workflow_class).get("__init__"), "__temporal_workflow_init"):
        yield "@workflow.init runs before the checks"
    if not _takes_one_message(definition.arg_types):
        yield "run must take one typed message"
    for name, update in definition.updates.items():
        if name is not None and not _takes_one_message(update.arg_types):
            yield f"update {name} must take one typed message"
        if update.validator is None:
            yield f"update {name} has no validator"
    for kind, handlers in (("signal", definition.signals), ("query", definition.queries)):
        for name, handler in handlers.items():
            if name is not None and handler.arg_types and not _takes_one_message(handler.arg_types):
                yield f"{kind} {name} must take one typed message, or none"
            if name is not None and handler.arg_types is None:
                yield f"{kind} {name} has parameters that are not positional"


def _takes_one_message(arg_types: Sequence[Any] | None) -> bool:
    return arg_types is not None and len(arg_types) == 1 and arg_types[0] not in (None, Any)


def _definition(workflow_class: type) -> Any:
    # No public way leads from a handler's name to its parameters; the SDK's version is pinned.
    return workflow._Definition.must_from_class(workflow_class)


def _oversized(args: Sequence[Any]) -> str | None:
    size = max((size_of(arg) for arg in args), default=0)
    if size <= MAX_MESSAGE_BYTES:
        return None
    return f"the message has {size} bytes, at most {MAX_MESSAGE_BYTES} are allowed"


# What a client sends --------------------------------------------------------------------------


class _Outgoing(temporalio.client.OutboundInterceptor):
    """Refuses an oversized message before it is sent."""

    @override
    async def start_workflow(
        self, input: temporalio.client.StartWorkflowInput
    ) -> temporalio.client.WorkflowHandle[Any, Any]:
        _require_sendable(*input.args, *input.start_signal_args)
        return await super().start_workflow(input)

    @override
    async def signal_workflow(self, input: temporalio.client.SignalWorkflowInput) -> None:
        _require_sendable(*input.args)
        await super().signal_workflow(input)

    @override
    async def query_workflow(self, input: temporalio.client.QueryWorkflowInput) -> Any:
        _require_sendable(*input.args)
        return await super().query_workflow(input)

    @override
    async def start_workflow_update(
        self, input: temporalio.client.StartWorkflowUpdateInput
    ) -> temporalio.client.WorkflowUpdateHandle[Any]:
        _require_sendable(*input.args)
        return await super().start_workflow_update(input)

    @override
    async def start_update_with_start_workflow(
        self, input: temporalio.client.StartWorkflowUpdateWithStartInput
    ) -> temporalio.client.WorkflowUpdateHandle[Any]:
        _require_sendable(*input.start_workflow_input.args, *input.update_workflow_input.args)
        return await super().start_update_with_start_workflow(input)


def _require_sendable(*args: Any) -> None:
    if fault := _oversized(args):
        raise malformed(fault)


# What a workflow is handed --------------------------------------------------------------------


class _Incoming(temporalio.worker.WorkflowInboundInterceptor):
    """Refuses what is not exactly one message, present and not too large."""

    @override
    def init(self, outbound: temporalio.worker.WorkflowOutboundInterceptor) -> None:
        super().init(_CarriedOver(outbound))

    @override
    async def execute_workflow(self, input: temporalio.worker.ExecuteWorkflowInput) -> Any:
        # What an earlier run hands over is our own: if it is wrong, only the task may fail.
        if workflow.info().continued_run_id is None and (
            fault := _count_fault("run", input.args, expected=1) or _oversized(input.args)
        ):
            raise malformed(fault)
        if workflow.get_dynamic_signal_handler() is None:
            workflow.set_dynamic_signal_handler(_drop_unknown)
        return await super().execute_workflow(input)

    @override
    async def handle_signal(self, input: temporalio.worker.HandleSignalInput) -> None:
        if fault := _fault_of("signals", input.signal, input.args):
            workflow.logger.warning("signal %s dropped: %s", tidy(input.signal), fault)
            return
        await super().handle_signal(input)

    @override
    async def handle_query(self, input: temporalio.worker.HandleQueryInput) -> Any:
        if fault := _fault_of("queries", input.query, input.args):
            raise malformed(fault)
        answer = await super().handle_query(input)
        if isinstance(answer, WorkflowMetadata):
            _hide_nameless(answer)
        return answer

    @override
    def handle_update_validator(self, input: temporalio.worker.HandleUpdateInput) -> None:
        if fault := _fault_of("updates", input.update, input.args):
            raise malformed(fault)
        super().handle_update_validator(input)


class _CarriedOver(temporalio.worker.WorkflowOutboundInterceptor):
    """Marks what a run hands to the next one as our own."""

    @override
    def continue_as_new(self, input: temporalio.worker.ContinueAsNewInput) -> NoReturn:
        input.args = [carried(arg) for arg in input.args]
        super().continue_as_new(input)


def _fault_of(kind: str, name: str, args: Sequence[Any]) -> str | None:
    handlers = getattr(_definition(type(workflow.instance())), kind)
    handler = handlers.get(name)
    if handler is None:
        return None  # built in, or dynamic: these take what they are given
    expected = len(handler.arg_types or ())
    return _count_fault(name, args, expected) or _oversized(args)


def _count_fault(name: str, args: Sequence[Any], expected: int) -> str | None:
    if len(args) != expected:
        return f"{name}: expected exactly one message, got {len(args) or 'none'}"
    if any(arg is None for arg in args):
        return f"{name}: the message is missing"
    return None


async def _drop_unknown(name: str, args: Sequence[RawValue]) -> None:
    workflow.logger.warning("signal %s dropped: no such signal", tidy(name))


def _hide_nameless(metadata: WorkflowMetadata) -> None:
    """Keep the handler for unknown signals out of the Web UI's menu, where it has no name."""
    signals = metadata.definition.signal_definitions
    named = [signal for signal in signals if signal.name]
    del signals[:]
    signals.extend(named)
