"""The controllers and the scheduler: of which kinds each hears, and what it asks of the present.

A component looks again only when something of its kinds has changed, or when time has passed (`tick`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from ...impl.api.apps import DaemonSet, Deployment, ReplicaSet, ReplicationController, StatefulSet
from ...impl.api.batch import Job
from ...impl.api.cache import Cache
from ...impl.api.core import Event, Namespace, Node, Pod, PodCondition, Service
from ...impl.api.kinds import BY_NAME, Object, Unstructured, ref_of
from ...impl.api.meta import Ref, Time
from ...impl.api.policy import EndpointSlice, PodDisruptionBudget
from ...impl.api.quota import ResourceQuota
from ...impl.api.requests import Bind, Create, Delete, PatchStatus, Request
from ...impl.api.storage import PersistentVolume, PersistentVolumeClaim
from ...impl.api.workloads import NAMES
from ...impl.apiserver.access.authentication import MASTERS, SCHEDULER, User, controller
from ...impl.apiserver.custom.crd import controllers as definitions
from ...impl.apiserver.verbs.binding import with_condition
from ...impl.controllers import (
    disruption,
    garbage,
    namespace,
    nodelifecycle,
    podgc,
    resourcequota,
    tainteviction,
    ttlafterfinished,
)
from ...impl.controllers.daemonset import daemonset
from ...impl.controllers.deployment import deployment
from ...impl.controllers.endpointslice import endpointslice
from ...impl.controllers.job import job
from ...impl.controllers.replicaset import replicaset
from ...impl.controllers.statefulset import statefulset
from ...impl.controllers.volume import binding
from ...impl.scheduler.plugins.volumes.volume_binding import pre_bind, unbound
from ...impl.scheduler.schedule import schedule
from . import endpoints
from .plane import Plane, cache_of
from .start import api_service

Asked = Iterator[tuple[Request, ...]]
EVERYTHING: frozenset[str] = frozenset()
"""As the kinds of a component: it hears of all."""


@frozen
class Component:
    """Who looks, at which kinds (by plural), and what it asks: a batch of requests for each object it looks after."""

    user: User
    kinds: frozenset[str]
    asks: Callable[[Plane, Cache, Time], Asked]


def _plurals(*kinds: str) -> frozenset[str]:
    return frozenset(BY_NAME[kind].plural for kind in kinds)


def _each(cls: type[Object], reconcile: Callable[..., tuple[Request, ...]]) -> Callable[[Plane, Cache, Time], Asked]:
    """Look after every object of a kind by itself."""
    return lambda _plane, cache, _now: (reconcile(cache, ref_of(obj)) for obj in cache.list(cls))


def _each_at(cls: type[Object], reconcile: Callable[..., tuple[Request, ...]]) -> Callable[[Plane, Cache, Time], Asked]:
    """Look after every object of a kind by itself, with an eye on the time."""
    return lambda _plane, cache, now: (reconcile(cache, ref_of(obj), now=now) for obj in cache.list(cls))


def _jobs(_plane: Plane, cache: Cache, now: Time) -> Asked:
    """Jobs, and Pods that none will count any more."""
    yield from (job.reconcile(cache, ref_of(found), now=now) for found in cache.list(Job))
    yield from (job.orphaned(cache, ref_of(pod)) for pod in cache.list(Pod))


def _endpoints(plane: Plane, cache: Cache, _now: Time) -> Asked:
    """Endpoints, and those whose Service is gone."""
    services = {(found.metadata.namespace, found.metadata.name): found for found in cache.list(Service)}
    for service in services.values():
        ref = Ref(endpoints.KIND, service.metadata.namespace, service.metadata.name)
        yield endpoints.reconcile(service, cache.list(EndpointSlice), plane.server.get(ref))
    for obj in plane.server.list(endpoints.KIND, None):
        if (obj.metadata.namespace, obj.metadata.name) not in services:
            yield (Delete(ref_of(obj), uid=obj.metadata.uid),)


def _garbage(plane: Plane, cache: Cache, _now: Time) -> Asked:
    """Collect what has lost its owners; of kinds without a class whoever is stored is there."""
    values = [kv.value for kv in plane.server.store.keys.values()]
    others = [value for value in values if isinstance(value, Unstructured)]
    everything = Cache.of((*cache.objects.values(), *others)) if others else cache
    owners = {owner.uid for value in values for owner in value.metadata.owner_references}
    absent = frozenset(owners - {value.metadata.uid for value in values})
    for ref, obj in everything.objects.items():
        if obj.metadata.owner_references or obj.metadata.terminating:
            yield garbage.reconcile(everything, ref, absent=absent)


def _server_itself(plane: Plane, cache: Cache, now: Time) -> Asked:
    """Establish the definitions of custom resources, and empty those that are to go; keep the server's own Service.

    Upstream: pkg/controlplane/controller/kubernetesservice/controller.go (v1.32).
    """
    wanted = api_service()
    if cache.get(Service, ref_of(wanted)) is None:
        yield (Create(wanted),)
    values = [kv.value for kv in plane.server.store.keys.values() if isinstance(kv.value, Unstructured)]
    found = [
        unstructured
        for unstructured in values
        if unstructured.of.name == definitions.KIND and not unstructured.of.custom
    ]
    for crd in found:
        inside = (unstructured for unstructured in values if unstructured.of.crd == crd.metadata.name)
        yield definitions.reconcile(crd, found, inside, now)


def _namespaces(plane: Plane, cache: Cache, _now: Time) -> Asked:
    """Empty namespaces that are to go, also of what has no class here."""
    for space in cache.list(Namespace):
        if space.metadata.terminating:
            inside = _without_class(plane, space.metadata.name)
            yield tuple(Delete(ref_of(obj), uid=obj.metadata.uid) for obj in inside if not obj.metadata.terminating)
            yield namespace.reconcile(cache, ref_of(space), held=bool(inside))


def _without_class(plane: Plane, name: str) -> tuple[Object, ...]:
    values = (kv.value for kv in plane.server.store.keys.values())
    return tuple(
        value for value in values if isinstance(value, Unstructured | Event) and value.metadata.namespace == name
    )


def _volumes(_plane: Plane, cache: Cache, _now: Time) -> Asked:
    """Bind claims and volumes; what a class provisions is made at once."""
    for cls in (PersistentVolumeClaim, PersistentVolume):
        yield from (binding.reconcile(cache, ref_of(obj)) for obj in cache.list(cls))


def _taints(plane: Plane, cache: Cache, now: Time) -> Asked:
    """Evict Pods whose node has a taint that they tolerate no longer."""
    for pod in cache.list(Pod):
        since = plane.waits.get((pod.metadata.uid, TAINTED))
        if since is not None:
            yield tainteviction.reconcile(cache, ref_of(pod), waited=int(now - since))


TAINTED = "taint"
"""What a Pod waits for that tolerates a taint of its node for a while."""
WORKLOADS = _plurals(*NAMES)
APISERVER = User("system:apiserver", (MASTERS,))
"""As whom the API server asks itself."""
COMPONENTS: tuple[Component, ...] = (
    Component(
        controller("deployment-controller"), WORKLOADS | _plurals("Pod"), _each_at(Deployment, deployment.reconcile)
    ),
    Component(
        controller("replicaset-controller"), _plurals("ReplicaSet", "Pod"), _each_at(ReplicaSet, replicaset.reconcile)
    ),
    Component(
        controller("replication-controller"),
        _plurals("ReplicationController", "Pod"),
        _each_at(ReplicationController, replicaset.reconcile),
    ),
    Component(
        controller("statefulset-controller"),
        _plurals("StatefulSet", "Pod", "ControllerRevision", "PersistentVolumeClaim"),
        _each_at(StatefulSet, statefulset.reconcile),
    ),
    Component(
        controller("persistent-volume-binder"),
        _plurals("PersistentVolume", "PersistentVolumeClaim", "Pod", "StorageClass"),
        _volumes,
    ),
    Component(
        controller("daemon-set-controller"),
        _plurals("DaemonSet", "Pod", "ControllerRevision", "Node"),
        _each_at(DaemonSet, daemonset.reconcile),
    ),
    Component(controller("job-controller"), _plurals("Job", "Pod"), _jobs),
    Component(
        controller("endpointslice-controller"),
        _plurals("Service", "Pod", "Node", "EndpointSlice"),
        _each(Service, endpointslice.reconcile),
    ),
    Component(controller("endpoint-controller"), _plurals("Service", "EndpointSlice"), _endpoints),
    Component(
        controller("disruption-controller"),
        WORKLOADS | _plurals("PodDisruptionBudget", "Pod"),
        _each_at(PodDisruptionBudget, disruption.reconcile),
    ),
    Component(controller("node-controller"), _plurals("Node", "Pod"), _each_at(Node, nodelifecycle.reconcile)),
    Component(controller("pod-garbage-collector"), _plurals("Pod", "Node"), _each(Pod, podgc.reconcile)),
    Component(controller("ttl-after-finished-controller"), _plurals("Job"), _each_at(Job, ttlafterfinished.reconcile)),
    Component(controller("taint-eviction-controller"), _plurals("Pod", "Node"), _taints),
    Component(APISERVER, EVERYTHING, _server_itself),
    Component(controller("resourcequota-controller"), EVERYTHING, _each_at(ResourceQuota, resourcequota.reconcile)),
    Component(controller("generic-garbage-collector"), EVERYTHING, _garbage),
    Component(controller("namespace-controller"), EVERYTHING, _namespaces),
)


def controlled(plane: Plane, now: Time, *, tick: bool) -> Plane:
    """Let every controller look that has a reason to."""
    plane = _tainted(plane, now)
    for component in COMPONENTS:
        before, name = plane.revision, component.user.name
        looked = plane.looked.get(name, 0)
        changed = plane.changed_since(looked) if looked >= plane.server.store.compact_revision else None
        heard = changed is None or (changed & component.kinds if component.kinds else changed)
        if heard or tick:
            for requests in component.asks(plane, cache_of(plane.server), now):
                plane = plane.send_all(component.user, requests, now)
        plane = evolve(plane, looked=plane.looked.set(name, before))
    return plane


def _tainted(plane: Plane, now: Time) -> Plane:
    """Note since when a Pod has a taint on its node that it does not tolerate for ever."""
    cache = cache_of(plane.server)
    if not any(taint.effect == "NoExecute" for node in cache.list(Node) for taint in node.spec.taints):
        held = {uid for uid, what in plane.waits if what == TAINTED}
        for uid in held:
            plane = plane.waiting(uid, [what for holder, what in plane.waits if holder == uid and what != TAINTED], now)
        return plane
    for pod in cache.list(Pod):
        uid = pod.metadata.uid
        others = [what for holder, what in plane.waits if holder == uid and what != TAINTED]
        leaves = tainteviction.delay(cache, pod) is not None
        plane = plane.waiting(uid, [*others, *([TAINTED] if leaves else [])], now)
    return plane


def scheduled(plane: Plane, now: Time) -> Plane:
    """Let the scheduler try every Pod that waits, the important and the old ones first."""
    cache = cache_of(plane.server)
    waiting = [pod for pod in cache.list(Pod) if not pod.spec.node_name and not pod.metadata.terminating]
    waiting.sort(key=lambda pod: (-(pod.spec.priority or 0), pod.metadata.creation_timestamp or 0))
    for pod in waiting:
        before = plane.revision
        plane = _tried(plane, cache, pod, now)
        if plane.revision != before:
            cache = cache_of(plane.server)
    return plane


def _tried(plane: Plane, cache: Cache, pod: Pod, now: Time) -> Plane:
    """Bind a Pod to one of the best nodes; where there is none say why, and make room where that would help."""
    decision = schedule(pod, cache)
    if decision.skipped:
        return plane
    if decision.best:
        node = decision.best[plane.revision % len(decision.best)]
        if unbound(pod, cache):
            there = cache.get(Node, Ref("Node", "", node))
            return plane if there is None else plane.send_all(SCHEDULER, pre_bind(pod, there, cache), now)
        return plane.send(SCHEDULER, Bind(ref_of(pod), node, pod.metadata.uid), now)[0]
    told = PodCondition("PodScheduled", "False", "Unschedulable", decision.message)
    status = with_condition(pod.status, told, now)
    if decision.preemption.candidates and not pod.status.nominated_node_name:
        chosen = decision.preemption.candidates[0]
        for victim in chosen.victims:
            plane, _ = plane.send(SCHEDULER, Delete(ref_of(victim), uid=victim.metadata.uid), now)
        status = evolve(status, nominated_node_name=chosen.node)
    if status == pod.status:
        return plane
    return plane.send(SCHEDULER, PatchStatus(evolve(pod, status=status), pod.metadata.uid), now)[0]
