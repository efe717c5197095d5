"""The auditor's commands: `python -m audit triage`."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from audit.triage import NONE, Cause, Mistake, Score, Unreadable, read, score
from policies.book import ELSEWHERE, HERE, PackError, PolicyBook, load_book
from policies.schema import Policy
from policies.triage import TriageLabel

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="The auditor's tools.")


@app.callback()
def tools() -> None:
    """The auditor's tools."""


@app.command()
def triage(
    file: Annotated[Path, typer.Argument(show_default=False, help="Labelled texts, one JSON object a line.")],
    errors: Annotated[bool, typer.Option("--errors", help="List what was not read as it was labelled.")] = False,
    pack: Annotated[
        str | None, typer.Option(metavar="NAME@VERSION", help="Whose words; by default the newest platform pack's.")
    ] = None,
    directory: Annotated[
        Path, typer.Option("--in", metavar="DIR", envvar=ELSEWHERE, help="Where packs/ and calendars/ are.")
    ] = HERE,
) -> None:
    """Measure how well a pack's words find what labelled texts show."""
    texts = read(file)
    policy = _policy(load_book(directory, unreleased=True), pack)
    found = score(texts, policy.pack.triage)
    if errors:
        for mistake in found.mistakes:
            print("\n".join(_told(mistake)))
        print()
    print(f"{found.texts} texts, read by {policy.ref}")
    print("\n".join(_table(found)))


def _policy(book: PolicyBook, pack: str | None) -> Policy:
    if pack is not None:
        name, _, version = pack.partition("@")
        return book.find(name, version)
    return max(
        (each for each in book if each.pack.name == "platform"),
        key=lambda each: each.pack.effective_from,
    )


def _table(found: Score) -> Iterator[str]:
    yield f"{'':<27}{'right':>7}{'wrong':>7}{'missed':>8}{'precision':>11}{'recall':>8}{'F1':>7}"
    for label, tally in found.tallies.items():
        counts = f"{tally.right:>7}{tally.wrong:>7}{tally.missed:>8}"
        yield f"{label:<27}{counts}{tally.precision:>11.3f}{tally.recall:>8.3f}{tally.f1:>7.3f}"
    yield f"{found.alarms} of {found.harmless} texts without a hazard were taken for one ({found.alarm_rate:.1%})"


def _told(mistake: Mistake) -> Iterator[str]:
    yield f"line {mistake.line}: {mistake.text}"
    yield f"  wanted {_names(mistake.wanted)}, got {_names(mistake.got)}"
    for label, causes in mistake.got.items():
        if label not in mistake.wanted:
            yield f"  {label} because of {_words(causes)}"


def _names(labels: Iterable[TriageLabel]) -> str:
    return ", ".join(label for label in TriageLabel if label in set(labels)) or NONE


def _words(causes: Iterable[Cause]) -> str:
    return ", ".join(f"{words} ({pattern})" for pattern, words in causes)


def main() -> int:
    """Run a command; returns its exit code."""
    try:
        return int(app(prog_name="python -m audit", standalone_mode=False) or 0)
    except (Unreadable, PackError, LookupError) as error:
        print(error.args[0], file=sys.stderr)
    except typer.TyperException as error:
        print(error.format_message(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
