"""The multi-version store of one etcd member, as a frozen value: the keys as they are, and the log of their changes.

Upstream: server/mvcc/{kvstore,kvstore_txn,index,kvstore_compaction}.go (etcd 3.5).
Left out on purpose: the backend database, raft, quotas, hashes. The log keeps what each change replaced, so an old
revision is read by undoing the log from now: a put copies two arrays of pointers, never a value.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Any

from attrs import evolve, field, frozen
from immutabledict import immutabledict

from .operations import COMPACTED, FUTURE_REVISION, Event, Failure, KeyValue, in_range


@frozen
class Store:
    """The keys now, and how they came to be so.

    `revision` 1 is the empty store, `compact_revision` -1 one that was never compacted; `log` holds the events from
    `compact_revision` on, oldest first; `leases` maps id to TTL.
    """

    revision: int = 1
    compact_revision: int = -1
    keys: immutabledict[bytes, KeyValue] = field(factory=immutabledict)
    log: tuple[Event, ...] = ()
    leases: immutabledict[int, int] = field(factory=immutabledict)

    def at(self, revision: int) -> dict[bytes, KeyValue] | Failure:
        """Give every key as of a revision (0 for now), in no order."""
        if revision > self.revision:
            return FUTURE_REVISION
        if 0 < revision < self.compact_revision:
            return COMPACTED
        keys = dict(self.keys)
        for event in reversed(self.log):
            if revision <= 0 or event.kv.mod_revision <= revision:
                break
            _undo(keys, event)
        return keys

    def since(self, revision: int) -> Iterator[Event]:
        """Give the events from a revision on, oldest first."""
        first = bisect_left(self.log, revision, key=lambda event: event.kv.mod_revision)
        return islice(self.log, first, None)

    def attached(self, lease: int) -> tuple[bytes, ...]:
        """Give the keys attached to a lease, in order."""
        return tuple(sorted(key for key, kv in self.keys.items() if kv.lease == lease))


def _undo(keys: dict[bytes, KeyValue], event: Event) -> None:
    if event.prev is None:
        keys.pop(event.kv.key, None)
    else:
        keys[event.kv.key] = event.prev


@frozen
class Writing:
    """A transaction under way: the store it began on and the changes so far, which share one revision."""

    store: Store
    keys: immutabledict[bytes, KeyValue]
    changes: tuple[Event, ...] = ()

    @classmethod
    def on(cls, store: Store) -> Writing:
        """Begin."""
        return cls(store, store.keys)

    @property
    def revision(self) -> int:
        """The store's revision as this transaction sees it: one more once it has changed something."""
        return self.store.revision + (1 if self.changes else 0)

    def put(self, key: bytes, value: Any, lease: int) -> Writing:
        """Set a key."""
        old, new = self.keys.get(key), self.store.revision + 1
        created = old.create_revision if old else new
        kv = KeyValue(key, value, created, new, (old.version if old else 0) + 1, lease)
        return evolve(self, keys=self.keys.set(key, kv), changes=(*self.changes, Event(kv, old)))

    def delete(self, key: bytes) -> Writing:
        """Remove a key that is there."""
        gone = KeyValue(key, mod_revision=self.store.revision + 1)
        return evolve(self, keys=self.keys.delete(key), changes=(*self.changes, Event(gone, self.keys[key])))

    def matching(self, start: bytes, end: bytes) -> tuple[KeyValue, ...]:
        """Give the keys of a range as this transaction sees them, in order."""
        return select(self.keys, start, end)

    def commit(self) -> Store:
        """Give the store with the changes in it; without changes it is the same store."""
        if not self.changes:
            return self.store
        return evolve(self.store, revision=self.revision, keys=self.keys, log=self.store.log + self.changes)


def select(
    keys: immutabledict[bytes, KeyValue] | dict[bytes, KeyValue], start: bytes, end: bytes
) -> tuple[KeyValue, ...]:
    """Give the keys of a range, in order."""
    if not end:
        return (keys[start],) if start in keys else ()
    return tuple(keys[key] for key in sorted(keys) if in_range(key, start, end))


def compact(store: Store, revision: int) -> Store | Failure:
    """Forget the log before a revision; what was there at that revision, and what it changed, stays readable."""
    if revision <= store.compact_revision:
        return COMPACTED
    if revision > store.revision:
        return FUTURE_REVISION
    kept = tuple(event for event in store.log if event.kv.mod_revision >= revision)
    return evolve(store, compact_revision=revision, log=kept)
