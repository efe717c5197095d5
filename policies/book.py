"""The book of policies: every released pack with its calendar, by name, version and content hash.

A case finds the pack in force when it was received, and from then on the very same pack by its hash.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from policies import plain_yaml
from policies.calendar import load_calendar
from policies.schema import ClockKind, Pack, PackRef, Policy, Trigger

HERE = Path(__file__).parent


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

    def in_force(self, name: str, at: datetime) -> Policy:
        """The pack of that name in force at an instant, by the date in the pack's own zone. Raises LookupError."""
        for policy in self._policies.values():
            day = at.astimezone(ZoneInfo(policy.calendar.timezone)).date()
            pack = policy.pack
            until = pack.effective_until
            if pack.name == name and pack.effective_from <= day and (until is None or day < until):
                return policy
        raise LookupError(f"no pack {name} is in force at {at.isoformat()}")

    def __iter__(self) -> Iterator[Policy]:
        return iter(self._policies.values())


def load_book(directory: Path = HERE) -> PolicyBook:
    """Read every pack and calendar below a directory. Raises PackError, naming file and place, for the first
    unsound one.
    """
    calendars = {}
    for path in sorted((directory / "calendars").glob("*.yaml")):
        data = path.read_bytes()
        try:
            calendars[path.stem] = (data, load_calendar(data))
        except ValueError as error:
            raise PackError(f"{path.name}: {error}") from error
    policies = {}
    for path in sorted((directory / "packs").glob("*.yaml")):
        data = path.read_bytes()
        try:
            pack = plain_yaml.load(data, Pack)
            _check_sense(pack, path.stem)
            if pack.calendar not in calendars:
                raise ValueError(f"calendar: there is no calendar {pack.calendar}")
        except ValueError as error:
            raise PackError(f"{path.name}: {error}") from error
        days, calendar = calendars[pack.calendar]
        ref = PackRef(name=pack.name, version=pack.version, digest=_digest(data, days))
        policies[ref] = Policy(ref=ref, pack=pack, calendar=calendar)
    return PolicyBook(policies)


@cache
def default_book() -> PolicyBook:
    """The policies that come with Tousu, read once."""
    return load_book()


def _digest(pack: bytes, calendar: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(pack).digest() + hashlib.sha256(calendar).digest()).hexdigest()


def _check_sense(pack: Pack, stem: str) -> None:
    """What the schema cannot say. Raises ValueError, naming the place."""
    if stem != f"{pack.name}@{pack.version}":
        raise ValueError(f"the file should be named {pack.name}@{pack.version}.yaml")
    for kind in ClockKind:
        if kind not in pack.clocks:
            raise ValueError(f"clocks: {kind} is missing")
    for trigger in Trigger:
        if sum(row.trigger is trigger for row in pack.escalation) != 1:
            raise ValueError(f"escalation: {trigger} needs exactly one row")
    unknown = set(pack.admission.proof_kinds) - set(pack.evidence_kinds)
    if unknown:
        raise ValueError(f"admission.proof_kinds: unknown evidence {sorted(unknown)}")
    for name, category in pack.categories.items():
        for party, groups in category.checklist.items():
            unknown = {kind for group in groups for kind in group} - set(pack.evidence_kinds)
            if unknown:
                raise ValueError(f"categories.{name}.checklist.{party}: unknown evidence {sorted(unknown)}")
        offered = {option.kind for option in category.remedies} | set(category.duties)
        if not category.remedies or not offered <= set(pack.remedies):
            raise ValueError(f"categories.{name}.remedies: none, or one that the pack does not describe")
        if not category.causes or not category.responsible:
            raise ValueError(f"categories.{name}: needs causes and responsible parties")
    for template, notice in pack.notices.items():
        if not notice.channels or set(notice.text) != {"zh-CN", "en"}:
            raise ValueError(f"notices.{template}: needs a channel, and texts in zh-CN and en")
