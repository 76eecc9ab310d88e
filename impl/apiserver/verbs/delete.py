"""DELETE: begin a deletion, shorten it, or finish it.

Upstream: staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go (BeforeDelete), registry/generic/registry/store.go
(Delete), pkg/registry/core/pod/strategy.go (CheckGracefulDelete) (v1.32).
Left out on purpose: only Pods have grace; dependents are the garbage collector's business.
"""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve
from immutabledict import immutabledict

from ...api.batch import Job
from ...api.core import Namespace, Pod
from ...api.kinds import Object, Unstructured, ref_of
from ...api.meta import Time
from ...api.requests import Delete as DeleteRequest
from ...api.requests import DeleteCollection, List, Page, Response
from ...api.values.frozen import freeze
from ..admission.admission import admit_delete
from ..custom.crd.strategy import deleted_definition
from ..status import conflict, invalid_options, is_another, not_found
from ..storage import Storage, Transaction, Write, put, with_meta
from ..validation.field_error import not_supported
from .create import Answer
from .read import list_

T = TypeVar("T", bound=Object)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
GONE = 404
POLICIES = ("Foreground", "Background", "Orphan", "nil")


def delete(storage: Storage, request: DeleteRequest, now: Time) -> Answer:
    """Delete one object: 404 when it is missing, 409 on another uid, 422 on a policy that does not exist."""
    if request.propagation_policy not in {"", *POLICIES[:3]}:
        error = not_supported("propagationPolicy", request.propagation_policy, POLICIES)
        return invalid_options(error), ()
    if refusal := admit_delete(request.ref):
        return refusal, ()
    stored = storage.get(request.ref)
    if stored is None:
        return not_found(request.ref), ()
    if refused := _is_another(stored, request):
        return refused, ()
    if isinstance(stored, Pod):
        return _delete_pod(stored, request, now)
    if isinstance(stored, Namespace) and _held_by_content(stored):
        return _delete_namespace(stored, request, now)
    if isinstance(stored, Unstructured) and request.ref.kind == "CustomResourceDefinition":
        marked = stored if stored.metadata.terminating else deleted_definition(stored, now)
        return Response(200, object=marked), () if marked == stored else (put(marked),)
    return _delete_other(stored, request, now)


def _is_another(stored: Object, request: DeleteRequest) -> Response | None:
    """Refuse an object that is not the one that was meant (409); a namespace says so in words of its own."""
    ref, meta = request.ref, stored.metadata
    version = request.version if meta.resource_version else ""
    for what, wanted, found in (("UID", request.uid, meta.uid), ("ResourceVersion", version, meta.resource_version)):
        if wanted and wanted != found:
            plain = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            return conflict(ref, plain) if ref.kind == "Namespace" else is_another(ref, what, wanted, found)
    return None


def delete_collection(storage: Storage, request: DeleteCollection, now: Time) -> Answer:
    """Delete every object of a selection, each for itself; the first refusal ends it, what is deleted stays so."""
    found = list_(storage, List(request.of))[0].page or Page(())
    transaction: Transaction = ()
    for obj in found.objects:
        asked = DeleteRequest(ref_of(obj), request.grace_period_seconds, propagation_policy=request.propagation_policy)
        answer, writes = delete(storage, asked, now)
        transaction += writes
        if not answer.ok and answer.code != GONE:
            return answer, transaction
    return Response(200, page=found), transaction


def _delete_pod(stored: Pod, request: DeleteRequest, now: Time) -> Answer:
    """Set or shorten the grace period; a Pod without grace and finalizers goes: one write says so, one removes it."""
    marked = _terminating(stored, request.grace_period_seconds, now)
    if marked is None:
        return Response(200, object=stored), ()
    marked = _with_finalizers(marked, request.propagation_policy)
    write = () if marked == stored else (put(marked),)
    if marked.metadata.finalizers or marked.metadata.deletion_grace_period_seconds:
        return Response(200, object=marked), write
    return Response(200, object=marked), (*write, Write(request.ref, None))


def _terminating(pod: Pod, asked: int | None, now: Time) -> Pod | None:
    """Return the Pod with its deletion begun or brought forward; None when a deletion goes on as it is."""
    meta = pod.metadata
    if meta.deletion_timestamp is None:
        grace = grace_period(pod, asked)
        generation = meta.generation + 1 if meta.generation else 0
        begun = evolve(meta, deletion_timestamp=now + grace, deletion_grace_period_seconds=grace, generation=generation)
        return evolve(pod, metadata=begun)
    left = meta.deletion_grace_period_seconds
    if left is None:
        return pod
    shorter = None if asked is None else (1 if asked < 0 else asked)
    if shorter is None or shorter >= left:
        return None
    earlier = meta.deletion_timestamp - left + shorter
    return evolve(pod, metadata=evolve(meta, deletion_timestamp=earlier, deletion_grace_period_seconds=shorter))


def grace_period(pod: Pod, asked: int | None) -> int:
    """Return the seconds a Pod gets: what is asked, else what its spec says; none if it never ran or has finished."""
    if not pod.spec.node_name or pod.finished:
        return 0
    period = asked if asked is not None else pod.spec.termination_grace_period_seconds or 0
    return 1 if period < 0 else period


def _delete_other(stored: Object, request: DeleteRequest, now: Time) -> Answer:
    """Remove an object at once, or mark it as terminating while finalizers hold it."""
    held = _with_finalizers(stored, request.propagation_policy or _default_policy(stored))
    if not held.metadata.finalizers:
        return Response(200), (Write(request.ref, None),)
    marked = _marked(held, now)
    return Response(200, object=marked), () if marked == stored else (put(marked),)


def _default_policy(stored: Object) -> str:
    """Return what becomes of dependents where nothing is said: those of a Job are orphaned, as ever.

    Upstream: pkg/registry/batch/job/strategy.go (DefaultGarbageCollectionPolicy), rest.GarbageCollectionDeleteStrategy;
    a finalizer that says otherwise counts.
    """
    said = {FOREGROUND, ORPHAN} & set(stored.metadata.finalizers)
    return "Orphan" if isinstance(stored, Job) and not said else ""


def _marked(obj: Object, now: Time) -> Object:
    """Return the object as terminating without grace; its generation counts up the first time."""
    meta = obj.metadata
    begun = meta.deletion_timestamp
    generation = meta.generation + 1 if begun is None and meta.generation else meta.generation
    since = now if begun is None or begun > now else begun
    return with_meta(obj, deletion_timestamp=since, deletion_grace_period_seconds=0, generation=generation)


def _with_finalizers(obj: T, policy: str) -> T:
    """Add or drop the garbage collector's two finalizers as the policy says; without a policy they stay as they are."""
    meta = obj.metadata
    if not policy:
        return obj
    others = tuple(finalizer for finalizer in meta.finalizers if finalizer not in {FOREGROUND, ORPHAN})
    finalizers = others + {"Foreground": (FOREGROUND,), "Orphan": (ORPHAN,), "Background": ()}[policy]
    if set(finalizers) == set(meta.finalizers):
        return obj
    return evolve(obj, metadata=evolve(meta, finalizers=finalizers))


def _held_by_content(namespace: Namespace) -> bool:
    return bool((namespace.extra.get("spec") or {}).get("finalizers"))


def _delete_namespace(stored: Namespace, request: DeleteRequest, now: Time) -> Answer:
    """Mark a namespace as terminating; the namespace controller empties it. A second delete changes nothing.

    Up to some release before 1.36 a second delete was a conflict.
    """
    if stored.metadata.terminating:
        return Response(200, object=stored), ()
    status = freeze({**(stored.extra.get("status") or {}), "phase": "Terminating"})
    marked = with_meta(evolve(stored, extra=immutabledict({**stored.extra, "status": status})), deletion_timestamp=now)
    marked = _with_finalizers(marked, request.propagation_policy)
    return Response(200, object=marked), (put(marked),)
