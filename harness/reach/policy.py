"""Why the front end cannot reach the back end: the NetworkPolicies among the manifests, asked about their Pods.

Asks for each Pod of the client and each Pod behind the Service, and tells the lines that the policies stand in.
Left out on purpose: AdminNetworkPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from attrs import frozen

from ...impl.api.core import Namespace, Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.networking import NetworkPolicy
from ...impl.api.policy import EndpointSlice
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.well_known import SERVICE_NAME
from ...properties.reachability.network_policy import EGRESS, Blocked, Party, Policy, party_of, policy_of, verdict
from ..input.files.manifests import Manifests
from ..input.script.commands import KINDS


@frozen
class Connection:
    """A Pod of the client, a Pod behind the Service and its port, and what is in the way, None for nothing."""

    source: Party
    destination: Party
    port: int
    protocol: str
    blocked: Blocked | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        found: dict[str, Any] = {"from": str(self.source), "to": str(self.destination), "port": self.port}
        if self.blocked is not None:
            policies = [f"{policy} ({policy.where})" for policy in self.blocked.policies]
            found["blocked"] = {
                "direction": self.blocked.direction,
                "policies": policies,
                "reasons": list(self.blocked.reasons),
            }
        return {**found, "protocol": self.protocol, "allowed": self.blocked is None}


def told(found: Iterable[Connection]) -> Iterator[str]:
    """Say which connections may be, and why others may not: policy, rule and line; those alike share the reasons."""
    alike: dict[tuple[Party, int, str, Blocked | None], list[str]] = {}
    for link in found:
        alike.setdefault((link.source, link.port, link.protocol, link.blocked), []).append(str(link.destination))
    for (source, port, protocol, blocked), to in alike.items():
        connection = f"{source} -> {', '.join(to)} {port}/{protocol}"
        if blocked is None:
            yield f"{connection}: allowed"
            continue
        whose = "its" if blocked.direction == EGRESS else "their"
        names = ", ".join(f"{policy} ({policy.where})" for policy in blocked.policies)
        yield f"{connection}: blocked by {whose} {blocked.direction.lower()} policies: {names}"
        yield from (f"  {reason}" for reason in blocked.reasons)


def connections(
    objects: Iterable[Object], policies: Iterable[Policy], client: str, service: Service
) -> tuple[Connection, ...]:
    """Ask for every Pod of a client (a Pod or a workload by name) and every endpoint. Raises BadInput for no Pod."""
    everything, known = tuple(objects), tuple(policies)
    home = service.metadata.namespace
    *before, name = client.split("/")
    if before and before[-1].lower() in KINDS:
        before.pop()
    place = before[-1] if before else home
    sources = [party for party in parties(everything) if party.namespace == place and _is_named(party.name, name)]
    if not sources:
        raise BadInput(
            (Problem("--from", 0, "", f"no Pod of {name} in namespace {place}", "NAME, or [NAMESPACE/]KIND/NAME"),)
        )
    there = {party.address: party for party in parties(everything) if party.namespace == home}
    return tuple(
        Connection(source, destination, port, protocol, verdict(known, source, destination, port, protocol))
        for source in sources
        for address, port, protocol in sorted(set(_endpoints(everything, service)))
        if (destination := there.get(address)) is not None
    )


def _is_named(pod: str, name: str) -> bool:
    """Tell whether a Pod has a name, or that of a workload, before one or two generated parts."""
    return pod == name or any(pod.rsplit("-", parts)[0] == name for parts in (1, 2))


def _endpoints(objects: tuple[Object, ...], service: Service) -> Iterator[tuple[str, int, str]]:
    for obj in objects:
        if isinstance(obj, EndpointSlice) and obj.metadata.namespace == service.metadata.namespace:
            if obj.metadata.labels.get(SERVICE_NAME) != service.metadata.name:
                continue
            for port in obj.ports:
                for endpoint in obj.endpoints:
                    yield endpoint.addresses[0], port.port or 0, port.protocol or "TCP"


def parties(objects: Iterable[Object]) -> tuple[Party, ...]:
    """Return every Pod with an address, by namespace and name; every namespace has its name as a label."""
    everything = tuple(objects)
    labels = {obj.metadata.name: obj.metadata.labels for obj in everything if isinstance(obj, Namespace)}
    found = [
        party_of(pod, labels.get(pod.metadata.namespace, {}))
        for pod in everything
        if isinstance(pod, Pod) and pod.status.pod_ip
    ]
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))


def policies_of(manifests: Manifests) -> tuple[Policy, ...]:
    """Return the NetworkPolicies of manifests, in their order, with the lines they stand in."""
    return tuple(
        policy_of(obj, partial(_line, manifests, ref_of(obj)))
        for obj in manifests.objects
        if isinstance(obj, NetworkPolicy)
    )


def _line(manifests: Manifests, ref: Ref, field: str) -> str:
    file, line = manifests.place(ref, field)
    return f"{file}:{line}"
