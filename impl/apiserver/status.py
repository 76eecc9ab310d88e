"""The failures of the API server as frozen responses, in Kubernetes' codes, reasons and words.

Upstream: staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go (v1.32).
Left out on purpose: details.retryAfterSeconds and the details block (the message names the object already).
"""

from __future__ import annotations

import json as jsonlib

from attrs import evolve

from ..api.kinds import Kind
from ..api.meta import Ref
from ..api.requests import Cause, Response
from ..api.values.frozen import Json, thaw
from .resources import kind_named
from .storage import group_kind, resource_of
from .validation.field_error import FieldError, aggregate
from .validation.field_error import invalid as invalid_field

STORED_UNDER = {"Endpoints": "services/endpoints", "Ingress": "ingress", "Node": "minions", "Service": "services/specs"}
"""Where kinds are in etcd whose resources are called otherwise."""
STALE = "the object has been modified; please apply your changes to the latest version and try again"


def not_found(ref: Ref) -> Response:
    """404: there is no such object."""
    return Response(404, "NotFound", f'{resource_of(ref.kind)} "{ref.name}" not found')


def already_exists(ref: Ref) -> Response:
    """409: there is one of that name."""
    return Response(409, "AlreadyExists", f'{resource_of(ref.kind)} "{ref.name}" already exists')


def conflict(ref: Ref, detail: str = STALE, *, subresource: str = "") -> Response:
    """409: the request builds on something that is no longer so."""
    resource = resource_of(ref.kind) + (f"/{subresource}" if subresource else "")
    return Response(409, "Conflict", f'Operation cannot be fulfilled on {resource} "{ref.name}": {detail}')


def uid_conflict(ref: Ref, wanted: str, found: str) -> Response:
    """409: the object is another one of the same name."""
    detail = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    return conflict(ref, detail)


def is_another(ref: Ref, what: str, wanted: str, found: str) -> Response:
    """409: what is to be deleted is another object of the same name (UID), or has changed (ResourceVersion)."""
    pair = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found})"
    become = "deleted and then recreated" if what == "UID" else "modified"
    why = f"{pair}. The object might have been {become}"
    return Response(409, "Conflict", f'Operation cannot be fulfilled on {group_kind(ref.kind)} "{ref.name}": {why}')


def storage_conflict(ref: Ref, wanted: str, found: str) -> Response:
    """409: the object is another one of the same name, as the store says when it is to be changed."""
    kind = kind_named(ref.kind)
    resource = STORED_UNDER.get(ref.kind) or (f"{kind.group}/{kind.plural}" if kind.crd else kind.plural)
    key = "/".join(("/registry", resource, *((ref.namespace,) if ref.namespace else ()), ref.name))
    error = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    detail = f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {error}"
    return conflict(ref, detail)


OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def another_name(name: str, wanted: str) -> str:
    """Say that the name in a body is not that of the URL."""
    if not name:
        return f"the name of the object ({wanted} based on URL) was undeterminable: name must be provided"
    return f"the name of the object ({name}) does not match the name on the URL ({wanted})"


def unconditional(ref: Ref) -> Response:
    """422: the kind is only changed by who says which version was read."""
    error = invalid_field("metadata.resourceVersion", 0, "must be specified for an update")
    refused = invalid(ref.kind, ref.name, (error,))
    return evolve(refused, message=f'{resource_of(ref.kind)} "{ref.name}" is invalid: {error}')


def invalid(kind: str, name: str, errors: tuple[FieldError, ...]) -> Response:
    """422: the object breaks the rules of its kind; one cause for each broken rule."""
    causes = tuple(Cause(error.reason, error.message, error.field) for error in errors)
    return Response(
        422,
        "Invalid",
        f'{group_kind(kind)} "{name}" is invalid: {aggregate(errors)}',
        causes=causes,
        about=Ref(kind, "", name),
    )


def invalid_options(error: FieldError) -> Response:
    """422: the options of a deletion are malformed."""
    return invalid_options_of("DeleteOptions", (error,))


def invalid_options_of(kind: str, errors: tuple[FieldError, ...]) -> Response:
    """422: the options of a request are malformed."""
    causes = tuple(Cause(error.reason, error.message, error.field) for error in errors)
    return Response(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {aggregate(errors)}', causes=causes)


def forbidden(ref: Ref, detail: str, causes: tuple[Cause, ...] = ()) -> Response:
    """403: authorisation or admission refuses."""
    name = f' "{ref.name}"' if ref.name else ""
    return Response(403, "Forbidden", f"{resource_of(ref.kind)}{name} is forbidden: {detail}", causes=causes)


def bad_request(message: str) -> Response:
    """400: the request makes no sense."""
    return Response(400, "BadRequest", message)


def wrong_patch(body: Json, why: str) -> Response:
    """422: what a patch makes of the object is no object of its kind."""
    error = invalid_field("patch", jsonlib.dumps(thaw(body)), why)
    return Response(422, "Invalid", f' "" is invalid: {error}', causes=(Cause(error.reason, error.message, "patch"),))


def untyped(ref: Ref, kind: Kind, why: str) -> Response:
    """500: what is applied cannot be read with the schema of its kind; an internal error without a reason."""
    named = f"{ref.namespace}/{ref.name}; {kind.api_version}, Kind={kind.name}"
    return Response(500, "", f"failed to create typed patch object ({named}): {why}")


def rejected(why: str) -> Response:
    """422: a patch cannot be applied; the client library's words when the server gives no better ones."""
    cause = (Cause("", why),) if why else ()
    return Response(422, "Invalid", "the server rejected our request due to an error in our request", causes=cause)


def too_many_requests(message: str, cause: str) -> Response:
    """429: a disruption budget refuses; try again later."""
    return Response(429, "TooManyRequests", message, causes=(Cause("DisruptionBudget", cause),))


def internal_error(message: str) -> Response:
    """500: the server cannot do that."""
    return Response(500, "InternalError", message)


def unauthorized() -> Response:
    """401: the credentials are no one's."""
    return Response(401, "Unauthorized", "Unauthorized")
