"""What a caller of the client can meet besides an answer, each with its own exit code.

A refusal is no error: it is an `Answer` with `accepted=False`.
"""

from typing import ClassVar

from states.events import Act
from states.values import Answer


class ClientError(Exception):
    """Base of the client's errors. The text is one sentence for whoever called."""

    kind: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1

    def details(self) -> dict[str, str]:
        """What programs are told besides the sentence."""
        return {}


class UsageError(ClientError):
    """The input is wrong; nothing was sent, or nothing of it was taken. `field` names the place."""

    kind = "usage"
    exit_code = 2

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.field = field

    def details(self) -> dict[str, str]:
        return {"field": self.field} if self.field else {}


class NotFoundError(ClientError):
    """There is no such case, or no such incident."""

    kind = "not_found"
    exit_code = 4

    def __init__(self, id_: str, what: str = "case") -> None:
        super().__init__(f"there is no {what} {id_}")


class NotConfirmedError(ClientError):
    """No answer came in time. The act may have been carried out, or may still be: send `act` again, as it is."""

    kind = "not_confirmed"
    exit_code = 5

    def __init__(self, act: Act) -> None:
        super().__init__(
            f"{act.name()} was not confirmed in time: it may still be carried out; "
            f"send it again with the same request id, {act.request_id}"
        )
        self.act = act

    def details(self) -> dict[str, str]:
        return {"request_id": self.act.request_id}


class AwayError(ClientError):
    """The engine or the database cannot be reached, or does not let us in."""

    kind = "away"
    exit_code = 6


class EngineAwayError(AwayError):
    """The engine cannot be reached, or does not let us in."""

    kind = "engine_away"


class DatabaseGoneError(AwayError):
    """The database cannot be reached, or refused what it was asked."""

    kind = "database_away"


class ClosedError(ClientError):
    """The case's run has ended; the act was not carried out and is not on record."""

    kind = "closed"
    exit_code = 7

    def __init__(self, case_id: str) -> None:
        super().__init__(f"{case_id} is closed and its file is archived: only reopening it, or a new complaint, helps")


REFUSED = 3
"""The exit code for an act that was answered with a refusal."""


def exit_code(answer: Answer) -> int:
    """The exit code of an answered act."""
    return 0 if answer.accepted else REFUSED
