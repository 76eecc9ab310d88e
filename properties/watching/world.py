"""Several API servers on one etcd, and a reflector behind a balancer, as a machine made of the implementations.

Who is asked next is anybody's guess: that is the balancer. A server that lags is one that is not told yet. `past` keeps
every change there was, also those that etcd has forgotten: claims look at it, and nobody else does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from attrs import evolve, field, frozen

from ...impl.api.core import Pod
from ...impl.api.kinds import Object
from ...impl.api.meta import ObjectMeta, Ref
from ...impl.api.requests import Response
from ...impl.apiserver.cacher.reads import ListAnswer, ReadOptions, cached, least
from ...impl.apiserver.cacher.watch_cache import CacheSettings, WatchCache, filled, pending, processed, progressed
from ...impl.apiserver.cacher.watches import more, opened
from ...impl.apiserver.server import end_of, key_of, prefix_of, versioned
from ...impl.apiserver.verbs.watch import WatchFilter
from ...impl.etcd import Compacted, DeleteRange, Event, KeyValue, Put, Store, apply
from ...impl.etcd.store import compact
from ...impl.informer.reflector import Reflector, bookmarked, heard, list_version, listed, refused
from ...model.machine import Action, Fairness, Machine, Outcome, View

NAMESPACE = "default"
PREFIX = prefix_of("Pod", NAMESPACE)
WATCHED = WatchFilter("Pod", NAMESPACE)
ELSEWHERE = b"/registry/services/default/other"
"""A key that is below no prefix of a cache."""


@frozen
class Ways:
    """What befalls the servers and their client, how large the rings are, and which faults are there."""

    writes: int = 2
    restarts: int = 1
    cuts: int = 1
    compactions: int = 1
    server_restarts: int = 1
    servers: int = 2
    names: tuple[str, ...] = ("a",)
    cache: CacheSettings = field(factory=lambda: CacheSettings(capacity=1))
    consistent_start: bool = False
    """The client's first list, too, asks for the most recent."""
    tombstones: bool = True
    """etcd still tells of a deletion at the revision that it was compacted at (etcd#18089)."""


@frozen
class Asked:
    """A list under way: of whom, with which version, how new it must be, and the revision when it was asked for."""

    server: int
    version: str
    least: int
    since: int


@frozen(cache_hash=True)
class Client:
    """A reflector, the server it watches, and the list that it has asked for."""

    reflector: Reflector = field(factory=Reflector)
    watches: int | None = None
    asked: Asked | None = None


Step = Callable[[View], Iterator[Outcome]]


def slot(server: int) -> str:
    """Name the slot of a server."""
    return f"s{server}"


def world(ways: Ways) -> Machine:
    """Return the machine. Its slots: etcd, past, each server, the client, `newest` (what it has ever seen), budgets."""
    cache = filled(Store(), PREFIX, end_of(PREFIX), ways.cache)
    first: dict[str, Hashable] = {"etcd": Store(), "past": (), "client": Client(), "newest": 0}
    first |= {slot(server): cache for server in range(ways.servers)}
    first |= {"writes": ways.writes, "compactions": ways.compactions, "cuts": ways.cuts}
    first |= {"restarts": ways.restarts, "server restarts": ways.server_restarts}
    actions = [
        Action("etcd: changes", "writer", _writes(ways.names), Fairness.NONE),
        Action("etcd: is compacted", "etcd", _compacts(ways), Fairness.NONE),
        Action("client: is cut off", "network", _is_cut_off, Fairness.NONE),
        Action("client: restarts", "restart", _restarts, Fairness.NONE),
    ]
    for server in range(ways.servers):
        again = _server_restarts(server)
        actions.append(Action(f"s{server}: restarts", f"s{server} restarts", again, Fairness.NONE))
        does = {"follows": _follows(server), "is asked": _is_asked(server, ways), "answers": _answers(server)}
        does |= {"is watched": _is_watched(server), "tells": _tells(server)}
        actions += [Action(f"s{server}: {verb}", f"s{server} {verb}", step) for verb, step in does.items()]
    return Machine((first,), tuple(actions))


def pod(name: str) -> Object:
    """Return an object of the kind that is watched."""
    return Pod(ObjectMeta(name=name, namespace=NAMESPACE))


def _writes(names: tuple[str, ...]) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        store: Store = view["etcd"]
        if not view["writes"]:
            return
        offered: list[tuple[str, Put | DeleteRange]] = [("something else", Put(ELSEWHERE, b""))]
        for name in names:
            key = key_of(Ref("Pod", NAMESPACE, name))
            offered.append((f"writes {name}", Put(key, pod(name))))
            if key in store.keys:
                offered.append((f"deletes {name}", DeleteRange(key)))
        for label, operation in offered:
            after, _ = apply(store, operation)
            news = {"etcd": after, "past": (*view["past"], *after.since(after.revision))}
            yield Outcome(label, {**news, "writes": view["writes"] - 1})

    return step


def _compacts(ways: Ways) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        store: Store = view["etcd"]
        if view["compactions"]:
            for revision in range(max(store.compact_revision, 1) + 1, store.revision + 1):
                after = compact(store, revision, tombstones=ways.tombstones)
                yield Outcome(f"at {revision}", {"etcd": after, "compactions": view["compactions"] - 1})

    return step


def _follows(server: int) -> Step:
    """Take one change from etcd, or its word that there is none; list anew if some are forgotten."""

    def step(view: View) -> Iterator[Outcome]:
        cache: WatchCache = view[slot(server)]
        news = pending(cache, view["etcd"])
        if isinstance(news, Compacted):
            yield Outcome("comes too late and lists etcd", _anew(view, server))
        elif news:
            yield Outcome(f"is at {news[0].kv.mod_revision}", {slot(server): processed(cache, news[0])})
        else:
            yield Outcome("hears of progress", {slot(server): progressed(cache, view["etcd"].revision)})

    return step


def _anew(view: View, server: int) -> dict[str, Hashable]:
    cache: WatchCache = view[slot(server)]
    client: Client = view["client"]
    left = evolve(client, watches=None) if client.watches == server else client
    return {slot(server): filled(view["etcd"], cache.start, cache.end, cache.settings), "client": left}


def _server_restarts(server: int) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        if view["server restarts"]:
            left = view["server restarts"] - 1
            yield Outcome("restarts and lists etcd", {**_anew(view, server), "server restarts": left})

    return step


def _is_asked(server: int, ways: Ways) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        reflector = client.reflector
        if client.asked or client.watches is not None or (reflector.version and not reflector.unavailable):
            return
        version = list_version(reflector, consistent_start=ways.consistent_start)
        store: Store = view["etcd"]
        asked = Asked(server, version, least(store, ReadOptions(version)), store.revision)
        yield Outcome(f'lists with resourceVersion="{version}"', {"client": evolve(client, asked=asked)})

    return step


def _answers(server: int) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.asked is None or client.asked.server != server:
            return
        answer = cached(view[slot(server)], client.asked.least)
        if isinstance(answer, ListAnswer):
            objects = tuple(versioned(kv.value, kv.mod_revision) for kv in answer.objects)
            after = Client(listed(objects, answer.revision))
            yield Outcome(f"lists as of {answer.revision}", _seen(view, after))
        else:
            after = Client(refused(client.reflector, answer.refusal))
            yield Outcome("refuses: too large a resource version", {"client": after})

    return step


def _seen(view: View, client: Client) -> dict[str, Hashable]:
    return {"client": client, "newest": max(view["newest"], int(client.reflector.version))}


def _is_watched(server: int) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        reflector = client.reflector
        if client.watches is not None or client.asked or not reflector.version or reflector.unavailable:
            return
        found = opened(view[slot(server)], reflector.version, WATCHED)
        if isinstance(found, Response):
            yield Outcome(found.message, {"client": Client(refused(reflector, found))})
        else:
            yield Outcome(f"is watched from {found.position}", {"client": evolve(client, watches=server)})

    return step


def _tells(server: int) -> Step:
    def step(view: View) -> Iterator[Outcome]:
        client: Client = view["client"]
        if client.watches != server:
            return
        reflector = client.reflector
        found = more(view[slot(server)], int(reflector.version), WATCHED)
        if isinstance(found, Response):
            yield Outcome(found.message, {"client": Client(refused(reflector, found))})
            return
        revision, events = found
        after = bookmarked(reflector, revision)
        label = f"bookmark at {revision}"
        for event in events:
            after, label = heard(reflector, event), f"{event.type} {event.object.metadata.name} at {revision}"
        yield Outcome(label, _seen(view, evolve(client, reflector=after)))

    return step


def _is_cut_off(view: View) -> Iterator[Outcome]:
    client: Client = view["client"]
    if view["cuts"] and (client.watches is not None or client.asked is not None):
        yield Outcome("loses its connection", {"client": Client(client.reflector), "cuts": view["cuts"] - 1})


def _restarts(view: View) -> Iterator[Outcome]:
    if view["restarts"] and view["client"] != Client():
        yield Outcome("forgets everything", {"client": Client(), "restarts": view["restarts"] - 1})


def state_at(past: tuple[Event, ...], revision: int) -> dict[bytes, KeyValue]:
    """Return what was below the prefix at a revision, from all the changes that there were."""
    there: dict[bytes, KeyValue] = {}
    for event in past:
        if event.kv.mod_revision <= revision and event.kv.key.startswith(PREFIX):
            there.pop(event.kv.key, None)
            if not event.deletes:
                there[event.kv.key] = event.kv
    return there
