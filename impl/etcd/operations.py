"""What may be asked of etcd and what it answers, as frozen values.

Upstream: api/etcdserverpb/rpc.proto (etcd 3.5). Names and defaults are the protocol's.
Left out on purpose: auth, members, `serializable` (there is one member), watch progress notifications and fragments.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

FROM_KEY = b"\0"
"""As `range_end`: everything from `key` on."""


@frozen
class KeyValue:
    """A key as of one revision. `version` counts its puts since it was last created; `lease` 0 is none."""

    key: bytes
    value: Any = b""
    create_revision: int = 0
    mod_revision: int = 0
    version: int = 0
    lease: int = 0


@frozen
class Event:
    """One change of one key: a put, or a delete (then `kv` has only key and mod_revision). `prev` is what was there."""

    kv: KeyValue
    prev: KeyValue | None = None

    @property
    def deletes(self) -> bool:
        """Whether the key is gone with it."""
        return self.kv.version == 0


@frozen
class Put:
    """Set a key. With ignore_value (ignore_lease) it keeps the value (lease) it has, and must exist."""

    key: bytes
    value: Any = b""
    lease: int = 0
    prev_kv: bool = False
    ignore_value: bool = False
    ignore_lease: bool = False


@frozen
class Range:
    """Read a key, or the keys from it to `range_end` (empty for the one key, FROM_KEY for all from it on).

    `revision` 0 is now; `limit` 0 is none; the four bounds filter by revision, 0 being no bound.
    """

    key: bytes
    range_end: bytes = b""
    revision: int = 0
    limit: int = 0
    sort_target: Literal["KEY", "VERSION", "CREATE", "MOD", "VALUE"] = "KEY"
    sort_order: Literal["NONE", "ASCEND", "DESCEND"] = "NONE"
    keys_only: bool = False
    count_only: bool = False
    min_mod_revision: int = 0
    max_mod_revision: int = 0
    min_create_revision: int = 0
    max_create_revision: int = 0


@frozen
class DeleteRange:
    """Delete a key, or a range of keys."""

    key: bytes
    range_end: bytes = b""
    prev_kv: bool = False


@frozen
class Compare:
    """A condition on every key of a range: what it has (`target`) stands in a relation to `operand`."""

    key: bytes
    target: Literal["VERSION", "CREATE", "MOD", "VALUE", "LEASE"]
    result: Literal["EQUAL", "GREATER", "LESS", "NOT_EQUAL"]
    operand: Any = 0
    range_end: bytes = b""


@frozen
class Txn:
    """If every comparison holds do `success`, else `failure`: all of it at one revision."""

    compare: tuple[Compare, ...] = ()
    success: tuple[Put | Range | DeleteRange | Txn, ...] = ()
    failure: tuple[Put | Range | DeleteRange | Txn, ...] = ()


@frozen
class Compact:
    """Forget what was superseded before a revision."""

    revision: int


@frozen
class LeaseGrant:
    """Make a lease; `id` must be chosen by the client (a server's choice would be random). `ttl` in seconds."""

    id: int
    ttl: int


@frozen
class LeaseRevoke:
    """End a lease and delete the keys attached to it."""

    id: int


@frozen
class LeaseKeepAlive:
    """Let a lease live as long again as it was granted for."""

    id: int


@frozen
class LeaseTimeToLive:
    """Ask how long a lease still lives, and which keys hang on it."""

    id: int
    keys: bool = False


@frozen
class LeaseLeases:
    """Ask which leases there are."""


Operation = (
    Put
    | Range
    | DeleteRange
    | Txn
    | Compact
    | LeaseGrant
    | LeaseRevoke
    | LeaseKeepAlive
    | LeaseTimeToLive
    | LeaseLeases
)


@frozen
class Failure:
    """A refusal: gRPC code and etcd's words. Nothing has changed."""

    code: int
    message: str


EMPTY_KEY = Failure(3, "etcdserver: key is not provided")
KEY_NOT_FOUND = Failure(3, "etcdserver: key not found")
VALUE_PROVIDED = Failure(3, "etcdserver: value is provided")
LEASE_PROVIDED = Failure(3, "etcdserver: lease is provided")
DUPLICATE_KEY = Failure(3, "etcdserver: duplicate key given in txn request")
TOO_MANY_OPERATIONS = Failure(3, "etcdserver: too many operations in txn request")
COMPACTED = Failure(11, "etcdserver: mvcc: required revision has been compacted")
FUTURE_REVISION = Failure(11, "etcdserver: mvcc: required revision is a future revision")
LEASE_NOT_FOUND = Failure(5, "etcdserver: requested lease not found")
LEASE_EXISTS = Failure(9, "etcdserver: lease already exists")
TTL_TOO_LARGE = Failure(11, "etcdserver: too large lease TTL")


@frozen
class PutResult:
    """`revision` is the store's after it; `prev` is there when asked for."""

    revision: int
    prev: KeyValue | None = None


@frozen
class RangeResult:
    """`count` is how many keys are in the range, whatever the limit and the filters left."""

    revision: int
    kvs: tuple[KeyValue, ...] = ()
    count: int = 0
    more: bool = False


@frozen
class DeleteResult:
    """How many keys are gone, and which when asked for."""

    revision: int
    deleted: int = 0
    prevs: tuple[KeyValue, ...] = ()


@frozen
class TxnResult:
    """Which branch was taken and what its operations answered."""

    revision: int
    succeeded: bool
    responses: tuple[PutResult | RangeResult | DeleteResult | TxnResult, ...] = ()


@frozen
class Done:
    """A compaction or the end of a lease went well."""

    revision: int


@frozen
class LeaseResult:
    """A lease as it is now: seconds left (-1 and no grant: there is none), seconds granted, its keys when asked for."""

    revision: int
    id: int
    ttl: int
    granted: int = 0
    keys: tuple[bytes, ...] = ()


@frozen
class LeasesResult:
    """The leases there are, in order."""

    revision: int
    ids: tuple[int, ...] = ()


Result = PutResult | RangeResult | DeleteResult | TxnResult | Done | LeaseResult | LeasesResult | Failure
"""A Failure, or what fits the operation."""


def in_range(key: bytes, start: bytes, end: bytes) -> bool:
    """Tell whether a key lies in a range as the protocol writes it."""
    if not end:
        return key == start
    return key >= start and (end == FROM_KEY or key < end)
