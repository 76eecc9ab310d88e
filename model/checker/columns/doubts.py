"""Functions that are asked again, once in so many steps: each must answer as before."""

from __future__ import annotations

from collections.abc import Sequence

from ..semantics import ImpureStepError, StepError
from ..trees.tree import Tree
from .batch import Batch, for_state
from .tables import Tables

RECHECK = 1000
"""Once in so many steps a function is asked again."""


class Doubts:
    """Chooses who is asked again, and about which state. With threads: later, while these are at work."""

    def __init__(self, tables: Tables, kinds: Sequence[int], *, later: bool) -> None:
        self.tables = tables
        self.kinds = kinds
        self.later = later
        self.since = 0
        self.done = 0
        self.waiting: list[tuple[Tree, list[int]]] = []

    def raise_about(self, batch: Batch, made: int) -> None:
        """Ask some function about a state of a batch, once in so many of its steps."""
        self.since += made
        while self.since >= RECHECK:
            self.since -= RECHECK
            self.done += 1
            state = self.done * 7919 % batch.count
            tree = self.tables.trees[self.kinds[self.done % len(self.kinds)]]
            if self.later:
                self.waiting.append((tree, batch.ids(state)))
            else:
                for_state(state, tree.learn, batch.ids(state))

    def settle(self) -> None:
        """Ask what waits to be asked."""
        waiting, self.waiting = self.waiting, []
        for tree, ids in waiting:
            try:
                tree.learn(ids)
            except StepError as error:
                raise ImpureStepError(f"{error}, which it had not done before") from error
