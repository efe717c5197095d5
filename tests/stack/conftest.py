"""The stack itself is tested with a plain client, without the application's strict messages."""

import pytest
from temporalio.client import Client

from stack.embedded import TemporalServer
from stack.virtual_time import VirtualTime


@pytest.fixture(scope="session")
async def client(temporal_server: TemporalServer) -> Client:
    """A client in real time."""
    return await temporal_server.connect()


@pytest.fixture(scope="session")
def virtual_time(client: Client) -> VirtualTime:
    """Virtual time by that client."""
    return VirtualTime(client)
