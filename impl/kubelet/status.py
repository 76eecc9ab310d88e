"""What the kubelet says of a Pod.

Upstream: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus, getPhase), pkg/kubelet/status/generate.go (v1.32, v1.36).
Left out on purpose: time stamps (there is no clock), container ids, image digests.
"""

from __future__ import annotations

import zlib

from attrs import evolve
from immutabledict import immutabledict

from ..api.core import Container, ContainerStatus, Pod, PodCondition, PodSpec, PodStatus
from ..api.runtime import PodRuntime, Stage
from ..api.values.frozen import EMPTY, Json, freeze
from .admission import EVICTED
from .phase import Told, containers_ready, initialized, pod_phase, pod_ready

OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
"""The conditions the kubelet writes, in its order; PodScheduled and all others are left as they are."""

DEADLINE_EXCEEDED = "DeadlineExceeded"
REJECTIONS = frozenset({"NodeAffinity", "NodePorts", "TaintToleration", "OutOfpods"})


def rejected(runtime: PodRuntime) -> bool:
    """Tell whether the Pod was never admitted; one that is evicted later was killed, and has an exit code."""
    if runtime.reason == EVICTED:
        return not runtime.exit_code
    return runtime.reason in REJECTIONS or runtime.reason.startswith("OutOf")


def pod_ip(pod: Pod) -> str:
    """Return the address of a Pod: always the same for the same Pod, drawn from 10.128.0.0/9 by its identity."""
    number = zlib.crc32((pod.metadata.uid or f"{pod.metadata.namespace}/{pod.metadata.name}").encode())
    return f"10.{128 + (number >> 16) % 128}.{(number >> 8) % 256}.{number % 256}"


def status(pod: Pod, runtime: PodRuntime, *, address: str = "", gates_open: bool = False) -> PodStatus:
    """Return the status the kubelet wants the Pod to have; `address` "" stands for `pod_ip`.

    `gates_open`: the condition of every readiness gate counts as set, whatever the Pod says.
    """
    others = tuple(condition for condition in pod.status.conditions if condition.type not in OWNED)
    if rejected(runtime):
        return evolve(
            pod.status,
            phase=pod.status.phase if pod.finished else "Failed",
            reason=runtime.reason,
            message=runtime.message,
            conditions=(PodCondition(OWNED[0], "False"), *_FAILED, *others),
        )
    told = Told(
        tuple(_init_status(container, runtime) for container in pod.spec.init_containers),
        tuple(_container_status(container, runtime) for container in pod.spec.containers),
    )
    over = runtime.stage is Stage.STOPPED
    phase = pod.status.phase if pod.finished else pod_phase(pod.spec, told, over=over)  # What is final stays so.
    containers = containers_ready(pod.spec, told, phase)
    conditions = (
        PodCondition(OWNED[0], "True" if _sandboxed(runtime) else "False"),
        initialized(pod.spec, told, phase),
        pod_ready(containers, () if gates_open else closed_gates(pod)),
        containers,
    )
    has_address = _sandboxed(runtime) or runtime.stage is Stage.STOPPED
    return evolve(
        pod.status,
        phase=phase,
        reason=runtime.reason if runtime.reason in {DEADLINE_EXCEEDED, EVICTED} else pod.status.reason,
        conditions=(*conditions, *others),
        init_container_statuses=told.init,
        container_statuses=told.regular,
        pod_ip=pod.status.pod_ip or ((address or pod_ip(pod)) if has_address else ""),
    )


def _sandboxed(runtime: PodRuntime) -> bool:
    """Tell whether the Pod's sandbox runs, and with it its network: it comes before the images are pulled."""
    pulling = runtime.stage is Stage.STARTING and runtime.reason == "ImagePullBackOff"
    return pulling or runtime.stage in {Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


# --- conditions ---------------------------------------------------------------------------------------------------


_FAILED = tuple(PodCondition(kind, "False", "PodFailed") for kind in OWNED[1:])
"""What is said of a Pod that was never admitted."""


def readiness_gates(spec: PodSpec) -> tuple[str, ...]:
    """Name the conditions that a Pod's readiness waits for beside its containers."""
    return tuple(gate.get("conditionType", "") for gate in spec.extra.get("readinessGates") or ())


def closed_gates(pod: Pod) -> tuple[str, ...]:
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


_ENDED: immutabledict[str, Json] = freeze({"terminated": {"exitCode": 1, "reason": "Error"}})
"""How a container ended that waits to be started again."""


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
        last_state=_ENDED if runtime.reason == "CrashLoopBackOff" else EMPTY,
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
