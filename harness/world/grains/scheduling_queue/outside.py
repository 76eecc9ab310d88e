"""What happens around the scheduler: events arrive or get lost, kubelets, the Pod collector, a ReplicaSet, users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve

from .....impl.api.cache import Cache
from .....impl.api.core import Node, Pod
from .....impl.api.kinds import ref_of
from .....impl.api.requests import Update
from .....impl.controllers import nodelifecycle
from .....impl.scheduler.queue.cluster_event_handlers import Memory, see_node, see_pod, see_pod_lost
from .....model.machine import Action, Fairness, Outcome, View
from .....model.world.component import Component, constantly
from .queue import (
    CRASHES,
    DONE,
    ENDED,
    EVENTS_OF_NODES,
    EVENTS_OF_PODS,
    LOST,
    MISSED,
    RESTARTS,
    Updates,
    World,
    api,
    binding,
    cached,
    overdue,
    ref,
    seen,
    trial,
)
from .writes import commits, deletes


def components(world: World) -> tuple[Component[World], ...]:
    """Return all others. Users and faults may never do anything; what the system does, it does in the end."""
    scene = world.scene
    return (
        Component("watches", _watches, constantly({EVENTS_OF_PODS: (), EVENTS_OF_NODES: (), MISSED: False})),
        Component("nodes", _nodes),
        Component("replicaset", _replicaset),
        Component("users", _users, constantly({DONE: 0})),
        Component("network", _network, constantly({LOST: scene.losses})),
        Component("API server", _server, constantly({RESTARTS: scene.restarts})),
        Component("crashes", _crash, constantly({CRASHES: scene.crashes})),
    )


def _watches(world: World) -> Iterator[Action]:
    yield Action("watch: Pod", "watch of Pods", partial(_delivers_pod, world))
    yield Action("watch: node", "watch of nodes", partial(_delivers_node, world))
    if world.scene.restarts or world.ways.notices_loss:
        yield Action("reflector", "reflector", partial(_lists, world))


def _nodes(world: World) -> Iterator[Action]:
    for pod in world.scene.every_pod:
        yield Action(f"kubelet: {pod}", f"kubelet: {pod}", partial(_terminates, world, pod))
        yield Action(f"podgc: {pod}", f"podgc: {pod}", partial(_collects, pod))
    for node in world.scene.joining:
        name = node.metadata.name
        yield Action(f"node-controller: {name}", f"node-controller: {name}", partial(_welcomes, name))


def _replicaset(world: World) -> Iterator[Action]:
    for pod in world.scene.replicated:
        yield Action(f"replicaset: {pod.metadata.name}", "replicaset", partial(_replicates, world, pod))


def _users(world: World) -> Iterator[Action]:
    scene = world.scene
    deeds = [("creates", pod.metadata.name, partial(_creates, pod)) for pod in scene.later]
    deeds += [("deletes", name, partial(_deletes, name)) for name in scene.deletable]
    deeds += [("removes", name, partial(_removes, name)) for name in scene.removable]
    deeds += [("adds", node.metadata.name, partial(_adds, node)) for node in scene.joining]
    for verb, name, step in deeds:
        deed = f"{verb} {name}"
        does = partial(_in_order, scene.order.index(deed), step) if scene.order else step
        yield Action(f"user {deed}", "user", does, Fairness.NONE, when_quiet=scene.waits)


def _network(world: World) -> Iterator[Action]:
    if world.scene.losses:
        yield Action("network: Pod", "network", partial(_loses, EVENTS_OF_PODS), Fairness.NONE)
        yield Action("network: node", "network", partial(_loses, EVENTS_OF_NODES), Fairness.NONE)


def _server(world: World) -> Iterator[Action]:
    if world.scene.restarts:
        yield Action("API server", "API server", _restarts, Fairness.NONE)


def _crash(world: World) -> Iterator[Action]:
    if world.scene.crashes:
        yield Action("scheduler crashes", "crash", partial(_crashes, world), Fairness.NONE)


def _in_order(number: int, step: Callable[[View], Iterator[Outcome]], view: View) -> Iterator[Outcome]:
    """Let a user do something when all before it is done."""
    if view[DONE] == number:
        for outcome in step(view):
            yield Outcome(outcome.label, {**outcome.updates, DONE: number + 1})


# --- what the scheduler gets to see -----------------------------------------------------------------------------------


def _delivers_pod(world: World, view: View) -> Iterator[Outcome]:
    events = view[EVENTS_OF_PODS]
    if events and not _broken(view):
        name, pod = events[0]
        memory = see_pod(world.memory(view), world.ways.queue, ref(name), pod, 0)
        yield _saw(world, view, f"{name} {_said(pod)}", memory, {EVENTS_OF_PODS: events[1:]})


def _saw(world: World, view: View, label: str, memory: Memory, seen: Updates) -> Outcome:
    """Remember what was seen; a scheduler that ends of it is started anew by its kubelet."""
    if memory.ended is None:
        return Outcome(label, world.remember(view, memory) | seen)
    why = f"{memory.ended.ref.name} {memory.ended.why}"
    return Outcome(f"{label}: the scheduler ends, for {why}", world.anew(view) | {ENDED: why})


def _said(pod: Pod | None) -> str:
    if pod is None:
        return "is gone"
    if pod.metadata.terminating:
        return "terminates"
    if pod.spec.node_name:
        return f"is on {pod.spec.node_name}"
    promised = pod.status.nominated_node_name
    return f"is promised {promised}" if promised else "waits"


def _delivers_node(world: World, view: View) -> Iterator[Outcome]:
    events = view[EVENTS_OF_NODES]
    if events and not _broken(view):
        name, node = events[0]
        memory = see_node(world.memory(view), world.ways.queue, name, node, 0)
        said = "is gone" if node is None else "is there"
        yield _saw(world, view, f"{name} {said}", memory, {EVENTS_OF_NODES: events[1:]})


def _broken(view: View) -> bool:
    return bool(view[MISSED] == "connection")


def _loses(events: str, view: View) -> Iterator[Outcome]:
    """Lose the next event, if it is a deletion; nobody notices."""
    if view[events] and view[LOST] and view[events][0][1] is None:
        lost = view[events][0][0]
        yield Outcome(f"loses that {lost} is gone", {events: view[events][1:], LOST: view[LOST] - 1, MISSED: "event"})


def _restarts(view: View) -> Iterator[Outcome]:
    """Restart: what was not sent never is, and the watches break."""
    if view[RESTARTS]:
        lost: Updates = {EVENTS_OF_PODS: (), EVENTS_OF_NODES: (), MISSED: "connection"}
        yield Outcome("restarts", lost | {RESTARTS: view[RESTARTS] - 1})


def _crashes(world: World, view: View) -> Iterator[Outcome]:
    """Crash, and start anew from a list: what was not written is forgotten."""
    if view[CRASHES]:
        yield Outcome("and starts anew", world.anew(view) | {CRASHES: view[CRASHES] - 1})


def _lists(world: World, view: View) -> Iterator[Outcome]:
    """List everything anew. Replacing, it tells what is gone from what it knew, as DeletedFinalStateUnknown."""
    if not (_broken(view) or (view[MISSED] and world.ways.notices_loss)):
        return
    memory, settings = world.memory(view), world.ways.queue
    for name in world.scene.every_node:
        node: Node | None = view[api(name)]
        if node is not None or world.ways.replaces:
            memory = see_node(memory, settings, name, node, 0)
    for name in world.scene.every_pod:
        pod: Pod | None = view[api(name)]
        if pod is not None or world.ways.replaces:
            memory = _sees(memory, world, name, pod)
    lists: Updates = {MISSED: False, EVENTS_OF_PODS: (), EVENTS_OF_NODES: ()}
    yield _saw(world, view, "lists everything anew", memory, lists)


def _sees(memory: Memory, world: World, name: str, pod: Pod | None) -> Memory:
    if memory.pod(ref(name)) == pod:
        return memory
    settings = world.ways.queue
    return see_pod_lost(memory, settings, ref(name), 0) if pod is None else see_pod(memory, settings, ref(name), pod, 0)


# --- the rest of the cluster ------------------------------------------------------------------------------------------


def _terminates(world: World, pod: str, view: View) -> Iterator[Outcome]:
    stored: Pod | None = view[api(pod)]
    if stored is None or not stored.metadata.terminating:
        return
    node = stored.spec.node_name
    if node not in world.scene.dead and view[api(node)] is not None:
        yield Outcome("has stopped it", _gone(view, stored))


def _gone(view: View, pod: Pod) -> Updates:
    return commits(view, pod, None) | {overdue(pod.metadata.name): False}


def _collects(pod: str, view: View) -> Iterator[Outcome]:
    stored: Pod | None = view[api(pod)]
    if stored is not None and stored.spec.node_name and view[api(stored.spec.node_name)] is None:
        yield Outcome(f"removes it, {stored.spec.node_name} does not exist", _gone(view, stored))


def _welcomes(name: str, view: View) -> Iterator[Outcome]:
    """Bring the taints of a node that has come in line with its conditions: it comes tainted as not ready."""
    node: Node | None = view[api(name)]
    if node is not None:
        for request in nodelifecycle.reconcile(Cache.of((node,)), ref_of(node)):
            if isinstance(request, Update) and isinstance(request.object, Node):
                events = (*view[EVENTS_OF_NODES], (name, request.object))
                yield Outcome("brings its taints in line", {api(name): request.object, EVENTS_OF_NODES: events})


def _replicates(world: World, pod: Pod, view: View) -> Iterator[Outcome]:
    """Create a Pod while there are too few that are not on their way out."""
    others: list[Pod | None] = [view[api(replica.metadata.name)] for replica in world.scene.replicated]
    if sum(other is not None and other.active for other in others) < world.scene.replicas:
        yield from _creates(pod, view)


def _creates(pod: Pod, view: View) -> Iterator[Outcome]:
    if _forgotten(pod.metadata.name, view):
        yield Outcome("creates it", commits(view, pod, evolve(pod, status=evolve(pod.status, phase="Pending"))))


def _forgotten(pod: str, view: View) -> bool:
    """Tell whether nobody remembers a Pod of this name, so that it may stand for one with a name and uid of its own."""
    if any(view[slot] is not None for slot in (api(pod), seen(pod), cached(pod), trial(pod), binding(pod))):
        return False
    return all(name != pod for name, _ in view[EVENTS_OF_PODS])


def _deletes(pod: str, view: View) -> Iterator[Outcome]:
    stored: Pod | None = view[api(pod)]
    if stored is not None and not stored.metadata.terminating:
        yield Outcome("deletes it", deletes(view, stored))


def _removes(node: str, view: View) -> Iterator[Outcome]:
    if view[api(node)] is not None:
        yield Outcome("removes it", {api(node): None, EVENTS_OF_NODES: (*view[EVENTS_OF_NODES], (node, None))})


def _adds(node: Node, view: View) -> Iterator[Outcome]:
    name = node.metadata.name
    if view[api(name)] is None:
        yield Outcome("adds it", {api(name): node, EVENTS_OF_NODES: (*view[EVENTS_OF_NODES], (name, node))})
