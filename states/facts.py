"""What a decision establishes.

A decision about a case is a list of facts. They are what the journal keeps, and `states.case.evolve` turns them into
the next case, so the journal alone rebuilds every case. Each fact cites the rules it rests on (TRA-1).
"""

from msgspec import field

from policies.schema import Category, Channel, Outcome, PackRef, Priority, Stage
from states.effects import AnyEffect, AnyOutcome
from states.values import (
    Appeal,
    Claim,
    ClaimantHistory,
    Clock,
    Conduct,
    Contact,
    CorrectableAct,
    Escalation,
    Evidence,
    ExternalComplaint,
    Factor,
    Finding,
    HandOff,
    Head,
    Hearing,
    Id,
    Instant,
    LogisticsFacts,
    Notice,
    Occurrence,
    Offer,
    OrderFacts,
    Penalty,
    Proposal,
    Remedy,
    Request,
    ReviewComplaint,
    RiskState,
    Ruling,
    SellerContact,
    StaffConduct,
    Statement,
    Survey,
    TextRef,
    TriageProposal,
    Value,
    snake,
)


class Fact(Value, kw_only=True, tag_field="type", tag=snake):
    """Base of every fact."""

    rules: tuple[str, ...] = ()


class CaseFiled(Fact):
    """The complaint as received, and the policy it is handled under for life (INT-1)."""

    complainant: Id
    respondent: Id
    orders: tuple[Id, ...]
    category: Category
    claim: Claim
    title: TextRef
    description: TextRef
    channel: Channel
    received_at: Instant
    seller_contact: SellerContact
    high_risk: bool
    external: bool
    policy: PackRef
    penalty_policy: PackRef | None
    """The pack in force when the conduct took place, None if there was none then (PEN-4)."""
    revision: int
    agent_concerned: Id | None = None
    review: ReviewComplaint | None = None


class Refiled(Fact):
    """The complaint was brought anew after it had ended undecided, or another matter of the same order was."""

    respondent: Id
    orders: tuple[Id, ...]
    category: Category
    claim: Claim
    title: TextRef
    description: TextRef
    channel: Channel
    received_at: Instant
    seller_contact: SellerContact
    high_risk: bool
    external: bool
    handled: tuple[Category, ...]
    """The categories that were decided about before."""
    agent_concerned: Id | None = None
    review: ReviewComplaint | None = None


class CategoryCorrected(Fact):
    """The case has another category (INT-4)."""

    before: Category
    category: Category


class DescriptionCompleted(Fact):
    """The complainant added what was unclear (ADM-4)."""

    description: TextRef


class ClaimNarrowed(Fact):
    """The claim is no more than what policy allows (ADM-4)."""

    claim: Claim


class RespondentNamed(Fact):
    """The order names another party to the trade than the complaint did (ADM-1)."""

    respondent: Id


class DisputeOpened(Fact):
    """The complaint became a dispute: the parties did not settle it, and the platform has to intervene (COO-6)."""

    at: Instant


class PenaltyPolicySet(Fact):
    """Penalties follow another version of the policy, by when the conduct took place (PEN-4)."""

    policy: PackRef | None
    conduct_at: Instant


class PolicyMigrated(Fact):
    """The case is handled under another version of its policy from now on (PEN-4)."""

    before: PackRef
    policy: PackRef


class ClaimantKnown(Fact):
    """How many complaints the complainant filed before, for the agent to see (VER-11)."""

    history: ClaimantHistory | None


class StageEntered(Fact):
    """The case moved; `by` is the event of the lifecycle machine that moved it."""

    stage: Stage
    by: str


class OwnerNamed(Fact):
    owner: Id


class ClockSet(Fact):
    """A clock was armed or moved; `by` is the event of the clock machine."""

    by: str
    clock: Clock


class ContactRecorded(Fact):
    contact: Contact


class SellerContactReported(Fact):
    result: SellerContact


class OrderKnown(Fact):
    """What the platform says about an order of the case; absent if it knows none, or not as the complainant's."""

    id: Id
    order: OrderFacts | None


class StandingProven(Fact):
    """The purchase is proven by this evidence (ADM-1)."""

    evidence: tuple[str, ...]


class LogisticsKnown(Fact):
    logistics: LogisticsFacts | None


class EvidenceAdded(Fact):
    evidence: Evidence


class RequestSet(Fact):
    """Something was asked of a party, answered, or left to lapse."""

    by: str
    request: Request


class StatementMade(Fact):
    statement: Statement


class FindingMade(Fact):
    finding: Finding


class FindingRevoked(Fact):
    """The finding no longer stands: verification is open again."""


class ProposalSet(Fact):
    """A proposal was made, answered, or left to lapse."""

    by: str
    proposal: Proposal


class Agreed(Fact):
    """Both sides agreed to the proposal."""

    proposal: str


class Ruled(Fact):
    ruling: Ruling


class OutcomeSet(Fact):
    """How the case ends; `ground` says why where it was refused."""

    outcome: Outcome | None
    ground: str = ""
    detail: dict[str, str] = field(default_factory=dict)


class RemedySet(Fact):
    """A remedy was ordered, a step was done, or it was completed or failed."""

    by: str
    remedy: Remedy


class PenaltySet(Fact):
    by: str
    penalty: Penalty


class OccurrenceSet(Fact):
    """Something that counts against a seller was put on record, counted, or reversed (PEN-3)."""

    by: str
    occurrence: Occurrence


class ConductRecorded(Fact):
    conduct: Conduct


class StaffConductFound(Fact):
    """A finding about the conduct of service staff (area CON)."""

    conduct: StaffConduct


class TranscriptExamined(Fact):
    """A transcript on file was read for conduct; `code` says why it could not be."""

    evidence: str
    findings: int = 0
    omitted: int = 0
    """How many more there are, which the case does not keep."""
    code: str = ""


class ResultTold(Fact):
    """Everyone knows the result: windows for review and appeal run from here (FBK-1)."""

    at: Instant


class AppealSet(Fact):
    """A review or an appeal was asked for, heard, or refused (ESC-7, APL-1)."""

    by: str
    appeal: Appeal


class HearingOpened(Fact):
    """The case is heard again."""

    hearing: Hearing


class LevelRaised(Fact):
    escalation: Escalation


class PrioritySet(Fact):
    """How urgent the case is from now on, and why (INT-5)."""

    priority: Priority
    factors: tuple[Factor, ...]


class RiskSet(Fact):
    """Whether the case is of high risk: proposed by a text, confirmed, set or lowered by an agent (ESC-9)."""

    state: RiskState
    high: bool


class TriageProposed(Fact):
    """A text shows something at first reading; or an agent confirmed that, or did not (INT-4, ESC-4)."""

    proposal: TriageProposal


class TextTriaged(Fact):
    """A text was read at first; `code` says why it could not be."""

    found: int = 0
    code: str = ""


class ExternalComplaintRecorded(Fact):
    """The matter was brought before a body outside (ESC-5)."""

    complaint: ExternalComplaint


class OfferSet(Fact):
    """A known solution was offered, accepted, refused, or is out of place by now (ESC-10)."""

    by: str
    offer: Offer


class HandOffSet(Fact):
    """A matter was handed to a team, or moved there; `by` is the event of the hand-off's machine (HOF-1)."""

    by: str
    hand_off: HandOff


class Reassigned(Fact):
    """The case went from one owner to another, with a note (HOF-5)."""

    before: Id | None
    owner: Id
    note: TextRef | None


class IncidentLinked(Fact):
    """The case is one of many about the same seller or product."""

    incident: Id


class NoticeSet(Fact):
    """A notice is on its way, was delivered, or was handed to an agent (FBK-1)."""

    by: str
    notice: Notice


class EffectOrdered(Fact):
    effect: AnyEffect


class EffectSettled(Fact):
    key: str
    outcome: AnyOutcome


class SurveyAnswered(Fact):
    survey: Survey


class CorrectionOpened(Fact):
    """An agent's act that can still be corrected; None once it no longer can."""

    act: CorrectableAct | None


class ActCorrected(Fact):
    """An agent's act was undone."""

    entry: int
    act: str


class Reopened(Fact):
    """A closed case is open again."""


class MergeStarted(Fact):
    into: Id


class MergeEnded(Fact):
    """The other case took the file over, or did not."""

    into: Id
    merged: bool


class Absorbed(Fact):
    """This case took over the file of a duplicate, whose journal ended at `head`."""

    duplicate: Id
    head: Head


class OutageNoticed(Fact):
    """A deadline came to be handled late; acts that were held up with it are waited for until `settle_until`."""

    due: Instant
    settle_until: Instant


class CancelAsked(Fact):
    """The engine was asked to cancel the run; the case goes on."""

    key: str = ""


class Forked(Fact):
    """A run of this case believed in another head than the journal's; it continues from the journal."""

    believed: Head
    key: str = ""


AnyFact = (
    CaseFiled
    | Refiled
    | CategoryCorrected
    | DescriptionCompleted
    | ClaimNarrowed
    | RespondentNamed
    | DisputeOpened
    | PenaltyPolicySet
    | PolicyMigrated
    | ClaimantKnown
    | StageEntered
    | OwnerNamed
    | ClockSet
    | ContactRecorded
    | SellerContactReported
    | OrderKnown
    | StandingProven
    | LogisticsKnown
    | EvidenceAdded
    | RequestSet
    | StatementMade
    | FindingMade
    | FindingRevoked
    | ProposalSet
    | Agreed
    | Ruled
    | OutcomeSet
    | RemedySet
    | PenaltySet
    | OccurrenceSet
    | ConductRecorded
    | StaffConductFound
    | TranscriptExamined
    | ResultTold
    | AppealSet
    | HearingOpened
    | LevelRaised
    | PrioritySet
    | RiskSet
    | TriageProposed
    | TextTriaged
    | ExternalComplaintRecorded
    | OfferSet
    | HandOffSet
    | Reassigned
    | IncidentLinked
    | NoticeSet
    | EffectOrdered
    | EffectSettled
    | SurveyAnswered
    | CorrectionOpened
    | ActCorrected
    | Reopened
    | MergeStarted
    | MergeEnded
    | Absorbed
    | OutageNoticed
    | CancelAsked
    | Forked
)
