"""A live cluster, as `kubectl get -A -o json` prints it: what is in it, and the state it is in.

What the API server and the controllers have written is taken as it is, in the words of a world: a uid is an object's
reference, so owners are found by name; versions, times and who manages which field are left out; a generation is 1, or
2 while the status is about an older one; a Pod has the address and the status that its kubelet gives it here, and
endpoints the same address as their Pods. What runs is told from the status. A Pod that is terminating may be at any
point of that: it begins with the first, and a kubelet may go on at once.

Nobody makes Pods whose owners are not modelled (a Job, a node's static Pods) or not in the dump, so these stay as they
are, and once they are gone they stay away; of such kinds this is a note, since a claim may hang on it. Of a DaemonSet
whose revisions are not in the dump the one of its template is made as its Pods name it.
Left out on purpose: what no controller here reads of a status, Events and Leases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from pathlib import PurePath
from typing import Any, cast

from attrs import evolve, frozen
from immutabledict import immutabledict

from ....impl.api.apps import ControllerRevision, DaemonSet, StatefulSet, Workload, WorkloadCondition
from ....impl.api.batch import Job
from ....impl.api.core import Namespace, Node, Pod, PodCondition, PodStatus, Service
from ....impl.api.kinds import BY_NAME, Object, ref_of
from ....impl.api.meta import ObjectMeta, OwnerReference, Ref
from ....impl.api.policy import Endpoint, EndpointSlice, PodDisruptionBudget
from ....impl.api.reading.load import BadInput, Note, Problem, Text, objects_in
from ....impl.api.runtime import IDLE, PodRuntime, Stage
from ....impl.api.values.frozen import EMPTY, strings
from ....impl.api.well_known import DAEMONSET_GENERATION, REVISION_HASH, TEMPLATE_GENERATION
from ....impl.apiserver.defaulting.defaulting import default
from ....impl.apiserver.storage import with_meta
from ....impl.apiserver.verbs.create import uid_of
from ....impl.controllers.common import controller_of
from ....impl.controllers.history import data_of
from ....impl.kubelet.status import OWNED, pod_ip, status
from ....impl.kubelet.worker import started_with
from ...world.api_server import canonical
from ...world.cluster import Initial
from ..assumed.surroundings import ALWAYS
from .manifests import Manifests, settled, sources_of

LEFT_ALONE = frozenset({"Event", "Lease", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
"""Modelled kinds that nothing in a cluster's world looks at."""
NOBODY_MAKES = frozenset({"ControllerRevision", "Endpoints"})
"""Kinds that are not modelled and that change nothing for as long as nobody touches them."""
OF_SERVER = frozenset({"endpoints.kubernetes.io/last-change-trigger-time"})
"""Annotations that say when something was done."""


@frozen
class Live:
    """The state of a cluster, and what is to be said of it: what may matter to a claim, and what is only remarked."""

    start: Initial
    notes: tuple[Note, ...] = ()


def read_dump(name: str, text: str) -> Manifests:
    """Read what an API server printed, as it printed it. Raises BadInput."""
    loaded = objects_in([Text("stdin" if name == "-" else name, text)], served=True)
    noted = [note for note in loaded.unmodelled if not (note.kind in LEFT_ALONE or note.field.startswith("status"))]
    return Manifests(
        tuple(settled(obj.object) for obj in loaded.objects),
        sources_of(loaded),
        tuple(evolve(note, claims=() if note.kind in NOBODY_MAKES else note.claims) for note in noted),
        loaded.others,
    )


def live(found: Manifests) -> Live:
    """Return the state of a cluster that a dump shows. Raises BadInput where it has no nodes."""
    kept, lost = without_lost(found)
    objects = [obj for obj in kept.objects if ref_of(obj).kind not in LEFT_ALONE]
    if not any(isinstance(obj, Node) for obj in objects):
        hint = "kubectl get nodes,pods,deployments,replicasets,services,endpointslices,pdb -A -o json has them"
        raise BadInput((Problem(_file(found), 0, "", "the dump has no nodes", hint),))
    names = _Names(tuple(objects))
    translated = [names.translated(obj) for obj in objects]
    runtimes = {pod.metadata.uid: runtime_of(pod) for pod in translated if isinstance(pod, Pod)}
    told = [_told(obj, runtimes.get(obj.metadata.uid)) for obj in translated]
    addressed = names.addressed(told)
    made = tuple(_revisions(addressed))
    start = Initial(
        tuple(sorted((*addressed, *made, *_spaces(addressed)), key=ref_of)),
        immutabledict((uid, runtime) for uid, runtime in sorted(runtimes.items()) if runtime is not None),
    )
    name = _file(found)
    lost = (*lost, *_forgotten(objects), *_unlabelled((*addressed, *made)))
    remarks = (Note(name, 0, "", "cluster", text, ()) for text in (*_ownerless(objects), *_unready(start)))
    return Live(start, (*(Note(name, 0, "", "cluster", text) for text in lost), *remarks))


def without_lost(found: Manifests) -> tuple[Manifests, tuple[str, ...]]:
    """Leave out Pods on nodes that the dump does not have: they run, but nobody can tell beside whom."""
    nodes = {obj.metadata.name for obj in found.objects if isinstance(obj, Node)}
    lost = [
        obj
        for obj in found.objects
        if isinstance(obj, Pod) and not obj.finished and obj.status.phase and obj.spec.node_name not in {"", *nodes}
    ]
    notes = tuple(
        f"{where(found, pod)}Pod {pod.metadata.name} runs on node {pod.spec.node_name}, which the dump does not have"
        for pod in lost
    )
    return evolve(found, objects=tuple(obj for obj in found.objects if obj not in lost)), notes


def where(found: Manifests, one: Object) -> str:
    """Return the place of an object in its file, to be put before what is said of it."""
    source = found.sources.get(ref_of(one))
    return f"{source.file}:{source.line}: " if source else ""


def _file(found: Manifests) -> str:
    return next((PurePath(source.file).name for source in found.sources.values()), "the dump")


def _spaces(objects: Iterable[Object]) -> Iterator[Namespace]:
    """Yield the namespaces that must be there though the dump does not show them."""
    there = {obj.metadata.name for obj in objects if isinstance(obj, Namespace)}
    used = {*ALWAYS, *(obj.metadata.namespace for obj in objects)} - {""}
    for name in sorted(used - there):
        yield Namespace(ObjectMeta(name=name, uid=uid_of(Ref("Namespace", "", name))))


# --- names ------------------------------------------------------------------------------------------------------------


class _Names:
    """Who is who: the uids of a dump, and the addresses of its Pods.

    An owner of a kind that the dump has none of is left out: it is there, and nobody would know it.
    """

    def __init__(self, objects: tuple[Object, ...]) -> None:
        self.refs = {obj.metadata.uid: ref_of(obj) for obj in objects if obj.metadata.uid}
        self.shown = {ref_of(obj).kind for obj in objects}
        self.old = {ref_of(obj): obj.status.pod_ip for obj in objects if isinstance(obj, Pod)}

    def translated(self, obj: Object) -> Object:
        """Return an object with the uids of a world, and without versions, times and managers."""
        meta = obj.metadata
        ref = ref_of(obj)
        owners = (owner for owner in meta.owner_references if owner.kind not in BY_NAME or owner.kind in self.shown)
        placed = default(
            with_meta(
                obj,
                uid=uid_of(ref),
                resource_version="",
                creation_timestamp=0,
                deletion_timestamp=(meta.deletion_grace_period_seconds or 0) if meta.terminating else None,
                annotations=strings((key, meta.annotations[key]) for key in meta.annotations if key not in OF_SERVER),
                owner_references=tuple(self._owner(owner, ref.namespace) for owner in owners),
                extra=EMPTY,
            )
        )
        known = canonical(placed)
        return placed if known is None else known

    def _owner(self, owner: OwnerReference, namespace: str) -> OwnerReference:
        """Point to an owner by its name, and to one of another uid (gone, and made anew under its name) as it was."""
        kind = BY_NAME.get(owner.kind)
        named = Ref(owner.kind, namespace if kind is None or kind.namespaced else "", owner.name)
        mine = self.refs.get(owner.uid, named if named not in self.refs.values() else None)
        return evolve(owner, uid=uid_of(mine) if mine else owner.uid, extra=EMPTY)

    def addressed(self, objects: Iterable[Object]) -> tuple[Object, ...]:
        """Return endpoints the addresses that their Pods have here."""
        given = tuple(objects)
        pods = {ref_of(obj): obj for obj in given if isinstance(obj, Pod)}
        addresses = {self.old[ref]: pod.status.pod_ip or pod_ip(pod) for ref, pod in pods.items() if self.old.get(ref)}
        return tuple(self._slice(obj, pods, addresses) if isinstance(obj, EndpointSlice) else obj for obj in given)

    def _slice(self, one: EndpointSlice, pods: dict[Ref, Pod], addresses: dict[str, str]) -> EndpointSlice:
        return evolve(one, endpoints=tuple(self._endpoint(each, pods, addresses) for each in one.endpoints))

    def _endpoint(self, one: Endpoint, pods: dict[Ref, Pod], addresses: dict[str, str]) -> Endpoint:
        target = one.target_ref
        if target is None or target.kind != "Pod":
            return one
        ref = Ref("Pod", target.namespace, target.name)
        named = evolve(target, uid=uid_of(ref), extra=EMPTY)
        known = pods.get(ref)
        own = known.status.pod_ip or pod_ip(known) if known else pod_ip(Pod(ObjectMeta(uid=uid_of(ref))))
        moved = tuple(addresses.get(each, own if "." in each else each) for each in one.addresses)
        return evolve(one, addresses=moved, target_ref=named, hints=None, extra=EMPTY)


# --- what runs --------------------------------------------------------------------------------------------------------


def runtime_of(pod: Pod) -> PodRuntime | None:
    """Return what runs for a Pod, as its status tells; None where nothing does."""
    statuses = pod.status.container_statuses
    if not pod.spec.node_name or pod.finished or not statuses:
        return None
    reasons = {str((container_status.state.get("waiting") or EMPTY).get("reason", "")) for container_status in statuses}
    restarts = max(container_status.restart_count for container_status in statuses)
    uid = pod.metadata.uid
    if "CrashLoopBackOff" in reasons:
        return PodRuntime(
            Stage.RUNNING, uid, ready=False, restarts=restarts, reason="CrashLoopBackOff", images=started_with(pod)
        )
    if reasons & {"ImagePullBackOff", "ErrImagePull"}:
        return PodRuntime(Stage.STARTING, uid, restarts=restarts, reason="ImagePullBackOff")
    ended = [
        container_status.state["terminated"] for container_status in statuses if "terminated" in container_status.state
    ]
    if len(ended) == len(statuses) and (pod.metadata.terminating or pod.spec.restart_policy == "Never"):
        code = max(int(terminated.get("exitCode", 0)) for terminated in ended)
        return PodRuntime(Stage.STOPPED, uid, exit_code=code, restarts=restarts)
    if ended or any("running" in container_status.state for container_status in statuses):
        return PodRuntime(
            Stage.RUNNING,
            uid,
            ready=all(container_status.ready for container_status in statuses),
            restarts=restarts,
            images=started_with(pod),
        )
    return None


def _told(obj: Object, runtime: Hashable) -> Object:
    """Return an object with the status that its controllers write here of what there is."""
    match obj:
        case Pod():
            return _told_pod(obj, runtime if isinstance(runtime, PodRuntime) else IDLE)
        case Node():
            well = tuple(
                evolve(condition, last_heartbeat_time=None, last_transition_time=None, extra=EMPTY)
                for condition in obj.status.conditions
            )
            taints = tuple(evolve(taint, extra=EMPTY) for taint in obj.spec.taints)
            spec = evolve(obj.spec, taints=taints, extra=EMPTY)
            return evolve(obj, spec=spec, status=evolve(obj.status, conditions=well, extra=EMPTY))
        case PodDisruptionBudget():
            return evolve(obj, status=evolve(obj.status, conditions=_plain(obj.status.conditions), extra=EMPTY))
        case Service():
            return evolve(obj, extra=EMPTY)
    if isinstance(obj, Job):
        plain = tuple(
            evolve(condition, last_probe_time=None, last_transition_time=None) for condition in obj.status.conditions
        )
        return evolve(obj, status=evolve(obj.status, conditions=plain, start_time=None, completion_time=None))
    if isinstance(obj, Workload):
        told: Any = evolve(cast("Any", obj.status), conditions=_undated(obj.status.conditions), extra=EMPTY)
        return evolve(obj, status=told)
    return obj


def _undated(conditions: tuple[WorkloadCondition, ...]) -> tuple[WorkloadCondition, ...]:
    return tuple(
        evolve(condition, last_update_time=None, last_transition_time=None, extra=EMPTY) for condition in conditions
    )


def _plain(conditions: Any) -> Any:
    """Leave out of conditions when they changed, and how many generations there were."""
    dated = {"lastTransitionTime", "observedGeneration"}
    return tuple(
        immutabledict((key, condition[key]) for key in condition if key not in dated) for condition in conditions or ()
    )


def _told_pod(pod: Pod, runtime: PodRuntime) -> Pod:
    others = tuple(
        PodCondition(condition.type, condition.status, condition.reason, last_transition_time=0)
        for condition in pod.status.conditions
        if condition.type not in OWNED and (pod.spec.node_name or condition.type != "PodScheduled")
    )
    kept = PodStatus(
        phase=pod.status.phase or "Pending",
        conditions=others,
        reason=pod.status.reason,
        nominated_node_name=pod.status.nominated_node_name,
        qos_class=pod.status.qos_class,
    )
    bare = evolve(pod, status=kept)
    if not pod.spec.node_name or (runtime is IDLE and not pod.finished):
        return bare
    if pod.finished:
        told = (condition for condition in pod.status.conditions if condition.type in OWNED)
        own = tuple(PodCondition(condition.type, condition.status, condition.reason) for condition in told)
        return evolve(bare, status=evolve(kept, conditions=(*own, *others)))
    return evolve(bare, status=status(bare, runtime))


# --- what to say of it ------------------------------------------------------------------------------------------------


def _ownerless(objects: Iterable[Object]) -> Iterator[str]:
    """Yield a remark on Pods whose controller is not in the dump, or not modelled: nobody makes more of them."""
    known = tuple(objects)
    there = {obj.metadata.uid for obj in known}
    controllers = (obj.metadata.controller for obj in known if isinstance(obj, Pod | Workload))
    owners = Counter(owner.kind for owner in controllers if owner is not None and owner.uid not in there)
    if owners:
        told = ", ".join(f"{count} of a {kind}" for kind, count in sorted(owners.items()))
        yield f"Pods whose owners are not modelled or not in the dump stay as they are, and nobody makes more: {told}"


def _forgotten(objects: Iterable[Object]) -> Iterator[str]:
    """Yield a remark on StatefulSets whose revisions the dump lacks: whether their Pods are up to date is not known."""
    known = tuple(objects)
    there = {(obj.metadata.namespace, obj.metadata.name) for obj in known if isinstance(obj, ControllerRevision)}
    for obj in known:
        space, name = obj.metadata.namespace, obj.status.update_revision if isinstance(obj, StatefulSet) else ""
        if name and (space, name) not in there:
            yield f"{ref_of(obj)} is at the revision {name}, and the dump lacks it (kubectl get controllerrevisions)"


def _revisions(objects: Iterable[Object]) -> Iterator[ControllerRevision]:
    """Yield the revision of a DaemonSet's template that the dump lacks, called as the Pods of this template say."""
    known = tuple(objects)
    there = {ref_of(obj) for obj in known}
    for daemonset in (each for each in known if isinstance(each, DaemonSet)):
        generation = daemonset.metadata.annotations.get(DAEMONSET_GENERATION, "")
        labels = [pod.metadata.labels for pod in _pods_of(daemonset, known)]
        current = {each.get(REVISION_HASH, "") for each in labels if each.get(TEMPLATE_GENERATION) == generation}
        for digest in sorted(current - {""}):
            meta = ObjectMeta(
                name=f"{daemonset.metadata.name}-{digest}",
                namespace=daemonset.metadata.namespace,
                labels=strings({**daemonset.spec.template.metadata.labels, REVISION_HASH: digest}),
                owner_references=(controller_of(daemonset),),
            )
            ref = Ref("ControllerRevision", meta.namespace, meta.name)
            if ref not in there:
                yield ControllerRevision(evolve(meta, uid=uid_of(ref)), data_of(daemonset.spec.template), revision=1)


def _unlabelled(objects: Iterable[Object]) -> Iterator[str]:
    """Yield a remark on DaemonSets whose Pods name no revision that is known: whether they are up to date is not."""
    known = tuple(objects)
    names = {obj.metadata.name for obj in known if isinstance(obj, ControllerRevision)}
    for daemonset in (each for each in known if isinstance(each, DaemonSet)):
        labels = (pod.metadata.labels.get(REVISION_HASH, "") for pod in _pods_of(daemonset, known))
        if any(f"{daemonset.metadata.name}-{label}" not in names for label in labels):
            yield f"{ref_of(daemonset)} has Pods of a revision that the dump lacks (kubectl get controllerrevisions)"


def _pods_of(owner: Object, objects: Iterable[Object]) -> Iterator[Pod]:
    pods = (obj for obj in objects if isinstance(obj, Pod))
    return (pod for pod in pods if pod.metadata.controller and pod.metadata.controller.uid == owner.metadata.uid)


def _unready(start: Initial) -> Iterator[str]:
    """Yield what is taken of Pods that run and are not ready."""
    for pod in (obj for obj in start.objects if isinstance(obj, Pod)):
        runtime = start.runtimes.get(pod.metadata.uid)
        if isinstance(runtime, PodRuntime) and runtime.stage is Stage.RUNNING and not runtime.ready:
            stuck = f"stays so ({runtime.reason})" if runtime.reason else "is taken to become ready"
            yield f"Pod {pod.metadata.namespace}/{pod.metadata.name} runs, is not ready, and {stuck}"
