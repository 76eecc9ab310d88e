"""The workload kinds, a line each: what has Pods made from a template, who makes them, and where that is written.

Whoever asks "is it a Deployment or a ReplicaSet" asks it here. A kind that is added needs a class in `apps`, which
joins `Workload` there, and a line; docs/architecture.md lists the rest.
"""

from __future__ import annotations

from typing import Any, TypeGuard, cast

from attrs import evolve, frozen

from .apps import DaemonSet, Deployment, ReplicaSet, ReplicationController, Sized, StatefulSet, Workload
from .batch import Job
from .core import PodTemplateSpec
from .meta import ObjectMeta
from .values.frozen import Strings, strings
from .well_known import JOB_NAME, LEGACY_NAME, POD_INDEX, POD_NAME, TEMPLATE_HASH


@frozen
class WorkloadKind:
    """One kind: its class, the account of its controller, and what that makes of the template: Pods, or their maker."""

    cls: type[Workload]
    controller: str
    makes: str = "Pod"
    remembers: str = ""
    """The kind of the objects that keep its earlier templates, for `kubectl rollout undo`; "" where none do."""

    named: bool = False
    """Its Pods have names of their own, which are used again."""

    @property
    def name(self) -> str:
        """The kind, as manifests have it."""
        return self.cls.__name__


WORKLOAD_KINDS: tuple[WorkloadKind, ...] = (
    WorkloadKind(Deployment, "deployment-controller", makes="ReplicaSet", remembers="ReplicaSet"),
    WorkloadKind(ReplicaSet, "replicaset-controller"),
    WorkloadKind(ReplicationController, "replication-controller"),
    WorkloadKind(StatefulSet, "statefulset-controller", remembers="ControllerRevision", named=True),
    WorkloadKind(DaemonSet, "daemon-set-controller", remembers="ControllerRevision"),
    WorkloadKind(Job, "job-controller"),
)
BY_KIND = {kind.name: kind for kind in WORKLOAD_KINDS}
NAMES = tuple(BY_KIND)
MAKERS = tuple(kind.name for kind in WORKLOAD_KINDS if kind.makes == "Pod")
"""Those that Pods say they are controlled by."""
SCALED = tuple(kind.name for kind in WORKLOAD_KINDS if issubclass(kind.cls, Sized))
"""Those that are told how many Pods there are to be."""

SPREADING = tuple(kind for kind in MAKERS if kind in SCALED)
"""Those whose selectors say which Pods spread by default."""

TEMPLATE, SIZE = "spec.template", "spec.replicas"
"""Where a workload says what its Pods are like, and how many there are to be."""


def makes_pods(obj: object) -> TypeGuard[Workload]:
    """Tell whether an object is a workload that makes Pods itself."""
    return isinstance(obj, Workload) and type(obj).__name__ in MAKERS


def pod_labels(workload: Workload) -> tuple[Strings, ...]:
    """Return the labels of the Pods of a workload: those of its template, and with the names that they are given."""
    labels = workload.spec.template.metadata.labels
    if isinstance(workload, Job):
        return (strings({**labels, JOB_NAME: workload.metadata.name, LEGACY_NAME: workload.metadata.name}),)
    if not isinstance(workload, StatefulSet):
        return (labels,)
    numbers = range(workload.spec.first, workload.spec.first + workload.spec.wanted)
    named = ({POD_NAME: f"{workload.metadata.name}-{number}", POD_INDEX: str(number)} for number in numbers)
    return (labels, *(strings({**labels, **own}) for own in named))


def with_size(workload: Sized, replicas: int | None) -> Sized:
    """Return a workload that asks for another number of Pods."""
    return cast("Sized", _with_spec(workload, replicas=replicas))


def with_template(workload: Workload, template: PodTemplateSpec) -> Workload:
    """Return a workload with another template."""
    return _with_spec(workload, template=template)


def _with_spec(workload: Workload, **changes: Any) -> Workload:
    spec: Any = evolve(cast("Any", workload.spec), **changes)
    return evolve(workload, spec=spec)


def without_status(workload: Workload) -> Workload:
    """Return a workload of which nothing has been counted yet."""
    status: Any = type(workload.status)
    return evolve(workload, status=status())


def only_size(workload: Sized, metadata: ObjectMeta) -> Sized:
    """Return nothing of a workload but some metadata and how many Pods it asks for."""
    kind: Any = type(workload)
    spec: Any = type(workload.spec)
    return cast("Sized", kind(metadata, spec(replicas=workload.spec.replicas)))


def only_selector(workload: Sized, metadata: ObjectMeta) -> Sized:
    """Return nothing of a workload but some metadata and which Pods are its own."""
    kind: Any = type(workload)
    spec: Any = type(workload.spec)
    return cast("Sized", kind(metadata, spec(selector=workload.spec.selector)))


def without_hash(template: PodTemplateSpec) -> PodTemplateSpec:
    """Return a Pod template without the hash that tells ReplicaSets apart."""
    labels = strings((key, value) for key, value in template.metadata.labels.items() if key != TEMPLATE_HASH)
    return evolve(template, metadata=evolve(template.metadata, labels=labels))
