"""Every scenario played once, on real servers in virtual time, against a worker in this process."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asyncpg import Pool
from temporalio.client import Client

from activities.database import create_pool
from stack.embedded import PostgresServer
from stack.player import Played, Player
from stack.scenario import Scenario, load_all
from stack.virtual_time import VirtualTime
from worker import make_worker
from workflows.sandbox import sandbox_runner

TASK_QUEUE = "scenarios"
AT_ONCE = 8


@pytest.fixture(scope="package")
async def pool(postgres: PostgresServer, template_database: str) -> AsyncIterator[Pool]:
    """A pool on a database for all scenarios."""
    name = "tousu_test_scenarios"
    pool = await create_pool(await postgres.create_database(name, template=template_database))
    yield pool
    await pool.close()
    await postgres.drop_database(name)


@pytest.fixture(scope="package")
async def played(client: Client, virtual_time: VirtualTime, pool: Pool) -> dict[str, Played]:
    """What became of each scenario, by its id."""
    player = Player(virtual_time, pool, task_queue=TASK_QUEUE, suffix="-tests")
    free = asyncio.Semaphore(AT_ONCE)

    async def play(scenario: Scenario) -> Played:
        async with free:
            return await player.play(scenario)

    async with make_worker(client, pool, runner=sandbox_runner(), task_queue=TASK_QUEUE):
        results = await asyncio.gather(*(play(scenario) for scenario in load_all()))
    return {each.scenario.id: each for each in results}
