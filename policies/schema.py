"""What a policy pack may say.

A pack is data: every figure, threshold, window, table, route and template of the procedure. It is checked against these
types when it is loaded (unknown fields are refused) and then for sense (`policies.book`). Money is whole fen, time is
whole hours or days; there are no floats.

The vocabulary that packs share with the core (stages, parties, clocks, levels and so on) lives here, because the
packs are the ground on which the core stands.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from policies.calendar import Calendar


class Stage(StrEnum):
    """Where a case is in its life (受理 to 回访)."""

    INTAKE = "intake"
    ACCEPTANCE = "acceptance"
    VERIFICATION = "verification"
    COORDINATION = "coordination"
    RULING = "ruling"
    FEEDBACK = "feedback"
    FOLLOW_UP = "follow_up"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Level(StrEnum):
    """Escalation levels, lowest first (纵向升级)."""

    FRONT_LINE = "front_line"
    SPECIALIST = "specialist"
    SUPERVISOR = "supervisor"
    MANAGEMENT = "management"


class Role(StrEnum):
    """In which role somebody acts on a case."""

    COMPLAINANT = "complainant"
    RESPONDENT = "respondent"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    SERVICE = "service"
    ENGINE = "engine"
    UNATTRIBUTED = "unattributed"


class Party(StrEnum):
    """Who can be asked, told, bound or found responsible."""

    COMPLAINANT = "complainant"
    RESPONDENT = "respondent"
    CARRIER = "carrier"
    PLATFORM = "platform"


class Category(StrEnum):
    """What a complaint is about (INT-4). A pack handles the categories that it has rules for."""

    QUALITY = "quality"
    FALSE_ADVERTISING = "false_advertising"
    LATE_SHIPMENT = "late_shipment"
    FALSE_SHIPMENT = "false_shipment"
    NOT_RECEIVED = "not_received"
    LOGISTICS = "logistics"
    AFTER_SALES = "after_sales"
    COUNTERFEIT = "counterfeit"
    SERVICE_ATTITUDE = "service_attitude"
    BROKEN_PROMISE = "broken_promise"
    PRICE_PROMOTION = "price_promotion"
    INVOICE = "invoice"
    OFF_PLATFORM_PAYMENT = "off_platform_payment"
    DATA_LEAK = "data_leak"
    ORDER = "order"
    PAYMENT = "payment"
    RETURN_EXCHANGE = "return_exchange"
    PROFESSIONAL_CLAIMANT = "professional_claimant"
    MALICIOUS_REVIEW = "malicious_review"


class Channel(StrEnum):
    """How a contact reaches the platform, or a notice its recipient (INT-2)."""

    ONLINE_CHAT = "online_chat"
    FEEDBACK_CENTRE = "feedback_centre"
    ORDER_PAGE = "order_page"
    HOTLINE = "hotline"
    E_MAIL = "e_mail"
    SMS = "sms"
    APP_MESSAGE = "app_message"
    CONSUMER_ASSOCIATION = "consumer_association"
    REGULATOR = "regulator"


class ClockKind(StrEnum):
    """The service-level clocks."""

    ACCEPTANCE = "acceptance"
    FIRST_CONTACT = "first_contact"
    RESULT = "result"
    PROOF_OF_PURCHASE = "proof_of_purchase"
    SELLER_FIRST = "seller_first"
    EVIDENCE = "evidence"
    STATEMENT = "statement"
    PROPOSAL = "proposal"
    MEDIATION = "mediation"
    RULING = "ruling"
    FEEDBACK = "feedback"
    REMEDY = "remedy"
    PAYOUT = "payout"
    SURVEY = "survey"
    CLOSING_WINDOW = "closing_window"


class Unit(StrEnum):
    """What a clock's length counts. Days end at the clock's `closing` time in the platform's zone."""

    HOURS = "hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


class OnMiss(StrEnum):
    """What a clock's end means: the platform broke its own promise, or a party let its window lapse."""

    ESCALATES = "escalates"
    LAPSES = "lapses"


class RemedyKind(StrEnum):
    """What puts a complaint right (COO-1)."""

    REFUND = "refund"
    RETURN_AND_REFUND = "return_and_refund"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    RESHIPMENT = "reshipment"
    COMPENSATION = "compensation"
    COUPON = "coupon"
    APOLOGY = "apology"
    TRAINING = "training"


class PenaltyKind(StrEnum):
    """Measures against a shop (PEN-1)."""

    LISTING_REMOVED = "listing_removed"
    POINTS = "points"
    RANKED_DOWN = "ranked_down"


class Trigger(StrEnum):
    """Why a case rises (area ESC of the catalogue)."""

    MISSED_CLOCK = "missed_clock"
    BY_HAND = "by_hand"
    NOT_SOLVED = "not_solved"


class Ground(StrEnum):
    """Why a complaint is not admitted (ADM-1, ADM-2, ADM-5)."""

    NO_PROOF_OF_PURCHASE = "no_proof_of_purchase"
    TOO_LATE = "too_late"
    FALSE_OR_MISLEADING = "false_or_misleading"
    OUTSIDE_JURISDICTION = "outside_jurisdiction"
    ALREADY_HANDLED = "already_handled"


class FrozenMeta(msgspec.StructMeta):
    """Makes a struct frozen and strict about its fields, without saying so on every class."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        return super().__new__(mcs, name, bases, namespace, **{"frozen": True, "forbid_unknown_fields": True} | config)


class Frozen(msgspec.Struct, metaclass=FrozenMeta):
    """Base of every value in Tousu that crosses a boundary."""


class Rules(Frozen):
    """Base of every part of a pack."""


Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Texts = dict[str, str]
"""A text in each language, by language tag: zh-CN and en."""


class Extension(Rules):
    """How far an agent may extend a clock (SLA-4): how often, and by how many of its units altogether."""

    times: Positive
    total: Positive


class ClockRule(Rules):
    """One service-level clock.

    `runs_in` names the stages through which the clock runs by itself: it is armed when the case enters the first of
    them and
    is met when the case leaves the last. A clock without stages is armed for a thing (a request, a proposal, a step).
    """

    title: Texts
    rule: str
    """The rule of the catalogue that the clock stands for."""
    length: Positive
    unit: Unit
    on_miss: OnMiss
    closing: time | None = None
    """For days: the time of day, in the platform's zone, at which the last day ends; midnight at its end if absent."""
    warn_hours_before: Count = 0
    runs_in: tuple[Stage, ...] = ()
    met_by_leaving: bool = True
    """Whether leaving those stages meets the clock; if not, it takes an act of its own, and leaving only cancels it."""
    pauses_for: tuple[Party, ...] = ()
    """Stands still while something that this party was asked for is outstanding, and while the seller has its turn
    first.
    """
    extension: Extension | None = None


class RemedyOption(Rules):
    """A remedy that a category offers, and for how long after receipt of the goods (PEN-8)."""

    kind: RemedyKind
    within_days_of_receipt: Positive | None = None


class CategoryRule(Rules):
    """How one category is verified and put right."""

    label: Texts
    rule: str
    """The rule of the catalogue that checklist and remedies come from."""
    burden: Party
    """Who has to prove: what follows when that side stays silent (VER-1)."""
    checklist: dict[Party, tuple[tuple[str, ...], ...]]
    """For each party, groups of evidence kinds; one item of each group satisfies it (VER-2)."""
    remedies: tuple[RemedyOption, ...]
    causes: tuple[str, ...]
    responsible: tuple[Party, ...]
    duties: tuple[RemedyKind, ...] = ()
    """What an upheld ruling must include besides what it grants, such as an apology (VER-5, VER-13)."""
    logistics_lookup: bool = False


class Action(StrEnum):
    """One step of a remedy."""

    REFUND = "refund"
    PAY_COMPENSATION = "pay_compensation"
    ISSUE_COUPON = "issue_coupon"
    RETURN_GOODS = "return_goods"
    SEND_REPLACEMENT = "send_replacement"
    REPAIR_AND_RETURN = "repair_and_return"
    RESHIP = "reship"
    APOLOGISE = "apologise"
    TRAIN = "train"


class StepRule(Rules):
    """Who does which step of a remedy. The platform's steps are effects; a party's step has a clock (FUP-3)."""

    by: Party
    action: Action


class RemedyRule(Rules):
    """What a remedy consists of. `money` remedies carry an amount, capped in percent of what the order cost."""

    label: Texts
    steps: tuple[StepRule, ...]
    money: bool = False
    cap_percent_of_order: Positive | None = None


class PenaltyRule(Rules):
    """A row of the penalty table; `points` where the measure is a deduction."""

    label: Texts
    kind: PenaltyKind
    rule: str
    """The rule of the catalogue that the row applies."""
    points: Positive | None = None


class EscalationRule(Rules):
    """A row of the escalation table. Without a `level` the case rises by one."""

    trigger: Trigger
    level: Level | None = None


class Admission(Rules):
    """Standing, time limit, jurisdiction and seller-first (ADM-1, ADM-2, ADM-5, ADM-7)."""

    limit_days: Positive
    proof_kinds: tuple[str, ...]
    platforms: tuple[str, ...]
    external_channels: tuple[Channel, ...]


class Verification(Rules):
    max_rounds: Positive
    """Evidence requests to one party, at most (VER-1)."""


class Silence(StrEnum):
    """What it means when a proposal is not answered in time (COO-1)."""

    DECLINES = "declines"
    ACCEPTS = "accepts"


class Mediation(Rules):
    max_rounds: Positive
    """Proposals, counter-proposals included, before the platform rules (COO-1)."""
    silence: Silence


class FollowUp(Rules):
    max_returns: Count
    """How often an answer of "not solved" brings a case back (FUP-2)."""


class Withdrawal(Rules):
    high_risk_stays_open: bool
    """Whether safety keeps a high-risk case open against a withdrawal (COO-5)."""


class Delivery(Rules):
    """When an act counts as made, and what an outage does to that (design, section 4)."""

    trusted_sources: tuple[str, ...]
    tolerance_minutes: Count
    """A trusted source's `at` counts if it lies at most this far back."""
    outage_after_seconds: Positive
    """A deadline handled later than this was held up by an outage."""
    settle_seconds: Positive
    """After an outage, how long acts that were held up with it are waited for before deadlines are applied."""


class NoticeRule(Rules):
    """A notice's channels in order (FBK-1) and its text in each language."""

    channels: tuple[Channel, ...]
    text: Texts
    must_reach: bool = False
    """The case waits until the party knows: delivered, or told by an agent."""


class Pack(Rules, kw_only=True):
    """One policy pack: a procedure with its figures, in force from one date (inclusive) to another (exclusive)."""

    schema: Annotated[int, msgspec.Meta(ge=1, le=1)]
    name: str
    version: str
    title: Texts
    effective_from: date
    effective_until: date | None = None
    illustrative: bool = False
    calendar: str
    admission: Admission
    verification: Verification
    mediation: Mediation
    follow_up: FollowUp
    withdrawal: Withdrawal
    delivery: Delivery
    clocks: dict[ClockKind, ClockRule]
    evidence_kinds: tuple[str, ...]
    categories: dict[Category, CategoryRule]
    remedies: dict[RemedyKind, RemedyRule]
    penalties: dict[str, PenaltyRule]
    escalation: tuple[EscalationRule, ...]
    rights: dict[str, tuple[Role, ...]]
    notices: dict[str, NoticeRule]


class PackRef(Frozen):
    """Which pack, exactly: a case carries it for life (PEN-4)."""

    name: str
    version: str
    digest: str
    """SHA-256 of the pack's and its calendar's bytes, hexadecimal."""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Policy(Frozen):
    """A pack with its calendar, ready for use."""

    ref: PackRef
    pack: Pack
    calendar: Calendar

    def due(self, kind: ClockKind, start: datetime) -> datetime:
        """The instant (UTC) at which a clock armed at `start` ends."""
        return self._after(kind, start, self.pack.clocks[kind].length)

    def later(self, kind: ClockKind, due: datetime, count: int) -> datetime:
        """The instant `count` of the clock's units after an earlier deadline of its."""
        if self.pack.clocks[kind].unit is Unit.HOURS:
            return self._after(kind, due, count)
        # A deadline at midnight ends the day before it.
        return self._after(kind, due - timedelta.resolution, count)

    def _after(self, kind: ClockKind, start: datetime, count: int) -> datetime:
        rule = self.pack.clocks[kind]
        match rule.unit:
            case Unit.HOURS:
                return start + timedelta(hours=count)
            case Unit.WORKING_DAYS:
                return self.calendar.add_working_days(start, count, rule.closing)
            case Unit.CALENDAR_DAYS:
                return self.calendar.add_calendar_days(start, count, rule.closing)
