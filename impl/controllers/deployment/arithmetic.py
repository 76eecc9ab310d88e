"""The arithmetic of a rollout: how far above and below the wanted number, and how a size is shared out.

Upstream: pkg/controller/deployment/util/deployment_util.go (v1.32).
Left out on purpose: 32-bit overflow. An absent maxSurge or maxUnavailable is 25%, as the API server would have written.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...api.apps import Deployment, ReplicaSet
from ...api.core import IntOrString
from ...api.values.int_or_percent import scaled_value
from ...api.values.selectors import integer

MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
DEFAULT: IntOrString = "25%"


def resolve_fenceposts(max_surge: IntOrString, max_unavailable: IntOrString, desired: int) -> tuple[int, int]:
    """Return surge (rounded up) and unavailability (rounded down) as numbers; (0, 1) for two zeros."""
    surge = scaled_value(max_surge, desired, round_up=True)
    unavailable = scaled_value(max_unavailable, desired, round_up=False)
    return (0, 1) if surge == 0 and unavailable == 0 else (surge, unavailable)


def is_rolling(deployment: Deployment) -> bool:
    """Tell whether old and new Pods may live side by side; that is the default."""
    return deployment.spec.strategy.type in {"", "RollingUpdate"}


def _fenceposts(deployment: Deployment) -> tuple[IntOrString, IntOrString]:
    rolling = deployment.spec.strategy.rolling_update
    surge = None if rolling is None else rolling.max_surge
    unavailable = None if rolling is None else rolling.max_unavailable
    return DEFAULT if surge is None else surge, DEFAULT if unavailable is None else unavailable


def max_surge(deployment: Deployment) -> int:
    """Return how many Pods there may be beyond the wanted number; 0 for Recreate."""
    if not is_rolling(deployment):
        return 0
    return resolve_fenceposts(*_fenceposts(deployment), deployment.spec.wanted)[0]


def max_unavailable(deployment: Deployment) -> int:
    """Return how many of the wanted Pods may be unavailable; 0 for Recreate, and never more than are wanted."""
    wanted = deployment.spec.wanted
    if not is_rolling(deployment) or wanted == 0:
        return 0
    return min(wanted, resolve_fenceposts(*_fenceposts(deployment), wanted)[1])


def min_available(deployment: Deployment) -> int:
    """Return how many Pods must stay available."""
    return deployment.spec.wanted - max_unavailable(deployment)


def total_replicas(replica_sets: Iterable[ReplicaSet]) -> int:
    """Sum what the ReplicaSets are asked for."""
    return sum(rs.spec.wanted for rs in replica_sets)


def actual_replicas(replica_sets: Iterable[ReplicaSet]) -> int:
    """Sum the Pods the ReplicaSets last counted."""
    return sum(rs.status.replicas for rs in replica_sets)


def available_replicas(replica_sets: Iterable[ReplicaSet]) -> int:
    """Sum the available Pods the ReplicaSets last counted."""
    return sum(rs.status.available_replicas for rs in replica_sets)


def new_rs_replicas(deployment: Deployment, total: int, current: int) -> int:
    """Return the size a new ReplicaSet of `current` may have when all have `total`: it never shrinks here.

    The raw maxSurge counts, not the one corrected by `resolve_fenceposts`: they differ in no surge.
    """
    wanted = deployment.spec.wanted
    if not is_rolling(deployment):
        return wanted
    room = wanted + scaled_value(_fenceposts(deployment)[0], wanted, round_up=True) - total
    return current if room <= 0 else current + min(room, wanted - current)


def proportion(rs: ReplicaSet, deployment: Deployment, to_add: int, added: int) -> int:
    """Return a ReplicaSet's share of `to_add` replicas (negative: to remove), of which `added` are out already."""
    if rs.spec.wanted == 0 or to_add in {0, added}:
        return 0
    share, rest = _fraction(rs, deployment), to_add - added
    return min(share, rest) if to_add > 0 else max(share, rest)


def _fraction(rs: ReplicaSet, deployment: Deployment) -> int:
    """Return by how much a ReplicaSet must grow (negative: shrink) to keep its part of the whole."""
    size, wanted = rs.spec.wanted, deployment.spec.wanted
    if wanted == 0:
        return -size
    before = annotated(rs, MAX_REPLICAS) or deployment.status.replicas
    if before == 0:
        return 0
    return _rounded(size * (wanted + max_surge(deployment)) / before) - size


def _rounded(number: float) -> int:
    """Round half away from zero."""
    return int(number - 0.5) if number < 0 else int(number + 0.5)


def annotated(rs: ReplicaSet, name: str) -> int | None:
    """Read a number in an annotation; None where it is absent or no number."""
    return integer(rs.metadata.annotations.get(name, ""))
