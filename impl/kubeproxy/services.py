"""What kube-proxy keeps of a Service: one value per port.

Upstream: pkg/proxy/serviceport.go (v1.32, v1.36).
A port of a Service with both families is two values, one for each proxier.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import ip_network

from attrs import frozen

from ..api.core import Service
from ..api.releases import NEWEST, Change, Release
from ..api.values.frozen import Json
from .family import IPV4, family_of, shortest

OTHER_PROXY = "service.kubernetes.io/service-proxy-name"
DEFAULT_AFFINITY_SECONDS = 10800


@frozen
class Port:
    """One port of a Service. Addresses and ranges are text; `affinity_seconds` 0 means none."""

    namespace: str
    service: str
    name: str
    protocol: str
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    internal_local: bool = False
    external_local: bool = False
    health_check_node_port: int = 0
    affinity_seconds: int = 0
    family: str = IPV4

    def __str__(self) -> str:
        return f"{self.namespace}/{self.service}{':' if self.name else ''}{self.name}"

    @property
    def externally_accessible(self) -> bool:
        """Whether it has an address besides the cluster IP."""
        return bool(self.node_port or self.load_balancer_ips or self.external_ips)

    @property
    def uses_cluster_endpoints(self) -> bool:
        """Whether any traffic goes to endpoints everywhere: external traffic may, from inside, even under Local."""
        return not self.internal_local or self.externally_accessible

    @property
    def uses_local_endpoints(self) -> bool:
        """Whether any traffic goes to this node's endpoints only."""
        return self.internal_local or (self.external_local and self.externally_accessible)

    def chain(self, prefix: str) -> str:
        """Name the port's own chain: KUBE-SVC, KUBE-SVL, KUBE-EXT or KUBE-FW with a hash of port and protocol."""
        return f"{prefix}-{_hash(str(self) + self.protocol.lower())}"

    def endpoint_chain(self, endpoint: str) -> str:
        """Name the chain of one endpoint ("ADDRESS:PORT") of the port."""
        return f"KUBE-SEP-{_hash(str(self) + self.protocol.lower() + endpoint)}"


def _hash(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:16]


def ports(services: Iterable[Service], family: str = IPV4, release: Release = NEWEST) -> tuple[Port, ...]:
    """Return every port the proxier of a family serves, by name; headless and ExternalName Services have none."""
    found = (port for service in services if _served(service) for port in service_ports(service, family, release))
    return tuple(sorted(found, key=lambda port: (port.namespace, port.service, port.name, port.protocol)))


def _served(service: Service) -> bool:
    headless = service.spec.cluster_ip in {"", "None"}
    return not headless and service.spec.type != "ExternalName" and OTHER_PROXY not in service.metadata.labels


def cluster_ip_of(service: Service, family: str) -> str:
    """Return the cluster IP of a family, "" if the Service has none; without families its one address tells."""
    spec = service.spec
    known = spec.cluster_ips or (spec.cluster_ip,)
    families = spec.ip_families or tuple(family_of(address) for address in known[:1])
    return next(
        (address for address, of in zip(known, families, strict=False) if of == family and address not in {"", "None"}),
        "",
    )


def service_ports(service: Service, family: str = IPV4, release: Release = NEWEST) -> Iterator[Port]:
    """Yield the ports of one Service for one family; none if it has no cluster IP of it."""
    spec = service.spec
    cluster_ip = cluster_ip_of(service, family)
    if not cluster_ip:
        return
    external = spec.type in {"NodePort", "LoadBalancer"} or bool(spec.external_ips)
    external_local = external and spec.external_traffic_policy == "Local"
    needs_health_check = spec.type == "LoadBalancer" and external_local
    for port in spec.ports:
        yield Port(
            namespace=service.metadata.namespace,
            service=service.metadata.name,
            name=port.name,
            protocol=port.protocol or "TCP",
            cluster_ip=shortest(cluster_ip),
            port=port.port,
            node_port=port.node_port,
            external_ips=tuple(shortest(ip) for ip in spec.external_ips if family_of(ip) == family),
            load_balancer_ips=tuple(_load_balancer_ips(service.extra.get("status"), family)),
            source_ranges=_restricting(tuple(_ranges(spec.load_balancer_source_ranges, family)), release),
            internal_local=spec.internal_traffic_policy == "Local",
            external_local=external_local,
            health_check_node_port=spec.extra.get("healthCheckNodePort", 0) if needs_health_check else 0,
            affinity_seconds=_affinity_seconds(service),
            family=family,
        )


def _affinity_seconds(service: Service) -> int:
    if service.spec.session_affinity != "ClientIP":
        return 0
    config = service.spec.extra.get("sessionAffinityConfig") or {}
    seconds = (config.get("clientIP") or {}).get("timeoutSeconds")
    return DEFAULT_AFFINITY_SECONDS if seconds is None else int(seconds)


def _load_balancer_ips(status: Json, family: str) -> Iterator[str]:
    """Yield the balancer's addresses that arrive as they are; in ipMode Proxy it has rewritten the packets."""
    for ingress in ((status or {}).get("loadBalancer") or {}).get("ingress") or ():
        address = ingress.get("ip", "")
        if address and family_of(address) == family and ingress.get("ipMode", "VIP") == "VIP":
            yield shortest(address)


def _restricting(ranges: tuple[str, ...], release: Release) -> tuple[str, ...]:
    """Leave out all ranges where one of them holds every address: since 1.34 that is no restriction."""
    everywhere = Change.EVERYWHERE_UNRESTRICTED in release and any(span.endswith("/0") for span in ranges)
    return () if everywhere else ranges


def _ranges(texts: Iterable[str], family: str) -> Iterator[str]:
    for text in texts:
        with suppress(ValueError):  # kube-proxy passes over what it cannot read
            if family_of(text) == family:
                yield str(ip_network(text.strip(), strict=False))
