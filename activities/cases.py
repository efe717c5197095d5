"""Handing something to another case, through the engine."""

import asyncio

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import Origin
from policies.schema import Role
from states.effects import DeliverMerge, Done, Failed
from states.events import AbsorbCase
from states.values import Actor, Answer

ENGINE = Actor(id="tousu", role=Role.ENGINE)
"""Who acts when one case hands something to another."""
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
            answer = await self._send(effect, act)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Failed("no_open_case")
            raise
        except WorkflowUpdateFailedError as error:
            ended = isinstance(error.cause, ApplicationError) and error.cause.type == _RUN_ENDED
            return Failed("no_open_case" if ended else "rejected")
        if answer.refusal is not None:
            return Failed(answer.refusal.code)
        return Done(origin.at, f"{effect.into}:{answer.entry}")

    async def _send(self, effect: DeliverMerge, act: AbsorbCase) -> Answer:
        target = self._client.get_workflow_handle(effect.into)
        async with asyncio.timeout(self._patience):
            answer: Answer = await target.execute_update(act.name(), act, id=effect.key, result_type=Answer)
        return answer
