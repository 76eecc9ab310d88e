"""Looking through islands, one after the other or several at a time, each within its share of the time that is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from time import monotonic

from attrs import evolve, frozen

from ...model.checker.results import INTERRUPTED, Deadline, Exploration, Limits, Progress
from ..check import check as whole
from ..check.results import Report
from ..input.scenario import Scenario
from ..world.prepare import Prepared
from .cache import Cache

Search = Callable[..., Exploration]
Watcher = Callable[[Progress], None]


AFTERWARDS = 2
"""How many more searches there may be in the end, to show a breach among all."""


@frozen
class Ways:
    """How a search of an island is done, and how many processes share the islands."""

    search: Callable[[str], Search]
    """What looks through an island, by its name ("": the whole)."""
    limits: Limits
    progress: Watcher | None = None
    symmetry: bool = True
    jobs: int = 1
    cache: Cache | None = None

    def look(self, name: str, scenario: Scenario, left: int = 1, prepared: Prepared | None = None) -> Report:
        """Return what is found of an island, in its share of the time for so many of them.

        `prepared` is where it starts, if that is known.
        """
        key = self.cache.key(scenario, symmetry=self.symmetry) if self.cache and prepared is None else ""
        if self.cache and key and (found := self.cache.get(key)) is not None:
            return evolve(found, scenario=scenario, seconds=0.0, remembered=1)
        report = whole.check(
            scenario,
            limits=self._share(left),
            progress=self.progress,
            symmetry=self.symmetry,
            search=self.search(name),
            prepared=prepared,
        )
        if self.cache and key:
            self.cache.put(key, report)
        return report

    def _share(self, left: int) -> Limits:
        """Return the limits for one of so many searches that are left."""
        limits = self.limits
        if limits.deadline is None or left == 1:
            return limits
        share = limits.deadline.left * min(1.0, self.jobs / (left + AFTERWARDS))
        return evolve(limits, deadline=Deadline(monotonic() + share, limits.deadline.why))

    def after(self, report: Report) -> Ways:
        """Return the ways for further searches: none, if somebody interrupted this one."""
        found = report.exploration
        return self if found is None else evolve(self, limits=self.limits.after(found))

    def look_at_all(self, named: tuple[tuple[str, Scenario], ...]) -> tuple[Report, ...]:
        """Return what is found of islands, in their order."""
        if min(self.jobs, len(named)) > 1:
            return _side_by_side(self, named)
        ways, reports = self, []
        for number, (name, scenario) in enumerate(named):
            reports.append(ways.look(name, scenario, len(named) - number))
            ways = ways.after(reports[-1])
        return tuple(reports)


def _side_by_side(ways: Ways, named: tuple[tuple[str, Scenario], ...]) -> tuple[Report, ...]:
    """Look at several at a time. Whoever interrupts stops those under way, and the others are not begun."""
    memory = ways.limits.max_memory
    limits = ways.limits if memory is None else evolve(ways.limits, max_memory=memory // ways.jobs)
    alone = evolve(ways, limits=limits, progress=None)
    began, states, found = monotonic(), 0, []
    with ProcessPoolExecutor(min(ways.jobs, len(named)), initializer=_by_itself) as pool:
        futures = [pool.submit(alone.look, *one, len(named) - number) for number, one in enumerate(named)]
        for future, (_, scenario) in zip(futures, named, strict=True):
            found.append(_outcome(future, futures, scenario))
            states += found[-1].states
            if ways.progress is not None:
                ways.progress(Progress(states, states, found[-1].transitions, found[-1].depth, monotonic() - began))
    return tuple(found)


def _by_itself() -> None:
    """Leave the group of processes that a terminal interrupts: the parent says when to stop."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _outcome(future: Future[Report], futures: list[Future[Report]], scenario: Scenario) -> Report:
    while True:
        try:
            return future.result()
        except (CancelledError, BrokenProcessPool):
            return whole.nothing_known(scenario, INTERRUPTED)
        except KeyboardInterrupt:
            if future.done():  # The interrupt came to the other process.
                return whole.nothing_known(scenario, INTERRUPTED)
            for one in futures:
                one.cancel()
            for child in multiprocessing.active_children():
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGINT)
