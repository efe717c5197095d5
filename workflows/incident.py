"""An incident as a durable workflow: it takes acts, and takes each round the incident's cases.

Nothing is decided here: `states.incident` says what becomes of an act and where a round goes next. Acts are answered at
once, for nothing has to be waited for; one activity after the other goes round.
"""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.ports import INCIDENT
    from policies.book import default_book
    from policies.schema import Matter
    from states import incident as core
    from states.incident import CloseIncident, Incident, Leg, MassAct, OpenIncident
    from states.values import Answer, Value, snake
    from workflows import outside
    from workflows.attributes import POLICY, SELLER
    from workflows.lasting import until_done
    from workflows.malformed import malformed

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
"""How long after cases did not answer they are asked again, the first time and in the end."""


class CarriedIncident(Value, tag_field="type", tag=snake):
    """What a run hands to the next one: the whole incident."""

    incident: Incident


def _may_hand_over() -> bool:
    """Whether this run's history is long enough, and nobody waits in it."""
    return workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished()


@workflow.defn(name=INCIDENT)
class IncidentRounds:
    """Complaints that have a seller or a product in common: one act on it reaches each of its cases once."""

    def __init__(self) -> None:
        self._book = default_book()
        self._incident: Incident | None = None
        self._noted: Incident | None = None
        """The closed incident as the lists know it."""

    @workflow.run
    async def run(self, start: OpenIncident | CarriedIncident) -> Incident:
        """Serve the incident until it is closed and nothing goes round. A request to cancel changes nothing."""
        return await until_done(self._serve(self._taken_up(start)), "the incident cannot go on")

    def _taken_up(self, start: OpenIncident | CarriedIncident) -> Incident:
        if isinstance(start, CarriedIncident):
            if workflow.info().continued_run_id is None:
                raise malformed("type: an incident is opened by open_incident")
            return start.incident
        if start.incident != workflow.info().workflow_id:
            raise malformed("incident: the message names another incident than the workflow that it starts")
        found_by = [POLICY.value_set(str(start.policy))]
        if start.matter is Matter.SELLER:
            found_by.append(SELLER.value_set(start.subject))
        workflow.upsert_search_attributes(found_by)
        return core.opened(start)

    async def _serve(self, begun: Incident) -> Incident:
        """Go round as long as something goes round; then wait for the next act."""
        self._show(begun)
        pause = FIRST_PAUSE
        while True:
            incident = self._current
            if self._to_be_noted(incident):
                await outside.note_incident(incident)
                self._noted = incident
            elif incident.over:
                await workflow.wait_condition(workflow.all_handlers_finished)
                return incident
            elif _may_hand_over():
                workflow.continue_as_new(CarriedIncident(incident=incident))
            elif (leg := core.next_leg(incident)) is not None:
                await self._go(leg)
            elif not await self._changes(incident, pause if incident.unanswered else None):
                await self._ask_again()
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _changes(self, incident: Incident, within: timedelta | None) -> bool:
        """Wait for an act, or for the end of this run; False if nothing comes in that time."""
        try:
            await workflow.wait_condition(
                lambda: self._current is not incident or _may_hand_over(),
                timeout=within,
                timeout_summary="cases that did not answer are asked again",
            )
        except TimeoutError:
            return False
        return True

    def _to_be_noted(self, incident: Incident) -> bool:
        """As soon as it is closed, for no more cases are to join; and how it stands in the end."""
        if incident.closing is None or self._noted == incident:
            return False
        return self._noted is None or incident.over

    async def _go(self, leg: Leg) -> None:
        reached = await outside.reach_cases(leg)
        self._show(core.went(self._current, leg, reached))

    async def _ask_again(self) -> None:
        for each in self._current.rounds:
            leg = core.leg_again(self._current, each.number)
            if leg is not None:
                await self._go(leg)

    def _show(self, incident: Incident) -> None:
        """The incident as it is from now on, for everybody."""
        self._incident = incident
        workflow.set_current_details(core.page(incident, self._book.policy(incident.policy)))

    @property
    def _current(self) -> Incident:
        assert self._incident is not None  # noqa: S101 - nothing runs before `run` has taken it up
        return self._incident

    # --- what is asked ----------------------------------------------------------------------------

    async def _answer(self, act: MassAct | CloseIncident) -> Answer:
        await workflow.wait_condition(lambda: self._incident is not None)  # it may come in before this run begins
        incident, answer = core.act_on(self._current, act, workflow.now(), self._book.policy(self._current.policy))
        self._show(incident)
        return answer

    @workflow.update(
        name="act_on_cases",
        description="Do one act to every case that belongs to the incident when its turn comes. Needs a reason.",
    )
    async def act_on_cases(self, act: MassAct) -> Answer:
        """An act for all cases; the answer tells whether it goes round."""
        return await self._answer(act)

    @act_on_cases.validator
    def _may_act(self, act: MassAct) -> None:
        """Every message is read strictly before it gets here; what is wrong otherwise is answered."""

    @workflow.update(name="close_incident", description=CloseIncident.__doc__)
    async def close_incident(self, act: CloseIncident) -> Answer:
        """Close the incident."""
        return await self._answer(act)

    @close_incident.validator
    def _may_close(self, act: CloseIncident) -> None:
        """As with an act for all cases."""

    @workflow.query(name="incident", description="The incident, and how far each of its acts has gone round.")
    def incident(self) -> Incident | None:
        """The incident, None before it has begun."""
        return self._incident
