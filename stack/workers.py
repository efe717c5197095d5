"""A worker as a process of its own, started again whenever it dies."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from stack.errors import ServerError
from stack.processes import ServerProcess

WORKER = Path(__file__).parent.parent / "worker.py"
SHORT_LIFE = 5.0
"""Seconds; a worker that dies sooner than this after its start is probably unable to serve at all."""
SHORT_LIVES = 5
"""After so many of them in a row it is given up."""


class SupervisedWorker:
    """`worker.py` as a child process. Its process id stands in `directory`/worker.pid, its output in worker.log.

    `variables` are added to the environment: TEMPORAL_ADDRESS, DATABASE_URL. `say` is told when it is started again.
    """

    def __init__(self, directory: Path, variables: Mapping[str, str], *, say: Callable[[str], None]) -> None:
        self._process = ServerProcess("worker", directory, death_signal=signal.SIGTERM)
        # The settings of this stack alone count, not a profile or a server that the caller's environment names.
        own = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
        self._variables = own | {"TEMPORAL_CONFIG_FILE": os.devnull} | dict(variables)
        self._say = say
        self._watch: asyncio.Task[None] | None = None

    @property
    def watch(self) -> "asyncio.Task[None]":
        """Ends only with ServerError, when the worker cannot be kept alive."""
        assert self._watch is not None, "the worker is not started"  # noqa: S101
        return self._watch

    async def __aenter__(self) -> Self:
        await self._process.claim()
        self._spawn()
        self._watch = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._process.end(signal.SIGTERM, grace=15)
        self._process.release()

    def _spawn(self) -> None:
        self._process.spawn([sys.executable, str(WORKER)], env=self._variables)

    async def _keep_alive(self) -> None:
        """Start the worker again when it died; raises ServerError when that does not help."""
        started, short_lives = monotonic(), 0
        while True:
            await asyncio.sleep(0.2)
            if self._process.running:
                continue
            short_lives = short_lives + 1 if monotonic() - started < SHORT_LIFE else 0
            if short_lives >= SHORT_LIVES:
                raise ServerError(f"the worker ends as soon as it is started: {self._process.log_tail()}")
            self._say("the worker died and is started again")
            self._spawn()
            started = monotonic()
