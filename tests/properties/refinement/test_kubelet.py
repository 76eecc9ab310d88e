"""Every step of the kubelet is a step of its model, whatever the cluster does to the Pod in between."""

# ruff: noqa: D102 - the names of the rules are sentences
from __future__ import annotations

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kubeproof.impl.api.core import (
    Container,
    Lifecycle,
    LifecycleHandler,
    Node,
    NodeSpec,
    Pod,
    PodSpec,
    Probe,
    SleepAction,
    Taint,
)
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.requests import Delete, PatchStatus
from kubeproof.impl.api.runtime import IDLE, PodRuntime, Stage
from kubeproof.impl.kubelet.behaviour import HOLLOW, WELL
from kubeproof.impl.kubelet.runtime import crash, probe_failed
from kubeproof.impl.kubelet.worker import steps
from kubeproof.model.components.nodes.kubelet import ACTIONS, FINISHED, State
from kubeproof.model.components.nodes.kubelet import steps as model_steps
from kubeproof.properties.refinement.kubelet import abstract, refines

NODES = (Node(ObjectMeta(name="n1")), Node(ObjectMeta(name="n1"), NodeSpec(taints=(Taint("k", "NoExecute"),))))


def pod(image: str, policy: str, hook: int, *, probed: bool) -> Pod:
    lifecycle = Lifecycle(pre_stop=LifecycleHandler(sleep=SleepAction(hook)))
    probe = Probe(initial_delay_seconds=3) if probed else None
    containers = (Container(name="app", image=image, lifecycle=lifecycle, readiness_probe=probe),)
    return Pod(ObjectMeta(name="p", namespace="d", uid="u1"), PodSpec(containers=containers, restart_policy=policy))


class Lockstep(RuleBasedStateMachine):
    """One Pod, one kubelet, and everybody else."""

    def __init__(self) -> None:
        super().__init__()
        self.pod: Pod | None = None
        self.runtime: PodRuntime = IDLE
        self.node, self.images, self.hook = NODES[0], WELL, False
        self.phase = ""

    def seen(self) -> State:
        return abstract(self.pod, self.runtime, has_hook=self.hook)

    @precondition(lambda self: self.pod is None and self.runtime == IDLE)
    @rule(
        image=st.sampled_from(["web:1", "bad:1", "crash:1", "nopull:1", "job:1"]),
        policy=st.sampled_from(["Always", "Never"]),
        hook=st.sampled_from([0, 5]),
        probed=st.booleans(),
        node=st.sampled_from([NODES[0], *NODES]),
        images=st.sampled_from([WELL, HOLLOW]),
    )
    def a_pod_is_bound(self, image: str, policy: str, hook: int, node: Node, images: object, *, probed: bool) -> None:
        self.pod, self.node, self.images = pod(image, policy, hook, probed=probed), node, images
        self.hook, self.phase = hook > 0, ""

    @precondition(lambda self: self.pod is not None)
    @rule()
    def it_is_deleted(self) -> None:
        self.pod = evolve(self.pod, metadata=evolve(self.pod.metadata, deletion_timestamp=0))

    @precondition(lambda self: self.pod is not None)
    @rule()
    def it_is_deleted_by_force(self) -> None:
        self.pod = None

    @precondition(lambda self: self.pod is not None and not self.pod.finished)
    @rule()
    def somebody_declares_it_failed(self) -> None:
        self.pod = evolve(self.pod, status=evolve(self.pod.status, phase="Failed"))

    @precondition(lambda self: self.pod is not None and self.runtime.stage is Stage.RUNNING)
    @rule(probe=st.booleans())
    def something_fails(self, *, probe: bool) -> None:
        before = self.seen()
        self.runtime = probe_failed(self.pod, self.runtime) if probe else crash(self.pod, self.runtime)
        assert refines(before, self.seen())

    @rule(which=st.integers(0, 5), lost=st.booleans())
    def the_kubelet_acts(self, which: int, *, lost: bool) -> None:
        found = steps(self.pod, self.runtime, self.node, (), self.images)
        if not found:
            return
        before, step = self.seen(), found[which % len(found)]
        self.runtime = step.runtime
        if isinstance(step.request, PatchStatus) and not lost:
            self.pod = step.request.object
        elif isinstance(step.request, Delete) and not lost:
            assert self.runtime.stage is Stage.STOPPED
            self.pod = None
        assert refines(before, self.seen())

    @invariant()
    def a_final_phase_stays(self) -> None:
        if self.pod is None:
            return
        assert self.phase not in FINISHED or self.pod.status.phase == self.phase
        self.phase = self.pod.status.phase

    def teardown(self) -> None:
        """Left alone, a Pod that is to go does go: the object, the containers and the memory of it."""
        if self.pod is not None:
            self.it_is_deleted()
        for _ in range(20):
            self.the_kubelet_acts(0, lost=False)
        assert (self.pod, self.runtime) == (None, IDLE)


TestLockstep = Lockstep.TestCase


def test_the_model_has_as_many_states_as_counted() -> None:
    """From a fresh Pod with a hook and nobody interfering: it starts, waits or is rejected, and is reported."""
    seen, pending = {State(has_hook=True)}, [State(has_hook=True)]
    while pending:
        state = pending.pop()
        for action in model_steps(state):
            if (after := action.apply(state)) not in seen:
                seen.add(after)
                pending.append(after)
    fresh, waiting = 1, 1
    up = 2 * 3  # ready or not; said to be pending, running, or running and ready
    down = 3 + 3 + 2  # ended well or ill, with each of three stale reports; and reported
    assert len(seen) == fresh + waiting + up + down


def test_a_deletion_passes_through_the_hook_before_the_object_goes() -> None:
    state = State("deleting", "Running", True, "up", True, has_hook=True)  # noqa: FBT003
    trail = []
    while state.object != "gone":
        action = next(
            one
            for one in model_steps(state)
            if type(one).__name__ not in {"Exit", "Unready", "Report"} or (state.containers == "down")
        )
        trail.append(type(action).__name__)
        state = action.apply(state)
    assert trail == ["BeginStop", "Terminate", "Stop", "Report", "Remove"]
    assert ACTIONS[-1].enabled(state)
