"""Penalties and what counts towards them: each entered in the ledger once, by the policy of the time of the conduct
(area PEN).
"""

from collections.abc import Sequence

from msgspec.structs import replace

from policies.schema import ClockKind, Counted, Outcome, Pack, Party, PenaltyKind, PenaltyRule, RepeatRule, Side
from states import facts
from states.case import Case
from states.draft import Draft, Refused, expect, next_id
from states.effects import AnyOutcome, ApplyPenalty, CountOccurrence, Done, OccurrenceCounted
from states.lifecycle import OccurrenceLife, PenaltyLife, step
from states.rules import remedies
from states.values import (
    ConductKind,
    Occurrence,
    OccurrenceState,
    Penalty,
    PenaltyState,
    Violation,
)

STANDING = (PenaltyState.IMPOSED, PenaltyState.APPLIED)
COUNTING = (OccurrenceState.RECORDED, OccurrenceState.COUNTED)


# --- what a ruling may impose -------------------------------------------------------------


def check(draft: Draft, violations: Sequence[Violation], outcome: Outcome, standing: Sequence[str]) -> None:
    """Each violation has to be a row that can be applied in this case, and is shown by evidence where the row cites it.

    `standing` are the rows that an earlier ruling imposed and this one leaves alone.
    """
    for index, violation in enumerate(violations):
        row = _row(draft, violation.row)
        if violation.row in (*standing, *(other.row for other in violations[:index])):
            raise Refused("penalty_twice", f"penalties: {violation.row} is applied once", "PEN-1")
        party = _party(draft, row.against)
        if party is None:
            raise Refused("no_such_party", f"penalties: no {row.against} answers for {violation.row} here", row.rule)
        if outcome is Outcome.DISMISSED and party is not Party.COMPLAINANT:
            raise Refused(
                "nothing_to_grant",
                f"penalties: a dismissed complaint brings no {violation.row} on the {party}",
                "COO-3",
            )
        if row.categories and draft.case.category not in row.categories:
            fits = ", ".join(row.categories)
            raise Refused("wrong_category", f"penalties: {violation.row} is for complaints about {fits}", row.rule)
        if row.kind is PenaltyKind.POINTS and row.points is None:
            raise Refused(
                "no_figure", f"penalties: a policy has to state how many points {violation.row} costs", "PEN-11"
            )
        _check_cited(draft, violation, row)


def _row(draft: Draft, name: str) -> PenaltyRule:
    """The row as it stood at the time of the conduct (PEN-4)."""
    pack = draft.penalty_pack
    if pack is not None and name in pack.penalties:
        return pack.penalties[name]
    if pack is None or name in draft.pack.penalties:
        raise Refused("not_in_force", f"penalties: there was no {name} when the conduct took place", "PEN-4")
    raise Refused("unknown_penalty", f"penalties: {name} is not one of {', '.join(pack.penalties)}", "PEN-1")


def _party(draft: Draft, side: Side) -> Party | None:
    """Who of the case stands on a side; the service, where it is complained about, stands on none (INT-7)."""
    party = draft.party_on(side)
    return None if party is Party.RESPONDENT and draft.category.names_agent else party


def _check_cited(draft: Draft, violation: Violation, row: PenaltyRule) -> None:
    """A violation cites the message or the listing that shows it, from the file (PEN-10)."""
    cited = [item for item in draft.case.evidence if item.id in violation.evidence]
    unknown = [item for item in violation.evidence if item not in {each.id for each in cited}]
    if unknown:
        raise Refused("unknown_evidence", f"penalties.evidence: {', '.join(unknown)} is not on the file", "PEN-10")
    if row.cites and not any(item.kind in row.cites for item in cited):
        wanted = " or ".join(row.cites)
        raise Refused("evidence_missing", f"penalties.evidence: {violation.row} has to cite a {wanted}", "PEN-10")


# --- penalties ----------------------------------------------------------------------------


def standing(case: Case) -> tuple[str, ...]:
    """The rows that rulings on the complaint imposed, and that are not taken back."""
    of_this = [each for each in case.penalties if each.id not in case.earlier and not each.occurrence]
    return tuple(each.row for each in of_this if each.state in STANDING)


def impose(draft: Draft, violation: Violation, occurrence: str = "") -> None:
    """A penalty cites case, rule and policy, and is entered in the ledger once (PEN-1)."""
    rule = _row(draft, violation.row)
    party = draft.party_on(rule.against)
    penalty = Penalty(
        id=next_id("N", draft.case.penalties),
        row=violation.row,
        kind=rule.kind,
        against=party,
        points=rule.points,
        point_class=rule.point_class,
        rule=rule.rule,
        policy=str(draft.case.penalty_policy),
        evidence=violation.evidence,
        occurrence=occurrence,
        key=draft.effect_key(),
        state=PenaltyState.IMPOSED,
    )
    cited = ("PEN-1", "PEN-4", rule.rule, *(("PEN-10",) if rule.cites else ()))
    draft.record(facts.PenaltySet(by="impose", penalty=penalty, rules=tuple(dict.fromkeys(cited))))
    draft.arm(ClockKind.PAYOUT, penalty.id)
    draft.order(
        ApplyPenalty(
            key=penalty.key,
            penalty=penalty.id,
            row=penalty.row,
            kind=penalty.kind,
            subject=draft.case.reference_of(party),
            rule=penalty.rule,
            policy=penalty.policy,
            points=penalty.points,
            point_class=penalty.point_class,
        ),
        rule.rule,
    )


def applied(draft: Draft, effect: ApplyPenalty, outcome: AnyOutcome) -> None:
    """The ledger holds the penalty, or finally refused it (PEN-1)."""
    penalty = next(p for p in draft.case.penalties if p.id == effect.penalty)
    remedies.settle_payout(draft, penalty.id, outcome)
    set_penalty(draft, penalty, "apply" if isinstance(outcome, Done) else "fail", penalty.rule)


def set_penalty(draft: Draft, penalty: Penalty, by: str, *rules: str) -> None:
    state = expect(step(PenaltyLife, penalty.state, by), f"penalty {penalty.id}", penalty.state)
    draft.record(facts.PenaltySet(by=by, penalty=replace(penalty, state=state), rules=rules))


# --- what counts towards them (PEN-3) -----------------------------------------------------


def due_occurrences(draft: Draft) -> tuple[RepeatRule, ...]:
    """What the ruling has the ledger count against the seller: the upheld complaint, and passive service in it, where
    the policy of the time of the conduct counts them. A complaint counts once, however often it is ruled on.
    """
    pack, ruling = draft.penalty_pack, draft.case.ruling
    seller = _party(draft, Side.SELLER)
    if pack is None or ruling is None or ruling.outcome is not Outcome.UPHELD:
        return ()
    if seller is not Party.RESPONDENT or ruling.finding.responsible is not seller:
        return ()
    kinds = {Counted.UPHELD_COMPLAINT} | ({Counted.PASSIVE_SERVICE} if _was_passive(draft.case, pack) else set())
    return tuple(rule for rule in pack.repeats if rule.counts in kinds)


def _was_passive(case: Case, pack: Pack) -> bool:
    """Whether the seller made no defence (VER-3), or its staff served passively (CON-2)."""
    silent = any(
        each.kind is ConductKind.NO_DEFENCE and each.party is Party.RESPONDENT and each.at >= case.received_at
        for each in case.conduct
    )
    rows = [pack.conduct.rows.get(each.row) for each in case.staff_conduct if each.id not in case.earlier]
    return silent or any(row is not None and row.passive for row in rows)


def counting(case: Case) -> tuple[Occurrence, ...]:
    """What counts against the seller for this complaint."""
    return tuple(each for each in case.occurrences if each.id not in case.earlier and each.state in COUNTING)


def record_occurrence(draft: Draft, rule: RepeatRule) -> None:
    """What counts against the seller is entered in the ledger once, and counted there within the window (PEN-3)."""
    occurrence = Occurrence(
        id=next_id("O", draft.case.occurrences),
        counts=rule.counts,
        key=draft.effect_key(),
        state=OccurrenceState.RECORDED,
    )
    draft.record(facts.OccurrenceSet(by="record", occurrence=occurrence, rules=(rule.rule,)))
    draft.arm(ClockKind.PAYOUT, occurrence.id)
    draft.order(
        CountOccurrence(
            key=occurrence.key,
            occurrence=occurrence.id,
            counts=rule.counts,
            seller=draft.case.reference_of(draft.party_on(Side.SELLER)),
            within_days=rule.within_days,
        ),
        rule.rule,
    )


def counted(draft: Draft, effect: CountOccurrence, outcome: AnyOutcome) -> None:
    """Each time the count reaches a multiple of the policy's number, the penalty falls (PEN-3)."""
    occurrence = next(o for o in draft.case.occurrences if o.id == effect.occurrence)
    remedies.settle_payout(draft, occurrence.id, outcome)
    if not isinstance(outcome, OccurrenceCounted):
        set_occurrence(draft, occurrence, "fail", "PEN-3")
        return
    set_occurrence(draft, replace(occurrence, count=outcome.count), "count", "PEN-3")
    for rule in draft.penalty_pack.repeats if draft.penalty_pack else ():
        if rule.counts is effect.counts and outcome.count > 0 and outcome.count % rule.times == 0:
            impose(draft, Violation(row=rule.penalty), occurrence.id)


def set_occurrence(draft: Draft, occurrence: Occurrence, by: str, *rules: str) -> None:
    state = expect(step(OccurrenceLife, occurrence.state, by), f"occurrence {occurrence.id}", occurrence.state)
    draft.record(facts.OccurrenceSet(by=by, occurrence=replace(occurrence, state=state), rules=rules))
