"""What windows are read off: a world that is put together, and of its scenario what may stretch or cut a wait short."""

from __future__ import annotations

from fractions import Fraction

from attrs import frozen

from ....impl.kubelet.behaviour import ImageBehaviour
from ....model.world.world import Process, World

SILENCE_SECONDS = 50 - 10
"""--node-monitor-grace-period, less the time between two renewals of a lease."""
SILENCE = (Fraction(SILENCE_SECONDS), None)
"""The node controller may be late."""


@frozen
class Timing:
    """A world, the nodes that may fall silent, how its images behave, and what may befall what a kubelet waits for."""

    world: World
    struck: tuple[str, ...]
    behaviour: ImageBehaviour
    kubelets_crash: bool = False
    containers_crash: bool = False
    elect: tuple[Process, ...] = ()
    """The processes whose program may get another leader."""
    silence: tuple[Fraction, Fraction | None] = SILENCE
    """The least and the greatest number of seconds of silence after which a node is given up."""
