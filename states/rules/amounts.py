"""Exact amounts in whole fen (PEN-2, PEN-7): plain arithmetic on integers, in which a part of a fen becomes what the
policy states.
"""

from policies.schema import Action, AmountRule, Party, RemedyRule, Rounding
from states.values import OrderFacts, RemedyTerms

PAYING = frozenset({Action.REFUND, Action.PAY_COMPENSATION, Action.ISSUE_COUPON})
"""The steps that are payments."""


def share(amount_fen: int, percent: int, rounding: Rounding) -> int:
    """So many percent of an amount, in whole fen."""
    hundredths = amount_fen * percent
    match rounding:
        case Rounding.DOWN:
            return hundredths // 100
        case Rounding.UP:
            return -(-hundredths // 100)
        case Rounding.HALF_UP:
            return (hundredths + 50) // 100


def computed(rule: AmountRule, order: OrderFacts) -> int:
    """What the rule comes to for one order, in fen: the fixed sum (PEN-2), or the share of the goods' price up to the
    cap (PEN-7). The goods' price is all that was paid where it is not known apart.
    """
    if rule.fixed_fen is not None:
        return rule.fixed_fen
    goods = order.paid_fen if order.goods_fen is None else order.goods_fen
    amount = share(goods, rule.percent_of_goods or 0, rule.rounding or Rounding.DOWN)
    return amount if rule.cap_fen is None else min(amount, rule.cap_fen)


def cap(percent: int, paid_fen: int) -> int:
    """The most that a policy's percentage of what was paid allows, in fen."""
    return share(paid_fen, percent, Rounding.DOWN)


def payments(rule: RemedyRule, terms: RemedyTerms, order: OrderFacts | None) -> dict[Action, int]:
    """What the platform pays for a remedy, in fen by step: the amount granted, or all that was paid for its order where
    goods go back; empty if that is unknown or nothing.
    """
    amount = terms.amount_fen
    if amount is None and order is not None:
        amount = order.paid_fen
    paying = [step.action for step in rule.steps if step.by is Party.PLATFORM and step.action in PAYING]
    return dict.fromkeys(paying, amount) if amount else {}
