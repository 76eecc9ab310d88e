"""RemovePodsViolatingTopologySpreadConstraint: domains give away what they have above the average.

Upstream: kubernetes-sigs/descheduler, pkg/framework/plugins/removepodsviolatingtopologyspreadconstraint (v0.32).
Each constraint is balanced as if there were no other, and nobody asks where the scheduler would rather have the Pod
(descheduler#921, #1219).
Left out on purpose: the label selector and the namespaces of the strategy's arguments; nodeTaintsPolicy and
nodeAffinityPolicy; the order of Pods by priority within a domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil

from attrs import evolve

from ..api.cache import Cache
from ..api.core import Node, Pod, TopologySpreadConstraint
from ..api.values.selectors import selects
from ..scheduler.plugins.pod_topology_spread import constraints_of
from .evictor import Pick, evictable, fits_elsewhere, of_chosen
from .policy import Policy

Domains = dict[str, list[Pod]]


def unevenly_spread(cache: Cache, policy: Policy, nodes: tuple[Node, ...]) -> Iterator[Pick]:
    """Yield whom one look may choose of each constraint; which of a domain's Pods go is anybody's guess."""
    for namespace, constraint in _constraints(cache.list(Pod), policy):
        domains = _domains(cache.list(Pod, namespace), constraint, nodes)
        sizes = {value: len(pods) for value, pods in domains.items()}
        given = _given(sizes, constraint.max_skew)
        below = _below_average(sizes, constraint.topology_key, nodes)
        for value, number in given:
            yield from _picks(cache, policy, domains[value], number, below)


def _constraints(pods: Iterable[Pod], policy: Policy) -> tuple[tuple[str, TopologySpreadConstraint], ...]:
    found = (
        (pod.metadata.namespace, constraint)
        for pod in pods
        for action in sorted(policy.spread)
        for constraint in constraints_of(pod, action)
    )
    return tuple(dict.fromkeys((space, evolve(constraint, match_label_keys=())) for space, constraint in found))


def _domains(pods: Iterable[Pod], constraint: TopologySpreadConstraint, nodes: tuple[Node, ...]) -> Domains:
    key = constraint.topology_key
    values = {node.metadata.name: node.metadata.labels[key] for node in nodes if key in node.metadata.labels}
    domains: Domains = {value: [] for value in sorted(set(values.values()))}
    for pod in pods:
        value = values.get(pod.spec.node_name)
        if (
            value is not None
            and not pod.metadata.terminating
            and selects(constraint.label_selector, pod.metadata.labels)
        ):
            domains[value].append(pod)
    return domains


def _given(sizes: dict[str, int], skew: int) -> tuple[tuple[str, int], ...]:
    """Return how many Pods each domain gives away (balanceDomains): the largest to the smallest, to the average."""
    order = sorted(sizes, key=lambda value: (sizes[value], value))
    left, given = dict(sizes), dict.fromkeys(sizes, 0)
    average = sum(sizes.values()) / max(1, len(sizes))
    low, high = 0, len(order) - 1
    while low < high:
        if left[order[high]] <= average:
            high -= 1
        apart = left[order[high]] - left[order[low]]
        above, below = ceil(left[order[high]] - average), ceil(average - left[order[low]])
        moved = min(above, below, ceil((apart - skew) / 2)) if apart > skew else 0
        if moved <= 0:
            low += 1
            continue
        left[order[high]] -= moved
        left[order[low]] += moved
        given[order[high]] += moved
    return tuple((value, number) for value, number in given.items() if number)


def _below_average(sizes: dict[str, int], key: str, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    average = sum(sizes.values()) / max(1, len(sizes))
    return tuple(node for node in nodes if sizes.get(node.metadata.labels.get(key, ""), average) < average)


def _picks(cache: Cache, policy: Policy, pods: list[Pod], number: int, below: tuple[Node, ...]) -> Iterator[Pick]:
    """Yield how many of a domain's Pods go of so many that are chosen; one that fits nowhere else counts and stays."""
    going = tuple(
        pod for pod in pods if evictable(policy, pod) and (not policy.balance_fits or fits_elsewhere(cache, pod, below))
    )
    yield from of_chosen(Pick(tuple(pods), min(number, len(pods))), going)
