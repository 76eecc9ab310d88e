"""The steps of a kubelet's work on one Pod, and the faults that may befall what runs (`impl.api.runtime`).

Upstream: pkg/kubelet/pod_workers.go (v1.32).
"""

from __future__ import annotations

from enum import Enum

from attrs import evolve, frozen

from ..api.core import Pod
from ..api.requests import Request
from ..api.runtime import IDLE, PodRuntime, Stage
from .actions import restarts
from .behaviour import KILLED
from .starting import starts_in


class Work(Enum):
    """Which step of a kubelet it is, as it is called."""

    START = "start containers"
    PULL = "pull image"
    REJECT = "reject"
    NEVER_START = "never start"
    BECOME_READY = "become ready"
    COME_UP = "programs have started up"
    RESTART = "restart with another image"
    CRASH = "containers crash"
    EXIT = "containers exit"
    DEADLINE = "activeDeadlineSeconds pass"
    NOTICE_DELETION = "notice deletion"
    SIGTERM = "SIGTERM"
    STOP = "containers stop"
    REPORT = "report status"
    DELETE = "delete pod"
    DELETE_REJECTED = "delete rejected pod"
    KILL_ORPHAN = "kill orphan"
    ORPHAN_STOPS = "orphan stops"
    FORGET = "forget"


@frozen
class Delay:
    """What a step waits for: exactly `seconds` after it became possible, or any time up to them when not `exact`."""

    name: str
    seconds: float
    exact: bool = True


@frozen
class KubeletStep:
    """One thing the kubelet may do next: the runtime it leaves, what it asks of the API server, what it waits for."""

    work: Work
    runtime: PodRuntime
    request: Request | None = None
    delay: Delay | None = None

    @property
    def label(self) -> str:
        """Say the step, for people: of a rejection also why."""
        return f"{self.work.value} {self.runtime.reason}" if self.work is Work.REJECT else self.work.value


def serving(runtime: PodRuntime) -> bool:
    """Tell whether a new connection to the Pod is accepted now.

    Yes while it runs or sits in its preStop hook, ready or not; no from the SIGTERM on. Programs may keep accepting
    after SIGTERM, but nothing makes them, so this is the careful answer. One that loops or is unhealthy does not serve.
    """
    return runtime.stage in {Stage.RUNNING, Stage.PRE_STOP} and not runtime.reason and not runtime.cold


def occupies(runtime: PodRuntime) -> bool:
    """Tell whether the kubelet counts the Pod when it admits another one: admitted, and its containers not all gone."""
    return runtime.stage in {Stage.STARTING, Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING}


def stopped(runtime: PodRuntime, exit_code: int, reason: str = "") -> PodRuntime:
    """Return what is left of a Pod of whose containers none runs any more; `reason` says why, if anything new does."""
    left = evolve(runtime, stage=Stage.STOPPED, ready=False, failing=False, cold=False, exit_code=exit_code)
    return evolve(left, reason=reason) if reason else left


def crash(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Let a container exit with code 1: it is restarted and unready, or under Never the Pod has stopped."""
    if runtime.stage is not Stage.RUNNING:
        return runtime
    if not restarts(pod.spec.restart_policy, 1):
        return stopped(runtime, 1)
    return started_again(pod, runtime)


def started_again(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Return what runs once a container has been restarted: not ready, and its programs have to start up anew."""
    again = evolve(runtime, ready=False, failing=False, warm=False, restarts=runtime.restarts + 1)
    return evolve(again, cold=starts_in(pod) > 0)


def probe_failed(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Let a readiness probe of a Pod that is ready reach its failure threshold; `steps` lets it succeed again.

    Upstream: doProbe in pkg/kubelet/prober/worker.go (v1.32). Where no container has such a probe nothing fails; one
    that was to go is not asked any more, for nothing hangs on it.
    """
    asked = any(container.readiness_probe is not None for container in (*pod.spec.containers, *pod.spec.sidecars))
    if not asked or not runtime.ready or runtime.stage is not Stage.RUNNING:
        return runtime
    return evolve(runtime, ready=False, failing=True)


TERMINATED = 143
"""The exit code of a program that ends because of SIGTERM: so does one that would have ended by itself."""


def rebooted(pod: Pod, runtime: PodRuntime) -> PodRuntime:
    """Return what is left when a node reboots: its kubelet admits and starts anew what had not stopped.

    Not so a Pod that was being killed, nor one whose containers ran and are not restarted: these have stopped.
    """
    if runtime.stage in {Stage.IDLE, Stage.STOPPED}:
        return runtime
    ran = runtime.stage is Stage.RUNNING and pod.spec.restart_policy == "Never"
    if ran or runtime.stage in {Stage.PRE_STOP, Stage.TERMINATING}:
        return stopped(runtime, KILLED)
    return IDLE
