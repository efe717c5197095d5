"""Who may do what."""

from typing import Any

import pytest

from policies.book import default_book
from policies.schema import Channel, ClockKind, Party, RemedyKind, Role, Route, Trigger
from states import events
from states.incident import CloseIncident, act_on
from states.values import Actor, Claim, Head, RemedyTerms, SellerContact
from tests.figures.cases import refusal
from tests.states.story import BUYER, GOOD, SELLER, START, Story, complaint, item, text
from tests.states.test_incident import BEGUN

MAY: dict[type[events.Act], str] = {
    events.FileComplaint: "complainant agent supervisor service",
    events.RecordContact: "complainant agent supervisor service unattributed",
    events.CorrectCategory: "complainant agent supervisor",
    events.RequestCompletion: "agent supervisor unattributed",
    events.CompleteComplaint: "complainant agent supervisor",
    events.NarrowClaim: "agent supervisor",
    events.ReportSellerContact: "complainant agent supervisor service",
    events.AcceptComplaint: "agent supervisor unattributed",
    events.RefuseComplaint: "agent supervisor unattributed",
    events.RequestEvidence: "agent supervisor unattributed",
    events.SubmitEvidence: "complainant respondent agent supervisor service",
    events.SubmitStatement: "complainant respondent",
    events.RecordFinding: "agent supervisor unattributed",
    events.ProposeRemedy: "complainant respondent agent supervisor",
    events.AnswerProposal: "complainant respondent",
    events.CallForRuling: "complainant agent supervisor",
    events.IssueRuling: "agent supervisor",
    events.ExtendClock: "agent supervisor",
    events.EscalateCase: "agent supervisor unattributed",
    events.ReportTrigger: "agent supervisor unattributed",
    events.SetRisk: "agent supervisor",
    events.AssessCase: "agent supervisor",
    events.RecordExternalComplaint: "complainant agent supervisor service",
    events.OfferSolution: "agent supervisor",
    events.AnswerOffer: "complainant agent supervisor",
    events.HandOver: "agent supervisor",
    events.AnswerHandOff: "complainant agent supervisor",
    events.TakeHandOff: "agent supervisor",
    events.ReturnHandOff: "agent supervisor service",
    events.RefuseHandOff: "agent supervisor",
    events.RecallHandOff: "agent supervisor",
    events.AssignCase: "agent supervisor service",
    events.LinkIncident: "engine",
    events.WithdrawComplaint: "complainant",
    events.ReportRemedy: "complainant respondent agent supervisor service",
    events.AnswerSurvey: "complainant",
    events.RequestReview: "complainant",
    events.FileAppeal: "complainant respondent",
    events.ExamineTranscript: "agent supervisor",
    events.RecordConduct: "agent supervisor",
    events.MigratePolicy: "supervisor",
    events.ReopenCase: "agent supervisor",
    events.CorrectAct: "agent supervisor",
    events.MergeCase: "agent supervisor",
    events.AbsorbCase: "engine",
}
REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=100)
SAID: dict[type[events.Act], dict[str, Any]] = {
    events.RecordContact: {"party": Party.COMPLAINANT, "channel": Channel.HOTLINE},
    events.CorrectCategory: {"category": "logistics"},
    events.RequestCompletion: {"wanted": ("time",)},
    events.CompleteComplaint: {"description": text("description")},
    events.NarrowClaim: {"claim": Claim(remedies=(RemedyKind.REFUND,))},
    events.ReportSellerContact: {"result": SellerContact.REFUSED},
    events.RefuseComplaint: {"ground": "already_handled"},
    events.RequestEvidence: {"party": Party.COMPLAINANT, "wanted": ("photo",)},
    events.SubmitEvidence: {"items": (item("photo", "another"),)},
    events.SubmitStatement: {"text": text("statement")},
    events.RecordFinding: {"proven": False},
    events.ProposeRemedy: {"terms": REFUND},
    events.AnswerProposal: {"proposal": "P1", "answer": events.ProposalAnswer.ACCEPT},
    events.IssueRuling: {"outcome": "dismissed", "rule": "COO-3"},
    events.ExtendClock: {"clock": ClockKind.RESULT, "by": 1},
    events.ReportTrigger: {"trigger": Trigger.LEANING},
    events.SetRisk: {"high": True},
    events.RecordExternalComplaint: {"case_id": "buyer-017/order-1001", "body": "media", "made_at": START},
    events.OfferSolution: {"text": text("offer")},
    events.AnswerOffer: {"offer": "K1", "accepted": True},
    events.HandOver: {"route": Route.LOGISTICS},
    events.AnswerHandOff: {"hand_off": "H1", "agreed": True, "channel": Channel.HOTLINE},
    events.TakeHandOff: {"hand_off": "H1"},
    events.ReturnHandOff: {"hand_off": "H1", "result": "lost"},
    events.RefuseHandOff: {"hand_off": "H1"},
    events.RecallHandOff: {"hand_off": "H1"},
    events.AssignCase: {"to": "agent-08"},
    events.LinkIncident: {"incident": "incident-1"},
    events.ReportRemedy: {"remedy": "M1", "done": True},
    events.AnswerSurvey: {"solved": True, "scores": GOOD},
    events.RequestReview: {"channel": Channel.HOTLINE},
    events.FileAppeal: {"channel": Channel.HOTLINE, "items": (item("photo", "another"),)},
    events.ExamineTranscript: {"evidence": "E1"},
    events.RecordConduct: {"row": "untruthful", "staff": "staff-11", "conduct_at": START},
    events.MigratePolicy: {"version": "2020-01-01"},
    events.ReopenCase: {"case_id": "buyer-017/order-1001"},
    events.CorrectAct: {"entry": 1},
    events.MergeCase: {"into": "buyer-017/order-1002"},
    events.AbsorbCase: {"duplicate": "buyer-017/order-1002", "head": Head(), "channel": Channel.HOTLINE},
}


def actor(role: Role) -> Actor | None:
    """Somebody who acts in a role; the parties as themselves."""
    ids = {Role.COMPLAINANT: BUYER.id, Role.RESPONDENT: SELLER.id}
    return None if role is Role.UNATTRIBUTED else Actor(id=ids.get(role, f"{role}-07"), role=role)


@pytest.mark.parametrize("act", list(MAY), ids=lambda act: act.name())
@pytest.mark.rule("TRA-1")
def test_an_act_is_for_its_roles_and_for_no_other(act: type[events.Act]) -> None:
    """Whether an act is possible now is asked only of those who may do it at all."""
    filed = complaint(request_id="r-tried")
    said = SAID.get(act, {})
    if act is events.FileComplaint:
        said = {name: getattr(filed, name) for name in filed.__struct_fields__ if name not in ("request_id", "actor")}
    story = Story()
    story.file()
    may = set()
    for role in Role:
        told = refusal(story, act, actor(role), **said)
        if told is None or told.code != "no_right":
            may.add(role)
    assert may == {Role(role) for role in MAY[act].split()}


def test_the_table_is_complete() -> None:
    """Every act has its roles."""
    assert set(MAY) == set(events.ACTS)


@pytest.mark.parametrize("role", Role)
def test_an_incident_is_closed_by_the_platforms_people(role: Role) -> None:
    close = CloseIncident(request_id="r-close", actor=actor(role), reason=text("over"))
    _, answer = act_on(BEGUN, close, START, default_book().in_force("platform", START))
    assert answer.accepted is (role in {Role.AGENT, Role.SUPERVISOR})


def test_nobody_without_the_right_files_the_first_complaint() -> None:
    for role in Role:
        story = Story()
        answer = story.file(actor=actor(role))
        assert answer.accepted is (str(role) in MAY[events.FileComplaint].split())
