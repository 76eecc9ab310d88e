"""A history followed change by change: whatever a controller wrote it must ask for on something it may have seen.

What it may have seen: the cluster as it was at some moment before the write, or, where no such moment explains it, each
kind as it was at a moment of its own, for every informer lags by itself. Where all was waited for, nothing may be left
to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product

from attrs import define, field, frozen

from ...impl.api.cache import Cache
from ...impl.api.kinds import Object, ref_of
from ...impl.api.meta import Ref
from ...impl.api.releases import Release
from ...impl.api.requests import Create, Request, Update
from .history import Change, History
from .writers.writer import LATER, Seen, Writer

MIXTURES = 600
"""So many views of kinds at moments of their own are tried for one write."""
NEAREST = 3


@frozen
class Unasked:
    """A write that its controller does not ask for, or a rest at which something is left to do; what it asks for."""

    place: str
    what: str
    writer: str
    nearest: tuple[str, ...] = ()
    rests: bool = False


@frozen
class Followed:
    """What was judged: how many writes of each controller, and which of them are not asked for."""

    judged: Mapping[str, int]
    unasked: tuple[Unasked, ...]
    unjudged: Mapping[str, int]
    """Changes that nobody judges, by kind."""
    open: Mapping[str, str]
    """Controllers of which nothing can be said, and why."""


def follow(history: History, writers: Iterable[Writer], release: Release) -> Followed:
    """Follow a history through."""
    cache = Cache.of(history.start)
    every = tuple(writers)
    lacking = {writer.name: _lacks(writer, history) for writer in every}
    followers = [_Follower(writer, release) for writer in every if not lacking[writer.name]]
    for follower in followers:
        follower.sees(cache, 0, None)
    judged: dict[str, int] = {}
    unjudged: dict[str, int] = {}
    wrong: list[Unasked] = []
    for number, change in enumerate(history.changes, 1):
        known = number > history.begins
        mine = [watcher for watcher in followers if watcher.writer.is_its(change, cache)] if known else []
        for follower in mine:
            judged[follower.writer.name] = judged.get(follower.writer.name, 0) + 1
            if not follower.explains(change):
                told = tuple(told_request(request) for request in follower.near(change))
                wrong.append(Unasked(change.place, str(change), follower.writer.name, told))
        if not mine:
            unjudged[change.ref.kind] = unjudged.get(change.ref.kind, 0) + 1
        cache = _after(cache, change)
        for follower in (watcher for watcher in followers if change.ref.kind in watcher.writer.watched):
            follower.sees(cache, change.time, change)
        if number in history.rests and known:
            wrong += (found for watcher in followers for found in _left(watcher, cache, change, release))
    return Followed(judged, tuple(wrong), unjudged, {name: why for name, why in lacking.items() if why})


def _lacks(writer: Writer, history: History) -> str:
    kinds = {ref_of(obj).kind for obj in history.start} | {change.ref.kind for change in history.changes}
    if not kinds & writer.kinds:
        return ""
    missing = sorted(writer.needs - kinds)
    return f"no {' or '.join(missing)} is recorded (add kubectl get nodes -o json > nodes.json)" if missing else ""


def _after(cache: Cache, change: Change) -> Cache:
    others = (obj for ref, obj in cache.objects.items() if ref != change.ref)
    return Cache.of(others if change.after is None else (*others, change.after))


def _left(follower: _Follower, cache: Cache, change: Change, release: Release) -> Iterator[Unasked]:
    """Say what is left to do where all was waited for."""
    moments = (change.time, change.time + LATER)
    at_once, later = (tuple(follower.writer.asked(Seen(cache, now, release), follower.writer.must)) for now in moments)
    if at_once and later:  # what was to be done at once has been done, or it waits for a moment that was not told
        told = tuple(map(told_request, at_once[:NEAREST]))
        yield Unasked(change.place, f"{change.place}: the run is at rest here", follower.writer.name, told, rests=True)


@define(eq=False)
class _Follower:
    """All that one controller may have asked for by now, and what it may have seen."""

    writer: Writer
    release: Release
    asked: dict[Request, None] = field(factory=dict)
    views: dict[str, list[tuple[Object, ...]]] = field(factory=dict)
    """By kind: its objects as they were, one moment after the other."""
    now: int = 0

    def sees(self, cache: Cache, now: int, change: Change | None) -> None:
        self.now = max(self.now, now)
        for kind in self.writer.watched if change is None else (change.ref.kind,):
            self.views.setdefault(kind, []).append(tuple(obj for ref, obj in cache.objects.items() if ref.kind == kind))
        namespace = None if change is None else change.ref.namespace
        self.asked |= dict.fromkeys(self.writer.asked(self._seen(cache.objects.values()), self.writer.may, namespace))

    def _seen(self, objects: Iterable[Object]) -> Seen:
        return Seen(Cache.of(objects), self.now, self.release)

    def explains(self, change: Change) -> bool:
        """Tell whether a change is one that was asked for, or may have been on kinds that lag apart."""
        if any(self.writer.explains(request, change) for request in reversed(self.asked)):
            return True
        for view in self._mixtures():
            requests = self.writer.asked(self._seen(view), self.writer.may, change.ref.namespace)
            if any(self.writer.explains(request, change) for request in requests):
                return True
        return False

    def _mixtures(self) -> Iterator[tuple[Object, ...]]:
        """Yield views of each kind at a moment of its own, the latest first."""
        deep = max(2, int(MIXTURES ** (1 / max(1, len(self.views)))))
        mixtures = product(*(tuple(reversed(moments))[:deep] for moments in self.views.values()))
        yield from (tuple(obj for objects in mixed for obj in objects) for mixed in islice(mixtures, MIXTURES))

    def near(self, change: Change) -> list[Request]:
        """Return what was asked for last of the same object, else of the same kind."""
        about = [request for request in self.asked if ref_in(request) == change.ref]
        alike = [
            request for request in self.asked if (ref := ref_in(request)) is not None and ref.kind == change.ref.kind
        ]
        return list(reversed((about or alike)[-NEAREST:]))


def ref_in(request: Request) -> Ref | None:
    """Return what a request is about."""
    made = getattr(request, "object", None)
    return getattr(request, "ref", None) if made is None else ref_of(made)


def told_request(request: Request) -> str:
    """Say a request in a line, with the status that it writes."""
    match request:
        case Create(obj):
            return f"Create {ref_of(obj).kind} {obj.metadata.name or obj.metadata.generate_name + '...'}"
        case Update(obj, _, "status"):
            return f"Update {ref_of(obj)}: {obj.status}" if hasattr(obj, "status") else f"Update {ref_of(obj)}"
        case Update(obj):
            size = getattr(getattr(obj, "spec", None), "replicas", None)
            return f"Update {ref_of(obj)}{'' if size is None else f' to {size} replicas'}"
        case _:
            return f"{type(request).__name__} {ref_in(request)}"
