"""The claim about UDP senders: `detail: {proxy: connections}`.

A sender that keeps its socket is one connection to the kernel, which goes where its first packet went until the entry
is cleared. So each UDP port of a Service is looked at with its Pods, proxies, kernel tables and one such sender to its
cluster IP (`connections`). What the script does to the Service, to workloads with Pods behind it and to Pods is read
off what its steps write (`_changes`), and what controllers then do to the Pods is done in their place; where that, or a
fault, is not known here, the claim is UNKNOWN. One sender and few nodes are enough: entries of other senders are like
its own, and all nodes but the Pods' are like each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve

from ....impl.api.apps import DaemonSet, Deployment, Sized, StatefulSet, Workload
from ....impl.api.batch import Job
from ....impl.api.claim_names import FLOWS, SENTENCES
from ....impl.api.core import Node, NodeCondition, NodeStatus, Pod, Service, ServicePort
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.requests import Create, Delete, Request, Update
from ....impl.api.workloads import BY_KIND
from ....impl.kubectl import script as kubectl
from ....impl.kubeproxy.conntrack import ALL_EVENTS, Cleanup, Event
from ....impl.kubeproxy.packet import Packet
from ....model.checker.explore import explore
from ....model.checker.results import Limits, Progress, Status
from ....model.machine import Machine
from ....properties.reachability.answers import is_headless, is_judged, selects_pod
from ...input.given import carried_out, versions
from ...input.scenario import Scenario, Start, Switch
from ...world.at_rest.prepare import Prepared
from ...world.faults.registry import possible
from ...world.grains.connections import claims
from ...world.grains.connections.connections import data_path, machine
from ...world.grains.connections.setup import Flow, Setup
from ..results import Claim, TooMuchError

IN_FLOW = "in a flow"
"""What the kind of a breach begins with; behind it stands the Service."""
CLIENT = "10.0.9.9"
MOST_PODS = 3
"""Pods of a Service that there may be at one time here."""


def judge(scenario: Scenario, prepared: Prepared, limits: Limits, progress: Callable[[Progress], None] | None) -> Claim:
    """Look at every UDP port of every Service."""
    claim = Claim(FLOWS, SENTENCES[FLOWS], Status.HOLDS, IN_FLOW, vacuous=True)
    for service, port in doors(scenario, prepared):
        kind = f"{IN_FLOW} to {service.metadata.namespace}/{service.metadata.name}/{port.port}"
        try:
            setup = setup_of(scenario, prepared, service, port)
        except TooMuchError as much:
            return Claim(FLOWS, SENTENCES[FLOWS], Status.UNKNOWN, kind, (f"no flow was looked at: {much}",))
        asked = claims.heard(data_path(setup))
        searched = explore(machine(setup), [asked], limits=limits, progress=progress)
        found = searched[asked.name]
        if found.vacuous:
            return Claim(FLOWS, SENTENCES[FLOWS], Status.UNKNOWN, kind, ("what the script asks for is refused here",))
        if found.status is not Status.HOLDS:
            lines = found.evidence if found.status is Status.VIOLATED else (found.reason,)
            return Claim(FLOWS, SENTENCES[FLOWS], found.status, kind, lines, found.trace)
        told = f"{port.port}/UDP of Service {service.metadata.name}: {searched.states:,} states"
        claim = evolve(claim, vacuous=False, lines=(*claim.lines, told))
    return claim


def machine_of(scenario: Scenario, prepared: Prepared, kind: str) -> Machine:
    """Return the machine that a breach of this kind was found on. Raises `TooMuchError`."""
    namespace, name, number = kind.removeprefix(f"{IN_FLOW} to ").split("/")
    wanted = Ref("Service", namespace, name), int(number)
    door = next(asked for asked in doors(scenario, prepared) if (ref_of(asked[0]), asked[1].port) == wanted)
    return machine(setup_of(scenario, prepared, *door))


def doors(scenario: Scenario, prepared: Prepared) -> Iterator[tuple[Service, ServicePort]]:
    """Yield the first version of every Service that has an address of its own, with each of its UDP ports."""
    found: dict[Ref, Service] = {}
    for obj in versions(scenario, prepared.objects):
        if isinstance(obj, Service) and is_judged(obj) and not is_headless(obj):
            found.setdefault(ref_of(obj), obj)
    yield from ((service, port) for service in found.values() for port in service.spec.ports if port.protocol == "UDP")


def setup_of(scenario: Scenario, prepared: Prepared, service: Service, port: ServicePort) -> Setup:
    """Return what is looked at of a Service. Raises `TooMuchError`."""
    odd = [fault.told for name, _, fault in possible(scenario) if name not in KNOWN_FAULTS]
    if odd:
        raise TooMuchError(f"what becomes of senders after a {odd[0]}")
    if scenario.image_behaviour:
        raise TooMuchError("images that behave as they are called")
    if "IPv4" not in service.spec.ip_families:
        raise TooMuchError(f"Service {service.metadata.name} has no IPv4 address")
    behind = _Behind(scenario, prepared, ref_of(service))
    packet = Packet(CLIENT, service.spec.cluster_ip, port.port, "UDP")
    cleanup, events = _cleanup(scenario)
    return Setup(
        (*behind.nodes, *((_alone(behind.first),) if behind.first is not None else ()), *behind.pods),
        script=tuple(behind.requests()),
        flows=(Flow("sender", behind.nodes[-1].metadata.name, packet),),
        cleanup=cleanup,
        events=events,
        release=scenario.release,
        terminating_endpoints=Switch.READY_ALONE not in scenario.switches,
        restarts=scenario.faults.crash,
        waits=scenario.wait_between_steps,
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
    return next((ways[switch] for switch in ways if switch in scenario.switches), (Cleanup.RECONCILED, ALL_EVENTS))


# --- what there is, and what becomes of it ----------------------------------------------------------------------------


class _Behind:
    """A Service, the Pods that may ever be behind it, and what the script makes of them."""

    def __init__(self, scenario: Scenario, prepared: Prepared, service: Ref) -> None:
        self.scenario, self.service = scenario, service
        self.start = prepared.starts[0].objects
        every = tuple(versions(scenario, prepared.objects))
        self.versions = [obj for obj in every if isinstance(obj, Service) and ref_of(obj) == service]
        applied = scenario.start is Start.EMPTY
        self.late = next((obj for obj in self.start if ref_of(obj) == service), None)
        self.first = None if applied else self.late
        pods = [obj for obj in self.start if isinstance(obj, Pod) and obj.spec.node_name and self._selected(obj)]
        for other in prepared.starts[1:]:
            there_too = {obj.metadata.name for obj in other.objects if isinstance(obj, Pod) and self._selected(obj)}
            if there_too != {pod.metadata.name for pod in pods}:
                raise TooMuchError("the states of rest to start from differ in which Pods there are")
        used = sorted({pod.spec.node_name for pod in pods})[:FEW]
        there = {obj.metadata.name: obj for obj in self.start if isinstance(obj, Node)}
        names = list(dict.fromkeys((*used, *sorted(there))))[: max(FEW, len(used))]
        self.nodes = tuple(registered(there[name]) for name in names)
        self.pods = tuple(_plain(pod, pod.spec.node_name if pod.spec.node_name in names else names[0]) for pod in pods)
        self.of = {ref_of(pod): self._maker(pod) for pod in pods}
        self.ever = len(self.of)
        if len(self.pods) > MOST_PODS:
            raise TooMuchError(f"{len(self.pods)} Pods are behind {service.name}")

    def _selected(self, pod: Pod) -> bool:
        return any(selects_pod(service, pod) for service in self.versions)

    def _maker(self, pod: Pod) -> Ref | None:
        """Name what makes a Pod anew: its ReplicaSet's Deployment, or its ReplicaSet; None where nothing does."""
        owner = pod.metadata.controller
        if owner is None:
            return None
        ref = Ref(owner.kind, pod.metadata.namespace, owner.name)
        above = next((obj.metadata.controller for obj in self.start if ref_of(obj) == ref), None)
        return ref if above is None else Ref(above.kind, pod.metadata.namespace, above.name)

    def requests(self) -> Iterator[Request]:
        """Yield what is asked for in the place of everybody. Raises `TooMuchError`."""
        if self.first is None and self.late is not None:
            yield Create(_alone(self.late))
        yield from self._missing()
        if unknown := [step for step in self.scenario.script if isinstance(step, UNKNOWN_STEPS)]:
            raise TooMuchError(f"what becomes of Pods after a step: {unknown[0]}")
        for done in carried_out(self.scenario, self.start):
            for write in done.writes:
                yield from self._changes(done.before.objects.get(write.ref), write.object, write.ref)
            if isinstance(done.request, Delete) and done.request.ref.kind in {"Pod", *BY_KIND}:
                yield from self._gone(done.request.ref)

    def _missing(self) -> Iterator[Request]:
        """Ask for the Pods that workloads want and that are not there yet."""
        for obj in self.start:
            over = isinstance(obj, Job) and obj.finished
            if isinstance(obj, Sized | Job) and obj.metadata.controller is None and obj.spec.wanted and not over:
                there = sum(maker == ref_of(obj) for maker in self.of.values())
                yield from self._more(obj, obj.spec.wanted - there)

    def _changes(self, old: Object | None, new: Object | None, ref: Ref) -> Iterator[Request]:
        """Yield what a write of the script leads to."""
        if ref == self.service and new != old:
            if new is None:
                yield Delete(ref)
            elif isinstance(new, Service):
                yield Create(_alone(new)) if old is None else Update(_alone(new), None)
        elif isinstance(new, Pod):
            if old is None:
                yield from self._bare(new)
            elif isinstance(old, Pod) and old.metadata.labels != new.metadata.labels and ref in self.of:
                raise TooMuchError(f"a Pod that bears other labels: {ref.name}")
        elif isinstance(new, Workload) and new.metadata.controller is None:
            yield from self._resized(old if isinstance(old, Workload) else None, new)

    def _bare(self, pod: Pod) -> Iterator[Request]:
        if self._selected(pod):
            self.of[ref_of(pod)] = None
            yield Create(_plain(pod, pod.spec.node_name or self.nodes[-1].metadata.name))

    def _resized(self, old: Workload | None, new: Workload) -> Iterator[Request]:
        """Replace the Pods of a workload that has another template, and bring their number in line."""
        if isinstance(new, DaemonSet):
            labels = new.spec.template.metadata.labels
            if self._selected(Pod(ObjectMeta(namespace=new.metadata.namespace, labels=labels))):
                raise TooMuchError(f"what becomes of Pods of a DaemonSet: {new.metadata.name}")
            return
        mine = [pod for pod, maker in self.of.items() if maker == ref_of(new)]
        template = old is None or old.spec.template != new.spec.template
        if old is None or not mine:
            yield from self._more(new, new.spec.wanted - len(mine))
        elif template and isinstance(new, Deployment) and not new.spec.paused:
            made = iter(tuple(self._more(new, new.spec.wanted)))
            gone = [request for pod in mine for request in self._less(pod)]
            if new.spec.strategy.type == "Recreate":
                yield from (*gone, *made)
            else:
                for request in gone:
                    yield from (first for first in (next(made, None),) if first is not None)
                    yield request
                yield from made
        elif template and isinstance(new, StatefulSet):
            for pod in mine:
                yield from (*self._less(pod), *self._more(new, 1))
        elif new.spec.wanted < len(mine):
            yield from (request for pod in mine[new.spec.wanted :] for request in self._less(pod))
        else:
            yield from self._more(new, new.spec.wanted - len(mine))

    def _more(self, workload: Workload, count: int) -> Iterator[Request]:
        """Make more Pods of a workload, on one node after the other."""
        template = workload.spec.template
        for _ in range(max(count, 0)):
            number = self.ever
            meta = ObjectMeta(
                name=f"{workload.metadata.name}-made-{number}",
                namespace=workload.metadata.namespace,
                labels=template.metadata.labels,
            )
            pod = Pod(meta, evolve(template.spec, node_name=self.nodes[(number + 1) % len(self.nodes)].metadata.name))
            if not self._selected(pod):
                return
            if len(self.of) >= 2 * MOST_PODS:
                raise TooMuchError(f"there may be more than {2 * MOST_PODS} Pods behind {self.service.name}")
            self.of[ref_of(pod)] = ref_of(workload)
            self.ever += 1
            yield Create(pod)

    def _less(self, pod: Ref) -> Iterator[Request]:
        del self.of[pod]
        yield Delete(pod)

    def _gone(self, ref: Ref) -> Iterator[Request]:
        """Take Pods away that are deleted, or whose workload is; who has a workload is made again."""
        if ref in self.of:
            maker = self.of[ref]
            yield from self._less(ref)
            owner = next((obj for obj in self.start if ref_of(obj) == maker), None)
            if isinstance(owner, Workload):
                yield from self._more(owner, 1)
        for pod in [pod for pod, maker in self.of.items() if maker == ref]:
            yield from self._less(pod)


KNOWN_FAULTS = frozenset({"crash", "lost_response"})
"""A lost answer only delays who tries again."""
UNKNOWN_STEPS = kubectl.Drain | kubectl.DeleteNode | kubectl.Taint | kubectl.LabelNode
FEW = 2


def registered(node: Node) -> Node:
    """Return a node as its kubelet registers it: ready, with its labels and what it has."""
    conditions = (NodeCondition("Ready", "True"),)
    status = NodeStatus(capacity=node.status.capacity, allocatable=node.status.allocatable, conditions=conditions)
    return Node(ObjectMeta(name=node.metadata.name, labels=node.metadata.labels), status=status)


def _plain(pod: Pod, node: str) -> Pod:
    """Return a Pod as it was made, on a node."""
    meta = ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace, labels=pod.metadata.labels)
    return Pod(meta, evolve(pod.spec, node_name=node))


def _alone(service: Object) -> Service:
    assert isinstance(service, Service)  # noqa: S101 - asked for by its reference
    return Service(ObjectMeta(name=service.metadata.name, namespace=service.metadata.namespace), service.spec)
