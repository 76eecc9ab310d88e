"""What it means for a cluster to have come to what was asked for: observed equals desired, and nothing is under way.

Two layers. `shortfalls` looks at what decides about Pods: workloads and the Pods themselves.
`unpublished` looks at what others are told: statuses, EndpointSlices, budgets. Both yield sentences, none where all
is well. The rule for workloads is that of the end-to-end recordings; a Service without any Pod to select is no
shortfall.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

from attrs import evolve
from immutabledict import immutabledict

from ..impl.api.apps import ControllerRevision, DaemonSet, Deployment, ReplicaSet, Sized, StatefulSet, Workload
from ..impl.api.batch import Job
from ..impl.api.core import Node, Pod, PodSpec, PodTemplateSpec, Service
from ..impl.api.kinds import Object, kind_of, ref_of
from ..impl.api.meta import Ref
from ..impl.api.policy import EndpointSlice, PodDisruptionBudget
from ..impl.api.storage import PersistentVolumeClaim
from ..impl.api.values.frozen import strings
from ..impl.api.values.selectors import selects
from ..impl.api.well_known import REVISION_HASH, SERVICE_NAME, TEMPLATE_HASH
from ..impl.api.workloads import BY_KIND, SCALED
from . import daemons

PAUSED = ": it is paused (kubectl rollout resume would do)"


def shortfalls(objects: Iterable[Object], dead: Collection[str] = ()) -> Iterator[str]:
    """Say what is not yet as the workloads and Pods should be; a DaemonSet is asked nothing of nodes that are dead."""
    given = tuple(objects)
    sets = {obj.metadata.uid for obj in given if isinstance(obj, DaemonSet)}
    known = tuple(obj for obj in given if not is_lost(obj, dead, sets))
    pods = [obj for obj in known if isinstance(obj, Pod)]
    workloads = [obj for obj in known if isinstance(obj, Workload)]
    for workload in workloads:
        if isinstance(workload, Deployment):
            yield from _deployment(
                workload, [rs for rs in workloads if isinstance(rs, ReplicaSet) and _controls(workload, rs)]
            )
    revisions = {ref_of(obj): obj for obj in known if isinstance(obj, ControllerRevision)}
    for workload in workloads:
        if isinstance(workload, Job):
            yield from job_shortfalls(workload)
        elif not isinstance(workload, Deployment):
            mine = [pod for pod in pods if pod.active and _controls(workload, pod)]
            yield from _maker(workload, mine, known, revisions, counts=not dead)
    for pod in pods:
        yield from pod_shortfalls(pod)


def leaving(objects: Iterable[Object]) -> Iterator[str]:
    """Say what is being deleted and still there, and what keeps it: Pods have a shortfall of their own for it."""
    for obj in objects:
        meta = obj.metadata
        if meta.terminating and not isinstance(obj, Pod):
            held = f": finalizers {', '.join(meta.finalizers)}" if meta.finalizers else ""
            yield f"{kind_of(obj).name} {meta.name} is still being deleted{held}"


def orphans(objects: Iterable[Object]) -> Iterator[str]:
    """Say which workloads and Pods are left though the workload that controlled them is gone."""
    known = tuple(objects)
    uids = {obj.metadata.uid for obj in known}
    for obj in known:
        owner = obj.metadata.controller
        followed = isinstance(obj, Workload | Pod) and owner is not None and owner.kind in BY_KIND
        if followed and owner is not None and owner.uid not in uids:
            yield f"{type(obj).__name__} {obj.metadata.name} is left, its {owner.kind} {owner.name} is gone"


def _controls(owner: Object, obj: Object) -> bool:
    controller = obj.metadata.controller
    return controller is not None and controller.uid == owner.metadata.uid


def _deployment(one: Deployment, sets: list[ReplicaSet]) -> Iterator[str]:
    wanted = one.spec.wanted
    current = [rs for rs in sets if plain_template(rs.spec.template) == plain_template(one.spec.template)]
    name = f"Deployment {one.metadata.name}"
    if not current:
        yield f"{name} has no ReplicaSet of its current template{PAUSED if one.spec.paused else ''}"
    elif sum(rs.spec.wanted for rs in current) != wanted:  # One that was adopted may be of the same template.
        sizes = ", ".join(f"ReplicaSet {rs.metadata.name} is at {rs.spec.wanted}" for rs in current)
        yield f"{name} wants {wanted} Pods of its current template, {sizes}"
    for rs in sets:
        if rs not in current and rs.spec.wanted:
            yield f"{name} still keeps {rs.spec.wanted} Pods of an old template in ReplicaSet {rs.metadata.name}"


def plain_template(template: PodTemplateSpec) -> PodTemplateSpec:
    """Return a Pod template without the hash that tells ReplicaSets apart."""
    labels = strings((key, value) for key, value in template.metadata.labels.items() if key != TEMPLATE_HASH)
    return evolve(template, metadata=evolve(template.metadata, labels=labels))


def is_lost(one: Object, dead: Collection[str], sets: Collection[str]) -> bool:
    """Tell whether an object is a dead node, or a Pod there of one of some DaemonSets, by their uids.

    Such a Pod neither runs nor goes, whatever its DaemonSet does, and there is none in its place.
    """
    if isinstance(one, Node):
        return one.metadata.name in dead
    owner = one.metadata.controller
    if not isinstance(one, Pod) or owner is None or owner.uid not in sets:
        return False
    named = daemons.meant_for(one)
    return bool(named) and named <= set(dead)


def _maker(
    one: Sized | DaemonSet,
    active: list[Pod],
    known: tuple[Object, ...],
    revisions: Mapping[Ref, ControllerRevision],
    *,
    counts: bool,
) -> Iterator[str]:
    """Say which Pods a workload that makes them is short of, or has of an old template, and what it miscounts."""
    if isinstance(one, DaemonSet):
        nodes = [node for node in known if isinstance(node, Node)]
        yield from daemons.missing(one, nodes, active, partial(_is_new, one, revisions))
        yield from daemons.miscounted(one, nodes, active) if counts else ()
        return
    yield from _counted(one, active)
    yield from _outdated(one, active, revisions) if isinstance(one, StatefulSet) else ()


def _counted(one: Sized, active: list[Pod]) -> Iterator[str]:
    """Say how many Pods a workload is short of, and what it says that is not so."""
    wanted, name = one.spec.wanted, f"{type(one).__name__} {one.metadata.name}"
    if len(active) != wanted:
        yield f"{name} has {len(active)} of {wanted} Pods"
    ready = sum(pod.ready for pod in active)
    counts = (one.status.replicas, one.status.ready_replicas)
    if counts != (len(active), ready):
        told = f"{counts[0]} Pods, {counts[1]} ready"
        yield f"{name} says {told}; there are {len(active)}, {ready} ready"


def job_shortfalls(job: Job) -> Iterator[str]:
    """Say what a Job is short of: its work is to be done, and it is to say so.

    Not so while it is suspended, or with a parallelism of 0, which pauses it likewise
    (kubernetes.io/docs/concepts/workloads/controllers/job, v1.32).
    """
    name, spec, status = f"Job {job.metadata.name}", job.spec, job.status
    conditions = {condition.type: condition for condition in status.conditions if condition.status == "True"}
    if failed := conditions.get("Failed"):
        yield f"{name} has failed: {failed.reason}{f' ({failed.message})' if failed.message else ''}"
    elif spec.suspend or not spec.at_once:
        if status.active:
            yield f"{name} is {'suspended' if spec.suspend else 'paused'} and still has {status.active} Pods"
    elif "Complete" not in conditions:
        wanted = "one of its Pods" if spec.completions is None else f"{spec.completions} Pods"
        yield f"{name} is not complete: {status.succeeded} have succeeded, {wanted} must"


def _outdated(one: StatefulSet, active: list[Pod], revisions: Mapping[Ref, ControllerRevision]) -> Iterator[str]:
    """Say which Pods are of another template though the set rolls its Pods, this one too, to its own."""
    rolling = one.spec.update_strategy.rolling_update
    if one.spec.update_strategy.type != "RollingUpdate":
        return
    first = one.spec.first + (0 if rolling is None else rolling.partition or 0)
    for pod in active:
        number = pod.metadata.name.rpartition("-")[2]
        if number.isdecimal() and int(number) >= first and not _is_new(one, revisions, pod):
            yield f"StatefulSet {one.metadata.name} still keeps {pod.metadata.name} of an old template"


def _is_new(one: StatefulSet | DaemonSet, revisions: Mapping[Ref, ControllerRevision], pod: Pod) -> bool:
    """Tell whether a Pod is of a workload's template: the revision that its label names is, and so are its images.

    Pods of DaemonSets from before there were revisions have no such label.
    """
    label = pod.metadata.labels.get(REVISION_HASH, "")
    name = f"{one.metadata.name}-{label}" if isinstance(one, DaemonSet) else label
    kept = revisions.get(Ref("ControllerRevision", one.metadata.namespace, name))
    unnamed = isinstance(one, DaemonSet) and not label
    same = unnamed or (kept is not None and _bare(kept.data.spec.template) == _bare(one.spec.template))
    return same and _images(pod.spec) == _images(one.spec.template.spec)


def _images(spec: PodSpec) -> tuple[tuple[str, str], ...]:
    return tuple((container.name, container.image) for container in spec.containers)


def _bare(template: PodTemplateSpec) -> PodTemplateSpec:
    """Return a template without what says that it is a patch."""
    return evolve(template, extra=immutabledict())


def pod_shortfalls(pod: Pod) -> Iterator[str]:
    """Say what a Pod by itself is still short of: gone if it is being deleted, else bound, and ready or finished."""
    name = f"Pod {pod.metadata.name}"
    if pod.metadata.terminating:
        held = f": finalizers {', '.join(pod.metadata.finalizers)}" if pod.metadata.finalizers else ""
        yield f"{name} is still being deleted{held}"
    elif not pod.spec.node_name:
        yield f"{name} is not bound to any node"
    elif pod.status.phase == "Failed" and _is_a_record(pod):
        return
    elif pod.status.phase == "Failed" or (not pod.ready and pod.status.phase != "Succeeded"):
        yield f"{name} on {pod.spec.node_name} is {pod.status.phase or 'not started'} and not ready"


def claim_shortfall(claim: PersistentVolumeClaim, waiting: Collection[str]) -> str:
    """Say what a claim is short of, "" for nothing: a volume, unless its class is one that waits for a Pod (`waiting`).

    A Pod that waits for such a claim says so itself.
    """
    name, wanted = f"PersistentVolumeClaim {claim.metadata.name}", claim.spec.storage_class_name
    if claim.status.phase == "Lost":
        return f"{name} has lost its volume {claim.spec.volume_name}"
    if claim.status.phase == "Bound" or wanted in waiting:
        return ""
    of = f"of class {wanted}" if wanted else "without a class" if wanted == "" else "that names no class"
    return f"{name} {of} is not bound to any volume"


def _is_a_record(pod: Pod) -> bool:
    """Tell whether a Pod that is over is nobody's loss: its Job, or its ReplicaSet, says whether others do its work.

    A ReplicaSet makes another one and leaves it there (pkg/controller/controller_utils.go, FilterActivePods, v1.32);
    controllers of other workloads delete it.
    """
    owner = pod.metadata.controller
    return owner is not None and owner.kind in {"Job", "ReplicaSet"}


# --- what others are told -------------------------------------------------------------------------------------------


def unpublished(objects: Iterable[Object]) -> Iterator[str]:
    """Say which statuses, EndpointSlices and budgets do not tell what the Pods are."""
    known = tuple(objects)
    for obj in known:
        match obj:
            case Deployment():
                yield from _deployment_status(obj, known)
            case StatefulSet() | DaemonSet() if obj.status.observed_generation != obj.metadata.generation:
                told = f"{type(obj).__name__} {obj.metadata.name}"
                yield f"{told} reports on an old generation, {obj.status.observed_generation}"
            case Service():
                yield from _endpoints(obj, known)
            case PodDisruptionBudget():
                yield from _budget(obj, known)
            case _:
                pass


def _deployment_status(one: Deployment, known: tuple[Object, ...]) -> Iterator[str]:
    sets = [rs for rs in known if isinstance(rs, ReplicaSet) and _controls(one, rs)]
    pods = [pod for pod in known if isinstance(pod, Pod) and pod.active and any(_controls(rs, pod) for rs in sets)]
    ready = sum(pod.ready for pod in pods)
    told = (one.status.replicas, one.status.ready_replicas)
    if told != (len(pods), ready):
        counts = f"{told[0]} Pods, {told[1]} ready; there are {len(pods)}, {ready} ready"
        yield f"Deployment {one.metadata.name} reports {counts}"
    if one.status.observed_generation != one.metadata.generation:
        yield f"Deployment {one.metadata.name} reports on generation {one.status.observed_generation}, an old one"


def _endpoints(one: Service, known: tuple[Object, ...]) -> Iterator[str]:
    """Say which Pods a Service does not tell of; nobody writes slices of one without selector, or of type ExternalName.

    Upstream: syncService in pkg/controller/endpointslice/endpointslice_controller.go (v1.32).
    """
    if not one.spec.selector or one.spec.type == "ExternalName":
        return
    ready = {
        pod.metadata.uid: pod.metadata.name
        for pod in known
        if isinstance(pod, Pod) and pod.active and pod.ready and _selected(one, pod)
    }
    told = {
        (endpoint.target_ref.uid, endpoint.target_ref.name, bool(endpoint.conditions.ready))
        for piece in known
        if isinstance(piece, EndpointSlice)
        and piece.metadata.namespace == one.metadata.namespace
        and piece.metadata.labels.get(SERVICE_NAME) == one.metadata.name
        for endpoint in piece.endpoints
        if endpoint.target_ref is not None
    }
    published = {uid: name for uid, name, is_ready in told if is_ready}
    unready = {uid for uid, _, is_ready in told if not is_ready}
    for missing in sorted(ready.keys() - published.keys()):
        yield f"Service {one.metadata.name} does not publish the ready Pod {ready[missing]}"
    for uid in sorted(ready.keys() & published.keys() & unready):
        name = one.metadata.name
        yield f"Service {name} publishes the ready Pod {ready[uid]} in one slice as ready, in another one as not"
    if not one.spec.publish_not_ready_addresses:
        for surplus in sorted(published.keys() - ready.keys()):
            yield f"Service {one.metadata.name} publishes {published[surplus]}, which is not a ready Pod"


def _selected(service: Service, pod: Pod) -> bool:
    same = pod.metadata.namespace == service.metadata.namespace
    return same and all(pod.metadata.labels.get(key) == value for key, value in service.spec.selector.items())


def _budget(one: PodDisruptionBudget, known: tuple[Object, ...]) -> Iterator[str]:
    if one.status.observed_generation == one.metadata.generation:
        return
    told = f"PodDisruptionBudget {one.metadata.name} has not been counted in its current form"
    if isinstance(one.spec.min_available, int):
        yield told
        return
    owners = (pod.metadata.controller for pod in known if isinstance(pod, Pod) and _is_under(one, pod))
    unsized = sorted({f"{owner.kind} {owner.name}" for owner in owners if owner and owner.kind not in SCALED})
    why = f": {', '.join(unsized)} has no number of Pods to take a part of; minAvailable as a number would do"
    yield told + (why if unsized else "")


def _is_under(one: PodDisruptionBudget, pod: Pod) -> bool:
    return pod.metadata.namespace == one.metadata.namespace and selects(one.spec.selector, pod.metadata.labels)
