"""Leases: granted for a while, kept alive, and at their end the keys that hang on them go with them.

Upstream: server/lease/lessor.go and server/etcdserver/v3_server.go (LeaseTimeToLive) (etcd 3.5). The leader revokes
what has run out some time after it did, each lease by an entry of its own; whoever owns the clock calls `expire`.
Left out on purpose: ids that the server chooses, checkpoints of what is left, and that a new leader grants all anew.
"""

from __future__ import annotations

from attrs import evolve

from .operations import (
    LEASE_EXISTS,
    LEASE_NOT_FOUND,
    TTL_TOO_LARGE,
    Done,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseResult,
    LeaseRevoke,
    LeaseTimeToLive,
    Result,
)
from .store import Lease, Store, Writing

LONGEST_TTL = 9_000_000_000
SHORTEST_TTL = 1
"""Seconds: 1.5 election timeouts, rounded up."""
SECOND = 1000
NO_LEASE = -1


def grant(store: Store, asked: LeaseGrant, now: int) -> tuple[Store, Result]:
    """Make a lease; one that is too short is lengthened. No revision passes."""
    if asked.ttl > LONGEST_TTL:
        return store, TTL_TOO_LARGE
    if asked.id in store.leases:
        return store, LEASE_EXISTS
    ttl = max(asked.ttl, SHORTEST_TTL)
    after = evolve(store, leases=store.leases.insert(asked.id, Lease(ttl, now + ttl * SECOND)))
    return after, LeaseResult(store.revision, asked.id, ttl)


def revoke(store: Store, asked: LeaseRevoke) -> tuple[Store, Result]:
    """End a lease; the keys attached to it are deleted in order, at one revision."""
    if asked.id not in store.leases:
        return store, LEASE_NOT_FOUND
    writing = Writing.on(store)
    for key in store.attached(asked.id):
        writing = writing.delete(key)
    after = writing.commit()
    return evolve(after, leases=after.leases.remove(asked.id)), Done(after.revision)


def keep_alive(store: Store, asked: LeaseKeepAlive, now: int) -> tuple[Store, Result]:
    """Begin a lease's time anew; one that is not there, or has run out, is answered with 0 seconds."""
    lease = store.leases.get(asked.id)
    if lease is None or lease.expires <= now:
        return store, LeaseResult(store.revision, asked.id, 0)
    renewed = evolve(lease, expires=now + lease.ttl * SECOND)
    return evolve(store, leases=store.leases.insert(asked.id, renewed)), LeaseResult(
        store.revision, asked.id, lease.ttl
    )


def time_to_live(store: Store, asked: LeaseTimeToLive, now: int) -> LeaseResult:
    """Return what is left of a lease, in whole seconds; one that has run out and is not yet revoked has 0 left."""
    lease = store.leases.get(asked.id)
    if lease is None:
        return LeaseResult(store.revision, asked.id, NO_LEASE)
    left = max(lease.expires - now, 0) // SECOND
    return LeaseResult(store.revision, asked.id, left, lease.ttl, store.attached(asked.id) if asked.keys else ())


def due(store: Store, now: int) -> tuple[int, ...]:
    """Return the leases that have run out, in the order in which they did."""
    ended = sorted((lease.expires, number) for number, lease in store.leases.items() if lease.expires <= now)
    return tuple(number for _, number in ended)


def expire(store: Store, now: int) -> Store:
    """Return the store after all leases that have run out are revoked, one after the other."""
    for lease in due(store, now):
        store, _ = revoke(store, LeaseRevoke(lease))
    return store
