"""Looking through islands, one after the other or several at a time, each within its share of the time that is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from threading import Thread
from time import monotonic, sleep

from attrs import evolve, frozen

from ...model.checker.results import INTERRUPTED, Deadline, Exploration, Limits, Progress
from ..check import check as whole
from ..check.results import Report
from ..input.scenario import Scenario
from ..world.at_rest.prepare import Prepared
from .cache import Cache

Search = Callable[..., Exploration]
Watcher = Callable[[Progress], None]


LOST = "the process that searched it was killed, perhaps for want of memory (--jobs 1 needs less)"
AFTERWARDS = 2
"""How many more searches there may be in the end, to show a breach among all."""
MOST = 0.9
"""Of the time that is left, what one of several searches may take: what others found is still followed among all."""


@frozen
class Ways:
    """How a search of an island is done, and how many processes share the islands."""

    search: Callable[..., Search]
    """What looks through an island, by its name ("": the whole); to the `first` breach, or all of it."""
    limits: Limits
    progress: Watcher | None = None
    symmetry: bool = True
    jobs: int = 1
    cache: Cache | None = None

    def look(
        self,
        name: str,
        scenario: Scenario,
        left: int | None = None,
        prepared: Prepared | None = None,
        most: int | None = None,
        only: str = "",
    ) -> Report:
        """Return what is found of an island, in its share of the time for so many of them; in all of it where None is.

        `prepared` is where it starts, if that is known; `most` states of it are looked at. Where `only` one claim is
        asked for, the search ends with its first breach.
        """
        key = self.cache.key(scenario, symmetry=self.symmetry, only=only) if self.cache and prepared is None else ""
        if self.cache and key and (found := self.cache.get(key)) is not None:
            return evolve(found, scenario=scenario, seconds=0.0, remembered=1)
        asked, name = (partial(self.search, first=True), f"{name} {only}".strip()) if only else (self.search, name)
        report = whole.check(
            scenario,
            limits=self._share(left, most),
            progress=self.progress,
            symmetry=self.symmetry,
            search=asked(name),
            alone=asked(f"{name} on one node"),
            prepared=prepared,
            only=only,
        )
        if self.cache and key:
            self.cache.put(key, report)
        return report

    def _share(self, left: int | None, most: int | None) -> Limits:
        """Return the limits for one of so many searches that are left; None: it is the only one.

        The last of several leaves some time, too: a breach of another island that nobody follows would be UNKNOWN.
        """
        limits = self.limits
        if most is not None:
            limits = evolve(limits, max_states=min(limits.max_states or most, most))
        if limits.deadline is None or left is None:
            return limits
        share = limits.deadline.left * (MOST if left == 1 else min(MOST, self.jobs / (left + AFTERWARDS)))
        return evolve(limits, deadline=Deadline(monotonic() + share, limits.deadline.why))

    def after(self, report: Report) -> Ways:
        """Return the ways for further searches: none, if somebody interrupted this one."""
        found = report.exploration
        if found is not None:
            return evolve(self, limits=self.limits.after(found))
        if any(INTERRUPTED in claim.lines for claim in report.claims):
            return evolve(self, limits=evolve(self.limits, deadline=Deadline.past(INTERRUPTED)))
        return self

    @property
    def over(self) -> bool:
        """Whether there is no time for another search."""
        return self.limits.deadline is not None and self.limits.deadline.left == 0

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
    """Look at several at a time. Whoever interrupts stops those under way, and the others are not begun.

    No more is handed out than is worked on: what waits in a queue of the pool could not be taken back.
    """
    memory = ways.limits.max_memory
    limits = ways.limits if memory is None else evolve(ways.limits, max_memory=memory // ways.jobs)
    alone = evolve(ways, limits=limits, progress=None)
    began, found = monotonic(), dict[int, Report]()
    waiting, under_way = list(range(len(named)))[::-1], dict[Future[Report], int]()
    workers, why = min(ways.jobs, len(named)), LOST
    with ProcessPoolExecutor(workers, initializer=_by_itself, initargs=(os.getpid(),)) as pool:
        while waiting or under_way:
            try:
                while waiting and len(under_way) < workers:
                    number = waiting.pop()
                    under_way[pool.submit(alone.look, *named[number], len(named) - number)] = number
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            except (KeyboardInterrupt, BrokenProcessPool) as ended:
                why = LOST if isinstance(ended, BrokenProcessPool) else INTERRUPTED
                waiting.clear()
                for child in multiprocessing.active_children():
                    if child.pid is not None:
                        os.kill(child.pid, signal.SIGINT)
                continue
            for future in done:
                number = under_way.pop(future)
                if (report := _outcome(future)) is not None:
                    found[number] = report
            if ways.progress is not None:
                ways.progress(_so_far(found.values(), monotonic() - began))
    return tuple(found.get(number) or whole.nothing_known(scenario, why) for number, (_, scenario) in enumerate(named))


def _so_far(reports: Iterable[Report], seconds: float) -> Progress:
    known = tuple(reports)
    states, steps = sum(report.states for report in known), sum(report.transitions for report in known)
    return Progress(states, states, steps, max((report.depth for report in known), default=0), seconds)


def _outcome(future: Future[Report]) -> Report | None:
    """Return what a search found. Raises what it raised, but for an interrupt."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KeyboardInterrupt | BrokenProcessPool):
        return None
    raise error


def _by_itself(parent: int) -> None:
    """Leave the group of processes that a terminal interrupts: the parent says when to stop, and its end ends this."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored by what a shell runs in the background.
    Thread(target=_ends_with, args=(parent,), daemon=True).start()


def _ends_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(1)
    os._exit(1)
