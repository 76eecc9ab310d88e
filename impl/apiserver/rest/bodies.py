"""What a body says: the object in it, of the kind and in the namespace of the URL, or why it says none.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from attrs import evolve

from ...api.kinds import Kind, Object
from ...api.reading.convert import BadObject
from ...api.reading.schema import table
from ...api.requests import (
    Response,
)
from ...api.versions import stored as as_stored
from ..decode import decoded
from ..status import OTHER_NAMESPACE, bad_request
from .asked import Asked
from .body import BodyError, parsed
from .http import JSON

Json = dict[str, Any]
SHOWN = 30
"""Bytes of a wrong body that are shown."""
SCHEME = "pkg/api/legacyscheme/scheme.go:30"
BODIES = frozenset({"application/json", "application/yaml", ""})
MEDIA = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
UNKNOWN_FORMAT = f"the body of the request was in an unknown format - accepted media types include: {MEDIA}"


class Refused(Exception):  # noqa: N818 - it carries the answer
    """A request is refused before the API server sees it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.message)
        self.response = response


def body_of(asked: Asked) -> tuple[Json, tuple[str, ...]]:
    """Return the JSON of a body, and what stands in it twice. Raises Refused."""
    media = asked.http.content_type.partition(";")[0].strip()
    if media not in BODIES:
        raise Refused(Response(415, "UnsupportedMediaType", UNKNOWN_FORMAT))
    try:
        found, repeated = parsed(asked.http.body, media or JSON)
    except BodyError as error:
        text = _summary(asked.http.body)
        must = f"the object provided is unrecognized (must be of type {asked.resource.kind.name})"
        raise Refused(bad_request(f"{must}: couldn't get version/kind; json parse error: {error} ({text})")) from None
    if not isinstance(found, dict):
        raise Refused(bad_request("couldn't get version/kind; json parse error: the body is no object"))
    return found, repeated


def _summary(body: bytes) -> str:
    """Return how Go shows a body that it could not read: its beginning, in hexadecimal what is no object."""
    if not body:
        return "<empty>"
    shown = body[:SHOWN].decode(errors="replace") if body.startswith(b"{") else body[:SHOWN].hex()
    return f"{shown} ..." if len(body) > SHOWN else shown


def with_kind(body: Json, asked: Asked) -> Json:
    """Return a body with its kind, which may be left out; refuse another one. Raises Refused."""
    kind, version = body.get("kind") or asked.resource.kind.name, body.get("apiVersion") or asked.info.api_version
    if (kind, version) != (asked.resource.kind.name, asked.info.api_version):
        if (str(kind), str(version)) not in _registered():
            bare = str(version).rpartition("/")[2]
            unknown = f'no kind "{kind}" is registered for version "{version}" in scheme "{SCHEME}"'
            where = f'{kind} in version "{bare}" cannot be handled as a {asked.resource.kind.name}'
            raise Refused(bad_request(f"{where}: {unknown}"))
        message = (
            f"{kind} in version {version!r} cannot be handled as a {asked.resource.kind.name}: "
            f"expected {asked.info.api_version}, Kind={asked.resource.kind.name}"
        )
        raise Refused(bad_request(message.replace("'", '"')))
    return {**body, "kind": kind, "apiVersion": version}


@cache
def _registered() -> frozenset[tuple[str, str]]:
    """Return the kinds that the server knows, by name and version."""
    return frozenset((kind, version) for version, kinds in table()["kinds"].items() for kind in kinds)


def object_of(asked: Asked) -> tuple[Object, tuple[str, ...]]:
    """Return the object in a body, in the namespace of the URL, and warnings. Raises Refused."""
    body, repeated = body_of(asked)
    found = as_stored(with_kind(body, asked), asked.info.api_version)
    version = asked.info.api_version.rpartition("/")[2]
    obj, unknown = read_as(found, asked.stored_kind, version)
    warnings = warnings_of(asked, unknown, repeated)
    namespace = obj.metadata.namespace
    if namespace and asked.info.namespace and namespace != asked.info.namespace:
        raise Refused(bad_request(OTHER_NAMESPACE))
    placed: Any = obj
    owners = tuple(dict.fromkeys(obj.metadata.owner_references))  # One that is named twice is named once.
    meta = evolve(obj.metadata, namespace=asked.info.namespace, owner_references=owners)
    return evolve(placed, metadata=meta), warnings


def read_as(found: Mapping[str, Any], kind: Kind, version: str) -> tuple[Object, tuple[str, ...]]:
    """Return the object that JSON says, and the fields that nobody knows. Raises Refused."""
    try:
        return decoded(found, kind)
    except BadObject as bad:
        where = f'{kind.name} in version "{version}" cannot be handled as a {kind.name}'
        first = bad.errors[0]
        told = f"json: {first}" if first.path else first.message.removeprefix(f"{where}: ")
        raise Refused(bad_request(f"{where}: {told}")) from None


def warnings_of(asked: Asked, unknown: tuple[str, ...], repeated: tuple[str, ...]) -> tuple[str, ...]:
    """Return what there is to warn of; refuse it where the client asked for that. Raises Refused."""
    found = (*(f'duplicate field "{path}"' for path in repeated), *(f'unknown field "{path}"' for path in unknown))
    match asked.http.option("fieldValidation", "Warn"):
        case "Strict" if found:
            name = asked.resource.kind.name
            version = asked.info.api_version.rpartition("/")[2]
            where = f'{name} in version "{version}" cannot be handled as a {name}'
            raise Refused(bad_request(f"{where}: strict decoding error: {', '.join(found)}"))
        case "Ignore":
            return ()
        case _:
            return found
