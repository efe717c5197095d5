"""A case told in a test without any engine: what happens is handed to `decide`, and the world answers its effects."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Category, Channel, ClockKind, Counted, Party, RemedyKind, Role, Stage
from states import effects, events, facts
from states.case import Case, next_wake
from states.decide import decide
from states.journal import Entry
from states.transcript import ConductFinding
from states.values import (
    Actor,
    Answer,
    Claim,
    ClaimantHistory,
    Clock,
    EvidenceItem,
    LogisticsFacts,
    OrderFacts,
    Refusal,
    RemedyTerms,
    Scores,
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

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
RETURN = RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND)
EXCHANGE = RemedyTerms(kind=RemedyKind.EXCHANGE)
GOOD = Scores(speed=5, attitude=5, accuracy=5, problem_solving=5, product_knowledge=4, result=5)

F = TypeVar("F", bound=facts.Fact)


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


def claim(category: Category) -> Claim:
    """The claim for a refund or, where the category offers none, for the first of its remedies."""
    rule = default_book().in_force("platform", START).pack.categories.get(category)
    offered = [option.kind for option in rule.remedies] if rule else []
    if offered and RemedyKind.REFUND not in offered:
        return Claim(remedies=(offered[0],))
    return Claim(remedies=(RemedyKind.REFUND,), amount_fen=19_900)


def complaint(**changes: Any) -> events.FileComplaint:
    given: dict[str, Any] = {
        "request_id": "r-open",
        "actor": BUYER,
        "complainant": BUYER.id,
        "respondent": SELLER.id,
        "orders": ("order-1001",),
        "category": Category.QUALITY,
        "claim": claim(changes.get("category", Category.QUALITY)),
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
        self.other_orders: dict[str, OrderFacts] = {}
        self.logistics: LogisticsFacts | None = None
        self.history = ClaimantHistory(complaints=0)
        self.conduct: tuple[ConductFinding, ...] = ()
        """What the transcripts of the case show."""
        self.shown: tuple[effects.Found, ...] = ()
        """What the texts of the case show at first reading."""
        self.incident: str | None = None
        """The incident that the complaint is one of."""
        self.counts: dict[Counted, int] = {}
        """What the ledger counted against the seller so far."""
        self.unreachable: set[str] = set()
        self.failing: set[str] = set()
        """Actions of the platform that finally fail."""
        self._acts = 0

    @property
    def open_case(self) -> Case:
        assert self.case is not None
        return self.case

    def at(self, stage: Stage) -> bool:
        """Whether the case stands in that stage now."""
        return self.open_case.stage is stage

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
            case effects.LookUpOrder(order=asked):
                known = self.other_orders.get(asked, self.order)
                return effects.OrderFound(facts=known) if known and known.order == asked else effects.OrderUnknown()
            case effects.LookUpLogistics():
                if self.logistics is None:
                    return effects.Failed(code="unknown")
                return effects.LogisticsFound(facts=self.logistics)
            case effects.LookUpClaimant():
                return effects.ClaimantFound(facts=self.history)
            case effects.ReadTranscript():
                return effects.TranscriptRead(findings=self.conduct)
            case effects.TriageText():
                return effects.TextRead(found=self.shown)
            case effects.CountMatter():
                return effects.MatterCounted(count=1, incident=self.incident)
            case effects.CountOccurrence(counts=counts):
                self.counts[counts] = self.counts.get(counts, 0) + 1
                return effects.OccurrenceCounted(at=self.now, count=self.counts[counts])
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

    # --- telling a story shorter ----------------------------------------------------------------

    def accepted(self, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> Entry:
        """An act that must be accepted; its entry."""
        answer = self.act(act, actor, **given)
        assert answer.accepted, answer.refusal
        assert answer.case_id == self.open_case.case_id
        return self.entry(answer.entry)

    def refused(self, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> Refusal:
        """An act that must be refused, leaving one entry that establishes nothing; why it was."""
        before = self.open_case
        answer = self.act(act, actor, **given)
        assert not answer.accepted
        assert answer.refusal is not None
        entry = self.entry(answer.entry)
        assert entry.refusal == answer.refusal
        assert not entry.facts
        assert entry.number == before.head.number + 1
        after = replace(self.open_case, head=before.head, answers=before.answers)
        assert after == before
        return answer.refusal

    def entry(self, number: int) -> Entry:
        return self.entries[number - 1]

    def all(self, kind: type[F]) -> list[F]:
        """Every fact of a kind, in order."""
        return [fact for entry in self.entries for fact in entry.facts if isinstance(fact, kind)]

    def sent(self, template: str) -> list[effects.SendNotice]:
        """Every sending of a notice, channel by channel."""
        ordered = (fact.effect for fact in self.all(facts.EffectOrdered))
        return [e for e in ordered if isinstance(e, effects.SendNotice) and e.template == template]

    def clock(self, kind: ClockKind, subject: str = "") -> Clock:
        clock = self.open_case.clock(kind, subject)
        assert clock is not None
        return clock

    def to_acceptance(self, **changes: Any) -> "Story":
        self.file(**changes)
        assert self.open_case.stage is Stage.ACCEPTANCE
        return self

    def to_verification(self, **changes: Any) -> "Story":
        """The complaint is accepted and the complainant was called."""
        self.to_acceptance(**changes)
        self.accepted(events.AcceptComplaint)
        self.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
        return self

    def to_coordination(self, cause: str = "defective_goods", **changes: Any) -> "Story":
        """The seller stated its view, and the complaint was found proven on everything that is on the file."""
        self.to_verification(**changes)
        self.accepted(events.SubmitStatement, SELLER, text=text("statement"))
        evidence = tuple(item.id for item in self.open_case.evidence)
        self.accepted(events.RecordFinding, proven=True, responsible=Party.RESPONDENT, cause=cause, evidence=evidence)
        return self

    def to_ruling(self, **changes: Any) -> "Story":
        self.to_coordination(**changes)
        self.accepted(events.CallForRuling)
        return self

    def to_feedback(self, terms: RemedyTerms, **changes: Any) -> "Story":
        """Both sides agreed to a remedy."""
        self.to_coordination(**changes)
        self.accepted(events.ProposeRemedy, BUYER, terms=terms)
        self.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
        return self

    def to_follow_up(self) -> "Story":
        """A refund was agreed, paid and told."""
        self.to_feedback(REFUND)
        assert self.open_case.stage is Stage.FOLLOW_UP
        return self

    def to_closed(self) -> "Story":
        self.to_follow_up()
        self.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
        assert self.open_case.stage is Stage.CLOSED
        return self

    def wait_for_deadline(self) -> None:
        """Let time pass until the next deadline or warning was decided."""
        wake = next_wake(self.open_case)
        assert wake is not None
        self.now = max(self.now, wake)
        self.happen(events.DeadlineReached())
