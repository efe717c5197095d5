"""The conduct of service staff: found in a transcript, or recorded by an agent (area CON)."""

from datetime import datetime
from zoneinfo import ZoneInfo

from policies.conduct import ConductRow, ConductRules
from policies.schema import Stage, Trigger
from states import facts
from states.draft import Draft, Refused, next_id
from states.effects import AnyOutcome, Failed, ReadTranscript, TranscriptRead
from states.events import ExamineTranscript, RecordConduct
from states.values import StaffConduct

TRANSCRIPT = "chat_log"
"""The kind of evidence that is a transcript."""


def examine_transcript(draft: Draft, act: ExamineTranscript) -> None:
    """Have a transcript on file read; its text stays in the vault, only the findings come back (CON-2)."""
    _require_file(draft)
    item = next((item for item in draft.case.evidence if item.id == act.evidence), None)
    if item is None or item.kind != TRANSCRIPT:
        raise Refused("no_transcript", f"evidence: {act.evidence} is not a {TRANSCRIPT} on file", "CON-2")
    reading = any(isinstance(e, ReadTranscript) and e.evidence == item.id for e in draft.case.outbox)
    if reading or item.id in draft.case.transcripts:
        raise Refused("examined_before", f"evidence: {item.id} was examined already", "CON-2")
    _table(draft)
    policy = draft.case.penalty_policy or draft.case.policy
    draft.order(
        ReadTranscript(key=draft.effect_key(), evidence=item.id, content=item.content, policy=policy),
        "CON-2",
    )


def transcript_read(draft: Draft, effect: ReadTranscript, outcome: AnyOutcome) -> None:
    """What the transcript shows: each finding a named row of the table, with its figure and the message cited
    (CON-2).
    """
    if not isinstance(outcome, TranscriptRead):
        code = outcome.code if isinstance(outcome, Failed) else "unexpected_outcome"
        draft.record(facts.TranscriptExamined(evidence=effect.evidence, code=code, rules=("CON-2",)))
        return
    examined = facts.TranscriptExamined(
        evidence=effect.evidence, findings=len(outcome.findings), omitted=outcome.omitted, rules=("CON-2",)
    )
    draft.record(examined)
    rows = draft.book.policy(effect.policy).pack.conduct.rows
    for found in outcome.findings:
        _find(
            draft,
            rows[found.row],
            StaffConduct(
                id=next_id("C", draft.case.staff_conduct),
                row=found.row,
                staff=found.staff,
                at=found.at,
                amount_fen=rows[found.row].amount_fen,
                evidence=effect.evidence,
                message=found.message,
                about=found.about or "",
                figure=found.figure,
                unit=found.unit.value,
                by="engine",
            ),
        )


def record(draft: Draft, act: RecordConduct) -> None:
    """What a transcript cannot show is recorded by an agent (CON-4, CON-5), of whoever served then (CON-6)."""
    _require_file(draft)
    if act.reason is None:
        raise Refused("reason_missing", "reason: a finding about conduct needs a reason", "CON-1")
    table = _table(draft)
    row = table.rows.get(act.row)
    if row is None:
        raise Refused("unknown_row", f"row: {act.row} is not one of {', '.join(table.rows)}", "CON-4")
    if not _in_force(draft, table, act.conduct_at):
        raise Refused("not_in_force", "conduct_at: the conduct table did not bind then", "CON-6")
    if act.evidence is not None and all(item.id != act.evidence for item in draft.case.evidence):
        raise Refused("unknown_evidence", f"evidence: {act.evidence} is not on the file", "CON-1")
    if act.message is not None and act.evidence is None:
        raise Refused("transcript_missing", "evidence: a message is cited with the transcript that it is in", "CON-1")
    _refuse_exempt(draft, row, act)
    _find(
        draft,
        row,
        StaffConduct(
            id=next_id("C", draft.case.staff_conduct),
            row=act.row,
            staff=act.staff,
            at=act.conduct_at,
            amount_fen=row.amount_fen,
            evidence=act.evidence or "",
            message=act.message or "",
            by=act.actor.id if act.actor else "",
        ),
    )


def _require_file(draft: Draft) -> None:
    """Findings can be made as long as there is a file, also about staff that have left (CON-6)."""
    if draft.case.stage is Stage.ARCHIVED:
        raise Refused("archived", f"{draft.case.case_id} is archived: reopen it first", "CON-6")


def _table(draft: Draft) -> ConductRules:
    """The conduct table of the time of the conduct (PEN-4)."""
    if draft.penalty_pack is None:
        raise Refused("not_in_force", "no conduct table was in force at the time of the conduct", "PEN-4")
    return draft.penalty_pack.conduct


def _in_force(draft: Draft, table: ConductRules, at: datetime) -> bool:
    """Whether the table bound on the day of the conduct, which is not to come (CON-6)."""
    day = at.astimezone(ZoneInfo(draft.policy.calendar.timezone)).date()
    ended = table.in_force_until is not None and day >= table.in_force_until
    return at <= draft.at and table.in_force_from <= day and not ended


def _refuse_exempt(draft: Draft, row: ConductRow, act: RecordConduct) -> None:
    """A demand beyond the simple ones that was reported upwards is exempt (CON-6)."""
    if not row.simple_reasons:
        return
    if act.demand is None:
        raise Refused("demand_missing", f"demand: {act.row} depends on what was demanded", "CON-6")
    reported = any(escalation.trigger is Trigger.BY_HAND for escalation in draft.case.escalations)
    if act.demand not in row.simple_reasons and reported:
        raise Refused("exempt", f"demand: {act.demand} is no simple one, and was reported upwards", "CON-6")


def _find(draft: Draft, row: ConductRow, conduct: StaffConduct) -> None:
    draft.record(facts.StaffConductFound(conduct=conduct, rules=(row.rule,)))
