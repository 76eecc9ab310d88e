"""A world in which an implementation and its model go side by side, searched to its end by the checker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from attrs import frozen

from ...model.checker.explore import explore
from ...model.checker.results import Limits, Status
from ...model.machine import Action, Machine, Outcome, StepProperty, View
from ..proof import Answer

World = TypeVar("World", bound=Hashable)
WORLD, WRONG = "world", "wrong"


def _wrong(_before: View, after: View, _label: str) -> Iterator[str]:
    if after[WRONG]:
        yield after[WRONG]


AGREES = StepProperty("agrees", "Every step is one of the model.", _wrong)


@frozen
class Step:
    """What was done, where that led, and what the model says against it ("" where it says nothing)."""

    done: str
    world: Hashable
    wrong: str = ""


def searched(starts: Iterable[World], steps: Callable[[World], Iterator[Step]], most: int | None = None) -> Answer:
    """Go every way from some worlds, at most so many steps; refuted by the shortest way to a step that is wrong."""

    def step(view: View) -> Iterator[Outcome]:
        if not view[WRONG]:
            for step in steps(view[WORLD]):
                yield Outcome(step.done, {WORLD: step.world, WRONG: step.wrong})

    initial: tuple[dict[str, Hashable], ...] = tuple({WORLD: start, WRONG: ""} for start in starts)
    limits = Limits(max_depth=None if most is None else most - 1)
    found = explore(Machine(initial, (Action("step", "all", step),)), [AGREES], limits=limits)
    verdict = found["agrees"]
    if verdict.status is Status.VIOLATED and verdict.trace is not None:
        return Answer(found.transitions, (*verdict.trace.lines(), *verdict.evidence))
    if not found.complete and not found.why_incomplete.startswith("the depth limit"):
        return Answer(found.transitions, (found.why_incomplete,))
    return Answer(found.transitions)


def unless(right: bool, wrong: str) -> str:  # noqa: FBT001 - it reads as a sentence
    """Return what is wrong, unless all is right."""
    return "" if right else wrong
