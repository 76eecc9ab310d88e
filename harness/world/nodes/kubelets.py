"""The kubelets and the kube-proxies of a world: what really runs on the nodes, and what their rules say.

A kubelet's work on one Pod is a chain of small steps (`impl.kubelet.worker`); most of them nobody else can see. Where
only what the API shows matters, the steps up to and including the next request are one step of the world, which loses
nothing: they read the Pod and what runs for it, they write only what runs, and others read of that no more than whether
it takes room on its node. Where the Pods of a node do not all have room, a step that takes or leaves some, or finds
none, is one by itself (`_is_crowded`). That nothing is lost so is proved: `python tests/proofs.py grains`. The end of
a Pod is one step, too (report that all has stopped, then remove the object), because no other component tells a stopped
Pod that is being deleted from one that is gone. Where connections matter every step is taken by itself (`fine`).

On a node that is down (`node_state`) nothing happens. On one that is cut off a kubelet goes on with what it has begun:
it neither sees what has changed nor starts anything new, and nobody hears of what it does.

Left out on purpose: two steps of one Pod at once, the kubelet's own status (node heartbeats).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ....impl.api.core import Node, Pod, PodSpec
from ....impl.api.kinds import Object, ref_of
from ....impl.api.meta import ObjectMeta, Ref
from ....impl.api.requests import PatchStatus
from ....impl.api.runtime import IDLE, PodRuntime, Stage
from ....impl.api.values.frozen import strings
from ....impl.kubelet import worker
from ....impl.kubelet.admission import crowded as is_crowded
from ....impl.kubelet.behaviour import ImageBehaviour
from ....impl.kubelet.runtime import KubeletStep, Work, occupies
from ....impl.kubelet.status import rejected
from ....model.machine import Action, Fairness, Outcome, View
from ....model.world.component import Component, Slots
from ....model.world.store import Stored, Updates, absent, name_in
from ....model.world.verbs import Verb
from ....model.world.world import CRASHES, World
from .attaching import mounted
from .node_state import cut_slot, is_silent, up_slot
from .peers import waits_for
from .static_pods import Static, goes_on, static_of

NO_STATIC: Static = immutabledict()
USER = "kubelet"
"""Who a kubelet's work is by."""
PROXY = "kube-proxy"
"""Who a kube-proxy's work is by."""


@frozen
class Kubelets:
    """What the kubelets of a world share."""

    world: World
    places: tuple[str, ...]
    behaviour: ImageBehaviour
    fine: bool = False
    struck: tuple[str, ...] = ()
    """The nodes that faults may strike."""
    forced: bool = False
    """Pods may be gone from the API before their kubelet learns of it (`Scenario.deletes_by_force`)."""
    early: bool = False
    """A Pod may be reported as over while its containers still hold their share of the node."""
    counts_rejected: bool = False
    """A Pod that was rejected takes its share of the node until it is known to have failed."""
    led: bool = False
    """Pods start when somebody else says so, by `starts`."""
    last: bool = False
    """Pods that are to go end when nothing else happens. Where they are led."""
    static: Static = NO_STATIC
    """Who is run from a file of its node."""
    mounts: bool = False
    """Containers wait for the volumes of their Pod's claims; where a world has no claims they are taken to be there."""
    address: Callable[[str], str] = field(default=lambda _name: "")
    """Which address the Pod of a name gets; "" stands for one that is drawn by its identity."""


def runtime_slot(place: str) -> str:
    """Name the slot that says what runs for the Pod in a place: a PodRuntime, or None."""
    return f"runtime/{place.rpartition('/')[2]}"


def actions(kubelets: Kubelets) -> tuple[Action, ...]:
    """Return the work of the kubelets, Pod by Pod."""
    if not kubelets.led:
        return tuple(_action(place, "works", partial(_works, kubelets, place)) for place in kubelets.places)
    gone = (_action(place, "works", partial(_gone, kubelets, place)) for place in kubelets.places)
    ending = (_action(place, "ends", partial(_ends, kubelets, place), last=kubelets.last) for place in kubelets.places)
    return (*gone, *ending)


def _action(place: str, does: str, step: Callable[[View], Iterator[Outcome]], *, last: bool = False) -> Action:
    name, group = f"kubelet {place.rpartition('/')[2]}: {does}", f"kubelet {place}"
    return Action(name, group, step, when_quiet=last, by=USER, verb=Verb.WORKS, on=place)


def starts(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    """Yield what a kubelet may do next for the Pod in a place that is not to go."""
    if not view.via(absent, place) and not view.via(_is_to_go, place):
        yield from _works(kubelets, place, view)


def _gone(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    if view.via(absent, place):
        yield from _works(kubelets, place, view)


def _ends(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    if view.via(_is_to_go, place):
        yield from _works(kubelets, place, view)


def _is_to_go(obj: Object | None) -> bool:
    return obj is not None and obj.metadata.terminating


def fault_at(place: str, verb: Verb, step: Callable[[View], Iterator[Outcome]]) -> Action:
    """Return what may befall the kubelet's work on the Pod in a place, and need not."""
    name, group = f"kubelet {place.rpartition('/')[2]}: {verb.value}", f"fault {place}"
    return Action(name, group, step, Fairness.NONE, by=USER, verb=verb, on=place)


def restarts(kubelets: Kubelets) -> tuple[Action, ...]:
    """Let kubelets restart: what runs goes on, but for Pods that would not be admitted any more.

    That there is one makes it a step; all on its node are admitted anew in it.
    """
    return tuple(fault_at(place, Verb.CRASHES, partial(_restarts, kubelets, place)) for place in kubelets.places)


def _restarts(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    budget: int = view[CRASHES]
    pod = view.via(_as_kubelet_sees, place)
    node = _node(kubelets, view, pod) if pod is not None and pod.spec.node_name else None
    if not budget or node is None or (node.metadata.name in kubelets.struck and is_silent(view, node.metadata.name)):
        return
    if not _readmitted(kubelets, view, place, node):
        return
    updates: Updates = {CRASHES: budget - 1}
    for other in kubelets.places:
        updates |= _readmitted(kubelets, view, other, node)
    yield Outcome(f"{node.metadata.name}: the kubelet restarts and admits anew what runs", updates)


def _readmitted(kubelets: Kubelets, view: View, place: str, node: Node) -> Updates:
    """Return what changes for the Pod in a place when the kubelet of a node restarts."""
    pod, runtime = view.via(_as_kubelet_sees, place), view[runtime_slot(place)]
    if pod is None or runtime is None or pod.spec.node_name != node.metadata.name:
        return {}
    after = worker.readmitted(pod, runtime, node, _neighbours(kubelets, view, place, node))
    return {} if after == runtime else {runtime_slot(place): after}


def running_on(world: World, node: str, view: View) -> Iterator[str]:
    """Yield the places of the Pods that are on a node, or whose containers run there though they are gone."""
    for place in world.layout.pools["Pod"]:
        if view.via(partial(is_on, node), place) or view.via(_where, runtime_slot(place)) == node:
            yield place


def is_on(uid: str, obj: Object | None) -> bool:
    """Tell whether something is a Pod on the node with this name or uid."""
    return isinstance(obj, Pod) and bool(obj.spec.node_name) and obj.spec.node_name == uid.rpartition("/")[2]


def _where(runtime: PodRuntime | None) -> str:
    return "" if runtime is None else runtime.node


def _works(kubelets: Kubelets, place: str, view: View) -> Iterator[Outcome]:
    pod: Pod | None = view.via(_as_kubelet_sees, place)
    slot = runtime_slot(place)
    runtime: PodRuntime = view[slot] or IDLE
    if pod is None and runtime is IDLE:
        return
    if pod is not None and not pod.spec.node_name:
        return
    node = _node(kubelets, view, pod)
    where = runtime.node if node is None or pod is None else node.metadata.name
    struck = where in kubelets.struck
    if node is None or (struck and not view[up_slot(where)]):
        return
    cut = struck and view[cut_slot(where)] is not None
    static = static_of(kubelets.static, pod, runtime)
    if static is not None and (pod is None or pod.metadata.terminating):
        if not cut:
            yield from goes_on(kubelets.world, view, place, slot, static, pod, runtime)
        return
    waits = pod is not None and bool(waits_for(kubelets.world, view, pod))
    for found in _chains(kubelets, view, place, pod, runtime, node, waits=waits):
        chain = _unseen(found) if cut else found
        if not chain:
            continue
        updates: Updates = {slot: kept(on(kubelets, where, chain[-1].runtime))}
        labels = [step.label for step in chain]
        stored = Stored(view, kubelets.world.layout, updates)
        if all(_report(kubelets, stored, step, node) for step in chain):
            if pod is not None and stored.get(ref_of(pod)) is None:
                updates[slot] = None
            yield Outcome(f"{where or 'gone'}: {', '.join(labels)} ({_name(pod, runtime)})", updates)
        if kubelets.early and pod is not None and occupies(runtime):
            yield from _early(kubelets, view, pod, chain, node)


_BEGUN = frozenset({Work.BECOME_READY, Work.COME_UP, Work.CRASH, Work.EXIT, Work.DEADLINE, Work.SIGTERM, Work.STOP})
"""What a kubelet goes on with when it is cut off."""


def _unseen(chain: tuple[KubeletStep, ...]) -> tuple[KubeletStep, ...]:
    """Return as much of some steps as a kubelet takes that is cut off: nothing new, and nothing that is reported."""
    return tuple(takewhile(lambda step: step.work in _BEGUN, chain))


def on(kubelets: Kubelets, node: str, runtime: PodRuntime) -> PodRuntime:
    """Return what runs, and where if that may be asked: its Pod may be gone before its node hears of that."""
    asked = kubelets.forced or node in kubelets.struck
    return evolve(runtime, node=node) if asked and runtime != IDLE else runtime


def _early(kubelets: Kubelets, view: View, pod: Pod, chain: tuple[KubeletStep, ...], node: Node) -> Iterator[Outcome]:
    """Report the end that some steps lead to before any of them is taken."""
    for request in (step.request for step in chain):
        if isinstance(request, PatchStatus) and isinstance(request.object, Pod) and request.object.finished:
            stored = Stored(view, kubelets.world.layout)
            if not pod.finished and kubelets.world.send(stored, ref_of(node), request).ok:
                label = f"{node.metadata.name}: report the end early ({pod.metadata.name})"
                yield Outcome(label, stored.updates)


def _as_kubelet_sees(obj: Object | None) -> Pod | None:
    """Keep a Pod without the labels and owners that a kubelet does not look at."""
    return obj if isinstance(obj, Pod) else None


def kept(runtime: PodRuntime) -> PodRuntime | None:
    """Return what is remembered of what runs: nothing, where nothing does."""
    return None if runtime == IDLE else runtime


def _name(pod: Pod | None, runtime: PodRuntime) -> str:
    return pod.metadata.name if pod is not None else name_in(runtime.uid)


def _report(kubelets: Kubelets, stored: Stored, step: KubeletStep, node: Node) -> bool:
    if step.request is None:
        return True
    return kubelets.world.send(stored, ref_of(node), step.request).ok


def _node(kubelets: Kubelets, view: View, pod: Pod | None) -> Node | None:
    if pod is None:
        return Node()
    found = Stored(view, kubelets.world.layout).get(Ref("Node", "", pod.spec.node_name))
    return found if isinstance(found, Node) else None


def _chains(
    kubelets: Kubelets, view: View, place: str, pod: Pod | None, runtime: PodRuntime, node: Node, *, waits: bool
) -> Iterator[tuple[KubeletStep, ...]]:
    """Yield the runs of steps that make one step of the world; `waits`: the program is not ready yet, for others."""
    near = _neighbours(kubelets, view, place, node) if runtime is IDLE and pod is not None else ()
    ready = not kubelets.mounts or runtime is not IDLE or pod is None or _mounted(kubelets, view, place, pod)
    address = "" if pod is None else kubelets.address(pod.metadata.name)
    found = worker.steps(pod, runtime, node, near, kubelets.behaviour, address=address, mounted=ready)
    crowded = partial(_is_crowded, kubelets, view, place, pod, node)
    for step in _possible(found, waits=waits):
        yield from _extend(kubelets, pod, node, runtime, (step,), crowded, waits=waits)


def _possible(steps: tuple[KubeletStep, ...], *, waits: bool) -> tuple[KubeletStep, ...]:
    return tuple(step for step in steps if not (waits and step.work is Work.BECOME_READY))


def _mounted(kubelets: Kubelets, view: View, place: str, pod: Pod) -> bool:
    return mounted(kubelets.world, kubelets.struck, partial(_has_begun, view), view, place, pod)


def _has_begun(view: View, place: str) -> bool:
    return bool(view.via(_begun, runtime_slot(place)))


def _begun(runtime: PodRuntime | None) -> bool:
    return runtime is not None


def _extend(
    kubelets: Kubelets,
    pod: Pod | None,
    node: Node,
    before: PodRuntime,
    chain: tuple[KubeletStep, ...],
    crowded: Callable[[], bool],
    *,
    waits: bool,
) -> Iterator[tuple[KubeletStep, ...]]:
    """Go on to the next request, unless the step counts; after the last report of a Pod that goes, to its end."""
    last = chain[-1]
    shown = pod
    if last.request is not None and pod is not None:
        reported = getattr(last.request, "object", None)
        shown = evolve(pod, status=reported.status) if isinstance(reported, Pod) else pod
        goes = shown.metadata.terminating and last.runtime.stage is Stage.STOPPED and isinstance(reported, Pod)
        if not goes:
            yield chain
            return
    room = before == IDLE or occupies(before) != occupies(last.runtime)
    if last.request is None and (kubelets.fine or (room and crowded())):
        yield chain
        return
    address = "" if shown is None else kubelets.address(shown.metadata.name)
    further = _possible(worker.steps(shown, last.runtime, node, (), kubelets.behaviour, address=address), waits=waits)
    if not further:
        yield chain
    for step in further:
        yield from _extend(kubelets, shown, node, last.runtime, (*chain, step), crowded, waits=waits)


def _beside(kubelets: Kubelets, view: View, place: str, node: Node) -> Iterator[tuple[str, Pod]]:
    """Yield the other Pods that are bound to a node, each with its place, and with what their admission looked at."""
    keep = partial(_on_node, node.metadata.name)
    for other in kubelets.places:
        if other == place:
            continue
        if (pod := view.via(keep, other)) is not None:
            yield other, pod
        elif kubelets.static and view.via(absent, other):
            static = static_of(kubelets.static, None, view[runtime_slot(other)])
            if static is not None and (shown := keep(static)) is not None:
                yield other, shown


def _neighbours(kubelets: Kubelets, view: View, place: str, node: Node) -> tuple[Pod, ...]:
    """Return the other Pods that occupy a node."""
    found = []
    for other, pod in _beside(kubelets, view, place, node):
        refused = kubelets.counts_rejected and not view.via(_is_over, other)
        if view.via(partial(_counts, refused), runtime_slot(other)):
            found.append(pod)
    return tuple(found)


def _is_crowded(kubelets: Kubelets, view: View, place: str, pod: Pod | None, node: Node) -> bool:
    """Tell whether the Pods of a node, all together, leave one of them no room: then who starts first decides."""
    there = tuple(other for _, other in _beside(kubelets, view, place, node))
    return is_crowded(there if pod is None else (*there, pod), node)


def _counts(refused: bool, runtime: PodRuntime | None) -> bool:  # noqa: FBT001
    return runtime is not None and (occupies(runtime) or (refused and rejected(runtime)))


def _is_over(obj: Object | None) -> bool:
    return isinstance(obj, Pod) and obj.finished


def _on_node(name: str, obj: Object | None) -> Pod | None:
    """Keep of a Pod on a node what it takes there: its requests and ports."""
    if not isinstance(obj, Pod) or obj.spec.node_name != name:
        return None
    spec = PodSpec(
        containers=obj.spec.containers,
        init_containers=obj.spec.init_containers,
        node_name=name,
        overhead=obj.spec.overhead,
        host_network=obj.spec.host_network,
    )
    return Pod(ObjectMeta(name=obj.metadata.name, namespace=obj.metadata.namespace, labels=strings()), spec)


# --- kube-proxy -----------------------------------------------------------------------------------------------------


def proxy_slot(node: str) -> str:
    """Name the slot with the EndpointSlices a node's kube-proxy has programmed."""
    return f"proxy/{node}"


def proxy(node: str, slices: tuple[str, ...], *, struck: bool = False) -> Component[World]:
    """Return a node's kube-proxy, which has programmed what there is at the start."""
    slot = proxy_slot(node)
    acts = (proxy_action(node, slices, struck=struck),)

    def slots(_world: World, store: Slots) -> Slots:
        return {slot: tuple(store[place] for place in slices)}

    return Component(slot, lambda _world: acts, slots, (slot,))


def proxy_action(node: str, slices: tuple[str, ...], *, struck: bool = False) -> Action:
    """Let a kube-proxy program what it now sees of the EndpointSlices; `struck`: its node may be cut off."""

    def syncs(view: View) -> Iterator[Outcome]:
        if struck and view[cut_slot(node)] is not None:
            return
        seen = tuple(view[slot] for slot in slices)
        if seen != view[proxy_slot(node)]:
            yield Outcome(f"programs the rules on {node}", {proxy_slot(node): seen})

    return Action(f"kube-proxy {node}: syncs", f"kube-proxy {node}", syncs, by=PROXY, verb=Verb.SYNCS, on=node)
