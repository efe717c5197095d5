"""Acting on other cases, through the engine."""

import asyncio

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import Origin, Unanswered
from states.effects import DeliverMerge, Done, Failed
from states.events import AbsorbCase, Act
from states.incident import ENGINE
from states.values import Answer, Refusal

# The other run ended before it answered, and the engine gives this same answer however often it is asked.
_RUN_ENDED = "AcceptedUpdateCompletedWorkflow"


class EngineCases:
    """The port `Cases`; the docstrings there hold.

    The client needs the application's data converter. `patience` is how many seconds the other case may take to answer
    before it is asked again.
    """

    def __init__(self, client: Client, *, patience: float = 20.0) -> None:
        self._client = client
        self._patience = patience

    async def deliver(self, effect: DeliverMerge, origin: Origin) -> Done | Failed:
        """Send the other case the act `absorb_case`. Raises RPCError or TimeoutError if that is to be tried again."""
        act = AbsorbCase(
            request_id=effect.key,
            actor=ENGINE,
            duplicate=effect.duplicate,
            head=effect.head,
            channel=effect.channel,
            evidence=effect.evidence,
        )
        try:
            answer = await self._send(effect.into, act)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Failed("no_open_case")
            raise
        except WorkflowUpdateFailedError as error:
            return Failed("no_open_case" if _run_ended(error) else "rejected")
        if answer.refusal is not None:
            return Failed(answer.refusal.code)
        return Done(origin.at, f"{effect.into}:{answer.entry}")

    async def act(self, case_id: str, act: Act) -> Answer | None:
        """Act on a case."""
        try:
            return await self._send(case_id, act)
        except WorkflowUpdateFailedError as error:
            if _run_ended(error):
                return None
            return Answer(case_id, accepted=False, refusal=Refusal("rejected", "the case does not take such a message"))
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            pass_on_cancellation()
            raise Unanswered from None
        except TimeoutError:
            raise Unanswered from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not await self._runs(case_id):
                return None
            raise Unanswered from None  # the run hands over to its next one, or the engine is away

    async def _runs(self, case_id: str) -> bool:
        """Whether a case has an open run, as far as the engine tells."""
        try:
            description = await self._client.get_workflow_handle(case_id).describe()
        except RPCError as error:
            return error.status is not RPCStatusCode.NOT_FOUND
        return description.status is WorkflowExecutionStatus.RUNNING

    async def _send(self, case_id: str, act: Act) -> Answer:
        target = self._client.get_workflow_handle(case_id)
        async with asyncio.timeout(self._patience):
            answer: Answer = await target.execute_update(act.name(), act, id=act.request_id, result_type=Answer)
        return answer


def _run_ended(error: WorkflowUpdateFailedError) -> bool:
    return isinstance(error.cause, ApplicationError) and error.cause.type == _RUN_ENDED


def pass_on_cancellation() -> None:
    """The SDK turns the cancellation of our task into an error of its own; undo that."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
