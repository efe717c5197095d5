"""The matter is brought before a body outside: an association, a regulator, a court, the media (ESC-3, ESC-5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.schema import Channel, ClockKind, Level, Party, Priority, Route, Stage, Trigger
from states import events, facts
from states.journal import fold
from states.values import ClockState, ConsentState, HearingKind, SellerContact
from states.view import page, row
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, EXCHANGE, GOOD, SELLER, START, Story, item, order
from tests.states.test_admission import book_with, platform
from tests.states.test_appeals import confirmed as decided_for_good
from tests.states.test_appeals import decide, review

EXTERNAL = ("consumer_association", "regulator", "media")
JUDICIAL = ("police", "court", "arbitration")
ONE_OF_EACH = [
    pytest.param("consumer_association", Level.SUPERVISOR, "ESC-5", marks=pytest.mark.rule("ESC-5"), id="external"),
    pytest.param("police", Level.MANAGEMENT, "ESC-3", marks=pytest.mark.rule("ESC-3"), id="judicial"),
]


def went(story: Story, body: str = "regulator", **given: Any) -> Any:
    """The matter is before a body outside, since an hour."""
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": story.now - timedelta(hours=1)}
    return story.accepted(events.RecordExternalComplaint, body=body, **made | given)


def not_recorded(story: Story, **given: Any) -> str:
    case = story.open_case
    made: dict[str, Any] = {"case_id": case.case_id, "made_at": story.now, "body": "regulator"}
    refusal = story.refused(events.RecordExternalComplaint, **made | given)
    assert refusal.rule == "ESC-5"
    return refusal.code


def outside_clock(story: Story, id_: str = "X1") -> Any:
    return story.clock(ClockKind.OUTSIDE, id_)


def lines(story: Story) -> list[str]:
    return page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


# --- what it does -------------------------------------------------------------------------


@pytest.mark.rule("ESC-5")
def test_the_bodies_are_those_of_the_sources_and_the_platforms_addition() -> None:
    bodies = platform().outside_bodies
    assert set(bodies) == {*EXTERNAL, *JUDICIAL}
    assert {name for name, body in bodies.items() if body.trigger is Trigger.JUDICIAL} == set(JUDICIAL)
    went(Story().to_verification())


@pytest.mark.rule("ESC-5")
@pytest.mark.parametrize("body", EXTERNAL)
def test_a_complaint_outside_raises_the_case_at_once_and_has_a_deadline(body: str) -> None:
    story = Story().to_verification()
    entry = went(story, body, reference="12315-77", due=START + timedelta(days=3))
    case = story.open_case
    assert "ESC-5" in entry.rules
    (made,) = case.externals
    assert (made.id, made.body, made.reference) == ("X1", body, "12315-77")
    assert (made.made_at, made.at, made.due) == (START - timedelta(hours=1), START, START + timedelta(days=3))
    assert (case.external, case.level, case.priority) == (True, Level.SUPERVISOR, Priority.URGENT)
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.escalation.arming) == (Trigger.EXTERNAL, 1)
    assert [notice.party for notice in story.sent("escalated")] == [Party.COMPLAINANT]
    assert not case.hand_offs
    assert outside_clock(story).due == START + timedelta(days=3)
    assert row(case).external
    assert f"- outside X1: {body} 12315-77" in lines(story)
    assert fold(story.entries) == case


@pytest.mark.rule("ESC-3", "ESC-5", "HOF-2")
@pytest.mark.parametrize("body", JUDICIAL)
def test_a_judicial_authority_raises_the_case_to_the_management_and_to_the_legal_team(body: str) -> None:
    story = Story().to_verification()
    entry = went(story, body)
    case = story.open_case
    assert "ESC-3" in entry.rules
    assert (case.external, case.level, case.priority) == (True, Level.MANAGEMENT, Priority.URGENT)
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.rules) == (Trigger.JUDICIAL, ("ESC-3",))
    (handed,) = case.hand_offs
    assert (handed.route, handed.team, handed.trigger) == (Route.LEGAL, "legal", Trigger.JUDICIAL)
    assert handed.consent.state is ConsentState.WAIVED
    assert outside_clock(story).active
    assert len(story.sent("escalated")) == 1
    assert f"- outside X1: {body} without a reference" in lines(story)


@pytest.mark.rule("ESC-5")
def test_where_the_body_names_no_deadline_the_policy_does() -> None:
    story = Story().to_verification()
    went(story)
    clock = outside_clock(story)
    assert clock.due == datetime(2026, 3, 9, 10, tzinfo=UTC)  # five working days after Monday, at 18:00
    assert clock.warn_at == clock.due - timedelta(hours=24)


@pytest.mark.rule("ESC-5")
def test_a_policy_may_keep_no_deadline_outside() -> None:
    rows = tuple(replace(row, clock=None) for row in platform().escalation)
    story = Story(book_with(escalation=rows)).to_verification()
    went(story, due=story.now + timedelta(days=3))
    assert (story.open_case.level, story.open_case.external) == (Level.SUPERVISOR, True)
    assert story.open_case.clock(ClockKind.OUTSIDE, "X1") is None


@pytest.mark.rule("ESC-5")
def test_the_bodys_own_deadline_stands_whatever_else_the_case_is() -> None:
    """It is neither shortened by the case's priority nor provisional through an unpublished year."""
    start = datetime(2026, 12, 28, 1, tzinfo=UTC)
    story = Story(start=start)
    story.order = order(purchased_at=start - timedelta(days=3))
    story.to_verification()
    due = start + timedelta(days=20)
    went(story, due=due)
    story.accepted(events.SetRisk, high=True)
    clock = outside_clock(story)
    assert (clock.due, clock.warn_at, clock.provisional) == (due, due - timedelta(hours=24), False)
    went(story, "media")
    assert outside_clock(story, "X2").provisional, "what the policy counts in working days is"


@pytest.mark.rule("ESC-5", "ESC-3")
def test_several_bodies_have_a_deadline_each() -> None:
    story = Story().to_verification()
    went(story, "media", due=START + timedelta(days=2))
    went(story, "court", due=START + timedelta(days=4))
    assert [outside_clock(story, id_).due for id_ in ("X1", "X2")] == [
        START + timedelta(days=2),
        START + timedelta(days=4),
    ]
    assert [fact.escalation.trigger for fact in story.all(facts.LevelRaised)] == [Trigger.EXTERNAL, Trigger.JUDICIAL]
    assert story.open_case.level is Level.MANAGEMENT


@pytest.mark.rule("ESC-5")
def test_levels_do_not_fall_to_that_of_a_complaint_outside() -> None:
    story = Story().to_verification()
    went(story, "court")
    went(story, "media")
    assert story.open_case.level is Level.MANAGEMENT
    last = story.all(facts.LevelRaised)[-1].escalation
    assert (last.trigger, last.before, last.after) == (Trigger.EXTERNAL, Level.MANAGEMENT, Level.MANAGEMENT)


# --- in every state -----------------------------------------------------------------------


@pytest.mark.parametrize(("body", "level", "rule"), ONE_OF_EACH)
@pytest.mark.parametrize("stage", OPEN)
def test_it_works_in_every_open_stage(stage: Stage, body: str, level: Level, rule: str) -> None:
    story = in_stage(stage)
    hearings = len(story.open_case.hearings)
    entry = went(story, body)
    assert rule in entry.rules
    assert (story.open_case.level, story.open_case.priority) == (level, Priority.URGENT)
    assert outside_clock(story).active
    assert len(story.open_case.hearings) == hearings
    # What waits for the seller first, waits no longer (ADM-7).
    assert story.at(Stage.ACCEPTANCE if stage is Stage.INTAKE else stage)


@pytest.mark.rule("ADM-7", "ESC-5")
def test_a_complaint_outside_ends_the_sellers_turn() -> None:
    story = in_stage(Stage.INTAKE)
    assert story.clock(ClockKind.SELLER_FIRST).active
    went(story)
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.SELLER_FIRST).state is ClockState.CANCELLED


@pytest.mark.parametrize(("body", "level", "rule"), ONE_OF_EACH)
@pytest.mark.parametrize("stage", OVER)
def test_it_opens_a_case_again_that_was_over(stage: Stage, body: str, level: Level, rule: str) -> None:
    story = in_stage(stage)
    entry = went(story, body)
    case = story.open_case
    assert rule in entry.rules
    assert (case.level, case.priority) == (level, Priority.URGENT)
    assert (case.stage, case.outcome, case.reopenings) == (Stage.VERIFICATION, None, 1)
    assert (case.hearing.kind, case.hearing.barred, case.hearing.final) == (HearingKind.REOPENED, (), False)
    assert {notice.party for notice in story.sent("reopened")} == {Party.COMPLAINANT, Party.RESPONDENT}
    assert case.open_requests(Party.RESPONDENT), "the seller is heard again"
    assert (case.external, outside_clock(story).active, story.clock(ClockKind.RESULT).active) == (True, True, True)
    assert not [clock for clock in case.clocks if clock.kind is ClockKind.CLOSING_WINDOW and clock.active]
    assert fold(story.entries) == case


@pytest.mark.rule("ESC-3", "ESC-7")
def test_a_court_is_heard_also_about_what_was_final() -> None:
    rule = replace(platform().review, final=True, another_agent=False)
    story = decided_for_good(Story(book_with(review=rule)))
    review(story)
    decide(story)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    assert (story.at(Stage.CLOSED), story.open_case.final) == (True, True)
    went(story, "court")
    assert (story.at(Stage.VERIFICATION), story.open_case.final) == (True, False)
    assert outside_clock(story).active


@pytest.mark.rule("ESC-5")
def test_an_archived_case_is_found_by_its_id() -> None:
    story = in_stage(Stage.ARCHIVED)
    assert not_recorded(story, case_id="buyer-017/order-9") == "wrong_case"
    assert story.at(Stage.ARCHIVED)


# --- what is refused ----------------------------------------------------------------------


@pytest.mark.rule("ESC-5")
@pytest.mark.parametrize("stage", [Stage.VERIFICATION, Stage.CLOSED])
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"case_id": "buyer-017/order-9"}, "wrong_case"),
        ({"body": "neighbours"}, "unknown_body"),
        ({"made_at": START + timedelta(days=99)}, "made_ahead"),
        ({"due": START}, "due_passed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_opens_nothing(stage: Stage, given: dict[str, Any], code: str) -> None:
    story = in_stage(stage)
    assert not_recorded(story, **given) == code
    assert story.at(stage)


@pytest.mark.rule("ESC-5")
def test_the_same_complaint_outside_is_recorded_once() -> None:
    story = Story().to_verification()
    went(story, reference="12315-77")
    assert not_recorded(story, reference="12315-77", made_at=START) == "recorded_before"
    went(story, reference="12315-78")
    went(story, "media", reference="12315-77")
    assert [made.id for made in story.open_case.externals] == ["X1", "X2", "X3"]


@pytest.mark.rule("ESC-5")
def test_a_recorded_complaint_opens_no_case_a_second_time() -> None:
    story = Story().to_verification()
    went(story, reference="12315-77")
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.at(Stage.CLOSED)
    assert not_recorded(story, reference="12315-77") == "recorded_before"
    assert story.at(Stage.CLOSED)
    went(story, reference="12315-78")
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("ESC-5")
def test_without_a_reference_every_complaint_outside_counts_as_another() -> None:
    story = Story().to_verification()
    went(story)
    went(story)
    assert [made.id for made in story.open_case.externals] == ["X1", "X2"]
    assert [fact.escalation.arming for fact in story.all(facts.LevelRaised)] == [1, 2]
    assert outside_clock(story).active
    assert outside_clock(story, "X2").active


@pytest.mark.rule("TRA-1", "ESC-5")
def test_the_customer_and_the_platform_may_say_so_and_the_seller_may_not() -> None:
    story = Story().to_verification()
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": START, "body": "regulator"}
    assert story.refused(events.RecordExternalComplaint, SELLER, **made).code == "no_right"
    for number, actor in enumerate((BUYER, AGENT, CHIEF)):
        story.accepted(events.RecordExternalComplaint, actor, **made, reference=f"r-{number}")


# --- through the body's own channel -------------------------------------------------------


@pytest.mark.rule("ESC-5", "INT-2", "ADM-7")
@pytest.mark.parametrize("body", ["consumer_association", "regulator"])
def test_a_complaint_that_a_body_passes_on_is_external_from_the_start(body: str) -> None:
    story = Story()
    story.file(channel=Channel(body), seller_contact=SellerContact.NOT_APPROACHED)
    case, first = story.open_case, story.entries[0]
    assert "ESC-5" in first.rules
    assert (case.external, case.level, case.priority) == (True, Level.SUPERVISOR, Priority.URGENT)
    (made,) = case.externals
    assert (made.body, made.reference, made.made_at) == (body, "", START)
    assert outside_clock(story).due == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert len(story.sent("escalated")) == 1
    assert story.at(Stage.ACCEPTANCE), "the seller does not come first"


@pytest.mark.rule("INT-2")
@pytest.mark.parametrize(
    "channel", [each for each in Channel if each not in (Channel.CONSUMER_ASSOCIATION, Channel.REGULATOR)]
)
def test_no_other_channel_makes_a_complaint_external(channel: Channel) -> None:
    story = Story().to_acceptance(channel=channel)
    assert (story.open_case.external, story.open_case.externals) == (False, ())
    assert (story.open_case.level, story.open_case.clock(ClockKind.OUTSIDE, "X1")) == (Level.FRONT_LINE, None)


@pytest.mark.rule("INT-2")
def test_under_the_regulators_own_procedure_the_regulator_is_nobody_outside() -> None:
    story = Story()
    story.file(procedure="regulator", channel=Channel.REGULATOR)
    assert (story.open_case.external, story.open_case.level) == (False, Level.FRONT_LINE)


@pytest.mark.rule("ESC-5", "INT-2")
def test_a_further_complaint_that_a_body_passes_on_makes_the_open_case_external() -> None:
    story = Story().to_verification()
    story.wait(hours=3)
    assert story.file(request_id="r-again", channel=Channel.REGULATOR).accepted
    case = story.open_case
    assert "ESC-5" in story.entries[-2].rules
    assert (case.external, case.level, case.priority) == (True, Level.SUPERVISOR, Priority.URGENT)
    assert [(made.body, made.made_at) for made in case.externals] == [("regulator", story.now)]
    assert (story.at(Stage.VERIFICATION), outside_clock(story).active) == (True, True)
    assert len(case.contacts) == 3, "the complaint, the call, and the complaint again"


@pytest.mark.rule("ESC-5", "INT-2")
@pytest.mark.parametrize("stage", [Stage.CLOSED, Stage.ARCHIVED])
@pytest.mark.parametrize("evidence", [(), (item("video"),)])
def test_the_same_complaint_passed_on_by_a_body_opens_a_decided_case_again(stage: Stage, evidence: Any) -> None:
    """Whether or not it brings something new: it is no appeal, and not refused as handled already."""
    story = in_stage(stage)
    assert story.file(request_id="r-again", channel=Channel.CONSUMER_ASSOCIATION, evidence=evidence).accepted
    case = story.open_case
    assert (case.stage, case.external, case.level) == (Stage.VERIFICATION, True, Level.SUPERVISOR)
    assert (case.hearing.kind, case.appeals) == (HearingKind.REOPENED, ())
    assert not story.sent("already_handled")
    assert len(case.evidence) == 1 + len(evidence)


@pytest.mark.rule("ESC-5", "ADM-5")
def test_what_was_never_decided_is_filed_anew_also_where_a_body_passes_it_on() -> None:
    story = Story().to_verification()
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.file(request_id="r-again", channel=Channel.REGULATOR).accepted
    assert (story.at(Stage.ACCEPTANCE), story.open_case.external) == (True, True)
    assert (len(story.open_case.externals), outside_clock(story).active) == (1, True)


# --- the deadline outside -----------------------------------------------------------------


@pytest.mark.rule("ESC-5")
def test_with_the_result_told_the_body_has_its_answer() -> None:
    story = Story().to_coordination()
    went(story)
    story.accepted(events.ProposeRemedy, BUYER, terms=EXCHANGE)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
    assert story.at(Stage.FEEDBACK)
    assert outside_clock(story).active, "what was agreed is not carried out yet"
    for actor in (BUYER, SELLER):
        story.accepted(events.ReportRemedy, actor, remedy="M1", done=True)
    assert story.at(Stage.FOLLOW_UP)
    assert outside_clock(story).state is ClockState.MET


@pytest.mark.rule("ESC-5")
def test_a_complaint_outside_about_a_result_that_was_told_waits_for_more_than_that() -> None:
    story = Story().to_follow_up()
    went(story)
    story.wait(hours=24)
    assert (story.at(Stage.FOLLOW_UP), outside_clock(story).state) == (True, ClockState.RUNNING)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    assert (story.at(Stage.VERIFICATION), outside_clock(story).active) == (True, True)


@pytest.mark.rule("ESC-5")
@pytest.mark.parametrize("how", ["solved", "withdrawn", "refused"])
def test_a_case_that_closes_leaves_no_deadline_outside(how: str) -> None:
    match how:
        case "solved":
            story = Story().to_follow_up()
            went(story)
            story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
        case "withdrawn":
            story = Story().to_verification()
            went(story)
            story.accepted(events.WithdrawComplaint, BUYER)
        case _:
            story = Story().to_acceptance()
            went(story)
            story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    assert story.at(Stage.CLOSED)
    assert outside_clock(story).state is ClockState.MET


@pytest.mark.rule("ESC-5", "ESC-1")
def test_a_missed_deadline_outside_raises_the_case_and_is_asked_for_again() -> None:
    story = Story().to_ruling()
    due = START + timedelta(hours=30)
    went(story, due=due)
    story.wait(hours=6)
    assert outside_clock(story).state is ClockState.WARNED, "a day before its end"
    story.wait(hours=24)
    (missed,) = [f.escalation for f in story.all(facts.LevelRaised) if f.escalation.trigger is Trigger.MISSED_CLOCK]
    assert (missed.clock, missed.arming) == ("outside:X1", 1)
    assert (missed.before, missed.after) == (Level.SUPERVISOR, Level.MANAGEMENT)
    again = outside_clock(story)
    assert (again.arming, again.armed_at, again.state) == (2, due, ClockState.RUNNING)
    assert again.due == datetime(2026, 3, 10, 10, tzinfo=UTC)  # the policy's five working days after Tuesday
