"""HTTP around the pure control plane: one request after the other, each kept on disk before its answer goes out.

Everything runs in one thread: a request is served, or a turn of the components is made, never both at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import yaml
from attrs import evolve
from immutabledict import immutabledict
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ...impl.api.requests import Response as Refusal
from ...impl.apiserver.access.authentication import ADMIN, ANONYMOUS, Credentials, User, authenticate
from ...impl.apiserver.rest.body import LARGEST
from ...impl.apiserver.rest.http import JSON, YAML, HttpRequest, HttpResponse, WatchResponse
from ...impl.apiserver.rest.render import failure
from ...impl.apiserver.server import Server, as_of
from ...impl.etcd import Failure
from . import streams
from .balancer import Balancer
from .database import Database
from .plane import Plane
from .protobuf import PROTOBUF, ProtobufError, to_json
from .recording import TICK as TICKED
from .recording import TURN, Recorded, Turn, digest
from .session import answered, code_of, differs
from .turns import advance

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HOSTS = ["localhost", "127.0.0.1"]
"""Names the server answers to: a page in a browser that resolves its own name to loopback gets nothing."""
SLOWEST = 20
"""Seconds a client may take to send a body."""
TICK = 1.0
"""Seconds after which every component looks again, though nothing has changed."""
BOOKMARKS = 30.0
"""Seconds between bookmarks of a watch where nothing happens."""
BEHIND = 0.1
"""Seconds after which a watch looks again whose server has not seen all that there is."""
LONGEST_WATCH = 1800
"""Seconds a watch lasts that names no timeout."""


class Service:
    """The state of the process: the plane as it is now, the file it is kept in, and who waits for a change of it."""

    def __init__(
        self,
        plane: Plane,
        database: Database,
        credentials: Credentials | None = None,
        *,
        components: bool = True,
        balancer: Balancer | None = None,
    ) -> None:
        """Serve a plane; without credentials whoever reaches the port is the administrator."""
        self.components, self.balancer = components, balancer or Balancer()
        self.plane, self.database, self.credentials = plane, database, credentials
        self.changed = asyncio.Condition()
        self.ending = False

    def user_of(self, authorization: str, certificate: User | None = None) -> User | None:
        """Return whose a request is; None where its token is nobody's. A certificate goes before a token."""
        if certificate is not None:
            shown = Credentials(certificates=immutabledict({certificate.name: certificate}))
            return authenticate(shown, certificate=certificate.name)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return ADMIN if self.credentials is None else ANONYMOUS
        return authenticate(self.credentials or Credentials(), token=token.strip())

    async def answer(self, http: HttpRequest, user: User | None, server: int = 0) -> HttpResponse | WatchResponse:
        """Serve one request by one of the servers: what it writes is kept before this returns."""
        now, before = time.time(), self.plane
        self.balancer.note(now, before.revision)
        http = self.balancer.asked(http, server, now, before.revision)
        self.plane, answer = answered(before, http, user, now)
        self.database.keep(
            before, self.plane, Recorded(now, user, http, code_of(answer), self.plane.revision, digest(answer))
        )
        if self.plane.revision != before.revision:
            await self.tell()
        return answer

    async def tell(self) -> None:
        """Wake whoever waits for a change."""
        async with self.changed:
            self.changed.notify_all()

    async def end(self) -> None:
        """End the watches, so that the server can end."""
        self.ending = True
        await self.tell()

    async def run(self) -> None:
        """Make turns for ever: when something has changed, when something is due, and once a second."""
        tick = True
        while True:
            before, now = self.plane, time.time()
            self.plane, over = advance(before, now, tick=tick)
            if differs(before, self.plane):
                self.database.keep(before, self.plane, Turn(now, TICKED if tick else TURN, self.plane.revision))
            if self.plane.revision != before.revision:
                await self.tell()
            if not over:
                await asyncio.sleep(0)
                tick = False
                continue
            tick = not await self._woken(self.plane.revision)

    async def _woken(self, revision: int) -> bool:
        """Wait until the plane changes, or a tick is over; say whether it was a change."""
        async with self.changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait_for(lambda: self.plane.revision != revision), TICK)
                return True
        return False

    def seen_by(self, server: int) -> Server:
        """Return the server as one of several has seen it by now."""
        now, current = time.time(), self.plane.revision
        self.balancer.note(now, current)
        view = as_of(self.plane.server, self.balancer.revision(server, now, current))
        return self.plane.server if isinstance(view, Failure) else view

    async def events(self, watch: WatchResponse, server: int = 0) -> AsyncIterator[bytes]:
        """Yield the lines of a watch of one of the servers, as they come."""
        end = time.monotonic() + min(watch.timeout or LONGEST_WATCH, LONGEST_WATCH)
        position, events = streams.first(self.seen_by(server), watch, int(time.time()))
        for event in events:
            yield _line(event)
        marked = time.monotonic()
        while time.monotonic() < end and not self.ending:
            after, events = streams.more(self.seen_by(server), watch, position, int(time.time()))
            for event in events:
                yield _line(event)
            if after is None:
                return
            position = after
            if watch.bookmarks and time.monotonic() - marked > BOOKMARKS:
                marked = time.monotonic()
                yield _line(streams.bookmark(watch, position.revision))
            await self._changed_after(position.revision, end, server)
        if watch.bookmarks and not self.ending:
            yield _line(streams.bookmark(watch, position.revision))

    async def _changed_after(self, revision: int, end: float, server: int) -> None:
        seconds = max(0.0, min(end - time.monotonic(), BOOKMARKS))
        if self.balancer.lags(server):
            await asyncio.sleep(min(seconds, BEHIND))
            return

        def told() -> bool:
            return self.plane.revision > revision or self.ending

        async with self.changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait_for(told), seconds)


def _line(event: object) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def application(service: Service) -> Starlette:
    """Return the ASGI application of a service."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await asyncio.wait_for(_body(request), SLOWEST)
        except (TimeoutError, ClientDisconnect):
            return _response(failure(Refusal(408, "Timeout", "the body of the request did not arrive in time")))
        if body is None:
            return _response(failure(Refusal(413, "RequestEntityTooLarge", f"limit is {LARGEST}")))
        shown = request.scope.get("state", {}).get("certificate")
        user = service.user_of(request.headers.get("authorization", ""), shown)
        http = _http(request, body)
        if user is not None and http.content_type.partition(";")[0].strip() == PROTOBUF:
            try:
                http = evolve(http, body=json.dumps(to_json(body)).encode(), content_type=JSON)
            except ProtobufError as error:
                return _response(failure(Refusal(400, "BadRequest", str(error))))
        server = service.balancer.next()
        answer = await service.answer(http, user, server)
        if isinstance(answer, WatchResponse):
            return StreamingResponse(service.events(answer, server), media_type=JSON)
        return _response(answer)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        turning = asyncio.create_task(service.run()) if service.components else None
        try:
            yield
        finally:
            if turning is not None:
                turning.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await turning
            service.database.close()

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=METHODS)], middleware=[hosts], lifespan=lifespan)


async def _body(request: Request) -> bytes | None:
    """Return the body; None of one that is too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _http(request: Request, body: bytes) -> HttpRequest:
    raw = request.scope.get("query_string", b"").decode("latin-1")
    query = tuple(parse_qsl(raw, keep_blank_values=True, errors="replace", max_num_fields=None))
    headers = request.headers
    names = ("content-type", "accept", "user-agent")
    content_type, accept, agent = (headers.get(name, "") for name in names)
    name = headers.get("impersonate-user", "")
    wanted = User(name, tuple(headers.getlist("impersonate-group"))) if name else None
    return HttpRequest(request.method, request.scope["path"], query, body, content_type, accept, agent, wanted)


def _response(answer: HttpResponse) -> Response:
    headers = [("warning", f'299 - "{_quoted(text)}"') for text in answer.warnings]
    content = answer.body
    if answer.content_type == YAML:
        content = yaml.safe_dump(content, sort_keys=True)
    elif not isinstance(content, str):
        content = json.dumps(content, separators=(",", ":"))
    response = Response(content, answer.code, media_type=answer.content_type)
    for name, value in headers:
        response.headers.append(name, value)
    return response


def _quoted(text: str) -> str:
    """Return a text that may stand in a header."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return (
        "".join(letter if letter.isprintable() else " " for letter in plain).replace("\\", "\\\\").replace('"', '\\"')
    )
