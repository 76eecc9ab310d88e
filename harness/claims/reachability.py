"""Reachability at rest: would the Pods stay as they are, every packet to a Service came to a Pod that should answer it.

Judged in every state: the EndpointSlice controller is brought to rest there, the rules every node then has are made,
and z3 proves for every node and all packets that they lead to exactly the Pods that `properties.reachability.answers`
names; those it finds from the Services and the Pods, whatever the slices say. The rules treat addresses as names only,
so endpoints are renamed in order before the proof, and for a node all the others are one: clusters that differ in
addresses share a proof. Whether anybody answers at all is the business of `answers`, and reachability while things
change that of `world.one_pod`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial

from attrs import evolve

from ...impl.api.claim_names import REACHABILITY, SENTENCES
from ...impl.api.core import Namespace, Node, Pod, PodCondition, PodStatus, Service
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import EndpointSlice
from ...model.components.network import kubeproxy
from ...model.machine import Converges, Invariant, Property, StepProperty, View
from ...model.world.verbs import IN_MIND
from ...properties.at_rest import ENDPOINTS, Behind, Restless, astray, behind, settled
from ..world.cluster import Cluster
from . import answers
from .moments import script_over

Objects = tuple[Object, ...]
Judge = Callable[[str, tuple[Service, ...], tuple[EndpointSlice, ...], Behind], tuple[str, ...]]

ELSEWHERE = "elsewhere"
"""Any other node, seen from one."""


ANSWERED = "answered at rest"
ANSWERS = "answers in motion"


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that at rest all packets arrive and somebody answers, and that who takes connections goes on taking them.

    How new connections find Pods that go is not seen here (`harness.check.motion`).
    """
    over, acts = partial(script_over, cluster), cluster.except_for(IN_MIND)
    yield Invariant(REACHABILITY, SENTENCES[REACHABILITY], check(cluster))
    yield Converges(ANSWERED, "Somebody answers at every port that is served.", answers.at_rest(cluster), over)
    yield StepProperty(
        ANSWERS, "Whoever takes connections goes on taking them.", answers.check(cluster), acts, by_label=False
    )


def check(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Return the check of a cluster's machine; proofs and settled slices are kept as long as it is."""
    judge = lru_cache(maxsize=None)(partial(astray, release=cluster.scenario.release))
    return partial(_at_rest, cluster, lru_cache(maxsize=None)(partial(_once_settled, judge)))


def _at_rest(cluster: Cluster, judge: Callable[[Objects], tuple[str, ...]], view: View) -> Iterator[str]:
    layout = cluster.world.layout
    pods = [one for slot in layout.pools["Pod"] if (one := view.via(_stands, slot)) is not None]
    around: list[Object] = [obj for obj in layout.constants.values() if not isinstance(obj, Pod)]
    for kind in ("Namespace", "Node", "Service"):
        around += [one for slot in layout.pools.get(kind, ()) if (one := view.via(_around, slot)) is not None]
    yield from judge((*_lasting(around), *pods))


def _lasting(objects: list[Object]) -> Iterator[Object]:
    """Leave out the Services of namespaces that are going: their slices are nobody's business any more.

    The API server refuses new ones there, and the controller takes that for an end (syncService in
    pkg/controller/endpointslice/endpointslice_controller.go, NamespaceTerminatingCause).
    """
    going = {obj.metadata.name for obj in objects if isinstance(obj, Namespace) and obj.metadata.terminating}
    yield from (obj for obj in objects if not (isinstance(obj, Service) and obj.metadata.namespace in going))


def _stands(obj: Object | None) -> Object | None:
    """Keep all of a Pod that anybody might go by to find or refuse it: not its history, nor other conditions."""
    if not isinstance(obj, Pod) or not obj.spec.node_name:
        return None
    meta = ObjectMeta(
        name=obj.metadata.name, namespace=obj.metadata.namespace, uid=obj.metadata.uid, labels=obj.metadata.labels
    )
    ready = tuple(
        PodCondition(condition.type, condition.status)
        for condition in obj.status.conditions
        if condition.type == "Ready"
    )
    status = PodStatus(phase=obj.status.phase, pod_ip=obj.status.pod_ip, conditions=ready, extra=obj.status.extra)
    return Pod(meta, obj.spec, status)


def _around(obj: Object | None) -> Object | None:
    """Keep a Service and a namespace as they are, and of a node its name and labels."""
    if not isinstance(obj, Node):
        return obj
    return Node(ObjectMeta(name=obj.metadata.name, uid=obj.metadata.uid, labels=obj.metadata.labels))


def _once_settled(judge: Judge, objects: Objects) -> tuple[str, ...]:
    rest = settled(objects, ENDPOINTS)
    if isinstance(rest, Restless):
        return (str(rest),)
    found = [rest.objects[ref] for ref in sorted(rest.objects)]
    services = tuple(obj for obj in found if isinstance(obj, Service))
    slices = [obj for obj in found if isinstance(obj, EndpointSlice)]
    pods = [obj for obj in found if isinstance(obj, Pod)]
    nodes = [obj.metadata.name for obj in found if isinstance(obj, Node)]
    wrong: list[str] = []
    for node in nodes:
        known = tuple(_seen_from(piece, node) for piece in slices)
        named = _numbers(known, pods)
        promised = _promise(behind(services, pods, nodes, node), named)
        wrong += judge(node, services, tuple(_renamed(piece, named) for piece in known), promised)
    return tuple(wrong)


# --- addresses are names ----------------------------------------------------------------------------------------------


def _seen_from(piece: EndpointSlice, asked: str) -> EndpointSlice:
    """Return a slice as a node may tell its endpoints apart, but for their addresses: all other nodes are one."""
    names = {asked: asked, None: None}
    ends = (
        evolve(endpoint, target_ref=None, zone=None, node_name=names.get(endpoint.node_name, ELSEWHERE))
        for endpoint in piece.endpoints
    )
    return evolve(piece, endpoints=tuple(ends))


def _numbers(slices: tuple[EndpointSlice, ...], pods: Iterable[Pod]) -> dict[str, str]:
    """Return all addresses numbers, in the order of what is said of them: who has which address is of no account."""
    said: dict[str, list[str]] = {pod.status.pod_ip: [] for pod in pods if pod.status.pod_ip}
    for number, piece in enumerate(slices):
        for end in piece.endpoints:
            for place, address in enumerate(end.addresses):
                said.setdefault(address, []).append(f"{number} {place} {evolve(end, addresses=())}")
    used = sorted(said, key=lambda address: (sorted(said[address]), address))
    return {address: f"10.255.{number // 256}.{number % 256}" for number, address in enumerate(used)}


def _renamed(piece: EndpointSlice, named: dict[str, str]) -> EndpointSlice:
    """Return a slice with the numbers of its addresses."""
    ends = (evolve(end, addresses=tuple(named[address] for address in end.addresses)) for end in piece.endpoints)
    return evolve(piece, endpoints=tuple(sorted(ends, key=lambda end: end.addresses)))


def _promise(promised: Behind, named: dict[str, str]) -> Behind:
    def renamed(one: kubeproxy.Endpoint) -> kubeproxy.Endpoint:
        address, _, number = one.target.rpartition(":")
        return evolve(one, target=f"{named.get(address, address)}:{number}")

    return tuple((key, frozenset(map(renamed, ends))) for key, ends in promised)
