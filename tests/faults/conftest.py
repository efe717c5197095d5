"""One installation for all tests that break things; each test finds it whole."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.site import Site

pytest.register_assert_rewrite("tests.faults.sound", "tests.faults.plays")


MANY_EVENTS = 60
"""The server suggests so early to continue as new that half of the cases do so, in the middle of what goes wrong."""


@pytest.fixture(scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The servers, without a worker."""
    site = Site(tmp_path_factory.mktemp("site"), {"limit.historyCount.suggestContinueAsNew": str(MANY_EVENTS)})
    await site.open()
    yield site
    await site.close()


@pytest.fixture
async def site(installation: Site) -> AsyncIterator[Site]:
    """A whole installation with a fresh worker; whatever a test left broken is mended."""
    for server in (installation.postgres, installation.temporal):
        if not server.running:
            await server.start()
    await installation.worker.start()
    yield installation
    await installation.worker.kill()


@pytest.fixture
async def undivided(tmp_path: Path) -> AsyncIterator[Site]:
    """An installation where no case continues as new here: where a run hands over to the next in the middle of a jump,
    virtual time goes to the jump's end before the new run has set its timer.
    """
    site = Site(tmp_path)
    await site.open()
    await site.worker.start()
    yield site
    await site.close()
