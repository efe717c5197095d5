"""An incident: complaints that have a seller or a product in common, and the acts that go round them.

An act on an incident is one of the acts on a case, addressed to all of its cases. It goes round: every case has a
place, the next free one when it joins, and a round goes from place to place up to the last one that is taken when the
round begins. So an act reaches every case that belonged to the incident at that moment, and none that joins later. One
round follows the other, in the order in which the acts came.

A case that does not answer (its run is stuck, say) holds up nobody: it is asked again later, and gets what follows only
after what came before. Each case gets an act under a request id that is made of the act's own and the case's, so it
counts once however often it is delivered.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from policies.schema import Matter, PackRef, Policy, Role
from states.events import (
    Act,
    AssignCase,
    EscalateCase,
    HandOver,
    LinkIncident,
    RecordContact,
    ReportTrigger,
    SetRisk,
)
from states.values import Actor, Answer, Id, Instant, Refusal, Value, snake

ENGINE = Actor(id="tousu", role=Role.ENGINE)
"""Who acts on a case where nobody else does."""

MassAct = RecordContact | EscalateCase | ReportTrigger | SetRisk | AssignCase | HandOver
"""What can be done to many cases at once: what is the same for all of them, and names nothing of a single one."""
MASS_ACTS: tuple[type[Act], ...] = get_args(MassAct)
GoesRound = MassAct | LinkIncident

PEOPLE = (Role.AGENT, Role.SUPERVISOR, Role.SERVICE)
"""Who may act on an incident, if the policy lets them do the act at all; a party acts on its own case only."""
MAX_ROUNDS = 500
MAX_UNDER_WAY = 20
"""So many acts, and so many that are not over, a run can hand to the next one."""
MAX_UNANSWERED = 100
"""When so many cases do not answer, something is wrong with more than the cases: the round waits."""
LONGEST_ID = 120


class OpenIncident(Value, kw_only=True, tag_field="type", tag=snake):
    """The incident came to be."""

    incident: Id
    matter: Matter
    subject: Id
    """The seller or the product."""
    policy: PackRef
    """Of the case with which it came to be: says who may do what to cases."""
    at: Instant


class CloseIncident(Act):
    """Close the incident: what goes round is brought to its end, later complaints do not join. Needs a reason."""


class Tally(Value):
    """What came of an act, counted by cases."""

    accepted: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """By the code of the refusal."""
    closed: int = 0
    """Cases that were closed already, and did not get it."""

    def __add__(self, other: "Tally") -> "Tally":
        codes = sorted({*self.refused, *other.refused})
        refused = {code: self.refused.get(code, 0) + other.refused.get(code, 0) for code in codes}
        return Tally(self.accepted + other.accepted, refused, self.closed + other.closed)

    @property
    def cases(self) -> int:
        """How many cases it is about."""
        return self.accepted + sum(self.refused.values()) + self.closed


class Round(Value, kw_only=True):
    """One act on its way round the cases."""

    number: int
    act: GoesRound
    at: Instant
    """When it was ordered."""
    last: int | None = None
    """The last place that it goes to; None until it begins."""
    place: int = 0
    """How far it has come."""
    tally: Tally = Tally()
    unanswered: tuple[Id, ...] = ()
    """Cases that it came to, and that are still to answer."""

    @property
    def under_way(self) -> bool:
        return self.last is None or self.place < self.last

    @property
    def over(self) -> bool:
        return not self.under_way and not self.unanswered


class Closing(Value):
    """Who closed the incident, and when."""

    act: CloseIncident
    at: Instant


class Incident(Value, kw_only=True):
    """An incident and everything that was done about it."""

    id: Id
    matter: Matter
    subject: Id
    policy: PackRef
    opened_at: Instant
    rounds: tuple[Round, ...] = ()
    closing: Closing | None = None

    @property
    def unanswered(self) -> bool:
        """Whether cases are still to answer."""
        return any(each.unanswered for each in self.rounds)

    @property
    def over(self) -> bool:
        """Whether it is closed, and nothing goes round any longer."""
        return self.closing is not None and all(each.over for each in self.rounds)


class Leg(Value, kw_only=True):
    """The next part of a round: the next places, or cases that did not answer."""

    incident: Id
    round: int
    act: GoesRound
    after: int = 0
    """The place that the round has reached."""
    last: int | None = None
    """The place that it goes up to; the last one that is taken now if it begins."""
    held: tuple[Id, ...] = ()
    """Cases that owe an answer to an earlier act: they are not asked, and count as unanswered."""
    again: tuple[Id, ...] = ()
    """If there are any, these cases are asked again, and no others."""


class Reached(Value, kw_only=True):
    """What came of a leg, or of the part of it that is done."""

    place: int
    last: int
    tally: Tally = Tally()
    unanswered: tuple[Id, ...] = ()


# --- what happens to an incident ------------------------------------------------------------------


def opened(start: OpenIncident) -> Incident:
    """The incident as it begins: the cases that were counted before there was one are linked to it first."""
    link = LinkIncident(request_id=_fitting(f"{start.incident}:link"), actor=ENGINE, incident=start.incident)
    incident = Incident(
        id=start.incident, matter=start.matter, subject=start.subject, policy=start.policy, opened_at=start.at
    )
    return _with_round(incident, link, start.at)


def act_on(incident: Incident, act: MassAct | CloseIncident, now: datetime, policy: Policy) -> tuple[Incident, Answer]:
    """What becomes of the incident, and the answer: accepted means that the act goes round, not that it has.

    The answer's entry is the number of the round. The same act again, by its request id, gets the same answer.
    """
    number, known = _known(incident, act.request_id)
    refusal = _refusal(incident, act, policy) if known is None else _reused(known, act)
    answer = Answer(
        case_id=incident.id,
        accepted=refusal is None,
        entry=0 if refusal else number,
        refusal=refusal,
        fingerprint=act.fingerprint(),
    )
    if refusal is not None or known is not None:
        return incident, answer
    if isinstance(act, CloseIncident):
        return replace(incident, closing=Closing(act, now)), answer
    return _with_round(incident, act, now), answer


def _with_round(incident: Incident, act: GoesRound, now: datetime) -> Incident:
    return replace(incident, rounds=(*incident.rounds, Round(number=len(incident.rounds) + 1, act=act, at=now)))


def _known(incident: Incident, request_id: str) -> tuple[int, Act | None]:
    """The act under a request id, with its number; the next number if there is none."""
    for each in incident.rounds:
        if each.act.request_id == request_id:
            return each.number, each.act
    closing = incident.closing.act if incident.closing else None
    return len(incident.rounds) + 1, closing if closing and closing.request_id == request_id else None


def _reused(known: Act, act: Act) -> Refusal | None:
    if (known.name(), known.fingerprint()) == (act.name(), act.fingerprint()):
        return None
    return Refusal("request_id_used", "request_id: it was used for another act; choose a new one", "TRA-1")


def _refusal(incident: Incident, act: MassAct | CloseIncident, policy: Policy) -> Refusal | None:
    """Why an act does not go round: what every case would refuse is refused here, once."""
    role = act.actor.role if act.actor else Role.UNATTRIBUTED
    allowed = [each for each in PEOPLE if each in policy.pack.rights[act.name()]]
    if role not in allowed:
        message = f"actor.role: {act.name()} on an incident is for {', '.join(allowed)}, not for {role}"
        return Refusal("no_right", message, "TRA-1")
    if act.reason is None:
        return Refusal("reason_missing", "reason: an act on many cases needs a reason", "TRA-1")
    if incident.closing is not None:
        return Refusal("incident_closed", "the incident is closed", "TRA-1")
    return None if isinstance(act, CloseIncident) else _too_many(incident)


def _too_many(incident: Incident) -> Refusal | None:
    if len(incident.rounds) >= MAX_ROUNDS:
        return Refusal("too_many_acts", f"an incident takes {MAX_ROUNDS} acts at most: close it", "TRA-1")
    if sum(not each.over for each in incident.rounds) >= MAX_UNDER_WAY:
        return Refusal("too_many_acts", f"{MAX_UNDER_WAY} acts go round already: wait until one has", "TRA-1")
    return None


# --- going round ----------------------------------------------------------------------------------


def next_leg(incident: Incident) -> Leg | None:
    """Where the first round that is under way goes next; None if there is none, or if too few cases answer."""
    held: tuple[Id, ...] = ()
    for each in incident.rounds:
        if each.under_way:
            if len(each.unanswered) >= MAX_UNANSWERED:
                return None
            return Leg(
                incident=incident.id, round=each.number, act=each.act, after=each.place, last=each.last, held=held
            )
        held += tuple(case for case in each.unanswered if case not in held)
    return None


def leg_again(incident: Incident, number: int) -> Leg | None:
    """Asks those of a round's cases again that did not answer, except for what they owe to earlier rounds."""
    this = incident.rounds[number - 1]
    owing = {case for each in incident.rounds[: number - 1] for case in each.unanswered}
    again = tuple(case for case in this.unanswered if case not in owing)
    return Leg(incident=incident.id, round=number, act=this.act, again=again) if again else None


def went(incident: Incident, leg: Leg, reached: Reached) -> Incident:
    """The incident after a leg."""
    before = incident.rounds[leg.round - 1]
    after = replace(
        before,
        tally=before.tally + reached.tally,
        unanswered=(*(case for case in before.unanswered if case not in leg.again), *reached.unanswered),
    )
    if not leg.again:
        after = replace(after, last=reached.last, place=reached.place)
    rounds = (*incident.rounds[: leg.round - 1], after, *incident.rounds[leg.round :])
    return replace(incident, rounds=rounds)


def for_case(act: GoesRound, case_id: str) -> GoesRound:
    """The act as one case gets it: always the same, so that it counts once."""
    return replace(act, request_id=_fitting(f"{act.request_id}:{case_id}"))


def _fitting(request_id: str) -> str:
    """A request id that is not too long for one; the same for the same."""
    if len(request_id) <= LONGEST_ID:
        return request_id
    digest = hashlib.sha256(request_id.encode()).hexdigest()[:32]
    return f"{request_id[: LONGEST_ID - len(digest) - 1]}:{digest}"


# --- what people see ------------------------------------------------------------------------------


def page(incident: Incident, policy: Policy) -> str:
    """The incident on a page, for whoever looks at it in the engine's user interface (Markdown)."""
    zone = ZoneInfo(policy.calendar.timezone)

    def local(instant: datetime) -> str:
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    lines = [
        f"**{'closed' if incident.closing else 'open'}**, {incident.matter} {incident.subject}",
        "",
        f"- open since {local(incident.opened_at)}",
    ]
    if incident.closing is not None:
        lines.append(f"- closed {local(incident.closing.at)} by {_who(incident.closing.act)}")
    lines += [f"- {each.number}: {round_in_words(each)}, ordered {local(each.at)}" for each in incident.rounds]
    possible = "nothing" if incident.closing else f"act_on_cases ({', '.join(_names())}), close_incident"
    return "\n".join([*lines, "", f"What may be done now: {possible}"])


def round_in_words(this: Round) -> str:
    """What an act is, whose, and how far it has come."""
    progress = "over" if this.over else "waits" if this.last is None else f"at {this.place} of {this.last}"
    tally = f"{this.tally.accepted} accepted"
    if this.tally.refused:
        tally += f", refused: {_counts(this.tally.refused)}"
    if this.tally.closed:
        tally += f", {this.tally.closed} closed"
    if this.unanswered:
        tally += f", unanswered: {', '.join(this.unanswered[:5])}{' ...' if len(this.unanswered) > 5 else ''}"
    return f"{this.act.name()} by {_who(this.act)}, {progress}; {tally}"


def _names() -> list[str]:
    return [each.name() for each in MASS_ACTS]


def _who(act: Act) -> str:
    return act.actor.id if act.actor else "nobody"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {number}" for code, number in counts.items())
