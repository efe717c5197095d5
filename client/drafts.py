"""Acts as they are written down, before their texts and files are in the vault.

A draft is the act's fields as plain values, with `Content` where the act has a reference into the vault. It is checked
as a whole, strictly and by the same rules as the engine's, before anything is put anywhere.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from activities.ports import Vault
from activities.vault import MAX_CONTENT_BYTES, MAX_TEXT_BYTES, TEXT
from client.errors import UsageError
from states.events import Act
from states.transcript import Message, read_transcript
from states.values import TextRef
from workflows.malformed import explain

MAX_TITLE = 60
"""Characters of a complaint's title (INT-1)."""
MAX_TEXT = 5000
"""Characters of a description (INT-1) and of any other text."""

A = TypeVar("A", bound=Act)


class Content(NamedTuple):
    """What belongs into the vault."""

    data: bytes
    kind: str


def text(written: str, field: str, *, most: int = MAX_TEXT, lines: bool = True) -> Content:
    """A text as somebody wrote it. Raises UsageError if it is empty, too long or holds control characters."""
    tidy = written.replace("\r\n", "\n").strip()
    if not tidy:
        raise UsageError("write a text, it is empty", field)
    if len(tidy) > most:
        raise UsageError(f"shorten it to {most} characters, it has {len(tidy)}", field)
    allowed = "\n\t" if lines else ""
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in allowed for each in tidy):
        what = "control characters" if lines else "control characters and line breaks"
        raise UsageError(f"remove the {what}", field)
    data = tidy.encode()
    if len(data) > MAX_TEXT_BYTES:
        raise UsageError(f"shorten it to {MAX_TEXT_BYTES} bytes", field)
    return Content(data, TEXT)


def file(path: Path, kind: str, field: str) -> Content:
    """A file as evidence. Raises UsageError if it cannot be read, is empty or too large."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_CONTENT_BYTES else b""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", field) from None
    if size > MAX_CONTENT_BYTES:
        raise UsageError(f"{path} has {size} bytes, at most {MAX_CONTENT_BYTES} are allowed", field)
    if not data:
        raise UsageError(f"{path} is empty", field)
    return Content(data, kind)


def transcript(messages: Sequence[Message], kind: str, field: str) -> Content:
    """The messages of a chat as evidence, as the engine reads them. Raises UsageError for what it could not read."""
    data = msgspec.json.encode(messages)
    try:
        read_transcript(data)
    except ValueError as error:
        place, _, sentence = str(error).rpartition(": ")
        raise UsageError(sentence, field + place.removeprefix("$")) from None
    return Content(data, kind)


def check(act_type: type[A], draft: Mapping[str, Any]) -> A:
    """The act that a draft will become, with stand-ins for what is not in the vault yet.

    Raises UsageError naming the field that is wrong.
    """
    return _act(act_type, _replaced(draft, _stand_in))


async def build(act_type: type[A], draft: Mapping[str, Any], owner: str, vault: Callable[[], Vault]) -> A:
    """Put a draft's contents into the vault, as `owner`'s, and make the act. The same draft gives the same act.

    `vault` is asked for only if there is something to keep. Raises UsageError naming the field that is wrong, before
    anything is kept.
    """
    check(act_type, draft)
    kept: dict[Content, TextRef] = {}
    for content in _contents(draft):
        kept[content] = await vault().put(owner, content.data, content.kind)
    return _act(act_type, _replaced(draft, kept.__getitem__))


def require_sound(act: Act) -> None:
    """Check an act that a program made, as the engine will. Raises UsageError naming the field that is wrong."""
    _act(type(act), act)


def holds_content(draft: Mapping[str, Any]) -> bool:
    """Whether anything of the draft belongs into the vault."""
    return bool(_contents(draft))


# --- request ids ----------------------------------------------------------------------------------


def new_request_id(now: datetime) -> str:
    """A request id that says when the act was made, so that the id alone is enough to send the same act again."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(6)}"


def made_at(request_id: str) -> datetime | None:
    """When the act of a request id was made, if the id says so."""
    try:
        return datetime.strptime(request_id.partition("-")[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


# --- plain values ---------------------------------------------------------------------------------


def _act(act_type: type[A], fields: Any) -> A:
    data = msgspec.json.encode(fields)
    try:
        return msgspec.json.decode(data, type=act_type)
    except msgspec.ValidationError as error:
        raise UsageError(*_split(explain(error, data, act_type))) from None


def _split(sentence: str) -> tuple[str, str]:
    """A sentence that begins with a field's name, as sentence and field."""
    field, colon, rest = sentence.partition(": ")
    return (rest, field) if colon and " " not in field else (sentence, "")


def _stand_in(content: Content) -> TextRef:
    return TextRef(ref="not-kept-yet", sha256=hashlib.sha256(content.data).hexdigest(), size=len(content.data))


def _replaced(value: Any, reference: Callable[[Content], TextRef]) -> Any:
    match value:
        case Content():
            return reference(value)
        case Mapping():
            return {name: _replaced(each, reference) for name, each in value.items()}
        case list() | tuple():
            return [_replaced(each, reference) for each in value]
    return value


def _contents(value: Any) -> list[Content]:
    match value:
        case Content():
            return [value]
        case Mapping():
            return [content for each in value.values() for content in _contents(each)]
        case list() | tuple():
            return [content for each in value for content in _contents(each)]
    return []
