"""Validation of the small kinds: budgets, nodes, namespaces, leases, roles, priority classes.

Upstream: pkg/apis/{policy,core,coordination,rbac,scheduling}/validation/validation.go (v1.32).
Left out on purpose: resource names that a cluster does not know; pod CIDRs.
"""

from __future__ import annotations

from ...api.core import Event, Namespace, Node, Taint
from ...api.policy import SYSTEM_PRIORITIES, Lease, PodDisruptionBudget, PriorityClass, Role, RoleBinding, Subject
from .apps import at_most_all, int_or_percent
from .field_error import (
    FieldError,
    bad_keys,
    duplicate,
    forbidden,
    go,
    invalid,
    invalid_list,
    invalid_raw,
    not_supported,
    required,
)
from .meta import validate_selector
from .names import finalizer_errors, path_segment_errors, subdomain_errors
from .placement import EFFECTS

EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
RBAC_GROUP = "rbac.authorization.k8s.io"
SUBJECTS = ("ServiceAccount", "User", "Group")
HIGHEST_USER_PRIORITY = 1_000_000_000


def validate_budget(budget: PodDisruptionBudget) -> list[FieldError]:
    """Return the broken rules of a PodDisruptionBudget: it counts from one side only."""
    spec = budget.spec
    errors: list[FieldError] = []
    if spec.min_available is not None and spec.max_unavailable is not None:
        detail = "minAvailable and maxUnavailable cannot be both set"
        errors.append(invalid_raw("spec", "policy.PodDisruptionBudgetSpec", detail))
    for field, value in (("minAvailable", spec.min_available), ("maxUnavailable", spec.max_unavailable)):
        if value is not None:
            errors += int_or_percent(f"spec.{field}", value) + at_most_all(f"spec.{field}", value)
    errors += validate_selector("spec.selector", spec.selector)
    policy = spec.unhealthy_pod_eviction_policy
    if policy is not None and policy not in EVICTION_POLICIES:
        errors.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, EVICTION_POLICIES))
    return errors


def validate_node(node: Node) -> list[FieldError]:
    """Return the broken rules of a Node: its taints, and no amount below zero."""
    errors: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(node.spec.taints):
        errors += _taint(f"metadata.taints[{index}]", taint)
        if (taint.key, taint.effect) in seen:
            rendered = (
                f"core.Taint{{Key:{go(taint.key)}, Value:{go(taint.value)}, Effect:{go(taint.effect)}, "
                "TimeAdded:<nil>}: taints must be unique by key and effect pair"
            )
            errors.append(duplicate(f"metadata.taints[{index}]", "", rendered=rendered))
        seen.add((taint.key, taint.effect))
    for field, amounts in (("capacity", node.status.capacity), ("allocatable", node.status.allocatable)):
        for name in sorted(amounts):
            if amounts[name].sign < 0:
                detail = "must be greater than or equal to 0"
                errors.append(invalid(f"status.{field}.{name}", str(amounts[name]), detail))
    return errors


def _taint(field: str, taint: Taint) -> list[FieldError]:
    errors = bad_keys(f"{field}.key", taint.key)
    if not taint.effect:
        errors.append(required(f"{field}.effect"))
    elif taint.effect not in EFFECTS:
        errors.append(not_supported(f"{field}.effect", taint.effect, EFFECTS))
    return errors


def validate_namespace(namespace: Namespace) -> list[FieldError]:
    """Return the broken rules of a Namespace: its own finalizers."""
    errors: list[FieldError] = []
    for name in (namespace.extra.get("spec") or {}).get("finalizers", ()):
        errors += finalizer_errors("spec.finalizers", name)
    return errors


def validate_lease(lease: Lease) -> list[FieldError]:
    """Return the broken rules of a Lease."""
    spec = lease.spec
    errors: list[FieldError] = []
    if spec.lease_duration_seconds is not None and spec.lease_duration_seconds <= 0:
        errors.append(invalid("spec.leaseDurationSeconds", spec.lease_duration_seconds, "must be greater than 0"))
    if spec.lease_transitions is not None and spec.lease_transitions < 0:
        errors.append(invalid("spec.leaseTransitions", spec.lease_transitions, "must be greater than or equal to 0"))
    return errors


def validate_role(role: Role) -> list[FieldError]:
    """Return the broken rules of a Role or ClusterRole."""
    errors: list[FieldError] = []
    for index, rule in enumerate(role.rules):
        field = f"rules[{index}]"
        if not rule.verbs:
            errors.append(required(f"{field}.verbs", "verbs must contain at least one value"))
        if rule.non_resource_urls:
            if role.metadata.namespace:
                detail = "namespaced rules cannot apply to non-resource URLs"
                errors.append(invalid_list(f"{field}.nonResourceURLs", "string", rule.non_resource_urls, detail))
            continue
        if not rule.api_groups:
            errors.append(required(f"{field}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.resources:
            errors.append(required(f"{field}.resources", "resource rules must supply at least one resource"))
    return errors


def validate_event(event: Event) -> list[FieldError]:
    """Return the broken rules of an Event: it is in the namespace of what it is about."""
    about, own = event.involved_object.namespace, event.metadata.namespace
    if about and about != own:
        return [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    return []


def validate_role_binding(binding: RoleBinding) -> list[FieldError]:
    """Return the broken rules of a RoleBinding or ClusterRoleBinding: the role, and who has it."""
    ref, everywhere = binding.role_ref, not binding.metadata.namespace
    errors: list[FieldError] = []
    if ref.api_group != RBAC_GROUP:
        errors.append(not_supported("roleRef.apiGroup", ref.api_group, (RBAC_GROUP,)))
    kinds = ("ClusterRole",) if everywhere else ("Role", "ClusterRole")
    if ref.kind not in kinds:
        errors.append(not_supported("roleRef.kind", ref.kind, kinds))
    if not ref.name:
        errors.append(required("roleRef.name"))
    errors += [invalid("roleRef.name", ref.name, detail) for detail in path_segment_errors(ref.name)]
    for index, subject in enumerate(binding.subjects):
        errors += _subject(f"subjects[{index}]", subject, everywhere=everywhere)
    return errors


def _subject(field: str, one: Subject, *, everywhere: bool) -> list[FieldError]:
    errors = [] if one.name else [required(f"{field}.name")]
    if one.kind not in SUBJECTS:
        return [*errors, not_supported(f"{field}.kind", one.kind, SUBJECTS)]
    account = one.kind == SUBJECTS[0]
    if account and one.name:
        errors += [invalid(f"{field}.name", one.name, detail) for detail in subdomain_errors(one.name)]
    group = "" if account else RBAC_GROUP
    if one.api_group != group:
        errors.append(not_supported(f"{field}.apiGroup", one.api_group, (group,)))
    if account and everywhere and not one.namespace:
        errors.append(required(f"{field}.namespace"))
    return errors


def validate_role_binding_update(new: RoleBinding, old: RoleBinding) -> list[FieldError]:
    """Refuse another role: a binding is to one for ever."""
    if new.role_ref == old.role_ref:
        return []
    ref = new.role_ref
    rendered = f"rbac.RoleRef{{APIGroup:{go(ref.api_group)}, Kind:{go(ref.kind)}, Name:{go(ref.name)}}}"
    shown = {"APIGroup": ref.api_group, "Kind": ref.kind, "Name": ref.name}
    return [invalid_raw("roleRef", rendered, "cannot change roleRef", shown)]


def validate_priority_class(one: PriorityClass) -> list[FieldError]:
    """Return the broken rules of a PriorityClass: the highest numbers are the system's."""
    name = one.metadata.name
    if name.startswith("system-"):
        reserved = "priority class names with 'system-' prefix are reserved for system use only"
        known = SYSTEM_PRIORITIES.get(name)
        why = f"{name} is not a known system priority class"
        if known is not None:
            why = f"value of {name} PriorityClass must be {known}"
        detail = f"{reserved}. error: {why}"
        return [forbidden("metadata.name", detail)]
    if one.value > HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        return [forbidden("value", detail)]
    policy = one.preemption_policy
    if policy not in {"Never", "PreemptLowerPriority"}:
        return [not_supported("preemptionPolicy", policy, ("PreemptLowerPriority", "Never"))]
    return []


def validate_priority_class_update(new: PriorityClass, old: PriorityClass) -> list[FieldError]:
    """Refuse another value or preemption policy."""
    errors: list[FieldError] = []
    if new.value != old.value:
        errors.append(forbidden("value", "may not be changed in an update."))
    if new.preemption_policy != old.preemption_policy:
        errors.append(invalid("preemptionPolicy", new.preemption_policy, "field is immutable"))
    return errors
