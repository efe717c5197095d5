"""Rulings, and remedies on their way from the promise to its end (COO-2, COO-3, PEN-8, VER-6, VER-12, FUP-3)."""

from datetime import timedelta
from typing import Any

import pytest

from policies.schema import Action, Category, ClockKind, Outcome, Party, Rating, RemedyKind, Role, Stage
from states import effects, events, facts
from states.events import ProposalAnswer
from states.values import (
    Actor,
    Claim,
    ClockState,
    ConductKind,
    PenaltyState,
    RemedyState,
    RemedyTerms,
    ReviewComplaint,
    Violation,
)
from tests.states.story import (
    AGENT,
    BUYER,
    CHIEF,
    EXCHANGE,
    REFUND,
    RETURN,
    SELLER,
    START,
    Story,
    item,
    order,
    text,
)

POINTS = Violation(row="points")
LISTING = (item("listing"), item("screenshot"))


def carried_out(story: Story) -> list[effects.CarryOut]:
    """Every step that the platform's services were asked to do."""
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.CarryOut)]


def about_price(**changes: Any) -> Story:
    claim = Claim(remedies=(RemedyKind.REFUND,), amount_fen=1_000)
    given = {"category": Category.PRICE_PROMOTION, "cause": "price_misstated", "claim": claim, "evidence": LISTING}
    return Story().to_ruling(**given | changes)


def price_checked() -> Story:
    """The complaint about a price was checked, and nothing proven."""
    story = Story().to_verification(category=Category.PRICE_PROMOTION, evidence=LISTING)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(events.RecordFinding, proven=False)
    return story


def about_review(ground: str, circumstance: str | None = None) -> Story:
    """A seller's complaint about a review, ready for the ruling."""
    story = Story()
    buyer = Actor(id=BUYER.id, role=Role.RESPONDENT)
    review = ReviewComplaint(review="review-9", rating=Rating.NEGATIVE, ground=ground, circumstance=circumstance)
    story.file(
        actor=Actor(id=SELLER.id, role=Role.COMPLAINANT),
        complainant=SELLER.id,
        respondent=buyer.id,
        category=Category.MALICIOUS_REVIEW,
        claim=Claim(remedies=(RemedyKind.REVIEW_REMOVAL,)),
        review=review,
        evidence=(item("review"),),
    )
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, buyer, text=text("statement"))
    story.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause=ground, evidence=("E1",))
    story.accepted(events.CallForRuling)
    return story


@pytest.mark.rule("COO-3", "TRA-1")
def test_a_ruling_states_findings_rule_remedies_penalties_and_reasons() -> None:
    story = Story().to_ruling()
    assert story.refused(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5", reason=None).rule == "COO-3"
    assert story.refused(events.IssueRuling, outcome=Outcome.AGREED, rule="VER-5").code == "wrong_outcome"
    assert story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5").code == "remedy_missing"
    entry = story.accepted(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND,), penalties=(POINTS,)
    )
    assert {"COO-3", "VER-4", "TRA-1", "PEN-1"} <= set(entry.rules)
    ruling = story.open_case.ruling
    assert ruling is not None
    assert ruling.finding.cause == "defective_goods"
    assert (ruling.outcome, ruling.rule, ruling.reasons) == (Outcome.UPHELD, "VER-5", text("reason"))
    assert [terms.kind for terms in ruling.remedies] == [RemedyKind.REFUND, RemedyKind.APOLOGY]
    assert (ruling.penalties, ruling.by, ruling.at, ruling.final) == ((POINTS,), AGENT.id, story.now, False)
    assert {notice.facts["outcome"] for notice in story.sent("ruled")} == {"upheld"}
    assert {notice.party for notice in story.sent("ruled")} == {Party.COMPLAINANT, Party.RESPONDENT}


@pytest.mark.rule("COO-3")
def test_a_dismissed_complaint_brings_no_remedy() -> None:
    story = Story().to_ruling()
    grants = story.refused(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5", remedies=(REFUND,))
    assert (grants.code, grants.rule) == ("nothing_to_grant", "COO-3")
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    assert not story.open_case.remedies
    assert not story.open_case.penalties
    assert not story.open_case.occurrences
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("COO-3", "VER-4")
def test_what_is_not_proven_cannot_be_upheld() -> None:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(events.RecordFinding, proven=False)
    refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND,))
    assert (refusal.code, refusal.rule) == ("not_proven", "VER-4")
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")


@pytest.mark.rule("COO-3", "ESC-1")
def test_a_ruling_that_is_late_raises_the_case() -> None:
    story = Story().to_ruling()
    due = story.clock(ClockKind.RULING).due
    assert due.isoformat() == "2026-03-04T10:00:00+00:00"  # two working days
    story.wait(days=3)
    ruling = [clock for clock in story.open_case.clocks if clock.kind is ClockKind.RULING]
    assert ruling[0].state is ClockState.MISSED
    assert any(fact.escalation.clock == "ruling" for fact in story.all(facts.LevelRaised))


# --- VER-12: explained ------------------------------------------------------------------------


@pytest.mark.rule("VER-12", "COO-3")
def test_a_complaint_about_a_price_can_end_in_an_explanation() -> None:
    story = price_checked()
    for brings in ({"remedies": (REFUND,)}, {"penalties": (POINTS,)}):
        refusal = story.refused(events.IssueRuling, outcome=Outcome.EXPLAINED, rule="VER-12", **brings)
        assert (refusal.code, refusal.rule) == ("nothing_to_grant", "VER-12")
    entry = story.accepted(events.IssueRuling, outcome=Outcome.EXPLAINED, rule="VER-12")
    assert "VER-12" in entry.rules
    assert story.open_case.outcome is Outcome.EXPLAINED
    assert not story.open_case.remedies
    assert not story.open_case.penalties
    assert not story.open_case.occurrences
    assert {notice.facts["outcome"] for notice in story.sent("explained")} == {"explained"}
    assert not story.sent("ruled")
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("VER-12")
def test_what_is_proven_is_not_explained_away() -> None:
    refusal = about_price().refused(events.IssueRuling, outcome=Outcome.EXPLAINED, rule="VER-12")
    assert (refusal.code, refusal.rule) == ("proven", "VER-12")


@pytest.mark.rule("VER-12")
def test_the_notice_of_an_explanation_shows_how_to_report() -> None:
    story = price_checked()
    entry = story.accepted(events.IssueRuling, outcome=Outcome.EXPLAINED, rule="VER-12")
    assert "VER-12" in entry.rules
    told = story.book.policy(story.open_case.policy).pack.notices[story.sent("explained")[0].template].text
    assert "report button" in told["en"]
    assert "举报" in told["zh-CN"]


@pytest.mark.rule("COO-3")
def test_other_complaints_are_not_merely_explained() -> None:
    refusal = Story().to_ruling().refused(events.IssueRuling, outcome=Outcome.EXPLAINED, rule="VER-12")
    assert (refusal.code, refusal.rule) == ("wrong_outcome", "COO-3")
    assert refusal.message.endswith("upheld, dismissed")


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


@pytest.mark.rule("PEN-8")
def test_each_order_has_its_own_days() -> None:
    story = Story()
    late = START - timedelta(days=91)
    story.other_orders = {"order-1002": order(order="order-1002", received_at=late, purchased_at=late)}
    story.to_ruling(orders=("order-1001", "order-1002"))
    second = RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND, order="order-1002")
    refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(second,))
    assert (refusal.code, refusal.rule) == ("remedy_window_over", "PEN-8")
    entry = story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(RETURN,))
    assert "PEN-8" in entry.rules


# --- ADM-6: the removal of reviews ------------------------------------------------------------


@pytest.mark.rule("ADM-6")
@pytest.mark.parametrize(
    ("ground", "circumstance", "kind", "action"),
    [
        ("abusive_wording", None, RemedyKind.REVIEW_REMOVAL, Action.REMOVE_REVIEW),
        ("coercion", "price_cut", RemedyKind.REVIEW_REMOVAL, Action.REMOVE_REVIEW),
        ("other_malicious", "other", RemedyKind.REVIEW_REMOVAL, Action.REMOVE_REVIEW),
        ("other_malicious", "no_real_transaction", RemedyKind.REVIEWS_REMOVAL, Action.REMOVE_REVIEWS),
        ("other_malicious", "prohibited_goods", RemedyKind.REVIEWS_REMOVAL, Action.REMOVE_REVIEWS),
        ("other_malicious", "third_party_fraud", RemedyKind.REVIEWS_REMOVAL, Action.REMOVE_REVIEWS),
    ],
)
def test_whose_reviews_go_follows_from_the_ground(
    ground: str, circumstance: str | None, kind: RemedyKind, action: Action
) -> None:
    """The trade was void, prohibited or a third party's fraud: the reviews of both sides go; else that of one."""
    story = about_review(ground, circumstance)
    (other,) = {RemedyKind.REVIEW_REMOVAL, RemedyKind.REVIEWS_REMOVAL} - {kind}
    wrong = (RemedyTerms(kind=other),)
    refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="ADM-6", remedies=wrong)
    assert (refusal.code, refusal.rule) == ("wrong_removal", "ADM-6")
    entry = story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="ADM-6", remedies=(RemedyTerms(kind=kind),))
    assert "ADM-6" in entry.rules
    (effect,) = carried_out(story)
    assert (effect.action, effect.review, effect.beneficiary) == (action, "review-9", SELLER.id)
    assert effect.amount_fen is None
    assert story.open_case.remedies[0].state is RemedyState.DONE
    assert not story.open_case.occurrences, "the seller complained: nothing counts against it"


# --- COO-2 and FUP-3: carried out -------------------------------------------------------------


@pytest.mark.rule("COO-2", "FUP-3")
def test_a_step_of_the_platform_is_done_once_for_the_order_that_it_is_for() -> None:
    story = Story()
    story.other_orders = {"order-1002": order(order="order-1002", paid_fen=5_000)}
    story.to_ruling(orders=("order-1001", "order-1002"))
    second = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=5_000, order="order-1002")
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND, second))
    first, other = carried_out(story)
    assert (first.order, first.amount_fen) == ("order-1001", 19_900)
    assert (other.order, other.amount_fen) == ("order-1002", 5_000)
    assert first.key != other.key
    refund = story.open_case.remedies[0]
    assert (refund.state, refund.steps[0].key) == (RemedyState.DONE, first.key)
    assert refund.steps[0].reference == f"ref:{first.key}"
    assert story.clock(ClockKind.PAYOUT, refund.id).state is ClockState.MET
    before = story.open_case
    done = effects.Done(at=story.now)
    story.happen(events.EffectsReported(results=(events.Result(key=first.key, outcome=done),)))
    assert story.open_case == before, "reported twice, done once"


@pytest.mark.rule("COO-2", "FUP-3")
def test_a_return_is_refunded_in_full_for_its_own_order() -> None:
    story = Story()
    story.other_orders = {"order-1002": order(order="order-1002", paid_fen=4_321)}
    story.to_ruling(orders=("order-1001", "order-1002"))
    second = RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND, order="order-1002")
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(second,))
    assert not carried_out(story), "the goods go back first"
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=True)
    (refund,) = carried_out(story)
    assert (refund.order, refund.amount_fen) == ("order-1002", 4_321)


@pytest.mark.rule("COO-1")
def test_a_remedy_for_an_order_that_is_not_of_the_case_is_refused() -> None:
    story = Story().to_ruling(orders=("order-1001", "order-9999"))  # the platform knows no order-9999
    for name, rule in (("order-5555", "COO-1"), ("order-9999", "ADM-1")):
        terms = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=1, order=name)
        refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(terms,))
        assert (refusal.code, refusal.rule) == ("unknown_order", rule)
    first = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=1, order="order-1001")
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(first,))
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)


@pytest.mark.rule("COO-1")
def test_amounts_are_stated_where_they_have_to_be_and_nowhere_else() -> None:
    story = Story().to_ruling()
    for terms in (RemedyTerms(kind=RemedyKind.REFUND), RemedyTerms(kind=RemedyKind.EXCHANGE, amount_fen=1)):
        refusal = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(terms,))
        assert (refusal.code, refusal.rule) == ("amount", "COO-1")


# --- VER-6: rectification is checked ----------------------------------------------------------


def rectification() -> tuple[Story, str]:
    """A seller that was found to advertise falsely says that it has put it right; the remedy's id."""
    claim = Claim(remedies=(RemedyKind.COMPENSATION,), amount_fen=1_000)
    story = Story().to_ruling(
        category=Category.FALSE_ADVERTISING, cause="false_content", claim=claim, evidence=(item("listing"),)
    )
    terms = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=1_000)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-6", remedies=(terms,))
    remedy = story.open_case.remedies[-1]
    assert remedy.terms.kind is RemedyKind.RECTIFICATION
    story.accepted(events.ReportRemedy, SELLER, remedy=remedy.id, done=True)
    return story, remedy.id


@pytest.mark.rule("VER-6", "FUP-3")
def test_an_agent_checks_that_the_seller_rectified() -> None:
    story, remedy = rectification()
    assert story.at(Stage.FEEDBACK)
    assert [effect.action for effect in carried_out(story)] == [Action.PAY_COMPENSATION], "no service is asked to check"
    assert story.clock(ClockKind.PAYOUT, remedy).state is ClockState.RUNNING
    service = Actor(id="service-1", role=Role.SERVICE)
    for actor in (SELLER, BUYER, service):
        assert story.refused(events.ReportRemedy, actor, remedy=remedy, done=True).code == "wrong_party"
    entry = story.accepted(events.ReportRemedy, CHIEF, remedy=remedy, done=True)
    assert {"VER-6", "FUP-3"} <= set(entry.rules)
    done = story.open_case.remedies[-1]
    assert (done.state, done.steps[1].reference, done.steps[1].key) == (RemedyState.DONE, CHIEF.id, "")
    assert story.clock(ClockKind.PAYOUT, remedy).state is ClockState.MET
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("VER-6", "FUP-3")
def test_a_seller_that_did_not_rectify_broke_its_promise() -> None:
    story, remedy = rectification()
    entry = story.accepted(events.ReportRemedy, AGENT, remedy=remedy, done=False)
    assert "VER-6" in entry.rules
    failed = story.open_case.remedies[-1]
    assert (failed.state, failed.failed_by) == (RemedyState.FAILED, Party.RESPONDENT)
    (conduct,) = story.open_case.conduct
    assert (conduct.kind, conduct.party) == (ConductKind.BROKEN_PROMISE, Party.RESPONDENT)
    assert story.clock(ClockKind.PAYOUT, remedy).state is ClockState.CANCELLED
    assert story.at(Stage.RULING)


@pytest.mark.rule("VER-6", "ESC-1")
def test_a_check_that_is_forgotten_raises_the_case() -> None:
    story, remedy = rectification()
    story.wait(hours=25)
    assert any(fact.escalation.clock == f"payout:{remedy}" for fact in story.all(facts.LevelRaised))
    assert story.clock(ClockKind.PAYOUT, remedy).active
    entry = story.accepted(events.ReportRemedy, AGENT, remedy=remedy, done=True)
    assert "VER-6" in entry.rules


# --- FUP-3: what is not carried out -----------------------------------------------------------


@pytest.mark.rule("FUP-3", "COO-3")
def test_what_the_platform_cannot_do_brings_the_case_back_and_blames_no_party() -> None:
    story = Story()
    story.failing = {Action.REFUND}
    story.to_ruling()
    entry = story.accepted(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND, EXCHANGE), penalties=(POINTS,)
    )
    assert "COO-3" in entry.rules
    refund = story.open_case.remedies[0]
    assert (refund.state, refund.failed_by) == (RemedyState.FAILED, Party.PLATFORM)
    assert not story.open_case.conduct
    assert story.at(Stage.RULING)
    assert story.open_case.outcome is None
    story.failing = set()
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND,))
    assert [remedy.terms.kind for remedy in story.open_case.remedies] == [
        RemedyKind.REFUND,
        RemedyKind.EXCHANGE,
        RemedyKind.APOLOGY,
        RemedyKind.REFUND,
    ], "the first ruling's other remedies go on"
    assert [penalty.state for penalty in story.open_case.penalties] == [PenaltyState.APPLIED]
