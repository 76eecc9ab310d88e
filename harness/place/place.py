"""Where the Pods of manifests can go: each alone, all together, after node losses, and on how few nodes of a pool.

Each Pod alone is what the scheduler says of every node. All together is proved: a placement that the scheduler reaches
in a stated order, or a minimal set of reasons against any, by z3.
Left out on purpose: workloads without a class here (they make the answer UNKNOWN), and the binding of volumes (where
the answer hangs on it, it is UNKNOWN).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic

from attrs import evolve, frozen

from ...impl.api.apps import DaemonSet, Sized, StatefulSet, Workload
from ...impl.api.batch import CronJob, Job
from ...impl.api.cache import Cache
from ...impl.api.core import Namespace, Node, Pod
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.reading.unmodelled_kinds import PODS
from ...impl.api.storage import CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass
from ...impl.apiserver.defaulting.defaulting import default
from ...impl.apiserver.defaulting.pod_defaults import default_pod
from ...impl.controllers.cronjob.cronjob import job_at
from ...impl.controllers.daemonset.nodes import new_pod, target, wish
from ...properties.placement.cpsat import installed
from ...properties.placement.groups import Answer, Fits, Group, Groups, Misfit, Undecided, contradiction, grouped, place
from ...properties.placement.optimum import placed
from ...properties.placement.packing import pack
from ...properties.placement.problem import called
from ...properties.placement.volumes import undecided
from ..input.files.inputs import gather
from ..input.files.manifests import Manifests, read_manifests
from ..input.files.reader import Reader
from ..input.files.scenario_file import is_scenario_file
from ..input.plain_nodes import plain_nodes
from .cluster import merged, prioritised

SMALL, LARGE = 300, 1500
"""Up to so many pairs of a group and a node, placements are searched node by node; with Pod affinity and without."""
STORAGE = (CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass)


@frozen
class Wanted:
    """What is to be placed and where: groups named by their owner, and the rest of what the scheduler sees."""

    groups: Groups
    others: tuple[Object, ...]
    manifests: Manifests
    owners: dict[str, Ref]
    """The object that each group comes from, by the group's name."""
    unknown: tuple[str, ...] = ()
    """What is missing or not modelled and might change the answer."""
    remarks: tuple[str, ...] = ()
    """What is missing and does not change it."""


def wanted(
    paths: Iterable[str | Path],
    nodes: int | str | Path | None = None,
    from_cluster: str | Path | None = None,
    *,
    namespace: str = "default",
    recursive: bool = False,
) -> Wanted:
    """Read manifests, nodes from a file of their own (or so many plain ones), and the dump of a cluster to start from.

    `namespace` is where manifests go that name none; `recursive`: also those in the folders below. Raises BadInput.
    """
    counted = nodes if isinstance(nodes, int) else 0
    sources = [*paths, *([] if nodes is None or isinstance(nodes, int) else [nodes])]
    manifests = _manifests(sources, namespace, recursive=recursive) if sources or not from_cluster else None
    if manifests is not None:
        manifests = manifests.plus(plain_nodes(counted))
    if from_cluster:
        whole, remarks, notes = merged(from_cluster, manifests)
        found = of_manifests(evolve(whole, notes=()))
        return evolve(found, remarks=(*remarks, *found.remarks), unknown=_workloads(notes))
    return of_manifests(manifests or Manifests())


def _manifests(sources: list[str | Path], namespace: str, *, recursive: bool) -> Manifests:
    gathered = gather(sources, recursive=recursive)
    reader = Reader()
    files = {name: text for name, text in gathered.files.items() if not is_scenario_file(name)}
    manifests = read_manifests(files, reader, namespace)
    reader.finish()
    return manifests


def _workloads(notes: Iterable[str]) -> tuple[str, ...]:
    """Return the notes that matter: of what is not modelled, workloads whose Pods are not known."""
    return tuple(note for note in notes if "is not modelled" not in note or PODS in note)


def of_manifests(manifests: Manifests) -> Wanted:
    """Sort the objects of manifests into Pods to place, Pods that have their place, nodes and what else there is."""
    objects, remarks = prioritised(default(obj) for obj in manifests.objects)
    nodes = tuple(obj for obj in objects if isinstance(obj, Node))
    names = {node.metadata.name for node in nodes}
    pods = [obj for obj in objects if isinstance(obj, Pod) and not obj.finished]
    bound = tuple(pod for pod in pods if pod.spec.node_name in names)
    made = [(pod, ref_of(pod)) for pod in pods if pod.spec.node_name not in names]
    made += [*_of_workloads(objects, pods), *_of_crons(objects)]
    groups: list[Group] = []
    owners: dict[str, Ref] = {}
    for ref in dict.fromkeys(owner for _, owner in made):
        of_one = grouped((pod for pod, owner in made if owner == ref), lambda pod: pod.metadata.name)
        for group in of_one:
            groups.append(_unique(group, owners))
            owners[called(groups[-1].pod)] = ref
    labels = {obj.metadata.name: obj.metadata.labels for obj in objects if isinstance(obj, Namespace)}
    others = tuple(obj for obj in objects if not isinstance(obj, Node | Pod))
    storage = Cache.of(other for other in others if isinstance(other, STORAGE))
    unknown = _workloads(manifests.not_modelled)
    remarks += tuple(
        f"{ref_of(obj)}: the volumes of its claims are taken to be there, and within reach of every node"
        for obj in objects
        if isinstance(obj, StatefulSet) and obj.spec.volume_claim_templates
    )
    remarks += tuple(f"{ref_of(obj)}: one run at a time" for obj in objects if isinstance(obj, CronJob))
    return Wanted(Groups(tuple(groups), nodes, bound, labels, storage), others, manifests, owners, unknown, remarks)


def _unique(group: Group, taken: Iterable[str]) -> Group:
    """Tell groups of one name apart by a number."""
    name, number = group.pod.metadata.name, 1
    while called(group.pod) in taken:
        number += 1
        group = evolve(group, pod=evolve(group.pod, metadata=evolve(group.pod.metadata, name=f"{name} ({number})")))
    return group


def _of_workloads(objects: Iterable[Object], pods: list[Pod]) -> Iterator[tuple[Pod, Ref]]:
    """Yield the Pods that workloads have still to make, each with the workload it is for."""
    known = tuple(objects)
    nodes = [obj for obj in known if isinstance(obj, Node)]
    workloads = [obj for obj in known if isinstance(obj, Workload)]
    for workload in workloads:
        if not any(_owns(workload, each) for each in workloads) and not (
            isinstance(workload, Job) and workload.finished
        ):
            mine = [pod for pod in pods if _owns(workload, pod)]
            yield from (
                _daemons(workload, nodes, mine) if isinstance(workload, DaemonSet) else _replicas(workload, len(mine))
            )


def _of_crons(objects: Iterable[Object]) -> Iterator[tuple[Pod, Ref]]:
    """Yield the Pods of one run of each CronJob that is not suspended."""
    for obj in objects:
        if isinstance(obj, CronJob) and not obj.spec.suspend:
            yield from ((pod, ref_of(obj)) for pod, _ in _replicas(job_at(obj, 0), 0))


def _owns(owner: Object, one: Pod | Workload) -> bool:
    controller = one.metadata.controller
    same = controller is not None and (controller.kind, controller.name) == (ref_of(owner).kind, owner.metadata.name)
    return same and owner.metadata.namespace == one.metadata.namespace


def _daemons(owner: DaemonSet, nodes: Iterable[Node], pods: Iterable[Pod]) -> Iterator[tuple[Pod, Ref]]:
    """Yield a Pod for each node that wants one and has none."""
    there = {target(pod) for pod in pods}
    for node in nodes:
        where = node.metadata.name
        if where not in there and wish(owner, node).runs:
            made = new_pod(owner, where, "")
            meta = ObjectMeta(
                f"{owner.metadata.name} for {where}", made.metadata.namespace, labels=made.metadata.labels
            )
            yield default_pod(Pod(meta, made.spec)), ref_of(owner)


def _replicas(owner: Sized | Job, there: int) -> Iterator[tuple[Pod, Ref]]:
    template = owner.spec.template
    meta = ObjectMeta(name=owner.metadata.name, namespace=owner.metadata.namespace, labels=template.metadata.labels)
    pod = default_pod(Pod(meta, template.spec))
    for _ in range(owner.spec.wanted - there):
        yield pod, ref_of(owner)


# --- answers ------------------------------------------------------------------------------------------------------


def solve(groups: Groups, others: tuple[Object, ...] = (), *, milliseconds: int = 10_000) -> Answer:
    """Find a place for all, or prove that there is none: first by kinds of nodes, then as the scheduler would.

    Spreading is proved as it is when all are placed; an order in which the scheduler places all nevertheless counts.
    """
    impossible = contradiction(groups, milliseconds=milliseconds)
    if isinstance(impossible, Misfit) and not _about_spreading(impossible):
        return impossible
    if open_claim := undecided(((group.pod, group.count) for group in groups.groups), groups.nodes, groups.storage):
        return Undecided(open_claim)
    limit = monotonic() + milliseconds / 1000
    packed = pack(groups, others, over=lambda: monotonic() > limit)
    if isinstance(packed, Fits):
        return packed
    if packed.late:
        wanted = sum(group.count for group in groups.groups)
        return Undecided(f"the scheduler had placed {packed.placed} of {wanted} Pods when the time was up (--timeout)")
    if isinstance(impossible, Misfit):
        return impossible
    if most := not_searched(groups):
        return Undecided(f"the scheduler is stuck, and more than {most} pairs of a group and a node are not searched")
    answer = place(groups, milliseconds=milliseconds)
    if isinstance(answer, Undecided) and installed():
        return placed(groups, seconds=milliseconds / 1000) or answer
    return answer


def not_searched(groups: Groups) -> int:
    """Return the most pairs of a group and a node that are searched if there are more; 0 if all are searched."""
    depends = any(group.pod.spec.affinity and group.pod.spec.affinity.pod_affinity for group in groups.groups)
    most = SMALL if depends else LARGE
    return most if len(groups.groups) * len(groups.nodes) > most else 0


def _about_spreading(answer: Misfit) -> bool:
    return any(reason.kind == "spread" for reason in answer.core)
