"""The roles that deploy/postgres/init.sh makes are enough for the migrations and no more than the worker needs."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from activities.migrations import migrate
from stack.embedded import PostgresServer
from stack.postgres import programs
from tests.embedded import FAST

ROOT = Path(__file__).parents[2]


FORBIDDEN = ("update journal set hash = ''", "delete from journal", "truncate journal", "drop table journal")
ROLES = """
select rolname, rolsuper or rolcreaterole or rolcreatedb as mighty
from pg_roles where rolname !~ '^pg_' and rolname <> 'postgres'
"""


@pytest.fixture(scope="module")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """A new server on which the init script was run, as the image does."""
    directory = tmp_path_factory.mktemp("deployed")
    async with PostgresServer(directory, database="postgres", settings=FAST, url="") as server:
        script = await asyncio.create_subprocess_exec(
            str(ROOT / "deploy/postgres/init.sh"),
            env={
                "PATH": f"{programs()}{os.pathsep}{os.environ['PATH']}",
                "PGHOST": server.dsn().partition("host=")[2],
                "POSTGRES_USER": "postgres",
                "TEMPORAL_DB_PASSWORD": "one",
                "TOUSU_OWNER_PASSWORD": "it's two",
                "TOUSU_APP_PASSWORD": "three",
            },
        )
        assert await script.wait() == 0
        yield server


def as_role(server: PostgresServer, role: str, database: str = "tousu") -> str:
    return server.dsn(database).replace("//postgres@", f"//{role}@")


async def test_the_owner_migrates_and_the_worker_may_not_change_the_journal(deployed: PostgresServer) -> None:
    for _ in range(2):
        await migrate(as_role(deployed, "tousu"))
    worker = await asyncpg.connect(as_role(deployed, "tousu_app"), server_settings={"role": "tousu_app"})
    try:
        assert await worker.fetchval("select count(*) from journal") == 0
        for forbidden in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await worker.execute(forbidden)
    finally:
        await worker.close()


@pytest.mark.parametrize(
    ("role", "database"), [("tousu_app", "temporal"), ("tousu", "temporal_visibility"), ("temporal", "tousu")]
)
async def test_each_role_enters_its_own_databases_only(deployed: PostgresServer, role: str, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(as_role(deployed, role, database))


async def test_no_role_of_ours_rules_the_server(deployed: PostgresServer) -> None:
    connection = await asyncpg.connect(deployed.dsn())
    try:
        roles = {role["rolname"]: role["mighty"] for role in await connection.fetch(ROLES)}
    finally:
        await connection.close()
    assert roles == {"temporal": False, "tousu": False, "tousu_app": False}
