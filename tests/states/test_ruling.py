"""Rulings, remedies on offer, and penalties (COO-3, area PEN)."""

from datetime import timedelta

import pytest

from policies.schema import Category, ClockKind, PenaltyKind, RemedyKind, Stage
from states import effects, events, facts
from states.events import ProposalAnswer
from states.values import Claim, ClockState, Outcome, PenaltyState, RemedyTerms
from tests.states.story import AGENT, BUYER, EXCHANGE, REFUND, RETURN, SELLER, START, Story, order, text

ALL_PENALTIES = ("listing_removed", "points", "ranked_down")


def penalties(story: Story) -> list[effects.ApplyPenalty]:
    """Every entry that the ledger was asked for."""
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.ApplyPenalty)]


@pytest.mark.rule("COO-3", "TRA-1")
def test_a_ruling_states_findings_rule_remedies_penalties_and_reasons() -> None:
    story = Story().to_ruling()
    assert story.refused(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5", reason=None).rule == "COO-3"
    assert story.refused(events.IssueRuling, outcome=Outcome.AGREED, rule="VER-5").code == "wrong_outcome"
    assert story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5").code == "remedy_missing"
    entry = story.accepted(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND,), penalties=("points",)
    )
    assert {"COO-3", "VER-4", "TRA-1", "PEN-1"} <= set(entry.rules)
    ruling = story.open_case.ruling
    assert ruling is not None
    assert ruling.finding.cause == "defective_goods"
    assert (ruling.outcome, ruling.rule, ruling.reasons) == (Outcome.UPHELD, "VER-5", text("reason"))
    assert [terms.kind for terms in ruling.remedies] == [RemedyKind.REFUND, RemedyKind.APOLOGY]
    assert (ruling.penalties, ruling.by, ruling.at) == (("points",), AGENT.id, story.now)
    assert {notice.facts["outcome"] for notice in story.sent("ruled")} == {"upheld"}


@pytest.mark.rule("COO-3")
def test_a_dismissed_complaint_brings_nothing() -> None:
    story = Story().to_ruling()
    grants = story.refused(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5", remedies=(REFUND,))
    assert (grants.code, grants.rule) == ("nothing_to_grant", "COO-3")
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    assert not story.open_case.remedies
    assert not story.open_case.penalties
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("COO-3", "ESC-1")
def test_a_ruling_that_is_late_raises_the_case() -> None:
    story = Story().to_ruling()
    due = story.clock(ClockKind.RULING).due
    assert due.isoformat() == "2026-03-04T10:00:00+00:00"  # two working days
    story.wait(days=3)
    ruling = [clock for clock in story.open_case.clocks if clock.kind is ClockKind.RULING]
    assert ruling[0].state is ClockState.MISSED
    assert any(fact.escalation.clock == "ruling" for fact in story.all(facts.LevelRaised))


# --- PEN-1 ------------------------------------------------------------------------------------


@pytest.mark.rule("PEN-1")
def test_each_penalty_is_entered_once_citing_case_rule_and_policy() -> None:
    story = Story().to_ruling()
    story.accepted(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(EXCHANGE,), penalties=ALL_PENALTIES
    )
    applied = penalties(story)
    assert [effect.kind for effect in applied] == [
        PenaltyKind.LISTING_REMOVED,
        PenaltyKind.POINTS,
        PenaltyKind.RANKED_DOWN,
    ]
    assert len({effect.key for effect in applied}) == 3
    for effect in applied:
        assert effect.key.startswith("buyer-017/order-1001:")
        assert (effect.seller, effect.rule, effect.policy) == ("seller-204", "PEN-1", "platform@2024-07-22")
    assert [effect.points for effect in applied] == [None, 2, None]
    assert [penalty.state for penalty in story.open_case.penalties] == [PenaltyState.APPLIED] * 3
    entries = len(story.entries)
    story.happen(
        events.EffectsReported(
            results=tuple(events.Result(key=e.key, outcome=effects.Done(at=story.now)) for e in applied)
        )
    )
    assert len(story.entries) == entries, "reported twice, entered once"


@pytest.mark.rule("PEN-1")
def test_a_penalty_that_the_table_does_not_hold_is_refused() -> None:
    story = Story().to_ruling()
    refusal = story.refused(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(EXCHANGE,), penalties=("flogging",)
    )
    assert (refusal.code, refusal.rule) == ("unknown_penalty", "PEN-1")
    assert not penalties(story)


@pytest.mark.rule("COO-1")
def test_agreement_and_dismissal_bring_no_penalty() -> None:
    story = Story().to_follow_up()
    assert not penalties(story)
    other = Story().to_ruling()
    refusal = other.refused(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5", penalties=("points",))
    assert refusal.code == "nothing_to_grant"


# --- PEN-8 ------------------------------------------------------------------------------------


@pytest.mark.rule("PEN-8")
@pytest.mark.parametrize(
    ("category", "kind", "days"),
    [
        (Category.AFTER_SALES, RemedyKind.RETURN_AND_REFUND, 7),
        (Category.AFTER_SALES, RemedyKind.EXCHANGE, 90),
        (Category.QUALITY, RemedyKind.RETURN_AND_REFUND, 90),
        (Category.QUALITY, RemedyKind.REPAIR, 365),
    ],
)
def test_remedies_follow_the_days_since_receipt(category: Category, kind: RemedyKind, days: int) -> None:
    cause = "defective_goods" if category is Category.QUALITY else "service_refused"
    for late, accepted in ((timedelta(), True), (timedelta(seconds=1), False)):
        story = Story()
        received = START - timedelta(days=days) - late
        story.order = order(received_at=received, purchased_at=received - timedelta(days=1))
        claim = Claim(remedies=(kind,), problem_since=START)
        story.to_coordination(category=category, cause=cause, claim=claim)
        terms = RemedyTerms(kind=kind)
        if accepted:
            story.accepted(events.ProposeRemedy, BUYER, terms=terms)
            entry = story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
            assert "PEN-8" in entry.rules
        else:
            refusal = story.refused(events.ProposeRemedy, BUYER, terms=terms)
            assert (refusal.code, refusal.rule) == ("remedy_window_over", "PEN-8")
            assert f"{days} days after receipt" in refusal.message


@pytest.mark.rule("PEN-8")
def test_the_complaint_counts_and_not_the_length_of_the_procedure() -> None:
    """Asked for in time, a return stays possible however long mediation takes."""
    story = Story()
    story.order = order(received_at=START - timedelta(days=7))
    story.to_coordination(category=Category.AFTER_SALES, cause="service_refused")
    story.wait(days=2)
    story.accepted(events.ProposeRemedy, BUYER, terms=RETURN)
    entry = story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert "PEN-8" in entry.rules


@pytest.mark.rule("COO-1", "PEN-8")
def test_payments_are_capped_over_the_whole_case() -> None:
    """Two refunds never come to more than was paid, in one ruling or in two."""
    story = Story().to_ruling()
    part = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=10_000)
    twice = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(part, part))
    assert (twice.code, twice.rule) == ("amount", "COO-1")
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(part,))
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    again = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(RETURN,))
    assert "19900 is over 9900" in again.message
    rest = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=9_900)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(rest,))
    assert story.at(Stage.FOLLOW_UP)
