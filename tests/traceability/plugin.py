"""Holds every test to its claim: the rules in its `rule` marker have to be named by a decision made in it."""

from collections.abc import Generator

import pytest

from tests.traceability.citations import claims, listening


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    claimed = claims(item)
    if not claimed:
        return (yield)
    with listening() as heard:
        result = yield
    unheard = sorted(claimed - heard)
    if unheard:
        named = ", ".join(sorted(heard)) or "none"
        pytest.fail(f"no decision made in this test names {', '.join(unheard)} (named: {named})", pytrace=False)
    return result
