"""Whether a cordon and its taint may be one step.

A cordon is a field of a node (spec.unschedulable), and the node lifecycle controller makes a taint of it, a moment
later. Who looks at nodes sees the field, and then both, and mostly nobody can tell: the scheduler asks of either
whether a Pod tolerates the same taint (pkg/scheduler/framework/plugins/nodeunschedulable, tainttoleration, v1.32), and
the DaemonSet controller, which looks at the taint alone, gives every one of its Pods that toleration. The taint has no
effect NoExecute, so it drives nobody out. Then a state without the taint and the state with it go in lockstep: every
step that others can take in one they can take in the other. So the taint may come at once (`Process.prompt`), and
fewer states are looked at.

It may not go at once: a node that may be used again and still has the taint is one that Pods pass by. And a Pod that
is spread over nodes with `nodeTaintsPolicy: Honor` looks at taints and never at the field. The argument is about this
one taint: no other may come or go by the controller, so nodes are and stay healthy.
"""

from __future__ import annotations

from ....impl.api.core import Node, PodSpec
from ....impl.api.well_known import UNSCHEDULABLE
from ....impl.controllers.nodelifecycle import TAINTED_BY
from ....impl.kubectl.script import AddNode, Cordon, DeleteNode, DeleteObject, Drain, LabelNode
from ...input.priorities import pod_specs
from ...input.scenario import Scenario
from ..faults import registry as faults
from ..nodes import pressure

HONOR = "Honor"
ALIKE = (AddNode, Cordon, DeleteNode, DeleteObject, Drain, LabelNode)
"""The steps about nodes after which the controller has no other taint to make, nor one to take away."""


def tainted_at_once(scenario: Scenario) -> bool:
    """Tell whether nobody can tell a node that is cordoned from one that is tainted for it, too."""
    return (
        not scenario.own
        and scenario.descheduler is None
        and not faults.strike_nodes(scenario)
        and not pressure.possible(scenario)
        and not any("Node" in step.changes and not isinstance(step, ALIKE) for step in scenario.script)
        and all(map(_is_healthy, faults.nodes_of(scenario, scenario.objects)))
        and not any(map(_honors_taints, pod_specs(scenario)))
    )


def _honors_taints(spec: PodSpec) -> bool:
    return any(constraint.node_taints_policy == HONOR for constraint in spec.topology_spread_constraints)


def _is_healthy(node: Node) -> bool:
    """Tell whether all that the controller may do about a node is to taint it for being cordoned."""
    ready = node.status.condition("Ready")
    said = {(condition.type, condition.status) for condition in node.status.conditions}
    known = {taint.key for taint in node.spec.taints} & {*TAINTED_BY.values(), UNSCHEDULABLE}
    due = {UNSCHEDULABLE} if node.spec.unschedulable else set[str]()
    return ready is not None and not said & TAINTED_BY.keys() and known <= due
