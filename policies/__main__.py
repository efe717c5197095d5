"""The commands of policy packs: `python -m policies check | show | diff | release`."""

import sys
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from policies import plain_yaml, released
from policies.book import ELSEWHERE, HERE, PackError, load_book
from policies.differences import changes
from policies.schema import Policy

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="Policy packs.")

Directory = Annotated[
    Path, typer.Option("--in", metavar="DIR", envvar=ELSEWHERE, help="Where packs/ and calendars/ are.")
]
Id = Annotated[str, typer.Argument(metavar="NAME@VERSION", show_default=False)]


@app.command()
def check(
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", envvar=ELSEWHERE, help="Where packs/ and calendars/ are.")
    ] = HERE,
) -> None:
    """Read every pack and list them, or tell what is wrong with the first unsound one."""
    for policy in load_book(directory):
        pack = policy.pack
        until = f"until {pack.effective_until}" if pack.effective_until else "with no end"
        mark = "  illustrative" if pack.illustrative else ""
        print(f"{policy.ref}  {policy.ref.digest}  from {pack.effective_from} {until}  {pack.calendar}{mark}")


@app.command()
def show(pack: Id, directory: Directory = HERE) -> None:
    """Print a pack in full, with what it has from the packs that it extends."""
    print(plain_yaml.write(plain_yaml.document(_find(directory, pack).pack)), end="")


@app.command()
def diff(old: Id, new: Id, directory: Directory = HERE) -> None:
    """Tell what changes for whom from one pack to another."""
    found = changes(_find(directory, old).pack, _find(directory, new).pack)
    for who, told in groupby(found, key=lambda change: change.who):
        print(f"{who}:")
        for change in told:
            print(f"  {change.sentence}")
    if not found:
        print("nothing changes")


@app.command()
def release(
    again: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME@VERSION", help="Release a changed pack again that was never used."),
    ] = None,
    directory: Directory = HERE,
) -> None:
    """Put the packs that are not on the list of releases on it. From then on they are never edited."""
    known = released.read(directory) or {}
    present = {str(policy.ref): policy.ref.digest for policy in load_book(directory, unreleased=True)}
    released.write(directory, released.renewed(known, present, again or ()))
    for id_, digest in present.items():
        if known.get(id_) != digest:
            print(f"released {id_}  {digest}")


def _find(directory: Path, id_: str) -> Policy:
    name, _, version = id_.partition("@")
    # What is not released yet can be looked at.
    return load_book(directory, unreleased=True).find(name, version)


def main() -> int:
    """Run a command; returns its exit code."""
    try:
        return int(app(prog_name="python -m policies", standalone_mode=False) or 0)
    except (PackError, LookupError, ValueError) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    except typer.TyperException as error:
        print(error.format_message(), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
