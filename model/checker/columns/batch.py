"""What the column engine knows of the states at hand, and the room it works in.

A batch is a stretch of states that follow each other. Its arrays lie in a room, which is used again for the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..book import Finding
from ..semantics import URGENT_LIMIT

ASKED_AT_ONCE = 4096
PAD = 40
"""Columns are so much longer than a batch: else all of one state would fall into the same few lines of the cache."""


class Shorter(Exception):  # noqa: N818 - no error: the batch is done again with fewer states
    """A batch must end before one of its states, where `error`, if any, is then raised."""

    def __init__(self, states: int, error: BaseException | None = None) -> None:
        self.states = states
        self.error = error


def for_state(state: int, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call what may raise on behalf of a state of a batch: the states before it come first."""
    try:
        return call(*arguments)
    except BaseException as error:
        if state == 0:
            raise
        raise Shorter(state, error) from None


class Steps:
    """Room for the steps of a batch."""

    def __init__(self, room: int, words: int) -> None:
        self.rows = np.empty((room, words), dtype=np.uint64)
        self.sources = np.empty(room, dtype=np.int32)
        self.chosen = np.empty(room, dtype=np.int64)
        self.hashes = np.empty(room, dtype=np.uint64)
        self.targets = np.empty(room, dtype=np.int64)
        self.fresh = np.empty(room, dtype=np.int32)
        """The steps that lead to no state known when they were looked up."""
        self.new = np.empty((room, words), dtype=np.uint64)
        self.origin = np.empty(room, dtype=np.int32)
        self.reached: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] = (
            np.empty(room, dtype=np.uint32), np.empty(room, dtype=np.uint16), np.empty(room, dtype=np.uint16)
        )  # fmt: skip
        """Of the new states: parent, action, ordinal."""
        self.twins = np.zeros(0, dtype=np.int32)
        self.seen = np.zeros(0, dtype=np.int32)

    def for_twins(self, fresh: int) -> None:
        """Make room to find equal rows among so many."""
        if len(self.twins) < len(self.sources):
            self.twins = np.empty(len(self.sources), dtype=np.int32)
        if len(self.seen) < 2 * fresh:
            self.seen = np.empty(1 << (2 * fresh).bit_length(), dtype=np.int32)

    def larger(self, made: int) -> Steps:
        """Return twice the room, with the first `made` steps in it."""
        steps = Steps(2 * len(self.sources), self.rows.shape[1])
        steps.rows[:made] = self.rows[:made]
        steps.sources[:made] = self.sources[:made]
        steps.chosen[:made] = self.chosen[:made]
        return steps


class Room:
    """The arrays one batch at a time is expanded in: nobody else writes there meanwhile."""

    def __init__(self, states: int, slots: int, kinds: int, urgent: int, words: int) -> None:
        self.columns = np.empty((slots, states + PAD), dtype=np.int32)
        self.leaves = np.empty((kinds, states + PAD), dtype=np.int32)
        self.fair = np.zeros(states, dtype=np.uint8)
        self.index = np.empty(states, dtype=np.uint64)
        self.missing = np.zeros((ASKED_AT_ONCE, 2), dtype=np.int64)
        self.work = (
            np.zeros((2 * slots, 1), dtype=np.int32),
            np.zeros(urgent, dtype=np.uint8),
            np.zeros(URGENT_LIMIT + 1, dtype=np.int64),
            np.zeros(2, dtype=np.int64),
        )
        """For a step and the urgent ones after it: ids before and after, who is to be asked, effects, a question."""
        self.steps = Steps(4 * states, words)


class Batch:
    """What is known of the states at hand."""

    def __init__(self, head: int, count: int, room: Room) -> None:
        self.head = head
        self.count = count
        self.room = room
        self.columns, self.leaves, self.fair = room.columns, room.leaves, room.fair
        self.looked = False
        """Whether every function's leaf is known for each of them."""
        self.made = 0
        """The steps that were written down."""
        self.packed = -1
        """The layout of the words they were written in."""
        self.fresh = 0
        """How many of them lead to no state that was known when they were looked up, in which table:"""
        self.table: object = None
        self.counts = np.zeros((2, 0), dtype=np.int64)
        """Per action, the states where it is enabled, and the steps."""
        self.breaches: list[tuple[int, int, Finding]] = []
        """Of step properties: the number of the step in the batch, that of the property, and what is wrong."""
        self.known = np.zeros(0, dtype=np.uint8)
        """Per tree of a step property (as `KNOWN` and `TAKEN`), what the loops must know or tell."""
        self.fault = False
        """The search ends with the last breach; the batch is cut to its first state, and that before that step."""
        self.cut: Shorter | None = None
        """Why it cannot be finished."""

    def ids(self, state: int) -> list[int]:
        """Return the ids of one state."""
        row: list[int] = self.columns[:, state].tolist()
        return row
