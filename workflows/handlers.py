"""Every act is an update: its wire name, type and description come from the act itself, in one place
(`states.events`).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from states.events import Act
    from states.values import Answer
    from workflows.malformed import malformed

W = TypeVar("W", bound=type)


def serves(acts: tuple[type[Act], ...]) -> Callable[[W], W]:
    """Give a workflow class an update for each act; the class answers them in `submit(act)`.

    Stands below `workflow.defn`, which looks for the handlers.
    """

    def add(cls: W) -> W:
        for act in acts:
            setattr(cls, act.name(), _update(act))
        return cls

    return add


def _update(act_type: type[Act]) -> Any:
    async def handle(self: Any, act: Any) -> Any:
        return await self.submit(act)

    def validate(self: Any, act: Any) -> None:
        require_own(act)

    handle.__name__ = act_type.name()
    handle.__annotations__ = {"act": act_type, "return": Answer}
    validate.__annotations__ = {"act": act_type, "return": None}
    update: Any = workflow.update(name=act_type.name(), description=act_type.__doc__ or "")
    handler = update(handle)
    handler.validator(validate)
    return handler


def require_own(act: Any) -> None:
    """An act that names a case has to name this one. Raises Malformed."""
    case_id = getattr(act, "case_id", None)
    if case_id is not None and case_id != workflow.info().workflow_id:
        # The id is made of the act's own fields, so one of them is wrong.
        fields = "case_id" if "case_id" in act.__struct_fields__ else "complainant, orders[0]"
        raise malformed(f"{fields}: the message names another case than the workflow that it was sent to")
