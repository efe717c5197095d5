"""A decided case is heard again: the review of the first result, and appeals on new evidence (ESC-7, area APL)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import (
    AppealRoute,
    Category,
    Channel,
    ClockKind,
    Level,
    OrderState,
    Outcome,
    Pack,
    Party,
    Role,
    Stage,
    Trigger,
)
from states import effects, events, facts
from states.events import ProposalAnswer
from states.journal import fold
from states.values import Actor, AppealState, ClockState, HearingKind
from tests.states.story import AGENT, BUYER, CHIEF, EXCHANGE, GOOD, REFUND, SELLER, START, Story, item, order, text

OTHER = Actor(id="agent-07", role=Role.AGENT)
THIRD = Actor(id="agent-11", role=Role.AGENT)
BOTH = {Party.COMPLAINANT, Party.RESPONDENT}
BAD = replace(GOOD, result=1)


def book(**changes: Any) -> PolicyBook:
    """The platform's policy with parts of the pack changed."""
    policy = default_book().in_force("platform", START)
    return PolicyBook({policy.ref: replace(policy, pack=replace(policy.pack, **changes))})


def pack() -> Pack:
    return default_book().in_force("platform", START).pack


def decide(story: Story, agent: Actor = AGENT, outcome: Outcome = Outcome.DISMISSED) -> Story:
    """From verification to a result that everybody knows."""
    if story.open_case.open_requests(Party.RESPONDENT):
        story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    evidence = tuple(each.id for each in story.open_case.evidence)
    if outcome is Outcome.DISMISSED:
        story.accepted(events.RecordFinding, agent, proven=False)
        story.accepted(events.IssueRuling, agent, outcome=outcome, rule="VER-5")
    else:
        proven: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": evidence}
        story.accepted(events.RecordFinding, agent, proven=True, **proven)
        story.accepted(events.CallForRuling, agent)
        story.accepted(events.IssueRuling, agent, outcome=outcome, rule="VER-5", remedies=(REFUND,))
        for remedy in story.open_case.remedies:
            if remedy.next_step is not None:
                story.accepted(events.ReportRemedy, agent, remedy=remedy.id, done=True)
    assert story.at(Stage.FOLLOW_UP)
    return story


def decided(story: Story | None = None, **changes: Any) -> Story:
    """The complaint was dismissed by one agent, and everybody was told."""
    return decide((story or Story()).to_verification(**changes))


def ordered(state: OrderState, **changes: Any) -> Any:
    return order(state=state, state_since=START - timedelta(days=1), **changes)


def confirmed(story: Story | None = None) -> Story:
    """The same, about an order that succeeded."""
    story = story or Story()
    story.order = ordered(OrderState.SUCCEEDED)
    return decided(story)


def party_of(actor: Actor) -> Party:
    return Party(actor.role.value)


def is_final(story: Story) -> bool:
    return story.open_case.final


def review(story: Story) -> Any:
    return story.accepted(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)


def appeal(story: Story, name: str = "new", actor: Actor = BUYER, channel: Channel = Channel.ORDER_PAGE) -> Any:
    return story.accepted(events.FileAppeal, actor, channel=channel, items=(item("video", name),))


def not_appealed(story: Story, name: str = "new", actor: Actor = BUYER) -> str:
    items = (item("video", name),)
    return story.refused(events.FileAppeal, actor, channel=Channel.ORDER_PAGE, items=items).code


# --- the review of the first result (ESC-7) -----------------------------------------------


@pytest.mark.rule("ESC-7")
@pytest.mark.parametrize("closed", [False, True])
def test_a_review_needs_no_evidence_and_leads_to_verification_by_somebody_else_higher_up(closed: bool) -> None:
    story = decided()
    if closed:
        story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
        assert story.at(Stage.CLOSED)
    entry = review(story)
    case = story.open_case
    assert "ESC-7" in entry.rules
    assert (case.stage, case.level, case.outcome, case.finding) == (
        Stage.VERIFICATION,
        Level.SPECIALIST,
        None,
        None,
    )
    assert case.hearing.kind is HearingKind.REVIEW
    assert (case.hearing.barred, case.owner, case.hearing.final) == ((AGENT.id,), None, False)
    assert story.all(facts.LevelRaised)[-1].escalation.trigger is Trigger.REVIEW
    assert [(a.kind, a.state, a.evidence) for a in case.appeals] == [(HearingKind.REVIEW, AppealState.HEARD, ())]
    assert {(n.party, n.facts["hearing"]) for n in story.sent("heard_again")} == {(p, "review") for p in BOTH}
    assert case.open_requests(Party.RESPONDENT)
    assert story.clock(ClockKind.RESULT).active
    assert not story.clock(ClockKind.SURVEY).active
    assert not closed or not story.clock(ClockKind.CLOSING_WINDOW).active
    assert fold(story.entries) == case


@pytest.mark.rule("ESC-7")
def test_who_decided_before_does_not_decide_the_review() -> None:
    story = decided()
    review(story)
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    refusal = story.refused(events.RecordFinding, AGENT, proven=False)
    assert (refusal.code, refusal.rule) == ("decided_before", "ESC-7")
    story.accepted(events.RecordFinding, OTHER, proven=False)
    ruling: dict[str, Any] = {"outcome": Outcome.DISMISSED, "rule": "VER-5"}
    assert story.refused(events.IssueRuling, AGENT, **ruling).code == "decided_before"
    story.accepted(events.IssueRuling, OTHER, **ruling)
    assert story.open_case.owner == OTHER.id


@pytest.mark.rule("ESC-7", "FUP-2")
def test_everybody_who_decided_in_any_hearing_before_is_barred() -> None:
    story = decided()
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    assert not story.open_case.hearing.barred
    decide(story, OTHER)
    review(story)
    assert story.open_case.hearing.barred == (AGENT.id, OTHER.id)


@pytest.mark.rule("ESC-7", "VER-1")
def test_what_the_engine_finds_by_itself_bars_nobody() -> None:
    story = Story().to_verification(category=Category.LATE_SHIPMENT)
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("logistics_record",))
    story.wait(days=4)
    assert story.open_case.finding is not None
    assert story.open_case.finding.by == "engine"
    story.accepted(events.IssueRuling, CHIEF, outcome=Outcome.UPHELD, rule="VER-7", remedies=(REFUND,))
    review(story)
    assert story.open_case.hearing.barred == (AGENT.id, CHIEF.id)


@pytest.mark.rule("ESC-7")
def test_whether_another_agent_decides_and_whether_the_ruling_is_final_is_policy() -> None:
    rule = replace(pack().review, another_agent=False, final=True)
    story = decided(Story(book=book(review=rule)))
    review(story)
    assert (story.open_case.hearing.barred, story.open_case.hearing.final) == ((), True)
    assert story.open_case.owner == AGENT.id
    decide(story)
    assert is_final(story)
    refusal = story.refused(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=(item("video", "new"),))
    assert (refusal.code, refusal.rule) == ("final", "ESC-7")


@pytest.mark.rule("ESC-7")
@pytest.mark.parametrize(("late", "heard"), [(timedelta(), True), (timedelta(seconds=1), False)])
def test_a_review_is_asked_for_within_its_window(late: timedelta, heard: bool) -> None:
    story = decided()
    told = story.open_case.result_told_at
    assert told == story.now
    story.wait(days=15)
    assert story.at(Stage.CLOSED)
    story.now += late
    if heard:
        review(story)
        assert story.at(Stage.VERIFICATION)
    else:
        refusal = story.refused(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
        assert (refusal.code, refusal.rule) == ("window_over", "ESC-7")


@pytest.mark.rule("ESC-7")
def test_the_first_result_is_reviewed_once_and_a_later_one_never() -> None:
    story = decided()
    review(story)
    decide(story, OTHER)
    assert story.refused(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE).code == "times_used_up"
    appealed = confirmed()
    appeal(appealed)
    decide(appealed, OTHER)
    refusal = appealed.refused(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
    assert (refusal.code, refusal.rule) == ("not_first_result", "ESC-7")


@pytest.mark.rule("ESC-7", "TRA-1")
def test_what_cannot_be_reviewed() -> None:
    asked: dict[str, Any] = {"channel": Channel.ORDER_PAGE}
    open_ = Story().to_verification()
    refusal = open_.refused(events.RequestReview, BUYER, **asked)
    assert (refusal.code, refusal.rule) == ("wrong_stage", "ESC-7")
    open_.accepted(events.WithdrawComplaint, BUYER)
    assert open_.at(Stage.CLOSED)
    assert open_.refused(events.RequestReview, BUYER, **asked).code == "nothing_decided"
    assert decided().refused(events.RequestReview, SELLER, **asked).code == "no_right"
    agreed = Story().to_follow_up()
    review(agreed)
    assert agreed.at(Stage.VERIFICATION)


@pytest.mark.rule("ESC-7", "ADM-5", "COO-6")
def test_a_refusal_is_reviewed_by_somebody_else_at_acceptance() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    assert story.at(Stage.CLOSED)
    assert story.open_case.result_told_at == story.now
    review(story)
    assert (story.open_case.stage, story.open_case.outcome) == (Stage.ACCEPTANCE, None)
    assert {notice.party for notice in story.sent("heard_again")} == {Party.COMPLAINANT}
    assert story.clock(ClockKind.ACCEPTANCE).active
    assert story.refused(events.AcceptComplaint, AGENT).code == "decided_before"
    assert story.refused(events.RefuseComplaint, AGENT, ground="false_or_misleading").rule == "ESC-7"
    story.accepted(events.AcceptComplaint, OTHER)
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.disputed_at is not None


# --- appeals on new evidence (APL-1, APL-2, APL-4) ----------------------------------------


@pytest.mark.rule("APL-1")
@pytest.mark.parametrize("actor", [BUYER, SELLER])
def test_either_party_appeals_and_over_an_open_order_they_negotiate_first(actor: Actor) -> None:
    story = decided()
    entry = appeal(story, actor=actor)
    case = story.open_case
    assert "APL-1" in entry.rules
    assert (case.stage, case.level, case.outcome, case.finding) == (Stage.COORDINATION, Level.SPECIALIST, None, None)
    (filed,) = case.appeals
    assert (filed.state, filed.party) == (AppealState.HEARD, party_of(actor))
    assert [(each.id, each.submitter) for each in case.evidence if each.id in filed.evidence] == [
        ("E2", party_of(actor))
    ]
    assert (case.hearing.kind, case.hearing.barred, case.hearing.final) == (HearingKind.APPEAL, (AGENT.id,), False)
    assert {notice.facts["hearing"] for notice in story.sent("heard_again")} == {"appeal"}
    assert story.clock(ClockKind.MEDIATION).active
    assert not case.open_requests()
    story.accepted(events.ProposeRemedy, SELLER, terms=REFUND)
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert story.at(Stage.FOLLOW_UP)
    assert story.open_case.outcome is Outcome.AGREED
    assert fold(story.entries) == story.case


@pytest.mark.rule("APL-1")
@pytest.mark.parametrize("how", ["called", "lapsed", "used up"])
def test_negotiation_that_fails_before_anything_was_found_leads_to_verification(how: str) -> None:
    story = decided()
    appeal(story)
    if how == "called":
        entry = story.accepted(events.CallForRuling, OTHER)
        assert "APL-1" in entry.rules
        effects_ordered = [fact.effect for fact in entry.facts if isinstance(fact, facts.EffectOrdered)]
        assert not any(isinstance(effect, effects.ReleaseReturnAddress) for effect in effects_ordered)
        assert story.open_case.correctable is None
    elif how == "lapsed":
        story.wait(days=3, hours=9)
    else:
        for _ in range(4):
            story.accepted(events.ProposeRemedy, SELLER, terms=REFUND)
            last = story.open_case.proposals[-1].id
            story.accepted(events.AnswerProposal, BUYER, proposal=last, answer=ProposalAnswer.DECLINE)
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.open_requests(Party.RESPONDENT)
    assert not story.clock(ClockKind.MEDIATION).active
    decide(story, OTHER, Outcome.UPHELD)
    assert story.open_case.outcome is Outcome.UPHELD


@pytest.mark.rule("APL-1", "FUP-3")
def test_an_agreement_before_anything_was_found_is_verified_when_it_is_not_kept() -> None:
    story = decided()
    appeal(story)
    story.accepted(events.ProposeRemedy, SELLER, terms=EXCHANGE)
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert story.at(Stage.FEEDBACK)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=False)
    assert story.at(Stage.VERIFICATION)
    assert not story.clock(ClockKind.RULING).active
    decide(story, OTHER)


@pytest.mark.rule("APL-1", "APL-2")
@pytest.mark.parametrize("state", [OrderState.SUCCEEDED, OrderState.CLOSED_BY_REFUND])
@pytest.mark.parametrize("actor", [BUYER, SELLER])
def test_over_an_order_that_is_over_an_appeal_is_verified(state: OrderState, actor: Actor) -> None:
    """The order is looked up anew: when the complaint was filed it was open."""
    story = decided()
    story.order = ordered(state)
    appeal(story, actor=actor)
    heard = next(entry for entry in story.entries if any(isinstance(f, facts.HearingOpened) for f in entry.facts))
    assert "APL-2" in heard.rules
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.open_requests(Party.RESPONDENT)
    assert story.all(facts.LevelRaised)[-1].escalation.trigger is Trigger.APPEAL
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    assert story.refused(events.RecordFinding, AGENT, proven=False).code == "decided_before"
    decide(story, OTHER)


@pytest.mark.rule("APL-1")
def test_an_order_that_the_platform_does_not_know_is_verified() -> None:
    story = Story()
    story.order = None
    story.file(evidence=(item("photo"), item("receipt")))
    story.accepted(events.AcceptComplaint)
    decide(story)
    appeal(story)
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("APL-1")
def test_an_order_may_have_to_be_over_before_an_appeal_is_heard() -> None:
    routes = pack().appeal.routes | {OrderState.OPEN: AppealRoute.NOT_HEARD}
    story = decided(Story(book=book(appeal=replace(pack().appeal, routes=routes))))
    appeal(story, actor=SELLER)
    (filed,) = story.open_case.appeals
    assert (filed.state, filed.code) == (AppealState.REFUSED, "order_open")
    assert [notice.party for notice in story.sent("appeal_not_heard")] == [Party.RESPONDENT]
    assert story.at(Stage.FOLLOW_UP)
    assert story.open_case.outcome is Outcome.DISMISSED
    story.order = ordered(OrderState.SUCCEEDED)
    assert not_appealed(story, actor=SELLER) == "no_new_evidence", "what was handed in is on the file"
    appeal(story, "newer", SELLER)
    assert story.at(Stage.VERIFICATION)
    assert [hearing.kind for hearing in story.open_case.hearings] == [HearingKind.FIRST, HearingKind.APPEAL]


@pytest.mark.rule("APL-1")
def test_an_appeal_needs_an_item_whose_content_is_not_on_the_file() -> None:
    story = decided()
    renamed = replace(item("photo"), kind="video")
    refusal = story.refused(events.FileAppeal, BUYER, channel=Channel.ORDER_PAGE, items=(renamed,))
    assert (refusal.code, refusal.rule) == ("no_new_evidence", "APL-1")
    story.accepted(events.FileAppeal, BUYER, channel=Channel.ORDER_PAGE, items=(renamed, item("video", "new")))
    assert [each.content for each in story.open_case.evidence] == [text("photo"), text("new")]
    assert story.open_case.appeals[0].evidence == ("E2",)


@pytest.mark.rule("APL-4")
@pytest.mark.parametrize("channel", [Channel.HOTLINE, Channel.ONLINE_CHAT, Channel.FEEDBACK_CENTRE])
def test_the_hotline_is_an_appeal_channel_and_wants_new_proof_like_any_other(channel: Channel) -> None:
    story = decided()
    assert story.refused(events.FileAppeal, BUYER, channel=channel, items=(item("photo"),)).code == "no_new_evidence"
    entry = appeal(story, channel=channel)
    assert "APL-4" in entry.rules
    assert story.open_case.appeals[0].channel is channel


@pytest.mark.rule("APL-4")
def test_other_channels_take_no_appeals() -> None:
    refusal = decided().refused(events.FileAppeal, BUYER, channel=Channel.SMS, items=(item("video", "new"),))
    assert (refusal.code, refusal.rule) == ("wrong_channel", "APL-4")


@pytest.mark.rule("APL-1", "APL-2", "APL-4", "ESC-7", "FUP-2")
def test_appeals_are_heard_until_their_number_is_used_up_and_the_last_ruling_is_final() -> None:
    story = confirmed()
    appeal(story, "first")
    decide(story, OTHER)
    assert not is_final(story)
    appeal(story, "second", SELLER)
    assert story.open_case.hearing.final
    assert story.open_case.hearing.barred == (AGENT.id, OTHER.id)
    assert story.open_case.level is Level.SUPERVISOR
    decide(story, THIRD)
    assert is_final(story)
    assert {notice.party for notice in story.sent("ruled_final")} == BOTH
    assert not_appealed(story, "third") == "final"
    assert not_appealed(story, "third", SELLER) == "final"
    assert story.refused(events.RequestReview, BUYER, channel=Channel.HOTLINE).code == "final"
    entry = story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=BAD)
    assert "APL-4" in entry.rules
    assert story.at(Stage.CLOSED)
    assert [notice.party for notice in story.sent("outside_routes")] == [Party.COMPLAINANT]


@pytest.mark.rule("APL-1", "APL-4")
def test_an_agreement_in_the_last_hearing_is_no_final_ruling_but_uses_it_up() -> None:
    story = decided()
    for name in ("first", "second"):
        appeal(story, name)
        story.accepted(events.ProposeRemedy, SELLER, terms=replace(REFUND, amount_fen=100))
        last = story.open_case.proposals[-1].id
        story.accepted(events.AnswerProposal, BUYER, proposal=last, answer=ProposalAnswer.ACCEPT)
    assert story.open_case.hearing.final
    assert not is_final(story)
    assert not_appealed(story, "third") == "times_used_up"


@pytest.mark.rule("APL-1")
@pytest.mark.parametrize(("late", "heard"), [(timedelta(), True), (timedelta(seconds=1), False)])
def test_an_appeal_is_filed_within_its_window(late: timedelta, heard: bool) -> None:
    story = decided()
    story.wait(days=15)
    story.now += late
    if heard:
        appeal(story)
    else:
        items = (item("video", "new"),)
        refusal = story.refused(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=items)
        assert (refusal.code, refusal.rule) == ("window_over", "APL-1")


@pytest.mark.rule("APL-1", "TRA-1")
def test_what_cannot_be_appealed() -> None:
    assert not_appealed(Story().to_verification()) == "wrong_stage"
    withdrawn = Story().to_verification()
    withdrawn.accepted(events.WithdrawComplaint, BUYER)
    assert not_appealed(withdrawn) == "nothing_decided"
    story = decided()
    items = (item("video", "new"),)
    assert story.refused(events.FileAppeal, AGENT, channel=Channel.HOTLINE, items=items).code == "no_right"
    unknown = story.refused(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=(item("hearsay", "new"),))
    assert unknown.code == "unknown_evidence_kind"


@pytest.mark.rule("APL-1")
def test_a_refused_complaint_that_is_appealed_goes_back_to_acceptance() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    assert not_appealed(story, actor=SELLER) == "nothing_decided"
    appeal(story)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.hearing.kind is HearingKind.APPEAL
    assert story.refused(events.AcceptComplaint, AGENT).code == "decided_before"
    story.accepted(events.AcceptComplaint, OTHER)


# --- while an appeal is examined ----------------------------------------------------------


def examined() -> Story:
    """An appeal was filed in a closed case, and the order is being looked up."""
    story = confirmed()
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    story.hold = True
    appeal(story)
    (waiting,) = story.open_case.outbox
    assert isinstance(waiting, effects.LookUpOrder)
    assert waiting.order == "order-1001"
    assert story.at(Stage.CLOSED)
    assert story.open_case.open_appeal == story.open_case.appeals[0]
    return story


@pytest.mark.rule("APL-1", "APL-2")
def test_one_appeal_is_examined_at_a_time() -> None:
    story = examined()
    assert not_appealed(story, "more", SELLER) == "appeal_open"
    assert story.refused(events.RequestReview, BUYER, channel=Channel.HOTLINE).code == "appeal_open"
    story.answer_effects()
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("APL-1", "FUP-2")
def test_a_case_is_not_archived_while_an_appeal_is_examined() -> None:
    story = examined()
    story.wait(days=20)
    assert story.at(Stage.CLOSED)
    window = story.clock(ClockKind.CLOSING_WINDOW)
    assert (window.arming, window.state) == (2, ClockState.RUNNING)
    assert story.all(facts.ClockSet)[-1].rules == ("FUP-2",)
    story.answer_effects()
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("APL-1")
def test_a_case_that_was_brought_back_in_the_meantime_is_not_heard_twice() -> None:
    story = examined()
    story.accepted(events.ReopenCase, CHIEF, case_id=story.open_case.case_id)
    (filed,) = story.open_case.appeals
    assert (filed.state, filed.code) == (AppealState.REFUSED, "case_open")
    story.answer_effects()
    assert story.at(Stage.VERIFICATION)
    assert [hearing.kind for hearing in story.open_case.hearings] == [HearingKind.FIRST, HearingKind.REOPENED]
    assert [each.kind for each in story.open_case.evidence] == ["photo", "video"]


# --- a repeated complaint (ADM-5) ---------------------------------------------------------


@pytest.mark.rule("ADM-5", "APL-1", "APL-2")
def test_the_same_complaint_with_new_evidence_is_an_appeal() -> None:
    story = confirmed()
    story.wait(days=4)
    assert story.at(Stage.CLOSED)
    assert story.file(request_id="r-again", evidence=(item("video", "new"),)).accepted
    assert story.at(Stage.VERIFICATION)
    (filed,) = story.open_case.appeals
    assert (filed.party, filed.evidence) == (Party.COMPLAINANT, ("E2",))


@pytest.mark.rule("APL-1", "APL-4")
def test_where_it_cannot_be_one_the_evidence_stays_on_the_file() -> None:
    story = confirmed()
    story.wait(days=4)
    answer = story.file(request_id="r-sms", evidence=(item("video", "a"),), channel=Channel.SMS)
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule) == ("wrong_channel", "APL-4")
    story.wait(days=12)
    answer = story.file(request_id="r-late", evidence=(item("video", "b"),))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule) == ("window_over", "APL-1")
    assert [each.content for each in story.open_case.evidence] == [text(name) for name in ("photo", "a", "b")]
    assert story.at(Stage.CLOSED)


# --- rounds begin anew --------------------------------------------------------------------


def use_up_the_rounds(story: Story) -> None:
    """Four proposals, all of them declined, and one more that is refused."""
    less = replace(REFUND, amount_fen=100)
    for _ in range(3):
        story.accepted(events.ProposeRemedy, SELLER, terms=less)
        open_ = story.open_case.proposals[-1].id
        story.accepted(events.AnswerProposal, BUYER, proposal=open_, answer=ProposalAnswer.DECLINE)
    story.accepted(events.ProposeRemedy, SELLER, terms=less)
    last = story.open_case.proposals[-1].id
    counter: dict[str, Any] = {"proposal": last, "answer": ProposalAnswer.COUNTER, "counter": REFUND}
    assert story.refused(events.AnswerProposal, BUYER, **counter).code == "rounds_used_up"
    story.accepted(events.AnswerProposal, BUYER, proposal=last, answer=ProposalAnswer.DECLINE)


@pytest.mark.rule("COO-1", "COO-3", "APL-1")
def test_proposals_are_counted_in_each_hearing() -> None:
    story = Story().to_coordination()
    use_up_the_rounds(story)
    assert story.at(Stage.RULING)
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    appeal(story)
    assert story.at(Stage.COORDINATION)
    use_up_the_rounds(story)
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("VER-1", "ESC-7")
def test_requests_for_evidence_are_counted_in_each_hearing() -> None:
    story = Story().to_verification()
    for _ in range(2):
        for number in range(3):
            story.accepted(events.RequestEvidence, OTHER, party=Party.RESPONDENT, wanted=("contract",))
            name = f"{len(story.open_case.requests)}-{number}"
            story.accepted(events.SubmitEvidence, SELLER, items=(item("contract", name),))
        more = story.refused(events.RequestEvidence, OTHER, party=Party.RESPONDENT, wanted=("contract",))
        assert more.code == "rounds_used_up"
        decide(story, AGENT if len(story.open_case.hearings) == 1 else OTHER)
        if len(story.open_case.hearings) == 1:
            review(story)


@pytest.mark.rule("ESC-7", "COO-5", "COO-3")
def test_what_was_ruled_on_is_neither_withdrawn_nor_merged_when_it_is_heard_again() -> None:
    story = decided()
    review(story)
    refusal = story.refused(events.WithdrawComplaint, BUYER)
    assert (refusal.code, refusal.rule) == ("ruled_already", "COO-5")
    assert story.refused(events.MergeCase, into="buyer-017/order-9").code == "ruled_already"
    agreed = Story().to_follow_up()
    review(agreed)
    agreed.accepted(events.WithdrawComplaint, BUYER)
    assert agreed.open_case.outcome is Outcome.WITHDRAWN


@pytest.mark.rule("ESC-7", "TRA-1")
def test_a_finding_in_a_review_can_be_corrected_like_any_other() -> None:
    story = decided()
    review(story)
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    found = story.accepted(events.RecordFinding, OTHER, proven=False)
    story.accepted(events.CorrectAct, OTHER, entry=found.number)
    assert (story.open_case.stage, story.open_case.finding) == (Stage.VERIFICATION, None)
    assert story.open_case.hearing.kind is HearingKind.REVIEW
    story.accepted(events.RecordFinding, OTHER, proven=False)
