"""Every configuration that a case can be in, found breadth first through `decide` itself.

A case has endless data (texts, times, money, counters, history), but few of them decide what can happen next. `normal`
maps a case to the one that stands for all that differ only in the rest; two cases with the same normal form are one
configuration. From every configuration every act in each meaningful variant, every outcome of every effect, and the
end of every clock is decided, and the case that follows is normalised again, until nothing new appears.

One search over everything would multiply what has nothing to do with each other. There are several (`EXPLORATIONS`),
each from complaints of its own under a pack with its counters cut down, in which nobody has the right to what another
search is for.

What `normal` leaves out, and why that loses nothing of what is proved here:

- Instants. All clocks stand at one canonical hour, and each may end next. That allows more orders of deadlines than
  real time does, so a fault that needs an order cannot hide; what holds in spite of it holds in real time.
- Counters that only cap (rounds of evidence, extensions) and proposals but the last two: each search also follows an
  act that its cap would refuse. Caps have example tests of their own.
- History that nothing reads: contacts but the first, statements, conduct, answers, settled requests, ended hand-offs
  and offers. Of the escalations those alone are kept that are not repeated: within a hearing, or for so many contacts.
- What an earlier result brought, once no review or appeal can take it back: what was granted is then in the way of what
  would go beyond a cap, and each search follows that too. Reversal follows the order in which things were recorded, so
  that is kept.
- Who decided before: one agent stands for all whom a hearing bars, another for all whom it does not.
- The level: `decide` reads it in `raise_level` only. Every step is checked not to lower it. A team's own level is read
  where the team is late, and nowhere else.
- The priority: it only moves deadlines, and every step computes it anew. Every step is checked not to lengthen a clock
  by it.
- Who owns the case, and who in a team works on what: that somebody does is no other configuration than that it waits.
- Which of the teams that take consent has what is handed over: one route stands for all of them.
- Of several complaints outside that wait for an answer, one stands for all; another one is on record or is not.
- The first-contact clock: it only raises the level and starts again. Leaving it out makes the claim that every
  configuration has a deadline the stronger.
- What the platform knows of the orders, once the complaint is admitted: an appeal looks it up anew.
- Notices that need not reach anybody, look-ups for the file, and the return address: their outcomes move nothing; they
  are reported at once, in turn as done and as failed. Of what a party must be told, the newest stands for all, and only
  while the case waits for it.

A test replays random histories of real cases and holds each step against the search's graph (`Graph.covers`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace
from statemachine import StateMachine

from policies.book import PolicyBook, default_book
from policies.schema import (
    AppealRoute,
    Category,
    Channel,
    ClockKind,
    Ground,
    Level,
    OrderState,
    Outcome,
    Pack,
    PackRef,
    Party,
    Policy,
    Priority,
    Rating,
    RemedyKind,
    Role,
    Route,
    Stage,
    Trigger,
)
from policies.sense import ENGINES_OWN
from policies.triage import TriageLabel
from policies.wording import render
from states import effects, events, facts
from states.case import Case, next_wake
from states.decide import Decision, decide
from states.events import ProposalAnswer
from states.journal import apply, body, unseal
from states.lifecycle import (
    AppealLife,
    ClockLife,
    EscalationLevel,
    HandOffLife,
    NoticeLife,
    OccurrenceLife,
    OfferLife,
    PenaltyLife,
    ProposalLife,
    RemedyLife,
    RequestLife,
)
from states.rules import reversal
from states.values import (
    Actor,
    Claim,
    Clock,
    ClockState,
    Consent,
    ConsentState,
    Contact,
    Escalation,
    Evidence,
    ExternalComplaint,
    Finding,
    HandOff,
    HandOffState,
    Head,
    Hearing,
    HearingKind,
    Notice,
    NoticeState,
    Occurrence,
    OccurrenceState,
    OrderFacts,
    Penalty,
    PenaltyState,
    Proposal,
    ProposalOfTriageState,
    ProposalState,
    Remedy,
    RemedyState,
    RemedyTerms,
    Request,
    RequestKind,
    RequestState,
    ReviewComplaint,
    RiskState,
    Ruling,
    Scores,
    SellerContact,
    TriageProposal,
    Violation,
)
from states.view import possible_acts
from tests.states.story import AGENT, BUYER, CHIEF, ENGINE, SELLER, START, complaint, item, order, text

NOW = START
DUE = NOW + timedelta(hours=24)
WARN = NOW + timedelta(hours=12)
EARLIER = NOW - timedelta(hours=1)
OPENED = NOW - timedelta(hours=2)
"""When the hearing began: what was confirmed in it was so since, and in a new one was not."""
LEVELS = list(Level)
FIRST_ASK = SellerContact.NOT_APPROACHED
OTHER = Actor(id="agent-04", role=Role.AGENT)
"""An agent who did not decide before."""

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=100)
WHOLE_REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
EXCHANGE = RemedyTerms(kind=RemedyKind.EXCHANGE)
RETURN = RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND)
SCORES = Scores(speed=1, attitude=2, accuracy=3, problem_solving=4, product_knowledge=5, result=1)
WIDE = Claim(remedies=(RemedyKind.REFUND, RemedyKind.COMPENSATION, RemedyKind.COUPON))


# --- what is searched ------------------------------------------------------------------------------


class Matter(msgspec.Struct, frozen=True):
    """What a category lets the parties want of each other, and the platform decide."""

    cause: str
    rulings: tuple[dict[str, Any], ...]
    proposals: tuple[RemedyTerms, ...] = (REFUND,)
    evidence: str = ""
    """The kind of item that a finding rests on, if any has to be cited."""
    elsewhere: Category | None = None
    """Another category, as which the complaint may be classified or filed."""
    shown: tuple[effects.Found, ...] = ()
    """What its texts may show, each on its own."""


def _upheld(*remedies: RemedyTerms, penalties: tuple[str, ...] = ()) -> dict[str, Any]:
    imposed = tuple(Violation(row=row) for row in penalties)
    return {"outcome": Outcome.UPHELD, "rule": "R-1", "remedies": remedies, "penalties": imposed}


DISMISSED: dict[str, Any] = {"outcome": Outcome.DISMISSED, "rule": "R-2"}
EXPLAINED: dict[str, Any] = {"outcome": Outcome.EXPLAINED, "rule": "R-3"}


def _one(kind: RemedyKind, **given: Any) -> RemedyTerms:
    return RemedyTerms(kind=kind, **given)


def _shown(*what: TriageLabel | Category) -> tuple[effects.Found, ...]:
    return tuple(
        effects.Found(label=each, excerpts=())
        if isinstance(each, TriageLabel)
        else effects.Found(category=each, excerpts=())
        for each in what
    )


MATTERS: dict[Category, Matter] = {
    Category.QUALITY: Matter(
        "defective_goods",
        (_upheld(EXCHANGE), DISMISSED),
        (REFUND, RETURN),
        "photo",
        shown=_shown(TriageLabel.SAFETY_HAZARD),
    ),
    Category.LOGISTICS: Matter(
        "not_shipped",
        (_upheld(_one(RemedyKind.RESHIPMENT)), DISMISSED),
        shown=_shown(TriageLabel.EXTERNAL_COMPLAINT_INTENT),
    ),
    Category.NOT_RECEIVED: Matter(
        "not_shipped",
        (_upheld(_one(RemedyKind.RESHIPMENT)), DISMISSED),
        shown=_shown(TriageLabel.COUNTERFEIT),
    ),
    Category.COUNTERFEIT: Matter("counterfeit_goods", (DISMISSED,)),
    Category.FALSE_SHIPMENT: Matter(
        "falsely_shipped",
        (DISMISSED,),
        evidence="chat_log",
        elsewhere=Category.LATE_SHIPMENT,
        shown=_shown(Category.LATE_SHIPMENT),
    ),
    Category.LATE_SHIPMENT: Matter(
        "not_shipped",
        (DISMISSED,),
        evidence="chat_log",
        elsewhere=Category.FALSE_SHIPMENT,
        shown=_shown(Category.LATE_SHIPMENT),
    ),
    Category.FALSE_ADVERTISING: Matter("false_content", (_upheld(REFUND), DISMISSED)),
    Category.PRICE_PROMOTION: Matter("price_misstated", (_upheld(REFUND), EXPLAINED), evidence="screenshot"),
    Category.BROKEN_PROMISE: Matter(
        "promise_not_kept",
        (
            _upheld(_one(RemedyKind.PROMISE_COMPENSATION)),
            _upheld(WHOLE_REFUND),
            _upheld(REFUND),
            DISMISSED,
        ),
        evidence="chat_log",
    ),
    Category.MALICIOUS_REVIEW: Matter(
        "coercion", (_upheld(_one(RemedyKind.REVIEW_REMOVAL)), DISMISSED), evidence="review"
    ),
    Category.INVOICE: Matter("invoice_refused", (_upheld(_one(RemedyKind.INVOICE), penalties=("points",)), DISMISSED)),
    Category.SERVICE_HANDLING: Matter(
        "handled_wrongly", (_upheld(_one(RemedyKind.APOLOGY)), DISMISSED), evidence="chat_log"
    ),
}

FINDING_OUT = ("request_evidence", "submit_statement")
MEDIATING = ("propose_remedy", "answer_proposal")
PUTTING_RIGHT = ("merge_case", "absorb_case", "correct_act", "withdraw_complaint", "reopen_case")
CLASSIFYING = ("correct_category", "narrow_claim", "request_completion", "complete_complaint")
ON_THE_SIDE = ("examine_transcript", "record_conduct", "migrate_policy", "extend_clock", "escalate_case")
READING = ("assess_case",)
OUTSIDE = ("record_external_complaint",)
RISKY = ("set_risk", "offer_solution", "answer_offer")
COUNTED = ("link_incident",)
COMPLAINING = ("report_trigger",)
RISING = (*READING, *OUTSIDE, *RISKY, *COUNTED, *COMPLAINING)
HANDING = ("hand_over", "answer_hand_off", "take_hand_off", "return_hand_off", "refuse_hand_off", "recall_hand_off")
SIDEWAYS = (*HANDING, "assign_case")
"""Acts that a search may do without, for another has them."""


def small_book(
    without: Iterable[str] = (),
    *,
    with_: Iterable[str] = (),
    must_reach: tuple[str, ...] | None = None,
    counted: bool = False,
    reviews: int = 1,
    appeals: int = 1,
    contacts: int | None = None,
    **changes: Any,
) -> PolicyBook:
    """The platform's book with its counters cut down: one return, one review, one appeal, two proposals, few channels
    and warnings; in two versions that differ in name alone. Nobody has the right to the acts `without`, nor to what
    raises a case or goes sideways, but for the acts `with_`. So many further contacts raise a case, if any do. Of the
    notices that have to reach their party, only those named still do, where any are.
    """
    denied = {*without, *RISING, *SIDEWAYS} - set(with_)
    policy = default_book().in_force("platform", NOW)
    pack = policy.pack
    clocks = {
        kind: replace(rule, warn_hours_before=rule.warn_hours_before if kind is ClockKind.RULING else 0)
        for kind, rule in pack.clocks.items()
    }
    notices = {
        name: replace(
            rule,
            channels=rule.channels[: 2 if name == "refused" else 1],
            must_reach=rule.must_reach and (must_reach is None or name in must_reach),
        )
        for name, rule in pack.notices.items()
    }
    routes = pack.appeal.routes | {OrderState.CLOSED_BY_REFUND: AppealRoute.NOT_HEARD}
    appeal = replace(pack.appeal, times=appeals, routes=routes)
    small = replace(
        pack,
        clocks=clocks,
        notices=notices,
        mediation=replace(pack.mediation, max_rounds=2),
        follow_up=replace(pack.follow_up, max_returns=1),
        review=replace(pack.review, times=reviews),
        appeal=appeal,
        repeats=tuple(rule for rule in pack.repeats if rule.counts == "upheld_complaint") if counted else (),
        repeat_contacts=replace(pack.repeat_contacts, counts=() if contacts is None else (contacts,)),
        rights=pack.rights | dict.fromkeys(denied, ()),
        **changes,
    )
    versions = [small, replace(small, version="next", effective_from=pack.effective_from.replace(year=2099))]
    refs = [PackRef(name=each.name, version=each.version, digest="0" * 64) for each in versions]
    return PolicyBook(
        {ref: Policy(ref=ref, pack=each, calendar=policy.calendar) for ref, each in zip(refs, versions, strict=True)}
    )


class Exploration(msgspec.Struct, frozen=True):
    """One search: the pack that it goes by, and the complaints that its cases start from."""

    book: Callable[[], PolicyBook]
    starts: dict[str, dict[str, Any]]
    admitted: bool = True
    """Whether the orders are known as they mostly are: then the search begins at acceptance."""
    known: dict[str, Any] = {}
    """What is known of the orders besides."""


ASIDE = (*FINDING_OUT, *MEDIATING, *PUTTING_RIGHT, *CLASSIFYING)


def _reading_book(*without: str) -> PolicyBook:
    """Texts are read, and an agent says something of what they show."""
    others = (*FINDING_OUT, *MEDIATING, *PUTTING_RIGHT, *CLASSIFYING, *ON_THE_SIDE)
    return small_book((*others, *without), with_=READING, must_reach=(), reviews=0, appeals=0)


EXPLORATIONS: dict[str, Exploration] = {
    "handling": Exploration(
        lambda: small_book((*CLASSIFYING, *ON_THE_SIDE), reviews=0),
        {"quality": {"evidence": (item("photo"),)}},
    ),
    "proof": Exploration(
        lambda: small_book((*CLASSIFYING, *ON_THE_SIDE, *MEDIATING, *PUTTING_RIGHT), appeals=0, must_reach=()),
        {
            "quality": {"evidence": ()},
            "logistics": {"category": Category.LOGISTICS, "evidence": (), "seller_contact": SellerContact.NO_ANSWER},
        },
    ),
    "admission": Exploration(
        lambda: small_book((*FINDING_OUT, *MEDIATING, "extend_clock", "escalate_case", "merge_case", "absorb_case")),
        {
            "unclear": {
                "category": Category.FALSE_SHIPMENT,
                "claim": WIDE,
                "description": text("x"),
                "seller_contact": FIRST_ASK,
                "evidence": (item("chat_log"),),
            },
            "excessive": {
                "category": Category.FALSE_SHIPMENT,
                "claim": Claim(remedies=(RemedyKind.INVOICE,)),
                "evidence": (item("chat_log"),),
            },
        },
        admitted=False,
    ),
    "amounts": Exploration(
        lambda: small_book((*ASIDE, *ON_THE_SIDE), must_reach=(), appeals=0),
        {"promise": {"category": Category.BROKEN_PROMISE, "evidence": (item("chat_log"),)}},
    ),
    "ledger": Exploration(
        lambda: small_book((*ASIDE, *ON_THE_SIDE), must_reach=(), counted=True, reviews=0),
        {"invoice": {"category": Category.INVOICE}},
    ),
    "others": Exploration(
        lambda: small_book(ASIDE, must_reach=()),
        {
            "advertising": {"category": Category.FALSE_ADVERTISING},
            "promotion": {"category": Category.PRICE_PROMOTION, "evidence": (item("screenshot"),)},
            "service": {
                "category": Category.SERVICE_HANDLING,
                "respondent": "service",
                "agent_concerned": "agent-09",
                "evidence": (item("chat_log"),),
            },
            "review": {
                "category": Category.MALICIOUS_REVIEW,
                "actor": Actor(id=SELLER.id, role=Role.COMPLAINANT),
                "complainant": SELLER.id,
                "respondent": BUYER.id,
                "review": ReviewComplaint(
                    review="review-1", rating=Rating.NEGATIVE, ground="coercion", circumstance="price_cut"
                ),
                "evidence": (item("review"),),
            },
        },
    ),
    "rising": Exploration(
        lambda: small_book(
            (*FINDING_OUT, *MEDIATING, *CLASSIFYING, *PUTTING_RIGHT, *ON_THE_SIDE),
            with_=(*RISKY, *COUNTED),
            must_reach=("refused", "withdrawn"),
            reviews=0,
            appeals=0,
        ),
        {"not received": {"category": Category.NOT_RECEIVED, "evidence": ()}},
        admitted=False,
    ),
    "outside": Exploration(
        lambda: small_book(
            (*FINDING_OUT, *MEDIATING, *CLASSIFYING, *ON_THE_SIDE, *PUTTING_RIGHT),
            with_=(*OUTSIDE, *COMPLAINING),
            must_reach=("refused", "withdrawn"),
            reviews=0,
            appeals=0,
            contacts=1,
        ),
        {"logistics": {"category": Category.LOGISTICS, "evidence": ()}},
        admitted=False,
    ),
    "texts": Exploration(
        _reading_book,
        {
            "hazard": {"category": Category.QUALITY},
            "leaning": {"category": Category.LOGISTICS, "evidence": ()},
            "fake": {"category": Category.NOT_RECEIVED, "evidence": ()},
        },
    ),
    "too early": Exploration(
        lambda: _reading_book("refuse_complaint", "withdraw_complaint"),
        {"false shipment": {"category": Category.FALSE_SHIPMENT, "evidence": ()}},
        admitted=False,
    ),
    "sideways": Exploration(
        lambda: small_book(
            (*FINDING_OUT, *MEDIATING, *CLASSIFYING, *ON_THE_SIDE, "absorb_case", "reopen_case"),
            with_=SIDEWAYS,
            reviews=0,
            appeals=0,
        ),
        {
            "logistics": {"category": Category.LOGISTICS, "evidence": ()},
            "unbranded": {"category": Category.COUNTERFEIT, "evidence": ()},
        },
        known={"branded": False},
    ),
}


# --- the normal form -------------------------------------------------------------------------------


def normal(case: Case, policy: Policy) -> Case:
    """The case that stands for every case in the same configuration."""
    pack = policy.pack
    requests, names = _requests(case)
    proposals, proposal_names = _proposals(case)
    notices, notice_names = _notices(case, pack)
    results = _Results(case, pack)
    hand_offs, hand_off_names = _hand_offs(case, pack)
    externals, external_names = _externals(case)
    offers = () if case.open_offer is None else (replace(case.open_offer, id="K1", text=text("offer"), by="", at=NOW),)
    names |= proposal_names | results.names | hand_off_names | external_names
    at_intake = case.stage is Stage.INTAKE
    hearings = _hearings(case)
    outcome, ground = _outcome(case, pack)
    return replace(
        case,
        head=Head(number=1),
        policy=policy.ref,
        penalty_policy=case.penalty_policy and policy.ref,
        claim=_claim(case, pack),
        title=text("title"),
        description=text("x" if at_intake and case.description.size == 1 else "description"),
        channel=Channel.ORDER_PAGE,
        received_at=NOW,
        seller_contact=_seller_contact(case),
        risk=RiskState.PROPOSED if case.risk is RiskState.PROPOSED else None,
        handled=tuple(each for each in case.handled if each is not case.category),
        path=case.path[-2:] if case.path[-2:] == (Stage.FOLLOW_UP, Stage.CLOSED) else case.path[-1:],
        level=Level.FRONT_LINE,
        owner=None,
        priority=Priority.NORMAL,
        factors=(),
        outcome=outcome,
        outcome_ground=ground,
        orders_known=_known(case),
        orders_checked=case.orders_checked if at_intake else case.orders,
        standing=case.standing or not at_intake,
        disputed_at=None,
        logistics=None,
        claimant_history=None,
        contacts=_contacts(case, pack),
        clocks=_clocks(case, pack, names),
        evidence=_evidence(case),
        requests=requests,
        statements=(),
        finding=_finding(case),
        proposals=proposals,
        ruling=_ruling(case),
        remedies=results.remedies,
        penalties=results.penalties,
        occurrences=results.occurrences,
        conduct=(),
        staff_conduct=(),
        earlier=tuple(sorted(names[each] for each in case.earlier if each in results.names)),
        transcripts=(),
        escalations=_escalations(case, pack, len(hearings)),
        externals=externals,
        triage=_triage(case),
        offers=offers,
        hand_offs=hand_offs,
        incident=case.incident and "incident-1",
        notices=notices,
        surveys=(),
        returns=min(case.returns, pack.follow_up.max_returns),
        closings=0,
        hearings=hearings,
        appeals=_appeals(case),
        result_told_at=case.result_told_at and NOW if case.stage in TOLD else None,
        deciders=(AGENT.id,),
        reopenings=0,
        absorbed=(),
        correctable=_correctable(case, names),
        settled_until=None,
        incidents=(),
        outbox=_outbox(case, policy, names, notice_names),
        answers=(),
    )


def _claim(case: Case, pack: Pack) -> Claim:
    """What is claimed, at intake and where a known solution goes by it."""
    rule = pack.refund_only
    if case.stage is Stage.INTAKE and not _offered(case, pack):
        return case.claim
    if case.category in rule.categories and set(case.claim.remedies) <= set(rule.remedies):
        return Claim(remedies=rule.remedies)
    return WIDE


def _offered(case: Case, pack: Pack) -> bool:
    """Whether the category offers all that is claimed."""
    return set(case.claim.remedies) <= {option.kind for option in pack.categories[case.category].remedies}


def _seller_contact(case: Case) -> SellerContact:
    """Whether the seller was asked first, while that matters."""
    at_intake = case.stage is Stage.INTAKE
    return case.seller_contact if at_intake and case.seller_contact is FIRST_ASK else SellerContact.REFUSED


def _known(case: Case) -> tuple[OrderFacts, ...]:
    """What is known of the orders at intake; later they are as most orders are, and a counterfeit has a brand or none,
    by which it is handed over.
    """
    if case.stage is not Stage.INTAKE:
        unbranded = case.category is Category.COUNTERFEIT and case.order is not None and case.order.branded is False
        return tuple(order(order=each, branded=False if unbranded else None) for each in case.orders)
    return tuple(
        replace(each, state=OrderState.SUCCEEDED) if each.state is OrderState.CLOSED_BY_REFUND else each
        for each in case.orders_known
    )


def _outcome(case: Case, pack: Pack) -> tuple[Outcome | None, str]:
    """How the case ended, as far as it matters to whether it is heard or filed again."""
    match case.outcome:
        case None:
            return None, ""
        case Outcome.REFUSED:
            curable = pack.admission.grounds[Ground(case.outcome_ground)].curable
            return Outcome.REFUSED, Ground.UNCLEAR if curable else Ground.TOO_LATE
        case Outcome.WITHDRAWN | Outcome.SETTLED_BY_SELLER:
            return Outcome.WITHDRAWN, ""
        case Outcome.MERGED:
            return Outcome.MERGED, ""
        case Outcome.AGREED if case.hearing.final:
            return Outcome.AGREED, ""
    return case.outcome if reversal.under_way(case) else Outcome.UPHELD, ""


def _finding(case: Case) -> Finding | None:
    """The finding, until the result is told: whoever comes back after that finds anew."""
    if case.finding is None or case.stage in (*TOLD, Stage.WITHDRAWN):
        return None
    return replace(case.finding, cause=None, evidence=(), by="", at=NOW)


def _ruling(case: Case) -> Ruling | None:
    """That it was ruled; while something is being taken back also what the ruling brings after that."""
    ruling = case.ruling
    if ruling is None:
        return None
    pending = reversal.under_way(case)
    return replace(
        ruling,
        id="ruling",
        outcome=ruling.outcome if pending else Outcome.UPHELD,
        rule="",
        remedies=ruling.remedies if pending else (),
        penalties=ruling.penalties if pending else (),
        finding=replace(ruling.finding, proven=True, responsible=None, cause=None, evidence=(), by="", at=NOW)
        if not pending
        else replace(ruling.finding, cause=None, evidence=(), by="", at=NOW),
        reasons=text("reason"),
        by="",
        at=NOW,
        final=False,
    )


def _contests(case: Case) -> tuple[HearingKind, ...]:
    """The reviews and appeals since the complaint was last filed. The first appeal is the last contest."""
    kinds = [hearing.kind for hearing in case.hearings]
    filed = len(kinds) - kinds[::-1].index(HearingKind.FIRST) if HearingKind.FIRST in kinds else 0
    contests = [kind for kind in kinds[filed:] if kind in reversal.AGAIN]
    return (HearingKind.APPEAL,) if HearingKind.APPEAL in contests else tuple(contests)


def _hearings(case: Case) -> tuple[Hearing, ...]:
    """The first hearing, the contest that was heard last, and the hearing of now; rounds count from its beginning."""
    kinds = [HearingKind.FIRST, *_contests(case)[-1:]]
    over = case.outcome in (Outcome.WITHDRAWN, Outcome.SETTLED_BY_SELLER, Outcome.MERGED)
    contested = case.hearing.kind in reversal.AGAIN and not over
    if len(kinds) > 1 and not contested:
        kinds.append(HearingKind.REOPENED)
    barred = (AGENT.id,) if contested else ()
    last = Hearing(kind=kinds[-1], opened_at=OPENED, barred=barred, final=contested and case.hearing.final)
    return (*(Hearing(kind=kind, opened_at=OPENED) for kind in kinds[:-1]), last)


def _appeals(case: Case) -> tuple[Any, ...]:
    """The appeal that is being examined; whose it is makes no difference."""
    appeal = case.open_appeal
    if appeal is None:
        return ()
    return (replace(appeal, id="A1", party=Party.COMPLAINANT, channel=Channel.HOTLINE, evidence=(), at=NOW),)


def _correctable(case: Case, names: dict[str, str]) -> Any:
    """An act that can still be corrected."""
    act = case.correctable
    if act is None or (case.stage is not act.after and act.act != "refuse_complaint"):
        return None
    return replace(act, entry=1, subject=names.get(act.subject, "") if act.subject else "")


def _requests(case: Case) -> tuple[tuple[Request, ...], dict[str, str]]:
    """Open requests; at intake some are asked for once in a hearing, so those that are settled count as well."""
    begun = case.hearing.requests
    once = (RequestKind.PROOF_OF_PURCHASE, RequestKind.COMPLETION)
    kept = list(case.open_requests())
    if case.stage is Stage.INTAKE:
        settled = {each.kind: each for each in case.requests[begun:] if each.state is not RequestState.OPEN}
        kept += [replace(settled[kind], state=RequestState.ANSWERED) for kind in once if kind in settled]
    kept.sort(key=lambda request: (request.kind, request.party, request.state))
    names = {request.id: f"Q{number}" for number, request in enumerate(kept, 1)}
    return tuple(
        replace(
            request,
            id=names[request.id],
            asked_at=NOW,
            wanted=request.wanted if request.kind is RequestKind.CATEGORY_OFFER else ("photo",),
        )
        for request in kept
    ), names


def _proposals(case: Case) -> tuple[tuple[Proposal, ...], dict[str, str]]:
    """The proposals of this hearing during mediation, for they are counted; none later."""
    if case.stage is not Stage.COORDINATION:
        return (), {}
    kept = case.proposals[case.hearing.proposals :][-2:]
    names = {proposal.id: f"P{number}" for number, proposal in enumerate(kept, 1)}
    return tuple(
        replace(proposal, id=names[proposal.id], by=AGENT.role, made_at=NOW)
        if proposal.state is ProposalState.OPEN
        else replace(
            proposal,
            id=names[proposal.id],
            by=AGENT.role,
            terms=REFUND,
            state=ProposalState.DECLINED,
            awaiting=(),
            made_at=NOW,
        )
        for proposal in kept
    ), names


def _contacts(case: Case, pack: Pack) -> tuple[Contact, ...]:
    """That there was a first contact, where further ones raise the case; each of those that come does so by itself."""
    if not pack.repeat_contacts.counts:
        return ()
    return (Contact(at=NOW, channel=Channel.ORDER_PAGE, by=case.complainant),)


def _escalations(case: Case, pack: Pack, hearings: int) -> tuple[Escalation, ...]:
    """The rises that are not repeated: what was said in this hearing, and that there were so many contacts."""
    here = len(case.hearings)
    once = {
        each.trigger: hearings if each.trigger in SAID else each.arming
        for each in case.escalations
        if (each.trigger in SAID and each.arming == here) or each.trigger is Trigger.REPEAT_CONTACT
    }
    return tuple(
        Escalation(trigger=trigger, arming=once[trigger], before=Level.FRONT_LINE, after=Level.FRONT_LINE, at=NOW)
        for trigger in sorted(once)
    )


SAID = (Trigger.LEANING, Trigger.ASKS_MANAGEMENT)
"""What counts once in a hearing."""


def _triage(case: Case) -> tuple[TriageProposal, ...]:
    """What an agent has still to say something about, and what was confirmed in this hearing."""
    kept = {
        (each.label or "", each.category or "", each.state): each
        for each in case.triage
        if each.state is ProposalOfTriageState.PROPOSED
        or (each.state is ProposalOfTriageState.CONFIRMED and each.at >= case.hearing.opened_at)
    }
    return tuple(
        replace(kept[key], id=f"T{number}", excerpts=(), at=EARLIER) for number, key in enumerate(sorted(kept), 1)
    )


def _externals(case: Case) -> tuple[tuple[ExternalComplaint, ...], dict[str, str]]:
    """A complaint outside that waits for its answer; of several, one."""
    waits = {clock.subject for clock in case.clocks if clock.kind is ClockKind.OUTSIDE and clock.active}
    kept = [
        replace(each, id="X1", body="court", reference="77", made_at=NOW, at=NOW, due=None)
        for each in case.externals
        if each.id in waits
    ]
    return tuple(kept[:1]), dict.fromkeys(waits, "X1")


BY_CONSENT = (Route.LOGISTICS, Route.OFFLINE, Route.ON_BEHALF, Route.MERCHANT)
"""The routes that an agent alone takes, each in the same way."""


def _hand_offs(case: Case, pack: Pack) -> tuple[tuple[HandOff, ...], dict[str, str]]:
    """What other teams have still to do; whether one has begun with it makes no difference."""
    alike: dict[str, list[HandOff]] = {}
    for each in case.open_hand_offs:
        asked = each.state is HandOffState.CONSENT_PENDING
        route = Route.MERCHANT if each.route in BY_CONSENT else each.route
        alike.setdefault(f"{route} {asked} {each.first}", []).append(each)
    names = {each.id: f"H{number}" for number, key in enumerate(sorted(alike), 1) for each in alike[key]}
    kept = tuple(_hand_off(alike[key][0], pack, f"H{number}") for number, key in enumerate(sorted(alike), 1))
    return kept, names


def _hand_off(hand_off: HandOff, pack: Pack, id_: str) -> HandOff:
    asked = hand_off.state is HandOffState.CONSENT_PENDING
    route = Route.MERCHANT if hand_off.route in BY_CONSENT else hand_off.route
    return HandOff(
        id=id_,
        route=route,
        team=pack.routes[route].team,
        state=HandOffState.CONSENT_PENDING if asked else HandOffState.QUEUED,
        by="",
        at=NOW,
        consent=Consent(state=ConsentState.ASKED if asked else ConsentState.GIVEN, at=NOW),
        first=hand_off.first,
    )


class _Results:
    """What rulings and agreements brought, as far as it is still on its way or can be taken back."""

    def __init__(self, case: Case, pack: Pack) -> None:
        self.case = case
        self.contestable = not _contests(case) or HearingKind.APPEAL not in _contests(case)
        self.contestable |= case.hearing.kind in reversal.AGAIN
        self.keys = self._ranked()
        self.names: dict[str, str] = {}
        occurrences = self._named("O", [each for each in case.occurrences if self._counts(each)])
        penalties = self._named("N", [each for each in case.penalties if self._applies(each)])
        remedies = self._named("M", [each for each in case.remedies if self._stands(each)])
        self.occurrences = tuple(
            replace(each, id=self.names[each.id], key=self._key(each.key), count=None) for each in occurrences
        )
        self.penalties = tuple(
            replace(
                each,
                id=self.names[each.id],
                key=self._key(each.key),
                occurrence=self.names.get(each.occurrence, "gone") if each.occurrence else "",
                policy="",
            )
            for each in penalties
        )
        self.remedies = tuple(replace(each, id=self.names[each.id], steps=self._steps(each)) for each in remedies)

    def _ranked(self) -> dict[str, int]:
        """The keys of what can be taken back, in the order in which they were recorded."""
        case = self.case
        keys = [each.key for each in case.occurrences]
        keys += [each.key for each in case.penalties]
        keys += [step.key for remedy in case.remedies for step in remedy.steps if step.key]
        return {key: number for number, key in enumerate(sorted(keys, key=_recorded))}

    def _key(self, key: str) -> str:
        return f"{self.case.case_id}:1:{self.keys[key]}" if key else ""

    def _steps(self, remedy: Remedy) -> tuple[Any, ...]:
        return tuple(
            replace(step, done_at=step.done_at and NOW, reference=None, key=self._key(step.key))
            for step in remedy.steps
        )

    def _again(self, id_: str) -> bool:
        return self.contestable and id_ not in self.case.earlier

    def _counts(self, each: Occurrence) -> bool:
        if each.state is OccurrenceState.COUNTED:
            return self._again(each.id)
        return each.state in (OccurrenceState.RECORDED, OccurrenceState.REVERSING)

    def _applies(self, each: Penalty) -> bool:
        if each.state is PenaltyState.APPLIED:
            return self._again(each.id)
        return each.state in (PenaltyState.IMPOSED, PenaltyState.REVERSING)

    def _stands(self, each: Remedy) -> bool:
        if each.state is RemedyState.DONE:
            reversible = any(step.key and step.action in reversal.REVERSIBLE for step in each.steps)
            return each.origin is Outcome.UPHELD and reversible and self._again(each.id)
        return each.state in (RemedyState.ORDERED, RemedyState.REVERSING)

    def _named(self, prefix: str, kept: list[Any]) -> list[Any]:
        """Of things alike, one; named by what they are and when they were recorded."""
        alike = {each.id: self._alike(each) for each in kept}
        order = sorted(set(alike.values()))
        self.names |= {id_: f"{prefix}{order.index(of) + 1}" for id_, of in alike.items()}
        by_name = {self.names[each.id]: each for each in kept}
        return [by_name[name] for name in sorted(by_name)]

    def _alike(self, each: Remedy | Penalty | Occurrence) -> tuple[str, ...]:
        case = self.case
        clock = any(clock.active and clock.subject == each.id for clock in case.clocks)
        effect = any(_subject(effect) == each.id for effect in case.outbox)
        return _what(each), each.state, str(clock), str(effect)


def _what(thing: Remedy | Penalty | Occurrence) -> str:
    match thing:
        case Remedy(terms=terms):
            return f"{terms.kind} {terms.amount_fen} {terms.order} {thing.origin} {thing.next_step}"
        case Penalty():
            return f"{thing.row} {bool(thing.occurrence)}"
        case Occurrence():
            return str(thing.counts)


def _subject(effect: effects.AnyEffect) -> str:
    """What an effect enters with the platform's services, or takes back."""
    match effect:
        case effects.CarryOut(remedy=subject) | effects.ApplyPenalty(penalty=subject):
            return subject
        case effects.CountOccurrence(occurrence=subject) | effects.Reverse(subject=subject):
            return subject
    return ""


def _recorded(key: str) -> tuple[int, int]:
    _, entry, number = key.rsplit(":", 2)
    return int(entry), int(number)


TOLD = (Stage.FOLLOW_UP, Stage.CLOSED, Stage.ARCHIVED)
TELLING = (Stage.FEEDBACK, Stage.REFUSED, Stage.WITHDRAWN)
"""Where a case waits until its parties know."""


def _notices(case: Case, pack: Pack) -> tuple[tuple[Notice, ...], dict[str, str]]:
    """What each party has still to be told, where the case waits for that."""
    alike = {
        notice.party: notice
        for notice in case.notices
        if pack.notices[notice.template].must_reach
        and notice.state is not NoticeState.DELIVERED
        and case.stage in TELLING
    }
    kept = [alike[key] for key in sorted(alike)]
    names = {notice.id: f"N{number}" for number, notice in enumerate(kept, 1)}
    if case.stage is not Stage.REFUSED:
        kept = [replace(notice, template="withdrawn", tried=notice.tried[:1]) for notice in kept]
    return tuple(replace(notice, id=names[notice.id]) for notice in kept), names


OF_CONSENT = (ClockKind.HAND_OFF_LOGISTICS, ClockKind.HAND_OFF_OFFLINE, ClockKind.HAND_OFF_ON_BEHALF)
"""The clocks of the teams for which another stands."""


def _clocks(case: Case, pack: Pack, names: dict[str, str]) -> tuple[Clock, ...]:
    """Active clocks at one canonical hour."""
    kept = {}
    for clock in case.clocks:
        rule = pack.clocks[clock.kind]
        if clock.kind is ClockKind.FIRST_CONTACT or not clock.active:
            continue
        one = Clock(
            kind=ClockKind.HAND_OFF_MERCHANT if clock.kind in OF_CONSENT else clock.kind,
            subject=names.get(clock.subject, clock.subject),
            arming=1,
            state=clock.state,
            armed_at=NOW,
            due=DUE,
            warn_at=WARN if clock.state is ClockState.RUNNING and rule.warn_hours_before else None,
            paused_since=NOW if clock.state is ClockState.PAUSED else None,
        )
        kept[one.id] = one
    return tuple(kept[id_] for id_ in sorted(kept))


def _evidence(case: Case) -> tuple[Evidence, ...]:
    """One item of each kind that matters: one for the finding, at intake a receipt for standing."""
    wanted = {MATTERS[case.category].evidence}
    wanted |= {"receipt"} if case.stage is Stage.INTAKE and not case.standing else set()
    kinds = sorted(wanted & {evidence.kind for evidence in case.evidence})
    return tuple(
        Evidence(id=f"E{number}", kind=kind, submitter=Party.COMPLAINANT, by="", submitted_at=NOW, content=text(kind))
        for number, kind in enumerate(kinds, 1)
    )


def _outbox(
    case: Case, policy: Policy, names: dict[str, str], notices: dict[str, str]
) -> tuple[effects.AnyEffect, ...]:
    """Effects whose outcome can move the case, under keys of their own."""
    kept: list[effects.AnyEffect] = []
    for effect in case.outbox:
        match effect:
            case effects.LookUpOrder() if _asks_for(case):
                kept.append(replace(effect, key=""))
            case effects.TriageText() if _is_read(policy.pack):
                kept.append(replace(effect, key="", texts=(text("description"),), policy=policy.ref))
            case effects.CountMatter() if _is_linked(case, policy.pack):
                kept.append(replace(effect, key="", category=Category.QUALITY))
            case effects.SendNotice(notice=notice) if notice in notices:
                kept.append(_sending(effect, case, notices[notice]))
            case effects.CarryOut(remedy=remedy) if remedy in names:
                kept.append(replace(effect, key="", remedy=names[remedy]))
            case effects.ApplyPenalty(penalty=penalty):
                kept.append(replace(effect, key="", penalty=names[penalty], policy=""))
            case effects.CountOccurrence(occurrence=occurrence):
                kept.append(replace(effect, key="", occurrence=names[occurrence]))
            case effects.Reverse(subject=subject):
                kept.append(replace(effect, key="", subject=names[subject], reverses=""))
            case effects.DeliverMerge() if case.stage in MERGEABLE:
                kept.append(replace(effect, key="", head=Head(), evidence=()))
    distinct = {msgspec.json.encode(effect): effect for effect in kept}
    return tuple(replace(distinct[body], key=f"effect-{number}") for number, body in enumerate(sorted(distinct), 1))


def _sending(effect: effects.SendNotice, case: Case, notice: str) -> effects.SendNotice:
    """A notice on its way. Of those that must reach a party, the refusal alone has a second channel, and only while
    the case waits for it.
    """
    again = case.stage is Stage.REFUSED
    template, channel = (effect.template, effect.channel) if again else ("withdrawn", Channel.APP_MESSAGE)
    return replace(effect, key="", notice=notice, template=template, channel=channel, facts={})


MERGEABLE = (Stage.INTAKE, Stage.ACCEPTANCE, Stage.VERIFICATION, Stage.COORDINATION, Stage.RULING)


def _is_read(pack: Pack) -> bool:
    """Whether it matters what texts show: somebody may say something about it."""
    return bool(pack.rights["assess_case"])


def _is_linked(case: Case, pack: Pack) -> bool:
    """Whether the case may come to be one of an incident."""
    return case.incident is None and bool(pack.rights["link_incident"])


def _asks_for(case: Case) -> bool:
    """Whether the case waits for what the platform says about an order."""
    return case.stage is Stage.INTAKE or case.open_appeal is not None


# --- what can happen -------------------------------------------------------------------------------


class Move(msgspec.Struct, frozen=True):
    """Something that happens in a configuration; `case` differs from it only in which clock ends first."""

    label: str
    case: Case
    event: events.Event
    by: str
    """Who makes it happen: complainant, respondent, staff, time or world."""


def happenings(case: Case, pack: Pack) -> Iterator[Move]:
    """Everything that can happen, possible or not: refusals are part of the search."""
    yield from _deadlines(case)
    for effect in case.outbox:
        for outcome in _outcomes(effect, case):
            result = events.EffectsReported(results=(events.Result(key=effect.key, outcome=outcome),))
            yield Move(f"{type(effect).__name__} {_said(outcome)}", case, result, "world")
    for by, actor, act, given in _acts(case, pack):
        if not pack.rights[act.name()]:
            continue
        fields: dict[str, Any] = {"reason": text("reason")} | given
        event = act(request_id="r-next", actor=actor, **fields)
        yield Move(f"{act.name()} by {by} {_variant(given)}", case, event, by)


def _variant(given: dict[str, Any]) -> str:
    return " ".join(str(value) for value in given.values() if isinstance(value, str | bool | int))


def _said(outcome: effects.AnyOutcome) -> str:
    state = f" {outcome.facts.state}" if isinstance(outcome, effects.OrderFound) else ""
    return type(outcome).__name__ + state


def _deadlines(case: Case) -> Iterator[Move]:
    """Each ticking clock may be the next to warn or to end."""
    for clock in case.clocks:
        if not clock.ticking:
            continue
        others = tuple(each for each in case.clocks if each is not clock)
        ends = replace(clock, due=NOW, warn_at=None)
        yield Move(f"end of {clock.kind}", replace(case, clocks=(*others, ends)), events.DeadlineReached(), "time")
        if clock.warn_at is not None:
            warns = replace(clock, warn_at=NOW)
            yield Move(
                f"warning of {clock.kind}", replace(case, clocks=(*others, warns)), events.DeadlineReached(), "time"
            )


def _outcomes(effect: effects.AnyEffect, case: Case) -> tuple[effects.AnyOutcome, ...]:
    """What the world may say to an effect."""
    failed = effects.Failed(code="rejected")
    match effect:
        case effects.TriageText():
            shown = (effects.TextRead(found=(each,)) for each in MATTERS[case.category].shown)
            return effects.TextRead(), *shown, failed
        case effects.CountMatter():
            return effects.MatterCounted(count=1), effects.MatterCounted(count=9, incident="incident-1"), failed
        case effects.LookUpOrder(order=asked):
            known = [
                order(order=asked),
                order(order=asked, platform="elsewhere"),
                order(order=asked, purchased_at=NOW - timedelta(days=1000)),
                order(order=asked, state=OrderState.SUCCEEDED, state_since=NOW),
                order(order=asked, state=OrderState.CLOSED_BY_REFUND, state_since=NOW),
            ]
            if case.category is Category.COUNTERFEIT:
                known.append(order(order=asked, branded=False))
            return (*(effects.OrderFound(facts=each) for each in known), effects.OrderUnknown())
        case effects.LookUpLogistics() | effects.LookUpClaimant() | effects.ReadTranscript():
            return (failed,)
        case effects.CountOccurrence():
            return effects.OccurrenceCounted(at=NOW, count=1), effects.OccurrenceCounted(at=NOW, count=10), failed
    return effects.Done(at=NOW, reference="ref-1"), failed


Acting = tuple[str, Actor, type[events.Act], dict[str, Any]]


def _acts(case: Case, pack: Pack) -> Iterator[Acting]:
    buyer = ("complainant", Actor(id=case.complainant, role=Role.COMPLAINANT))
    seller = ("respondent", Actor(id=case.respondent, role=Role.RESPONDENT))
    agent = ("staff", AGENT)
    matter = MATTERS[case.category]
    yield from _complaints(case, pack, matter, buyer)
    yield *agent, events.RecordContact, {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE, "outbound": True}
    yield *agent, events.RecordContact, {"party": Party.RESPONDENT, "channel": Channel.HOTLINE, "outbound": True}
    yield *buyer, events.RecordContact, {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE}
    if matter.elsewhere is not None:
        for by in (buyer, agent):
            yield *by, events.CorrectCategory, {"category": matter.elsewhere}
    yield *agent, events.RequestCompletion, {"wanted": ("time",)}
    yield *buyer, events.CompleteComplaint, {"description": text("description")}
    yield *agent, events.NarrowClaim, {"claim": Claim(remedies=(RemedyKind.REFUND,))}
    yield *agent, events.ReportSellerContact, {"result": SellerContact.SOLVED}
    yield *agent, events.ReportSellerContact, {"result": SellerContact.REFUSED}
    for by in _deciders(case):
        yield *by, events.AcceptComplaint, {}
        yield *by, events.RefuseComplaint, {"ground": Ground.FALSE_OR_MISLEADING}
        yield *by, events.RefuseComplaint, {"ground": Ground.UNCLEAR}
    yield from _verifying(case, matter, buyer, seller)
    yield from _mediating(case, matter, buyer, seller)
    for by in _deciders(case):
        for ruling in matter.rulings:
            yield *by, events.IssueRuling, ruling
    yield *agent, events.ExtendClock, {"clock": ClockKind.RESULT, "by": 1}
    yield *agent, events.EscalateCase, {}
    yield from _rising(case, buyer)
    yield from _sideways(case, pack, buyer)
    yield *buyer, events.WithdrawComplaint, {}
    yield from _carrying_out(case, buyer, seller)
    for solved in (True, False):
        yield *buyer, events.AnswerSurvey, {"solved": solved, "scores": SCORES}
    yield *buyer, events.RequestReview, {"channel": Channel.HOTLINE}
    for by in (buyer, seller):
        yield *by, events.FileAppeal, {"channel": Channel.HOTLINE, "items": (item("video", "appeal"),)}
    known = {"items": (item(matter.evidence or "photo"),)}
    yield *buyer, events.FileAppeal, {"channel": Channel.HOTLINE} | known
    for evidence in case.evidence:
        yield *agent, events.ExamineTranscript, {"evidence": evidence.id}
    yield *agent, events.RecordConduct, {"row": "no_handover", "staff": "staff-1", "conduct_at": NOW}
    yield "staff", CHIEF, events.MigratePolicy, {"version": "next"}
    yield "staff", CHIEF, events.ReopenCase, {"case_id": case.case_id}
    yield *agent, events.CorrectAct, {"entry": 1}
    yield *agent, events.MergeCase, {"into": "buyer-017/order-1000"}
    absorbed = {"duplicate": "buyer-017/order-1003", "head": Head(number=3, hash="a"), "channel": Channel.HOTLINE}
    yield "world", ENGINE, events.AbsorbCase, absorbed | {"evidence": (item("video", "other"),)}


def _deciders(case: Case) -> Iterator[tuple[str, Actor]]:
    """The agents who may want to decide: also one who may not."""
    yield "staff", AGENT
    if case.hearing.barred:
        yield "staff", OTHER
    if case.agent_concerned is not None:
        yield "staff", Actor(id=case.agent_concerned, role=Role.AGENT)


def _complaints(case: Case, pack: Pack, matter: Matter, buyer: tuple[str, Actor]) -> Iterator[Acting]:
    """The complaint once more: as it is, with something new, and as one of another category."""
    again = {
        "complainant": case.complainant,
        "respondent": case.respondent,
        "orders": case.orders,
        "category": case.category,
        "claim": WIDE if case.category is Category.FALSE_SHIPMENT else complaint(category=case.category).claim,
        "title": text("title"),
        "description": text("again-at-length"),
        "channel": Channel.HOTLINE,
        "agent_concerned": case.agent_concerned,
        "review": case.review,
    }
    yield *buyer, events.FileComplaint, again
    if pack.rights["record_external_complaint"]:
        yield *buyer, events.FileComplaint, again | {"channel": Channel.REGULATOR}
    if pack.rights["set_risk"]:
        yield *buyer, events.FileComplaint, again | {"high_risk": True}
    yield *buyer, events.FileComplaint, again | {"evidence": (item("video", "new"),)}
    if matter.elsewhere is not None:
        yield *buyer, events.FileComplaint, again | {"category": matter.elsewhere}


def _verifying(case: Case, matter: Matter, *parties: tuple[str, Actor]) -> Iterator[Acting]:
    agent = ("staff", AGENT)
    for party in (Party.COMPLAINANT, Party.RESPONDENT):
        yield *agent, events.RequestEvidence, {"party": party, "wanted": ("photo",)}
    for by in parties:
        yield *by, events.SubmitEvidence, {"items": (item("photo"),)}
        yield *by, events.SubmitStatement, {"text": text("statement")}
    yield *parties[0], events.SubmitEvidence, {"items": (item("receipt"),)}
    cited = tuple(evidence.id for evidence in case.evidence if evidence.kind == matter.evidence)
    proven = {"proven": True, "responsible": Party.RESPONDENT, "cause": matter.cause, "evidence": cited}
    for by in _deciders(case):
        yield *by, events.RecordFinding, proven
        yield *by, events.RecordFinding, {"proven": False}


def _mediating(case: Case, matter: Matter, buyer: tuple[str, Actor], seller: tuple[str, Actor]) -> Iterator[Acting]:
    agent = ("staff", AGENT)
    for by in (buyer, seller, agent):
        yield *by, events.ProposeRemedy, {"terms": matter.proposals[0]}
    for terms in matter.proposals[1:]:
        yield *agent, events.ProposeRemedy, {"terms": terms}
    if case.open_proposal is not None:
        subject = {"proposal": case.open_proposal.id}
        for by in (buyer, seller):
            yield *by, events.AnswerProposal, subject | {"answer": ProposalAnswer.ACCEPT}
            yield *by, events.AnswerProposal, subject | {"answer": ProposalAnswer.DECLINE}
            countered = subject | {"answer": ProposalAnswer.COUNTER, "counter": matter.proposals[0]}
            yield *by, events.AnswerProposal, countered
    for by in (buyer, agent):
        yield *by, events.CallForRuling, {}


def _rising(case: Case, buyer: tuple[str, Actor]) -> Iterator[Acting]:
    agent = ("staff", AGENT)
    for trigger in SAID:
        yield *agent, events.ReportTrigger, {"trigger": trigger}
    for high in (True, False):
        yield *agent, events.SetRisk, {"high": high}
    undecided = [each.id for each in case.triage if each.state is ProposalOfTriageState.PROPOSED]
    yield *agent, events.AssessCase, {}
    for each in undecided or ["T9"]:
        yield *agent, events.AssessCase, {"confirmed": (each,)}
        yield *agent, events.AssessCase, {"rejected": (each,)}
    for outside in ("regulator", "court"):
        made = {"case_id": case.case_id, "body": outside, "made_at": NOW}
        yield *buyer, events.RecordExternalComplaint, made
    for external in case.externals:
        again = {
            "case_id": case.case_id,
            "body": external.body,
            "made_at": NOW,
            "reference": external.reference or "77",
        }
        yield *buyer, events.RecordExternalComplaint, again
    yield *agent, events.OfferSolution, {"text": text("offer")}
    offer = "K9" if case.open_offer is None else case.open_offer.id
    for accepted in (True, False):
        yield *buyer, events.AnswerOffer, {"offer": offer, "accepted": accepted}
    yield "world", ENGINE, events.LinkIncident, {"incident": "incident-1"}


def _sideways(case: Case, pack: Pack, buyer: tuple[str, Actor]) -> Iterator[Acting]:
    """What is handed to other teams. What needs no consent is handed over where no other team has anything to do."""
    agent = ("staff", AGENT)
    waived = [each for each in case.open_hand_offs if each.route not in BY_CONSENT and not each.first]
    if not waived:
        for route in BY_CONSENT if case.open_hand_offs else Route:
            yield *agent, events.HandOver, {"route": route}
        for route in (Route.MERCHANT,) if case.open_hand_offs else BY_CONSENT:
            yield *agent, events.HandOver, {"route": route, "consent": Channel.HOTLINE}
    for each in case.hand_offs or (None,):
        id_ = {"hand_off": "H9" if each is None else each.id}
        results = pack.routes[Route.MERCHANT if each is None else each.route].results
        for agreed in (True, False):
            yield *buyer, events.AnswerHandOff, id_ | {"agreed": agreed, "channel": Channel.HOTLINE}
        yield *agent, events.TakeHandOff, id_
        yield *agent, events.ReturnHandOff, id_ | {"result": next(iter(results))}
        yield *agent, events.RefuseHandOff, id_
        yield *agent, events.RecallHandOff, id_
    yield *agent, events.AssignCase, {"to": OTHER.id}
    yield *agent, events.AssignCase, {"to": AGENT.id}


def _carrying_out(case: Case, buyer: tuple[str, Actor], seller: tuple[str, Actor]) -> Iterator[Acting]:
    """Reports of the steps that are due; what the platform's services do is no act."""
    agent = ("staff", AGENT)
    for remedy in case.remedies:
        index = remedy.next_step
        if index is None:
            continue
        due = remedy.steps[index]
        party = {Party.COMPLAINANT: buyer, Party.RESPONDENT: seller}.get(due.by)
        for done in (True, False):
            yield *agent, events.ReportRemedy, {"remedy": remedy.id, "done": done}
            if party is not None:
                yield *party, events.ReportRemedy, {"remedy": remedy.id, "done": done}


# --- the search ------------------------------------------------------------------------------------


class Fault(Exception):
    """Something that must never be; the message ends with the way that leads there."""


class Edge(msgspec.Struct, frozen=True):
    source: bytes
    label: str
    by: str
    target: bytes


class Graph:
    """What was found: configurations by key, and everything that leads from one to another."""

    def __init__(self, book: PolicyBook) -> None:
        self.book = book
        self.policy = book.in_force("platform", NOW)
        self.cases: dict[bytes, Case] = {}
        self.edges: list[Edge] = []
        self.came_by: dict[bytes, Edge] = {}
        self.accepted: set[tuple[Stage, str]] = set()
        """Acts that were accepted, with the stage in which they were made."""
        self.unlisted: set[str] = set()
        """Acts that were accepted although the view does not list them for the case as it was."""
        self.refused: set[str] = set()
        """Acts that were refused somewhere."""
        self.moves: set[tuple[Stage, str, Stage]] = set()
        """Transitions of the lifecycle that were taken."""
        self.sent: set[tuple[type[StateMachine], str]] = set()
        """Events of the other machines that were used."""
        self.notices: set[str] = set()
        """Notices that were sent."""
        self.clocks: set[ClockKind] = set()
        """Clocks that were armed."""
        self.decisions = 0

    def key(self, case: Case) -> bytes:
        return msgspec.json.encode(normal(case, self.policy))

    def covers(self, case: Case) -> bool:
        """Whether the configuration of a real case was found."""
        return self.key(case) in self.cases

    def way_to(self, key: bytes) -> list[str]:
        """What led to a configuration."""
        labels: list[str] = []
        while key in self.came_by:
            edge = self.came_by[key]
            labels.append(edge.label)
            key = edge.source
        return labels[::-1]

    def explore(
        self, starts: dict[str, dict[str, Any]], admitted: bool = True, known: dict[str, Any] | None = None
    ) -> "Graph":
        """Find every configuration. Raises Fault at the first step that breaks a rule."""
        waiting: deque[bytes] = deque()
        for given in starts.values():
            self._visit(self.begin(given, admitted, known), None, waiting)
        while waiting:
            key = waiting.popleft()
            for move in happenings(self.cases[key], self.policy.pack):
                self._take(key, move, waiting)
        return self

    def begin(self, given: dict[str, Any], admitted: bool, known: dict[str, Any] | None = None) -> Decision:
        """A complaint, and what the platform knows of its orders."""
        decision = decide(None, complaint(**given), NOW, self.book)
        if not admitted:
            return decision
        assert decision.case is not None
        asked = [effect for effect in decision.case.outbox if isinstance(effect, effects.LookUpOrder)]
        found = (effects.OrderFound(facts=order(order=effect.order, **known or {})) for effect in asked)
        results = (events.Result(key=e.key, outcome=f) for e, f in zip(asked, found, strict=True))
        return decide(decision.case, events.EffectsReported(results=tuple(results)), NOW, self.book)

    def _take(self, key: bytes, move: Move, waiting: deque[bytes]) -> None:
        try:
            decision = self._decide(move.case, move.event)
            if isinstance(move.event, events.Act):
                _check_answer(decision, move.event)
            if any(entry.facts for entry in decision.entries):
                _check_deciders(move.case, decision)
                _check_outside(move.case, decision)
                _check_rises(move.case, decision)
                _check_followed(decision, self.policy.pack)
                self._learn(move, decision)
                self._visit(decision, (key, move), waiting)
            elif isinstance(move.event, events.Act):
                self.refused.add(move.event.name())
            else:
                raise Fault("what was due, or reported, changed nothing")
        except Fault as fault:
            raise Fault(f"{fault}: {' > '.join([*self.way_to(key), move.label])}") from None
        except Exception as error:
            raise Fault(f"{error!r}: {' > '.join([*self.way_to(key), move.label])}") from error

    def _decide(self, case: Case | None, event: events.Event) -> Decision:
        self.decisions += 1
        return decide(case, event, NOW, self.book)

    def _visit(self, decision: Decision, came: tuple[bytes, Move] | None, waiting: deque[bytes]) -> None:
        case = self._settle_inert(decision)
        found = normal(case, self.policy)
        key = msgspec.json.encode(found)
        edge = None
        if came is not None:
            edge = Edge(came[0], came[1].label, came[1].by, key)
            self.edges.append(edge)
        if key in self.cases:
            return
        self.cases[key] = found
        if came is not None and edge is not None:
            _check_rebuilt(came[1].case, decision)
            self.came_by[key] = edge
        waiting.append(key)
        _check_waiting(found, self.policy.pack)

    def _settle_inert(self, decision: Decision) -> Case:
        """The outcomes of effects that move nothing, reported at once: every second one has failed."""
        case = decision.case
        assert case is not None
        self._observe(decision)
        while idle := inert(case, self.policy.pack):
            results = tuple(
                events.Result(key=effect.key, outcome=_outcomes(effect, case)[number % 2 and -1])
                for number, effect in enumerate(idle)
            )
            stage = case.stage
            decision = self._decide(case, events.EffectsReported(results=results))
            self._observe(decision)
            assert decision.case is not None
            case = decision.case
            if case.stage is not stage:
                raise Fault(f"{[type(effect).__name__ for effect in idle]} moved the case to {case.stage}")
        return case

    def _learn(self, move: Move, decision: Decision) -> None:
        if isinstance(move.event, events.Act) and decision.answer is not None:
            if decision.answer.accepted:
                self.accepted.add((move.case.stage, move.event.name()))
                self.unlisted |= {move.event.name()} - possible_acts(move.case) - set(ENGINES_OWN)
            else:
                self.refused.add(move.event.name())
        stage = move.case.stage
        for entry in decision.entries:
            for fact in entry.facts:
                if isinstance(fact, facts.StageEntered):
                    self.moves.add((stage, fact.by, fact.stage))
                    stage = fact.stage

    def _observe(self, decision: Decision) -> None:
        for entry in decision.entries:
            for fact in entry.facts:
                if (machine := MACHINE_OF.get(type(fact))) is not None:
                    self.sent.add((machine, getattr(fact, "by")))  # noqa: B009
                match fact:
                    case facts.ClockSet(clock=clock):
                        self.clocks.add(clock.kind)
                    case facts.LevelRaised(escalation=escalation):
                        self.sent.add((EscalationLevel, "raise_level"))
                        if LEVELS.index(escalation.after) < LEVELS.index(escalation.before):
                            raise Fault(f"the level falls from {escalation.before} to {escalation.after}")
                    case facts.EffectOrdered(effect=effects.SendNotice() as notice) if notice.facts:
                        self.notices.add(notice.template)
                        _check_told(self.policy.pack, notice)

    def stuck(self, *targets: Stage, without: Callable[[Edge], bool] = lambda edge: False) -> list[bytes]:
        """Configurations from which no way leads to one of the stages, edges `without` apart."""
        before: dict[bytes, list[bytes]] = {}
        for edge in self.edges:
            if not without(edge):
                before.setdefault(edge.target, []).append(edge.source)
        reached = {key for key, case in self.cases.items() if case.stage in targets}
        waiting = list(reached)
        while waiting:
            for source in before.get(waiting.pop(), ()):
                if source not in reached:
                    reached.add(source)
                    waiting.append(source)
        return [key for key in self.cases if key not in reached]

    def describe(self, key: bytes) -> str:
        """A configuration in words: its stage, and the way that leads there."""
        return f"{self.cases[key].stage} by {' > '.join(self.way_to(key))}"


MACHINE_OF: dict[type[facts.Fact], type[StateMachine]] = {
    facts.ClockSet: ClockLife,
    facts.RequestSet: RequestLife,
    facts.ProposalSet: ProposalLife,
    facts.RemedySet: RemedyLife,
    facts.PenaltySet: PenaltyLife,
    facts.OccurrenceSet: OccurrenceLife,
    facts.HandOffSet: HandOffLife,
    facts.OfferSet: OfferLife,
    facts.AppealSet: AppealLife,
    facts.NoticeSet: NoticeLife,
}
"""Whose event a fact is by."""


def inert(case: Case, pack: Pack) -> list[effects.AnyEffect]:
    """Effects in flight whose outcome moves nothing."""
    must = {notice.id for notice in case.notices if pack.notices[notice.template].must_reach}
    return [effect for effect in case.outbox if _is_inert(effect, case, pack, must)]


def _is_inert(effect: effects.AnyEffect, case: Case, pack: Pack, must: set[str]) -> bool:
    match effect:
        case effects.TriageText():
            return not _is_read(pack)
        case effects.CountMatter():
            return not _is_linked(case, pack)
        case effects.LookUpOrder():
            return not _asks_for(case)
        case effects.SendNotice(notice=notice):
            return notice not in must
        case effects.DeliverMerge():
            return case.stage not in MERGEABLE
    return isinstance(
        effect,
        effects.LookUpLogistics | effects.LookUpClaimant | effects.ReadTranscript | effects.ReleaseReturnAddress,
    )


def _check_answer(decision: Decision, act: events.Act) -> None:
    """Every act is answered, and a refused one leaves one entry without facts."""
    answer = decision.answer
    assert decision.case is not None
    if answer is None or answer.case_id != decision.case.case_id:
        raise Fault(f"{act.name()} got no answer that names the case")
    if not answer.accepted and not isinstance(act, events.FileComplaint):
        entry = decision.entries[-1]
        if len(decision.entries) != 1 or entry.facts or entry.refusal is None:
            raise Fault(f"{act.name()} was refused and yet left {len(entry.facts)} facts")


DECIDING = {"accept_complaint", "refuse_complaint", "record_finding", "issue_ruling"}


def _check_deciders(case: Case, decision: Decision) -> None:
    """Nobody decides who may not."""
    for entry in decision.entries:
        by = entry.actor.id if entry.actor is not None and entry.event in DECIDING else None
        if by is not None and by in (*case.hearing.barred, case.agent_concerned):
            raise Fault(f"{by} decides, who may not")


def _check_outside(case: Case, decision: Decision) -> None:
    """Whoever waits outside has a deadline, until the result is told or the case is closed."""
    after = decision.case
    told = any(isinstance(fact, facts.ResultTold) for entry in decision.entries for fact in entry.facts)
    if after is None or told or after.stage in (Stage.CLOSED, Stage.ARCHIVED):
        return
    waits = {each.id for each in after.externals}
    waits -= {each.id for each in case.externals if not _waits_outside(case, each.id)}
    for forgotten in sorted(each for each in waits if not _waits_outside(after, each)):
        raise Fault(f"the complaint outside {forgotten} has no deadline in {after.stage}")


def _waits_outside(case: Case, external: str) -> bool:
    clock = case.clock(ClockKind.OUTSIDE, external)
    return clock is not None and clock.active


def _check_rises(case: Case, decision: Decision) -> None:
    """Nothing raises a case twice for one trigger, clock and arming; what becomes more urgent is never due later; no
    team gets what it has.
    """
    raised = {_once(each) for each in case.escalations}
    with_teams = {each.id: each.route for each in case.open_hand_offs}
    due = {(clock.id, clock.arming): clock.due for clock in case.clocks}
    for fact in (fact for entry in decision.entries for fact in entry.facts):
        match fact:
            case facts.LevelRaised(escalation=rise):
                if _once(rise) in raised:
                    raise Fault(f"{rise.trigger} {rise.clock} raises twice for arming {rise.arming}")
                raised.add(_once(rise))
            case facts.ClockSet(clock=clock):
                if fact.by == "shorten" and clock.due > due[clock.id, clock.arming]:
                    raise Fault(f"a higher priority makes {clock.id} due later")
                due[clock.id, clock.arming] = clock.due
            case facts.HandOffSet(hand_off=order):
                if fact.by == "begin" and order.route in with_teams.values():
                    raise Fault(f"the {order.team} team gets the same matter twice")
                with_teams.pop(order.id, None)
                if order.open:
                    with_teams[order.id] = order.route


def _once(rise: Escalation) -> tuple[Trigger, str, int]:
    return rise.trigger, rise.clock, rise.arming


def _check_followed(decision: Decision, pack: Pack) -> None:
    """What made the case rise went to the team that the policy names, unless the case is over."""
    case = decision.case
    risen = [fact for entry in decision.entries for fact in entry.facts if isinstance(fact, facts.LevelRaised)]
    if case is None or case.stage in OVER:
        return
    for fact in risen:
        row = next(row for row in pack.escalation if row.trigger is fact.escalation.trigger)
        if row.route is not None and row.route not in {each.route for each in case.open_hand_offs}:
            raise Fault(f"the case rose for {row.trigger}, and the {row.route} team knows nothing of it")


def _check_rebuilt(case: Case, decision: Decision) -> None:
    """The entries as they are stored tell the same case."""
    for entry in decision.entries:
        case = apply(case, unseal(body(entry), entry.hash))
    if case != decision.case:
        raise Fault("the journal tells another case")


def _check_told(pack: Pack, notice: effects.SendNotice) -> None:
    """The text of a notice says in words, in each language, all that it speaks of; what is said again was checked."""
    for language in pack.notices[notice.template].text:
        try:
            render(pack, notice.template, language, notice.facts, strict=True)
        except (ValueError, KeyError) as error:
            raise Fault(f"a notice that cannot be told: {error}") from None


CLOCKS_ALLOWED = {
    Stage.CLOSED: {ClockKind.CLOSING_WINDOW},
    Stage.ARCHIVED: set[ClockKind](),
    Stage.REFUSED: {ClockKind.FEEDBACK, ClockKind.OUTSIDE},
    Stage.WITHDRAWN: {ClockKind.FEEDBACK, ClockKind.OUTSIDE},
}
OVER = frozenset(CLOCKS_ALLOWED)
"""Where neither teams nor parties have anything left to do."""


def _check_waiting(case: Case, pack: Pack) -> None:
    """What waits has a deadline; what is over has none left but the window for coming back, and nobody works on it."""
    active = {clock.kind for clock in case.clocks if clock.active}
    if case.stage is not Stage.ARCHIVED and next_wake(case) is None:
        raise Fault(f"the case waits in {case.stage} without a deadline")
    if case.stage in OVER and (case.open_hand_offs or case.open_offer):
        raise Fault(f"a hand-off or an offer is still open in {case.stage}")
    if not active <= CLOCKS_ALLOWED.get(case.stage, active):
        raise Fault(f"clocks {sorted(active)} still run in {case.stage}")
    for clock in case.clocks:
        rule = pack.clocks[clock.kind]
        if clock.active and rule.runs_in and case.stage not in rule.runs_in:
            raise Fault(f"clock {clock.kind} runs in {case.stage}")
    subjects = {clock.subject for clock in case.clocks if clock.active}
    for forgotten in set(_waiting(case)) - subjects:
        raise Fault(f"{forgotten} is open in {case.stage} without a clock")
    for forgotten in subjects - set(_waiting(case)) - {""}:
        raise Fault(f"a clock runs for {forgotten} in {case.stage}, for which nobody waits")
    _check_reversal(case)
    _check_teams(case, pack)
    if case.open_appeal is not None and not any(isinstance(e, effects.LookUpOrder) for e in case.outbox):
        raise Fault(f"appeal {case.open_appeal.id} is never heard in {case.stage}")


def _waiting(case: Case) -> Iterator[str]:
    """What somebody has still to do, by the id that its clock is for; of what is taken back, one thing at a time."""
    yield from (request.id for request in case.open_requests())
    yield from (proposal.id for proposal in case.proposals if proposal.state is ProposalState.OPEN)
    yield from (remedy.id for remedy in case.remedies if remedy.state is RemedyState.ORDERED)
    yield from (penalty.id for penalty in case.penalties if penalty.state is PenaltyState.IMPOSED)
    yield from (each.id for each in case.occurrences if each.state is OccurrenceState.RECORDED)
    yield from (effect.subject for effect in case.outbox if isinstance(effect, effects.Reverse))
    yield from (hand_off.id for hand_off in case.open_hand_offs)
    yield from (external.id for external in case.externals)


def _check_teams(case: Case, pack: Pack) -> None:
    """Whoever is asked for consent has the time for that, and a team its own."""
    for each in case.open_hand_offs:
        asked = each.state is HandOffState.CONSENT_PENDING
        wanted = ClockKind.HAND_OFF_CONSENT if asked else pack.routes[each.route].clock
        if {clock.kind for clock in case.clocks if clock.active and clock.subject == each.id} != {wanted}:
            raise Fault(f"{each.id} waits in {case.stage} without the clock {wanted}")


def _check_reversal(case: Case) -> None:
    """What is to be taken back is, one thing at a time and in the order in which it was recorded."""
    remedies = (each for each in case.remedies if each.state is RemedyState.REVERSING)
    due = {each.id: max(step.key for step in each.steps) for each in remedies}
    due |= {each.id: each.key for each in case.penalties if each.state is PenaltyState.REVERSING}
    due |= {each.id: each.key for each in case.occurrences if each.state is OccurrenceState.REVERSING}
    asked = [effect.subject for effect in case.outbox if isinstance(effect, effects.Reverse)]
    first = sorted(due, key=lambda id_: _recorded(due[id_]))[:1]
    if asked != first:
        raise Fault(f"{first} is to be taken back first, and {asked} is under way")
