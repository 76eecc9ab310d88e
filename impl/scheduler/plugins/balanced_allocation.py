"""NodeResourcesBalancedAllocation: better is a node on which cpu and memory would be used to the same degree.

Upstream: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go (v1.32).
"""

from __future__ import annotations

import math
from functools import partial

from ...api.core import Pod
from ..amounts import Amounts, allocatable, in_use, requested
from ..framework import MAX_NODE_SCORE, NodeInfo, ScorePlugin, Snapshot

NAME = "NodeResourcesBalancedAllocation"
SCORED = ("cpu", "memory")


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Amounts:
    """Work out once what the Pod asks for."""
    return requested(pod)


def score(wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Take off half the distance between the used shares of cpu and memory, in percent."""
    return _score(SCORED, wanted, _pod, info)


def _score(resources: tuple[str, ...], wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Take off the standard deviation of the used shares; extended resources that are not asked for do not count."""
    has, used = allocatable(info), in_use(info)
    counted = [name for name in resources if has.get(name, 0) and ("/" not in name or wanted.get(name, 0))]
    shares = [min((used.get(name, 0) + wanted.get(name, 0)) / has[name], 1.0) for name in counted]
    return int((1 - _deviation(shares)) * MAX_NODE_SCORE)


def _deviation(shares: list[float]) -> float:
    if len(shares) == 2:
        return abs((shares[0] - shares[1]) / 2)
    if len(shares) < 2:
        return 0.0
    mean = sum(shares) / len(shares)
    return math.sqrt(sum((share - mean) ** 2 for share in shares) / len(shares))


def score_with(resources: tuple[str, ...], weight: int) -> ScorePlugin[Amounts]:
    """Give the plugin that balances these resources."""
    if resources == SCORED:
        return ScorePlugin(NAME, weight, pre_score, score, alone=True)
    return ScorePlugin(NAME, weight, pre_score, partial(_score, resources), alone=True)


SCORE = ScorePlugin(NAME, 1, pre_score, score, alone=True)
