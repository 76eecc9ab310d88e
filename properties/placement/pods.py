"""What Pods require of each other: affinity, anti-affinity and even spreading, as formulas.

Upstream's words: kubernetes.io/docs/concepts/scheduling-eviction/{assign-pod-node,topology-spread-constraints} (v1.32).
Affinity is satisfied when the Pod is placed, so it depends on who came before: the formulas carry ranks. Anti-affinity
holds both ways and does not. Spreading is taken as it stands for each Pod when all the others are placed.
Left out on purpose: matchLabelKeys of affinity terms (merged into the selector when the Pod is made).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import z3

from ...impl.api.core import Node, Pod, PodAffinityTerm, TopologySpreadConstraint
from ...impl.api.meta import LabelSelector
from ...impl.api.values.selectors import selects
from .nodes import allowed, untainted
from .problem import Problem, Reason, Rule, called, name_of, plain


def pod_rules(problem: Problem) -> Iterator[Rule]:
    """Yield every rule in which other Pods matter."""
    for pod in range(len(problem.pods)):
        yield from _apart_from_bound(problem, pod)
        yield from _apart_from_others(problem, pod)
        yield from _near(problem, pod)
        yield from _spread(problem, pod)


def terms(pod: Pod, which: str) -> tuple[PodAffinityTerm, ...]:
    """Return the required terms of "pod_affinity" or "pod_anti_affinity"."""
    affinity = getattr(pod.spec.affinity, which, None)
    return affinity.required_during_scheduling_ignored_during_execution if affinity else ()


def means(problem: Problem, owner: Pod, term: PodAffinityTerm, other: Pod) -> bool:
    """Whether a term of `owner` is about `other`: by namespace (its own unless it names or selects some) and labels."""
    theirs = other.metadata.namespace
    if term.namespaces or term.namespace_selector is not None:
        there = theirs in term.namespaces or selects(term.namespace_selector, problem.namespace_labels(theirs))
    else:
        there = theirs == owner.metadata.namespace
    return there and selects(term.label_selector, other.metadata.labels)


# --- anti-affinity ------------------------------------------------------------------------------------------------


def excludes(problem: Problem, one: Pod, other: Pod) -> set[str]:
    """Return the topology keys within which two Pods cannot be together, whichever of them says so."""
    pairs = ((one, other), (other, one))
    return {
        term.topology_key
        for owner, met in pairs
        for term in terms(owner, "pod_anti_affinity")
        if means(problem, owner, term, met)
    }


def _apart_from_bound(problem: Problem, index: int) -> Iterator[Rule]:
    pod = problem.pods[index]
    for home in problem.nodes:
        for other in problem.on(home):
            for key in sorted(excludes(problem, pod, other)):
                for node in problem.peers(home, key):
                    words = (
                        f"{called(pod)} cannot go to {name_of(node)}: {name_of(home)} already runs {called(other)}, "
                        f"which the required anti-affinity on {key} excludes"
                    )
                    reason = Reason(
                        "anti-affinity",
                        (called(pod), called(other)),
                        (name_of(node),),
                        words,
                        _another(key, pod, other),
                    )
                    yield Rule(reason, z3.Not(problem.at(index, node)))


def _another(key: str, pod: Pod, other: Pod) -> str:
    """Say what would do; two Pods of one controller are of one template, and no surge brought them together."""
    same = pod.metadata.controller is not None and pod.metadata.controller == other.metadata.controller
    return f"one more node with a new {key}{'' if same else ', or maxSurge: 0,'} would do"


def _apart_from_others(problem: Problem, index: int) -> Iterator[Rule]:
    """Yield one rule for each later Pod, key and domain in which the two cannot both be."""
    pod = problem.pods[index]
    for later in range(index + 1, len(problem.pods)):
        other = problem.pods[later]
        for key in sorted(excludes(problem, pod, other)):
            for value in sorted({node.metadata.labels[key] for node in problem.nodes if key in node.metadata.labels}):
                domain = [node for node in problem.nodes if node.metadata.labels.get(key) == value]
                here = z3.Or([problem.at(index, node) for node in domain])
                there = z3.Or([problem.at(later, node) for node in domain])
                words = f"{called(pod)} and {called(other)} exclude each other within {key}={value}"
                reason = Reason(
                    "anti-affinity",
                    (called(pod), called(other)),
                    tuple(name_of(node) for node in domain),
                    words,
                    _another(key, pod, other),
                )
                yield Rule(reason, z3.Not(z3.And(here, there)))


# --- affinity -----------------------------------------------------------------------------------------------------


def _near(problem: Problem, index: int) -> Iterator[Rule]:
    """A Pod goes where Pods that all its terms are about are near by every term, or starts the group if it is first."""
    pod = problem.pods[index]
    required = terms(pod, "pod_affinity")
    if not required:
        return
    wanted = [
        other for other in range(len(problem.pods)) if other != index and about(problem, pod, problem.pods[other])
    ]
    first = _first(problem, index, wanted)
    for node in problem.nodes:
        near = z3.And([_company(problem, index, wanted, problem.peers(node, term.topology_key)) for term in required])
        labelled = all(term.topology_key in node.metadata.labels for term in required)
        keys = ", ".join(sorted({term.topology_key for term in required}))
        words = f"{called(pod)} cannot go to {name_of(node)}: no Pod its required affinity wants is there by {keys}"
        if not labelled:
            words = f"{called(pod)} cannot go to {name_of(node)}: it lacks a topology key of the affinity ({keys})"
        reason = Reason("affinity", (called(pod),), (name_of(node),), words, "such a Pod in that domain would do")
        yield Rule(reason, z3.Implies(problem.at(index, node), z3.And(labelled, z3.Or(near, first))))


def about(problem: Problem, owner: Pod, other: Pod) -> bool:
    """Whether all the affinity terms of one Pod are about another."""
    return all(means(problem, owner, term, other) for term in terms(owner, "pod_affinity"))


def _company(problem: Problem, index: int, wanted: list[int], domain: tuple[Node, ...]) -> Any:
    """Say that a wanted Pod is in the domain, already there or placed before."""
    pod = problem.pods[index]
    if any(about(problem, pod, other) for node in domain for other in problem.on(node)):
        return z3.BoolVal(val=True)
    return z3.Or(
        [
            z3.And(problem.at(other, node), problem.rank(other) < problem.rank(index))
            for other in wanted
            for node in domain
        ]
    )


def _first(problem: Problem, index: int, wanted: list[int]) -> Any:
    """Say that a Pod that its own terms are about finds none of its kind, on no node that has one of the keys."""
    pod = problem.pods[index]
    keys = {term.topology_key for term in terms(pod, "pod_affinity")}
    nodes = [node for node in problem.nodes if keys & set(node.metadata.labels)]
    if not about(problem, pod, pod) or any(about(problem, pod, other) for node in nodes for other in problem.on(node)):
        return z3.BoolVal(val=False)
    return z3.And(
        [
            z3.Implies(problem.at(other, node), problem.rank(index) < problem.rank(other))
            for other in wanted
            for node in nodes
        ]
    )


# --- spreading ----------------------------------------------------------------------------------------------------


def _spread(problem: Problem, index: int) -> Iterator[Rule]:
    """The other matching Pods of its domain and itself exceed no domain's by more than maxSkew."""
    pod = problem.pods[index]
    hard = [
        constraint
        for constraint in pod.spec.topology_spread_constraints
        if constraint.when_unsatisfiable == "DoNotSchedule"
    ]
    counted = [
        node for node in problem.nodes if all(constraint.topology_key in node.metadata.labels for constraint in hard)
    ]
    for constraint in hard:
        eligible = [node for node in counted if takes_part(constraint, pod, node)]
        domains = dict.fromkeys(node.metadata.labels[constraint.topology_key] for node in eligible)
        others = {value: _others(problem, index, constraint, value, eligible) for value in domains}
        enough = len(domains) >= (constraint.min_domains or 1)
        for node in problem.nodes:
            value = node.metadata.labels.get(constraint.topology_key)
            here = others.get(value, z3.IntVal(0)) if value is not None else z3.IntVal(0)
            itself = int(alike(pod, constraint, pod))
            floor = list(others.values()) if enough else [z3.IntVal(0)]
            even = z3.And([here + itself - least <= plain(constraint.max_skew) for least in floor])
            yield _skew_rule(problem, index, constraint, node, z3.And(value is not None, even))


def takes_part(constraint: TopologySpreadConstraint, pod: Pod, node: Node) -> bool:
    """Whether a node's domain counts: affinity is honoured and taints are ignored unless the policies say otherwise."""
    return (constraint.node_affinity_policy == "Ignore" or allowed(pod, node)) and (
        constraint.node_taints_policy != "Honor" or untainted(pod, node)
    )


def alike(owner: Pod, constraint: TopologySpreadConstraint, other: Pod) -> bool:
    """Whether a Pod is one of those to spread: by selector, and alike in the matchLabelKeys the owner has."""
    mine, theirs = owner.metadata.labels, other.metadata.labels
    same = all(theirs.get(key) == mine[key] for key in constraint.match_label_keys if key in mine)
    return same and selects(constraint.label_selector, theirs)


def _others(
    problem: Problem, index: int, constraint: TopologySpreadConstraint, value: str, eligible: list[Node]
) -> Any:
    """Count the others in a domain that are alike; an empty selector counts nobody, Pods being deleted do not count."""
    pod = problem.pods[index]
    narrowed = any(key in pod.metadata.labels for key in constraint.match_label_keys)
    if constraint.label_selector == LabelSelector() and not narrowed:
        return z3.IntVal(0)

    def counts(other: Pod) -> bool:
        same = other.metadata.namespace == pod.metadata.namespace and not other.metadata.terminating
        return same and alike(pod, constraint, other)

    domain = [node for node in eligible if node.metadata.labels[constraint.topology_key] == value]
    there = sum(counts(other) for node in domain for other in problem.on(node))
    pending = [other for other in range(len(problem.pods)) if other != index and counts(problem.pods[other])]
    return plain(there) + z3.Sum([z3.If(problem.at(other, node), 1, 0) for other in pending for node in domain])


def _skew_rule(problem: Problem, index: int, one: TopologySpreadConstraint, node: Node, even: Any) -> Rule:
    who, where = called(problem.pods[index]), name_of(node)
    words = f"{who} cannot go to {where}: Pods would spread over {one.topology_key} with a skew above {one.max_skew}"
    if one.topology_key not in node.metadata.labels:
        words = f"{who} cannot go to {where}: it lacks the label {one.topology_key} to spread over"
    remedy = f"room in a less used {one.topology_key}, a greater maxSkew, or ScheduleAnyway would do"
    return Rule(Reason("spread", (who,), (where,), words, remedy), z3.Implies(problem.at(index, node), even))
