"""A component of the control plane, or a kubelet, crashes and restarts: what it had in mind is gone, and it lists anew.

A restarted kubelet admits anew what runs on its node. That matters only where nodes or what Pods ask for may change, or
where a live cluster is started from: elsewhere who was admitted once still is. Where views may go back, it may also
list from an API server that stands still (`stale_kubelets`).
"""

from __future__ import annotations

from ....model.machine import Action
from ....model.world.faults import crashes
from ...input.scenario import Consistency, Start
from ..controllers import node_controllers
from ..nodes import kubelets, stale_kubelets
from .fault import Fault, Struck


def _actions(struck: Struck) -> tuple[Action, ...]:
    stale = struck.scenario.consistency is Consistency.RESETTABLE
    found = [crash for process in struck.processes for crash in crashes(struck.world, process, stale=stale)]
    if "Node" in struck.world.layout.pools or struck.scenario.start is Start.CLUSTER:
        found += kubelets.restarts(struck.works)
    if stale:
        found += stale_kubelets.actions(struck.works)
    if struck.nodes:
        found += node_controllers.forgets(struck.world)
    return tuple(found)


FAULT = Fault("crash and restart of a component", _actions)
