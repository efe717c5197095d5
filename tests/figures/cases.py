"""Cases of every category, and ways to try something on them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Category, Channel, OrderState, Outcome, Pack, Party, Rating, RemedyKind, Role, Side, Stage
from policies.triage import TriageLabel
from states import effects, events
from states.decide import decide
from states.values import (
    Actor,
    Answer,
    Claim,
    Excerpt,
    OrderFacts,
    Refusal,
    RemedyTerms,
    ReviewComplaint,
    Violation,
)
from tests.states.story import AGENT, BUYER, SELLER, START, Story, item, order, text

EVIDENCE = (
    *("photo", "video", "chat_log", "screenshot", "admission_by_seller", "logistics_record", "signature_photo"),
    *("advertising", "after_sales_record", "inspection_report", "receipt", "contract", "purchase_chain", "listing"),
    *("review", "payment_record"),
)
SELLER_COMPLAINING = Actor(id=SELLER.id, role=Role.COMPLAINANT)
BUYER_RESPONDING = Actor(id=BUYER.id, role=Role.RESPONDENT)
STATED = (RemedyKind.REFUND, RemedyKind.COMPENSATION, RemedyKind.COUPON)
"""Remedies whose amount is stated; of the others it is computed, or they are not in money."""


class Row(NamedTuple):
    """A category as the packs have it since 2024-07-22, words apart.

    Evidence is written in groups: one kind of each group is needed. Remedies are written with the days after receipt
    within which they can be asked for.
    """

    burden: Party
    proof: str
    """What the side that bears the burden has to bring."""
    remedies: str
    causes: str
    responsible: str
    duties: str = ""
    answered_with: str = ""
    """What a respondent that has nothing to prove is asked to send with its statement."""
    complainants: str = "buyer"
    outcomes: str = "upheld dismissed"
    look_ups: str = ""
    names_agent: bool = False
    on_review: bool = False

    @property
    def groups(self) -> list[list[str]]:
        return [group.split("|") for group in self.proof.split()]

    @property
    def asked_of_respondent(self) -> list[str]:
        """The kinds of evidence that the respondent is asked for from the start, whoever has to prove."""
        return self.answered_with.split() if self.burden is MINE else [kind for group in self.groups for kind in group]

    @property
    def offered(self) -> dict[RemedyKind, int | None]:
        options = (option.partition(":") for option in self.remedies.split())
        return {RemedyKind(kind): int(days) if days else None for kind, _, days in options}

    @property
    def parties(self) -> list[Party]:
        return [Party(party) for party in self.responsible.split()]

    @property
    def sides(self) -> list[Side]:
        return [Side(side) for side in self.complainants.split()]


MINE, THEIRS = Party.COMPLAINANT, Party.RESPONDENT
CATEGORIES = {
    Category.QUALITY: Row(
        burden=MINE,
        proof="photo|video|inspection_report|admission_by_seller",
        remedies="refund return_and_refund:90 exchange:90 repair:365 compensation coupon apology",
        causes="defective_goods goods_not_as_described damaged_in_transit misuse",
        responsible="respondent carrier complainant",
        duties="apology",
        answered_with="inspection_report photo video",
    ),
    Category.FALSE_ADVERTISING: Row(
        burden=THEIRS,
        proof="advertising|listing",
        remedies="compensation refund return_and_refund:90 coupon",
        causes="false_content exaggerated_content superlative_wording",
        responsible="respondent",
        duties="rectification",
    ),
    Category.LATE_SHIPMENT: Row(
        burden=THEIRS,
        proof="logistics_record",
        remedies="shipment refund compensation coupon",
        causes="not_shipped shipped_late",
        responsible="respondent carrier",
        look_ups="logistics",
    ),
    Category.FALSE_SHIPMENT: Row(
        burden=THEIRS,
        proof="logistics_record signature_photo",
        remedies="reshipment refund compensation coupon",
        causes="falsely_shipped empty_parcel",
        responsible="respondent carrier",
        duties="explanation",
        look_ups="logistics",
    ),
    Category.NOT_RECEIVED: Row(
        burden=THEIRS,
        proof="logistics_record signature_photo",
        remedies="reshipment refund compensation coupon",
        causes="not_shipped lost_in_transit delivered_elsewhere",
        responsible="respondent carrier",
        look_ups="logistics",
    ),
    Category.LOGISTICS: Row(
        burden=THEIRS,
        proof="logistics_record|signature_photo",
        remedies="reshipment refund compensation coupon",
        causes="not_shipped shipped_late lost_in_transit delayed_in_transit damaged_in_transit",
        responsible="respondent carrier platform",
        look_ups="logistics",
    ),
    Category.AFTER_SALES: Row(
        burden=THEIRS,
        proof="after_sales_record|chat_log",
        remedies="refund return_and_refund:7 exchange:90 repair:365 compensation coupon",
        causes="service_refused service_deficient service_late",
        responsible="respondent platform",
    ),
    Category.SERVICE_ATTITUDE: Row(
        burden=MINE,
        proof="chat_log|screenshot",
        remedies="apology compensation coupon",
        causes="rude_wording no_answer blame_shifted",
        responsible="respondent platform",
        duties="apology training",
    ),
    Category.COUNTERFEIT: Row(
        burden=THEIRS,
        proof="inspection_report purchase_chain",
        remedies="refund return_and_refund compensation",
        causes="counterfeit_goods material_fraud no_purchase_chain",
        responsible="respondent",
    ),
    Category.BROKEN_PROMISE: Row(
        burden=MINE,
        proof="chat_log|screenshot|listing|admission_by_seller",
        remedies="promise_compensation out_of_stock_compensation refund coupon",
        causes="promise_not_kept out_of_stock gift_not_sent",
        responsible="respondent",
        answered_with="chat_log screenshot",
    ),
    Category.PRICE_PROMOTION: Row(
        burden=MINE,
        proof="screenshot|listing|advertising",
        remedies="refund compensation coupon",
        causes="price_misstated promotion_not_honoured price_raised_before_promotion",
        responsible="respondent platform",
        answered_with="listing advertising",
        outcomes="upheld dismissed explained",
    ),
    Category.INVOICE: Row(
        burden=THEIRS,
        proof="chat_log|receipt",
        remedies="invoice compensation coupon",
        causes="invoice_refused invoice_wrong invoice_late",
        responsible="respondent",
    ),
    Category.OFF_PLATFORM_PAYMENT: Row(
        burden=MINE,
        proof="chat_log|screenshot|payment_record",
        remedies="refund compensation apology",
        causes="account_given transfer_demanded",
        responsible="respondent",
    ),
    Category.DATA_LEAK: Row(
        burden=MINE,
        proof="chat_log|screenshot",
        remedies="apology compensation coupon",
        causes="data_disclosed data_misused",
        responsible="respondent platform",
        duties="apology rectification",
    ),
    Category.ORDER: Row(
        burden=THEIRS,
        proof="chat_log|screenshot",
        remedies="refund compensation coupon",
        causes="order_changed order_closed wrong_item_sent",
        responsible="respondent platform",
    ),
    Category.PAYMENT: Row(
        burden=MINE,
        proof="payment_record|screenshot",
        remedies="refund compensation",
        causes="charged_twice charged_wrongly refund_not_paid",
        responsible="respondent platform",
    ),
    Category.RETURN_EXCHANGE: Row(
        burden=THEIRS,
        proof="after_sales_record|chat_log",
        remedies="refund return_and_refund:7 exchange:15 repair:365 compensation",
        causes="return_refused refund_withheld exchange_refused",
        responsible="respondent",
    ),
    Category.PROFESSIONAL_CLAIMANT: Row(
        burden=MINE,
        proof="photo|video|listing|screenshot",
        remedies="refund return_and_refund compensation",
        causes="description_mismatch superlative_wording",
        responsible="respondent",
        answered_with="inspection_report",
        look_ups="claimant_history",
    ),
    Category.MALICIOUS_REVIEW: Row(
        burden=MINE,
        proof="review|screenshot",
        remedies="review_removal reviews_removal",
        causes="abusive_wording same_trade coercion carrier_fault other_malicious",
        responsible="respondent",
        answered_with="photo video chat_log screenshot",
        complainants="seller",
        on_review=True,
    ),
    Category.SERVICE_HANDLING: Row(
        burden=MINE,
        proof="chat_log|screenshot",
        remedies="apology compensation coupon",
        causes="handled_wrongly handled_late rude_wording blame_shifted",
        responsible="respondent platform",
        duties="training",
        complainants="buyer seller",
        names_agent=True,
    ),
}
CAUSES = tuple(dict.fromkeys(cause for row in CATEGORIES.values() for cause in row.causes.split()))


def given(category: Category, side: Side | None = None, **changes: Any) -> dict[str, Any]:
    """What a complaint of a category says, from a side of the trade."""
    row = CATEGORIES[category]
    buyer = (side or row.sides[0]) is Side.BUYER
    said: dict[str, Any] = {
        "category": category,
        "actor": BUYER if buyer else SELLER_COMPLAINING,
        "complainant": BUYER.id if buyer else SELLER.id,
        "respondent": SELLER.id if buyer else BUYER.id,
        "claim": Claim(remedies=(next(iter(row.offered)),), problem_since=START - timedelta(days=1)),
        "evidence": tuple(item(kind) for kind in EVIDENCE),
    }
    if row.names_agent:
        said["agent_concerned"] = "agent-99"
    if row.on_review:
        said["review"] = ReviewComplaint(review="review-1", rating=Rating.NEGATIVE, ground="abusive_wording")
    return said | changes


def removing(kind: RemedyKind) -> dict[str, Any]:
    """What a complaint says besides if the reviews of both sides are to go, nothing if any other remedy is wanted."""
    if kind is not RemedyKind.REVIEWS_REMOVAL:
        return {}
    circumstances = {"ground": "other_malicious", "circumstance": "no_real_transaction"}
    return {"review": ReviewComplaint(review="review-1", rating=Rating.NEGATIVE, **circumstances)}


def ripe(**changes: Any) -> OrderFacts:
    """An order about which every category can be complained."""
    return order(**{"state": OrderState.SUCCEEDED, "state_since": START - timedelta(days=1)} | changes)


def filed(category: Category, known: OrderFacts | None = None, side: Side | None = None, **changes: Any) -> Story:
    """A case of a category that was just filed, with one item of each kind on file."""
    story = Story()
    story.order = known or ripe()
    answer = story.file(**given(category, side, **changes))
    assert answer.accepted, answer.refusal
    return story


def in_verification(
    category: Category, known: OrderFacts | None = None, side: Side | None = None, **changes: Any
) -> Story:
    """A case that is being verified; the other side made its statement."""
    story = filed(category, known, side, **changes)
    story.accepted(events.AcceptComplaint)
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.accepted(events.SubmitStatement, other_side(story), text=text("statement"))
    return story


def found(story: Story, **changes: Any) -> Story:
    """The complaint was found proven, on everything that is on file."""
    row = CATEGORIES[story.open_case.category]
    proven: dict[str, Any] = {
        "proven": True,
        "responsible": row.parties[0],
        "cause": row.causes.split()[0],
        "evidence": tuple(each.id for each in story.open_case.evidence),
    }
    story.accepted(events.RecordFinding, **proven | changes)
    return story


def in_ruling(category: Category, known: OrderFacts | None = None, side: Side | None = None, **changes: Any) -> Story:
    """A case that was found proven and waits for the ruling."""
    story = found(in_verification(category, known, side, **changes))
    if story.at(Stage.COORDINATION):
        story.accepted(events.CallForRuling)
    assert story.at(Stage.RULING)
    return story


def showing(label: TriageLabel, **changes: Any) -> Story:
    """A case at acceptance whose text shows something, which nobody confirmed yet."""
    story = Story()
    place = Excerpt(text="text-description", start=0, end=2, words="words")
    story.shown = (effects.Found(label=label, excerpts=(place,)),)
    return story.to_acceptance(**changes)


def altered(change: Callable[[Pack], Pack]) -> PolicyBook:
    """The policies with every pack changed, to see what else it says."""
    return PolicyBook({policy.ref: replace(policy, pack=change(policy.pack)) for policy in default_book()})


def again(story: Story) -> Story:
    """The same story, to be told on in another way."""
    copy = Story(story.book, story.now, story.hold)
    vars(copy).update(vars(story) | {"entries": list(story.entries), "counts": dict(story.counts)})
    return copy


def unwindowed(category: Category) -> RemedyKind:
    """A remedy of the category that can always be had, is not computed and no duty anyway."""
    row = CATEGORIES[category]
    if row.on_review:
        return RemedyKind.REVIEW_REMOVAL
    computed = (RemedyKind.PROMISE_COMPENSATION, RemedyKind.OUT_OF_STOCK_COMPENSATION)
    apart = (*computed, *row.duties.split())
    return next(kind for kind, days in row.offered.items() if days is None and kind not in apart)


def own_side(story: Story) -> Actor:
    return Actor(id=story.open_case.complainant, role=Role.COMPLAINANT)


def other_side(story: Story) -> Actor:
    return Actor(id=story.open_case.respondent, role=Role.RESPONDENT)


def terms(kind: RemedyKind, amount: int = 100) -> RemedyTerms:
    """A remedy with a small amount, where one has to be stated."""
    return RemedyTerms(kind=kind, amount_fen=amount if kind in STATED else None)


def tried(story: Story, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> Answer:
    """What an act would be answered now; the story stays as it is."""
    message: dict[str, Any] = {"request_id": "r-tried", "reason": text("reason")} | given
    answer = decide(story.case, act(actor=actor, **message), story.now, story.book).answer
    assert answer is not None
    return answer


def refusal(story: Story, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> Refusal | None:
    """Why an act would be refused now; None if it would be accepted."""
    return tried(story, act, actor, **given).refusal


def allowed(story: Story, act: type[events.Act], actor: Actor | None = AGENT, **given: Any) -> bool:
    return tried(story, act, actor, **given).accepted


def ruling(kind: RemedyKind | None = None, *penalties: Violation, outcome: Outcome = Outcome.UPHELD) -> dict[str, Any]:
    """What a ruling says."""
    remedies = () if kind is None else (terms(kind),)
    return {"outcome": outcome, "rule": "COO-3", "remedies": remedies, "penalties": penalties}
