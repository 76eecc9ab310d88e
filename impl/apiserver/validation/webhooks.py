"""Validation of the configurations of admission webhooks, and the defaults that they get.

Upstream: pkg/apis/admissionregistration/validation/validation.go, pkg/apis/admissionregistration/v1/defaults.go,
staging/src/k8s.io/apiserver/pkg/util/webhook/validation.go (v1.36).
Left out on purpose: match conditions, certificates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ...api.meta import LabelSelector
from ...api.reading.convert import structure
from .field_error import FieldError, duplicate, invalid, invalid_list, not_supported, required
from .meta import validate_selector
from .names import dns_1035_errors, subdomain_errors
from .volumes import entries

Json = Mapping[str, Any]
VERSIONS = ("v1", "v1beta1")
SIDE_EFFECTS = ("None", "NoneOnDryRun")
CHOICES = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "reinvocationPolicy": ("IfNeeded", "Never"),
}
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
FORM = "; desired format: https://host[/path]"
SEVERAL = "if '*' is present, must not specify other"


def default_webhooks(obj: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of webhooks that validate with its defaults."""
    return {**obj, "webhooks": [_filled(hook) for hook in entries(obj.get("webhooks"))]}


def default_mutating(obj: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of webhooks that change what they see with its defaults."""
    hooks = default_webhooks(obj)["webhooks"]
    return {**obj, "webhooks": [{"reinvocationPolicy": "Never"} | hook for hook in hooks]}


def _filled(hook: Json) -> dict[str, Any]:
    usual = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 10}
    selectors: dict[str, Any] = {"namespaceSelector": {}, "objectSelector": {}}
    filled = {**usual, **selectors, **hook}
    if "rules" in hook:
        filled["rules"] = [{"scope": "*"} | dict(rule) for rule in entries(hook["rules"])]
    client = hook.get("clientConfig") or {}
    if client.get("service") is not None:
        filled["clientConfig"] = {**client, "service": {"port": 443} | dict(client["service"])}
    return filled


def validate_webhooks(_name: str, obj: Json) -> Iterator[FieldError]:
    """Yield the broken rules of a configuration of webhooks."""
    names: set[str] = set()
    for index, hook in enumerate(entries(obj.get("webhooks"))):
        field, name = f"webhooks[{index}]", str(hook.get("name") or "")
        yield from _hook(field, hook, name)
        yield from _versions(f"{field}.admissionReviewVersions", hook.get("admissionReviewVersions") or ())
        if name and name in names:
            yield duplicate(f"{field}.name", name)
        names.add(name)


def _hook(field: str, hook: Json, name: str) -> Iterator[FieldError]:
    if not name:
        yield required(f"{field}.name")
    elif wrong := subdomain_errors(name):
        yield invalid(f"{field}.name", name, ",".join(wrong))
    elif name.count(".") < 2:
        yield invalid(f"{field}.name", name, "should be a domain with at least three segments separated by dots")
    for index, rule in enumerate(entries(hook.get("rules"))):
        yield from _rule(f"{field}.rules[{index}]", rule)
    for key in ("failurePolicy", "matchPolicy"):
        yield from _choice(field, hook, key)
    effects = hook.get("sideEffects")
    if effects is None:
        yield required(f"{field}.sideEffects", f"must specify one of {', '.join(SIDE_EFFECTS)}")
    elif effects not in SIDE_EFFECTS:
        yield not_supported(f"{field}.sideEffects", effects, SIDE_EFFECTS)
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        yield invalid(f"{field}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds")
    for key in ("namespaceSelector", "objectSelector"):
        if hook.get(key) is not None:
            yield from validate_selector(f"{field}.{key}", structure(hook[key], LabelSelector))
    yield from _choice(field, hook, "reinvocationPolicy")
    yield from _client(f"{field}.clientConfig", hook.get("clientConfig") or {})


def _choice(field: str, hook: Json, key: str) -> Iterator[FieldError]:
    if hook.get(key) is not None and hook[key] not in CHOICES[key]:
        yield not_supported(f"{field}.{key}", hook[key], CHOICES[key])


def _versions(field: str, versions: Any) -> Iterator[FieldError]:
    if not versions:
        yield required(field, f"must specify one of {', '.join(VERSIONS)}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield invalid(f"{field}[{index}]", version, "duplicate version")
            continue
        yield from (invalid(f"{field}[{index}]", version, detail) for detail in dns_1035_errors(version))
    if not set(VERSIONS) & set(versions):
        yield invalid_list(field, "string", versions, f"must include at least one of {', '.join(VERSIONS)}")


def _rule(field: str, rule: Json) -> Iterator[FieldError]:
    operations = rule.get("operations") or ()
    yield from _listed(f"{field}.operations", operations, "operations", "admissionregistration.OperationType")
    for index, operation in enumerate(operations):
        if operation not in OPERATIONS:
            yield not_supported(f"{field}.operations[{index}]", operation, OPERATIONS)
    yield from _listed(f"{field}.apiGroups", rule.get("apiGroups") or (), "API groups")
    versions = rule.get("apiVersions") or ()
    yield from _listed(f"{field}.apiVersions", versions, "API versions")
    yield from (required(f"{field}.apiVersions[{index}]") for index, version in enumerate(versions) if not version)
    yield from _resources(f"{field}.resources", rule.get("resources") or ())
    if rule.get("scope") is not None and rule["scope"] not in SCOPES:
        yield not_supported(f"{field}.scope", rule["scope"], SCOPES)


def _listed(field: str, values: Any, what: str, kind: str = "string") -> Iterator[FieldError]:
    if not values:
        yield required(field)
    if len(values) > 1 and "*" in values:
        yield invalid_list(field, kind, values, f"{SEVERAL} {what}")


def _resources(field: str, resources: Any) -> Iterator[FieldError]:
    """Check resources and their subresources: what a wildcard has in it is not named beside it."""
    if not resources:
        yield required(field)
    whole: set[str] = set()
    everywhere: set[str] = set()
    plain = False
    for index, text in enumerate(resources):
        resource, slash, sub = text.partition("/")
        if not text:
            yield required(f"{field}[{index}]")
        elif not slash:
            plain = text != "*"
        else:
            if resource in whole:
                yield invalid(f"{field}[{index}]", text, f"if '{resource}/*' is present, must not specify {text}")
            if sub in everywhere:
                yield invalid(f"{field}[{index}]", text, f"if '*/{sub}' is present, must not specify {text}")
            whole |= {resource} if sub == "*" else set()
            everywhere |= {sub} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        yield invalid_list(field, "string", resources, "if '*/*' is present, must not specify other resources")
    if "*" in resources and plain:
        yield invalid_list(field, "string", resources, f"{SEVERAL} resources without subresources")


def _client(field: str, client: Json) -> Iterator[FieldError]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        yield required(field, "exactly one of url or service is required")
    elif url is not None:
        yield from _url(f"{field}.url", url)
    else:
        yield from _service(f"{field}.service", service)


def _url(field: str, text: str) -> Iterator[FieldError]:
    try:
        url = urlsplit(text)
    except ValueError as error:
        yield required(field, f"url must be a valid URL: {error}{FORM}")
        return
    if url.scheme != "https":
        yield invalid(field, url.scheme, f"'https' is the only allowed URL scheme{FORM}")
    user, _, host = url.netloc.rpartition("@")
    if not host:
        yield invalid(field, host, f"host must be specified{FORM}")
    for part, what in (
        (user, "user information is"),
        (url.fragment, "fragments are"),
        (url.query, "query parameters are"),
    ):
        if part:
            yield invalid(field, part, f"{what} not permitted in the URL")


def _service(field: str, service: Any) -> Iterator[FieldError]:
    # Upstream takes the one for the other.
    for key, text in (("name", service.get("namespace")), ("namespace", service.get("name"))):
        if not text:
            yield required(f"{field}.{key}")
    port, path = service.get("port"), service.get("path")
    if port is not None and not 1 <= port <= 65535:
        yield invalid(f"{field}.port", port, "port is not valid: must be between 1 and 65535, inclusive")
    if path in {None, "", "/"}:
        return
    if path == "//":
        yield invalid(f"{field}.path", path, "segment[0] may not be empty")
        return
    if not path.startswith("/"):
        yield invalid(f"{field}.path", path, "must start with a '/'")
    for index, step in enumerate(path[1:].removesuffix("/").split("/")):
        if not step:
            yield invalid(f"{field}.path", path, f"segment[{index}] may not be empty")
            continue
        yield from (invalid(f"{field}.path", path, f"segment[{index}]: {detail}") for detail in subdomain_errors(step))
