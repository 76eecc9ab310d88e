"""etcd as a pure function: a store and an operation in, the store after it and the answer out.

Upstream: server/etcdserver/apply.go and server/lease/lessor.go (etcd 3.5).
Left out on purpose: time. A lease ends when somebody revokes it: whoever owns the clock, when its TTL has passed.
"""

from __future__ import annotations

from typing import assert_never

from attrs import evolve

from .checks import malformed, unservable
from .operations import (
    LEASE_EXISTS,
    LEASE_NOT_FOUND,
    TTL_TOO_LARGE,
    Compact,
    DeleteRange,
    Done,
    Failure,
    LeaseGrant,
    LeaseRevoke,
    Operation,
    Put,
    Range,
    Result,
    Txn,
)
from .store import Store, Writing, compact
from .txn import run, step

LONGEST_TTL = 9_000_000_000
SHORTEST_TTL = 1  # seconds


def apply(store: Store, operation: Operation) -> tuple[Store, Result]:
    """Apply one operation. A Failure leaves the store as it was."""
    if problem := malformed(operation) or unservable(store, operation):
        return store, problem
    match operation:
        case Put() | DeleteRange() | Range():
            writing, result = step(Writing.on(store), operation)
            return writing.commit(), result
        case Txn():
            return run(store, operation)
        case Compact():
            after = compact(store, operation.revision)
            return (store, after) if isinstance(after, Failure) else (after, Done(after.revision))
        case LeaseGrant():
            return _grant(store, operation)
        case LeaseRevoke():
            return _revoke(store, operation)
        case _:
            assert_never(operation)


def _grant(store: Store, grant: LeaseGrant) -> tuple[Store, Result]:
    """Make a lease; one that is too short is lengthened. No revision passes."""
    if grant.ttl > LONGEST_TTL:
        return store, TTL_TOO_LARGE
    if grant.id in store.leases:
        return store, LEASE_EXISTS
    return evolve(store, leases=store.leases.set(grant.id, max(grant.ttl, SHORTEST_TTL))), Done(store.revision)


def _revoke(store: Store, revoke: LeaseRevoke) -> tuple[Store, Result]:
    """End a lease; the keys attached to it are deleted in order, at one revision."""
    if revoke.id not in store.leases:
        return store, LEASE_NOT_FOUND
    writing = Writing.on(store)
    for key in store.attached(revoke.id):
        writing = writing.delete(key)
    after = writing.commit()
    return evolve(after, leases=after.leases.delete(revoke.id)), Done(after.revision)
