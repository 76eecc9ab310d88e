"""Validation of containers: names, images, ports, resources, probes, hooks, security contexts.

Upstream: pkg/apis/core/validation/validation.go (v1.32): validateContainers, validateInitContainers, validateProbe,
ValidateContainerResourceRequirements, validateContainerResourceName, ValidateSecurityContext;
pkg/apis/core/helper/helpers.go.
Left out on purpose: profiles of security contexts, resource claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import evolve

from ...api.core import Container, ContainerPort, LifecycleHandler, PodSpec, Probe, ResourceRequirements
from ...api.reading.convert import structure
from ...api.releases import Change
from ...api.values.label_names import key_errors
from ...api.values.qos import pod_requests
from ...api.values.quantity import Quantity, QuantityError, parse_quantity
from .environment import validate_environment
from .field_error import (
    FieldError,
    bad_names,
    duplicate,
    forbidden,
    invalid,
    invalid_raw,
    not_supported,
    required,
    since,
)
from .meta import not_negative
from .names import label_errors, port_name_errors
from .volumes import Volumes, entries, validate_mounts

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
UNCLASSED = frozenset({"env", "envFrom", "volumeMounts", "volumeDevices", "securityContext"})
"""Fields of a container that have no class and rules of their own."""
CONTEXT = "core.SecurityContext"
"""How a whole security context is told; Go prints its fields, too."""
NO_ESCALATION = "cannot set `allowPrivilegeEscalation` to false and"
SCHEMES = ("HTTP", "HTTPS")
HEADER = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
    "validation is '[-A-Za-z0-9]+')"
)
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
CONTAINER_RESOURCES = frozenset({"cpu", "ephemeral-storage", "memory"})
STANDARD_RESOURCES = CONTAINER_RESOURCES | {
    "configmaps",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
}
"""What is counted under a name without a domain: by nodes, by quotas, by claims."""
RESTARTS, ACTIONS, OPERATORS = ("Always", "Never", "OnFailure"), ("Restart", "RestartAllContainers"), ("In", "NotIn")
HUGE_PAGES = "hugepages-"
QUOTA_PREFIX = "requests."
POD_RESOURCES = ("cpu", "memory")
NATIVE = "kubernetes.io/"
SLEEP_GATE = "Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep."


def validate_containers(field: str, spec: PodSpec, volumes: Volumes) -> list[FieldError]:
    """Return the broken rules of all containers of a Pod, given the volumes they can mount."""
    errors = [] if spec.containers else [required(f"{field}.containers")]
    seen: set[str] = set()
    for index, container in enumerate(spec.containers):
        place = f"{field}.containers[{index}]"
        errors += _container(place, container, seen, spec, volumes)
        if container.restart_policy is not None:
            error = forbidden(f"{place}.restartPolicy", "may not be set for non-init containers")
            errors.append(evolve(error, lifted=Change.RESTART_RULES))
        errors += since(_restarts(place, container), Change.RESTART_RULES)
    for index, container in enumerate(spec.init_containers):
        errors += _init_container(f"{field}.initContainers[{index}]", container, seen, spec, volumes)
    return errors + _host_port_conflicts(field, spec)


def _init_container(
    field: str, container: Container, seen: set[str], spec: PodSpec, volumes: Volumes
) -> list[FieldError]:
    """Check an init container; one that is no sidecar has neither probes nor hooks."""
    errors: list[FieldError] = []
    policy = container.restart_policy
    if policy is not None and policy != "Always":
        error = not_supported(f"{field}.restartPolicy", policy, ("Always",))
        errors.append(evolve(error, lifted=Change.RESTART_RULES))
    errors += since(_restarts(field, container), Change.RESTART_RULES)
    sidecar = policy == "Always"
    if sidecar:
        return errors + _container(field, container, seen, spec, volumes)
    kept = evolve(container, lifecycle=None, liveness_probe=None, readiness_probe=None, startup_probe=None)
    errors += _container(field, kept, seen, spec, volumes)
    if policy != "Always":
        detail = "may not be set for init containers without restartPolicy=Always"
        given = {
            "lifecycle": container.lifecycle,
            "livenessProbe": container.liveness_probe,
            "readinessProbe": container.readiness_probe,
            "startupProbe": container.startup_probe,
        }
        errors += [forbidden(f"{field}.{name}", detail) for name, value in given.items() if value is not None]
    return errors


def _restarts(field: str, container: Container) -> list[FieldError]:
    """Check what a container says of its own restarts (validateContainerRestartPolicy, v1.36)."""
    rules, policy = entries(container.extra.get("restartPolicyRules")), container.restart_policy
    errors: list[FieldError] = []
    if policy is None and rules:
        errors.append(required(f"{field}.restartPolicy", "must specify restartPolicy when restart rules are used"))
    elif policy is not None and policy not in RESTARTS:
        errors.append(not_supported(f"{field}.restartPolicy", policy, RESTARTS))
    for index, rule in enumerate(rules):
        place, codes = f"{field}.restartPolicyRules[{index}]", rule.get("exitCodes")
        if rule.get("action") not in ACTIONS:
            errors.append(not_supported(f"{place}.action", rule.get("action") or "", ACTIONS))
        if codes is None:
            errors.append(required(f"{place}.exitCodes", "must be specified"))
        elif codes.get("operator") not in OPERATORS:
            errors.append(not_supported(f"{place}.exitCodes.operator", codes.get("operator") or "", OPERATORS))
    return errors


def _container(field: str, container: Container, seen: set[str], spec: PodSpec, volumes: Volumes) -> list[FieldError]:
    errors: list[FieldError] = []
    if not container.name:
        errors.append(required(f"{field}.name"))
    else:
        errors += [invalid(f"{field}.name", container.name, detail) for detail in label_errors(container.name)]
    if container.name and container.name in seen:
        errors.append(duplicate(f"{field}.name", container.name))
    seen.add(container.name)
    if not container.image:
        errors.append(required(f"{field}.image"))
    elif container.image != container.image.strip():
        errors.append(invalid(f"{field}.image", container.image, "must not have leading or trailing whitespace"))
    grace = spec.termination_grace_period_seconds
    for hook in ("postStart", "preStop"):
        handler = getattr(container.lifecycle, "post_start" if hook == "postStart" else "pre_stop", None)
        errors += _hook(f"{field}.lifecycle.{hook}", handler, grace)
    errors += _liveness(f"{field}.livenessProbe", container.liveness_probe)
    errors += _readiness(f"{field}.readinessProbe", container.readiness_probe)
    errors += _liveness(f"{field}.startupProbe", container.startup_probe)
    if container.image_pull_policy not in PULL_POLICIES:
        errors.append(not_supported(f"{field}.imagePullPolicy", container.image_pull_policy, PULL_POLICIES))
    errors += _ports(field, container.ports)
    errors += _resources(f"{field}.resources", container.resources)
    if not container.extra.keys().isdisjoint(UNCLASSED):  # Most containers of a check have none of these.
        errors += [*validate_environment(field, container), *validate_mounts(field, container, volumes)]
        context: Any = container.extra.get("securityContext") or {}
        errors += _security(f"{field}.securityContext", context)
        if context.get("procMount") == "Unmasked" and spec.extra.get("hostUsers") is not False:
            place = f"{field}.securityContext.procMount"
            error = invalid(place, "Unmasked", "`hostUsers` must be false to use `Unmasked`")
            errors += since([error], Change.PROC_MOUNT)
    return errors


def _ports(field: str, ports: tuple[ContainerPort, ...]) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        place = f"{field}.ports[{index}]"
        if port.name:
            broken = port_name_errors(port.name)
            errors += [invalid(f"{place}.name", port.name, detail) for detail in broken]
            if not broken and port.name in names:
                errors.append(duplicate(f"{place}.name", port.name))
            names.add(port.name)
        if not port.container_port:
            errors.append(required(f"{place}.containerPort"))
        else:
            errors += validate_port(f"{place}.containerPort", port.container_port)
        if port.host_port:
            errors += validate_port(f"{place}.hostPort", port.host_port)
        if port.protocol not in PROTOCOLS:
            errors.append(not_supported(f"{place}.protocol", port.protocol, PROTOCOLS))
    return errors


def validate_port(field: str, number: int) -> list[FieldError]:
    """Refuse a number that is no port."""
    return [] if 1 <= number <= 65535 else [invalid(field, number, "must be between 1 and 65535, inclusive")]


def _host_port_conflicts(field: str, spec: PodSpec) -> list[FieldError]:
    """Two containers of one Pod cannot take the same port of the node."""
    errors: list[FieldError] = []
    taken: set[str] = set()
    for index, container in enumerate(spec.containers):
        for number, port in enumerate(container.ports):
            if not port.host_port:
                continue
            key = f"{port.protocol}/{port.host_ip}/{port.host_port}"
            if key in taken:
                errors.append(duplicate(f"{field}.containers[{index}].ports[{number}].hostPort", key))
            taken.add(key)
    return errors


NameRule = Callable[[str, str], list[FieldError]]


def _resources(field: str, resources: ResourceRequirements, rule: NameRule | None = None) -> list[FieldError]:
    """Resources are known, amounts not negative, requests fit limits, and what cannot be shared has equal ones."""
    errors: list[FieldError] = []
    limits, requests, named = resources.limits, resources.requests, rule or _resource_name
    for name in sorted(limits):
        errors += named(f"{field}.limits[{name}]", name) + _amount(f"{field}.limits", name, limits[name])
    for name in sorted(requests):
        errors += named(f"{field}.requests[{name}]", name)
        errors += _amount(f"{field}.requests", name, requests[name])
        extended = "/" in name and not name.startswith("kubernetes.io/")
        limit = limits.get(name)
        if limit is None:
            if extended or name.startswith(HUGE_PAGES):
                errors.append(required(f"{field}.limits", "Limit must be set for non overcommitable resources"))
        elif extended and not requests[name].same_amount(limit):
            detail = f"must be equal to {name} limit of {limit}"
            errors.append(invalid(f"{field}.requests", str(requests[name]), detail))
        elif requests[name] > limit:
            detail = f"must be less than or equal to {name} limit of {limit}"
            errors.append(invalid(f"{field}.requests", str(requests[name]), detail))
    huge = any(name.startswith(HUGE_PAGES) for name in (*limits, *requests))
    if huge and all(name not in limits and name not in requests for name in ("cpu", "memory")):
        errors.append(forbidden(field, "HugePages require cpu or memory"))
    return errors


def validate_pod_resources(field: str, spec: PodSpec) -> list[FieldError]:
    """Return the broken rules of what a Pod asks for as a whole (validatePodResources, v1.36)."""
    if spec.extra.get("resources") is None:
        return []
    whole = structure(spec.extra["resources"], ResourceRequirements)
    errors = _resources(field, whole, _pod_resource_name)
    asked = pod_requests(spec)
    for name, amount in sorted(whole.requests.items()):
        if name in asked and asked[name] > amount:
            detail = f"must be greater than or equal to aggregate container requests of {asked[name]}"
            errors.append(invalid(f"{field}.requests[{name}]", str(amount), detail))
    for index, container in enumerate(spec.containers):
        for name, amount in sorted(container.resources.limits.items()):
            if name in whole.limits and amount > whole.limits[name]:
                detail = f"must be less than or equal to pod limits of {whole.limits[name]}"
                errors.append(invalid(f"{field}.containers[{index}][{name}].limits", str(amount), detail))
    return since(errors, Change.POD_RESOURCES)


def _pod_resource_name(field: str, name: str) -> list[FieldError]:
    if errors := bad_names(field, name):
        return errors
    known = name in POD_RESOURCES or name.startswith(HUGE_PAGES)
    return [] if known else [not_supported(field, name, (POD_RESOURCES[0], HUGE_PAGES, POD_RESOURCES[1]))]


def _amount(field: str, name: str, amount: Quantity) -> list[FieldError]:
    """Refuse an amount below zero, and huge pages that are not whole."""
    place = f"{field}[{name}]"
    if amount.sign < 0:
        return [invalid(place, str(amount), "must be greater than or equal to 0")]
    if name.startswith(HUGE_PAGES) and not _whole_pages(name, amount):
        return [invalid(place, str(amount), f"{amount} is not positive integer multiple of {name}")]
    return []


def _whole_pages(name: str, amount: Quantity) -> bool:
    try:
        page = parse_quantity(name.removeprefix(HUGE_PAGES))
    except QuantityError:
        return False
    return page.sign > 0 and amount.value() % page.value() == 0


def _security(field: str, context: Mapping[str, Any]) -> list[FieldError]:
    """Check who a container runs as; what is privileged cannot be kept from gaining privileges."""
    errors = [
        invalid(f"{field}.{key}", number, "must be between 0 and 2147483647, inclusive")
        for key in ("runAsUser", "runAsGroup")
        if (number := context.get(key)) is not None and not 0 <= number < 2**31
    ]
    if context.get("allowPrivilegeEscalation") is not False:
        return errors
    if context.get("privileged"):
        errors.append(invalid_raw(field, CONTEXT, f"{NO_ESCALATION} `privileged` to true"))
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        errors.append(invalid_raw(field, CONTEXT, f"{NO_ESCALATION} `capabilities.Add` CAP_SYS_ADMIN"))
    return errors


def _resource_name(field: str, name: str) -> list[FieldError]:
    """Take what every node has by its own name, and anything else with a domain (validateContainerResourceName)."""
    errors, details = bad_names(field, name), []
    if "/" not in name:
        if not errors and not is_standard_resource(name):
            details.append("must be a standard resource type or fully qualified")
        if name not in CONTAINER_RESOURCES and not name.startswith(HUGE_PAGES):
            details.append("must be a standard resource for containers")
    elif NATIVE not in name and (name.startswith(QUOTA_PREFIX) or key_errors(f"{QUOTA_PREFIX}{name}")):
        details.append("doesn't follow extended resource name standard")
    return errors + [invalid_raw(field, name, detail, name) for detail in details]


def is_standard_resource(name: str) -> bool:
    """Tell whether something is counted under a name without a domain (IsStandardResourceName in helper/helpers.go)."""
    return name in STANDARD_RESOURCES or name.startswith((HUGE_PAGES, f"{QUOTA_PREFIX}{HUGE_PAGES}"))


def _liveness(field: str, probe: Probe | None) -> list[FieldError]:
    """Check a liveness or startup probe, which succeeds at the first success."""
    if probe is None:
        return []
    errors = _probe(field, probe)
    if probe.success_threshold != 1:
        errors.append(invalid(f"{field}.successThreshold", probe.success_threshold, "must be 1"))
    return errors


def _readiness(field: str, probe: Probe | None) -> list[FieldError]:
    if probe is None:
        return []
    errors = _probe(field, probe)
    grace = probe.termination_grace_period_seconds
    if grace is not None:
        detail = "must not be set for readinessProbes"
        errors.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, detail))
    return errors


def _probe(field: str, probe: Probe) -> list[FieldError]:
    return [
        *_handler(field, probe.extra),
        *not_negative(f"{field}.initialDelaySeconds", probe.initial_delay_seconds),
        *not_negative(f"{field}.timeoutSeconds", probe.timeout_seconds),
        *not_negative(f"{field}.periodSeconds", probe.period_seconds),
        *not_negative(f"{field}.successThreshold", probe.success_threshold),
        *not_negative(f"{field}.failureThreshold", probe.failure_threshold),
    ]


def _hook(field: str, hook: LifecycleHandler | None, grace: int | None) -> list[FieldError]:
    if hook is None:
        return []
    given: dict[str, Any] = dict(hook.extra)
    if hook.exec is not None:
        given["exec"] = {"command": hook.exec.command}
    if hook.sleep is not None:
        given["sleep"] = {"seconds": hook.sleep.seconds}
    errors = _handler(field, given)
    if hook.sleep is not None and grace is not None and not 0 < hook.sleep.seconds <= grace:
        detail = f"must be greater than 0 and less than terminationGracePeriodSeconds ({grace}). {SLEEP_GATE}"
        lifted = None if hook.sleep.seconds else Change.NO_SLEEP_AT_ALL
        errors.append(invalid(f"{field}.sleep", hook.sleep.seconds, detail, lifted=lifted))
    return errors


def _handler(field: str, given: Mapping[str, Any]) -> list[FieldError]:
    """There is exactly one handler, and it says what to do."""
    kinds = [kind for kind in HANDLERS if given.get(kind) is not None]
    if not kinds:
        return [required(field, "must specify a handler type")]
    errors = [forbidden(f"{field}.{kind}", "may not specify more than 1 handler type") for kind in kinds[1:]]
    kind, body = kinds[0], given[kinds[0]]
    place, port = f"{field}.{kind}", body.get("port")
    if kind == "exec" and not body.get("command"):
        return [required(f"{place}.command"), *errors]
    own: list[FieldError] = []
    if isinstance(port, str):
        own += [invalid(f"{place}.port", port, detail) for detail in port_name_errors(port)]
    elif kind in {"httpGet", "tcpSocket", "grpc"}:
        own += validate_port(f"{place}.port", port or 0)
    if kind == "httpGet":
        if (scheme := body.get("scheme") or "HTTP") not in SCHEMES:
            own.append(not_supported(f"{place}.scheme", scheme, SCHEMES))
        names = [str(header.get("name") or "") for header in entries(body.get("httpHeaders"))]
        own += [
            invalid(f"{place}.httpHeaders", name, HEADER) for name in names if not re.fullmatch("[-A-Za-z0-9]+", name)
        ]
    return own + errors
