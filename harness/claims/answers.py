"""Somebody answers: at rest at every port that should be served, in motion wherever somebody did the moment before.

What answers is said by `properties.reachability.answers` from Services, Pods and what really runs. The doors that are
looked at:

- the port of a Service, asked from anywhere;
- with internalTrafficPolicy Local, the port asked on each node whose own Pods or processes may be clients: not on one
  that takes no ordinary Pod (cordoned, or tainted) and has none but the Service's own;
- with externalTrafficPolicy Local, the node port asked on each node: clients know nodes by their addresses. Not so
  behind a load balancer (type LoadBalancer): a node without ready Pods fails its health check and is not asked;
- a node that is gone, down or cut off is not asked.

**In motion** a step of the core is enough to judge by. Proxies and the EndpointSlice controller only observe, so every
run of the core is one in which they had caught up before the step; then connections go to the `takers`. If one of these
stops accepting in the step, connections that are sent to it are refused, however fast anybody follows. If before some
taker accepts and afterwards none does, nobody answers; nor where the Service no longer has the port. Who becomes one
while its programs still start up (no probe waits for them) refuses what is sent to it. That the core's
kubelets take several steps at once hides nothing: whoever stops somewhere inside such a chain has stopped at its end,
and what others do in between they can also do afterwards. Connections that lagging proxies send are looked at in
`world.one_pod`.

The proxy of a node that is **cut off** leads where it led then, whatever becomes of Services and Pods. If one of these
Pods stops accepting before the node is in touch again, connections from there are refused. Where no node is in touch
nobody else asks.

**At rest** a port should be served if a workload that wants Pods has a template that the selector matches, or a Pod
among the manifests does; or if nothing in the whole input could ever be selected. What could be reached before the
script and cannot afterwards is a breach in motion: there is a step with which it ended. A Service of the manifests that
is gone although the script deletes neither it nor its owner has nobody to answer, either. One that the script deletes,
that has no selector, or is an ExternalName is not judged; but for the time in which it is gone where a later step
applies it again. Pods of Jobs come to an end, and so nobody counts on them: they neither answer here, nor is anybody
asked for in their place; where they stand behind a Service beside others, what they lose is looked at in `taken_in`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from attrs import frozen

from ...impl.api.apps import DaemonSet, Workload
from ...impl.api.batch import Job
from ...impl.api.core import Node, Pod, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.policy import EndpointSlice, is_slice_of
from ...impl.api.runtime import PodRuntime
from ...impl.api.workloads import NAMES, pod_labels
from ...model.machine import View
from ...model.world.store import name_in
from ...properties.daemons import wants_one
from ...properties.reachability.answers import (
    Backend,
    Door,
    Number,
    Port,
    accepts,
    backend,
    is_headless,
    is_judged,
    lost,
    lost_by_name,
    numbers_of,
    ports_of,
    selects,
    selects_pod,
    takers,
)
from ...properties.reachability.by_hand import Unled
from ...properties.reachability.network_policy import Walls
from ..input.annotations import start_up
from ..input.given import lasting_pods, lasting_services, services_made_again, unled_at_rest
from ..world.cluster import Cluster
from ..world.nodes.kubelets import proxy_slot, runtime_slot
from ..world.nodes.led import chosen
from ..world.nodes.node_state import Routed, cut_slot, is_silent
from .judged import nodes_of
from .taken_in import Deaf, deaf, ended, of_a_job, to_blame

INTERNAL, EXTERNAL = "internalTrafficPolicy", "externalTrafficPolicy"
LETS_NOBODY = "it lets nobody in there"
AT_A_STEP, AT_REST = "at a step", "at rest"
"""The kinds of breach: somebody stops answering, and nobody answers in the end."""


@frozen
class Scene:
    """Who may be asked, who stands behind, and who of them accepts (by uid)."""

    doors: tuple[Door, ...]
    backends: tuple[Backend, ...]
    accepting: frozenset[str]

    def answered(self, door: Door) -> bool:
        """Tell whether somebody answers at a door."""
        return any(taker.uid in self.accepting for taker in takers(door, self.backends))


# --- what is seen of a state ------------------------------------------------------------------------------------------


def services_of(cluster: Cluster, view: View) -> tuple[Service, ...]:
    """Return the Services of a state that are judged; those of a namespace that is going go with it."""
    slots = cluster.world.layout.pools.get("Namespace", ())
    going = {name for slot in slots if (name := view.via(_going, slot))}
    return tuple(
        service
        for service in _there_are(cluster, view)
        if is_judged(service) and service.metadata.namespace not in going
    )


def _going(obj: Object | None) -> str:
    """Name a namespace that is being deleted."""
    return obj.metadata.name if obj is not None and obj.metadata.terminating else ""


def _there_are(cluster: Cluster, view: View) -> Iterator[Service]:
    layout = cluster.world.layout
    found = (*layout.constants.values(), *(view[slot] for slot in layout.pools.get("Service", ())))
    yield from (obj for obj in found if isinstance(obj, Service))


Standing = tuple[tuple[str, Backend | None, str], ...]
"""By place: who stands there for those who ask, and the uid of the Pod that really accepts there."""


def _standing(cluster: Cluster, services: tuple[Service, ...], view: View, also: Standing = ()) -> Standing:
    """Return the places in which somebody stands, and those in which somebody stood."""
    keep = partial(_lasting, services, cluster.scenario.walls)
    stood = {slot for slot, _, _ in also}
    found = ((slot, view.via(keep, slot)) for slot in cluster.world.layout.pools["Pod"])
    return tuple(
        (slot, stands, view.via(accepts, runtime_slot(slot)))
        for slot, stands in found
        if stands is not None or slot in stood
    )


def _lasting(services: tuple[Service, ...], walls: Walls, obj: Object | None) -> Backend | None:
    """Return who stands behind Services, but for Pods of Jobs: that these end is what they are for, and no breach."""
    return None if of_a_job(obj) else backend(services, obj, walls)


def scene(cluster: Cluster, view: View) -> Scene:
    """Return what is seen of a state."""
    services = services_of(cluster, view)
    return _scene(cluster, services, _standing(cluster, services, view), view)


def _scene(cluster: Cluster, services: tuple[Service, ...], standing: Standing, view: View) -> Scene:
    return Scene(
        tuple(door for service in services for door in _doors(cluster, service, view)),
        tuple(stands for _, stands, _ in standing if stands is not None),
        frozenset(uid for _, _, uid in standing if uid),
    )


def _doors(cluster: Cluster, service: Service, view: View) -> Iterator[Door]:
    """Yield the ways to ask for a Service."""
    yield from _asked_at_rest(cluster, service, view)
    spec = service.spec
    if spec.external_traffic_policy == "Local" and spec.type != "LoadBalancer" and not is_headless(service):
        nodes = sorted(name for name, _ in _there(cluster, view))
        yield from (Door(port, node, EXTERNAL) for node in nodes for port in ports_of(service))


def _asked_at_rest(cluster: Cluster, service: Service, view: View) -> Iterator[Door]:
    """Yield the doors that are asked whatever was before: of single nodes those that may have clients."""
    ports = ports_of(service)
    if not any(_cut_off(cluster, view)) or any(_there(cluster, view)):
        yield from map(Door, ports)
    if service.spec.internal_traffic_policy == "Local" and not is_headless(service):
        yield from (Door(port, node, INTERNAL) for node in sorted(_asking(cluster, service, view)) for port in ports)


def _there(cluster: Cluster, view: View) -> Iterator[tuple[str, bool]]:
    """Yield the nodes that are there, up and in touch, and whether they are closed to ordinary Pods."""
    layout = cluster.world.layout
    placed = (view.via(_closed, slot) for slot in layout.pools.get("Node", ()))
    for found in (*map(_closed, layout.constants.values()), *placed):
        if found is not None and not (found[0] in cluster.struck and is_silent(view, found[0])):
            yield found


def _closed(obj: Object | None) -> tuple[str, bool] | None:
    if not isinstance(obj, Node):
        return None
    repels = any(taint.effect in {"NoSchedule", "NoExecute"} for taint in obj.spec.taints)
    return obj.metadata.name, obj.spec.unschedulable or repels


def _asking(cluster: Cluster, service: Service, view: View) -> Iterator[str]:
    """Name the nodes on which there may be clients."""
    with_clients = set(_with_clients(cluster, service, view))
    yield from (name for name, closed in _there(cluster, view) if not closed or name in with_clients)


def _with_clients(cluster: Cluster, service: Service, view: View) -> Iterator[str]:
    """Name the nodes that have Pods which are not the Service's own, or may have some of other islands."""
    keep, crowd = partial(_client_on, service), cluster.scenario.crowd
    yield from crowd.on
    yield from filter(None, map(keep, crowd.placed))
    for slot in cluster.world.layout.pools["Pod"]:
        if node := view.via(keep, slot):
            yield node


def _client_on(service: Service, obj: Object | None) -> str:
    if not isinstance(obj, Pod) or obj.finished or obj.metadata.terminating or selects_pod(service, obj):
        return ""
    return obj.spec.node_name


# --- in motion --------------------------------------------------------------------------------------------------------


def check(cluster: Cluster) -> Callable[[View, View, str], Iterator[str]]:
    """Return the check of the steps of a cluster's machine."""
    return partial(_steps, cluster, services_made_again(cluster.scenario), start_up(cluster.scenario.everything))


def _steps(
    cluster: Cluster,
    again: frozenset[Ref],
    takes_time: bool,  # noqa: FBT001 - bound by partial
    before: View,
    after: View,
    label: str,
) -> Iterator[str]:
    services, later = services_of(cluster, before), services_of(cluster, after)
    yield from _from_cut_off(cluster, services, before, after, label)
    old = _standing(cluster, services, before) if services else ()
    for port, uid in _ended(cluster, services, old, before, after):
        yield f'{Door(port)}: connections go to {name_in(uid)}, a Pod of a Job, which takes no more after "{label}"'
    cut = any(_cut_off(cluster, before))
    if not (old or cut or takes_time):
        return
    new = _standing(cluster, later, after, old)
    if old == new and services == later and not cut:
        return  # Who is asked may change, but not who answers.
    first, then = _scene(cluster, services, old, before), _scene(cluster, later, new, after)
    doors = [door for door in first.doors if door in then.doors and first.answered(door)]
    doors += _asked_otherwise(cluster, services, first, then, before)
    silent = [door for door in doors if not then.answered(door)]
    numbers = [number for number in withdrawn(services, later, again) if first.answered(number.door)]
    for door in silent:
        yield f'{door}: nobody answers any more after "{label}": {_why(cluster, door, later, after)[0]}'
    there = {(service.metadata.namespace, service.metadata.name) for service in later}
    for number in numbers:
        why = "has it no more" if number.service in there else "is gone until a step applies it again"
        yield f'{number}: nobody answers any more after "{label}": the Service {why}'
    if not silent and not numbers:
        yield from _refused(doors, first, then, label)
        for door, taker in _too_early(cluster, first, then, after) if takes_time else ():
            told = f'{name_in(taker.uid)} after "{label}"'
            yield f"{door}: connections go to {told}, and its program is still starting up"


def _ended(
    cluster: Cluster, services: tuple[Service, ...], old: Standing, before: View, after: View
) -> Iterator[tuple[Port, str]]:
    yield from ended(cluster, services, tuple(stands for _, stands, _ in old if stands is not None), before, after)


def with_jobs(cluster: Cluster, before: View, after: View) -> tuple[Service, ...]:
    """Return the Services that led to a Pod of a Job which takes no more after a step, beside others."""
    services = services_of(cluster, before)
    names = {
        (port.namespace, port.service)
        for port, _ in _ended(cluster, services, _standing(cluster, services, before), before, after)
    }
    return tuple(service for service in services if (service.metadata.namespace, service.metadata.name) in names)


def _asked_otherwise(
    cluster: Cluster, services: tuple[Service, ...], first: Scene, then: Scene, before: View
) -> Iterator[Door]:
    """Yield the doors of a state that were none in the state before, though who asks at them was answered.

    A policy that has become Local makes a door of each node. Where every node was cut off nobody else asked, and those
    nodes led where they did when they were cut off.
    """
    new = [door for door in then.doors if door not in first.doors]
    if not new:
        return
    own = {(service.metadata.namespace, service.metadata.name): service for service in services}
    there = {name for name, _ in _there(cluster, before)}
    running = {uid for slot in cluster.world.layout.pools["Pod"] if (uid := before.via(accepts, runtime_slot(slot)))}
    led = {route.port for _, routed in _cut_off(cluster, before) for route in routed if route.uid in running}
    for door in new:
        service = own.get((door.port.namespace, door.port.service))
        if not door.node and door.port in led:
            yield door
        elif service is not None and door.node in there and first.answered(Door(door.port)):
            yield from (door,) if _was_asked(cluster, service, door, before) else ()


def _was_asked(cluster: Cluster, service: Service, door: Door, view: View) -> bool:
    """Tell whether a node might be asked for a Service while its policy was not Local."""
    if door.policy == EXTERNAL:
        return service.spec.type in {"NodePort", "LoadBalancer"} and service.spec.external_traffic_policy != "Local"
    return service.spec.internal_traffic_policy != "Local" and door.node in set(_asking(cluster, service, view))


def _cut_off(cluster: Cluster, view: View) -> Iterator[tuple[str, Routed]]:
    """Yield the nodes that are cut off, and where their proxies lead."""
    yield from ((node, found) for node in cluster.struck if (found := view[cut_slot(node)]) is not None)


def _from_cut_off(
    cluster: Cluster, services: tuple[Service, ...], before: View, after: View, label: str
) -> Iterator[str]:
    """Say which Pod takes no more to which a node that is cut off sends connections, for Services that are there."""
    known = [(node, routed) for node, routed in _cut_off(cluster, before) if after[cut_slot(node)] is not None]
    names = {(service.metadata.namespace, service.metadata.name) for service in services}
    for slot in cluster.world.layout.pools["Pod"] if known else ():
        uid = before.via(accepts, runtime_slot(slot))
        if uid and after.via(accepts, runtime_slot(slot)) != uid:
            told = f'sends connections to {name_in(uid)}, which takes no more after "{label}"'
            for node, routed in known:
                ports = sorted(route.port for route in routed if route.uid == uid)
                ports = [port for port in ports if (port.namespace, port.service) in names]
                if ports:
                    yield f"{Door(ports[0])}: {node}, which is cut off, {told}"


def withdrawn(
    services: tuple[Service, ...], later: tuple[Service, ...], again: frozenset[Ref] = frozenset()
) -> tuple[Number, ...]:
    """Return the numbers that could be asked and can no more, of Services that go on being there or come `again`."""
    now = dict.fromkeys(again, frozenset[Number]()) | {
        ref_of(service): frozenset(numbers_of(service)) for service in later
    }
    found = (number for service in services if ref_of(service) in now for number in numbers_of(service))
    return tuple(number for number in found if number not in now[Ref("Service", *number.service)])


def _refused(doors: Iterable[Door], first: Scene, then: Scene, label: str) -> Iterator[str]:
    told: set[str] = set()
    for door in doors:
        for taker in takers(door, first.backends):
            if taker.uid in first.accepting - then.accepting - told:
                told.add(taker.uid)
                yield f'{door}: connections go to {name_in(taker.uid)}, which takes no more after "{label}"'


def _too_early(cluster: Cluster, first: Scene, then: Scene, after: View) -> Iterator[tuple[Door, Backend]]:
    """Yield who takes connections by its status after a step, and not before, while it is still starting up."""
    cold = {uid for slot in cluster.world.layout.pools["Pod"] if (uid := after.via(_cold, runtime_slot(slot)))}
    told: set[str] = set()
    for door in then.doors if cold else ():
        known = {taker.uid for taker in takers(door, first.backends)}
        for taker in takers(door, then.backends):
            if taker.uid in cold - known - told:
                told.add(taker.uid)
                yield door, taker


def _cold(runtime: PodRuntime | None) -> str:
    """Return the uid of a Pod that is ready, and whose programs are still starting up."""
    return runtime.uid if runtime is not None and runtime.ready and runtime.cold else ""


def too_early(cluster: Cluster, before: View, after: View) -> Pod | None:
    """Return a Pod that is sent connections from a step on, though its programs are still starting up."""
    for _, taker in _too_early(cluster, scene(cluster, before), scene(cluster, after), after):
        slots = cluster.world.layout.pools["Pod"]
        return next(pod for slot in slots if isinstance(pod := after[slot], Pod) and pod.metadata.uid == taker.uid)
    return None


def hit(cluster: Cluster, before: View, after: View) -> Pod | Service | None:
    """Return whom a step hit that left nobody to answer: the Service it changed, or a Pod that takes no more.

    None where others go on answering: what a crash cuts off no manifest mends.
    """
    services, later = services_of(cluster, before), services_of(cluster, after)
    first, then = scene(cluster, before), scene(cluster, after)
    silent = any(first.answered(door) and not then.answered(door) for door in first.doors if door in then.doors)
    if not silent and not any(first.answered(number.door) for number in withdrawn(services, later)):
        return None
    changed = [service for service in later if service not in services and ref_of(service) in map(ref_of, services)]
    if changed:
        return changed[0]
    return stopped(cluster, before, after) or _begun_to_go(cluster, before, after)


def stopped(cluster: Cluster, before: View, after: View) -> Pod | None:
    """Return a Pod that took connections of a Service and takes no more after a step."""
    for slot, stands, uid in _standing(cluster, services_of(cluster, before), before):
        if stands is not None and stands.uid == uid and after.via(accepts, runtime_slot(slot)) != uid:
            pod = before[slot]
            return pod if isinstance(pod, Pod) else None
    return None


def _begun_to_go(cluster: Cluster, before: View, after: View) -> Pod | None:
    """Return a Pod that took connections of a Service and begins to be deleted: no name leads to it any more."""
    for slot, stands, uid in _standing(cluster, services_of(cluster, before), before):
        pod, later = before[slot], after[slot]
        goes = isinstance(later, Pod) and later.metadata.terminating
        if stands is not None and stands.uid == uid and goes and isinstance(pod, Pod) and not pod.metadata.terminating:
            return pod
    return None


# --- at rest ----------------------------------------------------------------------------------------------------------


def at_rest(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Return the goal that somebody answers wherever somebody should, and that who is listed as ready does."""
    wanted = tuple(service for service in lasting_services(cluster.scenario) if is_judged(service))
    return partial(_unmet, cluster, *_input(cluster), wanted, tuple(unled_at_rest(cluster.scenario)))


Bearable = Callable[[Service], bool]


def _input(cluster: Cluster) -> tuple[tuple[Pod, ...], Bearable]:
    """Return the Pods of the input that last, and the test whether anything there could stand behind a Service."""
    return tuple(lasting_pods(cluster.scenario)), partial(_bearable, tuple(dict.fromkeys(_templates(cluster))))


def blamed(cluster: Cluster, view: View) -> Iterator[tuple[Ref, str, str]]:
    """Yield what leads to nobody, or to one who does not answer: Services and policies, the field, what is wrong."""
    services = services_of(cluster, view)
    for _, door in _silent(cluster, services, *_input(cluster), view):
        _, ref, field = _why(cluster, door, services, view)
        if field:
            yield ref, field, "it leads to nobody" if ref.kind == "Service" else LETS_NOBODY
    for ref, field, _, _ in _deaf(cluster, services, scene(cluster, view), view):
        told = "it leads to Pods, too, that do not listen there: a selector that leaves them out would do"
        yield ref, field, told if ref.kind == "Service" else LETS_NOBODY
    for found in unled_at_rest(cluster.scenario):
        yield found.ref, found.field, f"{found.port} leads to nobody: {found.why}"


def _unmet(
    cluster: Cluster,
    pods: tuple[Pod, ...],
    bearable: Bearable,
    wanted: tuple[Service, ...],
    misnamed: tuple[Unled, ...],
    view: View,
) -> Iterator[str]:
    there = frozenset(map(ref_of, _there_are(cluster, view)))
    for found in misnamed:
        yield f"{Door(found.port)}: nobody answers: {found.why} ({found.ref} {found.field})"
    for service in wanted:
        if ref_of(service) not in there:
            for port in ports_of(service):
                yield f"{Door(port)}: nobody answers: the Service is gone, and no step deletes it"
    yield from _unanswered(cluster, pods, bearable, view)


def _unanswered(cluster: Cluster, pods: tuple[Pod, ...], bearable: Bearable, view: View) -> Iterator[str]:
    services = services_of(cluster, view)
    if not services:
        return
    for _, door in _silent(cluster, services, pods, bearable, view):
        reason, _, field = _why(cluster, door, services, view)
        yield f"{door}: nobody answers: {reason}{f' ({field})' if field else ''}"
    seen = scene(cluster, view)
    for each in seen.backends:
        if each.first and each.uid not in seen.accepting:
            yield f"{name_in(each.uid)} is ready by its status, and takes no connections"
    for _, _, port, who in _deaf(cluster, services, seen, view):
        yield f"{Door(port)}: connections go to {who}"
    yield from _misled(cluster, services, seen, view)


def _deaf(cluster: Cluster, services: tuple[Service, ...], seen: Scene, view: View) -> Iterator[Deaf]:
    """Yield the ports at which somebody answers and which lead to a Pod that does not answer, too."""
    keep = partial(deaf, services, cluster.scenario.walls)
    found = (pair for slot in cluster.world.layout.pools["Pod"] for pair in view.via(keep, slot))
    yield from (pair for pair in found if seen.answered(Door(pair[2])))


def _misled(cluster: Cluster, services: tuple[Service, ...], seen: Scene, view: View) -> Iterator[str]:
    """Say which proxy that takes part, of a node in touch, sends connections to a Pod that takes none."""
    for node in cluster.proxies:
        if node in cluster.struck and is_silent(view, node):
            continue
        for service in services:
            if not service.spec.publish_not_ready_addresses:
                for uid in sorted(view.via(partial(_led, ref_of(service)), proxy_slot(node)) - seen.accepting):
                    yield f"kube-proxy on {node} sends connections to {name_in(uid)}, which takes none"


def _led(service: Ref, slices: tuple[EndpointSlice | None, ...]) -> frozenset[str]:
    """Return the uids of the Pods that a proxy which has programmed some slices sends connections of a Service to."""
    return chosen(tuple(piece for piece in slices if piece is not None and is_slice_of(service, piece)))


def _silent(
    cluster: Cluster, services: tuple[Service, ...], pods: tuple[Pod, ...], bearable: Bearable, view: View
) -> Iterator[tuple[Service, Door]]:
    """Yield the doors at which somebody should answer and nobody does."""
    seen = scene(cluster, view)
    wanted = _wanted(cluster, services, pods, view)
    for service in services:
        if ref_of(service) in wanted or not bearable(service):
            for door in _asked_at_rest(cluster, service, view):
                if not seen.answered(door):
                    yield service, door


def _wanted(cluster: Cluster, services: tuple[Service, ...], pods: tuple[Pod, ...], view: View) -> frozenset[Ref]:
    """Return the Services that Pods are wanted for."""
    layout = cluster.world.layout
    keep = partial(_serves, services, nodes_of(cluster, view))
    found = {ref_of(service) for service in services if any(selects_pod(service, pod) for pod in pods)}
    for kind in NAMES:
        for slot in layout.pools.get(kind, ()):
            found |= view.via(keep, slot)
    for obj in layout.constants.values():
        found |= keep(obj)
    return frozenset(found)


def _serves(services: tuple[Service, ...], nodes: tuple[Node, ...], obj: Object | None) -> frozenset[Ref]:
    """Return the Services that a workload of the user's wants Pods for: not a Job, whose Pods are not there to stay."""
    if not isinstance(obj, Workload) or isinstance(obj, Job):
        return frozenset()
    if obj.metadata.controller is not None or not _wants_any(obj, nodes):
        return frozenset()
    space, ways = obj.metadata.namespace, pod_labels(obj)
    return frozenset(
        ref_of(service) for service in services if any(selects(service, space, labels.items()) for labels in ways)
    )


def _wants_any(workload: Workload, nodes: tuple[Node, ...]) -> bool:
    if isinstance(workload, DaemonSet):
        return any(wants_one(workload, node) for node in nodes)
    return bool(workload.spec.wanted)


def _templates(cluster: Cluster) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Yield namespace and labels of all Pods that the input speaks of."""
    initial = (value for state in cluster.machine.initial for value in state.values())
    for obj in (*cluster.scenario.everything, *initial):
        if isinstance(obj, Workload):
            yield from ((obj.metadata.namespace, tuple(labels.items())) for labels in pod_labels(obj))
        elif isinstance(obj, Pod):
            yield obj.metadata.namespace, tuple(obj.metadata.labels.items())


def _bearable(templates: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], service: Service) -> bool:
    return any(selects(service, namespace, labels) for namespace, labels in templates)


# --- why nobody answers -----------------------------------------------------------------------------------------------


def _why(cluster: Cluster, door: Door, services: tuple[Service, ...], view: View) -> tuple[str, Ref, str]:
    """Say why nobody answers at a door, as far as Pods tell, and the object and the field ("": none) to change."""
    name = (door.port.namespace, door.port.service)
    service = next(found for found in services if (found.metadata.namespace, found.metadata.name) == name)
    pods = [one for slot in cluster.world.layout.pools["Pod"] if isinstance(one := view[slot], Pod)]
    mine = [pod for pod in pods if selects_pod(service, pod) and door.node in {"", pod.spec.node_name}]
    if not mine and door.node and any(selects_pod(service, pod) for pod in pods):
        return f"none of its Pods is on {door.node}", ref_of(service), f"spec.{door.policy}"
    if not mine:
        chosen = ", ".join(f"{key}={value}" for key, value in sorted(service.spec.selector.items()))
        return f"no Pod {f'on {door.node} ' if door.node else ''}bears {chosen}", ref_of(service), "spec.selector"
    asked = (door.port.number, door.port.protocol)
    ports = [(at, port) for at, port in enumerate(service.spec.ports) if (port.port, port.protocol) == asked]
    walls = cluster.scenario.walls
    if is_headless(service):
        lose = [lost_by_name(service, pod, walls) for pod in mine]
    else:
        lose = [lost(pod, port, walls) for pod in mine for _, port in ports]
    if lose and lose[0] is not None and all(lose):
        return (lose[0].why, *to_blame(lose[0], service, ports[0][0] if ports else 0))
    named = ", ".join(sorted(pod.metadata.name for pod in mine))
    return f"none of {named} is ready and takes connections", ref_of(service), ""
