"""Cases as they are played while things break: what the parties do, and what must come of it.

The parties insist: an act that is not confirmed is sent again with the same request id, by the client.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.database import DatabaseError
from activities.views import CaseList
from policies.schema import Ground, Level, Outcome, Party, RemedyKind, Role, Stage
from states import events
from states.case import Case
from states.events import Act, ProposalAnswer
from states.journal import Entry, fold
from states.values import Actor, Answer, RemedyTerms, Scores, Value, Violation
from tests.faults.site import PATIENCE, Site
from tests.states.story import AGENT, BUYER, SELLER, complaint, item, order, text

REFUND = RemedyTerms(kind=RemedyKind.REFUND, amount_fen=19_900)
GOOD = Scores(speed=5, attitude=5, accuracy=5, problem_solving=5, product_knowledge=4, result=5)
BAD = Scores(speed=2, attitude=3, accuracy=2, problem_solving=1, product_knowledge=3, result=1)


class Played:
    """One case, what was sent to it, and what the senders were answered."""

    def __init__(self, site: Site, seller: Actor = SELLER) -> None:
        self.site = site
        self.seller = seller
        self.order = f"order-{uuid.uuid4().hex[:10]}"
        self.case_id = f"{BUYER.id}/{self.order}"
        self.sent: dict[str, tuple[Act, Answer]] = {}

    def message(self, act: type[Act], actor: Actor = AGENT, **given: Any) -> Act:
        made: dict[str, Any] = {
            "request_id": f"{self.order}.{uuid.uuid4().hex[:8]}",
            "actor": actor,
            "reason": text("reason"),
        }
        return act(**made | given)

    async def bought(self) -> None:
        """The platform knows the order."""
        now = datetime.now(UTC)
        times = {"purchased_at": now - timedelta(days=6), "received_at": now - timedelta(days=2)}
        known = order(order=self.order, seller=self.seller.id, **times)
        await insist(lambda: self.site.platform.add_order(known))

    async def file(self, **changes: Any) -> None:
        """Buy, and complain."""
        await self.bought()
        await self.filed(**changes)

    async def filed(self, **changes: Any) -> Answer:
        """Complain about the order."""
        about = {"orders": (self.order,), "respondent": self.seller.id, "request_id": f"{self.order}.file"}
        act = complaint(**about | changes)
        answer = await self.site.complaints.file(act)
        self.sent[act.request_id] = (act, answer)
        return answer

    async def act(self, act: type[Act], actor: Actor = AGENT, **given: Any) -> Answer:
        return await self.send(self.message(act, actor, **given))

    async def send(self, act: Act) -> Answer:
        answer = await self.site.complaints.act(self.case_id, act)
        self.sent[act.request_id] = (act, answer)
        return answer

    async def now(self) -> datetime:
        """The case's own time."""
        return await self.site.now(self.case_id)

    async def until(self, stage: Stage) -> None:
        """Wait until the case stands in a stage."""
        cases = CaseList(self.site.pool)
        async with asyncio.timeout(PATIENCE):
            while True:
                row = await insist(lambda: cases.get(self.case_id))
                if row is not None and row.stage is stage:
                    return
                await asyncio.sleep(0.1)

    async def quiet(self) -> Case:
        """Wait until every effect is carried out and on record."""
        async with asyncio.timeout(PATIENCE):
            while True:
                case = fold(await self.entries())
                if case is not None and not case.outbox:
                    return case
                await asyncio.sleep(0.1)

    async def caught_up(self) -> Case:
        """Wait until no deadline that has passed is still to be handled."""
        async with asyncio.timeout(PATIENCE):
            while True:
                case = await self.quiet()
                now = await self.now()
                if not any(clock.ticking and clock.due <= now for clock in case.clocks):
                    return case
                await asyncio.sleep(0.1)

    async def longer_than(self, number: int) -> tuple[Entry, ...]:
        """Wait until the journal goes on after an entry; the journal."""
        async with asyncio.timeout(PATIENCE):
            while len(entries := await self.entries()) <= number:
                await asyncio.sleep(0.02)
        return entries

    async def entries(self) -> tuple[Entry, ...]:
        """The journal."""
        found: tuple[Entry, ...] = await insist(lambda: self.site.journal.read(self.case_id))
        return found

    # --- steps ------------------------------------------------------------------------------------

    async def accepted(self) -> None:
        await self.until(Stage.ACCEPTANCE)
        await self.act(events.AcceptComplaint)

    async def found(self) -> None:
        await self.act(events.SubmitStatement, self.seller, text=text("statement"))
        finding: dict[str, Any] = {"responsible": Party.RESPONDENT, "cause": "defective_goods", "evidence": ("E1",)}
        await self.act(events.RecordFinding, proven=True, **finding)

    async def agreed(self, number: int, terms: RemedyTerms) -> None:
        await self.act(events.ProposeRemedy, BUYER, terms=terms)
        await self.act(events.AnswerProposal, self.seller, proposal=f"P{number}", answer=ProposalAnswer.ACCEPT)

    async def surveyed(self, *, solved: bool = True) -> None:
        await self.until(Stage.FOLLOW_UP)
        await self.act(events.AnswerSurvey, BUYER, solved=solved, scores=GOOD if solved else BAD)

    async def archived(self) -> None:
        """Let the window for coming back pass: the run ends."""
        await self.site.pass_time(self.case_id, timedelta(days=30))
        await self.until(Stage.ARCHIVED)


async def insist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Ask the database until it answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except DatabaseError:
                await asyncio.sleep(0.2)


class Ending(Value, kw_only=True):
    """What must have become of a case."""

    outcome: Outcome
    path: tuple[str, ...]
    level: Level = Level.FRONT_LINE
    ledger: tuple[tuple[str, str, int | None], ...] = ()
    """What was carried out: the remedy or penalty, how, and the amount or points."""


# --- the plays ----------------------------------------------------------------------------------

_BEGIN = ("intake", "acceptance", "verification")
_END = ("follow_up", "closed", "archived")


async def settled(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.found()
    await case.agreed(1, REFUND)
    await case.surveyed()
    await case.archived()
    return Ending(
        outcome=Outcome.AGREED,
        path=(*_BEGIN, "coordination", "feedback", *_END),
        ledger=(("M1", "refund", 19_900),),
    )


async def ruled(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.found()
    await case.act(events.CallForRuling, BUYER)
    await case.act(
        events.IssueRuling,
        outcome=Outcome.UPHELD,
        rule="VER-5",
        remedies=(REFUND, RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=5_000)),
        penalties=(Violation(row="points"), Violation(row="listing_removed")),
    )
    await case.until(Stage.FEEDBACK)
    apology = await case.act(events.ReportRemedy, case.seller, remedy="M3", done=True)
    assert apology.accepted, apology
    await case.surveyed()
    await case.archived()
    return Ending(
        outcome=Outcome.UPHELD,
        path=(*_BEGIN, "coordination", "ruling", "feedback", *_END),
        ledger=(
            ("M1", "refund", 19_900),
            ("M2", "pay_compensation", 5_000),
            ("N1", "points", 2),
            ("N2", "listing_removed", None),
            ("O1", "upheld_complaint", None),
        ),
    )


async def dismissed(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.act(events.SubmitStatement, case.seller, text=text("statement"))
    await case.act(events.RecordFinding, proven=False)
    await case.act(events.IssueRuling, outcome=Outcome.DISMISSED, rule="VER-5")
    await case.until(Stage.FOLLOW_UP)
    await case.archived()  # the survey lapses on the way
    return Ending(outcome=Outcome.DISMISSED, path=(*_BEGIN, "ruling", "feedback", *_END))


async def bargained(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.found()
    offer = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=3_000)
    counter = RemedyTerms(kind=RemedyKind.COMPENSATION, amount_fen=8_000)
    await case.act(events.ProposeRemedy, case.seller, terms=offer)
    await case.act(events.AnswerProposal, BUYER, proposal="P1", answer=ProposalAnswer.COUNTER, counter=counter)
    await case.act(events.AnswerProposal, case.seller, proposal="P2", answer=ProposalAnswer.ACCEPT)
    await case.surveyed()
    await case.archived()
    return Ending(
        outcome=Outcome.AGREED,
        path=(*_BEGIN, "coordination", "feedback", *_END),
        ledger=(("M1", "pay_compensation", 8_000),),
    )


async def unsolved(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.found()
    await case.agreed(1, REFUND)
    await case.surveyed(solved=False)
    await case.until(Stage.VERIFICATION)
    await case.found()
    await case.agreed(2, RemedyTerms(kind=RemedyKind.COUPON, amount_fen=2_000))
    await case.surveyed()
    await case.archived()
    return Ending(
        outcome=Outcome.AGREED,
        path=(
            *(*_BEGIN, "coordination", "feedback", "follow_up"),
            *("verification", "coordination", "feedback", *_END),
        ),
        level=Level.SPECIALIST,
        ledger=(("M1", "refund", 19_900), ("M2", "issue_coupon", 2_000)),
    )


async def withdrawn(case: Played) -> Ending:
    await case.file()
    await case.accepted()
    await case.act(events.SubmitEvidence, BUYER, items=(item("chat_log"),))
    await case.act(events.WithdrawComplaint, BUYER)
    await case.until(Stage.CLOSED)
    await case.archived()
    return Ending(outcome=Outcome.WITHDRAWN, path=(*_BEGIN, "withdrawn", "closed", "archived"))


async def refused(case: Played) -> Ending:
    await case.file()
    await case.until(Stage.ACCEPTANCE)
    await case.act(events.RefuseComplaint, ground=Ground.OUTSIDE_JURISDICTION)
    await case.until(Stage.CLOSED)
    await case.archived()
    return Ending(outcome=Outcome.REFUSED, path=("intake", "acceptance", "refused", "closed", "archived"))


async def merged(case: Played) -> Ending:
    """A duplicate is taken over by another case of the same buyer, which then is withdrawn."""
    other = Played(case.site)
    await asyncio.gather(case.file(), other.file(evidence=(item("photo", "other"),)))
    await asyncio.gather(case.until(Stage.ACCEPTANCE), other.until(Stage.ACCEPTANCE))
    await case.act(events.MergeCase, into=other.case_id)
    await case.until(Stage.CLOSED)
    await case.archived()
    await other.act(events.WithdrawComplaint, BUYER)
    return Ending(outcome=Outcome.MERGED, path=("intake", "acceptance", "closed", "archived"))


Play = Callable[[Played], Awaitable[Ending]]
PLAYS: tuple[Play, ...] = (settled, ruled, dismissed, bargained, unsolved, withdrawn, refused, merged)


async def play(site: Site, script: Play) -> tuple[Played, Ending]:
    """Play one case to its end. The shop is its own: what counts against one (PEN-3) depends on no other case."""
    case = Played(site, Actor(id=f"seller-{uuid.uuid4().hex[:10]}", role=Role.RESPONDENT))
    return case, await script(case)


async def play_all(site: Site, times: int) -> list[tuple[Played, Ending]]:
    """Play every play so often, all at once."""
    return await asyncio.gather(*(play(site, script) for script in PLAYS * times))
