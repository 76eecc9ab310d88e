"""Which node a volume is attached to: one that only one node may have stays where it is until nobody uses it there.

Upstream: pkg/controller/volume/attachdetach/reconciler/reconciler.go (attachDesiredVolumes, isMultiAttachForbidden),
cache/desired_state_of_world.go, pkg/kubelet/volumemanager/cache/desired_state_of_world.go (ReadWriteOncePod) (v1.32).
A Pod is started once its volumes are attached to its node. A volume of which every access mode is for one writer is
not attached to another node while it is attached to one: until the Pods there that use it are over or gone. A dead node
lets go of nothing by itself: the Pod that is left there holds its volume until its object is gone. A claim for one Pod
alone (ReadWriteOncePod) waits for the other Pod on the same node, too.
A disk that a Pod names itself is one of its CSI driver (csi-translation-lib/plugins, TranslateInTreeInlineVolumeToCSI):
for one writer, or, of GCE alone, for many readers.
Left out on purpose: VolumeAttachment objects; the six minutes after which a volume is taken off a node that does not
answer (once the Pod that held it is gone: any time may pass); attaching one of several volumes and not the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from ...api.core import PodSpec
from ...api.storage import PersistentVolume
from ...api.values.frozen import as_map
from ...api.volume_sources import DISKS

SHARED_MODES = frozenset({"ReadOnlyMany", "ReadWriteMany"})
ONE_POD = "ReadWriteOncePod"
NOT_ATTACHED = frozenset(
    {
        "docker.io/hostpath",
        "efs.csi.aws.com",
        "file.csi.azure.com",
        "k8s.io/minikube-hostpath",
        "kubernetes.io/azure-file",
        "local.csi.openebs.io",
        "nfs.csi.k8s.io",
        "openebs.io/local",
        "rancher.io/local-path",
        "smb.csi.k8s.io",
        "topolvm.io",
        "zfs.csi.openebs.io",
    }
)
"""Drivers whose CSIDriver says attachRequired: false, and provisioners of volumes that no driver attaches."""
ATTACHED_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "cinder",
    "fc",
    "gcePersistentDisk",
    "iscsi",
    "rbd",
    "vsphereVolume",
)
"""Sources of volumes, beside CSI, that are attached to a node."""


Disk = tuple[str, str]
"""A source, and which of its disks."""


@frozen
class User:
    """A Pod that uses a volume: the node it is on, and whether the volume is attached there for it."""

    node: str
    holds: bool


def is_attached_by(driver: str) -> bool:
    """Tell whether a driver attaches its volumes to nodes: unless it is known not to."""
    return driver not in NOT_ATTACHED


def needs_attaching(volume: PersistentVolume) -> bool:
    """Tell whether a volume must be attached to a node before a Pod there can use it."""
    source: Any = volume.spec.extra.get("csi")
    if source is not None:
        return is_attached_by(str(source.get("driver", "")))
    return any(kind in volume.spec.extra for kind in ATTACHED_SOURCES)


def may_use(volume: PersistentVolume, node: str, others: tuple[User, ...]) -> bool:
    """Tell whether a Pod on a node gets a volume that others use, too."""
    modes = _modes(volume)
    if ONE_POD in modes and any(user.holds for user in others):
        return False
    alone = bool(modes) and not SHARED_MODES.intersection(modes) and needs_attaching(volume)
    return not alone or may_attach(node, others)


def _modes(volume: PersistentVolume) -> tuple[str, ...]:
    """Return the access modes of a volume: who may write to a disk of GCE is one (backwardCompatibleAccessModes)."""
    modes = volume.spec.access_modes
    one_writer = "gcePersistentDisk" in volume.spec.extra and set(modes) & {"ReadWriteMany", "ReadWriteOnce"}
    return ("ReadWriteOnce",) if one_writer else modes


def disks(spec: PodSpec) -> Iterator[tuple[Disk, bool]]:
    """Yield the disks that Pods name themselves, and whether each may be attached to several nodes: it is only read."""
    for volume in spec.extra.get("volumes") or ():
        for source, field in DISKS.items():
            if details := as_map(as_map(volume).get(source)):
                reads = source == "gcePersistentDisk" and bool(details.get("readOnly"))
                yield (source, str(details.get(field, ""))), reads


def may_attach(node: str, others: tuple[User, ...]) -> bool:
    """Tell whether a disk for one writer can be attached to a node, given who else uses it."""
    return not any(user.holds and user.node != node for user in others)
