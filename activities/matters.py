"""Complaints counted by what they have in common, in PostgreSQL, and the incidents that come of it."""

import hashlib
from datetime import datetime, timedelta

import asyncpg
import msgspec

from activities.database import Connection, Pool, connected
from activities.once import record_once
from activities.ports import Incidents, Member, Members, Origin
from activities.views import OPEN
from policies.schema import Matter
from states.effects import CountMatter, MatterCounted
from states.incident import Incident, OpenIncident
from states.values import Instant, Value

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended($1, 0))"

_BELONGS = """
select id from incident_cases join incidents on incidents.id = incident
where matter = $1 and subject = $2 and case_id = $3
"""

_OPEN_INCIDENT = "select id from incidents where matter = $1 and subject = $2 and closed_at is null"

# The other cases that have it in common and were dealt with in no earlier incident.
_OTHERS = """
from matters
where matter = $1 and subject = $2 and at >= $3 and case_id <> $4 and not exists (
  select from incident_cases join incidents on incidents.id = incident_cases.incident
  where incident_cases.case_id = matters.case_id
    and incidents.matter = $1 and incidents.subject = $2 and closed_at is not null
)
"""
_HOW_MANY = f"select count(distinct case_id) {_OTHERS}"
_WHICH = f"select case_id {_OTHERS} group by case_id order by min(at), case_id"

_OPEN = """
insert into incidents (id, matter, subject, number, opened_by, opened_at) values ($1, $2, $3, $4, $5, $6)
"""

_JOIN = """
insert into incident_cases (incident, place, case_id, counted)
select $1, coalesce((select max(place) from incident_cases where incident = $1), 0) + number, case_id, counted
from unnest($2::text[], $3::boolean[]) with ordinality as joining (case_id, counted, number)
on conflict (incident, case_id) do nothing
"""

_MEMBERS = f"""
select place, case_id, exists (
    select from case_view where case_view.case_id = incident_cases.case_id and {OPEN}
  ) as open
from incident_cases where incident = $1 and place > $2 and place <= $3 and not ($4 and counted)
order by place limit $5
"""  # noqa: S608 - our own words

_LIST = """
select id, matter, subject, opened_at, closed_at,
  (select count(*) from incident_cases where incident = id) as cases
from incidents
"""

LONGEST_ID = 100
"""Characters of an incident's id; ids made from it have to fit into an `Id` as well."""


class IncidentRow(Value, kw_only=True):
    """An incident in the list."""

    id: str
    matter: Matter
    subject: str
    """The seller or the product."""
    opened_at: Instant
    closed_at: Instant | None = None
    cases: int
    """How many cases belong to it."""


class PostgresMatters:
    """The port `Matters`; the docstrings there hold. Whatever comes to be is started through `incidents`."""

    def __init__(self, pool: Pool, incidents: Incidents) -> None:
        self._pool = pool
        self._incidents = incidents

    async def count(self, effect: CountMatter, origin: Origin) -> MatterCounted:
        """Count a case."""
        async with connected(self._pool) as connection, connection.transaction():
            # What another case enters meanwhile could not be seen before it is committed; so each waits for the other.
            await connection.execute(_ONE_AT_A_TIME, _lock(effect.matter, effect.subject))
            again = await connection.fetchval("select exists (select from matters where key = $1)", effect.key)
            standing = await _standing(connection, effect, origin)
            stored = await record_once(
                connection,
                "matters",
                {
                    "key": effect.key,
                    "case_id": origin.case_id,
                    "matter": effect.matter,
                    "subject": effect.subject,
                    "category": effect.category,
                },
                first={"at": origin.at, "count": standing.count, "incident": standing.incident},
            )
            if standing.incident is not None and not again:
                await _join(connection, standing.incident, effect, origin)
            opened = await connection.fetchrow("select * from incidents where opened_by = $1", effect.key)
        if opened is not None:
            # Not before it is on record. Should this come to nothing, the effect is issued again.
            await self._incidents.open(_opening(opened, origin))
        return MatterCounted(stored["count"], stored["incident"])

    async def members(self, incident: str, *, after: int, last: int | None, uncounted: bool, limit: int) -> Members:
        """The next cases of an incident."""
        async with connected(self._pool) as connection:
            if last is None:
                taken = "select coalesce(max(place), 0) from incident_cases where incident = $1"
                last = int(await connection.fetchval(taken, incident))
            found = await connection.fetch(_MEMBERS, incident, after, last, uncounted, limit)
        return Members(tuple(Member(each["place"], each["case_id"], each["open"]) for each in found), last)

    async def note(self, incident: Incident) -> None:
        """Keep how an incident stands."""
        closed_at = incident.closing.at if incident.closing else None
        state = msgspec.json.encode(incident).decode()
        async with connected(self._pool) as connection, connection.transaction():
            await connection.execute(_ONE_AT_A_TIME, _lock(incident.matter, incident.subject))
            await connection.execute(
                "update incidents set closed_at = $2, state = $3 where id = $1", incident.id, closed_at, state
            )


class IncidentList:
    """Reads the incidents."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def all(self, *, closed: bool = False, limit: int = 100) -> tuple[IncidentRow, ...]:
        """The open incidents, or the closed ones, the latest first."""
        condition = "closed_at is not null" if closed else "closed_at is null"
        return await self._rows(f"{condition} order by opened_at desc, id limit $1", limit)

    async def get(self, incident: str) -> IncidentRow | None:
        """One incident's row; None for an unknown one."""
        rows = await self._rows("id = $1", incident)
        return rows[0] if rows else None

    async def noted(self, incident: str) -> Incident | None:
        """How an incident stood when it was last noted, as it is when it is closed; None if it never was."""
        async with connected(self._pool) as connection:
            state = await connection.fetchval("select state from incidents where id = $1", incident)
        return msgspec.json.decode(state, type=Incident) if state else None

    async def _rows(self, condition: str, *arguments: object) -> tuple[IncidentRow, ...]:
        async with connected(self._pool) as connection:
            found = await connection.fetch(f"{_LIST} where {condition}", *arguments)
        return tuple(msgspec.convert(dict(each), IncidentRow) for each in found)


async def _standing(connection: Connection, effect: CountMatter, origin: Origin) -> MatterCounted:
    """What counting a case comes to: also how many there are with it, and which incident it then belongs to."""
    matter = (effect.matter, effect.subject)
    others = await connection.fetchval(_HOW_MANY, *matter, _since(effect, origin), origin.case_id)
    incident = await connection.fetchval(_BELONGS, *matter, origin.case_id)
    if incident is None:
        incident = await connection.fetchval(_OPEN_INCIDENT, *matter)
    if incident is None and others + 1 >= effect.complaints:
        incident = incident_id(*matter, await _next_number(connection, effect))
    return MatterCounted(others + 1, incident)


async def _join(connection: Connection, incident: str, effect: CountMatter, origin: Origin) -> None:
    """The case belongs to an incident from now on, and if that is new, so do those that count with it."""
    cases = [origin.case_id]
    if not await connection.fetchval("select exists (select from incidents where id = $1)", incident):
        matter = (effect.matter, effect.subject)
        number = await _next_number(connection, effect)
        await connection.execute(_OPEN, incident, *matter, number, effect.key, origin.at)
        before = await connection.fetch(_WHICH, *matter, _since(effect, origin), origin.case_id)
        cases = [*(each["case_id"] for each in before), origin.case_id]
    await connection.execute(_JOIN, incident, cases, [case == origin.case_id for case in cases])


async def _next_number(connection: Connection, effect: CountMatter) -> int:
    before = "select coalesce(max(number), 0) from incidents where matter = $1 and subject = $2"
    return int(await connection.fetchval(before, effect.matter, effect.subject)) + 1


def _since(effect: CountMatter, origin: Origin) -> datetime:
    return origin.at - timedelta(days=effect.within_days)


def _opening(opened: asyncpg.Record, origin: Origin) -> OpenIncident:
    return OpenIncident(
        incident=opened["id"],
        matter=Matter(opened["matter"]),
        subject=opened["subject"],
        policy=origin.policy,
        at=opened["opened_at"],
    )


def incident_id(matter: Matter, subject: str, number: int) -> str:
    """Such as incident/seller/seller-204/1; a subject that is too long for that is told by its hash."""
    whole = f"incident/{matter}/{subject}/{number}"
    if len(whole) <= LONGEST_ID:
        return whole
    return f"incident/{matter}/{hashlib.sha256(subject.encode()).hexdigest()[:32]}/{number}"


def _lock(matter: Matter, subject: str) -> str:
    return f"matter {matter} {subject}"
