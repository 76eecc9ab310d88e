"""Custom resources from JSON, as clients write them, and from the store, as their definition is by now.

Upstream: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go (unstructuredDefaulter,
schemaCoercingConverter) (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import evolve

from ...api.kinds import Kind, Object, Unstructured
from ...api.reading.convert import unstructure, unstructured
from .kind import ServedKind
from .structural import defaulted, pruned

Json = Mapping[str, Any]


def read(json: Json, kind: ServedKind) -> tuple[Unstructured, tuple[str, ...]]:
    """Return the object that JSON says, pruned and defaulted, and the fields that nobody knows. Raises BadObject."""
    if not kind.schema:
        return unstructured(json, kind), ()
    kept, unknown = pruned(json, kind.schema)
    return unstructured(defaulted(kept, kind.schema), kind), unknown


@lru_cache(maxsize=1 << 15)
def seen_as(obj: Unstructured, kind: ServedKind) -> Unstructured:
    """Return a stored object as a version of its kind shows it now."""
    return read(unstructure(obj), kind)[0]


def at_rest(obj: Object, stored: ServedKind | None) -> Object:
    """Return an object as it is stored: in the version that is stored, and without what the definition says."""
    if not isinstance(obj, Unstructured) or not isinstance(obj.of, ServedKind):
        return obj
    of = obj.of if stored is None else stored
    return evolve(obj, of=bare_kind(of.name, of.api_version, of.plural, namespaced=of.namespaced))


def bare_kind(name: str, api_version: str, plural: str, *, namespaced: bool) -> Kind:
    """Return the kind of a custom resource as it lies in the store: its names only."""
    crd = f"{plural}.{api_version.rpartition('/')[0]}"
    return Kind(name, api_version, plural, namespaced, Unstructured, custom=True, crd=crd)
