"""One sync of an autoscaler: the replicas that it asks for.

Upstream: pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, computeReplicasForMetrics) (v1.32).
It asks the API server for the scale of its target, so it acts on that as it is. Without metrics it does nothing but
bring the target back within its bounds.
Left out on purpose: the status that it writes, which nobody reads; metrics of single containers, and those that Pods
tell of themselves (Pods).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from immutabledict import immutabledict

from ...api.apps import Sized
from ...api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, HPAScalingRules
from ...api.cache import Cache
from ...api.meta import Ref, Time
from ...api.requests import Request, Update
from ...api.values.quantity import parse_quantity
from ...api.workloads import SCALED, with_size
from ..common import Transform, whole
from .behavior import History, normalized, passing
from .metrics import USUAL, NoMetrics, Tolerance, Total, Usage, replicas_for, replicas_for_total

Measured = Mapping[str, Usage | Total]
"""What is measured: by resource of the Pods of a target, and by the name of a metric what is beside them."""
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
    return _asks(target, wanted)


def reconcile_all(
    cache: Cache, key: Ref, *, measured: Measured = UNMEASURED, tolerance: Tolerance | None = None
) -> tuple[tuple[Request, ...], ...]:
    """Return what a sync may ask for, whatever it remembers: windows and periods let it go some of the way only.

    `tolerance` is that of an autoscaler that has none of its own, or whose own is not looked at.
    """
    autoscaler = cache.get(HorizontalPodAutoscaler, key)
    target = None if autoscaler is None else target_of(cache, autoscaler)
    if autoscaler is None or target is None:
        return ()
    current, spec = target.spec.wanted, autoscaler.spec
    if not max(spec.least, 1) <= current <= spec.max_replicas:
        return (_asks(target, desired(spec, current, measured)),)
    goal = desired(spec, current, measured, tolerance=tolerance)
    return tuple(_asks(target, wanted) for wanted in passing(spec, current, goal))


def _asks(target: Sized, wanted: int) -> tuple[Request, ...]:
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
    spec: HorizontalPodAutoscalerSpec,
    current: int,
    measured: Measured,
    history: History = NO_HISTORY,
    now: Time = 0,
    tolerance: Tolerance | None = None,
) -> int:
    """Return how many replicas there should be: as many as there are where nothing is measured.

    A target that was scaled to 0 by hand is left alone; beyond its bounds nothing is measured. `tolerance` None: the
    autoscaler's own, as since 1.35.
    """
    if current == 0 and spec.least > 0:
        return 0
    if current > spec.max_replicas:
        return spec.max_replicas
    if current < spec.least:
        return spec.least
    asked = list(_asked(spec, current, measured, own_tolerance(spec) if tolerance is None else tolerance))
    known = [proposal for proposal in asked if proposal is not None]
    if not known or (len(known) < len(asked) and max(known) < current):
        return current  # A metric that is not known never makes it go down.
    return normalized(spec, current, max(known), history, now)[0]


def own_tolerance(spec: HorizontalPodAutoscalerSpec) -> Tolerance:
    """Return the tolerances that an autoscaler states, the usual ones where it states none."""
    said = spec.behavior
    up, down = (None, None) if said is None else (said.scale_up, said.scale_down)
    return Tolerance(_share(up, USUAL.up), _share(down, USUAL.down))


def _share(rules: HPAScalingRules | None, usual: Fraction) -> Fraction:
    if rules is None or rules.tolerance is None:
        return usual
    return Fraction(parse_quantity(str(rules.tolerance)).milli_value(), 1000)


def _asked(
    spec: HorizontalPodAutoscalerSpec, current: int, measured: Measured, tolerance: Tolerance
) -> Iterator[int | None]:
    """Yield for each metric how many replicas it asks for, None where it is not measured."""
    metrics: Any = spec.metrics or ()
    for metric in metrics:
        try:
            yield _replicas(current, metric, measured, tolerance)
        except NoMetrics:
            yield None


BESIDE = ("external", "object")
"""The sources of metrics that are measured beside the Pods."""


def _replicas(current: int, metric: Mapping[str, Any], measured: Measured, tolerance: Tolerance) -> int | None:
    resource = metric.get("resource") or {}
    usage = measured.get(str(resource.get("name")))
    if isinstance(usage, Usage):
        target = resource.get("target") or {}
        if target.get("averageUtilization") is not None:
            return replicas_for(current, int(target["averageUtilization"]), usage, share=True, tolerance=tolerance)
        return replicas_for(current, _milli(target["averageValue"]), usage, share=False, tolerance=tolerance)
    source: Mapping[str, Any] = next((metric[form] for form in BESIDE if metric.get(form)), {})
    total = measured.get(str((source.get("metric") or {}).get("name")))
    if isinstance(total, Total):
        target = source.get("target") or {}
        mean = target.get("averageValue") is not None
        wanted = _milli(target["averageValue"] if mean else target["value"])
        return replicas_for_total(current, wanted, total, mean=mean, tolerance=tolerance)
    return None


def _milli(amount: object) -> int:
    return parse_quantity(str(amount)).milli_value()


TRANSFORM: Transform = immutabledict({"HorizontalPodAutoscaler": whole, **dict.fromkeys(SCALED, whole)})
