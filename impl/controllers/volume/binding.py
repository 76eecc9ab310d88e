"""The PersistentVolume controller: each claim is bound to a volume of its own, and a volume follows its claim.

Upstream: pkg/controller/volume/persistentvolume/{pv_controller,index}.go, pkg/volume/util/finalizer.go (v1.32).
A claim takes the volume it names, the volume that is kept for it, else the smallest that fits, of those with the fewest
access modes. One whose class waits for a consumer is bound once the scheduler has chosen: a volume, which it keeps for
the claim, or a node, which it notes on the claim; then whoever provisions makes a volume there (`provisioning`). A
claim without a class gets the default class, also later. A bound claim whose volume is gone is Lost. A volume whose
claim is gone is Released, and deleted if its reclaim policy says so.
Left out on purpose: Events, resizing, Recycle, the notes of who bound and who provisions, that the node which was
chosen stays noted on a bound claim (nobody reads it then); spec and status of an object are one write here, two there.
"""

from __future__ import annotations

from attrs import evolve

from ...api.cache import Cache
from ...api.core import ObjectReference
from ...api.kinds import ref_of
from ...api.meta import Ref
from ...api.requests import Create, Delete, Request, Update
from ...api.storage import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    PersistentVolumeStatus,
    StorageClass,
    default_of,
)
from ...api.values.frozen import strings
from ...scheduler.plugins.volumes.volume_binding import SELECTED_NODE, find_matching_volume, satisfies
from ...scheduler.plugins.volumes.volume_claims import BIND_COMPLETED, fully_bound, volume_of, waits
from .protection import released_finalizer
from .provisioning import made_for

Turn = tuple[Request, ...]
BOUND, LOST, AVAILABLE, RELEASED, PENDING = "Bound", "Lost", "Available", "Released", "Pending"
DELETE = "Delete"


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", "StorageClass")


def reconcile(cache: Cache, key: Ref) -> Turn:
    """Return the requests of one sync of a claim or a volume; of several places for a new volume the first."""
    return next(iter(reconcile_all(cache, key)), ())


def reconcile_all(cache: Cache, key: Ref) -> tuple[Turn, ...]:
    """Return every sync of a claim or a volume there may be: a volume may be made in one of several places."""
    found = cache.objects.get(key)
    if isinstance(found, PersistentVolume):
        turn = _follows(cache, found)
        return (turn,) if turn else ()
    if not isinstance(found, PersistentVolumeClaim):
        return ()
    if found.metadata.terminating:
        turn = released_finalizer(cache, found)
        return (turn,) if turn else ()
    return tuple(turn for turn in _syncs(cache, found) if turn)


# --- claims -----------------------------------------------------------------------------------------------------------


def _syncs(cache: Cache, claim: PersistentVolumeClaim) -> tuple[Turn, ...]:
    volume = volume_of(claim, cache) if claim.spec.volume_name else None
    if fully_bound(claim):
        return (_kept(claim, volume),)
    if claim.spec.storage_class_name is None and (default := default_of(cache.list(StorageClass))):
        spec = evolve(claim.spec, storage_class_name=default)
        return ((Update(evolve(claim, spec=spec), claim),),)
    if claim.spec.volume_name:
        return (bind(volume, claim),) if volume is not None and takes(volume, claim) else ()
    chosen = best(cache, claim)
    if chosen is not None:
        return (bind(chosen, claim),)
    return tuple(
        (Create(_bound(made, claim)), *_write(_bound_to(claim, made), claim)) for made in made_for(cache, claim)
    )


def _kept(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> Turn:
    """Say of a bound claim that it is, or that it has lost its volume."""
    if volume is None or not (volume.spec.claim_ref is None or is_kept_for(volume, claim)):
        return _write(evolve(claim, status=evolve(claim.status, phase=LOST)), claim)
    return bind(volume, claim)


def bind(volume: PersistentVolume, claim: PersistentVolumeClaim) -> Turn:
    """Return what is to be written until a claim and a volume say that they are bound to each other."""
    bound = _bound(volume, claim)
    first: Turn = () if bound == volume else (Update(bound, volume),)
    return (*first, *_write(_bound_to(claim, volume), claim))


def _write(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> Turn:
    return () if new == old else (Update(new, old),)


def _bound(volume: PersistentVolume, claim: PersistentVolumeClaim) -> PersistentVolume:
    status = PersistentVolumeStatus(BOUND, volume.status.extra)
    return evolve(volume, spec=evolve(volume.spec, claim_ref=reference_to(claim)), status=status)


def _bound_to(claim: PersistentVolumeClaim, volume: PersistentVolume) -> PersistentVolumeClaim:
    kept = {key: value for key, value in claim.metadata.annotations.items() if key != SELECTED_NODE}
    return evolve(
        claim,
        metadata=evolve(claim.metadata, annotations=strings({**kept, BIND_COMPLETED: kept.get(BIND_COMPLETED, "yes")})),
        spec=evolve(claim.spec, volume_name=volume.metadata.name),
        status=PersistentVolumeClaimStatus(BOUND, claim.status.extra),
    )


def reference_to(claim: PersistentVolumeClaim) -> ObjectReference:
    """Return how a volume names its claim."""
    meta = claim.metadata
    return ObjectReference("PersistentVolumeClaim", meta.namespace, meta.name, meta.uid)


def is_kept_for(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a volume is bound to a claim, or kept for one of its name."""
    ref, meta = volume.spec.claim_ref, claim.metadata
    return ref is not None and (ref.namespace, ref.name) == (meta.namespace, meta.name) and ref.uid in {"", meta.uid}


def takes(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Tell whether a volume that a claim names is, or may become, its own (checkVolumeSatisfyClaim)."""
    if is_kept_for(volume, claim):
        return True
    return volume.spec.claim_ref is None and satisfies(volume, claim)


def best(cache: Cache, claim: PersistentVolumeClaim) -> PersistentVolume | None:
    """Return the volume that a claim is bound to; while its Pod is waited for only one that is kept for it."""
    volumes = cache.list(PersistentVolume)
    kept = [volume for volume in volumes if is_kept_for(volume, claim)]
    if waits(claim, cache):
        return find_matching_volume(claim, kept, None)
    modes = sorted({len(volume.spec.access_modes) for volume in volumes})
    groups = (kept, *([volume for volume in volumes if len(volume.spec.access_modes) == count] for count in modes))
    found = (find_matching_volume(claim, group, None) for group in groups)
    return next((volume for volume in found if volume is not None), None)


# --- volumes ----------------------------------------------------------------------------------------------------------


def _follows(cache: Cache, volume: PersistentVolume) -> Turn:
    """Say whether a volume is free, or was its claim's that is gone; then it may be deleted."""
    if volume.metadata.terminating:
        return released_finalizer(cache, volume)
    ref, phase = volume.spec.claim_ref, volume.status.phase
    if ref is None or not ref.uid:
        return _phase(volume, AVAILABLE) if phase in {"", PENDING} else ()
    claim = cache.get(PersistentVolumeClaim, Ref("PersistentVolumeClaim", ref.namespace, ref.name))
    if claim is not None and claim.metadata.uid == ref.uid:
        return ()
    if phase != RELEASED:
        return _phase(volume, RELEASED)
    return (Delete(ref_of(volume)),) if volume.spec.persistent_volume_reclaim_policy == DELETE else ()


def _phase(volume: PersistentVolume, phase: str) -> Turn:
    return (Update(evolve(volume, status=PersistentVolumeStatus(phase, volume.status.extra)), volume),)
