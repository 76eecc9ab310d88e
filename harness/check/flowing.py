"""The claim about UDP senders: `detail: {proxy: connections}`.

A sender that keeps its socket is one connection to the kernel, which goes where its first packet went until the entry
is cleared. So each UDP port of a Service is looked at with its Pods, proxies, kernel tables and one such sender
(`connections`), and with what the script does to the Service and to Pods behind it. Where it does more, nothing is
known. One sender and two nodes are enough: entries of other senders are like its own, and all nodes but the Pods' are
like each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve, frozen

from ...impl.api.claim_names import FLOWS
from ...impl.api.core import Node, NodeCondition, NodeStatus, Pod, Service
from ...impl.api.kinds import ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.requests import Create, Delete, Request
from ...impl.kubectl import script as kubectl
from ...impl.kubeproxy.conntrack import ALL_EVENTS, Cleanup, Event
from ...impl.kubeproxy.packet import Packet
from ...model.checker.explore import explore
from ...model.checker.results import Limits, Progress, Status
from ...model.machine import Machine
from ...properties.reachability.answers import is_headless, is_judged, selects_pod
from ..claims.registry import FLOW
from ..connections import claims
from ..connections.connections import data_path, machine
from ..connections.setup import Flow, Setup
from ..input.given import versions
from ..input.scenario import Scenario, Switch
from ..world.prepare import Prepared
from .results import Claim

IN_FLOW = "in a flow"
"""What the kind of a breach begins with; behind it stands the Service."""
CLIENT = "10.0.9.9"
MOST_PODS = 3
"""Pods of a Service that there may be at one time here."""


class TooMuchError(Exception):
    """There is something that the world of connections does not know; the message names it."""


def judge(scenario: Scenario, prepared: Prepared, limits: Limits, progress: Callable[[Progress], None] | None) -> Claim:
    """Look at every UDP port of every Service."""
    claim = Claim(FLOWS, FLOW, Status.HOLDS, IN_FLOW, vacuous=True)
    for service in _services(scenario, prepared):
        kind = f"{IN_FLOW} to {service.metadata.namespace}/{service.metadata.name}"
        try:
            setup = _setup(scenario, prepared, service)
        except TooMuchError as much:
            return evolve(
                claim, status=Status.UNKNOWN, kind=kind, lines=(f"no flow was looked at: {much}",), vacuous=False
            )
        asked = claims.heard(data_path(setup))
        found = explore(machine(setup), [asked], limits=limits, progress=progress)[asked.name]
        if found.status is not Status.HOLDS:
            lines = found.evidence if found.status is Status.VIOLATED else (found.reason,)
            return Claim(FLOWS, FLOW, found.status, kind, lines, found.trace)
        claim = evolve(claim, vacuous=claim.vacuous and found.vacuous)
    return claim


def machine_of(scenario: Scenario, prepared: Prepared, kind: str) -> Machine:
    """Return the machine that a breach of this kind was found on. Raises `TooMuchError`."""
    namespace, name = kind.removeprefix(f"{IN_FLOW} to ").split("/")
    wanted = Ref("Service", namespace, name)
    service = next(one for one in _services(scenario, prepared) if ref_of(one) == wanted)
    return machine(_setup(scenario, prepared, service))


def _services(scenario: Scenario, prepared: Prepared) -> Iterator[Service]:
    """Yield the first version of every Service with a UDP port and an address of its own."""
    found: dict[Ref, Service] = {}
    for one in versions(scenario, prepared.objects):
        if isinstance(one, Service) and is_judged(one) and not is_headless(one):
            found.setdefault(ref_of(one), one)
    yield from (one for one in found.values() if any(port.protocol == "UDP" for port in one.spec.ports))


def _setup(scenario: Scenario, prepared: Prepared, service: Service) -> Setup:
    """Return what is looked at of a Service. Raises `TooMuchError`."""
    if len(prepared.starts) > 1:
        raise TooMuchError(f"there are {len(prepared.starts)} states of rest to start from")
    ours = [
        one for one in prepared.objects if isinstance(one, Pod) and selects_pod(service, one) and one.spec.node_name
    ]
    if len(ours) > MOST_PODS:
        raise TooMuchError(f"{len(ours)} Pods are behind {service.metadata.name}")
    nodes = _two_nodes(prepared, ours)
    behind = _Behind(scenario, service, tuple(_plain(one, nodes) for one in ours), nodes)
    there = ref_of(service) in map(ref_of, prepared.objects)
    script = tuple(request for step in scenario.script for request in behind.requests(step))
    port = next(one for one in service.spec.ports if one.protocol == "UDP")
    packet = Packet(CLIENT, service.spec.cluster_ip, port.port, "UDP")
    cleanup, events = _cleanup(scenario)
    return Setup(
        (*map(_node, nodes), *((_alone(service),) if there else ()), *behind.pods),
        script=script,
        flows=(Flow("sender", nodes[-1], packet),),
        cleanup=cleanup,
        events=events,
        restarts=scenario.faults.crash,
    )


def _cleanup(scenario: Scenario) -> tuple[Cleanup | None, frozenset[Event]]:
    """Return how kube-proxy clears stale flows: as in 1.32, or as the switches say."""
    ways: dict[Switch, tuple[Cleanup | None, frozenset[Event]]] = {
        Switch.FLOWS_NEVER: (None, ALL_EVENTS),
        Switch.FLOWS_OF_REMOVED: (Cleanup.EVENTS, ALL_EVENTS - {Event.FIRST}),
        Switch.FLOWS_BY_EVENTS: (Cleanup.EVENTS, ALL_EVENTS),
        Switch.FLOWS_OF_EMPTY: (Cleanup.RECONCILED_EMPTY, ALL_EVENTS),
        Switch.FLOWS_OF_DELETED: (Cleanup.RECONCILED_DELETED, ALL_EVENTS),
    }
    return next((ways[one] for one in ways if one in scenario.switches), (Cleanup.RECONCILED, ALL_EVENTS))


# --- what there is ----------------------------------------------------------------------------------------------------


def _two_nodes(prepared: Prepared, pods: list[Pod]) -> tuple[str, ...]:
    """Name a node that has a Pod of the Service, if any has, and another one, if there is one."""
    names = sorted(one.metadata.name for one in prepared.objects if isinstance(one, Node))
    used = sorted({one.spec.node_name for one in pods})
    return tuple(dict.fromkeys((*used, *names)))[: max(2, len(used))]


def _node(name: str) -> Node:
    return Node(ObjectMeta(name=name), status=NodeStatus(conditions=(NodeCondition("Ready", "True"),)))


def _plain(pod: Pod, nodes: tuple[str, ...]) -> Pod:
    """Return a Pod as it was made, on its node."""
    meta = ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace, labels=pod.metadata.labels)
    return Pod(meta, evolve(pod.spec, node_name=pod.spec.node_name or nodes[0]))


def _alone(service: Service) -> Service:
    return Service(ObjectMeta(name=service.metadata.name, namespace=service.metadata.namespace), service.spec)


@frozen
class _Behind:
    """The Pods behind a Service, and what steps do to them."""

    scenario: Scenario
    service: Service
    pods: tuple[Pod, ...]
    nodes: tuple[str, ...]

    def requests(self, step: kubectl.Step) -> Iterator[Request]:
        """Yield what a step leads to, whoever asks for it. Raises `TooMuchError`."""
        mine = ref_of(self.service)
        match step:
            case kubectl.Apply(Service() as service) if ref_of(service) != mine:
                return
            case kubectl.Apply(Service()):
                yield Create(_alone(self.service))
            case kubectl.DeleteObject("Service", name):
                yield from (Delete(mine),) if name == mine.name else ()
            case kubectl.DeletePod(name) if name:
                yield from (Delete(ref_of(one)) for one in self.pods if one.metadata.name == name)
            case kubectl.Scale(replicas=0):
                yield from (Delete(ref_of(one)) for one in self.pods)
            case kubectl.SetImage() | kubectl.RolloutRestart():
                yield from self._replaced()
            case _:
                raise TooMuchError(f"what becomes of the Pods of {mine.name} after a step: {type(step).__name__}")

    def _replaced(self) -> Iterator[Request]:
        """Replace every Pod, each by one that comes before it goes, on another node."""
        for number, one in enumerate(self.pods):
            others = [name for name in self.nodes if name != one.spec.node_name] or [one.spec.node_name]
            made = evolve(one, metadata=evolve(one.metadata, name=f"{one.metadata.name}-next-{number}"))
            yield Create(evolve(made, spec=evolve(made.spec, node_name=others[0])))
            yield Delete(ref_of(one))
