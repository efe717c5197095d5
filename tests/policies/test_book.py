"""Packs are found by date, by version and by hash, made from one another, and never edited after their release."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policies import released
from policies.book import ELSEWHERE, HERE, PackError, PolicyBook, default_book, load_book
from policies.schema import ClockKind, PackRef, Policy, Unit
from tests.policies.packs import CALENDAR, GONE, changed, directory, platform, successor
from tests.policies.packs import PLATFORM as ID

PLATFORM = load_book().find(*ID.split("@"))
FILE = f"{ID}.yaml"


def later(tmp_path: Path, **says: Any) -> Policy:
    """A pack that extends the platform's."""
    return load_book(directory(tmp_path, platform(), successor("2027-01-01", **says))).find("platform", "2027-01-01")


# --- finding a pack ---------------------------------------------------------------------------


def test_the_pack_in_force_is_found_by_the_date_in_its_own_zone(tmp_path: Path) -> None:
    book = load_book(directory(tmp_path, platform()))
    midnight = datetime(2024, 7, 21, 16, tzinfo=UTC)  # 22 July begins in Shanghai
    assert str(book.in_force("platform", midnight).ref) == ID
    with pytest.raises(LookupError, match="no pack platform is in force"):
        book.in_force("platform", midnight.replace(hour=15, minute=59))
    with pytest.raises(LookupError, match="no pack elsewhere"):
        book.in_force("elsewhere", midnight)


def test_an_open_end_lasts_until_the_next_pack_begins_and_a_stated_end_is_the_end(tmp_path: Path) -> None:
    packs = (
        platform(),
        successor("2027-01-01", effective_until="2028-01-01"),
        successor("2028-01-01", effective_until="2029-01-01"),
    )
    book = load_book(directory(tmp_path, *packs))
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)
    before = new_year.replace(minute=59, hour=15)
    versions = [
        book.in_force("platform", at.replace(year=at.year + years)).ref.version
        for years in (0, 1)
        for at in (before, new_year)
    ]
    assert versions == ["2024-07-22", "2027-01-01", "2027-01-01", "2028-01-01"]
    assert book.in_force("platform", before.replace(year=2028)).ref.version == "2028-01-01"
    with pytest.raises(LookupError, match="no pack platform is in force at 2028-12-31T16:00"):
        book.in_force("platform", new_year.replace(year=2028))


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (
            {"effective_until": "2027-01-02"},
            {},
            "platform@2024-07-22 and platform@2027-01-01 are both in force from 2027-01-01 to 2027-01-02",
        ),
        (
            {},
            {"effective_from": "2024-07-22"},
            "platform@2024-07-22 and platform@2027-01-01 are both in force from 2024-07-22 on",
        ),
        (
            {"effective_until": "2026-12-31"},
            {},
            "from 2026-12-31 to 2027-01-01, between platform@2024-07-22 and it, no pack is in force",
        ),
    ],
    ids=["overlap", "same beginning", "gap"],
)
def test_of_one_name_one_pack_is_in_force_at_a_time(
    tmp_path: Path, first: dict[str, str], second: dict[str, str], says: str
) -> None:
    with pytest.raises(PackError) as refused:
        load_book(directory(tmp_path, platform() | first, successor("2027-01-01", **second)))
    assert str(refused.value) == f"platform@2027-01-01.yaml: {says}"


def test_packs_of_different_names_are_in_force_together(tmp_path: Path) -> None:
    other = successor("2024-07-22", name="elsewhere")
    book = load_book(directory(tmp_path, platform(), other))
    at = datetime(2025, 1, 1, tzinfo=UTC)
    assert [str(book.in_force(name, at).ref) for name in ("platform", "elsewhere")] == [ID, "elsewhere@2024-07-22"]


def test_a_case_gets_the_very_pack_that_it_carries() -> None:
    book = PolicyBook({PLATFORM.ref: PLATFORM})
    assert book.policy(PLATFORM.ref) is PLATFORM
    assert book.find("platform", "2024-07-22") is PLATFORM
    with pytest.raises(KeyError, match=f"hash {'0' * 64} is not in the book"):
        book.policy(PackRef(name="platform", version="2024-07-22", digest="0" * 64))
    with pytest.raises(LookupError, match="there is no pack platform@1999-01-01"):
        book.find("platform", "1999-01-01")


def test_an_empty_book_has_nothing_in_force() -> None:
    with pytest.raises(LookupError):
        PolicyBook({}).in_force("platform", datetime(2026, 1, 1, tzinfo=UTC))


# --- where packs come from --------------------------------------------------------------------


def test_the_packs_come_with_tousu_or_from_the_directory_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = default_book.__wrapped__
    monkeypatch.delenv(ELSEWHERE, raising=False)
    assert [policy.ref for policy in read()] == [policy.ref for policy in load_book(HERE)]
    monkeypatch.setenv(ELSEWHERE, str(directory(tmp_path, changed(platform(), "clocks.evidence.length", "5"))))
    (policy,) = read()
    assert policy.pack.clocks[ClockKind.EVIDENCE].length == 5


def test_the_packs_are_read_once() -> None:
    assert default_book() is default_book()


def test_a_directory_without_packs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"nowhere: there is no pack in packs/"):
        load_book(tmp_path / "nowhere")


# --- the hash ---------------------------------------------------------------------------------


def sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def test_the_hash_covers_the_pack_what_it_extends_and_its_calendar(tmp_path: Path) -> None:
    packs = (platform(), successor("2027-01-01"), successor("2028-01-01", extends="platform@2027-01-01"))
    book = load_book(directory(tmp_path, *packs))
    first, second, third = (
        (tmp_path / "packs" / f"platform@{version}.yaml").read_bytes()
        for version in ("2024-07-22", "2027-01-01", "2028-01-01")
    )
    days = (tmp_path / "calendars" / f"{CALENDAR}.yaml").read_bytes()
    assert [policy.ref.digest for policy in book] == [
        sha256(first, days),
        sha256(second, first, days),
        sha256(third, second, first, days),
    ]


@pytest.mark.parametrize("file", [f"packs/{FILE}", "packs/platform@2027-01-01.yaml", f"calendars/{CALENDAR}.yaml"])
def test_any_change_of_what_a_pack_rests_on_is_another_pack(tmp_path: Path, file: str) -> None:
    before = later(tmp_path)
    path = tmp_path / file
    path.write_bytes(path.read_bytes() + b"# a note\n")
    after = load_book(tmp_path).find("platform", "2027-01-01")
    assert after.pack == before.pack
    assert after.ref.digest != before.ref.digest


# --- packs made from others -------------------------------------------------------------------


def test_a_pack_that_changes_nothing_is_the_pack_that_it_extends_but_for_its_name_and_dates(tmp_path: Path) -> None:
    base = platform() | {"effective_until": "2027-01-01"}
    book = load_book(directory(tmp_path, base, successor("2027-01-01")))
    old, new = (book.find("platform", version).pack for version in ("2024-07-22", "2027-01-01"))
    assert new.effective_until is None, "dates are not inherited"
    own = {field: getattr(new, field) for field in ("version", "effective_from", "effective_until")}
    for field in type(old).__struct_fields__:
        assert getattr(new, field) == own.get(field, getattr(old, field)), field


def test_mappings_are_merged_and_lists_and_plain_values_replaced(tmp_path: Path) -> None:
    pack = later(
        tmp_path,
        clocks={"evidence": {"length": "5"}},
        admission={"platforms": ["taobao"]},
    ).pack
    old, new = PLATFORM.pack.clocks[ClockKind.EVIDENCE], pack.clocks[ClockKind.EVIDENCE]
    assert (new.length, new.unit, new.title) == (5, Unit.CALENDAR_DAYS, old.title)
    assert {kind: rule for kind, rule in pack.clocks.items() if rule != PLATFORM.pack.clocks[kind]} == {
        ClockKind.EVIDENCE: new
    }
    assert pack.admission.platforms == ("taobao",)
    assert pack.admission.proof_kinds == PLATFORM.pack.admission.proof_kinds


def test_what_is_taken_out_is_gone_and_can_be_said_anew(tmp_path: Path) -> None:
    pack = later(
        tmp_path,
        without=["clocks.result.extension", "clocks.evidence"],
        clocks={
            "evidence": {
                "title": {"zh-CN": "举证", "en": "evidence"},
                "rule": "VER-1",
                "length": "30",
                "unit": "hours",
                "on_miss": "lapses",
            }
        },
    ).pack
    assert PLATFORM.pack.clocks[ClockKind.RESULT].extension is not None
    assert pack.clocks[ClockKind.RESULT].extension is None
    assert pack.clocks[ClockKind.RESULT].length == PLATFORM.pack.clocks[ClockKind.RESULT].length
    assert PLATFORM.pack.clocks[ClockKind.EVIDENCE].closing is not None
    assert pack.clocks[ClockKind.EVIDENCE].closing is None


def test_packs_extend_packs_that_extend_others_whatever_their_names(tmp_path: Path) -> None:
    middle = successor("2027-01-01", verification={"max_rounds": "4"})
    last = {"extends": "platform@2027-01-01", "name": "elsewhere", "version": "1", "effective_from": "2000-01-01"}
    book = load_book(directory(tmp_path, platform(), middle, last | {"mediation": {"max_rounds": "6"}}))
    pack = book.find("elsewhere", "1").pack
    assert (pack.verification.max_rounds, pack.mediation.max_rounds) == (4, 6)
    assert pack.mediation.silence == PLATFORM.pack.mediation.silence


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({"extends": "platform@1999-01-01"}, "extends: there is no pack platform@1999-01-01"),
        ({"extends": ["platform"]}, "extends: there is no pack ['platform']"),
        (
            {"extends": "platform@2027-01-01"},
            "extends: platform@2027-01-01 -> platform@2027-01-01 goes in a circle",
        ),
        (
            {"without": ["clocks.evidence.extension"]},
            "without: there is no clocks.evidence.extension in what is extended",
        ),
        ({"without": ["title.en.us"]}, "without: there is no title.en.us in what is extended"),
        ({"without": ["effective_until"]}, "without: there is no effective_until in what is extended"),
        ({"without": "clocks"}, "without: should be a list of paths, such as clocks.evidence.closing"),
        ({"clocks": {"evidence": {"length": "0"}}}, "Expected `int` >= 1 - at `$.clocks.evidence.length`"),
        ({"clocks": "none"}, "Expected `object`, got `str` - at `$.clocks`"),
        ({"without": ["verification"]}, "Object missing required field `verification`"),
        ({"effective_from": GONE}, "Object missing required field `effective_from`"),
    ],
)
def test_an_unsound_heir_is_refused_by_file_and_place(tmp_path: Path, says: dict[str, Any], message: str) -> None:
    heir = {key: value for key, value in successor("2027-01-01", **says).items() if value is not GONE}
    with pytest.raises(PackError) as refused:
        load_book(directory(tmp_path, platform(), heir))
    assert str(refused.value) == f"platform@2027-01-01.yaml: {message}"


def test_packs_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    first = successor("2027-01-01", extends="platform@2028-01-01")
    second = successor("2028-01-01", extends="platform@2027-01-01")
    with pytest.raises(PackError) as refused:
        load_book(directory(tmp_path, platform(), first, second))
    assert str(refused.value) == (
        "platform@2027-01-01.yaml: extends: "
        "platform@2027-01-01 -> platform@2028-01-01 -> platform@2027-01-01 goes in a circle"
    )


def test_a_pack_that_extends_nothing_leaves_nothing_out(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=f"^{FILE}: Object contains unknown field `without`"):
        load_book(directory(tmp_path, platform() | {"without": ["title"]}))


# --- released packs are never edited ----------------------------------------------------------


def listed(tmp_path: Path) -> Path:
    """A directory of one released pack."""
    path = directory(tmp_path, platform())
    released.write(path, {str(policy.ref): policy.ref.digest for policy in load_book(path)})
    load_book(path)
    return path


@pytest.mark.parametrize("file", [f"packs/{FILE}", f"calendars/{CALENDAR}.yaml"])
def test_a_released_pack_is_never_edited(tmp_path: Path, file: str) -> None:
    path = listed(tmp_path) / file
    path.write_bytes(path.read_bytes() + b"# a note\n")
    with pytest.raises(PackError) as refused:
        load_book(tmp_path)
    assert str(refused.value) == (
        f"{FILE}: {ID} was changed after its release, itself, in what it extends or in its calendar: make a new version"
    )
    load_book(tmp_path, unreleased=True)


def test_a_pack_is_used_when_it_is_released(tmp_path: Path) -> None:
    (listed(tmp_path) / "packs" / "platform@2027-01-01.yaml").write_text(
        "{extends: platform@2024-07-22, name: platform, version: 2027-01-01, effective_from: 2027-01-01}"
    )
    with pytest.raises(PackError) as refused:
        load_book(tmp_path)
    assert str(refused.value) == (
        "platform@2027-01-01.yaml: platform@2027-01-01 is not released: run `python -m policies release`"
    )
    assert len(list(load_book(tmp_path, unreleased=True))) == 2


def test_a_released_pack_stays(tmp_path: Path) -> None:
    released.write(listed(tmp_path), (released.read(tmp_path) or {}) | {"platform@2023-01-01": "0" * 64})
    with pytest.raises(PackError, match=r"^released\.yaml: platform@2023-01-01 is released and no longer there"):
        load_book(tmp_path)


def test_the_packs_that_come_with_tousu_are_released() -> None:
    assert released.read(HERE) == {str(policy.ref): policy.ref.digest for policy in load_book(HERE, unreleased=True)}
