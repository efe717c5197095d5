"""`make up`: the same stack as the demo's, in real time, left running until Ctrl-C. Its data last between runs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rich.console import Console

from stack.embedded import EmbeddedStack, ServerError, data_directory, free_port
from stack.local import alive_with, local_stack
from stack.scenario import EXAMPLES, load_all
from stack.temporal import HOST
from stack.world import make_world

PORT = 7233
UI_PORT = 8233
FIRST = "settled-by-refund"
"""The example that a first case by hand is opened from."""

Say = Callable[[str], None]


async def up() -> int:
    """Start everything and run until cancelled. Raises ServerError when a server or the worker cannot go on."""
    console = Console(highlight=False, soft_wrap=True)
    say: Say = console.print
    directory = data_directory() / "up"
    port, ui_port = _port(PORT, "Temporal", say), _port(UI_PORT, "the Web UI", say)
    async with local_stack(directory, port=port, ui_port=ui_port, say=say) as local:
        for scenario in load_all():
            await make_world(scenario.world, scenario.complaint, local.pool)
        async with _announced(data_directory() / "stack.env", local.variables):
            _greet(local.servers, say)
            with suppress(asyncio.CancelledError):
                await alive_with(local.worker, _until_dead(local.servers))
            say("stopping")
    return 0


def _port(wanted: int, whose: str, say: Say) -> int:
    """The usual port, or a free one when that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            port = free_port()
            say(f"port {wanted} is taken: {whose} uses {port}")
            return port
    return wanted


@asynccontextmanager
async def _announced(file: Path, variables: Mapping[str, str]) -> AsyncIterator[None]:
    """Let clients on this machine find the stack while it runs (`client.settings`)."""
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _greet(servers: EmbeddedStack, say: Say) -> None:
    first = next(scenario for scenario in load_all(named=FIRST))
    case_id = f"{first.complaint.complainant}/{first.complaint.orders[0]}"
    say(f"Temporal: {servers.temporal.address}")
    say(f"Web UI:   {servers.temporal.ui_url}")
    say("A first case, in another terminal:")
    say(f"  .venv/bin/python starter.py open {EXAMPLES.name}/{FIRST}.yaml")
    say(f"  .venv/bin/python starter.py show {case_id}")
    say(f"  .venv/bin/python starter.py accept-complaint {case_id} --as agent:agent-03")
    say("Ctrl-C stops it; the data last.")


async def _until_dead(servers: EmbeddedStack) -> None:
    while servers.temporal.running and servers.postgres.running:
        await asyncio.sleep(0.5)
    gone = "PostgreSQL" if servers.temporal.running else "the Temporal server"
    raise ServerError(f"{gone} has ended by itself; its log is in the data directory")
