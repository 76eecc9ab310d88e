"""The API server of a world: the pure one, in front of a store in which equal clusters are equal."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from immutabledict import immutabledict

from ...impl.api.apps import Deployment, ReplicaSet
from ...impl.api.core import Pod
from ...impl.api.kinds import Object, Unstructured, kind_of, ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Create, PatchStatus, Request, Response, Update
from ...impl.api.storage import PersistentVolumeClaim
from ...impl.api.values.frozen import as_map, freeze
from ...impl.apiserver.access.authentication import ADMIN, SCHEDULER, User, controller, node_user
from ...impl.apiserver.config import DEFAULT, Config
from ...impl.apiserver.handler import handle
from ...impl.apiserver.storage import with_meta
from ...impl.apiserver.verbs.create import uid_of
from ...model.world.store import Stored
from ...model.world.world import Who, Writes
from ..own import processes as own_processes
from . import scheduling
from .controllers import (
    descheduler,
    workloads,
)


def user_named(name: Who) -> User:
    """Return the user a component of a world acts as."""
    if name in {"admin", descheduler.USER} or (isinstance(name, str) and name.startswith(own_processes.USER)):
        return ADMIN  # What a descheduler, or a user's own, may do, its manifests say; nobody takes that away here.
    if name == scheduling.USER:
        return SCHEDULER
    return node_user(name.name) if isinstance(name, Ref) else controller(name)


def serve(
    status: bool,  # noqa: FBT001 - bound by partial
    stored: Stored,
    user: Who,
    request: Request,
    suffix: str,
    config: Config = DEFAULT,
    own: frozenset[str] = frozenset(),
) -> tuple[Response, Writes]:
    """Let the pure API server handle a request on a world's store; `own` are the kinds users' controllers act on."""
    if not status and isinstance(request, Update) and isinstance(request.object, Deployment):
        base = None if request.base is None else workloads.as_kept(request.base)
        request = evolve(request, object=workloads.as_kept(request.object), base=base)
    if user == scheduling.USER and isinstance(request, PatchStatus):
        request = scheduling.merged(stored, request)
    uid, now = _uid_for(stored, request, own), _born(stored, request)
    response, transaction = handle(
        stored, request, user=user_named(user), now=now, suffix=suffix, uid=uid, config=config
    )
    return response, tuple((write.ref, canonical(write.object)) for write in transaction)


LAST_BORN = 9
"""Ages of ReplicaSets beyond so many are not told apart, or a Deployment that goes round would never be as it was."""


def _born(stored: Stored, request: Request) -> int:
    """Return when an object is made: a ReplicaSet after the others of its Deployment, all else at one time.

    A Deployment takes from its oldest ReplicaSets first (ReplicaSetsByCreationTimestamp in
    pkg/controller/controller_utils.go, v1.32). Two that are made within one second are not looked at.
    """
    made = request.object if isinstance(request, Create) else None
    owner = made.metadata.controller if isinstance(made, ReplicaSet) else None
    if made is None or owner is None:
        return 0
    others = (other.metadata for other in stored.list("ReplicaSet", made.metadata.namespace))
    ages = (
        1 + (meta.creation_timestamp or 0) for meta in others if meta.controller and meta.controller.uid == owner.uid
    )
    return min(max(ages, default=0), LAST_BORN)


def _uid_for(stored: Stored, request: Request, own: frozenset[str]) -> str:
    """Return what tells one who is made under a given name from others that had it; "" of kinds that nobody asks it of.

    It is asked of Pods, of claims of volumes, and of `own` kinds.
    """
    made = request.object if isinstance(request, Create) else None
    if made is None or not made.metadata.name:
        return ""
    if not (isinstance(made, Pod | PersistentVolumeClaim) or ref_of(made).kind in own):
        return ""
    namespace = (made.metadata.namespace or "default") if kind_of(made).namespaced else ""
    return stored.unused(uid_of(Ref(ref_of(made).kind, namespace, made.metadata.name)))


def canonical(obj: Object | None) -> Object | None:
    """Count generations only as far as they matter: 1, or 2 while the status is about an older one.

    Otherwise a cluster that goes round in circles would never be in the same state twice.
    """
    if obj is None or obj.metadata.generation == 0:
        return obj
    if isinstance(obj, Unstructured):
        return _canonical_json(obj)
    status: Any = getattr(obj, "status", None)
    observed = getattr(status, "observed_generation", None)
    if observed is None:
        return with_meta(obj, generation=1)
    behind = observed != obj.metadata.generation
    told: Any = evolve(status, observed_generation=min(observed, 1))
    return evolve(with_meta(obj, generation=1 + (behind and observed > 0)), status=told)


def _canonical_json(obj: Unstructured) -> Object:
    """Do so for an object without a class, whose status says in `observedGeneration` which one it is about."""
    status = as_map(obj.extra.get("status"))
    observed = status.get("observedGeneration")
    if not isinstance(observed, int):
        return with_meta(obj, generation=1)
    behind = observed != obj.metadata.generation
    told = freeze({**status, "observedGeneration": min(observed, 1)})
    counted = with_meta(obj, generation=1 + (behind and observed > 0))
    return evolve(counted, extra=immutabledict({**obj.extra, "status": told}))


def describe(request: Request, response: Response) -> str:
    """Say in a few words what a request did."""
    match request:
        case Create(obj):
            made = response.object or obj
            return f"creates {ref_of(made).kind} {made.metadata.name}"
        case Update(obj, base, subresource):
            return f"updates {ref_of(obj).kind} {obj.metadata.name}{_change(obj, base, subresource)}"
        case PatchStatus():
            return scheduling.told(request)
        case _:
            verb = {
                "Delete": "deletes",
                "Bind": "binds",
                "Evict": "evicts",
                "PatchMetadata": "adopts or releases",
                "Recheck": "looks for",
                "Get": "reads",
            }
            ref = getattr(request, "ref", None) or getattr(request, "pod", None)
            to = f" to {request.node}" if hasattr(request, "node") else ""
            return (
                f"{verb.get(type(request).__name__, 'patches')} {ref.kind if ref else ''} {ref.name if ref else ''}{to}"
            )


def _change(obj: Object, base: Object | None, subresource: str) -> str:
    before = getattr(getattr(base, "spec", None), "replicas", None)
    after = getattr(getattr(obj, "spec", None), "replicas", None)
    if subresource == "status":
        return " (status)"
    return f": {before} -> {after} replicas" if before != after else ""
