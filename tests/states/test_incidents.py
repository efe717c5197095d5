"""Many complaints about one seller or one product are one incident; the case knows that it is one of them."""

from datetime import timedelta
from typing import Any

import pytest

from policies.schema import Category, Matter, Stage
from states import effects, events, facts
from states.values import SellerContact
from states.view import page, row
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, ENGINE, SELLER, START, Story, order
from tests.states.test_admission import platform
from tests.states.test_review_complaints import a_review, first_circumstance
from tests.states.test_review_complaints import filed as about_a_review

COOKER = "rice-cooker-7"


def of_product(**changes: Any) -> Story:
    story = Story()
    story.order = order(product=COOKER, **changes)
    return story


def counted(story: Story) -> list[tuple[Matter, str]]:
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [(each.matter, each.subject) for each in ordered if isinstance(each, effects.CountMatter)]


def incident(story: Story) -> str | None:
    assert row(story.open_case).incident == story.open_case.incident
    return story.open_case.incident


# --- counted ------------------------------------------------------------------------------


@pytest.mark.rule("REP-3")
def test_an_admitted_complaint_counts_for_its_product_and_its_seller() -> None:
    story = of_product()
    story.to_acceptance()
    assert counted(story) == [(Matter.PRODUCT, COOKER), (Matter.SELLER, SELLER.id)]
    asked = [f for f in story.all(facts.EffectOrdered) if isinstance(f.effect, effects.CountMatter)]
    assert all(fact.rules == ("REP-3",) for fact in asked)
    for fact, rule in zip(asked, platform().incidents, strict=True):
        effect = fact.effect
        assert isinstance(effect, effects.CountMatter)
        assert (effect.within_days, effect.complaints) == (rule.within_days, rule.complaints)
        assert effect.category is Category.QUALITY


@pytest.mark.rule("REP-3")
@pytest.mark.parametrize("category", [Category.QUALITY, Category.COUNTERFEIT, Category.FALSE_ADVERTISING])
def test_what_can_be_wrong_with_a_product_counts_for_it(category: Category) -> None:
    story = of_product()
    story.to_acceptance(category=category)
    assert (Matter.PRODUCT, COOKER) in counted(story)


@pytest.mark.rule("REP-3")
@pytest.mark.parametrize("category", [Category.LATE_SHIPMENT, Category.AFTER_SALES, Category.INVOICE])
def test_what_is_the_sellers_alone_counts_for_the_seller_alone(category: Category) -> None:
    story = of_product()
    story.to_acceptance(category=category)
    assert counted(story) == [(Matter.SELLER, SELLER.id)]


@pytest.mark.rule("REP-3")
def test_of_an_order_whose_product_is_not_known_the_seller_counts() -> None:
    assert counted(Story().to_acceptance()) == [(Matter.SELLER, SELLER.id)]


@pytest.mark.rule("REP-3", "ADM-1")
def test_the_seller_that_counts_is_the_one_that_the_order_names() -> None:
    story = Story()
    story.order = order(seller="seller-300")
    story.to_acceptance()
    assert counted(story) == [(Matter.SELLER, "seller-300")]


@pytest.mark.rule("ADM-2")
def test_a_complaint_that_is_not_admitted_does_not_count() -> None:
    story = of_product(purchased_at=START - timedelta(days=400))
    story.file()
    assert story.at(Stage.CLOSED)
    assert counted(story) == []
    waiting = of_product()
    waiting.file(seller_contact=SellerContact.NOT_APPROACHED)
    assert (waiting.at(Stage.INTAKE), counted(waiting)) == (True, [])
    waiting.accepted(events.ReportSellerContact, BUYER, result=SellerContact.REFUSED)
    assert len(counted(waiting)) == 2


@pytest.mark.rule("INT-7", "ADM-6")
def test_complaints_about_the_service_and_those_of_sellers_count_against_no_seller() -> None:
    service = Story()
    service.file(category=Category.SERVICE_HANDLING, agent_concerned="agent-44", respondent="service")
    sellers = about_a_review(a_review("coercion", circumstance=first_circumstance("coercion")))
    for story in (service, sellers):
        assert story.at(Stage.ACCEPTANCE)
        assert counted(story) == []


# --- linked -------------------------------------------------------------------------------


@pytest.mark.rule("REP-3")
def test_a_complaint_that_makes_or_meets_an_incident_belongs_to_it() -> None:
    story = of_product()
    story.incident = "incident-5"
    story.to_acceptance()
    (linked,) = story.all(facts.IncidentLinked)
    assert (linked.incident, linked.rules) == ("incident-5", ("REP-3",))
    assert incident(story) == "incident-5"
    assert "- incident: incident-5" in page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


@pytest.mark.rule("REP-3")
def test_a_complaint_below_the_number_belongs_to_none() -> None:
    story = of_product()
    story.to_acceptance()
    assert incident(story) is None
    assert not story.all(facts.IncidentLinked)


@pytest.mark.rule("REP-3")
def test_a_complaint_belongs_to_the_first_of_its_incidents() -> None:
    story = of_product()
    story.hold = True
    story.file()
    while story.open_case.outbox:
        results = []
        for effect in story.open_case.outbox:
            outcome = story.outcome(effect)
            if isinstance(effect, effects.CountMatter):
                outcome = effects.MatterCounted(count=20, incident=f"incident-{effect.matter}")
            results.append(events.Result(key=effect.key, outcome=outcome))
        story.happen(events.EffectsReported(results=tuple(results)))
    assert incident(story) == "incident-product"
    assert len(story.all(facts.IncidentLinked)) == 1


@pytest.mark.rule("REP-3")
def test_a_count_that_fails_links_nothing_and_holds_nothing_up() -> None:
    story = of_product()
    story.hold = True
    story.file()
    while story.open_case.outbox:
        results = [
            events.Result(
                key=effect.key,
                outcome=effects.Failed(code="unavailable")
                if isinstance(effect, effects.CountMatter)
                else story.outcome(effect),
            )
            for effect in story.open_case.outbox
        ]
        story.happen(events.EffectsReported(results=tuple(results)))
    assert (incident(story), story.at(Stage.ACCEPTANCE)) == (None, True)
    story.accepted(events.AcceptComplaint)


@pytest.mark.rule("REP-3")
@pytest.mark.parametrize("stage", OPEN)
def test_a_case_that_was_counted_earlier_is_linked_afterwards_by_the_engine(stage: Stage) -> None:
    story = in_stage(stage)
    entry = story.accepted(events.LinkIncident, ENGINE, incident="incident-5")
    assert entry.rules == ("REP-3",)
    assert (incident(story), story.at(stage)) == ("incident-5", True)


@pytest.mark.rule("REP-3")
def test_a_case_belongs_to_one_incident() -> None:
    story = Story().to_verification()
    story.accepted(events.LinkIncident, ENGINE, incident="incident-5")
    refusal = story.refused(events.LinkIncident, ENGINE, incident="incident-6")
    assert (refusal.code, refusal.rule) == ("linked", "REP-3")
    assert incident(story) == "incident-5"


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_a_case_that_is_over_is_not_linked(stage: Stage) -> None:
    refusal = in_stage(stage).refused(events.LinkIncident, ENGINE, incident="incident-5")
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


@pytest.mark.rule("TRA-1")
def test_nobody_but_the_engine_links() -> None:
    story = Story().to_verification()
    for actor in (AGENT, CHIEF, BUYER, SELLER):
        assert story.refused(events.LinkIncident, actor, incident="incident-5").code == "no_right"
