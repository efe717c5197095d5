"""The embedded PostgreSQL: durable, private, anywhere on the disk, or somebody else's."""

import stat
from pathlib import Path

import asyncpg
import pytest

from stack.embedded import PostgresServer, ServerError
from tests.embedded import FAST


def embedded(directory: Path) -> PostgresServer:
    """One of our own, whatever DATABASE_URL says."""
    return PostgresServer(directory, settings=FAST, url="")


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_killed_it_keeps_its_address_and_what_was_committed(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        dsn = server.dsn()
        open_connection = await asyncpg.connect(dsn)
        await open_connection.execute("create table kept as select 42 as answer")
        await server.kill()
        assert not server.running
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await open_connection.fetchval("select answer from kept")
        with pytest.raises(OSError, match=r"No such file|refused"):
            await query(dsn, "select 1")
        await server.start()
        assert server.dsn() == dsn
        assert await query(dsn, "select answer from kept") == 42


async def test_stopped_with_open_connections_it_starts_again(tmp_path: Path) -> None:
    async with embedded(tmp_path) as server:
        open_connection = await asyncpg.connect(server.dsn())
        await server.stop()
        assert not server.running
        await server.start()
        assert await query(server.dsn(), "show timezone") == "UTC"
        open_connection.terminate()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("with a space, a comma and a 'quote", id="odd characters"),
        pytest.param("投诉", id="chinese"),
        pytest.param("deep/" * 30, id="longer than a socket's path"),
    ],
)
async def test_any_directory_will_do_and_none_is_opened_to_others(tmp_path: Path, place: str) -> None:
    directory = tmp_path / "closed" / place
    directory.mkdir(parents=True)
    parents = (directory, *directory.parents)
    (tmp_path / "closed").chmod(0o700)
    before = [parent.stat().st_mode for parent in parents]
    async with embedded(directory) as server:
        assert await query(server.dsn(), "select 1") == 1
        data = await query(server.dsn(), "show data_directory")
        sockets = await query(server.dsn(), "show unix_socket_directories")
    assert [parent.stat().st_mode for parent in parents] == before
    for private in (str(data), str(sockets).strip('"')):
        assert stat.S_IMODE(Path(private).stat().st_mode) == 0o700
    assert Path(str(data)).parent == directory


async def test_data_has_one_server_at_a_time(tmp_path: Path) -> None:
    async with embedded(tmp_path):
        with pytest.raises(ServerError, match="already runs on"):
            await embedded(tmp_path).start()


async def test_databases_are_copied_from_a_template(postgres: PostgresServer) -> None:
    template = await postgres.create_database("stack_template")
    await query(template, "create table kept as select 42 as answer")
    copy = await postgres.create_database("stack_copy", template="stack_template")
    assert await query(copy, "select answer from kept") == 42
    for name in ("stack_copy", "stack_template"):
        await postgres.drop_database(name)
        assert not await postgres.has_database(name)


async def test_the_database_fixture_is_fresh(postgres: PostgresServer, database: str) -> None:
    assert database != postgres.dsn()
    assert await query(database, "select 1") == 1


async def test_another_server_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedded(tmp_path / "theirs") as theirs:
        monkeypatch.setenv("DATABASE_URL", theirs.dsn())
        async with PostgresServer(tmp_path / "ours") as ours:
            assert ours.external
            assert ours.dsn() == theirs.dsn()
            copy = await ours.create_database("stack_made_by_us")
            assert await query(copy, "select current_database()") == "stack_made_by_us"
            with pytest.raises(ServerError, match="DATABASE_URL"):
                await ours.kill()
        assert theirs.running
        assert not (tmp_path / "ours" / "postgres").exists()


async def test_a_failing_start_shows_the_log(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path, settings={"no_such_setting": "1"}, url="")
    with pytest.raises(ServerError, match="no_such_setting"):
        await server.start()
    assert not server.running
