"""Validation of kinds without a class: CronJobs, Ingresses, data.

Upstream: pkg/apis/{batch,autoscaling,networking,core}/validation/validation.go (v1.32).
Left out on purpose: failure policies of Jobs, success policies beyond their mode, metrics of autoscalers other than
resources, TLS of Ingresses, what may change of these kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from ...api.core import PodTemplateSpec
from ...api.kinds import Unstructured
from ...api.reading.convert import BadObject, structure, unstructure
from ...api.values.cron import ScheduleError, parse_schedule
from ...api.values.frozen import thaw
from .data import validate_data
from .field_error import FieldError, invalid, invalid_raw, not_supported, required, too_long
from .names import subdomain_errors
from .pod import validate_template

Json = Mapping[str, Any]
LARGEST = 1024 * 1024
"""Bytes that the data of a ConfigMap or a Secret may have."""
LONGEST_CRON_JOB = 52  # 63 less what a Job's name has behind it
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


def _not_negative(spec: Json, prefix: str, *names: str) -> Iterator[FieldError]:
    for name in names:
        value = spec.get(name)
        if isinstance(value, int) and value < 0:
            yield invalid(f"{prefix}.{name}", value, "must be greater than or equal to 0")


def _template(spec: Json, prefix: str, policies: tuple[str, ...]) -> Iterator[FieldError]:
    """Validate the template of Pods, whose restart policy must be one of some."""
    try:
        template = structure(spec.get("template") or {}, PodTemplateSpec)
    except BadObject as bad:
        yield from (invalid_raw(f"{prefix}.template", "", str(bad)) for bad in bad.errors)
        return
    yield from validate_template(f"{prefix}.template", template)
    given = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    field = f"{prefix}.template.spec.restartPolicy"
    if given in policies:
        return
    if policies == ("Always",):
        yield not_supported(field, given, policies)
    elif given in {"", "Always"}:
        yield required(field, 'valid values: "OnFailure", "Never"')
    else:
        yield not_supported(field, given, policies)


def _job(spec: Json, prefix: str) -> Iterator[FieldError]:
    names = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
    yield from _not_negative(spec, prefix, *names)
    if spec.get("successPolicy") and spec.get("completionMode") != "Indexed":
        yield invalid_raw(f"{prefix}.successPolicy", "batch.SuccessPolicy{}", "requires indexed completion mode")
    yield from _template(spec, prefix, ("OnFailure", "Never"))


def _cron_job(name: str, spec: Json) -> Iterator[FieldError]:
    if len(name) > LONGEST_CRON_JOB:
        yield invalid("metadata.name", name, f"must be no more than {LONGEST_CRON_JOB} characters")
    schedule = str(spec.get("schedule") or "")
    if not schedule:
        yield required("spec.schedule")
    else:
        try:
            parse_schedule(schedule)
        except ScheduleError as error:
            yield invalid("spec.schedule", schedule, str(error))
    if spec.get("concurrencyPolicy") not in {"Allow", "Forbid", "Replace"}:
        yield not_supported("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), ("Allow", "Forbid", "Replace"))
    names = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    yield from _not_negative(spec, "spec", *names)
    yield from _job((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


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


RULES: Mapping[str, Callable[[str, Json], Iterator[FieldError]]] = {
    "CronJob": _cron_job,
    "Ingress": _ingress,
}
"""By kind: what its spec has to keep."""
