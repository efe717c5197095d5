"""A workflow for the tests of the wire: its handlers note what reaches them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta
from temporalio import activity, workflow

from policies.base import Frozen


class Remedy(StrEnum):
    REFUND = "refund"
    EXCHANGE = "exchange"
    REPAIR = "repair"


class Message(Frozen, kw_only=True, tag_field="type"):
    pass


class Letter(Message, tag="letter"):
    text: Annotated[str, Meta(min_length=2, max_length=200_000)]


class Claim(Message, tag="claim"):
    amount_fen: Annotated[int, Meta(ge=0, le=10**12)]
    remedies: tuple[Remedy, ...] = ()
    made_at: Annotated[datetime, Meta(tz=True)] | None = None
    order: Annotated[str, Meta(pattern=r"^[0-9]{1,8}\Z", description="an order number of 1 to 8 digits")] = "1"


class Case(Message, tag="case"):
    order: str
    total_fen: int = 0
    contents: str = ""
    parts: tuple[Letter | Claim, ...] = ()
    runs: int = 0


class View(Message, tag="view"):
    total_fen: int
    runs: int


@activity.defn(name="double")
async def double(claim: Claim) -> Claim:
    return Claim(amount_fen=claim.amount_fen * 2, remedies=claim.remedies)


@activity.defn(name="forget")
async def forget(claim: Claim) -> None:
    assert isinstance(claim, Claim)


@workflow.defn(name="toy")
class Toy:
    def __init__(self) -> None:
        self.case = Case(order="")
        self.done = False
        self.grow = 0

    @workflow.run
    async def run(self, case: Case) -> View:
        self.case = msgspec.structs.replace(case, total_fen=case.total_fen + self.case.total_fen, runs=case.runs + 1)
        await workflow.wait_condition(lambda: self.done or bool(self.grow))
        if self.grow:
            workflow.continue_as_new(
                msgspec.structs.replace(self.case, contents="x" * self.grow),
            )
        return self._view()

    @workflow.update(name="claim")
    async def claim(self, claim: Claim) -> View:
        patience = timedelta(seconds=20)
        doubled = await workflow.execute_activity(double, claim, start_to_close_timeout=patience)
        await workflow.execute_local_activity(forget, doubled, start_to_close_timeout=patience)
        self._add(doubled.amount_fen // 2)
        return self._view()

    @claim.validator
    def check_claim(self, claim: Claim) -> None:
        assert isinstance(claim, Claim)

    @workflow.update(name="post")
    async def post(self, letter: Letter) -> None:
        assert isinstance(letter, Letter)

    @post.validator
    def check_post(self, letter: Letter) -> None:
        pass

    @workflow.update(name="finish")
    async def finish(self, claim: Claim) -> View:
        self._add(claim.amount_fen)
        self.done = True
        return self._view()

    @finish.validator
    def check_finish(self, claim: Claim) -> None:
        pass

    @workflow.signal(name="tell")
    async def tell(self, claim: Claim) -> None:
        self._add(claim.amount_fen)

    @workflow.signal(name="nudge")
    def nudge(self) -> None:
        self._add(1)

    @workflow.signal(name="grow")
    def enlarge(self, claim: Claim) -> None:
        self.grow = claim.amount_fen

    @workflow.query(name="view")
    def view(self) -> View:
        return self._view()

    @workflow.query(name="sum")
    def sum(self, claim: Claim) -> int:
        return self.case.total_fen + claim.amount_fen

    def _add(self, fen: int) -> None:
        self.case = msgspec.structs.replace(self.case, total_fen=self.case.total_fen + fen)

    def _view(self) -> View:
        return View(total_fen=self.case.total_fen, runs=self.case.runs)
