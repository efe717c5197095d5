"""Who works on what, on the real engine: claiming, handing on, the lists of teams and of who is off shift."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool
from msgspec.structs import replace
from temporalio.client import Client

from activities.directory import Agent, Directory, Shift, Team
from activities.platform import PostgresPlatform
from client import staff
from client.complaints import CLAIMS, Complaints
from client.errors import NotConfirmedError, UsageError
from client.staff import Staff
from policies.schema import Channel, Level, Priority, Role, Route
from states.events import AcceptComplaint, EscalateCase, HandOver, TakeHandOff
from states.values import Actor, HandOffState
from tests.activities.test_directory import show, waiting
from tests.client.test_complaints import opened, until_idle
from tests.states import story
from tests.states.story import AGENT, CHIEF, text

Make = Callable[[], AbstractAsyncContextManager[Any]]

OTHER = Actor(id="agent-04", role=Role.AGENT)
ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""The tests depend on no clock."""
PEOPLE = Staff(
    teams=(Team("front_line", "一线客服组"), Team("logistics", "物流组")),
    agents=tuple(Agent(each.id, "front_line", Level.FRONT_LINE, 5) for each in (AGENT, OTHER)),
    shifts=tuple(Shift(each.id, *ALWAYS) for each in (AGENT, OTHER)),
)


@pytest.fixture
async def desk(complaints: Complaints) -> Complaints:
    """The client, with two agents on record who are on shift."""
    await complaints.put_on_record(PEOPLE)
    return complaints


async def bought(pool: Pool) -> str:
    """An order of the usual buyer."""
    name = f"order-{uuid.uuid4().hex[:8]}"
    now = datetime.now(UTC)
    times = {"purchased_at": now - timedelta(days=6), "received_at": now - timedelta(days=2)}
    await PostgresPlatform(pool).add_order(story.order(order=name, **times))
    return name


async def several(desk: Complaints, pool: Pool, count: int) -> list[str]:
    """So many cases that wait for somebody, the oldest first."""
    return [await opened(desk, await bought(pool)) for _ in range(count)]


async def accepted(desk: Complaints, case_id: str, agent: Actor = AGENT) -> None:
    answer = await desk.act(case_id, AcceptComplaint(request_id=f"r-{uuid.uuid4().hex[:8]}", actor=agent))
    assert answer.accepted, answer
    await until_idle(desk, case_id)


async def claimed(pool: Pool) -> dict[str, str]:
    """The claims that stand."""
    return {each["case_id"]: each["agent"] for each in await pool.fetch("select case_id, agent from claims")}


async def show_waiting(pool: Pool, *case_ids: str) -> None:
    """Have the lists show cases as waiting since long ago, which they are not."""
    await show(pool, *(waiting("buyer-017", case_id=case_id, opened_at=ALWAYS[0]) for case_id in case_ids))
    await pool.execute(
        "update case_view set owner = null, opened_at = $2 where case_id = any ($1)", case_ids, ALWAYS[0]
    )


# --- claiming -------------------------------------------------------------------------------------


@pytest.mark.rule("HOF-5", "REP-3")
@pytest.mark.usefixtures("worker")
async def test_who_claims_owns_the_oldest_waiting_case(desk: Complaints, pool: Pool) -> None:
    first, second = await several(desk, pool, 2)
    assert [row.case_id for row in await desk.waiting()] == [first, second]
    for case_id in (first, second):
        answer = await desk.claim(AGENT)
        assert answer is not None
        assert (answer.case_id, answer.accepted) == (case_id, True)
        assert (await desk.case(case_id)).owner == AGENT.id
    assert await desk.claim(AGENT) is None, "none waits"
    assert (await desk.waiting(), await claimed(pool)) == ((), {})
    assert {row.case_id for row in await desk.cases(owner=AGENT.id, priority=Priority.NORMAL)} == {first, second}


@pytest.mark.usefixtures("worker")
async def test_agents_who_claim_at_once_never_get_the_same_case(
    desk: Complaints, client: Client, pool: Pool, task_queue: str
) -> None:
    cases = await several(desk, pool, 8)
    desks = (desk, Complaints(client, pool, task_queue=task_queue))
    claiming = [each.claim(agent) for _ in range(5) for each, agent in zip(desks, (AGENT, OTHER), strict=True)]
    answers = [answer for answer in await asyncio.gather(*claiming) if answer is not None]
    assert sorted(answer.case_id for answer in answers) == sorted(cases)
    owners = []
    for case_id in cases:
        owners.append((await desk.case(case_id)).owner)
        assigned = [entry for entry in await desk.journal(case_id) if entry.event == "assign_case"]
        assert [entry.refusal for entry in assigned] == [None]
    assert {owners.count(AGENT.id), owners.count(OTHER.id)} <= {3, 4, 5}, "five each at most"
    assert await claimed(pool) == {}


@pytest.mark.usefixtures("worker")
async def test_a_case_that_is_not_to_be_had_is_passed_over(desk: Complaints, pool: Pool) -> None:
    taken, free = await several(desk, pool, 2)
    await accepted(desk, taken, OTHER)
    await show_waiting(pool, taken, "buyer-017/never-was")
    answer = await desk.claim(AGENT)
    assert answer is not None
    assert (answer.case_id, answer.accepted) == (free, True)
    assert (await desk.case(taken)).owner == OTHER.id
    assert await claimed(pool) == {}
    assert await desk.claim(AGENT) is None, "what refused has put its row right, and what never was has none"
    await show_waiting(pool, taken)
    answer = await desk.claim(AGENT)
    assert answer is not None
    assert answer.refusal is not None, "no other is left"
    assert (answer.case_id, answer.refusal.code) == (taken, "reason_missing")


async def test_a_few_cases_are_tried_and_no_more(desk: Complaints, pool: Pool) -> None:
    await show_waiting(pool, *(f"buyer-017/never-was-{number}" for number in range(CLAIMS + 1)))
    tried: list[str] = []
    claim = Directory.claim

    async def noted(self: Directory, *given: Any, **named: Any) -> str | None:
        tried.append(await claim(self, *given, **named) or "")
        return tried[-1] or None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Directory, "claim", noted)
        assert await desk.claim(AGENT) is None
    assert tried == [f"buyer-017/never-was-{number}" for number in range(CLAIMS)]
    assert await claimed(pool) == {}


async def test_a_claim_that_is_not_confirmed_holds_the_case_back_from_others(
    desk: Complaints, client: Client, pool: Pool, task_queue: str, make: Make
) -> None:
    impatient = Complaints(client, pool, task_queue=task_queue, patience=1)
    async with make():
        [case_id] = await several(desk, pool, 1)
    with pytest.raises(NotConfirmedError) as claiming:
        await impatient.claim(AGENT)
    assert await claimed(pool) == {case_id: AGENT.id}
    assert await impatient.claim(OTHER) is None
    async with make():
        assert (await desk.act(case_id, claiming.value.act)).accepted
    assert (await desk.case(case_id)).owner == AGENT.id


# --- handing on -----------------------------------------------------------------------------------


@pytest.mark.rule("HOF-5")
@pytest.mark.usefixtures("worker")
async def test_all_open_cases_of_an_agent_go_to_another_with_the_note(desk: Complaints, pool: Pool) -> None:
    first, second, gone, other = await several(desk, pool, 4)
    for case_id in (first, second, gone):
        await accepted(desk, case_id)
    await accepted(desk, other, CHIEF)
    assert (await desk.assign(gone, OTHER.id, "接手", actor=CHIEF)).accepted
    await until_idle(desk, gone)
    await pool.execute("update case_view set owner = $2 where case_id = $1", gone, AGENT.id)  # a list that is behind
    handed = {each.case_id: each for each in await desk.hand_on(AGENT.id, OTHER.id, "卖家周一回电", actor=AGENT)}
    assert {case_id: each.done for case_id, each in handed.items()} == {first: True, second: True, gone: False}
    refused = handed[gone].answer
    assert refused is not None
    assert refused.refusal is not None
    assert (refused.refusal.code, handed[gone].exit_code) == ("no_change", 3)
    for case_id in (first, second):
        assert (await desk.case(case_id)).owner == OTHER.id
        entry = (await desk.journal(case_id))[-1]
        assert entry.reason is not None
        assert await desk.text(entry.reason, reader="agent-04", purpose="hand-on") == "卖家周一回电"
        assert (entry.actor, "HOF-5" in entry.rules) == (AGENT, True)
    assert (await desk.case(other)).owner == CHIEF.id
    await desk.rebuild()
    assert await desk.hand_on(AGENT.id, OTHER.id, "再来一次", actor=AGENT) == ()


@pytest.mark.usefixtures("worker")
async def test_what_goes_wrong_with_one_case_stops_no_other(desk: Complaints, pool: Pool) -> None:
    [case_id] = await several(desk, pool, 1)
    await accepted(desk, case_id)
    await show_waiting(pool, "buyer-017/never-was")
    await pool.execute("update case_view set owner = $1", AGENT.id)
    handed = {each.case_id: each for each in await desk.hand_on(AGENT.id, OTHER.id, "接手", actor=AGENT)}
    assert handed[case_id].done
    assert (handed["buyer-017/never-was"].exit_code, handed["buyer-017/never-was"].done) == (4, False)


@pytest.mark.parametrize(("to", "note", "field"), [("agent-99", "接手", "to"), (OTHER.id, " ", "note")])
async def test_nothing_is_handed_to_nobody_or_without_a_word(
    desk: Complaints, pool: Pool, to: str, note: str, field: str
) -> None:
    await show_waiting(pool, "buyer-017/never-was")
    await pool.execute("update case_view set owner = $1", AGENT.id)
    with pytest.raises(UsageError) as caught:
        await desk.hand_on(AGENT.id, to, note, actor=AGENT)
    assert caught.value.field == field


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.rule("HOF-1", "HOF-4")
@pytest.mark.usefixtures("worker")
async def test_a_team_sees_what_it_has_to_do(desk: Complaints, pool: Pool) -> None:
    case_id, other = await several(desk, pool, 2)
    await accepted(desk, case_id)
    hand_over = HandOver(
        request_id="r-over", actor=AGENT, route=Route.LOGISTICS, consent=Channel.HOTLINE, reason=text("why")
    )
    assert (await desk.act(case_id, hand_over)).accepted
    [task] = await desk.team_list("logistics")
    assert (task.case_id, task.hand_off.id, task.hand_off.state) == (case_id, "H1", HandOffState.QUEUED)
    assert task.hand_off.due is not None
    assert await desk.team_list("safety") == ()
    assert [row.case_id for row in await desk.cases(team="logistics")] == [case_id]
    assert [row.case_id for row in await desk.cases(ownerless=True)] == [other]
    assert await desk.cases(late=True) == await desk.cases(incident="incident/seller/none/1") == ()
    assert (await desk.act(case_id, TakeHandOff(request_id="r-take", actor=OTHER, hand_off="H1"))).accepted
    [task] = await desk.team_list("logistics")
    assert (task.hand_off.state, task.hand_off.worker) == (HandOffState.WORKING, OTHER.id)
    await until_idle(desk, case_id)
    before = await desk.row(case_id)
    assert (await desk.rebuild()).broken == ()
    assert await desk.row(case_id) == before


@pytest.mark.rule("HOF-5")
@pytest.mark.usefixtures("worker")
async def test_cases_whose_owner_is_off_shift_are_seen(
    desk: Complaints, client: Client, pool: Pool, task_queue: str
) -> None:
    [case_id] = await several(desk, pool, 1)
    assert await desk.claim(AGENT) is not None
    assert await desk.off_shift() == ()
    later = Complaints(client, pool, task_queue=task_queue, now=lambda: ALWAYS[1])
    assert [row.case_id for row in await later.off_shift()] == [case_id]
    assert await later.claim(OTHER) is None


@pytest.mark.usefixtures("worker")
async def test_a_case_that_has_risen_waits_for_somebody_of_its_level(desk: Complaints, pool: Pool) -> None:
    [case_id] = await several(desk, pool, 1)
    escalation = EscalateCase(request_id="r-up", actor=AGENT, reason=text("why"))
    assert (await desk.act(case_id, escalation)).accepted
    level = (await desk.row(case_id)).level
    assert level is not Level.FRONT_LINE
    assert await desk.claim(AGENT) is None
    await desk.put_on_record(Staff(agents=(replace(PEOPLE.agents[0], level=level),)))
    answer = await desk.claim(AGENT)
    assert answer is not None
    assert answer.case_id == case_id


# --- the record -----------------------------------------------------------------------------------


async def test_the_staff_file_in_the_docs_is_put_on_record(complaints: Complaints, pool: Pool) -> None:
    written = staff.load(Path(__file__).parents[2] / "docs" / "staff.yaml")
    await complaints.put_on_record(written)
    assert await Directory(pool).agents() == written.agents
    assert len(await Directory(pool).shifts(*ALWAYS)) == len(written.shifts) > 0


async def test_a_staff_file_that_names_nobody_known_is_refused(complaints: Complaints) -> None:
    with pytest.raises(UsageError, match="there is no team nowhere") as caught:
        await complaints.put_on_record(Staff(agents=(Agent("agent-01", "nowhere", Level.FRONT_LINE, 1),)))
    assert caught.value.field == "agents.agent-01.team"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("agents: [{id: agent-01, team: a, level: high, capacity: 1}]", "agents[0].level: not one of front_line"),
        ("agents: [{id: agent-01, team: a, level: front_line, capacity: -1}]", "agents[0].capacity: expected"),
        ("agents: [{id: agent-01, team: a, level: front_line}]", "agents[0].capacity: this field is required"),
        ("teams: [{id: a, title: x}, {id: a, title: y}]", "teams: a is there 2 times"),
        (
            "shifts: [{agent: a, starts: 2026-03-02T09:00:00, ends: 2026-03-02T18:00:00}]",
            "shifts[0].starts: expected a",
        ),
        ("people: []", "people: unknown field"),
        ("[]", "the staff file cannot be read"),
        ("teams: [", "the staff file cannot be read"),
    ],
)
def test_a_wrong_staff_file_names_the_place(tmp_path: Path, written: str, sentence: str) -> None:
    (tmp_path / "staff.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        staff.load(tmp_path / "staff.yaml")
    assert str(caught.value).startswith(sentence)
