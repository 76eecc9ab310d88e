"""What the recordings do not pin down of etcd's store: leases, sorting, limits, and what a value of it shares."""

from __future__ import annotations

from typing import Any

import pytest

from kubeproof.impl.etcd import (
    Compare,
    DeleteRange,
    Failure,
    LeaseGrant,
    LeaseKeepAlive,
    LeaseLeases,
    LeaseRevoke,
    LeaseTimeToLive,
    Operation,
    Put,
    Range,
    Store,
    Txn,
    apply,
    expire,
    poll,
    watch,
)
from kubeproof.impl.etcd.operations import FROM_KEY, LeaseResult


def after(*operations: Operation) -> Store:
    store = Store()
    for operation in operations:
        store, result = apply(store, operation)
        assert not isinstance(result, Failure), result
    return store


def answer(store: Store, operation: Operation) -> Any:
    return apply(store, operation)[1]


THREE = (Put(b"a", b"3"), Put(b"b", b"1"), Put(b"c", b"2"))


def test_a_transaction_decides_inner_branches_before_anything_changes() -> None:
    inner = Txn((Compare(b"a", "VERSION", "EQUAL", 0),), (Put(b"b", b"unseen"),), (Put(b"b", b"seen"),))
    store = after(Txn((), (Put(b"a", b"1"), inner)))
    assert store.keys[b"b"].value == b"unseen"
    assert (store.revision, store.keys[b"a"].mod_revision, store.keys[b"b"].mod_revision) == (2, 2, 2)


def test_a_transaction_that_may_write_a_key_twice_is_refused() -> None:
    nested = Txn((), (Put(b"a"),), (Put(b"a"),))
    assert answer(Store(), Txn((), (Put(b"a"), Put(b"a")))).message == "etcdserver: duplicate key given in txn request"
    assert isinstance(answer(Store(), Txn((), (nested, Put(b"a")))), Failure)
    assert isinstance(answer(Store(), Txn((), (DeleteRange(b"a", b"c"), Put(b"b")))), Failure)
    assert not isinstance(answer(Store(), Txn((), (nested, Put(b"b")))), Failure)


def test_a_transaction_has_at_most_128_operations() -> None:
    puts = tuple(Put(f"{number}".encode()) for number in range(129))
    assert not isinstance(answer(Store(), Txn((), puts[:128])), Failure)
    assert answer(Store(), Txn((), puts)).message == "etcdserver: too many operations in txn request"


@pytest.mark.parametrize(
    ("target", "order", "keys"),
    [
        ("KEY", "NONE", [b"a", b"b", b"c"]),
        ("KEY", "DESCEND", [b"c", b"b", b"a"]),
        ("VALUE", "NONE", [b"b", b"c", b"a"]),
        ("MOD", "DESCEND", [b"c", b"b", b"a"]),
    ],
)
def test_a_range_is_sorted_as_asked(target: Any, order: Any, keys: list[bytes]) -> None:
    result = answer(after(*THREE), Range(b"a", FROM_KEY, sort_target=target, sort_order=order))
    assert [kv.key for kv in result.kvs] == keys


def test_a_limit_cuts_what_is_shown_but_not_what_is_counted() -> None:
    result = answer(after(*THREE), Range(b"a", FROM_KEY, limit=2))
    assert ([kv.key for kv in result.kvs], result.count, result.more) == ([b"a", b"b"], 3, True)
    assert not answer(after(*THREE), Range(b"a", FROM_KEY, limit=3)).more


def test_a_revoked_lease_takes_its_keys_with_it_at_one_revision() -> None:
    store = after(LeaseGrant(7, 60), Put(b"a", lease=7), Put(b"b", lease=7), Put(b"c"), LeaseRevoke(7))
    assert (sorted(store.keys), store.revision) == ([b"c"], 5)
    _, events = poll(store, watch(store, b"a", FROM_KEY, 5))
    assert isinstance(events, tuple)
    assert [(event.kv.key, event.deletes) for event in events] == [(b"a", True), (b"b", True)]
    assert answer(store, Put(b"a", lease=7)).message == "etcdserver: requested lease not found"


def test_a_put_without_its_lease_lets_go_of_it() -> None:
    store = after(LeaseGrant(7, 60), Put(b"a", b"1", lease=7), Put(b"a", b"2"))
    assert store.attached(7) == ()
    kept = after(LeaseGrant(7, 60), Put(b"a", b"1", lease=7), Put(b"a", b"2", ignore_lease=True))
    assert kept.attached(7) == (b"a",)


def test_a_lease_runs_out_at_its_time_unless_it_is_kept_alive() -> None:
    granted = after(LeaseGrant(7, 2), LeaseGrant(8, 1), Put(b"a", lease=7), Put(b"b", lease=8), Put(b"c", lease=8))
    kept, result = apply(granted, LeaseKeepAlive(8), now=500)
    assert result.ttl == 1  # type: ignore[union-attr]
    assert sorted(expire(kept, 1499).keys) == [b"a", b"b", b"c"]
    assert (sorted(expire(kept, 1500).keys), expire(kept, 1500).revision) == ([b"a"], 5)
    both = expire(kept, 2000)
    assert [(event.kv.key, event.kv.mod_revision) for event in both.since(5)] == [(b"b", 5), (b"c", 5), (b"a", 6)]
    assert answer(both, LeaseLeases()).ids == ()


def test_a_lease_that_has_run_out_is_not_kept_alive() -> None:
    store = after(LeaseGrant(7, 1))
    same, result = apply(store, LeaseKeepAlive(7), now=1000)
    assert (same, result.ttl) == (store, 0)  # type: ignore[union-attr]
    assert answer(store, LeaseKeepAlive(8)).ttl == 0


def test_what_is_left_of_a_lease_is_told_in_whole_seconds() -> None:
    store = after(LeaseGrant(7, 10), Put(b"b", lease=7), Put(b"a", lease=7))
    left = apply(store, LeaseTimeToLive(7, keys=True), now=2500)[1]
    assert left == LeaseResult(3, 7, 7, 10, (b"a", b"b"))
    assert answer(store, LeaseTimeToLive(8)) == LeaseResult(3, 8, -1)


def test_a_watch_from_now_on_is_told_nothing_old() -> None:
    store = after(*THREE)
    watcher = watch(store, b"a", FROM_KEY)
    assert poll(store, watcher)[1] == ()
    later, _ = apply(store, Put(b"d"))
    assert [event.kv.key for event in poll(later, watcher)[1]] == [b"d"]  # type: ignore[union-attr]


def test_a_watch_from_a_revision_to_come_is_told_nothing_before_it() -> None:
    store = after(*THREE)
    early, events = poll(store, watch(store, b"a", FROM_KEY, store.revision + 2))
    assert events == ()
    next_one, _ = apply(store, Put(b"d"))
    early, events = poll(next_one, early)
    assert events == ()
    later, _ = apply(next_one, Put(b"e"))
    assert [event.kv.key for event in poll(later, early)[1]] == [b"e"]  # type: ignore[union-attr]


def test_the_store_before_is_still_there_after() -> None:
    before = after(*THREE)
    apply(before, DeleteRange(b"a", FROM_KEY))
    assert sorted(before.keys) == [b"a", b"b", b"c"]
