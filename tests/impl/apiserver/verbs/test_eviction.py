"""Evictions: which Pods a budget speaks for, when it says no and in which words, and what one costs."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from immutabledict import immutabledict

from kubeproof.impl.api.core import Pod, PodCondition, PodSpec, PodStatus
from kubeproof.impl.api.meta import LabelSelector, ObjectMeta, Ref
from kubeproof.impl.api.policy import Eviction, PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus
from kubeproof.impl.api.requests import Create, Evict
from kubeproof.impl.api.values.frozen import freeze, strings
from kubeproof.impl.apiserver import Objects, handle

POD = Ref("Pod", "default", "web")
READY = (PodCondition("Ready", "True"),)


def pod(phase: str = "Running", *, ready: bool = True, **meta: Any) -> Pod:
    status = PodStatus(phase=phase, conditions=READY if ready else ())
    spec = PodSpec(node_name="n1", termination_grace_period_seconds=30)
    return Pod(ObjectMeta("web", namespace="default", labels=strings({"app": "web"}), **meta), spec, status)


def budget(name: str = "b", *, policy: str | None = None, generation: int = 1, **status: Any) -> PodDisruptionBudget:
    counted = PodDisruptionBudgetStatus(
        **{"observed_generation": 1, "desired_healthy": 2, "current_healthy": 2, **status}
    )
    spec = PodDisruptionBudgetSpec(2, None, LabelSelector(strings({"app": "web"})), policy)
    return PodDisruptionBudget(ObjectMeta(name, namespace="default", generation=generation), spec, counted)


def evicted(*objects: Any, now: int = 0) -> tuple[Any, Objects]:
    store = Objects.of(objects)
    response, writes = handle(store, Evict(POD), now=now)
    return response, store.commit(writes)


def test_an_exhausted_budget_says_what_it_needs_and_has() -> None:
    response, after = evicted(pod(), budget(current_healthy=1))
    assert (response.code, response.reason) == (429, "TooManyRequests")
    assert response.message == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = response.causes
    assert cause.reason == "DisruptionBudget"
    assert cause.message == "The disruption budget b needs 2 healthy pods and has 1 currently"
    assert after.get(POD) == pod()


def test_a_budget_nobody_has_counted_for_says_so() -> None:
    response, _ = evicted(pod(), budget(generation=2, disruptions_allowed=1))
    assert response.code == 429
    assert response.causes[0].message == "The disruption budget b is still being processed by the server."


def test_a_broken_count_is_forbidden() -> None:
    assert evicted(pod(), budget(disruptions_allowed=-1))[0].code == 403
    crowd = immutabledict({f"p{number}": 0 for number in range(2001)})
    assert evicted(pod(), budget(disruptions_allowed=1, disrupted_pods=crowd))[0].code == 403


def test_two_budgets_are_one_too_many() -> None:
    response, after = evicted(pod(), budget("a", disruptions_allowed=1), budget("b", disruptions_allowed=1))
    assert response.code == 500
    assert response.message.startswith("This pod has more than one PodDisruptionBudget")
    assert after.get(POD) == pod()


def test_an_eviction_pays_marks_and_deletes_in_that_order() -> None:
    conditions = freeze(
        [{"type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods"}, {"type": "Other"}]
    )
    store = Objects.of((pod(), budget(disruptions_allowed=1, conditions=conditions)))
    response, writes = handle(store, Evict(POD), now=7)
    assert response.code == 201
    assert [write.ref.kind for write in writes] == ["PodDisruptionBudget", "Pod", "Pod"]
    paid: Any = writes[0].object
    assert (paid.status.disruptions_allowed, paid.status.disrupted_pods) == (0, {"web": 7})
    assert paid.status.conditions == freeze(
        [{"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}, {"type": "Other"}]
    )
    noted: Any = writes[1].object
    assert noted.status.condition("DisruptionTarget").reason == "EvictionByEvictionAPI"
    assert not noted.metadata.terminating
    going: Any = writes[2].object
    assert (going.metadata.deletion_timestamp, going.metadata.deletion_grace_period_seconds) == (37, 30)


@pytest.mark.parametrize(
    "spared",
    [
        pod("Pending"),
        pod("Succeeded"),
        pod("Failed"),
        pod(deletion_timestamp=30, deletion_grace_period_seconds=30),
    ],
    ids=["pending", "succeeded", "failed", "terminating"],
)
def test_a_pod_whose_end_disrupts_nothing_is_not_the_budgets_business(spared: Pod) -> None:
    response, after = evicted(spared, budget(disruptions_allowed=0))
    assert response.code == 201
    assert after.get(Ref("PodDisruptionBudget", "default", "b")) == budget(disruptions_allowed=0)


@pytest.mark.parametrize(
    ("ready", "status", "policy", "code"),
    [
        (False, {"current_healthy": 2, "desired_healthy": 2}, None, 201),
        (False, {"current_healthy": 1, "desired_healthy": 2}, None, 429),
        (False, {"current_healthy": 0, "desired_healthy": 0}, "IfHealthyBudget", 429),
        (False, {"current_healthy": 0, "desired_healthy": 2}, "AlwaysAllow", 201),
        (True, {"current_healthy": 2, "desired_healthy": 2}, "AlwaysAllow", 429),
    ],
    ids=["enough are ready", "too few are ready", "none are wanted", "always", "a ready one is never free"],
)
def test_an_unready_pod_goes_free_by_the_policy(ready: bool, status: dict[str, int], policy: str, code: int) -> None:  # noqa: FBT001
    response, after = evicted(pod(ready=ready), budget(policy=policy, disruptions_allowed=0, **status))
    assert response.code == code
    assert after.get(Ref("PodDisruptionBudget", "default", "b")) == budget(
        policy=policy, disruptions_allowed=0, **status
    )


def test_a_budget_speaks_for_no_pod_it_does_not_select() -> None:
    other = evolve(budget(), spec=evolve(budget().spec, selector=LabelSelector(strings({"app": "api"}))))
    nobodys = evolve(budget("c"), spec=evolve(budget().spec, selector=None))
    elsewhere = evolve(budget("d"), metadata=ObjectMeta("d", namespace="other"))
    assert evicted(pod(), other, nobodys, elsewhere)[0].code == 201


def test_an_eviction_as_an_object_may_shorten_the_grace() -> None:
    eviction = Eviction(ObjectMeta("web", namespace="default"), grace_period_seconds=4)
    store = Objects.of((pod(),))
    response, writes = handle(store, Create(eviction), now=1)
    assert response.code == 201
    going: Any = store.commit(writes).get(POD)
    assert going.metadata.deletion_timestamp == 5


def test_a_missing_pod_cannot_be_evicted() -> None:
    assert evicted(budget())[0].message == 'pods "web" not found'
