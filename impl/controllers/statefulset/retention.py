"""Whose the claims of a StatefulSet's Pods are: what the garbage collector takes with the set, or with a Pod too many.

Upstream: pkg/controller/statefulset/stateful_set_utils.go (isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod),
stateful_pod_control.go (v1.32, KEP-1847). whenDeleted: Delete makes the set the owner of each claim, whenScaled: Delete
makes a Pod that is too many the owner of its own. A claim that somebody else controls is left alone.
Left out on purpose: owners that are no controllers (from before 1.31).
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from ...api.apps import StatefulSet
from ...api.cache import Cache
from ...api.core import Pod
from ...api.kinds import ref_of
from ...api.meta import OwnerReference
from ...api.requests import Request, Update
from ...api.storage import PersistentVolumeClaim
from ..common import controller_of
from .identity import claims, ordinal

DELETE = "Delete"


def deletes(owner: StatefulSet) -> bool:
    """Tell whether claims of a set are ever deleted."""
    policy = owner.spec.persistent_volume_claim_retention_policy
    return policy is not None and DELETE in {policy.when_deleted, policy.when_scaled}


def reowned(cache: Cache, owner: StatefulSet, pod: Pod, *, too_many: bool) -> Iterator[Request]:
    """Yield what gives the claims of a Pod that there is to be, or of one too many, to whom they belong."""
    for made in claims(owner, ordinal(pod)):
        claim = cache.get(PersistentVolumeClaim, ref_of(made))
        if claim is None or claim.metadata.terminating or _is_others(claim, owner, pod):
            continue
        before = claim.metadata.owner_references
        kept = tuple(reference for reference in before if reference.uid not in {owner.metadata.uid, pod.metadata.uid})
        after = (*kept, *_owners(owner, pod, too_many=too_many))
        if {(reference.uid, reference.controller) for reference in after} != {
            (reference.uid, reference.controller) for reference in before
        }:
            yield Update(evolve(claim, metadata=evolve(claim.metadata, owner_references=after)), claim)


def _owners(owner: StatefulSet, pod: Pod, *, too_many: bool) -> Iterator[OwnerReference]:
    policy = owner.spec.persistent_volume_claim_retention_policy
    scaled = policy is not None and policy.when_scaled == DELETE and too_many
    if scaled:
        yield controller_of(pod)
    elif policy is not None and policy.when_deleted == DELETE:
        yield controller_of(owner)


def _is_others(claim: PersistentVolumeClaim, owner: StatefulSet, pod: Pod) -> bool:
    """Tell whether somebody else controls a claim, or one that was called so before."""
    mine = {owner.metadata.uid, pod.metadata.uid}
    named = {("StatefulSet", owner.metadata.name), ("Pod", pod.metadata.name)}
    others = (reference for reference in claim.metadata.owner_references if reference.uid not in mine)
    return any(other.controller or (other.kind, other.name) in named for other in others)
