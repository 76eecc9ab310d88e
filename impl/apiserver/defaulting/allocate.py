"""Cluster IPs and node ports: the lowest that is free, or the one asked for if it is.

Upstream: pkg/registry/core/service/{ipallocator,portallocator}, pkg/registry/core/service/storage/alloc.go (v1.32).
Left out on purpose: the random choice (a world must be repeatable), the static and dynamic bands (what others ask for
is kept free instead), dual stack, and the allocation maps: what is taken is read off the Services themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from attrs import evolve

from ...api.core import Service, ServicePort
from ...api.kinds import Object, ref_of
from ...api.meta import Ref
from ...api.requests import Response
from ..config import Config
from ..status import internal_error
from ..status import invalid as invalid_response
from ..storage import Storage
from ..validation.field_error import FieldError, as_told, invalid, invalid_raw
from ..validation.names import is_address
from .defaulting import EXTERNAL, HEADLESS

FIRST_FREE = 2  # 10.96.0.0 is the network, 10.96.0.1 belongs to the Service `kubernetes`
KUBERNETES = Ref("Service", "default", "kubernetes")


def allocate(storage: Storage, obj: Object, config: Config, wanted_ip: str) -> Object | Response:
    """Return a Service with its cluster IP and node ports; other kinds come back as they are. 422 when one is taken."""
    if not isinstance(obj, Service) or obj.spec.type == "ExternalName":
        return obj
    needs_ip = not obj.spec.cluster_ip
    needs_ports = obj.spec.type in EXTERNAL
    fixed_ip = not needs_ip and obj.spec.cluster_ip != HEADLESS
    if not (needs_ip or needs_ports or fixed_ip):
        return obj
    if fixed_ip and not needs_ports and _already_has(storage, obj):
        return obj
    mine = (obj.metadata.namespace, obj.metadata.name)
    others = tuple(
        service
        for service in storage.list("Service", None)
        if isinstance(service, Service) and (service.metadata.namespace, service.metadata.name) != mine
    )
    addressed = _with_address(obj, others, config, wanted_ip)
    if isinstance(addressed, Response) or not needs_ports:
        return addressed
    return _with_node_ports(storage, addressed, others, config)


@lru_cache(maxsize=2**16)
def _address(addresses: str, place: int) -> str:
    """Spell an address of a range: each Service that is made goes through those in use again."""
    return str(ip_network(addresses)[place])


def _already_has(storage: Storage, service: Service) -> bool:
    stored = storage.get(ref_of(service))
    return isinstance(stored, Service) and stored.spec.cluster_ip == service.spec.cluster_ip


def _with_address(service: Service, others: tuple[Service, ...], config: Config, wanted: str) -> Service | Response:
    """Take the address asked for, or the lowest free one of the range."""
    network = ip_network(config.service_cluster_ip_range)
    taken = {other.spec.cluster_ip for other in others}
    taken |= {str(network[FIRST_FREE - 1])} if ref_of(service) != KUBERNETES else set()
    if fixed := service.spec.cluster_ip:
        problem = _address_problem(fixed, set() if config.dry_run else taken, config)
        return _refused(service, problem, config) if problem else service
    kept = taken | config.kept_free
    free = (_address(config.service_cluster_ip_range, place) for place in range(FIRST_FREE, network.num_addresses - 1))
    address = wanted or next((ip for ip in free if ip not in kept), "")
    if not address:
        return internal_error("failed to allocate a serviceIP: range is full")
    return evolve(service, spec=evolve(service.spec, cluster_ip=address, cluster_ips=(address,)))


def _address_problem(address: str, taken: set[str], config: Config) -> FieldError | None:
    if address == HEADLESS or not is_address(address):
        return None
    rendered = f'[]string{{"{address}"}}'
    if ip_address(address) not in ip_network(config.service_cluster_ip_range):
        detail = (
            f"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. "
            f"The range of valid IPs is {config.service_cluster_ip_range}"
        )
        return invalid_raw("spec.clusterIPs", rendered, detail, [address])
    if address in taken:
        detail = f"failed to allocate IP {address}: provided IP is already allocated"
        return invalid_raw("spec.clusterIPs", rendered, detail, [address])
    return None


def _with_node_ports(
    storage: Storage, service: Service, others: tuple[Service, ...], config: Config
) -> Service | Response:
    """Assign every port of the Service a node port of its own; one number serves one port of one Service.

    What the Service holds already is not asked for again: its cluster may have had another range. One whose balancer
    needs none gets those that it asks for by number only (initNodePorts in pkg/registry/core/service/storage/alloc.go).
    """
    taken = {number for other in others for number in _node_ports(other)}
    stored = storage.get(ref_of(service))
    had = _node_ports(stored) if isinstance(stored, Service) else set()
    own: set[int] = set()
    for index, port in enumerate(service.spec.ports):
        problem = _port_problem(port.node_port, taken, config)
        if port.node_port not in had | {0} and problem:
            return _refused(service, invalid(f"spec.ports[{index}].nodePort", port.node_port, problem), config)
        own |= {port.node_port} - {0}
    checked: Any = service.spec.extra.get("healthCheckNodePort")
    if checked and checked not in had and (problem := _port_problem(checked, taken | own, config)):
        return internal_error(f"failed to allocate requested HealthCheck NodePort {checked}: {problem}")
    if service.spec.extra.get("allocateLoadBalancerNodePorts") is False:
        return service
    first, last = config.service_node_port_range
    kept = taken | own | config.kept_free
    free = (number for number in range(first, last + 1) if number not in kept)
    ports = tuple(_port(port, free) for port in service.spec.ports)
    if any(not port.node_port for port in ports):
        return internal_error("failed to allocate a nodePort: range is full")
    return evolve(service, spec=evolve(service.spec, ports=ports))


def _node_ports(service: Service) -> set[int]:
    """Return the ports of every node that a Service holds, that of its health check among them."""
    checked: Any = service.spec.extra.get("healthCheckNodePort") or 0
    return {checked, *(port.node_port for port in service.spec.ports)} - {0}


def _port_problem(number: int, taken: set[int], config: Config) -> str:
    """Say why a Service cannot have a port of the nodes, "" if it can."""
    first, last = config.service_node_port_range
    if not config.dry_run and not first <= number <= last:
        return f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
    return "provided port is already allocated" if number in taken else ""


def _port(port: ServicePort, free: Iterator[int]) -> ServicePort:
    return port if port.node_port else evolve(port, node_port=next(free, 0))


def _refused(service: Service, error: FieldError, config: Config) -> Response:
    return invalid_response("Service", service.metadata.name, as_told((error,), config.release))
