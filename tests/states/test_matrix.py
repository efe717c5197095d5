"""Every trigger in every state at every level: what it does, once; and where it is out of place, nothing (area ESC)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from policies.book import PolicyBook
from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Level,
    OnMiss,
    Party,
    Priority,
    RefundOnly,
    RemedyKind,
    Route,
    Stage,
    Trigger,
)
from states import events, facts
from states.case import Case
from states.journal import Entry, fold
from states.lifecycle import OPEN_STAGES
from states.values import Actor, Answer, Clock, ConsentState, HandOffState, RemedyTerms
from tests.states.stages import in_stage
from tests.states.story import AGENT, BUYER, GOOD, SELLER, Story, item, text
from tests.states.test_admission import book_with
from tests.states.test_appeals import confirmed

LEVELS = (Level.FRONT_LINE, Level.SPECIALIST, Level.SUPERVISOR, Level.MANAGEMENT)
ONE_UP = dict(zip(LEVELS, (*LEVELS[1:], Level.MANAGEMENT), strict=True))
OPEN = tuple(stage for stage in Stage if stage in OPEN_STAGES)
OVER = (Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED, Stage.ARCHIVED)


class Row(NamedTuple):
    """What a trigger does: the escalation table, as the catalogue and the platform's own choices have it."""

    rule: str
    at_least: Level | None = None
    """One level up if there is none."""
    priority: Priority = Priority.NORMAL
    route: Route | None = None
    outside: bool = False
    """Whether a body outside waits for an answer."""
    told: bool = False
    """Whether the complainant hears of it by a notice of its own."""


TABLE = {
    Trigger.MISSED_CLOCK: Row("ESC-1"),
    Trigger.BY_HAND: Row("ESC-8"),
    Trigger.NOT_SOLVED: Row("FUP-2"),
    Trigger.REVIEW: Row("ESC-7"),
    Trigger.APPEAL: Row("APL-1"),
    Trigger.REPEAT_CONTACT: Row("ESC-2", priority=Priority.HIGH),
    Trigger.JUDICIAL: Row("ESC-3", Level.MANAGEMENT, Priority.URGENT, Route.LEGAL, outside=True, told=True),
    Trigger.LEANING: Row("ESC-4", priority=Priority.HIGH),
    Trigger.EXTERNAL: Row("ESC-5", Level.SUPERVISOR, Priority.URGENT, outside=True, told=True),
    Trigger.ASKS_MANAGEMENT: Row("ESC-6", Level.MANAGEMENT, Priority.HIGH),
    Trigger.HIGH_RISK: Row("ESC-9", Level.SUPERVISOR, Priority.URGENT, Route.SAFETY, told=True),
    Trigger.REFUND_ONLY_REFUSED: Row("ESC-10", Level.SUPERVISOR, Priority.URGENT, Route.SAFETY, told=True),
}


class Place(NamedTuple):
    """Where a trigger belongs, and how it comes about."""

    stages: tuple[Stage, ...]
    happen: Callable[["Risen"], Answer | None]
    prepare: Callable[["Risen"], Any] = lambda story: None
    """What has to be there for it."""


class Risen(Story):
    """A story whose case is handed up to a level as soon as it is filed."""

    def __init__(self, level: Level, book: PolicyBook | None = None, slow: bool = False) -> None:
        super().__init__(book)
        self.level = level
        self.slow = slow
        """Whether verification takes almost as long as the case may."""
        self._last: events.Event | None = None

    def happen(self, event: events.Event) -> Answer | None:
        self._last = event
        return super().happen(event)

    def again(self) -> Answer | None:
        """What happened last is delivered a second time."""
        assert self._last is not None
        return self.happen(self._last)

    def file(self, **changes: Any) -> Answer:
        answer = super().file(**changes)
        for _ in range(LEVELS.index(self.level)):
            self.accepted(events.EscalateCase)
        return answer

    def to_verification(self, **changes: Any) -> "Risen":
        super().to_verification(**changes)
        if self.slow:
            self.wait(days=8)
        return self

    def to_feedback(self, terms: RemedyTerms, **changes: Any) -> "Risen":
        if not self.slow:
            super().to_feedback(terms, **changes)
            return self
        self.to_coordination(**changes)
        self.accepted(events.ProposeRemedy, BUYER, terms=terms)
        self.hold = True  # nobody is reached for long
        self.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
        return self


# --- how each comes about -----------------------------------------------------------------


def act(kind: type[events.Act], actor: Actor = AGENT, **given: Any) -> Callable[[Risen], Answer]:
    return lambda story: story.act(kind, actor, **given)


def outside(body: str) -> Callable[[Risen], Answer]:
    return lambda story: story.act(
        events.RecordExternalComplaint,
        AGENT,
        case_id=story.open_case.case_id,
        body=body,
        reference="77",
        made_at=story.now - timedelta(hours=1),
    )


def promises(story: Story) -> list[Clock]:
    """What the platform promised and has still to keep."""
    rules = story.book.policy(story.open_case.policy).pack.clocks
    running = [each for each in story.open_case.clocks if each.ticking]
    return [each for each in running if rules[each.kind].on_miss is OnMiss.ESCALATES]


def miss(story: Risen) -> None:
    """The earliest promise is broken."""
    first = min(promises(story), key=lambda each: each.due)
    story.now = first.due
    assert story.happen(events.DeadlineReached()) is None


def call(story: Risen) -> Answer:
    return story.act(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE)


def called_twice(story: Risen) -> None:
    for _ in range(2):
        call(story)


def offered(story: Risen) -> None:
    story.act(events.OfferSolution, AGENT, text=text("reship"))


PLACES = {
    Trigger.MISSED_CLOCK: Place((*OPEN[:-1], Stage.REFUSED, Stage.WITHDRAWN), miss),
    Trigger.BY_HAND: Place(OPEN, act(events.EscalateCase)),
    Trigger.NOT_SOLVED: Place((Stage.FOLLOW_UP,), act(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)),
    Trigger.REVIEW: Place(
        (Stage.FOLLOW_UP, Stage.CLOSED), act(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
    ),
    Trigger.APPEAL: Place(
        (Stage.FOLLOW_UP, Stage.CLOSED),
        act(events.FileAppeal, BUYER, channel=Channel.ORDER_PAGE, items=(item("video", "new"),)),
    ),
    Trigger.REPEAT_CONTACT: Place(OPEN, call, called_twice),
    Trigger.JUDICIAL: Place(tuple(Stage), outside("court")),
    Trigger.LEANING: Place(OPEN, act(events.ReportTrigger, trigger=Trigger.LEANING)),
    Trigger.EXTERNAL: Place(tuple(Stage), outside("regulator")),
    Trigger.ASKS_MANAGEMENT: Place(OPEN, act(events.ReportTrigger, trigger=Trigger.ASKS_MANAGEMENT)),
    Trigger.HIGH_RISK: Place((*OPEN, Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED), act(events.SetRisk, high=True)),
    Trigger.REFUND_ONLY_REFUSED: Place(OPEN, act(events.AnswerOffer, BUYER, offer="K1", accepted=False), offered),
}


def story_of(trigger: Trigger, stage: Stage, level: Level) -> Risen:
    """A case in a stage, at a level, in which the trigger can come about if it can in that stage at all."""
    if trigger is Trigger.REFUND_ONLY_REFUSED:  # the stories are about quality, which no pack treats so
        rule = RefundOnly(categories=(Category.QUALITY,), remedies=(RemedyKind.REFUND,))
        story = Risen(level, book_with(refund_only=rule))
    else:
        story = Risen(level, slow=trigger is Trigger.MISSED_CLOCK and stage in PLACES[trigger].stages)
    if trigger in (Trigger.REVIEW, Trigger.APPEAL) and stage in PLACES[trigger].stages:
        confirmed(story)
        if stage is Stage.CLOSED:
            story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    else:
        in_stage(stage, story=story)
    assert story.at(stage)
    assert story.open_case.level is level
    return story


# --- the matrix ---------------------------------------------------------------------------


def after(row: Row, before: Level) -> Level:
    """Where a case rises to: never down, and at the top it stays."""
    if row.at_least is None:
        return ONE_UP[before]
    return max(before, row.at_least, key=LEVELS.index)


CELLS = [
    pytest.param(trigger, stage, level, id=f"{trigger}-{stage}-{level}", marks=pytest.mark.rule(row.rule))
    for trigger, row in TABLE.items()
    for stage in PLACES[trigger].stages
    for level in LEVELS
]
OUT_OF_PLACE = [
    pytest.param(trigger, stage, level, id=f"{trigger}-{stage}-{level}")
    for trigger, place in PLACES.items()
    for stage in Stage
    for level in LEVELS
    if stage not in place.stages
]


def test_the_table_is_that_of_the_pack_and_no_trigger_is_missing() -> None:
    pack = Story().book.in_force("platform", Story().now).pack
    assert set(TABLE) == set(PLACES) == set(Trigger) == {row.trigger for row in pack.escalation}


@pytest.mark.parametrize(("trigger", "stage", "level"), CELLS)
def test_it_raises_the_case_as_its_row_says_and_once(trigger: Trigger, stage: Stage, level: Level) -> None:
    row, place = TABLE[trigger], PLACES[trigger]
    story = story_of(trigger, stage, level)
    place.prepare(story)
    before, told = story.open_case, len(story.sent("escalated"))
    entries = len(story.entries)
    answer = place.happen(story)
    assert answer is None or answer.accepted
    case, new = story.open_case, story.entries[entries:]
    raised = [(entry, fact.escalation) for entry in new for fact in entry.facts if isinstance(fact, facts.LevelRaised)]
    [(entry, rise)] = raised
    assert len([each for each in new if each.event != "effects_reported"]) == 1, "one happening, one entry"
    assert row.rule in entry.rules
    assert (rise.trigger, rise.before, rise.after) == (trigger, level, after(row, level))
    assert case.level is after(row, level)
    assert case.escalations == (*before.escalations, rise)
    assert_priority(row, before, case)
    assert_clocks(story, row, before, entry)
    assert_hand_off(row, before, case)
    assert len(story.sent("escalated")) == told + row.told
    assert fold(story.entries) == case
    assert_not_twice(story, answer)
    if trigger not in EACH_TIME:
        place.happen(story)
        assert story.open_case.escalations == case.escalations, "said once more it is the same"


EACH_TIME = (Trigger.BY_HAND, Trigger.MISSED_CLOCK)
"""What is another matter the next time: another act by hand, the next arming of a clock."""


def assert_priority(row: Row, before: Case, case: Case) -> None:
    order = tuple(Priority)
    assert case.priority is max(before.priority, row.priority, key=order.index)


def assert_clocks(story: Story, row: Row, before: Case, entry: Entry) -> None:
    """The outside deadline is kept as a clock; of the others, a more urgent case has the earlier of two deadlines, and
    none is later than it was or gone, but for the one that was missed and begins anew.
    """
    case, policy = story.open_case, story.book.policy(story.open_case.policy)
    waiting = [each for each in case.clocks if each.kind is ClockKind.OUTSIDE]
    assert [each.active for each in waiting] == [True] * row.outside
    for each in waiting:
        assert each.due == policy.due(ClockKind.OUTSIDE, story.now, case.priority)
    if case.stage is not before.stage:  # other stages, other clocks
        return
    missed = [fact.clock for fact in entry.facts if isinstance(fact, facts.ClockSet) and fact.by == "miss"]
    now = {each.id: each for each in case.clocks}
    for clock in before.clocks:
        if not clock.active:
            continue
        if clock.id in {each.id for each in missed}:
            assert (now[clock.id].active, now[clock.id].arming) == (True, clock.arming + 1)
            continue
        assert now[clock.id].active
        assert now[clock.id].arming == clock.arming
        lengths = policy.pack.clocks[clock.kind].length_by_priority
        runs_from_now = clock.ticking or clock.paused_since == story.now
        shorter = case.priority is not before.priority and case.priority in lengths and runs_from_now
        due = policy.due(clock.kind, story.now, case.priority) if shorter else clock.due
        assert now[clock.id].due == min(clock.due, due)


def assert_hand_off(row: Row, before: Case, case: Case) -> None:
    """The matter goes to a team by itself, without asking where a delay would do harm (HOF-2)."""
    new = case.hand_offs[len(before.hand_offs) :]
    assert [each.route for each in new] == ([] if row.route is None else [row.route])
    for each in new:
        assert (each.state, each.consent.state) == (HandOffState.QUEUED, ConsentState.WAIVED)


def assert_not_twice(story: Risen, answer: Answer | None) -> None:
    """What is delivered again is answered again and leaves nothing; no deadline is handled a second time."""
    case, entries = story.open_case, len(story.entries)
    assert story.again() == answer
    assert story.open_case == case
    assert len(story.entries) == entries


@pytest.mark.parametrize(("trigger", "stage", "level"), OUT_OF_PLACE)
def test_out_of_place_it_raises_nothing(trigger: Trigger, stage: Stage, level: Level) -> None:
    story = story_of(trigger, stage, level)
    if trigger is Trigger.MISSED_CLOCK:
        assert not promises(story)
        return
    PLACES[trigger].prepare(story)
    entries = len(story.entries)
    answer = PLACES[trigger].happen(story)
    assert answer is not None
    put_on_record = trigger is Trigger.REPEAT_CONTACT and stage is not Stage.ARCHIVED
    assert answer.accepted is put_on_record
    assert not [
        each for entry in story.entries[entries:] for each in entry.facts if isinstance(each, facts.LevelRaised)
    ]
    assert (story.open_case.level, story.open_case.stage) == (level, stage)
