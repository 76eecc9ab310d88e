"""The claims about a cluster as properties of its machine: convergence, placement, reachability at rest, budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

from attrs import evolve

from ..impl.api.apps import ReplicaSet
from ..impl.api.cache import Cache
from ..impl.api.core import Node, Pod, PodSpec, PodStatus, Service
from ..impl.api.kinds import Object
from ..impl.api.meta import ObjectMeta
from ..impl.api.policy import PodDisruptionBudget
from ..impl.api.selectors import matches_map, selects
from ..impl.apiserver.storage import Objects as Store
from ..impl.controllers.common import Keep, slim_metadata, slim_ready
from ..impl.controllers.disruption import expected_and_desired
from ..impl.controllers.replicaset import wanted
from ..model.machine import Converges, Invariant, Property, StepProperty, View
from ..model.world import OVERFLOW
from ..properties.at_rest import Restless, from_scratch, settled, unreachable
from ..properties.convergence import shortfalls, unpublished
from ..properties.placement import Problem
from ..properties.placement import broken as broken_rules
from . import components
from .cluster import Cluster
from .environment import SCRIPT

ROOM = "world/room"
SERVED = "served "

Objects = tuple[Object, ...]


def of(cluster: Cluster) -> tuple[Property, ...]:
    """Give the properties of a cluster's machine."""
    found: list[Property] = [
        Converges("convergence", CONVERGENCE, partial(_not_converged, cluster), partial(script_over, cluster)),
        StepProperty("placement", PLACEMENT, partial(_misplaced, cluster), lambda name: name.startswith("scheduler: ")),
        Invariant("reachability", REACHABILITY, partial(_unreachable_at_rest, cluster)),
        Invariant(ROOM, "The world has a place for every object.", _no_room),
    ]
    constants = cluster.world.layout.constants.values()
    found += [
        Invariant(f"{SERVED}{one.metadata.name}", "Some Pod of the Service is ready.", partial(_unserved, cluster, one))
        for one in constants
        if isinstance(one, Service) and one.spec.selector
    ]
    if cluster.parts.budgets and "PodDisruptionBudget" in cluster.world.layout.pools:
        found.append(
            StepProperty("budget", BUDGET, partial(_over_budget, cluster), lambda name: name.endswith(" evicts"))
        )
    return tuple(found)


CONVERGENCE = (
    "After the script and the faults, every fair run reaches a state where observed equals desired, and stays there."
)
PLACEMENT = (
    "Every binding satisfies, when it is made, what the scheduler promises; nothing stays Pending that could run."
)
REACHABILITY = (
    "No new connection is sent to an endpoint that does not accept it, and at rest every packet to a Service arrives."
)
BUDGET = "No eviction leaves fewer healthy Pods than a disruption budget asks for."


def script_over(cluster: Cluster, view: View) -> bool:
    """Tell whether the script is over, or at a drain that has to end by itself."""
    return bool(view.via(partial(_finished, len(cluster.scenario.script)), SCRIPT))


def _finished(steps: int, done: int) -> bool:
    return done >= steps or done < 0


def _no_room(view: View) -> Iterator[str]:
    if kind := view[OVERFLOW]:
        yield f"needs one more place for a {kind}"


# --- convergence ----------------------------------------------------------------------------------------------------


def _not_converged(cluster: Cluster, view: View) -> Iterator[str]:
    """Give the first reason met, Pods before workloads: nearly every state has a Pod on its way."""
    reason = _first_shortfall(cluster, view)
    if reason:
        yield reason
    else:
        yield from _unreported(objects_of(cluster, view))


def _first_shortfall(cluster: Cluster, view: View) -> str:
    if view.via(_is_negative, SCRIPT):
        return "the drain is not over"
    layout = cluster.world.layout
    for slot in layout.pools["Pod"]:
        if reason := view.via(_pod_shortfall, slot):
            return str(reason)
    for slot in layout.pools["ReplicaSet"]:
        if reason := view.via(_replicaset_shortfall, slot):
            return str(reason)
    return next(shortfalls(_seen(cluster, view)), "")


def _is_negative(done: int) -> bool:
    return done < 0


def _pod_shortfall(obj: Object | None) -> str:
    return "" if obj is None else next(shortfalls((obj,)), "")


def _replicaset_shortfall(obj: Object | None) -> str:
    if not isinstance(obj, ReplicaSet) or wanted(obj) == obj.status.replicas == obj.status.ready_replicas:
        return ""
    counts = f"{obj.status.replicas} Pods, {obj.status.ready_replicas} ready"
    return f"ReplicaSet {obj.metadata.name} wants {wanted(obj)} Pods and says {counts}"


def _seen(cluster: Cluster, view: View) -> Objects:
    """Give the objects that decide about convergence, Pods without what does not."""
    layout = cluster.world.layout
    found: list[Object] = []
    for kind in ("Deployment", "ReplicaSet"):
        found += [one for slot in layout.pools[kind] if (one := view[slot]) is not None]
    found += [one for slot in layout.pools["Pod"] if (one := view.via(_goal_pod, slot)) is not None]
    return tuple(found)


def _goal_pod(obj: Object | None) -> Object | None:
    if not isinstance(obj, Pod):
        return None
    return Pod(
        slim_metadata(obj.metadata, Keep(owners=True)), PodSpec(node_name=obj.spec.node_name), slim_ready(obj.status)
    )


def objects_of(cluster: Cluster, view: View) -> Objects:
    """Give every object of a state: those that never change and those in the places."""
    layout = cluster.world.layout
    return (*layout.constants.values(), *(one for slot in layout.slots() if (one := view[slot]) is not None))


@lru_cache(maxsize=4096)
def _unreported(objects: Objects) -> tuple[str, ...]:
    """Bring the observers to rest, from what they last wrote and from nothing, and say what they get wrong."""
    lines: list[str] = []
    for start in (objects, tuple(from_scratch(objects))):
        rest = settled(start)
        if isinstance(rest, Restless):
            return (str(rest),)
        lines += unpublished(rest.objects.values())
    return tuple(dict.fromkeys(lines))


# --- reachability at rest -------------------------------------------------------------------------------------------


def _unreachable_at_rest(cluster: Cluster, view: View) -> Iterator[str]:
    if script_over(cluster, view) and not _first_shortfall(cluster, view):
        yield from unreachable_once_settled(objects_of(cluster, view))


@lru_cache(maxsize=4096)
def unreachable_once_settled(objects: Objects) -> tuple[str, ...]:
    """Say which packets go astray once the observers and the proxies have come to rest."""
    rest = settled(objects)
    return () if isinstance(rest, Restless) else _astray(tuple(_routed(rest.objects.values())))


def _routed(objects: Iterable[Object]) -> Iterator[Object]:
    """Keep what the rules are made of: a Pod's place does not matter, its address does."""
    return (
        one
        for one in objects
        if not isinstance(one, Pod) and type(one).__name__ in {"Service", "EndpointSlice", "Node"}
    )


@lru_cache(maxsize=4096)
def _astray(objects: Objects) -> tuple[str, ...]:
    return tuple(unreachable(Store.of(objects)))


def _unserved(cluster: Cluster, service: Service, view: View) -> Iterator[str]:
    keep = partial(_serves, service)
    if not any(view.via(keep, slot) for slot in cluster.world.layout.pools["Pod"]):
        yield f"no Pod of Service {service.metadata.name} is ready"


def _serves(service: Service, obj: Object | None) -> bool:
    return (
        isinstance(obj, Pod)
        and obj.metadata.namespace == service.metadata.namespace
        and matches_map(service.spec.selector, obj.metadata.labels)
        and obj.active
        and obj.ready
    )


# --- placement ------------------------------------------------------------------------------------------------------


def _misplaced(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    keep = partial(components.scheduler_pod, "")
    slots = cluster.world.layout.pools["Pod"]
    pods: list[tuple[Pod | None, Pod | None]] = [(before.via(keep, slot), after.via(keep, slot)) for slot in slots]
    nodes = _nodes(cluster, after)
    for old, new in pods:
        if old is None or new is None or old.spec.node_name == new.spec.node_name:
            continue
        others = [one for _, one in pods if one is not None and one is not new and one.spec.node_name]
        node = next(one for one in nodes if one.metadata.name == new.spec.node_name)
        if _breaches(_nameless(old), node, _alike(others), nodes):
            problem = Problem((evolve(new, spec=evolve(new.spec, node_name="")),), nodes, tuple(others))
            yield from (str(reason) for reason in broken_rules(problem)[node.metadata.name])


def _nodes(cluster: Cluster, view: View) -> tuple[Node, ...]:
    layout = cluster.world.layout
    if "Node" in layout.pools:
        return tuple(one for slot in layout.pools["Node"] if isinstance(one := view[slot], Node))
    return tuple(one for one in layout.constants.values() if isinstance(one, Node))


def _nameless(pod: Pod) -> Pod:
    """Give a Pod without name and owner, by which no constraint tells it from its like."""
    meta = ObjectMeta(name="pod", namespace=pod.metadata.namespace, labels=pod.metadata.labels)
    return Pod(meta, evolve(pod.spec, node_name=""), PodStatus())


def _alike(others: Iterable[Pod]) -> frozenset[tuple[tuple[Pod, str], int]]:
    return frozenset(Counter((_nameless(one), one.spec.node_name) for one in others).items())


@lru_cache(maxsize=65536)
def _breaches(pod: Pod, node: Node, others: frozenset[tuple[tuple[Pod, str], int]], nodes: tuple[Node, ...]) -> bool:
    bound = [
        evolve(one, metadata=evolve(one.metadata, name=f"other-{number}-{copy}"), spec=evolve(one.spec, node_name=on))
        for number, ((one, on), count) in enumerate(sorted(others, key=repr))
        for copy in range(count)
    ]
    return bool(broken_rules(Problem((pod,), nodes, tuple(bound)))[node.metadata.name])


# --- budgets --------------------------------------------------------------------------------------------------------


def _over_budget(cluster: Cluster, before: View, after: View, _label: str) -> Iterator[str]:
    """Judge by the Pods as they are, not by the budget's status."""
    layout = cluster.world.layout
    pods = [(before.via(_goal_or_labels, slot), after.via(_goal_or_labels, slot)) for slot in layout.pools["Pod"]]
    evicted = [old for old, new in pods if old and _healthy(old) and not (new and _healthy(new))]
    if not evicted:
        return
    owners = [one for kind in ("Deployment", "ReplicaSet") for slot in layout.pools[kind] if (one := after[slot])]
    for slot in layout.pools["PodDisruptionBudget"]:
        budget = before[slot]
        if not isinstance(budget, PodDisruptionBudget):
            continue
        mine = [pod for _, pod in pods if pod and selects(budget.spec.selector, pod.metadata.labels)]
        if not any(selects(budget.spec.selector, pod.metadata.labels) for pod in evicted):
            continue
        wanted = expected_and_desired(Cache.of((*owners, *mine)), budget, tuple(mine))
        healthy = sum(_healthy(pod) for pod in mine)
        if isinstance(wanted, tuple) and healthy < wanted[1]:
            yield f"{budget.metadata.name} asks for {wanted[1]} healthy Pods, the eviction leaves {healthy}"


def _goal_or_labels(obj: Object | None) -> Pod | None:
    if not isinstance(obj, Pod):
        return None
    return Pod(slim_metadata(obj.metadata, Keep(labels=True, owners=True)), PodSpec(), slim_ready(obj.status))


def _healthy(pod: Pod) -> bool:
    return pod.ready and pod.active
