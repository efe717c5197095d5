"""Who may complain about what, for how long, and whether the seller comes first (area ADM)."""

from datetime import timedelta

import pytest

from policies.schema import Channel, ClockKind, Ground, Party, RemedyKind, Stage
from states import effects, events, facts
from states.values import Claim, ClockState, Outcome, RequestKind, SellerContact
from tests.states.story import BUYER, SELLER, START, Story, item, order, text


def grounds(story: Story) -> str:
    """The ground of the refusal that the complainant was told."""
    (notice,) = story.sent("refused")
    assert notice.party is Party.COMPLAINANT
    assert story.open_case.outcome is Outcome.REFUSED
    assert notice.facts["ground"] == story.open_case.outcome_ground
    return story.open_case.outcome_ground


# --- ADM-1 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-1")
def test_the_order_is_looked_up_and_proves_the_purchase() -> None:
    story = Story()
    story.file()
    assert isinstance(story.entries[0].facts[-1], facts.EffectOrdered)
    assert effects.LookUpOrder(key="buyer-017/order-1001:1:2", order="order-1001") in [
        fact.effect for fact in story.all(facts.EffectOrdered)
    ]
    assert story.open_case.standing
    assert story.at(Stage.ACCEPTANCE)
    assert not story.sent("proof_of_purchase_wanted")


@pytest.mark.rule("ADM-1")
@pytest.mark.parametrize("buyer", [None, "buyer-099"])
def test_without_proof_of_purchase_the_complainant_is_asked_once_and_then_refused(buyer: str | None) -> None:
    story = Story()
    story.order = order(buyer=buyer) if buyer else None
    story.file()
    assert not story.open_case.standing
    (asked,) = story.open_case.open_requests(Party.COMPLAINANT)
    assert asked.kind is RequestKind.PROOF_OF_PURCHASE
    due = story.clock(ClockKind.PROOF_OF_PURCHASE, asked.id).due
    assert due.isoformat() == "2026-03-05T10:00:00+00:00"  # the third day at 18:00 in Shanghai
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.at(Stage.INTAKE)
    story.wait(days=5)
    assert grounds(story) == Ground.NO_PROOF_OF_PURCHASE
    assert len(story.sent("proof_of_purchase_wanted")) == 1
    assert story.open_case.path == (Stage.INTAKE, Stage.REFUSED, Stage.CLOSED)
    (refused,) = [entry for entry in story.entries if any(isinstance(f, facts.OutcomeSet) for f in entry.facts)]
    assert (refused.event, refused.effective_at) == ("clock_missed", due)
    assert "ADM-1" in refused.rules


@pytest.mark.rule("ADM-1")
def test_a_receipt_proves_the_purchase_instead() -> None:
    story = Story()
    story.order = None
    story.file()
    story.wait(days=1)
    entry = story.accepted(events.SubmitEvidence, BUYER, items=(item("receipt"),))
    assert "ADM-1" in entry.rules
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.PROOF_OF_PURCHASE, "Q1").state is ClockState.MET
    assert story.all(facts.StandingProven)[0].evidence == ("E2",)


# --- ADM-2 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-2")
def test_a_late_complaint_is_refused_with_the_dates_that_show_it() -> None:
    story = Story()
    bought = START - timedelta(days=366)
    story.order = order(purchased_at=bought)
    story.file()
    assert grounds(story) == Ground.TOO_LATE
    outcome = story.all(facts.OutcomeSet)[0]
    assert outcome.rules == ("ADM-2",)
    assert outcome.detail == {"received": START.isoformat(), "limit": (bought + timedelta(days=365)).isoformat()}
    (notice,) = story.sent("refused")
    assert outcome.detail.items() <= notice.facts.items()


@pytest.mark.rule("ADM-2")
def test_the_last_instant_of_the_limit_is_in_time() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=365))
    story.file()
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-2")
def test_the_limit_counts_from_when_the_problem_arose_if_that_is_later() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=700))
    story.file(claim=Claim(remedies=(RemedyKind.REPAIR,), problem_since=START - timedelta(days=10)))
    assert story.at(Stage.ACCEPTANCE)


# --- ADM-5 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-5")
def test_a_complaint_proven_false_is_refused_by_an_agent() -> None:
    story = Story().to_acceptance()
    assert story.refused(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING, reason=None).rule == "TRA-1"
    entry = story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    assert "ADM-5" in entry.rules
    assert entry.reason == text("reason")
    assert grounds(story) == Ground.FALSE_OR_MISLEADING
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("ADM-5")
def test_a_complaint_about_another_platform_is_outside_the_jurisdiction() -> None:
    story = Story()
    story.order = order(platform="elsewhere")
    story.file()
    assert grounds(story) == Ground.OUTSIDE_JURISDICTION
    assert story.sent("refused")[0].facts["platform"] == "elsewhere"


@pytest.mark.rule("ADM-5")
def test_the_same_content_after_closing_was_handled_already_and_the_complainant_is_told() -> None:
    story = Story().to_closed()
    answer = story.file(request_id="r-again")
    assert not answer.accepted
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule) == (Ground.ALREADY_HANDLED, "ADM-5")
    assert len(story.sent("already_handled")) == 1
    assert story.open_case.contacts[-1].channel is Channel.ORDER_PAGE
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("ADM-5", "INT-2")
def test_new_evidence_after_closing_is_no_repeat() -> None:
    story = Story().to_closed()
    assert story.file(request_id="r-first").refusal is not None
    assert story.file(request_id="r-again", evidence=(item("video"),)).accepted
    assert [evidence.kind for evidence in story.open_case.evidence] == ["photo", "video"]


@pytest.mark.rule("ADM-5")
def test_a_complaint_that_is_being_verified_can_no_longer_be_refused() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    other = Story().to_verification()
    assert other.refused(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING).code == "wrong_stage"


# --- ADM-7 ------------------------------------------------------------------------------------


def unapproached(**changes: object) -> Story:
    story = Story()
    story.file(seller_contact=SellerContact.NOT_APPROACHED, **changes)
    return story


@pytest.mark.rule("ADM-7")
def test_the_seller_comes_first() -> None:
    story = unapproached()
    assert story.at(Stage.INTAKE)
    assert story.clock(ClockKind.SELLER_FIRST).due == START + timedelta(hours=48)
    assert {notice.party for notice in story.sent("seller_first")} == {Party.COMPLAINANT, Party.RESPONDENT}
    assert story.refused(events.AcceptComplaint).code == "wrong_stage"


@pytest.mark.rule("ADM-7")
@pytest.mark.parametrize("result", [SellerContact.REFUSED, SellerContact.NO_ANSWER, SellerContact.UNSATISFACTORY])
def test_the_platform_steps_in_when_the_seller_did_not_solve_it(result: SellerContact) -> None:
    story = unapproached()
    story.accepted(events.ReportSellerContact, BUYER, result=result)
    assert story.open_case.seller_contact is result
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.SELLER_FIRST).state is ClockState.MET


@pytest.mark.rule("ADM-7")
def test_what_the_seller_solved_is_settled() -> None:
    story = unapproached()
    story.accepted(events.ReportSellerContact, BUYER, result=SellerContact.SOLVED)
    assert story.open_case.outcome is Outcome.SETTLED_BY_SELLER
    assert story.at(Stage.CLOSED)
    assert {clock.kind for clock in story.open_case.clocks if clock.active} == {ClockKind.CLOSING_WINDOW}


@pytest.mark.rule("ADM-7")
def test_a_seller_who_does_not_answer_in_time_loses_its_turn() -> None:
    story = unapproached()
    story.wait(hours=48)
    assert story.open_case.seller_contact is SellerContact.NO_ANSWER
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.SELLER_FIRST).state is ClockState.MISSED


@pytest.mark.rule("ADM-7")
@pytest.mark.parametrize("given", [{"high_risk": True}, {"channel": Channel.REGULATOR}])
def test_high_risk_and_external_complaints_skip_the_seller(given: dict[str, object]) -> None:
    story = unapproached(**given)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.clock(ClockKind.SELLER_FIRST) is None
    assert not story.sent("seller_first")


@pytest.mark.rule("ADM-7")
def test_only_intake_asks_what_the_seller_said() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.ReportSellerContact, BUYER, result=SellerContact.REFUSED)
    assert (refusal.code, refusal.rule) == ("wrong_stage", "ADM-7")
    assert story.refused(events.ReportSellerContact, SELLER, result=SellerContact.SOLVED).code == "no_right"


@pytest.mark.rule("ADM-1")
def test_a_receipt_that_an_agent_files_proves_the_purchase_too() -> None:
    story = Story()
    story.order = None
    story.file(evidence=())
    assert story.at(Stage.INTAKE)
    assert story.act(events.SubmitEvidence, items=(item("receipt"),)).accepted
    assert story.at(Stage.ACCEPTANCE)
    assert not story.open_case.open_requests()
