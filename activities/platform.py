"""Stand-ins for the platform's own services, in PostgreSQL: orders, logistics, remedies and penalties.

They keep the promises that the real services have to keep behind the port: one effect once, however often it is asked
for.
"""

from datetime import datetime

import msgspec

from activities.database import Pool, connected
from activities.once import record_once, reference
from activities.ports import Origin
from states.effects import ApplyPenalty, CarryOut, Done, Failed, ReleaseReturnAddress
from states.values import Instant, LogisticsFacts, OrderFacts, TextRef, Value

_LOGISTICS = """
select orders."order", shipped_at, signed_at, signature
from orders left join shipments using ("order") where orders."order" = $1
"""


class LedgerEntry(Value, kw_only=True):
    """One remedy or penalty that was carried out."""

    key: str
    case_id: str
    kind: str
    """remedy or penalty"""
    subject: str
    """The id of the remedy or penalty in its case."""
    action: str
    order_id: str | None = None
    beneficiary: str | None = None
    seller: str | None = None
    amount_fen: int | None = None
    points: int | None = None
    rule: str | None = None
    policy: str
    reverses: str | None = None
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
        return LogisticsFacts(found["order"], found["shipped_at"], found["signed_at"], signature)

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
            seller=effect.seller,
            points=effect.points,
            rule=effect.rule,
            policy=effect.policy,
        )

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
                'insert into orders ("order", platform, buyer, seller, paid_fen, purchased_at, received_at) '
                'values ($1, $2, $3, $4, $5, $6, $7) on conflict ("order") do update set '
                "(platform, buyer, seller, paid_fen, purchased_at, received_at) = ($2, $3, $4, $5, $6, $7)",
                *msgspec.structs.astuple(order),
            )

    async def add_shipment(self, logistics: LogisticsFacts) -> None:
        """Put the carrier's report about a known order on record, or bring it up to date."""
        signature = msgspec.json.encode(logistics.signature).decode() if logistics.signature else None
        async with connected(self._pool) as connection:
            await connection.execute(
                'insert into shipments ("order", shipped_at, signed_at, signature) values ($1, $2, $3, $4) '
                'on conflict ("order") do update set (shipped_at, signed_at, signature) = ($2, $3, $4)',
                logistics.order, logistics.shipped_at, logistics.signed_at, signature,
            )  # fmt: skip

    async def ledger(self, case_id: str) -> tuple[LedgerEntry, ...]:
        """The remedies and penalties of a case, in the order of their times."""
        names = ", ".join(LedgerEntry.__struct_fields__)
        async with connected(self._pool) as connection:
            found = await connection.fetch(
                f"select {names} from ledger where case_id = $1 order by at, key",  # noqa: S608 - our own columns
                case_id,
            )
        return tuple(msgspec.convert(dict(each), LedgerEntry) for each in found)
