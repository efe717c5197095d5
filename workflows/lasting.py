"""Workflows that last: neither a request to cancel them nor a failed call ends them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError

T = TypeVar("T")


async def until_done(work: Coroutine[Any, Any, T], otherwise: str, on_cancel: Callable[[], None] = lambda: None) -> T:
    """What the work of a workflow comes to; call it once, as the last thing that `run` does.

    A request to cancel the workflow only calls `on_cancel`. Work that fails fails the workflow task, which is tried
    until the cause is mended; `otherwise` says what that means.
    """
    working = asyncio.create_task(work)
    cancel_seen = False
    while not working.done():
        try:
            await workflow.wait_condition(working.done)
        except asyncio.CancelledError:
            if cancel_seen or workflow.cancellation_reason() is None:
                raise  # the run leaves this worker's memory
            cancel_seen = True
            on_cancel()
    try:
        return working.result()
    except FailureError as error:
        raise RuntimeError(otherwise) from error
