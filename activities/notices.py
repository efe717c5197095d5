"""A stand-in for the gateways that deliver notices, in PostgreSQL: what was sent to whom, and who cannot be reached
how.
"""

from collections.abc import Callable

import msgspec

from activities.database import Connection, Pool, connected
from activities.once import record_once, reference
from activities.ports import Origin
from policies.schema import Channel, Pack, PackRef
from policies.wording import render
from states.effects import Done, Failed, SendNotice
from states.values import Instant, Value

LANGUAGE = "zh-CN"
"""The language of a recipient of whom no other is known."""


class SentNotice(Value, kw_only=True):
    """One attempt to tell a party something."""

    key: str
    case_id: str
    notice: str
    template: str
    party: str
    recipient: str
    channel: str
    language: str
    text: str
    at: Instant
    delivered_at: Instant | None = None


class PostgresNotices:
    """The port `Notices`, whose docstrings hold. `packs` finds a case's own pack and raises LookupError for an
    unknown one.
    """

    def __init__(self, pool: Pool, packs: Callable[[PackRef], Pack]) -> None:
        self._pool = pool
        self._packs = packs

    async def send(self, effect: SendNotice, origin: Origin) -> Done | Failed:
        """Render the notice and record whether it reached its recipient (FBK-1)."""
        pack = self._packs(origin.policy)
        rule = pack.notices.get(effect.template)
        language = effect.facts.get("language", LANGUAGE)
        if rule is None or language not in rule.text:
            return Failed("no_template")
        try:
            text = render(pack, effect.template, language, effect.facts)
        except ValueError:
            return Failed("missing_fact")
        async with connected(self._pool) as connection:
            reachable = await _reachable(connection, effect.recipient, effect.channel)
            stored = await record_once(
                connection,
                "notices",
                {
                    "key": effect.key,
                    "case_id": origin.case_id,
                    "notice": effect.notice,
                    "template": effect.template,
                    "party": effect.party,
                    "recipient": effect.recipient,
                    "channel": effect.channel,
                    "language": language,
                    "text": text,
                },
                first={"at": origin.at, "delivered_at": origin.at if reachable else None},
            )
        if stored["delivered_at"] is None:
            return Failed("undeliverable")
        return Done(stored["delivered_at"], reference("notices", effect.key))

    async def set_reachable(self, recipient: str, channel: Channel, *, reachable: bool) -> None:
        """Say whether a recipient can be reached through a channel from now on; everybody can at first."""
        statement = (
            "delete from unreachable where recipient = $1 and channel = $2"
            if reachable
            else "insert into unreachable (recipient, channel) values ($1, $2) on conflict do nothing"
        )
        async with connected(self._pool) as connection:
            await connection.execute(statement, recipient, channel)

    async def sent(self, case_id: str) -> tuple[SentNotice, ...]:
        """What was sent about a case, failed attempts included, in the order of their times."""
        names = ", ".join(SentNotice.__struct_fields__)
        async with connected(self._pool) as connection:
            found = await connection.fetch(
                f"select {names} from notices where case_id = $1 order by at, key",  # noqa: S608 - our own columns
                case_id,
            )
        return tuple(msgspec.convert(dict(each), SentNotice) for each in found)


async def _reachable(connection: Connection, recipient: str, channel: Channel) -> bool:
    found = await connection.fetchval(
        "select true from unreachable where recipient = $1 and channel = $2", recipient, channel
    )
    return found is None
