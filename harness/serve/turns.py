"""Turns: every component goes on until none has anything to do at this moment."""

from __future__ import annotations

from ...impl.api.kinds import KINDS
from .controllers import controlled, scheduled
from .kubelets import worked
from .plane import Plane, compacted

WITH_CLASS = frozenset(kind.plural for kind in KINDS) - {"events"} | {"customresourcedefinitions"}
ROUNDS = 100
"""Turns in a row, at most: whatever is still asked then waits for the next call, and requests are served between."""


def concerns(plane: Plane) -> bool:
    """Tell whether anything has changed that a component looks at: an object of a kind without a class is nobody's.

    Custom resources, which are kept by their group, may own something, or hold their definition.
    """
    looked = min(plane.looked.values(), default=0)
    if looked < plane.server.store.compact_revision:
        return True
    changed = plane.changed_since(looked)
    return bool(changed & WITH_CLASS) or any("." in group for group in changed)


def advance(plane: Plane, now: float, *, tick: bool = False) -> tuple[Plane, bool]:
    """Return the plane once nothing more happens at this time, and whether that was reached.

    `tick` makes every controller look, also at what has not changed: time has passed for it.
    """
    if not tick and not concerns(plane):
        return plane, True
    for _ in range(ROUNDS):
        after = worked(scheduled(controlled(plane, int(now), tick=tick), int(now)), now)
        if (after.revision, after.runtimes, after.waits) == (plane.revision, plane.runtimes, plane.waits):
            return compacted(after), True
        plane, tick = after, False
    return compacted(plane), False
