"""The command line. One command for each act, in the act's own words, and those that look at cases.

Exit codes: 0 done, 2 wrong input, 3 refused, 4 no such case, 5 not confirmed, 6 engine or database away, 7 closed.
"""

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.console import RenderableType
from typer.core import TyperGroup

from client import acts, case_file, drafts, page, staff
from client.complaints import Complaints, HandedOn, connect
from client.errors import ClientError, UsageError, exit_code
from client.settings import Settings
from client.words import Local, clock_time, happening, line, platform_zone, zone
from policies.book import default_book
from policies.schema import Category, Level, Party, Priority, Role, Stage
from states import incident as incident_core
from states.events import ACTS, AbsorbCase, Act, FileComplaint, LinkIncident, Reviving
from states.incident import MASS_ACTS, CloseIncident
from states.journal import Entry, fold
from states.values import Actor, Answer
from states.view import CaseRow

T = TypeVar("T")

OWN_WORDS = {"file-complaint": "open", "reopen-case": "reopen"}
"""Acts whose command has a shorter word."""
NOT_FOR_PEOPLE = (AbsorbCase, LinkIncident)
"""Acts that only the engine does."""
PARTIES = {
    "complainant": Role.COMPLAINANT,
    "respondent": Role.RESPONDENT,
    "buyer": Role.COMPLAINANT,
    "seller": Role.RESPONDENT,
}
"""Words for the parties. Where a seller complains, buyer and seller would mislead: say complainant and respondent."""


class Commands(TyperGroup):
    """Knows every act by its wire name too."""

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of a name, written with - or _."""
        name = cmd_name.replace("_", "-")
        return super().get_command(ctx, OWN_WORDS.get(name, name))


app = typer.Typer(
    name="starter.py",
    help="Open complaints, look at them, act on them.",
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Case = Annotated[str, typer.Argument(help="The case's id, such as buyer-017/order-1001.", show_default=False)]
Incident = Annotated[
    str, typer.Argument(help="The incident's id, such as incident/seller/seller-204/1.", show_default=False)
]
Limit = Annotated[int, typer.Option(min=1, max=10_000)]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="WHO",
        envvar="TOUSU_ACTOR",
        help="Who acts: buyer (the complainant), seller (the respondent), or a role and an id, such as agent:agent-03.",
        show_default=False,
    ),
]
RequestId = Annotated[
    str | None, typer.Option(help="Give the id of an act that was not confirmed, to send it again.", show_default=False)
]
At = Annotated[str | None, typer.Option(help="When the act was made, if not now.", show_default=False)]
Source = Annotated[str | None, typer.Option(help="The service that relays the act.", show_default=False)]
Patience = Annotated[float, typer.Option(min=1, help="Seconds to wait for an answer.")]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code. Errors are a sentence on stderr, and with --json an object on stdout."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return int(app(given, prog_name="starter.py", standalone_mode=False) or 0)
    except ClientError as error:
        return _report(error, "--json" in given)
    except typer.TyperException as error:
        return _report(UsageError(error.format_message()), "--json" in given)


def _report(error: ClientError, json: bool) -> int:
    print(error, file=sys.stderr)
    if json:
        _print_json({"error": _described(error)})
    return error.exit_code


def _described(error: ClientError) -> dict[str, str]:
    return {"kind": error.kind, "message": str(error), **error.details()}


# --- looking at cases -----------------------------------------------------------------------------


@app.command()
def show(
    case: Case,
    texts: Annotated[bool, typer.Option("--texts", help="Read the texts from the vault, which is logged.")] = False,
    reader: Annotated[
        str | None,
        typer.Option("--as", metavar="WHO", envvar="TOUSU_ACTOR", help="Who reads the texts.", show_default=False),
    ] = None,
    purpose: Annotated[str, typer.Option(help="What the texts are read for.")] = "show",
    json: Json = False,
) -> int:
    """Show a case on a page, also one whose run has ended."""

    async def work(complaints: Complaints) -> int:
        entries = await complaints.journal(case)
        known = fold(entries)
        assert known is not None  # noqa: S101 - there are entries
        found: dict[str, str] = {}
        if texts:
            if reader is None:
                raise UsageError("say who reads the texts, such as agent:agent-03", "--as")
            who = await _actor(complaints, reader, case)
            found = {
                ref.ref: await complaints.text(ref, reader=who.id, purpose=purpose) for _, ref in page.texts_of(known)
            }
        if json:
            local = clock_time(zone(known))
            _print_json({"case": known, "journal": [_entry(each, local) for each in entries], "texts": found})
        else:
            _print(*page.case_page(known, entries, found))
        return 0

    return _run(work)


@app.command()
def progress(case: Case, json: Json = False) -> int:
    """Show what the complainant may see of a case."""

    async def work(complaints: Complaints) -> int:
        found = await complaints.progress(case)
        if json:
            _print_json(found)
        else:
            _print(page.progress_page(found, _local()))
        return 0

    return _run(work)


@app.command("list")
def list_(
    stage: Annotated[list[Stage] | None, typer.Option(help="May be given several times.", show_default=False)] = None,
    level: Annotated[Level | None, typer.Option(show_default=False)] = None,
    category: Annotated[Category | None, typer.Option(show_default=False)] = None,
    seller: Annotated[str | None, typer.Option(show_default=False)] = None,
    buyer: Annotated[str | None, typer.Option(show_default=False)] = None,
    owner: Annotated[str | None, typer.Option(show_default=False)] = None,
    team: Annotated[str | None, typer.Option(help="Only where this team has to act.", show_default=False)] = None,
    priority: Annotated[Priority | None, typer.Option(show_default=False)] = None,
    incident: Annotated[str | None, typer.Option(show_default=False)] = None,
    ownerless: Annotated[bool, typer.Option("--ownerless", help="Only those that nobody owns.")] = False,
    late: Annotated[bool, typer.Option("--late", help="Only where a team is late.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only with a deadline that has passed.")] = False,
    stuck: Annotated[bool, typer.Option("--stuck", help="Only those whose workflow tasks fail.")] = False,
    limit: Limit = 100,
    json: Json = False,
) -> int:
    """List cases, the most urgent first; of those the one with the earliest deadline."""

    async def find(complaints: Complaints) -> Sequence[CaseRow]:
        return await complaints.cases(
            stages=tuple(stage or ()),
            level=level,
            category=category,
            seller=seller,
            buyer=buyer,
            owner=owner,
            team=team,
            priority=priority,
            incident=incident,
            overdue=overdue,
            late=late,
            ownerless=ownerless,
            limit=limit,
        )

    others = (stage, level, category, seller, buyer, owner, team, priority, incident, ownerless, late, overdue)
    if stuck and any(others):
        raise UsageError("use it alone: the engine knows nothing else about such cases", "--stuck")
    if stuck:
        return _list("stuck", Complaints.stuck, lambda found, _: page.stuck_table(found), json)
    return _list("cases", find, page.case_table, json)


@app.command()
def watch(
    case: Case,
    after: Annotated[int, typer.Option(min=0, help="Only what follows this entry.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
) -> int:
    """Follow a case as it goes on, until it is closed."""

    async def work(complaints: Complaints) -> int:
        out = page.console()
        async for entry, known in complaints.watch(case, after=after):
            local = clock_time(zone(known))
            if json:
                _print_json(_entry(entry, local) | {"stage": known.stage, "level": known.level}, indent=0)
            else:
                out.print(line(entry, local), markup=False, soft_wrap=True)
        return 0

    return _run(work)


@app.command()
def rebuild(
    case: Annotated[str | None, typer.Argument(help="One case; all of them by default.", show_default=False)] = None,
    json: Json = False,
) -> int:
    """Rebuild the lists from the journal."""

    async def work(complaints: Complaints) -> int:
        done = await complaints.rebuild(case)
        if json:
            _print_json({"cases": done.cases, "broken": done.broken})
        else:
            _print(f"rebuilt {done.cases} {'case' if done.cases == 1 else 'cases'}")
            _print(*(f"{broken.case_id}: {broken.fault}" for broken in done.broken))
        return 1 if done.broken else 0

    return _run(work)


# --- who works on what ----------------------------------------------------------------------------


@app.command(rich_help_panel="Work")
def claim(who: As, source: Source = None, patience: Patience = 30, json: Json = False) -> int:
    """Take the waiting case that is yours to take next: the oldest of the highest priority (INT-5)."""
    agent = _written_actor(who)
    if agent is None:
        raise UsageError("say the role and the id of an agent, such as agent:agent-03", "--as")

    async def work(complaints: Complaints) -> int:
        answer = await complaints.claim(agent)
        if answer is not None:
            return _tell(answer, json)
        if json:
            _print_json({"case_id": None})
        else:
            _print(f"no case waits for {agent.id}, who may be off shift or own as many as there is capacity for")
        return 0

    return _run(work, source, patience)


@app.command("hand-on", rich_help_panel="Work")
def hand_on(
    from_agent: Annotated[str, typer.Argument(metavar="FROM", help="Whose open cases.", show_default=False)],
    to_agent: Annotated[str, typer.Argument(metavar="TO", help="Who owns them from now on.", show_default=False)],
    note: Annotated[str, typer.Option(help="What the new owner has to know; kept in the vault.", show_default=False)],
    who: As,
    source: Source = None,
    patience: Patience = 30,
    json: Json = False,
) -> int:
    """Hand all open cases of one agent to another, each with a note (HOF-5)."""
    actor = _written_actor(who)
    if actor is None:
        raise UsageError("say a role and an id, such as agent:agent-03", "--as")

    async def work(complaints: Complaints) -> int:
        cases = await complaints.hand_on(from_agent, to_agent, note, actor=actor)
        if json:
            _print_json({"cases": [_handed_on(each) for each in cases]})
        else:
            _print(*(f"{each.case_id}: {each.error}" if each.answer is None else _told(each.answer) for each in cases))
            _print(f"{sum(each.done for each in cases)} of {len(cases)} handed to {to_agent}")
        return max((each.exit_code for each in cases), default=0)

    return _run(work, source, patience)


def _handed_on(case: HandedOn) -> dict[str, Any]:
    became = {"answer": case.answer} if case.error is None else {"error": _described(case.error)}
    return {"case_id": case.case_id, "done": case.done, **became}


@app.command("team", rich_help_panel="Work")
def team_(
    team: Annotated[str, typer.Argument(help="The policy's word for the team, such as safety.", show_default=False)],
    limit: Limit = 100,
    json: Json = False,
) -> int:
    """Show what a team has to do: the most urgent first, of those what is due first."""

    return _list("hand_offs", lambda complaints: complaints.team_list(team, limit), page.team_table, json)


@app.command("off-shift", rich_help_panel="Work")
def off_shift(limit: Limit = 100, json: Json = False) -> int:
    """List the open cases whose owner is not at work now (HOF-5)."""

    return _list("cases", lambda complaints: complaints.off_shift(limit), page.case_table, json)


@app.command("staff", rich_help_panel="Work")
def staff_(
    file: Annotated[Path, typer.Argument(help="Teams, agents and shifts, in YAML.", show_default=False)],
    json: Json = False,
) -> int:
    """Put teams, agents and shifts on record, or bring them up to date."""
    people = staff.load(file)

    async def work(complaints: Complaints) -> int:
        await complaints.put_on_record(people)
        counts = {"teams": len(people.teams), "agents": len(people.agents), "shifts": len(people.shifts)}
        if json:
            _print_json(counts)
        else:
            _print("on record: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
        return 0

    return _run(work)


# --- acting on cases ------------------------------------------------------------------------------


@app.command("open", rich_help_panel="Acts")
def open_(
    file: Annotated[Path, typer.Argument(help="The complaint, in YAML or JSON.", show_default=False)],
    who: As = "buyer",
    request_id: RequestId = None,
    source: Source = None,
    patience: Patience = 30,
    json: Json = False,
) -> int:
    """File a complaint, or join the open case on the same order (INT-1)."""
    complaint = case_file.load(file)

    async def work(complaints: Complaints) -> Answer:
        ours = {Role.COMPLAINANT: complaint.complainant, Role.RESPONDENT: complaint.respondent}
        actor = _written_actor(who) or Actor(id=ours[PARTIES[who]], role=PARTIES[who])
        return await complaints.open(complaint, actor=actor, folder=file.parent, request_id=request_id)

    return _act(work, source, patience, json)


def _command(act_type: type[Act]) -> Callable[..., int]:
    """The command of an act: its words are the act's fields, its help is the act's docstring."""

    def command(
        case: str,
        who: str,
        request_id: str | None,
        at: str | None,
        source: str | None,
        patience: float,
        json: bool,
        **given: Any,
    ) -> int:
        draft = acts.draft(act_type, given) | ({"at": at} if at else {})
        if issubclass(act_type, Reviving):
            draft["case_id"] = case
        stand_in = Actor(id="somebody", role=Role.AGENT)
        drafts.check(act_type, draft | {"request_id": request_id or "later", "actor": stand_in})

        async def work(complaints: Complaints) -> Answer:
            actor = await _actor(complaints, who, case)
            whole = draft | {"actor": actor, "request_id": request_id or complaints.new_request_id()}
            owner = actor.id
            if drafts.holds_content(draft) and actor.role not in PARTIES.values():
                owner = await complaints.party(case, Party.COMPLAINANT)
            act = await complaints.write(act_type, whole, owner)
            return await (complaints.revive(act) if isinstance(act, Reviving) else complaints.act(case, act))

        return _act(work, source, patience, json)

    annotations = {
        "case": Case,
        "who": As,
        "request_id": RequestId,
        "at": At,
        "source": Source,
        "patience": Patience,
        "json": Json,
    }
    return _with_words(command, annotations, act_type)


def _with_words(command: Callable[..., int], annotations: dict[str, Any], act_type: type[Act]) -> Callable[..., int]:
    """A command with words of its own, and those of the act's fields after the first two."""
    defaults = {"request_id": None, "at": None, "source": None, "patience": 30.0, "json": False}
    own = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=defaults.get(name, inspect.Parameter.empty),
        )
        for name, annotation in annotations.items()
    ]
    parameters = [*own[:2], *acts.options(act_type), *own[2:]]
    # Typer reads a function's signature and annotations; this function's are made here.
    made: Any = command
    made.__signature__ = inspect.Signature(parameters, return_annotation=int)
    made.__annotations__ = {each.name: each.annotation for each in parameters}
    made.__doc__ = act_type.__doc__
    return command


for _act_type in ACTS:
    if _act_type not in (FileComplaint, *NOT_FOR_PEOPLE):
        _name = _act_type.name().replace("_", "-")
        app.command(OWN_WORDS.get(_name, _name), rich_help_panel="Acts")(_command(_act_type))


# --- incidents ------------------------------------------------------------------------------------


@app.command()
def incidents(
    closed: Annotated[bool, typer.Option("--closed", help="The closed ones instead of the open ones.")] = False,
    limit: Limit = 100,
    json: Json = False,
) -> int:
    """List the incidents: many complaints about one seller or product, the latest first."""

    return _list(
        "incidents",
        lambda complaints: complaints.incidents(closed=closed, limit=limit),
        page.incident_table,
        json,
    )


@app.command()
def incident(incident: Incident, json: Json = False) -> int:
    """Show an incident, and how far each act on it has gone round its cases."""

    async def work(complaints: Complaints) -> int:
        found = await complaints.incident(incident)
        if json:
            _print_json(found)
        else:
            _print(incident_core.page(found, default_book().policy(found.policy)))
        return 0

    return _run(work)


incident_act = typer.Typer(
    name="incident-act", help="Do an act to every case of an incident, or close it.", cls=Commands, add_completion=False
)
app.add_typer(incident_act, rich_help_panel="Acts")


@incident_act.callback()
def _of_incident(context: typer.Context, incident: Incident) -> None:
    context.obj = incident


def _incident_command(act_type: type[Act]) -> Callable[..., int]:
    def command(
        context: typer.Context,
        who: str,
        request_id: str | None,
        at: str | None,
        source: str | None,
        patience: float,
        json: bool,
        **given: Any,
    ) -> int:
        actor = _written_actor(who)
        if actor is None:
            raise UsageError("a party acts on its own case only; say a role and an id, such as agent:agent-03", "--as")
        draft = acts.draft(act_type, given) | ({"at": at} if at else {}) | {"actor": actor}
        drafts.check(act_type, draft | {"request_id": request_id or "later"})

        async def work(complaints: Complaints) -> Answer:
            whole = draft | {"request_id": request_id or complaints.new_request_id()}
            act: Any = await complaints.write(act_type, whole, actor.id)
            return await complaints.act_on_incident(context.obj, act)

        return _act(work, source, patience, json)

    annotations = {
        "context": typer.Context,
        "who": As,
        "request_id": RequestId,
        "at": At,
        "source": Source,
        "patience": Patience,
        "json": Json,
    }
    return _with_words(command, annotations, act_type)


INCIDENT_ACTS: tuple[type[Act], ...] = (*MASS_ACTS, CloseIncident)
for _act_type in INCIDENT_ACTS:
    incident_act.command(_act_type.name().replace("_", "-"))(_incident_command(_act_type))


# --- who acts -------------------------------------------------------------------------------------


async def _actor(complaints: Complaints, who: str, case_id: str) -> Actor:
    """Who acts: a party of the case, or somebody by role and id. Raises UsageError, NotFoundError."""
    if (actor := _written_actor(who)) is not None:
        return actor
    role = PARTIES[who]
    return Actor(id=await complaints.party(case_id, Party(role)), role=role)


def _written_actor(who: str) -> Actor | None:
    """Who acts, as far as it is written; None for a party whose id the case knows. Raises UsageError."""
    if who in PARTIES:
        return None
    role, _, name = who.partition(":")
    try:
        written = {"id": name, "role": PARTIES.get(role, role)}
        actor = msgspec.convert(written, Actor)
    except msgspec.ValidationError:
        actor = None
    if actor is None or actor.role in (Role.ENGINE, Role.UNATTRIBUTED):
        roles = "agent, supervisor, service, buyer or seller"
        raise UsageError(f"say buyer, seller, or a role and an id, such as agent:agent-03; roles are {roles}", "--as")
    return actor


# --- running and printing -------------------------------------------------------------------------


def _act(work: Callable[[Complaints], Awaitable[Answer]], source: str | None, patience: float, json: bool) -> int:
    async def answered(complaints: Complaints) -> int:
        return _tell(await work(complaints), json)

    return _run(answered, source=source, patience=patience)


def _tell(answer: Answer, json: bool) -> int:
    if json:
        _print_json(answer)
    else:
        _print(_told(answer))
    return exit_code(answer)


def _told(answer: Answer) -> str:
    if answer.refusal is not None:
        rule = f" ({answer.refusal.rule})" if answer.refusal.rule else ""
        return f"{answer.case_id}: refused, {answer.refusal.message}{rule}"
    # What goes round an incident has a number there, and no stage.
    done = f"entry {answer.entry}; {answer.stage}, {answer.level}" if answer.stage else f"act {answer.entry}"
    return f"{answer.case_id}: done, {done}"


def _run(work: Callable[[Complaints], Awaitable[int]], source: str | None = None, patience: float = 30) -> int:
    async def connected() -> int:
        async with connect(Settings.load(), source=source, patience=patience) as complaints:
            return await work(complaints)

    return asyncio.run(connected())


def _list(
    name: str,
    find: Callable[[Complaints], Awaitable[Sequence[T]]],
    table: Callable[[Iterable[T], Local], RenderableType],
    json: bool,
) -> int:
    """Show what is found in a table, or under a name as JSON."""

    async def work(complaints: Complaints) -> int:
        found = await find(complaints)
        if json:
            _print_json({name: found})
        else:
            _print(table(found, _local()))
        return 0

    return _run(work)


def _entry(entry: Entry, local: Callable[[Any], str]) -> dict[str, Any]:
    return {
        "number": entry.number,
        "event": entry.event,
        "decided_at": entry.decided_at,
        "effective_at": entry.effective_at,
        "actor": entry.actor,
        "words": happening(entry, local),
        "rules": entry.rules,
        "hash": entry.hash,
    }


def _local() -> Callable[[Any], str]:
    """Instants as the platform reads them."""
    return clock_time(platform_zone())


def _print(*parts: RenderableType) -> None:
    out = page.console()
    for part in parts:
        out.print(part, markup=False, soft_wrap=isinstance(part, str))


def _print_json(value: Any, indent: int = 2) -> None:
    data = msgspec.json.encode(value)
    print(msgspec.json.format(data, indent=indent).decode() if indent else data.decode(), flush=True)
