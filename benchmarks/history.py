"""How many events of history a case costs, and where they come from: `python -m benchmarks.history [scenario]`.

Counts the golden histories (`make golden`), without the events that moving virtual time adds. A run is cut at its
workflow tasks: each turn of a case is a task with what led to it and what it asked for.
"""

import sys
from collections import Counter

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from stack.virtual_time import is_jump
from tests.replay import golden


def name(event: HistoryEvent) -> str:
    return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()


def counted(scenario: str) -> Counter[str]:
    """The events of all runs of a scenario, by type."""
    runs = golden.read(scenario).runs
    return Counter(name(event) for run in runs for event in run.load().events if not is_jump(event))


def turns(scenario: str) -> list[list[str]]:
    """The events of the first run, cut before every task that was scheduled."""
    cut: list[list[str]] = [[]]
    for event in golden.read(scenario).runs[0].load().events:
        if is_jump(event):
            continue
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            cut.append([])
        cut[-1].append(name(event))
    return cut


def main() -> None:
    """Print a line for every scenario, or one scenario turn by turn."""
    if sys.argv[1:]:
        for number, turn in enumerate(turns(sys.argv[1])):
            print(f"{number:3} {len(turn):3}  {', '.join(turn)}")
        print(f"{sum(counted(sys.argv[1]).values())} events:")
        for kind, count in counted(sys.argv[1]).most_common():
            print(f"{count:5}  {kind}")
        return
    for scenario in golden.names():
        events = counted(scenario)
        tasks, entries = (
            events["workflow_task_completed"],
            sum(len(c.journal) for c in golden.read(scenario).cases.values()),
        )
        print(f"{scenario:28} {sum(events.values()):4} events {tasks:3} tasks {entries:3} journal entries")


if __name__ == "__main__":
    main()
