"""Cluster events: what may have happened in a cluster that makes a Pod worth another try.

Upstream: pkg/scheduler/framework/{events,types}.go (v1.32): ClusterEvent, NodeSchedulingPropertiesChange,
PodSchedulingPropertiesChange.
Left out on purpose: a Pod's resource claims, and in-place resizing (off in 1.32: no event scales a Pod down).
"""

from __future__ import annotations

from enum import Flag, auto

from attrs import frozen

from ...api.core import Node, Pod


class ActionType(Flag):
    """What happened to an object; an event may stand for several of them."""

    ADD = auto()
    DELETE = auto()
    UPDATE_NODE_ALLOCATABLE = auto()
    UPDATE_NODE_LABEL = auto()
    UPDATE_NODE_TAINT = auto()
    UPDATE_NODE_CONDITION = auto()
    UPDATE_NODE_ANNOTATION = auto()
    UPDATE_POD_LABEL = auto()
    UPDATE_POD_SCALE_DOWN = auto()
    UPDATE_POD_TOLERATION = auto()
    UPDATE_POD_SCHEDULING_GATES_ELIMINATED = auto()
    UPDATE_OTHER = auto()
    """An update that none of the others describes."""
    UPDATE = (
        UPDATE_NODE_ALLOCATABLE
        | UPDATE_NODE_LABEL
        | UPDATE_NODE_TAINT
        | UPDATE_NODE_CONDITION
        | UPDATE_NODE_ANNOTATION
        | UPDATE_POD_LABEL
        | UPDATE_POD_SCALE_DOWN
        | UPDATE_POD_TOLERATION
        | UPDATE_POD_SCHEDULING_GATES_ELIMINATED
        | UPDATE_OTHER
    )
    ALL = ADD | DELETE | UPDATE


POD = "Pod"
ASSIGNED_POD = "AssignedPod"
UNSCHEDULABLE_POD = "UnschedulablePod"
NODE = "Node"
WILD_CARD = "*"


@frozen
class ClusterEvent:
    """Something that happened to a kind of object; `Pod` covers Pods with and without a node."""

    resource: str
    action: ActionType
    label: str = ""
    """A name, for events that stand for no single object."""

    @property
    def wild_card(self) -> bool:
        """Whether it means every Pod, whatever it waits for."""
        return self.resource == WILD_CARD and self.action == ActionType.ALL

    def matches(self, other: ClusterEvent) -> bool:
        """Tell whether who waits for this event is told of the other."""
        if self.wild_card:
            return True
        general = self.resource == POD and other.resource in {ASSIGNED_POD, UNSCHEDULABLE_POD}
        return (general or self.resource in {WILD_CARD, other.resource}) and bool(self.action & other.action)


NODE_ADD = ClusterEvent(NODE, ActionType.ADD)
NODE_DELETE = ClusterEvent(NODE, ActionType.DELETE)
ASSIGNED_POD_ADD = ClusterEvent(ASSIGNED_POD, ActionType.ADD)
ASSIGNED_POD_UPDATE = ClusterEvent(ASSIGNED_POD, ActionType.UPDATE)
ASSIGNED_POD_DELETE = ClusterEvent(ASSIGNED_POD, ActionType.DELETE)
UNSCHEDULED_POD_UPDATE = ClusterEvent(UNSCHEDULABLE_POD, ActionType.UPDATE)
UNSCHEDULABLE_TIMEOUT = ClusterEvent(WILD_CARD, ActionType.ALL, "UnschedulableTimeout")


def node_scheduling_properties_change(old: Node, new: Node) -> tuple[ClusterEvent, ...]:
    """Return one event for each property of a node that placements depend on and that changed; none otherwise."""
    changed = (
        (ActionType.UPDATE_NODE_TAINT, old.spec.unschedulable and not new.spec.unschedulable),
        (ActionType.UPDATE_NODE_ALLOCATABLE, old.status.allocatable != new.status.allocatable),
        (ActionType.UPDATE_NODE_LABEL, old.metadata.labels != new.metadata.labels),
        (ActionType.UPDATE_NODE_TAINT, old.spec.taints != new.spec.taints),
        (ActionType.UPDATE_NODE_CONDITION, _conditions(old) != _conditions(new)),
        (ActionType.UPDATE_NODE_ANNOTATION, old.metadata.annotations != new.metadata.annotations),
    )
    return tuple(ClusterEvent(NODE, action) for action, really in changed if really)


def _conditions(node: Node) -> frozenset[tuple[str, str]]:
    return frozenset((condition.type, condition.status) for condition in node.status.conditions)


def pod_scheduling_properties_change(old: Pod, new: Pod) -> tuple[ClusterEvent, ...]:
    """Return one event for each property of a Pod that placements depend on and that changed; else a general update."""
    resource = ASSIGNED_POD if new.spec.node_name else UNSCHEDULABLE_POD
    changed = (
        (ActionType.UPDATE_POD_LABEL, old.metadata.labels != new.metadata.labels),
        (
            ActionType.UPDATE_POD_SCHEDULING_GATES_ELIMINATED,
            old.spec.scheduling_gates and not new.spec.scheduling_gates,
        ),
        (ActionType.UPDATE_POD_TOLERATION, len(old.spec.tolerations) != len(new.spec.tolerations)),
    )
    events = tuple(ClusterEvent(resource, action) for action, really in changed if really)
    return events or (ClusterEvent(resource, ActionType.UPDATE_OTHER),)
