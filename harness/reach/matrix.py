"""Who reaches a Service, through which address, and which of its Pods answer, or why nobody does.

The manifests are applied and the cluster comes to rest; then every kube-proxy's rules are made, family by family. The
matrix sends one packet of every kind of client through them: a node itself, a Pod on it, and somebody outside whose
packet arrives there; z3 proves for all packets what these stand for. What a node tells a load balancer that asks the
health check node port is listed, too.
Left out on purpose: NetworkPolicies (`policy`); node ports are asked on a client's node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object
from ...impl.api.policy import EndpointSlice
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.reading.nearest import nearest
from ...impl.api.values.selectors import matches_map
from ...impl.api.well_known import SERVICE_NAME
from ...impl.kubeproxy.family import IPV4, IPV6, join, split
from ...impl.kubeproxy.health import HealthCheck, health_checks
from ...impl.kubeproxy.oddities import oddities
from ...impl.kubeproxy.packet import Fate, Packet
from ...impl.kubeproxy.route import Journey, journeys
from ...impl.kubeproxy.rule import RuleSet
from ...impl.kubeproxy.services import Port, service_ports
from ...properties.reachability.all_services import prove_service
from ...properties.reachability.reachability import Counterexample, Proof, Reached
from .scene import POD_NETWORKS, Scene, Stand

OUTSIDE = immutabledict({IPV4: "203.0.113.99", IPV6: "2001:db8::99"})
STRANGER = immutabledict({IPV4: "10.254.254.254", IPV6: "fd00:10::fe:fe:fe"})
"""The address of a Pod that is no endpoint of anything."""


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
    family: str = IPV4


@frozen
class Proved:
    """What is proved of one node's rules of one family."""

    node: str
    proof: Proof
    family: str = IPV4

    def __str__(self) -> str:
        return self.node if self.family == IPV4 else f"{self.node} over {self.family}"


@frozen
class Matrix:
    """Every cell of a Service; what is proved; each node's health check; and remarks on the Service as a whole."""

    service: str
    cells: tuple[Cell, ...]
    proofs: tuple[Proved, ...]
    remarks: tuple[str, ...] = ()
    checks: tuple[tuple[str, HealthCheck], ...] = ()

    @property
    def astray(self) -> bool:
        """Whether a packet goes where it should not, or nobody at all can be reached."""
        broken = any(isinstance(proof.proof, Counterexample) for proof in self.proofs)
        return broken or not any(cell.answered_by for cell in self.cells)

    def to_json(self) -> dict[str, Any]:
        """Return the matrix as JSON."""
        cells = [
            {
                "client": cell.client,
                "node": cell.node,
                "family": cell.family,
                "through": cell.door,
                "address": cell.address,
                "endpoints": list(cell.answered_by),
                "why": cell.why,
                "masqueraded": cell.masquerade,
            }
            for cell in self.cells
        ]
        proofs = {str(proof): _proved(proof.proof) for proof in self.proofs}
        checks = {
            node: {"port": check.node_port, "status": check.answer().status, "localEndpoints": check.local_endpoints}
            for node, check in self.checks
        }
        found = {"service": self.service, "cells": cells, "proofs": proofs, "remarks": list(self.remarks)}
        return {**found, "healthChecks": checks} if checks else found


def matrix(objects: Iterable[Object], name: str, namespace: str = "default") -> Matrix:
    """Make the matrix of a Service of a cluster at rest. Raises BadInput if there is no such Service."""
    return matrix_in(Scene(tuple(objects)), name, namespace)


def matrix_in(scene: Scene, name: str, namespace: str) -> Matrix:
    """Make the matrix of one Service of a scene. Raises BadInput if there is no such Service."""
    service = find_service(scene.services, name, namespace)
    names = dict(_names(scene.slices))
    stands = scene.stands(service)
    cells = tuple(cell for stand in stands for cell in _cells(stand, service, names))
    proofs = tuple(
        Proved(
            stand.node,
            prove_service(
                stand.ruled, service, scene.slices, stand.node, cluster_cidr=POD_NETWORKS[stand.family], zone=stand.zone
            ),
            stand.family,
        )
        for stand in stands
    )
    checks = tuple(
        (node.metadata.name, check)
        for node in scene.nodes
        for check in health_checks([service], scene.slices, node.metadata.name, release=scene.release)
    )
    return Matrix(f"{namespace}/{name}", cells, proofs, tuple(_remarks(service, scene)), checks)


def find_service(objects: Iterable[Object], name: str, namespace: str) -> Service:
    """Return a Service by name. Raises BadInput, with the nearest name there is."""
    here = {obj.metadata.name: obj for obj in objects if isinstance(obj, Service) and _is_in(obj, namespace)}
    if name in here:
        return here[name]
    near = nearest(name, here) or min(here, default="")
    hint = f"there is {near}" if near else "there is none"
    raise BadInput((Problem("--service", 0, "", f"no Service {name} in namespace {namespace}", hint),))


def _is_in(one: Object, namespace: str) -> bool:
    return one.metadata.namespace == namespace


def _names(slices: Iterable[EndpointSlice]) -> Iterator[tuple[str, str]]:
    for piece in slices:
        for endpoint in piece.endpoints:
            if endpoint.target_ref is not None:
                yield endpoint.addresses[0], endpoint.target_ref.name


# --- cells ----------------------------------------------------------------------------------------------------------


def _cells(stand: Stand, service: Service, names: dict[str, str]) -> Iterator[Cell]:
    clients = (("the node", stand.address), ("a Pod", STRANGER[stand.family]), ("outside", OUTSIDE[stand.family]))
    for client, source in clients:
        for port in service_ports(service, stand.family):
            for door, destination, number in _doors(port, stand.address):
                packet = Packet(source, destination, number, port.protocol)
                where = f"{join(destination, number)}/{port.protocol}"
                ruled = stand.ruled.to(destination, port.protocol, number)
                yield _cell(ruled, packet, Cell(client, stand.node, door, where, (), family=stand.family), names)


def _doors(port: Port, node_address: str) -> Iterator[tuple[str, str, int]]:
    yield "cluster IP", port.cluster_ip, port.port
    if port.node_port:
        yield "node port", node_address, port.node_port
    yield from (("external IP", address, port.port) for address in port.external_ips)
    yield from (("load balancer", address, port.port) for address in port.load_balancer_ips)


def _cell(ruled: RuleSet, packet: Packet, cell: Cell, names: dict[str, str]) -> Cell:
    ways = list(journeys(ruled, packet))
    ended = {way.verdict.destination for way in ways if way.verdict.fate is Fate.DNAT}
    answering = tuple(sorted({names.get(split(address)[0], address) for address in ended}))
    lost = sorted({_why(way) for way in ways if way.verdict.fate is not Fate.DNAT})
    masquerade = any(way.verdict.masquerade for way in ways)
    return evolve(cell, answered_by=answering, why="; ".join(lost), masquerade=masquerade)


def _why(way: Journey) -> str:
    fate = way.verdict.fate
    if fate is Fate.UNCHANGED:
        return "no rule catches it"
    what = {Fate.REJECT: "refused", Fate.DROP: "dropped"}.get(fate, "taken by the node")
    return f"{what}: {way.hits[-1].comment}"


# --- remarks --------------------------------------------------------------------------------------------------------


def _given(objects: Iterable[Object]) -> list[EndpointSlice]:
    return [obj for obj in objects if isinstance(obj, EndpointSlice)]


def _label(one: EndpointSlice) -> str:
    return one.metadata.labels.get(SERVICE_NAME, "")


def _remarks(service: Service, scene: Scene) -> Iterator[str]:
    name = (service.metadata.namespace, service.metadata.name)
    spec, objects = service.spec, scene.objects
    if spec.type == "ExternalName":
        yield "an ExternalName Service is a name in DNS: no proxy knows it"
    elif spec.cluster_ip in {"", "None"}:
        yield "headless: DNS gives the addresses of its Pods, no proxy is on the way"
    if len(spec.cluster_ips) > 1 and not any(
        piece.address_type == IPV6 and piece.endpoints for piece in _given(objects)
    ):
        yield f"no Pod has an IPv6 address here: {POD_NETWORKS[IPV6]} stands in"
    if spec.ip_family_policy == "PreferDualStack" and len(spec.cluster_ips) < 2:
        yield "a cluster with both families would give it IPv6, too; what is said here is of IPv4"
    nodes, networks = [node.metadata.name for node in scene.nodes], POD_NETWORKS.values()
    given = (piece for piece in _given(objects) if (piece.metadata.namespace, _label(piece)) == name)
    yield from (
        oddity.said for oddity in oddities(scene.services, given, nodes, networks) if oddity.service == "/".join(name)
    )
    if not spec.selector:
        yield "it has no selector: its endpoints are those somebody writes"
        return
    slices = _given(objects)
    mine = [obj for obj in objects if isinstance(obj, Pod) and _is_in(obj, service.metadata.namespace)]
    chosen = [pod for pod in mine if matches_map(spec.selector, pod.metadata.labels)]
    if not chosen:
        wanted = ",".join(f"{key}={value}" for key, value in sorted(spec.selector.items()))
        yield f"no Pod has the labels it selects by ({wanted})"
    ready = {
        endpoint.target_ref.name
        for piece in slices
        for endpoint in piece.endpoints
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
        address = cell.address if cell.door != "node port" else f"*:{cell.address.rpartition(':')[2]}"
        mark = " [masqueraded]" if cell.masquerade else ""
        rows.setdefault((cell.client, cell.family, cell.door, address, result + partly + mark), []).append(cell.node)
    everywhere = len({proof.node for proof in found.proofs})
    width = 13 if all(cell.family == IPV4 for cell in found.cells) else 20
    for (client, family, door, address, result), nodes in rows.items():
        where = _where(client, nodes, everywhere)
        over = "" if family == IPV4 else f" ({family})"
        lines.append(f"  {where:<34} {door + over:<{width}} {address:<24} {result}")
    lines += ["", *_check_lines(found), *_proof_lines(found), *(f"  note: {remark}" for remark in found.remarks)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _where(client: str, nodes: list[str], everywhere: int) -> str:
    which = "every node" if len(nodes) == everywhere else ", ".join(nodes)
    return {"the node": which, "a Pod": f"a Pod on {which}", "outside": f"outside, through {which}"}[client]


def _check_lines(found: Matrix) -> Iterator[str]:
    for node, check in found.checks:
        told, many = check.answer(), "" if check.local_endpoints == 1 else "s"
        said = f"{told.status}, {told.local_endpoints} ready endpoint{many} here"
        yield f"  a load balancer that asks {node}, port {check.node_port}, is told: {said}"


def _proof_lines(found: Matrix) -> Iterator[str]:
    said: dict[tuple[str, str], list[str]] = {}
    everywhere = len({proof.node for proof in found.proofs})
    for proof in found.proofs:
        said.setdefault((proof.family, _proved(proof.proof)), []).append(proof.node)
    for (family, sentence), nodes in said.items():
        where = "every node" if len(nodes) == everywhere else ", ".join(nodes)
        yield f"  on {where}{'' if family == IPV4 else f' over {family}'}: {sentence}"


def _proved(proof: Proof) -> str:
    if isinstance(proof, Counterexample):
        packet = proof.packet
        sent = f"{packet.source} -> {packet.destination}:{packet.port}/{packet.protocol}"
        fate = f"{proof.fate.fate.value} {proof.fate.destination}".strip() or "nobody"
        return f"VIOLATED: {proof.claim.name}: {sent} ends at {fate} by: {proof.rule}"
    if isinstance(proof, Reached):
        count = len(proof.claims)
        return f"proved for all packets ({count} {'claim' if count == 1 else 'claims'})"
    return "proved for all packets, but without any endpoint: " + ", ".join(claim.name for claim in proof.claims)
