"""Scenarios: example complaints with what the world knows, what each party does when, and how the case must end.

One YAML file each. It is read strictly, and every act in it is checked as the engine would check it, so a slip in a
scenario is reported with its place before anything is played.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from client import case_file, drafts
from client.case_file import CaseFile, WrittenEvidence
from client.errors import UsageError
from client.money import fen
from policies import plain_yaml
from policies.base import Frozen
from policies.schema import (
    Category,
    Channel,
    ClockKind,
    Level,
    OrderState,
    Outcome,
    Party,
    Priority,
    RemedyKind,
    Role,
    Route,
    Stage,
    Trigger,
)
from policies.triage import TriageLabel
from states.events import ACTS, Act, FileComplaint
from states.values import (
    Actor,
    Code,
    ConductKind,
    ConsentState,
    HandOffState,
    Id,
    PenaltyState,
    ProposalOfTriageState,
    RemedyState,
    RiskState,
)
from workflows.malformed import explain

EXAMPLES = Path(__file__).parent.parent / "examples"
MAIN = "main"
"""The name of the complaint that a scenario is about; `also` names the others."""

Duration = Annotated[
    str, Meta(pattern=r"^[0-9]{1,5}[mhd]\Z", extra_json_schema={"description": "a time such as 30m, 2h or 5d"})
]
Yuan = Annotated[
    str, Meta(pattern=r"^[0-9]+\.[0-9]{2}\Z", extra_json_schema={"description": "an amount in yuan such as 199.00"})
]
Slug = Annotated[
    str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z", extra_json_schema={"description": "words-joined-by-hyphens"})
]
RuleId = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}-[0-9]{1,2}\Z", extra_json_schema={"description": "a rule's id such as ADM-1"})
]

_ACT_TYPES = {act.name(): act for act in ACTS}
_ROLES = {"agent": Role.AGENT, "supervisor": Role.SUPERVISOR}
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the file and the place in it."""


def span(duration: str) -> timedelta:
    """The length of a written duration."""
    return timedelta(**{_UNITS[duration[-1]]: int(duration[:-1])})


# --- what the world knows -------------------------------------------------------------------------


class WrittenOrder(Frozen, kw_only=True):
    """An order as the platform knows it. Times are before filing, or before the step; buyer and seller are the parties
    of the first complaint unless given.
    """

    order: Id
    platform: Code = "taobao"
    buyer: Id | None = None
    seller: Id | None = None
    paid: Yuan
    goods: Yuan | None = None
    """The price of the goods, where that is not all that was paid."""
    purchased: Duration
    received: Duration | None = None
    state: OrderState = OrderState.OPEN
    since: Duration | None = None
    """How long ago it succeeded, or was closed by its refund."""
    product: Id | None = None
    branded: bool | None = None


class WrittenShipment(Frozen, kw_only=True):
    """What the carrier reports about an order. Times are before filing, or before the step."""

    order: Id
    carrier: Id | None = None
    shipped: Duration | None = None
    signed: Duration | None = None


class Unreachable(Frozen):
    """Who cannot be reached through which channels."""

    who: Id
    channels: tuple[Channel, ...]


class World(Frozen, kw_only=True):
    """What the platform and its carriers know, and whom they cannot reach."""

    orders: tuple[WrittenOrder, ...] = ()
    shipments: tuple[WrittenShipment, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()


# --- what happens -----------------------------------------------------------------------------


class BeforeDeadline(Frozen):
    """A while before a running clock ends; of several of a kind, such as those of two remedies, the next that does."""

    clock: ClockKind
    by: Duration


class Step(Frozen, kw_only=True):
    """One step: let time pass, then the world changes, or somebody acts. Each may be left out.

    Time passes for a span, until the case stands in a stage, or until shortly before a deadline. The last two hold on
    any day of the year, where a span would depend on weekends and holidays.
    """

    after: Duration | None = None
    until: Stage | None = None
    before: BeforeDeadline | None = None
    case: str = MAIN
    world: World | None = None
    """What the world knows from now on, besides what it knew."""
    by: Id | None = None
    """buyer (or complainant), seller (or respondent), or an agent's or supervisor's reference."""
    act: Code | None = None
    given: dict[str, Any] = field(name="with", default_factory=dict)
    """The act's fields; texts in clear, amounts in yuan. `entry` may name an act, `into` a complaint of this file; a
    penalty may be given as its row alone. A complaint that is filed again has the fields of its case file.
    """
    refused: Code | None = None
    """The code with which the act must be refused; without it, it must be accepted."""


# --- how it must end ---------------------------------------------------------------------------------


class ExpectedRemedy(Frozen):
    kind: RemedyKind
    state: RemedyState
    amount: Yuan | None = None


class ExpectedPenalty(Frozen):
    row: Code
    state: PenaltyState = PenaltyState.APPLIED


class ExpectedConduct(Frozen):
    party: Party
    kind: ConductKind


class ExpectedStaffConduct(Frozen):
    """A finding about the conduct of staff: its row, whose conduct it is, the message that is cited, what it costs."""

    row: Code
    staff: str = ""
    message: str = ""
    amount: Yuan | None = None


class ExpectedEscalation(Frozen):
    trigger: Trigger
    clock: ClockKind | None = None


class ExpectedHandOff(Frozen):
    """What was handed to a team, whether the member agreed, and what came of it. Nobody agreed where consent lapsed: it
    stays asked.
    """

    route: Route
    consent: ConsentState = ConsentState.GIVEN
    state: HandOffState = HandOffState.RETURNED
    result: Code = ""
    late: bool = False


class ExpectedProposal(Frozen):
    """What a text of the case was taken to show, and what an agent said of it."""

    label: TriageLabel | None = None
    category: Category | None = None
    state: ProposalOfTriageState = ProposalOfTriageState.PROPOSED


class ExpectedLedger(Frozen):
    """One row of the ledger: a payment in yuan, a measure, or what counts against a seller and the how many-th it is.

    A reversal takes back what another row has; its amount and points are written as that row's, without a count.
    """

    action: Code
    amount: Yuan | None = None
    points: int | None = None
    count: int | None = None
    reversal: bool = False


class Expectation(Frozen, kw_only=True):
    """How a case must end. What is left out must not have happened."""

    path: tuple[Stage, ...]
    level: Level = Level.FRONT_LINE
    outcome: Outcome | None
    ground: str = ""
    remedies: tuple[ExpectedRemedy, ...] = ()
    penalties: tuple[ExpectedPenalty, ...] = ()
    conduct: tuple[ExpectedConduct, ...] = ()
    staff_conduct: tuple[ExpectedStaffConduct, ...] = ()
    escalations: tuple[ExpectedEscalation, ...] = ()
    priority: Priority = Priority.NORMAL
    risk: RiskState | None = None
    """What became of a risk that was not filed with the complaint."""
    externals: tuple[Code, ...] = ()
    """The bodies outside before which the matter was brought."""
    hand_offs: tuple[ExpectedHandOff, ...] = ()
    triage: tuple[ExpectedProposal, ...] = ()
    ledger: tuple[ExpectedLedger, ...] = ()
    refused: int = 0
    """How many acts were refused."""
    corrected: tuple[Code, ...] = ()
    """The acts that were taken back."""
    handed_to_agent: int = 0
    """How many notices no channel could deliver."""
    absorbed: int = 0
    """How many duplicates this case took over."""
    reopenings: int = 0


class Other(Frozen):
    """Another complaint of the same scenario, filed by a step with its name."""

    complaint: CaseFile
    expect: Expectation


class Scenario(Frozen, kw_only=True):
    """One scenario."""

    id: Slug
    title: str
    rules: tuple[RuleId, ...]
    """The rules that it shows; each must be cited by an entry of its journals."""
    world: World = World()
    complaint: CaseFile
    also: dict[str, Other] = field(default_factory=dict)
    steps: tuple[Step, ...]
    expect: Expectation

    @property
    def complaints(self) -> Mapping[str, CaseFile]:
        """The complaints by name, the main one first."""
        return {MAIN: self.complaint} | {name: other.complaint for name, other in self.also.items()}

    @property
    def expectations(self) -> Mapping[str, Expectation]:
        """How the cases must end, by name."""
        return {MAIN: self.expect} | {name: other.expect for name, other in self.also.items()}

    def actor(self, step: Step) -> Actor:
        """Who acts in a step. Raises ScenarioError."""
        complaint = self.complaints[step.case]
        match step.by:
            case "buyer" | "complainant":
                return Actor(id=complaint.complainant, role=Role.COMPLAINANT)
            case "seller" | "respondent":
                return Actor(id=complaint.respondent, role=Role.RESPONDENT)
            case str(reference) if (role := _ROLES.get(reference.partition("-")[0])) is not None:
                return Actor(id=reference, role=role)
        raise ScenarioError("by: buyer, seller, agent-NN or supervisor-NN has to act")

    def draft(self, step: Step) -> dict[str, Any]:
        """The fields of a step's act, without request id. Raises UsageError, ScenarioError."""
        if step.act == FileComplaint.name():
            # As the complaint is written, but for what the step changes.
            written = msgspec.to_builtins(self.complaints[step.case]) | step.given
            return case_file.convert(written).draft(Path()) | {"actor": self.actor(step)}
        fields = {name: _field(name, value) for name, value in step.given.items()}
        return fields | {"actor": self.actor(step)}


def act_type(step: Step) -> type[Act]:
    """The type of a step's act. Raises ScenarioError."""
    if step.act not in _ACT_TYPES:
        raise ScenarioError(f"act: {step.act} is not one of {', '.join(_ACT_TYPES)}")
    return _ACT_TYPES[step.act]


def _field(name: str, value: Any) -> Any:
    """A field as the act has it: texts on their way to the vault, amounts in fen, numbers and truth values as such."""
    match name, value:
        case (("reason" | "text" | "comment" | "description" | "note"), str()):
            return drafts.text(value, name)
        case "penalties", list():
            return [{"row": each} if isinstance(each, str) else _plain(each, name) for each in value]
        case (("items" | "evidence"), [{}, *_]):
            return [_item(each, f"{name}[{number}]") for number, each in enumerate(value)]
    return _plain(value, name)


def _item(value: Any, where: str) -> dict[str, Any]:
    try:
        item = msgspec.convert(value, WrittenEvidence, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(str(error), where) from None
    return item.draft(where)


def _plain(value: Any, where: str) -> Any:
    match value:
        case dict():
            fields = {name: _plain(each, f"{where}.{name}") for name, each in value.items() if name != "amount"}
            return fields | ({"amount_fen": fen(value["amount"], f"{where}.amount")} if "amount" in value else {})
        case list():
            return [_plain(each, f"{where}[{number}]") for number, each in enumerate(value)]
        case "true" | "false":
            return value == "true"
        case str() if re.fullmatch(r"[0-9]{1,6}", value):
            return int(value)
    return value


# --- reading them -------------------------------------------------------------------------------------


def load(path: Path) -> Scenario:
    """Read a scenario. Raises ScenarioError naming file and place."""
    try:
        return parse(path.read_text(encoding="utf-8"), path.stem)
    except (OSError, ValueError, UsageError) as error:
        raise ScenarioError(f"{path.name}: {error}") from error


def parse(written: str, stem: str) -> Scenario:
    """Read a scenario's text; `stem` is the name that its id has to be. Raises ScenarioError naming the place."""
    values = plain_yaml.load(written, dict[str, Any])
    try:
        scenario = msgspec.convert(values, Scenario, strict=False)
    except msgspec.ValidationError as error:
        raise ScenarioError(explain(error, msgspec.json.encode(values), Scenario)) from None
    if scenario.id != stem:
        raise ScenarioError(f"id: the file is named {stem}")
    if MAIN in scenario.also:
        raise ScenarioError(f"also: {MAIN} is the name of the first complaint")
    for where, complaint in scenario.complaints.items():
        _placed(f"complaint {where}", lambda written=complaint: written.draft(Path()))
    for number, step in enumerate(scenario.steps):
        _placed(f"steps[{number}]", lambda written=step: _check(scenario, written))
    return scenario


def _placed(where: str, check: Any) -> None:
    try:
        check()
    except (UsageError, ScenarioError) as error:
        raise ScenarioError(f"{where}.{error}") from None


def _check(scenario: Scenario, step: Step) -> None:
    """Whether a step can be played at all. Raises ScenarioError, UsageError."""
    if sum(wait is not None for wait in (step.after, step.until, step.before)) > 1:
        raise ScenarioError("after: give one of after, until and before")
    if step.case not in scenario.complaints:
        raise ScenarioError(f"case: {step.case} is not one of {', '.join(scenario.complaints)}")
    if step.act is None:
        if step.given or step.by or step.refused:
            raise ScenarioError("act: say what is done")
        return
    stand_ins: dict[str, Any] = {"request_id": "r-1"}
    if step.act in ("reopen_case", "record_external_complaint"):
        stand_ins["case_id"] = "case-1"
    if step.act == "record_external_complaint":
        stand_ins["made_at"] = "2026-01-01T00:00:00+08:00"
    draft = scenario.draft(step) | stand_ins
    if isinstance(draft.get("entry"), str):
        act_type(Step(act=draft["entry"]))
        draft["entry"] = 1
    drafts.check(act_type(step), draft)


def load_all(directory: Path = EXAMPLES, *, named: str | None = None) -> tuple[Scenario, ...]:
    """The scenarios in a directory, by id; of those only the ones whose id holds `named`, if given.

    Raises ScenarioError for the first that cannot be played, and if there is none.
    """
    found = tuple(_matching(directory, named))
    if not found:
        raise ScenarioError(f"there is no scenario {named or ''} in {directory.name}/")
    return found


def _matching(directory: Path, named: str | None) -> Iterator[Scenario]:
    for path in sorted(directory.glob("*.yaml")):
        if named is None or named in path.stem:
            yield load(path)
