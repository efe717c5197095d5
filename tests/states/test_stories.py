"""Whole cases in the pure core."""

from policies.schema import Level, Outcome, Party, RemedyKind, Stage
from states import events
from states.events import ProposalAnswer
from states.journal import fold
from states.values import RemedyTerms, Scores
from tests.states.story import BUYER, SELLER, Story, text

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
GOOD = Scores(speed=5, attitude=5, accuracy=5, problem_solving=5, product_knowledge=4, result=5)


def to_coordination(story: Story) -> None:
    story.file()
    story.wait(hours=1)
    assert story.act(events.AcceptComplaint).accepted
    story.act(events.RecordContact, party=Party.COMPLAINANT, channel="hotline", outbound=True)
    assert story.act(events.SubmitStatement, SELLER, text=text("statement")).accepted
    answer = story.act(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="defective_goods", evidence=("E1",)
    )
    assert answer.accepted, answer


def test_settled_by_refund() -> None:
    story = Story()
    to_coordination(story)
    assert story.act(events.ProposeRemedy, BUYER, terms=REFUND).accepted
    assert story.act(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT).accepted
    assert story.at(Stage.FOLLOW_UP)
    assert story.act(events.AnswerSurvey, BUYER, solved=True, scores=GOOD).accepted
    assert story.open_case.outcome is Outcome.AGREED
    story.wait(days=30)
    assert story.open_case.path == (
        Stage.INTAKE,
        Stage.ACCEPTANCE,
        Stage.VERIFICATION,
        Stage.COORDINATION,
        Stage.FEEDBACK,
        Stage.FOLLOW_UP,
        Stage.CLOSED,
        Stage.ARCHIVED,
    )
    assert story.open_case.level is Level.FRONT_LINE
    assert not any(clock.active for clock in story.open_case.clocks)
    assert fold(story.entries) == story.case


def test_everybody_silent_still_ends() -> None:
    story = Story()
    story.file()
    story.wait(days=10)
    assert story.open_case.level is Level.MANAGEMENT
    assert fold(story.entries) == story.case
