"""The client's functions on the real engine."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from client import case_file, drafts
from client.complaints import Complaints, connect
from client.errors import (
    ClosedError,
    EngineAwayError,
    NotConfirmedError,
    NotFoundError,
    UsageError,
)
from client.settings import Settings
from policies.schema import Category, Outcome, Stage
from stack.embedded import TemporalServer
from stack.virtual_time import VirtualTime
from states.events import AcceptComplaint, FileComplaint, ReopenCase, WithdrawComplaint
from states.journal import fold
from tests.embedded import PATIENCE
from tests.states.story import AGENT, BUYER, SELLER, complaint, text
from workflows.attributes import TASK_QUEUE

Make = Callable[[], AbstractAsyncContextManager[Any]]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.02)


async def opened(complaints: Complaints, order: str) -> str:
    """A case that waits for acceptance, and for nothing else; its id."""
    answer = await complaints.file(complaint(request_id=f"r-{order}", orders=(order,)))
    assert answer.accepted, answer
    await until_stage(complaints, answer.case_id, Stage.ACCEPTANCE)
    await until_idle(complaints, answer.case_id)
    return answer.case_id


async def until_idle(complaints: Complaints, case_id: str) -> None:
    """Wait until the case waits for nobody's answer, so that its row stays as it is."""

    async def idle() -> bool:
        return not (await complaints.case(case_id)).outbox

    await until(idle)


async def until_stage(complaints: Complaints, case_id: str, stage: Stage) -> None:
    async def there() -> bool:
        return (await complaints.case(case_id)).stage is stage

    await until(there)


async def archived(complaints: Complaints, time: VirtualTime, order: str) -> str:
    """A case whose run has ended; its id."""
    case_id = await opened(complaints, order)
    withdrawal = WithdrawComplaint(request_id="r-withdraw", actor=BUYER)
    assert (await complaints.act(case_id, withdrawal)).accepted
    await until_stage(complaints, case_id, Stage.CLOSED)
    assert not await time.forward(time.client.get_workflow_handle(case_id), timedelta(days=40))
    return case_id


@pytest.mark.usefixtures("worker")
async def test_a_case_file_is_filed_and_its_texts_stay_in_the_vault(
    complaints: Complaints, complaint_file: Path
) -> None:
    written = case_file.load(complaint_file)
    answer = await complaints.open(written, actor=BUYER, folder=complaint_file.parent, request_id="r-open")
    assert answer.accepted
    assert answer.case_id == f"buyer-017/{written.orders[0]}"
    case = await complaints.case(answer.case_id)
    assert case.claim.amount_fen == 19_900
    assert await complaints.text(case.title, reader="agent-03", purpose="test") == "内胆有划痕"
    assert {item.kind for item in case.evidence} == {"photo", "chat_log"}
    entries = await complaints.journal(answer.case_id)
    assert entries[0].source == "agent-desk"
    assert not any("划痕" in repr(entry) for entry in entries)


@pytest.mark.usefixtures("worker")
async def test_the_same_file_under_the_same_request_id_is_the_same_act(
    complaints: Complaints, complaint_file: Path
) -> None:
    written = case_file.load(complaint_file)
    request_id = complaints.new_request_id()
    first, second = [
        await complaints.open(written, actor=BUYER, folder=complaint_file.parent, request_id=request_id)
        for _ in range(2)
    ]
    assert first == second
    assert [e.event for e in await complaints.journal(first.case_id)].count("file_complaint") == 1


@pytest.mark.rule("INT-2")
@pytest.mark.usefixtures("worker")
async def test_another_complaint_about_the_same_order_joins_the_open_case(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    answer = await complaints.file(complaint(request_id="r-again", orders=(order,)))
    assert (answer.case_id, answer.accepted) == (case_id, True)
    assert len((await complaints.case(case_id)).contacts) == 2
    assert "INT-2" in (await complaints.journal(case_id))[answer.entry - 1].rules


@pytest.mark.usefixtures("worker")
async def test_an_illegal_act_is_answered_with_a_refusal(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    answer = await complaints.act(case_id, AcceptComplaint(request_id="r-1", actor=SELLER))
    assert not answer.accepted
    assert answer.refusal is not None
    assert answer.refusal.code == "no_right"


@pytest.mark.usefixtures("worker")
async def test_an_act_is_stamped_with_when_it_was_made_and_who_relays_it(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    request_id = complaints.new_request_id()
    answer = await complaints.act(case_id, AcceptComplaint(request_id=request_id, actor=AGENT))
    entry = (await complaints.journal(case_id))[answer.entry - 1]
    assert entry.effective_at == drafts.made_at(request_id)
    assert entry.source == "agent-desk"


@pytest.mark.usefixtures("worker")
async def test_an_act_on_an_unknown_case_finds_nothing(complaints: Complaints) -> None:
    nothing = f"buyer-017/order-{uuid.uuid4().hex[:8]}"
    accepting = AcceptComplaint(request_id="r-1", actor=AGENT)
    with pytest.raises(NotFoundError):
        await complaints.act(nothing, accepting)
    with pytest.raises(NotFoundError):
        await complaints.revive(ReopenCase(request_id="r-2", actor=AGENT, case_id=nothing, reason=text("x")))
    with pytest.raises(NotFoundError):
        await complaints.act(nothing, accepting)  # though a run was started in vain
    for ask in (complaints.case, complaints.progress, complaints.journal, complaints.row):
        with pytest.raises(NotFoundError):
            await ask(nothing)
    with pytest.raises(NotFoundError):
        async for _ in complaints.watch(nothing):
            pass


async def test_bad_values_in_a_program_are_found_before_they_are_sent(complaints: Complaints) -> None:
    with pytest.raises(UsageError) as caught:
        await complaints.act("buyer-017/order-1", AcceptComplaint(request_id="r-1", actor=AGENT, source="not an id"))
    assert caught.value.field == "source"


class Newer:
    """Acts of a client that is newer than the worker."""

    class AcceptComplaint(AcceptComplaint, tag="accept_complaint"):
        novelty: str = ""

    class FileComplaint(FileComplaint, tag="file_complaint"):
        novelty: str = ""


@pytest.mark.usefixtures("worker")
async def test_what_the_engine_finds_malformed_names_the_field(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    with pytest.raises(UsageError) as caught:
        await complaints.act(case_id, Newer.AcceptComplaint(request_id="r-1", actor=AGENT, novelty="x"))
    assert caught.value.field == "novelty"
    assert (await complaints.act(case_id, AcceptComplaint(request_id="r-1", actor=AGENT))).accepted


@pytest.mark.usefixtures("worker")
async def test_a_malformed_start_says_so_instead_of_trying_again(complaints: Complaints, order: str) -> None:
    filed = complaint(orders=(order,))
    newer = Newer.FileComplaint(**{name: getattr(filed, name) for name in filed.__struct_fields__}, novelty="x")
    with pytest.raises(UsageError) as caught:
        await complaints.file(newer)
    assert caught.value.field == "novelty"
    assert (await complaints.file(filed)).accepted


async def test_an_act_that_nobody_takes_is_not_confirmed_and_the_retry_is_the_same_act(
    client: Client, pool: asyncpg.Pool, order: str, task_queue: str, make: Make
) -> None:
    impatient = Complaints(client, pool, task_queue=task_queue, patience=1)
    with pytest.raises(NotConfirmedError, match="r-file") as filing:
        await impatient.file(complaint(request_id="r-file", orders=(order,)))
    patient = Complaints(client, pool, task_queue=task_queue)
    assert isinstance(filing.value.act, FileComplaint)
    async with make():
        answer = await patient.file(filing.value.act)
        assert answer.accepted
        await until_stage(patient, answer.case_id, Stage.ACCEPTANCE)
    with pytest.raises(NotConfirmedError) as accepting:
        await impatient.act(answer.case_id, AcceptComplaint(request_id="r-accept", actor=AGENT))
    async with make():
        assert (await patient.act(answer.case_id, accepting.value.act)).accepted
        events = [entry.event for entry in await patient.journal(answer.case_id)]
    assert (events.count("file_complaint"), events.count("accept_complaint")) == (1, 1)


async def test_a_caller_that_is_cancelled_stops_trying(complaints: Complaints, order: str) -> None:
    filing = asyncio.create_task(complaints.file(complaint(orders=(order,))))
    await asyncio.sleep(0.5)  # let it be on its way; the test holds whether it is or not
    filing.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await filing


@pytest.mark.usefixtures("worker")
async def test_more_acts_at_once_than_the_engine_takes_are_all_answered(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    acts = [AcceptComplaint(request_id=f"r-{number}", actor=AGENT) for number in range(40)]
    answers = await asyncio.gather(*(complaints.act(case_id, act) for act in acts))
    assert [answer.accepted for answer in answers].count(True) == 1
    assert len({answer.entry for answer in answers}) == 40


async def test_an_engine_that_cannot_be_reached_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(Settings(variables={"TEMPORAL_ADDRESS": "localhost:1"})) as complaints:
        with pytest.raises(EngineAwayError):
            await complaints.act("buyer-017/order-1", AcceptComplaint(request_id="r-1", actor=AGENT))
        with pytest.raises(EngineAwayError):
            await complaints.case("buyer-017/order-1")
        with pytest.raises(EngineAwayError):
            await complaints.stuck()
        with pytest.raises(UsageError, match="DATABASE_URL"):
            await complaints.cases()


# --- after the end --------------------------------------------------------------------------------


@pytest.fixture
def virtual(virtual_time: VirtualTime, pool: asyncpg.Pool, task_queue: str) -> Complaints:
    """The client whose cases live in virtual time."""
    return Complaints(virtual_time.client, pool, task_queue=task_queue)


@pytest.mark.usefixtures("worker")
async def test_an_ended_run_is_closed_shown_from_the_journal_and_reopened(
    virtual: Complaints, virtual_time: VirtualTime, order: str
) -> None:
    case_id = await archived(virtual, virtual_time, order)
    with pytest.raises(ClosedError):
        await virtual.act(case_id, AcceptComplaint(request_id="r-late", actor=AGENT))
    case = await virtual.case(case_id)
    assert (case.stage, case.outcome) == (Stage.ARCHIVED, Outcome.WITHDRAWN)
    assert case == fold(await virtual.journal(case_id))
    assert (await virtual.progress(case_id)).stage is Stage.ARCHIVED
    again = ReopenCase(request_id="r-reopen", actor=AGENT, case_id=case_id, reason=text("facts"))
    assert (await virtual.revive(again)).accepted
    assert (await virtual.case(case_id)).stage is Stage.VERIFICATION


@pytest.mark.usefixtures("worker")
async def test_an_answer_that_was_lost_while_the_run_ended_is_found(
    virtual: Complaints, virtual_time: VirtualTime, order: str
) -> None:
    case_id = await archived(virtual, virtual_time, order)
    entry = next(e for e in await virtual.journal(case_id) if e.event == "withdraw_complaint")
    sent = WithdrawComplaint(request_id="r-withdraw", actor=BUYER, at=entry.effective_at, source="agent-desk")
    assert sent.fingerprint() == entry.fingerprint
    answer = await virtual.act(case_id, sent)
    assert (answer.accepted, answer.entry) == (True, entry.number)


# --- lists and progress ---------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
async def test_cases_are_listed_by_what_they_are(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    found = await complaints.cases(stages=(Stage.ACCEPTANCE,), category=Category.QUALITY, seller=SELLER.id)
    assert [row.case_id for row in found] == [case_id]
    assert await complaints.cases(stages=(Stage.CLOSED,)) == ()
    assert await complaints.cases(overdue=True) == ()
    assert (await complaints.rebuild()).cases == 1
    assert await complaints.cases() == found


@pytest.mark.usefixtures("worker")
async def test_watching_shows_every_entry_once_until_the_case_is_closed(complaints: Complaints, order: str) -> None:
    case_id = await opened(complaints, order)
    seen: list[int] = []
    stages: list[Stage] = []

    async def follow() -> None:
        async for entry, case in complaints.watch(case_id, every=0.02):
            seen.append(entry.number)
            stages.append(case.stage)

    async def begun() -> bool:
        return bool(seen)

    watching = asyncio.create_task(follow())
    await until(begun)
    assert not watching.done()
    await complaints.act(case_id, WithdrawComplaint(request_id="r-1", actor=BUYER))
    async with asyncio.timeout(PATIENCE):
        await watching
    assert seen == list(range(1, len(seen) + 1))
    assert stages[-1] is Stage.CLOSED
    later = [entry.number async for entry, _ in complaints.watch(case_id, after=2)]
    assert later == seen[2:]


@workflow.defn(name="complaint")
class Broken:
    """A release with a fault."""

    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        """Fail the workflow task."""
        raise RuntimeError("a fault in a release")


@contextlib.asynccontextmanager
async def broken_case(client: Client) -> AsyncIterator[str]:
    """A complaint whose workflow tasks fail."""
    filed = complaint()
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await client.start_workflow("complaint", filed, id=filed.case_id, task_queue=TASK_QUEUE)
        yield filed.case_id
        await handle.terminate()


async def test_a_case_whose_tasks_fail_is_listed_as_stuck(tmp_path: Path, client_options: dict[str, Any]) -> None:
    at_once = {"system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute": "1"}
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(TemporalServer(tmp_path, in_memory=True, dynamic_config=at_once))
        client = await server.connect(**client_options)
        complaints = Complaints(client, None)
        case_id = await stack.enter_async_context(broken_case(client))

        async def reported() -> bool:
            return bool(await complaints.stuck())

        await until(reported)
        [stuck] = await complaints.stuck()
        assert stuck.case_id == case_id
        assert any("WorkflowTaskFailed" in problem for problem in stuck.problems)
