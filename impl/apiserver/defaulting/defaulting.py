"""The defaults of every modelled kind: what the API server fills in before anyone looks at an object.

Upstream: pkg/apis/{core,apps,batch,policy,discovery,networking,rbac,scheduling}/v1/defaults.go (v1.32).
Left out on purpose: kinds without defaults (they come back as they are), dual-stack Services.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import (
    DaemonSet,
    DaemonSetSpec,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicationController,
    RollingUpdateDaemonSet,
    RollingUpdateDeployment,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from ...api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec
from ...api.batch import CronJob, CronJobSpec, Job, JobSpec, PodFailurePolicy, PodFailurePolicyRule
from ...api.core import Node, Pod, Service, ServicePort, ServiceSpec
from ...api.kinds import Object, Unstructured
from ...api.meta import PlainSelector
from ...api.networking import NetworkPolicy, NetworkPolicyPort, NetworkPolicySpec
from ...api.policy import EndpointPort, EndpointSlice, PriorityClass, RoleBinding, RoleRef, Subject
from ...api.quota import LimitRange, LimitRangeItem
from ...api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from ...api.values.frozen import freeze
from ...controllers.horizontal.behavior import rules as filled_rules
from ...quota.amounts import frozen_amounts
from ..unstructured import default_unstructured
from .pod_defaults import default_pod, default_template, with_extra, with_sources

QUARTER = "25%"
RBAC_GROUP = "rbac.authorization.k8s.io"
HEADLESS = "None"
THREE_HOURS = 10800
DEFAULT_FAILURES, MOST_FAILURES = 6, 2**31 - 1
"""A Job's backoffLimit where it is absent, and where failures are counted index by index."""
EXTERNAL = frozenset({"NodePort", "LoadBalancer"})


def default(obj: Object) -> Object:
    """Return the object with Kubernetes' defaults filled in; doing it twice changes nothing more."""
    match obj:
        case Pod():
            return default_pod(obj)
        case Deployment():
            return evolve(obj, spec=_deployment(obj.spec))
        case ReplicaSet():
            if isinstance(obj, ReplicationController):
                obj = _replication_controller(obj)
            replicas = obj.spec.wanted
            return evolve(obj, spec=evolve(obj.spec, replicas=replicas, template=default_template(obj.spec.template)))
        case StatefulSet():
            return evolve(obj, spec=_statefulset(obj.spec))
        case DaemonSet():
            return evolve(obj, spec=_daemonset(obj.spec))
        case Job():
            return evolve(obj, spec=_job(obj.spec))
        case CronJob():
            return evolve(obj, spec=_cron_job(obj.spec))
        case PersistentVolumeClaim():
            return _claim(obj)
        case PersistentVolume():
            return _volume(obj)
        case StorageClass():
            binds = obj.volume_binding_mode or "Immediate"
            return evolve(obj, reclaim_policy=obj.reclaim_policy or "Delete", volume_binding_mode=binds)
        case Service():
            return evolve(obj, spec=_service(obj.spec))
        case Node():
            allocatable = obj.status.allocatable or obj.status.capacity
            return evolve(obj, status=evolve(obj.status, allocatable=allocatable))
        case EndpointSlice():
            return evolve(obj, ports=tuple(map(_endpoint_port, obj.ports)))
        case NetworkPolicy():
            return evolve(obj, spec=_network_policy(obj.spec))
        case RoleBinding():
            return _role_binding(obj)
        case HorizontalPodAutoscaler():
            return evolve(obj, spec=_autoscaler(obj.spec))
        case LimitRange():
            return evolve(obj, spec=evolve(obj.spec, limits=tuple(map(_limits, obj.spec.limits))))
        case PriorityClass():
            return evolve(obj, preemption_policy=obj.preemption_policy or "PreemptLowerPriority")
        case Unstructured():
            return default_unstructured(obj)
        case _:
            return obj


def _autoscaler(spec: HorizontalPodAutoscalerSpec) -> HorizontalPodAutoscalerSpec:
    """Keep at least one replica, and cpu at 80 per cent of what is asked for, where nothing is said."""
    target = {"type": "Utilization", "averageUtilization": 80}
    usual = freeze([{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
    rules = spec.behavior
    if rules is not None:
        up, down = filled_rules(spec)
        up = evolve(up, stabilization_window_seconds=up.stabilization_window_seconds or 0)
        said = None if rules.scale_down is None else rules.scale_down.stabilization_window_seconds
        rules = evolve(rules, scale_up=up, scale_down=evolve(down, stabilization_window_seconds=said))
    return evolve(spec, min_replicas=spec.least, metrics=spec.metrics or usual, behavior=rules)


def _limits(item: LimitRangeItem) -> LimitRangeItem:
    """Return what containers get that name nothing: the limit is the most, the request is the limit, or the least."""
    if item.type != "Container":
        return item
    limits = {**item.max, **item.default}
    return evolve(
        item,
        default=frozen_amounts(limits),
        default_request=frozen_amounts({**item.min, **limits, **item.default_request}),
    )


def _replication_controller(one: ReplicationController) -> ReplicationController:
    """Take selector and labels from the template where there are none (pkg/apis/core/v1/defaults.go)."""
    labels = one.spec.template.metadata.labels
    selector = one.spec.selector if one.spec.selector.match_labels else PlainSelector(labels)
    named = evolve(one.metadata, labels=one.metadata.labels or labels)
    return evolve(one, metadata=named, spec=evolve(one.spec, selector=selector))


def _deployment(spec: DeploymentSpec) -> DeploymentSpec:
    deadline, history = spec.progress_deadline_seconds, spec.revision_history_limit
    return evolve(
        spec,
        replicas=spec.wanted,
        template=default_template(spec.template),
        strategy=_strategy(spec.strategy),
        revision_history_limit=10 if history is None else history,
        progress_deadline_seconds=600 if deadline is None else deadline,
    )


def _strategy(strategy: DeploymentStrategy) -> DeploymentStrategy:
    """Roll by quarters, unless the strategy says otherwise."""
    kind = strategy.type or "RollingUpdate"
    if kind != "RollingUpdate":
        return strategy
    rolling = strategy.rolling_update or RollingUpdateDeployment()
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    complete = evolve(
        rolling,
        max_unavailable=QUARTER if unavailable is None else unavailable,
        max_surge=QUARTER if surge is None else surge,
    )
    return evolve(strategy, type=kind, rolling_update=complete)


def _statefulset(spec: StatefulSetSpec) -> StatefulSetSpec:
    history = spec.revision_history_limit
    retention = spec.persistent_volume_claim_retention_policy or StatefulSetPersistentVolumeClaimRetentionPolicy()
    return evolve(
        spec,
        replicas=spec.wanted,
        template=default_template(spec.template),
        volume_claim_templates=tuple(map(_claim_template, spec.volume_claim_templates)),
        pod_management_policy=spec.pod_management_policy or "OrderedReady",
        update_strategy=_update_strategy(spec.update_strategy),
        revision_history_limit=10 if history is None else history,
        persistent_volume_claim_retention_policy=evolve(
            retention,
            when_deleted=retention.when_deleted or "Retain",
            when_scaled=retention.when_scaled or "Retain",
        ),
    )


def _update_strategy(strategy: StatefulSetUpdateStrategy) -> StatefulSetUpdateStrategy:
    kind = strategy.type or "RollingUpdate"
    if kind != "RollingUpdate":
        return strategy
    rolling = strategy.rolling_update or RollingUpdateStatefulSetStrategy()
    # The feature gate MaxUnavailableStatefulSet is off: the strategy of the kind drops the number.
    complete = evolve(rolling, partition=rolling.partition or 0, max_unavailable=None)
    return evolve(strategy, type=kind, rolling_update=complete)


def _daemonset(spec: DaemonSetSpec) -> DaemonSetSpec:
    history = spec.revision_history_limit
    return evolve(
        spec,
        template=default_template(spec.template),
        update_strategy=_daemonset_strategy(spec.update_strategy),
        revision_history_limit=10 if history is None else history,
    )


def _daemonset_strategy(strategy: DaemonSetUpdateStrategy) -> DaemonSetUpdateStrategy:
    """Roll one node at a time, unless the strategy says otherwise."""
    kind = strategy.type or "RollingUpdate"
    if kind != "RollingUpdate":
        return strategy
    rolling = strategy.rolling_update or RollingUpdateDaemonSet()
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    complete = evolve(
        rolling,
        max_unavailable=1 if unavailable is None else unavailable,
        max_surge=0 if surge is None else surge,
    )
    return evolve(strategy, type=kind, rolling_update=complete)


def _job(spec: JobSpec) -> JobSpec:
    """Default a Job: both numbers are 1 where neither is given, and a Pod is replaced once it is on its way out."""
    alone = spec.completions is None and spec.parallelism is None
    limit = MOST_FAILURES if spec.backoff_limit_per_index is not None else DEFAULT_FAILURES
    replaced = "TerminatingOrFailed" if spec.pod_failure_policy is None else "Failed"
    return evolve(
        spec,
        completions=1 if alone else spec.completions,
        parallelism=spec.at_once,
        backoff_limit=limit if spec.backoff_limit is None else spec.backoff_limit,
        completion_mode=spec.completion_mode or "NonIndexed",
        pod_replacement_policy=spec.pod_replacement_policy or replaced,
        pod_failure_policy=spec.pod_failure_policy and _failure_policy(spec.pod_failure_policy),
        template=default_template(spec.template),
    )


def _failure_policy(policy: PodFailurePolicy) -> PodFailurePolicy:
    """Default what rules say of conditions of Pods: that they are true."""
    return evolve(policy, rules=tuple(map(_failure_rule, policy.rules)))


def _failure_rule(rule: PodFailurePolicyRule) -> PodFailurePolicyRule:
    conditions = tuple(evolve(pattern, status=pattern.status or "True") for pattern in rule.on_pod_conditions)
    return evolve(rule, on_pod_conditions=conditions)


def _cron_job(spec: CronJobSpec) -> CronJobSpec:
    """Default a CronJob; of its Jobs their Pods and when those failed: the rest is theirs, once they are made."""
    done, failed = spec.successful_jobs_history_limit, spec.failed_jobs_history_limit
    job = spec.job_template
    policy = job.spec.pod_failure_policy and _failure_policy(job.spec.pod_failure_policy)
    made = evolve(job.spec, template=default_template(job.spec.template), pod_failure_policy=policy)
    return evolve(
        spec,
        concurrency_policy=spec.concurrency_policy or "Allow",
        job_template=evolve(job, spec=made),
        successful_jobs_history_limit=3 if done is None else done,
        failed_jobs_history_limit=1 if failed is None else failed,
    )


def _claim(claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
    """Default a claim, or the template of one."""
    spec = evolve(claim.spec, volume_mode=claim.spec.volume_mode or "Filesystem")
    return evolve(claim, spec=spec, status=evolve(claim.status, phase=claim.status.phase or "Pending"))


def _claim_template(claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
    return evolve(_claim(claim), extra=with_extra(claim.extra, apiVersion="v1", kind="PersistentVolumeClaim"))


def _volume(volume: PersistentVolume) -> PersistentVolume:
    spec = evolve(
        volume.spec,
        extra=with_sources(volume.spec.extra),
        volume_mode=volume.spec.volume_mode or "Filesystem",
        persistent_volume_reclaim_policy=volume.spec.persistent_volume_reclaim_policy or "Retain",
    )
    return evolve(volume, spec=spec, status=evolve(volume.status, phase=volume.status.phase or "Pending"))


def _service(spec: ServiceSpec) -> ServiceSpec:
    """Default type, ports, affinity and traffic policies; the address itself is allocated later."""
    kind = spec.type or "ClusterIP"
    external, cluster = kind in EXTERNAL or bool(spec.external_ips), kind != "ExternalName"
    extra = immutabledict((key, value) for key, value in spec.extra.items() if key != "sessionAffinityConfig")
    if spec.session_affinity == "ClientIP":
        extra = with_extra(spec.extra, sessionAffinityConfig={"clientIP": {"timeoutSeconds": THREE_HOURS}})
    addresses = spec.cluster_ips or ((spec.cluster_ip,) if spec.cluster_ip else ())
    extra = with_extra(extra, allocateLoadBalancerNodePorts=True) if kind == "LoadBalancer" else extra
    return evolve(
        spec,
        type=kind,
        ports=tuple(map(_service_port, spec.ports)),
        session_affinity=spec.session_affinity or "None",
        internal_traffic_policy=spec.internal_traffic_policy or ("Cluster" if cluster else ""),
        external_traffic_policy=spec.external_traffic_policy or ("Cluster" if external else ""),
        cluster_ips=addresses if cluster else spec.cluster_ips,
        ip_families=spec.ip_families or (("IPv4",) if cluster else ()),
        ip_family_policy=spec.ip_family_policy or ("SingleStack" if cluster else ""),
        extra=extra,
    )


def _service_port(port: ServicePort) -> ServicePort:
    return evolve(port, protocol=port.protocol or "TCP", target_port=port.target_port or port.port)


def _endpoint_port(port: EndpointPort) -> EndpointPort:
    return evolve(port, protocol=port.protocol or "TCP")


def _network_policy(spec: NetworkPolicySpec) -> NetworkPolicySpec:
    """Isolate for ingress, and for egress where there are rules for it, unless policyTypes say otherwise."""
    types = spec.policy_types or (("Ingress", "Egress") if spec.egress else ("Ingress",))
    ingress = tuple(evolve(rule, ports=tuple(map(_policy_port, rule.ports))) for rule in spec.ingress)
    egress = tuple(evolve(rule, ports=tuple(map(_policy_port, rule.ports))) for rule in spec.egress)
    return evolve(spec, policy_types=types, ingress=ingress, egress=egress)


def _policy_port(port: NetworkPolicyPort) -> NetworkPolicyPort:
    return evolve(port, protocol=port.protocol or "TCP")


def _role_binding(binding: RoleBinding) -> RoleBinding:
    reference = binding.role_ref
    named: RoleRef = evolve(reference, api_group=reference.api_group or RBAC_GROUP)
    return evolve(binding, role_ref=named, subjects=tuple(map(_subject, binding.subjects)))


def _subject(subject: Subject) -> Subject:
    group = "" if subject.kind == "ServiceAccount" else RBAC_GROUP
    return evolve(subject, api_group=subject.api_group or group)
