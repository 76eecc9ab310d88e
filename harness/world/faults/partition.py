"""A node is cut off from the API server for any time: what runs there runs on, and its kubelet and proxy learn nothing.

Packets still come and go: that is the partition in which what runs there is seen to run. Its proxy sends connections
where it did when it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.core import Pod, Service
from ....impl.api.kinds import Object, ref_of
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.verbs import Verb
from ....model.world.world import World
from ....properties.reachability.answers import is_headless, is_judged, ports_of, selects_pod
from ..controllers.node_controllers import is_there
from ..nodes.node_state import Led, Routed, cut_slot, is_silent
from .fault import LOSES_TAINTS, Fault, Struck, budget

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
    yield Outcome(f"node {node} is cut off", {cut_slot(node): _led(world, node, view), BUDGET: left - 1})


def _led(world: World, node: str, view: View) -> Routed:
    """Return where the proxy of a node leads, if it has caught up."""
    layout = world.layout
    there = (*layout.constants.values(), *(view[slot] for slot in layout.pools.get("Service", ())))
    services = tuple(
        service for service in there if isinstance(service, Service) and is_judged(service) and not is_headless(service)
    )
    keep = partial(_leads, services, node)
    return frozenset(led for place in layout.pools["Pod"] for led in view.via(keep, place))


def _leads(services: tuple[Service, ...], node: str, obj: Object | None) -> Routed:
    if not isinstance(obj, Pod) or not obj.ready or obj.metadata.terminating:
        return frozenset()
    asked = [
        service
        for service in services
        if selects_pod(service, obj) and (obj.spec.node_name == node or _leaves(service))
    ]
    return frozenset(Led(port, ref_of(obj), obj.metadata.uid) for service in asked for port in ports_of(service))


def _leaves(service: Service) -> bool:
    """Tell whether a node leads to others for a Service: some policy of it is not Local."""
    outside = service.spec.type in {"NodePort", "LoadBalancer"} and service.spec.external_traffic_policy != "Local"
    return outside or service.spec.internal_traffic_policy != "Local"


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
        LOSES_TAINTS,
        "a kubelet that is cut off starts nothing new; packets come and go",
    ),
)
