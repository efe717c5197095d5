"""What makes a case rise, how far, and what follows from that; who outside can make it rise, and when contacts do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Level,
    Pack,
    Party,
    Priority,
    RemedyKind,
    Route,
    Side,
    Stage,
    Trigger,
)
from policies.triage import TriageLabel
from states import events, facts
from states.values import Claim, ProposalOfTriageState, SellerContact
from tests.figures.cases import CATEGORIES, allowed, altered, filed, refusal, showing
from tests.states.story import BUYER, GOOD, START, Story, item, text

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NOT_RECEIVED: dict[str, Any] = {"category": Category.NOT_RECEIVED, "evidence": ()}


def weightless() -> PolicyBook:
    """The policies, if a case were as urgent as the escalation table says, and not more so by points."""

    def changed(pack: Pack) -> Pack:
        light = replace(pack.priority, high_risk=1, external=1, categories={}, amount_fen=(), contacts=(), orders=())
        return replace(pack, priority=light)

    return altered(changed)


# --- the table ------------------------------------------------------------------------------------


def missed_clock(story: Story) -> None:
    """Nobody accepts the complaint for a day."""
    story.to_acceptance()
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.accepted(events.AssessCase)
    story.wait(hours=24)


def by_hand(story: Story) -> None:
    story.to_acceptance()
    story.accepted(events.EscalateCase)


def not_solved(story: Story) -> None:
    story.to_follow_up()
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)


def review(story: Story) -> None:
    story.to_closed()
    story.accepted(events.RequestReview, BUYER, channel=Channel.HOTLINE)


def appeal(story: Story) -> None:
    story.to_closed()
    story.accepted(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=(item("video"),))


def repeat_contact(story: Story) -> None:
    story.to_acceptance()
    calls(story, 3)


def reported(trigger: Trigger) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        story.to_acceptance()
        story.accepted(events.ReportTrigger, trigger=trigger)

    return happens


def before(body: str) -> Callable[[Story], None]:
    def happens(story: Story) -> None:
        story.to_acceptance()
        go_outside(story, body)

    return happens


def high_risk(story: Story) -> None:
    story.to_acceptance()
    story.accepted(events.SetRisk, high=True)


def refund_only_refused(story: Story) -> None:
    story.to_acceptance(**NOT_RECEIVED)
    story.accepted(events.OfferSolution, text=text("offer"))
    story.accepted(events.AnswerOffer, BUYER, offer="K1", accepted=False)


def calls(story: Story, count: int) -> None:
    """The complainant calls once more, and again."""
    for _ in range(count):
        story.accepted(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)


def go_outside(story: Story, body: str) -> None:
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": story.now}
    story.accepted(events.RecordExternalComplaint, body=body, **made)


class Row(NamedTuple):
    """A row of the escalation table."""

    happens: Callable[[Story], None]
    rule: str
    level: Level = Level.SPECIALIST
    """Where a case on the front line rises to."""
    route: Route | None = None
    priority: Priority = Priority.NORMAL
    outside: bool = False
    """Whether a body outside waits for an answer from then on."""
    told: bool = False


SUPERVISOR, MANAGEMENT = Level.SUPERVISOR, Level.MANAGEMENT
HIGH, URGENT = Priority.HIGH, Priority.URGENT
RISES = {
    Trigger.MISSED_CLOCK: Row(missed_clock, "ESC-1"),
    Trigger.BY_HAND: Row(by_hand, "ESC-8"),
    Trigger.NOT_SOLVED: Row(not_solved, "FUP-2"),
    Trigger.REVIEW: Row(review, "ESC-7"),
    Trigger.APPEAL: Row(appeal, "APL-1"),
    Trigger.REPEAT_CONTACT: Row(repeat_contact, "ESC-2", priority=HIGH),
    Trigger.JUDICIAL: Row(before("court"), "ESC-3", MANAGEMENT, Route.LEGAL, URGENT, outside=True, told=True),
    Trigger.LEANING: Row(reported(Trigger.LEANING), "ESC-4", priority=HIGH),
    Trigger.EXTERNAL: Row(before("media"), "ESC-5", SUPERVISOR, None, URGENT, outside=True, told=True),
    Trigger.ASKS_MANAGEMENT: Row(reported(Trigger.ASKS_MANAGEMENT), "ESC-6", MANAGEMENT, priority=HIGH),
    Trigger.HIGH_RISK: Row(high_risk, "ESC-9", SUPERVISOR, Route.SAFETY, URGENT, told=True),
    Trigger.REFUND_ONLY_REFUSED: Row(refund_only_refused, "ESC-10", SUPERVISOR, Route.SAFETY, URGENT, told=True),
}


@pytest.mark.parametrize("trigger", list(RISES))
def test_escalation_rows_say_how_far_a_case_rises_and_what_follows(trigger: Trigger) -> None:
    row = RISES[trigger]
    story = Story(weightless())
    row.happens(story)
    (raised,) = story.all(facts.LevelRaised)
    assert row.rule in raised.rules
    assert raised.escalation.trigger is trigger
    assert (raised.escalation.before, raised.escalation.after) == (Level.FRONT_LINE, row.level)
    assert [each.route for each in story.open_case.hand_offs] == ([row.route] if row.route else [])
    assert story.open_case.priority is row.priority
    assert (story.open_case.clock(ClockKind.OUTSIDE, "X1") is not None) is row.outside
    assert [sent.party for sent in story.sent("escalated")] == ([Party.COMPLAINANT] if row.told else [])


def test_the_table_is_complete() -> None:
    """There is no other reason to rise."""
    assert set(RISES) == set(Trigger)


@pytest.mark.rule("ESC-8")
def test_a_case_rises_level_by_level_to_the_management() -> None:
    story = Story().to_acceptance()
    for level in (Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT, Level.MANAGEMENT):
        story.accepted(events.EscalateCase)
        story.now += timedelta(minutes=1)
        assert story.open_case.level is level


# --- what a text proposes -------------------------------------------------------------------------

SHOWN: dict[TriageLabel, Trigger | None] = {
    TriageLabel.SAFETY_HAZARD: Trigger.HIGH_RISK,
    TriageLabel.EXTERNAL_COMPLAINT_INTENT: Trigger.LEANING,
    TriageLabel.ALREADY_EXTERNAL: Trigger.LEANING,
    TriageLabel.ASKS_MANAGEMENT: Trigger.ASKS_MANAGEMENT,
    TriageLabel.LEGAL_ACTION: Trigger.LEANING,
    TriageLabel.COUNTERFEIT: None,
}


def triggers(story: Story) -> list[Trigger]:
    return [each.escalation.trigger for each in story.all(facts.LevelRaised)]


@pytest.mark.parametrize("label", list(TriageLabel))
@pytest.mark.rule("INT-4")
def test_escalation_proposed_by_a_text_acts_when_it_is_confirmed_and_high_risk_at_once(label: TriageLabel) -> None:
    story = showing(label)
    trigger = SHOWN[label]
    assert triggers(story) == ([Trigger.HIGH_RISK] if label is TriageLabel.SAFETY_HAZARD else [])
    (proposal,) = story.open_case.triage
    assert proposal.state is ProposalOfTriageState.PROPOSED
    story.accepted(events.AssessCase, confirmed=(proposal.id,))
    assert triggers(story) == ([trigger] if trigger else [])


# --- contacts -------------------------------------------------------------------------------------


@pytest.mark.rule("ESC-2")
def test_repeat_contacts_counts_are_3_and_6() -> None:
    story = Story().to_acceptance()
    raised = []
    for number in range(1, 13):
        before = len(triggers(story))
        calls(story, 1)
        raised += [number] * (len(triggers(story)) - before)
    assert raised == [3, 6]


@pytest.mark.parametrize(("ago", "counts"), [(7 * DAY - SECOND, True), (7 * DAY, False)])
@pytest.mark.rule("INT-2")
def test_repeat_contacts_within_days_are_7(ago: timedelta, counts: bool) -> None:
    story = Story().to_verification()
    calls(story, 1)
    story.wait(seconds=ago.total_seconds())
    calls(story, 2)
    assert (Trigger.REPEAT_CONTACT in triggers(story)) is counts


# --- the known solution ---------------------------------------------------------------------------


def offered(story: Story) -> bool:
    told = refusal(story, events.OfferSolution, text=text("offer"))
    assert told is None or told.code == "no_known_solution"
    return told is None


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_refund_only_categories_are_what_was_not_received(category: Category) -> None:
    story = filed(category, evidence=())
    if RemedyKind.REFUND in CATEGORIES[category].offered:
        story = filed(category, evidence=(), claim=Claim(remedies=(RemedyKind.REFUND,), problem_since=START - DAY))
        assert story.open_case.claim.remedies == (RemedyKind.REFUND,)
    assert offered(story) is (category is Category.NOT_RECEIVED)


OFFERED_BY = {
    kind: category
    for category, row in reversed(CATEGORIES.items())
    for kind in row.offered
    if row.sides == [Side.BUYER]
}
"""A category in which a buyer can claim each remedy."""


@pytest.mark.parametrize("kind", list(OFFERED_BY))
def test_refund_only_remedies_are_the_refund(kind: RemedyKind) -> None:
    """Also where the claim is one that the category does not offer."""
    story = filed(OFFERED_BY[kind], claim=Claim(remedies=(kind,), problem_since=START - DAY))
    story.accepted(events.CorrectCategory, category=Category.NOT_RECEIVED)
    assert story.open_case.claim.remedies == (kind,)
    assert offered(story) is (kind is RemedyKind.REFUND)


@pytest.mark.parametrize("kind", [each for each in CATEGORIES[Category.NOT_RECEIVED].offered if each != "refund"])
def test_refund_only_is_for_who_claims_nothing_besides(kind: RemedyKind) -> None:
    claim = Claim(remedies=(RemedyKind.REFUND, kind), problem_since=START - DAY)
    assert not offered(filed(Category.NOT_RECEIVED, claim=claim))


# --- bodies outside -------------------------------------------------------------------------------

BODIES: dict[str, tuple[Trigger, Channel | None]] = {
    "consumer_association": (Trigger.EXTERNAL, Channel.CONSUMER_ASSOCIATION),
    "regulator": (Trigger.EXTERNAL, Channel.REGULATOR),
    "media": (Trigger.EXTERNAL, None),
    "police": (Trigger.JUDICIAL, None),
    "court": (Trigger.JUDICIAL, None),
    "arbitration": (Trigger.JUDICIAL, None),
}


@pytest.mark.parametrize("body", list(BODIES))
@pytest.mark.rule("ESC-5")
def test_outside_bodies_trigger_what_they_are(body: str) -> None:
    trigger, _ = BODIES[body]
    story = Story().to_acceptance()
    go_outside(story, body)
    assert triggers(story) == [trigger]


def test_outside_bodies_are_no_others() -> None:
    story = Story().to_acceptance()
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": story.now}
    told = refusal(story, events.RecordExternalComplaint, body="neighbours", **made)
    assert told is not None
    assert all(body in told.message for body in BODIES)
    assert not allowed(story, events.RecordExternalComplaint, body="neighbours", **made)


@pytest.mark.parametrize("channel", list(Channel))
def test_outside_bodies_channel_says_through_which_their_complaints_come(channel: Channel) -> None:
    story = Story()
    story.file(channel=channel, seller_contact=SellerContact.NOT_APPROACHED)
    expected = [body for body, (_, through) in BODIES.items() if through is channel]
    assert [each.body for each in story.open_case.externals] == expected
    assert story.at(Stage.ACCEPTANCE) is bool(expected)
