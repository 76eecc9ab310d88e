"""NodeResourcesBalancedAllocation: better is a node on which cpu and memory would be used to the same degree.

Upstream: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go (v1.32, v1.36). Up to 1.35 the score is
how balanced the node would be with the Pod; since 1.36 it is how much more balanced than without it.
"""

from __future__ import annotations

import math
from functools import cache, partial

from ...api.core import Pod
from ...api.releases import Change, Release
from ..amounts import Amounts, allocatable, in_use, requested
from ..framework import MAX_NODE_SCORE, NodeInfo, ScorePlugin, Snapshot

NAME = "NodeResourcesBalancedAllocation"
SCORED = ("cpu", "memory")
HALF = MAX_NODE_SCORE // 2
"""The least that the balance of a node can be: no deviation of shares is more than one half."""


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Amounts:
    """Work out once what the Pod asks for."""
    return requested(pod)


def pre_score_asking(resources: tuple[str, ...], _snapshot: Snapshot, pod: Pod, _feasible: object) -> Amounts | None:
    """Work out what the Pod asks for; of these resources nothing: no node is better than another."""
    wanted = requested(pod)
    return wanted if any(wanted.get(name, 0) for name in resources) else None


def score(resources: tuple[str, ...], wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Return the balance of a node with the Pod on it."""
    return _balance(resources, wanted, wanted, info)


def score_gain(resources: tuple[str, ...], wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Return by how much a Pod improves the balance of a node: 75 where it changes nothing."""
    gained = _balance(resources, wanted, wanted, info) - _balance(resources, wanted, Amounts(), info)
    return HALF + (HALF + gained) // 2


def _balance(resources: tuple[str, ...], wanted: Amounts, more: Amounts, info: NodeInfo) -> int:
    """Take off the standard deviation of the used shares; extended resources that are not asked for do not count."""
    has, used = allocatable(info), in_use(info)
    counted = [name for name in resources if has.get(name, 0) and ("/" not in name or wanted.get(name, 0))]
    shares = [min((used.get(name, 0) + more.get(name, 0)) / has[name], 1.0) for name in counted]
    return int((1 - _deviation(shares)) * MAX_NODE_SCORE)


def _deviation(shares: list[float]) -> float:
    if len(shares) == 2:
        return abs((shares[0] - shares[1]) / 2)
    if len(shares) < 2:
        return 0.0
    mean = sum(shares) / len(shares)
    return math.sqrt(sum((share - mean) ** 2 for share in shares) / len(shares))


@cache
def score_with(release: Release, resources: tuple[str, ...], weight: int) -> ScorePlugin[Amounts]:
    """Return a release's plugin that balances these resources; the same value each time."""
    ranked = partial(pre_score_asking, resources) if Change.BEST_EFFORT_UNRANKED in release else pre_score
    way = score_gain if Change.BALANCE_GAINED in release else score
    return ScorePlugin(NAME, weight, ranked, partial(way, resources), alone=True)
