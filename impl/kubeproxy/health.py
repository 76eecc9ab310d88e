"""What a node says to a load balancer that asks a Service's health check node port.

A Service of type LoadBalancer under externalTrafficPolicy Local has one port for that. The node answers 200 if it has
a ready endpoint of its own and its proxy works, else 503; terminating endpoints do not count, even where they are all
there is and still get connections: so the balancer turns away before they are gone. Endpoints are counted by address.
Upstream: pkg/proxy/healthcheck/service_health.go, and LocalReadyEndpoints of pkg/proxy/endpointschangetracker.go
(v1.32).
Left out on purpose: the proxy's own /healthz and /livez, and nodePortAddresses.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from ..api.core import Service
from ..api.policy import EndpointSlice
from ..api.releases import NEWEST, Release
from .endpoints import addresses_of, by_service
from .family import IPV4
from .services import Port, ports

OK, UNAVAILABLE = 200, 503


@frozen
class HealthAnswer:
    """An HTTP answer: status, and the number of local endpoints in body and header (the weight)."""

    status: int
    local_endpoints: int


@frozen(order=True)
class HealthCheck:
    """The health check of one Service on one node."""

    namespace: str
    service: str
    node_port: int
    local_endpoints: int

    def answer(self, *, proxy_healthy: bool = True) -> HealthAnswer:
        """Return what a balancer is told; `proxy_healthy` is whether the proxy keeps up with its work."""
        well = bool(self.local_endpoints) and proxy_healthy
        return HealthAnswer(OK if well else UNAVAILABLE, self.local_endpoints)


def health_checks(
    services: Iterable[Service],
    slices: Iterable[EndpointSlice],
    node_name: str,
    family: str = IPV4,
    release: Release = NEWEST,
) -> tuple[HealthCheck, ...]:
    """Return the health checks a node serves, in the order of their Services."""
    local = local_ready(slices, node_name, family, release)
    asked = {(port.namespace, port.service): port.health_check_node_port for port in ports(services, family)}
    return tuple(HealthCheck(*name, port, local.get(name, 0)) for name, port in sorted(asked.items()) if port)


def local_ready(
    slices: Iterable[EndpointSlice], node_name: str, family: str = IPV4, release: Release = NEWEST
) -> dict[tuple[str, str], int]:
    """Count the addresses of ready endpoints on a node by Service (namespace, name); those without any are left out.

    The slices alone decide, whether or not there is such a Service.
    """
    found = {}
    for name, mine in sorted(by_service(slices).items()):
        offered = sorted(
            {(port.name, port.protocol or "TCP") for endpoint_slice in mine for port in endpoint_slice.ports}
        )
        asked = (Port(*name, *port, cluster_ip="", port=0, family=family) for port in offered)
        ends = (end for port in asked for end in addresses_of(port, mine, node_name, release))
        if ready := {end.ip for end in ends if end.local and end.ready}:
            found[name] = len(ready)
    return found
