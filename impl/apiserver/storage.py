"""What the API server reads from and what it asks to be written: it never holds an object itself.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go (v1.32).
Left out on purpose: paging, resource-version semantics of lists, the watch cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from .resources import kind_named

T = TypeVar("T", bound=Object)


class Storage(Protocol):
    """Read access to the committed objects. The caller may record every read."""

    def get(self, ref: Ref) -> Object | None:
        """Return one object, None where there is none."""

    def list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """Return the objects of a kind, in one namespace or in all (None), by namespace and name."""


@frozen
class Write:
    """One committed change: the object as it is from now on, None when it is gone."""

    ref: Ref
    object: Object | None


Transaction = tuple[Write, ...]
"""Writes in the order committed; one request is one transaction. Each write is one event of a watch."""


@frozen
class Objects:
    """The plainest storage: a frozen map. For tests, and for whoever keeps a store as one value."""

    objects: immutabledict[Ref, Object] = field(factory=immutabledict)

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Objects:
        """Key each object by its reference; a later one of the same name wins."""
        return cls(immutabledict((ref_of(obj), obj) for obj in objects))

    def get(self, ref: Ref) -> Object | None:
        """Return one object, None where there is none."""
        return self.objects.get(ref)

    def list(self, kind: str, namespace: str | None) -> tuple[Object, ...]:
        """Return the objects of a kind, in one namespace or in all (None), by namespace and name."""
        return tuple(
            self.objects[ref]
            for ref in sorted(
                ref for ref in self.objects if ref.kind == kind and (namespace is None or ref.namespace == namespace)
            )
        )

    def commit(self, transaction: Transaction) -> Objects:
        """Return the storage after the writes, in their order."""
        objects = self.objects
        for write in transaction:
            if write.object is None:
                objects = objects.delete(write.ref) if write.ref in objects else objects
            else:
                objects = objects.set(write.ref, write.object)
        return Objects(objects)


def put(obj: Object) -> Write:
    """Write an object where its name says."""
    return Write(ref_of(obj), obj)


def with_meta(obj: T, **changes: Any) -> T:
    """Return the object with some fields of its metadata changed."""
    return evolve(obj, metadata=evolve(obj.metadata, **changes))


def without_version(obj: Object) -> Object:
    """Return the object as it compares: etcd stores no resource version inside the value."""
    return with_meta(obj, resource_version="") if obj.metadata.resource_version else obj


def resource_of(kind: str) -> str:
    """Return a kind's resource and group as messages have it: `pods`, `deployments.apps`."""
    found = kind_named(kind)
    return f"{found.plural}.{found.group}" if found.group else found.plural


def group_kind(kind: str) -> str:
    """Return a kind and its group as validation messages have it: `Pod`, `Deployment.apps`."""
    found = kind_named(kind)
    return f"{found.name}.{found.group}" if found.group else found.name
