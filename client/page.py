"""Cases on a page and in a table, for people at a terminal."""

from collections.abc import Iterable, Mapping

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from activities.matters import IncidentRow
from activities.views import TeamTask
from client.complaints import StuckCase
from client.words import Local, amount, clock_time, conduct_shown, happening, terms, zone
from states.case import Case
from states.journal import Entry
from states.values import TextRef
from states.view import CaseRow, Progress, open_clocks, possible_acts

NARROWEST = 160
"""Columns that are taken where there is no terminal to ask."""


def console() -> Console:
    """Where pages go: the terminal, or plain text of a readable width."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=max(plain.width, NARROWEST))


def case_page(case: Case, entries: Iterable[Entry], texts: Mapping[str, str]) -> list[RenderableType]:
    """Everything that is on a case's file, top down: where it stands, what is open, what happened."""
    local = clock_time(zone(case))
    parts: list[RenderableType] = [
        Text(f"{case.case_id}  {case.stage}, {case.level}", style="bold"),
        _pairs(_standing(case, local)),
    ]
    if texts:
        parts += [Text("\nTexts", style="bold"), _pairs([(place, texts[ref.ref]) for place, ref in texts_of(case)])]
    for title, table in (
        ("Clocks", _table(("clock", "state", "due"), _clocks(case, local))),
        ("Evidence", _table(("id", "kind", "from", "submitted", "bytes"), _evidence(case, local))),
        ("Requests", _table(("id", "to", "wanted", "state"), _requests(case))),
        ("Proposals", _table(("id", "by", "terms", "state", "awaiting"), _proposals(case))),
        ("Remedies", _table(("id", "terms", "state", "steps done"), _remedies(case))),
        ("Penalties", _table(("id", "row", "against", "rule", "policy", "state"), _penalties(case))),
        ("Counted against the seller", _table(("id", "what", "count", "state"), _occurrences(case))),
        ("What the texts show", _table(("id", "shows", "state", "found by", "said"), _triage(case, texts))),
        ("Complaints outside", _table(("id", "body", "reference", "made", "due"), _externals(case, local))),
        ("Known solutions", _table(("id", "by", "offered", "state"), _offers(case, local))),
        (
            "Hand-offs",
            _table(("id", "route", "team", "consent", "state", "worker", "level", "result"), _hand_offs(case)),
        ),
        ("Conduct of the service", _table(("id", "row", "who", "when", "shown by"), _staff_conduct(case, local))),
        ("Reviews and appeals", _table(("id", "kind", "by", "evidence", "state"), _appeals(case))),
    ):
        if table.row_count:
            parts += [Text(f"\n{title}", style="bold"), table]
    parts.append(Text("\nJournal", style="bold"))
    parts.append(_table(("", "when", "what", "rules"), [_told(entry, local) for entry in entries]))
    parts += [Text("\nWhat may be done now", style="bold"), Text(", ".join(sorted(possible_acts(case))) or "nothing")]
    return parts


def _told(entry: Entry, local: Local) -> tuple[str, ...]:
    return str(entry.number), local(entry.effective_at), happening(entry, local), " ".join(entry.rules)


def texts_of(case: Case) -> list[tuple[str, TextRef]]:
    """The texts on a case's file, each with what it is."""
    found = [("title", case.title), ("description", case.description)]
    found += [
        (f"{contact.channel}, {contact.by}", contact.text)
        for contact in case.contacts
        if contact.text is not None and contact.text != case.description
    ]
    found += [(f"statement of the {statement.party}", statement.text) for statement in case.statements]
    if case.ruling is not None:
        found.append(("reasons of the ruling", case.ruling.reasons))
    found += [(f"survey {survey.closing}", survey.comment) for survey in case.surveys if survey.comment is not None]
    found += [(f"known solution {offer.id}", offer.text) for offer in case.offers]
    for each in case.hand_offs:
        said = (("reason", each.reason), ("note", each.note))
        found += [(f"{what} of hand-off {each.id}", text) for what, text in said if text is not None]
    return found


def case_table(rows: Iterable[CaseRow], local: Local) -> Table:
    """Cases in a list."""
    names = ("case", "priority", "stage", "level", "category", "respondent", "owner", "next deadline", "outcome")
    return _table(
        names,
        [
            (
                row.case_id,
                row.priority,
                row.stage,
                row.level,
                row.category,
                row.respondent,
                row.owner or "",
                f"{local(row.next_deadline)} {row.next_clock}" if row.next_deadline else "",
                row.outcome or "",
            )
            for row in rows
        ],
    )


def team_table(tasks: Iterable[TeamTask], local: Local) -> Table:
    """What a team has to do."""
    return _table(
        ("case", "priority", "hand-off", "route", "state", "worker", "level", "due", ""),
        [
            (
                task.case_id,
                task.priority,
                task.hand_off.id,
                task.hand_off.route,
                task.hand_off.state,
                task.hand_off.worker,
                task.hand_off.level,
                local(task.hand_off.due) if task.hand_off.due else "",
                "late" if task.hand_off.late else "",
            )
            for task in tasks
        ],
    )


def stuck_table(cases: Iterable[StuckCase]) -> Table:
    """Cases whose workflow tasks fail, and why."""
    return _table(
        ("case", "run", "problems"), [(case.case_id, case.run_id, ", ".join(case.problems)) for case in cases]
    )


def incident_table(rows: Iterable[IncidentRow], local: Local) -> Table:
    """Incidents in a list."""
    return _table(
        ("incident", "cases", "open since", "closed"),
        [(row.id, str(row.cases), local(row.opened_at), local(row.closed_at) if row.closed_at else "") for row in rows],
    )


def progress_page(progress: Progress, local: Local) -> Table:
    """What the complainant may see."""
    clocks = [f"{clock.clock} {clock.state} until {local(clock.due)}" for clock in progress.clocks]
    return _pairs(
        [
            ("case", progress.case_id),
            ("stage", progress.stage),
            ("outcome", progress.outcome or "open"),
            ("path", " > ".join(progress.path)),
            ("asked of you", "\n".join(progress.asked_of_you) or "nothing"),
            ("clocks", "\n".join(clocks) or "none"),
            ("remedies", "\n".join(progress.remedies) or "none"),
        ]
    )


def _standing(case: Case, local: Local) -> list[tuple[str, str]]:
    marks = [mark for mark, holds in (("high risk", case.high_risk), ("external", case.external)) if holds]
    factors = ", ".join(map(str, case.factors))
    wanted = ", ".join(case.claim.remedies) + amount(case.claim.amount_fen)
    return [
        ("category", ", ".join([case.category, *marks])),
        ("priority", case.priority + (f" ({factors})" if factors else "")),
        ("complainant, respondent", f"{case.complainant}, {case.respondent}"),
        ("orders", ", ".join(case.orders)),
        ("wants", wanted),
        ("owner", case.owner or "none yet"),
        ("incident", case.incident or "none"),
        ("outcome", f"{case.outcome or 'open'} {case.outcome_ground}".strip()),
        ("received", f"{local(case.received_at)} by {case.channel}"),
        ("policy", str(case.policy)),
        ("policy of penalties", str(case.penalty_policy or "none")),
        ("path", " > ".join(case.path)),
    ]


Row = tuple[str, ...]


def _clocks(case: Case, local: Local) -> list[Row]:
    return [(c.clock, c.state, local(c.due) + (" provisional" if c.provisional else "")) for c in open_clocks(case)]


def _evidence(case: Case, local: Local) -> list[Row]:
    return [(e.id, e.kind, e.submitter, local(e.submitted_at), str(e.content.size)) for e in case.evidence]


def _requests(case: Case) -> list[Row]:
    return [(r.id, r.party, ", ".join(r.wanted), r.state) for r in case.requests]


def _proposals(case: Case) -> list[Row]:
    return [(p.id, p.by, terms(p.terms), p.state, ", ".join(p.awaiting)) for p in case.proposals]


def _remedies(case: Case) -> list[Row]:
    return [
        (r.id, terms(r.terms), r.state, f"{sum(step.done_at is not None for step in r.steps)} of {len(r.steps)}")
        for r in case.remedies
    ]


def _penalties(case: Case) -> list[Row]:
    return [(p.id, p.row, p.against, p.rule, p.policy, p.state) for p in case.penalties]


def _occurrences(case: Case) -> list[Row]:
    return [(o.id, o.counts, "" if o.count is None else str(o.count), o.state) for o in case.occurrences]


def _triage(case: Case, texts: Mapping[str, str]) -> list[Row]:
    """What was proposed from texts, and by which words of theirs, where they were read."""
    return [
        (
            shown.id,
            shown.shows,
            shown.state,
            shown.found_by,
            "; ".join(texts[each.text][each.start : each.end] for each in shown.excerpts if each.text in texts),
        )
        for shown in case.triage
    ]


def _externals(case: Case, local: Local) -> list[Row]:
    return [(x.id, x.body, x.reference, local(x.made_at), local(x.due) if x.due else "") for x in case.externals]


def _offers(case: Case, local: Local) -> list[Row]:
    return [(o.id, o.by, local(o.at), o.state) for o in case.offers]


def _hand_offs(case: Case) -> list[Row]:
    return [
        (h.id, h.route, h.team, h.consent.state, f"{h.state}{', late' if h.late else ''}", h.worker, h.level, h.result)
        for h in case.hand_offs
    ]


def _staff_conduct(case: Case, local: Local) -> list[Row]:
    return [(c.id, c.row, c.staff, local(c.at), conduct_shown(c).removeprefix(", ")) for c in case.staff_conduct]


def _appeals(case: Case) -> list[Row]:
    return [(a.id, a.kind, a.party, ", ".join(a.evidence), a.code or a.state) for a in case.appeals]


def _table(names: Row, rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, name in enumerate(names):
        # The first one is the id: it has to stay whole to be copied.
        table.add_column(name, overflow="fold", no_wrap=place == 0)
    for row in rows:
        # Plain texts: nothing that somebody wrote is taken for markup.
        table.add_row(*(Text(cell) for cell in row))
    return table


def _pairs(pairs: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name), Text(value))
    return table
