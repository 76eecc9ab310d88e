"""PodTopologySpread, ranking: better is a domain with fewer matching Pods, by ScheduleAnyway or default constraints.

Upstream: pkg/scheduler/framework/plugins/podtopologyspread/{scoring,plugin}.go, plugins/helper/spread.go (v1.32).
Left out on purpose: ReplicationControllers and StatefulSets as owners (the vocabulary has no class for them).
"""

from __future__ import annotations

import math
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...api.apps import Sized
from ...api.cache import Cache
from ...api.core import Pod, Service, TopologySpreadConstraint
from ...api.meta import LabelSelector, Ref
from ...api.values.frozen import strings
from ...api.values.selectors import matches_map
from ...api.well_known import HOSTNAME, ZONE
from ...api.workloads import SPREADING
from ..framework import MAX_NODE_SCORE, NodeInfo, Raw, ScorePlugin, Snapshot
from .pod_topology_spread import NAME, Constraints, constraints_of, count_matching, included, labelled

SYSTEM_DEFAULT: Constraints = (
    TopologySpreadConstraint(max_skew=3, topology_key=HOSTNAME, when_unsatisfiable="ScheduleAnyway"),
    TopologySpreadConstraint(max_skew=5, topology_key=ZONE, when_unsatisfiable="ScheduleAnyway"),
)


@frozen
class Spreading:
    """The constraints with weights and counts by (key, domain); nodes in `ignored` lack a topology key."""

    constraints: Constraints
    weights: tuple[float, ...]
    counts: immutabledict[tuple[str, str], int]
    ignored: frozenset[str]


def default_selector(pod: Pod, cache: Cache) -> LabelSelector:
    """Select what the Services that select the Pod and its controller select; empty when there are none."""
    namespace, labels = pod.metadata.namespace, pod.metadata.labels
    wanted: dict[str, str] = {}
    for service in cache.list(Service, namespace):
        if service.spec.selector and matches_map(service.spec.selector, labels):
            wanted |= service.spec.selector
    owner = pod.metadata.controller
    owned = owner is not None and owner.kind in SPREADING and owner.api_version == "apps/v1"
    found = cache.objects.get(Ref(owner.kind, namespace, owner.name)) if owner and owned else None
    if not isinstance(found, Sized):
        return LabelSelector(strings(wanted))
    selector = found.spec.selector
    merged = strings({**selector.match_labels, **wanted})
    return LabelSelector(merged, selector.match_expressions)


def pre_score(snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...]) -> Spreading | None:
    """Weigh the constraints by their number of domains and count matching Pods in the domains that are candidates."""
    own = bool(pod.spec.topology_spread_constraints)
    constraints = constraints_of(pod, "ScheduleAnyway") if own else _defaults(pod, snapshot.cache)
    return _spreading(snapshot, pod, feasible, constraints, own=own)


def _spreading(
    snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...], constraints: Constraints, *, own: bool
) -> Spreading | None:
    if not constraints:
        return None
    # Under the system's own defaults a node may lack the zone label and still be ranked by host.
    ignored = frozenset(info.name for info in feasible if own and not labelled(info.node, constraints))
    ranked = [info for info in feasible if info.name not in ignored]
    sizes = [_size(constraint, ranked) for constraint in constraints]
    return Spreading(
        constraints,
        tuple(math.log(size + 2) for size in sizes),
        _counts(snapshot, pod, constraints, ranked, own=own),
        ignored,
    )


def _defaults(pod: Pod, cache: Cache, defaults: Constraints = SYSTEM_DEFAULT) -> Constraints:
    selector = default_selector(pod, cache)
    if selector == LabelSelector():
        return ()
    return tuple(evolve(default, label_selector=selector) for default in defaults)


def hard_defaults(defaults: Constraints, snapshot: Snapshot, pod: Pod) -> Constraints:
    """Return the configured constraints that refuse nodes to a Pod that has none of its own."""
    hard = tuple(default for default in defaults if default.when_unsatisfiable == "DoNotSchedule")
    return _defaults(pod, snapshot.cache, hard)


def _pre_score_with(
    defaults: Constraints, snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...]
) -> Spreading | None:
    """Take constraints from the configuration for a Pod that has none; they ask for every topology key."""
    if pod.spec.topology_spread_constraints:
        return pre_score(snapshot, pod, feasible)
    soft = tuple(default for default in defaults if default.when_unsatisfiable == "ScheduleAnyway")
    return _spreading(snapshot, pod, feasible, _defaults(pod, snapshot.cache, soft), own=True)


def _size(constraint: TopologySpreadConstraint, ranked: list[NodeInfo]) -> int:
    if constraint.topology_key == HOSTNAME:
        return len(ranked)
    # A node without the label counts as the domain "", as it does upstream.
    return len({info.labels.get(constraint.topology_key, "") for info in ranked})


def _counts(
    snapshot: Snapshot, pod: Pod, constraints: Constraints, ranked: list[NodeInfo], *, own: bool
) -> immutabledict[tuple[str, str], int]:
    """Count by domain, over all nodes that count, for the domains of ranked nodes; hosts are counted when scored."""
    keys = [constraint for constraint in constraints if constraint.topology_key != HOSTNAME]
    counts = {
        (constraint.topology_key, info.labels.get(constraint.topology_key, "")): 0
        for constraint in keys
        for info in ranked
    }
    for info in snapshot.nodes:
        if own and not labelled(info.node, constraints):
            continue
        for constraint in keys:
            pair = constraint.topology_key, info.labels.get(constraint.topology_key, "")
            if pair in counts and included(constraint, pod, info.node):
                counts[pair] += count_matching(info, constraint.label_selector, pod.metadata.namespace)
    return immutabledict(counts)


def score(state: Spreading, pod: Pod, info: NodeInfo) -> int:
    """Add up weighted counts: the lower, the better."""
    if info.name in state.ignored:
        return 0
    total = 0.0
    for constraint, weight in zip(state.constraints, state.weights, strict=True):
        key = constraint.topology_key
        if key not in info.labels:
            continue
        if key == HOSTNAME:
            count = count_matching(info, constraint.label_selector, pod.metadata.namespace)
        else:
            count = state.counts[key, info.labels[key]]
        total += count * weight + (constraint.max_skew - 1)
    return math.floor(total + 0.5)


def normalize(state: Spreading, raw: Raw) -> Raw:
    """Turn the order round: the node with least gets most; ignored nodes get nothing."""
    scored = [value for name, value in raw.items() if name not in state.ignored]
    least, most = min(scored, default=0), max(scored, default=0)
    return {name: _turned(value, least, most) if name not in state.ignored else 0 for name, value in raw.items()}


def _turned(value: int, least: int, most: int) -> int:
    return MAX_NODE_SCORE if most == 0 else MAX_NODE_SCORE * (most + least - value) // most


def score_with(defaults: Constraints | None, weight: int) -> ScorePlugin[Spreading]:
    """Return the plugin with configured defaults, or with the system's own where that is None."""
    return ScorePlugin(
        NAME, weight, pre_score if defaults is None else partial(_pre_score_with, defaults), score, normalize
    )


SCORE = ScorePlugin(NAME, 2, pre_score, score, normalize)
