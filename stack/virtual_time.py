"""Virtual time on the real server: a clock for each case, moved by hand.

This is the only place that knows the SDK's experimental time skipping. It works with any client of
a server that has `frontend.WorkflowTimeSkippingEnabled` (see `stack.temporal`), and goes on working
after a restart.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

PATIENCE = timedelta(seconds=60)
"""Real time that a jump may take before it counts as stuck."""

_JUMP_EVENTS = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
)


def is_jump(event: HistoryEvent) -> bool:
    """Whether an event of history is there only because time was moved."""
    return event.event_type in _JUMP_EVENTS


class VirtualTime:
    """Moves the clocks of workflows that were started through `client`.

    Their time passes as real time does until `forward` is called. Jumps add events to history,
    which counts and golden files must leave out. Schedules and scans keep real time.
    """

    def __init__(self, client: Client) -> None:
        # Not enabled: time stands at the real one until it is moved. Child workflows inherit the
        # clock.
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))

    @property
    def client(self) -> Client:
        """The client to start workflows with, directly, by signal or by update."""
        return self._skipper.client

    async def now(self, handle: WorkflowHandle[Any, Any]) -> datetime:
        """The workflow's own time (UTC)."""
        return await self._skipper.get_current_time(handle)

    async def forward(self, handle: WorkflowHandle[Any, Any], by: timedelta, *, patience: timedelta = PATIENCE) -> bool:
        """Move the workflow's clock; timers on the way fire in order, activities are waited for.

        Follows the case over continue-as-new. Returns False when it ended on the way. Raises
        TimeoutError after `patience` of real time, as happens when no worker serves the workflow.

        A timer that is due shortly before the target, by less real time than it then takes to handle it, can carry the
        clock past the target, to the next timer: the server looks for the target only when it jumps. And the server
        counts from when it is asked. Where that matters, let every jump end a good while after a timer or before one.
        """
        async with asyncio.timeout(patience.total_seconds()):
            return await self._skipper.fast_forward(handle, by)
