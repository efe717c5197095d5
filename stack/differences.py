"""What became of a case, held against what its scenario expects: a sentence for each difference."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from activities.platform import LedgerEntry
from policies.schema import Party
from stack.scenario import Expectation, Scenario
from states import facts
from states.case import Case
from states.facts import AnyFact
from states.journal import Entry
from states.values import OccurrenceState, PenaltyState, RemedyState, yuan


class Ended(NamedTuple):
    """A case at its end, from its journal, and what the world keeps of it."""

    case_id: str
    case: Case | None
    entries: tuple[Entry, ...]
    ledger: tuple[LedgerEntry, ...]
    faults: tuple[str, ...]
    """What is wrong with its records: the hash chain, the row in the lists."""
    runs: tuple[str, ...]
    """The ids of its runs, in order."""
    events: int
    """Events of history in all its runs, without those of jumps in virtual time."""

    @property
    def facts(self) -> Iterator[AnyFact]:
        """Everything that its journal establishes, in order."""
        return (fact for entry in self.entries for fact in entry.facts)


def differences(scenario: Scenario, cases: Mapping[str, Ended]) -> Iterator[str]:
    """A sentence for everything that is otherwise than the scenario says, and for every fault in the records."""
    for name, expected in scenario.expectations.items():
        where = scenario.id if name == next(iter(scenario.expectations)) else f"{scenario.id}/{name}"
        ended = cases.get(name)
        if ended is None or ended.case is None:
            yield f"{where}: the complaint was never filed"
            continue
        for what, found, wanted in _compared(ended, ended.case, expected):
            if found != wanted:
                yield f"{where}: {what} is {_shown(found)}, expected {_shown(wanted)}"
        for fault in (*ended.faults, *_faults_of_ledger(ended, ended.case)):
            yield f"{where}: {fault}"


def _compared(ended: Ended, case: Case, expected: Expectation) -> Iterator[tuple[str, object, object]]:
    """What is compared, as found and as expected."""
    yield "the path", case.path, expected.path
    yield "the level", case.level, expected.level
    yield "the outcome", case.outcome, expected.outcome
    yield "the ground of the outcome", case.outcome_ground, expected.ground
    yield (
        "the list of remedies",
        [(each.terms.kind, each.state, _yuan(each.terms.amount_fen)) for each in case.remedies],
        [(each.kind, each.state, each.amount) for each in expected.remedies],
    )
    yield (
        "the list of penalties",
        [(each.row, each.state) for each in case.penalties],
        [(each.row, each.state) for each in expected.penalties],
    )
    yield (
        "the conduct on record",
        [(each.party, each.kind) for each in case.conduct],
        [(each.party, each.kind) for each in expected.conduct],
    )
    yield (
        "the conduct of staff on record",
        [(each.row, each.staff, each.message, _yuan(each.amount_fen or None)) for each in case.staff_conduct],
        [(each.row, each.staff, each.message, each.amount) for each in expected.staff_conduct],
    )
    yield (
        "the list of escalations",
        [(each.trigger, each.clock.partition(":")[0] or None) for each in case.escalations],
        [(each.trigger, each.clock) for each in expected.escalations],
    )
    yield "the priority", case.priority, expected.priority
    yield "the risk", case.risk, expected.risk
    yield "the list of complaints outside", [each.body for each in case.externals], list(expected.externals)
    yield (
        "the list of hand-offs",
        [(each.route, each.consent.state, each.state, each.result, _late(each.late)) for each in case.hand_offs],
        [(each.route, each.consent, each.state, each.result, _late(each.late)) for each in expected.hand_offs],
    )
    yield (
        "what texts show",
        sorted((each.label or f"category {each.category}", each.state) for each in case.triage),
        sorted((each.label or f"category {each.category}", each.state) for each in expected.triage),
    )
    yield (
        "the ledger",
        sorted(_entered(each) for each in ended.ledger),
        sorted(
            (each.action, each.amount or "", each.points or 0, each.count or 0, _reversal(each.reversal))
            for each in expected.ledger
        ),
    )
    yield "the number of refused acts", sum(entry.refusal is not None for entry in ended.entries), expected.refused
    yield (
        "the list of acts taken back",
        [fact.act for fact in ended.facts if isinstance(fact, facts.ActCorrected)],
        list(expected.corrected),
    )
    handed = sum(isinstance(fact, facts.NoticeSet) and fact.by == "hand_to_agent" for fact in ended.facts)
    yield "the number of notices handed to an agent", handed, expected.handed_to_agent
    yield "the number of duplicates taken over", len(case.absorbed), expected.absorbed
    yield "the number of reopenings", case.reopenings, expected.reopenings


def _entered(entry: LedgerEntry) -> tuple[str, str, int, int, str]:
    """A row of the ledger as an expectation tells it: a reversal has the figures of what it takes back."""
    sign = -1 if entry.reverses else 1
    amount = "" if entry.amount_fen is None else yuan(sign * entry.amount_fen)
    return entry.action, amount, sign * (entry.points or 0), entry.count or 0, _reversal(entry.reverses is not None)


def _reversal(holds: bool) -> str:
    return "reversed" if holds else ""


def _late(holds: bool) -> str:
    return "late" if holds else ""


def _faults_of_ledger(ended: Ended, case: Case) -> Iterator[str]:
    """Each step that the platform did, each penalty and each occurrence is in the ledger exactly once (COO-2, PEN-1,
    PEN-3), and so is the reversal of each that was reversed.
    """
    entered = [(each.kind, each.subject, each.action, _reversal(each.reverses is not None)) for each in ended.ledger]
    owed = [
        ("remedy", remedy.id, str(step.action), remedy.state is RemedyState.REVERSED)
        for remedy in case.remedies
        for step in remedy.steps
        if step.by is Party.PLATFORM and not step.by_agent and step.done_at is not None
    ]
    owed += [("penalty", each.id, str(each.kind), each.state is PenaltyState.REVERSED) for each in case.penalties]
    owed += [
        ("occurrence", each.id, str(each.counts), each.state is OccurrenceState.REVERSED) for each in case.occurrences
    ]
    expected = [(kind, id_, action, "") for kind, id_, action, _ in owed]
    expected += [(kind, id_, action, _reversal(reversed_)) for kind, id_, action, reversed_ in owed if reversed_]
    for each in dict.fromkeys(entered + expected):
        if (times := entered.count(each)) != expected.count(each):
            yield f"{' '.join(filter(None, each))} is in the ledger {times} times, expected {expected.count(each)}"


def _yuan(amount_fen: int | None) -> str | None:
    return None if amount_fen is None else yuan(amount_fen)


def _shown(value: object) -> str:
    """A value as a reader of the sentence wants it."""
    match value:
        case None | "" | () | []:
            return "nothing"
        case str() | int():
            return str(value)
        case tuple() | list():
            return _listed(value)
    return repr(value)


def _listed(values: Sequence[object]) -> str:
    if all(isinstance(each, str) for each in values):
        return " > ".join(str(each) for each in values)
    return "; ".join(
        " ".join(str(part) for part in each if part not in (None, "", 0)) if isinstance(each, tuple) else str(each)
        for each in values
    )
