"""Which plugin waits for which events on behalf of the Pods it refused.

Upstream: EventsToRegister of pkg/scheduler/framework/plugins/* and buildQueueingHintMap in pkg/scheduler/scheduler.go
(v1.32). With the feature gate SchedulerQueueingHints off, as it is by default in 1.32, every registered event
queues. Each plugin that waits for new nodes then waits for changed labels and taints too, because the check that comes
before all plugins (`may_host`) drops a new node that is not ready yet.
Left out on purpose: events of DRA and of extenders, and plugins that are not in the default profile.
"""

from __future__ import annotations

from attrs import frozen

from ...api.core import Node, Pod
from ..amounts import requested
from ..framework import NodeInfo
from ..plugins.node_affinity import allows
from ..plugins.node_ports import conflict, host_ports
from ..plugins.node_resources_fit import filter_node as fits
from ..plugins.taint_toleration import tolerated
from . import queueing_hint as hints
from .cluster_event import NODE, POD, ActionType, ClusterEvent
from .queueing_hint import Hint, always

ADD, DELETE = ActionType.ADD, ActionType.DELETE
LABEL, TAINT = ActionType.UPDATE_NODE_LABEL, ActionType.UPDATE_NODE_TAINT
CHANGED = ADD | ActionType.UPDATE
CLAIM, VOLUME, CLASS = "PersistentVolumeClaim", "PersistentVolume", "StorageClass"


@frozen
class Registration:
    """An event that a plugin waits for on behalf of the Pods it refused, and whether a given one is worth a try."""

    plugin: str
    event: ClusterEvent
    worth: Hint = always


Row = tuple[str, str, ActionType, Hint]

ALWAYS: tuple[Row, ...] = (
    ("NodeUnschedulable", NODE, ADD | TAINT, hints.no_longer_cordoned),
    ("NodeName", NODE, ADD, always),
    ("TaintToleration", NODE, ADD | TAINT, hints.no_longer_repelled),
    ("NodeAffinity", NODE, ADD | LABEL, hints.now_selected),
    ("NodePorts", POD, DELETE, hints.frees_a_port),
    ("NodePorts", NODE, ADD, always),
    ("NodeResourcesFit", POD, DELETE, hints.was_bound),
    ("NodeResourcesFit", NODE, ADD | ActionType.UPDATE_NODE_ALLOCATABLE, hints.has_more_room),
    ("VolumeRestrictions", POD, DELETE, always),
    ("VolumeRestrictions", NODE, ADD, always),
    ("VolumeRestrictions", CLAIM, CHANGED, always),
    ("NodeVolumeLimits", "CSINode", CHANGED, always),
    ("NodeVolumeLimits", POD, DELETE, always),
    ("NodeVolumeLimits", CLAIM, ADD, always),
    ("VolumeBinding", CLASS, CHANGED, always),
    ("VolumeBinding", CLAIM, CHANGED, always),
    ("VolumeBinding", VOLUME, CHANGED, always),
    ("VolumeBinding", NODE, ADD | LABEL, always),
    ("VolumeBinding", "CSINode", CHANGED, always),
    ("VolumeZone", CLASS, ADD, always),
    ("VolumeZone", NODE, ADD | LABEL, always),
    ("VolumeZone", CLAIM, CHANGED, always),
    ("VolumeZone", VOLUME, CHANGED, always),
    ("PodTopologySpread", POD, ADD | DELETE | ActionType.UPDATE_POD_LABEL, hints.spread_after_pod),
    ("PodTopologySpread", NODE, ADD | DELETE | LABEL | TAINT, hints.spread_after_node),
    ("InterPodAffinity", POD, ADD | DELETE | ActionType.UPDATE_POD_LABEL, hints.affinity_after_pod),
    ("InterPodAffinity", NODE, ADD | LABEL, hints.affinity_after_node),
)
WITH_HINTS: tuple[Row, ...] = (
    ("SchedulingGates", POD, ActionType.UPDATE_POD_SCHEDULING_GATES_ELIMINATED, hints.itself),
    ("NodeUnschedulable", POD, ActionType.UPDATE_POD_TOLERATION, hints.tolerates_cordon),
    ("TaintToleration", POD, ActionType.UPDATE_POD_TOLERATION, hints.itself),
    ("PodTopologySpread", POD, ActionType.UPDATE_POD_TOLERATION, hints.spread_after_pod),
)
"""Without hints every change of a waiting Pod is worth a try, whoever refused it."""


def registrations(*, queueing_hints: bool) -> tuple[Registration, ...]:
    """Return what the plugins of the default profile register, in the order of the profile."""
    if queueing_hints:
        return tuple(
            Registration(name, ClusterEvent(kind, what), hint) for name, kind, what, hint in (*ALWAYS, *WITH_HINTS)
        )
    return tuple(Registration(name, ClusterEvent(kind, _more(kind, what))) for name, kind, what, _ in ALWAYS)


def _more(kind: str, what: ActionType) -> ActionType:
    return what | LABEL | TAINT if kind == NODE and ADD in what else what


def may_host(pod: Pod, node: Node, pods: tuple[Pod, ...]) -> bool:
    """Tell whether a node with these Pods would take another, by its labels, taints, host ports and room.

    Upstream: preCheckForNode and AdmissionCheck in pkg/scheduler/eventhandlers.go. Asked only while hints are off.
    """
    repelling = (taint for taint in node.spec.taints if taint.effect == "NoSchedule")
    if not all(tolerated(taint, pod.spec.tolerations) for taint in repelling) or not allows(pod, node):
        return False
    if pod.spec.node_name not in {"", node.metadata.name}:
        return False
    taken = [port for other in pods for port in host_ports(other)]
    if any(conflict(port, other) for port in host_ports(pod) for other in taken):
        return False
    return fits(requested(pod), pod, NodeInfo(node, pods)) is None
