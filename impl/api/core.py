"""The core/v1 objects the modelled components read and write.

Upstream: staging/src/k8s.io/api/core/v1/types.go (v1.32). Fields without a class or a name here stay in `extra`.
"""

from __future__ import annotations

from attrs import field, frozen
from immutabledict import immutabledict

from .meta import LabelSelector, LabelSelectorRequirement, ObjectMeta, Time
from .values.frozen import EMPTY, Json, Strings, strings
from .values.quantity import Quantity

Resources = immutabledict[str, Quantity]
"""A ResourceList: resource name to quantity."""

IntOrString = int | str


# --- containers ---------------------------------------------------------------------------------------------------


@frozen
class ContainerPort:
    """A port a container says it listens on; `host_port` also takes that port of the node."""

    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0
    host_ip: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ResourceRequirements:
    """What a container asks for and what it may use."""

    requests: Resources = immutabledict()
    limits: Resources = immutabledict()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Probe:
    """When and how often the kubelet asks; what it asks (httpGet, exec, ...) stays in `extra`. Times in seconds."""

    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class SleepAction:
    """Sleep, in seconds (GA in 1.32 is still beta: PodLifecycleSleepAction)."""

    seconds: int = 0
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ExecAction:
    """A command run in the container."""

    command: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class LifecycleHandler:
    """A hook: sleep or exec; httpGet and tcpSocket stay in `extra`."""

    sleep: SleepAction | None = None
    exec: ExecAction | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Lifecycle:
    """Hooks of a container."""

    pre_stop: LifecycleHandler | None = None
    post_start: LifecycleHandler | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Container:
    """One container of a Pod, or an init container (a sidecar when its restart_policy is Always)."""

    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    ports: tuple[ContainerPort, ...] = ()
    resources: ResourceRequirements = ResourceRequirements()
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    restart_policy: str | None = None
    extra: immutabledict[str, Json] = EMPTY


# --- placement ----------------------------------------------------------------------------------------------------


@frozen
class Toleration:
    """Lets a Pod stay on, or go to, a node with a matching taint. `toleration_seconds` bounds it for NoExecute."""

    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeSelectorTerm:
    """All its requirements must hold; a term with none matches nothing."""

    match_expressions: tuple[LabelSelectorRequirement, ...] = ()
    match_fields: tuple[LabelSelectorRequirement, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeSelector:
    """Terms are ORed."""

    node_selector_terms: tuple[NodeSelectorTerm, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PreferredSchedulingTerm:
    """A wish with a weight of 1 to 100."""

    weight: int = 0
    preference: NodeSelectorTerm = NodeSelectorTerm()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeAffinity:
    """Which nodes a Pod must have, and which it likes."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodAffinityTerm:
    """Pods the selector matches, in the listed (or selected, or own) namespaces, in one value of the topology key."""

    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    topology_key: str = ""
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class WeightedPodAffinityTerm:
    """A wish with a weight of 1 to 100."""

    weight: int = 0
    pod_affinity_term: PodAffinityTerm = PodAffinityTerm()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodAffinity:
    """Which Pods to be near (or, as podAntiAffinity, away from)."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class Affinity:
    """The three affinities of a Pod."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class TopologySpreadConstraint:
    """How evenly matching Pods must (DoNotSchedule) or should (ScheduleAnyway) spread over a topology key."""

    max_skew: int = 0
    topology_key: str = ""
    when_unsatisfiable: str = ""
    label_selector: LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()
    extra: immutabledict[str, Json] = EMPTY


# --- Pod ----------------------------------------------------------------------------------------------------------


@frozen
class PodSchedulingGate:
    """While a Pod has one, the scheduler leaves it alone."""

    name: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodSpec:
    """What a Pod should be."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    node_name: str = ""
    node_selector: Strings = field(factory=strings)
    affinity: Affinity | None = None
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    scheduler_name: str = ""
    scheduling_gates: tuple[PodSchedulingGate, ...] = ()
    service_account_name: str = ""
    priority: int | None = None
    priority_class_name: str = ""
    preemption_policy: str | None = None
    host_network: bool = False
    overhead: Resources = immutabledict()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def sidecars(self) -> tuple[Container, ...]:
        """The init containers that go on running beside the others."""
        return tuple(container for container in self.init_containers if container.restart_policy == "Always")


@frozen
class PodCondition:
    """One of PodScheduled, Initialized, ContainersReady, Ready, DisruptionTarget, ..."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: Time | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ContainerStatus:
    """What the kubelet last reported of a container; `state` is running, waiting or terminated, with details."""

    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: immutabledict[str, Json] = EMPTY
    last_state: immutabledict[str, Json] = EMPTY
    image: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class PodStatus:
    """What a Pod is, as the kubelet and the scheduler last wrote it."""

    phase: str = ""
    conditions: tuple[PodCondition, ...] = ()
    reason: str = ""
    message: str = ""
    nominated_node_name: str = ""
    host_ip: str = ""
    pod_ip: str = ""
    start_time: Time | None = None
    qos_class: str = ""
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    def condition(self, kind: str) -> PodCondition | None:
        """Return the condition of that type, if it is set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen(cache_hash=True)
class Pod:
    """One or more containers that share a node, an address and a fate."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()
    extra: immutabledict[str, Json] = EMPTY

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is True."""
        ready = self.status.condition("Ready")
        return ready is not None and ready.status == "True"

    @property
    def finished(self) -> bool:
        """Whether its phase is final: Succeeded or Failed."""
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def active(self) -> bool:
        """Whether a controller counts it: neither finished nor being deleted (controller.IsPodActive)."""
        return not self.finished and not self.metadata.terminating


@frozen
class PodTemplateSpec:
    """What a workload's Pods are made from."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    extra: immutabledict[str, Json] = EMPTY


# --- Node ---------------------------------------------------------------------------------------------------------


@frozen
class Taint:
    """Keeps Pods away that do not tolerate it; effect NoSchedule, PreferNoSchedule or NoExecute."""

    key: str = ""
    effect: str = ""
    value: str = ""
    time_added: Time | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeSpec:
    """What an administrator or a controller wants of a node."""

    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    provider_id: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeCondition:
    """One of Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_heartbeat_time: Time | None = None
    last_transition_time: Time | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ContainerImage:
    """An image a node already has; size in bytes."""

    names: tuple[str, ...] = ()
    size_bytes: int = 0
    extra: immutabledict[str, Json] = EMPTY


@frozen
class NodeStatus:
    """What a node has and how it is."""

    capacity: Resources = immutabledict()
    allocatable: Resources = immutabledict()
    conditions: tuple[NodeCondition, ...] = ()
    images: tuple[ContainerImage, ...] = ()
    extra: immutabledict[str, Json] = EMPTY

    def condition(self, kind: str) -> NodeCondition | None:
        """Return the condition of that type, if it is set."""
        return next((condition for condition in self.conditions if condition.type == kind), None)


@frozen(cache_hash=True)
class Node:
    """A machine that runs Pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()
    extra: immutabledict[str, Json] = EMPTY


# --- Service and the small kinds ----------------------------------------------------------------------------------


@frozen
class ServicePort:
    """A port of a Service and where it leads; `target_port` is a number or the name of a container port."""

    port: int = 0
    name: str = ""
    protocol: str = "TCP"
    target_port: IntOrString | None = None
    node_port: int = 0
    app_protocol: str | None = None
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ServiceSpec:
    """How a set of Pods is reached."""

    selector: Strings = field(factory=strings)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = ""
    cluster_ips: tuple[str, ...] = ()
    type: str = "ClusterIP"
    external_ips: tuple[str, ...] = ()
    session_affinity: str = ""
    external_traffic_policy: str = ""
    internal_traffic_policy: str = ""
    publish_not_ready_addresses: bool = False
    load_balancer_source_ranges: tuple[str, ...] = ()
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Service:
    """A stable address in front of Pods."""

    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceSpec = ServiceSpec()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Namespace:
    """A scope for names."""

    metadata: ObjectMeta = ObjectMeta()
    extra: immutabledict[str, Json] = EMPTY


@frozen
class ObjectReference:
    """Points at another object."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Binding:
    """The scheduler's request to give a Pod (metadata.name) to a node (target.name)."""

    metadata: ObjectMeta = ObjectMeta()
    target: ObjectReference = ObjectReference()
    extra: immutabledict[str, Json] = EMPTY


@frozen(cache_hash=True)
class Event:
    """Something a component wants a human to know."""

    metadata: ObjectMeta = ObjectMeta()
    involved_object: ObjectReference = ObjectReference()
    reason: str = ""
    message: str = ""
    type: str = ""
    count: int = 0
    extra: immutabledict[str, Json] = EMPTY
