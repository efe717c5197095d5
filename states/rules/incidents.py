"""Mass matters: many complaints about one seller or one product are one incident."""

from policies.schema import IncidentRule, Matter, Side
from states import facts
from states.draft import Draft, Refused
from states.effects import AnyOutcome, CountMatter, MatterCounted
from states.events import LinkIncident
from states.rules import evidence


def count(draft: Draft) -> None:
    """An admitted complaint counts for what it may have in common with others."""
    for rule in draft.pack.incidents:
        subject = _subject(draft, rule.matter)
        if subject is not None and (not rule.categories or draft.case.category in rule.categories):
            _count(draft, rule, subject)


def _subject(draft: Draft, matter: Matter) -> str | None:
    if matter is Matter.PRODUCT:
        return draft.case.order.product if draft.case.order is not None else None
    complained_about = draft.party_on(Side.SELLER)
    seller = draft.case.reference_of(complained_about)
    return seller if seller == draft.case.respondent and not draft.category.names_agent else None


def _count(draft: Draft, rule: IncidentRule, subject: str) -> None:
    draft.order(
        CountMatter(
            key=draft.effect_key(),
            matter=rule.matter,
            subject=subject,
            category=draft.case.category,
            within_days=rule.within_days,
            complaints=rule.complaints,
        ),
        "REP-3",
    )


def counted(draft: Draft, outcome: AnyOutcome) -> None:
    """From the policy's number on the case belongs to the incident of its matter."""
    if isinstance(outcome, MatterCounted) and outcome.incident is not None and draft.case.incident is None:
        draft.record(facts.IncidentLinked(incident=outcome.incident, rules=("REP-3",)))


def link(draft: Draft, act: LinkIncident) -> None:
    """A case that was counted before there was an incident is linked to it afterwards."""
    evidence.require_open(draft)
    if draft.case.incident is not None:
        raise Refused("linked", f"incident: the case belongs to {draft.case.incident} already", "REP-3")
    draft.record(facts.IncidentLinked(incident=act.incident, rules=("REP-3",)))
