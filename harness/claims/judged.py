"""What the judges see of Pods and nodes: all that a rule of placement reads, and nothing that tells like from like.

A judge does not look through the eyes of what it judges. What a scheduler keeps of a Pod is its own affair; here a Pod
is what the store says it is, but for its status, its name and whose it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import evolve

from ...impl.api.core import Namespace, Node, NodeStatus, Pod, PodStatus
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.values.frozen import Strings
from ...model.machine import View
from ..world.cluster import Cluster

Others = frozenset[tuple[tuple[Pod, str], int]]
"""Bound Pods without their names, by node, and how many there are of each."""


def pod_of(obj: Object | None) -> Pod | None:
    """Return a Pod that takes its part of a node or waits for one; None for one that has finished.

    One that is being deleted holds what it has until it is gone, and says so: it does not count for even spreading.
    """
    if not isinstance(obj, Pod) or obj.status.phase in {"Succeeded", "Failed"}:
        return None
    meta = obj.metadata
    kept = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        labels=meta.labels,
        deletion_timestamp=None if meta.deletion_timestamp is None else 0,
    )
    return Pod(kept, obj.spec)


def node_of(obj: Object | None) -> Node | None:
    """Return a node's labels, spec and what it has; its conditions do not matter to placement, its taints do."""
    if not isinstance(obj, Node):
        return None
    meta = ObjectMeta(name=obj.metadata.name, labels=obj.metadata.labels)
    return Node(meta, obj.spec, NodeStatus(capacity=obj.status.allocatable, allocatable=obj.status.allocatable))


def nodes_of(cluster: Cluster, view: View) -> tuple[Node, ...]:
    """Return the nodes of a state."""
    layout = cluster.world.layout
    placed = (view.via(node_of, slot) for slot in layout.pools.get("Node", ()))
    return tuple(node for node in (*map(node_of, layout.constants.values()), *placed) if node is not None)


def nameless(pod: Pod) -> Pod:
    """Return a Pod without name and node, by which no constraint tells it from its like."""
    return Pod(evolve(pod.metadata, name="pod", uid=""), evolve(pod.spec, node_name=""), PodStatus())


def alike(others: Iterable[Pod]) -> Others:
    """Count bound Pods that no constraint tells apart."""
    return frozenset(Counter((nameless(pod), pod.spec.node_name) for pod in others).items())


def namespaces_of(cluster: Cluster, view: View) -> tuple[tuple[str, Strings], ...]:
    """Return the labels of each namespace that there is."""
    layout = cluster.world.layout
    placed = (view[slot] for slot in layout.pools.get("Namespace", ()))
    found = (obj for obj in (*layout.constants.values(), *placed) if isinstance(obj, Namespace))
    return tuple(sorted((namespace.metadata.name, namespace.metadata.labels) for namespace in found))
