"""Everything that a case can ask the world to do, and what the world answers.

Effects wait in the case's outbox until their outcome is reported, so they survive every crash and are issued again
with the
same key: `case : entry : number within the entry`. The key is the idempotency key at whatever carries them out.
"""

from policies.schema import Action, Category, Channel, Counted, Matter, PackRef, Party, PenaltyKind, PointClass
from policies.triage import TriageLabel
from states.transcript import ConductFinding
from states.values import (
    ClaimantHistory,
    Code,
    EvidenceItem,
    Excerpt,
    Fen,
    Head,
    Id,
    Instant,
    LogisticsFacts,
    OrderFacts,
    TextRef,
    Value,
    snake,
)


class Effect(Value, kw_only=True, tag_field="type", tag=snake):
    """Base of every effect."""

    key: str


class LookUpOrder(Effect):
    """Ask the platform about an order (ADM-1)."""

    order: Id


class LookUpLogistics(Effect):
    """Ask the carrier about an order (VER-7)."""

    order: Id


class LookUpClaimant(Effect):
    """Ask how many complaints somebody filed before this case (VER-11)."""

    claimant: Id


class ReadTranscript(Effect):
    """Read a transcript on file for the conduct of the staff in it (CON-2), by the conduct table of a pack."""

    evidence: str
    content: TextRef
    policy: PackRef


class TriageText(Effect):
    """Read what somebody wrote for what it is about and how grave it is (INT-4, ESC-9), by the lexicon of a pack."""

    texts: tuple[TextRef, ...]
    policy: PackRef


class CountMatter(Effect):
    """Count complaints that have a seller or a product in common, within a window; from a number on they are one
    incident.
    """

    matter: Matter
    subject: Id
    """The seller or the product."""
    category: Category
    within_days: int
    complaints: int
    """From how many on."""


class SendNotice(Effect):
    """Tell a party something through one channel (FBK-1); `facts` fill the template."""

    notice: str
    template: str
    party: Party
    recipient: Id
    channel: Channel
    facts: dict[str, str]


class CarryOut(Effect):
    """Carry out the platform's step of a remedy, exactly once (COO-2)."""

    remedy: str
    action: Action
    order: Id
    beneficiary: Id
    amount_fen: Fen | None = None
    review: Id | None = None
    """The review that is removed (ADM-6)."""


class ReleaseReturnAddress(Effect):
    """Give the complainant the seller's return address (COO-4)."""

    order: Id
    recipient: Id


class ApplyPenalty(Effect):
    """Enter a penalty in the ledger (PEN-1)."""

    penalty: str
    row: Code
    kind: PenaltyKind
    subject: Id
    """The shop or the account that the measure is against (PEN-9)."""
    rule: str
    policy: str
    points: int | None = None
    point_class: PointClass | None = None


class CountOccurrence(Effect):
    """Enter something in the ledger that counts against a seller, and count it within a window (PEN-3).

    Occurrences of one seller are counted one after the other, so no two of them get the same count.
    """

    occurrence: str
    counts: Counted
    seller: Id
    within_days: int


class Reverse(Effect):
    """Reverse what an earlier effect of this case entered in the ledger (PEN-1)."""

    subject: str
    """The id of the remedy, penalty or occurrence."""
    reverses: str
    """The key of the effect that is reversed."""


class DeliverMerge(Effect):
    """Hand this case's file to the case that it duplicates."""

    duplicate: Id
    into: Id
    head: Head
    channel: Channel
    evidence: tuple[EvidenceItem, ...] = ()


AnyEffect = (
    LookUpOrder
    | LookUpLogistics
    | LookUpClaimant
    | ReadTranscript
    | TriageText
    | CountMatter
    | SendNotice
    | CarryOut
    | ReleaseReturnAddress
    | ApplyPenalty
    | CountOccurrence
    | Reverse
    | DeliverMerge
)


class EffectOutcome(Value, tag_field="type", tag=snake):
    """Base of every outcome."""


class OrderFound(EffectOutcome):
    facts: OrderFacts


class OrderUnknown(EffectOutcome):
    """The platform knows no such order."""


class LogisticsFound(EffectOutcome):
    facts: LogisticsFacts


class ClaimantFound(EffectOutcome):
    facts: ClaimantHistory


MAX_FINDINGS = 200


class TranscriptRead(EffectOutcome):
    """What the transcript shows about the conduct of the staff in it; nothing of its text."""

    findings: tuple[ConductFinding, ...]
    omitted: int = 0
    """How many more there are: a case keeps `MAX_FINDINGS` of one transcript, for its run has to carry them."""


class Found(Value, kw_only=True):
    """One thing that a text shows: a label, or another category, and where."""

    label: TriageLabel | None = None
    category: Category | None = None
    excerpts: tuple[Excerpt, ...]


class TextRead(EffectOutcome):
    """What a text shows at first reading; nothing of the text itself."""

    found: tuple[Found, ...] = ()


class MatterCounted(EffectOutcome):
    """How many complaints have it in common, and the incident that they belong to, if there is one."""

    count: int
    incident: Id | None = None


class OccurrenceCounted(EffectOutcome):
    """How many occurrences of the kind stand against the seller within the window, this one included."""

    at: Instant
    count: int


class Done(EffectOutcome):
    """Carried out or delivered; the other side's reference."""

    at: Instant
    reference: str = ""


class Failed(EffectOutcome):
    """Finally failed: trying again would not help."""

    code: Code


AnyOutcome = (
    OrderFound
    | OrderUnknown
    | LogisticsFound
    | ClaimantFound
    | TranscriptRead
    | TextRead
    | MatterCounted
    | OccurrenceCounted
    | Done
    | Failed
)
