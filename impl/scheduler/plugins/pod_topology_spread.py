"""PodTopologySpread: DoNotSchedule constraints refuse nodes on which matching Pods would pile up.

Upstream: pkg/scheduler/framework/plugins/podtopologyspread/{common,filtering}.go (v1.32). Ranking is in
pod_topology_spread_score.py.
Kept though odd: an empty (not absent) selector counts no Pod, yet the incoming Pod counts itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.core import Node, Pod, TopologySpreadConstraint
from ...api.meta import LabelSelector, LabelSelectorRequirement
from ...api.values.frozen import Strings
from ...api.values.selectors import selects
from ..framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .node_affinity import allows
from .taint_toleration import repelled_by

NAME = "PodTopologySpread"
SKEWED = Refusal(NAME, ("node(s) didn't match pod topology spread constraints",))
UNLABELLED = Refusal(
    NAME, ("node(s) didn't match pod topology spread constraints (missing required label)",), resolvable=False
)

Constraints = tuple[TopologySpreadConstraint, ...]


@frozen
class Counted:
    """A constraint with the number of matching Pods in each domain it may use."""

    constraint: TopologySpreadConstraint
    domains: immutabledict[str, int]

    def least(self) -> int:
        """Return the count of the emptiest domain; with fewer domains than minDomains, 0."""
        enough = self.constraint.min_domains or 1
        return 0 if len(self.domains) < enough else min(self.domains.values())


def constraints_of(pod: Pod, action: str) -> Constraints:
    """Return the Pod's constraints of one kind, their selectors narrowed by matchLabelKeys."""
    ours = (
        constraint for constraint in pod.spec.topology_spread_constraints if constraint.when_unsatisfiable == action
    )
    return tuple(evolve(constraint, label_selector=_narrowed(constraint, pod.metadata.labels)) for constraint in ours)


def _narrowed(constraint: TopologySpreadConstraint, labels: Strings) -> LabelSelector | None:
    selector = constraint.label_selector
    more = tuple(
        LabelSelectorRequirement(key, "In", (labels[key],)) for key in constraint.match_label_keys if key in labels
    )
    if selector is None or not more:
        return selector
    return evolve(selector, match_expressions=(*selector.match_expressions, *more))


def labelled(node: Node, constraints: Constraints) -> bool:
    """Tell whether a node has the topology key of every constraint."""
    return all(constraint.topology_key in node.metadata.labels for constraint in constraints)


def included(constraint: TopologySpreadConstraint, pod: Pod, node: Node) -> bool:
    """Tell whether a node counts: affinity is honoured and taints are ignored unless the constraint says otherwise."""
    if (constraint.node_affinity_policy or "Honor") == "Honor" and not allows(pod, node):
        return False
    return (constraint.node_taints_policy or "Ignore") == "Ignore" or repelled_by(pod, node) is None


def count_matching(info: NodeInfo, selector: LabelSelector | None, namespace: str) -> int:
    """Count a node's Pods that match, leaving out those being deleted."""
    if selector == LabelSelector():
        return 0
    return sum(
        pod.metadata.namespace == namespace and not pod.metadata.terminating and selects(selector, pod.metadata.labels)
        for pod in info.pods
    )


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[tuple[Counted, ...]] | None:
    """Count matching Pods by domain; skip a Pod without such constraints."""
    return _counted(snapshot, pod, constraints_of(pod, "DoNotSchedule"))


def _counted(snapshot: Snapshot, pod: Pod, constraints: Constraints) -> Prepared[tuple[Counted, ...]] | None:
    if not constraints:
        return None
    nodes = [info for info in snapshot.nodes if labelled(info.node, constraints)]
    return Prepared(tuple(Counted(constraint, _by_domain(constraint, pod, nodes)) for constraint in constraints))


def _by_domain(constraint: TopologySpreadConstraint, pod: Pod, nodes: list[NodeInfo]) -> immutabledict[str, int]:
    counts: Counter[str] = Counter()
    for info in nodes:
        if included(constraint, pod, info.node):
            counts[info.labels[constraint.topology_key]] += count_matching(
                info, constraint.label_selector, pod.metadata.namespace
            )
    return immutabledict(counts)


def filter_node(state: tuple[Counted, ...], pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node without a topology key, or whose domain would exceed the emptiest one by more than maxSkew."""
    for counted in state:
        constraint = counted.constraint
        domain = info.labels.get(constraint.topology_key)
        if domain is None:
            return UNLABELLED
        itself = selects(constraint.label_selector, pod.metadata.labels)
        if counted.domains.get(domain, 0) + itself - counted.least() > constraint.max_skew:
            return SKEWED
    return None


def plugin_with(constraints: Callable[[Snapshot, Pod], Constraints]) -> FilterPlugin[tuple[Counted, ...]]:
    """Return the plugin for clusters whose configuration gives constraints to Pods that have none."""
    return FilterPlugin(NAME, filter_node, partial(_pre_filter_with, constraints), sees_pods=True)


def _pre_filter_with(
    constraints: Callable[[Snapshot, Pod], Constraints], snapshot: Snapshot, pod: Pod
) -> Prepared[tuple[Counted, ...]] | None:
    own = bool(pod.spec.topology_spread_constraints)
    return pre_filter(snapshot, pod) if own else _counted(snapshot, pod, constraints(snapshot, pod))


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter, sees_pods=True)
