"""Penalties against accounts too, occurrences that count against a seller, reversals; what the platform's pack of
2024-07-22 needs to know of orders and parcels; and more of each case in the lists.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

ORDERS = """
alter table orders
  add goods_fen bigint check (goods_fen >= 0),
  add state text not null default 'open',
  add state_since timestamptz
"""

SHIPMENTS = "alter table shipments add carrier text"

LEDGER = (
    # Measures fall on buyers' accounts as well as on shops.
    "alter table ledger rename column seller to against",
    "alter index ledger_seller rename to ledger_against",
    """
    alter table ledger
      add point_class text,
      add review text,
      -- How many occurrences stood against the seller within the window when this one was entered.
      add count integer check (count > 0),
      drop constraint ledger_kind_check,
      drop constraint ledger_amount_fen_check,
      drop constraint ledger_points_check,
      add constraint ledger_kind check (kind in ('remedy', 'penalty', 'occurrence')),
      -- A reversal takes back exactly what it reverses, so that balances are sums.
      add constraint ledger_amount check (case when reverses is null then amount_fen > 0 else amount_fen < 0 end),
      add constraint ledger_points check (case when reverses is null then points > 0 else points < 0 end),
      add constraint ledger_occurrence
        check (kind <> 'occurrence' or (against is not null and (count is null) = (reverses is not null)))
    """,
)

CASE_VIEW = """
alter table case_view
  add disputed_at timestamptz,
  add return_reason text,
  add hearings integer not null default 1,
  add penalty_policy text
"""


def upgrade() -> None:
    for statement in (ORDERS, SHIPMENTS, *LEDGER, CASE_VIEW):
        op.execute(statement)
