"""All timers of a world, from those who wait."""

from __future__ import annotations

from ....model.machine import Timer
from . import kubelet, leader_election, node_controllers, replicaset, ttl
from .timing import Timing

WAITING = (kubelet, leader_election, node_controllers, replicaset, ttl)
"""The components that wait: each names its timers."""


def timers(timing: Timing) -> tuple[Timer, ...]:
    """Return the timers of a world."""
    return tuple(timer for component in WAITING for timer in component.timers(timing))
