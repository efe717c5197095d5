"""The vault in PostgreSQL. Content is kept as it is for now; sealing it per owner comes behind the same port."""

import hashlib

from activities.database import Pool, connected
from activities.ports import NotInVaultError
from states.values import TextRef

MAX_CONTENT_BYTES = 16 * 1024 * 1024
"""The largest item of evidence."""
MAX_TEXT_BYTES = 64 * 1024
"""The longest text, as UTF-8."""
TEXT = "text"
"""The kind of a text."""

# Nothing is read without being logged: it is one statement.
_GET = """
with found as (select ref, content from vault where ref = $1),
  logged as (insert into vault_reads (ref, reader, purpose) select ref, $2, $3 from found)
select content from found
"""


class PostgresVault:
    """The port `Vault`; the docstrings there hold."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, owner: str, content: bytes, kind: str) -> TextRef:
        """Keep content."""
        if not content:
            raise ValueError("the content is empty")
        if len(content) > MAX_CONTENT_BYTES:
            raise ValueError(f"the content has {len(content)} bytes, at most {MAX_CONTENT_BYTES} are allowed")
        sha256 = hashlib.sha256(content).hexdigest()
        ref = TextRef(_reference(owner, sha256), sha256, len(content))
        async with connected(self._pool) as connection:
            await connection.execute(
                "insert into vault (ref, sha256, size, kind, owner, content) values ($1, $2, $3, $4, $5, $6) "
                "on conflict (ref) do nothing",
                ref.ref, ref.sha256, ref.size, kind, owner, content,
            )  # fmt: skip
        return ref

    async def put_text(self, owner: str, text: str) -> TextRef:
        """Keep a text."""
        try:
            content = text.encode()
        except UnicodeEncodeError:
            # The codec's own message would quote the text.
            raise ValueError("the text holds characters that UTF-8 cannot write") from None
        if len(content) > MAX_TEXT_BYTES:
            raise ValueError(f"the text has {len(content)} bytes as UTF-8, at most {MAX_TEXT_BYTES} are allowed")
        return await self.put(owner, content, TEXT)

    async def get(self, ref: TextRef, *, reader: str, purpose: str) -> bytes:
        """Read content, and log it."""
        async with connected(self._pool) as connection:
            content: bytes | None = await connection.fetchval(_GET, ref.ref, reader, purpose)
        if content is None:
            raise NotInVaultError(f"the vault holds nothing under {ref.ref}")
        if hashlib.sha256(content).hexdigest() != ref.sha256:
            raise NotInVaultError(f"what the vault holds under {ref.ref} does not match its hash")
        return content

    async def get_text(self, ref: TextRef, *, reader: str, purpose: str) -> str:
        """Read a text, and log it."""
        return (await self.get(ref, reader=reader, purpose=purpose)).decode()


def _reference(owner: str, sha256: str) -> str:
    """The same for the same owner and content, so that a repeated put finds it; and telling nothing about either."""
    return "v-" + hashlib.sha256(f"{owner}\n{sha256}".encode()).hexdigest()[:40]
