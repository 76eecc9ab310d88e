"""A node is cut off from the API server for any time: what runs there runs on, and its kubelet and proxy learn nothing.

Packets still come and go: that is the partition in which what runs there is seen to run. Its proxy sends connections
where it did when it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod
from ....impl.api.kinds import Object
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import World
from ..node_faults import is_there
from ..node_state import cut_slot, is_silent
from .fault import Fault, Struck, budget

BUDGET = budget("partition")


def _actions(struck: Struck) -> tuple[Action, ...]:
    found = []
    for node in struck.nodes:
        is_cut, heals = partial(_is_cut_off, struck.world, node), partial(_is_in_touch, node)
        found.append(
            Action(f"node {node}: is cut off", f"fault {node}", is_cut, Fairness.NONE, verb=Verb.IS_CUT_OFF, on=node)
        )
        found.append(Action(f"node {node}: is in touch again", f"touch {node}", heals, verb=Verb.IS_IN_TOUCH, on=node))
    return tuple(found)


def _is_cut_off(world: World, node: str, view: View) -> Iterator[Outcome]:
    left: int = view[BUDGET]
    if not left or not is_there(world, node, view) or is_silent(view, node):
        return
    ready = (view.via(_ready_uid, place) for place in world.layout.pools["Pod"])
    yield Outcome(f"node {node} is cut off", {cut_slot(node): frozenset(filter(None, ready)), BUDGET: left - 1})


def _ready_uid(obj: Object | None) -> str:
    return obj.metadata.uid if isinstance(obj, Pod) and obj.ready and not obj.metadata.terminating else ""


def _is_in_touch(node: str, view: View) -> Iterator[Outcome]:
    if view[cut_slot(node)] is not None:
        yield Outcome(f"node {node} is in touch again", {cut_slot(node): None})


FAULT = Fault(
    "partition of a node",
    _actions,
    strikes_nodes=True,
    comes_back=True,
    assumed=(
        "a node that is cut off is in touch again in the end, after any time",
        "a kubelet that is cut off starts nothing new; packets come and go",
    ),
)
