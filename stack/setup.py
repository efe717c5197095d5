"""Prepare a Temporal server and a database for the application: `python -m stack.setup`.

Reads the standard TEMPORAL_* variables (or profile file), and DATABASE_URL with the rights of the database's owner.
It may be repeated: what is there is left alone, what is missing is added.
"""

import asyncio
import os
import sys

from activities.migrations import migrate
from stack.namespace import prepare_namespace
from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.connection import connect


async def main() -> None:
    """Namespace, retention and search attributes first, then the database's schema."""
    await prepare_namespace(await connect("tousu-setup"), search_attributes=SEARCH_ATTRIBUTES)
    await migrate(os.environ["DATABASE_URL"])


if __name__ == "__main__":
    if "DATABASE_URL" not in os.environ:
        sys.exit("DATABASE_URL is not set: give the address of the application's database, as its owner")
    asyncio.run(main())
