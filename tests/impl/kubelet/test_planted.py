"""Faults planted in the kubelet, and the walk beside its model that notices them."""

from __future__ import annotations

import random

import pytest
from attrs import evolve

from kubeproof.impl.api.core import Container, Lifecycle, LifecycleHandler, Node, Pod, PodSpec, SleepAction
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Delete, PatchStatus
from kubeproof.impl.api.runtime import IDLE
from kubeproof.impl.kubelet.behaviour import HOLLOW
from kubeproof.impl.kubelet.worker import steps
from kubeproof.properties.refinement.kubelet import abstract, refines
from planted import planted

ROOM = "kubeproof.impl.kubelet."
FAULTS = [
    (
        "the object is deleted before the containers stopped",
        "worker",
        "    if runtime.stage is Stage.STOPPED:\n        return reports or",
        "    if runtime.stage in {Stage.STOPPED, Stage.TERMINATING}:\n        return reports or",
    ),
    (
        "the object is deleted before the end is reported",
        "worker",
        "return reports or _last(pod, runtime)",
        "return _last(pod, runtime) or reports",
    ),
    (
        "preStop is skipped",
        "worker",
        "next_stage = Stage.PRE_STOP if waits_for_hook(pod.spec) else",
        "next_stage = Stage.PRE_STOP if False else",
    ),
    ("a finished Pod is started again", "worker", "    if pod.finished:\n        return ()\n", ""),
    ("a final phase is overwritten", "status", "pod.status.phase if pod.finished else pod_phase(", "pod_phase("),
    (
        "a Pod that waits for its image is said to run",
        "phase",
        ' or stages["waiting"]:',
        ":",
    ),
    (
        "a stopped container counts as ready",
        "status",
        "return runtime.ready and runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}",
        "return runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}",
    ),
]


def pod(dice: random.Random) -> Pod:
    hook = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(dice.choice([0, 5]))))
    image = dice.choice(["web:1", "bad:1", "job:1", "nopull:1"])
    containers = (Container(name="app", image=image, lifecycle=hook),)
    return Pod(ObjectMeta(name="p", namespace="d", uid="u1"), PodSpec(containers=containers, restart_policy="Never"))


def check(seed: int) -> None:
    """Walk at random, deletions and declared failures in between; each kubelet step must be one of the model."""
    dice = random.Random(seed)  # noqa: S311 - a seeded choice of examples
    one: Pod | None = pod(dice)
    runtime = IDLE
    for _ in range(14):
        if one is not None and dice.random() < 0.15:
            one = evolve(one, metadata=evolve(one.metadata, deletion_timestamp=0))
        if one is not None and dice.random() < 0.1 and not one.finished:
            one = evolve(one, status=evolve(one.status, phase="Failed"))
        if not (found := steps(one, runtime, Node(), (), HOLLOW)):
            continue
        step = dice.choice(found)
        before = abstract(one, runtime)
        runtime = step.runtime
        if isinstance(step.request, PatchStatus):
            one = step.request.object  # type: ignore[assignment]
        elif isinstance(step.request, Delete):
            one = None
        after = abstract(one, runtime, has_hook=before.has_hook)
        assert refines(before, after), f"{step.label}: {before} -> {after}"


def check_all() -> None:
    for seed in range(150):
        check(seed)


def test_without_a_fault_every_step_is_one_of_the_model() -> None:
    check_all()
    assert refines(abstract(pod(random.Random(0)), IDLE), abstract(pod(random.Random(0)), IDLE))  # noqa: S311


@pytest.mark.parametrize(("module", "before", "after"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_a_fault_is_noticed(module: str, before: str, after: str) -> None:
    with planted(ROOM + module, before, after), pytest.raises(AssertionError):
        check_all()
