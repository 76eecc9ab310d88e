"""The kubelets of all nodes: each goes on with its Pods, step by step, and waits where the manifest says so."""

from __future__ import annotations

from attrs import evolve

from ...impl.api.core import Node, Pod
from ...impl.api.requests import PatchStatus
from ...impl.api.runtime import IDLE
from ...impl.apiserver.access.authentication import node_user
from ...impl.kubelet.runtime import KubeletStep, occupies
from ...impl.kubelet.worker import steps
from .controllers import TAINTED
from .plane import Plane, cache_of
from .stamps import stamped, unstamped


def worked(plane: Plane, now: float) -> Plane:
    """Let the kubelet of every node go on with each of its Pods, and forget what ran for those that are gone."""
    cache = cache_of(plane.server)
    nodes = {node.metadata.name: node for node in cache.list(Node)}
    mine = [pod for pod in cache.list(Pod) if pod.spec.node_name in nodes]
    for pod in mine:
        plane = _of_pod(plane, pod, nodes[pod.spec.node_name], mine, now)
    there = {pod.metadata.uid for pod in cache.list(Pod)}
    for uid in sorted({*plane.runtimes, *(holder for holder, _ in plane.waits)} - there):
        runtimes = plane.runtimes.delete(uid) if uid in plane.runtimes else plane.runtimes
        plane = evolve(plane.waiting(uid, (), now), runtimes=runtimes)
    return plane


def _of_pod(plane: Plane, pod: Pod, node: Node, mine: list[Pod], now: float) -> Plane:
    """Take the first step that the kubelet can take for a Pod by now."""
    uid = pod.metadata.uid
    runtime = plane.runtimes.get(uid, IDLE)
    beside = tuple(
        other
        for other in mine
        if other.spec.node_name == node.metadata.name
        and other.metadata.uid != uid
        and occupies(plane.runtimes.get(other.metadata.uid, IDLE))
    )
    found = steps(unstamped(pod), runtime, node, beside)
    tainted = [TAINTED] if (uid, TAINTED) in plane.waits else []
    plane = plane.waiting(uid, [*tainted, *(step.work.name for step in found if _seconds(step))], now)
    for step in found:
        if now >= plane.waits.get((uid, step.work.name), now) + _seconds(step):
            return _taken(plane, step, pod, node, now)
    return plane


def _address(node: Node) -> str:
    """Return the address of a node; "" of one whose kubelet reports none."""
    found = node.status.extra.get("addresses") or ()
    return str(next((address.get("address", "") for address in found if address.get("type") == "InternalIP"), ""))


def _seconds(step: KubeletStep) -> float:
    """Return how long a step waits; what may come at any time comes at once."""
    return step.delay.seconds if step.delay is not None and step.delay.exact else 0


def _taken(plane: Plane, step: KubeletStep, pod: Pod, node: Node, now: float) -> Plane:
    plane = evolve(plane, runtimes=plane.runtimes.set(pod.metadata.uid, step.runtime))
    asked = step.request
    if asked is None:
        return plane
    if isinstance(asked, PatchStatus) and isinstance(asked.object, Pod):
        asked = evolve(asked, object=stamped(asked.object, pod.status, int(now), _address(node)))
    return plane.send(node_user(node.metadata.name), asked, int(now))[0]
