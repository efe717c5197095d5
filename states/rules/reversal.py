"""What a review or an appeal turns round: all that earlier rulings brought and the new one does not keep is taken back,
in the order in which it was recorded, one thing at a time; only then begins what the new ruling brings (PEN-1, COO-3).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from policies.schema import Action, ClockKind, Outcome
from states import facts
from states.case import Case
from states.draft import Draft, Refused
from states.effects import AnyOutcome, ApplyPenalty, CarryOut, CountOccurrence, Done, Reverse
from states.rules import penalties, remedies
from states.values import (
    HearingKind,
    Occurrence,
    OccurrenceState,
    Penalty,
    PenaltyState,
    Remedy,
    RemedyState,
    RemedyTerms,
    Step,
)

AGAIN = (HearingKind.REVIEW, HearingKind.APPEAL)
"""The hearings whose ruling takes the place of the earlier ones; any other adds to them."""
ENTERING = (CarryOut, ApplyPenalty, CountOccurrence, Reverse)
"""The effects by which a result is entered with the platform's services, or taken back."""
REVERSIBLE = frozenset(
    {Action.REFUND, Action.PAY_COMPENSATION, Action.ISSUE_COUPON, Action.REMOVE_REVIEW, Action.REMOVE_REVIEWS}
)
"""The platform's steps that can be taken back; goods that went back, and what else was done by hand, stay as is."""
Entered = Remedy | Penalty | Occurrence
"""What the platform's services were asked to enter or to do, under a key."""


def takes_place(case: Case) -> bool:
    """Whether a ruling now takes the place of the earlier ones, and so says all that is to stand."""
    return case.hearing.kind in AGAIN


def require_settled(draft: Draft) -> None:
    """Before a ruling takes the place of others, all that they brought has to be reported: then it is known what there
    is to take back.
    """
    if takes_place(draft.case) and any(isinstance(effect, ENTERING) for effect in draft.case.outbox):
        raise Refused("effects_running", "what the earlier ruling brought is still being entered: wait for it", "PEN-1")


def standing_besides(case: Case, granted: Sequence[RemedyTerms]) -> tuple[RemedyTerms, ...]:
    """The remedies that stand besides what a ruling now grants: all, or those alone that no ruling brought."""
    if not takes_place(case):
        return remedies.standing(case)
    kept, _ = _kept(case, granted)
    return tuple(each.terms for each in _standing(case) if not _is_ruled(case, each) and each.id not in kept)


def overturn(draft: Draft) -> None:
    """Carry the ruling through: what it does not keep is taken back, then what it brings begins."""
    if takes_place(draft.case):
        _mark(draft)
    _proceed(draft)


def under_way(case: Case) -> bool:
    """Whether something is still being taken back."""
    return bool(_reversing(case))


def reversed_(draft: Draft, effect: Reverse, outcome: AnyOutcome) -> None:
    """One thing was taken back, or finally could not be and stands; the next one follows."""
    remedies.settle_payout(draft, effect.subject, outcome)
    thing = next(each for each in _reversing(draft.case) if each.id == effect.subject)
    _set(draft, thing, "reverse" if isinstance(outcome, Done) else "stand")
    _proceed(draft)


# --- what is taken back -------------------------------------------------------------------


def _mark(draft: Draft) -> None:
    """Say of everything that earlier rulings brought, and this one does not keep, that it is to be taken back."""
    ruling = draft.case.ruling
    kept, _ = _kept(draft.case, ruling.remedies if ruling else ())
    rows = {violation.row for violation in ruling.penalties} if ruling else set()
    due = {rule.counts for rule in penalties.due_occurrences(draft)}
    gone = [each for each in penalties.counting(draft.case) if each.counts not in due]
    for remedy in _standing(draft.case):
        if _is_ruled(draft.case, remedy) and remedy.id not in kept:
            _give_up(draft, remedy)
    for penalty in draft.case.penalties:
        keeps = penalty.occurrence not in {each.id for each in gone} if penalty.occurrence else penalty.row in rows
        if penalty.state is PenaltyState.APPLIED and penalty.id not in draft.case.earlier and not keeps:
            _set(draft, penalty, "overturn")
    for occurrence in gone:
        _set(draft, occurrence, "overturn")


def _give_up(draft: Draft, remedy: Remedy) -> None:
    """What the platform did is taken back; what was not begun is not owed any more; what a party did stays done."""
    if _reversible(remedy) is not None:
        for kind in (ClockKind.REMEDY, ClockKind.PAYOUT):
            draft.cancel(draft.case.clock(kind, remedy.id))
        _set(draft, remedy, "overturn")
    elif remedy.state is RemedyState.ORDERED:
        remedies.cancel(draft, remedy, "COO-3")


def _reversible(remedy: Remedy) -> Step | None:
    return next((each for each in remedy.steps if each.key and each.done_at and each.action in REVERSIBLE), None)


def _set(draft: Draft, thing: Entered, by: str) -> None:
    match thing:
        case Remedy():
            draft.record(facts.RemedySet(by=by, remedy=remedies.moved(thing, by), rules=("COO-3",)))
        case Penalty():
            penalties.set_penalty(draft, thing, by, "PEN-1")
        case Occurrence():
            penalties.set_occurrence(draft, thing, by, "PEN-3")


def _proceed(draft: Draft) -> None:
    """Take the next thing back, or, when that is through, begin what the ruling brings."""
    waiting = _reversing(draft.case)
    if not waiting:
        _bring(draft)
        return
    thing = min(waiting, key=lambda each: _recorded(_key(each)))
    draft.arm(ClockKind.PAYOUT, thing.id)
    draft.order(Reverse(key=draft.effect_key(), subject=thing.id, reverses=_key(thing)), "PEN-1")


def _reversing(case: Case) -> list[Entered]:
    """What is still to be taken back."""
    things: tuple[Entered, ...] = (*case.remedies, *case.penalties, *case.occurrences)
    states = (RemedyState.REVERSING, PenaltyState.REVERSING, OccurrenceState.REVERSING)
    return [each for each in things if each.state in states]


def _key(thing: Entered) -> str:
    """The key of the effect that did it."""
    if not isinstance(thing, Remedy):
        return thing.key
    done = _reversible(thing)
    return done.key if done else ""


def _recorded(key: str) -> tuple[int, int]:
    """When an effect was ordered: its entry, and its number within the entry."""
    _, entry, number = key.rsplit(":", 2)
    return int(entry), int(number)


# --- what the ruling brings ---------------------------------------------------------------


def _bring(draft: Draft) -> None:
    """Penalties, what counts towards them, and remedies begin, as far as they do not stand already."""
    ruling = draft.case.ruling
    if ruling is None or draft.case.outcome is not ruling.outcome:  # the case went back to the platform meanwhile
        return
    for violation in ruling.penalties:
        if violation.row not in penalties.standing(draft.case):
            penalties.impose(draft, violation)
    counting = {each.counts for each in penalties.counting(draft.case)}
    for rule in penalties.due_occurrences(draft):
        if rule.counts not in counting:
            penalties.record_occurrence(draft, rule)
    new = _kept(draft.case, ruling.remedies)[1] if takes_place(draft.case) else ruling.remedies
    for terms in new:
        remedies.order_if_room(draft, terms, Outcome.UPHELD, "COO-3")


def _kept(case: Case, granted: Sequence[RemedyTerms]) -> tuple[set[str], list[RemedyTerms]]:
    """Which of the standing remedies a ruling keeps, being of the same kind, order and amount; and what it adds."""
    kept, new = set[str](), list[RemedyTerms]()
    for terms in granted:
        of_order = replace(terms, order=remedies.order_of(case, terms))
        same = (
            each.id
            for each in _standing(case)
            if each.id not in (*kept, *case.earlier)
            and replace(each.terms, order=remedies.order_of(case, each.terms)) == of_order
        )
        found = next(same, None)
        if found is None:
            new.append(terms)
        else:
            kept.add(found)
    return kept, new


def _standing(case: Case) -> list[Remedy]:
    return [each for each in case.remedies if each.state in remedies.STANDING]


def _is_ruled(case: Case, remedy: Remedy) -> bool:
    """Whether a ruling on this complaint brought it: an agreement is the parties' own, and stands."""
    return remedy.origin is Outcome.UPHELD and remedy.id not in case.earlier
