"""What must hold of every case, whatever broke on its way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause

from activities.views import CaseList
from states import facts
from states.case import Case
from states.effects import AnyEffect, ApplyPenalty, CarryOut, CountOccurrence, Reverse, SendNotice
from states.events import Act
from states.journal import Entry, fold
from states.values import Answer
from tests.faults.plays import Ending, Played
from tests.faults.site import Site, persist
from workflows.complaint import Summary

_CHAIN = """
select count(*) as entries, max(number) as last, count(distinct hash) as hashes,
  count(*) filter (where number > 1 and not exists (
    select from journal as before where before.case_id = journal.case_id
      and before.number = journal.number - 1 and before.hash = journal.previous)) as loose,
  count(*) filter (where hash <> encode(sha256(convert_to(body::text, 'UTF8')), 'hex')) as unsealed
from journal where case_id = $1
"""


IN_LEDGER = (CarryOut, ApplyPenalty, CountOccurrence, Reverse)
"""The effects that are entered in the ledger."""


class Hits(NamedTuple):
    """What the kills interrupted."""

    tasks: int
    """Workflow tasks that timed out with their worker."""
    activities: int
    """Activities that had to be tried again."""
    continued: int
    """Runs that continued another one."""


async def hits(site: Site, cases: Iterable[Played]) -> Hits:
    """What was interrupted: a test that interrupts nothing shows nothing."""
    runs = [run for case in cases for run in await site.runs(case.case_id)]
    events = [event for run in runs for event in run]
    return Hits(
        tasks=sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT for event in events),
        activities=sum(event.activity_task_started_event_attributes.attempt > 1 for event in events),
        continued=sum(
            run[0].workflow_execution_started_event_attributes.continued_execution_run_id != "" for run in runs
        ),
    )


async def require_whole(site: Site, case_id: str) -> tuple[Case, tuple[Entry, ...]]:
    """The journal has no gap, no double entry and no fork; it, the view, the run and the outside world tell the same
    story. The case, and its journal.
    """
    chain = await site.pool.fetchrow(_CHAIN, case_id)
    assert chain is not None
    assert chain["entries"] == chain["last"] == chain["hashes"], dict(chain)
    assert chain["loose"] == chain["unsealed"] == 0, dict(chain)
    assert await site.journal.verify(case_id) == ()
    entries = await site.journal.read(case_id)
    case = fold(entries)
    assert case is not None
    _require_once(entries)
    await _require_effects_once(site, case_id, entries)
    row = await CaseList(site.pool).get(case_id)
    assert row is not None
    assert (row.entries, row.stage, row.level, row.path) == (case.head.number, case.stage, case.level, case.path)
    assert await persist(lambda: site.handle(case_id).query("case", result_type=Case)) == case
    await _require_no_failed_task(site, case_id)
    return case, entries


def _require_once(entries: tuple[Entry, ...]) -> None:
    """Each act, each deadline and each report of an effect is on record once, and nothing was ever forked."""
    acts = Counter(entry.request_id for entry in entries if entry.request_id)
    assert max(acts.values()) == 1, acts
    settled = Counter(fact.key for entry in entries for fact in entry.facts if isinstance(fact, facts.EffectSettled))
    assert not settled or max(settled.values()) == 1, settled
    ended = Counter(
        (fact.clock.id, fact.clock.arming, fact.by)
        for entry in entries
        for fact in entry.facts
        if isinstance(fact, facts.ClockSet) and fact.by in ("arm", "warn", "meet", "miss", "cancel")
    )
    assert max(ended.values()) == 1, ended
    assert not [entry.number for entry in entries if entry.event == "fork_found"]


async def _require_effects_once(site: Site, case_id: str, entries: tuple[Entry, ...]) -> None:
    """What was ordered and reported stands outside exactly once, and nothing else does."""
    ordered: dict[str, AnyEffect] = {
        fact.effect.key: fact.effect
        for entry in entries
        for fact in entry.facts
        if isinstance(fact, facts.EffectOrdered)
    }
    reported = {fact.key for entry in entries for fact in entry.facts if isinstance(fact, facts.EffectSettled)}
    assert reported == set(ordered), "effects ordered and not reported"
    for table, kinds in (("ledger", IN_LEDGER), ("notices", (SendNotice,))):
        found = await site.pool.fetch(f"select key from {table} where case_id = $1", case_id)
        expected = sorted(key for key, effect in ordered.items() if isinstance(effect, kinds))
        assert sorted(row["key"] for row in found) == expected, table


async def _require_no_failed_task(site: Site, case_id: str) -> None:
    """Workflow tasks may time out with their worker, or end a run too early for what just came in; none may fail."""
    failures = [
        event.workflow_task_failed_event_attributes
        for event in await site.history(case_id)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    ]
    too_early = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    assert not [failure for failure in failures if failure.cause != too_early]


def require_all_acts(case: Case, sent: Mapping[str, tuple[Act, Answer]]) -> None:
    """Nobody's act was lost or applied twice: the journal holds each, and the answer that its sender was given."""
    on_record = {answered.request_id: answered for answered in case.answers}
    assert set(sent) <= set(on_record)
    for request_id, (_, answer) in sent.items():
        assert on_record[request_id].answer == answer, request_id


async def require_ended(case: Played, ending: Ending) -> Case:
    """A case that was played ended as it should."""
    site = case.site
    found, _ = await require_whole(site, case.case_id)
    require_all_acts(found, case.sent)
    refused = [answer.refusal for _, answer in case.sent.values() if not answer.accepted]
    assert not refused
    assert found.outcome is ending.outcome
    assert found.path == ending.path
    assert found.level is ending.level
    ledger = await site.platform.ledger(case.case_id)
    carried_out = sorted((each.subject, each.action, each.amount_fen or each.points) for each in ledger)
    assert carried_out == sorted(ending.ledger)
    summary: Summary = await site.time.client.get_workflow_handle(case.case_id, result_type=Summary).result()
    assert summary.head == found.head
    return found
