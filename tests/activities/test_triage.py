"""The texts of a case are read for what they show, and nothing of their words leaves the vault (INT-4, ESC-9)."""

import msgspec
import pytest
from asyncpg import Pool
from temporalio.testing import ActivityEnvironment

from activities.ports import EffectBatch
from activities.triage import shown_by
from activities.vault import PostgresVault
from policies.book import default_book
from policies.schema import Category
from policies.triage import TriageLabel
from states.effects import AnyOutcome, Failed, TextRead, TriageText
from states.values import TextRef
from tests.activities.test_effects import CASE, PACK, activities

RULES = default_book().find(PACK.name, PACK.version).pack.triage

TITLE = "电饭煲漏电"
DESCRIPTION = "插上电源就漏电，把我电到了。再不处理我就去12315投诉。"


async def read(pool: Pool, *texts: TextRef) -> AnyOutcome:
    effect = TriageText(key=f"{CASE}:3:1", texts=texts, policy=PACK)
    (result,) = await ActivityEnvironment().run(activities(pool, None).carry_out, EffectBatch(CASE, PACK, (effect,)))
    return result.outcome


async def kept(pool: Pool, text: str) -> TextRef:
    return await PostgresVault(pool).put_text("buyer-017", text)


async def test_texts_are_read_and_the_reading_is_logged(pool: Pool) -> None:
    refs = {"title": await kept(pool, TITLE), "description": await kept(pool, DESCRIPTION)}
    outcome = await read(pool, *refs.values())
    assert isinstance(outcome, TextRead)
    labels = [each.label for each in outcome.found if each.label is not None]
    assert len(labels) == len(set(labels)), "each label once"
    (harm,) = (each for each in outcome.found if each.label is TriageLabel.SAFETY_HAZARD)
    (threat,) = (each for each in outcome.found if each.label is TriageLabel.EXTERNAL_COMPLAINT_INTENT)
    texts = {refs["title"].ref: TITLE, refs["description"].ref: DESCRIPTION}
    for excerpt in (*harm.excerpts, *threat.excerpts):
        assert 0 <= excerpt.start < excerpt.end <= len(texts[excerpt.text])
    assert {each.text for each in threat.excerpts} == {refs["description"].ref}
    assert "12315" in {DESCRIPTION[each.start : each.end] for each in threat.excerpts}.pop()
    shown = msgspec.json.encode(outcome).decode()
    assert not any(word in shown for word in ("漏电", "12315", "投诉"))
    logged = await pool.fetch("select ref, reader, purpose from vault_reads order by at, ref")
    assert {tuple(each) for each in logged} == {(ref.ref, "engine", "triage") for ref in refs.values()}


async def test_a_text_that_shows_nothing(pool: Pool) -> None:
    assert await read(pool, await kept(pool, "你好")) == TextRead()


async def test_what_the_same_text_shows_is_told_once(pool: Pool) -> None:
    ref = await kept(pool, "快递太慢，物流三天没有更新了。")
    outcome = await read(pool, ref, ref)
    assert isinstance(outcome, TextRead)
    (found,) = outcome.found
    assert (found.label, found.category) == (None, Category.LOGISTICS)


# --- where, of several texts ----------------------------------------------------------------------


def shown(**texts: str) -> dict[str, list[tuple[str, str]]]:
    """What texts show: each label or category with the places, as text and words."""
    return {
        str(found.label or found.category): [
            (excerpt.text, texts[excerpt.text][excerpt.start : excerpt.end]) for excerpt in found.excerpts
        ]
        for found in shown_by(texts, RULES)
    }


def test_excerpts_are_in_the_text_that_they_begin_in() -> None:
    found = shown(title="电饭煲漏电", description="我要去12315投诉。把我电到了！", comment="再不退我就起诉")
    assert list(found) == ["safety_hazard", "external_complaint_intent", "legal_action", "quality"]
    assert found["safety_hazard"][0] == ("title", "漏电")
    assert {text for text, _ in found["safety_hazard"]} == {"title", "description"}
    assert set(found["external_complaint_intent"]) == {("description", "12315")}
    assert set(found["legal_action"]) == {("comment", "起诉")}


def test_a_label_and_the_category_that_it_speaks_for_are_told_apart() -> None:
    found = shown_by({"title": "买到假货", "description": "专柜说不是正品"}, RULES)
    assert [(each.label, each.category) for each in found] == [
        (TriageLabel.COUNTERFEIT, None),
        (None, Category.COUNTERFEIT),
    ]
    label, category = found
    assert set(label.excerpts) < set(category.excerpts)
    assert {each.words for each in category.excerpts} - {each.words for each in label.excerpts} == {"weak.1", "weak.2"}


def test_texts_are_read_as_one_story_in_several_sentences() -> None:
    """What one text says can bear on what another says, and no word is made of the end of one and the next's begin."""
    assert shown(title="净水器问题", description="要求退货") == {}
    assert shown(title="买到假", description="货不对") == {}
    assert shown(title="充电器坏了", description="一股焦味")["safety_hazard"] == [("description", "焦味")]
    assert shown(description="一股焦味") == {}


@pytest.mark.parametrize(("before", "after"), [("", "好"), ("好", ""), ("", "")])
def test_empty_texts_shift_nothing(before: str, after: str) -> None:
    assert shown(before=before, title="买到假货", after=after)["counterfeit"] == [("title", "假货")]


async def test_what_the_vault_does_not_hold_is_a_final_failure(pool: Pool) -> None:
    assert await read(pool, await kept(pool, TITLE), TextRef("v-1", "a" * 64, 3)) == Failed("not_in_vault")


async def test_what_is_no_text_is_a_final_failure(pool: Pool) -> None:
    picture = await PostgresVault(pool).put("buyer-017", b"\xff\xd8 a picture", "photo")
    assert await read(pool, picture) == Failed("not_a_text")
