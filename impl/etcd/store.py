"""The multi-version store of one etcd member, as a frozen value: the keys as they are, and the log of their changes.

Upstream: server/mvcc/{kvstore,kvstore_txn,index,kvstore_compaction}.go (etcd 3.5).
Left out on purpose: the backend database, quotas, hashes. The log keeps what each change replaced, so an old revision
is read by undoing the log from now. What a change costs does not grow with what is stored but for the height of a tree.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from attrs import evolve, field, frozen
from rpds import HashTrieMap, HashTrieSet, List

from .operations import COMPACTED, FROM_KEY, FUTURE_REVISION, Event, Failure, KeyValue, in_range
from .sorted_map import SortedMap


@frozen
class Lease:
    """Seconds granted, when it ends (milliseconds on the clock of whoever applies), and the keys that hang on it."""

    ttl: int
    expires: int
    keys: HashTrieSet[bytes] = field(factory=HashTrieSet)


@frozen
class Store:
    """The keys now, and how they came to be so.

    `revision` 1 is the empty store, `compact_revision` -1 one that was never compacted; `log` holds the events from
    `compact_revision` on, newest first.
    """

    revision: int = 1
    compact_revision: int = -1
    keys: SortedMap[KeyValue] = field(factory=SortedMap)
    log: List[Event] = field(factory=List)
    leases: HashTrieMap[int, Lease] = field(factory=HashTrieMap)

    def at(self, revision: int, start: bytes = b"\0", end: bytes = FROM_KEY) -> dict[bytes, KeyValue] | Failure:
        """Return the keys of a range as of a revision (0 for now), in no order."""
        if revision > self.revision:
            return FUTURE_REVISION
        if 0 < revision < self.compact_revision:
            return COMPACTED
        keys = {kv.key: kv for kv in select(self.keys, start, end)}
        for event in takewhile(lambda event: 0 < revision < event.kv.mod_revision, self.log):
            if in_range(event.kv.key, start, end):
                _undo(keys, event)
        return keys

    def since(self, revision: int) -> tuple[Event, ...]:
        """Return the events from a revision on, oldest first."""
        return tuple(takewhile(lambda event: event.kv.mod_revision >= revision, self.log))[::-1]

    def attached(self, lease: int) -> tuple[bytes, ...]:
        """Return the keys attached to a lease, in order."""
        return tuple(sorted(self.leases[lease].keys)) if lease in self.leases else ()


def _undo(keys: dict[bytes, KeyValue], event: Event) -> None:
    if event.prev is None:
        keys.pop(event.kv.key, None)
    else:
        keys[event.kv.key] = event.prev


@frozen
class Writing:
    """A transaction under way: the store it began on and the changes so far, which share one revision."""

    store: Store
    keys: SortedMap[KeyValue]
    leases: HashTrieMap[int, Lease]
    changes: tuple[Event, ...] = ()

    @classmethod
    def on(cls, store: Store) -> Writing:
        """Begin."""
        return cls(store, store.keys, store.leases)

    @property
    def revision(self) -> int:
        """The store's revision as this transaction sees it: one more once it has changed something."""
        return self.store.revision + (1 if self.changes else 0)

    def put(self, key: bytes, value: Any, lease: int) -> Writing:
        """Set a key, and hang it on a lease (0: on none)."""
        old, new = self.keys.get(key), self.store.revision + 1
        created = old.create_revision if old else new
        kv = KeyValue(key, value, created, new, (old.version if old else 0) + 1, lease)
        leases = _hung(self.leases, key, old.lease if old else 0, lease)
        return Writing(self.store, self.keys.set(key, kv), leases, (*self.changes, Event(kv, old)))

    def delete(self, key: bytes) -> Writing:
        """Remove a key that is there."""
        old, gone = self.keys[key], KeyValue(key, mod_revision=self.store.revision + 1)
        leases = _hung(self.leases, key, old.lease, 0)
        return Writing(self.store, self.keys.delete(key), leases, (*self.changes, Event(gone, old)))

    def matching(self, start: bytes, end: bytes) -> tuple[KeyValue, ...]:
        """Return the keys of a range as this transaction sees them, in order."""
        return select(self.keys, start, end)

    def commit(self) -> Store:
        """Return the store with the changes in it; without changes it is the same store."""
        if not self.changes:
            return self.store
        log = self.store.log
        for event in self.changes:
            log = log.push_front(event)
        return evolve(self.store, revision=self.revision, keys=self.keys, log=log, leases=self.leases)


def _hung(leases: HashTrieMap[int, Lease], key: bytes, old: int, new: int) -> HashTrieMap[int, Lease]:
    """Move a key from one lease to another."""
    if old == new:
        return leases
    if old in leases:
        leases = leases.insert(old, evolve(leases[old], keys=leases[old].keys.remove(key)))
    return leases.insert(new, evolve(leases[new], keys=leases[new].keys.insert(key))) if new in leases else leases


def select(keys: SortedMap[KeyValue], start: bytes, end: bytes) -> tuple[KeyValue, ...]:
    """Return the keys of a range, in order."""
    if not end:
        found = keys.get(start)
        return () if found is None else (found,)
    return tuple(kv for _, kv in keys.between(start, None if end == FROM_KEY else end))


def compact(store: Store, revision: int, *, tombstones: bool = True) -> Store | Failure:
    """Forget the log before a revision; what was there at that revision, and what it changed, stays readable.

    Without `tombstones` a deletion at that very revision is forgotten, as before etcd#18089 was repaired.
    """
    if revision <= store.compact_revision:
        return COMPACTED
    if revision > store.revision:
        return FUTURE_REVISION
    kept = (
        event for event in store.since(revision) if tombstones or not event.deletes or event.kv.mod_revision > revision
    )
    return evolve(store, compact_revision=revision, log=List(tuple(kept)[::-1]))
