"""Acting on another case on the real engine, and handing a duplicate's file to it."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.cases import EngineCases
from activities.ports import Origin, Unanswered
from policies.schema import Channel
from stack.embedded import TemporalServer
from states.effects import DeliverMerge, Done, Failed
from states.events import AbsorbCase
from states.incident import ENGINE
from states.values import Head
from tests.activities.samples import POLICY, START
from tests.activities.toy import Absorber
from workflows.wire import data_converter

QUEUE = "activities-cases"
ORIGIN = Origin("buyer-017/order-2", POLICY, START)

Target = WorkflowHandle[Absorber, int]


@pytest.fixture
async def engine(temporal_server: TemporalServer) -> AsyncIterator[Client]:
    """A client that speaks as the application's does, and a worker behind it."""
    client = await temporal_server.connect(data_converter=data_converter)
    async with Worker(client, task_queue=QUEUE, workflows=[Absorber]):
        yield client


@pytest.fixture
async def target(engine: Client) -> AsyncIterator[Target]:
    """The case that takes over."""
    target = await engine.start_workflow(Absorber.run, id=f"buyer-017/{uuid.uuid4()}", task_queue=QUEUE)
    yield target
    await target.signal(Absorber.end) if (await target.describe()).close_time is None else None


@pytest.fixture
def effect(target: Target) -> DeliverMerge:
    return DeliverMerge(
        key=f"{ORIGIN.case_id}:{uuid.uuid4()}:1",
        duplicate=ORIGIN.case_id,
        into=target.id,
        head=Head(3, "a" * 64),
        channel=Channel.HOTLINE,
    )


async def test_a_file_is_handed_over_once(engine: Client, target: Target, effect: DeliverMerge) -> None:
    cases = EngineCases(engine)
    assert await cases.deliver(effect, ORIGIN) == Done(START, f"{target.id}:1")
    assert await cases.deliver(effect, ORIGIN) == Done(START, f"{target.id}:1")
    await target.signal(Absorber.end)
    assert await target.result() == 1


@pytest.mark.parametrize(("kind", "code"), [("refused", "wrong_stage"), ("rejected", "rejected")])
async def test_a_refusal_is_final(engine: Client, effect: DeliverMerge, kind: str, code: str) -> None:
    refused = replace(effect, duplicate=f"buyer-017/{kind}")
    assert await EngineCases(engine).deliver(refused, ORIGIN) == Failed(code)


async def test_a_case_that_is_not_open_takes_over_nothing(engine: Client, target: Target, effect: DeliverMerge) -> None:
    cases = EngineCases(engine)
    assert await cases.deliver(replace(effect, into="buyer-000/none"), ORIGIN) == Failed("no_open_case")
    await target.signal(Absorber.end)
    await target.result()
    assert await cases.deliver(effect, ORIGIN) == Failed("no_open_case")


async def test_a_case_that_ends_before_it_answers_took_over_nothing(
    engine: Client, target: Target, effect: DeliverMerge
) -> None:
    ends = replace(effect, duplicate="buyer-017/ends-the-run")
    cases = EngineCases(engine)
    assert await cases.deliver(ends, ORIGIN) == Failed("no_open_case")
    assert await cases.deliver(ends, ORIGIN) == Failed("no_open_case")


async def test_an_engine_that_is_away_is_asked_again(effect: DeliverMerge) -> None:
    nobody = await Client.connect("127.0.0.1:1", lazy=True, data_converter=data_converter)
    with pytest.raises(RuntimeError, match="Failed client connect"):
        await EngineCases(nobody).deliver(effect, ORIGIN)


# --- acts -----------------------------------------------------------------------------------------


def absorb(duplicate: str = "buyer-017/another") -> AbsorbCase:
    return AbsorbCase(
        request_id=f"r-{uuid.uuid4()}",
        actor=ENGINE,
        duplicate=duplicate,
        head=Head(3, "a" * 64),
        channel=Channel.HOTLINE,
    )


async def test_an_act_is_done_once_and_answered_as_often_as_it_is_sent(engine: Client, target: Target) -> None:
    cases, act = EngineCases(engine), absorb()
    answer = await cases.act(target.id, act)
    assert answer is not None
    assert (answer.accepted, answer.entry) == (True, 1)
    assert await cases.act(target.id, act) == answer
    await target.signal(Absorber.end)
    assert await target.result() == 1


@pytest.mark.parametrize(("kind", "code"), [("refused", "wrong_stage"), ("rejected", "rejected")])
async def test_a_case_that_refuses_an_act_says_why(engine: Client, target: Target, kind: str, code: str) -> None:
    answer = await EngineCases(engine).act(target.id, absorb(f"buyer-017/{kind}"))
    assert answer is not None
    assert answer.refusal is not None
    assert (answer.accepted, answer.refusal.code) == (False, code)


async def test_a_case_without_an_open_run_answers_nothing(engine: Client, target: Target) -> None:
    cases = EngineCases(engine)
    assert await cases.act("buyer-000/none", absorb()) is None
    ends = absorb("buyer-017/ends-the-run")
    assert await cases.act(target.id, ends) is None
    assert await cases.act(target.id, ends) is None
    assert await cases.act(target.id, absorb()) is None


async def test_a_case_that_nobody_serves_is_unanswered(engine: Client) -> None:
    nobody = f"buyer-017/{uuid.uuid4()}"
    target = await engine.start_workflow(Absorber.run, id=nobody, task_queue=nobody)
    with pytest.raises(Unanswered):
        await EngineCases(engine, patience=0.5).act(nobody, absorb())
    acting = asyncio.create_task(EngineCases(engine).act(nobody, absorb()))
    await asyncio.sleep(0)
    acting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acting
    await target.terminate()
