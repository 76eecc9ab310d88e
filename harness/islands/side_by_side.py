"""Looking through several islands at a time, each in a process of its own, here or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Protocol, Self

from attrs import evolve

from ...model.checker.results import INTERRUPTED, Progress
from ..check.check import nothing_known
from ..check.results import Report
from ..input.scenario import Scenario
from .looking import Ways

LOST = "the process that searched it was killed, perhaps for want of memory (--jobs 1 needs less)"


class Crew(Protocol):
    """Processes that look through islands; close it, or use it as a context."""

    size: int
    """How many look at a time."""
    lost: tuple[type[BaseException], ...]
    """What a search ends with whose process is gone, or that was told to stop."""
    gone: tuple[type[BaseException], ...]
    """What handing out a search raises once nobody is there any more to do it."""

    def submit(self, ways: Ways, name: str, scenario: Scenario, left: int) -> Future[Report]:
        """Let one of them look at an island, of so many that are left."""
        ...

    def stop(self) -> None:
        """Interrupt those that look."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Let them go."""
        ...


class Processes:
    """Processes of this machine, which share the memory that a search may take."""

    lost: tuple[type[BaseException], ...] = (KeyboardInterrupt, BrokenProcessPool)
    gone: tuple[type[BaseException], ...] = (BrokenProcessPool,)

    def __init__(self, size: int) -> None:
        self.size = size
        self.pool = ProcessPoolExecutor(size, initializer=_by_itself, initargs=(os.getpid(),))

    def submit(self, ways: Ways, name: str, scenario: Scenario, left: int) -> Future[Report]:
        """Let one of them look at an island."""
        memory = ways.limits.max_memory
        limits = ways.limits if memory is None else evolve(ways.limits, max_memory=memory // self.size)
        return self.pool.submit(evolve(ways, limits=limits).look, name, scenario, left)

    def stop(self) -> None:
        """Interrupt those that look."""
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, signal.SIGINT)

    def __enter__(self) -> Self:
        """Begin: a process is started when there is something for it to do."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Wait for those that look; where something went wrong they are stopped."""
        if kind is not None:
            self.stop()
        self.pool.shutdown()


def look(ways: Ways, named: tuple[tuple[str, Scenario], ...]) -> tuple[Report, ...]:
    """Look at several at a time. Whoever interrupts stops those under way, and the others are not begun.

    No more is handed out than is worked on: what waits in a queue could not be taken back.
    """
    began, found = monotonic(), dict[int, Report]()
    waiting, under_way = list(range(len(named)))[::-1], dict[Future[Report], int]()
    why = LOST
    with _hired(ways, len(named)) as crew:
        alone = evolve(ways, progress=None, jobs=crew.size)
        while waiting or under_way:
            try:
                while waiting and len(under_way) < crew.size:
                    number = waiting.pop()
                    under_way[crew.submit(alone, *named[number], len(named) - number)] = number
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            except BaseException as ended:
                if not isinstance(ended, (KeyboardInterrupt, *crew.gone)):
                    raise
                why = INTERRUPTED if isinstance(ended, KeyboardInterrupt) else LOST
                waiting.clear()
                crew.stop()
                continue
            for future in done:
                number = under_way.pop(future)
                if (report := _outcome(future, crew)) is not None:
                    found[number] = report
            if ways.progress is not None:
                ways.progress(_so_far(found.values(), monotonic() - began))
    return tuple(found.get(number) or nothing_known(scenario, why) for number, (_, scenario) in enumerate(named))


def _hired(ways: Ways, most: int) -> Crew:
    if ways.ray:
        from .on_ray import OnRay  # noqa: PLC0415 - whoever wants no Ray need not have it

        return OnRay(ways.ray)
    return Processes(min(ways.jobs, most))


def _so_far(reports: Iterable[Report], seconds: float) -> Progress:
    known = tuple(reports)
    states, steps = sum(report.states for report in known), sum(report.transitions for report in known)
    return Progress(states, states, steps, max((report.depth for report in known), default=0), seconds)


def _outcome(future: Future[Report], crew: Crew) -> Report | None:
    """Return what a search found. Raises what it raised, but for an interrupt."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, crew.lost):
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
