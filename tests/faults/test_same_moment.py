"""Cases of one seller that are decided at the same moment, by two workers (PEN-3)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from policies.book import default_book
from policies.schema import Counted, Outcome, Role, Stage
from states import events
from states.values import Actor, OccurrenceState, PenaltyState
from tests.faults.plays import REFUND, Played
from tests.faults.site import Site, WorkerProcess
from tests.traceability import cite

SELLERS = 16
ROW = "passive_service_repeated"


@pytest.fixture
async def two_workers(site: Site) -> AsyncIterator[Site]:
    """The installation with a second worker on the same queue."""
    second = WorkerProcess(site.directory, site.environment, "second-worker")
    await second.start()
    await asyncio.gather(site.worker.serving(), second.serving())
    yield site
    await second.kill()
    second.release()


def times() -> int:
    """How many occurrences within the window the policy calls repeated."""
    pack = default_book().in_force("platform", datetime.now(UTC)).pack
    (rule,) = (rule for rule in pack.repeats if rule.counts is Counted.PASSIVE_SERVICE)
    return rule.times


async def before_its_ruling(case: Played) -> Played:
    """A case in which the seller's service was passive, found proven and called for a ruling."""
    await case.file()
    await case.accepted()
    cold: dict[str, Any] = {"row": "coldness", "staff": "staff-11", "conduct_at": datetime.now(UTC)}
    assert (await case.act(events.RecordConduct, **cold)).accepted
    await case.found()
    assert (await case.act(events.CallForRuling)).accepted
    await case.until(Stage.RULING)
    return case


async def ruled(case: Played) -> None:
    ruling: dict[str, Any] = {"outcome": Outcome.UPHELD, "rule": "CON-2", "remedies": (REFUND,)}
    answer = await case.act(events.IssueRuling, **ruling)
    assert answer.accepted, answer


async def repeated(site: Site, number: int) -> list[Played]:
    """As many cases of one seller as make passive service repeated; the last two are ruled on at the same moment."""
    seller = Actor(id=f"seller-same-{number}", role=Role.RESPONDENT)
    cases = await asyncio.gather(*(before_its_ruling(Played(site, seller)) for _ in range(times())))
    for case in cases[:-2]:
        await ruled(case)
        await case.quiet()
    await asyncio.gather(*(ruled(case) for case in cases[-2:]))
    return cases


@pytest.mark.rule("PEN-3")
async def test_the_penalty_falls_on_the_case_whose_count_says_so_and_on_no_other(two_workers: Site) -> None:
    sellers = await asyncio.gather(*(repeated(two_workers, number) for number in range(SELLERS)))
    for cases in sellers:
        counts = [await count(two_workers, case) for case in cases]
        assert sorted(counts) == list(range(1, times() + 1))
    await require_both_worked(two_workers, [case for cases in sellers for case in cases])


async def count(site: Site, case: Played) -> int:
    """What the ledger counted for a case; the penalty stands exactly where that makes it repeated."""
    known = await case.quiet()
    cite(await case.entries())
    (occurrence,) = (each for each in known.occurrences if each.counts is Counted.PASSIVE_SERVICE)
    assert occurrence.state is OccurrenceState.COUNTED
    fallen = [penalty for penalty in known.penalties if penalty.row == ROW]
    assert len(fallen) == (occurrence.count == times())
    assert all(penalty.state is PenaltyState.APPLIED for penalty in fallen)
    assert [entry.points for entry in await site.platform.ledger(case.case_id) if entry.points] == [2] * len(fallen)
    return occurrence.count or 0


async def require_both_worked(site: Site, cases: list[Played]) -> None:
    """A test in which one worker did everything would show nothing."""
    identities = set()
    for case in cases:
        for event in await site.history(case.case_id):
            identities.add(event.workflow_task_started_event_attributes.identity)
            identities.add(event.activity_task_started_event_attributes.identity)
    workers = {identity for identity in identities if "tousu-worker" in identity}
    assert len(workers) == 2, identities
