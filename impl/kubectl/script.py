"""The commands an environment script is made of, and the requests each sends.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen
from immutabledict import immutabledict

from ..api import core
from ..api.apps import ReplicaSet
from ..api.cache import Cache
from ..api.core import Node, Pod
from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from ..api.requests import Create, Delete, Request
from . import nodes, workloads
from .apply import apply
from .found import Kept, Missing, find_node, ref_for
from .nodes import drain_errors, drain_targets

__all__ = [
    "AddNode",
    "Apply",
    "Cordon",
    "DeleteNode",
    "DeleteObject",
    "DeletePod",
    "Drain",
    "Kept",
    "LabelNode",
    "Missing",
    "RolloutRestart",
    "RolloutUndo",
    "Scale",
    "SetImage",
    "Step",
    "Taint",
    "Uncordon",
    "Untaint",
    "drain_errors",
    "drain_targets",
    "requests",
]


@frozen
class Apply:
    """`kubectl apply -f`: a new or changed manifest."""

    object: Object


@frozen
class SetImage:
    """`kubectl set image kind/name container=image`; "" is the only container, "*" all of them."""

    kind: str
    name: str
    image: str
    container: str = ""
    namespace: str = ""


@frozen
class Scale:
    """`kubectl scale kind name --replicas=N`."""

    kind: str
    name: str
    replicas: int
    namespace: str = ""


@frozen
class DeleteObject:
    """`kubectl delete kind name --cascade=HOW`: background (dependents go after it), foreground (before), orphan."""

    kind: str
    name: str
    cascade: str = "background"
    namespace: str = ""


@frozen
class DeletePod:
    """`kubectl delete pod`: the one named, or the first by name of a workload ("Deployment/web") [on a node]."""

    name: str = ""
    workload: str = ""
    node: str = ""
    namespace: str = ""


@frozen
class Cordon:
    """`kubectl cordon`."""

    node: str


@frozen
class Uncordon:
    """`kubectl uncordon`."""

    node: str


@frozen
class Drain:
    """`kubectl drain`: cordon, list once (`drain_targets`), evict what is listed, wait until it is gone."""

    node: str
    force: bool = False
    """Pods that no controller owns go, too."""
    ignore_daemonsets: bool = False
    """Pods of DaemonSets stay; without it one of them is an error."""
    delete_emptydir_data: bool = False
    """Pods that use an emptyDir go, too."""


@frozen
class Taint:
    """`kubectl taint node key=value:effect`; without `--overwrite` one of that key and effect is an error."""

    node: str
    key: str
    value: str
    effect: str
    overwrite: bool = False


@frozen
class Untaint:
    """`kubectl taint node key-`, or `key:effect-` when an effect is given."""

    node: str
    key: str
    effect: str = ""


def _frozen_labels(labels: Mapping[str, str | None]) -> immutabledict[str, str | None]:
    return immutabledict(sorted(labels.items()))


@frozen
class LabelNode:
    """`kubectl label node`; None removes a label; without `--overwrite` another value is an error."""

    node: str
    labels: Mapping[str, str | None] = field(converter=_frozen_labels)
    overwrite: bool = False


@frozen
class AddNode:
    """A node joins: its kubelet registers it, with its status."""

    object: Node


@frozen
class DeleteNode:
    """`kubectl delete node`: the object goes; its Pods are left to the garbage collector."""

    name: str


@frozen
class RolloutUndo:
    """`kubectl rollout undo kind/name`: back to the revision before."""

    kind: str
    name: str
    namespace: str = ""


@frozen
class RolloutRestart:
    """`kubectl rollout restart kind/name`; `at` is the time stamp, "" a number that has not been used."""

    kind: str
    name: str
    at: str = ""
    namespace: str = ""


Step = (
    Apply
    | SetImage
    | Scale
    | DeleteObject
    | DeletePod
    | Cordon
    | Uncordon
    | Drain
    | Taint
    | Untaint
    | LabelNode
    | AddNode
    | DeleteNode
    | RolloutUndo
    | RolloutRestart
)


def requests(step: Step, cache: Cache, namespace: str) -> tuple[Request, ...] | Missing:
    """Give the requests a command sends, given the live objects; none when it finds its work done.

    Of a drain this is one round. `Missing` says what the command did not find, or found and may not change; then it
    sends nothing. `namespace` is where a step acts that names none.
    """
    namespace = getattr(step, "namespace", "") or namespace
    match step:
        case Apply(object=manifest):
            return apply(manifest, cache, namespace)
        case SetImage(kind, name, image, container):
            return workloads.set_image(kind, name, namespace, cache, image=image, container=container)
        case Scale(kind, name, replicas):
            return workloads.scale(kind, name, namespace, cache, replicas=replicas)
        case RolloutUndo(kind, name):
            return workloads.rollout_undo(kind, name, namespace, cache)
        case RolloutRestart(kind, name, at):
            return workloads.rollout_restart(kind, name, namespace, cache, at=at)
        case DeleteObject(kind, name, cascade):
            return _delete(ref_for(kind, name, namespace), cache, policy=cascade.capitalize())
        case DeletePod():
            return _delete(_pod_to_delete(step, cache, namespace), cache)
        case _:
            return _node_requests(step, cache)


def _node_requests(
    step: Cordon | Uncordon | Drain | Taint | Untaint | LabelNode | AddNode | DeleteNode, cache: Cache
) -> tuple[Request, ...] | Missing:
    match step:
        case Cordon(node):
            return nodes.set_unschedulable(node, cache, unschedulable=True)
        case Uncordon(node):
            return nodes.set_unschedulable(node, cache, unschedulable=False)
        case Drain(node=node):
            found = find_node(node, cache)
            return found if isinstance(found, Missing) else nodes.drain_requests(step, cache)
        case Taint(node, key, value, effect, overwrite):
            return nodes.set_taint(node, core.Taint(key, effect, value), cache, overwrite=overwrite)
        case Untaint(node, key, effect):
            return nodes.remove_taint(node, key, effect, cache)
        case LabelNode(node, labels, overwrite):
            return nodes.set_labels(node, labels, cache, overwrite=overwrite)
        case AddNode(object=joining):
            return (Create(joining),)
        case DeleteNode(name):
            return _delete(Ref("Node", "", name), cache)


def _delete(ref: Ref | Missing, cache: Cache, *, policy: str = "Background") -> tuple[Request, ...] | Missing:
    if isinstance(ref, Missing):
        return ref
    if ref not in cache.objects:
        return Missing(str(ref))
    return (Delete(ref, propagation_policy=policy),)


def _pod_to_delete(step: DeletePod, cache: Cache, namespace: str) -> Ref | Missing:
    if step.name:
        return Ref("Pod", namespace, step.name)
    for pod in cache.list(Pod, namespace):
        of_it = _workload(pod, cache) == step.workload and step.node in {"", pod.spec.node_name}
        if of_it and not pod.metadata.terminating:
            return ref_of(pod)
    return Missing(f"Pod of {step.workload}{' on ' if step.node else ''}{step.node}")


def _workload(pod: Pod, cache: Cache) -> str:
    """Name what a Pod belongs to: its controller, or its ReplicaSet's Deployment; itself where nothing controls it."""
    owner = pod.metadata.controller
    if owner is None:
        return f"Pod/{pod.metadata.name}"
    if owner.kind == "ReplicaSet":
        replica_set = cache.get(ReplicaSet, Ref("ReplicaSet", pod.metadata.namespace, owner.name))
        owner = (replica_set.metadata.controller if replica_set else None) or owner
    return f"{owner.kind}/{owner.name}"
