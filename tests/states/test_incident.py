"""An incident in the pure core: which acts go round, where a round goes next, what each case gets."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from policies.book import default_book
from policies.schema import Matter
from states.events import AssignCase, EscalateCase, LinkIncident
from states.incident import (
    LONGEST_ID,
    MASS_ACTS,
    MAX_ROUNDS,
    MAX_UNANSWERED,
    MAX_UNDER_WAY,
    CloseIncident,
    Incident,
    OpenIncident,
    Reached,
    Tally,
    act_on,
    for_case,
    leg_again,
    next_leg,
    opened,
    page,
    went,
)
from states.values import Id
from tests.states.story import AGENT, BUYER, CHIEF, START, text

POLICY = default_book().in_force("platform", START)
NAME = "incident/seller/seller-204/1"
BEGUN = opened(OpenIncident(incident=NAME, matter=Matter.SELLER, subject="seller-204", policy=POLICY.ref, at=START))
ESCALATE = EscalateCase(request_id="r-1", actor=CHIEF, reason=text("recall"))
ASSIGN = AssignCase(request_id="r-2", actor=AGENT, to="agent-07", reason=text("recall"))
CLOSE = CloseIncident(request_id="r-3", actor=CHIEF, reason=text("over"))


def after(*acts: EscalateCase | AssignCase | CloseIncident, incident: Incident = BEGUN) -> Incident:
    for act in acts:
        incident, answer = act_on(incident, act, START, POLICY)
        assert answer.accepted, answer
    return incident


def gone(incident: Incident, place: int, last: int, *unanswered: str) -> Incident:
    """The next leg, and what came of it."""
    leg = next_leg(incident)
    assert leg is not None
    tally = Tally(accepted=place - leg.after - len(unanswered))
    return went(incident, leg, Reached(place=place, last=last, tally=tally, unanswered=unanswered))


# --- acts -----------------------------------------------------------------------------------------


def test_an_incident_begins_with_linking_its_cases() -> None:
    (first,) = BEGUN.rounds
    assert isinstance(first.act, LinkIncident)
    assert (first.number, first.act.incident, first.over) == (1, NAME, False)
    assert not BEGUN.over


def test_acts_go_round_one_after_the_other() -> None:
    incident = after(ESCALATE, ASSIGN)
    legs = []
    while (leg := next_leg(incident)) is not None:
        legs.append((leg.round, leg.after, leg.last))
        incident = gone(incident, leg.after + 50, 100)
    assert legs == [(1, 0, None), (1, 50, 100), (2, 0, None), (2, 50, 100), (3, 0, None), (3, 50, 100)]
    assert [each.tally for each in incident.rounds] == [Tally(100)] * 3
    assert not incident.over
    assert after(CLOSE, incident=incident).over


def test_the_same_act_again_gets_the_same_answer_and_goes_round_once() -> None:
    incident, answer = act_on(BEGUN, ESCALATE, START, POLICY)
    later = replace(ESCALATE, at=START + timedelta(hours=1))
    assert act_on(incident, later, START + timedelta(hours=2), POLICY) == (incident, answer)
    closed, closing = act_on(incident, CLOSE, START, POLICY)
    assert act_on(closed, CLOSE, START, POLICY) == (closed, closing)
    assert act_on(closed, ESCALATE, START, POLICY) == (closed, answer), "also when it is closed"
    other, refused = act_on(incident, replace(ASSIGN, request_id="r-1"), START, POLICY)
    assert other == incident
    assert refused.refusal is not None
    assert refused.refusal.code == "request_id_used"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (replace(ESCALATE, actor=BUYER), "no_right"),
        (replace(ESCALATE, actor=None), "no_right"),
        (replace(CLOSE, actor=BUYER), "no_right"),
        (replace(ESCALATE, reason=None), "reason_missing"),
        (replace(CLOSE, reason=None), "reason_missing"),
    ],
)
def test_what_nobody_may_do_to_all_cases_goes_nowhere(act: EscalateCase | CloseIncident, code: str) -> None:
    incident, answer = act_on(BEGUN, act, START, POLICY)
    assert incident is BEGUN
    assert answer.refusal is not None
    assert (answer.accepted, answer.entry, answer.refusal.code) == (False, 0, code)


def test_a_closed_incident_takes_no_more_acts_and_ends_when_all_have_gone_round() -> None:
    incident = after(ESCALATE, CLOSE)
    assert not incident.over
    _, answer = act_on(incident, ASSIGN, START, POLICY)
    assert answer.refusal is not None
    assert answer.refusal.code == "incident_closed"
    incident = gone(gone(incident, 5, 5), 5, 5, "c-1")
    assert not incident.over, "a case is still to answer"
    leg = leg_again(incident, 2)
    assert leg is not None
    assert went(incident, leg, Reached(place=1, last=0, tally=Tally(1))).over


def numbered(incident: Incident, *, more: int) -> Incident:
    """So many acts more on an incident."""
    first = len(incident.rounds)
    return after(*(replace(ESCALATE, request_id=f"act-{first + n}") for n in range(more)), incident=incident)


def too_many(incident: Incident) -> bool:
    """Whether it takes no further act; it can be closed all the same."""
    assert after(CLOSE, incident=incident).closing is not None
    refusal = act_on(incident, ASSIGN, START, POLICY)[1].refusal
    return refusal is not None and refusal.code == "too_many_acts"


def test_an_incident_takes_no_more_acts_than_a_run_can_hand_on() -> None:
    silent = tuple(f"buyer-{n:04}/{'order' * 9}" for n in range(MAX_UNANSWERED - 1))
    waiting = numbered(BEGUN, more=MAX_UNDER_WAY - 1)
    assert too_many(waiting)
    assert not too_many(gone(waiting, 500, 500))
    for _ in range(MAX_UNDER_WAY):
        waiting = gone(waiting, 500, 500, *silent)
    assert too_many(waiting)
    assert len(msgspec.json.encode(waiting)) < 1_000_000

    incident = BEGUN
    for _ in range(MAX_ROUNDS - 1):
        incident = numbered(gone(incident, 500, 500), more=1)
    assert too_many(incident)
    assert len(msgspec.json.encode(incident)) < 1_000_000


# --- cases that do not answer -----------------------------------------------------------------------


def test_a_case_that_owes_an_answer_gets_the_next_act_after_that() -> None:
    incident = gone(after(ESCALATE, ASSIGN), 5, 5)
    incident = gone(incident, 5, 5, "c-2", "c-4")
    leg = next_leg(incident)
    assert leg is not None
    assert (leg.round, leg.held) == (3, ("c-2", "c-4"))
    incident = gone(incident, 5, 5, "c-2", "c-3", "c-4")
    assert next_leg(incident) is None
    assert leg_again(incident, 1) is None
    second, third = leg_again(incident, 2), leg_again(incident, 3)
    assert second is not None
    assert third is not None
    assert (second.again, third.again) == (("c-2", "c-4"), ("c-3",))
    incident = went(incident, second, Reached(place=2, last=0, tally=Tally(1), unanswered=("c-4",)))
    assert (incident.rounds[1].place, incident.rounds[1].tally, incident.rounds[1].unanswered) == (
        5,
        Tally(4),
        ("c-4",),
    )
    third = leg_again(incident, 3)
    assert third is not None
    assert third.again == ("c-2", "c-3")


def test_a_round_waits_when_too_many_do_not_answer() -> None:
    silent = tuple(f"c-{number}" for number in range(MAX_UNANSWERED))
    incident = gone(gone(after(ESCALATE, ASSIGN), 500, 500), 120, 500, *silent)
    assert next_leg(incident) is None, "nor does the next one overtake it"
    leg = leg_again(incident, 2)
    assert leg is not None
    incident = went(incident, leg, Reached(place=100, last=0, tally=Tally(100)))
    leg = next_leg(incident)
    assert leg is not None
    assert (leg.round, leg.after, leg.last) == (2, 120, 500)


def test_tallies_add_up() -> None:
    one = Tally(accepted=2, refused={"no_change": 1}, closed=1)
    other = Tally(accepted=1, refused={"no_change": 2, "case_closed": 1})
    assert one + other == Tally(3, {"no_change": 3, "case_closed": 1}, 1)
    assert (one + other).cases == 8
    assert Tally().refused == {}


# --- what a case gets -------------------------------------------------------------------------------


@pytest.mark.parametrize("request_id", ["r-1", "r" * 120])
@pytest.mark.parametrize("case", ["b/o", f"{'b' * 48}/{'o' * 48}/service"])
def test_each_case_gets_the_act_under_a_request_id_of_its_own(request_id: str, case: str) -> None:
    act = replace(ESCALATE, request_id=request_id)
    ids = {for_case(act, each).request_id for each in (case, f"{case}2"[:120], "another/case")}
    assert len(ids) == 3
    for each in ids:
        assert msgspec.convert(each, Id) == each
        assert len(each) <= LONGEST_ID
    assert for_case(act, case) == for_case(act, case)
    assert replace(for_case(act, case), request_id=request_id) == act
    assert for_case(ESCALATE, "buyer-1/order-1").request_id == "r-1:buyer-1/order-1"


# --- what people see --------------------------------------------------------------------------------


def test_the_page_says_how_far_every_act_has_come() -> None:
    incident = gone(gone(after(ESCALATE, ASSIGN), 19, 19), 50, 60, *(f"c-{number}" for number in range(6)))
    shown = page(incident, POLICY)
    assert shown.splitlines()[0] == "**open**, seller seller-204"
    assert "- 1: link_incident by tousu, over; 19 accepted, ordered 2026-03-02 09:00" in shown
    assert (
        "- 2: escalate_case by supervisor-01, at 50 of 60; 44 accepted, unanswered: c-0, c-1, c-2, c-3, c-4 ..."
        in shown
    )
    assert "- 3: assign_case by agent-03, waits; 0 accepted" in shown
    assert all(act.name() in shown for act in MASS_ACTS)
    closed = page(after(CLOSE, incident=incident), POLICY)
    assert "- closed 2026-03-02 09:00 by supervisor-01" in closed
    assert closed.endswith("What may be done now: nothing")
