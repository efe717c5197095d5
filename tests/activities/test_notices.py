"""Notices: rendered from the case's own pack, delivered or not, and recorded either way."""

import asyncio

import pytest
from msgspec.structs import replace

from activities.database import Pool
from activities.notices import PostgresNotices
from activities.ports import KeyReusedError, Origin
from policies.book import default_book
from policies.schema import Channel, Party
from states.effects import Done, Failed, SendNotice
from tests.activities.samples import START

BOOK = default_book()
POLICY = BOOK.in_force("platform", START).ref
CASE = "buyer-017/order-1"
ORIGIN = Origin(CASE, POLICY, START)
NOTICE = SendNotice(
    key=f"{CASE}:1:1",
    notice="N1",
    template="received",
    party=Party.COMPLAINANT,
    recipient="buyer-017",
    channel=Channel.APP_MESSAGE,
    facts={"case": CASE, "order": "order-1", "due": "2026-03-03 09:00+08:00"},
)


@pytest.fixture
def notices(pool: Pool) -> PostgresNotices:
    return PostgresNotices(pool, lambda ref: BOOK.policy(ref).pack)


async def test_a_notice_is_delivered_once_in_the_recipients_language(notices: PostgresNotices) -> None:
    english = replace(NOTICE, key=f"{CASE}:1:2", facts=NOTICE.facts | {"language": "en"})
    assert len(set(await asyncio.gather(*(notices.send(NOTICE, ORIGIN) for _ in range(5))))) == 1
    assert isinstance(await notices.send(english, ORIGIN), Done)
    first, second = await notices.sent(CASE)
    assert (first.language, second.language) == ("zh-CN", "en")
    assert "投诉" in first.text
    assert "complaint" in second.text
    assert all(CASE in each.text for each in (first, second))
    assert first.delivered_at == START


async def test_codes_reach_the_recipient_as_words(notices: PostgresNotices) -> None:
    refusal = replace(NOTICE, template="refused_final", facts=NOTICE.facts | {"ground": "too_late"})
    assert isinstance(await notices.send(refusal, ORIGIN), Done)
    (sent,) = await notices.sent(CASE)
    assert "超出投诉时限" in sent.text
    assert "消费者协会、" in sent.text


async def test_an_undeliverable_notice_says_so_and_another_channel_reaches(notices: PostgresNotices) -> None:
    await notices.set_reachable("buyer-017", Channel.APP_MESSAGE, reachable=False)
    assert await notices.send(NOTICE, ORIGIN) == Failed("undeliverable")
    fallback = replace(NOTICE, key=f"{CASE}:2:1", channel=Channel.SMS)
    assert isinstance(await notices.send(fallback, ORIGIN), Done)
    assert [(each.channel, each.delivered_at) for each in await notices.sent(CASE)] == [
        ("app_message", None),
        ("sms", START),
    ]
    await notices.set_reachable("buyer-017", Channel.APP_MESSAGE, reachable=True)
    assert await notices.send(NOTICE, ORIGIN) == Failed("undeliverable"), "the same attempt has the same outcome"
    again = replace(NOTICE, key=f"{CASE}:3:1")
    assert isinstance(await notices.send(again, ORIGIN), Done)


async def test_what_cannot_be_rendered_is_not_sent(notices: PostgresNotices) -> None:
    assert await notices.send(replace(NOTICE, template="no_such_notice"), ORIGIN) == Failed("no_template")
    assert await notices.send(replace(NOTICE, facts=NOTICE.facts | {"language": "fr"}), ORIGIN) == Failed("no_template")
    assert await notices.send(replace(NOTICE, facts={"case": CASE}), ORIGIN) == Failed("missing_fact")
    assert await notices.sent(CASE) == ()


async def test_another_notice_under_the_same_key_is_refused(notices: PostgresNotices) -> None:
    await notices.send(NOTICE, ORIGIN)
    with pytest.raises(KeyReusedError):
        await notices.send(replace(NOTICE, recipient="buyer-018"), ORIGIN)


async def test_a_pack_that_nobody_has_is_an_error_to_be_repaired(notices: PostgresNotices) -> None:
    with pytest.raises(KeyError, match="is not in the book"):
        await notices.send(NOTICE, replace(ORIGIN, policy=replace(POLICY, digest="0" * 64)))
