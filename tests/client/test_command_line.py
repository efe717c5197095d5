"""The command line without any server: its words, and what it refuses before it connects."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.acts import draft, options
from client.commands import NOT_FOR_PEOPLE, OWN_WORDS, app, main
from client.drafts import check
from states import events
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
        (["issue-ruling", CASE, "--as", "agent:a", "--outcome", "upheld", "--rule", "COO-3", "--penalty", "Points"],
         "penalties[0].row: expected"),
        (["narrow-claim", CASE, "--as", "agent:a"], "Missing option '--remedy'."),
        (["narrow-claim", CASE, "--as", "agent:a", "--remedy", "refund", "--problem-since", "May"],
         "claim.problem_since: expected a date and time"),
        (["propose-remedy", CASE, "--as", "buyer", "--order", "o-1"], "Missing option '--remedy'."),
        (["submit-statement", CASE, "--as", "seller", "--text", "x", "--order", "o-1"], "--remedy: say which remedy"),
        (["record-conduct", CASE, "--as", "agent:a", "--row", "untruthful", "--staff", "s-1", "--conduct-at", "noon"],
         "conduct_at: expected a date and time"),
        (["file-appeal", CASE, "--as", "buyer", "--channel", "hotline"], "Missing option '--evidence'."),
        (["file-appeal", CASE, "--as", "buyer", "--channel", "fax", "--evidence", "photo=x.jpg"], "Invalid value for"),
        (["correct-act", CASE, "--as", "agent:agent-03"], "Missing option '--entry'."),
        (["open", "missing.yaml"], "missing.yaml cannot be read"),
        (["list", "--stuck", "--overdue"], "--stuck: use it alone"),
        (["list"], "DATABASE_URL is not set"),
        (["list", "--stuck", "--late"], "--stuck: use it alone"),
        (["claim", "--as", "buyer"], "--as: say the role and the id of an agent"),
        (["claim", "--as", "agent:agent-03"], "DATABASE_URL is not set"),
        (["hand-on", "agent-03", "agent-04", "--as", "agent:agent-03"], "Missing option '--note'."),
        (["hand-on", "agent-03", "agent-04", "--note", "x", "--as", "seller"], "--as: say a role and an id"),
        (["hand-on", "agent-03", "agent-04", "--note", " ", "--as", "agent:agent-03"], "note: write a text"),
        (["team"], "Missing argument 'team'."),
        (["staff", "missing.yaml"], "missing.yaml cannot be read"),
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


@pytest.mark.parametrize(
    ("act", "words", "fields"),
    [
        (events.NarrowClaim, {"remedy": ["refund"], "amount": "9.50", "return_reason": "quality"},
         {"claim": {"remedies": ["refund"], "amount_fen": 950, "return_reason": "quality"}}),
        (events.IssueRuling,
         {"outcome": "upheld", "rule": "VER-5", "remedy": ["refund=1.00@order-2", "apology"],
          "penalty": ["points", "data_leak=E1,E3"]},
         {"outcome": "upheld", "rule": "VER-5",
          "remedies": [{"kind": "refund", "amount_fen": 100, "order": "order-2"}, {"kind": "apology"}],
          "penalties": [{"row": "points"}, {"row": "data_leak", "evidence": ["E1", "E3"]}]}),
        (events.ProposeRemedy, {"remedy": "refund", "amount": "1", "order": "order-2"},
         {"terms": {"kind": "refund", "amount_fen": 100, "order": "order-2"}}),
        (events.RecordFinding,
         {"proven": True, "responsible": "respondent", "evidence": ["E1"], "conduct_at": "2024-07-01T10:00:00+08:00"},
         {"proven": True, "responsible": "respondent", "evidence": ["E1"], "conduct_at": "2024-07-01T10:00:00+08:00"}),
        (events.RecordContact,
         {"party": "complainant", "channel": "hotline", "automatic": True, "answered_after_seconds": 40,
          "identity": "confirmed"},
         {"party": "complainant", "channel": "hotline", "automatic": True, "answered_after_seconds": 40,
          "identity": "confirmed", "outbound": False}),
        (events.MigratePolicy, {"version": "2024-07-22"}, {"version": "2024-07-22"}),
    ],
)  # fmt: skip
def test_words_become_the_fields_of_the_act(act: type[Act], words: dict[str, Any], fields: dict[str, Any]) -> None:
    nothing = {option.name: None if option.default is option.empty else option.default for option in options(act)}
    drafted = draft(act, nothing | words)
    assert drafted == fields
    check(act, drafted | {"request_id": "r-1"})


@pytest.mark.parametrize("word", ["buyer", "complainant", "seller", "respondent"])
def test_a_party_is_named_by_either_word(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["withdraw-complaint", CASE, "--as", word]) == 2
    assert capsys.readouterr().err.startswith("DATABASE_URL is not set"), "whose id it is, the case knows"


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
