"""Dependencies point one way, and the core stays pure: read from the sources, nothing is run."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = ["policies", "states", "activities", "workflows", "client", "audit", "starter", "worker"]
"""From the ground up: each may import itself and what comes before it."""
NOBODY = {"tests", "stack"}
"""What may import everything and is imported by none of the layers."""

IMPURE = {
    "temporalio",
    "asyncio",
    "asyncpg",
    "sqlalchemy",
    "random",
    "secrets",
    "time",
    "os",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "threading",
    "uuid",
    "logging",
}
"""Modules that know the world, the clock or chance."""
NOW = {"now", "utcnow", "today", "fromtimestamp"}
"""What asks the machine for the time or its zone."""

BANNED_FEATURES = {"StateChart", "HistoryState", "invoke", "contrib", "delay", "timeout"}
"""Of python-statemachine: what swallows illegal events, keeps time by itself or depends on history."""


def sources(package: str) -> list[Path]:
    """The source files of a package or a module."""
    path = ROOT / package
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")] * path.with_suffix(".py").exists()


def imports(source: str) -> Iterator[str]:
    """The full name of every module that a source text imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "." * node.level


def upward(package: str, source: str) -> set[str]:
    """What a source text of a layer imports that stands above it, or that no layer may import."""
    above = set(LAYERS[LAYERS.index(package) + 1 :]) | NOBODY
    return {name for name in imports(source) if name.split(".")[0] in above}


@pytest.mark.parametrize("package", LAYERS)
def test_dependencies_point_one_way(package: str) -> None:
    for path in sources(package):
        assert not upward(package, path.read_text()), path


def test_every_layer_is_there() -> None:
    for package in LAYERS:
        assert sources(package), package


def test_the_server_side_of_the_tree_names_no_test() -> None:
    for path in [*sources("stack"), *(path for package in LAYERS for path in sources(package))]:
        assert not {name for name in imports(path.read_text()) if name.split(".")[0] == "tests"}, path


def test_upward_imports_are_found() -> None:
    assert upward("states", "import workflows.complaint\nfrom policies import schema") == {"workflows.complaint"}
    assert upward("policies", "def f():\n    from states.case import Case") == {"states.case"}
    assert upward("workflows", "import starter, stack") == {"starter", "stack"}
    assert upward("activities", "from tests.states import story") == {"tests.states"}
    assert not upward("audit", "import states, activities, workflows, policies")


def test_the_workflows_package_imports_nothing_by_itself() -> None:
    """Importing one workflow module must not load the others into the sandbox."""
    tree = ast.parse((ROOT / "workflows" / "__init__.py").read_text())
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)


# --- the core is pure -------------------------------------------------------------------------


def impurities(source: str) -> set[str]:
    """What makes a source text of the core impure: modules, the machine's clock, files, output."""
    found = {name for name in imports(source) if name.split(".")[0] in IMPURE}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id="open" | "print" | "input" | "exec" | "eval" | "__import__" as name):
                found.add(name)
            case ast.Attribute(attr=attr, value=value) if attr in NOW and "date" in ast.unparse(value):
                found.add(ast.unparse(node.func))
            case ast.Attribute(attr="astimezone") if not node.args and not node.keywords:
                found.add("astimezone()")
    return found


@pytest.mark.parametrize("path", sources("states"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_world(path: Path) -> None:
    assert impurities(path.read_text()) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import temporalio.workflow", "temporalio.workflow"),
        ("from asyncio import sleep", "asyncio"),
        ("def f():\n    import random", "random"),
        ("from datetime import datetime\nx = datetime.now()", "datetime.now"),
        ("import datetime as dt\nx = dt.datetime.utcnow()", "dt.datetime.utcnow"),
        ("from datetime import date\nx = date.today()", "date.today"),
        ("x = when.astimezone()", "astimezone()"),
        ("x = open('f')", "open"),
        ("print('x')", "print"),
        ("import os.path", "os.path"),
    ],
)
def test_impurities_are_found(source: str, found: str) -> None:
    assert impurities(source) == {found}


# --- the machines stay simple -----------------------------------------------------------------


def banned(source: str) -> set[str]:
    """Features of python-statemachine that a source text must not use."""
    found = {name for name in imports(source) if name.startswith("statemachine.contrib")}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if name in BANNED_FEATURES:
                found.add(name)
            case ast.keyword(arg="delay" | "invoke" | "history" as name):
                found.add(name)
    for machine in _machines(tree):
        found |= {f"{machine.name}.{name}" for name in _callbacks(machine)}
    return found


def _machines(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Classes built on the library: by name, since sources are only read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("StateMachine" in ast.unparse(base) for base in node.bases):
            yield node


def _callbacks(machine: ast.ClassDef) -> list[str]:
    """A machine here has transitions and nothing else; callbacks, above all asynchronous ones, could send events."""
    return [node.name for node in machine.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("package", LAYERS)
def test_no_machine_uses_what_is_banned(package: str) -> None:
    for path in sources(package):
        source = path.read_text()
        if any(name.split(".")[0] == "statemachine" for name in imports(source)):
            assert banned(source) == set(), path


def test_one_module_alone_knows_the_library() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in LAYERS
        for path in sources(package)
        if any(name.split(".")[0] == "statemachine" for name in imports(path.read_text()))
    }
    assert users == {"states/lifecycle.py"}


MACHINE = "from statemachine import State, StateMachine\nclass M(StateMachine):\n    a = State(initial=True)\n    {}\n"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from statemachine import StateChart", "StateChart"),
        ("import statemachine\nclass M(statemachine.StateChart): pass", "StateChart"),
        ("from statemachine.contrib.timeout import timeout", "statemachine.contrib.timeout"),
        ("from statemachine import HistoryState", "HistoryState"),
        ("machine.send('go', delay=5)", "delay"),
        (MACHINE.format("b = State(invoke=work)"), "invoke"),
        (MACHINE.format("async def on_go(self): await x"), "M.on_go"),
        (MACHINE.format("def on_enter_a(self): self.send('go')"), "M.on_enter_a"),
    ],
)
def test_banned_features_are_found(source: str, found: str) -> None:
    assert found in banned(source)


def test_plain_machines_pass() -> None:
    assert banned(MACHINE.format("go = a.to.itself()")) == set()


def test_nothing_in_the_tree_asks_for_the_time_without_a_zone() -> None:
    """Instants are aware everywhere."""

    def naive(source: str) -> set[str]:
        return {
            ast.unparse(node)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (node.func.attr == "utcnow" or (node.func.attr == "now" and not node.args and not node.keywords))
            and "datetime" in ast.unparse(node.func.value)
        }

    check: Callable[[str], set[str]] = naive
    assert check("datetime.now()") == {"datetime.now()"}
    assert not check("datetime.now(UTC)")
    for package in LAYERS:
        for path in sources(package):
            assert not check(path.read_text()), path
