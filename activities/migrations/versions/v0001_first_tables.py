"""The journal and its view, the vault, the ledger, notices, and stand-ins for the platform's own services."""

from alembic import op

revision = "0001"
down_revision = None

ROLE = """
do $$
begin
  if not exists (select from pg_roles where rolname = 'tousu_app') then
    create role tousu_app nologin;
  end if;
exception
  -- The role belongs to the whole server: a migration of another database may create it at the same moment.
  when duplicate_object or unique_violation then null;
end $$
"""

# An owner who is no superuser has to be a member to act in the role.
MEMBERSHIP = """
do $$
begin
  if not pg_has_role(current_user, 'tousu_app', 'SET') then
    execute format('grant tousu_app to %I', current_user);
  end if;
end $$
"""

REFUSE = """
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$
"""

JOURNAL = """
create table journal (
  case_id text not null,
  number integer not null check (number > 0),
  hash text not null,
  previous_number integer generated always as (nullif(number - 1, 0)) stored,
  previous text,
  event text not null,
  decided_at timestamptz not null,
  effective_at timestamptz not null,
  rules text[] not null,
  -- json, not jsonb: the hash is of these very bytes.
  body json not null,
  -- Which run of the workflow wrote the entry: tells a repeated turn from a reset. No part of the chain.
  run_id text not null default '',
  written_at timestamptz not null default now(),
  primary key (case_id, number),
  constraint journal_entry unique (case_id, number, hash),
  constraint journal_chain foreign key (case_id, previous_number, previous) references journal (case_id, number, hash),
  constraint journal_begins_once check ((number = 1) = (previous is null)),
  constraint journal_sealed check (hash = encode(sha256(convert_to(body::text, 'UTF8')), 'hex'))
)
"""

CASE_VIEW = """
create table case_view (
  case_id text primary key,
  entries integer not null,
  stage text not null,
  level text not null,
  category text not null,
  complainant text not null,
  respondent text not null,
  owner text,
  outcome text,
  policy text not null,
  high_risk boolean not null,
  external boolean not null,
  next_deadline timestamptz,
  next_clock text,
  opened_at timestamptz not null,
  updated_at timestamptz not null,
  remedies text not null,
  penalties text not null,
  path text[] not null
)
"""

CASE_VIEW_INDEXES = (
    "create index case_view_stage on case_view (stage, next_deadline)",
    "create index case_view_owner on case_view (owner, next_deadline)",
    "create index case_view_deadline on case_view (next_deadline) where next_deadline is not null",
    "create index case_view_complainant on case_view (complainant, opened_at)",
    "create index case_view_respondent on case_view (respondent, opened_at)",
    "create index case_view_opened on case_view (opened_at)",
)

VAULT = """
create table vault (
  ref text primary key,
  sha256 text not null,
  size integer not null check (size > 0),
  kind text not null,
  owner text not null,
  content bytea not null,
  created_at timestamptz not null default now()
)
"""

VAULT_READS = """
create table vault_reads (
  ref text not null references vault,
  reader text not null,
  purpose text not null,
  at timestamptz not null default now()
)
"""

ORDERS = """
create table orders (
  "order" text primary key,
  platform text not null,
  buyer text not null,
  seller text not null,
  paid_fen bigint not null check (paid_fen >= 0),
  purchased_at timestamptz not null,
  received_at timestamptz
)
"""

SHIPMENTS = """
create table shipments (
  "order" text primary key references orders,
  shipped_at timestamptz,
  signed_at timestamptz,
  signature json
)
"""

LEDGER = """
create table ledger (
  key text primary key,
  case_id text not null,
  kind text not null check (kind in ('remedy', 'penalty')),
  subject text not null,
  action text not null,
  order_id text,
  beneficiary text,
  seller text,
  amount_fen bigint check (amount_fen > 0),
  points integer check (points > 0),
  rule text,
  policy text not null,
  reverses text unique references ledger,
  at timestamptz not null,
  constraint ledger_remedy check (kind <> 'remedy' or (order_id is not null and beneficiary is not null)),
  constraint ledger_penalty check (kind <> 'penalty' or (seller is not null and rule is not null))
)
"""

RETURN_ADDRESSES = """
create table return_addresses (
  key text primary key,
  case_id text not null,
  order_id text not null,
  recipient text not null,
  at timestamptz not null
)
"""

NOTICES = """
create table notices (
  key text primary key,
  case_id text not null,
  notice text not null,
  template text not null,
  party text not null,
  recipient text not null,
  channel text not null,
  language text not null,
  text text not null,
  -- When the attempt was made, and when it reached the recipient, if it did.
  at timestamptz not null,
  delivered_at timestamptz
)
"""

UNREACHABLE = """
create table unreachable (
  recipient text not null,
  channel text not null,
  primary key (recipient, channel)
)
"""

INDEXES = (
    "create index vault_reads_ref on vault_reads (ref)",
    "create index ledger_case on ledger (case_id)",
    "create index ledger_seller on ledger (seller, at) where seller is not null",
    "create index notices_case on notices (case_id)",
)

APPEND_ONLY = ("journal", "ledger", "vault_reads", "notices", "return_addresses")

RIGHTS = (
    "grant select, insert on journal, ledger, vault_reads, vault, notices, return_addresses to tousu_app",
    "grant select, insert, update, delete on case_view to tousu_app",
    "grant select, insert, update on orders, shipments to tousu_app",
    "grant select, insert, delete on unreachable to tousu_app",
)


def upgrade() -> None:
    for statement in (ROLE, MEMBERSHIP, REFUSE, JOURNAL, CASE_VIEW, *CASE_VIEW_INDEXES, VAULT, VAULT_READS):
        op.execute(statement)
    for statement in (ORDERS, SHIPMENTS, LEDGER, RETURN_ADDRESSES, NOTICES, UNREACHABLE, *INDEXES):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )
        op.execute(f"alter table {table} enable always trigger append_only")
    for statement in RIGHTS:
        op.execute(statement)
