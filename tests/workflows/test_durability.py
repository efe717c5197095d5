"""What a case survives on the real engine: new runs, resets, cancels, long histories, slow and absent services.

Killed processes are in tests/faults.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncpg import Pool
from msgspec.structs import replace
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.database import create_pool
from activities.migrations import migrate
from activities.notices import PostgresNotices
from activities.platform import PostgresPlatform
from activities.ports import Origin
from audit.certificate import certify
from policies.book import PolicyBook, default_book
from policies.schema import Channel, Level, Outcome, Party, Stage
from stack.embedded import PostgresServer, TemporalServer
from stack.virtual_time import VirtualTime
from states import effects, events
from states.case import Case
from states.events import Act
from states.values import Answer, ClockState, Head, NoticeState
from tests.embedded import FAST, PATIENCE
from tests.states.story import AGENT, BUYER, SELLER, item, text
from tests.workflows.course import (
    GOOD,
    agree,
    archive,
    failures,
    find,
    finish,
    history,
    must,
    names,
    require_sound,
    to_closed,
    to_coordination,
    to_follow_up,
    to_verification,
    until,
    until_quiet,
    until_stage,
)
from tests.workflows.desk import Desk
from worker import make_worker
from workflows import complaint as shell
from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.complaint import Summary
from workflows.connection import client_options


@pytest.fixture
def runner() -> WorkflowRunner:
    """Production's runner; the sandbox is used in test_complaint and test_bad_input."""
    return UnsandboxedWorkflowRunner()


@pytest.fixture
def alone(virtual_time: VirtualTime, pool: Pool) -> Desk:
    """A desk without a worker."""
    return Desk(virtual_time, pool)


def serving(desk: Desk, **options: Any) -> Worker:
    """A worker for a desk's task queue."""
    return make_worker(desk.client, desk.pool, task_queue=desk.task_queue, **options)


async def reopen(desk: Desk, case_id: str, **given: Any) -> Answer:
    """Reopen a case, in a new run if none is open."""
    return await desk.revive(case_id, desk.message(events.ReopenCase, case_id=case_id, **given))


async def ledger(desk: Desk, case_id: str) -> list[str]:
    """What the platform did about a case."""
    return [entry.action for entry in await desk.platform.ledger(case_id)]


async def event_names(desk: Desk, case_id: str) -> list[str]:
    return [entry.event for entry in await desk.entries(case_id)]


# --- one case, several runs --------------------------------------------------------------------------


@pytest.mark.rule("INT-2")
async def test_a_repeated_complaint_joins_the_open_case(desk: Desk) -> None:
    complaint = desk.complaint()
    await desk.know_order(complaint)
    must(await desk.file(complaint))
    before = await until_stage(desk, complaint.case_id, Stage.ACCEPTANCE)
    again = replace(complaint, request_id="r-again", channel=Channel.HOTLINE, evidence=(item("video"),))
    must(await desk.file(again))
    case = await until_quiet(desk, complaint.case_id)
    assert len(case.contacts) == len(before.contacts) + 1
    assert [each.kind for each in case.evidence] == ["photo", "video"]
    await finish(desk, complaint.case_id)
    started = names(await history(desk, complaint.case_id)).count("WORKFLOW_EXECUTION_STARTED")
    assert started == 1


async def test_a_second_run_continues_an_archived_case(desk: Desk) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    first = desk.message(events.RecordContact, party=Party.COMPLAINANT, channel="sms")
    answer = await desk.send(case_id, first)
    await finish(desk, case_id)
    entries = await desk.entries(case_id)

    reopened = await reopen(desk, case_id)
    assert (reopened.accepted, reopened.entry) == (True, len(entries) + 1)
    assert (await desk.entries(case_id))[: len(entries)] == entries
    # The same act as in the first run: the same answer, and nothing more.
    await until_quiet(desk, case_id)
    before = len(await desk.entries(case_id))
    assert await desk.send(case_id, first) == answer
    assert len(await desk.entries(case_id)) == before

    must(await desk.act(case_id, events.SubmitStatement, SELLER, text=text("statement")))
    await find(desk, case_id)
    await agree_on_less(desk, case_id)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await archive(desk, case_id)


async def agree_on_less(desk: Desk, case_id: str) -> None:
    """Agree on an apology; the money was paid in the first round."""
    must(await desk.act(case_id, events.ProposeRemedy, BUYER, terms={"kind": "apology"}))
    proposal = (await desk.case(case_id)).proposals[-1].id
    must(await desk.act(case_id, events.AnswerProposal, SELLER, proposal=proposal, answer="accept"))
    case = await until_quiet(desk, case_id)
    must(await desk.act(case_id, events.ReportRemedy, SELLER, remedy=case.remedies[-1].id, done=True))
    await until_stage(desk, case_id, Stage.FOLLOW_UP)


@pytest.mark.rule("ADM-5")
async def test_a_complaint_repeated_after_the_end_is_refused_and_the_run_ends_again(desk: Desk) -> None:
    complaint = desk.complaint()
    await desk.know_order(complaint)
    must(await desk.file(complaint))
    await finish(desk, complaint.case_id)
    entries = len(await desk.entries(complaint.case_id))
    answer = await desk.file(replace(complaint, request_id="r-again"))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule, answer.entry) == ("already_handled", "ADM-5", entries + 1)
    summary = await desk.client.get_workflow_handle(complaint.case_id, result_type=Summary).result()
    assert (summary.stage, summary.head) == (Stage.ARCHIVED, (await desk.folded(complaint.case_id)).head)
    await require_sound(desk, complaint.case_id)


async def test_reopening_a_case_that_never_was(desk: Desk) -> None:
    case_id = "buyer-017/order-never-was"
    answer = await reopen(desk, case_id)
    assert answer.refusal is not None
    assert answer.refusal.code == "no_such_case"
    summary = await desk.client.get_workflow_handle(case_id, result_type=Summary).result()
    assert (summary.head, summary.stage) == (Head(), None)
    assert await desk.entries(case_id) == ()


# --- what operators may do to a run ------------------------------------------------------------------


@pytest.mark.rule("TRA-1")
async def test_a_request_to_cancel_is_put_on_record_and_the_case_goes_on(desk: Desk) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    for _ in range(2):
        await desk.handle(case_id).cancel()
        must(await desk.act(case_id, events.RecordContact, party=Party.COMPLAINANT, channel="sms"))
    assert (await event_names(desk, case_id)).count("cancel_requested") == 1
    await finish(desk, case_id)


async def test_a_cancelled_case_outlives_eviction(alone: Desk) -> None:
    """There is room for one case in memory, so each drives the other out."""
    async with serving(alone, max_cached_workflows=1):
        case_ids = []
        for _ in range(2):
            case_ids.append(await alone.opened())
            await until_stage(alone, case_ids[-1], Stage.ACCEPTANCE)
            await alone.handle(case_ids[-1]).cancel()
        for _ in range(3):
            for case_id in case_ids:
                must(await alone.act(case_id, events.RecordContact, party=Party.COMPLAINANT, channel="sms"))
        for case_id in case_ids:
            assert (await event_names(alone, case_id)).count("cancel_requested") == 1
            await finish(alone, case_id)


async def reset(desk: Desk, case_id: str, task: int) -> None:
    """Reset a case to one of its workflow tasks that wrote to the journal, as the engine's user interface does."""
    events_ = await history(desk, case_id)
    markers = [e for e, name in zip(events_, names(events_), strict=True) if name == "MARKER_RECORDED"]
    finished = [e.marker_recorded_event_attributes.workflow_task_completed_event_id for e in markers]
    run_id = (await desk.handle(case_id).describe()).run_id
    await desk.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=desk.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=case_id, run_id=run_id),
            reason="a test",
            request_id=f"reset-{run_id}",
            workflow_task_finish_event_id=finished[task],
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
        )
    )


@pytest.mark.parametrize("task", [0, 3, -1], ids=["first task", "in between", "last task"])
async def test_a_reset_run_goes_on_from_the_journal(desk: Desk, task: int) -> None:
    case_id = await desk.opened()
    await to_follow_up(desk, case_id)
    before = await desk.entries(case_id)
    done = await ledger(desk, case_id)
    await reset(desk, case_id, task)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await until_stage(desk, case_id, Stage.CLOSED)
    assert not await desk.forward(case_id, days=30)
    assert (await desk.folded(case_id)).stage is Stage.ARCHIVED
    # Only now all is written: an act may be answered before the fork that it brought to light is on record.
    after = await desk.entries(case_id)
    assert after[: len(before)] == before
    forks = [entry for entry in after if entry.event == "fork_found"]
    # Set back to its beginning, it is like any new run of a known case: it believed nothing yet.
    assert len(forks) == (task != 0)
    assert await ledger(desk, case_id) == done
    assert await desk.journal.verify(case_id) == ()


async def test_a_terminated_case_goes_on_in_a_new_run(desk: Desk) -> None:
    complaint = desk.complaint()
    await desk.know_order(complaint)
    must(await desk.file(complaint))
    case_id = complaint.case_id
    await to_coordination(desk, case_id)
    before = await desk.entries(case_id)
    await desk.handle(case_id).terminate("a test")
    assert await desk.journal.verify(case_id) == ()
    must(await desk.file(replace(complaint, request_id="r-again")))
    assert (await desk.case(case_id)).stage is Stage.COORDINATION
    assert (await desk.entries(case_id))[: len(before)] == before
    await agree(desk, case_id)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await archive(desk, case_id)


# --- corrections and duplicates ----------------------------------------------------------------------


@pytest.mark.rule("TRA-1")
async def test_a_mistaken_finding_is_corrected(desk: Desk) -> None:
    case_id = await desk.opened()
    await to_coordination(desk, case_id)
    mistake = next(e.number for e in reversed(await desk.entries(case_id)) if e.event == "record_finding")
    must(await desk.act(case_id, events.CorrectAct, entry=mistake))
    assert (await desk.case(case_id)).stage is Stage.VERIFICATION
    await find(desk, case_id)
    await agree(desk, case_id)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await archive(desk, case_id)


async def test_a_duplicate_is_merged_into_the_other_case(desk: Desk) -> None:
    kept = await desk.opened()
    duplicate = await desk.opened(evidence=(item("video"),))
    for case_id in (kept, duplicate):
        await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(duplicate, events.MergeCase, into=kept))
    case = await until_stage(desk, duplicate, Stage.CLOSED)
    assert case.outcome is Outcome.MERGED
    absorbed = await desk.case(kept)
    assert absorbed.absorbed == (duplicate,)
    assert [each.kind for each in absorbed.evidence] == ["photo", "video"]
    await archive(desk, duplicate)
    await finish(desk, kept)


async def test_a_merge_that_is_refused_changes_nothing_else(desk: Desk) -> None:
    """The other case is closed, or there is none; the duplicate goes on."""
    closed, case_id = await desk.opened(), await desk.opened()
    await to_closed(desk, closed)
    before = await until_stage(desk, case_id, Stage.ACCEPTANCE)
    for into in (closed, "buyer-017/order-never-was"):
        must(await desk.act(case_id, events.MergeCase, into=into))
        case = await until(desk, case_id, lambda case: case.merging_into is None and not case.outbox)
        assert (case.stage, case.clocks) == (before.stage, before.clocks)
    await finish(desk, case_id)
    await archive(desk, closed)


# --- long histories ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def short_runs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A server that wants runs to be short."""
    async with TemporalServer(
        tmp_path_factory.mktemp("short"),
        in_memory=True,
        search_attributes=SEARCH_ATTRIBUTES,
        dynamic_config={"limit.historyCount.suggestContinueAsNew": "60"},
    ) as server:
        yield await server.connect(**client_options("tests"))


class PatientDesk(Desk):
    """As the client does: an act that is not confirmed, because the run was just changing, is sent again."""

    async def send(self, case_id: str, message: Act) -> Answer:
        while True:
            try:
                return await super().send(case_id, message)
            except RPCError as error:
                if error.status is not RPCStatusCode.FAILED_PRECONDITION and "closing" not in str(error):
                    raise
            except WorkflowUpdateFailedError as error:
                if "AcceptedUpdateCompletedWorkflow" not in repr(error.cause):
                    raise


@pytest.fixture
def hurried(short_runs: Client, pool: Pool) -> Desk:
    """A desk on that server, without a worker."""
    return PatientDesk(VirtualTime(short_runs), pool)


async def runs_of(desk: Desk, case_id: str) -> list[str]:
    """The runs of a case, the latest first."""
    found, run = [], (await desk.handle(case_id).describe()).run_id
    while run:
        found.append(run)
        first = (await history(desk, case_id, run))[0].workflow_execution_started_event_attributes
        run = first.continued_execution_run_id
    return found


async def press(desk: Desk, case_id: str, count: int, senders: int = 8) -> list[tuple[Act, Answer]]:
    """Steady acts by several people at once, each awaited; every act with its answer."""
    answered: list[tuple[Act, Answer]] = []

    async def sender() -> None:
        while len(answered) < count:
            act = desk.message(events.RecordContact, party=Party.COMPLAINANT, channel="sms")
            answered.append((act, await desk.send(case_id, act)))

    async with asyncio.timeout(90):
        await asyncio.gather(*(sender() for _ in range(senders)))
    return answered


def require_all_on_record(answered: list[tuple[Act, Answer]], entries: dict[str, int]) -> None:
    """Every act stands in the journal under the number that its sender was told."""
    assert {act.request_id: answer.entry for act, answer in answered} == {
        act.request_id: entries.get(act.request_id) for act, _ in answered
    }


async def numbers(desk: Desk, case_id: str) -> dict[str, int]:
    entries = await desk.entries(case_id)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    return {entry.request_id: entry.number for entry in entries if entry.request_id}


async def test_no_act_is_lost_when_a_case_continues_as_new(hurried: Desk) -> None:
    async with serving(hurried):
        case_id = await hurried.opened()
        await until_stage(hurried, case_id, Stage.ACCEPTANCE)
        answered = await press(hurried, case_id, 120)
        # A moment's rest is needed to change runs: until then the run serves on.
        must(await hurried.act(case_id, events.RecordContact, party=Party.COMPLAINANT, channel="sms"))
        require_all_on_record(answered, await numbers(hurried, case_id))
        for act, answer in (answered[0], answered[-1]):
            assert await hurried.send(case_id, act) == answer
        await finish(hurried, case_id)
        assert len(await runs_of(hurried, case_id)) > 1


async def test_a_case_changes_runs_again_and_again(hurried: Desk) -> None:
    async with serving(hurried):
        case_id = await hurried.opened()
        await until_stage(hurried, case_id, Stage.ACCEPTANCE)
        for _ in range(40):
            must(await hurried.act(case_id, events.RecordContact, party=Party.COMPLAINANT, channel="sms"))
        await finish(hurried, case_id)
        runs = await runs_of(hurried, case_id)
        assert len(runs) > 3
        for run in runs:
            assert failures(await history(hurried, case_id, run)) == []
        assert len(await ledger(hurried, case_id)) == 1


async def test_effects_under_way_are_asked_for_again_with_the_same_key(
    hurried: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    released = asyncio.Event()
    original = PostgresPlatform.carry_out

    async def slow(self: PostgresPlatform, effect: effects.CarryOut, origin: Origin) -> Any:
        asked.append(effect.key)
        await released.wait()
        return await original(self, effect, origin)

    monkeypatch.setattr(PostgresPlatform, "carry_out", slow)
    async with serving(hurried):
        case_id = await hurried.opened()
        await to_coordination(hurried, case_id)
        must(await hurried.act(case_id, events.ProposeRemedy, BUYER, terms={"kind": "refund", "amount_fen": 19_900}))
        must(await hurried.act(case_id, events.AnswerProposal, SELLER, proposal="P1", answer="accept"))
        run = (await hurried.handle(case_id).describe()).run_id
        while (await hurried.handle(case_id).describe()).run_id == run or len(asked) < 2:
            act = hurried.message(events.RecordContact, party=Party.RESPONDENT, channel="sms")
            must(await hurried.send(case_id, act))
        released.set()
        await until_stage(hurried, case_id, Stage.FOLLOW_UP)
        assert len(set(asked)) == 1
        assert await ledger(hurried, case_id) == ["refund"]
        must(await hurried.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
        await archive(hurried, case_id)


# --- the database away -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def stoppable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL that tests may stop."""
    async with PostgresServer(tmp_path_factory.mktemp("stoppable"), settings=FAST, url="") as server:
        await migrate(server.dsn())
        yield server


@pytest.fixture
async def fragile_pool(stoppable: PostgresServer) -> AsyncIterator[Pool]:
    pool = await create_pool(stoppable.dsn(), patience=2)
    yield pool
    await pool.close()


async def test_acts_wait_for_the_database_while_a_case_continues_as_new(
    short_runs: Client, stoppable: PostgresServer, fragile_pool: Pool
) -> None:
    desk = PatientDesk(VirtualTime(short_runs), fragile_pool)
    async with serving(desk):
        case_id = await desk.opened()
        await until_stage(desk, case_id, Stage.ACCEPTANCE)
        pressing = asyncio.create_task(press(desk, case_id, 80))
        await until(desk, case_id, lambda case: case.head.number > 20)
        await stoppable.stop()
        await asyncio.sleep(0.5)
        await stoppable.start()
        answered = await pressing
        require_all_on_record(answered, await numbers(desk, case_id))
        await finish(desk, case_id)
        assert len(await runs_of(desk, case_id)) > 1


async def test_acts_in_flight_while_a_case_is_archived_with_the_database_away(
    client: Client, stoppable: PostgresServer, fragile_pool: Pool
) -> None:
    """Each gets an answer, or is told that the case is closed; what was answered is on record."""
    desk = PatientDesk(VirtualTime(client), fragile_pool)
    async with serving(desk):
        case_id = await desk.opened()
        await to_closed(desk, case_id)
        answered: list[tuple[Act, Answer]] = []
        closed: list[Act] = []

        async def sender() -> None:
            while not closed:
                act = desk.message(events.RecordContact, party=Party.COMPLAINANT, channel="sms")
                try:
                    answered.append((act, await desk.send(case_id, act)))
                except RPCError:
                    closed.append(act)

        sending = asyncio.gather(*(sender() for _ in range(4)))
        await until(desk, case_id, lambda case: len(answered) > 4)
        await stoppable.stop()
        forwarding = asyncio.create_task(desk.forward(case_id, days=30))
        await asyncio.sleep(0.5)
        await stoppable.start()
        async with asyncio.timeout(PATIENCE):
            assert not await forwarding
            await sending
        require_all_on_record(answered, await numbers(desk, case_id))
        assert (await desk.folded(case_id)).stage is Stage.ARCHIVED


# --- onlookers ---------------------------------------------------------------------------------------


async def test_onlookers_do_not_change_what_a_replay_does(desk: Desk) -> None:
    """A query while the journal is being written makes the engine hand the journal's answer over late, but not so in a
    replay.
    """
    looking = True

    async def look(case_id: str) -> None:
        while looking:
            await desk.case(case_id)

    case_ids = [await desk.opened() for _ in range(6)]
    onlookers = [asyncio.create_task(look(case_id)) for case_id in case_ids for _ in range(2)]
    await asyncio.gather(*(to_closed(desk, case_id) for case_id in case_ids))
    looking = False
    await asyncio.gather(*onlookers)
    for case_id in case_ids:
        assert (await certify(await desk.handle(case_id).fetch_history())).faults == ()
        await archive(desk, case_id)


# --- slow services, lost notices, late deliveries ----------------------------------------------------


def soon(**before: float) -> dict[str, Any]:
    """When and by whom an act was made so long ago that a deadline of hours is seconds away."""
    return {"at": datetime.now(UTC) - timedelta(**before), "source": "agent-desk"}


FIRST_CONTACT = timedelta(hours=12)


@pytest.mark.rule("ESC-1")
async def test_a_slow_service_stops_no_deadline(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()
    original = PostgresPlatform.order

    async def slow(self: PostgresPlatform, order: str) -> Any:
        await released.wait()
        return await original(self, order)

    monkeypatch.setattr(PostgresPlatform, "order", slow)
    case_id = await desk.opened(**soon(hours=8, seconds=-2))  # then the first assessment is due
    case = await until(desk, case_id, lambda case: case.level is not Level.FRONT_LINE)
    assert case.stage is Stage.INTAKE
    assert case.outbox
    released.set()
    await finish(desk, case_id)


@pytest.mark.rule("FBK-1")
async def test_a_notice_that_nobody_can_deliver_is_handed_to_an_agent(desk: Desk) -> None:
    notices = PostgresNotices(desk.pool, lambda ref: default_book().policy(ref).pack)
    for channel in (Channel.APP_MESSAGE, Channel.SMS, Channel.E_MAIL):
        await notices.set_reachable(SELLER.id, channel, reachable=False)
    case_id = await desk.opened()
    await to_coordination(desk, case_id)
    must(await desk.act(case_id, events.ProposeRemedy, BUYER, terms={"kind": "refund", "amount_fen": 100}))
    must(await desk.act(case_id, events.AnswerProposal, SELLER, proposal="P1", answer="accept"))
    case = await until_quiet(desk, case_id)
    undelivered = [notice for notice in case.notices if notice.state is NoticeState.WITH_AGENT]
    assert {notice.party for notice in undelivered} == {Party.RESPONDENT}
    assert undelivered[-1].template == "agreed"
    assert case.stage is Stage.FEEDBACK
    spoken_to: dict[str, Any] = {"party": Party.RESPONDENT, "channel": Channel.HOTLINE, "outbound": True}
    must(await desk.act(case_id, events.RecordContact, AGENT, **spoken_to))
    await until_stage(desk, case_id, Stage.FOLLOW_UP)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await archive(desk, case_id)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policies with seconds where an outage is measured in minutes."""
    policies = {}
    for policy in default_book():
        delivery = replace(policy.pack.delivery, outage_after_seconds=1, settle_seconds=5)
        policies[policy.ref] = replace(policy, pack=replace(policy.pack, delivery=delivery))
    book = PolicyBook(policies)
    monkeypatch.setattr(shell, "default_book", lambda: book)


def _rises_for(case: Case, clock: str) -> list[int]:
    """For which armings of a clock the case rose."""
    return [each.arming for each in case.escalations if each.clock == clock]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("order", ["in order", "reversed"])
@pytest.mark.rule("SLA-2")
async def test_after_an_outage_acts_are_judged_by_when_they_were_made(alone: Desk, order: str) -> None:
    """No worker is there when the first contact falls due; the call before that is delivered with one after it."""
    async with serving(alone):
        case_id = await alone.opened(**soon(hours=12, seconds=-6))
        case = await until_stage(alone, case_id, Stage.ACCEPTANCE)
    [due] = [clock.due for clock in case.clocks if clock.kind == "first_contact"]
    call: dict[str, Any] = {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE, "source": "agent-desk"}
    in_time = alone.message(events.RecordContact, outbound=True, at=due - timedelta(seconds=1), **call)
    late = alone.message(events.RecordContact, at=due + timedelta(seconds=1), **call)
    while datetime.now(UTC) < due + timedelta(seconds=3):
        await asyncio.sleep(0.1)
    acts = [in_time, late] if order == "in order" else [late, in_time]
    sending = []
    for act in acts:
        sending.append(asyncio.create_task(alone.send(case_id, act)))
        await asyncio.sleep(0.1)
    async with serving(alone):
        for answer in await asyncio.gather(*sending):
            must(answer)
        case = await until_quiet(alone, case_id)
        [clock] = [clock for clock in case.clocks if clock.kind == "first_contact"]
        assert (clock.state, clock.ended_at) == (ClockState.MET, in_time.at)
        assert not _rises_for(case, "first_contact")
        recorded = [e.request_id for e in await alone.entries(case_id) if e.event == "record_contact"]
        assert recorded == [in_time.request_id, late.request_id]
        await finish(alone, case_id)


@pytest.mark.usefixtures("impatient")
@pytest.mark.rule("SLA-2", "ESC-1")
async def test_after_an_outage_a_call_made_too_late_is_too_late(alone: Desk) -> None:
    async with serving(alone):
        case_id = await alone.opened(**soon(hours=12, seconds=-6))
        case = await until_stage(alone, case_id, Stage.ACCEPTANCE)
    [due] = [clock.due for clock in case.clocks if clock.kind == "first_contact"]
    while datetime.now(UTC) < due + timedelta(seconds=3):
        await asyncio.sleep(0.1)
    call: dict[str, Any] = {
        "party": Party.COMPLAINANT,
        "channel": Channel.HOTLINE,
        "outbound": True,
        "source": "agent-desk",
    }
    act = alone.message(events.RecordContact, at=due + timedelta(seconds=1), **call)
    sending = asyncio.create_task(alone.send(case_id, act))
    async with serving(alone):
        must(await sending)
        case = await until_quiet(alone, case_id)
        first = next(clock for clock in case.clocks if clock.kind == "first_contact")
        assert (first.state, first.arming) == (ClockState.MISSED, 1)
        assert _rises_for(case, "first_contact") == [1]
        await finish(alone, case_id)


# --- what operators see ------------------------------------------------------------------------------


async def test_operators_find_and_read_a_case(desk: Desk) -> None:
    case_id = await desk.opened()
    await to_verification(desk, case_id)
    described = await desk.handle(case_id).describe()
    shown = {
        pair.key.name: pair.value for pair in described.typed_search_attributes if pair.key.name.startswith("Tousu")
    }
    deadline = shown.pop("TousuNextDeadline")
    assert shown == {
        "TousuStage": "verification",
        "TousuLevel": "front_line",
        "TousuCategory": "quality",
        "TousuSeller": SELLER.id,
        "TousuOwner": AGENT.id,
        "TousuPolicy": "platform@2024-07-22",
        "TousuHighRisk": False,
        "TousuPriority": "normal",
        "TousuExternal": False,
        "TousuLate": False,
    }
    case = await desk.case(case_id)
    assert deadline == min(clock.due for clock in case.clocks if clock.ticking)

    metadata: WorkflowMetadata = await desk.handle(case_id).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    assert metadata.current_details.startswith("**verification**, front_line")
    assert "What may be done now: " in metadata.current_details
    updates = {each.name: each.description for each in metadata.definition.update_definitions}
    assert updates == {act.name(): act.__doc__ for act in events.ACTS}
    queries = [each.name for each in metadata.definition.query_definitions if not each.name.startswith("__")]
    assert queries == ["case", "progress"]
    assert all(each.description for each in metadata.definition.query_definitions if each.name in queries)

    summaries = [bytes(event.user_metadata.summary.data).decode() for event in await history(desk, case_id)]
    assert {'"send_notice"', '"look_up_order"'} <= set(summaries)
    assert any("first contact due 20" in summary and "then one level up" in summary for summary in summaries)
    await archive_from_verification(desk, case_id)


async def archive_from_verification(desk: Desk, case_id: str) -> None:
    must(await desk.act(case_id, events.WithdrawComplaint, BUYER))
    await until_stage(desk, case_id, Stage.CLOSED)
    await archive(desk, case_id)
