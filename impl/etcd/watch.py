"""Watching: every change of a range from a revision on, each once and in order, or the news that it is too late.

Upstream: server/mvcc/{watchable_store,watcher_group}.go and api/v3rpc/watch.go (etcd 3.5).
Left out on purpose: batching and progress: a watcher asks when it likes and gets all there is.
"""

from __future__ import annotations

from typing import Literal

from attrs import evolve, frozen

from .operations import Event, in_range
from .store import Store


@frozen
class Compacted:
    """The watch is cancelled: changes it should have seen are forgotten. Read anew and watch from there."""

    compact_revision: int


@frozen
class Watcher:
    """A range, and the first revision whose changes have not been delivered yet."""

    key: bytes
    range_end: bytes = b""
    next_revision: int = 1
    filters: tuple[Literal["NOPUT", "NODELETE"], ...] = ()


def watch(
    store: Store,
    key: bytes,
    range_end: bytes = b"",
    start_revision: int = 0,
    filters: tuple[Literal["NOPUT", "NODELETE"], ...] = (),
) -> Watcher:
    """Begin to watch; `start_revision` 0 is from now on. A start in the future delivers nothing before it."""
    return Watcher(key, range_end, start_revision or store.revision + 1, filters)


def poll(store: Store, watcher: Watcher) -> tuple[Watcher, tuple[Event, ...] | Compacted]:
    """Deliver what has happened since the last time; the watcher that comes back goes on from there."""
    if watcher.next_revision < store.compact_revision:
        return watcher, Compacted(store.compact_revision)
    events = tuple(event for event in store.since(watcher.next_revision) if _wants(watcher, event))
    return evolve(watcher, next_revision=max(watcher.next_revision, store.revision + 1)), events


def _wants(watcher: Watcher, event: Event) -> bool:
    unwanted = "NODELETE" if event.deletes else "NOPUT"
    return unwanted not in watcher.filters and in_range(event.kv.key, watcher.key, watcher.range_end)
