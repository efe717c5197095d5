"""The one registry of names that the engine's user interface and other processes rely on: task queue and search
attributes.

Attributes stay within what SQL visibility stores can hold: 10 keywords and 3 of every other type. They hold
references and words of the policy, never personal data.
"""

from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

from states.case import Case
from states.view import next_deadline

TASK_QUEUE = "complaints"
WORKFLOW = "complaint"

STAGE = SearchAttributeKey.for_keyword("TousuStage")
LEVEL = SearchAttributeKey.for_keyword("TousuLevel")
CATEGORY = SearchAttributeKey.for_keyword("TousuCategory")
SELLER = SearchAttributeKey.for_keyword("TousuSeller")
OWNER = SearchAttributeKey.for_keyword("TousuOwner")
OUTCOME = SearchAttributeKey.for_keyword("TousuOutcome")
POLICY = SearchAttributeKey.for_keyword("TousuPolicy")
PRIORITY = SearchAttributeKey.for_keyword("TousuPriority")
INCIDENT = SearchAttributeKey.for_keyword("TousuIncident")
TEAMS = SearchAttributeKey.for_keyword_list("TousuTeams")
LATE = SearchAttributeKey.for_bool("TousuLate")
EXTERNAL = SearchAttributeKey.for_bool("TousuExternal")
HIGH_RISK = SearchAttributeKey.for_bool("TousuHighRisk")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("TousuNextDeadline")

SEARCH_ATTRIBUTES: tuple[SearchAttributeKey[Any], ...] = (
    STAGE,
    LEVEL,
    CATEGORY,
    SELLER,
    OWNER,
    OUTCOME,
    POLICY,
    PRIORITY,
    INCIDENT,
    TEAMS,
    LATE,
    EXTERNAL,
    HIGH_RISK,
    NEXT_DEADLINE,
)


def attributes(case: Case) -> TypedSearchAttributes:
    """What operators can search a case by."""
    clock = next_deadline(case)
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(STAGE, str(case.stage)),
        SearchAttributePair(LEVEL, str(case.level)),
        SearchAttributePair(CATEGORY, str(case.category)),
        SearchAttributePair(SELLER, case.respondent),
        SearchAttributePair(POLICY, str(case.policy)),
        SearchAttributePair(PRIORITY, str(case.priority)),
        SearchAttributePair(EXTERNAL, case.external),
        SearchAttributePair(HIGH_RISK, case.high_risk),
        SearchAttributePair(LATE, case.late),
    ]
    if case.open_hand_offs:
        pairs.append(SearchAttributePair(TEAMS, sorted({each.team for each in case.open_hand_offs})))
    if case.incident is not None:
        pairs.append(SearchAttributePair(INCIDENT, case.incident))
    if case.owner is not None:
        pairs.append(SearchAttributePair(OWNER, case.owner))
    if case.outcome is not None:
        pairs.append(SearchAttributePair(OUTCOME, str(case.outcome)))
    if clock is not None:
        pairs.append(SearchAttributePair(NEXT_DEADLINE, clock.due))
    return TypedSearchAttributes(pairs)


def changes(before: TypedSearchAttributes, after: TypedSearchAttributes) -> list[SearchAttributeUpdate[Any]]:
    """The updates that lead from one set of attributes to another."""
    updates = [pair.key.value_set(pair.value) for pair in after if pair not in before.search_attributes]
    kept = {pair.key for pair in after}
    return updates + [pair.key.value_unset() for pair in before if pair.key not in kept]
