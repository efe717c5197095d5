"""One installation for all tests that break things; each test finds it whole."""

from collections.abc import AsyncIterator

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
