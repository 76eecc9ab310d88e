"""Time in a machine: whole seconds that pass only when nothing is overdue.

Whatever takes time has a timer: a slot that counts the seconds since it became possible, and a window that says after
how many it may happen and after how many it must. A second passes where nothing has to happen before. Whole seconds
lose nothing: all bounds are whole and include their ends, and a run in fractions of seconds whose instants are all
rounded down has the same order of events and keeps all such bounds (Henzinger, Manna and Pnueli, 1992).

What must happen by an instant happens before what may only begin at it: "within 5 seconds" is over when 5 seconds of
sleep are. A patient step is one that waits for the others in this way. Counters stop where they decide nothing more,
so that a world that waits for ever has finitely many states.
Left out on purpose: clocks that drift.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial

from attrs import evolve, frozen

from .....model.machine import Action, Fairness, Outcome, View


@frozen
class Window:
    """Seconds after it became possible: a step happens not before `least`, and not after `most` (None: whenever)."""

    least: int = 0
    most: int | None = None


WHENEVER = Window()


@frozen
class Timer:
    """The slot of a timer, and the window of what it is for, None while that is not possible."""

    slot: str
    window: Callable[[View], Window | None]

    def ripe(self, view: View) -> bool:
        """Tell whether what it is for may happen now, if it is possible at all."""
        window = self.window(view)
        return window is not None and bool(view[self.slot] >= window.least)

    def due(self, view: View) -> bool:
        """Tell whether what it is for has to happen before a second passes."""
        window = self.window(view)
        return window is not None and window.most is not None and bool(view[self.slot] >= window.most)

    def older(self, view: View) -> int:
        """Return what the timer shows after one more second."""
        window = self.window(view)
        if window is None:
            return 0
        age: int = view[self.slot]
        return min(age + 1, window.least if window.most is None else window.most)


def clock(timers: tuple[Timer, ...]) -> tuple[Action, ...]:
    """Let seconds pass; without timers there is no clock, and everything may take any time."""
    return (Action("clock: ticks", "clock", partial(_ticks, timers)),) if timers else ()


def after_due(action: Action, timers: tuple[Timer, ...]) -> Action:
    """Make an action patient: it waits for everything that has to happen at this instant.

    So it is possible again and again, not all the time; that is how often it has to be for its fairness.
    """

    def waits(view: View) -> Iterable[Outcome]:
        return () if any(timer.due(view) for timer in timers) else action.step(view)

    return evolve(action, step=waits, fairness=Fairness.STRONG) if timers else action


def _ticks(timers: tuple[Timer, ...], view: View) -> Iterator[Outcome]:
    if not any(timer.due(view) for timer in timers):
        ages: dict[str, Hashable] = {timer.slot: timer.older(view) for timer in timers}
        yield Outcome("a second passes", ages)
