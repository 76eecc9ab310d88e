"""What windows are read off: a world that is put together, and of its scenario what may stretch or cut a wait short."""

from __future__ import annotations

from attrs import frozen

from ....impl.kubelet.behaviour import ImageBehaviour
from ....model.world.world import World


@frozen
class Timing:
    """A world, the nodes that may fall silent, how its images behave, and what may befall what a kubelet waits for."""

    world: World
    struck: tuple[str, ...]
    behaviour: ImageBehaviour
    kubelets_crash: bool = False
    containers_crash: bool = False
