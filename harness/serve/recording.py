"""What a session consists of, as values and as rows of a table: requests with their answers, and turns between them."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from attrs import frozen

from ...impl.apiserver.access.authentication import User
from ...impl.apiserver.rest.http import HttpRequest, HttpResponse, WatchResponse

TURN, TICK, OPENED = "turn", "tick", "opened"


@frozen
class Recorded:
    """A request as it was served: when (seconds since 1970), whose, what, the code of the answer and the revision.

    `user` None: of nobody that is known. `answer` is a digest of the body.
    """

    time: float
    user: User | None
    request: HttpRequest
    code: int
    revision: int
    answer: str = ""


@frozen
class Turn:
    """What happened between requests: components took a `turn`, or a `tick` made them look, or the file was `opened`.

    With the revision that it left.
    """

    time: float
    kind: str
    """TURN, TICK or OPENED."""
    revision: int


@frozen
class Began:
    """What a session began with."""

    nodes: int
    time: int
    seed: int


def digest(answer: HttpResponse | WatchResponse) -> str:
    """Return what tells one answer from another; of a watch nothing, for its events come as time goes by."""
    if isinstance(answer, WatchResponse):
        return ""
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def row_of(happened: Recorded | Turn) -> tuple[Any, ...]:
    """Return the columns behind the number, as the tables have them."""
    if isinstance(happened, Turn):
        return (happened.time, happened.kind, happened.revision)
    http = happened.request
    url = quote(http.path) + (f"?{urlencode(http.query)}" if http.query else "")
    headers = (http.content_type, http.accept, http.user_agent, _written(http.impersonated))
    answer = (happened.code, happened.revision, happened.answer)
    return (happened.time, _written(happened.user), http.method, url, *headers, http.body, *answer)


def recorded(row: tuple[Any, ...]) -> Recorded:
    """Read a row of the table of requests."""
    _, time, user, method, url, content_type, accept, agent, impersonated, body, code, revision, answer = row
    path, _, query = str(url).partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    http = HttpRequest(method, unquote(path), pairs, bytes(body), content_type, accept, agent, _user(impersonated))
    return Recorded(time, _user(user), http, code, revision, answer)


def _written(user: User | None) -> str:
    return "" if user is None else json.dumps([user.name, list(user.groups)])


def _user(text: str) -> User | None:
    if not text:
        return None
    name, groups = json.loads(text)
    return User(name, tuple(groups))
