"""InterPodAffinity: required Pod affinity and anti-affinity, the incoming Pod's and that of the Pods already there.

Upstream: pkg/scheduler/framework/plugins/interpodaffinity/filtering.go (v1.32). Ranking is in
inter_pod_affinity_score.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from ...api.core import Pod, PodAffinityTerm
from ..framework import FilterPlugin, NodeInfo, Prepared, Refusal, Snapshot
from .pod_affinity_terms import Domain, Terms, affinity, anti_affinity, matches, opinionated, required

NAME = "InterPodAffinity"
LONELY = Refusal(NAME, ("node(s) didn't match pod affinity rules",), resolvable=False)
CROWDED = Refusal(NAME, ("node(s) didn't match pod anti-affinity rules",))
UNWELCOME = Refusal(NAME, ("node(s) didn't satisfy existing pods anti-affinity rules",))


@frozen
class Neighbours:
    """The domains that matter: where wanted Pods are, where unwanted ones are, and whose Pods do not want this one.

    `first` tells that no Pod anywhere matches the affinity but the incoming one would: it may start the group.
    """

    near: frozenset[Domain]
    far: frozenset[Domain]
    forbidden: frozenset[Domain]
    first: bool


def pre_filter(snapshot: Snapshot, pod: Pod) -> Prepared[Neighbours] | None:
    """Find the domains; skip a Pod that nobody's required terms concern."""
    near, far = required(affinity(pod)), required(anti_affinity(pod))
    forbidden = frozenset(_forbidden(snapshot, pod))
    if not near and not far and not forbidden:
        return None
    together = frozenset(_where_all_match(snapshot, pod, near))
    itself = all(_matches(snapshot, term, pod, pod) for term in near)
    apart = frozenset(_where_any_matches(snapshot, pod, far))
    return Prepared(Neighbours(together, apart, forbidden, first=not together and itself))


def _matches(snapshot: Snapshot, term: PodAffinityTerm, owner: Pod, other: Pod) -> bool:
    return matches(term, owner, other, snapshot.namespace_labels(other.metadata.namespace))


def _forbidden(snapshot: Snapshot, pod: Pod) -> Iterator[Domain]:
    """Yield the domains of existing Pods whose required anti-affinity matches the incoming one."""
    for info in snapshot.nodes:
        for existing in opinionated(info):
            for term in required(anti_affinity(existing)):
                if term.topology_key in info.labels and _matches(snapshot, term, existing, pod):
                    yield term.topology_key, info.labels[term.topology_key]


def _where_all_match(snapshot: Snapshot, pod: Pod, terms: Terms) -> Iterator[Domain]:
    """Yield, for Pods that match all terms at once, their domains of every term."""
    for info in snapshot.nodes if terms else ():
        for existing in info.pods:
            if all(_matches(snapshot, term, pod, existing) for term in terms):
                yield from _domains(info, terms)


def _where_any_matches(snapshot: Snapshot, pod: Pod, terms: Terms) -> Iterator[Domain]:
    for info in snapshot.nodes if terms else ():
        for existing in info.pods:
            yield from _domains(info, tuple(term for term in terms if _matches(snapshot, term, pod, existing)))


def _domains(info: NodeInfo, terms: Terms) -> Iterator[Domain]:
    for term in terms:
        if term.topology_key in info.labels:
            yield term.topology_key, info.labels[term.topology_key]


def filter_node(state: Neighbours, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node away from wanted Pods, near unwanted ones, or near Pods that do not want this one."""
    if not _together(state, required(affinity(pod)), info):
        return LONELY
    if any(domain in state.far for domain in _domains(info, required(anti_affinity(pod)))):
        return CROWDED
    if any(domain in state.forbidden for domain in info.labels.items()):
        return UNWELCOME
    return None


def _together(state: Neighbours, terms: Terms, info: NodeInfo) -> bool:
    """Every term's topology key must be on the node, and a match in its domain unless this Pod is the first."""
    if any(term.topology_key not in info.labels for term in terms):
        return False
    return state.first or all(domain in state.near for domain in _domains(info, terms))


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter, sees_pods=True)
