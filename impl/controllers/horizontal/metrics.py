"""How many replicas a metric asks for: the mean over the Pods that have a say, or a total from outside, by the target.

Upstream: pkg/controller/podautoscaler/replica_calculator.go (GetResourceReplicas, GetRawResourceReplicas,
GetExternalMetricReplicas, GetExternalPerPodMetricReplicas) and metrics/utilization.go (v1.32); tolerances of an
autoscaler by itself: KEP-4951.
Left out on purpose: metrics container by container; requests of Pods as a whole; the grace periods after which a Pod
that is not ready has a say (who calls says which Pods have none).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from attrs import field, frozen
from immutabledict import immutabledict

from ...api.core import Container, PodSpec
from ...api.values.quantity import parse_quantity

WHOLE = 100
MEASURES = "kubeproof/measures"
"""The annotation of an autoscaler that says what is measured beside its Pods, by name: `queue=30, lag=5`."""


def measures(annotations: Mapping[str, str]) -> dict[str, int]:
    """Return what an autoscaler's annotations say is measured beside its Pods, in thousandths, by name of the metric.

    Raises `QuantityError` for an amount that is none.
    """
    said = (pair.partition("=") for pair in annotations.get(MEASURES, "").split(",") if pair.strip())
    return {name.strip(): parse_quantity(amount.strip()).milli_value() for name, _, amount in said}


@frozen
class Tolerance:
    """How far what is used may be from the target, as a share of it, before anything is done: upwards and downwards."""

    up: Fraction = Fraction(1, 10)
    down: Fraction = Fraction(1, 10)

    def covers(self, ratio: Fraction) -> bool:
        """Tell whether a ratio of what is used to the target is near enough."""
        return 1 - self.down <= ratio <= 1 + self.up


USUAL = Tolerance()
"""--horizontal-pod-autoscaler-tolerance."""


@frozen
class Usage:
    """What is measured of the Pods of a target, in thousandths, by name, and which Pods it is not measured of."""

    used: Mapping[str, int] = field(default=immutabledict(), converter=immutabledict)
    requests: Mapping[str, int] = field(default=immutabledict(), converter=immutabledict)
    """What each Pod asks for, those that are not measured among them; not one of which a container asks for nothing."""
    unready: frozenset[str] = frozenset()
    """Not ready, or in their first seconds: they are measured, and it does not count."""
    missing: frozenset[str] = frozenset()


@frozen
class Total:
    """What is measured beside the Pods (a queue, say), in thousandths, and how many replicas are counted meanwhile."""

    value: int
    counted: int
    """status.replicas of the target: of a Deployment those of a surge, too."""
    ready: int
    """The Pods of the target that run and are ready."""


class NoMetrics(Exception):  # noqa: N818 - it says what is the matter
    """Nothing is known of what is used, so nothing is changed."""


def asked(spec: PodSpec, resource: str) -> int | None:
    """Return what the containers of a Pod ask for together, in thousandths; None where one of them asks for nothing.

    Then nobody can say of which whole its use is a share ("missing request for cpu in container app of Pod web-1",
    calculatePodRequests), and no share of any Pod of the target counts. Limits count as requests, as they are stored.
    """
    if resting(spec, resource):
        return None
    return sum(_asks(container, resource) or 0 for container in (*spec.containers, *spec.sidecars))


def resting(spec: PodSpec, resource: str, name: str = "") -> tuple[str, ...]:
    """Name the containers of a Pod that ask for nothing of a resource: of all that run on, or of one by its name."""
    running = (*spec.containers, *spec.sidecars)
    return tuple(
        container.name for container in running if name in {"", container.name} and _asks(container, resource) is None
    )


def _asks(container: Container, resource: str) -> int | None:
    said = {**container.resources.limits, **container.resources.requests}.get(resource)
    return None if said is None else said.milli_value()


def replicas_for(current: int, target: int, usage: Usage, *, share: bool, tolerance: Tolerance = USUAL) -> int:
    """Return how many replicas a target asks for: a share of the requests in per cent, or a mean in thousandths.

    Raises `NoMetrics` where no Pod has a say, and where a share is asked for of what some Pod does not ask for.
    """
    if share and not (usage.used.keys() | usage.unready | usage.missing) <= usage.requests.keys():
        raise NoMetrics
    counted = {name: used for name, used in usage.used.items() if name not in usage.unready | usage.missing}
    if not counted:
        raise NoMetrics
    ratio = _ratio(counted, usage.requests, target, share=share)
    waiting = usage.unready if ratio > 1 else frozenset[str]()
    if not waiting and not usage.missing:
        return current if tolerance.covers(ratio) else ceil(ratio * len(counted))
    if ratio < 1:
        most = max(WHOLE, target)
        assumed = {name: usage.requests[name] * most // WHOLE if share else target for name in usage.missing}
    else:
        assumed = dict.fromkeys(usage.missing if ratio > 1 else (), 0)
    everyone = {**counted, **assumed, **dict.fromkeys(waiting, 0)}
    again = _ratio(everyone, usage.requests, target, share=share)
    if tolerance.covers(again) or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    wanted = ceil(again * len(everyone))
    return current if (again < 1 and wanted > current) or (again > 1 and wanted < current) else wanted


def replicas_for_total(current: int, target: int, total: Total, *, mean: bool, tolerance: Tolerance = USUAL) -> int:
    """Return how many replicas a total asks for: so much for each of them (`mean`), or so much for all.

    Within the tolerance a mean asks for as many as are counted, which are not those asked for (k/k#138505).
    """
    if mean:
        near = total.counted > 0 and tolerance.covers(Fraction(total.value, target * total.counted))
        return total.counted if near else ceil(Fraction(total.value, target))
    ratio = Fraction(total.value, target)
    if not current:
        return ceil(ratio)
    return current if tolerance.covers(ratio) else ceil(ratio * total.ready)


def _ratio(used: Mapping[str, int], requests: Mapping[str, int], target: int, *, share: bool) -> Fraction:
    """Return what is used against what should be; a share in whole per cent, as it is shown."""
    total = sum(used.values())
    if not share:
        return Fraction(total // len(used), target)
    asked = sum(requests[name] for name in used)
    if not asked:
        raise NoMetrics
    return Fraction(total * WHOLE // asked, target)
