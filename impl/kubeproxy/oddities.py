"""What is odd about Services and EndpointSlices: what a proxier passes over in silence, or two Services fight for.

Nothing here changes a rule. kube-proxy logs some of it where nobody looks; a report should say it.
Upstream: pkg/proxy/serviceport.go and pkg/proxy/endpointslicecache.go (v1.32), which leave out addresses of the other
family and ranges they cannot read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network

from attrs import frozen

from ..api.core import Service
from ..api.policy import EndpointSlice
from .endpoints import by_service
from .family import FAMILIES, contains, family_of
from .services import Port, cluster_ip_of, service_ports


@frozen(order=True)
class Oddity:
    """Something odd about a Service ("NAMESPACE/NAME")."""

    service: str
    said: str


def oddities(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    nodes: Iterable[str] = (),
    pod_networks: Iterable[str] = (),
    chain_of: Callable[[Port], str] = lambda port: port.chain("KUBE-SVC"),
) -> tuple[Oddity, ...]:
    """Return everything odd, in order. `nodes` and `pod_networks` are those of the cluster; none means not known.

    `chain_of` names the chain of a port.
    """
    known = tuple(sorted(services, key=_name))
    mine = by_service(slices)
    found = [Oddity(_name(service), said) for service in known for said in _of_service(service)]
    for service in known:
        theirs = mine.get((service.metadata.namespace, service.metadata.name), ())
        found += [
            Oddity(_name(service), said) for said in _of_slices(service, theirs, tuple(nodes), tuple(pod_networks))
        ]
    return tuple(dict.fromkeys((*found, *_claimed_twice(known), *_same_chain(known, chain_of))))


def _name(service: Service) -> str:
    return f"{service.metadata.namespace}/{service.metadata.name}"


# --- one Service ----------------------------------------------------------------------------------------------------


def _of_service(service: Service) -> Iterator[str]:
    spec = service.spec
    if spec.type == "ExternalName":
        return
    if not spec.ports:
        yield "it has no ports: no proxy knows it"
    if spec.cluster_ip in {"", "None"}:
        return
    families = [family for family in FAMILIES if cluster_ip_of(service, family)]
    yield from (
        f"it asks for {family} but has no such cluster IP" for family in spec.ip_families if family not in families
    )
    named = [("external IP", ip) for ip in spec.external_ips]
    named += [("load balancer source range", span.strip()) for span in spec.load_balancer_source_ranges]
    for what, text in named:
        if not _is_network(text):
            yield f"{what} {text} is no address or network: it is passed over"
        elif family_of(text) not in families:
            yield f"{what} {text} is {family_of(text)}, the Service is not: it is passed over"


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _of_slices(
    service: Service, slices: Iterable[EndpointSlice], nodes: tuple[str, ...], networks: tuple[str, ...]
) -> Iterator[str]:
    if service.spec.type == "ExternalName":
        return
    offered = {(port.name, port.protocol or "TCP") for port in service.spec.ports}
    for endpoint_slice in slices:
        where = f"EndpointSlice {endpoint_slice.metadata.name}"
        for port in endpoint_slice.ports:
            if (port.name, port.protocol or "TCP") not in offered:
                yield f"{where} offers port {port.name or port.port}/{port.protocol}, which the Service has not"
        for end in endpoint_slice.endpoints:
            yield from (f"{where}: {said}" for said in _of_address(endpoint_slice, end.addresses, networks))
            if nodes and end.node_name and end.node_name not in nodes:
                yield f"{where}: {', '.join(end.addresses)} is said to be on node {end.node_name}, which is not there"


def _of_address(one: EndpointSlice, addresses: tuple[str, ...], networks: tuple[str, ...]) -> Iterator[str]:
    if not addresses or one.address_type not in FAMILIES:
        return
    address = addresses[0]
    if not _is_network(address) or family_of(address) != one.address_type:
        yield f"{address} is no {one.address_type} address: it is passed over"
    elif ip_address(address).is_loopback:
        yield f"{address} is loopback: every node would send to itself"
    elif networks and not any(contains(network, address) for network in networks):
        yield f"{address} is outside the Pods' networks ({', '.join(networks)}): its answers may miss the node"


# --- Services among each other --------------------------------------------------------------------------------------


def _claimed_twice(services: tuple[Service, ...]) -> Iterator[Oddity]:
    """Tell of addresses with ports that a Service before, by name, has already."""
    taken: dict[tuple[str, str, int], str] = {}
    for service in services:
        for family in FAMILIES if service.spec.type != "ExternalName" else ():
            for port in service_ports(service, family):
                for where, door in _doors(port):
                    first = taken.setdefault(door, _name(service))
                    if first != _name(service):
                        yield Oddity(_name(service), f"{where} is also claimed by {first}, which gets the packets")


def _doors(port: Port) -> Iterator[tuple[str, tuple[str, str, int]]]:
    for address in (port.cluster_ip, *port.external_ips, *port.load_balancer_ips):
        yield f"{address} port {port.port}/{port.protocol}", (address, port.protocol, port.port)
    if port.node_port:
        yield f"node port {port.node_port}/{port.protocol}", (port.family, port.protocol, port.node_port)


def _same_chain(services: tuple[Service, ...], chain_of: Callable[[Port], str]) -> Iterator[Oddity]:
    """Tell of ports whose chains have the same name: of the hash, 80 bits are kept."""
    named: dict[str, Port] = {}
    for service in services:
        for port in service_ports(service) if service.spec.type != "ExternalName" else ():
            first = named.setdefault(chain_of(port), port)
            if (str(first), first.protocol) != (str(port), port.protocol):
                yield Oddity(_name(service), f"port {port} has the same chain as {first}: their endpoints mix")
