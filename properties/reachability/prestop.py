"""How long must preStop be so that no new connection meets a stopped Pod? The smallest answer, and why less fails.

When a Pod's deletion is committed, two things start without waiting for each other: the kubelet notices, runs preStop
and sends SIGTERM; the EndpointSlice controller takes the endpoint out and each kube-proxy follows. All times are whole
seconds. Bounds on the two ways are difference constraints; z3 gives the worst case and the run that shows it.
Left out on purpose: connections in flight (they need time after SIGTERM: `after_sigterm_seconds`), clock skew (the only
clock that counts is the kubelet's own).
"""

from __future__ import annotations

from typing import Any

import z3
from attrs import frozen


@frozen
class Bounds:
    """Least and greatest seconds of each: kubelet's notice, endpoint controller's update, slowest proxy's sync."""

    kubelet: tuple[int, int] = (0, 5)
    endpoints: tuple[int, int] = (0, 1)
    proxies: tuple[int, int] = (0, 1)


@frozen
class Schedule:
    """One possible run, in seconds after the deletion: preStop begins, SIGTERM, the last proxy has let go."""

    pre_stop: int
    sigterm: int
    removed: int


@frozen
class Sufficient:
    """With this preStop no run is bad; with one second less `tight` is (None: none is needed at all)."""

    seconds: int
    tight: Schedule | None


@frozen
class Impossible:
    """The grace period is too short for any preStop: this run is bad with the longest one it allows."""

    longest: int
    run: Schedule


def smallest_prestop(bounds: Bounds, grace_seconds: int, *, after_sigterm_seconds: int = 0) -> Sufficient | Impossible:
    """Return the smallest preStop with which SIGTERM never comes before every proxy has let go of the endpoint.

    `after_sigterm_seconds` of the grace period are kept for the program to finish what it has begun.
    """
    longest = max(grace_seconds - after_sigterm_seconds, 0)
    worst = _worst(bounds)
    if worst > longest:
        run = bad_run(bounds, longest, grace_seconds)
        if run is None:
            raise AssertionError("a worst case without a run that shows it")
        return Impossible(longest, run)
    return Sufficient(worst, bad_run(bounds, worst - 1, grace_seconds) if worst else None)


def bad_run(bounds: Bounds, pre_stop_seconds: int, grace_seconds: int) -> Schedule | None:
    """Return a run in which SIGTERM comes while some proxy still sends new connections; None if there is none."""
    solver = z3.Solver()
    noticed, removed, constraints = _run(bounds)
    sigterm = noticed + min(pre_stop_seconds, grace_seconds)
    solver.add(*constraints, sigterm < removed)
    if solver.check() != z3.sat:
        return None
    values = (
        solver.model().eval(variable, model_completion=True).as_long() for variable in (noticed, sigterm, removed)
    )
    return Schedule(*values)


def _worst(bounds: Bounds) -> int:
    """Return how much later than the kubelet's notice the last proxy may let go, at most."""
    optimum = z3.Optimize()
    noticed, removed, constraints = _run(bounds)
    optimum.add(*constraints)
    latest = optimum.maximize(removed - noticed)
    optimum.check()
    return max(int(optimum.upper(latest).as_long()), 0)


def _run(bounds: Bounds) -> tuple[Any, Any, list[Any]]:
    """Return the instants of a run and the differences between them; the deletion is at 0."""
    noticed, updated, removed = z3.Ints("noticed updated removed")
    stages = ((noticed, bounds.kubelet), (updated, bounds.endpoints), (removed - updated, bounds.proxies))
    constraints = [z3.And(least <= stage, stage <= greatest) for stage, (least, greatest) in stages]
    return noticed, removed, constraints
