"""Putting right what went wrong with a case: withdrawal, corrections of mistaken acts, duplicates."""

from policies.schema import ClockKind, Outcome, Party, Stage
from states import facts
from states.draft import Draft, Refused
from states.effects import AnyOutcome, DeliverMerge, Done
from states.events import MAX_ITEMS, AbsorbCase, CorrectAct, MergeCase, WithdrawComplaint
from states.rules import admission, escalation, evidence, remedies
from states.values import Contact, EvidenceItem


def withdraw(draft: Draft, act: WithdrawComplaint) -> None:
    """A complaint may be withdrawn until it is first ruled on, unless safety keeps it open (COO-5)."""
    if draft.case.high_risk and draft.pack.withdrawal.high_risk_stays_open:
        raise Refused(
            "kept_open_for_safety", "a high-risk case stays open: safety is not the parties' to settle", "COO-5"
        )
    _require_undecided(draft)
    admission.drop(draft, Outcome.WITHDRAWN, "COO-5")


def _require_undecided(draft: Draft) -> None:
    """What was ruled on is neither withdrawn nor merged, however it came back: only another decision can take back
    what the ruling brought (COO-3).
    """
    remedies.require_none_running(draft)
    if draft.case.ruling is not None:
        raise Refused("ruled_already", "the case was ruled on: only another ruling can end it differently", "COO-5")


UNDO = {
    "accept_complaint": "undo_accept",
    "refuse_complaint": "undo_refuse",
    "record_finding": "undo_finding",
    "call_for_ruling": "undo_call",
}
"""The lifecycle's way back for each act that moved the case."""


def correct(draft: Draft, act: CorrectAct) -> None:
    """An agent's mistaken act is undone while the case still stands where it led; the mistake stays on record
    (TRA-1).
    """
    if act.reason is None:
        raise Refused("reason_missing", "reason: a correction needs a reason", "TRA-1")
    mistaken = draft.case.correctable
    if mistaken is None or mistaken.entry != act.entry:
        raise Refused(
            "not_correctable", f"entry: {act.entry} is not an agent's act that can still be corrected", "TRA-1"
        )
    closed_since = mistaken.act == "refuse_complaint" and draft.case.stage is Stage.CLOSED
    if draft.case.stage is not mistaken.after and not closed_since:
        raise Refused("moved_on", f"entry: the case has moved on from {mistaken.after} to {draft.case.stage}", "TRA-1")
    if mistaken.act == "request_evidence":
        _take_back(draft, mistaken.subject)
    else:
        draft.settle_open_matters()
    if mistaken.act in UNDO:
        draft.move(UNDO[mistaken.act], "TRA-1")
    if mistaken.act == "refuse_complaint":
        draft.record(facts.OutcomeSet(outcome=None, rules=("TRA-1",)))
    if mistaken.act == "record_finding":
        draft.record(facts.FindingRevoked(rules=("TRA-1",)))
    draft.record(facts.ActCorrected(entry=mistaken.entry, act=mistaken.act, rules=("TRA-1",)))
    draft.tell_both("corrected", "TRA-1", act=mistaken.act)


def _take_back(draft: Draft, request_id: str) -> None:
    """A request made by mistake asks nothing any more."""
    for asked in draft.case.open_requests():
        if asked.id == request_id:
            draft.set_request(asked, "cancel", "TRA-1")
            draft.cancel(draft.case.clock(ClockKind.EVIDENCE, asked.id))


def merge(draft: Draft, act: MergeCase) -> None:
    """A duplicate hands its file to the other case, and closes once that took it over."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: merging needs a reason", "TRA-1")
    if act.into == draft.case.case_id:
        raise Refused("same_case", "into: a case cannot be merged into itself", "TRA-1")
    if draft.case.merging_into is not None:
        raise Refused("merging", f"into: {draft.case.merging_into} is being asked already", "TRA-1")
    if not draft.can("merge"):
        raise Refused("wrong_stage", f"the case is {draft.case.stage}: it can no longer be merged", "TRA-1")
    _require_undecided(draft)
    if len(draft.case.evidence) > MAX_ITEMS:
        raise Refused("too_much_evidence", f"a file of more than {MAX_ITEMS} items cannot be handed over", "TRA-1")
    draft.record(facts.MergeStarted(into=act.into, rules=("TRA-1",)))
    draft.order(
        DeliverMerge(
            key=draft.effect_key(),
            duplicate=draft.case.case_id,
            into=act.into,
            head=draft.case.head,
            channel=draft.case.channel,
            evidence=tuple(EvidenceItem(kind=item.kind, content=item.content) for item in draft.case.evidence),
        ),
        "TRA-1",
    )


def merge_delivered(draft: Draft, effect: DeliverMerge, outcome: AnyOutcome) -> None:
    """The other case took the file over, and this one closes; or it did not, and this one goes on."""
    undecided = draft.case.ruling is None and not remedies.any_running(draft.case)
    merged = isinstance(outcome, Done) and draft.can("merge") and undecided
    draft.record(facts.MergeEnded(into=effect.into, merged=merged, rules=("TRA-1",)))
    if not merged:
        return
    draft.settle_open_matters()
    draft.move("merge", "TRA-1", drop=True)
    draft.record(facts.OutcomeSet(outcome=Outcome.MERGED, detail={"into": effect.into}, rules=("TRA-1",)))
    draft.tell("merged", Party.COMPLAINANT, "TRA-1", into=effect.into)


def absorb(draft: Draft, act: AbsorbCase) -> None:
    """The file of a duplicate is taken over: its contact and whatever evidence is new."""
    evidence.require_open(draft)
    if act.duplicate in draft.case.absorbed:
        raise Refused("absorbed", f"duplicate: {act.duplicate} was taken over already", "TRA-1")
    draft.record(facts.Absorbed(duplicate=act.duplicate, head=act.head, rules=("TRA-1",)))
    draft.record(
        facts.ContactRecorded(contact=Contact(at=draft.at, channel=act.channel, by=act.duplicate), rules=("INT-2",))
    )
    evidence.add(draft, act, evidence.new_items(draft.case, act.evidence))
    escalation.count_contacts(draft)
