"""How the kubelet's implementation is seen as its model: one Pod object and its runtime are one model state."""

from __future__ import annotations

from ...impl.api.core import Pod
from ...impl.api.runtime import PodRuntime, Stage
from ...impl.kubelet.status import rejected
from ...impl.kubelet.timings import waits_for_hook
from ...model.components.nodes.kubelet import State, steps

CONTAINERS = {
    Stage.IDLE: "none",
    Stage.STARTING: "waiting",
    Stage.RUNNING: "up",
    Stage.PRE_STOP: "hook",
    Stage.TERMINATING: "closing",
    Stage.STOPPED: "down",
}


def abstract(pod: Pod | None, runtime: PodRuntime, *, has_hook: bool = False) -> State:
    """See a Pod, as the kubelet does, and what runs as a state of the model; `has_hook` is for one that is gone."""
    present = pod is not None and runtime.uid in {"", pod.metadata.uid}
    failed = bool(runtime.exit_code) or rejected(runtime)
    seen = State(containers=CONTAINERS[runtime.stage], ready=runtime.ready, failed=failed)
    if pod is None or not present:
        return State("gone", "Pending", False, seen.containers, seen.ready, seen.failed, has_hook)  # noqa: FBT003
    return State(
        object="deleting" if pod.metadata.terminating else "live",
        phase=pod.status.phase or "Pending",
        shown_ready=pod.ready,
        containers=seen.containers,
        ready=seen.ready,
        failed=seen.failed,
        has_hook=waits_for_hook(pod.spec),
    )


def refines(before: State, after: State) -> bool:
    """The model, too, can go from before to after, or stay."""
    return before == after or any(action.apply(before) == after for action in steps(before))
