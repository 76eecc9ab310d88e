"""Claims that Pods use and volumes that claims use stay until they are used no more.

Upstream: pkg/controller/volume/{pvcprotection,pvprotection}, plugin/pkg/admission/storage/storageobjectinuseprotection
(v1.32). A new claim and a new volume have a finalizer each; who deletes them marks them, and the finalizer goes once
no Pod that has a node names the claim, or the volume is not Bound. A Pod without a node does not count: no kubelet
starts a Pod whose claim is being deleted.
Left out on purpose: adding the finalizer to objects from before it was.
"""

from __future__ import annotations

from attrs import evolve

from ...api.cache import Cache
from ...api.core import Pod
from ...api.requests import Request, Update
from ...api.storage import PersistentVolume, PersistentVolumeClaim
from ...api.well_known import CLAIM_IN_USE, VOLUME_IN_USE
from ...scheduler.plugins.volumes.volume_claims import claim_names


def released_finalizer(cache: Cache, obj: PersistentVolume | PersistentVolumeClaim) -> tuple[Request, ...]:
    """Let go of an object that is being deleted and that nobody uses."""
    finalizer = CLAIM_IN_USE if isinstance(obj, PersistentVolumeClaim) else VOLUME_IN_USE
    if finalizer not in obj.metadata.finalizers or is_used(cache, obj):
        return ()
    left = tuple(kept for kept in obj.metadata.finalizers if kept != finalizer)
    return (Update(evolve(obj, metadata=evolve(obj.metadata, finalizers=left)), obj),)


def is_used(cache: Cache, obj: PersistentVolume | PersistentVolumeClaim) -> bool:
    """Tell whether a volume has a claim, or a claim a Pod with a node."""
    if isinstance(obj, PersistentVolume):
        return obj.status.phase == "Bound"
    return any(pod.spec.node_name and uses(pod, obj) for pod in cache.list(Pod, obj.metadata.namespace))


def uses(pod: Pod, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a Pod names a claim."""
    same = pod.metadata.namespace == claim.metadata.namespace
    return same and any(name == claim.metadata.name for name, _ in claim_names(pod))
