"""GET: which revision is read, and the pages of a list.

Upstream: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go, storage/{etcd3/store,continue}.go (v1.32).
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from ...api.requests import Response
from ...etcd import Failure
from ...etcd.operations import FUTURE_REVISION
from ..server import Server, as_of
from .body import BodyError, parsed
from .http import JSON, HttpRequest
from .options import check_list, revision_of

EXPIRED = "The resourceVersion for the provided list is too old."
CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter."
)
TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 - it says how a continue token is written


def too_large(revision: int, current: int) -> Response:
    """504: the server has not seen that revision, and waited for it in vain."""
    return Response(504, "Timeout", f"Timeout: Too large resource version: {revision}, current: {current}")


def page_at(server: Server, request: HttpRequest) -> tuple[Server, int, str] | Response:
    """Return the server as of the revision a list asks for, its limit and the key it begins behind; or the refusal.

    Raises OptionError and VersionError.
    """
    asked, current = revision_of(request), server.store.revision
    check_list(request, asked)
    limit, token = _limit(request), request.option("continue")
    if token:
        return _continued(server, token, asked, limit)
    if asked == 0:
        return server, 0, ""
    if asked is not None and asked > current:
        return too_large(asked, current)
    exact = request.option("resourceVersionMatch") == "Exact" or (
        limit > 0 and not request.option("resourceVersionMatch")
    )
    if asked is None or not exact:
        return server, limit, ""
    view = as_of(server, asked)
    return Response(410, "Expired", EXPIRED) if isinstance(view, Failure) else (view, limit, "")


def _limit(request: HttpRequest) -> int:
    text = request.option("limit")
    return max(0, int(text)) if text.lstrip("-").isdecimal() and len(text) < 19 else 0


def _continued(server: Server, token: str, asked: int | None, limit: int) -> tuple[Server, int, str] | Response:
    """Go on where a token says, at its revision."""
    if asked:
        return Response(400, "BadRequest", "specifying resource version is not allowed when using continue")
    read = read_token(token)
    if isinstance(read, str):
        return Response(400, "BadRequest", f"invalid continue token: {read}")
    revision, after = read
    view = as_of(server, revision)
    if isinstance(view, Failure):
        if view == FUTURE_REVISION:
            return too_large(revision, server.store.revision)
        return Response(410, "Expired", CONTINUE_EXPIRED)
    return view, limit, after


def token_of(revision: int, after: str) -> str:
    """Write where the next page begins."""
    text = json.dumps({"v": TOKEN_VERSION, "rv": revision, "start": f"{after}\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(token: str) -> tuple[int, str] | str:
    """Read where a page begins: the revision and the key before it; or say why that is no token."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        at = next(
            (at for at, letter in enumerate(token) if not (letter.isascii() and (letter.isalnum() or letter in "-_"))),
            len(token),
        )
        return f"continue key is not valid: illegal base64 data at input byte {at}"
    try:
        found, _ = parsed(packed, JSON)
    except BodyError as error:
        return f"continue key is not valid: {error}"
    return _checked(found)


def _checked(found: Any) -> tuple[int, str] | str:
    if not isinstance(found, dict) or found.get("v") != TOKEN_VERSION:
        return "server does not recognize this encoded version"
    revision, start = found.get("rv"), found.get("start")
    if (
        not isinstance(revision, int)
        or isinstance(revision, bool)
        or revision <= 0
        or not isinstance(start, str)
        or not start
    ):
        return "continue key is not valid: it does not come from this server"
    return revision, start.removesuffix("\0").removeprefix("/")
