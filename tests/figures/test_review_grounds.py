"""On which grounds a seller may complain about which reviews, and whose reviews go."""

from typing import NamedTuple

import pytest

from policies.schema import Category, Party, Rating, RemedyKind, Stage
from states import events
from states.values import ReviewComplaint
from tests.figures.cases import (
    EVIDENCE,
    allowed,
    filed,
    found,
    in_verification,
    other_side,
    refusal,
    terms,
)
from tests.states.story import Story, item

ALL, NOT_POSITIVE = set(Rating), {Rating.NEUTRAL, Rating.NEGATIVE}
ONE, BOTH = RemedyKind.REVIEW_REMOVAL, RemedyKind.REVIEWS_REMOVAL


class Row(NamedTuple):
    """A ground: the ratings it fits, what it may consist in with what is removed then, and who has to prove it."""

    ratings: set[Rating]
    removes: dict[str | None, RemedyKind]
    burden: Party = Party.COMPLAINANT


GROUNDS = {
    "abusive_wording": Row(ALL, {None: ONE}),
    "same_trade": Row(NOT_POSITIVE, {None: ONE}, burden=Party.RESPONDENT),
    "coercion": Row(NOT_POSITIVE, {"refund_without_return": ONE, "price_cut": ONE, "other_demand": ONE}),
    "carrier_fault": Row(NOT_POSITIVE, {None: ONE}),
    "other_malicious": Row(
        ALL, {"no_real_transaction": BOTH, "prohibited_goods": BOTH, "third_party_fraud": BOTH, "other": ONE}
    ),
}
ALL_CIRCUMSTANCES = {circumstance for row in GROUNDS.values() for circumstance in row.removes}


def about(ground: str, circumstance: str | None, rating: Rating = Rating.NEGATIVE) -> ReviewComplaint:
    return ReviewComplaint(review="review-1", rating=rating, ground=ground, circumstance=circumstance)


def first(ground: str) -> ReviewComplaint:
    return about(ground, next(iter(GROUNDS[ground].removes)))


@pytest.mark.parametrize("ground", [*GROUNDS, "just_bad"])
@pytest.mark.parametrize("rating", list(Rating))
@pytest.mark.rule("ADM-6")
def test_ratings_say_which_reviews_a_ground_fits(ground: str, rating: Rating) -> None:
    row = GROUNDS.get(ground)
    circumstance = next(iter(row.removes)) if row else None
    story = filed(Category.MALICIOUS_REVIEW, review=about(ground, circumstance, rating))
    assert story.at(Stage.ACCEPTANCE) is (row is not None and rating in row.ratings)


@pytest.mark.parametrize("ground", list(GROUNDS))
@pytest.mark.rule("ADM-6")
def test_circumstances_are_those_of_the_ground(ground: str) -> None:
    removes = GROUNDS[ground].removes
    for circumstance in ALL_CIRCUMSTANCES:
        story = filed(Category.MALICIOUS_REVIEW, review=about(ground, circumstance))
        assert story.at(Stage.ACCEPTANCE) is (circumstance in removes or None in removes), circumstance


@pytest.mark.parametrize(
    ("ground", "circumstance"), [(ground, each) for ground, row in GROUNDS.items() for each in row.removes]
)
@pytest.mark.rule("ADM-6")
def test_removes_says_whose_reviews_go(ground: str, circumstance: str | None) -> None:
    story = found(in_verification(Category.MALICIOUS_REVIEW, review=about(ground, circumstance)))
    for kind in (ONE, BOTH):
        possible = allowed(story, events.ProposeRemedy, terms=terms(kind))
        assert possible is (kind is GROUNDS[ground].removes[circumstance])


def silent(story: Story, party: Party) -> Story:
    """The party is asked for everything and answers nothing."""
    story.accepted(events.RequestEvidence, party=party, wanted=EVIDENCE)
    story.wait(days=3, hours=12)
    return story


@pytest.mark.parametrize("ground", list(GROUNDS))
@pytest.mark.rule("VER-1")
def test_burden_says_who_has_to_prove_on_a_ground(ground: str) -> None:
    burden = GROUNDS[ground].burden
    for party in (Party.COMPLAINANT, Party.RESPONDENT):
        story = silent(in_verification(Category.MALICIOUS_REVIEW, review=first(ground), evidence=()), party)
        assert story.at(Stage.RULING) is (party is burden)
    proven = {"proven": True, "responsible": Party.RESPONDENT, "cause": ground, "evidence": ()}
    told = refusal(
        in_verification(Category.MALICIOUS_REVIEW, review=first(ground), evidence=()),
        events.RecordFinding,
        None,
        **proven,
    )
    assert (told is None) is (burden is Party.RESPONDENT)


@pytest.mark.parametrize("kind", EVIDENCE)
@pytest.mark.rule("VER-1")
def test_checklist_of_the_reviewer_is_satisfied_by_a_kind_of_it(kind: str) -> None:
    """Where it is for the reviewer to prove."""
    story = in_verification(Category.MALICIOUS_REVIEW, review=first("same_trade"), evidence=())
    story.accepted(events.SubmitEvidence, other_side(story), items=(item(kind),))
    kept = silent(story, Party.RESPONDENT).at(Stage.VERIFICATION)
    assert kept is (kind in ("photo", "video", "chat_log", "screenshot"))
