"""A case keeps its policy for life, unless an act on the record moves it to another version (PEN-4)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.calendar import Holiday, PublishedYear
from policies.schema import Category, ClockKind, PackRef, Party, Policy, RemedyKind, Route, Stage, Trigger
from states import events, facts
from states.journal import body, fold
from states.values import ClockState
from tests.states.story import AGENT, BUYER, CHIEF, EXCHANGE, GOOD, REFUND, SELLER, START, Story, item, order, text

NEW_YEAR = datetime(2026, 12, 28, 1, tzinfo=UTC)
"""A Monday, 09:00 in Shanghai: seven working days later it is 2027, of which no calendar is published."""


def platform() -> Policy:
    return default_book().in_force("platform", START)


def later(version: str = "2026-04-01", **changes: Any) -> Policy:
    """A later version of the platform's pack, in force from the day that names it."""
    policy = platform()
    published = replace(policy.pack, version=version, effective_from=date.fromisoformat(version), **changes)
    return replace(policy, ref=PackRef(name="platform", version=version, digest="1" * 64), pack=published)


def book(*policies: Policy) -> PolicyBook:
    return PolicyBook({policy.ref: policy for policy in (platform(), *policies)})


def with_2027(policy: Policy) -> Policy:
    """The same with the year 2027 published: after New Year two days more are off."""
    year = PublishedYear(
        year=2027, notice="test", holidays=(Holiday(name="New Year", first=date(2027, 1, 1), last=date(2027, 1, 5)),)
    )
    return replace(policy, calendar=replace(policy.calendar, version="2027.1", years=(*policy.calendar.years, year)))


def migrate(story: Story, version: str = "2026-04-01") -> Any:
    return story.accepted(events.MigratePolicy, CHIEF, version=version)


def not_migrated(story: Story, version: str = "2026-04-01", **given: Any) -> str:
    refusal = story.refused(events.MigratePolicy, CHIEF, version=version, **given)
    assert refusal.rule == "PEN-4"
    return refusal.code


def told(story: Story) -> Story:
    """A whole case, from its complaint to the archive."""
    story.to_coordination()
    story.wait(days=1)
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    story.wait(days=60)
    assert story.at(Stage.ARCHIVED)
    return story


# --- published is not applied -------------------------------------------------------------


@pytest.mark.rule("PEN-4")
def test_publishing_a_pack_leaves_open_cases_as_they_are() -> None:
    story = Story(book=book()).to_coordination()
    before = story.open_case
    story.book = book(later(mediation=replace(platform().pack.mediation, max_rounds=1)))
    story.wait(days=40)
    assert story.now > datetime(2026, 4, 1, tzinfo=UTC)
    assert story.open_case.policy == before.policy
    alone = Story(book=book()).to_coordination()
    alone.wait(days=40)
    assert list(map(body, story.entries)) == list(map(body, alone.entries))
    newer = Story(book=story.book, start=story.now)
    newer.order = order(purchased_at=story.now - timedelta(days=3))
    newer.file()
    assert newer.open_case.policy.version == "2026-04-01"
    (filed,) = newer.all(facts.CaseFiled)
    assert (filed.policy.version, filed.penalty_policy) == ("2026-04-01", newer.open_case.policy)


@pytest.mark.rule("PEN-4")
def test_results_stay_byte_identical_under_a_bigger_book() -> None:
    changed = later("2024-01-01", follow_up=replace(platform().pack.follow_up, max_returns=0))
    cut = replace(changed.pack, effective_from=date(2020, 1, 1), effective_until=date(2024, 7, 22))
    bigger = book(replace(changed, pack=cut), later(), later("2026-05-01", categories={}))
    small, big = told(Story(book=book())), told(Story(book=bigger))
    assert list(map(body, big.entries)) == list(map(body, small.entries))
    assert big.entries[-1].hash == small.entries[-1].hash
    assert fold(big.entries) == small.case


# --- an act on the record -----------------------------------------------------------------


@pytest.mark.rule("PEN-4")
def test_a_migration_is_journalled_and_the_case_goes_on_under_the_other_version() -> None:
    story = Story(book=book(later(mediation=replace(platform().pack.mediation, max_rounds=1)))).to_coordination()
    clocks = story.open_case.clocks
    entry = migrate(story)
    assert entry.actor == CHIEF
    assert entry.reason is not None
    (migrated,) = [fact for fact in entry.facts if isinstance(fact, facts.PolicyMigrated)]
    assert (str(migrated.before), str(migrated.policy)) == (str(platform().ref), "platform@2026-04-01")
    assert migrated.rules == ("PEN-4",)
    assert story.open_case.policy == migrated.policy
    assert story.open_case.penalty_policy == platform().ref, "penalties follow the date of the conduct"
    assert story.open_case.clocks == clocks, "what runs keeps its instants"
    story.accepted(events.ProposeRemedy, SELLER, terms=REFUND)
    story.accepted(events.AnswerProposal, BUYER, proposal="P1", answer=events.ProposalAnswer.DECLINE)
    assert story.at(Stage.RULING), "one round is all that the later version allows"
    assert {entry.policy for entry in story.entries} == {str(platform().ref), "platform@2026-04-01"}
    assert fold(story.entries) == story.case


@pytest.mark.rule("PEN-4")
def test_a_case_can_be_moved_back() -> None:
    story = Story(book=book(later())).to_verification()
    migrate(story)
    migrate(story, platform().ref.version)
    assert story.open_case.policy == platform().ref


@pytest.mark.rule("PEN-4", "TRA-1")
def test_who_may_not_migrate_and_what_cannot_be() -> None:
    categories = {name: rule for name, rule in platform().pack.categories.items() if name is not Category.QUALITY}
    story = Story(book=book(later(), later("2026-05-01", categories=categories))).to_verification()
    assert story.refused(events.MigratePolicy, AGENT, version="2026-04-01").code == "no_right"
    assert not_migrated(story, reason=None) == "reason_missing"
    assert not_migrated(story, "2026-04-02") == "unknown_version"
    assert not_migrated(story, platform().ref.version) == "same_version"
    assert not_migrated(story, "2026-05-01") == "policy_unfit"
    migrate(story)


@pytest.mark.rule("PEN-4")
def test_a_version_has_to_know_what_was_promised_and_told() -> None:
    pack = platform().pack
    remedies = {kind: rule for kind, rule in pack.remedies.items() if kind is not RemedyKind.EXCHANGE}
    notices = {name: rule for name, rule in pack.notices.items() if name != "accepted"}
    story = Story(book=book(later("2026-04-01", remedies=remedies), later("2026-05-01", notices=notices)))
    story.to_coordination().accepted(events.ProposeRemedy, BUYER, terms=EXCHANGE)
    assert not_migrated(story) == "policy_unfit"
    assert not_migrated(story, "2026-05-01") == "policy_unfit"
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
    assert not_migrated(story) == "policy_unfit"


@pytest.mark.rule("PEN-4", "HOF-1")
def test_a_version_has_to_know_the_routes_that_a_team_has_still_to_come_back_on() -> None:
    routes = {route: rule for route, rule in platform().pack.routes.items() if route is not Route.LOGISTICS}
    story = Story(book=book(later(routes=routes))).to_verification()
    story.accepted(events.HandOver, route=Route.LOGISTICS, consent="hotline")
    assert not_migrated(story) == "policy_unfit"
    story.accepted(events.ReturnHandOff, hand_off="H1", result="lost")
    migrate(story)


@pytest.mark.rule("PEN-4")
@pytest.mark.parametrize("how", ["withdrawn", "refused", "closed", "archived"])
def test_a_closed_case_keeps_its_policy(how: str) -> None:
    story = Story(book=book(later()))
    story.unreachable = {"app_message", "sms", "e_mail"} if how in ("withdrawn", "refused") else set()
    match how:
        case "withdrawn":
            story.to_verification().accepted(events.WithdrawComplaint, BUYER)
        case "refused":
            story.to_acceptance().accepted(events.RefuseComplaint, ground="false_or_misleading")
        case _:
            story.to_closed().wait(days=0 if how == "closed" else 60)
    assert story.open_case.stage == how
    assert not_migrated(story) == "case_closed"


# --- deadlines through a year that was published since (SLA-3) ----------------------------


def provisional(published: Policy) -> Story:
    story = Story(book=book(published), start=NEW_YEAR)
    story.order = order(purchased_at=NEW_YEAR - timedelta(days=3))
    story.to_acceptance()
    clock = story.clock(ClockKind.RESULT)
    assert (clock.due, clock.provisional) == (datetime(2027, 1, 6, 10, tzinfo=UTC), True)
    return story


@pytest.mark.rule("PEN-4", "SLA-3")
def test_a_provisional_deadline_is_counted_anew_and_no_other() -> None:
    story = provisional(with_2027(later("2027-01-01")))
    acceptance = story.clock(ClockKind.ACCEPTANCE)
    entry = migrate(story, "2027-01-01")
    (counted,) = [fact for fact in entry.facts if isinstance(fact, facts.ClockSet)]
    assert (counted.by, counted.rules) == ("recount", ("SLA-3", "PEN-4"))
    clock = story.clock(ClockKind.RESULT)
    assert (clock.due, clock.provisional, clock.arming) == (datetime(2027, 1, 11, 10, tzinfo=UTC), False, 1)
    assert clock.warn_at == clock.due - timedelta(hours=24)
    assert story.clock(ClockKind.ACCEPTANCE) == acceptance


@pytest.mark.rule("PEN-4", "SLA-4", "VER-1")
@pytest.mark.parametrize("paused", [False, True])
def test_extensions_and_pauses_are_counted_in(paused: bool) -> None:
    story = provisional(with_2027(later("2027-01-01")))
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=2)
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))
    story.wait(hours=50)  # until Wednesday: Tuesday is the one whole working day
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.clock(ClockKind.RESULT).held == 1
    assert story.clock(ClockKind.RESULT).due == datetime(2027, 1, 11, 10, tzinfo=UTC)  # ten days after Monday
    if paused:
        story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("chat_log",))
    migrate(story, "2027-01-01")
    clock = story.clock(ClockKind.RESULT)
    assert clock.state is (ClockState.PAUSED if paused else ClockState.RUNNING)
    assert clock.due == datetime(2027, 1, 14, 10, tzinfo=UTC)  # the 1st, 4th and 5th are off
    assert (clock.extended, clock.held) == (2, 1)


@pytest.mark.rule("PEN-4", "SLA-5")
@pytest.mark.parametrize("waited", [0, 1])
def test_a_deadline_that_was_shortened_keeps_as_many_working_days_as_it_has(waited: int) -> None:
    """High priority has five working days in place of seven, counted from the day on which it rose."""
    story = provisional(with_2027(later("2027-01-01")))
    story.accepted(events.AssessCase)
    story.wait(days=waited)
    story.accepted(events.ReportTrigger, trigger=Trigger.LEANING)
    short = story.clock(ClockKind.RESULT)
    assert (short.due, short.provisional) == (datetime(2027, 1, 4 + waited, 10, tzinfo=UTC), True)
    migrate(story, "2027-01-01")
    clock = story.clock(ClockKind.RESULT)
    # The 1st, the 4th and the 5th of January are off: of the five days after the 28th that leaves the 29th to the 31st.
    assert (clock.due, clock.provisional) == (datetime(2027, 1, 7 + waited, 10, tzinfo=UTC), False)


@pytest.mark.rule("PEN-4")
def test_under_the_same_calendar_nothing_moves_but_the_version() -> None:
    story = provisional(later("2027-01-01"))
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=2)
    before = story.clock(ClockKind.RESULT)
    migrate(story, "2027-01-01")
    assert story.clock(ClockKind.RESULT) == before
    assert story.open_case.policy.version == "2027-01-01"


@pytest.mark.rule("PEN-4")
@pytest.mark.parametrize("change", [{"length": 3}, {"closing": time(12)}])
def test_a_clock_whose_rule_changed_runs_on_as_it_was_armed(change: dict[str, Any]) -> None:
    clocks = platform().pack.clocks
    clocks = clocks | {ClockKind.RESULT: replace(clocks[ClockKind.RESULT], **change)}
    story = provisional(with_2027(later("2027-01-01", clocks=clocks)))
    before = story.clock(ClockKind.RESULT)
    migrate(story, "2027-01-01")
    assert story.clock(ClockKind.RESULT) == before
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=1)


@pytest.mark.rule("PEN-4")
def test_no_deadline_is_counted_into_the_past() -> None:
    """A weekend that turns out to be worked brings the deadline forward, at most to the next closing time."""
    policy = later("2027-01-01")
    worked = PublishedYear(year=2027, notice="test", make_up_workdays=(date(2027, 1, 2), date(2027, 1, 3)))
    policy = replace(policy, calendar=replace(policy.calendar, years=(*policy.calendar.years, worked)))
    story = provisional(policy)
    story.wait(days=7, hours=10)  # to Monday the 4th, one hour after the deadline would have been
    migrate(story, "2027-01-01")
    assert story.clock(ClockKind.RESULT).due == datetime(2027, 1, 5, 10, tzinfo=UTC)
    assert story.clock(ClockKind.RESULT).state is ClockState.RUNNING
