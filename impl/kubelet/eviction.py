"""Node-pressure eviction: a node that runs out of memory says so, and its kubelet ends Pods until there is enough.

Upstream: pkg/kubelet/eviction/eviction_manager.go, helpers.go (rankMemoryPressure), v1.32: the hard threshold
memory.available<100Mi; first whoever uses more than it asks for, then the lower priority, then who uses most beyond its
request; one Pod at a time, without a grace period, and it is Failed with the reason Evicted.
How much a program uses nobody can read off a manifest: its Pod says so with an annotation, and uses none where it does
not. Left out on purpose: other signals, soft thresholds, the time for which a condition stays, the condition
DisruptionTarget. Who is admitted under pressure is `admission`.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from attrs import evolve

from ..api.core import Node, NodeCondition, Pod
from ..api.runtime import PodRuntime, Stage
from ..api.values.qos import pod_requests
from ..api.values.quantity import Quantity, QuantityError, parse_quantity
from .admission import EVICTED
from .behaviour import KILLED
from .runtime import stopped

USES = "kubeproof/uses-memory"
"""The annotation of a Pod that says how much memory its programs use while they run."""
THRESHOLD = 100 * 2**20
"""--eviction-hard memory.available<100Mi, in bytes."""
RUNS = frozenset({Stage.RUNNING, Stage.PRE_STOP, Stage.TERMINATING})
PRESSURE = "MemoryPressure"

Running = tuple[Pod, PodRuntime]


def used(pod: Pod) -> int:
    """Return the bytes that a Pod's programs use."""
    try:
        return int(parse_quantity(pod.metadata.annotations.get(USES, "0")).value())
    except QuantityError:
        return 0


def short(node: Node, running: Iterable[Running]) -> bool:
    """Tell whether a node has less memory left than it keeps."""
    capacity = node.status.capacity.get("memory") or node.status.allocatable.get("memory")
    return capacity is not None and capacity.value() - sum(_uses(run) for run in running) < THRESHOLD


def victims(running: Iterable[Running]) -> tuple[Pod, ...]:
    """Return the Pods any of which is the next to be ended: those that rank first, and nobody who runs no more."""
    found = [pod for pod, runtime in running if runtime.stage is Stage.RUNNING and used(pod)]
    first = min(map(_rank, found), default=None)
    return tuple(pod for pod in found if _rank(pod) == first)


def evicted(runtime: PodRuntime) -> PodRuntime:
    """Return what is left of a Pod that is ended."""
    return stopped(runtime, KILLED, EVICTED)


def reported(node: Node, *, pressure: bool) -> Node:
    """Return a node that says whether it is short of memory."""
    others = tuple(condition for condition in node.status.conditions if condition.type != PRESSURE)
    reason = "KubeletHasInsufficientMemory" if pressure else "KubeletHasSufficientMemory"
    said = NodeCondition(PRESSURE, "True" if pressure else "False", reason)
    return evolve(node, status=evolve(node.status, conditions=(*others, said)))


def says_so(node: Node) -> bool:
    """Tell whether a node says that it is short of memory."""
    found = node.status.condition(PRESSURE)
    return found is not None and found.status == "True"


def _uses(one: Running) -> int:
    pod, runtime = one
    return used(pod) if runtime.stage in RUNS else 0


def _rank(pod: Pod) -> tuple[bool, int, Fraction]:
    asked = pod_requests(pod.spec).get("memory", Quantity())
    beyond = Fraction(used(pod)) - asked.value()
    return beyond <= 0, pod.spec.priority or 0, -beyond
