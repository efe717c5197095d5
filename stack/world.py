"""Makes the world of a scenario: what the stand-ins for the platform, its carriers and its gateways know."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from asyncpg import Pool

from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from client.case_file import CaseFile
from policies.schema import PackRef
from stack.scenario import World, span
from states.values import LogisticsFacts, OrderFacts


async def make_world(
    world: World, complaint: CaseFile, pool: Pool, orders: Mapping[str, str] | None = None, now: datetime | None = None
) -> None:
    """Put it on record, seen from `now`, or from the present; it may be repeated.

    `complaint` names the parties to orders that name none; `orders` gives other numbers to orders. Raises
    DatabaseError.
    """
    now = now or datetime.now(UTC)
    numbers = orders or {}
    platform, notices = PostgresPlatform(pool), PostgresNotices(pool, _no_pack)
    for written in world.orders:
        await platform.add_order(
            OrderFacts(
                order=numbers.get(written.order, written.order),
                platform=written.platform,
                buyer=written.buyer or complaint.complainant,
                seller=written.seller or complaint.respondent,
                paid_fen=_fen(written.paid),
                purchased_at=now - span(written.purchased),
                received_at=_ago(now, written.received),
                goods_fen=_fen(written.goods) if written.goods else None,
                state=written.state,
                state_since=_ago(now, written.since),
                product=written.product,
                branded=written.branded,
            )
        )
    for parcel in world.shipments:
        await platform.add_shipment(
            LogisticsFacts(
                order=numbers.get(parcel.order, parcel.order),
                shipped_at=_ago(now, parcel.shipped),
                signed_at=_ago(now, parcel.signed),
                carrier=parcel.carrier,
            )
        )
    for gap in world.unreachable:
        for channel in gap.channels:
            await notices.set_reachable(gap.who, channel, reachable=False)


def _fen(written: str) -> int:
    return int(written.replace(".", ""))


def _ago(now: datetime, duration: str | None) -> datetime | None:
    return now - span(duration) if duration else None


def _no_pack(ref: PackRef) -> NoReturn:
    raise LookupError(f"{ref}: no notice is sent from here")
