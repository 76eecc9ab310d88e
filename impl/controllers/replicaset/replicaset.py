"""The ReplicaSet controller, and that of ReplicationControllers: as many active Pods as spec.replicas says.

Upstream: pkg/controller/replicaset/replica_set.go and replica_set_utils.go (v1.32).
One sync adopts and releases, then creates or deletes Pods, then writes the status computed from the Pods it saw
before that. Which Pods go is in deletion.py, what must be seen before Pods are managed again in expectations.py.
Left out on purpose: Events; slow start (creations are sent one at a time anyway); the requeue after minReadySeconds (a
timer). That a status which met a conflict is written once more is the business of whoever sends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import ReplicaSet, ReplicaSetStatus, WorkloadCondition
from ...api.cache import Cache
from ...api.core import Container, ContainerStatus, Pod, PodSpec
from ...api.kinds import Object, ref_of
from ...api.meta import ObjectMeta, Ref, Time
from ...api.requests import Create, Delete, OpenGroups, Request, Update, any_of, decided
from ...api.values.selectors import matches_map
from ..common import Keep, Transform, available, claim, controlled_by, controller_of, slim_pod, slim_ready, stamp, whole
from .deletion import COST, victims_of

KINDS = ("ReplicaSet", "ReplicationController")
"""Who is kept so: a ReplicationController is a ReplicaSet to its controller (pkg/controller/replication)."""
BURST = 500
"""At most so many Pods are created or deleted in one sync."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("Pod", *KINDS)


def reconcile(cache: Cache, key: Ref, *, now: Time = 0, satisfied: bool = True) -> tuple[Request, ...]:
    """Return the requests of one sync; `satisfied` False (expectations open) leaves the Pods as they are.

    Where the rules leave open which Pods go, this is the first alternative of `reconcile_all`.
    """
    return next(_alternatives(cache, key, now, satisfied=satisfied))


def reconcile_all(cache: Cache, key: Ref, *, now: Time = 0, satisfied: bool = True) -> tuple[tuple[Request, ...], ...]:
    """Return every sync a real controller may perform on this cache: one per legal set of victims."""
    return tuple(_alternatives(cache, key, now, satisfied=satisfied))


def _alternatives(cache: Cache, key: Ref, now: Time, *, satisfied: bool) -> Iterator[tuple[Request, ...]]:
    for sync in syncs(cache, key, now=now, satisfied=satisfied):
        yield from (tuple(chain.from_iterable(groups)) for groups in decided(sync))


def syncs(cache: Cache, key: Ref, *, now: Time = 0, satisfied: bool = True) -> Iterator[OpenGroups]:
    """Yield every sync a real controller may perform on this cache; which of equal Pods go is left open.

    It creates one Pod after the other, and deletes side by side.
    """
    rs = cache.get(ReplicaSet, key)
    if rs is None:
        yield ()
        return
    pods, claims = _claimed(cache, rs)
    first, last = (tuple((request,) for request in some) for some in (claims, _write_status(rs, pods, now)))
    surplus = len(pods) - rs.spec.wanted
    if not satisfied or rs.metadata.terminating or not surplus:
        yield (*first, *last)
    elif surplus < 0:
        yield (*first, *((Create(_new_pod(rs)),),) * min(-surplus, BURST), *last)
    else:
        for victims in victims_of(pods, _related(cache, rs), min(surplus, BURST), now):
            certain, tie = (tuple(Delete(ref_of(pod)) for pod in some) for some in (victims.certain, victims.open))
            yield (*first, (*certain, *any_of(tie, victims.count)), *last)


def after_failure(cache: Cache, key: Ref, *, message: str, now: Time = 0) -> tuple[Request, ...]:
    """Return the status update that follows a creation or deletion the API server refused, with its message."""
    rs = cache.get(ReplicaSet, key)
    if rs is None:
        return ()
    pods, _ = _claimed(cache, rs)
    return _write_status(rs, pods, now, failure=message)


def _claimed(cache: Cache, rs: ReplicaSet) -> tuple[tuple[Pod, ...], tuple[Request, ...]]:
    """Return the active Pods that are the ReplicaSet's; finished and terminating ones are nobody's concern."""
    pods = cache.list(Pod, rs.metadata.namespace)
    return claim(rs, rs.spec.selector, (pod for pod in pods if pod.active))


def _new_pod(rs: ReplicaSet) -> Pod:
    """Make a Pod of the template; the API server completes its name."""
    template = rs.spec.template
    return Pod(
        metadata=ObjectMeta(
            generate_name=f"{rs.metadata.name}-",
            namespace=rs.metadata.namespace,
            labels=template.metadata.labels,
            annotations=template.metadata.annotations,
            finalizers=template.metadata.finalizers,
            owner_references=(controller_of(rs),),
        ),
        spec=template.spec,
    )


def _related(cache: Cache, rs: ReplicaSet) -> tuple[Pod, ...]:
    """Return the active Pods of all ReplicaSets with the same controller: those of one Deployment."""
    controller = rs.metadata.controller
    family = [
        replicaset
        for replicaset in (cache.list(ReplicaSet, rs.metadata.namespace) if controller else ())
        if controller and replicaset.metadata.controller and replicaset.metadata.controller.uid == controller.uid
    ] or [rs]
    pods = cache.list(Pod, rs.metadata.namespace)
    return tuple(pod for pod in pods if pod.active and any(controlled_by(pod, replicaset) for replicaset in family))


def _write_status(
    rs: ReplicaSet, pods: tuple[Pod, ...], now: Time, *, failure: str | None = None
) -> tuple[Request, ...]:
    """Update the status if it is not what was counted."""
    ready = [pod for pod in pods if pod.ready]
    status = ReplicaSetStatus(
        replicas=len(pods),
        fully_labeled_replicas=sum(matches_map(rs.spec.template.metadata.labels, pod.metadata.labels) for pod in pods),
        ready_replicas=len(ready),
        available_replicas=sum(available(pod, rs.spec.min_ready_seconds, now) for pod in ready),
        observed_generation=rs.metadata.generation,
        conditions=_conditions(rs, len(pods) - rs.spec.wanted, now, failure),
        extra=rs.status.extra,
    )
    return () if status == rs.status else (Update(evolve(rs, status=status), rs, "status"),)


def _conditions(rs: ReplicaSet, surplus: int, now: Time, failure: str | None) -> tuple[WorkloadCondition, ...]:
    """Set ReplicaFailure after a failure, where it is not set yet, and take it away after a sync without one."""
    others = tuple(condition for condition in rs.status.conditions if condition.type != "ReplicaFailure")
    if failure is None:
        return others
    if len(others) < len(rs.status.conditions):
        return rs.status.conditions
    reason = "FailedDelete" if surplus > 0 else "FailedCreate" if surplus < 0 else ""
    return (*others, WorkloadCondition("ReplicaFailure", "True", reason, failure, None, stamp(now)))


# --- what it looks at -----------------------------------------------------------------------------------------------

KEEP = Keep(labels=True, owners=True, creation=True, annotations=frozenset({COST}))


def _slim(obj: Object) -> Object | None:
    """Keep of a Pod what deletion order and status read: no address, no resources; which node, for crowding."""
    if not isinstance(obj, Pod) or not obj.active:
        return None
    return slim_pod(
        obj,
        KEEP,
        spec=PodSpec(
            node_name=obj.spec.node_name,
            init_containers=tuple(
                Container(sidecar.name, restart_policy=sidecar.restart_policy) for sidecar in obj.spec.sidecars
            ),
        ),
        status=evolve(
            slim_ready(obj.status, times=True),
            container_statuses=_restarts_only(obj.status.container_statuses),
            init_container_statuses=_restarts_only(obj.status.init_container_statuses),
        ),
    )


def _restarts_only(statuses: tuple[ContainerStatus, ...]) -> tuple[ContainerStatus, ...]:
    return tuple(
        ContainerStatus(status.name, restart_count=status.restart_count) for status in statuses if status.restart_count
    )


def _coarse(obj: Object) -> Object | None:
    """Forget, too, which node, how old and how often restarted: every choice among equals stays possible."""
    slim = _slim(obj)
    if not isinstance(slim, Pod):
        return None
    status = slim_ready(slim.status)
    spec = PodSpec(node_name="assigned" if slim.spec.node_name else "")
    return evolve(slim, metadata=evolve(slim.metadata, creation_timestamp=None), spec=spec, status=status)


TRANSFORM: Transform = immutabledict({"Pod": _slim, **dict.fromkeys(KINDS, whole)})
"""Exact: a sync on what is kept is the same sync."""

COARSE_TRANSFORM: Transform = immutabledict({"Pod": _coarse, **dict.fromkeys(KINDS, whole)})
"""Smaller, and safe to use where minReadySeconds is 0: `reconcile_all` on what is kept offers every sync of the exact
view and possibly more, since crowding, age and restarts no longer decide which of several equal Pods goes."""
