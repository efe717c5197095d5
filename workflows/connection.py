"""How every process of Tousu connects to the engine: the standard TEMPORAL_* settings, strict messages, a plain
identity.
"""

import uuid
from typing import Any

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from workflows.strict import StrictMessages
from workflows.wire import data_converter


def client_options(name: str) -> dict[str, Any]:
    """What a client of Tousu needs whichever server it connects to. The SDK's default identity would name the host."""
    return {
        "data_converter": data_converter,
        "interceptors": [StrictMessages()],
        "identity": f"{name}-{uuid.uuid4().hex[:8]}",
    }


async def connect(name: str) -> Client:
    """A client by the standard environment variables or profile file. Raises RuntimeError if the engine is away."""
    config: dict[str, Any] = {**ClientConfig.load_client_connect_config()}
    return await Client.connect(**(config | client_options(name)))
