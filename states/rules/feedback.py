"""Feedback and notices: the result is told to both sides, and it is made sure that they know (FBK-1)."""

from msgspec.structs import replace

from policies.schema import ClockKind, Party, Stage
from states import facts
from states.case import Case
from states.draft import Draft, expect
from states.effects import AnyOutcome, Done, SendNotice
from states.lifecycle import NoticeLife, step
from states.rules import escalation, follow_up, reversal
from states.values import Notice, NoticeState, OccurrenceState, PenaltyState, RemedyState


def open_(draft: Draft, template: str, **details: str) -> None:
    """Both sides are told the result (FBK-1)."""
    draft.tell_both(template, "FBK-1", **details)


def notice_sent(draft: Draft, effect: SendNotice, outcome: AnyOutcome) -> None:
    """Delivery is on record; what one channel does not deliver goes through the next, and then to an agent (FBK-1)."""
    notice = next(n for n in draft.case.notices if n.id == effect.notice)
    if notice.state is not NoticeState.SENDING:
        return
    if isinstance(outcome, Done):
        _set(draft, notice, "deliver")
        return
    left = [c for c in draft.pack.notices[notice.template].channels if c not in notice.tried]
    if not left:
        _set(draft, notice, "hand_to_agent")
        return
    notice = _set(draft, replace(notice, tried=(*notice.tried, left[0])), "retry")
    draft.order(replace(effect, key=draft.effect_key(), channel=left[0]), "FBK-1")


def reached(draft: Draft, party: Party) -> None:
    """An agent spoke to the party: notices that no channel delivered are told (FBK-1)."""
    for notice in draft.case.notices:
        if notice.party is party and notice.state is NoticeState.WITH_AGENT:
            _set(draft, notice, "deliver")


def _set(draft: Draft, notice: Notice, by: str) -> Notice:
    state = expect(step(NoticeLife, notice.state, by), f"notice {notice.id}", notice.state)
    notice = replace(notice, state=state)
    draft.record(facts.NoticeSet(by=by, notice=notice, rules=("FBK-1",)))
    return notice


def told(draft: Draft) -> bool:
    """Whether everyone knows what must reach them."""
    return all(
        notice.state is NoticeState.DELIVERED
        for notice in draft.case.notices
        if draft.pack.notices[notice.template].must_reach
    )


def conclude(draft: Draft) -> None:
    """Once the result is told and carried out, the case is followed up, or closed where nothing was decided."""
    if not told(draft):
        return
    draft.meet(draft.case.clock(ClockKind.FEEDBACK))
    stage = draft.case.stage
    if stage is Stage.FEEDBACK and _carried_out(draft.case):
        _result_told(draft)
        draft.move("carry_out", "FBK-1", "FUP-3")
        follow_up.open_(draft)
    elif stage is Stage.REFUSED:
        _result_told(draft)
        draft.move("close", "FBK-1")
    elif stage is Stage.WITHDRAWN:
        draft.move("close", "FBK-1")


def _carried_out(case: Case) -> bool:
    """Whether nothing that the result brings is still on its way: no remedy, no penalty, no count, no reversal."""
    return (
        all(remedy.state is not RemedyState.ORDERED for remedy in case.remedies)
        and all(penalty.state is not PenaltyState.IMPOSED for penalty in case.penalties)
        and all(occurrence.state is not OccurrenceState.RECORDED for occurrence in case.occurrences)
        and not reversal.under_way(case)
    )


def _result_told(draft: Draft) -> None:
    """From now on the result can be contested (ESC-7, APL-1), and a body outside can have it (ESC-5)."""
    draft.record(facts.ResultTold(at=draft.at, rules=("FBK-1",)))
    escalation.settle_outside(draft)
