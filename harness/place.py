"""Where the Pods of manifests can go: each alone, all together, after node losses, and on how few nodes of a pool.

Each Pod alone is what the scheduler says of every node. All together is proved: a placement that the scheduler reaches
in a stated order, or a minimal set of reasons against any, by z3.
Left out on purpose: workloads without a class here (they make the answer UNKNOWN), and that volumes are bound as Pods
are placed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement
from pathlib import Path

from attrs import evolve, frozen

from ..impl.api.apps import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec
from ..impl.api.core import Namespace, Node, Pod
from ..impl.api.kinds import Object, ref_of
from ..impl.api.load import BadInput, Problem
from ..impl.api.meta import ObjectMeta, Ref
from ..impl.api.quantity import QuantityError, parse_quantity
from ..impl.apiserver.defaulting import default
from ..impl.apiserver.pod_defaults import default_pod
from ..impl.scheduler.volume_claims import claim_names
from ..properties.placement_groups import (
    Answer,
    Fits,
    Group,
    Groups,
    Misfit,
    Undecided,
    cells,
    contradiction,
    grouped,
    place,
)
from ..properties.placement_packing import pack
from ..properties.placement_problem import called
from .inputs import gather
from .manifests import Manifests, plain_nodes, read_manifests
from .reader import Reader
from .scenario_file import is_scenario_file

SMALL = 300
"""Up to so many pairs of a group and a node, placements are searched node by node."""
OTHER_WORKLOADS = ("CronJob", "DaemonSet", "Job", "ReplicationController", "StatefulSet")


@frozen
class Wanted:
    """What is to be placed and where: groups named by their owner, and the rest of what the scheduler sees."""

    groups: Groups
    others: tuple[Object, ...]
    manifests: Manifests
    owners: dict[str, Ref]
    """The object that each group comes from, by the group's name."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The notes on workloads whose Pods are not known."""
        notes = self.manifests.not_modelled
        return tuple(note for note in notes if any(f": {kind} " in note for kind in OTHER_WORKLOADS))


def wanted(paths: Iterable[str | Path], nodes: str | Path | None = None) -> Wanted:
    """Read manifests and, from a file of their own, nodes. Raises BadInput."""
    gathered = gather([*paths, *([nodes] if nodes else [])])
    reader = Reader()
    files = {name: text for name, text in gathered.files.items() if not is_scenario_file(name)}
    manifests = read_manifests(files, reader, "default")
    reader.finish()
    return of_manifests(manifests)


def of_manifests(manifests: Manifests) -> Wanted:
    """Sort the objects of manifests into Pods to place, Pods that have their place, nodes and what else there is."""
    objects = tuple(default(one) for one in manifests.objects)
    nodes = tuple(one for one in objects if isinstance(one, Node))
    names = {node.metadata.name for node in nodes}
    pods = [one for one in objects if isinstance(one, Pod) and not one.finished]
    bound = tuple(pod for pod in pods if pod.spec.node_name in names)
    made = [(pod, ref_of(pod)) for pod in pods if pod.spec.node_name not in names]
    made += list(_of_workloads(objects, pods))
    groups: list[Group] = []
    owners: dict[str, Ref] = {}
    for ref in dict.fromkeys(owner for _, owner in made):
        of_one = grouped((pod for pod, owner in made if owner == ref), lambda pod: pod.metadata.name)
        for group in of_one:
            groups.append(_unique(group, owners))
            owners[called(groups[-1].pod)] = ref
    labels = {one.metadata.name: one.metadata.labels for one in objects if isinstance(one, Namespace)}
    others = tuple(one for one in objects if not isinstance(one, Node | Pod))
    return Wanted(Groups(tuple(groups), nodes, bound, labels), others, manifests, owners)


def _unique(group: Group, taken: Iterable[str]) -> Group:
    """Tell groups of one name apart by a number."""
    name, number = group.pod.metadata.name, 1
    while called(group.pod) in taken:
        number += 1
        group = evolve(group, pod=evolve(group.pod, metadata=evolve(group.pod.metadata, name=f"{name} ({number})")))
    return group


def _of_workloads(objects: Iterable[Object], pods: list[Pod]) -> Iterator[tuple[Pod, Ref]]:
    """Yield the Pods that Deployments and ReplicaSets have still to make, each with the workload it is for."""
    sets = [one for one in objects if isinstance(one, ReplicaSet)]
    for one in objects:
        if isinstance(one, Deployment) and not any(_owns(one, each) for each in sets):
            yield from _replicas(one, one.spec, 0)
        if isinstance(one, ReplicaSet):
            yield from _replicas(one, one.spec, sum(_owns(one, pod) for pod in pods))


def _owns(owner: Object, one: Pod | ReplicaSet) -> bool:
    controller = one.metadata.controller
    same = controller is not None and (controller.kind, controller.name) == (ref_of(owner).kind, owner.metadata.name)
    return same and owner.metadata.namespace == one.metadata.namespace


def _replicas(owner: Object, spec: DeploymentSpec | ReplicaSetSpec, there: int) -> Iterator[tuple[Pod, Ref]]:
    template = spec.template
    meta = ObjectMeta(name=owner.metadata.name, namespace=owner.metadata.namespace, labels=template.metadata.labels)
    pod = default_pod(Pod(meta, template.spec))
    for _ in range((1 if spec.replicas is None else spec.replicas) - there):
        yield pod, ref_of(owner)


# --- answers ------------------------------------------------------------------------------------------------------


def solve(groups: Groups, others: tuple[Object, ...] = (), *, milliseconds: int = 10_000) -> Answer:
    """Find a place for all, or prove that there is none: first by kinds of nodes, then as the scheduler would.

    Spreading is proved as it is when all are placed; an order in which the scheduler places all nevertheless counts.
    """
    impossible = contradiction(groups, milliseconds=milliseconds)
    if isinstance(impossible, Misfit) and not _about_spreading(impossible):
        return impossible
    packed = pack(groups, others)
    if isinstance(packed, Fits):
        return packed
    if isinstance(impossible, Misfit):
        return impossible
    if len(groups.groups) * len(groups.nodes) > SMALL or any(map(_claims, groups.groups)):
        return Undecided()
    return place(groups, milliseconds=milliseconds)


def _about_spreading(answer: Misfit) -> bool:
    return any(reason.kind == "spread" for reason in answer.core)


def _claims(group: Group) -> bool:
    return any(True for _ in claim_names(group.pod))


@frozen
class Loss:
    """Nodes that are lost, and what then becomes of all Pods."""

    nodes: tuple[str, ...]
    answer: Answer


def losses(found: Wanted, number: int, *, milliseconds: int = 10_000) -> Iterator[Loss]:
    """Answer for every loss of so many nodes that differs from the others by more than names.

    Pods of the manifests are placed anew; Pods that are on the nodes that are left stay; Pods with a controller that
    were on a lost node come back.
    """
    like = cells(found.groups)
    for choice in combinations_with_replacement(range(len(like)), number):
        if all(choice.count(index) <= like[index].size for index in choice):
            lost = (like[index].nodes[choice[:at].count(index)] for at, index in enumerate(choice))
            names = tuple(node.metadata.name for node in lost)
            yield Loss(names, solve(without(found.groups, names), found.others, milliseconds=milliseconds))


def without(groups: Groups, names: Iterable[str]) -> Groups:
    """Give the same cluster without some nodes; what ran there and has a controller is to be placed again."""
    lost = set(names)
    homeless = (pod for pod in groups.bound if pod.spec.node_name in lost and pod.metadata.controller is not None)
    freed = (evolve(pod, spec=evolve(pod.spec, node_name="")) for pod in homeless)
    again = grouped(freed, lambda pod: f"{pod.metadata.name} (again)")
    return evolve(
        groups,
        groups=(*groups.groups, *again),
        nodes=tuple(node for node in groups.nodes if node.metadata.name not in lost),
        bound=tuple(pod for pod in groups.bound if pod.spec.node_name not in lost),
    )


# --- the smallest pool --------------------------------------------------------------------------------------------


@frozen
class Smallest:
    """How many nodes of each pool are enough, and whether fewer nodes are proved to be too few."""

    counts: dict[str, int]
    proved: bool
    fits: Fits


def smallest(found: Wanted, pools: dict[str, Node], *, milliseconds: int = 10_000) -> Smallest | Misfit | Undecided:
    """Find the least number of nodes of the pools, beside the nodes there are, on which all Pods have a place."""
    most = sum(group.count for group in found.groups.groups)
    ample = _grown(found.groups, pools, dict.fromkeys(pools, most))
    impossible = contradiction(ample, milliseconds=milliseconds)
    if isinstance(impossible, Misfit):
        return impossible
    proved = True
    for total in range(most + 1):
        for counts in _shares(tuple(pools), total):
            answer = solve(_grown(found.groups, pools, counts), found.others, milliseconds=milliseconds)
            if isinstance(answer, Fits):
                return Smallest(counts, proved, answer)
            proved = proved and isinstance(answer, Misfit)
    return Undecided()


def _shares(names: tuple[str, ...], total: int) -> Iterator[dict[str, int]]:
    for choice in combinations_with_replacement(names, total) if len(names) > 1 else [names * total]:
        yield {name: choice.count(name) for name in names}


def _grown(groups: Groups, pools: dict[str, Node], counts: dict[str, int]) -> Groups:
    more = (_numbered(pools[name], f"{name}-{number}") for name in pools for number in range(1, counts[name] + 1))
    return evolve(groups, nodes=(*groups.nodes, *more))


def _numbered(node: Node, name: str) -> Node:
    labels = node.metadata.labels.set("kubernetes.io/hostname", name)
    return evolve(node, metadata=evolve(node.metadata, name=name, labels=labels))


def pool(text: str) -> tuple[str, Node]:
    """Read a pool: m5.large=cpu:2,memory:8Gi; what is not said of Pods is 110. Raises BadInput."""
    name, equals, rest = text.partition("=")
    sizes = dict(part.partition(":")[::2] for part in rest.split(","))
    if not name or not equals or not all(sizes.values()):
        raise _bad_pool(f"expected NAME=cpu:2,memory:8Gi, got {text!r}")
    try:
        resources = {key: parse_quantity(value) for key, value in {"pods": "110", **sizes}.items()}
    except QuantityError as error:
        raise _bad_pool(str(error)) from None
    (node,) = plain_nodes(1)
    room = type(node.status.allocatable)(sorted(resources.items()))
    return name, evolve(node, status=evolve(node.status, capacity=room, allocatable=room))


def _bad_pool(message: str) -> BadInput:
    return BadInput((Problem("--pool", 0, "", message),))
