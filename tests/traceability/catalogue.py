"""The catalogue, and the tests that cite it, read from their source."""

import ast
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

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


def citations(tests: Path = TESTS) -> dict[str, list[str]]:
    """The tests that claim each rule, as path::name."""
    cited: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for name, rules in claims_in(path.read_text()):
            for rule in rules:
                cited.setdefault(rule, []).append(f"{path.relative_to(tests.parent)}::{name}")
    return cited


def claims_in(source: str) -> Iterator[tuple[str, list[str]]]:
    """Each test in a source text with the rules that it, its class or its module is marked with."""
    tree = ast.parse(source)
    yield from _claims(tree.body, _marked(list(_module_marks(tree))), "")


def _claims(body: list[ast.stmt], above: list[str], prefix: str) -> Iterator[tuple[str, list[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _claims(node.body, above + _marked(node.decorator_list), f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            rules = above + _marked(node.decorator_list)
            if rules:
                yield prefix + node.name, list(dict.fromkeys(rules))


def _module_marks(tree: ast.Module) -> Iterator[ast.expr]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets):
            yield node.value


def _marked(nodes: list[ast.expr]) -> list[str]:
    """The arguments of every `pytest.mark.rule(...)` in these expressions."""
    calls = [call for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call)]
    return [
        str(ast.literal_eval(argument))
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.rule"
        for argument in call.args
    ]


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
