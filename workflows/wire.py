"""The one data converter: every message crosses as JSON and is read strictly.

Strict means: no "5" for 5, no null where none is allowed, no unknown field, no value out of its
bounds. Every message type says so itself (`msgspec.Struct`, `forbid_unknown_fields`, `Meta`);
this module sees that it holds, and that the sender is told which field is wrong.

Who is told, and how, depends on where the input came from:

- from outside (arguments of a start, an update, a signal, a query): `ApplicationError` of type
  "Malformed". The engine then fails the start at once, rejects the update, drops the signal, and
  answers the query with the error.
- from our own code (results and arguments of activities, what a run hands to the next one by
  continue-as-new): `ValueError`. The engine then fails the workflow task, or the activity's
  attempt, and tries again: such input is a fault in a release, and must never fail the case.

Payloads are "json/plain", so the Web UI, the command line and other SDKs can read and send them;
None travels as "binary/null". Equal values give equal bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Self

import msgspec
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import (
    DataConverter,
    JSONProtoPayloadConverter,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from workflows.malformed import explain, malformed, tidy

MAX_MESSAGE_BYTES = 64 * 1024
"""The largest message from outside, in bytes of JSON. Larger content belongs in the vault."""

JSON_ENCODING = b"json/plain"
NULL_ENCODING = b"binary/null"

_ORIGIN = "origin"
_CARRIED = b"continue-as-new"

_encoder = msgspec.json.Encoder(order="deterministic")
# The engine's own queries (handler lists, Current Details) answer in protobuf.
_protobuf = JSONProtoPayloadConverter()


class StrictPayloadConverter(PayloadConverter, WithSerializationContext):
    """Values to JSON payloads and back, read strictly to the type hint."""

    def __init__(self) -> None:
        self._from_outside = True

    def with_context(self, context: SerializationContext) -> Self:
        """A converter for `context`: what activities exchange with us is our own."""
        converter = type(self)()
        converter._from_outside = isinstance(context, WorkflowSerializationContext)
        return converter

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """One payload for each value.

        Raises TypeError for a value that has no JSON form.
        """
        return [_encode(value) for value in values]

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """One value for each payload; without a type hint, plain JSON values.

        Raises ApplicationError "Malformed" for input from outside, ValueError for our own.
        """
        pairs = zip_longest(payloads, type_hints or ())
        return [self._from_payload(payload, hint) for payload, hint in pairs]

    def _from_payload(self, payload: Payload, hint: Any) -> Any:
        try:
            return _decode(payload, hint)
        except _UnreadableError as error:
            if self._from_outside and payload.metadata.get(_ORIGIN) != _CARRIED:
                raise malformed(str(error)) from None
            raise


class _UnreadableError(ValueError):
    """A payload does not decode; the text is a sentence for its sender."""


def _encode(value: Any) -> Payload:
    if isinstance(value, RawValue):
        return value.payload
    if value is None:
        return Payload(metadata={"encoding": NULL_ENCODING})
    if isinstance(value, Message):
        payload = _protobuf.to_payload(value)
        assert payload is not None  # noqa: S101 - it has one for every protobuf message
        return payload
    return Payload(metadata={"encoding": JSON_ENCODING}, data=_encoder.encode(value))


def _decode(payload: Payload, hint: Any) -> Any:
    if hint is RawValue:
        return RawValue(payload)
    if isinstance(hint, type) and issubclass(hint, Message):
        return _decode_protobuf(payload, hint)
    data = _json_of(payload)
    try:
        return _decoder(Any if hint is None else hint).decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _UnreadableError(explain(error, data, Any if hint is None else hint)) from None


def _json_of(payload: Payload) -> bytes:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == JSON_ENCODING:
        return payload.data
    if encoding == NULL_ENCODING and not payload.data:
        return b"null"
    shown = tidy(encoding.decode("ascii", "replace")) or "nothing"
    raise _UnreadableError(f"the message is encoded as {shown}, expected json/plain")


def _decode_protobuf(payload: Payload, hint: type[Message]) -> Any:
    try:
        return _protobuf.from_payload(payload, hint)
    except RuntimeError:
        raise _UnreadableError(f"expected a protobuf message {hint.__name__}") from None


@lru_cache(maxsize=512)
def _decoder(hint: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(hint)


@dataclass(frozen=True)
class _StrictDataConverter(DataConverter):
    """The data converter, closed against references to storage that we do not have.

    A payload that claims to be such a reference makes the SDK fail the workflow task, for ever,
    before any payload converter is asked; anyone who may send a signal could stop a case. Left
    as it is, it reaches our converter and is Malformed like any other strange encoding.
    """

    payload_converter_class: type[PayloadConverter] = StrictPayloadConverter

    async def _decode_reference_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def _external_retrieve_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


data_converter: DataConverter = _StrictDataConverter()
"""Give it to every client, and so to every worker, and to every replayer."""


def size_of(value: Any) -> int:
    """Bytes of JSON that `value` takes on the wire."""
    return len(_encode(value).data)


def carried(value: Any) -> RawValue:
    """`value` as a run hands it to the next one: our own, whatever its size.

    Should it not decode there, the workflow task fails and is tried again by the next release,
    where an argument from outside would fail the case.
    """
    payload = _encode(value)
    payload.metadata[_ORIGIN] = _CARRIED
    return RawValue(payload)
