"""Reachability at rest: once the Pods stand still, every packet to a Service arrives at a ready endpoint of it.

Judged wherever no Pod is on its way: the EndpointSlice controller is brought to rest there, the rules every node then
has are made, and z3 proves the claim for all packets. The rules treat addresses as names only, so endpoints are
renamed in order before the proof: clusters that differ in addresses share one. Reachability while things change is in
`reach`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

from attrs import evolve

from ..impl.api.core import Node, Pod, Service
from ..impl.api.kinds import Object
from ..impl.api.meta import ObjectMeta
from ..impl.api.policy import Endpoint, EndpointSlice
from ..impl.api.selectors import matches_map
from ..impl.apiserver.storage import Objects as Store
from ..impl.controllers import endpointslice
from ..model.machine import View
from ..properties.at_rest import ENDPOINTS, Restless, settled, unreachable
from .cluster import Cluster

Objects = tuple[Object, ...]


def check(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Give the check of a cluster's machine; proofs and settled slices are kept as long as it is."""
    astray = lru_cache(maxsize=None)(_astray)
    return partial(_at_rest, cluster, lru_cache(maxsize=None)(partial(_once_settled, astray)))


def _at_rest(cluster: Cluster, judge: Callable[[Objects], tuple[str, ...]], view: View) -> Iterator[str]:
    layout = cluster.world.layout
    if any(view.via(_moves, slot) for slot in layout.pools["Pod"]):
        return
    pods = [one for slot in layout.pools["Pod"] if (one := view.via(_backing, slot)) is not None]
    around = [one for one in layout.constants.values() if not isinstance(one, Pod)]
    for kind in ("Node", "Service"):
        around += [one for slot in layout.pools.get(kind, ()) if (one := view[slot]) is not None]
    yield from judge((*around, *pods))


def _moves(obj: Object | None) -> bool:
    """Tell whether a Pod is on its way: being deleted, or bound and not yet reported to run."""
    if not isinstance(obj, Pod):
        return False
    return obj.metadata.terminating or (bool(obj.spec.node_name) and obj.status.phase in {"", "Pending"})


def _backing(obj: Object | None) -> Object | None:
    return None if obj is None else endpointslice.TRANSFORM["Pod"](obj)


def _once_settled(astray: Callable[[Objects], tuple[str, ...]], objects: Objects) -> tuple[str, ...]:
    rest = settled(objects, ENDPOINTS)
    if isinstance(rest, Restless):
        return (str(rest),)
    found = [one for ref in sorted(rest.objects) if not isinstance(one := rest.objects[ref], Pod)]
    services = [one for one in found if isinstance(one, Service)]
    local = any("Local" in {one.spec.internal_traffic_policy, one.spec.external_traffic_policy} for one in services)
    return astray(tuple(_renamed(found, keep_nodes=local)))


def _renamed(objects: Sequence[Object], *, keep_nodes: bool) -> Iterator[Object]:
    """Give Services, nodes and slices, endpoints' addresses numbered in order, their nodes kept only on request."""
    used = sorted({address for one in objects if isinstance(one, EndpointSlice) for address in _addresses(one)})
    named = {address: f"10.255.{number // 256}.{number % 256}" for number, address in enumerate(used)}

    def renamed(one: Endpoint) -> Endpoint:
        addresses = tuple(named[address] for address in one.addresses)
        return evolve(
            one, addresses=addresses, target_ref=None, zone=None, node_name=one.node_name if keep_nodes else None
        )

    for one in objects:
        if isinstance(one, EndpointSlice):
            yield evolve(one, endpoints=tuple(sorted(map(renamed, one.endpoints), key=lambda end: end.addresses)))
        elif isinstance(one, Node):
            yield Node(ObjectMeta(name=one.metadata.name))  # All that its rules say of it.
        elif isinstance(one, Service):
            yield one


def _addresses(one: EndpointSlice) -> Iterator[str]:
    return (address for endpoint in one.endpoints for address in endpoint.addresses)


def _astray(objects: Objects) -> tuple[str, ...]:
    return tuple(unreachable(Store.of(objects)))


def served(cluster: Cluster, service: Service) -> Callable[[View], Iterator[str]]:
    """Give the check that a Service has a ready Pod: where it may have none, terminating endpoints get connections."""
    return partial(_unserved, cluster, service)


def _unserved(cluster: Cluster, service: Service, view: View) -> Iterator[str]:
    keep = partial(_serves, service)
    if not any(view.via(keep, slot) for slot in cluster.world.layout.pools["Pod"]):
        yield f"no Pod of Service {service.metadata.name} is ready"


def _serves(service: Service, obj: Object | None) -> bool:
    return (
        isinstance(obj, Pod)
        and obj.metadata.namespace == service.metadata.namespace
        and matches_map(service.spec.selector, obj.metadata.labels)
        and obj.active
        and obj.ready
    )
