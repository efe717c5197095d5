"""Each service-level clock: how long it runs and when it warns, what it stands still for, where it runs, and what its
end brings.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from policies.schema import Category, Channel, ClockKind, Ground, Level, Outcome, Party, Priority, Route, Stage, Trigger
from states import events, facts
from states.values import ClockState, ConductKind, HandOffState, RemedyTerms, SellerContact
from tests.figures.cases import allowed, refusal
from tests.states.story import BUYER, GOOD, REFUND, RETURN, SELLER, START, Story, text

HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = START + timedelta(days=4)
"""6 March 2026, 09:00 in Shanghai: a weekend lies ahead, and no holiday."""


MIDNIGHT = datetime(2026, 3, 7, tzinfo=SHANGHAI).astimezone(UTC)
"""The end of that Friday."""


def closing(day: int) -> datetime:
    """18:00 in Shanghai on a day of that month."""
    return datetime(2026, 3, day, 18, tzinfo=SHANGHAI).astimezone(UTC)


# --- where each of them runs ----------------------------------------------------------------------


def begun() -> Story:
    return Story(start=FRIDAY)


def acceptance() -> Story:
    return begun().to_acceptance()


def proof_of_purchase() -> Story:
    story = begun()
    story.order = None
    story.file()
    return story


def completion() -> Story:
    story = begun()
    story.file(description=text("abc"))
    return story


def category_offer() -> Story:
    story = begun()
    story.file(category=Category.FALSE_SHIPMENT)
    return story


def seller_first() -> Story:
    story = begun()
    story.file(seller_contact=SellerContact.NOT_APPROACHED)
    return story


def statement() -> Story:
    story = begun().to_acceptance()
    story.accepted(events.AcceptComplaint)
    return story


def evidence() -> Story:
    story = statement()
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))
    return story


def mediation() -> Story:
    story = statement()
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    finding: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, proven=True, **finding)
    return story


def proposal() -> Story:
    return proposed(mediation(), REFUND)


def ruling() -> Story:
    story = mediation()
    story.accepted(events.CallForRuling)
    return story


def feedback() -> Story:
    story = mediation()
    story.unreachable = {"app_message", "sms", "e_mail"}
    return agreed(story, REFUND)


def remedy() -> Story:
    return agreed(mediation(), RETURN)


def payout() -> Story:
    story = mediation()
    story.hold = True
    return agreed(story, REFUND)


def survey() -> Story:
    return agreed(mediation(), REFUND)


def closing_window() -> Story:
    story = survey()
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    return story


def proposed(story: Story, terms: RemedyTerms) -> Story:
    story.accepted(events.ProposeRemedy, BUYER, terms=terms)
    return story


def agreed(story: Story, terms: RemedyTerms) -> Story:
    proposed(story, terms).accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)
    return story


def outside() -> Story:
    story = acceptance()
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": FRIDAY}
    story.accepted(events.RecordExternalComplaint, body="media", **made)
    return story


def hand_off_consent() -> Story:
    story = acceptance()
    story.accepted(events.HandOver, route=Route.LOGISTICS)
    return story


def handed_to(route: Route) -> Callable[[], Story]:
    def story() -> Story:
        story = acceptance()
        story.accepted(events.HandOver, route=route, consent=Channel.HOTLINE)
        return story

    return story


# --- what follows when they end -------------------------------------------------------------------


def rises(story: Story) -> list[facts.LevelRaised]:
    """How the case rose for clocks that were missed."""
    return [each for each in story.all(facts.LevelRaised) if each.escalation.trigger is Trigger.MISSED_CLOCK]


def raises(story: Story) -> bool:
    """The case rises, and the clock is armed again."""
    return bool(rises(story))


def rises_in_the_team(story: Story) -> bool:
    """The matter rises within the team that has it, and not the case; the clock is armed again."""
    (late,) = story.open_case.hand_offs
    return (late.level, late.late) == (Level.SPECIALIST, True)


def stays_where_it_is(story: Story) -> bool:
    return story.open_case.hand_offs[0].state is HandOffState.DECLINED


def refuses(ground: Ground) -> Callable[[Story], bool]:
    def check(story: Story) -> bool:
        return (story.open_case.outcome, story.open_case.outcome_ground) == (Outcome.REFUSED, ground)

    return check


def leads_to(stage: Stage) -> Callable[[Story], bool]:
    return lambda story: story.at(stage)


def counts_against_the_seller(story: Story) -> bool:
    return [each.kind for each in story.open_case.conduct] == [ConductKind.NO_DEFENCE]


def counts_against_the_buyer(story: Story) -> bool:
    return [each.kind for each in story.open_case.conduct] == [ConductKind.BROKEN_PROMISE]


def leaves_the_request(story: Story) -> bool:
    return not story.open_case.open_requests(Party.COMPLAINANT)


def leaves_the_proposal(story: Story) -> bool:
    return story.open_case.open_proposal is None and story.at(Stage.COORDINATION)


class Row(NamedTuple):
    """A clock as the platform's pack has it since 2024-07-22."""

    runs: Callable[[], Story]
    due: timedelta | datetime
    follows: Callable[[Story], bool]
    warns: int = 0
    """So many hours before it is due."""
    subject: str = ""


CLOCKS = {
    ClockKind.ACCEPTANCE: Row(acceptance, 24 * HOUR, raises, warns=4),
    ClockKind.FIRST_CONTACT: Row(acceptance, 12 * HOUR, raises, warns=2),
    ClockKind.RESULT: Row(acceptance, closing(17), raises, warns=24),
    ClockKind.PROOF_OF_PURCHASE: Row(proof_of_purchase, closing(9), refuses(Ground.NO_PROOF_OF_PURCHASE), subject="Q1"),
    ClockKind.COMPLETION: Row(completion, closing(9), refuses(Ground.UNCLEAR), subject="Q1"),
    ClockKind.CATEGORY_OFFER: Row(category_offer, closing(8), refuses(Ground.TOO_EARLY), subject="Q1"),
    ClockKind.SELLER_FIRST: Row(seller_first, 48 * HOUR, leads_to(Stage.ACCEPTANCE)),
    ClockKind.EVIDENCE: Row(evidence, closing(9), leaves_the_request, warns=24, subject="Q2"),
    ClockKind.STATEMENT: Row(statement, 48 * HOUR, counts_against_the_seller, warns=12, subject="Q1"),
    ClockKind.PROPOSAL: Row(proposal, 24 * HOUR, leaves_the_proposal, subject="P1"),
    ClockKind.MEDIATION: Row(mediation, closing(11), leads_to(Stage.RULING)),
    ClockKind.RULING: Row(ruling, closing(10), raises, warns=8),
    ClockKind.FEEDBACK: Row(feedback, 24 * HOUR, raises),
    ClockKind.REMEDY: Row(remedy, closing(13), counts_against_the_buyer, warns=24, subject="M1"),
    ClockKind.PAYOUT: Row(payout, 24 * HOUR, raises, subject="M1"),
    ClockKind.SURVEY: Row(survey, closing(9), leads_to(Stage.CLOSED)),
    ClockKind.CLOSING_WINDOW: Row(closing_window, closing(21), leads_to(Stage.ARCHIVED)),
    ClockKind.ASSESSMENT: Row(acceptance, 8 * HOUR, raises),
    ClockKind.OUTSIDE: Row(outside, closing(13), raises, warns=24, subject="X1"),
    ClockKind.HAND_OFF_CONSENT: Row(hand_off_consent, 24 * HOUR, stays_where_it_is, subject="H1"),
    ClockKind.HAND_OFF_COUNTERFEIT: Row(handed_to(Route.COUNTERFEIT), MIDNIGHT, rises_in_the_team, subject="H1"),
    ClockKind.HAND_OFF_LOGISTICS: Row(handed_to(Route.LOGISTICS), closing(10), rises_in_the_team, subject="H1"),
    ClockKind.HAND_OFF_SAFETY: Row(handed_to(Route.SAFETY), 4 * HOUR, rises_in_the_team, warns=1, subject="H1"),
    ClockKind.HAND_OFF_MERCHANT: Row(handed_to(Route.MERCHANT), 48 * HOUR, rises_in_the_team, subject="H1"),
    ClockKind.HAND_OFF_OFFLINE: Row(handed_to(Route.OFFLINE), closing(11), rises_in_the_team, subject="H1"),
    ClockKind.HAND_OFF_ON_BEHALF: Row(handed_to(Route.ON_BEHALF), closing(13), rises_in_the_team, subject="H1"),
    ClockKind.HAND_OFF_LEGAL: Row(handed_to(Route.LEGAL), closing(9), rises_in_the_team, subject="H1"),
}
each_clock = pytest.mark.parametrize("kind", list(CLOCKS))


def instant(due: timedelta | datetime) -> datetime:
    return FRIDAY + due if isinstance(due, timedelta) else due


def only(story: Story, kind: ClockKind, subject: str = "") -> Story:
    """Nothing else falls due before this clock: the others that could are met or left out of the way."""
    case = story.open_case
    rest = tuple(clock for clock in case.clocks if (clock.kind, clock.subject) == (kind, subject) or not clock.active)
    story.case = replace(case, clocks=rest)
    return story


def test_the_table_is_complete() -> None:
    assert set(CLOCKS) == set(ClockKind)


@each_clock
def test_a_clock_is_due_and_warns_when_it_should(kind: ClockKind) -> None:
    row = CLOCKS[kind]
    clock = row.runs().clock(kind, row.subject)
    assert (clock.armed_at, clock.state) == (FRIDAY, ClockState.RUNNING)
    assert clock.due == instant(row.due)
    assert clock.warn_at == (clock.due - row.warns * HOUR if row.warns else None)


@each_clock
def test_a_clock_that_ends_has_its_consequence(kind: ClockKind) -> None:
    row = CLOCKS[kind]
    story = only(row.runs(), kind, row.subject)
    before = row.follows(story)
    story.wait(seconds=(instant(row.due) - FRIDAY).total_seconds())
    assert row.follows(story)
    assert not before
    assert bool(rises(story)) is (row.follows is raises)
    assert all(each.escalation.clock.startswith(kind) for each in rises(story))
    assert (story.clock(kind, row.subject).arming == 2) is (row.follows in (raises, rises_in_the_team))


# --- how much shorter they are in cases of a higher priority ---------------------------------------

SHORT: dict[tuple[ClockKind, Priority], timedelta | datetime] = {
    (ClockKind.ACCEPTANCE, Priority.HIGH): 12 * HOUR,
    (ClockKind.ACCEPTANCE, Priority.URGENT): 4 * HOUR,
    (ClockKind.FIRST_CONTACT, Priority.HIGH): 6 * HOUR,
    (ClockKind.FIRST_CONTACT, Priority.URGENT): 3 * HOUR,
    (ClockKind.ASSESSMENT, Priority.HIGH): 4 * HOUR,
    (ClockKind.ASSESSMENT, Priority.URGENT): 1 * HOUR,
    (ClockKind.RESULT, Priority.HIGH): closing(13),
    (ClockKind.RESULT, Priority.URGENT): closing(11),
    (ClockKind.RULING, Priority.URGENT): closing(9),
}


def more_urgent(story: Story, priority: Priority) -> Story:
    """The case has become more urgent at once, by what the customer leans towards, or by its risk."""
    if priority is Priority.HIGH:
        story.accepted(events.ReportTrigger, trigger=Trigger.LEANING)
    else:
        story.accepted(events.SetRisk, high=True)
    return story


@pytest.mark.parametrize(("kind", "priority"), list(SHORT))
@pytest.mark.rule("SLA-5")
def test_length_by_priority_is_shorter(kind: ClockKind, priority: Priority) -> None:
    row = CLOCKS[kind]
    story = more_urgent(row.runs(), priority)
    assert story.open_case.priority is priority
    clock = story.clock(kind, row.subject)
    assert clock.due == instant(SHORT[kind, priority])
    warning = clock.due - row.warns * HOUR
    assert clock.warn_at == (warning if row.warns and warning > FRIDAY else None)


IN_OPEN_CASES = [kind for kind in CLOCKS if kind is not ClockKind.CLOSING_WINDOW]


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.URGENT])
@pytest.mark.parametrize("kind", IN_OPEN_CASES)
def test_length_by_priority_is_no_other_for_the_other_clocks(kind: ClockKind, priority: Priority) -> None:
    row = CLOCKS[kind]
    clock = more_urgent(row.runs(), priority).clock(kind, row.subject)
    assert (clock.due == instant(row.due)) is ((kind, priority) not in SHORT)


# --- in which stages ------------------------------------------------------------------------------


def at_intake() -> Story:
    """The order is being looked up."""
    story = Story(start=FRIDAY, hold=True)
    story.file()
    return story


def refused() -> Story:
    """Not admitted, and nobody could be told yet."""
    story = begun()
    story.unreachable = {"app_message", "sms", "e_mail"}
    story.file()
    story.accepted(events.RefuseComplaint, ground=Ground.ALREADY_HANDLED)
    return story


def withdrawn() -> Story:
    story = begun()
    story.unreachable = {"app_message", "sms", "e_mail"}
    story.file()
    story.accepted(events.WithdrawComplaint, BUYER)
    return story


def archived() -> Story:
    story = closing_window()
    story.wait(days=15, hours=12)
    return story


OPEN = {ClockKind.FIRST_CONTACT, ClockKind.RESULT}
"""What runs from receipt to the ruling, unless the complainant is called."""
STAGES = {
    Stage.INTAKE: (at_intake, OPEN | {ClockKind.ACCEPTANCE, ClockKind.ASSESSMENT}),
    Stage.ACCEPTANCE: (acceptance, OPEN | {ClockKind.ACCEPTANCE, ClockKind.ASSESSMENT}),
    Stage.VERIFICATION: (statement, OPEN | {ClockKind.STATEMENT}),
    Stage.COORDINATION: (mediation, OPEN | {ClockKind.MEDIATION}),
    Stage.RULING: (ruling, OPEN | {ClockKind.RULING}),
    Stage.FEEDBACK: (feedback, {ClockKind.FEEDBACK}),
    Stage.REFUSED: (refused, {ClockKind.FEEDBACK}),
    Stage.WITHDRAWN: (withdrawn, {ClockKind.FEEDBACK}),
    Stage.FOLLOW_UP: (survey, {ClockKind.SURVEY}),
    Stage.CLOSED: (closing_window, {ClockKind.CLOSING_WINDOW}),
    Stage.ARCHIVED: (archived, set()),
}


@pytest.mark.parametrize("stage", list(STAGES))
def test_clocks_run_in_their_stages(stage: Stage) -> None:
    there, running = STAGES[stage]
    story = there()
    assert story.at(stage)
    assert {clock.kind for clock in story.open_case.clocks if clock.active} == running
    assert {clock.arming for clock in story.open_case.clocks} == {1}  # none began anew on the way


def returned_unremedied() -> Story:
    """The buyer sends nothing back, before anybody could be told the result."""
    story = mediation()
    story.unreachable = {"app_message", "sms", "e_mail"}
    agreed(story, RETURN).accepted(events.ReportRemedy, BUYER, remedy="M1", done=False)
    return story


def reopened() -> Story:
    story = closing_window()
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
    return story


def ruled() -> Story:
    story = ruling()
    story.accepted(events.IssueRuling, outcome=Outcome.DISMISSED, rule="COO-3")
    return story


LEFT = {
    ClockKind.ACCEPTANCE: (statement, ClockState.MET),
    ClockKind.ASSESSMENT: (statement, ClockState.MET),
    ClockKind.FIRST_CONTACT: (survey, ClockState.CANCELLED),  # it takes a call
    ClockKind.RESULT: (survey, ClockState.MET),
    ClockKind.MEDIATION: (ruling, ClockState.MET),
    ClockKind.RULING: (ruled, ClockState.MET),
    ClockKind.FEEDBACK: (returned_unremedied, ClockState.MET),
    ClockKind.SURVEY: (closing_window, ClockState.MET),
    ClockKind.CLOSING_WINDOW: (reopened, ClockState.MET),
}


@pytest.mark.parametrize("kind", list(LEFT))
def test_met_by_leaving_says_what_becomes_of_a_clock_when_its_stages_are_left(kind: ClockKind) -> None:
    after, state = LEFT[kind]
    assert after().clock(kind).state is state


# --- what they stand still for --------------------------------------------------------------------


def awaiting(party: Party) -> Story:
    """A case in verification that waits for a party and for nobody else."""
    story = statement()
    if party is Party.RESPONDENT:
        return story
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    addressee: dict[str, Any] = {} if party is Party.COMPLAINANT else {"addressee": f"{party}-1"}
    story.accepted(events.RequestEvidence, party=party, wanted=("video",), **addressee)
    return story


def completion_in_the_sellers_turn() -> Story:
    story = seller_first()
    story.accepted(events.RequestCompletion, wanted=("time",))
    return story


BEFORE_ACCEPTANCE = {ClockKind.ACCEPTANCE, ClockKind.ASSESSMENT}
STANDING_STILL = {
    "complainant at intake": (proof_of_purchase, BEFORE_ACCEPTANCE | {ClockKind.RESULT}),
    "what is unclear": (completion, BEFORE_ACCEPTANCE | {ClockKind.RESULT}),
    "another category": (category_offer, BEFORE_ACCEPTANCE | {ClockKind.RESULT}),
    "the seller first": (seller_first, BEFORE_ACCEPTANCE),
    "both at intake": (completion_in_the_sellers_turn, BEFORE_ACCEPTANCE | {ClockKind.RESULT}),
    "complainant": (lambda: awaiting(Party.COMPLAINANT), {ClockKind.RESULT}),
    "respondent": (lambda: awaiting(Party.RESPONDENT), set()),
    "carrier": (lambda: awaiting(Party.CARRIER), set()),
    "appraiser": (lambda: awaiting(Party.APPRAISER), set()),
    "both": (evidence, {ClockKind.RESULT}),
}


@pytest.mark.parametrize("waits_for", list(STANDING_STILL))
def test_pauses_for_says_what_stands_still_while_somebody_is_waited_for(waits_for: str) -> None:
    waits, still = STANDING_STILL[waits_for]
    story = waits()
    assert {clock.kind for clock in story.open_case.clocks if clock.state is ClockState.PAUSED} == still
    assert any(clock.ticking for clock in story.open_case.clocks)


# --- how far they can be extended -----------------------------------------------------------------


@pytest.mark.rule("SLA-4")
def test_extension_of_result_is_15_working_days_in_at_most_two_times() -> None:
    story = acceptance()
    assert allowed(story, events.ExtendClock, clock=ClockKind.RESULT, by=15)
    told = refusal(story, events.ExtendClock, clock=ClockKind.RESULT, by=16)
    assert told is not None
    assert told.code == "extension_cap"
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=10)
    assert story.clock(ClockKind.RESULT).due == closing(31)
    assert not allowed(story, events.ExtendClock, clock=ClockKind.RESULT, by=6)
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=1)
    assert not allowed(story, events.ExtendClock, clock=ClockKind.RESULT, by=1)


@pytest.mark.parametrize("kind", [kind for kind in LEFT if kind is not ClockKind.RESULT])
@pytest.mark.rule("SLA-4")
def test_extension_is_for_no_other_clock(kind: ClockKind) -> None:
    told = refusal(CLOCKS[kind].runs(), events.ExtendClock, clock=kind, by=1)
    assert told is not None
    assert told.code == "not_extendable"
