"""Who answers for a Service that has no selector: what the EndpointSlices that somebody wrote for it say.

In the words of the documentation (concepts/services-networking/endpoint-slices.md, reference EndpointSlice v1, v1.32):
a slice is a Service's by its label, an endpoint of it takes connections while it is ready (which it is where nothing
is said), or, where none is, while it still serves as it terminates; a port of it stands for the port of the Service
that has its name and protocol, and for no other. Whether a program listens at the address nobody can tell.
Nothing here looks at rules. Left out on purpose: headless Services, whose names lead to the addresses whatever the
ports; traffic policies Local.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...impl.api.core import Service, ServicePort
from ...impl.api.kinds import ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import Endpoint, EndpointPort, EndpointSlice, is_slice_of
from ...impl.api.well_known import SERVICE_NAME
from .answers import Port, is_headless, ports_of


@frozen
class Unled:
    """A port of a Service to which no endpoint written by hand leads: why, and the slice and its field to change."""

    port: Port
    why: str
    ref: Ref
    field: str


def is_by_hand(service: Service) -> bool:
    """Tell whether a Service is answered by whom somebody names: it has no selector, and an address of its own."""
    return not service.spec.selector and service.spec.type != "ExternalName" and not is_headless(service)


def unled(service: Service, slices: Iterable[EndpointSlice]) -> Iterator[Unled]:
    """Yield the ports of a Service to which no endpoint of its slices leads."""
    mine = tuple(piece for piece in slices if is_slice_of(ref_of(service), piece))
    if not is_by_hand(service):
        return
    usable = tuple(piece for piece in mine if piece.address_type in (service.spec.ip_families or ("IPv4",)))
    taking = tuple(piece for piece in usable if any(_takes(end) for end in piece.endpoints))
    for port, name in zip(service.spec.ports, ports_of(service), strict=True):
        if any(_stands_for(own, port) for piece in taking for own in piece.ports):
            continue
        if not mine:
            why = f"no EndpointSlice has the label {SERVICE_NAME}: {service.metadata.name}"
            yield Unled(name, why, ref_of(service), "spec.selector")
        elif not usable:
            yield Unled(
                name, f"its slices have addresses of type {mine[0].address_type}", ref_of(mine[0]), "addressType"
            )
        elif not taking:
            yield Unled(name, "no endpoint of its slices is ready", ref_of(usable[0]), "endpoints")
        else:
            there = ", ".join(sorted({_named(own.name, own.protocol) for piece in taking for own in piece.ports}))
            wanted = _named(port.name, port.protocol)
            why = (
                f"the slices of it have {f'ports that are {there}' if there else 'no ports'}, and none that is {wanted}"
            )
            yield Unled(name, why, ref_of(taking[0]), "ports")


def _takes(end: Endpoint) -> bool:
    said = end.conditions
    return bool(end.addresses) and (said.ready or (said.serving and said.terminating))


def _stands_for(own: EndpointPort, port: ServicePort) -> bool:
    """Tell whether a port of a slice stands for one of a Service; one without a number is passed over."""
    return bool(own.port) and (own.name, own.protocol or "TCP") == (port.name, port.protocol or "TCP")


def _named(name: str, protocol: str) -> str:
    """Say a port by its name and protocol."""
    return f"{protocol or 'TCP'} and {f'called {name}' if name else 'without a name'}"
