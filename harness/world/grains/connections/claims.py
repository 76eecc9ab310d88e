"""What must hold of connections while a cluster moves: the claims about a machine of `connections`.

Each claim is a property of the machine and says in its evidence which node, which packet, which endpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from immutabledict import immutabledict

from .....impl.api.runtime import PodRuntime, Stage
from .....impl.kubeproxy.conntrack import Entry, Table
from .....impl.kubeproxy.endpoints import addresses_of
from .....impl.kubeproxy.packet import Fate
from .....impl.kubeproxy.route import destinations
from .....impl.kubeproxy.services import Port, ports
from .....model.components.network.connections import Door, Held, State
from .....model.machine import Converges, Invariant, View
from ...nodes.kubelets import runtime_slot
from ...nodes.node_state import up_slot
from .controllers import over_slot
from .nodes import CUT, OPEN
from .setup import DataPath, Flow, Known, flow_slot, known_slot, request_slot, split, table_slot
from .traffic import astray, at_node_port, balanced_to, is_current, listeners, now

Claim = Callable[[DataPath], Invariant | Converges]


# --- new connections ------------------------------------------------------------------------------------------------


def unaccepted(path: DataPath, view: View) -> Iterator[str]:
    """Say which client's new connection is sent to an endpoint that does not take it."""
    for client in path.setup.clients:
        if view[up_slot(client.node)]:
            for verdict in astray(path, view, client.node, client.packet):
                asked = f"{client.packet.destination}:{client.packet.port}"
                yield f"{client.node} sends a new connection to {asked} on to {verdict.destination}: nobody accepts it"


def somebody_stopped(path: DataPath, view: View) -> bool:
    """Tell whether there is something to be wrong about: a Pod has got its SIGTERM, or its node has died."""
    stopped = any(view.via(is_deaf, runtime_slot(place)) for place in path.places)
    return stopped or any(not view[up_slot(node)] for node in path.setup.nodes)


def is_deaf(runtime: PodRuntime | None) -> bool:
    """Tell whether what runs has got its SIGTERM, or runs no more."""
    return runtime is not None and runtime.stage in {Stage.TERMINATING, Stage.STOPPED}


def let_go(path: DataPath) -> Converges:
    """Claim that connections stop going to endpoints that are no more, on every fair run."""
    return Converges(
        "let go", "Every proxy lets go of an endpoint that is gone, in the end.", partial(unaccepted, path)
    )


def let_go_in_time(path: DataPath) -> Invariant:
    """Claim that nothing goes to a node that is dead for longer than the seconds of the setup."""
    return Invariant(
        "let go in time",
        f"A node that died gets no new connection later than {path.setup.within} s after.",
        lambda view: unaccepted(path, view) if _dead_for_longer(path, view) else (),
        partial(_dead_for_longer, path),
    )


def _dead_for_longer(path: DataPath, view: View) -> bool:
    return path.setup.within is not None and any(view[over_slot(node)] for node in path.setup.nodes)


# --- the load balancer ----------------------------------------------------------------------------------------------


def balanced(path: DataPath) -> Invariant:
    """Claim that what the load balancer passes on is answered, as long as somebody could."""
    return Invariant(
        "balanced",
        "No new connection that the load balancer passes on to a node is dropped there, or meets nobody.",
        partial(_dropped, path),
        partial(_some_node_without, path),
    )


def _dropped(path: DataPath, view: View) -> Iterator[str]:
    balancer = path.setup.balancer
    if balancer is None or not listeners(path, view):
        return
    for node in balanced_to(path, view):
        packet = at_node_port(path, balancer, node)
        where = f"the load balancer passes a connection on to {node}"
        fates = destinations(path.rules(view[known_slot(node)], node), packet)
        for fate in sorted({verdict.fate for verdict in fates} & {Fate.DROP, Fate.REJECT}, key=str):
            yield f"{where}, where it is {'dropped' if fate is Fate.DROP else 'refused'}: no endpoint here"
        for verdict in astray(path, view, node, packet):
            yield f"{where}, which sends it to {verdict.destination}: nobody accepts it"


def _some_node_without(path: DataPath, view: View) -> bool:
    """Tell whether some node has lost its endpoint while another has one: that is when a balancer may err."""
    return somebody_stopped(path, view) and bool(listeners(path, view))


# --- flows ----------------------------------------------------------------------------------------------------------


def held(path: DataPath) -> Invariant:
    """Claim that a synchronisation leaves no flow with somebody whom the rules it programs would not choose."""
    return Invariant(
        "held",
        "No flow is held by a stale entry once the node's proxy has synchronised.",
        partial(_stranded, path),
        partial(_flows_after_change, path),
    )


def _stranded(path: DataPath, view: View) -> Iterator[str]:
    for node in path.setup.nodes:
        if view[up_slot(node)] and view[table_slot(node)]:
            state = abstract(path, view[table_slot(node)], view[known_slot(node)], node)
            for flow in state.stranded:
                what = state.flows[flow]
                door = f"{what.door[0]}:{what.door[1]}"
                to = what.endpoint or "nobody, untranslated"
                yield f"on {node} the flow {flow} to {door} is held by {to}, which its rules no longer choose"


def _flows_after_change(path: DataPath, view: View) -> bool:
    """Tell whether a flow has been sent and the script is at work or over, with all proxies up to date."""
    sent = any(view[flow_slot(flow.name)] for flow in path.setup.flows)
    return sent and bool(view["script"]) and all(is_current(path, view, node) for node in path.setup.nodes)


def abstract(path: DataPath, table: Table, known: Known, node: str) -> State:
    """See a node's UDP entries and doors as a state of the model of connections."""
    services, slices = split(path.seen_by_proxy(known))
    doors: dict[Door, frozenset[str]] = {}
    for port in ports(services, release=path.setup.release):
        if port.protocol == "UDP":
            serving = frozenset(
                address.target for address in addresses_of(port, slices, node, path.setup.release) if address.serving
            )
            doors |= dict.fromkeys(_doors(path, port, node), serving)
    flows = {_flow_name(entry): _held(entry) for entry in table if entry.protocol == "UDP"}
    return State(immutabledict(doors), immutabledict(flows))


def _doors(path: DataPath, port: Port, node: str) -> Iterator[Door]:
    yield from ((address, port.port) for address in (port.cluster_ip, *port.external_ips, *port.load_balancer_ips))
    if port.node_port:
        yield (path.setup.node_ip(node), port.node_port)


def _flow_name(entry: Entry) -> str:
    return f"{entry.source}:{entry.source_port}"


def _held(entry: Entry) -> Held:
    return Held((entry.destination, entry.port), entry.endpoint if entry.translated else "")


def heard(path: DataPath) -> Converges:
    """Claim that no sender is in a black hole for ever: who can be answered is, and no stale entry holds anybody."""
    return Converges(
        "heard",
        "Once the script is over, every sender is answered in the end, if there is anybody to answer.",
        partial(_unheard, path),
        lambda view: view["script"] == len(path.setup.script),
    )


def _unheard(path: DataPath, view: View) -> Iterator[str]:
    yield from _stranded(path, view)
    for flow in path.setup.flows:
        result = view[flow_slot(flow.name)]
        if result.startswith("lost") and _could_be_answered(path, flow, view):
            yield f"{flow.name}: {result}"


def _could_be_answered(path: DataPath, flow: Flow, view: View) -> bool:
    """Tell whether a new sender would be answered by the cluster as it is."""
    verdicts = destinations(path.rules(now(path, view), flow.node), flow.packet)
    there = listeners(path, view)
    return bool(verdicts) and all(
        verdict.fate is Fate.DNAT and verdict.destination.rpartition(":")[0] in there for verdict in verdicts
    )


# --- connections that last ------------------------------------------------------------------------------------------


def finished(path: DataPath) -> Invariant:
    """Claim that no connection that was accepted is cut off."""
    return Invariant(
        "finished",
        "No connection that a Pod accepted is cut off before it is served.",
        lambda view: (
            f"a connection to {view[place].metadata.name if view[place] else 'a Pod'} is cut off by SIGKILL"
            for place in path.places
            if view[request_slot(place)] == CUT
        ),
        lambda view: any(
            view[request_slot(place)] == OPEN and view.via(is_deaf, runtime_slot(place)) for place in path.places
        ),
    )
