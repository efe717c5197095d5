"""The demo: every example complaint from filing to closing, on real servers, in virtual time."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from activities.database import DatabaseError
from client.errors import ClientError
from stack.differences import Ended
from stack.embedded import ServerError, data_directory
from stack.local import alive_with, local_stack
from stack.player import Played, Player
from stack.scenario import MAIN, Scenario, load_all
from stack.virtual_time import VirtualTime
from states.values import yuan
from states.view import row

AT_ONCE = 8
"""Cases that are played at the same time."""
PLAIN_WIDTH = 200
"""Columns of the table where the output is no terminal."""
LEAST_WIDTH = 150
"""Columns that the table needs; a narrower terminal breaks its lines."""

Report = Callable[[str], None]


async def demo(
    *,
    named: str | None = None,
    keep: bool = False,
    data: Path | None = None,
    json: Path | None = None,
    at_once: int = AT_ONCE,
) -> int:
    """Play the scenarios whose id holds `named`, or all. The exit code is 0 if every case ended as its scenario says.

    Data go to a directory of their own, removed at the end unless `keep` is set or `data` names it. The worker's
    process id stands in worker.pid there; a worker that dies is started again. Raises ScenarioError, ServerError.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    scenarios = load_all(named=named)
    unique = uuid.uuid4().hex[:8]
    directory = data or data_directory() / f"demo-{unique}"
    start = monotonic()
    async with _data(directory, keep=keep or data is not None):
        console.print(f"starting Temporal and PostgreSQL, data in {directory}")
        async with local_stack(directory, database=f"tousu_demo_{unique}", say=console.print) as local:
            console.print(f"playing {len(scenarios)} scenarios, {at_once} at once; worker log: {directory}/worker.log")
            player = Player(VirtualTime(local.client), local.pool)
            with _progress(console, len(scenarios)) as progress:
                played = await alive_with(local.worker, _play(player, scenarios, at_once, progress))
    seconds = monotonic() - start
    wide = console if console.width >= LEAST_WIDTH else Console(width=LEAST_WIDTH)
    wide.print(_table(played))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(_summary(played, seconds)), indent=2) + b"\n")
    return _verdict(console, played, seconds)


@asynccontextmanager
async def _data(directory: Path, *, keep: bool) -> AsyncIterator[None]:
    if directory.exists() and any(directory.iterdir()):
        raise ServerError(f"{directory} is not empty: give the demo a directory of its own")
    try:
        yield
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


async def _play(
    player: Player, scenarios: Sequence[Scenario], at_once: int, progress: "_Progress"
) -> tuple[Played, ...]:
    """Play all of them, so many at once; in the order of the scenarios."""
    free = asyncio.Semaphore(at_once)

    async def one(scenario: Scenario) -> Played:
        async with free:
            with progress.playing(scenario) as report:
                played = await _played(player, scenario, report)
            progress.ended(played)
            return played

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(scenario)) for scenario in scenarios]
    return tuple(task.result() for task in tasks)


async def _played(player: Player, scenario: Scenario, report: Report) -> Played:
    """A scenario played; what went wrong on the way is a difference like any other."""
    start = monotonic()
    try:
        return await player.play(scenario, report=report)
    except (ClientError, DatabaseError, TimeoutError) as error:
        return Played(scenario, {}, monotonic() - start, (f"{scenario.id}: {str(error) or type(error).__name__}",))


# --- while it runs --------------------------------------------------------------------------------


class _Progress:
    """Plain lines: one for each case that has ended."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self.total = total
        self.done = 0

    def playing(self, scenario: Scenario) -> AbstractContextManager[Report]:
        return nullcontext(lambda _: None)

    def ended(self, played: Played) -> None:
        self.done += 1
        told = "as expected" if not played.differences else "OTHERWISE"
        self.console.print(f"[{self.done}/{self.total}] {played.scenario.id}: {_outcome(played)}, {told}", markup=False)


class _LiveProgress(_Progress):
    """In a terminal: a bar, and under it what happens in the cases being played."""

    def __init__(self, console: Console, total: int, display: Progress) -> None:
        super().__init__(console, total)
        self.display = display
        self.bar = display.add_task("scenarios", total=total, now="")

    @contextmanager
    def playing(self, scenario: Scenario) -> Any:
        line = self.display.add_task(scenario.id, total=len(scenario.steps) + 1, now="")
        acts = 0

        def report(doing: str) -> None:
            nonlocal acts
            acts += ": until " not in doing
            self.display.update(line, completed=acts, now=doing.removeprefix(f"{MAIN}: "))

        try:
            yield report
        finally:
            self.display.remove_task(line)

    def ended(self, played: Played) -> None:
        self.display.advance(self.bar)
        if played.differences:
            super().ended(played)


@contextmanager
def _progress(console: Console, total: int) -> Any:
    if not console.is_terminal:
        yield _Progress(console, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", style="dim"),
    )
    with Progress(*columns, console=console, transient=True) as display:
        yield _LiveProgress(console, total, display)


# --- what came of it --------------------------------------------------------------------------------


def _table(played: Iterable[Played]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("case", "category", "path", "level", "outcome", "remedy", "penalties"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "path")
    table.add_column("events", justify="right")
    table.add_column("seconds", justify="right")
    for each in played:
        for name, ended in each.cases.items():
            table.add_row(*_cells(each, name, ended))
    return table


def _cells(played: Played, name: str, ended: Ended) -> Iterable[str]:
    where = played.scenario.id if name == MAIN else f"{played.scenario.id} ({name})"
    case = ended.case
    if case is None:
        return (where,)
    listed = row(case)
    remedies = "\n".join(_remedy(each.terms.kind, each.terms.amount_fen, each.state) for each in case.remedies)
    return (
        where if not played.differences else f"{where} (!)",
        case.category,
        " > ".join(case.path),
        case.level,
        case.outcome or "" if not case.outcome_ground else f"{case.outcome}: {case.outcome_ground}",
        remedies,
        listed.penalties.replace(", ", "\n"),
        str(ended.events),
        f"{played.seconds:.1f}",
    )


def _remedy(kind: str, amount_fen: int | None, state: str) -> str:
    amount = "" if amount_fen is None else f" {yuan(amount_fen)}"
    return f"{kind}{amount}" if state == "done" else f"{kind}{amount} ({state})"


def _outcome(played: Played) -> str:
    case = played.cases[MAIN].case if MAIN in played.cases else None
    return "no case" if case is None else f"{case.outcome or 'no outcome'} in {case.stage}"


def _verdict(console: Console, played: Sequence[Played], seconds: float) -> int:
    cases = [ended for each in played for ended in each.cases.values()]
    events = sum(ended.events for ended in cases)
    console.print(
        f"{len(played)} scenarios, {len(cases)} cases, {events} events of history, "
        f"{events / max(len(cases), 1):.0f} a case; {seconds:.1f} s altogether"
    )
    found = [difference for each in played for difference in each.differences]
    for difference in found:
        console.print(difference, markup=False)
    if not found:
        console.print("every case ended as its scenario says")
    return 1 if found else 0


def _summary(played: Iterable[Played], seconds: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "scenarios": [_scenario_summary(each) for each in played]}


def _scenario_summary(played: Played) -> dict[str, Any]:
    return {
        "id": played.scenario.id,
        "seconds": round(played.seconds, 2),
        "differences": played.differences,
        "cases": {
            name: {"events": ended.events, "entries": len(ended.entries), "row": row(ended.case)}
            for name, ended in played.cases.items()
            if ended.case is not None
        },
    }
