"""Processes of a Ray cluster that look through islands: `pip install 'kubeproof[ray]'`.

Each search has a processor to itself, and the time that is left of the whole: clocks of machines differ, so it is told
how long that is, not until when. What is known from before is looked up, and kept, where the command runs.

Left out on purpose: starting a Ray cluster (`ray start`), and where on it each search runs: Ray spreads them.
"""

from __future__ import annotations

from concurrent.futures import Future
from logging import ERROR
from time import monotonic
from types import TracebackType
from typing import Any, Self

import ray
from attrs import evolve
from ray.exceptions import RayTaskError, TaskCancelledError, WorkerCrashedError

from ...impl.api.reading.load import BadInput, Problem
from ...model.checker.results import Deadline
from ..check.results import Report
from ..input.scenario import Scenario
from .looking import Ways

HERE = "local"
"""The address of a cluster that is started on this machine, for as long as it is wanted."""


def _look(ways: Ways, name: str, scenario: Scenario, left: int, seconds: float | None, why: str) -> Report:
    if seconds is not None:
        ways = evolve(ways, limits=evolve(ways.limits, deadline=Deadline(monotonic() + seconds, why)))
    return ways.look(name, scenario, left)


REMOTE: Any = ray.remote(max_retries=0)(_look)


class OnRay:
    """The processors of a Ray cluster: that of an address, `auto` for the one that runs, `local` for one of its own."""

    lost: tuple[type[BaseException], ...] = (TaskCancelledError, WorkerCrashedError)
    gone: tuple[type[BaseException], ...] = ()

    def __init__(self, address: str) -> None:
        self.began = not ray.is_initialized()
        if self.began:
            where = None if address == HERE else address
            try:
                ray.init(where, include_dashboard=False, log_to_driver=False, logging_level=ERROR)
            except (ConnectionError, RuntimeError, ValueError) as error:
                what = str(error).partition("\n")[0]
                hint = "auto is the one that runs here, local starts one"
                raise BadInput((Problem("--ray", 0, "", f"no Ray cluster is at {address!r}: {what}", hint),)) from None
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self.size = max(1, int(there.get("CPU", 1)))
        self.asked: list[Any] = []

    def submit(self, ways: Ways, name: str, scenario: Scenario, left: int) -> Future[Report]:
        """Let one of them look at an island, unless an earlier run has."""
        done, key = Future[Report](), ways.key(scenario)
        if (known := ways.known(key, scenario)) is not None:
            done.set_result(known)
            return done
        deadline = ways.limits.deadline
        there = evolve(ways, cache=None, ray="", limits=evolve(ways.limits, deadline=None))
        seconds, why = (None, "") if deadline is None else (deadline.left, deadline.why)
        ref = REMOTE.remote(there, name, scenario, left, seconds, why)
        self.asked.append(ref)

        def ended(future: Future[Report]) -> None:
            error = future.exception()
            if error is not None:
                done.set_exception(error.cause if isinstance(error, RayTaskError) else error)
            else:
                ways.keep(key, future.result())
                done.set_result(future.result())

        ref.future().add_done_callback(ended)
        return done

    def stop(self) -> None:
        """Interrupt those that look."""
        for ref in self.asked:
            ray.cancel(ref)

    def __enter__(self) -> Self:
        """Begin: the cluster is there."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Leave the cluster, if nobody else in this process uses it."""
        if self.began:
            ray.shutdown()
