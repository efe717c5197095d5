"""Small workflows that use the activities as the complaint workflow does."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ports import (
        CARRY_OUT,
        READ_CASE,
        WRITE_JOURNAL,
        EffectBatch,
        JournalBatch,
        Known,
        ReadCase,
        Written,
    )
    from policies.schema import Level, Role, Stage
    from states.events import AbsorbCase, Result
    from states.values import Answer, Head, Refusal, Value


class Errand(Value):
    """What the workflow is to do."""

    journal: JournalBatch
    effects: EffectBatch


class Report(Value):
    """What the activities answered."""

    written: Written
    again: Written
    known: Known
    results: tuple[Result, ...]


@workflow.defn
class Errands:
    """Writes a journal, locally and not; a month later carries out effects; reads the case."""

    @workflow.run
    async def run(self, errand: Errand | None = None) -> Report:
        assert errand is not None
        patience = timedelta(seconds=10)
        written = await workflow.execute_local_activity(
            WRITE_JOURNAL, errand.journal, result_type=Written, start_to_close_timeout=patience
        )
        again = await workflow.execute_activity(
            WRITE_JOURNAL, errand.journal, result_type=Written, start_to_close_timeout=patience
        )
        await workflow.sleep(timedelta(days=30))
        results = await workflow.execute_activity(
            CARRY_OUT, errand.effects, result_type=tuple[Result, ...], start_to_close_timeout=patience
        )
        known = await workflow.execute_activity(
            READ_CASE, ReadCase(errand.effects.case_id, Head()), result_type=Known, start_to_close_timeout=patience
        )
        return Report(written, again, known, results)


@workflow.defn
class Absorber:
    """Takes over duplicates, or does not, by their names; one of them makes it end before it answers."""

    def __init__(self) -> None:
        self.seen: list[AbsorbCase] = []
        self.ending = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.ending)
        return len(self.seen)

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def absorb_case(self, act: AbsorbCase) -> Answer:
        self.seen.append(act)
        if act.duplicate == "buyer-017/ends-the-run":
            self.ending = True
            await workflow.wait_condition(lambda: False)
        assert act.actor is not None
        assert act.actor.role is Role.ENGINE
        refusal = Refusal("wrong_stage", "no") if act.duplicate == "buyer-017/refused" else None
        return Answer("x", refusal is None, len(self.seen), Stage.RULING, Level.FRONT_LINE, refusal)

    @absorb_case.validator
    def _check(self, act: AbsorbCase) -> None:
        if act.duplicate == "buyer-017/rejected":
            raise ValueError("no")

    @workflow.signal
    def end(self) -> None:
        self.ending = True
