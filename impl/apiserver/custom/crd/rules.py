"""What a CustomResourceDefinition has to keep: its names, its versions, their columns and subresources.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go (v1.32).
Left out on purpose: conversion by webhooks (nobody here answers one), which is refused; the approval of groups of
Kubernetes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....api.kinds import Unstructured
from ...validation.field_error import (
    FieldError,
    go,
    invalid,
    invalid_raw,
    not_supported,
    required,
)
from ...validation.names import dns_1035_errors, subdomain_errors
from .schemas import schema_errors

Json = Mapping[str, Any]
SCOPES = ("Cluster", "Namespaced")
COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
STRUCT = "apiextensions.CustomResourceDefinitionVersion"
NO_WEBHOOKS = "this server calls no webhooks: only None is served"
IMMUTABLE = "field is immutable"


def definition_errors(obj: Unstructured) -> Iterator[FieldError]:
    """Yield the broken rules of a definition."""
    spec: Json = obj.extra.get("spec") or {}
    names: Json = spec.get("names") or {}
    if obj.metadata.name != f"{names.get('plural', '')}.{spec.get('group', '')}":
        yield invalid("metadata.name", obj.metadata.name, 'must be spec.names.plural+"."+spec.group')
    yield from _spec(spec, names)
    status: Json = obj.extra.get("status") or {}
    yield from _names(status.get("acceptedNames") or {}, "status.acceptedNames")
    yield from _stored_versions(tuple(status.get("storedVersions") or ()), spec.get("versions") or ())


def definition_change_errors(new: Unstructured, old: Unstructured) -> Iterator[FieldError]:
    """Yield what a change of a definition may not do: call its objects otherwise, or put them elsewhere."""
    wanted, was = (unstructured.extra.get("spec") or {} for unstructured in (new, old))
    conditions = (old.extra.get("status") or {}).get("conditions") or ()
    established = any(
        condition.get("type") == "Established" and condition.get("status") == "True" for condition in conditions
    )
    always = (("group",), ("names", "plural"))
    for path in (("scope",), ("names", "kind"), *always) if established else always:
        after, before = _at(wanted, path), _at(was, path)
        if after != before:
            yield invalid(f"spec.{'.'.join(path)}", after, IMMUTABLE)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = (value or {}).get(name)
    return value


def _spec(spec: Json, names: Json) -> Iterator[FieldError]:
    group, scope = str(spec.get("group") or ""), str(spec.get("scope") or "")
    if not group:
        yield required("spec.group")
    elif wrong := subdomain_errors(group):
        yield invalid("spec.group", group, ",".join(wrong))
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    if not scope:
        yield required("spec.scope")
    elif scope not in SCOPES:
        yield not_supported("spec.scope", scope, SCOPES)
    if spec.get("preserveUnknownFields"):
        yield invalid("spec.preserveUnknownFields", value=True, detail="must be false")
    yield from _versions(spec.get("versions") or ())
    for name in ("plural", "singular", "kind", "listKind"):
        if not names.get(name):
            yield required(f"spec.names.{name}")
    yield from _names(names, "spec.names")
    strategy = (spec.get("conversion") or {}).get("strategy")
    if strategy == "Webhook":
        yield invalid("spec.conversion.strategy", strategy, NO_WEBHOOKS)
    elif strategy != "None":
        yield not_supported("spec.conversion.strategy", strategy or "", ("None", "Webhook"))


def _versions(versions: Any) -> Iterator[FieldError]:
    alike = _alike(versions)
    for at, version in enumerate(versions):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if version.get("served") and schema is None:
            field = f"spec.versions[{at}].schema.openAPIV3Schema"
            yield required(field, "because otherwise all fields are pruned")
    for at, version in enumerate(versions):
        field = f"spec.versions[{at}]"
        if wrong := dns_1035_errors(str(version.get("name") or "")):
            yield invalid(f"{field}.name", version.get("name") or "", ",".join(wrong))
        if version.get("deprecationWarning") is not None and not version.get("deprecated"):
            detail = "can only be set for deprecated versions"
            yield invalid(f"{field}.deprecationWarning", version["deprecationWarning"], detail)
        if "schema" not in alike:
            yield from _schema(version, f"{field}.schema")
        if "subresources" not in alike:
            yield from _subresources(version, f"{field}.subresources")
        if "additionalPrinterColumns" not in alike:
            yield from _columns(version, f"{field}.additionalPrinterColumns")
    if len({version.get("name") for version in versions}) != len(versions):
        yield invalid_raw("spec.versions", _shown(versions), "must contain unique version names", _bare(versions))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        yield invalid_raw("spec.versions", _shown(versions), detail, _bare(versions))
    for version in versions[:1]:
        if "schema" in alike:
            yield from _schema(version, "spec.validation")
        if "subresources" in alike:
            yield from _subresources(version, "spec.subresources")
        if "additionalPrinterColumns" in alike:
            yield from _columns(version, "spec.additionalPrinterColumns")


def _alike(versions: Any) -> frozenset[str]:
    """Return what is the same in all versions: Kubernetes holds that once, and says so in its messages."""
    kept = ("schema", "subresources", "additionalPrinterColumns")
    return frozenset(
        name for name in kept if versions and all(version.get(name) == versions[0].get(name) for version in versions)
    )


def _schema(version: Json, field: str) -> Iterator[FieldError]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is not None:
        status = (version.get("subresources") or {}).get("status") is not None
        yield from schema_errors(schema, f"{field}.openAPIV3Schema", status=status)


def _subresources(version: Json, field: str) -> Iterator[FieldError]:
    scale = (version.get("subresources") or {}).get("scale")
    if scale is None:
        return
    places = (("specReplicasPath", (".spec.",)), ("statusReplicasPath", (".status.",)))
    for name, below in places:
        if not scale.get(name):
            yield required(f"{field}.scale.{name}")
        else:
            yield from _path(f"{field}.scale.{name}", str(scale[name]), below)
    if scale.get("labelSelectorPath"):
        yield from _path(f"{field}.scale.labelSelectorPath", str(scale["labelSelectorPath"]), (".spec.", ".status."))


def _path(field: str, path: str, below: tuple[str, ...]) -> Iterator[FieldError]:
    if not path.startswith("."):
        yield invalid(field, path, "must be a simple json path starting with .")
    elif not path.startswith(below):
        either = " or ".join(prefix.rstrip(".") for prefix in below)
        yield invalid(field, path, f"should be a json path under {'either ' if len(below) > 1 else ''}{either}")


def _columns(version: Json, field: str) -> Iterator[FieldError]:
    for at, column in enumerate(version.get("additionalPrinterColumns") or ()):
        where, types = f"{field}[{at}]", f"must be one of {','.join(COLUMN_TYPES)}"
        if not column.get("name"):
            yield required(f"{where}.name")
        if not column.get("type"):
            yield required(f"{where}.type", types)
        elif column["type"] not in COLUMN_TYPES:
            yield invalid(f"{where}.type", column["type"], types)
        if column.get("format") and column["format"] not in COLUMN_FORMATS:
            yield invalid(f"{where}.format", column["format"], f"must be one of {','.join(COLUMN_FORMATS)}")
        if not column.get("jsonPath"):
            yield required(f"{where}.JSONPath")
        elif not str(column["jsonPath"]).startswith("."):
            yield invalid(f"{where}.JSONPath", column["jsonPath"], "must be a simple json path starting with .")


def _names(names: Json, field: str) -> Iterator[FieldError]:
    for name in ("plural", "singular"):
        if names.get(name) and (wrong := dns_1035_errors(str(names[name]))):
            yield invalid(f"{field}.{name}", names[name], ",".join(wrong))
    for name in ("kind", "listKind"):
        if names.get(name) and (wrong := dns_1035_errors(str(names[name]).lower())):
            detail = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            yield invalid(f"{field}.{name}", names[name], detail)
    for name in ("shortNames", "categories"):
        if name == "categories" and names.get("kind") and names.get("kind") == names.get("listKind"):
            yield invalid(f"{field}.listKind", names["listKind"], "kind and listKind may not be the same")
        for at, word in enumerate(names.get(name) or ()):
            if wrong := dns_1035_errors(str(word)):
                yield invalid(f"{field}.{name}[{at}]", word, ",".join(wrong))


def _stored_versions(stored: tuple[str, ...], versions: Any) -> Iterator[FieldError]:
    field = "status.storedVersions"
    if not stored:
        yield invalid_raw(field, "[]string(nil)", "must have at least one stored version", None)
        return
    shown = f"[]string{{{', '.join(map(go, stored))}}}"
    for version in versions:
        if version.get("storage") and version.get("name") not in stored:
            yield invalid_raw(field, shown, f"must have the storage version {version.get('name')}", stored)
    there = {version.get("name") for version in versions}
    for at, name in enumerate(stored):
        if name not in there:
            detail = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            yield invalid(f"{field}[{at}]", name, detail)


def _bare(versions: Any) -> list[Json]:
    """Return versions as JSON shows them, likewise without what differs."""
    told = ("Name", "Served", "Storage", "Deprecated")
    absent = ("DeprecationWarning", "Schema", "Subresources", "AdditionalPrinterColumns", "SelectableFields")
    return [
        {"Name": "", **{name: version.get(name.lower(), False) for name in told}, **dict.fromkeys(absent)}
        for version in versions
    ]


def _shown(versions: Any) -> str:
    """Write versions as Go does, with all that differs between them left out: that is by address there."""

    def bare(version: Json) -> str:
        facts = (
            f"Name:{go(str(version.get('name') or ''))}",
            *(f"{name.capitalize()}:{go(bool(version.get(name)))}" for name in ("served", "storage", "deprecated")),
            "DeprecationWarning:(*string)(nil)",
            "Schema:(*apiextensions.CustomResourceValidation)(nil)",
            "Subresources:(*apiextensions.CustomResourceSubresources)(nil)",
            "AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil)",
            "SelectableFields:[]apiextensions.SelectableField(nil)",
        )
        return f"{STRUCT}{{{', '.join(facts)}}}"

    return f"[]{STRUCT}{{{', '.join(map(bare, versions))}}}"
