"""What there is in a world of connections, and where its state keeps it (`connections` says what it is for)."""

from __future__ import annotations

from attrs import evolve, field, frozen

from .....impl.api.core import Node, Pod, Service
from .....impl.api.kinds import Object
from .....impl.api.policy import EndpointSlice
from .....impl.api.releases import NEWEST, Release
from .....impl.api.requests import Create, Request
from .....impl.kubeproxy.chains import ProxyConfig
from .....impl.kubeproxy.conntrack import ALL_EVENTS, Cleanup, Event
from .....impl.kubeproxy.packet import Packet
from .....impl.kubeproxy.proxy import rules
from .....impl.kubeproxy.rule import RuleSet
from .....model.machine import View
from .....model.world.world import Process, World
from ...nodes.node_state import up_slot

Span = tuple[int, int]
"""The least and the greatest number of seconds that something takes."""

Known = tuple[Object, ...]
"""The Services and EndpointSlices that a proxy's rules were made from."""


@frozen
class Delays:
    """How long things take, in seconds.

    Until a kubelet sees a deletion; the slices follow the Pods; a proxy follows the slices; a silent node is given up;
    a load balancer follows what a node answers to its health checks (at most their period times their threshold).
    """

    notice: Span = (0, 0)
    endpoints: Span = (0, 1)
    proxies: Span = (0, 1)
    silence: Span = (0, 0)
    checks: Span = (0, 4)


@frozen
class Client:
    """Somebody who opens new connections, by packets that meet the rules of a node."""

    node: str
    packet: Packet


@frozen
class Flow:
    """A UDP sender that keeps its socket: all its packets are one connection. One that pauses may be forgotten."""

    name: str
    node: str
    packet: Packet
    source_port: int = 5000
    pauses: bool = False


@frozen
class Balancer:
    """A load balancer in front of the node ports: it sends to the nodes whose health check port has answered well."""

    node_port: int
    source: str = "198.51.100.7"


@frozen
class Setup:
    """What there is at the start (at rest), what happens to it, and how the parts that differ between releases work.

    `script` are an administrator's requests, in order, each at any time. `cleanup` None never clears a flow;
    `terminating_endpoints` False is a proxy that only knows ready endpoints (before KEP-1669).
    """

    objects: tuple[Object, ...]
    script: tuple[Request, ...] = ()
    clients: tuple[Client, ...] = ()
    flows: tuple[Flow, ...] = ()
    balancer: Balancer | None = None
    cleanup: Cleanup | None = Cleanup.RECONCILED_DELETED
    events: frozenset[Event] = ALL_EVENTS
    terminating_endpoints: bool = True
    release: Release = NEWEST
    delays: Delays | None = None
    restarts: int = 0
    """How often a kube-proxy may restart."""
    node_losses: int = 0
    """How many nodes may die."""
    waits: bool = False
    """Whether the administrator asks only where nothing else can happen."""
    within: int | None = None
    """Seconds after the death of a node from which on nothing is to be sent there (`claims.let_go_in_time`)."""
    longest_request: int | None = None
    """Seconds an accepted connection needs at most; None: connections that are open are not looked at."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Name the nodes."""
        return tuple(obj.metadata.name for obj in self.objects if isinstance(obj, Node))

    @property
    def pods(self) -> tuple[str, ...]:
        """Name all Pods there ever are, those of the script behind those of the start."""
        made = (step.object for step in self.script if isinstance(step, Create))
        return tuple(obj.metadata.name for obj in (*self.objects, *made) if isinstance(obj, Pod))

    @property
    def services(self) -> tuple[Service, ...]:
        """Return all Services there ever are."""
        made = (step.object for step in self.script if isinstance(step, Create))
        return tuple(obj for obj in (*self.objects, *made) if isinstance(obj, Service))

    def node_ip(self, node: str) -> str:
        """Return a node's own address."""
        return f"192.168.0.{self.nodes.index(node) + 1}"

    def pod_ip(self, pod: str) -> str:
        """Return a Pod's address: no two Pods ever have the same."""
        return f"10.0.0.{self.pods.index(pod) + 1}"


# --- slots ----------------------------------------------------------------------------------------------------------

SCRIPT = "script"
RESTARTS = "fault/proxy-restarts"


def known_slot(node: str) -> str:
    """Name the slot with what a node's rules were made from: they stay in the kernel while the proxy restarts."""
    return f"proxy/{node}/known"


def memory_slot(node: str) -> str:
    """Name the slot that says whether a node's kube-proxy remembers its last synchronisation."""
    return f"proxy/{node}/remembers"


def table_slot(node: str) -> str:
    """Name the slot with what a node's kernel remembers of connections."""
    return f"conntrack/{node}"


def flow_slot(flow: str) -> str:
    """Name the slot with what became of a flow's last packet."""
    return f"flow/{flow}"


def sent_to_slot(node: str) -> str:
    """Name the slot that says whether the load balancer sends connections to a node."""
    return f"balancer/{node}/sent-to"


def request_slot(place: str) -> str:
    """Name the slot with what became of the one connection looked at of the Pod in a place."""
    return f"request/{place.rpartition('/')[2]}"


@frozen(eq=False)
class DataPath:
    """A setup in a world, with its rules remembered: the same knowledge is never made into rules twice."""

    setup: Setup
    world: World
    processes: tuple[Process, ...]
    """The controllers, key by key."""
    settling: bool = False
    """While the start is made there are no packets, faults or script."""
    made: dict[tuple[Known, str], RuleSet] = field(factory=dict, init=False)

    @property
    def places(self) -> tuple[str, ...]:
        """Return the places of Pods."""
        return self.world.layout.pools["Pod"]

    def in_world(self) -> World:
        """Return the world in which it is one."""
        return self.world

    def is_up(self, view: View, node: str) -> bool:
        """Tell whether a node is up."""
        return bool(view[up_slot(node)])

    def rules(self, known: Known, node: str) -> RuleSet:
        """Return the rules that a node's proxy makes of what it knows."""
        if (known, node) not in self.made:
            services, slices = split(self.seen_by_proxy(known))
            config = ProxyConfig(node_ips=(self.setup.node_ip(node),), release=self.setup.release)
            self.made[known, node] = rules(services, slices, node, config)
        return self.made[known, node]

    def seen_by_proxy(self, known: Known) -> Known:
        """Return what this release's proxy makes of slices: an old one takes what is not ready for not there."""
        if self.setup.terminating_endpoints:
            return known
        return tuple(_only_ready(obj) if isinstance(obj, EndpointSlice) else obj for obj in known)


def split(known: Known) -> tuple[tuple[Service, ...], tuple[EndpointSlice, ...]]:
    """Return Services and EndpointSlices apart."""
    services = tuple(obj for obj in known if isinstance(obj, Service))
    return services, tuple(obj for obj in known if isinstance(obj, EndpointSlice))


def _only_ready(one: EndpointSlice) -> EndpointSlice:
    ready = tuple(
        evolve(end, conditions=evolve(end.conditions, serving=end.conditions.ready, terminating=False))
        for end in one.endpoints
    )
    return evolve(one, endpoints=ready)
