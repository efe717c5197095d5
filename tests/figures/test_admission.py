"""What a complaint has to bring, until when, and on which grounds it is not admitted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from policies.schema import Category, Channel, Ground, Outcome, Party, RemedyKind, Stage
from states import events, facts
from states.values import Claim, SellerContact, TextRef
from tests.figures.cases import EVIDENCE, allowed, given, refusal
from tests.states.story import START, Story, complaint, item, order, text

DAY = timedelta(days=1)


def received(story: Story | None = None, **changes: Any) -> Story:
    """A complaint that was just filed."""
    story = story or Story()
    story.file(**given(Category.QUALITY, evidence=(), claim=complaint().claim) | changes)
    return story


def unknown_order() -> Story:
    story = Story()
    story.order = None
    return story


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-2")
@pytest.mark.parametrize(("days", "admitted"), [(365, True), (366, False)])
def test_limit_days_are_365_from_the_purchase_or_the_problem(days: int, admitted: bool) -> None:
    story = Story()
    story.order = order(purchased_at=START - days * DAY)
    assert received(story).at(Stage.ACCEPTANCE) is admitted
    claim = Claim(remedies=(RemedyKind.REFUND,), problem_since=START - days * DAY)
    old = Story()
    old.order = order(purchased_at=START - 800 * DAY)
    assert received(old, claim=claim).at(Stage.ACCEPTANCE) is admitted


@pytest.mark.rule("ADM-1")
@pytest.mark.parametrize("kind", EVIDENCE)
def test_proof_kinds_prove_a_purchase(kind: str) -> None:
    story = received(unknown_order(), evidence=(item(kind),))
    assert story.at(Stage.ACCEPTANCE) is (kind in ("receipt", "contract", "screenshot"))


@pytest.mark.parametrize("platform", ["taobao", "tmall", "jingdong"])
def test_platforms_are_those_within_the_jurisdiction(platform: str) -> None:
    story = Story()
    story.order = order(platform=platform)
    refused = received(story).open_case.outcome_ground == Ground.OUTSIDE_JURISDICTION
    assert refused is (platform not in ("taobao", "tmall"))


@pytest.mark.parametrize("channel", list(Channel))
def test_channels_from_bodies_outside_pass_the_seller_by(channel: Channel) -> None:
    story = received(channel=channel, seller_contact=SellerContact.NOT_APPROACHED)
    external = channel in (Channel.CONSUMER_ASSOCIATION, Channel.REGULATOR)
    assert story.open_case.external is external
    assert story.at(Stage.ACCEPTANCE) is external


@pytest.mark.rule("ADM-4")
@pytest.mark.parametrize(("size", "clear"), [(6, True), (5, False)])
def test_clarity_min_description_bytes_are_6(size: int, clear: bool) -> None:
    story = received(description=TextRef(ref="text-d", sha256="d" * 64, size=size))
    assert story.at(Stage.ACCEPTANCE) is clear


def test_clarity_facts_can_be_asked_for() -> None:
    possible = ["time", "place", "goods", "service", "claim"]
    story = received()
    for fact in possible:
        assert allowed(story, events.RequestCompletion, wanted=(fact,)), fact
    assert not allowed(story, events.RequestCompletion, wanted=("weather",))
    (asked,) = received(description=text("abc")).open_case.open_requests(Party.COMPLAINANT)
    assert list(asked.wanted) == possible


@pytest.mark.parametrize("reason", ["no_reason", "quality", "not_as_described", "wrong_item", "damaged", "late", "bad"])
def test_return_reasons_can_be_given(reason: str) -> None:
    claim = Claim(remedies=(RemedyKind.REFUND,), return_reason=reason)
    answer = Story().file(claim=claim)
    assert answer.accepted is (reason != "bad")


RECEPTION = {Channel.HOTLINE: 30, Channel.ONLINE_CHAT: 60}
"""Within how many seconds a contact is to be answered."""


@pytest.mark.rule("INT-8")
@pytest.mark.parametrize("channel", list(Channel))
def test_answer_within_seconds_says_who_was_late(channel: Channel) -> None:
    story = received()
    limit = RECEPTION.get(channel)
    for seconds in (0, 30, 31, 60, 61, 10_000):
        waited = {"answered_after_seconds": seconds}
        story.accepted(events.RecordContact, None, party=Party.COMPLAINANT, channel=channel, **waited)
        late = story.open_case.contacts[-1].late
        assert late is (limit is not None and seconds > limit), seconds


# --- grounds --------------------------------------------------------------------------------------


def by_agent(ground: Ground, category: Category = Category.QUALITY) -> Story:
    story = Story()
    story.file(**given(category, evidence=()))
    story.accepted(events.RefuseComplaint, ground=ground)
    return story


def no_proof() -> Story:
    story = received(unknown_order())
    story.wait(days=4)
    return story


def too_late() -> Story:
    story = Story()
    story.order = order(purchased_at=START - 400 * DAY)
    return received(story)


def too_early() -> Story:
    story = Story()
    story.file(**given(Category.FALSE_SHIPMENT, evidence=()))
    story.wait(days=4)
    return story


def unclear() -> Story:
    story = received(description=text("abc"))
    story.wait(days=4)
    return story


class Row(NamedTuple):
    """How a complaint comes to be refused on a ground, by whom, and whether it may be brought again."""

    rule: str
    refuses: Callable[[], Story]
    by_agent: bool = False
    curable: bool = False


GROUNDS = {
    Ground.NO_PROOF_OF_PURCHASE: Row("ADM-1", no_proof, curable=True),
    Ground.TOO_LATE: Row("ADM-2", too_late),
    Ground.TOO_EARLY: Row("ADM-3", too_early, curable=True),
    Ground.UNCLEAR: Row("ADM-4", unclear, curable=True),
    Ground.CLAIM_NOT_ALLOWED: Row("ADM-4", lambda: by_agent(Ground.CLAIM_NOT_ALLOWED), by_agent=True, curable=True),
    Ground.NO_REVIEW_GROUND: Row(
        "ADM-6", lambda: by_agent(Ground.NO_REVIEW_GROUND, Category.MALICIOUS_REVIEW), by_agent=True
    ),
    Ground.FALSE_OR_MISLEADING: Row("ADM-5", lambda: by_agent(Ground.FALSE_OR_MISLEADING), by_agent=True),
    Ground.OUTSIDE_JURISDICTION: Row("ADM-5", lambda: by_agent(Ground.OUTSIDE_JURISDICTION), by_agent=True),
    Ground.ALREADY_HANDLED: Row("ADM-5", lambda: by_agent(Ground.ALREADY_HANDLED), by_agent=True),
}


@pytest.mark.parametrize("ground", list(GROUNDS))
def test_grounds_by_agent_are_those_on_which_an_agent_refuses(ground: Ground) -> None:
    story = Story()
    category = Category.MALICIOUS_REVIEW if ground is Ground.NO_REVIEW_GROUND else Category.QUALITY
    story.file(**given(category))
    told = refusal(story, events.RefuseComplaint, ground=ground)
    assert (told is None) is GROUNDS[ground].by_agent
    assert told is None or told.code == "wrong_ground"


@pytest.mark.parametrize("ground", list(GROUNDS))
@pytest.mark.rule("ADM-5")
def test_curable_grounds_let_the_complaint_be_brought_again(ground: Ground) -> None:
    row = GROUNDS[ground]
    story = row.refuses()
    assert story.at(Stage.CLOSED)
    case = story.open_case
    assert (case.outcome, case.outcome_ground) == (Outcome.REFUSED, ground)
    assert row.rule in {rule for fact in story.all(facts.OutcomeSet) for rule in fact.rules}
    again = given(case.category, evidence=(), request_id="r-again")
    assert story.file(**again).accepted is row.curable
    assert bool(story.all(facts.Refiled)) is row.curable


def test_the_table_is_complete() -> None:
    assert set(GROUNDS) == set(Ground)
