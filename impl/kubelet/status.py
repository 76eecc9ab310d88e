"""What the kubelet says of a Pod.

Upstream: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase), pkg/kubelet/status/generate.go (v1.32).
Left out on purpose: time stamps (there is no clock), container ids, image digests.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from attrs import evolve
from immutabledict import immutabledict

from ..api.core import Container, ContainerStatus, Pod, PodCondition, PodSpec, PodStatus
from ..api.runtime import PodRuntime, Stage
from ..api.values.frozen import Json, freeze

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
"""The conditions the kubelet writes, in its order; PodScheduled and all others are left as they are."""

DEADLINE_EXCEEDED = "DeadlineExceeded"
REJECTIONS = frozenset({"NodeAffinity", "NodePorts", "TaintToleration", "OutOfpods"})


def rejected(runtime: PodRuntime) -> bool:
    """Tell whether the Pod was never admitted."""
    return runtime.reason in REJECTIONS or runtime.reason.startswith("OutOf")


def pod_ip(pod: Pod) -> str:
    """Give a Pod an address: always the same for the same Pod, drawn from 10.128.0.0/9 by its identity."""
    number = zlib.crc32((pod.metadata.uid or f"{pod.metadata.namespace}/{pod.metadata.name}").encode())
    return f"10.{128 + (number >> 16) % 128}.{(number >> 8) % 256}.{number % 256}"


def status(pod: Pod, runtime: PodRuntime, *, address: str = "", gates_open: bool = False) -> PodStatus:
    """Give the status the kubelet wants the Pod to have; `address` "" stands for `pod_ip`.

    `gates_open`: the condition of every readiness gate counts as set, whatever the Pod says.
    """
    phase = _phase(pod, runtime)
    if rejected(runtime):
        return evolve(
            pod.status,
            phase=phase,
            reason=runtime.reason,
            message=runtime.message,
            conditions=_conditions(pod, runtime, phase, gates_open=gates_open),
        )
    has_address = _sandboxed(runtime) or runtime.stage is Stage.STOPPED
    return evolve(
        pod.status,
        phase=phase,
        reason=runtime.reason if runtime.reason == DEADLINE_EXCEEDED else pod.status.reason,
        conditions=_conditions(pod, runtime, phase, gates_open=gates_open),
        init_container_statuses=tuple(_init_status(one, runtime) for one in pod.spec.init_containers),
        container_statuses=tuple(_container_status(one, runtime) for one in pod.spec.containers),
        pod_ip=pod.status.pod_ip or ((address or pod_ip(pod)) if has_address else ""),
    )


def _sandboxed(runtime: PodRuntime) -> bool:
    """Tell whether the Pod's sandbox runs, and with it its network: it comes before the images are pulled."""
    pulling = runtime.stage is Stage.STARTING and runtime.reason == "ImagePullBackOff"
    return pulling or runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


def _phase(pod: Pod, runtime: PodRuntime) -> str:
    """Give the phase; one that is final stays so, whatever runs."""
    if pod.finished:
        return pod.status.phase
    if runtime.stage is Stage.STOPPED:
        return "Failed" if rejected(runtime) or runtime.exit_code else "Succeeded"
    return "Pending" if runtime.stage in {Stage.IDLE, Stage.STARTING} else "Running"


# --- conditions ---------------------------------------------------------------------------------------------------


def _conditions(pod: Pod, runtime: PodRuntime, phase: str, *, gates_open: bool) -> tuple[PodCondition, ...]:
    others = tuple(one for one in pod.status.conditions if one.type not in OWNED)
    return (*_own_conditions(pod, runtime, phase, () if gates_open else _closed_gates(pod)), *others)


def _own_conditions(pod: Pod, runtime: PodRuntime, phase: str, gates: tuple[str, ...]) -> Iterable[PodCondition]:
    yield PodCondition(OWNED[0], "True" if _sandboxed(runtime) else "False")
    waits = runtime.stage in {Stage.IDLE, Stage.STARTING} and bool(pod.spec.init_containers)
    yield PodCondition(OWNED[1], "False", "ContainersNotInitialized") if waits else _initialized(runtime, phase)
    yield _readiness("Ready", pod, runtime, phase, gates)
    yield _readiness("ContainersReady", pod, runtime, phase)


def _initialized(runtime: PodRuntime, phase: str) -> PodCondition:
    if rejected(runtime):
        return PodCondition("Initialized", "False", "PodFailed")
    return PodCondition("Initialized", "True", "PodCompleted" if phase == "Succeeded" else "")


def _readiness(kind: str, pod: Pod, runtime: PodRuntime, phase: str, gates: tuple[str, ...] = ()) -> PodCondition:
    if phase in {"Succeeded", "Failed"}:
        return PodCondition(kind, "False", "PodCompleted" if phase == "Succeeded" else "PodFailed")
    if ready(runtime):
        return PodCondition(kind, "False", "ReadinessGatesNotReady", ", ".join(gates)) if gates else _true(kind)
    names = " ".join(one.name for one in pod.spec.containers)
    return PodCondition(kind, "False", "ContainersNotReady", f"containers with unready status: [{names}]")


def _true(kind: str) -> PodCondition:
    return PodCondition(kind, "True")


def readiness_gates(spec: PodSpec) -> tuple[str, ...]:
    """Name the conditions that a Pod's readiness waits for beside its containers."""
    return tuple(gate.get("conditionType", "") for gate in spec.extra.get("readinessGates") or ())


def _closed_gates(pod: Pod) -> tuple[str, ...]:
    """Say of each readiness gate that is not open why not; their conditions are other controllers' business."""
    found = [(kind, pod.status.condition(kind)) for kind in readiness_gates(pod.spec)]
    return tuple(
        f'the status of pod readiness gate "{kind}" is not "True", but {condition.status}'
        if condition
        else f'corresponding condition of pod readiness gate "{kind}" does not exist.'
        for kind, condition in found
        if condition is None or condition.status != "True"
    )


def ready(runtime: PodRuntime) -> bool:
    """Tell whether the containers count as ready: while they run, also during termination; a stopped one never."""
    return runtime.ready and runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


# --- containers ---------------------------------------------------------------------------------------------------


def _container_status(container: Container, runtime: PodRuntime) -> ContainerStatus:
    running = (
        runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING} and runtime.reason != "CrashLoopBackOff"
    )
    return ContainerStatus(
        name=container.name,
        ready=ready(runtime),
        started=running,
        restart_count=runtime.restarts,
        state=_state(runtime),
        image=container.image,
    )


def _state(runtime: PodRuntime) -> immutabledict[str, Json]:
    state: dict[str, Json]
    if runtime.stage is Stage.STOPPED:
        name = "Error" if runtime.exit_code else "Completed"
        state = {"terminated": {"exitCode": runtime.exit_code, "reason": name}}
    elif runtime.stage in {Stage.IDLE, Stage.STARTING} or runtime.reason == "CrashLoopBackOff":
        state = {"waiting": {"reason": runtime.reason or "ContainerCreating"}}
    else:
        state = {"running": {}}
    frozen: immutabledict[str, Json] = freeze(state)
    return frozen


def _init_status(container: Container, runtime: PodRuntime) -> ContainerStatus:
    waits = runtime.stage in {Stage.IDLE, Stage.STARTING}
    state = (
        {"waiting": {"reason": "PodInitializing"}} if waits else {"terminated": {"exitCode": 0, "reason": "Completed"}}
    )
    return ContainerStatus(
        name=container.name, ready=not waits, started=False, state=freeze(state), image=container.image
    )
