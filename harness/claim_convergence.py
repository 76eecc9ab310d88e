"""Convergence: the reasons why a state is not yet what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import chain

from ..impl.api.apps import ReplicaSet
from ..impl.api.core import Pod, PodSpec
from ..impl.api.kinds import Object
from ..impl.controllers.common import Keep, slim_metadata, slim_ready
from ..impl.controllers.replicaset import wanted
from ..model.machine import View
from ..properties.at_rest import Restless, from_scratch, settled
from ..properties.convergence import orphans, pod_shortfalls, shortfalls, unpublished
from .cluster import Cluster
from .environment import SCRIPT
from .kubelets import proxy_slot
from .node_faults import lost, stranded

Objects = tuple[Object, ...]
Told = Callable[[Objects], tuple[str, ...]]


def goal(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Give the goal of a cluster: a state without reasons is one where observed equals desired."""
    if cluster.parts.endpoints and cluster.parts.deployment_status:
        return partial(_goal, cluster, _reported)
    return partial(_goal, cluster, lru_cache(maxsize=None)(_reported_at_rest))


def _goal(cluster: Cluster, told: Told, view: View) -> Iterator[str]:
    """Give the first reason met, Pods before workloads: nearly every state has a Pod on its way."""
    reason = first_shortfall(cluster, view)
    if reason:
        yield reason
        return
    yield from told(objects_of(cluster, view))
    yield from _stale_proxies(cluster, view)


def first_shortfall(cluster: Cluster, view: View) -> str:
    """Give one reason why the Pods and workloads are not what they should be, "" if they are."""
    if view.via(_is_negative, SCRIPT):
        return "the drain is not over"
    layout = cluster.world.layout
    mortal = cluster.mortal
    for slot in layout.pools["Pod"]:
        if (reason := view.via(_pod_shortfall, slot)) and not (mortal and lost(mortal, view, slot)):
            return str(reason)
    for slot in layout.pools.get("ReplicaSet", ()):
        if reason := view.via(_replicaset_shortfall, slot):
            return str(reason)
    deciding = _deciding(cluster, view)
    return next(chain(shortfalls(deciding), orphans(deciding), _stranded(cluster, view)), "")


def _stranded(cluster: Cluster, view: View) -> Iterator[str]:
    found = (stranded(cluster.world, cluster.mortal, view, slot) for slot in cluster.world.layout.pools["Pod"])
    return (line for line in found if line)


def _is_negative(done: int) -> bool:
    return done < 0


def _pod_shortfall(obj: Object | None) -> str:
    return next(pod_shortfalls(obj), "") if isinstance(obj, Pod) else ""


def _replicaset_shortfall(obj: Object | None) -> str:
    if not isinstance(obj, ReplicaSet) or wanted(obj) == obj.status.replicas == obj.status.ready_replicas:
        return ""
    counts = f"{obj.status.replicas} Pods, {obj.status.ready_replicas} ready"
    return f"ReplicaSet {obj.metadata.name} wants {wanted(obj)} Pods and says {counts}"


def _deciding(cluster: Cluster, view: View) -> Objects:
    """Give the objects that decide about convergence, Pods without what does not."""
    layout = cluster.world.layout
    found: list[Object] = []
    for kind in ("Deployment", "ReplicaSet"):
        found += [one for slot in layout.pools.get(kind, ()) if (one := view[slot]) is not None]
    for slot in layout.pools["Pod"]:
        one = view.via(goal_pod, slot)
        if one is not None and not (cluster.mortal and lost(cluster.mortal, view, slot)):
            found.append(one)
    return tuple(found)


def goal_pod(obj: Object | None) -> Object | None:
    """Keep a Pod's owner, node, phase and readiness."""
    if not isinstance(obj, Pod):
        return None
    meta = slim_metadata(obj.metadata, Keep(owners=True))
    return Pod(meta, PodSpec(node_name=obj.spec.node_name), slim_ready(obj.status))


def objects_of(cluster: Cluster, view: View) -> Objects:
    """Give every object of a state: those that never change and those in the places."""
    layout = cluster.world.layout
    return (*layout.constants.values(), *(one for slot in layout.slots() if (one := view[slot]) is not None))


def _reported(objects: Objects) -> tuple[str, ...]:
    return tuple(unpublished(objects))


def _reported_at_rest(objects: Objects) -> tuple[str, ...]:
    """Bring the observers to rest, from what they last wrote and from nothing, and say what they get wrong."""
    lines: list[str] = []
    for start in (objects, tuple(from_scratch(objects))):
        rest = settled(start)
        if isinstance(rest, Restless):
            return (str(rest),)
        lines += unpublished(rest.objects.values())
    return tuple(dict.fromkeys(lines))


def _stale_proxies(cluster: Cluster, view: View) -> Iterator[str]:
    for node in cluster.proxies:
        programmed = tuple(view[one] for one in cluster.world.layout.pools.get("EndpointSlice", ()))
        if view[proxy_slot(node)] != programmed:
            yield f"kube-proxy on {node} has not programmed the EndpointSlices"
