"""Complaints counted by the seller or product that they have in common, and the incidents that they are of; and what
is known of the goods of an order.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

ORDERS = "alter table orders add column if not exists product text, add column if not exists branded boolean"

# What was counted when, and what came of it: for the case, that is an answer for good.
MATTERS = """
create table matters (
  key text primary key,
  case_id text not null,
  matter text not null,
  subject text not null,
  category text not null,
  at timestamptz not null,
  count integer not null check (count > 0),
  incident text
)
"""

INCIDENTS = """
create table incidents (
  id text primary key,
  matter text not null,
  subject text not null,
  number integer not null check (number > 0),
  -- The key of the count with which it came to be.
  opened_by text not null unique references matters,
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- How it stood when it was last noted.
  state json,
  unique (matter, subject, number)
)
"""

# Places are given one after the other, under the lock of the matter: whoever sees one sees all before it.
INCIDENT_CASES = """
create table incident_cases (
  incident text not null references incidents,
  place integer not null check (place > 0),
  case_id text not null,
  -- Whether the case's own count told it so; the others are sent an act.
  counted boolean not null,
  primary key (incident, place),
  unique (incident, case_id)
)
"""

INDEXES = (
    "create index matters_subject on matters (subject, matter, at)",
    "create index incident_cases_case on incident_cases (case_id)",
    "create unique index incidents_open on incidents (matter, subject) where closed_at is null",
)

APPEND_ONLY = ("matters", "incident_cases")

RIGHTS = (
    "grant select, insert on matters, incident_cases to tousu_app",
    "grant select, insert, update on incidents to tousu_app",
)


def upgrade() -> None:
    for statement in (ORDERS, MATTERS, INCIDENTS, INCIDENT_CASES, *INDEXES):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )
        op.execute(f"alter table {table} enable always trigger append_only")
    for statement in RIGHTS:
        op.execute(statement)
