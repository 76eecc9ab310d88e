"""Who puts a cluster in order when nodes fall silent (`faults` says why), are cordoned, tainted or deleted.

The node lifecycle controller hears nothing from a node, says so in its conditions and taints it; the taint eviction
controller deletes the Pods that do not stay for ever; the Pod garbage collector removes those whose node is gone. A
node that is heard again says what it said at the start, and its taints go. Timers (the lease that is not renewed,
tolerationSeconds) run out at any time after they are armed.

These controllers act on the store as it is. Writes to a Node or a Pod's status carry the version they were decided on,
so an older view only meets conflicts. Where taints are taken off, by the script or since a node is back, an eviction
may still go ahead on what was seen before (`taint_eviction.lags`).
Left out on purpose: zones and rates of eviction, a kubelet that outlives its Node object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from attrs import evolve

from ....impl.api.batch import Job
from ....impl.api.cache import Cache
from ....impl.api.core import Node, NodeSpec, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Update
from ....impl.api.well_known import OUT_OF_SERVICE
from ....impl.controllers import nodelifecycle, podgc
from ....impl.controllers.common import Keep, slim_conditions, slim_metadata
from ....impl.controllers.job.policies import waits_for_the_end
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, Slots, nobody
from ....model.world.verbs import Verb
from ....model.world.world import CRASHES, Alternatives, Form, Process, Watch, World
from ...input.priorities import pod_specs
from ...input.scenario import Scenario
from ..nodes import kubelets
from ..nodes.kubelets import is_on
from ..nodes.node_state import is_silent, up_slot
from . import taint_eviction
from .taint_eviction import number_of

LIFECYCLE = "node-controller"
PODGC_KEY = Ref("PodGarbageCollector", "", "all")

Pools = dict[str, tuple[str, ...]]


# --- who takes part -------------------------------------------------------------------------------------------------


def processes(
    pools: Pools,
    constants: tuple[Object, ...],
    *,
    lags: bool,
    back: bool,
    outage: bool = True,
    at_once: bool = False,
    unplaced: bool = False,
) -> tuple[Process, ...]:
    """Return the processes of all three controllers, for every node there may be (see `acted_on` for where none is).

    `lags`: evictions rest on old views, see `taint_eviction.lags`. `back`: nodes that fell silent are heard again.
    `outage`: where no node is ready nobody is driven out, as since Kubernetes 1.4. `at_once`: a taint comes in the
    moment in which a node says what it is for (`reductions.cordons`). `unplaced`: somebody waits for what becomes of
    Pods that are deleted before they have a node (see `waited_for`).
    """
    nodes = pools.get("Node", ())
    if not nodes:
        return (_collector(pools, constants),) if unplaced else ()
    return (
        *(_lifecycle(place, nodes, outage=outage, at_once=at_once) for place in nodes),
        *(taint_eviction.process(place, pools, back=back) for place in nodes if lags),
        _collector(pools, constants),
    )


def acted_on(scenario: Scenario, objects: tuple[Object, ...]) -> bool:
    """Tell whether nodes may change, or one of the controllers here may do something because of how they are.

    That is where no fault strikes nodes. Otherwise each of them may be left out by what it reads and writes. The
    node lifecycle controller writes what follows from a node's conditions and cordon, and marks Pods of a node that
    is not ready: nodes are at rest at the start (`at_rest`), ready, and nobody else writes them. The taint eviction
    controller does nothing on a node without a NoExecute taint. The Pod garbage collector looks for Pods whose node
    does not exist or carries the out-of-service taint; the scheduler binds to nodes that are there, so only a Pod
    that names its node itself can be such a one. It looks for Pods without a node, too: see `waited_for`.
    """
    nodes = [obj for obj in objects if isinstance(obj, Node)]
    if any("Node" in step.changes for step in scenario.script):
        return True
    if any(taint.effect == "NoExecute" or taint.key == OUT_OF_SERVICE for node in nodes for taint in node.spec.taints):
        return True
    if any(ready.status != "True" for node in nodes if (ready := node.status.condition("Ready"))):
        return True
    there = {"", *(node.metadata.name for node in nodes)}
    bound = [obj for obj in objects if isinstance(obj, Pod)]
    return any(spec.node_name not in there for spec in (*pod_specs(scenario), *(pod.spec for pod in bound)))


def waited_for(scenario: Scenario) -> bool:
    """Tell whether a Pod that was never placed and is deleted may be held, and its end waited for.

    Without a finalizer it is gone at once. Of those of a Job only one that replaces what has failed waits for the Pod
    garbage collector, which says so; every other Job lets go of it itself.
    """
    jobs = (*(obj for obj in scenario.everything if isinstance(obj, Job)), *scenario.runs)
    return any(waits_for_the_end(job) for job in jobs)


def at_rest(objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """Return the objects once the node lifecycle controller has brought the nodes' taints in line with what they say.

    The nodes are older than everything that is applied; the report says so.
    """
    store = Cache.of(objects)
    while changed := _amended(store):
        store = changed
    return tuple(store.objects[ref_of(obj)] for obj in objects)


def _amended(store: Cache) -> Cache | None:
    """Return the store after the controller's next write of a node, None where it has none to make."""
    for node in store.list(Node):
        for request in nodelifecycle.reconcile(store, ref_of(node)):
            if isinstance(request, Update) and isinstance(request.object, Node):
                return Cache(store.objects.set(ref_of(node), request.object))
    return None


# --- the node lifecycle controller ----------------------------------------------------------------------------------


def _lifecycle(place: str, places: tuple[str, ...], *, outage: bool, at_once: bool) -> Process:
    """Make the process that brings the taints of the node in a place in line with its conditions.

    Of the others it looks at whether they are ready: where none is, nobody is driven out.
    """
    return Process(
        name=f"node-controller {number_of(place)}",
        group=LIFECYCLE,
        user=LIFECYCLE,
        key=place,
        watches=(Watch("Node", places, _whole_or_ready),),
        constants=(),
        act=partial(_taints, outage),
        form=Form.CURRENT,
        prompt=at_once,
    )


def _whole_or_ready(uid: str, obj: Object | None) -> Object | None:
    """Keep the node with this uid whole, of others whether they are ready."""
    return obj if obj is None or obj.metadata.uid == uid else _readiness(uid, obj)


def _taints(
    outage: bool,  # noqa: FBT001 - bound by partial
    cache: Cache,
    key: Ref,
) -> Alternatives:
    requests = nodelifecycle.reconcile(cache, key, outage=outage)
    return (requests,) if requests else ()


def _readiness(_uid: str, obj: Object | None) -> Object | None:
    return (
        Node(slim_metadata(obj.metadata, Keep()), NodeSpec(), slim_conditions(obj.status))
        if isinstance(obj, Node)
        else None
    )


def marking(place: str) -> str:
    """Name the slot that says whether the controller remembers that the node in a place fell silent on its watch."""
    return f"node-controller/{number_of(place)}"


def marks(world: World) -> tuple[Action, ...]:
    """Let the node lifecycle controller mark the Pods of nodes that fell silent as not ready, in any order."""
    return tuple(
        Action(
            f"node-controller {number_of(place)}: marks",
            f"{LIFECYCLE} {place} Pods",
            partial(_marks, world, place),
            by=LIFECYCLE,
            verb=Verb.SENDS,
            on=place,
        )
        for place in world.layout.pools.get("Node", ())
    )


def forgets(world: World) -> tuple[Action, ...]:
    """Let the node lifecycle controller restart before it has marked the Pods of a node that fell silent.

    It marks them because it saw the node change, not because of how the node is: so now nobody does (k/k#50067;
    monitorNodeHealth compares what it read with what it wrote).
    """
    found = []
    for place in world.layout.pools.get("Node", ()):
        name = f"node-controller {number_of(place)}"
        on: dict[str, Any] = {"by": LIFECYCLE, "on": place}
        does = partial(_forgets, world, place)
        fault = f"{name}: crashes before the Pods are marked"
        found.append(Action(fault, f"fault {name}", does, Fairness.NONE, verb=Verb.CRASHES, **on))
    return tuple(found)


def _marks(world: World, place: str, view: View) -> Iterator[Outcome]:
    if not view[marking(place)] or (node := view.via(partial(_readiness, ""), place)) is None:
        return
    for other in world.layout.pools["Pod"]:
        pod = view.via(partial(_ready_on, node.metadata.name), other)
        if pod is None:
            continue
        for request in nodelifecycle.reconcile(Cache.of((node, pod)), ref_of(node)):
            if isinstance(request, Update) and isinstance(request.object, Pod):
                response, updates = world.commit(view, LIFECYCLE, request)
                if response.ok:
                    yield Outcome(f"marks {pod.metadata.name} as not ready", updates)


def _ready_on(node: str, obj: Object | None) -> Object | None:
    """Keep a ready Pod of a node."""
    return nodelifecycle.TRANSFORM["Pod"](obj) if is_on(node, obj) and obj is not None else None


def _forgets(world: World, place: str, view: View) -> Iterator[Outcome]:
    budget: int = view[CRASHES]
    if budget and is_unmarked(world, place, view):
        told = f"forgets that {view.via(name_of, place)} fell silent"
        yield Outcome(told, {marking(place): False, CRASHES: budget - 1})


def is_unmarked(world: World, place: str, view: View) -> bool:
    """Tell whether the controller has still to mark a Pod of the node in a place, which fell silent on its watch."""
    name = view.via(name_of, place)
    ready = partial(_ready_on, name)
    there = name and any(view.via(ready, other) is not None for other in world.layout.pools["Pod"])
    return bool(there and view[marking(place)])


def silences(world: World) -> tuple[Action, ...]:
    """Let the node lifecycle controller notice nodes that report no more: their leases run out, sooner or later."""
    return tuple(
        Action(
            f"node-controller {number_of(place)}: hears nothing",
            f"node-controller {place}",
            partial(_hears_nothing, world, place),
            by=LIFECYCLE,
            verb=Verb.HEARS_NOTHING,
            on=place,
        )
        for place in world.layout.pools.get("Node", ())
    )


def _hears_nothing(world: World, place: str, view: View) -> Iterator[Outcome]:
    name = view.via(name_of, place)
    if not name or not is_silent(view, name):
        return
    node = view[place]
    requests = nodelifecycle.reconcile(Cache.of((node,)), ref_of(node), heartbeat_lost=True)
    for request in requests:
        if isinstance(request, Update) and request.subresource == "status":
            response, updates = world.commit(view, LIFECYCLE, request)
            if response.ok:
                yield Outcome(f"hears nothing from {name}: Ready is Unknown", {**updates, marking(place): True})


def name_of(obj: Object | None) -> str:
    """Name the object in a place, "" if it is free."""
    return "" if obj is None else obj.metadata.name


def silence(nodes: Iterable[Node], *, back: bool, acts: bool) -> Component[World]:
    """Return what the node lifecycle controller makes of nodes that fall silent, and where some come back are heard.

    `nodes` are those that there ever are, as they come; `acts` False only keeps what it remembers.
    """
    start = {node.metadata.name: node for node in nodes}

    def does(world: World) -> tuple[Action, ...]:
        return (*silences(world), *marks(world), *(reports(world, start) if back else ()))

    def slots(world: World, _store: Slots) -> Slots:
        return {marking(place): False for place in world.layout.pools["Node"]}

    return Component("silence of nodes", does if acts else nobody, slots)


# --- the Pod garbage collector --------------------------------------------------------------------------------------


def _collector(pools: Pools, constants: tuple[Object, ...]) -> Process:
    """Make the Pod garbage collector, one loop over all Pods."""
    kept = (podgc.TRANSFORM["Node"](obj) for obj in constants if isinstance(obj, Node))
    return Process(
        name="pod-garbage-collector",
        group="pod-garbage-collector",
        user="pod-garbage-collector",
        key=PODGC_KEY,
        watches=(
            Watch("Node", pools.get("Node", ()), partial(_kept_by_podgc, "Node")),
            Watch("Pod", pools["Pod"], partial(_kept_by_podgc, "Pod")),
        ),
        constants=tuple(obj for obj in kept if obj is not None),
        act=_collections,
        form=Form.CURRENT,
    )


def _kept_by_podgc(kind: str, _uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else podgc.TRANSFORM[kind](obj)


def _collections(cache: Cache, _key: Ref) -> Alternatives:
    found = (podgc.reconcile(cache, ref_of(pod)) for pod in cache.list(Pod))
    return tuple(requests for requests in found if requests)


# --- coming back ------------------------------------------------------------------------------------------------------


def reports(world: World, start: Mapping[str, Node]) -> tuple[Action, ...]:
    """Let kubelets of nodes that fell silent and are heard again say of their nodes what they said at the start.

    `start`: the nodes as they were, by name.
    """
    return tuple(
        Action(
            f"kubelet of node {number_of(place)}: reports",
            f"kubelet of {place}",
            partial(_reports, world, start, place),
            by=kubelets.USER,
            verb=Verb.REPORTS,
            on=place,
        )
        for place in world.layout.pools.get("Node", ())
    )


def _reports(world: World, start: Mapping[str, Node], place: str, view: View) -> Iterator[Outcome]:
    name = view.via(name_of, place)
    if not name or is_silent(view, name):
        return
    node: Node = view[place]
    said = {
        condition.type: condition
        for condition in start[name].status.conditions
        if condition.type in nodelifecycle.REPORTED
    }
    conditions = tuple(said.get(condition.type, condition) for condition in node.status.conditions)
    if conditions == node.status.conditions:
        return
    after = evolve(node, status=evolve(node.status, conditions=conditions))
    response, updates = world.commit(view, ref_of(node), Update(after, node, "status"))
    if response.ok:
        yield Outcome(f"{name} is heard again: its kubelet reports", {**updates, marking(place): False})


def is_there(world: World, node: str, view: View) -> bool:
    """Tell whether there is a node of this name."""
    return any(view.via(name_of, place) == node for place in world.layout.pools.get("Node", ()))


# --- at rest ----------------------------------------------------------------------------------------------------------


def stranded(world: World, struck: tuple[str, ...], view: View, place: str) -> str:
    """Say that the Pod in a place is on a node that is gone or has died and is not being deleted; "" if it is not."""
    node = view.via(_stays_on, place)
    places = world.layout.pools.get("Node", ())
    if not node or not places:
        return ""
    if not any(view.via(name_of, known) == node for known in places):
        return f"Pod {view[place].metadata.name} is on {node}, which is gone"
    return (
        f"Pod {view[place].metadata.name} is on {node}, which has died"
        if node in struck and not view[up_slot(node)]
        else ""
    )


def _stays_on(obj: Object | None) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) and not obj.metadata.terminating else ""
