"""The worker is killed at random moments in the middle of many cases."""

import asyncio
import random

from tests.faults.plays import play_all
from tests.faults.site import Site
from tests.faults.sound import hits, require_ended

SEED = 20240722
KILLS = 8


async def kill_at_random(site: Site) -> None:
    """Kill the worker once while it writes, then at moments that the seed chooses, and start it again each time."""
    choose = random.Random(SEED)
    await site.kill_writing()
    for _ in range(KILLS):
        await site.worker.serving()
        await asyncio.sleep(choose.uniform(0.0, 0.8))
        await site.restart_worker()


async def test_every_case_ends_as_it_should(site: Site) -> None:
    killing = asyncio.create_task(kill_at_random(site))
    played = await play_all(site, times=2)
    await killing
    for case, ending in played:
        await require_ended(case, ending)
    found = await hits(site, [case for case, _ in played])
    assert found.tasks + found.activities > 0, found
