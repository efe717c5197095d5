"""Review and appeals: who may have a decided case heard again, how often, on what, and by whom (ESC-7, area APL)."""

from datetime import timedelta

from msgspec.structs import replace

from policies.schema import AppealRoute, Channel, HearingRule, OrderState, Outcome, Party, Stage, Trigger
from states import facts
from states.case import Case
from states.draft import Draft, Refused, expect, next_id
from states.effects import LookUpOrder
from states.events import FileAppeal, FileComplaint, RequestReview
from states.lifecycle import AppealLife, step
from states.rules import evidence, verification
from states.values import Appeal, AppealState, Evidence, Hearing, HearingKind

BOTH = (Party.COMPLAINANT, Party.RESPONDENT)
DECIDED = frozenset({Outcome.AGREED, Outcome.UPHELD, Outcome.DISMISSED, Outcome.EXPLAINED, Outcome.REFUSED})
"""The outcomes that somebody decided or agreed to; only these can be heard again."""
TRIGGERS = {HearingKind.REVIEW: Trigger.REVIEW, HearingKind.APPEAL: Trigger.APPEAL}


def request_review(draft: Draft, act: RequestReview) -> None:
    """The complainant has the first result reviewed, without new evidence: it is verified again (ESC-7)."""
    _require_told(draft, "ESC-7")
    _require_free(draft, HearingKind.REVIEW, Party.COMPLAINANT, "ESC-7")
    if any(hearing.kind in TRIGGERS for hearing in _hearings(draft.case)):
        raise Refused("not_first_result", "the first result is reviewed; later ones are appealed against", "ESC-7")
    appeal = _file(draft, HearingKind.REVIEW, Party.COMPLAINANT, act.channel, (), "ESC-7")
    _hear(draft, appeal, "review", "ESC-7")


def file_appeal(draft: Draft, act: FileAppeal) -> None:
    """Either party appeals against the result, on new evidence (APL-1, APL-2)."""
    _require_told(draft, "APL-1")
    party = draft.party_of(act.actor)
    _require_appealable(draft, party, act.channel)
    before = len(draft.case.evidence)
    evidence.add(draft, act, evidence.new_items(draft.case, act.items), "APL-1")
    _appeal(draft, party, act.channel, draft.case.evidence[before:])


def appeal_by_complaint(draft: Draft, act: FileComplaint, items: tuple[Evidence, ...]) -> None:
    """The same complaint again, with new evidence that is on the file by now, is an appeal (ADM-5).

    Where no appeal is possible the complainant is told so, and the evidence stays on the file.
    """
    try:
        _require_appealable(draft, Party.COMPLAINANT, act.channel)
        _appeal(draft, Party.COMPLAINANT, act.channel, items, "ADM-5")
    except Refused as refused:
        draft.refuse_on_record(refused.code, refused.message, refused.rule)


def examine(draft: Draft) -> None:
    """Once the order was looked up anew, its state says where the appeal leads (APL-1, APL-2)."""
    _verify_before_ruling(draft)
    appeal = draft.case.open_appeal
    if appeal is None:
        return
    if not draft.can("appeal"):  # the case was brought back on another way, and what is new is heard there
        _set(draft, replace(appeal, code="case_open"), "refuse", "APL-1")
        return
    if any(isinstance(effect, LookUpOrder) for effect in draft.case.outbox):
        return
    order = draft.case.order
    route = AppealRoute.VERIFICATION if order is None else draft.pack.appeal.routes[order.state]
    rules = ("APL-1",) if order is None or order.state is OrderState.OPEN else ("APL-1", "APL-2")
    if order is not None and route is AppealRoute.NOT_HEARD and draft.case.outcome is not Outcome.REFUSED:
        _set(draft, replace(appeal, code=f"order_{order.state}"), "refuse", *rules)
        draft.tell("appeal_not_heard", appeal.party, *rules)
        return
    _hear(draft, appeal, "negotiate" if route is AppealRoute.COORDINATION else "appeal", *rules)


def _verify_before_ruling(draft: Draft) -> None:
    """What was agreed on in an appeal before anything was found, and not kept (FUP-3), is verified first (APL-1)."""
    if draft.case.stage is Stage.RULING and draft.case.finding is None:
        draft.move("verify", "FUP-3", "APL-1")
        verification.open_(draft)


# --- what is asked of an appeal -----------------------------------------------------------


def _require_told(draft: Draft, rule: str) -> None:
    if draft.case.stage not in (Stage.FOLLOW_UP, Stage.CLOSED):
        raise Refused("wrong_stage", f"the case is {draft.case.stage}: a result is contested once it is told", rule)


def _require_appealable(draft: Draft, party: Party, channel: Channel) -> None:
    _require_free(draft, HearingKind.APPEAL, party, "APL-1")
    taken = draft.pack.appeal.channels
    if channel not in taken:
        raise Refused("wrong_channel", f"channel: appeals are taken through {', '.join(taken)}", "APL-4")


def _require_free(draft: Draft, kind: HearingKind, party: Party, rule: str) -> None:
    """There is a result that may still be contested in this way, and nobody is contesting it yet."""
    case = draft.case
    if case.outcome not in DECIDED or case.result_told_at is None:
        raise Refused("nothing_decided", "there is no decision that could be heard again", rule)
    if case.outcome is Outcome.REFUSED and party is not Party.COMPLAINANT:
        raise Refused("nothing_decided", "the complaint was not admitted: nothing was decided for the other side", rule)
    if case.final:
        raise Refused("final", "the ruling is final: the platform does not hear the case again", "ESC-7")
    if case.open_appeal is not None:
        raise Refused("appeal_open", f"appeal {case.open_appeal.id} is being examined", rule)
    limits = _limits(draft, kind)
    if _heard(draft, kind) >= limits.times:
        raise Refused("times_used_up", f"{limits.times} of {kind} are all that the policy allows", rule)
    until = case.result_told_at + timedelta(days=limits.within_days)
    way = "review_refusal" if case.outcome is Outcome.REFUSED else "appeal"
    if draft.at > until or not draft.can(way):
        raise Refused("window_over", f"the result could be contested until {until.isoformat()}", rule)


def _limits(draft: Draft, kind: HearingKind) -> HearingRule:
    return draft.pack.review if kind is HearingKind.REVIEW else draft.pack.appeal


def _heard(draft: Draft, kind: HearingKind) -> int:
    return sum(hearing.kind is kind for hearing in _hearings(draft.case))


def _hearings(case: Case) -> tuple[Hearing, ...]:
    """The hearings of the complaint as it was last filed: one filed anew has a first result of its own (ADM-5)."""
    filed = max(number for number, hearing in enumerate(case.hearings) if hearing.kind is HearingKind.FIRST)
    return case.hearings[filed:]


# --- filed, and heard ---------------------------------------------------------------------


def _appeal(draft: Draft, party: Party, channel: Channel, items: tuple[Evidence, ...], *rules: str) -> None:
    """An appeal on new evidence; the state of the order, on which it depends, is looked up anew (APL-1)."""
    if not items:
        raise Refused("no_new_evidence", "items: an appeal needs evidence that is not on the file yet", "APL-1")
    _file(draft, HearingKind.APPEAL, party, channel, tuple(item.id for item in items), "APL-1", "APL-4", *rules)
    draft.order(LookUpOrder(key=draft.effect_key(), order=draft.case.orders[0]), "APL-1")


def _file(
    draft: Draft, kind: HearingKind, party: Party, channel: Channel, items: tuple[str, ...], *rules: str
) -> Appeal:
    appeal = Appeal(
        id=next_id("A", draft.case.appeals),
        kind=kind,
        party=party,
        channel=channel,
        evidence=items,
        state=AppealState.EXAMINED,
        at=draft.at,
    )
    draft.record(facts.AppealSet(by="file", appeal=appeal, rules=rules))
    return appeal


def _set(draft: Draft, appeal: Appeal, by: str, *rules: str) -> None:
    state = expect(step(AppealLife, appeal.state, by), f"appeal {appeal.id}", appeal.state)
    draft.record(facts.AppealSet(by=by, appeal=replace(appeal, state=state), rules=rules))


def _hear(draft: Draft, appeal: Appeal, event: str, *rules: str) -> None:
    """The case is heard again, nothing of its result standing; both sides know."""
    admitted = draft.case.outcome is not Outcome.REFUSED
    limits = _limits(draft, appeal.kind)
    _set(draft, appeal, "hear", *rules)
    hearing = Hearing(
        kind=appeal.kind,
        opened_at=draft.at,
        requests=len(draft.case.requests),
        proposals=len(draft.case.proposals),
        barred=draft.case.deciders if limits.another_agent else (),
        final=limits.final and _heard(draft, appeal.kind) + 1 >= limits.times,
    )
    draft.record(facts.HearingOpened(hearing=hearing, rules=("ESC-7", *rules)))
    draft.record(facts.OutcomeSet(outcome=None, rules=rules))
    if draft.case.finding is not None:
        draft.record(facts.FindingRevoked(rules=rules))
    draft.move(event if admitted else "review_refusal", *rules)
    draft.raise_level(TRIGGERS[appeal.kind], *rules, arming=len(draft.case.hearings))
    for party in BOTH if admitted else (Party.COMPLAINANT,):  # of a refused complaint the other side knows nothing
        draft.tell("heard_again", party, *rules, hearing=appeal.kind)
    if draft.case.stage is Stage.VERIFICATION:
        verification.open_(draft)
