"""Golden files: what a scenario's runs left in the engine, and what the journal and the parties were told."""

import gzip
import json
from pathlib import Path

import msgspec
from temporalio.client import WorkflowHistory

from policies.base import Frozen
from states.values import Answer

GOLDENS = Path(__file__).parent / "goldens"


class GoldenRun(Frozen):
    """One run: its history as the engine's JSON."""

    workflow_id: str
    history: msgspec.Raw

    def load(self) -> WorkflowHistory:
        return WorkflowHistory.from_json(self.workflow_id, json.loads(bytes(self.history)))


class GoldenCase(Frozen):
    """What a case's journal and callers must be told again."""

    journal: tuple[str, ...]
    """The hash of every entry, in order."""
    answers: dict[str, Answer]
    """By request id."""


class Golden(Frozen):
    """Everything that one scenario left."""

    runs: tuple[GoldenRun, ...]
    cases: dict[str, GoldenCase]


def write(name: str, golden: Golden) -> None:
    """Keep a golden file; the same content gives the same bytes."""
    GOLDENS.mkdir(exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(golden, order="deterministic"), indent=0)
    (GOLDENS / f"{name}.json.gz").write_bytes(gzip.compress(data, mtime=0))


def read(name: str) -> Golden:
    return msgspec.json.decode(gzip.decompress((GOLDENS / f"{name}.json.gz").read_bytes()), type=Golden)


def names() -> list[str]:
    """The scenarios that have a golden file."""
    return [path.name.removesuffix(".json.gz") for path in sorted(GOLDENS.glob("*.json.gz"))]
