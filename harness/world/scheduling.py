"""The schedulers of a world: what one keeps of the objects, what it decides, and the writes by which it makes room.

Upstream: pkg/scheduler/schedule_one.go (handleSchedulingFailure), pkg/scheduler/framework/preemption/preemption.go
(prepareCandidate), pkg/scheduler/util/utils.go (v1.32).

Any waiting Pod may be tried next, any of the best nodes may be chosen. A Pod that fits nowhere may evict Pods of lower
priority: mark each victim (DisruptionTarget), delete it, take back lower nominations for the node, nominate the Pod.
Each of these is a request of its own; a turn that is not over keeps the scheduler from deciding anything else. Which of
several Pods of equal priority started first is not known here, so every choice that some order gives is taken.
A preemption that changes nothing sends nothing: where no priorities differ there is none.

Left out on purpose: the PodScheduled condition of a Pod that waits, the queue (see `impl.scheduler`). A Pod is
bound right after its volumes are chosen, and it is its kubelet that waits for them, not the scheduler. The
victims of one preemption go one after the other, the most important first; the real ones all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from attrs import evolve

from ...impl.api.apps import Sized
from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod, PodCondition, PodSpec, PodStatus
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.policy import PodDisruptionBudget, PodDisruptionBudgetStatus
from ...impl.api.releases import NEWEST, Release
from ...impl.api.requests import Bind, Delete, PatchStatus, Request
from ...impl.api.well_known import DISRUPTION_TARGET
from ...impl.api.workloads import SPREADING, only_selector
from ...impl.apiserver.verbs.binding import with_condition
from ...impl.controllers.common import Keep, slim_metadata
from ...impl.scheduler.filtering import Ready, prepare
from ...impl.scheduler.framework import Snapshot
from ...impl.scheduler.plugins.preemption import Candidate, choices, written_to
from ...impl.scheduler.plugins.priority_sort import priority
from ...impl.scheduler.plugins.volumes.volume_binding import pre_bind
from ...impl.scheduler.profile import default_profile
from ...impl.scheduler.schedule import Decision, decide
from ...model.machine import View
from ...model.world.store import Stored
from ...model.world.turn import Requests
from ...model.world.world import Alternatives, Form, Process, Watch
from ..input.scenario import DEFAULT_SCHEDULER, NOBODY, Crowd, Schedulers, Switch
from .reductions.crowd import choosable

Quiet = Callable[[View], bool]
Pools = dict[str, tuple[str, ...]]

USER = "scheduler"
"""What a scheduler is called, and what the names of its processes begin with."""
BY_SCHEDULER = "PreemptionByScheduler"
LOOKED_AT = (
    "CSINode",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "PodDisruptionBudget",
    "StorageClass",
)
"""The kinds that decide where a Pod may go, beside Pods, where they change."""
SELECTING = (*SPREADING, "Service")
"""The kinds whose selectors count for default spreading."""


# --- processes ------------------------------------------------------------------------------------------------------


def processes(
    schedulers: Schedulers,
    pools: Pools,
    constants: tuple[Object, ...],
    *,
    quiet: Quiet | None,
    form: Form,
    scores: bool = True,
    switches: Collection[Switch] = (),
    crowd: Crowd = NOBODY,
    release: Release = NEWEST,
) -> tuple[Process, ...]:
    """Make the schedulers: the first is called as all of them are where there is one, the others are numbered.

    `scores` False lets a Pod go to any feasible node: what is known of images and of other Pods may not be all. Of a
    `crowd` every node is chosen that some of it makes best.

    `quiet` tells when no workload or Service (whose selectors count for default spreading) will come any more. Where
    nodes change a scheduler has seen all kinds up to the same moment: replacements on a node whose cordon only the
    scheduler has not seen yet would be evicted for ever anew, which says nothing and multiplies everything.
    """
    names = [f"{USER} {number + 1}" if number else USER for number in range(len(schedulers.names))]
    acts = [partial(_act, name, scores, switches, crowd, release) for name in schedulers.names]
    constants = (*constants, *crowd.placed)
    return tuple(_process(name, act, pools, constants, quiet, form) for name, act in zip(names, acts, strict=True))


def _process(
    name: str,
    act: Callable[[Cache, Ref], Alternatives],
    pools: Pools,
    constants: tuple[Object, ...],
    quiet: Quiet | None,
    form: Form,
) -> Process:
    watches = [Watch("Pod", pools["Pod"], kept_pod)]
    watches += [Watch(kind, pools[kind], kept_other) for kind in LOOKED_AT if kind in pools]
    watches += [Watch(kind, pools[kind], kept_other, quiet) for kind in SELECTING if kind in pools]
    return Process(
        name=name,
        group=name,
        user=USER,
        key=Ref("Scheduler", "", name),
        watches=tuple(watches),
        constants=tuple(kept for obj in constants if (kept := kept_constant(obj)) is not None),
        act=act,
        form=form,
        sees_own=frozenset({"Pod", "PersistentVolumeClaim", "PersistentVolume"}),
    )


def named(pod: Pod) -> str:
    """Return the name of the scheduler that a Pod leaves itself to."""
    return pod.spec.scheduler_name or DEFAULT_SCHEDULER


# --- what a scheduler keeps -----------------------------------------------------------------------------------------


def kept_pod(_uid: str, obj: Object | None) -> Object | None:
    """Keep what the scheduler reads of a Pod; a finished one has left its watch (status.phase is in its selector)."""
    if not isinstance(obj, Pod) or obj.finished:
        return None
    meta = slim_metadata(obj.metadata, Keep(labels=True, owners=True))
    marks = tuple(
        PodCondition(condition.type, condition.status, condition.reason)
        for condition in obj.status.conditions
        if condition.type == DISRUPTION_TARGET and condition.reason == BY_SCHEDULER
    )
    return Pod(meta, obj.spec, PodStatus(conditions=marks, nominated_node_name=obj.status.nominated_node_name))


def kept_other(_uid: str, obj: Object | None) -> Object | None:
    """Keep what says which Pods a workload, a Service or a budget is about, and what a node has to offer."""
    match obj:
        case Node():
            return kept_constant(obj)
        case Namespace():
            return Namespace(slim_metadata(obj.metadata, Keep(labels=True)))
        case PodDisruptionBudget():
            status = PodDisruptionBudgetStatus(
                disruptions_allowed=obj.status.disruptions_allowed, disrupted_pods=obj.status.disrupted_pods
            )
            return PodDisruptionBudget(slim_metadata(obj.metadata, Keep()), obj.spec, status)
    return only_selector(obj, slim_metadata(obj.metadata, Keep())) if isinstance(obj, Sized) else obj


def kept_constant(obj: Object | None) -> Object | None:
    """Keep a node's labels, spec and what it has; its conditions do not matter to placement. Of a Pod as ever."""
    if isinstance(obj, Pod):
        return kept_pod("", obj)
    if isinstance(obj, Node):
        status = evolve(obj.status, conditions=(), capacity=obj.status.allocatable)
        return Node(slim_metadata(obj.metadata, Keep(labels=True)), obj.spec, status)
    return obj


# --- what it decides ------------------------------------------------------------------------------------------------


def _act(
    name: str,
    scores: bool,  # noqa: FBT001 - bound by partial
    switches: Collection[Switch],
    crowd: Crowd,
    release: Release,
    cache: Cache,
    _key: Ref,
) -> Alternatives:
    """Return the syncs a scheduler may perform: a binding, or the writes of a preemption."""
    snapshot = Snapshot.of(cache)
    if Switch.UNCOUNTED_NOMINATIONS in switches:
        snapshot = evolve(snapshot, nominated={})
    found: list[Requests] = []
    for pod in cache.list(Pod):
        if waits(pod) and named(pod) == name:
            decision = decide(pod, snapshot, default_profile(release))
            promised = pod.status.nominated_node_name in decision.best
            nodes = decision.best if promised else choosable(pod, snapshot, decision, crowd, release, scores=scores)
            found += [(*_volumes(pod, node, cache), Bind(ref_of(pod), node, pod.metadata.uid)) for node in nodes]
            if not decision.best:
                found += _preemptions(snapshot, pod, decision, release)
    return tuple(found)


def _volumes(pod: Pod, name: str, cache: Cache) -> Requests:
    """Return the writes by which a Pod's volumes are chosen with its node."""
    node = cache.get(Node, Ref("Node", "", name))
    return () if node is None else pre_bind(pod, node, cache)


def waits(pod: Pod) -> bool:
    """Tell whether a Pod is in a scheduler's hands."""
    return not pod.spec.node_name and not pod.metadata.terminating


def _preemptions(snapshot: Snapshot, pod: Pod, decision: Decision, release: Release) -> Iterator[Requests]:
    """Yield the writes by which room is made for a Pod, for each choice of node and victims that there is."""
    found = decision.preemption
    ready = prepare(snapshot, pod, default_profile(release)) if found.candidates else None
    if isinstance(ready, Ready):
        for choice in choices(snapshot, pod, found, ready):
            yield tuple(_making_room(snapshot, pod, choice, release))
    elif found.message and not found.ineligible and pod.status.nominated_node_name:
        yield (_nominate(pod, ""),)


def _making_room(snapshot: Snapshot, pod: Pod, chosen: Candidate, release: Release) -> Iterator[Request]:
    for victim in written_to(chosen.victims, release):
        if victim.status.condition(DISRUPTION_TARGET) is None:
            yield _mark(victim, named(pod))
        if not victim.metadata.terminating:
            yield Delete(ref_of(victim))
    for other in snapshot.nominated.get(chosen.node, ()):
        if priority(other) < priority(pod):
            yield _nominate(other, "")
    if pod.status.nominated_node_name != chosen.node:
        yield _nominate(pod, chosen.node)


# --- what it writes -------------------------------------------------------------------------------------------------


def _mark(victim: Pod, scheduler: str) -> PatchStatus:
    message = f"{scheduler}: preempting to accommodate a higher priority pod"
    mark = PodCondition(type=DISRUPTION_TARGET, status="True", reason=BY_SCHEDULER, message=message)
    return _patch(victim, PodStatus(conditions=(mark,)))


def _nominate(pod: Pod, node: str) -> PatchStatus:
    return _patch(pod, PodStatus(nominated_node_name=node))


def _patch(pod: Pod, status: PodStatus) -> PatchStatus:
    meta = ObjectMeta(name=pod.metadata.name, namespace=pod.metadata.namespace)
    return PatchStatus(Pod(meta, PodSpec(), status))


def merged(stored: Stored, request: PatchStatus) -> PatchStatus:
    """Lay a scheduler's patch over the status as it is stored: its condition if it has one, else its nomination.

    A strategic merge patch holds what the scheduler has changed and nothing else, so whatever the kubelet has written
    meanwhile stays as it is.
    """
    found = stored.get(ref_of(request.object))
    if not isinstance(found, Pod) or not isinstance(request.object, Pod):
        return request
    wanted = request.object.status
    if not wanted.conditions:
        status = evolve(found.status, nominated_node_name=wanted.nominated_node_name)
        return evolve(request, object=evolve(found, status=status))
    status = found.status
    for condition in wanted.conditions:
        status = with_condition(status, condition, 0)
    return evolve(request, object=evolve(found, status=status))


def told(request: PatchStatus) -> str:
    """Say what a scheduler's patch does."""
    pod = request.object
    if not isinstance(pod, Pod):
        return "patches a status"
    if request.merge:
        return f"says of Pod {pod.metadata.name} why it goes"
    if pod.status.conditions:
        return f"marks Pod {pod.metadata.name} for preemption"
    node = pod.status.nominated_node_name
    return (
        f"nominates Pod {pod.metadata.name} for {node}" if node else f"takes back the nomination of {pod.metadata.name}"
    )
