"""纵向升级: what raises a case, and what follows from that (area ESC)."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from policies.schema import ClockKind, Party, Stage, Trigger
from states import facts
from states.case import Case
from states.draft import Draft, Refused, expect, next_id
from states.events import AnswerOffer, EscalateCase, OfferSolution, RecordExternalComplaint, ReportTrigger
from states.lifecycle import OPEN_STAGES, OVER, OfferLife, step
from states.rules import evidence, follow_up, hand_off
from states.values import Contact, ExternalComplaint, Offer, OfferState, RiskState

REPORTED = (Trigger.LEANING, Trigger.ASKS_MANAGEMENT)
"""What an agent reports about the customer, and nothing else tells."""
RISKS = (Trigger.HIGH_RISK, Trigger.REFUND_ONLY_REFUSED)
"""What makes a case one of high risk."""

# --- what follows from a trigger ----------------------------------------------------------


def follow(draft: Draft) -> None:
    """The other consequences that the escalation table gives a trigger: whom the matter is handed to, and what the
    complainant is told.
    """
    while draft.unfollowed:
        row = draft.unfollowed.pop(0)
        if row.route is not None and draft.case.stage not in OVER:
            hand_off.by_itself(draft, row.route, row.rule, trigger=row.trigger)
        if row.notice is not None:
            draft.tell(row.notice, Party.COMPLAINANT, row.rule)


def trigger_anew(draft: Draft, trigger: Trigger) -> None:
    """Raise for what counts each time that it happens."""
    before = sum(each.trigger is trigger for each in draft.case.escalations)
    draft.raise_level(trigger, arming=before + 1)


def trigger_once(draft: Draft, trigger: Trigger) -> None:
    """Raise for what holds of the whole hearing, however often it is said in it."""
    draft.raise_level(trigger, arming=len(draft.case.hearings))


def report_trigger(draft: Draft, act: ReportTrigger) -> None:
    """An agent says, with the reason, that the customer leans towards complaining, or asks for management."""
    row = draft.row_of(act.trigger)
    if act.trigger not in REPORTED or row is None:
        raise Refused("wrong_trigger", f"trigger: one of {', '.join(REPORTED)} is reported", "ESC-4")
    if act.reason is None:
        raise Refused("reason_missing", "reason: what the customer said has to be noted", row.rule)
    evidence.require_open(draft)
    before = len(draft.case.escalations)
    trigger_once(draft, act.trigger)
    if len(draft.case.escalations) == before:
        raise Refused("reported_before", f"trigger: {act.trigger} was reported in this hearing already", row.rule)


# --- contacts about the same matter (ESC-2) -----------------------------------------------


def repeats(case: Case) -> list[Contact]:
    """The complainant's contacts after the first one; what software sends is none."""
    inbound = [each for each in case.contacts if each.party is Party.COMPLAINANT and not each.outbound]
    return [each for each in inbound if not each.automatic][1:]


def count_contacts(draft: Draft) -> None:
    """Contacts within the policy's window raise the open case, once for each of its counts (ESC-2)."""
    if draft.case.stage not in OPEN_STAGES:
        return
    rule = draft.pack.repeat_contacts
    since = draft.at - timedelta(days=rule.within_days)
    recent = sum(each.at > since for each in repeats(draft.case))
    for count in rule.counts:
        if recent >= count:
            draft.raise_level(Trigger.REPEAT_CONTACT, arming=count)


# --- complaints outside (ESC-3, ESC-5) ----------------------------------------------------


def require_not_archived(draft: Draft, rule: str) -> None:
    if draft.case.stage is Stage.ARCHIVED:
        raise Refused("archived", f"{draft.case.case_id} is archived: reopen it first", rule)


def record_external(draft: Draft, act: RecordExternalComplaint) -> None:
    """The matter was brought before a body outside: the case rises at once, whatever its state, and a closed one is
    open again (ESC-3, ESC-5).
    """
    case = draft.case
    if act.case_id != case.case_id:
        raise Refused("wrong_case", f"case_id: this is {case.case_id}, not {act.case_id}", "ESC-5")
    if act.made_at > draft.at:
        raise Refused("made_ahead", "made_at: a complaint that was made lies in the past", "ESC-5")
    if act.due is not None and act.due <= draft.at:
        raise Refused("due_passed", "due: the body's deadline has to lie ahead", "ESC-5")
    if act.body not in draft.pack.outside_bodies:
        known = ", ".join(draft.pack.outside_bodies)
        raise Refused("unknown_body", f"body: {act.body} is not one of {known}", "ESC-5")
    known_as = {(each.body, each.reference) for each in case.externals if each.reference}
    if (act.body, act.reference) in known_as:
        raise Refused("recorded_before", f"reference: {act.reference} is on record already", "ESC-5")
    follow_up.bring_back_if_over(draft, "ESC-5")
    went_outside(draft, act.body, reference=act.reference or "", made_at=act.made_at, due=act.due)


def went_outside(
    draft: Draft, body: str, *, reference: str = "", made_at: datetime | None = None, due: datetime | None = None
) -> None:
    """Put a complaint outside on record, raise the case for it, and keep the outside deadline (ESC-5)."""
    made = ExternalComplaint(
        id=next_id("X", draft.case.externals),
        body=body,
        reference=reference,
        made_at=made_at or draft.at,
        at=draft.at,
        due=due,
    )
    trigger = draft.pack.outside_bodies[body].trigger
    draft.record(facts.ExternalComplaintRecorded(complaint=made, rules=("ESC-5",)))
    row = draft.row_of(trigger)
    if row is not None and row.clock is not None:
        draft.arm(row.clock, made.id, until=due)
    draft.raise_level(trigger, arming=len(draft.case.externals))


def settle_outside(draft: Draft) -> None:
    """With the result told, or the case closed, the body outside can have its answer (ESC-5)."""
    for clock in draft.case.clocks:
        if clock.kind is ClockKind.OUTSIDE:
            draft.meet(clock)


# --- the risk (ESC-9) ---------------------------------------------------------------------


def raise_risk(draft: Draft, state: RiskState) -> None:
    """The case is of high risk: priority, level and safety team follow at once, in any state: one that is over is open
    again. What was proposed before has acted. What only a text proposes changes nothing about a risk that somebody set.
    """
    before = draft.case.high_risk
    if before and state is RiskState.PROPOSED:
        return
    follow_up.bring_back_if_over(draft, "ESC-9")
    draft.record(facts.RiskSet(state=state, high=True, rules=("ESC-9",)))
    if not before:
        trigger_anew(draft, Trigger.HIGH_RISK)


# --- the known solution (ESC-10) ----------------------------------------------------------


def offer_solution(draft: Draft, act: OfferSolution) -> None:
    """First step: who did not receive the goods and wants nothing but the money back is offered what is known."""
    case, rule = draft.case, draft.pack.refund_only
    evidence.require_open(draft)
    if case.category not in rule.categories or not set(case.claim.remedies) <= set(rule.remedies):
        raise Refused(
            "no_known_solution",
            f"a known solution is offered where {', '.join(rule.categories)} comes with a claim for nothing but "
            f"{', '.join(rule.remedies)}",
            "ESC-10",
        )
    if case.open_offer is not None:
        raise Refused("offer_open", f"offer {case.open_offer.id} is still to be answered", "ESC-10")
    offer = Offer(
        id=next_id("K", case.offers),
        text=act.text,
        by=act.actor.id if act.actor else "",
        at=draft.at,
        state=OfferState.OPEN,
    )
    draft.record(facts.OfferSet(by="make", offer=offer, rules=("ESC-10",)))


def answer_offer(draft: Draft, act: AnswerOffer) -> None:
    """Second step: if the customer does not accept it, the case counts as one of high risk (ESC-10)."""
    evidence.require_open(draft)
    offer = draft.case.open_offer
    if offer is None or offer.id != act.offer:
        raise Refused("no_such_offer", f"offer: {act.offer} is not waiting for an answer", "ESC-10")
    _set_offer(draft, offer, "accept" if act.accepted else "refuse")
    if not act.accepted:
        draft.record(facts.RiskSet(state=RiskState.SET, high=True, rules=("ESC-10", "ESC-9")))
        trigger_anew(draft, Trigger.REFUND_ONLY_REFUSED)


def withdraw_offer(draft: Draft) -> None:
    """What was offered is out of place once the case is over."""
    offer = draft.case.open_offer
    if offer is not None and draft.case.stage in OVER:
        _set_offer(draft, offer, "cancel")


def _set_offer(draft: Draft, offer: Offer, by: str) -> None:
    state = expect(step(OfferLife, offer.state, by), f"offer {offer.id}", offer.state)
    draft.record(facts.OfferSet(by=by, offer=replace(offer, state=state), rules=("ESC-10",)))


# --- by hand (ESC-8) ----------------------------------------------------------------------


def escalate(draft: Draft, act: EscalateCase) -> None:
    """What an agent cannot solve goes to the superior, at any time, with a reason (ESC-8)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: an escalation needs a reason", "ESC-8")
    evidence.require_open(draft)
    trigger_anew(draft, Trigger.BY_HAND)
