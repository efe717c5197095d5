"""Journal entries in words, for people who read along."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from policies.book import default_book
from states import facts
from states.case import Case
from states.decide import PLATFORM_PACK
from states.effects import Failed
from states.facts import AnyFact
from states.journal import Entry
from states.values import Clock, Notice, Remedy, RemedyTerms, yuan

Local = Callable[[datetime], str]
"""An instant as people read it."""


def zone(case: Case) -> tzinfo:
    """The zone of the case's policy; the platform's, if that pack is not among ours."""
    try:
        return ZoneInfo(default_book().policy(case.policy).calendar.timezone)
    except KeyError:
        return platform_zone()


def platform_zone() -> tzinfo:
    """The zone of the platform's present policy."""
    return ZoneInfo(default_book().in_force(PLATFORM_PACK, datetime.now(UTC)).calendar.timezone)


def clock_time(zone: tzinfo) -> Local:
    """Instants to the minute, in a zone."""
    return lambda instant: instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def line(entry: Entry, local: Local) -> str:
    """An entry on one line: when, who, what, what followed, and the rules it rests on."""
    rules = f"  [{' '.join(entry.rules)}]" if entry.rules else ""
    return f"{entry.number:>3}  {local(entry.effective_at)}  {happening(entry, local)}{rules}"


def happening(entry: Entry, local: Local) -> str:
    """What an entry tells: who did what, and what followed."""
    who = f"{entry.actor.id} ({entry.actor.role}) " if entry.actor else ""
    what = f"{who}{entry.event.replace('_', ' ')}"
    if entry.refusal is not None:
        what += f": refused, {entry.refusal.message}"
    said = [phrase for fact in entry.facts if (phrase := in_words(fact, local))]
    return f"{what}: {'; '.join(said)}" if said else what


def in_words(fact: AnyFact, local: Local) -> str:
    """A fact in words; empty for one that only other facts make sense of."""
    match fact:
        case facts.CaseFiled():
            wanted = ", ".join(fact.claim.remedies) + amount(fact.claim.amount_fen)
            return f"{fact.category} complaint against {fact.respondent}, wants {wanted}, policy {fact.policy}"
        case facts.StageEntered(stage=stage):
            return f"stage {stage}"
        case facts.OwnerNamed(owner=owner):
            return f"owner {owner}"
        case facts.ClockSet(by=by, clock=clock):
            return _clock(by, clock, local)
        case facts.ContactRecorded(contact=contact):
            return f"contact {'to the party' if contact.outbound else 'from ' + contact.by} by {contact.channel}"
        case facts.SellerContactReported(result=result):
            return f"the seller's part: {result}"
        case facts.OrderKnown(order=order):
            return "the platform knows no such order of the buyer" if order is None else f"order {order.order} is known"
        case facts.StandingProven(evidence=evidence):
            return f"purchase proven by {', '.join(evidence)}"
        case facts.LogisticsKnown(logistics=logistics):
            return "no logistics record" if logistics is None else "logistics record on file"
        case facts.EvidenceAdded(evidence=item):
            return f"evidence {item.id}, {item.kind}, from the {item.submitter}"
        case facts.RequestSet(by=by, request=request):
            return f"request {request.id} to the {request.party} for {', '.join(request.wanted)}: {by}"
        case facts.StatementMade(statement=statement):
            plan = f", with a plan: {terms(statement.plan)}" if statement.plan else ""
            return f"statement of the {statement.party}{plan}"
        case facts.FindingMade(finding=finding):
            if not finding.proven:
                return "finding: nothing proven"
            rest = f" resting on {', '.join(finding.evidence)}" if finding.evidence else ""
            return f"finding: the {finding.responsible} is responsible, {finding.cause}{rest}"
        case facts.FindingRevoked():
            return "the finding no longer stands"
        case facts.ProposalSet(by=by, proposal=proposal):
            return f"proposal {proposal.id} of the {proposal.by}, {terms(proposal.terms)}: {by}"
        case facts.Agreed(proposal=proposal_id):
            return f"both sides agree to {proposal_id}"
        case facts.Ruled(ruling=ruling):
            return f"ruling: {ruling.outcome} under {ruling.rule}"
        case facts.OutcomeSet(outcome=outcome, ground=ground):
            return "outcome open again" if outcome is None else f"outcome {outcome}" + (f", {ground}" if ground else "")
        case facts.RemedySet(by=by, remedy=remedy):
            return _remedy(by, remedy)
        case facts.PenaltySet(by=by, penalty=penalty):
            points = f", {penalty.points} points" if penalty.points else ""
            return f"penalty {penalty.id}, {penalty.row}{points}: {by}"
        case facts.ConductRecorded(conduct=conduct):
            return f"on record against the {conduct.party}: {conduct.kind}"
        case facts.LevelRaised(escalation=escalation):
            if escalation.before is escalation.after:
                return f"stays at {escalation.after} ({escalation.trigger})"
            return f"escalated from {escalation.before} to {escalation.after} ({escalation.trigger})"
        case facts.NoticeSet(by=by, notice=notice):
            return _notice(by, notice)
        case facts.EffectSettled(outcome=Failed(code=code)):
            return f"failed: {code}"
        case facts.SurveyAnswered(survey=survey):
            return f"survey: {'solved' if survey.solved else 'not solved'}, result {survey.scores.result} of 5"
        case facts.ActCorrected():
            return f"corrects {fact.act} of entry {fact.entry}"
        case facts.Reopened():
            return "open again"
        case facts.MergeStarted(into=into):
            return f"to be merged into {into}"
        case facts.MergeEnded(into=into, merged=merged):
            return f"merged into {into}" if merged else f"not merged: {into} did not take it over"
        case facts.Absorbed(duplicate=duplicate):
            return f"took over {duplicate}"
        case facts.OutageNoticed():
            return f"a deadline of {local(fact.due)} was held up; acts are waited for until {local(fact.settle_until)}"
        case facts.CancelAsked():
            return "the engine was asked to cancel; the case goes on"
        case facts.Forked(believed=believed):
            return f"a run believed in entry {believed.number} as the last one; the journal's word stands"
    return ""


def terms(proposed: RemedyTerms) -> str:
    """A remedy and its amount in yuan."""
    return f"{proposed.kind}{amount(proposed.amount_fen)}"


def amount(amount_fen: int | None) -> str:
    """An amount in yuan, to follow what it is for; empty if there is none."""
    return "" if amount_fen is None else f" {yuan(amount_fen)} yuan"


_CLOCK = {
    "warn": "is close",
    "pause": "stands still",
    "meet": "met",
    "miss": "missed",
    "cancel": "cancelled",
}


def _clock(by: str, clock: Clock, local: Local) -> str:
    due = local(clock.due) + (" (provisional)" if clock.provisional else "")
    match by:
        case "arm":
            return f"clock {clock.id} runs until {due}"
        case "resume" | "extend":
            return f"clock {clock.id} {'runs again' if by == 'resume' else 'extended'}, until {due}"
    return f"clock {clock.id} {_CLOCK.get(by, by)}"


def _remedy(by: str, remedy: Remedy) -> str:
    done = [step for step in remedy.steps if step.done_at is not None]
    steps = f", {len(done)} of {len(remedy.steps)} steps done"
    return f"remedy {remedy.id}, {terms(remedy.terms)}: {by}{steps if len(remedy.steps) > 1 else ''}"


def _notice(by: str, notice: Notice) -> str:
    match by:
        case "send":
            return f"notice {notice.template} to the {notice.party} by {notice.tried[-1]}"
        case "deliver":
            return f"notice {notice.template} reached the {notice.party}"
        case "hand_to_agent":
            return f"notice {notice.template} reached nobody: an agent has to tell the {notice.party}"
    return f"notice {notice.template} to the {notice.party}: {by}"
