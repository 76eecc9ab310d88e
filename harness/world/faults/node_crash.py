"""A node dies for good: its containers and its kubelet stop, and nothing is ever heard from it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import World
from ..controllers.node_controllers import is_there
from ..nodes.kubelets import running_on, runtime_slot
from ..nodes.node_state import cut_slot, up_slot
from .fault import Fault, Struck, budget

BUDGET = budget("node_crash")


def _actions(struck: Struck) -> tuple[Action, ...]:
    return deaths(struck.world, struck.nodes)


def deaths(world: World, nodes: Iterable[str]) -> tuple[Action, ...]:
    """Let nodes die, as often as the budget says."""
    return tuple(
        Action(
            f"node {node}: dies", f"fault {node}", partial(_dies, world, node), Fairness.NONE, verb=Verb.DIES, on=node
        )
        for node in nodes
    )


def _dies(world: World, node: str, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    if not left or not is_there(world, node, view) or not view[up_slot(node)]:
        return
    stopped = {runtime_slot(place): None for place in running_on(world, node, view)}
    yield Outcome(f"node {node} dies", {**stopped, up_slot(node): False, cut_slot(node): None, BUDGET: left - 1})


FAULT = Fault(
    "node crash",
    _actions,
    strikes_nodes=True,
    assumed=("nodes that die stay down, and a Pod left terminating on one stays so",),
)
