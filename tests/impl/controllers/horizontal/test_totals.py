"""Metrics that are measured beside the Pods, tolerances, and how far one may be after a sync.

Upstream: pkg/controller/podautoscaler/replica_calculator_test.go (v1.32), by the names that stand beside the cases.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from kubeproof.impl.api.apps import Deployment, DeploymentSpec
from kubeproof.impl.api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.requests import Update
from kubeproof.impl.api.values.quantity import QuantityError
from kubeproof.impl.controllers.horizontal.horizontal import own_tolerance, reconcile_all
from kubeproof.impl.controllers.horizontal.metrics import (
    MEASURES,
    USUAL,
    Tolerance,
    Total,
    Usage,
    measures,
    replicas_for,
    replicas_for_total,
)


@pytest.mark.parametrize(
    ("name", "current", "target", "total", "mean", "wanted"),
    [
        ("TestReplicaCalcScaleUpCMExternal", 1, 4_400, Total(8_600, 1, 1), False, 2),
        ("TestReplicaCalcScaleUpCMExternalIgnoresUnreadyPods", 3, 4_400, Total(8_600, 3, 2), False, 4),
        ("TestReplicaCalcScaleUpPerPodCMExternal", 3, 2_150, Total(8_600, 3, 3), True, 4),
        ("TestReplicaCalcScaleDownCMExternal", 5, 14_334, Total(8_600, 5, 5), False, 3),
        ("TestReplicaCalcScaleDownPerPodCMExternal", 5, 2_867, Total(8_600, 5, 5), True, 3),
        ("TestReplicaCalcToleranceCMExternal", 3, 8_888, Total(8_600, 3, 3), False, 3),
        ("TestReplicaCalcTolerancePerPodCMExternal", 3, 2_900, Total(8_600, 3, 3), True, 3),
    ],
)
def test_a_total_asks_for_so_many(name: str, current: int, target: int, total: Total, mean: bool, wanted: int) -> None:  # noqa: FBT001 - a table
    assert replicas_for_total(current, target, total, mean=mean) == wanted, name


def test_within_the_tolerance_a_mean_asks_for_those_that_are_counted() -> None:
    """k/k#138505: eleven are counted in a rollout of ten."""
    assert replicas_for_total(10, 1_000, Total(10_000, 11, 11), mean=True) == 11
    assert replicas_for_total(10, 10_000, Total(10_000, 11, 11), mean=False) == 10


def test_who_is_counted_but_is_none_divides_nothing() -> None:
    assert replicas_for_total(0, 1_000, Total(2_500, 0, 0), mean=True) == 3
    assert replicas_for_total(0, 1_000, Total(2_500, 0, 0), mean=False) == 3


def test_a_tolerance_is_of_one_direction() -> None:
    wide = Tolerance(USUAL.up, Fraction(1, 2))
    half, more = (Usage({"a": used}, {"a": 1_000}) for used in (300, 650))
    assert (replicas_for(1, 50, half, share=True), replicas_for(2, 50, half, share=True, tolerance=wide)) == (1, 2)
    assert replicas_for(1, 50, more, share=True, tolerance=wide) == 2


def test_an_autoscaler_states_its_tolerance_direction_by_direction() -> None:
    spec = structure({"maxReplicas": 3, "behavior": {"scaleDown": {"tolerance": "0.5"}}}, HorizontalPodAutoscalerSpec)
    assert own_tolerance(spec) == Tolerance(USUAL.up, Fraction(1, 2))
    assert own_tolerance(HorizontalPodAutoscalerSpec()) == USUAL


def test_what_is_measured_beside_the_pods_is_read_off_the_annotation() -> None:
    assert measures({MEASURES: "queue=30, lag=500m"}) == {"queue": 30_000, "lag": 500}
    assert measures({}) == {}
    with pytest.raises(QuantityError):
        measures({MEASURES: "queue"})


def sizes(current: int, used: int, **spec: Any) -> list[int]:
    """Return the sizes that a sync may ask for, of Pods that use so much of 100m each, with a target of half of it."""
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    target = {"kind": "Deployment", "name": "web"}
    asked = {"maxReplicas": 10, "scaleTargetRef": target, "metrics": [metric], **spec}
    scaler = HorizontalPodAutoscaler(
        ObjectMeta("web", namespace="default"), structure(asked, HorizontalPodAutoscalerSpec)
    )
    web = Deployment(ObjectMeta("web", namespace="default"), DeploymentSpec(current))
    names = [f"p{number}" for number in range(current)]
    seen = Usage(dict.fromkeys(names, used), dict.fromkeys(names, 100))
    found = reconcile_all(Cache.of((scaler, web)), ref_of(scaler), measured={"cpu": seen})
    requests = [one for each in found for one in each]
    assert all(isinstance(one, Update) and one.subresource == "scale" for one in requests)
    return [one.object.spec.replicas for one in requests if isinstance(one, Update)]  # type: ignore[union-attr]


def test_upwards_it_goes_all_the_way_and_downwards_some_of_it() -> None:
    assert sizes(2, 100) == [4]
    assert sizes(4, 10) == [1, 2, 3]
    assert sizes(4, 50) == []


def test_windows_and_long_periods_hold_it_up() -> None:
    assert sizes(4, 10, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}}) == [1]
    assert sizes(2, 100, behavior={"scaleUp": {"stabilizationWindowSeconds": 60}}) == [4, 3]
    slow = {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}}
    assert sizes(2, 100, behavior=slow) == [4, 3]


def test_beyond_its_bounds_it_goes_back_at_once() -> None:
    assert sizes(5, 10, maxReplicas=3) == [3]
    assert sizes(1, 10, minReplicas=3) == [3]
    assert sizes(0, 10) == []
