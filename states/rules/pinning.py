"""Pinning: a case keeps its policy for life, unless an act on the record moves it to another version (PEN-4)."""

from collections.abc import Iterator

from policies.schema import ClockKind, Pack, Policy
from states import clocks, facts
from states.case import Case
from states.draft import Draft, Refused
from states.events import MigratePolicy
from states.lifecycle import OPEN_STAGES


def migrate(draft: Draft, act: MigratePolicy) -> None:
    """An open case is handled under another version of its policy from now on (PEN-4).

    What was decided stays as it was decided, and what clocks run keep their instants. Only provisional deadlines are
    counted anew: this is how a calendar that was published since reaches a case (SLA-3).
    """
    case = draft.case
    if act.reason is None:
        raise Refused("reason_missing", "reason: a case is moved to another policy for a reason", "PEN-4")
    if case.stage not in OPEN_STAGES:
        raise Refused("case_closed", f"the case is {case.stage}: its policy is settled", "PEN-4")
    try:
        target = draft.book.find(case.policy.name, act.version)
    except LookupError as error:
        raise Refused("unknown_version", f"version: {error}", "PEN-4") from None
    if target.ref == case.policy:
        raise Refused("same_version", f"version: the case is handled under {case.policy} already", "PEN-4")
    missing = ", ".join(_missing(case, target.pack))
    if missing:
        raise Refused("policy_unfit", f"version: {target.ref} has no rules for {missing}", "PEN-4")
    before = draft.policy
    draft.record(facts.PolicyMigrated(before=before.ref, policy=target.ref, rules=("PEN-4",)))
    for clock in case.clocks:
        if clock.active and clock.provisional and _counts_alike(before, target, clock.kind):
            draft.record(
                facts.ClockSet(
                    by="recount",
                    clock=clocks.recount(before, target, clock, draft.at),
                    rules=(target.pack.clocks[clock.kind].rule, "PEN-4"),
                )
            )


def _missing(case: Case, pack: Pack) -> Iterator[str]:
    """What the case rests on and the pack says nothing about."""
    if case.category not in pack.categories:
        yield f"category {case.category}"
    if case.review is not None and case.review.ground not in pack.review_grounds:
        yield f"review ground {case.review.ground}"
    promised = [remedy.terms.kind for remedy in case.remedies]
    proposed = [] if case.open_proposal is None else [case.open_proposal.terms.kind]
    for kind in dict.fromkeys(promised + proposed):
        if kind not in pack.remedies:
            yield f"remedy {kind}"
    for hand_off in case.open_hand_offs:
        if hand_off.route not in pack.routes:
            yield f"route {hand_off.route}"
    for template in dict.fromkeys(notice.template for notice in case.notices):
        if template not in pack.notices:
            yield f"notice {template}"


def _counts_alike(before: Policy, target: Policy, kind: ClockKind) -> bool:
    """Whether a clock has the same length under both; one whose rule changed runs on as it was armed."""
    old, new = before.pack.clocks[kind], target.pack.clocks[kind]
    return (old.length, old.unit, old.closing) == (new.length, new.unit, new.closing)
