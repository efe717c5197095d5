"""The catalogue, and the tests that cite it."""

from collections.abc import Mapping
from contextlib import redirect_stdout
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import yaml

from tests.traceability.citations import claims

TESTS = Path(__file__).parent.parent

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}-[1-9][0-9]?\Z")]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule; `issue` is the issue that brought it, `partial` what of it is still missing."""

    id: Id
    title: str
    issue: int | None = None
    partial: str | None = None


class Shown(StrEnum):
    """How much of a rule the tests show."""

    NONE = "none"
    PARTIAL = "partial"
    DONE = "done"


def catalogue() -> dict[str, Rule]:
    """Every rule by id. Raises ValueError for a rule that is there twice."""
    rules = msgspec.convert(yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_bytes()), list[Rule])
    by_id = {rule.id: rule for rule in rules}
    if len(by_id) != len(rules):
        raise ValueError("a rule is in the catalogue twice")
    return by_id


class _Collector:
    """A plugin that notes the claims of the tests that pytest collects."""

    def __init__(self) -> None:
        self.cited: dict[str, list[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            test = item.nodeid.split("[")[0]
            for rule in claims(item):
                tests = self.cited.setdefault(rule, [])
                if test not in tests:
                    tests.append(test)


def citations(tests: Path = TESTS) -> dict[str, list[str]]:
    """The tests that claim each rule, as path::name; they are collected, not run. Raises ValueError if that fails."""
    collector = _Collector()
    with redirect_stdout(StringIO()) as said:
        code = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", str(tests)], plugins=[collector])
    if code is not pytest.ExitCode.OK:
        raise ValueError(said.getvalue())
    return collector.cited


def shown(rule: Rule, cited: Mapping[str, list[str]]) -> Shown:
    """What the tests show of a rule."""
    if not cited.get(rule.id):
        return Shown.NONE
    return Shown.PARTIAL if rule.partial else Shown.DONE


def missing(rules: Mapping[str, Rule], cited: Mapping[str, list[str]]) -> list[str]:
    """Rules that are at work and that no test shows."""
    return [id_ for id_, rule in rules.items() if rule.issue is not None and not cited.get(id_)]


def unknown(rules: Mapping[str, Rule], cited: Mapping[str, list[str]]) -> list[str]:
    """Ids that tests cite and that the catalogue does not hold."""
    return sorted(set(cited) - set(rules))
