"""Every notice of every pack can be told in both languages, whatever it is about (FBK-1)."""

import string
from collections.abc import Iterator

import pytest

from policies.book import default_book
from policies.schema import Outcome, Pack, Party
from policies.sense import LANGUAGES
from policies.wording import render

PACKS = [pytest.param(policy.pack, id=str(policy.ref)) for policy in default_book()]
PLAIN = {
    "case": "buyer-017/order-1",
    "order": "order-1",
    "into": "buyer-017/order-2",
    "due": "2026-03-05 18:00+08:00",
}
ACTS = ("accept_complaint", "refuse_complaint", "record_finding", "call_for_ruling", "request_evidence")
"""The acts of agents that can be corrected."""


def told(pack: Pack, template: str) -> dict[str, tuple[str, ...]]:
    """What each placeholder of a notice can stand for."""
    steps = (step for rule in pack.remedies.values() for step in rule.steps if step.by is not Party.PLATFORM)
    remedies = tuple(pack.remedies)
    wanted = {
        "proof_of_purchase_wanted": pack.admission.proof_kinds,
        "completion_wanted": pack.admission.clarity.facts,
        "category_offer_wanted": tuple(pack.categories),
        "statement_wanted": ("statement",),
        "evidence_wanted": (*pack.evidence_kinds, ", ".join(pack.evidence_kinds)),
    }
    ends = {"withdrawn": (Outcome.WITHDRAWN, Outcome.SETTLED_BY_SELLER)}
    rulings = tuple({outcome for category in pack.categories.values() for outcome in category.outcomes})
    return {
        "ground": tuple(pack.admission.grounds),
        "wanted": wanted.get(template, ()),
        "remedy": (*remedies, f"{remedies[0]} 199.00", "M1"),
        "claim": (*remedies, ", ".join(remedies)),
        "outcome": ends.get(template, rulings),
        "hearing": ("review", "appeal"),
        "action": tuple(step.action for step in steps),
        "act": ACTS,
        "team": tuple(pack.teams),
    }


def notices(pack: Pack) -> Iterator[tuple[str, dict[str, str]]]:
    """Every notice of a pack, with facts such as it can be sent with: one way for each thing that it can name."""
    for template, notice in pack.notices.items():
        placeholders = string.Formatter().parse(notice.text["en"])
        names = {name for _, name, _, _ in placeholders if name is not None} - {"routes"}
        plain = {name: PLAIN[name] for name in names & PLAIN.keys()}
        ways = {name: told(pack, template)[name] for name in names - PLAIN.keys()}
        first = {name: values[0] for name, values in ways.items()}
        yield template, plain | first
        for name, values in ways.items():
            for value in values[1:]:
                yield template, plain | first | {name: value}


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_notice_resolves_for_everything_that_it_can_tell(pack: Pack, language: str) -> None:
    seen = set()
    for template, facts in notices(pack):
        text = render(pack, template, language, facts, strict=True)
        assert "{" not in text
        assert "_" not in text, "a code is no word"
        assert all(value in text for name, value in facts.items() if name in PLAIN)
        seen.add(template)
    assert seen == set(pack.notices)


@pytest.mark.parametrize("pack", PACKS)
def test_a_final_notice_names_every_route_in_the_readers_language(pack: Pack) -> None:
    final = [template for template, notice in pack.notices.items() if notice.final]
    assert final
    for template, facts in notices(pack):
        if template in final:
            for language in LANGUAGES:
                text = render(pack, template, language, facts)
                assert all(route[language] in text for route in pack.outside_routes.values())


PACK = default_book().find("platform", "2024-07-22").pack


def test_codes_become_words_and_figures_stay() -> None:
    facts = PLAIN | {"claim": "refund 199.00, apology"}
    assert "退款 199.00、致歉" in render(PACK, "claim_narrowed", "zh-CN", facts)
    assert "refund 199.00, apology" in render(PACK, "claim_narrowed", "en", facts)
    facts = PLAIN | {"wanted": "photo, inspection_report"}
    assert "照片、质检报告" in render(PACK, "evidence_wanted", "zh-CN", facts)
    assert "photo, inspection report" in render(PACK, "evidence_wanted", "en", facts)


def test_the_routes_are_joined_as_the_language_does() -> None:
    assert "消费者协会、" in render(PACK, "outside_routes", "zh-CN", PLAIN)
    assert "the consumer association, " in render(PACK, "outside_routes", "en", PLAIN)


def test_the_same_code_is_told_by_what_it_stands_for() -> None:
    assert "评价内容" in render(PACK, "evidence_wanted", "zh-CN", PLAIN | {"wanted": "review"})
    assert "复核" in render(PACK, "heard_again", "zh-CN", PLAIN | {"hearing": "review"})


def test_a_reference_is_no_code_whatever_it_looks_like() -> None:
    facts = {"case": "refund/invoice", "order": "invoice", "due": "2026-03-03 09:00+08:00"}
    assert "invoice" in render(PACK, "received", "zh-CN", facts, strict=True)


def test_what_is_missing_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^evidence_wanted: nothing is known for \{wanted\}$"):
        render(PACK, "evidence_wanted", "en", PLAIN)


def test_a_code_without_a_word_is_told_as_it_is_or_found_out() -> None:
    facts = PLAIN | {"wanted": "photo, hologram"}
    assert "photo, hologram" in render(PACK, "evidence_wanted", "en", facts)
    with pytest.raises(ValueError, match=r"^evidence_wanted: \{wanted\}: the pack has no word for hologram$"):
        render(PACK, "evidence_wanted", "en", facts, strict=True)
