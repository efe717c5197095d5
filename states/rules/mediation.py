"""Coordination: proposals, counter-proposals, agreement, or an impasse that the platform rules on (area COO)."""

from msgspec.structs import replace

from policies.schema import ClockKind, Outcome, Party, Role, Silence, Stage
from states import facts
from states.draft import Draft, Refused, next_id
from states.effects import ReleaseReturnAddress
from states.events import Act, AnswerProposal, CallForRuling, ProposalAnswer, ProposeRemedy
from states.rules import feedback, remedies, verification
from states.values import Proposal, ProposalState, RemedyTerms

BOTH = (Party.COMPLAINANT, Party.RESPONDENT)


def propose(draft: Draft, act: ProposeRemedy) -> None:
    """Either party or the agent puts a solution on the table (COO-1)."""
    _require_mediation(draft)
    if draft.case.open_proposal is not None:
        raise Refused(
            "proposal_open",
            f"proposal {draft.case.open_proposal.id} is still open: answer or counter it",
            "COO-1",
        )
    _table(draft, act, act.terms)


def answer(draft: Draft, act: AnswerProposal) -> None:
    """Whoever is awaited accepts, declines or counters (COO-1)."""
    _require_mediation(draft)
    proposal = next((p for p in draft.case.proposals if p.id == act.proposal), None)
    if proposal is None:
        raise Refused("unknown_proposal", f"proposal: there is no proposal {act.proposal}", "COO-1")
    if proposal.state is not ProposalState.OPEN:
        raise Refused("proposal_closed", f"proposal: {proposal.id} is {proposal.state} already", "COO-1")
    party = draft.party_of(act.actor)
    if party not in proposal.awaiting:
        raise Refused("not_awaited", f"proposal {proposal.id} does not await the {party}'s answer", "COO-1")
    if (act.counter is not None) is not (act.answer is ProposalAnswer.COUNTER):
        raise Refused("counter_terms", "counter: terms go with the answer counter, and only with it", "COO-1")
    match act.answer:
        case ProposalAnswer.ACCEPT:
            _accept(draft, proposal, party)
        case ProposalAnswer.DECLINE:
            _end(draft, proposal, "decline")
            _impasse_if_used_up(draft)
        case ProposalAnswer.COUNTER if act.counter is not None:
            _end(draft, proposal, "counter")
            _table(draft, act, act.counter)


def call_for_ruling(draft: Draft, act: CallForRuling) -> None:
    """The complainant or the agent need not wait mediation out (COO-4).

    A stalling seller's return address is released, where the category knows returns at all.
    """
    _require_mediation(draft)
    _impasse(draft, "COO-4")
    if draft.case.stage is not Stage.RULING:
        return
    if draft.party_of(act.actor) is Party.PLATFORM:
        draft.correctable("call_for_ruling", Stage.COORDINATION)
    if remedies.offers_return(draft):
        release = ReleaseReturnAddress(
            key=draft.effect_key(), order=draft.case.orders[0], recipient=draft.case.complainant
        )
        draft.order(release, "COO-4")


def proposal_lapsed(draft: Draft, subject: str) -> None:
    """What silence means is policy (COO-1)."""
    proposal = next(p for p in draft.case.proposals if p.id == subject)
    if draft.pack.mediation.silence is Silence.ACCEPTS:
        _agree(draft, proposal)
        return
    draft.set_proposal(proposal, "lapse", "COO-1")
    _impasse_if_used_up(draft)


def mediation_lapsed(draft: Draft, subject: str) -> None:
    """The time for mediation is over without agreement: the platform rules (COO-3)."""
    _impasse(draft, "COO-3")


def _require_mediation(draft: Draft) -> None:
    if draft.case.stage is not Stage.COORDINATION:
        raise Refused("wrong_stage", "solutions are mediated during coordination", "COO-1")


def _table(draft: Draft, act: Act, terms: RemedyTerms) -> None:
    """A proposal is on the table until its clock ends; the other side, or both, are awaited."""
    remedies.check_terms(draft, terms)
    if _rounds_used_up(draft):
        raise Refused(
            "rounds_used_up",
            f"{draft.pack.mediation.max_rounds} proposals were made, which is the most that the policy allows: "
            "call for a ruling",
            "COO-1",
        )
    proposer = draft.party_of(act.actor)
    proposal = Proposal(
        id=next_id("P", draft.case.proposals),
        by=act.actor.role if act.actor else Role.UNATTRIBUTED,
        terms=terms,
        state=ProposalState.OPEN,
        awaiting=tuple(party for party in BOTH if party is not proposer),
        made_at=draft.at,
    )
    draft.record(facts.ProposalSet(by="make", proposal=proposal, rules=("COO-1",)))
    clock = draft.arm(ClockKind.PROPOSAL, proposal.id)
    for party in proposal.awaiting:
        draft.tell("proposal_made", party, "COO-1", remedy=terms.kind, due=draft.local(clock.due))


def _accept(draft: Draft, proposal: Proposal, party: Party) -> None:
    """Agreement once nobody is awaited any more (COO-1); then it is carried out (COO-2)."""
    awaiting = tuple(other for other in proposal.awaiting if other is not party)
    proposal = replace(proposal, awaiting=awaiting)
    if awaiting:
        draft.set_proposal(proposal, "concur", "COO-1")
        return
    _agree(draft, proposal)


def _agree(draft: Draft, proposal: Proposal) -> None:
    """Agreement is a state of its own kind: the outcome is set, the remedy ordered, the result told (COO-1, COO-2)."""
    _end(draft, proposal, "accept")
    draft.record(facts.Agreed(proposal=proposal.id, rules=("COO-1", "COO-2")))
    draft.record(facts.OutcomeSet(outcome=Outcome.AGREED, rules=("COO-1",)))
    draft.settle_open_matters()
    draft.move("agree", "COO-1")
    remedies.order(draft, proposal.terms, Outcome.AGREED, "COO-2")
    feedback.open_(draft, "agreed", remedy=proposal.terms.kind)


def _end(draft: Draft, proposal: Proposal, by: str) -> None:
    draft.set_proposal(proposal, by, "COO-1")
    draft.meet(draft.case.clock(ClockKind.PROPOSAL, proposal.id))


def _impasse_if_used_up(draft: Draft) -> None:
    """No further round is left: the platform rules (COO-3)."""
    if _rounds_used_up(draft):
        _impasse(draft, "COO-3")


def _rounds_used_up(draft: Draft) -> bool:
    """Rounds are counted in each hearing of the case (COO-1)."""
    made = len(draft.case.proposals) - draft.case.hearing.proposals
    return made >= draft.pack.mediation.max_rounds


def _impasse(draft: Draft, rule: str) -> None:
    """Mediation ends without agreement: the platform rules on what it found, or verifies first where an appeal was
    negotiated before anything was found (APL-1).
    """
    draft.settle_open_matters()
    if draft.case.finding is not None:
        draft.move("call_ruling", rule)
        return
    draft.move("verify", rule, "APL-1")
    verification.open_(draft)
