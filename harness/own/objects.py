"""What functions of users see: objects as plain JSON, as they stand in YAML, in lists of a kind.

An object's `resourceVersion` is told by its content: equal objects have equal ones. Who writes an object back with the
one that it was read with asks for a conflict where it has changed meanwhile, and without it for none.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from attrs import evolve, frozen

from ...impl.api.kinds import Kind, Object, Unstructured, kind_of
from ...impl.api.meta import Ref
from ...impl.api.reading.convert import structure, unstructure, unstructured
from ...impl.api.values.frozen import Json, freeze, thaw
from ...traces.canonical import canonical
from .kinds import kind_of_name

Given = Mapping[str, Any]
"""An object as JSON."""


@frozen(eq=False)
class Objects:
    """The objects that somebody can see: what a controller's caches hold, or the store as it is.

    Each call gives copies, which may be changed freely.
    """

    of_kind: Callable[[Kind], Iterable[Object]]
    namespace: str = "default"
    """The namespace that goes without saying in `get`."""

    def list(
        self, kind: str | type | Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> builtins.list[dict[str, Any]]:
        """Return the objects of a kind by namespace and name: those of a namespace, those that have these labels."""
        wanted = dict(labels or {}).items()
        return [
            as_json(obj)
            for obj in self._in_order(kind_of_name(kind))
            if namespace in {None, obj.metadata.namespace} and wanted <= dict(obj.metadata.labels).items()
        ]

    def get(self, kind: str | type | Kind, name: str, *, namespace: str = "") -> dict[str, Any] | None:
        """Return one object, None where there is none.

        Without a namespace it is that of the object that is reconciled; of cluster-scoped kinds it does not count.
        """
        wanted = kind_of_name(kind)
        place = (namespace or self.namespace) if wanted.namespaced else ""
        found = (obj for obj in self.of_kind(wanted) if (obj.metadata.namespace, obj.metadata.name) == (place, name))
        return next(map(as_json, found), None)

    def owned(self, kind: str | type | Kind, owner: Given) -> builtins.list[dict[str, Any]]:
        """Return the objects of a kind whose controller is the owner: told by its uid, so not one of the same name."""
        uid = owner["metadata"]["uid"]
        return [
            as_json(obj)
            for obj in self._in_order(kind_of_name(kind))
            if obj.metadata.controller is not None and obj.metadata.controller.uid == uid
        ]

    def _in_order(self, kind: Kind) -> builtins.list[Object]:
        return sorted(self.of_kind(kind), key=lambda one: (one.metadata.namespace, one.metadata.name))


def as_json(obj: Object) -> dict[str, Any]:
    """Return an object as JSON, with its resourceVersion; a copy."""
    plain: dict[str, Any] = thaw(_frozen_json(obj))
    return plain


@lru_cache(maxsize=1 << 14)
def _frozen_json(obj: Object) -> Json:
    plain = unstructure(obj)
    return freeze({**plain, "metadata": {**plain["metadata"], "resourceVersion": version_of(obj)}})


@lru_cache(maxsize=1 << 14)
def version_of(obj: Object) -> str:
    """Return an object's resource version: its content decides."""
    return blake2b(canonical(obj).encode(), digest_size=6).hexdigest()


def from_json(json: Given, kinds: Iterable[Kind] = ()) -> Object:
    """Make an object of JSON, without its resourceVersion. Raises BadObject, UnknownKindError, KeyError.

    `kinds` are those a user's controllers name, which say more of custom ones than their name does.
    """
    kind = kind_in(json, kinds)
    plain = {key: thaw(value) for key, value in json.items()}
    plain["metadata"] = {key: value for key, value in plain.get("metadata", {}).items() if key != "resourceVersion"}
    if kind.cls is Unstructured:
        return unstructured(plain, kind)
    found: Object = structure(plain, kind.cls)
    return found


def kind_in(json: Given, kinds: Iterable[Kind] = ()) -> Kind:
    """Return the kind that JSON says it is of. Raises UnknownKindError, KeyError."""
    name, version = json["kind"], json["apiVersion"]
    own = (kind for kind in kinds if (kind.name, kind.api_version) == (name, version))
    return next(own, None) or kind_of_name(f"{version}/{name}")


def ref_in(json: Given, kinds: Iterable[Kind] = ()) -> Ref:
    """Return the reference of the object that JSON is. Raises UnknownKindError, KeyError."""
    kind, meta = kind_in(json, kinds), json["metadata"]
    return Ref(kind.name, (meta.get("namespace") or "default") if kind.namespaced else "", meta["name"])


def placed(obj: Any, namespace: str) -> Object:
    """Return an object in a namespace if it lives in one and names none."""
    inside = kind_of(obj).namespaced and not obj.metadata.namespace
    found: Object = evolve(obj, metadata=evolve(obj.metadata, namespace=namespace)) if inside else obj
    return found
