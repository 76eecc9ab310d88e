"""NodeAffinity: nodeSelector and required node affinity must hold, preferred node affinity counts.

Upstream: pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go and
staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go (v1.32).
Affinity that the scheduler's own configuration adds comes before the Pod's own.
"""

from __future__ import annotations

from functools import partial

from ...api.core import Node, NodeAffinity, NodeSelector, NodeSelectorTerm, Pod, PreferredSchedulingTerm
from ...api.meta import LabelSelectorRequirement
from ...api.values.selectors import matches_map, matches_requirement
from ..framework import FilterPlugin, NodeInfo, Prepared, Raw, Refusal, ScorePlugin, Snapshot, default_normalize_score

NAME = "NodeAffinity"
NAME_FIELD = "metadata.name"
MISMATCH = Refusal(NAME, ("node(s) didn't match Pod's node affinity/selector",), resolvable=False)
CONFLICT = Refusal(NAME, ("pod affinity terms conflict",), resolvable=False)


def required(pod: Pod) -> NodeSelector | None:
    """Return the required node affinity, None if there is none."""
    node_affinity = None if pod.spec.affinity is None else pod.spec.affinity.node_affinity
    return None if node_affinity is None else node_affinity.required_during_scheduling_ignored_during_execution


def preferred(pod: Pod) -> tuple[PreferredSchedulingTerm, ...]:
    """Return the preferred terms that count: a weight of 0 does not."""
    node_affinity = None if pod.spec.affinity is None else pod.spec.affinity.node_affinity
    terms = () if node_affinity is None else node_affinity.preferred_during_scheduling_ignored_during_execution
    return tuple(term for term in terms if term.weight)


def term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    """Tell whether a node meets every requirement of a term; a term without any is met by no node."""
    if not term.match_expressions and not term.match_fields:
        return False
    labels = node.metadata.labels
    fits = all(matches_requirement(requirement, labels) for requirement in term.match_expressions)
    return fits and all(_field_matches(requirement, node) for requirement in term.match_fields)


def _field_matches(requirement: LabelSelectorRequirement, node: Node) -> bool:
    """Only metadata.name can be asked for, and only with In or NotIn and a single value."""
    if requirement.key != NAME_FIELD or len(requirement.values) != 1:
        return False
    same = requirement.values[0] == node.metadata.name
    return {"In": same, "NotIn": not same}.get(requirement.operator, False)


def allows(pod: Pod, node: Node) -> bool:
    """Tell whether a node meets the nodeSelector and one of the required terms."""
    if not matches_map(pod.spec.node_selector, node.metadata.labels):
        return False
    selector = required(pod)
    return selector is None or any(term_matches(term, node) for term in selector.node_selector_terms)


def _named(term: NodeSelectorTerm) -> frozenset[str] | None:
    """Return the nodes a term names in its fields; None when it names none."""
    sets = [
        frozenset(requirement.values)
        for requirement in term.match_fields
        if (requirement.key, requirement.operator) == (NAME_FIELD, "In")
    ]
    return frozenset.intersection(*sets) if sets else None


def pre_filter(_snapshot: Snapshot, pod: Pod) -> Prepared[None] | Refusal | None:
    """Skip a Pod without a wish; narrow the nodes down when every required term names some."""
    selector = required(pod)
    if selector is None:
        return Prepared(None) if pod.spec.node_selector else None
    names = [_named(term) for term in selector.node_selector_terms]
    stated = [name for name in names if name is not None]
    if not names or len(stated) < len(names):
        return Prepared(None)
    only = frozenset[str]().union(*stated)
    return Prepared(None, only) if only else CONFLICT


def filter_node(_state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a node that is not selected."""
    return None if allows(pod, info.node) else MISMATCH


Terms = tuple[PreferredSchedulingTerm, ...]


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Terms | None:
    """Skip a Pod that prefers nothing."""
    affinity = None if pod.spec.affinity is None else pod.spec.affinity.node_affinity
    if affinity is None or not affinity.preferred_during_scheduling_ignored_during_execution:
        return None
    return preferred(pod)


def score(terms: Terms, _pod: Pod, info: NodeInfo) -> int:
    """Add up the weights of the terms a node meets."""
    return sum(term.weight for term in terms if term_matches(term.preference, info.node))


def normalize(_state: Terms, raw: Raw) -> Raw:
    """Return the best node 100."""
    return default_normalize_score(raw, reverse=False)


ENFORCED = Refusal(NAME, ("node(s) didn't match scheduler-enforced node affinity",), resolvable=False)


def plugin_with(added: NodeAffinity) -> FilterPlugin[None]:
    """Return the plugin with affinity that is added to every Pod's own."""
    return FilterPlugin(NAME, partial(_filter_added, added), partial(_pre_filter_added, added), alone=True)


def _pre_filter_added(added: NodeAffinity, snapshot: Snapshot, pod: Pod) -> Prepared[None] | Refusal | None:
    prepared = pre_filter(snapshot, pod)
    enforced = added.required_during_scheduling_ignored_during_execution
    return Prepared(None) if prepared is None and enforced is not None else prepared


def _filter_added(added: NodeAffinity, state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    enforced = added.required_during_scheduling_ignored_during_execution
    if enforced is not None and not any(term_matches(term, info.node) for term in enforced.node_selector_terms):
        return ENFORCED
    return filter_node(state, pod, info)


def score_with(added: NodeAffinity, weight: int) -> ScorePlugin[Terms]:
    """Return the plugin with preferences that are added to every Pod's own."""
    return ScorePlugin(NAME, weight, partial(_pre_score_added, added), score, normalize, alone=True)


def _pre_score_added(added: NodeAffinity, snapshot: Snapshot, pod: Pod, feasible: tuple[NodeInfo, ...]) -> Terms | None:
    more = tuple(wish for wish in added.preferred_during_scheduling_ignored_during_execution if wish.weight)
    own = pre_score(snapshot, pod, feasible)
    return own if not more else (*more, *(own or ()))


PLUGIN = FilterPlugin(NAME, filter_node, pre_filter, alone=True)
SCORE = ScorePlugin(NAME, 2, pre_score, score, normalize, alone=True)
