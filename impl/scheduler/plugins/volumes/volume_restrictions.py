"""VolumeRestrictions: a ReadWriteOncePod claim is used by one Pod at a time, and some disks are attached once.

Upstream: pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go (v1.32, v1.36).
Left out on purpose: the read-only sharing and RBD monitor rules in full; two Pods of a node that name the same
GCE, AWS, iSCSI or RBD disk conflict unless both read only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from attrs import frozen

from ....api.core import Pod
from ....api.releases import Change, Release
from ...framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .volume_claims import READ_WRITE_ONCE_POD, claim_names, claims, volumes

NAME = "VolumeRestrictions"
DISK_TAKEN = Refusal(NAME, ("node(s) had no available disk",))
CLAIM_TAKEN = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)
CLAIM_TAKEN_BEFORE = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
"""Before 1.34."""
IDENTITY = {
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "iscsi": ("iqn",),
    "rbd": ("pool", "image"),
}
"""The sources that one node attaches once, and the fields that say which disk it is."""
NEVER_SHARED = frozenset({"awsElasticBlockStore"})
"""Those that no two Pods of a node have, even if both only read."""
Disk = tuple[str, ...]


@frozen
class Restricted:
    """The disks a Pod names (with whether it only reads), and whether a claim of its own is in use by another Pod."""

    disks: tuple[tuple[Disk, bool], ...]
    claim_taken: bool


def disks(pod: Pod) -> Iterator[tuple[Disk, bool]]:
    """Yield the disks a Pod names, and whether each is only read."""
    for volume in volumes(pod):
        for source, fields in IDENTITY.items():
            if source in volume:
                details: Any = volume[source]
                reads = bool(details.get("readOnly")) and source not in NEVER_SHARED
                yield (source, *(str(details.get(name, "")) for name in fields)), reads


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[Restricted] | Refusal | None:
    """Find the Pod's exclusive claims and who uses them; a claim that does not exist rules every node out."""
    named = [claimed for claimed in claims(pod, snapshot.cache) if not claimed.ephemeral]
    if missing := next((claimed for claimed in named if claimed.claim is None), None):
        return Refusal(NAME, (missing.not_found,), resolvable=False)
    exclusive = {
        claimed.name for claimed in named if claimed.claim and READ_WRITE_ONCE_POD in claimed.claim.spec.access_modes
    }
    taken = bool(exclusive) and any(_uses(other, pod, exclusive) for info in snapshot.nodes for other in info.pods)
    own = tuple(disks(pod))
    return Prepared(Restricted(own, taken)) if own or taken else None


def _uses(other: Pod, pod: Pod, exclusive: set[str]) -> bool:
    same = other.metadata.namespace == pod.metadata.namespace
    return same and any(name in exclusive for name, _ in claim_names(other))


def filter_node(claim_taken: str, state: Restricted, _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node that has a disk attached already, and every node while a claim is in use."""
    attached = [disk for other in info.pods for disk in disks(other)] if state.disks else []
    if any(disk == other and not (reads and too) for disk, reads in state.disks for other, too in attached):
        return DISK_TAKEN
    return Refusal(NAME, (claim_taken,)) if state.claim_taken else None


def plugin(release: Release) -> FilterPlugin[Restricted]:
    """Return a release's plugin, with its words."""
    words = CLAIM_TAKEN if Change.CLAIM_IN_USE_WORDS in release else CLAIM_TAKEN_BEFORE
    return FilterPlugin(NAME, partial(filter_node, words), pre_filter, sees_pods=True)
