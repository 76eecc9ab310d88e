"""Transactions: decide every branch first, on the store as it was, then run the operations one after another.

Upstream: server/etcdserver/apply.go (compareToPath, applyCompares, applyTxn) (etcd 3.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from .checks import first_problem
from .operations import (
    Compare,
    DeleteRange,
    DeleteResult,
    Failure,
    KeyValue,
    Put,
    PutResult,
    Range,
    RangeResult,
    Txn,
    TxnResult,
)
from .ranges import read
from .store import Store, Writing, select

Simple = Put | Range | DeleteRange
INNER = 0  # etcd leaves the revision of a nested transaction's answer out


@frozen
class Chosen:
    """A transaction with its branches decided."""

    succeeded: bool
    operations: tuple[Simple | Chosen, ...]

    def flat(self) -> Iterator[Simple]:
        """Yield the operations that will run, nested ones in their place."""
        for operation in self.operations:
            if isinstance(operation, Chosen):
                yield from operation.flat()
            else:
                yield operation


def run(store: Store, txn: Txn) -> tuple[Store, TxnResult | Failure]:
    """Run a well-formed transaction: all of it at one revision, or nothing of it."""
    chosen = choose(store, txn)
    if problem := first_problem(store, chosen.flat()):
        return store, problem
    writing, result = _run(Writing.on(store), chosen)
    return writing.commit(), evolve(result, revision=writing.revision)


def choose(store: Store, txn: Txn) -> Chosen:
    """Decide a transaction's branch and those of the transactions in it; none sees what another will change."""
    succeeded = all(holds(store, compare) for compare in txn.compare)
    branch = txn.success if succeeded else txn.failure
    return Chosen(
        succeeded, tuple(choose(store, operation) if isinstance(operation, Txn) else operation for operation in branch)
    )


def holds(store: Store, compare: Compare) -> bool:
    """Tell whether every key of the range compares as wanted. A missing key has version 0, and no value to compare."""
    found = select(store.keys, compare.key, compare.range_end)
    if not found:
        return compare.target != "VALUE" and _related(KeyValue(compare.key), compare)
    return all(_related(kv, compare) for kv in found)


def _related(kv: KeyValue, compare: Compare) -> bool:
    actual: Any = {
        "VERSION": kv.version,
        "CREATE": kv.create_revision,
        "MOD": kv.mod_revision,
        "VALUE": kv.value,
        "LEASE": kv.lease,
    }[compare.target]
    match compare.result:
        case "EQUAL":
            return bool(actual == compare.operand)
        case "NOT_EQUAL":
            return bool(actual != compare.operand)
        case "GREATER":
            return bool(actual > compare.operand)
        case _:
            return bool(actual < compare.operand)


def _run(writing: Writing, chosen: Chosen) -> tuple[Writing, TxnResult]:
    responses: list[PutResult | RangeResult | DeleteResult | TxnResult] = []
    for operation in chosen.operations:
        response: Any
        if isinstance(operation, Chosen):
            writing, response = _run(writing, operation)
        else:
            writing, response = step(writing, operation)
        responses.append(response)
    return writing, TxnResult(INNER, chosen.succeeded, tuple(responses))


def step(writing: Writing, operation: Simple) -> tuple[Writing, PutResult | RangeResult | DeleteResult | Failure]:
    """Run one operation that has been checked."""
    match operation:
        case Put():
            return _put(writing, operation)
        case DeleteRange():
            return _delete(writing, operation)
        case Range():
            return writing, read(writing, operation)


def _put(writing: Writing, put: Put) -> tuple[Writing, PutResult]:
    old = writing.keys.get(put.key)
    value = old.value if put.ignore_value and old else put.value
    lease = old.lease if put.ignore_lease and old else put.lease
    after = writing.put(put.key, value, lease)
    return after, PutResult(after.revision, old if put.prev_kv else None)


def _delete(writing: Writing, asked: DeleteRange) -> tuple[Writing, DeleteResult]:
    gone = writing.matching(asked.key, asked.range_end)
    for kv in gone:
        writing = writing.delete(kv.key)
    return writing, DeleteResult(writing.revision, len(gone), gone if asked.prev_kv else ())
