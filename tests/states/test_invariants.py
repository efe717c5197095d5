"""What holds in every history, whatever is sent: random acts with random data at random times (Hypothesis)."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from policies.book import default_book
from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Ground,
    Level,
    OnMiss,
    OrderState,
    Outcome,
    Party,
    PenaltyKind,
    Rating,
    RemedyKind,
    Role,
    Route,
    Stage,
    Trigger,
)
from policies.triage import TriageLabel
from states import clocks, effects, events, facts
from states.case import Case, next_wake
from states.decide import decide
from states.draft import Draft, Refused
from states.events import ProposalAnswer
from states.journal import Entry, apply, body, fold, unseal
from states.lifecycle import OVER
from states.rules import deadlines, escalation, hand_off, penalties, priority, remedies, reversal
from states.values import (
    Actor,
    Answer,
    Claim,
    ClaimantHistory,
    Clock,
    ClockState,
    Excerpt,
    HandOff,
    HandOffState,
    Head,
    IdentityCheck,
    LogisticsFacts,
    OccurrenceState,
    OrderFacts,
    Penalty,
    PenaltyState,
    ProposalOfTriageState,
    Remedy,
    RemedyState,
    RemedyTerms,
    ReviewComplaint,
    Scores,
    SellerContact,
    TextRef,
    Violation,
)
from tests.states.story import BUYER, SELLER, START, complaint, item, text

BOOK = default_book()
PACK = BOOK.in_force("platform", START).pack
LEVELS = list(Level)
ENGINE = Actor(id="engine", role=Role.ENGINE)
HANDING = [
    act.name()
    for act in (
        events.HandOver,
        events.AnswerHandOff,
        events.TakeHandOff,
        events.ReturnHandOff,
        events.RefuseHandOff,
        events.RecallHandOff,
    )
]
"""What is done about a hand-off, and about nothing else."""

people = st.sampled_from(
    [
        None,
        *(Actor(id="buyer-017", role=role) for role in (Role.COMPLAINANT, Role.AGENT)),
        *(Actor(id="seller-204", role=role) for role in (Role.RESPONDENT, Role.SERVICE)),
        Actor(id="buyer-099", role=Role.COMPLAINANT),
        *(Actor(id="agent-03", role=role) for role in (Role.AGENT, Role.SUPERVISOR, Role.ENGINE)),
    ]
)
STAFF = [
    Actor(id="agent-03", role=Role.AGENT),
    Actor(id="agent-04", role=Role.AGENT),
    Actor(id="chief-01", role=Role.SUPERVISOR),
]
texts = st.sampled_from([text(name) for name in "abcdef"])
items = st.builds(item, st.sampled_from([*PACK.evidence_kinds, "hearsay"]), st.sampled_from("abcdefgh"))
many_items = st.lists(items, min_size=1, max_size=4).map(tuple)
amounts = st.none() | st.integers(1, 20_000) | st.integers(1, 10_000_000_000)
terms = st.builds(
    RemedyTerms,
    kind=st.sampled_from(RemedyKind),
    amount_fen=amounts,
    order=st.sampled_from([None, None, "order-1001", "order-1002", "order-7"]),
)
scores = st.builds(Scores, **{name: st.integers(1, 5) for name in Scores.__struct_fields__})
ids = st.sampled_from(["E1", "E2", "E3", "P1", "P2", "P3", "M1", "M2", "Q1", "order-1", "buyer-017/order-1001"])
hand_offs = st.sampled_from(["H1", "H2", "H3"])
proposed = st.lists(st.sampled_from(["T1", "T2", "T3"]), max_size=2).map(tuple)
results_of_teams = st.sampled_from([*sorted({each for rule in PACK.routes.values() for each in rule.results}), "luck"])
CITED = st.lists(ids, max_size=3).map(tuple)
reviews = st.builds(
    ReviewComplaint,
    review=st.just("review-1"),
    rating=st.sampled_from(Rating),
    ground=st.sampled_from([*PACK.review_grounds, "dislike"]),
    circumstance=st.sampled_from([None, "price_cut", "no_transaction"]),
)
violations = st.builds(Violation, row=st.sampled_from([*PACK.penalties, "flogging"]), evidence=CITED)
heads = st.builds(Head, number=st.integers(0, 50), hash=st.sampled_from(["", "a" * 64]))
given_fields: dict[str, st.SearchStrategy[Any]] = {
    "complainant": st.sampled_from(["buyer-017", "buyer-099"]),
    "respondent": st.sampled_from(["seller-204", "seller-999"]),
    "orders": st.sampled_from([("order-1001",), ("order-1001", "order-1002"), ("order-7",)]),
    "category": st.sampled_from(Category),
    "claim": st.builds(
        Claim, remedies=st.lists(st.sampled_from(RemedyKind), min_size=1, max_size=3).map(tuple), amount_fen=amounts
    ),
    "title": texts,
    "description": texts,
    "channel": st.sampled_from(Channel),
    "seller_contact": st.sampled_from(SellerContact),
    "high_risk": st.booleans(),
    "evidence": st.lists(items, max_size=3).map(tuple),
    "party": st.sampled_from(Party),
    "outbound": st.booleans(),
    "automatic": st.booleans(),
    "answered_after_seconds": st.none() | st.integers(0, 600),
    "identity": st.none() | st.sampled_from(IdentityCheck),
    "procedure": st.sampled_from(["platform", "platform", "regulator", "nobody"]),
    "agent_concerned": st.sampled_from([None, None, "agent-03"]),
    "review": st.none() | reviews,
    "text": texts,
    "result": st.sampled_from(SellerContact),
    "ground": st.sampled_from(Ground),
    "wanted": st.lists(
        st.sampled_from([*PACK.evidence_kinds, *PACK.admission.clarity.facts, "oath"]), min_size=1, max_size=3
    ).map(tuple),
    "addressee": st.sampled_from([None, "carrier-1"]),
    "on_behalf_of": st.sampled_from([None, Party.CARRIER, Party.APPRAISER]),
    "items": many_items,
    "plan": st.none() | terms,
    "proven": st.booleans(),
    "responsible": st.none() | st.sampled_from(Party),
    "cause": st.none() | st.sampled_from(["defective_goods", "not_shipped", "service_refused", "rude_wording", "luck"]),
    "terms": terms,
    "proposal": ids,
    "answer": st.sampled_from(ProposalAnswer),
    "counter": st.none() | terms,
    "outcome": st.sampled_from(Outcome),
    "rule": st.just("VER-5"),
    "remedies": st.lists(terms, max_size=3).map(tuple),
    "penalties": st.lists(violations, max_size=3).map(tuple),
    "conduct_at": st.sampled_from([START, START - timedelta(days=100), START - timedelta(days=800)]),
    "row": st.sampled_from([*PACK.conduct.rows, "bad_mood"]),
    "staff": ids,
    "message": st.none() | ids,
    "demand": st.none() | st.just("reorder"),
    "version": st.sampled_from(["2020-01-01", "2024-07-22", "2099-01-01"]),
    "clock": st.sampled_from(ClockKind),
    "by": st.integers(1, 365),
    "remedy": ids,
    "done": st.booleans(),
    "solved": st.booleans(),
    "scores": scores,
    "comment": st.none() | texts,
    "case_id": ids,
    "trigger": st.sampled_from(Trigger),
    "high": st.booleans(),
    "confirmed": proposed,
    "rejected": proposed,
    "body": st.sampled_from([*PACK.outside_bodies, "neighbours"]),
    "reference": st.none() | ids,
    "made_at": st.integers(-1, 9).map(lambda days: START - timedelta(days=days)),
    "due": st.none() | st.integers(0, 60).map(lambda days: START + timedelta(days=days)),
    "offer": st.sampled_from(["K1", "K2"]),
    "accepted": st.booleans(),
    "route": st.sampled_from(Route),
    "consent": st.none() | st.sampled_from(Channel),
    "hand_off": hand_offs,
    "agreed": st.booleans(),
    "note": st.none() | texts,
    "to": st.sampled_from(["agent-03", "agent-04", "agent-09"]),
    "incident": st.just("incident/product/p-1"),
    "entry": st.integers(1, 60),
    "into": ids,
    "duplicate": ids,
    "head": heads,
}


def acts(kind: type[events.Act]) -> st.SearchStrategy[events.Act]:
    """Acts of one kind with any data at all; what message, actor and time they come with is drawn by the step."""
    common = {"request_id", "actor", "at", "source", "reason"}
    fields = {name: given_fields[name] for name in kind.__struct_fields__ if name not in common}
    if kind is events.RecordFinding:
        fields["evidence"] = CITED
    elif kind in (events.ExamineTranscript, events.RecordConduct):
        fields["evidence"] = ids
    elif kind is events.ReturnHandOff:
        fields["result"] = results_of_teams
    return st.builds(kind, request_id=st.just("r"), reason=st.none() | texts | texts | texts, **fields)


def shown_in(read: TextRef) -> st.SearchStrategy[effects.Found]:
    """Something that a text shows: a label, or a category."""
    excerpts = (Excerpt(text=read.ref, start=0, end=1, words="word"),)
    what = st.sampled_from([*TriageLabel, *sorted(PACK.categories)])
    return what.map(
        lambda each: (
            effects.Found(label=each, excerpts=excerpts)
            if isinstance(each, TriageLabel)
            else effects.Found(category=each, excerpts=excerpts)
        )
    )


any_act = st.sampled_from(events.ACTS).flatmap(acts)
steps_of_time = st.one_of(
    st.just(timedelta()),
    st.integers(1, 90).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 48).map(lambda hours: timedelta(hours=hours)),
    st.integers(1, 30).map(lambda days: timedelta(days=days)),
)
backdated = st.none() | st.integers(-60, 800).map(lambda minutes: timedelta(minutes=minutes))
orders = st.builds(
    OrderFacts,
    order=st.just("order-1001"),
    state=st.sampled_from(OrderState),
    state_since=st.integers(0, 30).map(lambda days: START - timedelta(days=days)),
    platform=st.sampled_from(["taobao", "taobao", "taobao", "elsewhere"]),
    buyer=st.sampled_from(["buyer-017", "buyer-017", "buyer-099"]),
    seller=st.just("seller-204"),
    paid_fen=st.integers(0, 30_000),
    purchased_at=st.integers(0, 400).map(lambda days: START - timedelta(days=days)),
    received_at=st.none() | st.integers(0, 400).map(lambda days: START - timedelta(days=days)),
)


def on_miss(moved: facts.ClockSet) -> OnMiss:
    """Whose promise a clock keeps."""
    return PACK.clocks[moved.clock.kind].on_miss


class Histories(RuleBasedStateMachine):
    """One case under any events; the invariants are checked after every step."""

    done = Bundle("done")
    asides = 3
    """How many of ten sensible steps raise the case or go sideways."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.case: Case | None = None
        self.entries: list[Entry] = []
        self.told: Case | None = None
        """The case as the entries tell it, once they were written and read."""
        self.numbers = 0
        self.order: OrderFacts | None = None
        self.decided_at: datetime | None = None

    # --- what happens -------------------------------------------------------------------------

    @initialize(
        category=st.sampled_from([*sorted(PACK.categories), *PACK.refund_only.categories * 4]),
        contact=st.sampled_from([SellerContact.REFUSED, SellerContact.NOT_APPROACHED]),
        evidence=st.lists(items.filter(lambda i: i.kind != "hearsay"), max_size=2).map(tuple),
        risk=st.integers(0, 5).map(lambda n: n == 0),
        order=st.none() | orders | orders | orders,
        made=backdated,
        two=st.booleans(),
    )
    def file(self, category: Any, contact: Any, evidence: Any, risk: bool, order: Any, made: Any, two: bool) -> None:
        self.order = order
        filed = complaint(
            category=category,
            seller_contact=contact,
            evidence=evidence,
            high_risk=risk,
            orders=("order-1001", "order-1002") if two else ("order-1001",),
        )
        rule = PACK.categories[category]
        if rule.names_agent:
            filed = replace(filed, agent_concerned="agent-09", respondent="service")
        if rule.on_review:
            review = ReviewComplaint(review="review-1", rating=Rating.NEGATIVE, ground="abuse")
            filed = replace(
                filed,
                review=review,
                complainant=SELLER.id,
                respondent=BUYER.id,
                actor=Actor(id=SELLER.id, role=Role.COMPLAINANT),
            )
        self.happen(replace(filed, at=None if made is None else self.now - made, source="app"))
        assert self.case is not None

    @rule(target=done, act=any_act, actor=people, made=backdated, source=st.sampled_from(["app", "elsewhere", None]))
    def anybody(self, act: events.Act, actor: Actor | None, made: timedelta | None, source: str | None) -> events.Act:
        """Anybody does anything, at a time that may lie in the past or ahead."""
        self.numbers += 1
        return self.put(
            replace(
                act,
                request_id=f"r-{self.numbers}",
                actor=actor,
                source=source,
                at=None if made is None else self.now - made,
            )
        )

    @rule(data=st.data(), times=st.integers(1, 16))
    def sensibly(self, data: st.DataObject, times: int) -> None:
        """Somebody does what suits the stage, and the world answers, so that histories get on."""
        for _ in range(times):
            aside = data.draw(st.integers(1, 10)) <= self.asides
            actor, act = data.draw(st.sampled_from(self.aside(data) if aside else self.suiting_the_stage(data)))
            self.numbers += 1
            self.put(replace(act, request_id=f"r-{self.numbers}", actor=actor))
            if self.open_case.outbox:
                results = [
                    events.Result(key=effect.key, outcome=self.outcome(effect, data, never_fails=bool(times % 2)))
                    for effect in self.open_case.outbox
                ]
                self.happen(events.EffectsReported(results=tuple(results)))

    def aside(self, data: st.DataObject) -> list[tuple[Any, events.Act]]:
        """What raises the case, and what goes sideways, whatever its stage."""
        case, agent = self.open_case, data.draw(self.staff())
        buyer = Actor(id=case.complainant, role=Role.COMPLAINANT)
        why: dict[str, Any] = {"request_id": "r", "reason": text("because")}
        undecided = [each.id for each in case.triage if each.state is ProposalOfTriageState.PROPOSED]
        confirmed = tuple(each for each in undecided if data.draw(st.booleans()))
        rejected = tuple(each for each in undecided if each not in confirmed)
        body = data.draw(st.sampled_from(sorted(PACK.outside_bodies)))
        called = events.RecordContact(request_id="r", party=Party.COMPLAINANT, channel=Channel.HOTLINE)
        handed = events.HandOver(
            **why,
            route=data.draw(st.sampled_from(sorted(PACK.routes))),
            consent=data.draw(st.sampled_from([None, Channel.HOTLINE])),
        )
        chosen: list[tuple[Any, events.Act]] = [
            (agent, events.ReportTrigger(**why, trigger=data.draw(st.sampled_from(escalation.REPORTED)))),
            (agent, events.SetRisk(**why, high=not case.high_risk)),
            (agent, events.AssessCase(**why, confirmed=confirmed, rejected=rejected)),
            (agent, events.RecordExternalComplaint(**why, case_id=case.case_id, body=body, made_at=START)),
            (agent, events.OfferSolution(**why, text=text("again"))),
            (agent, handed),
            (agent, handed),
            (agent, events.AssignCase(**why, to=data.draw(st.sampled_from(["agent-03", "agent-04"])))),
            (ENGINE, events.LinkIncident(**why, incident="incident/product/p-1")),
            (buyer, called),
            (buyer, called),
        ]
        if case.open_offer is None and case.category in PACK.refund_only.categories:
            chosen += [(agent, events.OfferSolution(**why, text=text("reship")))] * 4
        if case.open_offer is not None:
            accepted = data.draw(st.booleans())
            chosen += [(buyer, events.AnswerOffer(**why, offer=case.open_offer.id, accepted=accepted))] * 2
        for each in case.open_hand_offs:
            chosen += self.of_a_team(each, agent, buyer, agreed=data.draw(st.booleans()))
        return chosen

    def staff(self) -> st.SearchStrategy[Actor]:
        """Somebody who may decide about the case, if there is anybody left."""
        barred = self.open_case.hearing.barred
        return st.sampled_from([each for each in STAFF if each.id not in barred] or STAFF)

    def of_a_team(self, hand_off: HandOff, agent: Actor, buyer: Actor, *, agreed: bool) -> list[tuple[Any, events.Act]]:
        """What is done about an open hand-off."""
        why: dict[str, Any] = {"request_id": "r", "reason": text("because"), "hand_off": hand_off.id}
        recalled = (agent, events.RecallHandOff(**why))
        if hand_off.state is HandOffState.CONSENT_PENDING:
            answered = events.AnswerHandOff(**why, agreed=agreed, channel=Channel.APP_MESSAGE)
            return [(buyer, answered), (buyer, answered), recalled]
        result = next(iter(PACK.routes[hand_off.route].results))
        given = (item("photo", f"team-{self.numbers}"),)
        return [
            (agent, events.TakeHandOff(**why)),
            (agent, events.ReturnHandOff(**why, result=result, items=given)),
            (agent, events.RefuseHandOff(**why)),
            recalled,
        ]

    def suiting_the_stage(self, data: st.DataObject) -> list[tuple[Any, events.Act]]:
        case = self.open_case
        buyer = Actor(id=case.complainant, role=Role.COMPLAINANT)
        seller = Actor(id=case.respondent, role=Role.RESPONDENT)
        cited = tuple(evidence.id for evidence in case.evidence)
        category = PACK.categories[case.category]
        offered = [option.kind for option in category.remedies]
        kind = data.draw(st.sampled_from(offered))
        offer = RemedyTerms(
            kind=kind, amount_fen=data.draw(st.integers(1, 30_000)) if PACK.remedies[kind].money else None
        )
        chosen: list[tuple[Any, events.Act]] = []
        agent = data.draw(self.staff())
        match case.stage:
            case Stage.INTAKE:
                chosen = [
                    (buyer, events.ReportSellerContact(request_id="r", result=SellerContact.REFUSED)),
                    (buyer, events.SubmitEvidence(request_id="r", items=(item("receipt"),))),
                ]
            case Stage.ACCEPTANCE:
                chosen = [(agent, events.AcceptComplaint(request_id="r"))]
            case Stage.VERIFICATION if case.open_requests():
                asked = case.open_requests()[0]
                if asked.party is Party.RESPONDENT and "statement" in asked.wanted:
                    chosen = [(seller, events.SubmitStatement(request_id="r", text=text("s")))]
                else:
                    given = (item(asked.wanted[0], "g"),)
                    chosen = [(party, events.SubmitEvidence(request_id="r", items=given)) for party in (buyer, seller)]
            case Stage.VERIFICATION:
                proofs = (item("photo"), item("chat_log"))
                finding = events.RecordFinding(
                    request_id="r",
                    proven=True,
                    responsible=category.responsible[0],
                    cause=category.causes[0],
                    evidence=cited,
                )
                chosen = [
                    (buyer, events.SubmitEvidence(request_id="r", items=proofs)),
                    (agent, events.RequestEvidence(request_id="r", party=Party.COMPLAINANT, wanted=("video",))),
                    (agent, finding),
                    (agent, finding),
                    (agent, replace(finding, proven=False)),
                ]
            case Stage.COORDINATION:
                call = (agent, events.CallForRuling(request_id="r"))
                if case.open_proposal is None:
                    chosen = [(seller, events.ProposeRemedy(request_id="r", terms=offer)), call]
                else:
                    accept = events.AnswerProposal(
                        request_id="r", proposal=case.open_proposal.id, answer=ProposalAnswer.ACCEPT
                    )
                    chosen = [(buyer, accept), (seller, accept), call]
            case Stage.RULING:
                known = sorted(row for row, rule in PACK.penalties.items() if case.category in rule.categories)
                rows = data.draw(st.lists(st.sampled_from([*known, "listing_removed"]), max_size=2, unique=True))
                chosen = [
                    (
                        agent,
                        events.IssueRuling(
                            request_id="r",
                            reason=text("because"),
                            outcome=Outcome.UPHELD,
                            rule="R",
                            remedies=(offer,),
                            penalties=tuple(Violation(row=row, evidence=cited[:20]) for row in rows),
                        ),
                    ),
                    (
                        agent,
                        events.IssueRuling(request_id="r", reason=text("because"), outcome=Outcome.DISMISSED, rule="R"),
                    ),
                ]
            case Stage.FEEDBACK:
                told = data.draw(st.sampled_from(Party))
                chosen = [
                    (agent, events.ReportRemedy(request_id="r", remedy=remedy.id, done=data.draw(st.booleans())))
                    for remedy in case.remedies
                ] + [
                    (
                        agent,
                        events.RecordContact(
                            request_id="r",
                            party=told,
                            channel=Channel.HOTLINE,
                            outbound=True,
                        ),
                    )
                ]
            case Stage.FOLLOW_UP:
                contested = self.contested(buyer, seller)
                chosen = [
                    (
                        buyer,
                        events.AnswerSurvey(request_id="r", solved=data.draw(st.booleans()), scores=data.draw(scores)),
                    ),
                    *contested,
                ]
            case Stage.CLOSED:
                chosen = self.contested(buyer, seller)
            case _:
                chosen = [(agent, events.ReopenCase(request_id="r", reason=text("again"), case_id=case.case_id))]
        return chosen

    def contested(self, *parties: Actor) -> list[tuple[Any, events.Act]]:
        """The result is reviewed or appealed against, with an item that is new each time."""
        new = (item("video", f"new-{self.numbers}"),)
        appeals = [(party, events.FileAppeal(request_id="r", channel=Channel.HOTLINE, items=new)) for party in parties]
        return [(parties[0], events.RequestReview(request_id="r", channel=Channel.HOTLINE)), *appeals]

    @rule(act=done, changed=st.booleans(), reason=texts)
    def again(self, act: events.Act, changed: bool, reason: Any) -> None:
        """The same request once more gets the same answer; another under its id is refused, each time alike."""
        if changed:
            act = replace(act, reason=reason)
        first = self.put_for_answer(act)
        entries = len(self.entries)
        assert self.put_for_answer(act) == first
        assert len(self.entries) == entries

    @precondition(lambda self: bool(self.case and self.case.outbox))
    @rule(data=st.data())
    def the_world_answers(self, data: st.DataObject) -> None:
        """Some of the effects in flight come back, done or failed, and perhaps one that nobody waits for."""
        outbox = self.open_case.outbox
        chosen = data.draw(st.lists(st.sampled_from(outbox), min_size=1, max_size=4, unique_by=lambda e: e.key))
        results = [events.Result(key=effect.key, outcome=self.outcome(effect, data)) for effect in chosen]
        if data.draw(st.booleans()):
            results.append(events.Result(key="nobody:1:1", outcome=effects.Failed(code="lost")))
        self.happen(events.EffectsReported(results=tuple(results)))

    def outcome(self, effect: effects.AnyEffect, data: st.DataObject, never_fails: bool = False) -> effects.AnyOutcome:
        if not never_fails and data.draw(st.integers(0, 3)) == 0:
            return effects.Failed(code="rejected")
        match effect:
            case effects.LookUpOrder(order=asked):
                known = None if self.order is None else replace(self.order, order=asked)
                return effects.OrderUnknown() if known is None else effects.OrderFound(facts=known)
            case effects.LookUpLogistics():
                return effects.LogisticsFound(facts=LogisticsFacts(order="order-1001", shipped_at=START))
            case effects.LookUpClaimant():
                return effects.ClaimantFound(facts=ClaimantHistory(complaints=data.draw(st.integers(0, 9))))
            case effects.ReadTranscript():
                return effects.TranscriptRead(findings=())
            case effects.TriageText(texts=read):
                return effects.TextRead(found=data.draw(st.lists(shown_in(read[0]), max_size=2).map(tuple)))
            case effects.CountMatter():
                incident = data.draw(st.sampled_from([None, "incident/seller/seller-204"]))
                return effects.MatterCounted(count=1, incident=incident)
            case effects.CountOccurrence():
                return effects.OccurrenceCounted(at=self.now, count=data.draw(st.sampled_from([1, 2, 3, 6, 10])))
        return effects.Done(at=self.now, reference="ref")

    @rule(by=steps_of_time)
    def time_passes(self, by: timedelta) -> None:
        """Time passes and nobody notices: the engine may be away."""
        self.now += by

    @rule()
    def the_timer_fires(self) -> None:
        wake = next_wake(self.open_case)
        if wake is not None:
            self.now = max(self.now, wake)
        self.happen(events.DeadlineReached())
        if wake is not None and self.open_case.settled_until is None:
            after = next_wake(self.open_case)
            assert after is None or after > self.now

    @rule(forked=st.booleans(), head=heads)
    def the_engine_reports(self, forked: bool, head: Head) -> None:
        stage = self.open_case.stage
        self.happen(events.DeadlineReached())
        stage = self.open_case.stage
        self.happen(events.ForkFound(believed=head) if forked else events.CancelRequested())
        assert self.open_case.stage is stage

    # --- deciding, with what has to hold for every decision ------------------------------------

    @property
    def open_case(self) -> Case:
        assert self.case is not None
        return self.case

    def put(self, act: events.Act) -> events.Act:
        self.put_for_answer(act)
        return act

    def put_for_answer(self, act: events.Act) -> Answer:
        """Put an act until it is answered: after an outage it has to wait for others."""
        answer = self.happen(act)
        while answer is None:
            wake = next_wake(self.open_case)
            assert wake is not None
            assert wake > self.now, "an act without an answer is told when to come again"
            self.now = wake
            answer = self.happen(act)
        assert answer.case_id == self.open_case.case_id
        return answer

    def happen(self, happening: events.Event) -> Answer | None:
        before = self.case
        decision = decide(self.case, happening, self.now, BOOK)
        assert decision == decide(self.case, happening, self.now, BOOK), "the same arguments, the same decision"
        self.case = decision.case
        self.entries += decision.entries
        for entry in decision.entries:
            event(entry.event if entry.refusal is None else f"{entry.event}: {entry.refusal.code}")
            read = unseal(body(entry), entry.hash)
            assert read == entry, "what is written can be read"
            self.told = apply(self.told, read)
            if entry.refusal is not None and entry.event != "file_complaint":
                assert not entry.facts
        if decision.answer is not None and not decision.answer.accepted and before is not None:
            assert decision.answer.refusal is not None
            assert decision.answer.refusal.message
        if isinstance(happening, events.Act):
            assert decision.answer is not None or self.open_case.settled_until is not None
        return decision.answer

    # --- what holds at every moment ------------------------------------------------------------

    @invariant()
    def the_journal_has_no_gap_and_tells_the_case(self) -> None:
        assert [entry.number for entry in self.entries] == list(range(1, len(self.entries) + 1))
        assert self.told == self.case

    @invariant()
    def levels_never_fall(self) -> None:
        rises = [fact.escalation for fact in self.established(facts.LevelRaised)]
        levels = [LEVELS[0], *(rise.after for rise in rises)]
        assert [rise.before for rise in rises] == levels[:-1]
        assert levels == sorted(levels, key=LEVELS.index)
        assert self.case is None or self.case.level is levels[-1]
        of_teams: dict[str, Level] = {}
        for order in (fact.hand_off for fact in self.established(facts.HandOffSet)):
            assert LEVELS.index(order.level) >= LEVELS.index(of_teams.get(order.id, LEVELS[0]))
            of_teams[order.id] = order.level

    @invariant()
    def nothing_raises_twice(self) -> None:
        """Once for each trigger, clock and arming (ESC-1)."""
        rises = Counter(
            (rise.trigger, rise.clock, rise.arming)
            for rise in (fact.escalation for fact in self.established(facts.LevelRaised))
        )
        assert all(count == 1 for count in rises.values())

    @invariant()
    def the_priority_is_that_of_its_factors(self) -> None:
        """As long as the case is open it is just as urgent as what it shows makes it (INT-5)."""
        if self.case is None or self.case.stage in OVER:
            return
        draft = Draft(self.case, BOOK, self.now, self.now)
        factors = tuple(priority._factors(draft))
        assert (self.case.priority, self.case.factors) == (priority._priority(draft, factors), factors)

    @invariant()
    def teams_keep_to_themselves(self) -> None:
        """What is done about a hand-off, or not done in time, leaves what was promised the customer as it was: no clock
        of that begins anew, ends or moves, unless because somebody is waited for (HOF-6).
        """
        for entry in self.entries:
            moved = [fact for fact in entry.facts if isinstance(fact, facts.ClockSet)]
            late = any(fact.by == "miss" and on_miss(fact) is OnMiss.ESCALATES_IN_TEAM for fact in moved)
            if late or entry.event in HANDING:
                promised = {fact.by for fact in moved if on_miss(fact) is OnMiss.ESCALATES}
                assert promised <= {"pause", "resume"}, entry.event

    @invariant()
    def a_team_has_its_time(self) -> None:
        """An open hand-off has one clock: for the consent, then for the team (HOF-1, HOF-2); an ended one has none."""
        if self.case is None:
            return
        for each in self.case.hand_offs:
            running = [clock.kind for clock in self.case.clocks if clock.active and clock.subject == each.id]
            asked = each.state is HandOffState.CONSENT_PENDING
            wanted = ClockKind.HAND_OFF_CONSENT if asked else PACK.routes[each.route].clock
            assert running == ([wanted] if each.open else [])
        routes = Counter(each.route for each in self.case.open_hand_offs)
        assert all(count == 1 for count in routes.values()), "no team has the same matter twice"

    @invariant()
    def what_waits_has_a_deadline(self) -> None:
        if self.case is not None:
            assert next_wake(self.case) is not None or self.case.stage is Stage.ARCHIVED

    @invariant()
    def clocks_add_up(self) -> None:
        """Running and paused time make up the time from arming to end, told from the journal alone."""
        if self.case is None:
            return
        for clock in self.case.clocks:
            assert clock.paused_seconds >= 0
            assert (clock.paused_since is not None) is (clock.state is ClockState.PAUSED)
            assert (clock.ended_at is None) is clock.active
            if clock.state is ClockState.MISSED:
                assert clock.ended_at == clock.due
        armings = Counter((clock.id, clock.arming) for clock in self.case.clocks)
        assert all(count == 1 for count in armings.values())
        assert Counter(clock.id for clock in self.case.clocks if clock.active).most_common(1) in ([], ones(self.case))

    def established(self, kind: type[Any]) -> list[Any]:
        return [fact for entry in self.entries for fact in entry.facts if isinstance(fact, kind)]

    @invariant()
    def money_is_exact(self) -> None:
        """Whole fen; each step of a remedy paid at most once; for each order, once it is known what it is about, never
        more than the caps allow.
        """
        if self.case is None:
            return
        ordered = [fact.effect for fact in self.established(facts.EffectOrdered)]
        paid = [effect for effect in ordered if isinstance(effect, effects.CarryOut)]
        assert len({effect.key for effect in ordered}) == len(ordered)
        assert len({(effect.remedy, effect.action) for effect in paid}) == len(paid)
        states = {remedy.id: remedy.state for remedy in self.case.remedies}
        kinds = {remedy.id: remedy.terms.kind for remedy in self.case.remedies}
        sums: Counter[tuple[str, str]] = Counter()
        unknown = self.paid_before_the_order_was_known()
        for effect in paid:
            assert effect.amount_fen is None or (type(effect.amount_fen) is int and effect.amount_fen > 0)
            if effect.key not in unknown and states[effect.remedy] not in (RemedyState.FAILED, RemedyState.REVERSED):
                computed = PACK.remedies[kinds[effect.remedy]].amount is not None
                sums[effect.order, kinds[effect.remedy] if computed else effect.action] += effect.amount_fen or 0
        for order in self.case.orders_known:
            assert sums[order.order, "refund"] <= order.paid_fen
            assert sums[order.order, "pay_compensation"] <= order.paid_fen * 3
            assert sums[order.order, "issue_coupon"] <= order.paid_fen
            promised = sums[order.order, RemedyKind.PROMISE_COMPENSATION]
            stocked_out = sums[order.order, RemedyKind.OUT_OF_STOCK_COMPENSATION]
            assert promised in (0, 2000), "PEN-2"
            assert stocked_out <= 50_000, "PEN-7"
            assert not (promised and stocked_out), "the more specific one instead of the other (PEN-7)"

    def paid_before_the_order_was_known(self) -> set[str]:
        """The keys of what was ordered while the platform did not know the order: no cap follows from its price."""
        known: set[str] = set()
        unknown: set[str] = set()
        for fact in (fact for entry in self.entries for fact in entry.facts):
            match fact:
                case facts.OrderKnown(id=order):
                    (known.discard if fact.order is None else known.add)(order)
                case facts.Refiled():
                    known.clear()
                case facts.EffectOrdered(effect=effects.CarryOut() as effect) if effect.order not in known:
                    unknown.add(effect.key)
        return unknown

    @invariant()
    def the_ledger_is_told_each_thing_once(self) -> None:
        """Each penalty and each count is entered once (PEN-1); what is taken back is, once, and nothing else is."""
        if self.case is None:
            return
        ordered = [fact.effect for fact in self.established(facts.EffectOrdered)]
        applied = [effect for effect in ordered if isinstance(effect, effects.ApplyPenalty)]
        counted = [effect for effect in ordered if isinstance(effect, effects.CountOccurrence)]
        reversals = [effect for effect in ordered if isinstance(effect, effects.Reverse)]
        assert [effect.penalty for effect in applied] == [penalty.id for penalty in self.case.penalties]
        assert [effect.occurrence for effect in counted] == [each.id for each in self.case.occurrences]
        assert all(type(e.points) is int for e in applied if e.kind is PenaltyKind.POINTS)
        entered = {effect.key for effect in ordered if isinstance(effect, reversal.ENTERING)}
        assert {effect.reverses for effect in reversals} <= entered
        assert len([effect for effect in self.case.outbox if isinstance(effect, effects.Reverse)]) <= 1
        gone = (RemedyState.REVERSED, PenaltyState.REVERSED, OccurrenceState.REVERSED)
        states: dict[str, StrEnum] = {each.id: each.state for each in self.case.remedies}
        states |= {each.id: each.state for each in self.case.penalties}
        states |= {each.id: each.state for each in self.case.occurrences}
        assert {id_ for id_, state in states.items() if state in gone} <= {effect.subject for effect in reversals}

    @invariant()
    def nobody_decides_who_may_not(self) -> None:
        """Neither the agent that the case is about (INT-7), nor in a further hearing whom the policy bars (ESC-7)."""
        deciding = {act.name() for act in (events.AcceptComplaint, events.RefuseComplaint, events.IssueRuling)}
        barred: tuple[str, ...] = ()
        for entry in self.entries:
            by = entry.actor.id if entry.actor is not None and entry.refusal is None else None
            assert not (entry.event in deciding and by in barred)
            for fact in entry.facts:
                if isinstance(fact, facts.HearingOpened):
                    barred = fact.hearing.barred

    @invariant()
    def what_is_over_stays_over(self) -> None:
        if self.case is None:
            return
        active = {clock.kind for clock in self.case.clocks if clock.active}
        if self.case.stage is Stage.ARCHIVED:
            assert not active
        if self.case.stage is Stage.CLOSED:
            assert active <= {ClockKind.CLOSING_WINDOW}
        if self.case.stage in OVER:
            assert not self.case.open_hand_offs
            assert self.case.open_offer is None

    def teardown(self) -> None:
        assert fold(self.entries) == self.case
        if self.case is not None:
            pauses_and_runs(self.entries, self.case)


def ones(case: Case) -> list[tuple[str, int]]:
    first = next((clock.id for clock in case.clocks if clock.active), "")
    return [(first, 1)]


def pauses_and_runs(entries: list[Entry], case: Case) -> None:
    """Add up the stretches of each clock from what the journal says it did when."""
    running: Counter[tuple[str, int]] = Counter()
    since: dict[tuple[str, int], datetime] = {}
    paused: dict[tuple[str, int], datetime] = {}
    for entry in entries:
        # A deadline is decided when it is noticed; everything else when it counts as having happened.
        at = entry.decided_at if entry.event in ("clock_missed", "clock_warned") else entry.effective_at
        for fact in entry.facts:
            if not isinstance(fact, facts.ClockSet):
                continue
            clock = fact.clock
            key = (clock.id, clock.arming)
            if fact.by in ("pause", "meet", "cancel", "miss") and key in since:
                end = clock.paused_since if fact.by == "pause" else clock.ended_at
                assert end is not None
                running[key] += int((end - since.pop(key)).total_seconds())
            if fact.by == "arm":
                since[key] = clock.armed_at
            elif fact.by == "pause" and clock.paused_since is not None:
                paused[key] = clock.paused_since
            elif fact.by == "resume":
                since[key] = max(at, paused.pop(key))
    for clock in case.clocks:
        if clock.ended_at is not None:
            elapsed = int((clock.ended_at - clock.armed_at).total_seconds())
            assert running[clock.id, clock.arming] + clock.paused_seconds == elapsed, clock


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


# --- the invariants can fail -----------------------------------------------------------------------


def paid_twice(patch: pytest.MonkeyPatch) -> None:
    put = remedies._put

    def twice(draft: Draft, remedy: Remedy, *given: str) -> None:
        put(draft, remedy, *given)
        ordered = draft.facts[-1]
        if isinstance(ordered, facts.EffectOrdered) and isinstance(ordered.effect, effects.CarryOut):
            draft.order(replace(ordered.effect, key=draft.effect_key()))

    patch.setattr(remedies, "_put", twice)


def an_open_pause_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    ended = clocks._ended
    patch.setattr(clocks, "_ended", lambda clock, event, at: ended(replace(clock, paused_since=None), event, at))


def raised_twice(patch: pytest.MonkeyPatch) -> None:
    reached = deadlines.deadline_reached

    def deadline_reached(draft: Draft, clock: Clock) -> None:
        reached(draft, clock)
        if clock.kind is ClockKind.FIRST_CONTACT:
            rise = replace(draft.case.escalations[-1], before=draft.case.level, after=draft.case.level)
            draft.record(facts.LevelRaised(escalation=rise))

    patch.setattr(deadlines, "deadline_reached", deadline_reached)


def the_level_falls_with_the_risk(patch: pytest.MonkeyPatch) -> None:
    record = Draft.record

    def recording(self: Draft, fact: facts.AnyFact) -> None:
        record(self, fact)
        if isinstance(fact, facts.RiskSet) and not fact.high and self.case.escalations:
            fallen = replace(self.case.escalations[-1], before=self.case.level, after=Level.FRONT_LINE, arming=99)
            record(self, facts.LevelRaised(escalation=fallen))

    patch.setattr(Draft, "record", recording)


def the_priority_stays_as_it_was(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(priority, "examine", lambda draft: None)


def a_hand_off_gives_more_time(patch: pytest.MonkeyPatch) -> None:
    queue = hand_off._queue

    def queued(draft: Draft, order: HandOff) -> None:
        queue(draft, order)
        result = draft.case.clock(ClockKind.RESULT)
        if result is not None and result.active:
            draft.cancel(result)
            draft.arm(ClockKind.RESULT)

    patch.setattr(hand_off, "_queue", queued)


def teams_work_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hand_off, "recall_all", lambda draft: None)


def consent_that_lapses_ends_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(deadlines.LAPSES, ClockKind.HAND_OFF_CONSENT, lambda draft, subject: None)


def penalties_entered_twice(patch: pytest.MonkeyPatch) -> None:
    impose = penalties.impose

    def twice(draft: Draft, *given: Any) -> None:
        impose(draft, *given)
        ordered = draft.facts[-1]
        assert isinstance(ordered, facts.EffectOrdered)
        draft.order(replace(ordered.effect, key=draft.effect_key()))

    patch.setattr(penalties, "impose", twice)


def reversed_before_the_ledger_said_so(patch: pytest.MonkeyPatch) -> None:
    def overturned(draft: Draft, penalty: Penalty, by: str, *rules: str) -> None:
        state = PenaltyState.REVERSED if by == "overturn" else PenaltyState.APPLIED
        draft.record(facts.PenaltySet(by=by, penalty=replace(penalty, state=state), rules=rules))

    patch.setattr(penalties, "set_penalty", overturned)


class Straight(Histories):
    """Histories that mostly get on, for faults in how the result is carried out and taken back."""

    asides = 0


class Roundabout(Histories):
    """Histories with much that raises the case and goes sideways, for faults in that."""

    asides = 6


@pytest.mark.parametrize(
    ("plant", "histories"),
    [
        (paid_twice, Straight),
        (an_open_pause_is_forgotten, Straight),
        (raised_twice, Straight),
        (penalties_entered_twice, Straight),
        (reversed_before_the_ledger_said_so, Straight),
        (the_level_falls_with_the_risk, Roundabout),
        (the_priority_stays_as_it_was, Roundabout),
        (a_hand_off_gives_more_time, Roundabout),
        (teams_work_on, Straight),
        (consent_that_lapses_ends_nothing, Roundabout),
    ],
)
def test_planted_faults_break_an_invariant(
    plant: Callable[[pytest.MonkeyPatch], None], histories: type[Histories], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    # As many histories as it takes: the search ends with the first that breaks.
    enough = settings(TestHistories.settings, max_examples=2_000, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, FlakyFailure, Refused)):
        run_state_machine_as_test(histories, settings=enough)
