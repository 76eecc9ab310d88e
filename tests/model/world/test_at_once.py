"""Requests that are one step: all of them are granted in it, or there is no step; or the world is too small."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubeproof.harness.check.check import machine_of
from kubeproof.harness.input.files.scenario_file import load_scenario
from kubeproof.harness.world.at_rest.prepare import prepare
from kubeproof.harness.world.cluster import Cluster
from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.meta import ObjectMeta, Ref
from kubeproof.impl.api.requests import Create, Delete, Request
from kubeproof.model.machine import Outcome, State
from kubeproof.model.world.world import OVERFLOW

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: app, image: "nginx:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
spec: {containers: [{name: app, image: "nginx:1"}]}
"""
A, B, NOBODY = (Delete(Ref("Pod", "default", name)) for name in ("a", "b", "nobody"))


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """Put two Pods into a world with room for no third."""
    scenario = load_scenario("two", {"pods.yaml": PODS}, {"nodes": 1, "bounds": {"pods": 2}}).scenario
    return machine_of(scenario, prepare(scenario))


def state(cluster: Cluster) -> State:
    """Return the state that it starts in."""
    return State.of(cluster.machine.initial[0])


def sent(cluster: Cluster, requests: Iterable[Request]) -> list[Outcome]:
    """Send requests at once, as an administrator."""
    world = cluster.world
    return list(world.at_once(state(cluster), "admin", requests, lambda answers, _after: f"{len(answers)} answers"))


def test_what_is_granted_shows_in_one_step(cluster: Cluster) -> None:
    (outcome,) = sent(cluster, (A, B))
    after = {**state(cluster), **outcome.updates}
    pods = [after[slot] for slot in cluster.world.layout.pools["Pod"]]
    assert outcome.label == "2 answers"
    assert sum(isinstance(pod, Pod) for pod in state(cluster).values()) == 2
    assert not [pod for pod in pods if isinstance(pod, Pod) and not pod.metadata.terminating]


@pytest.mark.parametrize("requests", [(), (NOBODY,), (A, NOBODY), (NOBODY, A)], ids=["none", "one", "last", "first"])
def test_there_is_no_step_where_one_is_refused_or_nothing_is_asked(
    cluster: Cluster, requests: tuple[Request, ...]
) -> None:
    assert sent(cluster, requests) == []


def test_a_world_that_is_too_small_says_so_and_changes_nothing_else(cluster: Cluster) -> None:
    template = next(pod for pod in state(cluster).values() if isinstance(pod, Pod))
    (outcome,) = sent(cluster, (Create(Pod(ObjectMeta("c", namespace="default"), template.spec)),))
    assert (outcome.label, outcome.updates) == ("needs one more place for a Pod", {OVERFLOW: "Pod"})
