"""Several API servers with watch caches, and a client behind a balancer, as a machine: windows on one history.

May do: change an object, or something else; forget the past (etcd's compaction); a server's window moves on in the
history, drops its oldest part, or begins anew at the present; the client asks any server for a list that is at least so
new, is answered or refused, watches any server from where it is, is told the next change or that there is none, is cut
off, and restarts. Upstream: the API concepts of Kubernetes' documentation (resource versions), KEP-2340.

A server is where its window begins and ends: it can tell every change in it, and what there was at its end. The client
is where it is in the history, with what it has. It goes back by one step only: the first list after a restart, which
may be of any age. Left out: several kinds in one cache, selectors, pages.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...machine import Action, Fairness, Machine, Outcome, View

NAMES = ("a", "b")
OTHER = ""
"""The name in a change that is not of the kind that is watched."""
ANY = 0
Change = tuple[str, bool]
"""Whose change it is, and whether it is there afterwards."""
History = tuple[Change, ...]
Contents = immutabledict[str, int]
"""What there is, with the revision of its last change; a change's revision is its place in the history, from 1."""
Step = Callable[[View], Iterator[Outcome]]


@frozen
class Client:
    """Where the client is (None before its first list) and what it has; whom it watches; whom it has asked, for what.

    `least` is how new the answer must be; `expired` tells that its place is of no use: it asks for the most recent.
    """

    at: int | None = None
    has: Contents = field(factory=immutabledict)
    watches: int | None = None
    asked: int | None = None
    least: int = ANY
    expired: bool = False


def contents(history: History, at: int) -> Contents:
    """Return what there is after so many changes."""
    there: dict[str, int] = {}
    for revision, (name, stays) in enumerate(history[:at], start=1):
        there.pop(name, None)
        if stays and name != OTHER:
            there[name] = revision
    return immutabledict(sorted(there.items()))


def server(number: int) -> str:
    """Name the slot of a server: where its window begins, and where it ends."""
    return f"server {number}"


def write(most: int, names: tuple[str, ...]) -> Step:
    """Change something, up to so many times."""

    def step(view: View) -> Iterator[Outcome]:
        history: History = view["history"]
        if len(history) >= most:
            return
        there = contents(history, len(history))
        yield Outcome("changes something else", {"history": (*history, (OTHER, True))})
        for name in names:
            yield Outcome(f"writes {name}", {"history": (*history, (name, True))})
            if name in there:
                yield Outcome(f"deletes {name}", {"history": (*history, (name, False))})

    return step


def forget(view: View) -> Iterator[Outcome]:
    """Forget the changes before one that has happened."""
    for first in range(view["forgotten"] + 1, len(view["history"]) + 1):
        yield Outcome(f"forgets what was before {first}", {"forgotten": first})


def move(number: int) -> Step:
    """Let a window move on, as long as no change behind its end is forgotten; what it began with may leave it."""

    def step(view: View) -> Iterator[Outcome]:
        begins, ends = view[server(number)]
        if ends + 1 >= view["forgotten"]:
            for end in range(ends, len(view["history"]) + 1):
                for begin in range(begins, end + 1):
                    yield Outcome(f"is at {end}, remembers from {begin} on", {server(number): (begin, end)})

    return step


def begin_anew(number: int, *, late: bool) -> Step:
    """List etcd: the window begins at the present; as one must who is too `late`. Who watches the server is cut off."""

    def step(view: View) -> Iterator[Outcome]:
        now, client = len(view["history"]), view["client"]
        if late and view[server(number)][1] + 1 >= view["forgotten"]:
            return
        left = evolve(client, watches=None) if client.watches == number else client
        yield Outcome("lists etcd", {server(number): (now, now), "client": left})

    return step


def ask(number: int, *, consistent_start: bool) -> Step:
    """Ask a server for a list: no older than what one has, the most recent if that is of no use, or any at first."""

    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.asked is None and client.watches is None and (client.at is None or client.expired):
            recent = client.expired or consistent_start
            least = len(view["history"]) if recent else client.at or ANY
            yield Outcome(f"asks for {'the most recent' if recent else least or 'any'}", _asks(client, number, least))

    return step


def _asks(client: Client, number: int, least: int) -> dict[str, Hashable]:
    return {"client": evolve(client, asked=number, least=least)}


def answer(number: int) -> Step:
    """Answer with what there is at the end of the window, once that is new enough; refuse if that takes too long."""

    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.asked != number:
            return
        _, ends = view[server(number)]
        if ends >= client.least:
            yield Outcome(f"lists as of {ends}", {"client": Client(ends, contents(view["history"], ends))})
        else:
            refused = evolve(client, asked=None, least=ANY, expired=True)
            yield Outcome("has not come so far", {"client": refused})

    return step


def watch(number: int) -> Step:
    """Watch a server from where one is; it refuses if its window begins later."""

    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.at is None or client.expired or client.watches is not None or client.asked is not None:
            return
        if client.at >= view[server(number)][0]:
            yield Outcome("watches", {"client": evolve(client, watches=number)})
        else:
            yield Outcome("is told that it is too late", {"client": evolve(client, expired=True)})

    return step


def tell(number: int) -> Step:
    """Tell who watches the next change, or how far there is none; or that it is too late."""

    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.watches != number or client.at is None:
            return
        begins, ends = view[server(number)]
        history: History = view["history"]
        if client.at < begins:
            yield Outcome("is told that it is too late", {"client": evolve(client, watches=None, expired=True)})
            return
        mine = [at for at in range(client.at + 1, ends + 1) if history[at - 1][0] != OTHER]
        at = mine[0] if mine else max(client.at, ends)
        yield Outcome(f"is told of {at}", {"client": evolve(client, at=at, has=contents(history, at))})

    return step


def cut(view: View) -> Iterator[Outcome]:
    """Lose the connection."""
    client: Client = view["client"]
    if client.watches is not None or client.asked is not None:
        yield Outcome("loses its connection", {"client": evolve(client, watches=None, asked=None, least=ANY)})


def restart(view: View) -> Iterator[Outcome]:
    """Forget everything."""
    if view["restarts"] and view["client"] != Client():
        yield Outcome("restarts", {"client": Client(), "restarts": view["restarts"] - 1})


def servers(
    count: int, writes: int, restarts: int, names: tuple[str, ...] = NAMES, *, consistent_start: bool = False
) -> Machine:
    """Return so many servers over one history, and a client of theirs that may restart."""
    first: dict[str, Hashable] = {"history": (), "forgotten": 0, "client": Client(), "restarts": restarts}
    first |= {server(number): (0, 0) for number in range(count)}
    actions = [
        Action("etcd: changes", "writer", write(writes, names), Fairness.NONE),
        Action("etcd: forgets", "etcd", forget, Fairness.NONE),
        Action("client: is cut off", "network", cut, Fairness.NONE),
        Action("client: restarts", "restart", restart, Fairness.NONE, verb="restart"),
    ]
    for number in range(count):
        anew = begin_anew(number, late=False)
        actions.append(Action(f"s{number}: restarts", f"s{number} restarts", anew, Fairness.NONE, verb="begins anew"))
        does = {"moves": move(number), "begins anew": begin_anew(number, late=True), "answers": answer(number)}
        does |= {"asks": ask(number, consistent_start=consistent_start), "watches": watch(number)}
        does["tells"] = tell(number)
        actions += [Action(f"s{number}: {verb}", f"s{number} {verb}", step, verb=verb) for verb, step in does.items()]
    return Machine((first,), tuple(actions))
