"""Penalties: every row of the table applied in a ruling, and those that fall by count (PEN-1, PEN-3 to PEN-6, PEN-9 to
PEN-11).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.book import default_book
from policies.schema import (
    Category,
    ClockKind,
    Counted,
    Outcome,
    Party,
    PenaltyKind,
    PointClass,
    RemedyKind,
    Role,
    Side,
    Stage,
)
from states import effects, events, facts
from states.values import (
    Actor,
    Claim,
    ClockState,
    OccurrenceState,
    PenaltyState,
    RemedyTerms,
    Violation,
)
from tests.states.story import BUYER, CHIEF, REFUND, SELLER, START, Story, item, text
from tests.states.test_ruling import about_review

APOLOGY = RemedyTerms(kind=RemedyKind.APOLOGY)
ITEMS = {"E1": "chat_log", "E2": "screenshot", "E3": "listing", "E4": "payment_record", "E5": "photo"}
"""What every complaint of these tests brings."""
CASES: dict[Category, tuple[str, RemedyTerms]] = {
    Category.QUALITY: ("defective_goods", REFUND),
    Category.INVOICE: ("invoice_refused", RemedyTerms(kind=RemedyKind.INVOICE)),
    Category.BROKEN_PROMISE: ("promise_not_kept", REFUND),
    Category.PAYMENT: ("charged_twice", REFUND),
    Category.DATA_LEAK: ("data_disclosed", APOLOGY),
    Category.ORDER: ("order_changed", REFUND),
    Category.OFF_PLATFORM_PAYMENT: ("account_given", REFUND),
    Category.FALSE_ADVERTISING: ("false_content", REFUND),
    Category.PRICE_PROMOTION: ("price_misstated", REFUND),
    Category.SERVICE_HANDLING: ("handled_late", APOLOGY),
}


@dataclass(frozen=True)
class Row:
    """A row of the penalty table as the rules have it."""

    kind: PenaltyKind
    rule: str
    points: int | None = None
    category: Category = Category.QUALITY
    cites: tuple[str, ...] = ()
    against: Side = Side.SELLER
    point_class: PointClass | None = None


POINTS = PenaltyKind.POINTS
MESSAGE, LISTING = ("chat_log", "screenshot"), ("listing", "screenshot")
TABLE = {
    "listing_removed": Row(PenaltyKind.LISTING_REMOVED, "PEN-1"),
    "points": Row(POINTS, "PEN-1", 2),
    "ranked_down": Row(PenaltyKind.RANKED_DOWN, "PEN-1"),
    "passive_service_repeated": Row(POINTS, "PEN-3", 2, point_class=PointClass.A),
    "complaints_in_number": Row(POINTS, "PEN-3", 2, point_class=PointClass.A),
    "invoice": Row(POINTS, "PEN-5", 6, Category.INVOICE),
    "free_shipping_promise": Row(POINTS, "PEN-5", 4, Category.BROKEN_PROMISE),
    "credit_card": Row(POINTS, "PEN-5", 4, Category.PAYMENT),
    "cash_on_delivery": Row(POINTS, "PEN-5", 4, Category.PAYMENT),
    "data_leak": Row(POINTS, "PEN-5", 6, Category.DATA_LEAK),
    "transaction_closed": Row(POINTS, "PEN-5", 1, Category.ORDER),
    "bank_account_given": Row(POINTS, "PEN-6", 6, Category.OFF_PLATFORM_PAYMENT, MESSAGE),
    "transfer_demanded": Row(POINTS, "PEN-6", 12, Category.OFF_PLATFORM_PAYMENT, MESSAGE),
    "invoice_for_other_goods": Row(POINTS, "PEN-10", 6, Category.INVOICE, MESSAGE),
    "invoice_for_other_amount": Row(POINTS, "PEN-10", 6, Category.INVOICE, MESSAGE),
    "invoice_denied": Row(POINTS, "PEN-10", 6, Category.INVOICE, MESSAGE),
    "postage_charged": Row(POINTS, "PEN-10", 4, Category.PRICE_PROMOTION, LISTING),
    "offer_denied": Row(POINTS, "PEN-10", 4, Category.PRICE_PROMOTION, MESSAGE),
    "false_registration_restricted": Row(PenaltyKind.ACCOUNT_RESTRICTED, "PEN-9", against=Side.BUYER),
    "false_registration_frozen": Row(PenaltyKind.ACCOUNT_FROZEN, "PEN-9", against=Side.BUYER),
    "false_registration_closed": Row(PenaltyKind.ACCOUNT_CLOSED, "PEN-9", against=Side.BUYER),
    "malicious_return": Row(PenaltyKind.ACCOUNT_RESTRICTED, "PEN-9", against=Side.BUYER),
    "fake_trade": Row(PenaltyKind.ACCOUNT_RESTRICTED, "PEN-9"),
    "false_review": Row(PenaltyKind.ACCOUNT_RESTRICTED, "PEN-9", against=Side.BUYER),
    "unlawful_listing": Row(PenaltyKind.LISTING_REMOVED, "PEN-9"),
    "infringing_listing": Row(PenaltyKind.LISTING_REMOVED, "PEN-9"),
}
"""Every row with a figure, or that needs none."""
WITHOUT_FIGURE = ("payment_method", "deposit_fraud", "quality_inspection", "description_mismatch", "superlatives")
"""The rows whose points no rule states (PEN-11)."""
CITING = [name for name, row in TABLE.items() if row.cites]


def to_ruling(category: Category = Category.QUALITY, story: Story | None = None, **changes: Any) -> Story:
    """A proven complaint of a category, with every kind of evidence on file."""
    cause, terms = CASES[category]
    claim = Claim(remedies=(terms.kind,), amount_fen=terms.amount_fen)
    given = {"evidence": tuple(item(kind) for kind in ITEMS.values()), "claim": claim}
    return (story or Story()).to_ruling(category=category, cause=cause, **given | changes)


def violation(name: str) -> Violation:
    """A row with an item that it can cite."""
    row = TABLE.get(name)
    cited = next((id_ for id_, kind in ITEMS.items() if row and kind in row.cites), None)
    return Violation(row=name, evidence=(cited,) if cited else ())


def uphold(story: Story, *violations: Violation) -> None:
    terms = CASES[story.open_case.category][1]
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-4", remedies=(terms,), penalties=violations)


def refusal(story: Story, *violations: Violation, outcome: Outcome = Outcome.UPHELD) -> tuple[str, str]:
    """Why a ruling with these violations is refused: code and rule."""
    granted = (CASES[story.open_case.category][1],) if outcome is Outcome.UPHELD else ()
    refused = story.refused(events.IssueRuling, outcome=outcome, rule="VER-4", remedies=granted, penalties=violations)
    return refused.code, refused.rule


def entered(story: Story) -> list[effects.ApplyPenalty]:
    """Every entry that the ledger was asked for."""
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.ApplyPenalty)]


# --- the table ------------------------------------------------------------------------------


def test_the_table_has_these_rows_and_no_other() -> None:
    assert set(default_book().in_force("platform", START).pack.penalties) == {*TABLE, *WITHOUT_FIGURE}


@pytest.mark.parametrize("name", [pytest.param(each, marks=pytest.mark.rule(TABLE[each].rule)) for each in TABLE])
def test_every_row_is_applied_in_a_ruling(name: str) -> None:
    """Kind, points, class, rule and subject of each row (PEN-1, PEN-3, PEN-5, PEN-6, PEN-9, PEN-10)."""
    row = TABLE[name]
    story = to_ruling(row.category)
    uphold(story, violation(name))
    (effect,) = entered(story)
    subject = SELLER.id if row.against is Side.SELLER else BUYER.id
    assert (effect.row, effect.kind, effect.rule) == (name, row.kind, row.rule)
    assert (effect.points, effect.point_class) == (row.points, row.point_class)
    assert (effect.subject, effect.policy) == (subject, "platform@2024-07-22")
    (penalty,) = story.open_case.penalties
    assert (penalty.row, penalty.kind, penalty.rule) == (name, row.kind, row.rule)
    assert (penalty.points, penalty.point_class) == (row.points, row.point_class)
    assert penalty.against is (Party.RESPONDENT if row.against is Side.SELLER else Party.COMPLAINANT)
    assert (penalty.state, penalty.key, penalty.policy) == (PenaltyState.APPLIED, effect.key, effect.policy)
    assert penalty.evidence == violation(name).evidence


@pytest.mark.rule("PEN-6")
def test_handing_out_an_account_and_asking_for_the_transfer_are_two_violations() -> None:
    story = to_ruling(Category.OFF_PLATFORM_PAYMENT)
    uphold(story, violation("bank_account_given"), violation("transfer_demanded"))
    assert [(effect.row, effect.points) for effect in entered(story)] == [
        ("bank_account_given", 6),
        ("transfer_demanded", 12),
    ]


@pytest.mark.rule("PEN-10")
@pytest.mark.parametrize("name", CITING)
def test_a_violation_cites_its_message_or_listing(name: str) -> None:
    row = TABLE[name]
    story = to_ruling(row.category)
    other = next(id_ for id_, kind in ITEMS.items() if kind not in row.cites)
    assert refusal(story, Violation(row=name)) == ("evidence_missing", "PEN-10")
    assert refusal(story, Violation(row=name, evidence=(other,))) == ("evidence_missing", "PEN-10")
    assert refusal(story, Violation(row=name, evidence=("E99",))) == ("unknown_evidence", "PEN-10")
    for id_ in (id_ for id_, kind in ITEMS.items() if kind in row.cites):
        again = to_ruling(row.category)
        uphold(again, Violation(row=name, evidence=(other, id_)))
        assert again.open_case.penalties[0].evidence == (other, id_)


@pytest.mark.rule("PEN-11")
@pytest.mark.parametrize("name", WITHOUT_FIGURE)
def test_a_row_without_a_figure_needs_a_policy_that_states_it(name: str) -> None:
    story = to_ruling()
    assert name in story.book.policy(story.open_case.policy).pack.penalties
    assert refusal(story, Violation(row=name)) == ("no_figure", "PEN-11")


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.category is not Category.QUALITY])
def test_a_row_of_other_categories_does_not_apply(name: str) -> None:
    story = to_ruling()
    assert refusal(story, violation(name)) == ("wrong_category", TABLE[name].rule)
    uphold(story)
    assert not entered(story)


# --- PEN-1: entered once -----------------------------------------------------------------------


@pytest.mark.rule("PEN-1")
def test_each_penalty_is_entered_once_citing_case_rule_and_policy() -> None:
    story = to_ruling()
    uphold(story, *(Violation(row=row) for row in ("listing_removed", "points", "ranked_down")))
    applied = entered(story)
    assert [effect.kind for effect in applied] == [
        PenaltyKind.LISTING_REMOVED,
        PenaltyKind.POINTS,
        PenaltyKind.RANKED_DOWN,
    ]
    assert len({effect.key for effect in applied}) == 3
    assert all(effect.key.startswith("buyer-017/order-1001:") for effect in applied)
    assert [penalty.state for penalty in story.open_case.penalties] == [PenaltyState.APPLIED] * 3
    assert {story.clock(ClockKind.PAYOUT, p.id).state for p in story.open_case.penalties} == {ClockState.MET}
    entries = len(story.entries)
    results = tuple(events.Result(key=e.key, outcome=effects.Done(at=story.now)) for e in applied)
    story.happen(events.EffectsReported(results=results))
    assert len(story.entries) == entries, "reported twice, entered once"


@pytest.mark.rule("PEN-1")
def test_a_row_is_applied_once_in_a_case() -> None:
    story = to_ruling()
    points = Violation(row="points")
    assert refusal(story, points, points) == ("penalty_twice", "PEN-1")
    uphold(story, points)
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    part = (RemedyTerms(kind=RemedyKind.COUPON, amount_fen=100),)
    again = story.refused(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=part, penalties=(points,))
    assert (again.code, again.rule) == ("penalty_twice", "PEN-1")


@pytest.mark.rule("PEN-1")
def test_a_penalty_that_the_table_does_not_hold_is_refused() -> None:
    story = to_ruling()
    assert refusal(story, Violation(row="flogging")) == ("unknown_penalty", "PEN-1")
    assert not entered(story)


@pytest.mark.rule("PEN-1", "ESC-1")
def test_a_penalty_that_the_ledger_refuses_has_failed_and_one_that_hangs_raises_the_case() -> None:
    story = to_ruling()
    story.hold = True
    uphold(story, Violation(row="points"), Violation(row="ranked_down"))
    first, second = entered(story)
    story.happen(
        events.EffectsReported(results=(events.Result(key=first.key, outcome=effects.Failed(code="no_shop")),))
    )
    assert [penalty.state for penalty in story.open_case.penalties] == [PenaltyState.FAILED, PenaltyState.IMPOSED]
    assert story.clock(ClockKind.PAYOUT, "N1").state is ClockState.CANCELLED
    story.wait(hours=25)
    assert any(fact.escalation.clock == "payout:N2" for fact in story.all(facts.LevelRaised))
    story.happen(events.EffectsReported(results=(events.Result(key=second.key, outcome=effects.Done(at=story.now)),)))
    assert story.open_case.penalties[1].state is PenaltyState.APPLIED


@pytest.mark.rule("COO-1")
def test_an_agreement_brings_no_penalty() -> None:
    assert not entered(Story().to_follow_up())


# --- PEN-4: the policy of the time of the conduct -------------------------------------------


def judged(conduct_at: datetime) -> Story:
    """A complaint about conduct of that day, ready for the ruling."""
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(
        events.RecordFinding,
        proven=True,
        responsible=Party.RESPONDENT,
        cause="defective_goods",
        evidence=("E1",),
        conduct_at=conduct_at,
    )
    story.accepted(events.CallForRuling)
    return story


@pytest.mark.rule("PEN-4")
def test_penalties_follow_the_day_of_the_conduct() -> None:
    old = judged(datetime(2024, 7, 21, 12, tzinfo=UTC))
    assert refusal(old, Violation(row="passive_service_repeated")) == ("not_in_force", "PEN-4")
    uphold(old, Violation(row="points"))
    assert entered(old)[0].policy == "platform@2020-01-01"
    assert not old.open_case.occurrences, "nothing was counted yet"
    new = judged(datetime(2024, 7, 22, 12, tzinfo=UTC))
    uphold(new, Violation(row="passive_service_repeated"))
    assert entered(new)[0].policy == "platform@2024-07-22"


@pytest.mark.rule("PEN-4")
def test_before_there_was_a_policy_there_is_no_penalty() -> None:
    story = judged(datetime(2019, 12, 31, 12, tzinfo=UTC))
    assert refusal(story, Violation(row="points")) == ("not_in_force", "PEN-4")
    uphold(story)
    assert not story.open_case.occurrences


# --- PEN-9: both sides --------------------------------------------------------------------------


@pytest.mark.rule("PEN-9")
def test_a_malicious_return_is_penalised_when_the_complaint_is_dismissed() -> None:
    story = to_ruling()
    assert refusal(story, Violation(row="points"), outcome=Outcome.DISMISSED) == ("nothing_to_grant", "COO-3")
    story.accepted(
        events.IssueRuling,
        outcome=Outcome.DISMISSED,
        rule="PEN-9",
        penalties=(Violation(row="malicious_return", evidence=("E5",)),),
    )
    (effect,) = entered(story)
    assert (effect.subject, effect.kind) == (BUYER.id, PenaltyKind.ACCOUNT_RESTRICTED)
    assert story.open_case.penalties[0].against is Party.COMPLAINANT
    assert not story.open_case.occurrences
    assert story.at(Stage.FOLLOW_UP)


@pytest.mark.rule("PEN-9", "ADM-6")
def test_the_buyer_can_be_the_respondent() -> None:
    """A seller's complaint about a false review: the measure is against the account of the reviewer."""
    story = about_review("abusive_wording")
    story.accepted(
        events.IssueRuling,
        outcome=Outcome.UPHELD,
        rule="ADM-6",
        remedies=(RemedyTerms(kind=RemedyKind.REVIEW_REMOVAL),),
        penalties=(Violation(row="false_review", evidence=("E1",)),),
    )
    assert [(effect.row, effect.subject) for effect in entered(story)] == [("false_review", BUYER.id)]
    assert story.open_case.penalties[0].against is Party.RESPONDENT
    assert not story.open_case.occurrences, "it is the seller who complained"


@pytest.mark.rule("PEN-9", "INT-7")
@pytest.mark.parametrize("side", Side)
def test_where_the_service_is_complained_about_only_the_complainant_answers(side: Side) -> None:
    """The shop of the order is no party, nor is the buyer where the shop complains."""
    who, other = (BUYER.id, "points") if side is Side.BUYER else (SELLER.id, "malicious_return")
    own = "malicious_return" if side is Side.BUYER else "fake_trade"
    story = Story()
    service = Actor(id="service-desk", role=Role.RESPONDENT)
    story.file(
        actor=Actor(id=who, role=Role.COMPLAINANT),
        complainant=who,
        respondent=service.id,
        category=Category.SERVICE_HANDLING,
        agent_concerned="agent-44",
        claim=Claim(remedies=(RemedyKind.APOLOGY,)),
        evidence=(item("chat_log"),),
    )
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, service, text=text("statement"))
    story.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="handled_late", evidence=("E1",)
    )
    story.accepted(events.CallForRuling)
    code, rule = refusal(story, Violation(row=other))
    assert (code, rule) == ("no_such_party", TABLE[other].rule)
    uphold(story, Violation(row=own))
    assert [(effect.row, effect.subject) for effect in entered(story)] == [(own, who)]
    assert not story.open_case.occurrences, "the service is no seller"


# --- PEN-3: by count ----------------------------------------------------------------------------


def counts(story: Story) -> list[effects.CountOccurrence]:
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [effect for effect in ordered if isinstance(effect, effects.CountOccurrence)]


@pytest.mark.rule("PEN-3")
@pytest.mark.parametrize(("count", "falls"), [(1, False), (9, False), (10, True), (11, False), (19, False), (20, True)])
def test_every_tenth_upheld_complaint_within_thirty_days_costs_two_points_of_class_a(count: int, falls: bool) -> None:
    story = to_ruling()
    story.counts[Counted.UPHELD_COMPLAINT] = count - 1
    uphold(story)
    (effect,) = counts(story)
    assert (effect.counts, effect.seller, effect.within_days) == (Counted.UPHELD_COMPLAINT, SELLER.id, 30)
    (occurrence,) = story.open_case.occurrences
    assert (occurrence.state, occurrence.count, occurrence.key) == (OccurrenceState.COUNTED, count, effect.key)
    assert story.clock(ClockKind.PAYOUT, occurrence.id).state is ClockState.MET
    assert [p.row for p in story.open_case.penalties] == ["complaints_in_number"] * falls
    for penalty, entry in zip(story.open_case.penalties, entered(story), strict=True):
        assert (entry.points, entry.point_class, entry.subject) == (2, PointClass.A, SELLER.id)
        assert (penalty.occurrence, penalty.rule, penalty.state) == (occurrence.id, "PEN-3", PenaltyState.APPLIED)


@pytest.mark.rule("PEN-3")
@pytest.mark.parametrize(("count", "falls"), [(1, False), (2, False), (3, True), (4, False), (6, True)])
def test_every_third_passive_service_within_ninety_days_costs_two_points_of_class_a(count: int, falls: bool) -> None:
    """A seller that makes no defence serves passively (VER-3)."""
    story = Story().to_verification()
    story.wait(hours=49)
    story.accepted(
        events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause="defective_goods", evidence=("E1",)
    )
    story.accepted(events.CallForRuling)
    story.counts[Counted.PASSIVE_SERVICE] = count - 1
    uphold(story)
    passive = next(effect for effect in counts(story) if effect.counts is Counted.PASSIVE_SERVICE)
    assert (passive.seller, passive.within_days) == (SELLER.id, 90)
    assert {effect.counts for effect in counts(story)} == set(Counted)
    assert [p.row for p in story.open_case.penalties] == ["passive_service_repeated"] * falls
    assert [(entry.points, entry.point_class) for entry in entered(story)] == [(2, PointClass.A)] * falls


@pytest.mark.rule("PEN-3", "CON-2")
@pytest.mark.parametrize(("row", "passive"), [("impatience", True), ("late_reply", False)])
def test_a_finding_about_the_staff_counts_where_its_row_is_passive_service(row: str, passive: bool) -> None:
    story = to_ruling()
    conduct_at = story.now - timedelta(days=1)
    story.accepted(events.RecordConduct, CHIEF, row="unanswered", staff="staff-1", conduct_at=conduct_at)
    other = to_ruling()
    other.accepted(events.RecordConduct, CHIEF, row=row, staff="staff-1", conduct_at=conduct_at)
    uphold(story)
    uphold(other)
    assert {effect.counts for effect in counts(story)} == set(Counted)
    assert (Counted.PASSIVE_SERVICE in {effect.counts for effect in counts(other)}) is passive


@pytest.mark.rule("PEN-3")
def test_a_complaint_counts_once_however_often_it_is_ruled_on() -> None:
    story = to_ruling()
    uphold(story)
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=False)
    assert story.at(Stage.RULING)
    coupon = (RemedyTerms(kind=RemedyKind.COUPON, amount_fen=100),)
    story.accepted(events.IssueRuling, outcome=Outcome.UPHELD, rule="VER-5", remedies=coupon)
    assert len(counts(story)) == 1


@pytest.mark.rule("PEN-3", "VER-4")
def test_what_another_is_responsible_for_does_not_count_against_the_seller() -> None:
    story = Story().to_verification()
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    carrier: dict[str, Any] = {"responsible": Party.CARRIER, "cause": "damaged_in_transit", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, proven=True, **carrier)
    story.accepted(events.CallForRuling)
    uphold(story)
    assert not counts(story)
    sellers = to_ruling()
    uphold(sellers)
    assert len(counts(sellers)) == 1


@pytest.mark.rule("PEN-3")
def test_a_count_that_the_ledger_refuses_brings_no_penalty() -> None:
    story = to_ruling()
    story.hold = True
    story.counts[Counted.UPHELD_COMPLAINT] = 9
    uphold(story)
    (effect,) = counts(story)
    failed = events.Result(key=effect.key, outcome=effects.Failed(code="no_shop"))
    story.happen(events.EffectsReported(results=(failed,)))
    assert story.open_case.occurrences[0].state is OccurrenceState.FAILED
    assert story.clock(ClockKind.PAYOUT, "O1").state is ClockState.CANCELLED
    assert not story.open_case.penalties


@pytest.mark.rule("PEN-3")
def test_the_case_waits_for_the_count_and_for_the_penalty_that_it_brings() -> None:
    story = to_ruling()
    story.hold = True
    story.counts[Counted.UPHELD_COMPLAINT] = 9
    uphold(story)
    story.accepted(events.ReportRemedy, SELLER, remedy="M2", done=True)
    (count,) = counts(story)
    others = [effect for effect in story.open_case.outbox if effect is not count]
    story.happen(
        events.EffectsReported(results=tuple(events.Result(key=e.key, outcome=story.outcome(e)) for e in others))
    )
    assert story.at(Stage.FEEDBACK)
    story.answer_effects()
    assert [penalty.state for penalty in story.open_case.penalties] == [PenaltyState.APPLIED]
    assert story.at(Stage.FOLLOW_UP)
