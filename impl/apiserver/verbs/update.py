"""PUT, PATCH status and PATCH metadata: change an object if it is still what the client has read.

Upstream: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go (Update), registry/rest/update.go (v1.32).
Left out on purpose: patch formats (clients send whole objects), managedFields. Objects without a resource version are
compared by value, so a change that was undone in the meantime is no conflict here; with versions it is.
"""

from __future__ import annotations

from attrs import evolve
from immutabledict import immutabledict

from ...api.apps import Sized
from ...api.core import Namespace, Pod
from ...api.kinds import Object, Unstructured, ref_of
from ...api.meta import Ref
from ...api.requests import Create as CreateRequest
from ...api.requests import PatchMetadata as PatchMetadataRequest
from ...api.requests import PatchStatus as PatchStatusRequest
from ...api.requests import Response
from ...api.requests import Update as UpdateRequest
from ...api.values.frozen import freeze
from ..admission.admission import admit_update, admit_valid_update
from ..admission.quota import charge
from ..admission.webhooks import unanswered
from ..config import Config
from ..custom.check import against_schema, status_against_schema
from ..defaulting.allocate import allocate
from ..defaulting.defaulting import default
from ..status import conflict, invalid, not_found, storage_conflict, uid_conflict
from ..storage import Storage, Write, put, with_meta, without_version
from ..strategy import CREATE_ON_UPDATE, only_ephemeral, only_scale, only_status, prepare_for_update, with_name_label
from ..validation.meta import not_negative, validate_meta
from ..validation.names import finalizer_errors
from ..validation.validation import validate_update
from .binding import with_condition
from .create import Answer, Inputs, create


def update(storage: Storage, request: UpdateRequest, inputs: Inputs, config: Config) -> Answer:
    """Store the object as wanted: 404 if it is missing, 409 if it has changed since `base`, 422 if it is wrong."""
    ref = ref_of(request.object)
    stored = storage.get(ref)
    if stored is None:
        return _missing(storage, ref, request, inputs, config)
    if problem := _precondition(ref, stored, request):
        return problem, ()
    match request.subresource:
        case "":
            return _whole(storage, request.object, stored, inputs, config)
        case "status":
            return _with_status(ref, stored, only_status(request.object, stored))
        case "scale":
            return _scaled(ref, stored, only_scale(request.object, stored))
        case "finalize":
            return _finalized(ref, stored, request.object)
        case "ephemeralcontainers":
            return _write(ref, stored, only_ephemeral(request.object, stored))
        case _:
            return not_found(ref), ()


def patch_status(storage: Storage, request: PatchStatusRequest) -> Answer:
    """Replace the status, or what a merge gives of it, whatever has changed: 404 when missing, 409 on another uid."""
    ref = ref_of(request.object)
    stored = storage.get(ref)
    if stored is None:
        return not_found(ref), ()
    if request.uid and request.uid != stored.metadata.uid:
        return uid_conflict(ref, request.uid, stored.metadata.uid), ()
    wanted = only_status(request.object, stored)
    return _with_status(ref, stored, _laid_over(stored, request.object) if request.merge else wanted)


def _laid_over(stored: Object, wanted: Object) -> Object:
    """Return a Pod with the phase and the conditions that are wanted, and all else of its status as it is."""
    if not isinstance(stored, Pod) or not isinstance(wanted, Pod):
        return wanted
    status = stored.status
    for condition in wanted.status.conditions:
        status = with_condition(status, condition, condition.last_transition_time or 0)
    return evolve(stored, status=evolve(status, phase=wanted.status.phase or status.phase))


def patch_metadata(storage: Storage, request: PatchMetadataRequest) -> Answer:
    """Add and take away owners, take away finalizers, whatever has changed: 404 if missing, 409 on another uid."""
    ref = request.ref
    stored = storage.get(ref)
    if stored is None:
        return not_found(ref), ()
    if request.uid and request.uid != stored.metadata.uid:
        return uid_conflict(ref, request.uid, stored.metadata.uid), ()
    wanted = _patched(stored, request)
    if errors := validate_meta(wanted):
        return invalid(ref.kind, ref.name, tuple(errors)), ()
    return _write(ref, stored, wanted)


def _patched(stored: Object, request: PatchMetadataRequest) -> Object:
    """Merge by uid and by name, as a strategic merge patch does: a known owner keeps its place."""
    meta, added = stored.metadata, request.add_owner
    owners = tuple(added if added and reference.uid == added.uid else reference for reference in meta.owner_references)
    if added and added not in owners:
        owners = (*owners, added)
    new = (finalizer for finalizer in request.add_finalizers if finalizer not in meta.finalizers)
    return with_meta(
        stored,
        owner_references=tuple(owner for owner in owners if owner.uid not in request.remove_owners),
        finalizers=tuple(
            finalizer for finalizer in (*meta.finalizers, *new) if finalizer not in request.remove_finalizers
        ),
    )


def _missing(storage: Storage, ref: Ref, request: UpdateRequest, inputs: Inputs, config: Config) -> Answer:
    """Answer a PUT of what is not there: a conflict if it names a uid, a creation for some kinds, else not found."""
    if request.object.metadata.uid:
        return uid_conflict(ref, request.object.metadata.uid, ""), ()
    if ref.kind in CREATE_ON_UPDATE and not request.subresource:
        return create(storage, CreateRequest(request.object), inputs, config)
    return not_found(ref), ()


def _precondition(ref: Ref, stored: Object, request: UpdateRequest) -> Response | None:
    """Refuse a write to another object of the same name, or to one that has changed since it was read."""
    uid = request.object.metadata.uid
    if uid and uid != stored.metadata.uid:
        return storage_conflict(ref, uid, stored.metadata.uid)
    if request.base is not None and has_changed(stored, request.base):
        return conflict(ref)
    return None


def has_changed(stored: Object, base: Object) -> bool:
    """Tell whether the stored object is not the one that was read: by version where both have one, else by value."""
    if stored.metadata.resource_version and base.metadata.resource_version:
        return stored.metadata.resource_version != base.metadata.resource_version
    return without_version(stored) != without_version(base)


def _whole(storage: Storage, new: Object, stored: Object, inputs: Inputs, config: Config) -> Answer:
    """Default, admit and validate a whole object; what is stored counts as defaulted, too, as it is when it is read."""
    ref, old = ref_of(stored), default(stored)
    wanted = admit_update(prepare_for_update(default(with_name_label(_with_history(new, stored))), old), config)
    if config.webhooks and (refusal := unanswered(storage, wanted, "UPDATE", config)):
        return refusal, ()
    if errors := validate_update(wanted, old, config.release):
        return invalid(ref.kind, ref.name, errors), ()
    if refusal := admit_valid_update(storage, wanted, old, config):
        return refusal, ()
    refusal, counted = charge(storage, wanted, old, config, inputs.now)
    if refusal is not None:
        return refusal, ()
    final = allocate(storage, wanted, config, inputs.cluster_ip)
    if isinstance(final, Response):
        return final, ()
    response, written = _write(ref, stored, final)
    return response, (*counted, *written)


def _with_history(new: Object, stored: Object) -> Object:
    """Keep what no client may rewrite: identity, birth, and a deletion once it has begun."""
    meta = stored.metadata
    managers = meta.extra.get("managedFields")
    extra = new.metadata.extra
    if managers and not extra.get("managedFields"):
        extra = immutabledict({**extra, "managedFields": managers})
    return with_meta(
        new,
        extra=extra,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        creation_timestamp=meta.creation_timestamp,
        deletion_timestamp=meta.deletion_timestamp,
        deletion_grace_period_seconds=meta.deletion_grace_period_seconds,
    )


def _scaled(ref: Ref, stored: Object, wanted: Object | None) -> Answer:
    """Write another number of replicas, if it is one."""
    counted = not_negative("spec.replicas", wanted.spec.replicas) if isinstance(wanted, Sized) else ()
    if errors := (*counted, *(() if wanted is None else against_schema(wanted, stored))):
        return invalid(ref.kind, ref.name, errors), ()
    return _write(ref, stored, wanted)


def _with_status(ref: Ref, stored: Object, wanted: Object | None) -> Answer:
    """Write another status; only custom kinds have rules of it."""
    if wanted is not None and (errors := status_against_schema(wanted, stored)):
        return invalid(ref.kind, ref.name, errors), ()
    return _write(ref, stored, wanted)


def _finalized(ref: Ref, stored: Object, wanted: Object) -> Answer:
    """Write the finalizers in the spec of a namespace, and nothing else; without any a terminating one is gone.

    Upstream: pkg/registry/core/namespace/storage/storage.go (FinalizeREST).
    """
    if not isinstance(stored, Namespace) or not isinstance(wanted, Namespace):
        return not_found(ref), ()
    held = tuple((wanted.extra.get("spec") or {}).get("finalizers") or ())
    wrong = [
        error for at, finalizer in enumerate(held) for error in finalizer_errors(f"spec.finalizers[{at}]", finalizer)
    ]
    if wrong:
        return invalid(ref.kind, ref.name, tuple(wrong)), ()
    spec = freeze({**(stored.extra.get("spec") or {}), "finalizers": held})
    final = evolve(stored, extra=immutabledict({**stored.extra, "spec": spec}))
    if stored.metadata.terminating and not held and not stored.metadata.finalizers:
        return Response(200, object=final), (Write(ref, None),)
    return Response(200, object=final), () if final == stored else (put(final),)


def _write(ref: Ref, stored: Object, final: Object | None) -> Answer:
    """Write what is wanted, nothing if nothing changes; a terminating object's last finalizer takes it away.

    None is what a kind without that subresource wants: 404.
    """
    if final is None:
        return not_found(ref), ()
    if final == stored:
        return Response(200, object=stored), ()
    return Response(200, object=final), (Write(ref, None) if _ended(final) else put(final),)


def _ended(obj: Object) -> bool:
    """Tell whether nothing keeps a terminating object any longer: no finalizer and no grace left.

    A definition of custom resources has no grace from the beginning.
    """
    meta = obj.metadata
    none = (None, 0) if isinstance(obj, Unstructured) else (0,)
    return meta.terminating and not meta.finalizers and meta.deletion_grace_period_seconds in none
