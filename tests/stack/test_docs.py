"""The page of state diagrams is what the machines are."""

import pytest
from statemachine import State, StateMachine

from stack import docs
from states.lifecycle import MACHINES


def test_the_page_is_up_to_date() -> None:
    assert docs.PAGE.read_text(encoding="utf-8") == docs.page(), "run make docs"


def test_every_machine_and_every_state_is_drawn() -> None:
    written = docs.page()
    for machine in MACHINES:
        section = written.split(f"## {machine.__name__}\n")[1].split("\n## ")[0]
        for state in machine.states:
            assert str(state.value) in section


def test_a_changed_machine_makes_the_page_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    class Another(StateMachine):
        """One more."""

        here = State(initial=True)
        there = State(final=True)
        go = here.to(there)

    monkeypatch.setattr(docs, "MACHINES", (*MACHINES, Another))
    assert docs.PAGE.read_text(encoding="utf-8") != docs.page()
