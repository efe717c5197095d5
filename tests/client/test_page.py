"""A case on a page: what raised it, what its texts showed, and to whom the matter went."""

from datetime import timedelta

import pytest
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from activities.views import TeamTask
from client.page import case_page, case_table, team_table, texts_of
from client.words import clock_time, zone
from policies.schema import Category, Channel, Route
from policies.triage import TriageLabel
from states import effects, events
from states.values import Excerpt
from states.view import row
from tests.states.story import BUYER, CHIEF, START, Story, text
from tests.states.test_offers import NOT_RECEIVED

DESCRIPTION = "电饭锅爆炸了，锅盖飞出去"


def told() -> Story:
    """A parcel is said to be lost, and much happens to the case."""
    story = Story()
    story.shown = (
        effects.Found(label=TriageLabel.SAFETY_HAZARD, excerpts=(Excerpt("text-description", 3, 6, "爆炸"),)),
        effects.Found(category=Category.LOGISTICS, excerpts=(Excerpt("text-elsewhere", 0, 2, "快递"),)),
    )
    story.to_verification(**NOT_RECEIVED)
    story.shown = ()
    story.accepted(events.HandOver, route=Route.LOGISTICS, consent=Channel.HOTLINE)
    story.accepted(
        events.RecordExternalComplaint,
        BUYER,
        case_id=story.open_case.case_id,
        body="consumer_association",
        reference="12315-7",
        made_at=START,
        due=START + timedelta(days=10),
    )
    story.accepted(events.OfferSolution, CHIEF, text=text("reship"))
    story.accepted(events.AnswerOffer, BUYER, offer="K1", accepted=False)
    story.wait(hours=5)
    return story


def parts(story: Story, texts: dict[str, str] | None = None) -> list[RenderableType]:
    return case_page(story.open_case, story.entries, texts or {})


def cells(table: RenderableType) -> list[tuple[str, ...]]:
    """A table row by row."""
    assert isinstance(table, Table)
    return list(zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True))


def under(title: str, page: list[RenderableType]) -> list[tuple[str, ...]]:
    """The rows of the table under a title."""
    titles = [str(part).strip() if isinstance(part, Text) else "" for part in page]
    return cells(page[titles.index(title) + 1])


@pytest.mark.rule("ESC-9", "INT-4")
def test_what_the_texts_show_stands_with_the_words_that_caused_it() -> None:
    story = told()
    title = "What the texts show"
    texts = {ref.ref: DESCRIPTION for _, ref in texts_of(story.open_case)}
    assert under(title, parts(story, texts)) == [
        ("T1", "safety_hazard", "proposed", "爆炸", "爆炸了"),
        ("T2", "category logistics", "proposed", "快递", ""),
    ]
    unread = ("T1", "safety_hazard", "proposed", "爆炸", "")
    assert under(title, parts(story))[0] == unread, "the policy's word alone, where the text was not read"


@pytest.mark.rule("ESC-5", "ESC-10")
def test_complaints_outside_and_known_solutions_are_listed() -> None:
    page = parts(told())
    assert under("Complaints outside", page) == [
        ("X1", "consumer_association", "12315-7", "2026-03-02 09:00", "2026-03-12 09:00")
    ]
    assert under("Known solutions", page) == [("K1", CHIEF.id, "2026-03-02 09:00", "refused")]


@pytest.mark.rule("HOF-1", "HOF-2", "HOF-6")
def test_each_hand_off_stands_with_its_team_its_consent_and_how_late_it_is() -> None:
    assert under("Hand-offs", parts(told())) == [
        ("H1", "safety", "safety", "waived", "queued, late", "", "specialist", ""),
        ("H2", "logistics", "logistics", "given", "queued", "", "front_line", ""),
    ]


@pytest.mark.rule("INT-5", "ESC-9")
def test_the_priority_and_the_risk_stand_with_what_makes_them() -> None:
    standing = {pair[0]: pair[1] for pair in cells(parts(told())[1])}
    assert standing["priority"] == "urgent (high_risk 100, external 60)"
    assert standing["category"] == "not_received, high risk, external"


@pytest.mark.rule("ESC-9", "ESC-5", "ESC-10")
def test_the_journal_tells_what_raised_the_case_and_by_what_rule() -> None:
    rises = [
        (phrase, {"ESC-5", "ESC-9", "ESC-10"} & set(rules.split()))
        for _, _, what, rules in under("Journal", parts(told()))
        for phrase in what.split(": ", 1)[-1].split("; ")
        if phrase.startswith(("escalated", "stays"))
    ]
    assert rises == [
        ("escalated from front_line to supervisor (high_risk)", {"ESC-9"}),
        ("stays at supervisor (external)", {"ESC-5"}),
        ("stays at supervisor (refund_only_refused)", {"ESC-9", "ESC-10"}),
    ]


@pytest.mark.rule("ESC-10", "HOF-4")
def test_the_texts_of_offers_and_hand_offs_are_among_the_texts_of_the_case() -> None:
    story = told()
    story.accepted(events.ReturnHandOff, hand_off="H2", result="lost", note=text("note"))
    assert [(place, ref.ref) for place, ref in texts_of(story.open_case)][2:] == [
        ("known solution K1", "text-reship"),
        ("reason of hand-off H2", "text-reason"),
        ("note of hand-off H2", "text-note"),
    ]


@pytest.mark.rule("INT-5", "HOF-6")
def test_lists_tell_how_urgent_a_case_is_and_whether_a_team_is_late() -> None:
    story = told()
    local = clock_time(zone(story.open_case))
    seen = row(story.open_case)
    ((case_id, priority, *_),) = cells(case_table([seen], local))
    assert (case_id, priority) == (seen.case_id, "urgent")
    late, in_time = (TeamTask(case_id=case_id, priority=seen.priority, urgency=3, hand_off=h) for h in seen.hand_offs)
    safety, logistics = cells(team_table([late, in_time], local))
    assert safety == (case_id, "urgent", "H1", "safety", "queued", "", "specialist", "2026-03-02 17:00", "late")
    assert logistics[-1] == ""
