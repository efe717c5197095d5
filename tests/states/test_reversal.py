"""What a review or an appeal turns round is taken back, in the order in which it was recorded (PEN-1, PEN-3, COO-3)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import (
    Action,
    Category,
    Channel,
    ClockKind,
    Counted,
    OrderState,
    Outcome,
    Party,
    RemedyKind,
    Role,
    Stage,
)
from states import effects, events, facts
from states.events import ProposalAnswer
from states.journal import fold
from states.rules import reversal
from states.values import (
    Actor,
    ClockState,
    Occurrence,
    OccurrenceState,
    Penalty,
    PenaltyState,
    Remedy,
    RemedyState,
    RemedyTerms,
    Violation,
)
from tests.states.story import BUYER, EXCHANGE, GOOD, REFUND, RETURN, SELLER, START, Story, complaint, item, order, text
from tests.states.test_ruling import about_review

AGENTS = tuple(Actor(id=f"agent-{number}", role=Role.AGENT) for number in (3, 7, 11, 13))
"""Who decides first, and who in each hearing after that."""
POINTS, RANK = Violation(row="points"), Violation(row="ranked_down")
COUPON = RemedyTerms(kind=RemedyKind.COUPON, amount_fen=500)
COMPENSATION = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=700)
Entry = effects.CarryOut | effects.ApplyPenalty | effects.CountOccurrence


def content(entry: Entry) -> tuple[object, ...]:
    """What an entry of the ledger says, whatever its key."""
    match entry:
        case effects.CarryOut():
            return entry.action, entry.order, entry.amount_fen, entry.review
        case effects.ApplyPenalty():
            return entry.row, entry.subject, entry.points
        case effects.CountOccurrence():
            return entry.counts, entry.seller


@dataclass
class Ledger:
    """What the platform's services hold: each entry once under its key, until it is reversed."""

    entries: dict[str, Entry] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)

    def enter(self, entry: Entry) -> None:
        if entry.key not in self.taken_back:
            self.entries[entry.key] = entry

    def take_back(self, key: str) -> None:
        assert key in self.entries or key in self.taken_back, "nothing is reversed that was not entered"
        self.entries.pop(key, None)
        self.taken_back.add(key)

    def balance(self) -> Counter[tuple[object, ...]]:
        return Counter(content(entry) for entry in self.entries.values())


class Books(Story):
    """A story whose world keeps a ledger; reversals of the keys in `stuck` finally fail."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.order = order(state=OrderState.SUCCEEDED, state_since=START - timedelta(days=1))
        self.ledger = Ledger()
        self.stuck: Callable[[effects.Reverse], bool] = lambda _: False

    def outcome(self, effect: effects.AnyEffect) -> effects.AnyOutcome:
        if isinstance(effect, effects.Reverse):
            if self.stuck(effect):
                return effects.Failed(code="rejected")
            self.ledger.take_back(effect.reverses)
        outcome = super().outcome(effect)
        if isinstance(effect, Entry) and not isinstance(outcome, effects.Failed):
            self.ledger.enter(effect)
        return outcome

    @property
    def agent(self) -> Actor:
        """An agent who may decide in this hearing."""
        return next(agent for agent in AGENTS if agent.id not in self.open_case.hearing.barred)

    def to_the_ruling(self) -> "Books":
        """From verification to the ruling, the complaint proven."""
        if self.open_case.open_requests(Party.RESPONDENT):
            self.accepted(events.SubmitStatement, SELLER, text=text("statement"))
        proven: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
        self.accepted(events.RecordFinding, self.agent, proven=True, **proven)
        self.accepted(events.CallForRuling, self.agent)
        return self

    def uphold(self, *terms: RemedyTerms, penalties: tuple[Violation, ...] = ()) -> "Books":
        given = {"remedies": terms, "penalties": penalties}
        self.accepted(events.IssueRuling, self.agent, outcome=Outcome.UPHELD, rule="VER-5", **given)
        return self

    def dismiss(self, *penalties: Violation) -> "Books":
        given = {"outcome": Outcome.DISMISSED, "penalties": penalties}
        self.accepted(events.IssueRuling, self.agent, rule="VER-5", **given)
        return self

    def carry_out(self) -> "Books":
        """The parties do what they have to, until everything is carried out."""
        while (due := next((r for r in self.open_case.remedies if r.next_step is not None), None)) is not None:
            self.accepted(events.ReportRemedy, self.agent, remedy=due.id, done=True)
        assert self.at(Stage.FOLLOW_UP)
        return self

    def appeal(self, actor: Actor = SELLER) -> "Books":
        """A party appeals with new evidence, and the case stands before its ruling again."""
        new = (item("video", f"new-{len(self.open_case.evidence)}"),)
        self.accepted(events.FileAppeal, actor, channel=Channel.HOTLINE, items=new)
        assert self.at(Stage.VERIFICATION)
        return self.to_the_ruling()

    def review(self) -> "Books":
        self.accepted(events.RequestReview, BUYER, channel=Channel.HOTLINE)
        return self.to_the_ruling()

    def reversals(self) -> list[str]:
        """The keys that were to be reversed, in order."""
        ordered = (fact.effect for fact in self.all(facts.EffectOrdered))
        return [effect.reverses for effect in ordered if isinstance(effect, effects.Reverse)]

    def states(self) -> list[str]:
        """The states of remedies, penalties and occurrences."""
        case = self.open_case
        things: tuple[Remedy | Penalty | Occurrence, ...] = (*case.remedies, *case.penalties, *case.occurrences)
        return [each.state.value for each in things]


def filed(**given: Any) -> Books:
    story = Books(**given)
    story.to_verification()
    return story.to_the_ruling()


def number(key: str) -> tuple[int, int]:
    _, entry, place = key.rsplit(":", 2)
    return int(entry), int(place)


# --- told one by one ------------------------------------------------------------------------


@pytest.mark.rule("PEN-1", "PEN-3", "COO-3")
def test_a_won_appeal_takes_everything_back_in_the_order_in_which_it_was_recorded() -> None:
    story = filed().uphold(REFUND, COUPON, penalties=(POINTS, RANK)).carry_out()
    assert sum(story.ledger.balance().values()) == 5
    recorded = list(story.ledger.entries)
    story.appeal().dismiss()
    assert story.reversals() == recorded == sorted(recorded, key=number)
    assert not story.ledger.entries
    assert story.states() == ["reversed", "reversed", "done"] + ["reversed"] * 3, "an apology stays made"
    assert story.at(Stage.FOLLOW_UP)
    assert not reversal.under_way(story.open_case)
    assert fold(story.entries) == story.case


@pytest.mark.rule("PEN-1", "COO-3")
def test_what_the_new_ruling_keeps_is_left_alone_and_what_is_new_comes_after_the_reversals() -> None:
    story = filed().uphold(REFUND, COUPON, penalties=(POINTS, RANK)).carry_out()
    kept = {content(e) for e in story.ledger.entries.values() if not isinstance(e, effects.CarryOut)}
    story.appeal()
    story.hold = True
    story.uphold(COMPENSATION, COUPON, penalties=(POINTS, Violation(row="listing_removed")))
    seen = list[type[effects.AnyEffect]]()
    while story.open_case.outbox:
        running = [e for e in story.open_case.outbox if isinstance(e, (effects.Reverse, *Entry.__args__))]
        seen += [type(e) for e in running]
        assert reversal.under_way(story.open_case) is any(isinstance(e, effects.Reverse) for e in running)
        results = tuple(events.Result(key=e.key, outcome=story.outcome(e)) for e in story.open_case.outbox)
        story.happen(events.EffectsReported(results=results))
    assert seen == [effects.Reverse, effects.Reverse, effects.ApplyPenalty, effects.CarryOut]
    assert story.ledger.balance() == Counter(
        [
            (Action.ISSUE_COUPON, "order-1001", 500, None),
            (Action.PAY_COMPENSATION, "order-1001", 700, None),
            ("points", SELLER.id, 2),
            ("listing_removed", SELLER.id, None),
            (Counted.UPHELD_COMPLAINT, SELLER.id),
        ]
    )
    assert kept - story.ledger.balance().keys() == {("ranked_down", SELLER.id, None)}
    assert [r.terms.kind for r in story.open_case.remedies] == ["refund", "coupon", "apology", "compensation"]
    assert story.at(Stage.FOLLOW_UP), "the duty to apologise was done, and is not ordered again"
    assert fold(story.entries) == story.case


@pytest.mark.rule("PEN-1", "COO-3", "ESC-7")
def test_a_review_can_take_back_too() -> None:
    story = filed().uphold(COUPON, penalties=(POINTS,)).carry_out()
    story.review().uphold(COUPON)
    assert story.states() == ["done", "done", "reversed", "counted"]
    assert story.reversals() == [story.open_case.penalties[0].key]


@pytest.mark.rule("PEN-1")
def test_a_ruling_in_any_other_hearing_adds_to_the_earlier_ones() -> None:
    story = filed().uphold(COUPON, penalties=(POINTS,)).carry_out()
    bad = replace(GOOD, result=1)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=bad)
    story.to_the_ruling().uphold(COUPON, penalties=(RANK,))
    assert not story.reversals()
    assert story.states() == ["done", "done", "done", "applied", "applied", "counted"]
    assert story.ledger.balance()[Action.ISSUE_COUPON, "order-1001", 500, None] == 2


@pytest.mark.rule("PEN-1", "PEN-9")
def test_a_dismissal_in_an_appeal_can_turn_the_penalty_round() -> None:
    story = filed().uphold(REFUND, penalties=(POINTS,)).carry_out()
    story.appeal().dismiss(Violation(row="malicious_return"))
    assert story.ledger.balance() == Counter([("malicious_return", BUYER.id, None)])
    story.appeal(BUYER).uphold(REFUND).carry_out()
    assert story.open_case.final
    assert story.ledger.balance() == Counter(
        [(Action.REFUND, "order-1001", 19_900, None), (Counted.UPHELD_COMPLAINT, SELLER.id)]
    )
    assert {notice.template for notice in story.sent("ruled_final")} == {"ruled_final"}


@pytest.mark.rule("PEN-1", "COO-1")
def test_what_the_parties_agreed_on_stays() -> None:
    story = Books()
    story.to_coordination()
    story.accepted(events.ProposeRemedy, BUYER, terms=COUPON)
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    balance = story.ledger.balance()
    story.appeal().dismiss()
    assert not story.reversals()
    assert story.ledger.balance() == balance
    story.appeal(BUYER).uphold(COUPON, penalties=(POINTS,)).carry_out()
    assert story.ledger.balance()[Action.ISSUE_COUPON, "order-1001", 500, None] == 1, "it was issued already"
    assert story.open_case.penalties[0].state is PenaltyState.APPLIED


@pytest.mark.rule("PEN-3")
@pytest.mark.parametrize("upheld", [True, False])
def test_what_fell_by_count_goes_with_the_count(upheld: bool) -> None:
    story = filed()
    story.counts[Counted.UPHELD_COMPLAINT] = 9
    story.uphold(COUPON).carry_out()
    assert [p.row for p in story.open_case.penalties] == ["complaints_in_number"]
    story.appeal()
    if upheld:
        story.uphold(COUPON)
        assert not story.reversals()
    else:
        story.dismiss()
        assert not story.ledger.entries
        assert story.open_case.occurrences[0].state is OccurrenceState.REVERSED
    state = PenaltyState.APPLIED if upheld else PenaltyState.REVERSED
    assert [p.state for p in story.open_case.penalties] == [state]
    assert len(story.open_case.occurrences) == 1


@pytest.mark.rule("PEN-1", "ADM-6")
def test_removed_reviews_come_back() -> None:
    story = about_review("abusive_wording")
    terms = RemedyTerms(kind=RemedyKind.REVIEW_REMOVAL)
    story.order = order(state=OrderState.SUCCEEDED, state_since=START - timedelta(days=1))
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="ADM-6", remedies=(terms,))
    buyer = Actor(id=BUYER.id, role=Role.RESPONDENT)
    story.accepted(events.FileAppeal, buyer, channel=Channel.HOTLINE, items=(item("photo", "new"),))
    story.accepted(events.SubmitStatement, buyer, text=text("statement"))
    story.accepted(events.RecordFinding, AGENTS[1], proven=False)
    story.accepted(events.IssueRuling, AGENTS[1], outcome=Outcome.DISMISSED, rule="ADM-6")
    (remedy,) = story.open_case.remedies
    assert remedy.state is RemedyState.REVERSED
    (back,) = [f.effect for f in story.all(facts.EffectOrdered) if isinstance(f.effect, effects.Reverse)]
    assert (back.subject, back.reverses) == (remedy.id, remedy.steps[0].key)
    assert not story.open_case.penalties
    assert "PEN-1" in {rule for f in story.all(facts.EffectOrdered) for rule in f.rules}


# --- what is not done yet, and what is done by hand -----------------------------------------


@pytest.mark.rule("COO-3", "FUP-3")
def test_what_is_owed_and_not_begun_is_owed_no_longer() -> None:
    """In the appeal an exchange was ruled, and a refund that failed brought the case back before it was done."""
    story = filed().dismiss().appeal(BUYER)
    story.failing = {Action.REFUND}
    story.uphold(EXCHANGE, REFUND)
    assert story.at(Stage.RULING)
    story.dismiss()
    assert story.states()[:3] == ["cancelled", "failed", "cancelled"]
    assert story.clock(ClockKind.REMEDY, "M1").state is ClockState.CANCELLED
    assert story.clock(ClockKind.REMEDY, "M3").state is ClockState.CANCELLED
    assert story.at(Stage.FOLLOW_UP)
    refusal = story.refused(events.ReportRemedy, BUYER, remedy="M1", done=True)
    assert (refusal.code, refusal.rule) == ("remedy_settled", "FUP-3")


@pytest.mark.rule("COO-3", "FUP-3")
def test_goods_that_went_back_stay_there_and_the_refund_is_taken_back() -> None:
    story = filed().uphold(RETURN, EXCHANGE).carry_out()
    story.appeal().dismiss()
    returned, exchanged, apology = story.open_case.remedies
    assert (returned.state, exchanged.state, apology.state) == (
        RemedyState.REVERSED,
        RemedyState.DONE,
        RemedyState.DONE,
    )
    assert all(step.done_at is not None for step in returned.steps)
    counted, refunded = story.open_case.occurrences[0].key, returned.steps[1].key
    assert story.reversals() == [counted, refunded], "the refund came when the goods were back"


@pytest.mark.rule("COO-3", "FUP-3")
def test_what_was_paid_in_advance_is_taken_back_although_the_goods_are_still_due() -> None:
    policy = default_book().in_force("platform", START)
    rule = policy.pack.remedies[RemedyKind.RETURN_AND_REFUND]
    remedies = policy.pack.remedies | {RemedyKind.RETURN_AND_REFUND: replace(rule, steps=rule.steps[::-1])}
    book = PolicyBook({policy.ref: replace(policy, pack=replace(policy.pack, remedies=remedies))})
    story = filed(book=book).dismiss().appeal(BUYER)
    story.uphold(RETURN)
    assert story.states()[0] == "ordered"
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    story.dismiss()
    assert story.states()[0] == "reversed"
    assert story.clock(ClockKind.REMEDY, "M1").state is ClockState.CANCELLED
    assert not story.ledger.entries


# --- what goes wrong ------------------------------------------------------------------------


@pytest.mark.rule("PEN-1")
def test_before_all_is_reported_nothing_is_ruled_anew() -> None:
    story = filed().dismiss().appeal(BUYER)
    story.hold = True
    story.uphold(COUPON, penalties=(POINTS,))
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    while entering := [e for e in story.open_case.outbox if isinstance(e, Entry)]:
        refusal = story.refused(events.IssueRuling, story.agent, outcome=Outcome.DISMISSED, rule="VER-5")
        assert (refusal.code, refusal.rule) == ("effects_running", "PEN-1")
        result = events.Result(key=entering[0].key, outcome=story.outcome(entering[0]))
        story.happen(events.EffectsReported(results=(result,)))
    story.dismiss()
    story.answer_effects()
    assert not story.ledger.entries
    assert len(story.reversals()) == 3


@pytest.mark.rule("PEN-1", "COO-3")
def test_what_cannot_be_taken_back_stands_and_the_rest_goes_on() -> None:
    story = filed().uphold(REFUND, COUPON, penalties=(POINTS,)).carry_out()
    refund = story.open_case.remedies[0].steps[0].key
    story.stuck = lambda effect: effect.reverses == refund
    story.appeal().dismiss()
    assert story.states() == ["done", "reversed", "done", "reversed", "reversed"]
    assert story.ledger.balance() == Counter([(Action.REFUND, "order-1001", 19_900, None)])
    assert story.clock(ClockKind.PAYOUT, "M1").state is ClockState.CANCELLED
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("COO-3", "FUP-3")
def test_nothing_is_paid_beyond_the_cap_where_a_payment_could_not_be_taken_back() -> None:
    """The new ruling was to replace the refund; the platform has to decide again."""
    story = filed().uphold(replace(REFUND, amount_fen=10_000)).carry_out()
    story.stuck = lambda effect: effect.subject == "M1"
    story.appeal().uphold(replace(REFUND, amount_fen=15_000))
    failed = story.open_case.remedies[-1]
    assert (failed.state, failed.failed_by, failed.steps[0].key) == (RemedyState.FAILED, Party.PLATFORM, "")
    assert story.ledger.balance()[Action.REFUND, "order-1001", 10_000, None] == 1
    assert story.at(Stage.RULING)
    story.stuck = lambda _: False
    story.uphold(replace(REFUND, amount_fen=10_000), replace(REFUND, amount_fen=5_000)).carry_out()
    amounts = [e.amount_fen for e in story.ledger.entries.values() if isinstance(e, effects.CarryOut)]
    assert amounts == [10_000, 5_000]


@pytest.mark.rule("PEN-1", "ESC-1")
def test_a_reversal_that_hangs_raises_the_case() -> None:
    story = filed().uphold(COUPON, penalties=(POINTS,)).carry_out()
    story.appeal()
    story.hold = True
    story.dismiss()
    assert reversal.under_way(story.open_case)
    others = [e for e in story.open_case.outbox if not isinstance(e, effects.Reverse)]
    story.happen(
        events.EffectsReported(results=tuple(events.Result(key=e.key, outcome=story.outcome(e)) for e in others))
    )
    story.wait(hours=25)
    first = next(e for e in story.open_case.outbox if isinstance(e, effects.Reverse))
    assert any(fact.escalation.clock == f"payout:{first.subject}" for fact in story.all(facts.LevelRaised))
    assert story.at(Stage.FEEDBACK)
    story.answer_effects()
    assert story.at(Stage.FOLLOW_UP)
    assert not story.ledger.entries


@pytest.mark.rule("PEN-1", "FUP-3")
def test_a_case_that_comes_back_while_something_is_taken_back_begins_nothing_of_the_old_ruling() -> None:
    """The exchange that the ruling keeps fails while the coupon is still being taken back."""
    story = filed().dismiss().appeal(BUYER)
    story.failing = {Action.REFUND}
    story.uphold(EXCHANGE, COUPON, REFUND)
    story.failing = set()
    assert story.at(Stage.RULING)
    story.hold = True
    story.uphold(EXCHANGE, COMPENSATION)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=False)
    assert story.at(Stage.RULING)
    story.answer_effects()
    kinds = [remedy.terms.kind for remedy in story.open_case.remedies]
    assert RemedyKind.COMPENSATION not in kinds
    story.hold = False
    story.uphold(COMPENSATION).carry_out()
    assert {e.action for e in story.ledger.entries.values() if isinstance(e, effects.CarryOut)} == {
        Action.PAY_COMPENSATION
    }


@pytest.mark.rule("PEN-1", "INT-2")
def test_what_an_earlier_complaint_on_the_order_brought_is_not_touched() -> None:
    story = filed().uphold(COUPON, penalties=(POINTS,)).carry_out()
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    assert story.at(Stage.CLOSED)
    before = story.ledger.balance()
    story.happen(
        complaint(
            request_id="r-again", category=Category.AFTER_SALES, evidence=(item("chat_log"),), title=text("another")
        )
    )
    assert story.at(Stage.ACCEPTANCE)
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    proven: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "service_refused", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, story.agent, proven=True, **proven)
    story.accepted(events.CallForRuling, story.agent)
    story.uphold(COUPON, penalties=(POINTS,)).carry_out()
    assert story.ledger.balance() == before + before, "the second complaint counts, and is penalised, by itself"
    story.accepted(events.FileAppeal, SELLER, channel=Channel.HOTLINE, items=(item("video", "new"),))
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    shown = tuple(each.id for each in story.open_case.evidence if each.kind == "chat_log")
    story.accepted(events.RecordFinding, story.agent, proven=False, evidence=shown)
    story.dismiss()
    assert story.ledger.balance() == before
    assert story.all(facts.PenaltySet)[-1].rules == ("PEN-1",)


# --- any mix ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decided:
    """A ruling as drawn; without remedies it is a dismissal."""

    terms: tuple[RemedyTerms, ...]
    penalties: tuple[Violation, ...]

    def balance(self) -> Counter[tuple[object, ...]]:
        """What it comes to in the ledger."""
        actions = {
            RemedyKind.REFUND: Action.REFUND,
            RemedyKind.COUPON: Action.ISSUE_COUPON,
            RemedyKind.COMPENSATION: Action.PAY_COMPENSATION,
        }
        wanted = Counter[tuple[object, ...]]()
        for terms in self.terms:
            if terms.kind in actions:
                wanted[actions[terms.kind], terms.order or "order-1001", terms.amount_fen, None] += 1
        for violation in self.penalties:
            subject = BUYER.id if violation.row == "malicious_return" else SELLER.id
            wanted[violation.row, subject, 2 if violation.row == "points" else None] += 1
        if self.terms:
            wanted[Counted.UPHELD_COMPLAINT, SELLER.id] += 1
        return wanted


ORDERS = ("order-1001", "order-1002")
TERMS = st.one_of(
    st.builds(
        RemedyTerms,
        kind=st.sampled_from([RemedyKind.REFUND, RemedyKind.COUPON, RemedyKind.COMPENSATION]),
        amount_fen=st.integers(1, 3).map(lambda number: 100 * number),
        order=st.none() | st.sampled_from(ORDERS),
    ),
    st.just(EXCHANGE),
)
ROWS = st.lists(st.sampled_from(("points", "ranked_down", "listing_removed", "malicious_return")), unique=True)


@st.composite
def rulings(draw: st.DrawFn) -> Decided:
    """Any ruling, far from every cap."""
    terms = tuple(draw(st.lists(TERMS, max_size=4)))
    rows = draw(ROWS)
    if not terms:
        rows = [row for row in rows if row == "malicious_return"]
    return Decided(terms=terms, penalties=tuple(Violation(row=row) for row in rows))


def pronounce(story: Books, ruling: Decided) -> None:
    if ruling.terms:
        story.uphold(*ruling.terms, penalties=ruling.penalties)
    else:
        story.dismiss(*ruling.penalties)


def report(story: Books, draw: Callable[[Any], Any]) -> list[str]:
    """Let the world answer in any order, one by one, some of it twice or late; the keys whose reversal failed."""
    stuck, told = list[str](), list[events.Result]()

    def fails(effect: effects.Reverse) -> bool:
        if draw(st.integers(0, 3)) == 0:
            stuck.append(effect.reverses)
        return effect.reverses in stuck

    story.stuck = fails
    while story.open_case.outbox:
        running = [e for e in story.open_case.outbox if isinstance(e, effects.Reverse)]
        entering = [e for e in story.open_case.outbox if isinstance(e, Entry)]
        assert len(running) <= 1, "one at a time"
        assert not (running and entering), "what is new comes after what is taken back"
        effect = draw(st.sampled_from(story.open_case.outbox))
        result = events.Result(key=effect.key, outcome=story.outcome(effect))
        late = [draw(st.sampled_from(told))] if told and draw(st.booleans()) else []
        told.append(result)
        story.happen(events.EffectsReported(results=(*late, result, result)))
    return stuck


@pytest.mark.rule("PEN-1", "PEN-3", "COO-3")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_ledger_holds_what_the_last_ruling_says_and_nothing_else(data: st.DataObject) -> None:
    """Whatever was ruled before, and in whatever order the world answers: of earlier rulings there is left only what
    could not be taken back. A dismissal returns the ledger to its balance from before the first ruling.
    """
    story = Books()
    story.other_orders = {"order-1002": order(order="order-1002", state=OrderState.SUCCEEDED)}
    story.to_verification(orders=ORDERS)
    story.to_the_ruling()
    story.ledger.enter(
        effects.CountOccurrence(
            key="another:1:1", occurrence="O1", counts=Counted.UPHELD_COMPLAINT, seller="seller-999", within_days=30
        )
    )
    before = story.ledger.balance()
    for hearing in range(3):
        if hearing:
            story.appeal(data.draw(st.sampled_from((BUYER, SELLER))))
        ruling = data.draw(rulings())
        earlier, entries, done = story.ledger.balance() - before, dict(story.ledger.entries), len(story.reversals())
        story.hold = True
        pronounce(story, ruling)
        stuck = report(story, data.draw)
        story.hold = False
        keys = story.reversals()[done:]
        assert keys == sorted(keys, key=number), "in recorded order"
        assert Counter(content(entries[key]) for key in keys) == earlier - ruling.balance()
        left = Counter(content(entries[key]) for key in stuck)
        assert story.ledger.balance() == before + ruling.balance() + left
        if not ruling.terms and not ruling.penalties and not left:
            event("dismissed, and everything taken back")
            assert story.ledger.balance() == before
        story.carry_out()
    assert fold(story.entries) == story.case
