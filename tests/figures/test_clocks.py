"""Each service-level clock: how long it runs and when it warns, what it stands still for, where it runs, and what its
end brings.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from policies.schema import Category, ClockKind, Ground, Outcome, Party, Stage
from states import events, facts
from states.values import ClockState, ConductKind, RemedyTerms, SellerContact
from tests.figures.cases import allowed, refusal
from tests.states.story import BUYER, GOOD, REFUND, RETURN, SELLER, START, Story, text

HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = START + timedelta(days=4)
"""6 March 2026, 09:00 in Shanghai: a weekend lies ahead, and no holiday."""


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


# --- what follows when they end -------------------------------------------------------------------


def raises(story: Story) -> bool:
    """The case rises, and the clock is armed again."""
    return bool(story.all(facts.LevelRaised))


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
    raised = story.all(facts.LevelRaised)
    assert bool(raised) is (row.follows is raises)
    assert all(each.escalation.clock.startswith(kind) for each in raised)
    assert (story.clock(kind, row.subject).arming == 2) is (row.follows is raises)


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
    Stage.INTAKE: (at_intake, OPEN | {ClockKind.ACCEPTANCE}),
    Stage.ACCEPTANCE: (acceptance, OPEN | {ClockKind.ACCEPTANCE}),
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


STANDING_STILL = {
    "complainant at intake": (proof_of_purchase, {ClockKind.ACCEPTANCE, ClockKind.RESULT}),
    "what is unclear": (completion, {ClockKind.ACCEPTANCE, ClockKind.RESULT}),
    "another category": (category_offer, {ClockKind.ACCEPTANCE, ClockKind.RESULT}),
    "the seller first": (seller_first, {ClockKind.ACCEPTANCE}),
    "both at intake": (completion_in_the_sellers_turn, {ClockKind.ACCEPTANCE, ClockKind.RESULT}),
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
