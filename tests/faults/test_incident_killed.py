"""The worker is killed while one act goes round the cases of an incident: each case gets it exactly once."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from temporalio.api.enums.v1 import EventType

from client.errors import AwayError
from policies.schema import Level, Role
from states.events import EscalateCase
from states.incident import Incident, Round, Tally
from states.values import Actor
from tests.faults.plays import Played, insist
from tests.faults.site import PATIENCE, Hold, Site, WorkerProcess
from tests.faults.sound import require_whole
from tests.states.story import CHIEF, text

CASES = 500
AT_ONCE = 60
"""How many complaints are filed at the same time."""
KILLS = (75, 225, 375)
"""The worker is killed when it is about to write the act of these cases, counted in the order they joined."""

_MEMBERS = "select count(*) from incident_cases where incident = $1"
_IN_ORDER = "select case_id from incident_cases where incident = $1 order by place"
_EACH = """
select incident_cases.case_id, level, case_view.incident,
  (select count(*) from journal where journal.case_id = incident_cases.case_id and event = 'escalate_case') as times,
  (select count(*) from journal where journal.case_id = incident_cases.case_id and event = 'link_incident') as links
from incident_cases left join case_view using (case_id) where incident_cases.incident = $1
"""


class Seller:
    """A seller about whom many complain at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.actor = Actor(id=f"seller-{uuid.uuid4().hex[:8]}", role=Role.RESPONDENT)
        self.incident = f"incident/seller/{self.actor.id}/1"
        self.cases = [Played(site, self.actor) for _ in range(CASES)]

    async def complained_about(self) -> None:
        """Every complaint is filed and counted, and those that came first are linked."""
        few = asyncio.Semaphore(AT_ONCE)

        async def file(case: Played) -> None:
            async with few:
                await case.file()

        await asyncio.gather(*(file(case) for case in self.cases))
        await self.until(lambda: self.number(_MEMBERS), lambda members: members == CASES)
        await self.round(1)

    async def number(self, question: str) -> int:
        """What the database counts."""
        return int(await insist(lambda: self.site.pool.fetchval(question, self.incident)))

    async def round(self, number: int) -> Round:
        """An act on the incident, when it has gone round."""
        incident: Incident = await self.until(self.known, lambda known: known.rounds[number - 1].over)
        return incident.rounds[number - 1]

    async def known(self) -> Incident:
        """The incident, as soon as a worker can tell."""
        while True:
            with suppress(AwayError):
                return await self.site.complaints.incident(self.incident)

    async def until(self, ask: Callable[[], Coroutine[Any, Any, Any]], met: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(PATIENCE):
            while not met(found := await ask()):
                await asyncio.sleep(0.05)
        return found


async def kill_at(worker: WorkerProcess, holds: Sequence[Hold]) -> None:
    """Kill the worker each time it is about to write down what is held, and start it again."""
    for hold in holds:
        await hold.tried()
        await worker.kill()
        await hold.release()
        await worker.start()


async def test_each_case_gets_the_act_once(site: Site) -> None:
    seller = Seller(site)
    await seller.complained_about()
    in_order = [row["case_id"] for row in await site.pool.fetch(_IN_ORDER, seller.incident)]
    act = EscalateCase(request_id="r-recall", actor=CHIEF, reason=text("recall"))
    async with AsyncExitStack() as stack:
        holds = [await stack.enter_async_context(site.held(in_order[place])) for place in KILLS]
        acting = asyncio.create_task(site.complaints.act_on_incident(seller.incident, act))
        await kill_at(site.worker, holds)
        answer = await acting
    assert (answer.accepted, answer.entry) == (True, 2)
    assert (await seller.round(2)).tally == Tally(accepted=CASES)
    assert await site.complaints.act_on_incident(seller.incident, act) == answer
    found = await site.pool.fetch(_EACH, seller.incident)
    assert {each["case_id"] for each in found} == {case.case_id for case in seller.cases}
    assert {each["times"] for each in found} == {1}
    assert {each["level"] for each in found} == {Level.SPECIALIST}
    assert {each["incident"] for each in found} == {seller.incident}
    for case in seller.cases[:: CASES // 5]:
        await require_whole(site, case.case_id)
    await require_interrupted(seller)


async def require_interrupted(seller: Seller) -> None:
    """A test that interrupts nothing shows nothing; and no task may fail, whatever dies."""
    runs = await seller.site.runs(seller.incident)
    events = [event for run in runs for event in run]
    assert sum(event.activity_task_started_event_attributes.attempt > 1 for event in events) >= len(KILLS)
    assert len(runs) > 1, "no run handed over to the next"
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED not in {event.event_type for event in events}
