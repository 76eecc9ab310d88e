"""NodeResourcesFit's strategies to rank nodes by use of any resources: the emptier, the fuller, or by a shape.

Upstream: pkg/scheduler/framework/plugins/noderesources/{least_allocated,most_allocated,requested_to_capacity_ratio}.go,
resource_allocation.go and plugins/helper/shape_score.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen

from ...api.core import Pod
from ..amounts import Amounts, allocatable, in_use, presumed_in_use
from ..framework import MAX_NODE_SCORE, NodeInfo, ScorePlugin
from .node_resources_fit import NAME, SCORE, pre_score

PRESUMED = ("cpu", "memory")
FULL = 100
Point = tuple[int, int]
"""A utilization in percent and the score for it, 0 to 10."""


@frozen
class ScoringStrategy:
    """How nodes are ranked, by which resources with which weights, and the shape of RequestedToCapacityRatio."""

    type: str = "LeastAllocated"
    resources: tuple[tuple[str, int], ...] = (("cpu", 1), ("memory", 1))
    shape: tuple[Point, ...] = ()


def score_with(strategy: ScoringStrategy, weight: int) -> ScorePlugin[Amounts]:
    """Return the plugin that ranks by a strategy."""
    if strategy == ScoringStrategy():
        return ScorePlugin(NAME, weight, SCORE.pre_score, SCORE.score, alone=True)
    return ScorePlugin(NAME, weight, pre_score, partial(_score, strategy), alone=True)


def _score(strategy: ScoringStrategy, wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Average what each resource says, by weight; what the node has not, or is extended and not asked for, is out."""
    has, used, presumed = allocatable(info), in_use(info), presumed_in_use(info)
    total = weights = 0
    for name, weight in strategy.resources:
        asked = wanted.get(name, 0)
        if not has.get(name, 0) or ("/" in name and not asked):
            continue
        there = (presumed if name in PRESUMED else used).get(name, 0)
        points = _by_type(strategy)(there + asked, has[name])
        if strategy.type == "RequestedToCapacityRatio" and points <= 0:
            continue
        total += points * weight
        weights += weight
    if not weights:
        return 0
    return round_half_up(total, weights) if strategy.type == "RequestedToCapacityRatio" else total // weights


def round_half_up(total: int, weights: int) -> int:
    """Divide, rounding halves up as Go's math.Round does with what is not negative."""
    return (2 * total + weights) // (2 * weights)


def _by_type(strategy: ScoringStrategy) -> Callable[[int, int], int]:
    ways: dict[str, Callable[[int, int], int]] = {"LeastAllocated": _least, "MostAllocated": _most}
    return ways.get(strategy.type, partial(_shaped, strategy.shape))


def _least(used: int, has: int) -> int:
    return 0 if used > has else (has - used) * MAX_NODE_SCORE // has


def _most(used: int, has: int) -> int:
    return min(used, has) * MAX_NODE_SCORE // has


def _shaped(shape: tuple[Point, ...], used: int, has: int) -> int:
    """Read the score from straight lines between the points; a shape's 10 is a full score."""
    utilization = FULL if used > has else used * FULL // has
    points = [(at, score * MAX_NODE_SCORE // 10) for at, score in shape]
    for number, (at, score) in enumerate(points):
        if utilization <= at:
            if number == 0:
                return score
            before, below = points[number - 1]
            return below + int((score - below) * (utilization - before) / (at - before))
    return points[-1][1]
