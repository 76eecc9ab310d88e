"""The cluster of implementations: a scenario becomes a machine for the checker.

Which components take part is decided by influence. A component whose writes nobody else reads (the EndpointSlice
controller, the kube-proxies, the disruption controller while nothing is evicted, the Deployment's own status) cannot
change what the others do: every run of all components, with the observers' steps left out, is a run of the rest, and
every run of the rest can be extended by the observers. So the rest, the `core`, is explored by itself, and the
observers are brought to rest on top of each state where the core is at rest (see `check`). `Parts.everything` explores
all together; a test compares the verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, TypeVar

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...impl.api.apps import Deployment, ReplicaSet, StatefulSet, Workload
from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod, PodTemplateSpec, Service
from ...impl.api.kinds import Object, Unstructured, kind_of, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.policy import EndpointSlice, PodDisruptionBudget
from ...impl.api.quota import ResourceQuota
from ...impl.api.requests import Create, PatchStatus, Request, Response, Update
from ...impl.api.storage import PersistentVolumeClaim
from ...impl.api.values.frozen import as_map, freeze
from ...impl.api.workloads import BY_KIND, NAMES, SPREADING, WORKLOAD_KINDS
from ...impl.apiserver.access.authentication import ADMIN, SCHEDULER, User, controller, node_user
from ...impl.apiserver.config import DEFAULT, Config
from ...impl.apiserver.handler import handle
from ...impl.apiserver.storage import Objects, with_meta
from ...impl.apiserver.verbs.create import uid_of
from ...impl.kubectl import script as kubectl
from ...impl.kubectl.apply import apply
from ...model.machine import Action, Machine, MachineError, View
from ...model.world import faults as world_faults
from ...model.world import steps as world_steps
from ...model.world import world as worlds
from ...model.world.store import Layout, Stored, place, pool
from ...model.world.verbs import Verb
from ...model.world.world import Form, Process, Who, World, Writes
from ...properties.convergence import plain_template
from ..input.assumed.surroundings import behaviour_of, config_of, namespaces_of
from ..input.priorities import may_preempt, pod_specs
from ..input.scenario import Consistency, Scenario, Switch
from ..own import processes as own_processes
from . import (
    autoscaling,
    components,
    cron,
    descheduler,
    environment,
    evicted_names,
    kubelets,
    metrics,
    node_controllers,
    node_state,
    pressure,
    quotas,
    scheduling,
    script_slots,
    taint_eviction,
    volumes,
    workloads,
)
from .faults import registry as faults
from .reductions import unwatched
from .reductions.roomy import nowhere_else
from .timers.registry import timers
from .timers.timing import Timing

T = TypeVar("T", bound=Object)


class Refused(Exception):  # noqa: N818 - it says what happened
    """The API server refuses an object of the scenario."""

    def __init__(self, obj: Object, response: Response) -> None:
        super().__init__(f"{ref_of(obj)}: {response.message}")
        self.obj = obj
        self.response = response


@frozen
class Parts:
    """Which components take part, and how closely they are looked at."""

    endpoints: bool = False
    """EndpointSlice controller and kube-proxies."""
    budgets: bool = False
    """The disruption controller."""
    deployment_status: bool = False
    fine_kubelets: bool = False
    """Every step of a kubelet by itself."""
    one_proxy: bool = False
    """One kube-proxy stands for all: they run the same function on the same slices."""
    unwatched: bool = False
    """Steps of Pods that nobody watches are taken at a fixed time (`unwatched`)."""
    faults: bool = True

    @classmethod
    def core(cls, scenario: Scenario) -> Parts:
        """Return the parts that influence what becomes of the Pods.

        The status of a budget is read by evictions and by preemption, that of a Deployment by its own controller,
        before it deletes ReplicaSets beyond its revisionHistoryLimit, which a rollout undo misses, and by autoscalers
        that measure something beside the Pods. All take part where
        what slices come to in the end is not told by the Pods alone, but by what their controller had seen of slices,
        and where a user's own functions may look at anything.
        """
        if scenario.own or not scenario.tracks_slices:
            return evolve(cls.everything(), one_proxy=True)
        drains = any(isinstance(step, kubectl.Drain) for step in scenario.script)
        moves = scenario.descheduler is not None or may_preempt(scenario)
        evicts = drains or (_has_budget(scenario) and moves)
        counted = _forgets_revisions(scenario) or metrics.counts_surges(scenario)
        return cls(budgets=evicts, deployment_status=counted)

    @classmethod
    def everything(cls) -> Parts:
        """Return all of them."""
        return cls(endpoints=True, budgets=True, deployment_status=True)


def _forgets_revisions(scenario: Scenario) -> bool:
    """Tell whether a Deployment may come to more old ReplicaSets than it keeps."""
    given = sum(isinstance(one, ReplicaSet) for one in scenario.objects)
    most = given + sum(one.new_template for one in scenario.script)
    limits = [one.spec.revision_history_limit for one in scenario.everything if isinstance(one, Deployment)]
    return any(most > (DEFAULT_HISTORY if limit is None else limit) for limit in limits)


DEFAULT_HISTORY = 10
"""spec.revisionHistoryLimit where it is absent (apps/v1)."""


def _has_budget(scenario: Scenario) -> bool:
    return any(isinstance(one, PodDisruptionBudget) for one in scenario.everything)


@frozen
class Initial:
    """A state to start from: the objects in the store, and by Pod uid what runs for them."""

    objects: tuple[Object, ...]
    runtimes: Mapping[str, Hashable] = field(default=immutabledict(), converter=immutabledict)


@frozen
class Cluster:
    """A scenario made into a machine: the world, its processes and the machine itself."""

    scenario: Scenario
    parts: Parts
    world: World
    processes: tuple[Process, ...]
    machine: Machine
    struck: tuple[str, ...] = ()
    """The nodes that faults may strike."""
    proxies: tuple[str, ...] = ()
    """The nodes whose kube-proxies take part."""

    def actions(self, by: Hashable, *verbs: Verb) -> Callable[[str], bool]:
        """Return the test of whether an action, by its name, is one that somebody takes: who, and by which verbs."""
        acts = self.machine.actions
        return frozenset(one.name for one in acts if one.by == by and one.verb in verbs).__contains__

    def except_for(self, verbs: frozenset[Verb]) -> Callable[[str], bool]:
        """Return the test of whether an action, by its name, is by none of some verbs."""
        return frozenset(one.name for one in self.machine.actions if one.verb not in verbs).__contains__


def applied(scenario: Scenario) -> tuple[Object, ...]:
    """Return the objects of a scenario as `kubectl apply` leaves them in the API server: defaulted, validated, noted.

    The note is what was applied, so that a later apply takes away what its manifest has no more. A quota is counted at
    once: the controller needs milliseconds for that.

    Namespaces come first: where they do not, and the first apply is what is asked about, the input was refused.
    Webhooks are not asked: what they guard was there before them, or somebody tried again.

    Raises `Refused` for the first that is not accepted.
    """
    objects = Objects()
    config = evolve(config_of(scenario), webhooks=())
    for name in namespaces_of(scenario):
        objects = objects.commit(handle(objects, Create(Namespace(ObjectMeta(name))), user=ADMIN)[1])
    for obj in sorted(scenario.objects, key=lambda one: not isinstance(one, Namespace)):
        asked = (Create(obj),) if isinstance(obj, Node) else apply(obj, Cache(objects.objects), scenario.namespace)
        for request in asked:
            response, transaction = handle(objects, request, user=ADMIN, config=config)
            if not response.ok:
                raise Refused(obj, response)
            objects = objects.commit(transaction)
        objects = quotas.counted(objects) if isinstance(obj, ResourceQuota) else objects
    there = tuple(objects.objects[ref] for ref in sorted(objects.objects))
    return node_controllers.at_rest(there)


def layout_for(scenario: Scenario, objects: tuple[Object, ...], parts: Parts) -> Layout:
    """Decide which kinds get places, and how many."""
    live = _live_kinds(scenario, objects, parts)
    counts = {kind: sum(ref_of(one).kind == kind for one in objects) + _growth(scenario, kind) for kind in live}
    for kind in volumes.kinds(scenario, objects):
        counts[kind] = counts.get(kind, 0) + volumes.growth(scenario, objects, kind)
    counts["Pod"] = scenario.pods
    pools = immutabledict((kind, pool(kind, counts[kind])) for kind in sorted(counts) if counts[kind])
    constants = immutabledict((ref_of(one), one) for one in objects if ref_of(one).kind not in pools)
    busy = immutabledict((slot, kubelets.runtime_slot(slot)) for slot in pools["Pod"])
    runs = volumes.last_places(tuple(map(ref_of, scenario.runs)), pools.get("Job", ()))
    homes = immutabledict({**_homes(scenario, pools["Pod"]), **volumes.homes(scenario, dict(pools)), **runs})
    return Layout(constants, pools, (), busy, homes)


def _homes(scenario: Scenario, places: tuple[str, ...]) -> immutabledict[Ref, str]:
    """Keep the last places for the Pods that have names of their own, if others are left."""
    names = [
        Ref("Pod", one.metadata.namespace or scenario.namespace, f"{one.metadata.name}-{one.spec.first + number}")
        for one in workloads.distinct(scenario.everything, StatefulSet)
        for number in range(scenario.most_of(one))
    ]
    distinct = tuple(dict.fromkeys(names))
    kept = distinct if len(distinct) < len(places) else ()
    return immutabledict(zip(kept, places[len(places) - len(kept) :], strict=True))


def _live_kinds(scenario: Scenario, objects: tuple[Object, ...], parts: Parts) -> set[str]:
    """Return the kinds whose objects may change: somebody who takes part may write one of them."""
    live = {"Pod", "ControllerRevision", "CronJob", *NAMES}
    live |= {ref_of(one).kind for one in objects if one.metadata.owner_references or one.metadata.terminating}
    if any(isinstance(step, kubectl.DeleteObject) and step.kind == "Namespace" for step in scenario.script):
        live |= {ref_of(one).kind for one in objects if one.metadata.namespace}
    if faults.strike_nodes(scenario) or node_controllers.acted_on(scenario, objects) or pressure.possible(scenario):
        live.add("Node")
    if parts.endpoints:
        live.add("EndpointSlice")
    if parts.budgets:
        live.add("PodDisruptionBudget")
    if any(isinstance(obj, ResourceQuota) and ref_of(obj) not in quotas.roomy(scenario) for obj in objects):
        live.add("ResourceQuota")
    live |= {kind.name for kind in scenario.own.kinds if kind.cls is Unstructured}
    live |= {kind.name for own in scenario.own.controllers for kind in (own.kind, *own.owns)}
    live.update(*(step.changes for step in scenario.script))
    return live | volumes.kinds(scenario, objects)


def _growth(scenario: Scenario, kind: str) -> int:
    """Bound how many objects of a kind can be added."""
    keepers = frozenset(one.cls.__name__ for one in WORKLOAD_KINDS if one.remembers == kind)
    makers = sum(scenario.own.places(one) for one in keepers) if scenario.own else 0
    return _usual_growth(scenario, kind) + scenario.own.places(kind) + makers


def _usual_growth(scenario: Scenario, kind: str) -> int:
    added = sum(isinstance(one, kubectl.Apply) and ref_of(one.object).kind == kind for one in scenario.script)
    match kind:
        case "Node":
            return added + sum(isinstance(one, kubectl.AddNode) for one in scenario.script)
        case "ReplicaSet" | "ControllerRevision":
            templates = sum(one.new_template for one in scenario.script)
            keepers = tuple(one.cls for one in WORKLOAD_KINDS if one.remembers == kind)
            there = sum(isinstance(one, keepers) for one in scenario.objects)
            return there + templates if any(isinstance(one, keepers) for one in scenario.everything) else added
        case "Job":
            return added + len(scenario.runs)
        case "EndpointSlice":
            services = (one for one in scenario.everything if isinstance(one, Service))
            ports = {tuple(one.ports for one in spec.containers) for spec in pod_specs(scenario)}
            copies = 1 if scenario.tracks_slices else 2
            return added + copies * sum(max(1, len(one.spec.ip_families)) for one in services) * (1 + len(ports))
    return added


# --- the API server -------------------------------------------------------------------------------------------------


def user_named(name: Who) -> User:
    """Return the user a component of a world acts as."""
    if name in {"admin", descheduler.USER} or (isinstance(name, str) and name.startswith(own_processes.USER)):
        return ADMIN  # What a descheduler, or a user's own, may do, its manifests say; nobody takes that away here.
    if name == scheduling.USER:
        return SCHEDULER
    return node_user(name.name) if isinstance(name, Ref) else controller(name)


def serve(
    status: bool,  # noqa: FBT001 - bound by partial
    stored: Stored,
    user: Who,
    request: Request,
    suffix: str,
    config: Config = DEFAULT,
    own: frozenset[str] = frozenset(),
) -> tuple[Response, Writes]:
    """Let the pure API server handle a request on a world's store; `own` are the kinds users' controllers act on."""
    if not status and isinstance(request, Update) and isinstance(request.object, Deployment):
        base = None if request.base is None else workloads.as_kept(request.base)
        request = evolve(request, object=workloads.as_kept(request.object), base=base)
    if user == scheduling.USER and isinstance(request, PatchStatus):
        request = scheduling.merged(stored, request)
    uid = _uid_for(stored, request, own)
    response, transaction = handle(stored, request, user=user_named(user), now=0, suffix=suffix, uid=uid, config=config)
    return response, tuple((write.ref, canonical(write.object)) for write in transaction)


def _uid_for(stored: Stored, request: Request, own: frozenset[str]) -> str:
    """Return what tells one who is made under a given name from others that had it; "" of kinds that nobody asks it of.

    It is asked of Pods, of claims of volumes, and of `own` kinds.
    """
    made = request.object if isinstance(request, Create) else None
    if made is None or not made.metadata.name:
        return ""
    if not (isinstance(made, Pod | PersistentVolumeClaim) or ref_of(made).kind in own):
        return ""
    namespace = (made.metadata.namespace or "default") if kind_of(made).namespaced else ""
    return stored.unused(uid_of(Ref(ref_of(made).kind, namespace, made.metadata.name)))


def canonical(obj: Object | None) -> Object | None:
    """Count generations only as far as they matter: 1, or 2 while the status is about an older one.

    Otherwise a cluster that goes round in circles would never be in the same state twice.
    """
    if obj is None or obj.metadata.generation == 0:
        return obj
    if isinstance(obj, Unstructured):
        return _canonical_json(obj)
    status: Any = getattr(obj, "status", None)
    observed = getattr(status, "observed_generation", None)
    if observed is None:
        return with_meta(obj, generation=1)
    behind = observed != obj.metadata.generation
    told: Any = evolve(status, observed_generation=min(observed, 1))
    return evolve(with_meta(obj, generation=1 + (behind and observed > 0)), status=told)


def _canonical_json(obj: Unstructured) -> Object:
    """Do so for an object without a class, whose status says in `observedGeneration` which one it is about."""
    status = as_map(obj.extra.get("status"))
    observed = status.get("observedGeneration")
    if not isinstance(observed, int):
        return with_meta(obj, generation=1)
    behind = observed != obj.metadata.generation
    told = freeze({**status, "observedGeneration": min(observed, 1)})
    counted = with_meta(obj, generation=1 + (behind and observed > 0))
    return evolve(counted, extra=immutabledict({**obj.extra, "status": told}))


def describe(request: Request, response: Response) -> str:
    """Say in a few words what a request did."""
    match request:
        case Create(obj):
            made = response.object or obj
            return f"creates {ref_of(made).kind} {made.metadata.name}"
        case Update(obj, base, subresource):
            return f"updates {ref_of(obj).kind} {obj.metadata.name}{_change(obj, base, subresource)}"
        case PatchStatus():
            return scheduling.told(request)
        case _:
            verb = {
                "Delete": "deletes",
                "Bind": "binds",
                "Evict": "evicts",
                "PatchMetadata": "adopts or releases",
                "Recheck": "looks for",
                "Get": "reads",
            }
            ref = getattr(request, "ref", None) or getattr(request, "pod", None)
            to = f" to {request.node}" if hasattr(request, "node") else ""
            return (
                f"{verb.get(type(request).__name__, 'patches')} {ref.kind if ref else ''} {ref.name if ref else ''}{to}"
            )


def _change(obj: Object, base: Object | None, subresource: str) -> str:
    before = getattr(getattr(base, "spec", None), "replicas", None)
    after = getattr(getattr(obj, "spec", None), "replicas", None)
    if subresource == "status":
        return " (status)"
    return f": {before} -> {after} replicas" if before != after else ""


# --- the machine ----------------------------------------------------------------------------------------------------


def processes_for(scenario: Scenario, objects: tuple[Object, ...], layout: Layout, parts: Parts) -> tuple[Process, ...]:
    """Return the processes of all components that take part."""
    pools = dict(layout.pools)
    constants = tuple(layout.constants.values())
    linear = scenario.consistency is Consistency.LINEARIZABLE

    def form(lagging: int) -> Form:
        return components.form_of(lagging, linearizable=linear, mixed=scenario.bounds.mixed_views)

    everyone = (*objects, *scenario.applied, *scenario.runs, *scenario.own.made)
    found: list[Process] = []
    found += workloads.processes(
        everyone,
        pools,
        constants,
        form=form,
        quiet=lambda one: partial(environment.past, _last_change(scenario, one)),
        status=parts.deployment_status,
        release=scenario.release,
        repeats=Switch.REPEATED_INDEXES in scenario.switches,
    )
    past_returns = scenario.consistency is Consistency.RESETTABLE
    selecting = None if past_returns else partial(_selectors_stay, len(scenario.script), pools)
    at_once = "Node" in pools or "PersistentVolumeClaim" in pools
    kinds = 1 if at_once or not any(kind in pools for kind in SPREADING) else 2
    found += scheduling.processes(
        scenario.schedulers,
        pools,
        constants,
        quiet=selecting,
        form=Form.CURRENT if nowhere_else(scenario) else form(kinds),
        scores=scenario.bounds.scores,
        switches=scenario.switches,
        crowd=scenario.crowd,
        release=scenario.release,
    )
    if scenario.descheduler is not None:
        found.append(descheduler.process(scenario.descheduler, pools, constants))
    if parts.endpoints:
        tracks = scenario.tracks_slices
        views = form(1) if tracks else Form.SNAPSHOT
        found += [
            components.endpointslice_process(one, pools, constants, form=views, tracks=tracks)
            for one in workloads.distinct(everyone, Service)
        ]
    if parts.budgets:
        resubmits = Switch.RESUBMITTED_BUDGETS in scenario.switches
        found += [
            components.disruption_process(one, pools, constants, form=form(1), resubmits=resubmits)
            for one in workloads.distinct(everyone, PodDisruptionBudget)
        ]
    if parts.unwatched:
        found = [_unwatched(one) for one in found]
    found += autoscaling.processes(everyone, pools, constants)
    found += quotas.processes(everyone, pools, constants, form=form(2), idle=quotas.roomy(scenario))
    others = frozenset(kind.name for kind in scenario.own.kinds if kind.cls is Unstructured)
    found.append(components.garbage_process(pools, constants, scenario.absent_owners, others))
    held = frozenset(one.ref.namespace for one in scenario.holders)
    spaces = pools.get("Namespace", ())
    needed = scenario.aggregated
    found += [components.namespace_process(place, pools, constants, held, others, needed) for place in spaces]
    found += own_processes.processes(scenario.own, everyone, pools, constants, form=form)
    back = faults.nodes_come_back(scenario)
    found += node_controllers.processes(
        pools,
        constants,
        lags=taint_eviction.lags(scenario, back=back),
        back=back,
        outage=Switch.LONE_EVICTIONS not in scenario.switches,
    )
    return tuple(components.remembering(one) for one in found)


def _unwatched(process: Process) -> Process:
    """Return a process where nobody watches some steps of Pods."""
    if process.user == scheduling.USER:
        return unwatched.prompt(process)
    return unwatched.counting(process) if process.user == workloads.REPLICASETS.controller else process


def _selectors_stay(steps: int, pools: dict[str, tuple[str, ...]], view: View) -> bool:
    """Tell whether no ReplicaSet will be made any more: the script is over and every Deployment has its current one.

    Not so where a restarted controller may see the past again.
    """
    if not environment.past(steps, view):
        return False
    made = {view.via(_template, slot) for slot in pools.get("ReplicaSet", ())}
    return all(view.via(_template, slot) in made for slot in pools.get("Deployment", ()))


def _template(obj: Object | None) -> PodTemplateSpec | None:
    """Return the template of a workload without the hash; None where there is no workload, which every place may be."""
    return plain_template(obj.spec.template) if isinstance(obj, Workload) else None


def _last_change(scenario: Scenario, one: Workload) -> int:
    """Return the number of script steps after which nothing in the script changes a workload."""
    touching = [
        number + 1
        for number, step in enumerate(scenario.script)
        if getattr(step, "name", "") == one.metadata.name or isinstance(step, kubectl.Apply | kubectl.DeleteObject)
    ]
    return max(touching, default=0)


def build(scenario: Scenario, parts: Parts, *starts: Initial) -> Cluster:
    """Make the machine of a scenario that starts in any of some states, which differ in what becomes of Pods.

    Raises `MachineError` where they differ in an object that nothing here changes.
    """
    parts = evolve(parts, budgets=parts.budgets or Parts.core(scenario).budgets)
    idle = quotas.roomy(scenario)
    starts = tuple(_looked_at(parts, one, idle) for one in starts)
    kept = starts[0].objects
    layout = layout_for(scenario, kept, parts)
    _same_constants(layout, starts)
    processes = processes_for(scenario, kept, layout, parts)
    proxies = [ref_of(one).name for one in kept if isinstance(one, Node)] if parts.endpoints else []
    proxies = proxies[:1] if parts.one_proxy else proxies
    struck = faults.struck_nodes(scenario, kept)
    memories = [slot for process in processes for slot in process.memories()]
    memories += [kubelets.proxy_slot(node) for node in proxies]
    memories += [
        script_slots.LISTED,
        *map(taint_eviction.slot, layout.pools["Pod"]),
        *layout.pools.get("PodDisruptionBudget", ()),
        *layout.pools.get("Job", ()),
        *layout.pools.get("EndpointSlice", ()),
        *layout.pools.get("PersistentVolume", ()),
        *map(node_state.cut_slot, struck),
        *([worlds.STALLED] if scenario.consistency is Consistency.RESETTABLE else []),
    ]
    if scenario.own:  # They may keep names and uids of each other wherever they like, and see the past again.
        memories += [*layout.slots(), worlds.STALLED]
    layout = evolve(layout, memories=tuple(memories))
    own = frozenset(kind.name for kind in scenario.own.kinds)
    world = World(layout, partial(serve, parts.deployment_status, config=config_of(scenario), own=own), describe)
    works = kubelets.Kubelets(
        world,
        layout.pools["Pod"],
        behaviour_of(scenario),
        fine=parts.fine_kubelets,
        struck=struck,
        early=Switch.EARLY_STATUS in scenario.switches,
        last=parts.unwatched and unwatched.ends_unseen(scenario),
        mounts=True,
    )
    script = environment.Environment(
        world, scenario.script, scenario.namespace, scenario.wait_between_steps, scenario.crowd
    )
    acts: list[Action] = [*environment.actions(script)]
    for process in processes:
        acts += world_steps.actions(world, process)
    back = faults.nodes_come_back(scenario)
    if "Node" in layout.pools and not taint_eviction.lags(scenario, back=back):
        acts += taint_eviction.actions(world, timed=not struck, back=back)
    if any(BY_KIND[kind].named for kind in layout.pools if kind in BY_KIND):
        acts += evicted_names.actions(world)
    acts += volumes.actions(world)
    acts += cron.actions(world, scenario, kept)
    acts += kubelets.actions(works)
    acts += metrics.actions(works, scenario, kept)
    slices = layout.pools.get("EndpointSlice", ())
    acts += [kubelets.proxy_action(node, slices, struck=node in struck) for node in proxies]
    if pressure.possible(scenario):
        acts += pressure.actions(works)
    if parts.faults:
        acts += _faults(scenario, world, processes, works, kept)
    slots = (_initial(scenario, layout, one, processes, world, proxies) for one in starts)
    machine = Machine(tuple(slots), tuple(acts), timers(_timing(scenario, works)))
    return Cluster(scenario, parts, world, processes, machine, struck, tuple(proxies))


def _timing(scenario: Scenario, works: kubelets.Kubelets) -> Timing:
    crashes, exits = scenario.faults.crash > 0, scenario.faults.container_crash > 0
    return Timing(works.world, works.struck, works.behaviour, kubelets_crash=crashes, containers_crash=exits)


def _looked_at(parts: Parts, start: Initial, idle: frozenset[Ref]) -> Initial:
    """Return a start without what nobody who takes part reads: slices beside no proxy, statuses of Deployments.

    Nor what nobody writes: the counts of idle quotas, which refuse nothing then.
    """
    return evolve(
        start,
        objects=tuple(
            one if parts.deployment_status else workloads.as_kept(one)
            for one in quotas.uncounted(start.objects, idle)
            if parts.endpoints or not isinstance(one, EndpointSlice)
        ),
    )


_TELLING = frozenset({"PodDisruptionBudget"})
"""Kinds that only tell what Pods there are. Where they have no places nobody reads them: the first start's will do."""


def _same_constants(layout: Layout, starts: tuple[Initial, ...]) -> None:
    constants = {one for ref, one in layout.constants.items() if ref.kind not in _TELLING}
    for start in starts:
        given = {one for one in start.objects if ref_of(one).kind not in (*layout.pools, *_TELLING)}
        if odd := sorted(str(ref_of(one)) for one in given ^ constants):
            raise MachineError(f"states to start from differ in what never changes: {odd[0]}")


def _faults(
    scenario: Scenario,
    world: World,
    processes: tuple[Process, ...],
    works: kubelets.Kubelets,
    objects: tuple[Object, ...],
) -> list[Action]:
    """Return what may befall a world, and what its controllers do where nodes fall silent and are heard again."""
    found = [*faults.actions(faults.Struck(scenario, world, processes, works))]
    if works.struck:
        found += node_controllers.silences(world)
        found += node_controllers.marks(world)
    if faults.nodes_come_back(scenario):
        found += node_controllers.reports(world, {one.metadata.name: one for one in faults.nodes_of(scenario, objects)})
    if scenario.consistency is Consistency.RESETTABLE:
        found += world_faults.stalling(world)
    return found


def _initial(
    scenario: Scenario,
    layout: Layout,
    start: Initial,
    processes: tuple[Process, ...],
    world: World,
    proxies: list[str],
) -> dict[str, Hashable]:
    slots: dict[str, Hashable] = {}
    slots |= place((one for one in start.objects if ref_of(one).kind in layout.pools), layout.pools, layout.homes)
    for slot in layout.pools["Pod"]:
        pod = slots[slot]
        slots[kubelets.runtime_slot(slot)] = start.runtimes.get(pod.metadata.uid) if isinstance(pod, Pod) else None
    slots |= taint_eviction.initial(dict(layout.pools))
    slots |= script_slots.initial()
    slots[worlds.OVERFLOW] = ""
    slots |= faults.budgets(scenario)
    slots |= cron.initial(start.objects)
    if struck := faults.struck_nodes(scenario, start.objects):
        slots |= node_state.initial(struck)
        slots |= {node_controllers.marking(place): False for place in layout.pools["Node"]}
    slots[worlds.LAGGING] = int(scenario.consistency is Consistency.RESETTABLE)
    slots[worlds.STALLED] = None
    store = dict(slots)
    for process in processes:
        slots |= worlds.initial(world, process, store)
    for node in proxies:
        slots[kubelets.proxy_slot(node)] = tuple(store[slot] for slot in layout.pools.get("EndpointSlice", ()))
    return slots
