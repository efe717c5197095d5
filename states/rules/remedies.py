"""Remedies: what is on offer, and that what was promised is done, once (areas COO, PEN, FUP)."""

from datetime import timedelta

from msgspec.structs import replace

from policies.schema import Action, ClockKind, Party
from states import facts
from states.case import Case
from states.draft import Draft, Refused, expect, next_id
from states.effects import AnyOutcome, CarryOut, Done
from states.events import ReportRemedy
from states.lifecycle import RemedyLife, step
from states.rules import evidence
from states.values import Conduct, ConductKind, Outcome, Remedy, RemedyState, RemedyTerms, Step


def check_terms(draft: Draft, terms: RemedyTerms, along_with: tuple[RemedyTerms, ...] = ()) -> None:
    """A remedy has to be one of the category's, in time after receipt (PEN-8), and within its cap.

    `along_with` are remedies granted in the same breath.
    """
    category = draft.pack.categories[draft.case.category]
    option = next((option for option in category.remedies if option.kind is terms.kind), None)
    if option is None:
        offered = ", ".join(option.kind for option in category.remedies)
        raise Refused("remedy_not_offered", f"terms.kind: {terms.kind} is not one of {offered}", category.rule)
    _check_window(draft, terms, option.within_days_of_receipt)
    if draft.pack.remedies[terms.kind].money is not (terms.amount_fen is not None):
        needs = "has no amount" if terms.amount_fen is not None else "needs an amount"
        raise Refused("amount", f"terms.amount_fen: {terms.kind} {needs}", "COO-1")
    _check_cap(draft, terms, along_with)


def _check_cap(draft: Draft, terms: RemedyTerms, along_with: tuple[RemedyTerms, ...]) -> None:
    """Each kind of payment is capped in percent of what was paid, over all remedies of the case together."""
    amounts = draft.payments(terms)
    if draft.case.order is None or not amounts:
        return
    standing = [r.terms for r in draft.case.remedies if r.state is not RemedyState.FAILED]
    for action, amount in amounts.items():
        percent = next(
            rule.cap_percent_of_order or 100
            for rule in draft.pack.remedies.values()
            if rule.money and rule.steps[0].action is action
        )
        cap = draft.case.order.paid_fen * percent // 100
        before = sum(draft.payments(other).get(action, 0) for other in (*standing, *along_with))
        if before + amount > cap:
            raise Refused(
                "amount",
                f"terms.amount_fen: {amount} is over {cap - before}, what is left of "
                f"{percent} percent of the order's price",
                "COO-1",
            )


def offers_return(draft: Draft) -> bool:
    """Whether the category has a remedy for which goods go back."""
    kinds = (option.kind for option in draft.pack.categories[draft.case.category].remedies)
    return any(rule.action is Action.RETURN_GOODS for kind in kinds for rule in draft.pack.remedies[kind].steps)


def _check_window(draft: Draft, terms: RemedyTerms, days: int | None) -> None:
    """Returns without reason and free exchange end some days after receipt of the goods (PEN-8)."""
    received_at = draft.case.order.received_at if draft.case.order else None
    if days is None or received_at is None:
        return
    until = received_at + timedelta(days=days)
    if draft.case.received_at > until:
        raise Refused(
            "remedy_window_over",
            f"terms.kind: {terms.kind} had to be asked for by {until.isoformat()}, {days} days after receipt",
            "PEN-8",
        )


def order(draft: Draft, terms: RemedyTerms, origin: Outcome, rule: str) -> None:
    """A remedy is promised; its first step begins."""
    steps = tuple(Step(by=step_rule.by, action=step_rule.action) for step_rule in draft.pack.remedies[terms.kind].steps)
    remedy = Remedy(
        id=next_id("M", draft.case.remedies),
        terms=terms,
        origin=origin,
        steps=steps,
        state=RemedyState.ORDERED,
    )
    draft.record(facts.RemedySet(by="order", remedy=remedy, rules=(rule, "PEN-8")))
    _begin_step(draft, remedy)


def _begin_step(draft: Draft, remedy: Remedy) -> None:
    """The platform's step is ordered from it, under a key that makes it happen once (COO-2); a party's gets a clock
    (FUP-3).
    """
    index = remedy.next_step
    if index is None:
        return
    due = remedy.steps[index]
    if due.by is Party.PLATFORM:
        draft.arm(ClockKind.PAYOUT, remedy.id)
        draft.order(
            CarryOut(
                key=draft.effect_key(),
                remedy=remedy.id,
                action=due.action,
                order=draft.case.orders[0],
                beneficiary=draft.case.complainant,
                amount_fen=draft.payments(remedy.terms).get(due.action),
            ),
            "COO-2",
        )
        return
    clock = draft.arm(ClockKind.REMEDY, remedy.id)
    draft.tell("remedy_due", due.by, "FUP-3", action=due.action, due=draft.local(clock.due))


def report(draft: Draft, act: ReportRemedy) -> None:
    """The party whose step it is, or an agent for it, reports the step as done or as not to be done (FUP-3)."""
    evidence.require_open(draft)
    remedy = next((r for r in draft.case.remedies if r.id == act.remedy), None)
    if remedy is None:
        raise Refused("unknown_remedy", f"remedy: there is no remedy {act.remedy}", "FUP-3")
    index = remedy.next_step
    if index is None:
        raise Refused("remedy_settled", f"remedy: {remedy.id} is {remedy.state} already", "FUP-3")
    due = remedy.steps[index]
    party = draft.party_of(act.actor)
    if due.by is Party.PLATFORM or party not in (due.by, Party.PLATFORM):
        raise Refused("wrong_party", f"remedy: {due.action} of {remedy.id} is for the {due.by} to do", "FUP-3")
    evidence.add(draft, act, act.evidence)
    clock = draft.case.clock(ClockKind.REMEDY, remedy.id)
    if act.done:
        draft.meet(clock)
        step_done(draft, remedy, act.actor.id if act.actor else "")
    else:
        draft.cancel(clock)
        fail(draft, remedy, due.by)


def carried_out(draft: Draft, effect: CarryOut, outcome: AnyOutcome) -> None:
    """The platform's service did its step, or finally could not (COO-2)."""
    remedy = next(r for r in draft.case.remedies if r.id == effect.remedy)
    if remedy.state is not RemedyState.ORDERED:
        return
    clock = draft.case.clock(ClockKind.PAYOUT, remedy.id)
    if isinstance(outcome, Done):
        draft.meet(clock)
        step_done(draft, remedy, outcome.reference)
    else:
        draft.cancel(clock)
        fail(draft, remedy, Party.PLATFORM)


def step_done(draft: Draft, remedy: Remedy, reference: str) -> None:
    """One step more is done; the next begins, or the remedy is complete (FUP-3)."""
    index = remedy.next_step
    steps = tuple(
        replace(each, done_at=draft.at, reference=reference or None) if position == index else each
        for position, each in enumerate(remedy.steps)
    )
    complete = all(each.done_at is not None for each in steps)
    remedy = _set(draft, replace(remedy, steps=steps), "complete" if complete else "progress")
    _begin_step(draft, remedy)


def fail(draft: Draft, remedy: Remedy, by: Party) -> None:
    """A promise not kept counts against whoever made it and brings the case back to the platform (FUP-3).

    Other remedies of the case go on, with their clocks.
    """
    _set(draft, replace(remedy, failed_by=by), "fail")
    if by is not Party.PLATFORM:
        conduct = Conduct(party=by, kind=ConductKind.BROKEN_PROMISE, subject=remedy.id, at=draft.at)
        draft.record(facts.ConductRecorded(conduct=conduct, rules=("FUP-3",)))
    if draft.can("return_unremedied"):
        draft.move("return_unremedied", "FUP-3")
        draft.record(facts.OutcomeSet(outcome=None, rules=("FUP-3",)))
        draft.tell_both("remedy_failed", "FUP-3", remedy=remedy.id)


def require_none_running(draft: Draft) -> None:
    """A case that still owes a remedy can be neither withdrawn nor merged: somebody may be carrying it out (FUP-3)."""
    if any_running(draft.case):
        raise Refused("remedy_running", "a remedy of this case is still being carried out", "FUP-3")


def any_running(case: Case) -> bool:
    """Whether a remedy is neither done nor failed."""
    return any(remedy.state is RemedyState.ORDERED for remedy in case.remedies)


def lapsed(draft: Draft, subject: str) -> None:
    """The time for a promised step is over (FUP-3)."""
    remedy = next(r for r in draft.case.remedies if r.id == subject)
    index = remedy.next_step
    if index is not None:
        fail(draft, remedy, remedy.steps[index].by)


def _set(draft: Draft, remedy: Remedy, by: str) -> Remedy:
    state = expect(step(RemedyLife, remedy.state, by), f"remedy {remedy.id}", remedy.state)
    remedy = replace(remedy, state=state)
    draft.record(facts.RemedySet(by=by, remedy=remedy, rules=("FUP-3",)))
    return remedy
