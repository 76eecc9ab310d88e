"""When a claim is asked that is about what comes of a script in the end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ...model.machine import View
from ...model.world.world import OVERFLOW
from ..world.script.script_slots import SCRIPT, under_way

if TYPE_CHECKING:
    from ..world.cluster import Cluster


def script_over(cluster: Cluster, view: View) -> bool:
    """Tell whether the script is over, or at a drain that has to end, in a world that has been large enough."""
    return not view[OVERFLOW] and bool(view.via(partial(_finished, len(cluster.scenario.script)), SCRIPT))


def _finished(steps: int, done: int) -> bool:
    return done >= steps or under_way(done)
