"""The packs of other days and of other bodies: the figures that are their own."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Counted,
    Ground,
    Outcome,
    Party,
    Priority,
    RemedyKind,
    Stage,
    Trigger,
)
from states import events
from states.values import Claim, ClockState, SellerContact, Violation
from tests.figures.cases import allowed, refusal, terms
from tests.states.story import BUYER, SELLER, Story, item, order, text

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHANGHAI, LONDON, NEW_YORK = map(ZoneInfo, ("Asia/Shanghai", "Europe/London", "America/New_York"))
BEFORE = datetime(2024, 7, 15, 1, 0, tzinfo=UTC)
"""A week before the platform's procedure changed."""


def begun(procedure: str, start: datetime) -> Story:
    """A complaint under a procedure, about an order of the days before."""
    story = Story(start=start)
    story.order = order(purchased_at=start - 6 * DAY, received_at=start - 2 * DAY)
    story.file(procedure=procedure)
    return story


def unreachable(story: Story) -> Story:
    """Nobody can be told anything from now on."""
    story.unreachable = {"app_message", "sms", "e_mail"}
    return story


def accepted(story: Story) -> Story:
    story.accepted(events.AcceptComplaint)
    return story


def coordinated(story: Story) -> Story:
    accepted(story).accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="defective_goods", evidence=("E1",)
    )
    return story


# --- the platform until 2024-07-21 ----------------------------------------------------------------

EARLIER = [RemedyKind.OUT_OF_STOCK_COMPENSATION, RemedyKind.REFUND, RemedyKind.COUPON]
"""What could be had for a broken promise."""


def broken_promise() -> Story:
    """A case about a broken promise, received before the procedure changed, waiting for its ruling."""
    story = Story(start=BEFORE)
    story.order = order(purchased_at=BEFORE - 6 * DAY, received_at=BEFORE - 2 * DAY)
    claim = Claim(remedies=(RemedyKind.REFUND,))
    story.file(category=Category.BROKEN_PROMISE, claim=claim, evidence=(item("chat_log"),))
    accepted(story).accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="out_of_stock", evidence=("E1",)
    )
    return story


@pytest.mark.rule("PEN-4")
def test_earlier_remedies_for_a_broken_promise() -> None:
    story = broken_promise()
    assert story.open_case.policy.version == "2020-01-01"
    for kind in RemedyKind:
        told = refusal(story, events.ProposeRemedy, terms=terms(kind))
        assert (told is None) is (kind in EARLIER), kind


@pytest.mark.rule("PEN-7")
def test_earlier_compensation_for_goods_out_of_stock_is_paid_besides_the_others() -> None:
    story = broken_promise()
    story.accepted(events.CallForRuling)
    remedies = tuple(terms(kind) for kind in EARLIER)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="PEN-7", remedies=remedies)
    paid = {each.terms.kind: each.terms.amount_fen for each in story.open_case.remedies}
    assert paid == {EARLIER[0]: 5_970, EARLIER[1]: 100, EARLIER[2]: 100}


def ruled(row: str) -> dict[str, Any]:
    """What a ruling says that grants a refund and applies a row of the penalty table."""
    remedies, penalties = (terms(RemedyKind.REFUND),), (Violation(row=row),)
    return {"outcome": Outcome.UPHELD, "rule": "COO-3", "remedies": remedies, "penalties": penalties}


@pytest.mark.parametrize("row", ["passive_service_repeated", "complaints_in_number"])
@pytest.mark.rule("PEN-4")
def test_earlier_penalties_have_no_row_for_serious_cases(row: str) -> None:
    """Points for them came with the later procedure."""
    story = broken_promise()
    story.accepted(events.CallForRuling)
    told = refusal(story, events.IssueRuling, **ruled(row))
    assert told is not None
    assert told.code == "unknown_penalty"
    assert allowed(story, events.IssueRuling, **ruled("points"))


@pytest.mark.rule("PEN-4")
def test_earlier_rulings_count_nothing_towards_serious_cases() -> None:
    """However silent the seller was, and however much it did before."""
    story = begun("platform", BEFORE)
    story.counts = {Counted.PASSIVE_SERVICE: 2, Counted.UPHELD_COMPLAINT: 9}
    accepted(story).wait(hours=48)
    assert story.open_case.conduct
    proven: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, proven=True, **proven)
    story.accepted(events.CallForRuling)
    story.accepted(events.IssueRuling, **ruled("points"))
    assert not story.open_case.occurrences
    assert [penalty.row for penalty in story.open_case.penalties] == ["points"]


PASSIVE = ["average_response", "unanswered", "impatience", "coldness", "arrogance", "rhetorical_question"]


@pytest.mark.parametrize("row", PASSIVE)
@pytest.mark.rule("PEN-4")
def test_earlier_conduct_knows_no_passive_service(row: str) -> None:
    """It became a violation of its own with the later procedure."""
    story = broken_promise()
    recorded: dict[str, Any] = {"staff": "staff-11", "conduct_at": BEFORE - DAY}
    told = refusal(story, events.RecordConduct, row=row, **recorded)
    assert told is not None
    assert told.code == "unknown_row"
    assert allowed(story, events.RecordConduct, row="late_reply", **recorded)


# --- the bodies of others -------------------------------------------------------------------------


def local(zone: ZoneInfo, month: int, day: int, hour: int) -> datetime:
    """An instant of 2026 by the clocks of a place."""
    return datetime(2026, month, day, hour, tzinfo=zone)


class Row(NamedTuple):
    """A procedure, by two clocks: when they are due and warn, in hours before, for a complaint of that instant."""

    start: datetime
    acceptance: datetime
    result: datetime
    warns: tuple[int, int]


ILLUSTRATED = {
    # 7 working days; 45 of them from acceptance, with Qingming and the First of May between.
    "regulator@2020-01-01": Row(
        local(SHANGHAI, 3, 6, 9), local(SHANGHAI, 3, 17, 18), local(SHANGHAI, 5, 13, 18), (24, 72)
    ),
    # The same; 60 days from acceptance.
    "regulator@2026-04-15": Row(
        local(SHANGHAI, 4, 17, 9), local(SHANGHAI, 4, 28, 18), local(SHANGHAI, 6, 16, 18), (24, 72)
    ),
    # 3 business days; 56 days.
    "uk_disp@2020-01-01": Row(local(LONDON, 3, 6, 9), local(LONDON, 3, 11, 17), local(LONDON, 5, 1, 17), (24, 168)),
    # 15 days; 60 days.
    "us_cfpb@2020-01-01": Row(
        local(NEW_YORK, 3, 6, 9), local(NEW_YORK, 3, 21, 17), local(NEW_YORK, 5, 5, 17), (48, 168)
    ),
}
each_pack = pytest.mark.parametrize("pack", list(ILLUSTRATED))


def run(pack: str) -> Story:
    """A case just received under a pack."""
    story = begun(pack.partition("@")[0], ILLUSTRATED[pack].start.astimezone(UTC))
    assert str(story.open_case.policy) == pack
    return story


@each_pack
def test_clocks_are_due_and_warn_when_they_should(pack: str) -> None:
    row = ILLUSTRATED[pack]
    story = run(pack)
    acceptance = story.clock(ClockKind.ACCEPTANCE)
    result = accepted(story).clock(ClockKind.RESULT)
    for clock, due, warns in zip((acceptance, result), (row.acceptance, row.result), row.warns, strict=True):
        assert clock.due == due
        assert clock.warn_at == clock.due - warns * HOUR


@each_pack
def test_clocks_of_result_run_in_their_stages_and_cannot_be_extended(pack: str) -> None:
    from_acceptance = pack.startswith("regulator")
    story = run(pack)
    assert (story.open_case.clock(ClockKind.RESULT) is None) is from_acceptance
    accepted(story)
    told = refusal(story, events.ExtendClock, clock=ClockKind.RESULT, by=1)
    assert told is not None
    assert told.code == "not_extendable"
    story = coordinated(run(pack))
    for stage in (Stage.COORDINATION, Stage.RULING):
        assert story.at(stage)
        assert story.clock(ClockKind.RESULT).active
        if stage is Stage.COORDINATION:
            story.accepted(events.CallForRuling)
    unreachable(story).accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="COO-3")
    assert story.at(Stage.FEEDBACK)
    assert not story.clock(ClockKind.RESULT).active


@each_pack
def test_clocks_of_result_do_not_run_once_a_complaint_is_refused_or_withdrawn(pack: str) -> None:
    refused, withdrawn = unreachable(run(pack)), unreachable(run(pack))
    refused.accepted(events.RefuseComplaint, ground=Ground.ALREADY_HANDLED)
    withdrawn.accepted(events.WithdrawComplaint, BUYER)
    for story, stage in ((refused, Stage.REFUSED), (withdrawn, Stage.WITHDRAWN)):
        assert story.at(stage)
        assert ClockKind.RESULT not in {clock.kind for clock in story.open_case.clocks if clock.active}


@each_pack
@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.URGENT])
def test_clocks_of_acceptance_and_result_have_no_length_by_priority(pack: str, priority: Priority) -> None:
    """They are what the law says, for every case alike."""
    row = ILLUSTRATED[pack]
    story = run(pack)
    if priority is Priority.HIGH:
        story.accepted(events.ReportTrigger, trigger=Trigger.LEANING)
    else:
        story.accepted(events.SetRisk, high=True)
    assert story.open_case.priority is priority
    assert story.clock(ClockKind.ACCEPTANCE).due == row.acceptance
    assert accepted(story).clock(ClockKind.RESULT).due == row.result


@each_pack
@pytest.mark.parametrize("party", [Party.COMPLAINANT, Party.RESPONDENT, Party.CARRIER, Party.APPRAISER])
def test_clocks_of_result_stand_still_for_an_appraisal_or_the_complainant(pack: str, party: Party) -> None:
    story = accepted(run(pack))
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    addressee: dict[str, Any] = {"addressee": f"{party}-1"} if party in (Party.CARRIER, Party.APPRAISER) else {}
    story.accepted(events.RequestEvidence, party=party, wanted=("video",), **addressee)
    waits_for = Party.APPRAISER if pack.startswith("regulator") else Party.COMPLAINANT
    assert (story.clock(ClockKind.RESULT).state is ClockState.PAUSED) is (party is waits_for)


REGULATORS = [pack for pack in ILLUSTRATED if pack.startswith("regulator")]


@pytest.mark.parametrize("pack", REGULATORS)
def test_clocks_of_mediation_are_30_working_days(pack: str) -> None:
    story = coordinated(run(pack))
    due = {"regulator@2020-01-01": local(SHANGHAI, 4, 20, 18), "regulator@2026-04-15": local(SHANGHAI, 6, 2, 18)}
    assert story.clock(ClockKind.MEDIATION).due == due[pack]


@pytest.mark.parametrize("pack", REGULATORS)
@pytest.mark.parametrize(("days", "admitted"), [(1_095, True), (1_096, False)])
def test_admission_limit_days_of_the_regulator_are_1095(pack: str, days: int, admitted: bool) -> None:
    start = ILLUSTRATED[pack].start.astimezone(UTC)
    story = Story(start=start)
    story.order = order(purchased_at=start - days * DAY)
    story.file(procedure="regulator")
    assert story.at(Stage.ACCEPTANCE) is admitted


@pytest.mark.parametrize("pack", REGULATORS)
@pytest.mark.parametrize("channel", list(Channel))
def test_admission_external_channels_of_the_regulator_are_none(pack: str, channel: Channel) -> None:
    story = Story(start=ILLUSTRATED[pack].start.astimezone(UTC))
    story.file(procedure="regulator", channel=channel, seller_contact=SellerContact.NOT_APPROACHED)
    assert not story.open_case.external
    assert story.at(Stage.INTAKE)


BODIES = ["consumer_association", "regulator", "media", "police", "court", "arbitration"]


@each_pack
@pytest.mark.parametrize("body", BODIES)
def test_outside_bodies_are_those_of_the_platform(pack: str, body: str) -> None:
    story = run(pack)
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": story.now}
    assert allowed(story, events.RecordExternalComplaint, body=body, **made)


def test_effective_from_2026_04_15_of_the_regulator_in_shanghai() -> None:
    began = datetime(2026, 4, 15, tzinfo=SHANGHAI).astimezone(UTC)
    assert begun("regulator", began).open_case.policy.version == "2026-04-15"
    assert begun("regulator", began - timedelta(seconds=1)).open_case.policy.version == "2020-01-01"


@pytest.mark.parametrize(("procedure", "zone"), [("regulator", SHANGHAI), ("uk_disp", LONDON), ("us_cfpb", NEW_YORK)])
def test_effective_from_2020_01_01_of_the_others_where_they_are(procedure: str, zone: ZoneInfo) -> None:
    began = datetime(2020, 1, 1, tzinfo=zone).astimezone(UTC)
    assert begun(procedure, began).open_case.policy.version == "2020-01-01"
    answer = Story(start=began - timedelta(seconds=1)).file(procedure=procedure)
    assert answer.refusal is not None
    assert answer.refusal.code == "unknown_procedure"
