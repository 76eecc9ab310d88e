"""How each kind behaves when it is created and updated: what is reset, what is kept, when generation counts up.

Upstream: pkg/registry/**/strategy.go (PrepareForCreate, PrepareForUpdate, AllowCreateOnUpdate) (v1.32).
Left out on purpose: managedFields; the fields that only disabled feature gates drop.
"""

from __future__ import annotations

from typing import Any, cast

from attrs import evolve
from immutabledict import immutabledict

from ..api.apps import DaemonSet, DaemonSetStatus, Deployment, Sized, Workload
from ..api.autoscaling import HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus
from ..api.batch import CronJob, CronJobStatus, Job
from ..api.core import Namespace, Node, Pod, PodCondition, PodStatus, Service
from ..api.kinds import Object, Unstructured
from ..api.meta import Time
from ..api.networking import NetworkPolicy
from ..api.policy import EndpointSlice, PodDisruptionBudget, PodDisruptionBudgetStatus, PriorityClass
from ..api.quota import LimitRange, ResourceQuota, ResourceQuotaStatus
from ..api.values.frozen import freeze, strings
from ..api.values.qos import qos_class
from ..api.well_known import DAEMONSET_GENERATION
from ..api.workloads import with_size, without_status
from .custom.kind import served_kind
from .defaulting.job_labels import with_selector
from .defaulting.label_keys import with_label_keys
from .storage import with_meta
from .unstructured import changed_unstructured, first_unstructured, with_stored_extra

CREATE_ON_UPDATE = frozenset({"Lease", "Service", "Event", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
"""Kinds whose PUT creates what is missing."""

WITH_STATUS = Pod | Node | Workload | CronJob | PodDisruptionBudget | ResourceQuota | HorizontalPodAutoscaler
STATUS_APART = Namespace | Service | Unstructured
"""Kinds whose status is no field of their class: it stays in `extra`."""
GATED = "Scheduling is blocked due to non-empty scheduling gates"


def prepare_for_create(obj: Object, now: Time) -> Object:
    """Reset what a client may not choose: the status, and the generation of kinds that count it."""
    match obj:
        case Pod():
            return evolve(obj, status=_first_pod_status(obj, now), spec=with_label_keys(obj))
        case LimitRange():
            return obj if obj.metadata.name else with_meta(obj, name=obj.metadata.uid)
        case PodDisruptionBudget():
            return with_meta(evolve(obj, status=PodDisruptionBudgetStatus()), generation=1)
        case ResourceQuota():
            return evolve(obj, status=ResourceQuotaStatus())
        case HorizontalPodAutoscaler():
            return evolve(obj, status=HorizontalPodAutoscalerStatus())
        case EndpointSlice() | NetworkPolicy() | PriorityClass():
            return with_meta(obj, generation=1)
        case Namespace():
            return _first_namespace(obj)
        case Unstructured():
            return first_unstructured(obj)
        case DaemonSet():
            return _numbered(with_meta(evolve(obj, status=DaemonSetStatus()), generation=1), max(1, _number(obj)))
        case CronJob():
            return with_meta(evolve(obj, status=CronJobStatus()), generation=1)
        case Job():
            return with_meta(without_status(with_selector(obj)), generation=1)
        case _ if isinstance(obj, Workload):
            return with_meta(without_status(obj), generation=1)
        case _:
            return obj


def _number(obj: DaemonSet) -> int:
    """Return the how manieth template a DaemonSet says that it has, 0 where it says none."""
    given = obj.metadata.annotations.get(DAEMONSET_GENERATION, "")
    return int(given) if given.isdecimal() else 0


def _numbered(obj: DaemonSet, number: int) -> DaemonSet:
    """Write which template of a DaemonSet this is (pkg/apis/apps/v1/conversion.go)."""
    return with_meta(obj, annotations=strings({**obj.metadata.annotations, DAEMONSET_GENERATION: str(number)}))


def _first_pod_status(pod: Pod, now: Time) -> PodStatus:
    gated = PodCondition("PodScheduled", "False", "SchedulingGated", GATED, last_transition_time=now)
    conditions = (gated,) if pod.spec.scheduling_gates else ()
    return PodStatus(phase="Pending", qos_class=qos_class(pod.spec), conditions=conditions)


def _first_namespace(namespace: Namespace) -> Namespace:
    spec = dict(namespace.extra.get("spec") or {})
    spec["finalizers"] = (
        *[finalizer for finalizer in spec.get("finalizers", ()) if finalizer != "kubernetes"],
        "kubernetes",
    )
    extra = immutabledict({**namespace.extra, "spec": freeze(spec), "status": freeze({"phase": "Active"})})
    return evolve(namespace, extra=extra)


def prepare_for_update(new: Any, old: Any) -> Object:
    """Keep the status as it is stored and count the generation up when the wish has changed."""
    if isinstance(old, Unstructured):
        return changed_unstructured(new, old)
    if isinstance(old, WITH_STATUS):
        new = evolve(new, status=old.status)
    elif isinstance(old, STATUS_APART):
        new = with_stored_extra(old, new)
        new = _with_finalizers_of(new, old) if isinstance(old, Namespace) else new
    if isinstance(old, Service):
        new = _keep_addresses(new, old)
    if isinstance(old, DaemonSet):
        new = _numbered(new, _number(old) + (new.spec.template != old.spec.template))
    if isinstance(old, Pod) and not old.spec.scheduling_gates == new.spec.scheduling_gates == ():
        new = _ungated(new, old)
    generation = old.metadata.generation + (1 if _wish_changed(new, old) else 0)
    final: Object = new if new.metadata.generation == generation else with_meta(new, generation=generation)
    return final


def _with_finalizers_of(new: Namespace, old: Namespace) -> Namespace:
    """Keep what holds a namespace: only its subresource finalize changes that."""
    extra = {key: value for key, value in new.extra.items() if key != "spec"}
    kept = {"spec": old.extra["spec"]} if "spec" in old.extra else {}
    return evolve(new, extra=immutabledict({**extra, **kept}))


def _wish_changed(new: Any, old: Any) -> bool:
    """Tell whether generation counts up: spec, and for a Deployment its annotations too."""
    match old:
        case Deployment():
            return bool(new.spec != old.spec or new.metadata.annotations != old.metadata.annotations)
        case _ if isinstance(old, Workload | CronJob | PodDisruptionBudget | NetworkPolicy):
            return bool(new.spec != old.spec)
        case EndpointSlice():
            labels = new.metadata.labels != old.metadata.labels
            return bool(labels or evolve(new, metadata=old.metadata) != old)
        case _:
            return False


def _keep_addresses(new: Service, old: Service) -> Service:
    """Carry the cluster IP, and the node ports of ports that are still there, into a PUT that leaves them out."""
    spec = new.spec
    if not spec.cluster_ip and spec.type != "ExternalName" and old.spec.type != "ExternalName":
        spec = evolve(spec, cluster_ip=old.spec.cluster_ip, cluster_ips=old.spec.cluster_ips)
    elif spec.cluster_ip == old.spec.cluster_ip and not spec.cluster_ips:
        spec = evolve(spec, cluster_ips=old.spec.cluster_ips)
    if spec.type in {"NodePort", "LoadBalancer"}:
        known = {(port.port, port.protocol): port.node_port for port in old.spec.ports}
        spec = evolve(
            spec,
            ports=tuple(
                port if port.node_port else evolve(port, node_port=known.get((port.port, port.protocol), 0))
                for port in spec.ports
            ),
        )
    elif old.spec.type in {"NodePort", "LoadBalancer"}:
        spec = _released(spec, old)
    return evolve(new, spec=spec)


def _released(spec: Any, old: Service) -> Any:
    """Release node ports that the change of type makes useless, where the client has just left them as they were."""
    ports = {port.node_port for port in old.spec.ports}
    if spec.external_traffic_policy == old.spec.external_traffic_policy:
        spec = evolve(spec, external_traffic_policy="")
    return evolve(
        spec, ports=tuple(evolve(port, node_port=0) if port.node_port in ports else port for port in spec.ports)
    )


def _ungated(new: Pod, old: Pod) -> Pod:
    """Drop the SchedulingGated condition with the last gate, as the pod strategy does."""
    if new.spec.scheduling_gates or not old.spec.scheduling_gates:
        return new
    kept = tuple(condition for condition in new.status.conditions if condition.reason != "SchedulingGated")
    return evolve(new, status=evolve(new.status, conditions=kept))


def only_status(new: Any, old: Any) -> Object | None:
    """Return the stored object with the status wanted; None when the kind has no status subresource.

    The status strategies of workloads reset the spec (and the labels), not the annotations: that is
    how the Deployment controller writes the revision.
    """
    if isinstance(old, Unstructured) and old.of.custom and not old.of.status_apart:
        return None
    if isinstance(old, STATUS_APART):
        return cast("Object", with_stored_extra(new, old))
    if not isinstance(old, WITH_STATUS):
        return None
    status = new.status
    if isinstance(old, Workload):
        noted = evolve(old.metadata, annotations=new.metadata.annotations)
        return cast("Object", evolve(old, metadata=noted, status=status))
    if isinstance(old, Pod) and not status.qos_class:
        status = evolve(status, qos_class=old.status.qos_class)
    final: Object = evolve(old, status=status)
    return final


def only_scale(new: Any, old: Any) -> Object | None:
    """Return the stored object with the replicas wanted; None when the kind has no scale subresource."""
    kind = served_kind(old)
    if kind is not None and kind.scale is not None:
        return changed_unstructured(evolve(new, metadata=old.metadata), old)
    if not isinstance(old, Sized):
        return None
    if new.spec.replicas == old.spec.replicas:
        return old
    return with_meta(with_size(old, new.spec.replicas), generation=old.metadata.generation + 1)


def only_ephemeral(new: Any, old: Any) -> Object | None:
    """Return the stored Pod with the ephemeral containers wanted; None when it is no Pod."""
    if not isinstance(old, Pod):
        return None
    extra = {**old.spec.extra, "ephemeralContainers": new.spec.extra.get("ephemeralContainers", ())}
    return evolve(old, spec=evolve(old.spec, extra=immutabledict(extra)))


def with_name_label(obj: Object) -> Object:
    """Return a Namespace with the label that says its name; other kinds stay as they are."""
    if not isinstance(obj, Namespace):
        return obj
    return with_meta(obj, labels=strings({**obj.metadata.labels, "kubernetes.io/metadata.name": obj.metadata.name}))
