"""Mass matters on the real engine: complaints become an incident, and one act on it reaches each case once."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.matters import IncidentList
from activities.ports import INCIDENT, NOTE_INCIDENT, REACH_CASES
from policies.book import default_book
from policies.schema import Channel, Level, Matter, Party, Role, Stage
from stack.temporal import TemporalServer
from stack.virtual_time import VirtualTime
from states import events
from states.events import Act
from states.incident import CloseIncident, Incident, Leg, OpenIncident, Reached, Tally
from states.journal import Entry
from states.values import Actor, Answer
from tests.embedded import PATIENCE
from tests.states.story import AGENT, BUYER, CHIEF, SELLER, START, text
from tests.workflows.course import failures, until, until_stage
from tests.workflows.desk import Desk
from workflows.attributes import POLICY
from workflows.incident import IncidentRounds
from workflows.sandbox import sandbox_runner
from workflows.strict import StrictMessages
from workflows.wire import data_converter

PACK = default_book().in_force("platform", START)
ENOUGH = next(rule.complaints for rule in PACK.pack.incidents if rule.matter is Matter.PRODUCT)


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> WorkflowRunner:
    """Production's runner, unless a test asks for both."""
    return sandbox_runner() if getattr(request, "param", "") == "sandbox" else UnsandboxedWorkflowRunner()


class Product:
    """A product, the complaints about it, and the incident that they are."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.name = f"product-{uuid.uuid4().hex[:8]}"
        self.id = f"incident/product/{self.name}/1"
        self.cases: list[str] = []

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.desk.handle(self.id)

    async def complaint(self) -> str:
        """One more complaint, admitted and counted."""
        filed = self.desk.complaint()
        await self.desk.know_order(filed, product=self.name)
        answer = await self.desk.file(filed)
        assert answer.accepted, answer
        case = await until(self.desk, filed.case_id, lambda case: case.stage is Stage.ACCEPTANCE and not case.outbox)
        self.cases.append(case.case_id)
        return case.case_id

    async def complaints(self, number: int = ENOUGH) -> None:
        for _ in range(number):
            await self.complaint()

    async def linked(self) -> None:
        """As many complaints as make an incident, every one linked."""
        await self.complaints()
        await self.until(lambda incident: incident.rounds[0].over)

    async def incident(self) -> Incident:
        known: Incident = await self.handle.query("incident", result_type=Incident)
        return known

    async def until(self, met: Callable[[Incident], bool]) -> Incident:
        async with asyncio.timeout(PATIENCE):
            while not met(known := await self.incident()):
                await asyncio.sleep(0.02)
        return known

    async def act(self, act: type[Act], actor: Actor | None = CHIEF, **given: Any) -> Answer:
        return await self.send(self.desk.message(act, actor, **given))

    async def send(self, message: Act, **options: Any) -> Answer:
        update = "close_incident" if isinstance(message, CloseIncident) else "act_on_cases"
        options = {"id": message.request_id} | options
        answer: Answer = await self.handle.execute_update(update, message, result_type=Answer, **options)
        return answer

    async def round(self, number: int) -> Tally:
        """What came of an act, when it has gone round."""
        known = await self.until(lambda incident: incident.rounds[number - 1].over)
        return known.rounds[number - 1].tally

    async def entries(self, case_id: str, event: str) -> list[Entry]:
        return [entry for entry in await self.desk.entries(case_id) if entry.event == event]

    async def sound(self) -> None:
        """No workflow task failed, and the run replays, in the sandbox too."""
        history = await self.handle.fetch_history()
        assert failures(list(history.events)) == []
        replayer = Replayer(
            workflows=[IncidentRounds],
            data_converter=data_converter,
            interceptors=[StrictMessages()],
            workflow_runner=sandbox_runner(),
        )
        await replayer.replay_workflow(history)


@pytest.fixture
def product(desk: Desk) -> Product:
    return Product(desk)


# --- linking --------------------------------------------------------------------------------------


async def test_complaints_about_a_product_are_linked_to_one_incident(product: Product) -> None:
    desk = product.desk
    await product.complaints(ENOUGH - 1)
    for case_id in product.cases:
        assert (await desk.case(case_id)).incident is None
    opener = await product.complaint()
    assert (await desk.case(opener)).incident == product.id
    for case_id in product.cases[:-1]:
        case = await until(desk, case_id, lambda case: case.incident is not None)
        assert case.incident == product.id
        (entry,) = await product.entries(case_id, "link_incident")
        assert (entry.actor, entry.request_id) == (
            Actor(id="tousu", role=Role.ENGINE),
            f"{product.id}:link:{case_id}",
        )
    assert await product.entries(opener, "link_incident") == []
    assert await product.round(1) == Tally(accepted=ENOUGH - 1)
    joins = await product.complaint()
    assert (await desk.case(joins)).incident == product.id
    assert await product.entries(joins, "link_incident") == []
    (row,) = await IncidentList(desk.pool).all()
    assert (row.id, row.cases) == (product.id, ENOUGH + 1)
    await product.sound()


async def test_many_complaints_at_the_same_moment(product: Product) -> None:
    await asyncio.gather(*(product.complaint() for _ in range(3 * ENOUGH)))
    for case_id in product.cases:
        await until(product.desk, case_id, lambda case: case.incident == product.id)
    assert await product.round(1) == Tally(accepted=ENOUGH - 1)
    told = [case for case in product.cases if await product.entries(case, "link_incident")]
    assert len(told) == ENOUGH - 1


# --- acts that go round ---------------------------------------------------------------------------


@pytest.mark.parametrize("runner", ["sandbox", "production"], indirect=True)
async def test_an_act_reaches_each_case_once(product: Product) -> None:
    await product.linked()
    tell = product.desk.message(
        events.RecordContact, CHIEF, party=Party.COMPLAINANT, channel=Channel.SMS, outbound=True
    )
    answer = await product.send(tell)
    assert (answer.accepted, answer.case_id, answer.entry) == (True, product.id, 2)
    assert await product.round(2) == Tally(accepted=ENOUGH)
    assert await product.send(tell) == answer
    assert await product.send(tell, id="sent anew") == answer, "also where the engine has forgotten it"
    assert (await product.act(events.EscalateCase)).entry == 3
    assert await product.round(3) == Tally(accepted=ENOUGH)
    for case_id in product.cases:
        (contact,) = await product.entries(case_id, "record_contact")
        assert contact.request_id == f"{tell.request_id}:{case_id}"
        assert (contact.actor, contact.reason) == (CHIEF, tell.reason)
        (rise,) = await product.entries(case_id, "escalate_case")
        assert contact.number < rise.number
        assert (await product.desk.case(case_id)).level is Level.SPECIALIST
    assert len((await product.incident()).rounds) == 3
    await product.sound()


async def test_cases_that_refuse_or_are_closed_are_counted(product: Product) -> None:
    await product.linked()
    risky, withdrawn, archived, *others = product.cases
    desk = product.desk
    assert (await desk.act(risky, events.SetRisk, high=True)).accepted
    for case_id in (withdrawn, archived):
        assert (await desk.act(case_id, events.WithdrawComplaint, BUYER)).accepted
        await until_stage(desk, case_id, Stage.CLOSED)
    assert not await desk.forward(archived, days=30)
    assert (await product.act(events.SetRisk, high=True)).accepted
    assert await product.round(2) == Tally(len(others), {"no_change": 1}, closed=2)
    assert len(await product.entries(risky, "set_risk")) == 2, "the refusal is on record"
    for case_id in (withdrawn, archived):
        assert await product.entries(case_id, "set_risk") == []
    for case_id in others:
        assert (await desk.case(case_id)).high_risk


async def test_a_case_that_joins_later_is_not_reached(product: Product) -> None:
    await product.linked()
    assert (await product.act(events.EscalateCase)).accepted
    await product.round(2)
    later = await product.complaint()
    assert (await product.act(events.AssignCase, to="agent-07")).accepted
    assert await product.round(3) == Tally(accepted=ENOUGH + 1)
    assert await product.entries(later, "escalate_case") == []
    assert (await product.desk.case(later)).owner == "agent-07"


# --- what an incident refuses ---------------------------------------------------------------------

REFUSED: dict[str, tuple[type[Act], Actor | None, dict[str, Any], str]] = {
    "a party": (events.RecordContact, BUYER, {"party": "complainant", "channel": "sms"}, "no_right"),
    "the other party": (events.EscalateCase, SELLER, {}, "no_right"),
    "nobody": (events.EscalateCase, None, {}, "no_right"),
    "the engine's name": (events.EscalateCase, Actor(id="tousu", role=Role.ENGINE), {}, "no_right"),
    "a right that the policy does not give": (events.SetRisk, Actor("app", Role.SERVICE), {"high": True}, "no_right"),
    "closing without the right": (CloseIncident, Actor("app", Role.SERVICE), {}, "no_right"),
    "no reason": (events.AssignCase, AGENT, {"to": "agent-07", "reason": None}, "reason_missing"),
}


async def test_what_every_case_would_refuse_is_refused_once(product: Product) -> None:
    await product.linked()
    before = await product.incident()
    for name, (act, actor, given, code) in REFUSED.items():
        message = msgspec.to_builtins(product.desk.message(act, actor, **given))
        answer = await product.send(msgspec.convert(message, act))
        assert answer.refusal is not None, name
        assert (answer.accepted, answer.entry, answer.refusal.code) == (False, 0, code), name
    assert (await product.act(events.EscalateCase, request_id="r-same")).accepted
    other = product.desk.message(events.AssignCase, CHIEF, to="agent-07", request_id="r-same")
    refusal = (await product.send(other, id="sent anew")).refusal
    assert refusal is not None
    assert refusal.code == "request_id_used"
    assert (await product.incident()).rounds[:1] == before.rounds
    assert len((await product.incident()).rounds) == 2
    for case_id in product.cases:
        assert len(await product.entries(case_id, "escalate_case")) <= 1


async def test_a_closed_incident_ends_and_the_next_complaints_count_anew(product: Product) -> None:
    await product.linked()
    assert (await product.act(events.EscalateCase)).accepted
    close = product.desk.message(CloseIncident, CHIEF)
    answer = await product.send(close)
    assert answer.accepted
    ended: Incident = await product.desk.client.get_workflow_handle(product.id, result_type=Incident).result()
    assert ended.closing is not None
    assert ended.closing.act == close
    assert [each.tally.accepted for each in ended.rounds] == [ENOUGH - 1, ENOUGH], "what went round was brought home"
    assert await IncidentList(product.desk.pool).noted(product.id) == ended
    assert await IncidentList(product.desk.pool).all() == ()
    assert (await product.desk.case(await product.complaint())).incident is None
    await product.complaints(ENOUGH - 1)
    second = product.id.removesuffix("1") + "2"
    assert (await product.desk.case(product.cases[-1])).incident == second
    await product.sound()


async def test_a_request_to_cancel_changes_nothing(product: Product) -> None:
    await product.linked()
    await product.handle.cancel()
    assert (await product.act(events.EscalateCase)).accepted
    assert await product.round(2) == Tally(accepted=ENOUGH)
    await product.sound()


async def test_operators_see_how_it_stands_and_find_it(product: Product) -> None:
    await product.linked()
    assert (await product.act(events.EscalateCase)).accepted
    await product.round(2)
    told: WorkflowMetadata = await product.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    page = told.current_details
    assert page.startswith(f"**open**, product {product.name}\n")
    assert f"- 1: link_incident by tousu, over; {ENOUGH - 1} accepted, ordered " in page
    assert f"- 2: escalate_case by {CHIEF.id}, over; {ENOUGH} accepted, ordered " in page
    assert "act_on_cases (record_contact, escalate_case, report_trigger, set_risk, assign_case, hand_over)" in page
    found = (await product.handle.describe()).typed_search_attributes
    assert found[POLICY].startswith("platform@")


# --- malformed input ------------------------------------------------------------------------------

GOOD = {"type": "escalate_case", "request_id": "f-1", "actor": {"id": "supervisor-01", "role": "supervisor"}}
BAD_ACTS: tuple[tuple[list[Any], str], ...] = (
    ([], "act_on_cases: expected exactly one message, got none"),
    ([GOOD, GOOD], "act_on_cases: expected exactly one message, got 2"),
    ([None], "the message is missing"),
    (["everybody"], "the message: expected object, got str"),
    ([{}], "type: this field is required"),
    ([GOOD | {"type": "accept_complaint"}], "type: not one of record_contact, escalate_case, report_trigger, set_risk"),
    ([GOOD | {"type": "link_incident", "incident": "incident/x"}], "type: not one of record_contact"),
    ([GOOD | {"type": "set_risk"}], "high: this field is required"),
    ([GOOD | {"request_id": "r\n"}], "request_id: expected a reference of 1 to"),
    ([GOOD | {"actor": {"id": "x", "role": "king"}}], "actor.role: not one of complainant"),
    ([GOOD | {"colour": "red"}], "colour: unknown field"),
)
START_MESSAGE = OpenIncident(
    incident="incident/product/p/1", matter=Matter.PRODUCT, subject="p", policy=PACK.ref, at=START
)
BAD_STARTS: tuple[tuple[list[Any], str], ...] = (
    ([], "run: expected exactly one message, got none"),
    ([{}], "type: this field is required"),
    ([msgspec.to_builtins(START_MESSAGE) | {"matter": "weather"}], "matter: not one of seller, product"),
    ([msgspec.to_builtins(START_MESSAGE)], "incident: the message names another incident than the workflow"),
    ([{"type": "carried_incident", "incident": {}}], "incident"),
)


@pytest.fixture
async def foreign(temporal_server: TemporalServer) -> Client:
    """A client that is not ours: the SDK's own data converter, no interceptor."""
    return await temporal_server.connect()


async def complaint_about(sending: Any) -> str:
    with pytest.raises((WorkflowUpdateFailedError, WorkflowFailureError)) as caught:
        await sending
    cause = caught.value.__cause__
    assert isinstance(cause, ApplicationError)
    assert cause.type == "Malformed"
    return cause.message


async def test_malformed_input_is_told_and_leaves_no_trace(product: Product, foreign: Client) -> None:
    await product.linked()
    handle = foreign.get_workflow_handle(product.id)
    before = [event.event_id async for event in product.handle.fetch_history_events()]
    for args, sentence in BAD_ACTS:
        assert sentence in await complaint_about(handle.execute_update("act_on_cases", args=args))
    assert "this field is required" in await complaint_about(handle.execute_update("close_incident", {}))
    assert [event.event_id async for event in product.handle.fetch_history_events()] == before
    answer = await handle.execute_update("act_on_cases", GOOD | {"reason": msgspec.to_builtins(text("recall"))})
    assert answer["accepted"] is True
    assert await product.round(2) == Tally(accepted=ENOUGH)


async def test_a_malformed_start_fails_at_once(desk: Desk, foreign: Client) -> None:
    for number, (args, sentence) in enumerate(BAD_STARTS):
        run = await foreign.start_workflow(
            INCIDENT, args=args, id=f"{desk.task_queue}/{number}", task_queue=desk.task_queue
        )
        assert sentence in await complaint_about(run.result())


# --- cases that do not answer, and hand-over to the next run --------------------------------------


class Slow:
    """Stands in for the activities: some cases answer only when they are asked again."""

    def __init__(self) -> None:
        self.legs: list[Leg] = []
        self.silent = {"case-2", "case-4"}
        self.noted: list[Incident] = []

    @activity.defn(name=REACH_CASES)
    async def reach_cases(self, leg: Leg) -> Reached:
        self.legs.append(leg)
        if not leg.again:
            cases = [f"case-{number}" for number in range(1, 6)]
            quiet = tuple(case for case in cases if case in self.silent | set(leg.held))
            return Reached(place=5, last=5, tally=Tally(5 - len(quiet)), unanswered=quiet)
        quiet = tuple(case for case in leg.again if case in self.silent)
        return Reached(place=0, last=0, tally=Tally(len(leg.again) - len(quiet)), unanswered=quiet)

    @activity.defn(name=NOTE_INCIDENT)
    async def note_incident(self, incident: Incident) -> None:
        self.noted.append(incident)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def stand_in(client: Client, virtual_time: VirtualTime, slow: Slow) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """An incident served by the stand-in."""
    name = f"incident/product/{uuid.uuid4().hex[:8]}/1"
    start = replace(START_MESSAGE, incident=name)
    activities: list[Callable[..., Any]] = [slow.reach_cases, slow.note_incident]
    async with Worker(
        client,
        task_queue=name,
        workflows=[IncidentRounds],
        activities=activities,
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield await virtual_time.client.start_workflow(INCIDENT, start, id=name, task_queue=name)


async def test_cases_that_do_not_answer_hold_up_no_other_and_are_asked_again_in_order(
    stand_in: WorkflowHandle[Any, Any], virtual_time: VirtualTime, slow: Slow
) -> None:
    act = events.EscalateCase(request_id="r-1", actor=CHIEF, reason=text("recall"))
    answer = await stand_in.execute_update("act_on_cases", act, result_type=Answer)
    assert answer.accepted
    close = CloseIncident(request_id="r-2", actor=CHIEF, reason=text("over"))
    assert (await stand_in.execute_update("close_incident", close, result_type=Answer)).accepted

    async with asyncio.timeout(PATIENCE):
        while len(slow.legs) < 2 or not slow.noted:
            await asyncio.sleep(0.02)
    assert (slow.legs[0].held, slow.legs[1].held) == ((), ("case-2", "case-4"))
    slow.silent = {"case-4"}
    await virtual_time.forward(stand_in, timedelta(seconds=15))
    again = slow.legs[2:]
    # What case-2 owes to the second round it gets after it has answered the first; case-4 is only asked the first.
    assert [(leg.round, leg.again) for leg in again] == [(1, ("case-2", "case-4")), (2, ("case-2",))]
    slow.silent = set()
    assert not await virtual_time.forward(stand_in, timedelta(minutes=1))
    ended = msgspec.convert(await stand_in.result(), Incident)
    assert [each.tally for each in ended.rounds] == [Tally(accepted=5), Tally(accepted=5)]
    assert [each.over for each in ended.rounds] == [True, True]
    assert [each.over for each in slow.noted] == [False, True], (
        "closed at once in the lists, and in the end as it ended"
    )
