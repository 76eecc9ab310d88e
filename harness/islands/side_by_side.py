"""Looking through several islands at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from time import monotonic, sleep

from attrs import evolve

from ...model.checker.results import INTERRUPTED, Progress
from ..check.check import nothing_known
from ..check.results import Report
from ..input.scenario import Scenario
from .looking import Ways

LOST = "the process that searched it was killed, perhaps for want of memory (--jobs 1 needs less)"


def look(ways: Ways, named: tuple[tuple[str, Scenario], ...]) -> tuple[Report, ...]:
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
    return tuple(found.get(number) or nothing_known(scenario, why) for number, (_, scenario) in enumerate(named))


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
