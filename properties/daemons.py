"""On which nodes a DaemonSet wants a Pod, in the words of its documentation, and what each node is still short of.

Upstream's words: kubernetes.io/docs/concepts/workloads/controllers/daemonset (Taints and tolerations), v1.32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import evolve

from ..impl.api import well_known as known
from ..impl.api.apps import DaemonSet
from ..impl.api.core import Node, Pod, Toleration
from ..impl.api.meta import ObjectMeta
from .placement.nodes import keeps_out

TOLERATED = {
    known.NOT_READY: "NoExecute",
    known.UNREACHABLE: "NoExecute",
    known.DISK_PRESSURE: "NoSchedule",
    known.MEMORY_PRESSURE: "NoSchedule",
    known.PID_PRESSURE: "NoSchedule",
    known.UNSCHEDULABLE: "NoSchedule",
    known.NETWORK_UNAVAILABLE: "NoSchedule",
}
"""What every Pod of a DaemonSet tolerates, the last only on the host's network."""


def wants_one(one: DaemonSet, node: Node) -> bool:
    """Whether there is to be a Pod on a node: nothing about the node alone keeps one off, room apart."""
    return not any(keeps_out(_daemon(one), node))


def may_keep_one(one: DaemonSet, node: Node) -> bool:
    """Whether a Pod that is on a node may stay: taints that only keep new ones out take none away."""
    mild = tuple(taint for taint in node.spec.taints if taint.effect != "NoSchedule")
    return wants_one(one, evolve(node, spec=evolve(node.spec, taints=mild)))


def _daemon(one: DaemonSet) -> Pod:
    """A Pod of the template, with what is added to it."""
    spec = one.spec.template.spec
    added = tuple(
        Toleration(key, "Exists", "", effect)
        for key, effect in TOLERATED.items()
        if spec.host_network or key != known.NETWORK_UNAVAILABLE
    )
    return Pod(ObjectMeta(name=one.metadata.name), evolve(spec, tolerations=(*spec.tolerations, *added)))


def meant_for(pod: Pod) -> frozenset[str]:
    """The nodes that a Pod can be on by name: the one that it is on, else those that its affinity names."""
    if pod.spec.node_name:
        return frozenset({pod.spec.node_name})
    affinity = pod.spec.affinity and pod.spec.affinity.node_affinity
    required = affinity and affinity.required_during_scheduling_ignored_during_execution
    terms = required.node_selector_terms if required else ()
    fields = (field for term in terms for field in term.match_fields if field.key == "metadata.name")
    return frozenset(name for field in fields for name in field.values if field.operator == "In")


def missing(one: DaemonSet, nodes: Iterable[Node], mine: Iterable[Pod], is_new: Callable[[Pod], bool]) -> Iterator[str]:
    """Say which nodes want a Pod and have none, or not of the template; have one too many; or have one and want none.

    `mine` are the set's Pods that are neither over nor being deleted.
    """
    name, here = f"DaemonSet {one.metadata.name}", _by_node(mine)
    for node in nodes:
        where = node.metadata.name
        there = here.get(where, [])
        if wants_one(one, node) and not there:
            yield f"{name} has no Pod on {where}"
        elif there and not may_keep_one(one, node):
            yield f"{name} still keeps {there[0].metadata.name} on {where}, where none is wanted"
        elif len(there) > 1:
            yield f"{name} has {len(there)} Pods on {where}"
        elif one.spec.update_strategy.type == "RollingUpdate" and not all(map(is_new, there)) and wants_one(one, node):
            yield f"{name} still keeps {there[0].metadata.name} on {where} of an old template"


def miscounted(one: DaemonSet, nodes: Iterable[Node], mine: Iterable[Pod]) -> Iterator[str]:
    """Say what a DaemonSet says of its Pods that is not so."""
    wanted = {node.metadata.name for node in nodes if wants_one(one, node)}
    here = {where: pods for where, pods in _by_node(mine).items() if where in wanted}
    status = one.status
    told = (status.desired_number_scheduled, status.current_number_scheduled, status.number_ready)
    real = (len(wanted), len(here), sum(any(pod.ready for pod in pods) for pods in here.values()))
    if told != real:
        yield f"DaemonSet {one.metadata.name} says {_told(told)}; there are {_told(real)}"


def _told(counts: tuple[int, int, int]) -> str:
    wanted, there, ready = counts
    return f"{wanted} nodes want a Pod, {there} have one, {ready} a ready one"


def _by_node(pods: Iterable[Pod]) -> Mapping[str, list[Pod]]:
    found: dict[str, list[Pod]] = {}
    for pod in pods:
        found.setdefault(pod.spec.node_name, []).append(pod)
    return found
