"""A cluster at rest as its proxies see it: each node's addresses of both families, its rules, its health checks.

Nodes without an InternalIP of a family get one: 192.168.0.1, ... and fd00:192:168::1, ... The simulated cluster gives
Pods IPv4 addresses only: where a Service with both families has no IPv6 endpoints but some of IPv4, these stand in
under fd00:10::/32, as the IPv4 addresses stand in for those of a real cluster; a missing IPv6 cluster IP stands under
fd00:10:96::. The matrix says so.
Left out on purpose: routes between nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.core import Node, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.policy import Endpoint, EndpointSlice
from ...impl.api.releases import NEWEST, Release
from ...impl.api.well_known import SERVICE_NAME, ZONE
from ...impl.kubeproxy.chains import ProxyConfig
from ...impl.kubeproxy.family import FAMILIES, IPV4, IPV6, family_of, shortest
from ...impl.kubeproxy.proxy import rules
from ...impl.kubeproxy.rule import RuleSet
from ...impl.kubeproxy.services import cluster_ip_of
from ...properties.reachability.all_services import Sliced

POD_NETWORKS = immutabledict({IPV4: "10.0.0.0/8", IPV6: "fd00:10::/32"})
DUAL = "RequireDualStack"


@frozen
class Stand:
    """A node as one of its proxiers sees it; `ruled` finds the rules of a packet without looking at all of them."""

    node: str
    family: str
    address: str
    zone: str
    ruled: Sliced

    @property
    def rules(self) -> RuleSet:
        """Everything this proxier programmed."""
        return self.ruled.rules


@frozen(slots=False)
class Scene:
    """All that a matrix is made of; the rules of a family are made when they are first asked for."""

    objects: tuple[Object, ...]
    release: Release = NEWEST
    services: tuple[Service, ...] = field(init=False)
    slices: tuple[EndpointSlice, ...] = field(init=False)

    @services.default
    def _completed_services(self) -> tuple[Service, ...]:
        found = sorted(
            (obj for obj in self.objects if isinstance(obj, Service)),
            key=lambda one: (one.metadata.namespace, one.metadata.name),
        )
        return tuple(completed(service, place) for place, service in enumerate(found, 1))

    @slices.default
    def _completed_slices(self) -> tuple[EndpointSlice, ...]:
        return tuple(_dual([obj for obj in self.objects if isinstance(obj, EndpointSlice)]))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, by name."""
        return tuple(sorted((obj for obj in self.objects if isinstance(obj, Node)), key=lambda one: one.metadata.name))

    @cached_property
    def ipv4(self) -> tuple[Stand, ...]:
        """Every node's proxier of IPv4."""
        return tuple(self._stands(IPV4))

    @cached_property
    def ipv6(self) -> tuple[Stand, ...]:
        """Every node's proxier of IPv6."""
        return tuple(self._stands(IPV6))

    def stands(self, service: Service) -> tuple[Stand, ...]:
        """Return the proxiers that serve a Service, family by family."""
        both = {IPV4: self.ipv4, IPV6: self.ipv6} if cluster_ip_of(service, IPV6) else {IPV4: self.ipv4}
        wanted = [family for family in FAMILIES if cluster_ip_of(service, family)] or [IPV4]
        return tuple(stand for family in wanted for stand in both[family])

    def _stands(self, family: str) -> Iterator[Stand]:
        addresses = node_addresses(self.nodes, family)
        for node in self.nodes:
            name, labels = node.metadata.name, node.metadata.labels
            config = ProxyConfig((addresses[name],), POD_NETWORKS[family], family=family, release=self.release)
            ruled = rules(self.services, self.slices, name, config, node_labels=labels)
            yield Stand(name, family, addresses[name], labels.get(ZONE, ""), Sliced(ruled))


def node_addresses(objects: Iterable[Object], family: str = IPV4) -> dict[str, str]:
    """Return a node's address of a family: its InternalIP, else one by its place."""
    nodes = sorted((obj for obj in objects if isinstance(obj, Node)), key=lambda one: one.metadata.name)
    found = {node.metadata.name: _placed(place, family) for place, node in enumerate(nodes)}
    for node in nodes:
        for address in node.status.extra.get("addresses", ()):
            text = address.get("address", "")
            if address.get("type") == "InternalIP" and text and family_of(text) == family:
                found[node.metadata.name] = shortest(text)
    return found


def _placed(place: int, family: str) -> str:
    return f"192.168.{place // 254}.{place % 254 + 1}" if family == IPV4 else f"fd00:192:168::{place + 1:x}"


# --- both families --------------------------------------------------------------------------------------------------


def in_one_family(objects: Iterable[Object]) -> Iterator[Object]:
    """Yield the objects as the simulated cluster can hold them: Services of both families as if they were of IPv4."""
    for obj in objects:
        if isinstance(obj, Service) and _of_both(obj):
            alone = tuple(address for address in obj.spec.cluster_ips if family_of(address) == IPV4)
            spec = evolve(obj.spec, ip_families=(IPV4,), ip_family_policy="SingleStack", cluster_ips=alone)
            yield evolve(obj, spec=evolve(spec, cluster_ip="".join(alone)))
        else:
            yield obj


def in_both_families(objects: Iterable[Object], manifests: Iterable[Object]) -> Iterator[Object]:
    """Yield back to Services what `in_one_family` took from them."""
    asked = {ref_of(obj): obj.spec for obj in manifests if isinstance(obj, Service) and _of_both(obj)}
    for obj in objects:
        spec = asked.get(ref_of(obj)) if isinstance(obj, Service) else None
        if isinstance(obj, Service) and spec is not None:
            known = spec.cluster_ips if len(spec.cluster_ips) > 1 else obj.spec.cluster_ips
            policy = spec.ip_family_policy
            families = spec.ip_families if len(spec.ip_families) > 1 else FAMILIES
            yield evolve(
                obj,
                spec=evolve(obj.spec, ip_families=families, ip_family_policy=policy, cluster_ips=known),
            )
        else:
            yield obj


def _of_both(service: Service) -> bool:
    spec = service.spec
    return len(spec.ip_families) > 1 or (spec.ip_family_policy == DUAL and spec.cluster_ip != "None")


def completed(service: Service, place: int) -> Service:
    """Return a Service that asks for both families its IPv6 address, if it has none: by its place among all."""
    spec = service.spec
    if spec.type == "ExternalName" or spec.cluster_ip in {"", "None"} or not _of_both(service):
        return service
    families = spec.ip_families if len(spec.ip_families) > 1 else FAMILIES
    known = {family_of(ip): ip for ip in spec.cluster_ips or (spec.cluster_ip,)}
    if IPV6 not in known:
        known[IPV6] = f"fd00:10:96::{place:x}"
    addresses = tuple(known[family] for family in families if family in known)
    return evolve(service, spec=evolve(spec, ip_families=families, cluster_ip=addresses[0], cluster_ips=addresses))


def _dual(slices: list[EndpointSlice]) -> Iterator[EndpointSlice]:
    """Let IPv4 endpoints stand in for IPv6 ones where there are none."""
    yield from slices
    served = {_service(piece) for piece in slices if piece.address_type == IPV6 and piece.endpoints}
    for piece in slices:
        if piece.address_type == IPV4 and _service(piece) not in served:
            meta = evolve(piece.metadata, name=f"{piece.metadata.name}-ipv6")
            yield evolve(piece, metadata=meta, address_type=IPV6, endpoints=tuple(map(_in_ipv6, piece.endpoints)))


def _service(one: EndpointSlice) -> tuple[str, str]:
    return (one.metadata.namespace, one.metadata.labels.get(SERVICE_NAME, ""))


def _in_ipv6(end: Endpoint) -> Endpoint:
    return evolve(end, addresses=tuple(map(stand_in, end.addresses)))


def stand_in(address: str) -> str:
    """Return the IPv6 address that stands in for a Pod's IPv4 address: 10.1.2.3 has fd00:10::1:2:3."""
    parts = address.split(".")
    return shortest("fd00:10::" + ":".join(f"{int(part):x}" for part in parts[1:])) if len(parts) == 4 else address
