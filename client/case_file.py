"""A complaint in a file, YAML or JSON, as people write it: texts in clear, amounts in yuan, evidence by path."""

from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from client import drafts, written
from client.errors import UsageError
from client.money import fen
from policies.base import Frozen
from policies.schema import Category, Channel, RemedyKind
from states.transcript import Message
from states.values import Code, Id, Instant, ReviewComplaint, SellerContact


class WrittenClaim(Frozen):
    """What the complainant wants; `amount` in yuan."""

    remedies: Annotated[tuple[RemedyKind, ...], Meta(min_length=1, max_length=5)]
    amount: str | None = None
    problem_since: Instant | None = None
    return_reason: Code | None = None


class WrittenEvidence(Frozen):
    """One item: its kind, and either a file (a path, seen from the case file), a text, or the messages of a chat."""

    kind: Code
    file: str | None = None
    text: str | None = None
    transcript: Annotated[tuple[Message, ...], Meta(min_length=1)] | None = None

    def draft(self, field: str, folder: Path | None = None) -> dict[str, Any]:
        """The item on its way to the vault. Without a folder there are no files. Raises UsageError naming the place."""
        match self:
            case WrittenEvidence(file=str(path), text=None, transcript=None) if folder is not None:
                content = drafts.file(folder / path, self.kind, f"{field}.file")
            case WrittenEvidence(file=None, text=str(written), transcript=None):
                content = drafts.text(written, f"{field}.text")
            case WrittenEvidence(file=None, text=None, transcript=tuple(messages)):
                content = drafts.transcript(messages, self.kind, f"{field}.transcript")
            case _:
                files = "" if folder is None else "file, a path, "
                raise UsageError(f"give one of {files}text and transcript", field)
        return {"kind": self.kind, "content": content}


class CaseFile(Frozen, kw_only=True):
    """A complaint as written (INT-1)."""

    complainant: Id
    respondent: Id
    orders: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=20)]
    category: Category
    title: str
    description: str
    claim: WrittenClaim
    channel: Channel = Channel.ORDER_PAGE
    seller_contact: SellerContact = SellerContact.NOT_APPROACHED
    high_risk: bool = False
    evidence: Annotated[tuple[WrittenEvidence, ...], Meta(max_length=50)] = ()
    procedure: Code | None = None
    agent_concerned: Id | None = None
    review: ReviewComplaint | None = None

    def draft(self, folder: Path) -> dict[str, Any]:
        """The complaint's fields, its texts and files read. Raises UsageError naming what is wrong."""
        claim: dict[str, Any] = {
            "remedies": self.claim.remedies,
            "amount_fen": None if self.claim.amount is None else fen(self.claim.amount, "claim.amount"),
            "problem_since": self.claim.problem_since,
            "return_reason": self.claim.return_reason,
        }
        others = {"procedure": self.procedure, "agent_concerned": self.agent_concerned, "review": self.review}
        return _given(others) | {
            "complainant": self.complainant,
            "respondent": self.respondent,
            "orders": self.orders,
            "category": self.category,
            "title": drafts.text(self.title, "title", most=drafts.MAX_TITLE, lines=False),
            "description": drafts.text(self.description, "description"),
            "claim": _given(claim),
            "channel": self.channel,
            "seller_contact": self.seller_contact,
            "high_risk": self.high_risk,
            "evidence": [item.draft(f"evidence[{number}]", folder) for number, item in enumerate(self.evidence)],
        }


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what was left out: the act has a default of its own for it."""
    return {name: value for name, value in fields.items() if value is not None}


def load(path: Path) -> CaseFile:
    """Read a case file. Raises UsageError naming the place that is wrong."""
    return parse(written.read(path), json_=path.suffix == ".json")


def parse(text: str, *, json_: bool = False) -> CaseFile:
    """Read a case file's text; of an example under examples/, its complaint. Raises UsageError naming the place."""
    values = written.values(text, "the case file", json_=json_)
    complaint = values.get("complaint")
    return convert(complaint if isinstance(complaint, dict) else values)


def convert(values: Any) -> CaseFile:
    """A case file from plain values, strings where a program might have numbers. Raises UsageError naming the place."""
    return written.convert(values, CaseFile)
