"""From the JSON of a body to an object, as the server decodes it: unknown fields are dropped, wrong types refused.

Upstream: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/json (v1.32); unknown fields are told to whoever asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..api.kinds import Kind, Object, Unstructured
from ..api.reading import schema
from ..api.reading.convert import BadObject, FieldError, structure, unstructured
from ..api.values.quantity import QuantityError, parse_quantity
from .custom.kind import METADATA, ServedKind
from .custom.reading import read
from .go_words import misfit
from .validation.data import validate_data

REQUIRED_TEXTS: Mapping[str, tuple[str, ...]] = {"EndpointSlice": ("addressType",)}
"""Fields that are empty where nobody says them, though the class has a default for worlds that do not care."""
MICRO_TIMES = frozenset({"spec.acquireTime", "spec.renewTime"})
MICRO = re.compile(r"\.\d{6}(Z|[-+])")
Unknown = tuple[str, ...]
JSON_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
SCHEMAS = frozenset({"additionalProperties", "items"})
"""Fields of a schema that are schemas again, of which the OpenAPI document says that they are anything."""


@frozen
class Found:
    """What turns up on the way through an object: fields that nobody knows, and numbers that are written wrongly."""

    unknown: list[str]
    wrong: list[FieldError]


def decoded(json: Mapping[str, Any], kind: Kind) -> tuple[Object, Unknown]:
    """Return the object that JSON says, and the fields that its kind does not have. Raises BadObject."""
    if isinstance(kind, ServedKind):
        return _custom(json, kind)
    definition = schema.table()["kinds"].get(kind.api_version, {}).get(kind.name)
    plain: dict[str, Any] = dict(json)
    unknown: list[str] = []
    if definition is not None:
        wrong: list[FieldError] = []
        plain = _pruned(json, definition, "", Found(unknown, wrong))
        errors = (*wrong, *schema.errors_in(plain, kind.api_version, kind.name))
        if errors:
            said = misfit(plain, definition)
            raise BadObject((FieldError("", said),) if said else errors)
    for field in REQUIRED_TEXTS.get(kind.name, ()):
        plain.setdefault(field, "")
    if unreadable := [error for error in validate_data(kind.name, plain) if not error.reason]:
        raise BadObject(tuple(FieldError("", error.message) for error in unreadable))
    if kind.cls is not Unstructured:
        return structure(plain, kind.cls), tuple(unknown)
    return unstructured(plain, kind), tuple(unknown)


def _custom(json: Mapping[str, Any], kind: ServedKind) -> tuple[Object, Unknown]:
    """Return a custom resource: its metadata are Kubernetes' own, all else is as its definition says."""
    found = Found([], [])
    plain = {**json, "metadata": _pruned(json.get("metadata") or {}, METADATA, "metadata", found)}
    obj, unknown = read(plain, kind)
    return obj, (*found.unknown, *unknown)


def _pruned(value: Any, definition: str, path: str, found: Found) -> Any:
    if not isinstance(value, Mapping):
        return value
    known = schema.table()["types"].get(definition)
    if known is None:
        return dict(value)
    kept = {}
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        if inner is None:
            continue
        if (
            definition == JSON_SCHEMA
            and name in SCHEMAS
            and not (isinstance(inner, bool) and name == "additionalProperties")
        ):
            found.wrong.extend(schema.misfits(inner, definition, where))
            kept[name] = _pruned(inner, definition, where, found)
        elif name in known:
            kept[name] = _inner(inner, known[name], where, found)
        else:
            found.unknown.append(where)
    return kept


ZEROS = {"string": "", "quantity": "0", "integer": 0, "long": 0, "boolean": False}


def _said(value: Any, kind: Any) -> Any:
    """Return an item of a list or a map; null is what Go's type is without anything."""
    return ZEROS.get(kind) if value is None and isinstance(kind, str) else value


def _spelt(value: float | str) -> Any:
    """Return a quantity as the server writes it; what is none is told of later."""
    try:
        return str(parse_quantity(str(value).strip()))
    except QuantityError:
        return value


def _inner(value: Any, kind: Any, path: str, found: Found) -> Any:
    match kind:
        case [inner] if isinstance(value, list):
            return [_inner(_said(item, inner), inner, f"{path}[{at}]", found) for at, item in enumerate(value)]
        case {"": inner} if isinstance(value, Mapping):
            return {key: _inner(_said(item, inner), inner, f"{path}.{key}", found) for key, item in value.items()}
        case str() if kind.startswith("#"):
            return _pruned({} if value is None else value, kind[1:], path, found)
        case "time" if path in MICRO_TIMES and isinstance(value, str) and not MICRO.search(value):
            form = "2006-01-02T15:04:05.000000Z07:00"
            found.wrong.append(FieldError("", f'parsing time "{value}" as "{form}": cannot parse "Z" as ".000000"'))
            return value
        case "quantity" if isinstance(value, int | float | str) and not isinstance(value, bool):
            return _spelt(value)
        case "integer" | "long" if isinstance(value, float):
            found.wrong.append(FieldError(path, f"cannot unmarshal number {value} into Go value of type int64"))
            return value
        case _:
            return value
