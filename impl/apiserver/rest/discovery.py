"""URLs that name no resource: what the server serves, its version and its health.

Upstream: staging/src/k8s.io/apiserver/pkg/server/routes, pkg/endpoints/discovery (v1.32); the documents are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..access.authentication import ALL_UNAUTHENTICATED, User
from ..custom.definition import Definition, established
from ..storage import Storage
from .custom.discovery import resource_list, with_aggregated, with_groups
from .custom.openapi import document_of, with_definitions, with_index
from .documents.documents import discovery, openapi
from .http import JSON, TEXT, HttpRequest, HttpResponse

HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
PUBLIC = HEALTH | {"/version"}
"""What anybody may ask (system:public-info-viewer)."""
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
MISSING = HttpResponse(404, "404 page not found\n", TEXT)


def answer(request: HttpRequest, user: User, storage: Storage) -> HttpResponse:
    """Answer a GET of what is no resource: 403 for strangers where it is not public, 404 for what is not there.

    The storage has the definitions of custom resources.
    """
    path = request.path.rstrip("/") or "/"
    if ALL_UNAUTHENTICATED in user.groups and path not in PUBLIC:
        message = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{request.path}"'
        return HttpResponse(403, _failure(403, "Forbidden", message))
    found = _found(path, request, established(storage))
    return found if found is not None else MISSING


def _found(path: str, request: HttpRequest, custom: tuple[Definition, ...]) -> HttpResponse | None:
    if path in HEALTH:
        return HttpResponse(200, "ok", TEXT)
    if path == "/":
        return HttpResponse(200, {"paths": sorted({*PUBLIC, *openapi_paths(), *_plain_paths()})})
    if path in {"/api", "/apis"} and "as=APIGroupDiscoveryList" in request.accept and "v=v2;" in f"{request.accept};":
        document = discovery()[f"{path};aggregated"]
        return HttpResponse(200, with_aggregated(document, custom) if path == "/apis" else document, AGGREGATED)
    if path == "/apis":
        return HttpResponse(200, with_groups(discovery()[path], custom))
    if path in discovery():
        return HttpResponse(200, discovery()[path])
    if path.startswith("/openapi/"):
        if path == "/openapi/v2" and "json" not in request.accept and "*" not in request.accept:
            return HttpResponse(406, "406: Not Acceptable\n", TEXT)
        return _described(path, custom)
    return _group(path, custom)


def _described(path: str, custom: tuple[Definition, ...]) -> HttpResponse | None:
    """Answer a GET of an OpenAPI document."""
    document = openapi().get(path)
    if document is None:
        document = document_of(path.removeprefix("/openapi/v3/apis/"), custom)
    elif custom and path in openapi_paths():
        document = with_definitions(document, custom) if path == "/openapi/v2" else with_index(document, custom)
    if document is None:
        return None
    return HttpResponse(200, document, TEXT if path == "/openapi/v3" else JSON)


def openapi_paths() -> tuple[str, ...]:
    """Return where the OpenAPI documents are."""
    return ("/openapi/v2", "/openapi/v3")


def _plain_paths() -> tuple[str, ...]:
    return tuple(path for path in discovery() if ";" not in path)


def _group(path: str, custom: tuple[Definition, ...]) -> HttpResponse | None:
    """Answer /apis/GROUP; a version that a known group does not have is a resource that is not found."""
    parts = path.split("/")
    if len(parts) < 3 or parts[1] != "apis":
        return None
    groups = with_groups(discovery()["/apis"], custom)["groups"]
    group = next((entry for entry in groups if entry["name"] == parts[2]), None)
    if group is None:
        return None
    if len(parts) == 3:
        return HttpResponse(200, {"kind": "APIGroup", "apiVersion": "v1", **group})
    if len(parts) == 4:
        listed = resource_list(
            "/".join(parts[2:]), (definition for definition in custom if definition.group == parts[2])
        )
        if listed is not None:
            return HttpResponse(200, listed)
    return HttpResponse(404, _failure(404, "NotFound", "the server could not find the requested resource"))


def _failure(code: int, reason: str, message: str) -> Mapping[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": {},
        "code": code,
    }
