"""The set-up makes an empty engine and an empty database ready, and may be repeated."""

import asyncpg
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

from stack import setup
from stack.embedded import PostgresServer, TemporalServer
from workflows.attributes import SEARCH_ATTRIBUTES


async def test_a_new_namespace_and_database_are_made_ready(
    temporal_server: TemporalServer, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = await postgres.create_database("stack_setup")
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "stack-setup")
    monkeypatch.setenv("DATABASE_URL", dsn)
    for _ in range(2):
        await setup.main()
    client = await Client.connect(temporal_server.address, namespace="stack-setup")
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    assert set(listed.custom_attributes) == {key.name for key in SEARCH_ATTRIBUTES}
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("select count(*) from journal") == 0
    await connection.close()
    await postgres.drop_database("stack_setup")
