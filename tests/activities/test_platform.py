"""The platform's stand-ins: one effect once."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from activities.database import Connection, Pool
from activities.journal import PostgresJournal
from activities.platform import PostgresPlatform
from activities.ports import KeyReusedError, Origin
from policies.schema import Action, OrderState, PenaltyKind, PointClass
from states.effects import ApplyPenalty, CarryOut, Done, ReleaseReturnAddress
from states.values import ClaimantHistory, LogisticsFacts, OrderFacts, TextRef
from tests.activities.samples import POLICY, START, journal_of, row_after

CASE = "buyer-017/order-1"
ORIGIN = Origin(CASE, POLICY, START)
REFUND = CarryOut(
    key=f"{CASE}:9:1", remedy="M1", action=Action.REFUND, order="order-1", beneficiary="buyer-017", amount_fen=19_900
)
POINTS = ApplyPenalty(
    key=f"{CASE}:9:2",
    penalty="P1",
    row="quality_fault",
    kind=PenaltyKind.POINTS,
    subject="shop-204",
    rule="PEN-1",
    policy=str(POLICY),
    points=4,
    point_class=PointClass.A,
)
ADDRESS = ReleaseReturnAddress(key=f"{CASE}:9:3", order="order-1", recipient="buyer-017")
ORDER = OrderFacts("order-1", "taobao", "buyer-017", "shop-204", 19_900, START, START + timedelta(days=2))


@pytest.fixture
def platform(pool: Pool) -> PostgresPlatform:
    return PostgresPlatform(pool)


async def test_orders_and_parcels(platform: PostgresPlatform) -> None:
    assert await platform.order("order-1") is None
    assert await platform.logistics("order-1") is None
    await platform.add_order(replace(ORDER, received_at=None))
    assert await platform.logistics("order-1") == LogisticsFacts("order-1")
    succeeded = replace(ORDER, goods_fen=18_000, state=OrderState.SUCCEEDED, state_since=START + timedelta(days=9))
    for order in (ORDER, succeeded):
        await platform.add_order(order)
        assert await platform.order("order-1") == order
    shipped = LogisticsFacts("order-1", shipped_at=START, carrier="carrier-03")
    for report in (shipped, replace(shipped, signed_at=START, signature=TextRef("v-1", "a" * 64, 3))):
        await platform.add_shipment(report)
        assert await platform.logistics("order-1") == report


async def test_each_effect_is_carried_out_once_however_often_it_is_asked_for(
    platform: PostgresPlatform, owner: Connection
) -> None:
    later = replace(ORIGIN, at=START + timedelta(days=1))
    refunds = await asyncio.gather(*(platform.carry_out(REFUND, origin) for origin in (ORIGIN, later) * 5))
    points = await asyncio.gather(*(platform.apply_penalty(POINTS, ORIGIN) for _ in range(5)))
    addresses = await asyncio.gather(*(platform.release_return_address(ADDRESS, ORIGIN) for _ in range(5)))
    assert [len(set(answers)) for answers in (refunds, points, addresses)] == [1, 1, 1]
    assert await owner.fetchval("select count(*) from return_addresses") == 1
    penalty, remedy = sorted(await platform.ledger(CASE), key=lambda entry: entry.kind)
    assert (remedy.kind, remedy.action, remedy.amount_fen, remedy.beneficiary) == (
        "remedy", "refund", 19_900, "buyer-017"
    )  # fmt: skip
    assert (penalty.kind, penalty.action, penalty.points, penalty.point_class, penalty.against, penalty.rule) == (
        "penalty", "points", 4, "a", "shop-204", "PEN-1"
    )  # fmt: skip
    assert remedy.policy == penalty.policy == "platform@2024-07-22"
    assert await owner.fetchval("select count(*) from ledger") == 2


@pytest.mark.parametrize("change", [{"amount_fen": 19_901}, {"beneficiary": "buyer-018"}, {"amount_fen": None}])
async def test_another_effect_under_the_same_key_is_refused(
    platform: PostgresPlatform, change: dict[str, object]
) -> None:
    await platform.carry_out(REFUND, ORIGIN)
    with pytest.raises(KeyReusedError, match="order-1:9:1"):
        await platform.carry_out(replace(REFUND, **change), ORIGIN)
    with pytest.raises(KeyReusedError):
        await platform.apply_penalty(replace(POINTS, key=REFUND.key), ORIGIN)
    (entry,) = await platform.ledger(CASE)
    assert entry.amount_fen == 19_900


async def test_a_removed_review_is_named_in_the_ledger(platform: PostgresPlatform) -> None:
    removal = CarryOut(
        key=f"{CASE}:9:4",
        remedy="M2",
        action=Action.REMOVE_REVIEW,
        order="order-1",
        beneficiary="shop-204",
        review="review-8",
    )
    assert isinstance(await platform.carry_out(removal, ORIGIN), Done)
    (entry,) = await platform.ledger(CASE)
    assert (entry.action, entry.review, entry.amount_fen) == ("remove_review", "review-8", None)


async def test_the_other_complaints_of_a_claimant_are_counted(platform: PostgresPlatform, pool: Pool) -> None:
    journal = PostgresJournal(pool)
    for number in range(3):
        entries = journal_of(f"buyer-017/order-{number}", 1)
        await journal.write(entries, row_after(entries))
    assert await platform.claimant_history("buyer-017", "buyer-017/order-0") == ClaimantHistory(2)
    assert await platform.claimant_history("buyer-017", "buyer-017/order-9") == ClaimantHistory(3)
    assert await platform.claimant_history("buyer-018", "buyer-018/order-1") == ClaimantHistory(0)
