"""A case told in a test without any engine: what happens is handed to `decide`, and the world answers its effects."""

from datetime import UTC, datetime, timedelta
from typing import Any

from policies.book import PolicyBook, default_book
from policies.schema import Category, Channel, RemedyKind, Role
from states import effects, events
from states.case import Case, next_wake
from states.decide import decide
from states.journal import Entry
from states.values import (
    Actor,
    Answer,
    Claim,
    EvidenceItem,
    LogisticsFacts,
    OrderFacts,
    SellerContact,
    TextRef,
)

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday, 09:00 in Shanghai."""

BUYER = Actor(id="buyer-017", role=Role.COMPLAINANT)
SELLER = Actor(id="seller-204", role=Role.RESPONDENT)
AGENT = Actor(id="agent-03", role=Role.AGENT)
CHIEF = Actor(id="supervisor-01", role=Role.SUPERVISOR)
ENGINE = Actor(id="engine", role=Role.ENGINE)


def text(name: str) -> TextRef:
    """A reference to a text in the vault."""
    return TextRef(ref=f"text-{name}", sha256=(name.encode().hex() + "0" * 64)[:64], size=len(name) or 1)


def item(kind: str, name: str = "") -> EvidenceItem:
    return EvidenceItem(kind=kind, content=text(name or kind))


def order(**changes: Any) -> OrderFacts:
    known: dict[str, Any] = {
        "order": "order-1001",
        "platform": "taobao",
        "buyer": BUYER.id,
        "seller": SELLER.id,
        "paid_fen": 19_900,
        "purchased_at": START - timedelta(days=6),
        "received_at": START - timedelta(days=2),
    }
    return OrderFacts(**known | changes)


def complaint(**changes: Any) -> events.FileComplaint:
    given: dict[str, Any] = {
        "request_id": "r-open",
        "actor": BUYER,
        "complainant": BUYER.id,
        "respondent": SELLER.id,
        "orders": ("order-1001",),
        "category": Category.QUALITY,
        "claim": Claim(remedies=(RemedyKind.REFUND,), amount_fen=19_900),
        "title": text("title"),
        "description": text("description"),
        "channel": Channel.ORDER_PAGE,
        "seller_contact": SellerContact.REFUSED,
        "evidence": (item("photo"),),
    }
    return events.FileComplaint(**given | changes)


class Story:
    """One case from its first event on. Effects are answered as they are ordered, unless `hold` is set."""

    def __init__(self, book: PolicyBook | None = None, start: datetime = START, hold: bool = False) -> None:
        self.book = book or default_book()
        self.now = start
        self.case: Case | None = None
        self.entries: list[Entry] = []
        self.hold = hold
        self.order: OrderFacts | None = order()
        self.logistics: LogisticsFacts | None = None
        self.unreachable: set[str] = set()
        self.failing: set[str] = set()
        """Actions of the platform that finally fail."""
        self._acts = 0

    @property
    def open_case(self) -> Case:
        assert self.case is not None
        return self.case

    def happen(self, event: events.Event) -> Answer | None:
        """Decide an event now, and let the world answer what it ordered."""
        decision = decide(self.case, event, self.now, self.book)
        self.case = decision.case
        self.entries += decision.entries
        if not self.hold:
            self.answer_effects()
        return decision.answer

    def act(self, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> Answer:
        """Somebody acts; the answer, which must come at once."""
        self._acts += 1
        message: dict[str, Any] = {"request_id": f"r-{self._acts}", "reason": text("reason")} | given
        answer = self.happen(act(actor=actor, **message))
        assert answer is not None
        return answer

    def file(self, **changes: Any) -> Answer:
        answer = self.happen(complaint(**changes))
        assert answer is not None
        return answer

    def answer_effects(self) -> None:
        while self.case is not None and self.case.outbox:
            results = tuple(events.Result(key=effect.key, outcome=self.outcome(effect)) for effect in self.case.outbox)
            decision = decide(self.case, events.EffectsReported(results=results), self.now, self.book)
            self.case = decision.case
            self.entries += decision.entries

    def outcome(self, effect: effects.AnyEffect) -> effects.AnyOutcome:
        """What the world says to an effect."""
        match effect:
            case effects.LookUpOrder():
                return effects.OrderFound(facts=self.order) if self.order else effects.OrderUnknown()
            case effects.LookUpLogistics():
                if self.logistics is None:
                    return effects.Failed(code="unknown")
                return effects.LogisticsFound(facts=self.logistics)
            case effects.SendNotice(channel=channel) if channel in self.unreachable:
                return effects.Failed(code="undeliverable")
            case effects.CarryOut(action=action) if action in self.failing:
                return effects.Failed(code="rejected")
        return effects.Done(at=self.now, reference=f"ref:{effect.key}")

    def wait(self, **duration: float) -> None:
        """Let time pass; deadlines and warnings are decided when they come."""
        until = self.now + timedelta(**duration)
        while self.case is not None and (wake := next_wake(self.case)) is not None and wake <= until:
            self.now = max(self.now, wake)
            self.happen(events.DeadlineReached())
        self.now = until

    def wait_for_deadline(self) -> None:
        """Let time pass until the next deadline or warning was decided."""
        wake = next_wake(self.open_case)
        assert wake is not None
        self.now = max(self.now, wake)
        self.happen(events.DeadlineReached())
