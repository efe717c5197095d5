"""However the parent ends, its servers end with it, and the next start finds its data free."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stack.embedded import EmbeddedStack

HOLD = """
import asyncio, sys
from pathlib import Path
from stack.embedded import EmbeddedStack

async def hold():
    async with EmbeddedStack(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A program that has both servers running."""
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "DATABASE_URL": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield program
        program.kill()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_servers_end_with_their_parent(holder: "subprocess.Popen[str]", sig: signal.Signals) -> None:
    servers = psutil.Process(holder.pid).children(recursive=True)
    assert {server.name() for server in servers} >= {"temporal", "postgres"}
    holder.send_signal(sig)
    holder.wait(30)
    _, left = psutil.wait_procs(servers, timeout=30)
    assert not left


async def test_a_killed_program_can_be_started_again_at_once(
    holder: "subprocess.Popen[str]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    holder.kill()
    holder.wait(30)
    async with EmbeddedStack(tmp_path) as stack:
        assert stack.postgres.running
        assert stack.temporal.running
