"""A node reboots: its containers stop at once, nothing is heard of it for any time, and then its kubelet starts anew.

The kubelet admits anew what is still bound to its node and starts it again, unless its Pod was being killed or restarts
nothing. Upstream: pkg/kubelet/kubelet.go (HandlePodAdditions), pkg/kubelet/kuberuntime/kuberuntime_manager.go
(computePodActions), v1.32.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.kubelet.runtime import rebooted
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.store import Updates
from ....model.world.verbs import Verb
from ....model.world.world import World
from ..controllers.node_controllers import is_there
from ..nodes.kubelets import kept, running_on, runtime_slot
from ..nodes.node_state import boots_slot, cut_slot, up_slot
from .fault import LOSES_TAINTS, Fault, Struck, budget

BUDGET = budget("node_reboot")


def _actions(struck: Struck) -> tuple[Action, ...]:
    found = []
    for node in struck.nodes:
        reboots, comes_up = partial(_reboots, struck.world, node), partial(_comes_up, node)
        found.append(
            Action(f"node {node}: reboots", f"fault {node}", reboots, Fairness.NONE, verb=Verb.REBOOTS, on=node)
        )
        found.append(Action(f"node {node}: comes up", f"boot {node}", comes_up, verb=Verb.COMES_UP, on=node))
    return tuple(found)


def _reboots(world: World, node: str, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    if not left or not is_there(world, node, view) or not view[up_slot(node)]:
        return
    updates: Updates = {up_slot(node): False, boots_slot(node): True, cut_slot(node): None, BUDGET: left - 1}
    for place in running_on(world, node, view):
        pod, runtime = view[place], view[runtime_slot(place)]
        there = isinstance(pod, Pod) and runtime is not None
        updates[runtime_slot(place)] = kept(rebooted(pod, runtime)) if there else None
    yield Outcome(f"node {node} reboots", updates)


def _comes_up(node: str, view: View) -> Iterator[Outcome]:
    if view[boots_slot(node)]:
        yield Outcome(f"node {node} is up again", {up_slot(node): True, boots_slot(node): False})


FAULT = Fault(
    "node reboot",
    _actions,
    strikes_nodes=True,
    comes_back=True,
    assumed=("a node that reboots comes up in the end, after any time", LOSES_TAINTS),
)
