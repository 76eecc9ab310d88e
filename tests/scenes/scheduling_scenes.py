"""Small scenes of the scheduling queue: one Pod or node too few is seen, or one event is."""

from __future__ import annotations

from kubeproof.harness.world.grains.scheduling_queue.queue import Scene
from kubeproof.harness.zoo.scheduler import node, pod

LOST_WAKE_UP = Scene((node("n", 1),), (pod("v", 1, on="n"), pod("a", 1), pod("b", 2)), deletable=("v",))
"""`a` waits for the room that `v` has; `b` fits nowhere, but trying it wipes out the mark."""
LOST_POD = Scene((node("n", 1),), (pod("v", 1, on="n"), pod("a", 1)), deletable=("v",), restarts=1)
GHOST_REFUSED = Scene((node("n", 2), node("m", 1)), (), later=(pod("a", 1),), removable=("n",), losses=1, lookup=True)
"""The emptier node scores best, and is gone."""
GHOST_ACCEPTED = Scene(
    (node("n", 2), node("m", 1)), (), (), 1, (pod("a-0", 1), pod("a-1", 1)), removable=("n",), losses=1
)
