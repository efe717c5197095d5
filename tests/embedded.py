"""Fixtures on real servers: one Temporal server and one PostgreSQL for the whole test session.

Tests share the servers and keep apart by their own workflow ids, task queues and databases. A test that kills or
restarts a server starts one of its own in `tmp_path`. A conftest may override `search_attributes` and `client_options`
for all tests; for some tests only, it must override `client` too, for a session's fixtures are made once.
"""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from activities.migrations import migrate
from stack.embedded import PostgresServer, TemporalServer
from stack.virtual_time import VirtualTime

# Tests survive killed processes, no power cut: the disk need not be waited for. Commits still are
# (synchronous_commit), for a killed server would lose the last of them.
FAST = {"fsync": "off", "full_page_writes": "off"}
PATIENCE = 60.0
"""Seconds after which what a test waits for counts as never coming. A safety only: every wait ends when it comes."""


@pytest.fixture(scope="session")
def search_attributes() -> Sequence[SearchAttributeKey[Any]]:
    """The search attributes to register."""
    return ()


@pytest.fixture(scope="session")
def client_options() -> dict[str, Any]:
    """Options of `Client.connect`, such as the data converter."""
    return {}


@pytest.fixture(scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory,
    search_attributes: Sequence[SearchAttributeKey[Any]],
) -> AsyncIterator[TemporalServer]:
    """A Temporal server in memory."""
    directory = tmp_path_factory.mktemp("temporal")
    async with TemporalServer(directory, in_memory=True, search_attributes=search_attributes) as server:
        yield server


@pytest.fixture(scope="session")
async def client(temporal_server: TemporalServer, client_options: dict[str, Any]) -> Client:
    """A client in real time."""
    return await temporal_server.connect(**client_options)


@pytest.fixture(scope="session")
def virtual_time(client: Client) -> VirtualTime:
    """Virtual time; start the workflows through its own client."""
    return VirtualTime(client)


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL server: the embedded one, or what DATABASE_URL names."""
    async with PostgresServer(tmp_path_factory.mktemp("postgres"), settings=FAST) as server:
        yield server


@pytest.fixture(scope="session")
async def template_database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The name of a migrated database, to be copied and not to be connected to."""
    name = _database_name()
    await migrate(await postgres.create_database(name))
    yield name
    await postgres.drop_database(name)


@pytest.fixture
async def database(postgres: PostgresServer, template_database: str) -> AsyncIterator[str]:
    """The address of a fresh, migrated database, dropped after the test."""
    name = _database_name()
    yield await postgres.create_database(name, template=template_database)
    await postgres.drop_database(name)


def _database_name() -> str:
    return f"tousu_test_{uuid.uuid4().hex[:12]}"
