"""Virtual time on the real server: days pass in an instant, in order, over a killed server."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from stack.embedded import TemporalServer
from stack.virtual_time import VirtualTime
from tests.stack.toy import Reminder

QUEUE = "stack-virtual-time"
SECOND = timedelta(seconds=1)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def reminder_id() -> str:
    return f"reminder-{uuid.uuid4()}"


async def started_at(handle: WorkflowHandle[Any, Any]) -> datetime:
    return (await handle.describe()).start_time


def close_to(moment: datetime, expected: datetime) -> bool:
    """Real time passes too while a test runs; a quarter of a day of it never does."""
    return abs(moment - expected) < timedelta(hours=6)


@pytest.fixture
async def worker(client: Client) -> AsyncIterator[Worker]:
    async with Worker(client, task_queue=QUEUE, workflows=[Reminder]) as worker:
        yield worker


@pytest.mark.usefixtures("worker")
async def test_timers_fire_in_order_at_their_own_times(virtual_time: VirtualTime) -> None:
    handle = await virtual_time.client.start_workflow(Reminder.run, id=reminder_id(), task_queue=QUEUE)
    assert not await virtual_time.forward(handle, days(30))
    half_way, due = await handle.result()
    start = await started_at(handle)
    assert close_to(half_way, start + days(3))
    assert close_to(due, start + days(7))


@pytest.mark.usefixtures("worker")
async def test_a_rearmed_timer_fires_at_its_new_time_only(virtual_time: VirtualTime) -> None:
    handle = await virtual_time.client.start_workflow(Reminder.run, id=reminder_id(), task_queue=QUEUE)
    assert await virtual_time.forward(handle, days(6.5))
    await handle.execute_update(Reminder.postpone)
    assert await virtual_time.forward(handle, days(1))
    assert close_to(await virtual_time.now(handle), await started_at(handle) + days(7.5))
    await virtual_time.forward(handle, days(1))
    _, due = await handle.result()
    assert close_to(due, await started_at(handle) + days(8))


@pytest.mark.usefixtures("worker")
async def test_each_workflow_has_its_own_clock(virtual_time: VirtualTime) -> None:
    moved, left = [
        await virtual_time.client.start_workflow(Reminder.run, id=reminder_id(), task_queue=QUEUE) for _ in range(2)
    ]
    await virtual_time.forward(moved, days(5))
    assert close_to(await virtual_time.now(moved), await started_at(moved) + days(5))
    assert close_to(await virtual_time.now(left), await started_at(left))
    await left.terminate()


@pytest.mark.usefixtures("worker")
async def test_update_with_start_starts_in_virtual_time(virtual_time: VirtualTime) -> None:
    start = WithStartWorkflowOperation(
        Reminder.run,
        id=reminder_id(),
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    await virtual_time.client.execute_update_with_start_workflow(Reminder.postpone, start_workflow_operation=start)
    handle = await start.workflow_handle()
    assert await virtual_time.forward(handle, days(7.5))
    await virtual_time.forward(handle, days(1))
    assert len(await handle.result()) == 2


async def test_a_jump_without_a_worker_times_out(virtual_time: VirtualTime) -> None:
    handle = await virtual_time.client.start_workflow(Reminder.run, id=reminder_id(), task_queue="nobody-serves-this")
    with pytest.raises(TimeoutError):
        await virtual_time.forward(handle, days(1), patience=SECOND)
    await handle.terminate()


async def test_a_clock_moves_on_over_a_killed_and_restarted_server(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path) as server:
        virtual_time = VirtualTime(await server.connect())
        async with Worker(virtual_time.client, task_queue=QUEUE, workflows=[Reminder]):
            handle = await virtual_time.client.start_workflow(Reminder.run, id=reminder_id(), task_queue=QUEUE)
            assert await virtual_time.forward(handle, days(4))
            await server.kill()
            await server.start()
            start = await started_at(handle)
            assert close_to(await virtual_time.now(handle), start + days(4))
            await virtual_time.forward(handle, days(4))
            half_way, due = await handle.result()
            assert close_to(half_way, start + days(3))
            assert close_to(due, start + days(7))
