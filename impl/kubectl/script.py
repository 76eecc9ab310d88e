"""The commands an environment script is made of, and the requests each sends.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import field, frozen
from immutabledict import immutabledict

from ..api import core
from ..api.cache import Cache
from ..api.core import Node, Pod
from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from ..api.requests import Create, Delete, Request
from ..api.workloads import BY_KIND, NAMES
from . import nodes, workloads
from .apply import apply
from .found import Kept, Missing, find_node, ref_among
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
    "OfWorkload",
    "RolloutPause",
    "RolloutRestart",
    "RolloutResume",
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


Asked = tuple[Request, ...] | Missing
"""What a command asks of the API server, or why it asks nothing."""


class Command:
    """What every command says of itself. Adding one is a class here, and how it is written (`harness.input`)."""

    __slots__ = ()

    new_template: ClassVar[bool] = False
    """It may give a workload another Pod template."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of the live objects it asks for."""
        return ("Node",)

    @property
    def changes(self) -> tuple[str, ...]:
        """The kinds of objects that it makes, changes or deletes, beside Pods and workloads."""
        return ("Node",)

    @property
    def names_nobody(self) -> bool:
        """Whether it is about no single node or Pod."""
        return False


class OfWorkload(Command):
    """What commands on something with a Pod template, of this kind and name, have in common."""

    __slots__ = ()

    kind: str
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The kinds of the live objects it asks for."""
        return (self.kind,)

    @property
    def changes(self) -> tuple[str, ...]:
        """Nothing beside Pods and workloads."""
        return ()

    @property
    def names_nobody(self) -> bool:
        """It names a workload."""
        return True


@frozen
class Apply(Command):
    """`kubectl apply -f`: a new or changed manifest."""

    object: Object

    new_template = True

    @property
    def reads(self) -> tuple[str, ...]:
        """The kind of the manifest."""
        return (ref_of(self.object).kind,)

    @property
    def changes(self) -> tuple[str, ...]:
        """The kind of the manifest."""
        return (ref_of(self.object).kind,)

    @property
    def names_nobody(self) -> bool:
        """Whether the manifest is none of a node."""
        return not isinstance(self.object, Node)

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Create or patch the object."""
        return apply(self.object, cache, namespace)

    def __str__(self) -> str:
        return f"apply {ref_of(self.object).kind} {self.object.metadata.name}"


@frozen
class SetImage(OfWorkload):
    """`kubectl set image kind/name container=image`; "" is the only container, "*" all of them."""

    kind: str
    name: str
    image: str
    container: str = ""
    namespace: str = ""

    new_template = True

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template, or a Pod by itself."""
        return workloads.set_image(self.kind, self.name, namespace, cache, image=self.image, container=self.container)

    def __str__(self) -> str:
        return f"set image {self.kind.lower()}/{self.name} {self.image}"


@frozen
class Scale(OfWorkload):
    """`kubectl scale kind name --replicas=N`."""

    kind: str
    name: str
    replicas: int
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the number of replicas."""
        return workloads.scale(self.kind, self.name, namespace, cache, replicas=self.replicas)

    def __str__(self) -> str:
        return f"scale {self.kind.lower()}/{self.name} --replicas={self.replicas}"


@frozen
class DeleteObject(OfWorkload):
    """`kubectl delete kind name --cascade=HOW`: background (dependents go after it), foreground (before), orphan."""

    kind: str
    name: str
    cascade: str = "background"
    namespace: str = ""

    @property
    def changes(self) -> tuple[str, ...]:
        """The kind of the object."""
        return (self.kind,)

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Delete the object."""
        return _delete(ref_among(self.kind, self.name, namespace, cache), cache, policy=self.cascade.capitalize())

    def __str__(self) -> str:
        return f"delete {self.kind.lower()}/{self.name}"


@frozen
class DeletePod(Command):
    """`kubectl delete pod`: the one named, or the first by name of a workload ("Deployment/web") [on a node]."""

    name: str = ""
    workload: str = ""
    node: str = ""
    namespace: str = ""
    force: bool = False
    """`--force`: it is gone from the API at once, whatever its kubelet does (`--grace-period=0`)."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Pods, and what they may belong to."""
        return ("Pod", *NAMES)

    @property
    def changes(self) -> tuple[str, ...]:
        """Nothing beside Pods."""
        return ()

    @property
    def names_nobody(self) -> bool:
        """Whether any Pod of a workload will do."""
        return not self.name and not self.node

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Delete the Pod."""
        return _delete(_pod_to_delete(self, cache, namespace), cache, grace=0 if self.force else None)

    def __str__(self) -> str:
        which = f"{self.name or f'of {self.workload}'}{' on ' if self.node else ''}{self.node}"
        return f"delete pod {which}{' --force' if self.force else ''}"


@frozen
class Cordon(Command):
    """`kubectl cordon`."""

    node: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_unschedulable(self.node, cache, unschedulable=True)

    def __str__(self) -> str:
        return f"cordon {self.node}"


@frozen
class Uncordon(Command):
    """`kubectl uncordon`."""

    node: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_unschedulable(self.node, cache, unschedulable=False)

    def __str__(self) -> str:
        return f"uncordon {self.node}"


@frozen
class Drain(Command):
    """`kubectl drain`: cordon, list once (`drain_targets`), evict what is listed, wait until it is gone."""

    node: str
    force: bool = False
    """Pods that no controller owns go, too."""
    ignore_daemonsets: bool = False
    """Pods of DaemonSets stay; without it one of them is an error."""
    delete_emptydir_data: bool = False
    """Pods that use an emptyDir go, too."""

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Cordon and evict: one round of it."""
        found = find_node(self.node, cache)
        return found if isinstance(found, Missing) else nodes.drain_requests(self, cache)

    def __str__(self) -> str:
        return f"drain {self.node}"


@frozen
class Taint(Command):
    """`kubectl taint node key=value:effect`; without `--overwrite` one of that key and effect is an error."""

    node: str
    key: str
    value: str
    effect: str
    overwrite: bool = False

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        taint = core.Taint(self.key, self.effect, self.value)
        return nodes.set_taint(self.node, taint, cache, overwrite=self.overwrite)

    def __str__(self) -> str:
        return f"taint node {self.node} {self.key}={self.value}:{self.effect}{_forced(self.overwrite)}"


@frozen
class Untaint(Command):
    """`kubectl taint node key-`, or `key:effect-` when an effect is given."""

    node: str
    key: str
    effect: str = ""

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.remove_taint(self.node, self.key, self.effect, cache)

    def __str__(self) -> str:
        return f"taint node {self.node} {self.key}-"


def _frozen_labels(labels: Mapping[str, str | None]) -> immutabledict[str, str | None]:
    return immutabledict(sorted(labels.items()))


@frozen
class LabelNode(Command):
    """`kubectl label node`; None removes a label; without `--overwrite` another value is an error."""

    node: str
    labels: Mapping[str, str | None] = field(converter=_frozen_labels)
    overwrite: bool = False

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Patch the node."""
        return nodes.set_labels(self.node, self.labels, cache, overwrite=self.overwrite)

    def __str__(self) -> str:
        return f"label node {self.node}{_forced(self.overwrite)}"


@frozen
class AddNode(Command):
    """A node joins: its kubelet registers it, with its status."""

    object: Node

    def requests(self, _cache: Cache, _namespace: str) -> Asked:
        """Create the node."""
        return (Create(self.object),)

    def __str__(self) -> str:
        return f"node {self.object.metadata.name} joins"


@frozen
class DeleteNode(Command):
    """`kubectl delete node`: the object goes; its Pods are left to the garbage collector."""

    name: str

    def requests(self, cache: Cache, _namespace: str) -> Asked:
        """Delete the node."""
        return _delete(Ref("Node", "", self.name), cache)

    def __str__(self) -> str:
        return f"delete node {self.name}"


@frozen
class RolloutUndo(OfWorkload):
    """`kubectl rollout undo kind/name`: back to the revision before."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The workload, and what remembers its revisions."""
        kind = BY_KIND.get(self.kind)
        return (self.kind, kind.remembers) if kind is not None and kind.remembers else (self.kind,)

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template."""
        return workloads.rollout_undo(self.kind, self.name, namespace, cache)

    def __str__(self) -> str:
        return f"rollout undo {self.kind.lower()}/{self.name}"


@frozen
class RolloutRestart(OfWorkload):
    """`kubectl rollout restart kind/name`; `at` is the time stamp, "" a number that has not been used."""

    kind: str
    name: str
    at: str = ""
    namespace: str = ""

    new_template = True

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch the template."""
        return workloads.rollout_restart(self.kind, self.name, namespace, cache, at=self.at)

    def __str__(self) -> str:
        return f"rollout restart {self.kind.lower()}/{self.name}"


@frozen
class RolloutPause(OfWorkload):
    """`kubectl rollout pause kind/name`: templates that come do not roll out."""

    kind: str
    name: str
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch spec.paused."""
        return workloads.set_paused(self.kind, self.name, namespace, cache, paused=True)

    def __str__(self) -> str:
        return f"rollout pause {self.kind.lower()}/{self.name}"


@frozen
class RolloutResume(OfWorkload):
    """`kubectl rollout resume kind/name`: what has come rolls out."""

    kind: str
    name: str
    namespace: str = ""

    def requests(self, cache: Cache, namespace: str) -> Asked:
        """Patch spec.paused."""
        return workloads.set_paused(self.kind, self.name, namespace, cache, paused=False)

    def __str__(self) -> str:
        return f"rollout resume {self.kind.lower()}/{self.name}"


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
    | RolloutPause
    | RolloutResume
)


def requests(step: Step, cache: Cache, namespace: str) -> Asked:
    """Return the requests a command sends, given the live objects; none when it finds its work done.

    Of a drain this is one round. `Missing` says what the command did not find, or found and may not change; then it
    sends nothing. `namespace` is where a step acts that names none.
    """
    return step.requests(cache, getattr(step, "namespace", "") or namespace)


def _forced(overwrite: bool) -> str:  # noqa: FBT001 - a field as it is
    return " --overwrite" if overwrite else ""


def _delete(ref: Ref | Missing, cache: Cache, *, policy: str = "Background", grace: int | None = None) -> Asked:
    if isinstance(ref, Missing):
        return ref
    if ref not in cache.objects:
        return Missing(str(ref))
    return (Delete(ref, grace, propagation_policy=policy),)


def _pod_to_delete(step: DeletePod, cache: Cache, namespace: str) -> Ref | Missing:
    if step.name:
        return Ref("Pod", namespace, step.name)
    for pod in cache.list(Pod, namespace):
        of_it = _workload(pod, cache) == step.workload and step.node in {"", pod.spec.node_name}
        if of_it and not pod.metadata.terminating:
            return ref_of(pod)
    return Missing(f"Pod of {step.workload}{' on ' if step.node else ''}{step.node}")


def _workload(pod: Pod, cache: Cache) -> str:
    """Name what a Pod belongs to: its controller, or what controls that; itself where nothing controls it."""
    owner = pod.metadata.controller
    if owner is None:
        return f"Pod/{pod.metadata.name}"
    maker = cache.objects.get(Ref(owner.kind, pod.metadata.namespace, owner.name)) if owner.kind in BY_KIND else None
    owner = (maker.metadata.controller if maker else None) or owner
    return f"{owner.kind}/{owner.name}"
