"""Migrations and the pool."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from activities.database import Connection, DatabaseAwayError, DatabaseError, Pool, connected, create_pool
from activities.journal import PostgresJournal
from activities.migrations import migrate
from activities.platform import PostgresPlatform
from activities.views import CaseList
from policies.schema import OrderState, Priority
from stack.embedded import PostgresServer
from tests.activities.samples import journal_of, row_after


@pytest.fixture
async def empty(postgres: PostgresServer) -> AsyncIterator[str]:
    """An empty database."""
    name = f"tousu_test_{uuid.uuid4().hex[:12]}"
    yield await postgres.create_database(name)
    await postgres.drop_database(name)


@pytest.fixture
async def plain_owner(postgres: PostgresServer) -> AsyncIterator[str]:
    """An ordinary login that may create roles, as a production database's owner."""
    name = f"owner_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(postgres.dsn())
    await connection.execute(f"create role {name} login createrole password 'x'")
    yield name
    await connection.execute(f"drop role {name}")
    await connection.close()


async def schema(dsn: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        found = await connection.fetch(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'public' order by 1, 2"
        )
    finally:
        await connection.close()
    return [tuple(each) for each in found]


async def test_migrating_again_changes_nothing(empty: str) -> None:
    await migrate(empty)
    before = await schema(empty)
    await migrate(empty)
    assert await schema(empty) == before
    assert {"journal", "case_view", "vault", "ledger"} <= {table for table, *_ in before}


BEFORE = """
insert into orders values ('order-1', 'taobao', 'buyer-017', 'shop-204', 100, now());
insert into ledger (key, case_id, kind, subject, action, seller, points, rule, policy, at)
values ('k', 'c', 'penalty', 'P1', 'points', 'shop-204', 4, 'PEN-1', 'platform@2024-07-22', now());
insert into case_view (case_id, entries, stage, level, category, complainant, respondent, policy, high_risk, external,
  opened_at, updated_at, remedies, penalties, path)
values ('c', 1, 'intake', 'front_line', 'quality', 'buyer-017', 'shop-204', 'platform@2024-07-22', false, false,
  now(), now(), '', '', '{intake}')
"""
"""Rows as the first version had them."""


async def test_what_an_earlier_version_kept_is_carried_over(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        upgrade = command.upgrade
        earlier.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        await migrate(empty)
    owner = await asyncpg.connect(empty)
    await owner.execute(BEFORE)
    await migrate(empty)
    pool = await create_pool(empty, smallest=1)
    order = await PostgresPlatform(pool).order("order-1")
    assert order is not None
    assert (order.state, order.goods_fen) == (OrderState.OPEN, None)
    (entry,) = await PostgresPlatform(pool).ledger("c")
    assert (entry.against, entry.points, entry.count) == ("shop-204", 4, None)
    row = await CaseList(pool).get("c")
    assert row is not None
    assert (row.hearings, row.penalty_policy) == (1, None)
    assert (row.priority, row.urgency, row.teams, row.hand_offs, row.late) == (Priority.NORMAL, 0, (), (), False)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute("update ledger set points = 5")
    await pool.close()
    await owner.close()


async def test_several_may_migrate_at_once(empty: str, database: str) -> None:
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    assert await schema(empty) == await schema(database)


async def test_a_migration_waits_for_the_one_under_way(empty: str) -> None:
    first = await asyncpg.connect(empty)
    lock = "pg_advisory_{}lock(hashtextextended('tousu migrations', 0))"
    await first.execute(f"select {lock.format('')}")
    second = asyncio.create_task(migrate(empty))
    while not await first.fetchval("select true from pg_locks where locktype = 'advisory' and not granted"):
        await asyncio.sleep(0.005)
    assert await schema(empty) == []
    await first.execute(f"select {lock.format('un')}")
    await second
    await first.close()
    assert await schema(empty) != []


async def test_an_owner_without_extra_rights_migrates_and_acts_in_the_role(
    postgres: PostgresServer, empty: str, plain_owner: str, owner: Connection
) -> None:
    if postgres.external:
        pytest.skip("the server's own rules say who may connect")
    name = await _database_of(empty)
    await owner.execute(f"alter database {name} owner to {plain_owner}")
    # Another database of this server has created the role already, and its owner has to let this one in.
    await owner.execute(f"grant tousu_app to {plain_owner} with admin option, set false")
    address = empty.replace("//postgres@", f"//{plain_owner}@")
    await migrate(address)
    pool = await create_pool(address, smallest=1)
    entries = journal_of("buyer-017/order-1", 2)
    assert (await PostgresJournal(pool).write(entries, row_after(entries))).fits
    async with pool.acquire() as connection:
        assert await connection.fetchval("select session_user || ' ' || current_user") == f"{plain_owner} tousu_app"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from journal")
    await pool.close()
    await owner.execute(f"alter database {name} owner to current_user")
    inside = await asyncpg.connect(empty)
    await inside.execute(f"reassign owned by {plain_owner} to current_user")
    await inside.execute(f"drop owned by {plain_owner}")
    await inside.close()


async def _database_of(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    name = await connection.fetchval("select current_database()")
    await connection.close()
    return str(name)


async def test_a_transaction_left_open_does_not_reach_the_next_user(database: str) -> None:
    pool = await create_pool(database, smallest=1, largest=1)
    with pytest.raises(DatabaseError, match="UniqueViolationError"):
        await _insert_twice(pool)
    async with connected(pool) as connection:
        assert await connection.fetchval("select count(*) from unreachable") == 0
    await pool.close()


async def _insert_twice(pool: Pool) -> None:
    async with connected(pool) as connection:
        await connection.execute("begin")
        for _ in range(2):
            await connection.execute("insert into unreachable values ('buyer-017', 'sms')")


async def test_the_pool_outlives_a_restart_of_the_database(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    if server.external:
        pytest.skip("stopping the server that DATABASE_URL names is its owner's business")
    async with server:
        await migrate(server.dsn())
        pool = await create_pool(server.dsn(), smallest=2, largest=2)
        journal = PostgresJournal(pool)
        entries = journal_of("buyer-017/order-1", 2)
        await journal.write(entries[:1], row_after(entries[:1]))
        await server.kill()
        for _ in range(3):
            with pytest.raises(DatabaseAwayError, match="the database cannot be reached"):
                await journal.write(entries[1:], row_after(entries))
        await server.start()
        assert (await journal.write(entries, row_after(entries))).fits
        assert await journal.read("buyer-017/order-1") == entries
        await pool.close()


async def test_a_statement_that_takes_too_long_is_given_up_and_may_be_repeated(
    database: str, owner: Connection, pool: Pool
) -> None:
    impatient = await create_pool(database, smallest=1, patience=0.2)
    entries = journal_of("buyer-017/order-1", 1)
    async with owner.transaction():
        await owner.execute("lock table journal in exclusive mode")
        with pytest.raises(DatabaseAwayError):
            await PostgresJournal(impatient).write(entries, row_after(entries))
    assert (await PostgresJournal(pool).write(entries, row_after(entries))).fits
    await impatient.close()


async def test_a_database_that_cannot_be_reached_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatabaseAwayError, match="the database cannot be reached"):
        await create_pool(f"postgresql://postgres@/tousu?host={tmp_path}")
