"""Every field of every built-in kind, modelled here or not: what tells a misspelt field from one that is not modelled.

Upstream: the OpenAPI v2 document of an API server v1.36.2, reduced by tests/make_schema.py to schema.json.xz. It has
all that 1.32 has; what came later is known whatever release is asked about.
Left out on purpose: required fields, ranges and enumerations (the API server's validation), and kinds that a custom
resource definition adds.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from ..values.quantity import QuantityError, parse_quantity
from ..values.timestamps import parse_time
from .convert import FieldError
from .nearest import did_you_mean

RELEASE = "1.36"
INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


@cache
def table() -> Mapping[str, Any]:
    """Read the table: kinds by apiVersion, and the types of the fields of each definition."""
    packed = resources.files(__package__).joinpath("schema.json.xz").read_bytes()
    content: dict[str, Any] = json.loads(lzma.decompress(packed))
    return content


def versions_of(kind: str) -> tuple[str, ...]:
    """List the apiVersions that have a kind of that name."""
    return tuple(version for version, kinds in sorted(table()["kinds"].items()) if kind in kinds)


@cache
def kind_names() -> tuple[str, ...]:
    """List the names of all built-in kinds."""
    return tuple(sorted({name for kinds in table()["kinds"].values() for name in kinds}))


def is_built_in(api_version: str, kind: str) -> bool:
    """Tell whether a kind is, or can only be meant to be, Kubernetes' own, by its API group.

    That is so if the group is in the table or has no dot. Groups below k8s.io are of many projects (snapshots, the
    Gateway API, the vertical autoscaler): one that is not in the table is custom unless the kind is one of the table's.
    """
    group = api_version.rpartition("/")[0]
    known = {version.rpartition("/")[0] for version in table()["kinds"]}
    return group in known or "." not in group or (group.endswith(".k8s.io") and kind in kind_names())


def errors_in(json: Mapping[str, Any], api_version: str, kind: str) -> tuple[FieldError, ...]:
    """List the fields of an object that Kubernetes does not have, and the values of the wrong type, in order."""
    definition = table()["kinds"][api_version][kind]
    return tuple(_fields(json, definition, "", ()))


def misfits(value: Any, definition: str, path: str) -> Iterator[FieldError]:
    """Yield the same of a value in an object that should fit a definition."""
    return _fields(value, definition, path, ())


def show(value: Any) -> str:
    """Write a value for a message, cut if it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fields(value: Any, definition: str, path: str, above: tuple[tuple[str, str], ...]) -> Iterator[FieldError]:
    if not isinstance(value, Mapping):
        yield FieldError(path, f"expected a map, got {show(value)}")
        return
    known = table()["types"][definition]
    for name, item in value.items():
        below = f"{path}.{name}" if path else name
        if name not in known:
            yield FieldError(below, f"Kubernetes {RELEASE} has no such field", _suggestion(name, known, above))
        elif item is not None:
            yield from _value(item, known[name], below, (*above, (path, definition)))


def _value(value: Any, kind: Any, path: str, above: tuple[tuple[str, str], ...]) -> Iterator[FieldError]:
    match kind:
        case [item_kind]:
            if not isinstance(value, list):
                yield FieldError(path, f"expected a list, got {show(value)}")
                return
            for index, item in enumerate(value):
                if item is not None:
                    yield from _value(item, item_kind, f"{path}[{index}]", above)
        case {"": item_kind}:
            if not isinstance(value, Mapping):
                yield FieldError(path, f"expected a map, got {show(value)}")
                return
            for key, item in value.items():
                if item is not None:
                    yield from _value(item, item_kind, f"{path}[{key}]", above)
        case str() if kind.startswith("#"):
            yield from _fields(value, kind[1:], path, above)
        case _:
            yield from _scalar(value, kind, path)


def _scalar(value: Any, kind: str, path: str) -> Iterator[FieldError]:
    wanted, fits = SCALARS[kind]
    if not fits(value):
        yield FieldError(path, f"expected {wanted}, got {show(value)}", _scalar_hint(value, kind))


def _scalar_hint(value: Any, kind: str) -> str:
    if kind == "string" and isinstance(value, bool):
        return "YAML reads an unquoted yes, no, on, off, y or n as true or false: put it in quotes"
    if kind == "string" and isinstance(value, int | float):
        return "put it in quotes"
    if kind in {"integer", "long", "boolean"} and isinstance(value, str) and value.strip().lstrip("-").isdigit():
        return "leave the quotes out"
    return ""


def _suggestion(name: str, known: Mapping[str, Any], above: tuple[tuple[str, str], ...]) -> str:
    if meant := did_you_mean(name, known, ""):
        return meant
    for path, definition in reversed(above):
        if name in table()["types"][definition]:
            return f"it is a field of {path or 'the object itself'}"
    for field, kind in known.items():
        inner = kind[0] if isinstance(kind, list) else kind
        if isinstance(inner, str) and name in table()["types"].get(inner.removeprefix("#"), ()):
            return f"it belongs under {field}"
    return ""


def _whole(value: Any, allowed: range) -> bool:
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    return isinstance(number, int) and not isinstance(number, bool) and number in allowed


def _is_quantity(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        parse_quantity(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip())
    except QuantityError:
        return False
    return True


SCALARS: Mapping[str, tuple[str, Any]] = {
    "any": ("anything", lambda _: True),
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "integer": ("an integer", lambda value: _whole(value, INT32)),
    "long": ("an integer", lambda value: _whole(value, INT64)),
    "intOrString": ("an integer or a string", lambda value: isinstance(value, str) or _whole(value, INT32)),
    "quantity": ("a quantity such as 500m or 64Mi", _is_quantity),
    "time": (
        "a time such as 2025-01-31T12:00:00Z",
        lambda value: isinstance(value, str) and parse_time(value) is not None,
    ),
}
"""What each scalar type is called in a message, and what belongs to it."""
