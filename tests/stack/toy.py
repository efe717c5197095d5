"""A small workflow with timers, for tests of the stack itself."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow


@workflow.defn
class Reminder:
    """Waits seven days, and a day more for each postponement; notes when each timer fired."""

    def __init__(self) -> None:
        self._due = workflow.now() + timedelta(days=7)
        self._changed = False
        self._fired: list[datetime] = []

    @workflow.run
    async def run(self) -> list[datetime]:
        half_way = asyncio.create_task(self._note_after(timedelta(days=3)))
        while (left := self._due - workflow.now()) > timedelta(0):
            try:
                await workflow.wait_condition(lambda: self._changed, timeout=left)
            except TimeoutError:
                break
            self._changed = False
        self._fired.append(workflow.now())
        await half_way
        return self._fired

    @workflow.update
    async def postpone(self) -> datetime:
        self._due += timedelta(days=1)
        self._changed = True
        return self._due

    async def _note_after(self, delay: timedelta) -> None:
        await workflow.sleep(delay)
        self._fired.append(workflow.now())
