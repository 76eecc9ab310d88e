"""From answers of the API server to what stands in the body: objects, lists, tables, and a Status for a failure.

Upstream: staging/src/k8s.io/apimachinery/pkg/api/errors, apiserver/pkg/endpoints/handlers/response.go (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...api.kinds import Object
from ...api.meta import Time
from ...api.reading.convert import unstructure
from ...api.requests import Response
from ...api.versions import served
from ..custom.kind import ServedKind
from ..resources import Resource
from .custom.columns import cells_of, definitions_of
from .http import HttpResponse
from .negotiation import View
from .tables.table import partial, table, written

Json = dict[str, Any]


def place_of(api_version: str, plural: str) -> str:
    """Return the path of a resource of a version."""
    return f"/{'apis' if '/' in api_version else 'api'}/{api_version}/{plural}"


def failure(response: Response, *, name: str = "", kind: str = "", group: str = "") -> HttpResponse:
    """Return the Status of a refusal."""
    details: Json = {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}
    if response.causes:
        details["causes"] = [
            {
                key: value
                for key, value in (("reason", cause.reason), ("message", cause.message), ("field", cause.field))
                if value
            }
            for cause in response.causes
        ]
    status: Json = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": response.message,
        **({"reason": response.reason} if response.reason else {}),
        "details": details,
        "code": response.code,
    }
    return HttpResponse(response.code, status)


def success(details: Json | None = None) -> Json:
    """Return the Status of a request that leaves no object to show."""
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details} if details else status


def deleted(ref_name: str, plural: str, group: str, uid: str) -> Json:
    """Return the Status of a deletion that is over."""
    details = {"name": ref_name, "kind": plural, "uid": uid}
    return success({**details, "group": group} if group else details)


def as_json(obj: Object, api_version: str) -> Json:
    """Return an object as a version of the API shows it."""
    found: Json = unstructure(obj)
    return served(found, api_version)


def shown(obj: Object, resource: Resource, api_version: str, view: View, now: Time) -> Json:
    """Return an object as the client wants to see it."""
    json = as_json(obj, api_version)
    match view.shown_as:
        case "Table":
            meta = {"resourceVersion": obj.metadata.resource_version}
            return _table([json], resource, api_version, meta, view, now)
        case "PartialObjectMetadata":
            return partial(json, view.version)
        case _:
            return json


def shown_list(
    objects: Iterable[Object], resource: Resource, api_version: str, meta: Json, view: View, now: Time
) -> Json:
    """Return a list as the client wants to see it."""
    items = [as_json(obj, api_version) for obj in objects]
    match view.shown_as:
        case "Table":
            return _table(items, resource, api_version, meta, view, now)
        case "PartialObjectMetadataList":
            partly = [partial(item, view.version) for item in items]
            kind = {"kind": view.shown_as, "apiVersion": f"meta.k8s.io/{view.version}"}
            return {**kind, "metadata": meta, "items": partly}
        case _:
            bare = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
            listed = resource.kind.list_kind if isinstance(resource.kind, ServedKind) else f"{resource.kind.name}List"
            return {"kind": listed, "apiVersion": api_version, "metadata": meta, "items": bare}


def _table(items: Iterable[Json], resource: Resource, api_version: str, meta: Json, view: View, now: Time) -> Json:
    kind = resource.kind
    if isinstance(kind, ServedKind):
        heads = definitions_of(kind)
        rows = ((cells_of(kind, item, now), item) for item in items)
        return written(heads, rows, meta, version=view.version, include=view.include)
    place = place_of(api_version, resource.kind.plural)
    return table(place, resource.kind.name, items, meta, now, version=view.version, include=view.include)
