"""Contacts about the same matter join the case, and many of them raise it (ESC-2)."""

from datetime import timedelta
from typing import Any

import pytest

from policies.schema import Channel, Level, Party, Priority, Role, Stage, Trigger
from states import events, facts
from states.values import Actor, Head
from tests.states.story import BUYER, ENGINE, SELLER, Story, item

SOFTWARE = Actor(id="chat-robot", role=Role.SERVICE)


def call(story: Story, actor: Actor = BUYER, **given: Any) -> Story:
    """A contact about the case; where nothing else is said the complainant calls."""
    contact = {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE} | given
    story.accepted(events.RecordContact, actor, **contact)
    return story


def calls(story: Story, count: int, **between: float) -> Story:
    for _ in range(count):
        story.wait(**between or {"minutes": 1})
        call(story)
    return story


def armings(story: Story) -> list[int]:
    """The counts at which the case rose for contacts."""
    raised = [fact.escalation for fact in story.all(facts.LevelRaised)]
    return [each.arming for each in raised if each.trigger is Trigger.REPEAT_CONTACT]


def level(story: Story) -> Level:
    return story.open_case.level


@pytest.mark.rule("ESC-2")
def test_the_third_and_the_sixth_further_contact_raise_the_case_and_no_other_does() -> None:
    story = Story().to_verification()
    levels = [level(calls(story, 1)) for _ in range(9)]
    assert levels == [Level.FRONT_LINE] * 2 + [Level.SPECIALIST] * 3 + [Level.SUPERVISOR] * 4
    assert armings(story) == [3, 6]
    assert story.open_case.priority is Priority.HIGH
    raised = story.all(facts.LevelRaised)
    assert all(fact.rules == ("ESC-2",) for fact in raised)


@pytest.mark.rule("ESC-2")
def test_the_complaint_itself_is_the_first_contact_and_no_repetition() -> None:
    story = Story().to_acceptance()
    assert len(story.open_case.contacts) == 1
    calls(story, 2)
    assert armings(story) == []
    calls(story, 1)
    assert armings(story) == [3]


@pytest.mark.rule("ESC-2", "INT-2")
def test_the_complaint_filed_again_is_a_contact_about_the_open_case() -> None:
    story = Story().to_verification()
    for number, channel in enumerate((Channel.ONLINE_CHAT, Channel.E_MAIL, Channel.FEEDBACK_CENTRE)):
        assert armings(story) == []
        assert story.file(request_id=f"r-again-{number}", channel=channel).accepted
    assert armings(story) == [3]
    assert story.at(Stage.VERIFICATION)
    assert [contact.channel for contact in story.open_case.contacts[-3:]] == [
        "online_chat",
        "e_mail",
        "feedback_centre",
    ]


@pytest.mark.rule("ESC-2")
@pytest.mark.parametrize(
    ("second", "raised"),
    [
        (timedelta(days=7) - timedelta(seconds=1), [3]),
        (timedelta(days=7), []),
        (timedelta(days=30), []),
    ],
)
def test_only_contacts_within_the_window_of_seven_days_count(second: timedelta, raised: list[int]) -> None:
    story = call(Story().to_verification())
    story.wait(seconds=second.total_seconds() - 60)
    call(story)
    story.wait(minutes=1)
    call(story)
    assert armings(story) == raised
    call(story)
    assert armings(story) == [3], "by now three came within a few minutes"


@pytest.mark.rule("ESC-2")
def test_contacts_that_come_slowly_raise_nothing() -> None:
    story = calls(Story().to_follow_up(), 3, days=1)
    other = calls(Story().to_verification(), 8, days=3.5)
    assert armings(story) == [3]
    assert armings(other) == []


@pytest.mark.rule("INT-2")
@pytest.mark.parametrize(
    ("actor", "given"),
    [
        (Actor(id="agent-03", role=Role.AGENT), {"outbound": True}),
        (SOFTWARE, {"outbound": True, "automatic": True}),
        (SOFTWARE, {"party": Party.RESPONDENT}),
        (SOFTWARE, {"party": Party.CARRIER}),
    ],
    ids=["ours", "automatic", "the seller's", "the carrier's"],
)
def test_what_the_platform_sends_and_what_others_say_does_not_count(actor: Actor, given: dict[str, Any]) -> None:
    story = Story().to_verification()
    calls(story, 2)
    for _ in range(6):
        call(story, actor, **given)
    assert armings(story) == []
    calls(story, 1)
    assert armings(story) == [3]


@pytest.mark.rule("ESC-2")
def test_a_contact_that_an_agent_records_for_the_customer_counts() -> None:
    story = Story().to_verification()
    for _ in range(3):
        call(story, Actor(id="agent-09", role=Role.AGENT))
    assert armings(story) == [3]


@pytest.mark.rule("ESC-2")
def test_each_count_raises_a_case_once_in_its_life() -> None:
    story = calls(Story().to_verification(), 3)
    story.wait(days=10)
    calls(story, 5)
    assert armings(story) == [3], "within the window it was three again, and not yet six"
    calls(story, 1)
    assert armings(story) == [3, 6]


@pytest.mark.rule("ESC-2")
@pytest.mark.parametrize("stage", ["to_acceptance", "to_verification", "to_coordination", "to_ruling", "to_follow_up"])
def test_contacts_raise_the_case_in_every_open_stage(stage: str) -> None:
    story = getattr(Story(), stage)()
    before = story.open_case.stage
    calls(story, 3)
    assert (armings(story), story.at(before)) == ([3], True)


@pytest.mark.rule("INT-2")
def test_contacts_about_a_closed_case_are_on_record_and_raise_nothing() -> None:
    story = Story().to_closed()
    before = len(story.open_case.contacts)
    calls(story, 6)
    assert len(story.open_case.contacts) == before + 6
    assert (armings(story), level(story)) == ([], Level.FRONT_LINE)


@pytest.mark.rule("ESC-2", "TRA-1")
def test_a_duplicate_that_is_taken_over_is_a_contact_as_well() -> None:
    story = calls(Story().to_verification(), 2)
    story.accepted(
        events.AbsorbCase,
        ENGINE,
        duplicate="buyer-017/order-1002",
        head=Head(number=3, hash="0" * 64),
        channel=Channel.HOTLINE,
        evidence=(item("video"),),
    )
    assert armings(story) == [3]


@pytest.mark.rule("INT-2")
def test_the_other_party_may_record_no_contact() -> None:
    refusal = (
        Story()
        .to_verification()
        .refused(events.RecordContact, SELLER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
    )
    assert refusal.code == "no_right"
