"""Faults that one line can make in etcd's store, and the lockstep run that notices each."""

from __future__ import annotations

import random

import pytest

from kubeproof.model.components.control_plane import etcd as model
from kubeproof.properties.refinement.etcd import Pair, drive
from planted import planted

RUNS = 40
STEPS = 20


def any_action(choose: random.Random, pair: Pair) -> model.Action:
    """Choose among all kinds of actions, small domains, so that keys and revisions collide."""
    key, other = choose.sample(model.KEYS, 2)
    one, two = choose.choices((*model.VALUES, None), k=2)
    live = [index for index, watch in enumerate(pair.told) if not watch.lost]
    options: list[model.Action] = [
        model.Set(key, choose.choice(model.VALUES)),
        model.Remove(key),
        model.Guarded(key, choose.randint(0, pair.state.revision), ((key, one), (other, two)), ((other, one),)),
        model.Forget(choose.randint(1, pair.state.revision + 1)),
    ]
    if len(pair.told) < 2:
        options.append(model.Begin(key, choose.randint(1, pair.state.revision + 1)))
    if live:
        options.append(model.Tell(choose.choice(live), pair.state.revision))
    return choose.choice(options)


def breaches(runs: int = RUNS) -> list[str]:
    """Drive store and model together from several seeds; give the first lines that differ."""
    for seed in range(runs):
        choose, pair = random.Random(seed), Pair()  # noqa: S311 - repeatable, not secret
        for _ in range(STEPS):
            pair, lines = drive(pair, any_action(choose, pair))
            if lines:
                return list(lines)
    return []


FAULTS = [
    ("a watcher skips an event", "watch", "store.revision + 1)), events", "store.revision + 2)), events"),
    ("a watcher is told an event twice", "watch", "store.since(watcher.next_revision)", "store.since(0)"),
    (
        "a watch that is too late is not cancelled",
        "watch",
        "next_revision < store.compact",
        "next_revision < -store.compact",
    ),
    ("a comparison always succeeds", "txn", "all(holds(store, compare) for compare in txn.compare)", "True"),
    (
        "a compaction forgets its own revision",
        "store",
        "event for event in store.since(revision)",
        "event for event in store.since(revision + 1)",
    ),
    (
        "a put of a known key creates it again",
        "store",
        "created = old.create_revision if old else new",
        "created = new",
    ),
    ("the version does not count", "store", "(old.version if old else 0) + 1", "1"),
    (
        "an old revision shows newer keys",
        "store",
        "0 < revision < event.kv.mod_revision",
        "0 < revision < event.kv.mod_revision - 1",
    ),
    (
        "a transaction takes a revision for each change",
        "store",
        "old, new = self.keys.get(key), self.store.revision + 1",
        "old, new = self.keys.get(key), self.revision + 1",
    ),
    (
        "a compacted revision can be compacted again",
        "store",
        "if revision <= store.compact_revision:",
        "if revision < store.compact_revision:",
    ),
]


@pytest.mark.parametrize(("module", "before", "after"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_the_lockstep_run_notices(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.etcd.{module}", before, after):
        assert breaches() != []


def test_the_lockstep_run_finds_nothing_without_a_fault() -> None:
    assert breaches() == []
