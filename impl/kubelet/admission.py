"""May this Pod run on this node? The kubelet's own answer, whatever the scheduler said.

Upstream: pkg/kubelet/lifecycle/predicate.go and AdmissionCheck of pkg/scheduler, Admit of
pkg/kubelet/eviction/eviction_manager.go, IsCriticalPod of pkg/kubelet/types/pod_update.go (v1.32). The first broken
rule counts.
Left out on purpose: extended resources, topology manager, OS checks, critical Pods that push others out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, product

from attrs import frozen

from ..api.core import Node, NodeSelectorTerm, Pod, Taint, Toleration
from ..api.values.qos import BEST_EFFORT, pod_requests, qos_class
from ..api.values.quantity import ZERO, Quantity
from ..api.values.selectors import matches_map, matches_requirement
from ..api.well_known import MEMORY_PRESSURE


@frozen
class Rejection:
    """Why a Pod may not run here: the `reason` and `message` its status gets."""

    reason: str
    message: str


def admit(pod: Pod, node: Node, neighbours: Iterable[Pod]) -> Rejection | None:
    """Return the first reason to reject a Pod, None to admit it; `neighbours` are the Pods it runs already."""
    return next(_rejections(pod, node, tuple(neighbours)), None)


def crowded(pods: tuple[Pod, ...], node: Node) -> bool:
    """Tell whether one of some Pods would be rejected beside all the others, without asking each beside the rest."""
    has = node.status.allocatable
    if "pods" in has and len(pods) > has["pods"].value():
        return True
    asked = [pod_requests(pod.spec) for pod in pods]
    for resource in COUNTED:
        wanted = sum(_amount(resource, amounts.get(resource)) for amounts in asked)
        if wanted > _amount(resource, has.get(resource)):
            return True
    taken = [ports for pod in pods if (ports := tuple(_host_ports(pod)))]
    clashing = any(_clash(mine, theirs) for pair in combinations(taken, 2) for mine, theirs in product(*pair))
    return clashing or any(admit(pod, node, ()) for pod in pods)


EVICTED = "Evicted"
COUNTED = ("cpu", "memory", "ephemeral-storage")
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
CRITICAL = 2_000_000_000
"""The least priority of Pods that a system needs."""


def under_pressure(pod: Pod, node: Node) -> Rejection | None:
    """Return why a node that is short of memory, disk or processes takes no new Pod, whatever that tolerates.

    Where only memory is short, those that ask for some, or tolerate that, may come. A kubelet that has just started
    does not know yet: what runs there is not asked.
    """
    short = [kind for kind in PRESSURES if (told := node.status.condition(kind)) and told.status == "True"]
    if not short or (pod.spec.priority or 0) >= CRITICAL:
        return None
    tolerates = _tolerated(Taint(MEMORY_PRESSURE, "NoSchedule"), pod)
    if short == [PRESSURES[0]] and (tolerates or qos_class(pod.spec) != BEST_EFFORT):
        return None
    return Rejection(EVICTED, f"Pod was rejected: The node had condition: [{' '.join(short)}]. ")


def _rejections(pod: Pod, node: Node, neighbours: tuple[Pod, ...]) -> Iterator[Rejection]:
    yield from _out_of(pod, node, neighbours)
    if not _node_matches(pod, node):
        yield _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    if any(
        _clash(mine, theirs)
        for mine in _host_ports(pod)
        for neighbour in neighbours
        for theirs in _host_ports(neighbour)
    ):
        yield _failed("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    if not all(_tolerated(taint, pod) for taint in node.spec.taints if taint.effect == "NoExecute"):
        yield _failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def _failed(predicate: str, why: str) -> Rejection:
    return Rejection(predicate, f"Pod was rejected: Predicate {predicate} failed: {why}")


# --- resources ----------------------------------------------------------------------------------------------------


def _out_of(pod: Pod, node: Node, neighbours: tuple[Pod, ...]) -> Iterator[Rejection]:
    has = node.status.allocatable
    asked = pod_requests(pod.spec)
    if "pods" in has and len(neighbours) + 1 > has["pods"].value():
        yield _short("pods", 1, len(neighbours), has["pods"].value())
    for resource in COUNTED:
        wanted = _amount(resource, asked.get(resource))
        if wanted <= 0:
            continue
        used = sum(_amount(resource, pod_requests(neighbour.spec).get(resource)) for neighbour in neighbours)
        room = _amount(resource, has.get(resource))
        if wanted + used > room:
            yield _short(resource, wanted, used, room)


def _amount(resource: str, quantity: Quantity | None) -> int:
    """Count cpu in thousandths, all else in units."""
    found = quantity or ZERO
    return found.milli_value() if resource == "cpu" else found.value()


def _short(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    numbers = f"requested: {requested}, used: {used}, capacity: {capacity}"
    return Rejection(f"OutOf{resource}", f"Pod was rejected: Node didn't have enough resource: {resource}, {numbers}")


# --- the node's labels, ports and taints --------------------------------------------------------------------------


def _node_matches(pod: Pod, node: Node) -> bool:
    if not matches_map(pod.spec.node_selector, node.metadata.labels):
        return False
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    required = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    return required is None or any(_term_matches(term, node) for term in required.node_selector_terms)


def _term_matches(term: NodeSelectorTerm, node: Node) -> bool:
    fields = {"metadata.name": node.metadata.name}
    some = bool(term.match_expressions or term.match_fields)
    by_label = all(matches_requirement(expression, node.metadata.labels) for expression in term.match_expressions)
    return some and by_label and all(matches_requirement(field, fields) for field in term.match_fields)


def _host_ports(pod: Pod) -> Iterator[tuple[str, str, int]]:
    for container in (*pod.spec.containers, *pod.spec.sidecars):
        for port in container.ports:
            if number := port.host_port or (port.container_port if pod.spec.host_network else 0):
                yield (port.host_ip or "0.0.0.0", port.protocol or "TCP", number)  # noqa: S104 - the wildcard it means


def _clash(mine: tuple[str, str, int], theirs: tuple[str, str, int]) -> bool:
    everywhere = "0.0.0.0"  # noqa: S104 - the wildcard of host ports
    overlap = mine[0] == theirs[0] or everywhere in {mine[0], theirs[0]}
    return overlap and mine[1:] == theirs[1:]


def _tolerated(taint: Taint, pod: Pod) -> bool:
    return any(_tolerates(toleration, taint) for toleration in pod.spec.tolerations)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect not in {"", taint.effect} or toleration.key not in {"", taint.key}:
        return False
    if toleration.operator == "Exists":
        return True
    return toleration.operator in {"", "Equal"} and toleration.key == taint.key and toleration.value == taint.value
