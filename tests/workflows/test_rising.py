"""Escalation and hand-offs as the engine shows them: search attributes, priorities, runs that begin again."""

from datetime import UTC, datetime, timedelta

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from policies.schema import Channel, Level, Priority, Route, Stage
from states import events
from states.values import HandOffState
from tests.states.story import AGENT, BUYER
from tests.workflows.course import finish, history, must, names, require_sound, until, until_quiet, until_stage
from tests.workflows.desk import Desk
from workflows import attributes


async def found_by(desk: Desk, case_id: str) -> dict[str, object]:
    """What operators can search the case by, by name."""
    description = await desk.handle(case_id).describe()
    return {pair.key.name: pair.value for pair in description.typed_search_attributes}


def priorities(events_: list[HistoryEvent]) -> list[tuple[int, str]]:
    """The task priority and the fairness key of every activity, in order."""
    asked = (
        event.activity_task_scheduled_event_attributes.priority
        for event, name in zip(events_, names(events_), strict=True)
        if name == "ACTIVITY_TASK_SCHEDULED"
    )
    return [(each.priority_key, each.fairness_key) for each in asked]


async def test_a_team_finds_what_was_handed_to_it_and_returns_it(desk: Desk) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(case_id, events.HandOver, route=Route.LOGISTICS))
    case = await until_quiet(desk, case_id)
    assert case.hand_offs[0].state is HandOffState.CONSENT_PENDING
    must(await desk.act(case_id, events.AnswerHandOff, BUYER, hand_off="H1", agreed=True, channel=Channel.SMS))
    must(await desk.act(case_id, events.HandOver, route=Route.OFFLINE, consent=Channel.HOTLINE))
    await until_quiet(desk, case_id)
    assert (await found_by(desk, case_id))[attributes.TEAMS.name] == ["logistics", "offline_service"]
    must(await desk.act(case_id, events.TakeHandOff, hand_off="H1"))
    must(await desk.act(case_id, events.ReturnHandOff, hand_off="H1", result="lost"))
    must(await desk.act(case_id, events.RecallHandOff, hand_off="H2"))
    await until_quiet(desk, case_id)
    assert attributes.TEAMS.name not in await found_by(desk, case_id)
    await finish(desk, case_id)


async def test_a_late_team_shows_on_the_case_and_the_case_keeps_its_level(desk: Desk) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(case_id, events.AcceptComplaint))
    must(await desk.act(case_id, events.RecordContact, party="complainant", channel="hotline", outbound=True))
    must(await desk.act(case_id, events.HandOver, route=Route.MERCHANT, consent=Channel.HOTLINE))
    await until_quiet(desk, case_id)
    await desk.forward(case_id, hours=49)
    case = await until(desk, case_id, lambda case: case.hand_offs[0].late)
    assert (case.level, case.hand_offs[0].level) == (Level.FRONT_LINE, Level.SPECIALIST)
    assert (await found_by(desk, case_id))[attributes.LATE.name] is True
    await require_sound(desk, case_id)


async def test_urgent_work_is_asked_of_the_engine_first(desk: Desk) -> None:
    """The more urgent case's activities have the smaller task priority, and each seller's are of one fairness key."""
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(case_id, events.SetRisk, high=True))
    case = await until_quiet(desk, case_id)
    assert case.priority is Priority.URGENT
    asked = priorities(await history(desk, case_id))
    assert asked[0] == (3, "seller-204")
    assert asked[-1] == (1, "seller-204")
    assert (await found_by(desk, case_id))[attributes.PRIORITY.name] == "urgent"


async def test_a_complaint_outside_reopens_a_case_whose_run_has_ended(desk: Desk, client: Client) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    await finish(desk, case_id)
    made = datetime.now(UTC) - timedelta(hours=1)
    act = desk.message(
        events.RecordExternalComplaint, AGENT, case_id=case_id, body="court", made_at=made, reference="court-17"
    )
    must(await desk.revive(case_id, act))
    case = await until_stage(desk, case_id, Stage.VERIFICATION)
    assert (case.level, case.externals[0].body, case.reopenings) == (Level.MANAGEMENT, "court", 1)
    assert [each.team for each in case.open_hand_offs] == ["legal"]
    assert await desk.journal.verify(case_id) == ()
    again = await desk.revive(case_id, desk.message(events.RecordExternalComplaint, AGENT, **_same(act)))
    assert again.refusal is not None
    assert again.refusal.code == "recorded_before"


def _same(act: events.Act) -> dict[str, object]:
    assert isinstance(act, events.RecordExternalComplaint)
    return {"case_id": act.case_id, "body": act.body, "made_at": act.made_at, "reference": act.reference}
