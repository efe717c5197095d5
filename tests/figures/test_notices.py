"""Each notice: through which channels it goes, whether the case waits for its arrival, and what a final one lists."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import (
    AppealRoute,
    Category,
    Channel,
    ClockKind,
    Ground,
    OrderState,
    Outcome,
    Pack,
    Party,
    RemedyKind,
    Route,
    Stage,
)
from policies.wording import render
from states import effects, events
from states.values import Actor, Claim, NoticeState, SellerContact
from tests.figures.cases import EVIDENCE, altered, given, ripe, ruling
from tests.states.story import AGENT, BUYER, CHIEF, GOOD, REFUND, RETURN, SELLER, Story, item, text

CHANNELS = [Channel.APP_MESSAGE, Channel.SMS, Channel.E_MAIL]
"""In this order, of every notice."""


class Deaf(Story):
    """A story in which one notice does not arrive."""

    def __init__(self, template: str, book: PolicyBook | None = None) -> None:
        super().__init__(book)
        self.template = template

    def outcome(self, effect: effects.AnyEffect) -> effects.AnyOutcome:
        if isinstance(effect, effects.SendNotice) and effect.template == self.template:
            return effects.Failed(code="undeliverable")
        return super().outcome(effect)


# --- how each comes to be sent --------------------------------------------------------------------


def filing(story: Story) -> None:
    story.file()


def accepting(story: Story) -> None:
    filing(story)
    story.accepted(events.AcceptComplaint)


def refusing(story: Story) -> None:
    filing(story)
    story.accepted(events.RefuseComplaint, ground=Ground.ALREADY_HANDLED)


def without_the_seller(story: Story) -> None:
    story.file(seller_contact=SellerContact.NOT_APPROACHED)


def without_order(story: Story) -> None:
    story.order = None
    story.file()


def unclearly(story: Story) -> None:
    story.file(description=text("abc"))


def too_early(story: Story) -> None:
    story.file(category=Category.FALSE_SHIPMENT)


def asking_too_much(story: Story) -> None:
    story.file(claim=Claim(remedies=(RemedyKind.REFUND, RemedyKind.SHIPMENT)))


def asking_for_evidence(story: Story) -> None:
    accepting(story)
    story.accepted(events.RequestEvidence, party=Party.COMPLAINANT, wanted=("video",))


def coordinating(story: Story) -> None:
    accepting(story)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    cause: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
    story.accepted(events.RecordFinding, proven=True, **cause)


def proposing(story: Story) -> None:
    coordinating(story)
    story.accepted(events.ProposeRemedy, BUYER, terms=REFUND)


def extending(story: Story) -> None:
    filing(story)
    story.accepted(events.ExtendClock, clock=ClockKind.RESULT, by=1)


def agreeing(story: Story) -> None:
    proposing(story)
    accept(story)


def accept(story: Story) -> None:
    story.accepted(events.AnswerProposal, SELLER, proposal="P1", answer=events.ProposalAnswer.ACCEPT)


def agreeing_on_a_return(story: Story) -> None:
    coordinating(story)
    story.accepted(events.ProposeRemedy, BUYER, terms=RETURN)
    accept(story)


def not_returning(story: Story) -> None:
    agreeing_on_a_return(story)
    story.accepted(events.ReportRemedy, BUYER, remedy="M1", done=False)


def dismissing(story: Story, agent: Actor = AGENT) -> None:
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(events.RecordFinding, agent, proven=False)
    story.accepted(events.IssueRuling, agent, **ruling(outcome=Outcome.DISMISSED))


def ruling_on_it(story: Story) -> None:
    accepting(story)
    dismissing(story)


def ruling_at_last(story: Story) -> None:
    story.order = ripe()
    ruling_on_it(story)
    appealed_twice(story, Outcome.DISMISSED)


def appealed_twice(story: Story, outcome: Outcome) -> None:
    for number, agent in enumerate((CHIEF, Actor(id="agent-09", role=AGENT.role))):
        appealing(story, number)
        story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
        story.accepted(events.RecordFinding, agent, proven=False)
        story.accepted(events.IssueRuling, agent, **ruling(outcome=outcome))


def appealing(story: Story, number: int = 0) -> None:
    items = (item("video", f"new-{number}"),)
    story.accepted(events.FileAppeal, BUYER, channel=Channel.HOTLINE, items=items)


def explaining(story: Story) -> None:
    story.order = ripe()
    story.file(**given(Category.PRICE_PROMOTION))
    story.accepted(events.AcceptComplaint)
    story.accepted(events.SubmitStatement, SELLER, text=text("statement"))
    story.accepted(events.RecordFinding, proven=False)
    story.accepted(events.IssueRuling, **ruling(outcome=Outcome.EXPLAINED))


def explaining_at_last(story: Story) -> None:
    explaining(story)
    appealed_twice(story, Outcome.EXPLAINED)


def refusing_at_last(story: Story) -> None:
    """An appeal has a refusal examined again."""
    refusing(story)
    for number, agent in enumerate((CHIEF, Actor(id="agent-09", role=AGENT.role))):
        appealing(story, number)
        story.accepted(events.RefuseComplaint, agent, ground=Ground.FALSE_OR_MISLEADING)


def closing(story: Story) -> None:
    agreeing(story)
    story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)


def filing_again(story: Story) -> None:
    closing(story)
    story.file(request_id="r-again")


def reopening(story: Story) -> None:
    closing(story)
    story.accepted(events.ReopenCase, case_id=story.open_case.case_id)


def appealing_an_agreement(story: Story) -> None:
    story.order = ripe()
    closing(story)
    appealing(story)


def correcting(story: Story) -> None:
    accepting(story)
    act = story.open_case.correctable
    assert act is not None
    story.accepted(events.CorrectAct, entry=act.entry)


def merging(story: Story) -> None:
    filing(story)
    story.accepted(events.MergeCase, into="buyer-017/order-1002")


def never_solved(story: Story) -> None:
    agreeing(story)
    for _ in range(2):
        story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)
        dismissing(story)
    story.accepted(events.AnswerSurvey, BUYER, solved=False, scores=GOOD)


def withdrawing(story: Story) -> None:
    filing(story)
    story.accepted(events.WithdrawComplaint, BUYER)


def going_outside(story: Story) -> None:
    filing(story)
    made: dict[str, Any] = {"case_id": story.open_case.case_id, "made_at": story.now}
    story.accepted(events.RecordExternalComplaint, body="media", **made)


def asking_for_consent(story: Story) -> None:
    filing(story)
    story.accepted(events.HandOver, route=Route.LOGISTICS)


def handing_over(story: Story) -> None:
    filing(story)
    story.accepted(events.HandOver, route=Route.LOGISTICS, consent=Channel.HOTLINE)


def handing_back(story: Story) -> None:
    handing_over(story)
    story.accepted(events.ReturnHandOff, hand_off="H1", result="lost")


class Row(NamedTuple):
    """A notice: how it comes to be sent, and whether the case waits for its arrival."""

    sends: Callable[[Story], None]
    must_reach: bool = False
    final: bool = False


NOTICES = {
    "received": Row(filing),
    "accepted": Row(accepting),
    "already_handled": Row(filing_again),
    "refused": Row(refusing, must_reach=True),
    "seller_first": Row(without_the_seller),
    "proof_of_purchase_wanted": Row(without_order),
    "completion_wanted": Row(unclearly),
    "category_offer_wanted": Row(too_early),
    "claim_narrowed": Row(asking_too_much),
    "statement_wanted": Row(accepting),
    "evidence_wanted": Row(asking_for_evidence),
    "proposal_made": Row(proposing),
    "extended": Row(extending),
    "agreed": Row(agreeing, must_reach=True),
    "ruled": Row(ruling_on_it, must_reach=True),
    "ruled_final": Row(ruling_at_last, must_reach=True, final=True),
    "explained": Row(explaining, must_reach=True),
    "explained_final": Row(explaining_at_last, must_reach=True, final=True),
    "refused_final": Row(refusing_at_last, must_reach=True, final=True),
    "heard_again": Row(appealing_an_agreement),
    "appeal_not_heard": Row(appealing_an_agreement),
    "withdrawn": Row(withdrawing, must_reach=True),
    "remedy_due": Row(agreeing_on_a_return),
    "remedy_failed": Row(not_returning),
    "survey": Row(agreeing),
    "outside_routes": Row(never_solved, must_reach=True, final=True),
    "escalated": Row(going_outside),
    "hand_off_consent_wanted": Row(asking_for_consent),
    "handed_over": Row(handing_over),
    "handed_back": Row(handing_back),
    "reopened": Row(reopening),
    "corrected": Row(correcting),
    "merged": Row(merging),
}
UNTOLD = {Stage.FEEDBACK, Stage.REFUSED, Stage.WITHDRAWN}
"""Where a case waits until everyone knows the result."""


def unheard() -> PolicyBook:
    """The policies, if the platform did not hear appeals yet while the order is open."""

    def changed(pack: Pack) -> Pack:
        return replace(pack, appeal=replace(pack.appeal, routes=dict.fromkeys(OrderState, AppealRoute.NOT_HEARD)))

    return altered(changed)


def told(template: str) -> Story:
    """A story in which a notice is sent and arrives nowhere."""
    story = Deaf(template, unheard() if template == "appeal_not_heard" else None)
    NOTICES[template].sends(story)
    return story


@pytest.mark.parametrize("template", list(NOTICES))
@pytest.mark.rule("FBK-1")
def test_channels_are_tried_one_after_the_other(template: str) -> None:
    story = told(template)
    parties = {sent.party for sent in story.sent(template)}
    assert parties
    for party in parties:
        assert [sent.channel for sent in story.sent(template) if sent.party is party] == CHANNELS
    unreached = {notice.state for notice in story.open_case.notices if notice.template == template}
    assert unreached == {NoticeState.WITH_AGENT}


@pytest.mark.parametrize("template", list(NOTICES))
def test_must_reach_says_whether_the_case_waits_for_it(template: str) -> None:
    story = told(template)
    conclude(story)
    assert (story.open_case.stage in UNTOLD) is NOTICES[template].must_reach


def conclude(story: Story) -> None:
    """Have the case end somehow, unless it waits for something."""
    for remedy in story.open_case.remedies:
        if remedy.next_step is not None:
            story.accepted(events.ReportRemedy, BUYER, remedy=remedy.id, done=True)
    if story.open_case.stage in (Stage.CLOSED, Stage.FOLLOW_UP):
        if story.at(Stage.FOLLOW_UP):
            story.accepted(events.AnswerSurvey, BUYER, solved=True, scores=GOOD)
        story.accepted(events.ReopenCase, case_id=story.open_case.case_id)
        if story.open_case.ruling is not None:
            dismissing(story)
    if story.open_case.stage not in UNTOLD | {Stage.FOLLOW_UP}:
        story.accepted(events.WithdrawComplaint, BUYER)


ROUTES = {
    "zh-CN": "消费者协会、市场监管部门(12315)、仲裁、人民法院",
    "en": "the consumer association, the market regulator (12315), arbitration, the courts",
}


@pytest.mark.parametrize("template", [name for name, row in NOTICES.items() if row.final])
@pytest.mark.rule("FBK-1")
def test_outside_routes_are_listed_in_a_final_notice(template: str) -> None:
    story = told(template)
    pack = default_book().in_force("platform", story.now).pack
    for sent in story.sent(template):
        for language, routes in ROUTES.items():
            assert routes in render(pack, template, language, sent.facts, strict=True)


@pytest.mark.parametrize("kind", EVIDENCE)
@pytest.mark.rule("INT-6")
def test_evidence_kinds_are_taken(kind: str) -> None:
    assert Story().file(evidence=(item(kind),)).accepted


def test_no_other_evidence_is_taken() -> None:
    assert not Story().file(evidence=(item("hearsay"),)).accepted
