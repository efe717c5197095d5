"""Clocks that end, and clocks that get more time (area SLA)."""

from collections.abc import Callable

from policies.schema import ClockKind, OnMiss, Party, Trigger
from states.draft import Draft, Refused
from states.events import ExtendClock
from states.rules import admission, follow_up, hand_off, mediation, remedies, verification
from states.values import Clock

LAPSES: dict[ClockKind, Callable[[Draft, str], None]] = {
    ClockKind.PROOF_OF_PURCHASE: admission.proof_lapsed,
    ClockKind.COMPLETION: admission.completion_lapsed,
    ClockKind.CATEGORY_OFFER: admission.offer_lapsed,
    ClockKind.SELLER_FIRST: admission.seller_first_lapsed,
    ClockKind.EVIDENCE: verification.evidence_lapsed,
    ClockKind.STATEMENT: verification.statement_lapsed,
    ClockKind.PROPOSAL: mediation.proposal_lapsed,
    ClockKind.MEDIATION: mediation.mediation_lapsed,
    ClockKind.REMEDY: remedies.lapsed,
    ClockKind.SURVEY: follow_up.survey_lapsed,
    ClockKind.CLOSING_WINDOW: follow_up.closing_window_lapsed,
    ClockKind.HAND_OFF_CONSENT: hand_off.consent_lapsed,
}
"""What follows when a party lets its window lapse, by clock."""


def deadline_reached(draft: Draft, clock: Clock) -> None:
    """A clock ended: the platform missed a promise, which raises the case once (ESC-1), a team is late, which rises
    within the team (HOF-6), or a party's window lapsed.
    """
    draft.miss(clock)
    match draft.pack.clocks[clock.kind].on_miss:
        case OnMiss.ESCALATES:
            draft.raise_level(Trigger.MISSED_CLOCK, clock=clock)
            draft.arm(clock.kind, clock.subject)
        case OnMiss.ESCALATES_IN_TEAM:
            hand_off.late(draft, clock)
        case OnMiss.LAPSES:
            LAPSES[clock.kind](draft, clock.subject)


def extend_clock(draft: Draft, act: ExtendClock) -> None:
    """Complex cases may take longer: with a reason, within the policy's cap, and the complainant is told (SLA-4)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: an extension needs a reason", "SLA-4")
    clock = draft.case.clock(act.clock)
    if clock is None or not clock.active:
        raise Refused("clock_not_running", f"clock: {act.clock} is not running", "SLA-4")
    allowed = draft.pack.clocks[act.clock].extension
    if allowed is None:
        raise Refused("not_extendable", f"clock: the policy does not let {act.clock} be extended", "SLA-4")
    used_times = sum(c.extensions for c in draft.case.clocks if c.kind is act.clock)
    used = sum(c.extended for c in draft.case.clocks if c.kind is act.clock)
    if used_times >= allowed.times or used + act.by > allowed.total:
        raise Refused(
            "extension_cap",
            f"by: {act.clock} may be extended {allowed.times} times by {allowed.total} in all; "
            f"{used_times} times and {used} are used",
            "SLA-4",
        )
    draft.extend(clock, act.by)
    extended = draft.case.clock(act.clock)
    if extended is not None:
        draft.tell("extended", Party.COMPLAINANT, "SLA-4", due=draft.local(extended.due))
