"""One sync of an autoscaler: the replicas that it asks for.

Upstream: pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, computeReplicasForMetrics) (v1.32).
It asks the API server for the scale of its target, so it acts on that as it is. Without metrics it does nothing but
bring the target back within its bounds.
Left out on purpose: the status that it writes, which nobody reads; metrics other than resources of whole Pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from immutabledict import immutabledict

from ...api.apps import Sized
from ...api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec
from ...api.cache import Cache
from ...api.meta import Ref, Time
from ...api.requests import Request, Update
from ...api.values.quantity import parse_quantity
from ...api.workloads import SCALED, with_size
from ..common import Transform, whole
from .behavior import History, normalized
from .metrics import NoMetrics, Usage, replicas_for

Measured = Mapping[str, Usage]
"""By resource, what is measured of the Pods of a target."""
UNMEASURED: Measured = immutabledict()
NO_HISTORY = History()


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at."""
    return ("HorizontalPodAutoscaler", *SCALED)


def reconcile(
    cache: Cache, key: Ref, *, measured: Measured = UNMEASURED, history: History = NO_HISTORY, now: Time = 0
) -> tuple[Request, ...]:
    """Return the change of the target's scale that one sync asks for, if it asks for one."""
    autoscaler = cache.get(HorizontalPodAutoscaler, key)
    target = None if autoscaler is None else target_of(cache, autoscaler)
    if autoscaler is None or target is None:
        return ()
    wanted = desired(autoscaler.spec, target.spec.wanted, measured, history, now)
    return () if wanted == target.spec.wanted else (Update(with_size(target, wanted), target, "scale"),)


def target_ref(autoscaler: HorizontalPodAutoscaler) -> Ref:
    """Name the workload that an autoscaler scales."""
    scaled = autoscaler.spec.scale_target_ref
    return Ref(scaled.kind, autoscaler.metadata.namespace, scaled.name)


def target_of(cache: Cache, autoscaler: HorizontalPodAutoscaler) -> Sized | None:
    """Return the workload that an autoscaler scales, None where there is none."""
    found = cache.objects.get(target_ref(autoscaler))
    return found if isinstance(found, Sized) else None


def desired(
    spec: HorizontalPodAutoscalerSpec, current: int, measured: Measured, history: History = NO_HISTORY, now: Time = 0
) -> int:
    """Return how many replicas there should be: as many as there are where nothing is measured.

    A target that was scaled to 0 by hand is left alone; beyond its bounds nothing is measured.
    """
    if current == 0 and spec.least > 0:
        return 0
    if current > spec.max_replicas:
        return spec.max_replicas
    if current < spec.least:
        return spec.least
    asked = list(_asked(spec, current, measured))
    known = [one for one in asked if one is not None]
    if not known or (len(known) < len(asked) and max(known) < current):
        return current  # A metric that is not known never makes it go down.
    return normalized(spec, current, max(known), history, now)[0]


def _asked(spec: HorizontalPodAutoscalerSpec, current: int, measured: Measured) -> Iterator[int | None]:
    """Yield for each metric how many replicas it asks for, None where it is not measured."""
    metrics: Any = spec.metrics or ()
    for metric in metrics:
        resource = metric.get("resource") or {}
        usage, target = measured.get(str(resource.get("name"))), resource.get("target") or {}
        try:
            yield None if usage is None else _replicas(current, target, usage)
        except NoMetrics:
            yield None


def _replicas(current: int, target: Mapping[str, Any], usage: Usage) -> int:
    if target.get("averageUtilization") is not None:
        return replicas_for(current, int(target["averageUtilization"]), usage, share=True)
    mean = parse_quantity(str(target["averageValue"])).milli_value()
    return replicas_for(current, mean, usage, share=False)


TRANSFORM: Transform = immutabledict({"HorizontalPodAutoscaler": whole, **dict.fromkeys(SCALED, whole)})
