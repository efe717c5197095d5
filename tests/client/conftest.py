"""The client on real servers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool
from temporalio.client import Client
from temporalio.worker import Worker

from activities.database import create_pool
from activities.platform import PostgresPlatform
from client import commands
from client.complaints import Complaints, connect
from stack.embedded import TemporalServer
from tests.states import story
from worker import make_worker


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool on a fresh database."""
    pool = await create_pool(database)
    yield pool
    await pool.close()


@pytest.fixture
def task_queue() -> str:
    """A task queue of the test's own."""
    return f"complaints-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def make(client: Client, pool: Pool, task_queue: str) -> Callable[[], Worker]:
    """Makes a worker for the test's own task queue."""
    return lambda: make_worker(client, pool, task_queue=task_queue)


@pytest.fixture
async def worker(make: Callable[[], Worker]) -> AsyncIterator[None]:
    """A worker that is there for the whole test."""
    async with make():
        yield


@pytest.fixture
def complaints(client: Client, pool: Pool, task_queue: str) -> Complaints:
    """The client, with enough patience for a slow machine."""
    return Complaints(client, pool, task_queue=task_queue)


@pytest.fixture
async def order(pool: Pool) -> str:
    """An order that the platform knows, of the usual buyer and seller."""
    name = f"order-{uuid.uuid4().hex[:8]}"
    now = datetime.now(UTC)
    await PostgresPlatform(pool).add_order(
        story.order(order=name, purchased_at=now - timedelta(days=6), received_at=now - timedelta(days=2))
    )
    return name


@pytest.fixture
def complaint_file(tmp_path: Path, order: str) -> Path:
    """A complaint as people write it."""
    (tmp_path / "scratch.jpg").write_bytes(b"\xff\xd8 a picture")
    file = tmp_path / "complaint.yaml"
    file.write_text(COMPLAINT.format(order=order), encoding="utf-8")
    return file


COMPLAINT = """
complainant: buyer-017
respondent: seller-204
orders: [{order}]
category: quality
title: 内胆有划痕
description: |
  收到的电饭煲内胆有划痕,卖家拒绝退款。
claim: {{remedies: [refund], amount: 199.00}}
seller_contact: refused
evidence:
  - {{kind: photo, file: scratch.jpg}}
  - {{kind: chat_log, text: 卖家:不退。}}
"""

Run = Callable[..., Awaitable[int]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, temporal_server: TemporalServer, database: str, task_queue: str) -> Run:
    """Runs the command line as a shell would: settings from the environment, the exit code as answer."""
    for name in ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TOUSU_ACTOR", "TOUSU_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setattr(commands, "connect", partial(connect, task_queue=task_queue))

    async def in_thread(*words: Any) -> int:
        # It runs a loop of its own.
        return await asyncio.to_thread(commands.main, [str(word) for word in words])

    return in_thread
