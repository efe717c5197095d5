"""The commands behind the Makefile: `python -m stack demo | up | golden | docs`."""

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from activities.database import DatabaseError
from stack.demo import AT_ONCE, demo
from stack.errors import ServerError
from stack.local import run
from stack.scenario import ScenarioError
from stack.up import up

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="The embedded stack.")


@app.command("demo")
def demo_command(
    named: Annotated[
        str | None, typer.Option("--filter", help="Only the scenarios whose id holds this.", show_default=False)
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="An empty directory for the data, which is kept.", show_default=False)
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results to this file.", show_default=False)] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="How many cases are played at once.")] = AT_ONCE,
) -> int:
    """Play every example case from filing to closing."""
    return run(demo(named=named, keep=keep, data=data, json=json, at_once=at_once))


@app.command("up")
def up_command() -> int:
    """Start the stack and leave it running until Ctrl-C."""
    return run(up())


@app.command("golden")
def golden_command() -> int:
    """Record the golden histories anew."""
    runpy.run_module("tests.replay.record", run_name="__main__")
    return 0


@app.command("docs")
def docs_command() -> int:
    """Generate the diagrams in the docs."""
    runpy.run_module("stack.docs", run_name="__main__")
    return 0


def main() -> int:
    """Run a command; returns its exit code."""
    try:
        return int(app(standalone_mode=False) or 0)
    except (ScenarioError, ServerError, DatabaseError) as error:
        print(error, file=sys.stderr)
        return 1
    except typer.TyperException as error:
        print(error.format_message(), file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
