"""The embedded Temporal server: healthy when started, durable, prepared, alone on its data."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

from stack.embedded import ServerError, TemporalServer, free_port, prepare_namespace
from stack.namespace import KEEP_CLOSED_RUNS
from stack.temporal import HOST
from tests.stack.toy import Reminder

STAGE = SearchAttributeKey.for_keyword("Stage")
DUE = SearchAttributeKey.for_datetime("Due")


async def retention(client: Client) -> timedelta:
    namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return namespace.config.workflow_execution_retention_ttl.ToTimedelta()


async def attributes(client: Client) -> set[str]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return set(listed.custom_attributes)


async def start_one(client: Client) -> str:
    handle = await client.start_workflow(Reminder.run, id="kept", task_queue="unserved")
    assert handle.first_execution_run_id is not None
    return handle.first_execution_run_id


async def test_killed_it_keeps_its_address_and_its_runs(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path, search_attributes=[STAGE]) as server:
        client = await server.connect()
        run_id = await start_one(client)
        address = server.address
        await server.kill()
        assert not server.running
        await server.start()
        assert server.address == address
        description = await client.get_workflow_handle("kept").describe()
        assert description.run_id == run_id
        assert {"Stage"} <= await attributes(client)


async def test_another_process_finds_the_data_of_the_last(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path, search_attributes=[STAGE]) as first:
        run_id = await start_one(await first.connect())
    async with TemporalServer(tmp_path, search_attributes=[STAGE, DUE]) as second:
        client = await second.connect()
        assert (await client.get_workflow_handle("kept").describe()).run_id == run_id
        assert {"Stage", "Due"} <= await attributes(client)


async def test_in_memory_it_leaves_nothing(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path, in_memory=True) as server:
        client = await server.connect()
        await start_one(client)
        await server.restart()
        with pytest.raises(RPCError, match="not found"):
            await client.get_workflow_handle("kept").describe()


async def test_closed_runs_are_kept_for_the_auditors(client: Client) -> None:
    assert await retention(client) == KEEP_CLOSED_RUNS


async def test_preparing_a_new_namespace_and_again(temporal_server: TemporalServer) -> None:
    client = await Client.connect(temporal_server.address, namespace="other")
    for _ in range(2):
        await prepare_namespace(client, retention=timedelta(days=2), search_attributes=[DUE])
        assert await retention(client) == timedelta(days=2)
        assert "Due" in await attributes(client)
    changed = SearchAttributeKey.for_keyword("Due")
    with pytest.raises(ServerError, match=r"Due .*DATETIME"):
        await prepare_namespace(client, retention=timedelta(days=2), search_attributes=[changed])


async def test_the_web_ui_answers(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path, in_memory=True, ui_port=0) as server:
        assert server.ui_port is not None
        with socket.create_connection((HOST, server.ui_port), timeout=10) as web:
            web.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert web.recv(64).startswith(b"HTTP/1.")


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} is taken"):
            await TemporalServer(tmp_path, port=port).start()


async def test_data_has_one_server_at_a_time(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path):
        with pytest.raises(ServerError, match=f"already runs on {tmp_path}"):
            await TemporalServer(tmp_path).start()
    async with TemporalServer(tmp_path) as again:
        assert again.running


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path, port=free_port(), log_level="nonsense")
    with pytest.raises(ServerError, match=r"ended while starting(?s:.*)nonsense"):
        await server.start()
    assert not server.running
