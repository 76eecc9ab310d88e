"""A Deployment that was resized, or is paused: sizes follow without a rollout.

Upstream: pkg/controller/deployment/sync.go, sync, scale and isScalingEvent (v1.32).
"""

from __future__ import annotations

from ...api.apps import Deployment, ReplicaSet
from ...api.cache import Cache
from .arithmetic import annotated, is_rolling, max_surge, proportion, total_replicas
from .revisions import Abandoned, Generations, cleanup, generations
from .status import sync_status
from .turn import DESIRED_REPLICAS, Turn, active, by_age


def resize(cache: Cache, turn: Turn, replica_sets: tuple[ReplicaSet, ...]) -> Turn:
    """Scale what there is to the wanted size; a paused Deployment's history is tidied, too."""
    found = generations(cache, turn, replica_sets, create=False)
    if isinstance(found, Abandoned):
        return found.turn
    turn, sets = found
    turn = _scale(turn, sets)
    if turn.deployment.spec.paused:
        turn = cleanup(turn, sets.old)
    return sync_status(turn, sets)


def is_scaling_event(deployment: Deployment, sets: Generations) -> bool:
    """Tell whether a ReplicaSet with Pods was sized for another size of the Deployment."""
    sizes = [annotated(rs, DESIRED_REPLICAS) for rs in active(sets.all)]
    return any(size is not None and size != deployment.spec.wanted for size in sizes)


def _scale(turn: Turn, sets: Generations) -> Turn:
    """Return the only active ReplicaSet the whole size; shut old ones behind a saturated new one; else share out."""
    only = _active_or_latest(sets)
    if only is not None:
        size = turn.deployment.spec.wanted
        return turn if only.spec.wanted == size else _resized(turn, ((only, size),))
    if sets.new is not None and _saturated(turn.deployment, sets.new):
        return _resized(turn, tuple((rs, 0) for rs in active(sets.old)))
    if is_rolling(turn.deployment):
        return _resized(turn, _shares(turn.deployment, active(sets.all)))
    return turn


def _active_or_latest(sets: Generations) -> ReplicaSet | None:
    """Return the one ReplicaSet that has Pods; where none has, the new or youngest one; None where several have."""
    running = active(sets.all)
    if len(running) == 1:
        return running[0]
    if running:
        return None
    return sets.new if sets.new is not None else next(reversed(by_age(sets.old)), None)


def _saturated(deployment: Deployment, rs: ReplicaSet) -> bool:
    """Tell whether a ReplicaSet has, was sized for, and has available all that the Deployment wants."""
    wanted = deployment.spec.wanted
    return wanted == rs.spec.wanted == annotated(rs, DESIRED_REPLICAS) == rs.status.available_replicas


def _resized(turn: Turn, sizes: tuple[tuple[ReplicaSet, int], ...]) -> Turn:
    """Return the turn that has sized some ReplicaSets, in this order."""
    for rs, size in sizes:
        turn, _ = turn.scaled(rs, size)
    return turn


def _shares(deployment: Deployment, running: tuple[ReplicaSet, ...]) -> tuple[tuple[ReplicaSet, int], ...]:
    """Share the change out in proportion to size, largest first; what rounding leaves goes to the largest.

    Of equally large ones the younger comes first when growing, the older when shrinking.
    """
    wanted = deployment.spec.wanted
    to_add = (wanted + max_surge(deployment) if wanted > 0 else 0) - total_replicas(running)
    order = by_age(running) if to_add <= 0 else tuple(reversed(by_age(running)))
    if to_add != 0:
        order = tuple(sorted(order, key=lambda rs: -rs.spec.wanted))
    sizes: list[int] = []
    added = 0
    for rs in order:
        part = proportion(rs, deployment, to_add, added)
        added += part
        sizes.append(rs.spec.wanted + part)
    if to_add != 0 and sizes:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return tuple(zip(order, sizes, strict=True))
