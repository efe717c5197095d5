"""The case as a durable workflow: it queues what happens, lets the core decide, and carries out what was decided.

Nothing is decided here. The run loop alone changes the case, one turn at a time: decide what waits, write the
journal, answer, carry out effects, keep the timer for the earliest deadline.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import Priority, TypedSearchAttributes

with workflow.unsafe.imports_passed_through():
    from activities.ports import EffectBatch, JournalBatch
    from policies.book import default_book
    from policies.schema import Stage
    from states import events, view
    from states.case import Case, next_wake
    from states.decide import decide, in_order
    from states.effects import SendNotice
    from states.journal import Entry
    from states.values import Answer, Head, Value, snake
    from workflows import outside
    from workflows.attributes import WORKFLOW, attributes, changes
    from workflows.handlers import require_own, serves
    from workflows.lasting import until_done
    from workflows.malformed import malformed


class Carried(Value, tag_field="type", tag=snake):
    """What a run hands to the next one: the whole case."""

    case: Case


class Summary(Value):
    """What an ended run leaves as its result."""

    case_id: str
    head: Head
    stage: Stage | None = None


class Received:
    """An event in the inbox, when it came in, and the answer that its sender waits for."""

    def __init__(self, event: events.Event, at: datetime) -> None:
        self.event = event
        self.at = at
        self.answer: Answer | None = None


@workflow.defn(name=WORKFLOW)
@serves(events.ACTS)
class Complaint:
    """A consumer complaint, from filing to the end of the window for coming back to it."""

    def __init__(self) -> None:
        self._book = default_book()
        self._case: Case | None = None
        self._inbox: list[Received] = []
        self._held: list[Received] = []
        """Acts that the core cannot decide yet."""
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        """Effects being carried out, or reported and not yet decided, by key."""
        self._timer: asyncio.Task[None] | None = None
        self._wake: datetime | None = None
        self._shown = TypedSearchAttributes.empty
        self._unknown = False
        """The run was started for a case that does not exist."""

    # --- the story of a case ---------------------------------------------------------------------

    @workflow.run
    async def run(self, start: events.FileComplaint | events.Reviving | Carried) -> Summary:
        """Serve the case until its file is archived. A request to cancel is put on record; the case goes on."""
        self._take_up(start)
        return await until_done(self._serve(), "the case cannot go on", self._note_cancellation)

    def _take_up(self, start: events.FileComplaint | events.Reviving | Carried) -> None:
        if isinstance(start, Carried):
            if workflow.info().continued_run_id is None:
                raise malformed("type: a case is opened by file_complaint, reopen_case or record_external_complaint")
            self._case = start.case
            self._follow_up(start.case, workflow.now())
        else:
            require_own(start)
            # First of all: acts may have come in before this run began.
            self._inbox.insert(0, Received(start, workflow.now()))

    def _note_cancellation(self) -> None:
        self._receive(events.CancelRequested(key=f"cancel:{workflow.info().run_id}"))

    async def _serve(self) -> Summary:
        """One turn after another, until nothing is left to do or this run's history is long enough."""
        while True:
            await workflow.wait_condition(self._something_to_do)
            if self._inbox:
                await self._turn()
            elif self._is_over():
                return self._summary()
            elif self._case is not None and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(Carried(case=self._case))

    def _something_to_do(self) -> bool:
        for task in self._in_flight.values():
            if task.done():
                task.result()  # A failed one fails the workflow task, visibly.
        if self._inbox:
            return True
        idle = not self._held and workflow.all_handlers_finished()
        return idle and (self._is_over() or workflow.info().is_continue_as_new_suggested())

    def _is_over(self) -> bool:
        if self._case is None:
            return self._unknown
        return self._case.stage is Stage.ARCHIVED and not self._case.outbox

    async def _turn(self) -> None:
        """Decide what came in together, put it on record, and only then answer and act on it.

        After a query the engine may hand over the journal's answer later than it will in a replay. So nothing depends
        on when that answer comes: neither what is decided together, nor the time at which it is.
        """
        now = self._inbox[0].at
        together = [received for received in self._inbox if received.at == now]
        self._inbox = [received for received in self._inbox if received.at != now]
        waiting, self._held = self._held + together, []
        case, entries, answers = self._decide(waiting, now)
        recorded = await self._put_on_record(case, entries, now)
        if recorded is None:
            for received in waiting:
                received.at = now
            self._inbox = waiting + self._inbox
            return
        self._case = case
        for received, answer in answers:
            received.answer = answer
            if answer is None and isinstance(received.event, events.Act):
                self._held.append(received)
        if case is not None:
            self._follow_up(case, recorded)

    def _decide(
        self, waiting: Sequence[Received], now: datetime
    ) -> tuple[Case | None, list[Entry], list[tuple[Received, Answer | None]]]:
        """What becomes of the case when everything that waits is decided, in the order in which it happened."""
        case = self._case
        entries: list[Entry] = []
        answers: list[tuple[Received, Answer | None]] = []
        for index in in_order(case, [received.event for received in waiting], now, self._book):
            decision = decide(case, waiting[index].event, now, self._book)
            case = decision.case
            entries += decision.entries
            answers.append((waiting[index], decision.answer))
        return case, entries, answers

    # --- the journal -----------------------------------------------------------------------------

    async def _put_on_record(self, case: Case | None, entries: Sequence[Entry], now: datetime) -> datetime | None:
        """Journal what was decided at `now`, and from when on it counts: later only if the journal was away.

        None if the journal knows better: then the case is what the journal says.

        It does when an earlier run knew this case, when this turn was written before by a worker that was killed, and
        when the run was reset or another one wrote; only the last is a fork, and goes on record.
        """
        if case is None:
            self._unknown = not await self._adopt_journal()
            return now if self._unknown else None
        if not entries:
            return now
        written, recorded = await outside.write_journal(JournalBatch(tuple(entries), view.row(case)), now)
        if written.fits and written.head == case.head:
            return recorded
        if not await self._adopt_journal():
            raise RuntimeError(f"the journal refused entry {entries[0].number} of a case that it does not know")
        return None

    async def _adopt_journal(self) -> bool:
        """Take the case as the journal tells it, if it knows one."""
        believed = Head() if self._case is None else self._case.head
        known = await outside.read_case(workflow.info().workflow_id, believed)
        if known.case is None:
            return False
        self._case = known.case
        if known.forked and believed.number:
            key = f"fork:{workflow.info().run_id}:{believed.number}"
            self._receive(events.ForkFound(believed=believed, key=key))
        return True

    # --- effects, time, and what people see ------------------------------------------------------

    def _follow_up(self, case: Case, now: datetime) -> None:
        self._carry_out(case)
        self._keep_time(case, now)
        self._show(case)

    def _carry_out(self, case: Case) -> None:
        """Issue what waits in the outbox: notices together, the rest one by one, so that nothing slow holds up more."""
        # An effect counts as in flight until the case knows its outcome; a report may still be in the inbox.
        ordered = {effect.key for effect in case.outbox}
        self._in_flight = {key: task for key, task in self._in_flight.items() if key in ordered}
        waiting = [effect for effect in case.outbox if effect.key not in self._in_flight]
        notices = tuple(effect for effect in waiting if isinstance(effect, SendNotice))
        others = [(effect,) for effect in waiting if not isinstance(effect, SendNotice)]
        for effects in ([notices] if notices else []) + others:
            batch = EffectBatch(case.case_id, case.policy, effects)
            task = asyncio.create_task(self._issue(batch, self._urgency(case)))
            for effect in effects:
                self._in_flight[effect.key] = task

    def _urgency(self, case: Case) -> Priority:
        """What the engine serves first: the more urgent case, and no seller's many cases before everybody else's
        (INT-5).
        """
        levels = self._book.policy(case.policy).pack.priority.levels
        return Priority(priority_key=levels[case.priority].task_priority, fairness_key=case.respondent)

    async def _issue(self, batch: EffectBatch, urgency: Priority) -> None:
        results = await outside.carry_out(batch, urgency)
        self._receive(events.EffectsReported(results=results))

    def _keep_time(self, case: Case, now: datetime) -> None:
        """One timer, for the earliest deadline or warning; set anew only when that changes."""
        wake = next_wake(case)
        if wake == self._wake:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wake = wake
        self._timer = None if wake is None else asyncio.create_task(self._ring(wake, case, now))

    async def _ring(self, wake: datetime, case: Case, now: datetime) -> None:
        if (remaining := wake - now) > timedelta():
            summary = view.deadline_summary(case, self._book.policy(case.policy))
            await workflow.sleep(remaining, summary=summary)
            now = workflow.now()
        self._wake = None
        self._inbox.append(Received(events.DeadlineReached(), now))

    def _show(self, case: Case) -> None:
        """What operators search by and read."""
        found_by = attributes(case)
        if found_by != self._shown:
            workflow.upsert_search_attributes(changes(self._shown, found_by))
            self._shown = found_by
        workflow.set_current_details(view.page(case, self._book.policy(case.policy)))

    def _summary(self) -> Summary:
        if self._case is None:
            return Summary(case_id=workflow.info().workflow_id, head=Head())
        return Summary(case_id=self._case.case_id, head=self._case.head, stage=self._case.stage)

    def _receive(self, event: events.Event) -> Received:
        """Put an event in the inbox."""
        received = Received(event, workflow.now())
        self._inbox.append(received)
        return received

    # --- what is asked ---------------------------------------------------------------------------

    async def submit(self, act: events.Act) -> Answer:
        """Put an act in the inbox and wait until it is decided and journalled."""
        received = self._receive(act)
        await workflow.wait_condition(lambda: received.answer is not None)
        assert received.answer is not None  # noqa: S101 - the condition says so
        return received.answer

    @workflow.query(name="case", description="The whole case as it stands, as JSON.")
    def case(self) -> Case | None:
        """The case, None before it is on record."""
        return self._case

    @workflow.query(name="progress", description="What the complainant may see.")
    def progress(self) -> view.Progress | None:
        """The complainant's view, None before the case is on record."""
        return None if self._case is None else view.progress(self._case)
