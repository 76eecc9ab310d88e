"""The environment of a world: the script, step by step, as the commands somebody types.

A command is one step of the world however many requests it sends (a drain is the exception: cordon, then one eviction
at a time, until no Pod is left that has to go). Left out on purpose: commands that run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from attrs import evolve, frozen

from ..impl.api.cache import Cache
from ..impl.api.core import Node, Pod
from ..impl.api.kinds import Object, ref_of
from ..impl.api.meta import Ref
from ..impl.api.requests import Delete, Request
from ..impl.kubectl import script as kubectl
from ..impl.kubectl.script import Missing, Step
from ..model.machine import Action, Fairness, Outcome, View
from ..model.store import Stored
from ..model.verbs import Verb
from ..model.world import World

T = TypeVar("T")

USER = "kubectl"
"""Who the commands of the script are by."""
SCRIPT = "script"
"""The slot with the number of script steps done."""
NOT_READY = "node.kubernetes.io/not-ready"
BLOCKED = "script/given-up"
"""The slot with the numbers of the drains that were given up."""


@frozen
class Environment:
    """A script in a world; `wait`: each step waits until the cluster is quiet, and a stuck drain is given up."""

    world: World
    steps: tuple[Step, ...]
    namespace: str
    wait: bool = False


def over(steps: int, view: View) -> bool:
    """Tell whether the script is over."""
    done: int = view[SCRIPT]
    return done >= steps


def past(index: int, view: View) -> bool:
    """Tell whether the script steps before `index` are done."""
    done: bool = view.via(partial(_at_least, index), SCRIPT)
    return done


def _at_least(index: int, done: int) -> bool:
    return done >= index


def actions(environment: Environment) -> tuple[Action, ...]:
    """Give the script as actions: nothing promises that a step is ever taken."""
    found: list[Action] = []
    for number, step in enumerate(environment.steps):
        begins = (
            partial(_drain_begins, environment, number, step)
            if isinstance(step, kubectl.Drain)
            else partial(_runs, environment, number, step)
        )
        name = f"kubectl {number + 1}: {describe(step)}"
        quiet = environment.wait
        found.append(
            Action(name, USER, begins, Fairness.NONE, when_quiet=quiet, by=USER, verb=Verb.BEGINS, on=number)
        )
        if isinstance(step, kubectl.Drain):
            found += _drain(environment, number, step)
    return tuple(found)


def describe(step: Step) -> str:
    """Say a script step as one would type it."""
    match step:
        case kubectl.Apply(obj):
            return f"apply {ref_of(obj).kind} {obj.metadata.name}"
        case kubectl.SetImage(kind, name, image):
            return f"set image {kind.lower()}/{name} {image}"
        case kubectl.Scale(kind, name, replicas):
            return f"scale {kind.lower()}/{name} --replicas={replicas}"
        case kubectl.DeleteObject(kind, name):
            return f"delete {kind.lower()}/{name}"
        case kubectl.DeletePod(name, workload, node):
            return f"delete pod {name or f'of {workload}'}{' on ' if node else ''}{node}"
        case kubectl.RolloutUndo(kind, name) | kubectl.RolloutRestart(kind, name):
            verb = "undo" if isinstance(step, kubectl.RolloutUndo) else "restart"
            return f"rollout {verb} {kind.lower()}/{name}"
        case kubectl.Taint(node, key, value, effect):
            return f"taint node {node} {key}={value}:{effect}"
        case kubectl.Untaint(node, key):
            return f"taint node {node} {key}-"
        case kubectl.LabelNode(node):
            return f"label node {node}"
        case kubectl.AddNode(obj):
            return f"node {obj.metadata.name} joins"
        case kubectl.DeleteNode(name):
            return f"delete node {name}"
        case kubectl.Cordon(node) | kubectl.Uncordon(node) | kubectl.Drain(node):
            return f"{type(step).__name__.lower()} {node}"


# --- what a command sees and sends ----------------------------------------------------------------------------------


def _live(environment: Environment, stored: Stored, step: Step) -> Cache:
    """Give the live objects a command asks for."""
    layout = environment.world.layout
    kinds: tuple[str, ...]
    match step:
        case kubectl.SetImage(kind) | kubectl.Scale(kind) | kubectl.RolloutRestart(kind) | kubectl.DeleteObject(kind):
            kinds = (kind,)
        case kubectl.RolloutUndo(kind):
            kinds = (kind, "ReplicaSet")
        case kubectl.DeletePod():
            kinds = ("Pod", "ReplicaSet", "Deployment")
        case kubectl.Apply(obj):
            kinds = (ref_of(obj).kind,)
        case kubectl.Drain():
            kinds = ("Node", "Pod")
        case _:
            kinds = ("Node",)
    objects: list[Object] = [one for one in layout.constants.values() if ref_of(one).kind in kinds]
    for kind in kinds:
        if kind in layout.pools:
            objects += stored.list(kind, None)
    return Cache.of(objects)


def send_all(environment: Environment, view: View, requests: tuple[Request, ...]) -> Stored | None:
    """Send some requests one after the other; None when one is refused."""
    stored = Stored(view, environment.world.layout)
    for request in requests:
        if not environment.world.send(stored, "admin", request).ok:
            return None
    return stored


def _runs(environment: Environment, number: int, step: Step, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != number:
        return
    stored = Stored(view, environment.world.layout)
    for requests in _choices(step, _live(environment, stored, step), environment.namespace):
        if isinstance(requests, Missing):
            yield Outcome(f"kubectl finds nothing: {requests.what}", {SCRIPT: number + 1})
            return
        after = send_all(environment, view, requests)
        if after is not None:
            updates = {
                slot: joined(obj) if isinstance(step, kubectl.AddNode) else obj for slot, obj in after.updates.items()
            }
            yield Outcome(_told(step, requests), {**updates, SCRIPT: number + 1})
        else:
            yield Outcome(f"{describe(step)} is refused", {SCRIPT: number + 1})


def _choices(step: Step, live: Cache, namespace: str) -> Iterator[tuple[Request, ...] | Missing]:
    """Give what a command may send. Names of Pods are random, so any Pod of a workload may be the first of them."""
    found = kubectl.requests(step, live, namespace)
    yield found
    while isinstance(step, kubectl.DeletePod) and not step.name and not isinstance(found, Missing):
        gone = {request.ref for request in found if isinstance(request, Delete)}
        live = Cache.of(one for ref, one in live.objects.items() if ref not in gone)
        found = kubectl.requests(step, live, namespace)
        if not isinstance(found, Missing):
            yield found


def _told(step: Step, requests: tuple[Request, ...]) -> str:
    """Say a command as it was given, with the Pod it found where it left that open."""
    names = [one.ref.name for one in requests if isinstance(one, Delete)]
    return (
        f"{describe(step)}: {names[0]}"
        if isinstance(step, kubectl.DeletePod) and not step.name and names
        else describe(step)
    )


def joined(obj: T) -> T:
    """Take off the taint a node has until its first heartbeat: it has long joined, unless it says it is not ready."""
    if not isinstance(obj, Node):
        return obj
    ready = obj.status.condition("Ready")
    if ready is not None and ready.status != "True":
        return obj
    return evolve(obj, spec=evolve(obj.spec, taints=tuple(one for one in obj.spec.taints if one.key != NOT_READY)))


# --- drain ----------------------------------------------------------------------------------------------------------


def _drain(environment: Environment, number: int, step: kubectl.Drain) -> tuple[Action, ...]:
    """Give the loop of a drain: evict one Pod after the other in any order; over when none is left."""

    def action(verb: Verb, act: Callable[..., Iterator[Outcome]], *, when_quiet: bool = False) -> Action:
        name = f"kubectl {number + 1}: drain {step.node} {verb.value}"
        does = partial(act, environment, number, step)
        return Action(name, f"drain {number}", does, when_quiet=when_quiet, by=USER, verb=verb, on=number)

    found = [action(Verb.EVICTS, _evicts), action(Verb.ENDS, _drain_ends)]
    if environment.wait:
        found.append(action(Verb.GIVES_UP, _gives_up, when_quiet=True))
    return tuple(found)


def draining(number: int) -> int:
    """Give the value of SCRIPT while the drain at this number is under way."""
    return -number - 1


def _drain_begins(environment: Environment, number: int, step: kubectl.Drain, view: View) -> Iterator[Outcome]:
    """Cordon the node."""
    if view[SCRIPT] != number:
        return
    stored = Stored(view, environment.world.layout)
    cordon = kubectl.requests(
        kubectl.Cordon(step.node), _live(environment, stored, kubectl.Cordon(step.node)), environment.namespace
    )
    if isinstance(cordon, Missing):
        yield Outcome(f"kubectl finds nothing: {cordon.what}", {SCRIPT: number + 1})
        return
    after = send_all(environment, view, cordon)
    if after is not None:
        yield Outcome(f"drain {step.node}: cordons", {**after.updates, SCRIPT: draining(number)})


def _to_evict(environment: Environment, step: kubectl.Drain, view: View) -> tuple[Pod, ...]:
    layout = environment.world.layout
    keep = partial(on_node, step.node)
    return tuple(pod for slot in layout.pools["Pod"] if (pod := view.via(keep, slot)) is not None)


def on_node(node: str, obj: Object | None) -> Pod | None:
    """Keep a Pod on a node as a drain looks at it."""
    if not isinstance(obj, Pod) or obj.spec.node_name != node:
        return None
    return Pod(obj.metadata, spec=type(obj.spec)(node_name=node), status=type(obj.status)(phase=obj.status.phase))


def _node_of(environment: Environment, node: str, view: View) -> Object | None:
    return Stored(view, environment.world.layout).get(Ref("Node", "", node))


def _evicts(environment: Environment, number: int, step: kubectl.Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != draining(number):
        return
    node = _node_of(environment, step.node, view)
    if node is None:
        return
    cache = Cache.of((node, *_to_evict(environment, step, view)))
    for request in kubectl.drain_requests(step.node, cache):
        after = send_all(environment, view, (request,))
        if after is not None:
            pod = getattr(request, "pod", None)
            yield Outcome(f"drain {step.node}: evicts {pod.name if pod else 'nothing'}", after.updates)


def _drain_ends(environment: Environment, number: int, step: kubectl.Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] != draining(number):
        return
    node = _node_of(environment, step.node, view)
    cache = Cache.of((*([] if node is None else [node]), *_to_evict(environment, step, view)))
    if kubectl.drained(step.node, cache):
        yield Outcome(f"drain {step.node}: done", {SCRIPT: number + 1})


def _gives_up(_environment: Environment, number: int, step: kubectl.Drain, view: View) -> Iterator[Outcome]:
    if view[SCRIPT] == draining(number):
        yield Outcome(f"drain {step.node}: gives up", {SCRIPT: number + 1, BLOCKED: (*view[BLOCKED], number)})
