"""Turns: every component goes on until none has anything to do at this moment."""

from __future__ import annotations

from .controllers import controlled, scheduled
from .kubelets import worked
from .plane import Plane, compacted

ROUNDS = 100
"""Turns in a row, at most: whatever is still asked then waits for the next call, and requests are served between."""


def advance(plane: Plane, now: float, *, tick: bool = False) -> tuple[Plane, bool]:
    """Return the plane once nothing more happens at this time, and whether that was reached.

    `tick` makes every controller look, also at what has not changed: time has passed for it.
    """
    for _ in range(ROUNDS):
        after = worked(scheduled(controlled(plane, int(now), tick=tick), int(now)), now)
        if (after.revision, after.runtimes, after.waits) == (plane.revision, plane.runtimes, plane.waits):
            return compacted(after), True
        plane, tick = after, False
    return compacted(plane), False
