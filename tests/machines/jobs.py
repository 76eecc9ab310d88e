"""A machine of jobs that begin, take their time, and end or are cut short: each has a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

from kubeproof.model.machine import Action, Machine, Outcome, Timer, View, Wait

Window = tuple[int, int | None]
PAST = "past"
"""The slot with the names of the actions taken so far."""


def jobs(*windows: Window, on: frozenset[int] = frozenset(), longest: int = 4, remembers: bool = True) -> Machine:
    """Return a machine of jobs with these windows; those `on` run from the start. A run has at most so many steps."""
    start = {f"job {number}": number in on for number in range(len(windows))} | {PAST: ()}
    acts = tuple(
        Action(name, name, partial(step, number, longest, remembers), by="jobs", verb=verb, on=number)
        for number in range(len(windows))
        for verb, step in STEPS.items()
        for name in (f"{verb} {number}",)
    )
    timers = tuple(
        Timer(partial(_waits, number, window), _over, f"job {number}", "jobs", "end", number)
        for number, window in enumerate(windows)
    )
    return Machine((start,), acts, timers)


def _waits(number: int, window: Window, view: View) -> Iterator[Wait]:
    least, most = window
    if view[f"job {number}"]:
        yield Wait(number, f"job {number}", Fraction(least), None if most is None else Fraction(most))


def _over(_before: View, _after: View, _wait: Wait) -> bool:
    return True


def _moved(verb: str, *, here: bool) -> Callable[[int, int, bool, View], Iterator[Outcome]]:
    def step(number: int, longest: int, remembers: bool, view: View) -> Iterator[Outcome]:  # noqa: FBT001
        if view[f"job {number}"] is here and len(view[PAST]) < longest:
            past = (*view[PAST], f"{verb} {number}") if remembers else ()
            yield Outcome("", {f"job {number}": not here, PAST: past})

    return step


STEPS = {"begin": _moved("begin", here=False), "end": _moved("end", here=True), "cut": _moved("cut", here=True)}
