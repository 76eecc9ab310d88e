"""RemoveDuplicates: of one owner's Pods no node keeps more than its share.

Upstream: kubernetes-sigs/descheduler, pkg/framework/plugins/removeduplicates/removeduplicates.go (v0.32).
Pods are duplicates that have the same owners and the same images. A node's share is their number, divided by the nodes
that they may go to and rounded up; whether there is room on those nodes nobody asks.
Left out on purpose: excludeOwnerKinds, namespaces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, product

from ..api.core import Node, Pod
from .evictor import may_land

Owner = tuple[str, str, str, tuple[str, ...]]
"""Namespace, kind and name of an owner, and the images."""


def duplicates(nodes: tuple[Node, ...], pods: Iterable[Pod]) -> Iterator[tuple[Pod, ...]]:
    """Yield whom one look may choose: which of a node's Pods is the first, and stays, is anybody's guess."""
    by_owner: dict[Owner, dict[str, list[Pod]]] = defaultdict(lambda: defaultdict(list))
    names = {node.metadata.name for node in nodes}
    for pod in pods:
        for owner in _owners(pod) if pod.spec.node_name in names else ():
            by_owner[owner][pod.spec.node_name].append(pod)
    choices = [choice for placed in by_owner.values() for choice in _too_many(placed, nodes)]
    for chosen in product(*choices):
        if any(chosen):
            yield tuple(dict.fromkeys(pod for some in chosen for pod in some))


def _owners(pod: Pod) -> Iterator[Owner]:
    images = tuple(sorted(container.image for container in pod.spec.containers))
    yield from ((pod.metadata.namespace, owner.kind, owner.name, images) for owner in pod.metadata.owner_references)


def _too_many(placed: dict[str, list[Pod]], nodes: tuple[Node, ...]) -> Iterator[tuple[tuple[Pod, ...], ...]]:
    """Yield for each node that has more than its share of an owner's Pods the ways to choose the rest."""
    twice = [pod for some in placed.values() if len(some) > 1 for pod in some[1:]]
    targets = _targets(twice, nodes)
    if not targets:
        return
    share = -(-sum(map(len, placed.values())) // len(targets))
    for some in placed.values():
        if len(some) > share:
            yield tuple(combinations(some, len(some) - share))


def _targets(pods: Iterable[Pod], nodes: tuple[Node, ...]) -> set[str]:
    """Return the nodes that duplicates may go to; one that may go to a single node counts for none (getTargetNodes)."""
    found: set[str] = set()
    for pod in pods:
        mine = {node.metadata.name for node in nodes if may_land(pod, node)}
        found |= mine if len(mine) > 1 else set()
    return found
