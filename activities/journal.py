"""The journal in PostgreSQL: one statement a write, and the database itself keeps every chain whole."""

from itertools import pairwise
from typing import Any

import asyncpg

from activities.database import Pool, connected
from activities.ports import Written
from activities.views import NEVER_BACK, PUT_ROWS, rows_json
from states.journal import Entry, body, unseal
from states.values import Head
from states.view import CaseRow

# A batch fits if one of its entries follows the journal's last one, or if its own last one is in the journal already:
# hashes are chained, so all before it are then the same too. What comes after the journal's last entry is added.
_WRITE = f"""
with given as (
  select * from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::text[], $9::text[]) as given (number, hash, previous, event, decided_at, effective_at, rules, body)
), before as (
  (select number, hash from journal where case_id = $1 order by number desc limit 1)
  union all select 0, ''
  order by number desc limit 1
), written as (
  insert into journal (case_id, number, hash, previous, event, decided_at, effective_at, rules, body, run_id)
  select $1, given.number, given.hash, nullif(given.previous, ''), event, decided_at, effective_at,
    string_to_array(rules, ','), body::json, $11
  from given, before
  where given.number > before.number
    and exists (select from given as next where next.number = before.number + 1 and next.previous = before.hash)
  returning number, hash
), shown as (
  {PUT_ROWS.format(rows="$10")}
  where exists (select from written)
  {NEVER_BACK}
)
select number, hash, exists (select from written) or exists (
    select from journal join given using (number, hash)
    where case_id = $1 and journal.number = (select max(given.number) from given)
  ) as fits
from (select number, hash from written union all select number, hash from before) as heads
order by number desc limit 1
"""  # noqa: S608 - made of the names of our own columns

_READ = "select number, hash, previous, event, decided_at, effective_at, rules, body from journal where case_id = $1"


class PostgresJournal:
    """The port `Journal`; the docstrings there hold."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def write(self, entries: tuple[Entry, ...], row: CaseRow, run: str = "") -> Written:
        """Add entries of one case and bring its row up to date, or nothing."""
        _check_batch(entries, row)
        case_id = entries[0].case_id
        if not all(_follows(before, after) for before, after in pairwise(entries)):
            return Written(fits=False, head=await self.head(case_id))
        arguments = (case_id, *_columns(entries), rows_json([(row, entries[-1].decided_at)]), run)
        async with connected(self._pool) as connection:
            while True:
                try:
                    found = await connection.fetchrow(_WRITE, *arguments)
                except asyncpg.UniqueViolationError:
                    continue  # another writer was faster: judge by what it wrote
                assert found is not None  # noqa: S101 - there is always a head
                return Written(fits=found["fits"], head=Head(number=found["number"], hash=found["hash"]))

    async def read(self, case_id: str) -> tuple[Entry, ...]:
        """All entries of a case, in order."""
        async with connected(self._pool) as connection:
            found = await connection.fetch(f"{_READ} order by number", case_id)
        return tuple(unseal(each["body"], each["hash"]) for each in found)

    async def has_other_entries(self, case_id: str, after: int, run: str) -> bool:
        """Whether another run wrote later entries."""
        async with connected(self._pool) as connection:
            found: bool = await connection.fetchval(
                "select exists (select from journal where case_id = $1 and number > $2 and run_id <> $3)",
                case_id,
                after,
                run,
            )
        return found

    async def head(self, case_id: str) -> Head:
        """The last entry's number and hash."""
        async with connected(self._pool) as connection:
            found = await connection.fetchrow(
                "select number, hash from journal where case_id = $1 order by number desc limit 1", case_id
            )
        return Head(number=found["number"], hash=found["hash"]) if found else Head()

    async def verify(self, case_id: str) -> tuple[str, ...]:
        """What is wrong with a case's chain as it is stored, a sentence for each fault; none if it is whole.

        Recomputes every hash, follows every link, and compares the columns with the sealed bodies.
        """
        async with connected(self._pool) as connection:
            found = await connection.fetch(f"{_READ} order by number", case_id)
        faults = []
        head = Head()
        for each in found:
            number = each["number"]
            try:
                entry = unseal(each["body"], each["hash"])
            except ValueError as error:
                faults.append(f"entry {number}: {error}")
            else:
                if entry.case_id != case_id or dict(each) != _stored(entry):
                    faults.append(f"entry {number}: its columns do not say what its body says")
            if number != head.number + 1 or (each["previous"] or "") != head.hash:
                faults.append(f"entry {number} does not follow entry {head.number}")
            head = Head(number=number, hash=each["hash"])
        return tuple(faults)


def _check_batch(entries: tuple[Entry, ...], row: CaseRow) -> None:
    if not entries:
        raise ValueError("there is nothing to write")
    if {entry.case_id for entry in entries} != {row.case_id}:
        raise ValueError("the entries and the row belong to different cases")
    if row.entries != entries[-1].number:
        raise ValueError(f"the row tells of entry {row.entries}, the last entry is {entries[-1].number}")


def _follows(before: Entry, after: Entry) -> bool:
    return after.number == before.number + 1 and after.previous == before.hash


def _stored(entry: Entry) -> dict[str, Any]:
    """The entry as its row in the table."""
    return {
        "number": entry.number,
        "hash": entry.hash,
        "previous": entry.previous or None,
        "event": entry.event,
        "decided_at": entry.decided_at,
        "effective_at": entry.effective_at,
        "rules": list(entry.rules),
        "body": body(entry).decode(),
    }


def _columns(entries: tuple[Entry, ...]) -> tuple[list[Any], ...]:
    """The entries as one array for each column."""
    return (
        [entry.number for entry in entries],
        [entry.hash for entry in entries],
        [entry.previous for entry in entries],
        [entry.event for entry in entries],
        [entry.decided_at for entry in entries],
        [entry.effective_at for entry in entries],
        [",".join(entry.rules) for entry in entries],
        [body(entry).decode() for entry in entries],
    )
