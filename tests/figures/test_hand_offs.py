"""Which teams matters are handed to: what they come back with, whether the member is asked, and what goes there by
itself.
"""

from typing import Any, NamedTuple

import pytest

from policies.schema import Category, Channel, ClockKind, Route
from policies.triage import TriageLabel
from states import events
from states.values import ConsentState, HandOff, HandOffState
from tests.figures.cases import CATEGORIES, allowed, filed, refusal, ripe, showing
from tests.states.story import Story


class Row(NamedTuple):
    """A route."""

    team: str
    clock: ClockKind
    results: str
    without_consent: bool = False


ROUTES = {
    Route.COUNTERFEIT: Row("counterfeit", ClockKind.HAND_OFF_COUNTERFEIT, "fake genuine undecided", True),
    Route.LOGISTICS: Row("logistics", ClockKind.HAND_OFF_LOGISTICS, "found lost delivered"),
    Route.SAFETY: Row("safety", ClockKind.HAND_OFF_SAFETY, "hazard no_hazard", True),
    Route.MERCHANT: Row("merchant_service", ClockKind.HAND_OFF_MERCHANT, "solved offered no_answer"),
    Route.OFFLINE: Row("offline_service", ClockKind.HAND_OFF_OFFLINE, "handled not_possible"),
    Route.ON_BEHALF: Row("disputes", ClockKind.HAND_OFF_ON_BEHALF, "raised won lost"),
    Route.LEGAL: Row("legal", ClockKind.HAND_OFF_LEGAL, "answered pending", True),
}
each_route = pytest.mark.parametrize("route", list(ROUTES))


def handed(route: Route, **consent: Any) -> Story:
    story = Story().to_acceptance()
    story.accepted(events.HandOver, route=route, **consent)
    return story


def only(story: Story) -> HandOff:
    (made,) = story.open_case.hand_offs
    return made


def test_the_table_is_complete() -> None:
    assert set(ROUTES) == set(Route)


@each_route
@pytest.mark.rule("HOF-1")
def test_routes_lead_to_a_team_with_a_clock_of_its_own(route: Route) -> None:
    row = ROUTES[route]
    story = handed(route, consent=Channel.HOTLINE)
    assert (only(story).route, only(story).team) == (route, row.team)
    assert [clock.kind for clock in story.open_case.clocks if clock.subject == "H1"] == [row.clock]


@each_route
@pytest.mark.rule("HOF-1")
def test_routes_results_are_what_the_team_comes_back_with(route: Route) -> None:
    for result in ROUTES[route].results.split():
        story = handed(route, consent=Channel.HOTLINE)
        story.accepted(events.ReturnHandOff, hand_off="H1", result=result)
        assert (only(story).state, only(story).result) == (HandOffState.RETURNED, result)
    told = refusal(handed(route, consent=Channel.HOTLINE), events.ReturnHandOff, hand_off="H1", result="nothing")
    assert told is not None
    assert told.code == "unknown_result"


@each_route
@pytest.mark.rule("HOF-2")
def test_routes_without_consent_are_those_where_it_is_waived(route: Route) -> None:
    waived = ROUTES[route].without_consent
    assert only(handed(route)).consent.state is (ConsentState.WAIVED if waived else ConsentState.ASKED)
    assert only(handed(route)).state is (HandOffState.QUEUED if waived else HandOffState.CONSENT_PENDING)


@each_route
@pytest.mark.parametrize("category", list(CATEGORIES))
def test_routes_can_be_taken_in_every_category(route: Route, category: Category) -> None:
    assert allowed(filed(category), events.HandOver, route=route)


# --- by itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", list(CATEGORIES))
@pytest.mark.parametrize("branded", [True, False, None])
def test_routing_of_what_is_accepted_is_to_the_counterfeit_team(category: Category, branded: bool | None) -> None:
    story = filed(category, ripe(branded=branded))
    assert not story.open_case.hand_offs
    story.accepted(events.AcceptComplaint)
    if category is Category.COUNTERFEIT:
        assert (only(story).route, only(story).first) == (Route.COUNTERFEIT, branded is False)
    else:
        assert not story.open_case.hand_offs


@pytest.mark.parametrize("label", [label for label in TriageLabel if label is not TriageLabel.SAFETY_HAZARD])
def test_routing_of_what_is_confirmed_is_to_the_counterfeit_team(label: TriageLabel) -> None:
    story = showing(label)
    story.accepted(events.AssessCase, confirmed=("T1",))
    if label is TriageLabel.COUNTERFEIT:
        assert (only(story).route, only(story).first) == (Route.COUNTERFEIT, False)
    else:
        assert not story.open_case.hand_offs
