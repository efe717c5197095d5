"""The vault: references that tell nothing, and no reading without a trace."""

import asyncio

import pytest

from activities.database import Connection, DatabaseError, Pool
from activities.ports import NotInVaultError
from activities.vault import MAX_CONTENT_BYTES, MAX_TEXT_BYTES, PostgresVault
from states.values import TextRef
from workflows.wire import data_converter


@pytest.fixture
def vault(pool: Pool) -> PostgresVault:
    return PostgresVault(pool)


async def reads(owner: Connection) -> list[tuple[str, str, str]]:
    return [tuple(each) for each in await owner.fetch("select ref, reader, purpose from vault_reads order by at")]


async def test_content_comes_back_and_the_reading_is_logged(vault: PostgresVault, owner: Connection) -> None:
    text = "衣服掉色，洗一次就褪色了。\x00"
    ref = await vault.put_text("buyer-017", text)
    photo = await vault.put("buyer-017", b"\x00\xff", "photo")
    assert await reads(owner) == []
    assert await vault.get_text(ref, reader="agent-03", purpose="verification") == text
    assert await vault.get(photo, reader="agent-03", purpose="ruling") == b"\x00\xff"
    assert await reads(owner) == [(ref.ref, "agent-03", "verification"), (photo.ref, "agent-03", "ruling")]


async def test_the_same_content_of_the_same_owner_is_kept_once(vault: PostgresVault, owner: Connection) -> None:
    refs = await asyncio.gather(*(vault.put_text("buyer-017", "同一段文字") for _ in range(5)))
    assert len(set(refs)) == 1
    assert await owner.fetchval("select count(*) from vault") == 1
    other_owner = await vault.put_text("buyer-018", "同一段文字")
    assert other_owner.ref != refs[0].ref
    assert other_owner.sha256 == refs[0].sha256


async def test_a_reference_passes_as_a_message_and_tells_nothing(vault: PostgresVault) -> None:
    ref = await vault.put_text("buyer-017", "电话 13800000000")
    payloads = data_converter.payload_converter.to_payloads([ref])
    assert data_converter.payload_converter.from_payloads(payloads, [TextRef]) == [ref]
    assert "buyer" not in ref.ref
    assert ref.sha256 not in ref.ref


async def test_what_is_not_there_is_an_error(vault: PostgresVault, owner: Connection) -> None:
    with pytest.raises(NotInVaultError, match="holds nothing under v-0"):
        await vault.get(TextRef("v-0", "0" * 64, 1), reader="agent-03", purpose="x")
    assert await reads(owner) == []


async def test_content_that_does_not_match_its_hash_is_not_handed_out(vault: PostgresVault, owner: Connection) -> None:
    ref = await vault.put_text("buyer-017", "原文")
    await owner.execute("update vault set content = $1", "改过的".encode())
    with pytest.raises(NotInVaultError, match="does not match its hash"):
        await vault.get(ref, reader="agent-03", purpose="x")
    assert len(await reads(owner)) == 1


async def test_what_cannot_be_kept_is_refused_without_quoting_it(vault: PostgresVault) -> None:
    with pytest.raises(ValueError, match="empty"):
        await vault.put_text("buyer-017", "")
    with pytest.raises(ValueError, match=f"at most {MAX_TEXT_BYTES}"):
        await vault.put_text("buyer-017", "字" * (MAX_TEXT_BYTES // 3 + 1))
    with pytest.raises(ValueError, match=f"at most {MAX_CONTENT_BYTES}"):
        await vault.put("buyer-017", bytes(MAX_CONTENT_BYTES + 1), "video")
    with pytest.raises(ValueError, match="UTF-8 cannot write") as caught:
        await vault.put_text("buyer-017", "secret \ud800")
    assert "secret" not in str(caught.value)
    with pytest.raises(DatabaseError, match="NotNullViolationError") as refused:
        await vault.put("buyer-017", b"secret", None)  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)
    assert "buyer" not in str(refused.value)
    assert refused.value.__cause__ is None
