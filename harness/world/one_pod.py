"""Reachability while things change: one Pod of a Service at a time, in the widest environment it can meet.

Who gets a new connection is decided endpoint by endpoint: an endpoint is routed to if it is ready in the
EndpointSlices a proxy has programmed, whatever the others are. So one Pod is enough: it is created, bound to a node
that takes it, and deleted at any time by somebody, its kubelet takes every small step, the real EndpointSlice
controller and its node's proxy lag behind. Every run of the whole cluster, looked at through one Pod, is a run here;
what holds here holds there. A breach here is only a suspicion until `check` has found it in a run of the cluster
itself.

Where none is ready kube-proxy falls back to terminating endpoints. That is no business of one Pod, and need not be:
`claims.answers` is breached then in the core, for the Pod that is fallen back to can stop before another one is ready.
Nor are faults that end a Pod at once (a container exits, a node dies, a kubelet restarts and no longer admits it): the
step itself is a breach there. Else a kubelet or proxy that restarts changes nothing here: what runs goes on, rules
stay, and both may be as slow as they like anyway.

The propagation bound is a promise about time: so many seconds after a Pod's deletion nothing routes to it any more.
What that and the hooks forbid is said by timers (`timers.propagation`), so both questions are asked with clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attrs import evolve, frozen
from immutabledict import immutabledict

from ...impl.api.apps import ReplicaSet
from ...impl.api.core import Node, Pod, PodTemplateSpec, Service
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta
from ...impl.api.policy import EndpointSlice
from ...impl.api.quota import ResourceQuota
from ...impl.api.requests import Bind, Create, Delete, Request
from ...impl.api.runtime import PodRuntime, Stage
from ...impl.kubelet.admission import admit
from ...model.checker.clock.clocked import clocked
from ...model.machine import Action, Converges, Fairness, Invariant, Machine, Outcome, View
from ...model.world import faults as world_faults
from ...model.world import world as worlds
from ...model.world.component import Component, Slots, actions, component, remembered, start
from ...model.world.store import Full, Layout, name_in, pool
from ...model.world.world import Form, Process, World
from ...properties.reachability.answers import accepts, is_judged, selects
from ..input.assumed.surroundings import behaviour_of
from ..input.given import versions
from ..input.scenario import Scenario
from .api_server import describe, serve
from .controllers import endpointslice
from .nodes import kubelets, led
from .nodes.led import routed
from .timers import propagation

Routing = Callable[[object], frozenset[str]]
Names = frozenset[tuple[str, str]]
"""Services by namespace and name."""


def breaches(
    places: tuple[str, ...], proxies: tuple[str, ...], routing: Routing, headless: Names, view: View
) -> Iterator[str]:
    """Say which proxy sends new connections to a Pod that does not accept them, or which name leads clients there.

    `headless` are the Services without an address: no proxy is on the way to their Pods, a name server follows their
    slices as late as a proxy does.
    """
    for place, proxy, uid in refusing(places, proxies, routing, view):
        why = "whose container has exited"
        if view[kubelets.runtime_slot(place)].stage in GOING:
            why = "which got its SIGTERM"
        fronts = view.via(partial(led.fronts, uid), proxy)
        if fronts and fronts <= headless:
            names = ", ".join(sorted(name for _, name in fronts))
            yield f"the name of the headless Service {names} still leads new connections to {name_in(uid)}, {why}"
        else:
            node = proxy.partition("/")[2]
            yield f"kube-proxy on {node} still sends new connections to {name_in(uid)}, {why}"


GOING = frozenset({Stage.TERMINATING, Stage.STOPPED})


def refusing(
    places: tuple[str, ...], proxies: tuple[str, ...], routing: Routing, view: View
) -> Iterator[tuple[str, str, str]]:
    """Yield the place, the proxy and the uid of each Pod that is sent connections and does not accept them."""
    for place in places:
        uid = view.via(_deaf, kubelets.runtime_slot(place))
        yield from ((place, proxy, uid) for proxy in proxies if uid and uid in view.via(routing, proxy))


def _deaf(runtime: PodRuntime | None) -> str:
    """Return the uid of the Pod whose containers take no new connections, "" if they do or nothing runs."""
    return "" if runtime is None or accepts(runtime) else runtime.uid


LIVES = "somebody/lives"
MAKER = "replicaset-controller"
SLICES = 4
"""Places for the slices of one Pod: one for its ports and an empty one, in each family."""


# --- one Pod, all environments --------------------------------------------------------------------------------------


@frozen
class OnePod:
    """The machine of one Pod of a template behind a Service, and the claim about it."""

    machine: Machine
    claim: Invariant
    dropped: Converges
    """That a Pod being deleted is dropped in the end: the propagation bound must not promise what never happens."""
    room: Invariant
    """That there is a place for every slice."""
    made: Invariant
    """That the API server takes the Pod: where there is none, nothing is said of any."""


def one_pod(
    scenario: Scenario,
    objects: tuple[Object, ...],
    service: Service,
    owner: ReplicaSet,
    *,
    lives: int | None = None,
    most: bool = False,
) -> OnePod:
    """Make the machine for one Pod that a ReplicaSet might make behind a Service.

    `most` says which length a hook of unknown length has, as in `timers.propagation`.
    `lives` is how often the Pod may be made: any number of times for what must never happen (None), finitely often for
    what must happen in the end, or making it anew for ever would be a way out.
    """
    pools = {"Pod": pool("Pod", 1), "EndpointSlice": pool("EndpointSlice", SLICES)}
    kept = (obj for obj in objects if not isinstance(obj, Pod | EndpointSlice | ResourceQuota | Service))
    homes = _home(scenario, objects, owner)
    constants = immutabledict((ref_of(obj), obj) for obj in (*kept, service, *homes))
    form = Form.DECISION
    process = endpointslice.process(service, pools, tuple(constants.values()), form=form)
    proxies = tuple(kubelets.proxy_slot(node.metadata.name) for node in homes)
    bound, slices = scenario.bounds.propagation_seconds, pools["EndpointSlice"]
    works = partial(_kubelets, scenario, pools["Pod"])
    components = (
        Component("world", slots=partial(_start, scenario, lives)),
        Component("somebody", lambda world: _somebody(world, owner, homes)),
        component(process),
        Component("faults", partial(_faults, scenario, process)),
        Component("kubelets", lambda world: kubelets.actions(works(world))),
        *(kubelets.proxy(node.metadata.name, slices) for node in homes),
    )
    busy = immutabledict((slot, kubelets.runtime_slot(slot)) for slot in pools["Pod"])
    layout = remembered(Layout(constants, immutabledict(pools), (), busy), components)
    world = World(layout, partial(serve, True), describe)  # noqa: FBT003
    store = dict.fromkeys((*layout.slots(), kubelets.runtime_slot("store/Pod/0")))
    slots, acts = start(world, components, store), actions(world, components)
    claim = Invariant(
        "in motion",
        "",
        partial(breaches, pools["Pod"], proxies, routed, frozenset()),
        partial(_any_routed, proxies),
    )
    dropped = Converges("dropped", "", partial(_kept_for_ever, pools["Pod"], proxies))
    room = Invariant("room", "", _no_room)
    made = Invariant("made", "", partial(_refused, world, owner))
    machine = Machine((slots,), acts)
    if bound is not None:
        followed = propagation.Followed(bound, (*layout.memories, *slices), (service,), most)
        machine = evolve(machine, timers=tuple(propagation.timers(followed, pools["Pod"])))
        machine = clocked(machine, propagation.KINDS)
    return OnePod(machine, claim, dropped, room, made)


def _home(scenario: Scenario, objects: tuple[Object, ...], owner: ReplicaSet) -> tuple[Node, ...]:
    """Return the first node, in any version of it, that takes a Pod of a ReplicaSet; without taints, which come and go.

    Where none does no Pod of it ever runs, and it matters to nobody which node that is.
    """
    named = owner.spec.template.spec.node_name
    nodes = (obj for obj in versions(scenario, objects) if isinstance(obj, Node))
    there = [node for node in nodes if named in {"", node.metadata.name}]
    bare = [evolve(node, spec=evolve(node.spec, taints=())) for node in there]
    return tuple(node for node in bare if admit(_pod_of(owner), node, ()) is None)[:1] or tuple(bare[:1])


def _start(scenario: Scenario, lives: int | None, _world: World, _store: Slots) -> Slots:
    faults = scenario.faults
    return {worlds.OVERFLOW: "", worlds.CRASHES: faults.crash, worlds.LOST: faults.lost_response, LIVES: lives}


def _kubelets(scenario: Scenario, places: tuple[str, ...], world: World) -> kubelets.Kubelets:
    return kubelets.Kubelets(world, places, behaviour_of(scenario), fine=True)


def _faults(scenario: Scenario, process: Process, world: World) -> tuple[Action, ...]:
    crashes = world_faults.crashes(world, process) if scenario.faults.crash else ()
    return (*crashes, *(world_faults.losses(world, process) if scenario.faults.lost_response else ()))


def _no_room(view: View) -> Iterator[str]:
    if kind := view[worlds.OVERFLOW]:
        yield f"one more place for a {kind} is needed"


def _refused(world: World, owner: ReplicaSet, view: View) -> Iterator[str]:
    """Say why the API server does not take the Pod."""
    if view[world.layout.pools["Pod"][0]] is not None:
        return
    try:
        response, _ = world.commit(view, MAKER, Create(_pod_of(owner)))
    except Full:  # somebody still speaks of the one before it
        return
    if not response.ok:
        yield f"a Pod of {owner.metadata.name} by itself is not looked at, for it is refused: {response.message}"


def _kept_for_ever(places: tuple[str, ...], proxies: tuple[str, ...], view: View) -> Iterator[str]:
    """Say which Pod is still routed to though it is being deleted, or is gone."""
    there = {uid for place in places if (uid := view.via(_staying, place))}
    for proxy in proxies:
        for uid in sorted(view.via(routed, proxy) - there):
            yield f"{proxy.partition('/')[2]} goes on routing to {name_in(uid)}, which is being deleted or gone"


def _staying(obj: Object | None) -> str:
    return obj.metadata.uid if isinstance(obj, Pod) and not obj.metadata.terminating else ""


def _any_routed(proxies: tuple[str, ...], view: View) -> bool:
    return any(view.via(routed, proxy) for proxy in proxies)


def _somebody(world: World, owner: ReplicaSet, nodes: tuple[Node, ...]) -> tuple[Action, ...]:
    """Let anybody make the Pod, bind it to a node, and delete it, whenever the API server allows."""
    place = world.layout.pools["Pod"][0]

    def makes(view: View) -> Iterator[Outcome]:
        lives: int | None = view[LIVES]
        if lives == 0:
            return
        left = None if lives is None else lives - 1
        for made in _asks(world, view, MAKER, Create(_pod_of(owner))):
            yield Outcome(made.label, {**made.updates, LIVES: left})

    def binds(view: View) -> Iterator[Outcome]:
        pod = view[place]
        if isinstance(pod, Pod) and not pod.spec.node_name:
            for node in nodes:
                yield from _asks(world, view, "scheduler", Bind(ref_of(pod), node.metadata.name, pod.metadata.uid))

    def deletes(view: View) -> Iterator[Outcome]:
        pod = view[place]
        if isinstance(pod, Pod) and not pod.metadata.terminating:
            yield from _asks(world, view, MAKER, Delete(ref_of(pod)))

    return tuple(
        Action(f"somebody: {step.__name__}", "somebody", step, Fairness.NONE) for step in (makes, binds, deletes)
    )


def _asks(world: World, view: View, user: str, request: Request) -> Iterator[Outcome]:
    try:
        response, updates = world.commit(view, user, request)
    except Full:
        return
    if response.ok:
        yield Outcome(describe(request, response), updates)


def _pod_of(owner: ReplicaSet) -> Pod:
    template: PodTemplateSpec = owner.spec.template
    meta = ObjectMeta(
        generate_name=f"{owner.metadata.name}-",
        namespace=owner.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
    )
    return Pod(meta, template.spec)


def pairs(services: tuple[Service, ...], owners: tuple[ReplicaSet, ...]) -> Iterator[tuple[Service, ReplicaSet]]:
    """Yield each Service that is judged with each ReplicaSet whose Pods it selects."""
    for service in services:
        for owner in owners if is_judged(service) else ():
            if selects(service, owner.metadata.namespace, owner.spec.template.metadata.labels.items()):
                yield service, owner
