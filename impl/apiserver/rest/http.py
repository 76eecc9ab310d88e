"""A request and an answer of HTTP, as values."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from ...api.requests import Selection
from ..access.authentication import User

JSON = "application/json"
YAML = "application/yaml"
TEXT = "text/plain; charset=utf-8"


@frozen
class HttpRequest:
    """What came over the wire: the query in its order, and of the headers those that matter."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = ""
    accept: str = ""
    user_agent: str = ""
    impersonated: User | None = None
    """Whom the client wants to be (the headers Impersonate-User and Impersonate-Group)."""

    def option(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)


@frozen
class HttpResponse:
    """An answer: JSON (or text, where `content_type` says so), and warnings that go into headers."""

    code: int
    body: Any
    content_type: str = JSON
    warnings: tuple[str, ...] = ()


@frozen
class WatchResponse:
    """An answer that goes on: the events of a selection after a revision, each written as `view` says.

    `initial` asks for the objects there are first, as added ones, and a bookmark behind them.
    """

    of: Selection
    revision: int
    view: Any
    bookmarks: bool = False
    initial: bool = False
    timeout: int | None = None
