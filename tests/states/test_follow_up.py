"""Is the problem really solved? Closing, coming back, archiving (area FUP)."""

from typing import Any

import pytest
from msgspec.structs import replace

from policies.schema import ClockKind, Level, Outcome, Party, RemedyKind, Stage, Trigger
from states import events, facts
from states.values import HearingKind, RemedyTerms, Scores
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, REFUND, SELLER, Story, text

COUPON = RemedyTerms(kind=RemedyKind.COUPON, amount_fen=1_000)
BAD = Scores(speed=1, attitude=1, accuracy=1, problem_solving=1, product_knowledge=1, result=1)


@pytest.mark.rule("FUP-1")
def test_follow_up_is_a_stage_with_a_deadline_and_a_survey() -> None:
    story = Story().to_follow_up()
    assert [notice.party for notice in story.sent("survey")] == [Party.COMPLAINANT]
    assert story.clock(ClockKind.SURVEY).due.isoformat() == "2026-03-05T10:00:00+00:00"
    entry = story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD, comment=text("thanks"))
    assert "FUP-1" in entry.rules
    (survey,) = story.open_case.surveys
    assert (survey.solved, survey.scores, survey.comment) == (True, GOOD, text("thanks"))
    assert set(survey.scores.__struct_fields__) == {
        "speed",
        "attitude",
        "accuracy",
        "problem_solving",
        "product_knowledge",
        "result",
    }
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("FUP-1")
def test_one_survey_for_each_closing() -> None:
    story = Story().to_closed()
    refusal = story.refused(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    assert (refusal.code, refusal.rule) == ("wrong_stage", "FUP-1")
    assert Story().to_ruling().refused(events.AnswerSurvey, BUYER, solved=True, scores=GOOD).rule == "FUP-1"
    assert Story().to_follow_up().refused(events.AnswerSurvey, SELLER, solved=True, scores=GOOD).code == "no_right"


@pytest.mark.rule("FUP-1")
def test_a_silent_complainant_closes_the_case_and_may_still_answer() -> None:
    story = Story().to_follow_up()
    story.wait(days=4)
    assert story.at(Stage.CLOSED)
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    assert story.at(Stage.CLOSED)
    assert story.refused(events.AnswerSurvey, BUYER, solved=True, scores=GOOD).rule == "FUP-1"


@pytest.mark.rule("FUP-2")
@pytest.mark.parametrize("closed", [False, True])
def test_not_solved_brings_the_case_back_one_level_higher(closed: bool) -> None:
    story = Story().to_follow_up()
    if closed:
        story.wait(days=10)
        assert story.at(Stage.CLOSED)
    entry = story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    assert "FUP-2" in entry.rules
    assert story.at(Stage.VERIFICATION)
    assert (story.open_case.level, story.open_case.outcome) == (Level.SPECIALIST, None)
    (raised,) = story.all(facts.LevelRaised)
    assert raised.escalation.trigger is Trigger.NOT_SOLVED
    assert story.open_case.finding is None
    assert story.open_case.hearing.kind is HearingKind.NOT_SOLVED
    assert (story.open_case.hearing.barred, story.open_case.hearing.final) == ((), False)
    assert {notice.party for notice in story.sent("reopened")} == {Party.COMPLAINANT, Party.RESPONDENT}


@pytest.mark.rule("FUP-2")
def test_the_window_ends() -> None:
    story = Story().to_follow_up()
    story.wait(days=4 + 15)
    assert story.at(Stage.ARCHIVED)
    assert story.refused(events.AnswerSurvey, BUYER, solved=False, scores=BAD).code == "wrong_stage"
    early = Story().to_follow_up()
    entry = early.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    assert "FUP-2" in entry.rules


def not_solved_again(story: Story) -> None:
    """From verification to a dismissal and a further answer of "not solved"."""
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, proven=False)
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)


@pytest.mark.rule("FUP-2", "FUP-1")
def test_returns_are_capped_and_then_the_outside_routes_are_told() -> None:
    story = Story().to_follow_up()
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    not_solved_again(story)
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.level is Level.SUPERVISOR
    not_solved_again(story)
    assert story.at(Stage.CLOSED)
    assert len(story.sent("outside_routes")) == 1
    assert [survey.closing for survey in story.open_case.surveys] == [1, 2, 3]


@pytest.mark.rule("FUP-2", "COO-1", "VER-1")
def test_rounds_begin_anew_when_a_case_comes_back() -> None:
    story = Story().to_follow_up()
    before = story.open_case
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    hearing = story.open_case.hearing
    assert (hearing.requests, hearing.proposals) == (len(before.requests), len(before.proposals))
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    found: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, proven=True, **found)
    less = replace(COUPON, amount_fen=100)
    for number in range(4):
        assert story.at(Stage.COORDINATION)
        story.accepted(events.ProposeRemedy, SELLER, terms=less)
        declined = {"proposal": f"P{number + 2}", "answer": events.ProposalAnswer.DECLINE}
        story.accepted(events.AnswerProposal, BUYER, **declined)
    assert story.at(Stage.RULING)


# --- reopening --------------------------------------------------------------------------------


@pytest.mark.rule("TRA-1")
@pytest.mark.parametrize("days", [1, 60])
def test_a_closed_case_is_reopened_in_the_window_and_from_the_archive(days: int) -> None:
    story = Story().to_closed()
    story.wait(days=days)
    assert story.at(Stage.CLOSED if days == 1 else Stage.ARCHIVED)
    case_id = story.open_case.case_id
    assert story.refused(events.ReopenCase, CHIEF, case_id=case_id, reason=None).rule == "TRA-1"
    assert story.refused(events.ReopenCase, BUYER, case_id=case_id).code == "no_right"
    assert story.refused(events.ReopenCase, CHIEF, case_id="buyer-017/order-2").code == "wrong_case"
    entry = story.accepted(events.ReopenCase, CHIEF, case_id=case_id)
    assert any(isinstance(fact, facts.Reopened) for fact in entry.facts)
    assert (story.open_case.stage, story.open_case.owner) == (Stage.VERIFICATION, CHIEF.id)
    assert (story.open_case.outcome, story.open_case.finding) == (None, None)
    assert story.open_case.hearing.kind is HearingKind.REOPENED
    assert story.open_case.open_requests(Party.RESPONDENT)
    assert story.clock(ClockKind.RESULT).active
    assert not story.clock(ClockKind.CLOSING_WINDOW).active
    not_solved_again(story)
    assert [survey.closing for survey in story.open_case.surveys] == [1, 2]


@pytest.mark.rule("TRA-1")
def test_an_open_case_is_not_reopened() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.ReopenCase, CHIEF, case_id=story.open_case.case_id)
    assert (refusal.code, refusal.rule) == ("not_closed", "TRA-1")


@pytest.mark.rule("TRA-1", "ESC-8")
def test_nothing_but_reopening_moves_an_archived_case() -> None:
    story = Story().to_closed()
    story.wait(days=60)
    assert story.refused(events.RecordContact, party=Party.COMPLAINANT, channel="hotline").code == "archived"
    assert story.refused(events.EscalateCase).code == "case_closed"
    assert story.refused(events.ProposeRemedy, AGENT, terms=REFUND).code == "wrong_stage"
    story.accepted(events.ReopenCase, CHIEF, case_id=story.open_case.case_id)
    story.accepted(events.EscalateCase)
