"""What Tousu needs of the world, as protocols; the adapters beside this module fulfil them.

Every method may raise what its adapter's transport raises (see `activities.database.DatabaseError`): the call is then
simply made again, for each is idempotent. What trying again cannot change is an answer, not an error. This module
imports no adapter, so workflows may import it.
"""

from typing import Protocol

from policies.schema import PackRef
from states.case import Case
from states.effects import (
    AnyEffect,
    ApplyPenalty,
    CarryOut,
    CountMatter,
    CountOccurrence,
    DeliverMerge,
    Done,
    Failed,
    MatterCounted,
    OccurrenceCounted,
    ReleaseReturnAddress,
    Reverse,
    SendNotice,
)
from states.events import Act
from states.incident import Incident, OpenIncident
from states.journal import Entry
from states.values import Answer, ClaimantHistory, Head, Instant, LogisticsFacts, OrderFacts, TextRef, Value
from states.view import CaseRow

WRITE_JOURNAL = "write_journal"
READ_CASE = "read_case"
CARRY_OUT = "carry_out"
REACH_CASES = "reach_cases"
NOTE_INCIDENT = "note_incident"

INCIDENT = "incident"
"""The workflow that takes an act round many cases; it is started from here."""


class JournalBatch(Value):
    """Entries of one case in order, and the case's row in the lists after the last of them."""

    entries: tuple[Entry, ...]
    row: CaseRow


class Written(Value):
    """What became of a write."""

    fits: bool
    """The journal now holds every entry of the batch. If not, nothing of it was written: another run wrote other
    entries (a fork), or entries before these are missing (a gap).
    """
    head: Head
    """The journal's last entry, which may lie beyond the batch."""


class Known(Value):
    """What the journal tells of a case."""

    case: Case | None
    """The case, None for an unknown one."""
    forked: bool
    """Entries that the asking run does not know were written by another run: it was reset, or two runs wrote at
    once.
    """


class ReadCase(Value):
    """Asks for a case as its journal tells it."""

    case_id: str
    believed: Head
    """The last entry that the asking run knows."""


class EffectBatch(Value):
    """Effects of one case, to be carried out in order."""

    case_id: str
    policy: PackRef
    """The pack that the case is handled under: its templates, and what the ledger cites."""
    effects: tuple[AnyEffect, ...]


class Origin(Value):
    """Where an effect comes from."""

    case_id: str
    policy: PackRef
    at: Instant
    """When it is carried out, by the engine's clock."""


class Member(Value):
    """A case of an incident, and its place there."""

    place: int
    case_id: str
    open: bool
    """Whether there is work to do on it, as the lists of cases tell."""


class Members(Value):
    """Some of an incident's cases, in the order of their places, and the last place that is taken."""

    cases: tuple[Member, ...]
    last: int


class KeyReusedError(Exception):
    """Two different things were asked for under one key. The second was not carried out."""

    def __init__(self, key: str) -> None:
        super().__init__(f"something else was already carried out under the key {key}")
        self.key = key


class NotInVaultError(LookupError):
    """The vault holds nothing under that reference, or not what the reference's hash promises."""


class Journal(Protocol):
    """The append-only record of every case. Its chain decides what happened."""

    async def write(self, entries: tuple[Entry, ...], row: CaseRow, run: str = "") -> Written:
        """Add entries of one case, in order, and bring its row in the lists up to date: all of it or nothing.

        `run` is the run of the workflow that writes.

        Entries that are already there are no error, so a write may be repeated. Raises ValueError if there are no
        entries, or if they or the row belong to different cases.
        """

    async def read(self, case_id: str) -> tuple[Entry, ...]:
        """All entries of a case, in order; none for an unknown case. Raises ValueError if one does not match its
        hash.
        """

    async def has_other_entries(self, case_id: str, after: int, run: str) -> bool:
        """Whether another run than `run` wrote entries later than number `after`."""

    async def head(self, case_id: str) -> Head:
        """The last entry's number and hash; `Head()` for an unknown case."""


class Vault(Protocol):
    """Where free text, names and evidence are kept, so that messages and the journal carry references only."""

    async def put(self, owner: str, content: bytes, kind: str) -> TextRef:
        """Keep content about or from `owner`. The same owner and content give the same reference, however often.

        Raises ValueError if the content is empty or too large.
        """

    async def put_text(self, owner: str, text: str) -> TextRef:
        """Keep a text, as UTF-8. Raises ValueError if it is empty, too long, or not writable as UTF-8."""

    async def get(self, ref: TextRef, *, reader: str, purpose: str) -> bytes:
        """Read content; who read it and what for is logged, or there is no reading. Raises NotInVaultError."""

    async def get_text(self, ref: TextRef, *, reader: str, purpose: str) -> str:
        """Read a text, as `get` does."""


class Platform(Protocol):
    """The marketplace's own services. The effect's key is the idempotency key: the same effect twice is carried out
    once and gives the same answer; another effect under the same key raises KeyReusedError.
    """

    async def order(self, order: str) -> OrderFacts | None:
        """What the platform knows about an order; None if it knows no such order."""

    async def logistics(self, order: str) -> LogisticsFacts | None:
        """What the carrier reports; a parcel that was never handed over has no dates. None for an unknown order."""

    async def claimant_history(self, claimant: str, case_id: str) -> ClaimantHistory:
        """How many complaints somebody filed, apart from this case."""

    async def carry_out(self, effect: CarryOut, origin: Origin) -> Done | Failed:
        """Carry out the platform's step of a remedy."""

    async def apply_penalty(self, effect: ApplyPenalty, origin: Origin) -> Done | Failed:
        """Take a measure against a shop or an account."""

    async def count_occurrence(self, effect: CountOccurrence, origin: Origin) -> OccurrenceCounted:
        """Enter something that counts against a seller, and count what stands within the window, this one included.

        What was reversed does not stand. Of one seller no two get the same count, even if they come at once.
        """

    async def reverse(self, effect: Reverse, origin: Origin) -> Done | Failed:
        """Enter the opposite of what an earlier effect of the same case entered, so that the two come to nothing.

        Failed with `not_found` if there is no such entry, with `already_reversed` if another effect reversed it.
        """

    async def release_return_address(self, effect: ReleaseReturnAddress, origin: Origin) -> Done | Failed:
        """Show a buyer where to return the goods. The address itself never passes through here."""


class Notices(Protocol):
    """Tells parties what they have to know. Idempotent by the effect's key, like Platform."""

    async def send(self, effect: SendNotice, origin: Origin) -> Done | Failed:
        """Send a notice through the effect's one channel.

        Done when it was delivered. Failed with `undeliverable` if the recipient cannot be reached that way, with
        `no_template` or `missing_fact` if the pack has no such notice or the effect lacks a fact that its text names.
        """


class Unanswered(Exception):
    """A case did not answer. It may have taken the act, or may still: sending the same act again does no harm."""


class Cases(Protocol):
    """Hands something to another case."""

    async def act(self, case_id: str, act: Act) -> Answer | None:
        """Act on a case; the answer, None if it has no open run. Idempotent by the act's request id.

        A message that the case does not take at all is answered as a refusal, `rejected`. Raises Unanswered.
        """

    async def deliver(self, effect: DeliverMerge, origin: Origin) -> Done | Failed:
        """Have another case take over a duplicate's file. Idempotent: the effect's key is the other case's request id.

        Done with the number of its journal entry. Failed with `no_open_case` if that case is not open, or with the
        code of its refusal.
        """


class Matters(Protocol):
    """Counts complaints by what they have in common, and knows the cases of every incident."""

    async def count(self, effect: CountMatter, origin: Origin) -> MatterCounted:
        """Enter a case under its seller or product, and count the cases within the window, this one included.

        While an incident is open, every case that is counted belongs to it. If none is, and there are `complaints`
        cases that belonged to no earlier one, a new incident comes to be, with those cases; of cases counted at once,
        it is one that opens it. A case belongs to one incident of a matter, for good. Idempotent by the effect's key,
        like Platform.
        """

    async def members(self, incident: str, *, after: int, last: int | None, uncounted: bool, limit: int) -> Members:
        """The next cases of an incident from a place on, up to `last`, or to the last place that is taken now.

        With `uncounted`, only those whose own count did not tell them that they belong to it.
        """

    async def note(self, incident: Incident) -> None:
        """Keep how the incident stands; if it is closed, no more cases join."""


class Incidents(Protocol):
    """Starts what takes acts round."""

    async def open(self, start: OpenIncident) -> None:
        """Start the incident's workflow, unless it was started before."""
