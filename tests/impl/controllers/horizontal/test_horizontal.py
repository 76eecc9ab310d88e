"""How many replicas an autoscaler asks for: Kubernetes' own tables of unit tests, and what is recorded without metrics.

Upstream: pkg/controller/podautoscaler/replica_calculator_test.go and horizontal_test.go (v1.32), by the names that
stand beside the cases. Without metrics a real 1.36.2 went from 2 to minReplicas 3, from 1 to 3 again, and no further.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.impl.api.apps import Deployment
from kubeproof.impl.api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec
from kubeproof.impl.api.cache import Cache
from kubeproof.impl.api.core import PodSpec
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.reading.convert import structure
from kubeproof.impl.api.requests import Update
from kubeproof.impl.controllers.horizontal.behavior import History, least, most, normalized
from kubeproof.impl.controllers.horizontal.horizontal import desired, reconcile
from kubeproof.impl.controllers.horizontal.metrics import NoMetrics, Usage, asked, replicas_for, resting


def usage(levels: list[int], asked: list[int], unready: tuple[int, ...] = (), missing: int = 0) -> Usage:
    """Return what Pods use and ask for, in thousandths; the last ones are not measured."""
    names = [f"p{number}" for number in range(len(asked))]
    measured = names[: len(asked) - missing]
    return Usage(
        dict(zip(measured, levels, strict=True)),
        dict(zip(names, asked, strict=True)),
        frozenset(f"p{number}" for number in unready),
        frozenset(names[len(measured) :]),
    )


K = 1000
SHARES: list[tuple[str, int, int, Usage, int]] = [
    ("TestReplicaCalcScaleUp", 3, 30, usage([300, 500, 700], [K, K, K]), 5),
    ("TestReplicaCalcScaleUpUnreadyLessScale", 3, 30, usage([300, 500, 700], [K, K, K], (0,)), 4),
    ("TestReplicaCalcScaleUpUnreadyNoScale", 3, 30, usage([400, 500, 700], [K, K, K], (1, 2)), 3),
    ("TestReplicaCalcScaleDown", 5, 50, usage([100, 300, 500, 250, 250], [K, K, K, K, K]), 3),
    ("TestReplicaCalcScaleDownExcludeUnreadyPods", 5, 50, usage([100, 300, 500, 250, 250], [K] * 5, (3, 4)), 2),
    ("TestReplicaCalcTolerance", 3, 100, usage([1010, 1030, 1020], [900, K, 1100]), 3),
    ("TestReplicaCalcMissingMetrics", 4, 100, usage([400, 95], [K, K, K, K], missing=2), 3),
    ("TestReplicaCalcMissingMetricsNoChangeEq", 2, 100, usage([K], [K, K], missing=1), 2),
    ("TestReplicaCalcMissingMetricsNoChangeGt", 2, 100, usage([1900], [K, K], missing=1), 2),
    ("TestReplicaCalcMissingMetricsNoChangeLt", 2, 100, usage([600], [K, K], missing=1), 2),
    ("TestReplicaCalcMissingMetricsUnreadyChange", 3, 50, usage([100, 450], [K, K, K], (0,), missing=1), 3),
    ("TestReplicaCalcMissingMetricsUnreadyScaleDown", 4, 50, usage([100, 100, 100], [K] * 4, (0,), missing=1), 3),
    (
        "TestReplicaCalcMissingMetricsScaleDownTargetOver100",
        4,
        300,
        usage([200, 100, 100], [K, K, 2 * K, 2 * K], (0,), missing=1),
        2,
    ),
]


@pytest.mark.parametrize(
    ("current", "target", "seen", "wanted"), [one[1:] for one in SHARES], ids=[one[0] for one in SHARES]
)
def test_a_share_of_the_requests_asks_for_so_many(current: int, target: int, seen: Usage, wanted: int) -> None:
    assert replicas_for(current, target, seen, share=True) == wanted


def test_a_mean_value_asks_for_so_many() -> None:
    """TestReplicaCalcScaleUpCM, and the same within the tolerance."""
    seen = usage([20 * K, 10 * K, 30 * K], [0, 0, 0])
    assert replicas_for(3, 15 * K, seen, share=False) == 4
    assert replicas_for(3, 19 * K, seen, share=False) == 3


@pytest.mark.parametrize("seen", [usage([], [K], missing=1), usage([100], [K], (0,)), usage([100], [0])])
def test_where_no_pod_has_a_say_nothing_is_asked_for(seen: Usage) -> None:
    with pytest.raises(NoMetrics):
        replicas_for(1, 50, seen, share=True)


def test_a_share_is_of_nothing_where_one_container_of_one_pod_asks_for_nothing() -> None:
    """TestReplicaCalcMissingMetrics aside: "missing request for cpu in container app of Pod p1" is an error for all."""
    seen = Usage({"p0": 900, "p1": 900}, {"p0": K})
    with pytest.raises(NoMetrics):
        replicas_for(2, 50, seen, share=True)
    assert replicas_for(2, 450, seen, share=False) == 4


def test_the_requests_of_a_pod_are_those_of_all_its_containers() -> None:
    def spec(*resources: dict[str, Any]) -> PodSpec:
        listed = [{"name": f"c{n}", "image": "a:1", "resources": one} for n, one in enumerate(resources)]
        return structure({"containers": listed}, PodSpec)

    asking, limited = {"requests": {"cpu": "200m"}}, {"limits": {"cpu": "1"}}
    assert asked(spec(asking, limited), "cpu") == 1200
    assert asked(spec(asking, {}), "cpu") is None
    assert resting(spec(asking, {}), "cpu") == ("c1",)
    assert resting(spec(asking, {}), "cpu", "c0") == ()
    assert resting(spec(asking), "memory") == ("c0",)


# --- bounds, and no metrics -------------------------------------------------------------------------------------------


def spec(least: int = 3, most: int = 5, **more: Any) -> HorizontalPodAutoscalerSpec:
    said = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": least, "maxReplicas": most}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    return structure({**said, "metrics": [metric], **more}, HorizontalPodAutoscalerSpec)


@pytest.mark.parametrize(("current", "wanted"), [(2, 3), (1, 3), (3, 3), (4, 4), (5, 5), (6, 5), (0, 0)])
def test_without_metrics_the_bounds_are_kept_and_nothing_else(current: int, wanted: int) -> None:
    assert desired(spec(), current, {}) == wanted


@pytest.mark.parametrize(
    ("level", "wanted"), [(500, 4), (1000, 5), (200, 3), (0, 3)], ids=["as it is", "up", "down", "none"]
)
def test_metrics_move_it_within_the_bounds(level: int, wanted: int) -> None:
    assert desired(spec(), 4, {"cpu": usage([level] * 4, [K] * 4)}) == wanted


def test_of_several_metrics_the_most_counts_and_an_unknown_one_keeps_it_from_going_down() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "1"}}}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    two = spec(1, 9, metrics=[cpu, memory])
    low, high = usage([100] * 4, [K] * 4), usage([2 * K] * 4, [K] * 4)
    assert desired(two, 4, {"cpu": low, "memory": high}) == 8
    assert desired(two, 4, {"cpu": low}) == 4
    assert desired(two, 4, {"cpu": high}) == 8


def test_a_sync_writes_the_scale_of_its_target() -> None:
    web = structure({"metadata": {"name": "web", "namespace": "d"}, "spec": {"replicas": 2}}, Deployment)
    scaler = structure({"metadata": {"name": "hpa", "namespace": "d"}}, HorizontalPodAutoscaler)
    scaler = type(scaler)(scaler.metadata, spec())
    (update,) = reconcile(Cache.of((web, scaler)), ref_of(scaler))
    assert isinstance(update, Update)
    assert (update.subresource, update.base) == ("scale", web)
    assert isinstance(update.object, Deployment)
    assert update.object.spec.replicas == 3
    assert reconcile(Cache.of((update.object, scaler)), ref_of(scaler)) == ()
    assert reconcile(Cache.of((scaler,)), ref_of(scaler)) == ()


# --- how fast ---------------------------------------------------------------------------------------------------------


def policies(direction: str, *found: tuple[str, int, int], select: str = "Max") -> dict[str, Any]:
    listed = [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in found]
    return {"behavior": {direction: {"policies": listed, "selectPolicy": select}}}


@pytest.mark.parametrize(
    ("more", "current", "up", "down"),
    [
        ({}, 1, 5, 1),
        ({}, 10, 20, 1),
        (policies("scaleUp", ("Pods", 1, 60)), 10, 11, 1),
        (policies("scaleUp", ("Pods", 1, 60), ("Percent", 50, 60)), 10, 15, 1),
        (policies("scaleUp", ("Pods", 1, 60), ("Percent", 50, 60), select="Min"), 10, 11, 1),
        (policies("scaleUp", ("Pods", 1, 60), select="Disabled"), 10, 10, 1),
        (policies("scaleDown", ("Percent", 20, 60)), 10, 20, 8),
        (policies("scaleDown", ("Percent", 20, 60), ("Pods", 5, 60)), 10, 20, 5),
        (policies("scaleDown", ("Percent", 20, 60), ("Pods", 5, 60), select="Min"), 10, 20, 8),
        (policies("scaleDown", ("Pods", 1, 60), select="Disabled"), 10, 20, 10),
    ],
)
def test_policies_say_how_far_one_may_go_at_once(more: Any, current: int, up: int, down: int) -> None:
    one = spec(1, 100, **more)
    assert (most(one, current, History(), 0), least(one, current, History(), 0)) == (up, down)


def test_what_has_changed_within_the_period_counts() -> None:
    one = spec(1, 100, **policies("scaleUp", ("Pods", 4, 60)))
    history = History(changes=((100, 3),))
    assert most(one, 13, history, 150) == 14
    assert most(one, 13, history, 161) == 17


@pytest.mark.parametrize(
    ("recommended", "wanted"),
    [((), 2), (((100, 8),), 8), (((100, 12),), 10), (((-300, 8),), 2), (((100, 8), (200, 5)), 8)],
    ids=["nothing before", "more was wanted", "even more was", "long ago", "the most of them"],
)
def test_it_goes_down_to_the_most_that_was_recommended_within_five_minutes(recommended: Any, wanted: int) -> None:
    assert normalized(spec(1, 100), 10, 2, History(recommended), 300)[0] == wanted


def test_it_goes_up_to_the_least_that_was_recommended_within_its_window() -> None:
    rules = {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 60}}}
    one = spec(1, 100, **rules)
    assert normalized(one, 10, 15, History(((280, 12),)), 300)[0] == 12
    assert normalized(one, 10, 15, History(((200, 12),)), 300)[0] == 15
    assert normalized(one, 10, 15, History(), 300)[1].recommended == ((300, 15),)
