"""PostgreSQL and the Temporal server go away in the middle of many cases, and come back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from policies.schema import Stage
from states import events
from tests.faults.plays import Played, play_all
from tests.faults.site import Site
from tests.faults.sound import require_ended, require_whole
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
    await play_while(site, [site.postgres.restart] * 4)


async def test_temporal_is_killed(site: Site) -> None:
    """Kill -9 of the server: its file holds every case."""
    await play_while(site, [site.temporal.restart] * 4)


async def test_everything_is_killed(site: Site) -> None:
    """Worker, database and server, in an order that the seed chooses, some while another is still away."""
    restarts = [site.restart_worker, site.postgres.restart, site.temporal.restart] * 3
    random.Random(SEED).shuffle(restarts)
    await play_while(site, restarts)


async def play_while(site: Site, breaks: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Play every case while things break; every case must end as it should."""
    playing = asyncio.ensure_future(play_all(site, times=2))
    await site.break_during(playing, breaks, random.Random(SEED))
    for case, ending in await playing:
        await require_ended(case, ending)
