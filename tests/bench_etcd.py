"""What etcd's pure store costs, by the number of its keys: puts, reads of 50 keys, and 1,000 watchers that catch up.

Run it: `python tests/bench_etcd.py [KEYS...]`. CPU time; a store of ten times the keys should be hardly dearer.
"""

from __future__ import annotations

import sys
from time import process_time

from kubeproof.impl.etcd import Put, Range, Store, apply, poll, watch

PUTS, READS, WATCHERS = 5_000, 1_000, 1_000


def key(number: int) -> bytes:
    """Name a key as an API server does."""
    return f"/registry/pods/default/p{number:07}".encode()


def main(sizes: list[int]) -> None:
    """Measure and print a line for each size."""
    for keys in sizes:
        store = Store()
        for number in range(keys):
            store, _ = apply(store, Put(key(number), b"x"))
        watchers = [watch(store, key(number * keys // WATCHERS)) for number in range(WATCHERS)]
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
            f"{keys:,} keys: {PUTS / (put - began):,.0f} puts/s, {READS / (read - put):,.0f} ranges/s, "
            f"{WATCHERS:,} watchers read {PUTS:,} changes in {heard - read:.2f} s and are told {told}"
        )


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 100_000])
