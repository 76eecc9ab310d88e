"""On how few nodes of a pool all Pods have a place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

from attrs import evolve, frozen

from ...impl.api.core import Node, Pod
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.values.quantity import QuantityError, parse_quantity
from ...impl.api.well_known import HOSTNAME
from ...properties.placement.counts import Groups
from ...properties.placement.cpsat import installed
from ...properties.placement.groups import Fits, Misfit, Undecided, contradiction
from ...properties.placement.optimum import fewest_of
from ...properties.placement.packing import Stuck, pack
from ...properties.placement.problem import name_of
from ...properties.placement.volumes import undecided
from ..input.plain_nodes import plain_nodes
from .place import Wanted, solve


@frozen
class Smallest:
    """How many nodes of each pool are enough, and whether fewer nodes are proved to be too few."""

    counts: dict[str, int]
    proved: bool
    fits: Fits


def smallest(found: Wanted, pools: dict[str, Node], *, milliseconds: int = 10_000) -> Smallest | Misfit | Undecided:
    """Find the least number of nodes of the pools, beside the nodes there are, on which all Pods have a place."""
    most = sum(group.count for group in found.groups.groups)
    ample = _grown(found.groups, pools, dict.fromkeys(pools, most))
    impossible = contradiction(ample, milliseconds=milliseconds)
    if isinstance(impossible, Misfit):
        return impossible
    if installed() and (found_one := _optimised(found, pools, most, milliseconds)) is not None:
        return found_one
    proved = True
    for total in range(most + 1):
        for counts in _shares(tuple(pools), total):
            answer = solve(_grown(found.groups, pools, counts), found.others, milliseconds=milliseconds)
            if isinstance(answer, Fits):
                return Smallest(counts, proved, answer)
            proved = proved and isinstance(answer, Misfit)
    return Undecided()


def _optimised(found: Wanted, pools: dict[str, Node], most: int, milliseconds: int) -> Smallest | None:
    """Let CP-SAT find the least number; None where it cannot be asked or its answer is not reached by scheduling.

    A number that is enough comes first, from the scheduler, so that the model is no larger than it must be. Where Pods
    have to spread, what scheduling reaches may not satisfy the rules as they stand in the end: CP-SAT is not asked.
    """
    pods = [group.pod for group in found.groups.groups]
    if any(_spreads(pod) for pod in pods) or undecided(((pod, 1) for pod in pods), (), found.groups.storage):
        return None
    enough = 1
    while enough < most and isinstance(pack(_grown(found.groups, pools, dict.fromkeys(pools, enough))), Stuck):
        enough *= 2
    ample = _grown(found.groups, pools, dict.fromkeys(pools, min(enough, most)))
    names = [name_of(node) for node in ample.nodes[len(found.groups.nodes) :]]
    answer = fewest_of(names, ample, seconds=milliseconds / 1000)
    if answer is None:
        return None
    counts = {
        name: sum(node in names and node.rpartition("-")[0] == name for node in answer.fits.nodes) for name in pools
    }
    fits = solve(_grown(found.groups, pools, counts), found.others, milliseconds=milliseconds)
    return Smallest(counts, answer.best, fits) if isinstance(fits, Fits) else None


def _spreads(pod: Pod) -> bool:
    return any(constraint.when_unsatisfiable == "DoNotSchedule" for constraint in pod.spec.topology_spread_constraints)


def _shares(names: tuple[str, ...], total: int) -> Iterator[dict[str, int]]:
    for choice in combinations_with_replacement(names, total) if len(names) > 1 else [names * total]:
        yield {name: choice.count(name) for name in names}


def _grown(groups: Groups, pools: dict[str, Node], counts: dict[str, int]) -> Groups:
    more = (_numbered(pools[name], f"{name}-{number}") for name in pools for number in range(1, counts[name] + 1))
    return evolve(groups, nodes=(*groups.nodes, *more))


def _numbered(node: Node, name: str) -> Node:
    labels = node.metadata.labels.set(HOSTNAME, name)
    return evolve(node, metadata=evolve(node.metadata, name=name, labels=labels))


def pool(text: str) -> tuple[str, Node]:
    """Read a pool: m5.large=cpu:2,memory:8Gi; what is not said of Pods is 110. Raises BadInput."""
    name, equals, rest = text.partition("=")
    sizes = dict(part.partition(":")[::2] for part in rest.split(","))
    if not name or not equals or not all(sizes.values()):
        raise _bad_pool(f"expected NAME=cpu:2,memory:8Gi, got {text!r}")
    try:
        resources = {key: parse_quantity(value) for key, value in {"pods": "110", **sizes}.items()}
    except QuantityError as error:
        raise _bad_pool(str(error)) from None
    (node,) = plain_nodes(1)
    room = type(node.status.allocatable)(sorted(resources.items()))
    return name, evolve(node, status=evolve(node.status, capacity=room, allocatable=room))


def _bad_pool(message: str) -> BadInput:
    return BadInput((Problem("--pool", 0, "", message),))
