"""Acts that an outage held up are judged by when they were made, not by when they arrived."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from policies.book import ELSEWHERE, HERE
from policies.schema import ClockKind, Ground, Level, Stage
from states import events
from states.values import ClockState
from tests.faults.plays import Played
from tests.faults.site import Site, WorkerProcess
from tests.faults.sound import require_all_acts, require_whole
from tests.states.story import AGENT, CHIEF

DESK = "agent-desk"
"""A source whose word the policy trusts about when an act was made."""
MARGIN = timedelta(seconds=6)
"""How long before the deadline the outage begins."""


@pytest.fixture
async def quick(site: Site) -> AsyncIterator[WorkerProcess]:
    """A worker whose policy takes a deadline that is handled two seconds late for an outage, and waits eight more."""
    packs = site.directory / "packs-of-the-test"
    for kind in ("packs", "calendars"):
        shutil.copytree(HERE / kind, packs / kind, dirs_exist_ok=True)
    for pack in (packs / "packs").glob("*.yaml"):
        quick = pack.read_text().replace("outage_after_seconds: 60", "outage_after_seconds: 2")
        pack.write_text(quick.replace("settle_seconds: 30", "settle_seconds: 8"))
    await site.worker.kill()
    worker = WorkerProcess(site.directory, site.environment | {ELSEWHERE: str(packs)}, "quick-worker")
    await worker.start()
    yield worker
    await worker.kill()
    worker.release()


async def one_deadline(case: Played) -> datetime:
    """A case that has a deadline for acceptance, and no other; when it is due."""
    await case.file()
    await case.until(Stage.ACCEPTANCE)
    await case.act(events.RecordContact, party="complainant", channel="hotline", outbound=True)
    await case.act(events.AssessCase)
    clock = (await case.quiet()).clock(ClockKind.ACCEPTANCE)
    assert clock is not None
    return clock.due


async def near(case: Played, due: datetime) -> None:
    """Let time pass until shortly before a deadline."""
    await case.site.pass_time(case.case_id, due - MARGIN - await case.now())


@pytest.mark.parametrize("server", ["stays", "is killed"])
async def test_acts_held_up_over_a_deadline(site: Site, quick: WorkerProcess, server: str) -> None:
    """Made in time, an act meets the clock; made too late, it finds the clock missed; whoever arrives first."""
    early, late, both = cases = [Played(site) for _ in range(3)]
    dues = await asyncio.gather(*(one_deadline(case) for case in cases))
    await asyncio.gather(*(near(case, due) for case, due in zip(cases, dues, strict=True)))
    await quick.kill()
    for case, due in zip(cases, dues, strict=True):
        assert await case.now() < due, "the outage began too late"
    for case, due in zip(cases, dues, strict=True):
        while await case.now() < due + timedelta(seconds=3):
            await asyncio.sleep(0.1)
    if server == "is killed":
        await site.temporal.kill()
    before, after = timedelta(seconds=-1), timedelta(seconds=1)
    too_late = asyncio.create_task(late.act(events.AcceptComplaint, at=dues[1] + after, source=DESK))
    wrong = asyncio.create_task(
        both.act(events.RefuseComplaint, CHIEF, ground=Ground.OUTSIDE_JURISDICTION, at=dues[2] + after, source=DESK)
    )
    await asyncio.sleep(0.2)  # these arrive first, if there is a server
    in_time = asyncio.create_task(early.act(events.AcceptComplaint, at=dues[0] + before, source=DESK))
    in_time_too = asyncio.create_task(both.act(events.AcceptComplaint, AGENT, at=dues[2] + before, source=DESK))
    if server == "is killed":
        await site.temporal.start()
    await quick.start()
    assert (await in_time).accepted
    assert (await in_time_too).accepted
    assert (await too_late).accepted
    refusal = (await wrong).refusal
    assert refusal is not None
    assert refusal.code == "wrong_stage"
    for case, state, level in (
        (early, ClockState.MET, Level.FRONT_LINE),
        (both, ClockState.MET, Level.FRONT_LINE),
        (late, ClockState.MISSED, Level.SPECIALIST),
    ):
        await case.quiet()
        found, entries = await require_whole(site, case.case_id)
        require_all_acts(found, case.sent)
        assert next(clock.state for clock in found.clocks if clock.kind is ClockKind.ACCEPTANCE) is state
        assert found.level is level
        assert [entry.event for entry in entries].count("outage_noticed") == 1
        await site.handle(case.case_id).terminate("only this test's worker knows its policy")
