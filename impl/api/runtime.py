"""What really runs on a node for one Pod: words that the kubelet's implementation and those who judge it share.

Upstream: pkg/kubelet/pod_workers.go (v1.32): syncing, terminating, terminated. The containers of a Pod move together.
Left out on purpose: single containers, container ids, the sandbox.
"""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen


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
    images: tuple[str, ...] = ()
    """What its containers were started with, of a Pod that nobody makes anew: only of such a one it may be changed."""
    warm: bool = False
    """Its programs have started up, of one whose annotations say that they use another amount of cpu until then."""
    failing: bool = False
    """Its readiness probe has failed since it was ready; its programs run on."""
    cold: bool = False
    """Its programs are still starting up, and take no connections. Only where annotations say that this takes time."""
    node: str = ""
    """Where, if the Pod may be gone from the API before its kubelet learns of it."""
    message: str = field(default="", eq=False)
    """For humans; two runtimes that differ in it are one."""


IDLE = PodRuntime()
