"""Each row of the penalty table as a ruling applies it, and what falls by itself when things pile up."""

from functools import lru_cache
from typing import Any, NamedTuple

import pytest

from policies.book import PolicyBook, default_book
from policies.schema import Category, Counted, Outcome, Party, PenaltyKind, PointClass, Side
from states import effects, events, facts
from states.values import Penalty, PenaltyState, Refusal, Violation
from tests.figures.cases import (
    CATEGORIES,
    EVIDENCE,
    again,
    filed,
    found,
    in_ruling,
    refusal,
    ruling,
    unwindowed,
)
from tests.states.story import BUYER, SELLER, Story, text


class Row(NamedTuple):
    """A row of the table: the measure, on whom, where and on what it can be applied."""

    rule: str
    kind: PenaltyKind = PenaltyKind.POINTS
    points: int | None = None
    point_class: PointClass | None = None
    against: str = SELLER.id
    categories: str = ""
    """None named is all."""
    cites: str = ""


CLOSED, FROZEN, RESTRICTED = PenaltyKind.ACCOUNT_CLOSED, PenaltyKind.ACCOUNT_FROZEN, PenaltyKind.ACCOUNT_RESTRICTED
REMOVED, RANKED = PenaltyKind.LISTING_REMOVED, PenaltyKind.RANKED_DOWN
SAID = "chat_log screenshot"
PENALTIES = {
    "listing_removed": Row("PEN-1", REMOVED),
    "points": Row("PEN-1", points=2),
    "ranked_down": Row("PEN-1", RANKED),
    "invoice": Row("PEN-5", points=6, categories="invoice"),
    "free_shipping_promise": Row("PEN-5", points=4, categories="broken_promise price_promotion false_advertising"),
    "credit_card": Row("PEN-5", points=4, categories="payment broken_promise"),
    "cash_on_delivery": Row("PEN-5", points=4, categories="payment broken_promise"),
    "data_leak": Row("PEN-5", points=6, categories="data_leak"),
    "transaction_closed": Row("PEN-5", points=1, categories="order broken_promise"),
    "bank_account_given": Row("PEN-6", points=6, categories="off_platform_payment", cites=SAID),
    "transfer_demanded": Row("PEN-6", points=12, categories="off_platform_payment", cites=SAID),
    "invoice_for_other_goods": Row("PEN-10", points=6, categories="invoice", cites=SAID),
    "invoice_for_other_amount": Row("PEN-10", points=6, categories="invoice", cites=SAID),
    "invoice_denied": Row("PEN-10", points=6, categories="invoice", cites=SAID),
    "postage_charged": Row(
        "PEN-10", points=4, categories="broken_promise price_promotion false_advertising", cites="listing screenshot"
    ),
    "offer_denied": Row("PEN-10", points=4, categories="broken_promise price_promotion", cites=SAID),
    # No source states their figure (PEN-11).
    "payment_method": Row("PEN-11"),
    "deposit_fraud": Row("PEN-11"),
    "quality_inspection": Row("PEN-11"),
    "description_mismatch": Row("PEN-11"),
    "superlatives": Row("PEN-11"),
    "false_registration_restricted": Row("PEN-9", RESTRICTED, against=BUYER.id),
    "false_registration_frozen": Row("PEN-9", FROZEN, against=BUYER.id),
    "false_registration_closed": Row("PEN-9", CLOSED, against=BUYER.id),
    "malicious_return": Row("PEN-9", RESTRICTED, against=BUYER.id),
    "fake_trade": Row("PEN-9", RESTRICTED),
    "false_review": Row("PEN-9", RESTRICTED, against=BUYER.id),
    "unlawful_listing": Row("PEN-9", REMOVED),
    "infringing_listing": Row("PEN-9", REMOVED),
    "passive_service_repeated": Row("PEN-3", points=2, point_class=PointClass.A),
    "complaints_in_number": Row("PEN-3", points=2, point_class=PointClass.A),
}
HOME = {name: Category((row.categories or "quality").split()[0]) for name, row in PENALTIES.items()}
"""A category in which a row can be applied."""


@lru_cache(maxsize=2 * len(Category))
def before_ruling(category: Category, book: PolicyBook, side: Side | None = None) -> Story:
    """A case of a category that waits for its ruling, by a book of policies. A side complains, the usual one if none
    is named.
    """
    return in_ruling(category, side=side)


def told(row: str, category: Category, *evidence: str) -> Refusal | None:
    """Why a row cannot be applied in a case of a category, citing evidence of these kinds. Where the service is
    complained about, whom the row is against has to be the complainant: nobody else is a party (INT-7).
    """
    seller = CATEGORIES[category].names_agent and row in PENALTIES and PENALTIES[row].against == SELLER.id
    story = before_ruling(category, default_book(), Side.SELLER if seller else None)
    cited = tuple(each.id for each in story.open_case.evidence if each.kind in evidence)
    return refusal(story, events.IssueRuling, **ruling(unwindowed(category), Violation(row=row, evidence=cited)))


def figured(names: Any) -> list[str]:
    return [name for name in names if PENALTIES[name].rule != "PEN-11"]


@pytest.mark.parametrize("name", figured(PENALTIES))
@pytest.mark.rule("PEN-1", "PEN-4")
def test_a_row_is_applied_with_its_figures(name: str) -> None:
    row = PENALTIES[name]
    story = again(before_ruling(HOME[name], default_book()))
    evidence = tuple(each.id for each in story.open_case.evidence)[:20]
    story.accepted(events.IssueRuling, **ruling(unwindowed(HOME[name]), Violation(row=name, evidence=evidence)))
    (penalty,) = story.open_case.penalties
    (applied,) = (f.effect for f in story.all(facts.EffectOrdered) if isinstance(f.effect, effects.ApplyPenalty))
    for each in (penalty, applied):
        assert (each.row, each.kind, each.points, each.point_class) == (name, row.kind, row.points, row.point_class)
        assert each.rule == row.rule
    assert applied.subject == row.against
    assert penalty.against is (Party.COMPLAINANT if row.against == BUYER.id else Party.RESPONDENT)
    assert penalty.state is PenaltyState.APPLIED


@pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].rule == "PEN-11"])
@pytest.mark.rule("PEN-11")
def test_a_row_without_a_figure_cannot_be_applied(name: str) -> None:
    refused = told(name, HOME[name], *EVIDENCE)
    assert refused is not None
    assert (refused.code, refused.rule) == ("no_figure", "PEN-11")


@pytest.mark.parametrize("name", list(PENALTIES))
def test_categories_say_where_a_row_can_be_applied(name: str) -> None:
    row = PENALTIES[name]
    fits = {category for category in CATEGORIES if _code(told(name, category, *EVIDENCE)) != "wrong_category"}
    assert fits == set(map(Category, row.categories.split() or CATEGORIES))


@pytest.mark.parametrize("name", figured(PENALTIES))
def test_cites_say_what_shows_a_violation(name: str) -> None:
    shown = {kind for kind in EVIDENCE if _code(told(name, HOME[name], kind)) != "evidence_missing"}
    assert shown == set(PENALTIES[name].cites.split() or EVIDENCE)
    needs = _code(told(name, HOME[name])) == "evidence_missing"
    assert needs is bool(PENALTIES[name].cites)


def _code(refused: Refusal | None) -> str:
    return "" if refused is None else refused.code


def test_the_table_is_complete() -> None:
    """A row that is none is told the rows that there are."""
    refused = told("no_such_row", Category.QUALITY)
    assert refused is not None
    assert refused.message.endswith(f"not one of {', '.join(PENALTIES)}")


# --- repeats --------------------------------------------------------------------------------------


def upheld(silent: bool, **counted: int) -> Story:
    """A complaint that is upheld against a seller who made no defence, or did, with so much on its account before."""
    story = filed(Category.QUALITY)
    story.counts = {Counted(counts): number for counts, number in counted.items()}
    story.accepted(events.AcceptComplaint)
    if silent:
        story.wait(hours=48)
    else:
        story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    found(story).accepted(events.CallForRuling)
    story.accepted(events.IssueRuling, **ruling(unwindowed(Category.QUALITY)))
    return story


def fallen(story: Story) -> list[Penalty]:
    return list(story.open_case.penalties)


REPEATS = {  # what is counted: within days, times, the row that falls
    "passive_service": (90, 3, "passive_service_repeated"),
    "upheld_complaint": (30, 10, "complaints_in_number"),
}


@pytest.mark.parametrize("counts", list(REPEATS))
@pytest.mark.rule("PEN-3")
def test_repeats_let_a_penalty_fall_each_time_their_number_is_reached(counts: str) -> None:
    within, times, row = REPEATS[counts]
    for before in range(2 * times + 1):
        story = upheld(True, **{counts: before})
        counted = [f.effect for f in story.all(facts.EffectOrdered) if isinstance(f.effect, effects.CountOccurrence)]
        assert [each.within_days for each in counted if each.counts == counts] == [within]
        reached = (before + 1) % times == 0
        assert [each.row for each in fallen(story)] == ([row] if reached else [])
        assert all(each.points == 2 and each.point_class is PointClass.A for each in fallen(story))


@pytest.mark.rule("PEN-3")
def test_repeats_count_passive_service_only_where_there_was_any() -> None:
    for silent in (True, False):
        story = upheld(silent)
        counted = {each.counts for each in story.open_case.occurrences}
        assert counted == {Counted.UPHELD_COMPLAINT} | ({Counted.PASSIVE_SERVICE} if silent else set())


def test_repeats_count_nothing_of_a_complaint_that_is_dismissed() -> None:
    story = again(before_ruling(Category.QUALITY, default_book()))
    story.accepted(events.IssueRuling, **ruling(outcome=Outcome.DISMISSED))
    assert not story.open_case.occurrences
