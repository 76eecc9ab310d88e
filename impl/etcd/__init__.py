"""etcd: what a member stores, as a pure function, `apply(store, operation)`, with watches; raft makes members one."""

from __future__ import annotations

from .apply import apply
from .leases import expire
from .operations import (
    Compact,
    Compare,
    DeleteRange,
    Event,
    Failure,
    KeyValue,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseLeases,
    LeaseRevoke,
    LeaseTimeToLive,
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
    "LeaseKeepAlive",
    "LeaseLeases",
    "LeaseRevoke",
    "LeaseTimeToLive",
    "Operation",
    "Put",
    "Range",
    "Result",
    "Store",
    "Txn",
    "Watcher",
    "apply",
    "expire",
    "poll",
    "watch",
]
