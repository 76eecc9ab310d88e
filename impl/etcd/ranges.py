"""Reading a range: filter, sort, limit, count.

Upstream: server/etcdserver/apply.go (applierV3backend.Range, pruneKVs) (etcd 3.5).
Left out on purpose: the size limit of a response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from .operations import Failure, KeyValue, Range, RangeResult
from .store import Writing

_TARGETS: dict[str, Callable[[KeyValue], Any]] = {
    "KEY": lambda kv: kv.key,
    "VERSION": lambda kv: kv.version,
    "CREATE": lambda kv: kv.create_revision,
    "MOD": lambda kv: kv.mod_revision,
    "VALUE": lambda kv: kv.value,
}


def read(writing: Writing, asked: Range) -> RangeResult | Failure:
    """Read as a transaction sees it: its own changes included when it reads the present."""
    if asked.revision in {0, writing.revision}:
        found = writing.matching(asked.key, asked.range_end)
    else:
        past = writing.store.at(asked.revision, asked.key, asked.range_end)
        if isinstance(past, Failure):
            return past
        found = tuple(past[key] for key in sorted(past))
    if asked.count_only:
        return RangeResult(writing.revision, count=len(found))
    kept = _sorted([kv for kv in found if _within(kv, asked)], asked)
    more = 0 < asked.limit < len(kept)
    shown = kept[: asked.limit] if more else kept
    if asked.keys_only:
        shown = [evolve(kv, value=b"") for kv in shown]
    return RangeResult(writing.revision, tuple(shown), len(found), more)


def _within(kv: KeyValue, asked: Range) -> bool:
    """Tell whether a key's revisions are within the bounds asked for; 0 is no bound."""
    return (
        kv.mod_revision >= asked.min_mod_revision
        and (asked.max_mod_revision == 0 or kv.mod_revision <= asked.max_mod_revision)
        and kv.create_revision >= asked.min_create_revision
        and (asked.max_create_revision == 0 or kv.create_revision <= asked.max_create_revision)
    )


def _sorted(kvs: list[KeyValue], asked: Range) -> list[KeyValue]:
    """Sort as asked. Keys come in order anyway; any other target without an order means ascending."""
    order = asked.sort_order
    if asked.sort_target != "KEY" and order == "NONE":
        order = "ASCEND"
    if order == "NONE":
        return kvs
    return sorted(kvs, key=_TARGETS[asked.sort_target], reverse=order == "DESCEND")
