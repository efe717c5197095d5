"""Who owns the case: assigned from the waiting ones, and handed on with a note (HOF-5)."""

from states import facts
from states.draft import Draft, Refused
from states.events import AssignCase
from states.rules import evidence


def assign(draft: Draft, act: AssignCase) -> None:
    """A case without an owner gets one; from one owner to another it goes with a note about its circumstances."""
    case = draft.case
    evidence.require_open(draft)
    if act.to == case.owner:
        raise Refused("no_change", f"to: {act.to} owns the case already", "HOF-5")
    if act.to == case.agent_concerned:
        raise Refused("agent_concerned", "to: the case is about the handling by this agent", "INT-7")
    if act.to in case.hearing.barred:
        raise Refused("decided_before", "to: another agent than before has to decide this time", "ESC-7")
    if case.owner is not None and act.reason is None:
        raise Refused("reason_missing", "reason: whoever takes a case over needs a note about it", "HOF-5")
    draft.record(facts.Reassigned(before=case.owner, owner=act.to, note=act.reason, rules=("HOF-5", "REP-3")))
