"""InterPodAffinity, ranking: what the incoming Pod and the Pods already there would like to be near to or far from.

Upstream: pkg/scheduler/framework/plugins/interpodaffinity/scoring.go (v1.32).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from immutabledict import immutabledict

from ...api.core import Pod, PodAffinityTerm
from ..framework import MAX_NODE_SCORE, NodeInfo, Raw, ScorePlugin, Snapshot
from .inter_pod_affinity import NAME
from .pod_affinity_terms import Domain, affinity, anti_affinity, matches, opinionated, preferred, required

HARD_POD_AFFINITY_WEIGHT = 1
"""How much a Pod counts that requires the incoming one near it."""

Scores = immutabledict[Domain, int]


def pre_score(snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Scores | None:
    """Return for each domain the weights of the terms that match in it; skip when none matches anywhere."""
    return _pre_score(HARD_POD_AFFINITY_WEIGHT, False, snapshot, pod, _feasible)  # noqa: FBT003 - upstream's default


def _pre_score(
    hard: int,
    ignore_preferred_terms_of_existing_pods: bool,  # noqa: FBT001 - the field's own name
    snapshot: Snapshot,
    pod: Pod,
    _feasible: tuple[NodeInfo, ...],
) -> Scores | None:
    totals: Counter[Domain] = Counter()
    everyone = bool(preferred(affinity(pod)) or preferred(anti_affinity(pod)))
    if ignore_preferred_terms_of_existing_pods and not everyone:
        return None
    for info in snapshot.nodes:
        for existing in info.pods if everyone else opinionated(info):
            for term, weight in _matching(snapshot, pod, existing, hard):
                if term.topology_key in info.labels:
                    totals[term.topology_key, info.labels[term.topology_key]] += weight
    return immutabledict(totals) if totals else None


def _matching(snapshot: Snapshot, pod: Pod, existing: Pod, hard: int) -> Iterator[tuple[PodAffinityTerm, int]]:
    """Yield the terms, with signed weights, of either Pod that match the other."""
    for owner, other in ((pod, existing), (existing, pod)):
        labels = snapshot.namespace_labels(other.metadata.namespace)
        wishes = [(weighted.pod_affinity_term, weighted.weight) for weighted in preferred(affinity(owner))]
        wishes += [(weighted.pod_affinity_term, -weighted.weight) for weighted in preferred(anti_affinity(owner))]
        if owner is existing:
            wishes += [(term, hard) for term in required(affinity(owner)) if hard]
        for term, weight in wishes:
            if matches(term, owner, other, labels):
                yield term, weight


def score(state: Scores, _pod: Pod, info: NodeInfo) -> int:
    """Add up what the node's domains got."""
    return sum(state.get(domain, 0) for domain in info.labels.items())


def normalize(_state: Scores, raw: Raw) -> Raw:
    """Stretch to 0..100; nodes that are all alike get 0."""
    least, most = min(raw.values(), default=0), max(raw.values(), default=0)
    if most == least:
        return dict.fromkeys(raw, 0)
    return {name: int(MAX_NODE_SCORE * ((value - least) / (most - least))) for name, value in raw.items()}


def score_with(hard: int, weight: int, *, ignore_preferred_terms_of_existing_pods: bool) -> ScorePlugin[Scores]:
    """Return the plugin with a weight for what existing Pods require, and whether what they prefer may be ignored."""
    if hard == HARD_POD_AFFINITY_WEIGHT and not ignore_preferred_terms_of_existing_pods:
        return ScorePlugin(NAME, weight, pre_score, score, normalize)
    prepared = partial(_pre_score, hard, ignore_preferred_terms_of_existing_pods)
    return ScorePlugin(NAME, weight, prepared, score, normalize)


SCORE = ScorePlugin(NAME, 2, pre_score, score, normalize)
