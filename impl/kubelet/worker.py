"""Everything the kubelet may do next for one Pod, each a small step.

Upstream: pkg/kubelet/pod_workers.go, pkg/kubelet/status/status_manager.go (v1.32). The order a Pod goes through is
admit, start, report, become ready, report; and once its deletion is seen: preStop, SIGTERM, stopped, report, DELETE.
Left out on purpose: two steps for one Pod at once (a worker does one thing at a time), retries (a failed request leaves
the status unreported, so the step is simply there again).
"""

from __future__ import annotations

from attrs import evolve

from ..api.core import Node, Pod
from ..api.kinds import ref_of
from ..api.requests import Delete, PatchStatus
from ..api.runtime import IDLE, PodRuntime, Stage
from .actions import restarts
from .admission import admit, under_pressure
from .behaviour import KILLED, MOST_RESTARTS, WELL, Behaviour, ImageBehaviour
from .runtime import TERMINATED, Delay, KubeletStep, Work, started_again, stopped
from .starting import is_probed, starts_in
from .status import DEADLINE_EXCEEDED, rejected, status
from .timings import timings, waits_for_hook

_ALIVE = frozenset({Stage.STARTING, Stage.RUNNING})


_NEED_VOLUMES = frozenset({Work.START, Work.PULL})


def steps(
    pod: Pod | None,
    runtime: PodRuntime,
    node: Node,
    neighbours: tuple[Pod, ...] = (),
    behaviour: ImageBehaviour = WELL,
    *,
    address: str = "",
    mounted: bool = True,
) -> tuple[KubeletStep, ...]:
    """Return what the kubelet may do next for a Pod, in a fixed order; nothing when all is done and said.

    `pod` is the Pod as this kubelet sees it (None: not, or no longer, in its watch), `neighbours` the other Pods it
    sees whose runtime `occupies` the node, `address` the Pod's IP ("" derives one from its uid); `mounted` False: its
    volumes are not there yet, so that no container starts (WaitForAttachAndMount in pkg/kubelet/volumemanager).
    """
    if pod is None or (runtime.uid and pod.metadata.uid != runtime.uid):
        return _without_pod(runtime)
    if runtime.stage is Stage.IDLE:
        found = _first(pod, node, neighbours, behaviour)
        return found if mounted else tuple(step for step in found if step.work not in _NEED_VOLUMES)
    reports = _report(pod, runtime, address, behaviour)
    if runtime.stage is Stage.STOPPED:
        return reports or _last(pod, runtime)
    return (*_local(pod, runtime, behaviour), *reports)


def _without_pod(runtime: PodRuntime) -> tuple[KubeletStep, ...]:
    """Kill what runs for a Pod that is gone from the API (its preStop hook is not waited for), then forget it."""
    match runtime.stage:
        case Stage.IDLE:
            return ()
        case Stage.RUNNING | Stage.PRE_STOP:
            return (KubeletStep(Work.KILL_ORPHAN, evolve(runtime, stage=Stage.TERMINATING)),)
        case Stage.TERMINATING:
            ended = stopped(runtime, runtime.exit_code)
            return (KubeletStep(Work.ORPHAN_STOPS, ended, delay=Delay("stop", 30, exact=False)),)
        case Stage.STARTING | Stage.STOPPED:
            return (KubeletStep(Work.FORGET, IDLE),)


def _first(pod: Pod, node: Node, neighbours: tuple[Pod, ...], images: ImageBehaviour) -> tuple[KubeletStep, ...]:
    """Admit a new Pod and start its containers. One that is to go, or is over, never starts."""
    uid = pod.metadata.uid
    if pod.metadata.terminating:
        return (KubeletStep(Work.NEVER_START, PodRuntime(Stage.STOPPED, uid, exit_code=KILLED)),)
    if pod.finished:
        return ()
    if rejection := under_pressure(pod, node) or admit(pod, node, neighbours):
        failed = PodRuntime(Stage.STOPPED, uid, reason=rejection.reason, message=rejection.message)
        return (KubeletStep(Work.REJECT, failed),)
    if not images.of(pod).pulls:
        return (KubeletStep(Work.PULL, PodRuntime(Stage.STARTING, uid, reason="ImagePullBackOff")),)
    return (KubeletStep(Work.START, _started(pod, images)),)


def readmitted(pod: Pod, runtime: PodRuntime, node: Node, neighbours: tuple[Pod, ...]) -> PodRuntime:
    """Return what runs for a Pod after its kubelet has restarted: it admits anew what runs (k/k#124586).

    Upstream: HandlePodAdditions in pkg/kubelet/kubelet.go; a Pod that is already to end is not asked about.
    """
    runs = runtime.stage in _ALIVE and runtime.uid == pod.metadata.uid
    if not runs or pod.metadata.terminating or pod.finished or (rejection := admit(pod, node, neighbours)) is None:
        return runtime
    return PodRuntime(Stage.STOPPED, runtime.uid, reason=rejection.reason, message=rejection.message)


def _started(pod: Pod, images: ImageBehaviour) -> PodRuntime:
    """Start a Pod's containers; without a probe to wait for they are ready as soon as they run."""
    behaviour = images.of(pod)
    ready = behaviour.becomes_ready and _ready_after(pod, images) == 0
    ill = "" if behaviour.becomes_ready or behaviour.exits_with is not None else "Unhealthy"
    cold = starts_in(pod) > 0
    return PodRuntime(Stage.RUNNING, pod.metadata.uid, ready, 0, _restarts(pod), ill, started_with(pod), cold=cold)


def _restarts(pod: Pod) -> int:
    """Return how often the containers have been restarted when they start: what is known of them is their status."""
    return max((status.restart_count + 1 for status in pod.status.container_statuses if status.started), default=0)


def started_with(pod: Pod) -> tuple[str, ...]:
    """Return the images that a Pod's containers are started with, if nobody makes the Pod anew when they change."""
    return () if pod.metadata.controller is not None else tuple(container.image for container in pod.spec.containers)


def _ready_after(pod: Pod, images: ImageBehaviour) -> float:
    probing = timings(pod).ready_seconds if images.probes else 0
    return probing + images.of(pod).extra_ready_seconds


def _local(pod: Pod, runtime: PodRuntime, images: ImageBehaviour) -> tuple[KubeletStep, ...]:
    """Return the steps nobody is told of: they change what runs."""
    if runtime.stage in _ALIVE and (pod.metadata.terminating or pod.finished):
        return (_begin_termination(runtime, pod),)
    match runtime.stage:
        case Stage.STARTING:
            return _deadline(pod, runtime)
        case Stage.PRE_STOP:
            sigterm = evolve(runtime, stage=Stage.TERMINATING)
            return (KubeletStep(Work.SIGTERM, sigterm, delay=Delay("preStop", timings(pod).before_sigterm)),)
        case Stage.TERMINATING:
            limit = Delay("stop", timings(pod).after_sigterm, exact=images.of(pod).uses_whole_grace)
            code = 0 if pod.spec.restart_policy == "Always" else TERMINATED
            ended = stopped(runtime, runtime.exit_code or code)
            return (KubeletStep(Work.STOP, ended, delay=limit),)
        case Stage.RUNNING:
            images_now = started_with(pod)
            if images_now and runtime.images and runtime.images != images_now:
                # Whatever the restart policy says: computePodActions in kuberuntime_manager.go.
                again = evolve(started_again(pod, runtime), reason="", images=images_now)
                return (KubeletStep(Work.RESTART, again),)
            exits = _exit(pod, runtime, images.of(pod))
            return (*_become_ready(pod, runtime, images), *exits, *_deadline(pod, runtime))
        case _:
            return ()


def _begin_termination(runtime: PodRuntime, pod: Pod) -> KubeletStep:
    """Begin with the hook if there is one; where no container runs, there is nothing to wait for."""
    if runtime.stage is Stage.STARTING or runtime.reason == "CrashLoopBackOff":
        code = KILLED if runtime.stage is Stage.STARTING else 1
        return KubeletStep(Work.NOTICE_DELETION, evolve(runtime, stage=Stage.STOPPED, exit_code=code, reason=""))
    next_stage = Stage.PRE_STOP if waits_for_hook(pod.spec) else Stage.TERMINATING
    return KubeletStep(Work.NOTICE_DELETION, evolve(runtime, stage=next_stage))


def _become_ready(pod: Pod, runtime: PodRuntime, images: ImageBehaviour) -> tuple[KubeletStep, ...]:
    """Let the probes succeed; where nothing is probed, let the programs start up some time after that."""
    if runtime.reason or not images.of(pod).becomes_ready:
        return ()
    if runtime.ready:
        up = KubeletStep(Work.COME_UP, evolve(runtime, cold=False), delay=Delay("start-up", starts_in(pod)))
        return (up,) if runtime.cold else ()
    cold = runtime.cold and not any(map(is_probed, pod.spec.containers))
    delay = Delay("readiness", _ready_after(pod, images))
    return (KubeletStep(Work.BECOME_READY, evolve(runtime, ready=True, failing=False, cold=cold), delay=delay),)


def _exit(pod: Pod, runtime: PodRuntime, behaviour: Behaviour) -> tuple[KubeletStep, ...]:
    """Let the program end by itself: for good, or to be tried again for ever (CrashLoopBackOff)."""
    code = behaviour.exits_with
    again = bool(code) and pod.spec.restart_policy == "OnFailure" and runtime.restarts < MOST_RESTARTS
    if code is None or (runtime.reason and not again):
        return ()
    if restarts(pod.spec.restart_policy, code):
        looping = evolve(started_again(pod, runtime), reason="CrashLoopBackOff")
        return (KubeletStep(Work.CRASH, looping),)
    return (KubeletStep(Work.EXIT, stopped(runtime, code)),)


def _deadline(pod: Pod, runtime: PodRuntime) -> tuple[KubeletStep, ...]:
    """Return a Pod up that may be active for so long only (pkg/kubelet/active_deadline.go)."""
    if (seconds := pod.spec.active_deadline_seconds) is None:
        return ()
    over = stopped(runtime, KILLED, DEADLINE_EXCEEDED)
    return (KubeletStep(Work.DEADLINE, over, delay=Delay("deadline", seconds)),)


def _report(pod: Pod, runtime: PodRuntime, address: str, images: ImageBehaviour) -> tuple[KubeletStep, ...]:
    wanted = status(pod, runtime, address=address, gates_open=images.gates_open)
    if wanted == pod.status:
        return ()
    return (KubeletStep(Work.REPORT, runtime, PatchStatus(evolve(pod, status=wanted), pod.metadata.uid)),)


def _last(pod: Pod, runtime: PodRuntime) -> tuple[KubeletStep, ...]:
    """Remove the object of a Pod whose end has been reported; one that nobody deletes stays as a record."""
    gone = pod.metadata.deletion_grace_period_seconds == 0  # Only finalizers hold it.
    if not pod.metadata.terminating or (gone and pod.metadata.finalizers):
        return ()
    work = Work.DELETE_REJECTED if rejected(runtime) else Work.DELETE
    return (KubeletStep(work, runtime, Delete(ref_of(pod), grace_period_seconds=0, uid=pod.metadata.uid)),)
