"""Every kind of Service there is, as far as rules tell kinds apart: what proofs "for all kinds" range over.

A kind is a choice of doors, traffic policies, source ranges, affinity, protocol and endpoints. Names, addresses and
numbers of endpoints are left alone: rules treat them as names, and spread any number alike (`shares`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product

from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.core import Service, ServicePort, ServiceSpec
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from ...impl.api.well_known import SERVICE_NAME
from ...impl.kubeproxy.chains import ProxyConfig
from ...impl.kubeproxy.family import IPV4, IPV6
from .symbolic import PROTOCOLS

HERE, ELSEWHERE, ZONE = "n1", "n2", "a"
READY = EndpointConditions(ready=True, serving=True)
LEAVING = EndpointConditions(ready=False, serving=True, terminating=True)
DEAD = EndpointConditions(ready=False, serving=False)
POLICIES = ("Cluster", "Local")

End = tuple[EndpointConditions, str, str]
"""Condition, node, and the zone it is meant for ("" for none)."""
ENDS: immutabledict[str, tuple[End, ...]] = immutabledict(
    {
        "nobody": (),
        "one here": ((READY, HERE, ""),),
        "one elsewhere": ((READY, ELSEWHERE, ""), (DEAD, HERE, "")),
        "one here, two elsewhere": ((READY, HERE, ""), (READY, ELSEWHERE, ""), (READY, ELSEWHERE, "")),
        "ready elsewhere, leaving here": ((LEAVING, HERE, ""), (READY, ELSEWHERE, "")),
        "all leaving": ((LEAVING, HERE, ""), (LEAVING, ELSEWHERE, "")),
        "one in each zone": ((READY, HERE, ZONE), (READY, ELSEWHERE, "b")),
    }
)


@frozen
class Places:
    """The addresses of a family that kinds are made of."""

    config: ProxyConfig
    cluster_ip: str
    external_ip: str
    balancer: str
    ranges: tuple[tuple[str, ...], ...]
    """None, one without the node, one with it."""
    endpoint: str


PLACES = immutabledict(
    {
        IPV4: Places(
            ProxyConfig(("192.168.0.1", "172.16.0.1")),
            "172.30.0.1",
            "192.0.2.9",
            "203.0.113.80",
            ((), ("198.51.100.0/24",), ("192.168.0.0/16", "198.51.100.0/24")),
            "10.0.1.",
        ),
        IPV6: Places(
            ProxyConfig(("fd00:192::1", "fd00:172:16::1"), "fd00:10::/32", family=IPV6),
            "fd00:172:30::1",
            "2001:db8::9",
            "2001:db8:1::80",
            ((), ("2001:db8:2::/64",), ("fd00:192::/64", "2001:db8:2::/64")),
            "fd00:10::",
        ),
    }
)


@frozen
class Kind:
    """One kind of Service in one family, with its endpoints; `name` says what is special about it."""

    name: str
    service: Service
    slices: tuple[EndpointSlice, ...]
    config: ProxyConfig


def kinds(family: str = IPV4) -> Iterator[Kind]:
    """Yield every kind: those with a cluster IP alone, then those with every door there is. Protocols take turns."""
    places, protocols = PLACES[family], cycle(PROTOCOLS)
    plain = product((False,), ("Cluster",), POLICIES, ((),), ("None", "ClientIP"), ENDS)
    doors = product((True,), POLICIES, POLICIES, places.ranges, ("None", "ClientIP"), ENDS)
    for chosen in (*plain, *doors):
        yield _kind(places, next(protocols), *chosen)


def _kind(
    places: Places,
    protocol: str,
    open_: bool,  # noqa: FBT001 - one of a product of choices
    external: str,
    internal: str,
    ranges: tuple[str, ...],
    affinity: str,
    ends: str,
) -> Kind:
    port = ServicePort(port=80, name="x", protocol=protocol, node_port=30080 if open_ else 0)
    spec = ServiceSpec(
        cluster_ip=places.cluster_ip,
        type="LoadBalancer" if open_ else "ClusterIP",
        ports=(port,),
        external_ips=(places.external_ip,) if open_ else (),
        external_traffic_policy=external if open_ else "",
        internal_traffic_policy=internal,
        load_balancer_source_ranges=ranges,
        session_affinity=affinity,
        extra=immutabledict(healthCheckNodePort=30999) if external == "Local" else immutabledict(),
    )
    balancer = immutabledict(ingress=(immutabledict(ip=places.balancer),))
    extra = immutabledict(status=immutabledict(loadBalancer=balancer)) if open_ else immutabledict()
    service = Service(ObjectMeta(name="web", namespace="d"), spec, extra)
    name = f"{spec.type}, outside {external}, inside {internal}, ranges {list(ranges)}, affinity {affinity}, {ends}"
    return Kind(name, service, (_slice(places, protocol, ENDS[ends]),), places.config)


def _slice(places: Places, protocol: str, ends: tuple[End, ...]) -> EndpointSlice:
    labels = immutabledict({SERVICE_NAME: "web"})
    found = tuple(
        Endpoint(
            (f"{places.endpoint}{number}",),
            condition,
            node_name=node,
            hints=immutabledict(forZones=(immutabledict(name=zone),)) if zone else None,
        )
        for number, (condition, node, zone) in enumerate(ends, 1)
    )
    meta = ObjectMeta(name="web-1", namespace="d", labels=labels)
    ports = (EndpointPort("x", 8080, protocol),)
    return EndpointSlice(meta, address_type=places.config.family, endpoints=found, ports=ports)


def many(count: int, each: int) -> tuple[tuple[Service, ...], tuple[EndpointSlice, ...]]:
    """Return Services with cluster IP and node port, and their endpoints, half of them on the node."""
    services, slices = [], []
    for place in range(count):
        name = f"s{place:05}"
        port = ServicePort(port=80, name="x", node_port=30000 + place)
        spec = ServiceSpec(cluster_ip=f"172.30.{place // 250}.{place % 250 + 1}", type="NodePort", ports=(port,))
        services.append(Service(ObjectMeta(name=name, namespace="d"), spec))
        found = tuple(
            Endpoint((f"10.{place // 250}.{place % 250}.{n + 1}",), READY, node_name=(HERE, ELSEWHERE)[n % 2])
            for n in range(each)
        )
        meta = ObjectMeta(name=f"{name}-1", namespace="d", labels=immutabledict({SERVICE_NAME: name}))
        slices.append(EndpointSlice(meta, endpoints=found, ports=(EndpointPort("x", 8080),)))
    return tuple(services), tuple(slices)
