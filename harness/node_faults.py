"""What becomes of nodes: they die, are cordoned, tainted and deleted; and who puts the rest of the cluster in order.

A node that dies stops its containers and its kubelet for good. The node lifecycle controller hears nothing from it,
says so in its conditions and taints it; the taint eviction controller deletes the Pods that do not stay for ever; the
Pod garbage collector removes those whose node is gone. Timers (the lease that is not renewed, tolerationSeconds) run
out at any time after they are armed.

These controllers act on the store as it is. Nothing is lost where what they act on stays true once it is: a node that
died never comes back, and writes to a Node or a Pod's status carry the version they were decided on, so an older view
only meets conflicts. Where the script takes taints off, an eviction may still go ahead on what was seen before.
Left out on purpose: nodes that come back, partitions (a node that is cut off goes on running its containers), zones and
rates of eviction, a kubelet that outlives its Node object.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..impl.api.cache import Cache
from ..impl.api.core import Node, NodeSpec, Pod
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..impl.api.requests import Update
from ..impl.controllers import nodelifecycle, podgc
from ..impl.controllers.common import Keep, slim_conditions, slim_metadata
from ..impl.kubectl import script as kubectl
from ..model.machine import Action, Fairness, Outcome, View
from ..model.verbs import Verb
from ..model.world import Alternatives, Form, Process, Watch, World
from . import taint_eviction
from .kubelets import runtime_slot, up_slot
from .priorities import pod_specs
from .scenario import Scenario

LIFECYCLE = "node-controller"
NODE_CRASHES = "fault/node-crash"
PODGC_KEY = Ref("PodGarbageCollector", "", "all")

Pools = dict[str, tuple[str, ...]]


# --- who takes part -------------------------------------------------------------------------------------------------


def mortal(scenario: Scenario, objects: tuple[Object, ...]) -> tuple[str, ...]:
    """Name the nodes that may die: none unless the budget says so, those that join later among them."""
    if not scenario.faults.node_crash:
        return ()
    joining = (step.object for step in scenario.script if isinstance(step, kubectl.AddNode))
    return tuple(sorted({one.metadata.name for one in (*objects, *joining) if isinstance(one, Node)}))


def processes(scenario: Scenario, pools: Pools, constants: tuple[Object, ...]) -> tuple[Process, ...]:
    """Give the processes of all three controllers, for every node there may be (see `acted_on` for where none is)."""
    nodes = pools.get("Node", ())
    if not nodes:
        return ()
    return (
        *(_lifecycle(place, nodes) for place in nodes),
        *(_marking(place, pools) for place in nodes),
        *(taint_eviction.process(place, pools) for place in nodes if taint_eviction.lags(scenario)),
        _collector(pools, constants),
    )


def acted_on(scenario: Scenario, objects: tuple[Object, ...]) -> bool:
    """Tell whether nodes may change, or one of the controllers here may do something because of how they are.

    Otherwise each of them may be left out by what it reads and writes. The node lifecycle controller writes what
    follows from a node's conditions and cordon, and marks Pods of a node that is not ready: nodes are at rest at the
    start (`at_rest`), ready, and nobody else writes them. The taint eviction controller does nothing on a node without
    a NoExecute taint. The Pod garbage collector looks for Pods whose node does not exist or carries the out-of-service
    taint; the scheduler binds to nodes that are there, so only a Pod that names its node itself can be such a one.
    """
    nodes = [one for one in objects if isinstance(one, Node)]
    if scenario.faults.node_crash or any(isinstance(step, _NODE_STEPS) for step in scenario.script):
        return True
    if any(isinstance(step, kubectl.Apply) and isinstance(step.object, Node) for step in scenario.script):
        return True
    if any(one.effect == "NoExecute" or one.key == podgc.OUT_OF_SERVICE for node in nodes for one in node.spec.taints):
        return True
    if any(ready.status != "True" for node in nodes if (ready := node.status.condition("Ready"))):
        return True
    there = {"", *(one.metadata.name for one in nodes)}
    bound = [one for one in objects if isinstance(one, Pod)]
    return any(spec.node_name not in there for spec in (*pod_specs(scenario), *(one.spec for one in bound)))


_NODE_STEPS = (
    kubectl.AddNode
    | kubectl.Cordon
    | kubectl.DeleteNode
    | kubectl.Drain
    | kubectl.LabelNode
    | kubectl.Taint
    | kubectl.Uncordon
    | kubectl.Untaint
)


def at_rest(objects: tuple[Object, ...]) -> tuple[Object, ...]:
    """Give the objects once the node lifecycle controller has brought the nodes' taints in line with what they say.

    The nodes are older than everything that is applied; the report says so.
    """
    store = Cache.of(objects)
    while changed := _amended(store):
        store = changed
    return tuple(store.objects[ref_of(one)] for one in objects)


def _amended(store: Cache) -> Cache | None:
    """Give the store after the controller's next write of a node, None where it has none to make."""
    for node in store.list(Node):
        for request in nodelifecycle.reconcile(store, ref_of(node)):
            if isinstance(request, Update) and isinstance(request.object, Node):
                return Cache(store.objects.set(ref_of(node), request.object))
    return None


def _number(place: str) -> str:
    return place.rpartition("/")[2]


# --- the node lifecycle controller ----------------------------------------------------------------------------------


def _lifecycle(place: str, places: tuple[str, ...]) -> Process:
    """Make the process that brings the taints of the node in a place in line with its conditions.

    Of the others it looks at whether they are ready: where none is, nobody is driven out.
    """
    return Process(
        name=f"node-controller {_number(place)}",
        group=LIFECYCLE,
        user=LIFECYCLE,
        key=place,
        watches=(Watch("Node", places, _whole_or_ready),),
        constants=(),
        act=_taints,
        form=Form.CURRENT,
    )


def _whole_or_ready(uid: str, obj: Object | None) -> Object | None:
    """Keep the node with this uid whole, of others whether they are ready."""
    return obj if obj is None or obj.metadata.uid == uid else _readiness(uid, obj)


def _taints(cache: Cache, key: Ref) -> Alternatives:
    requests = nodelifecycle.reconcile(cache, key)
    return (requests,) if requests else ()


def _marking(place: str, pools: Pools) -> Process:
    """Make the process that marks the Pods of a node that is not ready, in any order."""
    return Process(
        name=f"node-controller {_number(place)} pods",
        group=LIFECYCLE,
        user=LIFECYCLE,
        key=place,
        watches=(Watch("Node", (place,), _readiness), Watch("Pod", pools["Pod"], _ready_pod)),
        constants=(),
        act=_marks,
        form=Form.CURRENT,
    )


def _readiness(_uid: str, obj: Object | None) -> Object | None:
    return (
        Node(slim_metadata(obj.metadata, Keep()), NodeSpec(), slim_conditions(obj.status))
        if isinstance(obj, Node)
        else None
    )


def _ready_pod(uid: str, obj: Object | None) -> Object | None:
    """Keep a ready Pod of the node with this uid."""
    return nodelifecycle.TRANSFORM["Pod"](obj) if _is_on(uid, obj) and obj is not None else None


def _is_on(uid: str, obj: Object | None) -> bool:
    return isinstance(obj, Pod) and bool(obj.spec.node_name) and obj.spec.node_name == uid.rpartition("/")[2]


def _marks(cache: Cache, key: Ref) -> Alternatives:
    requests = nodelifecycle.reconcile(cache, key)
    return tuple((one,) for one in requests if isinstance(one, Update) and isinstance(one.object, Pod))


def silences(world: World) -> tuple[Action, ...]:
    """Let the node lifecycle controller notice nodes that report no more: their leases run out, sooner or later."""
    return tuple(
        Action(
            f"node-controller {_number(place)}: hears nothing",
            f"node-controller {place}",
            partial(_hears_nothing, world, place),
            by=LIFECYCLE,
            verb=Verb.HEARS_NOTHING,
            on=place,
        )
        for place in world.layout.pools.get("Node", ())
    )


def _hears_nothing(world: World, place: str, view: View) -> Iterator[Outcome]:
    name = view.via(_name, place)
    if not name or view[up_slot(name)]:
        return
    node = view[place]
    requests = nodelifecycle.reconcile(Cache.of((node,)), ref_of(node), heartbeat_lost=True)
    for request in requests:
        if isinstance(request, Update) and request.subresource == "status":
            response, updates = world.commit(view, LIFECYCLE, request)
            if response.ok:
                yield Outcome(f"hears nothing from {name}: Ready is Unknown", updates)


def _name(obj: Object | None) -> str:
    return "" if obj is None else obj.metadata.name


# --- the Pod garbage collector --------------------------------------------------------------------------------------


def _collector(pools: Pools, constants: tuple[Object, ...]) -> Process:
    """Make the Pod garbage collector, one loop over all Pods."""
    kept = (podgc.TRANSFORM["Node"](one) for one in constants if isinstance(one, Node))
    return Process(
        name="pod-garbage-collector",
        group="pod-garbage-collector",
        user="pod-garbage-collector",
        key=PODGC_KEY,
        watches=(
            Watch("Node", pools.get("Node", ()), partial(_kept_by_podgc, "Node")),
            Watch("Pod", pools["Pod"], partial(_kept_by_podgc, "Pod")),
        ),
        constants=tuple(one for one in kept if one is not None),
        act=_collections,
        form=Form.CURRENT,
    )


def _kept_by_podgc(kind: str, _uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else podgc.TRANSFORM[kind](obj)


def _collections(cache: Cache, _key: Ref) -> Alternatives:
    found = (podgc.reconcile(cache, ref_of(pod)) for pod in cache.list(Pod))
    return tuple(requests for requests in found if requests)


# --- dying ----------------------------------------------------------------------------------------------------------


def crashes(world: World, nodes: tuple[str, ...]) -> tuple[Action, ...]:
    """Let nodes die, as often as the budget allows: what ran there is gone, and nothing is ever heard from it again."""
    return tuple(
        Action(
            f"node {node}: dies", f"fault {node}", partial(_dies, world, node), Fairness.NONE, verb=Verb.DIES, on=node
        )
        for node in nodes
    )


def _dies(world: World, node: str, view: View) -> Iterator[Outcome]:
    budget: int = view[NODE_CRASHES]
    there = any(view.via(_name, place) == node for place in world.layout.pools.get("Node", ()))
    if not budget or not there or not view[up_slot(node)]:
        return
    on_it = partial(_is_on, node)
    stopped = {runtime_slot(place): None for place in world.layout.pools["Pod"] if view.via(on_it, place)}
    yield Outcome(f"node {node} dies", {**stopped, up_slot(node): False, NODE_CRASHES: budget - 1})


def stranded(world: World, nodes: tuple[str, ...], view: View, place: str) -> str:
    """Say that the Pod in a place is on a node that is gone or has died and is not being deleted; "" if it is not."""
    node = view.via(_stays_on, place)
    places = world.layout.pools.get("Node", ())
    if not node or not places:
        return ""
    if not any(view.via(_name, one) == node for one in places):
        return f"Pod {view[place].metadata.name} is on {node}, which is gone"
    return (
        f"Pod {view[place].metadata.name} is on {node}, which has died"
        if node in nodes and not view[up_slot(node)]
        else ""
    )


def _stays_on(obj: Object | None) -> str:
    return obj.spec.node_name if isinstance(obj, Pod) and not obj.metadata.terminating else ""
