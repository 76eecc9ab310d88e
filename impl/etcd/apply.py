"""etcd as a pure function: a store and an operation in, the store after it and the answer out.

Upstream: server/etcdserver/apply.go (etcd 3.5). Nothing here reads a clock: whoever applies says what time it is.
"""

from __future__ import annotations

from typing import assert_never

from . import leases
from .checks import malformed, unservable
from .operations import (
    Compact,
    DeleteRange,
    Done,
    Failure,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseLeases,
    LeaseRevoke,
    LeasesResult,
    LeaseTimeToLive,
    Operation,
    Put,
    Range,
    Result,
    Txn,
)
from .store import Store, Writing, compact
from .txn import run, step


def apply(store: Store, operation: Operation, now: int = 0) -> tuple[Store, Result]:
    """Apply one operation at a time in milliseconds, which leases count by. A Failure leaves the store as it was."""
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
            return leases.grant(store, operation, now)
        case LeaseRevoke():
            return leases.revoke(store, operation)
        case LeaseKeepAlive():
            return leases.keep_alive(store, operation, now)
        case LeaseTimeToLive():
            return store, leases.time_to_live(store, operation, now)
        case LeaseLeases():
            return store, LeasesResult(store.revision, tuple(sorted(store.leases)))
        case _:
            assert_never(operation)
