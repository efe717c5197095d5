"""How urgent a case is, why, and what that does to its clocks (INT-5, SLA-5). The figures are the policy's choice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import Category, Channel, ClockKind, Party, Priority, RemedyKind, Trigger
from states import events, facts
from states.journal import fold
from states.values import Claim, ClockState, Factor
from states.view import page, row
from tests.states.story import BUYER, START, Story, item, order, text
from tests.states.test_admission import book_with, platform

YUAN_1000, YUAN_10000 = 100_000, 1_000_000
"""In fen: from these amounts on a complaint is a bigger one."""


def filed(paid_fen: int = 19_900, orders: int = 1, **changes: Any) -> Story:
    """A complaint that says no more than what is told here; nothing was claimed in particular."""
    story = Story()
    story.order = order(paid_fen=paid_fen)
    names = tuple(f"order-{1001 + number}" for number in range(orders))
    story.other_orders = {name: order(order=name, paid_fen=paid_fen) for name in names}
    given = {"claim": Claim(remedies=(RemedyKind.REFUND,)), "orders": names}
    story.file(**given | changes)
    return story


def calls(story: Story, count: int) -> Story:
    """The complainant calls, once an hour."""
    for _ in range(count):
        story.now += timedelta(hours=1)
        story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
    return story


def priority_of(story: Story) -> Priority:
    return story.open_case.priority


def factors(story: Story) -> dict[str, int]:
    return {each.name: each.points for each in story.open_case.factors}


def lines(story: Story) -> list[str]:
    return page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


def due(story: Story, kind: ClockKind) -> timedelta:
    """When a clock ends, counted from the beginning of the story."""
    return story.clock(kind).due - START


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


# --- what makes a case urgent (INT-5) -----------------------------------------------------


@pytest.mark.rule("INT-5")
@pytest.mark.parametrize(
    ("given", "name", "points"),
    [
        ({"high_risk": True}, "high_risk", 100),
        ({"channel": Channel.REGULATOR}, "external", 60),
        ({"category": Category.COUNTERFEIT}, "category", 30),
        ({"category": Category.DATA_LEAK, "claim": Claim(remedies=(RemedyKind.APOLOGY,))}, "category", 30),
        ({"category": Category.OFF_PLATFORM_PAYMENT}, "category", 20),
        ({"paid_fen": YUAN_1000}, "amount", 10),
        ({"paid_fen": YUAN_10000 - 1}, "amount", 10),
        ({"paid_fen": YUAN_10000}, "amount", 40),
        ({"orders": 2}, "orders", 10),
        ({"orders": 4}, "orders", 10),
        ({"orders": 5}, "orders", 30),
    ],
)
def test_each_factor_has_its_points_and_is_named(given: dict[str, Any], name: str, points: int) -> None:
    story = filed(**given)
    assert factors(story) == {name: points}
    assert f"- priority: {name} {points}" in lines(story)
    assert any("INT-5" in fact.rules for fact in story.all(facts.PrioritySet))


@pytest.mark.rule("INT-1")
@pytest.mark.parametrize("given", [{}, {"paid_fen": YUAN_1000 - 1}, {"category": Category.LOGISTICS}])
def test_an_ordinary_complaint_is_of_normal_priority_and_nothing_has_to_be_explained(given: dict[str, Any]) -> None:
    story = filed(**given)
    assert (story.open_case.priority, factors(story)) == (Priority.NORMAL, {})
    assert not story.all(facts.PrioritySet)
    assert ", normal priority" in lines(story)[0]


@pytest.mark.rule("INT-5")
def test_the_amount_is_what_is_claimed_or_else_what_was_paid_for_all_orders() -> None:
    claimed = Claim(remedies=(RemedyKind.REFUND,), amount_fen=YUAN_1000 - 1)
    assert "amount" not in factors(filed(paid_fen=YUAN_10000, claim=claimed))
    claimed = Claim(remedies=(RemedyKind.REFUND,), amount_fen=YUAN_1000)
    assert factors(filed(paid_fen=YUAN_10000, claim=claimed)) == {"amount": 10}
    assert factors(filed(paid_fen=YUAN_1000 // 2, orders=2)) == {"amount": 10, "orders": 10}


@pytest.mark.rule("INT-5")
def test_further_contacts_count_from_the_third_and_more_from_the_sixth() -> None:
    story = filed()
    found = [factors(calls(story, 1)).get("contacts", 0) for _ in range(7)]
    assert found == [0, 0, 20, 20, 20, 40, 40]


@pytest.mark.rule("INT-5")
@pytest.mark.parametrize(
    ("given", "points", "priority"),
    [
        ({"category": Category.COUNTERFEIT}, 30, Priority.NORMAL),
        ({"category": Category.OFF_PLATFORM_PAYMENT, "paid_fen": YUAN_1000}, 30, Priority.NORMAL),
        ({"category": Category.COUNTERFEIT, "orders": 2}, 40, Priority.HIGH),
        ({"paid_fen": YUAN_10000}, 40, Priority.HIGH),
        ({"paid_fen": YUAN_10000, "orders": 5}, 70, Priority.HIGH),
        ({"category": Category.COUNTERFEIT, "paid_fen": YUAN_10000, "orders": 5}, 100, Priority.URGENT),
    ],
)
def test_points_are_added_up_to_a_priority(given: dict[str, Any], points: int, priority: Priority) -> None:
    story = filed(**given)
    assert sum(factors(story).values()) == points
    assert priority_of(story) is priority
    assert f", {priority} priority" in lines(story)[0]


@pytest.mark.rule("INT-5", "INT-4")
def test_the_priority_is_computed_anew_when_a_factor_changes_and_only_then() -> None:
    story = filed(paid_fen=YUAN_1000)
    before = len(story.all(facts.PrioritySet))
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert len(story.all(facts.PrioritySet)) == before
    entry = story.accepted(events.CorrectCategory, category=Category.COUNTERFEIT)
    (changed,) = [fact for fact in entry.facts if isinstance(fact, facts.PrioritySet)]
    assert changed.factors == (Factor(name="category", points=30), Factor(name="amount", points=10))
    assert (changed.priority, changed.rules) == (Priority.HIGH, ("INT-5",))
    story.accepted(events.CorrectCategory, category=Category.QUALITY)
    assert (story.open_case.priority, factors(story)) == (Priority.NORMAL, {"amount": 10})
    assert fold(story.entries) == story.case


@pytest.mark.rule("INT-5", "TRA-1")
def test_a_case_that_is_over_keeps_its_priority_until_it_comes_back() -> None:
    story = Story().to_closed()
    calls(story, 4)
    assert (story.open_case.priority, factors(story)) == (Priority.NORMAL, {})
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
    assert factors(story) == {"contacts": 20}


# --- what asks for a priority (SLA-5) -----------------------------------------------------


def raised_by(trigger: Trigger, book: PolicyBook | None = None) -> Story:
    story = Story(book).to_acceptance(
        category=Category.NOT_RECEIVED if trigger is Trigger.REFUND_ONLY_REFUSED else Category.QUALITY
    )
    match trigger:
        case Trigger.BY_HAND:
            story.accepted(events.EscalateCase)
        case Trigger.MISSED_CLOCK:
            story.wait(hours=8)
        case Trigger.REPEAT_CONTACT:
            calls(story, 3)
        case Trigger.LEANING | Trigger.ASKS_MANAGEMENT:
            story.accepted(events.ReportTrigger, trigger=trigger)
        case Trigger.EXTERNAL | Trigger.JUDICIAL:
            body = "media" if trigger is Trigger.EXTERNAL else "court"
            story.accepted(
                events.RecordExternalComplaint, case_id=story.open_case.case_id, body=body, made_at=story.now
            )
        case Trigger.HIGH_RISK:
            story.accepted(events.SetRisk, high=True)
        case Trigger.REFUND_ONLY_REFUSED:
            story.accepted(events.OfferSolution, text=text("offer"))
            story.accepted(events.AnswerOffer, BUYER, offer="K1", accepted=False)
    assert story.all(facts.LevelRaised)[-1].escalation.trigger is trigger
    return story


AT_LEAST = {
    Trigger.BY_HAND: Priority.NORMAL,
    Trigger.MISSED_CLOCK: Priority.NORMAL,
    Trigger.REPEAT_CONTACT: Priority.HIGH,
    Trigger.LEANING: Priority.HIGH,
    Trigger.ASKS_MANAGEMENT: Priority.HIGH,
    Trigger.EXTERNAL: Priority.URGENT,
    Trigger.JUDICIAL: Priority.URGENT,
    Trigger.HIGH_RISK: Priority.URGENT,
    Trigger.REFUND_ONLY_REFUSED: Priority.URGENT,
}


@pytest.mark.rule("INT-1")
@pytest.mark.parametrize(("trigger", "priority"), AT_LEAST.items())
def test_a_trigger_asks_for_a_priority_whatever_the_points(trigger: Trigger, priority: Priority) -> None:
    story = raised_by(trigger)
    assert priority_of(story) is priority
    points = platform().priority.levels[priority].points
    if priority is not Priority.NORMAL and not story.open_case.high_risk:
        assert sum(factors(story).values()) < points, "the points alone would not reach it"


@pytest.mark.rule("INT-5", "ESC-4")
def test_what_a_trigger_asked_for_lasts_and_points_may_ask_for_more() -> None:
    story = raised_by(Trigger.LEANING)
    story.wait(hours=3)
    assert priority_of(story) is Priority.HIGH
    story.accepted(events.SetRisk, high=True)
    assert priority_of(story) is Priority.URGENT
    story.accepted(events.SetRisk, high=False)
    assert priority_of(story) is Priority.HIGH, "the customer still leans towards complaining"


@pytest.mark.rule("ESC-9")
@pytest.mark.parametrize("trigger", [Trigger.HIGH_RISK, Trigger.REFUND_ONLY_REFUSED])
def test_a_risk_asks_for_its_priority_also_where_it_has_no_points(trigger: Trigger) -> None:
    story = raised_by(trigger, book_with(priority=replace(platform().priority, high_risk=0)))
    assert (priority_of(story), factors(story)) == (Priority.URGENT, {})
    story.accepted(events.SetRisk, high=False)
    assert priority_of(story) is Priority.NORMAL


@pytest.mark.rule("INT-5", "ESC-9")
@pytest.mark.parametrize("trigger", [Trigger.HIGH_RISK, Trigger.REFUND_ONLY_REFUSED])
def test_of_a_risk_that_was_lowered_nothing_is_left(trigger: Trigger) -> None:
    story = raised_by(trigger)
    story.accepted(events.SetRisk, high=False)
    assert (story.open_case.priority, factors(story)) == (Priority.NORMAL, {})


# --- shorter clocks (SLA-5) ---------------------------------------------------------------


@pytest.mark.rule("SLA-5")
def test_what_rises_has_its_running_clocks_end_at_the_earlier_of_both_deadlines() -> None:
    story = Story().to_acceptance()
    long = {kind: due(story, kind) for kind in (ClockKind.ACCEPTANCE, ClockKind.FIRST_CONTACT, ClockKind.ASSESSMENT)}
    assert long == {
        ClockKind.ACCEPTANCE: hours(24),
        ClockKind.FIRST_CONTACT: hours(12),
        ClockKind.ASSESSMENT: hours(8),
    }
    story.wait(hours=1)
    entry = story.accepted(events.SetRisk, high=True)
    assert {kind: due(story, kind) for kind in long} == {
        ClockKind.ACCEPTANCE: hours(1 + 4),
        ClockKind.FIRST_CONTACT: hours(1 + 3),
        ClockKind.ASSESSMENT: hours(1 + 1),
    }
    # Three working days after Monday, at 18:00, in place of seven.
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 3, 5, 10, tzinfo=UTC)
    moved = [fact for fact in entry.facts if isinstance(fact, facts.ClockSet) and fact.by == "shorten"]
    assert {fact.clock.kind for fact in moved} == {*long, ClockKind.RESULT}
    assert all("SLA-5" in fact.rules for fact in moved)
    assert all((fact.clock.arming, fact.clock.armed_at) == (1, START) for fact in moved)
    assert fold(story.entries) == story.case


@pytest.mark.rule("SLA-5", "ESC-4")
def test_high_priority_shortens_less_than_urgent() -> None:
    story = Story().to_acceptance()
    story.accepted(events.ReportTrigger, trigger=Trigger.LEANING)
    short = (ClockKind.ACCEPTANCE, ClockKind.FIRST_CONTACT, ClockKind.ASSESSMENT)
    assert [due(story, kind) for kind in short] == [hours(12), hours(6), hours(4)]
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 3, 9, 10, tzinfo=UTC)  # five working days after Monday
    story.accepted(events.SetRisk, high=True)
    assert [due(story, kind) for kind in short] == [hours(4), hours(3), hours(1)]


@pytest.mark.rule("SLA-5")
def test_a_clock_that_ends_earlier_anyway_stays() -> None:
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait(hours=21)
    before = story.clock(ClockKind.ACCEPTANCE)
    story.accepted(events.SetRisk, high=True)
    assert story.clock(ClockKind.ACCEPTANCE) == before
    assert due(story, ClockKind.ACCEPTANCE) == hours(24)
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 3, 6, 10, tzinfo=UTC)  # counted from Tuesday


@pytest.mark.rule("SLA-5", "ESC-1")
def test_a_clock_that_was_warned_about_can_be_shortened_and_is_missed_at_its_new_end() -> None:
    rules = platform().clocks
    early = rules | {ClockKind.ACCEPTANCE: replace(rules[ClockKind.ACCEPTANCE], warn_hours_before=20)}
    story = Story(book_with(clocks=early)).to_acceptance()
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait(hours=5)
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.WARNED
    story.accepted(events.SetRisk, high=True)
    shorter = story.clock(ClockKind.ACCEPTANCE)
    assert (shorter.state, shorter.due, shorter.warn_at) == (ClockState.RUNNING, START + hours(9), None)
    story.wait(hours=4)
    missed = next(clock for clock in story.open_case.clocks if clock.kind is ClockKind.ACCEPTANCE)
    assert (missed.state, missed.ended_at) == (ClockState.MISSED, START + hours(9))


@pytest.mark.rule("SLA-5")
def test_a_warning_moves_with_the_deadline() -> None:
    story = Story().to_acceptance()
    story.accepted(events.SetRisk, high=True)
    assert story.clock(ClockKind.RESULT).warn_at == datetime(2026, 3, 4, 10, tzinfo=UTC)  # a day before Thursday


def unclear(asked_after: float) -> Story:
    """The complainant is asked for more before acceptance, which stops the clock of that."""
    story = Story().to_acceptance()
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait(hours=asked_after)
    story.accepted(events.RequestCompletion, wanted=("time",))
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.PAUSED
    return story


@pytest.mark.rule("SLA-5", "ADM-4")
def test_a_clock_on_hold_is_shortened_by_what_was_left_of_it() -> None:
    """Urgent after ten hours: four hours are left then, and the two of the pause that follow are not counted."""
    story = unclear(asked_after=1)
    story.wait(hours=9)
    story.accepted(events.SetRisk, high=True)
    held = story.clock(ClockKind.ACCEPTANCE)
    assert (held.state, held.paused_seconds) == (ClockState.PAUSED, 9 * 3600)
    story.wait(hours=2)
    story.accepted(events.CompleteComplaint, BUYER, description=text("more"))
    clock = story.clock(ClockKind.ACCEPTANCE)
    assert (clock.state, clock.due) == (ClockState.RUNNING, START + hours(10 + 4 + 2))
    assert clock.paused_seconds == 11 * 3600


@pytest.mark.rule("SLA-5", "ADM-4")
def test_a_clock_on_hold_past_its_deadline_is_shortened_too() -> None:
    """On hold since the first hour, 23 were left; after two days on hold four are."""
    story = unclear(asked_after=1)
    story.wait(hours=48)
    story.accepted(events.SetRisk, high=True)
    story.accepted(events.CompleteComplaint, BUYER, description=text("more"))
    assert due(story, ClockKind.ACCEPTANCE) == hours(1 + 48 + 4)


@pytest.mark.rule("SLA-5", "ADM-4")
def test_a_clock_on_hold_with_less_left_than_the_short_time_keeps_what_is_left() -> None:
    story = unclear(asked_after=22)
    story.wait(hours=10)
    story.accepted(events.SetRisk, high=True)
    story.wait(hours=1)
    story.accepted(events.CompleteComplaint, BUYER, description=text("more"))
    assert due(story, ClockKind.ACCEPTANCE) == hours(24 + 11)


@pytest.mark.rule("SLA-5", "VER-1")
def test_working_days_on_hold_are_counted_from_when_the_case_became_urgent() -> None:
    story = Story().to_verification()
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))
    story.wait(hours=48)
    story.accepted(events.SetRisk, high=True)
    story.wait(hours=23)
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    # Urgent on Wednesday at 09:00, and no working day wholly on hold since: Monday is the third after it.
    assert story.clock(ClockKind.RESULT).due == datetime(2026, 3, 9, 10, tzinfo=UTC)
    assert story.clock(ClockKind.RESULT).paused_seconds == 71 * 3600


def reported_late(story: Story, made: datetime) -> None:
    """An agent set the risk earlier than it arrives."""
    story.accepted(events.SetRisk, high=True, at=made, source="app")


@pytest.mark.rule("SLA-5")
def test_urgency_reported_late_counts_from_when_a_clock_was_armed_if_that_came_in_between() -> None:
    story = Story().to_acceptance()
    story.wait(hours=8)
    assert story.clock(ClockKind.ASSESSMENT).arming == 2  # the first was missed just now
    reported_late(story, START + hours(7))
    clock = story.clock(ClockKind.ASSESSMENT)
    assert (clock.arming, clock.due) == (2, START + hours(8 + 1)), "it is not missed again before it began"
    assert due(story, ClockKind.ACCEPTANCE) == hours(7 + 4)


@pytest.mark.rule("SLA-5", "ADM-4")
def test_urgency_reported_late_makes_no_pause_longer_than_it_was() -> None:
    story = unclear(asked_after=8)
    story.wait(hours=2)
    reported_late(story, START + hours(7))
    story.accepted(events.CompleteComplaint, BUYER, description=text("more"))
    clock = story.clock(ClockKind.ACCEPTANCE)
    assert (clock.due, clock.paused_seconds) == (START + hours(8 + 4 + 2), 2 * 3600)


@pytest.mark.rule("SLA-5", "ESC-9")
def test_what_falls_again_lengthens_nothing() -> None:
    story = Story().to_acceptance()
    story.accepted(events.SetRisk, high=True)
    clocks = story.open_case.clocks
    story.wait(minutes=30)
    story.accepted(events.SetRisk, high=False)
    assert priority_of(story) is Priority.NORMAL
    assert [clock for clock in story.open_case.clocks if clock.subject == ""] == [
        clock for clock in clocks if clock.subject == ""
    ]
    story.accepted(events.SetRisk, high=True)
    assert due(story, ClockKind.ACCEPTANCE) == hours(4), "nor does rising a second time"


@pytest.mark.rule("SLA-5")
def test_clocks_that_are_armed_later_are_short_from_the_start() -> None:
    story = Story().to_coordination()
    story.accepted(events.SetRisk, high=True)
    story.accepted(events.CallForRuling)
    assert story.clock(ClockKind.RULING).due == datetime(2026, 3, 3, 10, tzinfo=UTC)  # one working day, not two
    ordinary = Story().to_ruling()
    assert ordinary.clock(ClockKind.RULING).due == datetime(2026, 3, 4, 10, tzinfo=UTC)


@pytest.mark.rule("SLA-5", "ESC-1")
def test_a_missed_clock_of_an_urgent_case_is_armed_again_for_the_short_time() -> None:
    story = Story().to_acceptance(high_risk=True)
    story.accepted(events.AssessCase)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.wait(hours=9)
    armed = [clock for clock in story.open_case.clocks if clock.kind is ClockKind.ACCEPTANCE]
    assert [clock.due - START for clock in armed] == [hours(4), hours(8), hours(12)]


@pytest.mark.rule("SLA-5")
def test_a_complaint_that_is_urgent_from_the_start_has_short_clocks_from_the_start() -> None:
    story = Story(hold=True)
    story.file(high_risk=True)
    assert len(story.entries) == 1
    assert [due(story, kind) for kind in (ClockKind.ACCEPTANCE, ClockKind.FIRST_CONTACT)] == [hours(4), hours(3)]


@pytest.mark.rule("SLA-5")
def test_what_parties_are_given_time_for_is_not_shortened() -> None:
    story = Story().to_verification()
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("photo",))
    before = [clock for clock in story.open_case.clocks if clock.subject in ("Q1", "Q2")]
    assert len(before) == 2
    story.accepted(events.SetRisk, high=True)
    assert [clock for clock in story.open_case.clocks if clock.subject in ("Q1", "Q2")] == before


@pytest.mark.rule("INT-5")
def test_a_procedure_without_short_times_keeps_its_own() -> None:
    story = Story()
    story.file(procedure="uk_disp", high_risk=True)
    ordinary = Story()
    ordinary.file(procedure="uk_disp")
    for kind in (ClockKind.ACCEPTANCE, ClockKind.RESULT):
        assert due(story, kind) == due(ordinary, kind)
    assert priority_of(story) is Priority.URGENT


# --- the order of work --------------------------------------------------------------------


@pytest.mark.rule("INT-5")
def test_the_order_of_work_follows_the_priority() -> None:
    normal, high, urgent = filed(), filed(paid_fen=YUAN_10000), filed(high_risk=True)
    rows = [row(story.open_case) for story in (normal, urgent, high)]
    assert [each.priority for each in sorted(rows, key=lambda each: -each.urgency)] == [
        Priority.URGENT,
        Priority.HIGH,
        Priority.NORMAL,
    ]
    assert len({each.urgency for each in rows}) == len(Priority)
    keys = [
        platform().priority.levels[each].task_priority for each in (Priority.URGENT, Priority.HIGH, Priority.NORMAL)
    ]
    assert keys == sorted(keys), "the engine serves a smaller number first"
