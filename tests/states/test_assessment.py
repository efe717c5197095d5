"""The first assessment: what texts show, what an agent says of it, and the risk (INT-4, SLA-7, ESC-4, ESC-6, ESC-9)."""

from datetime import timedelta
from typing import Any

import pytest

from policies.schema import Category, Channel, ClockKind, Level, Party, Priority, RemedyKind, Role, Stage, Trigger
from policies.triage import TriageLabel
from states import effects, events, facts
from states.journal import body, fold
from states.values import (
    Actor,
    Claim,
    ClockState,
    Excerpt,
    HandOffState,
    ProposalOfTriageState,
    RequestState,
    RiskState,
    SellerContact,
)
from states.view import page
from tests.states.stages import OPEN, OVER, in_stage
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, SELLER, START, Story, item, text
from tests.states.test_admission import platform

HAZARD = TriageLabel.SAFETY_HAZARD
LEANS = (TriageLabel.EXTERNAL_COMPLAINT_INTENT, TriageLabel.ALREADY_EXTERNAL, TriageLabel.LEGAL_ACTION)
"""What shows that the customer leans towards complaining elsewhere (ESC-4)."""
PROPOSED, CONFIRMED, REJECTED = (
    ProposalOfTriageState.PROPOSED,
    ProposalOfTriageState.CONFIRMED,
    ProposalOfTriageState.REJECTED,
)


def found(what: TriageLabel | Category, name: str = "description", words: str = "爆炸") -> effects.Found:
    """A text shows something in two places."""
    places = tuple(Excerpt(text=f"text-{name}", start=at, end=at + 2, words=words) for at in (3, 9))
    if isinstance(what, TriageLabel):
        return effects.Found(label=what, excerpts=places)
    return effects.Found(category=what, excerpts=places)


def showing(*what: TriageLabel | Category, story: Story | None = None, **changes: Any) -> Story:
    """A complaint at acceptance whose description shows something."""
    story = story or Story()
    story.shown = tuple(found(each) for each in what)
    story.to_acceptance(**changes)
    return story


def says(story: Story, *what: TriageLabel | Category, name: str = "call") -> Story:
    """The complainant says more, and that shows something."""
    story.shown = tuple(found(each, name) for each in what)
    story.accepted(events.RecordContact, BUYER, party=Party.COMPLAINANT, channel=Channel.HOTLINE, text=text(name))
    return story


def assess(story: Story, **given: Any) -> Any:
    return story.accepted(events.AssessCase, **given)


def proposals(story: Story) -> list[tuple[str, TriageLabel | Category | None, ProposalOfTriageState]]:
    return [(each.id, each.label or each.category, each.state) for each in story.open_case.triage]


def risk(story: Story) -> tuple[bool, RiskState | None]:
    return story.open_case.high_risk, story.open_case.risk


def level(story: Story) -> Level:
    return story.open_case.level


def rises(story: Story) -> list[Trigger]:
    return [fact.escalation.trigger for fact in story.all(facts.LevelRaised)]


def lines(story: Story) -> list[str]:
    return page(story.open_case, story.book.policy(story.open_case.policy)).splitlines()


def read(story: Story) -> list[tuple[str, ...]]:
    """Which texts were read at first, reading by reading."""
    ordered = (fact.effect for fact in story.all(facts.EffectOrdered))
    return [tuple(each.ref for each in e.texts) for e in ordered if isinstance(e, effects.TriageText)]


# --- what texts show (INT-4) --------------------------------------------------------------


@pytest.mark.rule("INT-4", "ADM-4")
def test_all_that_the_complainant_writes_is_read() -> None:
    story = Story()
    story.file(description=text("x"))
    assert read(story) == [("text-title", "text-x")]
    story.accepted(events.CompleteComplaint, BUYER, description=text("completed"))
    says(story, name="call")
    story.file(request_id="r-again", title=text("again"), description=text("more"))
    assert read(story)[1:] == [("text-completed",), ("text-call",), ("text-again", "text-more")]
    orders = [fact.effect for fact in story.all(facts.EffectOrdered)]
    readings = [effect for effect in orders if isinstance(effect, effects.TriageText)]
    assert {reading.policy for reading in readings} == {story.open_case.policy}, "by the words of the case's policy"


@pytest.mark.rule("INT-4", "COO-5")
@pytest.mark.parametrize("stage", OPEN)
def test_what_the_complainant_states_is_read_in_every_open_stage(stage: Stage) -> None:
    story = in_stage(stage)
    before = read(story)
    entry = story.accepted(events.SubmitStatement, BUYER, text=text("view"))
    assert "INT-4" in entry.rules
    assert read(story)[len(before) :] == [("text-view",)]


@pytest.mark.rule("INT-4", "FUP-1")
@pytest.mark.parametrize("solved", [True, False])
def test_what_the_complainant_comments_in_the_survey_is_read(solved: bool) -> None:
    story = Story().to_follow_up()
    before = read(story)
    story.accepted(events.AnswerSurvey, BUYER, solved=solved, scores=GOOD, comment=text("comment"))
    assert story.at(Stage.CLOSED if solved else Stage.VERIFICATION)
    assert read(story)[len(before) :] == [("text-comment",)]


@pytest.mark.rule("INT-2", "VER-3", "FUP-1")
def test_what_the_platform_and_the_seller_state_and_what_nobody_wrote_is_not_read() -> None:
    story = Story().to_verification()
    before = len(read(story))
    contact: dict[str, Any] = {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE}
    story.accepted(events.RecordContact, **contact, outbound=True, text=text("ours"))
    story.accepted(events.RecordContact, **contact)
    story.accepted(events.RecordContact, party=Party.RESPONDENT, channel=Channel.HOTLINE, text=text("theirs"))
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    assert len(read(story)) == before
    mute = Story().to_follow_up()
    before = len(read(mute))
    mute.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    assert len(read(mute)) == before


@pytest.mark.rule("INT-4", "ESC-9")
def test_what_a_text_shows_is_proposed_with_what_caused_it_and_never_with_the_text() -> None:
    story = showing(HAZARD, Category.LOGISTICS)
    label, category = story.open_case.triage
    assert (label.id, label.label, label.category, label.at) == ("T1", HAZARD, None, START)
    assert (category.id, category.label, category.category) == ("T2", None, Category.LOGISTICS)
    assert label.excerpts == found(HAZARD).excerpts
    first, second = story.all(facts.TriageProposed)
    assert (first.rules, second.rules) == (("ESC-9",), ("INT-4",))
    (told,) = story.all(facts.TextTriaged)
    assert (told.found, told.code) == (2, "")
    assert "- proposed T1: safety_hazard (爆炸)" in lines(story)
    assert "- proposed T2: category logistics (爆炸)" in lines(story)
    assert b'"text":"text-description","start":3,"end":5' in b"".join(map(body, story.entries))
    assert fold(story.entries) == story.case


@pytest.mark.rule("INT-4")
def test_a_text_that_shows_nothing_or_cannot_be_read_leaves_a_trace_and_no_proposal() -> None:
    story = Story().to_acceptance()
    assert [(fact.found, fact.code) for fact in story.all(facts.TextTriaged)] == [(0, "")]
    story.hold = True
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.E_MAIL, text=text("lost"))
    (reading,) = story.open_case.outbox
    failed = events.Result(key=reading.key, outcome=effects.Failed(code="unreadable"))
    story.happen(events.EffectsReported(results=(failed,)))
    assert [(fact.found, fact.code) for fact in story.all(facts.TextTriaged)][1:] == [(0, "unreadable")]
    assert not story.open_case.triage


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("category", [Category.QUALITY, Category.MALICIOUS_REVIEW, Category.SERVICE_HANDLING])
def test_neither_the_category_of_the_case_nor_one_that_is_filed_apart_is_proposed(category: Category) -> None:
    story = showing(category)
    assert [fact.found for fact in story.all(facts.TextTriaged)] == [1]
    assert not story.open_case.triage


@pytest.mark.rule("INT-4")
def test_a_category_is_not_proposed_once_verification_has_ended() -> None:
    story = says(Story().to_verification(), Category.LOGISTICS)
    assert proposals(story) == [("T1", Category.LOGISTICS, PROPOSED)]
    late = says(Story().to_coordination(), Category.LOGISTICS, HAZARD)
    assert proposals(late) == [("T1", HAZARD, PROPOSED)]


# --- proposed once ------------------------------------------------------------------------


@pytest.mark.rule("INT-4")
def test_what_is_proposed_already_is_not_proposed_again() -> None:
    story = showing(LEANS[0])
    says(story, LEANS[0])
    assert proposals(story) == [("T1", LEANS[0], PROPOSED)]
    says(story, LEANS[1])
    assert proposals(story) == [("T1", LEANS[0], PROPOSED), ("T2", LEANS[1], PROPOSED)]


@pytest.mark.rule("ESC-9", "INT-4")
def test_what_was_rejected_of_one_text_is_proposed_from_another_and_not_from_the_same() -> None:
    story = showing(HAZARD)
    assess(story, rejected=("T1",))
    says(story, HAZARD, name="description")
    assert len(story.open_case.triage) == 1
    assert risk(story) == (False, RiskState.LOWERED)
    says(story, HAZARD, name="it-burns")
    assert proposals(story) == [("T1", HAZARD, REJECTED), ("T2", HAZARD, PROPOSED)]
    assert risk(story) == (True, RiskState.PROPOSED)


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("what", [LEANS[0], Category.LOGISTICS])
def test_what_was_rejected_is_proposed_from_another_text_also_where_it_is_no_risk(what: TriageLabel | Category) -> None:
    story = showing(what)
    assess(story, rejected=("T1",))
    says(story, what, name="description")
    assert proposals(story) == [("T1", what, REJECTED)]
    says(story, what, name="once-more")
    assert proposals(story) == [("T1", what, REJECTED), ("T2", what, PROPOSED)]


@pytest.mark.rule("INT-4")
def test_what_nobody_has_said_anything_of_is_not_proposed_again_when_the_case_is_heard_again() -> None:
    story = says(Story().to_follow_up(), LEANS[0])
    story.shown = (found(LEANS[0], "comment"),)
    story.wait(hours=1)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD, comment=text("comment"))
    assert story.at(Stage.VERIFICATION)
    assert proposals(story) == [("T1", LEANS[0], PROPOSED)]


@pytest.mark.rule("INT-4")
def test_a_label_that_raises_nothing_is_proposed_by_the_rule_of_proposals() -> None:
    story = showing(TriageLabel.COUNTERFEIT)
    (proposed,) = story.all(facts.TriageProposed)
    assert proposed.rules == ("INT-4",)
    assert not story.all(facts.LevelRaised)


@pytest.mark.rule("ESC-4", "INT-4")
def test_what_was_confirmed_is_not_proposed_again_before_the_case_is_heard_again() -> None:
    story = Story().to_follow_up()
    says(story, LEANS[0])
    assess(story, confirmed=("T1",))
    says(story, LEANS[0], name="again")
    assert len(story.open_case.triage) == 1
    story.now += timedelta(minutes=1)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
    says(story, LEANS[0], name="and-again")
    assert proposals(story) == [("T1", LEANS[0], CONFIRMED), ("T2", LEANS[0], PROPOSED)]


@pytest.mark.rule("ESC-9")
def test_a_confirmed_risk_is_not_proposed_again_until_it_was_lowered() -> None:
    story = showing(HAZARD)
    assess(story, confirmed=("T1",))
    says(story, HAZARD, name="again")
    assert len(story.open_case.triage) == 1
    story.accepted(events.SetRisk, high=False)
    says(story, HAZARD, name="it-burns")
    assert proposals(story) == [("T1", HAZARD, CONFIRMED), ("T2", HAZARD, PROPOSED)]
    assert risk(story) == (True, RiskState.PROPOSED)
    assert rises(story) == [Trigger.HIGH_RISK, Trigger.HIGH_RISK]


# --- confirmed and rejected ---------------------------------------------------------------


@pytest.mark.rule("INT-4", "SLA-7")
def test_a_proposed_category_that_is_confirmed_is_a_correction_on_record() -> None:
    claimed = Claim(remedies=(RemedyKind.REFUND, RemedyKind.EXCHANGE))
    story = showing(Category.LOGISTICS, claim=claimed)
    entry = assess(story, confirmed=("T1",))
    (corrected,) = story.all(facts.CategoryCorrected)
    assert (corrected.before, corrected.category) == (Category.QUALITY, Category.LOGISTICS)
    assert (corrected.rules, entry.actor) == (("INT-4",), AGENT)
    assert proposals(story) == [("T1", Category.LOGISTICS, CONFIRMED)]
    assert story.open_case.category is Category.LOGISTICS
    assert story.open_case.claim.remedies == (RemedyKind.REFUND,), "what the category does not offer is not claimed"
    assert not [line for line in lines(story) if "proposed" in line]
    assert not story.open_case.hand_offs, "logistics complaints go to no team by themselves"


@pytest.mark.rule("INT-4", "SLA-7")
def test_a_proposed_category_that_is_rejected_changes_nothing() -> None:
    story = showing(Category.LOGISTICS)
    assess(story, rejected=("T1",), reason=None)
    assert proposals(story) == [("T1", Category.LOGISTICS, REJECTED)]
    assert story.open_case.category is Category.QUALITY
    assert not story.all(facts.CategoryCorrected)


@pytest.mark.rule("INT-4")
def test_a_category_is_confirmed_until_verification_has_ended_and_can_be_rejected_after_it() -> None:
    story = Story()
    story.shown = (found(Category.LOGISTICS),)
    story.to_coordination()
    refusal = story.refused(events.AssessCase, confirmed=("T1",))
    assert (refusal.code, refusal.rule) == ("wrong_stage", "INT-4")
    assess(story, rejected=("T1",))
    assert story.open_case.category is Category.QUALITY


@pytest.mark.rule("INT-4", "ADM-3")
@pytest.mark.parametrize(
    ("category", "state", "clock"),
    [
        (Category.LATE_SHIPMENT, RequestState.ANSWERED, ClockState.MET),  # the category that was offered
        (Category.NOT_RECEIVED, RequestState.CANCELLED, ClockState.CANCELLED),
    ],
)
def test_a_category_that_an_agent_confirms_settles_the_offer_of_one(
    category: Category, state: RequestState, clock: ClockState
) -> None:
    """Nothing of the offer may lapse later: by then the complaint is accepted and cannot be refused any more."""
    story = Story()
    story.shown = (found(category),)
    story.file(category=Category.FALSE_SHIPMENT)
    assert story.open_case.open_requests(Party.COMPLAINANT), "the order is still open: another category is offered"
    assess(story, confirmed=("T1",))
    assert (story.at(Stage.ACCEPTANCE), story.open_case.category) == (True, category)
    (offer,) = story.open_case.requests
    assert (offer.state, story.clock(ClockKind.CATEGORY_OFFER, offer.id).state) == (state, clock)
    story.accepted(events.AcceptComplaint)
    story.wait(days=3)
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize(
    "given",
    [
        {"confirmed": ("T9",)},
        {"rejected": ("T9",)},
        {"confirmed": ("T1", "T9")},
        {"confirmed": ("T1",), "rejected": ("T1",)},
        {"confirmed": ("T1", "T1")},
        {"rejected": ("T2", "T2")},
    ],
)
def test_only_open_proposals_are_decided_on_and_each_once(given: dict[str, Any]) -> None:
    story = showing(Category.LOGISTICS, LEANS[0])
    refusal = story.refused(events.AssessCase, **given)
    assert (refusal.code, refusal.rule) == ("no_such_proposal", "INT-4")
    assert [state for _, _, state in proposals(story)] == [PROPOSED, PROPOSED]


@pytest.mark.rule("INT-4", "ESC-4")
def test_what_was_decided_on_is_not_decided_on_again() -> None:
    story = showing(Category.LOGISTICS, LEANS[0])
    assess(story, confirmed=("T2",), rejected=("T1",))
    assert [state for _, _, state in proposals(story)] == [REJECTED, CONFIRMED]
    assert story.refused(events.AssessCase, confirmed=("T1",)).code == "no_such_proposal"
    assert story.refused(events.AssessCase, rejected=("T2",)).code == "no_such_proposal"


@pytest.mark.rule("TRA-1")
def test_only_the_platforms_people_assess() -> None:
    story = showing(LEANS[0])
    robot = Actor(id="triage-robot", role=Role.SERVICE)
    for actor in (BUYER, SELLER, robot):
        assert story.refused(events.AssessCase, actor, confirmed=("T1",)).code == "no_right"
    story.accepted(events.AssessCase, CHIEF, confirmed=("T1",))


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_a_case_that_is_over_is_not_assessed(stage: Stage) -> None:
    refusal = in_stage(stage).refused(events.AssessCase)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


# --- leaning, and management (ESC-4, ESC-6) -----------------------------------------------

ON_CONFIRMATION = [
    *(pytest.param(each, Trigger.LEANING, Level.SPECIALIST, marks=pytest.mark.rule("ESC-4")) for each in LEANS),
    pytest.param(
        TriageLabel.ASKS_MANAGEMENT, Trigger.ASKS_MANAGEMENT, Level.MANAGEMENT, marks=pytest.mark.rule("ESC-6")
    ),
]


@pytest.mark.parametrize(("label", "trigger", "raised"), ON_CONFIRMATION)
def test_what_a_customer_leans_to_or_asks_for_raises_the_case_once_an_agent_confirms_it(
    label: TriageLabel, trigger: Trigger, raised: Level
) -> None:
    story = showing(label)
    assert (rises(story), level(story), story.open_case.priority) == ([], Level.FRONT_LINE, Priority.NORMAL)
    story.wait(hours=1)
    entry = assess(story, confirmed=("T1",))
    rule = next(row.rule for row in platform().escalation if row.trigger is trigger)
    assert rule in entry.rules
    assert (rises(story), level(story), story.open_case.priority) == ([trigger], raised, Priority.HIGH)


@pytest.mark.parametrize(("label", "trigger", "raised"), ON_CONFIRMATION)
def test_what_an_agent_rejects_raises_nothing(label: TriageLabel, trigger: Trigger, raised: Level) -> None:
    story = showing(label)
    assess(story, rejected=("T1",), reason=None)
    assert (rises(story), level(story), story.open_case.priority) == ([], Level.FRONT_LINE, Priority.NORMAL)


@pytest.mark.rule("ESC-4")
def test_several_signs_of_leaning_raise_the_case_once_in_a_hearing() -> None:
    story = showing(*LEANS)
    assess(story, confirmed=("T1", "T3"))
    assess(story, confirmed=("T2",))
    assert (rises(story), level(story)) == ([Trigger.LEANING], Level.SPECIALIST)


@pytest.mark.rule("ESC-4")
def test_what_an_agent_reported_and_a_text_shows_raises_the_case_once() -> None:
    story = showing(LEANS[0])
    story.accepted(events.ReportTrigger, trigger=Trigger.LEANING)
    assess(story, confirmed=("T1",))
    assert rises(story) == [Trigger.LEANING]
    other = showing(LEANS[0])
    assess(other, confirmed=("T1",))
    refusal = other.refused(events.ReportTrigger, trigger=Trigger.LEANING)
    assert (refusal.code, refusal.rule) == ("reported_before", "ESC-4")


# --- a hazard acts at once (ESC-9) --------------------------------------------------------


def is_grave(story: Story) -> None:
    """Priority, level, safety team and notice, each once."""
    case = story.open_case
    assert (case.high_risk, case.priority, case.level) == (True, Priority.URGENT, Level.SUPERVISOR)
    (handed,) = case.hand_offs
    assert (handed.team, handed.trigger, handed.state) == ("safety", Trigger.HIGH_RISK, HandOffState.QUEUED)
    assert rises(story) == [Trigger.HIGH_RISK]
    assert len(story.sent("escalated")) == 1


@pytest.mark.rule("ESC-9", "HOF-2", "COO-5")
@pytest.mark.parametrize("stage", OPEN)
def test_a_hazard_that_a_text_shows_acts_at_once_in_every_open_stage(stage: Stage) -> None:
    story = says(in_stage(stage), HAZARD)
    is_grave(story)
    assert story.open_case.risk is RiskState.PROPOSED
    assert story.at(Stage.ACCEPTANCE if stage is Stage.INTAKE else stage)
    assert "- risk: high, proposed" in lines(story)
    assert story.refused(events.WithdrawComplaint, BUYER).code == "kept_open_for_safety"


@pytest.mark.rule("ESC-9", "ADM-7")
def test_a_hazard_in_the_complaint_itself_skips_the_seller() -> None:
    story = Story()
    story.shown = (found(HAZARD),)
    story.file(seller_contact=SellerContact.NOT_APPROACHED)
    is_grave(story)
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("INT-4", "ESC-9")
@pytest.mark.parametrize("stage", [Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED])
def test_a_hazard_that_shows_when_the_case_is_over_opens_it_again(stage: Stage) -> None:
    story = says(in_stage(stage), HAZARD)
    assert (story.at(Stage.VERIFICATION), story.open_case.reopenings) == (True, 1)
    assert risk(story) == (True, RiskState.PROPOSED)
    is_grave(story)
    assert len(story.sent("reopened")) == 2, "both parties are told"
    assess(story, confirmed=("T1",))
    is_grave(story)


@pytest.mark.rule("INT-4", "ESC-9")
def test_a_hazard_that_is_no_risk_any_more_opens_nothing() -> None:
    """The agent who lowered the risk has seen these words; others are another matter."""
    story = Story().to_follow_up()
    says(story, HAZARD)
    assess(story, rejected=("T1",))
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
    says(story, HAZARD)
    assert (story.at(Stage.CLOSED), risk(story)) == (True, (False, RiskState.LOWERED))


@pytest.mark.rule("INT-4")
@pytest.mark.parametrize("label", [*LEANS, TriageLabel.ASKS_MANAGEMENT])
@pytest.mark.parametrize("stage", [Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED])
def test_nothing_else_that_shows_when_the_case_is_over_opens_it(stage: Stage, label: TriageLabel) -> None:
    story = says(in_stage(stage), label)
    assert (story.at(stage), rises(story), proposals(story)) == (True, [], [("T1", label, PROPOSED)])


@pytest.mark.rule("ESC-9", "INT-4", "COO-5")
@pytest.mark.parametrize("stage", OPEN)
def test_a_hazard_in_a_statement_acts_at_once_in_every_open_stage(stage: Stage) -> None:
    story = in_stage(stage)
    story.shown = (found(HAZARD, "view"),)
    story.accepted(events.SubmitStatement, BUYER, text=text("view"))
    assert proposals(story) == [("T1", HAZARD, PROPOSED)]
    is_grave(story)
    assert story.open_case.risk is RiskState.PROPOSED


@pytest.mark.rule("ESC-9", "INT-4", "FUP-2")
def test_a_hazard_in_the_comment_of_a_survey_acts_on_the_case_that_it_brings_back() -> None:
    story = Story().to_follow_up()
    story.shown = (found(HAZARD, "comment"),)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD, comment=text("comment"))
    assert rises(story) == [Trigger.NOT_SOLVED, Trigger.HIGH_RISK]
    assert (story.at(Stage.VERIFICATION), risk(story)) == (True, (True, RiskState.PROPOSED))
    assert [each.team for each in story.open_case.open_hand_offs] == ["safety"]


@pytest.mark.rule("ESC-9", "INT-4", "FUP-1")
def test_a_hazard_in_the_comment_that_closes_a_case_opens_it_again() -> None:
    story = Story().to_follow_up()
    story.shown = (found(HAZARD, "comment"),)
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD, comment=text("comment"))
    assert proposals(story) == [("T1", HAZARD, PROPOSED)]
    assert story.open_case.path[-3:] == (Stage.FOLLOW_UP, Stage.CLOSED, Stage.VERIFICATION)
    is_grave(story)


@pytest.mark.rule("ESC-9", "ADM-5")
def test_a_hazard_in_the_same_complaint_once_more_opens_the_case_that_the_complaint_does_not() -> None:
    story = Story().to_closed()
    story.shown = (found(HAZARD, "burns"),)
    answer = story.file(request_id="r-again", description=text("burns"))
    assert (answer.accepted, answer.stage) == (False, Stage.CLOSED)
    assert proposals(story) == [("T1", HAZARD, PROPOSED)]
    assert story.at(Stage.VERIFICATION)
    is_grave(story)


@pytest.mark.rule("ESC-9", "SLA-7")
def test_a_hazard_that_is_confirmed_does_not_act_twice() -> None:
    story = showing(HAZARD)
    is_grave(story)
    story.accepted(events.ReturnHandOff, hand_off="H1", result="hazard")
    assess(story, confirmed=("T1",))
    assert risk(story) == (True, RiskState.CONFIRMED)
    assert (rises(story), len(story.open_case.hand_offs)) == ([Trigger.HIGH_RISK], 1)
    assert len(story.sent("escalated")) == 1


@pytest.mark.rule("ESC-9", "SLA-7")
def test_a_hazard_that_is_rejected_lowers_the_risk_for_a_reason_and_the_level_stays() -> None:
    story = showing(HAZARD)
    refusal = story.refused(events.AssessCase, rejected=("T1",), reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "ESC-9")
    entry = assess(story, rejected=("T1",))
    assert entry.reason == text("reason")
    assert risk(story) == (False, RiskState.LOWERED)
    assert (level(story), story.open_case.priority) == (Level.SUPERVISOR, Priority.NORMAL)
    assert story.open_case.open_hand_offs, "the team says itself that there is none, or is told"
    assert "- risk: not high, lowered" in lines(story)
    story.accepted(events.WithdrawComplaint, BUYER)


@pytest.mark.rule("ESC-9", "INT-4")
@pytest.mark.parametrize("other", [LEANS[0], Category.LOGISTICS])
def test_a_proposed_risk_stays_where_something_else_is_rejected(other: TriageLabel | Category) -> None:
    story = showing(HAZARD, other)
    assess(story, rejected=("T2",), reason=None)
    assert proposals(story) == [("T1", HAZARD, PROPOSED), ("T2", other, REJECTED)]
    assert risk(story) == (True, RiskState.PROPOSED)


@pytest.mark.rule("ESC-9", "INT-4")
@pytest.mark.parametrize("how", ["filed", "set", "confirmed"])
def test_rejecting_what_a_text_shows_lowers_no_risk_that_somebody_stated(how: str) -> None:
    if how == "confirmed":
        story = showing(HAZARD)
        story.accepted(events.SetRisk, high=True)
    else:
        story = Story().to_acceptance(high_risk=how == "filed")
        if how == "set":
            story.accepted(events.SetRisk, high=True)
        says(story, HAZARD)
    before = risk(story)
    assert before == (True, {"filed": None, "set": RiskState.SET, "confirmed": RiskState.CONFIRMED}[how])
    assess(story, rejected=("T1",), reason=None)
    assert risk(story) == before
    is_grave(story)


# --- the risk is set ----------------------------------------------------------------------


@pytest.mark.rule("ESC-9")
@pytest.mark.parametrize("stage", OPEN)
def test_an_agent_sets_the_risk_and_it_acts_at_once_in_every_open_stage(stage: Stage) -> None:
    story = in_stage(stage)
    entry = story.accepted(events.SetRisk, high=True)
    assert (entry.reason, "ESC-9" in entry.rules) == (text("reason"), True)
    is_grave(story)
    assert story.open_case.risk is RiskState.SET
    assert story.at(Stage.ACCEPTANCE if stage is Stage.INTAKE else stage)


@pytest.mark.rule("ESC-9")
@pytest.mark.parametrize("stage", [Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED])
def test_a_risk_set_on_a_case_that_is_over_opens_it_again(stage: Stage) -> None:
    story = in_stage(stage)
    story.accepted(events.SetRisk, high=True)
    assert (story.at(Stage.VERIFICATION), story.open_case.reopenings) == (True, 1)
    is_grave(story)
    assert story.open_case.open_requests(Party.RESPONDENT)
    assert fold(story.entries) == story.case


@pytest.mark.rule("ESC-9")
def test_an_archived_case_is_reopened_before_its_risk_is_set() -> None:
    story = in_stage(Stage.ARCHIVED)
    refusal = story.refused(events.SetRisk, high=True)
    assert (refusal.code, refusal.rule) == ("archived", "ESC-9")
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
    story.accepted(events.SetRisk, high=True)


@pytest.mark.rule("ESC-9")
def test_an_agent_confirms_what_a_text_proposed() -> None:
    story = showing(HAZARD)
    story.accepted(events.SetRisk, high=True)
    assert risk(story) == (True, RiskState.CONFIRMED)
    is_grave(story)
    assert proposals(story) == [("T1", HAZARD, PROPOSED)], "the assessment has still to say so"


@pytest.mark.rule("ESC-9")
@pytest.mark.parametrize("how", ["filed", "set", "proposed", "confirmed"])
def test_a_risk_is_lowered_however_it_came_to_be(how: str) -> None:
    story = showing(HAZARD) if how in ("proposed", "confirmed") else Story().to_acceptance(high_risk=how == "filed")
    if how in ("set", "confirmed"):
        story.accepted(events.SetRisk, high=True)
    story.accepted(events.SetRisk, high=False)
    assert risk(story) == (False, RiskState.LOWERED)
    assert (level(story), story.open_case.priority) == (Level.SUPERVISOR, Priority.NORMAL)


@pytest.mark.rule("ESC-9")
def test_what_is_so_already_is_not_set() -> None:
    story = Story().to_acceptance()
    assert story.refused(events.SetRisk, high=False).code == "no_change"
    story.accepted(events.SetRisk, high=True)
    refusal = story.refused(events.SetRisk, high=True)
    assert (refusal.code, refusal.rule) == ("no_change", "ESC-9")
    assert Story().to_acceptance(high_risk=True).refused(events.SetRisk, high=True).code == "no_change"


@pytest.mark.rule("COO-5")
@pytest.mark.parametrize("stage", OVER)
def test_no_risk_is_lowered_on_a_case_that_is_over(stage: Stage) -> None:
    refusal = in_stage(stage).refused(events.SetRisk, high=False)
    assert (refusal.code, refusal.rule) == ("case_closed", "COO-5")


@pytest.mark.rule("ESC-9")
@pytest.mark.parametrize("high", [True, False])
def test_a_risk_is_set_and_lowered_for_a_reason_by_the_platforms_people(high: bool) -> None:
    story = Story().to_acceptance(high_risk=not high)
    refusal = story.refused(events.SetRisk, high=high, reason=None)
    assert (refusal.code, refusal.rule) == ("reason_missing", "ESC-9")
    for party in (BUYER, SELLER):
        assert story.refused(events.SetRisk, party, high=high).code == "no_right"
    story.accepted(events.SetRisk, CHIEF, high=high)


@pytest.mark.rule("ESC-9")
def test_a_risk_that_is_set_again_acts_again() -> None:
    story = Story().to_acceptance()
    story.accepted(events.SetRisk, high=True)
    story.accepted(events.ReturnHandOff, hand_off="H1", result="no_hazard")
    story.accepted(events.SetRisk, high=False)
    story.accepted(events.SetRisk, high=True)
    assert [fact.escalation.arming for fact in story.all(facts.LevelRaised)] == [1, 2]
    assert (story.open_case.priority, level(story)) == (Priority.URGENT, Level.SUPERVISOR)
    assert [each.state for each in story.open_case.hand_offs] == [HandOffState.RETURNED, HandOffState.QUEUED]
    assert len(story.sent("escalated")) == 2


@pytest.mark.rule("ESC-9", "INT-2")
def test_a_further_complaint_that_is_said_to_be_of_high_risk_makes_the_open_case_so() -> None:
    story = Story().to_verification()
    assert story.file(request_id="r-again", high_risk=True).accepted
    assert story.open_case.risk is RiskState.SET
    is_grave(story)
    assert story.file(request_id="r-third", high_risk=True).accepted
    is_grave(story)


@pytest.mark.rule("ESC-9", "ADM-5")
def test_a_case_filed_anew_as_one_of_high_risk_is_one_whatever_was_said_of_it_before() -> None:
    story = Story().to_acceptance(high_risk=True)
    story.accepted(events.SetRisk, high=False)
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.file(request_id="r-again", high_risk=True).accepted
    assert (story.at(Stage.ACCEPTANCE), risk(story)) == (True, (True, None))
    assert story.open_case.priority is Priority.URGENT
    assert rises(story) == [Trigger.HIGH_RISK, Trigger.HIGH_RISK]


# --- a clock of its own (SLA-7) -----------------------------------------------------------


def assessments(story: Story) -> list[tuple[int, ClockState]]:
    return [(each.arming, each.state) for each in story.open_case.clocks if each.kind is ClockKind.ASSESSMENT]


@pytest.mark.rule("SLA-7")
def test_the_first_assessment_has_a_clock_from_receipt_which_the_assessment_meets() -> None:
    story = Story().to_acceptance()
    clock = story.clock(ClockKind.ASSESSMENT)
    assert (clock.armed_at, clock.due) == (START, START + timedelta(hours=8))
    story.wait(hours=7)
    entry = assess(story)
    assert "SLA-7" in entry.rules
    assert (assessments(story), level(story)) == ([(1, ClockState.MET)], Level.FRONT_LINE)
    assert story.clock(ClockKind.ASSESSMENT).ended_at == START + timedelta(hours=7)


@pytest.mark.rule("SLA-7", "ESC-1")
def test_an_assessment_that_is_late_raises_the_case_and_is_asked_for_again() -> None:
    story = Story().to_acceptance()
    story.wait(hours=8)
    (raised,) = story.all(facts.LevelRaised)
    assert (raised.escalation.trigger, raised.escalation.clock) == (Trigger.MISSED_CLOCK, "assessment")
    assert assessments(story) == [(1, ClockState.MISSED), (2, ClockState.RUNNING)]
    assess(story)
    assert assessments(story) == [(1, ClockState.MISSED), (2, ClockState.MET)]


@pytest.mark.rule("SLA-7", "SLA-1", "SLA-2")
def test_the_clocks_of_assessment_contact_and_acceptance_are_independent() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    assert assessments(story) == [(1, ClockState.RUNNING)]
    assert story.clock(ClockKind.FIRST_CONTACT).state is ClockState.MET
    other = Story().to_acceptance()
    assess(other)
    assert [other.clock(kind).state for kind in (ClockKind.ACCEPTANCE, ClockKind.FIRST_CONTACT, ClockKind.RESULT)] == [
        ClockState.RUNNING
    ] * 3
    other.accepted(events.SetRisk, high=True)
    assert assessments(other) == [(1, ClockState.MET)]


@pytest.mark.rule("SLA-7")
def test_a_risk_that_is_set_is_no_assessment() -> None:
    story = Story().to_acceptance()
    story.accepted(events.SetRisk, high=True)
    assert assessments(story) == [(1, ClockState.RUNNING)]


@pytest.mark.rule("SLA-7", "ADM-7")
def test_what_was_assessed_while_the_seller_had_its_turn_need_not_be_assessed_again() -> None:
    story = in_stage(Stage.INTAKE)
    assert assessments(story) == [(1, ClockState.PAUSED)]
    assess(story)
    story.wait(hours=48)
    assert story.at(Stage.ACCEPTANCE)
    assert assessments(story) == [(1, ClockState.MET)]
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, outbound=True)
    story.accepted(events.AcceptComplaint)
    assert assessments(story) == [(1, ClockState.MET)]


@pytest.mark.rule("SLA-7", "ADM-1")
def test_the_clock_stands_still_while_the_parties_are_waited_for() -> None:
    story = Story()
    story.order = None
    story.file()
    story.wait(hours=30)
    assert assessments(story) == [(1, ClockState.PAUSED)]
    story.accepted(events.SubmitEvidence, BUYER, items=(item("receipt"),))
    assert story.clock(ClockKind.ASSESSMENT).due == START + timedelta(hours=30 + 8)


@pytest.mark.rule("SLA-7", "ADM-5")
def test_a_complaint_filed_anew_is_assessed_anew() -> None:
    story = Story().to_acceptance()
    assess(story)
    story.accepted(events.WithdrawComplaint, BUYER)
    assert story.file(request_id="r-again").accepted
    assert assessments(story) == [(1, ClockState.MET), (2, ClockState.RUNNING)]
