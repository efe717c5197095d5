"""The journal: what was decided about a case, entry by entry, each sealed with the hash of the one before.

An entry is one happening: an act, a deadline, the report of an effect. Its facts alone rebuild the case (`fold`),
and its hash covers everything in it, so a change anywhere breaks the chain from there on.
"""

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from states import facts
from states.case import Case, evolve_all, file
from states.facts import AnyFact
from states.values import (
    Actor,
    Answer,
    Answered,
    Code,
    Head,
    Id,
    Instant,
    Refusal,
    TextRef,
    Value,
)


class Entry(Value, kw_only=True):
    """One entry: what happened, who did it and why, under which policy, and what followed."""

    case_id: Id
    number: int
    event: Code
    decided_at: Instant
    """When the engine decided."""
    effective_at: Instant
    """When it counts as having happened: when a trusted act was made, when a deadline was due."""
    policy: str
    request_id: str = ""
    fingerprint: str = ""
    actor: Actor | None = None
    source: str | None = None
    reason: TextRef | None = None
    facts: tuple[AnyFact, ...] = ()
    refusal: Refusal | None = None
    previous: str = ""
    hash: str = ""

    @property
    def head(self) -> Head:
        return Head(number=self.number, hash=self.hash)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that the entry rests on, each once, in the order in which they were used."""
        cited = [rule for fact in self.facts for rule in fact.rules]
        if self.refusal is not None and self.refusal.rule:
            cited.append(self.refusal.rule)
        return tuple(dict.fromkeys(cited))


def body(entry: Entry) -> bytes:
    """The bytes that are hashed and stored: canonical JSON of everything but the hash itself."""
    return msgspec.json.encode(replace(entry, hash=""), order="deterministic")


def seal(entry: Entry, previous: Head) -> Entry:
    """The entry as the next after `previous`, with its hash (TRA-1)."""
    chained = replace(entry, number=previous.number + 1, previous=previous.hash, hash="")
    return replace(chained, hash=hashlib.sha256(body(chained)).hexdigest())


def unseal(stored: bytes | str, hash_: str) -> Entry:
    """An entry read back from its stored body; raises ValueError if the body does not give the hash."""
    data = stored.encode() if isinstance(stored, str) else stored
    if hashlib.sha256(data).hexdigest() != hash_:
        raise ValueError("the entry's body does not match its hash")
    return replace(msgspec.json.decode(data, type=Entry), hash=hash_)


def apply(case: Case | None, entry: Entry) -> Case:
    """The case after one more entry. Raises ValueError if the entry is not the next one."""
    head = Head() if case is None else case.head
    if entry.number != head.number + 1 or entry.previous != head.hash:
        raise ValueError(f"entry {entry.number} does not follow entry {head.number}")
    established = entry.facts
    if case is None:
        if not established or not isinstance(established[0], facts.CaseFiled):
            raise ValueError("the first entry of a journal files the case")
        case = file(entry.case_id, established[0])
        established = established[1:]
    case = replace(evolve_all(case, established), head=entry.head)
    if not entry.request_id:
        return case
    answered = Answered(
        request_id=entry.request_id,
        answer=Answer(
            case_id=case.case_id,
            accepted=entry.refusal is None,
            entry=entry.number,
            stage=case.stage,
            level=case.level,
            refusal=entry.refusal,
            fingerprint=entry.fingerprint,
        ),
    )
    return replace(case, answers=(*case.answers, answered))


def fold(entries: Iterable[Entry]) -> Case | None:
    """The case that a journal tells of, or None for an empty one. Raises ValueError at the first gap or broken link."""
    case: Case | None = None
    for entry in entries:
        if seal(entry, Head() if case is None else case.head).hash != entry.hash:
            raise ValueError(f"entry {entry.number} does not match its hash")
        case = apply(case, entry)
    return case
