"""The pool of connections to PostgreSQL, and its errors in words that may be kept.

The application acts in the role `tousu_app`, which may add to the journal and never change it (see
`activities.migrations`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

# As strings: these classes take their parameter in the stubs only.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

APPLICATION_ROLE = "tousu_app"


class DatabaseError(Exception):
    """The database did not do what it was asked. Nothing was written, or the write will be recognised when repeated.

    The text names neither rows nor values: it ends up in the engine's history, where personal data must not.
    """


class DatabaseAwayError(DatabaseError):
    """The database cannot be reached, or did not answer in time; trying again may help."""


async def create_pool(
    dsn: str,
    *,
    smallest: int = 4,
    largest: int = 16,
    patience: float = 10.0,
    name: str = "tousu",
) -> Pool:
    """Open a pool in the application's role. `patience` is how many seconds a connection or a statement may take.

    `name` is what the database's own lists of connections show. Broken connections are replaced when next asked for,
    so a pool outlives a restart of the database. Raises DatabaseAwayError if the database cannot be reached now.
    """
    async with _in_words():
        return await asyncpg.create_pool(
            dsn,
            min_size=smallest,
            max_size=largest,
            timeout=patience,
            command_timeout=patience,
            reset=_keep_session,
            server_settings={"application_name": name, "role": APPLICATION_ROLE, "timezone": "UTC"},
        )


async def _keep_session(_: Connection) -> None:
    """Leave the session as it is: no code here sets session state, and asking the server to reset it costs a round
    trip.

    A transaction left open is rolled back by asyncpg all the same.
    """


@asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """A connection of the pool. What goes wrong inside is raised as DatabaseError."""
    async with _in_words(), pool.acquire() as connection:
        yield connection


@asynccontextmanager
async def _in_words() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.DataError as error:
        raise DatabaseError(f"a value does not fit its column: {type(error).__name__}") from None
    except _AWAY as error:
        message = f"the database cannot be reached or did not answer in time: {type(error).__name__}"
        raise DatabaseAwayError(message) from None
    except asyncpg.PostgresError as error:
        # The server's own message may quote the row.
        raise DatabaseError(f"the database refused a statement: {type(error).__name__} ({error.sqlstate})") from None


_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
