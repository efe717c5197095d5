"""Every decision can be explained: rule, policy, evidence, actor, time (TRA-1)."""

import pytest
from msgspec.structs import replace

from policies.schema import Outcome, Role
from states import events, facts
from states.journal import Entry, body, fold, seal, unseal
from states.values import Actor, Head
from tests.states.story import AGENT, BUYER, REFUND, SELLER, START, Story, complaint, text


@pytest.mark.rule("TRA-1")
def test_every_decision_names_rule_policy_evidence_actor_and_time() -> None:
    story = Story().to_ruling()
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=(REFUND,))
    for entry in story.entries:
        assert entry.policy == "platform@2024-07-22"
        assert entry.decided_at >= START
        if entry.request_id:
            assert entry.actor is not None
            assert entry.rules, entry.event
    for fact in story.all(facts.StageEntered):
        assert fact.rules, fact.stage
    ruled = story.all(facts.Ruled)[0]
    assert "TRA-1" in ruled.rules
    assert ruled.ruling.finding.evidence == ("E1",)


@pytest.mark.rule("TRA-1")
def test_refused_attempts_are_on_record_with_the_reason() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.AcceptComplaint, BUYER)
    assert (refusal.code, refusal.rule) == ("no_right", "TRA-1")
    entry = story.entries[-1]
    assert (entry.event, entry.actor, entry.refusal) == ("accept_complaint", BUYER, refusal)
    stranger = Actor(id="buyer-099", role=Role.COMPLAINANT)
    assert story.refused(events.SubmitStatement, stranger, text=text("x")).code == "not_a_party"


@pytest.mark.rule("SLA-1")
def test_an_unattributed_act_is_recorded_as_such_and_owns_nothing() -> None:
    story = Story().to_acceptance()
    entry = story.accepted(events.AcceptComplaint, None)
    assert entry.actor is None
    assert story.open_case.owner is None


@pytest.mark.rule("TRA-1")
def test_the_same_request_gets_the_same_answer_and_no_new_entry() -> None:
    story = Story().to_acceptance()
    act = events.AcceptComplaint(request_id="r-same", actor=AGENT)
    first = story.happen(act)
    entries = len(story.entries)
    story.wait(minutes=5)
    assert story.happen(act) == first
    assert len(story.entries) == entries
    other = replace(act, actor=BUYER)
    conflict = story.happen(other)
    assert conflict is not None
    assert conflict.refusal is not None
    assert conflict.refusal.code == "request_id_used"
    assert story.happen(other) == conflict
    assert len(story.entries) == entries + 1
    assert story.happen(act) == first
    refused = story.refused(events.AcceptComplaint, BUYER)
    assert refused.rule == "TRA-1"


def test_the_chain_breaks_where_anything_was_changed() -> None:
    story = Story().to_closed()
    assert fold(story.entries) == story.case
    for number, entry in enumerate(story.entries):
        forged = [*story.entries]
        forged[number] = replace(entry, decided_at=START.replace(year=2020))
        with pytest.raises(ValueError, match=f"entry {entry.number} does not match its hash"):
            fold(forged)
        forged[number] = seal(forged[number], Head(number=entry.number - 1, hash=entry.previous))
        if number + 1 < len(forged):
            with pytest.raises(ValueError, match=f"entry {entry.number + 1}"):
                fold(forged)
    with pytest.raises(ValueError, match="does not"):
        fold(story.entries[1:])
    with pytest.raises(ValueError, match="does not"):
        fold([*story.entries[:3], *story.entries[4:]])


def test_an_entry_is_read_back_as_it_was_written() -> None:
    story = Story().to_closed()
    for entry in story.entries:
        assert unseal(body(entry), entry.hash) == entry
        with pytest.raises(ValueError, match="does not match its hash"):
            unseal(body(entry) + b" ", entry.hash)


def test_what_the_engine_reports_is_on_record_and_stops_nothing() -> None:
    story = Story().to_verification()
    stage = story.open_case.stage
    story.happen(events.CancelRequested())
    story.happen(events.ForkFound(believed=Head(number=99, hash="f" * 64)))
    assert [type(fact) for entry in story.entries[-2:] for fact in entry.facts] == [facts.CancelAsked, facts.Forked]
    assert story.open_case.stage is stage
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))


def test_nobodys_text_is_on_the_journal() -> None:
    """Texts and evidence appear as references with their hash."""
    story = Story().to_closed()
    given = complaint()
    stored = b"".join(body(entry) for entry in story.entries)
    assert given.description.ref.encode() in stored
    assert all(isinstance(entry, Entry) for entry in story.entries)
