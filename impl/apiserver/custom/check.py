"""What a custom resource has to keep: its schema, its sets, its scale and its rules.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/{strategy,status_strategy,validator}.go
(v1.32).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...api.kinds import Object
from ...api.reading.convert import unstructure
from ..validation.field_error import FieldError, go_value, invalid, invalid_raw, required
from .kind import Scale, Schema, served_kind
from .rules import RULES, against_rules, rules_in
from .sets import repeated
from .structural import EMBEDDED, at
from .values import ABSENT, broken

MOST_REPLICAS = 2**31 - 1
BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
NOT_CHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def against_schema(obj: Object, old: Object | None = None) -> tuple[FieldError, ...]:
    """Return the broken rules of a custom resource; of any other object none. `old` is what an update replaces."""
    kind = served_kind(obj)
    if kind is None:
        return ()
    value, before = unstructure(obj), ABSENT if old is None else unstructure(old)
    found = [*broken(value, kind.schema, "", before), *_scale(value, kind.scale), *_embedded(value, kind.schema, "")]
    if before is ABSENT or not list(repeated(before, kind.schema)):
        found += repeated(value, kind.schema)
    return (*found, *_rules(value, kind.schema, "", before, found))


def status_against_schema(obj: Object, old: Object) -> tuple[FieldError, ...]:
    """Return the broken rules of a custom resource whose status is written."""
    kind = served_kind(obj)
    if kind is None:
        return ()
    value, before = unstructure(obj), unstructure(old)
    schema = (kind.schema.get("properties") or {}).get("status")
    found: list[FieldError] = []
    if schema is not None and "status" in value:
        found += broken(value["status"], schema, "status", before.get("status", ABSENT))
        found += repeated(value["status"], schema, "status")
    found += _scale_status(value, kind.scale)
    return (*found, *_rules(value, kind.schema, "", before, found))


def _rules(value: Any, schema: Schema, path: str, before: Any, found: list[FieldError]) -> Iterator[FieldError]:
    if schema.get(RULES) or next(rules_in(schema), None) is not None:
        if any(error.reason in BLOCKING for error in found):
            yield invalid_raw("<nil>", '"null"', NOT_CHECKED)
        else:
            yield from against_rules(value, schema, path, before)


def _scale(value: Any, scale: Scale | None) -> Iterator[FieldError]:
    if scale is not None:
        yield from _replicas(value, scale.spec)
        yield from _scale_status(value, scale)


def _scale_status(value: Any, scale: Scale | None) -> Iterator[FieldError]:
    if scale is not None:
        yield from _replicas(value, scale.status)


def _replicas(value: Any, path: str) -> Iterator[FieldError]:
    found = at(value, path)
    if found is None:
        return
    if isinstance(found, bool) or not isinstance(found, int):
        kind = "float64" if isinstance(found, float) else type(found).__name__.replace("str", "string")
        detail = f"{path} accessor error: {found} is of the type {kind}, expected int64"
        yield invalid(path, 0, detail)
    elif found < 0:
        yield invalid(path, found, "should be a non-negative integer")
    elif found > MOST_REPLICAS:
        yield invalid(path, found, f"should be less than or equal to {MOST_REPLICAS}")


def _embedded(value: Any, schema: Any, path: str) -> Iterator[FieldError]:
    """Yield what embedded objects lack: a kind and an apiVersion."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _embedded(item, (schema or {}).get("items"), f"{path}[{place}]")
    elif isinstance(value, dict) and schema:
        if schema.get(EMBEDDED):
            for name in ("apiVersion", "kind"):
                if name not in value:
                    yield required(f"{path}.{name}")
                elif not isinstance(value[name], str):
                    yield invalid_raw(f"{path}.{name}", go_value(value[name]), "must be a string")
                elif not value[name]:
                    yield invalid(f"{path}.{name}", "", "must not be empty")
        declared, other = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = declared.get(name, other if isinstance(other, dict) else None)
            yield from _embedded(value[name], inner, f"{path}.{name}" if path else name)
