"""What really runs on a node for one Pod, and the faults that may befall it.

Upstream: pkg/kubelet/pod_workers.go (v1.32): syncing, terminating, terminated. The containers of a Pod move together.
Left out on purpose: single containers, container ids, the sandbox.
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, field, frozen

from ..api.core import Pod
from ..api.requests import Request


class Stage(Enum):
    """How far the Pod's containers are. They go forward only; IDLE again means that the kubelet forgot the Pod."""

    IDLE = "idle"
    """Nothing runs: not admitted yet, or forgotten."""
    STARTING = "starting"
    """Admitted, but the containers wait (`reason` says for what)."""
    RUNNING = "running"
    """The containers run."""
    PRE_STOP = "pre-stop"
    """The Pod is being killed: preStop hooks run, no signal yet."""
    TERMINATING = "terminating"
    """SIGTERM was sent; the containers may end at any time within what is left of the grace period."""
    STOPPED = "stopped"
    """No container runs, and none of this Pod will again."""


@frozen
class PodRuntime:
    """One Pod on its node. `ready` is what the probes say, `reason` why it waits, loops or was rejected, or ""."""

    stage: Stage = Stage.IDLE
    uid: str = ""
    ready: bool = False
    exit_code: int = 0
    restarts: int = 0
    reason: str = ""
    message: str = field(default="", eq=False)
    """For humans; two runtimes that differ in it are one."""


IDLE = PodRuntime()


@frozen
class Delay:
    """What a step waits for: exactly `seconds` after it became possible, or any time up to them when not `exact`."""

    name: str
    seconds: float
    exact: bool = True


@frozen
class KubeletStep:
    """One thing the kubelet may do next: the runtime it leaves, what it asks of the API server, what it waits for."""

    label: str
    runtime: PodRuntime
    request: Request | None = None
    delay: Delay | None = None


def serving(runtime: PodRuntime) -> bool:
    """Tell whether a new connection to the Pod is accepted now.

    Yes while it runs or sits in its preStop hook, ready or not; no from the SIGTERM on. Programs may keep accepting
    after SIGTERM, but nothing makes them, so this is the careful answer. One that loops or is unhealthy does not serve.
    """
    return runtime.stage in {Stage.RUNNING, Stage.PRE_STOP} and not runtime.reason


def occupies(runtime: PodRuntime) -> bool:
    """Tell whether the kubelet counts the Pod when it admits another one: admitted, and its containers not all gone."""
    return runtime.stage in {Stage.STARTING, Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


def crash(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Let a container exit with code 1: it is restarted and unready, or under Never the Pod has stopped."""
    if runtime.stage is not Stage.RUNNING:
        return runtime
    if pod.spec.restart_policy == "Never":
        return evolve(runtime, stage=Stage.STOPPED, ready=False, exit_code=1)
    return evolve(runtime, ready=False, restarts=runtime.restarts + 1)


def probe_failed(runtime: PodRuntime) -> PodRuntime:
    """Let the readiness probe reach its failure threshold; `steps` lets it succeed again."""
    return evolve(runtime, ready=False)


def rebooted(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Bring the machine back up: what ran starts again, unless the Pod had stopped or was being killed."""
    if runtime.stage in {Stage.PRE_STOP, Stage.TERMINATING}:
        return evolve(runtime, stage=Stage.STOPPED, ready=False)
    if runtime.stage is Stage.RUNNING:
        return crash(pod, runtime)
    return runtime
