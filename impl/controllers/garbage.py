"""The garbage collector: dependents follow their owners.

Upstream: pkg/controller/garbagecollector/garbagecollector.go (v1.32), attemptToDeleteItem and the two finalizers.
An object whose owners are all gone is deleted; references to owners that are gone are dropped while one is left. An
owner deleted in the foreground waits for its blocking dependents, one deleted with orphaning frees them first.
Upstream asks the API server for an object and its owners before it acts: `live` is what it would answer, the cache only
shows dependents. An owner is known by its uid: a new object of the same name is another one.
An owner of a kind without a class here is present unless it is said to be absent.
Left out on purpose: virtual nodes of the graph.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ..api.cache import Cache
from ..api.kinds import BY_NAME, Object, ref_of
from ..api.meta import OwnerReference, Ref
from ..api.requests import Delete, PatchMetadata, Request
from ..api.values.frozen import EMPTY
from .common import Keep, Transform, slim_metadata, with_only

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


def reads(_key: Ref) -> tuple[str, ...]:
    """Name the kinds that a sync looks at: any may own any."""
    return tuple(sorted(kind for kind in BY_NAME if kind not in {"Binding", "Event", "Eviction"}))


def reconcile(
    cache: Cache, key: Ref, *, live: Cache | None = None, absent: frozenset[str] = frozenset()
) -> tuple[Request, ...]:
    """Return the requests of one look at an object; `live` None means the cache is up to date.

    `absent` are the uids of owners without a class here that do not exist.
    """
    answers = cache if live is None else live
    obj = answers.objects.get(key)
    if obj is None:
        return ()
    if obj.metadata.terminating:
        return _finish(cache, obj)
    owners = obj.metadata.owner_references
    gone = tuple(owner for owner in owners if not _present(answers, owner, key.namespace, absent))
    waiting = tuple(owner for owner in owners if owner not in gone and _waits(answers, owner, key.namespace))
    solid = len(owners) - len(gone) - len(waiting)
    if solid and (gone or waiting):
        uids = tuple(owner.uid for owner in (*gone, *waiting))
        return (PatchMetadata(key, obj.metadata.uid, remove_owners=uids),)
    if solid or not owners:
        return ()
    # Its own dependents must go first if somebody waits for it and it, in turn, has any.
    foreground = waiting and _dependents(cache, obj)
    return (Delete(key, uid=obj.metadata.uid, propagation_policy="Foreground" if foreground else "Background"),)


def _owner(answers: Cache, owner: OwnerReference, namespace: str) -> Object | None:
    place = namespace if owner.kind not in BY_NAME or BY_NAME[owner.kind].namespaced else ""
    found = answers.objects.get(Ref(owner.kind, place, owner.name))
    return found if found is not None and found.metadata.uid == owner.uid else None


def _present(answers: Cache, owner: OwnerReference, namespace: str, absent: frozenset[str]) -> bool:
    if not is_modelled(owner):
        return owner.uid not in absent
    return _owner(answers, owner, namespace) is not None


def is_modelled(owner: OwnerReference) -> bool:
    """Tell whether an owner is of a kind with a class here; others may be called like one (Knative's Service)."""
    kind = BY_NAME.get(owner.kind)
    return kind is not None and owner.api_version.rpartition("/")[0] in {kind.group, ""}


def _waits(answers: Cache, owner: OwnerReference, namespace: str) -> bool:
    """Tell whether an owner is being deleted in the foreground, and so waits for its dependents."""
    found = _owner(answers, owner, namespace)
    return found is not None and found.metadata.terminating and FOREGROUND in found.metadata.finalizers


def _finish(cache: Cache, obj: Object) -> tuple[Request, ...]:
    """Free the dependents of an object that is orphaned, or wait for those that block; then let it go."""
    key, uid = ref_of(obj), obj.metadata.uid
    dependents = _dependents(cache, obj)
    if ORPHAN in obj.metadata.finalizers:
        freed = tuple(
            PatchMetadata(ref_of(dependent), dependent.metadata.uid, remove_owners=(uid,)) for dependent in dependents
        )
        return (*freed, PatchMetadata(key, uid, remove_finalizers=(ORPHAN,)))
    if FOREGROUND in obj.metadata.finalizers and not any(_blocks(dependent, uid) for dependent in dependents):
        return (PatchMetadata(key, uid, remove_finalizers=(FOREGROUND,)),)
    return ()


def _dependents(cache: Cache, obj: Object) -> tuple[Object, ...]:
    uid = obj.metadata.uid
    return tuple(
        dependent
        for dependent in cache.objects.values()
        if any(owner.uid == uid for owner in dependent.metadata.owner_references)
    )


def _blocks(dependent: Object, uid: str) -> bool:
    return any(owner.uid == uid and owner.block_owner_deletion for owner in dependent.metadata.owner_references)


def _slim(obj: Object) -> Object | None:
    """Keep who it is, whose it is, and how it is being deleted."""
    meta = obj.metadata
    kept = evolve(
        slim_metadata(meta, Keep()),
        finalizers=tuple(finalizer for finalizer in meta.finalizers if finalizer in {FOREGROUND, ORPHAN}),
        owner_references=tuple(evolve(owner, extra=EMPTY) for owner in meta.owner_references),
    )
    return with_only(obj, kept)


OF_OTHERS = _slim
"""What is kept of kinds without a class."""
TRANSFORM: Transform = immutabledict(dict.fromkeys(reads(Ref("", "", "")), _slim))
