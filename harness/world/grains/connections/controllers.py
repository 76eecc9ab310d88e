"""The controllers in a world of connections, and nodes that die, which they have to notice: those of every cluster.

A sync of the EndpointSlice controller is one step. They act on the store as it is: see `connections`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from attrs import evolve

from .....impl.api.core import Node
from .....impl.api.kinds import ref_of
from .....model.machine import Action, Outcome, View
from .....model.world.component import Component, component, constantly, within
from .....model.world.verbs import Verb
from .....model.world.world import Form, Process
from ...controllers import endpointslice, node_controllers, taint_eviction
from ...faults import node_crash
from ...nodes import node_state
from .setup import DataPath, Setup

OBSERVER = "observer"
"""Who looks at a node that died when so many seconds are over."""


def processes(setup: Setup, pools: dict[str, tuple[str, ...]]) -> tuple[Process, ...]:
    """Return the EndpointSlice controller, Service by Service, and the node controllers, where nodes may die."""
    services = {ref_of(service): service for service in setup.services}
    slices = (endpointslice.process(service, pools, (), form=Form.CURRENT) for service in services.values())
    found = tuple(evolve(process, in_one_go=frozenset({"EndpointSlice"})) for process in slices)
    return (*found, *(node_controllers.processes(pools, (), lags=False, back=False) if setup.node_losses else ()))


def components(path: DataPath) -> tuple[Component[DataPath], ...]:
    """Return the EndpointSlice controller, and where nodes may die the controllers that notice."""
    found = [component(process) for process in path.processes]
    if path.setup.node_losses:
        nodes = [obj for obj in path.setup.objects if isinstance(obj, Node)]
        evictions = partial(taint_eviction.actions, timed=False, back=False)
        found += [
            node_controllers.silence(nodes, back=False, acts=True),
            Component("taint eviction", evictions),
        ]
    return tuple(within(part, DataPath.in_world) for part in found)


# --- nodes that die -------------------------------------------------------------------------------------------------


def losses(path: DataPath) -> Component[DataPath]:
    """Return nodes that may die: what ran there runs no more, and nobody hears from them again."""
    nodes = path.setup.nodes if path.setup.node_losses else ()
    kept = node_state.component(path.setup.nodes, ()).slots(path.world, {})
    slots = {**kept, node_crash.BUDGET: path.setup.node_losses}
    return Component("node losses", lambda path: node_crash.deaths(path.world, nodes), constantly(slots))


def over_slot(node: str) -> str:
    """Name the slot that says whether a node is dead for longer than the seconds of `Setup.within`."""
    return f"node/{node}/dead-for-longer"


def observer(path: DataPath) -> Component[DataPath]:
    """Return who notes when a node is dead for longer than the seconds that a setup names: no claim has a clock."""
    seconds, nodes = path.setup.within or 0, path.setup.nodes if path.setup.within is not None else ()
    acts = [
        Action(
            f"{OBSERVER}: looks at {node}",
            f"{OBSERVER} {node}",
            partial(_notes, node, seconds),
            by=OBSERVER,
            verb=Verb.COMES_DUE,
            on=node,
        )
        for node in nodes
    ]
    return Component(OBSERVER, lambda _path: acts, constantly(dict.fromkeys(map(over_slot, nodes), False)))


def _notes(node: str, seconds: int, view: View) -> Iterator[Outcome]:
    if not view[node_state.up_slot(node)] and not view[over_slot(node)]:
        yield Outcome(f"{node} is dead for longer than {seconds} s", {over_slot(node): True})
