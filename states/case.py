"""The case: everything known about one complaint, and how each fact changes it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from policies.schema import Category, Channel, ClockKind, Level, Outcome, PackRef, Party, Priority, Role, Stage
from states import facts
from states.effects import AnyEffect
from states.facts import AnyFact
from states.values import (
    Answered,
    Appeal,
    AppealState,
    Claim,
    ClaimantHistory,
    Clock,
    ClockState,
    Conduct,
    Contact,
    CorrectableAct,
    Escalation,
    Evidence,
    ExternalComplaint,
    Factor,
    Finding,
    HandOff,
    Head,
    Hearing,
    HearingKind,
    Instant,
    LogisticsFacts,
    Notice,
    Occurrence,
    Offer,
    OfferState,
    OrderFacts,
    Penalty,
    Proposal,
    ProposalState,
    Remedy,
    Request,
    RequestState,
    ReviewComplaint,
    RiskState,
    Ruling,
    SellerContact,
    StaffConduct,
    Statement,
    Survey,
    TextRef,
    TriageProposal,
    Value,
)


class Case(Value, kw_only=True):
    """One complaint at one moment. Frozen: a decision gives a new one."""

    case_id: str
    head: Head = Head()
    policy: PackRef
    """The pack of the procedure, in force when the complaint was received (PEN-4)."""
    penalty_policy: PackRef | None
    """The pack that penalties follow, in force when the conduct took place; None if there was none then (PEN-4)."""
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
    """Whether the complaint came, or was brought later, through a body outside (ESC-5)."""
    risk: RiskState | None = None
    """How the risk came to be as it is, where it was not filed so (ESC-9)."""
    agent_concerned: str | None = None
    review: ReviewComplaint | None = None
    handled: tuple[Category, ...] = ()
    """The categories that were decided about before the case was filed anew as one of another (ADM-5)."""

    stage: Stage = Stage.INTAKE
    path: tuple[Stage, ...] = ()
    level: Level = Level.FRONT_LINE
    owner: str | None = None
    priority: Priority = Priority.NORMAL
    factors: tuple[Factor, ...] = ()
    """What makes the case as urgent as it is (INT-5)."""
    outcome: Outcome | None = None
    outcome_ground: str = ""

    orders_known: tuple[OrderFacts, ...] = ()
    """What the platform says about the orders of the case that are the complainant's."""
    orders_checked: tuple[str, ...] = ()
    """The orders that the platform was asked about and answered."""
    standing: bool = False
    disputed_at: Instant | None = None
    """When the complaint became a dispute (COO-6)."""
    logistics: LogisticsFacts | None = None
    claimant_history: ClaimantHistory | None = None
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
    occurrences: tuple[Occurrence, ...] = ()
    conduct: tuple[Conduct, ...] = ()
    staff_conduct: tuple[StaffConduct, ...] = ()
    earlier: tuple[str, ...] = ()
    """The remedies, penalties, occurrences and findings about staff, by their ids, that are of an earlier complaint on
    the same order: they stand, and no ruling on a later one touches them.
    """
    transcripts: tuple[str, ...] = ()
    """The transcripts on file that were examined, by the ids of their evidence."""
    escalations: tuple[Escalation, ...] = ()
    externals: tuple[ExternalComplaint, ...] = ()
    """Complaints about the matter before bodies outside (ESC-5)."""
    triage: tuple[TriageProposal, ...] = ()
    """What texts of the case show at first reading (INT-4)."""
    offers: tuple[Offer, ...] = ()
    hand_offs: tuple[HandOff, ...] = ()
    incident: str | None = None
    """The incident that the case is one of."""
    notices: tuple[Notice, ...] = ()
    surveys: tuple[Survey, ...] = ()
    returns: int = 0
    """How often an answer of "not solved" brought the case back (FUP-2)."""
    closings: int = 0
    """How often the case was closed, or came back from follow-up instead: each has a survey of its own (FUP-1)."""
    hearings: tuple[Hearing, ...] = ()
    """The hearings of the case; the first begins when the complaint is filed."""
    appeals: tuple[Appeal, ...] = ()
    """Reviews and appeals that were asked for."""
    result_told_at: Instant | None = None
    deciders: tuple[str, ...] = ()
    """Everybody who took the case on, or decided about it, so far: a later hearing may bar them (ESC-7)."""
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

    def order_facts(self, order: str) -> OrderFacts | None:
        """What the platform says about one of the case's orders."""
        return next((known for known in self.orders_known if known.order == order), None)

    @property
    def order(self) -> OrderFacts | None:
        """What the platform says about the first order."""
        return self.order_facts(self.orders[0])

    @property
    def hearing(self) -> Hearing:
        """The hearing that is or was the last."""
        return self.hearings[-1]

    @property
    def final(self) -> bool:
        """Whether the case's result is one that the platform does not hear again (ESC-7); an agreement is none."""
        return self.hearing.final and self.outcome not in (None, Outcome.AGREED)

    @property
    def open_appeal(self) -> Appeal | None:
        """The appeal that is being examined."""
        return next((appeal for appeal in self.appeals if appeal.state is AppealState.EXAMINED), None)

    @property
    def open_hand_offs(self) -> tuple[HandOff, ...]:
        """What other teams have still to do (HOF-4)."""
        return tuple(each for each in self.hand_offs if each.open)

    @property
    def late(self) -> bool:
        """Whether a team is late (HOF-6)."""
        return any(each.late for each in self.open_hand_offs)

    @property
    def open_offer(self) -> Offer | None:
        return next((offer for offer in self.offers if offer.state is OfferState.OPEN), None)

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


def _with(deciders: tuple[str, ...], by: str) -> tuple[str, ...]:
    """The deciders with one more; neither the engine nor whoever did not say who they are is one."""
    return deciders if by in ("", str(Role.ENGINE), *deciders) else (*deciders, by)


def _recorded(case: Case) -> tuple[str, ...]:
    """The ids of all that the complaint brought so far."""
    things: tuple[Remedy | Penalty | Occurrence | StaffConduct, ...] = (
        *case.remedies,
        *case.penalties,
        *case.occurrences,
        *case.staff_conduct,
    )
    return tuple(thing.id for thing in things)


Numbered = (
    Evidence | Request | Proposal | Remedy | Penalty | Occurrence | Appeal | Notice | TriageProposal | Offer | HandOff
)


def _by_id(item: Numbered) -> str:
    return item.id


def _by_arming(clock: Clock) -> tuple[str, int]:
    return clock.id, clock.arming


def file(case_id: str, filed: facts.CaseFiled) -> Case:
    """The case as it stands when its complaint has just been received."""
    given = {name: getattr(filed, name) for name in filed.__struct_fields__ if name != "rules"}
    first = Hearing(kind=HearingKind.FIRST, opened_at=filed.received_at)
    return Case(case_id=case_id, hearings=(first,), **given)


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
            return change(owner=owner, deciders=_with(case.deciders, owner))
        case facts.ClockSet(clock=clock):
            return change(clocks=_put(case.clocks, clock, _by_arming))
        case facts.ContactRecorded(contact=contact):
            return change(contacts=(*case.contacts, contact))
        case facts.SellerContactReported(result=result):
            return change(seller_contact=result)
        case facts.Refiled():
            given = {name: getattr(fact, name) for name in fact.__struct_fields__ if name != "rules"}
            return change(
                **given,
                risk=case.risk if fact.high_risk == case.high_risk else None,
                outcome=None,
                outcome_ground="",
                result_told_at=None,
                orders_known=(),
                orders_checked=(),
                standing=False,
                disputed_at=None,
                finding=None,
                ruling=None,
                earlier=_recorded(case),
            )
        case facts.CategoryCorrected(category=category):
            return change(category=category)
        case facts.DescriptionCompleted(description=description):
            return change(description=description)
        case facts.ClaimNarrowed(claim=claim):
            return change(claim=claim)
        case facts.RespondentNamed(respondent=respondent):
            return change(respondent=respondent)
        case facts.DisputeOpened(at=at):
            return change(disputed_at=at)
        case facts.PenaltyPolicySet(policy=policy):
            return change(penalty_policy=policy)
        case facts.PolicyMigrated(policy=policy):
            return change(policy=policy)
        case facts.ClaimantKnown(history=history):
            return change(claimant_history=history)
        case facts.OrderKnown(id=order_id, order=order):
            others = tuple(known for known in case.orders_known if known.order != order_id)
            return change(
                orders_known=others if order is None else (*others, order),
                orders_checked=(*(each for each in case.orders_checked if each != order_id), order_id),
                standing=order is not None if order_id == case.orders[0] else case.standing,
            )
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
            return change(finding=finding, deciders=_with(case.deciders, finding.by))
        case facts.FindingRevoked():
            return change(finding=None)
        case facts.ProposalSet(proposal=proposal):
            return change(proposals=_put(case.proposals, proposal, _by_id))
        case facts.Ruled(ruling=ruling):
            return change(ruling=ruling, deciders=_with(case.deciders, ruling.by))
        case facts.OutcomeSet(outcome=outcome, ground=ground):
            return change(outcome=outcome, outcome_ground=ground)
        case facts.RemedySet(remedy=remedy):
            return change(remedies=_put(case.remedies, remedy, _by_id))
        case facts.PenaltySet(penalty=penalty):
            return change(penalties=_put(case.penalties, penalty, _by_id))
        case facts.OccurrenceSet(occurrence=occurrence):
            return change(occurrences=_put(case.occurrences, occurrence, _by_id))
        case facts.ConductRecorded(conduct=conduct):
            return change(conduct=(*case.conduct, conduct))
        case facts.StaffConductFound(conduct=found):
            return change(staff_conduct=(*case.staff_conduct, found))
        case facts.TranscriptExamined(evidence=item):
            return change(transcripts=(*case.transcripts, item))
        case facts.ResultTold(at=at):
            return change(result_told_at=at)
        case facts.AppealSet(appeal=appeal):
            return change(appeals=_put(case.appeals, appeal, _by_id))
        case facts.HearingOpened(hearing=hearing):
            barred = case.owner is not None and case.owner in hearing.barred
            return change(hearings=(*case.hearings, hearing), result_told_at=None, owner=None if barred else case.owner)
        case facts.LevelRaised(escalation=escalation):
            return change(level=escalation.after, escalations=(*case.escalations, escalation))
        case facts.PrioritySet(priority=priority, factors=factors):
            return change(priority=priority, factors=factors)
        case facts.RiskSet(state=state, high=high):
            return change(risk=state, high_risk=high)
        case facts.TriageProposed(proposal=found):
            return change(triage=_put(case.triage, found, _by_id))
        case facts.ExternalComplaintRecorded(complaint=complaint):
            return change(externals=(*case.externals, complaint), external=True)
        case facts.OfferSet(offer=offer):
            return change(offers=_put(case.offers, offer, _by_id))
        case facts.HandOffSet(hand_off=hand_off):
            return change(hand_offs=_put(case.hand_offs, hand_off, _by_id))
        case facts.Reassigned(owner=owner):
            return change(owner=owner, deciders=_with(case.deciders, owner))
        case facts.IncidentLinked(incident=incident):
            return change(incident=incident)
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
        case facts.Agreed() | facts.TextTriaged():
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
