"""VolumeBinding: bound volumes can be reached from the node; for unbound claims one can be found or made there.

Upstream: pkg/scheduler/framework/plugins/volumebinding/{volume_binding,binder}.go and
staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go (v1.32, v1.36).
`pre_bind` is what PreBind writes: a volume that is there is kept for a claim, else the node is noted on the claim.
Left out on purpose: scoring (off by default), storage capacity of drivers, and the assume cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from attrs import evolve, frozen

from ....api.cache import Cache
from ....api.core import Node, ObjectReference, Pod
from ....api.releases import Change, Release
from ....api.requests import Update
from ....api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from ....api.values.frozen import strings
from ....api.values.quantity import Quantity
from ....api.values.selectors import selects
from ...framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from ..node_affinity import term_matches
from .volume_claims import Claimed, claims, class_of, fully_bound, reachable_from, volume_of, waits

NAME = "VolumeBinding"
UNREACHABLE = "node(s) didn't match PersistentVolume's node affinity"
UNREACHABLE_BEFORE = "node(s) had volume node affinity conflict"
"""Before 1.33."""
NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
STORAGE = "storage"

Claims = tuple[PersistentVolumeClaim, ...]


@frozen
class Volumes:
    """The volumes of the Pod's bound claims (None is gone), its claims to bind, and what there is to bind them to."""

    bound: tuple[PersistentVolume | None, ...]
    unbound: Claims
    available: tuple[PersistentVolume, ...]
    cache: Cache


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[Volumes] | Refusal | None:
    """Sort the Pod's claims; one that is missing, leaving, lost or still to be bound at once rules every node out."""
    cache = snapshot.cache
    named = claims(pod, cache)
    if not named:
        return None
    wrong = next((words for claimed in named if (words := _unusable(claimed))), "")
    if wrong:
        return Refusal(NAME, (wrong,), resolvable=False)
    found = tuple(claimed.claim for claimed in named if claimed.claim is not None)
    unbound = tuple(claim for claim in found if not fully_bound(claim))
    if any(claim.spec.volume_name or not waits(claim, cache) for claim in unbound):
        return Refusal(NAME, (UNBOUND,), resolvable=False)
    bound = tuple(volume_of(claim, cache) for claim in found if fully_bound(claim))
    available = cache.list(PersistentVolume) if unbound else ()
    return Prepared(Volumes(bound, unbound, available, cache))


def _unusable(one: Claimed) -> str:
    """Say why a claim cannot be used at all; "" if it can."""
    if one.claim is None:
        if one.ephemeral:
            return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{one.name}"'
        return one.not_found
    if one.claim.status.phase == "Lost":
        volume = one.claim.spec.volume_name
        return f'persistentvolumeclaim "{one.name}" bound to non-existent persistentvolume "{volume}"'
    return f'persistentvolumeclaim "{one.name}" is being deleted' if one.claim.metadata.terminating else ""


def filter_node(unreachable: str, state: Volumes, _pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node, naming all of: a volume out of reach, nothing to bind or make there, a volume that is gone."""
    reasons: list[str] = []
    gone = False
    for volume in state.bound:
        gone = volume is None
        if volume is None or not reaches(volume, info.node):
            reasons += [] if gone else [unreachable]
            break
    if not _bindable(state, info.node):
        reasons.append(NOTHING_TO_BIND)
    if gone:
        reasons.append(GONE)
    return Refusal(NAME, tuple(reasons), resolvable=False) if reasons else None


def reaches(volume: PersistentVolume, node: Node) -> bool:
    """Tell whether a volume can be reached from a node."""
    selector = reachable_from(volume)
    return selector is None or any(term_matches(term, node) for term in selector.node_selector_terms)


# --- unbound claims -----------------------------------------------------------------------------------------------


def _bindable(state: Volumes, node: Node) -> bool:
    """Find a volume for each claim, the smallest claim first; for what is left one must be provisioned here."""
    selected = [claim.metadata.annotations.get(SELECTED_NODE) for claim in state.unbound]
    if any(name not in {None, node.metadata.name} for name in selected):
        return False
    _, to_provision = _divided(state.unbound, state.available, node)
    return all(can_be_made(class_of(claim, state.cache), node) for claim in to_provision)


def _divided(
    unbound: Claims, available: tuple[PersistentVolume, ...], node: Node
) -> tuple[tuple[tuple[PersistentVolumeClaim, PersistentVolume], ...], Claims]:
    """Divide claims into those that a volume is found for, with it, and those that one is to be made for."""
    noted = [claim for claim in unbound if SELECTED_NODE in claim.metadata.annotations]
    found: list[tuple[PersistentVolumeClaim, PersistentVolume]] = []
    missing: list[PersistentVolumeClaim] = []
    for claim in sorted((wanted for wanted in unbound if wanted not in noted), key=_requested):
        taken = {chosen.metadata.name for _, chosen in found}
        volume = find_matching_volume(claim, (free for free in available if free.metadata.name not in taken), node)
        if volume is None:
            missing.append(claim)
        else:
            found.append((claim, volume))
    return tuple(found), (*noted, *missing)


def unbound(pod: Pod, cache: Cache) -> Claims:
    """Return the claims of a Pod that are there and not bound yet."""
    named = (claimed.claim for claimed in claims(pod, cache))
    return tuple(claim for claim in named if claim is not None and not fully_bound(claim))


def pre_bind(pod: Pod, node: Node, cache: Cache) -> tuple[Update, ...]:
    """Return what is written before a Pod is bound to a node: which volumes are its claims', and where to make others.

    Upstream: BindPodVolumes in binder.go (v1.32); afterwards it waits until the claims are bound.
    """
    open_claims = unbound(pod, cache)
    if not open_claims:
        return ()
    found, missing = _divided(open_claims, cache.list(PersistentVolume), node)
    kept = tuple(Update(_kept(volume, claim), volume) for claim, volume in found if volume.spec.claim_ref is None)
    new = (claim for claim in missing if SELECTED_NODE not in claim.metadata.annotations)
    return (*kept, *(Update(_noted(claim, node), claim) for claim in new))


def _kept(volume: PersistentVolume, claim: PersistentVolumeClaim) -> PersistentVolume:
    meta = claim.metadata
    ref = ObjectReference("PersistentVolumeClaim", meta.namespace, meta.name, meta.uid)
    return evolve(volume, spec=evolve(volume.spec, claim_ref=ref))


def _noted(claim: PersistentVolumeClaim, node: Node) -> PersistentVolumeClaim:
    annotations = strings({**claim.metadata.annotations, SELECTED_NODE: node.metadata.name})
    return evolve(claim, metadata=evolve(claim.metadata, annotations=annotations))


def find_matching_volume(
    claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume], node: Node | None
) -> PersistentVolume | None:
    """Return the volume kept for a claim, else the smallest that will do; None if it is out of reach or there is none.

    Without a node every volume is within reach.
    """
    large_enough = [volume for volume in volumes if _could_be(volume, claim)]
    kept = next((volume for volume in large_enough if volume.spec.claim_ref is not None), None)
    if kept is not None:
        return kept if node is None or reaches(kept, node) else None
    fitting = [volume for volume in large_enough if _fits(volume, claim) and (node is None or reaches(volume, node))]
    return min(fitting, key=lambda one: one.spec.capacity.get(STORAGE, Quantity()), default=None)


def _could_be(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a volume is nobody else's, large enough, of the same mode and here to stay."""
    return (
        (volume.spec.claim_ref is None or _kept_for(volume, claim))
        and volume.spec.capacity.get(STORAGE, Quantity()) >= _requested(claim)
        and (volume.spec.volume_mode or "Filesystem") == (claim.spec.volume_mode or "Filesystem")
        and not volume.metadata.terminating
    )


def _kept_for(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    ref = volume.spec.claim_ref
    same = ref is not None and (ref.namespace, ref.name) == (claim.metadata.namespace, claim.metadata.name)
    return same and ref is not None and ref.uid in {"", claim.metadata.uid}


def _fits(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a free volume has the phase, labels, class and access modes a claim wants."""
    return (
        volume.status.phase == "Available"
        and (claim.spec.selector is None or selects(claim.spec.selector, volume.metadata.labels))
        and volume.spec.storage_class_name == (claim.spec.storage_class_name or "")
        and set(claim.spec.access_modes) <= set(volume.spec.access_modes)
    )


def satisfies(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a volume that a claim names will do: nobody else's, its size, mode, class and access modes."""
    same = volume.spec.storage_class_name == (claim.spec.storage_class_name or "")
    return _could_be(volume, claim) and same and set(claim.spec.access_modes) <= set(volume.spec.access_modes)


def _requested(claim: PersistentVolumeClaim) -> Quantity:
    return claim.spec.resources.requests.get(STORAGE, Quantity())


def can_be_made(storage_class: StorageClass | None, node: Node) -> bool:
    """Tell whether the class has a provisioner that may make volumes for this node."""
    if storage_class is None or storage_class.provisioner in {"", NO_PROVISIONER}:
        return False
    terms = storage_class.allowed_topologies
    labels = node.metadata.labels
    return not terms or any(
        all(labels.get(expression.key) in expression.values for expression in term.match_label_expressions)
        for term in terms
    )


def plugin(release: Release) -> FilterPlugin[Volumes]:
    """Return a release's plugin, with its words."""
    words = UNREACHABLE if Change.VOLUME_AFFINITY_WORDS in release else UNREACHABLE_BEFORE
    return FilterPlugin(NAME, partial(filter_node, words), pre_filter)
