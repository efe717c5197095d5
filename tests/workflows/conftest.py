"""A worker on real servers, for tests of the whole engine."""

from collections.abc import AsyncIterator

import pytest
from asyncpg import Pool
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner

from activities.database import create_pool
from stack.virtual_time import VirtualTime
from tests.workflows.desk import Desk
from worker import make_worker
from workflows.sandbox import sandbox_runner


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool on a fresh database."""
    pool = await create_pool(database)
    yield pool
    await pool.close()


@pytest.fixture(params=["sandbox", "production"])
def runner(request: pytest.FixtureRequest) -> WorkflowRunner:
    """Both runners: the sandbox finds what does not replay, production runs without it."""
    return sandbox_runner() if request.param == "sandbox" else UnsandboxedWorkflowRunner()


@pytest.fixture
async def desk(client: Client, virtual_time: VirtualTime, pool: Pool, runner: WorkflowRunner) -> AsyncIterator[Desk]:
    """Everybody who acts on cases, with a worker that serves them on a task queue of its own."""
    desk = Desk(virtual_time, pool)
    async with make_worker(client, pool, runner=runner, task_queue=desk.task_queue):
        yield desk
