"""The garbage collector: what is deleted because its owners are gone, and what owners that go wait for."""

from __future__ import annotations

from collections.abc import Iterator

from ....impl.api.cache import Cache
from ....impl.api.kinds import Object
from ....impl.api.meta import OwnerReference, Ref
from ....impl.api.requests import Delete, PatchMetadata, Request
from ....impl.controllers import garbage
from ..history import OWNED, Change
from .writer import Seen, Writer, asks_to_delete, begins_to_go, in_the_foreground, stays

HOLDS = (garbage.FOREGROUND, garbage.ORPHAN)


def _syncs(seen: Seen, key: Ref) -> Iterator[Request]:
    obj = seen.cache.objects.get(key)
    if obj is None or not (obj.metadata.terminating or obj.metadata.owner_references):
        return
    absent = frozenset(owner.uid for owner in obj.metadata.owner_references if not _is_there(seen.cache, key, owner))
    yield from garbage.reconcile(seen.cache, key, absent=absent)


def _is_there(cache: Cache, key: Ref, owner: OwnerReference) -> bool:
    found = cache.objects.get(Ref(owner.kind, key.namespace, owner.name))
    return found is not None and found.metadata.uid == owner.uid


def _must(seen: Seen, key: Ref) -> Iterator[Request]:
    """Yield what is left to do, but for objects whose owners may only not be recorded."""
    known = {ref.kind for ref in seen.cache.objects}
    obj = seen.cache.objects.get(key)
    if obj is not None and all(owner.kind in known for owner in obj.metadata.owner_references):
        yield from _syncs(seen, key)


def _writes(change: Change, cache: Cache) -> bool:
    """Tell whether owners were let go of, or what waited for them, or somebody went whose owners are gone or going."""
    old, new = change.before, change.after
    if old is None or not change.who:
        return False
    if begins_to_go(change):
        owners = old.metadata.owner_references
        return bool(owners) and not any(stays(cache, owner.uid) for owner in owners)
    if new is None:
        return garbage.FOREGROUND in old.metadata.finalizers
    fewer = len(new.metadata.owner_references) < len(old.metadata.owner_references)
    gone = [owner for owner in old.metadata.owner_references if not stays(cache, owner.uid)]
    return (fewer and bool(gone)) or _held(old) > _held(new)


def _held(obj: Object) -> frozenset[str]:
    return frozenset(obj.metadata.finalizers) & frozenset(HOLDS)


def _explains(request: Request, change: Change) -> bool:
    old, new = change.before, change.after
    if begins_to_go(change):
        policy = request.propagation_policy if isinstance(request, Delete) else ""
        return asks_to_delete(request, change) and in_the_foreground(change) == (policy == "Foreground")
    if not isinstance(request, PatchMetadata) or request.ref != change.ref or old is None:
        return False
    left = frozenset() if new is None else _held(new)
    owners = () if new is None else new.metadata.owner_references
    freed = tuple(owner for owner in old.metadata.owner_references if owner.uid not in request.remove_owners)
    return _held(old) - frozenset(request.remove_finalizers) == left and (new is None or freed == owners)


KINDS = frozenset(garbage.reads(Ref("", "", ""))) | OWNED
GARBAGE = Writer(
    "generic-garbage-collector",
    KINDS,
    KINDS,
    garbage.TRANSFORM.update(dict.fromkeys(OWNED, garbage.OF_OTHERS)),
    _syncs,
    _must,
    _writes,
    _explains,
)
