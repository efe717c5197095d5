"""Sending an act until it is answered, and the engine's errors in our words.

The engine takes the same request id as the same act, however often it arrives, so whatever may be a lost answer is sent
again: overload, an outage, a worker that is away, a workflow task that fails, a run that hands over to the next one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.cases import pass_on_cancellation
from activities.database import DatabaseError
from client.errors import ClientError, DatabaseGoneError, EngineAwayError, NotConfirmedError, UsageError
from states.events import Act
from states.values import Answer
from workflows.malformed import MALFORMED

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
ATTEMPT = 15.0
"""Seconds until a call without an answer is made anew; nothing is lost by that."""

_LOCKED_OUT = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)


class TryAgain(Exception):
    """The act found no run that could take it, but the next one may."""


async def until_answered(act: Act, send: Callable[[], Awaitable[Answer]], patience: float) -> Answer:
    """Send an act until it is answered, for at most `patience` seconds.

    `send` makes one attempt and may raise TryAgain. Raises NotConfirmedError when time is up, and whatever trying again
    cannot change.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + patience
    pause = FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout_at(min(end, clock() + ATTEMPT)):
                return _own(act, await send())
        except WorkflowUpdateFailedError as error:
            raise failed(error.cause) from None
        except ApplicationError as error:  # our own interceptor, before sending
            raise failed(error) from None
        except RPCError as error:
            if (final := _final(error)) is not None:
                raise final from None
        except (TimeoutError, TryAgain, DatabaseError):
            pass
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            pass_on_cancellation()
        except RuntimeError as error:
            raise _unreachable(error) from None
        if clock() + pause >= end:
            raise NotConfirmedError(act)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - only spreads callers apart
        pause = min(2 * pause, LONGEST_PAUSE)


def _own(act: Act, answer: Answer) -> Answer:
    """The answer, if it is to this act: within a run the engine tells acts by their request id alone."""
    if answer.fingerprint != act.fingerprint():
        raise UsageError("it was used for another act; choose a new one", "request_id")
    return answer


@contextmanager
def engine_in_words() -> Iterator[None]:
    """What goes wrong with a single call to the engine is raised as ClientError."""
    try:
        yield
    except RPCError as error:
        raise _final(error) or EngineAwayError(f"the engine did not answer: {error.status.name}") from None
    except WorkflowQueryFailedError:
        raise EngineAwayError("the run could not answer: its workflow tasks may be failing") from None
    except RuntimeError as error:
        raise _unreachable(error) from None


@contextmanager
def database_in_words() -> Iterator[None]:
    """What goes wrong with the database is raised as ClientError."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseGoneError(str(error)) from None


def is_missing(error: RPCError) -> bool:
    """Whether the engine knows no such run, or none that is open."""
    return error.status is RPCStatusCode.NOT_FOUND and not error.message.startswith("Namespace")


def failed(cause: BaseException | None) -> ClientError:
    """Why the engine did not take a message."""
    if isinstance(cause, ApplicationError) and cause.type == MALFORMED:
        field, colon, sentence = cause.message.partition(": ")
        return UsageError(sentence, field) if colon and " " not in field else UsageError(cause.message)
    # The text of any other failure is not ours, and may quote anything.
    return ClientError(f"the engine failed to handle the message: {type(cause).__name__}")


def _final(error: RPCError) -> ClientError | None:
    """What the engine said, if trying again cannot change it."""
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return UsageError(f"the engine refused the message: {error.message}")
    if error.status in _LOCKED_OUT:
        return EngineAwayError(f"the engine does not let us in: {error.message or error.status.name}")
    if error.status is RPCStatusCode.NOT_FOUND and not is_missing(error):
        return EngineAwayError(f"the engine does not know our namespace: {error.message}")
    return None


def _unreachable(error: RuntimeError) -> Exception:
    """The SDK raises a plain RuntimeError when the first connection fails."""
    if "connect" in str(error).lower():
        return EngineAwayError("the engine cannot be reached: check TEMPORAL_ADDRESS, or start a local stack (make up)")
    return error
