"""Makes the world of a scenario: what the stand-ins for the platform, its carriers and its gateways know."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NoReturn

from asyncpg import Pool

from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from policies.schema import PackRef
from stack.scenario import Scenario, span
from states.values import LogisticsFacts, OrderFacts


async def make_world(scenario: Scenario, pool: Pool, orders: Mapping[str, str] | None = None) -> None:
    """Put it on record, seen from now; it may be repeated. `orders` gives other numbers to orders.

    Raises DatabaseError.
    """
    now = datetime.now(UTC)
    numbers = orders or {}
    platform, notices = PostgresPlatform(pool), PostgresNotices(pool, _no_pack)
    for written in scenario.world.orders:
        await platform.add_order(
            OrderFacts(
                order=numbers.get(written.order, written.order),
                platform=written.platform,
                buyer=written.buyer or scenario.complaint.complainant,
                seller=written.seller or scenario.complaint.respondent,
                paid_fen=int(written.paid.replace(".", "")),
                purchased_at=now - span(written.purchased),
                received_at=_ago(now, written.received),
            )
        )
    for parcel in scenario.world.shipments:
        number = numbers.get(parcel.order, parcel.order)
        known = LogisticsFacts(number, _ago(now, parcel.shipped), _ago(now, parcel.signed))
        await platform.add_shipment(known)
    for gap in scenario.world.unreachable:
        for channel in gap.channels:
            await notices.set_reachable(gap.who, channel, reachable=False)


def _ago(now: datetime, duration: str | None) -> datetime | None:
    return now - span(duration) if duration else None


def _no_pack(ref: PackRef) -> NoReturn:
    raise LookupError(f"{ref}: no notice is sent from here")
