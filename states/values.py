"""The small values that messages, facts and cases are made of.

All are frozen. Money is whole fen, instants are aware, and free text appears only as a reference into the vault with
its hash, so that no message, history or journal entry ever carries personal data.
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from policies.base import Frozen
from policies.schema import (
    Action,
    Category,
    Channel,
    ClockKind,
    Counted,
    Level,
    OrderState,
    Outcome,
    Party,
    PenaltyKind,
    PointClass,
    Rating,
    RemedyKind,
    Role,
    Route,
    Stage,
    Trigger,
)
from policies.triage import TriageLabel

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
    return_reason: Code | None = None
    """Why the goods go back, as the buyer chose it (COO-6)."""


class ReviewComplaint(Value):
    """The review that a seller complains about, and on which ground (ADM-6)."""

    review: Id
    rating: Rating
    ground: Code
    circumstance: Code | None = None


class SellerContact(StrEnum):
    """What came of turning to the seller first (ADM-7)."""

    NOT_APPROACHED = "not_approached"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    UNSATISFACTORY = "unsatisfactory"
    SOLVED = "solved"


class OrderFacts(Value):
    """What the platform knows about an order (ADM-1, ADM-2, ADM-3)."""

    order: Id
    platform: Code
    buyer: Id
    seller: Id
    paid_fen: Price
    purchased_at: Instant
    received_at: Instant | None = None
    goods_fen: Price | None = None
    """The price of the goods, where that is not all that was paid (PEN-7)."""
    state: OrderState = OrderState.OPEN
    state_since: Instant | None = None
    """When the order succeeded, or was closed by its refund."""
    product: Id | None = None
    branded: bool | None = None
    """Whether the goods bear a brand (HOF-3); None if that is not known."""


class LogisticsFacts(Value):
    """What the carrier reports about an order (VER-7)."""

    order: Id
    shipped_at: Instant | None = None
    signed_at: Instant | None = None
    signature: TextRef | None = None
    carrier: Id | None = None


class ClaimantHistory(Value):
    """How many complaints somebody filed before, as a plain count (VER-11)."""

    complaints: Annotated[int, Meta(ge=0)]


class RemedyTerms(Value):
    """A remedy as proposed or ruled.

    An amount where the remedy is one of money and the policy does not compute it; the order where it is not the first
    of the case. A computed remedy without an order is for every order of the case.
    """

    kind: RemedyKind
    amount_fen: Fen | None = None
    order: Id | None = None


class Violation(Value):
    """A row of the penalty table as applied in a ruling, and the items on file that show it (PEN-5, PEN-10)."""

    row: Code
    evidence: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()


class Scores(Value):
    """The evaluation form (FUP-1): 1 is worst, 5 is best."""

    speed: Score
    attitude: Score
    accuracy: Score
    problem_solving: Score
    product_knowledge: Score
    result: Score


# --- the parts of a case --------------------------------------------------------------------------


class IdentityCheck(StrEnum):
    """Whether it was made sure who the caller is (INT-8)."""

    CONFIRMED = "confirmed"
    FAILED = "failed"


class Contact(Value):
    """One contact about the matter (INT-2): when, through which channel, by whom; outbound is from the platform."""

    at: Instant
    channel: Channel
    by: str
    party: Party = Party.COMPLAINANT
    """Who contacted the platform, or was contacted."""
    outbound: bool = False
    text: TextRef | None = None
    automatic: bool = False
    """Sent by software: it answers nobody, and stops no clock (INT-8)."""
    answered_after_seconds: Annotated[int, Meta(ge=0)] | None = None
    late: bool = False
    """Answered later than the policy allows for the channel (INT-8)."""
    identity: IdentityCheck | None = None


class ClockState(StrEnum):
    RUNNING = "running"
    WARNED = "warned"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Clock(Value, kw_only=True):
    """One service-level clock. `due` is an instant fixed when it was armed, moved only by a pause, an extension, a
    higher priority or another version of the policy.

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
    held: int = 0
    """How many working days its pauses took, altogether."""
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
    """What a party is asked for: items of evidence, a statement, proof of purchase (ADM-1), what is unclear in the
    complaint (ADM-4), or whether it takes the category that it is offered (ADM-3).
    """

    EVIDENCE = "evidence"
    STATEMENT = "statement"
    PROOF_OF_PURCHASE = "proof_of_purchase"
    COMPLETION = "completion"
    CATEGORY_OFFER = "category_offer"


class Request(Value):
    """Something asked of a named party, with what is wanted (VER-1, VER-3, ADM-1). Its clock holds the deadline."""

    id: str
    kind: RequestKind
    party: Party
    wanted: tuple[Code, ...]
    state: RequestState
    asked_at: Instant
    addressee: str = ""
    """Who is asked, where the party alone does not say: the carrier, the appraiser (VER-14)."""


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


class Ruling(Value):
    """What the platform decided (COO-3), with the rule cited and the reasons."""

    id: str
    outcome: Outcome
    rule: str
    remedies: tuple[RemedyTerms, ...]
    penalties: tuple[Violation, ...]
    finding: Finding
    reasons: TextRef
    by: str
    at: Instant
    final: bool = False
    """Whether neither review nor appeal is left against it (ESC-7)."""


class HearingKind(StrEnum):
    """Why a case is heard: for the first time, or again."""

    FIRST = "first"
    NOT_SOLVED = "not_solved"
    REOPENED = "reopened"
    REVIEW = "review"
    APPEAL = "appeal"


class Hearing(Value):
    """One hearing of the case: rounds of requests and proposals count within it (VER-1, COO-1)."""

    kind: HearingKind
    opened_at: Instant
    requests: int = 0
    """How many requests were on the case when it began."""
    proposals: int = 0
    barred: tuple[str, ...] = ()
    """The agents who decided before, and may not decide now (ESC-7)."""
    final: bool = False
    """Whether its ruling will be final."""


class Excerpt(Value):
    """A place in a text of the vault that caused a proposal, by character offsets, and which words of the policy it
    shows; the text itself stays in the vault.
    """

    text: Id
    start: int
    end: int
    words: str


class ProposalOfTriageState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class TriageProposal(Value, kw_only=True):
    """What a text of the case shows at first reading: a label, or another category (INT-4, ESC-4, ESC-9)."""

    id: str
    label: TriageLabel | None = None
    category: Category | None = None
    excerpts: tuple[Excerpt, ...]
    state: ProposalOfTriageState = ProposalOfTriageState.PROPOSED
    at: Instant

    @property
    def shows(self) -> str:
        """What it says of the case, in words."""
        return self.label or f"category {self.category}"

    @property
    def found_by(self) -> str:
        """What of the policy's words caused it, each once."""
        return ", ".join(dict.fromkeys(each.words for each in self.excerpts))


class RiskState(StrEnum):
    """Whether a text proposed the risk, an agent confirmed the proposal or set it, or lowered it again."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    SET = "set"
    LOWERED = "lowered"


class Factor(Value):
    """What makes a case urgent, with its points (INT-5)."""

    name: Code
    points: int

    def __str__(self) -> str:
        return f"{self.name} {self.points}"


class ExternalComplaint(Value, kw_only=True):
    """A complaint about the same matter before a body outside (ESC-3, ESC-5)."""

    id: str
    body: Code
    reference: str = ""
    """The body's own reference; empty where it is not known."""
    made_at: Instant
    at: Instant
    due: Instant | None = None
    """By when the body wants an answer, where it says so."""


class OfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Offer(Value, kw_only=True):
    """A known solution that an agent offered (ESC-10)."""

    id: str
    text: TextRef
    by: str
    at: Instant
    state: OfferState


class ConsentState(StrEnum):
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    WAIVED = "waived"


class Consent(Value, kw_only=True):
    """The member's consent to a hand-off: asked, given, refused, or waived by the policy (HOF-2)."""

    state: ConsentState
    at: Instant
    channel: Channel | None = None


class HandOffState(StrEnum):
    CONSENT_PENDING = "consent_pending"
    QUEUED = "queued"
    WORKING = "working"
    RETURNED = "returned"
    REFUSED = "refused"
    RECALLED = "recalled"
    DECLINED = "declined"


OPEN_HAND_OFFS = (HandOffState.CONSENT_PENDING, HandOffState.QUEUED, HandOffState.WORKING)
"""What a team has not ended yet."""


class HandOff(Value, kw_only=True):
    """One matter handed to another team (HOF-1); its clock holds the team's deadline."""

    id: str
    route: Route
    team: Code
    state: HandOffState
    by: str
    at: Instant
    reason: TextRef | None = None
    trigger: Trigger | None = None
    """What handed it over by itself, where no agent did."""
    consent: Consent
    worker: str = ""
    """Who in the team works on it."""
    level: Level = Level.FRONT_LINE
    """How high it has risen within the team (HOF-6)."""
    late: bool = False
    first: bool = False
    """Whether it comes in place of the ordinary verification (HOF-3)."""
    result: Code = ""
    note: TextRef | None = None
    ended_at: Instant | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN_HAND_OFFS


class AppealState(StrEnum):
    """How far a request for a further hearing has come; the order is looked up anew before an appeal is heard."""

    EXAMINED = "examined"
    HEARD = "heard"
    REFUSED = "refused"


class Appeal(Value):
    """A review or an appeal that was asked for (ESC-7, APL-1)."""

    id: str
    kind: HearingKind
    party: Party
    channel: Channel
    evidence: tuple[str, ...]
    """The new items that it rests on, by their ids; none for a review."""
    state: AppealState
    at: Instant
    code: str = ""
    """Why it was refused."""


class RemedyState(StrEnum):
    ORDERED = "ordered"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REVERSING = "reversing"
    REVERSED = "reversed"


class Step(Value):
    """One step of a remedy, with when it was done and the reference of its proof."""

    by: Party
    action: Action
    done_at: Instant | None = None
    reference: str | None = None
    by_agent: bool = False
    """Whether the platform's step is an agent's to do (VER-6)."""
    key: str = ""
    """The key of the effect that did it, by which it can be reversed."""


class Remedy(Value):
    """A remedy that was agreed or ruled, and how far it has been carried out (COO-2, FUP-3)."""

    id: str
    terms: RemedyTerms
    """What is granted; of a remedy of money, the amount for its one order."""
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
    FAILED = "failed"
    REVERSING = "reversing"
    REVERSED = "reversed"


class Penalty(Value, kw_only=True):
    """A measure against a shop (PEN-1) or an account (PEN-9), with the row of the table and the rule that it rests
    on.
    """

    id: str
    row: Code
    kind: PenaltyKind
    against: Party
    points: int | None = None
    point_class: PointClass | None = None
    rule: str
    policy: str
    """The pack in force at the time of the conduct, as name@version (PEN-4)."""
    evidence: tuple[str, ...] = ()
    occurrence: str = ""
    """The occurrence whose count brought it, if no ruling did (PEN-3)."""
    key: str
    """The key of the effect that entered it in the ledger, by which it is reversed."""
    state: PenaltyState


class OccurrenceState(StrEnum):
    RECORDED = "recorded"
    COUNTED = "counted"
    FAILED = "failed"
    REVERSING = "reversing"
    REVERSED = "reversed"


class Occurrence(Value, kw_only=True):
    """Something that the ledger counts against a seller over a window (PEN-3)."""

    id: str
    counts: Counted
    key: str
    state: OccurrenceState
    count: int | None = None
    """How many there were in the window, this one included, when the ledger counted it."""


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


class StaffConduct(Value, kw_only=True):
    """A finding about the conduct of service staff, by its row of the conduct table (CON-1 to CON-6).

    It is about whoever served then, also if they have left since.
    """

    id: str
    row: Code
    staff: str
    """Who served; empty where nobody had taken the question on."""
    at: Instant
    """When it happened."""
    amount_fen: Annotated[int, Meta(ge=0)] = 0
    evidence: str = ""
    """The transcript or other item on file that shows it."""
    message: str = ""
    """The message of the transcript that is cited."""
    about: str = ""
    """The message that the cited one answers late, or repeats."""
    figure: int | None = None
    unit: str = ""
    """What the figure counts: seconds, characters, occurrences."""
    by: str
    """Who found it; the engine, where a transcript shows it."""


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
