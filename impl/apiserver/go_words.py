"""What Go's decoder says of JSON that does not fit a type: the first thing it comes to.

Upstream: encoding/json and sigs.k8s.io/json (UnmarshalTypeError), apimachinery/pkg/api/resource/quantity.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api.reading import schema

TYPES = {"boolean": "bool", "integer": "int32", "long": "int64", "number": "float64", "string": "string"}
QUANTITIES = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def misfit(value: Any, definition: str) -> str:
    """Return what is said of an object that does not fit its definition; "" where there are no words for it."""
    return _in_struct(value, definition, definition, ())


def _in_struct(value: Any, definition: str, struct: str, path: tuple[str, ...]) -> str:
    if not isinstance(value, Mapping):
        return _unfit(value, ".".join(definition.split(".")[-2:]), struct, path)
    known = schema.table()["types"].get(definition) or {}
    found = (_in(field, known[name], definition, (*path, name)) for name, field in value.items() if name in known)
    return next(filter(None, found), "")


def _in(value: Any, kind: Any, struct: str, path: tuple[str, ...]) -> str:
    if value is None:
        return ""
    match kind:
        case [inner]:
            if not isinstance(value, list):
                return _unfit(value, f"[]{_go(inner)}", struct, path)
            return next(filter(None, (_in(item, inner, struct, path) for item in value)), "")
        case {"": inner}:
            if not isinstance(value, Mapping):
                return _unfit(value, f"map[string]{_go(inner)}", struct, path)
            return next(filter(None, (_in(item, inner, struct, path) for item in value.values())), "")
        case str() if kind.startswith("#"):
            return _in_struct(value, kind[1:], struct, path)
        case _:
            return _scalar(value, kind, struct, path)


def _scalar(value: Any, kind: str, struct: str, path: tuple[str, ...]) -> str:
    if kind not in schema.SCALARS or (schema.SCALARS[kind][1](value) and not _is_broken(value, kind)):
        return ""
    if kind == "quantity":
        return QUANTITIES
    return _unfit(value, TYPES[kind], struct, path) if kind in TYPES else ""


def _is_broken(value: Any, kind: str) -> bool:
    return kind in {"integer", "long"} and isinstance(value, float)


def _go(kind: Any) -> str:
    return (
        ".".join(kind.split(".")[-2:]) if isinstance(kind, str) and kind.startswith("#") else TYPES.get(str(kind), "")
    )


def _unfit(value: Any, wanted: str, struct: str, path: tuple[str, ...]) -> str:
    number = f"number {value}" if wanted in {"int32", "int64"} else "number"
    kinds: dict[type, str] = {bool: "bool", int: "number", float: number, str: "string", list: "array"}
    found = kinds.get(type(value), "object")
    name = struct.rpartition(".")[2]
    return f"json: cannot unmarshal {found} into Go struct field {name}.{'.'.join(path)} of type {wanted}"
