"""First assessment: what the texts of a case show, what an agent says of it, and the risk (INT-4, SLA-7, ESC-9)."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from policies.schema import ClockKind, EscalationRule, Trigger
from policies.triage import TriageLabel
from states import facts
from states.draft import Draft, Refused, next_id
from states.effects import AnyOutcome, Failed, Found, TextRead
from states.events import AssessCase, SetRisk
from states.lifecycle import OPEN_STAGES
from states.rules import admission, escalation, evidence, hand_off
from states.values import ProposalOfTriageState, RiskState, TriageProposal

OPEN, REJECTED, CONFIRMED = (
    ProposalOfTriageState.PROPOSED,
    ProposalOfTriageState.REJECTED,
    ProposalOfTriageState.CONFIRMED,
)


# --- what texts show ----------------------------------------------------------------------


def text_read(draft: Draft, outcome: AnyOutcome) -> None:
    """What a text shows is proposed, with what caused it; some of it acts at once (ESC-9)."""
    found = outcome.found if isinstance(outcome, TextRead) else ()
    code = outcome.code if isinstance(outcome, Failed) else ""
    draft.record(facts.TextTriaged(found=len(found), code=code, rules=("INT-4",)))
    for each in found:
        if _is_new(draft, each):
            _propose(draft, each)


def _is_new(draft: Draft, found: Found) -> bool:
    """Neither what the case says anyway, nor what is or was proposed and still stands."""
    if found.category is not None and (
        found.category is draft.case.category or not admission.can_be_classified(draft, found.category)
    ):
        return False
    same = [each for each in draft.case.triage if (each.label, each.category) == (found.label, found.category)]
    return not any(_stands(draft, each, found) for each in same)


def _stands(draft: Draft, before: TriageProposal, found: Found) -> bool:
    """What was proposed from a text is not proposed from it again. Another text adds nothing while an agent has still
    to say something of it, nor while what was confirmed holds: in the same hearing, until a risk is lowered (ESC-9).
    """
    if {each.text for each in before.excerpts} & {each.text for each in found.excerpts}:
        return True
    if before.state is not CONFIRMED:
        return before.state is OPEN
    lowered = _is_risk(draft, before.label) and not draft.case.high_risk
    return before.at >= draft.case.hearing.opened_at and not lowered


def _propose(draft: Draft, found: Found) -> None:
    proposal = TriageProposal(
        id=next_id("T", draft.case.triage),
        label=found.label,
        category=found.category,
        excerpts=found.excerpts,
        at=draft.at,
    )
    rules = ("INT-4",) if found.label is None else tuple(dict.fromkeys(_rules(draft, found.label)))
    draft.record(facts.TriageProposed(proposal=proposal, rules=rules))
    for row in _rows(draft, found.label):
        if row.at_once:
            _act(draft, row.trigger, RiskState.PROPOSED)


def _rows(draft: Draft, label: TriageLabel | None) -> Iterator[EscalationRule]:
    """What a label triggers."""
    yield from (row for row in draft.pack.escalation if label is not None and label in row.proposed_by)


def _is_risk(draft: Draft, label: TriageLabel | None) -> bool:
    return any(row.trigger is Trigger.HIGH_RISK for row in _rows(draft, label))


def _rules(draft: Draft, label: TriageLabel) -> Iterable[str]:
    return [row.rule for row in _rows(draft, label)] or ["INT-4"]


def _act(draft: Draft, trigger: Trigger, state: RiskState) -> None:
    """A hazard acts in any state (ESC-9); whatever else a text shows when the case is over waits for an agent."""
    if trigger is Trigger.HIGH_RISK:
        escalation.raise_risk(draft, state)
    elif draft.case.stage in OPEN_STAGES:
        escalation.trigger_once(draft, trigger)


# --- what an agent says of it -------------------------------------------------------------


def assess(draft: Draft, act: AssessCase) -> None:
    """The first assessment ends: what is confirmed acts, what is rejected is withdrawn (SLA-7, INT-4)."""
    evidence.require_open(draft)
    known = {each.id: each for each in draft.case.triage if each.state is OPEN}
    named = (*act.confirmed, *act.rejected)
    unknown = [each for each in named if each not in known]
    if unknown or len(set(named)) < len(named):
        wrong = ", ".join(unknown) or "one is named twice"
        raise Refused("no_such_proposal", f"confirmed, rejected: {wrong}: not an open proposal, each once", "INT-4")
    for each in act.rejected:
        _decide(draft, known[each], REJECTED)
        if known[each].label is not None:
            _withdraw(draft, act, known[each].label)
    for each in act.confirmed:
        _decide(draft, known[each], CONFIRMED)
        _confirm(draft, known[each])
    draft.meet(draft.case.clock(ClockKind.ASSESSMENT))


def _decide(draft: Draft, proposal: TriageProposal, state: ProposalOfTriageState) -> None:
    decided = replace(proposal, state=state)
    draft.record(facts.TriageProposed(proposal=decided, rules=("INT-4", "SLA-7")))


def _confirm(draft: Draft, proposal: TriageProposal) -> None:
    if proposal.category is not None:
        admission.classify(draft, proposal.category)
    if proposal.label is not None:
        for row in _rows(draft, proposal.label):
            _act(draft, row.trigger, RiskState.CONFIRMED)
        hand_off.route_confirmed(draft, proposal.label)


def _withdraw(draft: Draft, act: AssessCase, label: TriageLabel | None) -> None:
    """A risk that was only proposed falls with its proposal, for a reason; the level stays (ESC-9)."""
    if _is_risk(draft, label) and draft.case.risk is RiskState.PROPOSED:
        if act.reason is None:
            raise Refused("reason_missing", "reason: a risk is lowered for a reason", "ESC-9")
        draft.record(facts.RiskSet(state=RiskState.LOWERED, high=False, rules=("ESC-9",)))


# --- the risk -----------------------------------------------------------------------------


def set_risk(draft: Draft, act: SetRisk) -> None:
    """An agent sets or confirms the risk, which acts at once in any state, or lowers it (ESC-9)."""
    case = draft.case
    if act.reason is None:
        raise Refused("reason_missing", "reason: a risk is set or lowered for a reason", "ESC-9")
    if not act.high:
        evidence.require_open(draft)
        if not case.high_risk:
            raise Refused("no_change", "high: the case is of no high risk", "ESC-9")
        draft.record(facts.RiskSet(state=RiskState.LOWERED, high=False, rules=("ESC-9",)))
        return
    if case.high_risk and case.risk is not RiskState.PROPOSED:
        raise Refused("no_change", "high: the case is of high risk already", "ESC-9")
    escalation.require_not_archived(draft, "ESC-9")
    escalation.raise_risk(draft, RiskState.CONFIRMED if case.risk is RiskState.PROPOSED else RiskState.SET)
