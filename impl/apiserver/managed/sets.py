"""Sets of fields: which an object has, which differ between two objects, and how they are written (FieldsV1).

Upstream: sigs.k8s.io/structured-merge-diff/v4 (v4.4): typed/tofieldset.go, typed/compare.go, fieldpath/serialize.go.
A path is a tuple of elements as FieldsV1 writes them: `f:spec`, `k:{"name":"web"}`, `v:"example.com/hold"`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from ..patch.schema import Schema, field, item, resolved

Path = tuple[str, ...]
Fields = frozenset[Path]
KEY_DEFAULTS = {"protocol": "TCP"}
"""Keys that may be left out: what they are then. The document has no defaults of these."""
SCALAR_TYPES = frozenset({"string", "integer", "number", "boolean"})


class DuplicateError(ValueError):
    """Two items of a list have the same key."""


@frozen
class Comparison:
    """What is in the second of two objects and not in the first, differs, or is in the first only."""

    added: Fields = frozenset()
    modified: Fields = frozenset()
    removed: Fields = frozenset()


def encoded(fields: Fields) -> dict[str, Any]:
    """Write a set as FieldsV1."""
    tree: dict[str, Any] = {}
    parents = {path[:length] for path in fields for length in range(1, len(path))}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        if path in parents:
            node["."] = {}
    return tree


def parsed(tree: Mapping[str, Any]) -> Fields:
    """Read a set from FieldsV1."""
    return frozenset(_paths(tree, ()))


def _paths(tree: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if path and (not tree or "." in tree):
        yield path
    for element, inner in tree.items():
        if element != "." and isinstance(inner, Mapping):
            yield from _paths(inner, (*path, element))


def atomic(schema: Schema) -> bool:
    """Tell whether a value has one owner, whatever is in it."""
    known = resolved(schema)
    if known.get("x-kubernetes-map-type") == "atomic" or known.get("type") in SCALAR_TYPES:
        return True
    is_list = known.get("type") == "array"
    return is_list and known.get("x-kubernetes-list-type", "atomic") == "atomic"


def elements(values: list[Any], schema: Schema) -> list[str]:
    """Return what the items of a list are called: by their keys, or by themselves in a set."""
    known = resolved(schema)
    keys = known.get("x-kubernetes-list-map-keys")
    if known.get("x-kubernetes-list-type") == "map" and keys:
        inner = item(known)
        return [f"k:{_compact(_keys(value, keys, inner))}" for value in values]
    return [f"v:{_compact(value)}" for value in values]


def _keys(one: Any, keys: list[str], schema: Schema) -> dict[str, Any]:
    given = one if isinstance(one, Mapping) else {}
    found = {key: given.get(key, field(schema, key).get("default", KEY_DEFAULTS.get(key))) for key in sorted(keys)}
    return {key: value for key, value in found.items() if value is not None}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def field_set(value: Any, schema: Schema) -> Fields:
    """Return every field of an object. Raises DuplicateError, which names the list."""
    return frozenset(_fields(value, schema, ()))


def _fields(value: Any, schema: Schema, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping) and not atomic(schema):
        declared = resolved(schema).get("properties") or {}
        for name, inner in value.items():
            below = (*path, f"f:{name}")
            yield from _fields(inner, field(schema, name), below)
            if inner is None or inner == {} or name not in declared:
                yield below
    elif isinstance(value, list) and not atomic(schema) and resolved(schema):
        for element, inner in zip(unique(value, schema, path), value, strict=True):
            yield (*path, element)
            yield from _fields(inner, item(schema), (*path, element))
    elif path:
        yield path


def unique(values: list[Any], schema: Schema, path: Path) -> list[str]:
    """Return the elements of a list, each of which may be there once only."""
    found = elements(values, schema)
    for element in found:
        if found.count(element) > 1:
            keys = json.loads(element[2:])
            named = keys if isinstance(keys, dict) else {"": keys}
            listed = ",".join(f"{key}={_compact(value)}" for key, value in named.items())
            raise DuplicateError(f"{shown(path)}: duplicate entries for key [{listed}]")
    return found


def shown(path: Path) -> str:
    """Write a path as messages have it: .spec.containers[name="web"].image."""
    parts = []
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            parts.append(f".{rest}")
        elif kind == "k":
            parts.append("[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(rest).items()) + "]")
        else:
            parts.append(f"[={rest}]")
    return "".join(parts)


ABSENT = object()


def compare(old: Any, new: Any, schema: Schema) -> Comparison:
    """Return what differs between two objects."""
    found: dict[str, set[Path]] = {"added": set(), "modified": set(), "removed": set()}
    _compare(old, new, schema, (), found)
    return Comparison(*(frozenset(found[name]) for name in ("added", "modified", "removed")))


def _compare(old: Any, new: Any, schema: Schema, path: Path, found: dict[str, set[Path]]) -> None:
    sides = [_parts(old, schema), _parts(new, schema)]
    if None in sides or (old is not ABSENT and new is not ABSENT and isinstance(old, list) != isinstance(new, list)):
        if old is ABSENT or new is ABSENT:
            found["added" if old is ABSENT else "removed"].add(path)
        elif old != new:
            found["modified"].add(path)
        return
    before, after = ({} if side is None else side for side in sides)
    for element in [*before, *(added for added in after if added not in before)]:
        inner = field(schema, element[2:]) if element.startswith("f:") else item(schema)
        _compare(before.get(element, ABSENT), after.get(element, ABSENT), inner, (*path, element), found)
    if path and old is ABSENT:
        found["added"].add(path)
    elif path and new is ABSENT:
        found["removed"].add(path)


def _parts(value: Any, schema: Schema) -> dict[str, Any] | None:
    """Return what a value is made of, by element; None of one that is a whole."""
    if value is ABSENT:
        return {}
    if isinstance(value, Mapping) and not atomic(schema):
        return {f"f:{name}": inner for name, inner in value.items()}
    if isinstance(value, list) and not atomic(schema) and resolved(schema):
        return dict(zip(elements(value, schema), value, strict=True))
    return None
