"""Convergence: the reasons why a state is not yet what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import chain

from attrs import evolve

from ...impl.api.apps import DaemonSet, ReplicaSet, StatefulSet
from ...impl.api.batch import CronJob, Job
from ...impl.api.claim_names import CONVERGENCE, SENTENCES
from ...impl.api.core import Container, Node, Pod, PodCondition, PodSpec, PodStatus
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.storage import PersistentVolumeClaim, StorageClass
from ...impl.api.values.frozen import strings
from ...impl.api.well_known import REVISION_HASH
from ...impl.api.workloads import NAMES
from ...model.machine import Converges, Property, View
from ...model.world.store import reference
from ...properties.at_rest import Restless, from_scratch, settled
from ...properties.convergence import (
    claim_shortfall,
    is_lost,
    job_shortfalls,
    leaving,
    orphans,
    pod_shortfalls,
    shortfalls,
    unpublished,
)
from ..input.priorities import may_preempt
from ..world.cluster import Cluster
from ..world.controllers.cron import due_slot
from ..world.controllers.failed_jobs import FAILED
from ..world.controllers.node_controllers import stranded
from ..world.nodes.kubelets import proxy_slot
from ..world.nodes.node_state import boots_slot, up_slot
from ..world.script.script_slots import BLOCKED, GONE, REFUSED, SCRIPT, under_way
from .moments import script_over

Objects = tuple[Object, ...]
Told = Callable[[Objects], tuple[str, ...]]


def properties(cluster: Cluster) -> Iterator[Property]:
    """Yield that every fair run comes to the goal."""
    yield Converges(CONVERGENCE, SENTENCES[CONVERGENCE], goal(cluster), partial(script_over, cluster))


def goal(cluster: Cluster) -> Callable[[View], Iterator[str]]:
    """Return the goal of a cluster: a state without reasons is one where observed equals desired."""
    if cluster.parts.endpoints and cluster.parts.deployment_status:
        return partial(_goal, cluster, _reported)
    return partial(_goal, cluster, lru_cache(maxsize=None)(_reported_at_rest))


def _goal(cluster: Cluster, told: Told, view: View) -> Iterator[str]:
    """Yield the first reason met, Pods before workloads: nearly every state has a Pod on its way."""
    reason = first_shortfall(cluster, view)
    if reason:
        yield reason
        return
    yield from told(objects_of(cluster, view))
    yield from _stale_proxies(cluster, view)


def first_shortfall(cluster: Cluster, view: View) -> str:
    """Return one reason why the Pods and workloads are not what they should be, "" if they are."""
    layout = cluster.world.layout
    if view.via(under_way, SCRIPT):
        return "the drain is not over"
    dead = dead_nodes(cluster, view)
    for kind in layout.pools:
        for slot in layout.pools[kind]:
            reason = view.via(_leaves if dead and kind == "DaemonSet" else _shortfall, slot)
            if reason and not (dead and _is_lost(cluster, view, slot, dead)):
                return str(reason)
    deciding = _deciding(cluster, view, dead)
    return next(chain(shortfalls(deciding, dead), orphans(deciding), beside_workloads(cluster, view)), "")


def dead_nodes(cluster: Cluster, view: View) -> frozenset[str]:
    """Return the nodes that a fault has struck and that do not come up again."""
    return frozenset(node for node in cluster.struck if not view[up_slot(node)] and not view[boots_slot(node)])


def _is_lost(cluster: Cluster, view: View, slot: str, dead: frozenset[str]) -> bool:
    """Tell whether what is in a place is a Pod of a DaemonSet that is there, on a dead node."""
    sets = {one.metadata.uid for each in cluster.world.layout.pools.get("DaemonSet", ()) if (one := view[each])}
    return view[slot] is not None and is_lost(view[slot], dead, sets)


def beside_workloads(cluster: Cluster, view: View) -> Iterator[str]:
    """Say what no workload tells: Pods on dead nodes, what is gone or still going, and which steps failed."""
    yield from _stranded(cluster, view)
    yield from _unbound(cluster, view)
    yield from _missing(cluster, view)
    yield from _gone_in_failure(cluster, view)
    yield from _failed(cluster, view)
    yield from _unseen_starts(cluster, view)


def _shortfall(obj: Object | None) -> str:
    """Say what an object by itself is still short of."""
    match obj:
        case None:
            return ""
        case Pod():
            return next(pod_shortfalls(obj), "")
        case _:
            return next(leaving((obj,)), "") or _miscounted(obj)


def _leaves(obj: Object | None) -> str:
    """Say that an object is still being deleted; where nodes are dead a DaemonSet's counts are not asked for."""
    return "" if obj is None else next(leaving((obj,)), "")


def _miscounted(obj: Object) -> str:
    """Say what a workload that makes Pods itself has counted that is not what it wants; "" of all else."""
    if isinstance(obj, Job):
        return next(job_shortfalls(obj), "")
    if isinstance(obj, DaemonSet):
        wanted, ready = obj.status.desired_number_scheduled, obj.status.number_ready
        told = f"DaemonSet {obj.metadata.name} wants Pods on {wanted} nodes and says that {ready} have a ready one"
        return told if wanted != ready else ""
    if not isinstance(obj, ReplicaSet | StatefulSet):
        return ""
    wanted = obj.spec.wanted
    if wanted == obj.status.replicas == obj.status.ready_replicas:
        return ""
    counts = f"{obj.status.replicas} Pods, {obj.status.ready_replicas} ready"
    return f"{type(obj).__name__} {obj.metadata.name} wants {wanted} Pods and says {counts}"


def _unbound(cluster: Cluster, view: View) -> Iterator[str]:
    """Say which claims have no volume that are not waiting for a Pod, where volumes may come."""
    layout = cluster.world.layout
    slots = layout.pools.get("PersistentVolumeClaim", ())
    if slots and "PersistentVolume" in layout.pools:
        classes = (*layout.constants.values(), *(view[slot] for slot in layout.pools.get("StorageClass", ())))
        waiting = frozenset(
            cls.metadata.name
            for cls in classes
            if isinstance(cls, StorageClass) and cls.volume_binding_mode == "WaitForFirstConsumer"
        )
        keep = partial(_short_of_a_volume, waiting)
        yield from (line for slot in slots if (line := view.via(keep, slot)))


def _short_of_a_volume(waiting: frozenset[str], obj: Object | None) -> str:
    return claim_shortfall(obj, waiting) if isinstance(obj, PersistentVolumeClaim) else ""


def _stranded(cluster: Cluster, view: View) -> Iterator[str]:
    dead = dead_nodes(cluster, view)
    for slot in cluster.world.layout.pools["Pod"]:
        if (line := stranded(cluster.world, cluster.struck, view, slot)) and not _is_lost(cluster, view, slot, dead):
            yield line


def _unseen_starts(cluster: Cluster, view: View) -> Iterator[str]:
    """Say which CronJob has a start that has come due and was not seen to, though none of its Jobs is under way."""
    for slot in cluster.world.layout.pools.get("CronJob", ()):
        cron = view[slot]
        if not isinstance(cron, CronJob) or cron.spec.suspend or cron.status.active:
            continue
        if (cron.status.last_schedule_time or 0) < view[due_slot(ref_of(cron))]:
            yield f"a start of CronJob {cron.metadata.name} came due, and no Job was made for it"


# --- the script: what it asked for is there, and no step of it failed -------------------------------------------------


def _failed(cluster: Cluster, view: View) -> Iterator[str]:
    """Say which steps were refused and which drains were given up: what they asked for was wanted by somebody."""
    steps = cluster.scenario.script
    yield from (f"step {number + 1} ({steps[number]}) failed: {why}" for number, why in view[REFUSED])
    yield from (f"step {number + 1} ({steps[number]}) was given up" for number in view[BLOCKED])


def _missing(cluster: Cluster, view: View) -> Iterator[str]:
    """Say which object that the manifests or the script ask for is gone though the script did not delete it.

    What a step asks for that was refused is told as that (`_failed`).
    """
    layout = cluster.world.layout
    there = {ref for kind in layout.pools for slot in layout.pools[kind] if (ref := view.via(reference, slot))}
    gone: tuple[Ref, ...] = view[GONE]
    refused = {cluster.scenario.brings(number) for number, _ in view[REFUSED]}
    outranked = may_preempt(cluster.scenario)  # A Pod that nobody makes again may have to go for a more important one.
    for ref, owners in cluster.scenario.asked_for:
        excused = (
            ref in gone
            or ref in refused
            or ref in cluster.scenario.expiring
            or Ref("Namespace", "", ref.namespace) in gone
            or any(owner in gone for owner in owners)
        )
        if ref.kind in layout.pools and ref not in there and not excused and not (outranked and ref.kind == "Pod"):
            yield f"{ref.kind} {ref.name} is gone, though nobody was asked to delete it"


def _gone_in_failure(cluster: Cluster, view: View) -> Iterator[str]:
    """Say which Job had failed when a controller deleted it, and was not made again: its work is not done."""
    layout = cluster.world.layout
    failed: tuple[tuple[Ref, str], ...] = view[FAILED] if "Job" in layout.pools else ()
    if failed:
        there = {view.via(reference, slot) for slot in layout.pools["Job"]}
        gone: tuple[Ref, ...] = view[GONE]
        for ref, why in failed:
            if ref not in there and ref not in gone and Ref("Namespace", "", ref.namespace) not in gone:
                yield f"Job {ref.name} has failed ({why}) and is gone since, and none of its name was made again"


# --- what decides -----------------------------------------------------------------------------------------------------


def _deciding(cluster: Cluster, view: View, dead: frozenset[str]) -> Objects:
    """Return what decides about convergence, Pods without what does not; no Pod that is lost with its node."""
    layout = cluster.world.layout
    found: list[Object] = []
    for kind in (*NAMES, "ControllerRevision"):
        found += [one for slot in layout.pools.get(kind, ()) if (one := view[slot]) is not None]
    if any(isinstance(obj, DaemonSet) for obj in found):
        found += [obj for obj in layout.constants.values() if isinstance(obj, Node)]
        found += [one for slot in layout.pools.get("Node", ()) if (one := view[slot]) is not None]
    pods = (slot for slot in layout.pools["Pod"] if not (dead and _is_lost(cluster, view, slot, dead)))
    found += [one for slot in pods if (one := view.via(goal_pod, slot)) is not None]
    return tuple(found)


def goal_pod(obj: Object | None) -> Object | None:
    """Keep a Pod's owner, node, phase, readiness, whether it is being deleted, and which revision it says it is of."""
    if not isinstance(obj, Pod):
        return None
    meta = obj.metadata
    kept = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        deletion_timestamp=None if meta.deletion_timestamp is None else 0,
        owner_references=meta.owner_references,
    )
    spec = PodSpec(node_name=obj.spec.node_name)
    label, owner = meta.labels.get(REVISION_HASH), meta.controller
    if label or (owner is not None and owner.kind == "DaemonSet"):
        kept = evolve(kept, labels=strings({REVISION_HASH: label} if label else {}))
        spec = evolve(
            spec, containers=tuple(Container(container.name, container.image) for container in obj.spec.containers)
        )
    ready = tuple(
        PodCondition(condition.type, condition.status)
        for condition in obj.status.conditions
        if condition.type == "Ready"
    )
    return Pod(kept, spec, PodStatus(phase=obj.status.phase, conditions=ready))


def objects_of(cluster: Cluster, view: View) -> Objects:
    """Return every object of a state: those that never change and those in the places."""
    layout = cluster.world.layout
    return (*layout.constants.values(), *(one for slot in layout.slots() if (one := view[slot]) is not None))


def _reported(objects: Objects) -> tuple[str, ...]:
    return tuple(unpublished(objects))


def _reported_at_rest(objects: Objects) -> tuple[str, ...]:
    """Bring the observers to rest, from what they last wrote and from nothing, and say what they get wrong."""
    lines: list[str] = []
    for start in (objects, tuple(from_scratch(objects))):
        rest = settled(start)
        if isinstance(rest, Restless):
            return (str(rest),)
        lines += unpublished(rest.objects.values())
    return tuple(dict.fromkeys(lines))


def _stale_proxies(cluster: Cluster, view: View) -> Iterator[str]:
    for node in cluster.proxies:
        programmed = tuple(view[slot] for slot in cluster.world.layout.pools.get("EndpointSlice", ()))
        if view[proxy_slot(node)] != programmed:
            yield f"kube-proxy on {node} has not programmed the EndpointSlices"
