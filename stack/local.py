"""Everything that Tousu needs, running on this machine: both servers, the schema, a worker. The demo and `make up`
use it.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from asyncpg import Pool
from temporalio.client import Client

from activities.database import create_pool
from activities.migrations import migrate
from stack.embedded import EmbeddedStack
from stack.workers import SupervisedWorker
from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.connection import client_options

T = TypeVar("T")


class Local(NamedTuple):
    """A running stack, and a client and a pool on it."""

    servers: EmbeddedStack
    worker: SupervisedWorker
    client: Client
    pool: Pool
    variables: dict[str, str]
    """The environment in which other processes find it."""


@asynccontextmanager
async def local_stack(
    directory: Path,
    *,
    database: str | None = None,
    port: int = 0,
    ui_port: int | None = None,
    say: Callable[[str], None],
) -> AsyncIterator[Local]:
    """Start it all on the data in `directory`, and stop it in order.

    `database` names a database to create for this run and to drop at its end; without it the data last.
    Raises ServerError when something cannot start.
    """
    async with EmbeddedStack(
        directory, port=port, ui_port=ui_port, search_attributes=SEARCH_ATTRIBUTES
    ) as servers, _database(servers, database) as url:  # fmt: skip
        await migrate(url)
        variables = {
            "TEMPORAL_ADDRESS": servers.temporal.address,
            "TEMPORAL_NAMESPACE": servers.temporal.namespace,
            "DATABASE_URL": url,
        }
        client = await servers.temporal.connect(**client_options("tousu-stack"))
        async with SupervisedWorker(directory, variables, say=say) as worker:
            pool = await create_pool(url, smallest=0, name="tousu-stack")
            try:
                yield Local(servers, worker, client, pool, variables)
            finally:
                pool.terminate()


@asynccontextmanager
async def _database(servers: EmbeddedStack, name: str | None) -> AsyncIterator[str]:
    """The address of the application's database, or of one for this run only."""
    if name is None:
        yield servers.postgres.dsn()
        return
    url = await servers.postgres.create_database(name)
    try:
        yield url
    finally:
        if servers.postgres.external:  # the embedded server's data go altogether
            await servers.postgres.drop_database(name)


async def alive_with(worker: SupervisedWorker, work: Coroutine[Any, Any, T]) -> T:
    """Do something for which a worker is needed. Raises ServerError when the worker cannot be kept alive."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait({doing, worker.watch}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            worker.watch.result()
        return await doing
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await doing


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run a command to its end. SIGTERM ends it as Ctrl-C does, in order; the exit code is 130 then."""

    async def main() -> int:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - we are in one
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
