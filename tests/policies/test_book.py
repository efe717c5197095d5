"""Packs are read strictly, found by date and by hash, and cover what the core asks of them."""

import shutil
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies.book import HERE, PackError, PolicyBook, default_book, load_book
from policies.schema import (
    ClockKind,
    OnMiss,
    PackRef,
    Party,
    PenaltyKind,
    RemedyKind,
    Role,
    Stage,
    Trigger,
    Unit,
)
from states import events
from states.rules.escalation import LAPSES

PLATFORM = next(iter(default_book()))
PACK = PLATFORM.pack


def copied(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The released policies with the platform's pack changed."""
    shutil.copytree(HERE / "calendars", tmp_path / "calendars")
    shutil.copytree(HERE / "packs", tmp_path / "packs")
    path = tmp_path / "packs" / "platform@2024-07-22.yaml"
    source = path.read_text()
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    path.write_text(source)
    return tmp_path


# --- finding a pack ---------------------------------------------------------------------------


def test_the_pack_in_force_is_found_by_the_date_in_its_own_zone() -> None:
    book = default_book()
    midnight = datetime(2024, 7, 21, 16, tzinfo=UTC)  # 22 July begins in Shanghai
    assert book.in_force("platform", midnight).ref == PLATFORM.ref
    with pytest.raises(LookupError, match="no pack platform is in force"):
        book.in_force("platform", midnight.replace(hour=15, minute=59))
    with pytest.raises(LookupError, match="no pack elsewhere"):
        book.in_force("elsewhere", midnight)


def test_a_case_gets_the_very_pack_that_it_carries() -> None:
    book = default_book()
    assert book.policy(PLATFORM.ref) is PLATFORM
    other = PackRef(name="platform", version="2024-07-22", digest="0" * 64)
    with pytest.raises(KeyError, match=f"hash {'0' * 64} is not in the book"):
        book.policy(other)


@pytest.mark.parametrize("change", [("length: 24", "length: 25"), ("points: 2", "points: 3"), ("# chosen", "#chosen")])
def test_any_change_of_a_pack_is_another_pack(tmp_path: Path, change: tuple[str, str]) -> None:
    changed = load_book(copied(tmp_path, change))
    assert next(iter(changed)).ref.digest != PLATFORM.ref.digest


def test_a_change_of_the_calendar_is_another_pack(tmp_path: Path) -> None:
    directory = copied(tmp_path)
    assert next(iter(load_book(directory))).ref == PLATFORM.ref
    calendar = directory / "calendars" / "cn@2026.1.yaml"
    calendar.write_text(calendar.read_text() + "# a note\n")
    assert next(iter(load_book(directory))).ref.digest != PLATFORM.ref.digest


# --- reading strictly -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("schema: 1", "schema: 2"), r"\$\.schema"),
        (("limit_days: 365", "limit_days: -1"), r"admission\.limit_days"),
        (("limit_days: 365", "limit_days: 365.5"), r"admission\.limit_days"),
        (("limit_days: 365", "limit_daze: 365"), "limit_daze"),
        (("unit: hours", "unit: fortnights"), "fortnights"),
        (("  acceptance:\n", "  dispatch:\n"), "dispatch"),
        (("calendar: cn@2026.1", "calendar: cn@1999.1"), "there is no calendar cn@1999.1"),
        (('version: "2024-07-22"', 'version: "2025-01-01"'), "should be named platform@2025-01-01.yaml"),
        (("  - {trigger: by_hand}\n", ""), "by_hand needs exactly one row"),
        (("complainant: [[photo,", "complainant: [[oath,"), r"checklist\.complainant: unknown evidence"),
        (("causes: [defective_goods, ", "causes: [] #"), "needs causes and responsible parties"),
        (("  - contract\n", ""), "admission.proof_kinds: unknown evidence"),
    ],
)
def test_an_unsound_pack_is_refused_by_file_and_place(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    with pytest.raises(PackError, match=says) as refused:
        load_book(copied(tmp_path, change))
    assert str(refused.value).startswith("platform@2024-07-22.yaml: ")


# --- the pack covers the core -----------------------------------------------------------------


def test_every_act_has_rights_and_every_right_is_an_acts() -> None:
    assert set(PACK.rights) == {act.name() for act in events.ACTS}
    assert all(PACK.rights.values())
    assert PACK.rights["absorb_case"] == (Role.ENGINE,)
    assert not [act for act, roles in PACK.rights.items() if Role.ENGINE in roles and act != "absorb_case"]


def test_every_clock_of_a_party_has_a_consequence_and_no_other() -> None:
    lapsing = {kind for kind, rule in PACK.clocks.items() if rule.on_miss is OnMiss.LAPSES}
    assert set(PACK.clocks) == set(ClockKind)
    assert lapsing == set(LAPSES)


def test_clocks_of_days_say_when_a_day_ends() -> None:
    for kind, rule in PACK.clocks.items():
        assert (rule.closing is not None) == (rule.unit is not Unit.HOURS), kind


def test_every_open_stage_has_a_clock_that_runs_in_it() -> None:
    running = {stage for rule in PACK.clocks.values() for stage in rule.runs_in}
    assert running == set(Stage) - {Stage.ARCHIVED}


def test_every_trigger_penalty_kind_and_remedy_has_its_row() -> None:
    assert sorted(row.trigger for row in PACK.escalation) == sorted(Trigger)
    assert {row.kind for row in PACK.penalties.values()} == set(PenaltyKind)
    assert set(PACK.remedies) == set(RemedyKind)
    offered = {option.kind for rule in PACK.categories.values() for option in rule.remedies}
    duties = {kind for rule in PACK.categories.values() for kind in rule.duties}
    assert offered | duties == set(RemedyKind)


def test_remedies_can_be_carried_out() -> None:
    for kind, rule in PACK.remedies.items():
        assert rule.steps, kind
        for step in rule.steps:
            assert step.by is not Party.CARRIER
        assert rule.money == (rule.cap_percent_of_order is not None), kind


def test_notices_have_both_languages_with_the_same_placeholders() -> None:
    for template, notice in PACK.notices.items():
        fields = {
            language: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for language, text in notice.text.items()
        }
        assert fields["zh-CN"] - {"order"} == fields["en"] - {"order"}, template


def test_who_bears_the_burden_is_asked_for_something() -> None:
    """Otherwise a lapsed request could never decide (VER-1)."""
    for category, rule in PACK.categories.items():
        assert rule.checklist[rule.burden], category


def test_an_empty_book_has_nothing_in_force() -> None:
    with pytest.raises(LookupError):
        PolicyBook({}).in_force("platform", datetime(2026, 1, 1, tzinfo=UTC))
