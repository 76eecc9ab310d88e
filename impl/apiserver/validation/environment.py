"""Validation of the environment variables of a container: each has a value or one source.

Upstream: pkg/apis/core/validation/validation.go (v1.32): ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector;
pkg/apis/core/pods/helpers.go (ConvertDownwardAPIFieldLabel).
Left out on purpose: keys of labels and annotations, resourceFieldRef.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from ...api.core import Container
from ...api.releases import Change
from .data import data_key_errors
from .field_error import FieldError, invalid, not_supported, required
from .names import subdomain_errors
from .volumes import entries

NAME_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='"
SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
NO_SOURCE = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
BOTH = "may not be specified when `value` is not empty"
SEVERAL = "may not have more than one field specified at a time"
FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
ELSEWHERE = frozenset(
    {
        "metadata.annotations",
        "metadata.labels",
        "spec.host",
        "spec.restartPolicy",
        "spec.schedulerName",
        "status.phase",
    }
)
"""Fields of a Pod that the downward API knows and does not hand to a variable."""


def validate_environment(field: str, container: Container) -> Iterator[FieldError]:
    """Yield the broken rules of `env` and `envFrom`."""
    for index, entry in enumerate(entries(container.extra.get("env"))):
        yield from _variable(f"{field}.env[{index}]", entry)
    for index, entry in enumerate(entries(container.extra.get("envFrom"))):
        yield from _many(f"{field}.envFrom", index, entry)


def _variable(field: str, one: Mapping[str, Any]) -> Iterator[FieldError]:
    name, source = one.get("name") or "", one.get("valueFrom")
    if not name:
        yield required(f"{field}.name")
    else:
        yield from _name(f"{field}.name", name)
    if source is None:
        return
    place = f"{field}.valueFrom"
    given = [kind for kind in SOURCES if source.get(kind) is not None]
    for kind in given:
        yield from _said(f"{place}.{kind}", kind, source[kind])
    if not given:
        error = invalid(place, "", NO_SOURCE)
        later = NO_SOURCE.replace("` or `secretKeyRef`", "`, `secretKeyRef` or `fileKeyRef`")
        yield evolve(error, reworded=(Change.FIELDS_OF_1_34, invalid(place, "", later).message))
    elif one.get("value"):
        yield invalid(place, "", BOTH)
    elif len(given) > 1:
        yield invalid(place, "", SEVERAL)


def _name(field: str, name: str) -> Iterator[FieldError]:
    if not re.fullmatch("[ -<>-~]+", name):
        yield invalid(field, name, NAME_RULE)


def _said(field: str, kind: str, source: Mapping[str, Any]) -> Iterator[FieldError]:
    if kind in {"configMapKeyRef", "secretKeyRef"}:
        name, key = source.get("name") or "", source.get("key") or ""
        yield from (invalid(f"{field}.name", name, detail) for detail in subdomain_errors(name))
        yield from data_key_errors(f"{field}.key", key) if key else (required(f"{field}.key"),)
    if kind == "fieldRef":
        yield from _path(f"{field}.fieldPath", source.get("fieldPath") or "")


def _path(field: str, path: str) -> Iterator[FieldError]:
    """Say why a field of the Pod is none that a variable can have."""
    subscripted = re.fullmatch(r"(.*)\['.+'\]", path)
    if not path:
        yield required(field)
    elif subscripted:
        if subscripted[1] not in {"metadata.annotations", "metadata.labels"}:
            detail = f"error converting fieldPath: field label does not support subscript: {path}"
            yield invalid(field, path, detail)
    elif path not in FIELDS and path not in ELSEWHERE:
        yield invalid(field, path, f"error converting fieldPath: field label not supported: {path}")
    elif path in ELSEWHERE - {"spec.host"}:
        yield not_supported(field, path, FIELDS)


def _many(field: str, index: int, one: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check a whole ConfigMap or Secret of variables; Kubernetes blames the list, not its entry."""
    if prefix := one.get("prefix"):
        yield from _name(f"{field}[{index}].prefix", prefix)
    given = [kind for kind in ("configMapRef", "secretRef") if one.get(kind) is not None]
    for kind in given:
        if not one[kind].get("name"):
            yield required(f"{field}[{index}].{kind}.name")
    if not given:
        yield invalid(field, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        yield invalid(field, "", SEVERAL)
