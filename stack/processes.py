"""One server as a child process: never orphaned, never two on one directory."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from stack.errors import ServerError

_CHILD = Path(__file__).with_name("child.py")


class ServerProcess:
    """A server's process, its log, and the lock on its directory.

    The process has a session of its own, so that Ctrl-C reaches only us and we end the servers in
    order.
    """

    def __init__(self, name: str, directory: Path, *, death_signal: signal.Signals) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self._pid_file = directory / f"{name}.pid"
        self._lock_file = directory / f"{name}.lock"
        self._death_signal = death_signal
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    async def claim(self) -> None:
        """Take the directory, and end what a killed run may have left in it.

        Raises ServerError when another live process holds the directory.
        """
        if self._lock is None:
            self._lock = self._take_lock()
        await asyncio.to_thread(self._end_leftover)

    def spawn(self, command: Sequence[str], *, account: str = "-", env: Mapping[str, str] | None = None) -> None:
        """Start the command; its output is appended to the log.

        Call it from the main thread: the kernel takes the end of the starting thread for the
        parent's.
        """
        self._process = _popen(command, self._death_signal, account, self.log, None if env is None else dict(env))
        started = psutil.Process(self._process.pid).create_time()
        self._pid_file.write_text(f"{self._process.pid} {started}\n")

    async def run(self, command: Sequence[str], *, account: str = "-", env: Mapping[str, str] | None = None) -> None:
        """Run a short command of the same server to its end; raises ServerError when it fails."""
        process = _popen(command, self._death_signal, account, self.log, None if env is None else dict(env))
        if await asyncio.to_thread(process.wait) != 0:
            raise ServerError(f"{Path(command[0]).name} failed: {self.log_tail()}")

    async def wait_until(self, ready: Callable[[], Awaitable[bool]], *, timeout: float) -> None:
        """Ask until `ready` says yes; raises ServerError if it dies or `timeout` s pass."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not await ready():
            if not self.running:
                raise ServerError(f"{self.name} ended while starting: {self.log_tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise ServerError(f"{self.name} not ready after {timeout} s: {self.log_tail()}")
            await asyncio.sleep(0.03)

    async def end(self, sig: signal.Signals, *, grace: float = 10) -> None:
        """Send the signal and wait for the process and its children to be gone.

        After `grace` seconds what is left is killed. Nothing happens when it does not run.
        """
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_end_tree, process, sig, grace)
        self._pid_file.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the directory back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the log, for error messages."""
        if not self.log.exists():
            return "no log was written"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _take_lock(self) -> IO[str]:
        lock = self._lock_file.open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ServerError(
                f"{self.name} already runs on {self._lock_file.parent}: "
                "stop the other command, or give this one a directory of its own (TOUSU_DATA)"
            ) from None
        return lock

    def _end_leftover(self) -> None:
        try:
            pid, started = self._pid_file.read_text().split()
            leftover = psutil.Process(int(pid))
            # A pid alone may be another program's by now; with its time of birth it is ours.
            if abs(leftover.create_time() - float(started)) < 1:
                _end_tree(leftover, self._death_signal, grace=10)
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return


def _popen(
    command: Sequence[str],
    death_signal: signal.Signals,
    account: str,
    log: Path,
    env: dict[str, str] | None,
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own commands, no shell
            [
                *(sys.executable, "-I", "-S", str(_CHILD)),
                *(str(os.getpid()), str(int(death_signal)), account),
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=env,
            cwd="/",
        )


def _end_tree(process: "subprocess.Popen[bytes] | psutil.Process", sig: signal.Signals, grace: float) -> None:
    try:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sig)
    except psutil.NoSuchProcess:
        family = []
    try:
        process.wait(timeout=grace)
    except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(family, timeout=grace)
    for child in left:
        child.kill()
    psutil.wait_procs(left)
