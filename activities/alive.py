"""Telling the engine that an activity's worker lives, and how far it has come."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from temporalio import activity

SIGN_OF_LIFE_SECONDS = 1.0
"""How often an activity tells the engine that its worker lives."""


@asynccontextmanager
async def signs_of_life(position: Callable[[], object] | None = None) -> AsyncIterator[None]:
    """Let the engine know meanwhile that this worker lives; an activity that is over soon need not bother it.

    With each sign goes the position, from which an attempt that follows a lost one can go on.
    """
    beating = None if activity.info().is_local else asyncio.create_task(_beat(position))
    try:
        yield
    finally:
        if beating is not None:
            beating.cancel()


async def _beat(position: Callable[[], object] | None) -> None:
    while True:
        await asyncio.sleep(SIGN_OF_LIFE_SECONDS)
        activity.heartbeat(*(() if position is None else (position(),)))
