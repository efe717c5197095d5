"""The ruling: outcome, rule, remedies and penalties, each on record with its reasons (COO-3)."""

from policies.schema import Outcome, RemedyKind, Stage
from states import facts
from states.draft import Draft, Refused
from states.events import IssueRuling
from states.rules import feedback, penalties, remedies, reversal
from states.values import Finding, RemedyState, RemedyTerms, Ruling

NOTICES = {Outcome.UPHELD: "ruled", Outcome.DISMISSED: "ruled", Outcome.EXPLAINED: "explained"}
"""The notice of each outcome; that of a final ruling names the ways outside the platform besides (APL-4)."""

TAKEN_BACK = (RemedyState.CANCELLED, RemedyState.REVERSED)


def issue(draft: Draft, act: IssueRuling) -> None:
    """The platform rules from the investigation and both statements; it binds unless appealed (COO-3)."""
    finding = _require_ready(draft, act)
    if act.reason is None:
        raise Refused("reason_missing", "reason: a ruling states its reasons", "COO-3")
    granted = _granted(draft, act, finding)
    standing = () if reversal.takes_place(draft.case) else penalties.standing(draft.case)
    penalties.check(draft, act.penalties, act.outcome, standing)
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
        final=draft.case.hearing.final,
    )
    draft.record(facts.Ruled(ruling=ruling, rules=("COO-3", "VER-4", "TRA-1")))
    explained = ("VER-12",) if act.outcome is Outcome.EXPLAINED else ()
    draft.record(facts.OutcomeSet(outcome=act.outcome, rules=("COO-3", *explained)))
    draft.move("rule", "COO-3")
    reversal.overturn(draft)
    notice = NOTICES[act.outcome] + ("_final" if ruling.final else "")
    feedback.open_(draft, notice, outcome=act.outcome)


def _require_ready(draft: Draft, act: IssueRuling) -> Finding:
    """The finding that the ruling rests on."""
    if draft.case.stage is not Stage.RULING:
        raise Refused("wrong_stage", "the platform rules when mediation has ended or was called off", "COO-3")
    if act.outcome not in draft.category.outcomes:
        possible = ", ".join(draft.category.outcomes)
        raise Refused("wrong_outcome", f"outcome: a ruling on this complaint is one of {possible}", "COO-3")
    if draft.case.finding is None:
        raise Refused("finding_missing", "a finding names party, cause and evidence before any ruling", "VER-4")
    reversal.require_settled(draft)
    return draft.case.finding


def _granted(draft: Draft, act: IssueRuling, finding: Finding) -> tuple[RemedyTerms, ...]:
    """What the ruling brings the complainant: for an upheld complaint the remedies ruled, and the duties that the
    category adds (VER-5, VER-6, VER-13); otherwise nothing.
    """
    if act.outcome is Outcome.DISMISSED and act.remedies:
        raise Refused("nothing_to_grant", "remedies: a dismissed complaint brings none", "COO-3")
    if act.outcome is Outcome.EXPLAINED and (act.remedies or act.penalties):
        raise Refused("nothing_to_grant", "an explanation brings no remedy and no penalty", "VER-12")
    if act.outcome is Outcome.EXPLAINED and finding.proven:
        raise Refused("proven", "outcome: what is proven cannot be explained", "VER-12")
    if act.outcome is not Outcome.UPHELD:
        return ()
    if not finding.proven:
        raise Refused("not_proven", "outcome: the finding proves nothing that could be upheld", "VER-4")
    if not act.remedies:
        raise Refused("remedy_missing", "remedies: an upheld complaint needs at least one", "COO-3")
    ruled = remedies.resolve(draft, act.remedies)
    granted = ruled + remedies.by_order(draft, _duties(draft, {terms.kind for terms in ruled}))
    remedies.check_room(draft, granted, reversal.standing_besides(draft.case, granted))
    return granted


def _duties(draft: Draft, granted: set[RemedyKind]) -> tuple[RemedyTerms, ...]:
    """The duties of the category that are neither granted nor were ever ordered: each once a complaint. A ruling that
    takes the place of earlier ones names those again that still stand.
    """
    earlier = draft.case.earlier
    tried = {r.terms.kind for r in draft.case.remedies if r.state not in TAKEN_BACK and r.id not in earlier}
    if reversal.takes_place(draft.case):
        tried -= {terms.kind for terms in remedies.standing(draft.case)}
    return tuple(RemedyTerms(kind=kind) for kind in draft.category.duties if kind not in granted | tried)
