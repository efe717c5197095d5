"""Journal entries in words, for people who read along."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from policies.book import default_book
from states import facts
from states.case import Case
from states.effects import Failed
from states.facts import AnyFact
from states.journal import Entry
from states.values import Clock, Contact, HandOff, Notice, Remedy, RemedyTerms, StaffConduct, yuan

PLATFORM_PACK = "platform"
"""The procedure in whose zone instants are shown that belong to no case."""

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
            about = f" about {fact.agent_concerned}" if fact.agent_concerned else ""
            return f"{fact.category} complaint{about} against {fact.respondent}, wants {wanted}, policy {fact.policy}"
        case facts.Refiled():
            return f"brought anew as a {fact.category} complaint"
        case facts.CategoryCorrected(before=before, category=category):
            return f"category {category} instead of {before}"
        case facts.DescriptionCompleted():
            return "the description was completed"
        case facts.ClaimNarrowed(claim=claim):
            return f"claim narrowed to {', '.join(claim.remedies)}{amount(claim.amount_fen)}"
        case facts.RespondentNamed(respondent=respondent):
            return f"the complaint is against {respondent}"
        case facts.DisputeOpened():
            return "the complaint is a dispute now"
        case facts.PenaltyPolicySet(policy=policy, conduct_at=conduct_at):
            return f"penalties follow {policy or 'no policy'}, in force at {local(conduct_at)}"
        case facts.PolicyMigrated(before=earlier, policy=policy):
            return f"handled under {policy} instead of {earlier}"
        case facts.ClaimantKnown(history=history):
            if history is None:
                return "the complainant's history is not known"
            return f"earlier complaints of the complainant: {history.complaints}"
        case facts.StageEntered(stage=stage):
            return f"stage {stage}"
        case facts.OwnerNamed(owner=owner):
            return f"owner {owner}"
        case facts.ClockSet(by=by, clock=clock):
            return _clock(by, clock, local)
        case facts.ContactRecorded(contact=contact):
            return _contact(contact)
        case facts.SellerContactReported(result=result):
            return f"the seller's part: {result}"
        case facts.OrderKnown(id=order_id, order=order):
            if order is None:
                return f"the platform knows no order {order_id} of the complainant"
            return f"order {order_id} is known, {order.state}"
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
            return f"{'final ' if ruling.final else ''}ruling: {ruling.outcome} under {ruling.rule}"
        case facts.OutcomeSet(outcome=outcome, ground=ground):
            return "outcome open again" if outcome is None else f"outcome {outcome}" + (f", {ground}" if ground else "")
        case facts.RemedySet(by=by, remedy=remedy):
            return _remedy(by, remedy)
        case facts.PenaltySet(by=by, penalty=penalty):
            points = f", {penalty.points} points" if penalty.points else ""
            return f"penalty {penalty.id}, {penalty.row}{points}: {by}"
        case facts.OccurrenceSet(by=by, occurrence=occurrence):
            number = "" if occurrence.count is None else f", number {occurrence.count} within the window"
            return f"occurrence {occurrence.id}, {occurrence.counts}{number}: {by}"
        case facts.ConductRecorded(conduct=conduct):
            return f"on record against the {conduct.party}: {conduct.kind}"
        case facts.StaffConductFound(conduct=found):
            return f"conduct {found.id} of {found.staff or 'the service'}: {found.row}{conduct_shown(found)}"
        case facts.TranscriptExamined(evidence=item_id, findings=findings, omitted=omitted, code=code):
            more = f" and {omitted} more" if omitted else ""
            shown = f"shows {findings} findings{more}"
            return f"transcript {item_id} " + (f"cannot be examined: {code}" if code else shown)
        case facts.ResultTold():
            return "everyone knows the result"
        case facts.AppealSet(by=by, appeal=appeal):
            rest = f" with {', '.join(appeal.evidence)}" if appeal.evidence else ""
            return f"{appeal.kind} {appeal.id} of the {appeal.party}{rest}: {appeal.code or by}"
        case facts.HearingOpened(hearing=hearing):
            barred = f", not by {', '.join(hearing.barred)}" if hearing.barred else ""
            return f"heard again: {hearing.kind}{', for the last time' if hearing.final else ''}{barred}"
        case facts.LevelRaised(escalation=escalation):
            if escalation.before is escalation.after:
                return f"stays at {escalation.after} ({escalation.trigger})"
            return f"escalated from {escalation.before} to {escalation.after} ({escalation.trigger})"
        case facts.PrioritySet(priority=priority, factors=factors):
            why = ", ".join(map(str, factors))
            return f"priority {priority}" + (f" ({why})" if why else "")
        case facts.RiskSet(state=state, high=high):
            return f"{'high' if high else 'no high'} risk, {state}"
        case facts.TriageProposed(proposal=shown):
            return f"{shown.state} {shown.id}: {shown.shows} ({shown.found_by})"
        case facts.TextTriaged(code=code) if code:
            return f"the text cannot be read: {code}"
        case facts.ExternalComplaintRecorded(complaint=made):
            return f"complaint {made.id} before the {made.body} {made.reference}".rstrip()
        case facts.OfferSet(by=by, offer=offer):
            return f"known solution {offer.id}: {by}"
        case facts.HandOffSet(by=by, hand_off=hand_off):
            return _hand_off(by, hand_off)
        case facts.Reassigned(before=former, owner=owner):
            return f"owner {owner}" + (f" instead of {former}" if former else "")
        case facts.IncidentLinked(incident=incident):
            return f"one of {incident}"
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
    """A remedy, its amount in yuan, and the order where one is named."""
    order = f" for {proposed.order}" if proposed.order else ""
    return f"{proposed.kind}{amount(proposed.amount_fen)}{order}"


def conduct_shown(conduct: StaffConduct) -> str:
    """What shows a finding about conduct, and what it costs; to follow what it is."""
    figure = "" if conduct.figure is None else f", {conduct.figure} {conduct.unit}"
    shown = " ".join(part for part in (conduct.evidence, conduct.message) if part)
    cost = f",{amount(conduct.amount_fen)}" if conduct.amount_fen else ""
    return f"{figure}{f', shown by {shown}' if shown else ''}{cost}"


def amount(amount_fen: int | None) -> str:
    """An amount in yuan, to follow what it is for; empty if there is none."""
    return "" if amount_fen is None else f" {yuan(amount_fen)} yuan"


def _contact(contact: Contact) -> str:
    marks = [
        mark
        for mark, holds in (
            ("automatic", contact.automatic),
            ("answered late", contact.late),
            (f"identity {contact.identity}", contact.identity is not None),
        )
        if holds
    ]
    towards = "to" if contact.outbound else "from"
    return f"contact {towards} the {contact.party} by {', '.join([contact.channel, *marks])}"


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
        case "resume" | "extend" | "shorten":
            word = {"resume": "runs again", "extend": "extended", "shorten": "shortened"}[by]
            return f"clock {clock.id} {word}, until {due}"
    return f"clock {clock.id} {_CLOCK.get(by, by)}"


def _hand_off(by: str, hand_off: HandOff) -> str:
    what = f"hand-off {hand_off.id} to the {hand_off.team} team"
    channel = f" by {hand_off.consent.channel}" if hand_off.consent.channel else ""
    consent = f"consent {hand_off.consent.state}{channel}"
    match by:
        case "begin":
            return f"{what}, {consent}"
        case "consent" | "decline":
            return f"{what}: {hand_off.state}, {consent}"
        case "put_first":
            return f"{what} comes before the verification"
        case "take":
            return f"{what}: {hand_off.worker} works on it"
        case "late":
            return f"{what} is late, rose to {hand_off.level} there"
        case "give_back":
            return f"{what} returned: {hand_off.result}"
    return f"{what}: {hand_off.state}"


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
