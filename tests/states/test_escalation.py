"""Levels that rise (area ESC)."""

from datetime import timedelta

import pytest

from policies.schema import Level, Priority, Role, Stage, Trigger
from states import events, facts
from states.values import Actor
from states.view import page
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, SELLER, START, Story, text
from tests.states.test_admission import book_with, platform

REPORTED = [
    pytest.param(Trigger.LEANING, Level.SPECIALIST, "ESC-4", marks=pytest.mark.rule("ESC-4")),
    pytest.param(Trigger.ASKS_MANAGEMENT, Level.MANAGEMENT, "ESC-6", marks=pytest.mark.rule("ESC-6")),
]


@pytest.mark.rule("ESC-8")
@pytest.mark.parametrize("stage", ["to_acceptance", "to_verification", "to_coordination", "to_ruling", "to_follow_up"])
def test_an_agent_hands_the_case_up_with_a_reason_in_any_open_stage(stage: str) -> None:
    story = getattr(Story(), stage)()
    before = story.open_case.stage
    entry = story.accepted(events.EscalateCase)
    assert entry.rules == ("ESC-8",)
    assert entry.reason == text("reason")
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.escalation.at) == (Trigger.BY_HAND, START)
    assert story.open_case.level is Level.SPECIALIST
    assert story.open_case.stage is before


@pytest.mark.rule("ESC-8")
def test_an_escalation_needs_a_reason_and_the_right() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.EscalateCase, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "ESC-8")
    for party in (BUYER, SELLER):
        assert story.refused(events.EscalateCase, party).code == "no_right"


@pytest.mark.rule("ESC-8", "ESC-1")
def test_levels_rise_one_by_one_and_end_with_management() -> None:
    story = Story().to_verification()
    levels = []
    for actor in (AGENT, CHIEF, AGENT, AGENT):
        story.accepted(events.EscalateCase, actor)
        levels.append(story.open_case.level)
    assert levels == [Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT, Level.MANAGEMENT]
    story.wait(days=40)
    assert story.open_case.level is Level.MANAGEMENT


@pytest.mark.rule("ESC-8")
@pytest.mark.parametrize("stage", [Stage.INTAKE, Stage.FEEDBACK])
def test_also_what_waits_for_a_party_is_handed_up(stage: Stage) -> None:
    story = in_stage(stage)
    story.accepted(events.EscalateCase)
    assert (story.at(stage), story.open_case.level) == (True, Level.SPECIALIST)


@pytest.mark.rule("ESC-8")
def test_a_case_is_handed_up_any_number_of_times_also_at_the_same_moment() -> None:
    story = Story().to_verification()
    for _ in range(3):
        story.accepted(events.EscalateCase)
    assert [fact.escalation.arming for fact in story.all(facts.LevelRaised)] == [1, 2, 3]
    assert story.open_case.priority is Priority.NORMAL, "handing up says nothing about urgency"


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_a_case_that_is_over_is_neither_handed_up_nor_reported_about(stage: Stage) -> None:
    story = in_stage(stage)
    assert story.refused(events.EscalateCase).rule == "COO-5"
    refusal = story.refused(events.ReportTrigger, trigger=Trigger.LEANING)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


# --- what an agent reports about the customer (ESC-4, ESC-6) ------------------------------


@pytest.mark.parametrize("stage", OPEN)
@pytest.mark.parametrize(("trigger", "level", "rule"), REPORTED)
def test_what_the_customer_leans_to_or_asks_for_raises_the_case_in_every_open_stage(
    trigger: Trigger, level: Level, rule: str, stage: Stage
) -> None:
    story = in_stage(stage)
    entry = story.accepted(events.ReportTrigger, trigger=trigger)
    assert (entry.reason, rule in entry.rules) == (text("reason"), True)
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.escalation.before, raised.escalation.after) == (
        trigger,
        Level.FRONT_LINE,
        level,
    )
    assert (story.open_case.level, story.open_case.priority, story.at(stage)) == (level, Priority.HIGH, True)
    shown = page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()
    assert f"- rose to {level} for {trigger}" in shown


@pytest.mark.parametrize(("trigger", "level", "rule"), REPORTED)
def test_it_is_reported_once_in_a_hearing_and_again_in_the_next(trigger: Trigger, level: Level, rule: str) -> None:
    story = Story().to_follow_up()
    story.accepted(events.ReportTrigger, trigger=trigger)
    story.wait(hours=5)
    refusal = story.refused(events.ReportTrigger, CHIEF, trigger=trigger)
    assert (refusal.code, refusal.rule) == ("reported_before", rule)
    assert story.open_case.level is level
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    assert story.at(Stage.VERIFICATION)
    story.accepted(events.ReportTrigger, trigger=trigger)
    raised = [fact.escalation for fact in story.all(facts.LevelRaised) if fact.escalation.trigger is trigger]
    assert [each.arming for each in raised] == [1, 2]


@pytest.mark.rule("ESC-4", "ESC-6")
def test_both_can_be_reported_side_by_side() -> None:
    story = Story().to_verification()
    for trigger in (Trigger.LEANING, Trigger.ASKS_MANAGEMENT):
        story.accepted(events.ReportTrigger, trigger=trigger)
    assert [fact.escalation.trigger for fact in story.all(facts.LevelRaised)] == [
        Trigger.LEANING,
        Trigger.ASKS_MANAGEMENT,
    ]


@pytest.mark.rule("ESC-4")
@pytest.mark.parametrize(
    "trigger", [each for each in Trigger if each not in (Trigger.LEANING, Trigger.ASKS_MANAGEMENT)]
)
def test_nothing_else_is_reported_that_way(trigger: Trigger) -> None:
    refusal = Story().to_verification().refused(events.ReportTrigger, trigger=trigger)
    assert (refusal.code, refusal.rule) == ("wrong_trigger", "ESC-4")


@pytest.mark.rule("ESC-4")
def test_what_the_policy_does_not_raise_for_is_not_reported() -> None:
    rows = tuple(row for row in platform().escalation if row.trigger is not Trigger.LEANING)
    story = Story(book_with(escalation=rows)).to_verification()
    assert story.refused(events.ReportTrigger, trigger=Trigger.LEANING).code == "wrong_trigger"
    story.accepted(events.ReportTrigger, trigger=Trigger.ASKS_MANAGEMENT)


@pytest.mark.parametrize(("trigger", "level", "rule"), REPORTED)
def test_a_report_says_what_the_customer_said_and_comes_from_the_platforms_people(
    trigger: Trigger, level: Level, rule: str
) -> None:
    story = Story().to_verification()
    refusal = story.refused(events.ReportTrigger, trigger=trigger, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", rule)
    for actor in (BUYER, SELLER, Actor(id="robot", role=Role.SERVICE)):
        assert story.refused(events.ReportTrigger, actor, trigger=trigger).code == "no_right"
    story.now += timedelta(minutes=1)
    story.accepted(events.ReportTrigger, None, trigger=trigger)
    assert story.open_case.level is level


@pytest.mark.rule("ESC-6", "ESC-8")
def test_a_case_that_management_has_already_rises_no_further() -> None:
    story = Story().to_verification()
    for _ in range(3):
        story.accepted(events.EscalateCase)
    story.accepted(events.ReportTrigger, trigger=Trigger.ASKS_MANAGEMENT)
    last = story.all(facts.LevelRaised)[-1].escalation
    assert (last.before, last.after) == (Level.MANAGEMENT, Level.MANAGEMENT)
