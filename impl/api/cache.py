"""An informer cache: the objects a component has seen, as it saw them.

Upstream: staging/src/k8s.io/client-go/tools/cache (v1.32): listers over an indexed store. A component decides on one of
these and on nothing else; how old it is, is the world's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard, TypeVar

from attrs import frozen
from immutabledict import immutabledict

from .kinds import Object, ref_of
from .meta import Ref

T = TypeVar("T", bound=Object)


@frozen
class Cache:
    """Objects by reference, iterated in the order of their references."""

    objects: immutabledict[Ref, Object] = immutabledict()

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Cache:
        """Key each object by its reference; a later one of the same name wins."""
        named = {ref_of(obj): obj for obj in objects}
        return cls(immutabledict((ref, named[ref]) for ref in sorted(named)))

    def list(self, cls: type[T], namespace: str | None = None) -> tuple[T, ...]:
        """List the objects of a class, in one namespace or in all, by namespace and name."""
        return tuple(
            obj
            for obj in self.objects.values()
            if _is(obj, cls) and (namespace is None or obj.metadata.namespace == namespace)
        )

    def get(self, cls: type[T], ref: Ref) -> T | None:
        """Look one object up."""
        found = self.objects.get(ref)
        return found if isinstance(found, cls) else None


def _is(obj: Object, cls: type[T]) -> TypeGuard[T]:
    """Tell whether an object is of this class, and not of a kind that is kept as one: ReplicationControllers are."""
    return isinstance(obj, cls) and type(obj).__name__ == cls.__name__
