"""The controllers of Deployments and ReplicaSets.

Statuses are compared without their times and without the messages of conditions. Whether expectations were open in a
sync is not recorded: one that leaves the Pods as they are may have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from attrs import evolve

from ....impl.api.apps import Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus
from ....impl.api.cache import Cache
from ....impl.api.core import Pod
from ....impl.api.kinds import ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Create, Request, Update, possible
from ....impl.controllers.deployment import deployment
from ....impl.controllers.replicaset import replicaset
from ..history import Change
from .writer import LATER, Seen, Writer, asks_to_delete, begins_to_go, deletes, owner_of, same_pod

Status = TypeVar("Status", DeploymentStatus, ReplicaSetStatus)
REFUSED = "refused"
"""What an API server has answered; messages are not compared."""
SETS, DEPLOYED = frozenset({"ReplicaSet"}), frozenset({"Deployment"})


def _deployment_may(seen: Seen, key: Ref) -> Iterator[Request]:
    for now in (seen.now, seen.now + LATER):
        yield from deployment.reconcile(seen.cache, key, now=now, release=seen.release)


def _deployment_must(seen: Seen, key: Ref) -> Iterator[Request]:
    yield from deployment.reconcile(seen.cache, key, now=seen.now, release=seen.release)


def _deployment_writes(change: Change, cache: Cache) -> bool:
    match change.before, change.after:
        case Deployment() as old, Deployment() as new:
            return _plain(old.status) != _plain(new.status)
        case None, ReplicaSet() as new:
            return owner_of(new) == "Deployment"
        case ReplicaSet() as old, ReplicaSet() as new if not begins_to_go(change):
            return owner_of(new) == "Deployment" and old.spec.replicas != new.spec.replicas
    return begins_to_go(change) and change.ref.kind == "ReplicaSet" and deletes(DEPLOYED, change, cache)


def _deployment_explains(request: Request, change: Change) -> bool:
    if begins_to_go(change):
        return asks_to_delete(request, change)
    match change.after, request:
        case Deployment() as new, Update(Deployment() as made):
            return ref_of(made) == change.ref and _plain(made.status) == _plain(new.status)
        case ReplicaSet() as new, Update(ReplicaSet() as made) if change.before is not None:
            return ref_of(made) == change.ref and made.spec.replicas == new.spec.replicas
        case ReplicaSet() as new, Create(ReplicaSet() as made) if change.before is None:
            same = (ref_of(made), made.metadata.labels, made.spec.replicas) == (
                change.ref, new.metadata.labels, new.spec.replicas,
            )  # fmt: skip
            return same and made.metadata.owner_references == new.metadata.owner_references
    return False


def _set_may(seen: Seen, key: Ref) -> Iterator[Request]:
    for now in sorted({seen.now, seen.now + LATER, *_becoming_available(seen, key)}):
        for groups in replicaset.syncs(seen.cache, key, now=now):
            yield from possible(groups)
        yield from replicaset.reconcile(seen.cache, key, now=now, satisfied=False)
    yield from replicaset.after_failure(seen.cache, key, message=REFUSED, now=seen.now)


def _becoming_available(seen: Seen, key: Ref) -> Iterator[int]:
    """Yield when Pods have been ready for long enough: at such a moment the controller looks again."""
    one = seen.cache.get(ReplicaSet, key)
    least = one.spec.min_ready_seconds if one is not None else 0
    for pod in seen.cache.list(Pod, key.namespace) if least else ():
        yield from (each.last_transition_time + least for each in pod.status.conditions if each.last_transition_time)


def _set_must(seen: Seen, key: Ref) -> Iterator[Request]:
    """Yield what is left to do; nothing of one that says that it is refused its Pods: it tries again later."""
    one = seen.cache.get(ReplicaSet, key)
    if one is not None and any(each.type == "ReplicaFailure" for each in one.status.conditions):
        return
    yield from replicaset.reconcile(seen.cache, key, now=seen.now)


def _set_writes(change: Change, cache: Cache) -> bool:
    match change.before, change.after:
        case ReplicaSet() as old, ReplicaSet() as new:
            return _plain(old.status) != _plain(new.status)
        case None, Pod() as new:
            return owner_of(new) == "ReplicaSet"
    return begins_to_go(change) and change.ref.kind == "Pod" and deletes(SETS, change, cache)


def _set_explains(request: Request, change: Change) -> bool:
    match change.after, request:
        case ReplicaSet() as new, Update(ReplicaSet() as made):
            return ref_of(made) == change.ref and _plain(made.status) == _plain(new.status)
        case Pod() as new, Create(Pod() as made) if change.before is None:
            return same_pod(made, new)
    return begins_to_go(change) and asks_to_delete(request, change)


def _plain(status: Status) -> Status:
    """Return a status without times, messages and what later releases have added."""
    told = (
        evolve(condition, message="", last_update_time=None, last_transition_time=None)
        for condition in status.conditions
    )
    return evolve(status, conditions=tuple(sorted(told, key=lambda one: one.type)), extra=type(status.extra)())


DEPLOYMENTS = Writer(
    "deployment-controller",
    DEPLOYED,
    frozenset({"Deployment", "ReplicaSet", "Pod"}),
    deployment.TRANSFORM,
    _deployment_may,
    _deployment_must,
    _deployment_writes,
    _deployment_explains,
)
REPLICASETS = Writer(
    "replicaset-controller",
    SETS,
    frozenset({"ReplicaSet", "Pod"}),
    replicaset.TRANSFORM,
    _set_may,
    _set_must,
    _set_writes,
    _set_explains,
)
