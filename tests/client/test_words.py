"""Entries in words: what a reader of the journal is told of each fact."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from client.words import clock_time, in_words
from policies.schema import Category, Channel, Counted, OrderState, PackRef, Party, RemedyKind
from states import facts
from states.facts import AnyFact
from states.values import (
    Appeal,
    AppealState,
    Claim,
    ClaimantHistory,
    Contact,
    Hearing,
    HearingKind,
    IdentityCheck,
    Occurrence,
    OccurrenceState,
    OrderFacts,
    StaffConduct,
    TextRef,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
POLICY = PackRef(name="platform", version="2024-07-22", digest="0" * 64)
OLDER = PackRef(name="platform", version="2020-01-01", digest="1" * 64)
TEXT = TextRef(ref="v-1", sha256="a" * 64, size=3)
ORDER = OrderFacts("order-1", "taobao", "buyer-017", "seller-204", 100, NOW, state=OrderState.SUCCEEDED)
APPEAL = Appeal("A1", HearingKind.APPEAL, Party.COMPLAINANT, Channel.HOTLINE, ("E4",), AppealState.EXAMINED, NOW)
SILENT = {
    "EffectOrdered",
    "EffectSettled",  # told where it failed
    "CorrectionOpened",
}
"""Facts that only others make sense of."""


def staff_conduct(**changes: Any) -> StaffConduct:
    given: dict[str, Any] = {"id": "K1", "row": "late_reply", "staff": "staff-7", "at": NOW, "by": "engine"}
    return StaffConduct(**given | changes)


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
         "contact from buyer-017 by hotline, automatic, answered late"),
        (facts.ContactRecorded(contact=Contact(NOW, Channel.HOTLINE, "agent-03", True, identity=IdentityCheck.FAILED)),
         "contact to the party by hotline, identity failed"),
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
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, facts.Fact) else "",
)  # fmt: skip
def test_a_fact_in_words(fact: AnyFact, phrase: str) -> None:
    assert in_words(fact, clock_time(UTC)) == phrase


def test_every_kind_of_fact_is_told() -> None:
    """By its own case in `in_words`: a new kind of fact is not forgotten."""
    told = set(in_words.__code__.co_names)
    assert {kind.__name__ for kind in get_args(AnyFact)} - told <= SILENT
