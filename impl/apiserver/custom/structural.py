"""What a structural schema does to JSON: fields that it does not know are dropped, defaults are filled in.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}/*.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...api.values.frozen import thaw
from .kind import Schema

TYPE_META = frozenset({"apiVersion", "kind", "metadata"})
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"


def pruned(value: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return an object without the fields that its schema does not know, and the paths of those, sorted."""
    unknown: list[str] = []
    kept = _pruned(value, {**schema, EMBEDDED: True}, "", unknown, keeps=False)
    return kept, tuple(sorted(unknown))


def _pruned(value: Any, schema: Schema | None, path: str, unknown: list[str], *, keeps: bool) -> Any:
    """Prune a value; where `keeps`, the fields that nobody declares stay."""
    keeps = bool((schema or {}).get(PRESERVE)) or (keeps and not isinstance(value, Mapping))
    if isinstance(value, list | tuple):
        inner = None if schema is None else schema.get("items")
        return [_pruned(item, inner, f"{path}[{at}]", unknown, keeps=keeps) for at, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    known = schema or {}
    declared, other = known.get("properties") or {}, known.get("additionalProperties")
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        if known.get(EMBEDDED) and name in TYPE_META:
            kept[name] = inner
        elif name in declared:
            kept[name] = _pruned(inner, declared[name], where, unknown, keeps=False)
        elif other:
            kept[name] = _pruned(inner, other, where, unknown, keeps=False) if isinstance(other, Mapping) else inner
        elif keeps:
            kept[name] = inner
        elif path or name not in TYPE_META:
            unknown.append(where)
    return kept


def defaulted(value: Any, schema: Schema | None) -> Any:
    """Return a value with the defaults of its schema; a null where none may stand is as good as nothing."""
    if schema is None:
        return value
    if isinstance(value, list | tuple):
        inner = schema.get("items")
        return [defaulted(_instead(item, inner), inner) for item in value]
    if not isinstance(value, Mapping):
        return value
    declared, other = schema.get("properties") or {}, schema.get("additionalProperties")
    found: dict[str, Any] = {}
    for name, field in value.items():
        inner = declared.get(name, other if isinstance(other, Mapping) else None)
        given = _instead(field, inner)
        if given is None and inner is not None and not inner.get("nullable"):
            continue
        found[name] = defaulted(given, inner)
    for name, inner in declared.items():
        if name not in found and inner.get("default") is not None:
            found[name] = defaulted(thaw(inner["default"]), inner)
    return found


def _instead(value: Any, schema: Schema | None) -> Any:
    if value is None and schema is not None and not schema.get("nullable"):
        return thaw(schema.get("default"))
    return value


def at(value: Any, path: str) -> Any:
    """Return what stands at a path of names, as `.spec.replicas`; None where nothing does."""
    for name in path.removeprefix(".").split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def with_value(value: Any, path: str, wanted: Any) -> dict[str, Any]:
    """Return a map with something else at a path of names."""
    name, _, rest = path.removeprefix(".").partition(".")
    found = dict(value) if isinstance(value, Mapping) else {}
    return {**found, name: with_value(found.get(name), rest, wanted) if rest else wanted}
