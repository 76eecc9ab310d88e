"""What a patch needs to know of fields: of which type they are, and how lists and maps of them are merged.

Upstream: the OpenAPI v2 document of kube-apiserver v1.32.13, as recorded, with the extensions x-kubernetes-patch-*,
x-kubernetes-list-* and x-kubernetes-map-type that the Go types' tags become. A field nobody describes is taken whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ...api.kinds import Kind
from ..custom.kind import ServedKind
from ..rest.documents.documents import openapi

Schema = Mapping[str, Any]
NOTHING: Schema = {}


@cache
def _definitions() -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = openapi()["/openapi/v2"]["definitions"]
    return found


@cache
def _by_kind() -> Mapping[tuple[str, str], Schema]:
    return {
        (f"{kind['group']}/{kind['version']}".removeprefix("/"), kind["kind"]): definition
        for name, definition in sorted(_definitions().items())
        for kind in definition.get("x-kubernetes-group-version-kind", ())
        if name.startswith("io.k8s.")
    }


def schema_of(kind: Kind) -> Schema:
    """Return what is said of a kind; nothing of one that is not in the document. A custom one has its own schema."""
    if isinstance(kind, ServedKind):
        return kind.whole_schema
    return NOTHING if kind.custom else _by_kind().get((kind.api_version, kind.name), NOTHING)


def resolved(schema: Schema) -> Schema:
    """Return what a reference leads to, with the extensions that stand beside it."""
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key.startswith("x-")}
    return {**_definitions()[schema["$ref"].removeprefix("#/definitions/")], **beside}


def field(schema: Schema, name: str) -> Schema:
    """Return what is said of a field of a map."""
    known = resolved(schema)
    inner = (known.get("properties") or NOTHING).get(name)
    return resolved(inner if inner is not None else known.get("additionalProperties") or NOTHING)


def item(schema: Schema) -> Schema:
    """Return what is said of the items of a list."""
    return resolved(resolved(schema).get("items") or NOTHING)


def strategies(schema: Schema) -> frozenset[str]:
    """Return how a strategic merge patch treats a field: merge, replace, retainKeys."""
    return frozenset(str(schema.get("x-kubernetes-patch-strategy", "")).split(",")) - {""}


def merge_key(schema: Schema) -> str:
    """Return by which field a strategic merge patch tells the items of a list apart; "" where they are values."""
    return str(schema.get("x-kubernetes-patch-merge-key", ""))
