"""Bringing the observers to rest: the components that only report on what the others have done.

While the Pods, ReplicaSets and Deployments' specs stand still, each observer reads constant input and writes only what
it alone reads, so each by itself runs to its own rest. `settled` runs them (through the pure API server) and gives the
store then; `Restless` if one goes on for ever, which would be a livelock. What it starts from does not matter if the
answer is the same from another start: `from_scratch` empties what the observers wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import evolve, frozen

from ..impl.api.apps import Deployment, DeploymentStatus
from ..impl.api.cache import Cache
from ..impl.api.core import Node, Pod, Service, ServicePort
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..impl.api.policy import EndpointSlice, PodDisruptionBudget, PodDisruptionBudgetStatus
from ..impl.api.releases import NEWEST, Release
from ..impl.api.requests import Request
from ..impl.apiserver.access.authentication import controller
from ..impl.apiserver.handler import handle
from ..impl.apiserver.storage import Objects
from ..impl.controllers import disruption
from ..impl.controllers.common import Transform
from ..impl.controllers.deployment import deployment
from ..impl.controllers.endpointslice import endpointslice
from ..impl.kubeproxy.chains import ProxyConfig
from ..impl.kubeproxy.family import IPV4, IPV6
from ..impl.kubeproxy.proxy import rules
from ..model.components.network.kubeproxy import Endpoint
from .reachability.answers import endpoints
from .reachability.reachability import Asker, Counterexample, claims_about, own, proves_claims

NAMESPACE_TERMINATING = "NamespaceTerminating"
"""The cause of a refusal after which a controller does not try again."""
ROUNDS = 20
"""More syncs of one key on constant input than any observer needs."""

Sync = Callable[[Cache, Ref], tuple[Request, ...]]

Observer = tuple[str, type[Object], Sync]
"""Component, kind of its keys, and its sync."""


def _seeing(transform: Transform, sync: Sync) -> Sync:
    """Let an observer see what its transform leaves: where that is too little, it is the observer that is blind."""

    def synced(cache: Cache, key: Ref) -> tuple[Request, ...]:
        kept = (transform[ref.kind](obj) for ref, obj in cache.objects.items() if ref.kind in transform)
        return sync(Cache.of(obj for obj in kept if obj is not None), key)

    return synced


OBSERVERS: tuple[Observer, ...] = (
    ("deployment-controller", Deployment, deployment.reconcile),
    ("endpointslice-controller", Service, _seeing(endpointslice.TRANSFORM, endpointslice.reconcile)),
    ("disruption-controller", PodDisruptionBudget, disruption.reconcile),
)


@frozen
class Restless:
    """An observer that keeps asking for the same things while nothing changes."""

    component: str
    key: Ref

    def __str__(self) -> str:
        return f"{self.component} does not come to rest on {self.key} though nothing else changes"


ENDPOINTS = OBSERVERS[1:2]
"""The one observer on whom routes depend."""


def settled(objects: Iterable[Object], observers: tuple[Observer, ...] = OBSERVERS) -> Objects | Restless:
    """Return the store when every observer has nothing left to do."""
    store = Objects.of(objects)
    for component, kind, sync in observers:
        for ref in sorted(ref_of(obj) for obj in store.objects.values() if isinstance(obj, kind)):
            for number in range(ROUNDS):
                requests = sync(Cache(store.objects), ref)
                if not requests:
                    break
                store, over = _granted(store, component, requests, number)
                if over:
                    break
            else:
                return Restless(component, ref)
    return store


def _granted(store: Objects, component: str, requests: tuple[Request, ...], number: int) -> tuple[Objects, bool]:
    """Commit what is granted; True where the observer leaves it at a refusal: the namespace is going away."""
    for request in requests:
        response, transaction = handle(store, request, user=controller(component), now=0, suffix=f"o{number}")
        if not response.ok:
            return store, any(cause.reason == NAMESPACE_TERMINATING for cause in response.causes)
        store = store.commit(transaction)
    return store, False


def from_scratch(objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the objects as if no observer had ever run."""
    for obj in objects:
        match obj:
            case EndpointSlice():
                continue
            case Deployment():
                yield evolve(obj, status=DeploymentStatus())
            case PodDisruptionBudget():
                yield evolve(obj, status=PodDisruptionBudgetStatus())
            case _:
                yield obj


Behind = tuple[tuple[tuple[str, str, str, str], frozenset[Endpoint]], ...]
"""Who stands behind each port of each Service, seen from a node: by namespace, name, name of the port and family."""


def behind(services: Iterable[Service], pods: Iterable[Pod], nodes: Iterable[str], node: str) -> Behind:
    """Return who should stand behind each port, from the Pods."""
    known, there = tuple(pods), frozenset(nodes)
    return tuple(
        (_port_key(service, port, family), frozenset(endpoints(service, port, known, there, node, family)))
        for service in services
        if service.spec.selector
        for port in service.spec.ports
        for family in (IPV4, IPV6)
    )


def _port_key(service: Service, port: ServicePort, family: str) -> tuple[str, str, str, str]:
    return (service.metadata.namespace, service.metadata.name, port.name, family)


def astray(
    node: str,
    services: tuple[Service, ...],
    slices: tuple[EndpointSlice, ...],
    promised: Behind,
    release: Release = NEWEST,
) -> tuple[str, ...]:
    """Say which Service, asked from a node whose proxy has programmed the slices, leads a packet astray.

    Proved in z3 for every packet to each port of each Service that has a selector.
    """
    known = dict(promised)

    def find(service: Service, port: ServicePort, asker: Asker) -> Iterable[Endpoint]:
        return known[_port_key(service, port, asker.family)]

    programmed = rules(services, slices, node, ProxyConfig(release=release))
    asker = Asker(node, own(programmed), programmed.family)
    found = (
        (service, proves_claims(programmed, claims_about(service, find, asker)))
        for service in services
        if service.spec.selector
    )
    return tuple(
        f"{node}: {proof.packet} to Service {asked.metadata.name} ends in {proof.fate}"
        for asked, proof in found
        if isinstance(proof, Counterexample)
    )


def unreachable(store: Objects) -> Iterator[str]:
    """Say which Service, asked from which node, leads a packet astray once all proxies have programmed the slices."""
    everything = tuple(store.objects[ref] for ref in sorted(store.objects))
    services = tuple(obj for obj in everything if isinstance(obj, Service))
    slices = tuple(obj for obj in everything if isinstance(obj, EndpointSlice))
    pods = [obj for obj in everything if isinstance(obj, Pod)]
    nodes = [obj.metadata.name for obj in everything if isinstance(obj, Node)]
    for node in nodes:
        yield from astray(node, services, slices, behind(services, pods, nodes, node))
