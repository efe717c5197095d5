"""The lists of cases, and how they are rebuilt from the journal alone."""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

import asyncpg
import msgspec

from activities.database import Pool, connected
from policies.schema import Category, Level, Priority, Stage
from states.case import Case
from states.journal import Entry, fold, unseal
from states.lifecycle import OPEN_STAGES
from states.values import OPEN_HAND_OFFS, Value
from states.view import CaseRow, HandOffRow

_FIELDS = (*CaseRow.__struct_fields__, "updated_at")
_NAMES = ", ".join(_FIELDS)
_NEW_VALUES = ", ".join(f"excluded.{name}" for name in _FIELDS)

PUT_ROWS = f"""
insert into case_view ({_NAMES}) select {_NAMES} from jsonb_populate_recordset(null::case_view, {{rows}}::text::jsonb)
"""  # noqa: S608 - the names of our own columns
"""Puts rows into the view; `rows` is the parameter that holds them (`rows_json`)."""
NEVER_BACK = f"""
on conflict (case_id) do update set ({_NAMES}) = row ({_NEW_VALUES}) where case_view.entries < excluded.entries
"""
"""A row gives way to a newer one only, so writes that overtake each other do no harm."""

_OPEN_STAGES = ", ".join(f"'{stage}'" for stage in Stage if stage in OPEN_STAGES)
OPEN = f"stage in ({_OPEN_STAGES})"
"""Cases on which there is work to do; in words, not as a parameter, for the database to see that its index fits."""
NEXT = "owner, urgency desc, opened_at, case_id"
"""The order in which cases are taken: the oldest of the highest priority first (INT-5). The owner, of whom there is
none or one, leads because it leads in the index.
"""
MOST_URGENT = "urgency desc, next_deadline nulls last, opened_at, case_id"
"""The order of lists: the most urgent first, of those the one with the earliest deadline."""


def on_shift(agent: str, now: str) -> str:
    """The condition that an agent works at an instant; both are expressions in SQL. Who is not on record never does."""
    return (
        f"exists (select from agents join shifts on shifts.agent = agents.id "
        f"where agents.id = {agent} and active and starts <= {now} and {now} < ends)"
    )


BATCH = 200
"""How many cases are rebuilt in one transaction."""


class Broken(Value):
    """A journal that tells of no case, and why."""

    case_id: str
    fault: str


class Rebuilt(Value):
    """What a rebuild did. The rows of broken journals were left as they were."""

    cases: int
    broken: tuple[Broken, ...] = ()


class TeamTask(Value, kw_only=True):
    """One hand-off in a team's list, with what its case adds to it."""

    case_id: str
    priority: Priority
    urgency: int
    """The priority of the case as a number: the higher, the more urgent."""
    hand_off: HandOffRow


def rows_json(rows: Iterable[tuple[CaseRow, datetime]]) -> str:
    """Rows for `PUT_ROWS`, each with when the last of its entries was decided."""
    return msgspec.json.encode([msgspec.structs.asdict(row) | {"updated_at": at} for row, at in rows]).decode()


class CaseList:
    """Reads the view."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, case_id: str) -> CaseRow | None:
        """One case's row; None for an unknown case."""
        rows = await self._rows("case_id = $1", case_id)
        return rows[0] if rows else None

    async def find(
        self,
        *,
        stages: tuple[Stage, ...] = (),
        level: Level | None = None,
        category: Category | None = None,
        owner: str | None = None,
        complainant: str | None = None,
        respondent: str | None = None,
        due_before: datetime | None = None,
        team: str | None = None,
        priority: Priority | None = None,
        incident: str | None = None,
        late: bool = False,
        ownerless: bool = False,
        limit: int = 100,
    ) -> tuple[CaseRow, ...]:
        """The cases that meet every condition given, the most urgent first; of those the one with the earliest
        deadline.

        `team` has an open hand-off of the case; `late` asks for cases of which a team is late.
        """
        return await self._rows(
            "(cardinality($1::text[]) = 0 or stage = any ($1)) and ($2::text is null or level = $2) "
            "and ($3::text is null or category = $3) and ($4::text is null or owner = $4) "
            "and ($5::text is null or complainant = $5) and ($6::text is null or respondent = $6) "
            "and ($7::timestamptz is null or next_deadline < $7) "
            "and ($8::text is null or (teams <> '{}' and teams @> array[$8])) "
            "and ($9::text is null or priority = $9) and ($10::text is null or incident = $10) "
            "and (not $11 or late) and (not $12 or owner is null) "
            f"order by {MOST_URGENT} limit $13",
            stages, level, category, owner, complainant, respondent, due_before, team, priority, incident, late,
            ownerless, limit,
        )  # fmt: skip

    async def waiting(self, limit: int = 100) -> tuple[CaseRow, ...]:
        """The open cases that nobody owns, in the order in which they are taken."""
        return await self._rows(f"owner is null and {OPEN} order by {NEXT} limit $1", limit)

    async def of_owner(self, owner: str) -> tuple[CaseRow, ...]:
        """All open cases of an agent, the most urgent first."""
        return await self._rows(f"owner = $1 and {OPEN} order by {NEXT}", owner)

    async def off_shift(self, now: datetime, limit: int = 100) -> tuple[CaseRow, ...]:
        """The open cases whose owner is not at work, or not on record, at that instant (HOF-5), the most urgent
        first.
        """
        return await self._rows(
            f"owner is not null and {OPEN} and not {on_shift('owner', '$1')} order by {MOST_URGENT} limit $2",
            now,
            limit,
        )

    async def hand_offs(self, team: str, limit: int = 100) -> tuple[TeamTask, ...]:
        """What is handed to a team and not ended, the most urgent first; of those what is due first, or overdue for
        longest.
        """
        statement = """
        select case_id, priority, urgency, hand_off from case_view, jsonb_array_elements(hand_offs) as hand_off
        where teams <> '{}' and teams @> array[$1] and hand_off->>'team' = $1 and hand_off->>'state' = any ($2)
        order by urgency desc, (hand_off->>'due')::timestamptz nulls last, case_id, hand_off->>'id' limit $3
        """
        async with connected(self._pool) as connection:
            found = await connection.fetch(statement, team, OPEN_HAND_OFFS, limit)
        return tuple(msgspec.convert(_decoded(each, "hand_off"), TeamTask) for each in found)

    async def _rows(self, condition: str, *arguments: object) -> tuple[CaseRow, ...]:
        names = ", ".join(CaseRow.__struct_fields__)
        statement = f"select {names} from case_view where {condition}"  # noqa: S608 - no text from outside
        async with connected(self._pool) as connection:
            found = await connection.fetch(statement, *arguments)
        return tuple(msgspec.convert(_decoded(each, "hand_offs"), CaseRow) for each in found)


def _decoded(found: asyncpg.Record, column: str) -> dict[str, Any]:
    """A row as plain values; `column` holds JSON, which the driver leaves as text."""
    return {**found, column: msgspec.json.decode(found[column])}


async def rebuild(pool: Pool, row: Callable[[Case], CaseRow], case_id: str | None = None) -> Rebuilt:
    """Rebuild the view from the journal: of one case, or of all. `row` says how a case is shown.

    May run while cases are being written. Raises DatabaseError; a journal that does not fold is reported, not raised.
    """
    if case_id is not None:
        return await _rebuild(pool, row, [case_id])
    cases = 0
    broken: tuple[Broken, ...] = ()
    last = ""
    while case_ids := await _next_cases(pool, last):
        last = case_ids[-1]
        part = await _rebuild(pool, row, case_ids)
        cases += part.cases
        broken += part.broken
    return Rebuilt(cases=cases, broken=broken)


async def _next_cases(pool: Pool, last: str) -> list[str]:
    """The next cases of a journal or of the view, for a row without a journal has to go too."""
    statement = """
    select case_id from (
      select case_id from journal where number = 1 union select case_id from case_view
    ) as known where case_id > $1 order by case_id limit $2
    """
    async with connected(pool) as connection:
        found = await connection.fetch(statement, last, BATCH)
    return [each["case_id"] for each in found]


async def _rebuild(pool: Pool, row: Callable[[Case], CaseRow], case_ids: list[str]) -> Rebuilt:
    async with connected(pool) as connection, connection.transaction():
        # A case that is written meanwhile waits for its row, and then finds an older one to replace.
        await connection.execute("select from case_view where case_id = any ($1) for update", case_ids)
        stored = await connection.fetch(
            "select case_id, hash, body from journal where case_id = any ($1) order by case_id, number", case_ids
        )
        rows: list[tuple[CaseRow, datetime]] = []
        broken: list[Broken] = []
        for case_id, entries in groupby(stored, key=lambda each: str(each["case_id"])):
            try:
                rows.append(_folded([unseal(each["body"], each["hash"]) for each in entries], row))
            except ValueError as error:
                broken.append(Broken(case_id, str(error)))
        kept = [each.case_id for each in broken]
        await connection.execute(
            "delete from case_view where case_id = any ($1) and case_id <> all ($2)", case_ids, kept
        )
        await connection.execute(f"{PUT_ROWS.format(rows='$1')} {NEVER_BACK}", rows_json(rows))
    return Rebuilt(len(rows), tuple(broken))


def _folded(entries: list[Entry], row: Callable[[Case], CaseRow]) -> tuple[CaseRow, datetime]:
    case = fold(entries)
    if case is None:
        raise ValueError("the journal is empty")
    return row(case), entries[-1].decided_at
