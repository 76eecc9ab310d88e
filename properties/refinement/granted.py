"""A store that grants what controllers ask: enough of an API server to follow a refinement step by step.

Left out on purpose: admission, validation, defaults, grace periods. A conflict, a name that is taken or a missing
object refuse a request; what is deleted becomes terminating if it is a Pod with a node or has finalizers, and is gone
at once otherwise.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ...impl.api.cache import Cache
from ...impl.api.core import Pod, PodStatus
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import ObjectMeta
from ...impl.api.requests import Create, Delete, PatchMetadata, Recheck, Request, Update


def with_object(store: Cache, obj: Object) -> Cache:
    """Put an object in, or put it anew."""
    return Cache.of((*store.objects.values(), obj))


def without_object(store: Cache, obj: Object) -> Cache:
    """Take an object out."""
    return Cache.of(kept for ref, kept in store.objects.items() if ref != ref_of(obj))


def granted(store: Cache, request: Request, suffix: str) -> Cache | None:
    """Return the store after one request; None if it is refused. `suffix` completes a generated name."""
    match request:
        case Create(obj):
            return _created(store, obj, suffix)
        case Update(obj, base, subresource):
            return _updated(store, obj, base, subresource)
        case Delete():
            return _deleted(store, request)
        case PatchMetadata():
            return _patched(store, request)
        case Recheck(ref, uid):
            return store if (one := store.objects.get(ref)) and one.metadata.uid == uid else None
    raise TypeError(f"no controller asks for {type(request).__name__}")


def all_granted(store: Cache, requests: tuple[Request, ...], suffix: str) -> Cache:
    """Return the store after the requests of one turn; the first that is refused ends it."""
    for number, request in enumerate(requests):
        after = granted(store, request, f"{suffix}{number}")
        if after is None:
            return store
        store = after
    return store


def _with_metadata(obj: Any, metadata: ObjectMeta) -> Any:
    return evolve(obj, metadata=metadata)


def _created(store: Cache, obj: Object, suffix: str) -> Cache | None:
    name = obj.metadata.name or f"{obj.metadata.generate_name}{suffix}"
    named = _with_metadata(obj, evolve(obj.metadata, name=name, generate_name="", generation=1))
    if isinstance(named, Pod):
        named = evolve(named, status=PodStatus("Pending"))
    ref = ref_of(named)
    if ref in store.objects:
        return None
    uid = f"{ref.kind}/{ref.namespace}/{ref.name}"
    return with_object(store, _with_metadata(named, evolve(named.metadata, uid=uid)))


def _updated(store: Cache, obj: Any, base: Object | None, subresource: str) -> Cache | None:
    stored: Any = store.objects.get(ref_of(obj))
    if stored is None or (base is not None and stored != base):
        return None
    if subresource == "status":
        metadata = evolve(stored.metadata, annotations=obj.metadata.annotations)
        return with_object(store, evolve(stored, metadata=metadata, status=obj.status))
    metadata = obj.metadata
    if metadata.terminating and stored.metadata.finalizers and not metadata.finalizers and not isinstance(obj, Pod):
        return without_object(store, stored)
    changed = getattr(obj, "spec", None) != getattr(stored, "spec", None)
    generation = stored.metadata.generation + changed
    return with_object(store, _with_metadata(obj, evolve(obj.metadata, generation=generation)))


def _deleted(store: Cache, request: Delete) -> Cache | None:
    stored = store.objects.get(request.ref)
    if stored is None or (request.uid and request.uid != stored.metadata.uid):
        return None
    held = isinstance(stored, Pod) and stored.spec.node_name and request.grace_period_seconds != 0
    if held or stored.metadata.finalizers:
        return with_object(store, _with_metadata(stored, evolve(stored.metadata, deletion_timestamp=0)))
    return without_object(store, stored)


def _patched(store: Cache, request: PatchMetadata) -> Cache | None:
    stored = store.objects.get(request.ref)
    if stored is None or (request.uid and request.uid != stored.metadata.uid):
        return None
    added = () if request.add_owner is None else (request.add_owner,)
    replaced = {*request.remove_owners, *(owner.uid for owner in added)}
    owners = (*(reference for reference in stored.metadata.owner_references if reference.uid not in replaced), *added)
    finalizers = tuple(
        finalizer
        for finalizer in dict.fromkeys((*stored.metadata.finalizers, *request.add_finalizers))
        if finalizer not in request.remove_finalizers
    )
    metadata = evolve(stored.metadata, owner_references=owners, finalizers=finalizers)
    runs = isinstance(stored, Pod) and stored.spec.node_name and not stored.finished
    if metadata.terminating and stored.metadata.finalizers and not finalizers and not runs:
        return without_object(store, stored)
    return with_object(store, _with_metadata(stored, metadata))
