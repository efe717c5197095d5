"""Cases rise as they would undisturbed, whatever the worker is doing when it is killed (ESC)."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from client.complaints import Complaints
from policies.schema import Category, Channel, Party, Role, Trigger
from states import events
from states.case import Case
from states.values import Actor
from tests.faults.plays import Played
from tests.faults.site import Site
from tests.faults.sound import hits, require_all_acts, require_whole
from tests.states.story import AGENT, BUYER, Story, text

SEED = 20240722
KILLS = 50
CASES = 200
AT_ONCE = CASES // KILLS
"""So many cases begin with each kill, so that there is work going on at every one."""
WRITING = 5
"""One in so many kills is no random one: it interrupts the worker while it writes."""

Acts = Sequence[tuple[type[events.Act], Any, dict[str, Any]]]

CONTACT = (events.RecordContact, BUYER, {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE})
COURT = {"body": "court", "reference": "court-2026-17"}
ASSOCIATION = {"body": "consumer_association", "reference": "12315-2026-5"}

RISES: dict[str, tuple[dict[str, Any], Acts]] = {
    "repeat contacts": ({}, [CONTACT] * 6),
    "high risk": ({}, [(events.SetRisk, AGENT, {"high": True})]),
    "high risk from the start": ({"high_risk": True}, [CONTACT]),
    "a complaint outside, then a court": (
        {},
        [(events.RecordExternalComplaint, AGENT, ASSOCIATION), (events.RecordExternalComplaint, AGENT, COURT)],
    ),
    "filed through the regulator": ({"channel": Channel.REGULATOR}, [CONTACT]),
    "what the customer says": (
        {},
        [
            (events.ReportTrigger, AGENT, {"trigger": Trigger.LEANING}),
            (events.ReportTrigger, AGENT, {"trigger": Trigger.ASKS_MANAGEMENT}),
        ],
    ),
    "by hand, again and again": ({}, [(events.EscalateCase, AGENT, {})] * 4),
    "the known solution is refused": (
        {"category": Category.NOT_RECEIVED},
        [
            (events.OfferSolution, AGENT, {"text": text("solution")}),
            (events.AnswerOffer, BUYER, {"offer": "K1", "accepted": False}),
        ],
    ),
}
"""How a complaint is filed, and what happens to it then."""


def risen(case: Case) -> list[tuple[str, ...]]:
    """Why and how far a case rose, and whom it was handed to."""
    rises = [(each.trigger, each.clock, str(each.arming), each.before, each.after) for each in case.escalations]
    return [*rises, *((each.id, each.route, each.state, each.team) for each in case.hand_offs)]


def undisturbed(filed: dict[str, Any], acts: Acts) -> list[tuple[str, ...]]:
    """The same, as the core tells it."""
    story = Story(hold=True)
    story.file(**filed)
    story.answer_effects()
    for act, actor, given in acts:
        story.accepted(act, actor, **_whole(act, given, story.open_case.case_id, story.now))
    return risen(story.open_case)


def _whole(act: type[events.Act], given: dict[str, Any], case_id: str, now: datetime) -> dict[str, Any]:
    outside = {"case_id": case_id, "made_at": now - timedelta(days=1)}
    return given | (outside if act is events.RecordExternalComplaint else {})


async def kill_again_and_again(site: Site, begun: Sequence[asyncio.Event]) -> None:
    """Kill the worker at random moments while it serves, and every few times while it writes; something begins with
    each kill.
    """
    choose = random.Random(SEED)
    for number, begins in enumerate(begun):
        if number % WRITING == 0:
            await site.kill_writing(begins.set)
        else:
            await site.worker.serving()
            begins.set()
            await asyncio.sleep(choose.uniform(0.2, 1.5))
            await site.restart_worker()


async def rise(case: Played, filed: dict[str, Any], acts: Acts) -> None:
    """File the complaint and do to it what makes it rise; whoever acts insists until the act is answered."""
    await case.file(**filed)
    for act, actor, given in acts:
        answer = await case.act(act, actor, **_whole(act, given, case.case_id, datetime.now(UTC)))
        assert answer.accepted, answer


@pytest.mark.timeout(900)
async def test_cases_rise_as_they_would_undisturbed(undivided: Site) -> None:
    site = undivided
    # Who acts insists for as long as the kills go on.
    site.complaints = Complaints(site.time.client, site.pool, patience=600)
    begun = [asyncio.Event() for _ in range(KILLS)]
    expected = {name: undisturbed(filed, acts) for name, (filed, acts) in RISES.items()}
    assert all(expected.values())
    names = [list(RISES)[number % len(RISES)] for number in range(CASES)]

    async def one(number: int) -> Played:
        await begun[number // AT_ONCE].wait()
        # A shop of its own for each case: many complaints about one would be an incident.
        case = Played(site, Actor(id=f"seller-{number}", role=Role.RESPONDENT))
        await rise(case, *RISES[names[number]])
        return case

    kills = asyncio.create_task(kill_again_and_again(site, begun))
    cases = await asyncio.gather(*(one(number) for number in range(CASES)))
    await kills
    for name, case in zip(names, cases, strict=True):
        await case.quiet()
        found, _ = await require_whole(site, case.case_id)
        require_all_acts(found, case.sent)
        assert risen(found) == expected[name], name
    broken = await hits(site, cases)
    assert broken.tasks + broken.activities > 0, broken
