"""What etcd's pure store costs, by the number of its keys: puts, reads of 50 keys, and 1,000 watchers.

The watchers are told twice: as the puts come, 100 at a time, and all at once. Run it: `python tests/bench_etcd.py
[KEYS...]`. CPU time; ten times the keys should take less than 1.5 times as long, and a line says how much. The last
line is what a key takes of memory, beside its name and value.
"""

from __future__ import annotations

import sys
import tracemalloc
from time import process_time

from kubeproof.impl.etcd import Put, Range, Store, Watcher, apply, poll, watch

PUTS, READS, WATCHERS, AT_ONCE = 5_000, 1_000, 1_000, 100


def key(number: int) -> bytes:
    """Name a key as an API server does."""
    return f"/registry/pods/default/p{number:07}".encode()


def beside_watchers(store: Store, watchers: list[Watcher], keys: int) -> float:
    """Return the seconds of a put while all watchers are told of every hundred of them."""
    began = process_time()
    for number in range(PUTS // 5):
        store, _ = apply(store, Put(key(number * 7919 % keys), b"z"))
        if number % AT_ONCE == AT_ONCE - 1:
            watchers = [poll(store, watcher)[0] for watcher in watchers]
    return (process_time() - began) / (PUTS // 5)


def measured(keys: int) -> float:
    """Print a line for a store of so many keys; return the seconds of a put."""
    store = Store()
    for number in range(keys):
        store, _ = apply(store, Put(key(number), b"x"))
    watchers = [watch(store, key(number * keys // WATCHERS)) for number in range(WATCHERS)]
    watched = beside_watchers(store, watchers, keys)
    began = process_time()
    for number in range(PUTS):
        store, _ = apply(store, Put(key(number * 7919 % keys), b"y"))
    put = process_time()
    for number in range(READS):
        apply(store, Range(key(number), key(number + 50)))
    read = process_time()
    told = sum(len(poll(store, watcher)[1]) for watcher in watchers)  # type: ignore[arg-type]
    heard = process_time()
    print(
        f"{keys:,} keys: {PUTS / (put - began):,.0f} puts/s, {1 / watched:,.0f} puts/s beside {WATCHERS:,} watchers, "
        f"{READS / (read - put):,.0f} ranges/s, {WATCHERS:,} watchers read {PUTS:,} changes in {heard - read:.2f} s "
        f"and are told {told}"
    )
    return (put - began) / PUTS


def held(keys: int) -> float:
    """Return the bytes that a store takes for each of so many keys."""
    names = [key(number) for number in range(keys)]
    tracemalloc.start()
    store = Store()
    for name in names:
        store, _ = apply(store, Put(name, b"x"))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / keys


def main(sizes: list[int]) -> None:
    """Measure stores of some sizes, and say how the cost of a put grows."""
    costs = [measured(keys) for keys in sizes]
    for smaller, larger, before, after in zip(sizes, sizes[1:], costs, costs[1:], strict=False):
        print(f"{larger / smaller:.0f} times the keys: {after / before:.2f} times the time of a put")
    print(f"{min(sizes):,} keys: {held(min(sizes)):,.0f} bytes each")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 100_000])
