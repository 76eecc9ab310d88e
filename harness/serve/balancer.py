"""Several API servers behind a balancer: who answers next, and how far its watch cache has come.

Requests go round. The last server's cache lags by some seconds: a list of any age (`resourceVersion=0`) is answered
from it, and a watch that it serves tells what has happened later than others do. Writes, and reads of the most recent,
go through to etcd, as upstream. A list that an old cache answers is the one at that exact revision, and is recorded so.
"""

from __future__ import annotations

from collections import deque

from attrs import define, evolve, field

from ...impl.apiserver.rest.http import HttpRequest
from ...impl.apiserver.rest.request_info import request_info


@define
class Balancer:
    """So many servers, the last of which lags by so many seconds; and when each revision came."""

    servers: int = 1
    lag: float = 0.0
    _turn: int = 0
    _came: deque[tuple[float, int]] = field(factory=deque)

    def note(self, now: float, revision: int) -> None:
        """Note which revision there is by now; what every cache has seen is forgotten."""
        if not self._came or self._came[-1][1] != revision:
            self._came.append((now, revision))
        while len(self._came) > 1 and self._came[1][0] <= now - self.lag:
            self._came.popleft()

    def next(self) -> int:
        """Return which server is asked next."""
        self._turn = (self._turn + 1) % self.servers
        return self._turn

    def lags(self, server: int) -> bool:
        """Tell whether a server's cache lags."""
        return self.lag > 0 and self.servers > 1 and server == self.servers - 1

    def revision(self, server: int, now: float, current: int) -> int:
        """Return the revision up to which a server has seen everything."""
        if not self.lags(server):
            return current
        seen = [revision for came, revision in self._came if came <= now - self.lag]
        return max(seen, default=self._came[0][1] if self._came else current)

    def asked(self, http: HttpRequest, server: int, now: float, current: int) -> HttpRequest:
        """Return what is asked of the store: a list of any age is one at the revision of the server's cache."""
        seen = self.revision(server, now, current)
        info = request_info(http.method, http.path, watch=http.option("watch") in {"true", "1"})
        if seen == current or not seen or info is None or info.verb != "list":
            return http
        if http.option("resourceVersion") != "0" or http.option("resourceVersionMatch"):
            return http
        others = tuple(pair for pair in http.query if pair[0] not in {"resourceVersion", "limit"})
        return evolve(http, query=(*others, ("resourceVersion", str(seen)), ("resourceVersionMatch", "Exact")))
