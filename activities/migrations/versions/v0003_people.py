"""Who works on cases: teams, agents, their shifts, and claims on waiting cases; and in the lists what orders the work:
priority, hand-offs, incidents.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

# Rows tell of these from their case's next entry on; `starter.py rebuild` brings all of them up to date at once.
CASE_VIEW = """
alter table case_view
  add priority text not null default 'normal',
  add urgency integer not null default 0,
  add teams text[] not null default '{}',
  add hand_offs jsonb not null default '[]',
  add late boolean not null default false,
  add not_for text[] not null default '{}',
  add incident text
"""

# Of most cases nothing is handed over, and most are over: neither costs these indexes anything.
CASE_VIEW_INDEXES = (
    "create index case_view_teams on case_view using gin (teams) where teams <> '{}'",
    "create index case_view_incident on case_view (incident) where incident is not null",
    # Ownerless cases in the order in which they are claimed, and how many an agent owns.
    """
    create index case_view_work on case_view (owner, urgency desc, opened_at, case_id)
    where stage in ('intake', 'acceptance', 'verification', 'coordination', 'ruling', 'feedback', 'follow_up')
    """,
)

TEAMS = "create table teams (id text primary key, title text not null)"

# References, never names: who agent-03 is, the platform's own directory knows.
AGENTS = """
create table agents (
  id text primary key,
  team text not null references teams,
  level text not null,
  -- The categories that the agent can handle; all of them if none is named.
  skills text[] not null,
  -- How many open cases the agent may own before claiming no more.
  capacity integer not null check (capacity >= 0),
  active boolean not null
)
"""

SHIFTS = """
create table shifts (
  agent text not null references agents,
  starts timestamptz not null,
  -- The first instant after the shift. A shift that ends as it starts is none: so one is taken back.
  ends timestamptz not null check (ends >= starts),
  primary key (agent, starts)
)
"""

# A claim lasts from the choice of a case until its owner shows in case_view.
CLAIMS = """
create table claims (
  case_id text primary key,
  agent text not null references agents,
  at timestamptz not null
)
"""

INDEXES = ("create index claims_agent on claims (agent)",)

RIGHTS = (
    "grant select, insert, update on teams, agents, shifts to tousu_app",
    "grant select, insert, update, delete on claims to tousu_app",
)


def upgrade() -> None:
    for statement in (CASE_VIEW, *CASE_VIEW_INDEXES, TEAMS, AGENTS, SHIFTS, CLAIMS, *INDEXES, *RIGHTS):
        op.execute(statement)
