"""What clients of a replicated etcd see, through changing leaders, is what one copy could have answered.

Three members of Raft, each with a store; a network that loses, repeats and reorders; crashes, partitions, transfers.
"""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import evolve, field, frozen, mutable

from kubeproof.impl.etcd import (
    Compact,
    Compacted,
    Compare,
    DeleteRange,
    Operation,
    Put,
    Range,
    Store,
    Txn,
    apply,
    poll,
    watch,
)
from kubeproof.impl.etcd.raft import Entry, Kind, Message, Node, Options, Role, bootstrap, compact, restart, step
from oracles.linearizability import Call, order_of
from planted import planted

KEYS = (b"a", b"b")
MEMBERS = (1, 2, 3)
MOST_CALLS = 14
"""The search for an order is exponential in those that were never answered."""


@frozen
class Asked:
    """An operation of a client, and a number that tells it from the same one asked again."""

    number: int
    operation: Operation


def one_copy(store: Any, asked: Any) -> tuple[Any, Any]:
    return apply(store, asked.operation)


@mutable
class Cluster:
    """Members with their stores, messages on their way, and what clients asked and were answered."""

    random: Random
    options: Options
    nodes: dict[int, Node] = field(factory=dict)
    stores: dict[int, tuple[int, Store]] = field(factory=dict)
    network: list[Message] = field(factory=list)
    cut: frozenset[int] = frozenset()
    calls: dict[int, Call] = field(factory=dict)
    reads: dict[tuple[int, int], int] = field(factory=dict)
    now: int = 0

    def begin(self) -> Cluster:
        """Begin with three members that know of nothing."""
        self.nodes = {me: bootstrap(me, MEMBERS, self.options) for me in MEMBERS}
        self.stores = {me: (1, Store()) for me in MEMBERS}
        return self

    def take(self, me: int, message: Message) -> None:
        """Let a member take a message, and send what it answers."""
        self.nodes[me], sent = step(self.nodes[me], message)
        for one in sent:
            if one.to == me:
                self.reads[me, one.context] = one.index  # type: ignore[index]
            else:
                self.network.append(one)
        self.catch_up(me)

    def catch_up(self, me: int) -> None:
        """Apply what is committed, answer who waits for it here, and the reads that waited to be so far."""
        node, (at, store) = self.nodes[me], self.stores[me]
        if at < node.log.snapshot.index:
            at, store = node.log.snapshot.index, node.log.snapshot.data  # type: ignore[assignment]
        for entry in node.log.after(at, node.applied):
            if isinstance(entry.data, Asked):
                store, result = apply(store, entry.data.operation)
                if entry.data.number % 3 + 1 == me:
                    self.answer(entry.data.number, result)
        self.stores[me] = (node.applied, store)
        for (asker, number), index in sorted(self.reads.items()):
            if asker == me and index <= node.applied:
                self.answer(number, one_copy(store, self.calls[number].asked)[1])
                del self.reads[asker, number]

    def answer(self, number: int, result: Any) -> None:
        """Answer a client, once."""
        if number in self.calls and self.calls[number].open:
            self.calls[number] = evolve(self.calls[number], returned=self.now, answer=result)

    def ask(self) -> None:
        """Ask the member that a number belongs to: a put, a transaction, or a read."""
        number, key = len(self.calls), self.random.choice(KEYS)
        value = f"{number}".encode()
        seen = self.random.randint(0, 3)
        put, read = Put(key, value), Range(key)
        swap = Txn((Compare(key, "VERSION", "EQUAL", seen),), (put,), (Range(KEYS[0]),))
        operation = self.random.choice((put, swap, read, read))
        me, asked = number % 3 + 1, Asked(number, operation)
        self.calls[number] = Call(asked, self.now)
        if operation is read:
            self.take(me, Message(Kind.READ_INDEX, sender=me, context=number))
        else:
            self.take(me, Message(Kind.PROPOSE, sender=me, entries=(Entry(0, asked),)))

    def happen(self) -> None:
        """Let something happen, drawn at random."""
        self.now += 1
        draw, me = self.random.random(), self.random.choice(MEMBERS)
        if self.network and draw < 0.72:
            place = self.random.randrange(len(self.network))
            again = (
                self.random.random() < 0.08 and self.network[place].kind is not Kind.PROPOSE
            )  # Else it is done twice.
            message = self.network[place] if again else self.network.pop(place)
            lost = self.random.random() < 0.02 or bool({message.sender, message.to} & self.cut)
            if not lost:
                self.take(message.to, message)
        elif draw < 0.80:
            if self.nodes[len(self.calls) % 3 + 1].leader and len(self.calls) < MOST_CALLS:
                self.ask()
        elif draw < 0.90:
            node = self.nodes[me]
            if node.role is Role.LEADER:
                self.take(me, Message(Kind.BEAT))
        elif draw < 0.92:
            self.nodes[me] = evolve(self.nodes[me], election_elapsed=self.options.election_ticks)
            if self.nodes[me].role is not Role.LEADER:
                self.take(me, Message(Kind.HUP))
        elif draw < 0.935:
            self.nodes[me] = restart(me, self.nodes[me].disk, self.options)
            self.stores[me] = (1, Store())
            self.reads = {key: index for key, index in self.reads.items() if key[0] != me}
            self.catch_up(me)
        elif draw < 0.955:
            self.cut = frozenset() if self.cut else frozenset({me})
        elif draw < 0.98:
            self.nodes[me] = compact(self.nodes[me], self.stores[me][1])
        else:
            self.take(me, Message(Kind.TRANSFER, sender=self.random.choice(MEMBERS)))


def history(seed: int, options: Options, steps: int = 300) -> tuple[Cluster, bool]:
    """Run a cluster; tell whether what its clients saw has an order."""
    cluster = Cluster(Random(seed), options).begin()  # noqa: S311 - repeatable, not secret
    while cluster.now < steps:
        cluster.happen()
    calls = [call for call in cluster.calls.values() if not (call.open and isinstance(call.asked.operation, Range))]
    return cluster, order_of(calls, one_copy, Store()) is not None


PLAIN = Options(pre_vote=False, check_quorum=False)


@pytest.mark.parametrize("options", [PLAIN, Options()], ids=["plain", "with pre-votes and quorums checked"])
def test_every_history_has_an_order(options: Options) -> None:
    terms, answered = set(), 0
    for seed in range(300):
        cluster, linearizable = history(seed, options)
        assert linearizable, seed
        terms |= {node.term for node in cluster.nodes.values()}
        answered += sum(not call.open for call in cluster.calls.values())
    assert max(terms) > 4
    assert answered > 1000


def test_a_history_without_an_order_is_found() -> None:
    put, read = Asked(0, Put(b"a", b"1")), Asked(1, Range(b"a"))
    after, written = one_copy(Store(), put)
    late = Call(read, 2, 3, one_copy(Store(), read)[1])
    assert order_of([Call(put, 0, 1, written), late], one_copy, Store()) is None
    assert order_of([Call(put, 0, 5, written), late], one_copy, Store()) == (late, Call(put, 0, 5, written))
    assert order_of([Call(put, 0), Call(read, 2, 3, one_copy(after, read)[1])], one_copy, Store()) is not None


FAULTS = [
    ("a read is served without a quorum", "reads", "if node.config.everyone == (node.id,):", "if True:"),
    ("a read is served before the leader has committed", "reads", "if node.log.term_at(node.commit) != node.term:\n        return evolve", "if False:\n        return evolve"),
    ("votes are given twice", "elections", "not (early or free)", "not (early or True)"),
    ("a vote is counted for somebody else", "elections", "votes=node.votes if voter in node.votes else node.votes.set(voter, granted)", "votes=node.votes.set(voter, True)"),
    ("who votes does not look at the log", "elections", " or not node.log.up_to_date(message.index, message.log_term)", ""),
]  # fmt: skip
MOST = 1500
"""So many histories are tried."""


def unordered(most: int = MOST) -> bool:
    """Tell whether one of some histories has no order."""
    return any(not history(seed, PLAIN)[1] for seed in range(most))


@pytest.mark.parametrize(("module", "before", "after"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_makes_a_history_without_an_order(module: str, before: str, after: str) -> None:
    with planted(f"kubeproof.impl.etcd.raft.{module}", before, after):
        assert unordered()


def heard_of_a_deletion() -> list[str]:
    """Return what watchers hear that come late to a deletion at the very revision that is compacted, and before it."""
    store = Store()
    for operation in (Put(b"a"), DeleteRange(b"a"), Compact(3)):
        store, _ = apply(store, operation)
    heard = []
    for start in (3, 2):
        _, seen = poll(store, watch(store, b"a", start_revision=start))
        heard += ["too late"] if isinstance(seen, Compacted) else ["a is gone" for event in seen if event.deletes]
    return heard


def test_a_compaction_takes_no_event_from_a_watcher_that_is_not_told() -> None:
    """etcd#18089: a deletion at the revision that was compacted was skipped."""
    assert heard_of_a_deletion() == ["a is gone", "too late"]
    with planted(
        "kubeproof.impl.etcd.store",
        "event for event in store.since(revision)",
        "event for event in store.since(revision + 1)",
    ):
        assert heard_of_a_deletion() == ["too late"]
