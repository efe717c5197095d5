"""A decision in the making: the case as it becomes, fact by fact.

Rules take a draft and what happened, and record what follows. They see every fact at once in `draft.case`. A rule that
may not go on raises `Refused`; then the draft is dropped and nothing of it remains.
"""

from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from policies.book import PolicyBook
from policies.schema import (
    CategoryRule,
    ClockKind,
    EscalationRule,
    Level,
    Pack,
    Party,
    Policy,
    Role,
    Side,
    Stage,
    Trigger,
)
from states import clocks, facts
from states.case import Case, evolve
from states.effects import AnyEffect, SendNotice, TriageText
from states.facts import AnyFact
from states.lifecycle import EscalationLevel, Lifecycle, ProposalLife, RequestLife, step
from states.values import (
    Actor,
    Clock,
    ClockState,
    CorrectableAct,
    Escalation,
    Notice,
    NoticeState,
    Proposal,
    Request,
    TextRef,
)

LEVELS = tuple(Level)
OF_OPEN_MATTERS = frozenset(
    {
        ClockKind.PROOF_OF_PURCHASE,
        ClockKind.COMPLETION,
        ClockKind.CATEGORY_OFFER,
        ClockKind.SELLER_FIRST,
        ClockKind.EVIDENCE,
        ClockKind.STATEMENT,
        ClockKind.PROPOSAL,
    }
)
"""The clocks of what is asked and proposed."""
REVISION = 1
"""The revision of the core that new cases pin. `decide` must go on deciding for every older one."""


class Refused(Exception):
    """An act that is not possible now: a code for programs, a sentence for people, the rule that says so."""

    def __init__(self, code: str, message: str, rule: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.rule = rule


class Draft:
    """One decision about one case.

    `at` is when what happened counts as having happened, `now` is when it is decided; they differ only for what was
    held up.
    """

    def __init__(self, case: Case, book: PolicyBook, at: datetime, now: datetime) -> None:
        self.case = case
        self.book = book
        self.at = at
        self.now = now
        self.number = case.head.number + 1
        self.facts: list[AnyFact] = []
        self.refusal: Refused | None = None
        self.unfollowed: list[EscalationRule] = []
        """The rows of the escalation table by which the case rose and whose other consequences are still due."""
        self._effects = 0

    @property
    def policy(self) -> Policy:
        """The policy that the case is handled under."""
        return self.book.policy(self.case.policy)

    @property
    def pack(self) -> Pack:
        return self.policy.pack

    @property
    def penalty_pack(self) -> Pack | None:
        """The pack that penalties follow, by when the conduct took place; None if there was none then (PEN-4)."""
        ref = self.case.penalty_policy
        return None if ref is None else self.book.policy(ref).pack

    @property
    def category(self) -> CategoryRule:
        """The rules of the case's category."""
        return self.pack.categories[self.case.category]

    def record(self, fact: AnyFact) -> None:
        self.facts.append(fact)
        self.case = evolve(self.case, fact)

    def refuse_on_record(self, code: str, message: str, rule: str) -> None:
        """Answer with a refusal, yet keep what was recorded: the act itself is a fact, such as a repeated complaint."""
        self.refusal = Refused(code, message, rule)

    def own(self, actor: Actor | None) -> None:
        """Whoever takes the case on owns it; an unattributed act changes no owner."""
        if actor is not None and actor.id != self.case.owner:
            self.record(facts.OwnerNamed(owner=actor.id))

    def correctable(self, act: str, before: Stage, subject: str = "") -> None:
        """Remember an agent's act that can still be corrected while the case stands where it led."""
        self.record(
            facts.CorrectionOpened(
                act=CorrectableAct(entry=self.number, act=act, before=before, after=self.case.stage, subject=subject)
            )
        )

    # --- the lifecycle and the clocks that follow it ------------------------------------------

    def can(self, event: str) -> bool:
        return step(Lifecycle, self.case.stage, event) is not None

    def move(self, event: str, *rules: str, drop: bool = False) -> None:
        """Send `event` to the lifecycle; clocks of the stages left are met, or cancelled where the matter is
        dropped.
        """
        stage = step(Lifecycle, self.case.stage, event)
        if stage is None:
            raise Refused("wrong_stage", f"the case is in {self.case.stage}: {event} is not possible there")
        for clock in self.case.clocks:
            if clock.active and stage not in self.pack.clocks[clock.kind].runs_in:
                self._leave(clock, drop)
        self.enter(stage, event, *rules)

    def enter(self, stage: Stage, by: str, *rules: str) -> None:
        """Be in a stage, with the clocks that run in it."""
        self.record(facts.StageEntered(stage=stage, by=by, rules=rules))
        for kind in self.pack.clocks:
            self._run_in_stage(kind)

    def _leave(self, clock: Clock, drop: bool) -> None:
        """A clock of stages is met when they are left, and cancelled where the matter is dropped."""
        if not self.pack.clocks[clock.kind].runs_in:
            return
        if self.pack.clocks[clock.kind].met_by_leaving and not drop:
            self.meet(clock)
        else:
            self.cancel(clock)

    def settle_open_matters(self) -> None:
        """Nothing is asked and nothing is proposed any longer: the matter is decided or dropped.

        What was promised (FUP-3), what a team works on (HOF-6) and what a body outside waits for (ESC-5) goes on.
        """
        for request in self.case.open_requests():
            self.set_request(request, "cancel")
        proposal = self.case.open_proposal
        if proposal is not None:
            self.set_proposal(proposal, "cancel")
        for clock in self.case.clocks:
            if clock.active and clock.kind in OF_OPEN_MATTERS:
                self.cancel(clock)

    def set_request(self, request: Request, by: str, *rules: str) -> None:
        state = expect(step(RequestLife, request.state, by), f"request {request.id}", request.state)
        self.record(facts.RequestSet(by=by, request=replace(request, state=state), rules=rules))

    def set_proposal(self, proposal: Proposal, by: str, *rules: str) -> None:
        state = expect(step(ProposalLife, proposal.state, by), f"proposal {proposal.id}", proposal.state)
        self.record(facts.ProposalSet(by=by, proposal=replace(proposal, state=state), rules=rules))

    def _run_in_stage(self, kind: ClockKind) -> None:
        """Arm a clock that runs in the stage, unless it does already, or was met by an act of its own."""
        rule = self.pack.clocks[kind]
        last = self.case.clock(kind)
        stayed = set(self.case.path[-2:]) <= set(rule.runs_in)  # within its stages only an act meets a clock
        by_act = stayed or not rule.met_by_leaving
        done = last is not None and (last.active or (last.state is ClockState.MET and by_act))
        if self.case.stage in rule.runs_in and not done:
            self.arm(kind)

    def arm(self, kind: ClockKind, subject: str = "", *, until: datetime | None = None) -> Clock:
        """Arm a clock for the next time, by the case's priority (SLA-5); `until` when, if somebody else says so."""
        last = self.case.clock(kind, subject)
        arming = last.arming + 1 if last else 1
        clock = clocks.arm(self.policy, kind, self.at, arming, subject, priority=self.case.priority, until=until)
        self._set(clock, "arm")
        return clock

    def shorten(self, clock: Clock) -> None:
        """The case has become more urgent: the clock ends at the earlier of the two deadlines (SLA-5)."""
        shorter = clocks.shorten(self.policy, clock, self.case.priority, self.at)
        if shorter is not None:
            self._set(shorter, "shorten", "SLA-5")

    def meet(self, clock: Clock | None) -> None:
        if clock is not None and clock.active:
            self._set(clocks.meet(clock, self.at), "meet")

    def cancel(self, clock: Clock | None) -> None:
        if clock is not None and clock.active:
            self._set(clocks.cancel(clock, self.at), "cancel")

    def miss(self, clock: Clock) -> None:
        self._set(clocks.miss(clock), "miss")

    def warn(self, clock: Clock) -> None:
        self._set(clocks.warn(clock), "warn")

    def extend(self, clock: Clock, by: int) -> None:
        self._set(clocks.extend(self.policy, clock, by, self.at), "extend", "SLA-4")

    def hold_clocks(self) -> None:
        """Pause and resume clocks according to who is being waited for."""
        awaited = {request.party for request in self.case.open_requests()}
        turn = self.case.clock(ClockKind.SELLER_FIRST)
        if turn is not None and turn.active:  # the platform can accept nothing before the seller had it (ADM-7)
            awaited.add(Party.RESPONDENT)
        for clock in self.case.clocks:
            holds = bool(awaited & set(self.pack.clocks[clock.kind].pauses_for))
            if clock.ticking and holds:
                self._set(clocks.pause(clock, self.at), "pause")
            elif clock.state is ClockState.PAUSED and not holds:
                self._set(clocks.resume(self.policy, clock, self.at), "resume")

    def _set(self, clock: Clock, by: str, *rules: str) -> None:
        cited = (self.pack.clocks[clock.kind].rule, *rules)
        self.record(facts.ClockSet(by=by, clock=clock, rules=cited))

    # --- levels, effects, notices -------------------------------------------------------------

    def raise_level(self, trigger: Trigger, *rules: str, clock: Clock | None = None, arming: int = 0) -> None:
        """Raise the case as the escalation table says, once for each trigger, clock and arming; what else the table
        says follows in the same turn (`rules.escalation.follow`). Levels never fall by themselves.
        """
        row = self.row_of(trigger)
        if row is None:  # the policy does not raise for it
            return
        of = clock.id if clock else ""
        number = clock.arming if clock else arming
        if any((each.trigger, each.clock, each.arming) == (trigger, of, number) for each in self.case.escalations):
            return
        before = self.case.level
        after = before
        while after is before if row.level is None else LEVELS.index(after) < LEVELS.index(row.level):
            higher = step(EscalationLevel, after, "raise_level") or after
            if higher is after:
                break
            after = higher
        escalation = Escalation(trigger=trigger, clock=of, arming=number, before=before, after=after, at=self.at)
        self.record(facts.LevelRaised(escalation=escalation, rules=tuple(dict.fromkeys((row.rule, *rules)))))
        self.unfollowed.append(row)

    def row_of(self, trigger: Trigger) -> EscalationRule | None:
        """The row of the escalation table for a trigger."""
        return next((row for row in self.pack.escalation if row.trigger is trigger), None)

    def effect_key(self) -> str:
        """The key of the next effect: case, entry and number within the entry."""
        self._effects += 1
        return f"{self.case.case_id}:{self.number}:{self._effects}"

    def order(self, effect: AnyEffect, *rules: str) -> None:
        """Ask the world for something; it stays in the outbox until its outcome is reported."""
        self.record(facts.EffectOrdered(effect=effect, rules=rules))

    def have_read(self, *texts: TextRef | None) -> None:
        """Have what somebody wrote read for what it is about and how grave it is (INT-4, ESC-9)."""
        written = tuple(text for text in texts if text is not None)
        if written:
            self.order(TriageText(key=self.effect_key(), texts=written, policy=self.case.policy), "INT-4")

    def tell(self, template: str, party: Party, *rules: str, recipient: str = "", **details: str) -> None:
        """Send a party a notice, through the first channel of the policy (FBK-1).

        `recipient` says who that is where the case alone does not: a carrier, an appraiser.
        """
        notice = Notice(
            id=f"N{len(self.case.notices) + 1}",
            template=template,
            party=party,
            state=NoticeState.SENDING,
            tried=(self.pack.notices[template].channels[0],),
        )
        self.record(facts.NoticeSet(by="send", notice=notice, rules=rules))
        self._send(notice, recipient or self.case.reference_of(party), *rules, **details)

    def tell_both(self, template: str, *rules: str, **details: str) -> None:
        for party in (Party.COMPLAINANT, Party.RESPONDENT):
            self.tell(template, party, *rules, **details)

    def _send(self, notice: Notice, recipient: str, *rules: str, **details: str) -> None:
        known = {"case": self.case.case_id, "order": self.case.orders[0]}
        self.order(
            SendNotice(
                key=self.effect_key(),
                notice=notice.id,
                template=notice.template,
                party=notice.party,
                recipient=recipient,
                channel=notice.tried[0],
                facts=known | details,
            ),
            *rules,
        )

    def local(self, instant: datetime) -> str:
        """An instant as people read it: to the minute, in the platform's zone."""
        return instant.astimezone(ZoneInfo(self.policy.calendar.timezone)).isoformat(" ", "minutes")

    # --- who acts -----------------------------------------------------------------------------

    def party_of(self, actor: Actor | None) -> Party:
        """On which side an actor acts; everybody but the two parties acts for the platform."""
        match actor:
            case Actor(role=Role.COMPLAINANT):
                return Party.COMPLAINANT
            case Actor(role=Role.RESPONDENT):
                return Party.RESPONDENT
        return Party.PLATFORM

    def party_on(self, side: Side) -> Party:
        """Which party of the case stands on a side of the trade: either can complain (ADM-6)."""
        order = self.case.order
        complains = self.category.complainants[0]
        if order is not None and self.case.complainant in (order.buyer, order.seller):
            complains = Side.BUYER if self.case.complainant == order.buyer else Side.SELLER
        return Party.COMPLAINANT if side is complains else Party.RESPONDENT


S = TypeVar("S", bound=StrEnum)


def expect(target: S | None, thing: str, state: StrEnum) -> S:
    """The state that a machine leads to; a Refused that names the thing where it leads nowhere."""
    if target is None:
        raise Refused("wrong_state", f"{thing} is {state}: that is not possible any more")
    return target


def next_id(prefix: str, items: tuple[object, ...]) -> str:
    """The next number in a series of things on the case: E1, E2 and so on."""
    return f"{prefix}{len(items) + 1}"
