"""How the proxy's implementation is seen as its model: a rule set is a table of what its packets may reach."""

from __future__ import annotations

from collections.abc import Iterable

from immutabledict import immutabledict

from ...impl.api.core import Service
from ...impl.api.policy import EndpointSlice
from ...impl.api.well_known import SERVICE_NAME
from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.route import destinations
from ...impl.kubeproxy.rule import RuleSet
from ...model.components.network.kubeproxy import Endpoint, State, steps

CLIENT = "10.99.0.1"
"""A Pod elsewhere that asks."""


def abstract(rules: RuleSet, services: Iterable[Service], slices: Iterable[EndpointSlice], node: str) -> State:
    """See what a proxy knows and has programmed as a state of the model; packets from a Pod probe the rules."""
    known = tuple(services)
    ports = {name(service, port.name): service for service in known for port in service.spec.ports}
    return State(
        ports=immutabledict((key, ports[key].spec.internal_traffic_policy == "Local") for key in sorted(ports)),
        endpoints=frozenset(endpoint for endpoint_slice in slices for endpoint in _endpoints(endpoint_slice, node)),
        table=immutabledict(
            (name(service, port.name), reached(rules, service.spec.cluster_ip, port.port, port.protocol))
            for service in sorted(known, key=lambda service: service.metadata.name)
            for port in sorted(service.spec.ports, key=lambda port: port.name)
        ),
    )


def name(service: Service, port: str) -> str:
    """Name a port of a Service."""
    return f"{service.metadata.name}:{port}"


def reached(rules: RuleSet, address: str, port: int, protocol: str) -> frozenset[str]:
    """Return the endpoints a connection from a Pod to an address may get."""
    verdicts = destinations(rules, Packet(CLIENT, address, port, protocol))
    return frozenset(verdict.destination for verdict in verdicts if verdict.fate is Fate.DNAT)


def _endpoints(one: EndpointSlice, node: str) -> Iterable[Endpoint]:
    service = one.metadata.labels.get(SERVICE_NAME, "")
    for port in one.ports:
        for endpoint in one.endpoints:
            yield Endpoint(
                port=f"{service}:{port.name}",
                target=f"{endpoint.addresses[0]}:{port.port}",
                here=endpoint.node_name == node,
                ready=endpoint.conditions.ready,
                serving=endpoint.conditions.serving,
                terminating=endpoint.conditions.terminating,
            )


def refines(before: State, after: State) -> bool:
    """The model, too, can go from before to after, or stay."""
    return before == after or any(action.apply(before) == after for action in steps(before))
