"""What is proven, by whom it had to be, and who is responsible (area VER)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from policies.schema import Category, ClockKind, Outcome, Party, RemedyKind, Stage
from states import effects, events, facts
from states.values import (
    Actor,
    ClaimantHistory,
    ClockState,
    ConductKind,
    LogisticsFacts,
    RemedyTerms,
    RequestKind,
    RequestState,
    Violation,
)
from tests.states.story import AGENT, BUYER, REFUND, RETURN, SELLER, START, Story, item, text

PROVEN: dict[str, Any] = {"proven": True, "responsible": Party.RESPONDENT, "cause": "defective_goods"}


def answered(story: Story) -> Story:
    """The seller stated its view, so that nothing is outstanding."""
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    return story


# --- VER-1 ------------------------------------------------------------------------------------


@pytest.mark.rule("VER-1")
def test_evidence_is_asked_of_a_named_party_with_a_list_and_a_deadline() -> None:
    story = Story().to_verification()
    entry = story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video", "receipt"))
    assert "VER-1" in entry.rules
    (asked,) = story.open_case.open_requests(Party.COMPLAINANT)
    assert (asked.kind, asked.wanted) == (RequestKind.EVIDENCE, ("video", "receipt"))
    assert story.clock(ClockKind.EVIDENCE, asked.id).due.isoformat() == "2026-03-05T10:00:00+00:00"
    (notice,) = story.sent("evidence_wanted")
    assert notice.facts["wanted"] == "video, receipt"
    assert notice.facts["due"] == "2026-03-05 18:00+08:00"
    assert notice.recipient == "buyer-017"


@pytest.mark.rule("VER-1")
def test_what_was_wanted_answers_the_request_and_anything_else_does_not() -> None:
    story = Story().to_verification()
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))
    story.accepted(events.SubmitEvidence, BUYER, items=(item("chat_log"),))
    story.accepted(events.SubmitEvidence, SELLER, items=(item("video", "the seller's"),))
    assert story.open_case.open_requests(Party.COMPLAINANT)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert not story.open_case.open_requests(Party.COMPLAINANT)
    assert story.clock(ClockKind.EVIDENCE, "Q2").state is ClockState.MET


@pytest.mark.rule("VER-1")
def test_a_request_is_answered_once_all_that_was_wanted_has_come() -> None:
    story = answered(Story().to_verification(category=Category.COUNTERFEIT))
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("inspection_report", "purchase_chain"))
    story.accepted(events.SubmitEvidence, SELLER, items=(item("inspection_report"),))
    assert story.open_case.open_requests(Party.RESPONDENT), "one paper is not the other"
    story.wait(hours=1)
    story.accepted(events.SubmitEvidence, SELLER, items=(item("inspection_report", "another"),))
    story.wait(hours=1)
    assert story.open_case.open_requests(Party.RESPONDENT)
    story.accepted(events.SubmitEvidence, SELLER, items=(item("purchase_chain"),))
    assert not story.open_case.open_requests(Party.RESPONDENT)


@pytest.mark.rule("VER-1")
def test_of_kinds_that_stand_for_each_other_one_will_do() -> None:
    story = answered(Story().to_verification())
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video", "photo"))
    story.accepted(events.SubmitEvidence, BUYER, items=(item("photo", "another"),))
    assert not story.open_case.open_requests(Party.COMPLAINANT)
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video", "receipt"))
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.open_case.open_requests(Party.COMPLAINANT), "a receipt shows something else"


@pytest.mark.rule("VER-1")
def test_rounds_are_capped_for_each_party() -> None:
    story = answered(Story().to_verification())
    for number in range(3):
        story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",))
        assert story.refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",)).code == "request_open"
        story.accepted(events.SubmitEvidence, SELLER, items=(item("photo", f"round {number}"),))
    refusal = story.refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",))
    assert (refusal.code, refusal.rule) == ("rounds_used_up", "VER-1")
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))


@pytest.mark.rule("VER-1")
def test_who_bears_the_burden_of_proof_and_stays_silent_loses() -> None:
    story = Story().to_verification(evidence=())
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("photo",))
    story.wait(days=4)
    assert story.at(Stage.RULING)
    assert story.open_case.finding is not None
    assert not story.open_case.finding.proven

    other = Story().to_verification(category=Category.LOGISTICS, evidence=())
    other.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("logistics_record",))
    other.wait(days=4)
    assert other.at(Stage.RULING)
    finding = other.open_case.finding
    assert finding is not None
    assert finding.proven
    assert finding.responsible is Party.RESPONDENT


@pytest.mark.rule("VER-1")
def test_silence_of_the_other_side_decides_nothing_but_never_hangs() -> None:
    story = Story().to_verification()
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("inspection_report",))
    story.wait(days=4)
    assert [request.state for request in story.open_case.requests] == [RequestState.LAPSED, RequestState.LAPSED]
    assert story.at(Stage.VERIFICATION)
    story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",))


@pytest.mark.rule("VER-1")
def test_wrong_requests_are_refused() -> None:
    story = Story().to_verification()
    assert story.refused(events.RequestEvidence, party=Party.PLATFORM, wanted=("photo",)).code == "wrong_party"
    assert story.refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("oath",)).rule == "VER-1"
    assert Story().to_acceptance().refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",)).rule


# --- VER-2 and VER-4 --------------------------------------------------------------------------


@pytest.mark.rule("VER-2")
def test_a_finding_has_to_satisfy_the_checklist_and_cites_its_items() -> None:
    story = answered(Story().to_verification(evidence=(item("chat_log"), item("photo"))))
    refusal = story.refused(events.RecordFinding, **PROVEN, evidence=("E1",))
    assert (refusal.code, refusal.rule) == ("evidence_missing", "VER-2")
    assert "photo or video" in refusal.message
    entry = story.accepted(events.RecordFinding, **PROVEN, evidence=("E1", "E2"))
    assert "VER-2" in entry.rules
    assert story.at(Stage.COORDINATION)
    assert story.open_case.finding is not None
    assert story.open_case.finding.evidence == ("E1", "E2")


@pytest.mark.rule("VER-4")
def test_a_finding_names_party_cause_and_evidence() -> None:
    story = answered(Story().to_verification())
    assert story.refused(events.RecordFinding, **PROVEN | {"responsible": None}, evidence=("E1",)).code == "wrong_party"
    assert story.refused(events.RecordFinding, **PROVEN | {"cause": "bad_luck"}, evidence=("E1",)).rule == "VER-4"
    assert story.refused(events.RecordFinding, **PROVEN, evidence=("E7",)).code == "unknown_evidence"
    story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",))
    finding = story.open_case.finding
    assert finding is not None
    assert (finding.responsible, finding.cause, finding.evidence) == (Party.RESPONDENT, "defective_goods", ("E1",))
    assert (finding.by, finding.at) == (AGENT.id, story.now)
    assert story.refused(events.RecordFinding, **PROVEN, evidence=("E1",)).code == "wrong_stage"


@pytest.mark.rule("VER-4", "COO-1", "COO-3")
def test_no_remedy_and_no_penalty_comes_before_a_finding() -> None:
    story = Story().to_verification()
    ruling: dict[str, Any] = {
        "outcome": Outcome.UPHELD,
        "rule": "VER-5",
        "remedies": (REFUND,),
        "penalties": (Violation(row="points"),),
    }
    assert story.refused(events.ProposeRemedy, BUYER, terms=REFUND).rule == "COO-1"
    assert story.refused(events.IssueRuling, **ruling).rule == "COO-3"
    assert story.refused(events.CallForRuling, BUYER).code == "wrong_stage"
    answered(story).accepted(events.RecordFinding, proven=False)
    assert story.at(Stage.RULING)
    refusal = story.refused(events.IssueRuling, **ruling)
    assert (refusal.code, refusal.rule) == ("not_proven", "VER-4")
    assert not story.open_case.remedies
    assert not story.open_case.penalties


@pytest.mark.rule("COO-5")
def test_no_finding_while_a_party_may_still_answer() -> None:
    story = Story().to_verification()
    refusal = story.refused(events.RecordFinding, **PROVEN, evidence=("E1",))
    assert (refusal.code, refusal.rule) == ("answer_outstanding", "COO-5")
    assert "Q1" in refusal.message


# --- VER-3 ------------------------------------------------------------------------------------


@pytest.mark.rule("VER-3")
def test_the_seller_is_asked_for_its_plan_and_statement() -> None:
    story = Story().to_acceptance()
    entry = story.accepted(events.AcceptComplaint)
    assert "VER-3" in entry.rules
    (asked,) = story.open_case.open_requests(Party.RESPONDENT)
    assert asked.kind is RequestKind.STATEMENT
    assert story.clock(ClockKind.STATEMENT, asked.id).due == START + timedelta(hours=48)
    assert [notice.recipient for notice in story.sent("statement_wanted")] == ["seller-204"]
    story.accepted(events.SubmitStatement, SELLER, text=text("view"), plan=REFUND)
    assert story.open_case.statements[0].plan == REFUND
    story.wait(days=3)
    assert not story.open_case.conduct


@pytest.mark.rule("VER-3", "CON-2")
def test_silence_is_no_defence_and_on_record_as_conduct() -> None:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, BUYER, text=text("the buyer's own"))
    story.wait(hours=48)
    (conduct,) = story.open_case.conduct
    assert (conduct.party, conduct.kind) == (Party.RESPONDENT, ConductKind.NO_DEFENCE)
    assert story.all(facts.ConductRecorded)[0].rules == ("VER-3", "CON-2")
    assert story.open_case.requests[0].state is RequestState.LAPSED
    story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",))


# --- the categories ---------------------------------------------------------------------------


def ruled(story: Story, terms: RemedyTerms) -> list[RemedyKind]:
    """The remedies that an upheld ruling brings."""
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="R", remedies=(terms,))
    return [remedy.terms.kind for remedy in story.open_case.remedies]


@pytest.mark.rule("VER-5")
def test_quality() -> None:
    story = Story().to_ruling()
    assert story.open_case.finding is not None
    refusal = story.refused(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="R", remedies=(RemedyTerms(kind=RemedyKind.RESHIPMENT),)
    )
    assert (refusal.code, refusal.rule) == ("remedy_not_offered", "VER-5")
    assert ruled(story, RETURN) == [RemedyKind.RETURN_AND_REFUND, RemedyKind.APOLOGY]
    for terms in (REFUND, RemedyTerms(kind=RemedyKind.EXCHANGE)):
        assert ruled(Story().to_ruling(), terms) == [terms.kind, RemedyKind.APOLOGY]


@pytest.mark.rule("VER-5")
def test_quality_needs_proof_from_the_complainant() -> None:
    story = answered(Story().to_verification(evidence=()))
    assert story.refused(events.RecordFinding, **PROVEN).code == "evidence_missing"
    story.accepted(events.SubmitEvidence, SELLER, items=(item("photo"),))
    entry = story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",))
    assert "VER-5" in entry.rules


@pytest.mark.rule("VER-7")
def test_shipping_looks_up_the_carriers_records() -> None:
    story = Story()
    story.logistics = LogisticsFacts(order="order-1001", shipped_at=START, signed_at=START + timedelta(days=1))
    story.to_verification(category=Category.LOGISTICS, evidence=())
    ordered = [fact for fact in story.all(facts.EffectOrdered) if isinstance(fact.effect, effects.LookUpLogistics)]
    assert [fact.rules for fact in ordered] == [("VER-7",)]
    assert story.open_case.logistics == story.logistics
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("signature_photo",))
    story.wait(days=4)
    assert story.at(Stage.VERIFICATION), "the signature counts as the seller's evidence"


@pytest.mark.rule("VER-7")
def test_shipping_without_records_is_the_sellers_burden() -> None:
    story = Story().to_verification(category=Category.LOGISTICS, evidence=())
    assert story.open_case.logistics is None
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("logistics_record",))
    story.wait(days=4)
    assert story.open_case.finding is not None
    assert story.open_case.finding.cause == "not_shipped"
    assert ruled(story, RemedyTerms(kind=RemedyKind.RESHIPMENT)) == [RemedyKind.RESHIPMENT]


@pytest.mark.rule("VER-7")
@pytest.mark.parametrize("kind", [RemedyKind.COMPENSATION, RemedyKind.COUPON])
def test_shipping_is_put_right_in_cash_or_coupon(kind: RemedyKind) -> None:
    story = Story().to_ruling(category=Category.LOGISTICS, cause="shipped_late")
    assert ruled(story, RemedyTerms(kind=kind, amount_fen=2_000)) == [kind]


@pytest.mark.rule("VER-8")
def test_after_sales() -> None:
    story = Story().to_ruling(category=Category.AFTER_SALES, cause="service_refused", evidence=())
    assert any("VER-8" in fact.rules for fact in story.all(facts.FindingMade))
    refusal = story.refused(
        events.IssueRuling, outcome=Outcome.UPHELD, rule="R", remedies=(RemedyTerms(kind=RemedyKind.TRAINING),)
    )
    assert refusal.rule == "VER-8"
    compensation = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=5_000)
    assert ruled(story, compensation) == [RemedyKind.COMPENSATION]


@pytest.mark.rule("VER-8", "VER-1")
def test_after_sales_records_are_the_sellers_to_bring() -> None:
    story = Story().to_verification(category=Category.AFTER_SALES, evidence=())
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("after_sales_record",))
    story.wait(days=4)
    assert story.open_case.finding is not None
    assert story.open_case.finding.proven
    entry = ruled(story, RemedyTerms(kind=RemedyKind.REPAIR))
    assert entry == [RemedyKind.REPAIR]
    defended = answered(Story().to_verification(category=Category.AFTER_SALES, evidence=()))
    defended.accepted(events.SubmitEvidence, SELLER, items=(item("after_sales_record"),))
    entry_ = defended.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="service_late", evidence=("E1",)
    )
    assert "VER-8" in entry_.rules


@pytest.mark.rule("VER-13")
def test_service_attitude_brings_apology_and_training() -> None:
    story = Story().to_ruling(category=Category.SERVICE_ATTITUDE, cause="rude_wording", evidence=(item("chat_log"),))
    assert any("VER-13" in fact.rules for fact in story.all(facts.FindingMade))
    compensation = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=1_000)
    assert ruled(story, compensation) == [RemedyKind.COMPENSATION, RemedyKind.APOLOGY, RemedyKind.TRAINING]
    training = story.open_case.remedies[-1]
    assert [step.by for step in training.steps] == [Party.RESPONDENT]
    assert story.clock(ClockKind.REMEDY, training.id).state is ClockState.RUNNING
    assert story.at(Stage.FEEDBACK)


@pytest.mark.rule("VER-13")
def test_service_attitude_needs_the_words() -> None:
    story = answered(Story().to_verification(category=Category.SERVICE_ATTITUDE))
    finding: dict[str, Any] = {
        "proven": True,
        "responsible": Party.RESPONDENT,
        "cause": "rude_wording",
        "evidence": ("E1",),
    }
    assert story.refused(events.RecordFinding, **finding).code == "evidence_missing"
    story.accepted(events.SubmitEvidence, BUYER, items=(item("screenshot"),))
    story.accepted(events.RecordFinding, **finding | {"evidence": ("E2",)})
    assert story.refused(events.ProposeRemedy, BUYER, terms=REFUND).rule == "VER-13"


# --- VER-14 -----------------------------------------------------------------------------------


def lost(carrier: str | None = "carrier-7") -> Story:
    """A parcel that did not come, at verification; the seller has nothing more to say."""
    story = Story()
    story.logistics = LogisticsFacts(order="order-1001", shipped_at=START, carrier=carrier)
    return answered(story.to_verification(category=Category.NOT_RECEIVED, evidence=()))


@pytest.mark.rule("VER-14", "VER-1")
def test_the_carrier_is_asked_for_evidence_and_can_be_responsible() -> None:
    story = lost()
    story.accepted(events.RequestEvidence, party=Party.CARRIER, wanted=("signature_photo",))
    (asked,) = story.open_case.open_requests(Party.CARRIER)
    assert asked.addressee == "carrier-7"
    (notice,) = story.sent("evidence_wanted")
    assert (notice.party, notice.recipient) == (Party.CARRIER, "carrier-7")
    story.accepted(events.SubmitEvidence, items=(item("signature_photo"),))
    assert story.open_case.open_requests(Party.CARRIER), "the platform's own item answers nothing"
    entry = story.accepted(
        events.SubmitEvidence, items=(item("signature_photo", "theirs"),), on_behalf_of=Party.CARRIER
    )
    assert "VER-14" in entry.rules
    assert not story.open_case.open_requests()
    assert [each.submitter for each in story.open_case.evidence] == [Party.PLATFORM, Party.CARRIER]
    assert story.open_case.evidence[-1].by == AGENT.id
    found = story.accepted(
        events.RecordFinding, proven=True, responsible=Party.CARRIER, cause="lost_in_transit", evidence=("E2",)
    )
    assert "VER-14" in found.rules
    assert story.open_case.finding is not None
    assert story.open_case.finding.responsible is Party.CARRIER


@pytest.mark.rule("VER-14")
def test_an_unknown_carrier_and_every_appraiser_are_named() -> None:
    story = lost(carrier=None)
    for party in (Party.CARRIER, Party.APPRAISER):
        refusal = story.refused(events.RequestEvidence, party=party, wanted=("photo",))
        assert (refusal.code, refusal.rule) == ("addressee_missing", "VER-14")
        assert refusal.message.startswith("addressee: ")
        story.accepted(events.RequestEvidence, party=party, wanted=("photo",), addressee=f"{party}-1")
    assert [notice.recipient for notice in story.sent("evidence_wanted")] == ["carrier-1", "appraiser-1"]
    refusal = story.refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",), addressee="seller-300")
    assert refusal.code == "addressee_not_wanted"


@pytest.mark.rule("VER-14")
@pytest.mark.parametrize("party", [Party.CARRIER, Party.APPRAISER])
def test_the_silence_of_third_parties_decides_nothing(party: Party) -> None:
    story = lost()
    story.accepted(events.RequestEvidence, party=party, wanted=("photo",), addressee="somebody-1")
    story.wait(days=4)
    assert story.open_case.requests[-1].state is RequestState.LAPSED
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.finding is None
    assert not story.open_case.conduct


@pytest.mark.rule("VER-14")
@pytest.mark.parametrize(
    ("actor", "party"), [(SELLER, Party.CARRIER), (BUYER, Party.APPRAISER), (AGENT, Party.RESPONDENT)]
)
def test_only_the_platform_hands_in_for_third_parties(actor: Actor, party: Party) -> None:
    story = lost()
    refusal = story.refused(events.SubmitEvidence, actor, items=(item("photo"),), on_behalf_of=party)
    assert (refusal.code, refusal.rule) == ("wrong_party", "VER-14")
    assert refusal.message.startswith("on_behalf_of: ")
    assert not story.open_case.evidence


@pytest.mark.rule("VER-14", "VER-1")
def test_what_a_third_party_brings_discharges_the_sellers_burden() -> None:
    story = Story()
    story.logistics = LogisticsFacts(order="order-1001", shipped_at=START, carrier="carrier-7")
    answered(story.to_verification(category=Category.NOT_RECEIVED, evidence=()))
    story.accepted(events.SubmitEvidence, items=(item("signature_photo"),), on_behalf_of=Party.CARRIER)
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("signature_photo",))
    story.wait(days=4)
    assert story.at(Stage.VERIFICATION)


# --- PEN-4 ------------------------------------------------------------------------------------


@pytest.mark.rule("PEN-4")
@pytest.mark.parametrize(
    ("found", "penalties"),
    [
        ("2024-07-21T23:59:59+08:00", "platform@2020-01-01"),
        ("2024-07-22T00:00:00+08:00", "platform@2024-07-22"),
        ("2019-12-31T23:59:59+08:00", "None"),
    ],
)
def test_a_finding_dates_the_conduct(found: str, penalties: str) -> None:
    story = answered(Story().to_verification())
    conduct_at = datetime.fromisoformat(found)
    story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",), conduct_at=conduct_at)
    assert str(story.open_case.penalty_policy) == penalties
    assert str(story.open_case.policy) == "platform@2024-07-22"
    assert [fact.conduct_at for fact in story.all(facts.PenaltyPolicySet)] == [conduct_at]


@pytest.mark.rule("PEN-4")
def test_conduct_lies_in_the_past() -> None:
    story = answered(Story().to_verification())
    ahead = story.now + timedelta(seconds=1)
    refusal = story.refused(events.RecordFinding, **PROVEN, evidence=("E1",), conduct_at=ahead)
    assert (refusal.code, refusal.rule) == ("conduct_ahead", "PEN-4")
    story.accepted(events.RecordFinding, **PROVEN, evidence=("E1",), conduct_at=story.now)


# --- rounds, and a further hearing ------------------------------------------------------------


@pytest.mark.rule("VER-1")
def test_rounds_begin_anew_with_each_hearing() -> None:
    story = answered(Story().to_verification())
    for number in range(3):
        story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",))
        story.accepted(events.SubmitEvidence, SELLER, items=(item("photo", f"round {number}"),))
    assert story.refused(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",)).code == "rounds_used_up"
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.file(request_id="r-again").accepted
    story.accepted(events.AcceptComplaint)
    answered(story)
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",))


# --- VER-11 -----------------------------------------------------------------------------------


def look_ups_of_claimant(story: Story) -> list[tuple[str, tuple[str, ...]]]:
    """Whose history was looked up, and by which rules."""
    return [
        (fact.effect.claimant, fact.rules)
        for fact in story.all(facts.EffectOrdered)
        if isinstance(fact.effect, effects.LookUpClaimant)
    ]


@pytest.mark.rule("VER-11")
def test_how_often_the_claimant_complained_is_shown_and_is_no_reason_to_refuse() -> None:
    story = Story()
    story.history = ClaimantHistory(complaints=212)
    story.to_verification(category=Category.PROFESSIONAL_CLAIMANT)
    assert story.open_case.claimant_history == story.history
    assert look_ups_of_claimant(story) == [("buyer-017", ("VER-11",))]
    assert story.at(Stage.VERIFICATION)
    answered(story).accepted(
        events.RecordFinding,
        proven=True,
        responsible=Party.RESPONDENT,
        cause="superlative_wording",
        evidence=("E1",),
    )
    assert story.at(Stage.COORDINATION), "a settlement can be negotiated"
    assert not story.open_case.penalties


@pytest.mark.rule("VER-11")
def test_the_claimants_history_is_looked_up_once() -> None:
    story = Story().to_verification(category=Category.PROFESSIONAL_CLAIMANT)
    story.accepted(events.WithdrawComplaint, BUYER)
    story.file(request_id="r-again", category=Category.PROFESSIONAL_CLAIMANT)
    story.accepted(events.AcceptComplaint)
    assert len(look_ups_of_claimant(story)) == 1
