"""Terms of Pod (anti-)affinity: which Pods they match, and how matches are counted by topology.

Upstream: framework.AffinityTerm in pkg/scheduler/framework/types.go (v1.32).
matchLabelKeys and mismatchLabelKeys are not read: the API server merged them into the selector when the Pod was made.
"""

from __future__ import annotations

from ...api.core import Pod, PodAffinity, PodAffinityTerm, WeightedPodAffinityTerm
from ...api.values.frozen import Strings
from ...api.values.selectors import selects
from ..framework import NodeInfo

NAME = "Pods with affinity"
Terms = tuple[PodAffinityTerm, ...]
Weighted = tuple[WeightedPodAffinityTerm, ...]
Domain = tuple[str, str]
"""A topology key and one of its values."""


def affinity(pod: Pod) -> PodAffinity:
    """Return the Pod's podAffinity, empty if absent."""
    return (pod.spec.affinity and pod.spec.affinity.pod_affinity) or PodAffinity()


def anti_affinity(pod: Pod) -> PodAffinity:
    """Return the Pod's podAntiAffinity, empty if absent."""
    return (pod.spec.affinity and pod.spec.affinity.pod_anti_affinity) or PodAffinity()


def required(which: PodAffinity) -> Terms:
    """Return the terms that must hold."""
    return which.required_during_scheduling_ignored_during_execution


def preferred(which: PodAffinity) -> Weighted:
    """Return the terms that count."""
    return which.preferred_during_scheduling_ignored_during_execution


def opinionated(info: NodeInfo) -> tuple[Pod, ...]:
    """Return the Pods of a node that have any affinity to or against other Pods; looked through once."""
    if NAME not in info.known:
        having = (
            pod for pod in info.pods if (one := pod.spec.affinity) and (one.pod_affinity or one.pod_anti_affinity)
        )
        info.known[NAME] = tuple(having)
    found: tuple[Pod, ...] = info.known[NAME]
    return found


def matches(term: PodAffinityTerm, owner: Pod, other: Pod, namespace_labels: Strings) -> bool:
    """Tell whether a term of `owner` matches another Pod, whose namespace has these labels."""
    namespaces = term.namespaces
    if not namespaces and term.namespace_selector is None:
        namespaces = (owner.metadata.namespace,)
    if other.metadata.namespace not in namespaces and not selects(term.namespace_selector, namespace_labels):
        return False
    return selects(term.label_selector, other.metadata.labels)
