"""What a policy pack may say.

A pack is data: every figure, threshold, window, table, route and template of the procedure. It is checked against these
types when it is loaded (unknown fields are refused) and then for sense (`policies.sense`). Money is whole fen, time is
whole hours or days; there are no floats.

The vocabulary that packs share with the core (stages, parties, clocks, levels and so on) lives here, because the
packs are the ground on which the core stands.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from policies.base import Count, Frozen, Positive, Rules, Texts
from policies.calendar import Calendar
from policies.conduct import ConductRules
from policies.triage import TriageLabel, TriageRules


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
    APPRAISER = "appraiser"
    PLATFORM = "platform"


class Side(StrEnum):
    """On which side of the trade somebody stands: either can complain (ADM-6) and be found in violation (PEN-9)."""

    BUYER = "buyer"
    SELLER = "seller"


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
    SERVICE_HANDLING = "service_handling"


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
    COMPLETION = "completion"
    CATEGORY_OFFER = "category_offer"
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
    ASSESSMENT = "assessment"
    OUTSIDE = "outside"
    HAND_OFF_CONSENT = "hand_off_consent"
    HAND_OFF_COUNTERFEIT = "hand_off_counterfeit"
    HAND_OFF_LOGISTICS = "hand_off_logistics"
    HAND_OFF_SAFETY = "hand_off_safety"
    HAND_OFF_MERCHANT = "hand_off_merchant"
    HAND_OFF_OFFLINE = "hand_off_offline"
    HAND_OFF_ON_BEHALF = "hand_off_on_behalf"
    HAND_OFF_LEGAL = "hand_off_legal"


class Unit(StrEnum):
    """What a clock's length counts. Days end at the clock's `closing` time in the zone of the pack's calendar; the end
    of a day, of length 1, is the midnight after the instant at which the clock is armed (SLA-6).
    """

    HOURS = "hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    END_OF_DAY = "end_of_day"


class OnMiss(StrEnum):
    """What a clock's end means: the platform broke its own promise, a party let its window lapse, or a team is late
    with what was handed to it, which rises within that team (HOF-6).
    """

    ESCALATES = "escalates"
    LAPSES = "lapses"
    ESCALATES_IN_TEAM = "escalates_in_team"


class RemedyKind(StrEnum):
    """What puts a complaint right (COO-1)."""

    REFUND = "refund"
    RETURN_AND_REFUND = "return_and_refund"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    SHIPMENT = "shipment"
    RESHIPMENT = "reshipment"
    COMPENSATION = "compensation"
    PROMISE_COMPENSATION = "promise_compensation"
    OUT_OF_STOCK_COMPENSATION = "out_of_stock_compensation"
    COUPON = "coupon"
    APOLOGY = "apology"
    EXPLANATION = "explanation"
    INVOICE = "invoice"
    RECTIFICATION = "rectification"
    TRAINING = "training"
    REVIEW_REMOVAL = "review_removal"
    REVIEWS_REMOVAL = "reviews_removal"


class PenaltyKind(StrEnum):
    """Measures against a shop (PEN-1) or an account (PEN-9)."""

    LISTING_REMOVED = "listing_removed"
    POINTS = "points"
    RANKED_DOWN = "ranked_down"
    ACCOUNT_RESTRICTED = "account_restricted"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_CLOSED = "account_closed"


class PointClass(StrEnum):
    """The two classes of points against a shop (PEN-3)."""

    A = "a"
    B = "b"


class Counted(StrEnum):
    """What the ledger counts against a seller over a window (PEN-3)."""

    PASSIVE_SERVICE = "passive_service"
    UPHELD_COMPLAINT = "upheld_complaint"


class Trigger(StrEnum):
    """Why a case rises (area ESC of the catalogue)."""

    MISSED_CLOCK = "missed_clock"
    BY_HAND = "by_hand"
    NOT_SOLVED = "not_solved"
    REVIEW = "review"
    APPEAL = "appeal"
    REPEAT_CONTACT = "repeat_contact"
    JUDICIAL = "judicial"
    LEANING = "leaning"
    EXTERNAL = "external"
    ASKS_MANAGEMENT = "asks_management"
    HIGH_RISK = "high_risk"
    REFUND_ONLY_REFUSED = "refund_only_refused"


class Priority(StrEnum):
    """How urgent a case is, lowest first (INT-5)."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Route(StrEnum):
    """Where a matter can be handed to, sideways (横向联动, HOF-1)."""

    COUNTERFEIT = "counterfeit"
    LOGISTICS = "logistics"
    SAFETY = "safety"
    MERCHANT = "merchant"
    OFFLINE = "offline"
    ON_BEHALF = "on_behalf"
    LEGAL = "legal"


class Matter(StrEnum):
    """What many complaints can have in common."""

    SELLER = "seller"
    PRODUCT = "product"


class Outcome(StrEnum):
    """How a case ended, or is about to."""

    AGREED = "agreed"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    EXPLAINED = "explained"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SETTLED_BY_SELLER = "settled_by_seller"
    MERGED = "merged"


class OrderState(StrEnum):
    """How far an order has come."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    CLOSED_BY_REFUND = "closed_by_refund"


class Rating(StrEnum):
    """The verdict of a review."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Ground(StrEnum):
    """Why a complaint is not admitted (ADM-1 to ADM-6)."""

    NO_PROOF_OF_PURCHASE = "no_proof_of_purchase"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"
    UNCLEAR = "unclear"
    CLAIM_NOT_ALLOWED = "claim_not_allowed"
    NO_REVIEW_GROUND = "no_review_ground"
    FALSE_OR_MISLEADING = "false_or_misleading"
    OUTSIDE_JURISDICTION = "outside_jurisdiction"
    ALREADY_HANDLED = "already_handled"


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
    """For days: the time of day, in the calendar's zone, at which the last day ends; midnight at its end if absent."""
    warn_hours_before: Count = 0
    runs_in: tuple[Stage, ...] = ()
    met_by_leaving: bool = True
    """Whether leaving those stages meets the clock; if not, it takes an act of its own, and leaving only cancels it."""
    pauses_for: tuple[Party, ...] = ()
    """Stands still while something that this party was asked for is outstanding, and while the seller has its turn
    first.
    """
    extension: Extension | None = None
    length_by_priority: dict[Priority, Positive] = msgspec.field(default_factory=dict)
    """Shorter lengths, in the same unit, for cases of a higher priority (SLA-5)."""


class RemedyOption(Rules):
    """A remedy that a category offers, and for how long after receipt of the goods (PEN-8)."""

    kind: RemedyKind
    within_days_of_receipt: Positive | None = None


class Window(Rules):
    """A category's own window, in place of the general time limit (ADM-3)."""

    rule: str
    days: Positive
    after: tuple[OrderState, ...]
    """The states of the order from whose beginning the days are counted; before them the complaint is too early."""
    instead: Category | None = None
    """The category that is offered to whoever comes too early."""


class LookUp(StrEnum):
    """What verification asks of the platform's services by itself."""

    LOGISTICS = "logistics"
    CLAIMANT_HISTORY = "claimant_history"


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
    outcomes: tuple[Outcome, ...] = (Outcome.UPHELD, Outcome.DISMISSED)
    """What a ruling may come to."""
    complainants: tuple[Side, ...] = (Side.BUYER,)
    """Which side of the trade may complain (ADM-6)."""
    window: Window | None = None
    look_ups: tuple[LookUp, ...] = ()
    names_agent: bool = False
    """Whether it is about the service's own handling: the complaint names the agent concerned (INT-7)."""
    on_review: bool = False
    """Whether it is about a review, and admitted on the pack's review grounds only (ADM-6)."""


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
    SHIP = "ship"
    EXPLAIN = "explain"
    ISSUE_INVOICE = "issue_invoice"
    RECTIFY = "rectify"
    CHECK = "check"
    REMOVE_REVIEW = "remove_review"
    REMOVE_REVIEWS = "remove_reviews"


class StepRule(Rules):
    """Who does which step of a remedy. The platform's steps are effects, save those done by an agent; a party's step
    has a clock (FUP-3).
    """

    by: Party
    action: Action
    by_agent: bool = False
    """Whether a step of the platform is done, and reported, by an agent: a check that a seller did what it had to
    (VER-6).
    """


class Rounding(StrEnum):
    """What becomes of a part of a fen."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half_up"


class AmountRule(Rules):
    """How the amount of a remedy is computed, for each affected order: a fixed sum (PEN-2), or a share of the goods'
    price up to a cap (PEN-7).
    """

    rule: str
    fixed_fen: Positive | None = None
    percent_of_goods: Positive | None = None
    rounding: Rounding | None = None
    cap_fen: Positive | None = None
    wins_over: tuple[RemedyKind, ...] = ()
    """More general remedies that are not paid besides this one; those not named here add up (PEN-7)."""


class RemedyRule(Rules):
    """What a remedy consists of. `money` remedies carry an amount: stated, and capped in percent of what the order
    cost, or computed by `amount`.
    """

    label: Texts
    steps: tuple[StepRule, ...]
    money: bool = False
    cap_percent_of_order: Positive | None = None
    amount: AmountRule | None = None


class PenaltyRule(Rules):
    """A row of the penalty table, each a violation of its own."""

    label: Texts
    kind: PenaltyKind
    rule: str
    """The rule of the catalogue that the row applies."""
    points: Positive | None = None
    """How many points a deduction takes. A row for points without a figure cannot be applied (PEN-11)."""
    point_class: PointClass | None = None
    against: Side = Side.SELLER
    cites: tuple[str, ...] = ()
    """Kinds of evidence of which one has to be cited, such as the message or the listing (PEN-10)."""
    categories: tuple[Category, ...] = ()
    """The categories in which the row can be applied; none named is all."""


class RepeatRule(Rules):
    """Serious cases (PEN-3): the penalty falls each time the count within the window reaches a multiple of
    `times`.
    """

    rule: str
    counts: Counted
    within_days: Positive
    times: Positive
    penalty: str


class EscalationRule(Rules):
    """A row of the escalation table: what a trigger does."""

    trigger: Trigger
    rule: str
    level: Level | None = None
    """At least where the case rises to; by one level if absent."""
    route: Route | None = None
    """Whom the matter is handed to besides."""
    priority: Priority | None = None
    """At least how urgent the case is from then on."""
    clock: ClockKind | None = None
    """The clock that it starts."""
    notice: str | None = None
    """What the complainant is told."""
    proposed_by: tuple[TriageLabel, ...] = ()
    """What in a text proposes it."""
    at_once: bool = False
    """Whether it acts on the proposal, before an agent confirms it (ESC-9)."""


class RepeatContacts(Rules):
    """When contacts about the same matter raise the case (ESC-2): once for each of these counts within the window."""

    within_days: Positive
    counts: tuple[Positive, ...]


class RefundOnly(Rules):
    """Which complaints go by the two steps of a known solution: offered, and refused (ESC-10)."""

    categories: tuple[Category, ...]
    remedies: tuple[RemedyKind, ...]
    """The claim is for nothing but these."""


class OutsideBody(Rules):
    """Somebody outside whom a complaint can be brought before (ESC-3, ESC-5)."""

    label: Texts
    trigger: Trigger
    channel: Channel | None = None
    """The channel through which a complaint that is filed comes from there."""


class Band(Rules):
    """So many points from so much on."""

    at_least: Positive
    points: Positive


class PriorityLevel(Rules):
    """A priority: from how many points on, and the engine's task priority, of which 1 is served first."""

    points: Count
    task_priority: Annotated[int, msgspec.Meta(ge=1, le=5)]


class PriorityRules(Rules):
    """How the priority of a case is computed (INT-5): points are added up; the escalation table may ask for more."""

    high_risk: Positive
    external: Positive
    categories: dict[Category, Positive]
    amount_fen: tuple[Band, ...]
    """By what is claimed, or else by what was paid."""
    contacts: tuple[Band, ...]
    orders: tuple[Band, ...]
    levels: dict[Priority, PriorityLevel]


class RouteRule(Rules):
    """One way to hand a matter over, with a team, a deadline and outcomes of its own (HOF-1)."""

    label: Texts
    rule: str
    team: str
    clock: ClockKind
    results: dict[str, Texts]
    """What the team may come back with."""
    without_consent: bool = False
    """Whether the policy waives the member's consent (HOF-2)."""
    categories: tuple[Category, ...] = ()
    """The categories in which it can be taken; none named is all."""


class RoutingRule(Rules):
    """A matter that is handed over by itself, as soon as the complaint is accepted (HOF-3); of rows that fit, the first
    counts.
    """

    rule: str
    route: Route
    category: Category | None = None
    """What the complaint is about."""
    label: TriageLabel | None = None
    """Or what an agent confirms that its text shows: then it is handed over at that moment (SLA-6)."""
    branded: bool | None = None
    """Only goods with a brand, or without; absent if that makes no difference."""
    instead_of_verification: bool = False
    """Whether the team comes first, in place of the ordinary verification."""


class IncidentRule(Rules):
    """When complaints that have something in common become one incident."""

    matter: Matter
    within_days: Positive
    complaints: Annotated[int, msgspec.Meta(ge=2)]
    categories: tuple[Category, ...] = ()
    """Complaints of these categories count; none named is all."""


class GroundRule(Rules):
    """A ground of refusal (ADM-5): what the complainant is told, and whether the matter may be brought again."""

    label: Texts
    rule: str
    by_agent: bool = False
    """Whether an agent may refuse on it; the other grounds are examined by the engine."""
    curable: bool = False
    """Whether the same complaint may be filed again, once what was lacking is there."""


class Clarity(Rules):
    """When a complaint is clear (ADM-4)."""

    min_description_bytes: Positive
    facts: tuple[str, ...]
    """What a complainant may be asked to add, such as time, place and goods."""


class Admission(Rules):
    """Standing, time limit, clarity, jurisdiction and seller-first (ADM-1 to ADM-7)."""

    limit_days: Positive
    proof_kinds: tuple[str, ...]
    platforms: tuple[str, ...]
    clarity: Clarity
    return_reasons: tuple[str, ...]
    """Why goods go back, as the buyer may state it (COO-6)."""
    grounds: dict[Ground, GroundRule]


class Removes(StrEnum):
    """Whose reviews an upheld complaint about a review removes (ADM-6)."""

    REVIEW = "review"
    BOTH = "both"


class ReviewGroundRule(Rules):
    """One of the grounds on which a seller may complain about a review (ADM-6)."""

    label: Texts
    ratings: tuple[Rating, ...]
    removes: Removes = Removes.REVIEW
    burden: Party | None = None
    """Who has to prove on this ground, where that is not the category's."""
    circumstances: dict[str, Removes] = msgspec.field(default_factory=dict)
    """What the ground may consist in, each with whose reviews go; empty where it needs no more than its name."""


class Reception(Rules):
    """How soon a contact is to be answered, in seconds, by its channel (INT-8)."""

    answer_within_seconds: dict[Channel, Positive]


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


class HearingRule(Rules):
    """A further hearing of a decided case (ESC-7, APL-1). The level it is heard at is in the escalation table."""

    times: Count
    """How often it may be asked for in the life of a case."""
    within_days: Positive
    """Calendar days after the result was told."""
    another_agent: bool
    """Whether nobody who decided before may decide again."""
    final: bool
    """Whether the ruling of the last such hearing is final."""


class AppealRoute(StrEnum):
    """Where an appeal leads."""

    VERIFICATION = "verification"
    COORDINATION = "coordination"
    NOT_HEARD = "not_heard"


class AppealRule(HearingRule):
    """Appeals, each with new evidence (APL-1, APL-2)."""

    channels: tuple[Channel, ...]
    """Where an appeal is taken, the hotline among them (APL-4)."""
    routes: dict[OrderState, AppealRoute]
    """What the state of the order makes of it: negotiated first, verified at once, or not heard yet."""


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
    final: bool = False
    """Whether it ends what the platform can do: its text lists the outside routes (APL-4)."""


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
    review: HearingRule
    appeal: AppealRule
    outside_routes: dict[str, Texts]
    """Who can be turned to when the platform has done what it can; every final notice lists them (APL-4)."""
    reception: Reception
    delivery: Delivery
    clocks: dict[ClockKind, ClockRule]
    evidence_kinds: dict[str, Texts]
    categories: dict[Category, CategoryRule]
    remedies: dict[RemedyKind, RemedyRule]
    review_grounds: dict[str, ReviewGroundRule]
    penalties: dict[str, PenaltyRule]
    repeats: tuple[RepeatRule, ...]
    conduct: ConductRules
    escalation: tuple[EscalationRule, ...]
    repeat_contacts: RepeatContacts
    refund_only: RefundOnly
    outside_bodies: dict[str, OutsideBody]
    priority: PriorityRules
    teams: dict[str, Texts]
    routes: dict[Route, RouteRule]
    routing: tuple[RoutingRule, ...]
    incidents: tuple[IncidentRule, ...]
    triage: TriageRules
    rights: dict[str, tuple[Role, ...]]
    notices: dict[str, NoticeRule]
    words: dict[str, Texts]
    """How notices name what facts name by a code, where no table of the pack has a label for it."""


class PackRef(Frozen):
    """Which pack, exactly: a case carries it for life (PEN-4)."""

    name: str
    version: str
    digest: str
    """SHA-256 over the bytes of the pack, of those that it extends, and of its calendar, hexadecimal."""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Policy(Frozen):
    """A pack with its calendar, ready for use."""

    ref: PackRef
    pack: Pack
    calendar: Calendar

    def due(self, kind: ClockKind, start: datetime, priority: Priority = Priority.NORMAL) -> datetime:
        """The instant (UTC) at which a clock armed at `start` ends, in a case of some priority (SLA-5)."""
        rule = self.pack.clocks[kind]
        return self._after(kind, start, rule.length_by_priority.get(priority, rule.length))

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
            case Unit.END_OF_DAY:
                return self.calendar.end_of_day(start)
