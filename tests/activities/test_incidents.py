"""Taking an act to some cases: who is asked, what is counted, and how an attempt that was lost is followed up."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from temporalio.testing import ActivityEnvironment

from activities import alive, incidents
from activities.incidents import IncidentActivities
from activities.ports import Member, Members, Unanswered
from states.events import Act, EscalateCase, LinkIncident
from states.incident import Incident, Leg, Reached, Tally, for_case
from states.journal import Entry
from states.values import Answer, Refusal
from tests.states.story import CHIEF, Story, text

NAME = "incident/seller/seller-204/1"
ACT = EscalateCase(request_id="r-1", actor=CHIEF, reason=text("recall"))
LEG = Leg(incident=NAME, round=2, act=ACT)


class World:
    """The incident's cases by name, each with what it answers, standing in for every port."""

    def __init__(self, *cases: str) -> None:
        self.cases = cases
        self.closed: set[str] = set()
        self.ended: set[str] = set()
        self.silent: set[str] = set()
        self.refusing: dict[str, str] = {}
        self.journals: dict[str, tuple[Entry, ...]] = {}
        self.asked: list[str] = []
        self.uncounted: list[bool] = []

    async def members(self, incident: str, *, after: int, last: int | None, uncounted: bool, limit: int) -> Members:
        assert incident == NAME
        self.uncounted.append(uncounted)
        last = len(self.cases) if last is None else last
        places = range(after + 1, min(last, after + limit) + 1)
        return Members(
            tuple(Member(place, case := self.cases[place - 1], case not in self.closed) for place in places), last
        )

    async def act(self, case_id: str, act: Act) -> Answer | None:
        self.asked.append(case_id)
        assert act == for_case(ACT, case_id)
        await asyncio.sleep(0)
        if case_id in self.silent:
            raise Unanswered
        if case_id in self.ended:
            return None
        code = self.refusing.get(case_id)
        return Answer(case_id, accepted=code is None, refusal=Refusal(code, "no") if code else None)

    async def read(self, case_id: str) -> tuple[Entry, ...]:
        return self.journals.get(case_id, ())

    async def note(self, incident: Incident) -> None:
        raise NotImplementedError


async def reach(world: World, leg: Leg = LEG, environment: ActivityEnvironment | None = None) -> Reached:
    stand_in: Any = world
    activities = IncidentActivities(matters=stand_in, cases=stand_in, journal=stand_in)
    return await (environment or ActivityEnvironment()).run(activities.reach_cases, leg)


def some(number: int) -> Sequence[str]:
    return [f"case-{each}" for each in range(1, number + 1)]


async def test_a_leg_goes_to_a_page_of_cases_and_no_further() -> None:
    world = World(*some(incidents.PAGE + 7))
    first = await reach(world)
    assert first == Reached(place=incidents.PAGE, last=incidents.PAGE + 7, tally=Tally(incidents.PAGE))
    second = await reach(world, replace(LEG, after=first.place, last=first.last))
    assert second == Reached(place=incidents.PAGE + 7, last=incidents.PAGE + 7, tally=Tally(7))
    assert world.asked == list(world.cases)


async def test_whoever_joins_behind_the_last_place_is_not_asked() -> None:
    world = World(*some(9))
    assert await reach(world, replace(LEG, after=2, last=5)) == Reached(place=5, last=5, tally=Tally(3))
    assert world.asked == ["case-3", "case-4", "case-5"]


async def test_an_incident_without_cases_is_gone_round_at_once() -> None:
    assert await reach(World()) == Reached(place=0, last=0)


async def test_only_those_are_linked_that_their_own_count_did_not_tell() -> None:
    world = World()
    await reach(world)
    await reach(world, replace(LEG, act=LinkIncident(request_id="x", incident=NAME)))
    assert world.uncounted == [False, True]


async def test_every_answer_is_counted() -> None:
    world = World(*some(8))
    world.closed, world.ended, world.silent = {"case-2"}, {"case-3"}, {"case-4"}
    world.refusing = {"case-5": "no_change", "case-6": "no_change", "case-7": "no_right"}
    reached = await reach(world, replace(LEG, held=("case-8",)))
    assert reached.tally == Tally(accepted=1, refused={"no_change": 2, "no_right": 1}, closed=2)
    assert reached.unanswered == ("case-4", "case-8")
    assert "case-2" not in world.asked, "a closed case is not even asked"
    assert "case-8" not in world.asked, "it owes an answer to an earlier act"


async def test_a_case_that_took_the_act_and_was_closed_since_has_accepted_it() -> None:
    """An attempt was lost after it had reached the case."""
    story = Story().to_verification()
    given = for_case(ACT, story.open_case.case_id)
    assert story.happen(given) is not None
    world = World(story.open_case.case_id, "buyer-9/order-9")
    world.closed = set(world.cases)
    world.journals = {story.open_case.case_id: tuple(story.entries)}
    assert (await reach(world)).tally == Tally(accepted=1, closed=1)


async def test_those_that_did_not_answer_are_asked_again_and_no_others() -> None:
    world = World(*some(5))
    world.silent = {"case-4"}
    reached = await reach(world, replace(LEG, again=("case-2", "case-4")))
    assert world.asked == ["case-2", "case-4"]
    assert (reached.tally, reached.unanswered) == (Tally(1), ("case-4",))


# --- attempts that are lost -------------------------------------------------------------------------


def later_attempt(*details: Any) -> ActivityEnvironment:
    """The environment of an attempt that follows one which told this with its last sign of life."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, attempt=2, heartbeat_details=details)
    return environment


async def test_an_attempt_begins_where_the_lost_one_told_that_it_was() -> None:
    world = World(*some(30))
    told = Reached(place=20, last=25, tally=Tally(18, {"no_change": 1}), unanswered=("case-7",))
    reached = await reach(world, environment=later_attempt(msgspec.to_builtins(told)))
    assert world.asked == [f"case-{number}" for number in range(21, 26)]
    assert reached == Reached(place=25, last=25, tally=Tally(23, {"no_change": 1}), unanswered=("case-7",))


async def test_the_same_where_cases_are_asked_again() -> None:
    world = World(*some(30))
    leg = replace(LEG, again=("case-3", "case-5", "case-9"))
    told = Reached(place=1, last=0, tally=Tally(1))
    reached = await reach(world, leg, later_attempt(msgspec.to_builtins(told)))
    assert world.asked == ["case-5", "case-9"]
    assert reached.tally == Tally(3)


async def test_the_position_is_told_with_every_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "SIGN_OF_LIFE_SECONDS", 0.0)
    world = World(*some(3 * incidents.AT_ONCE))
    environment = ActivityEnvironment()
    told: list[Reached] = []
    environment.on_heartbeat = lambda *details: told.extend(details)
    assert await reach(world, environment=environment) == Reached(
        place=len(world.cases), last=len(world.cases), tally=Tally(len(world.cases))
    )
    assert {each.place for each in told} >= {incidents.AT_ONCE, 2 * incidents.AT_ONCE}
    assert all(each.tally.cases == each.place for each in told)
