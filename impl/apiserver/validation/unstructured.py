"""Validation of kinds without a class: Ingresses, data, and small ones.

Upstream: pkg/apis/{networking,node,storage}/validation/validation.go (v1.32).
Left out on purpose: TLS of Ingresses, overheads of RuntimeClasses, what may change of these kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...api.kinds import Unstructured
from ...api.reading.convert import unstructure
from ...api.values.frozen import thaw
from ..custom.check import against_schema
from ..custom.crd.rules import definition_change_errors, definition_errors
from .container import validate_port
from .data import validate_data
from .field_error import FieldError, duplicate, forbidden, invalid, invalid_raw, not_supported, required, too_long
from .names import (
    domain_path_errors,
    is_address,
    label_errors,
    name_errors,
    path_segment_errors,
    port_name_errors,
    subdomain_errors,
)
from .volumes import entries
from .webhooks import validate_webhooks

Json = Mapping[str, Any]
LARGEST = 1024 * 1024
"""Bytes that the data of a ConfigMap or a Secret may have."""
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
PARAMETER_SCOPES = ("Cluster", "Namespace")
GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
LIFECYCLES = ("Persistent", "Ephemeral")
WILDCARD = r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', "
    f"regex used for validation is '{WILDCARD}')"
)


def validate_unstructured(obj: Unstructured, old: Unstructured | None = None) -> list[FieldError]:
    """Return the broken rules of an object of a kind without a class; `old` is what an update replaces."""
    if obj.of.custom:
        return list(against_schema(obj, old))
    if obj.of.name == "CustomResourceDefinition":
        return [*definition_errors(obj), *(() if old is None else definition_change_errors(obj, old))]
    written = unstructure(obj)
    rules = RULES.get(obj.of.name)
    own = [] if rules is None else list(rules(obj.metadata.name, thaw(obj.extra)))
    changes = [] if old is None else list(_fixed(obj, old))
    return [*validate_data(obj.of.name, written), *_size(obj.of.name, written), *own, *changes]


FIXED = {
    "IngressClass": (("spec", "controller"),),
    "RuntimeClass": (("handler",),),
    "Secret": (("type",),),
}
"""By kind: the text that is for ever."""


def _fixed(obj: Unstructured, old: Unstructured) -> Iterator[FieldError]:
    for path in FIXED.get(obj.of.name, ()):
        now, was = (_at(side.extra, path) for side in (obj, old))
        if now != was:
            yield invalid(".".join(path), now, "field is immutable")
    if obj.of.name in {"ConfigMap", "Secret"} and old.extra.get("immutable"):
        if not obj.extra.get("immutable"):
            yield forbidden("immutable", "field is immutable when `immutable` is set")
        for name in ("data", "binaryData"):
            if (obj.extra.get(name) or {}) != (old.extra.get(name) or {}):
                yield forbidden(name, "field is immutable when `immutable` is set")


def _at(fields: Json, path: tuple[str, ...]) -> Any:
    for name in path:
        fields = fields.get(name) or {}
    return fields or ""


def _size(kind: str, written: Json) -> Iterator[FieldError]:
    if kind == "ConfigMap":
        parts = [written.get(name) or {} for name in ("data", "binaryData")]
        if sum(len(str(value).encode()) for part in parts for value in part.values()) > LARGEST:
            yield too_long("[]", LARGEST)
    elif kind == "Secret" and sum(len(str(value)) * 3 // 4 for value in (written.get("data") or {}).values()) > LARGEST:
        yield too_long("data", LARGEST)


def _ingress(_name: str, obj: Json) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    rules = spec.get("rules") or ()
    if not rules and not spec.get("defaultBackend"):
        detail = "either `defaultBackend` or `rules` must be specified"
        yield invalid_raw("spec", "[]networking.IngressRule(nil)", detail, spec.get("rules"))
    if spec.get("defaultBackend") is not None:
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    for at, rule in enumerate(rules):
        field = f"spec.rules[{at}]"
        yield from _host(f"{field}.host", str(rule.get("host") or ""))
        if rule.get("http") is not None and not rule["http"].get("paths"):
            yield required(f"{field}.http.paths")
        for index, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            yield from _path(f"{field}.http.paths[{index}]", path)


def _host(field: str, host: str) -> Iterator[FieldError]:
    if not host:
        return
    if is_address(host):
        yield invalid(field, host, "must be a DNS name, not an IP address")
    elif "*" in host:
        if not re.fullmatch(WILDCARD, host):
            yield invalid(field, host, WILDCARD_RULE)
    else:
        yield from (invalid(field, host, detail) for detail in subdomain_errors(host))


def _path(field: str, path: Json) -> Iterator[FieldError]:
    kind, text = path.get("pathType"), str(path.get("path") or "")
    if not kind:
        yield required(f"{field}.pathType", "pathType must be specified")
    elif kind not in PATH_TYPES:
        yield not_supported(f"{field}.pathType", kind, PATH_TYPES)
    else:
        exact = kind != "ImplementationSpecific"
        if (exact or text) and not text.startswith("/"):
            yield invalid(f"{field}.path", text, "must be an absolute path")
        for part in ("//", "/./", "/../", "%2f", "%2F") if exact else ():
            if part in text:
                yield invalid(f"{field}.path", text, f"must not contain '{part}'")
        for end in ("/..", "/.") if exact else ():
            if text.endswith(end):
                yield invalid(f"{field}.path", text, f"cannot end with '{end}'")
    yield from _backend(f"{field}.backend", path.get("backend") or {})


def _backend(field: str, backend: Json) -> Iterator[FieldError]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is None and resource is None:
        yield invalid(field, "", "resource or service backend is required")
    elif service is not None and resource is not None:
        yield invalid(field, "", "cannot set both resource and service backends")
    elif service is not None:
        name = service.get("name") or ""
        yield from (
            name_errors(f"{field}.service.name", "Service", name) if name else (required(f"{field}.service.name"),)
        )
        port = service.get("port") or {}
        word, number = port.get("name") or "", port.get("number") or 0
        if word and number:
            yield invalid(field, "", "cannot set both port name & port number")
        elif word:
            yield from (invalid(f"{field}.service.port.name", word, detail) for detail in port_name_errors(word))
        elif number:
            yield from validate_port(f"{field}.service.port.number", number)
        else:
            yield required(field, "port name or number is required")


def _ingress_class(_name: str, obj: Json) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    yield from domain_path_errors("spec.controller", spec.get("controller") or "")
    about, field = spec.get("parameters"), "spec.parameters"
    if about is None:
        return
    if (group := about.get("apiGroup")) is not None:
        yield from (invalid(f"{field}.apiGroup", group, detail) for detail in subdomain_errors(group))
    for key in ("kind", "name"):
        text = about.get(key) or ""
        if not text:
            yield required(f"{field}.{key}")
        yield from (invalid(f"{field}.{key}", text, detail) for detail in path_segment_errors(text))
    scope, namespace = about.get("scope") or "Cluster", about.get("namespace")
    if scope not in PARAMETER_SCOPES:
        yield not_supported(f"{field}.scope", scope, PARAMETER_SCOPES)
    elif scope == "Namespace" and namespace is None:
        yield required(f"{field}.namespace", "`parameters.scope` is set to 'Namespace'")
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(f"{field}.namespace", "`parameters.scope` is set to 'Cluster'")


def _driver(_name: str, obj: Json) -> Iterator[FieldError]:
    spec = obj.get("spec") or {}
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in GROUP_POLICIES:
        yield not_supported("spec.fsGroupPolicy", policy, GROUP_POLICIES)
    audiences = [str(entry.get("audience") or "") for entry in entries(spec.get("tokenRequests"))]
    for index, audience in enumerate(audiences):
        if audience in audiences[:index]:
            yield duplicate(f"spec.tokenRequests[{index}].audience", audience)
    for mode in spec.get("volumeLifecycleModes") or ():
        if mode not in LIFECYCLES:
            yield not_supported("spec.volumeLifecycleModes", mode, LIFECYCLES)


def _runtime_class(_name: str, obj: Json) -> Iterator[FieldError]:
    if not (handler := obj.get("handler") or ""):
        yield required("handler")
    else:
        yield from (invalid("handler", handler, detail) for detail in label_errors(handler))


RULES: Mapping[str, Callable[[str, Json], Iterator[FieldError]]] = {
    "CSIDriver": _driver,
    "Ingress": _ingress,
    "IngressClass": _ingress_class,
    "MutatingWebhookConfiguration": validate_webhooks,
    "RuntimeClass": _runtime_class,
    "ValidatingWebhookConfiguration": validate_webhooks,
}
"""By kind: what it has to keep beside its metadata."""
