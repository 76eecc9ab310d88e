"""Members that agree are one copy: every step of theirs is a step of one store that is written and read, or none.

That is why a cluster may be checked with one member of etcd. A committed entry is an operation on the store of
`model/components/control_plane/etcd.py`; several may be committed by one step. A read may be answered with any state
that the one copy had between question and answer: that is what linearizable means for who only reads.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from ...model.components.control_plane import etcd
from ...model.components.control_plane.raft import Log
from ...model.components.control_plane.read_index import READ
from ...model.machine import Action, Machine, Outcome, View

STORE = "store"


def operation(index: int, term: int) -> etcd.Set:
    """Return what the entry of a term at an index does: logs that differ leave stores that differ."""
    return etcd.Set(etcd.KEYS[index % 2], f"{term}")


def applied(log: Log) -> etcd.State:
    """Return the store after the operations of a log."""
    state = etcd.State()
    for index, term in enumerate(log):
        state = operation(index, term).apply(state)
    return state


def single_copy(terms: int, length: int) -> Machine:
    """Return one store with a client who writes and one who reads, once."""

    def write(view: View) -> Iterator[Outcome]:
        states = {view[STORE]}
        for _ in range(length):
            states = {(*log, term) for log in states for term in range(1, terms + 1) if len(log) < length}
            yield from (Outcome("writes", {STORE: log}) for log in sorted(states))

    def begin(view: View) -> Iterator[Outcome]:
        if view[READ] is None:
            yield Outcome("asks", {READ: (view[STORE], None)})

    def end(view: View) -> Iterator[Outcome]:
        if view[READ] is not None and view[READ][1] is None:
            for upto in range(len(view[READ][0]), len(view[STORE]) + 1):
                yield Outcome("is told", {READ: (view[READ][0], applied(view[STORE][:upto]))})

    first: dict[str, Hashable] = {STORE: (), READ: None}
    actions = (Action("write", "writer", write), Action("begin", "reader", begin), Action("end", "reader", end))
    return Machine((first,), actions)


def seen(view: View) -> Mapping[str, Hashable]:
    """Return the one copy that members stand for: what was committed, and the read with what it was told."""
    read = view[READ]
    told = None if read is None else (read.before, None if read.answer is None else applied(read.answer))
    return {STORE: view["chosen"][0], READ: told}
