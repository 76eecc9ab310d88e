"""NodeUnschedulable: a cordoned node takes only Pods that tolerate node.kubernetes.io/unschedulable.

Upstream: pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go (v1.32).
"""

from __future__ import annotations

from ...api.core import Pod, Taint
from ...api.well_known import UNSCHEDULABLE
from ..framework import FilterPlugin, NodeInfo, Refusal
from .taint_toleration import tolerated

NAME = "NodeUnschedulable"
CORDONED = Taint(UNSCHEDULABLE, "NoSchedule")


def filter_node(_state: None, pod: Pod, info: NodeInfo) -> Refusal | None:
    """Refuse a cordoned node to a Pod that does not tolerate the taint cordoning stands for."""
    if not info.node.spec.unschedulable or tolerated(CORDONED, pod.spec.tolerations):
        return None
    return Refusal(NAME, ("node(s) were unschedulable",), resolvable=False)


PLUGIN = FilterPlugin.simple(NAME, filter_node)
