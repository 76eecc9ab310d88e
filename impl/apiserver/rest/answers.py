"""Answers about a request: an object, a list, a refusal, each as the client wants to see it."""

from __future__ import annotations

from typing import Any

from ...api.kinds import Object
from ...api.requests import (
    Page,
    Response,
)
from ..resources import kind_named
from .asked import Asked
from .http import HttpResponse
from .render import failure, shown, shown_list

Json = dict[str, Any]


def shown_object(asked: Asked, code: int, obj: Object) -> HttpResponse:
    """Return the answer that shows an object."""
    body = shown(obj, asked.resource, asked.info.api_version, asked.view, asked.now)
    return HttpResponse(code, body, asked.view.content_type)


def shown_list_of(asked: Asked, page: Page, meta: Json) -> HttpResponse:
    """Return the answer that shows a list."""
    body = shown_list(page.objects, asked.resource, asked.info.api_version, meta, asked.view, asked.now)
    return HttpResponse(200, body, asked.view.content_type)


def refused(asked: Asked, response: Response) -> HttpResponse:
    """Return the answer that says why not."""
    kind, about = asked.resource.kind, response.about
    if about is not None:
        named = kind_named(about.kind)
        return failure(response, name=about.name, kind=named.name, group=named.group)
    return failure(response, name=asked.info.name, kind=kind.plural, group=kind.group)
