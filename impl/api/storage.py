"""Volumes as the scheduler looks at them: PersistentVolume, PersistentVolumeClaim, StorageClass, CSINode.

Upstream: staging/src/k8s.io/api/core/v1/types.go and storage/v1/types.go (v1.32).
Left out on purpose: what a volume is made of (it stays in `extra`), snapshots, attachments and capacities of drivers.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from immutabledict import immutabledict

from .core import NodeSelector, ObjectReference, ResourceRequirements, Resources
from .meta import LabelSelector, ObjectMeta
from .values.frozen import EMPTY, Json
from .well_known import DEFAULT_CLASS


@frozen
class VolumeNodeAffinity:
    """From which nodes a volume can be reached; None is all."""

    required: NodeSelector | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PersistentVolumeSpec:
    """What a volume offers; `claim_ref` is the claim it is bound to, or kept for. Its source stays in `extra`.

    The reclaim policy (Delete, Retain; "" is Retain) says what becomes of it when its claim is gone.
    """

    capacity: Resources = immutabledict()
    access_modes: tuple[str, ...] = ()
    claim_ref: ObjectReference | None = None
    storage_class_name: str = ""
    volume_mode: str | None = None
    node_affinity: VolumeNodeAffinity | None = None
    persistent_volume_reclaim_policy: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PersistentVolumeStatus:
    """Phase Available, Bound, Released, Failed or Pending."""

    phase: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class PersistentVolume:
    """A piece of storage of the cluster."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: PersistentVolumeStatus = PersistentVolumeStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PersistentVolumeClaimSpec:
    """What a claim wants; `storage_class_name` None means the default class, "" none."""

    access_modes: tuple[str, ...] = ()
    selector: LabelSelector | None = None
    resources: ResourceRequirements = ResourceRequirements()
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_mode: str | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PersistentVolumeClaimStatus:
    """Phase Pending, Bound or Lost."""

    phase: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class PersistentVolumeClaim:
    """A wish for storage, by which Pods name it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: PersistentVolumeClaimStatus = PersistentVolumeClaimStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class TopologySelectorLabelRequirement:
    """A label that must have one of the values."""

    key: str = ""
    values: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class TopologySelectorTerm:
    """All its requirements must hold."""

    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class StorageClass:
    """How volumes are made for claims, and when: at once (Immediate) or for a Pod (WaitForFirstConsumer)."""

    metadata: ObjectMeta = ObjectMeta()
    provisioner: str = ""
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[TopologySelectorTerm, ...] = ()
    reclaim_policy: str = ""
    extra: immutabledict[str, Json] = EMPTY


def default_of(classes: Iterable[StorageClass]) -> str:
    """Return the name of the class of claims that name none: the newest that says that it is, by name; "" for none."""
    marked = (
        storage_class for storage_class in classes if storage_class.metadata.annotations.get(DEFAULT_CLASS) == "true"
    )
    first = min(marked, key=lambda one: (-(one.metadata.creation_timestamp or 0), one.metadata.name), default=None)
    return "" if first is None else first.metadata.name


@frozen
class VolumeNodeResources:
    """How many volumes of a driver a node can attach; None is no limit."""

    count: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class CSINodeDriver:
    """A driver a node runs."""

    name: str = ""
    allocatable: VolumeNodeResources | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class CSINodeSpec:
    """The drivers of a node."""

    drivers: tuple[CSINodeDriver, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class CSINode:
    """What the storage drivers of the node of the same name say."""

    metadata: ObjectMeta = ObjectMeta()
    spec: CSINodeSpec = CSINodeSpec()
    extra: immutabledict[str, Json] = EMPTY
