"""Matters handed to other teams: with reason and consent, a deadline and a result of their own (area HOF, SLA-6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.schema import Category, Channel, ClockKind, Level, OrderState, Party, Role, Route, Stage, Trigger
from policies.triage import TriageLabel
from states import effects, events, facts
from states.journal import fold
from states.values import Actor, ClockState, Consent, ConsentState, Excerpt, HandOff, HandOffState, RequestState
from states.view import page, progress, row
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, REFUND, SELLER, START, Story, item, order, text
from tests.states.test_admission import book_with, platform

WORKER = Actor(id="agent-21", role=Role.AGENT)
OTHER_WORKER = Actor(id="agent-22", role=Role.AGENT)
QUEUE = Actor(id="team-desk", role=Role.SERVICE)

WAIVED = {Route.COUNTERFEIT, Route.SAFETY, Route.LEGAL}
"""Same-day counterfeit, safety and judicial cases go without consent (HOF-2)."""
ASKED = [route for route in Route if route not in WAIVED]
COUNTERFEIT: dict[str, Any] = {"category": Category.COUNTERFEIT, "evidence": ()}


def handed(route: Route = Route.LOGISTICS, story: Story | None = None) -> Story:
    """The matter is with the team; the member agreed before it was handed over."""
    story = story or Story().to_verification()
    story.accepted(events.HandOver, route=route, consent=Channel.HOTLINE)
    return story


def hand_off(story: Story, id_: str = "H1") -> HandOff:
    return next(each for each in story.open_case.hand_offs if each.id == id_)


def team_clock(story: Story, id_: str = "H1") -> Any:
    return story.clock(platform().routes[hand_off(story, id_).route].clock, id_)


def lines(story: Story) -> list[str]:
    return page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


def counterfeit(branded: bool | None, **changes: Any) -> Story:
    """An accepted complaint about goods with or without a brand; nobody says anything else about them."""
    story = Story()
    story.order = order(branded=branded)
    return story.to_verification(**COUNTERFEIT | changes)


# --- routes (HOF-1) -----------------------------------------------------------------------


@pytest.mark.rule("HOF-1")
def test_there_is_a_route_for_each_way_that_the_front_line_has() -> None:
    routes = platform().routes
    assert set(routes) == set(Route)
    assert len({rule.team for rule in routes.values()}) == len(routes)
    assert len({rule.clock for rule in routes.values()}) == len(routes)
    assert len({tuple(rule.results) for rule in routes.values()}) == len(routes)
    handed()


@pytest.mark.rule("HOF-1")
@pytest.mark.parametrize("route", Route)
def test_each_route_is_a_kind_of_hand_off_with_a_team_and_a_deadline_of_its_own(route: Route) -> None:
    story = handed(route)
    rule, (made,) = platform().routes[route], story.open_case.hand_offs
    assert (made.id, made.route, made.team, made.state) == ("H1", route, rule.team, HandOffState.QUEUED)
    assert (made.by, made.at, made.reason, made.trigger) == (AGENT.id, START, text("reason"), None)
    of_it = [clock for clock in story.open_case.clocks if clock.subject == "H1"]
    assert [(clock.kind, clock.state, clock.armed_at) for clock in of_it] == [(rule.clock, ClockState.RUNNING, START)]
    assert of_it[0].due == story.book.policy(story.open_case.policy).due(rule.clock, START)
    assert {rule.rule, "HOF-1"} <= set(story.entries[-2].rules)
    (told,) = story.sent("handed_over")
    assert (told.party, told.facts["team"]) == (Party.COMPLAINANT, rule.team)
    assert row(story.open_case).teams == (rule.team,)
    assert f"- hand-off H1 to {rule.team}: queued" in lines(story)
    assert fold(story.entries) == story.case


@pytest.mark.rule("HOF-1", "HOF-4")
@pytest.mark.parametrize(
    ("route", "result"), [(route, each) for route in Route for each in platform().routes[route].results]
)
def test_each_result_of_each_route_comes_back_into_the_case(route: Route, result: str) -> None:
    story = handed(route)
    entry = story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result=result)
    assert "HOF-4" in entry.rules
    assert (hand_off(story).state, hand_off(story).result) == (HandOffState.RETURNED, result)
    assert f"- hand-off H1 to {hand_off(story).team}: {result}" in lines(story)


@pytest.mark.rule("HOF-1")
@pytest.mark.parametrize("result", ["fake", "unheard_of"])
def test_a_team_comes_back_with_a_result_of_its_own_route_only(result: str) -> None:
    story = handed(Route.LOGISTICS)
    refusal = story.refused(events.ReturnHandOff, WORKER, hand_off="H1", result=result)
    assert (refusal.code, refusal.rule) == ("unknown_result", "HOF-1")
    assert "found, lost, delivered" in refusal.message


@pytest.mark.rule("HOF-1")
def test_a_route_can_be_kept_to_categories_and_a_pack_need_not_know_it() -> None:
    routes = platform().routes
    kept = replace(routes[Route.MERCHANT], categories=(Category.AFTER_SALES,))
    known = {route: rule for route, rule in routes.items() if route is not Route.OFFLINE}
    story = Story(book_with(routes=known | {Route.MERCHANT: kept})).to_verification()
    assert story.refused(events.HandOver, route=Route.MERCHANT).code == "wrong_route"
    assert story.refused(events.HandOver, route=Route.OFFLINE).code == "unknown_route"
    fitting = Story(story.book).to_verification(category=Category.AFTER_SALES)
    refusal = fitting.refused(events.HandOver, route=Route.OFFLINE)
    assert refusal.rule == "HOF-1"
    fitting.accepted(events.HandOver, route=Route.MERCHANT)


@pytest.mark.rule("HOF-1")
@pytest.mark.parametrize("stage", OPEN)
def test_a_matter_is_handed_over_in_every_open_stage(stage: Stage) -> None:
    story = handed(story=in_stage(stage))
    assert story.at(stage)
    assert hand_off(story).state is HandOffState.QUEUED


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_nothing_is_handed_over_once_the_case_is_over(stage: Stage) -> None:
    story = in_stage(stage)
    refusal = story.refused(events.HandOver, route=Route.LOGISTICS, consent=Channel.HOTLINE)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


@pytest.mark.rule("HOF-1")
def test_one_team_has_a_matter_once_at_a_time() -> None:
    story = handed(Route.LOGISTICS)
    refusal = story.refused(events.HandOver, route=Route.LOGISTICS, consent=Channel.HOTLINE)
    assert (refusal.code, refusal.rule) == ("handed_over", "HOF-1")
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="lost")
    handed(Route.LOGISTICS, story)
    assert [each.state for each in story.open_case.hand_offs] == [HandOffState.RETURNED, HandOffState.QUEUED]


@pytest.mark.rule("HOF-1")
def test_a_member_that_is_still_being_asked_is_not_asked_twice() -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.LOGISTICS)
    assert story.refused(events.HandOver, route=Route.LOGISTICS).code == "handed_over"
    assert len(story.sent("hand_off_consent_wanted")) == 1


# --- reason and consent (HOF-2) -----------------------------------------------------------


@pytest.mark.rule("HOF-2")
@pytest.mark.parametrize("route", Route)
def test_no_hand_off_without_a_reason(route: Route) -> None:
    refusal = Story().to_verification().refused(events.HandOver, route=route, reason=None, consent=Channel.HOTLINE)
    assert (refusal.code, refusal.rule) == ("reason_missing", "HOF-2")


@pytest.mark.rule("HOF-2")
@pytest.mark.parametrize("route", sorted(WAIVED))
def test_consent_is_waived_for_safety_judicial_and_counterfeit_matters_and_that_is_on_record(route: Route) -> None:
    story = Story().to_verification()
    entry = story.accepted(events.HandOver, route=route)
    assert "HOF-2" in entry.rules
    assert hand_off(story).consent == Consent(state=ConsentState.WAIVED, at=START)
    assert hand_off(story).state is HandOffState.QUEUED
    assert not story.sent("hand_off_consent_wanted")
    assert story.open_case.clock(ClockKind.HAND_OFF_CONSENT, "H1") is None


@pytest.mark.rule("HOF-2")
@pytest.mark.parametrize("route", ASKED)
def test_on_every_other_route_the_member_is_asked_and_nothing_moves_meanwhile(route: Route) -> None:
    story = Story().to_verification()
    entry = story.accepted(events.HandOver, route=route)
    assert "HOF-2" in entry.rules
    rule, asked = platform().routes[route], hand_off(story)
    assert (asked.state, asked.consent) == (
        HandOffState.CONSENT_PENDING,
        Consent(state=ConsentState.ASKED, at=START),
    )
    (notice,) = story.sent("hand_off_consent_wanted")
    assert (notice.party, notice.facts["team"]) == (Party.COMPLAINANT, rule.team)
    assert notice.facts["due"] == "2026-03-03 09:00+08:00"  # a day later, in Shanghai
    assert progress(story.open_case).asked_of_you == (f"H1: hand_off: {rule.team}",)
    assert story.open_case.clock(rule.clock, "H1") is None, "the team has nothing to do yet"
    assert not story.sent("handed_over")


@pytest.mark.rule("HOF-2", "HOF-1")
@pytest.mark.parametrize("actor", [BUYER, AGENT, CHIEF], ids=lambda actor: actor.role)
def test_the_member_agrees_or_an_agent_says_so_for_it(actor: Actor) -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.MERCHANT)
    story.wait(hours=5)
    entry = story.accepted(events.AnswerHandOff, actor, hand_off="H1", agreed=True, channel=Channel.ONLINE_CHAT)
    assert (entry.actor, "HOF-2" in entry.rules) == (actor, True)
    then = START + timedelta(hours=5)
    assert hand_off(story).consent == Consent(state=ConsentState.GIVEN, at=then, channel=Channel.ONLINE_CHAT)
    assert hand_off(story).state is HandOffState.QUEUED
    assert story.clock(ClockKind.HAND_OFF_CONSENT, "H1").state is ClockState.MET
    assert team_clock(story).armed_at == then, "the team has its whole time from when it has the matter"
    assert len(story.sent("handed_over")) == 1
    assert not progress(story.open_case).asked_of_you


@pytest.mark.rule("HOF-2")
@pytest.mark.parametrize("route", Route)
def test_who_agreed_already_is_not_asked_again(route: Route) -> None:
    story = handed(route)
    assert hand_off(story).consent == Consent(state=ConsentState.GIVEN, at=START, channel=Channel.HOTLINE)
    assert not story.sent("hand_off_consent_wanted")
    refusal = story.refused(events.AnswerHandOff, BUYER, hand_off="H1", agreed=True, channel=Channel.HOTLINE)
    assert (refusal.code, refusal.rule) == ("not_asked", "HOF-2")


@pytest.mark.rule("HOF-2")
def test_a_member_that_declines_keeps_the_case_where_it_is() -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.OFFLINE)
    before = story.open_case
    story.accepted(events.AnswerHandOff, BUYER, hand_off="H1", agreed=False, channel=Channel.APP_MESSAGE)
    case = story.open_case
    declined = hand_off(story)
    assert (declined.state, declined.consent.state) == (HandOffState.DECLINED, ConsentState.REFUSED)
    assert (declined.consent.channel, declined.ended_at) == (Channel.APP_MESSAGE, START)
    assert (case.stage, case.owner, case.level) == (before.stage, before.owner, before.level)
    assert not [clock for clock in case.clocks if clock.subject == "H1" and clock.active]
    assert not row(case).teams
    assert not story.sent("handed_over")
    story.accepted(events.HandOver, route=Route.OFFLINE)
    assert hand_off(story, "H2").state is HandOffState.CONSENT_PENDING


@pytest.mark.rule("HOF-2")
def test_who_does_not_answer_has_not_agreed() -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.ON_BEHALF)
    story.wait(hours=23)
    assert hand_off(story).state is HandOffState.CONSENT_PENDING
    story.wait(hours=1)
    assert (hand_off(story).state, hand_off(story).consent.state) == (HandOffState.DECLINED, ConsentState.ASKED)
    assert story.clock(ClockKind.HAND_OFF_CONSENT, "H1").state is ClockState.MISSED
    assert story.entries[-1].rules == ("HOF-2",)
    assert story.open_case.level is Level.FRONT_LINE, "nobody broke a promise"
    refusal = story.refused(events.AnswerHandOff, BUYER, hand_off="H1", agreed=True, channel=Channel.HOTLINE)
    assert refusal.code == "not_asked"


@pytest.mark.rule("HOF-1")
@pytest.mark.parametrize(
    ("act", "given"),
    [
        (events.AnswerHandOff, {"agreed": True, "channel": Channel.HOTLINE}),
        (events.TakeHandOff, {}),
        (events.ReturnHandOff, {"result": "found"}),
        (events.RefuseHandOff, {}),
        (events.RecallHandOff, {}),
    ],
)
def test_a_hand_off_is_named_by_its_id(act: type[events.Act], given: dict[str, Any]) -> None:
    refusal = handed().refused(act, hand_off="H2", **given)
    assert (refusal.code, refusal.rule) == ("no_such_hand_off", "HOF-1")


@pytest.mark.rule("TRA-1")
def test_who_may_do_what_about_a_hand_off() -> None:
    story = Story().to_verification()
    for party in (BUYER, SELLER):
        assert story.refused(events.HandOver, party, route=Route.LOGISTICS).code == "no_right"
    story.accepted(events.HandOver, route=Route.LOGISTICS)
    asked: dict[str, Any] = {"hand_off": "H1", "agreed": True, "channel": Channel.HOTLINE}
    assert story.refused(events.AnswerHandOff, SELLER, **asked).code == "no_right"
    for party in (BUYER, SELLER):
        assert story.refused(events.TakeHandOff, party, hand_off="H1").code == "no_right"
        assert story.refused(events.ReturnHandOff, party, hand_off="H1", result="lost").code == "no_right"
    story.accepted(events.AnswerHandOff, BUYER, **asked)
    story.accepted(events.ReturnHandOff, QUEUE, hand_off="H1", result="lost")


# --- what the team does (HOF-4) -----------------------------------------------------------


@pytest.mark.rule("HOF-4")
def test_work_is_taken_and_taken_over_and_the_case_keeps_its_owner() -> None:
    story = handed()
    entry = story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
    assert entry.rules == ("HOF-4",)
    assert (hand_off(story).state, hand_off(story).worker) == (HandOffState.WORKING, WORKER.id)
    refusal = story.refused(events.TakeHandOff, WORKER, hand_off="H1")
    assert (refusal.code, refusal.rule) == ("no_change", "HOF-4")
    due = team_clock(story).due
    story.accepted(events.TakeHandOff, OTHER_WORKER, hand_off="H1")
    assert (hand_off(story).worker, team_clock(story).due) == (OTHER_WORKER.id, due)
    assert story.open_case.owner == AGENT.id
    assert f"- hand-off H1 to logistics: working, {OTHER_WORKER.id}" in lines(story)


@pytest.mark.rule("HOF-4", "INT-3")
def test_what_comes_back_is_on_the_file_and_the_decision_can_rest_on_it() -> None:
    story = handed(Route.OFFLINE, Story().to_verification(evidence=()))
    story.wait(hours=2)
    story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
    given = {"result": "handled", "note": text("note"), "items": (item("inspection_report"),)}
    entry = story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", **given)
    assert {"HOF-4", "INT-3"} <= set(entry.rules)
    returned = hand_off(story)
    assert (returned.result, returned.note, returned.ended_at) == ("handled", text("note"), story.now)
    (added,) = story.open_case.evidence
    assert (added.kind, added.submitter, added.by) == ("inspection_report", Party.PLATFORM, WORKER.id)
    assert team_clock(story).state is ClockState.MET
    (told,) = story.sent("handed_back")
    assert (told.party, told.facts["team"]) == (Party.COMPLAINANT, "offline_service")
    assert (story.open_case.owner, row(story.open_case).teams) == (AGENT.id, ())
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    found: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": (added.id,)}
    story.accepted(events.RecordFinding, proven=True, **found)


@pytest.mark.rule("INT-6", "HOF-4")
def test_a_team_brings_evidence_of_known_kinds_and_nothing_twice() -> None:
    story = handed(Route.OFFLINE)
    given: dict[str, Any] = {"hand_off": "H1", "result": "handled"}
    refusal = story.refused(events.ReturnHandOff, WORKER, **given, items=(item("hearsay"),))
    assert (refusal.code, refusal.rule) == ("unknown_evidence_kind", "INT-6")
    story.accepted(events.ReturnHandOff, WORKER, **given, items=(item("photo"), item("video")))
    assert [each.kind for each in story.open_case.evidence] == ["photo", "video"], "the photo was on file already"


@pytest.mark.rule("HOF-4")
def test_a_team_may_come_back_at_once() -> None:
    story = handed()
    story.accepted(events.ReturnHandOff, QUEUE, hand_off="H1", result="delivered")
    assert (hand_off(story).state, hand_off(story).worker) == (HandOffState.RETURNED, "")


@pytest.mark.rule("HOF-4", "HOF-1")
def test_several_teams_work_side_by_side_for_one_owner() -> None:
    story = Story().to_verification()
    routes = (Route.LOGISTICS, Route.MERCHANT, Route.SAFETY, Route.OFFLINE)
    for route in routes:
        handed(route, story)
    assert row(story.open_case).teams == ("logistics", "merchant_service", "safety", "offline_service")
    dues = [team_clock(story, f"H{number}").due for number in (1, 2, 3, 4)]
    assert len(set(dues)) == len(routes), "each team has its own time"
    story.accepted(events.TakeHandOff, WORKER, hand_off="H2")
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H3", result="no_hazard")
    story.accepted(events.RefuseHandOff, WORKER, hand_off="H4")
    assert [each.state for each in story.open_case.hand_offs] == [
        HandOffState.QUEUED,
        HandOffState.WORKING,
        HandOffState.RETURNED,
        HandOffState.REFUSED,
    ]
    assert [team_clock(story, f"H{number}").active for number in (1, 2, 3, 4)] == [True, True, False, False]
    assert row(story.open_case).teams == ("logistics", "merchant_service")
    assert (story.open_case.owner, story.open_case.stage) == (AGENT.id, Stage.VERIFICATION)


@pytest.mark.rule("HOF-4")
def test_the_case_goes_on_while_a_team_works() -> None:
    """The decision need not wait for a team that was not put first, and its result may come after it."""
    story = handed(story=Story().to_coordination())
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
    assert story.at(Stage.FOLLOW_UP)
    assert team_clock(story).active
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="lost")
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("HOF-6", "HOF-1")
@pytest.mark.parametrize(
    ("act", "state", "rule"),
    [
        (events.RefuseHandOff, HandOffState.REFUSED, "HOF-6"),
        (events.RecallHandOff, HandOffState.RECALLED, "HOF-1"),
    ],
)
def test_a_matter_is_refused_or_taken_back_with_a_reason(act: type[events.Act], state: HandOffState, rule: str) -> None:
    story = handed()
    refusal = story.refused(act, hand_off="H1", reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", rule)
    assert Story().to_verification().refused(events.RefuseHandOff, hand_off="H1", reason=None).rule == "HOF-6"
    entry = story.accepted(act, hand_off="H1")
    assert (entry.reason, "HOF-1" in entry.rules) == (text("reason"), True)
    assert (hand_off(story).state, hand_off(story).ended_at, hand_off(story).result) == (state, START, "")
    assert team_clock(story).state is ClockState.CANCELLED
    assert story.at(Stage.VERIFICATION)
    assert not story.sent("handed_back")


@pytest.mark.rule("HOF-1")
def test_a_question_to_the_member_can_be_taken_back_and_is_for_no_team_to_refuse() -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.LOGISTICS)
    for act, given in (
        (events.TakeHandOff, {}),
        (events.ReturnHandOff, {"result": "lost"}),
        (events.RefuseHandOff, {}),
    ):
        assert story.refused(act, WORKER, hand_off="H1", **given).code == "wrong_state"
    story.accepted(events.RecallHandOff, hand_off="H1")
    assert hand_off(story).state is HandOffState.RECALLED
    assert story.clock(ClockKind.HAND_OFF_CONSENT, "H1").state is ClockState.CANCELLED


@pytest.mark.rule("HOF-4")
@pytest.mark.parametrize("how", ["returned", "refused", "recalled", "declined"])
def test_what_has_ended_stays_as_it_ended(how: str) -> None:
    story = Story().to_verification()
    story.accepted(events.HandOver, route=Route.LOGISTICS, consent=None if how == "declined" else Channel.HOTLINE)
    match how:
        case "returned":
            story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
            story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="found")
        case "refused":
            story.accepted(events.RefuseHandOff, WORKER, hand_off="H1")
        case "recalled":
            story.accepted(events.RecallHandOff, hand_off="H1")
        case "declined":
            story.accepted(events.AnswerHandOff, BUYER, hand_off="H1", agreed=False, channel=Channel.HOTLINE)
    ended = hand_off(story)
    assert ended.state == how
    for act, given in (
        (events.TakeHandOff, {}),
        (events.ReturnHandOff, {"result": "lost"}),
        (events.RefuseHandOff, {}),
        (events.RecallHandOff, {}),
    ):
        for worker in (WORKER, OTHER_WORKER):
            assert story.refused(act, worker, hand_off="H1", **given).code == "wrong_state"
    story.accepted(events.HandOver, route=Route.OFFLINE, consent=Channel.HOTLINE)
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H2", result="handled")
    assert hand_off(story) == ended


@pytest.mark.rule("INT-7")
def test_the_agent_whom_the_case_is_about_works_on_it_in_no_team() -> None:
    story = Story()
    story.file(category=Category.SERVICE_HANDLING, agent_concerned=WORKER.id, respondent="service")
    story.accepted(events.HandOver, route=Route.OFFLINE, consent=Channel.HOTLINE)
    refusal = story.refused(events.TakeHandOff, WORKER, hand_off="H1")
    assert (refusal.code, refusal.rule) == ("agent_concerned", "INT-7")
    story.accepted(events.TakeHandOff, OTHER_WORKER, hand_off="H1")


# --- two clocks (HOF-6) -------------------------------------------------------------------


@pytest.mark.rule("HOF-6")
def test_a_late_team_rises_within_the_team_and_shows_on_the_case() -> None:
    story, alone = handed(Route.LOGISTICS), Story().to_verification()
    due = team_clock(story).due
    assert due == datetime(2026, 3, 4, 10, tzinfo=UTC)  # two working days after Monday, at 18:00
    for each in (story, alone):
        each.wait(days=2, hours=8)
    assert not hand_off(story).late
    for each in (story, alone):
        each.wait(hours=1)
    late = hand_off(story)
    assert (late.late, late.level, late.state) == (True, Level.SPECIALIST, HandOffState.QUEUED)
    (missed,) = [entry for entry in story.entries if "HOF-6" in entry.rules and entry.event == "clock_missed"]
    assert missed.effective_at == due
    assert not story.all(facts.LevelRaised), "the case itself is not late"
    assert story.open_case.level is Level.FRONT_LINE
    assert (team_clock(story).arming, team_clock(story).armed_at, team_clock(story).state) == (
        2,
        due,
        ClockState.RUNNING,
    )
    seen = row(story.open_case)
    assert (seen.late, seen.hand_offs[0].late, seen.hand_offs[0].level) == (True, True, Level.SPECIALIST)
    assert seen.hand_offs[0].due == team_clock(story).due
    assert "- hand-off H1 to logistics: queued, late, specialist" in lines(story)
    customers = [clock for clock in story.open_case.clocks if clock.subject != "H1"]
    assert customers == list(alone.open_case.clocks), "what the customer was promised stands as it was"


@pytest.mark.rule("HOF-6")
def test_every_further_miss_rises_in_the_team_up_to_its_management() -> None:
    story = handed(Route.SAFETY)
    levels = []
    for _ in range(5):
        story.wait(hours=4)
        levels.append(hand_off(story).level)
    assert levels == [Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT, Level.MANAGEMENT, Level.MANAGEMENT]
    assert team_clock(story).arming == 6
    assert story.open_case.level is Level.FRONT_LINE


@pytest.mark.rule("HOF-6", "ESC-9")
def test_a_team_is_warned_where_the_policy_says_so() -> None:
    story = handed(Route.SAFETY)
    story.wait(hours=3)
    assert team_clock(story).state is ClockState.WARNED
    story.wait(hours=1)
    assert hand_off(story).late


@pytest.mark.rule("HOF-6")
def test_a_late_team_that_comes_back_is_no_longer_late_on_the_case() -> None:
    story = handed()
    story.wait(days=3)
    assert row(story.open_case).late
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="lost")
    seen = row(story.open_case)
    assert (seen.late, seen.teams) == (False, ())
    assert seen.hand_offs[0].late, "that it was late stays on record"


@pytest.mark.rule("HOF-6", "SLA-3")
def test_the_customers_promise_is_never_reset_by_a_hand_off() -> None:
    story = Story().to_verification()
    due = story.clock(ClockKind.RESULT).due
    story.accepted(events.HandOver, route=Route.ON_BEHALF)
    story.wait(hours=10)
    story.accepted(events.AnswerHandOff, BUYER, hand_off="H1", agreed=True, channel=Channel.HOTLINE)
    story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="won")
    clock = story.clock(ClockKind.RESULT)
    assert (clock.due, clock.arming, clock.paused_seconds) == (due, 1, 0)
    armed = [fact for fact in story.all(facts.ClockSet) if fact.clock.kind is ClockKind.RESULT]
    assert [fact.by for fact in armed] == ["arm"]


# --- the case ends ------------------------------------------------------------------------


def with_three(story: Story) -> Story:
    """One team works, one has the matter in its queue, about one the member is still being asked."""
    handed(Route.LOGISTICS, story)
    handed(Route.MERCHANT, story)
    story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
    story.accepted(events.HandOver, route=Route.OFFLINE)
    return story


@pytest.mark.rule("HOF-4")
@pytest.mark.parametrize("how", ["withdrawn", "refused", "closed", "merged"])
def test_when_the_case_is_over_nothing_is_left_for_a_team_to_do(how: str) -> None:
    match how:
        case "withdrawn":
            story = with_three(Story().to_verification())
            story.accepted(events.WithdrawComplaint, BUYER)
        case "refused":
            story = with_three(Story().to_acceptance())
            story.accepted(events.RefuseComplaint, ground="false_or_misleading")
        case "closed":
            story = with_three(Story().to_follow_up())
            assert [each.open for each in story.open_case.hand_offs] == [True] * 3
            story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
        case _:
            story = with_three(Story().to_verification())
            story.accepted(events.MergeCase, into="buyer-017/order-2002")
    assert story.at(Stage.CLOSED)
    assert [each.state for each in story.open_case.hand_offs] == [HandOffState.RECALLED] * 3
    of_them = [clock for clock in story.open_case.clocks if clock.subject in ("H1", "H2", "H3")]
    assert {clock.state for clock in of_them if clock.kind is not ClockKind.HAND_OFF_CONSENT} == {ClockState.CANCELLED}
    assert not [clock for clock in of_them if clock.active]
    assert (row(story.open_case).teams, row(story.open_case).late) == ((), False)
    entries = len(story.entries)
    story.wait(days=5)
    assert len(story.entries) == entries


@pytest.mark.rule("TRA-1", "HOF-3")
def test_a_team_keeps_the_matter_when_the_acceptance_is_taken_back() -> None:
    story = counterfeit(branded=False)
    (entry,) = [each.number for each in story.entries if each.event == "accept_complaint"]
    story.accepted(events.CorrectAct, entry=entry)
    assert story.at(Stage.ACCEPTANCE)
    assert team_clock(story).active
    story.accepted(events.AcceptComplaint)
    assert [each.id for each in story.open_case.hand_offs] == ["H1"], "it is handed over once"
    assert not story.sent("statement_wanted")


# --- counterfeit (HOF-3, SLA-6) -----------------------------------------------------------


@pytest.mark.rule("HOF-3", "SLA-6", "HOF-2")
def test_counterfeit_of_unbranded_goods_goes_to_its_team_in_place_of_the_ordinary_verification() -> None:
    story = Story()
    story.order = order(branded=False)
    story.to_acceptance(**COUNTERFEIT)
    assert not story.open_case.hand_offs, "nothing is handed over before the complaint is accepted"
    entry = story.accepted(events.AcceptComplaint)
    assert {"HOF-3", "SLA-6"} <= set(entry.rules)
    made = hand_off(story)
    assert (made.team, made.by, made.first, made.state) == ("counterfeit", Role.ENGINE, True, HandOffState.QUEUED)
    assert made.consent.state is ConsentState.WAIVED
    assert not story.sent("statement_wanted")
    assert not story.open_case.open_requests()
    assert story.at(Stage.VERIFICATION)
    assert story.clock(ClockKind.RESULT).active, "the customer's promise runs on"


@pytest.mark.rule("HOF-3")
def test_nothing_is_found_before_the_counterfeit_team_has_come_back() -> None:
    story = counterfeit(branded=False)
    found: dict[str, Any] = {"proven": True, "responsible": Party.RESPONDENT, "cause": "material_fraud"}
    refusal = story.refused(events.RecordFinding, **found)
    assert (refusal.code, refusal.rule) == ("hand_off_open", "HOF-3")
    story.accepted(events.TakeHandOff, WORKER, hand_off="H1")
    assert story.refused(events.RecordFinding, **found).code == "hand_off_open"
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="fake", items=(item("inspection_report"),))
    story.accepted(events.RecordFinding, **found, evidence=("E1",))
    assert story.at(Stage.COORDINATION)


@pytest.mark.rule("HOF-3", "VER-1")
def test_a_silent_seller_loses_nothing_before_the_counterfeit_team_has_come_back() -> None:
    story = counterfeit(branded=False)
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("inspection_report", "purchase_chain"))
    story.wait(days=4)
    assert story.open_case.requests[-1].state is RequestState.LAPSED
    assert (story.at(Stage.VERIFICATION), story.open_case.finding) == (True, None)
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="genuine")
    story.accepted(events.RequestEvidence, party=Party.RESPONDENT, wanted=("inspection_report", "purchase_chain"))
    story.wait(days=4)
    assert story.at(Stage.RULING), "after that the burden of proof is what it always is"


@pytest.mark.rule("HOF-3", "VER-3")
@pytest.mark.parametrize(("act", "actor"), [(events.RefuseHandOff, WORKER), (events.RecallHandOff, AGENT)])
def test_where_the_team_does_not_come_first_after_all_the_seller_is_asked(act: type[events.Act], actor: Actor) -> None:
    story = counterfeit(branded=False)
    entry = story.accepted(act, actor, hand_off="H1")
    assert "VER-3" in entry.rules
    (asked,) = story.open_case.open_requests(Party.RESPONDENT)
    assert asked.wanted == ("statement", "inspection_report", "purchase_chain")
    assert story.clock(ClockKind.STATEMENT, asked.id).active
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="counterfeit_goods")
    assert len(story.sent("statement_wanted")) == 1


@pytest.mark.rule("HOF-3")
def test_after_the_result_of_the_team_the_seller_is_not_asked_for_a_statement() -> None:
    story = counterfeit(branded=False)
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="fake")
    assert not story.sent("statement_wanted")
    story.accepted(events.SubmitStatement, SELLER, text=text("heard all the same"))


@pytest.mark.rule("SLA-6", "VER-3")
@pytest.mark.parametrize("branded", [True, None])
def test_counterfeit_of_branded_goods_goes_to_its_team_besides_the_ordinary_verification(branded: bool | None) -> None:
    story = counterfeit(branded)
    made = hand_off(story)
    assert (made.team, made.first, made.state) == ("counterfeit", False, HandOffState.QUEUED)
    assert len(story.sent("statement_wanted")) == 1
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    story.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="counterfeit_goods")
    assert (story.at(Stage.COORDINATION), hand_off(story).open) == (True, True)


ORDINARY = [
    category
    for category, rule in platform().categories.items()
    if category is not Category.COUNTERFEIT and not rule.names_agent and not rule.on_review
]
"""What a buyer complains to a seller about, apart from counterfeit."""


@pytest.mark.rule("VER-3")
@pytest.mark.parametrize("category", ORDINARY)
def test_complaints_of_other_categories_go_to_no_team_by_themselves(category: Category) -> None:
    story = Story()
    story.order = order(branded=False, state=OrderState.SUCCEEDED, state_since=START - timedelta(days=1))
    story.to_verification(category=category)
    assert not story.open_case.hand_offs
    assert story.sent("statement_wanted")


@pytest.mark.rule("HOF-3", "INT-4")
def test_a_complaint_that_turns_out_to_be_about_counterfeit_goes_to_the_team_from_then_on() -> None:
    story = Story()
    story.order = order(branded=False)
    story.to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("s"))
    entry = story.accepted(events.CorrectCategory, category=Category.COUNTERFEIT)
    assert "HOF-3" in entry.rules
    assert hand_off(story).first
    found: dict[str, Any] = {"proven": True, "responsible": Party.RESPONDENT, "cause": "material_fraud"}
    assert story.refused(events.RecordFinding, **found).code == "hand_off_open"


@pytest.mark.rule("HOF-3", "INT-4")
def test_what_comes_first_is_put_first_once() -> None:
    story = counterfeit(branded=False)
    before = story.open_case.hand_offs
    for category in (Category.QUALITY, Category.COUNTERFEIT):
        story.accepted(events.CorrectCategory, category=category)
    assert story.open_case.hand_offs == before
    assert [fact.by for fact in story.all(facts.HandOffSet)] == ["begin", "consent"]


@pytest.mark.rule("HOF-3", "INT-4")
def test_a_complaint_corrected_before_acceptance_goes_to_the_team_when_it_is_accepted() -> None:
    story = Story()
    story.order = order(branded=False)
    story.to_acceptance()
    story.accepted(events.CorrectCategory, category=Category.COUNTERFEIT)
    assert not story.open_case.hand_offs
    story.accepted(events.AcceptComplaint)
    assert hand_off(story).first


def shows_counterfeit(story: Story) -> Story:
    excerpt = Excerpt(text="text-description", start=3, end=5, words="假货")
    story.shown = (effects.Found(label=TriageLabel.COUNTERFEIT, excerpts=(excerpt,)),)
    return story


@pytest.mark.rule("SLA-6", "INT-4")
def test_a_counterfeit_claim_in_a_text_is_handed_over_the_day_that_an_agent_confirms_it() -> None:
    story = shows_counterfeit(Story()).to_verification()
    assert not story.open_case.hand_offs, "what a text shows is confirmed first"
    story.wait(hours=20)
    entry = story.accepted(events.AssessCase, confirmed=("T1",))
    assert "SLA-6" in entry.rules
    made = hand_off(story)
    assert (made.team, made.first, made.consent.state) == ("counterfeit", False, ConsentState.WAIVED)
    assert team_clock(story).due == datetime(2026, 3, 3, 16, tzinfo=UTC)  # midnight after Tuesday 05:00 in Shanghai
    assert story.open_case.category is Category.QUALITY


@pytest.mark.rule("HOF-3", "SLA-6")
def test_what_the_counterfeit_team_has_already_comes_first_once_the_complaint_is_accepted() -> None:
    story = shows_counterfeit(Story())
    story.order = order(branded=False)
    story.to_acceptance(**COUNTERFEIT)
    story.accepted(events.AssessCase, confirmed=("T1",))
    assert not hand_off(story).first
    clock = team_clock(story)
    story.accepted(events.AcceptComplaint)
    (made,) = story.open_case.hand_offs
    assert (made.first, team_clock(story)) == (True, clock)
    assert not story.sent("statement_wanted")
    assert fold(story.entries) == story.case


@pytest.mark.rule("SLA-6")
@pytest.mark.parametrize(
    ("accepted", "due"),
    [
        ("2026-03-02T09:00+08:00", "2026-03-03T00:00+08:00"),
        ("2026-03-02T00:00+08:00", "2026-03-03T00:00+08:00"),  # the first instant of a day belongs to it
        ("2026-03-02T07:59+08:00", "2026-03-03T00:00+08:00"),  # in UTC that is still Sunday
        ("2026-03-02T23:59+08:00", "2026-03-03T00:00+08:00"),  # one minute is left, and no more
        ("2026-03-03T00:00+08:00", "2026-03-04T00:00+08:00"),
        ("2026-03-07T21:30+08:00", "2026-03-08T00:00+08:00"),  # a Saturday is a day as well
        ("2026-02-17T12:00+08:00", "2026-02-18T00:00+08:00"),  # so is New Year's Day
    ],
)
def test_the_counterfeit_team_has_until_the_end_of_the_day_in_the_platforms_zone(accepted: str, due: str) -> None:
    now = datetime.fromisoformat(accepted)
    story = Story(start=now.astimezone(UTC))
    story.order = order(purchased_at=story.now - timedelta(days=3))
    story.to_verification(**COUNTERFEIT)
    clock = team_clock(story)
    assert (clock.kind, clock.due) == (ClockKind.HAND_OFF_COUNTERFEIT, datetime.fromisoformat(due))


@pytest.mark.rule("SLA-6", "HOF-6")
def test_a_counterfeit_team_that_is_late_has_the_whole_next_day() -> None:
    story = counterfeit(branded=False)
    story.wait(hours=15)
    assert (hand_off(story).late, hand_off(story).level) == (True, Level.SPECIALIST)
    assert team_clock(story).due == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert story.open_case.level is Level.FRONT_LINE


# --- handed over by a trigger -------------------------------------------------------------


@pytest.mark.rule("HOF-1", "ESC-9", "HOF-2")
def test_what_a_trigger_hands_over_names_it_and_is_not_handed_over_twice() -> None:
    story = handed(Route.SAFETY)
    story.accepted(events.SetRisk, high=True)
    (there,) = story.open_case.hand_offs
    assert (there.trigger, there.first) == (None, False), "the team has it already, and in place of nothing"
    story.accepted(events.ReturnHandOff, WORKER, hand_off="H1", result="hazard")
    story.accepted(events.SetRisk, high=False)
    story.accepted(events.SetRisk, high=True)
    again = hand_off(story, "H2")
    assert (again.by, again.trigger, again.reason) == (Role.ENGINE, Trigger.HIGH_RISK, None)
    assert (again.consent.state, again.team) == (ConsentState.WAIVED, "safety")


@pytest.mark.rule("HOF-4")
def test_a_case_that_comes_back_begins_without_hand_offs() -> None:
    story = handed(story=Story().to_follow_up())
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
    assert story.at(Stage.VERIFICATION)
    assert not story.open_case.open_hand_offs
    assert story.open_case.outcome is None
    handed(story=story)
    assert hand_off(story, "H2").open
