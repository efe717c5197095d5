"""Mediation between buyer and seller, and what follows from agreement or impasse (area COO)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Category, ClockKind, Outcome, Party, RemedyKind, Silence, Stage
from states import effects, events, facts
from states.events import ProposalAnswer
from states.journal import body, unseal
from states.values import (
    Actor,
    ClockState,
    ProposalState,
    RemedyState,
    RemedyTerms,
    RequestState,
    SellerContact,
)
from tests.states.story import AGENT, BUYER, CHIEF, REFUND, RETURN, SELLER, START, Story, item, order, text

LESS = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=5_000)
MORE = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=8_000)


# --- COO-1 ------------------------------------------------------------------------------------


@pytest.mark.rule("COO-1")
@pytest.mark.parametrize(
    ("proposer", "awaited"),
    [
        (BUYER, (Party.RESPONDENT,)),
        (SELLER, (Party.COMPLAINANT,)),
        (AGENT, (Party.COMPLAINANT, Party.RESPONDENT)),
    ],
)
def test_either_party_or_the_agent_proposes(proposer: Actor, awaited: tuple[Party, ...]) -> None:
    story = Story().to_coordination()
    entry = story.accepted(events.ProposeRemedy, proposer, terms=LESS)
    assert "COO-1" in entry.rules
    proposal = story.open_case.open_proposal
    assert proposal is not None
    assert (proposal.terms, proposal.awaiting) == (LESS, awaited)
    assert story.clock(ClockKind.PROPOSAL, "P1").due == story.now + timedelta(hours=24)
    assert tuple(notice.party for notice in story.sent("proposal_made")) == awaited
    assert story.refused(events.ProposeRemedy, AGENT, terms=MORE).code == "proposal_open"


@pytest.mark.rule("COO-1")
def test_the_agents_proposal_needs_both() -> None:
    story = Story().to_coordination()
    story.accepted(events.ProposeRemedy, AGENT, terms=LESS)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert story.at(Stage.COORDINATION)
    twice = story.refused(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert (twice.code, twice.rule) == ("not_awaited", "COO-1")
    entry = story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert any(isinstance(fact, facts.Agreed) for fact in entry.facts)
    assert story.open_case.outcome is Outcome.AGREED


@pytest.mark.rule("COO-1")
def test_a_counter_offer_is_a_proposal_to_the_other_side() -> None:
    story = Story().to_coordination()
    story.accepted(events.ProposeRemedy, SELLER, terms=LESS)
    bare = story.refused(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.COUNTER)
    assert bare.code == "counter_terms"
    extra = story.refused(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT, counter=MORE)
    assert extra.code == "counter_terms"
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.COUNTER, counter=MORE)
    first, second = story.open_case.proposals
    assert (first.state, second.terms, second.awaiting) == (ProposalState.COUNTERED, MORE, (Party.RESPONDENT,))
    assert story.clock(ClockKind.PROPOSAL, "P1").state is ClockState.MET
    stale = story.refused(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert stale.code == "proposal_closed"
    story.accepted(events.AnswerProposal, SELLER, proposal="P2", answer=ProposalAnswer.ACCEPT)
    assert story.open_case.outcome is Outcome.AGREED
    assert story.open_case.remedies[0].terms == MORE


@pytest.mark.rule("COO-1")
@pytest.mark.parametrize("silence", Silence)
def test_policy_says_what_silence_means(silence: Silence) -> None:
    policy = default_book().in_force("platform", START)
    pack = replace(policy.pack, mediation=replace(policy.pack.mediation, silence=silence))
    story = Story(book=PolicyBook({policy.ref: replace(policy, pack=pack)}))
    story.to_coordination().accepted(events.ProposeRemedy, SELLER, terms=LESS)
    story.wait(hours=24)
    (proposal,) = story.open_case.proposals
    if silence is Silence.ACCEPTS:
        assert proposal.state is ProposalState.ACCEPTED
        assert story.open_case.outcome is Outcome.AGREED
    else:
        assert proposal.state is ProposalState.LAPSED
        assert story.at(Stage.COORDINATION)
        story.accepted(events.ProposeRemedy, BUYER, terms=MORE)


@pytest.mark.rule("COO-1", "COO-3")
def test_rounds_are_capped_and_then_the_platform_rules() -> None:
    story = Story().to_coordination()
    for number in range(1, 4):
        story.accepted(events.ProposeRemedy, SELLER, terms=LESS)
        story.accepted(events.AnswerProposal, BUYER, proposal=f"P{number}", answer=ProposalAnswer.DECLINE)
    story.accepted(events.ProposeRemedy, SELLER, terms=LESS)
    refusal = story.refused(events.AnswerProposal, BUYER, proposal="P4", answer=ProposalAnswer.COUNTER, counter=MORE)
    assert (refusal.code, refusal.rule) == ("rounds_used_up", "COO-1")
    entry = story.accepted(events.AnswerProposal, BUYER, proposal="P4", answer=ProposalAnswer.DECLINE)
    assert "COO-3" in entry.rules
    assert story.at(Stage.RULING)


@pytest.mark.rule("COO-1")
@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (RemedyTerms(kind=RemedyKind.REFUND), "needs an amount"),
        (RemedyTerms(kind=RemedyKind.EXCHANGE, amount_fen=100), "has no amount"),
        (RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_901), "19901 is over 19900"),
        (RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=3 * 19_900 + 1), "59701 is over 59700"),
    ],
)
def test_terms_are_checked_against_the_policy(terms: RemedyTerms, says: str) -> None:
    story = Story().to_coordination()
    refusal = story.refused(events.ProposeRemedy, BUYER, terms=terms)
    assert (refusal.code, refusal.rule) == ("amount", "COO-1")
    assert says in refusal.message


@pytest.mark.rule("COO-1", "COO-2", "PEN-2")
def test_a_remedy_whose_amount_the_policy_computes_is_proposed_without_one() -> None:
    story = Story().to_coordination(
        cause="promise_not_kept", category=Category.BROKEN_PROMISE, evidence=(item("chat_log"),)
    )
    computed = RemedyTerms(kind=RemedyKind.PROMISE_COMPENSATION)
    stated = replace(computed, amount_fen=2_000)
    assert story.refused(events.ProposeRemedy, BUYER, terms=stated).code == "amount"
    story.accepted(events.ProposeRemedy, SELLER, terms=computed)
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    (step,) = carried_out(story)
    assert step.amount_fen == 2_000


@pytest.mark.rule("COO-1")
def test_a_proposal_that_is_not_there_cannot_be_answered() -> None:
    story = Story().to_coordination()
    refusal = story.refused(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert (refusal.code, refusal.rule) == ("unknown_proposal", "COO-1")


# --- COO-2 ------------------------------------------------------------------------------------


def carried_out(story: Story) -> list[effects.CarryOut]:
    """Every step that the platform was asked to take."""
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.CarryOut)]


@pytest.mark.rule("COO-2")
def test_agreement_is_carried_out_once_through_the_platforms_services() -> None:
    story = Story(hold=True)
    story.file()
    story.answer_effects()
    for act in (events.AcceptComplaint, events.SubmitStatement, events.RecordFinding, events.ProposeRemedy):
        details: dict[type[events.Act], dict[str, Any]] = {
            events.SubmitStatement: {"actor": SELLER, "text": text("s")},
            events.RecordFinding: {
                "proven": True,
                "responsible": Party.RESPONDENT,
                "cause": "defective_goods",
                "evidence": ("E1",),
            },
            events.ProposeRemedy: {"actor": BUYER, "terms": REFUND},
        }
        story.accepted(act, **details.get(act, {}))
    entry = story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert "COO-2" in entry.rules
    (step,) = carried_out(story)
    assert (step.action, step.amount_fen, step.beneficiary) == ("refund", 19_900, "buyer-017")
    assert step.key.startswith(f"buyer-017/order-1001:{entry.number}:")
    done = events.EffectsReported(
        results=(events.Result(key=step.key, outcome=effects.Done(at=story.now, reference="refund-1")),)
    )
    story.happen(done)
    entries = len(story.entries)
    story.happen(done)  # the same outcome, reported twice
    assert len(story.entries) == entries
    (remedy,) = story.open_case.remedies
    assert (remedy.state, remedy.steps[0].reference) == (RemedyState.DONE, "refund-1")
    assert len(carried_out(story)) == 1


@pytest.mark.rule("COO-2", "FUP-3")
def test_return_and_refund_goes_step_by_step() -> None:
    story = Story().to_feedback(RETURN)
    assert story.at(Stage.FEEDBACK)
    assert not carried_out(story)
    assert [notice.party for notice in story.sent("remedy_due")] == [Party.COMPLAINANT]
    story.wait(days=3)
    assert story.open_case.level == "front_line", "the platform has told the result; it waits for the goods"
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=True, evidence=(item("logistics_record"),))
    (step,) = carried_out(story)
    assert step.amount_fen == 19_900
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("COO-2")
def test_an_order_that_cost_nothing_is_returned_without_a_payment() -> None:
    """An entry with a payment of nothing could be written and never be read again."""
    story = Story()
    story.order = order(paid_fen=0)
    story.to_feedback(RETURN).accepted(events.ReportRemedy, BUYER, remedy="M1", done=True)
    (step,) = carried_out(story)
    assert step.amount_fen is None
    for entry in story.entries:
        assert unseal(body(entry), entry.hash) == entry


@pytest.mark.rule("COO-2", "ESC-1")
def test_a_payment_that_hangs_raises_the_case() -> None:
    story = Story().to_coordination()
    story.hold = True
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    level = story.open_case.level
    assert story.clock(ClockKind.PAYOUT, "M1").due == story.now + timedelta(hours=24)
    story.wait(hours=24)
    assert story.open_case.level is not level
    assert story.open_case.remedies[0].next_step == 0
    story.answer_effects()
    assert story.open_case.remedies[0].state is RemedyState.DONE


# --- COO-3 and COO-4 --------------------------------------------------------------------------


@pytest.mark.rule("COO-3")
def test_mediation_that_ends_without_agreement_goes_to_a_ruling() -> None:
    story = Story().to_coordination()
    due = story.clock(ClockKind.MEDIATION).due
    assert due.isoformat() == "2026-03-05T10:00:00+00:00"  # three working days
    story.accepted(events.ProposeRemedy, SELLER, terms=LESS)
    story.wait(hours=23)
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.DECLINE)
    story.wait(days=3)
    assert story.at(Stage.RULING)
    (ended,) = [entry for entry in story.entries if "COO-3" in entry.rules]
    assert (ended.event, ended.effective_at) == ("clock_missed", due)


@pytest.mark.rule("COO-4")
@pytest.mark.parametrize("who", [BUYER, AGENT, CHIEF])
def test_buyer_or_agent_need_not_wait_mediation_out(who: Actor) -> None:
    story = Story().to_coordination()
    story.accepted(events.ProposeRemedy, SELLER, terms=LESS)
    entry = story.accepted(events.CallForRuling, who)
    assert "COO-4" in entry.rules
    assert story.at(Stage.RULING)
    assert story.open_case.proposals[0].state is ProposalState.CANCELLED
    assert story.clock(ClockKind.PROPOSAL, "P1").state is ClockState.CANCELLED
    released = [fact.effect for fact in entry.facts if isinstance(fact, facts.EffectOrdered)]
    assert [type(effect) for effect in released] == [effects.ReleaseReturnAddress]


@pytest.mark.rule("COO-4", "TRA-1")
def test_the_seller_cannot_end_mediation() -> None:
    story = Story().to_coordination()
    assert story.refused(events.CallForRuling, SELLER).code == "no_right"
    story.accepted(events.CallForRuling, BUYER)


# --- COO-5 ------------------------------------------------------------------------------------


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", ["intake", "acceptance", "verification", "coordination", "ruling", "feedback"])
def test_both_parties_are_heard_in_every_open_stage(stage: str) -> None:
    story = Story()
    match stage:
        case "intake":
            story.file(seller_contact=SellerContact.NOT_APPROACHED)
        case "acceptance":
            story.to_acceptance()
        case "verification":
            story.to_verification()
        case "coordination":
            story.to_coordination()
        case "ruling":
            story.to_ruling()
        case "feedback":
            story.to_feedback(RETURN)
    assert story.open_case.stage == stage
    for party in (BUYER, SELLER):
        entry = story.accepted(events.SubmitEvidence, party, items=(item("photo", f"by {party.id}"),))
        assert "COO-5" in entry.rules
        entry = story.accepted(events.SubmitStatement, party, text=text("statement"))
        assert "COO-5" in entry.rules


@pytest.mark.rule("COO-5")
def test_a_closed_file_takes_nothing_more() -> None:
    story = Story().to_closed()
    for party in (BUYER, SELLER):
        assert story.refused(events.SubmitEvidence, party, items=(item("photo", "late"),)).rule == "COO-5"
        assert story.refused(events.SubmitStatement, party, text=text("late")).code == "case_closed"


@pytest.mark.rule("COO-5")
def test_a_withdrawal_closes_the_case_and_cancels_its_clocks() -> None:
    story = Story().to_verification()
    entry = story.accepted(events.WithdrawComplaint, BUYER)
    assert "COO-5" in entry.rules
    assert story.open_case.outcome is Outcome.WITHDRAWN
    assert story.at(Stage.CLOSED)
    assert story.clock(ClockKind.RESULT).state is ClockState.CANCELLED
    assert story.clock(ClockKind.STATEMENT, "Q1").state is ClockState.CANCELLED
    assert story.open_case.requests[0].state is RequestState.CANCELLED
    assert {notice.party for notice in story.sent("withdrawn")} == {Party.COMPLAINANT, Party.RESPONDENT}
    level = story.open_case.level
    story.wait(days=60)
    assert story.open_case.level is level


@pytest.mark.rule("COO-5")
def test_safety_keeps_a_high_risk_case_open() -> None:
    story = Story().to_verification(high_risk=True)
    refusal = story.refused(events.WithdrawComplaint, BUYER)
    assert (refusal.code, refusal.rule) == ("kept_open_for_safety", "COO-5")
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("COO-5", "TRA-1")
def test_only_the_complainant_withdraws_and_not_after_the_ruling() -> None:
    story = Story().to_ruling()
    assert story.refused(events.WithdrawComplaint, SELLER).code == "no_right"
    assert story.refused(events.WithdrawComplaint, replace(BUYER, id="buyer-099")).code == "not_a_party"
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    assert story.refused(events.WithdrawComplaint, BUYER).code == "ruled_already"
    other = Story().to_coordination()
    entry = other.accepted(events.WithdrawComplaint, BUYER)
    assert "COO-5" in entry.rules
