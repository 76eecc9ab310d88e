"""The controllers in a world of connections, and nodes that die, which they have to notice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...impl.api.cache import Cache
from ...impl.api.core import Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Request, Update
from ...impl.controllers import nodelifecycle, tainteviction
from ...impl.controllers.endpointslice import endpointslice
from ...model.machine import Action, Fairness, Outcome, View
from ...model.world.component import Component, constantly
from ...model.world.store import Updates
from ..world.nodes.kubelets import runtime_slot
from ..world.nodes.node_state import up_slot
from .clock import WHENEVER, Timer, Window
from .nodes import send_all
from .setup import LOSSES, DataPath, Delays


def timers(path: DataPath) -> tuple[Timer, ...]:
    """Return the timers of controllers and of nodes that fall silent."""
    pods = (Timer(f"timer/eviction/{place}", partial(_toleration, path, place)) for place in path.places)
    nodes = path.world.layout.pools["Node"]
    silent = (Timer(f"timer/silence/{place}", partial(_silence, path, place)) for place in nodes)
    since = (Timer(loss_timer(node), partial(_lost, path, node)) for node in path.setup.nodes)
    lossy = (*pods, *silent, *since) if _lossy(path) else ()
    return (*(_slices_timer(path, ref) for ref in _services(path)), *lossy)


def _lossy(path: DataPath) -> bool:
    """Tell whether nodes may fall silent."""
    return path.setup.node_losses > 0


# --- the EndpointSlice controller -----------------------------------------------------------------------------------


def _services(path: DataPath) -> tuple[Ref, ...]:
    return tuple(sorted({ref_of(service) for service in path.setup.services}))


def _slices_timer(path: DataPath, service: Ref) -> Timer:
    delays = path.setup.delays or Delays()
    window = Window(*delays.endpoints)

    def waits(view: View) -> Window | None:
        return window if _slice_requests(path, service, view) else None

    return Timer(f"timer/endpointslice-controller/{service.name}", waits)


def _slice_requests(path: DataPath, service: Ref, view: View) -> tuple[Request, ...]:
    pools = path.world.layout.pools
    seen = tuple(view.via(_slim, slot) for kind in ("Node", "Pod", "Service", "EndpointSlice") for slot in pools[kind])
    if (service, seen) not in path.decided:
        cache = Cache.of(one for one in seen if one is not None)
        path.decided[service, seen] = endpointslice.reconcile(cache, service)
    return path.decided[service, seen]


def _slim(obj: Object | None) -> Object | None:
    return None if obj is None else endpointslice.TRANSFORM[type(obj).__name__](obj)


def _syncs_slices(path: DataPath, service: Ref, view: View) -> Iterator[Outcome]:
    timer = _slices_timer(path, service)
    requests = _slice_requests(path, service, view)
    if requests and (not path.timed or timer.ripe(view)):
        updates = send_all(path, view, "endpointslice-controller", requests)
        reset = {timer.slot: 0} if path.timed else {}
        yield Outcome(f"publishes the endpoints of {service.name}", {**updates, **reset})


def components(path: DataPath) -> tuple[Component[DataPath], ...]:
    """Return the EndpointSlice controller, and where nodes may die the controllers that notice."""
    name = "endpointslice-controller"
    slices = tuple(
        Action(f"{name} {ref.name}: syncs", name, partial(_syncs_slices, path, ref)) for ref in _services(path)
    )
    found = [Component[DataPath](name, lambda _path: slices)]
    return (*found, Component("nodes", _node_controllers)) if _lossy(path) else tuple(found)


# --- nodes that die -------------------------------------------------------------------------------------------------


def _node_controllers(path: DataPath) -> Iterator[Action]:
    for place in path.world.layout.pools["Node"]:
        name = f"node-controller {place.rpartition('/')[2]}"
        yield Action(f"{name}: looks", "node-controller", partial(_looks, path, place))
    for place in path.places:
        name = f"taint-eviction-controller {place.rpartition('/')[2]}"
        yield Action(f"{name}: evicts", "taint-eviction-controller", partial(_evicts, path, place))


def _all_pods(path: DataPath, view: View) -> tuple[Pod, ...]:
    return tuple(pod for place in path.places if (pod := view[place]) is not None)


def _node_requests(path: DataPath, place: str, view: View) -> tuple[Request, ...]:
    node: Node | None = view[place]
    if node is None:
        return ()
    silent = not path.is_up(view, node.metadata.name)
    nodes = (one for slot in path.world.layout.pools["Node"] if (one := view[slot]) is not None)
    return nodelifecycle.reconcile(Cache.of((*nodes, *_all_pods(path, view))), ref_of(node), heartbeat_lost=silent)


def _silence(path: DataPath, place: str, view: View) -> Window | None:
    """Wait for the lease to run out; what follows from it takes no time that anything here depends on."""
    if not _node_requests(path, place, view):
        return None
    ready = view[place].status.condition("Ready")
    delays = path.setup.delays or Delays()
    return Window(*delays.silence) if ready is not None and ready.status == "True" else WHENEVER


def _looks(path: DataPath, place: str, view: View) -> Iterator[Outcome]:
    timer = Timer(f"timer/silence/{place}", partial(_silence, path, place))
    requests = _node_requests(path, place, view)
    if requests and (not path.timed or timer.ripe(view)):
        updates = send_all(path, view, "node-controller", requests)
        if updates:
            reset = {timer.slot: 0} if path.timed else {}
            yield Outcome(_said(requests), {**updates, **reset})


def _said(requests: tuple[Request, ...]) -> str:
    """Say what the node lifecycle controller does."""
    first = requests[0]
    if not isinstance(first, Update) or not isinstance(first.object, Node):
        return f"says that {len(requests)} Pod{'s are' if len(requests) > 1 else ' is'} not ready"
    node = first.object
    if first.subresource:
        more = ", and its Pods are not ready" if len(requests) > 1 else ""
        return f"hears nothing from {node.metadata.name}: it is unknown{more}"
    return f"taints {node.metadata.name}: {', '.join(f'{taint.key}:{taint.effect}' for taint in node.spec.taints)}"


def loss_timer(node: str) -> str:
    """Name the slot that counts the seconds since a node died, up to the first that `letting_go` does not cover."""
    return f"timer/lost/{node}"


def letting_go(delays: Delays) -> int:
    """Return the seconds after which no proxy routes to a node that died: it is given up, slices and proxies follow."""
    return delays.silence[1] + delays.endpoints[1] + delays.proxies[1]


def _lost(path: DataPath, node: str, view: View) -> Window | None:
    return None if view[up_slot(node)] else Window(letting_go(path.setup.delays or Delays()) + 1)


def _stay(path: DataPath, place: str, view: View) -> int | None:
    pod: Pod | None = view[place]
    if pod is None or pod.metadata.terminating:
        return None
    nodes = (view[slot] for slot in path.world.layout.pools["Node"])
    return tainteviction.delay(Cache.of((pod, *(node for node in nodes if node is not None))), pod)


def _toleration(path: DataPath, place: str, view: View) -> Window | None:
    left = _stay(path, place, view)
    return None if left is None else Window(left, left)


def _evicts(path: DataPath, place: str, view: View) -> Iterator[Outcome]:
    timer = Timer(f"timer/eviction/{place}", partial(_toleration, path, place))
    left = _stay(path, place, view)
    if left is None or (path.timed and not timer.ripe(view)):
        return
    pod: Pod = view[place]
    nodes = (view[slot] for slot in path.world.layout.pools["Node"])
    cache = Cache.of((pod, *(node for node in nodes if node is not None)))
    updates = send_all(
        path, view, "taint-eviction-controller", tainteviction.reconcile(cache, ref_of(pod), waited=left)
    )
    if updates:
        yield Outcome(f"deletes Pod {pod.metadata.name}, which has stayed {left} s", updates)


def losses(path: DataPath) -> Component[DataPath]:
    """Return nodes that may die: what ran there runs no more, and nobody hears from them again."""
    acts = tuple(
        Action(f"node {node}: dies", "fault node", partial(_dies, path, node), Fairness.NONE)
        for node in (path.setup.nodes if path.setup.node_losses else ())
    )
    slots = dict.fromkeys(map(up_slot, path.setup.nodes), True) | {LOSSES: path.setup.node_losses}
    return Component("node losses", lambda _path: acts, constantly(slots))


def _dies(path: DataPath, node: str, view: View) -> Iterator[Outcome]:
    if view[LOSSES] and view[up_slot(node)]:
        there = partial(_is_on, node)
        stopped: Updates = {runtime_slot(place): None for place in path.places if view.via(there, place)}
        yield Outcome(f"{node} dies", stopped | {up_slot(node): False, LOSSES: view[LOSSES] - 1})


def _is_on(node: str, obj: Object | None) -> bool:
    return isinstance(obj, Pod) and obj.spec.node_name == node
