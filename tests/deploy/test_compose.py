"""docker-compose.yml and what it mounts, checked by structure and against the code; Docker itself is not run."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
IMAGE = re.compile(r"(?P<name>[a-z0-9./-]+):(?P<tag>\d+\.\d+[\w.-]*)")
REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")
EVERY = pytest.mark.parametrize("name", SERVICES)


def dependencies(service: dict[str, Any]) -> dict[str, dict[str, str]]:
    wanted: dict[str, dict[str, str]] = service.get("depends_on", {})
    return wanted


def is_job(name: str) -> bool:
    """Whether others wait for the service to end rather than to be well."""
    return any(
        dependencies(other).get(name, {}).get("condition") == "service_completed_successfully"
        for other in SERVICES.values()
    )


def built(name: str) -> bool:
    return "build" in SERVICES[name]


def environment_read_by(*places: str) -> set[str]:
    """The variables that our own code asks the environment for, by name."""
    files = [
        file for place in places for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return {variable for file in files for variable in _environment_read_in(ast.parse(file.read_text()))}


def _environment_read_in(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        match node:
            case (
                ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(str(name)))
                | ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[ast.Constant(value=str(name)), *_]
                )
                | ast.Call(func=ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name)), *_])
            ):
                found.add(name)
            case _:
                pass
    return found


def test_the_scan_sees_every_way_to_read_a_variable() -> None:
    code = 'import os; os.environ["A"]; os.environ.get("B", "x"); os.getenv("C"); os.environ.pop("D"); x["E"]'
    assert _environment_read_in(ast.parse(code)) == {"A", "B", "C", "D"}


@EVERY
def test_every_dependency_exists_and_can_be_waited_for(name: str) -> None:
    for wanted, terms in dependencies(SERVICES[name]).items():
        assert wanted in SERVICES
        if terms["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[wanted]
        else:
            assert terms["condition"] == "service_completed_successfully"
            assert SERVICES[wanted]["restart"].startswith("on-failure"), f"{wanted} would never be done"


@EVERY
def test_every_service_is_watched_or_a_job(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) != is_job(name)
    if not is_job(name):
        assert SERVICES[name]["restart"] == "unless-stopped"


@EVERY
def test_every_image_is_pinned(name: str) -> None:
    assert IMAGE.fullmatch(SERVICES[name]["image"])


def test_the_built_image_is_pinned_locked_and_unprivileged() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert all(IMAGE.fullmatch(base) for base in bases)
    assert "--require-hashes --requirement requirements.txt" in dockerfile
    user = re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1]
    assert int(user) > 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name in SERVICES:
        if not built(name):
            continue
        assert SERVICES[name]["image"] == f"{project['name']}:{project['version']}"
        assert (ROOT / SERVICES[name]["build"]["dockerfile"]).is_file()
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"]


def test_the_image_holds_every_package_and_module() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    wanted = {package.split(".")[0] for package in setuptools["packages"]}
    wanted |= {f"{module}.py" for module in setuptools["py-modules"]}
    ignore = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignore
    assert {line[1:] for line in ignore if line.startswith("!")} == wanted | {"requirements.txt"}


@EVERY
def test_ports_are_published_to_this_host_only(name: str) -> None:
    published = SERVICES[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert bool(published) == (name in {"temporal", "temporal-ui"})


@EVERY
def test_what_is_mounted_exists_and_data_is_in_named_volumes(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source, _, rest = mount.partition(":")
        if source.startswith("./"):
            assert (ROOT / source).is_file()
            assert rest.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_the_database_survives_its_container() -> None:
    # From version 18 on the image keeps its data in a directory of the version below this one.
    assert "postgres:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


@EVERY
def test_no_secret_is_written_down(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|PWD|SECRET|TOKEN|KEY", variable):
            assert REQUIRED.fullmatch(value), f"{variable} must be ${{...:?...}}"
        assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), f"{variable} holds a password"


def test_the_example_names_every_variable_to_fill_in() -> None:
    required = set(REQUIRED.findall((ROOT / "docker-compose.yml").read_text()))
    lines = (ROOT / "deploy/env.example").read_text().splitlines()
    assert {line.removesuffix("=") for line in lines if re.fullmatch(r"\w+=", line)} == required
    assert not any(re.fullmatch(r"\w+=.+", line) for line in lines)


@pytest.mark.parametrize("name", [name for name in SERVICES if built(name)])
def test_what_runs_in_our_image_is_in_the_repository(name: str) -> None:
    commands = [SERVICES[name]["command"], SERVICES[name].get("healthcheck", {}).get("test", [])[1:]]
    for command in filter(None, commands):
        match command:
            case ["python", "-m", module]:
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
            case ["python", script]:
                assert (ROOT / script).is_file()
            case _:
                pytest.fail(f"not a program of ours: {command}")


def test_the_worker_is_given_every_variable_it_reads() -> None:
    given = SERVICES["worker"]["environment"].keys()
    assert environment_read_by("worker.py", "policies", "states", "activities", "workflows") <= given
    # What the SDK's own settings and the database driver read.
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "DATABASE_URL", "PGPASSWORD"} <= given


def test_the_set_up_is_given_every_variable_it_reads() -> None:
    read = environment_read_by("stack/setup.py", "stack/namespace.py", "stack/health.py", "activities")
    assert read <= SERVICES["setup"]["environment"].keys()


def test_the_engine_is_the_version_that_the_tests_run() -> None:
    """The schema tool and the server must be of one version."""
    assert SERVICES["temporal"]["image"].split(":")[1] == SERVICES["temporal-schema"]["image"].split(":")[1]


def test_the_engine_settings_are_its_own_kind_of_yaml() -> None:
    mounted = SERVICES["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"]
    assert any(mount.split(":")[1] == mounted for mount in SERVICES["temporal"]["volumes"])
    settings = yaml.safe_load((ROOT / "deploy/temporal/dynamicconfig.yaml").read_text())
    for name, rules in settings.items():
        assert re.fullmatch(r"\w+(\.\w+)+", name)
        assert all("value" in rule for rule in rules)
