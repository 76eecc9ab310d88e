"""What `kubeproof reach` answers: the matrix of a Service at rest, and what becomes of its connections meanwhile.

Left out on purpose: during a rollout only the claim on connections is told; `kubeproof check` tells all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from attrs import evolve, frozen

from ...impl.api.core import Pod, Service
from ...impl.api.kinds import Object
from ...impl.api.meta import Ref
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.values.duration import seconds
from ...impl.api.values.selectors import selects
from ...impl.kubelet.timings import Timings, timings
from ...impl.kubeproxy.family import IPV6
from ...impl.kubeproxy.services import cluster_ip_of
from ...model.checker.results import Limits, Status
from ...properties.reachability.all_services import strays
from ...properties.reachability.answers import selects_pod, targets
from ...properties.reachability.network_policy import Party, Policy, is_peer
from ...properties.reachability.prestop import Bounds, Impossible, smallest_prestop
from ..check.results import Claim
from ..face import Cluster, check
from ..input.scenario import Scenario
from ..world.applied import Refused
from ..world.at_rest.settle import Restless
from .matrix import Matrix, find_service, matrix_in
from .matrix import text as matrix_text
from .policy import Connection, connections, parties, policies_of, told
from .rest import settled
from .scene import Scene, in_both_families, in_one_family


@frozen
class Meanwhile:
    """What was asked to happen, the verdict on new connections while it does, its lines, and where its trace went."""

    during: str
    claim: Claim
    trace: str
    advice: tuple[str, ...]


@frozen
class Answer:
    """The whole answer; `connections` are those of the client asked for, `meanwhile` is None if nothing happens.

    `strays` are packets that reach an endpoint though no Service claims their address (None: not asked), `notes`
    remarks on NetworkPolicies.
    """

    matrices: tuple[Matrix, ...]
    connections: tuple[Connection, ...] = ()
    meanwhile: Meanwhile | None = None
    strays: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """VIOLATED if anything is, else what is said of the time meanwhile."""
        if (
            self.strays
            or any(matrix.astray for matrix in self.matrices)
            or any(connection.blocked for connection in self.connections)
        ):
            return Status.VIOLATED
        return Status.HOLDS if self.meanwhile is None else self.meanwhile.claim.status

    def text(self) -> str:
        """Return the answer as text."""
        return "\n".join(matrix_text(matrix) for matrix in self.matrices) + "".join(
            f"{line}\n" for line in self._lines()
        )

    def _lines(self) -> Iterator[str]:
        if self.strays is not None:
            yield "\nAll other packets"
            yield from (f"  VIOLATED: {line}" for line in self.strays)
            if not self.strays:
                yield "  proved: to no other address does any node send a packet to an endpoint"
        if self.connections or self.notes:
            yield "\nNetworkPolicies"
            yield from (f"  {line}" for line in told(self.connections))
            yield from (f"  note: {line}" for line in self.notes)
        if (now := self.meanwhile) is not None:
            yield f"\nDuring {now.during}: {now.claim.status.value}"
            yield f"  {now.claim.sentence}"
            yield from (f"  {line}" for line in now.claim.lines)
            yield from (f"  {line}" for line in now.advice)
            if now.trace:
                yield f"  trace: {now.trace}, shown by: kubeproof show {now.trace}"

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON."""
        found: dict[str, Any] = {
            "status": self.status.value,
            "services": [matrix.to_json() for matrix in self.matrices],
        }
        if self.connections:
            found["connections"] = [connection.to_json() for connection in self.connections]
        if self.strays is not None:
            found["strays"] = list(self.strays)
        if self.notes:
            found["notes"] = list(self.notes)
        if (now := self.meanwhile) is not None:
            found["during"] = {
                "script": now.during,
                "status": now.claim.status.value,
                "lines": list(now.claim.lines),
                "advice": list(now.advice),
                "trace": now.trace,
            }
        return found


def reach(
    cluster: Cluster,
    service: str = "",
    *,
    namespace: str = "",
    client: str = "",
    during: str = "",
    propagation: str | None = None,
    limits: Limits | None = None,
    trace_dir: str | None = None,
) -> Answer:
    """Say who reaches a Service ("" for each one) of the manifests, by NetworkPolicies also a client (Pod or workload).

    Raises BadInput for what is wrong with manifests or names.
    """
    loaded = cluster.given({"start": "settled", "script": ()}).load()
    place, policies = namespace or loaded.scenario.namespace, policies_of(loaded.manifests)
    alone = Ref("Service", place, service) if service and not client and not policies else None
    objects = at_rest(loaded.scenario, alone)
    if service:
        asked = [find_service(objects, service, place)]
    else:
        asked = [obj for obj in objects if isinstance(obj, Service) and obj.metadata.namespace == place]
    if not asked:
        raise BadInput((Problem("input", 0, "", f"no Service in namespace {place}"),))
    scene = Scene(objects, loaded.scenario.release)
    matrices = tuple(matrix_in(scene, to.metadata.name, place) for to in asked)
    asking = tuple(connection for to in asked if client for connection in connections(objects, policies, client, to))
    others = None if service else tuple(_strays(scene))
    answer = Answer(matrices, asking, strays=others, notes=tuple(_in_vain(policies, parties(objects), place)))
    if not during:
        return answer
    result = check(cluster, script=[during], propagation=propagation, limits=limits, trace_dir=trace_dir)
    claim = next(known for known in result.outcome.claims if known.name == "reachability")
    # A claim that is violated names the delay that repairs it by itself.
    told = claim.status is Status.VIOLATED
    advice = () if told else tuple(line for to in asked for line in _advice(to, objects, propagation))
    return evolve(answer, meanwhile=Meanwhile(during, claim, result.paths.get("reachability", ""), advice))


def _strays(scene: Scene) -> Iterator[str]:
    """Tell of packets that reach an endpoint by an address that no Service has."""
    six = any(cluster_ip_of(service, IPV6) for service in scene.services)
    for stand in (*scene.ipv4, *(scene.ipv6 if six else ())):
        found = strays(stand.rules, scene.services, scene.slices, stand.node, zone=stand.zone)
        for address, protocol, port in found:
            yield f"{stand.node} sends packets to {address or 'any address'} {port or 'any port'}/{protocol} on"


def _in_vain(policies: Iterable[Policy], there: tuple[Party, ...], namespace: str) -> Iterator[str]:
    """Tell of the namespace's policies that are for no Pod there is, and of their peers that nobody is."""
    for policy in (own for own in policies if own.namespace == namespace):
        chosen = [party for party in there if party.namespace == namespace and selects(policy.pods, party.labels)]
        if not chosen:
            yield f"{policy} ({policy.where}) selects no Pod there is: it isolates nobody"
        for rule in (*policy.ingress, *policy.egress):
            for peer in (other for other in rule.peers if not other.cidr):
                if not any(is_peer(policy, peer, party) for party in there):
                    yield f"{policy} ({rule.where}) names a peer that no Pod there is: the peer lets nobody through"


def at_rest(scenario: Scenario, asked: Ref | None = None) -> tuple[Object, ...]:
    """Return the objects once the manifests are applied and nothing moves any more: all, or those about a Service.

    The simulated cluster is one of IPv4: Services of both families are settled as if they were of IPv4 alone.
    """
    single = evolve(scenario, objects=tuple(in_one_family(scenario.objects)))
    try:
        found = settled(single, asked)
    except (Refused, Restless) as why:
        raise BadInput((Problem("input", 0, "", str(why)),)) from None
    return tuple(in_both_families(found, scenario.objects))


def _advice(service: Service, objects: tuple[Object, ...], propagation: str | None) -> Iterator[str]:
    """Say which preStop is long enough for a propagation bound, and which there is."""
    if propagation is None:
        yield "without --propagation: it holds up to a time as long as the shortest preStop delay of the Pods that go"
        return
    bounds = Bounds(kubelet=(0, 0), endpoints=(0, 0), proxies=(0, seconds(propagation)))
    serving = [obj for obj in objects if isinstance(obj, Pod) and selects_pod(service, obj)]
    found = set[tuple[Timings, bool]]()
    for pod in serving:
        asked = targets((service,), pod.metadata.namespace, pod.metadata.labels.items(), pod.spec)
        least = timings(pod, asked)
        found.add((least, least == timings(pod, asked, most=True)))
    for known, exact in sorted(found, key=lambda one: (one[0].before_sigterm, one[0].grace_seconds))[:1]:
        answer = smallest_prestop(bounds, known.grace_seconds)
        if isinstance(answer, Impossible):
            why = f"its grace period of {known.grace_seconds} s is too short for any preStop delay"
        else:
            has = f"it has {known.before_sigterm:g} s"
            has = has if exact else f"{has} for sure, and nobody can read off how long its hook takes"
            why = f"a preStop delay of {answer.seconds} s is enough and no less; {has}"
        yield f"{service.metadata.name}: {why}"
