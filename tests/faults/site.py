"""A whole installation to break: Temporal on a file, PostgreSQL, and `python worker.py`, each killed and started at
will, with the public client in front of it.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from activities.database import Pool, create_pool
from activities.journal import PostgresJournal
from activities.migrations import migrate
from activities.platform import PostgresPlatform
from client.complaints import Complaints
from stack.embedded import PostgresServer, TemporalServer
from stack.processes import ServerProcess
from stack.virtual_time import VirtualTime
from tests.embedded import FAST
from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.connection import client_options

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 100.0
"""Seconds after which a caller counts as hanging. A safety only: every wait ends when its condition is met."""
INSERT = "insert into journal"
"""How the statement begins that writes an entry."""


class WorkerProcess(ServerProcess):
    """`python worker.py`, as production runs it. `name` tells it from another one in the same directory."""

    def __init__(self, directory: Path, environment: dict[str, str], name: str = "worker") -> None:
        super().__init__(name, directory, death_signal=signal.SIGKILL)
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        self._environment |= environment
        self._starts = 0
        self._supervising: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it. What comes in before it serves waits at the server."""
        self._starts = self._told() + 1
        await self._start()
        self._supervising = asyncio.create_task(self._supervise())

    async def _start(self) -> None:
        await self.claim()
        self.spawn([sys.executable, str(ROOT / "worker.py")], env=self._environment)

    async def _supervise(self) -> None:
        """Start it again when it gave up because a server was away, as it does in its first moments."""
        while True:
            await asyncio.sleep(0.1)
            if not self.running:
                await self._start()

    async def serving(self) -> None:
        """Wait until it takes tasks."""
        async with asyncio.timeout(PATIENCE):
            while self._told() < self._starts:
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._supervising is not None:
            self._supervising.cancel()
            await asyncio.wait([self._supervising])
            self._supervising = None
        await self.end(signal.SIGKILL)

    def _told(self) -> int:
        """How often a worker wrote that it serves."""
        return self.log.read_text(errors="replace").count(" serving ") if self.log.exists() else 0


class Hold:
    """A database session that keeps all others from writing something down."""

    def __init__(self, site: "Site", session: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._site = site
        self._session = session

    async def tried(self) -> None:
        """Wait until somebody tries to write it down."""
        await self._site.sessions("$1 = any (pg_blocking_pids(pid))", self._session.get_server_pid())

    async def release(self) -> None:
        """Let them."""
        await self._session.close()


class Site:
    """The installation, and what tests do with it. `start` brings up whatever does not run."""

    def __init__(self, directory: Path, dynamic_config: dict[str, str] | None = None) -> None:
        self.temporal = TemporalServer(directory, search_attributes=SEARCH_ATTRIBUTES, dynamic_config=dynamic_config)
        self.postgres = PostgresServer(directory, settings=FAST, url="")
        self.directory = directory
        self.environment = {"TEMPORAL_ADDRESS": self.temporal.address, "DATABASE_URL": self.postgres.dsn()}
        self.worker = WorkerProcess(directory, self.environment)

    async def open(self) -> None:
        await asyncio.gather(self.temporal.start(), self.postgres.start())
        await migrate(self.postgres.dsn())
        self.pool: Pool = await create_pool(self.postgres.dsn(), smallest=0, largest=8, name="tests")
        self.client: Client = await self.temporal.connect(**client_options("tests"))
        self.time = VirtualTime(self.client)
        self.complaints = Complaints(self.time.client, self.pool, patience=PATIENCE)
        self.journal = PostgresJournal(self.pool)
        self.platform = PostgresPlatform(self.pool)

    async def close(self) -> None:
        await self.worker.kill()
        self.worker.release()
        await self.pool.close()
        await asyncio.gather(self.temporal.stop(), self.postgres.stop())

    # --- breaking it ------------------------------------------------------------------------------

    async def restart_worker(self) -> None:
        """Kill -9, and start it again."""
        await self.worker.kill()
        await self.worker.start()

    async def kill_writing(self, prompt: Callable[[], None] = lambda: None) -> None:
        """Kill -9 of the worker for certain while it writes to a journal, and start it again.

        `prompt` brings about what it writes, unless that is on its way already. Whether a kill at a random moment
        interrupts anything depends on how fast the machine is; a test that interrupts nothing shows nothing.
        """
        await self.worker.serving()
        async with self.locked("journal"):
            prompt()
            await self.waits("relation", INSERT)
            await self.worker.kill()
        await self.worker.start()

    async def break_during(
        self, work: asyncio.Future[Any], breaks: Sequence[Callable[[], Awaitable[None]]], choose: random.Random
    ) -> None:
        """Break one thing after another at random moments while work goes on; it has to be hit three times at least."""
        for number, break_it in enumerate(breaks):
            await asyncio.sleep(choose.uniform(0.1, 0.8))
            if work.done():
                assert number >= 3, "the work was over before it was disturbed"
                return
            await break_it()

    async def connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A session of its own, as the superuser: for locks, and for looking on."""
        return await asyncpg.connect(self.postgres.dsn())

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Nobody can write to a table meanwhile; reading goes on."""
        async with self._locking(f"lock table {table} in share row exclusive mode"):
            yield

    @asynccontextmanager
    async def held(self, case_id: str) -> AsyncIterator[Hold]:
        """Nothing that happens to a case can be written down until the hold is released."""
        async with self._locking("select from case_view where case_id = $1 for update", case_id) as session:
            yield Hold(self, session)

    @asynccontextmanager
    async def _locking(self, statement: str, *given: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A database session that keeps a lock until it ends."""
        session = await self.connection()
        try:
            await session.execute("begin")
            await session.execute(statement, *given)
            yield session
        finally:
            await session.close()

    @asynccontextmanager
    async def answers_withheld(self) -> AsyncIterator[None]:
        """Whoever commits meanwhile is not told: the database waits for a standby that there is none of.

        The commit itself is done, and everybody sees it, as soon as the wait ends.
        """
        session = await self.connection()
        probe = await self.connection()
        withheld = True

        async def write() -> None:
            # The setting takes effect a little later; then a write does not return.
            while withheld:
                await probe.execute("select pg_logical_emit_message(true, 'tests', 'probe')")

        await self._standby(session, "nobody")
        writing = asyncio.create_task(write())
        try:
            await self.waits("SyncRep", "pg_logical_emit_message")
            yield
        finally:
            withheld = False
            await self._standby(session, "")
            await writing
            await probe.close()
            await session.close()

    async def _standby(self, session: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
        await session.execute(f"alter system set synchronous_standby_names = '{name}'")
        await session.execute("select pg_reload_conf()")

    async def waits(self, event: str, statement: str, sessions: int = 1) -> list[int]:
        """Wait until sessions wait for something, SyncRep or relation, in a statement; their process ids."""
        return await self.sessions("wait_event = $1 and position($2 in query) > 0", event, statement, number=sessions)

    async def sessions(self, which: str, *given: object, number: int = 1) -> list[int]:
        """Wait until there are so many database sessions of a kind; their process ids."""
        query = f"select pid from pg_stat_activity where {which}"
        looking = await self.connection()
        try:
            async with asyncio.timeout(PATIENCE):
                while len(found := await looking.fetch(query, *given)) < number:
                    await asyncio.sleep(0.01)
        finally:
            await looking.close()
        return [row["pid"] for row in found]

    async def end_session(self, pid: int) -> None:
        """Break off a database session, with what it has not committed."""
        session = await self.connection()
        try:
            await session.execute(f"select pg_terminate_backend({pid}, 10000)")
        finally:
            await session.close()

    # --- what tests need to know ------------------------------------------------------------------

    def handle(self, case_id: str) -> WorkflowHandle[Any, Any]:
        return self.time.client.get_workflow_handle(case_id)

    async def runs(self, case_id: str) -> list[list[HistoryEvent]]:
        """The histories of a case's runs that continued one another, the latest first."""
        runs: list[list[HistoryEvent]] = []
        run_id: str | None = None
        while run_id != "":
            handle = self.client.get_workflow_handle(case_id, run_id=run_id)
            runs.append([event async for event in handle.fetch_history_events()])
            run_id = runs[-1][0].workflow_execution_started_event_attributes.continued_execution_run_id
        return runs

    async def history(self, case_id: str) -> list[HistoryEvent]:
        """All events of those runs."""
        return [event for run in reversed(await self.runs(case_id)) for event in run]

    async def pass_time(self, case_id: str, by: timedelta) -> None:
        """Let a case's own time pass, whatever happens to the processes meanwhile; it may end on the way."""
        handle = self.handle(case_id)
        target = await persist(lambda: self.time.now(handle)) + by
        while True:
            try:
                left = target - await self.time.now(handle)
                if left <= timedelta():
                    return
                await self.time.forward(handle, left, patience=timedelta(seconds=20))
            except (RPCError, TimeoutError, RuntimeError):
                await asyncio.sleep(0.2)
            if await self._has_ended(handle):
                return

    async def _has_ended(self, handle: WorkflowHandle[Any, Any]) -> bool:
        description = await persist(handle.describe)
        return description.close_time is not None

    async def now(self, case_id: str) -> datetime:
        """A case's own time."""
        now: datetime = await persist(lambda: self.time.now(self.handle(case_id)))
        return now


async def persist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the engine answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except (RPCError, TimeoutError):
                await asyncio.sleep(0.1)
