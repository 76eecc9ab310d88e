"""Spread: at rest the skew of every constraint that says DoNotSchedule is at most its maxSkew.

The scheduler promises this of a Pod in the moment in which it binds it, counting the Pods that are there then. What
goes later is nobody's business: after a rollout the Pods may be spread as the old ones had left them room, which is
what this claim looks at. Skew is counted as the documentation has it (pod-topology-spread-constraints, v1.32): the
Pods in a domain that has one with the constraint, less those in the emptiest domain that takes part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from ...impl.api.claim_names import SENTENCES, SPREAD
from ...impl.api.core import Node, Pod, TopologySpreadConstraint
from ...impl.api.kinds import Object
from ...impl.api.meta import LabelSelector
from ...model.machine import Converges, Property, View
from ...properties.placement.pods import alike as is_alike
from ...properties.placement.pods import takes_part
from ..input.priorities import pod_specs
from ..world.cluster import Cluster
from .judged import Others, alike, nodes_of, pod_of
from .moments import script_over

Told = Callable[[Others, tuple[Node, ...]], tuple[str, ...]]
Standing = tuple[tuple[Pod, str], int]


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that every fair run comes to an even spread, where one is asked for."""
    if is_constrained(cluster):
        yield Converges(SPREAD, SENTENCES[SPREAD], even(cluster), partial(script_over, cluster))


def is_constrained(cluster: Cluster) -> bool:
    """Tell whether some Pod of a scenario has a constraint to judge."""
    return any(_hard(spec.topology_spread_constraints) for spec in pod_specs(cluster.scenario))


def _hard(constraints: tuple[TopologySpreadConstraint, ...]) -> tuple[TopologySpreadConstraint, ...]:
    return tuple(constraint for constraint in constraints if constraint.when_unsatisfiable == "DoNotSchedule")


def even(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Return the goal that no constraint is overdrawn."""
    return partial(_overdrawn, cluster, lru_cache(maxsize=None)(_told))


def _overdrawn(cluster: Cluster, told: Told, view: View) -> Iterator[str]:
    found = (view.via(_stands, slot) for slot in cluster.world.layout.pools["Pod"])
    yield from told(alike(pod for pod in found if pod is not None), nodes_of(cluster, view))


def _stands(obj: Object | None) -> Pod | None:
    """Keep a Pod that counts: bound, neither finished nor being deleted."""
    kept = pod_of(obj)
    return kept if kept is not None and kept.spec.node_name and not kept.metadata.terminating else None


def _told(others: Others, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    standing = sorted(others, key=repr)
    return tuple(
        dict.fromkeys(
            line
            for (pod, node), _ in standing
            for constraint in _hard(pod.spec.topology_spread_constraints)
            for line in _skew(pod, node, constraint, standing, nodes)
        )
    )


def _skew(
    pod: Pod, node: str, one: TopologySpreadConstraint, standing: list[Standing], nodes: tuple[Node, ...]
) -> Iterator[str]:
    keys = {each.topology_key for each in _hard(pod.spec.topology_spread_constraints)}
    eligible = [each for each in nodes if keys <= set(each.metadata.labels) and takes_part(one, pod, each)]
    domains = {each.metadata.name: each.metadata.labels[one.topology_key] for each in eligible}
    if node not in domains or not domains:
        return
    counts = Counter(dict.fromkeys(domains.values(), 0))
    for (other, there), number in standing:
        if there in domains and _counts(pod, one, other):
            counts[domains[there]] += number
    emptiest = min(counts, key=lambda domain: (counts[domain], domain))
    least, beside = counts[emptiest], f"{counts[emptiest]} in {emptiest}"
    if len(counts) < (one.min_domains or 1):
        least, beside = 0, f"and fewer than {one.min_domains} domains (minDomains)"
    here = domains[node]
    if counts[here] - least > one.max_skew:
        skew = f"a skew of {counts[here] - least}, maxSkew is {one.max_skew}"
        chosen = one.label_selector.match_labels.items() if one.label_selector is not None else ()
        named = f" with {', '.join(f'{key}={value}' for key, value in sorted(chosen))}" if chosen else ""
        yield f"{one.topology_key}: {counts[here]} Pods{named} in {here}, {beside}: {skew}"


def _counts(pod: Pod, one: TopologySpreadConstraint, other: Pod) -> bool:
    """Tell whether a Pod is one of those to spread; an empty selector that no key narrows means nobody."""
    narrowed = any(key in pod.metadata.labels for key in one.match_label_keys)
    nobody = one.label_selector == LabelSelector() and not narrowed
    return not nobody and other.metadata.namespace == pod.metadata.namespace and is_alike(pod, one, other)
