"""`python -m tests.traceability`: every rule with its tests and state. Exits 1 if a rule at work has no test."""

import sys
from collections import Counter

import typer

from tests.traceability.catalogue import catalogue, citations, missing, shown, unknown


def main(brief: bool = typer.Option(False, help="Leave the tests out.")) -> None:
    """List the rules with their tests and states: none, partial or done."""
    try:
        rules, cited = catalogue(), citations()
    except ValueError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    for rule in rules.values():
        print(f"{rule.id:<7} {shown(rule, cited):<8} {rule.title}")
        if rule.partial:
            print(f"{'':<16} still missing: {rule.partial}")
        for test in () if brief else cited.get(rule.id, ()):
            print(f"{'':<16} {test}")
    counts = Counter(shown(rule, cited) for rule in rules.values())
    print(f"\n{len(rules)} rules: " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    for id_ in missing(rules, cited):
        print(f"{id_} is at work and no test shows it", file=sys.stderr)
    for id_ in unknown(rules, cited):
        print(f"{id_} is cited and not in the catalogue: {', '.join(cited[id_])}", file=sys.stderr)
    if missing(rules, cited) or unknown(rules, cited):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
