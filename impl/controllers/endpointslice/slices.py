"""Spreading endpoints over slices with as few writes as possible.

Upstream: staging/src/k8s.io/endpointslice/reconciler.go, reconcileByPortMapping, and utils.go (v1.32).
"""

from __future__ import annotations

from attrs import evolve, frozen

from ...api.core import Service
from ...api.meta import ObjectMeta
from ...api.policy import Endpoint, EndpointSlice
from ...api.values.frozen import Strings, strings
from ...api.well_known import SERVICE_NAME
from ..common import controller_of
from .endpoints import PortMap

MAX_ENDPOINTS = 100
"""How many endpoints a slice may hold: the default of --max-endpoints-per-slice."""

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
HEADLESS = "service.kubernetes.io/headless"
RESERVED = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS})


@frozen
class Plan:
    """What becomes of slices; those updated keep their names."""

    create: tuple[EndpointSlice, ...] = ()
    update: tuple[EndpointSlice, ...] = ()
    delete: tuple[EndpointSlice, ...] = ()

    def plus(self, other: Plan) -> Plan:
        """Do both."""
        return Plan(self.create + other.create, self.update + other.update, self.delete + other.delete)


def labels_of(service: Service) -> Strings:
    """Return the labels of a Service's slices: its own, whose they are, who manages them, whether it is headless."""
    own = {key: value for key, value in service.metadata.labels.items() if key not in RESERVED}
    headless = {HEADLESS: ""} if service.spec.cluster_ip in {"", "None"} else {}
    return strings({**own, **headless, SERVICE_NAME: service.metadata.name, MANAGED_BY: MANAGER})


def new_slice(service: Service, ports: PortMap, family: str) -> EndpointSlice:
    """Make an empty slice that the API server will name."""
    metadata = ObjectMeta(
        generate_name=f"{service.metadata.name}-",
        namespace=service.metadata.namespace,
        labels=labels_of(service),
        owner_references=(controller_of(service),),
    )
    return EndpointSlice(metadata, family, ports=ports)


def fill(existing: tuple[EndpointSlice, ...], wanted: tuple[Endpoint, ...], blank: EndpointSlice, most: int) -> Plan:
    """Plan the slices of one port set: keep what is right, refill what changes anyway, then make new ones.

    `blank` is what a new slice looks like before it is filled, `most` how many endpoints a slice may hold.
    """
    missing = {_identity(endpoint): endpoint for endpoint in wanted}
    slices: dict[str, EndpointSlice] = {}
    changed: list[str] = []
    delete: list[EndpointSlice] = []
    for slice_ in existing:
        kept = tuple(missing.pop(who) for old in slice_.endpoints if (who := _identity(old)) in missing)
        after = _refreshed(slice_, kept, blank.metadata.labels)
        if slice_.endpoints and not kept:
            delete.append(slice_)
            continue
        slices[slice_.metadata.name] = after
        if after != slice_:
            changed.append(slice_.metadata.name)
    left = list(missing.values())
    for name in sorted(changed, key=lambda name: -len(slices[name].endpoints)):
        slices[name], left = _topped_up(slices[name], left, most)
    create: list[EndpointSlice] = []
    while left:
        name = _roomiest_fit({name: slice_ for name, slice_ in slices.items() if name not in changed}, len(left), most)
        if name:
            slices[name], left = _topped_up(slices[name], left, most)
            changed.append(name)
        else:
            made, left = _topped_up(blank, left, most)
            create.append(made)
    return Plan(tuple(create), tuple(slices[name] for name in sorted(changed)), tuple(delete))


def _identity(one: Endpoint) -> tuple[object, ...]:
    """Return what makes an endpoint the same one: its addresses, host name and target, not its condition."""
    target = one.target_ref
    who = ("", "") if target is None else (target.namespace, target.name)
    return (*sorted(one.addresses), "", one.extra.get("hostname", ""), *who)


def _refreshed(one: EndpointSlice, endpoints: tuple[Endpoint, ...], labels: Strings) -> EndpointSlice:
    """Return a slice with these endpoints, and with the Service's labels if those or the endpoints changed."""
    mine = {key: value for key, value in one.metadata.labels.items() if key not in RESERVED}
    theirs = {key: value for key, value in labels.items() if key not in RESERVED}
    if one.endpoints == endpoints and mine == theirs:
        return one
    return evolve(one, endpoints=endpoints, metadata=evolve(one.metadata, labels=labels))


def _topped_up(one: EndpointSlice, left: list[Endpoint], most: int) -> tuple[EndpointSlice, list[Endpoint]]:
    """Add endpoints to a slice up to its limit; give the slice and those that did not fit."""
    room = max(0, most - len(one.endpoints))
    return evolve(one, endpoints=(*one.endpoints, *left[:room])), left[room:]


def _roomiest_fit(slices: dict[str, EndpointSlice], more: int, most: int) -> str:
    """Name the unchanged slice that all the rest fits into most tightly; "" if it fits into none."""
    after = {name: len(slice_.endpoints) + more for name, slice_ in slices.items()}
    fits = [name for name in sorted(after) if after[name] <= most] if more < most else []
    return min(fits, key=lambda name: most - after[name], default="")
