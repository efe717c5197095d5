"""The demo and the lasting stack as processes: they end as they should, and leave nothing behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from stack.scenario import load_all

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 150
"""Seconds; a safety only."""


class Command:
    """A command as its user starts it, with data in a directory of its own."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path) -> None:
        self.process = process
        self.data = data
        self.pid = process.pid

    async def ended(self) -> tuple[int, str]:
        """Its exit code and what it printed."""
        output, _ = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, output.decode()

    async def until(self, pattern: str) -> Path:
        """Wait until it has made a file."""
        while not (found := list(self.data.glob(pattern))):
            assert self.process.returncode is None, await self.ended()
            await asyncio.sleep(0.02)
        return found[0]

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> list[psutil.Process]:
        """Ask it to end, as Ctrl-C does; the processes that it had started."""
        children = psutil.Process(self.pid).children(recursive=True)
        os.kill(self.pid, number)
        return children


@asynccontextmanager
async def running(data: Path, program: Sequence[str]) -> AsyncIterator[Command]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "DATABASE_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        cwd=ROOT,
        env=environment | {"TOUSU_DATA": str(data)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    command = Command(process, data)
    try:
        async with asyncio.timeout(PATIENCE):
            yield command
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def worker_of(pid_file: Path) -> psutil.Process:
    """The worker's process, from where the stack writes its id."""
    return psutil.Process(int(pid_file.read_text().split()[0]))


async def gone(processes: Sequence[psutil.Process]) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 10)
    return not alive


async def test_the_demo_prints_its_cases_and_cleans_up(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    data = tmp_path / "data"
    async with running(data, ["-m", "stack", "demo", "--filter", "refused", "--json", str(results)]) as demo:
        code, output = await demo.ended()
    assert code == 0, output
    assert "every case ended as its scenario says" in output
    assert "refused: too_late" in output
    chosen = [each.id for each in load_all(named="refused")]
    assert {"after-sales-refused", "refused-too-late"} < set(chosen) < {each.id for each in load_all()}
    assert [each["id"] for each in json.loads(results.read_bytes())["scenarios"]] == chosen
    assert list(data.iterdir()) == []


async def test_the_demo_outlives_its_worker(tmp_path: Path) -> None:
    async with running(tmp_path, ["-m", "stack", "demo", "--filter", "refund"]) as demo:
        pid_file = await demo.until("demo-*/worker.pid")
        while True:  # the file is there before it is written
            try:
                worker_of(pid_file).kill()
                break
            except IndexError:
                await asyncio.sleep(0.02)
        code, output = await demo.ended()
    assert code == 0, output
    assert "the worker died and is started again" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    async with running(tmp_path, ["-m", "stack", "demo"]) as demo:
        await demo.until("demo-*/worker.pid")
        children = demo.interrupt(number)
        code, output = await demo.ended()
    assert code == 130, output
    assert "Traceback" not in output
    assert len(children) >= 3
    assert await gone(children)
    assert list(tmp_path.iterdir()) == []


async def test_a_filter_without_scenarios_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, ["-m", "stack", "demo", "--filter", "nonsense"]) as demo:
        code, output = await demo.ended()
    assert code == 1
    assert output == "there is no scenario nonsense in examples/\n"


async def test_what_was_filed_by_hand_is_there_after_a_restart(tmp_path: Path) -> None:
    case_id = "buyer-001/order-1001"
    async with running(tmp_path, ["-m", "stack", "up"]) as up:
        await up.until("stack.env")
        example = ["starter.py", "open", "examples/settled-by-refund.yaml"]
        async with running(tmp_path, example) as starter:
            code, output = await starter.ended()
        assert code == 0, output
        children = up.interrupt()
        code, output = await up.ended()
    assert code == 0, output
    assert "Web UI:   http://" in output
    assert await gone(children)
    assert [each.name for each in tmp_path.iterdir()] == ["up"]
    async with running(tmp_path, ["-m", "stack", "up"]) as up:
        await up.until("stack.env")
        async with running(tmp_path, ["starter.py", "show", case_id]) as starter:
            code, output = await starter.ended()
        assert code == 0, output
        assert output.startswith(case_id)
        up.interrupt()
        assert (await up.ended())[0] == 0
