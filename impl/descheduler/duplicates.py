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
from .evictor import Pick, may_land

Owner = tuple[str, str, str, tuple[str, ...]]
"""Namespace, kind and name of an owner, and the images."""


def duplicates(nodes: tuple[Node, ...], pods: Iterable[Pod]) -> Iterator[tuple[Pick, ...]]:
    """Yield whom one look may choose: which of a node's Pods is the first, and stays, is anybody's guess.

    One look says so for all nodes; where a Pod has two owners, what is chosen of one decides about the other, too.
    """
    by_owner: dict[Owner, dict[str, list[Pod]]] = defaultdict(lambda: defaultdict(list))
    names = {node.metadata.name for node in nodes}
    for pod in pods:
        for owner in _owners(pod) if pod.spec.node_name in names else ():
            by_owner[owner][pod.spec.node_name].append(pod)
    picks = tuple(pick for placed in by_owner.values() for pick in _too_many(placed, nodes))
    some = [pod for pick in picks for pod in pick.pods]
    if len(set(some)) == len(some):
        yield picks
        return
    for chosen in product(*(combinations(pick.pods, pick.count) for pick in picks)):
        gone = tuple(dict.fromkeys(pod for pods in chosen for pod in pods))
        yield (Pick(gone, len(gone)),)


def _owners(pod: Pod) -> Iterator[Owner]:
    images = tuple(sorted(container.image for container in pod.spec.containers))
    yield from ((pod.metadata.namespace, owner.kind, owner.name, images) for owner in pod.metadata.owner_references)


def _too_many(placed: dict[str, list[Pod]], nodes: tuple[Node, ...]) -> Iterator[Pick]:
    """Yield for each node that has more than its share of an owner's Pods how many go."""
    twice = [pod for some in placed.values() if len(some) > 1 for pod in some[1:]]
    targets = _targets(twice, nodes)
    if not targets:
        return
    share = -(-sum(map(len, placed.values())) // len(targets))
    for some in placed.values():
        if len(some) > share:
            yield Pick(tuple(some), len(some) - share)


def _targets(pods: Iterable[Pod], nodes: tuple[Node, ...]) -> set[str]:
    """Return the nodes that duplicates may go to; one that may go to a single node counts for none (getTargetNodes)."""
    found: set[str] = set()
    for pod in pods:
        mine = {node.metadata.name for node in nodes if may_land(pod, node)}
        found |= mine if len(mine) > 1 else set()
    return found
