"""What becomes of all Pods when nodes or whole zones are lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, combinations_with_replacement

from attrs import evolve, frozen

from ...impl.api.well_known import ZONE
from ...properties.placement.counts import Groups
from ...properties.placement.groups import Answer, cells, grouped
from .place import Wanted, solve


@frozen
class Loss:
    """Nodes or zones that are lost, by name, and what then becomes of all Pods."""

    names: tuple[str, ...]
    answer: Answer


def losses(found: Wanted, number: int, *, milliseconds: int = 10_000) -> Iterator[Loss]:
    """Answer for every loss of so many nodes that differs from the others by more than names.

    Pods of the manifests are placed anew; Pods that are on the nodes that are left stay; Pods with a controller that
    were on a lost node come back.
    """
    like = cells(found.groups)
    for choice in combinations_with_replacement(range(len(like)), number):
        if all(choice.count(index) <= like[index].size for index in choice):
            lost = (like[index].nodes[choice[:at].count(index)] for at, index in enumerate(choice))
            names = tuple(node.metadata.name for node in lost)
            yield Loss(names, solve(without(found.groups, names), found.others, milliseconds=milliseconds))


def zone_losses(found: Wanted, number: int, *, milliseconds: int = 10_000) -> Iterator[Loss]:
    """Answer for every loss of so many zones; a node without the label of a zone is in none."""
    zones: dict[str, list[str]] = {}
    for node in found.groups.nodes:
        if zone := node.metadata.labels.get(ZONE):
            zones.setdefault(zone, []).append(node.metadata.name)
    for lost in combinations(sorted(zones), number):
        names = [name for zone in lost for name in zones[zone]]
        yield Loss(lost, solve(without(found.groups, names), found.others, milliseconds=milliseconds))


def without(groups: Groups, names: Iterable[str]) -> Groups:
    """Return the same cluster without some nodes; what ran there and has a controller is to be placed again."""
    lost = set(names)
    homeless = (pod for pod in groups.bound if pod.spec.node_name in lost and pod.metadata.controller is not None)
    freed = (evolve(pod, spec=evolve(pod.spec, node_name="")) for pod in homeless)
    again = grouped(freed, lambda pod: f"{pod.metadata.name} (again)")
    return evolve(
        groups,
        groups=(*groups.groups, *again),
        nodes=tuple(node for node in groups.nodes if node.metadata.name not in lost),
        bound=tuple(pod for pod in groups.bound if pod.spec.node_name not in lost),
    )
