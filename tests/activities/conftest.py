"""A pool on a fresh database, in the application's role."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from activities.database import Connection, Pool, create_pool


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = await create_pool(database, smallest=2)
    yield pool
    await pool.close()


@pytest.fixture
async def owner(database: str) -> AsyncIterator[Connection]:
    """A connection of the database's owner, whom rights do not hold back."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def watcher(database: str) -> AsyncIterator[Connection]:
    """Another such connection, for looking at what the first one's open transaction holds up."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()
