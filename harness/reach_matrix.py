"""Who reaches a Service, through which address, and which of its Pods answer, or why nobody does.

The manifests are applied and the cluster comes to rest; then every kube-proxy's rules are made. The matrix sends one
packet of every kind of client through them: a node itself, a Pod on it, and somebody outside whose packet arrives
there; z3 proves for all packets what these stand for. Nodes without an InternalIP get one (192.168.0.1, ...).
Left out on purpose: routes between nodes and NetworkPolicies (`reach_policy`); node ports are asked on a client's node.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from ..impl.api.core import Node, Pod, Service
from ..impl.api.kinds import Object
from ..impl.api.load import BadInput, Problem
from ..impl.api.policy import EndpointSlice
from ..impl.api.selectors import matches_map
from ..impl.kubeproxy.chains import ProxyConfig
from ..impl.kubeproxy.packet import Fate, Packet
from ..impl.kubeproxy.proxy import rules
from ..impl.kubeproxy.route import Journey, journeys
from ..impl.kubeproxy.rule import RuleSet
from ..impl.kubeproxy.services import Port, service_ports
from ..properties.reachability import Counterexample, Proof, Reached, proves

OUTSIDE = "203.0.113.99"
STRANGER = "10.254.254.254"
"""The address of a Pod that is no endpoint of anything."""
CLUSTER_CIDR = "10.0.0.0/8"


@frozen
class Cell:
    """What becomes of a client's packets to one address: the Pods that may answer, else why nobody does."""

    client: str
    node: str
    door: str
    address: str
    answered_by: tuple[str, ...]
    why: str = ""
    masquerade: bool = False


@frozen
class Matrix:
    """Every cell of a Service; per node what is proved; and remarks on the Service as a whole."""

    service: str
    cells: tuple[Cell, ...]
    proofs: tuple[tuple[str, Proof], ...]
    remarks: tuple[str, ...] = ()

    @property
    def astray(self) -> bool:
        """Whether a packet goes where it should not, or nobody at all can be reached."""
        broken = any(isinstance(proof, Counterexample) for _, proof in self.proofs)
        return broken or not any(cell.answered_by for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        """Give the matrix as JSON."""
        cells = [
            {
                "client": one.client,
                "node": one.node,
                "through": one.door,
                "address": one.address,
                "endpoints": list(one.answered_by),
                "why": one.why,
                "masqueraded": one.masquerade,
            }
            for one in self.cells
        ]
        proofs = {node: _proved(proof) for node, proof in self.proofs}
        return {"service": self.service, "cells": cells, "proofs": proofs, "remarks": list(self.remarks)}


def matrix(objects: Iterable[Object], name: str, namespace: str = "default") -> Matrix:
    """Make the matrix of a Service of a cluster at rest. Raises BadInput if there is no such Service."""
    everything = tuple(objects)
    service = find_service(everything, name, namespace)
    services = [one for one in everything if isinstance(one, Service)]
    slices = [one for one in everything if isinstance(one, EndpointSlice)]
    names = dict(_names(slices))
    cells: list[Cell] = []
    proofs = []
    for node, address in sorted(node_addresses(everything).items()):
        ruled = rules(services, slices, node, ProxyConfig(node_ips=(address,), cluster_cidr=CLUSTER_CIDR))
        cells += _cells(ruled, service, node, address, names)
        proofs.append((node, proves(ruled, service, slices, node, cluster_cidr=CLUSTER_CIDR)))
    return Matrix(f"{namespace}/{name}", tuple(cells), tuple(proofs), tuple(_remarks(service, everything, slices)))


def find_service(objects: tuple[Object, ...], name: str, namespace: str) -> Service:
    """Give a Service by name. Raises BadInput, with the nearest name there is."""
    here = {one.metadata.name: one for one in objects if isinstance(one, Service) and _is_in(one, namespace)}
    if name in here:
        return here[name]
    near = difflib.get_close_matches(name, here, 1) or sorted(here)[:1]
    hint = f"there is {near[0]}" if near else "there is none"
    raise BadInput((Problem("--service", 0, "", f"no Service {name} in namespace {namespace}", hint),))


def _is_in(one: Object, namespace: str) -> bool:
    return one.metadata.namespace == namespace


def node_addresses(objects: Iterable[Object]) -> dict[str, str]:
    """Give the address of every node: its InternalIP, else one of 192.168.0.0/16 by its place."""
    nodes = sorted(one.metadata.name for one in objects if isinstance(one, Node))
    found = {name: f"192.168.{place // 254}.{place % 254 + 1}" for place, name in enumerate(nodes)}
    for one in objects:
        for address in one.status.extra.get("addresses", ()) if isinstance(one, Node) else ():
            if address.get("type") == "InternalIP" and "." in address.get("address", ""):
                found[one.metadata.name] = address["address"]
    return found


def _names(slices: Iterable[EndpointSlice]) -> Iterator[tuple[str, str]]:
    for one in slices:
        for endpoint in one.endpoints:
            if endpoint.target_ref is not None:
                yield endpoint.addresses[0], endpoint.target_ref.name


# --- cells ----------------------------------------------------------------------------------------------------------


def _cells(ruled: RuleSet, service: Service, node: str, address: str, names: dict[str, str]) -> Iterator[Cell]:
    clients = (("the node", address), ("a Pod", STRANGER), ("outside", OUTSIDE))
    for client, source in clients:
        for port in service_ports(service):
            for door, destination, number in _doors(port, address):
                packet = Packet(source, destination, number, port.protocol)
                where = f"{destination}:{number}/{port.protocol}"
                yield _cell(ruled, packet, Cell(client, node, door, where, ()), names)


def _doors(port: Port, node_address: str) -> Iterator[tuple[str, str, int]]:
    if "." in port.cluster_ip:
        yield "cluster IP", port.cluster_ip, port.port
    if port.node_port:
        yield "node port", node_address, port.node_port
    yield from (("external IP", address, port.port) for address in port.external_ips)
    yield from (("load balancer", address, port.port) for address in port.load_balancer_ips)


def _cell(ruled: RuleSet, packet: Packet, cell: Cell, names: dict[str, str]) -> Cell:
    ways = list(journeys(ruled, packet))
    ended = {way.verdict.destination for way in ways if way.verdict.fate is Fate.DNAT}
    answering = tuple(sorted({names.get(one.partition(":")[0], one) for one in ended}))
    lost = sorted({_why(way) for way in ways if way.verdict.fate is not Fate.DNAT})
    masquerade = any(way.verdict.masquerade for way in ways)
    return Cell(cell.client, cell.node, cell.door, cell.address, answering, "; ".join(lost), masquerade)


def _why(way: Journey) -> str:
    fate = way.verdict.fate
    if fate is Fate.UNCHANGED:
        return "no rule catches it"
    what = {Fate.REJECT: "refused", Fate.DROP: "dropped"}.get(fate, "taken by the node")
    return f"{what}: {way.hits[-1].comment}"


# --- remarks --------------------------------------------------------------------------------------------------------


def _remarks(service: Service, objects: tuple[Object, ...], slices: list[EndpointSlice]) -> Iterator[str]:
    spec = service.spec
    if spec.type == "ExternalName":
        yield "an ExternalName Service is a name in DNS: no proxy knows it"
    elif spec.cluster_ip in {"", "None"}:
        yield "headless: DNS gives the addresses of its Pods, no proxy is on the way"
    if not spec.selector:
        yield "it has no selector: its endpoints are those somebody writes"
        return
    mine = [one for one in objects if isinstance(one, Pod) and _is_in(one, service.metadata.namespace)]
    chosen = [one for one in mine if matches_map(spec.selector, one.metadata.labels)]
    if not chosen:
        wanted = ",".join(f"{key}={value}" for key, value in sorted(spec.selector.items()))
        yield f"no Pod has the labels it selects by ({wanted})"
    ready = {
        endpoint.target_ref.name
        for one in slices
        for endpoint in one.endpoints
        if endpoint.target_ref is not None and endpoint.conditions.ready
    }
    for pod in chosen:
        if pod.metadata.name not in ready:
            yield f"{pod.metadata.name} is no ready endpoint ({pod.status.phase or 'Pending'})"


# --- text -----------------------------------------------------------------------------------------------------------


def text(found: Matrix) -> str:
    """Print a matrix: nodes that are alike share a line."""
    lines = [f"Service {found.service}", ""]
    rows: dict[tuple[str, ...], list[str]] = {}
    for cell in found.cells:
        result = ", ".join(cell.answered_by) or f"nobody ({cell.why})"
        partly = f" or nobody ({cell.why})" if cell.answered_by and cell.why else ""
        address = cell.address if cell.door != "node port" else f"*:{cell.address.partition(':')[2]}"
        row = (cell.client, cell.door, address, result + partly + (" [masqueraded]" if cell.masquerade else ""))
        rows.setdefault(row, []).append(cell.node)
    everywhere = len(found.proofs)
    for (client, door, address, result), nodes in rows.items():
        where = _where(client, nodes, everywhere)
        lines.append(f"  {where:<34} {door:<13} {address:<24} {result}")
    lines += ["", *_proof_lines(found), *(f"  note: {one}" for one in found.remarks)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _where(client: str, nodes: list[str], everywhere: int) -> str:
    which = "every node" if len(nodes) == everywhere else ", ".join(nodes)
    return {"the node": which, "a Pod": f"a Pod on {which}", "outside": f"outside, through {which}"}[client]


def _proof_lines(found: Matrix) -> Iterator[str]:
    said: dict[str, list[str]] = {}
    for node, proof in found.proofs:
        said.setdefault(_proved(proof), []).append(node)
    for sentence, nodes in said.items():
        yield f"  on {'every node' if len(nodes) == len(found.proofs) else ', '.join(nodes)}: {sentence}"


def _proved(proof: Proof) -> str:
    if isinstance(proof, Counterexample):
        packet = proof.packet
        sent = f"{packet.source} -> {packet.destination}:{packet.port}/{packet.protocol}"
        fate = f"{proof.fate.fate.value} {proof.fate.destination}".strip() or "nobody"
        return f"VIOLATED: {proof.claim.name}: {sent} ends at {fate} by: {proof.rule}"
    if isinstance(proof, Reached):
        return f"proved for all packets ({len(proof.claims)} claims)"
    return "proved for all packets, but without any endpoint: " + ", ".join(one.name for one in proof.claims)
