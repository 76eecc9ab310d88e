"""Whether a schema is structural: every field has a type outside of what only validates, lists and maps are well made.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go, defaulting/validation.go and
pkg/apis/apiextensions/validation/validation.go (v1.32).
Left out on purpose: costs of rules, and types of what they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ....api.values.frozen import thaw
from ...validation.field_error import FieldError, forbidden, go, invalid, invalid_raw, not_supported, required
from ..kind import Schema
from ..rules import RULES, RuleError, compiled
from ..structural import EMBEDDED, PRESERVE, TYPE_META, pruned
from ..values import INT_OR_STRING, broken

TYPES = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES, MAP_TYPES = ("atomic", "set", "map"), ("atomic", "granular")
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
EITHER = ({"type": "integer"}, {"type": "string"})
NESTED_EMPTY = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
    (RULES, "must be empty to be structural"),
)
"""What may not be said where a schema only validates."""
UNSUPPORTED = ("$ref", "definitions", "dependencies", "patternProperties", "additionalItems", "id")
QUADRATIC = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
ONLY_NAMES = "must not specify anything other than name and generateName, but metadata is implicitly specified"


def schema_errors(schema: Schema, field: str, *, status: bool) -> Iterator[FieldError]:
    """Yield what is wrong with the schema of a version; `status`: the version has a subresource of that name."""
    if schema.get("nullable"):
        yield forbidden(f"{field}.nullable", "nullable cannot be true at the root")
    if status and schema.get("type") not in {None, "object"}:
        detail = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        yield invalid(f"{field}.type", schema["type"], detail)
    found = sorted(_structural(schema, field, "root"), key=str)
    found = found or list(_defaults(schema, field, root=True))
    found += _well_made(schema, field)
    yield from found
    if not found:
        yield from _rules(schema, field)


def _inner(schema: Schema, field: str) -> Iterator[tuple[str, Schema, str]]:
    """Yield the schemas in a schema with their fields, and what they are of: items, fields."""
    if isinstance(schema.get("items"), Mapping):
        yield f"{field}.items", schema["items"], "items"
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield f"{field}.properties[{name}]", inner, "field"
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield f"{field}.additionalProperties", schema["additionalProperties"], "field"


def _junctors(schema: Schema, field: str) -> Iterator[tuple[str, Schema]]:
    for name in ("anyOf", "allOf", "oneOf"):
        for at, inner in enumerate(schema.get(name) or ()):
            yield f"{field}.{name}[{at}]", inner
    if isinstance(schema.get("not"), Mapping):
        yield f"{field}.not", schema["not"]


def _structural(schema: Schema, field: str, level: str) -> Iterator[FieldError]:
    kind = str(schema.get("type") or "")
    if kind == "array" and schema.get("items") is None:
        yield required(f"{field}.items", "must be specified")
    if level == "root" and schema.get("additionalProperties") is not None:
        yield forbidden(f"{field}.additionalProperties", "must not be used at the root")
    for where, inner, of in _inner(schema, field):
        if not (where == f"{field}.properties[metadata]" and level == "root"):
            yield from _structural(inner, where, of)
    yield from _typed(schema, kind, field, level)
    for where, inner in _junctors(schema, field):
        if not _is_either(schema, where.removeprefix(field)):
            yield from _nested(inner, where)
    if schema.get("pattern") and not _compiles(str(schema["pattern"])):
        detail = "must be a valid regular expression, but isn't: error parsing regexp"
        yield invalid(f"{field}.pattern", schema["pattern"], detail)
    if level == "root" or schema.get(EMBEDDED):
        yield from _meta(schema, field, level)


def _typed(schema: Schema, kind: str, field: str, level: str) -> Iterator[FieldError]:
    where = {"root": "at the root", "items": "for specified array items", "field": "for specified object fields"}
    if schema.get(EMBEDDED) and kind != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid(f"{field}.type", kind, detail) if kind else required(f"{field}.type", detail)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(f"{field}.type", f"must not be empty {where[level]}")
    if level == "root" and kind and kind != "object":
        yield invalid(f"{field}.type", kind, "must be object at the root")
    for other in (PRESERVE, EMBEDDED):
        if schema.get(INT_OR_STRING) and schema.get(other):
            yield invalid(f"{field}.{other}", value=True, detail="must be false if x-kubernetes-int-or-string is true")
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not schema.get("properties"):
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        yield required(f"{field}.properties", detail)


def _meta(schema: Schema, field: str, level: str) -> Iterator[FieldError]:
    declared = schema.get("properties") or {}
    for name in ("kind", "apiVersion"):
        if name in declared and declared[name].get("type") != "string":
            yield invalid(f"{field}.properties[{name}].type", declared[name].get("type") or "", "must be string")
    metadata = declared.get("metadata")
    if metadata is None:
        return
    if metadata.get("type") != "object":
        yield invalid(f"{field}.properties[metadata].type", metadata.get("type") or "", "must be object")
    odd = set(metadata.get("properties") or ()) - {"name", "generateName"}
    if level == "root" and (odd or set(metadata) - {"type", "properties", "default", "description"}):
        yield forbidden(f"{field}.properties[metadata]", ONLY_NAMES)


def _is_either(schema: Schema, where: str) -> bool:
    """Tell whether that is the one place where types may stand: an integer or a string."""
    if not schema.get(INT_OR_STRING):
        return False
    if where.startswith(".anyOf"):
        return bool(thaw(schema["anyOf"]) == list(EITHER))
    first = thaw((schema.get("allOf") or ({},))[0])
    return where == ".allOf[0]" and bool(first == {"anyOf": list(EITHER)})


def _nested(schema: Schema, field: str) -> Iterator[FieldError]:
    for name, detail in NESTED_EMPTY:
        if schema.get(name):
            yield forbidden(f"{field}.{name}", detail)
    if "metadata" in (schema.get("properties") or {}):
        yield forbidden(f"{field}.properties[metadata]", "must not be specified in a nested context")
    for where, inner, _ in _inner(schema, field):
        if not where.endswith(".additionalProperties"):
            yield from _nested(inner, where)
    for where, inner in _junctors(schema, field):
        yield from _nested(inner, where)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _well_made(schema: Schema, field: str) -> Iterator[FieldError]:
    """Yield what is wrong with a schema as OpenAPI, and as Kubernetes extends it."""
    kind, keys = schema.get("type"), schema.get("x-kubernetes-list-map-keys")
    if kind and kind not in TYPES:
        yield not_supported(f"{field}.type", kind, TYPES)
    for name in UNSUPPORTED:
        if schema.get(name):
            yield forbidden(f"{field}.{name}", f"{name} is not supported")
    if schema.get("uniqueItems"):
        yield forbidden(f"{field}.uniqueItems", QUADRATIC)
    if schema.get("additionalProperties") not in {None, True} and schema.get("properties"):
        detail = "additionalProperties and properties are mutual exclusive"
        yield forbidden(f"{field}.additionalProperties", detail)
    for where, inner, _ in _inner(schema, field):
        yield from _well_made(inner, where)
    for where, inner in _junctors(schema, field):
        yield from _well_made(inner, where)
    if schema.get(PRESERVE) is False:
        yield invalid(f"{field}.{PRESERVE}", value=False, detail="must be true or undefined")
    yield from _of("x-kubernetes-map-type", "object", MAP_TYPES, schema, field)
    yield from _of("x-kubernetes-list-type", "array", LIST_TYPES, schema, field)
    listed = schema.get("x-kubernetes-list-type")
    if keys and listed != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        where = f"{field}.x-kubernetes-list-type"
        yield invalid(where, listed, detail) if listed else required(where, detail)
    if listed == "map":
        yield from _map(schema, keys or (), field)
    elif listed == "set":
        yield from _set(schema.get("items") or {}, f"{field}.items")


def _of(name: str, kind: str, values: tuple[str, ...], schema: Schema, field: str) -> Iterator[FieldError]:
    """Yield what is wrong with an extension that only a type may have, with few values."""
    said = schema.get(name)
    if said is None:
        return
    if schema.get("type") != kind:
        detail = f"must be {kind} if {name} is specified"
        where = f"{field}.type"
        yield invalid(where, schema["type"], detail) if schema.get("type") else required(where, detail)
    if said not in values:
        yield not_supported(f"{field}.{name}", said, values)


def _set(item: Schema, field: str) -> Iterator[FieldError]:
    detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if item.get("type") == "array" and item.get("x-kubernetes-list-type") not in {None, "atomic"}:
        yield invalid(f"{field}.x-kubernetes-list-type", item["x-kubernetes-list-type"], detail)
    if item.get("type") == "object" and item.get("x-kubernetes-map-type") != "atomic":
        yield invalid_raw(f"{field}.x-kubernetes-map-type", "null", detail)
    if item.get("nullable"):
        yield forbidden(f"{field}.nullable", "cannot be nullable when x-kubernetes-list-type is set")


def _map(schema: Schema, keys: tuple[str, ...], field: str) -> Iterator[FieldError]:
    item: Schema | None = schema.get("items")
    where = f"{field}.x-kubernetes-list-map-keys"
    if not keys:
        yield required(where, "must not be empty if x-kubernetes-list-type is map")
    if item is None:
        yield required(f"{field}.items", "must have a schema if x-kubernetes-list-type is map")
        return
    if item.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{field}.items.type", item.get("type") or "", detail)
        return
    shown = f"[]string{{{', '.join(map(go, keys))}}}" if keys else "[]string(nil)"
    declared = item.get("properties") or {}
    for key in keys:
        if key not in declared:
            yield invalid_raw(where, shown, "entries must all be names of item properties")
        elif declared[key].get("type") in {"array", "object"}:
            detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            yield invalid(f"{field}.items.properties[{key}].type", item["type"], detail)
    if len(set(keys)) != len(keys):
        yield invalid_raw(where, shown, "must not contain duplicate entries")
    if item.get("nullable"):
        yield forbidden(f"{field}.items.nullable", "cannot be nullable when x-kubernetes-list-type is map")
    for key in keys:
        known = declared.get(key) or {}
        if key in declared and key not in (item.get("required") or ()) and known.get("default") is None:
            detail = (
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            )
            yield required(f"{field}.items.properties[{key}].default", detail)
        if known.get("nullable"):
            detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            yield forbidden(f"{field}.items.properties[{key}].nullable", detail)


def _defaults(schema: Schema, field: str, *, root: bool = False) -> Iterator[FieldError]:
    """Yield what is wrong with defaults: they keep their schema, and have no field that it does not know."""
    if schema.get("default") is not None:
        value = thaw(schema["default"])
        if root:
            yield forbidden(f"{field}.default", "must not be set at the root")
        kept, unknown = pruned({"it": value}, {"properties": {"it": schema}})
        if unknown:
            yield invalid_raw(f"{field}.default", "{}", "must not have unknown fields")
        for error in broken(kept["it"], schema):
            path = f"{field}.default{'.' if error.field and not error.field.startswith('[') else ''}{error.field}"
            yield FieldError(error.reason, path, error.message)
    for where, inner, _ in _inner(schema, field):
        if root and where.rpartition("[")[2].rstrip("]") in TYPE_META and inner.get("default") is not None:
            yield forbidden(f"{where}.default", f"must not be set in top-level {where.rpartition('[')[2].rstrip(']')}")
        yield from _defaults(inner, where)


def _rules(schema: Schema, field: str) -> Iterator[FieldError]:
    for at, rule in enumerate(schema.get(RULES) or ()):
        where = f"{field}.{RULES}[{at}]"
        text, message = str(rule.get("rule") or ""), str(rule.get("message") or "")
        if not text.strip():
            yield required(f"{where}.rule", "rule is not specified")
            continue
        if message and not message.strip():
            yield invalid(f"{where}.message", message, "must be non-empty if specified")
        elif "\n" in message.strip():
            yield invalid(f"{where}.message", message, "must not contain line breaks")
        elif "\n" in text.strip() and not message:
            yield required(f"{where}.message", "message must be specified if rule contains line breaks")
        if rule.get("reason") and rule["reason"] not in REASONS:
            yield not_supported(f"{where}.reason", rule["reason"], REASONS)
        for name in ("rule", "messageExpression"):
            if rule.get(name):
                yield from _uncompiled(str(rule[name]), f"{where}.{name}")
    for where, inner, _ in _inner(schema, field):
        yield from _rules(inner, where)


def _uncompiled(text: str, field: str) -> Iterator[FieldError]:
    try:
        compiled(text)
    except RuleError as error:
        yield invalid(field, text, str(error))
