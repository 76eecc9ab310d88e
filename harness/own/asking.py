"""What a controller of a user asks of the API server, and what it is told where that is refused.

    created = yield create(child)          # a step of its own; the answer is the object as it is stored
    yield update_status(db, {"ready": True})

A refusal is raised where the request was made, as by every client library: `NotFound`, `Conflict`, `AlreadyExists`, or
`ApiError` itself. Who lets it pass has ended the sync, which begins anew, as a work queue's retry does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import evolve, frozen

from ...impl.api.kinds import Kind, Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.requests import Create, Delete, Get, Patch, Request, Response, Update
from ...impl.api.values.frozen import freeze, thaw
from .kinds import kind_of_name
from .objects import Given, from_json, placed, ref_in, version_of


class ApiError(Exception):
    """The API server refuses a request, or its answer is lost (504). `reason` is Kubernetes' word, as NotFound."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class NotFound(ApiError):  # noqa: N818 - Kubernetes' word
    """404: there is no such object."""


class AlreadyExists(ApiError):  # noqa: N818 - Kubernetes' word
    """409: there is one of that name."""


class Conflict(ApiError):  # noqa: N818 - Kubernetes' word
    """409: the object has changed since it was read, or it is another one of that name."""


def refusal(answer: Response) -> ApiError:
    """Return what is raised for an answer that is a refusal."""
    known = {"NotFound": NotFound, "AlreadyExists": AlreadyExists, "Conflict": Conflict}
    return known.get(answer.reason, ApiError)(answer.code, answer.reason, answer.message)


class Ask(Enum):
    """What is asked."""

    CREATE = "create"
    UPDATE = "update"
    UPDATE_STATUS = "update_status"
    PATCH = "patch"
    DELETE = "delete"
    READ = "read"


@frozen(eq=False)
class Asked:
    """A request as a user makes it: what is asked, of which object, and what with."""

    ask: Ask
    object: Given
    body: Any = None
    uid: str = ""
    subresource: str = ""


def create(obj: Given) -> Asked:
    """Create an object; with metadata.generateName instead of a name the API server chooses the rest of the name.

    Without a namespace it goes where the object that is reconciled is. Refused: AlreadyExists.
    """
    return Asked(Ask.CREATE, obj)


def update(obj: Given) -> Asked:
    """Replace an object by what it should be (PUT): Conflict, if it has its resourceVersion and is not as it was."""
    return Asked(Ask.UPDATE, obj)


def update_status(obj: Given, status: Mapping[str, Any] | None = None) -> Asked:
    """Replace an object's status, by `status` if it is given (PUT of the subresource): Conflict as for `update`."""
    return Asked(Ask.UPDATE_STATUS, obj if status is None else {**obj, "status": status})


def patch(obj: Given, body: Mapping[str, Any], *, subresource: str = "") -> Asked:
    """Change some fields of an object, None takes one away (a JSON merge patch): whatever has changed meanwhile."""
    return Asked(Ask.PATCH, obj, body, subresource=subresource)


def delete(obj: Given, *, uid: str = "", policy: str = "") -> Asked:
    """Delete an object, whichever has its name: with `uid` only that one (else Conflict).

    `policy` is Background, Foreground or Orphan.
    """
    return Asked(Ask.DELETE, obj, policy, uid)


def read(kind: str | type | Kind, name: str, *, namespace: str = "") -> Asked:
    """Ask the API server itself for an object, past every cache: the answer is the object, or NotFound is raised.

    Without a namespace it is that of the object that is reconciled.
    """
    of = kind_of_name(kind)
    place = {"namespace": namespace} if namespace else {}
    return Asked(Ask.READ, {"apiVersion": of.api_version, "kind": of.name, "metadata": {"name": name, **place}})


def owned_by(owner: Given, obj: Given) -> dict[str, Any]:
    """Return an object with the owner as its controller, in the owner's namespace, so that it is collected with it."""
    meta = owner["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    mine = {**obj["metadata"], "ownerReferences": [*obj["metadata"].get("ownerReferences", ()), reference]}
    place = {"namespace": meta["namespace"]} if "namespace" in meta else {}
    return {**obj, "metadata": {**place, **mine}}


def request_of(asked: Asked, shown: tuple[Object, ...], key: Ref, kinds: tuple[Kind, ...]) -> Request:
    """Return the request that is meant by who has been shown some objects, in the sync of an object.

    Raises BadObject, UnknownKindError, KeyError, ValueError for what is no object.
    """
    obj = asked.object
    match asked.ask:
        case Ask.CREATE:
            return Create(placed(from_json(obj, kinds), key.namespace))
        case Ask.UPDATE:
            return _update(obj, shown, key, kinds, "")
        case Ask.UPDATE_STATUS:
            return _update(obj, shown, key, kinds, "status")
        case Ask.PATCH:
            return Patch(_ref(obj, key, kinds), "merge", freeze(thaw(asked.body)), asked.subresource)
        case Ask.DELETE:
            return Delete(_ref(obj, key, kinds), uid=asked.uid, propagation_policy=asked.body)
        case Ask.READ:
            return Get(_ref(obj, key, kinds))


def _ref(obj: Given, key: Ref, kinds: tuple[Kind, ...]) -> Ref:
    ref = ref_in(obj, kinds)
    return evolve(ref, namespace=key.namespace) if ref.namespace and "namespace" not in obj["metadata"] else ref


def _update(obj: Given, shown: tuple[Object, ...], key: Ref, kinds: tuple[Kind, ...], subresource: str) -> Update:
    version = obj["metadata"].get("resourceVersion")
    wanted = placed(from_json(obj, kinds), key.namespace)
    return Update(wanted, None if version is None else _as_read(wanted, version, shown), subresource)


def _as_read(wanted: Object, version: str, shown: tuple[Object, ...]) -> Object:
    """Return the object as it was when it had this version, which it must have been shown with."""
    ref = ref_of(wanted)
    found = (obj for obj in shown if ref_of(obj) == ref and version_of(obj) == version)
    base = next(found, None)
    if base is None:
        raise ValueError(f"the resourceVersion {version!r} of {ref} is none that the view shows, nor any answer")
    return base
