"""Who works on cases, and which waiting case an agent takes next, in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from activities.database import Pool, connected
from activities.views import NEXT, OPEN, on_shift
from policies.schema import Category, Level
from states.values import Code, Id, Instant, Value

LAPSE = timedelta(minutes=5)
"""How long a claim holds a case back from others when nobody settles or releases it: whoever made it may be gone."""

# Claims are made one at a time. This is a statement of its own because every statement sees what was committed before
# it began, and the next one has to see the claim of whoever was waited for. Who stands still meanwhile is cut off.
_ONE_AT_A_TIME = """
select set_config('idle_in_transaction_session_timeout', '5s', true),
  pg_advisory_xact_lock(hashtextextended('claims', 0))
"""

# $1 the agent, $2 now, $3 from when on a claim counts, $4 the levels in order, $5 cases not to be claimed.
_CLAIM = f"""
with claimer as (
  select id, level, skills from agents
  where id = $1 and {on_shift("$1", "$2")} and capacity >
    (select count(*) from case_view where owner = $1 and {OPEN})
    + (select count(*) from claims where agent = $1 and at > $3
        and (select owner from case_view where case_view.case_id = claims.case_id) is null)
)
insert into claims (case_id, agent, at)
select waiting.case_id, $1, $2 from claimer, lateral (
  select case_id from case_view
  where owner is null and {OPEN}
    and (claimer.skills = '{{}}' or category = any (claimer.skills))
    and array_position($4::text[], level) <= array_position($4::text[], claimer.level)
    and $1 <> all (not_for) and case_id <> all ($5::text[])
    and not exists (select from claims where claims.case_id = case_view.case_id and at > $3)
  order by {NEXT} limit 1
) as waiting
-- What stands in the way has lapsed.
on conflict (case_id) do update set (agent, at) = (excluded.agent, excluded.at) where claims.at <= $3
returning case_id
"""  # noqa: S608 - made of our own words

_AGENTS = "select id, team, level, capacity, skills, active from agents"

_PUT_TEAM = "insert into teams (id, title) values ($1, $2) on conflict (id) do update set title = excluded.title"

_PUT_AGENT = """
insert into agents (id, team, level, skills, capacity, active) values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update set (team, level, skills, capacity, active)
  = (excluded.team, excluded.level, excluded.skills, excluded.capacity, excluded.active)
"""

_PUT_SHIFT = """
insert into shifts (agent, starts, ends) values ($1, $2, $3)
on conflict (agent, starts) do update set ends = excluded.ends
"""


class Team(Value):
    """A team, by the word that the policy has for it."""

    id: Code
    title: str
    """For people to read."""


class Agent(Value):
    """Somebody who works on cases; a reference, never a name."""

    id: Id
    team: Code
    level: Level
    capacity: Annotated[int, Meta(ge=0, le=10_000)]
    """How many open cases the agent may own before claiming no more."""
    skills: tuple[Category, ...] = ()
    """The categories that the agent can handle; none named is all."""
    active: bool = True


class Shift(Value):
    """When an agent works, up to but not at `ends`. One that ends as it starts is none: so a shift is taken back."""

    agent: Id
    starts: Instant
    ends: Instant


class Directory:
    """Teams, agents and shifts, and the claims of agents on waiting cases."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # --- who there is -------------------------------------------------------------------------

    async def put(
        self, *, teams: Iterable[Team] = (), agents: Iterable[Agent] = (), shifts: Iterable[Shift] = ()
    ) -> None:
        """Put teams, agents and shifts on record or bring them up to date: all of it or nothing, and as often as
        wanted.

        A shift is known by its agent and its start. Raises LookupError, whose message names the place, for a team or
        an agent that is neither given nor on record, ValueError for a shift that ends before it starts.
        """
        teams, agents, shifts = list(teams), list(agents), list(shifts)
        for shift in shifts:
            if shift.ends < shift.starts:
                raise ValueError(f"shifts.{shift.agent}: the shift of {shift.starts} ends before it starts")
        async with connected(self._pool) as connection, connection.transaction():
            await connection.executemany(_PUT_TEAM, [(each.id, each.title) for each in teams])
            known = {each["id"] for each in await connection.fetch("select id from teams")}
            for agent in agents:
                if agent.team not in known:
                    raise LookupError(f"agents.{agent.id}.team: there is no team {agent.team}")
            await connection.executemany(
                _PUT_AGENT,
                [(each.id, each.team, each.level, each.skills, each.capacity, each.active) for each in agents],
            )
            known = {each["id"] for each in await connection.fetch("select id from agents")}
            for shift in shifts:
                if shift.agent not in known:
                    raise LookupError(f"shifts.{shift.agent}: there is no agent {shift.agent}")
            await connection.executemany(_PUT_SHIFT, [(each.agent, each.starts, each.ends) for each in shifts])

    async def teams(self) -> tuple[Team, ...]:
        """Every team, by id."""
        async with connected(self._pool) as connection:
            found = await connection.fetch("select id, title from teams order by id")
        return tuple(msgspec.convert(dict(each), Team) for each in found)

    async def agents(self, team: str | None = None) -> tuple[Agent, ...]:
        """Every agent, or those of a team, by id; also those who are no longer active."""
        statement = f"{_AGENTS} where $1::text is null or team = $1 order by id"
        async with connected(self._pool) as connection:
            found = await connection.fetch(statement, team)
        return tuple(msgspec.convert(dict(each), Agent) for each in found)

    async def agent(self, id_: str) -> Agent | None:
        """One agent; None if there is none of that id."""
        async with connected(self._pool) as connection:
            found = await connection.fetchrow(f"{_AGENTS} where id = $1", id_)
        return msgspec.convert(dict(found), Agent) if found else None

    async def shifts(self, since: datetime, until: datetime) -> tuple[Shift, ...]:
        """The shifts of which some part lies between two instants, by start and agent."""
        statement = """
        select agent, starts, ends from shifts where starts < $2 and ends > $1 and starts < ends order by starts, agent
        """
        async with connected(self._pool) as connection:
            found = await connection.fetch(statement, since, until)
        return tuple(msgspec.convert(dict(each), Shift) for each in found)

    # --- who takes what -----------------------------------------------------------------------

    async def claim(self, agent: str, now: datetime, *, except_for: Iterable[str] = ()) -> str | None:
        """Claim the case that an agent is to take next, and hold it back from all others; its id.

        That is the oldest of the highest priority (INT-5) among the open cases that nobody owns and that the agent may
        take: within the agent's skills and level, not about the agent (INT-7), not decided by the agent before
        (ESC-7), not in `except_for`. None if there is no such case, or if the agent is not active, not on shift (HOF-5)
        or has as many open cases as it has capacity for.

        The claim counts as one of the agent's open cases until the case shows its owner, or the claim is released. One
        that is neither settled nor released lapses (`LAPSE`).

        Why no two agents get one case, and no agent too many, however many claim at once: a claim begins when the one
        before is committed (the lock ends with its transaction), so it sees every claim made so far. And at every
        moment a claimed case shows either its claim or its owner, for its claim ends only when the owner is there to be
        seen (`settle_claim`); a statement sees one moment, so it neither misses a case nor counts one twice. Should a
        lapsed claim be carried out after all, the case itself, which has one writer, takes the first owner only.
        """
        async with connected(self._pool) as connection, connection.transaction():
            await connection.execute(_ONE_AT_A_TIME)
            case_id: str | None = await connection.fetchval(
                _CLAIM, agent, now, now - LAPSE, list(Level), list(except_for)
            )
        return case_id

    async def settle_claim(self, agent: str, case_id: str) -> None:
        """End the claim of an agent who owns the case by now; nothing happens as long as that does not show."""
        statement = """
        delete from claims where agent = $1 and case_id = $2
          and exists (select from case_view where case_view.case_id = $2 and owner = $1)
        """
        async with connected(self._pool) as connection:
            await connection.execute(statement, agent, case_id)

    async def release_claim(self, agent: str, case_id: str) -> None:
        """Give a claimed case back to those that wait, if the agent's claim still stands."""
        async with connected(self._pool) as connection:
            await connection.execute("delete from claims where agent = $1 and case_id = $2", agent, case_id)
