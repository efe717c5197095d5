"""Where the engine and the database are.

Everything comes from the environment: the standard TEMPORAL_* variables (or a profile file), DATABASE_URL and
TOUSU_SOURCE. Where none of these is set, a stack that `make up` left running on this machine is used.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from client.errors import UsageError
from policies.base import Frozen

DEFAULT_SOURCE = "agent-desk"
DEFAULT_ADDRESS = "localhost:7233"
_ADDRESSES = ("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "DATABASE_URL")


class Settings(Frozen):
    """What a client needs to know."""

    variables: dict[str, str]
    """The environment in which the engine's own TEMPORAL_* variables are looked up."""
    database_url: str | None = None
    source: str = DEFAULT_SOURCE
    """The service that relays the acts; a policy trusts the word of some about when an act was made."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process, or of another environment. Raises UsageError for an unreadable local file."""
        given = dict(os.environ if environment is None else environment)
        if not any(given.get(name) for name in _ADDRESSES):
            given |= _local_stack(given)
        return cls(
            variables=given,
            database_url=given.get("DATABASE_URL") or None,
            source=given.get("TOUSU_SOURCE") or DEFAULT_SOURCE,
        )


def _local_stack(given: Mapping[str, str]) -> dict[str, str]:
    """What a running local stack says about itself; nothing if there is none."""
    data = given.get("TOUSU_DATA") or Path(__file__).parent.parent / ".data"
    file = Path(data) / "stack.env"
    try:
        lines = file.read_text().splitlines() if file.exists() else []
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
