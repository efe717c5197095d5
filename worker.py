"""One worker process: the composition root, where ports meet their adapters.

Reads the standard TEMPORAL_* variables (or profile file) and DATABASE_URL. Runs until SIGTERM or SIGINT, then lets
what it is doing end.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from datetime import timedelta

from asyncpg import Pool
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.cases import EngineCases
from activities.database import DatabaseError, create_pool
from activities.effects import Activities
from activities.incidents import EngineIncidents, IncidentActivities
from activities.journal import PostgresJournal
from activities.matters import PostgresMatters
from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from activities.vault import PostgresVault
from policies.book import PackError, default_book
from workflows.attributes import TASK_QUEUE
from workflows.complaint import Complaint
from workflows.connection import connect
from workflows.incident import IncidentRounds
from workflows.strict import require_strict

log = logging.getLogger("tousu.worker")


def make_worker(
    client: Client,
    pool: Pool,
    *,
    runner: WorkflowRunner | None = None,
    task_queue: str = TASK_QUEUE,
    max_cached_workflows: int = 5000,
) -> Worker:
    """A worker for complaints and incidents, by the policies of `default_book`.

    `runner` defaults to production's, without the sandbox: that halves the CPU that a case costs.

    `max_cached_workflows` should lie above the number of open cases, about 70 KB each.
    """
    for workflow in (Complaint, IncidentRounds):
        require_strict(workflow)
    book = default_book()
    journal, cases = PostgresJournal(pool), EngineCases(client)
    matters = PostgresMatters(pool, EngineIncidents(client, task_queue))
    activities = Activities(
        journal=journal,
        platform=PostgresPlatform(pool),
        notices=PostgresNotices(pool, lambda ref: book.policy(ref).pack),
        cases=cases,
        matters=matters,
        vault=PostgresVault(pool),
        policies=book.policy,
    )
    incidents = IncidentActivities(matters=matters, cases=cases, journal=journal)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[Complaint, IncidentRounds],
        activities=[*activities.all, *incidents.all],
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
        max_cached_workflows=max_cached_workflows,
        # A killed worker's cases stand still for this long, and no longer.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
        graceful_shutdown_timeout=timedelta(seconds=10),
    )


async def main() -> int:
    """Serve until told to stop. The exit code is 0 then, and 1 when something that is needed is not there."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        log.error("DATABASE_URL is not set: give the address of the application's database")
        return 1
    try:
        default_book()  # an unsound pack is told before anything is connected to
        client = await connect("tousu-worker")
        pool = await create_pool(dsn)
    except (PackError, RuntimeError, DatabaseError) as error:
        log.error("%s", error)
        return 1
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        await stack.enter_async_context(make_worker(client, pool))
        log.info("serving %s as %s", TASK_QUEUE, client.identity)
        await stop.wait()
        log.info("stopping")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
