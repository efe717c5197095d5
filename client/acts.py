"""Each act's own words on the command line, made from the act's fields, so that no word is written down twice."""

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from msgspec import inspect as types
from msgspec.structs import FieldInfo, fields

from client import drafts
from client.errors import UsageError
from client.money import fen
from states.events import Act
from states.values import Claim, EvidenceItem, RemedyTerms, Scores, TextRef, Violation

COMMON = ("request_id", "actor", "at", "source", "case_id")
"""The fields that every act has, or the case that it is about; they have words of their own."""

WORD = {"items": "evidence", "remedies": "remedy", "penalties": "penalty"}
"""Fields whose word is another than their name: what may be given several times is given one at a time."""

HELP = {
    "reason": "Why; kept in the vault.",
    "by": "How many of the clock's own units.",
    "entry": "The number of the journal entry to be undone.",
    "into": "The id of the case that takes this one over.",
    "rule": "The rule that the ruling rests on.",
    "proposal": "The id of the proposal, such as P1.",
    "outbound": "The platform contacted the party, not the other way round.",
    "automatic": "It was sent by software.",
    "on_behalf_of": "From whom the items are, if not from who hands them in.",
    "conduct_at": "When the conduct took place, with its offset from UTC.",
    "problem_since": "Since when the problem exists, with its offset from UTC.",
    "return_reason": "Why the goods go back.",
    "version": "The version of the policy, such as 2024-07-22.",
    "row": "The row of the conduct table.",
    "message": "The message of the transcript that is cited.",
    "high": "Whether the case is of high risk.",
    "confirmed": "A proposal from the text that holds, such as T1.",
    "rejected": "A proposal from the text that does not hold, such as T2.",
    "body": "Before whom the matter was brought, such as consumer_association.",
    "reference": "The body's own reference.",
    "made_at": "When it was made, with its offset from UTC.",
    "due": "By when the body wants an answer, with its offset from UTC.",
    "consent": "The channel through which the member has agreed already.",
    "hand_off": "The id of the hand-off, such as H1.",
    "offer": "The id of the offer, such as K1.",
    "result": "What came of it.",
    "to": "The agent who owns the case from now on.",
}

Given = Mapping[str, Any]


class Words(NamedTuple):
    """A field's words: the options, and how its value is read from them; None if nothing was given."""

    options: tuple[inspect.Parameter, ...]
    read: Callable[[Given], Any]


def options(act_type: type[Act]) -> list[inspect.Parameter]:
    """The options of an act's own fields."""
    return [option for field in _own(act_type) for option in _words(field).options]


def draft(act_type: type[Act], given: Given) -> dict[str, Any]:
    """The act's own fields as they were given on the command line. Raises UsageError naming what is wrong."""
    values = {field.name: _words(field).read(given) for field in _own(act_type)}
    return {name: value for name, value in values.items() if value is not None}


def _own(act_type: type[Act]) -> list[FieldInfo]:
    own = [field for field in fields(act_type) if field.name not in COMMON]
    # The reason is asked for last: it is the same word for every act.
    return sorted(own, key=lambda field: field.name == "reason")


def _words(field: FieldInfo) -> Words:
    name = WORD.get(field.name, field.name)
    optional = not field.required
    match _plain(types.type_info(field.type)):
        case types.StructType(cls=cls) if cls is TextRef:
            return Words((_option(name, str, optional, "TEXT"),), lambda given: _text(given, name))
        case types.StructType(cls=cls) if cls is RemedyTerms:
            return Words(_terms_options(optional), _terms)
        case types.StructType(cls=cls) if cls is Claim:
            return Words(_CLAIM, _claim)
        case types.StructType(cls=cls) if cls is Scores:
            scores = [score.name for score in fields(Scores)]
            return Words(
                tuple(_option(score, int, optional, "SCORE", min=1, max=5) for score in scores),
                lambda given: {score: given[score] for score in scores},
            )
        case types.VarTupleType(item_type=types.StructType(cls=cls)) if cls is EvidenceItem:
            return Words(
                (_option(name, list[str], optional, "KIND=PATH"),),
                lambda given: _items(given, name),
            )
        case types.VarTupleType(item_type=types.StructType(cls=cls)) if cls is RemedyTerms:
            return Words(
                (_option(name, list[str], optional, "KIND[=YUAN][@ORDER]"),),
                lambda given: [_one_remedy(each) for each in given[name] or ()],
            )
        case types.VarTupleType(item_type=types.StructType(cls=cls)) if cls is Violation:
            return Words(
                (_option(name, list[str], optional, "ROW[=EVIDENCE,...]"),),
                lambda given: [_violation(each) for each in given[name] or ()],
            )
        case types.VarTupleType():
            return Words((_option(name, list[str], optional),), lambda given: given[name] or None)
        case types.EnumType(cls=cls) if issubclass(cls, StrEnum):
            return Words((_option(name, cls, optional),), lambda given: given[name])
        case types.BoolType():
            return Words((_flag(name, optional),), lambda given: given[name])
        case types.IntType(ge=least, le=most):
            return Words((_option(name, int, optional, min=least, max=most),), lambda given: given[name])
        case types.DateTimeType():
            return Words((_option(name, str, optional, "WHEN"),), lambda given: given[name])
        case types.StrType():
            return Words((_option(name, str, optional),), lambda given: given[name])
    raise TypeError(f"no words for field {field.name}: {field.type}")


def _plain(node: types.Type) -> types.Type:
    match node:
        case types.UnionType(types=members):
            return next(_plain(member) for member in members if not isinstance(member, types.NoneType))
        case types.Metadata(type=inner):
            return _plain(inner)
        case types.VarTupleType(item_type=inner):
            return types.VarTupleType(item_type=_plain(inner))
    return node


def _option(name: str, type_: Any, optional: bool, metavar: str | None = None, **bounds: Any) -> inspect.Parameter:
    several = type_ == list[str]
    hint = " ".join(part for part in (HELP.get(name), "May be given several times." if several else None) if part)
    metavar = metavar or ("WORD" if type_ in (str, list[str]) else None)
    option = typer.Option(_dashed(name), help=hint or None, metavar=metavar, show_default=False, **bounds)
    return _parameter(name, Annotated[type_ | None if optional else type_, option], optional, None)


def _flag(name: str, optional: bool) -> inspect.Parameter:
    """A flag that is off unless given; one that has to be decided either way where the act leaves no default."""
    dashed = _dashed(name)
    words = dashed if optional else f"{dashed}/{dashed.replace('--', '--not-')}"
    option = typer.Option(words, help=HELP.get(name), show_default=False)
    return _parameter(name, Annotated[bool, option], optional, False)


def _parameter(name: str, annotation: Any, optional: bool, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation,
        default=default if optional else inspect.Parameter.empty,
    )


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


# --- how values are written -----------------------------------------------------------------------


def _text(given: Given, name: str) -> drafts.Content | None:
    return None if given[name] is None else drafts.text(given[name], name)


def _items(given: Given, name: str) -> list[dict[str, Any]] | None:
    items = []
    for written in given[name] or ():
        kind, equals, path = written.partition("=")
        if not (kind and equals and path):
            raise UsageError("give a kind of evidence and a file, such as photo=scratch.jpg", _dashed(name))
        items.append({"kind": kind, "content": drafts.file(Path(path), kind, _dashed(name))})
    return items or None


def _terms_options(optional: bool) -> tuple[inspect.Parameter, ...]:
    return (
        _option("remedy", str, optional, "KIND"),
        _option("amount", str, True, "YUAN"),
        _option("order", str, True, "ORDER"),
    )


def _terms(given: Given) -> dict[str, Any] | None:
    if given["remedy"] is None:
        if (unused := next((name for name in ("amount", "order") if given[name] is not None), None)) is not None:
            raise UsageError(f"say which remedy the {unused} is for", "--remedy")
        return None
    return _remedy(given["remedy"], given["amount"], given["order"])


def _one_remedy(written: str) -> dict[str, Any]:
    terms, at, order = written.partition("@")
    kind, equals, amount = terms.partition("=")
    return _remedy(kind, amount if equals else None, order if at else None)


def _remedy(kind: str, amount: str | None, order: str | None) -> dict[str, Any]:
    return {"kind": kind} | _amount(amount) | ({} if order is None else {"order": order})


def _amount(written: str | None) -> dict[str, int]:
    return {} if written is None else {"amount_fen": fen(written, "--amount")}


_CLAIM = (
    _option("remedy", list[str], False, "KIND"),
    _option("amount", str, True, "YUAN"),
    _option("problem_since", str, True, "WHEN"),
    _option("return_reason", str, True),
)


def _claim(given: Given) -> dict[str, Any]:
    others = {name: given[name] for name in ("problem_since", "return_reason") if given[name] is not None}
    return {"remedies": given["remedy"]} | _amount(given["amount"]) | others


def _violation(written: str) -> dict[str, Any]:
    row, equals, evidence = written.partition("=")
    return {"row": row} | ({"evidence": evidence.split(",")} if equals else {})
