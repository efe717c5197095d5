"""What each category asks for, offers and comes to."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from policies.book import default_book
from policies.schema import Category, LookUp, OrderState, Outcome, Party, Rating, RemedyKind, Side, Stage
from policies.wording import render
from states import effects, events, facts
from states.values import ReviewComplaint, SellerContact, Violation
from tests.figures.cases import (
    CATEGORIES,
    CAUSES,
    EVIDENCE,
    again,
    allowed,
    filed,
    found,
    given,
    in_ruling,
    in_verification,
    other_side,
    refusal,
    removing,
    ripe,
    ruling,
    terms,
    unwindowed,
)
from tests.states.story import BUYER, START, Story, item, order

DAY = timedelta(days=1)
LONG_AGO = START - 4_000 * DAY
each_category = pytest.mark.parametrize("category", list(CATEGORIES))


def test_the_table_is_complete() -> None:
    """Every category can be filed; there is no other."""
    assert set(CATEGORIES) == set(Category)


# --- who may complain -----------------------------------------------------------------------------


@each_category
@pytest.mark.parametrize("side", list(Side))
def test_complainants_are_of_the_right_side_of_the_trade(category: Category, side: Side) -> None:
    story = Story()
    story.order = ripe()
    says = given(category, side, evidence=())
    assert story.file(**says).accepted
    assert story.at(Stage.ACCEPTANCE) is (side in CATEGORIES[category].sides)


@each_category
def test_complainants_come_from_the_first_side_where_no_order_is_known(category: Category) -> None:
    """Which side the complainant stands on follows from the category then: the seller is the other one, or itself."""
    first = CATEGORIES[category].sides[0]
    story = in_ruling(category, order(order="order-2002"), first)
    kind = unwindowed(category)
    trade = Violation(row="fake_trade")  # it is the seller's
    told = refusal(story, events.IssueRuling, **ruling(kind, trade))
    if CATEGORIES[category].names_agent:  # the service stands on no side of the trade (INT-7)
        assert told is not None
        assert told.code == "no_such_party"
        return
    assert told is None
    story.accepted(events.IssueRuling, **ruling(kind, trade))
    assert story.open_case.penalties[0].against is (Party.RESPONDENT if first is Side.BUYER else Party.COMPLAINANT)


@each_category
def test_names_agent_and_on_review_say_what_a_complaint_has_to_name(category: Category) -> None:
    row = CATEGORIES[category]
    review = ReviewComplaint(review="review-1", rating=Rating.NEGATIVE, ground="abusive_wording")
    for name, value, wanted in (("agent_concerned", "agent-99", row.names_agent), ("review", review, row.on_review)):
        without, with_ = Story(), Story()
        assert without.file(**given(category) | {name: None}).accepted is not wanted
        assert with_.file(**given(category) | {name: value}).accepted is wanted


@each_category
def test_names_agent_and_on_review_say_whether_the_seller_comes_first(category: Category) -> None:
    row = CATEGORIES[category]
    story = filed(category, seller_contact=SellerContact.NOT_APPROACHED)
    assert story.at(Stage.ACCEPTANCE) is (row.names_agent or row.on_review)


# --- the window -----------------------------------------------------------------------------------


@each_category
@pytest.mark.parametrize("state", list(OrderState))
def test_window_counts_from_when_the_order_ended(category: Category, state: OrderState) -> None:
    known = order(state=state, state_since=START - 15 * DAY)
    story = filed(category, known)
    early = category is Category.FALSE_SHIPMENT and state is OrderState.OPEN
    assert story.at(Stage.ACCEPTANCE) is not early
    late = filed(category, order(state=state, state_since=START - 16 * DAY))
    in_time = category is not Category.FALSE_SHIPMENT
    assert late.at(Stage.ACCEPTANCE) is in_time


@pytest.mark.rule("ADM-3")
def test_window_of_false_shipment_offers_late_shipment_instead() -> None:
    story = filed(Category.FALSE_SHIPMENT, order())
    (offer,) = story.open_case.open_requests(Party.COMPLAINANT)
    assert offer.wanted == ("late_shipment",)
    for category in Category:
        taken = allowed(story, events.CorrectCategory, BUYER, category=category)
        assert taken is (category is Category.LATE_SHIPMENT), category


# --- what has to be proven ------------------------------------------------------------------------


def asked(story: Story, party: Party) -> Story:
    story.accepted(events.RequestEvidence, party=party, wanted=EVIDENCE)
    return story


@pytest.mark.parametrize("category", [name for name, row in CATEGORIES.items() if row.burden is Party.COMPLAINANT])
@pytest.mark.rule("VER-2", "VER-4")
def test_checklist_of_the_complainant_is_satisfied_by_one_kind_of_each_group(category: Category) -> None:
    row = CATEGORIES[category]
    story = in_verification(category)
    on_file = {each.kind: each.id for each in story.open_case.evidence}
    proven: dict[str, Any] = {"proven": True, "responsible": row.parties[0], "cause": row.causes.split()[0]}
    for kinds in product(*row.groups):
        cited = tuple(on_file[kind] for kind in kinds)
        assert allowed(story, events.RecordFinding, **proven, evidence=cited), kinds
    for number, group in enumerate(row.groups):
        cited = tuple(id_ for kind, id_ in on_file.items() if kind not in group)
        told = refusal(story, events.RecordFinding, **proven, evidence=cited)
        assert told is not None, number
        assert told.code == "evidence_missing"


@pytest.mark.parametrize("category", [name for name, row in CATEGORIES.items() if row.burden is Party.RESPONDENT])
@pytest.mark.rule("VER-1")
def test_checklist_of_the_respondent_is_satisfied_by_one_kind_of_each_group(category: Category) -> None:
    """A side that bears the burden and brings nothing, loses; what it has brought before counts."""
    row = CATEGORIES[category]
    story = in_verification(category, evidence=())
    for kinds in product(*row.groups):
        after = _silent(story, tuple(kinds))
        assert after.at(Stage.VERIFICATION), kinds
    for number, group in enumerate(row.groups):
        after = _silent(story, tuple(kind for kind in EVIDENCE if kind not in group))
        assert after.at(Stage.RULING), number


def _silent(story: Story, brought: tuple[str, ...]) -> Story:
    """What becomes of the case once the respondent, having brought this, answers no request."""
    story = again(story)
    story.accepted(events.SubmitEvidence, other_side(story), items=tuple(item(kind) for kind in brought))
    asked(story, Party.RESPONDENT)
    story.wait(days=3, hours=12)
    return story


@each_category
@pytest.mark.rule("VER-3")
def test_checklist_of_the_respondent_is_what_it_is_asked_to_send_with_its_statement(category: Category) -> None:
    """Whoever has to prove; the notice says so in words."""
    story = filed(category)
    story.accepted(events.AcceptComplaint)
    (asked_for,) = story.open_case.open_requests(Party.RESPONDENT)
    statement, *kinds = asked_for.wanted
    assert statement == "statement"
    assert sorted(kinds) == sorted(CATEGORIES[category].asked_of_respondent)
    (notice,) = story.sent("statement_wanted")
    pack = default_book().in_force("platform", story.now).pack
    for language in ("zh-CN", "en"):
        said = render(pack, "statement_wanted", language, notice.facts, strict=True)
        assert all(pack.evidence_kinds[kind][language] in said for kind in kinds)


@each_category
@pytest.mark.parametrize("party", [Party.COMPLAINANT, Party.RESPONDENT])
@pytest.mark.rule("VER-1")
def test_burden_says_who_loses_by_silence(category: Category, party: Party) -> None:
    row = CATEGORIES[category]
    story = asked(in_verification(category, evidence=()), party)
    story.wait(days=3, hours=12)
    assert story.at(Stage.RULING) is (party is row.burden)
    if party is row.burden:
        finding = story.open_case.finding
        assert finding is not None
        assert finding.proven is (party is Party.RESPONDENT)
        if finding.proven:
            assert (finding.cause, finding.responsible) == (row.causes.split()[0], Party.RESPONDENT)


@each_category
@pytest.mark.rule("VER-4")
def test_causes_and_responsible_are_those_of_the_category(category: Category) -> None:
    row = CATEGORIES[category]
    story = in_verification(category)
    evidence = tuple(each.id for each in story.open_case.evidence)
    right: dict[str, Any] = {"proven": True, "responsible": row.parties[0], "cause": row.causes.split()[0]}
    accepted = {
        cause for cause in CAUSES if allowed(story, events.RecordFinding, **right | {"cause": cause}, evidence=evidence)
    }
    assert accepted == set(row.causes.split())
    named = {
        party
        for party in Party
        if allowed(story, events.RecordFinding, **right | {"responsible": party}, evidence=evidence)
    }
    assert named == set(row.parties)


@each_category
def test_look_ups_are_ordered_when_verification_begins(category: Category) -> None:
    story = in_verification(category)
    ordered = [fact.effect for fact in story.all(facts.EffectOrdered)]
    asked_for = {
        LookUp.LOGISTICS: any(isinstance(effect, effects.LookUpLogistics) for effect in ordered),
        LookUp.CLAIMANT_HISTORY: any(isinstance(effect, effects.LookUpClaimant) for effect in ordered),
    }
    assert {each for each, asked in asked_for.items() if asked} == set(CATEGORIES[category].look_ups.split())


# --- what it offers and comes to ------------------------------------------------------------------


def can_be_had(story: Story, kind: RemedyKind) -> str:
    """Why a remedy of the category cannot be proposed; empty if it can."""
    told = refusal(story, events.ProposeRemedy, terms=terms(kind))
    return "" if told is None else told.code


@each_category
def test_remedies_are_those_of_the_category(category: Category) -> None:
    story = found(in_verification(category))
    for kind in RemedyKind:
        told = can_be_had(story, kind)
        assert (told != "remedy_not_offered") is (kind in CATEGORIES[category].offered), kind
        assert told in ("", "remedy_not_offered", "wrong_removal")


WINDOWS = [
    (category, kind, days)
    for category, row in CATEGORIES.items()
    for kind, days in row.offered.items()
    if not row.on_review
]


@each_category
def test_remedies_without_a_window_can_be_had_however_long_ago_the_goods_came(category: Category) -> None:
    story = found(in_verification(category, ripe(received_at=LONG_AGO)))
    for kind, days in CATEGORIES[category].offered.items():
        told = can_be_had(story, kind)
        assert (told == "remedy_window_over") is (days is not None), kind


@pytest.mark.parametrize(("category", "kind", "days"), [each for each in WINDOWS if each[2] is not None])
@pytest.mark.rule("PEN-8")
def test_remedies_with_a_window_can_be_had_until_its_last_day(category: Category, kind: RemedyKind, days: int) -> None:
    story = found(in_verification(category, ripe(received_at=START - days * DAY)))
    assert can_be_had(story, kind) == ""
    story = found(in_verification(category, ripe(received_at=START - (days + 1) * DAY)))
    assert can_be_had(story, kind) == "remedy_window_over"
    assert refusal(story, events.ProposeRemedy, terms=terms(kind)).rule == "PEN-8"  # type: ignore[union-attr]


@each_category
@pytest.mark.rule("COO-3")
def test_outcomes_are_those_of_the_category(category: Category) -> None:
    proven = in_ruling(category)
    unproven = found(in_verification(category), proven=False, responsible=None, cause=None)
    possible = set()
    for outcome in Outcome:
        story, grants = (proven, unwindowed(category)) if outcome is Outcome.UPHELD else (unproven, None)
        if allowed(story, events.IssueRuling, **ruling(grants, outcome=outcome)):
            possible.add(outcome)
    assert possible == {Outcome(outcome) for outcome in CATEGORIES[category].outcomes.split()}


@each_category
@pytest.mark.rule("COO-3")
def test_duties_are_added_to_whatever_is_granted(category: Category) -> None:
    row = CATEGORIES[category]
    for kind in row.offered:
        story = in_ruling(category, **removing(kind))
        story.accepted(events.IssueRuling, **ruling(kind))
        assert story.open_case.ruling is not None
        ruled = {each.kind for each in story.open_case.ruling.remedies}
        assert ruled == {kind, *map(RemedyKind, row.duties.split())}
