"""Queueing hints: whether an event that a plugin waits for really may make a Pod fit that the plugin refused.

Upstream: isSchedulableAfter* in pkg/scheduler/framework/plugins/* (v1.32). Kept as they are: a node that
grows counts only if it takes the Pod when empty, and a Pod that leaves counts for anti-affinity only if the waiting Pod
has a term against it (not if the one that left had one).
Left out on purpose: the hints of the volume plugins (every registered event queues).
"""

from __future__ import annotations

from collections.abc import Callable

from ...api.core import Node, Pod, PodAffinityTerm
from ...api.values.frozen import strings
from ...api.values.selectors import selects
from ..amounts import allocatable, requested
from ..framework import NodeInfo
from ..plugins import (
    node_affinity,
    node_ports,
    node_resources_fit,
    node_unschedulable,
    pod_topology_spread,
    taint_toleration,
)
from ..plugins.pod_affinity_terms import affinity, anti_affinity, matches, required

Changed = Pod | Node | None
"""An object before or after an event; None where there is none."""
Hint = Callable[[Pod, Changed, Changed], bool]
"""Whether an event (object before, object after) may make a waiting Pod fit."""


def always(_pod: Pod, _old: Changed, _new: Changed) -> bool:
    """Queue: what a plugin without a hint of its own says."""
    return True


def same(pod: Pod, other: Changed) -> bool:
    """Tell whether an object is the waiting Pod itself."""
    return isinstance(other, Pod) and other.metadata.uid == pod.metadata.uid


def no_longer_cordoned(_pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a node is open that was not, or was not there."""
    was = isinstance(old, Node) and not old.spec.unschedulable
    return isinstance(new, Node) and not new.spec.unschedulable and not was


def tolerates_cordon(pod: Pod, _old: Changed, new: Changed) -> bool:
    """Queue when the Pod itself tolerates a cordon now; it did not when it was refused."""
    cordon = node_unschedulable.CORDONED
    return isinstance(new, Pod) and same(pod, new) and taint_toleration.tolerated(cordon, new.spec.tolerations)


def no_longer_repelled(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a node repels the Pod no more, or is new and does not."""
    was = not isinstance(old, Node) or taint_toleration.repelled_by(pod, old) is not None
    return was and isinstance(new, Node) and taint_toleration.repelled_by(pod, new) is None


def itself(pod: Pod, _old: Changed, new: Changed) -> bool:
    """Queue when the Pod itself changed."""
    return same(pod, new)


def now_selected(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a node is selected that was not, or was not there."""
    was = isinstance(old, Node) and node_affinity.allows(pod, old)
    return isinstance(new, Node) and node_affinity.allows(pod, new) and not was


def frees_a_port(pod: Pod, old: Changed, _new: Changed) -> bool:
    """Queue when a Pod is gone that held a wanted host port."""
    if not isinstance(old, Pod) or not old.spec.node_name:
        return False
    wanted, taken = node_ports.host_ports(pod), node_ports.host_ports(old)
    return any(node_ports.conflict(port, other) for port in wanted for other in taken)


def was_bound(_pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when any Pod has gone from a node: it frees something."""
    return new is None and isinstance(old, Pod) and bool(old.spec.node_name)


def has_more_room(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a node would take the Pod if it were empty, and is new or larger in something the Pod asks for."""
    if not isinstance(new, Node):
        return False
    empty = NodeInfo(new)
    if node_resources_fit.filter_node(requested(pod), pod, empty) is not None:
        return False
    if not isinstance(old, Node):
        return True
    has, had = allocatable(empty), allocatable(NodeInfo(old))
    wanted = [name for name, amount in requested(pod).items() if amount > 0]
    return any(has.get(name, 0) > had.get(name, 0) for name in ("pods", *wanted))


def _meets_all(terms: tuple[PodAffinityTerm, ...], pod: Pod, other: Changed) -> bool:
    """No terms are met by nobody; the labels of the other's namespace are not asked for, as upstream."""
    return isinstance(other, Pod) and bool(terms) and all(matches(term, pod, other, strings()) for term in terms)


def affinity_after_pod(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a Pod is wanted near that was not, or one that was not wanted has gone or changed."""
    if any(isinstance(obj, Pod) and not obj.spec.node_name for obj in (old, new)):
        return False
    wanted, unwanted = required(affinity(pod)), required(anti_affinity(pod))
    comes = _meets_all(wanted, pod, new) and not _meets_all(wanted, pod, old)
    return comes or (_meets_all(unwanted, pod, old) and not _meets_all(unwanted, pod, new))


def affinity_after_node(pod: Pod, _old: Changed, new: Changed) -> bool:
    """Queue when the node has the topology key of some term."""
    terms = (*required(affinity(pod)), *required(anti_affinity(pod)))
    return isinstance(new, Node) and any(term.topology_key in new.metadata.labels for term in terms)


def spread_after_pod(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a bound Pod of the namespace (or the Pod itself) counts now, or counts no more."""
    others = [obj for obj in (old, new) if isinstance(obj, Pod)]
    if not all(same(pod, other) or _bound_beside(pod, other) for other in others):
        return False
    constraints = pod_topology_spread.constraints_of(pod, "DoNotSchedule")
    if isinstance(old, Pod) and isinstance(new, Pod):
        honours = any(constraint.node_taints_policy == "Honor" for constraint in constraints)
        if same(pod, new) and old.spec.tolerations != new.spec.tolerations and honours:
            return True
        counted = [
            tuple(selects(constraint.label_selector, each.metadata.labels) for constraint in constraints)
            for each in others
        ]
        return counted[0] != counted[1]
    labels = others[0].metadata.labels
    return all(selects(constraint.label_selector, labels) for constraint in constraints)


def _bound_beside(pod: Pod, other: Pod) -> bool:
    return bool(other.spec.node_name) and other.metadata.namespace == pod.metadata.namespace


def spread_after_node(pod: Pod, old: Changed, new: Changed) -> bool:
    """Queue when a node with every topology key comes, goes, changes its domain or its taints."""
    constraints = pod_topology_spread.constraints_of(pod, "DoNotSchedule")
    had = isinstance(old, Node) and pod_topology_spread.labelled(old, constraints)
    has = isinstance(new, Node) and pod_topology_spread.labelled(new, constraints)
    if had != has or not (isinstance(old, Node) and isinstance(new, Node)):
        return had or has
    keys = [constraint.topology_key for constraint in constraints]
    moved = any(old.metadata.labels.get(key) != new.metadata.labels.get(key) for key in keys)
    return has and (moved or old.spec.taints != new.spec.taints)
