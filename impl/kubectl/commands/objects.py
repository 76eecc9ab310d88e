"""Commands about objects and Pods: apply, delete.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32). Patches are written out on the live object: an `Update` whose
base is the object as the command read it. Left out on purpose: the GET requests in between and `--wait`.
"""

from __future__ import annotations

from attrs import frozen

from ...api.cache import Cache
from ...api.core import Node, Pod
from ...api.kinds import Object, ref_of
from ...api.meta import Ref
from ...api.workloads import BY_KIND, NAMES
from ..apply import apply
from ..found import Missing, ref_among
from .command import Asked, Command, OfWorkload, delete


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
        return delete(ref_among(self.kind, self.name, namespace, cache), cache, policy=self.cascade.capitalize())

    def __str__(self) -> str:
        how = "" if self.cascade == "background" else f" --cascade={self.cascade}"
        return f"delete {self.kind.lower()}/{self.name}{how}"


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
        return delete(_pod_to_delete(self, cache, namespace), cache, grace=0 if self.force else None)

    def __str__(self) -> str:
        which = f"{self.name or f'of {self.workload}'}{' on ' if self.node else ''}{self.node}"
        return f"delete pod {which}{' --force' if self.force else ''}"


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
