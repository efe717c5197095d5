"""Verification: what is proven, by whom it had to be, and who is responsible (area VER)."""

from collections.abc import Iterable
from datetime import datetime

from policies.book import PolicyBook
from policies.schema import ClockKind, LookUp, PackRef, Party, Policy, Side, Stage
from states import facts
from states.draft import Draft, Refused
from states.effects import AnyOutcome, ClaimantFound, LogisticsFound, LookUpClaimant, LookUpLogistics
from states.events import RecordFinding
from states.rules import evidence, hand_off
from states.values import Conduct, ConductKind, Finding, RequestKind


def open_(draft: Draft) -> None:
    """Verification begins: the seller is asked for its statement and plan, with what the category's checklist wants of
    it (VER-3), the platform's services for what they know.
    """
    open_dispute(draft)
    if draft.case.finding is not None:
        draft.record(facts.FindingRevoked(rules=("VER-4",)))
    if hand_off.first_of(draft) is None:
        ask_for_statement(draft)
    look_up(draft, draft.category.look_ups)


def ask_for_statement(draft: Draft) -> None:
    """The seller is asked for its side, unless a team comes first in place of that (HOF-3)."""
    shown_by = (kind for group in draft.category.checklist.get(Party.RESPONDENT, ()) for kind in group)
    wanted = ("statement", *dict.fromkeys(shown_by))
    evidence.ask(draft, RequestKind.STATEMENT, Party.RESPONDENT, wanted, ClockKind.STATEMENT, "VER-3")


def examine(draft: Draft) -> None:
    """Where the team that came first ended without a result, the ordinary verification takes its place again: the
    seller is asked after all (HOF-3, VER-3).
    """
    came_first = [each for each in draft.case.hand_offs if each.first]
    if draft.case.stage is not Stage.VERIFICATION or not came_first or evidence.asked(draft, RequestKind.STATEMENT):
        return
    if not came_first[-1].open and not came_first[-1].result:
        ask_for_statement(draft)


def open_dispute(draft: Draft) -> None:
    """The parties did not settle the complaint between them: from now on it is a dispute (COO-6)."""
    if draft.case.disputed_at is None:
        draft.record(facts.DisputeOpened(at=draft.at, rules=("COO-6",)))


# --- look-ups -----------------------------------------------------------------------------


def look_up(draft: Draft, wanted: Iterable[LookUp]) -> None:
    """Ask the carrier for its records of the parcel (VER-7), and once how often the complainant complained (VER-11)."""
    case = draft.case
    if LookUp.LOGISTICS in wanted:
        draft.order(LookUpLogistics(key=draft.effect_key(), order=case.orders[0]), "VER-7")
    if LookUp.CLAIMANT_HISTORY in wanted and case.claimant_history is None:
        draft.order(LookUpClaimant(key=draft.effect_key(), claimant=case.complainant), "VER-11")


def logistics_looked_up(draft: Draft, outcome: AnyOutcome) -> None:
    """The carrier's records are on the file (VER-7)."""
    logistics = outcome.facts if isinstance(outcome, LogisticsFound) else None
    draft.record(facts.LogisticsKnown(logistics=logistics, rules=("VER-7",)))


def claimant_looked_up(draft: Draft, outcome: AnyOutcome) -> None:
    """The agent sees a count, and nothing follows from it by itself (VER-11)."""
    history = outcome.facts if isinstance(outcome, ClaimantFound) else None
    draft.record(facts.ClaimantKnown(history=history, rules=("VER-11",)))


# --- proof --------------------------------------------------------------------------------


def burden(draft: Draft) -> Party:
    """Who has to prove: as the category says (VER-1), unless the ground of a complaint about a review says otherwise
    (ADM-6).
    """
    review = draft.case.review
    ground = None if review is None else draft.pack.review_grounds.get(review.ground)
    return draft.category.burden if ground is None or ground.burden is None else ground.burden


def _rules_of_proof(draft: Draft) -> tuple[str, ...]:
    """The rules that say what has to be proven in the case, and by whom."""
    reviewed = ("ADM-6",) if draft.case.review is not None else ()
    return ("VER-1", "VER-2", "VER-4", *reviewed, draft.category.rule)


def missing_evidence(draft: Draft, party: Party, cited: tuple[str, ...]) -> list[str]:
    """What the category's checklist wants of a party that the cited items do not hold (VER-2)."""
    kinds = {item.kind for item in draft.case.evidence if item.id in cited}
    if draft.case.logistics is not None and draft.case.logistics.shipped_at is not None:
        kinds.add("logistics_record")
    if draft.case.logistics is not None and draft.case.logistics.signed_at is not None:
        kinds.add("signature_photo")
    return [" or ".join(group) for group in draft.category.checklist.get(party, ()) if not kinds & set(group)]


# --- the finding --------------------------------------------------------------------------


def record_finding(draft: Draft, act: RecordFinding) -> None:
    """The agent confirms what is proven, names party and cause, and cites the items it rests on (VER-2, VER-4)."""
    if draft.case.stage is not Stage.VERIFICATION:
        raise Refused("wrong_stage", "a finding concludes verification", "VER-4")
    known = {item.id for item in draft.case.evidence}
    unknown = [item for item in act.evidence if item not in known]
    if unknown:
        raise Refused("unknown_evidence", f"evidence: {', '.join(unknown)} is not on the file", "VER-4")
    first = hand_off.first_of(draft)
    if first is not None:
        raise Refused("hand_off_open", f"the {first.team} team has still to say what it found ({first.id})", "HOF-3")
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
        _check_named(draft, act)
    _check_burden(draft, act)
    if act.conduct_at is not None:
        _date_conduct(draft, act.conduct_at)
    before = draft.case.stage
    finding = Finding(
        proven=act.proven,
        responsible=act.responsible if act.proven else None,
        cause=act.cause if act.proven else None,
        evidence=act.evidence,
        by=act.actor.id if act.actor else "",
        at=draft.at,
    )
    carrier = ("VER-14",) if finding.responsible is Party.CARRIER else ()
    draft.record(facts.FindingMade(finding=finding, rules=(*_rules_of_proof(draft), *carrier)))
    draft.own(act.actor)
    draft.move("prove" if act.proven else "call_ruling", "VER-2")
    draft.correctable("record_finding", before)


def _check_named(draft: Draft, act: RecordFinding) -> None:
    """A proven finding names party and cause (VER-4)."""
    rule = draft.category
    if act.responsible not in rule.responsible:
        raise Refused("wrong_party", f"responsible: one of {', '.join(rule.responsible)} has to be named", "VER-4")
    if act.cause not in rule.causes:
        raise Refused("unknown_cause", f"cause: one of {', '.join(rule.causes)} has to be named", "VER-4")


def _check_burden(draft: Draft, act: RecordFinding) -> None:
    """Nothing is found for the party that has to prove unless the items cited are sufficient by the category's
    checklist (VER-2): a complainant has to show what is proven, a respondent who bears the burden that nothing is
    (VER-9).
    """
    party = burden(draft)
    if act.proven is not (party is Party.COMPLAINANT):
        return
    missing = missing_evidence(draft, party, act.evidence)
    if missing:
        raise Refused(
            "evidence_missing",
            f"evidence: the checklist of {draft.case.category} still wants {'; '.join(missing)} of the {party}",
            "VER-2",
        )


def _date_conduct(draft: Draft, conduct_at: datetime) -> None:
    """Penalties follow the policy of the day on which the conduct was found to have taken place (PEN-4)."""
    if conduct_at > draft.at:
        raise Refused("conduct_ahead", "conduct_at: conduct that is found out lies in the past", "PEN-4")
    policy = penalty_policy(draft.book, draft.policy, conduct_at)
    draft.record(facts.PenaltyPolicySet(policy=policy, conduct_at=conduct_at, rules=("PEN-4",)))


def penalty_policy(book: PolicyBook, procedure: Policy, conduct_at: datetime) -> PackRef | None:
    """The version of a procedure's pack that was in force at the time of the conduct; None if none was (PEN-4)."""
    try:
        return book.in_force(procedure.pack.name, conduct_at).ref
    except LookupError:
        return None


# --- silence ------------------------------------------------------------------------------


def statement_lapsed(draft: Draft, subject: str) -> None:
    """Silence is no defence (VER-3); a seller's is passive conduct (CON-2)."""
    asked = evidence.lapse(draft, subject, "VER-3")
    conduct = Conduct(party=asked.party, kind=ConductKind.NO_DEFENCE, subject=asked.id, at=draft.at)
    passive = ("CON-2",) if draft.party_on(Side.SELLER) is asked.party else ()
    draft.record(facts.ConductRecorded(conduct=conduct, rules=("VER-3", *passive)))


def evidence_lapsed(draft: Draft, subject: str) -> None:
    """What follows when evidence does not come is the burden of proof (VER-1): whoever bears it and is silent,
    loses. The silence of anybody else decides nothing.
    """
    asked = evidence.lapse(draft, subject, "VER-1")
    if draft.case.stage is not Stage.VERIFICATION or asked.party is not burden(draft):
        return
    if hand_off.first_of(draft) is not None:  # nothing is found before the team has said what it found (HOF-3)
        return
    # What the complainant brought does not discharge the other side's burden (VER-8).
    on_file = tuple(
        item.id
        for item in draft.case.evidence
        if asked.party is Party.COMPLAINANT or item.submitter is not Party.COMPLAINANT
    )
    if not missing_evidence(draft, asked.party, on_file):
        return
    proven = asked.party is Party.RESPONDENT
    finding = Finding(
        proven=proven,
        responsible=Party.RESPONDENT if proven else None,
        cause=_presumed_cause(draft) if proven else None,
        evidence=on_file,
        by="engine",
        at=draft.at,
    )
    draft.record(facts.FindingMade(finding=finding, rules=_rules_of_proof(draft)))
    draft.settle_open_matters()
    draft.move("call_ruling", "VER-1")


def _presumed_cause(draft: Draft) -> str:
    """What is held proven against a silent party: what a review is complained about for, where it is among the
    category's causes, else the first of them.
    """
    review, causes = draft.case.review, draft.category.causes
    return review.ground if review is not None and review.ground in causes else causes[0]
