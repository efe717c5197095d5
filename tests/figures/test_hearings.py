"""How often a party is asked, a solution is proposed, and a case is heard again; by whom, and what then is final."""

from datetime import timedelta
from typing import Any

import pytest

from policies.schema import Channel, OrderState, Outcome, Party, Stage
from states import events
from states.values import Actor, ProposalState
from tests.figures.cases import allowed, refusal, ripe
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, REFUND, SELLER, START, Story, item, order, text

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def code(story: Story, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> str:
    """Why an act would be refused now; empty if it would not."""
    told = refusal(story, act, actor, **given)
    return "" if told is None else told.code


# --- rounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("party", [Party.COMPLAINANT, Party.RESPONDENT])
@pytest.mark.rule("VER-1")
def test_verification_max_rounds_are_three_requests_to_a_party(party: Party) -> None:
    story = Story().to_verification()
    actor = BUYER if party is Party.COMPLAINANT else SELLER
    for number in range(3):
        story.accepted(events.RequestEvidence, party=party, wanted=("video",))
        story.accepted(events.SubmitEvidence, actor, items=(item("video", f"video-{number}"),))
    assert code(story, events.RequestEvidence, party=party, wanted=("video",)) == "rounds_used_up"


@pytest.mark.rule("COO-1")
def test_mediation_max_rounds_are_four_proposals() -> None:
    story = Story().to_coordination()
    for number in range(4):
        assert story.at(Stage.COORDINATION)
        story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
        decline = {"proposal": f"P{number + 1}", "answer": events.ProposalAnswer.DECLINE}
        story.accepted(events.AnswerProposal, SELLER, **decline)
    assert story.at(Stage.RULING)


@pytest.mark.rule("COO-1")
def test_mediation_silence_declines() -> None:
    story = Story().to_coordination()
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
    story.wait(hours=24)
    assert story.open_case.proposals[0].state is ProposalState.LAPSED
    assert story.open_case.outcome is None


@pytest.mark.rule("FUP-2")
def test_follow_up_max_returns_are_two() -> None:
    story = Story().to_follow_up()
    for _ in range(2):
        story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
        assert story.at(Stage.VERIFICATION)
        decided(story, Outcome.DISMISSED)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("COO-5")
def test_withdrawal_of_a_high_risk_case_leaves_it_open() -> None:
    assert code(Story().to_acceptance(high_risk=True), events.WithdrawComplaint, BUYER) == "kept_open_for_safety"
    assert allowed(Story().to_acceptance(), events.WithdrawComplaint, BUYER)


# --- heard again ----------------------------------------------------------------------------------


def told() -> Story:
    """A case whose ruling was just told; one agent decided it."""
    story = Story()
    story.order = ripe()
    return decided(story.to_verification(), Outcome.UPHELD)


def decided(story: Story, outcome: Outcome, agent: Actor = AGENT) -> Story:
    """A case in verification is ruled on, and the result told."""
    if story.open_case.open_requests(Party.RESPONDENT):
        story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    proven: dict[str, Any] = {"proven": False}
    if outcome is Outcome.UPHELD:
        cause = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
        proven = {"proven": True} | cause
    story.accepted(events.RecordFinding, agent, **proven)
    if story.at(Stage.COORDINATION):
        story.accepted(events.CallForRuling, agent)
    remedies = (REFUND,) if outcome is Outcome.UPHELD else ()
    story.accepted(events.IssueRuling, agent, outcome=outcome, rule="COO-3", remedies=remedies)
    for remedy in story.open_case.remedies:
        if remedy.next_step is not None:
            story.accepted(events.ReportRemedy, SELLER, remedy=remedy.id, done=True)
    assert story.at(Stage.FOLLOW_UP)
    return story


def again(story: Story, kind: str) -> dict[str, Any]:
    """What the complainant says to be heard again."""
    number = len(story.open_case.evidence)
    new = {} if kind == "review" else {"items": (item("video", f"new-{number}"),)}
    return {"act": events.RequestReview if kind == "review" else events.FileAppeal, "channel": Channel.HOTLINE} | new


def heard(story: Story, kind: str) -> Story:
    story.accepted(actor=BUYER, **again(story, kind))
    return story


@pytest.mark.parametrize("kind", ["review", "appeal"])
def test_within_days_of_the_result_a_case_can_be_heard_again(kind: str) -> None:
    story = told()
    at = story.open_case.result_told_at
    assert at is not None
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    story.now = at + 15 * DAY
    assert not code(story, actor=BUYER, **again(story, kind))
    story.now += SECOND
    assert code(story, actor=BUYER, **again(story, kind)) == "window_over"


@pytest.mark.rule("ESC-7")
def test_review_times_are_one() -> None:
    story = heard(told(), "review")
    decided(story, Outcome.DISMISSED, CHIEF)
    assert code(story, actor=BUYER, **again(story, "review")) == "times_used_up"


@pytest.mark.rule("APL-1")
def test_appeal_times_are_two() -> None:
    story = told()
    for agent in (CHIEF, Actor(id="agent-09", role=AGENT.role)):
        decided(heard(story, "appeal"), Outcome.DISMISSED, agent)
    assert code(story, actor=BUYER, **again(story, "appeal")) in ("times_used_up", "final")
    assert len(story.open_case.hearings) == 3


@pytest.mark.parametrize("kind", ["review", "appeal"])
@pytest.mark.rule("ESC-7")
def test_another_agent_decides_when_a_case_is_heard_again(kind: str) -> None:
    story = heard(told(), kind)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    assert code(story, events.RecordFinding, AGENT, proven=False) == "decided_before"
    assert allowed(story, events.RecordFinding, CHIEF, proven=False)


@pytest.mark.rule("ESC-7")
def test_final_is_the_ruling_of_the_second_appeal_and_no_other() -> None:
    story = decided(heard(told(), "review"), Outcome.DISMISSED, CHIEF)
    agents = [Actor(id=f"agent-{number}", role=AGENT.role) for number in (8, 9)]
    for agent in agents:
        assert not story.open_case.final
        assert not story.sent("ruled_final")
        decided(heard(story, "appeal"), Outcome.DISMISSED, agent)
    assert story.open_case.final
    assert story.sent("ruled_final")
    assert code(story, actor=BUYER, **again(story, "appeal")) == "final"


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.rule("APL-4")
def test_channels_of_an_appeal(channel: Channel) -> None:
    story = told()
    possible = allowed(story, actor=BUYER, **again(story, "appeal") | {"channel": channel})
    channels = (Channel.HOTLINE, Channel.ORDER_PAGE, Channel.ONLINE_CHAT, Channel.FEEDBACK_CENTRE)
    assert possible is (channel in channels)


ROUTES = {
    OrderState.OPEN: Stage.COORDINATION,
    OrderState.SUCCEEDED: Stage.VERIFICATION,
    OrderState.CLOSED_BY_REFUND: Stage.VERIFICATION,
}


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.rule("APL-1")
def test_routes_of_an_appeal_follow_the_order(state: OrderState) -> None:
    story = told()
    story.order = order(state=state, state_since=START)
    assert heard(story, "appeal").at(ROUTES[state])
