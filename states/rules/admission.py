"""Intake and admission: who may complain about what, how long, how clearly, and whether the seller was asked first
(areas INT, ADM).
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import (
    Category,
    ClockKind,
    Ground,
    Outcome,
    Pack,
    PackRef,
    Party,
    Policy,
    RemedyKind,
    Stage,
    Trigger,
    Window,
)
from states import facts
from states.case import file
from states.draft import REVISION, Draft, Refused
from states.effects import AnyOutcome, LookUpOrder, OrderFound
from states.events import (
    AcceptComplaint,
    CompleteComplaint,
    CorrectCategory,
    FileComplaint,
    NarrowClaim,
    RecordContact,
    RefuseComplaint,
    ReportSellerContact,
    RequestCompletion,
)
from states.lifecycle import OPEN_STAGES
from states.rules import appeals, escalation, evidence, feedback, follow_up, hand_off, incidents, verification
from states.values import (
    Claim,
    Contact,
    Hearing,
    HearingKind,
    OrderFacts,
    RequestKind,
    ReviewComplaint,
    RiskState,
    SellerContact,
    yuan,
)

AS_FILED = (
    "respondent",
    "orders",
    "category",
    "claim",
    "title",
    "description",
    "channel",
    "seller_contact",
    "agent_concerned",
    "review",
)
"""What a case has from its complaint just as it was filed."""

CLASSIFIED_IN = (Stage.INTAKE, Stage.ACCEPTANCE, Stage.VERIFICATION)
"""Where a case can be given another category (INT-4)."""

UNDECIDED = (Outcome.WITHDRAWN, Outcome.SETTLED_BY_SELLER)
"""How a complaint ends without anybody having decided about it."""

# --- a complaint comes in -----------------------------------------------------------------


def open_case(act: FileComplaint, policy: Policy, book: PolicyBook, at: datetime, now: datetime) -> Draft:
    """A new case file from the first moment (INT-1), its clocks running and its orders being looked up (ADM-1)."""
    _check_complaint(act, policy)
    filed = facts.CaseFiled(
        **_as_filed(act),
        complainant=act.complainant,
        received_at=at,
        high_risk=act.high_risk,
        external=_body(act, policy.pack) is not None,
        policy=policy.ref,
        penalty_policy=_penalty_policy(act, policy, book, at),
        revision=REVISION,
        rules=("INT-1", *_rules_of_filing(act), "PEN-4"),
    )
    draft = Draft(file(act.case_id, filed), book, at, now)
    draft.facts.append(filed)
    draft.enter(Stage.INTAKE, "file", "INT-1")
    _receive(draft, act)
    return draft


def join(draft: Draft, act: FileComplaint) -> None:
    """A further complaint on the same key is a contact about the case (INT-2).

    Once the case is closed, what was never decided, and any other matter, is filed anew; what comes from a body outside
    opens it again (ESC-5); new evidence makes it an appeal (APL-1); the same content again is not admitted, and the
    complainant is told so (ADM-5).
    """
    case = draft.case
    if act.case_id != case.case_id:
        raise Refused("wrong_case", f"complainant, orders: they name {act.case_id}, this is {case.case_id}", "INT-1")
    closed = case.stage in (Stage.CLOSED, Stage.ARCHIVED)
    undecided = _ended_undecided(draft) if act.category is case.category else act.category not in case.handled
    if closed and undecided:
        _refile(draft, act)
        return
    record_contact(draft, act)
    before = len(case.evidence)
    evidence.hand_in(draft, act, evidence.new_items(case, act.evidence))
    added = draft.case.evidence[before:]
    draft.have_read(act.title, act.description)
    body = _body(act, draft.pack)
    if body is not None:
        follow_up.bring_back_if_over(draft, "ESC-5")
        escalation.went_outside(draft, body)
    if act.high_risk and not draft.case.high_risk and draft.case.stage in OPEN_STAGES:
        escalation.raise_risk(draft, RiskState.SET)
    escalation.count_contacts(draft)
    if draft.case.stage not in (Stage.CLOSED, Stage.ARCHIVED):
        return
    if added and case.outcome is not Outcome.MERGED:
        appeals.appeal_by_complaint(draft, act, added)
        return
    draft.tell("already_handled", Party.COMPLAINANT, "ADM-5", "TRA-1")
    draft.refuse_on_record(
        "already_handled",
        f"{case.case_id} was handled and closed; the same content is not admitted again: bring new evidence",
        "ADM-5",
    )


def _ended_undecided(draft: Draft) -> bool:
    """Whether the case ended without a decision on its merits, so that it may be brought again (ADM-5)."""
    case = draft.case
    if case.outcome is Outcome.REFUSED:
        return draft.pack.admission.grounds[Ground(case.outcome_ground)].curable
    return case.outcome in UNDECIDED


def _refile(draft: Draft, act: FileComplaint) -> None:
    """The complaint goes its whole way again: it was never handled, or is about another matter (ADM-5, INT-2)."""
    case = draft.case
    _check_complaint(act, draft.policy)
    draft.record(
        facts.Refiled(
            **_as_filed(act),
            received_at=draft.at,
            high_risk=act.high_risk or case.high_risk,
            external=_body(act, draft.pack) is not None or case.external,
            handled=case.handled if _ended_undecided(draft) else (*case.handled, case.category),
            rules=("ADM-5", *_rules_of_filing(act)),
        )
    )
    penalty_policy = _penalty_policy(act, draft.policy, draft.book, draft.at)
    if penalty_policy != case.penalty_policy:
        conduct_at = _conduct_at(act.claim, draft.at)
        draft.record(facts.PenaltyPolicySet(policy=penalty_policy, conduct_at=conduct_at, rules=("PEN-4",)))
    hearing = Hearing(
        kind=HearingKind.FIRST, opened_at=draft.at, requests=len(case.requests), proposals=len(case.proposals)
    )
    draft.record(facts.HearingOpened(hearing=hearing, rules=("ADM-5",)))
    draft.move("refile", "ADM-5", "INT-2")
    for kind, rule in draft.pack.clocks.items():
        clock = draft.case.clock(kind)
        if Stage.INTAKE in rule.runs_in and clock is not None and not clock.active:  # met in the first filing
            draft.arm(kind)
    _receive(draft, act)


def _receive(draft: Draft, act: FileComplaint) -> None:
    """What a complaint brings is on the file, the complainant is told, its text is read, every order looked up (ADM-1);
    what is grave or comes from outside rises from the start (ESC-5, ESC-9).
    """
    record_contact(draft, act)
    evidence.add(draft, act, evidence.new_items(draft.case, act.evidence))
    due = draft.policy.due(ClockKind.ACCEPTANCE, draft.at)
    draft.tell("received", Party.COMPLAINANT, "FBK-1", "SLA-1", due=draft.local(due))
    for order in draft.case.orders:
        draft.order(LookUpOrder(key=draft.effect_key(), order=order), "ADM-1")
    draft.have_read(act.title, act.description)
    body = _body(act, draft.pack)
    if body is not None:
        escalation.went_outside(draft, body)
    if act.high_risk:
        escalation.trigger_anew(draft, Trigger.HIGH_RISK)


def _body(act: FileComplaint, pack: Pack) -> str | None:
    """The body outside that a complaint comes from, by its channel (INT-2, ESC-5)."""
    return next((name for name, body in pack.outside_bodies.items() if body.channel is act.channel), None)


def _as_filed(act: FileComplaint) -> dict[str, Any]:
    return {name: getattr(act, name) for name in AS_FILED}


def _rules_of_filing(act: FileComplaint) -> tuple[str, ...]:
    """The rules that say what a complaint of its kind records."""
    recorded = {
        "INT-2": act.channel,
        "INT-4": act.category,
        "INT-7": act.agent_concerned,
        "ADM-6": act.review,
        "COO-6": act.claim.return_reason,
    }
    return tuple(rule for rule, given in recorded.items() if given is not None)


def _check_complaint(act: FileComplaint, policy: Policy) -> None:
    """Whether the complaint says what one of its category has to say, and nothing that another one says."""
    rule = policy.pack.categories.get(act.category)
    if rule is None:
        raise Refused("unknown_category", f"category: {policy.ref} has no rules for {act.category}", "INT-4")
    _check_field("agent_concerned", act.agent_concerned, rule.names_agent, act.category, "INT-7")
    _check_field("review", act.review, rule.on_review, act.category, "ADM-6")
    reasons = policy.pack.admission.return_reasons
    if act.claim.return_reason not in (None, *reasons):
        raise Refused(
            "unknown_return_reason",
            f"claim.return_reason: {act.claim.return_reason} is not one of {', '.join(reasons)}",
            "COO-6",
        )
    if len(set(act.orders)) < len(act.orders):
        raise Refused("order_repeated", "orders: each order is named once", "INT-1")


def _check_field(field: str, given: object | None, wanted: bool, category: Category, rule: str) -> None:
    if wanted and given is None:
        raise Refused("field_missing", f"{field}: a complaint of category {category} has to state it", rule)
    if not wanted and given is not None:
        raise Refused("field_not_wanted", f"{field}: does not go with category {category}", rule)


def _penalty_policy(act: FileComplaint, policy: Policy, book: PolicyBook, at: datetime) -> PackRef | None:
    """The pack that penalties follow, as far as the complaint tells when the conduct took place (PEN-4)."""
    return verification.penalty_policy(book, policy, _conduct_at(act.claim, at))


def _conduct_at(claim: Claim, at: datetime) -> datetime:
    """When the conduct took place: since when the problem is there, where that is said and can be."""
    since = claim.problem_since
    return since if since is not None and since <= at else at


# --- contacts -----------------------------------------------------------------------------


def record_contact(draft: Draft, act: FileComplaint) -> None:
    """Every contact about the matter records its channel (INT-2)."""
    contact = Contact(at=draft.at, channel=act.channel, by=act.complainant, text=act.description)
    draft.record(facts.ContactRecorded(contact=contact, rules=("INT-2",)))


def contacted(draft: Draft, act: RecordContact) -> None:
    """A contact with a party; one from the platform reaches the party (SLA-2, FBK-1), unless software sent it
    (INT-8).
    """
    if draft.case.stage is Stage.ARCHIVED:
        raise Refused("archived", f"{draft.case.case_id} is archived: reopen it or file a complaint", "INT-2")
    if act.outbound and draft.party_of(act.actor) is not Party.PLATFORM:
        raise Refused("wrong_party", "outbound: only the platform reports a contact of its own", "SLA-2")
    if act.automatic and not act.outbound:
        raise Refused("not_outbound", "automatic: only what the platform sends is sent by its software", "INT-8")
    limit = draft.pack.reception.answer_within_seconds.get(act.channel)
    waited = act.answered_after_seconds
    contact = Contact(
        at=draft.at,
        channel=act.channel,
        by=act.actor.id if act.actor else "",
        party=act.party,
        outbound=act.outbound,
        text=act.text,
        automatic=act.automatic,
        answered_after_seconds=waited,
        late=limit is not None and waited is not None and waited > limit,
        identity=act.identity,
    )
    reception = act.automatic or waited is not None or act.identity is not None
    draft.record(facts.ContactRecorded(contact=contact, rules=("INT-2", "INT-8") if reception else ("INT-2",)))
    if not act.outbound:
        if act.party is Party.COMPLAINANT:
            draft.have_read(act.text)
        escalation.count_contacts(draft)
        return
    if act.automatic:
        return
    feedback.reached(draft, act.party)
    if act.party is Party.COMPLAINANT:
        draft.meet(draft.case.clock(ClockKind.FIRST_CONTACT))


# --- the examination ----------------------------------------------------------------------


def order_looked_up(draft: Draft, effect: LookUpOrder, outcome: AnyOutcome) -> None:
    """The platform answered about an order: it proves the purchase if the complainant stands on a side of it that may
    complain (ADM-1, ADM-6), and names the party on the other.
    """
    case = draft.case
    order = outcome.facts if isinstance(outcome, OrderFound) else None
    other = None if order is None else _other_side(draft, order)
    # An order that is looked up again, for an appeal, and not found stays as it was known.
    known = None if case.stage is Stage.INTAKE else case.order_facts(effect.order)
    draft.record(facts.OrderKnown(id=effect.order, order=order if other else known, rules=("ADM-1",)))
    named = case.stage is Stage.INTAKE and effect.order == case.orders[0] and not draft.category.names_agent
    if named and other is not None and other != case.respondent:
        draft.record(facts.RespondentNamed(respondent=other, rules=("ADM-1",)))


def _other_side(draft: Draft, order: OrderFacts) -> str | None:
    """Who traded with the complainant; None if the complainant is on no side of the order that may complain."""
    sides = {"buyer": order.buyer, "seller": order.seller}
    mine = next((side for side in draft.category.complainants if sides[side] == draft.case.complainant), None)
    return None if mine is None else next(who for side, who in sides.items() if side != mine)


def examine(draft: Draft) -> None:
    """What can be examined by itself while a complaint is at intake; ends in acceptance, refusal or a question."""
    case = draft.case
    if case.stage is not Stage.INTAKE or not set(case.orders) <= set(case.orders_checked):
        return
    if any(stops(draft) for stops in EXAMINATION):
        return
    window = draft.category.window
    draft.move(
        "admit",
        "ADM-1",
        window.rule if window else "ADM-2",
        "ADM-4",
        "ADM-6" if case.review else "ADM-7",
    )
    verification.open_dispute(draft)
    incidents.count(draft)


def _unproven(draft: Draft) -> bool:
    """Without an order of its own the complainant has to prove the purchase; it is asked once, with a deadline
    (ADM-1).
    """
    if draft.case.standing:
        return False
    kinds = draft.pack.admission.proof_kinds
    proof = tuple(item.id for item in draft.case.evidence if item.kind in kinds)
    if proof:
        draft.record(facts.StandingProven(evidence=proof, rules=("ADM-1",)))
        evidence.answer_open(draft, RequestKind.PROOF_OF_PURCHASE, "ADM-1")
        return False
    if not evidence.asked(draft, RequestKind.PROOF_OF_PURCHASE):
        _ask(draft, RequestKind.PROOF_OF_PURCHASE, kinds, ClockKind.PROOF_OF_PURCHASE, "ADM-1")
    return True


def _elsewhere(draft: Draft) -> bool:
    """Another platform's orders are outside the jurisdiction (ADM-5)."""
    order = draft.case.order
    if order is None or order.platform in draft.pack.admission.platforms:
        return False
    _refuse(draft, Ground.OUTSIDE_JURISDICTION, platform=order.platform)
    return True


def _groundless(draft: Draft) -> bool:
    """A complaint about a review is admitted on the pack's grounds only (ADM-6)."""
    review = draft.case.review
    if review is None or _has_ground(draft, review):
        return False
    _refuse(
        draft,
        Ground.NO_REVIEW_GROUND,
        review_ground=review.ground,
        rating=review.rating,
        circumstance=review.circumstance or "",
    )
    return True


def _has_ground(draft: Draft, review: ReviewComplaint) -> bool:
    ground = draft.pack.review_grounds.get(review.ground)
    if ground is None or review.rating not in ground.ratings:
        return False
    return not ground.circumstances or review.circumstance in ground.circumstances


def _unclear(draft: Draft) -> bool:
    """Who writes too little is asked once to complete it; what was completed is for an agent to judge (ADM-4)."""
    clarity = draft.pack.admission.clarity
    asked = evidence.asked(draft, RequestKind.COMPLETION)
    if draft.case.description.size < clarity.min_description_bytes and not asked:
        _ask(draft, RequestKind.COMPLETION, clarity.facts, ClockKind.COMPLETION, "ADM-4")
        return True
    return evidence.open_request(draft, RequestKind.COMPLETION) is not None


def _untimely(draft: Draft) -> bool:
    """In time is what keeps the category's window (ADM-3) or, where it has none, the general limit (ADM-2)."""
    window = draft.category.window
    order = draft.case.order
    if window is None or order is None:
        return _too_late(draft, _general_limit(draft))
    if order.state not in window.after or order.state_since is None:
        _too_early(draft, window)
        return True
    return _too_late(draft, order.state_since + timedelta(days=window.days), window.rule)


def _too_late(draft: Draft, limit: datetime | None, *rules: str) -> bool:
    """Whether the complaint came after the limit: then it is refused with the dates that show it."""
    received = draft.case.received_at
    if limit is None or received <= limit:
        return False
    _refuse(draft, Ground.TOO_LATE, *rules, received=received.isoformat(), limit=limit.isoformat())
    return True


def _too_early(draft: Draft, window: Window) -> None:
    """An order still open cannot be complained about in this category yet; another one is offered instead (ADM-3)."""
    if window.instead is None:
        _refuse(draft, Ground.TOO_EARLY, window.rule)
    elif evidence.open_request(draft, RequestKind.CATEGORY_OFFER) is None:
        _ask(draft, RequestKind.CATEGORY_OFFER, (window.instead.value,), ClockKind.CATEGORY_OFFER, window.rule)


def _general_limit(draft: Draft) -> datetime | None:
    """Until when a complaint is in time: counted from the purchase or, if later, from when the problem arose
    (ADM-2).
    """
    starts = [
        start
        for start in (
            draft.case.order.purchased_at if draft.case.order else None,
            draft.case.claim.problem_since,
        )
        if start is not None
    ]
    if not starts:
        return None
    return max(starts) + timedelta(days=draft.pack.admission.limit_days)


def _excessive(draft: Draft) -> bool:
    """A claim beyond what policy allows is narrowed; of which nothing is left, it is refused (ADM-4)."""
    allowed = _allowed(draft, draft.case.claim)
    if allowed is None:
        _refuse(draft, Ground.CLAIM_NOT_ALLOWED, claim=", ".join(draft.case.claim.remedies))
        return True
    _narrow(draft, allowed)
    return False


def _with_the_seller(draft: Draft) -> bool:
    """The seller has its turn first (ADM-7)."""
    turn = draft.case.clock(ClockKind.SELLER_FIRST)
    if not _seller_comes_first(draft):
        draft.cancel(turn)
        return False
    if turn is None or not turn.active:
        draft.arm(ClockKind.SELLER_FIRST)
        draft.tell("seller_first", Party.RESPONDENT, "ADM-7")
        draft.tell("seller_first", Party.COMPLAINANT, "ADM-7")
    return True


def _seller_comes_first(draft: Draft) -> bool:
    """High-risk and external complaints skip the seller (ADM-7), as do those that are not about a seller."""
    case = draft.case
    skipped = case.high_risk or case.external or draft.category.names_agent or draft.category.on_review
    return case.seller_contact is SellerContact.NOT_APPROACHED and not skipped


EXAMINATION = (_unproven, _elsewhere, _groundless, _unclear, _untimely, _excessive, _with_the_seller)
"""What is examined at intake, in this order: each tells whether the complaint is refused there, or waits."""


def _ask(draft: Draft, kind: RequestKind, wanted: tuple[str, ...], clock: ClockKind, rule: str) -> None:
    evidence.ask(draft, kind, Party.COMPLAINANT, wanted, clock, rule)


def proof_lapsed(draft: Draft, subject: str) -> None:
    """No proof of purchase came in time (ADM-1)."""
    evidence.lapse(draft, subject, "ADM-1")
    _refuse(draft, Ground.NO_PROOF_OF_PURCHASE)


def completion_lapsed(draft: Draft, subject: str) -> None:
    """What was unclear stayed so (ADM-4)."""
    evidence.lapse(draft, subject, "ADM-4")
    _refuse(draft, Ground.UNCLEAR)


def offer_lapsed(draft: Draft, subject: str) -> None:
    """The other category was not taken: in its own the complaint is too early (ADM-3)."""
    evidence.lapse(draft, subject, "ADM-3")
    _refuse(draft, Ground.TOO_EARLY)


# --- category, clarity and claim put right ------------------------------------------------


def correct_category(draft: Draft, act: CorrectCategory) -> None:
    """An agent classifies the case anew (INT-4); a complainant takes the category that it was offered (ADM-3)."""
    case = draft.case
    if case.stage not in CLASSIFIED_IN:
        raise Refused("wrong_stage", "the category is corrected until verification has ended", "INT-4")
    if act.category not in draft.pack.categories:
        raise Refused("unknown_category", f"category: {draft.policy.ref} has no rules for {act.category}", "INT-4")
    if act.category is case.category:
        raise Refused("no_change", f"category: the case is of category {act.category} already", "INT-4")
    offer = evidence.open_request(draft, RequestKind.CATEGORY_OFFER)
    taken = offer is not None and act.category in offer.wanted
    if draft.party_of(act.actor) is Party.COMPLAINANT and not taken:
        raise Refused("not_offered", f"category: {act.category} was not offered", "ADM-3")
    apart = _filed_apart(draft, case.category, act.category)
    if apart:
        raise Refused("category_apart", f"category: {apart[0]} is filed as a complaint of its own", "INT-4")
    _classify(draft, act.category)


def can_be_classified(draft: Draft, category: Category) -> bool:
    """Whether a case can be of another category: until verification has ended, and not where one is filed apart."""
    known = category in draft.pack.categories
    return known and draft.case.stage in CLASSIFIED_IN and not _filed_apart(draft, draft.case.category, category)


def _filed_apart(draft: Draft, *categories: Category) -> list[Category]:
    """Those that name who is concerned, or a review: such a complaint is one of its own."""
    rules = draft.pack.categories
    return [each for each in categories if rules[each].names_agent or rules[each].on_review]


def classify(draft: Draft, category: Category) -> None:
    """An agent confirms the category that a text proposes (INT-4)."""
    if not can_be_classified(draft, category):
        raise Refused("wrong_stage", "the category is corrected until verification has ended", "INT-4")
    if category is not draft.case.category:
        _classify(draft, category)


def _classify(draft: Draft, category: Category) -> None:
    """The case is of another category; the offer of one is taken with that, or out of place (ADM-3)."""
    case, before = draft.case, draft.category
    offer = evidence.open_request(draft, RequestKind.CATEGORY_OFFER)
    taken = offer is not None and category in offer.wanted
    if offer is not None:
        evidence.settle(draft, offer, "answer" if taken else "cancel", "ADM-3")
    rules = ("INT-4", "ADM-3") if taken else ("INT-4",)
    draft.record(facts.CategoryCorrected(before=case.category, category=category, rules=rules))
    if case.stage is Stage.INTAKE:  # there the examination goes on
        return
    _narrow(draft, _allowed(draft, case.claim) or case.claim)
    if case.stage is Stage.VERIFICATION:
        verification.look_up(draft, set(draft.category.look_ups) - set(before.look_ups))
        hand_off.route_accepted(draft)


def request_completion(draft: Draft, act: RequestCompletion) -> None:
    """An agent finds the complaint unclear: the complainant is asked for more before anything else (ADM-4)."""
    if draft.case.stage not in (Stage.INTAKE, Stage.ACCEPTANCE):
        raise Refused("wrong_stage", "what is unclear is asked for before acceptance", "ADM-4")
    known = draft.pack.admission.clarity.facts
    unknown = [each for each in act.wanted if each not in known]
    if unknown:
        raise Refused("unknown_fact", f"wanted: {', '.join(unknown)} is not one of {', '.join(known)}", "ADM-4")
    if evidence.open_request(draft, RequestKind.COMPLETION) is not None:
        raise Refused("request_open", "the complainant has still to answer the last request", "ADM-4")
    _ask(draft, RequestKind.COMPLETION, act.wanted, ClockKind.COMPLETION, "ADM-4")


def complete(draft: Draft, act: CompleteComplaint) -> None:
    """The complainant, or an agent for it, adds what was unclear (ADM-4)."""
    if evidence.open_request(draft, RequestKind.COMPLETION) is None:
        raise Refused("not_asked", "description: nothing about the complaint is asked for now", "ADM-4")
    draft.record(facts.DescriptionCompleted(description=act.description, rules=("ADM-4",)))
    draft.have_read(act.description)
    evidence.answer_open(draft, RequestKind.COMPLETION, "ADM-4")


def narrow_claim(draft: Draft, act: NarrowClaim) -> None:
    """An agent narrows the claim to what policy allows, with the reason (ADM-4)."""
    case = draft.case
    if act.reason is None:
        raise Refused("reason_missing", "reason: narrowing a claim needs a reason", "ADM-4")
    if case.stage not in (Stage.INTAKE, Stage.ACCEPTANCE, Stage.VERIFICATION):
        raise Refused("wrong_stage", "a claim is narrowed until verification has ended", "ADM-4")
    offered = [option.kind for option in draft.category.remedies]
    foreign = [kind for kind in act.claim.remedies if kind not in offered]
    if foreign:
        raise Refused(
            "remedy_not_offered",
            f"claim.remedies: {', '.join(foreign)} is not one of {', '.join(offered)}",
            draft.category.rule,
        )
    narrowed = replace(case.claim, remedies=act.claim.remedies, amount_fen=act.claim.amount_fen)
    said = (act.claim.problem_since or narrowed.problem_since, act.claim.return_reason or narrowed.return_reason)
    if said != (narrowed.problem_since, narrowed.return_reason):
        raise Refused("claim_changed", "claim: only remedies and amount are narrowed", "ADM-4")
    if narrowed == case.claim or not set(narrowed.remedies) <= set(case.claim.remedies):
        raise Refused("not_narrower", f"claim.remedies: fewer than {', '.join(case.claim.remedies)}", "ADM-4")
    if _asks_more(draft, narrowed):
        raise Refused("not_narrower", f"claim.amount_fen: no more than {case.claim.amount_fen} fen", "ADM-4")
    _narrow(draft, narrowed)


def _asks_more(draft: Draft, narrowed: Claim) -> bool:
    """Whether the claim asks for more money than before; where money is asked for, no amount is no limit."""
    before, after = draft.case.claim.amount_fen, narrowed.amount_fen
    if before is None:
        return False
    if after is None:
        return any(draft.pack.remedies[kind].money for kind in narrowed.remedies)
    return after > before


def _allowed(draft: Draft, claim: Claim) -> Claim | None:
    """What policy allows of a claim; None where nothing is left."""
    offered = {option.kind for option in draft.category.remedies}
    kinds = tuple(kind for kind in claim.remedies if kind in offered)
    return replace(claim, remedies=kinds, amount_fen=_capped(draft, kinds, claim.amount_fen)) if kinds else None


def _capped(draft: Draft, kinds: tuple[RemedyKind, ...], amount: int | None) -> int | None:
    """The amount up to the highest cap among the remedies, in percent of what the orders cost.

    What the policy computes follows its own cap.
    """
    rules = [draft.pack.remedies[kind] for kind in kinds]
    if amount is None or draft.case.order is None or any(rule.amount for rule in rules):
        return amount
    paid = sum(order.paid_fen for order in draft.case.orders_known)
    percent = max(rule.cap_percent_of_order or 100 for rule in rules)
    return min(amount, paid * percent // 100) or None


def _narrow(draft: Draft, claim: Claim) -> None:
    """The complainant is told what the claim is from now on (ADM-4)."""
    if claim == draft.case.claim:
        return
    draft.record(facts.ClaimNarrowed(claim=claim, rules=("ADM-4",)))
    amount = () if claim.amount_fen is None else (yuan(claim.amount_fen),)
    draft.tell("claim_narrowed", Party.COMPLAINANT, "ADM-4", claim=", ".join((*claim.remedies, *amount)))


# --- the seller first ---------------------------------------------------------------------


def report_seller_contact(draft: Draft, act: ReportSellerContact) -> None:
    """What came of turning to the seller: a case goes on unless it is solved (ADM-7)."""
    if draft.case.stage is not Stage.INTAKE:
        raise Refused("wrong_stage", "the seller's answer is asked for at intake only", "ADM-7")
    draft.record(facts.SellerContactReported(result=act.result, rules=("ADM-7",)))
    draft.meet(draft.case.clock(ClockKind.SELLER_FIRST))
    if act.result is SellerContact.SOLVED:
        drop(draft, Outcome.SETTLED_BY_SELLER, "ADM-7")


def seller_first_lapsed(draft: Draft, subject: str) -> None:
    """The seller had its turn and did not solve it (ADM-7)."""
    draft.record(facts.SellerContactReported(result=SellerContact.NO_ANSWER, rules=("ADM-7",)))


# --- acceptance and refusal ---------------------------------------------------------------


def accept(draft: Draft, act: AcceptComplaint) -> None:
    """The agent accepts the complaint and owns it from now on (SLA-1)."""
    if evidence.open_request(draft, RequestKind.COMPLETION) is not None:
        raise Refused("answer_outstanding", "what is unclear has to be completed first, by whomever", "ADM-4")
    draft.move("accept", "SLA-1")
    draft.own(act.actor)
    draft.correctable("accept_complaint", Stage.ACCEPTANCE)
    draft.tell("accepted", Party.COMPLAINANT, "SLA-1")
    hand_off.route_accepted(draft)
    verification.open_(draft)


def refuse(draft: Draft, act: RefuseComplaint) -> None:
    """The agent refuses to admit the complaint, on one of the stated grounds (ADM-5)."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: a refusal needs a reason", "TRA-1")
    open_to_agents = _grounds_for_agents(draft)
    if act.ground not in open_to_agents:
        raise Refused("wrong_ground", f"ground: an agent refuses on one of {', '.join(open_to_agents)}", "ADM-5")
    before = draft.case.stage
    _refuse(draft, act.ground, "ADM-5")
    draft.own(act.actor)
    draft.correctable("refuse_complaint", before)


def _grounds_for_agents(draft: Draft) -> list[Ground]:
    """The grounds on which an agent may refuse: in the review of a refusal, also those that the engine examines."""
    case = draft.case
    return [
        ground
        for ground, row in draft.pack.admission.grounds.items()
        if (row.by_agent or case.hearing.kind is HearingKind.REVIEW)
        and (ground is not Ground.NO_REVIEW_GROUND or case.review is not None)
    ]


def _refuse(draft: Draft, ground: Ground, *rules: str, **detail: str) -> None:
    """Not admitted, with the ground; the complainant is told (ADM-5)."""
    cited = tuple(dict.fromkeys((draft.pack.admission.grounds[ground].rule, *rules)))
    draft.move("refuse", *cited)
    draft.record(facts.OutcomeSet(outcome=Outcome.REFUSED, ground=ground, detail=detail, rules=cited))
    draft.settle_open_matters()
    template = "refused_final" if draft.case.hearing.final else "refused"
    draft.tell(template, Party.COMPLAINANT, *cited, "FBK-1", ground=ground, **detail)


def drop(draft: Draft, outcome: Outcome, rule: str) -> None:
    """The complainant no longer pursues the matter: clocks are cancelled, both sides are told (COO-5)."""
    draft.move("withdraw", rule, drop=True)
    draft.record(facts.OutcomeSet(outcome=outcome, rules=(rule,)))
    draft.settle_open_matters()
    draft.tell_both("withdrawn", rule, "FBK-1", outcome=outcome)
