"""The case: everything known about one complaint, and how each fact changes it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from policies.schema import Category, Channel, ClockKind, Level, PackRef, Party, Stage
from states import facts
from states.effects import AnyEffect
from states.facts import AnyFact
from states.values import (
    Answered,
    Claim,
    Clock,
    ClockState,
    Conduct,
    Contact,
    CorrectableAct,
    Escalation,
    Evidence,
    Finding,
    Head,
    Instant,
    LogisticsFacts,
    Notice,
    OrderFacts,
    Outcome,
    Penalty,
    Proposal,
    ProposalState,
    Remedy,
    Request,
    RequestState,
    Ruling,
    SellerContact,
    Statement,
    Survey,
    TextRef,
    Value,
)


class Case(Value, kw_only=True):
    """One complaint at one moment. Frozen: a decision gives a new one."""

    case_id: str
    head: Head = Head()
    policy: PackRef
    revision: int

    complainant: str
    respondent: str
    orders: tuple[str, ...]
    category: Category
    claim: Claim
    title: TextRef
    description: TextRef
    channel: Channel
    received_at: Instant
    seller_contact: SellerContact
    high_risk: bool
    external: bool

    stage: Stage = Stage.INTAKE
    path: tuple[Stage, ...] = ()
    level: Level = Level.FRONT_LINE
    owner: str | None = None
    outcome: Outcome | None = None
    outcome_ground: str = ""

    order: OrderFacts | None = None
    order_checked: bool = False
    standing: bool = False
    logistics: LogisticsFacts | None = None
    contacts: tuple[Contact, ...] = ()
    clocks: tuple[Clock, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    requests: tuple[Request, ...] = ()
    statements: tuple[Statement, ...] = ()
    finding: Finding | None = None
    proposals: tuple[Proposal, ...] = ()
    ruling: Ruling | None = None
    remedies: tuple[Remedy, ...] = ()
    penalties: tuple[Penalty, ...] = ()
    conduct: tuple[Conduct, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    notices: tuple[Notice, ...] = ()
    surveys: tuple[Survey, ...] = ()
    returns: int = 0
    """How often an answer of "not solved" brought the case back (FUP-2)."""
    closings: int = 0
    """How often the case was closed, or came back from follow-up instead: each has a survey of its own (FUP-1)."""
    reopenings: int = 0
    absorbed: tuple[str, ...] = ()
    merging_into: str | None = None
    correctable: CorrectableAct | None = None
    settled_until: Instant | None = None
    """After an outage, deadlines that fell due before this instant are applied at it, not sooner (design, section
    4).
    """

    incidents: tuple[str, ...] = ()
    """Cancellations and forks on record, by their keys."""

    outbox: tuple[AnyEffect, ...] = ()
    """Effects ordered and not yet reported."""
    answers: tuple[Answered, ...] = ()

    def clock(self, kind: ClockKind, subject: str = "") -> Clock | None:
        """The latest arming of a clock, whatever its state."""
        return next((c for c in reversed(self.clocks) if c.kind is kind and c.subject == subject), None)

    def open_requests(self, party: Party | None = None) -> tuple[Request, ...]:
        return tuple(
            request
            for request in self.requests
            if request.state is RequestState.OPEN and party in (None, request.party)
        )

    @property
    def open_proposal(self) -> Proposal | None:
        return next((p for p in self.proposals if p.state is ProposalState.OPEN), None)

    def answered(self, request_id: str, fingerprint: str | None = None) -> Answered | None:
        """What an act was answered: the first under its request id, or the one with the very same content."""
        same = (a for a in self.answers if a.request_id == request_id)
        return next((a for a in same if fingerprint in (None, a.answer.fingerprint)), None)

    def knows_content(self, sha256: str) -> bool:
        return any(item.content.sha256 == sha256 for item in self.evidence)

    def reference_of(self, party: Party) -> str:
        return self.complainant if party is Party.COMPLAINANT else self.respondent


T = TypeVar("T", bound=Value)


def _put(items: tuple[T, ...], item: T, key: Callable[[T], object]) -> tuple[T, ...]:
    """`items` with the one of the same key replaced, or with `item` added at the end."""
    if any(key(old) == key(item) for old in items):
        return tuple(item if key(old) == key(item) else old for old in items)
    return (*items, item)


def _by_id(item: Evidence | Request | Proposal | Remedy | Penalty | Notice) -> str:
    return item.id


def _by_arming(clock: Clock) -> tuple[str, int]:
    return clock.id, clock.arming


def file(case_id: str, filed: facts.CaseFiled) -> Case:
    """The case as it stands when its complaint has just been received."""
    given = {name: getattr(filed, name) for name in filed.__struct_fields__ if name != "rules"}
    return Case(case_id=case_id, **given)


def evolve(case: Case, fact: AnyFact) -> Case:
    """The case after one more fact. Total: it asks no question and refuses nothing."""
    change = partial(replace, case)
    match fact:
        case facts.StageEntered(stage=stage):
            return change(
                stage=stage,
                path=(*case.path, stage),
                closings=case.closings + (stage is Stage.CLOSED or case.stage is Stage.FOLLOW_UP),
                correctable=case.correctable if stage is Stage.CLOSED else None,
            )
        case facts.OwnerNamed(owner=owner):
            return change(owner=owner)
        case facts.ClockSet(clock=clock):
            return change(clocks=_put(case.clocks, clock, _by_arming))
        case facts.ContactRecorded(contact=contact):
            return change(contacts=(*case.contacts, contact))
        case facts.SellerContactReported(result=result):
            return change(seller_contact=result)
        case facts.OrderKnown(order=order):
            return change(order=order, order_checked=True, standing=order is not None)
        case facts.StandingProven():
            return change(standing=True)
        case facts.LogisticsKnown(logistics=logistics):
            return change(logistics=logistics)
        case facts.EvidenceAdded(evidence=evidence):
            return change(evidence=(*case.evidence, evidence))
        case facts.RequestSet(request=request):
            return change(requests=_put(case.requests, request, _by_id))
        case facts.StatementMade(statement=statement):
            return change(statements=(*case.statements, statement))
        case facts.FindingMade(finding=finding):
            return change(finding=finding)
        case facts.FindingRevoked():
            return change(finding=None)
        case facts.ProposalSet(proposal=proposal):
            return change(proposals=_put(case.proposals, proposal, _by_id))
        case facts.Ruled(ruling=ruling):
            return change(ruling=ruling)
        case facts.OutcomeSet(outcome=outcome, ground=ground):
            return change(outcome=outcome, outcome_ground=ground)
        case facts.RemedySet(remedy=remedy):
            return change(remedies=_put(case.remedies, remedy, _by_id))
        case facts.PenaltySet(penalty=penalty):
            return change(penalties=_put(case.penalties, penalty, _by_id))
        case facts.ConductRecorded(conduct=conduct):
            return change(conduct=(*case.conduct, conduct))
        case facts.LevelRaised(escalation=escalation):
            return change(level=escalation.after, escalations=(*case.escalations, escalation))
        case facts.NoticeSet(notice=notice):
            return change(notices=_put(case.notices, notice, _by_id))
        case facts.EffectOrdered(effect=effect):
            return change(outbox=(*case.outbox, effect))
        case facts.EffectSettled(key=key):
            return change(outbox=tuple(effect for effect in case.outbox if effect.key != key))
        case facts.SurveyAnswered(survey=survey):
            return change(surveys=(*case.surveys, survey), returns=case.returns + (not survey.solved))
        case facts.CorrectionOpened(act=act):
            return change(correctable=act)
        case facts.ActCorrected():
            return change(correctable=None)
        case facts.Reopened():
            return change(reopenings=case.reopenings + 1)
        case facts.MergeStarted(into=into):
            return change(merging_into=into)
        case facts.MergeEnded():
            return change(merging_into=None)
        case facts.Absorbed(duplicate=duplicate):
            return change(absorbed=(*case.absorbed, duplicate))
        case facts.OutageNoticed(settle_until=until):
            return change(settled_until=until)
        case facts.CaseFiled():
            raise ValueError("a case is filed once")
        case facts.CancelAsked(key=key) | facts.Forked(key=key):
            return change(incidents=(*case.incidents, key)) if key else case
        case facts.Agreed():
            return case


def evolve_all(case: Case, established: Iterable[AnyFact]) -> Case:
    for fact in established:
        case = evolve(case, fact)
    return case


def next_wake(case: Case) -> datetime | None:
    """The earliest instant at which time alone changes the case: a warning or a deadline, never within an outage's
    wait.
    """
    instants = [clock.due for clock in case.clocks if clock.ticking]
    instants += [
        clock.warn_at for clock in case.clocks if clock.state is ClockState.RUNNING and clock.warn_at is not None
    ]
    earliest = min(instants, default=None)
    if earliest is None or case.settled_until is None:
        return earliest
    return max(earliest, case.settled_until)
