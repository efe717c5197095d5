"""Everything that can happen to a case.

`Act`s are what people and services do; each is an update of the workflow under its wire name (`accept_complaint` for
AcceptComplaint), and its docstring is what operators read in the user interface. The other events come from the engine.
"""

import hashlib
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from policies.schema import Category, Channel, ClockKind, Ground, Outcome, Party, Route, Trigger
from states.effects import AnyOutcome
from states.values import (
    Actor,
    Claim,
    Code,
    EvidenceItem,
    Head,
    Id,
    IdentityCheck,
    Instant,
    Key,
    RemedyTerms,
    ReviewComplaint,
    Scores,
    SellerContact,
    TextRef,
    Value,
    Violation,
    snake,
)

MAX_ITEMS = 50
"""Items of evidence in one message, at most."""
Items = Annotated[tuple[EvidenceItem, ...], Meta(max_length=MAX_ITEMS)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=50)]


class Act(Value, kw_only=True, tag_field="type", tag=snake):
    """What a person or a service does to a case."""

    request_id: Id
    """Chosen by the caller; the same act sent again carries the same id and gets the same answer."""
    actor: Actor | None = None
    """Who acts; without one the act is recorded as unattributed."""
    at: Instant | None = None
    """When the act was made; it counts if `source` is trusted by the policy."""
    source: Id | None = None
    """The service that relays the act."""
    reason: TextRef | None = None

    @classmethod
    def name(cls) -> str:
        """The wire name, such as accept_complaint."""
        return snake(cls.__name__)

    def fingerprint(self) -> str:
        """SHA-256 of the content: tells a repeated act from another one under the same request id.

        When it was made is no part of that: whoever sends an act again may stamp it again.
        """
        content = replace(self, at=None)
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


class FileComplaint(Act):
    """File a complaint, or join the open case on the same order (INT-1)."""

    complainant: Key
    respondent: Key
    orders: Annotated[tuple[Key, ...], Meta(min_length=1, max_length=20)]
    category: Category
    claim: Claim
    title: TextRef
    description: TextRef
    channel: Channel
    seller_contact: SellerContact = SellerContact.NOT_APPROACHED
    high_risk: bool = False
    evidence: Items = ()
    procedure: Code = "platform"
    """The name of the policy pack that the complaint is handled under."""
    agent_concerned: Id | None = None
    """The agent of the service whose handling is complained about (INT-7)."""
    review: ReviewComplaint | None = None
    """The review that a seller complains about (ADM-6)."""

    @property
    def case_id(self) -> str:
        """The business key: the complainant and the first order; apart from it, the handling of that matter (INT-7)."""
        matter = "" if self.agent_concerned is None else "/service"
        return f"{self.complainant}/{self.orders[0]}{matter}"


class RecordContact(Act):
    """Record a contact with a party; an outbound one to the complainant meets the first-contact clock (INT-2,
    INT-8, SLA-2).
    """

    party: Party
    channel: Channel
    outbound: bool = False
    text: TextRef | None = None
    automatic: bool = False
    """Sent by software: it is marked, and stops no clock (INT-8)."""
    answered_after_seconds: Annotated[int, Meta(ge=0)] | None = None
    """How long the caller waited for an answer."""
    identity: IdentityCheck | None = None
    """Whether it was made sure who the caller is."""


class CorrectCategory(Act):
    """Give the case another category; a complainant can take the one that was offered (INT-4, ADM-3)."""

    category: Category


class RequestCompletion(Act):
    """Ask the complainant for what is unclear in the complaint, with a deadline (ADM-4)."""

    wanted: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=20)]


class CompleteComplaint(Act):
    """Add what was unclear in the complaint (ADM-4)."""

    description: TextRef


class NarrowClaim(Act):
    """Narrow the claim to what policy allows (ADM-4). Needs a reason."""

    claim: Claim


class ReportSellerContact(Act):
    """Report what came of turning to the seller first (ADM-7)."""

    result: SellerContact


class AcceptComplaint(Act):
    """Accept the complaint for handling (受理); the actor becomes its owner."""


class RefuseComplaint(Act):
    """Refuse to admit the complaint, on one of the grounds of the procedure (ADM-5). Needs a reason."""

    ground: Ground


class RequestEvidence(Act):
    """Ask a party, the carrier or an appraiser for evidence, with a deadline (VER-1, VER-14)."""

    party: Party
    wanted: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=20)]
    addressee: Id | None = None
    """Which appraiser, or which carrier where the logistics records do not name it."""


class SubmitEvidence(Act):
    """Add items of evidence to the case file (INT-3, COO-5)."""

    items: Annotated[tuple[EvidenceItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]
    on_behalf_of: Party | None = None
    """From whom the items are, where the platform hands them in for a carrier or an appraiser (VER-14)."""


class SubmitStatement(Act):
    """Put a party's statement on the case file, with the plan it offers, if any (VER-3, COO-5)."""

    text: TextRef
    plan: RemedyTerms | None = None


class RecordFinding(Act):
    """Conclude verification: who is responsible, why, on which evidence; or that nothing is proven (VER-2, VER-4)."""

    proven: bool
    responsible: Party | None = None
    cause: Code | None = None
    evidence: Ids = ()
    conduct_at: Instant | None = None
    """When the conduct took place that is complained about: penalties follow the policy of that day (PEN-4)."""


class ProposeRemedy(Act):
    """Propose a solution to the other side, or as the agent to both (COO-1)."""

    terms: RemedyTerms


class ProposalAnswer(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    COUNTER = "counter"


class AnswerProposal(Act):
    """Accept or decline a proposal, or counter it with other terms (COO-1)."""

    proposal: Id
    answer: ProposalAnswer
    counter: RemedyTerms | None = None


class CallForRuling(Act):
    """End verification or mediation and have the platform rule (COO-4)."""


class IssueRuling(Act):
    """Rule on the complaint: outcome, rule, remedies and penalties (COO-3). Needs a reason."""

    outcome: Outcome
    rule: Id
    remedies: Annotated[tuple[RemedyTerms, ...], Meta(max_length=10)] = ()
    penalties: Annotated[tuple[Violation, ...], Meta(max_length=10)] = ()


class ExtendClock(Act):
    """Extend a clock within the policy's cap; the complainant is told (SLA-4). Needs a reason."""

    clock: ClockKind
    by: Annotated[int, Meta(ge=1, le=365)]
    """How many of the clock's own units."""


class EscalateCase(Act):
    """Hand the case up one level (ESC-8). Needs a reason."""


class ReportTrigger(Act):
    """Report that the customer leans towards complaining, or asks for management (ESC-4, ESC-6). Needs a reason."""

    trigger: Trigger


class SetRisk(Act):
    """Set or confirm that the case is of high risk, or lower it again (ESC-9). Needs a reason."""

    high: bool


class AssessCase(Act):
    """Conclude the first assessment: confirm or reject what the texts of the case propose (SLA-7, INT-4, ESC-9)."""

    confirmed: Ids = ()
    rejected: Ids = ()


class RecordExternalComplaint(Act):
    """Record that the matter was brought before a body outside: the consumer association, a regulator, a court, the
    media (ESC-3, ESC-5). Reopens a closed case, also one whose run has ended.
    """

    case_id: Id
    body: Code
    made_at: Instant
    reference: Id | None = None
    """The body's own reference."""
    due: Instant | None = None
    """By when the body wants an answer; as the policy says where it does not."""


class OfferSolution(Act):
    """Offer the known solution to who did not receive the goods and wants the money back, nothing else (ESC-10)."""

    text: TextRef


class AnswerOffer(Act):
    """Accept the known solution that was offered, or refuse it, which makes the case one of high risk (ESC-10)."""

    offer: Id
    accepted: bool


class HandOver(Act):
    """Hand the matter to another team, with the member's consent unless the policy waives it (HOF-1, HOF-2). Needs a
    reason.
    """

    route: Route
    consent: Channel | None = None
    """The channel through which the member has already agreed; without it the member is asked."""


class AnswerHandOff(Act):
    """Agree to a hand-off or decline it, as the member or, with the channel, for the member (HOF-2)."""

    hand_off: Id
    agreed: bool
    channel: Channel


class TakeHandOff(Act):
    """Take over work on what was handed to the team."""

    hand_off: Id


class ReturnHandOff(Act):
    """Return what was handed to the team, with its result, and what evidence there is for it (HOF-4)."""

    hand_off: Id
    result: Code
    note: TextRef | None = None
    items: Items = ()


class RefuseHandOff(Act):
    """Refuse, for the team, what was handed to it. Needs a reason."""

    hand_off: Id


class RecallHandOff(Act):
    """Take back what was handed to a team. Needs a reason."""

    hand_off: Id


class AssignCase(Act):
    """Give the case to an agent. Taking it from another one needs a reason, the note for the new owner (HOF-5)."""

    to: Id


class LinkIncident(Act):
    """Link the case to an incident that it is one of; sent by the engine."""

    incident: Id


class WithdrawComplaint(Act):
    """Withdraw the complaint (COO-5)."""


class ReportRemedy(Act):
    """Report a party's step of a remedy as done, or as not to be done (FUP-3)."""

    remedy: Id
    done: bool
    evidence: Items = ()


class AnswerSurvey(Act):
    """Answer the follow-up: is the problem solved, and how was it handled (FUP-1, FUP-2)."""

    solved: bool
    scores: Scores
    comment: TextRef | None = None


class RequestReview(Act):
    """Ask for a review of the first result, once and without new evidence (ESC-7)."""

    channel: Channel


class FileAppeal(Act):
    """Appeal against the result, with new evidence (APL-1, APL-2)."""

    channel: Channel
    items: Annotated[tuple[EvidenceItem, ...], Meta(min_length=1, max_length=MAX_ITEMS)]


class ExamineTranscript(Act):
    """Have a transcript on file read for the conduct of the staff in it (CON-2, CON-3, CON-4)."""

    evidence: Id


class RecordConduct(Act):
    """Record a finding about the conduct of a member of the service staff (CON-4, CON-5). Needs a reason."""

    row: Code
    staff: Id
    conduct_at: Instant
    evidence: Id | None = None
    """The item on file that shows it."""
    message: Id | None = None
    """The message of that transcript that is cited."""
    demand: Code | None = None
    """What the refund was demanded for, where the finding is about a refund that came late (CON-6)."""


class MigratePolicy(Act):
    """Handle an open case under another version of its policy from now on (PEN-4). Needs a reason."""

    version: Id


class ReopenCase(Act):
    """Open a closed case again, also one whose run has ended. Needs a reason."""

    case_id: Id


class CorrectAct(Act):
    """Undo an agent's mistaken act by a correction on the record. Needs a reason."""

    entry: Annotated[int, Meta(ge=1)]


class MergeCase(Act):
    """Close this case as a duplicate and hand its file to another. Needs a reason."""

    into: Id


class AbsorbCase(Act):
    """Take over the file of a duplicate; sent by the engine when a case is merged into this one."""

    duplicate: Id
    head: Head
    channel: Channel
    evidence: Items = ()


ACTS: tuple[type[Act], ...] = (
    FileComplaint,
    RecordContact,
    CorrectCategory,
    RequestCompletion,
    CompleteComplaint,
    NarrowClaim,
    ReportSellerContact,
    AcceptComplaint,
    RefuseComplaint,
    RequestEvidence,
    SubmitEvidence,
    SubmitStatement,
    RecordFinding,
    ProposeRemedy,
    AnswerProposal,
    CallForRuling,
    IssueRuling,
    ExtendClock,
    EscalateCase,
    ReportTrigger,
    SetRisk,
    AssessCase,
    RecordExternalComplaint,
    OfferSolution,
    AnswerOffer,
    HandOver,
    AnswerHandOff,
    TakeHandOff,
    ReturnHandOff,
    RefuseHandOff,
    RecallHandOff,
    AssignCase,
    LinkIncident,
    WithdrawComplaint,
    ReportRemedy,
    AnswerSurvey,
    RequestReview,
    FileAppeal,
    ExamineTranscript,
    RecordConduct,
    MigratePolicy,
    ReopenCase,
    CorrectAct,
    MergeCase,
    AbsorbCase,
)
"""Every act, in the order in which a case meets them."""

Reviving = ReopenCase | RecordExternalComplaint
"""The acts that reach a case also when its run has ended: they begin another one."""


# --- what the engine reports --------------------------------------------------------------


class DeadlineReached(Value, tag_field="type", tag=snake):
    """The timer for the earliest deadline fired."""


class Result(Value):
    """What became of one effect."""

    key: str
    outcome: AnyOutcome


class EffectsReported(Value, tag_field="type", tag=snake):
    """Effects were carried out, or failed for good."""

    results: tuple[Result, ...]


class CancelRequested(Value, tag_field="type", tag=snake):
    """Somebody asked the engine to cancel the workflow. It is recorded; the case goes on."""

    key: str = ""
    """Tells one happening from another, so that it is on record once even if its turn is repeated after a crash."""


class ForkFound(Value, tag_field="type", tag=snake):
    """The journal holds other entries than this run believed: the run was reset, or another run wrote (design,
    section 4).
    """

    believed: Head
    key: str = ""


Event = Act | DeadlineReached | EffectsReported | CancelRequested | ForkFound
