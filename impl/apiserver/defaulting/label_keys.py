"""matchLabelKeys and mismatchLabelKeys of pod affinity: written out as requirements when the Pod is created.

Upstream: pkg/registry/core/pod/strategy.go (applyMatchLabelKeysAndMismatchLabelKeys) (v1.32).
Left out on purpose: topology spread constraints; in v1.32 the scheduler reads their matchLabelKeys itself.
"""

from __future__ import annotations

from attrs import evolve

from ...api.core import Pod, PodAffinity, PodAffinityTerm, PodSpec
from ...api.meta import LabelSelectorRequirement
from ...api.values.frozen import Strings


def with_label_keys(pod: Pod) -> PodSpec:
    """Return the Pod's spec with the keys of its affinity terms turned into the values the Pod itself has."""
    affinity = pod.spec.affinity
    if affinity is None:
        return pod.spec
    labels = pod.metadata.labels
    complete = evolve(
        affinity,
        pod_affinity=_affinity(affinity.pod_affinity, labels),
        pod_anti_affinity=_affinity(affinity.pod_anti_affinity, labels),
    )
    return evolve(pod.spec, affinity=complete)


def _affinity(affinity: PodAffinity | None, labels: Strings) -> PodAffinity | None:
    if affinity is None:
        return None
    wishes = affinity.preferred_during_scheduling_ignored_during_execution
    return evolve(
        affinity,
        required_during_scheduling_ignored_during_execution=tuple(
            _term(term, labels) for term in affinity.required_during_scheduling_ignored_during_execution
        ),
        preferred_during_scheduling_ignored_during_execution=tuple(
            evolve(wish, pod_affinity_term=_term(wish.pod_affinity_term, labels)) for wish in wishes
        ),
    )


def _term(term: PodAffinityTerm, labels: Strings) -> PodAffinityTerm:
    """Add `key In (own value)` for each match key the Pod has, `key NotIn (own value)` for each mismatch key."""
    selector = term.label_selector
    if selector is None:
        return term
    added = tuple(
        LabelSelectorRequirement(key, operator, (labels[key],))
        for keys, operator in ((term.match_label_keys, "In"), (term.mismatch_label_keys, "NotIn"))
        for key in keys
        if key in labels
    )
    if not added:
        return term
    return evolve(term, label_selector=evolve(selector, match_expressions=selector.match_expressions + added))
