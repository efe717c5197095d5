"""The book of policies: every released pack with its calendar, by name, version and content hash.

A case finds the pack in force when it was received, and from then on the very same pack by its hash.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from policies import inheritance, plain_yaml, released, sense
from policies.calendar import Calendar, load_calendar
from policies.schema import Pack, PackRef, Policy

HERE = Path(__file__).parent
"""The directory of the packs that come with Tousu."""
ELSEWHERE = "TOUSU_POLICIES"
"""The environment variable that names another directory, with packs/ and calendars/ in it."""


class PackError(ValueError):
    """A pack that cannot be used; the message names the file and the place in it."""


class PolicyBook:
    """All released policies. Immutable after it is made."""

    def __init__(self, policies: Mapping[PackRef, Policy]) -> None:
        self._policies = MappingProxyType(dict(policies))

    def policy(self, ref: PackRef) -> Policy:
        """The very pack that a case carries. Raises KeyError, naming it, if this book does not hold it unchanged."""
        try:
            return self._policies[ref]
        except KeyError:
            raise KeyError(f"policy {ref} with hash {ref.digest} is not in the book") from None

    def find(self, name: str, version: str) -> Policy:
        """The pack of that name and version. Raises LookupError, naming it."""
        for policy in self._policies.values():
            if (policy.ref.name, policy.ref.version) == (name, version):
                return policy
        raise LookupError(f"there is no pack {name}@{version}")

    def in_force(self, name: str, at: datetime) -> Policy:
        """The pack of that name in force at an instant, by the date in the pack's own zone; one with an open end is
        in force until the next begins. Raises LookupError.
        """
        begun = [each for each in self._policies.values() if each.pack.name == name and _begun(each, at)]
        if begun:
            latest = max(begun, key=lambda policy: policy.pack.effective_from)
            until = latest.pack.effective_until
            if until is None or _day(latest, at) < until:
                return latest
        raise LookupError(f"no pack {name} is in force at {at.isoformat()}")

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())


@cache
def default_book() -> PolicyBook:
    """The policies to work by, read once: those in the directory that TOUSU_POLICIES names, else those that come with
    Tousu. Raises PackError.
    """
    return load_book(Path(os.environ.get(ELSEWHERE) or HERE))


def load_book(directory: Path = HERE, *, unreleased: bool = False) -> PolicyBook:
    """Read every pack and calendar below a directory. Where it keeps a list of releases, every pack has to be on it
    unchanged, unless `unreleased` ones are wanted too. Raises PackError, naming file and place, for the first unsound
    one.
    """
    calendars = _calendars(directory)
    files = {path.stem: path.read_bytes() for path in sorted((directory / "packs").glob("*.yaml"))}
    if not files:
        raise PackError(f"{directory}: there is no pack in packs/")
    lines = _lineages(files)
    whole = dict[str, inheritance.Tree]()
    policies = dict[PackRef, Policy]()
    # What is extended comes before what extends it.
    for id_, (tree, line) in sorted(lines.items(), key=lambda item: len(item[1][1])):
        with _in_file(id_):
            whole[id_] = inheritance.derived(whole[line[1]], tree) if line[1:] else tree
            pack = plain_yaml.convert(whole[id_], Pack)
            sense.check(pack, id_)
            if pack.calendar not in calendars:
                raise ValueError(f"calendar: there is no calendar {pack.calendar}")
        days, calendar = calendars[pack.calendar]
        ref = PackRef(name=pack.name, version=pack.version, digest=_digest(*(files[each] for each in line), days))
        policies[ref] = Policy(ref=ref, pack=pack, calendar=calendar)
    in_order = sorted(policies.values(), key=lambda policy: (policy.pack.name, policy.pack.effective_from))
    _require_succession(in_order)
    if not unreleased:
        _require_released(directory, in_order)
    return PolicyBook({policy.ref: policy for policy in in_order})


def _calendars(directory: Path) -> dict[str, tuple[bytes, Calendar]]:
    calendars = {}
    for path in sorted((directory / "calendars").glob("*.yaml")):
        with _in_file(path.stem):
            calendar = load_calendar(path.read_bytes())
            if path.stem != calendar.id:
                raise ValueError(f"the file should be named {calendar.id}.yaml")
        calendars[path.stem] = (path.read_bytes(), calendar)
    return calendars


def _lineages(files: Mapping[str, bytes]) -> dict[str, tuple[inheritance.Tree, tuple[str, ...]]]:
    """What each file says, and the ids of its pack and of those that it extends."""
    trees = dict[str, inheritance.Tree]()
    for id_, data in files.items():
        with _in_file(id_):
            trees[id_] = plain_yaml.load(data, dict[str, object])
    lines = {}
    for id_, tree in trees.items():
        with _in_file(id_):
            lines[id_] = (tree, inheritance.lineage(id_, trees))
    return lines


def _require_succession(policies: list[Policy]) -> None:
    """Of one name, exactly one pack is in force at a time, from the first one's beginning to the last one's end."""
    for _, versions in groupby(policies, key=lambda policy: policy.pack.name):
        for earlier, later in pairwise(versions):
            start, until = later.pack.effective_from, earlier.pack.effective_until
            with _in_file(str(later.ref)):
                if earlier.pack.effective_from == start or (until is not None and until > start):
                    ends = [end for end in (until, later.pack.effective_until) if end is not None]
                    to = f"to {min(ends)}" if ends else "on"
                    raise ValueError(f"{earlier.ref} and {later.ref} are both in force from {start} {to}")
                if until is not None and until < start:
                    raise ValueError(f"from {until} to {start}, between {earlier.ref} and it, no pack is in force")


def _require_released(directory: Path, policies: list[Policy]) -> None:
    with _in_file(Path(released.FILE).stem):
        known = released.read(directory)
        if known is None:
            return
        gone = known.keys() - {str(policy.ref) for policy in policies}
        if gone:
            raise ValueError(f"{min(gone)} is released and no longer there")
    for policy in policies:
        with _in_file(str(policy.ref)):
            released.require(str(policy.ref), policy.ref.digest, known)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _day(policy: Policy, at: datetime) -> date:
    return at.astimezone(ZoneInfo(policy.calendar.timezone)).date()


def _begun(policy: Policy, at: datetime) -> bool:
    return policy.pack.effective_from <= _day(policy, at)


@contextmanager
def _in_file(stem: str) -> Iterator[None]:
    """Names the file in whatever is found wrong with it."""
    try:
        yield
    except ValueError as error:
        raise PackError(f"{stem}.yaml: {error}") from error
