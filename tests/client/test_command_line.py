"""The command line without any server: its words, and what it refuses before it connects."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.commands import NOT_FOR_PEOPLE, OWN_WORDS, app, main
from states.events import ACTS, Act

CASE = "buyer-017/order-1001"
PEOPLE = [act for act in ACTS if act not in NOT_FOR_PEOPLE]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server is named, and none is where the default looks."""
    for name in ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "DATABASE_URL", "TOUSU_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "localhost:1")
    monkeypatch.setenv("TOUSU_DATA", str(tmp_path))


@pytest.mark.parametrize("act", PEOPLE, ids=lambda act: act.name())
def test_every_act_has_a_command_in_its_own_words(act: type[Act]) -> None:
    name = act.name().replace("_", "-")
    for word in {act.name(), name, OWN_WORDS.get(name, name)}:
        shown = CliRunner().invoke(app, [word, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0
        assert (act.__doc__ or "").split("\n")[0].rstrip(".") in shown.output


@pytest.mark.parametrize("act", NOT_FOR_PEOPLE, ids=lambda act: act.name())
def test_what_only_the_engine_does_has_no_command(act: type[Act], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([act.name(), CASE]) == 2
    assert "No such command" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["accept-complaint", CASE], "Missing option '--as'"),
        (["accept-complaint", "--as", "agent:agent-03"], "Missing argument 'case'."),
        (["accept-complaint", CASE, "--as", "agent"], "--as: say buyer, seller, or a role and an id"),
        (["accept-complaint", CASE, "--as", "engine:tousu"], "--as: say buyer, seller, or a role and an id"),
        (["accept-complaint", CASE, "--as", "agent:agent-03", "--at", "noon"], "at: expected a date and time"),
        (["accept-complaint", CASE, "--as", "agent:agent-03", "--request-id", "a b"], "request_id: expected"),
        (["propose-remedy", CASE, "--as", "buyer", "--remedy", "money"], "terms.kind: not one of refund"),
        (["propose-remedy", CASE, "--as", "buyer", "--remedy", "refund", "--amount", "1.999"], "--amount: give yuan"),
        (["submit-statement", CASE, "--as", "seller", "--text", " "], "text: write a text"),
        (["submit-statement", CASE, "--as", "seller", "--text", "x", "--amount", "1"], "--remedy: say which remedy"),
        (["submit-evidence", CASE, "--as", "buyer", "--evidence", "photo"], "--evidence: give a kind"),
        (["submit-evidence", CASE, "--as", "buyer", "--evidence", "photo=gone.jpg"], "--evidence: gone.jpg cannot be"),
        (["answer-proposal", CASE, "--as", "buyer", "--proposal", "P1", "--answer", "maybe"], "Invalid value for"),
        (["extend-clock", CASE, "--as", "agent:agent-03", "--clock", "result", "--by", "0"], "Invalid value for"),
        (["issue-ruling", CASE, "--as", "agent:a", "--outcome", "upheld", "--rule", "COO-3", "--remedy", "refund=x"],
         "--amount: give yuan"),
        (["correct-act", CASE, "--as", "agent:agent-03"], "Missing option '--entry'."),
        (["open", "missing.yaml"], "missing.yaml cannot be read"),
        (["list", "--stuck", "--overdue"], "--stuck: use it alone"),
        (["list"], "DATABASE_URL is not set"),
        (["frobnicate"], "No such command"),
        ([], "Missing command."),
    ],
)  # fmt: skip
def test_a_wrong_word_is_answered_with_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(sentence)
    assert shown.err.count("\n") == 1
    assert shown.out == ""


def test_a_wrong_word_is_answered_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["propose-remedy", CASE, "--as", "buyer", "--remedy", "refund", "--amount", "1.999", "--json"]
    assert main(words) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "usage"
    assert error["field"] == "--amount"


def test_an_engine_that_is_away_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept-complaint", CASE, "--as", "agent:agent-03", "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "engine_away"


def test_a_database_that_is_away_has_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost:1/tousu")
    assert main(["show", CASE, "--json"]) == 6
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "database_away"
