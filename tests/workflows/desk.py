"""The people and services around cases on the real engine, as tests need them."""

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncpg import Pool
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy

from activities.journal import PostgresJournal
from activities.platform import PostgresPlatform
from stack.virtual_time import VirtualTime
from states.case import Case
from states.events import Act, FileComplaint
from states.journal import Entry, fold
from states.values import Actor, Answer
from tests.states import story
from workflows.attributes import WORKFLOW


class Desk:
    """Files complaints and acts on them; every desk has a task queue and cases of its own."""

    def __init__(self, time: VirtualTime, pool: Pool) -> None:
        self.time = time
        self.pool = pool
        self.journal = PostgresJournal(pool)
        self.platform = PostgresPlatform(pool)
        self.task_queue = f"complaints-{uuid.uuid4().hex[:8]}"
        self._acts = 0

    @property
    def client(self) -> Client:
        return self.time.client

    def complaint(self, **changes: Any) -> FileComplaint:
        """A complaint on an order of its own."""
        order = f"order-{uuid.uuid4().hex[:8]}"
        return story.complaint(**{"orders": (order,)} | changes)

    async def know_order(self, complaint: FileComplaint, **changes: Any) -> None:
        """Let the platform know the order that a complaint is about."""
        now = datetime.now(UTC)
        known = story.order(
            order=complaint.orders[0],
            purchased_at=now - timedelta(days=6),
            received_at=now - timedelta(days=2),
            **changes,
        )
        await self.platform.add_order(known)

    async def file(self, complaint: FileComplaint) -> Answer:
        """File by update-with-start."""
        return await self.revive(complaint.case_id, complaint)

    async def revive(self, case_id: str, act: Act) -> Answer:
        """An act that begins a run where none is open."""
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            WORKFLOW,
            act,
            id=case_id,
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        answer: Answer = await self.client.execute_update_with_start_workflow(
            act.name(), act, start_workflow_operation=operation, id=act.request_id, result_type=Answer
        )
        return answer

    async def opened(self, **changes: Any) -> str:
        """A case on a known order; its id."""
        complaint = self.complaint(**changes)
        await self.know_order(complaint)
        answer = await self.file(complaint)
        assert answer.accepted, answer
        return complaint.case_id

    def message(self, act: type[Act], actor: Actor | None = story.AGENT, **given: Any) -> Act:
        self._acts += 1
        return act(**{"request_id": f"r-{self._acts}", "actor": actor, "reason": story.text("reason")} | given)

    async def act(self, case_id: str, act: type[Act], actor: Actor | None = story.AGENT, **given: Any) -> Answer:
        """Act on a case; the answer, whether accepted or refused."""
        return await self.send(case_id, self.message(act, actor, **given))

    async def send(self, case_id: str, message: Act) -> Answer:
        answer: Answer = await self.handle(case_id).execute_update(
            message.name(), message, id=message.request_id, result_type=Answer
        )
        return answer

    def handle(self, case_id: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(case_id)

    async def case(self, case_id: str) -> Case:
        """The case as its workflow tells it. A reading that failed is made again: it says nothing about the case."""
        for _ in range(2):
            with suppress(WorkflowQueryFailedError):
                return await self._query(case_id)
        return await self._query(case_id)

    async def _query(self, case_id: str) -> Case:
        known: Case = await self.handle(case_id).query("case", result_type=Case)
        return known

    async def entries(self, case_id: str) -> tuple[Entry, ...]:
        return await self.journal.read(case_id)

    async def folded(self, case_id: str) -> Case:
        case = fold(await self.entries(case_id))
        assert case is not None
        return case

    async def forward(self, case_id: str, **duration: float) -> bool:
        return await self.time.forward(self.handle(case_id), timedelta(**duration))
