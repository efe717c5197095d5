"""Stand-ins for the platform's own services, in PostgreSQL: orders, logistics, and the ledger.

They keep the promises that the real services have to keep behind the port: one effect once, however often it is asked
for.
"""

from datetime import datetime, timedelta

import asyncpg
import msgspec

from activities.database import Connection, Pool, connected
from activities.once import record_once, reference
from activities.ports import Origin
from states.effects import (
    ApplyPenalty,
    CarryOut,
    CountOccurrence,
    Done,
    Failed,
    OccurrenceCounted,
    ReleaseReturnAddress,
    Reverse,
)
from states.values import ClaimantHistory, Instant, LogisticsFacts, OrderFacts, TextRef, Value

_LOGISTICS = """
select orders."order", shipped_at, signed_at, signature, carrier
from orders left join shipments using ("order") where orders."order" = $1
"""

_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended($1, 0))"

_STANDING = """
select count(*) from ledger
where kind = 'occurrence' and against = $1 and action = $2 and at >= $3 and key <> $4 and reverses is null
  and not exists (select from ledger as reversal where reversal.reverses = ledger.key)
"""

_TO_REVERSE = "select * from ledger where key = $1 and case_id = $2 and subject = $3 and reverses is null"


class LedgerEntry(Value, kw_only=True):
    """One remedy or penalty that was carried out, one occurrence that was counted, or what takes one of them back."""

    key: str
    case_id: str
    kind: str
    """remedy, penalty or occurrence"""
    subject: str
    """The id of the remedy, penalty or occurrence in its case."""
    action: str
    """What was done, or what the ledger counts."""
    order_id: str | None = None
    beneficiary: str | None = None
    review: str | None = None
    against: str | None = None
    """The shop or the account."""
    amount_fen: int | None = None
    """Less than nothing in a reversal, as are its points."""
    points: int | None = None
    point_class: str | None = None
    count: int | None = None
    """Of an occurrence: how many there were within the window then, this one included."""
    rule: str | None = None
    policy: str
    reverses: str | None = None
    """The key of the entry that this one takes back."""
    at: Instant


class PostgresPlatform:
    """The port `Platform`, whose docstrings hold, and the means to fill and read the stand-ins' records."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def order(self, order: str) -> OrderFacts | None:
        """What is known about an order."""
        async with connected(self._pool) as connection:
            found = await connection.fetchrow('select * from orders where "order" = $1', order)
        return msgspec.convert(dict(found), OrderFacts) if found else None

    async def logistics(self, order: str) -> LogisticsFacts | None:
        """What is known about an order's parcel."""
        async with connected(self._pool) as connection:
            found = await connection.fetchrow(_LOGISTICS, order)
        if found is None:
            return None
        signature = msgspec.json.decode(found["signature"], type=TextRef) if found["signature"] else None
        return LogisticsFacts(found["order"], found["shipped_at"], found["signed_at"], signature, found["carrier"])

    async def claimant_history(self, claimant: str, case_id: str) -> ClaimantHistory:
        """How many complaints somebody filed, apart from this case (VER-11)."""
        statement = "select count(*) from case_view where complainant = $1 and case_id <> $2"
        async with connected(self._pool) as connection:
            return ClaimantHistory(await connection.fetchval(statement, claimant, case_id))

    async def carry_out(self, effect: CarryOut, origin: Origin) -> Done | Failed:
        """Enter a step of a remedy in the ledger (COO-2)."""
        return await self._record(
            "ledger",
            origin.at,
            key=effect.key,
            case_id=origin.case_id,
            kind="remedy",
            subject=effect.remedy,
            action=effect.action,
            order_id=effect.order,
            beneficiary=effect.beneficiary,
            review=effect.review,
            amount_fen=effect.amount_fen,
            policy=str(origin.policy),
        )

    async def apply_penalty(self, effect: ApplyPenalty, origin: Origin) -> Done | Failed:
        """Enter a measure in the ledger (PEN-1)."""
        return await self._record(
            "ledger",
            origin.at,
            key=effect.key,
            case_id=origin.case_id,
            kind="penalty",
            subject=effect.penalty,
            action=effect.kind,
            against=effect.subject,
            points=effect.points,
            point_class=effect.point_class,
            rule=effect.rule,
            policy=effect.policy,
        )

    async def count_occurrence(self, effect: CountOccurrence, origin: Origin) -> OccurrenceCounted:
        """Enter an occurrence and count it (PEN-3)."""
        since = origin.at - timedelta(days=effect.within_days)
        async with connected(self._pool) as connection, connection.transaction():
            # What another case enters meanwhile could not be seen before it is committed; so each waits for the other.
            await connection.execute(_ONE_AT_A_TIME, f"occurrences {effect.seller} {effect.counts}")
            before = await connection.fetchval(_STANDING, effect.seller, effect.counts, since, effect.key)
            stored = await record_once(
                connection,
                "ledger",
                {
                    "key": effect.key,
                    "case_id": origin.case_id,
                    "kind": "occurrence",
                    "subject": effect.occurrence,
                    "action": effect.counts,
                    "against": effect.seller,
                    "policy": str(origin.policy),
                },
                first={"at": origin.at, "count": before + 1},
            )
        return OccurrenceCounted(stored["at"], stored["count"])

    async def reverse(self, effect: Reverse, origin: Origin) -> Done | Failed:
        """Take an entry of the ledger back (PEN-1)."""
        async with connected(self._pool) as connection, connection.transaction():
            await connection.execute(_ONE_AT_A_TIME, f"reversal {effect.reverses}")
            entry = await connection.fetchrow(_TO_REVERSE, effect.reverses, origin.case_id, effect.subject)
            if entry is None:
                return Failed("not_found")
            by = await connection.fetchval("select key from ledger where reverses = $1", effect.reverses)
            if by not in (None, effect.key):
                return Failed("already_reversed")
            stored = await _record_reversal(connection, effect, entry, origin.at)
        return Done(stored["at"], reference("ledger", effect.key))

    async def release_return_address(self, effect: ReleaseReturnAddress, origin: Origin) -> Done | Failed:
        """Record that the buyer may see the address (COO-4)."""
        return await self._record(
            "return_addresses",
            origin.at,
            key=effect.key,
            case_id=origin.case_id,
            order_id=effect.order,
            recipient=effect.recipient,
        )

    async def _record(self, table: str, at: datetime, **values: object) -> Done:
        async with connected(self._pool) as connection:
            stored = await record_once(connection, table, values, first={"at": at})
        return Done(stored["at"], reference(table, stored["key"]))

    async def add_order(self, order: OrderFacts) -> None:
        """Put an order on record, or bring it up to date."""
        async with connected(self._pool) as connection:
            await connection.execute(
                'insert into orders ("order", platform, buyer, seller, paid_fen, purchased_at, received_at, '
                "goods_fen, state, state_since, product, branded) "
                "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
                'on conflict ("order") do update set (platform, buyer, seller, paid_fen, purchased_at, received_at, '
                "goods_fen, state, state_since, product, branded) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                *msgspec.structs.astuple(order),
            )

    async def add_shipment(self, logistics: LogisticsFacts) -> None:
        """Put the carrier's report about a known order on record, or bring it up to date."""
        signature = msgspec.json.encode(logistics.signature).decode() if logistics.signature else None
        async with connected(self._pool) as connection:
            await connection.execute(
                'insert into shipments ("order", shipped_at, signed_at, signature, carrier) '
                "values ($1, $2, $3, $4, $5) on conflict (\"order\") do update set "
                "(shipped_at, signed_at, signature, carrier) = ($2, $3, $4, $5)",
                logistics.order, logistics.shipped_at, logistics.signed_at, signature, logistics.carrier,
            )  # fmt: skip

    async def ledger(self, case_id: str) -> tuple[LedgerEntry, ...]:
        """What was entered about a case, in the order of the times."""
        names = ", ".join(LedgerEntry.__struct_fields__)
        async with connected(self._pool) as connection:
            found = await connection.fetch(
                f"select {names} from ledger where case_id = $1 order by at, key",  # noqa: S608 - our own columns
                case_id,
            )
        return tuple(msgspec.convert(dict(each), LedgerEntry) for each in found)


async def _record_reversal(
    connection: Connection, effect: Reverse, entry: asyncpg.Record, at: datetime
) -> asyncpg.Record:
    """The same entry with the opposite figures."""
    same = ("case_id", "kind", "subject", "action", "order_id", "beneficiary", "review", "against", "point_class")
    figures = {name: None if entry[name] is None else -entry[name] for name in ("amount_fen", "points")}
    cited = {name: entry[name] for name in (*same, "rule", "policy")}
    values = {"key": effect.key, **cited, **figures, "reverses": effect.reverses}
    return await record_once(connection, "ledger", values, first={"at": at})
