"""Mistaken acts are corrected on the record, duplicates are merged."""

from typing import Any

import pytest

from policies.schema import ClockKind, Outcome, Party, Stage
from states import effects, events, facts
from states.journal import fold
from states.values import ClockState, Head, ProposalState, RequestState
from tests.states.story import AGENT, BUYER, CHIEF, ENGINE, REFUND, SELLER, Story, item, text

FINDING: dict[str, Any] = {
    "proven": True,
    "responsible": Party.RESPONDENT,
    "cause": "defective_goods",
    "evidence": ("E1",),
}


def corrected(story: Story, entry: int, actor: Any = AGENT) -> None:
    """The act of that entry is undone, with a reason, by a fact on the journal."""
    assert story.refused(events.CorrectAct, actor, entry=entry, reason=None).rule == "TRA-1"
    assert story.refused(events.CorrectAct, actor, entry=entry + 50).code == "not_correctable"
    done = story.accepted(events.CorrectAct, actor, entry=entry)
    undone = next(fact for fact in done.facts if isinstance(fact, facts.ActCorrected))
    assert undone.entry == entry
    assert undone.rules == ("TRA-1",)
    assert story.entry(entry).event == undone.act, "the mistake stays on record"
    assert {notice.facts["act"] for notice in story.sent("corrected")} == {undone.act}
    assert story.refused(events.CorrectAct, actor, entry=entry).code == "not_correctable"
    assert fold(story.entries) == story.case


@pytest.mark.rule("TRA-1")
def test_an_acceptance_is_corrected() -> None:
    story = Story().to_acceptance()
    entry = story.accepted(events.AcceptComplaint)
    corrected(story, entry.number)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.requests[0].state is RequestState.CANCELLED
    assert story.clock(ClockKind.ACCEPTANCE).active
    assert not story.clock(ClockKind.STATEMENT, "Q1").active
    story.accepted(events.AcceptComplaint)
    assert story.open_case.open_requests(Party.RESPONDENT)


@pytest.mark.rule("TRA-1")
@pytest.mark.parametrize("reached", [True, False])
def test_a_refusal_is_corrected_even_after_it_closed_the_case(reached: bool) -> None:
    story = Story().to_acceptance()
    if not reached:
        story.unreachable = {"app_message", "sms", "e_mail"}
    entry = story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    assert story.at(Stage.CLOSED if reached else Stage.REFUSED)
    corrected(story, entry.number, CHIEF)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.outcome is None
    story.accepted(events.AcceptComplaint)


@pytest.mark.rule("TRA-1")
def test_a_refusal_cannot_be_corrected_once_the_case_is_archived() -> None:
    story = Story().to_acceptance()
    entry = story.accepted(events.RefuseComplaint, ground="false_or_misleading")
    story.wait(days=60)
    assert story.at(Stage.ARCHIVED)
    assert story.refused(events.CorrectAct, entry=entry.number).code == "not_correctable"


@pytest.mark.rule("TRA-1")
def test_a_request_for_evidence_is_taken_back() -> None:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    entry = story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))
    assert story.clock(ClockKind.RESULT).state is ClockState.PAUSED
    corrected(story, entry.number)
    assert story.open_case.requests[-1].state is RequestState.CANCELLED
    assert story.clock(ClockKind.EVIDENCE, "Q2").state is ClockState.CANCELLED
    assert story.clock(ClockKind.RESULT).state is ClockState.RUNNING
    story.accepted(events.RecordFinding, **FINDING)


@pytest.mark.rule("TRA-1")
@pytest.mark.parametrize("proven", [True, False])
def test_a_finding_is_corrected(proven: bool) -> None:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    entry = story.accepted(events.RecordFinding, **FINDING if proven else {"proven": False})
    if proven:
        story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
    corrected(story, entry.number)
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.finding is None
    assert all(proposal.state is ProposalState.CANCELLED for proposal in story.open_case.proposals)
    story.accepted(events.RecordFinding, **FINDING)


@pytest.mark.rule("TRA-1")
def test_an_agents_call_for_a_ruling_is_corrected() -> None:
    story = Story().to_coordination()
    entry = story.accepted(events.CallForRuling)
    corrected(story, entry.number)
    assert story.at(Stage.COORDINATION)
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)


@pytest.mark.rule("TRA-1")
def test_a_partys_act_is_no_agents_mistake() -> None:
    story = Story().to_coordination()
    entry = story.accepted(events.CallForRuling, BUYER)
    assert story.refused(events.CorrectAct, entry=entry.number).code == "not_correctable"
    assert story.refused(events.CorrectAct, BUYER, entry=entry.number).code == "no_right"


@pytest.mark.rule("TRA-1")
def test_an_act_that_others_have_followed_stands() -> None:
    story = Story().to_verification()
    accepted = next(entry for entry in story.entries if entry.event == "accept_complaint")
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, **FINDING)
    refusal = story.refused(events.CorrectAct, entry=accepted.number)
    assert (refusal.code, refusal.rule) == ("not_correctable", "TRA-1")


# --- merging ----------------------------------------------------------------------------------

OTHER = "buyer-017/order-1002"


def merging() -> tuple[Story, effects.DeliverMerge]:
    """The file is on its way to the other case."""
    story = Story(hold=True)
    story.file()
    story.answer_effects()
    story.accepted(events.MergeCase, into=OTHER)
    (effect,) = [e for e in story.open_case.outbox if isinstance(e, effects.DeliverMerge)]
    return story, effect


@pytest.mark.rule("TRA-1")
def test_a_duplicate_hands_its_file_over_and_closes() -> None:
    story, effect = merging()
    assert (effect.duplicate, effect.into) == ("buyer-017/order-1001", OTHER)
    assert effect.head == Head(number=story.open_case.head.number - 1, hash=story.entries[-2].hash)
    assert effect.evidence == (item("photo"),)
    assert story.at(Stage.ACCEPTANCE)
    assert story.refused(events.MergeCase, into="buyer-017/order-1003").code == "merging"
    story.answer_effects()
    assert story.open_case.outcome is Outcome.MERGED
    assert story.at(Stage.CLOSED)
    assert story.clock(ClockKind.RESULT).state is ClockState.CANCELLED
    assert story.sent("merged")[0].facts["into"] == OTHER


@pytest.mark.rule("TRA-1")
def test_a_merge_that_the_other_case_refuses_leaves_this_one_as_it_was() -> None:
    story, effect = merging()
    refused = events.Result(key=effect.key, outcome=effects.Failed(code="refused"))
    story.happen(events.EffectsReported(results=(refused,)))
    assert story.all(facts.MergeEnded)[-1].merged is False
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.merging_into is None
    story.accepted(events.AcceptComplaint)


@pytest.mark.rule("TRA-1")
def test_what_cannot_be_merged() -> None:
    story = Story().to_acceptance()
    assert story.refused(events.MergeCase, into=OTHER, reason=None).code == "reason_missing"
    assert story.refused(events.MergeCase, into=story.open_case.case_id).code == "same_case"
    assert Story().to_closed().refused(events.MergeCase, into=OTHER).code == "wrong_stage"


@pytest.mark.rule("TRA-1", "INT-2", "INT-3")
def test_the_other_case_takes_the_file_over_once() -> None:
    story = Story().to_verification()
    duplicate: dict[str, Any] = {
        "duplicate": OTHER,
        "head": Head(number=7, hash="a" * 64),
        "channel": "hotline",
        "evidence": (item("photo"), item("video")),
    }
    entry = story.accepted(events.AbsorbCase, ENGINE, **duplicate)
    assert next(fact for fact in entry.facts if isinstance(fact, facts.Absorbed)).head.number == 7
    assert [evidence.kind for evidence in story.open_case.evidence] == ["photo", "video"]
    assert story.open_case.contacts[-1].channel == "hotline"
    assert story.refused(events.AbsorbCase, ENGINE, **duplicate).code == "absorbed"
    assert story.refused(events.AbsorbCase, AGENT, **duplicate | {"duplicate": "x/y"}).code == "no_right"
    assert Story().to_closed().refused(events.AbsorbCase, ENGINE, **duplicate).code == "case_closed"
