"""Acts in flight while a case ends, or goes on in another run, and processes die."""

import asyncio
from datetime import timedelta

from client.errors import ClosedError
from policies.schema import Channel, Ground, Party, Stage
from states import events
from states.values import Answer
from tests.faults.plays import Played
from tests.faults.site import Site
from tests.faults.sound import hits, require_all_acts, require_whole
from tests.states.story import AGENT, BUYER, item

CALLERS = 8
"""The engine takes ten updates of a case at once; the client backs off beyond that."""


async def contact_until_closed(case: Played) -> list[str]:
    """Record contacts one after another until told that the run has ended; the acts that were told so."""
    while True:
        act = case.message(events.RecordContact, AGENT, party=Party.COMPLAINANT, channel=Channel.HOTLINE)
        try:
            await case.send(act)
        except ClosedError:
            return [act.request_id]
        await asyncio.sleep(0.1)


async def complain_until_archived(case: Played) -> Answer:
    """File the same complaint again and again; when the file is archived, a new run answers from the journal."""
    number = 0
    while True:
        number += 1
        answer = await case.filed(request_id=f"{case.order}.again-{number}", evidence=(item("photo"),))
        if answer.stage is Stage.ARCHIVED:
            return answer
        await asyncio.sleep(0.1)


async def refused(site: Site) -> Played:
    """A case that is closed for good, with its window for coming back open: the same complaint is not heard again."""
    case = Played(site)
    await case.file()
    await case.until(Stage.ACCEPTANCE)
    await case.act(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    await case.until(Stage.CLOSED)
    await case.quiet()
    return case


async def test_acts_meet_cases_that_are_being_archived(site: Site) -> None:
    """Every caller comes to an end: either the act is on record with its answer, or it is told that the case is
    closed and nothing is on record.
    """
    cases = [await refused(site) for _ in range(3)]
    acting = [asyncio.create_task(contact_until_closed(case)) for case in cases for _ in range(CALLERS)]
    archiving = [asyncio.create_task(case.site.pass_time(case.case_id, timedelta(days=20))) for case in cases]
    for _ in range(4):
        await site.worker.serving()
        await asyncio.sleep(0.4)
        await site.restart_worker()
    closed = {request_id for told in await asyncio.gather(*acting) for request_id in told}
    await asyncio.gather(*archiving)
    assert len(closed) == len(acting)
    for case in cases:
        found, entries = await require_whole(site, case.case_id)
        assert found.stage is Stage.ARCHIVED
        require_all_acts(found, case.sent)
        on_record = {entry.request_id for entry in entries if entry.request_id}
        assert on_record == set(case.sent)
        assert not on_record & closed


async def test_complaints_meet_a_case_that_is_being_archived(site: Site) -> None:
    """A second run opens around the end of the first; both write one journal."""
    case = await refused(site)
    complaining = [asyncio.create_task(complain_until_archived(case))]
    archiving = asyncio.create_task(site.pass_time(case.case_id, timedelta(days=20)))
    for _ in range(2):
        await site.worker.serving()
        await asyncio.sleep(0.5)
        await site.restart_worker()
    answers = await asyncio.gather(*complaining)
    await archiving
    for answer in answers:
        assert answer.refusal is not None
        assert answer.refusal.code == "already_handled"
    await case.quiet()
    found, _ = await require_whole(site, case.case_id)
    require_all_acts(found, case.sent)


async def test_acts_meet_cases_that_continue_as_new_without_a_database(site: Site) -> None:
    """Many acts wait while the database is away, more come in while runs hand over, and the worker dies in between."""
    cases = [Played(site) for _ in range(3)]
    await asyncio.gather(*(case.file() for case in cases))

    async def keep_acting(case: Played) -> None:
        for number in range(8):
            answer = await case.act(events.SubmitEvidence, BUYER, items=(item("photo", f"{number}"),))
            assert answer.accepted

    acting = [asyncio.create_task(keep_acting(case)) for case in cases for _ in range(CALLERS)]
    for kill in (site.restart_worker, site.temporal.restart, site.restart_worker):
        await site.worker.serving()
        await site.postgres.kill()
        await asyncio.sleep(1.0)
        await kill()
        await site.postgres.start()
        await asyncio.sleep(0.5)
    await asyncio.gather(*acting)
    for case in cases:
        await case.quiet()
        found, entries = await require_whole(site, case.case_id)
        require_all_acts(found, case.sent)
        assert sum(entry.event == "submit_evidence" for entry in entries) == CALLERS * 8
    assert (await hits(site, cases)).continued >= len(cases)
