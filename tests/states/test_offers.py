"""The known solution: offered first, and a case of high risk once it is refused (ESC-10)."""

from typing import Any

import pytest

from policies.schema import Category, Level, Priority, RemedyKind, Stage, Trigger
from states import events, facts
from states.journal import fold
from states.values import Claim, ConsentState, HandOffState, OfferState, RiskState, SellerContact
from states.view import page, progress
from tests.states.story import AGENT, BUYER, CHIEF, REFUND, SELLER, START, Story, text

NOT_RECEIVED: dict[str, Any] = {
    "category": Category.NOT_RECEIVED,
    "claim": Claim(remedies=(RemedyKind.REFUND,)),
    "evidence": (),
}
"""The parcel did not come, and nothing but the money back is wanted."""
STAGES = ("to_intake", "to_acceptance", "to_verification", "to_coordination", "to_ruling", "to_feedback")


def brought_to(stage: str, **changes: Any) -> Story:
    story = Story()
    given = NOT_RECEIVED | changes
    match stage:
        case "to_intake":
            story.file(**given, seller_contact=SellerContact.NOT_APPROACHED)
        case "to_feedback":
            story.unreachable = {"app_message", "sms", "e_mail"}
            story.to_feedback(REFUND, cause="lost_in_transit", **given)
            assert story.at(Stage.FEEDBACK)
        case "to_coordination" | "to_ruling":
            getattr(story, stage)(cause="lost_in_transit", **given)
        case _:
            getattr(story, stage)(**given)
    return story


def offered(stage: str = "to_verification") -> Story:
    story = brought_to(stage)
    story.accepted(events.OfferSolution, text=text("reship"))
    return story


def answer(story: Story, accepted: bool, offer: str = "K1", actor: Any = BUYER) -> Any:
    return story.accepted(events.AnswerOffer, actor, offer=offer, accepted=accepted)


def lines(story: Story) -> list[str]:
    return page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


@pytest.mark.rule("ESC-10")
@pytest.mark.parametrize("stage", STAGES)
def test_the_known_solution_is_offered_on_record_in_every_open_stage(stage: str) -> None:
    story = brought_to(stage)
    before = story.open_case
    entry = story.accepted(events.OfferSolution, text=text("reship"))
    assert entry.rules == ("ESC-10",)
    (offer,) = story.open_case.offers
    assert (offer.id, offer.text, offer.by, offer.at, offer.state) == (
        "K1",
        text("reship"),
        AGENT.id,
        START,
        OfferState.OPEN,
    )
    assert "- open offer K1 of the known solution" in lines(story)
    assert "K1: offer" in progress(story.open_case).asked_of_you
    after = story.open_case
    assert (after.stage, after.level, after.high_risk) == (before.stage, before.level, False)


@pytest.mark.rule("ESC-10")
@pytest.mark.parametrize("actor", [BUYER, AGENT, CHIEF], ids=lambda actor: actor.role)
def test_who_accepts_it_is_helped_and_nothing_rises(actor: Any) -> None:
    story = offered()
    entry = answer(story, accepted=True, actor=actor)
    assert (entry.rules, entry.actor) == (("ESC-10",), actor)
    assert story.open_case.offers[0].state is OfferState.ACCEPTED
    assert not story.all(facts.LevelRaised)
    assert (story.open_case.high_risk, story.open_case.priority) == (False, Priority.NORMAL)
    assert not [line for line in lines(story) if "open offer" in line]
    assert "K1: offer" not in progress(story.open_case).asked_of_you


@pytest.mark.rule("ESC-10", "ESC-9", "HOF-2")
@pytest.mark.parametrize("stage", STAGES)
def test_who_refuses_it_makes_the_case_one_of_high_risk_on_the_same_path(stage: str) -> None:
    story = offered(stage)
    story.unreachable = set()
    entry = answer(story, accepted=False)
    case = story.open_case
    assert {"ESC-10", "ESC-9"} <= set(entry.rules)
    assert case.offers[0].state is OfferState.REFUSED
    assert (case.high_risk, case.risk, case.level, case.priority) == (
        True,
        RiskState.SET,
        Level.SUPERVISOR,
        Priority.URGENT,
    )
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.rules) == (Trigger.REFUND_ONLY_REFUSED, ("ESC-10",))
    (handed,) = case.hand_offs
    assert (handed.team, handed.trigger, handed.consent.state) == (
        "safety",
        Trigger.REFUND_ONLY_REFUSED,
        ConsentState.WAIVED,
    )
    assert len(story.sent("escalated")) == 1
    assert story.refused(events.WithdrawComplaint, BUYER).code == "kept_open_for_safety"
    assert fold(story.entries) == story.case


@pytest.mark.rule("ESC-10")
def test_without_an_offer_there_is_nothing_to_refuse() -> None:
    story = brought_to("to_verification")
    refusal = story.refused(events.AnswerOffer, BUYER, offer="K1", accepted=False)
    assert (refusal.code, refusal.rule) == ("no_such_offer", "ESC-10")
    story.accepted(events.OfferSolution, text=text("reship"))
    assert story.refused(events.AnswerOffer, BUYER, offer="K2", accepted=False).code == "no_such_offer"
    assert not story.open_case.high_risk


@pytest.mark.rule("ESC-10")
@pytest.mark.parametrize("accepted", [True, False])
def test_an_offer_is_answered_once(accepted: bool) -> None:
    story = offered()
    answer(story, accepted)
    for again in (True, False):
        assert story.refused(events.AnswerOffer, BUYER, offer="K1", accepted=again).code == "no_such_offer"


@pytest.mark.rule("ESC-10")
@pytest.mark.parametrize(
    "given",
    [
        {"category": Category.QUALITY},
        {"category": Category.LOGISTICS},
        {"claim": Claim(remedies=(RemedyKind.REFUND, RemedyKind.RESHIPMENT))},
        {"claim": Claim(remedies=(RemedyKind.RESHIPMENT,))},
    ],
)
def test_it_is_for_who_did_not_receive_the_goods_and_wants_nothing_but_the_money_back(given: dict[str, Any]) -> None:
    refusal = brought_to("to_verification", **given).refused(events.OfferSolution, text=text("reship"))
    assert (refusal.code, refusal.rule) == ("no_known_solution", "ESC-10")


@pytest.mark.rule("ESC-10")
def test_one_offer_is_open_at_a_time() -> None:
    story = offered()
    refusal = story.refused(events.OfferSolution, text=text("another"))
    assert (refusal.code, refusal.rule) == ("offer_open", "ESC-10")
    answer(story, accepted=True)
    story.accepted(events.OfferSolution, text=text("another"))
    assert [offer.state for offer in story.open_case.offers] == [OfferState.ACCEPTED, OfferState.OPEN]


@pytest.mark.rule("ESC-10")
def test_a_second_refusal_is_on_record_and_hands_nothing_over_twice() -> None:
    story = offered()
    answer(story, accepted=False)
    story.accepted(events.SetRisk, high=False)
    story.accepted(events.OfferSolution, text=text("another"))
    answer(story, accepted=False, offer="K2")
    assert [fact.escalation.arming for fact in story.all(facts.LevelRaised)] == [1, 2]
    assert [each.state for each in story.open_case.hand_offs] == [HandOffState.QUEUED]
    assert (story.open_case.high_risk, story.open_case.priority) == (True, Priority.URGENT)


@pytest.mark.rule("TRA-1")
def test_the_platform_offers_and_the_customer_answers() -> None:
    story = brought_to("to_verification")
    for party in (BUYER, SELLER):
        assert story.refused(events.OfferSolution, party, text=text("reship")).code == "no_right"
    story.accepted(events.OfferSolution, CHIEF, text=text("reship"))
    assert story.refused(events.AnswerOffer, SELLER, offer="K1", accepted=False).code == "no_right"


@pytest.mark.rule("ESC-10", "COO-5")
def test_once_the_case_is_over_nothing_is_offered_any_more() -> None:
    story = offered()
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.at(Stage.CLOSED)
    assert story.open_case.offers[0].state is OfferState.CANCELLED
    assert story.refused(events.OfferSolution, text=text("reship")).code == "case_closed"
    refusal = story.refused(events.AnswerOffer, BUYER, offer="K1", accepted=False)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")
    assert not story.open_case.high_risk
