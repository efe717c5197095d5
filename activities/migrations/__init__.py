"""The database's schema, brought up to date by Alembic; each version is plain SQL.

Migrations run as the owner of the database, who must be allowed to create the role `tousu_app` or find it created.
"""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('tousu migrations', 0))"


async def migrate(dsn: str) -> None:
    """Bring the database at `dsn` to the newest version; nothing happens if it is there.

    Any number of processes may do so at once. Everything happens in one transaction: a failure leaves the database as
    it was.
    """

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        # The driver reads the address itself, so it means the same here and in the pool.
        return await asyncpg.connect(dsn, server_settings={"application_name": "tousu migrations"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(_ONE_AT_A_TIME))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
