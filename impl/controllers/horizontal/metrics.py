"""How many replicas the usage of a resource asks for: the mean over the Pods that have a say, against the target.

Upstream: pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas, GetRawResourceReplicas) and
metrics/utilization.go (v1.32).
Left out on purpose: metrics of objects and from outside, container by container; the grace periods after which a Pod
that is not ready has a say (who calls says which Pods have none).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from attrs import field, frozen
from immutabledict import immutabledict

TOLERANCE = Fraction(1, 10)
"""--horizontal-pod-autoscaler-tolerance."""
WHOLE = 100


@frozen
class Usage:
    """What is measured of the Pods of a target, in thousandths, by name, and which Pods it is not measured of."""

    used: Mapping[str, int] = field(default=immutabledict(), converter=immutabledict)
    requests: Mapping[str, int] = field(default=immutabledict(), converter=immutabledict)
    """What each Pod asks for, those that are not measured among them."""
    unready: frozenset[str] = frozenset()
    """Not ready, or in their first seconds: they are measured, and it does not count."""
    missing: frozenset[str] = frozenset()


class NoMetrics(Exception):  # noqa: N818 - it says what is the matter
    """Nothing is known of what is used, so nothing is changed."""


def replicas_for(current: int, target: int, usage: Usage, *, share: bool, tolerance: Fraction = TOLERANCE) -> int:
    """Return how many replicas a target asks for: a share of the requests in per cent, or a mean in thousandths.

    Raises `NoMetrics` where no Pod has a say.
    """
    counted = {name: used for name, used in usage.used.items() if name not in usage.unready | usage.missing}
    if not counted:
        raise NoMetrics
    ratio = _ratio(counted, usage.requests, target, share=share)
    waiting = usage.unready if ratio > 1 else frozenset[str]()
    if not waiting and not usage.missing:
        return current if abs(ratio - 1) <= tolerance else ceil(ratio * len(counted))
    if ratio < 1:
        most = max(WHOLE, target)
        assumed = {name: usage.requests[name] * most // WHOLE if share else target for name in usage.missing}
    else:
        assumed = dict.fromkeys(usage.missing if ratio > 1 else (), 0)
    everyone = {**counted, **assumed, **dict.fromkeys(waiting, 0)}
    again = _ratio(everyone, usage.requests, target, share=share)
    if abs(again - 1) <= tolerance or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    wanted = ceil(again * len(everyone))
    return current if (again < 1 and wanted > current) or (again > 1 and wanted < current) else wanted


def _ratio(used: Mapping[str, int], requests: Mapping[str, int], target: int, *, share: bool) -> Fraction:
    """Return what is used against what should be; a share in whole per cent, as it is shown."""
    total = sum(used.values())
    if not share:
        return Fraction(total // len(used), target)
    asked = sum(requests[name] for name in used)
    if not asked:
        raise NoMetrics
    return Fraction(total * WHOLE // asked, target)
