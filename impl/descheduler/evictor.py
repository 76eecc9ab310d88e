"""Who may be evicted at all, and whether a Pod fits anywhere else.

Upstream: kubernetes-sigs/descheduler, pkg/framework/plugins/defaultevictor and pkg/descheduler/node/node.go (v0.32).
Left out on purpose: minReplicas, minPodAge, priority thresholds and label selectors; anti-affinity in PodFitsNode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from ..api.cache import Cache
from ..api.core import Node, Pod
from ..scheduler.amounts import amount, requested
from ..scheduler.plugins.node_affinity import allows
from ..scheduler.plugins.taint_toleration import repelled_by
from .policy import Policy

CRITICAL = 2_000_000_000
"""The priority from which on the system cannot do without a Pod."""
OF_THE_NODE = frozenset({"emptyDir", "hostPath"})


@frozen
class Pick:
    """So many of some Pods: which ones nothing decides."""

    pods: tuple[Pod, ...]
    count: int


def of_chosen(pick: Pick, some: tuple[Pod, ...]) -> Iterator[Pick]:
    """Yield how many of some of its Pods a pick may come to, none apart."""
    others = len(pick.pods) - len(some)
    for count in range(max(1, pick.count - others), min(pick.count, len(some)) + 1):
        yield Pick(some, count)


def ready_nodes(cache: Cache) -> tuple[Node, ...]:
    """Return the nodes that are looked at: those that are ready, cordoned ones among them."""
    return tuple(
        node for node in cache.list(Node) if (ready := node.status.condition("Ready")) and ready.status == "True"
    )


def evictable(policy: Policy, pod: Pod) -> bool:
    """Tell whether a Pod may be evicted: somebody else makes it again, and it is not leaving or critical anyway."""
    owners = pod.metadata.owner_references
    if pod.metadata.terminating or pod.finished or not owners:
        return False
    if any(owner.kind in {"DaemonSet", "Node"} for owner in owners):
        return False
    if (pod.spec.priority or 0) >= CRITICAL and not policy.system_critical:
        return False
    volumes: Any = pod.spec.extra.get("volumes") or ()
    return policy.local_storage or not any(OF_THE_NODE & volume.keys() for volume in volumes)


def may_land(pod: Pod, node: Node) -> bool:
    """Tell whether a Pod's selector, affinity and tolerations let it go to a node."""
    return allows(pod, node) and repelled_by(pod, node) is None


def fits_elsewhere(cache: Cache, pod: Pod, nodes: Iterable[Node]) -> bool:
    """Tell whether a Pod fits on one of some nodes that is not its own."""
    return any(
        may_land(pod, node) and not node.spec.unschedulable and _has_room(cache, pod, node)
        for node in nodes
        if node.metadata.name != pod.spec.node_name
    )


def _has_room(cache: Cache, pod: Pod, node: Node) -> bool:
    there = [other for other in cache.list(Pod) if other.spec.node_name == node.metadata.name and not other.finished]
    wanted = {**requested(pod), "pods": 1}
    used = {name: sum(({**requested(other), "pods": 1}).get(name, 0) for other in there) for name in wanted}
    offered = {name: amount(name, quantity) for name, quantity in node.status.allocatable.items()}
    return all(used[name] + asked <= offered.get(name, 0) for name, asked in wanted.items())
