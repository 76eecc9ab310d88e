"""What etcd refuses before it does anything: requests malformed in themselves, then requests the store cannot serve.

Upstream: server/etcdserver/api/v3rpc/key.go (checkPutRequest, checkTxnRequest, checkIntervals) and
server/etcdserver/apply.go (checkRequests) (etcd 3.5).
Left out on purpose: size limits of a request.
"""

from __future__ import annotations

from collections.abc import Iterator

from .operations import (
    COMPACTED,
    DUPLICATE_KEY,
    EMPTY_KEY,
    FUTURE_REVISION,
    KEY_NOT_FOUND,
    LEASE_NOT_FOUND,
    LEASE_PROVIDED,
    TOO_MANY_OPERATIONS,
    VALUE_PROVIDED,
    DeleteRange,
    Failure,
    Operation,
    Put,
    Range,
    Txn,
)
from .store import Store

MOST_OPERATIONS = 128
Interval = tuple[bytes, bytes]


def malformed(operation: Operation) -> Failure | None:
    """Return what is wrong with a request whatever the store holds; None when nothing is."""
    match operation:
        case Put():
            return _malformed_put(operation)
        case Range() | DeleteRange():
            return None if operation.key else EMPTY_KEY
        case Txn():
            return _malformed_txn(operation) or _overlapping(operation)
        case _:
            return None


def _malformed_put(put: Put) -> Failure | None:
    if not put.key:
        return EMPTY_KEY
    if put.ignore_value and put.value:
        return VALUE_PROVIDED
    if put.ignore_lease and put.lease:
        return LEASE_PROVIDED
    return None


def _malformed_txn(txn: Txn, budget: int = MOST_OPERATIONS) -> Failure | None:
    most = max(len(txn.compare), len(txn.success), len(txn.failure))
    if most > budget:
        return TOO_MANY_OPERATIONS
    if any(not compare.key for compare in txn.compare):
        return EMPTY_KEY
    for operation in (*txn.success, *txn.failure):
        problem = _malformed_txn(operation, budget - most) if isinstance(operation, Txn) else malformed(operation)
        if problem:
            return problem
    return None


def _overlapping(txn: Txn) -> Failure | None:
    """Refuse a transaction that may write one key twice."""
    for branch in (txn.success, txn.failure):
        if _writes(branch) is None:
            return DUPLICATE_KEY
    return None


def _writes(
    branch: tuple[Put | Range | DeleteRange | Txn, ...],
) -> tuple[frozenset[bytes], tuple[Interval, ...]] | None:
    """Return the keys a branch puts and the intervals it deletes; None when two of them meet.

    The two branches of a nested transaction may put the same key: only one of them runs.
    """
    deletes = [(operation.key, operation.range_end) for operation in branch if isinstance(operation, DeleteRange)]
    puts: set[bytes] = set()
    for nested in (operation for operation in branch if isinstance(operation, Txn)):
        then, otherwise = _writes(nested.success), _writes(nested.failure)
        if then is None or otherwise is None:
            return None
        for own, siblings in ((then[0], frozenset[bytes]()), (otherwise[0], then[0])):
            if any((key in puts and key not in siblings) or _deleted(key, deletes) for key in own):
                return None
            puts |= own
        deletes += [*then[1], *otherwise[1]]
    for put in (operation for operation in branch if isinstance(operation, Put)):
        if put.key in puts or _deleted(put.key, deletes):
            return None
        puts.add(put.key)
    return frozenset(puts), tuple(deletes)


def _deleted(key: bytes, deletes: list[Interval]) -> bool:
    return any(key == start if not end else start <= key < end for start, end in deletes)


def unservable(store: Store, operation: Operation) -> Failure | None:
    """Return what the store has against a single put or range: a missing lease or key, a revision it does not have."""
    match operation:
        case Put():
            return _missing_lease(store, operation) or _missing_key(store, operation)
        case Range():
            return unservable_range(store, operation)
        case _:
            return None


def _missing_lease(store: Store, put: Put) -> Failure | None:
    return LEASE_NOT_FOUND if put.lease and put.lease not in store.leases else None


def _missing_key(store: Store, put: Put) -> Failure | None:
    """Refuse to keep what a missing key would have."""
    return KEY_NOT_FOUND if (put.ignore_value or put.ignore_lease) and put.key not in store.keys else None


def unservable_range(store: Store, asked: Range) -> Failure | None:
    """Refuse a revision that is still to come or is forgotten."""
    if asked.revision > store.revision:
        return FUTURE_REVISION
    if 0 < asked.revision < store.compact_revision:
        return COMPACTED
    return None


def first_problem(store: Store, chosen: Iterator[Put | Range | DeleteRange]) -> Failure | None:
    """Check what a transaction is about to run: all its puts (the key before the lease), then all its ranges."""
    running = tuple(chosen)
    puts = (
        _missing_key(store, operation) or _missing_lease(store, operation)
        for operation in running
        if isinstance(operation, Put)
    )
    ranges = (unservable_range(store, operation) for operation in running if isinstance(operation, Range))
    return next((failure for failure in (*puts, *ranges) if failure), None)
