"""Endpoints of a Service's Pods: addresses, ports and conditions.

Upstream: staging/src/k8s.io/endpointslice/utils.go and util/controller_utils.go, pkg/api/v1/pod/util.go (v1.32).
Left out on purpose: address types other than IPv4 and IPv6.
"""

from __future__ import annotations

from immutabledict import immutabledict

from ...api.cache import Cache
from ...api.core import Node, ObjectReference, Pod, Service, ServicePort
from ...api.meta import Ref
from ...api.policy import Endpoint, EndpointConditions, EndpointPort
from ...api.well_known import ZONE

PortMap = tuple[EndpointPort, ...]
"""The ports of a slice in the order that makes equal sets equal."""


def port_map(ports: tuple[EndpointPort, ...]) -> PortMap:
    """Put ports in order."""
    return tuple(sorted(ports, key=lambda port: (port.name, port.protocol, port.port or 0, port.app_protocol or "")))


def address_types(service: Service) -> tuple[str, ...]:
    """Return the address families a Service has; IPv4 where it does not say."""
    return service.spec.ip_families or ("IPv4",)


def desired(cache: Cache, service: Service, pods: tuple[Pod, ...], family: str) -> dict[PortMap, tuple[Endpoint, ...]]:
    """Return the endpoints that there should be, by the ports that they resolve to.

    A Pod on a node that the cache does not show is left out until it does, unless unready addresses are published.
    """
    wanted: dict[PortMap, tuple[Endpoint, ...]] = {}
    for pod in pods:
        if pod.finished or not _addresses(pod):
            continue
        ports = port_map(endpoint_ports(service, pod))
        wanted.setdefault(ports, ())
        node = cache.get(Node, Ref("Node", "", pod.spec.node_name))
        if node is None and not service.spec.publish_not_ready_addresses:
            continue
        endpoint = make_endpoint(pod, node, service, family)
        if endpoint.addresses:
            wanted[ports] = (*wanted[ports], endpoint)
    return wanted


def make_endpoint(pod: Pod, node: Node | None, service: Service, family: str) -> Endpoint:
    """Make a Pod's endpoint: ready only while it is ready and not terminating, or if unready ones are published."""
    serving, terminating = pod.ready, pod.metadata.terminating
    hostname = pod.spec.extra.get("hostname")
    named = hostname and pod.spec.extra.get("subdomain") == service.metadata.name
    return Endpoint(
        addresses=tuple(address for address in _addresses(pod) if (":" in address) == (family == "IPv6")),
        conditions=EndpointConditions(
            ready=service.spec.publish_not_ready_addresses or (serving and not terminating),
            serving=serving,
            terminating=terminating,
        ),
        target_ref=ObjectReference("Pod", pod.metadata.namespace, pod.metadata.name, pod.metadata.uid),
        node_name=pod.spec.node_name or None,
        zone=None if node is None else node.metadata.labels.get(ZONE) or None,
        extra=immutabledict({"hostname": hostname} if named else {}),
    )


def _addresses(pod: Pod) -> tuple[str, ...]:
    """Return a Pod's addresses: podIPs, or the one podIP."""
    listed = tuple(ip["ip"] for ip in pod.status.extra.get("podIPs", ()) if ip.get("ip"))
    return listed or ((pod.status.pod_ip,) if pod.status.pod_ip else ())


def endpoint_ports(service: Service, pod: Pod) -> tuple[EndpointPort, ...]:
    """Resolve a Service's ports on a Pod; a name that no container of it bears is left out."""
    found = ((port, target_port(pod, port)) for port in service.spec.ports)
    return tuple(
        EndpointPort(port.name, number, port.protocol, port.app_protocol)
        for port, number in found
        if number is not None
    )


def target_port(pod: Pod, port: ServicePort) -> int | None:
    """Return the number a target port stands for on a Pod: its own, or that of the container port of its name."""
    if port.target_port is None:
        return port.port
    if isinstance(port.target_port, int):
        return port.target_port
    for container in (*pod.spec.containers, *pod.spec.sidecars):
        for offered in container.ports:
            if offered.name == port.target_port and offered.protocol == port.protocol:
                return offered.container_port
    return None
