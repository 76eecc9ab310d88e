"""Validation of autoscalers.

Upstream: pkg/apis/autoscaling/validation/validation.go (v1.36).
Left out on purpose: that an autoscaler which refers to no API group may keep doing so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from ...api.autoscaling import (
    CrossVersionObjectReference,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HPAScalingRules,
)
from ...api.reading.convert import structure
from ...api.releases import Change
from ...api.values.quantity import Quantity, QuantityError, parse_quantity
from .field_error import FieldError, forbidden, invalid, not_supported, required
from .names import label_errors, path_segment_errors

SOURCES = {
    "object": "Object",
    "external": "External",
    "pods": "Pods",
    "resource": "Resource",
    "containerResource": "ContainerResource",
}
"""What a metric is measured of, in the order Kubernetes looks: the field, and the type that it goes with."""
TYPES = tuple(sorted(SOURCES.values()))
TARGETS = ("Utilization", "Value", "AverageValue")
SELECTIONS = ("Disabled", "Max", "Min")
POLICIES = ("Percent", "Pods")
LONGEST_WINDOW, LONGEST_PERIOD = 3600, 1800
EITHER = "must set either a target raw value or a target utilization"
NEEDED = {
    "object": (("value", "averageValue"), "averageValue", "must set either a target value or averageValue"),
    "external": (
        ("value", "averageValue"),
        "averageValue",
        "must set either a target value for metric or a per-pod target",
    ),
    "pods": (("averageValue",), "averageValue", "must specify a positive target averageValue"),
    "resource": (("averageUtilization", "averageValue"), "averageUtilization", EITHER),
    "containerResource": (("averageUtilization", "averageValue"), "averageUtilization", EITHER),
}
"""By source: what of its target must be said, which of it is missed, and how that is told."""
NOT_BOTH = {
    "external": ("value", "may not set both a target value for metric and a per-pod target"),
    "resource": ("averageValue", "may not set both a target raw value and a target utilization"),
    "containerResource": ("averageValue", "may not set both a target raw value and a target utilization"),
}


def validate_autoscaler(autoscaler: HorizontalPodAutoscaler) -> list[FieldError]:
    """Return the broken rules of a HorizontalPodAutoscaler: its bounds, its target, its metrics, its policies."""
    return [*_bounds(autoscaler), *_metrics(autoscaler), *_behavior(autoscaler)]


def _bounds(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    spec = autoscaler.spec
    least, most = spec.min_replicas, spec.max_replicas
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        error = invalid("spec.maxReplicas", most, "must be greater than 0")
        missed = required("spec.maxReplicas", "must be set and greater than 0")
        later = invalid("spec.maxReplicas", most, "must be greater than or equal to 1") if most else missed
        change = Change.AUTOSCALER_WORDS
        yield from (evolve(error, lifted=change), evolve(later, brought=change))
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.scale_target_ref
    yield from _reference("spec.scaleTargetRef", target)
    if "/" not in target.api_version:
        error = invalid("spec.scaleTargetRef.apiVersion", target.api_version, "apiVersion must specify API group")
        yield evolve(error, brought=Change.AUTOSCALED_GROUP)


def _reference(field: str, one: CrossVersionObjectReference) -> Iterator[FieldError]:
    for name, text in (("kind", one.kind), ("name", one.name)):
        if not text:
            yield required(f"{field}.{name}")
        yield from (invalid(f"{field}.{name}", text, detail) for detail in path_segment_errors(text))
    if one.api_version.count("/") > 1:
        error = invalid(f"{field}.apiVersion", one.api_version, f"unexpected GroupVersion string: {one.api_version}")
        yield evolve(error, brought=Change.AUTOSCALED_GROUP)


def _metrics(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    metrics: Any = autoscaler.spec.metrics or ()
    for at, metric in enumerate(metrics):
        yield from _metric(f"spec.metrics[{at}]", metric)
    if autoscaler.spec.min_replicas == 0 and not any(
        metric.get("type") in {"Object", "External"} for metric in metrics
    ):
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden("spec.metrics", detail)


def _metric(field: str, metric: Mapping[str, Any]) -> Iterator[FieldError]:
    kind = metric.get("type") or ""
    if not kind:
        yield required(f"{field}.type", "must specify a metric source type")
    if kind not in TYPES:
        yield not_supported(f"{field}.type", kind, TYPES)
    given = [name for name in SOURCES if metric.get(name) is not None]
    for name in given[:1]:
        yield from _source(f"{field}.{name}", name, metric[name])
    wanted = next((name for name, source in SOURCES.items() if source == kind), "")
    if wanted and wanted not in given:
        yield required(f"{field}.{wanted}", "must populate information for the given metric source")
    if len(given) != 1:
        detail = "must populate the given metric source only"
        yield from (forbidden(f"{field}.{name}", detail) for name in given if name != wanted)


def _source(field: str, name: str, source: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check what is measured and how much of it there should be."""
    target = source.get("target") or {}
    if name == "object":
        about = source.get("describedObject") or {}
        yield from _reference(f"{field}.describedObject", structure(about, CrossVersionObjectReference))
    if name in {"resource", "containerResource"}:
        if not source.get("name"):
            yield required(f"{field}.name", "must specify a resource name")
        if name == "containerResource":
            yield from _container(f"{field}.container", source.get("container") or "")
    else:
        text = (source.get("metric") or {}).get("name") or ""
        if not text:
            yield required(f"{field}.metric.name", "must specify a metric name")
        yield from (invalid(f"{field}.metric.name", text, detail) for detail in path_segment_errors(text))
    yield from _target(f"{field}.target", target)
    one_of, missed, told = NEEDED[name]
    said = [key for key in one_of if target.get(key) is not None]
    if not said:
        yield required(f"{field}.target.{missed}", told)
    if len(said) > 1 and name in NOT_BOTH:
        yield forbidden(f"{field}.target.{NOT_BOTH[name][0]}", NOT_BOTH[name][1])


def _container(field: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield required(field, "must specify a container")
    else:
        yield from (invalid(field, name, detail) for detail in label_errors(name))


def _target(field: str, target: Mapping[str, Any]) -> Iterator[FieldError]:
    kind, share = target.get("type") or "", target.get("averageUtilization")
    if not kind:
        yield required(f"{field}.type", "must specify a metric target type")
    if kind not in TARGETS:
        yield invalid(f"{field}.type", kind, "must be either Utilization, Value, or AverageValue")
    for key in ("value", "averageValue"):
        amount = _amount(target.get(key))
        if amount is not None and amount.sign <= 0:
            yield invalid(f"{field}.{key}", str(amount), "must be positive")
    if share is not None and share < 1:
        yield invalid(f"{field}.averageUtilization", share, "must be greater than 0")


def _amount(value: Any) -> Quantity | None:
    try:
        return None if value is None else parse_quantity(str(value))
    except QuantityError:
        return None


def _behavior(autoscaler: HorizontalPodAutoscaler) -> Iterator[FieldError]:
    behavior = autoscaler.spec.behavior or HorizontalPodAutoscalerBehavior()
    for direction, rules in (("scaleUp", behavior.scale_up), ("scaleDown", behavior.scale_down)):
        if rules is not None:
            yield from _rules(f"spec.behavior.{direction}", rules)


def _rules(field: str, rules: HPAScalingRules) -> Iterator[FieldError]:
    window, choice = rules.stabilization_window_seconds, rules.select_policy
    if window is not None and window < 0:
        yield invalid(f"{field}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > LONGEST_WINDOW:
        yield invalid(f"{field}.stabilizationWindowSeconds", window, f"must be less than or equal to {LONGEST_WINDOW}")
    if choice is not None and choice not in SELECTIONS:
        yield not_supported(f"{field}.selectPolicy", choice, SELECTIONS)
    if not rules.policies:
        yield required(f"{field}.policies", "must specify at least one Policy")
    for at, policy in enumerate(rules.policies or ()):
        place, period = f"{field}.policies[{at}]", policy.period_seconds
        if policy.type not in POLICIES:
            yield not_supported(f"{place}.type", policy.type, POLICIES)
        if policy.value <= 0:
            yield invalid(f"{place}.value", policy.value, "must be greater than zero")
        if period <= 0:
            yield invalid(f"{place}.periodSeconds", period, "must be greater than zero")
        if period > LONGEST_PERIOD:
            yield invalid(f"{place}.periodSeconds", period, f"must be less than or equal to {LONGEST_PERIOD}")
    tolerance = _amount(rules.tolerance)
    if tolerance is not None and tolerance.sign < 0:
        yield invalid(f"{field}.tolerance", str(tolerance), "must be greater than or equal to 0")
