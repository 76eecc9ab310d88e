"""Where the content of a volume comes from, as far as it matters to more than the program: disks, and what is gone.

Upstream: staging/src/k8s.io/api/core/v1/types.go (VolumeSource), csi-translation-lib/plugins (v1.32).
"""

from __future__ import annotations

DISKS = {
    "awsElasticBlockStore": "volumeID",
    "azureDisk": "diskURI",
    "cinder": "volumeID",
    "gcePersistentDisk": "pdName",
    "vsphereVolume": "volumePath",
}
"""Disks that CSI drivers attach to one node at a time, and the field that says which one it is."""
PLUGINS_GONE = frozenset(
    {"cephfs", "flocker", "glusterfs", "photonPersistentDisk", "quobyte", "rbd", "scaleIO", "storageos"}
)
"""Sources that kubelets have no plugin for since 1.31 or before ("the in-tree type is no longer supported")."""
