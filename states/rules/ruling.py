"""The ruling: outcome, rule, remedies and penalties, each on record with its reasons (areas COO-3 and PEN)."""

from msgspec.structs import replace

from policies.schema import RemedyKind, Stage
from states import facts
from states.draft import Draft, Refused, expect, next_id
from states.effects import AnyOutcome, ApplyPenalty, Done
from states.events import IssueRuling
from states.lifecycle import PenaltyLife, step
from states.rules import feedback, remedies
from states.values import Finding, Outcome, Penalty, PenaltyState, RemedyTerms, Ruling

RULINGS = (Outcome.UPHELD, Outcome.DISMISSED)


def issue(draft: Draft, act: IssueRuling) -> None:
    """The platform rules from the investigation and both statements; it binds unless appealed (COO-3)."""
    if draft.case.stage is not Stage.RULING:
        raise Refused("wrong_stage", "the platform rules when mediation has ended or was called off", "COO-3")
    if act.reason is None:
        raise Refused("reason_missing", "reason: a ruling states its reasons", "COO-3")
    if act.outcome not in RULINGS:
        raise Refused("wrong_outcome", f"outcome: a ruling is one of {', '.join(RULINGS)}", "COO-3")
    finding = draft.case.finding
    if finding is None:
        raise Refused("finding_missing", "a finding names party, cause and evidence before any ruling", "VER-4")
    granted = act.remedies
    if act.outcome is Outcome.DISMISSED:
        if act.remedies or act.penalties:
            raise Refused("nothing_to_grant", "a dismissed complaint brings no remedy and no penalty", "COO-3")
    else:
        granted = _granted(draft, act, finding)
    draft.own(act.actor)
    ruling = Ruling(
        id=act.request_id,
        outcome=act.outcome,
        rule=act.rule,
        remedies=granted,
        penalties=act.penalties,
        finding=finding,
        reasons=act.reason,
        by=act.actor.id if act.actor else "",
        at=draft.at,
    )
    draft.record(facts.Ruled(ruling=ruling, rules=("COO-3", "VER-4", "TRA-1")))
    draft.record(facts.OutcomeSet(outcome=act.outcome, rules=("COO-3",)))
    draft.move("rule", "COO-3")
    for row in act.penalties:
        _impose(draft, row)
    for terms in granted:
        remedies.order(draft, terms, Outcome.UPHELD, "COO-3")
    feedback.open_(draft, "ruled", outcome=act.outcome)


def _granted(draft: Draft, act: IssueRuling, finding: Finding) -> tuple[RemedyTerms, ...]:
    """What an upheld complaint brings: the remedies ruled, and the duties that the category adds (VER-5, VER-13)."""
    if not finding.proven:
        raise Refused("not_proven", "outcome: the finding proves nothing that could be upheld", "VER-4")
    if not act.remedies:
        raise Refused("remedy_missing", "remedies: an upheld complaint needs at least one", "COO-3")
    for index, terms in enumerate(act.remedies):
        remedies.check_terms(draft, terms, along_with=act.remedies[:index])
    unknown = [row for row in act.penalties if row not in draft.pack.penalties]
    if unknown:
        raise Refused(
            "unknown_penalty",
            f"penalties: {', '.join(unknown)} is not one of {', '.join(draft.pack.penalties)}",
            "PEN-1",
        )
    return act.remedies + duties(draft, {terms.kind for terms in act.remedies})


def duties(draft: Draft, granted: set[RemedyKind]) -> tuple[RemedyTerms, ...]:
    """The duties of the category that are neither granted nor were ever ordered: each once a case."""
    ordered = {remedy.terms.kind for remedy in draft.case.remedies}
    return tuple(
        RemedyTerms(kind=kind)
        for kind in draft.pack.categories[draft.case.category].duties
        if kind not in granted | ordered
    )


def _impose(draft: Draft, row: str) -> None:
    """A penalty cites case, rule and policy, and is entered in the ledger once (PEN-1)."""
    rule = draft.pack.penalties[row]
    penalty = Penalty(
        id=next_id("N", draft.case.penalties),
        row=row,
        kind=rule.kind,
        points=rule.points,
        rule=rule.rule,
        policy=str(draft.policy.ref),
        state=PenaltyState.IMPOSED,
    )
    draft.record(facts.PenaltySet(by="impose", penalty=penalty, rules=(rule.rule,)))
    draft.order(
        ApplyPenalty(
            key=draft.effect_key(),
            penalty=penalty.id,
            row=row,
            kind=rule.kind,
            seller=draft.case.respondent,
            rule=rule.rule,
            policy=penalty.policy,
            points=rule.points,
        ),
        rule.rule,
    )


def penalty_applied(draft: Draft, effect: ApplyPenalty, outcome: AnyOutcome) -> None:
    """The ledger holds the penalty (PEN-1)."""
    penalty = next(p for p in draft.case.penalties if p.id == effect.penalty)
    if isinstance(outcome, Done) and penalty.state is PenaltyState.IMPOSED:
        state = expect(step(PenaltyLife, penalty.state, "apply"), f"penalty {penalty.id}", penalty.state)
        draft.record(facts.PenaltySet(by="apply", penalty=replace(penalty, state=state), rules=(penalty.rule,)))
