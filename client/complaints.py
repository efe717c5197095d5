"""The client for programs: everything that can be asked of complaints, as typed functions.

async with connect() as complaints:
    answer = await complaints.open(case_file, actor=buyer)
    answer = await complaints.act(answer.case_id, AcceptComplaint(request_id="r-2", actor=agent))
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryRejectedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import Priority as TaskPriority
from temporalio.common import (
    QueryRejectCondition,
    SearchAttributeKey,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from activities.database import DatabaseError, Pool, create_pool
from activities.directory import Directory
from activities.journal import PostgresJournal
from activities.matters import IncidentList, IncidentRow
from activities.ports import NotInVaultError
from activities.vault import PostgresVault
from activities.views import CaseList, Rebuilt, TeamTask, rebuild
from client import drafts
from client.case_file import CaseFile
from client.delivery import TryAgain, database_in_words, engine_in_words, failed, is_missing, until_answered
from client.errors import REFUSED, ClientError, ClosedError, DatabaseGoneError, NotFoundError, UsageError
from client.settings import DEFAULT_ADDRESS, DEFAULT_SOURCE, Settings
from client.staff import Staff
from policies.book import default_book
from policies.schema import Category, Level, Party, Priority, Stage
from states import incident as incident_core
from states import view
from states.case import Case
from states.events import Act, AssignCase, FileComplaint, ReopenCase, Reviving
from states.incident import CloseIncident, Incident, MassAct
from states.journal import Entry, apply, fold
from states.values import Actor, Answer, TextRef, Value, yuan
from states.view import CaseRow, Progress
from workflows.attributes import TASK_QUEUE, WORKFLOW
from workflows.connection import client_options

PATIENCE = 60.0
"""Seconds for which an act is sent again until it is answered."""
QUERY_TIMEOUT = timedelta(seconds=5)
"""How long a run is asked about itself before the journal is asked instead."""
TASK_TIMEOUT = timedelta(seconds=3)
"""A killed worker's workflow task is given to another one after this; the engine's default is ten seconds."""

CLAIMS = 5
"""How many waiting cases are tried for an agent until one is given to them."""
TOGETHER = 8
"""How many cases are handed on at the same time."""

_STUCK = f"WorkflowType = '{WORKFLOW}' and ExecutionStatus = 'Running' and TemporalReportedProblems is not null"
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")

A = TypeVar("A", bound=Act)
T = TypeVar("T")


class StuckCase(Value):
    """A case whose workflow tasks fail, and what the engine says about it."""

    case_id: str
    run_id: str
    problems: tuple[str, ...]


class Happening(NamedTuple):
    """One more entry of a case's journal, and the case after it."""

    entry: Entry
    case: Case


class HandedOn(NamedTuple):
    """What became of one case that was to be handed on: its answer, or what went wrong."""

    case_id: str
    answer: Answer | None = None
    error: ClientError | None = None

    @property
    def done(self) -> bool:
        """Whether the case has its new owner."""
        return self.answer is not None and self.answer.accepted

    @property
    def exit_code(self) -> int:
        """The exit code that the case alone would have."""
        return self.error.exit_code if self.error else 0 if self.done else REFUSED


def _found(answer: Answer) -> Answer:
    """A run that was started for a case that never was says so, and ends."""
    if answer.refusal is not None and answer.refusal.code == "no_such_case":
        raise NotFoundError(answer.case_id)
    return answer


def _itself(case: Case) -> Case:
    return case


@asynccontextmanager
async def connect(
    settings: Settings | None = None,
    *,
    source: str | None = None,
    patience: float = PATIENCE,
    task_queue: str = TASK_QUEUE,
) -> AsyncIterator["Complaints"]:
    """A client by the settings of this process, or others. It connects when it first needs to.

    `source` is the service that relays the acts, if not the one of the settings; an act is sent again for `patience`
    seconds until it is answered. Raises UsageError if the engine's settings make no sense.
    """
    settings = settings or Settings.load()
    try:
        config: dict[str, Any] = {
            **ClientConfig.load_client_connect_config(override_env_vars=settings.variables),
            **client_options("tousu-starter"),
        }
    except (RuntimeError, ValueError) as error:
        raise UsageError(f"the engine's settings make no sense: {error}") from None
    engine = await Client.connect(**({"target_host": DEFAULT_ADDRESS} | config), lazy=True)
    with database_in_words():
        url = settings.database_url
        pool = await create_pool(url, smallest=0, largest=4, name="tousu-starter") if url else None
    try:
        yield Complaints(engine, pool, source=source or settings.source, patience=patience, task_queue=task_queue)
    finally:
        if pool is not None:
            await pool.close()


class Complaints:
    """Everything that can be asked of complaints.

    Without a database it can act, and ask about running cases; the rest then raises UsageError.
    """

    def __init__(
        self,
        engine: Client,
        database: "Pool | None",
        *,
        source: str = DEFAULT_SOURCE,
        patience: float = PATIENCE,
        task_queue: str = TASK_QUEUE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._database = database
        self._source = source
        self._patience = patience
        self._task_queue = task_queue
        self._now = now

    # --- acting -----------------------------------------------------------------------------------

    async def open(
        self, complaint: CaseFile, *, actor: Actor, folder: Path = Path(), request_id: str | None = None
    ) -> Answer:
        """File a complaint as it is written in a case file; paths in it are seen from `folder`.

        The same file with the same request id is the same act. Raises as `file` does, and UsageError for bad input.
        """
        draft = complaint.draft(folder) | {"actor": actor, "request_id": request_id or self.new_request_id()}
        return await self.file(await self.write(FileComplaint, draft, complaint.complainant))

    async def file(self, complaint: FileComplaint) -> Answer:
        """File a complaint, or join the open case on the same order; the answer tells which case.

        Raises NotConfirmedError (try again with its `act`), EngineAwayError, UsageError.
        """
        wanted = ", ".join(complaint.claim.remedies)
        amount = complaint.claim.amount_fen
        summary = f"{complaint.category}: {wanted}" + (f" {yuan(amount)}" if amount else "")
        return await self._start(complaint.case_id, complaint, summary)

    async def act(self, case_id: str, act: Act) -> Answer:
        """Act on a case; the answer says whether the act was accepted, and if not, why.

        Without `at` and `source` the act is stamped with the present and with this client's source. Raises
        NotConfirmedError (try again with its `act`), NotFoundError, ClosedError, EngineAwayError, UsageError.
        """
        stamped = self._stamped(act)
        return _found(await until_answered(stamped, lambda: self._update(case_id, stamped), self._patience))

    async def revive(self, act: Reviving) -> Answer:
        """Reopen a closed case, or record a complaint outside, also where the case's run has ended.

        Raises as `act` does, but never ClosedError.
        """
        summary = "reopened" if isinstance(act, ReopenCase) else "complaint outside"
        return _found(await self._start(act.case_id, act, summary))

    def new_request_id(self) -> str:
        """A request id for an act that is made now; from the id alone `act` knows when that was."""
        return drafts.new_request_id(self._now())

    async def write(self, act_type: type[A], draft: Mapping[str, Any], owner: str) -> A:
        """Make an act from a draft, its texts and files kept in the vault as `owner`'s. Raises UsageError."""
        with database_in_words():
            return await drafts.build(act_type, draft, owner, lambda: self.vault)

    def _stamped(self, act: A) -> A:
        at = act.at or drafts.made_at(act.request_id) or self._now()
        stamped = replace(act, at=at, source=act.source or self._source)
        drafts.require_sound(stamped)
        return stamped

    async def _start(self, case_id: str, act: FileComplaint | Reviving, summary: str) -> Answer:
        stamped = self._stamped(act)
        return await until_answered(stamped, lambda: self._update_with_start(case_id, stamped, summary), self._patience)

    async def _update(self, case_id: str, act: Act) -> Answer:
        handle = self._engine.get_workflow_handle(case_id)
        try:
            answer: Answer = await handle.execute_update(act.name(), act, id=act.request_id, result_type=Answer)
        except RPCError as error:
            if not is_missing(error):
                raise
            return await self._answer_without_run(handle, act)
        return answer

    async def _answer_without_run(self, handle: WorkflowHandle[Any, Any], act: Act) -> Answer:
        """What an act gets that met no run: its own answer, if an earlier attempt was taken while the run ended."""
        status = await self._status(handle)
        if status is WorkflowExecutionStatus.RUNNING:
            raise TryAgain  # it continued as new, or was opened again
        case = fold(await PostgresJournal(self._database).read(handle.id)) if self._database else None
        known = None if case is None else case.answered(act.request_id, act.fingerprint())
        if known is not None:
            return known.answer
        # A run that ended with nothing on record was started in vain, for a case that never was.
        never_was = status is None if self._database is None else case is None
        raise NotFoundError(handle.id) if never_was else ClosedError(handle.id)

    async def _update_with_start(self, case_id: str, act: FileComplaint | Reviving, summary: str) -> Answer:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            WORKFLOW,
            act,
            id=case_id,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_timeout=TASK_TIMEOUT,
            static_summary=summary,
            # No seller's many cases are served before everybody else's (INT-5).
            priority=TaskPriority(fairness_key=act.respondent)
            if isinstance(act, FileComplaint)
            else TaskPriority.default,
        )
        try:
            answer: Answer = await self._engine.execute_update_with_start_workflow(
                act.name(), act, start_workflow_operation=start, id=act.request_id, result_type=Answer
            )
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            with suppress(asyncio.CancelledError, RPCError):
                await start.workflow_handle()  # as below
            raise
        except RPCError as error:
            with suppress(RPCError):
                await start.workflow_handle()  # holds the same error, and would complain if nobody looked
            if not is_missing(error):
                raise
            # The run that it met was just ending, or refused its start.
            await self._raise_failure(self._engine.get_workflow_handle(case_id))
            raise TryAgain from None
        return answer

    async def _raise_failure(self, handle: WorkflowHandle[Any, Any]) -> None:
        if await self._status(handle) is not WorkflowExecutionStatus.FAILED:
            return
        try:
            await handle.result()
        except WorkflowFailureError as error:
            raise failed(error.cause) from None

    async def _status(self, handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionStatus | None:
        """Of the latest run; None if the engine knows none."""
        try:
            return (await handle.describe()).status
        except RPCError as error:
            if not is_missing(error):
                raise
            return None

    # --- who works on what ------------------------------------------------------------------------

    async def claim(self, agent: Actor) -> Answer | None:
        """Give an agent the waiting case that is theirs to take next (see `Directory.claim`).

        None if none waits for the agent, who may be off shift or have enough to do. A case that refuses goes back to
        those that wait, and the next one is tried; where no other is left, or a few in a row refuse, the last refusal
        is the answer. Raises UsageError for an agent who is not on record or not active, else as `act` does, but never
        NotFoundError or ClosedError; the claim then lapses by itself.
        """
        directory = Directory(self._pool)
        await self._require_active(agent.id, "actor.id")
        refused: list[str] = []
        answer: Answer | None = None
        while len(refused) < CLAIMS:
            with database_in_words():
                case_id = await directory.claim(agent.id, self._now(), except_for=refused)
            if case_id is None:
                break
            act = AssignCase(request_id=self.new_request_id(), actor=agent, to=agent.id)
            with suppress(NotFoundError, ClosedError):  # the lists showed what is no longer so
                answer = await self.act(case_id, act)
                if answer.accepted:
                    with suppress(DatabaseError):  # a claim on a case that has its owner does no harm
                        await directory.settle_claim(agent.id, case_id)
                    return answer
            with database_in_words():
                await directory.release_claim(agent.id, case_id)
            refused.append(case_id)
        return answer

    async def assign(
        self, case_id: str, to: str, note: str | None = None, *, actor: Actor, request_id: str | None = None
    ) -> Answer:
        """Give a case to an agent; from one agent to another it goes with a note (HOF-5).

        Raises as `act` does, and DatabaseGoneError.
        """
        draft: dict[str, Any] = {"request_id": request_id or self.new_request_id(), "actor": actor, "to": to}
        owner = actor.id
        if note is not None:
            draft["reason"] = drafts.text(note, "note")
            owner = await self.party(case_id, Party.COMPLAINANT)
        return await self.act(case_id, await self.write(AssignCase, draft, owner))

    async def hand_on(self, from_agent: str, to_agent: str, note: str, *, actor: Actor) -> tuple[HandedOn, ...]:
        """Hand all open cases of one agent to another, each with the note (HOF-5); what became of each.

        Doing so again hands on what is left. Raises UsageError for a note that is none and for an agent who is not on
        record or not active, DatabaseGoneError.
        """
        drafts.text(note, "note")
        with database_in_words():
            cases = await CaseList(self._pool).of_owner(from_agent)
        await self._require_active(to_agent, "to")
        few = asyncio.Semaphore(TOGETHER)

        async def handed_on(case_id: str) -> HandedOn:
            try:
                async with few:
                    return HandedOn(case_id, await self.assign(case_id, to_agent, note, actor=actor))
            except ClientError as error:
                return HandedOn(case_id, error=error)

        return tuple(await asyncio.gather(*(handed_on(row.case_id) for row in cases)))

    async def _require_active(self, agent: str, field: str) -> None:
        with database_in_words():
            known = await Directory(self._pool).agent(agent)
        if known is None or not known.active:
            raise UsageError(f"there is no agent {agent} on record who is active", field)

    async def waiting(self, limit: int = 100) -> tuple[CaseRow, ...]:
        """The open cases that nobody owns, in the order in which they are taken. Raises DatabaseGoneError."""
        with database_in_words():
            return await CaseList(self._pool).waiting(limit)

    async def team_list(self, team: str, limit: int = 100) -> tuple[TeamTask, ...]:
        """What a team has to do: the most urgent first, of those what is due first. Raises DatabaseGoneError."""
        with database_in_words():
            return await CaseList(self._pool).hand_offs(team, limit)

    async def off_shift(self, limit: int = 100) -> tuple[CaseRow, ...]:
        """The open cases whose owner is not at work now (HOF-5). Raises DatabaseGoneError."""
        with database_in_words():
            return await CaseList(self._pool).off_shift(self._now(), limit)

    async def put_on_record(self, staff: Staff) -> None:
        """Put teams, agents and shifts on record, or bring them up to date: all of it or nothing.

        Raises UsageError naming the place that is wrong, DatabaseGoneError.
        """
        try:
            with database_in_words():
                await Directory(self._pool).put(teams=staff.teams, agents=staff.agents, shifts=staff.shifts)
        except (LookupError, ValueError) as error:
            field, _, sentence = error.args[0].partition(": ")
            raise UsageError(sentence, field) from None

    # --- asking -----------------------------------------------------------------------------------

    async def case(self, case_id: str) -> Case:
        """The case as it stands, from the journal or, where the database is away, from its run.

        Raises NotFoundError; AwayError if neither answers.
        """
        return await self._query(case_id, "case", Case, _itself)

    async def progress(self, case_id: str) -> Progress:
        """What the complainant may see. Raises as `case` does."""
        return await self._query(case_id, "progress", Progress, view.progress)

    async def row(self, case_id: str) -> CaseRow:
        """The case's row in the lists. Raises NotFoundError, DatabaseGoneError."""
        with database_in_words():
            row = await CaseList(self._pool).get(case_id)
        if row is None:
            raise NotFoundError(case_id)
        return row

    async def journal(self, case_id: str) -> tuple[Entry, ...]:
        """The case's journal. Raises NotFoundError, DatabaseGoneError."""
        with database_in_words():
            entries = await PostgresJournal(self._pool).read(case_id)
        if not entries:
            raise NotFoundError(case_id)
        return entries

    async def cases(
        self,
        *,
        stages: tuple[Stage, ...] = (),
        level: Level | None = None,
        category: Category | None = None,
        seller: str | None = None,
        buyer: str | None = None,
        owner: str | None = None,
        team: str | None = None,
        priority: Priority | None = None,
        incident: str | None = None,
        overdue: bool = False,
        late: bool = False,
        ownerless: bool = False,
        limit: int = 100,
    ) -> tuple[CaseRow, ...]:
        """The cases that meet every condition given, the most urgent first; of those the one with the earliest
        deadline.

        Overdue cases are those whose next deadline has passed without having been applied; of late ones a team is late.
        Raises DatabaseGoneError.
        """
        with database_in_words():
            return await CaseList(self._pool).find(
                stages=stages,
                level=level,
                category=category,
                owner=owner,
                complainant=buyer,
                respondent=seller,
                due_before=self._now() if overdue else None,
                team=team,
                priority=priority,
                incident=incident,
                late=late,
                ownerless=ownerless,
                limit=limit,
            )

    async def stuck(self) -> tuple[StuckCase, ...]:
        """The cases whose workflow tasks keep failing, as the engine reports them. Raises EngineAwayError."""
        with engine_in_words():
            return tuple(
                [
                    StuckCase(run.id, run.run_id, tuple(run.typed_search_attributes.get(_PROBLEMS) or ()))
                    async for run in self._engine.list_workflows(_STUCK)
                ]
            )

    async def watch(self, case_id: str, *, after: int = 0, every: float = 0.5) -> AsyncIterator[Happening]:
        """The journal from the entry after `after` on, as it is written, until the case is closed or archived.

        Looks every so many seconds; an outage of the database of up to this client's patience is waited out. Raises
        NotFoundError, DatabaseGoneError.
        """
        case: Case | None = None
        while True:
            for entry in await self._later(case_id, case):
                case = apply(case, entry)
                if entry.number > after:
                    yield Happening(entry, case)
            if case is not None and case.stage in (Stage.CLOSED, Stage.ARCHIVED):
                return
            if case is None and await self._unknown(case_id):
                raise NotFoundError(case_id)
            await asyncio.sleep(every)

    async def _later(self, case_id: str, case: Case | None) -> tuple[Entry, ...]:
        journal = PostgresJournal(self._pool)
        known = 0 if case is None else case.head.number
        end = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                with database_in_words():
                    head = await journal.head(case_id)
                    return (await journal.read(case_id))[known:] if head.number > known else ()
            except DatabaseGoneError:
                if asyncio.get_running_loop().time() >= end:
                    raise
            await asyncio.sleep(1)

    async def _unknown(self, case_id: str) -> bool:
        with engine_in_words():
            status = await self._status(self._engine.get_workflow_handle(case_id))
        return status is not WorkflowExecutionStatus.RUNNING

    async def _query(self, case_id: str, name: str, type_: type[T], of_journal: Callable[[Case], T]) -> T:
        """From the journal, whose word counts; from the run only where the database is away or not known.

        A query can do harm: a worker that does not hold the case replays it for that, and the engine lets it go on to
        results that no workflow task has told of yet, and carry out local activities. Later replays then fail.
        """
        away: DatabaseGoneError | None = None
        if self._database is not None:
            try:
                with database_in_words():
                    case = fold(await PostgresJournal(self._database).read(case_id))
                if case is None:
                    raise NotFoundError(case_id)
                return of_journal(case)
            except DatabaseGoneError as error:
                away = error
        found = await self._ask_run(case_id, name, type_)
        if found is None:
            raise away or NotFoundError(case_id)
        return found

    async def _ask_run(self, case_id: str, name: str, type_: type[T]) -> T | None:
        """What the open run says; None if there is none, or if it has nothing on record yet.

        A run that hands over to the next one while it is asked tells nothing: then that one is asked.
        """
        handle = self._engine.get_workflow_handle(case_id)
        optional: Any = type_ | None
        while True:
            with engine_in_words():
                try:
                    found: T | None = await handle.query(
                        name,
                        result_type=optional,
                        reject_condition=QueryRejectCondition.NOT_OPEN,
                        rpc_timeout=QUERY_TIMEOUT,
                    )
                    return found
                except WorkflowQueryRejectedError as error:
                    if error.status is not WorkflowExecutionStatus.CONTINUED_AS_NEW:
                        return None
                except RPCError as error:
                    if not is_missing(error):
                        raise
                    return None

    # --- incidents --------------------------------------------------------------------------------

    async def act_on_incident(self, incident: str, act: MassAct | CloseIncident) -> Answer:
        """Do an act to every case of an incident, or close it; accepted means that it goes round, not that it has.

        The answer's entry is the number of the act in `incident`. A closed incident refuses. Raises as `act` does, but
        never ClosedError.
        """
        stamped = self._stamped(act)
        return await until_answered(stamped, lambda: self._update_incident(incident, stamped), self._patience)

    async def incidents(self, *, closed: bool = False, limit: int = 100) -> tuple[IncidentRow, ...]:
        """The open incidents, or the closed ones, the latest first. Raises DatabaseGoneError."""
        with database_in_words():
            return await IncidentList(self._pool).all(closed=closed, limit=limit)

    async def incident(self, incident: str) -> Incident:
        """An incident and how far its acts have gone round, from its run or, when that has ended, as it ended.

        Raises NotFoundError, AwayError.
        """
        known = await self._ask_run(incident, "incident", Incident)
        return known or await self._ended_incident(incident)

    async def _ended_incident(self, incident: str) -> Incident:
        with database_in_words():
            noted = await IncidentList(self._pool).noted(incident)
        if noted is None:
            raise NotFoundError(incident, "incident")
        return noted

    async def _update_incident(self, incident: str, act: MassAct | CloseIncident) -> Answer:
        name = act.name() if isinstance(act, CloseIncident) else "act_on_cases"
        handle = self._engine.get_workflow_handle(incident)
        try:
            answer: Answer = await handle.execute_update(name, act, id=act.request_id, result_type=Answer)
        except RPCError as error:
            if not is_missing(error):
                raise
            if await self._status(handle) is WorkflowExecutionStatus.RUNNING:
                raise TryAgain from None
            ended = await self._ended_incident(incident)
            return incident_core.act_on(ended, act, self._now(), default_book().policy(ended.policy))[1]
        return answer

    # --- texts, lists -----------------------------------------------------------------------------

    async def text(self, ref: TextRef, *, reader: str, purpose: str) -> str:
        """Read a text from the vault; who reads it and what for is logged. Raises UsageError if it is not there."""
        try:
            with database_in_words():
                return await self.vault.get_text(ref, reader=reader, purpose=purpose)
        except (NotInVaultError, UnicodeDecodeError) as error:
            raise UsageError(f"{ref.ref} is not a text that the vault can show: {error}") from None

    async def party(self, case_id: str, party: Party) -> str:
        """The reference of a party of a case. Raises NotFoundError, DatabaseGoneError."""
        row = await self.row(case_id)
        return row.complainant if party is Party.COMPLAINANT else row.respondent

    async def rebuild(self, case_id: str | None = None) -> Rebuilt:
        """Rebuild the lists from the journal, of one case or of all. Raises DatabaseGoneError."""
        with database_in_words():
            return await rebuild(self._pool, view.row, case_id)

    @property
    def vault(self) -> PostgresVault:
        """Where texts and files are kept. Raises UsageError if there is no database."""
        return PostgresVault(self._pool)

    @property
    def _pool(self) -> Pool:
        if self._database is None:
            raise UsageError("DATABASE_URL is not set: give the database's address, or start a local stack (make up)")
        return self._database
