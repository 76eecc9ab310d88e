"""Lists that are sets, or maps by keys: which items are there twice.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go (v1.32).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..validation.field_error import FieldError, duplicate, go_value, invalid_raw
from .kind import Schema


def repeated(value: Any, schema: Schema | None, path: str = "") -> Iterator[FieldError]:
    """Yield the items that are there twice in lists where none may be."""
    if schema is None:
        return
    if isinstance(value, list | tuple):
        yield from _in_list(value, schema, path)
        for at, item in enumerate(value):
            yield from repeated(item, schema.get("items"), f"{path}[{at}]")
    elif isinstance(value, Mapping):
        declared, other = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            if name in declared:
                yield from repeated(value[name], declared[name], f"{path}.{name}" if path else name)
            elif isinstance(other, Mapping):
                yield from repeated(value[name], other, f"{path}[{name}]")


def _in_list(values: Any, schema: Schema, path: str) -> Iterator[FieldError]:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            shown = list(values)
        case "map":
            odd = next((at for at, value in enumerate(values) if not isinstance(value, Mapping | None)), None)
            if odd is not None:
                detail = "must be an object for an array of list-type map"
                yield invalid_raw(f"{path}[{odd}]", go_value(values[odd]), detail)
                return
            keys = schema.get("x-kubernetes-list-map-keys") or ()
            shown = [{key: value[key] for key in keys if key in (value or {})} for value in values]
        case _:
            return
    seen: dict[str, int] = {}
    for at, item in enumerate(shown):
        name = json.dumps(item, sort_keys=True)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 2:
            yield duplicate(f"{path}[{at}]", item, rendered=go_value(item))
