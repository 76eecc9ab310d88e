"""The limits of a search, and the news of it. The only clock and the only look at the process are here."""

from __future__ import annotations

import resource
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from ..machine import Action, Machine
from .book import Book, StopSearch
from .results import NO_LIMITS, Limits, Progress

TICK = 64
"""The time is looked at once in so many states."""
NEWS = 1024
"""Memory is looked at, and progress reported, once in so many states."""


def resident_memory() -> int:
    """Return the bytes this process holds now (where the system only tells the peak: the peak)."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    return peak_memory()


def peak_memory() -> int:
    """Return the most bytes this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def out_of_time(limits: Limits, seconds: float = 0.0) -> str:
    """Say why nothing more is to be begun after so many seconds of a search, "" while there is time."""
    if limits.timeout is not None and seconds >= limits.timeout:
        return f"the time limit of {limits.timeout:g} s was hit"
    deadline = limits.deadline
    return deadline.why if deadline is not None and not deadline.left else ""


def out_of_memory(limits: Limits) -> str:
    """Say that the process holds more than it may, "" where it does not."""
    memory = limits.max_memory
    return f"the memory limit of {memory:,} bytes was hit" if memory is not None and resident_memory() > memory else ""


class Patience:
    """Ends a search in the midst of an expansion, too: a state may have more steps than there is time for.

    A machine goes through here once for all engines that search it, for they hand on what its functions have said.
    """

    def __init__(self, limits: Limits) -> None:
        self._timeout = Limits(timeout=limits.timeout, deadline=limits.deadline)
        self._began = time.monotonic()
        self._lost = False

    def machine(self, machine: Machine) -> Machine:
        """Return the machine with a look at the clock before each step is worked out; itself where time is no limit."""
        if self._timeout == NO_LIMITS:
            return machine
        return evolve(machine, actions=tuple(map(self._action, machine.actions)))

    @contextmanager
    def may_be_lost(self) -> Iterator[None]:
        """Look at the clock meanwhile: not where traces are told of what was found."""
        self._lost = True
        try:
            yield
        finally:
            self._lost = False

    def _action(self, action: Action) -> Action:
        step = action.step

        def in_time(view: Any) -> Any:
            if self._lost and (why := out_of_time(self._timeout, time.monotonic() - self._began)):
                raise StopSearch(why)
            return step(view)

        return evolve(action, step=in_time)


class Guard:
    """Ends a search with `StopSearch` when a limit is hit."""

    def __init__(self, limits: Limits = NO_LIMITS, progress: Callable[[Progress], None] | None = None) -> None:
        self.limits = limits
        self.progress = progress
        self.started = time.monotonic()
        self.at_tick: Callable[[Book, float], None] | None = None
        """Told of moments between two expansions, with the seconds so far."""

    @property
    def seconds(self) -> float:
        """Return the seconds since the search began."""
        return time.monotonic() - self.started

    def tick(self, book: Book, state: int) -> None:
        """Look at the limits before a state is expanded; cheap, most of the time nothing is done."""
        if state % TICK:
            return
        if self.at_tick is not None:
            self.at_tick(book, self.seconds)
        if why := out_of_time(self.limits, self.seconds):
            raise StopSearch(why)
        if state % NEWS:
            return
        if why := out_of_memory(self.limits):
            raise StopSearch(why)
        if state:
            self.report(book)

    def admit(self, states: int) -> None:
        """Let one more state in, or not."""
        if self.limits.max_states is not None and states >= self.limits.max_states:
            raise StopSearch(f"the limit of {self.limits.max_states:,} states was hit")

    def descend(self, depth: int) -> None:
        """Let states be expanded that so many steps lead to, or not."""
        if self.limits.max_depth is not None and depth > self.limits.max_depth:
            raise StopSearch(f"the depth limit of {self.limits.max_depth:,} steps was hit")

    def bound(self, book: Book, state: int) -> int:
        """Return the first state after this one that may be too deep: states of one depth follow each other."""
        if self.limits.max_depth is None:
            return sys.maxsize
        depth = book.depth(state)
        self.descend(depth)
        return bisect_right(range(len(book.parent)), depth, lo=state, key=book.depth)

    def report(self, book: Book) -> None:
        """Tell how far the search is."""
        if self.progress is not None:
            at = min(book.expanded, book.states - 1)
            depth = book.depth(at) if at >= 0 else 0
            self.progress(Progress(book.states, book.expanded, book.transitions, depth, self.seconds))
