"""Deadlines are missed exactly once, whatever dies meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from states import facts
from states.case import next_wake
from states.journal import Entry
from tests.faults.plays import Played
from tests.faults.site import Site
from tests.faults.sound import hits, require_whole
from tests.states.story import Story

CASES = 20
SILENCE = timedelta(days=3, hours=1)
AFTER = timedelta(minutes=5)
"""How long after a deadline a jump ends. One that ends sooner than the deadline is handled can go on to the next."""


def ends_of_clocks(entries: Sequence[Entry]) -> tuple[list[tuple[str, int, str]], list[str]]:
    """Every warning and every miss during the silence, by clock, and the levels that the case rose to, in order.

    Of two clocks that end at the same moment either may be first.
    """
    until = entries[0].effective_at + SILENCE
    established = [fact for entry in entries if entry.effective_at <= until for fact in entry.facts]
    ends = [
        (fact.clock.id, fact.clock.arming, fact.by)
        for fact in established
        if isinstance(fact, facts.ClockSet) and fact.by in ("warn", "miss")
    ]
    return sorted(ends), [fact.escalation.after for fact in established if isinstance(fact, facts.LevelRaised)]


async def be_silent(case: Played) -> None:
    """Let time pass from deadline to deadline, so that no jump that is made while no task is open goes over one."""
    known = await case.caught_up()
    end = known.received_at + SILENCE
    while (wake := next_wake(known)) is not None and wake < end:
        await case.site.pass_time(case.case_id, wake + AFTER - await case.now())
        known = await case.caught_up()


async def test_silence_escalates_as_it_would_undisturbed(undivided: Site) -> None:
    """Nobody does anything for three days of the cases' time; the pure core says what must come of it."""
    site = undivided
    cases = [Played(site) for _ in range(CASES)]
    await asyncio.gather(*(case.file() for case in cases))
    waiting = asyncio.gather(*(be_silent(case) for case in cases))
    await site.kill_writing()
    for restart in (site.restart_worker, site.restart_worker, site.temporal.restart, site.postgres.restart) * 2:
        await site.worker.serving()
        await asyncio.sleep(0.5)
        await restart()
    await waiting
    for case in cases:
        _, entries = await require_whole(site, case.case_id)
        undisturbed = Story(start=entries[0].effective_at)
        undisturbed.file()
        undisturbed.wait(seconds=SILENCE.total_seconds())
        expected = ends_of_clocks(undisturbed.entries)
        assert len(expected[0]) > 10
        assert ends_of_clocks(entries) == expected
    found = await hits(site, cases)
    assert found.tasks + found.activities > 0, found
