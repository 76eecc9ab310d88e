"""The claims a Pod's volumes name, and what they are bound to: what the four volume plugins share.

Upstream: staging/src/k8s.io/component-helpers/storage/{ephemeral,volume} (v1.32).
Left out on purpose: the old annotation for the storage class, in-tree sources migrated to CSI, and that the claim of an
ephemeral volume must belong to the Pod.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from ....api.cache import Cache
from ....api.core import NodeSelector, Pod
from ....api.meta import Ref
from ....api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from ....api.values.frozen import Json

READ_WRITE_ONCE_POD = "ReadWriteOncePod"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer"


@frozen
class Claimed:
    """A claim by the name a volume gives it; `claim` is None when there is none. `ephemeral`: made for the Pod."""

    namespace: str
    name: str
    claim: PersistentVolumeClaim | None
    ephemeral: bool

    @property
    def not_found(self) -> str:
        """What a lister says of a claim that is not there."""
        return f'persistentvolumeclaim "{self.name}" not found'


def volumes(pod: Pod) -> tuple[Json, ...]:
    """Return the Pod's volumes, as JSON."""
    found: Any = pod.spec.extra.get("volumes") or ()
    return tuple(found)


def claim_names(pod: Pod) -> Iterator[tuple[str, bool]]:
    """Yield the names of the claims of a Pod's volumes, each with whether it is made for the Pod."""
    for volume in volumes(pod):
        if "persistentVolumeClaim" in volume:
            yield volume["persistentVolumeClaim"].get("claimName", ""), False
        elif "ephemeral" in volume:
            yield f"{pod.metadata.name}-{volume['name']}", True


def claims(pod: Pod, cache: Cache) -> tuple[Claimed, ...]:
    """Look up the claims of a Pod's volumes."""
    namespace = pod.metadata.namespace
    return tuple(
        Claimed(
            namespace, name, cache.get(PersistentVolumeClaim, Ref("PersistentVolumeClaim", namespace, name)), ephemeral
        )
        for name, ephemeral in claim_names(pod)
    )


def volume_of(claim: PersistentVolumeClaim, cache: Cache) -> PersistentVolume | None:
    """Look up the volume a claim names."""
    return cache.get(PersistentVolume, Ref("PersistentVolume", "", claim.spec.volume_name))


def class_of(claim: PersistentVolumeClaim, cache: Cache) -> StorageClass | None:
    """Look up a claim's storage class."""
    return cache.get(StorageClass, Ref("StorageClass", "", claim.spec.storage_class_name or ""))


def waits(claim: PersistentVolumeClaim, cache: Cache) -> bool:
    """Tell whether a claim is bound only when a Pod that uses it is scheduled."""
    found = class_of(claim, cache)
    return found is not None and found.volume_binding_mode == WAIT_FOR_FIRST_CONSUMER


def fully_bound(claim: PersistentVolumeClaim) -> bool:
    """Tell whether a claim names its volume and the binding is complete."""
    return bool(claim.spec.volume_name) and BIND_COMPLETED in claim.metadata.annotations


def reachable_from(volume: PersistentVolume) -> NodeSelector | None:
    """Return the selector of the nodes from which a volume can be reached, None for all."""
    return volume.spec.node_affinity.required if volume.spec.node_affinity else None
