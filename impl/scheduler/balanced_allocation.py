"""NodeResourcesBalancedAllocation: better is a node on which cpu and memory would be used to the same degree.

Upstream: pkg/scheduler/framework/plugins/noderesources/balanced_allocation.go (v1.32).
"""

from __future__ import annotations

from ..api.core import Pod
from .amounts import Amounts, allocatable, in_use, requested
from .framework import MAX_NODE_SCORE, NodeInfo, ScorePlugin, Snapshot

NAME = "NodeResourcesBalancedAllocation"
SCORED = ("cpu", "memory")


def pre_score(_snapshot: Snapshot, pod: Pod, _feasible: tuple[NodeInfo, ...]) -> Amounts:
    """Work out once what the Pod asks for."""
    return requested(pod)


def score(wanted: Amounts, _pod: Pod, info: NodeInfo) -> int:
    """Take off half the distance between the used shares of cpu and memory, in percent."""
    has, used = allocatable(info), in_use(info)
    shares = [min((used.get(name, 0) + wanted.get(name, 0)) / has[name], 1.0) for name in SCORED if has.get(name, 0)]
    deviation = abs((shares[0] - shares[1]) / 2) if len(shares) == len(SCORED) else 0.0
    return int((1 - deviation) * MAX_NODE_SCORE)


SCORE = ScorePlugin(NAME, 1, pre_score, score, alone=True)
