"""Entries in words: what a reader of the journal is told of each fact."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from client.words import clock_time, in_words
from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Counted,
    Level,
    OrderState,
    PackRef,
    Party,
    Priority,
    RemedyKind,
    Route,
    Trigger,
)
from policies.triage import TriageLabel
from states import facts
from states.facts import AnyFact
from states.values import (
    Appeal,
    AppealState,
    Claim,
    ClaimantHistory,
    Clock,
    ClockState,
    Consent,
    ConsentState,
    Contact,
    Escalation,
    Excerpt,
    ExternalComplaint,
    Factor,
    HandOff,
    HandOffState,
    Hearing,
    HearingKind,
    IdentityCheck,
    Occurrence,
    OccurrenceState,
    Offer,
    OfferState,
    OrderFacts,
    ProposalOfTriageState,
    RiskState,
    StaffConduct,
    TextRef,
    TriageProposal,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
POLICY = PackRef(name="platform", version="2024-07-22", digest="0" * 64)
OLDER = PackRef(name="platform", version="2020-01-01", digest="1" * 64)
TEXT = TextRef(ref="v-1", sha256="a" * 64, size=3)
ORDER = OrderFacts("order-1", "taobao", "buyer-017", "seller-204", 100, NOW, state=OrderState.SUCCEEDED)
RESULT = Clock(kind=ClockKind.RESULT, arming=1, state=ClockState.RUNNING, armed_at=NOW, due=NOW + timedelta(days=1))
APPEAL = Appeal("A1", HearingKind.APPEAL, Party.COMPLAINANT, Channel.HOTLINE, ("E4",), AppealState.EXAMINED, NOW)
WAIVED = Consent(state=ConsentState.WAIVED, at=NOW)
REFUSED = Consent(state=ConsentState.REFUSED, at=NOW, channel=Channel.E_MAIL)
SILENT = {
    "EffectOrdered",
    "EffectSettled",  # told where it failed
    "CorrectionOpened",
}
"""Facts that only others make sense of."""


def staff_conduct(**changes: Any) -> StaffConduct:
    given: dict[str, Any] = {"id": "K1", "row": "late_reply", "staff": "staff-7", "at": NOW, "by": "engine"}
    return StaffConduct(**given | changes)


def rise(trigger: Trigger, after: Level) -> facts.LevelRaised:
    return facts.LevelRaised(escalation=Escalation(trigger=trigger, before=Level.FRONT_LINE, after=after, at=NOW))


def shown(**changes: Any) -> TriageProposal:
    excerpts = tuple(Excerpt("v-1", at, at + 2, words) for at, words in ((0, "爆炸"), (4, "起火"), (9, "爆炸")))
    return TriageProposal(id="T1", excerpts=excerpts, at=NOW, **changes)


def hand_off(by: str, consent: Consent = WAIVED, **changes: Any) -> facts.HandOffSet:
    given: dict[str, Any] = {
        "id": "H1",
        "route": Route.SAFETY,
        "team": "safety",
        "state": HandOffState.QUEUED,
        "by": "engine",
        "at": NOW,
        "consent": consent,
    }
    return facts.HandOffSet(by=by, hand_off=HandOff(**given | changes))


@pytest.mark.parametrize(
    ("fact", "phrase"),
    [
        (facts.CategoryCorrected(before=Category.FALSE_SHIPMENT, category=Category.LATE_SHIPMENT),
         "category late_shipment instead of false_shipment"),
        (facts.ClaimNarrowed(claim=Claim((RemedyKind.REFUND,), 950)), "claim narrowed to refund 9.50 yuan"),
        (facts.DescriptionCompleted(description=TEXT), "the description was completed"),
        (facts.RespondentNamed(respondent="seller-204"), "the complaint is against seller-204"),
        (facts.DisputeOpened(at=NOW), "the complaint is a dispute now"),
        (facts.PenaltyPolicySet(policy=None, conduct_at=NOW),
         "penalties follow no policy, in force at 2026-03-02 01:00"),
        (facts.PolicyMigrated(before=OLDER, policy=POLICY),
         "handled under platform@2024-07-22 instead of platform@2020-01-01"),
        (facts.ClaimantKnown(history=ClaimantHistory(4)), "earlier complaints of the complainant: 4"),
        (facts.ClaimantKnown(history=None), "the complainant's history is not known"),
        (facts.OrderKnown(id="order-1", order=ORDER), "order order-1 is known, succeeded"),
        (facts.OrderKnown(id="order-2", order=None), "the platform knows no order order-2 of the complainant"),
        (facts.ContactRecorded(contact=Contact(NOW, Channel.HOTLINE, "buyer-017", automatic=True, late=True)),
         "contact from the complainant by hotline, automatic, answered late"),
        (facts.ContactRecorded(contact=Contact(
            NOW, Channel.HOTLINE, "agent-03", Party.RESPONDENT, outbound=True, identity=IdentityCheck.FAILED)),
         "contact to the respondent by hotline, identity failed"),
        (facts.OccurrenceSet(by="count", occurrence=Occurrence(
            id="O1", counts=Counted.PASSIVE_SERVICE, key="k", state=OccurrenceState.COUNTED, count=3)),
         "occurrence O1, passive_service, number 3 within the window: count"),
        (facts.StaffConductFound(conduct=staff_conduct(
            amount_fen=2_000, evidence="E1", message="m2", figure=1200, unit="seconds")),
         "conduct K1 of staff-7: late_reply, 1200 seconds, shown by E1 m2, 20.00 yuan"),
        (facts.StaffConductFound(conduct=staff_conduct(staff="", row="unanswered")),
         "conduct K1 of the service: unanswered"),
        (facts.TranscriptExamined(evidence="E1", findings=2), "transcript E1 shows 2 findings"),
        (facts.TranscriptExamined(evidence="E1", code="not_in_vault"),
         "transcript E1 cannot be examined: not_in_vault"),
        (facts.ResultTold(at=NOW), "everyone knows the result"),
        (facts.AppealSet(by="hear", appeal=APPEAL), "appeal A1 of the complainant with E4: hear"),
        (facts.HearingOpened(hearing=Hearing(HearingKind.REVIEW, NOW, barred=("agent-03",), final=True)),
         "heard again: review, for the last time, not by agent-03"),
        (facts.ClockSet(by="shorten", clock=RESULT), "clock result shortened, until 2026-03-03 01:00"),
        (rise(Trigger.LEANING, Level.SPECIALIST), "escalated from front_line to specialist (leaning)"),
        (rise(Trigger.MISSED_CLOCK, Level.FRONT_LINE), "stays at front_line (missed_clock)"),
        (facts.PrioritySet(priority=Priority.HIGH, factors=(Factor("contacts", 20), Factor("amount", 30))),
         "priority high (contacts 20, amount 30)"),
        (facts.PrioritySet(priority=Priority.NORMAL, factors=()), "priority normal"),
        (facts.RiskSet(state=RiskState.CONFIRMED, high=True), "high risk, confirmed"),
        (facts.RiskSet(state=RiskState.LOWERED, high=False), "no high risk, lowered"),
        (facts.TriageProposed(proposal=shown(label=TriageLabel.SAFETY_HAZARD)),
         "proposed T1: safety_hazard (爆炸, 起火)"),
        (facts.TriageProposed(proposal=shown(category=Category.LOGISTICS, state=ProposalOfTriageState.CONFIRMED)),
         "confirmed T1: category logistics (爆炸, 起火)"),
        (facts.TextTriaged(found=0, code="unreadable"), "the text cannot be read: unreadable"),
        (facts.TextTriaged(found=2), ""),
        (facts.ExternalComplaintRecorded(complaint=ExternalComplaint(
            id="X1", body="police", reference="P-7", made_at=NOW, at=NOW)),
         "complaint X1 before the police P-7"),
        (facts.OfferSet(by="refuse", offer=Offer(
            id="K1", text=TEXT, by="agent-03", at=NOW, state=OfferState.REFUSED)),
         "known solution K1: refuse"),
        (hand_off("begin"), "hand-off H1 to the safety team, consent waived"),
        (hand_off("consent", Consent(state=ConsentState.GIVEN, at=NOW, channel=Channel.HOTLINE)),
         "hand-off H1 to the safety team: queued, consent given by hotline"),
        (hand_off("decline", REFUSED, state=HandOffState.DECLINED),
         "hand-off H1 to the safety team: declined, consent refused by e_mail"),
        (hand_off("put_first", first=True), "hand-off H1 to the safety team comes before the verification"),
        (hand_off("take", state=HandOffState.WORKING, worker="agent-21"),
         "hand-off H1 to the safety team: agent-21 works on it"),
        (hand_off("late", late=True, level=Level.SPECIALIST),
         "hand-off H1 to the safety team is late, rose to specialist there"),
        (hand_off("give_back", state=HandOffState.RETURNED, result="hazard_confirmed"),
         "hand-off H1 to the safety team returned: hazard_confirmed"),
        (hand_off("recall", state=HandOffState.RECALLED), "hand-off H1 to the safety team: recalled"),
        (facts.Reassigned(before=None, owner="agent-04", note=None), "owner agent-04"),
        (facts.Reassigned(before="agent-03", owner="agent-04", note=TEXT), "owner agent-04 instead of agent-03"),
        (facts.IncidentLinked(incident="incident/product/p-1"), "one of incident/product/p-1"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, facts.Fact) else "",
)  # fmt: skip
def test_a_fact_in_words(fact: AnyFact, phrase: str) -> None:
    assert in_words(fact, clock_time(UTC)) == phrase


def test_every_kind_of_fact_is_told() -> None:
    """By its own case in `in_words`: a new kind of fact is not forgotten."""
    told = set(in_words.__code__.co_names)
    assert {kind.__name__ for kind in get_args(AnyFact)} - told <= SILENT
