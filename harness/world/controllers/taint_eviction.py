"""The taint eviction controller in a world: who leaves a node with a NoExecute taint, and when.

It acts on the store as it is; where the script takes taints off, an eviction may still go ahead on what was seen
before, and the controller is a process with old views (`process`). Otherwise its steps are plain actions (`actions`),
one Pod at a time, whoever's time has run out first.

Time: a toleration of so many seconds runs out at any moment after it is armed. One order the clock does forbid. A Pod
that is bound while another one of the node is already being deleted outlives it, if its toleration is longer than the
other's grace period and `STOP_SECONDS`: its time starts later and takes longer. So a Pod notes, when it is bound, whom
it outlives (`slot`), and no toleration of its ends before they are gone. Without this a Pod that is thrown out again
and again would leave any number of dying ones behind. It is said only of nodes that cannot die (their Pods would be
dying for ever) and of Pods without finalizers. With old views nothing is noted: any order is allowed, which is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from attrs import evolve

from ....impl.api.cache import Cache
from ....impl.api.core import Node, Pod
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import Ref
from ....impl.api.requests import Evict
from ....impl.api.well_known import NOT_READY, UNREACHABLE
from ....impl.controllers import tainteviction
from ....impl.kubectl import script as kubectl
from ....model.machine import Action, Outcome, View
from ....model.world.component import Component, constantly, nobody
from ....model.world.store import Stored, reference
from ....model.world.verbs import Verb
from ....model.world.world import Alternatives, Form, Process, Watch, World
from ...input.scenario import Consistency, Scenario
from ..nodes.kubelets import is_on

USER = "taint-eviction-controller"
FOR_EVER = 10**9
"""Seconds: every timer has run out by then."""
STOP_SECONDS = 5
"""A Pod that is being deleted is gone so long after its grace period at the latest."""

Pools = dict[str, tuple[str, ...]]
Outlived = tuple[tuple[Evict], ...]
"""Pods, each as the turn that would evict it: as decisions are kept, so that they can be renamed."""


def lags(scenario: Scenario, *, back: bool) -> bool:
    """Tell whether an eviction may rest on a taint that is no longer there; `back`: silent nodes are heard again."""
    lifted = back or any(isinstance(step, kubectl.Untaint) for step in scenario.script)
    return lifted and scenario.consistency is not Consistency.LINEARIZABLE


# --- with old views -------------------------------------------------------------------------------------------------


def process(place: str, pools: Pools, *, back: bool) -> Process:
    """Make the process that evicts from the node in a place; `back`: silent nodes are heard again."""
    return Process(
        name=f"{USER} {number_of(place)}",
        group=USER,
        user=USER,
        key=place,
        watches=(Watch("Node", (place,), _heard if back else _node), Watch("Pod", pools["Pod"], _pod)),
        constants=(),
        act=_evictions,
        form=Form.DECISION,
    )


def number_of(place: str) -> str:
    """Return the number of a place."""
    return place.rpartition("/")[2]


def _node(_uid: str, obj: Object | None) -> Object | None:
    return None if obj is None else tainteviction.TRANSFORM["Node"](obj)


def _heard(uid: str, obj: Object | None) -> Object | None:
    """Keep of a node that is heard again all but the node controller's own taints, which are about to go.

    They are taken off within moments, and nobody's toleration of so many seconds ends in these.
    """
    if isinstance(obj, Node) and (ready := obj.status.condition("Ready")) and ready.status == "True":
        kept = tuple(taint for taint in obj.spec.taints if taint.key not in {NOT_READY, UNREACHABLE})
        obj = evolve(obj, spec=evolve(obj.spec, taints=kept))
    return _node(uid, obj)


def _pod(uid: str, obj: Object | None) -> Object | None:
    return tainteviction.TRANSFORM["Pod"](obj) if is_on(uid, obj) and obj is not None else None


def _evictions(cache: Cache, _key: Ref) -> Alternatives:
    found = (tainteviction.reconcile(cache, ref_of(pod), waited=FOR_EVER) for pod in cache.list(Pod))
    return tuple(requests for requests in found if requests)


# --- on the store as it is ------------------------------------------------------------------------------------------


def slot(place: str) -> str:
    """Name the slot with the Pods that the Pod in a place outlives; None while nobody is bound there."""
    return f"outlives/{number_of(place)}"


def component(
    scenario: Scenario, pools: Mapping[str, tuple[str, ...]], *, struck: bool, back: bool
) -> Component[World]:
    """Return the controller where it acts on the store as it is; `struck`: nodes may fall silent, `back`: and return.

    Where it lags it is a process for each Pod (`process`), and only the slots are here.
    """
    prompt = "Node" in pools and not lags(scenario, back=back)
    slots = tuple(map(slot, pools["Pod"]))
    acts = partial(actions, timed=not struck, back=back) if prompt else nobody
    return Component("taint eviction", acts, constantly(dict.fromkeys(slots)), slots)


def actions(world: World, *, timed: bool, back: bool) -> tuple[Action, ...]:
    """Return what the controller does to the Pod in each place; `timed`: Pods note whom they outlive.

    `back`: silent nodes are heard again.
    """
    found = []
    for place in world.layout.pools["Pod"]:
        number = number_of(place)
        if timed:
            notes = partial(_notes, world, place)
            name = f"{USER}: starts the clock of {number}"
            found.append(Action(name, name, notes, urgent=True, by=USER, verb=Verb.STARTS_CLOCK, on=place))
        evicts, name = partial(_evicts, world, place, timed, _heard if back else _node), f"{USER}: evicts {number}"
        found.append(Action(name, f"{USER} {place}", evicts, by=USER, verb=Verb.SENDS, on=place))
    return tuple(found)


def _evicts(
    world: World,
    place: str,
    timed: bool,  # noqa: FBT001 - bound by partial
    keep: Callable[[str, Object | None], Object | None],
    view: View,
) -> Iterator[Outcome]:
    pod = view.via(tainteviction.TRANSFORM["Pod"], place) if view.via(_is_bound, place) else None
    if not isinstance(pod, Pod):
        return
    nodes = (view.via(partial(keep, ""), place_) for place_ in world.layout.pools["Node"])
    cache = Cache.of((pod, *(node for node in nodes if node is not None and node.metadata.name == pod.spec.node_name)))
    if timed and view[slot(place)] and not tainteviction.reconcile(cache, ref_of(pod)):
        return  # It outlives somebody who is still there; a taint that it does not tolerate waits for nobody.
    stored = Stored(view, world.layout)
    requests = tainteviction.reconcile(cache, ref_of(pod), waited=FOR_EVER)
    if requests and all(world.send(stored, USER, request).ok for request in requests):
        yield Outcome(f"evicts {pod.metadata.name} from {pod.spec.node_name}", stored.updates)


def _is_bound(obj: Object | None) -> bool:
    return isinstance(obj, Pod) and bool(obj.spec.node_name)


def _notes(world: World, place: str, view: View) -> Iterator[Outcome]:
    """Note whom a Pod outlives when it is bound, and forget who is gone, and all when it is gone itself."""
    known: Outlived | None = view[slot(place)]
    if not view.via(_is_bound, place):
        if known is not None:
            yield Outcome("", {slot(place): None})
        return
    places = world.layout.pools["Pod"]
    if known is None:
        node, seconds = view.via(_tolerates, place)
        going = (view.via(partial(_gone_before, node, seconds), other) for other in places if other != place)
        kept = tuple((Evict(ref),) for ref in sorted(ref for ref in going if ref is not None))
    else:
        there = {view.via(reference, other) for other in places} if known else frozenset()
        kept = tuple(turn for turn in known if turn[0].pod in there)
    if kept != known:
        yield Outcome("", {slot(place): kept})


def _tolerates(obj: Object | None) -> tuple[str, int]:
    """Return a Pod's node and the seconds for which it surely tolerates a taint; 0 if no toleration ends."""
    if not isinstance(obj, Pod):
        return "", 0
    ends = [
        toleration.toleration_seconds
        for toleration in obj.spec.tolerations
        if toleration.effect in {"", "NoExecute"} and toleration.toleration_seconds is not None
    ]
    return obj.spec.node_name, min(ends, default=0)


def _gone_before(node: str, seconds: int, obj: Object | None) -> Ref | None:
    """Name a Pod of a node that is being deleted and gone before so many seconds are over."""
    if not isinstance(obj, Pod) or obj.spec.node_name != node or not obj.metadata.terminating:
        return None
    grace = obj.metadata.deletion_grace_period_seconds
    sure = grace is not None and not obj.metadata.finalizers and grace + STOP_SECONDS <= seconds
    return ref_of(obj) if sure else None
