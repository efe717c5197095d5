"""Fixtures that every test may use."""

from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.common import SearchAttributeKey

from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.connection import client_options as tousu_options

pytest_plugins = ["tests.embedded", "tests.traceability.plugin"]


@pytest.fixture(scope="session")
def search_attributes() -> Sequence[SearchAttributeKey[Any]]:
    """What operators search by."""
    return SEARCH_ATTRIBUTES


@pytest.fixture(scope="session")
def client_options() -> dict[str, Any]:
    """The client as production makes it."""
    return tousu_options("tests")
