"""etcd: one member, which keeps what is stored, as a pure function, `apply(store, operation)`, and its watches."""

from __future__ import annotations

from .apply import apply
from .operations import (
    Compact,
    Compare,
    DeleteRange,
    Event,
    Failure,
    KeyValue,
    LeaseGrant,
    LeaseRevoke,
    Operation,
    Put,
    Range,
    Result,
    Txn,
)
from .store import Store
from .watch import Compacted, Watcher, poll, watch

__all__ = [
    "Compact",
    "Compacted",
    "Compare",
    "DeleteRange",
    "Event",
    "Failure",
    "KeyValue",
    "LeaseGrant",
    "LeaseRevoke",
    "Operation",
    "Put",
    "Range",
    "Result",
    "Store",
    "Txn",
    "Watcher",
    "apply",
    "poll",
    "watch",
]
