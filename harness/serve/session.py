"""A recorded session gone through again: the same requests and turns at the same times, and every answer compared.

Nothing else decides what a session comes to: uids and names are drawn from the seed and the revision, and clocks are
read outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

from ...impl.apiserver.access.authentication import User
from ...impl.apiserver.rest.http import HttpRequest, HttpResponse, WatchResponse
from ...impl.apiserver.rest.serve import serve
from ...impl.apiserver.verbs.create import Inputs
from .database import BadDatabaseError, Database, reopened
from .naming import suffix_of, uid_of
from .plane import Plane
from .recording import OPENED, TICK, Recorded, Turn, digest
from .start import fresh
from .turns import advance


@frozen
class Retold:
    """What came of a session: how many requests and turns it has, and where it went otherwise (nowhere: ())."""

    requests: int
    turns: int
    otherwise: tuple[str, ...] = ()


def answered(
    plane: Plane, http: HttpRequest, user: User | None, now: float
) -> tuple[Plane, HttpResponse | WatchResponse]:
    """Serve one request at a time in seconds; what is drawn is drawn from the seed and the revision."""
    drawn = suffix_of(plane.seed, plane.revision), uid_of(plane.seed, plane.revision)
    server, answer = serve(plane.server, http, user, Inputs(int(now), *drawn))
    return evolve(plane, server=server), answer


def code_of(answer: HttpResponse | WatchResponse) -> int:
    """Return the code of an answer; a watch that begins is granted."""
    return answer.code if isinstance(answer, HttpResponse) else 200


def differs(before: Plane, after: Plane) -> bool:
    """Tell whether a turn changed anything that a later turn or request can see."""
    old = (before.revision, before.server.store.compact_revision, before.runtimes, before.waits, before.looked)
    return old != (after.revision, after.server.store.compact_revision, after.runtimes, after.waits, after.looked)


def retold(database: Database) -> Retold:
    """Go through a session again, up to the first difference. Raises BadDatabaseError where it does not begin here."""
    began = database.began()
    if began is None:
        raise BadDatabaseError(f"{database.name}: it does not say what the session began with")
    plane, requests, turns = fresh(began.nodes, began.time, began.seed), 0, 0
    for number, happened in enumerate(database.session(), start=1):
        plane, odd = _again(plane, happened)
        requests, turns = requests + isinstance(happened, Recorded), turns + isinstance(happened, Turn)
        if odd:
            return Retold(requests, turns, (f"step {number}: {_told(happened)}", *odd))
    return Retold(requests, turns, tuple(_left(plane, database)))


def _again(plane: Plane, happened: Recorded | Turn) -> tuple[Plane, tuple[str, ...]]:
    """Do one thing again; say what came out otherwise."""
    found: tuple[tuple[str, object, object], ...] = ()
    if isinstance(happened, Recorded):
        after, answer = answered(plane, happened.request, happened.user, happened.time)
        found = ("code", happened.code, code_of(answer)), ("body", happened.answer, digest(answer))
    else:
        after = _turned(plane, happened)
    compared = (*found, ("revision", happened.revision, after.revision))
    return after, tuple(f"  {what} was {was}, and is {now}" for what, was, now in compared if was != now)


def _turned(plane: Plane, turn: Turn) -> Plane:
    if turn.kind == OPENED:
        return reopened(plane)
    return advance(plane, turn.time, tick=turn.kind == TICK)[0]


def _told(happened: Recorded | Turn) -> str:
    if isinstance(happened, Turn):
        return f"a {happened.kind} of the components" if happened.kind != OPENED else "the file is opened"
    http = happened.request
    return f"{http.method} {http.path}" + (f" by {happened.user.name}" if happened.user else "")


def _left(plane: Plane, database: Database) -> Iterator[str]:
    """Compare what is left with what the file has."""
    kept = database.load()
    there = dict(kept.server.store.keys.items()) if kept else {}
    found = dict(plane.server.store.keys.items())
    for key in sorted({*there, *found}):
        if there.get(key) != found.get(key):
            yield f"in the end {key.decode()} is not what it was"


def text_of(told: Retold, name: str) -> str:
    """Say what came of a session."""
    what = f"{told.requests} request{'s' * (told.requests != 1)} and {told.turns} turn{'s' * (told.turns != 1)}"
    if told.otherwise:
        return "\n".join((f"{name} goes otherwise, after {what}:", *told.otherwise)) + "\n"
    return f"{name} replays: {what}, every answer as it was\n"


def replayed(path: Path) -> Retold:
    """Go through the session in a file. Raises BadDatabaseError."""
    database = Database(path)
    try:
        return retold(database)
    finally:
        database.close()
