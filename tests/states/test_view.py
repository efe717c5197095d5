"""What each reader sees of a case: the row for lists, the complainant's progress, the page for operators."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from policies.book import default_book
from policies.schema import (
    Category,
    Channel,
    Counted,
    OrderState,
    Outcome,
    Party,
    PenaltyKind,
    Rating,
    RemedyKind,
    Route,
    Stage,
)
from states import events, view
from states.case import Case
from states.values import (
    Claim,
    ClaimantHistory,
    Occurrence,
    OccurrenceState,
    Penalty,
    PenaltyState,
    ReviewComplaint,
    SellerContact,
    StaffConduct,
)
from tests.states.story import AGENT, BUYER, EXCHANGE, SELLER, START, Story, item, order, text


def page(case: Case) -> list[str]:
    return view.page(case, default_book().policy(case.policy)).splitlines()


def dismissed() -> Story:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, proven=False)
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    return story


@pytest.mark.rule("COO-6")
def test_the_row_keeps_complaints_and_disputes_and_the_reasons_for_returns_apart() -> None:
    claim = Claim(remedies=(RemedyKind.RETURN_AND_REFUND,), return_reason="quality")
    settled = Story()
    settled.file(seller_contact=SellerContact.NOT_APPROACHED, claim=claim)
    settled.accepted(events.ReportSellerContact, BUYER, result=SellerContact.SOLVED)
    complaint = view.row(settled.open_case)
    assert (complaint.disputed_at, complaint.return_reason) == (None, "quality")
    story = Story()
    story.file(seller_contact=SellerContact.NOT_APPROACHED)
    assert view.row(story.open_case).disputed_at is None
    story.wait(hours=48)
    assert story.at(Stage.ACCEPTANCE)
    dispute = view.row(story.open_case)
    assert (dispute.disputed_at, dispute.return_reason) == (START + timedelta(hours=48), None)
    assert any(line.startswith("- a dispute since 2026-03-04 09:00") for line in page(story.open_case))


def test_the_row_counts_hearings_and_names_both_policies() -> None:
    story = dismissed()
    assert view.row(story.open_case).hearings == 1
    story.accepted(events.RequestReview, BUYER, channel=Channel.HOTLINE)
    row = view.row(story.open_case)
    assert (row.hearings, row.penalty_policy) == (2, row.policy)
    assert view.row(replace(story.open_case, penalty_policy=None)).penalty_policy is None


@pytest.mark.rule("ADM-4", "ADM-3")
def test_progress_shows_what_is_unclear_and_which_category_is_offered() -> None:
    story = Story()
    story.file(description=text("x"))
    assert view.progress(story.open_case).asked_of_you == ("Q1: completion: time, place, goods, service, claim",)
    early = Story()
    early.file(category=Category.FALSE_SHIPMENT)
    assert view.progress(early.open_case).asked_of_you == ("Q1: category_offer: late_shipment",)


def coordinating() -> Story:
    return Story().to_coordination()


def proposing() -> Story:
    story = coordinating()
    story.accepted(events.ProposeRemedy, BUYER, terms=EXCHANGE)
    return story


def completing() -> Story:
    story = Story().to_acceptance()
    story.accepted(events.RequestCompletion, wanted=("time",))
    return story


def asking_for_consent() -> Story:
    story = Story().to_acceptance()
    story.accepted(events.HandOver, route=Route.LOGISTICS)
    return story


def handed_over() -> Story:
    story = asking_for_consent()
    story.accepted(events.AnswerHandOff, BUYER, hand_off="H1", agreed=True, channel=Channel.HOTLINE)
    return story


def offering() -> Story:
    story = Story().to_acceptance(category=Category.NOT_RECEIVED, claim=Claim(remedies=(RemedyKind.REFUND,)))
    story.accepted(events.OfferSolution, text=text("solution"))
    return story


@pytest.mark.parametrize(
    ("there", "acts"),
    [
        (lambda: Story().to_acceptance(), ""),
        (coordinating, "correct_act"),
        (proposing, "answer_proposal correct_act"),
        (completing, "complete_complaint"),
        (asking_for_consent, "answer_hand_off recall_hand_off"),
        (handed_over, "take_hand_off return_hand_off refuse_hand_off recall_hand_off"),
        (offering, "answer_offer"),
        (lambda: Story().to_feedback(EXCHANGE), "report_remedy"),
    ],
)
def test_an_act_on_something_is_listed_while_it_is_there(there: Callable[[], Story], acts: str) -> None:
    assert view.possible_acts(there().open_case) & view.ABOUT.keys() == set(acts.split())


@pytest.mark.rule("ESC-7")
def test_the_page_says_which_hearing_it_is_and_who_may_not_decide() -> None:
    story = dismissed()
    assert not [line for line in page(story.open_case) if line.startswith("- hearing")]
    story.accepted(events.RequestReview, BUYER, channel=Channel.HOTLINE)
    assert f"- hearing 2: review, not by {AGENT.id}" in page(story.open_case)
    last = replace(story.open_case.hearing, final=True)
    case = replace(story.open_case, hearings=(*story.open_case.hearings[:-1], last))
    assert f"- hearing 2: review, the last that is possible, not by {AGENT.id}" in page(case)
    assert ", final" not in page(case)[0]
    assert ", outcome dismissed, final, " in page(replace(case, outcome=Outcome.DISMISSED))[0]


@pytest.mark.rule("APL-1")
def test_the_page_shows_an_appeal_that_is_being_examined_and_the_order_it_depends_on() -> None:
    story = Story()
    story.order = order(state=OrderState.SUCCEEDED, state_since=START)
    story.to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, proven=False)
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    story.hold = True
    story.accepted(events.FileAppeal, SELLER, channel=Channel.HOTLINE, items=(item("video"),))
    lines = page(story.open_case)
    assert "- appeal A1 by the respondent is being examined" in lines
    assert "- order order-1001: succeeded since 2026-03-02 09:00, paid 199.00" in lines


def test_the_page_shows_what_the_case_brought_and_showed() -> None:
    case = Story().to_verification().open_case
    penalty = Penalty(
        id="N1",
        row="listing",
        kind=PenaltyKind.LISTING_REMOVED,
        against=Party.RESPONDENT,
        rule="PEN-9",
        policy="platform@2024-07-22",
        key="k",
        state=PenaltyState.APPLIED,
    )
    counted = Occurrence(id="O1", counts=Counted.UPHELD_COMPLAINT, key="k", state=OccurrenceState.COUNTED, count=3)
    found = StaffConduct(id="C1", row="late_reply", staff="staff-9", at=START, amount_fen=5_000, by="engine")
    lines = page(
        replace(
            case,
            penalties=(penalty,),
            occurrences=(counted, replace(counted, id="O2", state=OccurrenceState.RECORDED, count=None)),
            staff_conduct=(found,),
            claimant_history=ClaimantHistory(complaints=12),
            agent_concerned="agent-09",
            penalty_policy=None,
        )
    )
    for line in (
        "- penalty N1 against the respondent: listing (applied)",
        "- counted O1: upheld_complaint (counted, number 3 in its window)",
        "- counted O2: upheld_complaint (recorded)",
        "- conduct C1 of staff-9: late_reply, 50.00",
        "- earlier complaints of the complainant: 12",
        "- about the handling by agent-09, who does not handle it",
        "- penalties by: no policy",
    ):
        assert line in lines


def test_the_page_of_a_complaint_about_a_review_names_it() -> None:
    given = ReviewComplaint(review="review-7", rating=Rating.NEGATIVE, ground="coercion")
    case = replace(Story().to_verification().open_case, review=given)
    assert "- review review-7, negative: coercion" in page(case)
    case = replace(case, review=replace(given, circumstance="void_trade"))
    assert "- review review-7, negative: coercion (void_trade)" in page(case)
