"""Validation of autoscalers.

Upstream: pkg/apis/autoscaling/validation/validation.go (v1.32).
Left out on purpose: metrics other than resources, bounds of policies and windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...api.autoscaling import HorizontalPodAutoscaler
from .field_error import FieldError, forbidden, invalid, required


def validate_autoscaler(autoscaler: HorizontalPodAutoscaler) -> list[FieldError]:
    """Return the broken rules of a HorizontalPodAutoscaler: its bounds, its target, its metrics, its policies."""
    return [*_bounds(autoscaler), *_metrics(autoscaler), *_policies(autoscaler)]


def _bounds(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    spec = autoscaler.spec
    least, most = spec.min_replicas, spec.max_replicas
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.scale_target_ref
    for name, text in (("kind", target.kind), ("name", target.name)):
        if not text:
            yield required(f"spec.scaleTargetRef.{name}")


def _metrics(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    metrics: Any = autoscaler.spec.metrics or ()
    for at, metric in enumerate(metrics):
        wanted = ((metric.get("resource") or {}).get("target") or {}).get("averageUtilization")
        if isinstance(wanted, int) and wanted < 1:
            yield invalid(f"spec.metrics[{at}].resource.target.averageUtilization", wanted, "must be greater than 0")
    if autoscaler.spec.min_replicas == 0 and not any(one.get("type") in {"Object", "External"} for one in metrics):
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden("spec.metrics", detail)


def _policies(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    behavior = autoscaler.spec.behavior
    for direction in ("scaleUp", "scaleDown"):
        rules = behavior and (behavior.scale_up if direction == "scaleUp" else behavior.scale_down)
        if rules is not None and rules.policies == ():
            yield required(f"spec.behavior.{direction}.policies", "must specify at least one Policy")
