"""Play every scenario and keep its histories: `make golden`.

Run it when the core or the workflow is meant to behave otherwise, and look at what changed: once cases are open in
production, a change needs a new revision of the core instead.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from activities.database import create_pool
from activities.migrations import migrate
from audit.certificate import certify_all
from stack.embedded import PostgresServer, TemporalServer
from stack.player import Played, Player
from stack.scenario import load_all
from stack.virtual_time import VirtualTime
from tests.replay.golden import GOLDENS, Golden, GoldenCase, GoldenRun, write
from worker import make_worker
from workflows.attributes import SEARCH_ATTRIBUTES, TASK_QUEUE
from workflows.connection import client_options


async def record() -> int:
    """Play, prove and keep. The exit code is 1 if a scenario did not end as it says, or does not replay."""
    failed = 0
    scenarios = load_all()
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        async with (
            PostgresServer(directory, url="") as postgres,
            TemporalServer(directory, in_memory=True, search_attributes=SEARCH_ATTRIBUTES) as temporal,
        ):
            await migrate(postgres.dsn())
            pool = await create_pool(postgres.dsn())
            client = await temporal.connect(**client_options("golden"))
            player = Player(VirtualTime(client), pool, task_queue=TASK_QUEUE)
            async with make_worker(client, pool):
                for old in GOLDENS.glob("*.json.gz"):
                    old.unlink()
                for scenario in scenarios:
                    played = await player.play(scenario)
                    faults = [*played.differences, *await keep(player, played)]
                    failed += bool(faults)
                    print(f"{scenario.id}: {'; '.join(faults) or 'kept'}")
            await pool.close()
    return min(failed, 1)


async def keep(player: Player, played: Played) -> list[str]:
    """Write the golden file of a scenario; what keeps it from being replayed, if anything."""
    histories = [
        await player.time.client.get_workflow_handle(ended.case_id, run_id=run).fetch_history()
        for ended in played.cases.values()
        for run in ended.runs
    ]
    certificates = await certify_all(histories)
    cases = {
        ended.case_id: GoldenCase(
            journal=tuple(entry.hash for entry in ended.entries),
            answers={} if ended.case is None else {each.request_id: each.answer for each in ended.case.answers},
        )
        for ended in played.cases.values()
    }
    runs = tuple(GoldenRun(each.workflow_id, msgspec.Raw(each.to_json())) for each in histories)
    write(played.scenario.id, Golden(runs, cases))
    return [fault for certificate in certificates for fault in certificate.faults]


if __name__ == "__main__":
    sys.exit(asyncio.run(record()))
