"""Inclusion: what one machine shows another may show, also where no mapping of states could say so."""

from __future__ import annotations

from collections.abc import Hashable

from kubeproof.model.checker.inclusion import INCLUDED, MOVES, RESTS, includes
from kubeproof.model.checker.results import Status
from kubeproof.model.machine import Action, Fairness, Machine, Outcome, View


def automaton(*edges: tuple[str, str, str], fair: bool = True) -> Machine:
    """Return a machine that goes from place to place; what it shows of a place is the letter there."""

    def step(view: View) -> list[Outcome]:
        return [Outcome(to, {"at": to, "shown": letter}) for at, letter, to in edges if view["at"] == at]

    promise = Fairness.WEAK if fair else Fairness.NONE
    return Machine(({"at": "0", "shown": ""},), (Action("goes", "goes", step, promise),))


def shown(view: View) -> Hashable:
    return view["shown"]


def verdicts(concrete: Machine, abstract: Machine) -> dict[str, Status]:
    found = includes(concrete, abstract, shown, shown)
    assert found.complete
    return {one.name: one.status for one in found.verdicts}


FIRST_CHOSEN = automaton(("0", "a", "1"), ("0", "a", "2"), ("1", "b", "3"), ("2", "c", "4"))
"""It decides with its first step which second one it takes."""
LATE_CHOSEN = automaton(("0", "a", "1"), ("1", "b", "2"), ("1", "c", "3"))


def test_when_somebody_decides_unseen_does_not_matter() -> None:
    assert set(verdicts(FIRST_CHOSEN, LATE_CHOSEN).values()) == {Status.HOLDS}
    assert set(verdicts(LATE_CHOSEN, FIRST_CHOSEN).values()) == {Status.HOLDS}


def test_a_step_that_cannot_be_shown_is_told_with_the_way_to_it() -> None:
    found = includes(LATE_CHOSEN, automaton(("0", "a", "1"), ("1", "b", "2")), shown, shown)
    assert found[INCLUDED].status is Status.VIOLATED
    assert [step.label for step in found[INCLUDED].trace.steps] == ["goes: 1", "goes: 3"]


def test_what_is_unseen_may_come_before_and_after() -> None:
    unseen = automaton(("0", "", "u"), ("u", "a", "1"), ("1", "a", "v"), ("v", "b", "2"))
    assert set(verdicts(unseen, automaton(("0", "a", "1"), ("1", "b", "2"))).values()) == {Status.HOLDS}
    assert set(verdicts(automaton(("0", "a", "1"), ("1", "b", "2")), unseen).values()) == {Status.HOLDS}


def test_one_that_stops_where_the_other_must_go_on_is_told() -> None:
    short = automaton(("0", "a", "1"))
    assert verdicts(short, automaton(("0", "a", "1"), ("1", "b", "2"))) == {
        INCLUDED: Status.HOLDS,
        RESTS: Status.VIOLATED,
        MOVES: Status.HOLDS,
    }
    assert verdicts(short, automaton(("0", "a", "1"), ("1", "b", "2"), fair=False))[RESTS] is Status.HOLDS


def test_one_that_shows_nothing_says_so_and_one_that_begins_elsewhere_cannot_be_shown() -> None:
    assert verdicts(automaton(("0", "", "1")), LATE_CHOSEN)[MOVES] is Status.VIOLATED
    elsewhere = Machine(({"at": "0", "shown": "z"},), LATE_CHOSEN.actions)
    assert verdicts(elsewhere, LATE_CHOSEN)[INCLUDED] is Status.VIOLATED
