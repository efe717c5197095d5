"""The result is told and carried out, and it is made sure that everybody knows (FBK-1, FUP-3)."""

from typing import Any

import pytest

from policies.schema import Channel, ClockKind, Outcome, Party, RemedyKind, Stage
from states import effects, events, facts
from states.values import ClockState, ConductKind, NoticeState, RemedyState, RemedyTerms, Violation
from tests.states.story import BUYER, EXCHANGE, GOOD, REFUND, RETURN, SELLER, Story

CHANNELS = [Channel.APP_MESSAGE, Channel.SMS, Channel.E_MAIL]


@pytest.mark.rule("FBK-1")
def test_both_parties_are_told_and_delivery_is_on_record() -> None:
    story = Story().to_follow_up()
    told = [notice for notice in story.open_case.notices if notice.template == "agreed"]
    assert [(n.party, n.state) for n in told] == [
        (Party.COMPLAINANT, NoticeState.DELIVERED),
        (Party.RESPONDENT, NoticeState.DELIVERED),
    ]
    delivered = [fact for fact in story.all(facts.NoticeSet) if fact.by == "deliver"]
    assert delivered
    assert all(fact.rules == ("FBK-1",) for fact in delivered)
    assert story.clock(ClockKind.FEEDBACK).state is ClockState.MET


@pytest.mark.rule("FBK-1", "ESC-1")
def test_what_no_channel_delivers_goes_to_an_agent_and_the_case_waits_until_the_party_knows() -> None:
    story = Story()
    story.unreachable = set(CHANNELS)
    story.to_feedback(REFUND)
    assert [notice.channel for notice in story.sent("agreed") if notice.party is Party.COMPLAINANT] == CHANNELS
    assert {n.state for n in story.open_case.notices if n.template == "agreed"} == {NoticeState.WITH_AGENT}
    assert story.at(Stage.FEEDBACK)
    assert story.open_case.remedies[0].state is RemedyState.DONE
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert story.at(Stage.FEEDBACK), "the seller has still to be told"
    story.wait(hours=24)
    assert story.all(facts.LevelRaised)[-1].escalation.clock == "feedback"
    entry = story.accepted(events.RecordContact, party=Party.RESPONDENT, channel=Channel.HOTLINE, outbound=True)
    assert "FBK-1" in entry.rules
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("FBK-1")
def test_the_next_channel_delivers() -> None:
    story = Story()
    story.unreachable = {Channel.APP_MESSAGE}
    story.to_follow_up()
    (first, second) = [notice for notice in story.sent("agreed") if notice.party is Party.COMPLAINANT]
    assert (first.channel, second.channel) == (Channel.APP_MESSAGE, Channel.SMS)
    assert first.key != second.key
    assert first.facts == second.facts
    told = next(notice for notice in story.open_case.notices if notice.id == first.notice)
    assert told.tried == (Channel.APP_MESSAGE, Channel.SMS)


@pytest.mark.rule("FBK-1")
def test_an_inbound_contact_tells_nobody_anything() -> None:
    story = Story()
    story.unreachable = set(CHANNELS)
    story.to_feedback(REFUND)
    story.accepted(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
    assert {n.state for n in story.open_case.notices if n.template == "agreed"} == {NoticeState.WITH_AGENT}
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert any(n.state is NoticeState.DELIVERED for n in story.open_case.notices if n.template == "agreed")


@pytest.mark.rule("FBK-1")
def test_a_refusal_too_has_to_reach_the_complainant() -> None:
    story = Story()
    story.unreachable = set(CHANNELS)
    story.to_acceptance()
    story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    assert story.at(Stage.REFUSED)
    story.wait(hours=30)
    assert story.at(Stage.REFUSED)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert story.at(Stage.CLOSED)


# --- FUP-3 ------------------------------------------------------------------------------------


@pytest.mark.rule("FUP-3", "COO-2")
def test_a_remedy_is_tracked_until_it_is_done() -> None:
    story = Story().to_feedback(EXCHANGE)
    assert [notice.party for notice in story.sent("remedy_due")] == [Party.COMPLAINANT]
    assert story.refused(events.ReportRemedy, SELLER, remedy="M1", done=True).rule == "FUP-3"
    assert story.refused(events.ReportRemedy, BUYER, remedy="M9", done=True).code == "unknown_remedy"
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=True)
    assert [notice.party for notice in story.sent("remedy_due")][-1] is Party.RESPONDENT
    assert story.at(Stage.FEEDBACK)
    entry = story.accepted(events.ReportRemedy, SELLER, remedy="M1", done=True)
    assert "FUP-3" in entry.rules
    assert story.open_case.remedies[0].state is RemedyState.DONE
    assert story.at(Stage.FOLLOW_UP)
    assert story.refused(events.ReportRemedy, SELLER, remedy="M1", done=True).code == "remedy_settled"


@pytest.mark.rule("FUP-3")
def test_a_promise_not_kept_in_time_comes_back_and_counts_against_who_made_it() -> None:
    story = Story().to_feedback(EXCHANGE)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=True)
    story.wait(days=8)
    assert story.at(Stage.RULING)
    (remedy,) = story.open_case.remedies
    assert (remedy.state, remedy.failed_by) == (RemedyState.FAILED, Party.RESPONDENT)
    (conduct,) = story.open_case.conduct
    assert (conduct.party, conduct.kind) == (Party.RESPONDENT, ConductKind.BROKEN_PROMISE)
    assert {notice.party for notice in story.sent("remedy_failed")} == {Party.COMPLAINANT, Party.RESPONDENT}
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="FUP-3", remedies=(REFUND,))
    story.accepted(events.ReportRemedy, SELLER, remedy="M3", done=True)  # the apology
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("FUP-3")
def test_the_complainant_who_keeps_the_goods_breaks_its_own_promise() -> None:
    story = Story().to_feedback(RETURN)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=False)
    assert story.open_case.conduct[0].party is Party.COMPLAINANT
    assert story.at(Stage.RULING)


@pytest.mark.rule("FUP-3")
def test_a_payment_that_finally_fails_comes_back_and_blames_no_party() -> None:
    story = Story()
    story.failing = {"refund"}
    story.to_feedback(REFUND)
    assert story.at(Stage.RULING)
    assert story.open_case.remedies[0].failed_by is Party.PLATFORM
    assert story.clock(ClockKind.PAYOUT, "M1").state is ClockState.CANCELLED
    assert not story.open_case.conduct
    story.failing = set()
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="FUP-3", remedies=(REFUND,))
    assert story.open_case.remedies[1].state is RemedyState.DONE


@pytest.mark.rule("FUP-3")
def test_one_broken_promise_leaves_the_other_remedies_running() -> None:
    """An exchange is ruled, with the apology that the category adds; the apology is denied."""
    story = Story().to_ruling()
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(EXCHANGE,))
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    assert story.clock(ClockKind.REMEDY, "M1").state is ClockState.RUNNING
    refusal = story.refused(events.WithdrawComplaint, BUYER)
    assert (refusal.code, refusal.rule) == ("remedy_running", "FUP-3")
    assert story.refused(events.MergeCase, into="buyer-017/order-9").rule == "FUP-3"
    coupon = RemedyTerms(kind=RemedyKind.COUPON, amount_fen=1_000)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(coupon,))
    assert story.at(Stage.FEEDBACK)
    story.wait(days=8)
    assert story.open_case.remedies[0].state is RemedyState.FAILED
    assert story.at(Stage.RULING)
    assert isinstance(story.all(facts.EffectOrdered)[-1].effect, effects.SendNotice)


# --- when the result counts as told -----------------------------------------------------------


def answer_all_but(story: Story, kind: type[effects.Effect]) -> None:
    """The world answers everything but effects of one kind."""
    while results := [
        events.Result(key=each.key, outcome=story.outcome(each))
        for each in story.open_case.outbox
        if not isinstance(each, kind)
    ]:
        story.happen(events.EffectsReported(results=tuple(results)))


@pytest.mark.rule("FBK-1", "PEN-1", "PEN-3")
@pytest.mark.parametrize("awaited", [effects.ApplyPenalty, effects.CountOccurrence])
def test_the_case_waits_until_the_ledger_holds_what_was_ruled(awaited: type[effects.Effect]) -> None:
    story = Story().to_ruling()
    story.hold = True
    penalties = (Violation(row="listing_removed"),)
    ruling: dict[str, Any] = {"outcome": Outcome.UPHELD, "rule": "VER-5", "penalties": penalties}
    story.accepted(events.IssueRuling, remedies=(REFUND,), **ruling)
    for remedy in story.open_case.remedies:
        index = remedy.next_step
        if index is not None and remedy.steps[index].by is not Party.PLATFORM:
            story.accepted(events.ReportRemedy, remedy=remedy.id, done=True)
    answer_all_but(story, awaited)
    assert {type(effect) for effect in story.open_case.outbox} == {awaited}
    assert story.at(Stage.FEEDBACK)
    assert story.open_case.result_told_at is None
    story.answer_effects()
    assert story.at(Stage.FOLLOW_UP)
    assert story.open_case.result_told_at == story.now


@pytest.mark.rule("FBK-1", "FUP-2")
def test_the_windows_begin_when_all_know_the_result_and_it_is_carried_out() -> None:
    story = Story().to_feedback(EXCHANGE)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=True)
    story.wait(days=2)
    assert story.open_case.result_told_at is None
    story.accepted(events.ReportRemedy, SELLER, remedy="M1", done=True)
    (told,) = story.all(facts.ResultTold)
    assert (told.at, told.rules) == (story.now, ("FBK-1",))
    assert story.open_case.result_told_at == told.at
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    assert story.open_case.result_told_at is None


@pytest.mark.rule("FBK-1", "COO-5")
def test_of_a_withdrawal_there_is_no_result_to_contest() -> None:
    story = Story().to_verification()
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.at(Stage.CLOSED)
    assert not story.all(facts.ResultTold)
