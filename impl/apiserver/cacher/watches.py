"""Watches that are served from the cache: where one begins, what it is told, and how far it is (bookmarks).

Upstream: staging/src/k8s.io/apiserver/pkg/storage/cacher/{cacher,cache_watcher,watch_cache}.go (v1.32).
Left out on purpose: the buffer of a watcher. One that is slow is cut off upstream and comes back with the version it
has; here it finds that the ring has moved on when it asks for more, which is the same answer.
"""

from __future__ import annotations

from attrs import frozen

from ...api.requests import Response
from ..server import told
from ..verbs.watch import WatchEvent, WatchFilter
from .watch_cache import WatchCache, oldest


@frozen
class Opened:
    """A watch that has begun: everything up to `position` has been told, with the events that come first."""

    position: int
    events: tuple[WatchEvent, ...] = ()


def too_old(cache: WatchCache, position: int) -> Response:
    """410: some of the changes after a version have left the ring."""
    message = f"too old resource version: {position} ({oldest(cache) - 1})"
    return Response(410, "Expired", message)


def opened(cache: WatchCache, version: str, watch: WatchFilter) -> Opened | Response:
    """Begin to watch: after a version, or ("" and "0") with all that the cache has, whatever its version.

    A version that the cache has not come to is none of its business: it tells of what comes after.
    """
    if int(version or 0):
        position = int(version)
        return too_old(cache, position) if position < oldest(cache) - 1 else Opened(position)
    shown = (told(kv, None, kv.mod_revision, watch) for kv in cache.objects.values())
    return Opened(cache.revision, tuple(event for event in shown if event is not None))


def more(cache: WatchCache, position: int, watch: WatchFilter) -> tuple[int, tuple[WatchEvent, ...]] | Response:
    """Return the change after a position with its revision, and what the watch is told of it.

    Where there is none, or none in the cache, nothing is told, and the position is that of a bookmark.
    """
    if position < oldest(cache) - 1:
        return too_old(cache, position)
    event = next((event for event in cache.ring if event.kv.mod_revision > position), None)
    if event is None:
        return max(position, cache.revision), ()
    revision = event.kv.mod_revision
    shown = told(None if event.deletes else event.kv, event.prev, revision, watch)
    return revision, () if shown is None else (shown,)
