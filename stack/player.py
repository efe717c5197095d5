"""Plays scenarios: files the complaints, acts for every party through the public client, lets time pass, and compares.

Whatever stands between the player and an answer - a worker, the engine or the database that is away for a while - is
waited out, so the same scenario can be played while things are killed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, ParamSpec, TypeVar

from asyncpg import Pool
from msgspec.structs import replace
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from activities.database import DatabaseError
from activities.journal import PostgresJournal
from activities.platform import LedgerEntry, PostgresPlatform
from client import drafts
from client.case_file import CaseFile
from client.complaints import Complaints
from client.errors import AwayError, ClosedError, NotConfirmedError
from policies.schema import Stage
from stack.differences import Ended, differences
from stack.scenario import Scenario, Step, World, act_type, span
from stack.virtual_time import VirtualTime, is_jump
from stack.world import make_world
from states import view
from states.case import Case, next_wake
from states.events import Act, FileComplaint, RecordExternalComplaint, ReopenCase, Reviving
from states.journal import fold
from states.values import Answer
from workflows.attributes import TASK_QUEUE

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 150.0
"""Seconds for which something that is away is waited for."""
JUMP_PATIENCE = timedelta(seconds=20)
"""After this a jump in time is ordered anew: it may have been lost with a killed server."""
CLEARANCE = timedelta(seconds=60)
"""No jump ends sooner than this after a deadline, or before one: see `VirtualTime.forward`."""
LONG_AFTER = timedelta(days=150)
"""By then every case that nobody comes back to has been archived."""
SOURCES = dict.fromkeys(("buyer", "complainant", "seller", "respondent"), "app")
"""Through which service a party acts; everybody else sits at the agents' desk."""


class Stalled(Exception):
    """A scenario cannot go on; the message says why, as a difference does."""


class Player:
    """Plays scenarios against workers on a task queue.

    `suffix` is added to every order number, so that the same scenario can be played twice on one server and database.
    """

    def __init__(
        self,
        time: VirtualTime,
        pool: Pool,
        *,
        task_queue: str = TASK_QUEUE,
        suffix: str = "",
        patience: float = PATIENCE,
    ) -> None:
        self.time = time
        self.pool = pool
        self.suffix = suffix
        self.patience = patience
        self.complaints = Complaints(time.client, pool, source="agent-desk", task_queue=task_queue)

    async def play(self, scenario: Scenario, *, report: Callable[[str], None] = lambda _: None) -> "Played":
        """Play a scenario to its end. `report` is told what is being done, for a progress display.

        Whatever ends otherwise than expected is told in the result's differences, not raised. Raises ClientError,
        TimeoutError and the like only when something stayed away for longer than the player's patience.
        """
        performance = _Performance(self, scenario, report)
        start = monotonic()
        stalled: list[str] = []
        try:
            await performance.run()
        except Stalled as problem:
            stalled.append(f"{scenario.id}: {problem}")
        cases = {name: await self._ended(name, performance) for name in performance.filed}
        found = stalled + list(differences(scenario, cases))
        return Played(scenario, cases, monotonic() - start, tuple(found))

    async def persist(self, ask: Callable[P, Awaitable[T]], *given: P.args, **named: P.kwargs) -> T:
        """Ask again and again, for as long as the player's patience lasts, while something is away."""
        end = monotonic() + self.patience
        while True:
            try:
                return await ask(*given, **named)
            except (AwayError, DatabaseError, RPCError, TimeoutError) as error:
                if monotonic() > end or _is_final(error):
                    raise
            await asyncio.sleep(0.3)

    async def _ended(self, name: str, performance: "_Performance") -> Ended:
        case_id = performance.case_id(name)
        journal = PostgresJournal(self.pool)
        entries = await self.persist(journal.read, case_id)
        case = fold(entries)
        faults = await self.persist(journal.verify, case_id)
        row = await self.persist(self.complaints.row, case_id)
        if case is None or row != view.row(case):
            faults = (*faults, "the row in the lists does not tell what the journal tells")
        ledger: Sequence[LedgerEntry] = await self.persist(PostgresPlatform(self.pool).ledger, case_id)
        runs = tuple(performance.runs.get(name, ()))
        return Ended(case_id, case, entries, tuple(ledger), faults, runs, await self._count_events(case_id, runs))

    async def _count_events(self, case_id: str, runs: Sequence[str]) -> int:
        """Events of history in all runs of a case, without those that jumps in time add."""
        count = 0
        for run in runs:
            history = await self.persist(self.time.client.get_workflow_handle(case_id, run_id=run).fetch_history)
            count += sum(not is_jump(event) for event in history.events)
        return count


class Played(NamedTuple):
    """How a scenario went."""

    scenario: Scenario
    cases: dict[str, Ended]
    """What became of each case, by its name in the scenario."""
    seconds: float
    """Real time that it took."""
    differences: tuple[str, ...]
    """What was otherwise than the scenario says, a sentence each; empty if all went as it should."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules that entries of its journals cite."""
        return frozenset(rule for ended in self.cases.values() for entry in ended.entries for rule in entry.rules)


class _Performance:
    """One scenario being played."""

    def __init__(self, player: Player, scenario: Scenario, report: Callable[[str], None]) -> None:
        self.player = player
        self.scenario = scenario
        self.report = report
        self.filed: list[str] = []
        self.runs: dict[str, list[str]] = {}
        """The runs of each case that have ended, in order."""
        self._entries: dict[tuple[str, str], int] = {}
        """The entry of the last act of each name, by case."""
        self._orders = {
            order: f"{order}{player.suffix}" for complaint in scenario.complaints.values() for order in complaint.orders
        }
        self._case_ids = {name: self._case_id(written) for name, written in scenario.complaints.items()}

    def _case_id(self, written: CaseFile) -> str:
        numbered = replace(written, orders=tuple(self._orders[order] for order in written.orders))
        return drafts.check(FileComplaint, numbered.draft(Path()) | {"request_id": "r-1"}).case_id

    def case_id(self, name: str) -> str:
        return self._case_ids[name]

    def handle(self, name: str) -> WorkflowHandle[Any, Any]:
        return self.player.time.client.get_workflow_handle(self.case_id(name))

    async def run(self) -> None:
        """Make the world, file the complaint, take every step, and let time pass until the files are archived."""
        await self._change_world(self.scenario.world)
        await self._act(-1, Step(by="buyer", act=FileComplaint.name()))
        for number, step in enumerate(self.scenario.steps):
            await self._wait(step)
            if step.case in self.filed:
                await self._settle(step.case)
            if step.world is not None:
                await self._change_world(step.world, await self._now(step.case))
            if step.act is not None:
                await self._act(number, step)
        for name in self.filed:
            await self._wait_for(name, Stage.ARCHIVED)

    async def _change_world(self, world: World, now: datetime | None = None) -> None:
        complaint = self.scenario.complaint
        await self.player.persist(make_world, world, complaint, self.player.pool, self._orders, now)

    # --- time -----------------------------------------------------------------------------------------

    async def _wait(self, step: Step) -> None:
        """Let the time of a step pass."""
        if step.after is not None:
            await self._forward(step.case, await self._now(step.case) + span(step.after))
        elif step.until is not None:
            await self._wait_for(step.case, step.until)
        elif step.before is not None:
            case = await self._settle(step.case)
            running = [clock.due for clock in case.clocks if clock.kind is step.before.clock and clock.ticking]
            if not running:
                raise Stalled(f"the clock {step.before.clock} does not run in {case.stage}")
            await self._forward(step.case, min(running) - span(step.before.by))

    async def _wait_for(self, name: str, stage: Stage) -> None:
        """Let time pass until the case stands in a stage."""
        case = await self._settle(name)
        if stage is Stage.ARCHIVED and case.stage is not stage:
            # Nothing is to be done on the way, so this needs no care.
            await self.player.persist(self._jump, name, await self._now(name) + LONG_AFTER)
            case = await self._settle(name)
        while case.stage is not stage:
            wake = next_wake(case)
            if wake is None or stage is Stage.ARCHIVED:
                raise Stalled(f"the case stays in {case.stage} and does not come to {stage}")
            await self._forward(name, wake)
            case = await self._settle(name)
        if stage is Stage.ARCHIVED:
            await self._note_run(name)

    async def _now(self, name: str) -> datetime:
        return await self.player.persist(self.player.time.now, self.handle(name))

    async def _forward(self, name: str, target: datetime) -> None:
        """Move the case's clock to an instant, from deadline to deadline, and a little past each."""
        self.report(f"{name}: until {target:%Y-%m-%d %H:%M}")
        while True:
            wake = next_wake(await self._settle(name))
            if wake is None or wake > target + CLEARANCE:
                await self.player.persist(self._jump, name, target)
                return
            await self.player.persist(self._jump, name, wake + CLEARANCE)
            await self._settle(name, after=wake)

    async def _jump(self, name: str, target: datetime) -> None:
        handle = self.handle(name)
        remaining = target - await self.player.time.now(handle)
        if remaining <= timedelta() or await self._is_over(handle):
            return
        try:
            await self.player.time.forward(handle, remaining, patience=JUMP_PATIENCE)
        except RPCError:
            if not await self._is_over(handle):
                raise

    @staticmethod
    async def _is_over(handle: WorkflowHandle[Any, Any]) -> bool:
        return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    async def _settle(self, name: str, *, after: datetime | None = None) -> Case:
        """The case once everything that it asked of the world has been reported back to it.

        With `after`, once its deadlines up to that instant have been applied too.
        """
        end = monotonic() + self.player.patience
        pause = 0.01
        while True:
            case = await self.player.persist(self.player.complaints.case, self.case_id(name))
            wake = next_wake(case)
            late = after is not None and wake is not None and wake <= after
            if not case.outbox and not late:
                return case
            if monotonic() > end:
                raise Stalled(f"{case.stage}: {len(case.outbox)} effects are not reported, or a deadline not applied")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.2)

    async def _note_run(self, name: str) -> None:
        """Remember the run that has just ended, with those that it continued."""
        handle = self.handle(name)
        end = monotonic() + self.player.patience
        while not await self.player.persist(self._is_over, handle):
            if monotonic() > end:
                raise Stalled("the file is archived, but the run does not end")
            await asyncio.sleep(0.02)
        run: str | None = (await self.player.persist(handle.describe)).run_id
        chain: list[str] = []
        while run and run not in self.runs.get(name, ()):
            chain.insert(0, run)
            first = await self.player.persist(self._first_event, name, run)
            run = first.workflow_execution_started_event_attributes.continued_execution_run_id
        self.runs.setdefault(name, []).extend(chain)

    async def _first_event(self, name: str, run: str) -> Any:
        handle = self.player.time.client.get_workflow_handle(self.case_id(name), run_id=run)
        return (await handle.fetch_history()).events[0]

    # --- acts -----------------------------------------------------------------------------------------

    async def _act(self, number: int, step: Step) -> None:
        act = await self._written(number, step)
        self.report(f"{step.case}: {act.name()}")
        try:
            answer = await self._send(step.case, act)
        except ClosedError:
            code: str | None = "closed"
        else:
            code = answer.refusal.code if answer.refusal else None
            self._entries[step.case, act.name()] = answer.entry
        if code != step.refused:
            raise Stalled(f"steps[{number}]: {act.name()} was {_told(code)}, expected it to be {_told(step.refused)}")

    async def _written(self, number: int, step: Step) -> Act:
        """A step's act, its texts in the vault, made when the case's clock says it is now."""
        at = datetime.now(UTC) if await self._begins_a_run(step) else await self._now(step.case)
        source = SOURCES.get(step.by or "", "agent-desk")
        draft = self._renumbered(self.scenario.draft(step)) | {
            "request_id": f"{self.scenario.id}-{number + 2}",
            "at": at,
            "source": source,
        }
        match act_type(step).name():
            case "file_complaint":
                draft["orders"] = [self._orders.get(order, order) for order in draft["orders"]]
            case "reopen_case" | "record_external_complaint":
                draft["case_id"] = self.case_id(step.case)
                if step.act == RecordExternalComplaint.name():
                    draft.setdefault("made_at", at)
            case "merge_case" if draft["into"] in self.scenario.complaints:
                draft["into"] = self.case_id(draft["into"])
            case "correct_act" if isinstance(draft["entry"], str):
                draft["entry"] = self._entries[step.case, draft["entry"]]
        owner = self.scenario.actor(step).id
        return await self.player.persist(self.player.complaints.write, act_type(step), draft, owner)

    async def _begins_a_run(self, step: Step) -> bool:
        """Whether a step's act reaches no run of its case: the one that it begins starts at the real time."""
        if step.case not in self.filed:
            return True
        revives = issubclass(act_type(step), Reviving)
        return revives and await self.player.persist(self._is_over, self.handle(step.case))

    def _renumbered(self, value: Any) -> Any:
        """The same with the numbers that this performance gives to orders, wherever a remedy names one."""
        match value:
            case dict():
                return {
                    name: self._orders.get(each, each) if name == "order" else self._renumbered(each)
                    for name, each in value.items()
                }
            case list():
                return [self._renumbered(each) for each in value]
        return value

    async def _send(self, name: str, act: Act) -> Answer:
        """Send an act until it is answered: the same act, whatever happened to earlier attempts."""
        complaints = self.player.complaints

        async def send() -> Answer:
            try:
                match act:
                    case FileComplaint():
                        return await complaints.file(act)
                    case ReopenCase() | RecordExternalComplaint():
                        return await complaints.revive(act)
                return await complaints.act(self.case_id(name), act)
            except NotConfirmedError as error:
                raise TimeoutError(str(error)) from error

        answer = await self.player.persist(send)
        if isinstance(act, FileComplaint) and name not in self.filed:
            self.filed.append(name)
        return answer


def _told(code: str | None) -> str:
    return "accepted" if code is None else f"refused ({code})"


def _is_final(error: Exception) -> bool:
    """Whether an error stays the same however often one asks."""
    return isinstance(error, RPCError) and error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)
