"""The data path of a cluster as a machine: Pods, the EndpointSlice controller, proxies, connections, and time.

Everything that decides is the real component: the kubelet's steps (`impl.kubelet.worker`), the EndpointSlice
controller, the node controllers, the rules and the conntrack clean-up of kube-proxy, the API server in front of the
store. What this file adds is who may act when. A `Setup` says what there is; each documented failure is one setup, and
its repair the same with one field changed.

With `delays` the machine has timers (`timers`): what a search finds is held against a clock. Without, everything may
take any time, which allows more runs. The controllers act on the store as it is: the delay between a change and the act
stands for old views. A decision on an older view would be corrected within the same delay, for nothing here goes back:
a Pod becomes ready, terminates and is gone (`harness.world.one_pod` has old views in full).

Left out on purpose: Pods that are made by controllers (the script makes and deletes them), the scheduler, liveness
probes, routes between nodes, the network itself losing packets.
"""

from __future__ import annotations

from functools import partial

from attrs import evolve
from immutabledict import immutabledict

from .....impl.api.core import Namespace
from .....impl.api.kinds import ref_of
from .....impl.api.meta import ObjectMeta
from .....impl.api.requests import Create
from .....model.machine import Machine, State
from .....model.world import component
from .....model.world.component import Component, nobody
from .....model.world.store import Layout, pool
from .....model.world.world import World
from ...api_server import describe, serve
from ...at_rest.settle import settle
from ...nodes.kubelets import runtime_slot
from . import controllers, nodes, traffic
from .setup import DataPath, Setup
from .timers import timers


def machine(setup: Setup) -> Machine:
    """Return the machine of a setup, started where its objects have come to rest."""
    path = data_path(setup)
    return Machine((_at_rest(path),), component.actions(path, components(path)), tuple(timers(path)))


def data_path(setup: Setup) -> DataPath:
    """Lay out the store of a setup."""
    made = [step.object for step in setup.script if isinstance(step, Create)]
    kinds = [type(obj).__name__ for obj in (*setup.objects, *made)]
    pools = {kind: pool(kind, kinds.count(kind)) for kind in ("Node", "Pod", "Service")}
    pools["EndpointSlice"] = pool("EndpointSlice", 2)
    named = {obj.metadata.namespace for obj in (*setup.objects, *made)} - {""}
    spaces = (Namespace(ObjectMeta(name=name)) for name in sorted(named))
    layout = Layout(immutabledict((ref_of(space), space) for space in spaces), immutabledict(pools))
    processes = controllers.processes(setup, pools)
    layout = component.remembered(layout, map(component.component, processes))
    return DataPath(setup, World(layout, partial(serve, True), describe), processes)  # noqa: FBT003


def components(path: DataPath) -> tuple[Component[DataPath], ...]:
    """Return everybody who takes part; while the start is made nobody does what need not be done."""
    work = (
        Component("kubelets", nodes.works),
        *controllers.components(path),
        *(traffic.proxy(path, node) for node in dict.fromkeys(path.setup.nodes)),
    )
    idle = (
        nodes.administrator(path),
        controllers.losses(path),
        controllers.observer(path),
        *traffic.components(path),
    )
    if path.settling:
        return (*work, *(evolve(part, actions=nobody) for part in idle))
    admin, losses, observer, *packets = idle
    return (admin, losses, *work, *packets, observer)


def _at_rest(path: DataPath) -> State:
    """Create the objects and let kubelets, controllers and proxies do what there is to do."""
    calm = evolve(path, settling=True)
    parts = components(calm)
    empty = dict.fromkeys((*path.world.layout.slots(), *map(runtime_slot, path.places)))
    state = State.of(component.start(calm, parts, empty))
    for obj in path.setup.objects:
        response, updates = path.world.commit(state, "admin", Create(obj))
        if not response.ok:
            raise ValueError(f"the API server refuses {obj.metadata.name}: {response.message}")
        state = state.with_values(tuple(updates.get(slot, state[slot]) for slot in state))
    return settle(Machine((dict(state),), component.actions(calm, parts)))
