"""Sellers complain about reviews, on five grounds (ADM-6)."""

from typing import Any

import pytest
from msgspec.structs import replace

from policies.schema import Category, Ground, Party, Rating, RemedyKind, ReviewGroundRule, Role, Stage
from states import events, facts
from states.values import Actor, RemedyTerms, ReviewComplaint, SellerContact
from tests.states.story import BUYER, SELLER, Story, item, order, text
from tests.states.test_admission import book_with, grounds, platform
from tests.states.test_categories import about, in_verification

GROUNDS: dict[str, ReviewGroundRule] = platform().review_grounds
CAUSES = platform().categories[Category.MALICIOUS_REVIEW].causes
REVIEWER = Actor(id=BUYER.id, role=Role.RESPONDENT)
COMPLAINING_SELLER = Actor(id=SELLER.id, role=Role.COMPLAINANT)


def a_review(ground: str, rating: Rating = Rating.NEGATIVE, circumstance: str | None = None) -> ReviewComplaint:
    return ReviewComplaint(review="review-55", rating=rating, ground=ground, circumstance=circumstance)


def filed(review: ReviewComplaint, **changes: Any) -> Story:
    """A seller's complaint about a review."""
    story = Story()
    story.file(**about(Category.MALICIOUS_REVIEW) | {"review": review} | changes)
    return story


def first_circumstance(ground: str) -> str | None:
    return next(iter(GROUNDS[ground].circumstances), None)


@pytest.mark.rule("ADM-6")
@pytest.mark.parametrize("rating", Rating)
@pytest.mark.parametrize("ground", GROUNDS)
def test_each_ground_is_admitted_for_the_ratings_that_it_concerns(ground: str, rating: Rating) -> None:
    story = filed(a_review(ground, rating, first_circumstance(ground)))
    if rating in GROUNDS[ground].ratings:
        assert story.at(Stage.ACCEPTANCE)
    else:
        assert grounds(story) == Ground.NO_REVIEW_GROUND
        assert story.sent("refused")[0].facts["rating"] == rating


@pytest.mark.rule("ADM-6")
def test_there_are_five_grounds_of_which_three_concern_neutral_and_negative_reviews_only() -> None:
    assert len(GROUNDS) == 5
    for ground in ("same_trade", "coercion", "carrier_fault"):
        assert not filed(a_review(ground, Rating.POSITIVE, first_circumstance(ground))).at(Stage.ACCEPTANCE)
    for ground in ("abusive_wording", "other_malicious"):
        assert filed(a_review(ground, Rating.POSITIVE, first_circumstance(ground))).at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-6")
def test_anything_else_is_no_ground() -> None:
    assert grounds(filed(a_review("unfair_tone"))) == Ground.NO_REVIEW_GROUND


@pytest.mark.rule("ADM-6")
def test_reopened_all_the_same_a_complaint_on_another_ground_has_no_review_removed() -> None:
    story = filed(a_review("unfair_tone"), evidence=(item("review"),))
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
    story.accepted(events.SubmitStatement, REVIEWER, text=text("statement"))
    story.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="coercion", evidence=("E1",))
    for kind in (RemedyKind.REVIEW_REMOVAL, RemedyKind.REVIEWS_REMOVAL):
        refusal = story.refused(events.ProposeRemedy, COMPLAINING_SELLER, terms=RemedyTerms(kind=kind))
        assert (refusal.code, refusal.rule) == ("no_review_ground", "ADM-6")


@pytest.mark.rule("ADM-6")
@pytest.mark.parametrize("ground", [ground for ground, row in GROUNDS.items() if row.circumstances])
@pytest.mark.parametrize("circumstance", [None, "bad_weather"])
def test_a_ground_that_has_circumstances_needs_one_of_them(ground: str, circumstance: str | None) -> None:
    assert grounds(filed(a_review(ground, circumstance=circumstance))) == Ground.NO_REVIEW_GROUND
    for each in GROUNDS[ground].circumstances:
        assert filed(a_review(ground, circumstance=each)).at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-6", "ADM-1")
def test_the_seller_of_the_order_complains_and_its_buyer_answers() -> None:
    story = filed(a_review("abusive_wording"), respondent="buyer-099", seller_contact=SellerContact.NOT_APPROACHED)
    case = story.open_case
    assert case.stage is Stage.ACCEPTANCE, "nobody has to turn to the seller first"
    assert case.standing
    assert (case.complainant, case.respondent) == (SELLER.id, BUYER.id)
    story.accepted(events.AcceptComplaint)
    assert [notice.recipient for notice in story.sent("statement_wanted")] == [BUYER.id]


@pytest.mark.rule("ADM-6", "ADM-1")
@pytest.mark.parametrize("seller", ["seller-300", BUYER.id])
def test_nobody_else_has_standing(seller: str) -> None:
    story = Story()
    story.order = order(seller=seller)
    story.file(**about(Category.MALICIOUS_REVIEW))
    assert not story.open_case.standing
    assert story.at(Stage.INTAKE)
    buyers = Story()
    buyers.file(**about(Category.MALICIOUS_REVIEW) | {"actor": BUYER, "complainant": BUYER.id, "respondent": SELLER.id})
    assert not buyers.open_case.standing


@pytest.mark.rule("ADM-6")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"review": None}, "field_missing"),
        ({"category": Category.SERVICE_ATTITUDE}, "field_not_wanted"),
    ],
)
def test_a_review_is_named_where_one_is_complained_about_and_only_there(given: dict[str, Any], code: str) -> None:
    refusal = Story().file(**about(Category.MALICIOUS_REVIEW) | given).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == (code, "ADM-6")
    assert refusal.message.startswith("review: ")


@pytest.mark.rule("ADM-6")
def test_an_agent_refuses_a_review_complaint_for_want_of_a_ground() -> None:
    story = filed(a_review("abusive_wording"))
    story.accepted(events.RefuseComplaint, ground=Ground.NO_REVIEW_GROUND)
    assert grounds(story) == Ground.NO_REVIEW_GROUND


# --- who has to prove -----------------------------------------------------------------------------


@pytest.mark.rule("ADM-6", "VER-1")
@pytest.mark.parametrize("ground", GROUNDS)
def test_who_has_to_prove_follows_the_ground(ground: str) -> None:
    review = a_review(ground, circumstance=first_circumstance(ground))
    bearer = GROUNDS[ground].burden or Party.COMPLAINANT
    assert (bearer is Party.RESPONDENT) == (ground == "same_trade")
    for party in (Party.COMPLAINANT, Party.RESPONDENT):
        story = in_verification(Category.MALICIOUS_REVIEW, review=review, evidence=())
        story.accepted(events.RequestEvidence, party=party, wanted=("screenshot",))
        story.wait(days=4)
        assert story.at(Stage.RULING if party is bearer else Stage.VERIFICATION)
        if party is bearer:
            assert story.open_case.finding is not None
            assert story.open_case.finding.proven is (party is Party.RESPONDENT)
            assert "ADM-6" in story.all(facts.FindingMade)[0].rules


@pytest.mark.rule("ADM-6")
def test_a_competitor_without_sufficient_proof_loses() -> None:
    story = in_verification(Category.MALICIOUS_REVIEW, review=a_review("same_trade"), evidence=())
    story.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause=CAUSES[0])
    assert story.at(Stage.COORDINATION)


@pytest.mark.rule("ADM-6", "VER-2")
def test_on_the_other_grounds_the_seller_brings_the_review() -> None:
    story = in_verification(Category.MALICIOUS_REVIEW, evidence=())
    found: dict[str, Any] = {"proven": True, "responsible": Party.RESPONDENT, "cause": CAUSES[0]}
    assert story.refused(events.RecordFinding, **found).code == "evidence_missing"
    story.accepted(events.SubmitEvidence, COMPLAINING_SELLER, items=(item("review"),))
    story.accepted(events.RecordFinding, **found, evidence=("E1",))


@pytest.mark.rule("ADM-6", "VER-1")
@pytest.mark.parametrize(("causes", "presumed"), [(("coercion", "same_trade"), "same_trade"), (("lies",), "lies")])
def test_what_is_presumed_against_a_silent_reviewer_is_what_the_review_is_complained_about_for(
    causes: tuple[str, ...], presumed: str
) -> None:
    rules = platform().categories
    changed = replace(rules[Category.MALICIOUS_REVIEW], causes=causes)
    story = Story(book_with(categories=rules | {Category.MALICIOUS_REVIEW: changed}))
    story.file(**about(Category.MALICIOUS_REVIEW) | {"review": a_review("same_trade")}, evidence=())
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, REVIEWER, text=text("statement"))
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("chat_log",))
    story.wait(days=4)
    assert story.open_case.finding is not None
    assert story.open_case.finding.cause == presumed


@pytest.mark.rule("VER-3")
def test_a_reviewers_silence_is_no_passive_service() -> None:
    story = filed(a_review("abusive_wording"))
    story.accepted(events.AcceptComplaint)
    story.wait(hours=48)
    (recorded,) = story.all(facts.ConductRecorded)
    assert (recorded.conduct.party, recorded.rules) == (Party.RESPONDENT, ("VER-3",))
    story.accepted(events.SubmitStatement, REVIEWER, text=text("late"))
