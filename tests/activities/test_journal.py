"""The journal in PostgreSQL: repeated, forked, gapped and simultaneous writes; what nobody may do."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace

from activities.database import Connection, Pool
from activities.journal import PostgresJournal
from activities.ports import Written
from activities.views import CaseList
from states.facts import OwnerNamed
from states.journal import Entry, body, fold
from states.values import Head
from tests.activities.samples import entry, journal_of, other_next, row_after

CASE = "buyer-017/order-1"


@pytest.fixture
def journal(pool: Pool) -> PostgresJournal:
    return PostgresJournal(pool)


async def write(journal: PostgresJournal, whole: tuple[Entry, ...], first: int = 1, last: int | None = None) -> Written:
    """Write the entries from `first` to `last` of a whole journal."""
    return await journal.write(whole[first - 1 : last], row_after(whole[:last]))


async def insert(connection: Connection, entry: Entry, **instead: object) -> None:
    """Put an entry into the table past the adapter."""
    values = {
        "case_id": entry.case_id,
        "number": entry.number,
        "hash": entry.hash,
        "previous": entry.previous or None,
        "event": entry.event,
        "decided_at": entry.decided_at,
        "effective_at": entry.effective_at,
        "rules": list(entry.rules),
        "body": body(entry).decode(),
    } | instead
    places = ", ".join(f"${position}" for position in range(1, len(values) + 1))
    await connection.execute(f"insert into journal ({', '.join(values)}) values ({places})", *values.values())


async def until_somebody_waits(connection: Connection) -> None:
    """Until a statement in this database waits for a lock."""
    waiting = "select true from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while not await connection.fetchval(waiting):
        await asyncio.sleep(0.005)


# --- one writer -----------------------------------------------------------------------------------


async def test_what_is_written_is_read_back_byte_for_byte(journal: PostgresJournal, owner: Connection) -> None:
    entries = journal_of(CASE, 3)
    assert await write(journal, entries) == Written(True, entries[-1].head)
    assert await journal.read(CASE) == entries
    assert await journal.head(CASE) == entries[-1].head
    assert await journal.verify(CASE) == ()
    stored = await owner.fetch("select number, body, previous_number, previous, rules from journal order by number")
    assert [each["body"].encode() for each in stored] == [body(each) for each in entries]
    assert [each["previous_number"] for each in stored] == [None, 1, 2]
    assert [each["rules"] for each in stored] == [["INT-1"], ["SLA-1", "TRA-1"], ["SLA-1", "TRA-1"]]


async def test_an_unknown_case_has_no_entries(journal: PostgresJournal) -> None:
    assert await journal.read(CASE) == ()
    assert await journal.head(CASE) == Head()


@pytest.mark.parametrize(
    ("first", "last", "head"),
    [(1, 3, 3), (1, 2, 3), (2, 3, 3), (2, 2, 3), (1, 5, 5), (3, 5, 5), (4, 5, 5)],
    ids=["all", "prefix", "suffix", "middle", "all and more", "overlap", "more"],
)
async def test_entries_that_are_there_already_fit(
    journal: PostgresJournal, pool: Pool, first: int, last: int, head: int
) -> None:
    entries = journal_of(CASE, 5)
    await write(journal, entries, last=3)
    assert await write(journal, entries, first, last) == Written(True, entries[head - 1].head)
    assert await journal.read(CASE) == entries[:head]
    assert await CaseList(pool).get(CASE) == row_after(entries[:head])


@pytest.mark.parametrize("place", [1, 2, 3, 4])
async def test_a_fork_is_told_and_writes_nothing(journal: PostgresJournal, pool: Pool, place: int) -> None:
    entries = journal_of(CASE, 4)
    await write(journal, entries, last=3)
    other = other_next(entries[:place])
    after = entry(CASE, other.head, OwnerNamed(owner="agent-99"))
    branch = (*entries[: place - 1], other, after)
    tried = [branch[place - 1 :], branch[place:], branch]
    if place == 4:  # it follows what is there: no fork unless its first entry is left out
        tried = [branch[place:]]
    for part in tried:
        row = replace(row_after(branch), owner="agent-99")
        assert await journal.write(part, row) == Written(False, entries[2].head)
    assert await journal.read(CASE) == entries[:3]
    assert await CaseList(pool).get(CASE) == row_after(entries[:3])


@pytest.mark.parametrize("there", [0, 1, 2])
async def test_a_gap_is_told_and_writes_nothing(journal: PostgresJournal, pool: Pool, there: int) -> None:
    entries = journal_of(CASE, 5)
    if there:
        await write(journal, entries, last=there)
    head = entries[there - 1].head if there else Head()
    assert await write(journal, entries, there + 2) == Written(False, head)
    with_a_hole = (*entries[there : there + 1], *entries[there + 2 :])
    assert await journal.write(with_a_hole, row_after(entries)) == Written(False, head)
    assert await journal.read(CASE) == entries[:there]
    assert await CaseList(pool).get(CASE) == (row_after(entries[:there]) if there else None)


async def test_a_batch_that_makes_no_sense_is_refused(journal: PostgresJournal) -> None:
    entries = journal_of(CASE, 2)
    with pytest.raises(ValueError, match="nothing to write"):
        await journal.write((), row_after(entries))
    with pytest.raises(ValueError, match="different cases"):
        await journal.write(entries, row_after(journal_of("buyer-018/order-2", 2)))
    with pytest.raises(ValueError, match="the row tells of entry 1, the last entry is 2"):
        await journal.write(entries, row_after(entries[:1]))


# --- several writers ------------------------------------------------------------------------------


async def test_of_many_different_next_entries_exactly_one_is_written(journal: PostgresJournal, pool: Pool) -> None:
    entries = journal_of(CASE, 1)
    await write(journal, entries)
    rivals = [(*entries, entry(CASE, entries[0].head, OwnerNamed(owner=f"agent-{n}"))) for n in range(12)]
    written = await asyncio.gather(*(write(journal, rival, 2) for rival in rivals))
    (winner,) = [rival for rival, result in zip(rivals, written, strict=True) if result.fits]
    assert {result.head for result in written} == {winner[-1].head}
    assert await journal.read(CASE) == winner
    assert await CaseList(pool).get(CASE) == row_after(winner)


async def test_the_same_entries_written_by_many_at_once_are_written_once(journal: PostgresJournal) -> None:
    entries = journal_of(CASE, 3)
    written = await asyncio.gather(*(write(journal, entries) for _ in range(12)))
    assert set(written) == {Written(True, entries[-1].head)}
    assert await journal.read(CASE) == entries


@pytest.mark.parametrize("ending", ["the same", "another", "none"])
async def test_a_write_waits_for_one_that_is_under_way(
    journal: PostgresJournal, owner: Connection, watcher: Connection, ending: str
) -> None:
    entries = journal_of(CASE, 2)
    await write(journal, entries, last=1)
    rival = entries[1] if ending == "the same" else other_next(entries)
    transaction = owner.transaction()
    await transaction.start()
    await insert(owner, rival)
    attempt = asyncio.create_task(write(journal, entries, 2))
    await until_somebody_waits(watcher)
    assert not attempt.done()
    await (transaction.rollback() if ending == "none" else transaction.commit())
    fits = ending != "another"
    assert await attempt == Written(fits, entries[1].head if fits else rival.head)
    assert fold(await journal.read(CASE)) is not None


async def test_cases_do_not_wait_for_each_other(journal: PostgresJournal, owner: Connection) -> None:
    entries = journal_of(CASE, 1)
    other = journal_of("buyer-018/order-2", 2)
    async with owner.transaction():
        await insert(owner, entries[0])
        assert (await write(journal, other)).fits


# --- the database's own guard ---------------------------------------------------------------------

CHANGES = (
    "update journal set event = 'x'",
    "delete from journal",
    "truncate journal cascade",
    "update ledger set amount_fen = 1",
    "delete from ledger",
    "delete from vault_reads",
    "update notices set delivered_at = now()",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_the_application_has_no_right_to_change_what_was_recorded(
    journal: PostgresJournal, pool: Pool, change: str
) -> None:
    await write(journal, journal_of(CASE, 1))
    async with pool.acquire() as connection:
        assert await connection.fetchval("select current_user") == "tousu_app"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await connection.execute(change)


@pytest.mark.parametrize("change", CHANGES)
async def test_not_even_the_owner_changes_what_was_recorded(
    journal: PostgresJournal, owner: Connection, change: str
) -> None:
    entries = journal_of(CASE, 1)
    await write(journal, entries)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(change)
    assert await journal.read(CASE) == entries


async def test_the_database_keeps_the_chain_without_the_adapter(journal: PostgresJournal, owner: Connection) -> None:
    entries = journal_of(CASE, 4)
    await write(journal, entries, last=2)
    with pytest.raises(asyncpg.CheckViolationError, match="journal_sealed"):
        await insert(owner, entries[2], body=body(entries[2]).decode() + " ")
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="journal_chain"):
        await insert(owner, entries[2], previous=entries[0].hash)
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="journal_chain"):
        await insert(owner, entries[3])
    with pytest.raises(asyncpg.CheckViolationError, match="journal_begins_once"):
        await insert(owner, entries[2], previous=None)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(owner, other_next(entries[:2]))
    assert await journal.read(CASE) == entries[:2]


async def test_verify_finds_what_was_tampered_with(journal: PostgresJournal, owner: Connection) -> None:
    entries = journal_of(CASE, 3)
    await write(journal, entries)
    await owner.execute("alter table journal disable trigger all")
    await owner.execute("alter table journal drop constraint journal_sealed")
    await owner.execute("update journal set event = 'x' where number = 1")
    await owner.execute("update journal set body = replace(body::text, 'agent-01', 'agent-77')::json where number = 2")
    assert await journal.verify(CASE) == (
        "entry 1: its columns do not say what its body says",
        "entry 2: the entry's body does not match its hash",
    )
    with pytest.raises(ValueError, match="does not match its hash"):
        await journal.read(CASE)
    await owner.execute("delete from journal where number = 2")
    assert (await journal.verify(CASE))[-1] == "entry 3 does not follow entry 1"
