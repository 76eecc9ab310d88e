"""Whether a Pod's volumes are on its node: what its kubelet waits for before it starts containers.

There are no objects of attachments here (`impl.controllers.volume.attaching`): a Pod holds a volume on its node from
when its kubelet has begun with it until it is over or gone; one that is left on a node which does not answer holds it,
too. Left out on purpose: that what runs for a Pod whose object was removed by force holds its volume for a while (a
volume is attached earlier here, so that no run is lost).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.api.kinds import Object
from ....impl.api.meta import Ref
from ....impl.api.storage import PersistentVolume, PersistentVolumeClaim
from ....impl.api.volume_sources import PLUGINS_GONE
from ....impl.controllers.volume.attaching import Disk, User, disks, may_attach, may_use
from ....impl.scheduler.plugins.volumes.volume_claims import claim_names
from ....model.machine import View
from ....model.world.store import Stored
from ....model.world.world import World
from .node_state import is_silent


def mounted(
    world: World, struck: tuple[str, ...], begun: Callable[[str], bool], view: View, place: str, pod: Pod
) -> bool:
    """Tell whether the volumes of a Pod's claims are bound, and they and its disks attached to its node, or can be.

    `begun` tells whether the kubelet of the Pod in a place has begun with it.
    """
    stored = Stored(view, world.layout)
    for name, _ in claim_names(pod):
        claim = stored.get(Ref("PersistentVolumeClaim", pod.metadata.namespace, name))
        if not isinstance(claim, PersistentVolumeClaim) or claim.status.phase != "Bound" or claim.metadata.terminating:
            return False
        volume = stored.get(Ref("PersistentVolume", "", claim.spec.volume_name))
        if not isinstance(volume, PersistentVolume) or volume.spec.extra.keys() & PLUGINS_GONE:
            return False
        keep = partial(_user, (pod.metadata.namespace, name))
        if not may_use(volume, pod.spec.node_name, tuple(_others(world, struck, begun, view, place, keep))):
            return False
    for disk, reads in disks(pod.spec):
        keep = partial(_disk_user, disk, reads)
        if not may_attach(pod.spec.node_name, tuple(_others(world, struck, begun, view, place, keep))):
            return False
    return True


def _others(
    world: World,
    struck: tuple[str, ...],
    begun: Callable[[str], bool],
    view: View,
    place: str,
    keep: Callable[[Object | None], tuple[str, bool] | None],
) -> Iterator[User]:
    """Yield the other Pods that use something: `keep` tells of each whether it does."""
    for other in world.layout.pools["Pod"]:
        if other != place and (found := view.via(keep, other)) is not None:
            node, ran = found
            yield User(node, ran or (node in struck and is_silent(view, node)) or begun(other))


def _user(claim: tuple[str, str], obj: Object | None) -> tuple[str, bool] | None:
    """Return the node of a Pod that uses a claim and is not over, and whether it is known to have begun there."""
    if not isinstance(obj, Pod) or obj.metadata.namespace != claim[0]:
        return None
    return _where(obj) if any(name == claim[1] for name, _ in claim_names(obj)) else None


def _disk_user(disk: Disk, reads: bool, obj: Object | None) -> tuple[str, bool] | None:  # noqa: FBT001
    """Return the same of a Pod that names a disk; `reads`: nobody who only reads it counts, for neither writes."""
    if not isinstance(obj, Pod):
        return None
    return _where(obj) if any(disk == other and not (reads and too) for other, too in disks(obj.spec)) else None


def _where(pod: Pod) -> tuple[str, bool] | None:
    if not pod.spec.node_name or pod.finished:
        return None
    return pod.spec.node_name, pod.status.phase == "Running"
