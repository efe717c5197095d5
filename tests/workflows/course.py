"""How cases go in tests on the real engine: the steps to each stage, the ordinary end, and what must hold after it."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Ground,
    Outcome,
    Party,
    RemedyKind,
    Route,
    Stage,
    Trigger,
)
from states import events
from states.case import Case
from states.events import Act, ProposalAnswer
from states.values import Answer, Claim, Head, RemedyTerms, Scores, SellerContact
from tests.embedded import PATIENCE
from tests.states.story import AGENT, BUYER, CHIEF, SELLER, START, item, text
from tests.workflows.desk import Desk

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
GOOD = Scores(speed=5, attitude=5, accuracy=5, problem_solving=5, product_knowledge=4, result=5)

SAMPLES: dict[type[Act], Act] = {
    type(act): act
    for act in (
        events.FileComplaint(
            request_id="s-1",
            actor=BUYER,
            complainant=BUYER.id,
            respondent=SELLER.id,
            orders=("order-1",),
            category=Category.QUALITY,
            claim=Claim(remedies=(RemedyKind.REFUND,), amount_fen=100),
            title=text("title"),
            description=text("description"),
            channel=Channel.HOTLINE,
            evidence=(item("photo"),),
        ),
        events.RecordContact(request_id="s-2", actor=AGENT, party=Party.COMPLAINANT, channel=Channel.HOTLINE),
        events.CorrectCategory(request_id="s-23", actor=AGENT, category=Category.LOGISTICS),
        events.RequestCompletion(request_id="s-24", actor=AGENT, wanted=("time",)),
        events.CompleteComplaint(request_id="s-25", actor=BUYER, description=text("more")),
        events.NarrowClaim(request_id="s-26", actor=AGENT, claim=Claim(remedies=(RemedyKind.REFUND,), amount_fen=50)),
        events.ReportSellerContact(request_id="s-3", actor=AGENT, result=SellerContact.REFUSED),
        events.AcceptComplaint(request_id="s-4", actor=AGENT),
        events.RefuseComplaint(request_id="s-5", actor=AGENT, ground=Ground.TOO_LATE),
        events.RequestEvidence(request_id="s-6", actor=AGENT, party=Party.COMPLAINANT, wanted=("photo",)),
        events.SubmitEvidence(request_id="s-7", actor=BUYER, items=(item("photo"),)),
        events.SubmitStatement(request_id="s-8", actor=SELLER, text=text("statement")),
        events.RecordFinding(request_id="s-9", actor=AGENT, proven=False),
        events.ProposeRemedy(request_id="s-10", actor=BUYER, terms=REFUND),
        events.AnswerProposal(request_id="s-11", actor=SELLER, proposal="P1", answer=ProposalAnswer.ACCEPT),
        events.CallForRuling(request_id="s-12", actor=BUYER),
        events.IssueRuling(request_id="s-13", actor=AGENT, outcome=Outcome.DISMISSED, rule="COO-3"),
        events.ExtendClock(request_id="s-14", actor=AGENT, clock=ClockKind.RESULT, by=1),
        events.EscalateCase(request_id="s-15", actor=AGENT),
        events.ReportTrigger(request_id="s-32", actor=AGENT, trigger=Trigger.LEANING),
        events.SetRisk(request_id="s-33", actor=AGENT, high=True),
        events.AssessCase(request_id="s-34", actor=AGENT, confirmed=("T1",), rejected=("T2",)),
        events.RecordExternalComplaint(
            request_id="s-35", actor=AGENT, case_id="buyer-017/order-1", body="court", made_at=START
        ),
        events.OfferSolution(request_id="s-36", actor=AGENT, text=text("solution")),
        events.AnswerOffer(request_id="s-37", actor=BUYER, offer="K1", accepted=False),
        events.HandOver(request_id="s-38", actor=AGENT, route=Route.LOGISTICS),
        events.AnswerHandOff(request_id="s-39", actor=BUYER, hand_off="H1", agreed=True, channel=Channel.SMS),
        events.TakeHandOff(request_id="s-40", actor=AGENT, hand_off="H1"),
        events.ReturnHandOff(request_id="s-41", actor=AGENT, hand_off="H1", result="found", items=(item("photo"),)),
        events.RefuseHandOff(request_id="s-42", actor=AGENT, hand_off="H1"),
        events.RecallHandOff(request_id="s-43", actor=AGENT, hand_off="H1"),
        events.AssignCase(request_id="s-44", actor=AGENT, to="agent-04"),
        events.LinkIncident(request_id="s-45", incident="incident/seller/seller-204/1"),
        events.WithdrawComplaint(request_id="s-16", actor=BUYER),
        events.ReportRemedy(request_id="s-17", actor=SELLER, remedy="M1", done=True),
        events.AnswerSurvey(request_id="s-18", actor=BUYER, solved=True, scores=GOOD),
        events.RequestReview(request_id="s-27", actor=BUYER, channel=Channel.HOTLINE),
        events.FileAppeal(request_id="s-28", actor=BUYER, channel=Channel.HOTLINE, items=(item("photo", "new"),)),
        events.ExamineTranscript(request_id="s-29", actor=AGENT, evidence="E1"),
        events.RecordConduct(request_id="s-30", actor=AGENT, row="untruthful", staff="staff-7", conduct_at=START),
        events.MigratePolicy(request_id="s-31", actor=CHIEF, version="2024-07-22"),
        events.ReopenCase(request_id="s-19", actor=AGENT, case_id="buyer-017/order-1"),
        events.CorrectAct(request_id="s-20", actor=AGENT, entry=1),
        events.MergeCase(request_id="s-21", actor=AGENT, into="buyer-017/order-2"),
        events.AbsorbCase(
            request_id="s-22", duplicate="buyer-017/order-3", head=Head(number=1, hash="0" * 64), channel=Channel.SMS
        ),
    )
}
"""A well-formed message for every act."""


# --- waiting ---------------------------------------------------------------------------------


async def until(desk: Desk, case_id: str, met: Callable[[Case], bool]) -> Case:
    """Wait for a case to meet a condition."""
    async with asyncio.timeout(PATIENCE):
        while not met(case := await desk.case(case_id)):
            await asyncio.sleep(0.02)
    return case


async def until_stage(desk: Desk, case_id: str, stage: Stage) -> Case:
    """Wait until the case stands in a stage, with nothing under way."""
    return await until(desk, case_id, lambda case: case.stage is stage and not case.outbox)


async def until_quiet(desk: Desk, case_id: str) -> Case:
    """Wait until no effect is under way."""
    return await until(desk, case_id, lambda case: not case.outbox)


# --- steps -----------------------------------------------------------------------------------


def must(answer: Answer) -> None:
    assert answer.accepted, answer


async def to_verification(desk: Desk, case_id: str) -> None:
    await until_stage(desk, case_id, Stage.ACCEPTANCE)
    must(await desk.act(case_id, events.AcceptComplaint))
    await until_stage(desk, case_id, Stage.VERIFICATION)


async def to_coordination(desk: Desk, case_id: str) -> None:
    await to_verification(desk, case_id)
    must(await desk.act(case_id, events.SubmitStatement, SELLER, text=text("statement")))
    await find(desk, case_id)
    await until_stage(desk, case_id, Stage.COORDINATION)


async def find(desk: Desk, case_id: str) -> None:
    finding: dict[str, Any] = {
        "proven": True,
        "responsible": Party.RESPONDENT,
        "cause": "defective_goods",
        "evidence": ("E1",),
    }
    must(await desk.act(case_id, events.RecordFinding, **finding))


async def to_follow_up(desk: Desk, case_id: str) -> None:
    await to_coordination(desk, case_id)
    await agree(desk, case_id)


async def agree(desk: Desk, case_id: str) -> None:
    must(await desk.act(case_id, events.ProposeRemedy, BUYER, terms=REFUND))
    proposal = (await desk.case(case_id)).proposals[-1].id
    accept: dict[str, Any] = {"proposal": proposal, "answer": ProposalAnswer.ACCEPT}
    must(await desk.act(case_id, events.AnswerProposal, SELLER, **accept))
    await until_stage(desk, case_id, Stage.FOLLOW_UP)


async def to_closed(desk: Desk, case_id: str) -> None:
    await to_follow_up(desk, case_id)
    must(await desk.act(case_id, events.AnswerSurvey, BUYER, solved=True, scores=GOOD))
    await until_stage(desk, case_id, Stage.CLOSED)


async def archive(desk: Desk, case_id: str) -> None:
    """Let the window for coming back to a closed case pass; the run ends, and was sound."""
    assert not await desk.forward(case_id, days=30)
    await require_sound(desk, case_id)
    assert (await desk.folded(case_id)).stage is Stage.ARCHIVED


async def finish(desk: Desk, case_id: str) -> None:
    """Bring a case that awaits acceptance to its ordinary end."""
    await to_closed(desk, case_id)
    await archive(desk, case_id)


# --- what must hold --------------------------------------------------------------------------


def failures(events_: list[HistoryEvent]) -> list[str]:
    """Why workflow tasks failed, or the run.

    That news came in while a run was about to end is no failure: the engine has the task done again.
    """
    told = []
    for event in events_:
        if event.HasField("workflow_task_failed_event_attributes"):
            failed = event.workflow_task_failed_event_attributes
            if failed.cause != WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND:
                told.append(f"{WorkflowTaskFailedCause.Name(failed.cause)}: {failed.failure.message}")
        if event.HasField("workflow_execution_failed_event_attributes"):
            told.append(event.workflow_execution_failed_event_attributes.failure.message)
    return told


async def history(desk: Desk, case_id: str, run_id: str | None = None) -> list[HistoryEvent]:
    handle = desk.client.get_workflow_handle(case_id, run_id=run_id)
    return [event async for event in handle.fetch_history_events()]


def names(events_: list[HistoryEvent]) -> list[str]:
    """The events' types in short."""
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events_]


async def require_sound(desk: Desk, case_id: str) -> None:
    """No workflow task failed, the engine reports no problem, and the journal is whole."""
    assert failures(await history(desk, case_id)) == []
    description = await desk.handle(case_id).describe()
    problems = [pair.key.name for pair in description.typed_search_attributes if "Problems" in pair.key.name]
    assert not problems
    assert await desk.journal.verify(case_id) == ()
    numbers = [entry.number for entry in await desk.entries(case_id)]
    assert numbers == list(range(1, len(numbers) + 1))


class Trace:
    """What something left behind: new events of history, new entries of the journal."""

    def __init__(self, desk: Desk, case_id: str) -> None:
        self._desk = desk
        self._case_id = case_id

    async def start(self) -> "Trace":
        self._events, self._entries = await self._counts()
        return self

    async def left(self) -> tuple[int, int]:
        """New events, new entries."""
        events_, entries = await self._counts()
        return events_ - self._events, entries - self._entries

    async def _counts(self) -> tuple[int, int]:
        events_ = await history(self._desk, self._case_id)
        return len(events_), len(await self._desk.entries(self._case_id))
