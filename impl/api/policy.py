"""policy/v1, discovery.k8s.io/v1, coordination.k8s.io/v1, rbac.authorization.k8s.io/v1: the modelled kinds.

Upstream: staging/src/k8s.io/api/{policy,discovery,coordination,rbac}/v1/types.go (v1.32).
"""

from __future__ import annotations

from attrs import frozen
from immutabledict import immutabledict

from .core import IntOrString, ObjectReference
from .meta import LabelSelector, ObjectMeta, Ref, Time
from .values.frozen import EMPTY, Json
from .well_known import SERVICE_NAME

SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""The priority classes that every cluster has, and their values."""


@frozen
class PodDisruptionBudgetSpec:
    """How many Pods must stay, or may go; `selector` None selects nothing, {} everything."""

    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodDisruptionBudgetStatus:
    """What the disruption controller counted; `disrupted_pods` are evicted but not yet seen gone (name to time)."""

    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    disrupted_pods: immutabledict[str, Time] = immutabledict()
    conditions: Json = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class PodDisruptionBudget:
    """Limits voluntary disruptions."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Eviction:
    """Asks the API server to delete a Pod if its budgets allow it."""

    metadata: ObjectMeta = ObjectMeta()
    grace_period_seconds: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class EndpointConditions:
    """`ready` is False for a terminating endpoint; `serving` is readiness without that rule.

    There is no third value here for what is not said: whoever reads manifests says it (`reading.load`).
    """

    ready: bool = False
    serving: bool = False
    terminating: bool = False
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Endpoint:
    """One address behind a Service."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: ObjectReference | None = None
    node_name: str | None = None
    zone: str | None = None
    hints: Json = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class EndpointPort:
    """The number a Service port's name stands for on these endpoints."""

    name: str = ""
    port: int | None = None
    protocol: str = "TCP"
    app_protocol: str | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class EndpointSlice:
    """A part of a Service's endpoints; the label kubernetes.io/service-name says whose."""

    metadata: ObjectMeta = ObjectMeta()
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


def is_slice_of(service: Ref, piece: EndpointSlice) -> bool:
    """Tell whether a slice is a Service's."""
    meta = piece.metadata
    return (meta.namespace, meta.labels.get(SERVICE_NAME)) == (service.namespace, service.name)


@frozen
class LeaseSpec:
    """Who holds it and until when, in seconds."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: Time | None = None
    renew_time: Time | None = None
    lease_transitions: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Lease:
    """A heartbeat of a node, or a lock among instances."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LeaseSpec = LeaseSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PolicyRule:
    """Verbs on resources of API groups, optionally by name."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Role:
    """Rules within a namespace (Role) or everywhere (ClusterRole, when the namespace is empty)."""

    metadata: ObjectMeta = ObjectMeta()
    rules: tuple[PolicyRule, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Subject:
    """A User, a Group or a ServiceAccount."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    api_group: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class RoleRef:
    """The Role or ClusterRole a binding grants."""

    kind: str = ""
    name: str = ""
    api_group: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class RoleBinding:
    """Grants a role to subjects, within a namespace or (ClusterRoleBinding) everywhere."""

    metadata: ObjectMeta = ObjectMeta()
    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef = RoleRef()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class PriorityClass:
    """A name for a priority."""

    metadata: ObjectMeta = ObjectMeta()
    value: int = 0
    global_default: bool = False
    preemption_policy: str | None = None
    extra: immutabledict[str, Json] = EMPTY
