"""The embedded servers: where their data lives, and the one import for those who use them.

async with EmbeddedStack(data_directory()) as stack:
    client = await stack.temporal.connect()
    pool = await asyncpg.create_pool(stack.postgres.dsn())
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from temporalio.common import SearchAttributeKey

from stack.errors import ServerError
from stack.namespace import prepare_namespace
from stack.postgres import PostgresServer
from stack.temporal import TemporalServer, free_port, temporal_binary

__all__ = [
    "EmbeddedStack",
    "PostgresServer",
    "ServerError",
    "TemporalServer",
    "data_directory",
    "free_port",
    "prepare_namespace",
    "temporal_binary",
]


def data_directory() -> Path:
    """Where the servers keep their data: TOUSU_DATA, by default `.data` in the checkout."""
    default = Path(__file__).parent.parent / ".data"
    return Path(os.environ.get("TOUSU_DATA") or default).absolute()


class EmbeddedStack:
    """Both servers, started together and stopped in order.

    `port` and `ui_port` are Temporal's: 0 means any free one, `ui_port=None` no Web UI.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        ui_port: int | None = None,
        search_attributes: Sequence[SearchAttributeKey[Any]] = (),
    ) -> None:
        self.postgres = PostgresServer(directory)
        self.temporal = TemporalServer(directory, port=port, ui_port=ui_port, search_attributes=search_attributes)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.TaskGroup() as starting:
                for server in (self.postgres, self.temporal):
                    starting.create_task(server.start())
        except BaseExceptionGroup as group:
            await self._stop()
            raise group.exceptions[0] from None
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await asyncio.gather(self.temporal.stop(), self.postgres.stop())
