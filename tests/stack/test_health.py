"""The worker's health check asks the server, not the process."""

import asyncio
import uuid

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from stack import health
from stack.embedded import TemporalServer, free_port
from stack.temporal import HOST
from tests.stack.toy import Reminder


async def test_well_only_while_a_worker_polls(
    client: Client, temporal_server: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    queue = f"health-{uuid.uuid4()}"
    assert await health.main(queue) == 1
    async with Worker(client, task_queue=queue, workflows=[Reminder]):
        while not await health.takes_tasks(client, queue):
            await asyncio.sleep(0.05)
        assert await health.main(queue) == 0


async def test_not_well_when_the_server_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"{HOST}:{free_port()}")
    assert await health.main("any") == 1
    assert "cannot ask the server" in capsys.readouterr().err
