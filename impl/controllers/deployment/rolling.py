"""RollingUpdate and Recreate: who grows and who shrinks next.

Upstream: pkg/controller/deployment/rolling.go and recreate.go (v1.32).
The status that ends a sync is counted over the ReplicaSets as they were read, whatever size the sync has given them.
"""

from __future__ import annotations

from ...api.apps import ReplicaSet
from ...api.cache import Cache
from ...api.core import Pod
from ...api.values.selectors import selects
from .arithmetic import actual_replicas, available_replicas, min_available, new_rs_replicas, total_replicas
from .revisions import Abandoned, Generations, cleanup, generations
from .status import complete, sync_rollout_status
from .turn import Turn, active, by_age


def rollout_rolling(cache: Cache, turn: Turn, replica_sets: tuple[ReplicaSet, ...]) -> Turn:
    """Grow the new ReplicaSet if there is room; else shrink the old ones if enough are available; else tidy up."""
    found = generations(cache, turn, replica_sets, create=True)
    if isinstance(found, Abandoned):
        return found.turn
    turn, sets = found
    wanted, size = turn.deployment.spec.wanted, sets.made.spec.wanted
    goal = min(wanted, size) if size >= wanted else new_rs_replicas(turn.deployment, total_replicas(sets.all), size)
    if goal != size:
        return sync_rollout_status(turn.scaled(sets.made, goal)[0], sets)
    shrunk = _shrink_old(turn, sets)
    if isinstance(shrunk, Abandoned):
        return shrunk.turn
    if shrunk is not None:
        return sync_rollout_status(shrunk, sets)
    if complete(turn.deployment, turn.deployment.status):
        turn = cleanup(turn, sets.old)
    return sync_rollout_status(turn, sets)


def _shrink_old(turn: Turn, sets: Generations) -> Turn | Abandoned | None:
    """Take replicas from old ReplicaSets: unavailable ones first, then what availability leaves; None if none goes."""
    unavailable = sets.made.spec.wanted - sets.made.status.available_replicas
    allowed = total_replicas(sets.all) - min_available(turn.deployment) - unavailable
    if total_replicas(sets.old) == 0 or allowed <= 0:
        return None
    before = turn
    cleaned = _cleanup_unhealthy(turn, by_age(active(sets.old)), allowed)
    if isinstance(cleaned, Abandoned):
        return cleaned
    turn = _scale_down_available(*cleaned, sets.made)
    return None if turn == before else turn


def _cleanup_unhealthy(
    turn: Turn, old: tuple[ReplicaSet, ...], most: int
) -> tuple[Turn, tuple[ReplicaSet, ...]] | Abandoned:
    """Take up to `most` replicas that are not available, from the oldest ReplicaSets first.

    A ReplicaSet that reports more available Pods than it is asked for has an old status: the turn is abandoned.
    """
    after: list[ReplicaSet] = []
    for rs in old:
        fewer = min(most, rs.spec.wanted - rs.status.available_replicas) if most else 0
        if fewer < 0:
            return Abandoned(turn)
        most -= fewer
        changed = rs
        if fewer:
            turn, changed = turn.scaled(rs, rs.spec.wanted - fewer)
        after.append(changed)
    return turn, tuple(after)


def _scale_down_available(turn: Turn, old: tuple[ReplicaSet, ...], new: ReplicaSet) -> Turn:
    """Take as many replicas as are available beyond the least number, from the oldest ReplicaSets first."""
    spare = max(0, available_replicas((*old, new)) - min_available(turn.deployment))
    for rs in old:
        fewer = min(spare, rs.spec.wanted)
        spare -= fewer
        if fewer:
            turn, _ = turn.scaled(rs, rs.spec.wanted - fewer)
    return turn


def rollout_recreate(cache: Cache, turn: Turn, replica_sets: tuple[ReplicaSet, ...]) -> Turn:
    """Bring the old ReplicaSets to 0, wait until their Pods are gone, only then make and grow the new one."""
    found = generations(cache, turn, replica_sets, create=False)
    if isinstance(found, Abandoned):
        return found.turn
    turn, sets = found
    if active(sets.old):
        for rs in active(sets.old):
            turn, _ = turn.scaled(rs, 0)
        return sync_rollout_status(turn, sets)
    if _old_pods_running(cache, turn, sets):
        return sync_rollout_status(turn, sets)
    if sets.new is None:
        found = generations(cache, turn, replica_sets, create=True)
        if isinstance(found, Abandoned):
            return found.turn
        turn, sets = found
    if sets.made.spec.wanted != turn.deployment.spec.wanted:
        turn, _ = turn.scaled(sets.made, turn.deployment.spec.wanted)
    if complete(turn.deployment, turn.deployment.status):
        turn = cleanup(turn, sets.old)
    return sync_rollout_status(turn, sets)


def _old_pods_running(cache: Cache, turn: Turn, sets: Generations) -> bool:
    """Tell whether an old ReplicaSet still counts Pods or has one, terminating or not, whose phase is not final."""
    if actual_replicas(sets.old) > 0:
        return True
    selector, uids = turn.deployment.spec.selector, {rs.metadata.uid for rs in sets.old}
    return any(
        pod.status.phase not in {"Failed", "Succeeded", "Unknown"}
        for pod in cache.list(Pod, turn.deployment.metadata.namespace)
        if (controller := pod.metadata.controller) is not None
        and controller.uid in uids
        and selects(selector, pod.metadata.labels)
    )
