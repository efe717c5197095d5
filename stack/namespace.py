"""What the application needs on any Temporal server: its namespace, retention and search attributes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from stack.errors import ServerError

KEEP_CLOSED_RUNS = timedelta(days=3650)
"""Auditors ask about cases years later; a development server's own default is one day."""


async def prepare_namespace(
    client: Client,
    *,
    retention: timedelta = KEEP_CLOSED_RUNS,
    search_attributes: Sequence[SearchAttributeKey[Any]] = (),
    timeout: float = 60,
) -> None:
    """Make the client's namespace, its retention and its search attributes what they should be.

    May be repeated at will, against any server. Attributes already there are left alone; one that is there with another
    type raises ServerError. Returns when the server serves the namespace and lists every attribute; raises TimeoutError
    when it does not within `timeout` seconds.
    """
    async with asyncio.timeout(timeout):
        await _prepare_retention(client, retention)
        while (present := await _search_attributes(client)) is None:
            await asyncio.sleep(0.05)  # a new namespace is not served at once
        await _add_missing(client, present, {key.name: _wire_type(key) for key in search_attributes})


async def _prepare_retention(client: Client, retention: timedelta) -> None:
    ttl = Duration()
    ttl.FromTimedelta(retention)
    service, name = client.workflow_service, client.namespace
    try:
        namespace = await service.describe_namespace(DescribeNamespaceRequest(namespace=name))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await service.register_namespace(
            RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=ttl)
        )
        return
    if namespace.config.workflow_execution_retention_ttl != ttl:
        config = NamespaceConfig(workflow_execution_retention_ttl=ttl)
        await service.update_namespace(UpdateNamespaceRequest(namespace=name, config=config))


async def _add_missing(
    client: Client,
    present: dict[str, IndexedValueType.ValueType],
    wanted: dict[str, IndexedValueType.ValueType],
) -> None:
    for name, kind in wanted.items():
        if present.get(name, kind) != kind:
            raise ServerError(
                f"search attribute {name} exists with another type, {IndexedValueType.Name(present[name])}"
            )
    missing = {name: kind for name, kind in wanted.items() if name not in present}
    if not missing:
        return
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
    )
    while not missing.keys() <= (await _search_attributes(client) or {}).keys():
        await asyncio.sleep(0.05)


def _wire_type(key: SearchAttributeKey[Any]) -> IndexedValueType.ValueType:
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{key.indexed_value_type.name}")


async def _search_attributes(client: Client) -> dict[str, IndexedValueType.ValueType] | None:
    """The namespace's own search attributes, None while the server does not serve the namespace."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        return dict((await client.operator_service.list_search_attributes(request)).custom_attributes)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
