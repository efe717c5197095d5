"""`worker.py` with the policy packs of another directory, PACKS: a policy is data, and a test has its own."""

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import worker
import workflows.complaint
from policies.book import PolicyBook, load_book

BOOK = load_book(Path(os.environ["PACKS"]))


def book() -> PolicyBook:
    """The test's own."""
    return BOOK


if __name__ == "__main__":
    setattr(workflows.complaint, "default_book", book)  # noqa: B010 - the names are theirs to import, ours to replace
    setattr(worker, "default_book", book)  # noqa: B010
    sys.exit(asyncio.run(worker.main()))
