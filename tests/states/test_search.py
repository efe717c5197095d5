"""What is proved about every configuration that a case can be in, and that the proof can fail."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace
from statemachine import StateMachine

from policies.book import PolicyBook, default_book
from policies.schema import ClockKind, Level, OnMiss, Policy, Priority, Stage, Trigger
from states import clocks, draft, effects, events, facts, lifecycle
from states import decide as decide_module
from states.case import Case, next_wake
from states.decide import decide
from states.lifecycle import MACHINES, EscalationLevel, Lifecycle
from states.rules import appeals, deadlines, escalation, feedback, hand_off, mediation, remedies, reversal
from states.values import Clock, HandOff
from states.view import ACTS_OF_STAGE
from tests.states import search
from tests.states.search import EXPLORATIONS, Edge, Fault, Graph, small_book
from tests.states.story import START, complaint

EVERY = pytest.mark.parametrize("name", EXPLORATIONS)


@cache
def graph(name: str) -> Graph:
    """Every configuration of one search."""
    exploration = EXPLORATIONS[name]
    return Graph(exploration.book()).explore(exploration.starts, exploration.admitted, exploration.known)


def graphs() -> list[Graph]:
    """What all searches found: together they have to have been everywhere."""
    return [graph(name) for name in EXPLORATIONS]


def without_help(edge: Edge) -> bool:
    """What the platform cannot count on: that a party acts, that another case takes this one over, that somebody
    corrects or reopens.
    """
    by_luck = ("merge_case", "absorb_case", "correct_act", "reopen_case", "DeliverMerge")
    return edge.by in ("complainant", "respondent") or edge.label.startswith(by_luck)


@EVERY
def test_every_configuration_can_reach_its_end(name: str) -> None:
    found = graph(name)
    assert len(found.cases) > 400
    assert not [found.describe(key) for key in found.stuck(Stage.CLOSED, Stage.ARCHIVED)]
    assert not [found.describe(key) for key in found.stuck(Stage.ARCHIVED)]


@EVERY
def test_silent_parties_hold_up_no_case(name: str) -> None:
    """Time, the world's answers and the platform's own staff suffice to close every case, from everywhere."""
    found = graph(name)
    stuck = found.stuck(Stage.CLOSED, Stage.ARCHIVED, without=without_help)
    assert not [found.describe(key) for key in stuck]


def ways(machine: type[StateMachine]) -> set[tuple[str, str, str]]:
    """Every transition of a machine: from, event, to."""
    return {
        (str(state.value), event, str(transition.target.value))
        for state in machine.states
        for transition in state.transitions
        if transition.target is not None
        for event in transition.event.split()
    }


def events_of(machine: type[StateMachine]) -> set[str]:
    return {event for _, event, _ in ways(machine)}


def test_every_stage_of_the_lifecycle_and_every_way_between_them_is_taken() -> None:
    moves = set().union(*(found.moves for found in graphs()))
    assert moves == {(Stage(source), event, Stage(target)) for source, event, target in ways(Lifecycle)}
    assert {case.stage for found in graphs() for case in found.cases.values()} == set(Stage)


@pytest.mark.parametrize("machine", [each for each in MACHINES if each is not Lifecycle])
def test_no_event_of_any_machine_is_dead(machine: type[StateMachine]) -> None:
    used = {event for found in graphs() for owner, event in found.sent if owner is machine}
    assert events_of(machine) - used == set()


def test_the_level_never_falls() -> None:
    """The search leaves the level out of a configuration, so it is shown for every level and trigger here."""
    levels = list(Level)
    book = default_book()
    opened = decide(None, complaint(), START, book).case
    assert opened is not None
    for level in levels:
        for trigger in Trigger:
            raised = draft.Draft(replace(opened, level=level), book, START, START)
            raised.raise_level(trigger)
            row = raised.row_of(trigger)
            assert row is not None
            rise = levels.index(raised.case.level) - levels.index(level)
            if row.level is None:
                assert rise == (1 if level is not Level.MANAGEMENT else 0)
            else:
                assert rise == max(0, levels.index(row.level) - levels.index(level))
    assert events_of(EscalationLevel) == {"raise_level"}


def test_the_view_lists_just_the_acts_that_each_stage_accepts() -> None:
    accepted = set().union(*(found.accepted for found in graphs()))
    for stage in Stage:
        assert {act for where, act in accepted if where is stage} == ACTS_OF_STAGE[stage], stage
    assert set().union(*(found.unlisted for found in graphs())) == set()


def test_every_act_is_refused_somewhere() -> None:
    """Refusals are searched too: of each act, one at least met a case in which it was not possible."""
    refused = set().union(*(found.refused for found in graphs()))
    assert refused == {act.name() for act in events.ACTS}


def test_every_clock_and_every_notice_of_the_policy_is_used() -> None:
    assert set().union(*(found.clocks for found in graphs())) == set(ClockKind)
    notices = set(default_book().in_force("platform", START).pack.notices)
    assert set().union(*(found.notices for found in graphs())) == notices


@EVERY
@pytest.mark.parametrize("seed", range(12))
def test_real_histories_stay_within_what_was_searched(name: str, seed: int) -> None:
    """Random histories with real time and data: each case met on the way is one of the configurations found."""
    found, exploration = graph(name), EXPLORATIONS[name]
    choose = random.Random(f"{name} {seed}")
    given = choose.choice(list(exploration.starts.values()))
    case = found.begin(given, exploration.admitted, exploration.known).case
    now = START
    for number in range(60):
        assert case is not None
        case = settled(case, found, now)
        assert found.covers(case), f"step {number} of seed {seed}: {case.stage}"
        moves = [move for move in search.happenings(case, found.policy.pack) if move.by != "time"]
        wake = next_wake(case)
        if wake is not None and choose.random() < 0.3:
            now = max(now, wake)
            event: events.Event = events.DeadlineReached()
        else:
            now += timedelta(minutes=choose.randrange(20))
            event = choose.choice(moves).event
        if isinstance(event, events.CorrectAct) and case.correctable is not None:
            event = replace(event, entry=case.correctable.entry)
        if isinstance(event, events.Act):
            event = replace(event, request_id=f"r-{number}")
        case = decide(case, event, now, found.book).case


def settled(case: Case, found: Graph, now: datetime) -> Case:
    """The case once the effects that move nothing were reported."""
    while idle := search.inert(case, found.policy.pack):
        results = tuple(
            events.Result(
                key=effect.key,
                outcome=effects.OrderUnknown()
                if isinstance(effect, effects.LookUpOrder)
                else effects.Failed(code="rejected"),
            )
            for effect in idle
        )
        after = decide(case, events.EffectsReported(results=results), now, found.book).case
        assert after is not None
        case = after
    return case


# --- the proof can fail: planted faults, each of which the search has to find ---------------------


def no_clock_in(stage: Stage) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        arm = draft.Draft._run_in_stage
        patch.setattr(
            draft.Draft, "_run_in_stage", lambda self, kind: None if self.case.stage is stage else arm(self, kind)
        )

    return plant


def no_move(event: str) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        step = lifecycle.step
        patch.setattr(draft, "step", lambda machine, state, by: None if by == event else step(machine, state, by))

    return plant


def nothing_follows(clock: ClockKind) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setitem(deadlines.LAPSES, clock, lambda draft, subject: None)


def missed_once_and_for_all(patch: pytest.MonkeyPatch) -> None:
    def deadline_reached(draft: draft.Draft, clock: Any) -> None:
        draft.miss(clock)
        match draft.pack.clocks[clock.kind].on_miss:
            case OnMiss.ESCALATES:
                draft.raise_level(Trigger.MISSED_CLOCK, clock=clock)
            case OnMiss.ESCALATES_IN_TEAM:
                hand_off.late(draft, clock)
            case OnMiss.LAPSES:
                deadlines.LAPSES[clock.kind](draft, clock.subject)

    patch.setattr(deadlines, "deadline_reached", deadline_reached)


def clocks_run_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(draft.Draft, "_leave", lambda self, clock, drop: None)


def open_matters_run_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(draft.Draft, "settle_open_matters", lambda self: None)


def undelivered_and_forgotten(patch: pytest.MonkeyPatch) -> None:
    sent = feedback.notice_sent

    def notice_sent(draft: draft.Draft, effect: effects.SendNotice, outcome: effects.AnyOutcome) -> None:
        if isinstance(outcome, effects.Done):
            sent(draft, effect, outcome)

    patch.setattr(feedback, "notice_sent", notice_sent)


def unasked_ruling(patch: pytest.MonkeyPatch) -> None:
    """A ruling may be called for before anything was found, and nothing leads back: then none can ever be given."""

    def call_for_ruling(draft: draft.Draft, act: events.CallForRuling) -> None:
        draft.settle_open_matters()
        draft.move("call_ruling", "COO-4")

    patch.setattr(mediation, "call_for_ruling", call_for_ruling)
    patch.setattr(appeals, "_verify_before_ruling", lambda draft: None)


def one_failure_forgets_the_rest(patch: pytest.MonkeyPatch) -> None:
    fail = remedies.fail

    def failing(draft: draft.Draft, *given: Any) -> None:
        for clock in draft.case.clocks:
            draft.cancel(clock)
        fail(draft, *given)

    patch.setattr(remedies, "fail", failing)


def never_armed(clock: ClockKind) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        arm = draft.Draft.arm

        def arm_others(self: draft.Draft, kind: ClockKind, subject: str = "", **given: Any) -> Any:
            return arm(self, kind, subject, **given) if kind is not clock else None

        patch.setattr(draft.Draft, "arm", arm_others)

    return plant


def a_refusal_that_leaves_traces(patch: pytest.MonkeyPatch) -> None:
    escalate = escalation.escalate

    def traces(draft: draft.Draft, act: events.EscalateCase) -> None:
        escalate(draft, act)
        draft.refuse_on_record("too_late", "the case rose all the same", "ESC-8")

    patch.setattr(escalation, "escalate", traces)


def a_level_that_falls(patch: pytest.MonkeyPatch) -> None:
    raise_level = draft.Draft.raise_level

    def lower(self: draft.Draft, trigger: Trigger, *rules: str, **given: Any) -> None:
        raise_level(self, trigger, *rules, **given)
        first = Level.FRONT_LINE
        fallen = replace(self.case.escalations[-1], arming=99, before=self.case.level, after=first)
        self.record(facts.LevelRaised(escalation=fallen))

    patch.setattr(draft.Draft, "raise_level", lower)


FAULTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no clock while the result is told": (no_clock_in(Stage.FEEDBACK), "waits in feedback without a deadline"),
    "no clock after a refusal": (no_clock_in(Stage.REFUSED), "waits in refused without a deadline"),
    "no clock after closing": (no_clock_in(Stage.CLOSED), "waits in closed without a deadline"),
    "no survey clock": (no_clock_in(Stage.FOLLOW_UP), "waits in follow_up without a deadline"),
    "the ruling moves nothing": (no_move("rule"), "stuck in"),
    "nothing is ever archived": (no_move("archive"), "archive is not possible"),
    "a silent survey closes nothing": (nothing_follows(ClockKind.SURVEY), "waits in follow_up without a deadline"),
    "a silent seller stays asked": (nothing_follows(ClockKind.STATEMENT), "without a clock"),
    "a lapsed remedy stays ordered": (nothing_follows(ClockKind.REMEDY), "without a clock"),
    "a missed promise starts no new clock": (missed_once_and_for_all, "without a deadline"),
    "clocks run on in other stages": (clocks_run_on, "runs in"),
    "open matters survive the decision": (open_matters_run_on, "still run in"),
    "an undelivered notice is forgotten": (undelivered_and_forgotten, "stuck in"),
    "a ruling is called for without a finding": (unasked_ruling, "stuck in ruling"),
    "one failed remedy stops the others' clocks": (one_failure_forgets_the_rest, "without a clock"),
    "the platform's payment has no clock": (never_armed(ClockKind.PAYOUT), "without a clock"),
    "a refused act leaves facts": (a_refusal_that_leaves_traces, "refused and yet left"),
    "the level falls": (a_level_that_falls, "the level falls"),
}


def taken_back_in_another_order(patch: pytest.MonkeyPatch) -> None:
    recorded = reversal._recorded
    patch.setattr(reversal, "_recorded", lambda key: tuple(-each for each in recorded(key)))


def only_one_thing_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    proceed = reversal._proceed
    patch.setattr(
        reversal, "_proceed", lambda draft: None if len(reversal._reversing(draft.case)) == 1 else proceed(draft)
    )


def whoever_decided_decides_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide_module, "_check_impartial", lambda act, case: None)


def appeals_are_not_examined(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(appeals, "examine", lambda draft: None)


FAULTS_OF_HEARINGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "the last is taken back first": (taken_back_in_another_order, "is to be taken back first"),
    "the last is not taken back": (only_one_thing_is_taken_back, "without a deadline"),
    "whoever decided decides again": (whoever_decided_decides_again, "decides, who may not"),
    "an appeal waits for ever": (appeals_are_not_examined, "is never heard"),
}


def nothing_is_recalled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hand_off, "recall_all", lambda draft: None)


def nothing_is_withdrawn(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(escalation, "withdraw_offer", lambda draft: None)


def late_once_and_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hand_off, "late", lambda draft, clock: None)


def ended_orders_keep_their_clocks(patch: pytest.MonkeyPatch) -> None:
    def end(draft: draft.Draft, ended: HandOff, by: str, *rules: str) -> None:
        hand_off._set(draft, replace(ended, ended_at=draft.at), by, *rules)

    patch.setattr(hand_off, "_end", end)


def nothing_goes_to_a_team(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(escalation, "follow", lambda draft: draft.unfollowed.clear())


def nobody_has_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hand_off, "_open", lambda draft, route: None)


def raised_whatever_was(patch: pytest.MonkeyPatch) -> None:
    raise_level = draft.Draft.raise_level

    def forgetful(self: draft.Draft, trigger: Trigger, *rules: str, **given: Any) -> None:
        before = self.case.escalations
        self.case = replace(self.case, escalations=())
        raise_level(self, trigger, *rules, **given)
        self.case = replace(self.case, escalations=(*before, *self.case.escalations))

    patch.setattr(draft.Draft, "raise_level", forgetful)


def urgency_gives_more_time(patch: pytest.MonkeyPatch) -> None:
    def later(policy: Policy, clock: Clock, priority: Priority, at: datetime) -> Clock:
        return replace(clock, due=clock.due + timedelta(hours=1))

    patch.setattr(clocks, "shorten", later)


FAULTS_OF_RISING: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str]] = {
    "who does not consent stays asked": (
        nothing_follows(ClockKind.HAND_OFF_CONSENT),
        "sideways",
        "without a clock",
    ),
    "a closed case leaves work to a team": (nothing_is_recalled, "sideways", "is still open in"),
    "a closed case leaves an offer to be answered": (nothing_is_withdrawn, "rising", "is still open in"),
    "a late team has no other deadline": (late_once_and_for_all, "sideways", "without a clock"),
    "what a team gave back is still due": (ended_orders_keep_their_clocks, "sideways", "still run in"),
    "a body outside waits for ever": (never_armed(ClockKind.OUTSIDE), "outside", "has no deadline in"),
    "a team gets the same matter twice": (nobody_has_it, "sideways", "same matter twice"),
    "what is said again raises again": (raised_whatever_was, "outside", "raises twice"),
    "what is urgent has more time": (urgency_gives_more_time, "rising", "due later"),
    "a team hears nothing of a risk": (nothing_goes_to_a_team, "rising", "knows nothing of it"),
}


def look(book: PolicyBook, start: dict[str, Any], known: dict[str, Any] | None = None) -> None:
    """Search from one start, and raise Fault for whatever the proofs above would not bear."""
    found = Graph(book).explore({"start": start}, known=known)
    stuck = found.stuck(Stage.CLOSED, Stage.ARCHIVED, without=without_help)
    if stuck:
        raise Fault(f"stuck in {found.describe(stuck[0])}")


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, message = FAULTS[name]
    plant(monkeypatch)
    besides = set(search.ON_THE_SIDE) - {"escalate_case"}
    with pytest.raises(Fault, match=message):
        look(small_book((*search.CLASSIFYING, *besides), reviews=0, appeals=0), {"high_risk": True})


@pytest.mark.parametrize("name", FAULTS_OF_HEARINGS)
def test_planted_faults_of_hearings_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, message = FAULTS_OF_HEARINGS[name]
    plant(monkeypatch)
    book = small_book((*search.ASIDE, *search.ON_THE_SIDE), must_reach=(), reviews=0)
    with pytest.raises(Fault, match=message):
        look(book, EXPLORATIONS["amounts"].starts["promise"])


@pytest.mark.parametrize("name", FAULTS_OF_RISING)
def test_planted_faults_of_what_rises_and_goes_sideways_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, where, message = FAULTS_OF_RISING[name]
    plant(monkeypatch)
    exploration = EXPLORATIONS[where]
    with pytest.raises(Fault, match=message):
        look(exploration.book(), next(iter(exploration.starts.values())), exploration.known)
