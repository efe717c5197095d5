"""Recording a thing exactly once, by its key."""

import hashlib
from collections.abc import Mapping

import asyncpg

from activities.database import Connection
from activities.ports import KeyReusedError


async def record_once(
    connection: Connection, table: str, values: Mapping[str, object], *, first: Mapping[str, object]
) -> asyncpg.Record:
    """The row under the key in `values`, added now unless it is there.

    `first` is what may differ when the same thing is asked for again, such as the time: the first time's stays. Raises
    KeyReusedError if the row that is there differs in `values`.
    """
    given = {**values, **first}
    places = ", ".join(f"${position}" for position in range(1, len(given) + 1))
    await connection.execute(
        f"insert into {table} ({', '.join(given)}) values ({places}) on conflict (key) do nothing",  # noqa: S608
        *given.values(),
    )
    stored = await connection.fetchrow(f"select * from {table} where key = $1", values["key"])  # noqa: S608
    assert stored is not None  # noqa: S101 - it is there now, and nothing can remove it
    if any(stored[name] != value for name, value in values.items()):
        raise KeyReusedError(str(values["key"]))
    return stored


def reference(table: str, key: str) -> str:
    """What others may quote: the same for the same key, wherever and however often it is recorded."""
    return f"{table}:{hashlib.sha256(key.encode()).hexdigest()[:16]}"
