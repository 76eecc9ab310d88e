"""Validation: which rules each kind has to keep when it is created and when it is changed.

Upstream: pkg/apis/*/validation (v1.32), as pkg/registry/**/strategy.go calls it.
Left out on purpose: status updates are not validated (Kubernetes checks little there: any phase passes).
"""

from __future__ import annotations

from typing import Any

from ...api.apps import DaemonSet, Sized
from ...api.autoscaling import HorizontalPodAutoscaler
from ...api.batch import CronJob, Job
from ...api.core import Event, Namespace, Node, Pod, Service
from ...api.kinds import Object, Unstructured, kind_of
from ...api.networking import NetworkPolicy
from ...api.policy import EndpointSlice, Lease, PodDisruptionBudget, PriorityClass, Role, RoleBinding
from ...api.quota import LimitRange, ResourceQuota
from ...api.releases import OLDEST, Release
from ...api.storage import PersistentVolume, PersistentVolumeClaim, StorageClass
from .apps import validate_workload, validate_workload_update
from .autoscaling import validate_autoscaler
from .batch import validate_cron_job, validate_job, validate_job_update
from .field_error import FieldError, as_told
from .meta import validate_meta, validate_meta_update
from .names import NAMED_LAST
from .networking import validate_network_policy
from .pod import validate_pod, validate_pod_update
from .policy import (
    validate_budget,
    validate_event,
    validate_lease,
    validate_namespace,
    validate_node,
    validate_priority_class,
    validate_priority_class_update,
    validate_role,
    validate_role_binding,
    validate_role_binding_update,
)
from .quota import validate_limit_range, validate_quota, validate_quota_update
from .service import validate_endpointslice, validate_service, validate_service_update
from .storage import (
    validate_claim,
    validate_claim_update,
    validate_class,
    validate_class_update,
    validate_volume,
    validate_volume_update,
)
from .unstructured import validate_unstructured


def validate_create(obj: Object, release: Release = OLDEST) -> tuple[FieldError, ...]:
    """Return the broken rules of a new object; () when it keeps them all."""
    own = _own_rules(obj)
    meta = () if own and kind_of(obj).key in NAMED_LAST else validate_meta(obj)
    return as_told((*meta, *own), release)


def _own_rules(obj: Object, old: Any = None) -> list[FieldError]:
    match obj:
        case Pod():
            return validate_pod(obj)
        case Service():
            return validate_service(obj)
        case EndpointSlice():
            return validate_endpointslice(obj)
        case PodDisruptionBudget():
            return validate_budget(obj)
        case NetworkPolicy():
            return validate_network_policy(obj)
        case Unstructured():
            return validate_unstructured(obj, old)
        case PersistentVolume():
            return validate_volume(obj)
        case PersistentVolumeClaim():
            return validate_claim(obj)
        case StorageClass():
            return validate_class(obj)
        case ResourceQuota():
            return validate_quota(obj)
        case HorizontalPodAutoscaler():
            return validate_autoscaler(obj)
        case LimitRange():
            return validate_limit_range(obj)
        case Event():
            return validate_event(obj)
        case Job():
            return validate_job(obj)
        case CronJob():
            return validate_cron_job(obj)
        case Node():
            return validate_node(obj)
        case Namespace():
            return validate_namespace(obj)
        case Lease():
            return validate_lease(obj)
        case Role():
            return validate_role(obj)
        case RoleBinding():
            return validate_role_binding(obj)
        case PriorityClass():
            return validate_priority_class(obj)
        case _:
            return validate_workload(obj) if isinstance(obj, Sized | DaemonSet) else []


def validate_update(new: Any, old: Any, release: Release = OLDEST) -> tuple[FieldError, ...]:
    """Return the broken rules of a change: those of the object, and those of what may change."""
    errors = (
        *validate_meta(new),
        *validate_meta_update(new.metadata, old.metadata),
        *_own_rules(new, old),
        *_changes(new, old),
    )
    return as_told(errors, release)


def _changes(new: Any, old: Any) -> list[FieldError]:
    match old:
        case Pod():
            return validate_pod_update(new, old)
        case Service():
            return validate_service_update(new, old)
        case Job():
            return validate_job_update(new, old)
        case RoleBinding():
            return validate_role_binding_update(new, old)
        case ResourceQuota():
            return validate_quota_update(new, old)
        case PriorityClass():
            return validate_priority_class_update(new, old)
        case PersistentVolumeClaim():
            return validate_claim_update(new, old)
        case PersistentVolume():
            return validate_volume_update(new, old)
        case StorageClass():
            return validate_class_update(new, old)
        case _:
            return validate_workload_update(new, old) if isinstance(old, Sized | DaemonSet) else []
