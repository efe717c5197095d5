"""Who works on cases, in a file: teams, agents and their shifts, as people write them."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from activities.directory import Agent, Shift, Team
from client.case_file import read
from client.errors import UsageError
from policies import plain_yaml
from policies.base import Frozen
from workflows.malformed import explain


class Staff(Frozen, kw_only=True):
    """People to be put on record, or to be brought up to date there."""

    teams: tuple[Team, ...] = ()
    agents: tuple[Agent, ...] = ()
    shifts: tuple[Shift, ...] = ()


def load(path: Path) -> Staff:
    """Read a staff file, in YAML or JSON. Raises UsageError naming the place that is wrong."""
    try:
        values = plain_yaml.load(read(path), dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the staff file cannot be read: {' '.join(str(error).split())}") from None
    try:
        # Strings only, as in a case file; hence not strict.
        staff = msgspec.convert(values, Staff, strict=False)
    except msgspec.ValidationError as error:
        field, _, sentence = explain(error, msgspec.json.encode(values), Staff).partition(": ")
        raise UsageError(sentence, field) from None
    _require_once("teams", [team.id for team in staff.teams])
    _require_once("agents", [agent.id for agent in staff.agents])
    return staff


def _require_once(field: str, ids: list[str]) -> None:
    for id_, times in Counter(ids).items():
        if times > 1:
            raise UsageError(f"{id_} is there {times} times", field)
