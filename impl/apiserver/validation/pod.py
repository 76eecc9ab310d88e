"""Validation of Pods, and of what may still change in one.

Upstream: pkg/apis/core/validation/validation.go (v1.32): ValidatePodSpec, ValidatePodCreate, ValidatePodUpdate.
Left out on purpose: host namespaces, a Pod's own security context; the diff that upstream appends to a forbidden
update.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ...api.core import Container, Pod, PodSpec, PodTemplateSpec
from .container import validate_containers, validate_pod_resources
from .field_error import FieldError, bad_keys, forbidden, invalid, not_supported, required
from .meta import validate_annotations, validate_labels
from .names import label_errors, subdomain_errors
from .placement import validate_affinity, validate_spread, validate_tolerations
from .volumes import validate_volumes

RESTART_POLICIES = ("Always", "OnFailure", "Never")
SYSTEMS = ("linux", "windows")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod(pod: Pod) -> list[FieldError]:
    """Return the broken rules of a Pod."""
    errors = validate_pod_spec("spec", pod.spec)
    if pod.spec.scheduling_gates and pod.spec.node_name:
        errors.append(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return errors


def validate_template(field: str, template: PodTemplateSpec) -> list[FieldError]:
    """Return the broken rules of a Pod template."""
    errors = validate_labels(f"{field}.labels", template.metadata.labels)
    errors += validate_annotations(f"{field}.annotations", template.metadata.annotations)
    return errors + validate_pod_spec(f"{field}.spec", template.spec)


def validate_pod_spec(field: str, spec: PodSpec) -> list[FieldError]:
    """Return the broken rules of a Pod's spec, in the order Kubernetes checks them."""
    volumes, errors = validate_volumes(field, spec)
    errors += validate_containers(field, spec, volumes) + validate_pod_resources(f"{field}.resources", spec)
    if spec.restart_policy not in RESTART_POLICIES:
        errors.append(not_supported(f"{field}.restartPolicy", spec.restart_policy, RESTART_POLICIES))
    if (policy := spec.extra.get("dnsPolicy")) not in DNS_POLICIES:
        errors.append(not_supported(f"{field}.dnsPolicy", policy, DNS_POLICIES))
    errors += _name_servers(f"{field}.dnsConfig", spec) + _on_host(field, spec)
    errors += validate_labels(f"{field}.nodeSelector", spec.node_selector)
    if spec.service_account_name:
        place = f"{field}.serviceAccountName"
        name = spec.service_account_name
        errors += [invalid(place, name, detail) for detail in subdomain_errors(name)]
    errors += _names(field, spec) + validate_affinity(f"{field}.affinity", spec.affinity)
    errors += _gates(field, spec) + validate_tolerations(f"{field}.tolerations", spec.tolerations)
    deadline = spec.active_deadline_seconds
    if deadline is not None and not 1 <= deadline < 2**31:
        place = f"{field}.activeDeadlineSeconds"
        errors.append(invalid(place, deadline, "must be between 1 and 2147483647, inclusive"))
    return errors + validate_spread(f"{field}.topologySpreadConstraints", spec)


def _name_servers(field: str, spec: PodSpec) -> list[FieldError]:
    """Ask a Pod that has nothing of the cluster's DNS for servers of its own (validatePodDNSConfig)."""
    if spec.extra.get("dnsPolicy") != "None":
        return []
    config: Any = spec.extra.get("dnsConfig")
    if config is None:
        return [required(field, "must provide `dnsConfig` when `dnsPolicy` is None")]
    if not config.get("nameservers"):
        return [required(f"{field}.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    return []


def _on_host(field: str, spec: PodSpec) -> list[FieldError]:
    """On the host's network a port is the host's; a template may leave that open until its Pods are made."""
    if not spec.host_network:
        return []
    of_pod = field == "spec"
    return [
        invalid(
            f"{field}.containers[{index}].ports[{number}].hostPort",
            port.host_port,
            "must match `containerPort` when `hostNetwork` is true",
        )
        for index, container in enumerate(spec.containers)
        for number, port in enumerate(container.ports)
        if (of_pod or port.host_port) and port.host_port != port.container_port
    ]


def _names(field: str, spec: PodSpec) -> list[FieldError]:
    """Check the names that stay in `extra`, and the node's and the priority class's."""
    errors: list[FieldError] = []
    for key in ("hostname", "subdomain"):
        text = spec.extra.get(key)
        if text:
            errors += [invalid(f"{field}.{key}", text, detail) for detail in label_errors(text)]
    for key, text in (("nodeName", spec.node_name), ("priorityClassName", spec.priority_class_name)):
        if text:
            errors += [invalid(f"{field}.{key}", text, detail) for detail in subdomain_errors(text)]
    return errors


def _gates(field: str, spec: PodSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, gate in enumerate(spec.extra.get("readinessGates") or ()):
        place, kind = f"{field}.readinessGates[{index}].conditionType", str(gate.get("conditionType") or "")
        errors += bad_keys(place, kind)
    system = (spec.extra.get("os") or {}).get("name")
    if system is not None and system not in SYSTEMS:
        errors.append(not_supported(f"{field}.os", system, SYSTEMS))
    for index, gate in enumerate(spec.scheduling_gates):
        place = f"{field}.schedulingGates[{index}]"
        errors += bad_keys(place, gate.name)
    return errors


def validate_pod_update(new: Pod, old: Pod) -> list[FieldError]:
    """Return what a change may not do: nearly all of a Pod's spec is fixed."""
    errors = [*_deadline(new, old), *_tolerations(new, old), *_gate_changes(new, old)]
    if errors:
        return errors
    return [] if _fixed_part(new, old) == old.spec else [forbidden("spec", FIXED)]


def _deadline(new: Pod, old: Pod) -> list[FieldError]:
    """Let a deadline be set and shortened, never lengthened or removed."""
    wanted, had = new.spec.active_deadline_seconds, old.spec.active_deadline_seconds
    if had is None or wanted == had:
        return []
    if wanted is None:
        return [invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")]
    if wanted > had:
        return [invalid("spec.activeDeadlineSeconds", wanted, "must be less than or equal to previous value")]
    return []


def _tolerations(new: Pod, old: Pod) -> list[FieldError]:
    """Tolerations can be added; an existing one keeps all but its seconds."""
    kept = {evolve(toleration, toleration_seconds=None) for toleration in new.spec.tolerations}
    if all(evolve(toleration, toleration_seconds=None) in kept for toleration in old.spec.tolerations):
        return []
    detail = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden("spec.tolerations", detail)]


def _gate_changes(new: Pod, old: Pod) -> list[FieldError]:
    """Let a gate be taken off, never put on."""
    added = sorted(
        {gate.name for gate in new.spec.scheduling_gates} - {gate.name for gate in old.spec.scheduling_gates}
    )
    if not added:
        return []
    detail = f"only deletion is allowed, but found new scheduling gates '{','.join(added)}'"
    return [forbidden("spec.schedulingGates", detail)]


def _fixed_part(new: Pod, old: Pod) -> PodSpec:
    """Return the new spec with everything that may change put back to what it was."""
    spec, before = new.spec, old.spec
    gated = bool(before.scheduling_gates)
    negative = (before.termination_grace_period_seconds or 0) < 0
    grace = spec.termination_grace_period_seconds
    return evolve(
        spec,
        containers=_with_images(spec.containers, before.containers),
        init_containers=_with_images(spec.init_containers, before.init_containers),
        active_deadline_seconds=before.active_deadline_seconds,
        tolerations=before.tolerations,
        scheduling_gates=before.scheduling_gates,
        termination_grace_period_seconds=before.termination_grace_period_seconds if negative and grace == 1 else grace,
        node_selector=before.node_selector if gated and _tightened(spec, before) else spec.node_selector,
        affinity=before.affinity if gated and before.affinity is None else spec.affinity,
    )


def _tightened(spec: PodSpec, before: PodSpec) -> bool:
    """Tell whether a gated Pod's node selector has only gained pairs."""
    return before.node_selector.items() <= spec.node_selector.items()


def _with_images(new: tuple[Container, ...], old: tuple[Container, ...]) -> tuple[Container, ...]:
    if len(new) != len(old):
        return new
    return tuple(evolve(container, image=before.image) for container, before in zip(new, old, strict=True))
