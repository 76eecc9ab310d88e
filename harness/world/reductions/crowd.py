"""Which nodes a scheduler may choose where other islands' Pods, of which only their weight is known, move its scores.

Of the plugins that score, two look at Pods to which a Pod has no relation: NodeResourcesFit (the emptier, the better)
and NodeResourcesBalancedAllocation, and neither is normalised; all others say the same whatever a crowd does. The first
falls with every amount in use, the second with half the distance of the shares of cpu and memory, or since 1.36 with
how much the Pod adds to that distance. So a node's score is within bounds that hold whatever part of the crowd is
there, and it may be chosen if at its best it is no worse than every other node at its worst. That the crowd cannot be
everywhere at once is not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ....impl.api.core import Pod
from ....impl.api.releases import Change, Release
from ....impl.scheduler.amounts import allocatable, in_use, presumed, presumed_in_use, requested
from ....impl.scheduler.framework import MAX_NODE_SCORE, NodeInfo, Snapshot
from ....impl.scheduler.plugins import balanced_allocation, node_resources_fit
from ....impl.scheduler.schedule import Decision
from ...input.scenario import Crowd

MOVED = (node_resources_fit.NAME, balanced_allocation.NAME)
SCORED = ("cpu", "memory")

Range = tuple[int, int]


def choosable(
    pod: Pod, snapshot: Snapshot, decision: Decision, crowd: Crowd, release: Release, *, scores: bool
) -> tuple[str, ...]:
    """Return the nodes a Pod may be bound to: the best for some part of the crowd; any where scores are left open."""
    if not scores or crowd.fills:
        return decision.feasible
    if not crowd.presumed or len(decision.feasible) < 2:
        return decision.best
    infos = {info.name: info for info in snapshot.nodes}
    ranges = {name: _range(pod, infos[name], decision.scores[name], crowd, release) for name in decision.feasible}
    worst = max(low for low, _ in ranges.values())
    return tuple(name for name, (_, high) in ranges.items() if high >= worst)


def _range(pod: Pod, info: NodeInfo, given: Mapping[str, int], crowd: Crowd, release: Release) -> Range:
    """Return the lowest and the highest total score of a node."""
    fixed = sum(score for plugin, score in given.items() if plugin not in MOVED)
    room, way = free(pod, info, crowd), gain if Change.BALANCE_GAINED in release else balance
    even = way(pod, info, crowd) if balanced_allocation.NAME in given else (0, 0)
    return fixed + room[0] + even[0], fixed + room[1] + even[1]


def free(pod: Pod, info: NodeInfo, crowd: Crowd) -> Range:
    """Return the lowest and the highest score for what is left: beside all of a crowd, and beside none."""
    has, used, wanted = allocatable(info), presumed_in_use(info), presumed(pod)
    counted = [name for name in SCORED if has.get(name, 0)]
    if not counted:
        return 0, 0
    there = {name: used.get(name, 0) + wanted.get(name, 0) for name in counted}
    left = {name: max(0, has[name] - there[name]) for name in counted}
    least = {name: max(0, left[name] - crowd.presumed.get(name, 0)) for name in counted}
    low, high = (sum(amounts[name] * MAX_NODE_SCORE // has[name] for name in counted) for amounts in (least, left))
    return low // len(counted), high // len(counted)


def balance(pod: Pod, info: NodeInfo, crowd: Crowd) -> Range:
    """Return the lowest and the highest score for shares of cpu and memory that are alike, beside some of a crowd."""
    has, used, wanted = allocatable(info), in_use(info), requested(pod)
    shares = []
    for name in (resource for resource in SCORED if has.get(resource, 0)):
        there = used.get(name, 0) + wanted.get(name, 0)
        shares.append((min(there / has[name], 1.0), min((there + crowd.requested.get(name, 0)) / has[name], 1.0)))
    if len(shares) < len(SCORED):
        return MAX_NODE_SCORE, MAX_NODE_SCORE
    (least, most), (low, high) = shares
    far = max(most - low, high - least)
    near = max(0.0, low - most, least - high)
    return int((1 - far / 2) * MAX_NODE_SCORE), int((1 - near / 2) * MAX_NODE_SCORE)


def gain(pod: Pod, info: NodeInfo, crowd: Crowd) -> Range:
    """Return the lowest and the highest score for how much more alike a Pod makes shares, beside some of a crowd.

    Without the Pod the shares differ by some d, with it by d + f, and a crowd changes nothing but d: the score is
    half of |d| - |d + f|, which only rises or only falls with d. So its ends are where the crowd uses all it can of one
    resource and nothing of the other. It never uses so much that the Pod has no room, and a share beyond 1 counts as 1.
    The two balances are cut to whole numbers, each by less than 1.
    """
    has, used, wanted = allocatable(info), in_use(info), requested(pod)
    if not all(has.get(name, 0) for name in SCORED):
        return UNCHANGED, UNCHANGED
    without = [min(used.get(name, 0) / has[name], 1.0) for name in SCORED]
    beside = [min((used.get(name, 0) + wanted.get(name, 0)) / has[name], 1.0) for name in SCORED]
    most = [min(crowd.requested.get(name, 0) / has[name], 1.0 - now) for name, now in zip(SCORED, beside, strict=True)]
    ends = [
        (abs(without[0] - without[1] + d) - abs(beside[0] - beside[1] + d)) / 2 * MAX_NODE_SCORE
        for d in (most[0], -most[1])
    ]
    low, high = (UNCHANGED + math.floor(end / 2) for end in (min(ends), max(ends)))
    return low - 1, high + 1


UNCHANGED = 75
"""The score of a Pod that changes nothing of a node's balance, since 1.36."""
