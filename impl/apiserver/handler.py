"""The API server: one request in, one answer and the writes it causes out.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers (v1.32): authorisation, mutating admission and defaulting,
validating admission and validation, storage.
Left out on purpose: what webhooks answer, flow control; HTTP is `rest`.

The server holds no data. Whoever calls it applies the transaction, whole and in order, before the next request.
"""

from __future__ import annotations

from typing import assert_never

from ..api.core import Binding
from ..api.kinds import Object, kind_of, ref_of
from ..api.meta import Ref, Time
from ..api.policy import Eviction
from ..api.requests import (
    AnyRequest,
    Bind,
    Create,
    Delete,
    DeleteCollection,
    Evict,
    Get,
    List,
    Patch,
    PatchMetadata,
    PatchStatus,
    Recheck,
    Response,
    Selection,
    Update,
    Watch,
)
from .access.authentication import ADMIN, User
from .access.authorization import Attributes, allowed
from .access.node_restriction import restricted
from .config import DEFAULT, Config
from .patch.patch import patch
from .status import forbidden, unauthorized
from .storage import Storage
from .verbs.binding import bind
from .verbs.create import Answer, Inputs, create
from .verbs.delete import delete, delete_collection
from .verbs.eviction import evict
from .verbs.read import get, list_
from .verbs.recheck import recheck
from .verbs.update import patch_metadata, patch_status, update


def handle(
    objects: Storage,
    request: AnyRequest,
    *,
    user: User | None = ADMIN,
    now: Time = 0,
    suffix: str = "",
    uid: str = "",
    cluster_ip: str = "",
    config: Config = DEFAULT,
) -> Answer:
    """Handle one request.

    `user` None is a request whose credentials prove nothing (401). `now` is in seconds; `suffix` completes a
    generateName; `uid` and `cluster_ip` are what a new object gets, "" for one made of its name and for the lowest
    free address.
    Every outcome, refusals included, is a Response; a refused request writes nothing.
    """
    if user is None:
        return unauthorized(), ()
    plain = _plain(request)
    refusal = _unauthorised(objects, plain, user, config)
    if refusal is not None:
        return refusal, ()
    return _serve(objects, plain, Inputs(now, suffix, uid, cluster_ip), config)


def _serve(objects: Storage, request: AnyRequest, inputs: Inputs, config: Config) -> Answer:
    match request:
        case Create():
            return create(objects, request, inputs, config)
        case Update():
            return update(objects, request, inputs, config)
        case PatchStatus():
            return patch_status(objects, request)
        case PatchMetadata():
            return patch_metadata(objects, request)
        case Delete():
            return delete(objects, request, inputs.now)
        case Bind():
            return bind(objects, request, inputs.now)
        case Evict():
            return evict(objects, request, inputs.now, dry_run=config.dry_run)
        case Get():
            return get(objects, request)
        case List():
            return list_(objects, request)
        case Watch():
            return Response(200), ()
        case DeleteCollection():
            return delete_collection(objects, request, inputs.now)
        case Patch():
            return patch(objects, request, inputs, config)
        case Recheck():
            return recheck(objects, request), ()
        case _:
            assert_never(request)


def _plain(request: AnyRequest) -> AnyRequest:
    """Read the creation of a Binding or an Eviction as the verb it stands for."""
    if not isinstance(request, Create):
        return request
    obj = request.object
    pod = Ref("Pod", obj.metadata.namespace or "default", obj.metadata.name)
    match obj:
        case Binding():
            return Bind(pod, obj.target.name, obj.metadata.uid)
        case Eviction():
            return Evict(pod, obj.grace_period_seconds)
        case _:
            return request


def _unauthorised(objects: Storage, request: AnyRequest, user: User, config: Config) -> Response | None:
    """Ask the authorizers, then NodeRestriction; None when nobody objects."""
    asked, ref = _asked(request)
    if config.authorize:
        decision = allowed(objects, user, asked)
        if not decision.allowed:
            return forbidden(ref, decision.reason)
    if config.node_restriction and not isinstance(request, Get | List | Watch):
        return restricted(objects, request, user, ref)
    return None


def _asked(request: AnyRequest) -> tuple[Attributes, Ref]:
    """Say what a request asks for, as the authorizers see it, and the object it is about."""
    match request:
        case Create(obj):
            ref = _placed(obj)
            return Attributes.of("create", ref), ref
        case Update(obj, _, subresource):
            ref = _placed(obj)
            return Attributes.of("update", ref, subresource), ref
        case PatchStatus(obj):
            ref = _placed(obj)
            return Attributes.of("patch", ref, "status"), ref
        case PatchMetadata(ref):
            return Attributes.of("patch", ref), ref
        case Delete(ref):
            return Attributes.of("delete", ref), ref
        case Bind(ref):
            return Attributes.of("create", ref, "binding"), ref
        case Evict(ref):
            return Attributes.of("create", ref, "eviction"), ref
        case Get(ref, subresource):
            return Attributes.of("get", ref, subresource), ref
        case List(of):
            return _collection("list", of)
        case Watch(of):
            return _collection("watch", of)
        case DeleteCollection(of):
            return _collection("deletecollection", of)
        case Patch():
            return Attributes.of("patch", request.ref, request.subresource), request.ref
        case Recheck(ref):
            return Attributes.of("get", ref), ref
        case _:
            assert_never(request)


def _collection(verb: str, of: Selection) -> tuple[Attributes, Ref]:
    ref = Ref(of.kind, of.namespace or "", "")
    return Attributes.of(verb, ref), ref


def _placed(obj: Object) -> Ref:
    ref = ref_of(obj)
    return Ref(ref.kind, ref.namespace or "default", ref.name) if kind_of(obj).namespaced else ref
