"""Why the front end cannot reach the back end: the NetworkPolicies among the manifests, asked about their Pods.

Reads the policies with the lines they stand in, and asks for each Pod of the client and each Pod behind the Service.
Left out on purpose: what a policy says wrongly (kubectl's own validation tells), AdminNetworkPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen
from immutabledict import immutabledict

from ...impl.api.core import Namespace, Pod, Service
from ...impl.api.kinds import Object
from ...impl.api.meta import LabelSelector
from ...impl.api.policy import EndpointSlice
from ...impl.api.reading.convert import structure
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.reading.yaml_source import Path, YamlError, documents
from ...properties.reachability.network_policy import (
    EGRESS,
    INGRESS,
    Blocked,
    Party,
    Peer,
    Policy,
    Ports,
    Rule,
    verdict,
)
from ..input.commands import KINDS

NAMESPACE_NAME = "kubernetes.io/metadata.name"


@frozen
class Connection:
    """A Pod of the client, a Pod behind the Service and its port, and what is in the way, None for nothing."""

    source: Party
    destination: Party
    port: int
    protocol: str
    blocked: Blocked | None

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON."""
        found: dict[str, Any] = {"from": str(self.source), "to": str(self.destination), "port": self.port}
        if self.blocked is not None:
            policies = [f"{one} ({one.where})" for one in self.blocked.policies]
            found["blocked"] = {
                "direction": self.blocked.direction,
                "policies": policies,
                "reasons": list(self.blocked.reasons),
            }
        return {**found, "protocol": self.protocol, "allowed": self.blocked is None}


def told(found: Iterable[Connection]) -> Iterator[str]:
    """Say which connections may be, and why others may not: policy, rule and line; those alike share the reasons."""
    alike: dict[tuple[Party, int, str, Blocked | None], list[str]] = {}
    for one in found:
        alike.setdefault((one.source, one.port, one.protocol, one.blocked), []).append(str(one.destination))
    for (source, port, protocol, blocked), to in alike.items():
        connection = f"{source} -> {', '.join(to)} {port}/{protocol}"
        if blocked is None:
            yield f"{connection}: allowed"
            continue
        whose = "its" if blocked.direction == EGRESS else "their"
        names = ", ".join(f"{one} ({one.where})" for one in blocked.policies)
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
    for one in objects:
        if isinstance(one, EndpointSlice) and one.metadata.namespace == service.metadata.namespace:
            if one.metadata.labels.get("kubernetes.io/service-name") != service.metadata.name:
                continue
            for port in one.ports:
                for endpoint in one.endpoints:
                    yield endpoint.addresses[0], port.port or 0, port.protocol or "TCP"


def parties(objects: Iterable[Object]) -> tuple[Party, ...]:
    """Give every Pod with an address, by namespace and name; every namespace has its name as a label."""
    everything = tuple(objects)
    labels = {one.metadata.name: one.metadata.labels for one in everything if isinstance(one, Namespace)}
    found = [
        Party(
            address=pod.status.pod_ip,
            namespace=(where := pod.metadata.namespace),
            name=pod.metadata.name,
            labels=pod.metadata.labels,
            namespace_labels=immutabledict({**labels.get(where, {}), NAMESPACE_NAME: where}),
            ports=immutabledict(_named_ports(pod)),
        )
        for pod in everything
        if isinstance(pod, Pod) and pod.status.pod_ip
    ]
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))


def _named_ports(pod: Pod) -> Iterator[tuple[tuple[str, str], int]]:
    for container in pod.spec.containers:
        yield from (((port.protocol or "TCP", port.name), port.container_port) for port in container.ports if port.name)


# --- reading --------------------------------------------------------------------------------------------------------


def read_policies(files: Mapping[str, str], namespace: str) -> tuple[Policy, ...]:
    """Read the NetworkPolicies of manifests by file name; those that name no namespace go to `namespace`."""
    return tuple(policy for file in sorted(files) for policy in _policies_in(file, files[file], namespace))


def _policies_in(file: str, text: str, namespace: str) -> Iterator[Policy]:
    try:
        found = tuple(documents(text))
    except YamlError as error:
        raise BadInput((Problem(file, error.line, "", error.message, error.hint),)) from None
    for document in found:
        for path, value in _objects(document.value, ()):
            if value.get("kind") == "NetworkPolicy":
                yield _Reading(file, document.line_of, path).policy(value, namespace)


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return
    yield path, value
    for place, item in enumerate(value.get("items") or () if value.get("kind") == "List" else ()):
        yield from _objects(item, (*path, "items", place))


@frozen
class _Reading:
    """One policy in its file."""

    file: str
    line_of: Any
    path: Path

    def policy(self, json: Mapping[str, Any], namespace: str) -> Policy:
        """Read it. Without policyTypes it is for ingress, and for egress if it has rules for it."""
        meta, spec = json.get("metadata") or {}, json.get("spec") or {}
        assumed = [INGRESS, EGRESS] if spec.get("egress") else [INGRESS]
        return Policy(
            namespace=meta.get("namespace") or namespace,
            name=meta.get("name", ""),
            pods=_selector(spec.get("podSelector")) or LabelSelector(),
            directions=frozenset(spec.get("policyTypes") or assumed),
            ingress=tuple(self._rules(spec, "ingress", "from")),
            egress=tuple(self._rules(spec, "egress", "to")),
            where=self._where(),
        )

    def _where(self, *steps: str | int) -> str:
        return f"{self.file}:{self.line_of((*self.path, *steps))}"

    def _rules(self, spec: Mapping[str, Any], direction: str, peers: str) -> Iterator[Rule]:
        for place, rule in enumerate(spec.get(direction) or ()):
            known = rule or {}
            yield Rule(
                tuple(_peer(one) for one in known.get(peers) or ()),
                tuple(_ports(one) for one in known.get("ports") or ()),
                self._where("spec", direction, place),
            )


def _selector(json: Any) -> LabelSelector | None:
    return None if json is None else structure(json, LabelSelector)


def _peer(json: Mapping[str, Any]) -> Peer:
    block = json.get("ipBlock") or {}
    excepted = tuple(block.get("except") or ())
    return Peer(
        _selector(json.get("podSelector")), _selector(json.get("namespaceSelector")), block.get("cidr", ""), excepted
    )


def _ports(json: Mapping[str, Any]) -> Ports:
    port, protocol = json.get("port"), json.get("protocol") or "TCP"
    if isinstance(port, str):
        return Ports(protocol, name=port)
    return Ports(protocol, port or 0, json.get("endPort") or port or 0)
