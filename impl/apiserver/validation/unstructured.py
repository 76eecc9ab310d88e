"""Validation of kinds without a class: autoscalers, Ingresses, limit ranges, data.

Upstream: pkg/apis/{batch,autoscaling,networking,core}/validation/validation.go (v1.32).
Left out on purpose: failure policies of Jobs, success policies beyond their mode, metrics of autoscalers other than
resources, TLS of Ingresses, what may change of these kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from ...api.kinds import Unstructured
from ...api.reading.convert import unstructure
from ...api.values.frozen import thaw
from ...api.values.quantity import parse_quantity
from .data import validate_data
from .field_error import FieldError, forbidden, invalid, invalid_raw, not_supported, required, too_long
from .names import subdomain_errors

Json = Mapping[str, Any]
LARGEST = 1024 * 1024
"""Bytes that the data of a ConfigMap or a Secret may have."""
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
WILDCARD = r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
    f"regex used for validation is '{WILDCARD}')"
)


def validate_unstructured(obj: Unstructured) -> list[FieldError]:
    """Return the broken rules of an object of a kind without a class."""
    written = unstructure(obj)
    rules = RULES.get(obj.of.name)
    own = [] if rules is None else list(rules(obj.metadata.name, thaw(obj.extra.get("spec") or {})))
    return [*validate_data(obj.of.name, written), *_size(obj.of.name, written), *own]


def _size(kind: str, written: Json) -> Iterator[FieldError]:
    if kind == "ConfigMap":
        parts = [written.get(name) or {} for name in ("data", "binaryData")]
        if sum(len(str(value).encode()) for part in parts for value in part.values()) > LARGEST:
            yield too_long("[]", LARGEST)
    elif kind == "Secret" and sum(len(str(value)) * 3 // 4 for value in (written.get("data") or {}).values()) > LARGEST:
        yield too_long("data", LARGEST)


def _autoscaler(_name: str, spec: Json) -> Iterator[FieldError]:
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if isinstance(least, int) and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if isinstance(least, int) and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    yield from (required(f"spec.scaleTargetRef.{name}") for name in ("kind", "name") if not target.get(name))
    metrics = spec.get("metrics") or ()
    for at, metric in enumerate(metrics):
        wanted = ((metric.get("resource") or {}).get("target") or {}).get("averageUtilization")
        if isinstance(wanted, int) and wanted < 1:
            field = f"spec.metrics[{at}].resource.target.averageUtilization"
            yield invalid(field, wanted, "must be greater than 0")
    if least == 0 and not any(metric.get("type") in {"Object", "External"} for metric in metrics):
        detail = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield forbidden("spec.metrics", detail)
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None and rules.get("policies") == []:
            yield required(f"spec.behavior.{direction}.policies", "must specify at least one Policy")


def _ingress(_name: str, spec: Json) -> Iterator[FieldError]:
    rules = spec.get("rules") or ()
    if not rules and not spec.get("defaultBackend"):
        detail = "either `defaultBackend` or `rules` must be specified"
        yield invalid_raw("spec", "[]networking.IngressRule(nil)", detail)
    if spec.get("defaultBackend") is not None:
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    for at, rule in enumerate(rules):
        field = f"spec.rules[{at}]"
        yield from _host(f"{field}.host", str(rule.get("host") or ""))
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            yield from _path(f"{field}.http.paths[{index}]", path)


def _host(field: str, host: str) -> Iterator[FieldError]:
    if not host:
        return
    if _is_address(host):
        yield invalid(field, host, "must be a DNS name, not an IP address")
    elif "*" in host:
        if not re.fullmatch(WILDCARD, host):
            yield invalid(field, host, WILDCARD_RULE)
    else:
        yield from (invalid(field, host, detail) for detail in subdomain_errors(host))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _path(field: str, path: Json) -> Iterator[FieldError]:
    kind, text = path.get("pathType"), str(path.get("path") or "")
    if not kind:
        yield required(f"{field}.pathType", "pathType must be specified")
    elif kind not in PATH_TYPES:
        yield not_supported(f"{field}.pathType", kind, PATH_TYPES)
    elif kind != "ImplementationSpecific":
        if not text.startswith("/"):
            yield invalid(f"{field}.path", text, "must be an absolute path")
        yield from (
            invalid(f"{field}.path", text, f"must not contain '{part}'")
            for part in ("//", "/./", "/../")
            if part in text
        )
    yield from _backend(f"{field}.backend", path.get("backend") or {})


def _backend(field: str, backend: Json) -> Iterator[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is None and resource is None:
        yield invalid(field, "", "resource or service backend is required")
    elif service is not None and resource is not None:
        yield invalid(field, "", "cannot set both resource and service backends")
    elif service is not None:
        if not service.get("name"):
            yield required(f"{field}.service.name")
        port = service.get("port") or {}
        if not port.get("name") and not port.get("number"):
            yield required(field, "port name or number is required")


def _limit_range(_name: str, spec: Json) -> Iterator[FieldError]:
    for at, limit in enumerate(spec.get("limits") or ()):
        field = f"spec.limits[{at}]"
        if limit.get("type") == "Pod":
            for name in ("default", "defaultRequest"):
                if limit.get(name):
                    yield forbidden(f"{field}.{name}", "may not be specified when `type` is 'Pod'")
            continue
        most = limit.get("max") or {}
        # A default request that is not said is the default limit.
        requests = {**(limit.get("default") or {}), **(limit.get("defaultRequest") or {})}
        for said, given in (("default request", requests), ("default", limit.get("default") or {})):
            name = "defaultRequest" if said == "default request" else said
            for resource in sorted(given.keys() & most.keys()):
                if parse_quantity(str(given[resource])) > parse_quantity(str(most[resource])):
                    detail = f"{said} value {given[resource]} is greater than max value {most[resource]}"
                    yield invalid(f"{field}.{name}[{resource}]", str(given[resource]), detail)


RULES: Mapping[str, Callable[[str, Json], Iterator[FieldError]]] = {
    "HorizontalPodAutoscaler": _autoscaler,
    "Ingress": _ingress,
    "LimitRange": _limit_range,
}
"""By kind: what its spec has to keep."""
