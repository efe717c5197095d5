"""Every configuration that a case can be in, found breadth first through `decide` itself.

A case has endless data (texts, times, money, counters, history), but few of them decide what can happen next. `normal`
maps a case to the one that stands for all that differ only in the rest; two cases with the same normal form are one
configuration. From every configuration every act in each meaningful variant, every outcome of every effect, and the
end of every clock is decided, and the case that follows is normalised again, until nothing new appears.

What `normal` leaves out, and why that loses nothing of what is proved here:

- Instants. All clocks stand at one canonical hour, and each may end next. That allows more orders of deadlines than
  real time does, so a fault that needs an order cannot hide; what holds in spite of it holds in real time.
- Counters that only cap (rounds of evidence, rounds of proposals after mediation, extensions): each search also
  follows an act that its cap would refuse. Caps have example tests of their own.
- History that nothing reads: contacts, statements, conduct, escalations, answers, settled requests and remedies.
- The level: `decide` reads it in `raise_level` only. Every step is checked not to lower it.
- The first-contact clock: it only raises the level and starts again. Leaving it out makes the claim that every
  configuration has a deadline the stronger.
- Notices that need not reach anybody, penalties and the return address: their outcomes move nothing; they are reported
  at once, in turn as done and as failed. Of what a party must be told, the newest stands for all, and only while the
  case waits for it.

A test replays random histories of real cases and holds each step against the search's graph (`Graph.covers`).
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Channel, ClockKind, Ground, Level, Pack, PackRef, Party, Policy, RemedyKind, Stage
from states import effects, events, facts
from states.case import Case, next_wake
from states.decide import Decision, decide
from states.events import ProposalAnswer
from states.lifecycle import (
    ClockLife,
    EscalationLevel,
    NoticeLife,
    PenaltyLife,
    ProposalLife,
    RemedyLife,
    RequestLife,
)
from states.values import (
    Clock,
    ClockState,
    Evidence,
    Head,
    Notice,
    NoticeState,
    Outcome,
    Proposal,
    ProposalState,
    Remedy,
    RemedyState,
    RemedyTerms,
    Request,
    RequestKind,
    Scores,
    SellerContact,
    Survey,
)
from tests.states.story import AGENT, BUYER, CHIEF, ENGINE, SELLER, START, complaint, item, order, text

NOW = START
DUE = NOW + timedelta(hours=24)
WARN = NOW + timedelta(hours=12)
LEVELS = list(Level)

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=100)
EXCHANGE = RemedyTerms(kind=RemedyKind.EXCHANGE)
RETURN = RemedyTerms(kind=RemedyKind.RETURN_AND_REFUND)
SCORES = Scores(speed=1, attitude=2, accuracy=3, problem_solving=4, product_knowledge=5, result=1)


def small_book(**changes: Any) -> PolicyBook:
    """The platform's book with its counters cut down: two proposals, one return, few channels and warnings."""
    policy = next(iter(default_book()))
    pack = policy.pack
    clocks = {
        kind: replace(rule, warn_hours_before=rule.warn_hours_before if kind is ClockKind.RULING else 0)
        for kind, rule in pack.clocks.items()
    }
    notices = {
        name: replace(rule, channels=rule.channels[: 2 if name == "refused" else 1])
        for name, rule in pack.notices.items()
    }
    small = replace(
        pack,
        clocks=clocks,
        notices=notices,
        mediation=replace(pack.mediation, max_rounds=2),
        follow_up=replace(pack.follow_up, max_returns=1),
        **changes,
    )
    ref = PackRef(name=pack.name, version=pack.version, digest="0" * 64)
    return PolicyBook({ref: Policy(ref=ref, pack=small, calendar=policy.calendar)})


# --- the normal form -------------------------------------------------------------------------------


def normal(case: Case, policy: Policy) -> Case:
    """The case that stands for every case in the same configuration."""
    pack = policy.pack
    requests, names = _requests(case)
    remedies, remedy_names = _remedies(case)
    proposals, proposal_names = _proposals(case)
    notices, notice_names = _notices(case, pack)
    names |= remedy_names | proposal_names
    at_intake = case.stage is Stage.INTAKE
    act = case.correctable
    return replace(
        case,
        head=Head(number=1),
        path=case.path[-2:] if case.stage is Stage.CLOSED else case.path[-1:],
        level=Level.FRONT_LINE,
        owner=None,
        outcome=None,
        outcome_ground="",
        order=case.order if at_intake else None,
        order_checked=case.order_checked or not at_intake,
        standing=case.standing or not at_intake,
        seller_contact=case.seller_contact if at_intake else SellerContact.REFUSED,
        logistics=None,
        contacts=(),
        statements=(),
        clocks=_clocks(case, pack, names),
        evidence=_evidence(case),
        requests=requests,
        finding=case.finding and replace(case.finding, responsible=None, cause=None, evidence=(), by="", at=NOW),
        proposals=proposals,
        ruling=None,
        remedies=remedies,
        penalties=(),
        conduct=(),
        escalations=(),
        notices=notices,
        surveys=_survey(case),
        returns=min(case.returns, pack.follow_up.max_returns),
        closings=0,
        reopenings=0,
        absorbed=(),
        correctable=act and replace(act, entry=1, subject=names.get(act.subject, "") if act.subject else ""),
        settled_until=None,
        outbox=_outbox(case, names, notice_names),
        answers=(),
        received_at=NOW,
    )


def _requests(case: Case) -> tuple[tuple[Request, ...], dict[str, str]]:
    """Open requests; the proof of purchase is asked for once, so a settled one counts while it can be asked for."""
    kept = [
        request
        for request in case.requests
        if request in case.open_requests()
        or (request.kind is RequestKind.PROOF_OF_PURCHASE and case.stage is Stage.INTAKE)
    ]
    kept.sort(key=lambda request: (request.kind, request.party, request.state))
    names = {request.id: f"Q{number}" for number, request in enumerate(kept, 1)}
    return tuple(replace(request, id=names[request.id], asked_at=NOW, wanted=("photo",)) for request in kept), names


def _remedies(case: Case) -> tuple[tuple[Remedy, ...], dict[str, str]]:
    """Remedies still to be carried out; of two alike, waiting for the same step, one."""
    running = {remedy.id: _alike(case, remedy) for remedy in case.remedies if remedy.state is RemedyState.ORDERED}
    numbers = {alike: f"M{number}" for number, alike in enumerate(sorted(set(running.values())), 1)}
    names = {id_: numbers[alike] for id_, alike in running.items()}
    kept = sorted({names[r.id]: r for r in case.remedies if r.id in names}.values(), key=lambda r: names[r.id])
    return tuple(
        replace(
            remedy,
            id=names[remedy.id],
            origin=Outcome.UPHELD,
            terms=REFUND if remedy.terms.kind is RemedyKind.REFUND else remedy.terms,
            steps=tuple(replace(s, done_at=s.done_at and NOW, reference=None) for s in remedy.steps),
        )
        for remedy in kept
    ), names


def _alike(case: Case, remedy: Remedy) -> tuple[str, int, bool, bool]:
    """What tells remedies apart: kind, step, and whether a clock and an effect in flight keep it in mind."""
    clock = any(clock.active and clock.subject == remedy.id for clock in case.clocks)
    effect = any(isinstance(e, effects.CarryOut) and e.remedy == remedy.id for e in case.outbox)
    return remedy.terms.kind, remedy.next_step or 0, clock, effect


def _proposals(case: Case) -> tuple[tuple[Proposal, ...], dict[str, str]]:
    """All proposals during mediation, for they are counted; none later."""
    if case.stage is not Stage.COORDINATION:
        return (), {}
    kept = case.proposals[-2:]
    names = {proposal.id: f"P{number}" for number, proposal in enumerate(kept, 1)}
    return tuple(
        replace(proposal, id=names[proposal.id], made_at=NOW)
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
    return tuple(replace(notice, id=names[notice.id], template=_told_alike(notice)) for notice in kept), names


def _told_alike(notice: Notice | effects.SendNotice) -> str:
    """Of the notices that must reach a party, the refusal alone has a second channel here."""
    return "refused" if notice.template == "refused" else "ruled"


def _clocks(case: Case, pack: Pack, names: dict[str, str]) -> tuple[Clock, ...]:
    """Active clocks at one canonical hour; of those that are over, only such as are not armed again."""
    kept = {}
    latest = {clock.id: clock for clock in case.clocks}
    for clock in latest.values():
        rule = pack.clocks[clock.kind]
        if clock.kind is ClockKind.FIRST_CONTACT:
            continue
        again = clock.kind is not ClockKind.SELLER_FIRST or case.stage is not Stage.INTAKE
        if not clock.active and again:
            continue
        one = Clock(
            kind=clock.kind,
            subject=names.get(clock.subject, clock.subject),
            arming=1,
            state=clock.state if clock.active else ClockState.MET,
            armed_at=NOW,
            due=DUE,
            warn_at=WARN if clock.state is ClockState.RUNNING and rule.warn_hours_before else None,
            paused_since=NOW if clock.state is ClockState.PAUSED else None,
            ended_at=None if clock.active else NOW,
        )
        kept[one.id] = one
    return tuple(kept[id_] for id_ in sorted(kept))


def _evidence(case: Case) -> tuple[Evidence, ...]:
    """One item of each kind that matters: a photo for the finding, at intake a receipt for standing."""
    wanted = {"photo", "receipt"} if case.stage is Stage.INTAKE else {"photo"}
    kinds = sorted(wanted & {evidence.kind for evidence in case.evidence})
    return tuple(
        Evidence(id=f"E{number}", kind=kind, submitter=Party.COMPLAINANT, by="", submitted_at=NOW, content=text(kind))
        for number, kind in enumerate(kinds, 1)
    )


def _survey(case: Case) -> tuple[Survey, ...]:
    """Whether this closing's survey was answered, where that can still matter."""
    closing = case.closings + (case.stage is Stage.FOLLOW_UP)
    if not any(survey.closing == closing for survey in case.surveys) or case.path[-2:-1] != (Stage.FOLLOW_UP,):
        return ()
    return (Survey(closing=0, solved=True, scores=SCORES, at=NOW),)


def _outbox(case: Case, names: dict[str, str], notices: dict[str, str]) -> tuple[effects.AnyEffect, ...]:
    """Effects whose outcome can move the case, under keys of their own."""
    kept: list[effects.AnyEffect] = []
    for effect in case.outbox:
        match effect:
            case effects.LookUpOrder() if case.stage is Stage.INTAKE:
                kept.append(replace(effect, key=""))
            case effects.SendNotice(notice=notice) if notice in notices:
                kept.append(replace(effect, key="", notice=notices[notice], template=_told_alike(effect), facts={}))
            case effects.CarryOut(remedy=remedy) if remedy in names:
                kept.append(replace(effect, key="", remedy=names[remedy], amount_fen=None))
            case effects.DeliverMerge():
                kept.append(replace(effect, key="", head=Head(), evidence=()))
    distinct = {msgspec.json.encode(effect): effect for effect in kept}
    return tuple(replace(distinct[body], key=f"effect-{number}") for number, body in enumerate(sorted(distinct), 1))


# --- what can happen -------------------------------------------------------------------------------


class Move(msgspec.Struct, frozen=True):
    """Something that happens in a configuration; `case` differs from it only in which clock ends first."""

    label: str
    case: Case
    event: events.Event
    by: str
    """Who makes it happen: complainant, respondent, staff, time or world."""


def happenings(case: Case) -> Iterator[Move]:
    """Everything that can happen, possible or not: refusals are part of the search."""
    yield from _deadlines(case)
    for effect in case.outbox:
        for outcome in _outcomes(effect):
            result = events.EffectsReported(results=(events.Result(key=effect.key, outcome=outcome),))
            yield Move(f"{type(effect).__name__} {type(outcome).__name__}", case, result, "world")
    for by, actor, act, given in _acts(case):
        event = act(request_id="r-next", actor=actor, **({"reason": text("reason")} | given))
        yield Move(f"{act.name()} by {by} {_variant(given)}", case, event, by)


def _variant(given: dict[str, Any]) -> str:
    return " ".join(str(value) for value in given.values() if isinstance(value, str | bool | int))


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


def _outcomes(effect: effects.AnyEffect) -> tuple[effects.AnyOutcome, ...]:
    done = effects.Done(at=NOW, reference="ref-1")
    match effect:
        case effects.LookUpOrder():
            return (
                effects.OrderFound(facts=order()),
                effects.OrderFound(facts=order(platform="elsewhere")),
                effects.OrderFound(facts=order(purchased_at=NOW - timedelta(days=1000))),
                effects.OrderUnknown(),
            )
        case effects.LookUpLogistics():
            return (effects.Failed(code="unknown"),)
    return done, effects.Failed(code="rejected")


def _acts(case: Case) -> Iterator[tuple[str, Any, type[events.Act], dict[str, Any]]]:
    buyer, seller, agent = ("complainant", BUYER), ("respondent", SELLER), ("staff", AGENT)
    photo = (item("photo"),)
    same = {name: getattr(complaint(), name) for name in ("complainant", "respondent", "orders", "claim", "title")}
    again = same | {"description": text("again"), "category": case.category, "channel": Channel.HOTLINE}
    yield *buyer, events.FileComplaint, again
    yield *buyer, events.FileComplaint, again | {"evidence": (item("video", "new"),)}
    yield *agent, events.RecordContact, {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE, "outbound": True}
    yield *agent, events.RecordContact, {"party": Party.RESPONDENT, "channel": Channel.HOTLINE, "outbound": True}
    yield *buyer, events.RecordContact, {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE}
    yield *agent, events.ReportSellerContact, {"result": SellerContact.SOLVED}
    yield *agent, events.ReportSellerContact, {"result": SellerContact.REFUSED}
    yield *agent, events.AcceptComplaint, {}
    yield *agent, events.RefuseComplaint, {"ground": Ground.FALSE_OR_MISLEADING}
    for party in (Party.COMPLAINANT, Party.RESPONDENT):
        yield *agent, events.RequestEvidence, {"party": party, "wanted": ("photo",)}
    for by in (buyer, seller):
        yield *by, events.SubmitEvidence, {"items": photo}
        yield *by, events.SubmitStatement, {"text": text("statement")}
    yield *buyer, events.SubmitEvidence, {"items": (item("receipt"),)}
    cited = tuple(evidence.id for evidence in case.evidence)
    cause = "defective_goods" if case.category == "quality" else "not_shipped"
    yield (
        *agent,
        events.RecordFinding,
        {"proven": True, "responsible": Party.RESPONDENT, "cause": cause, "evidence": cited},
    )
    yield *agent, events.RecordFinding, {"proven": False}
    for by in (buyer, seller, agent):
        yield *by, events.ProposeRemedy, {"terms": REFUND}
    yield *agent, events.ProposeRemedy, {"terms": EXCHANGE}
    if case.open_proposal is not None:
        subject = {"proposal": case.open_proposal.id}
        for by in (buyer, seller):
            yield *by, events.AnswerProposal, subject | {"answer": ProposalAnswer.ACCEPT}
            yield *by, events.AnswerProposal, subject | {"answer": ProposalAnswer.DECLINE}
            yield *by, events.AnswerProposal, subject | {"answer": ProposalAnswer.COUNTER, "counter": REFUND}
    for by in (buyer, agent):
        yield *by, events.CallForRuling, {}
    yield *agent, events.IssueRuling, {"outcome": Outcome.UPHELD, "rule": "R-1", "remedies": (REFUND,)}
    yield (
        *agent,
        events.IssueRuling,
        {"outcome": Outcome.UPHELD, "rule": "R-2", "remedies": (RETURN,), "penalties": ("points",)},
    )
    yield *agent, events.IssueRuling, {"outcome": Outcome.DISMISSED, "rule": "R-3"}
    yield *agent, events.ExtendClock, {"clock": ClockKind.RESULT, "by": 1}
    yield *agent, events.EscalateCase, {}
    yield *buyer, events.WithdrawComplaint, {}
    for remedy in case.remedies:
        index = remedy.next_step
        if index is not None and remedy.steps[index].by is not Party.PLATFORM:
            by = buyer if remedy.steps[index].by is Party.COMPLAINANT else seller
            for done in (True, False):
                yield *by, events.ReportRemedy, {"remedy": remedy.id, "done": done}
                yield *agent, events.ReportRemedy, {"remedy": remedy.id, "done": done}
    for solved in (True, False):
        yield *buyer, events.AnswerSurvey, {"solved": solved, "scores": SCORES}
    yield "staff", CHIEF, events.ReopenCase, {"case_id": case.case_id}
    yield *agent, events.CorrectAct, {"entry": 1}
    yield *agent, events.MergeCase, {"into": "buyer-017/order-1000"}
    absorbed = {"duplicate": "buyer-017/order-1002", "head": Head(number=3, hash="a"), "channel": Channel.HOTLINE}
    yield "world", ENGINE, events.AbsorbCase, absorbed | {"evidence": (item("video", "other"),)}


# --- the search ------------------------------------------------------------------------------------

STARTS: dict[str, dict[str, Any]] = {
    "quality": {"seller_contact": SellerContact.NOT_APPROACHED, "evidence": ()},
    "logistics": {"category": "logistics", "evidence": (), "seller_contact": SellerContact.NO_ANSWER},
}
"""The complaints that cases start from: burden on either side, seller first or not. Safety only forbids a withdrawal,
which the proof does not count on anyway.
"""


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
        self.policy = next(iter(book))
        self.cases: dict[bytes, Case] = {}
        self.edges: list[Edge] = []
        self.came_by: dict[bytes, Edge] = {}
        self.accepted: dict[Stage, set[str]] = {stage: set() for stage in Stage}
        """Acts that were accepted, by the stage in which they were made."""
        self.moves: set[tuple[Stage, str, Stage]] = set()
        """Transitions of the lifecycle that were taken."""
        self.sent: set[tuple[type[Any], str]] = set()
        """Events of the other machines that were used."""
        self.notices: dict[str, set[frozenset[str]]] = {}
        """The details that each notice was sent with."""
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

    def explore(self, starts: dict[str, dict[str, Any]]) -> "Graph":
        """Find every configuration. Raises Fault at the first step that breaks a rule."""
        waiting: deque[bytes] = deque()
        for given in starts.values():
            decision = decide(None, complaint(**given), NOW, self.book)
            self._visit(decision, None, waiting)
        while waiting:
            key = waiting.popleft()
            for move in happenings(self.cases[key]):
                self._take(key, move, waiting)
        return self

    def _take(self, key: bytes, move: Move, waiting: deque[bytes]) -> None:
        try:
            decision = self._decide(move.case, move.event)
            if isinstance(move.event, events.Act):
                _check_answer(decision, move.event)
            if any(entry.facts for entry in decision.entries):
                self._learn(move, decision)
                self._visit(decision, (key, move), waiting)
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
        if edge is not None:
            self.came_by[key] = edge
        waiting.append(key)
        _check_waiting(found, self.policy.pack)

    def _settle_inert(self, decision: Decision) -> Case:
        """The outcomes of effects that move nothing, reported at once: every second one has failed."""
        case = decision.case
        assert case is not None
        self._observe(decision)
        while inert := _inert(case, self.policy.pack):
            results = tuple(
                events.Result(key=effect.key, outcome=_outcomes(effect)[number % len(_outcomes(effect))])
                for number, effect in enumerate(inert)
            )
            stage = case.stage
            decision = self._decide(case, events.EffectsReported(results=results))
            self._observe(decision)
            assert decision.case is not None
            case = decision.case
            if case.stage is not stage:
                raise Fault(f"{[type(effect).__name__ for effect in inert]} moved the case to {case.stage}")
        return case

    def _learn(self, move: Move, decision: Decision) -> None:
        if isinstance(move.event, events.Act) and decision.answer is not None and decision.answer.accepted:
            self.accepted[move.case.stage].add(move.event.name())
        stage = move.case.stage
        for entry in decision.entries:
            for fact in entry.facts:
                if isinstance(fact, facts.StageEntered):
                    self.moves.add((stage, fact.by, fact.stage))
                    stage = fact.stage

    def _observe(self, decision: Decision) -> None:
        for entry in decision.entries:
            new = {fact.notice.id for fact in entry.facts if isinstance(fact, facts.NoticeSet) and fact.by == "send"}
            for fact in entry.facts:
                match fact:
                    case facts.ClockSet(by=by, clock=clock):
                        self.sent.add((ClockLife, by))
                        self.clocks.add(clock.kind)
                    case facts.RequestSet(by=by):
                        self.sent.add((RequestLife, by))
                    case facts.ProposalSet(by=by):
                        self.sent.add((ProposalLife, by))
                    case facts.RemedySet(by=by):
                        self.sent.add((RemedyLife, by))
                    case facts.PenaltySet(by=by):
                        self.sent.add((PenaltyLife, by))
                    case facts.NoticeSet(by=by):
                        self.sent.add((NoticeLife, by))
                    case facts.LevelRaised(escalation=escalation):
                        self.sent.add((EscalationLevel, "raise_level"))
                        if LEVELS.index(escalation.after) < LEVELS.index(escalation.before):
                            raise Fault(f"the level falls from {escalation.before} to {escalation.after}")
                    case facts.EffectOrdered(effect=effects.SendNotice() as notice) if notice.notice in new:
                        self.notices.setdefault(notice.template, set()).add(frozenset(notice.facts))

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


def _inert(case: Case, pack: Pack) -> list[effects.AnyEffect]:
    """Effects in flight whose outcome moves nothing."""
    must = {notice.id for notice in case.notices if pack.notices[notice.template].must_reach}
    return [
        effect
        for effect in case.outbox
        if isinstance(effect, effects.LookUpLogistics | effects.ReleaseReturnAddress | effects.ApplyPenalty)
        or (isinstance(effect, effects.SendNotice) and effect.notice not in must)
        or (isinstance(effect, effects.LookUpOrder) and case.stage is not Stage.INTAKE)
    ]


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


CLOCKS_ALLOWED = {
    Stage.CLOSED: {ClockKind.CLOSING_WINDOW},
    Stage.ARCHIVED: set[ClockKind](),
    Stage.REFUSED: {ClockKind.FEEDBACK},
    Stage.WITHDRAWN: {ClockKind.FEEDBACK},
}


def _check_waiting(case: Case, pack: Pack) -> None:
    """What waits has a deadline; what is over has none left but the window for coming back."""
    active = {clock.kind for clock in case.clocks if clock.active}
    if case.stage is not Stage.ARCHIVED and next_wake(case) is None:
        raise Fault(f"the case waits in {case.stage} without a deadline")
    if not active <= CLOCKS_ALLOWED.get(case.stage, active):
        raise Fault(f"clocks {sorted(active)} still run in {case.stage}")
    for clock in case.clocks:
        rule = pack.clocks[clock.kind]
        if clock.active and rule.runs_in and case.stage not in rule.runs_in:
            raise Fault(f"clock {clock.kind} runs in {case.stage}")
    subjects = {clock.subject for clock in case.clocks if clock.active}
    waiting = [request.id for request in case.open_requests()]
    waiting += [proposal.id for proposal in case.proposals if proposal.state is ProposalState.OPEN]
    waiting += [remedy.id for remedy in case.remedies if remedy.state is RemedyState.ORDERED]
    for forgotten in set(waiting) - subjects:
        raise Fault(f"{forgotten} is open in {case.stage} without a clock")
