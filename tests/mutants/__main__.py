"""Plant changes in a policy pack, one at a time, and have the tests in tests/figures catch each.

    python -m tests.mutants [PACK ...] [--only PLACE] [--jobs N]

The platform's pack that is in force now is changed everywhere; of any other pack, what differs from it, and what that
one has besides is added to it. Without a PACK, every pack is. A change is refused when it is loaded, caught by a test,
or survives; survivors make the command fail. What is not planted is said in tests/mutants/planting.py.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from policies import book, plain_yaml, sense
from policies.base import Frozen
from policies.book import PolicyBook
from policies.schema import Pack, Policy
from tests.mutants.planting import Change, Kind, additions, at, changes

WHOLE = "platform@2024-07-22"
"""The pack that is changed everywhere."""
FIGURES = Path(__file__).parents[1] / "figures"
OTHERS = "test_other_packs"
MODULES = {
    "clocks": "test_clocks",
    "categories": "test_categories",
    "remedies": "test_remedies",
    "penalties": "test_penalties",
    "repeats": "test_penalties",
    "admission": "test_admission",
    "reception": "test_admission",
    "verification": "test_hearings",
    "mediation": "test_hearings",
    "follow_up": "test_hearings",
    "withdrawal": "test_hearings",
    "review": "test_hearings",
    "appeal": "test_hearings",
    "rights": "test_rights",
    "notices": "test_notices",
    "outside_routes": "test_notices",
    "evidence_kinds": "test_notices",
    "conduct": "test_conduct",
    "escalation": "test_escalation",
    "repeat_contacts": "test_escalation",
    "refund_only": "test_escalation",
    "outside_bodies": "test_escalation",
    "priority": "test_priority",
    "teams": "test_hand_offs",
    "routes": "test_hand_offs",
    "routing": "test_hand_offs",
    "incidents": "test_incidents",
    "triage": "test_triage",
    "review_grounds": "test_review_grounds",
    "delivery": "test_delivery",
    "effective_from": "test_dates",
    "effective_until": "test_dates",
    "calendar": "test_dates",
}
"""The module that shows a section of a pack, asked first."""
REFUSED = "refused when loaded"
CAUGHT = "caught"
SURVIVED = "survived"
FATES = (REFUSED, CAUGHT, SURVIVED)


class Verdict(Frozen):
    """What became of one change."""

    pack: str
    place: str
    kind: Kind
    was: str
    fate: str
    by: str = ""
    """The test that caught it, or what refused it."""


class Planter:
    """Runs in pytest once it has collected the tests, in place of its own loop."""

    def __init__(self, packs: Sequence[str], only: str, jobs: int) -> None:
        self._packs = packs
        self._only = only
        self._jobs = jobs
        self._book = book.load_book(unreleased=True)
        self.verdicts: list[Verdict] = []
        self.failed: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests in tests/figures cannot be collected")
        self.failed = _first_failure(session, session.items, self._book)
        if self.failed is None:
            planted = list(self._planted())
            self.verdicts = _spread(len(planted), self._jobs, lambda number: self._verdict(session, *planted[number]))
        return True

    def _planted(self) -> Iterator[tuple[Policy, Change]]:
        calendars = tuple(dict.fromkeys(policy.pack.calendar for policy in self._book))
        base = self._book.find(*WHOLE.split("@")).pack
        for id_ in self._packs:
            policy = self._book.find(*id_.split("@"))
            found = [
                change
                for change in changes(policy.pack, calendars)
                if id_ == WHOLE or at(policy.pack, change.path) != at(base, change.path)
            ]
            for change in (*found, *additions(policy.pack, base)):
                if change.place.startswith(self._only):
                    yield policy, change

    def _verdict(self, session: pytest.Session, policy: Policy, change: Change) -> Verdict:
        said = Verdict(pack=str(policy.ref), place=change.place, kind=change.kind, was=change.was, fate=REFUSED)
        for pack in change.packs:
            try:
                mutant = _book_with(self._book, policy, pack)
            except ValueError as error:
                said = replace(said, by=str(error))
                continue
            test = _first_failure(session, _nearest_first(session.items, str(policy.ref), change), mutant)
            return replace(said, fate=SURVIVED, by="") if test is None else replace(said, fate=CAUGHT, by=test)
        return said


def _book_with(whole: PolicyBook, policy: Policy, pack: Pack) -> PolicyBook:
    """The book with a pack changed, loaded as a book is. Raises ValueError where it cannot be."""
    pack = plain_yaml.convert(plain_yaml.document(pack), Pack)
    sense.check(pack, str(policy.ref))
    calendars = {each.pack.calendar: each.calendar for each in whole}
    changed = Policy(ref=replace(policy.ref, digest="0" * 64), pack=pack, calendar=calendars[pack.calendar])
    policies = [changed if each.ref == policy.ref else each for each in whole]
    policies.sort(key=lambda each: (each.pack.name, each.pack.effective_from))
    book._require_succession(policies)
    return PolicyBook({each.ref: each for each in policies})


def _nearest_first(items: Iterable[pytest.Item], pack: str, change: Change) -> list[pytest.Item]:
    """The tests in the order in which they are likely to catch a change."""
    module = MODULES.get(change.path[0], "") if pack == WHOLE else OTHERS
    words = [step for step in change.path[1:] if not step.isdigit()]

    def distance(item: pytest.Item) -> tuple[bool, int]:
        return item.path.stem != module, -sum(word in item.name for word in words)

    return sorted(items, key=distance)


def _first_failure(session: pytest.Session, items: Sequence[pytest.Item], policies: PolicyBook) -> str | None:
    """The first test to fail by a book of policies; None if none does."""
    failures = session.testsfailed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book, "load_book", lambda directory: policies)
        book.default_book.cache_clear()
        for item in items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed > failures:
                return item.nodeid.removeprefix("tests/figures/")
    return None


_judges: list[Callable[[int], Verdict]] = []
"""What judges a change by its number. The forks have it from the process that they come from."""


def _judged(number: int) -> Verdict:
    return _judges[-1](number)


def _spread(count: int, jobs: int, judge: Callable[[int], Verdict]) -> list[Verdict]:
    """The verdicts on so many changes, judged in forks of this process, so that nothing is imported or collected
    again.
    """
    _judges.append(judge)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as pool:
        return list(pool.map(_judged, range(count)))


def _told(verdicts: Sequence[Verdict], packs: Sequence[str]) -> Iterator[str]:
    """What is printed: for each pack, how many of each kind came to what; and every survivor."""
    width = max(map(len, Kind))
    for pack in packs:
        of_pack = [verdict for verdict in verdicts if verdict.pack == pack]
        yield f"{pack}: {len(of_pack)} changes"
        for kind in Kind:
            fates = Counter(verdict.fate for verdict in of_pack if verdict.kind is kind)
            if fates:
                yield f"  {kind:{width}}  " + ", ".join(f"{fates[fate]} {fate}" for fate in FATES)
    fates = Counter(verdict.fate for verdict in verdicts)
    yield f"{len(verdicts)} changes: " + ", ".join(f"{fates[fate]} {fate}" for fate in FATES)
    for verdict in verdicts:
        if verdict.fate == SURVIVED:
            yield f"survivor: {verdict.pack} {verdict.place} ({verdict.kind}; is {verdict.was})"


def _arguments() -> argparse.Namespace:
    ids = [str(policy.ref) for policy in book.load_book(unreleased=True)]
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packs", nargs="*", metavar="PACK", help=f"such as {WHOLE}; every pack if none is named")
    parser.add_argument("--only", default="", metavar="PLACE", help="places that begin so, such as clocks.acceptance")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="how many processes")
    parser.add_argument("--verbose", action="store_true", help="say of every change what became of it")
    arguments = parser.parse_args()
    unknown = [each for each in arguments.packs if each not in ids]
    if unknown:
        parser.error(f"there is no pack {', '.join(unknown)}, only {', '.join(ids)}")
    arguments.packs = arguments.packs or ids
    return arguments


def main() -> int:
    arguments = _arguments()
    began = time.monotonic()
    planter = Planter(arguments.packs, arguments.only, arguments.jobs)
    quietly = ("-o", "addopts=--import-mode=importlib", "-s", "-p", "no:terminal", "-p", "no:cacheprovider")
    code = pytest.main([*quietly, str(FIGURES)], plugins=[planter])
    if code or planter.failed:
        print(f"nothing was planted: without any change {planter.failed or 'the collection'} fails already")
        return 2
    if arguments.verbose:
        for verdict in planter.verdicts:
            print(f"{verdict.pack} {verdict.place} ({verdict.kind}; is {verdict.was}): {verdict.fate}, {verdict.by}")
    print(*_told(planter.verdicts, arguments.packs), sep="\n")
    print(f"in {time.monotonic() - began:.0f} seconds")
    return int(any(verdict.fate == SURVIVED for verdict in planter.verdicts))


if __name__ == "__main__":
    sys.exit(main())
