"""GET of an object by a controller that is about to act for it: whether it is still there, and not being deleted.

Upstream: RecheckDeletionTimestamp in pkg/controller/controller_ref_manager.go (v1.32), and the getters that the
Deployment, ReplicaSet and StatefulSet controllers give it, which compare uids. What the controller makes of the answer
is said here as a refusal, for it ends the sync just as one does.
"""

from __future__ import annotations

from ...api.requests import Recheck, Response
from ..status import conflict, not_found, uid_conflict
from ..storage import Storage


def recheck(storage: Storage, request: Recheck) -> Response:
    """Answer with the object: 404 if it is missing, 409 if it is another one of its name, or is being deleted."""
    stored = storage.get(request.ref)
    if stored is None:
        return not_found(request.ref)
    if stored.metadata.uid != request.uid:
        return uid_conflict(request.ref, request.uid, stored.metadata.uid)
    if stored.metadata.terminating:
        return conflict(request.ref, "it has just been deleted")
    return Response(200, object=stored)
