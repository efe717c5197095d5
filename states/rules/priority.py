"""How urgent a case is, and why (INT-5); more urgent cases have shorter clocks (SLA-5)."""

from collections.abc import Iterator, Sequence

from policies.schema import Band, Priority
from states import facts
from states.case import Case
from states.draft import Draft
from states.lifecycle import OVER
from states.rules import escalation
from states.values import Factor

ORDER = tuple(Priority)


def examine(draft: Draft) -> None:
    """Compute the priority anew; what rises has its running clocks shortened (SLA-5)."""
    case = draft.case
    if case.stage in OVER:
        return
    factors = tuple(_factors(draft))
    priority = _priority(draft, factors)
    if (priority, factors) == (case.priority, case.factors):
        return
    draft.record(facts.PrioritySet(priority=priority, factors=factors, rules=("INT-5",)))
    if ORDER.index(priority) > ORDER.index(case.priority):
        for clock in draft.case.clocks:
            if clock.active:
                draft.shorten(clock)


def _factors(draft: Draft) -> Iterator[Factor]:
    case, rules = draft.case, draft.pack.priority
    amount = case.claim.amount_fen or sum(order.paid_fen for order in case.orders_known)
    found = {
        "high_risk": rules.high_risk if case.high_risk else 0,
        "external": rules.external if case.external else 0,
        "category": rules.categories.get(case.category, 0),
        "amount": _points(rules.amount_fen, amount),
        "contacts": _points(rules.contacts, len(escalation.repeats(case))),
        "orders": _points(rules.orders, len(case.orders)),
    }
    yield from (Factor(name=name, points=points) for name, points in found.items() if points)


def _points(bands: Sequence[Band], amount: int) -> int:
    return max((band.points for band in bands if amount >= band.at_least), default=0)


def _priority(draft: Draft, factors: Sequence[Factor]) -> Priority:
    """The highest that the points reach, or that a trigger of the escalation table asks for."""
    points = sum(factor.points for factor in factors)
    reached = [level for level, rule in draft.pack.priority.levels.items() if points >= rule.points]
    return max((*reached, *_asked_for(draft, draft.case)), key=ORDER.index, default=Priority.NORMAL)


def _asked_for(draft: Draft, case: Case) -> Iterator[Priority]:
    """Of a risk that was lowered again nothing is left."""
    happened = {each.trigger for each in case.escalations}
    if not case.high_risk:
        happened -= set(escalation.RISKS)
    for row in draft.pack.escalation:
        if row.trigger in happened and row.priority is not None:
            yield row.priority
