"""The examples that the demo plays, while what they run on is killed."""

import asyncio
import random

from stack.player import Player
from stack.scenario import load_all
from tests.faults.site import Site
from tests.faults.sound import require_whole

SEED = 20240722


async def test_every_scenario_ends_as_it_says(undivided: Site) -> None:
    """Stages, outcomes, levels, remedies and penalties are those of the scenario; the ledger holds each once."""
    site = undivided
    player = Player(site.time, site.pool)
    playing = asyncio.gather(*(player.play(scenario) for scenario in load_all()))
    restarts = [site.restart_worker] * 6 + [site.postgres.restart, site.temporal.restart]
    random.Random(SEED).shuffle(restarts)
    await site.break_during(playing, restarts, random.Random(SEED))
    played = await playing
    assert [difference for each in played for difference in each.differences] == []
    for each in played:
        for ended in each.cases.values():
            await require_whole(site, ended.case_id)
