"""Incidents through the client: the functions, and the commands over them."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncpg import Pool
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryRejectedError

from activities.platform import PostgresPlatform
from client.complaints import Complaints
from client.errors import NotFoundError, UsageError
from policies.book import default_book
from policies.schema import Matter
from states.events import EscalateCase
from states.incident import CloseIncident, Incident, Tally
from tests.client.conftest import Run
from tests.embedded import PATIENCE
from tests.states.story import CHIEF, START, complaint, order, text

ENOUGH = next(
    rule.complaints
    for rule in default_book().in_force("platform", START).pack.incidents
    if rule.matter is Matter.PRODUCT
)
BOSS = ("--as", "supervisor:supervisor-01")


async def gone_round(complaints: Complaints, incident: str, number: int) -> Incident:
    """The incident when an act has gone round."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                known = await complaints.incident(incident)
            except NotFoundError:
                known = None
            if known is not None and known.rounds[number - 1].over:
                return known
            await asyncio.sleep(0.02)


@pytest.fixture
async def incident(complaints: Complaints, pool: Pool, worker: None) -> str:
    """An incident about a product, with as few complaints as make one, all linked; its id."""
    product = f"product-{uuid.uuid4().hex[:8]}"
    now = datetime.now(UTC)
    for number in range(ENOUGH):
        bought = order(
            order=f"{product}-{number}",
            product=product,
            purchased_at=now - timedelta(days=6),
            received_at=now - timedelta(days=2),
        )
        await PostgresPlatform(pool).add_order(bought)
        filed = complaint(orders=(bought.order,), request_id=complaints.new_request_id())
        assert (await complaints.file(filed)).accepted
    name = f"incident/product/{product}/1"
    await gone_round(complaints, name, 1)
    return name


def escalate(complaints: Complaints) -> EscalateCase:
    return EscalateCase(request_id=complaints.new_request_id(), actor=CHIEF, reason=text("recall"))


async def test_one_act_for_all_cases_and_the_same_answer_for_good(complaints: Complaints, incident: str) -> None:
    act = escalate(complaints)
    answer = await complaints.act_on_incident(incident, act)
    assert (answer.accepted, answer.entry) == (True, 2)
    known = await gone_round(complaints, incident, 2)
    assert known.rounds[1].tally == Tally(accepted=ENOUGH)
    close = CloseIncident(request_id=complaints.new_request_id(), actor=CHIEF, reason=text("over"))
    assert (await complaints.act_on_incident(incident, close)).accepted
    async with asyncio.timeout(PATIENCE):
        while await complaints.incidents():
            await asyncio.sleep(0.02)
    # Whether its run has ended by now or not: what was done is answered as before, anything else is refused.
    for _ in range(2):
        assert await complaints.act_on_incident(incident, act) == answer
        refusal = (await complaints.act_on_incident(incident, escalate(complaints))).refusal
        assert refusal is not None
        assert refusal.code == "incident_closed"
        await complaints._engine.get_workflow_handle(incident).result()
    ended = await complaints.incident(incident)
    assert ended.closing is not None
    assert [row.id for row in await complaints.incidents(closed=True)] == [incident]


async def test_a_run_that_hands_over_while_it_is_asked_is_not_taken_for_the_end(
    complaints: Complaints, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine answers such a question with the status of the run that it reached."""
    query, statuses = WorkflowHandle.query, [WorkflowExecutionStatus.CONTINUED_AS_NEW] * 2

    async def reach(self: WorkflowHandle[Any, Any], *args: Any, **options: Any) -> Any:
        if statuses:
            raise WorkflowQueryRejectedError(statuses.pop())
        return await query(self, *args, **options)

    monkeypatch.setattr(WorkflowHandle, "query", reach)
    assert (await complaints.incident(incident)).id == incident
    statuses.append(WorkflowExecutionStatus.TERMINATED)
    with pytest.raises(NotFoundError):
        await complaints.incident(incident)


async def test_an_unknown_incident_is_not_found(complaints: Complaints) -> None:
    nothing = "incident/seller/nobody/1"
    with pytest.raises(NotFoundError, match=f"there is no incident {nothing}"):
        await complaints.incident(nothing)
    with pytest.raises(NotFoundError):
        await complaints.act_on_incident(nothing, escalate(complaints))


async def test_a_request_id_of_another_act_is_a_slip(complaints: Complaints, incident: str) -> None:
    act = escalate(complaints)
    assert (await complaints.act_on_incident(incident, act)).accepted
    other = CloseIncident(request_id=act.request_id, actor=CHIEF, reason=text("over"))
    with pytest.raises(UsageError, match="request_id"):
        await complaints.act_on_incident(incident, other)


async def test_the_commands(
    complaints: Complaints, incident: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(*words: Any, code: int = 0) -> str:
        capsys.readouterr()
        assert await run(*words) == code
        return capsys.readouterr().out

    assert f"{incident} {ENOUGH}" in " ".join((await said("incidents")).split())
    why = ("--reason", "召回", *BOSS)
    assert await said("incident-act", incident, "set-risk", "--high", *why) == f"{incident}: done, act 2\n"
    await gone_round(complaints, incident, 2)
    again = json.loads(await said("incident-act", incident, "set_risk", "--high", *why, "--json"))
    assert (again["accepted"], again["entry"]) == (True, 3), "another request id is another act"
    known = await gone_round(complaints, incident, 3)
    assert known.rounds[2].tally == Tally(refused={"no_change": ENOUGH})
    shown = await said("incident", incident)
    assert f"- 3: set_risk by supervisor-01, over; 0 accepted, refused: no_change {ENOUGH}" in shown
    assert "召回" not in shown
    assert json.loads(await said("incident", incident, "--json"))["rounds"][1]["tally"] == {"accepted": ENOUGH}
    refused = await said("incident-act", incident, "assign-case", "--to", "agent-07", *BOSS, code=3)
    assert "reason: an act on many cases needs a reason (TRA-1)" in refused
    await said("incident-act", incident, "escalate-case", "--as", "buyer", code=2)
    await said("incident", "incident/seller/nobody/1", code=4)
    await said("incident-act", "incident/seller/nobody/1", "close-incident", *why, code=4)
    await said("incident-act", incident, "close-incident", *why)
    async with asyncio.timeout(PATIENCE):
        while incident not in await said("incidents", "--closed"):
            await asyncio.sleep(0.02)
    assert incident not in await said("incidents")
