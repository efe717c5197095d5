"""The small values that messages, facts and cases are made of.

All are frozen. Money is whole fen, instants are aware, and free text appears only as a reference into the vault with
its hash, so that no message, history or journal entry ever carries personal data.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from policies.schema import (
    Action,
    Channel,
    ClockKind,
    Frozen,
    Level,
    Party,
    PenaltyKind,
    RemedyKind,
    Role,
    Stage,
    Trigger,
)

# The descriptions are what somebody is told whose message does not fit the pattern.
Id = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,119}\Z",
        description="a reference of 1 to 120 letters, digits and . _ : / @ # - that begins with a letter or digit",
    ),
]
Key = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._#-]{0,47}\Z",
        description="a short reference: 1 to 48 letters, digits and . _ # - that begin with a letter or digit",
    ),
]
"""A reference that becomes part of a case id, and so of every key made from it: two of them have to fit into an Id."""
Code = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,63}\Z",
        description="a word of the policy: 1 to 64 small letters, digits and _ that begin with a letter",
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="a SHA-256: 64 hexadecimal digits, small letters")]
Instant = Annotated[datetime, Meta(tz=True)]
Fen = Annotated[int, Meta(ge=1, le=10_000_000_000)]
"""An amount of money in fen, more than nothing and at most 100 million yuan."""


def yuan(amount_fen: int) -> str:
    """Fen as people read them, in yuan: 19900 is 199.00."""
    return f"{amount_fen // 100}.{amount_fen % 100:02}"


Price = Annotated[int, Meta(ge=0, le=10_000_000_000)]
Score = Annotated[int, Meta(ge=1, le=5)]


class Value(Frozen, omit_defaults=True):
    """Base of every value. Defaults are left out when encoded, so a field added later changes no old hash."""


def snake(name: str) -> str:
    """The wire name of a class: FileComplaint is file_complaint."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


# --- who and what ---------------------------------------------------------------------------------


class Actor(Value):
    """Who acts. `id` is a reference such as buyer-017 or agent-03, never a name."""

    id: Id
    role: Role


class TextRef(Value):
    """Free text kept in the vault: its reference, its SHA-256 and its size in bytes."""

    ref: Id
    sha256: Sha256
    size: Annotated[int, Meta(ge=1)]


class EvidenceItem(Value):
    """One item as submitted (INT-3): its kind, where it is kept, its content hash."""

    kind: Code
    content: TextRef


class Evidence(Value):
    """One item on the case file (INT-3)."""

    id: str
    kind: Code
    submitter: Party
    by: str
    submitted_at: Instant
    content: TextRef


class Claim(Value):
    """What the complainant wants (INT-1), and since when the problem exists."""

    remedies: Annotated[tuple[RemedyKind, ...], Meta(min_length=1, max_length=5)]
    amount_fen: Fen | None = None
    problem_since: Instant | None = None


class SellerContact(StrEnum):
    """What came of turning to the seller first (ADM-7)."""

    NOT_APPROACHED = "not_approached"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNSATISFACTORY = "unsatisfactory"
    SOLVED = "solved"


class OrderFacts(Value):
    """What the platform knows about an order (ADM-1, ADM-2)."""

    order: Id
    platform: Code
    buyer: Id
    seller: Id
    paid_fen: Price
    purchased_at: Instant
    received_at: Instant | None = None


class LogisticsFacts(Value):
    """What the carrier reports about an order (VER-7)."""

    order: Id
    shipped_at: Instant | None = None
    signed_at: Instant | None = None
    signature: TextRef | None = None


class RemedyTerms(Value):
    """A remedy as proposed or ruled; an amount where the remedy is one of money."""

    kind: RemedyKind
    amount_fen: Fen | None = None


class Scores(Value):
    """The evaluation form (FUP-1): 1 is worst, 5 is best."""

    speed: Score
    attitude: Score
    accuracy: Score
    problem_solving: Score
    product_knowledge: Score
    result: Score


# --- the parts of a case --------------------------------------------------------------------------


class Contact(Value):
    """One contact about the matter (INT-2): when, through which channel, by whom; outbound is from the platform."""

    at: Instant
    channel: Channel
    by: str
    outbound: bool = False
    text: TextRef | None = None


class ClockState(StrEnum):
    RUNNING = "running"
    WARNED = "warned"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Clock(Value, kw_only=True):
    """One service-level clock. `due` is an instant fixed when it was armed, moved only by a pause or an extension.

    Running and paused time add up to the time from `armed_at` to `ended_at`.
    """

    kind: ClockKind
    subject: str = ""
    """The request, proposal or remedy that the clock is for, if any."""
    arming: int
    """1 for the first time this clock was armed, 2 for the second: a miss counts once for each."""
    state: ClockState
    armed_at: Instant
    due: Instant
    warn_at: Instant | None = None
    paused_since: Instant | None = None
    paused_seconds: int = 0
    ended_at: Instant | None = None
    extensions: int = 0
    extended: int = 0
    """How many units it was extended by, altogether."""
    provisional: bool = False
    """Counted through a year whose holidays are not yet published (SLA-3)."""

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.subject}" if self.subject else str(self.kind)

    @property
    def ticking(self) -> bool:
        return self.state in (ClockState.RUNNING, ClockState.WARNED)

    @property
    def active(self) -> bool:
        return self.ticking or self.state is ClockState.PAUSED


class RequestState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class RequestKind(StrEnum):
    """What a party is asked for: items of evidence, a statement, or proof of purchase (ADM-1)."""

    EVIDENCE = "evidence"
    STATEMENT = "statement"
    PROOF_OF_PURCHASE = "proof_of_purchase"


class Request(Value):
    """Something asked of a named party, with what is wanted (VER-1, VER-3, ADM-1). Its clock holds the deadline."""

    id: str
    kind: RequestKind
    party: Party
    wanted: tuple[Code, ...]
    state: RequestState
    asked_at: Instant


class Statement(Value):
    """What a party says (COO-5), and the plan it offers, if any (VER-3)."""

    party: Party
    by: str
    at: Instant
    text: TextRef
    plan: RemedyTerms | None = None


class Finding(Value):
    """What verification found (VER-4): who is responsible, why, and on which evidence it rests."""

    proven: bool
    responsible: Party | None
    cause: Code | None
    evidence: tuple[str, ...]
    by: str
    at: Instant


class ProposalState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    COUNTERED = "countered"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class Proposal(Value):
    """A solution on the table (COO-1); the parties in `awaiting` have still to accept it."""

    id: str
    by: Role
    terms: RemedyTerms
    state: ProposalState
    awaiting: tuple[Party, ...]
    made_at: Instant


class Outcome(StrEnum):
    """How a case ended, or is about to."""

    AGREED = "agreed"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SETTLED_BY_SELLER = "settled_by_seller"
    MERGED = "merged"


class Ruling(Value):
    """What the platform decided (COO-3), with the rule cited and the reasons."""

    id: str
    outcome: Outcome
    rule: str
    remedies: tuple[RemedyTerms, ...]
    penalties: tuple[Code, ...]
    finding: Finding
    reasons: TextRef
    by: str
    at: Instant


class RemedyState(StrEnum):
    ORDERED = "ordered"
    DONE = "done"
    FAILED = "failed"


class Step(Value):
    """One step of a remedy, with when it was done and the reference of its proof."""

    by: Party
    action: Action
    done_at: Instant | None = None
    reference: str | None = None


class Remedy(Value):
    """A remedy that was agreed or ruled, and how far it has been carried out (COO-2, FUP-3)."""

    id: str
    terms: RemedyTerms
    origin: Outcome
    steps: tuple[Step, ...]
    state: RemedyState
    failed_by: Party | None = None

    @property
    def next_step(self) -> int | None:
        """The index of the step that is due now, or None when the remedy is settled."""
        if self.state is not RemedyState.ORDERED:
            return None
        return next((index for index, step in enumerate(self.steps) if step.done_at is None), None)


class PenaltyState(StrEnum):
    IMPOSED = "imposed"
    APPLIED = "applied"
    REVERSED = "reversed"


class Penalty(Value, kw_only=True):
    """A measure against the shop (PEN-1), with the row of the table and the rule that it rests on."""

    id: str
    row: Code
    kind: PenaltyKind
    points: int | None = None
    rule: str
    policy: str
    state: PenaltyState


class NoticeState(StrEnum):
    SENDING = "sending"
    DELIVERED = "delivered"
    WITH_AGENT = "with_agent"


class Notice(Value):
    """Something that a party has to be told (FBK-1), and through which channels that was tried."""

    id: str
    template: str
    party: Party
    state: NoticeState
    tried: tuple[Channel, ...]


class ConductKind(StrEnum):
    """What counts against a party."""

    NO_DEFENCE = "no_defence"
    BROKEN_PROMISE = "broken_promise"


class Conduct(Value):
    """Conduct on record (VER-3, FUP-3)."""

    party: Party
    kind: ConductKind
    subject: str
    at: Instant


class Escalation(Value, kw_only=True):
    """One rise of the case, once for each trigger, clock and arming (ESC-1)."""

    trigger: Trigger
    clock: str = ""
    arming: int = 0
    before: Level
    after: Level
    at: Instant


class Survey(Value, kw_only=True):
    """An answered evaluation form, one for each closing (FUP-1)."""

    closing: int
    solved: bool
    scores: Scores
    comment: TextRef | None = None
    at: Instant


class CorrectableAct(Value):
    """An agent's act that can still be put right, and where it led from and to."""

    entry: int
    act: str
    before: Stage
    after: Stage
    subject: str = ""


# --- answers --------------------------------------------------------------------------------------


class Refusal(Value):
    """Why an act was not carried out: a code for programs, the rule, and a sentence that says what to do."""

    code: Code
    message: str
    rule: str = ""


class Answer(Value):
    """What everyone who acts on a case is told."""

    case_id: str
    accepted: bool
    entry: int = 0
    """The number of the journal entry that records the act; 0 if there is no case that could record it."""
    stage: Stage | None = None
    level: Level | None = None
    refusal: Refusal | None = None
    fingerprint: str = ""
    """Of the act that was answered: another act under the same request id is told by it."""


class Answered(Value):
    """An act already answered: the same request id with the same content gets the same answer."""

    request_id: str
    answer: Answer


class Head(Value):
    """The last entry of a journal: its number and hash; 0 and empty before the first."""

    number: int = 0
    hash: str = ""
