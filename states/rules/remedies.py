"""Remedies: what is on offer, what it comes to for each order, and that what was promised is done, once.

Areas COO, PEN and FUP.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from policies.schema import (
    Action,
    AmountRule,
    ClockKind,
    Outcome,
    Party,
    RemedyKind,
    RemedyOption,
    Removes,
    Role,
)
from states import facts
from states.case import Case
from states.draft import Draft, Refused, expect, next_id
from states.effects import AnyOutcome, CarryOut, Done, Failed
from states.events import ReportRemedy
from states.lifecycle import RemedyLife, step
from states.rules import amounts, evidence
from states.values import Actor, Conduct, ConductKind, Remedy, RemedyState, RemedyTerms, Step

REMOVALS = {Removes.REVIEW: RemedyKind.REVIEW_REMOVAL, Removes.BOTH: RemedyKind.REVIEWS_REMOVAL}
"""The remedy that an upheld complaint about a review brings, by whose reviews go (ADM-6)."""
STANDING = (RemedyState.ORDERED, RemedyState.DONE, RemedyState.REVERSING)
"""A remedy in these states is owed or granted; what failed or was taken back is not."""


# --- what can be granted ------------------------------------------------------------------


def check_terms(draft: Draft, terms: RemedyTerms) -> None:
    """A remedy has to be one that can be granted now, besides those that stand."""
    check_room(draft, resolve(draft, (terms,)), standing(draft.case))


def resolve(draft: Draft, asked: Sequence[RemedyTerms]) -> tuple[RemedyTerms, ...]:
    """What the remedies that are asked for come to: the computed ones with order and amount, and of those for the same
    order only the more specific (PEN-7). Refuses what the category or the order does not allow.
    """
    for terms in asked:
        _check_offered(draft, terms)
    return by_order(draft, asked)


def by_order(draft: Draft, asked: Sequence[RemedyTerms]) -> tuple[RemedyTerms, ...]:
    """The remedies for each order, the amounts computed where the policy does that (PEN-2, PEN-7)."""
    granted = [each for terms in asked for each in _each_order(draft, terms)]
    return tuple(
        terms for terms in granted if not any(_wins(draft, other, terms) for other in granted if other is not terms)
    )


def check_room(draft: Draft, granted: Sequence[RemedyTerms], besides: Sequence[RemedyTerms]) -> None:
    """No order is paid for twice, or beyond a cap: neither by what is granted now nor together with what stands."""
    taken = list(besides)
    for terms in granted:
        _check_once(draft, terms, taken)
        _check_cap(draft, terms, taken)
        taken.append(terms)


def standing(case: Case) -> tuple[RemedyTerms, ...]:
    """The remedies of the case that are owed or granted."""
    return tuple(remedy.terms for remedy in case.remedies if remedy.state in STANDING)


def order_of(case: Case, terms: RemedyTerms) -> str:
    """The order that a remedy is for."""
    return terms.order or case.orders[0]


def offers_return(draft: Draft) -> bool:
    """Whether the category has a remedy for which goods go back."""
    return any(
        rule.action is Action.RETURN_GOODS
        for option in draft.category.remedies
        for rule in draft.pack.remedies[option.kind].steps
    )


def _check_offered(draft: Draft, terms: RemedyTerms) -> None:
    """A remedy has to be one of the category's, for an order of the case and in time after its receipt (PEN-8), with
    an amount exactly where one has to be stated.
    """
    category = draft.category
    option = _option(draft, terms.kind)
    if option is None:
        offered = ", ".join(each.kind for each in category.remedies)
        raise Refused("remedy_not_offered", f"terms.kind: {terms.kind} is not one of {offered}", category.rule)
    _check_order(draft.case, terms)
    rule = draft.pack.remedies[terms.kind]
    stated = terms.amount_fen is not None
    if rule.amount is not None:
        _check_computable(draft, terms, rule.amount)
    elif rule.money is not stated:
        needs = "has no amount" if stated else "needs an amount"
        raise Refused("amount", f"terms.amount_fen: {terms.kind} {needs}", "COO-1")
    for order in _orders(draft, terms):
        _check_window(draft, terms.kind, order, option.within_days_of_receipt)
    if terms.kind in REMOVALS.values():
        _check_removal(draft, terms.kind)


def _option(draft: Draft, kind: RemedyKind) -> RemedyOption | None:
    return next((option for option in draft.category.remedies if option.kind is kind), None)


def _check_order(case: Case, terms: RemedyTerms) -> None:
    """The first order may be proven by other means than the platform's records (ADM-1); every other is in them."""
    if terms.order is None or terms.order == case.orders[0]:
        return
    if terms.order not in case.orders:
        raise Refused("unknown_order", f"terms.order: {terms.order} is not an order of this case", "COO-1")
    if case.order_facts(terms.order) is None:
        raise Refused("unknown_order", f"terms.order: {terms.order} is not known as the complainant's", "ADM-1")


def _check_computable(draft: Draft, terms: RemedyTerms, amount: AmountRule) -> None:
    """What the policy of the time of the conduct computes, nobody states (PEN-2, PEN-4, PEN-7)."""
    if terms.amount_fen is not None:
        raise Refused("amount", f"terms.amount_fen: the policy computes the amount of {terms.kind}", amount.rule)
    in_force = _amount_rule(draft, terms.kind)
    if in_force is None:
        raise Refused("not_in_force", f"terms.kind: there was no {terms.kind} when the conduct took place", "PEN-4")
    if not _each_order(draft, terms):
        raise Refused("nothing_due", f"terms.order: {terms.kind} comes to nothing for what was paid", in_force.rule)


def _check_window(draft: Draft, kind: RemedyKind, order: str, days: int | None) -> None:
    """Returns without reason and free exchange end some days after receipt of the goods (PEN-8)."""
    known = draft.case.order_facts(order)
    if days is None or known is None or known.received_at is None:
        return
    until = known.received_at + timedelta(days=days)
    if draft.case.received_at > until:
        raise Refused(
            "remedy_window_over",
            f"terms.kind: {kind} had to be asked for by {until.isoformat()}, {days} days after receipt",
            "PEN-8",
        )


def _check_removal(draft: Draft, kind: RemedyKind) -> None:
    """Whose reviews go follows from the ground of the complaint, or from the circumstance it consists in (ADM-6)."""
    review = draft.case.review
    if review is None:
        raise Refused("no_review", f"terms.kind: {kind} needs a complaint that names a review", "ADM-6")
    ground = draft.pack.review_grounds.get(review.ground)
    if ground is None:  # what was refused for that may be heard all the same, once it is reopened
        raise Refused("no_review_ground", f"terms.kind: on the ground {review.ground} no review goes", "ADM-6")
    removal = REMOVALS[ground.circumstances.get(review.circumstance or "", ground.removes)]
    if kind is not removal:
        raise Refused("wrong_removal", f"terms.kind: on this ground it is {removal}", "ADM-6")


def _amount_rule(draft: Draft, kind: RemedyKind) -> AmountRule | None:
    """How an amount is computed, by the policy of the time of the conduct (PEN-4)."""
    pack = draft.penalty_pack
    rule = None if pack is None else pack.remedies.get(kind)
    return None if rule is None else rule.amount


def _is_computed(draft: Draft, terms: RemedyTerms) -> bool:
    return draft.pack.remedies[terms.kind].amount is not None


def _orders(draft: Draft, terms: RemedyTerms) -> tuple[str, ...]:
    """The orders that a remedy is for: one, or every known one where the amount is computed (PEN-2)."""
    if terms.order is None and _is_computed(draft, terms):
        return tuple(order for order in draft.case.orders if draft.case.order_facts(order) is not None)
    return (order_of(draft.case, terms),)


def _each_order(draft: Draft, terms: RemedyTerms) -> tuple[RemedyTerms, ...]:
    """A remedy whose amount the policy computes, for each of its orders; nothing where it comes to nothing."""
    if not _is_computed(draft, terms) or terms.amount_fen is not None:
        return (terms,)
    rule = _amount_rule(draft, terms.kind)
    known = [each for order in _orders(draft, terms) if (each := draft.case.order_facts(order)) is not None]
    due = [(each.order, amounts.computed(rule, each)) for each in known] if rule else []
    return tuple(replace(terms, order=order, amount_fen=amount) for order, amount in due if amount)


def _wins(draft: Draft, specific: RemedyTerms, general: RemedyTerms) -> bool:
    """Whether one remedy is paid in place of another for the same order (PEN-7 with PEN-2)."""
    rule = _amount_rule(draft, specific.kind)
    same_order = order_of(draft.case, specific) == order_of(draft.case, general)
    return rule is not None and same_order and general.kind in rule.wins_over


def _check_once(draft: Draft, terms: RemedyTerms, taken: Sequence[RemedyTerms]) -> None:
    """A computed amount is due once for each order, and not besides the more general or more specific one.

    Of two that are granted in the same breath the more specific wins; what was granted before stays, and is in the way.
    """
    order = order_of(draft.case, terms)
    for other in taken:
        again = other.kind is terms.kind and order_of(draft.case, other) == order and _is_computed(draft, terms)
        if again or _wins(draft, terms, other) or _wins(draft, other, terms):
            rule = _amount_rule(draft, terms.kind) or _amount_rule(draft, other.kind)
            raise Refused(
                "granted_before",
                f"terms.kind: {other.kind} is granted for {order} already, and {terms.kind} is not paid besides it",
                rule.rule if rule else "PEN-7",
            )


def _check_cap(draft: Draft, terms: RemedyTerms, taken: Sequence[RemedyTerms]) -> None:
    """Each kind of payment is capped in percent of what was paid for its order, over all remedies for it together.

    Computed amounts have their own cap, and take nothing from this one.
    """
    known = draft.case.order_facts(order_of(draft.case, terms))
    if known is None or _is_computed(draft, terms):
        return
    for action, amount in _payments(draft, terms).items():
        percent = _cap_percent(draft, terms.kind, action)
        cap = amounts.cap(percent, known.paid_fen)
        before = sum(
            _payments(draft, other).get(action, 0)
            for other in taken
            if order_of(draft.case, other) == known.order and not _is_computed(draft, other)
        )
        if before + amount > cap:
            raise Refused(
                "amount",
                f"terms.amount_fen: {amount} is over {cap - before}, what is left of "
                f"{percent} percent of the order's price",
                "COO-1",
            )


def _cap_percent(draft: Draft, kind: RemedyKind, action: Action) -> int:
    """The cap of the remedy, or of the one whose payment it makes: a return ends in a refund."""
    own = draft.pack.remedies[kind].cap_percent_of_order
    same = (rule for rule in draft.pack.remedies.values() if any(each.action is action for each in rule.steps))
    return own or next((rule.cap_percent_of_order for rule in same if rule.cap_percent_of_order), 100)


def _payments(draft: Draft, terms: RemedyTerms) -> dict[Action, int]:
    order = draft.case.order_facts(order_of(draft.case, terms))
    return amounts.payments(draft.pack.remedies[terms.kind], terms, order)


# --- carried out --------------------------------------------------------------------------


def order(draft: Draft, terms: RemedyTerms, origin: Outcome, rule: str) -> None:
    """What was granted is promised, for each of its orders (PEN-2)."""
    for each in by_order(draft, (terms,)):
        _put(draft, _promised(draft, each, origin), "order", *_grounds(draft, each, rule))


def order_if_room(draft: Draft, terms: RemedyTerms, origin: Outcome, rule: str) -> None:
    """As `order`, where something stands that was to be taken back: what would go beyond a cap with it is not paid, and
    the case goes back to the platform.
    """
    try:
        check_room(draft, (terms,), standing(draft.case))
    except Refused:
        remedy = _promised(draft, terms, origin)
        draft.record(facts.RemedySet(by="order", remedy=remedy, rules=_grounds(draft, terms, rule)))
        fail(draft, remedy, Party.PLATFORM)
    else:
        order(draft, terms, origin, rule)


def _promised(draft: Draft, terms: RemedyTerms, origin: Outcome) -> Remedy:
    return Remedy(
        id=next_id("M", draft.case.remedies),
        terms=terms,
        origin=origin,
        steps=tuple(
            Step(by=each.by, action=each.action, by_agent=each.by_agent)
            for each in draft.pack.remedies[terms.kind].steps
        ),
        state=RemedyState.ORDERED,
    )


def _grounds(draft: Draft, terms: RemedyTerms, rule: str) -> tuple[str, ...]:
    """The rules that a remedy rests on, besides the one by which it is granted."""
    option, amount = _option(draft, terms.kind), _amount_rule(draft, terms.kind)
    grounds = [rule]
    if option is not None and option.within_days_of_receipt is not None:
        grounds.append("PEN-8")
    if amount is not None:
        grounds.append(amount.rule)
    if terms.kind in REMOVALS.values():
        grounds.append("ADM-6")
    return tuple(grounds)


def _put(draft: Draft, remedy: Remedy, by: str, *rules: str) -> None:
    """Put a remedy on record, and begin the step that is due now, if any.

    The platform's step is ordered from it, under a key that makes it happen once (COO-2) and by which it can be
    reversed, or is an agent's to do (VER-6); a party's gets a clock (FUP-3).
    """
    index = remedy.next_step
    due = None if index is None else remedy.steps[index]
    if due is not None and _is_effect(due):
        due = replace(due, key=draft.effect_key())
        remedy = replace(remedy, steps=tuple(due if n == index else each for n, each in enumerate(remedy.steps)))
    draft.record(facts.RemedySet(by=by, remedy=remedy, rules=rules))
    if due is None:
        return
    if due.by is not Party.PLATFORM:
        clock = draft.arm(ClockKind.REMEDY, remedy.id)
        draft.tell("remedy_due", due.by, "FUP-3", action=due.action, due=draft.local(clock.due))
        return
    draft.arm(ClockKind.PAYOUT, remedy.id)
    if _is_effect(due):
        draft.order(_carry_out(draft, remedy, due), "COO-2")


def _is_effect(due: Step) -> bool:
    return due.by is Party.PLATFORM and not due.by_agent


def _carry_out(draft: Draft, remedy: Remedy, due: Step) -> CarryOut:
    review = draft.case.review
    removes = due.action in (Action.REMOVE_REVIEW, Action.REMOVE_REVIEWS)
    return CarryOut(
        key=due.key,
        remedy=remedy.id,
        action=due.action,
        order=order_of(draft.case, remedy.terms),
        beneficiary=draft.case.complainant,
        amount_fen=_payments(draft, remedy.terms).get(due.action),
        review=review.review if removes and review is not None else None,
    )


def report(draft: Draft, act: ReportRemedy) -> None:
    """The party whose step it is, or an agent for it, reports the step as done or as not to be done (FUP-3); whether
    the party did what it had to, an agent checks and reports (VER-6).
    """
    evidence.require_open(draft)
    remedy = next((r for r in draft.case.remedies if r.id == act.remedy), None)
    if remedy is None:
        raise Refused("unknown_remedy", f"remedy: there is no remedy {act.remedy}", "FUP-3")
    index = remedy.next_step
    if index is None:
        raise Refused("remedy_settled", f"remedy: {remedy.id} is {remedy.state} already", "FUP-3")
    due = remedy.steps[index]
    if not _may_report(draft, act.actor, due):
        who = "agent" if due.by_agent else due.by
        raise Refused("wrong_party", f"remedy: {due.action} of {remedy.id} is for the {who} to do", "FUP-3")
    evidence.add(draft, act, act.evidence)
    clock = draft.case.clock(ClockKind.PAYOUT if due.by_agent else ClockKind.REMEDY, remedy.id)
    rules = ("FUP-3", "VER-6") if due.by_agent else ("FUP-3",)
    if act.done:
        draft.meet(clock)
        step_done(draft, remedy, act.actor.id if act.actor else "", *rules)
    else:
        draft.cancel(clock)
        promised_by = remedy.steps[index - 1].by if due.by_agent and index else due.by
        fail(draft, remedy, promised_by, *rules)


def _may_report(draft: Draft, actor: Actor | None, due: Step) -> bool:
    if due.by_agent:
        return actor is not None and actor.role in (Role.AGENT, Role.SUPERVISOR)
    return due.by is not Party.PLATFORM and draft.party_of(actor) in (due.by, Party.PLATFORM)


def carried_out(draft: Draft, effect: CarryOut, outcome: AnyOutcome) -> None:
    """The platform's service did its step, or finally could not (COO-2)."""
    remedy = next(r for r in draft.case.remedies if r.id == effect.remedy)
    if remedy.state is not RemedyState.ORDERED:
        return
    settle_payout(draft, remedy.id, outcome)
    if isinstance(outcome, Done):
        step_done(draft, remedy, outcome.reference, "COO-2", "FUP-3")
    else:
        fail(draft, remedy, Party.PLATFORM)


def step_done(draft: Draft, remedy: Remedy, reference: str, *rules: str) -> None:
    """One step more is done; the next begins, or the remedy is complete (FUP-3)."""
    index = remedy.next_step
    steps = tuple(
        replace(each, done_at=draft.at, reference=reference or None) if position == index else each
        for position, each in enumerate(remedy.steps)
    )
    by = "complete" if all(each.done_at is not None for each in steps) else "progress"
    _put(draft, moved(replace(remedy, steps=steps), by), by, *rules)


def fail(draft: Draft, remedy: Remedy, by: Party, *rules: str) -> None:
    """A promise not kept counts against whoever made it and brings the case back to the platform (FUP-3).

    Other remedies of the case go on, with their clocks.
    """
    failed = replace(moved(remedy, "fail"), failed_by=by)
    draft.record(facts.RemedySet(by="fail", remedy=failed, rules=rules or ("FUP-3",)))
    if by is not Party.PLATFORM:
        conduct = Conduct(party=by, kind=ConductKind.BROKEN_PROMISE, subject=remedy.id, at=draft.at)
        draft.record(facts.ConductRecorded(conduct=conduct, rules=("FUP-3",)))
    if draft.can("return_unremedied"):
        draft.move("return_unremedied", "FUP-3")
        draft.record(facts.OutcomeSet(outcome=None, rules=("FUP-3",)))
        draft.tell_both("remedy_failed", "FUP-3", remedy=remedy.id)


def cancel(draft: Draft, remedy: Remedy, *rules: str) -> None:
    """A remedy that is no longer owed; nobody has to do anything for it any more."""
    for kind in (ClockKind.REMEDY, ClockKind.PAYOUT):
        draft.cancel(draft.case.clock(kind, remedy.id))
    draft.record(facts.RemedySet(by="cancel", remedy=moved(remedy, "cancel"), rules=rules))


def require_none_running(draft: Draft) -> None:
    """A case that still owes a remedy can be neither withdrawn nor merged: somebody may be carrying it out (FUP-3)."""
    if any_running(draft.case):
        raise Refused("remedy_running", "a remedy of this case is still being carried out", "FUP-3")


def any_running(case: Case) -> bool:
    """Whether a remedy is still owed."""
    return any(remedy.state is RemedyState.ORDERED for remedy in case.remedies)


def settle_payout(draft: Draft, subject: str, outcome: AnyOutcome) -> None:
    """The platform's services reported what they had to do: the clock for it is met, or is of no use any more."""
    clock = draft.case.clock(ClockKind.PAYOUT, subject)
    if isinstance(outcome, Failed):
        draft.cancel(clock)
    else:
        draft.meet(clock)


def lapsed(draft: Draft, subject: str) -> None:
    """The time for a promised step is over (FUP-3)."""
    remedy = next(r for r in draft.case.remedies if r.id == subject)
    index = remedy.next_step
    if index is not None:
        fail(draft, remedy, remedy.steps[index].by)


def moved(remedy: Remedy, by: str) -> Remedy:
    """The remedy after an event of its machine."""
    return replace(remedy, state=expect(step(RemedyLife, remedy.state, by), f"remedy {remedy.id}", remedy.state))
