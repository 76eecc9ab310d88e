"""apps/v1: Deployment, ReplicaSet, StatefulSet, DaemonSet and ControllerRevision.

Upstream: staging/src/k8s.io/api/apps/v1/types.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen
from immutabledict import immutabledict

from .batch import Job
from .core import IntOrString, PodTemplateSpec
from .meta import LabelSelector, ObjectMeta, PlainSelector, Time
from .storage import PersistentVolumeClaim
from .values.frozen import EMPTY, Json


class Replicated:
    """A spec that says how many Pods there are to be."""

    __slots__ = ()

    replicas: int | None

    @property
    def wanted(self) -> int:
        """How many Pods are asked for: 1 where nothing is said."""
        return 1 if self.replicas is None else self.replicas


NO_SELECTOR = LabelSelector()
"""What stands in a workload that says no selector at all. It equals an empty one, and is told from it by being this."""


@frozen
class RollingUpdateDeployment:
    """How far a rollout may go above and below the wanted number: numbers or percentages."""

    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DeploymentStrategy:
    """RollingUpdate or Recreate."""

    type: str = ""
    rolling_update: RollingUpdateDeployment | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DeploymentSpec(Replicated):
    """What a Deployment should be; `replicas` None is defaulted to 1 by the API server."""

    replicas: int | None = None
    selector: LabelSelector = NO_SELECTOR
    template: PodTemplateSpec = PodTemplateSpec()
    strategy: DeploymentStrategy = DeploymentStrategy()
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    paused: bool = False
    progress_deadline_seconds: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class WorkloadCondition:
    """Available, Progressing and ReplicaFailure of a Deployment; ReplicaFailure of a ReplicaSet."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: Time | None = None
    last_transition_time: Time | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DeploymentStatus:
    """What the Deployment controller last counted."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[WorkloadCondition, ...] = ()
    collision_count: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Deployment:
    """Rolls ReplicaSets from one template to the next."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ReplicaSetSpec(Replicated):
    """How many Pods of which template."""

    replicas: int | None = None
    min_ready_seconds: int = 0
    selector: LabelSelector = NO_SELECTOR
    template: PodTemplateSpec = PodTemplateSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ReplicaSetStatus:
    """What the ReplicaSet controller last counted."""

    replicas: int = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    conditions: tuple[WorkloadCondition, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class ReplicaSet:
    """Keeps a number of Pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ReplicationControllerSpec(ReplicaSetSpec):
    """That of a ReplicaSet, but for how its selector is written."""

    selector: PlainSelector = PlainSelector()


@frozen(cache_hash=True)
class ReplicationController(ReplicaSet):
    """Keeps a number of Pods: a ReplicaSet, which its controller runs as one, but no Deployment's.

    Upstream: pkg/controller/replication/conversion.go (v1.32).
    """

    spec: ReplicationControllerSpec = ReplicationControllerSpec()


@frozen
class RollingUpdateStatefulSetStrategy:
    """From which ordinal on Pods are replaced; `max_unavailable` counts only behind a feature gate that is off."""

    partition: int | None = None
    max_unavailable: IntOrString | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class StatefulSetUpdateStrategy:
    """RollingUpdate or OnDelete."""

    type: str = ""
    rolling_update: RollingUpdateStatefulSetStrategy | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class StatefulSetOrdinals:
    """The number of the first Pod."""

    start: int = 0
    extra: immutabledict[str, Json] = EMPTY


@frozen
class StatefulSetPersistentVolumeClaimRetentionPolicy:
    """What becomes of claims when their set is deleted, or scaled down: Retain or Delete."""

    when_deleted: str = ""
    when_scaled: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class StatefulSetSpec(Replicated):
    """How many Pods with names of their own, of which template, with which volumes."""

    replicas: int | None = None
    selector: LabelSelector = NO_SELECTOR
    template: PodTemplateSpec = PodTemplateSpec()
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()
    service_name: str = ""
    pod_management_policy: str = ""
    update_strategy: StatefulSetUpdateStrategy = StatefulSetUpdateStrategy()
    revision_history_limit: int | None = None
    min_ready_seconds: int = 0
    persistent_volume_claim_retention_policy: StatefulSetPersistentVolumeClaimRetentionPolicy | None = None
    ordinals: StatefulSetOrdinals | None = None
    extra: immutabledict[str, Json] = EMPTY

    @property
    def first(self) -> int:
        """The ordinal of the first Pod."""
        return 0 if self.ordinals is None else self.ordinals.start


@frozen
class StatefulSetStatus:
    """What the StatefulSet controller last counted, and the names of the revisions that it rolls from and to."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: int | None = None
    conditions: tuple[WorkloadCondition, ...] = ()
    available_replicas: int = 0
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class StatefulSet:
    """Keeps Pods that have names of their own, one after the other."""

    metadata: ObjectMeta = ObjectMeta()
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class RollingUpdateDaemonSet:
    """How many nodes may be without a Pod that is available, or have one more, in a rollout: numbers or percentages."""

    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DaemonSetUpdateStrategy:
    """RollingUpdate or OnDelete."""

    type: str = ""
    rolling_update: RollingUpdateDaemonSet | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DaemonSetSpec:
    """A Pod of which template there is to be on every node that it may run on."""

    selector: LabelSelector = NO_SELECTOR
    template: PodTemplateSpec = PodTemplateSpec()
    update_strategy: DaemonSetUpdateStrategy = DaemonSetUpdateStrategy()
    min_ready_seconds: int = 0
    revision_history_limit: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class DaemonSetStatus:
    """On how many nodes there is a Pod, should be one, and what those Pods are, as the controller last counted."""

    current_number_scheduled: int = 0
    number_misscheduled: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    observed_generation: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    collision_count: int | None = None
    conditions: tuple[WorkloadCondition, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class DaemonSet:
    """Keeps a Pod on every node that it may run on."""

    metadata: ObjectMeta = ObjectMeta()
    spec: DaemonSetSpec = DaemonSetSpec()
    status: DaemonSetStatus = DaemonSetStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class RevisionSpec:
    """The part of a workload's spec that a revision keeps."""

    template: PodTemplateSpec = PodTemplateSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class RevisionData:
    """The patch that brings a workload back to a revision."""

    spec: RevisionSpec = RevisionSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class ControllerRevision:
    """A template that a workload had, and the how manieth it was."""

    metadata: ObjectMeta = ObjectMeta()
    data: RevisionData = RevisionData()
    revision: int = 0
    extra: immutabledict[str, Json] = EMPTY


Sized = Deployment | ReplicaSet | ReplicationController | StatefulSet
"""Workloads that have as many Pods as `spec.replicas` says; they have a scale subresource."""
Workload = Sized | DaemonSet | Job
"""Those who have Pods made of `spec.template`."""
