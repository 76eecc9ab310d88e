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
from ..impl.api.core import Node, Service
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..impl.api.policy import EndpointSlice, PodDisruptionBudget, PodDisruptionBudgetStatus
from ..impl.api.requests import Request
from ..impl.apiserver.authentication import controller
from ..impl.apiserver.handler import handle
from ..impl.apiserver.storage import Objects
from ..impl.controllers import deployment, disruption, endpointslice
from ..impl.kubeproxy.proxy import rules
from .reachability import Counterexample, proves

NAMESPACE_TERMINATING = "NamespaceTerminating"
"""The cause of a refusal after which a controller does not try again."""
ROUNDS = 20
"""More syncs of one key on constant input than any observer needs."""

Sync = Callable[[Cache, Ref], tuple[Request, ...]]

Observer = tuple[str, type[Object], Sync]
"""Component, kind of its keys, and its sync."""

OBSERVERS: tuple[Observer, ...] = (
    ("deployment-controller", Deployment, deployment.reconcile),
    ("endpointslice-controller", Service, endpointslice.reconcile),
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
    """Give the store when every observer has nothing left to do."""
    store = Objects.of(objects)
    for component, kind, sync in observers:
        for ref in sorted(ref_of(one) for one in store.objects.values() if isinstance(one, kind)):
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
    """Give the objects as if no observer had ever run."""
    for one in objects:
        match one:
            case EndpointSlice():
                continue
            case Deployment():
                yield evolve(one, status=DeploymentStatus())
            case PodDisruptionBudget():
                yield evolve(one, status=PodDisruptionBudgetStatus())
            case _:
                yield one


def unreachable(store: Objects) -> Iterator[str]:
    """Say which Service, asked from which node, leads a packet astray once all proxies have programmed the slices.

    Proved in z3 for every packet to each port of each Service, on every node.
    """
    everything = tuple(store.objects[ref] for ref in sorted(store.objects))
    services = [one for one in everything if isinstance(one, Service)]
    slices = [one for one in everything if isinstance(one, EndpointSlice)]
    for node in (one for one in everything if isinstance(one, Node)):
        programmed = rules(services, slices, node.metadata.name)
        for service in services:
            found = proves(programmed, service, slices, node.metadata.name)
            if isinstance(found, Counterexample):
                yield f"{node.metadata.name}: {found.packet} to Service {service.metadata.name} ends in {found.fate}"
