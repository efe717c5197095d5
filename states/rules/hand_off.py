"""横向联动: matters handed to other teams, with consent, a deadline and a result of their own (area HOF)."""

from msgspec.structs import replace

from policies.schema import ClockKind, Party, Role, Route, RouteRule, RoutingRule, Trigger
from policies.triage import TriageLabel
from states import facts
from states.draft import Draft, Refused, expect, next_id
from states.events import AnswerHandOff, HandOver, RecallHandOff, RefuseHandOff, ReturnHandOff, TakeHandOff
from states.lifecycle import OVER, EscalationLevel, HandOffLife, step
from states.rules import evidence
from states.values import Clock, Consent, ConsentState, HandOff, HandOffState, TextRef

# --- handed over --------------------------------------------------------------------------


def hand_over(draft: Draft, act: HandOver) -> None:
    """An agent hands the matter to another team, with its reason (HOF-1) and the member's consent (HOF-2)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: a hand-off states its reason", "HOF-2")
    evidence.require_open(draft)
    rule = _rule(draft, act.route)
    if rule.categories and draft.case.category not in rule.categories:
        known = ", ".join(rule.categories)
        raise Refused("wrong_route", f"route: {act.route} is for complaints of category {known}", "HOF-1")
    if _open(draft, act.route) is not None:
        raise Refused("handed_over", f"route: the {rule.team} team has the matter already", "HOF-1")
    by = act.actor.id if act.actor else ""
    agreed = Consent(state=ConsentState.GIVEN, at=draft.at, channel=act.consent) if act.consent else None
    _begin(draft, act.route, rule, by=by, reason=act.reason, consent=agreed)


def by_itself(draft: Draft, route: Route, *rules: str, trigger: Trigger | None = None, first: bool = False) -> None:
    """The policy hands the matter over, unless the team has it already; that then comes first where this would."""
    there = _open(draft, route)
    if there is None:
        _begin(draft, route, _rule(draft, route), *rules, by=Role.ENGINE, trigger=trigger, first=first)
    elif first and not there.first:
        draft.record(facts.HandOffSet(by="put_first", hand_off=replace(there, first=True), rules=rules))


def route_accepted(draft: Draft) -> None:
    """What goes to a team as soon as the complaint is accepted (HOF-3, SLA-6)."""
    _route(draft, [row for row in draft.pack.routing if row.category is draft.case.category])


def route_confirmed(draft: Draft, label: TriageLabel) -> None:
    """What goes to a team as soon as an agent confirms what a text shows (SLA-6)."""
    _route(draft, [row for row in draft.pack.routing if row.label is label])


def _route(draft: Draft, rows: list[RoutingRule]) -> None:
    order = draft.case.order
    branded = None if order is None else order.branded
    fitting = [row for row in rows if row.branded in (None, branded)]
    if fitting:  # the most particular row comes first in the table
        row = fitting[0]
        by_itself(draft, row.route, row.rule, first=row.instead_of_verification)


def _begin(
    draft: Draft,
    route: Route,
    rule: RouteRule,
    *rules: str,
    by: str,
    reason: TextRef | None = None,
    consent: Consent | None = None,
    trigger: Trigger | None = None,
    first: bool = False,
) -> None:
    """A new order: queued where consent is there or waived (HOF-2), else the member is asked."""
    if consent is None:
        state = ConsentState.WAIVED if rule.without_consent else ConsentState.ASKED
        consent = Consent(state=state, at=draft.at)
    new = HandOff(
        id=next_id("H", draft.case.hand_offs),
        route=route,
        team=rule.team,
        state=HandOffState.CONSENT_PENDING,
        by=by,
        at=draft.at,
        reason=reason,
        trigger=trigger,
        consent=consent,
        first=first,
    )
    draft.record(facts.HandOffSet(by="begin", hand_off=new, rules=("HOF-1", "HOF-2", rule.rule, *rules)))
    if consent.state is not ConsentState.ASKED:
        _queue(draft, new)
        return
    clock = draft.arm(ClockKind.HAND_OFF_CONSENT, new.id)
    due = draft.local(clock.due)
    draft.tell("hand_off_consent_wanted", Party.COMPLAINANT, "HOF-2", team=rule.team, due=due)


def _queue(draft: Draft, hand_off: HandOff) -> None:
    """The team has it from now on, by its own deadline; the customer's clocks go on as they are (HOF-6)."""
    _set(draft, hand_off, "consent", "HOF-2")
    draft.arm(_rule(draft, hand_off.route).clock, hand_off.id)
    draft.tell("handed_over", Party.COMPLAINANT, "HOF-4", team=hand_off.team)


# --- consent ------------------------------------------------------------------------------


def answer(draft: Draft, act: AnswerHandOff) -> None:
    """The member agrees, or the case stays where it is; when and through which channel is on record (HOF-2)."""
    asked = _find(draft, act.hand_off)
    if asked.state is not HandOffState.CONSENT_PENDING:
        raise Refused("not_asked", f"hand_off: nobody is asked about {asked.id} now", "HOF-2")
    draft.meet(draft.case.clock(ClockKind.HAND_OFF_CONSENT, asked.id))
    state = ConsentState.GIVEN if act.agreed else ConsentState.REFUSED
    asked = replace(asked, consent=Consent(state=state, at=draft.at, channel=act.channel))
    if act.agreed:
        _queue(draft, asked)
    else:
        _end(draft, asked, "decline", "HOF-2")


def consent_lapsed(draft: Draft, subject: str) -> None:
    """Who does not answer has not agreed: the case stays where it is (HOF-2)."""
    _end(draft, _find(draft, subject), "decline", "HOF-2")


# --- what the team does -------------------------------------------------------------------


def take(draft: Draft, act: TakeHandOff) -> None:
    """Somebody in the team works on it; the case keeps its owner (HOF-4)."""
    taken = _find(draft, act.hand_off)
    worker = act.actor.id if act.actor else ""
    if taken.worker == worker and taken.state is HandOffState.WORKING:
        raise Refused("no_change", f"hand_off: {worker} works on {taken.id} already", "HOF-4")
    _set(draft, replace(taken, worker=worker), "take", "HOF-4")


def give_back(draft: Draft, act: ReturnHandOff) -> None:
    """The team's result, and the evidence for it, come back into the case (HOF-4)."""
    returned = _find(draft, act.hand_off)
    results = _rule(draft, returned.route).results
    if act.result not in results:
        raise Refused("unknown_result", f"result: one of {', '.join(results)} is wanted", "HOF-1")
    evidence.add(draft, act, evidence.new_items(draft.case, act.items), "HOF-4", submitter=Party.PLATFORM)
    _end(draft, replace(returned, result=act.result, note=act.note), "give_back", "HOF-4")
    draft.tell("handed_back", Party.COMPLAINANT, "HOF-4", team=returned.team)


def refuse(draft: Draft, act: RefuseHandOff) -> None:
    """The team is not the right one; the case goes on where it is (HOF-1)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: a team refuses with its reason", "HOF-6")
    _end(draft, replace(_find(draft, act.hand_off), note=act.reason), "refuse", "HOF-1")


def recall(draft: Draft, act: RecallHandOff) -> None:
    """What was handed over is taken back."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: a hand-off is recalled with a reason", "HOF-1")
    _end(draft, _find(draft, act.hand_off), "recall", "HOF-1")


def late(draft: Draft, clock: Clock) -> None:
    """A team that is late has it rise within the team, and its clock runs anew; it shows on the case (HOF-6)."""
    overdue = _find(draft, clock.subject)
    level = step(EscalationLevel, overdue.level, "raise_level") or overdue.level
    draft.record(facts.HandOffSet(by="late", hand_off=replace(overdue, level=level, late=True), rules=("HOF-6",)))
    draft.arm(clock.kind, clock.subject)


def recall_all(draft: Draft) -> None:
    """When the case is over there is nothing left for a team to do."""
    if draft.case.stage in OVER:
        for each in draft.case.open_hand_offs:
            _end(draft, each, "recall", "HOF-4")


def first_of(draft: Draft) -> HandOff | None:
    """The order that comes in place of the ordinary verification, while it is open (HOF-3)."""
    return next((each for each in draft.case.open_hand_offs if each.first), None)


# --- in common ----------------------------------------------------------------------------


def _rule(draft: Draft, route: Route) -> RouteRule:
    rule = draft.pack.routes.get(route)
    if rule is None:
        raise Refused("unknown_route", f"route: {draft.policy.ref} has no rules for {route}", "HOF-1")
    return rule


def _open(draft: Draft, route: Route) -> HandOff | None:
    return next((each for each in draft.case.open_hand_offs if each.route is route), None)


def _find(draft: Draft, id_: str) -> HandOff:
    found = next((each for each in draft.case.hand_offs if each.id == id_), None)
    if found is None:
        raise Refused("no_such_hand_off", f"hand_off: the case has no hand-off {id_}", "HOF-1")
    return found


def _set(draft: Draft, hand_off: HandOff, by: str, *rules: str) -> None:
    state = expect(step(HandOffLife, hand_off.state, by), f"hand-off {hand_off.id}", hand_off.state)
    draft.record(facts.HandOffSet(by=by, hand_off=replace(hand_off, state=state), rules=rules))


def _end(draft: Draft, hand_off: HandOff, by: str, *rules: str) -> None:
    """It is over for the team; its clocks with it."""
    _set(draft, replace(hand_off, ended_at=draft.at), by, *rules)
    for clock in draft.case.clocks:
        if clock.active and clock.subject == hand_off.id:
            (draft.meet if by == "give_back" else draft.cancel)(clock)
