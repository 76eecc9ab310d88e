"""A placement problem: Pods to place, nodes, Pods already there; and its rules as formulas with reasons.

Written against the Kubernetes documentation (Assigning Pods to Nodes, Taints and Tolerations, Pod Topology Spread
Constraints), not against our scheduler: tests hold the two wordings against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import z3
from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.values.frozen import Strings, strings

NO_NAMESPACES: immutabledict[str, Strings] = immutabledict()
NO_STORAGE = Cache()


@frozen
class Reason:
    """One thing that stands in the way: what kind of rule, which Pods and nodes, what is so and what would help."""

    kind: str
    pods: tuple[str, ...]
    nodes: tuple[str, ...]
    words: str
    remedy: str
    resource: str = ""
    """What there is too little room for, if that is the reason."""

    def __str__(self) -> str:
        return f"{self.words}; {self.remedy}"


@frozen(eq=False)
class Rule:
    """A formula over `Problem.at` and `Problem.rank` that a placement must satisfy, and the reason to give if not."""

    reason: Reason
    formula: Any


def plain(number: Any) -> Any:
    """Return a number as z3 takes it: where the rules are run on symbolic values (`symbolic`), its term."""
    return getattr(number, "term", number)


def called(pod: Pod) -> str:
    """Name a Pod in a report."""
    namespace = pod.metadata.namespace
    return pod.metadata.name if namespace in {"", "default"} else f"{namespace}/{pod.metadata.name}"


def name_of(node: Node) -> str:
    """Name a node in a report."""
    return node.metadata.name


@frozen
class Problem:
    """`pods` want a place; `bound` have one among `nodes` (others do not matter); `namespaces` gives labels by name.

    `storage` has the claims, volumes, storage classes and CSINodes.
    """

    pods: tuple[Pod, ...]
    nodes: tuple[Node, ...]
    bound: tuple[Pod, ...]
    namespaces: Mapping[str, Strings] = NO_NAMESPACES
    storage: Cache = NO_STORAGE

    def on(self, node: Node) -> Iterable[Pod]:
        """Return the Pods that already hold a part of a node: finished ones hold none."""
        return (pod for pod in self.bound if pod.spec.node_name == name_of(node) and not pod.finished)

    def at(self, pod: int, node: Node) -> Any:
        """Say, as a formula, that a Pod (by its place in `pods`) is put on a node."""
        return z3.Bool(f"{pod} at {name_of(node)}")

    def rank(self, pod: int) -> Any:
        """Say when, among the others, a Pod is placed: only affinity depends on it."""
        return z3.Int(f"rank of {pod}")

    def peers(self, node: Node, key: str) -> tuple[Node, ...]:
        """Return the nodes that share a node's value of a topology key; none if it has no such label."""
        value = node.metadata.labels.get(key)
        return tuple(other for other in self.nodes if value is not None and other.metadata.labels.get(key) == value)

    def namespace_labels(self, namespace: str) -> Strings:
        """Return a namespace's labels."""
        return self.namespaces.get(namespace, strings())
