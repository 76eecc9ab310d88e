"""PUT and PATCH status: change an object if it is still what the client has read.

Upstream: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Update) and registry/rest/update.go (v1.32).
Left out on purpose: patch formats (clients send whole objects), managedFields. Objects without a resource version are
compared by value, so a change that was undone in the meantime is no conflict here; with versions it is.
"""

from __future__ import annotations

from ..api.kinds import Object, ref_of
from ..api.meta import Ref
from ..api.requests import Create as CreateRequest
from ..api.requests import PatchStatus as PatchStatusRequest
from ..api.requests import Response
from ..api.requests import Update as UpdateRequest
from .admission import admit_update
from .allocate import allocate
from .config import Config
from .create import Answer, Inputs, create
from .defaulting import default
from .status import conflict, invalid, not_found, uid_conflict
from .storage import Storage, Write, put, with_meta, without_version
from .strategy import CREATE_ON_UPDATE, only_scale, only_status, prepare_for_update
from .validation import validate_update


def update(storage: Storage, request: UpdateRequest, inputs: Inputs, config: Config) -> Answer:
    """Store the object as wanted: 404 when it is missing, 409 when it has changed since `base`, 422 when it is wrong."""
    ref = ref_of(request.object)
    stored = storage.get(ref)
    if stored is None:
        return _missing(storage, ref, request, inputs, config)
    if problem := _precondition(ref, stored, request):
        return problem, ()
    wanted = _wanted(request, stored)
    if wanted is None:
        return not_found(ref), ()
    return _store(storage, ref, stored, wanted, config, inputs.cluster_ip)


def patch_status(storage: Storage, request: PatchStatusRequest, inputs: Inputs, config: Config) -> Answer:
    """Replace the status and nothing else, whatever has changed meanwhile: 404 when missing, 409 on another uid."""
    ref = ref_of(request.object)
    stored = storage.get(ref)
    if stored is None:
        return not_found(ref), ()
    if request.uid and request.uid != stored.metadata.uid:
        return uid_conflict(ref, request.uid, stored.metadata.uid), ()
    wanted = only_status(request.object, stored)
    if wanted is None:
        return not_found(ref), ()
    return _store(storage, ref, stored, wanted, config, inputs.cluster_ip)


def _missing(storage: Storage, ref: Ref, request: UpdateRequest, inputs: Inputs, config: Config) -> Answer:
    """A uid says which object was meant, so its absence is a conflict; some kinds are created by a PUT instead."""
    if request.object.metadata.uid:
        return uid_conflict(ref, request.object.metadata.uid, ""), ()
    if ref.kind in CREATE_ON_UPDATE and not request.subresource:
        return create(storage, CreateRequest(request.object), inputs, config)
    return not_found(ref), ()


def _precondition(ref: Ref, stored: Object, request: UpdateRequest) -> Response | None:
    """Refuse a write to another object of the same name, or to one that has changed since it was read."""
    uid = request.object.metadata.uid
    if uid and uid != stored.metadata.uid:
        return uid_conflict(ref, uid, stored.metadata.uid)
    if request.base is not None and has_changed(stored, request.base):
        return conflict(ref)
    return None


def has_changed(stored: Object, base: Object) -> bool:
    """Tell whether the stored object is no longer the one that was read: by version where both have one, else by value."""
    if stored.metadata.resource_version and base.metadata.resource_version:
        return stored.metadata.resource_version != base.metadata.resource_version
    return without_version(stored) != without_version(base)


def _wanted(request: UpdateRequest, stored: Object) -> Object | None:
    """Give the whole object that is to be stored; None when the kind has no such subresource."""
    match request.subresource:
        case "":
            return prepare_for_update(default(_with_history(request.object, stored)), stored)
        case "status":
            return only_status(request.object, stored)
        case "scale":
            return only_scale(request.object, stored)
        case _:
            return None


def _with_history(new: Object, stored: Object) -> Object:
    """Keep what no client may rewrite: identity, birth, and a deletion once it has begun."""
    meta = stored.metadata
    return with_meta(
        new,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        creation_timestamp=meta.creation_timestamp,
        deletion_timestamp=meta.deletion_timestamp,
        deletion_grace_period_seconds=meta.deletion_grace_period_seconds,
    )


def _store(storage: Storage, ref: Ref, stored: Object, wanted: Object, config: Config, cluster_ip: str) -> Answer:
    """Admit, validate and write; nothing is written when nothing changes, and a terminating object's last finalizer ends it."""
    admitted = admit_update(storage, wanted, stored, config)
    if isinstance(admitted, Response):
        return admitted, ()
    if errors := validate_update(admitted, stored):
        return invalid(ref.kind, ref.name, errors), ()
    final = allocate(storage, admitted, config, cluster_ip)
    if isinstance(final, Response):
        return final, ()
    if final == stored:
        return Response(200, object=stored), ()
    if _finished_terminating(final):
        return Response(200, object=final), (Write(ref, None),)
    return Response(200, object=final), (put(final),)


def _finished_terminating(obj: Object) -> bool:
    """Tell whether nothing keeps a terminating object any longer: no finalizer and no grace left."""
    meta = obj.metadata
    return meta.terminating and not meta.finalizers and meta.deletion_grace_period_seconds == 0
