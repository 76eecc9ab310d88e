"""What controllers share: whose object it is, adopting and releasing, readiness, and slimming what is watched.

Upstream: pkg/controller/controller_ref_manager.go and controller_utils.go, pkg/api/v1/pod/util.go (v1.32).
Left out on purpose: Events (no controller here emits any).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from attrs import evolve, frozen
from immutabledict import immutabledict

from ..api.core import NodeCondition, NodeStatus, Pod, PodCondition, PodSpec, PodStatus
from ..api.kinds import Object, Unstructured, kind_of, ref_of
from ..api.meta import LabelSelector, ObjectMeta, OwnerReference, Time
from ..api.requests import PatchMetadata, PatchStatus, Recheck, Request
from ..api.values.frozen import EMPTY, strings
from ..api.values.selectors import selects
from ..api.well_known import DISRUPTION_TARGET

T = TypeVar("T", bound=Object)

Transform = immutabledict[str, Callable[[Object], Object | None]]
"""By kind: what a controller keeps of a watched object; None for one that it ignores altogether."""

TERMINATING: Time = 0
"""What a transform writes for any deletionTimestamp: that there is one is all that is looked at."""


def stamp(now: Time) -> Time | None:
    """Return the time to write into a condition; a world without clocks says 0 and gets none."""
    return now or None


def controller_of(owner: Object) -> OwnerReference:
    """Make the owner reference by which `owner` controls an object."""
    return OwnerReference(
        api_version=kind_of(owner).api_version,
        kind=kind_of(owner).name,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


def controlled_by(obj: Object, owner: Object) -> bool:
    """Tell whether `owner` is the controller of an object: by uid, never by name."""
    controller = obj.metadata.controller
    return controller is not None and controller.uid == owner.metadata.uid


def claim(
    owner: Object,
    selector: LabelSelector,
    candidates: Iterable[T],
    *,
    belongs: Callable[[T], bool] = lambda _one: True,
) -> tuple[tuple[T, ...], tuple[Request, ...]]:
    """Return the candidates that are the owner's, and the requests that adopt orphans and release strays.

    An orphan that the selector matches is adopted and counts at once, unless it or the owner is terminating. A
    controlled object that the selector no longer matches, or that does not belong, is released and no longer counts.
    Before the first adoption the owner is asked for at the API server, and nothing follows where it is gone.
    """
    mine: list[T] = []
    orphans: list[T] = []
    releases: list[Request] = []
    for candidate in candidates:
        matches = selects(selector, candidate.metadata.labels) and belongs(candidate)
        if candidate.metadata.controller is not None:
            if not controlled_by(candidate, owner):
                continue
            if matches:
                mine.append(candidate)
            elif not owner.metadata.terminating:
                releases.append(
                    PatchMetadata(ref_of(candidate), candidate.metadata.uid, remove_owners=(owner.metadata.uid,))
                )
        elif matches and not owner.metadata.terminating and not candidate.metadata.terminating:
            mine.append(candidate)
            orphans.append(candidate)
    return tuple(mine), (*releases, *adoptions(owner, orphans))


def adoptions(owner: Object, orphans: Iterable[Object]) -> tuple[Request, ...]:
    """Return the requests that adopt orphans: first the API server is asked whether the owner is still there."""
    reference = controller_of(owner)
    adopts = tuple(PatchMetadata(ref_of(obj), obj.metadata.uid, add_owner=reference) for obj in orphans)
    return (Recheck(ref_of(owner), owner.metadata.uid), *adopts) if adopts else ()


def available(pod: Pod, min_ready_seconds: int, now: Time) -> bool:
    """Tell whether a Pod has been ready for minReadySeconds.

    Without a clock (now 0) and without a transition time the wait counts as over, or nothing would ever be available.
    """
    ready = pod.status.condition("Ready")
    if ready is None or ready.status != "True":
        return False
    if min_ready_seconds == 0:
        return True
    if not ready.last_transition_time:
        return now == 0
    return ready.last_transition_time + min_ready_seconds < now


# --- transforms -----------------------------------------------------------------------------------------------------


@frozen
class Keep:
    """What a transform keeps of metadata beside name, namespace, uid and whether it is terminating."""

    labels: bool = False
    annotations: frozenset[str] = frozenset()
    owners: bool = False
    creation: bool = False


NO_SPEC = PodSpec()


def slim_metadata(meta: ObjectMeta, keep: Keep) -> ObjectMeta:
    """Keep name, namespace, uid, whether it is terminating, and what `keep` names."""
    return ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        labels=meta.labels if keep.labels else strings(),
        annotations=strings((key, meta.annotations[key]) for key in meta.annotations if key in keep.annotations),
        deletion_timestamp=TERMINATING if meta.terminating else None,
        creation_timestamp=meta.creation_timestamp if keep.creation else None,
        owner_references=tuple(slim_owner(owner) for owner in meta.owner_references) if keep.owners else (),
    )


def with_only(obj: Object, meta: ObjectMeta) -> Object:
    """Return an object of the same kind that has this metadata, and nothing else."""
    return Unstructured(obj.of, meta) if isinstance(obj, Unstructured) else type(obj)(metadata=meta)


def slim_owner(owner: OwnerReference) -> OwnerReference:
    """Keep who the owner is and whether it is the controller."""
    return evolve(owner, block_owner_deletion=False, extra=EMPTY)


def slim_ready(status: PodStatus, *, times: bool = False) -> PodStatus:
    """Keep the phase and the status of the Ready condition, and when that changed if `times` says so."""
    return PodStatus(
        phase=status.phase,
        conditions=tuple(
            PodCondition(
                condition.type, condition.status, last_transition_time=condition.last_transition_time if times else None
            )
            for condition in status.conditions
            if condition.type == "Ready"
        ),
    )


def slim_pod(pod: Pod, keep: Keep, *, spec: PodSpec = NO_SPEC, status: PodStatus | None = None) -> Pod:
    """Keep a Pod's slim metadata, the given part of its spec, and its phase and readiness unless told otherwise."""
    return Pod(slim_metadata(pod.metadata, keep), spec, slim_ready(pod.status) if status is None else status)


def disrupted(pod: Pod, reason: str, message: str, phase: str = "") -> tuple[PatchStatus, ...]:
    """Return the request that says of a Pod, before it is deleted, why it goes; `phase` is what it is now.

    Upstream: markFailedAndDeletePodWithCondition in pkg/controller/podgc/gc_controller.go, addConditionAndDeletePod in
    pkg/controller/tainteviction/taint_eviction.go (v1.36).
    Only what is new is sent, as a strategic merge patch: what the kubelet has reported meanwhile stays as it is.
    Nothing is said of a Pod that no finalizer holds, for nobody acts on that: only Jobs do, and theirs have one.
    `reason` "" adds no condition.
    """
    if not pod.metadata.finalizers or (pod.finished and not reason):
        return ()
    added = (PodCondition(DISRUPTION_TARGET, "True", reason, message),) if reason else ()
    new = tuple(condition for condition in added if condition not in pod.status.conditions)
    now = "" if pod.finished or phase == pod.status.phase else phase
    meta = pod.metadata
    if not new and not now:
        return ()
    said = Pod(ObjectMeta(name=meta.name, namespace=meta.namespace), status=PodStatus(phase=now, conditions=new))
    return (PatchStatus(said, meta.uid, merge=True),)


def held(slim: Pod, pod: Pod) -> Pod:
    """Return a slim Pod with its finalizers and its whole status, if finalizers hold it (see `disrupted`)."""
    meta = pod.metadata
    if not meta.finalizers:
        return slim
    return evolve(slim, metadata=evolve(slim.metadata, finalizers=meta.finalizers), status=pod.status)


def slim_conditions(status: NodeStatus) -> NodeStatus:
    """Keep the type and the status of each condition of a node."""
    return NodeStatus(
        conditions=tuple(NodeCondition(condition.type, condition.status) for condition in status.conditions)
    )


def whole(obj: Object) -> Object:
    """Keep everything: the controller writes objects of this kind as a whole."""
    return obj
