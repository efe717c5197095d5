"""The command line on the real engine: what each command prints, and its exit code."""

import json
import re
import shlex
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg import Pool
from temporalio.worker import Worker

from client.complaints import Complaints
from policies.schema import Stage
from stack.virtual_time import VirtualTime
from tests.client.conftest import Run
from tests.client.test_complaints import archived, until_idle, until_stage

AGENT = ("--as", "agent:agent-03")


class Shell:
    """Runs commands and reads what they print."""

    def __init__(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        self._run = run
        self._capsys = capsys

    async def __call__(self, *words: Any, code: int = 0) -> str:
        """What a command prints; it must end with `code`."""
        self._capsys.readouterr()
        ended = await self._run(*words)
        shown = self._capsys.readouterr()
        assert ended == code, shown
        self.sentence = shown.err
        return shown.out

    async def json(self, *words: Any, code: int = 0) -> Any:
        """The one object that a command prints with --json."""
        return json.loads(await self(*words, "--json", code=code))


@pytest.fixture
def shell(run: Run, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(run, capsys)


@pytest.fixture
async def case_id(shell: Shell, complaint_file: Path, complaints: Complaints, worker: None) -> str:
    """A case that was opened by hand and waits for acceptance."""
    answer = await shell.json("open", complaint_file)
    await until_stage(complaints, answer["case_id"], Stage.ACCEPTANCE)
    await until_idle(complaints, answer["case_id"])
    return str(answer["case_id"])


async def test_a_first_case_by_hand(shell: Shell, case_id: str, tmp_path: Path) -> None:
    assert "done" in await shell("accept_complaint", case_id, *AGENT)
    statement = ("--text", "可以退款", "--remedy", "refund", "--amount", "199.00")
    await shell("submit-statement", case_id, "--as", "seller", *statement)
    (tmp_path / "more.jpg").write_bytes(b"another picture")
    await shell("submit-evidence", case_id, "--as", "buyer", "--evidence", f"photo={tmp_path / 'more.jpg'}")
    finding = ("--proven", "--responsible", "respondent", "--cause", "defective_goods", "--evidence", "E1")
    await shell("record-finding", case_id, *AGENT, *finding)
    await shell("propose-remedy", case_id, *AGENT, "--remedy", "refund", "--amount", "199.00")
    case = (await shell.json("show", case_id))["case"]
    assert [proposal["terms"] for proposal in case["proposals"]] == [{"kind": "refund", "amount_fen": 19_900}]
    page = await shell("show", case_id)
    for word in ("coordination", "agent-03", "refund 199.00 yuan", "E1", "SLA-1", "answer_proposal"):
        assert word in page
    assert "可以退款" not in page


async def test_texts_are_read_only_when_asked_for_and_that_is_logged(shell: Shell, case_id: str, pool: Pool) -> None:
    assert "内胆有划痕" not in await shell("show", case_id)
    await shell("show", case_id, "--texts", code=2)
    assert shell.sentence.startswith("--as: say who reads")
    # The engine itself reads them for a first assessment.
    assert await pool.fetchval("select count(*) from vault_reads where reader <> 'engine'") == 0
    assert "内胆有划痕" in await shell("show", case_id, "--texts", *AGENT, "--purpose", "call back")
    reads = await pool.fetch("select distinct reader, purpose from vault_reads where reader <> 'engine'")
    assert [tuple(read) for read in reads] == [("agent-03", "call back")]


async def test_a_page_shows_what_a_text_showed_and_to_whom_the_matter_went(
    shell: Shell, case_id: str, complaints: Complaints
) -> None:
    said = ("--party", "complainant", "--channel", "hotline", "--text", "刚插上电锅就爆炸了, 我已经打了12315。")
    await shell("record-contact", case_id, "--as", "buyer", *said)
    await until_idle(complaints, case_id)
    outside = ("--body", "regulator", "--reference", "12315-2026-77", "--made-at", "2026-03-02T08:00:00+08:00")
    await shell("record-external-complaint", case_id, *AGENT, *outside)
    page = await shell("show", case_id)
    for word in ("safety_hazard", "proposed", "high risk", "urgent", "waived", "queued", "12315-2026-77", "supervisor"):
        assert word in page
    assert "爆炸" not in page
    with_texts = await shell("show", case_id, "--texts", *AGENT)
    assert re.search(r"T\d+ +safety_hazard .*爆炸", with_texts)


async def test_a_refusal_is_an_answer_with_its_own_exit_code(shell: Shell, case_id: str) -> None:
    out = await shell("accept-complaint", case_id, "--as", "seller", code=3)
    assert "refused" in out
    answer = await shell.json("accept-complaint", case_id, "--as", "seller", code=3)
    assert (answer["accepted"], answer["refusal"]["code"]) == (False, "no_right")


async def test_the_same_request_id_is_the_same_act(shell: Shell, case_id: str) -> None:
    words = ("accept-complaint", case_id, *AGENT, "--request-id", "20260302T010000.000000Z-0123456789ab")
    assert await shell.json(*words) == await shell.json(*words)


@pytest.mark.usefixtures("worker")
async def test_an_unknown_case_is_not_found(shell: Shell) -> None:
    commands = [
        ("accept-complaint", *AGENT),
        ("withdraw-complaint", "--as", "buyer"),
        ("show",),
        ("progress",),
        ("watch",),
    ]
    for command, *rest in commands:
        error = await shell.json(command, "buyer-017/nothing", *rest, code=4)
        assert error["error"]["kind"] == "not_found"
    reopening = ("reopen", "buyer-017/nothing", "--as", "agent:agent-03")
    assert (await shell.json(*reopening, code=4))["error"]["kind"] == "not_found"
    assert shell.sentence == "there is no case buyer-017/nothing\n"


async def test_what_nobody_confirms_tells_the_request_id_to_try_again_with(
    shell: Shell, complaint_file: Path, make: Callable[[], Worker]
) -> None:
    error = (await shell.json("open", complaint_file, "--patience", 1, code=5))["error"]
    assert error["kind"] == "not_confirmed"
    assert error["request_id"] in shell.sentence
    async with make():
        again = ("open", complaint_file, "--request-id", error["request_id"])
        answer = await shell.json(*again)
        assert answer == await shell.json(*again)
        journal = (await shell.json("show", answer["case_id"]))["journal"]
    assert [entry["event"] for entry in journal].count("file_complaint") == 1


async def test_cases_are_listed(shell: Shell, case_id: str) -> None:
    listed = (await shell.json("list", "--stage", "acceptance", "--seller", "seller-204"))["cases"]
    assert [row["case_id"] for row in listed] == [case_id]
    assert (await shell.json("list", "--stage", "ruling"))["cases"] == []
    assert (await shell.json("list", "--overdue"))["cases"] == []
    assert (await shell.json("list", "--stuck"))["stuck"] == []
    assert case_id in await shell("list")


async def test_the_lists_are_rebuilt_from_the_journal(shell: Shell, case_id: str, database: str) -> None:
    before = await shell.json("list")
    owner = await asyncpg.connect(database)
    await owner.execute("delete from case_view")
    await owner.close()
    assert await shell.json("rebuild") == {"cases": 1, "broken": []}
    assert await shell.json("list") == before
    assert "rebuilt 1 case" in await shell("rebuild", case_id)


async def test_progress_is_what_the_complainant_may_see(shell: Shell, case_id: str) -> None:
    assert (await shell.json("progress", case_id))["stage"] == "acceptance"
    page = await shell("progress", case_id)
    assert "intake > acceptance" in page
    assert "E1" not in page


async def test_watching_prints_a_line_for_each_entry_until_the_end(shell: Shell, case_id: str) -> None:
    await shell("withdraw-complaint", case_id, "--as", "buyer")
    lines = (await shell("watch", case_id)).splitlines()
    assert "withdrawn" in "".join(lines)
    told = [json.loads(line) for line in (await shell("watch", case_id, "--json")).splitlines()]
    assert [each["number"] for each in told] == list(range(1, len(lines) + 1))
    assert told[-1]["stage"] == "closed"


# --- who works on what ----------------------------------------------------------------------------

STAFF = """
teams: [{id: front_line, title: 一线客服组}]
agents:
  - {id: agent-03, team: front_line, level: front_line, capacity: 2}
  - {id: agent-04, team: front_line, level: front_line, capacity: 2}
shifts:
  - {agent: agent-03, starts: "2020-01-01T00:00:00Z", ends: "2100-01-01T00:00:00Z"}
"""


@pytest.fixture
async def staffed(shell: Shell, tmp_path: Path) -> None:
    """Two agents on record, one of them on shift."""
    (tmp_path / "staff.yaml").write_text(STAFF, encoding="utf-8")
    assert "1 teams, 2 agents, 1 shifts" in await shell("staff", tmp_path / "staff.yaml")
    assert await shell.json("staff", tmp_path / "staff.yaml") == {"teams": 1, "agents": 2, "shifts": 1}


@pytest.mark.usefixtures("staffed")
async def test_a_waiting_case_is_claimed_and_handed_on(shell: Shell, case_id: str) -> None:
    assert [row["case_id"] for row in (await shell.json("list", "--ownerless"))["cases"]] == [case_id]
    assert (await shell.json("claim", "--as", "agent:agent-04"))["case_id"] is None, "off shift"
    error = await shell.json("claim", "--as", "agent:agent-99", code=2)
    assert error["error"]["field"] == "actor.id", "nobody on record"
    answer = await shell.json("claim", *AGENT)
    assert (answer["case_id"], answer["accepted"]) == (case_id, True)
    assert "no case waits for agent-03" in await shell("claim", *AGENT)
    assert (await shell.json("off-shift"))["cases"] == []
    out = await shell("hand-on", "agent-03", "agent-04", "--note", "买家周一回电", *AGENT)
    assert f"{case_id}: done" in out
    assert "1 of 1 handed to agent-04" in out
    assert [row["owner"] for row in (await shell.json("off-shift"))["cases"]] == ["agent-04"]
    assert case_id in await shell("off-shift")
    again = await shell.json("hand-on", "agent-03", "agent-04", "--note", "再来一次", *AGENT)
    assert again == {"cases": []}


@pytest.mark.usefixtures("staffed")
async def test_what_cannot_be_handed_on_is_told_case_by_case(
    shell: Shell, complaints: Complaints, case_id: str, pool: Pool
) -> None:
    await shell("accept-complaint", case_id, "--as", "agent:agent-04")
    await until_idle(complaints, case_id)
    await pool.execute("update case_view set owner = 'agent-03'")  # a list that is behind
    words = ("hand-on", "agent-03", "agent-04", "--note", "接手", *AGENT)
    [told] = (await shell.json(*words, code=3))["cases"]
    assert (told["case_id"], told["done"], told["answer"]["refusal"]["code"]) == (case_id, False, "no_change")
    error = await shell.json("hand-on", "agent-04", "agent-99", "--note", "接手", *AGENT, code=2)
    assert error["error"]["field"] == "to"


async def test_a_team_is_shown_what_it_has_to_do(shell: Shell, case_id: str) -> None:
    await shell("accept-complaint", case_id, *AGENT)
    over = ("--route", "logistics", "--consent", "hotline", "--reason", "查找包裹")
    await shell("hand-over", case_id, *AGENT, *over)
    [task] = (await shell.json("team", "logistics"))["hand_offs"]
    assert (task["case_id"], task["hand_off"]["state"]) == (case_id, "queued")
    shown = await shell("team", "logistics")
    assert case_id in shown
    assert "queued" in shown
    assert (await shell.json("team", "safety"))["hand_offs"] == []
    assert [row["case_id"] for row in (await shell.json("list", "--team", "logistics"))["cases"]] == [case_id]
    for nothing in (("--late",), ("--priority", "urgent"), ("--incident", "incident/seller/none/1")):
        assert (await shell.json("list", *nothing))["cases"] == []


# --- after the end --------------------------------------------------------------------------------


@pytest.fixture
async def ended(virtual_time: VirtualTime, pool: Pool, order: str, task_queue: str, worker: None) -> str:
    """A case whose run has ended."""
    return await archived(Complaints(virtual_time.client, pool, task_queue=task_queue), virtual_time, order)


async def test_a_case_whose_run_has_ended_is_shown_closed_to_acts_and_reopened(shell: Shell, ended: str) -> None:
    assert (await shell.json("accept-complaint", ended, *AGENT, code=7))["error"]["kind"] == "closed"
    assert "archived" in await shell("show", ended)
    assert (await shell.json("progress", ended))["outcome"] == "withdrawn"
    assert "refused" in await shell("reopen", ended, *AGENT, code=3)  # for want of a reason
    answer = await shell.json("reopen", ended, *AGENT, "--reason", "买家补充了新的凭证")
    assert answer["stage"] == "verification"


async def test_the_first_case_in_the_docs_runs_as_written(
    shell: Shell, complaints: Complaints, worker: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docs = Path(__file__).parent.parent.parent / "docs"
    block = re.search(r"```sh\n(.+?)```", (docs / "client.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    export, *commands = block[1].splitlines()
    assert len(commands) < 9
    name, _, value = export.removeprefix("export ").partition("=")
    monkeypatch.setenv(name, value)
    # An order of the test's own, on a server that others use too.
    order = f"order-{uuid.uuid4().hex[:8]}"
    written = (docs / "complaint.yaml").read_text(encoding="utf-8").replace("order-1001", order)
    (tmp_path / "complaint.yaml").write_text(written, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for line in commands:
        _, _, command, *words = shlex.split(line.replace("order-1001", order).replace("docs/", ""))
        await shell(command, *words)
        if command == "open":
            await until_stage(complaints, f"buyer-017/{order}", Stage.ACCEPTANCE)
    case = await complaints.case(f"buyer-017/{order}")
    assert [remedy.terms.amount_fen for remedy in case.remedies] == [19_900]
