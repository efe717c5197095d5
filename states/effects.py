"""Everything that a case can ask the world to do, and what the world answers.

Effects wait in the case's outbox until their outcome is reported, so they survive every crash and are issued again
with the
same key: `case : entry : number within the entry`. The key is the idempotency key at whatever carries them out.
"""

from policies.schema import Action, Channel, Party, PenaltyKind
from states.values import (
    Code,
    EvidenceItem,
    Fen,
    Head,
    Id,
    Instant,
    LogisticsFacts,
    OrderFacts,
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


class ReleaseReturnAddress(Effect):
    """Give the complainant the seller's return address (COO-4)."""

    order: Id
    recipient: Id


class ApplyPenalty(Effect):
    """Enter a penalty in the ledger (PEN-1)."""

    penalty: str
    row: Code
    kind: PenaltyKind
    seller: Id
    rule: str
    policy: str
    points: int | None = None


class DeliverMerge(Effect):
    """Hand this case's file to the case that it duplicates."""

    duplicate: Id
    into: Id
    head: Head
    channel: Channel
    evidence: tuple[EvidenceItem, ...] = ()


AnyEffect = LookUpOrder | LookUpLogistics | SendNotice | CarryOut | ReleaseReturnAddress | ApplyPenalty | DeliverMerge


class EffectOutcome(Value, tag_field="type", tag=snake):
    """Base of every outcome."""


class OrderFound(EffectOutcome):
    facts: OrderFacts


class OrderUnknown(EffectOutcome):
    """The platform knows no such order."""


class LogisticsFound(EffectOutcome):
    facts: LogisticsFacts


class Done(EffectOutcome):
    """Carried out or delivered; the other side's reference."""

    at: Instant
    reference: str = ""


class Failed(EffectOutcome):
    """Finally failed: trying again would not help."""

    code: Code


AnyOutcome = OrderFound | OrderUnknown | LogisticsFound | Done | Failed
