"""What one API server remembers of the keys below a prefix: the objects, their version, and a ring of the last changes.

Upstream: staging/src/k8s.io/apiserver/pkg/storage/cacher/watch_cache.go (v1.32).
Left out on purpose: indexes, the capacity that adapts itself, snapshots of the past (KEP-4988: reads at an exact
version go to etcd, as they did before 1.34).
"""

from __future__ import annotations

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from ...etcd import Compacted, Event, KeyValue, Store, poll, watch


@frozen
class CacheSettings:
    """How large the ring is, and which of the faults of earlier releases the cache has."""

    capacity: int = 100
    off_by_one: bool = False
    """As before k/k#49992: with an empty ring it believes that it can tell of the change at its own version."""


@frozen(cache_hash=True)
class WatchCache:
    """All objects below a prefix as of `revision`, and the latest changes that led there, oldest first.

    `listed` is the revision that the cache was filled at; `removed` tells whether a change has left the ring since.
    """

    start: bytes
    end: bytes
    settings: CacheSettings
    revision: int
    listed: int
    objects: immutabledict[bytes, KeyValue] = field(factory=immutabledict)
    ring: tuple[Event, ...] = ()
    removed: bool = False


def oldest(cache: WatchCache) -> int:
    """Return the first revision whose change the cache can still tell of."""
    if cache.settings.off_by_one:
        return cache.ring[0].kv.mod_revision if cache.ring else cache.revision
    return cache.ring[0].kv.mod_revision if cache.removed else cache.listed + 1


def filled(store: Store, start: bytes, end: bytes, settings: CacheSettings) -> WatchCache:
    """List etcd, with a quorum: the state of a cache that begins, or that came too late to go on watching."""
    keys = store.at(0, start, end)
    assert isinstance(keys, dict)  # noqa: S101 - the present is never compacted
    return WatchCache(start, end, settings, store.revision, store.revision, immutabledict(sorted(keys.items())))


def pending(cache: WatchCache, store: Store) -> tuple[Event, ...] | Compacted:
    """Return what etcd has still to tell a cache, which watches from the revision after its own."""
    _, news = poll(store, watch(store, cache.start, cache.end, cache.revision + 1))
    return news


def processed(cache: WatchCache, event: Event) -> WatchCache:
    """Take one change: what was there before is what the cache itself had."""
    objects = dict(cache.objects)
    before = objects.pop(event.kv.key, None)
    if not event.deletes:
        objects[event.kv.key] = event.kv
    ring = (*cache.ring, Event(event.kv, before))
    kept = ring[-cache.settings.capacity :]
    return evolve(
        cache,
        revision=event.kv.mod_revision,
        objects=immutabledict(sorted(objects.items())),
        ring=kept,
        removed=cache.removed or len(kept) < len(ring),
    )


def progressed(cache: WatchCache, revision: int) -> WatchCache:
    """Take etcd's word that there was no change below the prefix up to a revision."""
    return evolve(cache, revision=max(cache.revision, revision))
