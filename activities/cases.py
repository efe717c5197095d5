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
PATIENCE_SECONDS = 20
"""How long the other case may take to answer before it is asked again."""

# The other run ended before it answered: asked again, the engine says whether there is an open one.
_RUN_ENDED = "AcceptedUpdateCompletedWorkflow"


class EngineCases:
    """The port `Cases`; the docstrings there hold. The client needs the application's data converter."""

    def __init__(self, client: Client) -> None:
        self._client = client

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
            if isinstance(error.cause, ApplicationError) and error.cause.type == _RUN_ENDED:
                raise
            return Failed("rejected")
        if answer.refusal is not None:
            return Failed(answer.refusal.code)
        return Done(origin.at, f"{effect.into}:{answer.entry}")

    async def _send(self, effect: DeliverMerge, act: AbsorbCase) -> Answer:
        target = self._client.get_workflow_handle(effect.into)
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer: Answer = await target.execute_update(act.name(), act, id=effect.key, result_type=Answer)
        return answer
