"""PostgreSQL and the Temporal server go away in the middle of many cases, and come back."""

import asyncio
import random

from policies.schema import Stage
from states import events
from tests.faults.plays import Played, play_all
from tests.faults.site import Site
from tests.faults.sound import hits, require_ended, require_whole
from tests.states.story import BUYER

SEED = 20240722


async def test_postgres_is_away_for_half_a_minute(site: Site) -> None:
    """Nobody hangs, nothing is lost, and what was sent meanwhile is answered as soon as the database is back."""
    waiting = Played(site)
    await waiting.file()
    playing = asyncio.create_task(play_all(site, times=2))
    await asyncio.sleep(1.0)  # in the middle of it; any moment will do
    assert not playing.done()
    await site.postgres.stop()
    outage = asyncio.create_task(asyncio.sleep(30.0))
    acting = asyncio.create_task(waiting.act(events.EscalateCase))
    await outage
    assert not acting.done()
    await site.postgres.start()
    assert (await acting).accepted
    for case, ending in await playing:
        await require_ended(case, ending)
    await waiting.act(events.WithdrawComplaint, BUYER)
    await waiting.until(Stage.CLOSED)
    await require_whole(site, waiting.case_id)


async def test_postgres_is_killed(site: Site) -> None:
    """Kill -9 of the postmaster: what was committed stands, what was not is written again."""
    playing = asyncio.create_task(play_all(site, times=2))
    choose = random.Random(SEED)
    for _ in range(4):
        await asyncio.sleep(choose.uniform(0.3, 0.8))
        assert not playing.done()
        await site.postgres.restart()
    for case, ending in await playing:
        await require_ended(case, ending)


async def test_temporal_is_killed(site: Site) -> None:
    """Kill -9 of the server: its file holds every case."""
    playing = asyncio.create_task(play_all(site, times=2))
    choose = random.Random(SEED)
    for _ in range(4):
        await asyncio.sleep(choose.uniform(0.3, 0.8))
        assert not playing.done()
        await site.temporal.restart()
    for case, ending in await playing:
        await require_ended(case, ending)


async def test_everything_is_killed(site: Site) -> None:
    """Worker, database and server, in an order that the seed chooses, some while another is still away."""
    playing = asyncio.create_task(play_all(site, times=2))
    choose = random.Random(SEED)
    restarts = [site.restart_worker, site.postgres.restart, site.temporal.restart] * 3
    choose.shuffle(restarts)
    for restart in restarts:
        await asyncio.sleep(choose.uniform(0.0, 0.8))
        await restart()
    played = await playing
    for case, ending in played:
        await require_ended(case, ending)
    assert (await hits(site, [case for case, _ in played])).tasks > 0
