"""PATCH: change the object that is stored, then go the way of a PUT.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go (v1.32).
"""

from __future__ import annotations

from typing import Any

from attrs import evolve

from ...api.kinds import Object, kind_of
from ...api.meta import Ref, Time
from ...api.reading.convert import BadObject, unstructure
from ...api.requests import Create, Response, Update
from ...api.requests import Patch as PatchRequest
from ...api.values.frozen import thaw
from ..config import Config
from ..decode import decoded
from ..managed.apply import ApplyConflictError, applied
from ..managed.sets import DuplicateError
from ..resources import kind_named
from ..status import (
    OTHER_NAMESPACE,
    another_name,
    bad_request,
    conflict,
    invalid,
    not_found,
    rejected,
    untyped,
    wrong_patch,
)
from ..storage import Storage
from ..validation.field_error import invalid as invalid_field
from ..verbs.create import Answer, Inputs, create
from ..verbs.scale import scale_of, scaled
from ..verbs.update import update
from .json_patch import PatchError, apply_json_patch
from .merge_patch import apply_merge_patch
from .schema import schema_of
from .strategic import apply_strategic_patch

UNKNOWN_FORMAT = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


def patch(storage: Storage, request: PatchRequest, inputs: Inputs, config: Config) -> Answer:
    """Change an object: 404 when it is missing, 409 when it is another by now, 400 and 422 for a wrong patch."""
    stored = storage.get(request.ref)
    if stored is None:
        return _created(storage, request, inputs, config) if request.format == "apply" else (not_found(request.ref), ())
    scale = request.subresource == "scale"
    current = scale_of(stored) if scale else unstructure(stored)
    if current is None:
        return not_found(request.ref), ()
    wanted = _changed(current, request, stored, inputs.now)
    if isinstance(wanted, Response):
        return wanted, ()
    if moved := _moved(request.ref, wanted.get("metadata") or {}):
        return moved, ()
    try:
        new = scaled(stored, wanted) if scale else decoded(wanted, kind_of(stored))[0]
    except BadObject as bad:
        return wrong_patch(request.body, str(bad)), ()
    if refusal := _other(request.ref, stored, new):
        return refusal, ()
    base = new if new.metadata.resource_version else None
    return update(storage, Update(_at_home(new, stored), base, request.subresource), inputs, config)


def _changed(current: dict[str, Any], request: PatchRequest, stored: Object, now: Time) -> dict[str, Any] | Response:
    """Return what the JSON of an object becomes, or why it cannot become that."""
    body = thaw(request.body)
    try:
        match request.format:
            case "json":
                wanted = apply_json_patch(current, body if isinstance(body, list) else [None])
            case "merge":
                wanted = apply_merge_patch(current, body)
            case "strategic" if not kind_of(stored).custom:
                wanted = apply_strategic_patch(current, body, schema_of(kind_of(stored)))
            case "strategic":
                return Response(415, "UnsupportedMediaType", UNKNOWN_FORMAT)
            case "apply":
                _check_declared(decoded(body, kind_of(stored))[1])
                wanted = applied(current, body, request.manager, kind_of(stored), force=request.force, now=now)
    except PatchError as error:
        return rejected(str(error))
    except ApplyConflictError as found:
        return Response(409, "Conflict", str(found), causes=found.causes)
    except (BadObject, DuplicateError, UndeclaredError) as error:
        return untyped(request.ref, kind_of(stored), str(error))
    if not isinstance(wanted, dict):
        return rejected("the result is no object")
    if not isinstance(wanted.get("metadata") or {}, dict):
        return wrong_patch(request.body, "metadata: expected a map")
    return {**wanted, "apiVersion": current["apiVersion"], "kind": current["kind"]}


def _moved(ref: Ref, meta: dict[str, Any]) -> Response | None:
    """Refuse a patch that would give an object another name or another namespace."""
    if meta.get("name") != ref.name:
        return bad_request(another_name(str(meta.get("name") or ""), ref.name))
    if ref.namespace and meta.get("namespace", ref.namespace) != ref.namespace:
        return bad_request(OTHER_NAMESPACE)
    return None


class UndeclaredError(ValueError):
    """An apply names fields that the kind does not have."""


def _check_declared(unknown: tuple[str, ...]) -> None:
    """Refuse fields that nobody knows, as the typed form of an object cannot hold them. Raises UndeclaredError."""
    lines = [f".{path}: field not declared in schema" for path in unknown]
    if lines:
        raise UndeclaredError(lines[0] if len(lines) == 1 else "\n".join(("errors:", *(f"  {line}" for line in lines))))


def unknown_in(storage: Storage, request: PatchRequest, now: Time) -> tuple[str, ...]:
    """Return the fields that a patch sets and that the kind does not have; an apply is refused for them anyway."""
    stored = storage.get(request.ref)
    if stored is None or request.format == "apply" or request.subresource == "scale":
        return ()
    wanted = _changed(unstructure(stored), request, stored, now)
    if isinstance(wanted, Response):
        return ()
    try:
        return decoded(wanted, kind_of(stored))[1]
    except BadObject:
        return ()


def _other(ref: Ref, stored: Object, new: Object) -> Response | None:
    """Refuse a patch that would make another object of it: its uid stays as it is."""
    uid = new.metadata.uid
    if uid and uid != stored.metadata.uid:
        return invalid(ref.kind, ref.name, (invalid_field("metadata.uid", uid, "field is immutable"),))
    return None


def _at_home(new: Any, stored: Object) -> Any:
    """Return the object under the name and in the namespace it has; these no patch changes."""
    meta = stored.metadata
    return evolve(new, metadata=evolve(new.metadata, name=meta.name, namespace=meta.namespace, uid=meta.uid))


def _created(storage: Storage, request: PatchRequest, inputs: Inputs, config: Config) -> Answer:
    """Create what an apply names and does not find."""
    ref, body = request.ref, thaw(request.body)
    if request.subresource:
        return not_found(ref), ()
    kind = request.kind or kind_named(ref.kind)
    uid = (body.get("metadata") or {}).get("uid")
    if uid:
        detail = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        return conflict(ref, detail), ()
    empty = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {}}
    try:
        _check_declared(decoded(body, kind)[1])
        wanted = applied(empty, body, request.manager, kind, force=request.force, now=inputs.now)
    except (BadObject, DuplicateError, UndeclaredError) as error:
        return untyped(ref, kind, str(error)), ()
    meta = {**(wanted.get("metadata") or {}), "name": ref.name, "namespace": ref.namespace}
    try:
        return create(storage, Create(decoded({**wanted, "metadata": meta}, kind)[0]), inputs, config)
    except BadObject as bad:
        return wrong_patch(request.body, str(bad)), ()
