"""Autoscalers that no metric moves: what they measure is a share of nothing, or two of them have the same Pods.

Upstream: pkg/controller/podautoscaler/replica_calculator.go (calculatePodRequests) and horizontal.go
(validateAndParseSelector: "pods by selector are controlled by multiple HPAs"), v1.32. They still bring their targets
back within their bounds. Left out on purpose: two whose targets are different workloads that select the same Pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from ...impl.api.apps import Workload
from ...impl.api.autoscaling import HorizontalPodAutoscaler
from ...impl.api.kinds import ref_of
from ...impl.api.meta import Ref
from ...impl.controllers.horizontal.horizontal import target_ref
from ...impl.controllers.horizontal.metrics import resting
from ...impl.kubectl.script import DeleteObject
from .limits import Specs, filled_in
from .scenario import Scenario, placed

USUAL_METRICS: tuple[Mapping[str, Any], ...] = ({"resource": {"name": "cpu", "target": {"averageUtilization": 80}}},)
"""What is measured where nothing is said (pkg/apis/autoscaling/v2/defaults.go)."""

BOUNDS = "it only keeps its target within its bounds"


@frozen(order=True)
class Blind:
    """An autoscaler whose metrics say nothing, the field that makes it so, and why."""

    ref: Ref
    field: str
    why: str


def sharing(scalers: Iterable[HorizontalPodAutoscaler], scaler: HorizontalPodAutoscaler) -> tuple[str, ...]:
    """Name the other autoscalers of the target of one."""
    target = target_ref(scaler)
    return tuple(
        sorted({other.metadata.name for other in scalers if target_ref(other) == target} - {scaler.metadata.name})
    )


def blind(scenario: Scenario) -> tuple[Blind, ...]:
    """Return the autoscalers that no metric moves, whichever versions of objects there are; one line for each.

    Where a step brings or deletes autoscalers there may be one alone of two for a while, which then does.
    """
    given, namespace = scenario.everything, scenario.namespace
    brought = any(isinstance(obj, HorizontalPodAutoscaler) for obj in scenario.applied)
    together = not brought and not any(isinstance(step, DeleteObject) for step in scenario.script)
    scalers = [_placed(obj, namespace) for obj in given if isinstance(obj, HorizontalPodAutoscaler)]
    if not scalers:
        return ()
    workloads = [(placed(obj, namespace), obj) for obj in given if isinstance(obj, Workload)]
    targets: dict[Ref, list[Workload]] = {}
    for ref, workload in workloads:
        targets.setdefault(ref, []).append(workload)
    specs = filled_in(given, namespace)
    found = [(ref_of(scaler), _why(scaler, scalers if together else (), targets, specs)) for scaler in scalers]
    seeing = {ref for ref, reason in found if reason is None}
    first = {ref: reason for ref, reason in reversed(found) if reason is not None and ref not in seeing}
    return tuple(first[ref] for ref in sorted(first))


def _why(
    scaler: HorizontalPodAutoscaler,
    scalers: Iterable[HorizontalPodAutoscaler],
    targets: Mapping[Ref, list[Workload]],
    specs: Specs,
) -> Blind | None:
    target = target_ref(scaler)
    if target not in targets:
        return None
    if others := sharing(scalers, scaler):
        why = f"HorizontalPodAutoscaler {others[0]} scales {target}, too: of two none goes by its metrics, {BOUNDS}"
        return Blind(ref_of(scaler), "spec.scaleTargetRef", why)
    metrics: Any = scaler.spec.metrics or USUAL_METRICS
    told = [next(_shares_of_nothing(metric, targets[target], specs), None) for metric in metrics]
    if None in told:
        return None
    field = "spec.metrics" if scaler.spec.metrics else "spec"
    return Blind(ref_of(scaler), field, f"{told[0]} of {target}: {BOUNDS}")


def _shares_of_nothing(metric: Mapping[str, Any], versions: Iterable[Workload], specs: Specs) -> Iterator[str]:
    """Say what each version of a target lacks for a metric to say anything; nothing if one of them has it."""
    source: Mapping[str, Any] = metric.get("resource") or metric.get("containerResource") or {}
    if (source.get("target") or {}).get("averageUtilization") is None:
        return
    resource, container = str(source.get("name")), str(source.get("container") or "")
    lacking = [
        resting(spec, resource, container)
        for workload in versions
        for spec in specs(workload.spec.template.spec, workload.metadata.namespace)
    ]
    if all(lacking):
        whole = f"it goes by a share of the {resource} that is requested"
        yield f"{whole}, and there is no such request of container {lacking[0][0]}"


def _placed(scaler: HorizontalPodAutoscaler, namespace: str) -> HorizontalPodAutoscaler:
    meta = scaler.metadata
    return evolve(scaler, metadata=evolve(meta, namespace=meta.namespace or namespace))
