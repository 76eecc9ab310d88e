"""The quota controller: what a namespace takes of each of its quotas, counted anew from what is there.

Upstream: pkg/controller/resourcequota/resource_quota_controller.go (syncResourceQuota) and CalculateUsage in
staging/src/k8s.io/apiserver/pkg/quota/v1/resources.go (v1.32).
Admission adds to the same status whatever it lets in. The controller writes over that, on condition that the quota is
still as it was read: what its informers have not shown it yet is then not counted (k/k#123434, open).
Left out on purpose: which events put a quota in the queue (an object's end, a changed quota, and all of them every five
minutes); resources of resource claims.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Container, Pod, PodSpec, PodStatus, Service, ServicePort, ServiceSpec
from ..api.kinds import KINDS, Object, kind_of
from ..api.meta import ObjectMeta, Ref, Time
from ..api.quota import ResourceQuota, ResourceQuotaStatus
from ..api.requests import Request, Update
from ..api.storage import PersistentVolumeClaim
from ..api.values.quantity import Quantity
from ..quota.amounts import frozen_amounts, only, plus, same
from ..quota.scopes import in_scope
from ..quota.usage import ALIASES, names_of, nothing_of, usage
from .common import Keep, Transform, slim_metadata, whole, with_only

COUNTED = tuple(kind.name for kind in KINDS if kind.namespaced and kind.name not in {"Binding", "Event", "Eviction"})
"""The kinds whose objects may be counted: Bindings and Evictions are requests, Events are not counted (ignored)."""


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return COUNTED


def reconcile(cache: Cache, key: Ref, *, now: Time = 0) -> tuple[Request, ...]:
    """Return the status update of one sync of a quota, if it is needed."""
    quota = cache.get(ResourceQuota, key)
    if quota is None:
        return ()
    hard, known = quota.spec.hard, quota.status
    here = (obj for obj in cache.objects.values() if obj.metadata.namespace == key.namespace)
    used = only({**known.used, **taken_of(quota, here, now)}, hard)
    if hard == known.hard and same(used, known.used):
        return ()
    counted = ResourceQuotaStatus(hard, frozen_amounts(used), known.extra)
    return (Update(evolve(quota, status=counted), quota, "status"),)


def taken_of(quota: ResourceQuota, objects: Iterable[Object], now: Time) -> dict[str, Quantity]:
    """Return what some objects take of a quota in all: 0 of what nothing takes, nothing of what nobody here counts."""
    hard = quota.spec.hard
    known = (name for kind in KINDS if kind.name in COUNTED for name in names_of(kind, hard))
    others = (name for name in hard if name.startswith("count/") or name in ALIASES)
    total = nothing_of((*known, *others))
    for obj in objects:
        names = names_of(kind_of(obj), hard)
        if names and in_scope(quota.spec, obj):
            total = plus(total, only(usage(obj, now), names))
    return total


# --- what it looks at -----------------------------------------------------------------------------------------------


def slim_counted(obj: Object) -> Object | None:
    """Keep of an object what a quota may count."""
    match obj:
        case ResourceQuota():
            return obj
        case Pod():
            return _slim_pod(obj)
        case Service():
            ports = tuple(ServicePort(port=port.port, node_port=port.node_port) for port in obj.spec.ports)
            kept = {key: value for key, value in obj.spec.extra.items() if key == "allocateLoadBalancerNodePorts"}
            spec = ServiceSpec(type=obj.spec.type, ports=ports, extra=immutabledict(kept))
            return Service(slim_metadata(obj.metadata, NOTHING), spec)
        case PersistentVolumeClaim():
            return evolve(obj, metadata=slim_metadata(obj.metadata, NOTHING))
        case _:
            return with_only(obj, slim_metadata(obj.metadata, NOTHING))


NOTHING = Keep()


def _slim_pod(pod: Pod) -> Pod:
    """Keep what a Pod asks for, what scopes ask of it, whether it is over, and when it should be gone."""
    spec, meta = pod.spec, pod.metadata
    kept = PodSpec(
        containers=tuple(map(_slim_container, spec.containers)),
        init_containers=tuple(map(_slim_container, spec.init_containers)),
        active_deadline_seconds=spec.active_deadline_seconds,
        affinity=spec.affinity,
        priority_class_name=spec.priority_class_name,
        overhead=spec.overhead,
    )
    named = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        deletion_timestamp=meta.deletion_timestamp,
        deletion_grace_period_seconds=meta.deletion_grace_period_seconds,
    )
    return Pod(named, kept, PodStatus(phase=pod.status.phase if pod.finished else ""))


def _slim_container(one: Container) -> Container:
    return Container(name=one.name, resources=one.resources, restart_policy=one.restart_policy)


TRANSFORM: Transform = immutabledict({**dict.fromkeys(COUNTED, slim_counted), "ResourceQuota": whole})
