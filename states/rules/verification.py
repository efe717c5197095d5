"""Verification: what is proven, by whom it had to be, and who is responsible (area VER)."""

from policies.schema import ClockKind, Party, Stage
from states import facts
from states.draft import Draft, Refused
from states.effects import AnyOutcome, LogisticsFound, LookUpLogistics
from states.events import RecordFinding
from states.rules import evidence
from states.values import Conduct, ConductKind, Finding, RequestKind


def open_(draft: Draft) -> None:
    """Verification begins: the seller is asked for its statement and plan (VER-3), the carrier for its records
    (VER-7).
    """
    if draft.case.finding is not None:
        draft.record(facts.FindingRevoked(rules=("VER-4",)))
    evidence.ask(draft, RequestKind.STATEMENT, Party.RESPONDENT, ("statement",), ClockKind.STATEMENT, "VER-3")
    if draft.pack.categories[draft.case.category].logistics_lookup:
        draft.order(LookUpLogistics(key=draft.effect_key(), order=draft.case.orders[0]), "VER-7")


def logistics_looked_up(draft: Draft, outcome: AnyOutcome) -> None:
    """The carrier's records are on the file (VER-7)."""
    logistics = outcome.facts if isinstance(outcome, LogisticsFound) else None
    draft.record(facts.LogisticsKnown(logistics=logistics, rules=("VER-7",)))


def missing_evidence(draft: Draft, party: Party, cited: tuple[str, ...]) -> list[str]:
    """What the category's checklist wants of a party that the cited items do not hold (VER-2)."""
    kinds = {item.kind for item in draft.case.evidence if item.id in cited}
    if draft.case.logistics is not None and draft.case.logistics.shipped_at is not None:
        kinds.add("logistics_record")
    if draft.case.logistics is not None and draft.case.logistics.signed_at is not None:
        kinds.add("signature_photo")
    checklist = draft.pack.categories[draft.case.category].checklist.get(party, ())
    return [" or ".join(group) for group in checklist if not kinds & set(group)]


def record_finding(draft: Draft, act: RecordFinding) -> None:
    """The agent confirms what is proven, names party and cause, and cites the items it rests on (VER-2, VER-4)."""
    if draft.case.stage is not Stage.VERIFICATION:
        raise Refused("wrong_stage", "a finding concludes verification", "VER-4")
    known = {item.id for item in draft.case.evidence}
    unknown = [item for item in act.evidence if item not in known]
    if unknown:
        raise Refused("unknown_evidence", f"evidence: {', '.join(unknown)} is not on the file", "VER-4")
    waiting = draft.case.open_requests()
    if waiting:
        asked = waiting[0]
        clock = next(c for c in draft.case.clocks if c.subject == asked.id and c.active)
        raise Refused(
            "answer_outstanding",
            f"the {asked.party} may still answer request {asked.id} until {clock.due.isoformat()}",
            "COO-5",
        )
    if act.proven:
        _check_proof(draft, act)
    before = draft.case.stage
    finding = Finding(
        proven=act.proven,
        responsible=act.responsible if act.proven else None,
        cause=act.cause if act.proven else None,
        evidence=act.evidence,
        by=act.actor.id if act.actor else "",
        at=draft.at,
    )
    category_rule = draft.pack.categories[draft.case.category].rule
    draft.record(facts.FindingMade(finding=finding, rules=("VER-1", "VER-2", "VER-4", category_rule)))
    draft.own(act.actor)
    draft.move("prove" if act.proven else "call_ruling", "VER-2")
    draft.correctable("record_finding", before)


def _check_proof(draft: Draft, act: RecordFinding) -> None:
    """Sufficiency is the category's checklist (VER-2); a proven finding names party and cause (VER-4)."""
    rule = draft.pack.categories[draft.case.category]
    if act.responsible not in rule.responsible:
        raise Refused("wrong_party", f"responsible: one of {', '.join(rule.responsible)} has to be named", "VER-4")
    if act.cause not in rule.causes:
        raise Refused("unknown_cause", f"cause: one of {', '.join(rule.causes)} has to be named", "VER-4")
    if rule.burden is Party.COMPLAINANT:
        missing = missing_evidence(draft, Party.COMPLAINANT, act.evidence)
        if missing:
            raise Refused(
                "evidence_missing",
                f"evidence: the checklist of {draft.case.category} still wants {'; '.join(missing)}",
                "VER-2",
            )


def statement_lapsed(draft: Draft, subject: str) -> None:
    """Silence is no defence, and is on record as passive conduct (VER-3)."""
    asked = evidence.lapse(draft, subject, "VER-3")
    conduct = Conduct(party=asked.party, kind=ConductKind.NO_DEFENCE, subject=asked.id, at=draft.at)
    draft.record(facts.ConductRecorded(conduct=conduct, rules=("VER-3",)))


def evidence_lapsed(draft: Draft, subject: str) -> None:
    """What follows when evidence does not come is the burden of proof (VER-1): whoever bears it and is silent,
    loses.
    """
    asked = evidence.lapse(draft, subject, "VER-1")
    rule = draft.pack.categories[draft.case.category]
    # What the complainant brought does not discharge the other side's burden (VER-8).
    on_file = tuple(
        item.id
        for item in draft.case.evidence
        if asked.party is Party.COMPLAINANT or item.submitter is not Party.COMPLAINANT
    )
    if draft.case.stage is not Stage.VERIFICATION or asked.party is not rule.burden:
        return
    if not missing_evidence(draft, asked.party, on_file):
        return
    proven = asked.party is Party.RESPONDENT
    finding = Finding(
        proven=proven,
        responsible=Party.RESPONDENT if proven else None,
        cause=rule.causes[0] if proven else None,
        evidence=on_file,
        by="engine",
        at=draft.at,
    )
    draft.record(facts.FindingMade(finding=finding, rules=("VER-1", "VER-4")))
    draft.settle_open_matters()
    draft.move("call_ruling", "VER-1")
