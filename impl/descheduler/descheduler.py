"""One cycle of the descheduler: what each of its strategies would evict.

Upstream: kubernetes-sigs/descheduler, pkg/descheduler/descheduler.go (v0.32). Evictions go through the API, so budgets
count; who makes the Pods again and where they go is other people's business.
Left out on purpose: the interval between cycles, limits of evictions, strategies that are not named in `Policy`.
Strategies run one after the other in a cycle; here each look is one strategy's, and they take turns in any order.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.core import Container, Node, NodeSpec, Pod, PodSpec
from ..api.kinds import Object, ref_of
from ..api.requests import Evict, OpenGroup, Request, any_of, decided
from ..controllers.common import Keep, Transform, slim_conditions, slim_metadata, slim_ready
from ..scheduler.plugins.taint_toleration import tolerated
from .duplicates import duplicates
from .evictor import Pick, evictable, fits_elsewhere, of_chosen, ready_nodes
from .policy import Policy
from .spread import unevenly_spread


def cycles(cache: Cache, policy: Policy) -> tuple[tuple[Request, ...], ...]:
    """Return what one look at the cluster may come to: evictions that are sent one after the other."""
    return tuple(dict.fromkeys(evictions for group in looks(cache, policy) for (evictions,) in decided((group,))))


def looks(cache: Cache, policy: Policy) -> tuple[OpenGroup, ...]:
    """Return the same, many in one where any of several Pods may be the first."""
    nodes = ready_nodes(cache)
    allowed = tuple(pod for pod in cache.list(Pod) if _allowed(cache, policy, nodes, pod))
    found: list[tuple[Pick, ...]] = []
    if policy.taints:
        repelled = tuple(pod for pod in allowed if _repelled(pod, nodes))
        found.append((Pick(repelled, len(repelled)),))
    if policy.duplicates:
        found += duplicates(nodes, allowed)
    if policy.spread:
        for pick in unevenly_spread(cache, policy, nodes):
            found += ((left,) for left in of_chosen(pick, tuple(pod for pod in pick.pods if pod in allowed)))
    return tuple(dict.fromkeys(filter(None, map(_evictions, found))))


def _allowed(cache: Cache, policy: Policy, nodes: tuple[Node, ...], pod: Pod) -> bool:
    return evictable(policy, pod) and (not policy.node_fit or fits_elsewhere(cache, pod, nodes))


def _repelled(pod: Pod, nodes: tuple[Node, ...]) -> bool:
    """Tell whether a Pod is on a node whose NoSchedule taint it does not tolerate (RemovePodsViolatingNodeTaints)."""
    here = (node for node in nodes if node.metadata.name == pod.spec.node_name)
    taints = (taint for node in here for taint in node.spec.taints if taint.effect == "NoSchedule")
    return any(not tolerated(taint, pod.spec.tolerations) for taint in taints)


def _evictions(picks: tuple[Pick, ...]) -> OpenGroup:
    return tuple(
        part
        for pick in picks
        for part in any_of((Evict(ref_of(pod), uid=pod.metadata.uid) for pod in pick.pods), pick.count)
    )


# --- what it looks at -----------------------------------------------------------------------------------------------


def _slim(obj: Object) -> Object | None:
    """Keep of Pods whose they are, where, what they ask for; of nodes what they offer and whether they are ready."""
    if isinstance(obj, Node):
        meta = slim_metadata(obj.metadata, Keep(labels=True))
        status = evolve(slim_conditions(obj.status), allocatable=obj.status.allocatable)
        return Node(meta, NodeSpec(obj.spec.unschedulable, obj.spec.taints), status)
    if not isinstance(obj, Pod):
        return None
    return Pod(slim_metadata(obj.metadata, Keep(labels=True, owners=True)), _asked(obj.spec), slim_ready(obj.status))


def _asked(spec: PodSpec) -> PodSpec:
    containers = tuple(
        Container(container.name, container.image, resources=container.resources) for container in spec.containers
    )
    return evolve(spec, containers=containers)


TRANSFORM: Transform = immutabledict({"Node": _slim, "Pod": _slim})
