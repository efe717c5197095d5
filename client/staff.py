"""Who works on cases, in a file: teams, agents and their shifts, as people write them."""

from collections import Counter
from pathlib import Path

from activities.directory import Agent, Shift, Team
from client import written
from client.errors import UsageError
from policies.base import Frozen


class Staff(Frozen, kw_only=True):
    """People to be put on record, or to be brought up to date there."""

    teams: tuple[Team, ...] = ()
    agents: tuple[Agent, ...] = ()
    shifts: tuple[Shift, ...] = ()


def load(path: Path) -> Staff:
    """Read a staff file, in YAML or JSON. Raises UsageError naming the place that is wrong."""
    staff = written.convert(written.values(written.read(path), "the staff file"), Staff)
    _require_once("teams", [team.id for team in staff.teams])
    _require_once("agents", [agent.id for agent in staff.agents])
    return staff


def _require_once(field: str, ids: list[str]) -> None:
    for id_, times in Counter(ids).items():
        if times > 1:
            raise UsageError(f"{id_} is there {times} times", field)
