"""What each remedy consists of, and what it comes to."""

from typing import Any, NamedTuple

import pytest

from policies.schema import Category, Outcome, RemedyKind
from states import effects, events, facts
from states.values import RemedyState, RemedyTerms
from tests.figures.cases import allowed, found, in_ruling, in_verification, other_side, own_side, removing, ripe, terms
from tests.states.story import AGENT, Story, order


class Row(NamedTuple):
    """A remedy, with a category in which it can be had, and who does which step: the platform's services, a party or
    an agent.
    """

    category: Category
    steps: str


REMEDIES = {
    RemedyKind.REFUND: Row(Category.QUALITY, "platform:refund"),
    RemedyKind.RETURN_AND_REFUND: Row(Category.QUALITY, "complainant:return_goods platform:refund"),
    RemedyKind.EXCHANGE: Row(Category.QUALITY, "complainant:return_goods respondent:send_replacement"),
    RemedyKind.REPAIR: Row(Category.QUALITY, "complainant:return_goods respondent:repair_and_return"),
    RemedyKind.SHIPMENT: Row(Category.LATE_SHIPMENT, "respondent:ship"),
    RemedyKind.RESHIPMENT: Row(Category.NOT_RECEIVED, "respondent:reship"),
    RemedyKind.COMPENSATION: Row(Category.QUALITY, "platform:pay_compensation"),
    RemedyKind.PROMISE_COMPENSATION: Row(Category.BROKEN_PROMISE, "platform:pay_compensation"),
    RemedyKind.OUT_OF_STOCK_COMPENSATION: Row(Category.BROKEN_PROMISE, "platform:pay_compensation"),
    RemedyKind.COUPON: Row(Category.QUALITY, "platform:issue_coupon"),
    RemedyKind.APOLOGY: Row(Category.QUALITY, "respondent:apologise"),
    RemedyKind.EXPLANATION: Row(Category.FALSE_SHIPMENT, "respondent:explain"),
    RemedyKind.INVOICE: Row(Category.INVOICE, "respondent:issue_invoice"),
    RemedyKind.RECTIFICATION: Row(Category.FALSE_ADVERTISING, "respondent:rectify agent:check"),
    RemedyKind.TRAINING: Row(Category.SERVICE_ATTITUDE, "respondent:train"),
    RemedyKind.REVIEW_REMOVAL: Row(Category.MALICIOUS_REVIEW, "platform:remove_review"),
    RemedyKind.REVIEWS_REMOVAL: Row(Category.MALICIOUS_REVIEW, "platform:remove_reviews"),
}
DUTIES = (RemedyKind.EXPLANATION, RemedyKind.RECTIFICATION, RemedyKind.TRAINING)
"""What comes with another remedy only."""


def granted(kind: RemedyKind) -> Story:
    """A ruling that grants a remedy, in the category that has it."""
    category = REMEDIES[kind].category
    story = in_ruling(category, ripe(), **removing(kind))
    ruled = RemedyKind.COMPENSATION if kind in DUTIES else kind
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="COO-3", remedies=(terms(ruled),))
    return story


@pytest.mark.parametrize("kind", list(REMEDIES))
@pytest.mark.rule("COO-3")
def test_steps_are_done_one_after_the_other_each_by_whose_it_is(kind: RemedyKind) -> None:
    story = granted(kind)
    (remedy,) = (each for each in story.open_case.remedies if each.terms.kind is kind)
    actors = {"complainant": own_side(story), "respondent": other_side(story), "agent": AGENT}
    done = [f"platform:{effect.action}" for effect in _carried_out(story, remedy.id)]
    while (index := remedy.next_step) is not None:
        action = remedy.steps[index].action
        report: dict[str, Any] = {"remedy": remedy.id, "done": True}
        able = [who for who, actor in actors.items() if allowed(story, events.ReportRemedy, actor, **report)]
        assert able in (["complainant", "agent"], ["respondent", "agent"], ["agent"])
        told = [each.party for each in story.sent("remedy_due") if each.facts["action"] == action]
        assert [str(party) for party in told] == ([able[0]] if able[0] != "agent" else [])
        paid = len(_carried_out(story, remedy.id))
        story.accepted(events.ReportRemedy, actors[able[0]], **report)
        done.append(f"{able[0]}:{action}")
        done += [f"platform:{effect.action}" for effect in _carried_out(story, remedy.id)[paid:]]
        remedy = next(each for each in story.open_case.remedies if each.id == remedy.id)
    assert remedy.state is RemedyState.DONE
    assert done == REMEDIES[kind].steps.split()


def _carried_out(story: Story, remedy: str) -> list[effects.CarryOut]:
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.CarryOut) and effect.remedy == remedy]


def test_the_table_is_complete() -> None:
    assert set(REMEDIES) == set(RemedyKind)


CAPS = {RemedyKind.REFUND: 19_900, RemedyKind.COMPENSATION: 59_700, RemedyKind.COUPON: 19_900}
"""What can be had, in fen, for an order of 199 yuan: 100, 300 and 100 percent."""


@pytest.mark.parametrize("kind", list(CAPS))
@pytest.mark.rule("COO-1")
def test_cap_percent_of_order_bounds_what_is_stated(kind: RemedyKind) -> None:
    story = found(in_verification(Category.QUALITY))
    for amount, possible in ((CAPS[kind], True), (CAPS[kind] + 1, False)):
        asked = RemedyTerms(kind=kind, amount_fen=amount)
        assert allowed(story, events.ProposeRemedy, own_side(story), terms=asked) is possible


def payments(*kinds: RemedyKind, **known: Any) -> dict[RemedyKind, int | None]:
    """What a ruling that grants these for a broken promise comes to, by remedy."""
    story = in_ruling(Category.BROKEN_PROMISE, order(**known))
    remedies = tuple(terms(kind) for kind in kinds)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="PEN-2", remedies=remedies)
    return {each.terms.kind: each.terms.amount_fen for each in story.open_case.remedies}


@pytest.mark.rule("PEN-2")
def test_promise_compensation_amount_is_20_yuan() -> None:
    assert payments(RemedyKind.PROMISE_COMPENSATION) == {RemedyKind.PROMISE_COMPENSATION: 2_000}


OUT_OF_STOCK = {  # price of the goods: compensation, in fen
    19_900: 5_970,
    2: 1,  # .6
    4: 1,  # 1.2
    5: 2,  # 1.5
    166_666: 50_000,  # 49999.8
    166_700: 50_000,  # 50010
    500_000: 50_000,
}


@pytest.mark.parametrize("goods_fen", list(OUT_OF_STOCK))
@pytest.mark.rule("PEN-7")
def test_out_of_stock_compensation_amount_is_30_percent_of_the_goods_up_to_500_yuan(goods_fen: int) -> None:
    paid = payments(RemedyKind.OUT_OF_STOCK_COMPENSATION, goods_fen=goods_fen)
    assert paid == {RemedyKind.OUT_OF_STOCK_COMPENSATION: OUT_OF_STOCK[goods_fen]}


@pytest.mark.rule("PEN-2", "PEN-7")
def test_out_of_stock_compensation_wins_over_promise_compensation_and_over_nothing_else() -> None:
    promise, stock = RemedyKind.PROMISE_COMPENSATION, RemedyKind.OUT_OF_STOCK_COMPENSATION
    others = {RemedyKind.REFUND: 100, RemedyKind.COUPON: 100}
    assert payments(promise, *others) == {promise: 2_000} | others
    assert payments(stock, *others) == {stock: 5_970} | others
    assert payments(promise, stock, *others) == {stock: 5_970} | others
