"""Placement: every binding, at the moment it is made, satisfies the rules of `properties.placement`.

Where nodes change, a cordon, a taint or the deletion of a node that comes between the scheduler's decision and its
binding is no breach: it could not know. The bounds say so. Resources and affinities are judged as they are. A spread
constraint is judged where views do not lag; elsewhere a Pod that leaves between decision and binding empties a domain,
and that is no breach either (`claim_spread` looks at what comes of it). Where taints decide which nodes a Pod spreads
over, a binding is right if it is for some of them still without theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import product

from attrs import evolve

from ..impl.api.core import Node, Pod, PodStatus
from ..impl.api.kinds import Object
from ..impl.api.meta import ObjectMeta
from ..impl.scheduler.priority_sort import priority
from ..model.machine import View
from ..properties.placement import Problem, broken
from . import scheduling
from .cluster import Cluster
from .priorities import NEVER
from .scenario import Consistency

Others = frozenset[tuple[tuple[Pod, str], int]]
"""Bound Pods without their names, by node, and how many there are of each."""
Judge = Callable[[Pod, Node, Others, tuple[Node, ...]], bool]
Keep = Callable[[Object | None], Object | None]


def check(cluster: Cluster) -> Callable[[View, View, str], Iterator[str]]:
    """Give the check of a cluster's machine; what has been judged once is kept as long as it is."""
    return partial(_misplaced, cluster, _keep(), lru_cache(maxsize=None)(_breaks))


def _keep() -> Keep:
    """Give what the scheduler keeps of a Pod, worked out once for each."""
    return lru_cache(maxsize=None)(partial(scheduling.kept_pod, ""))


def _misplaced(cluster: Cluster, keep: Keep, breaks: Judge, before: View, after: View, _label: str) -> Iterator[str]:
    """Judge by the Pods as they are, and by the nodes as they are, but for what nobody can hold against a decision."""
    slots = cluster.world.layout.pools["Pod"]
    if all(before.via(_node_name, slot) == after.via(_node_name, slot) for slot in slots):
        return  # Nothing is bound; the rest is not even read.
    pods: list[tuple[Pod | None, Pod | None]] = [(before.via(keep, slot), after.via(keep, slot)) for slot in slots]
    bound = (new for old, new in pods if old and new and old.spec.node_name != new.spec.node_name)
    for pod in bound:
        others = tuple(one for _, one in pods if one is not None and one is not pod and one.spec.node_name)
        asked = pod if cluster.scenario.consistency is Consistency.LINEARIZABLE else _not_spread(pod)
        seen = _as_perhaps_seen(cluster, nodes_of(cluster, after), asked)
        alone, there = _nameless(asked), alike(others)
        judged = ((nodes, _called(pod.spec.node_name, nodes)) for nodes in seen)
        wrong = [(nodes, node) for nodes, node in judged if node and breaks(alone, node, there, nodes)]
        if len(wrong) == len(seen):
            nodes, node = wrong[0]
            problem = Problem((evolve(asked, spec=evolve(asked.spec, node_name="")),), nodes, others)
            yield from (str(reason) for reason in broken(problem)[node.metadata.name])


def _not_spread(pod: Pod) -> Pod:
    """Give a Pod that does not mind how its like are spread."""
    return evolve(pod, spec=evolve(pod.spec, topology_spread_constraints=()))


def _called(name: str, nodes: tuple[Node, ...]) -> Node | None:
    return next((one for one in nodes if one.metadata.name == name), None)


def _as_perhaps_seen(cluster: Cluster, nodes: tuple[Node, ...], pod: Pod) -> tuple[tuple[Node, ...], ...]:
    """Give the nodes as the scheduler may have seen them, where they change: without cordon and taints.

    For a Pod that spreads over untainted nodes only it matters which ones had theirs; its own had none.
    """
    if not _change(cluster):
        return (nodes,)
    honours = any(one.node_taints_policy == "Honor" for one in pod.spec.topology_spread_constraints)
    ways = [
        (bare,) if bare == one or not honours or one.metadata.name == pod.spec.node_name else (bare, one)
        for one in nodes
        for bare in (_as_decided(one),)
    ]
    return tuple(product(*ways))


def _change(cluster: Cluster) -> bool:
    """Tell whether nodes change in this cluster."""
    return "Node" in cluster.world.layout.pools


def _as_decided(node: Node) -> Node:
    """Give a node without cordon and taints: they may have come between the decision and the binding."""
    return evolve(node, spec=evolve(node.spec, unschedulable=False, taints=()))


def left_pending(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Give the goal that no Pod waits for a node though one would do; it must hold wherever the cluster is at rest."""
    return partial(_left_pending, cluster, _keep(), lru_cache(maxsize=None)(_breaks))


def _left_pending(cluster: Cluster, keep: Keep, breaks: Judge, view: View) -> Iterator[str]:
    for pod, node in _could_run(cluster, keep, breaks, view, lambda _pod, _other: True):
        yield f"{pod.metadata.name} is Pending though it could run on {node}"


def outranked(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Give the goal that no Pod that may evict others waits for room which Pods of lower priority take."""
    return partial(_outranked, cluster, _keep(), lru_cache(maxsize=None)(_breaks))


def _outranked(cluster: Cluster, keep: Keep, breaks: Judge, view: View) -> Iterator[str]:
    for pod, node in _could_run(cluster, keep, breaks, view, _not_below):
        if pod.spec.preemption_policy != NEVER:
            yield f"{pod.metadata.name} is Pending; without the Pods of lower priority it could run on {node}"


def _not_below(pod: Pod, other: Pod) -> bool:
    return priority(other) >= priority(pod)


def _could_run(
    cluster: Cluster, keep: Keep, breaks: Judge, view: View, counts: Callable[[Pod, Pod], bool]
) -> Iterator[tuple[Pod, str]]:
    """Give each waiting Pod with each node that would do if the only Pods there were those that count beside it."""
    slots = cluster.world.layout.pools["Pod"]
    if not any(view.via(_waits, slot) for slot in slots):
        return
    pods = [one for slot in slots if isinstance(one := view.via(keep, slot), Pod)]
    nodes = nodes_of(cluster, view)
    bound = [one for one in pods if one.spec.node_name]
    for pod in pods:
        if _waits(pod) and not pod.spec.scheduling_gates:
            others = alike(one for one in bound if counts(pod, one))
            yield from ((pod, one.metadata.name) for one in nodes if not breaks(_nameless(pod), one, others, nodes))


def _waits(obj: Object | None) -> bool:
    return isinstance(obj, Pod) and not obj.spec.node_name and not obj.metadata.terminating and not obj.finished


def _node_name(obj: Object | None) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) else ""


def nodes_of(cluster: Cluster, view: View) -> tuple[Node, ...]:
    """Give the nodes of a state, where they change as the scheduler keeps them: conditions come and go."""
    layout = cluster.world.layout
    if "Node" in layout.pools:
        return tuple(
            one for slot in layout.pools["Node"] if isinstance(one := view.via(scheduling.kept_constant, slot), Node)
        )
    return tuple(one for one in layout.constants.values() if isinstance(one, Node))


def _nameless(pod: Pod) -> Pod:
    """Give a Pod without name and owner, by which no constraint tells it from its like."""
    meta = ObjectMeta(name="pod", namespace=pod.metadata.namespace, labels=pod.metadata.labels)
    return Pod(meta, evolve(pod.spec, node_name=""), PodStatus())


def alike(others: Iterable[Pod]) -> Others:
    """Count bound Pods that no constraint tells apart."""
    return frozenset(Counter((_nameless(one), one.spec.node_name) for one in others).items())


def _breaks(pod: Pod, node: Node, others: Others, nodes: tuple[Node, ...]) -> bool:
    bound = [
        evolve(one, metadata=evolve(one.metadata, name=f"other-{number}-{copy}"), spec=evolve(one.spec, node_name=on))
        for number, ((one, on), count) in enumerate(sorted(others, key=repr))
        for copy in range(count)
    ]
    return bool(broken(Problem((pod,), nodes, tuple(bound)))[node.metadata.name])
