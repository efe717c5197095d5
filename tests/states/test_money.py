"""Money, exact to the fen: fixed and computed compensation, rounding, caps, and the sums by order (PEN-2, PEN-7)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Action, AmountRule, Category, Outcome, Party, RemedyKind, Rounding, Stage
from states import effects, events, facts
from states.events import ProposalAnswer
from states.rules import amounts
from states.values import Claim, OrderFacts, RemedyTerms
from tests.states.story import BUYER, SELLER, START, Story, item, order, text

PROMISE = RemedyTerms(kind=RemedyKind.PROMISE_COMPENSATION)
OUT_OF_STOCK = RemedyTerms(kind=RemedyKind.OUT_OF_STOCK_COMPENSATION)
PRICES = st.integers(min_value=0, max_value=10_000_000_000)
ROUND = {
    Rounding.DOWN: floor,
    Rounding.UP: ceil,
    Rounding.HALF_UP: lambda exact: floor(exact + Fraction(1, 2)),
}
"""What each way of rounding means, of an exact fraction."""


def bought(paid_fen: int, goods_fen: int | None = None, name: str = "order-1001") -> OrderFacts:
    return order(order=name, paid_fen=paid_fen, goods_fen=goods_fen)


def amount_rule(kind: RemedyKind) -> AmountRule:
    rule = default_book().in_force("platform", START).pack.remedies[kind].amount
    assert rule is not None
    return rule


# --- plain figures ------------------------------------------------------------------------------


@given(PRICES, st.none() | PRICES, st.integers(1, 1000), st.sampled_from(Rounding), st.none() | PRICES.filter(bool))
def test_a_share_is_rounded_as_stated_and_never_beyond_its_cap(
    paid: int, goods: int | None, percent: int, rounding: Rounding, cap_fen: int | None
) -> None:
    rule = AmountRule(rule="PEN-7", percent_of_goods=percent, rounding=rounding, cap_fen=cap_fen)
    amount = amounts.computed(rule, bought(paid, goods))
    exact = Fraction((paid if goods is None else goods) * percent, 100)
    assert type(amount) is int
    assert amount == (ROUND[rounding](exact) if cap_fen is None else min(ROUND[rounding](exact), cap_fen))


@given(PRICES, st.integers(1, 10**9))
def test_a_fixed_sum_is_the_same_for_every_order(paid: int, fixed: int) -> None:
    assert amounts.computed(AmountRule(rule="PEN-2", fixed_fen=fixed), bought(paid)) == fixed


@given(PRICES, st.integers(1, 1000))
def test_a_cap_is_never_more_than_its_percentage(paid: int, percent: int) -> None:
    cap = amounts.cap(percent, paid)
    assert cap <= Fraction(paid * percent, 100) < cap + 1


@pytest.mark.parametrize(
    ("goods", "due"),
    [
        (1, 0),
        (2, 1),  # 0.6 of a fen
        (5, 2),  # 1.5: half a fen is rounded up
        (100, 30),
        (166_665, 50_000),  # 49999.5
        (166_664, 49_999),
        (166_667, 50_000),
        (1_000_000, 50_000),
    ],
)
def test_thirty_percent_at_most_five_hundred_yuan(goods: int, due: int) -> None:
    assert amounts.computed(amount_rule(RemedyKind.OUT_OF_STOCK_COMPENSATION), bought(goods)) == due


def test_twenty_yuan_for_each_order() -> None:
    assert amounts.computed(amount_rule(RemedyKind.PROMISE_COMPENSATION), bought(1)) == 2_000


# --- in a case ------------------------------------------------------------------------------------


def paid(story: Story) -> dict[tuple[str, Action], int]:
    """What was paid by order and action."""
    sums = dict[tuple[str, Action], int]()
    for fact in story.all(facts.EffectOrdered):
        if isinstance(fact.effect, effects.CarryOut):
            key = (fact.effect.order, fact.effect.action)
            sums[key] = sums.get(key, 0) + (fact.effect.amount_fen or 0)
    return sums


def compensated(story: Story) -> dict[str, int]:
    return {name: amount for (name, action), amount in paid(story).items() if action is Action.PAY_COMPENSATION}


def with_orders(*known: OrderFacts, book: PolicyBook | None = None) -> Story:
    story = Story(book)
    story.order = known[0]
    story.other_orders = {each.order: each for each in known}
    return story


def broken_promise(*known: OrderFacts, book: PolicyBook | None = None, **changes: Any) -> Story:
    """A proven complaint that a promise was broken, on these orders, ready for the ruling."""
    given = {
        "category": Category.BROKEN_PROMISE,
        "cause": "promise_not_kept",
        "claim": Claim(remedies=(RemedyKind.PROMISE_COMPENSATION,)),
        "evidence": (item("chat_log"),),
        "orders": tuple(each.order for each in known),
    }
    return with_orders(*known, book=book).to_ruling(**given | changes)


def rule(story: Story, *terms: RemedyTerms) -> tuple[str, ...]:
    """Uphold the complaint; the rules that the entry cites."""
    return story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="PEN-2", remedies=terms).rules


def refused(story: Story, *terms: RemedyTerms) -> tuple[str, str]:
    refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="PEN-2", remedies=terms)
    return refusal.code, refusal.rule


def adding_up() -> PolicyBook:
    """The platform's policy, adding the two compensations up."""
    policy = default_book().in_force("platform", START)
    specific = policy.pack.remedies[RemedyKind.OUT_OF_STOCK_COMPENSATION]
    assert specific.amount is not None
    specific = replace(specific, amount=replace(specific.amount, wins_over=()))
    remedies = policy.pack.remedies | {RemedyKind.OUT_OF_STOCK_COMPENSATION: specific}
    return PolicyBook({policy.ref: replace(policy, pack=replace(policy.pack, remedies=remedies))})


FIRST, SECOND = bought(19_900), bought(8_001, name="order-1002")


@pytest.mark.rule("PEN-2")
def test_a_broken_promise_costs_twenty_yuan_for_each_order_of_the_case() -> None:
    story = broken_promise(FIRST, SECOND)
    assert "PEN-2" in rule(story, PROMISE)
    assert compensated(story) == {"order-1001": 2_000, "order-1002": 2_000}
    ruling = story.open_case.ruling
    assert ruling is not None
    assert [(each.order, each.amount_fen) for each in ruling.remedies] == [("order-1001", 2_000), ("order-1002", 2_000)]
    assert [each.terms for each in story.open_case.remedies] == list(ruling.remedies)


@pytest.mark.rule("PEN-2")
def test_one_order_can_be_named() -> None:
    story = broken_promise(FIRST, SECOND)
    assert "PEN-2" in rule(story, replace(PROMISE, order="order-1002"))
    assert compensated(story) == {"order-1002": 2_000}


@pytest.mark.rule("PEN-2", "COO-2")
def test_the_parties_can_agree_on_it_as_well() -> None:
    story = with_orders(FIRST, SECOND)
    story.to_coordination(
        category=Category.BROKEN_PROMISE,
        cause="promise_not_kept",
        claim=Claim(remedies=(RemedyKind.PROMISE_COMPENSATION,)),
        evidence=(item("chat_log"),),
        orders=("order-1001", "order-1002"),
    )
    story.accepted(events.ProposeRemedy, BUYER, terms=PROMISE)
    entry = story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert {"PEN-2", "COO-2"} <= set(entry.rules)
    assert compensated(story) == {"order-1001": 2_000, "order-1002": 2_000}
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("PEN-2", "PEN-7")
@pytest.mark.parametrize("terms", [PROMISE, OUT_OF_STOCK])
def test_nobody_states_what_the_policy_computes(terms: RemedyTerms) -> None:
    story = broken_promise(FIRST)
    own = amount_rule(terms.kind).rule
    assert refused(story, replace(terms, amount_fen=2_000)) == ("amount", own)
    assert refused(story, terms, terms) == ("granted_before", own)
    assert own in rule(story, terms)
    other = broken_promise(FIRST)
    assert {"PEN-2", "PEN-7"} - {own} <= set(rule(other, OUT_OF_STOCK if terms is PROMISE else PROMISE))


@pytest.mark.rule("PEN-7")
@pytest.mark.parametrize(
    ("known", "due"),
    [
        (bought(19_900), 5_970),
        (bought(19_900, 18_333), 5_500),  # 5499.9: the price of the goods, not all that was paid
        (bought(500_000), 50_000),
        (bought(5), 2),
    ],
)
def test_out_of_stock_costs_thirty_percent_of_the_goods_up_to_five_hundred_yuan(known: OrderFacts, due: int) -> None:
    story = broken_promise(known)
    assert "PEN-7" in rule(story, OUT_OF_STOCK)
    assert compensated(story) == {"order-1001": due}


@pytest.mark.rule("PEN-7")
def test_the_cap_is_for_each_order() -> None:
    story = broken_promise(bought(500_000), bought(900_000, name="order-1002"))
    assert "PEN-7" in rule(story, OUT_OF_STOCK)
    assert compensated(story) == {"order-1001": 50_000, "order-1002": 50_000}


@pytest.mark.rule("PEN-7")
def test_an_order_for_which_nothing_is_due_is_left_out() -> None:
    story = broken_promise(bought(1), SECOND)
    assert refused(story, replace(OUT_OF_STOCK, order="order-1001")) == ("nothing_due", "PEN-7")
    assert "PEN-7" in rule(story, OUT_OF_STOCK)
    assert compensated(story) == {"order-1002": 2_400}


@pytest.mark.rule("PEN-7", "PEN-2")
def test_for_the_same_order_the_more_specific_wins() -> None:
    story = broken_promise(FIRST, SECOND)
    cited = rule(story, PROMISE, replace(OUT_OF_STOCK, order="order-1002"))
    assert {"PEN-2", "PEN-7"} <= set(cited)
    assert compensated(story) == {"order-1001": 2_000, "order-1002": 2_400}


@pytest.mark.rule("PEN-7", "PEN-2")
def test_they_add_up_where_the_policy_says_so() -> None:
    story = broken_promise(FIRST, SECOND, book=adding_up())
    assert {"PEN-2", "PEN-7"} <= set(rule(story, PROMISE, replace(OUT_OF_STOCK, order="order-1002")))
    assert compensated(story) == {"order-1001": 2_000, "order-1002": 2_000 + 2_400}


@pytest.mark.rule("PEN-7", "PEN-2")
@pytest.mark.parametrize(("before", "now"), [(PROMISE, OUT_OF_STOCK), (OUT_OF_STOCK, PROMISE), (PROMISE, PROMISE)])
def test_what_was_granted_for_an_order_before_is_in_the_way_of_the_other(before: RemedyTerms, now: RemedyTerms) -> None:
    story = broken_promise(FIRST, SECOND)
    story.failing = {Action.REFUND}
    first = replace(before, order="order-1001")
    rule(story, first, RemedyTerms(kind=RemedyKind.REFUND, amount_fen=1))
    assert story.at(Stage.RULING), "the refund failed"
    code, cited = refused(story, replace(now, order="order-1001"))
    assert (code, cited) == ("granted_before", amount_rule(now.kind).rule)
    assert {"PEN-2", "PEN-7"} & set(rule(story, replace(now, order="order-1002")))
    other = broken_promise(FIRST)
    rule(other, PROMISE if now is OUT_OF_STOCK or before is OUT_OF_STOCK else OUT_OF_STOCK)


@pytest.mark.rule("PEN-4")
def test_before_the_policy_had_it_nothing_is_due() -> None:
    """Twenty yuan came with 2024-07-22; thirty percent was there before."""
    for conduct_at, code in ((datetime(2024, 7, 21, 12, tzinfo=UTC), "not_in_force"), (START, None)):
        story = with_orders(FIRST).to_verification(
            category=Category.BROKEN_PROMISE,
            claim=Claim(remedies=(RemedyKind.PROMISE_COMPENSATION,)),
            evidence=(item("chat_log"),),
        )
        story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
        story.accepted(
            events.RecordFinding,
            proven=True,
            responsible=Party.RESPONDENT,
            cause="promise_not_kept",
            evidence=("E1",),
            conduct_at=conduct_at,
        )
        story.accepted(events.CallForRuling)
        if code is None:
            assert "PEN-2" in rule(story, PROMISE)
        else:
            assert refused(story, PROMISE) == (code, "PEN-4")
            assert "PEN-7" in rule(story, OUT_OF_STOCK)


# --- caps -------------------------------------------------------------------------------------------


@pytest.mark.rule("COO-1")
def test_payments_are_capped_over_the_whole_case() -> None:
    """Two refunds never come to more than was paid, in one ruling or in two."""
    story = Story().to_ruling()
    part = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=10_000)
    assert refused(story, part, part) == ("amount", "COO-1")
    rule(story, part)
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    again = story.refused(
        events.IssueRuling,
        outcome=Outcome.UPHELD,
        rule="VER-5",
        remedies=(RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND),),
    )
    assert "19900 is over 9900" in again.message
    rule(story, RemedyTerms(kind=RemedyKind.REFUND, amount_fen=9_900))
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("COO-1")
def test_each_order_has_a_cap_of_its_own() -> None:
    story = with_orders(FIRST, SECOND).to_ruling(orders=("order-1001", "order-1002"))
    full = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
    second = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=8_001, order="order-1002")
    assert refused(story, full, replace(second, amount_fen=8_002)) == ("amount", "COO-1")
    rule(story, full, second)
    assert paid(story) == {("order-1001", Action.REFUND): 19_900, ("order-1002", Action.REFUND): 8_001}


# --- any mix ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mix:
    """Orders, and what is asked for each of them."""

    known: tuple[OrderFacts, ...]
    refunds: tuple[tuple[str, int], ...]
    coupons: tuple[tuple[str, int], ...]
    promises: tuple[str, ...]
    """The orders with a broken promise."""
    out_of_stock: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.order for each in self.known)

    def terms(self) -> tuple[RemedyTerms, ...]:
        """The same as remedies; what is computed for every order names none."""
        stated = [
            RemedyTerms(kind=kind, order=name, amount_fen=amount)
            for kind, asked in ((RemedyKind.REFUND, self.refunds), (RemedyKind.COUPON, self.coupons))
            for name, amount in asked
        ]
        computed = [
            replace(terms, order=name)
            for terms, names in ((PROMISE, self.promises), (OUT_OF_STOCK, self.out_of_stock))
            for name in ((None,) if names == self.names else names)
        ]
        return (*stated, *computed)

    def owed(self, adding_up: bool) -> dict[tuple[str, Action], int]:
        """What the rules make of it, order by order, in plain arithmetic."""
        sums = dict[tuple[str, Action], int]()
        for each in self.known:
            sums[each.order, Action.REFUND] = sum(amount for name, amount in self.refunds if name == each.order)
            sums[each.order, Action.ISSUE_COUPON] = sum(amount for name, amount in self.coupons if name == each.order)
            specific = _thirty_percent(each) if each.order in self.out_of_stock else 0
            general = 2_000 if each.order in self.promises else 0
            sums[each.order, Action.PAY_COMPENSATION] = specific + general if adding_up else specific or general
        return {key: amount for key, amount in sums.items() if amount}

    def is_allowed(self) -> bool:
        """Whether no order is paid back more than it cost, and something is due for what is said to be so."""
        over = any(
            sum(amount for name, amount in asked if name == each.order) > each.paid_fen
            for asked in (self.refunds, self.coupons)
            for each in self.known
        )
        due = [_thirty_percent(each) > 0 for each in self.known if each.order in self.out_of_stock]
        return not over and (any(due) if self.out_of_stock == self.names else all(due))


def _thirty_percent(known: OrderFacts) -> int:
    goods = known.paid_fen if known.goods_fen is None else known.goods_fen
    return min(floor(Fraction(goods * 30, 100) + Fraction(1, 2)), 50_000)


@st.composite
def mixes(draw: st.DrawFn) -> Mix:
    prices = st.integers(1, 9) | st.integers(1, 300_000)
    known = tuple(
        bought(draw(prices), draw(st.none() | prices), name=f"order-100{number}")
        for number in range(1, draw(st.integers(1, 3)) + 1)
    )
    asked = st.sampled_from(known).flatmap(lambda each: st.tuples(st.just(each.order), st.integers(1, each.paid_fen)))
    names = [each.order for each in known]
    some = st.sets(st.sampled_from(names)).map(lambda chosen: tuple(name for name in names if name in chosen))
    mix = Mix(
        known=known,
        refunds=tuple(draw(st.lists(asked, max_size=3))),
        coupons=tuple(draw(st.lists(asked, max_size=1))),
        promises=draw(some),
        out_of_stock=draw(some),
    )
    assume(mix.terms())
    return mix


@settings(deadline=None, max_examples=60)
@given(mix=mixes(), adds_up=st.booleans())
def test_what_is_paid_is_the_sum_of_its_parts_by_order_and_within_every_cap(mix: Mix, adds_up: bool) -> None:
    story = broken_promise(*mix.known, book=adding_up() if adds_up else None)
    if not mix.is_allowed():
        assert refused(story, *mix.terms())[0] in ("amount", "nothing_due")
        assert not paid(story)
        return
    rule(story, *mix.terms())
    assert paid(story) == mix.owed(adds_up)
    by_order = dict[str, int]()
    for each in story.open_case.remedies:
        name = each.terms.order or ""
        by_order[name] = by_order.get(name, 0) + (each.terms.amount_fen or 0)
    totals = dict[str, int]()
    for (name, _), amount in paid(story).items():
        totals[name] = totals.get(name, 0) + amount
    assert by_order == totals


@settings(deadline=None, max_examples=40)
@given(amounts_fen=st.lists(st.integers(1, 12_000), min_size=1, max_size=6))
def test_no_sequence_of_rulings_refunds_more_than_was_paid(amounts_fen: list[int]) -> None:
    """After each ruling the exchange fails, so that the case is ruled on again."""
    story = Story().to_ruling()
    total = 0
    for amount in amounts_fen:
        refund = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=amount)
        exchange = RemedyTerms(kind=RemedyKind.EXCHANGE)
        if total + amount > 19_900:
            assert refused(story, refund, exchange) == ("amount", "COO-1")
            continue
        rule(story, refund, exchange)
        total += amount
        assert paid(story) == {("order-1001", Action.REFUND): total}
        latest = [each.id for each in story.open_case.remedies if each.terms.kind is RemedyKind.EXCHANGE][-1]
        story.accepted(events.ReportRemedy, BUYER, remedy=latest, done=False)
        assert story.at(Stage.RULING)
