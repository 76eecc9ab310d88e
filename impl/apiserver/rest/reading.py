"""The verbs that read: get, list and watch.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{get,watch}.go (v1.32).
"""

from __future__ import annotations

from typing import Any

from ...api.requests import (
    Get,
    List,
    Response,
    Watch,
)
from ..handler import handle
from ..server import Server
from ..verbs.scale import scale_of
from .answers import refused, shown_list_of, shown_object
from .asked import Asked
from .http import HttpResponse, WatchResponse
from .options import check_list, revision_of, seconds
from .reads import page_at, token_of, too_large

Json = dict[str, Any]


def answer_read(server: Server, asked: Asked) -> HttpResponse | WatchResponse:
    """Answer a get, a list or a watch. Raises OptionError, VersionError, SelectorError."""
    match asked.info.verb:
        case "get":
            return _got(server, asked)
        case "list":
            return _listed(server, asked)
        case _:
            return _watched(server, asked)


def _got(server: Server, asked: Asked) -> HttpResponse:
    revision = revision_of(asked.http)
    if revision is not None and revision > server.store.revision:
        return refused(asked, too_large(revision, server.store.revision))
    response, _ = handle(server, Get(asked.ref, asked.info.subresource), user=asked.user, config=server.config)
    found = response.object
    if found is None:
        return refused(asked, response)
    if asked.view.shown_as == "PartialObjectMetadataList":
        return refused(asked, _not_as(asked, "PartialObjectMetadataList", "not a list", ""))
    if asked.info.subresource == "scale":
        return HttpResponse(200, scale_of(found), asked.view.content_type)
    return shown_object(asked, 200, found)


def _listed(server: Server, asked: Asked) -> HttpResponse:
    if asked.view.shown_as == "PartialObjectMetadata":
        return refused(asked, _not_as(asked, "PartialObjectMetadata", "a list", "List"))
    at = page_at(server, asked.http)
    if isinstance(at, Response):
        return refused(asked, at)
    view, limit, after = at
    response, _ = handle(view, List(asked.selection, limit, after), user=asked.user, config=server.config)
    if response.page is None:
        return refused(asked, response)
    page, revision = response.page, view.store.revision
    meta: Json = {"resourceVersion": str(revision)}
    if page.next:
        meta["continue"] = token_of(revision, page.next)
        if not (asked.selection.labels.requirements or asked.selection.fields.terms):
            meta["remainingItemCount"] = page.remaining
    return shown_list_of(asked, page, meta)


def _watched(server: Server, asked: Asked) -> HttpResponse | WatchResponse:
    revision = revision_of(asked.http)
    check_list(asked.http, revision)
    allowed_to, _ = handle(server, Watch(asked.selection), user=asked.user, config=server.config)
    if not allowed_to.ok:
        return refused(asked, allowed_to)
    initial = asked.http.option("sendInitialEvents") in {"true", "1"}
    return WatchResponse(
        asked.selection,
        revision or server.store.revision,
        asked,
        bookmarks=asked.http.option("allowWatchBookmarks") in {"true", "1"},
        initial=initial or not revision,
        timeout=seconds(asked.http, "timeoutSeconds"),
    )


def _not_as(asked: Asked, form: str, what: str, suffix: str) -> Response:
    package = asked.resource.kind.group.partition(".")[0] or "core"
    message = (
        f"you requested {form}, but the requested object is {what} (*{package}.{asked.resource.kind.name}{suffix})"
    )
    return Response(406, "NotAcceptable", message)
