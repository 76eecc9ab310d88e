"""Which Pods a quota counts: its scopes. A quota with scopes counts nothing but Pods.

Upstream: podMatchesScopeFunc in pkg/quota/v1/evaluator/core/pods.go, ScopedResourceSelectorRequirementsAsSelector in
pkg/apis/core/v1/helper/helpers.go, MatchesNoScopeFunc in staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go
(v1.32).
Left out on purpose: the scope VolumeAttributesClass of claims.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..api.core import Pod, PodAffinityTerm
from ..api.kinds import Object
from ..api.quota import ResourceQuotaSpec, ScopedResourceSelectorRequirement
from ..api.values.qos import BEST_EFFORT, qos_class


def in_scope(spec: ResourceQuotaSpec, obj: Object) -> bool:
    """Tell whether an object is one of those that a quota counts."""
    return all(isinstance(obj, Pod) and _keeps(requirement, obj) for requirement in spec.requirements)


def _keeps(requirement: ScopedResourceSelectorRequirement, pod: Pod) -> bool:
    match requirement.scope_name:
        case "Terminating":
            return is_bounded(pod)
        case "NotTerminating":
            return not is_bounded(pod)
        case "BestEffort":
            return qos_class(pod.spec) == BEST_EFFORT
        case "NotBestEffort":
            return qos_class(pod.spec) != BEST_EFFORT
        case "PriorityClass":
            return _selects(requirement, pod.spec.priority_class_name)
        case "CrossNamespacePodAffinity":
            return any(term.namespaces or term.namespace_selector is not None for term in _terms(pod))
        case _:
            return False


def is_bounded(pod: Pod) -> bool:
    """Tell whether a Pod ends by itself: it has an activeDeadlineSeconds."""
    seconds = pod.spec.active_deadline_seconds
    return seconds is not None and seconds >= 0


def _selects(requirement: ScopedResourceSelectorRequirement, name: str) -> bool:
    match requirement.operator:
        case "In":
            return bool(name) and name in requirement.values
        case "NotIn":
            return not name or name not in requirement.values
        case "DoesNotExist":
            return not name
        case _:
            return bool(name)


def _terms(pod: Pod) -> Iterator[PodAffinityTerm]:
    affinity = pod.spec.affinity
    near = () if affinity is None else (affinity.pod_affinity, affinity.pod_anti_affinity)
    for rules in filter(None, near):
        yield from rules.required_during_scheduling_ignored_during_execution
        yield from (wish.pod_affinity_term for wish in rules.preferred_during_scheduling_ignored_during_execution)
