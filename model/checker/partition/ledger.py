"""What is known of a partitioned search as a whole, and its book: the states themselves lie with the workers.

Left out on purpose: how the workers are asked (`search`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import NDArray

from ...machine import Machine, Property
from ..book import Book, Finding
from ..checkpoint import Identity
from ..columns.states import as_bytes
from .told import Told

ACTION_BITS, ORDINAL = 16, (1 << 16) - 1
"""Where the action begins in a choice, and what of it is the ordinal."""

MOST_STATES = (1 << 31) - 1
"""A graph of more states has no numbers where it is judged."""


@frozen
class Standing:
    """What is known where a level ends: the sizes of the levels (the last one not expanded), sums and firsts."""

    sizes: tuple[int, ...]
    transitions: int = 0
    counts: tuple[tuple[int, ...], ...] = ()
    findings: Mapping[int, Finding] = field(factory=dict)
    occurred: frozenset[int] = frozenset()
    reached: Mapping[int, int] = field(factory=dict)

    @property
    def states(self) -> int:
        """Return the number of states found."""
        return sum(self.sizes)

    @property
    def expanded(self) -> int:
        """Return the number of states expanded."""
        return sum(self.sizes[:-1])

    def noting(self, told: Sequence[Told]) -> Standing:
        """Return the standing with the firsts that workers know of."""
        every: tuple[Standing | Told, ...] = (self, *told)
        findings: dict[int, Finding] = {}
        reached: dict[int, int] = {}
        for known in every:
            for claim, finding in known.findings.items():
                findings[claim] = min(findings.get(claim, finding), finding, key=_state_of)
            for claim, state in known.reached.items():
                reached[claim] = min(reached.get(claim, state), state)
        occurred = frozenset[int]().union(*(known.occurred for known in every))
        return evolve(self, findings=findings, occurred=occurred, reached=reached)

    def then(self, width: int, told: Sequence[Told]) -> Standing:
        """Return the standing one level on."""
        counts = zip(*(answer.counts for answer in told), strict=True)
        return evolve(
            self.noting(told),
            sizes=(*self.sizes, width),
            transitions=sum(answer.transitions for answer in told),
            counts=tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in counts),
        )


@frozen
class Saved:
    """What the search itself must know to be taken up; the parts lie with the workers."""

    identity: Identity
    workers: int
    standing: Standing
    values: bytes = field(repr=False)


def _state_of(finding: Finding) -> int:
    return finding.state


class Ledger(Book):
    """The book of a search whose states lie with the workers: how a state was reached it asks them."""

    def __init__(
        self,
        machine: Machine,
        properties: Sequence[Property],
        ask: Callable[[str, Sequence[Any]], list[Any]],
        *,
        urgent: bool,
        most_steps: int,
    ) -> None:
        self.sizes: tuple[int, ...] = ()
        self.forsaken = ""
        """Why there is nobody left to ask, "" where there is somebody."""
        self._ask = ask
        self._most_steps = most_steps
        super().__init__(machine, properties, urgent=urgent, stop_at_first=False)

    def stand(self, standing: Standing) -> None:
        """Take over what is known."""
        self.sizes = standing.sizes
        self.expanded, self.transitions = standing.expanded, standing.transitions
        self.findings, self.reached = dict(standing.findings), dict(standing.reached)
        self.occurred = set(standing.occurred)
        if standing.counts:
            self.enabled, self.taken, self.new = (list(row) for row in standing.counts)

    def path(self, state: int) -> tuple[int, list[tuple[int, int]]]:
        """Return the root a state was reached from, and the (action, ordinal) of each step to it."""
        steps: list[tuple[int, int]] = []
        while state >= len(self.roots):
            (found,) = (answer for answer in self._ask("origin", (state,)) if answer is not None)
            state, choice = found
            steps.append((choice >> ACTION_BITS, choice & ORDINAL))
        return state, steps[::-1]

    @property
    def states(self) -> int:
        """The number of states found."""
        return sum(self.sizes)

    def depths(self) -> tuple[int, ...]:
        """Return how many states have each depth."""
        return tuple(size for size in self.sizes if size)

    def depth(self, state: int) -> int:
        """Return the number of steps to a state."""
        return bisect_right(list(accumulate(self.sizes)), state)

    @property
    def _too_large(self) -> bool:
        return self.transitions > self._most_steps or self.expanded >= MOST_STATES

    def unjudged(self, number: int) -> str:
        """Say why a property cannot be judged: nobody can be asked, or it wants a graph that is too large."""
        if self._too_large and number in self.liveness and number not in self.findings:
            return f"the graph of {self.transitions:,} steps is too large to be put together"
        return self.forsaken

    def gather(self) -> None:
        """Ask the workers for the graph of all steps and put it together, if some property wants it."""
        if self.liveness and not self._too_large and not self.forsaken:
            self._put_together(self._ask("graph", (self.expanded,)))

    def _put_together(self, parts: Sequence[Mapping[str, NDArray[Any]]]) -> None:
        numbers, counts, targets, choices = (
            np.concatenate([part[name] for part in parts]) for name in ("numbers", "counts", "targets", "choices")
        )
        order = np.argsort(numbers)
        wide = counts.astype(np.int64)
        begins = (np.cumsum(wide) - wide)[order]
        wide = wide[order]
        ends = np.cumsum(wide)
        where = np.repeat(begins - (ends - wide), wide) + np.arange(len(targets), dtype=np.int64)
        self.edges_end, self.edge_to = array("Q"), array("I")  # It may be for the second time: a worker was lost since.
        self.edge_action, self.edge_ordinal = array("H"), array("H")
        self.edges_end.frombytes(as_bytes(ends.astype(np.uint64)))
        self.edge_to.frombytes(as_bytes(targets[where].astype(np.uint32)))
        self.edge_action.frombytes(as_bytes((choices[where] >> ACTION_BITS).astype(np.uint16)))
        self.edge_ordinal.frombytes(as_bytes((choices[where] & ORDINAL).astype(np.uint16)))
        for role, every in (("goal", self.goal), ("when", self.when)):
            for claim, flags in every.items():
                flags[:] = np.concatenate([part[f"{role} {claim}"] for part in parts])[order].tobytes()
