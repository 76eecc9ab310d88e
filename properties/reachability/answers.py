"""Who should answer at a port of a Service, said from Services and Pods alone.

In the words of the documentation (concepts/services-networking/service.md, reference/networking/virtual-ips.md, v1.32):
a Pod that the selector matches and that has an address takes connections while it is ready and not being deleted, or
always where unready addresses are published; where nobody does, those that are still ready while they are deleted.
A traffic policy Local narrows both to the Pods of the node that is asked. A port leads to a number: its own, or that of
the container port with its name and protocol. Nothing here looks at EndpointSlices, rules or any controller.

A number that no container declares is taken to be listened on: declaring a port is not what opens it. Where one
declares it for another protocol only, nobody listens. Where NetworkPolicies that stay let nobody in, nobody answers.
Left out on purpose: topology hints and trafficDistribution, which choose some of those who answer, and all where they
would leave nobody; readiness gates of single containers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from ...impl.api.core import ContainerPort, Pod, PodSpec, Service, ServicePort
from ...impl.api.runtime import PodRuntime, Stage
from ...model.components.network.kubeproxy import Endpoint
from .network_policy import NO_WALLS, Policy, Walls


@frozen(order=True)
class Port:
    """A port of a Service, as a client names it."""

    namespace: str
    service: str
    number: int
    protocol: str

    def __str__(self) -> str:
        protocol = "" if self.protocol == "TCP" else f"/{self.protocol}"
        return f"Service {self.service}, port {self.number}{protocol}" if self.number else f"Service {self.service}"


@frozen(order=True)
class Door:
    """A way to ask for a port: anywhere (`node` ""), or on a node that has only its own Pods to offer, and why."""

    port: Port
    node: str = ""
    policy: str = ""

    def __str__(self) -> str:
        return f"{self.port}, asked on {self.node} ({self.policy}: Local)" if self.node else str(self.port)


@frozen(order=True)
class Number:
    """What a client knows a port of a Service by: the port's own number, or (`node_port` not 0) that of every node."""

    port: Port
    node_port: int = 0

    def __str__(self) -> str:
        return f"Service {self.port.service}, node port {self.node_port}" if self.node_port else str(self.port)

    @property
    def service(self) -> tuple[str, str]:
        """Namespace and name of the Service."""
        return self.port.namespace, self.port.service

    @property
    def door(self) -> Door:
        """Where it leads."""
        return Door(self.port)


@frozen
class Backend:
    """What those who ask must know of a Pod: its uid, its node, and the ports it takes connections for, and when.

    `first` are the ports it takes whatever else there is, `last` those that it takes where nobody takes them first.
    """

    uid: str
    node: str
    first: frozenset[Port] = frozenset()
    last: frozenset[Port] = frozenset()


def is_judged(service: Service) -> bool:
    """Tell whether it follows from Pods who answers: there is a selector, and names are not looked up elsewhere."""
    return bool(service.spec.selector) and service.spec.type != "ExternalName" and not service.metadata.terminating


def is_headless(service: Service) -> bool:
    """Tell whether clients look up the Pods' addresses by name."""
    return service.spec.cluster_ip == "None"


def selects(service: Service, namespace: str, labels: Iterable[tuple[str, str]]) -> bool:
    """Tell whether a Service selects what bears these labels in a namespace."""
    wanted = service.spec.selector
    return bool(wanted) and service.metadata.namespace == namespace and set(wanted.items()) <= set(labels)


def selects_pod(service: Service, pod: Pod) -> bool:
    """Tell whether a Service selects a Pod."""
    return selects(service, pod.metadata.namespace, pod.metadata.labels.items())


def ports_of(service: Service) -> tuple[Port, ...]:
    """Return the ports a client may ask for; of a headless Service the name alone is asked for."""
    name = (service.metadata.namespace, service.metadata.name)
    if is_headless(service):
        return (Port(*name, 0, "TCP"),)
    return tuple(Port(*name, port.port, port.protocol or "TCP") for port in service.spec.ports)


def numbers_of(service: Service) -> tuple[Number, ...]:
    """Return the numbers under which the ports of a Service can be asked."""
    own = tuple(map(Number, ports_of(service)))
    if is_headless(service):
        return own
    numbered = ((port.port, declared.node_port) for port, declared in zip(own, service.spec.ports, strict=True))
    return (*own, *(Number(port, number) for port, number in numbered if number))


def number_on(spec: PodSpec, port: ServicePort) -> int | None:
    """Return the number that a Service port stands for on a Pod; None if no container has a port of that name."""
    target = port.target_port
    if target is None or isinstance(target, int):
        return target or port.port
    protocol = port.protocol or "TCP"
    return next(
        (
            declared.container_port
            for declared in _declared(spec)
            if (declared.name, declared.protocol or "TCP") == (target, protocol)
        ),
        None,
    )


def targets(
    services: Iterable[Service], namespace: str, labels: Iterable[tuple[str, str]], spec: PodSpec
) -> frozenset[int]:
    """Return the numbers of the ports on which a Pod with these labels is asked by Services."""
    asking = [service for service in services if selects(service, namespace, labels)]
    numbers = (number_on(spec, port) for service in asking for port in service.spec.ports)
    return frozenset(number for number in numbers if number is not None)


def _declared(spec: PodSpec) -> Iterator[ContainerPort]:
    """Return the ports that containers which go on running declare."""
    return (port for container in (*spec.containers, *spec.sidecars) for port in container.ports)


def why_deaf(spec: PodSpec, port: ServicePort) -> str:
    """Say why a Pod does not listen where a Service port leads; "" if it does, as far as its manifest says."""
    protocol, number = port.protocol or "TCP", number_on(spec, port)
    if number is None:
        return f"no container has a {protocol} port that is called {port.target_port}"
    there = {declared.protocol or "TCP" for declared in _declared(spec) if declared.container_port == number}
    if there and protocol not in there:
        return f"the containers declare {number} for {' and '.join(sorted(there))}, not for {protocol}"
    return ""


@frozen
class Lost:
    """Why no connection by a Service port is answered by a Pod: it does not listen, or a policy lets nobody in."""

    why: str
    policy: Policy | None = None


def lost(pod: Pod, port: ServicePort, walls: Walls) -> Lost | None:
    """Return why no connection by a Service port is answered by a Pod, None if it may be."""
    number, protocol = number_on(pod.spec, port), port.protocol or "TCP"
    if deaf := why_deaf(pod.spec, port):
        return Lost(deaf)
    policy = None if number is None else walls.shut(pod, number, protocol)
    if number is None or policy is None:
        return None
    told = f"NetworkPolicy {policy.name} lets nobody in on {number}/{protocol}"
    if port.port != number and walls.about(pod, port.port, protocol):
        told += f", where the Pods listen, but on {port.port}, the port of the Service"
    return Lost(told, policy)


def lost_by_name(service: Service, pod: Pod, walls: Walls) -> Lost | None:
    """Return why nobody who looks up a headless Service's name is answered by a Pod, None if somebody may be.

    Which number clients ask for there is theirs to choose: that of the Service, or where it leads. A policy is in their
    way if it lets nobody in on either, of any port.
    """
    asked = (
        (number, port.protocol or "TCP")
        for port in service.spec.ports
        for number in (number_on(pod.spec, port), port.port)
        if number
    )
    shut = [(walls.shut(pod, *door), *door) for door in asked]
    if not shut or not all(policy for policy, _, _ in shut):
        return None
    policy, number, protocol = shut[0]
    return (
        None if policy is None else Lost(f"NetworkPolicy {policy.name} lets nobody in on {number}/{protocol}", policy)
    )


def backend(services: tuple[Service, ...], obj: object, walls: Walls = NO_WALLS) -> Backend | None:
    """Return what is to be known of a Pod in front of some Services; None if none of them leads to it."""
    if not isinstance(obj, Pod) or not has_address(obj):
        return None
    first: list[Port] = []
    last: list[Port] = []
    for service in services:
        if selects_pod(service, obj):
            ports = tuple(_answering(service, obj, walls))
            if obj.ready and obj.metadata.terminating:
                last += ports
            if service.spec.publish_not_ready_addresses or (obj.ready and not obj.metadata.terminating):
                first += ports
    if not first and not last:
        return None
    return Backend(obj.metadata.uid, obj.spec.node_name, frozenset(first), frozenset(last))


def _answering(service: Service, pod: Pod, walls: Walls) -> Iterator[Port]:
    if is_headless(service):
        yield from () if lost_by_name(service, pod, walls) else ports_of(service)
        return
    for port, asked in zip(service.spec.ports, ports_of(service), strict=True):
        if lost(pod, port, walls) is None:
            yield asked


def has_address(pod: Pod) -> bool:
    """Tell whether a Pod has an address, and goes on having it."""
    return not pod.finished and any(_addresses(pod))


def _addresses(pod: Pod) -> tuple[str, ...]:
    listed = tuple(str(ip.get("ip") or "") for ip in pod.status.extra.get("podIPs") or ())
    return tuple(ip for ip in listed if ip) or (pod.status.pod_ip,)


def takers(door: Door, backends: Iterable[Backend]) -> tuple[Backend, ...]:
    """Return who takes a connection at a door."""
    there = [taker for taker in backends if door.node in {"", taker.node}]
    first = tuple(taker for taker in there if door.port in taker.first)
    if first or _by_name(door.port):
        return first
    return tuple(taker for taker in there if door.port in taker.last)


def _by_name(port: Port) -> bool:
    """Tell whether a name leads to the Pods: names know no last resort."""
    return port.number == 0


def accepts(runtime: PodRuntime | None) -> str:
    """Return the uid of the Pod that takes a new connection now, "" if what runs takes none.

    It does while it runs or sits in its preStop hook, ready or not; no more from the SIGTERM on (programs may go on
    accepting, but nothing makes them), nor from a container's exit until it is ready again. One whose readiness probe
    has failed since runs on; one that is still starting up takes none.
    """
    if runtime is None or runtime.stage not in {Stage.RUNNING, Stage.PRE_STOP} or runtime.reason or runtime.cold:
        return ""
    return "" if runtime.restarts and not (runtime.ready or runtime.failing) else runtime.uid


# --- what the rules of a node must lead to --------------------------------------------------------------------------


def endpoints(
    service: Service, port: ServicePort, pods: Iterable[Pod], nodes: frozenset[str], asked: str, family: str
) -> Iterator[Endpoint]:
    """Yield the endpoints of a port as the rules of a node (`asked`) must have them, from the Pods.

    A Pod on a node that is not there has none, unless unready addresses are published.
    """
    publishes = service.spec.publish_not_ready_addresses
    for pod in pods:
        number = number_on(pod.spec, port)
        if not selects_pod(service, pod) or not has_address(pod) or number is None:
            continue
        if pod.spec.node_name not in nodes and not publishes:
            continue
        for address in _addresses(pod):
            if (":" in address) == (family == "IPv6"):
                yield Endpoint(
                    port.name,
                    f"[{address}]:{number}" if ":" in address else f"{address}:{number}",
                    here=pod.spec.node_name == asked,
                    ready=publishes or (pod.ready and not pod.metadata.terminating),
                    serving=pod.ready,
                    terminating=pod.metadata.terminating,
                )
