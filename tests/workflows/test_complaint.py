"""The case as a workflow on the real engine."""

import asyncio

from policies.schema import Outcome, Party, RemedyKind, Stage
from states import events
from states.events import ProposalAnswer
from states.values import RemedyTerms, Scores
from tests.states.story import BUYER, SELLER, text
from tests.workflows.desk import Desk

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
GOOD = Scores(speed=5, attitude=5, accuracy=5, problem_solving=5, product_knowledge=4, result=5)


async def until_stage(desk: Desk, case_id: str, stage: Stage) -> None:
    """Wait until the case stands in a stage."""
    while (await desk.case(case_id)).stage is not stage:
        await asyncio.sleep(0.02)


async def test_a_case_runs_from_filing_to_archive(desk: Desk) -> None:
    case_id = await desk.opened()
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    assert (await desk.act(case_id, events.AcceptComplaint)).accepted
    assert (await desk.act(case_id, events.SubmitStatement, SELLER, text=text("statement"))).accepted
    finding = await desk.act(
        case_id,
        events.RecordFinding,
        proven=True,
        responsible=Party.RESPONDENT,
        cause="defective_goods",
        evidence=("E1",),
    )
    assert finding.accepted, finding
    assert (await desk.act(case_id, events.ProposeRemedy, BUYER, terms=REFUND)).accepted
    accepted = await desk.act(case_id, events.AnswerProposal, SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT)
    assert accepted.accepted
    await until_stage(desk, case_id, Stage.FOLLOW_UP)
    assert (await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD)).accepted
    assert (await desk.case(case_id)).outcome is Outcome.AGREED
    assert not await desk.forward(case_id, days=30)
    summary = await desk.handle(case_id).result()
    assert summary["stage"] == "archived"
    assert (await desk.folded(case_id)).stage is Stage.ARCHIVED
