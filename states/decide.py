"""`decide`: the one door into the core.

Given a case, something that happened and the instant, it says what becomes of the case: the entries for its journal
(whose
facts make the next case and put effects into its outbox) and the answer for whoever acted. It is a pure function;
the same arguments always give the same decision.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import Policy, Role, Stage
from states import effects, events, facts
from states.case import Case
from states.draft import Draft, Refused
from states.journal import Entry, apply, seal
from states.rules import (
    admission,
    appeals,
    assignment,
    conduct,
    corrections,
    deadlines,
    escalation,
    evidence,
    feedback,
    follow_up,
    hand_off,
    incidents,
    mediation,
    penalties,
    pinning,
    priority,
    remedies,
    reversal,
    ruling,
    triage,
    verification,
)
from states.values import Answer, Clock, ClockState, Refusal, Value


class Decision(Value):
    """What follows: the case as it now is, the entries that say so, and the answer if somebody acted."""

    case: Case | None
    entries: tuple[Entry, ...] = ()
    answer: Answer | None = None


def decide(case: Case | None, event: events.Event, now: datetime, book: PolicyBook) -> Decision:
    """What follows from `event`, decided at `now` (aware, UTC), under the policy that the case carries.

    Deadlines that were due by the time the event counts as having happened are applied first, each in an entry of
    its own.
    An act without an answer is not decided yet: it has to be put again, once the time has come that `next_wake` names.
    Without a case, only a complaint opens one; anything else is answered, and nothing is journalled.
    Raises KeyError if the case's policy is not in the book.
    """
    if isinstance(event, events.Act):
        known = None if case is None else case.answered(event.request_id, event.fingerprint())
        if known is not None:
            return Decision(case=case, answer=known.answer)
    if case is None:
        return _open(event, now, book)
    policy = book.policy(case.policy)
    at = effective_at(event, now, policy)
    case, entries, held_since = _outage(case, now, book)
    if held_since is None:
        case, passed = _pass_time(case, at, now, book)
        entries += passed
    elif isinstance(event, events.Act) and at >= held_since:
        return Decision(case=case, entries=tuple(entries))
    if isinstance(event, events.DeadlineReached) or _reports_nothing_new(case, event):
        return Decision(case=case, entries=tuple(entries))
    case, entry = _happening(case, event, at, now, book)
    answer = case.answers[-1].answer if isinstance(event, events.Act) else None
    return Decision(case=case, entries=(*entries, entry), answer=answer)


def _reports_nothing_new(case: Case, event: events.Event) -> bool:
    """Whether all that is reported was reported before."""
    match event:
        case events.EffectsReported(results=results):
            return not {result.key for result in results} & {effect.key for effect in case.outbox}
        case events.CancelRequested(key=key) | events.ForkFound(key=key):
            return key in case.incidents
    return False


def in_order(case: Case | None, waiting: Sequence[events.Event], now: datetime, book: PolicyBook) -> list[int]:
    """The order, by index, in which events that wait together are decided: as they count as having happened."""
    indices = list(range(len(waiting)))
    if case is None:
        return indices
    policy = book.policy(case.policy)
    return sorted(indices, key=lambda index: effective_at(waiting[index], now, policy))


def effective_at(event: events.Event, now: datetime, policy: Policy) -> datetime:
    """When an event counts as having happened: now, or when a trusted service says that the act was made.

    That holds within the policy's tolerance, so that nobody is late because the engine was away.
    """
    rule = policy.pack.delivery
    if not isinstance(event, events.Act) or event.at is None:
        return now
    made = event.at.astimezone(now.tzinfo)
    trusted = event.source in rule.trusted_sources
    in_time = now - timedelta(minutes=rule.tolerance_minutes) <= made <= now
    return made if trusted and in_time else now


# --- time ---------------------------------------------------------------------------------------


def _pass_time(case: Case, at: datetime, now: datetime, book: PolicyBook) -> tuple[Case, list[Entry]]:
    """Warnings and deadlines up to `at`, earliest first, each in an entry of its own."""
    entries = []
    while (clock := _next_due(case, at)) is not None:
        case, entry = _deadline(case, clock, at, now, book)
        entries.append(entry)
    return case, entries


def _next_due(case: Case, at: datetime) -> Clock | None:
    """The clock whose deadline or warning comes first up to `at`; what is already due needs no warning."""
    due = [(clock.due, clock.id, clock) for clock in case.clocks if clock.ticking and clock.due <= at]
    if not due:
        due = [
            (clock.warn_at, clock.id, clock)
            for clock in case.clocks
            if clock.state is ClockState.RUNNING and clock.warn_at is not None and clock.warn_at <= at
        ]
    return min(due, key=lambda item: item[:2])[2] if due else None


def _deadline(case: Case, clock: Clock, at: datetime, now: datetime, book: PolicyBook) -> tuple[Case, Entry]:
    missed = clock.due <= at
    draft = Draft(case, book, now, now)
    if missed:
        deadlines.deadline_reached(draft, clock)
        _advance(draft)
    else:
        draft.warn(clock)
    entry = _entry(
        draft,
        event="clock_missed" if missed else "clock_warned",
        effective_at=clock.due if missed else clock.warn_at or now,
    )
    return apply(case, entry), entry


def _outage(case: Case, now: datetime, book: PolicyBook) -> tuple[Case, list[Entry], datetime | None]:
    """Whether deadlines are held up, and since when the earliest of them is due.

    A deadline that comes to be handled late was held up by an outage, and acts may have been held up with it. Before
    such deadlines are
    applied, the case waits for those acts a little (policy), so that they are judged by when they were made.
    """
    due = min((clock.due for clock in case.clocks if clock.ticking and clock.due <= now), default=None)
    if due is None:
        return case, [], None
    rule = book.policy(case.policy).pack.delivery
    settled = case.settled_until
    if settled is not None and due <= settled:
        return case, [], due if now < settled else None
    if now - due <= timedelta(seconds=rule.outage_after_seconds):
        return case, [], None
    draft = Draft(case, book, now, now)
    until = now + timedelta(seconds=rule.settle_seconds)
    draft.record(facts.OutageNoticed(due=due, settle_until=until, rules=("SLA-1",)))
    entry = _entry(draft, event="outage_noticed", effective_at=now)
    return apply(case, entry), [entry], due


# --- what happens -------------------------------------------------------------------------------


def _open(event: events.Event, now: datetime, book: PolicyBook) -> Decision:
    """The first entry of a case: its complaint is filed, under the policy in force when it was received."""
    if not isinstance(event, events.Act):
        return Decision(case=None)
    try:
        if not isinstance(event, events.FileComplaint):
            raise Refused("no_such_case", "there is no such case: file a complaint first")
        at = effective_at(event, now, _procedure(event, now, book))
        policy = _procedure(event, at, book)
        _check_right(event, policy, event.complainant, event.respondent)
        draft = admission.open_case(event, policy, book, at, now)
        _advance(draft)
    except Refused as refused:
        case_id = getattr(event, "case_id", "")
        answer = Answer(case_id=case_id, accepted=False, refusal=_refusal(refused), fingerprint=event.fingerprint())
        return Decision(case=None, answer=answer)
    entry = _entry(draft, event=event.name(), effective_at=at, act=event)
    case = apply(None, entry)
    return Decision(case=case, entries=(entry,), answer=case.answers[-1].answer)


def _procedure(act: events.FileComplaint, at: datetime, book: PolicyBook) -> Policy:
    """The pack of the procedure that the complaint names, in force when it is received (PEN-4)."""
    try:
        return book.in_force(act.procedure, at)
    except LookupError as error:
        raise Refused("unknown_procedure", f"procedure: {error}", "PEN-4") from None


def _happening(case: Case, event: events.Event, at: datetime, now: datetime, book: PolicyBook) -> tuple[Case, Entry]:
    """One entry for one happening; a refused act leaves nothing but the refusal (TRA-1)."""
    draft = Draft(case, book, at, now)
    act = event if isinstance(event, events.Act) else None
    try:
        _rule(draft, event)
        _advance(draft)
    except Refused as refused:
        if act is None:
            raise
        draft = Draft(case, book, at, now)
        draft.refusal = refused
    name = act.name() if act else event.__struct_config__.tag
    entry = _entry(draft, event=str(name), effective_at=at, act=act)
    return apply(case, entry), entry


def _rule(draft: Draft, event: events.Event) -> None:
    """Hand what happened to its rule."""
    case = draft.case
    if isinstance(event, events.Act):
        if case.answered(event.request_id) is not None:
            raise Refused(
                "request_id_used", f"request_id: {event.request_id} was used for another act: choose a new one"
            )
        _check_right(event, draft.policy, case.complainant, case.respondent)
        _check_impartial(event, case)
    match event:
        case events.FileComplaint():
            admission.join(draft, event)
        case events.RecordContact():
            admission.contacted(draft, event)
        case events.ReportSellerContact():
            admission.report_seller_contact(draft, event)
        case events.CorrectCategory():
            admission.correct_category(draft, event)
        case events.RequestCompletion():
            admission.request_completion(draft, event)
        case events.CompleteComplaint():
            admission.complete(draft, event)
        case events.NarrowClaim():
            admission.narrow_claim(draft, event)
        case events.AcceptComplaint():
            admission.accept(draft, event)
        case events.RefuseComplaint():
            admission.refuse(draft, event)
        case events.RequestEvidence():
            evidence.request(draft, event)
        case events.SubmitEvidence():
            evidence.submit(draft, event)
        case events.SubmitStatement():
            evidence.submit_statement(draft, event)
        case events.RecordFinding():
            verification.record_finding(draft, event)
        case events.ProposeRemedy():
            mediation.propose(draft, event)
        case events.AnswerProposal():
            mediation.answer(draft, event)
        case events.CallForRuling():
            mediation.call_for_ruling(draft, event)
        case events.IssueRuling():
            ruling.issue(draft, event)
        case events.ExtendClock():
            deadlines.extend_clock(draft, event)
        case events.EscalateCase():
            escalation.escalate(draft, event)
        case events.ReportTrigger():
            escalation.report_trigger(draft, event)
        case events.SetRisk():
            triage.set_risk(draft, event)
        case events.AssessCase():
            triage.assess(draft, event)
        case events.RecordExternalComplaint():
            escalation.record_external(draft, event)
        case events.OfferSolution():
            escalation.offer_solution(draft, event)
        case events.AnswerOffer():
            escalation.answer_offer(draft, event)
        case events.HandOver():
            hand_off.hand_over(draft, event)
        case events.AnswerHandOff():
            hand_off.answer(draft, event)
        case events.TakeHandOff():
            hand_off.take(draft, event)
        case events.ReturnHandOff():
            hand_off.give_back(draft, event)
        case events.RefuseHandOff():
            hand_off.refuse(draft, event)
        case events.RecallHandOff():
            hand_off.recall(draft, event)
        case events.AssignCase():
            assignment.assign(draft, event)
        case events.LinkIncident():
            incidents.link(draft, event)
        case events.WithdrawComplaint():
            corrections.withdraw(draft, event)
        case events.ReportRemedy():
            remedies.report(draft, event)
        case events.AnswerSurvey():
            follow_up.answer_survey(draft, event)
        case events.RequestReview():
            appeals.request_review(draft, event)
        case events.FileAppeal():
            appeals.file_appeal(draft, event)
        case events.ExamineTranscript():
            conduct.examine_transcript(draft, event)
        case events.RecordConduct():
            conduct.record(draft, event)
        case events.MigratePolicy():
            pinning.migrate(draft, event)
        case events.ReopenCase():
            follow_up.reopen(draft, event)
        case events.CorrectAct():
            corrections.correct(draft, event)
        case events.MergeCase():
            corrections.merge(draft, event)
        case events.AbsorbCase():
            corrections.absorb(draft, event)
        case events.EffectsReported():
            _settle_effects(draft, event)
        case events.CancelRequested():
            draft.record(facts.CancelAsked(key=event.key, rules=("TRA-1",)))
        case events.ForkFound():
            draft.record(facts.Forked(believed=event.believed, key=event.key, rules=("TRA-1",)))
        case _:
            raise TypeError(f"no rule for {type(event).__name__}")


def _settle_effects(draft: Draft, event: events.EffectsReported) -> None:
    """Outcomes of effects come back into the case; one already reported is passed over."""
    for result in event.results:
        effect = next((e for e in draft.case.outbox if e.key == result.key), None)
        if effect is None:
            continue
        draft.record(facts.EffectSettled(key=result.key, outcome=result.outcome))
        match effect:
            case effects.LookUpOrder():
                admission.order_looked_up(draft, effect, result.outcome)
            case effects.LookUpLogistics():
                verification.logistics_looked_up(draft, result.outcome)
            case effects.LookUpClaimant():
                verification.claimant_looked_up(draft, result.outcome)
            case effects.ReadTranscript():
                conduct.transcript_read(draft, effect, result.outcome)
            case effects.TriageText():
                triage.text_read(draft, result.outcome)
            case effects.CountMatter():
                incidents.counted(draft, result.outcome)
            case effects.SendNotice():
                feedback.notice_sent(draft, effect, result.outcome)
            case effects.CarryOut():
                remedies.carried_out(draft, effect, result.outcome)
            case effects.ApplyPenalty():
                penalties.applied(draft, effect, result.outcome)
            case effects.CountOccurrence():
                penalties.counted(draft, effect, result.outcome)
            case effects.Reverse():
                reversal.reversed_(draft, effect, result.outcome)
            case effects.DeliverMerge():
                corrections.merge_delivered(draft, effect, result.outcome)
            case effects.ReleaseReturnAddress():
                pass


def _advance(draft: Draft) -> None:
    """The steps that a case takes by itself, in the same turn, until there is none left to take."""
    before = -1
    while before != len(draft.facts):
        before = len(draft.facts)
        admission.examine(draft)
        appeals.examine(draft)
        verification.examine(draft)
        feedback.conclude(draft)
        escalation.follow(draft)
        _put_away(draft)
        priority.examine(draft)
        draft.hold_clocks()


def _put_away(draft: Draft) -> None:
    """What has nobody to do it for any longer, once the case is over."""
    hand_off.recall_all(draft)
    escalation.withdraw_offer(draft)
    if draft.case.stage in (Stage.CLOSED, Stage.ARCHIVED):
        escalation.settle_outside(draft)


def _check_right(act: events.Act, policy: Policy, complainant: str, respondent: str) -> None:
    """Who may do what is policy data; a party acts on its own case only."""
    role = act.actor.role if act.actor else Role.UNATTRIBUTED
    if role not in policy.pack.rights[act.name()]:
        allowed = ", ".join(policy.pack.rights[act.name()])
        raise Refused("no_right", f"actor.role: {act.name()} is for {allowed}, not for {role}", "TRA-1")
    expected = {Role.COMPLAINANT: complainant, Role.RESPONDENT: respondent}.get(role)
    if act.actor is not None and expected is not None and act.actor.id != expected:
        raise Refused("not_a_party", f"actor.id: {act.actor.id} is not the {role} of this case", "TRA-1")


DECIDING = (events.AcceptComplaint, events.RefuseComplaint, events.RecordFinding, events.IssueRuling)
"""The acts by which an agent decides about a case."""


def _check_impartial(act: events.Act, case: Case) -> None:
    """A case about an agent never goes to that agent (INT-7), nor a further hearing to whom the policy bars (ESC-7)."""
    if act.actor is None or act.actor.role not in (Role.AGENT, Role.SUPERVISOR):
        return
    if act.actor.id == case.agent_concerned:
        raise Refused("agent_concerned", "actor.id: the case is about the handling by this agent", "INT-7")
    if isinstance(act, DECIDING) and act.actor.id in case.hearing.barred:
        raise Refused("decided_before", "actor.id: another agent than before has to decide this time", "ESC-7")


def _entry(draft: Draft, *, event: str, effective_at: datetime, act: events.Act | None = None) -> Entry:
    """The journal entry of a decision, sealed onto the head of the case it is about (TRA-1)."""
    entry = Entry(
        case_id=draft.case.case_id,
        number=draft.number,
        event=event,
        decided_at=draft.now,
        effective_at=effective_at,
        policy=str(draft.policy.ref),
        facts=tuple(draft.facts),
        refusal=None if draft.refusal is None else _refusal(draft.refusal),
    )
    if act is not None:
        entry = replace(
            entry,
            request_id=act.request_id,
            fingerprint=act.fingerprint(),
            actor=act.actor,
            source=act.source,
            reason=act.reason,
        )
    return seal(entry, draft.case.head)


def _refusal(refused: Refused) -> Refusal:
    return Refusal(code=refused.code, message=refused.message, rule=refused.rule)
