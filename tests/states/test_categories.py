"""The categories as policy data: what each is admitted on, looked up, proven by and corrected to."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.schema import (
    Category,
    CategoryRule,
    ClockKind,
    Ground,
    LookUp,
    OrderState,
    Outcome,
    Party,
    Rating,
    RemedyKind,
    Role,
    Stage,
)
from states import effects, events, facts
from states.values import (
    Actor,
    Claim,
    ClockState,
    LogisticsFacts,
    RequestKind,
    RequestState,
    ReviewComplaint,
    SellerContact,
)
from tests.states.story import BUYER, SELLER, START, Story, item, order, text
from tests.states.test_admission import book_with, grounds, platform

RULES: dict[Category, CategoryRule] = platform().categories
BURDEN_OF_SELLER = [category for category, rule in RULES.items() if rule.burden is Party.RESPONDENT]
BURDEN_OF_COMPLAINANT = [category for category, rule in RULES.items() if rule.burden is Party.COMPLAINANT]
APART = (Category.MALICIOUS_REVIEW, Category.SERVICE_HANDLING)
"""The categories that say more than the others, and so are filed as complaints of their own."""
ENDS = [OrderState.SUCCEEDED, OrderState.CLOSED_BY_REFUND]


def about(category: Category) -> dict[str, Any]:
    """What a complaint of a category says besides what every complaint says."""
    match category:
        case Category.MALICIOUS_REVIEW:
            return {
                "category": category,
                "actor": Actor(id=SELLER.id, role=Role.COMPLAINANT),
                "complainant": SELLER.id,
                "respondent": BUYER.id,
                "review": ReviewComplaint(review="review-55", rating=Rating.NEGATIVE, ground="abusive_wording"),
            }
        case Category.SERVICE_HANDLING:
            return {"category": category, "respondent": "service", "agent_concerned": "agent-09"}
    return {"category": category}


def received(category: Category, **changes: Any) -> Story:
    """A complaint of a category about an order that succeeded the day before, so that it is in time in each."""
    story = Story()
    story.order = order(state=OrderState.SUCCEEDED, state_since=START - timedelta(days=1))
    story.file(**about(category) | changes)
    return story


def in_verification(category: Category, **changes: Any) -> Story:
    """The other side has said what it had to say."""
    story = received(category, **changes)
    story.accepted(events.AcceptComplaint)
    respondent = Actor(id=story.open_case.respondent, role=Role.RESPONDENT)
    story.accepted(events.SubmitStatement, respondent, text=text("statement"))
    return story


def wanted(category: Category, party: Party) -> tuple[str, ...]:
    """One kind of each group of a checklist."""
    return tuple(group[0] for group in RULES[category].checklist.get(party, ()))


# --- INT-4: every category goes its whole way -----------------------------------------------------


@pytest.mark.rule("INT-4", "VER-2", "VER-4")
@pytest.mark.parametrize("category", RULES)
def test_every_category_is_admitted_verified_and_found_by_its_own_rules(category: Category) -> None:
    evidence = tuple(item(kind) for kind in wanted(category, Party.COMPLAINANT))
    story = in_verification(category, evidence=evidence)
    rule = RULES[category]
    entry = story.accepted(
        events.RecordFinding,
        proven=True,
        responsible=rule.responsible[-1],
        cause=rule.causes[-1],
        evidence=tuple(each.id for each in story.open_case.evidence),
    )
    assert rule.rule in entry.rules
    assert story.at(Stage.COORDINATION)
    assert story.open_case.finding is not None
    assert story.open_case.finding.cause == rule.causes[-1]


@pytest.mark.rule("VER-4")
@pytest.mark.parametrize("category", RULES)
def test_responsible_party_and_cause_are_the_categorys(category: Category) -> None:
    story = in_verification(category)
    rule = RULES[category]
    right: dict[str, Any] = {"proven": True, "responsible": rule.responsible[0], "cause": rule.causes[0]}
    assert story.refused(events.RecordFinding, **right | {"cause": "bad_luck"}).code == "unknown_cause"
    for party in set(Party) - set(rule.responsible):
        assert story.refused(events.RecordFinding, **right | {"responsible": party}).code == "wrong_party"


@pytest.mark.rule("VER-1", "VER-2")
@pytest.mark.parametrize("category", BURDEN_OF_COMPLAINANT)
def test_where_the_complainant_has_to_prove_nothing_is_proven_without_its_checklist(category: Category) -> None:
    story = in_verification(category, evidence=())
    rule = RULES[category]
    refusal = story.refused(events.RecordFinding, proven=True, responsible=rule.responsible[0], cause=rule.causes[0])
    assert (refusal.code, refusal.rule) == ("evidence_missing", "VER-2")
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=wanted(category, Party.COMPLAINANT))
    story.wait(days=4)
    assert story.at(Stage.RULING)
    assert story.open_case.finding is not None
    assert not story.open_case.finding.proven


@pytest.mark.rule("VER-1", "VER-4")
@pytest.mark.parametrize("category", BURDEN_OF_SELLER)
def test_where_the_seller_has_to_prove_an_empty_file_goes_on_and_its_silence_loses(category: Category) -> None:
    story = in_verification(category, evidence=())
    rule = RULES[category]
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=wanted(category, Party.RESPONDENT))
    story.wait(days=4)
    assert story.at(Stage.RULING)
    finding = story.open_case.finding
    assert finding is not None
    assert (finding.proven, finding.responsible, finding.cause) == (True, Party.RESPONDENT, rule.causes[0])
    assert rule.rule in story.all(facts.FindingMade)[0].rules


@pytest.mark.rule("VER-1")
@pytest.mark.parametrize("category", BURDEN_OF_SELLER)
def test_a_seller_that_brings_what_its_checklist_wants_does_not_lose_by_silence(category: Category) -> None:
    story = in_verification(category, evidence=())
    story.accepted(
        events.SubmitEvidence, SELLER, items=tuple(item(kind) for kind in wanted(category, Party.RESPONDENT))
    )
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("video",))
    story.wait(days=4)
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("VER-9", "VER-1")
def test_false_shipment_goes_on_without_proof_from_the_buyer_and_a_seller_without_proof_loses() -> None:
    story = in_verification(Category.FALSE_SHIPMENT, evidence=())
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("logistics_record",))
    story.wait(days=4)
    assert story.open_case.finding is not None
    assert story.open_case.finding.cause == "falsely_shipped"
    assert "VER-9" in story.all(facts.FindingMade)[0].rules


@pytest.mark.rule("VER-1", "VER-2")
@pytest.mark.parametrize("category", BURDEN_OF_SELLER)
def test_nothing_is_found_for_a_seller_without_the_proof_that_it_bears(category: Category) -> None:
    story = in_verification(category, evidence=())
    refusal = story.refused(events.RecordFinding, proven=False)
    assert (refusal.code, refusal.rule) == ("evidence_missing", "VER-2")
    items = tuple(item(kind) for kind in wanted(category, Party.RESPONDENT))
    story.accepted(events.SubmitEvidence, SELLER, items=items)
    assert story.refused(events.RecordFinding, proven=False).code == "evidence_missing", "on file, and not cited"
    cited = tuple(each.id for each in story.open_case.evidence)
    story.accepted(events.RecordFinding, proven=False, evidence=cited)
    assert story.at(Stage.RULING)


@pytest.mark.rule("VER-10", "VER-1")
@pytest.mark.parametrize("brought", ["inspection_report", "purchase_chain"])
def test_against_counterfeit_the_seller_brings_report_and_purchase_chain(brought: str) -> None:
    story = in_verification(Category.COUNTERFEIT)
    story.accepted(events.SubmitEvidence, SELLER, items=(item(brought),))
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("inspection_report", "purchase_chain"))
    story.wait(days=4)
    assert story.at(Stage.RULING)
    assert "VER-10" in story.all(facts.FindingMade)[0].rules


@pytest.mark.rule("VER-10")
def test_a_counterfeit_complaint_can_be_withdrawn_until_the_ruling() -> None:
    story = in_verification(Category.COUNTERFEIT)
    story.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="counterfeit_goods", evidence=("E1",)
    )
    story.accepted(events.CallForRuling, BUYER)
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.open_case.outcome is Outcome.WITHDRAWN


@pytest.mark.rule("VER-6")
def test_false_advertising_is_the_sellers_to_disprove() -> None:
    story = in_verification(Category.FALSE_ADVERTISING, evidence=())
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("advertising",))
    story.wait(days=4)
    assert "VER-6" in story.all(facts.FindingMade)[0].rules
    assert story.at(Stage.RULING)


# --- look-ups -------------------------------------------------------------------------------------


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("category", RULES)
def test_verification_looks_up_what_the_category_wants(category: Category) -> None:
    story = in_verification(category)
    ordered = [type(fact.effect) for fact in story.all(facts.EffectOrdered)]
    look_ups = RULES[category].look_ups
    assert ordered.count(effects.LookUpLogistics) == (LookUp.LOGISTICS in look_ups)
    assert ordered.count(effects.LookUpClaimant) == (LookUp.CLAIMANT_HISTORY in look_ups)


# --- ADM-3: a window of its own -------------------------------------------------------------------


def shipped_falsely(state: OrderState, since: datetime | None, **changes: Any) -> Story:
    story = Story(changes.pop("book", None))
    story.order = order(state=state, state_since=since, purchased_at=START - timedelta(days=400))
    story.file(category=Category.FALSE_SHIPMENT, **changes)
    return story


@pytest.mark.rule("ADM-3")
@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("days", [0, 1, 14, 15])
def test_false_shipment_is_complained_about_within_days_of_the_orders_end(state: OrderState, days: int) -> None:
    story = shipped_falsely(state, START - timedelta(days=days))
    assert story.at(Stage.ACCEPTANCE), "the general limit, long over, does not count"


@pytest.mark.rule("ADM-3")
@pytest.mark.parametrize("state", ENDS)
def test_after_the_window_false_shipment_is_refused_with_the_dates_that_show_it(state: OrderState) -> None:
    since = START - timedelta(days=15, microseconds=1)
    story = shipped_falsely(state, since)
    assert grounds(story) == Ground.TOO_LATE
    outcome = story.all(facts.OutcomeSet)[0]
    assert outcome.rules == ("ADM-2", "ADM-3")
    limit = since + timedelta(days=15)
    assert outcome.detail == {"received": START.isoformat(), "limit": limit.isoformat()}


@pytest.mark.rule("ADM-3")
@pytest.mark.parametrize("state", OrderState)
def test_on_an_order_still_open_late_shipment_is_offered_instead(state: OrderState) -> None:
    story = shipped_falsely(state, None)
    assert story.at(Stage.INTAKE)
    (asked,) = story.open_case.open_requests()
    assert (asked.kind, asked.party, asked.wanted) == (
        RequestKind.CATEGORY_OFFER,
        Party.COMPLAINANT,
        ("late_shipment",),
    )
    (notice,) = story.sent("category_offer_wanted")
    assert notice.facts["wanted"] == "late_shipment"
    assert notice.facts["due"] == "2026-03-04 18:00+08:00"
    assert story.refused(events.AcceptComplaint).code == "wrong_stage"


@pytest.mark.rule("ADM-3", "INT-4")
def test_the_complainant_takes_the_category_that_is_offered_and_no_other() -> None:
    story = Story()
    story.file(category=Category.FALSE_SHIPMENT)
    refusal = story.refused(events.CorrectCategory, BUYER, category=Category.QUALITY)
    assert (refusal.code, refusal.rule) == ("not_offered", "ADM-3")
    entry = story.accepted(events.CorrectCategory, BUYER, category=Category.LATE_SHIPMENT)
    assert {"ADM-3", "INT-4"} <= set(entry.rules)
    assert story.open_case.category is Category.LATE_SHIPMENT
    assert story.open_case.requests[0].state is RequestState.ANSWERED
    assert story.clock(ClockKind.CATEGORY_OFFER, "Q1").state is ClockState.MET
    assert story.at(Stage.ACCEPTANCE)
    assert story.refused(events.CorrectCategory, BUYER, category=Category.FALSE_SHIPMENT).code == "not_offered"


@pytest.mark.rule("ADM-3")
def test_who_does_not_take_the_offer_came_too_early_and_may_come_again() -> None:
    story = Story()
    story.file(category=Category.FALSE_SHIPMENT)
    story.wait(days=3)
    assert grounds(story) == Ground.TOO_EARLY
    assert story.open_case.requests[0].state is RequestState.LAPSED
    story.order = order(state=OrderState.SUCCEEDED, state_since=story.now)
    story.wait(hours=1)
    assert story.file(request_id="r-again", category=Category.FALSE_SHIPMENT).accepted
    assert story.at(Stage.ACCEPTANCE)
    assert len(story.sent("category_offer_wanted")) == 1


@pytest.mark.rule("ADM-3")
def test_where_nothing_is_offered_instead_too_early_is_refused_at_once() -> None:
    rule = RULES[Category.FALSE_SHIPMENT]
    assert rule.window is not None
    categories = RULES | {Category.FALSE_SHIPMENT: replace(rule, window=replace(rule.window, instead=None))}
    story = shipped_falsely(OrderState.OPEN, None, book=book_with(categories=categories))
    assert grounds(story) == Ground.TOO_EARLY


@pytest.mark.rule("ADM-2")
def test_without_an_order_the_window_has_no_beginning_and_the_general_limit_counts() -> None:
    story = Story()
    story.order = None
    old = Claim(remedies=(RemedyKind.REFUND,), problem_since=START - timedelta(days=366))
    story.file(category=Category.FALSE_SHIPMENT, evidence=(item("receipt"),), claim=old)
    assert grounds(story) == Ground.TOO_LATE


@pytest.mark.rule("ADM-3", "INT-4")
def test_an_agent_may_classify_the_complaint_otherwise_while_the_offer_is_open() -> None:
    story = Story()
    story.file(category=Category.FALSE_SHIPMENT)
    story.accepted(events.CorrectCategory, category=Category.NOT_RECEIVED)
    assert story.open_case.requests[0].state is RequestState.CANCELLED
    assert story.clock(ClockKind.CATEGORY_OFFER, "Q1").state is ClockState.CANCELLED
    assert story.at(Stage.ACCEPTANCE)


# --- INT-4: the category corrected ----------------------------------------------------------------


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("category", [each for each in RULES if each not in (*APART, Category.QUALITY)])
def test_an_agent_corrects_the_category_and_the_case_goes_on_by_the_new_ones_rules(category: Category) -> None:
    story = Story()
    story.logistics = LogisticsFacts(order="order-1001")
    story.to_verification()
    entry = story.accepted(events.CorrectCategory, category=category)
    assert facts.CategoryCorrected(before=Category.QUALITY, category=category, rules=("INT-4",)) in entry.facts
    assert story.open_case.category is category
    assert (story.open_case.logistics is not None) == (LookUp.LOGISTICS in RULES[category].look_ups)
    assert (story.open_case.claimant_history is not None) == (LookUp.CLAIMANT_HISTORY in RULES[category].look_ups)


@pytest.mark.rule("INT-4")
def test_what_the_new_category_looks_up_too_is_not_looked_up_again() -> None:
    story = in_verification(Category.NOT_RECEIVED)
    story.accepted(events.CorrectCategory, category=Category.LOGISTICS)
    ordered = [type(fact.effect) for fact in story.all(facts.EffectOrdered)]
    assert ordered.count(effects.LookUpLogistics) == 1


@pytest.mark.rule("INT-4")
def test_a_category_corrected_at_intake_is_examined_at_once() -> None:
    story = Story()
    story.order = order(state=OrderState.SUCCEEDED, state_since=START - timedelta(days=16))
    story.file(seller_contact=SellerContact.NOT_APPROACHED)
    assert story.at(Stage.INTAKE)
    story.accepted(events.CorrectCategory, category=Category.FALSE_SHIPMENT)
    assert grounds(story) == Ground.TOO_LATE


@pytest.mark.rule("INT-4", "ADM-4")
@pytest.mark.parametrize("stage", [Stage.ACCEPTANCE, Stage.VERIFICATION])
def test_the_claim_is_narrowed_to_what_the_new_category_offers(stage: Stage) -> None:
    claim = Claim(remedies=(RemedyKind.EXCHANGE, RemedyKind.REFUND), amount_fen=19_900)
    story = Story().to_acceptance(claim=claim)
    if stage is Stage.VERIFICATION:
        story.accepted(events.AcceptComplaint)
    story.accepted(events.CorrectCategory, category=Category.LOGISTICS)
    assert story.open_case.claim.remedies == (RemedyKind.REFUND,)
    story.accepted(events.CorrectCategory, category=Category.SERVICE_ATTITUDE)
    assert story.open_case.claim.remedies == (RemedyKind.REFUND,), "of which nothing is left, an agent decides"


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("other", APART)
def test_what_says_more_than_other_complaints_is_a_complaint_of_its_own(other: Category) -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.CorrectCategory, category=other)
    assert (refusal.code, refusal.rule) == ("category_apart", "INT-4")
    assert refusal.message.startswith("category: ")
    assert received(other).refused(events.CorrectCategory, category=Category.QUALITY).code == "category_apart"


@pytest.mark.rule("INT-4")
def test_a_correction_changes_something_that_the_policy_knows_while_it_matters() -> None:
    story = Story(book_with(categories={each: rule for each, rule in RULES.items() if each != "invoice"}))
    story.to_acceptance()
    assert story.refused(events.CorrectCategory, category=Category.QUALITY).code == "no_change"
    assert story.refused(events.CorrectCategory, category=Category.INVOICE).code == "unknown_category"
    later = Story().to_coordination()
    refusal = later.refused(events.CorrectCategory, category=Category.INVOICE)
    assert (refusal.code, refusal.rule) == ("wrong_stage", "INT-4")
